/**
 * Floating-point arithmetic with all rounding modes and exception flags, in integers.
 *
 * WebAssembly rounds to nearest even and has no exception flags. That is all that most programs ever see, so they get wasm's
 * arithmetic (float.ts). A program that has looked at the flags or changed the rounding mode gets these functions from then
 * on; flags raised before are lost. Instructions with a rounding mode of their own and those of half precision always do.
 *
 * The work is done by the 80-bit functions of the x87, told to truncate: a result's significand has 64 bits, of which the
 * lowest is made sticky where the result is inexact, and so can be rounded a second time without harm. Its exponent range is
 * so much wider that nothing overflows in between. `mant` is the width of the fraction: 10, 23 or 52. Values travel as i64
 * bits, narrow ones zero-extended. (RISC-V Instruction Set Manual, volume I, "F" Extension; tininess is detected after
 * rounding, every NaN that is made is the canonical one.)
 *
 * Once inexact is set, as it soon is, a result that wasm computes and that is neither tiny nor huge can raise nothing new:
 * then no more is needed than a look at it (`shortcut`).
 */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { defineArithmetic } from "../../softfloat/arith.ts";
import { shiftRightJam } from "../../softfloat/parts.ts";
import { defineKit } from "../../softfloat/round.ts";
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import { type FunctionBuilder, type FunctionRef, getGlobal, type ModuleBuilder } from "../../wasm/module.ts";
import { FFLAGS } from "./context.ts";

/** Accrued exceptions, as in fcsr. */
export const NX = 1;
const UF = 2;
export const OF = 4;
export const DZ = 8;
export const NV = 16;

/** Rounding modes, as in frm. */
export const Rounding = { RNE: 0, RTZ: 1, RDN: 2, RUP: 3, RMM: 4 } as const;

/** Exceptions of the 80-bit functions. */
const IE80 = 0x01;
const ZE80 = 0x04;
const PE80 = 0x20;
/** Their control word: everything masked, 64 bits of precision, truncation. */
const TRUNCATE = 0xf7f;
const BIAS80 = 16383;
const INFINITE = 0x7fff;
const SIGN = 0x8000;
const INTEGER_BIT = 1n << 63n;

/** What `unpack` finds. */
export const SoftClass = { Number: 0, QuietNaN: 1, SignallingNaN: 2 } as const;

const c32 = i32.const;
const c64 = i64.const;
const ZERO = c32(0);

export interface SoftFunctions {
  /** (a, b, mant, rounding) -> result. */
  readonly add: FunctionRef;
  readonly sub: FunctionRef;
  readonly mul: FunctionRef;
  readonly div: FunctionRef;
  /** (a, mant, rounding) -> result. */
  readonly sqrt: FunctionRef;
  /** (a, mant, mant of the result, rounding) -> result. */
  readonly convert: FunctionRef;
  /** (magnitude, negative, mant, rounding) -> result. */
  readonly fromInteger: FunctionRef;
  /** (a, mant, bits, signed, rounding) -> integer, saturated; of 32 bits, sign-extended. */
  readonly toInteger: FunctionRef;
  /** (a, b, mant, quiet NaNs are invalid too) -> 1 if one is a NaN: raises what a comparison raises. */
  readonly unordered: FunctionRef;
  /** (a, mant) -> class (see SoftClass), significand, sign in bit 15 and exponent as the x87 has them. */
  readonly unpack: FunctionRef;
  /** (significand with a sticky lowest bit, sign and exponent, mant, rounding) -> result, rounded. */
  readonly pack: FunctionRef;
}

export const fflags = (): I32 => i32.load(ZERO, CONTEXT_OFFSET + FFLAGS);
export function raise(f: FunctionBuilder, what: number | I32): void {
  const bits = typeof what === "number" ? c32(what) : what;
  f.exec(i32.store(ZERO, i32.or(fflags(), bits), CONTEXT_OFFSET + FFLAGS));
}

