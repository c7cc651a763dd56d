/**
 * Addition, multiplication, division and square root.
 *
 * Each function first asks whether both operands are normal numbers and then goes straight on; everything else (NaNs,
 * infinities, zeros, denormals) is in a second function, which ends in the same core once the operands are normalised.
 */
import { f64, type I32, type I64, i32, i64, select } from "../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef } from "../wasm/module.ts";
import {
  BIAS,
  BINARY,
  both,
  c32,
  c64,
  DE,
  divide,
  either,
  exponent,
  F80,
  INTEGER_BIT,
  isDenormal,
  isInfinite,
  isNormal,
  type Kit,
  MAX_EXP,
  normalise,
  not,
  raise,
  returnCall,
  returnDefaultNaN,
  returnNaN,
  returnNaNs,
  shiftRightJam,
  signOf,
  UNARY,
  withSign,
  ZE,
} from "./parts.ts";
import { finish, multiply, roundingControl } from "./round.ts";

const HALF = INTEGER_BIT;

interface Parts {
  readonly sign: I32;
  readonly exp: I32;
  readonly sig: I64;
}

/** The sum of two finite values that are not zero. */
function addCore(f: FunctionBuilder, kit: Kit, a: Parts, b: Parts, cw: I32): void {
  const sign = f.local("i32");
  const exp = f.local("i32");
  const big = f.local("i64");
  const small = f.local("i64");
  const distance = f.local("i32");
  const subtract = f.let(i32.xor(a.sign, b.sign));
  f.if(
    either(i32.gt_s(a.exp, b.exp), both(i32.eq(a.exp, b.exp), i64.ge_u(a.sig, b.sig))),
    () => {
      f.set(sign, a.sign);
      f.set(exp, a.exp);
      f.set(distance, i32.sub(a.exp, b.exp));
      f.set(big, a.sig);
      f.set(small, b.sig);
    },
    () => {
      f.set(sign, b.sign);
      f.set(exp, b.exp);
      f.set(distance, i32.sub(b.exp, a.exp));
      f.set(big, b.sig);
      f.set(small, a.sig);
    },
  );
  const lo = f.local("i64");
  f.set(lo, c64(0));
  f.if(distance, () => {
    const s = shiftRightJam(f, small, c64(0), distance);
    f.set(small, s.hi);
    f.set(lo, s.lo);
  });
  f.if(
    subtract,
    () => {
      f.set(big, i64.sub(i64.sub(big, small), i64.extend_i32_u(i64.ne(lo, c64(0)))));
      f.set(lo, i64.sub(c64(0), lo));
      f.if(i64.ge_s(big, c64(0)), () => {
        f.if(i64.eqz(big), () => {
          // Exact cancellation gives +0, except when rounding down.
          f.if(i64.eqz(lo), () => f.return(c64(0), withSign(i32.eq(roundingControl(cw), c32(1)), 0)));
          f.set(big, lo);
          f.set(lo, c64(0));
          f.set(exp, i32.sub(exp, c32(64)));
        });
        const zeros = f.let(i64.clz(big));
        f.if(i32.wrap(zeros), () => {
          f.set(big, i64.or(i64.shl(big, zeros), i64.shr_u(lo, i64.sub(c64(64), zeros))));
          f.set(lo, i64.shl(lo, zeros));
          f.set(exp, i32.sub(exp, i32.wrap(zeros)));
        });
      });
    },
    () => {
      const sum = f.let(i64.add(big, small));
      f.if(
        i64.lt_u(sum, big),
        () => {
          f.set(lo, i64.or(i64.or(i64.shl(sum, c64(63)), i64.shr_u(lo, c64(1))), i64.and(lo, c64(1))));
          f.set(big, i64.or(i64.shr_u(sum, c64(1)), c64(INTEGER_BIT)));
          f.set(exp, i32.add(exp, c32(1)));
        },
        () => f.set(big, sum),
      );
    },
  );
  finish(f, kit, sign, exp, big, lo, cw);
}

