/**
 * SSE and SSE2: floating-point arithmetic and comparison. Definitions: see sem.ts for the rules they keep.
 *
 * WebAssembly computes as MXCSR's reset value says: round to nearest even, denormals kept, nothing traps. What a program
 * asks for beyond that is in sse-convert.ts (rounding of conversions) and said there.
 */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { type F32, type F64, f32, f64, type I32, i32, select, type V128, v128 } from "../../wasm/expr.ts";
import type { FunctionRef } from "../../wasm/module.ts";
import { bits, type FloatLanes, f32x4, f64x2, i32x4, i64x2 } from "../../wasm/simd.ts";
import { MXCSR } from "./context.ts";
import { type Definition, Flag, type Sem } from "./sem.ts";
import type { NanFunctions } from "./sse-nan.ts";

type Lanes = FloatLanes<F32> | FloatLanes<F64>;
type Op = "add" | "sub" | "mul" | "div";

/** The bits of MXCSR that exist: flags, DAZ, masks, rounding, FTZ. Setting any other raises #GP. */
const MXCSR_MASK = 0xffff;

function packed(lanes: Lanes, op: Op, nan: FunctionRef): Definition {
  return (s) => {
    const { f } = s;
    const b = s.xmm(1);
    const a = s.xmm(0);
    const r = f.local("v128");
    f.set(r, lanes[op](a, b));
    f.if(bits.anyTrue(lanes.ne(r, r)), () => f.set(r, f.call("v128", nan, [a, b, r])));
    s.setXmm(0, r);
  };
}

function packedSqrt(lanes: Lanes, nan: FunctionRef): Definition {
  return (s) => {
    const { f } = s;
    const b = s.xmm(1);
    const r = f.local("v128");
    f.set(r, lanes.sqrt(b));
    f.if(bits.anyTrue(lanes.ne(r, r)), () => f.set(r, f.call("v128", nan, [b, b, r])));
    s.setXmm(0, r);
  };
}

function scalar32(compute: (a: F32, b: F32) => F32, nan: FunctionRef, unary: boolean): Definition {
  return (s) => {
    const { f } = s;
    const b = s.lowF32(1);
    const a = unary ? b : s.lowF32(0);
    const r = f.local("f32");
    f.set(r, compute(a, b));
    f.if(f32.ne(r, r), () => f.set(r, f.call("f32", nan, [a, b])));
    s.setLowF32(0, r);
  };
}

function scalar64(compute: (a: F64, b: F64) => F64, nan: FunctionRef, unary: boolean): Definition {
  return (s) => {
    const { f } = s;
    const b = s.lowF64(1);
    const a = unary ? b : s.lowF64(0);
    const r = f.local("f64");
    f.set(r, compute(a, b));
    f.if(f64.ne(r, r), () => f.set(r, f.call("f64", nan, [a, b])));
    s.setLowF64(0, r);
  };
}

/** x86's minimum and maximum give the second operand if the two are zeros or one of them is a NaN ("MINPS"). */
function packedMinMax(choose: (b: V128, a: V128) => V128): Definition {
  return (s) => {
    const b = s.xmm(1);
    s.setXmm(0, choose(b, s.xmm(0)));
  };
}

/** On the bits, so that a signalling NaN stays one. */
const minMax32 =
  (chooseFirst: (a: F32, b: F32) => I32): Definition =>
  (s) => {
    const b = s.low32(1);
    const a = s.low32(0);
    s.setLow32(0, select(chooseFirst(f32.reinterpret_i32(a), f32.reinterpret_i32(b)), a, b));
  };
const minMax64 =
  (chooseFirst: (a: F64, b: F64) => I32): Definition =>
  (s) => {
    const b = s.low64(1);
    const a = s.low64(0);
    s.setLow64(0, select(chooseFirst(f64.reinterpret_i64(a), f64.reinterpret_i64(b)), a, b));
  };

/**
 * ZF PF CF = 111 unordered, 000 greater, 001 less, 100 equal; the others are cleared.
 */
function setCompareFlags(s: Sem, ge: I32, ltOrGt: I32, unordered: I32): void {
  const bit = (condition: I32, flag: number) => i32.shl(condition, i32.const(31 - Math.clz32(flag)));
  s.flags.setAll(i32.or(i32.or(bit(i32.eqz(ge), Flag.CF), bit(i32.eqz(ltOrGt), Flag.ZF)), bit(unordered, Flag.PF)));
}

const ucomiss: Definition = (s) => {
  const b = s.lowF32(1);
  const a = s.lowF32(0);
  setCompareFlags(s, f32.ge(a, b), i32.or(f32.lt(a, b), f32.gt(a, b)), i32.or(f32.ne(a, a), f32.ne(b, b)));
};
const ucomisd: Definition = (s) => {
  const b = s.lowF64(1);
  const a = s.lowF64(0);
  setCompareFlags(s, f64.ge(a, b), i32.or(f64.lt(a, b), f64.gt(a, b)), i32.or(f64.ne(a, a), f64.ne(b, b)));
};

/**
 * The eight predicates of CMPPS: bits 0 and 1 say eq, lt, le or unordered, bit 2 inverts ("CMPPS", table 3-7). Bits
 * above are ignored by SSE instructions.
 */
