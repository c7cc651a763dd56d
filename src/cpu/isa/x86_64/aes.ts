/**
 * AES-NI: rounds of AES on a state of sixteen bytes, column by column (FIPS 197; Intel SDM vol. 2, "AESENC").
 *
 * Bytes are substituted by lookups of four bits in vectors (aes-tables.ts): no table in memory, and the time it takes does
 * not depend on the data.
 */
import { i32, shuffle, type V128, v128 } from "../../wasm/expr.ts";
import { type FunctionBuilder, getGlobal, type ModuleBuilder } from "../../wasm/module.ts";
import { bits, i8x16, i16x8, i32x4 } from "../../wasm/simd.ts";
import { AFFINE_CONSTANT, inverseSboxTables, type SboxTables, sboxTables } from "./aes-tables.ts";
import { type Binary, byteVector, type Lanes, ZERO } from "./lanes.ts";

export const aesTable = `
66 0f 38 db     aesimc   Vx,Wx
66 0f 38 dc     aesenc   Vx,Wx
66 0f 38 dd     aesenclast Vx,Wx
66 0f 38 de     aesdec   Vx,Wx
66 0f 38 df     aesdeclast Vx,Wx
66 0f 3a df     aeskeygenassist Vx,Wx,Ib
`;

const everyByte = (value: number): V128 => byteVector(new Array<number>(16).fill(value));

/** Byte number `row` of a column comes from the column `row` further, or for decryption before. */
function shiftRows(v: V128, direction: 1 | -1): V128 {
  const order = Array.from({ length: 16 }, (_, i) => (i + direction * 4 * (i & 3)) & 15);
  return shuffle(v, v, order);
}

/** The tables as globals: a constant in the code costs V8 several instructions each time. */
type TableGlobals = { readonly [name in keyof SboxTables]: V128 };

function substitute(f: FunctionBuilder, v: V128, t: TableGlobals, nibble: V128): V128 {
  const look = (table: V128, index: V128): V128 => i8x16.swizzle(table, index);
  const low = f.let(bits.and(v, nibble));
  const high = f.let(bits.and(i16x8.shr_u(v, i32.const(4)), nibble));
  const k = f.let(bits.xor(look(t.kFromLow, low), look(t.kFromHigh, high)));
  const i = f.let(bits.xor(look(t.iFromLow, low), look(t.iFromHigh, high)));
  const j = f.let(bits.xor(i, k));
  const quotient = f.let(look(t.quotient, k));
  const p = bits.xor(look(t.inverse, bits.xor(look(t.inverse, i), quotient)), j);
  const q = bits.xor(look(t.inverse, bits.xor(look(t.inverse, j), quotient)), i);
  return f.let(bits.xor(look(t.toP, p), look(t.toQ, q)));
}

/** Each byte times 2 in the field. v is evaluated. */
const double = (v: V128): V128 => bits.xor(i8x16.add(v, v), bits.and(i8x16.gt_s(ZERO, v), everyByte(0x1b)));

/** Each column's bytes moved up by `n` places, around. */
const rotateColumns = (v: V128, n: number): V128 =>
  shuffle(
    v,
    v,
    Array.from({ length: 16 }, (_, i) => (i & 12) | ((i + n) & 3)),
  );

/** Columns times the matrix with 2 3 1 1 in its first row. v is evaluated. */
function mixColumns(f: FunctionBuilder, v: V128): V128 {
  const twice = f.let(double(v));
  // 2a + 3b + c + d = 2a + rot(2b + b + rot(c + rot(d)))
  const cd = f.let(bits.xor(v, rotateColumns(v, 1)));
  const inner = f.let(bits.xor(bits.xor(twice, v), rotateColumns(cd, 1)));
  return bits.xor(twice, rotateColumns(inner, 1));
}

/** The inverse: that matrix times the one with 5 0 4 0. */
function unmixColumns(f: FunctionBuilder, v: V128): V128 {
  const sum = f.let(bits.xor(v, rotateColumns(v, 2)));
  const four = f.let(double(f.let(double(sum))));
  return mixColumns(f, f.let(bits.xor(v, four)));
}

export function defineAes(m: ModuleBuilder): Pick<Lanes, "binary" | "unary" | "unaryImm"> {
  const global = (value: V128): V128 => getGlobal(m.global("v128", false, value));
  const globals = (tables: SboxTables): TableGlobals =>
    Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, global(byteVector(table))])) as never;
  const forward = globals(sboxTables());
  const backward = globals(inverseSboxTables());
  const nibble = global(everyByte(15));
  const constant = global(everyByte(AFFINE_CONSTANT));
  const round = (name: string, result: (f: FunctionBuilder, state: V128, key: V128) => V128): Binary => {
    const fn = m.func(`aes.${name}`, ["v128", "v128"], ["v128"], (f) =>
      f.return(result(f, f.param(0, "v128"), f.param(1, "v128"))),
    );
    return (f, a, b) => f.call("v128", fn, [a, b]);
  };
  // The S-box's constant is the same in all bytes, which mixing the columns does not change: the coefficients' sum is 1.
  const encrypted = (f: FunctionBuilder, state: V128): V128 =>
    substitute(f, f.let(shiftRows(state, 1)), forward, nibble);
  const decrypted = (f: FunctionBuilder, state: V128): V128 =>
    substitute(f, f.let(shiftRows(state, -1)), backward, nibble);
  const withConstant = (key: V128): V128 => bits.xor(key, constant);

  const inverseMix = m.func("aes.imc", ["v128"], ["v128"], (f) => f.return(unmixColumns(f, f.param(0, "v128"))));
  const words = m.func("aes.subBytes", ["v128"], ["v128"], (f) =>
    f.return(bits.xor(substitute(f, f.param(0, "v128"), forward, nibble), constant)),
  );
  return {
    binary: {
      aesenc: round("enc", (f, state, key) => bits.xor(mixColumns(f, encrypted(f, state)), withConstant(key))),
      aesenclast: round("enclast", (f, state, key) => bits.xor(encrypted(f, state), withConstant(key))),
      aesdec: round("dec", (f, state, key) => bits.xor(unmixColumns(f, decrypted(f, state)), key)),
      aesdeclast: round("declast", (f, state, key) => bits.xor(decrypted(f, state), key)),
    },
    unary: { aesimc: (f, b) => f.call("v128", inverseMix, [b]) },
    unaryImm: {
      // Words 1 and 3 substituted; as they are, and rotated by a byte with the constant added.
      aeskeygenassist: (f, b, imm) => {
        const w = f.let(f.call("v128", words, [b]));
        const order = [4, 5, 6, 7, 5, 6, 7, 4, 12, 13, 14, 15, 13, 14, 15, 12];
        const constants = bits.and(i32x4.splat(i32.and(imm, i32.const(0xff))), v128.const(-1n << 32n, -1n << 32n));
        return bits.xor(shuffle(w, w, order), constants);
      },
    },
  };
}
