/**
 * SSE4.1 and SSE4.2 but for floating point (sse4-float.ts), strings (sse4-strings.ts) and CRC (sse4-crc.ts).
 * Intel SDM vol. 2; definitions: see sem.ts for the rules they keep.
 */
import { BIAS } from "../../../mm/layout.ts";
import { type I32, type I64, i32, select, shuffle, type V128, v128 } from "../../wasm/expr.ts";
import { bits, i8x16, i16x8, i32x4, i64x2 } from "../../wasm/simd.ts";
import {
  type Binary,
  type BinaryImm,
  byteVector,
  chooseByImm,
  pickLanes,
  shiftBytesRight,
  type Ternary,
  type Unary,
  ZERO,
} from "./lanes.ts";
import { type Definition, Flag, type Sem } from "./sem.ts";
import { evenDwords } from "./sse-integer.ts";

export const sse4Table = `
66 0f 38 10     pblendvb Vx,Wx
66 0f 38 14     blendvps Vx,Wx
66 0f 38 15     blendvpd Vx,Wx
66 0f 38 17     ptest    Vx,Wx
66 0f 38 20     pmovsxbw Vx,Wq
66 0f 38 21     pmovsxbd Vx,Wd
66 0f 38 22     pmovsxbq Vx,Ww
66 0f 38 23     pmovsxwd Vx,Wq
66 0f 38 24     pmovsxwq Vx,Wd
66 0f 38 25     pmovsxdq Vx,Wq
66 0f 38 28     pmuldq   Vx,Wx
66 0f 38 29     pcmpeqq  Vx,Wx
66 0f 38 2a     movaps   Vx,Mx      # movntdqa
66 0f 38 2b     packusdw Vx,Wx
66 0f 38 30     pmovzxbw Vx,Wq
66 0f 38 31     pmovzxbd Vx,Wd
66 0f 38 32     pmovzxbq Vx,Ww
66 0f 38 33     pmovzxwd Vx,Wq
66 0f 38 34     pmovzxwq Vx,Wd
66 0f 38 35     pmovzxdq Vx,Wq
66 0f 38 37     pcmpgtq  Vx,Wx
66 0f 38 38     pminsb   Vx,Wx
66 0f 38 39     pminsd   Vx,Wx
66 0f 38 3a     pminuw   Vx,Wx
66 0f 38 3b     pminud   Vx,Wx
66 0f 38 3c     pmaxsb   Vx,Wx
66 0f 38 3d     pmaxsd   Vx,Wx
66 0f 38 3e     pmaxuw   Vx,Wx
66 0f 38 3f     pmaxud   Vx,Wx
66 0f 38 40     pmulld   Vx,Wx
66 0f 38 41     phminposuw Vx,Wx

66 0f 3a 0c     blendps  Vx,Wx,Ib
66 0f 3a 0d     blendpd  Vx,Wx,Ib
66 0f 3a 0e     pblendw  Vx,Wx,Ib
66 0f 3a 14 mod=r pextrb Rd,Vx,Ib
66 0f 3a 14 mod=m pextrb Mb,Vx,Ib
66 0f 3a 15 mod=r pextrw Rd,Vx,Ib
66 0f 3a 15 mod=m pextrw Mw,Vx,Ib
66 0f 3a 16     pextrd   Ey,Vx,Ib
66 0f 3a 17     pextrd   Ed,Vx,Ib   # extractps
66 0f 3a 20 mod=r pinsrb Vx,Rd,Ib
66 0f 3a 20 mod=m pinsrb Vx,Mb,Ib
66 0f 3a 21 mod=r insertps Vx,Ux,Ib
66 0f 3a 21 mod=m insertps Vx,Md,Ib
66 0f 3a 22     pinsrd   Vx,Ey,Ib
66 0f 3a 42     mpsadbw  Vx,Wx,Ib
`;

export const sse4Binary: Readonly<Record<string, Binary>> = {
  pmuldq: (_, a, b) => i64x2.extmul_low_i32x4_s(evenDwords(a), evenDwords(b)),
  pcmpeqq: (_, a, b) => i64x2.eq(a, b),
  pcmpgtq: (_, a, b) => i64x2.gt_s(a, b),
  packusdw: (_, a, b) => i16x8.narrow_i32x4_u(a, b),
  pminsb: (_, a, b) => i8x16.min_s(a, b),
  pminsd: (_, a, b) => i32x4.min_s(a, b),
  pminuw: (_, a, b) => i16x8.min_u(a, b),
  pminud: (_, a, b) => i32x4.min_u(a, b),
  pmaxsb: (_, a, b) => i8x16.max_s(a, b),
  pmaxsd: (_, a, b) => i32x4.max_s(a, b),
  pmaxuw: (_, a, b) => i16x8.max_u(a, b),
  pmaxud: (_, a, b) => i32x4.max_u(a, b),
  pmulld: (_, a, b) => i32x4.mul(a, b),
};

