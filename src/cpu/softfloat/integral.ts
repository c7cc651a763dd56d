/** Remainders, rounding to integer, scaling, extracting, and comparison. None of these is subject to precision control. */
import { type I32, type I64, i32, i64, select } from "../wasm/expr.ts";
import type { FunctionRef } from "../wasm/module.ts";
import { raiseDenormal } from "./arith.ts";
import {
  BIAS,
  BINARY,
  both,
  C0,
  C2,
  C3,
  c32,
  c64,
  DE,
  divide,
  either,
  exponent,
  F80,
  IE,
  INTEGER_BIT,
  isDenormal,
  isInfinite,
  isNaN80,
  isSignalling,
  isUnsupported,
  type Kit,
  MAX_EXP,
  normalise,
  not,
  PE,
  REMAINDER,
  raise,
  returnDefaultNaN,
  returnNaN,
  returnNaNs,
  signOf,
  UNARY,
  withSign,
  ZE,
} from "./parts.ts";
import { finish, fullPrecision, packInteger, roundingControl, roundsUp } from "./round.ts";

/**
 * FPREM (quotient truncated) and FPREM1 (quotient to nearest even). C0, C3, C1 get the quotient's bits 2, 1, 0; C2 says that
 * the exponents were 64 or more apart and that this is only a partial remainder.
 */
function defineRemainder(kit: Kit, name: string, nearest: boolean): FunctionRef {
  return kit.m.func(`f80.${name}`, BINARY, F80, (f) => {
    const sa = f.param(0, "i64");
    const ea = f.param(1, "i32");
    const sb = f.param(2, "i64");
    const eb = f.param(3, "i32");
    const cw = f.param(4, "i32");
    returnNaNs(f, kit, sa, ea, sb, eb);
    f.if(either(isInfinite(ea), i64.eqz(sb)), () => returnDefaultNaN(f, kit));
    raise(f, kit, REMAINDER);
    raiseDenormal(f, kit, sa, ea, sb, eb);
    f.if(either(isInfinite(eb), i64.eqz(sa)), () => {
      f.if(i64.eqz(sa), () => f.return(sa, ea));
      const a = normalise(f, sa, ea);
      finish(f, kit, f.let(signOf(ea)), a.exp, a.sig, c64(0), f.let(fullPrecision(cw)));
    });
    const a = normalise(f, sa, ea);
    const b = normalise(f, sb, eb);
    const sign = f.local("i32");
    const exp = f.local("i32");
    const rest = f.local("i64");
    const quotient = f.local("i64");
    f.set(sign, signOf(ea));
    f.set(exp, a.exp);
    f.set(rest, a.sig);
    f.set(quotient, c64(0));
    const distance = f.let(i32.sub(a.exp, b.exp));
    const partial = f.let(i32.ge_s(distance, c32(64)));
    f.if(i32.ge_s(distance, c32(0)), () => {
      // The quotient's bit for a shift of 0, then all others in one division.
      f.if(i64.ge_u(rest, b.sig), () => {
        f.set(rest, i64.sub(rest, b.sig));
        f.set(quotient, c64(1));
      });
      const shift = f.let(i64.extend_i32_u(select(partial, i32.or(i32.and(distance, c32(31)), c32(32)), distance)));
      const hi = select(i64.eqz(shift), c64(0), i64.shr_u(rest, i64.sub(c64(64), shift)));
      const { quotient: q, rest: r } = divide(
        f,
        kit,
        select(i64.eqz(shift), rest, hi),
        i64.shl(select(i64.eqz(shift), c64(0), rest), shift),
        b.sig,
      );
      f.if(i64.ne(shift, c64(0)), () => {
        f.set(rest, r);
        f.set(quotient, i64.add(i64.shl(quotient, shift), q));
      });
      f.set(exp, i32.sub(a.exp, i32.wrap(shift)));
    });
    f.if(partial, () => {
      raise(f, kit, C2);
      f.set(quotient, c64(0));
    });
    if (nearest) {
      f.if(not(partial), () => {
        // With equal exponents compare twice the rest with the divisor; one apart, the rest itself; further, it stays.
        const sameScale = f.let(i32.eq(exp, b.exp));
        const other = f.let(select(sameScale, i64.sub(b.sig, rest), i64.sub(i64.shl(b.sig, c64(1)), rest)));
        const above = select(sameScale, i64.gt_u(rest, other), i64.gt_u(rest, b.sig));
        const tie = both(both(sameScale, i64.eq(rest, other)), i32.wrap(quotient));
        f.if(both(either(sameScale, i32.eq(exp, i32.sub(b.exp, c32(1)))), either(above, i32.and(tie, c32(1)))), () => {
          f.set(rest, other);
          f.set(sign, i32.xor(sign, c32(1)));
          f.set(quotient, i64.add(quotient, c64(1)));
        });
      });
    }
    const q = f.let(i32.wrap(quotient));
    raise(
      f,
      kit,
      i32.or(
        i32.or(i32.shl(i32.and(q, c32(1)), c32(9)), i32.shl(i32.and(q, c32(2)), c32(13))),
        i32.shl(i32.and(q, c32(4)), c32(6)),
      ),
    );
    f.if(i64.eqz(rest), () => f.return(c64(0), withSign(sign, 0)));
    const zeros = f.let(i64.clz(rest));
    // The result is exact: C1 is the quotient's, so the rounding must not touch it.
    finish(
      f,
      kit,
      sign,
      f.let(i32.sub(exp, i32.wrap(zeros))),
      f.let(i64.shl(rest, zeros)),
      c64(0),
      f.let(fullPrecision(cw)),
    );
  });
}

