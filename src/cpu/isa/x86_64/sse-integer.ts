/** SSE2: packed integers, shuffles, packing, shifts. Definitions: see sem.ts for the rules they keep. */
import { type I32, i32, i64, select, shuffle, type V128, v128 } from "../../wasm/expr.ts";
import type { FunctionBuilder } from "../../wasm/module.ts";
import { bits, i8x16, i16x8, i32x4, i64x2 } from "../../wasm/simd.ts";
import {
  type Binary,
  type BinaryImm,
  BYTE_INDEX,
  legacyBinary,
  legacyBinaryImm,
  legacyUnaryImm,
  type UnaryImm,
  ZERO,
} from "./lanes.ts";
import type { Definition, Sem } from "./sem.ts";

/** Lanes of a alternating with those of b, `width` bytes each, from byte `start` on. */
export function interleave(width: number, start: number): (a: V128, b: V128) => V128 {
  const order: number[] = [];
  for (let at = start; order.length < 16; at += width)
    for (const from of [0, 16]) for (let i = 0; i < width; i++) order.push(from + at + i);
  return (a, b) => shuffle(a, b, order);
}

/** The high halves of 16-bit products, from the products of the low four lanes and of the high four. */
const highHalves = (low: V128, high: V128): V128 =>
  shuffle(low, high, [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31]);

/** A shift of every lane by the same count. */
export interface LaneShift {
  readonly width: number;
  readonly arithmetic: boolean;
  readonly by: (a: V128, count: I32) => V128;
}

/** A count of the lane's width or more gives 0, or copies of the sign (Intel SDM, "PSRAW"). The count is evaluated. */
export function shiftLanes({ width, arithmetic, by }: LaneShift, a: V128, count: I32): V128 {
  const tooMuch = i32.ge_u(count, i32.const(width));
  if (arithmetic) return by(a, select(tooMuch, i32.const(width - 1), count));
  return select(tooMuch, ZERO, by(a, count));
}

/** The count as operand n has it: an immediate, or all 64 low bits of a vector. Cut to the width of a lane; evaluated. */
export function shiftCount(s: Sem, n: number, { width }: LaneShift, vector: () => V128): I32 {
  if (s.operands[n]?.kind === "i") return s.f.let(i32.and(s.imm(n), i32.const(0xff)));
  const c = s.f.let(i64x2.extract(vector(), 0));
  return s.f.let(select(i64.lt_u(c, i64.const(width)), i32.wrap(c), i32.const(width)));
}

const legacyShift =
  (shift: LaneShift): Definition =>
  (s) => {
    const count = shiftCount(s, 1, shift, () => s.xmm(1));
    s.setXmm(0, shiftLanes(shift, s.xmm(0), count));
  };

/** Shift of the whole register by bytes. Indices outside of 0..15 read 0 in a swizzle. */
function shiftBytes(left: boolean): UnaryImm {
  return (f, a, imm) => {
    const by = f.let(i32.and(imm, i32.const(0xff)));
    const n = i8x16.splat(select(i32.gt_u(by, i32.const(16)), i32.const(16), by));
    return i8x16.swizzle(a, left ? i8x16.sub(BYTE_INDEX, n) : i8x16.add(BYTE_INDEX, n));
  };
}

/**
 * The byte indices that select 32-bit lanes by the four 2-bit fields of an immediate. Lanes cannot be shifted by
 * different counts, but they can be multiplied: field i comes to bits 6 and 7 by a factor of 2^(6-2i).
 */
export function dwordIndices(imm: I32): V128 {
  const fields = i32x4.mul(
    i32x4.splat(i32.and(imm, i32.const(0xff))),
    v128.const(0x0000_0010_0000_0040n, 0x0000_0001_0000_0004n),
  );
  const lane = bits.and(i32x4.shr_u(fields, i32.const(6)), i32x4.splat(i32.const(3)));
  return i32x4.add(i32x4.mul(lane, i32x4.splat(i32.const(0x04040404))), i32x4.splat(i32.const(0x03020100)));
}

/** The same for 16-bit lanes, within each half of the register. */
export function wordIndices(imm: I32): V128 {
  const factors = 0x0001_0004_0010_0040n;
  const fields = i16x8.mul(i16x8.splat(i32.and(imm, i32.const(0xff))), v128.const(factors, factors));
  const lane = bits.and(i16x8.shr_u(fields, i32.const(6)), i16x8.splat(i32.const(3)));
  return i16x8.add(
    i16x8.mul(lane, i16x8.splat(i32.const(0x0202))),
    v128.const(0x0100_0100_0100_0100n, 0x0908_0908_0908_0908n),
  );
}