/**
 * The smallest of eight 16-bit lanes and its number. Each in the upper half of 32 bits with its number in the lower, the
 * smallest 32-bit lane is the smallest with the lowest number.
 */
const phminposuw: Unary = (f, b) => {
  const upper = (v: V128): V128 => i32x4.shl(v, i32.const(16));
  const numbered = (v: V128, numbers: V128): V128 => bits.or(upper(v), numbers);
  const least = f.local("v128");
  f.set(
    least,
    i32x4.min_u(
      numbered(i32x4.extend_low_i16x8_u(b), v128.const(0x0000_0001_0000_0000n, 0x0000_0003_0000_0002n)),
      numbered(i32x4.extend_high_i16x8_u(b), v128.const(0x0000_0005_0000_0004n, 0x0000_0007_0000_0006n)),
    ),
  );
  f.set(least, i32x4.min_u(least, shuffle(least, least, [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7])));
  f.set(least, i32x4.min_u(least, shuffle(least, least, [4, 5, 6, 7, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])));
  return i32x4.replace(ZERO, 0, i32.rotl(i32x4.extract(least, 0), i32.const(16)));
};

/** The low bytes of the operand, extended to fill 128 bits. */
export const extensions: Readonly<Record<string, Unary>> = {
  pmovsxbw: (_, b) => i16x8.extend_low_i8x16_s(b),
  pmovsxbd: (_, b) => i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(b)),
  pmovsxbq: (_, b) => i64x2.extend_low_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(b))),
  pmovsxwd: (_, b) => i32x4.extend_low_i16x8_s(b),
  pmovsxwq: (_, b) => i64x2.extend_low_i32x4_s(i32x4.extend_low_i16x8_s(b)),
  pmovsxdq: (_, b) => i64x2.extend_low_i32x4_s(b),
  pmovzxbw: (_, b) => i16x8.extend_low_i8x16_u(b),
  pmovzxbd: (_, b) => pickLanesOrZero(b, 1, 4),
  pmovzxbq: (_, b) => pickLanesOrZero(b, 1, 8),
  pmovzxwd: (_, b) => i32x4.extend_low_i16x8_u(b),
  pmovzxwq: (_, b) => pickLanesOrZero(b, 2, 8),
  pmovzxdq: (_, b) => i64x2.extend_low_i32x4_u(b),
};

/** Lanes of `from` bytes, zero-extended to `to` bytes. */
function pickLanesOrZero(v: V128, from: number, to: number): V128 {
  const order = Array.from({ length: 16 }, (_, i) => (i % to < from ? Math.floor(i / to) * from + (i % to) : 16));
  return shuffle(v, ZERO, order);
}

export const sse4Unary: Readonly<Record<string, Unary>> = { phminposuw };

/** Lanes of b where the mask's is negative, else of a. */
export const sse4Ternary: Readonly<Record<string, Ternary>> = {
  pblendvb: (_, a, b, mask) => bits.select(b, a, i8x16.gt_s(ZERO, mask)),
  blendvps: (_, a, b, mask) => bits.select(b, a, i32x4.gt_s(ZERO, mask)),
  blendvpd: (_, a, b, mask) => bits.select(b, a, i64x2.gt_s(ZERO, mask)),
};

/**
 * Sums of the differences of four bytes of b with four of a, at eight neighbouring places. Bits 0 and 1 of the immediate
 * say which four of b, bit 2 where in a the first place is, in units of four bytes.
 */
const mpsadbw: BinaryImm = (f, a, b, imm) => {
  const places = f.let(shiftBytesRight(a, f.let(i32.and(imm, i32.const(4)))));
  const four = f.let(shiftBytesRight(b, f.let(i32.shl(i32.and(imm, i32.const(3)), i32.const(2)))));
  const difference = (k: number): V128 => {
    const x = f.let(pickLanes(1, k, 1)(places, places));
    const y = f.let(shuffle(four, four, new Array<number>(16).fill(k)));
    return i16x8.extend_low_i8x16_u(bits.or(i8x16.sub_sat_u(x, y), i8x16.sub_sat_u(y, x)));
  };
  const half = (k: number): V128 => i16x8.add(difference(k), difference(k + 1));
  return i16x8.add(half(0), half(2));
};

/** Bits 0 to 3 of the immediate: which lanes become 0. */
const clearByImm = (v: V128, imm: I32): V128 => chooseByImm(ZERO, v, imm, 4);

/** Lane `from` of b (bits 6 and 7 of the immediate) to lane `to` of a (bits 4 and 5); then some lanes become 0. */
export const insertps: BinaryImm = (f, a, b, imm) => {
  const field = (at: number): I32 => f.let(i32.and(i32.shr_u(imm, i32.const(at)), i32.const(3)));
  const lane = i8x16.splat(i32.shl(field(6), i32.const(2)));
  const value = i8x16.swizzle(b, i8x16.add(byteVector([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]), lane));
  const here = i32x4.eq(v128.const(0x0000_0001_0000_0000n, 0x0000_0003_0000_0002n), i32x4.splat(field(4)));
  return clearByImm(f.let(bits.select(value, a, here)), f.let(i32.and(imm, i32.const(15))));
};

