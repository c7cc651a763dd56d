/**
 * SSSE3, on xmm and on mmx registers (Intel SDM vol. 2). What is computed of the pairs of one register after the other is
 * computed on mmx registers with both operands side by side in one.
 */
import { type I32, i32, select, type V128, v128 } from "../../wasm/expr.ts";
import { bits, i8x16, i16x8, i32x4, i64x2 } from "../../wasm/simd.ts";
import { type Binary, type BinaryImm, BYTE_INDEX, pickLanes, shiftBytesRight, type Unary, ZERO } from "./lanes.ts";
import { low, mmx, wide } from "./mmx.ts";
import type { Definition } from "./sem.ts";

/** Opcodes in map 0f 38. */
const OPCODES: readonly (readonly [number, string])[] = [
  [0x00, "pshufb"],
  [0x01, "phaddw"],
  [0x02, "phaddd"],
  [0x03, "phaddsw"],
  [0x04, "pmaddubsw"],
  [0x05, "phsubw"],
  [0x06, "phsubd"],
  [0x07, "phsubsw"],
  [0x08, "psignb"],
  [0x09, "psignw"],
  [0x0a, "psignd"],
  [0x0b, "pmulhrsw"],
  [0x1c, "pabsb"],
  [0x1d, "pabsw"],
  [0x1e, "pabsd"],
];

export const ssse3Table: string = `
${OPCODES.map(([opcode, name]) => {
  const hex = opcode.toString(16).padStart(2, "0");
  return `66 0f 38 ${hex} ${name} Vx,Wx\nnp 0f 38 ${hex} mmx_${name} Pq,Qq`;
}).join("\n")}
66 0f 3a 0f     palignr  Vx,Wx,Ib
np 0f 3a 0f     mmx_palignr Pq,Qq,Ib
`;

const repeat = (half: bigint): V128 => v128.const(half, half);

/** a op b of the lanes with an even number, and of those that follow them. */
const horizontal =
  (width: number, op: (even: V128, odd: V128) => V128): Binary =>
  (_, a, b) =>
    op(pickLanes(width, 0, 2)(a, b), pickLanes(width, 1, 2)(a, b));

/** Bytes of a are unsigned, those of b are signed; neighbouring products are added with saturation. */
const pmaddubsw: Binary = (_, a, b) => {
  const even = i16x8.mul(
    bits.and(a, repeat(0x00ff_00ff_00ff_00ffn)),
    i16x8.shr_s(i16x8.shl(b, i32.const(8)), i32.const(8)),
  );
  const odd = i16x8.mul(i16x8.shr_u(a, i32.const(8)), i16x8.shr_s(b, i32.const(8)));
  return i16x8.add_sat_s(even, odd);
};

/** Lanes of a negated where b is negative, 0 where b is 0. */
const sign =
  (lanes: {
    gt_s: (a: V128, b: V128) => V128;
    sub: (a: V128, b: V128) => V128;
    eq: (a: V128, b: V128) => V128;
  }): Binary =>
  (f, a, b) => {
    const negative = f.let(lanes.gt_s(ZERO, b));
    return bits.andnot(lanes.sub(bits.xor(a, negative), negative), lanes.eq(b, ZERO));
  };

/** wasm's operation saturates where x86's wraps: the product of -1 by itself, as fractions. */
const pmulhrsw: Binary = (_, a, b) => {
  const lowest = repeat(0x8000_8000_8000_8000n);
  const both = bits.and(i16x8.eq(a, lowest), i16x8.eq(b, lowest));
  return bits.xor(i16x8.q15mulr_sat_s(a, b), both);
};

export const ssse3Binary: Readonly<Record<string, Binary>> = {
  // An index with bit 7 set gives 0, and of the others 4 bits count; wasm gives 0 for all from 16 up.
  pshufb: (_, a, b) => i8x16.swizzle(a, bits.and(b, repeat(0x8f8f_8f8f_8f8f_8f8fn))),
  phaddw: horizontal(2, i16x8.add),
  phaddd: horizontal(4, i32x4.add),
  phaddsw: horizontal(2, i16x8.add_sat_s),
  phsubw: horizontal(2, i16x8.sub),
  phsubd: horizontal(4, i32x4.sub),
  phsubsw: horizontal(2, i16x8.sub_sat_s),
  pmaddubsw,
  psignb: sign(i8x16),
  psignw: sign(i16x8),
  psignd: sign(i32x4),
  pmulhrsw,
};

export const ssse3Unary: Readonly<Record<string, Unary>> = {
  pabsb: (_, b) => i8x16.abs(b),
  pabsw: (_, b) => i16x8.abs(b),
  pabsd: (_, b) => i32x4.abs(b),
};

/** a and b as one number of 256 bits, a on top, shifted right by bytes: its low half. */
const palignr: BinaryImm = (f, a, b, imm) => {
  const by = f.let(i32.and(imm, i32.const(0xff)));
  if (by.constant !== undefined) {
    const n = Number(by.constant);
    if (n >= 16) return shiftBytesRight(a, i32.const(Math.min(n, 32) - 16));
    return pickLanes(1, n, 1)(b, a);
  }
  // Indices from 16 up, which those below 16 wrap to when 16 is taken from them, give 0.
  const index = f.let(i8x16.add(BYTE_INDEX, i8x16.splat(select(i32.gt_u(by, i32.const(32)), i32.const(32), by))));
  return bits.or(i8x16.swizzle(b, index), i8x16.swizzle(a, i8x16.sub(index, repeat(0x1010_1010_1010_1010n))));
};

export const ssse3BinaryImm: Readonly<Record<string, BinaryImm>> = { palignr };

/** On mmx registers, from what the 16-byte operation does on the low half. */
const mmxBinary = (lane: Binary): Definition =>
  mmx((s) => {
    const b = s.f.let(wide(s.mmx(1)));
    const a = s.f.let(wide(s.mmx(0)));
    s.setMmx(0, low(lane(s.f, a, b)));
  });

/** On pairs of neighbours: those of a fill the lower half of the result, those of b the upper. */
const mmxHorizontal = (lane: Binary): Definition =>
  mmx((s) => {
    const b = s.mmx(1);
    const both = s.f.let(i64x2.replace(wide(s.mmx(0)), 1, b));
    s.setMmx(0, low(lane(s.f, both, both)));
  });

const mmxPalignr: Definition = mmx((s) => {
  const b = s.mmx(1);
  const both = s.f.let(i64x2.replace(wide(b), 1, s.mmx(0)));
  const by: I32 = i32.and(s.imm(2), i32.const(0xff));
  s.setMmx(0, low(shiftBytesRight(both, s.f.let(select(i32.gt_u(by, i32.const(16)), i32.const(16), by)))));
});

export const ssse3Mmx: Readonly<Record<string, Definition>> = {
  ...Object.fromEntries(
    Object.entries(ssse3Binary).map(([name, lane]) => [
      `mmx_${name}`,
      name.startsWith("ph") ? mmxHorizontal(lane) : mmxBinary(lane),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(ssse3Unary).map(([name, lane]) => [`mmx_${name}`, mmxBinary((f, _, b) => lane(f, b))]),
  ),
  mmx_pshufb: mmxBinary((_, a, b) => i8x16.swizzle(a, bits.and(b, repeat(0x8787_8787_8787_8787n)))),
  mmx_palignr: mmxPalignr,
};