const byMant = (mant: I32, half: number, single: number, double: number): I32 =>
  select(i32.eq(mant, c32(52)), c32(double), select(i32.eq(mant, c32(23)), c32(single), c32(half)));
const maxExponent = (mant: I32): I32 => byMant(mant, 31, 255, 2047);
const bias = (mant: I32): I32 => byMant(mant, 15, 127, 1023);
const wide = (v: I32): I64 => i64.extend_i32_u(v);
const infinity = (mant: I32): I64 => i64.shl(wide(maxExponent(mant)), wide(mant));
export const canonicalNaN = (mant: I32): I64 =>
  i64.shl(wide(i32.or(i32.shl(maxExponent(mant), c32(1)), c32(1))), wide(i32.sub(mant, c32(1))));
/** The sign, which is in bit 15, at its place. */
const signBit = (se: I32, mant: I32): I64 =>
  i64.shl(wide(i32.and(i32.shr_u(se, c32(15)), c32(1))), wide(byMant(mant, 15, 31, 63)));

/** Does a magnitude with `rest` below its last place round away from zero? */
function roundsUp(f: FunctionBuilder, rounding: I32, se: I32, odd: I32, rest: I64, half: I64): I32 {
  const negative = i32.and(i32.shr_u(se, c32(15)), c32(1));
  const up = f.local("i32");
  f.set(up, ZERO);
  f.if(
    i32.and(rounding, c32(3)),
    // Down and up are 2 and 3; towards zero is 1 and matches neither.
    () => f.set(up, i32.and(i64.ne(rest, c64(0)), i32.eq(rounding, i32.sub(c32(3), negative)))),
    () => {
      const tie = i32.or(odd, i32.ne(rounding, ZERO));
      f.set(up, i32.or(i64.gt_u(rest, half), i32.and(i64.eq(rest, half), tie)));
    },
  );
  return up;
}

/** Returns the result that wasm has, if it cannot raise anything that is not set yet. */
function shortcut(f: FunctionBuilder, mant: I32, rounding: I32, double: () => F64, single: () => F32): void {
  f.if(i32.and(i32.eqz(rounding), i32.and(fflags(), c32(NX))), () => {
    f.if(i32.eq(mant, c32(52)), () => {
      const r = f.let(i64.reinterpret_f64(double()));
      const exponent = i64.and(i64.shr_u(r, c64(52)), c64(0x7ff));
      f.if(i64.lt_u(i64.sub(exponent, c64(2)), c64(0x7fd)), () => f.return(r));
    });
    f.if(i32.eq(mant, c32(23)), () => {
      const r = f.let(i32.reinterpret_f32(single()));
      const exponent = i32.and(i32.shr_u(r, c32(23)), c32(0xff));
      f.if(i32.lt_u(i32.sub(exponent, c32(2)), c32(0xfd)), () => f.return(wide(r)));
    });
  });
}
const asDouble = (bits: I64): F64 => f64.reinterpret_i64(bits);
const asSingle = (bits: I64): F32 => f32.reinterpret_i32(i32.wrap(bits));

interface Unpacked {
  readonly cls: I32;
  readonly sig: I64;
  readonly se: I32;
}

