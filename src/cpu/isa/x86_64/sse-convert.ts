/**
 * SSE and SSE2: conversions. Definitions: see sem.ts for the rules they keep.
 *
 * A conversion to integers that does not fit gives the "integer indefinite", the smallest integer; wasm's saturating
 * truncation gives exactly that for what is too small, so that only what is too large and NaN are corrected.
 */
import {
  type Expr,
  type F32,
  type F64,
  f32,
  f64,
  type I32,
  type I64,
  i32,
  i64,
  select,
  shuffle,
  type V128,
  v128,
} from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { bits, f32x4, f64x2, i32x4, i64x2 } from "../../wasm/simd.ts";
import type { Definition, Sem } from "./sem.ts";
import { MXCSR_ADDRESS } from "./sse-float.ts";
import type { NanFunctions } from "./sse-nan.ts";

export interface RoundFunctions {
  readonly f32: FunctionRef;
  readonly f64: FunctionRef;
  readonly f32x4: FunctionRef;
  readonly f64x2: FunctionRef;
}

interface Rounding<T extends "f32" | "f64" | "v128"> {
  nearest(a: Expr<T>): Expr<T>;
  floor(a: Expr<T>): Expr<T>;
  ceil(a: Expr<T>): Expr<T>;
  trunc(a: Expr<T>): Expr<T>;
}

/** Functions that round to an integer as MXCSR.RC says. */
export function defineRounding(module: ModuleBuilder): RoundFunctions {
  const define = <T extends "f32" | "f64" | "v128">(name: string, type: T, to: Rounding<T>): FunctionRef =>
    module.func(`round_${name}`, [type], [type], (f) => {
      const a = f.param(0, type);
      const mode = f.let(i32.and(i32.shr_u(i32.load(MXCSR_ADDRESS), i32.const(13)), i32.const(3)));
      f.if(i32.eqz(mode), () => f.return(to.nearest(a)));
      f.if(i32.eq(mode, i32.const(1)), () => f.return(to.floor(a)));
      f.if(i32.eq(mode, i32.const(2)), () => f.return(to.ceil(a)));
      f.return(to.trunc(a));
    });
  return {
    f32: define("f32", "f32", f32),
    f64: define("f64", "f64", f64),
    f32x4: define("f32x4", "v128", f32x4),
    f64x2: define("f64x2", "v128", f64x2),
  };
}

const TWO31 = 2 ** 31;
const TWO63 = 2 ** 63;

function toInteger32(value: F64, lessThan: I32): I32 {
  return select(lessThan, i32.trunc_sat_f64_s(value), i32.const(-0x8000_0000));
}
function toInteger64(value: F64, lessThan: I32): I64 {
  return select(lessThan, i64.trunc_sat_f64_s(value), i64.const(-0x8000_0000_0000_0000n));
}

/** cvt(t)sd2si: operand 0 is a register of 4 or 8 bytes. Every f32 is an f64, so one function does both. */
function scalarToInteger(single: boolean, round: FunctionRef | undefined): Definition {
  return (s) => {
    const { f } = s;
    const source: F64 = single ? f64.promote_f32(s.lowF32(1)) : s.lowF64(1);
    const value = f.let(round === undefined ? source : f.call("f64", round, [source]));
    if (s.operands[0]?.bytes === 8) s.write(0, toInteger64(value, f64.lt(value, f64.const(TWO63))));
    else s.write(0, toInteger32(value, f64.lt(value, f64.const(TWO31))));
  };
}

const splat32 = (n: bigint): V128 => v128.const((n << 32n) | n, (n << 32n) | n);
const INDEFINITE: V128 = splat32(0x8000_0000n);
/** 2^31 as floats and as doubles. */
const LIMIT32: V128 = splat32(0x4f00_0000n);
const LIMIT64: V128 = v128.const(0x41e0_0000_0000_0000n, 0x41e0_0000_0000_0000n);

/** Four floats to four integers; NaN and what does not fit to the indefinite. */
export function floatsToIntegers(s: Sem, source: V128, round: FunctionRef | undefined): V128 {
  const value = round === undefined ? source : s.f.let(s.f.call("v128", round, [source]));
  return bits.select(i32x4.trunc_sat_f32x4_s(value), INDEFINITE, f32x4.lt(value, LIMIT32));
}

