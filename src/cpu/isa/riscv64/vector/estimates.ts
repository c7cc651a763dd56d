/**
 * Estimates of reciprocals and of those of square roots, to 7 bits (riscv-v-spec 1.0, 13.9 and 13.10).
 *
 * The specification has tables of 128 entries. They are what the operation gives for the middle of the interval that the upper
 * bits of the significand stand for, rounded to nearest; so they are computed.
 */
import { f64, type I32, type I64, i32, i64, select } from "../../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../../wasm/module.ts";
import { FRM } from "../context.ts";
import { canonicalNaN, DZ, NV, NX, OF, Rounding, raise, SoftClass, type SoftFunctions } from "../float-soft.ts";
import { c32, c64, loadState } from "./kit.ts";

const SIGN = 0x8000;
const INFINITE = 0x7fff;
const BIAS = 16383;
const INTEGER_BIT = c64(1n << 63n);

interface Unpacked {
  readonly cls: I32;
  readonly sig: I64;
  readonly se: I32;
  readonly exponent: I32;
  readonly sign: I32;
}

/** (bits, bits of the fraction) -> bits */
export function defineEstimates(
  m: ModuleBuilder,
  soft: SoftFunctions,
): { reciprocal: FunctionRef; squareRoot: FunctionRef } {
  const unpack = (f: FunctionBuilder, mant: I32): Unpacked => {
    const [cls, sig, se] = f.callStatement(soft.unpack, [f.param(0, "i64"), mant]) as unknown as [I32, I64, I32];
    const exponent = f.let(i32.and(se, c32(INFINITE)));
    return { cls, sig, se, exponent, sign: f.let(i32.and(se, c32(SIGN))) };
  };
  const pack = (f: FunctionBuilder, sig: I64, se: I32, mant: I32): void =>
    f.return(f.call("i64", soft.pack, [sig, se, mant, c32(Rounding.RTZ)]));
  const nan = (f: FunctionBuilder, mant: I32, { cls }: Unpacked): void =>
    f.if(cls, () => {
      f.if(i32.eq(cls, c32(SoftClass.SignallingNaN)), () => raise(f, NV));
      f.return(canonicalNaN(mant));
    });
  const infinite = (u: Unpacked): I32 => i32.eq(u.exponent, c32(INFINITE));
  /** An entry of a table, with the 1 before it, as a significand. */
  const significand = (entry: I32): I64 => i64.shl(i64.extend_i32_u(i32.or(entry, c32(128))), c64(56));

  const reciprocal = m.func("v.rec7", ["i64", "i32"], ["i64"], (f) => {
    const mant = f.param(1, "i32");
    const u = unpack(f, mant);
    nan(f, mant, u);
    f.if(infinite(u), () => pack(f, c64(0), u.sign, mant));
    f.if(i64.eqz(u.sig), () => {
      raise(f, DZ);
      pack(f, INTEGER_BIT, i32.or(u.sign, c32(INFINITE)), mant);
    });
    const bias = select(i32.eq(mant, c32(52)), c32(1023), select(i32.eq(mant, c32(23)), c32(127), c32(15)));
    const exponent = f.let(i32.sub(u.exponent, c32(BIAS)));
    // Of the least numbers the reciprocal is too large: as the rounding mode says, it is infinite or the largest number.
    f.if(i32.lt_s(exponent, i32.sub(c32(-1), bias)), () => {
      raise(f, OF | NX);
      const mode = f.let(loadState(FRM));
      const towards = i32.add(c32(2), i32.eqz(u.sign));
      const away = i32.or(i32.eqz(i32.and(mode, c32(3))), i32.eq(mode, towards));
      const infinity = f.let(f.call("i64", soft.pack, [INTEGER_BIT, i32.or(u.sign, c32(INFINITE)), mant, c32(0)]));
      f.return(i64.sub(infinity, i64.extend_i32_u(i32.eqz(away))));
    });
    // 2^16 / (index + 128.5), rounded, less the 1 before the fraction.
    const index = i32.wrap(i64.and(i64.shr_u(u.sig, c64(56)), c64(127)));
    const divisor = f.let(i32.add(i32.shl(index, c32(1)), c32(257)));
    const entry = i32.div_u(i32.add(c32(0x2_0000), divisor), i32.shl(divisor, c32(1)));
    const result = f.let(i32.and(entry, c32(127)));
    pack(f, significand(result), i32.or(u.sign, i32.sub(c32(BIAS - 1), exponent)), mant);
    f.unreachable();
  });

  const squareRoot = m.func("v.rsqrt7", ["i64", "i32"], ["i64"], (f) => {
    const mant = f.param(1, "i32");
    const u = unpack(f, mant);
    nan(f, mant, u);
    f.if(i64.eqz(u.sig), () => {
      raise(f, DZ);
      pack(f, INTEGER_BIT, i32.or(u.sign, c32(INFINITE)), mant);
    });
    f.if(u.sign, () => {
      raise(f, NV);
      f.return(canonicalNaN(mant));
    });
    f.if(infinite(u), () => pack(f, c64(0), u.sign, mant));
    const exponent = f.let(i32.sub(u.exponent, c32(BIAS)));
    const odd = f.let(i32.and(exponent, c32(1)));
    const index = i64.and(i64.shr_u(u.sig, c64(57)), c64(63));
    const middle = f64.add(f64.convert_i64_s(index), f64.const(64.5));
    // Between 1 and 4, times 64.
    const value = select(odd, f64.add(middle, middle), middle);
    const scaled = f64.div(f64.const(2048), f64.sqrt(value));
    const entry = f.let(i32.and(i32.trunc_sat_f64_s(f64.nearest(scaled)), c32(127)));
    // Half of the even exponent below it, negative, and one less, since the fraction is of a number below 1.
    const half = i32.shr_s(i32.sub(exponent, odd), c32(1));
    pack(f, significand(entry), i32.sub(c32(BIAS - 1), half), mant);
    f.unreachable();
  });
  return { reciprocal, squareRoot };
}
