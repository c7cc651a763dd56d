/**
 * The part of a guest's code that is translated as one: what can be reached from an address without an indirect jump, a
 * return or a call's inside, up to a size. Calls are made from within it and it goes on behind them.
 */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { GUEST_LIMIT, PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import type { Instruction, InstructionSet } from "./instruction.ts";

export interface Block {
  readonly start: number;
  readonly instructions: readonly Instruction[];
  /** Guest addresses that follow in the same region, in no order. */
  readonly successors: readonly number[];
  /** How it ends, and the address behind it. */
  readonly flow: Flow;
  readonly next: number;
}

export interface Region {
  readonly entry: number;
  /** The entry first. */
  readonly blocks: readonly Block[];
  readonly instructions: number;
  /** The computed jumps in it, calls and returns aside, and where those of which that is known lead. */
  readonly jumps: readonly number[];
  readonly targets: readonly number[];
  /** Guest addresses that it calls directly. */
  readonly callees: readonly number[];
  /** The bytes it was made from: runs of start and end, ascending. */
  readonly ranges: readonly (readonly [number, number])[];
}

export interface RegionLimits {
  readonly instructions: number;
  /** Whether code at a branch target is worth translating. */
  readonly follow?: (target: number) => boolean;
  /** Whether the region ends before an address. */
  readonly stops?: (rip: number) => boolean;
  /** Where a computed jump at an address was seen to lead. */
  readonly targets?: (rip: number) => readonly number[];
}

/** Stands for the address of the dispatching block. */
export const DISPATCH = -1;

/** How the control flow goes on after an instruction. */
export type Flow =
  | "next"
  /** To its target or, but for jmp, to the next. */
  | "branch"
  | "jump"
  | "call"
  /** To an address that is computed, the one on the stack among them. */
  | "computed"
  /** No code of the guest's: from a computed jump to where such jumps were seen to lead. */
  | "dispatch"
  /** To the kernel. */
  | "trap"
  /** The interpreter executes it: there is no definition that translated code could use. */
  | "interpreted";

export class RegionFinder {
  readonly #set: InstructionSet;
  readonly #memory: GuestMemory;

  constructor(set: InstructionSet, memory: GuestMemory) {
    this.#set = set;
    this.#memory = memory;
  }

  /** The region of an address; undefined where nothing can be translated. */
  find(entry: number, limits: RegionLimits): Region | undefined {
    const found = new Map<number, Instruction>();
    const leaders = new Set<number>([entry]);
    const work = [entry];
    const targets = new Set<number>();
    // Breadth first, so that a limit cuts what is far away.
    for (let from = work.shift(); from !== undefined; from = work.shift()) {
      for (let rip = from; !found.has(rip) && found.size < limits.instructions; ) {
        const instruction = this.#decode(rip);
        if (instruction === undefined) break;
        found.set(rip, instruction);
        const next = rip + instruction.length;
        const { flow } = instruction;
        if (flow === "branch" || flow === "jump") {
          const { target } = instruction;
          if (limits.follow?.(target) ?? true) {
            leaders.add(target);
            work.push(target);
          }
        }
        if (isComputedJump(instruction))
          for (const target of limits.targets?.(rip) ?? []) {
            targets.add(target);
            leaders.add(target);
            work.push(target);
          }
        if (flow === "branch" || flow === "call") leaders.add(next);
        if (!fallsThrough(flow)) break;
        if (limits.stops?.(next) === true && next !== entry) break;
        rip = next;
      }
    }
    const first = found.get(entry);
    if (first === undefined || first.flow === "interpreted") return undefined;
    return assemble(
      entry,
      found,
      leaders,
      [...targets].filter((t) => found.has(t)),
    );
  }

  #decode(rip: number): Instruction | undefined {
    const { pages, u8, view } = this.#memory;
    const executable = (at: number): boolean => ((pages[at >>> PAGE_SHIFT] as number) & PageBits.Exec) !== 0;
    if (rip + 32 >= GUEST_LIMIT || !executable(rip)) return undefined;
    const instruction = this.#set.decode(u8, view, rip);
    return instruction !== undefined && executable(rip + instruction.length - 1) ? instruction : undefined;
  }
}

function fallsThrough(flow: Flow): boolean {
  return flow === "next" || flow === "branch" || flow === "call";
}

export function isNear(target: number): boolean {
  return target > 0 && target < GUEST_LIMIT;
}

function isComputedJump({ flow, isReturn }: Instruction): boolean {
  return flow === "computed" && !isReturn;
}

function assemble(
  entry: number,
  found: ReadonlyMap<number, Instruction>,
  leaders: ReadonlySet<number>,
  dispatched: readonly number[],
): Region {
  const starts = [entry, ...[...leaders].filter((rip) => rip !== entry && found.has(rip)).sort((a, b) => a - b)];
  const blocks: Block[] = [];
  const callees = new Set<number>();
  const computed: number[] = [];
  for (const start of starts) {
    const instructions: Instruction[] = [];
    let rip = start;
    let flow: Flow = "next";
    do {
      const instruction = found.get(rip);
      if (instruction === undefined) break;
      instructions.push(instruction);
      rip += instruction.length;
      flow = instruction.flow;
    } while (flow === "next" && !leaders.has(rip));
    const last = instructions[instructions.length - 1] as Instruction;
    const { target } = last;
    const jumps = isComputedJump(last);
    if (jumps) computed.push(last.rip);
    if (flow === "call" && last.isDirect) callees.add(target);
    const after = fallsThrough(flow) ? [rip] : [];
    const targets = flow === "branch" || flow === "jump" ? [target] : [];
    const inside = [...new Set([...targets, ...after])].filter((t) => leaders.has(t) && found.has(t));
    const successors = jumps && dispatched.length > 0 ? [DISPATCH] : inside;
    blocks.push({ start, instructions, flow, next: rip, successors });
  }
  if (dispatched.length > 0)
    blocks.push({ start: DISPATCH, instructions: [], flow: "dispatch", next: 0, successors: dispatched });
  return {
    entry,
    blocks,
    instructions: found.size,
    jumps: computed,
    targets: dispatched,
    callees: [...callees],
    ranges: rangesOf([...found.values()]),
  };
}

function rangesOf(instructions: readonly Instruction[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const { rip, length } of [...instructions].sort((a, b) => a.rip - b.rip)) {
    const last = ranges[ranges.length - 1];
    if (last !== undefined && rip <= last[1]) last[1] = Math.max(last[1], rip + length);
    else ranges.push([rip, rip + length]);
  }
  return ranges;
}
