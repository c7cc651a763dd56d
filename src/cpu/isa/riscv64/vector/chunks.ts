/**
 * What wasm's vectors can do: 16 bytes of a group at a time, where nothing is masked off. Of the last 16 bytes those behind
 * vl keep what they were.
 */
import { type I32, i32, select, simd, type V128, v128 } from "../../../wasm/expr.ts";
import type { FunctionBuilder } from "../../../wasm/module.ts";
import { bits, i8x16, i16x8, i32x4, i64x2 } from "../../../wasm/simd.ts";
import { VL, VLENB, VSTART, VXSAT } from "../context.ts";
import { c32, DONE, loadState, REGISTERS, type Second, storeState, type Word, ZERO } from "./kit.ts";

type Lanewise = (f: FunctionBuilder, a: V128, b: V128) => V128;

export interface Chunks {
  /** By log2 of SEW / 8: undefined where there is no such operation. */
  readonly lanes: readonly (Lanewise | undefined)[];
  /** Only with a scalar, whose value each lane of b has, as wasm's shifts do. */
  readonly scalarOnly?: true;
  /** Only if there is no tail: it has side effects. */
  readonly wholeOnly?: true;
  /** Not if this is not 0. */
  readonly unless?: () => I32;
}

const LANES = [i8x16, i16x8, i32x4, i64x2] as const;
const FLIP = v128.const(1n << 63n, 1n << 63n);
/** Each byte its own number. */
const IOTA = v128.const(0x0706_0504_0302_0100n, 0x0f0e_0d0c_0b0a_0908n);

const op =
  (code: number): Lanewise =>
  (_f, a, b) =>
    simd("v128", code, [a, b]);
/** Unsigned 64-bit lanes are compared as signed ones with their highest bits changed. */
const flipped =
  (lanes: Lanewise): Lanewise =>
  (f, a, b) =>
    lanes(f, f.let(bits.xor(a, FLIP)), f.let(bits.xor(b, FLIP)));
/** a where the comparison holds, else b. */
const pick =
  (holds: Lanewise): Lanewise =>
  (f, a, b) =>
    bits.select(a, b, holds(f, a, b));
const shiftBy =
  (lanes: (typeof LANES)[number], name: "shl" | "shr_s" | "shr_u"): Lanewise =>
  (_f, a, b) =>
    lanes[name](a, i32x4.extract(b, 0));

/** By the number of the first comparison of 8, 16 and 32-bit lanes in the specification's table, and of 64-bit ones, signed. */
const COMPARISONS = ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u"] as const;
const SIGNED_64: Readonly<Record<string, number>> = { eq: 0xd6, ne: 0xd7, lt_s: 0xd8, gt_s: 0xd9, le_s: 0xda };
function comparisons(name: (typeof COMPARISONS)[number]): Lanewise[] {
  const index = COMPARISONS.indexOf(name);
  const wide = SIGNED_64[name];
  const last = wide === undefined ? flipped(op(SIGNED_64[name.replace("_u", "_s")] as number)) : op(wide);
  return [op(0x23 + index), op(0x2d + index), op(0x37 + index), last];
}

type Name =
  | (typeof COMPARISONS)[number]
  | "add"
  | "sub"
  | "rsub"
  | "and"
  | "or"
  | "xor"
  | "min_u"
  | "min_s"
  | "max_u"
  | "max_s"
  | "shl"
  | "shr_s"
  | "shr_u"
  | "mul"
  | "move";

function lanes(name: Name): Chunks {
  const all = (lanewise: Lanewise): Chunks => ({ lanes: [lanewise, lanewise, lanewise, lanewise] });
  switch (name) {
    case "add":
    case "sub":
      return { lanes: LANES.map((l) => (_f, a, b) => l[name](a, b)) };
    case "rsub":
      return { lanes: LANES.map((l) => (_f, a, b) => l.sub(b, a)) };
    case "and":
    case "or":
    case "xor":
      return all((_f, a, b) => bits[name](a, b));
    case "move":
      return all((_f, _a, b) => b);
    case "mul":
      return {
        lanes: [undefined, ...[i16x8, i32x4, i64x2].map((l) => (_f: unknown, a: V128, b: V128) => l.mul(a, b))],
      };
    case "min_u":
    case "min_s":
    case "max_u":
    case "max_s": {
      const sign = name.slice(-2);
      const holds = comparisons(`${name.startsWith("min") ? "lt" : "gt"}${sign}` as "lt_s")[3] as Lanewise;
      const narrow = [i8x16, i16x8, i32x4].map((l) => (_f: unknown, a: V128, b: V128) => l[name](a, b));
      return { lanes: [...narrow, pick(holds)] };
    }
    case "shl":
    case "shr_s":
    case "shr_u":
      return { lanes: LANES.map((l) => shiftBy(l, name)), scalarOnly: true };
    default:
      return { lanes: comparisons(name) };
  }
}

