/**
 * SSE and SSE2: floating-point arithmetic and comparison. Definitions: see sem.ts for the rules they keep.
 *
 * Everything is there twice: in WebAssembly's arithmetic, which is that of MXCSR's reset value (with the NaNs put right,
 * see sse-nan.ts), and behind `Sem.careful` by the functions of sse-soft.ts, which honour MXCSR in full.
 */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64, type V128, v128 } from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { isNaN32, isNaN64 } from "../../wasm/nan.ts";
import { bits, type FloatLanes, f32x4, f64x2, i32x4, i64x2 } from "../../wasm/simd.ts";
import { MXCSR, SSE_CAREFUL } from "./context.ts";
import { AVX_SCALAR, type FloatLane, legacyForms, type ScalarPlace, SSE_SCALAR, ZERO } from "./lanes.ts";
import { type Definition, Flag, type Sem } from "./sem.ts";
import type { NanFunctions } from "./sse-nan.ts";
import { type SoftFunctions, settle } from "./sse-soft.ts";

type Op = "add" | "sub" | "mul" | "div";

/** The bits of MXCSR that exist: flags, DAZ, masks, rounding, FTZ. Setting any other raises #GP. */
const MXCSR_MASK = 0xffff;

/** What single and double precision have each of its own. */
export interface Precision {
  /** Width of the fraction. */
  readonly mant: I32;
  readonly lanes: FloatLanes<F32> | FloatLanes<F64>;
  readonly count: number;
  readonly bytes: 4 | 8;
  readonly nan: FunctionRef;
  /** Lane n as bits, zero-extended. */
  get(v: V128, lane: number): I64;
  put(v: V128, lane: number, value: I64): V128;
}

export function singlePrecision(nan: NanFunctions): Precision {
  return {
    mant: i32.const(23),
    lanes: f32x4,
    count: 4,
    bytes: 4,
    nan: nan.f32x4,
    get: (v, lane) => i64.extend_i32_u(i32x4.extract(v, lane)),
    put: (v, lane, value) => i32x4.replace(v, lane, i32.wrap(value)),
  };
}
export function doublePrecision(nan: NanFunctions): Precision {
  return {
    mant: i32.const(52),
    lanes: f64x2,
    count: 2,
    bytes: 8,
    nan: nan.f64x2,
    get: (v, lane) => i64x2.extract(v, lane),
    put: (v, lane, value) => i64x2.replace(v, lane, value),
  };
}

/** `each` lane of a and b by a soft function; a wasm function (a, b) -> result. */
function lanewise(m: ModuleBuilder, p: Precision, name: string, soft: FunctionRef): FunctionRef {
  return m.func(`sse.${name}x${p.count}`, ["v128", "v128"], ["v128"], (f) => {
    const a = f.param(0, "v128");
    const b = f.param(1, "v128");
    const r = f.local("v128");
    f.set(r, a);
    for (let lane = 0; lane < p.count; lane++)
      f.set(r, p.put(r, lane, f.call("i64", soft, [p.get(a, lane), p.get(b, lane), p.mant])));
    f.return(r);
  });
}

/** An operation on all lanes, by a wasm instruction or by a function. */
function packed(p: Precision, compute: (a: V128, b: V128) => V128, careful: FunctionRef, unary = false): FloatLane {
  return {
    bytes: 16,
    fast: (_, a, b) => compute(a, b),
    nans: { of: (r) => p.lanes.ne(r, r), put: (f, a, b, r) => f.call("v128", p.nan, [unary ? b : a, b, r]) },
    careful: (f, a, b) => f.call("v128", careful, [a, b]),
  };
}

function scalar32(
  place: ScalarPlace,
  compute: (a: F32, b: F32) => F32,
  nan: FunctionRef,
  unary: boolean,
  soft: SoftFunctions,
  careful: FunctionRef,
): Definition {
  return (s) => {
    const { f } = s;
    const b = s.lowF32(place.second);
    const a = unary ? b : s.lowF32(place.first);
    const r = f.local("f32");
    f.if(
      s.careful(),
      () => {
        const wide = (v: F32): I64 => i64.extend_i32_u(i32.reinterpret_f32(v));
        f.set(r, f32.reinterpret_i32(i32.wrap(f.call("i64", careful, [wide(a), wide(b), i32.const(23)]))));
        settle(s, soft);
      },
      () => {
        f.set(r, compute(a, b));
        s.rarely(isNaN32(r), () => f.set(r, f.call("f32", nan, [a, b])));
      },
    );
    place.setF32(s, r);
  };
}

