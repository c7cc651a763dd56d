/**
 * Typed WebAssembly expressions.
 *
 * An expression is a small immutable tree; nothing is emitted until a statement of a `FunctionBuilder` consumes it. So a
 * tree that nobody consumes costs nothing in the generated code: instruction definitions may describe a value (a flag,
 * say) without knowing whether anyone will read it.
 *
 * Two rules follow, which every author of an instruction must keep:
 * - A load is performed where its tree is consumed, not where it is built. A value that must be read *before* a later
 *   store, or that is used more than once, goes through `FunctionBuilder.let`.
 * - A tree is emitted once per use: share by `let`, never by reusing a deep tree twice.
 *
 * Constants are folded while trees are built, since the translator instantiates the same definitions with known
 * operands.
 */
import type { ByteSink } from "./sink.ts";

export type ValType = "i32" | "i64" | "f32" | "f64" | "v128";

export interface Expr<T extends ValType = ValType> {
  readonly type: T;
  /** Appends the code that leaves the value on the operand stack. */
  readonly emit: (out: ByteSink) => void;
  /** The value, where it is a known i32 (signed) or i64 (signed) constant. */
  readonly constant?: number | bigint;
  /** Of an i64: what it is the sum of, where that is known. */
  readonly origin?: Origin;
}

/** Some value, named by a number that whoever makes the name gives a meaning to, plus a constant. */
export interface Origin {
  readonly name: number;
  readonly plus: number;
}

/** The value with an origin. */
export function withOrigin(value: Expr<"i64">, origin: Origin | undefined): Expr<"i64"> {
  return origin === undefined ? value : { type: value.type, emit: value.emit, origin };
}

/** `op` of a sum and a constant small enough to be a displacement. */
function sum(op: Expr<"i64">, origin: Origin | undefined, change: bigint): Expr<"i64"> {
  if (origin === undefined || change > 0x7fff_ffffn || change < -0x8000_0000n) return op;
  return { type: op.type, emit: op.emit, origin: { name: origin.name, plus: origin.plus + Number(change) } };
}

export type I32 = Expr<"i32">;
export type I64 = Expr<"i64">;
export type F32 = Expr<"f32">;
export type F64 = Expr<"f64">;
export type V128 = Expr<"v128">;

/** A statement without a value (a store, say), to be handed to `FunctionBuilder.exec`. */
export interface Effect {
  readonly type: "effect";
  readonly emit: (out: ByteSink) => void;
}

function op<T extends ValType>(type: T, code: number, args: readonly Expr[]): Expr<T> {
  return {
    type,
    emit: (out) => {
      for (const a of args) a.emit(out);
      out.opcode(code);
    },
  };
}

function memarg(code: number, alignLog2: number, offset: number, out: ByteSink): void {
  out.opcode(code);
  out.u32(alignLog2);
  out.u32(offset);
}

function load<T extends ValType>(type: T, code: number, align: number): (addr: I32, offset?: number) => Expr<T> {
  return (addr, offset = 0) => ({
    type,
    emit: (out) => {
      addr.emit(out);
      memarg(code, align, offset, out);
    },
  });
}

function store<T extends ValType>(
  _type: T,
  code: number,
  align: number,
): (addr: I32, value: Expr<T>, offset?: number) => Effect {
  return (addr, value, offset = 0) => ({
    type: "effect",
    emit: (out) => {
      addr.emit(out);
      value.emit(out);
      memarg(code, align, offset, out);
    },
  });
}

type Binary<T extends ValType, R extends ValType = T> = (a: Expr<T>, b: Expr<T>) => Expr<R>;
type Unary<T extends ValType, R extends ValType = T> = (a: Expr<T>) => Expr<R>;

function bin<T extends ValType, R extends ValType>(_t: T, r: R, code: number): Binary<T, R> {
  return (a, b) => op(r, code, [a, b]);
}
function un<T extends ValType, R extends ValType>(_t: T, r: R, code: number): Unary<T, R> {
  return (a) => op(r, code, [a]);
}

