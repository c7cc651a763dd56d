/**
 * VEX definitions of what lanes.ts has as functions over 128 bits: on one half or on both, destination and first source
 * apart, memory in any place, everything above the result cleared.
 *
 * What an immediate says of the upper half is what it says of the lower, but for a few that have bits of their own for it.
 */
import { type I32, i32, shuffle, type V128 } from "../../wasm/expr.ts";
import { i32x4, i64x2 } from "../../wasm/simd.ts";
import {
  type Binary,
  type BinaryImm,
  type FloatLane,
  type Lanes,
  runFloat,
  type Ternary,
  type Unary,
  type UnaryImm,
} from "./lanes.ts";
import type { Definition, Sem } from "./sem.ts";
import type { SoftFunctions } from "./sse-soft.ts";

/** How far the immediate's bits for the upper half are above those for the lower. */
const UPPER_IMMEDIATE: Readonly<Record<string, number>> = { blendps: 4, blendpd: 2, shufpd: 2, mpsadbw: 3 };

/** The immediate for each half. */
function immediates(s: Sem, n: number, name: string): (half: number) => I32 {
  const imm = s.imm(n);
  const by = UPPER_IMMEDIATE[name] ?? 0;
  return (half) => (half === 0 || by === 0 ? imm : s.f.let(i32.shr_u(imm, i32.const(by))));
}

export const vexBinary =
  (lane: Binary): Definition =>
  (s) => {
    const b = s.vector(2);
    const a = s.vector(1);
    s.setVector(
      0,
      a.map((v, half) => lane(s.f, v, b[half] as V128)),
    );
  };

export const vexUnary =
  (lane: Unary): Definition =>
  (s) =>
    s.setVector(
      0,
      s.vector(1).map((v) => lane(s.f, v)),
    );

export const vexBinaryImm =
  (lane: BinaryImm, name: string): Definition =>
  (s) => {
    const b = s.vector(2);
    const a = s.vector(1);
    const imm = immediates(s, 3, name);
    s.setVector(
      0,
      a.map((v, half) => lane(s.f, v, b[half] as V128, imm(half))),
    );
  };

export const vexUnaryImm =
  (lane: UnaryImm): Definition =>
  (s) => {
    const imm = s.imm(2);
    s.setVector(
      0,
      s.vector(1).map((v) => lane(s.f, v, imm)),
    );
  };

/** The third source is operand 3, a register that the immediate names. */
export const vexTernary =
  (lane: Ternary): Definition =>
  (s) => {
    const b = s.vector(2);
    const a = s.vector(1);
    const c = s.vector(3);
    s.setVector(
      0,
      a.map((v, half) => lane(s.f, v, b[half] as V128, c[half] as V128)),
    );
  };

/**
 * Operand n, of half the width of the destination, with each half of it that gives one of the destination's at the bottom of a
 * vector. Evaluated.
 */
export function lowHalves(s: Sem, n: number): readonly V128[] {
  const { f } = s;
  if (s.operands[0]?.kind === "x") return [f.let(i64x2.splat(s.low64(n)))];
  const v = s.vector(n)[0] as V128;
  return [v, f.let(shuffle(v, v, [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]))];
}

/** a with the low 4 or 8 bytes of another vector. */
export function withLow(a: V128, from: V128, bytes: 4 | 8): V128 {
  if (bytes === 4) return i32x4.replace(a, 0, i32x4.extract(from, 0));
  return i64x2.replace(a, 0, i64x2.extract(from, 0));
}

/** Operations on one operand have it as operand 1 if they are packed. */
export const vexFloat =
  (lane: FloatLane, soft: SoftFunctions): Definition =>
  (s) => {
    const { bytes } = lane;
    const last = s.operands.length - 1;
    const hasImm = s.operands[last]?.kind === "i";
    const imm = hasImm ? s.imm(last) : i32.const(0);
    if (bytes === 16) {
      const b = s.vector(hasImm ? last - 1 : last);
      const a = s.vector(1);
      s.setVector(0, runFloat(s, soft, lane, a, b, imm));
      return;
    }
    const b = s.f.let(bytes === 4 ? i32x4.splat(s.low32(2)) : i64x2.splat(s.low64(2)));
    const a = s.vector(1)[0] as V128;
    const r = runFloat(s, soft, lane, [a], [b], imm)[0] as V128;
    s.setVector(0, [withLow(a, r, bytes)]);
  };

/** The definitions of the VEX forms of all of these, by mnemonic. */
export function vexForms(lanes: Partial<Lanes>, soft: SoftFunctions): Record<string, Definition> {
  const all: Record<string, Definition> = {};
  const add = <L>(of: Readonly<Record<string, L>> | undefined, make: (lane: L, name: string) => Definition): void => {
    for (const [name, lane] of Object.entries(of ?? {})) all[`v${name}`] = make(lane, name);
  };
  add(lanes.binary, vexBinary);
  add(lanes.unary, vexUnary);
  add(lanes.binaryImm, vexBinaryImm);
  add(lanes.unaryImm, vexUnaryImm);
  add(lanes.ternary, vexTernary);
  add(lanes.float, (lane) => vexFloat(lane, soft));
  return all;
}