function scalar64(
  place: ScalarPlace,
  compute: (a: F64, b: F64) => F64,
  nan: FunctionRef,
  unary: boolean,
  soft: SoftFunctions,
  careful: FunctionRef,
): Definition {
  return (s) => {
    const { f } = s;
    const b = s.lowF64(place.second);
    const a = unary ? b : s.lowF64(place.first);
    const r = f.local("f64");
    f.if(
      s.careful(),
      () => {
        const [x, y] = [i64.reinterpret_f64(a), i64.reinterpret_f64(b)];
        f.set(r, f64.reinterpret_i64(f.call("i64", careful, [x, y, i32.const(52)])));
        settle(s, soft);
      },
      () => {
        f.set(r, compute(a, b));
        s.rarely(isNaN64(r), () => f.set(r, f.call("f64", nan, [a, b])));
      },
    );
    place.setF64(s, r);
  };
}

/** x86's minimum and maximum give the second operand if the two are zeros or one of them is a NaN ("MINPS"). */
function minMax(p: Precision, choose: (b: V128, a: V128) => V128, careful: FunctionRef, scalar: boolean): FloatLane {
  return {
    bytes: scalar ? p.bytes : 16,
    fast: (_, a, b) => choose(b, a),
    careful: (f, a, b) => f.call("v128", careful, [a, b]),
  };
}

/** ZF PF CF = 111 unordered, 000 greater, 001 less, 100 equal; the others are cleared. */
function setCompareFlags(s: Sem, a: F64, b: F64): void {
  const bit = (condition: I32, flag: number): I32 => i32.shl(condition, i32.const(31 - Math.clz32(flag)));
  const ordered = i32.and(f64.le(a, a), f64.le(b, b));
  const unequal = i32.or(f64.lt(a, b), f64.gt(a, b));
  const below = bit(i32.eqz(f64.ge(a, b)), Flag.CF);
  s.flags.setAll(i32.or(i32.or(below, bit(i32.eqz(unequal), Flag.ZF)), bit(i32.eqz(ordered), Flag.PF)), [a, b]);
}

/** COMISS raises invalid operation for quiet NaNs too, UCOMISS for signalling ones only. */
function compareSingles(soft: SoftFunctions, quietInvalid: boolean): Definition {
  return (s) => {
    const { f } = s;
    const b = f.local("f32");
    const a = f.local("f32");
    f.set(b, s.lowF32(1));
    f.set(a, s.lowF32(0));
    f.if(s.careful(), () => {
      const wide = (v: F32): I64 => i64.extend_i32_u(i32.reinterpret_f32(v));
      const flushed = (v: F32): F32 =>
        f32.reinterpret_i32(i32.wrap(f.call("i64", soft.flush, [wide(v), i32.const(23)])));
      f.callStatement(soft.compare, [wide(a), wide(b), i32.const(23), i32.const(quietInvalid ? 1 : 0)]);
      f.set(a, flushed(a));
      f.set(b, flushed(b));
      settle(s, soft);
    });
    setCompareFlags(s, f.let(f64.promote_f32(a)), f.let(f64.promote_f32(b)));
  };
}
function compareDoubles(soft: SoftFunctions, quietInvalid: boolean): Definition {
  return (s) => {
    const { f } = s;
    const b = f.local("f64");
    const a = f.local("f64");
    f.set(b, s.lowF64(1));
    f.set(a, s.lowF64(0));
    f.if(s.careful(), () => {
      const flushed = (v: F64): F64 =>
        f64.reinterpret_i64(f.call("i64", soft.flush, [i64.reinterpret_f64(v), i32.const(52)]));
      const [x, y] = [i64.reinterpret_f64(a), i64.reinterpret_f64(b)];
      f.callStatement(soft.compare, [x, y, i32.const(52), i32.const(quietInvalid ? 1 : 0)]);
      f.set(a, flushed(a));
      f.set(b, flushed(b));
      settle(s, soft);
    });
    setCompareFlags(s, a, b);
  };
}