/** FRNDINT. */
function defineRoundToInteger(kit: Kit): FunctionRef {
  return kit.m.func("f80.roundToInteger", UNARY, F80, (f) => {
    const s = f.param(0, "i64");
    const e = f.param(1, "i32");
    const cw = f.param(2, "i32");
    returnNaN(f, kit, s, e);
    f.if(either(i64.eqz(s), isInfinite(e)), () => f.return(s, e));
    f.if(isDenormal(s, e), () => raise(f, kit, DE));
    const sign = f.let(signOf(e));
    const exp = f.let(exponent(e));
    f.if(i32.ge_u(exp, c32(BIAS + 63)), () => f.return(s, e));
    const rc = f.let(roundingControl(cw));
    f.if(i32.lt_u(exp, c32(BIAS)), () => {
      // Below 1: the whole significand is the fraction; below 1/2 it is only sticky.
      const lo = f.let(select(i32.eq(exp, c32(BIAS - 1)), s, c64(1)));
      const up = f.let(roundsUp(rc, sign, c32(0), lo));
      raise(f, kit, i32.or(c32(PE), i32.shl(up, c32(9))));
      f.if(up, () => f.return(c64(INTEGER_BIT), withSign(sign, BIAS)));
      f.return(c64(0), withSign(sign, 0));
    });
    const drop = f.let(i64.extend_i32_u(i32.sub(c32(BIAS + 63), exp)));
    const ulp = f.let(i64.shl(c64(1), drop));
    const lo = f.let(i64.shl(s, i64.sub(c64(64), drop)));
    const kept = f.let(i64.and(s, i64.sub(c64(0), ulp)));
    f.if(i64.eqz(lo), () => f.return(s, e));
    const up = f.let(roundsUp(rc, sign, i64.ne(i64.and(kept, ulp), c64(0)), lo));
    raise(f, kit, i32.or(c32(PE), i32.shl(up, c32(9))));
    const sum = f.let(i64.add(kept, select(up, ulp, c64(0))));
    f.if(i64.eqz(sum), () => f.return(c64(INTEGER_BIT), withSign(sign, i32.add(exp, c32(1)))));
    f.return(sum, e);
  });
}

/** FSCALE: a * 2^trunc(b). */
function defineScale(kit: Kit): FunctionRef {
  return kit.m.func("f80.scale", BINARY, F80, (f) => {
    const sa = f.param(0, "i64");
    const ea = f.param(1, "i32");
    const sb = f.param(2, "i64");
    const eb = f.param(3, "i32");
    const cw = f.param(4, "i32");
    returnNaNs(f, kit, sa, ea, sb, eb);
    f.if(isInfinite(eb), () => {
      f.if(
        signOf(eb),
        () => {
          f.if(isInfinite(ea), () => returnDefaultNaN(f, kit));
          raiseDenormal(f, kit, sa, ea);
          f.return(c64(0), withSign(signOf(ea), 0));
        },
        () => {
          f.if(both(i64.eqz(sa), not(isInfinite(ea))), () => returnDefaultNaN(f, kit));
          raiseDenormal(f, kit, sa, ea);
          f.return(c64(INTEGER_BIT), withSign(signOf(ea), MAX_EXP));
        },
      );
      f.unreachable();
    });
    raiseDenormal(f, kit, sa, ea, sb, eb);
    f.if(either(isInfinite(ea), i64.eqz(sa)), () => f.return(sa, ea));
    const a = normalise(f, sa, ea);
    // Beyond 2^16 any scale overflows or underflows whatever the operand is.
    const by = f.local("i32");
    const expB = f.let(exponent(eb));
    f.set(by, c32(0));
    f.if(i32.ge_u(expB, c32(BIAS)), () => {
      f.set(by, c32(0x10000));
      f.if(i32.le_u(expB, c32(BIAS + 15)), () =>
        f.set(by, i32.wrap(i64.shr_u(sb, i64.extend_i32_u(i32.sub(c32(BIAS + 63), expB))))),
      );
    });
    f.if(signOf(eb), () => f.set(by, i32.sub(c32(0), by)));
    finish(f, kit, f.let(signOf(ea)), f.let(i32.add(a.exp, by)), a.sig, c64(0), f.let(fullPrecision(cw)));
  });
}