/** Two bits of the immediate for lane i. */
const field = (imm: number, i: number): number => (imm >> (2 * i)) & 3;
/** The bytes of a lane of `width` bytes, of two vectors side by side. */
const laneBytes = (width: number, lane: number): number[] => Array.from({ length: width }, (_, i) => lane * width + i);

const shuffleWords =
  (high: boolean): UnaryImm =>
  (_, source, imm) => {
    if (imm.constant !== undefined) {
      const first = high ? 4 : 0;
      const lanes = [0, 1, 2, 3, 4, 5, 6, 7].map((i) =>
        i >> 2 === first >> 2 ? first + field(Number(imm.constant), i & 3) : i,
      );
      return shuffle(
        source,
        source,
        lanes.flatMap((lane) => laneBytes(2, lane)),
      );
    }
    const mask = high ? v128.const(0n, -1n) : v128.const(-1n, 0n);
    return i8x16.swizzle(source, bits.select(wordIndices(imm), BYTE_INDEX, mask));
  };

const pshufd: UnaryImm = (_, source, imm) => {
  if (imm.constant === undefined) return i8x16.swizzle(source, dwordIndices(imm));
  const lanes = [0, 1, 2, 3].map((i) => field(Number(imm.constant), i));
  return shuffle(
    source,
    source,
    lanes.flatMap((lane) => laneBytes(4, lane)),
  );
};

const shufps: BinaryImm = (f, a, b, imm) => {
  if (imm.constant !== undefined) {
    const lanes = [0, 1, 2, 3].map((i) => field(Number(imm.constant), i) + (i < 2 ? 0 : 4));
    return shuffle(
      a,
      b,
      lanes.flatMap((lane) => laneBytes(4, lane)),
    );
  }
  const indices = f.let(dwordIndices(imm));
  return bits.select(i8x16.swizzle(b, indices), i8x16.swizzle(a, indices), v128.const(0n, -1n));
};

/** Bits 0 and 1 of the immediate choose the half of a and of b. */
export const shufpd: BinaryImm = (_, a, b, imm) => {
  if (imm.constant !== undefined) {
    const n = Number(imm.constant);
    return shuffle(a, b, [...laneBytes(8, n & 1), ...laneBytes(8, 2 + ((n >> 1) & 1))]);
  }
  const pick = (v: V128, bit: number) => select(i32.and(imm, i32.const(bit)), i64x2.extract(v, 1), i64x2.extract(v, 0));
  return i64x2.replace(i64x2.splat(pick(a, 1)), 1, pick(b, 2));
};

/** a with `value` in the 16-bit lane that the immediate says. */
export function insertWord(a: V128, value: I32, imm: I32): V128 {
  if (imm.constant !== undefined) return i16x8.replace(a, Number(imm.constant) & 7, value);
  const lane = i16x8.splat(i32.and(imm, i32.const(7)));
  const mask = i16x8.eq(v128.const(0x0003_0002_0001_0000n, 0x0007_0006_0005_0004n), lane);
  return bits.select(i16x8.splat(value), a, mask);
}

const pinsrw: Definition = (s) => {
  const value = s.read(1) as I32;
  s.setXmm(0, insertWord(s.xmm(0), value, s.imm(2)));
};

const pextrw: Definition = (s) => {
  const lane = i32.and(s.imm(2), i32.const(7));
  const index = i16x8.splat(i32.add(i32.mul(lane, i32.const(0x0202)), i32.const(0x0100)));
  s.write(0, i16x8.extract(i8x16.swizzle(s.xmm(1), index), 0));
};

/** Sums of absolute differences of eight bytes, one in each half. */
export function sumAbsoluteDifferences(a: V128, b: V128): V128 {
  const difference = bits.or(i8x16.sub_sat_u(a, b), i8x16.sub_sat_u(b, a));
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(difference));
}

const psadbw: Binary = (f, a, b) => {
  const sums = f.let(sumAbsoluteDifferences(a, b));
  return i64x2.add(bits.and(sums, v128.const(0xffffn, 0xffffn)), i64x2.shr_u(sums, i32.const(32)));
};

/** The 32-bit lanes with even numbers next to each other, at the bottom. */
export const evenDwords = (v: V128): V128 => shuffle(v, v, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);