function mulCore(f: FunctionBuilder, kit: Kit, a: Parts, b: Parts, cw: I32): void {
  const sign = f.let(i32.xor(a.sign, b.sign));
  const exp = f.local("i32");
  f.set(exp, i32.add(i32.add(a.exp, b.exp), c32(1 - BIAS)));
  const p = multiply(f, a.sig, b.sig);
  const hi = f.local("i64");
  const lo = f.local("i64");
  f.set(hi, p.hi);
  f.set(lo, p.lo);
  f.if(i64.ge_s(hi, c64(0)), () => {
    f.set(hi, i64.or(i64.shl(hi, c64(1)), i64.shr_u(lo, c64(63))));
    f.set(lo, i64.shl(lo, c64(1)));
    f.set(exp, i32.sub(exp, c32(1)));
  });
  finish(f, kit, sign, exp, hi, lo, cw);
}

function divCore(f: FunctionBuilder, kit: Kit, a: Parts, b: Parts, cw: I32): void {
  const sign = f.let(i32.xor(a.sign, b.sign));
  const exp = f.local("i32");
  const hi = f.local("i64");
  const lo = f.local("i64");
  f.set(exp, i32.add(i32.sub(a.exp, b.exp), c32(BIAS)));
  f.set(hi, a.sig);
  f.set(lo, c64(0));
  f.if(
    i64.ge_u(a.sig, b.sig),
    () => {
      f.set(lo, i64.shl(hi, c64(63)));
      f.set(hi, i64.shr_u(hi, c64(1)));
    },
    () => f.set(exp, i32.sub(exp, c32(1))),
  );
  const { quotient: q, rest } = divide(f, kit, hi, lo, b.sig);
  // The fraction beyond the quotient, as far as rounding must know it: twice the rest against the divisor.
  const beyond = f.let(
    select(i64.eqz(rest), c64(0), select(i64.ge_u(rest, i64.sub(b.sig, rest)), c64(HALF | 1n), c64(1))),
  );
  const exactHalf = i64.eq(rest, i64.sub(b.sig, rest));
  finish(f, kit, sign, exp, q, f.let(select(exactHalf, c64(HALF), beyond)), cw);
}

type Core = (f: FunctionBuilder, kit: Kit, a: Parts, b: Parts, cw: I32) => void;

interface BinaryParams {
  readonly sa: I64;
  readonly ea: I32;
  readonly sb: I64;
  readonly eb: I32;
  readonly cw: I32;
}
function binaryParams(f: FunctionBuilder): BinaryParams {
  return {
    sa: f.param(0, "i64"),
    ea: f.param(1, "i32"),
    sb: f.param(2, "i64"),
    eb: f.param(3, "i32"),
    cw: f.param(4, "i32"),
  };
}

/**
 * @param rare handles infinities and zeros, and returns from the function where one of them decides the result.
 * @param negateB the operation is `a - b`.
 */
function defineBinary(
  kit: Kit,
  name: string,
  core: Core,
  rare: (f: FunctionBuilder, p: BinaryParams, signB: I32) => void,
  negateB = false,
): FunctionRef {
  const signOfB = (eb: I32): I32 => i32.xor(signOf(eb), c32(negateB ? 1 : 0));
  const special = kit.m.func(`f80.${name}.special`, BINARY, F80, (f) => {
    const p = binaryParams(f);
    const { sa, ea, sb, eb, cw } = p;
    returnNaNs(f, kit, sa, ea, sb, eb);
    const signB = f.let(signOfB(eb));
    rare(f, p, signB);
    const a = normalise(f, sa, ea);
    const b = normalise(f, sb, eb);
    core(f, kit, { ...a, sign: f.let(signOf(ea)) }, { ...b, sign: signB }, cw);
  });
  return kit.m.func(`f80.${name}`, BINARY, F80, (f) => {
    const { sa, ea, sb, eb, cw } = binaryParams(f);
    f.if(both(isNormal(sa, ea), isNormal(sb, eb)), () => {
      const a = { sign: f.let(signOf(ea)), exp: f.let(exponent(ea)), sig: sa };
      const b = { sign: f.let(signOfB(eb)), exp: f.let(exponent(eb)), sig: sb };
      core(f, kit, a, b, cw);
    });
    returnCall(f, special, [sa, ea, sb, eb, cw]);
  });
}

