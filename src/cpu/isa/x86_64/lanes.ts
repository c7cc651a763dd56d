/**
 * What vector instructions do, apart from where their operands are.
 *
 * The legacy (SSE) form of an instruction works on one piece of 128 bits, its VEX forms on one or two, each by itself. So
 * an instruction is written once, as a function over 128-bit values, and what is here makes the legacy definition of it:
 * destination and first source are the same, memory is aligned, the upper half of the ymm register stays.
 *
 * Operands given to such a function are evaluated; its result may be a tree and is to be consumed once. It may emit
 * statements, but none that traps or changes guest state.
 */
import { type F32, type F64, type I32, i32, shuffle, type V128, v128 } from "../../wasm/expr.ts";
import type { FunctionBuilder } from "../../wasm/module.ts";
import { anyLane } from "../../wasm/nan.ts";
import { bits, f32x4, f64x2, i8x16, i16x8, i32x4, i64x2 } from "../../wasm/simd.ts";
import type { Definition, Sem } from "./sem.ts";
import { type SoftFunctions, settle } from "./sse-soft.ts";

/** (f, first source, second source) */
export type Binary = (f: FunctionBuilder, a: V128, b: V128) => V128;
/** (f, source), of instructions with one source: the second operand. */
export type Unary = (f: FunctionBuilder, b: V128) => V128;
/** With the immediate as the encoding has it, sign-extended. */
export type BinaryImm = (f: FunctionBuilder, a: V128, b: V128, imm: I32) => V128;
export type UnaryImm = (f: FunctionBuilder, b: V128, imm: I32) => V128;
/** With a third source: xmm0 in legacy encodings. */
export type Ternary = (f: FunctionBuilder, a: V128, b: V128, c: V128) => V128;

/**
 * A floating-point operation: as it is while MXCSR is as at reset, and as MXCSR says. The careful one collects exceptions
 * in sse-soft.ts, for whoever uses it to settle at the end. An operation of several steps of which each may end the
 * instruction by an unmasked exception has the later ones in `steps`. Of a scalar operation (`bytes` 4 or 8) only the low lane counts.
 */
export interface FloatLane {
  readonly bytes: 4 | 8 | 16;
  readonly fast: (f: FunctionBuilder, a: V128, b: V128, imm: I32) => V128;
  /** What the fast result needs besides where lanes of it are NaNs: `put` gives it with x86's NaNs. */
  readonly nans?: {
    readonly of: (r: V128) => V128;
    readonly put: (f: FunctionBuilder, a: V128, b: V128, r: V128) => V128;
  };
  readonly careful: (f: FunctionBuilder, a: V128, b: V128, imm: I32) => V128;
  /** What becomes of the careful result (evaluated), after it was settled, and of that, and so on. */
  readonly steps?: readonly ((f: FunctionBuilder, r: V128, imm: I32) => V128)[];
}

/** All that is shared with VEX forms, by the mnemonic of the legacy form. */
export interface Lanes {
  readonly binary: Readonly<Record<string, Binary>>;
  readonly unary: Readonly<Record<string, Unary>>;
  readonly binaryImm: Readonly<Record<string, BinaryImm>>;
  readonly unaryImm: Readonly<Record<string, UnaryImm>>;
  readonly ternary: Readonly<Record<string, Ternary>>;
  readonly float: Readonly<Record<string, FloatLane>>;
}

export const ZERO: V128 = v128.const(0n, 0n);
/** Each byte its own number: what a swizzle by it leaves as it is. */
export const BYTE_INDEX: V128 = v128.const(0x0706050403020100n, 0x0f0e0d0c0b0a0908n);

/** A constant of sixteen bytes. */
export function byteVector(bytes: readonly number[]): V128 {
  const half = (from: number): bigint => {
    let value = 0n;
    for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt((bytes[from + i] as number) & 0xff);
    return value;
  };
  return v128.const(half(0), half(8));
}

/** A constant of four equal 32-bit lanes. */
export const splat32 = (n: number): V128 => {
  const v = BigInt(n >>> 0);
  return v128.const((v << 32n) | v, (v << 32n) | v);
};

/** `count` lanes of `width` bytes, of a and b seen as one vector, from number `first` on in steps of `step`. */
export function pickLanes(width: number, first: number, step: number): (a: V128, b: V128) => V128 {
  const order: number[] = [];
  for (let lane = first; order.length < 16; lane += step) for (let i = 0; i < width; i++) order.push(lane * width + i);
  return (a, b) => shuffle(a, b, order);
}

/** Lane i (of `width` bytes) of a where bit i of the immediate is set, of b where it is clear. */
export function chooseByImm(a: V128, b: V128, imm: I32, width: 2 | 4 | 8): V128 {
  if (imm.constant !== undefined) {
    const set = (i: number): number => (Number(imm.constant) >> Math.floor(i / width)) & 1;
    return shuffle(
      a,
      b,
      Array.from({ length: 16 }, (_, i) => (set(i) !== 0 ? i : i + 16)),
    );
  }
  return bits.select(a, b, immMask(imm, width));
}

/** All ones in lane i where bit i of the immediate is set, else 0. */
export function immMask(imm: I32, width: 2 | 4 | 8): V128 {
  const perLane = Array.from({ length: 16 }, (_, i) => {
    const bit = 1 << Math.floor(i / width);
    return i % width === 0 ? bit : 0;
  });
  if (imm.constant !== undefined) {
    const value = Number(imm.constant);
    return byteVector(perLane.map((_, i) => ((value >> Math.floor(i / width)) & 1 ? 0xff : 0)));
  }
  const each = byteVector(perLane);
  const lanes = { 2: i16x8, 4: i32x4, 8: i64x2 }[width];
  return lanes.eq(bits.and(i8x16.splat(imm), each), each);
}

