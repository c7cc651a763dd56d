/**
 * F16C: conversion between floats and half-precision floats (Intel SDM vol. 2, "VCVTPH2PS", "VCVTPS2PH").
 *
 * Halves have 5 bits of exponent and 10 of fraction. To floats it is exact. To halves it is rounded by the immediate or by
 * MXCSR; flush-to-zero does not apply, and denormal halves are numbers like others even where MXCSR says otherwise.
 */
import { type I32, i32, select, shuffle, type V128 } from "../../wasm/expr.ts";
import type { FunctionBuilder, ModuleBuilder } from "../../wasm/module.ts";
import { bits, f32x4, i32x4, i64x2 } from "../../wasm/simd.ts";
import { lowHalves } from "./avx-lanes.ts";
import { type FloatLane, runFloat, splat32, ZERO } from "./lanes.ts";
import type { Definition } from "./sem.ts";
import { mxcsr, type SoftFunctions } from "./sse-soft.ts";

export const f16cTable = `
vex.66.0f38.w0 13    vcvtph2ps Vx,Wh
vex.66.0f3a.w0 1d    vcvtps2ph Wh,Vx,Ib
`;

const c = i32.const;
const ZERO32 = c(0);

/** Exceptions of MXCSR, and how far up their masks are. */
const IE = 0x01;
const DE = 0x02;
const OE = 0x08;
const UE = 0x10;
const PE = 0x20;
const MASK_SHIFT = 7;
const DAZ = 0x40;
/** The immediate: use MXCSR's rounding mode. */
const USE_MXCSR = 4;

const HALF_INFINITY = 0x7c00;
const HALF_MAX = 0x7bff;
const HALF_BIAS = 15;
/** The exponent of the smallest normal half. */
const MIN_EXPONENT = -14;

/** The low four halves as floats. */
function halvesToFloats(f: FunctionBuilder, source: V128): V128 {
  const halves = f.let(i32x4.extend_low_i16x8_u(source));
  const magnitude = f.let(bits.and(halves, splat32(0x7fff)));
  const sign = i32x4.shl(bits.and(halves, splat32(0x8000)), c(16));
  // With its exponent at the place of a float's, even a denormal half is right once it is scaled by 2^112.
  const scaled = f32x4.mul(i32x4.shl(magnitude, c(13)), splat32(0x7780_0000));
  const special = i32x4.gt_s(magnitude, splat32(HALF_INFINITY - 1));
  const notANumber = i32x4.gt_s(magnitude, splat32(HALF_INFINITY));
  const infinite = bits.or(i32x4.shl(magnitude, c(13)), splat32(0x7f80_0000));
  const quiet = bits.or(infinite, bits.and(notANumber, splat32(0x0040_0000)));
  return bits.or(bits.select(quiet, scaled, special), sign);
}

/** Not 0 where a signalling NaN is among the low four halves. */
function anySignalling(f: FunctionBuilder, source: V128): I32 {
  const magnitude = f.let(bits.and(i32x4.extend_low_i16x8_u(source), splat32(0x7fff)));
  const notANumber = i32x4.gt_s(magnitude, splat32(HALF_INFINITY));
  return bits.anyTrue(bits.and(notANumber, i32x4.gt_s(splat32(0x7e00), magnitude)));
}