export function defineSoft(m: ModuleBuilder): SoftFunctions {
  const kit = defineKit(m);
  const f80 = defineArithmetic(kit);

  const unpackFunction = m.func("float.unpack", ["i64", "i32"], ["i32", "i64", "i32"], (f) => {
    const a = f.param(0, "i64");
    const mant = f.param(1, "i32");
    const sign = f.let(select(i64.ne(i64.and(a, signBit(c32(SIGN), mant)), c64(0)), c32(SIGN), ZERO));
    const max = f.let(maxExponent(mant));
    const exp = f.let(i32.and(i32.wrap(i64.shr_u(a, wide(mant))), max));
    // The fraction at the top, below the place of the integer bit.
    const fraction = f.let(i64.and(i64.shl(a, i64.sub(c64(63), wide(mant))), c64(INTEGER_BIT - 1n)));
    f.if(i32.eq(exp, max), () => {
      f.if(i64.eqz(fraction), () => f.return(c32(SoftClass.Number), c64(INTEGER_BIT), i32.or(sign, c32(INFINITE))));
      const quiet = i64.ne(i64.and(fraction, c64(1n << 62n)), c64(0));
      f.return(select(quiet, c32(SoftClass.QuietNaN), c32(SoftClass.SignallingNaN)), fraction, sign);
    });
    const offset = f.let(i32.sub(c32(BIAS80), bias(mant)));
    f.if(exp, () =>
      f.return(c32(SoftClass.Number), i64.or(fraction, c64(INTEGER_BIT)), i32.or(sign, i32.add(exp, offset))),
    );
    f.if(i64.eqz(fraction), () => f.return(c32(SoftClass.Number), fraction, sign));
    const shift = f.let(i64.clz(fraction));
    const normalised = i32.sub(i32.add(offset, c32(1)), i32.wrap(shift));
    f.return(c32(SoftClass.Number), i64.shl(fraction, shift), i32.or(sign, normalised));
  });
  const unpack = (f: FunctionBuilder, a: I64, mant: I32): Unpacked => {
    const [cls, sig, se] = f.callStatement(unpackFunction, [a, mant]) as unknown as [I32, I64, I32];
    return { cls, sig, se };
  };

  const pack = m.func("float.pack", ["i64", "i32", "i32", "i32"], ["i64"], (f) => {
    const sig = f.param(0, "i64");
    const se = f.param(1, "i32");
    const mant = f.param(2, "i32");
    const rounding = f.param(3, "i32");
    const exp = f.local("i32");
    f.if(i64.eqz(sig), () => f.return(signBit(se, mant)));
    f.set(exp, i32.and(se, c32(INFINITE)));
    f.if(i32.eq(exp, c32(INFINITE)), () => f.return(i64.or(signBit(se, mant), infinity(mant))));
    f.set(exp, i32.add(i32.sub(exp, c32(BIAS80)), bias(mant)));
    const low = f.let(i64.sub(c64(63), wide(mant)));
    const ulp = f.let(i64.shl(c64(1), low));
    const half = f.let(i64.shr_u(ulp, c64(1)));
    const below = f.let(i64.sub(ulp, c64(1)));
    const isOdd = (): I32 => i64.ne(i64.and(sig, ulp), c64(0));
    const tiny = f.local("i32");
    f.set(tiny, ZERO);
    f.if(i32.le_s(exp, ZERO), () => {
      // Tiny is decided after rounding, as if the exponent had no bounds.
      const up = roundsUp(f, rounding, se, f.let(isOdd()), f.let(i64.and(sig, below)), half);
      const carries = i64.eqz(i64.add(i64.or(sig, below), c64(1)));
      f.set(tiny, i32.eqz(i32.and(i32.and(i32.eqz(exp), up), carries)));
      const shifted = shiftRightJam(f, sig, c64(0), f.let(i32.sub(c32(1), exp)));
      f.set(sig, i64.or(shifted.hi, wide(i64.ne(shifted.lo, c64(0)))));
      f.set(exp, ZERO);
    });
    const rest = f.let(i64.and(sig, below));
    const up = roundsUp(f, rounding, se, f.let(isOdd()), rest, half);
    f.if(i64.ne(rest, c64(0)), () => raise(f, select(tiny, c32(NX | UF), c32(NX))));
    f.set(sig, i64.add(i64.xor(sig, rest), select(up, ulp, c64(0))));
    f.if(i32.and(i64.eqz(sig), i32.ne(exp, ZERO)), () => {
      f.set(exp, i32.add(exp, c32(1)));
      f.set(sig, c64(INTEGER_BIT));
    });
    f.if(i32.ge_s(exp, maxExponent(mant)), () => {
      raise(f, OF | NX);
      const towards = i32.sub(c32(Rounding.RUP), i32.and(i32.shr_u(se, c32(15)), c32(1)));
      const away = i32.or(i32.eqz(i32.and(rounding, c32(3))), i32.eq(rounding, towards));
      f.return(i64.or(signBit(se, mant), i64.sub(infinity(mant), wide(i32.eqz(away)))));
    });
    // The integer bit of a normal number adds 1 to the exponent field, and so does that of a denormal that became normal.
    const field = wide(select(exp, i32.sub(exp, c32(1)), ZERO));
    f.return(i64.or(signBit(se, mant), i64.add(i64.shl(field, wide(mant)), i64.shr_u(sig, low))));
  });

  const signals = (u: Unpacked): I32 => i32.eq(u.cls, c32(SoftClass.SignallingNaN));
  const returnNaNs = (f: FunctionBuilder, mant: I32, operands: readonly Unpacked[]): void => {
    f.if(operands.map((u) => u.cls).reduce(i32.or), () => {
      f.if(operands.map(signals).reduce(i32.or), () => raise(f, NV));
      f.return(canonicalNaN(mant));
    });
  };

  /** Flags of the 80-bit operation, then the rounding of its result. */
  const finish = (f: FunctionBuilder, sig: I64, se: I32, mant: I32, rounding: I32): void => {
    const raised = f.let(getGlobal(kit.flags));
    f.if(i32.and(raised, c32(IE80)), () => {
      raise(f, NV);
      f.return(canonicalNaN(mant));
    });
    f.if(i32.and(raised, c32(ZE80)), () => raise(f, DZ));
    const sticky = wide(i32.ne(i32.and(raised, c32(PE80)), ZERO));
    f.return(f.call("i64", pack, [i64.or(sig, sticky), se, mant, rounding]));
  };

  type Name = "add" | "sub" | "mul" | "div";
  const binary = (name: Name, operation: FunctionRef): FunctionRef =>
    m.func(`float.${name}`, ["i64", "i64", "i32", "i32"], ["i64"], (f) => {
      const isSum = name === "add" || name === "sub";
      const [bitsA, bitsB] = [f.param(0, "i64"), f.param(1, "i64")];
      const [mant, rounding] = [f.param(2, "i32"), f.param(3, "i32")];
      shortcut(
        f,
        mant,
        rounding,
        () => f64[name](asDouble(bitsA), asDouble(bitsB)),
        () => f32[name](asSingle(bitsA), asSingle(bitsB)),
      );
      const a = unpack(f, bitsA, mant);
      const b = unpack(f, bitsB, mant);
      returnNaNs(f, mant, [a, b]);
      f.setGlobal(kit.flags, ZERO);
      const seB = name === "sub" ? f.let(i32.xor(b.se, c32(SIGN))) : b.se;
      const [sig, se] = f.callStatement(operation, [a.sig, a.se, b.sig, seB, c32(TRUNCATE)]) as unknown as [I64, I32];
      const sign = f.local("i32");
      f.set(sign, se);
      // The sum of equal numbers of opposite sign is -0 only when rounding down.
      if (isSum)
        f.if(
          i32.and(
            i64.eqz(sig),
            i32.and(i32.eq(rounding, c32(Rounding.RDN)), i32.ne(i32.and(i32.xor(a.se, seB), c32(SIGN)), ZERO)),
          ),
          () => f.set(sign, c32(SIGN)),
        );
      finish(f, sig, sign, mant, rounding);
    });

  const sqrt = m.func("float.sqrt", ["i64", "i32", "i32"], ["i64"], (f) => {
    const bits = f.param(0, "i64");
    const [mant, rounding] = [f.param(1, "i32"), f.param(2, "i32")];
    shortcut(
      f,
      mant,
      rounding,
      () => f64.sqrt(asDouble(bits)),
      () => f32.sqrt(asSingle(bits)),
    );
    const a = unpack(f, bits, mant);
    returnNaNs(f, mant, [a]);
    f.setGlobal(kit.flags, ZERO);
    const [sig, se] = f.callStatement(f80.sqrt, [a.sig, a.se, c32(TRUNCATE)]) as unknown as [I64, I32];
    finish(f, sig, se, mant, rounding);
  });

  const convert = m.func("float.convert", ["i64", "i32", "i32", "i32"], ["i64"], (f) => {
    const to = f.param(2, "i32");
    const a = unpack(f, f.param(0, "i64"), f.param(1, "i32"));
    returnNaNs(f, to, [a]);
    f.return(f.call("i64", pack, [a.sig, a.se, to, f.param(3, "i32")]));
  });

  const fromInteger = m.func("float.fromInteger", ["i64", "i32", "i32", "i32"], ["i64"], (f) => {
    const magnitude = f.param(0, "i64");
    const shift = f.let(i64.clz(magnitude));
    const exp = i32.sub(c32(BIAS80 + 63), i32.wrap(shift));
    const se = i32.or(i32.shl(f.param(1, "i32"), c32(15)), exp);
    // Of zero there is no sign.
    f.if(i64.eqz(magnitude), () => f.return(c64(0)));
    f.return(f.call("i64", pack, [i64.shl(magnitude, shift), se, f.param(2, "i32"), f.param(3, "i32")]));
  });

  const toInteger = m.func("float.toInteger", ["i64", "i32", "i32", "i32", "i32"], ["i64"], (f) => {
    const bits = f.param(2, "i32");
    const signed = f.param(3, "i32");
    const rounding = f.param(4, "i32");
    const a = unpack(f, f.param(0, "i64"), f.param(1, "i32"));
    // Of NaNs the sign says nothing.
    const negative = f.let(i32.and(i32.shr_u(a.se, c32(15)), i32.eqz(a.cls)));
    const is32 = f.let(i32.eq(bits, c32(32)));
    const largest = f.let(i64.shr_u(c64(-1), wide(i32.add(i32.sub(c32(64), bits), signed))));
    const give = (value: I64): void => f.return(select(is32, i64.extend32_s(value), value));
    const invalid = (): void => {
      raise(f, NV);
      // The least number is -1 less the largest, or 0.
      give(select(negative, select(signed, i64.xor(largest, c64(-1)), c64(0)), largest));
    };
    f.if(a.cls, invalid);
    f.if(i64.eqz(a.sig), () => f.return(c64(0)));
    const exp = f.let(i32.sub(i32.and(a.se, c32(INFINITE)), c32(BIAS80)));
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
    const odd = f.let(i32.wrap(i64.and(whole, c64(1))));
    const up = roundsUp(f, rounding, a.se, odd, rest, c64(INTEGER_BIT));
    f.if(up, () => {
      f.if(i64.eqz(i64.add(whole, c64(1))), invalid);
      f.set(whole, i64.add(whole, c64(1)));
    });
    const limit = select(negative, select(signed, i64.add(largest, c64(1)), c64(0)), largest);
    f.if(i64.gt_u(whole, limit), invalid);
    f.if(i64.ne(rest, c64(0)), () => raise(f, NX));
    give(select(negative, i64.sub(c64(0), whole), whole));
    f.unreachable();
  });

  const unordered = m.func("float.unordered", ["i64", "i64", "i32", "i32"], ["i32"], (f) => {
    const mant = f.param(2, "i32");
    const a = unpack(f, f.param(0, "i64"), mant);
    const b = unpack(f, f.param(1, "i64"), mant);
    f.if(i32.or(a.cls, b.cls), () => {
      f.if(i32.or(i32.or(signals(a), signals(b)), f.param(3, "i32")), () => raise(f, NV));
      f.return(c32(1));
    });
    f.return(ZERO);
  });

  return {
    add: binary("add", f80.add),
    sub: binary("sub", f80.add),
    mul: binary("mul", f80.mul),
    div: binary("div", f80.div),
    sqrt,
    convert,
    fromInteger,
    toInteger,
    unordered,
    unpack: unpackFunction,
    pack,
  };
}