/** FXTRACT: exponent, then significand. */
function defineExtract(kit: Kit): FunctionRef {
  return kit.m.func("f80.extract", UNARY, [...F80, ...F80], (f) => {
    const s = f.param(0, "i64");
    const e = f.param(1, "i32");
    f.if(isUnsupported(s, e), () => {
      raise(f, kit, IE);
      f.return(c64(0xc000_0000_0000_0000n), c32(0xffff), c64(0xc000_0000_0000_0000n), c32(0xffff));
    });
    f.if(isNaN80(s, e), () => {
      f.if(isSignalling(s, e), () => raise(f, kit, IE));
      const q = f.let(i64.or(s, c64(0xc000_0000_0000_0000n)));
      f.return(q, e, q, e);
    });
    f.if(isInfinite(e), () => f.return(s, c32(MAX_EXP), s, e));
    f.if(i64.eqz(s), () => {
      raise(f, kit, ZE);
      f.return(c64(INTEGER_BIT), c32(0xffff), s, e);
    });
    raiseDenormal(f, kit, s, e);
    const n = normalise(f, s, e);
    const unbiased = f.let(i32.sub(n.exp, c32(BIAS)));
    const negative = f.let(i32.lt_s(unbiased, c32(0)));
    const magnitude = i64.extend_i32_s(select(negative, i32.sub(c32(0), unbiased), unbiased));
    const packed = packInteger(f, negative, f.let(magnitude));
    f.return(packed.sig, packed.se, n.sig, withSign(signOf(e), BIAS));
  });
}

/** FCOM and FUCOM: C3, C2, C0 as an i32. Ordered comparison takes offence at quiet NaNs as well. */
function defineCompare(kit: Kit, name: string, ordered: boolean): FunctionRef {
  return kit.m.func(`f80.${name}`, ["i64", "i32", "i64", "i32"], ["i32"], (f) => {
    const sa = f.param(0, "i64");
    const ea = f.param(1, "i32");
    const sb = f.param(2, "i64");
    const eb = f.param(3, "i32");
    f.if(either(isUnsupported(sa, ea), isUnsupported(sb, eb)), () => {
      raise(f, kit, IE);
      f.return(c32(C0 | C2 | C3));
    });
    f.if(either(isNaN80(sa, ea), isNaN80(sb, eb)), () => {
      const offends = ordered ? c32(1) : either(isSignalling(sa, ea), isSignalling(sb, eb));
      f.if(offends, () => raise(f, kit, IE));
      f.return(c32(C0 | C2 | C3));
    });
    raiseDenormal(f, kit, sa, ea, sb, eb);
    f.if(i64.eqz(i64.or(sa, sb)), () => f.return(c32(C3)));
    const signA = f.let(signOf(ea));
    f.if(i32.ne(signA, signOf(eb)), () => f.return(select(signA, c32(C0), c32(0))));
    // A pseudo-denormal has the exponent that 1 stands for.
    const pseudo = (s: I64, e: I32): I32 => both(i32.eqz(exponent(e)), i64.lt_s(s, c64(0)));
    const expA = f.let(i32.add(exponent(ea), pseudo(sa, ea)));
    const expB = f.let(i32.add(exponent(eb), pseudo(sb, eb)));
    const less = f.let(either(i32.lt_u(expA, expB), both(i32.eq(expA, expB), i64.lt_u(sa, sb))));
    f.if(both(i32.eq(expA, expB), i64.eq(sa, sb)), () => f.return(c32(C3)));
    f.return(select(i32.xor(less, signA), c32(C0), c32(0)));
  });
}

export interface Integral {
  readonly remTruncated: FunctionRef;
  readonly remNearest: FunctionRef;
  readonly roundToInteger: FunctionRef;
  readonly scale: FunctionRef;
  readonly extract: FunctionRef;
  readonly compare: FunctionRef;
  readonly compareQuiet: FunctionRef;
}

export function defineIntegral(kit: Kit): Integral {
  return {
    remTruncated: defineRemainder(kit, "remTruncated", false),
    remNearest: defineRemainder(kit, "remNearest", true),
    roundToInteger: defineRoundToInteger(kit),
    scale: defineScale(kit),
    extract: defineExtract(kit),
    compare: defineCompare(kit, "compare", true),
    compareQuiet: defineCompare(kit, "compareQuiet", false),
  };
}
