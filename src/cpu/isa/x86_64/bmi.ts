/** BMI1 and BMI2, as far as they have VEX encodings (Intel SDM vol. 2; TZCNT and LZCNT are in modern.ts). */
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { defineProductHigh, type ProductHigh } from "../../wasm/wide.ts";
import { sizeOfOperand } from "./arithmetic.ts";
import { type Definition, type Family, FlagKind, Reg, type Sem, type Word, type WordOps, wordOps } from "./sem.ts";

const TABLE = `
vex.128.0f38 f2     andn   Gy,By,Ey
vex.128.0f38 f3 /1  blsr   By,Ey
vex.128.0f38 f3 /2  blsmsk By,Ey
vex.128.0f38 f3 /3  blsi   By,Ey
vex.128.0f38 f5     bzhi   Gy,Ey,By
vex.128.f3.0f38 f5  pext   Gy,By,Ey
vex.128.f2.0f38 f5  pdep   Gy,By,Ey
vex.128.f2.0f38 f6  mulx   Gy,By,Ey
vex.128.0f38 f7     bextr  Gy,Ey,By
vex.128.f3.0f38 f7  sarx   Gy,Ey,By
vex.128.66.0f38 f7  shlx   Gy,Ey,By
vex.128.f2.0f38 f7  shrx   Gy,Ey,By
vex.128.f2.0f3a f0  rorx   Gy,Ey,Ib
`;

const ONE = i64.const(1);
const ONES = i64.const(-1);

const opsOf = (s: Sem): WordOps => wordOps(sizeOfOperand(s));
const toI32 = (s: Sem, value: Word): I32 => (sizeOfOperand(s) === 8 ? i32.wrap(value as I64) : (value as I32));

/** CF as given, ZF and SF by the result, OF 0. AF and PF are undefined, and 0 here. */
function setFlags(s: Sem, result: Word, carry: I32): void {
  const w = opsOf(s);
  const zero = i32.shl(w.eqz(result), i32.const(6));
  const sign = i32.shl(w.lt_s(result, w.const(0)), i32.const(7));
  s.flags.setAll(i32.or(i32.or(carry, zero), sign));
}

const andn: Definition = (s) => {
  const w = opsOf(s);
  const result = s.f.let(w.and(w.xor(s.read(1), w.const(-1)), s.read(2)));
  s.write(0, result);
  s.flags.set(FlagKind.Logic, sizeOfOperand(s), result);
};

/** What becomes of the lowest bit that is set, and of those around it. */
function lowestBit(compute: (w: WordOps, source: Word) => Word, carryIfZero: boolean): Definition {
  return (s) => {
    const w = opsOf(s);
    const source = s.read(1);
    const result = s.f.let(compute(w, source));
    s.write(0, result);
    setFlags(s, result, carryIfZero ? w.eqz(source) : w.ne(source, w.const(0)));
  };
}

/** The lowest n bits; all if there are no more than n. */
const bzhi: Definition = (s) => {
  const w = opsOf(s);
  const bits = sizeOfOperand(s) * 8;
  const source = s.read(1);
  const n = s.f.let(i32.and(toI32(s, s.read(2)), i32.const(0xff)));
  const all = s.f.let(i32.ge_u(n, i32.const(bits)));
  const count: Word = bits === 64 ? i64.extend_i32_u(n) : n;
  const low = w.and(source, w.xor(w.shl(w.const(-1), count), w.const(-1)));
  const result = s.f.let(select(all, source, low));
  s.write(0, result);
  setFlags(s, result, all);
};

/** `length` bits from bit `start` on. */
const bextr: Definition = (s) => {
  const { f } = s;
  const source = s.read(1);
  const control = toI32(s, s.read(2));
  // In 64 bits, where a start beyond the operand finds zeros until it is beyond these as well.
  const wide = sizeOfOperand(s) === 8 ? (source as I64) : i64.extend_i32_u(source as I32);
  const start = f.let(i64.extend_i32_u(i32.and(control, i32.const(0xff))));
  const length = f.let(i64.extend_i32_u(i32.and(i32.shr_u(control, i32.const(8)), i32.const(0xff))));
  const moved = f.let(select(i64.gt_u(start, i64.const(63)), i64.const(0), i64.shr_u(wide, start)));
  const mask = i64.xor(i64.shl(ONES, length), ONES);
  const part = f.let(select(i64.gt_u(length, i64.const(63)), moved, i64.and(moved, mask)));
  const result: Word = sizeOfOperand(s) === 8 ? part : f.let(i32.wrap(part));
  s.write(0, result);
  s.flags.set(FlagKind.Logic, sizeOfOperand(s), result);
};

