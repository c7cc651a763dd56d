/** Conversions between f80 and the formats in memory: float, double, integers and packed BCD. */
import { type I32, type I64, i32, i64, select } from "../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef } from "../wasm/module.ts";
import {
  BIAS,
  both,
  c32,
  c64,
  DE,
  DEFAULT_NAN_SE,
  either,
  exponent,
  F80,
  IE,
  INTEGER_BIT,
  isInfinite,
  isNaN80,
  isSignalling,
  isUnsupported,
  type Kit,
  MAX_EXP,
  normalise,
  not,
  OE,
  PE,
  quiet,
  raise,
  shiftRightJam,
  signOf,
  UE,
  UNARY,
  withSign,
} from "./parts.ts";
import { packInteger, roundingControl, roundsUp } from "./round.ts";

interface Format {
  readonly name: string;
  readonly fractionBits: number;
  readonly exponentBits: number;
}
const FLOAT: Format = { name: "f32", fractionBits: 23, exponentBits: 8 };
const DOUBLE: Format = { name: "f64", fractionBits: 52, exponentBits: 11 };

/** m32, m64: the bits in an i64. Denormals are reported; signalling NaNs stay so, for the operation to compare and report. */
function defineFrom(kit: Kit, { name, fractionBits, exponentBits }: Format): FunctionRef {
  const maxExp = (1 << exponentBits) - 1;
  const bias = maxExp >> 1;
  const up = c64(63 - fractionBits);
  return kit.m.func(`f80.from.${name}`, ["i64"], F80, (f) => {
    const bits = f.param(0, "i64");
    const exp = f.let(i32.and(i32.wrap(i64.shr_u(bits, c64(fractionBits))), c32(maxExp)));
    const fraction = f.let(i64.and(bits, c64((1n << BigInt(fractionBits)) - 1n)));
    const sign = f.let(i32.and(i32.wrap(i64.shr_u(bits, c64(fractionBits + exponentBits))), c32(1)));
    f.if(i32.lt_u(i32.sub(exp, c32(1)), c32(maxExp - 1)), () => {
      f.return(i64.or(i64.shl(fraction, up), c64(INTEGER_BIT)), withSign(sign, i32.add(exp, c32(BIAS - bias))));
    });
    f.if(exp, () => {
      const sig = f.let(i64.or(i64.shl(fraction, up), c64(INTEGER_BIT)));
      const se = f.let(withSign(sign, MAX_EXP));
      f.return(sig, se);
    });
    f.if(i64.eqz(fraction), () => f.return(c64(0), withSign(sign, 0)));
    raise(f, kit, DE);
    const zeros = f.let(i64.clz(fraction));
    const shifted = i32.sub(c32(BIAS - bias + 1 + 63 - fractionBits), i32.wrap(zeros));
    f.return(i64.shl(fraction, zeros), withSign(sign, shifted));
  });
}

/**
 * FST m32, m64: the bits in an i64. Unmasked overflow and underflow (of every tiny result, exact or not) store nothing and are
 * then the only exception.
 */
