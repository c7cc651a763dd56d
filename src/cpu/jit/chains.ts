/**
 * Which results need no test for NaNs, because another that is computed from them has one.
 *
 * Sums, products, quotients and roots of NaNs are NaNs. So a result that one of the next few instructions computes with is not
 * tested: if it was a NaN, that one's result is, and the region is left with the state before the first of the two. For
 * that, whatever is written in between is kept as it was: values that V8 has anyway until then, if they are few.
 *
 * In between may be what changes nothing but vector registers.
 */
import type { BlockFlow } from "./flow.ts";
import type { InstructionSet } from "./instruction.ts";
import type { Block } from "./region.ts";
import { bit, members } from "./state.ts";

/** Arithmetic on single numbers. Registers by their numbers in the state. */
export interface Scalar {
  readonly bytes: 4 | 8;
  readonly to: number;
  readonly from: readonly number[];
}

/** How far a test may be from the result that needs it, how long it may all take together, and how many registers are kept. */
const MAX_DISTANCE = 5;
const MAX_LENGTH = 8;
const MAX_KEPT = 4;

/** For each instruction of a block whose result is not tested the one that is. */
export function testedBy(set: InstructionSet, block: Block, { effects, accesses }: BlockFlow): (number | undefined)[] {
  const { instructions } = block;
  const none = instructions.map(() => undefined);
  if (set.scalarOf === undefined) return none;
  const scalars = instructions.map((instruction) => set.scalarOf?.(instruction));
  return instructions.map((_, n) => {
    const scalar = scalars[n];
    if (scalar === undefined) return undefined;
    for (let next = n + 1; next < instructions.length && next <= n + MAX_DISTANCE; next++) {
      const other = instructions[next];
      const e = effects[next];
      if (other === undefined || e === undefined || set.isMove?.(other) !== true) return undefined;
      if (e.trapsAfter || e.endsEarly || e.loops || accesses[next]?.some(({ write }) => write)) return undefined;
      const found = scalars[next];
      if (found !== undefined && found.bytes === scalar.bytes && found.from.includes(scalar.to)) return next;
      if ((e.writes & bit(scalar.to)) !== 0n) return undefined;
    }
    return undefined;
  });
}

/** Some instructions in a row that are left, if they are, with the state before the first of them. */
export class Chain {
  readonly start: number;
  #end: number;
  readonly #kept = new Map<number, () => void>();

  constructor(start: number, end: number) {
    this.start = start;
    this.#end = end;
  }
  /** Whether another result can go without a test. */
  extend(n: number, end: number): boolean {
    if (end - this.start >= MAX_LENGTH || this.#kept.size >= MAX_KEPT) return false;
    this.#end = Math.max(this.#end, end, n);
    return true;
  }
  endsBefore(n: number): boolean {
    return n > this.#end;
  }
  /** Keeps what an instruction is about to write. */
  keep(writes: bigint, keep: (n: number, place: number) => () => void): void {
    for (const n of members(writes)) if (!this.#kept.has(n)) this.#kept.set(n, keep(n, this.#kept.size));
  }
  restore(): void {
    for (const restore of this.#kept.values()) restore();
  }
}
