/**
 * Fused multiply-add. In integers: the product in full, the sum of it and the addend to 128 bits, of which what falls out
 * below is kept as one sticky bit, and one rounding. Before that, to nearest, with wasm's arithmetic where it can be shown that
 * the result is the same:
 *
 * - Floats: the product is exact in doubles, the sum is rounded twice, which goes wrong only if the first rounding ends
 *   halfway between two floats, or if the float is denormal.
 * - Doubles: the product and the sum as pairs of a double and its error (Dekker's product, Knuth's sum). Their sum, rounded,
 *   is the result unless what is then left over is as good as half a unit of the last place.
 */
import { emitProductAndSum } from "../../softfloat/fma.ts";
import { type F64, f32, f64, type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { canonicalNaN, fflags, NV, NX, Rounding, raise, SoftClass, type SoftFunctions } from "./float-soft.ts";

const c32 = i32.const;
const c64 = i64.const;
const ZERO = c32(0);
const SIGN = 0x8000;
const INFINITE = 0x7fff;
const INTEGER_BIT = 1n << 63n;

/** Below this the lower part of a product would have bits that no double has. */
const MIN_PRODUCT = 2 ** -800;
/** The places of a double that a float has not, and half a unit of the float's last place. */
const BELOW_SINGLE = (1n << 29n) - 1n;
const HALF_SINGLE = 1n << 28n;

export interface FmaFunctions {
  /** (a, b, c) -> a * b + c as f64, f32, rounded to nearest; NaNs may be any. Flags may be raised that are due. */
  readonly double: FunctionRef;
  readonly single: FunctionRef;
  /** (a, b, c, mant, rounding) -> bits of a * b + c, with all flags. */
  readonly soft: FunctionRef;
}

export function defineFma(m: ModuleBuilder, soft: SoftFunctions): FmaFunctions {
  const exact = defineSoftFma(m, soft);
  const double = m.func("fma.f64", ["f64", "f64", "f64"], ["f64"], (f) => {
    const [a, b, c] = [f.param(0, "f64"), f.param(1, "f64"), f.param(2, "f64")];
    const product = f.let(f64.mul(a, b));
    // The sum with a product that is zero by a factor is exact.
    f.if(i32.or(f64.eq(a, f64.const(0)), f64.eq(b, f64.const(0))), () => f.return(f64.add(product, c)));
    f.if(f64.ge(f64.abs(product), f64.const(MIN_PRODUCT)), () => {
      const [sum, error] = twoSum(f, product, c);
      const small = f.let(f64.add(error, lowerProduct(f, a, b, product)));
      const r = f.let(f64.add(sum, small));
      // What the rounding left out, and a little more, makes a difference if it is half a unit of the last place. Of what
      // is not finite nothing is equal here.
      const left = f64.add(f64.sub(sum, r), small);
      f.if(f64.eq(r, f64.add(r, f64.mul(left, f64.const(1 + 2 ** -52)))), () => f.return(r));
    });
    const bits = [a, b, c].map((v) => i64.reinterpret_f64(v));
    f.return(f64.reinterpret_i64(f.call("i64", exact, [...bits, c32(52), ZERO])));
  });
  const single = m.func("fma.f32", ["f32", "f32", "f32"], ["f32"], (f) => {
    const [a, b, c] = [f.param(0, "f32"), f.param(1, "f32"), f.param(2, "f32")];
    const sum = f.let(f64.add(f64.mul(f64.promote_f32(a), f64.promote_f32(b)), f64.promote_f32(c)));
    const halfway = i64.eq(i64.and(i64.reinterpret_f64(sum), c64(BELOW_SINGLE)), c64(HALF_SINGLE));
    const magnitude = f.let(f64.abs(sum));
    const denormal = i32.and(f64.lt(magnitude, f64.const(2 ** -126)), f64.gt(magnitude, f64.const(0)));
    f.if(i32.or(halfway, denormal), () => {
      const bits = [a, b, c].map((v) => i64.extend_i32_u(i32.reinterpret_f32(v)));
      f.return(f32.reinterpret_i32(i32.wrap(f.call("i64", exact, [...bits, c32(23), ZERO]))));
    });
    f.return(f32.demote_f64(sum));
  });
  const careful = m.func("float.fma", ["i64", "i64", "i64", "i32", "i32"], ["i64"], (f) => {
    const operands = [f.param(0, "i64"), f.param(1, "i64"), f.param(2, "i64")];
    const [mant, rounding] = [f.param(3, "i32"), f.param(4, "i32")];
    // As in float-soft.ts: while inexact is set, and the result is neither tiny nor huge, nothing new can be raised.
    f.if(i32.and(i32.eqz(rounding), i32.and(fflags(), c32(NX))), () => {
      f.if(i32.eq(mant, c32(52)), () => {
        const args = operands.map((v) => f64.reinterpret_i64(v));
        const r = f.let(i64.reinterpret_f64(f.call("f64", double, args)));
        const exponent = i64.and(i64.shr_u(r, c64(52)), c64(0x7ff));
        f.if(i64.lt_u(i64.sub(exponent, c64(2)), c64(0x7fd)), () => f.return(r));
      });
      f.if(i32.eq(mant, c32(23)), () => {
        const args = operands.map((v) => f32.reinterpret_i32(i32.wrap(v)));
        const r = f.let(i32.reinterpret_f32(f.call("f32", single, args)));
        const exponent = i32.and(i32.shr_u(r, c32(23)), c32(0xff));
        f.if(i32.lt_u(i32.sub(exponent, c32(2)), c32(0xfd)), () => f.return(i64.extend_i32_u(r)));
      });
    });
    f.return(f.call("i64", exact, [...operands, mant, rounding]));
  });
  return { double, single, soft: careful };
}

/** a + b and what rounding took from it. */
function twoSum(f: FunctionBuilder, a: F64, b: F64): [F64, F64] {
  const sum = f.let(f64.add(a, b));
  const part = f.let(f64.sub(sum, a));
  return [sum, f.let(f64.add(f64.sub(a, f64.sub(sum, part)), f64.sub(b, part)))];
}

/** What is left of a * b beyond `product`. */
function lowerProduct(f: FunctionBuilder, a: F64, b: F64, product: F64): F64 {
  // To 26 bits, rounded, so that 26 bits are left with the sign.
  const split = (v: F64): [F64, F64] => {
    const bits = i64.and(i64.add(i64.reinterpret_f64(v), c64(1n << 26n)), c64(-1n << 27n));
    const high = f.let(f64.reinterpret_i64(bits));
    return [high, f.let(f64.sub(v, high))];
  };
  const [aHigh, aLow] = split(a);
  const [bHigh, bLow] = split(b);
  const first = f64.sub(f64.mul(aHigh, bHigh), product);
  const second = f64.add(f64.add(first, f64.mul(aHigh, bLow)), f64.mul(aLow, bHigh));
  return f.let(f64.add(second, f64.mul(aLow, bLow)));
}

interface Unpacked {
  readonly cls: I32;
  readonly sig: I64;
  readonly se: I32;
}

/** (a, b, c, mant, rounding) -> a * b + c */
function defineSoftFma(m: ModuleBuilder, soft: SoftFunctions): FunctionRef {
  return m.func("fma.soft", ["i64", "i64", "i64", "i32", "i32"], ["i64"], (f) => {
    const mant = f.param(3, "i32");
    const rounding = f.param(4, "i32");
    const [a, b, c] = [0, 1, 2].map((n) => {
      const [cls, sig, se] = f.callStatement(soft.unpack, [f.param(n, "i64"), mant]) as unknown as [I32, I64, I32];
      return { cls, sig, se };
    }) as [Unpacked, Unpacked, Unpacked];
    const pack = (sig: I64, se: I32): void => f.return(f.call("i64", soft.pack, [sig, se, mant, rounding]));
    const isInfinite = (u: Unpacked): I32 =>
      i32.and(i32.eq(i32.and(u.se, c32(INFINITE)), c32(INFINITE)), i32.eqz(u.cls));
    const isZero = (u: Unpacked): I32 => i32.and(i64.eqz(u.sig), i32.eqz(u.cls));
    const invalid = (): void => {
      raise(f, NV);
      f.return(canonicalNaN(mant));
    };

    // Infinity times zero is invalid even if a quiet NaN is added.
    f.if(i32.or(i32.and(isInfinite(a), isZero(b)), i32.and(isInfinite(b), isZero(a))), invalid);
    f.if(i32.or(i32.or(a.cls, b.cls), c.cls), () => {
      const signals = (u: Unpacked): I32 => i32.eq(u.cls, c32(SoftClass.SignallingNaN));
      f.if(i32.or(i32.or(signals(a), signals(b)), signals(c)), () => raise(f, NV));
      f.return(canonicalNaN(mant));
    });
    const sign = f.let(i32.and(i32.xor(a.se, b.se), c32(SIGN)));
    const signC = f.let(i32.and(c.se, c32(SIGN)));
    const differ = f.let(i32.ne(sign, signC));
    f.if(i32.or(isInfinite(a), isInfinite(b)), () => {
      f.if(i32.and(isInfinite(c), differ), invalid);
      pack(c64(INTEGER_BIT), i32.or(sign, c32(INFINITE)));
    });
    f.if(isInfinite(c), () => pack(c64(INTEGER_BIT), i32.or(signC, c32(INFINITE))));
    /** What is 0 as a sum of opposites, or of zeros. */
    const zero = (): void => {
      const roundsDown = i32.eq(rounding, c32(Rounding.RDN));
      pack(c64(0), select(i32.eqz(differ), sign, select(roundsDown, c32(SIGN), ZERO)));
    };
    f.if(i32.or(isZero(a), isZero(b)), () => {
      f.if(isZero(c), zero);
      pack(c.sig, c.se);
    });

    emitProductAndSum(f, { a, b, c, cIsZero: isZero(c), sign, signC, differ, zero, pack });
    f.unreachable();
  });
}
