/** AVX and AVX2: permutations, and shifts. Definitions: see sem.ts for the rules they keep. */
import { type Expr, type I32, type IntOps, i32, i64, select, shuffle, type V128 } from "../../wasm/expr.ts";
import type { FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { bits, i8x16, i32x4, i64x2 } from "../../wasm/simd.ts";
import { vexBinary } from "./avx-lanes.ts";
import { splat32, type UnaryImm, ZERO } from "./lanes.ts";
import type { Definition } from "./sem.ts";
import {
  byteShifts,
  type LaneShift,
  shiftCount,
  shiftLanes,
  shifts,
  shufpd,
  sseIntegerUnaryImm,
} from "./sse-integer.ts";

/** Byte indices of the 32-bit lanes whose numbers are in the lanes of v; evaluated where it is used. */
const dwords = (v: V128): V128 => i32x4.add(i32x4.mul(v, splat32(0x0404_0404)), splat32(0x0302_0100));

/** Byte i of two halves by its index from 0 to 31. `indices` is evaluated. */
function swizzle32(low: V128, high: V128, indices: V128): V128 {
  // What is out of the range of a swizzle gives 0: those from 16 up, and those below 16 when 16 is taken from them.
  return bits.or(i8x16.swizzle(low, indices), i8x16.swizzle(high, i8x16.sub(indices, splat32(0x1010_1010))));
}

const permilps: Definition = (s) => {
  if (s.operands[2]?.kind === "i") {
    const imm = s.imm(2);
    const lane = sseIntegerUnaryImm["pshufd"] as UnaryImm;
    s.setVector(
      0,
      s.vector(1).map((v) => lane(s.f, v, imm)),
    );
    return;
  }
  vexBinary((_, a, control) => i8x16.swizzle(a, dwords(bits.and(control, splat32(3)))))(s);
};

/** Variable: bit 1 of each control element. Immediate: a bit for each element. */
const permilpd: Definition = (s) => {
  if (s.operands[2]?.kind === "i") {
    const imm = s.imm(2);
    s.setVector(
      0,
      s.vector(1).map((v, half) => shufpd(s.f, v, v, s.f.let(i32.shr_u(imm, i32.const(2 * half))))),
    );
    return;
  }
  vexBinary((_, a, control) => {
    const upper = i64x2.shr_s(i64x2.shl(control, i32.const(62)), i32.const(63));
    const first = [0, 1, 2, 3, 4, 5, 6, 7];
    const low = shuffle(a, a, [...first, ...first]);
    const last = first.map((i) => i + 8);
    return bits.select(shuffle(a, a, [...last, ...last]), low, upper);
  })(s);
};

/** Lanes of operand 2 by the numbers in operand 1. */
const permd: Definition = (s) => {
  const [low, high] = s.vector(2) as [V128, V128];
  s.setVector(
    0,
    s.vector(1).map((v) => swizzle32(low, high, s.f.let(dwords(bits.and(v, splat32(7)))))),
  );
};

/** Four lanes of 64 bits by the four fields of the immediate. */
const permq: Definition = (s) => {
  const { f } = s;
  const imm = s.imm(2);
  const [low, high] = s.vector(1) as [V128, V128];
  const half = (n: number): V128 => {
    if (imm.constant !== undefined) {
      const lane = (i: number): number => (Number(imm.constant) >> (4 * n + 2 * i)) & 3;
      const order = Array.from({ length: 16 }, (_, i) => lane(i >> 3) * 8 + (i & 7));
      return shuffle(low, high, order);
    }
    const lane = (i: number): Expr<"i64"> => {
      const number = i64.extend_i32_u(i32.and(i32.shr_u(imm, i32.const(4 * n + 2 * i)), i32.const(3)));
      return i64.add(i64.mul(number, i64.const(0x0808_0808_0808_0808n)), i64.const(0x0706_0504_0302_0100n));
    };
    return swizzle32(low, high, f.let(i64x2.replace(i64x2.splat(lane(0)), 1, lane(1))));
  };
  s.setVector(0, [half(0), half(1)]);
};

/** Each half of the result is one of four, by bits 0 and 1 and bits 4 and 5 of the immediate, or 0 by bits 3 and 7. */
const perm2i128: Definition = (s) => {
  const imm = s.imm(3);
  const b = s.vector(2) as [V128, V128];
  const a = s.vector(1) as [V128, V128];
  const bit = (n: number): I32 => i32.and(imm, i32.const(1 << n));
  const half = (from: number): V128 => {
    const of = ([low, high]: [V128, V128]): V128 => select(bit(from), high, low);
    return select(bit(from + 3), ZERO, select(bit(from + 1), of(b), of(a)));
  };
  s.setVector(0, [half(0), half(4)]);
};

/** The count is an immediate (operand 0 is VEX.vvvv then) or in the low half of a register of 16 bytes. */
const shift =
  (by: LaneShift): Definition =>
  (s) => {
    const count = shiftCount(s, 2, by, () => s.vector(2)[0] as V128);
    s.setVector(
      0,
      s.vector(1).map((v) => shiftLanes(by, v, count)),
    );
  };
const shiftBytes =
  (lane: UnaryImm): Definition =>
  (s) => {
    const imm = s.imm(2);
    s.setVector(
      0,
      s.vector(1).map((v) => lane(s.f, v, imm)),
    );
  };

/** A shift of each lane by a count of its own, lane by lane: (a, counts) -> result. */
function variableShift<T extends "i32" | "i64">(
  m: ModuleBuilder,
  name: string,
  type: T,
  ops: IntOps<T>,
  lanes: { extract(v: V128, lane: number): Expr<T>; replace(v: V128, lane: number, value: Expr<T>): V128 },
  op: "shl" | "shr_u" | "shr_s",
): FunctionRef {
  const width = type === "i32" ? 32 : 64;
  return m.func(`avx2.${name}`, ["v128", "v128"], ["v128"], (f) => {
    const a = f.param(0, "v128");
    const b = f.param(1, "v128");
    const r = f.local("v128");
    f.set(r, a);
    for (let lane = 0; lane < 128 / width; lane++) {
      const count = f.let(lanes.extract(b, lane));
      const fits = ops.lt_u(count, ops.const(width));
      const value = lanes.extract(a, lane);
      const shifted =
        op === "shr_s"
          ? ops.shr_s(value, select(fits, count, ops.const(width - 1)))
          : select(fits, ops[op](value, count), ops.const(0));
      f.set(r, lanes.replace(r, lane, shifted));
    }
    f.return(r);
  });
}

export function avxPermute(m: ModuleBuilder): Readonly<Record<string, Definition>> {
  const all: Record<string, Definition> = {
    vpermilps: permilps,
    vpermilpd: permilpd,
    vpermd: permd,
    vpermq: permq,
    vperm2i128: perm2i128,
  };
  for (const [name, by] of Object.entries(shifts)) all[`v${name}`] = shift(by);
  for (const [name, lane] of Object.entries(byteShifts)) all[`v${name}`] = shiftBytes(lane);
  for (const [name, op] of [
    ["sllv", "shl"],
    ["srlv", "shr_u"],
    ["srav", "shr_s"],
  ] as const) {
    const dword = variableShift(m, `${name}d`, "i32", i32, i32x4, op);
    all[`vp${name}d`] = vexBinary((f, a, b) => f.call("v128", dword, [a, b]));
    if (op === "shr_s") continue;
    const qword = variableShift(m, `${name}q`, "i64", i64, i64x2, op);
    all[`vp${name}q`] = vexBinary((f, a, b) => f.call("v128", qword, [a, b]));
  }
  return all;
}