export function defineF16c(m: ModuleBuilder, soft: SoftFunctions): Readonly<Record<string, Definition>> {
  /** (float, rounding mode, whether exceptions are raised) -> half */
  const fromFloat = m.func("f16c.fromFloat", ["i32", "i32", "i32"], ["i32"], (f) => {
    const x = f.param(0, "i32");
    const rc = f.param(1, "i32");
    const careful = f.param(2, "i32");
    const raise = (condition: I32, what: number): void =>
      f.if(condition, () => f.if(careful, () => f.callStatement(soft.raise, [c(what)])));
    const masked = (what: number): I32 => i32.and(mxcsr(), c(what << MASK_SHIFT));
    const sign = f.let(i32.and(i32.shr_u(x, c(16)), c(0x8000)));
    const exponent = f.let(i32.and(i32.shr_u(x, c(23)), c(0xff)));
    const fraction = f.let(i32.and(x, c(0x7f_ffff)));
    f.if(i32.eq(exponent, c(0xff)), () => {
      f.if(i32.eqz(fraction), () => f.return(i32.or(sign, c(HALF_INFINITY))));
      raise(i32.eqz(i32.and(fraction, c(0x40_0000))), IE);
      f.return(i32.or(i32.or(sign, c(0x7e00)), i32.shr_u(fraction, c(13))));
    });
    f.if(i32.and(i32.eqz(exponent), i32.ne(fraction, ZERO32)), () => {
      f.if(i32.and(careful, i32.ne(i32.and(mxcsr(), c(DAZ)), ZERO32)), () => f.return(sign));
      raise(c(1), DE);
    });
    const e = f.let(i32.sub(exponent, c(127)));
    const significand = f.let(i32.or(fraction, i32.shl(i32.ne(exponent, ZERO32), c(23))));
    const up = (value: I32, shift: I32): I32 => {
      const rest = f.let(i32.and(value, i32.sub(i32.shl(c(1), shift), c(1))));
      const half = f.let(i32.shl(c(1), i32.sub(shift, c(1))));
      const odd = i32.and(i32.shr_u(value, shift), c(1));
      const nearest = i32.or(i32.gt_u(rest, half), i32.and(i32.eq(rest, half), odd));
      // Down is 1, up is 2.
      const directed = i32.and(i32.ne(rest, ZERO32), i32.eq(rc, select(sign, c(1), c(2))));
      return f.let(select(rc, directed, nearest));
    };
    const below = f.let(i32.sub(c(MIN_EXPONENT), e));
    const small = f.let(i32.gt_s(below, ZERO32));
    // Of the smallest numbers nothing is left before the point in any case.
    const more = select(i32.gt_s(below, c(18)), c(18), below);
    const shift = f.let(i32.add(c(13), select(small, more, ZERO32)));
    const inexact = f.local("i32");
    f.set(inexact, i32.ne(i32.and(significand, i32.sub(i32.shl(c(1), shift), c(1))), ZERO32));
    // A carry out of the fraction goes to the exponent, as it should. The integer bit of a normal number is 1 in it too.
    const field = select(small, ZERO32, i32.shl(i32.add(e, c(HALF_BIAS - 1)), c(10)));
    const result = f.let(i32.add(i32.add(field, i32.shr_u(significand, shift)), up(significand, shift)));
    f.if(i32.ge_s(result, c(HALF_INFINITY)), () => {
      raise(c(1), OE);
      raise(i32.or(inexact, masked(OE)), PE);
      const away = i32.or(i32.eqz(rc), i32.eq(rc, select(sign, c(1), c(2))));
      f.return(i32.or(sign, select(away, c(HALF_INFINITY), c(HALF_MAX))));
    });
    f.if(i32.and(small, i32.ne(significand, ZERO32)), () => {
      // Tiny is decided after rounding, as if the exponent had no bounds.
      const carries = i32.and(up(significand, c(13)), i32.eq(i32.shr_u(significand, c(13)), c(0x7ff)));
      const tiny = f.let(i32.eqz(i32.and(i32.eq(below, c(1)), carries)));
      raise(i32.and(tiny, i32.or(inexact, i32.eqz(masked(UE)))), UE);
      // Unmasked, underflow leaves the result undone, and it is inexact only for what it was before denormalisation.
      const normal = i32.shl(significand, i32.sub(i32.clz(significand), c(8)));
      f.if(i32.and(tiny, i32.eqz(masked(UE))), () => f.set(inexact, i32.ne(i32.and(normal, c(0x1fff)), ZERO32)));
    });
    raise(inexact, PE);
    f.return(i32.or(sign, result));
  });
  /** Four floats to halves: (floats, immediate, whether MXCSR counts) -> the low 64 bits, the rest 0. */
  const fromFloats = m.func("f16c.fromFloats", ["v128", "i32", "i32"], ["v128"], (f) => {
    const imm = f.param(1, "i32");
    const careful = f.param(2, "i32");
    const control = select(careful, i32.and(i32.shr_u(mxcsr(), c(13)), c(3)), ZERO32);
    const rc = f.let(select(i32.and(imm, c(USE_MXCSR)), control, i32.and(imm, c(3))));
    const r = f.local("v128");
    f.set(r, ZERO);
    for (let lane = 0; lane < 4; lane++)
      f.set(
        r,
        i32x4.replace(r, lane, f.call("i32", fromFloat, [i32x4.extract(f.param(0, "v128"), lane), rc, careful])),
      );
    f.return(shuffle(r, ZERO, [0, 1, 4, 5, 8, 9, 12, 13, 16, 16, 16, 16, 16, 16, 16, 16]));
  });
  const toFloats: FloatLane = {
    bytes: 16,
    fast: (f, _, source) => halvesToFloats(f, source),
    careful: (f, _, source) => {
      f.if(anySignalling(f, source), () => f.callStatement(soft.raise, [c(IE)]));
      return halvesToFloats(f, source);
    },
  };
  const toHalves: FloatLane = {
    bytes: 16,
    fast: (f, _, source, imm) => f.call("v128", fromFloats, [source, imm, c(0)]),
    careful: (f, _, source, imm) => f.call("v128", fromFloats, [source, imm, c(1)]),
  };
  return {
    vcvtph2ps: (s) => {
      const source = lowHalves(s, 1);
      s.setVector(0, runFloat(s, soft, toFloats, source, source));
    },
    vcvtps2ph: (s) => {
      // What cannot be stored must not raise exceptions before.
      s.prepareWrite(0);
      const source = s.vector(1);
      const [low, high] = runFloat(s, soft, toHalves, source, source, s.imm(2)) as [V128, V128 | undefined];
      if (high !== undefined) s.setVector(0, [i64x2.replace(low, 1, i64x2.extract(high, 0))]);
      else if (s.operands[0]?.kind === "m") s.setLow64(0, i64x2.extract(low, 0));
      else s.setVector(0, [low]);
    },
  };
}
