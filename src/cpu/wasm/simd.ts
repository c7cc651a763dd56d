/** Names for the 128-bit SIMD operations (WebAssembly core specification, appendix "Index of Instructions"). */
import { type F32, type F64, type I32, type I64, simd, simdLane, type V128 } from "./expr.ts";

type Unary = (a: V128) => V128;
type Binary = (a: V128, b: V128) => V128;
/** The count is taken modulo the width of a lane. */
type Shift = (a: V128, count: I32) => V128;
type Mask = (a: V128) => I32;

const un =
  (code: number): Unary =>
  (a) =>
    simd("v128", code, [a]);
const bin =
  (code: number): Binary =>
  (a, b) =>
    simd("v128", code, [a, b]);
const shift =
  (code: number): Shift =>
  (a, count) =>
    simd("v128", code, [a, count]);
const mask =
  (code: number): Mask =>
  (a) =>
    simd("i32", code, [a]);

export const bits: {
  not: Unary;
  and: Binary;
  /** a & ~b: the other way round than x86's. */
  andnot: Binary;
  or: Binary;
  xor: Binary;
  /** (a & mask) | (b & ~mask) */
  select: (a: V128, b: V128, mask: V128) => V128;
  anyTrue: Mask;
} = {
  not: un(0x4d),
  and: bin(0x4e),
  andnot: bin(0x4f),
  or: bin(0x50),
  xor: bin(0x51),
  select: (a, b, m) => simd("v128", 0x52, [a, b, m]),
  anyTrue: mask(0x53),
};

interface Lanes<S> {
  splat: (a: S) => V128;
  extract: (a: V128, lane: number) => S;
  replace: (a: V128, lane: number, value: S) => V128;
}

interface IntLanes<S> extends Lanes<S> {
  eq: Binary;
  gt_s: Binary;
  add: Binary;
  sub: Binary;
  shl: Shift;
  shr_s: Shift;
  shr_u: Shift;
  bitmask: Mask;
}

interface MinMax {
  min_s: Binary;
  min_u: Binary;
  max_s: Binary;
  max_u: Binary;
}

interface Saturating extends MinMax {
  add_sat_s: Binary;
  add_sat_u: Binary;
  sub_sat_s: Binary;
  sub_sat_u: Binary;
  avgr_u: Binary;
}

export const i8x16: IntLanes<I32> &
  Saturating & { abs: Unary; swizzle: Binary; narrow_i16x8_s: Binary; narrow_i16x8_u: Binary } = {
  splat: (a) => simd("v128", 0x0f, [a]),
  extract: (a, lane) => simdLane("i32", 0x16, [a], lane),
  replace: (a, lane, v) => simdLane("v128", 0x17, [a, v], lane),
  swizzle: bin(0x0e),
  eq: bin(0x23),
  gt_s: bin(0x27),
  abs: un(0x60),
  bitmask: mask(0x64),
  narrow_i16x8_s: bin(0x65),
  narrow_i16x8_u: bin(0x66),
  shl: shift(0x6b),
  shr_s: shift(0x6c),
  shr_u: shift(0x6d),
  add: bin(0x6e),
  add_sat_s: bin(0x6f),
  add_sat_u: bin(0x70),
  sub: bin(0x71),
  sub_sat_s: bin(0x72),
  sub_sat_u: bin(0x73),
  min_s: bin(0x76),
  min_u: bin(0x77),
  max_s: bin(0x78),
  max_u: bin(0x79),
  avgr_u: bin(0x7b),
};

export const i16x8: IntLanes<I32> &
  Saturating & {
    abs: Unary;
    mul: Binary;
    /** (a * b + 0x4000) >> 15, saturated. */
    q15mulr_sat_s: Binary;
    narrow_i32x4_s: Binary;
    narrow_i32x4_u: Binary;
    extadd_pairwise_i8x16_u: Unary;
    extend_low_i8x16_s: Unary;
    extend_low_i8x16_u: Unary;
  } = {
  splat: (a) => simd("v128", 0x10, [a]),
  extract: (a, lane) => simdLane("i32", 0x19, [a], lane),
  replace: (a, lane, v) => simdLane("v128", 0x1a, [a, v], lane),
  eq: bin(0x2d),
  gt_s: bin(0x31),
  extadd_pairwise_i8x16_u: un(0x7d),
  abs: un(0x80),
  q15mulr_sat_s: bin(0x82),
  bitmask: mask(0x84),
  narrow_i32x4_s: bin(0x85),
  narrow_i32x4_u: bin(0x86),
  extend_low_i8x16_s: un(0x87),
  extend_low_i8x16_u: un(0x89),
  shl: shift(0x8b),
  shr_s: shift(0x8c),
  shr_u: shift(0x8d),
  add: bin(0x8e),
  add_sat_s: bin(0x8f),
  add_sat_u: bin(0x90),
  sub: bin(0x91),
  sub_sat_s: bin(0x92),
  sub_sat_u: bin(0x93),
  mul: bin(0x95),
  min_s: bin(0x96),
  min_u: bin(0x97),
  max_s: bin(0x98),
  max_u: bin(0x99),
  avgr_u: bin(0x9b),
};