function compare(lanes: Lanes, store: (s: Sem, mask: V128) => void, load: (s: Sem, n: number) => V128): Definition {
  return (s) => {
    const { f } = s;
    const b = load(s, 1);
    const a = load(s, 0);
    const imm = s.imm(2);
    const predicate = f.let(i32.and(imm, i32.const(3)));
    const mask = f.local("v128");
    const is = (n: number) => i32.eq(predicate, i32.const(n));
    f.set(mask, lanes.eq(a, b));
    f.if(is(1), () => f.set(mask, lanes.lt(a, b)));
    f.if(is(2), () => f.set(mask, lanes.le(a, b)));
    f.if(is(3), () => f.set(mask, bits.or(lanes.ne(a, a), lanes.ne(b, b))));
    f.if(i32.and(imm, i32.const(4)), () => f.set(mask, bits.not(mask)));
    store(s, mask);
  };
}

const zeroExtended = (s: Sem, n: number, lanes: typeof f32x4 | typeof f64x2): V128 =>
  lanes === f32x4 ? f32x4.splat(s.lowF32(n)) : f64x2.splat(s.lowF64(n));

/**
 * RCPPS and RSQRTPS promise a relative error of at most 1.5 * 2^-12 and processors differ in the bits. Here they are
 * computed in full and cut to 12 bits, so that nobody comes to rely on more.
 */
function approximate(exact: (b: V128) => V128): (b: V128) => V128 {
  return (b) => bits.and(exact(b), v128.const(0xffff_f800_ffff_f800n, 0xffff_f800_ffff_f800n));
}
const ONE: V128 = v128.const(0x3f80_0000_3f80_0000n, 0x3f80_0000_3f80_0000n);

/** Denormal operands count as zeros and denormal results become zeros, whatever MXCSR says ("RCPPS"). */
function flushDenormals(v: V128): V128 {
  const exponent = v128.const(0x7f80_0000_7f80_0000n, 0x7f80_0000_7f80_0000n);
  const sign = v128.const(0x8000_0000_8000_0000n, 0x8000_0000_8000_0000n);
  const isSmall = f32x4.eq(bits.and(v, exponent), v128.const(0n, 0n));
  return bits.select(bits.and(v, sign), v, isSmall);
}

function approximation(exact: (b: V128) => V128, nan: FunctionRef, scalar: boolean): Definition {
  return (s) => {
    const { f } = s;
    const source = scalar ? f32x4.splat(s.lowF32(1)) : s.xmm(1);
    const b = f.let(source);
    const flushed = f.let(flushDenormals(b));
    const r = f.local("v128");
    f.set(r, approximate(exact)(flushed));
    f.set(r, flushDenormals(r));
    f.if(bits.anyTrue(f32x4.ne(r, r)), () => f.set(r, f.call("v128", nan, [b, b, r])));
    if (scalar) s.setLowF32(0, f32x4.extract(r, 0));
    else s.setXmm(0, r);
  };
}

export const MXCSR_ADDRESS: I32 = i32.const(CONTEXT_OFFSET + MXCSR);

const ldmxcsr: Definition = (s) => {
  const value = s.read(0) as I32;
  s.f.if(i32.and(value, i32.const(~MXCSR_MASK)), () => s.trap(Trap.GeneralProtection));
  s.f.exec(i32.store(MXCSR_ADDRESS, value));
};

export function sseFloat(nan: NanFunctions): Readonly<Record<string, Definition>> {
  const definitions: Record<string, Definition> = {
    sqrtps: packedSqrt(f32x4, nan.f32x4),
    sqrtpd: packedSqrt(f64x2, nan.f64x2),
    sqrtss: scalar32((_, b) => f32.sqrt(b), nan.f32, true),
    sqrtsd: scalar64((_, b) => f64.sqrt(b), nan.f64, true),
    minps: packedMinMax(f32x4.pmin),
    minpd: packedMinMax(f64x2.pmin),
    minss: minMax32(f32.lt),
    minsd: minMax64(f64.lt),
    maxps: packedMinMax(f32x4.pmax),
    maxpd: packedMinMax(f64x2.pmax),
    maxss: minMax32(f32.gt),
    maxsd: minMax64(f64.gt),
    ucomiss,
    ucomisd,
    cmpps: compare(
      f32x4,
      (s, m) => s.setXmm(0, m),
      (s, n) => s.xmm(n),
    ),
    cmppd: compare(
      f64x2,
      (s, m) => s.setXmm(0, m),
      (s, n) => s.xmm(n),
    ),
    cmpss: compare(
      f32x4,
      (s, m) => s.setLow32(0, i32x4.extract(m, 0)),
      (s, n) => s.f.let(zeroExtended(s, n, f32x4)),
    ),
    cmpsd: compare(
      f64x2,
      (s, m) => s.setLow64(0, i64x2.extract(m, 0)),
      (s, n) => s.f.let(zeroExtended(s, n, f64x2)),
    ),
    rcpps: approximation((b) => f32x4.div(ONE, b), nan.f32x4, false),
    rcpss: approximation((b) => f32x4.div(ONE, b), nan.f32x4, true),
    rsqrtps: approximation((b) => f32x4.div(ONE, f32x4.sqrt(b)), nan.f32x4, false),
    rsqrtss: approximation((b) => f32x4.div(ONE, f32x4.sqrt(b)), nan.f32x4, true),
    ldmxcsr,
    stmxcsr: (s) => s.write(0, i32.load(MXCSR_ADDRESS)),
  };
  for (const op of ["add", "sub", "mul", "div"] as const) {
    definitions[`${op}ps`] = packed(f32x4, op, nan.f32x4);
    definitions[`${op}pd`] = packed(f64x2, op, nan.f64x2);
    definitions[`${op}ss`] = scalar32(f32[op], nan.f32, false);
    definitions[`${op}sd`] = scalar64(f64[op], nan.f64, false);
  }
  return definitions;
}