/** What MMX and SSE2 do alike, lane by lane, on registers of 8 and of 16 bytes. */
export const packed: Readonly<Record<string, (a: V128, b: V128) => V128>> = {
  pand: bits.and,
  pandn: (a, b) => bits.andnot(b, a),
  por: bits.or,
  pxor: bits.xor,
  pcmpeqb: i8x16.eq,
  pcmpeqw: i16x8.eq,
  pcmpeqd: i32x4.eq,
  pcmpgtb: i8x16.gt_s,
  pcmpgtw: i16x8.gt_s,
  pcmpgtd: i32x4.gt_s,
  paddb: i8x16.add,
  paddw: i16x8.add,
  paddd: i32x4.add,
  paddq: i64x2.add,
  paddsb: i8x16.add_sat_s,
  paddsw: i16x8.add_sat_s,
  paddusb: i8x16.add_sat_u,
  paddusw: i16x8.add_sat_u,
  psubb: i8x16.sub,
  psubw: i16x8.sub,
  psubd: i32x4.sub,
  psubq: i64x2.sub,
  psubsb: i8x16.sub_sat_s,
  psubsw: i16x8.sub_sat_s,
  psubusb: i8x16.sub_sat_u,
  psubusw: i16x8.sub_sat_u,
  pavgb: i8x16.avgr_u,
  pavgw: i16x8.avgr_u,
  pminub: i8x16.min_u,
  pmaxub: i8x16.max_u,
  pminsw: i16x8.min_s,
  pmaxsw: i16x8.max_s,
  pmullw: i16x8.mul,
  pmulhw: (a, b) => highHalves(i32x4.extmul_low_i16x8_s(a, b), i32x4.extmul_high_i16x8_s(a, b)),
  pmulhuw: (a, b) => highHalves(i32x4.extmul_low_i16x8_u(a, b), i32x4.extmul_high_i16x8_u(a, b)),
  // Multiplying 64-bit lanes with their upper halves cleared takes twice the time.
  pmuludq: (a, b) => i64x2.extmul_low_i32x4_u(evenDwords(a), evenDwords(b)),
  pmaddwd: i32x4.dot_i16x8_s,
};

const pure =
  (lane: (a: V128, b: V128) => V128): Binary =>
  (_: FunctionBuilder, a: V128, b: V128) =>
    lane(a, b);

/** What VEX forms do to each half of a register. */
export const sseIntegerBinary: Readonly<Record<string, Binary>> = {
  ...Object.fromEntries(Object.entries(packed).map(([name, lane]) => [name, pure(lane)])),
  punpcklbw: pure(interleave(1, 0)),
  punpcklwd: pure(interleave(2, 0)),
  punpckldq: pure(interleave(4, 0)),
  punpcklqdq: pure(interleave(8, 0)),
  punpckhbw: pure(interleave(1, 8)),
  punpckhwd: pure(interleave(2, 8)),
  punpckhdq: pure(interleave(4, 8)),
  punpckhqdq: pure(interleave(8, 8)),
  packsswb: pure(i8x16.narrow_i16x8_s),
  packuswb: pure(i8x16.narrow_i16x8_u),
  packssdw: pure(i16x8.narrow_i32x4_s),
  psadbw,
};
export const sseIntegerUnaryImm: Readonly<Record<string, UnaryImm>> = {
  pshufd,
  pshufhw: shuffleWords(true),
  pshuflw: shuffleWords(false),
};
export const sseIntegerBinaryImm: Readonly<Record<string, BinaryImm>> = { shufps };

export const shifts: Readonly<Record<string, LaneShift>> = {
  psllw: { width: 16, arithmetic: false, by: i16x8.shl },
  pslld: { width: 32, arithmetic: false, by: i32x4.shl },
  psllq: { width: 64, arithmetic: false, by: i64x2.shl },
  psrlw: { width: 16, arithmetic: false, by: i16x8.shr_u },
  psrld: { width: 32, arithmetic: false, by: i32x4.shr_u },
  psrlq: { width: 64, arithmetic: false, by: i64x2.shr_u },
  psraw: { width: 16, arithmetic: true, by: i16x8.shr_s },
  psrad: { width: 32, arithmetic: true, by: i32x4.shr_s },
};
export const byteShifts: Readonly<Record<string, UnaryImm>> = { pslldq: shiftBytes(true), psrldq: shiftBytes(false) };

function forms<L>(of: Readonly<Record<string, L>>, make: (lane: L) => Definition): Record<string, Definition> {
  return Object.fromEntries(Object.entries(of).map(([name, lane]) => [name, make(lane)]));
}

export const sseInteger: Readonly<Record<string, Definition>> = {
  ...forms(sseIntegerBinary, legacyBinary),
  ...forms(sseIntegerUnaryImm, legacyUnaryImm),
  ...forms({ ...sseIntegerBinaryImm, shufpd }, legacyBinaryImm),
  pinsrw,
  pextrw,
  ...forms(shifts, legacyShift),
  ...forms(byteShifts, (lane) => (s) => s.setXmm(0, lane(s.f, s.xmm(0), s.imm(1)))),

  pmovmskb: (s) => s.write(0, i8x16.bitmask(s.xmm(1))),
  movmskps: (s) => s.write(0, i32x4.bitmask(s.xmm(1))),
  movmskpd: (s) => s.write(0, i64x2.bitmask(s.xmm(1))),
};
