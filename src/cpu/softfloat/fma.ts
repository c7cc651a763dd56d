/**
 * The heart of a fused multiply-add, for whatever instruction set: the product in full, the sum of it and the addend to 128 bits, of
 * which what falls out below is kept as one sticky bit. What is special (NaNs, infinities, factors that are zero) and the one
 * rounding are the instruction set's.
 */
import { type I32, type I64, i32, i64, select } from "../wasm/expr.ts";
import type { FunctionBuilder, Local } from "../wasm/module.ts";
import { shiftRightJam } from "./parts.ts";
import { multiply } from "./round.ts";

const c32 = i32.const;
const c64 = i64.const;
const ZERO = c32(0);
const SIGN = 0x8000;
const INFINITE = 0x7fff;
const BIAS80 = 16383;
const INTEGER_BIT = 1n << 63n;

/** Significand with its integer bit, and sign in bit 15 with the exponent, as the x87 has them. */
export interface Term {
  readonly sig: I64;
  readonly se: I32;
}

export interface ProductAndSum {
  /** Finite, and not zero. */
  readonly a: Term;
  readonly b: Term;
  /** Finite. */
  readonly c: Term;
  readonly cIsZero: I32;
  /** Signs of the product and of the addend in bit 15, whatever those of the terms are; whether they differ. */
  readonly sign: I32;
  readonly signC: I32;
  readonly differ: I32;
  /** Leaves with what is 0 as a sum of opposites. */
  readonly zero: () => void;
  /** Leaves with a significand, whose lowest bit is sticky, and sign and exponent, rounded. */
  readonly pack: (sig: I64, se: I32) => void;
}

/** a * b + c */
export function emitProductAndSum(f: FunctionBuilder, terms: ProductAndSum): void {
  const { a, b, c, cIsZero, sign, signC, differ, zero, pack } = terms;
  const product = multiply(f, a.sig, b.sig);
  // The greater of the two summands and the lesser, by their exponents.
  const high = f.local("i64");
  const low = f.local("i64");
  const lesserHigh = f.local("i64");
  const lesserLow = f.local("i64");
  const exponent = f.local("i32");
  const result = f.local("i32");
  f.set(high, product.hi);
  f.set(low, product.lo);
  const exp = (u: Term): I32 => i32.and(u.se, c32(INFINITE));
  f.set(exponent, i32.add(i32.add(exp(a), exp(b)), c32(1 - BIAS80)));
  normalize(f, high, low, exponent);
  f.set(result, sign);
  f.if(i32.eqz(cIsZero), () => {
    f.set(lesserHigh, c.sig);
    f.set(lesserLow, c64(0));
    const distance = f.let(i32.sub(exponent, exp(c)));
    f.if(i32.lt_s(distance, ZERO), () => {
      f.set(lesserHigh, high);
      f.set(lesserLow, low);
      f.set(high, c.sig);
      f.set(low, c64(0));
      f.set(exponent, exp(c));
      f.set(result, signC);
    });
    f.if(distance, () => {
      const by = f.let(select(i32.lt_s(distance, ZERO), i32.sub(ZERO, distance), distance));
      const shifted = shiftRightJam(f, lesserHigh, lesserLow, by);
      f.set(lesserHigh, shifted.hi);
      f.set(lesserLow, shifted.lo);
    });
    f.if(
      differ,
      () => {
        const smaller = i32.or(i64.lt_u(high, lesserHigh), i32.and(i64.eq(high, lesserHigh), i64.lt_u(low, lesserLow)));
        f.if(smaller, () => {
          // Only without a distance, hence without loss.
          const [h, l] = [f.let(i64.add(high, c64(0))), f.let(i64.add(low, c64(0)))];
          f.set(high, lesserHigh);
          f.set(low, lesserLow);
          f.set(lesserHigh, h);
          f.set(lesserLow, l);
          f.set(result, i32.xor(result, c32(SIGN)));
        });
        const borrow = f.let(i64.extend_i32_u(i64.lt_u(low, lesserLow)));
        f.set(high, i64.sub(i64.sub(high, lesserHigh), borrow));
        f.set(low, i64.sub(low, lesserLow));
        f.if(i64.eqz(i64.or(high, low)), zero);
        normalize(f, high, low, exponent);
      },
      () => {
        f.set(low, i64.add(low, lesserLow));
        const carry = f.let(i64.extend_i32_u(i64.lt_u(low, lesserLow)));
        f.set(high, i64.add(i64.add(high, lesserHigh), carry));
        const overflow = i32.or(i64.lt_u(high, lesserHigh), i32.and(i64.eq(high, lesserHigh), i64.ne(carry, c64(0))));
        f.if(overflow, () => {
          const sticky = i64.ne(i64.or(low, i64.and(high, c64(1))), c64(0));
          f.set(low, i64.extend_i32_u(sticky));
          f.set(high, i64.or(i64.shr_u(high, c64(1)), c64(INTEGER_BIT)));
          f.set(exponent, i32.add(exponent, c32(1)));
        });
      },
    );
  });
  const sticky = i64.extend_i32_u(i64.ne(low, c64(0)));
  pack(i64.or(high, sticky), i32.or(result, exponent));
}

/** high:low, not 0, shifted left until its top bit is set. */
function normalize(f: FunctionBuilder, high: Local<"i64">, low: Local<"i64">, exponent: Local<"i32">): void {
  f.if(i64.eqz(high), () => {
    f.set(high, low);
    f.set(low, c64(0));
    f.set(exponent, i32.sub(exponent, c32(64)));
  });
  const by = f.let(i64.clz(high));
  f.if(i32.wrap(by), () => {
    f.set(high, i64.or(i64.shl(high, by), i64.shr_u(low, i64.sub(c64(64), by))));
    f.set(low, i64.shl(low, by));
    f.set(exponent, i32.sub(exponent, i32.wrap(by)));
  });
}