/** Denormal operands are reported once nothing graver was found. */
export function raiseDenormal(f: FunctionBuilder, kit: Kit, sa: I64, ea: I32, sb?: I64, eb?: I32): void {
  const b = sb !== undefined && eb !== undefined ? isDenormal(sb, eb) : c32(0);
  f.if(either(isDenormal(sa, ea), b), () => raise(f, kit, DE));
}

function rareSum(kit: Kit): (f: FunctionBuilder, p: BinaryParams, signB: I32) => void {
  return (f, { sa, ea, sb, eb, cw }, signB) => {
    f.if(isInfinite(ea), () => {
      f.if(both(isInfinite(eb), i32.ne(signOf(ea), signB)), () => returnDefaultNaN(f, kit));
      raiseDenormal(f, kit, sb, eb);
      f.return(sa, ea);
    });
    raiseDenormal(f, kit, sa, ea, sb, eb);
    f.if(isInfinite(eb), () => f.return(sb, withSign(signB, MAX_EXP)));
    f.if(i64.eqz(sa), () => {
      f.if(i64.eqz(sb), () => {
        f.if(i32.eq(signOf(ea), signB), () => f.return(sa, ea));
        f.return(c64(0), withSign(i32.eq(roundingControl(cw), c32(1)), 0));
      });
      const b = normalise(f, sb, eb);
      finish(f, kit, signB, b.exp, b.sig, c64(0), cw);
    });
    f.if(i64.eqz(sb), () => {
      const a = normalise(f, sa, ea);
      finish(f, kit, f.let(signOf(ea)), a.exp, a.sig, c64(0), cw);
    });
  };
}

function rareProduct(kit: Kit): (f: FunctionBuilder, p: BinaryParams, signB: I32) => void {
  return (f, { sa, ea, sb, eb }, signB) => {
    const sign = f.let(i32.xor(signOf(ea), signB));
    f.if(either(isInfinite(ea), isInfinite(eb)), () => {
      f.if(either(i64.eqz(sa), i64.eqz(sb)), () => returnDefaultNaN(f, kit));
      raiseDenormal(f, kit, sa, ea, sb, eb);
      f.return(c64(INTEGER_BIT), withSign(sign, MAX_EXP));
    });
    raiseDenormal(f, kit, sa, ea, sb, eb);
    f.if(either(i64.eqz(sa), i64.eqz(sb)), () => f.return(c64(0), withSign(sign, 0)));
  };
}

function rareQuotient(kit: Kit): (f: FunctionBuilder, p: BinaryParams, signB: I32) => void {
  return (f, { sa, ea, sb, eb }, signB) => {
    const sign = f.let(i32.xor(signOf(ea), signB));
    f.if(isInfinite(ea), () => {
      f.if(isInfinite(eb), () => returnDefaultNaN(f, kit));
      raiseDenormal(f, kit, sb, eb);
      f.return(c64(INTEGER_BIT), withSign(sign, MAX_EXP));
    });
    f.if(both(i64.eqz(sb), not(exponent(eb))), () => {
      f.if(i64.eqz(sa), () => returnDefaultNaN(f, kit));
      raise(f, kit, ZE);
      f.return(c64(INTEGER_BIT), withSign(sign, MAX_EXP));
    });
    raiseDenormal(f, kit, sa, ea, sb, eb);
    f.if(either(i64.eqz(sa), isInfinite(eb)), () => f.return(c64(0), withSign(sign, 0)));
  };
}

/** hi:lo - s*s, as a signed 128-bit number. */
function remainderOfSquare(f: FunctionBuilder, hi: I64, lo: I64, s: I64): { hi: I64; lo: I64 } {
  const p = multiply(f, s, s);
  const restLo = f.let(i64.sub(lo, p.lo));
  return { hi: f.let(i64.sub(i64.sub(hi, p.hi), i64.extend_i32_u(i64.lt_u(lo, p.lo)))), lo: restLo };
}

