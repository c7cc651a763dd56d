/** Which flag-setting instruction was the last before each block, where all ways to it agree. */
import { ccOp, keepsCarry } from "../isa/x86_64/flags.ts";
import { FlagKind } from "../isa/x86_64/sem.ts";
import type { Block, Region } from "./region.ts";
import type { KnownFlags } from "./region-sem.ts";
import { bit, FLAGS } from "./state.ts";

/** Not visited yet. */
type Fact = KnownFlags | undefined | "any";

export function flagsAtEntries(region: Region, successors: readonly (readonly number[])[]): (KnownFlags | undefined)[] {
  const facts: Fact[] = region.blocks.map(() => "any");
  facts[0] = undefined;
  for (let changed = true; changed; ) {
    changed = false;
    region.blocks.forEach((block, i) => {
      const before = facts[i];
      if (before === "any") return;
      const after = through(block, before);
      for (const s of successors[i] as number[]) {
        const merged = meet(facts[s], after);
        if (merged !== facts[s]) {
          facts[s] = merged;
          changed = true;
        }
      }
    });
  }
  return facts.map((fact) => (fact === "any" ? undefined : fact));
}

function meet(a: Fact, b: KnownFlags | undefined): Fact {
  if (a === "any") return b;
  if (a === undefined || b === undefined) return undefined;
  return a.op === b.op && a.previous === b.previous ? a : undefined;
}

function through(block: Block, before: KnownFlags | undefined): KnownFlags | undefined {
  if (block.calls) return undefined;
  let known = before;
  for (const { effects } of block.steps) {
    if ((effects.writes & bit(FLAGS)) === 0n) continue;
    const { flags } = effects;
    if (flags !== undefined && keepsCarry((flags.op >> 2) as FlagKind))
      known = { op: flags.op, previous: carriedBy(known) };
    else known = flags;
  }
  return known;
}

/** CC_PREVIOUS after an inc or dec. */
export function carriedBy(before: KnownFlags | undefined): number {
  if (before === undefined) return -1;
  return isStep(before.op) ? before.previous : before.op;
}

const FIRST_STEP = ccOp(FlagKind.Inc, 1);
/** CC_OP of an inc or dec. */
export const isStep = (op: number): boolean => op >= FIRST_STEP && op <= FIRST_STEP + 7;