/**
 * The predicates of CMPPS ("CMPPS", table 3-1): bits 0 and 1 say eq, lt, le or unordered, bit 2 inverts. SSE ignores the
 * bits above. To AVX bit 3 means the four that are missing among these, and bit 4 changes whether quiet NaNs are invalid
 * operands; without it they are those of lt and le, of their inverses and so on.
 */
function compare(p: Precision, scalar: boolean, avx: boolean): (soft: SoftFunctions) => FloatLane {
  const { lanes } = p;
  const mask = (f: FunctionBuilder, a: V128, b: V128, imm: I32): V128 => {
    const predicate = f.let(i32.and(imm, i32.const(3)));
    const is = (n: number): I32 => i32.eq(predicate, i32.const(n));
    const r = f.local("v128");
    const unordered = (): V128 => bits.or(lanes.ne(a, a), lanes.ne(b, b));
    const basic = (): void => {
      f.set(r, lanes.eq(a, b));
      f.if(is(1), () => f.set(r, lanes.lt(a, b)));
      f.if(is(2), () => f.set(r, lanes.le(a, b)));
      f.if(is(3), () => f.set(r, unordered()));
    };
    const further = (): void => {
      f.set(r, bits.or(lanes.eq(a, b), unordered()));
      f.if(is(1), () => f.set(r, bits.not(lanes.le(b, a))));
      f.if(is(2), () => f.set(r, bits.not(lanes.lt(b, a))));
      f.if(is(3), () => f.set(r, ZERO));
    };
    if (avx) f.if(i32.and(imm, i32.const(8)), further, basic);
    else basic();
    f.if(i32.and(imm, i32.const(4)), () => f.set(r, bits.not(r)));
    return r;
  };
  return (soft) => ({
    bytes: scalar ? p.bytes : 16,
    fast: mask,
    careful: (f, first, second, imm) => {
      const ordering = i32.le_u(i32.sub(i32.and(imm, i32.const(3)), i32.const(1)), i32.const(1));
      const flip = i32.and(i32.shr_u(imm, i32.const(4)), i32.const(1));
      const quietInvalid = f.let(avx ? i32.xor(ordering, flip) : ordering);
      const a = f.local("v128");
      const b = f.local("v128");
      f.set(a, first);
      f.set(b, second);
      for (let lane = 0; lane < (scalar ? 1 : p.count); lane++) {
        f.callStatement(soft.compare, [p.get(a, lane), p.get(b, lane), p.mant, quietInvalid]);
        for (const v of [a, b]) f.set(v, p.put(v, lane, f.call("i64", soft.flush, [p.get(v, lane), p.mant])));
      }
      return mask(f, a, b, imm);
    },
  });
}

/**
 * RCPPS and RSQRTPS promise a relative error of at most 1.5 * 2^-12 and processors differ in the bits. Here they are
 * computed in full and cut to 12 bits, so that nobody comes to rely on more. They raise nothing and know no rounding.
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

function approximation(p: Precision, exact: (b: V128) => V128, scalar: boolean): FloatLane {
  const compute: FloatLane["fast"] = (f, _, b) => {
    const flushed = f.let(flushDenormals(b));
    const r = f.local("v128");
    f.set(r, approximate(exact)(flushed));
    f.set(r, flushDenormals(r));
    f.if(bits.anyTrue(f32x4.ne(r, r)), () => f.set(r, f.call("v128", p.nan, [b, b, r])));
    return r;
  };
  return { bytes: scalar ? 4 : 16, fast: compute, careful: compute };
}

const MXCSR_ADDRESS: I32 = i32.const(CONTEXT_OFFSET + MXCSR);

const ldmxcsr: Definition = (s) => {
  const { f } = s;
  const value = s.read(0) as I32;
  f.if(i32.and(value, i32.const(~MXCSR_MASK)), () => s.trap(Trap.GeneralProtection));
  f.exec(i32.store(MXCSR_ADDRESS, value));
  f.exec(i32.store(i32.const(0), i32.const(1), CONTEXT_OFFSET + SSE_CAREFUL));
};

export interface SseFloat {
  /** By mnemonic; those with the prefix v are AVX's. */
  readonly definitions: Readonly<Record<string, Definition>>;
  /** Shared with AVX. */
  readonly lanes: Readonly<Record<string, FloatLane>>;
  /** AVX's alone, by the mnemonic without v. */
  readonly avxLanes: Readonly<Record<string, FloatLane>>;
}