function defineTo(kit: Kit, { name, fractionBits, exponentBits }: Format): FunctionRef {
  const maxExp = (1 << exponentBits) - 1;
  const bias = maxExp >> 1;
  const down = 63 - fractionBits;
  const infinity = BigInt(maxExp) << BigInt(fractionBits);
  return kit.m.func(`f80.to.${name}`, UNARY, ["i64"], (f) => {
    const s = f.param(0, "i64");
    const e = f.param(1, "i32");
    const cw = f.param(2, "i32");
    const sign = f.let(i64.shl(i64.extend_i32_u(signOf(e)), c64(fractionBits + exponentBits)));
    f.if(either(isUnsupported(s, e), isInfinite(e)), () => {
      f.if(isUnsupported(s, e), () => {
        raise(f, kit, IE);
        const nan = (1n << BigInt(exponentBits + 2)) - 1n;
        f.return(c64(nan << BigInt(fractionBits - 1)));
      });
      f.if(isNaN80(s, e), () => {
        f.if(isSignalling(s, e), () => raise(f, kit, IE));
        const fraction = i64.shr_u(i64.shl(quiet(s), c64(1)), c64(down + 1));
        f.return(i64.or(i64.or(sign, c64(infinity)), fraction));
      });
      f.return(i64.or(sign, c64(infinity)));
    });
    f.if(i64.eqz(s), () => f.return(sign));
    const n = normalise(f, s, e);
    const exp = f.let(i32.add(n.exp, c32(bias - BIAS)));
    const rc = f.let(roundingControl(cw));
    const signBit = f.let(signOf(e));
    const kept = f.local("i64");
    const lo = f.local("i64");
    const subnormal = f.let(i32.le_s(exp, c32(0)));
    const tiny = f.local("i32");
    f.set(tiny, c32(0));
    f.if(
      subnormal,
      () => {
        const ulp = 1n << BigInt(down);
        const rest = f.let(i64.shl(n.sig, c64(64 - down)));
        const up = roundsUp(rc, signBit, i64.ne(i64.and(n.sig, c64(ulp)), c64(0)), rest);
        const wraps = i64.eqz(i64.add(i64.and(n.sig, c64(-ulp)), c64(ulp)));
        f.set(tiny, not(both(both(i32.eqz(exp), up), wraps)));
        f.if(both(tiny, not(i32.and(cw, c32(UE)))), () => {
          raise(f, kit, UE);
          f.return(c64(0));
        });
        const shifted = shiftRightJam(f, n.sig, c64(0), f.let(i32.sub(c32(down + 1), exp)));
        f.set(kept, shifted.hi);
        f.set(lo, shifted.lo);
      },
      () => {
        f.set(kept, i64.shr_u(n.sig, c64(down)));
        f.set(lo, i64.shl(n.sig, c64(64 - down)));
      },
    );
    const up = f.let(roundsUp(rc, signBit, i32.and(i32.wrap(kept), c32(1)), lo));
    // A carry out of the fraction runs into the exponent, as it should. `kept` has the integer bit if it is normal.
    const bounded = select(i32.gt_s(exp, c32(maxExp)), c32(maxExp), exp);
    const base = select(subnormal, c64(0), i64.shl(i64.extend_i32_s(i32.sub(bounded, c32(1))), c64(fractionBits)));
    const result = f.let(i64.add(i64.add(base, kept), i64.extend_i32_u(up)));
    f.if(i64.ge_u(result, c64(infinity)), () => {
      raise(f, kit, OE);
      f.if(not(i32.and(cw, c32(OE))), () => f.return(c64(0)));
      const toInfinity = f.let(either(i32.eqz(rc), i32.eq(rc, i32.sub(c32(2), signBit))));
      raise(f, kit, i32.or(c32(PE), i32.shl(toInfinity, c32(9))));
      f.return(i64.or(sign, select(toInfinity, c64(infinity), c64(infinity - 1n))));
    });
    f.if(i64.ne(lo, c64(0)), () => {
      raise(f, kit, i32.or(c32(PE), i32.shl(up, c32(9))));
      f.if(tiny, () => raise(f, kit, UE));
    });
    f.return(i64.or(sign, result));
  });
}

/** FILD: a sign-extended integer; always exact. */
function defineFromInteger(kit: Kit): FunctionRef {
  return kit.m.func("f80.from.i64", ["i64"], F80, (f) => {
    const v = f.param(0, "i64");
    const sign = f.let(i32.wrap(i64.shr_u(v, c64(63))));
    f.if(sign, () => f.set(v, i64.sub(c64(0), v)));
    const packed = packInteger(f, sign, v);
    f.return(packed.sig, packed.se);
  });
}

/**
 * The magnitude of a value rounded to an integer by `rc`, for values below 2^64; the caller sorts out all others.
 * Raises PE and C1.
 */
function roundMagnitude(f: FunctionBuilder, s: I64, e: I32, rc: I32): { magnitude: I64; flags: I32; carried: I32 } {
  const kept = f.local("i64");
  const lo = f.local("i64");
  const exp = f.let(exponent(e));
  f.set(kept, s);
  f.set(lo, c64(0));
  f.if(i32.lt_u(exp, c32(BIAS + 63)), () => {
    const shifted = shiftRightJam(f, s, c64(0), f.let(i32.sub(c32(BIAS + 63), exp)));
    f.set(kept, shifted.hi);
    f.set(lo, shifted.lo);
  });
  const up = f.let(roundsUp(rc, signOf(e), i32.and(i32.wrap(kept), c32(1)), lo));
  f.set(kept, i64.add(kept, i64.extend_i32_u(up)));
  const carried = both(up, i64.eqz(kept));
  return {
    magnitude: kept,
    flags: f.let(select(i64.eqz(lo), c32(0), i32.or(c32(PE), i32.shl(up, c32(9))))),
    carried: f.let(carried),
  };
}

/**
 * FIST: (f80, control, bits) -> i64, sign-extended; what does not fit is the integer indefinite.
 * @param truncate FISTTP: toward zero whatever the control word says.
 */
