/**
 * The part of a guest's code that is translated as one: what can be reached from an address without an indirect jump, a
 * return or a call's inside, up to a size. Calls are made from within it and it goes on behind them.
 *
 * Of small functions, whose call would cost more than they do, the inside belongs to the region as well, once for each call.
 * So a block is not at an address, but at a *place*: an address in a context, which is the root or one of the calls. The call
 * is a push and a jump then, and the return a jump to the place behind the call, if that is where it leads.
 */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { GUEST_LIMIT, PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import type { Instruction, InstructionSet } from "./instruction.ts";

/** An address in a context: the address, plus 2 ** 32 times the number of the context, 0 for the root. */
export type Place = number;
const CONTEXT = 2 ** 32;
export function addressOf(place: Place): number {
  return place % CONTEXT;
}
/** An address in the context of a place. */
export function besides(place: Place, rip: number): Place {
  return place - (place % CONTEXT) + rip;
}

export interface Block {
  readonly start: Place;
  readonly instructions: readonly Instruction[];
  /** What follows in the same region, in no order. */
  readonly successors: readonly Place[];
  /** How it ends, and what is behind it: behind the call, if it is a return. */
  readonly flow: Flow;
  readonly next: Place;
  /** Where a computed call or jump at its end is expected to lead: places of the region if it is guarded, else addresses. */
  readonly expected: readonly Place[];
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
  /** Where a computed call or jump at an address is expected to lead, mostly: one or two places. */
  readonly expected?: (rip: number) => readonly number[];
}

/** Stands for the address of the dispatching block. */
export const DISPATCH = -1;

/** A place for the call that is made if a guarded one does not lead where it was expected to. */
const otherwise = (n: number): Place => DISPATCH - 1 - n;

/** How the control flow goes on after an instruction. */
export type Flow =
  | "next"
  /** To its target or, but for jmp, to the next. */
  | "branch"
  | "jump"
  | "call"
  /** A call whose inside is in the region; a return from there. */
  | "inlined"
  | "return"
  /** A computed call or jump that leads to a place of the region, if it is the one expected. */
  | "guarded"
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
    const found = new Map<Place, Found>();
    const leaders = new Set<Place>([entry]);
    const work: Place[] = [entry];
    const targets = new Set<number>();
    const contexts: Context[] = [{ function: entry, depth: 0 }];
    const small = new Map<number, number>();
    let inlined = 0;
    const lead = (place: Place): void => {
      leaders.add(place);
      work.push(place);
    };
    /** The place of a callee's inside, if it is to be in the region. */
    const inside = (place: Place, callee: number, next: number): Place | undefined => {
      const outer = contexts[Math.floor(place / CONTEXT)] as Context;
      if (outer.depth === MAX_INLINED_DEPTH || repeated(outer, callee) > 1) return undefined;
      let size = small.get(callee);
      if (size === undefined) small.set(callee, (size = this.#sizeOfSmall(callee, limits)));
      if (size === 0 || inlined + size > MAX_INLINED || found.size + size > limits.instructions) return undefined;
      inlined += size;
      contexts.push({ function: callee, depth: outer.depth + 1, outer, next: besides(place, next) });
      return (contexts.length - 1) * CONTEXT + callee;
    };
    // Breadth first, so that a limit cuts what is far away.
    for (let from = work.shift(); from !== undefined; from = work.shift()) {
      for (let place = from; !found.has(place) && found.size < limits.instructions; ) {
        const rip = addressOf(place);
        const { next: behind } = contexts[Math.floor(place / CONTEXT)] as Context;
        const instruction = this.#decode(rip);
        if (instruction === undefined) break;
        const next = place + instruction.length;
        let { flow } = instruction;
        let to = next;
        const { target } = instruction;
        let expected: readonly Place[] = isComputed(instruction) ? (limits.expected?.(rip) ?? []) : [];
        if (flow === "call" && instruction.isDirect) {
          const callee = inside(place, target, addressOf(next));
          if (callee !== undefined) {
            flow = "inlined";
            to = callee;
            lead(callee);
          }
        } else if (behind !== undefined && instruction.isReturn) {
          flow = "return";
          to = behind;
          lead(behind);
        } else if (flow === "call") {
          const places = expected.map((callee) => inside(place, callee, addressOf(next)));
          const known = places.filter((p) => p !== undefined);
          if (known.length > 0) {
            flow = "guarded";
            expected = known;
            for (const callee of known) lead(callee);
          }
        } else if (expected.length > 0 && (limits.targets?.(rip) ?? []).length === 0) {
          const known = expected.filter((to) => limits.follow?.(to) ?? true).map((to) => besides(place, to));
          if (known.length > 0) {
            flow = "guarded";
            expected = known;
            for (const to of known) lead(to);
          }
        }
        found.set(place, { instruction, flow, to, expected });
        if ((flow === "branch" || flow === "jump") && (limits.follow?.(target) ?? true)) lead(besides(place, target));
        if (isComputedJump(instruction))
          for (const seen of limits.targets?.(rip) ?? []) {
            targets.add(seen);
            lead(seen);
          }
        const isCall = flow === "call" || (flow === "guarded" && instruction.flow === "call");
        if (flow === "branch" || isCall) leaders.add(next);
        if (!fallsThrough(flow) && !isCall) break;
        if (place < CONTEXT && limits.stops?.(next) === true && next !== entry) break;
        place = next;
      }
    }
    const first = found.get(entry);
    if (first === undefined || first.flow === "interpreted") return undefined;
    const dispatched = [...targets].filter((t) => found.has(t));
    return assemble(entry, found, leaders, dispatched);
  }

  /** How many instructions a function has that is worth having wherever it is called: 0 if there are too many, or others than most have. */
  #sizeOfSmall(entry: number, { follow, expected }: RegionLimits): number {
    const seen = new Set<number>();
    const work = [entry];
    let returns = false;
    for (let from = work.pop(); from !== undefined; from = work.pop())
      for (let rip = from; !seen.has(rip); ) {
        const instruction = this.#decode(rip);
        if (instruction === undefined || seen.size === MAX_SMALL) return 0;
        seen.add(rip);
        const { flow, isReturn } = instruction;
        if (isReturn) returns = true;
        else if (flow === "computed") {
          // As where a program calls a library.
          const to = expected?.(rip) ?? [];
          if (to.length === 0) return 0;
          work.push(...to);
        } else if (flow === "trap" || flow === "interpreted") return 0;
        if ((flow === "branch" || flow === "jump") && (follow?.(instruction.target) ?? true))
          work.push(instruction.target);
        if (!fallsThrough(flow)) break;
        rip += instruction.length;
      }
    return returns ? seen.size : 0;
  }

  #decode(rip: number): Instruction | undefined {
    const { pages, u8, view } = this.#memory;
    const executable = (at: number): boolean => ((pages[at >>> PAGE_SHIFT] as number) & PageBits.Exec) !== 0;
    if (rip + 32 >= GUEST_LIMIT || !executable(rip)) return undefined;
    const instruction = this.#set.decode(u8, view, rip);
    return instruction !== undefined && executable(rip + instruction.length - 1) ? instruction : undefined;
  }
}

