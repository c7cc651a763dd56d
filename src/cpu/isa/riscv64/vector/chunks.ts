/**
 * 16 bytes of a group at a time, by wasm's vectors (lanes.ts has the operations). Lanes that are masked off or behind vl keep what
 * they were.
 */
import { type I32, i32, i64, select, shuffle, type V128, v128 } from "../../../wasm/expr.ts";
import type { FunctionBuilder } from "../../../wasm/module.ts";
import { bits, i8x16, i16x8, i32x4, i64x2 } from "../../../wasm/simd.ts";
import { VL, VLENB, VSTART } from "../context.ts";
import { c32, DONE, loadState, REGISTERS, type Second, storeState, type Word, ZERO } from "./kit.ts";

/** What an operation on lanes is done with. */
export interface LaneOperands {
  readonly f: FunctionBuilder;
  readonly a: V128;
  readonly b: V128;
  /** What is in the destination. */
  readonly d: V128;
  /** Leaves this and all that follow to be done one by one, if the condition holds. */
  rather(condition: I32): void;
}
export type Lanewise = (operands: LaneOperands) => V128;

export interface Chunks {
  /** By log2 of SEW / 8: undefined where there is no such operation. */
  readonly lanes: readonly (Lanewise | undefined)[];
  /** Only with a scalar, whose value each lane of b has, as wasm's shifts do. */
  readonly scalarOnly?: true;
  /** Only if all lanes count: it has side effects. */
  readonly wholeOnly?: true;
  /** What is masked off is not what was there, but the first operand. */
  readonly merges?: true;
  /** Not if this is not 0. */
  readonly unless?: () => I32;
}

/** By log2 of SEW / 8. */
const LANES = [i8x16, i16x8, i32x4, i64x2] as const;
/** Each byte its own number. */
const IOTA = v128.const(0x0706_0504_0302_0100n, 0x0f0e_0d0c_0b0a_0908n);
/** In each lane the bit of the mask that is its own, by log2 of SEW / 8. */
const OWN_BITS: readonly V128[] = [
  v128.const(0x8040_2010_0804_0201n, 0x8040_2010_0804_0201n),
  v128.const(0x0008_0004_0002_0001n, 0x0080_0040_0020_0010n),
  v128.const(0x0000_0002_0000_0001n, 0x0000_0008_0000_0004n),
  v128.const(1n, 2n),
];

/** Lanes of ones where the mask has a 1. @param word bits of the mask, from the first lane's on */
export function spread(word: I32, i: number): V128 {
  const own = OWN_BITS[i] as V128;
  let everywhere: V128;
  if (i === 0) {
    // The low byte to the lower half, the high one to the other.
    const both = i16x8.splat(word);
    everywhere = shuffle(both, both, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
  } else everywhere = i === 3 ? i64x2.splat(i64.extend_i32_u(word)) : (LANES[i] as typeof i16x8).splat(word);
  return (LANES[i] as typeof i8x16).eq(bits.and(everywhere, own), own);
}

/** Does the operation, and returns from the function, if it can be done so; what is left to be done begins at vstart. */
export function inChunks(
  f: FunctionBuilder,
  { vd, vs1, vs2, vm }: Word,
  second: Second,
  sew: I32,
  chunks: Chunks,
  toMask: boolean,
): void {
  const possible = chunks.lanes.reduce((mask, lanewise, i) => mask | (lanewise === undefined ? 0 : 1 << i), 0);
  let suitable = i32.eqz(loadState(VSTART));
  const needs = (condition: I32): void => {
    suitable = i32.and(suitable, condition);
  };
  if (possible !== 15) needs(i32.and(i32.shr_u(c32(possible), sew), c32(1)));
  if (chunks.scalarOnly === true) needs(i32.eqz(second.isVector));
  if (chunks.wholeOnly === true) {
    needs(i32.ne(vm, ZERO));
    needs(i32.eqz(i32.and(i32.shl(loadState(VL), sew), c32(VLENB - 1))));
  }
  if (chunks.unless !== undefined) needs(i32.eqz(chunks.unless()));
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
  f.block((slow) => {
    f.brIf(slow, i32.eqz(suitable));
    const size = f.let(i32.shl(loadState(VL), sew));
    const b = f.local("v128");
    const r = f.local("v128");
    const low = i32.wrap(second.scalar);
    byWidth((i) => f.set(b, i === 3 ? i64x2.splat(second.scalar) : (LANES[i] as typeof i8x16).splat(low)));
    const at = f.local("i32");
    f.set(at, ZERO);
    f.block((done) =>
      f.loop((again) => {
        f.brIf(done, i32.ge_u(at, size));
        f.if(second.isVector, () => f.set(b, v128.load(i32.add(vs1, at), REGISTERS)));
        const a = f.let(v128.load(i32.add(vs2, at), REGISTERS));
        const to = f.let(i32.add(vd, at));
        const d = f.let(v128.load(to, REGISTERS));
        const lane = f.let(i32.shr_u(at, sew));
        const rather = (condition: I32): void =>
          f.if(condition, () => {
            storeState(f, VSTART, lane);
            f.br(slow);
          });
        const rest = f.let(i32.sub(size, at));
        // The lanes' bits in a mask: so many of one byte, or of two.
        const byte = f.let(i32.shr_u(lane, c32(3)));
        const place = f.let(i32.and(lane, c32(7)));
        const masked = f.let(i32.shr_u(i32.load16_u(byte, REGISTERS), place));
        const mask = f.local("i32");
        byWidth((i) => {
          const lanewise = chunks.lanes[i];
          if (lanewise === undefined) return;
          const result = lanewise({ f, a, b, d, rather });
          if (toMask) {
            f.set(mask, (LANES[i] as typeof i8x16).bitmask(result));
            return;
          }
          f.set(r, result);
          const otherwise = chunks.merges === true ? a : d;
          if (chunks.wholeOnly !== true)
            f.if(i32.eqz(vm), () => f.set(r, bits.select(r, otherwise, spread(masked, i))));
        });
        if (toMask) {
          const where = f.let(i32.add(vd, byte));
          const count = f.let(i32.shr_u(select(i32.lt_u(rest, c32(16)), rest, c32(16)), sew));
          const inside = i32.sub(i32.shl(c32(1), count), c32(1));
          const valid = f.let(i32.shl(i32.and(inside, select(vm, c32(-1), masked)), place));
          const kept = i32.and(i32.load16_u(where, REGISTERS), i32.xor(valid, c32(-1)));
          f.exec(i32.store16(where, i32.or(kept, i32.and(i32.shl(mask, place), valid)), REGISTERS));
        } else {
          if (chunks.wholeOnly !== true)
            f.if(i32.lt_u(rest, c32(16)), () => {
              const inside = i8x16.gt_s(i8x16.splat(rest), IOTA);
              f.set(r, bits.select(r, d, inside));
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