/** Where the result differs from that of the operation that wraps around, something was saturated. */
function saturating(name: "add" | "sub", signed: boolean): Chunks {
  const lanewise = [i8x16, i16x8].map((l): Lanewise => {
    return (f, a, b) => {
      const result = f.let(l[`${name}_sat_${signed ? "s" : "u"}`](a, b));
      const differs = bits.anyTrue(bits.xor(result, l[name](a, b)));
      f.if(differs, () => storeState(f, VXSAT, c32(1)));
      return result;
    };
  });
  return { lanes: [...lanewise, undefined, undefined], wholeOnly: true };
}

export const chunksOf: {
  lanes(name: Name): Chunks;
  saturating(name: "add" | "sub", signed: boolean): Chunks;
} = { lanes, saturating };

/** Does the operation, and returns from the function, if it can be done so. */
export function inChunks(
  f: FunctionBuilder,
  { vd, vs1, vs2, vm }: Word,
  second: Second,
  sew: I32,
  chunks: Chunks,
  toMask: boolean,
): void {
  const possible = chunks.lanes.reduce((mask, lanewise, i) => mask | (lanewise === undefined ? 0 : 1 << i), 0);
  let suitable = i32.and(i32.ne(vm, ZERO), i32.eqz(loadState(VSTART)));
  if (possible !== 15) suitable = i32.and(suitable, i32.and(i32.shr_u(c32(possible), sew), c32(1)));
  if (chunks.scalarOnly === true) suitable = i32.and(suitable, i32.eqz(second.isVector));
  if (chunks.wholeOnly === true)
    suitable = i32.and(suitable, i32.eqz(i32.and(i32.shl(loadState(VL), sew), c32(VLENB - 1))));
  if (chunks.unless !== undefined) suitable = i32.and(suitable, i32.eqz(chunks.unless()));
  /** What is done for the width that it is. */
  const byWidth = (body: (i: number) => void): void => {
    const from = (i: number): void => {
      if (i === 3) body(i);
      else
        f.if(
          i32.eq(sew, c32(i)),
          () => body(i),
          () => from(i + 1),
        );
    };
    from(0);
  };
  f.if(suitable, () => {
    const size = f.let(i32.shl(loadState(VL), sew));
    const b = f.local("v128");
    const r = f.local("v128");
    const low = i32.wrap(second.scalar);
    // Scalars are extended as the operation wants them: from the top they come down to be spread.
    byWidth((i) => f.set(b, i === 3 ? i64x2.splat(second.scalar) : (LANES[i] as typeof i8x16).splat(low)));
    const at = f.local("i32");
    f.set(at, ZERO);
    f.block((done) =>
      f.loop((again) => {
        f.brIf(done, i32.ge_u(at, size));
        f.if(second.isVector, () => f.set(b, v128.load(i32.add(vs1, at), REGISTERS)));
        const a = f.let(v128.load(i32.add(vs2, at), REGISTERS));
        const mask = f.local("i32");
        byWidth((i) => {
          const lanewise = chunks.lanes[i];
          if (lanewise === undefined) return;
          const result = lanewise(f, a, b);
          if (!toMask) f.set(r, result);
          else f.set(mask, (LANES[i] as typeof i8x16).bitmask(result));
        });
        const rest = f.let(i32.sub(size, at));
        if (toMask) {
          // So many lanes from lane at >> sew are bits of one byte, or of two.
          const lane = f.let(i32.shr_u(at, sew));
          const where = f.let(i32.add(vd, i32.shr_u(lane, c32(3))));
          const place = f.let(i32.and(lane, c32(7)));
          const count = f.let(i32.shr_u(select(i32.lt_u(rest, c32(16)), rest, c32(16)), sew));
          const valid = f.let(i32.shl(i32.sub(i32.shl(c32(1), count), c32(1)), place));
          const kept = i32.and(i32.load16_u(where, REGISTERS), i32.xor(valid, c32(-1)));
          f.exec(i32.store16(where, i32.or(kept, i32.and(i32.shl(mask, place), valid)), REGISTERS));
        } else {
          const to = f.let(i32.add(vd, at));
          f.if(i32.lt_u(rest, c32(16)), () => {
            const inside = i8x16.gt_s(i8x16.splat(rest), IOTA);
            f.set(r, bits.select(r, v128.load(to, REGISTERS), inside));
          });
          f.exec(v128.store(to, r, REGISTERS));
        }
        f.set(at, i32.add(at, c32(16)));
        f.br(again);
      }),
    );
    f.return(DONE);
  });
}