function i32const(value: number): I32 {
  const v = value | 0;
  return {
    type: "i32",
    constant: v,
    emit: (out) => {
      out.byte(0x41);
      out.s32(v);
    },
  };
}

function i64const(value: number | bigint): I64 {
  const v = BigInt.asIntN(64, BigInt(value));
  return {
    type: "i64",
    constant: v,
    emit: (out) => {
      out.byte(0x42);
      out.s64(v);
    },
  };
}

/** Folds `code(a, b)` for i32 constants; returns undefined where it does not fold. */
type Fold32 = (a: number, b: number) => number;
type Fold64 = (a: bigint, b: bigint) => bigint;

function bin32(code: number, fold: Fold32, zeroIsIdentity: boolean): Binary<"i32"> {
  return (a, b) => {
    if (a.constant !== undefined && b.constant !== undefined)
      return i32const(fold(a.constant as number, b.constant as number));
    if (zeroIsIdentity && b.constant === 0) return a;
    return op("i32", code, [a, b]);
  };
}
function bin64(code: number, fold: Fold64, zeroIsIdentity: boolean): Binary<"i64"> {
  return (a, b) => {
    if (a.constant !== undefined && b.constant !== undefined)
      return i64const(fold(a.constant as bigint, b.constant as bigint));
    if (zeroIsIdentity && b.constant === 0n) return a;
    return op("i64", code, [a, b]);
  };
}
const addition = bin64(0x7c, (a, b) => a + b, true);
const subtraction = bin64(0x7d, (a, b) => a - b, true);
const asU64 = (v: bigint): bigint => BigInt.asUintN(64, v);

/** Comparisons, with 1 for true. */
function rel32(code: number, fold: (a: number, b: number) => boolean): Binary<"i32"> {
  return (a, b) =>
    a.constant !== undefined && b.constant !== undefined
      ? i32const(fold(a.constant as number, b.constant as number) ? 1 : 0)
      : op("i32", code, [a, b]);
}
function rel64(code: number, fold: (a: bigint, b: bigint) => boolean): Binary<"i64", "i32"> {
  return (a, b) =>
    a.constant !== undefined && b.constant !== undefined
      ? i32const(fold(a.constant as bigint, b.constant as bigint) ? 1 : 0)
      : op("i32", code, [a, b]);
}
function isZero<T extends "i32" | "i64">(code: number): Unary<T, "i32"> {
  return (a) => (a.constant !== undefined ? i32const(Number(a.constant) === 0 ? 1 : 0) : op("i32", code, [a]));
}

/** What the 32-bit and the 64-bit integers have in common, for definitions that are generic in operand size. */
export interface IntOps<T extends "i32" | "i64"> {
  const(value: number | bigint): Expr<T>;
  add: Binary<T>;
  sub: Binary<T>;
  mul: Binary<T>;
  div_s: Binary<T>;
  div_u: Binary<T>;
  rem_s: Binary<T>;
  rem_u: Binary<T>;
  and: Binary<T>;
  or: Binary<T>;
  xor: Binary<T>;
  shl: Binary<T>;
  shr_s: Binary<T>;
  shr_u: Binary<T>;
  rotl: Binary<T>;
  rotr: Binary<T>;
  clz: Unary<T>;
  ctz: Unary<T>;
  popcnt: Unary<T>;
  eqz: Unary<T, "i32">;
  eq: Binary<T, "i32">;
  ne: Binary<T, "i32">;
  lt_s: Binary<T, "i32">;
  lt_u: Binary<T, "i32">;
  gt_s: Binary<T, "i32">;
  gt_u: Binary<T, "i32">;
  le_s: Binary<T, "i32">;
  le_u: Binary<T, "i32">;
  ge_s: Binary<T, "i32">;
  ge_u: Binary<T, "i32">;
  extend8_s: Unary<T>;
  extend16_s: Unary<T>;
  load(addr: I32, offset?: number): Expr<T>;
  load8_u(addr: I32, offset?: number): Expr<T>;
  load8_s(addr: I32, offset?: number): Expr<T>;
  load16_u(addr: I32, offset?: number): Expr<T>;
  load16_s(addr: I32, offset?: number): Expr<T>;
  store(addr: I32, value: Expr<T>, offset?: number): Effect;
  store8(addr: I32, value: Expr<T>, offset?: number): Effect;
  store16(addr: I32, value: Expr<T>, offset?: number): Effect;
}

