/**
 * Loops that walk through memory, without a look at the page table each time around.
 *
 * Of a loop that is one block it is often known by how much each address changes from one turn to the next: registers that
 * have something constant added, and sums of two such. After a few turns it is worked out how many more there can be before an
 * address leaves the page it is in (and the next one, if the first one's byte says that it allows the same). For so many
 * turns runs a second copy of the loop, whose accesses are not checked. Then, or if there is no room, comes a turn of the
 * first copy, which finds out what is on the next page.
 *
 * What pages allow does not change inside of translated code, and there are no calls in such a loop. The number of turns is a
 * limit of the fuel, which is counted anyway: so it costs nothing, and both copies use the same fuel.
 */

import { PAGE_SHIFT, PAGE_SIZE, PAGE_TABLE, PageBits } from "../../mm/layout.ts";
import { LOOP_LIMIT } from "../interp/layout.ts";
import { type I32, type I64, i32, i64, type Origin, select } from "../wasm/expr.ts";
import type { FunctionBuilder, Label, Local } from "../wasm/module.ts";
import type { BlockFlow } from "./flow.ts";
import type { Block } from "./region.ts";
import type { State } from "./state.ts";
import type { Symbols } from "./symbols.ts";

/** Longer ones are not worth a second copy, nor are those that leave a page after a few turns. */
const MAX_INSTRUCTIONS = 40;
const MAX_STRIDE = 512;
const MAX_BYTES = 1024;
/** So many turns seem to show that a loop goes on. */
const TURNS = 12;

/** Bytes around base + (index << scale), which changes by `stride` with each turn. */
export interface Walk {
  readonly base: number | undefined;
  readonly index: number | undefined;
  readonly scale: number;
  readonly stride: number;
  low: number;
  high: number;
  write: boolean;
}

/** Whether a block may be such a loop, by what it looks like. */
export function isShortLoop({ start, flow, successors, instructions }: Block): boolean {
  return flow === "branch" && successors.includes(start) && instructions.length <= MAX_INSTRUCTIONS;
}

/** The blocks that such loops lead on to: being there twice, they do so twice. */
export function behindLoops(blocks: readonly Block[], successors: readonly (readonly number[])[]): number[] {
  return blocks.flatMap((block, i) => (isShortLoop(block) ? (successors[i] as number[]).filter((s) => s !== i) : []));
}

/** What a loop of one block accesses, as far as it is known how that changes. */
export function walksOf({ effects, accesses, spans, ends, sums, offsets }: BlockFlow): readonly Walk[] {
  if (effects.some((e) => e.loops || e.endsEarly || e.trapsAfter)) return [];
  /** By how much a register changes. */
  const stepOf = (register: number): number | undefined => {
    const end = ends[register];
    return end?.name === register ? end.plus : undefined;
  };
  const walks = new Map<number, Walk | undefined>();
  const walkOf = (name: number): Walk | undefined => {
    if (walks.has(name)) return walks.get(name);
    const { base, index, scale } = sums.get(name) ?? { base: name, index: undefined, scale: 0 };
    const step = base === -1 ? 0 : stepOf(base);
    const more = index === undefined ? 0 : stepOf(index);
    let walk: Walk | undefined;
    // What is known to be in the frame needs no check.
    if (step !== undefined && more !== undefined && (index !== undefined || offsets[base] === undefined)) {
      const stride = step + more * 2 ** scale;
      const from = base === -1 ? undefined : base;
      if (Math.abs(stride) <= MAX_STRIDE)
        walk = {
          base: from,
          index,
          scale,
          stride,
          low: Number.POSITIVE_INFINITY,
          high: Number.NEGATIVE_INFINITY,
          write: false,
        };
    }
    walks.set(name, walk);
    return walk;
  };
  accesses.forEach((list, n) => {
    list.forEach(({ origin }, i) => {
      const span = spans[n]?.[i];
      const walk = origin && walkOf(origin.name);
      if (origin === undefined || walk === undefined || span === undefined) return;
      walk.low = Math.min(walk.low, origin.plus + span.low);
      walk.high = Math.max(walk.high, origin.plus + span.high);
      walk.write ||= span.write;
    });
  });
  return [...walks.values()].filter((w): w is Walk => w !== undefined && w.high - w.low <= MAX_BYTES);
}

/** In the second copy all of it is checked. */
export function assume(symbols: Symbols, walks: readonly Walk[]): void {
  for (const { base, index, scale, low, high, write } of walks) {
    const from: Origin = base === undefined ? { name: -1, plus: 0 } : symbols.register(base);
    const origin = index === undefined ? from : symbols.sum(from, symbols.register(index), scale);
    symbols.check(origin, low, high, write);
  }
}

/** Whether enough turns were made since `fuel` was what it was at the start. */
export function goesOn(fuel: I32, start: I32): I32 {
  return i32.le_s(fuel, i32.sub(start, i32.const(TURNS)));
}

/** Sets what the fuel is to be when the second copy ends; branches to `none` if there is no room for a turn. */
export function limit(
  f: FunctionBuilder,
  state: State,
  walks: readonly Walk[],
  fuel: I32,
  to: Local<"i32">,
  none: Label,
): void {
  f.set(to, i32.const(-1));
  for (const { base, index, scale, stride, low, high, write } of walks) {
    let at: I64 = i64.const(low);
    if (base !== undefined) at = i64.add(state.gpr(base), at);
    if (index !== undefined) at = i64.add(at, i64.shl(state.gpr(index), i64.const(scale)));
    const address = f.let(at);
    f.brIf(none, i32.wrap(i64.shr_u(address, i64.const(32))));
    const first = f.let(i32.wrap(address));
    const bits = f.let(i32.load8_u(i32.shr_u(first, i32.const(PAGE_SHIFT)), PAGE_TABLE));
    f.brIf(none, i32.eqz(i32.and(bits, i32.const(write ? PageBits.Write : PageBits.Read))));
    const on = i32.and(bits, i32.const(write ? PageBits.WriteOn : PageBits.ReadOn));
    const within = f.let(i32.and(first, i32.const(PAGE_SIZE - 1)));
    const size = select(on, i32.const(2 * PAGE_SIZE - (high - low)), i32.const(PAGE_SIZE - (high - low)));
    const space = f.let(i32.sub(size, within));
    f.brIf(none, i32.lt_s(space, i32.const(0)));
    if (stride === 0) continue;
    const turns = i32.div_u(stride > 0 ? space : within, i32.const(Math.abs(stride)));
    const end = f.let(i32.sub(i32.sub(fuel, i32.const(1)), turns));
    f.set(to, select(i32.gt_s(end, to), end, to));
  }
  // V8 computes what is used in a loop there, each time around, if the loop may be left before. What it has loaded it keeps.
  f.exec(i32.store(i32.const(0), to, LOOP_LIMIT));
  f.set(to, i32.load(i32.const(0), LOOP_LIMIT));
}