export const sse4BinaryImm: Readonly<Record<string, BinaryImm>> = {
  blendps: (_, a, b, imm) => chooseByImm(b, a, imm, 4),
  blendpd: (_, a, b, imm) => chooseByImm(b, a, imm, 8),
  pblendw: (_, a, b, imm) => chooseByImm(b, a, imm, 2),
  mpsadbw,
};

/** a with lane number `imm` (modulo the number of lanes) replaced by an integer of `bytes` bytes. */
export function insertInteger(a: V128, value: I32 | I64, imm: I32, bytes: 1 | 2 | 4 | 8): V128 {
  const lanes = { 1: i8x16, 2: i16x8, 4: i32x4, 8: i64x2 }[bytes] as typeof i8x16;
  const mask = 16 / bytes - 1;
  if (imm.constant !== undefined) return lanes.replace(a, Number(imm.constant) & mask, value as I32);
  const lane = i32.and(imm, i32.const(mask));
  // Each byte of the numbers' vector has its lane's number.
  const numbers = byteVector(Array.from({ length: 16 }, (_, i) => Math.floor(i / bytes)));
  return bits.select(lanes.splat(value as I32), a, i8x16.eq(numbers, i8x16.splat(lane)));
}

/** Lane number `imm` (modulo the number of lanes) as an integer, zero-extended. */
export function extractInteger(v: V128, imm: I32, bytes: 1 | 2 | 4 | 8): I32 | I64 {
  const lane = i32.and(imm, i32.const(16 / bytes - 1));
  const moved = shiftBytesRight(v, i32.mul(lane, i32.const(bytes)));
  if (bytes === 8) return i64x2.extract(moved, 0);
  const value = i32x4.extract(moved, 0);
  return bytes === 4 ? value : i32.and(value, i32.const(bytes === 1 ? 0xff : 0xffff));
}

const extract =
  (bytes?: 1): Definition =>
  (s) => {
    const size = bytes ?? (s.operands[0]?.bytes === 8 ? 8 : 4);
    s.write(0, extractInteger(s.xmm(1), s.imm(2), size));
  };

const insert =
  (bytes?: 1): Definition =>
  (s) => {
    const value = s.read(1);
    const size = bytes ?? (s.operands[1]?.bytes === 8 ? 8 : 4);
    s.setXmm(0, insertInteger(s.xmm(0), value as I32, s.imm(2), size));
  };

/** The low 2, 4 or 8 bytes of operand n, which may be memory of that size, in a vector with anything above. Evaluated. */
export function lowBytes(s: Sem, n: number, bytes: number): V128 {
  if (bytes === 8) return s.f.let(i64x2.splat(s.low64(n)));
  if (bytes === 4) return s.f.let(i32x4.splat(s.low32(n)));
  if (s.operands[n]?.kind !== "m") return s.xmm(n);
  return s.f.let(i32x4.splat(i32.load16_u(s.readable(s.address(n), 2), BIAS)));
}

/** The bytes of the source of each extension. */
export const EXTENSION_SOURCE: Readonly<Record<string, 2 | 4 | 8>> = {
  bw: 8,
  bd: 4,
  bq: 2,
  wd: 8,
  wq: 4,
  dq: 8,
};

const extend =
  (name: string, lane: Unary): Definition =>
  (s) =>
    s.setXmm(0, lane(s.f, lowBytes(s, 1, EXTENSION_SOURCE[name.slice(-2)] as number)));

/** ZF: the common bits of all operands are 0; CF: so are those of the second that the first does not have. */
export function setTestFlags(s: Sem, common: I32, beyond: I32): void {
  s.flags.setAll(
    i32.or(select(common, i32.const(0), i32.const(Flag.ZF)), select(beyond, i32.const(0), i32.const(Flag.CF))),
  );
}

const ptest: Definition = (s) => {
  const b = s.xmm(1);
  const a = s.xmm(0);
  setTestFlags(s, bits.anyTrue(bits.and(a, b)), bits.anyTrue(bits.andnot(b, a)));
};

export const sse4Definitions: Readonly<Record<string, Definition>> = {
  ...Object.fromEntries(Object.entries(extensions).map(([name, lane]) => [name, extend(name, lane)])),
  ptest,
  pextrb: extract(1),
  pextrd: extract(),
  pinsrb: insert(1),
  pinsrd: insert(),
  insertps: (s) => {
    const imm = s.imm(2);
    if (s.operands[1]?.kind !== "m") {
      const b = s.xmm(1);
      s.setXmm(0, insertps(s.f, s.xmm(0), b, imm));
      return;
    }
    // From memory there is only one float, whatever the immediate says.
    const b = s.f.let(i32x4.splat(s.low32(1)));
    s.setXmm(0, insertps(s.f, s.xmm(0), b, imm));
  },
};