interface I32Only {
  wrap(a: I64): I32;
  trunc_f32_s: Unary<"f32", "i32">;
  trunc_f64_s: Unary<"f64", "i32">;
  trunc_sat_f32_s: Unary<"f32", "i32">;
  trunc_sat_f64_s: Unary<"f64", "i32">;
  reinterpret_f32: Unary<"f32", "i32">;
}
interface I64Only {
  extend_i32_s(a: I32): I64;
  extend_i32_u(a: I32): I64;
  extend32_s: Unary<"i64">;
  load32_u(addr: I32, offset?: number): I64;
  load32_s(addr: I32, offset?: number): I64;
  store32(addr: I32, value: I64, offset?: number): Effect;
  trunc_f32_s: Unary<"f32", "i64">;
  trunc_f64_s: Unary<"f64", "i64">;
  trunc_sat_f32_s: Unary<"f32", "i64">;
  trunc_sat_f64_s: Unary<"f64", "i64">;
  trunc_sat_f64_u: Unary<"f64", "i64">;
  reinterpret_f64: Unary<"f64", "i64">;
}

export const i32: IntOps<"i32"> & I32Only = {
  const: (v) => i32const(Number(BigInt.asIntN(32, BigInt(v)))),
  add: bin32(0x6a, (a, b) => a + b, true),
  sub: bin32(0x6b, (a, b) => a - b, true),
  mul: bin32(0x6c, Math.imul, false),
  div_s: bin("i32", "i32", 0x6d),
  div_u: bin("i32", "i32", 0x6e),
  rem_s: bin("i32", "i32", 0x6f),
  rem_u: bin("i32", "i32", 0x70),
  and: bin32(0x71, (a, b) => a & b, false),
  or: bin32(0x72, (a, b) => a | b, true),
  xor: bin32(0x73, (a, b) => a ^ b, true),
  shl: bin32(0x74, (a, b) => a << b, true),
  shr_s: bin32(0x75, (a, b) => a >> b, true),
  shr_u: bin32(0x76, (a, b) => a >>> b, true),
  rotl: bin("i32", "i32", 0x77),
  rotr: bin("i32", "i32", 0x78),
  clz: un("i32", "i32", 0x67),
  ctz: un("i32", "i32", 0x68),
  popcnt: un("i32", "i32", 0x69),
  eqz: isZero(0x45),
  eq: rel32(0x46, (a, b) => a === b),
  ne: rel32(0x47, (a, b) => a !== b),
  lt_s: rel32(0x48, (a, b) => a < b),
  lt_u: rel32(0x49, (a, b) => a >>> 0 < b >>> 0),
  gt_s: rel32(0x4a, (a, b) => a > b),
  gt_u: rel32(0x4b, (a, b) => a >>> 0 > b >>> 0),
  le_s: rel32(0x4c, (a, b) => a <= b),
  le_u: rel32(0x4d, (a, b) => a >>> 0 <= b >>> 0),
  ge_s: rel32(0x4e, (a, b) => a >= b),
  ge_u: rel32(0x4f, (a, b) => a >>> 0 >= b >>> 0),
  extend8_s: un("i32", "i32", 0xc0),
  extend16_s: un("i32", "i32", 0xc1),
  load: load("i32", 0x28, 0),
  load8_s: load("i32", 0x2c, 0),
  load8_u: load("i32", 0x2d, 0),
  load16_s: load("i32", 0x2e, 0),
  load16_u: load("i32", 0x2f, 0),
  store: store("i32", 0x36, 0),
  store8: store("i32", 0x3a, 0),
  store16: store("i32", 0x3b, 0),
  wrap: (a) =>
    a.constant !== undefined ? i32const(Number(BigInt.asIntN(32, a.constant as bigint))) : op("i32", 0xa7, [a]),
  trunc_f32_s: un("f32", "i32", 0xa8),
  trunc_f64_s: un("f64", "i32", 0xaa),
  trunc_sat_f32_s: un("f32", "i32", 0xfc00),
  trunc_sat_f64_s: un("f64", "i32", 0xfc02),
  reinterpret_f32: un("f32", "i32", 0xbc),
};

