/**
 * What is in locals where: which parts of the state are changed (and have to be stored by whoever leaves), which are needed
 * (and have to be loaded), and what is known of the flags, at the entry of each block of a region.
 */
import type { Region, Step } from "./region.ts";
import { bit, CAREFUL, type StateSet } from "./state.ts";

export interface BlockFlow {
  /** Changed since the region was entered or the last call, on some path. */
  readonly dirty: StateSet;
  /** The same before each step. */
  readonly dirtyAt: readonly StateSet[];
  /** Needed in locals at the block's start. */
  live: StateSet;
  /** Where the block ends with a call: needed behind it. */
  liveAfterCall: StateSet;
}

export function analyse(region: Region, successors: readonly (readonly number[])[]): BlockFlow[] {
  const { blocks } = region;
  const count = blocks.length;
  const writes = blocks.map((b) => b.steps.reduce((set, s) => set | s.effects.writes, 0n));
  const dirtyIn: StateSet[] = new Array(count).fill(0n);
  for (let changed = true; changed; ) {
    changed = false;
    blocks.forEach((block, i) => {
      const out = block.calls ? 0n : (dirtyIn[i] as StateSet) | (writes[i] as StateSet);
      for (const s of successors[i] as number[]) {
        const merged = (dirtyIn[s] as StateSet) | out;
        if (merged !== dirtyIn[s]) {
          dirtyIn[s] = merged;
          changed = true;
        }
      }
    });
  }
  const flows: BlockFlow[] = blocks.map((block, i) => {
    let dirty = dirtyIn[i] as StateSet;
    const dirtyAt = block.steps.map((step) => {
      const before = dirty;
      dirty |= step.effects.writes;
      return before;
    });
    return { dirty: dirtyIn[i] as StateSet, dirtyAt, live: 0n, liveAfterCall: 0n };
  });
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = count - 1; i >= 0; i--) {
      const flow = flows[i] as BlockFlow;
      const { steps, calls } = blocks[i] as Region["blocks"][number];
      let live = 0n;
      for (const s of successors[i] as number[]) live |= (flows[s] as BlockFlow).live;
      if (calls) {
        flow.liveAfterCall = live;
        live = 0n;
      }
      for (let n = steps.length - 1; n >= 0; n--)
        live = before(steps[n] as Step, flow.dirtyAt[n] as StateSet, live, n === steps.length - 1);
      if (live !== flow.live) {
        flow.live = live;
        changed = true;
      }
    }
  }
  return flows;
}

/** Live before a step, from live after it. */
function before(step: Step, dirty: StateSet, after: StateSet, isLast: boolean): StateSet {
  const { effects } = step;
  let live = after;
  // Whatever ends a block may leave the region with all that is changed.
  if (isLast) live |= dirty | effects.writes;
  live = (live & ~effects.kills) | effects.uses;
  if (effects.exits || step.interpreted) live |= dirty | effects.exitWrites;
  return live;
}

/** The set without what is only read. */
export function storable(set: StateSet): StateSet {
  return set & ~bit(CAREFUL);
}
