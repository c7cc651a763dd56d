/**
 * SSE arithmetic as MXCSR says, in integers: all rounding modes, flush-to-zero, denormals-are-zero, exception flags.
 *
 * WebAssembly rounds to nearest even and has no exception flags. That is all that most programs ever see, so they get
 * wasm's arithmetic; a program that has loaded MXCSR (fesetround, feclearexcept, flush-to-zero by -ffast-math) gets
 * these functions from then on (`Sem.careful`), at ten to twenty times the cost. Flags raised before the first load are lost.
 *
 * The work is done by the 80-bit functions of the x87, told to truncate: a result's significand has 64 bits, of which the
 * lowest is made sticky where the result is inexact, and so can be rounded a second time, to float or double, without
 * harm. Its exponent range is so much wider that nothing overflows in between. What remains here are NaNs, the formats
 * (`mant` is the width of the fraction, 23 or 52) and the flags. Values travel as i64 bits, floats zero-extended.
 * Intel SDM vol. 1, 4.8, 4.9 and 11.5.
 */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { defineArithmetic } from "../../softfloat/arith.ts";
import { shiftRightJam } from "../../softfloat/parts.ts";
import { defineKit } from "../../softfloat/round.ts";
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import { type FunctionBuilder, type FunctionRef, getGlobal, type ModuleBuilder } from "../../wasm/module.ts";
import { MXCSR } from "./context.ts";
import type { Sem } from "./sem.ts";

/** Exception flags of MXCSR, as of the x87 status word; their masks are 7 bits further up. */
const IE = 0x01;
const DE = 0x02;
const ZE = 0x04;
const OE = 0x08;
const UE = 0x10;
const PE = 0x20;
const MASK_SHIFT = 7;
const DAZ = 0x40;
const FTZ = 0x8000;

/** An x87 control word: everything masked, 64 bits of precision, truncation. */
const TRUNCATE = 0xf7f;
const BIAS80 = 16383;
const INTEGER_BIT = 1n << 63n;

/** What `unpack` finds. */
export const SoftClass = { Number: 0, QuietNaN: 1, SignallingNaN: 2 } as const;

const c32 = i32.const;
const c64 = i64.const;
const ZERO = c32(0);

export const mxcsr = (): I32 => i32.load(ZERO, CONTEXT_OFFSET + MXCSR);

export interface SoftFunctions {
  /** (a, b, mant) -> result. */
  readonly add: FunctionRef;
  readonly sub: FunctionRef;
  readonly mul: FunctionRef;
  readonly div: FunctionRef;
  /** (a, a, mant) -> result: two parameters like the others, of which the second counts. */
  readonly sqrt: FunctionRef;
  /** (a, b, mant) -> a or b. */
  readonly min: FunctionRef;
  readonly max: FunctionRef;
  /** (a, mant, mant of the result) -> result. */
  readonly convert: FunctionRef;
  /** (integer, mant) -> result. */
  readonly fromInteger: FunctionRef;
  /** (a, mant, 32 or 64, truncate) -> integer, or the indefinite one. */
  readonly toInteger: FunctionRef;
  /** (a, b, mant, quiet NaNs are invalid too): raises what a comparison raises. */
  readonly compare: FunctionRef;
  /** (flags): raises these. */
  readonly raise: FunctionRef;
  /** (a, mant) -> class (see SoftClass), significand, sign in bit 15 and exponent as the x87 has them, DE or 0. */
  readonly unpack: FunctionRef;
  /** (significand with a sticky lowest bit, sign and exponent, mant) -> result, rounded. */
  readonly pack: FunctionRef;
  /** (a, mant) -> a, or a zero of its sign if it is denormal and DAZ is set. */
  readonly flush: FunctionRef;
  /** () -> not 0 if an unmasked exception was raised since the last call. Takes the raised flags into MXCSR. */
  readonly settle: FunctionRef;
}