function defineSqrt(kit: Kit): FunctionRef {
  return kit.m.func("f80.sqrt", UNARY, F80, (f) => {
    const sa = f.param(0, "i64");
    const ea = f.param(1, "i32");
    const cw = f.param(2, "i32");
    f.if(not(isNormal(sa, ea)), () => {
      returnNaN(f, kit, sa, ea);
      f.if(i64.eqz(sa), () => f.return(sa, ea));
    });
    f.if(signOf(ea), () => returnDefaultNaN(f, kit));
    f.if(isInfinite(ea), () => f.return(sa, ea));
    raiseDenormal(f, kit, sa, ea);
    const a = normalise(f, sa, ea);
    // The radicand hi:lo is in [2^126, 2^128), so the root has 64 bits.
    const e = f.let(i32.sub(a.exp, c32(BIAS)));
    const odd = f.let(i32.and(e, c32(1)));
    const exp = f.let(i32.add(i32.shr_s(e, c32(1)), c32(BIAS)));
    const hi = f.let(select(odd, a.sig, i64.shr_u(a.sig, c64(1))));
    const lo = f.let(select(odd, c64(0), i64.shl(a.sig, c64(63))));
    // A double is good for about 50 bits; one Newton step then leaves at most the last few units to correct.
    const root = f.local("i64");
    const guess = f.let(f64.mul(f64.sqrt(f64.convert_i64_u(hi)), f64.const(2 ** 32)));
    f.set(root, i64.trunc_sat_f64_u(guess));
    const r = remainderOfSquare(f, hi, lo, root);
    const error = f64.add(f64.mul(f64.convert_i64_s(r.hi), f64.const(2 ** 64)), f64.convert_i64_u(r.lo));
    const step = f.let(i64.trunc_sat_f64_s(f64.div(error, f64.mul(guess, f64.const(2)))));
    const next = f.let(i64.add(root, step));
    // A step up past 2^64 wraps: the root is then just below it.
    f.set(root, select(both(i64.gt_s(step, c64(0)), i64.lt_u(next, root)), c64(-1), next));
    f.loop((again) => {
      const rest = remainderOfSquare(f, hi, lo, root);
      f.if(i64.lt_s(rest.hi, c64(0)), () => {
        f.set(root, i64.sub(root, c64(1)));
        f.br(again);
      });
      // rest > 2 * root means that the next root fits as well.
      f.if(
        either(
          i64.gt_u(rest.hi, i64.shr_u(root, c64(63))),
          both(i64.eq(rest.hi, i64.shr_u(root, c64(63))), i64.gt_u(rest.lo, i64.shl(root, c64(1)))),
        ),
        () => {
          f.set(root, i64.add(root, c64(1)));
          f.br(again);
        },
      );
      // (root + 1/2)^2 = root^2 + root + 1/4, so the rest tells on which side of the half the fraction lies.
      const beyond = f.let(
        select(
          i64.eqz(i64.or(rest.hi, rest.lo)),
          c64(0),
          select(either(i64.ne(rest.hi, c64(0)), i64.gt_u(rest.lo, root)), c64(HALF | 1n), c64(1)),
        ),
      );
      finish(f, kit, c32(0), exp, root, beyond, cw);
    });
    f.unreachable();
  });
}

export interface Arithmetic {
  readonly add: FunctionRef;
  readonly sub: FunctionRef;
  readonly mul: FunctionRef;
  readonly div: FunctionRef;
  readonly sqrt: FunctionRef;
}

export function defineArithmetic(kit: Kit): Arithmetic {
  return {
    add: defineBinary(kit, "add", addCore, rareSum(kit)),
    sub: defineBinary(kit, "sub", addCore, rareSum(kit), true),
    mul: defineBinary(kit, "mul", mulCore, rareProduct(kit)),
    div: defineBinary(kit, "div", divCore, rareQuotient(kit)),
    sqrt: defineSqrt(kit),
  };
}