export const i64: IntOps<"i64"> & I64Only = {
  const: i64const,
  add: (a, b) => {
    const result = addition(a, b);
    return b.constant === undefined ? result : sum(result, a.origin, b.constant as bigint);
  },
  sub: (a, b) => {
    const result = subtraction(a, b);
    return b.constant === undefined ? result : sum(result, a.origin, -(b.constant as bigint));
  },
  mul: bin64(0x7e, (a, b) => a * b, false),
  div_s: bin("i64", "i64", 0x7f),
  div_u: bin("i64", "i64", 0x80),
  rem_s: bin("i64", "i64", 0x81),
  rem_u: bin("i64", "i64", 0x82),
  and: bin64(0x83, (a, b) => a & b, false),
  or: bin64(0x84, (a, b) => a | b, true),
  xor: bin64(0x85, (a, b) => a ^ b, true),
  shl: bin64(0x86, (a, b) => a << (b & 63n), true),
  shr_s: bin64(0x87, (a, b) => a >> (b & 63n), true),
  shr_u: bin64(0x88, (a, b) => asU64(a) >> (b & 63n), true),
  rotl: bin("i64", "i64", 0x89),
  rotr: bin("i64", "i64", 0x8a),
  clz: un("i64", "i64", 0x79),
  ctz: un("i64", "i64", 0x7a),
  popcnt: un("i64", "i64", 0x7b),
  eqz: isZero(0x50),
  eq: rel64(0x51, (a, b) => a === b),
  ne: rel64(0x52, (a, b) => a !== b),
  lt_s: rel64(0x53, (a, b) => a < b),
  lt_u: rel64(0x54, (a, b) => asU64(a) < asU64(b)),
  gt_s: rel64(0x55, (a, b) => a > b),
  gt_u: rel64(0x56, (a, b) => asU64(a) > asU64(b)),
  le_s: rel64(0x57, (a, b) => a <= b),
  le_u: rel64(0x58, (a, b) => asU64(a) <= asU64(b)),
  ge_s: rel64(0x59, (a, b) => a >= b),
  ge_u: rel64(0x5a, (a, b) => asU64(a) >= asU64(b)),
  extend8_s: un("i64", "i64", 0xc2),
  extend16_s: un("i64", "i64", 0xc3),
  extend32_s: un("i64", "i64", 0xc4),
  load: load("i64", 0x29, 0),
  load8_s: load("i64", 0x30, 0),
  load8_u: load("i64", 0x31, 0),
  load16_s: load("i64", 0x32, 0),
  load16_u: load("i64", 0x33, 0),
  load32_s: load("i64", 0x34, 0),
  load32_u: load("i64", 0x35, 0),
  store: store("i64", 0x37, 0),
  store8: store("i64", 0x3c, 0),
  store16: store("i64", 0x3d, 0),
  store32: store("i64", 0x3e, 0),
  extend_i32_s: (a) => (a.constant !== undefined ? i64const(a.constant) : op("i64", 0xac, [a])),
  extend_i32_u: (a) => (a.constant !== undefined ? i64const((a.constant as number) >>> 0) : op("i64", 0xad, [a])),
  trunc_f32_s: un("f32", "i64", 0xae),
  trunc_f64_s: un("f64", "i64", 0xb0),
  trunc_sat_f32_s: un("f32", "i64", 0xfc04),
  trunc_sat_f64_s: un("f64", "i64", 0xfc06),
  trunc_sat_f64_u: un("f64", "i64", 0xfc07),
  reinterpret_f64: un("f64", "i64", 0xbd),
};

