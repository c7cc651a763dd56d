/**
 * The F, D and Zfh extensions (RISC-V Instruction Set Manual, volume I, "F", "D" and "Zfh" Extensions).
 *
 * Each operation is there twice: in wasm's arithmetic, for as long as nobody can tell that it rounds to nearest and raises
 * no flags, and in integers (float-soft.ts, which says when). Half precision is there in integers alone.
 */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { type F64, f32, f64, type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { FRM } from "./context.ts";
import {
  DOUBLE,
  doubles,
  type Format,
  give,
  HALF,
  loadBits,
  SINGLE,
  singles,
  source,
  storeBits,
} from "./float-formats.ts";
import { defineSoft, type SoftFunctions } from "./float-soft.ts";
import { defineFma, type FmaFunctions } from "./fma.ts";
import { addressOf } from "./integer.ts";
import type { Definition, Family, Sem } from "./sem.ts";
import { CSR_ALIASES } from "./vector/config.ts";
import { vectorTable } from "./vector/table.ts";
import { defineVector } from "./vector/vector.ts";

const FORMATS: readonly Format[] = [SINGLE, DOUBLE, HALF];

/** Integer types of conversions, with the number in the place of rs2. */
const INTEGERS = [
  { name: "w", code: "00000", bits: 32, signed: 1 },
  { name: "wu", code: "00001", bits: 32, signed: 0 },
  { name: "l", code: "00010", bits: 64, signed: 1 },
  { name: "lu", code: "00011", bits: 64, signed: 0 },
] as const;
type Integer = (typeof INTEGERS)[number];

const FMA = [
  { name: "fmadd", opcode: "1000011", product: false, addend: false },
  { name: "fmsub", opcode: "1000111", product: false, addend: true },
  { name: "fnmsub", opcode: "1001011", product: true, addend: false },
  { name: "fnmadd", opcode: "1001111", product: true, addend: true },
] as const;

function table(): string {
  const rows: string[] = [];
  for (const { suffix: x, code, width, bytes } of FORMATS) {
    rows.push(`i12 rs1 ${width} rd 0000111 fl${bytes === 4 ? "w" : x}`);
    rows.push(`s7 rs2 rs1 ${width} s5 0100111 fs${bytes === 4 ? "w" : x}`);
    for (const { name, opcode } of FMA) rows.push(`rs3 ${code} rs2 rs1 rm rd ${opcode} ${name}.${x}`);
    const row = (funct5: string, rest: string): void => {
      const [operands, mnemonic] = rest.split(": ") as [string, string];
      const [rs2, rm] = operands.split(" ");
      rows.push(`${funct5} ${code} ${rs2} rs1 ${rm} rd 1010011 ${mnemonic}`);
    };
    row("00000", `rs2 rm: fadd.${x}`);
    row("00001", `rs2 rm: fsub.${x}`);
    row("00010", `rs2 rm: fmul.${x}`);
    row("00011", `rs2 rm: fdiv.${x}`);
    row("01011", `00000 rm: fsqrt.${x}`);
    row("00100", `rs2 000: fsgnj.${x}`);
    row("00100", `rs2 001: fsgnjn.${x}`);
    row("00100", `rs2 010: fsgnjx.${x}`);
    row("00101", `rs2 000: fmin.${x}`);
    row("00101", `rs2 001: fmax.${x}`);
    row("10100", `rs2 010: feq.${x}`);
    row("10100", `rs2 001: flt.${x}`);
    row("10100", `rs2 000: fle.${x}`);
    row("11100", `00000 001: fclass.${x}`);
    const moved = bytes === 4 ? "w" : x;
    row("11100", `00000 000: fmv.x.${moved}`);
    row("11110", `00000 000: fmv.${moved}.x`);
    for (const integer of INTEGERS) {
      row("11000", `${integer.code} rm: fcvt.${integer.name}.${x}`);
      row("11010", `${integer.code} rm: fcvt.${x}.${integer.name}`);
    }
    for (const from of FORMATS) if (from.suffix !== x) row("01000", `000${from.code} rm: fcvt.${x}.${from.suffix}`);
  }
  return rows.join("\n");
}

const c32 = i32.const;
const c64 = i64.const;
const ZERO = c32(0);

/** The rounding mode, where it matters; frm may hold one that is none. */
function roundingOf(s: Sem): I32 {
  if (s.rounding === "static") return s.rm();
  if (s.rounding === "zero") return c32(1);
  const mode = s.f.let(i32.load(ZERO, CONTEXT_OFFSET + FRM));
  s.f.if(i32.gt_u(mode, c32(4)), () => s.trap(Trap.IllegalInstruction));
  return mode;
}

/**
 * `quick` until the program has looked at the flags, `soft` from then on.
 * @param anyMode `quick` is right whatever the rounding mode: assemblers give exact conversions one of their own
 */
function either(s: Sem, quick: (() => void) | undefined, soft: () => void, anyMode = false): void {
  if (quick === undefined) soft();
  else if (s.rounding !== "static" || anyMode) s.f.if(s.careful(), soft, quick);
  // To nearest is 0.
  else s.f.if(i32.or(s.careful(), s.rm()), soft, quick);
}

type BinaryName = "add" | "sub" | "mul" | "div";

function binary(format: Format, name: BinaryName, soft: SoftFunctions): Definition {
  return (s) => {
    const quick = (): void => {
      if (format === DOUBLE) doubles.write(s, f64[name](doubles.read(s, "rs1"), doubles.read(s, "rs2")));
      else singles.write(s, f32[name](singles.read(s, "rs1"), singles.read(s, "rs2")));
    };
    either(s, format === HALF ? undefined : quick, () => {
      const [a, b] = [source(s, format, "rs1"), source(s, format, "rs2")];
      give(s, format, s.f.call("i64", soft[name], [a, b, c32(format.mant), roundingOf(s)]));
    });
  };
}

function sqrt(format: Format, soft: SoftFunctions): Definition {
  return (s) => {
    const quick = (): void => {
      if (format === DOUBLE) doubles.write(s, f64.sqrt(doubles.read(s, "rs1")));
      else singles.write(s, f32.sqrt(singles.read(s, "rs1")));
    };
    either(s, format === HALF ? undefined : quick, () => {
      const a = source(s, format, "rs1");
      give(s, format, s.f.call("i64", soft.sqrt, [a, c32(format.mant), roundingOf(s)]));
    });
  };
}

/** a * b + c, of which the product or the addend may have its sign changed. */
function multiplyAdd(format: Format, product: boolean, addend: boolean, fma: FmaFunctions): Definition {
  return (s) => {
    const { f } = s;
    const quick = (): void => {
      if (format === DOUBLE) {
        const [a, b, c] = [doubles.read(s, "rs1"), doubles.read(s, "rs2"), doubles.read(s, "rs3")];
        const operands = [product ? f64.neg(a) : a, b, addend ? f64.neg(c) : c] as const;
        doubles.write(s, s.fused64?.(...operands) ?? f.call("f64", fma.double, operands));
      } else {
        const [a, b, c] = [singles.read(s, "rs1"), singles.read(s, "rs2"), singles.read(s, "rs3")];
        const operands = [product ? f32.neg(a) : a, b, addend ? f32.neg(c) : c] as const;
        singles.write(s, s.fused32?.(...operands) ?? f.call("f32", fma.single, operands));
      }
    };
    either(s, format === HALF ? undefined : quick, () => {
      const negate = (v: I64): I64 => i64.xor(v, c64(format.sign));
      const [a, b, c] = [source(s, format, "rs1"), source(s, format, "rs2"), source(s, format, "rs3")];
      const operands = [product ? negate(a) : a, b, addend ? negate(c) : c];
      give(s, format, f.call("i64", fma.soft, [...operands, c32(format.mant), roundingOf(s)]));
    });
  };
}

/** The number that is less (greater), +0 being greater than -0; of a NaN and a number the number. */
function extreme(format: Format, name: "min" | "max", soft: SoftFunctions): Definition {
  return (s) => {
    const { f } = s;
    const quick = (): void => {
      if (format === DOUBLE) {
        const [a, b] = [doubles.read(s, "rs1"), doubles.read(s, "rs2")];
        const known = select(f64.eq(a, a), select(f64.eq(b, b), f64[name](a, b), a), b);
        doubles.write(s, known);
      } else {
        const [a, b] = [singles.read(s, "rs1"), singles.read(s, "rs2")];
        const known = select(f32.eq(a, a), select(f32.eq(b, b), f32[name](a, b), a), b);
        singles.write(s, known);
      }
    };
    either(s, format === HALF ? undefined : quick, () => {
      const [a, b] = [source(s, format, "rs1"), source(s, format, "rs2")];
      const notNumber = (v: I64): I32 => i64.gt_u(magnitude(format, v), c64(infinityOf(format)));
      f.drop(f.call("i32", soft.unordered, [a, b, c32(format.mant), ZERO]));
      const [x, y] = [f.let(ordered(format, a)), f.let(ordered(format, b))];
      const chosen = select((name === "min" ? i64.lt_s : i64.gt_s)(x, y), a, b);
      const nan = select(notNumber(a), c64(format.nan), a);
      give(s, format, select(notNumber(b), nan, select(notNumber(a), b, chosen)));
    });
  };
}
const infinityOf = (format: Format): bigint => (format.nan >> BigInt(format.mant)) << BigInt(format.mant);
const magnitude = (format: Format, v: I64): I64 => i64.and(v, c64(format.sign - 1n));
/** The bits as a signed number, in the order of what they stand for, -0 below +0. Uses v more than once. */
function ordered(format: Format, v: I64): I64 {
  const negative = i64.ne(i64.and(v, c64(format.sign)), c64(0));
  return select(negative, i64.sub(c64(-1), magnitude(format, v)), magnitude(format, v));
}

function compare(format: Format, name: "eq" | "lt" | "le", soft: SoftFunctions): Definition {
  return (s) => {
    const { f } = s;
    const quick = (): void => {
      if (format === DOUBLE) s.setX(i64.extend_i32_u(f64[name](doubles.read(s, "rs1"), doubles.read(s, "rs2"))));
      else s.setX(i64.extend_i32_u(f32[name](singles.read(s, "rs1"), singles.read(s, "rs2"))));
    };
    either(s, format === HALF ? undefined : quick, () => {
      const [a, b] = [source(s, format, "rs1"), source(s, format, "rs2")];
      const unordered = f.let(f.call("i32", soft.unordered, [a, b, c32(format.mant), c32(name === "eq" ? 0 : 1)]));
      const zeros = f.let(i64.eqz(magnitude(format, i64.or(a, b))));
      const [x, y] = [f.let(ordered(format, a)), f.let(ordered(format, b))];
      const holds = { eq: i64.eq, lt: i64.lt_s, le: i64.le_s }[name](x, y);
      const result = select(zeros, c32(name === "lt" ? 0 : 1), holds);
      s.setX(i64.extend_i32_u(i32.and(result, i32.eqz(unordered))));
    });
  };
}

/** A double as an integer, towards zero; of NaN the largest. */
function truncated(f: FunctionBuilder, value: F64, { bits, signed }: Integer): I64 {
  const v = f.let(value);
  const number = f64.eq(v, v);
  if (bits === 64) {
    const whole = signed ? i64.trunc_sat_f64_s(v) : i64.trunc_sat_f64_u(v);
    return select(number, whole, c64(signed ? (1n << 63n) - 1n : -1n));
  }
  if (signed) return i64.extend_i32_s(select(number, i32.trunc_sat_f64_s(v), c32(0x7fff_ffff)));
  const whole = f.let(i64.trunc_sat_f64_u(v));
  const fits = i32.and(number, i64.le_u(whole, c64(0xffff_ffffn)));
  return i64.extend32_s(select(fits, whole, c64(-1)));
}

function toInteger(format: Format, integer: Integer, soft: SoftFunctions): Definition {
  return (s) => {
    const quick = (): void => {
      const value = format === DOUBLE ? doubles.read(s, "rs1") : f64.promote_f32(singles.read(s, "rs1"));
      s.setX(truncated(s.f, s.rounding === "zero" ? value : f64.nearest(value), integer));
    };
    either(s, format === HALF ? undefined : quick, () => {
      const a = source(s, format, "rs1");
      const rounding = roundingOf(s);
      const args = [a, c32(format.mant), c32(integer.bits), c32(integer.signed), rounding];
      s.setX(s.f.call("i64", soft.toInteger, args));
    });
  };
}

function fromInteger(format: Format, { bits, signed }: Integer, soft: SoftFunctions): Definition {
  return (s) => {
    const { f } = s;
    const quick = (): void => {
      if (format === DOUBLE) {
        const value =
          bits === 64
            ? (signed ? f64.convert_i64_s : f64.convert_i64_u)(s.x("rs1"))
            : (signed ? f64.convert_i32_s : f64.convert_i32_u)(s.w("rs1"));
        s.setF64(value);
      } else {
        const value =
          bits === 64
            ? (signed ? f32.convert_i64_s : f32.convert_i64_u)(s.x("rs1"))
            : (signed ? f32.convert_i32_s : f32.convert_i32_u)(s.w("rs1"));
        s.setF32(value);
      }
    };
    const exact = format === DOUBLE && bits === 32;
    if (exact && s.rounding === "static") {
      quick();
      return;
    }
    const careful = (): void => {
      const value = bits === 64 ? s.x("rs1") : f.let((signed ? i64.extend_i32_s : i64.extend_i32_u)(s.w("rs1")));
      const negative = signed ? f.let(i64.lt_s(value, c64(0))) : ZERO;
      const absolute = select(negative, i64.sub(c64(0), value), value);
      const args = [absolute, negative, c32(format.mant), roundingOf(s)];
      give(s, format, f.call("i64", soft.fromInteger, args));
    };
    either(s, format === HALF ? undefined : quick, careful, exact);
  };
}

function convert(from: Format, to: Format, soft: SoftFunctions): Definition {
  return (s) => {
    let quick: (() => void) | undefined;
    if (from === SINGLE && to === DOUBLE) quick = () => doubles.write(s, f64.promote_f32(singles.read(s, "rs1")));
    if (from === DOUBLE && to === SINGLE) quick = () => singles.write(s, f32.demote_f64(doubles.read(s, "rs1")));
    const careful = (): void => {
      const a = source(s, from, "rs1");
      const args = [a, c32(from.mant), c32(to.mant), roundingOf(s)];
      give(s, to, s.f.call("i64", soft.convert, args));
    };
    either(s, quick, careful, from.mant < to.mant);
  };
}

/** What kind of number it is, as one bit of ten. */
function classify(format: Format, unpack: FunctionRef): Definition {
  return (s) => {
    const { f } = s;
    const a = source(s, format, "rs1");
    const negative = f.let(i32.wrap(i64.and(i64.shr_u(a, c64(format.bytes * 8 - 1)), c64(1))));
    const absolute = f.let(magnitude(format, a));
    const [cls] = f.callStatement(unpack, [a, c32(format.mant)]) as unknown as [I32];
    // Infinite, normal, subnormal, zero: bits 0 to 3 of negative numbers, 7 to 4 of the others.
    const kind = f.local("i32");
    f.set(kind, ZERO);
    f.if(i64.lt_u(absolute, c64(infinityOf(format))), () => f.set(kind, c32(1)));
    f.if(i64.lt_u(absolute, c64(1n << BigInt(format.mant))), () => f.set(kind, c32(2)));
    f.if(i64.eqz(absolute), () => f.set(kind, c32(3)));
    const number = select(negative, kind, i32.sub(c32(7), kind));
    // Signalling is class 2 and bit 8, quiet is class 1 and bit 9.
    s.setX(i64.shl(c64(1), i64.extend_i32_u(select(cls, i32.sub(c32(10), cls), number))));
  };
}

type SignOf = (a: I64, b: I64, sign: I64) => I64;
const SIGNS: Readonly<Record<string, SignOf>> = {
  fsgnj: (_a, b, sign) => i64.and(b, sign),
  fsgnjn: (_a, b, sign) => i64.and(i64.xor(b, c64(-1)), sign),
  fsgnjx: (a, b, sign) => i64.and(i64.xor(a, b), sign),
};

function define(soft: SoftFunctions, fma: FmaFunctions): Record<string, Definition> {
  const all: Record<string, Definition> = {};
  for (const format of FORMATS) {
    const { suffix: x, bytes, mant } = format;
    const moved = bytes === 4 ? "w" : x;
    all[`fl${moved}`] = (s) => give(s, format, loadBits(format, s.readable(addressOf(s), bytes)));
    all[`fs${moved}`] = (s) => {
      const at = s.writable(addressOf(s), bytes);
      // Whatever is in the register, boxed or not.
      storeBits(s, format, at, s.bits("rs2"));
    };
    for (const { name, product, addend } of FMA) all[`${name}.${x}`] = multiplyAdd(format, product, addend, fma);
    for (const name of ["add", "sub", "mul", "div"] as const) all[`f${name}.${x}`] = binary(format, name, soft);
    all[`fsqrt.${x}`] = sqrt(format, soft);
    for (const [name, sign] of Object.entries(SIGNS))
      all[`${name}.${x}`] = (s) => {
        const [a, b] = [source(s, format, "rs1"), source(s, format, "rs2")];
        give(s, format, i64.or(magnitude(format, a), sign(a, b, c64(format.sign))));
      };
    for (const name of ["min", "max"] as const) all[`f${name}.${x}`] = extreme(format, name, soft);
    for (const name of ["eq", "lt", "le"] as const) all[`f${name}.${x}`] = compare(format, name, soft);
    all[`fclass.${x}`] = classify(format, soft.unpack);
    all[`fmv.x.${moved}`] = (s) => {
      const bits = s.bits("rs1");
      if (format === DOUBLE) s.setX(bits);
      else s.setX(format === SINGLE ? i64.extend32_s(bits) : i64.extend16_s(bits));
    };
    all[`fmv.${moved}.x`] = (s) => {
      const bits = s.x("rs1");
      give(s, format, mant === 10 ? i64.and(bits, c64(0xffff)) : bits);
    };
    for (const integer of INTEGERS) {
      all[`fcvt.${integer.name}.${x}`] = toInteger(format, integer, soft);
      all[`fcvt.${x}.${integer.name}`] = fromInteger(format, integer, soft);
    }
  }
  for (const from of FORMATS)
    for (const to of FORMATS) if (from !== to) all[`fcvt.${to.suffix}.${from.suffix}`] = convert(from, to, soft);
  return all;
}

/** With vectors, which do the same to elements. */
export const floatFamily: Family = {
  name: "float",
  table: `${table()}\n${vectorTable()}`,
  aliases: CSR_ALIASES,
  define: (module: ModuleBuilder) => {
    const soft = defineSoft(module);
    const scalar = define(soft, defineFma(module, soft));
    return { ...scalar, ...defineVector(module, scalar, soft) };
  },
};