export function sseFloat(m: ModuleBuilder, nan: NanFunctions, soft: SoftFunctions): SseFloat {
  const single = singlePrecision(nan);
  const double = doublePrecision(nan);
  const definitions: Record<string, Definition> = {
    ucomiss: compareSingles(soft, false),
    comiss: compareSingles(soft, true),
    ucomisd: compareDoubles(soft, false),
    comisd: compareDoubles(soft, true),
    ldmxcsr,
    stmxcsr: (s) => s.write(0, i32.load(MXCSR_ADDRESS)),
  };
  const lanes: Record<string, FloatLane> = {};
  const compares: Record<string, FloatLane> = {};
  const avxLanes: Record<string, FloatLane> = {};
  for (const [letter, p] of [
    ["s", single],
    ["d", double],
  ] as const) {
    for (const op of ["add", "sub", "mul", "div"] as const satisfies readonly Op[])
      lanes[`${op}p${letter}`] = packed(p, p.lanes[op], lanewise(m, p, op, soft[op]));
    const sqrt = lanewise(m, p, "sqrt", soft.sqrt);
    lanes[`sqrtp${letter}`] = packed(p, (_, b) => p.lanes.sqrt(b), sqrt, true);
    for (const [op, choose] of [
      ["min", p.lanes.pmin],
      ["max", p.lanes.pmax],
    ] as const) {
      lanes[`${op}p${letter}`] = minMax(p, choose, lanewise(m, p, op, soft[op]), false);
      lanes[`${op}s${letter}`] = minMax(p, choose, lowLane(m, p, op, soft[op]), true);
    }
    for (const scalar of [false, true]) {
      const name = `cmp${scalar ? "s" : "p"}${letter}`;
      compares[name] = compare(p, scalar, false)(soft);
      avxLanes[name] = compare(p, scalar, true)(soft);
    }
  }
  for (const [suffix, scalar] of [
    ["ps", false],
    ["ss", true],
  ] as const) {
    lanes[`rcp${suffix}`] = approximation(single, (b) => f32x4.div(ONE, b), scalar);
    lanes[`rsqrt${suffix}`] = approximation(single, (b) => f32x4.div(ONE, f32x4.sqrt(b)), scalar);
  }
  for (const [prefix, place] of [
    ["", SSE_SCALAR],
    ["v", AVX_SCALAR],
  ] as const) {
    definitions[`${prefix}sqrtss`] = scalar32(place, (_, b) => f32.sqrt(b), nan.f32, true, soft, soft.sqrt);
    definitions[`${prefix}sqrtsd`] = scalar64(place, (_, b) => f64.sqrt(b), nan.f64, true, soft, soft.sqrt);
    for (const op of ["add", "sub", "mul", "div"] as const) {
      definitions[`${prefix}${op}ss`] = scalar32(place, f32[op], nan.f32, false, soft, soft[op]);
      definitions[`${prefix}${op}sd`] = scalar64(place, f64[op], nan.f64, false, soft, soft[op]);
    }
  }
  return {
    definitions: { ...definitions, ...legacyForms({ float: { ...lanes, ...compares } }, soft) },
    lanes,
    avxLanes,
  };
}

/** As `lanewise`, of the low lane only. */
function lowLane(m: ModuleBuilder, p: Precision, name: string, soft: FunctionRef): FunctionRef {
  return m.func(`sse.${name}.${p.count}`, ["v128", "v128"], ["v128"], (f: FunctionBuilder) => {
    const a = f.param(0, "v128");
    const b = f.param(1, "v128");
    f.return(p.put(a, 0, f.call("i64", soft, [p.get(a, 0), p.get(b, 0), p.mant])));
  });
}