/** What f32 and f64 have in common. wasm rounds to nearest even only and flushes nothing (WebAssembly core spec 4.3.3). */
export interface FloatOps<T extends "f32" | "f64"> {
  const(value: number): Expr<T>;
  add: Binary<T>;
  sub: Binary<T>;
  mul: Binary<T>;
  div: Binary<T>;
  min: Binary<T>;
  max: Binary<T>;
  copysign: Binary<T>;
  abs: Unary<T>;
  neg: Unary<T>;
  sqrt: Unary<T>;
  ceil: Unary<T>;
  floor: Unary<T>;
  trunc: Unary<T>;
  nearest: Unary<T>;
  eq: Binary<T, "i32">;
  ne: Binary<T, "i32">;
  lt: Binary<T, "i32">;
  gt: Binary<T, "i32">;
  le: Binary<T, "i32">;
  ge: Binary<T, "i32">;
  convert_i32_s: Unary<"i32", T>;
  convert_i32_u: Unary<"i32", T>;
  convert_i64_s: Unary<"i64", T>;
  convert_i64_u: Unary<"i64", T>;
  load(addr: I32, offset?: number): Expr<T>;
  store(addr: I32, value: Expr<T>, offset?: number): Effect;
}

export const f32: FloatOps<"f32"> & { demote_f64: Unary<"f64", "f32">; reinterpret_i32: Unary<"i32", "f32"> } = {
  const: (v) => ({
    type: "f32",
    emit: (out) => {
      out.byte(0x43);
      out.f32(v);
    },
  }),
  eq: bin("f32", "i32", 0x5b),
  ne: bin("f32", "i32", 0x5c),
  lt: bin("f32", "i32", 0x5d),
  gt: bin("f32", "i32", 0x5e),
  le: bin("f32", "i32", 0x5f),
  ge: bin("f32", "i32", 0x60),
  abs: un("f32", "f32", 0x8b),
  neg: un("f32", "f32", 0x8c),
  ceil: un("f32", "f32", 0x8d),
  floor: un("f32", "f32", 0x8e),
  trunc: un("f32", "f32", 0x8f),
  nearest: un("f32", "f32", 0x90),
  sqrt: un("f32", "f32", 0x91),
  add: bin("f32", "f32", 0x92),
  sub: bin("f32", "f32", 0x93),
  mul: bin("f32", "f32", 0x94),
  div: bin("f32", "f32", 0x95),
  min: bin("f32", "f32", 0x96),
  max: bin("f32", "f32", 0x97),
  copysign: bin("f32", "f32", 0x98),
  convert_i32_s: un("i32", "f32", 0xb2),
  convert_i32_u: un("i32", "f32", 0xb3),
  convert_i64_s: un("i64", "f32", 0xb4),
  convert_i64_u: un("i64", "f32", 0xb5),
  demote_f64: un("f64", "f32", 0xb6),
  reinterpret_i32: un("i32", "f32", 0xbe),
  load: load("f32", 0x2a, 0),
  store: store("f32", 0x38, 0),
};