/** A shift that changes no flag, by as many bits as the size allows. WebAssembly takes the count modulo the size too. */
const shift =
  (move: (w: WordOps, value: Word, count: Word) => Word): Definition =>
  (s) =>
    s.write(0, move(opsOf(s), s.read(1), s.read(2)));

const rorx: Definition = (s) => {
  const w = opsOf(s);
  const count = s.imm(2);
  s.write(0, w.rotr(s.read(1), sizeOfOperand(s) === 8 ? i64.extend_i32_u(count) : count));
};

const mulx = (productHigh: ProductHigh): Definition => {
  return (s) => {
    const { f } = s;
    const size = sizeOfOperand(s);
    const b = s.read(2);
    const a = s.gpr(Reg.rdx, size);
    // The upper half is what remains where both go to the same register.
    if (size === 8) {
      const high = f.let(productHigh(f, a as I64, b as I64));
      s.write(1, i64.mul(a as I64, b as I64));
      s.write(0, high);
      return;
    }
    const product = f.let(i64.mul(i64.extend_i32_u(a as I32), i64.extend_i32_u(b as I32)));
    s.write(1, i32.wrap(product));
    s.write(0, i32.wrap(i64.shr_u(product, i64.const(32))));
  };
};

/**
 * pext and pdep: (value, mask) -> the bits of value at the places in mask, packed; or its lowest bits, spread to those
 * places. Masks are mostly a few fields of contiguous bits, so a field is moved at a time.
 */
function defineFields(module: ModuleBuilder, name: string, extract: boolean): FunctionRef {
  return module.func(name, ["i64", "i64"], ["i64"], (f) => {
    const value = f.param(0, "i64");
    const mask = f.param(1, "i64");
    const result = f.local("i64");
    const low = f.local("i64");
    const length = f.local("i64");
    const packed = f.local("i64");
    f.set(result, i64.const(0));
    f.set(packed, i64.const(0));
    // As a shift by 64 would be one by 0.
    f.if(i64.eq(mask, ONES), () => f.return(value));
    f.block((end) => {
      f.loop((again) => {
        f.brIf(end, i64.eqz(mask));
        f.set(low, i64.ctz(mask));
        f.set(length, i64.ctz(i64.xor(i64.shr_u(mask, low), ONES)));
        const ones = i64.xor(i64.shl(ONES, length), ONES);
        const [from, to] = extract ? [low, packed] : [packed, low];
        f.set(result, i64.or(result, i64.shl(i64.and(i64.shr_u(value, from), ones), to)));
        f.set(packed, i64.add(packed, length));
        // The carry out of the field's lowest bit clears the field.
        f.set(mask, i64.and(mask, i64.add(mask, i64.shl(ONE, low))));
        f.br(again);
      });
    });
    f.return(result);
  });
}

const fields =
  (fn: FunctionRef): Definition =>
  (s) => {
    const [value, mask] = [s.read(1), s.read(2)];
    if (sizeOfOperand(s) === 8) s.write(0, s.f.call("i64", fn, [value as I64, mask as I64]));
    else {
      const args = [i64.extend_i32_u(value as I32), i64.extend_i32_u(mask as I32)];
      s.write(0, i32.wrap(s.f.call("i64", fn, args)));
    }
  };

export const bmi: Family = {
  name: "bmi",
  table: TABLE,
  define: (module) => ({
    andn,
    blsr: lowestBit((w, v) => w.and(v, w.sub(v, w.const(1))), true),
    blsmsk: lowestBit((w, v) => w.xor(v, w.sub(v, w.const(1))), true),
    blsi: lowestBit((w, v) => w.and(v, w.sub(w.const(0), v)), false),
    bzhi,
    bextr,
    pext: fields(defineFields(module, "extract_bits", true)),
    pdep: fields(defineFields(module, "deposit_bits", false)),
    mulx: mulx(defineProductHigh(module, "mulx_high")),
    sarx: shift((w, v, n) => w.shr_s(v, n)),
    shlx: shift((w, v, n) => w.shl(v, n)),
    shrx: shift((w, v, n) => w.shr_u(v, n)),
    rorx,
  }),
};