function defineToInteger(kit: Kit, name: string, truncate: boolean): FunctionRef {
  return kit.m.func(`f80.to.${name}`, [...UNARY, "i32"], ["i64"], (f) => {
    const s = f.param(0, "i64");
    const e = f.param(1, "i32");
    const cw = f.param(2, "i32");
    const bits = f.param(3, "i32");
    const limit = f.let(i64.shl(c64(1), i64.extend_i32_u(i32.sub(bits, c32(1)))));
    const invalid = (): void => {
      raise(f, kit, IE);
      f.return(i64.sub(c64(0), limit));
    };
    f.if(either(isUnsupported(s, e), i32.gt_u(exponent(e), c32(BIAS + 63))), invalid);
    const r = roundMagnitude(f, s, e, truncate ? c32(3) : f.let(roundingControl(cw)));
    const negative = f.let(signOf(e));
    f.if(
      either(r.carried, i64.gt_u(r.magnitude, i64.sub(i64.add(limit, i64.extend_i32_u(negative)), c64(1)))),
      invalid,
    );
    raise(f, kit, r.flags);
    f.return(select(negative, i64.sub(c64(0), r.magnitude), r.magnitude));
  });
}

/** FBLD: low eight bytes and the ninth, and the byte with the sign. Digits above 9 are taken as they weigh. */
function defineFromBcd(kit: Kit): FunctionRef {
  return kit.m.func("f80.from.bcd", ["i64", "i32"], F80, (f) => {
    const digits = f.param(0, "i64");
    const top = f.param(1, "i32");
    const value = f.local("i64");
    const left = f.local("i32");
    f.set(
      value,
      i64.extend_i32_u(i32.add(i32.mul(i32.and(i32.shr_u(top, c32(4)), c32(15)), c32(10)), i32.and(top, c32(15)))),
    );
    f.set(left, c32(16));
    f.loop((again) => {
      f.set(value, i64.add(i64.mul(value, c64(10)), i64.shr_u(digits, c64(60))));
      f.set(digits, i64.shl(digits, c64(4)));
      f.set(left, i32.sub(left, c32(1)));
      f.brIf(again, left);
    });
    const packed = packInteger(f, f.let(signOf(top)), value);
    f.return(packed.sig, packed.se);
  });
}

/** FBSTP: low eight bytes, and the upper two: sign and two digits. What exceeds 18 digits is the BCD indefinite. */
function defineToBcd(kit: Kit): FunctionRef {
  return kit.m.func("f80.to.bcd", UNARY, ["i64", "i32"], (f) => {
    const s = f.param(0, "i64");
    const e = f.param(1, "i32");
    const cw = f.param(2, "i32");
    const invalid = (): void => {
      raise(f, kit, IE);
      f.return(c64(0xc000_0000_0000_0000n), c32(DEFAULT_NAN_SE));
    };
    f.if(either(isUnsupported(s, e), i32.gt_u(exponent(e), c32(BIAS + 63))), invalid);
    const r = roundMagnitude(f, s, e, f.let(roundingControl(cw)));
    f.if(either(r.carried, i64.ge_u(r.magnitude, c64(10n ** 18n))), invalid);
    raise(f, kit, r.flags);
    const rest = f.local("i64");
    const digits = f.local("i64");
    const count = f.local("i32");
    f.set(rest, r.magnitude);
    f.set(digits, c64(0));
    f.set(count, c32(16));
    f.loop((again) => {
      f.set(digits, i64.or(i64.shr_u(digits, c64(4)), i64.shl(i64.rem_u(rest, c64(10)), c64(60))));
      f.set(rest, i64.div_u(rest, c64(10)));
      f.set(count, i32.sub(count, c32(1)));
      f.brIf(again, count);
    });
    const top = f.let(i32.wrap(rest));
    f.return(
      digits,
      i32.or(i32.or(i32.shl(i32.div_u(top, c32(10)), c32(4)), i32.rem_u(top, c32(10))), i32.shl(signOf(e), c32(15))),
    );
  });
}

export interface Conversions {
  readonly fromF32: FunctionRef;
  readonly fromF64: FunctionRef;
  readonly toF32: FunctionRef;
  readonly toF64: FunctionRef;
  readonly fromInteger: FunctionRef;
  readonly toInteger: FunctionRef;
  readonly toIntegerTruncated: FunctionRef;
  readonly fromBcd: FunctionRef;
  readonly toBcd: FunctionRef;
}

export function defineConversions(kit: Kit): Conversions {
  return {
    fromF32: defineFrom(kit, FLOAT),
    fromF64: defineFrom(kit, DOUBLE),
    toF32: defineTo(kit, FLOAT),
    toF64: defineTo(kit, DOUBLE),
    fromInteger: defineFromInteger(kit),
    toInteger: defineToInteger(kit, "integer", false),
    toIntegerTruncated: defineToInteger(kit, "integerTruncated", true),
    fromBcd: defineFromBcd(kit),
    toBcd: defineToBcd(kit),
  };
}