export const f64: FloatOps<"f64"> & { promote_f32: Unary<"f32", "f64">; reinterpret_i64: Unary<"i64", "f64"> } = {
  const: (v) => ({
    type: "f64",
    emit: (out) => {
      out.byte(0x44);
      out.f64(v);
    },
  }),
  eq: bin("f64", "i32", 0x61),
  ne: bin("f64", "i32", 0x62),
  lt: bin("f64", "i32", 0x63),
  gt: bin("f64", "i32", 0x64),
  le: bin("f64", "i32", 0x65),
  ge: bin("f64", "i32", 0x66),
  abs: un("f64", "f64", 0x99),
  neg: un("f64", "f64", 0x9a),
  ceil: un("f64", "f64", 0x9b),
  floor: un("f64", "f64", 0x9c),
  trunc: un("f64", "f64", 0x9d),
  nearest: un("f64", "f64", 0x9e),
  sqrt: un("f64", "f64", 0x9f),
  add: bin("f64", "f64", 0xa0),
  sub: bin("f64", "f64", 0xa1),
  mul: bin("f64", "f64", 0xa2),
  div: bin("f64", "f64", 0xa3),
  min: bin("f64", "f64", 0xa4),
  max: bin("f64", "f64", 0xa5),
  copysign: bin("f64", "f64", 0xa6),
  convert_i32_s: un("i32", "f64", 0xb7),
  convert_i32_u: un("i32", "f64", 0xb8),
  convert_i64_s: un("i64", "f64", 0xb9),
  convert_i64_u: un("i64", "f64", 0xba),
  promote_f32: un("f32", "f64", 0xbb),
  reinterpret_i64: un("i64", "f64", 0xbf),
  load: load("f64", 0x2b, 0),
  store: store("f64", 0x39, 0),
};

/** `cond ? a : b`, both evaluated. */
export function select<T extends ValType>(cond: I32, a: Expr<T>, b: Expr<T>): Expr<T> {
  if (cond.constant !== undefined) return cond.constant !== 0 ? a : b;
  // An untyped select is for numeric types only; v128 counts as numeric since the SIMD proposal.
  return op(a.type, 0x1b, [a, b, cond]);
}

/** An operation of the SIMD group (prefix 0xfd) by its number in the specification's table. */
export function simd<T extends ValType>(type: T, code: number, args: readonly Expr[]): Expr<T> {
  return op(type, 0xfd00_0000 + code, args);
}
/** A SIMD operation with one lane immediate (extract_lane, replace_lane). */
export function simdLane<T extends ValType>(type: T, code: number, args: readonly Expr[], lane: number): Expr<T> {
  return {
    type,
    emit: (out) => {
      for (const a of args) a.emit(out);
      out.opcode(0xfd00_0000 + code);
      out.byte(lane);
    },
  };
}
/** i8x16.shuffle: byte i of the result is byte `lanes[i]` of a (0..15) or b (16..31). */
export function shuffle(a: V128, b: V128, lanes: readonly number[]): V128 {
  return {
    type: "v128",
    emit: (out) => {
      a.emit(out);
      b.emit(out);
      out.opcode(0xfd00_0000 + 0x0d);
      for (let i = 0; i < 16; i++) out.byte(lanes[i] ?? 0);
    },
  };
}
/** A SIMD load (v128.load 0x00, load32_zero 0x5c, load64_zero 0x5d, splats and extending loads) by its number. */
export function simdLoad(code: number, addr: I32, offset = 0): V128 {
  return {
    type: "v128",
    emit: (out) => {
      addr.emit(out);
      memarg(0xfd00_0000 + code, 0, offset, out);
    },
  };
}
export const v128: {
  const(lo: bigint, hi: bigint): V128;
  load(addr: I32, offset?: number): V128;
  load32_zero(addr: I32, offset?: number): V128;
  load64_zero(addr: I32, offset?: number): V128;
  store(addr: I32, value: V128, offset?: number): Effect;
} = {
  const: (lo, hi) => ({
    type: "v128",
    emit: (out) => {
      out.opcode(0xfd00_0000 + 12);
      for (const half of [lo, hi]) {
        const v = asU64(half);
        for (let i = 0n; i < 64n; i += 8n) out.byte(Number((v >> i) & 0xffn));
      }
    },
  }),
  load: (addr, offset = 0) => simdLoad(0, addr, offset),
  load32_zero: (addr, offset = 0) => simdLoad(0x5c, addr, offset),
  load64_zero: (addr, offset = 0) => simdLoad(0x5d, addr, offset),
  store: (addr, value, offset = 0) => ({
    type: "effect",
    emit: (out) => {
      addr.emit(out);
      value.emit(out);
      memarg(0xfd00_0000 + 11, 0, offset, out);
    },
  }),
};
