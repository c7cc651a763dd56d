/** SSE2: packed integers, shuffles, packing, shifts. Definitions: see sem.ts for the rules they keep. */
import { type I32, i32, i64, select, shuffle, type V128, v128 } from "../../wasm/expr.ts";
import { bits, i8x16, i16x8, i32x4, i64x2 } from "../../wasm/simd.ts";
import type { Definition, Sem } from "./sem.ts";

const ZERO: V128 = v128.const(0n, 0n);

/** xmm0 := f(xmm0, xmm/m128) */
function binary(f: (a: V128, b: V128) => V128): Definition {
  return (s) => {
    const b = s.xmm(1);
    s.setXmm(0, f(s.xmm(0), b));
  };
}

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

/** Shift of every lane: a count of the lane's width or more gives 0, or copies of the sign (Intel SDM, "PSRAW"). */
function shiftLanes(width: number, f: (a: V128, count: I32) => V128, arithmetic: boolean): Definition {
  return (s) => {
    const count =
      s.operands[1]?.kind === "i"
        ? s.f.let(i32.and(s.imm(1), i32.const(0xff)))
        : clampCount(s, i64x2.extract(s.xmm(1), 0), width);
    const a = s.xmm(0);
    const tooMuch = i32.ge_u(count, i32.const(width));
    if (arithmetic) s.setXmm(0, f(a, select(tooMuch, i32.const(width - 1), count)));
    else s.setXmm(0, select(tooMuch, ZERO, f(a, count)));
  };
}

/** The count is all 64 low bits of the operand. */
function clampCount(s: Sem, count: ReturnType<typeof i64x2.extract>, width: number): I32 {
  const c = s.f.let(count);
  return s.f.let(select(i64.lt_u(c, i64.const(width)), i32.wrap(c), i32.const(width)));
}

const BYTE_INDEX: V128 = v128.const(0x0706050403020100n, 0x0f0e0d0c0b0a0908n);

/** Shift of the whole register by bytes. Indices outside of 0..15 read 0 in a swizzle. */
function shiftBytes(left: boolean): Definition {
  return (s) => {
    const by = s.f.let(i32.and(s.imm(1), i32.const(0xff)));
    const n = i8x16.splat(select(i32.gt_u(by, i32.const(16)), i32.const(16), by));
    const index = left ? i8x16.sub(BYTE_INDEX, n) : i8x16.add(BYTE_INDEX, n);
    s.setXmm(0, i8x16.swizzle(s.xmm(0), index));
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

const shuffleWords =
  (high: boolean): Definition =>
  (s) => {
    const source = s.xmm(1);
    const mask = high ? v128.const(0n, -1n) : v128.const(-1n, 0n);
    s.setXmm(0, i8x16.swizzle(source, bits.select(wordIndices(s.imm(2)), BYTE_INDEX, mask)));
  };

const shufps: Definition = (s) => {
  const b = s.xmm(1);
  const a = s.xmm(0);
  const indices = s.f.let(dwordIndices(s.imm(2)));
  s.setXmm(0, bits.select(i8x16.swizzle(b, indices), i8x16.swizzle(a, indices), v128.const(0n, -1n)));
};

const shufpd: Definition = (s) => {
  const b = s.xmm(1);
  const a = s.xmm(0);
  const imm = s.imm(2);
  const pick = (v: V128, bit: number) => select(i32.and(imm, i32.const(bit)), i64x2.extract(v, 1), i64x2.extract(v, 0));
  s.setXmm(0, i64x2.replace(i64x2.splat(pick(a, 1)), 1, pick(b, 2)));
};

const pinsrw: Definition = (s) => {
  const value = s.read(1) as I32;
  const lane = i16x8.splat(i32.and(s.imm(2), i32.const(7)));
  const mask = i16x8.eq(v128.const(0x0003_0002_0001_0000n, 0x0007_0006_0005_0004n), lane);
  s.setXmm(0, bits.select(i16x8.splat(value), s.xmm(0), mask));
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

const psadbw: Definition = (s) => {
  const b = s.xmm(1);
  const sums = s.f.let(sumAbsoluteDifferences(s.xmm(0), b));
  s.setXmm(0, i64x2.add(bits.and(sums, i64x2.splat(i64.const(0xffff))), i64x2.shr_u(sums, i32.const(32))));
};

/** a and b: the even 32-bit lanes multiplied to 64 bits. */
function mulEven(a: V128, b: V128): V128 {
  const low = i64x2.splat(i64.const(0xffff_ffff));
  return i64x2.mul(bits.and(a, low), bits.and(b, low));
}

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
  pmuludq: mulEven,
  pmaddwd: i32x4.dot_i16x8_s,
};

export const sseInteger: Readonly<Record<string, Definition>> = {
  ...Object.fromEntries(Object.entries(packed).map(([name, f]) => [name, binary(f)])),

  punpcklbw: binary(interleave(1, 0)),
  punpcklwd: binary(interleave(2, 0)),
  punpckldq: binary(interleave(4, 0)),
  punpcklqdq: binary(interleave(8, 0)),
  punpckhbw: binary(interleave(1, 8)),
  punpckhwd: binary(interleave(2, 8)),
  punpckhdq: binary(interleave(4, 8)),
  punpckhqdq: binary(interleave(8, 8)),
  packsswb: binary(i8x16.narrow_i16x8_s),
  packuswb: binary(i8x16.narrow_i16x8_u),
  packssdw: binary(i16x8.narrow_i32x4_s),
  pshufd: (s) => s.setXmm(0, i8x16.swizzle(s.xmm(1), dwordIndices(s.imm(2)))),
  pshufhw: shuffleWords(true),
  pshuflw: shuffleWords(false),
  shufps,
  shufpd,
  pinsrw,
  pextrw,

  psadbw,

  psllw: shiftLanes(16, i16x8.shl, false),
  pslld: shiftLanes(32, i32x4.shl, false),
  psllq: shiftLanes(64, i64x2.shl, false),
  psrlw: shiftLanes(16, i16x8.shr_u, false),
  psrld: shiftLanes(32, i32x4.shr_u, false),
  psrlq: shiftLanes(64, i64x2.shr_u, false),
  psraw: shiftLanes(16, i16x8.shr_s, true),
  psrad: shiftLanes(32, i32x4.shr_s, true),
  pslldq: shiftBytes(true),
  psrldq: shiftBytes(false),

  pmovmskb: (s) => s.write(0, i8x16.bitmask(s.xmm(1))),
  movmskps: (s) => s.write(0, i32x4.bitmask(s.xmm(1))),
  movmskpd: (s) => s.write(0, i64x2.bitmask(s.xmm(1))),
};