/** x shifted right by a number of bytes, 0 to 32, that may be known: what comes in is 0. */
export function shiftBytesRight(x: V128, by: I32): V128 {
  if (by.constant !== undefined) {
    const n = Math.min(16, Number(by.constant));
    return shuffle(
      x,
      ZERO,
      Array.from({ length: 16 }, (_, i) => i + n),
    );
  }
  return i8x16.swizzle(x, i8x16.add(BYTE_INDEX, i8x16.splat(by)));
}

export const legacyBinary =
  (lane: Binary): Definition =>
  (s) => {
    const b = s.xmm(1);
    s.setXmm(0, lane(s.f, s.xmm(0), b));
  };
export const legacyUnary =
  (lane: Unary): Definition =>
  (s) =>
    s.setXmm(0, lane(s.f, s.xmm(1)));
export const legacyBinaryImm =
  (lane: BinaryImm): Definition =>
  (s) => {
    const b = s.xmm(1);
    s.setXmm(0, lane(s.f, s.xmm(0), b, s.imm(2)));
  };
export const legacyUnaryImm =
  (lane: UnaryImm): Definition =>
  (s) =>
    s.setXmm(0, lane(s.f, s.xmm(1), s.imm(2)));
export const legacyTernary =
  (lane: Ternary): Definition =>
  (s) => {
    const b = s.xmm(1);
    s.setXmm(0, lane(s.f, s.xmm(0), b, s.ymm(0, 0)));
  };

/** The low lane of operand n as a vector, of which the rest is undefined; all of it for packed operations. Evaluated. */
function floatOperand(s: Sem, n: number, bytes: FloatLane["bytes"]): V128 {
  if (bytes === 16) return s.xmm(n);
  return s.f.let(bytes === 4 ? i32x4.splat(s.low32(n)) : i64x2.splat(s.low64(n)));
}

/**
 * Where a scalar operation finds its operands and what becomes of the rest of the destination: SSE leaves it as it is, AVX
 * takes it from the first source.
 */
export interface ScalarPlace {
  /** The value given is evaluated. */
  readonly first: number;
  readonly second: number;
  setF32(s: Sem, value: F32): void;
  setF64(s: Sem, value: F64): void;
}
export const SSE_SCALAR: ScalarPlace = {
  first: 0,
  second: 1,
  setF32: (s, v) => s.setLowF32(0, v),
  setF64: (s, v) => s.setLowF64(0, v),
};
export const AVX_SCALAR: ScalarPlace = {
  first: 1,
  second: 2,
  setF32: (s, v) => {
    s.setVector(0, [f32x4.replace(s.vector(1)[0] as V128, 0, v)]);
    s.lowIsF32?.(0, v);
  },
  setF64: (s, v) => {
    s.setVector(0, [f64x2.replace(s.vector(1)[0] as V128, 0, v)]);
    s.lowIsF64?.(0, v);
  },
};

/** A floating-point operation on one or two pieces, and the exceptions that it raises. Evaluated. */
export function runFloat(
  s: Sem,
  soft: SoftFunctions,
  lane: FloatLane,
  a: readonly V128[],
  b: readonly V128[],
  imm: I32 = i32.const(0),
): readonly V128[] {
  const { f } = s;
  const r = b.map(() => f.local("v128"));
  f.if(
    s.careful(),
    () => {
      r.forEach((v, i) => {
        f.set(v, lane.careful(f, a[i] as V128, b[i] as V128, imm));
      });
      for (const step of lane.steps ?? []) {
        settle(s, soft);
        for (const v of r) f.set(v, step(f, v, imm));
      }
      settle(s, soft);
    },
    () => {
      r.forEach((v, i) => {
        f.set(v, lane.fast(f, a[i] as V128, b[i] as V128, imm));
      });
      const { nans } = lane;
      if (nans === undefined) return;
      s.rarely(anyLane(r.map(nans.of).reduce(bits.or)), () =>
        r.forEach((v, i) => {
          f.set(v, nans.put(f, a[i] as V128, b[i] as V128, v));
        }),
      );
    },
  );
  return r;
}

export const legacyFloat =
  (lane: FloatLane, soft: SoftFunctions): Definition =>
  (s) => {
    const b = floatOperand(s, 1, lane.bytes);
    const a = floatOperand(s, 0, lane.bytes);
    const imm = s.operands[2]?.kind === "i" ? s.imm(2) : i32.const(0);
    const r = runFloat(s, soft, lane, [a], [b], imm)[0] as V128;
    if (lane.bytes === 4) s.setLow32(0, i32x4.extract(r, 0));
    else if (lane.bytes === 8) s.setLow64(0, i64x2.extract(r, 0));
    else s.setXmm(0, r);
  };

/** The definitions of the legacy forms of all of these. */
export function legacyForms(lanes: Partial<Lanes>, soft: SoftFunctions): Record<string, Definition> {
  const all: Record<string, Definition> = {};
  const add = <L>(of: Readonly<Record<string, L>> | undefined, make: (lane: L) => Definition): void => {
    for (const [name, lane] of Object.entries(of ?? {})) all[name] = make(lane);
  };
  add(lanes.binary, legacyBinary);
  add(lanes.unary, legacyUnary);
  add(lanes.binaryImm, legacyBinaryImm);
  add(lanes.unaryImm, legacyUnaryImm);
  add(lanes.ternary, legacyTernary);
  add(lanes.float, (lane) => legacyFloat(lane, soft));
  return all;
}