interface Found {
  readonly instruction: Instruction;
  readonly flow: Flow;
  /** What is behind the instruction: the callee's inside or what is behind the call, if that is how it goes on. */
  readonly to: Place;
  readonly expected: readonly Place[];
}

/** A call whose inside is in the region, or the root. */
interface Context {
  readonly function: number;
  readonly depth: number;
  readonly outer?: Context;
  /** Where its returns lead. */
  readonly next?: Place;
}

/** How often a function is around. */
function repeated(context: Context | undefined, callee: number): number {
  if (context === undefined) return 0;
  return repeated(context.outer, callee) + (context.function === callee ? 1 : 0);
}

/** Instructions of a function that becomes part of its callers, of all such in a region, and how deep they may nest. */
const MAX_SMALL = 60;
const MAX_INLINED = 400;
const MAX_INLINED_DEPTH = 4;

function fallsThrough(flow: Flow): boolean {
  return flow === "next" || flow === "branch" || flow === "call";
}

export function isNear(target: number): boolean {
  return target > 0 && target < GUEST_LIMIT;
}

function isComputedJump({ flow, isReturn }: Instruction): boolean {
  return flow === "computed" && !isReturn;
}
function isComputed(instruction: Instruction): boolean {
  return isComputedJump(instruction) || (instruction.flow === "call" && !instruction.isDirect);
}

const NO_CODE = { instructions: [], expected: [] } as const;

function assemble(
  entry: number,
  found: ReadonlyMap<Place, Found>,
  leaders: ReadonlySet<Place>,
  dispatched: readonly number[],
): Region {
  const starts = [entry, ...[...leaders].filter((at) => at !== entry && found.has(at)).sort((a, b) => a - b)];
  const blocks: Block[] = [];
  const callees = new Set<number>();
  const computed: number[] = [];
  const others: Block[] = [];
  for (const start of starts) {
    const instructions: Instruction[] = [];
    let place = start;
    let flow: Flow = "next";
    let expected: readonly Place[] = [];
    do {
      const at = found.get(place);
      if (at === undefined) break;
      expected = at.expected;
      instructions.push(at.instruction);
      place = at.to;
      flow = at.flow;
    } while (flow === "next" && !leaders.has(place));
    const last = instructions[instructions.length - 1] as Instruction;
    const target = besides(start, last.target);
    const jumps = isComputedJump(last);
    if (jumps) computed.push(last.rip);
    if (flow === "call" && last.isDirect) callees.add(last.target);
    else if (flow === "call") for (const callee of expected) callees.add(callee);
    const after = fallsThrough(flow) || flow === "inlined" || flow === "return" ? [place] : [];
    const targets = flow === "branch" || flow === "jump" ? [target] : [];
    const inside = [...new Set([...targets, ...after])].filter((t) => leaders.has(t) && found.has(t));
    let successors = jumps && dispatched.length > 0 ? [DISPATCH] : inside;
    if (flow === "guarded") {
      successors = expected.filter((at) => found.has(at));
      if (!jumps) {
        const other = otherwise(others.length);
        others.push({
          ...NO_CODE,
          start: other,
          flow: "call",
          next: place,
          successors: found.has(place) ? [place] : [],
        });
        successors.push(other);
      }
    }
    blocks.push({ start, instructions, flow, next: place, successors, expected });
  }
  blocks.push(...others);
  if (dispatched.length > 0)
    blocks.push({ ...NO_CODE, start: DISPATCH, flow: "dispatch", next: 0, successors: dispatched });
  return {
    entry,
    blocks,
    instructions: found.size,
    jumps: computed,
    targets: dispatched,
    callees: [...callees],
    ranges: rangesOf([...found.values()].map(({ instruction }) => instruction)),
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