/** Two doubles to integers in the low two lanes; the upper two become 0. */
export function doublesToIntegers(s: Sem, source: V128, round: FunctionRef | undefined): V128 {
  const { f } = s;
  const value = round === undefined ? source : f.let(f.call("v128", round, [source]));
  const fits = f.let(f64x2.lt(value, LIMIT64));
  const mask = shuffle(fits, fits, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
  const integers = bits.select(i32x4.trunc_sat_f64x2_s_zero(value), INDEFINITE, mask);
  return bits.and(integers, v128.const(-1n, 0n));
}

function integerToDouble(): Definition {
  return (s) => {
    const source = s.read(1);
    s.setLowF64(0, s.operands[1]?.bytes === 8 ? f64.convert_i64_s(source as I64) : f64.convert_i32_s(source as I32));
  };
}
function integerToSingle(): Definition {
  return (s) => {
    const source = s.read(1);
    s.setLowF32(0, s.operands[1]?.bytes === 8 ? f32.convert_i64_s(source as I64) : f32.convert_i32_s(source as I32));
  };
}

export function sseConvert(round: RoundFunctions, nan: NanFunctions): Readonly<Record<string, Definition>> {
  const promoted = (f: FunctionBuilder, bits32: I32): F64 => {
    const single: F32 = f32.reinterpret_i32(bits32);
    const r = f.local("f64");
    f.set(r, f64.promote_f32(single));
    f.if(f64.ne(r, r), () => f.set(r, f64.reinterpret_i64(f.call("i64", nan.promote, [bits32]))));
    return r;
  };
  const demoted = (f: FunctionBuilder, bits64: I64): F32 => {
    const r = f.local("f32");
    f.set(r, f32.demote_f64(f64.reinterpret_i64(bits64)));
    f.if(f32.ne(r, r), () => f.set(r, f32.reinterpret_i32(f.call("i32", nan.demote, [bits64]))));
    return r;
  };

  return {
    cvtsi2ss: integerToSingle(),
    cvtsi2sd: integerToDouble(),
    cvttss2si: scalarToInteger(true, undefined),
    cvttsd2si: scalarToInteger(false, undefined),
    cvtss2si: scalarToInteger(true, round.f64),
    cvtsd2si: scalarToInteger(false, round.f64),
    cvttps2dq: (s) => s.setXmm(0, floatsToIntegers(s, s.xmm(1), undefined)),
    cvtps2dq: (s) => s.setXmm(0, floatsToIntegers(s, s.xmm(1), round.f32x4)),
    cvttpd2dq: (s) => s.setXmm(0, doublesToIntegers(s, s.xmm(1), undefined)),
    cvtpd2dq: (s) => s.setXmm(0, doublesToIntegers(s, s.xmm(1), round.f64x2)),
    cvtdq2ps: (s) => s.setXmm(0, f32x4.convert_i32x4_s(s.xmm(1))),
    cvtdq2pd: (s) => s.setXmm(0, f64x2.convert_low_i32x4_s(i64x2.splat(s.low64(1)))),
    cvtss2sd: (s) => s.setLowF64(0, promoted(s.f, s.low32(1))),
    cvtsd2ss: (s) => s.setLowF32(0, demoted(s.f, s.low64(1))),
    cvtps2pd: (s) => {
      const source = s.low64(1);
      const low = promoted(s.f, s.f.let(i32.wrap(source)));
      const high = promoted(s.f, s.f.let(i32.wrap(i64.shr_u(source, i64.const(32)))));
      s.setXmm(0, f64x2.replace(f64x2.splat(low), 1, high));
    },
    cvtpd2ps: (s) => {
      const { f } = s;
      const source = s.xmm(1);
      const low = demoted(f, f.let(i64x2.extract(source, 0)));
      const high = demoted(f, f.let(i64x2.extract(source, 1)));
      s.setXmm(0, f32x4.replace(f32x4.replace(v128.const(0n, 0n), 0, low), 1, high));
    },
  };
}