export const i32x4: IntLanes<I32> &
  MinMax & {
    abs: Unary;
    mul: Binary;
    extend_low_i16x8_s: Unary;
    extend_low_i16x8_u: Unary;
    extend_high_i16x8_u: Unary;
    dot_i16x8_s: Binary;
    extadd_pairwise_i16x8_u: Unary;
    extmul_low_i16x8_s: Binary;
    extmul_high_i16x8_s: Binary;
    extmul_low_i16x8_u: Binary;
    extmul_high_i16x8_u: Binary;
    trunc_sat_f32x4_s: Unary;
    trunc_sat_f64x2_s_zero: Unary;
  } = {
  splat: (a) => simd("v128", 0x11, [a]),
  extract: (a, lane) => simdLane("i32", 0x1b, [a], lane),
  replace: (a, lane, v) => simdLane("v128", 0x1c, [a, v], lane),
  eq: bin(0x37),
  gt_s: bin(0x3b),
  extadd_pairwise_i16x8_u: un(0x7f),
  abs: un(0xa0),
  bitmask: mask(0xa4),
  extend_low_i16x8_s: un(0xa7),
  extend_low_i16x8_u: un(0xa9),
  extend_high_i16x8_u: un(0xaa),
  shl: shift(0xab),
  shr_s: shift(0xac),
  shr_u: shift(0xad),
  add: bin(0xae),
  sub: bin(0xb1),
  mul: bin(0xb5),
  min_s: bin(0xb6),
  min_u: bin(0xb7),
  max_s: bin(0xb8),
  max_u: bin(0xb9),
  dot_i16x8_s: bin(0xba),
  extmul_low_i16x8_s: bin(0xbc),
  extmul_high_i16x8_s: bin(0xbd),
  extmul_low_i16x8_u: bin(0xbe),
  extmul_high_i16x8_u: bin(0xbf),
  trunc_sat_f32x4_s: un(0xf8),
  trunc_sat_f64x2_s_zero: un(0xfc),
};

export const i64x2: IntLanes<I64> & {
  mul: Binary;
  extend_low_i32x4_s: Unary;
  extend_low_i32x4_u: Unary;
  extmul_low_i32x4_s: Binary;
  extmul_low_i32x4_u: Binary;
} = {
  splat: (a) => simd("v128", 0x12, [a]),
  extract: (a, lane) => simdLane("i64", 0x1d, [a], lane),
  replace: (a, lane, v) => simdLane("v128", 0x1e, [a, v], lane),
  bitmask: mask(0xc4),
  extend_low_i32x4_s: un(0xc7),
  extend_low_i32x4_u: un(0xc9),
  shl: shift(0xcb),
  shr_s: shift(0xcc),
  shr_u: shift(0xcd),
  add: bin(0xce),
  sub: bin(0xd1),
  mul: bin(0xd5),
  eq: bin(0xd6),
  gt_s: bin(0xd9),
  extmul_low_i32x4_s: bin(0xdc),
  extmul_low_i32x4_u: bin(0xde),
};

export interface FloatLanes<S> extends Lanes<S> {
  eq: Binary;
  ne: Binary;
  lt: Binary;
  le: Binary;
  ceil: Unary;
  floor: Unary;
  trunc: Unary;
  nearest: Unary;
  sqrt: Unary;
  add: Binary;
  sub: Binary;
  mul: Binary;
  div: Binary;
  /** b < a ? b : a, bit for bit. */
  pmin: Binary;
  /** a < b ? b : a, bit for bit. */
  pmax: Binary;
}

/**
 * a * b + c in all lanes, rounded once or twice, as the host likes it (relaxed SIMD, which Node 20 has only behind a flag):
 * fused.ts says whether it is once.
 */
type RelaxedMadd = (a: V128, b: V128, c: V128) => V128;

export const f32x4: FloatLanes<F32> & { relaxed_madd: RelaxedMadd; demote_f64x2_zero: Unary; convert_i32x4_s: Unary } =
  {
    relaxed_madd: (a, b, c) => simd("v128", 0x105, [a, b, c]),
    splat: (a) => simd("v128", 0x13, [a]),
    extract: (a, lane) => simdLane("f32", 0x1f, [a], lane),
    replace: (a, lane, v) => simdLane("v128", 0x20, [a, v], lane),
    eq: bin(0x41),
    ne: bin(0x42),
    lt: bin(0x43),
    le: bin(0x45),
    demote_f64x2_zero: un(0x5e),
    ceil: un(0x67),
    floor: un(0x68),
    trunc: un(0x69),
    nearest: un(0x6a),
    sqrt: un(0xe3),
    add: bin(0xe4),
    sub: bin(0xe5),
    mul: bin(0xe6),
    div: bin(0xe7),
    pmin: bin(0xea),
    pmax: bin(0xeb),
    convert_i32x4_s: un(0xfa),
  };

export const f64x2: FloatLanes<F64> & {
  relaxed_madd: RelaxedMadd;
  promote_low_f32x4: Unary;
  convert_low_i32x4_s: Unary;
} = {
  relaxed_madd: (a, b, c) => simd("v128", 0x107, [a, b, c]),
  splat: (a) => simd("v128", 0x14, [a]),
  extract: (a, lane) => simdLane("f64", 0x21, [a], lane),
  replace: (a, lane, v) => simdLane("v128", 0x22, [a, v], lane),
  eq: bin(0x47),
  ne: bin(0x48),
  lt: bin(0x49),
  le: bin(0x4b),
  promote_low_f32x4: un(0x5f),
  ceil: un(0x74),
  floor: un(0x75),
  trunc: un(0x7a),
  nearest: un(0x94),
  sqrt: un(0xef),
  add: bin(0xf0),
  sub: bin(0xf1),
  mul: bin(0xf2),
  div: bin(0xf3),
  pmin: bin(0xf6),
  pmax: bin(0xf7),
  convert_low_i32x4_s: un(0xfe),
};