/** The instruction raises what the soft functions have raised: the trap, if that is unmasked. */
export function settle(s: Sem, soft: SoftFunctions): void {
  s.f.if(s.f.call("i32", soft.settle, []), () => s.trap(Trap.SimdError));
}

interface Unpacked {
  readonly cls: I32;
  readonly sig: I64;
  /** Sign in bit 15, exponent with the bias of the 80-bit format. */
  readonly se: I32;
  /** DE or 0. */
  readonly denormal: I32;
}

export function defineSoft(m: ModuleBuilder): SoftFunctions {
  const kit = defineKit(m);
  const f80 = defineArithmetic(kit);
  const flags = m.global("i32", true, ZERO);
  const raise = (f: FunctionBuilder, what: number | I32): void =>
    f.setGlobal(flags, i32.or(getGlobal(flags), typeof what === "number" ? c32(what) : what));

  const single = (mant: I32): I32 => i32.eq(mant, c32(23));
  const maxExponent = (mant: I32): I32 => select(single(mant), c32(0xff), c32(0x7ff));
  const bias = (mant: I32): I32 => select(single(mant), c32(127), c32(1023));
  const signBit = (se: I32, mant: I32): I64 =>
    i64.shl(i64.extend_i32_u(i32.shr_u(se, c32(15))), select(single(mant), c64(31), c64(63)));
  const infinity = (mant: I32): I64 => i64.shl(i64.extend_i32_u(maxExponent(mant)), i64.extend_i32_u(mant));
  const quietBit = (mant: I32): I64 => i64.shl(c64(1), i64.extend_i32_u(i32.sub(mant, c32(1))));
  const defaultNaN = (mant: I32): I64 => i64.or(i64.or(signBit(c32(0x8000), mant), infinity(mant)), quietBit(mant));
  const roundingControl = (): I32 => i32.and(i32.shr_u(mxcsr(), c32(13)), c32(3));

  const flush = m.func("sse.flush", ["i64", "i32"], ["i64"], (f) => {
    const a = f.param(0, "i64");
    const mant = f.param(1, "i32");
    f.if(i32.and(i64.eqz(i64.and(a, infinity(mant))), i32.ne(i32.and(mxcsr(), c32(DAZ)), ZERO)), () =>
      f.return(i64.and(a, signBit(c32(0x8000), mant))),
    );
    f.return(a);
  });

  /** (bits, mant) -> class, significand, sign and exponent, DE or 0. */
  const unpackFunction = m.func("sse.unpack", ["i64", "i32"], ["i32", "i64", "i32", "i32"], (f) => {
    const mant = f.param(1, "i32");
    const a = f.let(f.call("i64", flush, [f.param(0, "i64"), mant]));
    const wide = f.let(i64.extend_i32_u(mant));
    const sign = f.let(select(i64.ne(i64.and(a, signBit(c32(0x8000), mant)), c64(0)), c32(0x8000), ZERO));
    const max = f.let(maxExponent(mant));
    const exp = f.let(i32.and(i32.wrap(i64.shr_u(a, wide)), max));
    // The fraction at the top, below the place of the integer bit.
    const fraction = f.let(i64.and(i64.shl(a, i64.sub(c64(63), wide)), c64(INTEGER_BIT - 1n)));
    f.if(i32.eq(exp, max), () => {
      f.if(i64.eqz(fraction), () => f.return(c32(SoftClass.Number), c64(INTEGER_BIT), i32.or(sign, c32(0x7fff)), ZERO));
      const quiet = i64.ne(i64.and(fraction, c64(1n << 62n)), c64(0));
      f.return(select(quiet, c32(SoftClass.QuietNaN), c32(SoftClass.SignallingNaN)), fraction, sign, ZERO);
    });
    const offset = f.let(i32.sub(c32(BIAS80), bias(mant)));
    f.if(exp, () =>
      f.return(c32(SoftClass.Number), i64.or(fraction, c64(INTEGER_BIT)), i32.or(sign, i32.add(exp, offset)), ZERO),
    );
    f.if(i64.eqz(fraction), () => f.return(c32(SoftClass.Number), fraction, sign, ZERO));
    const shift = f.let(i64.clz(fraction));
    const normalised = i32.sub(i32.add(offset, c32(1)), i32.wrap(shift));
    f.return(c32(SoftClass.Number), i64.shl(fraction, shift), i32.or(sign, normalised), c32(DE));
  });
  const unpack = (f: FunctionBuilder, a: I64, mant: I32): Unpacked => {
    const [cls, sig, se, denormal] = f.callStatement(unpackFunction, [a, mant]) as unknown as [I32, I64, I32, I32];
    return { cls, sig, se, denormal };
  };

  /** Does a magnitude with these bits below its last place round away from zero? */
  const roundsUp = (f: FunctionBuilder, se: I32, odd: I32, rest: I64, half: I64): I32 => {
    const rc = f.let(roundingControl());
    const negative = f.let(i32.shr_u(se, c32(15)));
    const nearest = i32.or(i64.gt_u(rest, half), i32.and(i64.eq(rest, half), odd));
    const directed = i32.and(i64.ne(rest, c64(0)), i32.eq(rc, i32.sub(c32(2), negative)));
    return f.let(select(rc, directed, nearest));
  };

  /** (significand with a sticky lowest bit, sign and exponent, mant) -> bits. */
  const pack = m.func("sse.pack", ["i64", "i32", "i32"], ["i64"], (f) => {
    const sig = f.param(0, "i64");
    const se = f.param(1, "i32");
    const mant = f.param(2, "i32");
    const exp = f.local("i32");
    f.if(i64.eqz(sig), () => f.return(signBit(se, mant)));
    f.set(exp, i32.and(se, c32(0x7fff)));
    f.if(i32.eq(exp, c32(0x7fff)), () => f.return(i64.or(signBit(se, mant), infinity(mant))));
    f.set(exp, i32.add(i32.sub(exp, c32(BIAS80)), bias(mant)));
    const low = f.let(i64.sub(c64(63), i64.extend_i32_u(mant)));
    const ulp = f.let(i64.shl(c64(1), low));
    const half = f.let(i64.shr_u(ulp, c64(1)));
    const below = f.let(i64.sub(ulp, c64(1)));
    const isOdd = (): I32 => i64.ne(i64.and(sig, ulp), c64(0));
    const tiny = f.local("i32");
    f.set(tiny, ZERO);
    f.if(i32.le_s(exp, ZERO), () => {
      // Tiny is decided after rounding, as if the exponent had no bounds.
      const up = roundsUp(f, se, isOdd(), f.let(i64.and(sig, below)), half);
      const carries = i64.eqz(i64.add(i64.or(sig, below), c64(1)));
      f.set(tiny, i32.eqz(i32.and(i32.and(i32.eqz(exp), up), carries)));
      f.if(tiny, () => {
        const control = f.let(mxcsr());
        // Unmasked, underflow is raised for an exact result too, and inexact is what it is before denormalisation.
        f.if(i32.eqz(i32.and(control, c32(UE << MASK_SHIFT))), () => {
          raise(f, select(i64.ne(i64.and(sig, below), c64(0)), c32(UE | PE), c32(UE)));
          f.return(c64(0));
        });
        f.if(i32.and(control, c32(FTZ)), () => {
          raise(f, UE | PE);
          f.return(signBit(se, mant));
        });
      });
      const shifted = shiftRightJam(f, sig, c64(0), f.let(i32.sub(c32(1), exp)));
      f.set(sig, i64.or(shifted.hi, i64.extend_i32_u(i64.ne(shifted.lo, c64(0)))));
      f.set(exp, ZERO);
    });
    const rest = f.let(i64.and(sig, below));
    const up = roundsUp(f, se, isOdd(), rest, half);
    f.if(i64.ne(rest, c64(0)), () => raise(f, select(tiny, c32(PE | UE), c32(PE))));
    f.set(sig, i64.add(i64.xor(sig, rest), select(up, ulp, c64(0))));
    f.if(i32.and(i64.eqz(sig), i32.ne(exp, ZERO)), () => {
      f.set(exp, i32.add(exp, c32(1)));
      f.set(sig, c64(INTEGER_BIT));
    });
    f.if(i32.ge_s(exp, maxExponent(mant)), () => {
      // Unmasked, overflow of an exact result is not inexact.
      raise(f, OE);
      f.if(i32.and(mxcsr(), c32(OE << MASK_SHIFT)), () => raise(f, PE));
      const rc = f.let(roundingControl());
      const away = i32.or(i32.eqz(rc), i32.eq(rc, i32.sub(c32(2), i32.shr_u(se, c32(15)))));
      f.return(i64.or(signBit(se, mant), i64.sub(infinity(mant), i64.extend_i32_u(i32.eqz(away)))));
    });
    // The integer bit of a normal number adds 1 to the exponent field, and so does that of a denormal that became normal.
    const field = i64.extend_i32_u(select(exp, i32.sub(exp, c32(1)), ZERO));
    const magnitude = i64.add(i64.shl(field, i64.extend_i32_u(mant)), i64.shr_u(sig, low));
    f.return(i64.or(signBit(se, mant), magnitude));
  });

  const isNotNumber = (u: Unpacked): I32 => u.cls;
  const signals = (u: Unpacked): I32 => i32.eq(u.cls, c32(SoftClass.SignallingNaN));
  /** A NaN operand decides the result, and has precedence over a denormal one. */
  const returnNaNs = (f: FunctionBuilder, mant: I32, operands: readonly (readonly [I64, Unpacked])[]): void => {
    for (const [a, u] of operands)
      f.if(isNotNumber(u), () => {
        for (const [, other] of operands) f.if(signals(other), () => raise(f, IE));
        f.return(i64.or(a, quietBit(mant)));
      });
  };

  /** Flags of the 80-bit operation, then the rounding of its result. */
  const finish = (f: FunctionBuilder, sig: I64, se: I32, mant: I32, denormal: I32): void => {
    const raised = f.let(getGlobal(kit.flags));
    f.if(i32.and(raised, c32(IE)), () => {
      raise(f, IE);
      f.return(defaultNaN(mant));
    });
    f.if(
      i32.and(raised, c32(ZE)),
      () => raise(f, ZE),
      () => raise(f, denormal),
    );
    const sticky = i64.extend_i32_u(i32.ne(i32.and(raised, c32(PE)), ZERO));
    f.return(f.call("i64", pack, [i64.or(sig, sticky), se, mant]));
  };

  const binary = (name: string, operation: FunctionRef, isSum: boolean, negated: boolean): FunctionRef =>
    m.func(`sse.${name}`, ["i64", "i64", "i32"], ["i64"], (f) => {
      const mant = f.param(2, "i32");
      const a = unpack(f, f.param(0, "i64"), mant);
      const b = unpack(f, f.param(1, "i64"), mant);
      returnNaNs(f, mant, [
        [f.param(0, "i64"), a],
        [f.param(1, "i64"), b],
      ]);
      f.setGlobal(kit.flags, ZERO);
      const seB = negated ? f.let(i32.xor(b.se, c32(0x8000))) : b.se;
      const [sig, se] = f.callStatement(operation, [a.sig, a.se, b.sig, seB, c32(TRUNCATE)]) as unknown as [I64, I32];
      const sign = f.local("i32");
      f.set(sign, se);
      // The sum of equal numbers of opposite sign is -0 only when rounding down.
      if (isSum)
        f.if(
          i32.and(
            i64.eqz(sig),
            i32.and(i32.eq(roundingControl(), c32(1)), i32.ne(i32.and(i32.xor(a.se, seB), c32(0x8000)), ZERO)),
          ),
          () => f.set(sign, c32(0x8000)),
        );
      finish(f, sig, sign, mant, i32.or(a.denormal, b.denormal));
    });

  const sqrt = m.func("sse.sqrt", ["i64", "i64", "i32"], ["i64"], (f) => {
    const mant = f.param(2, "i32");
    const a = unpack(f, f.param(1, "i64"), mant);
    returnNaNs(f, mant, [[f.param(1, "i64"), a]]);
    f.setGlobal(kit.flags, ZERO);
    const [sig, se] = f.callStatement(f80.sqrt, [a.sig, a.se, c32(TRUNCATE)]) as unknown as [I64, I32];
    finish(f, sig, se, mant, a.denormal);
  });

  const convert = m.func("sse.convert", ["i64", "i32", "i32"], ["i64"], (f) => {
    const mant = f.param(1, "i32");
    const to = f.param(2, "i32");
    const a = unpack(f, f.param(0, "i64"), mant);
    f.if(isNotNumber(a), () => {
      f.if(signals(a), () => raise(f, IE));
      const payload = i64.shr_u(a.sig, i64.sub(c64(63), i64.extend_i32_u(to)));
      f.return(i64.or(i64.or(signBit(a.se, to), infinity(to)), i64.or(payload, quietBit(to))));
    });
    raise(f, a.denormal);
    f.return(f.call("i64", pack, [a.sig, a.se, to]));
  });

  const fromInteger = m.func("sse.fromInteger", ["i64", "i32"], ["i64"], (f) => {
    const n = f.param(0, "i64");
    const negative = f.let(i64.lt_s(n, c64(0)));
    const magnitude = f.let(select(negative, i64.sub(c64(0), n), n));
    const shift = f.let(i64.clz(magnitude));
    const exp = i32.sub(c32(BIAS80 + 63), i32.wrap(shift));
    const se = i32.or(i32.shl(negative, c32(15)), exp);
    f.return(f.call("i64", pack, [i64.shl(magnitude, shift), se, f.param(1, "i32")]));
  });

  const toInteger = m.func("sse.toInteger", ["i64", "i32", "i32", "i32"], ["i64"], (f) => {
    const bits = f.param(2, "i32");
    const a = unpack(f, f.param(0, "i64"), f.param(1, "i32"));
    const smallest = f.let(i64.shl(c64(1), i64.extend_i32_u(i32.sub(bits, c32(1)))));
    const invalid = (): void => {
      raise(f, IE);
      f.return(smallest);
    };
    f.if(isNotNumber(a), invalid);
    f.if(i64.eqz(a.sig), () => f.return(c64(0)));
    const exp = f.let(i32.sub(i32.and(a.se, c32(0x7fff)), c32(BIAS80)));
    f.if(i32.ge_s(exp, c32(64)), invalid);
    // The integer part, and the fraction as a part of 2^64.
    const whole = f.local("i64");
    const rest = f.local("i64");
    f.set(whole, c64(0));
    f.set(rest, c64(1));
    f.if(i32.eq(exp, c32(-1)), () => f.set(rest, a.sig));
    f.if(i32.ge_s(exp, ZERO), () => {
      f.set(whole, i64.shr_u(a.sig, i64.sub(c64(63), i64.extend_i32_s(exp))));
      const shifted = i64.shl(a.sig, i64.extend_i32_s(i32.add(exp, c32(1))));
      f.set(rest, select(i32.eq(exp, c32(63)), c64(0), shifted));
    });
    const odd = i32.wrap(i64.and(whole, c64(1)));
    const up = roundsUp(f, a.se, odd, rest, c64(INTEGER_BIT));
    f.if(i32.eqz(f.param(3, "i32")), () => f.set(whole, i64.add(whole, i64.extend_i32_u(up))));
    const negative = f.let(i32.shr_u(a.se, c32(15)));
    f.if(i64.ge_u(whole, i64.add(smallest, i64.extend_i32_u(negative))), invalid);
    f.if(i64.ne(rest, c64(0)), () => raise(f, PE));
    f.return(select(negative, i64.sub(c64(0), whole), whole));
  });

  const compare = m.func("sse.compare", ["i64", "i64", "i32", "i32"], [], (f) => {
    const mant = f.param(2, "i32");
    const a = unpack(f, f.param(0, "i64"), mant);
    const b = unpack(f, f.param(1, "i64"), mant);
    f.if(
      i32.or(isNotNumber(a), isNotNumber(b)),
      () => f.if(i32.or(i32.or(signals(a), signals(b)), f.param(3, "i32")), () => raise(f, IE)),
      () => raise(f, i32.or(a.denormal, b.denormal)),
    );
  });

  /** Numbers as integers in their order, -0 and +0 apart. */
  const ordered = (f: FunctionBuilder, u: Unpacked): { negative: I32; exp: I32 } => ({
    negative: f.let(i32.shr_u(u.se, c32(15))),
    exp: f.let(select(i64.eqz(u.sig), ZERO, i32.and(u.se, c32(0x7fff)))),
  });
  /** a if it is less (for max: greater) than b, else b: also for NaNs and zeros. */
  const choose = (name: string, greater: boolean): FunctionRef =>
    m.func(`sse.${name}`, ["i64", "i64", "i32"], ["i64"], (f) => {
      const mant = f.param(2, "i32");
      f.callStatement(compare, [f.param(0, "i64"), f.param(1, "i64"), mant, c32(1)]);
      const a = f.let(f.call("i64", flush, [f.param(0, "i64"), mant]));
      const b = f.let(f.call("i64", flush, [f.param(1, "i64"), mant]));
      const [p, q] = greater ? [b, a] : [a, b];
      const up = unpack(f, p, mant);
      const uq = unpack(f, q, mant);
      const np = ordered(f, up);
      const nq = ordered(f, uq);
      f.if(i32.or(isNotNumber(up), isNotNumber(uq)), () => f.return(b));
      f.if(i32.and(i64.eqz(up.sig), i64.eqz(uq.sig)), () => f.return(b));
      const less = f.local("i32");
      const smaller = i32.or(i32.lt_u(np.exp, nq.exp), i32.and(i32.eq(np.exp, nq.exp), i64.lt_u(up.sig, uq.sig)));
      const larger = i32.or(i32.gt_u(np.exp, nq.exp), i32.and(i32.eq(np.exp, nq.exp), i64.gt_u(up.sig, uq.sig)));
      f.set(less, select(np.negative, larger, smaller));
      f.if(i32.ne(np.negative, nq.negative), () => f.set(less, np.negative));
      f.return(select(less, a, b));
    });

  const settle = m.func("sse.settle", [], ["i32"], (f) => {
    const raised = f.local("i32");
    f.set(raised, getGlobal(flags));
    f.setGlobal(flags, ZERO);
    const before = f.let(mxcsr());
    const unmasked = f.let(i32.xor(i32.and(i32.shr_u(before, c32(MASK_SHIFT)), c32(0x3f)), c32(0x3f)));
    // What is found in the operands ends the instruction before there is a result to overflow or to be inexact.
    const early = IE | DE | ZE;
    f.if(i32.and(i32.and(raised, unmasked), c32(early)), () => f.set(raised, i32.and(raised, c32(early))));
    f.exec(i32.store(ZERO, i32.or(before, raised), CONTEXT_OFFSET + MXCSR));
    f.return(i32.and(raised, unmasked));
  });

  return {
    add: binary("add", f80.add, true, false),
    sub: binary("sub", f80.add, true, true),
    mul: binary("mul", f80.mul, false, false),
    div: binary("div", f80.div, false, false),
    sqrt,
    min: choose("min", false),
    max: choose("max", true),
    convert,
    fromInteger,
    toInteger,
    compare,
    raise: m.func("sse.raise", ["i32"], [], (f) => raise(f, f.param(0, "i32"))),
    flush,
    unpack: unpackFunction,
    pack,
    settle,
  };
}
