/**
 * The part of a guest's code that is translated as one: what can be reached from an address without an indirect jump, a
 * return or a call's inside, up to a size. Calls are made from within it and it goes on behind them.
 */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { GUEST_LIMIT, PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import { FunctionBuilder, ModuleBuilder } from "../wasm/module.ts";
import type { Instruction, InstructionSet } from "./instruction.ts";
import { type Effects, type Exits, RegionSem } from "./region-sem.ts";
import { State } from "./state.ts";

/** An instruction of a region with what it does. */
export interface Step {
  readonly instruction: Instruction;
  readonly effects: Effects;
  /** The interpreter executes it: there is no definition, or one that looks at registers in the context. */
  readonly interpreted: boolean;
}

export interface Block {
  readonly start: number;
  readonly steps: readonly Step[];
  /** Guest addresses that follow in the same region, in no order. */
  readonly successors: readonly number[];
  /** Ends with a call, and goes on behind it. */
  readonly calls: boolean;
}

export interface Region {
  readonly entry: number;
  /** The entry first. */
  readonly blocks: readonly Block[];
  readonly instructions: number;
  /** Guest addresses that it calls directly. */
  readonly callees: readonly number[];
  /** The bytes it was made from: runs of start and end, ascending. */
  readonly ranges: readonly (readonly [number, number])[];
}

export interface RegionLimits {
  readonly instructions: number;
  /** Whether code at a branch target is worth translating. */
  readonly follow?: (target: number) => boolean;
}

/** These keep vector registers or MXCSR in the context, where translated code has them not. */
const INTERPRETED =
  /^(v?ldmxcsr|fxsave|fxsave64|fxrstor|fxrstor64|xsave\w*|xrstor\w*|cpuid|enter|mov_to_segment|mov_from_segment|privileged|ud2)$/;
const ENDS: ReadonlySet<string> = new Set(["jmp", "ret", "retn"]);

const NO_EXITS: Exits = { side() {}, trapAfter() {}, direct() {}, indirect() {}, done() {} };

export class RegionFinder {
  readonly #set: InstructionSet;
  readonly #memory: GuestMemory;

  constructor(set: InstructionSet, memory: GuestMemory) {
    this.#set = set;
    this.#memory = memory;
  }

  /** The region of an address; undefined where nothing can be translated. */
  find(entry: number, limits: RegionLimits): Region | undefined {
    const steps = new Map<number, Step>();
    const leaders = new Set<number>([entry]);
    const work = [entry];
    const scratch = new State(new FunctionBuilder(new ModuleBuilder(), []));
    // Breadth first, so that a limit cuts what is far away.
    for (let from = work.shift(); from !== undefined; from = work.shift()) {
      for (let rip = from; !steps.has(rip) && steps.size < limits.instructions; ) {
        const step = this.#step(rip, scratch);
        if (step === undefined) break;
        steps.set(rip, step);
        const next = rip + step.instruction.length;
        if (step.interpreted || step.effects.trapsAfter) break;
        const isCall = step.instruction.mnemonic === "call";
        if (!isCall)
          for (const target of step.effects.jumps) {
            if (!isNear(target) || !(limits.follow?.(target) ?? true)) continue;
            leaders.add(target);
            work.push(target);
          }
        if (isCall || step.effects.jumps.length > 0) leaders.add(next);
        if (ENDS.has(step.instruction.mnemonic)) break;
        rip = next;
      }
    }
    const first = steps.get(entry);
    if (first === undefined || first.interpreted) return undefined;
    return assemble(entry, steps, leaders);
  }

  #step(rip: number, scratch: State): Step | undefined {
    const { pages, u8, view } = this.#memory;
    const executable = (at: number): boolean => ((pages[at >>> PAGE_SHIFT] as number) & PageBits.Exec) !== 0;
    if (rip + 32 >= GUEST_LIMIT || !executable(rip)) return undefined;
    const instruction = this.#set.decode(u8, view, rip);
    if (instruction === undefined || !executable(rip + instruction.length - 1)) return undefined;
    if (INTERPRETED.test(instruction.mnemonic))
      return {
        instruction,
        effects: new RegionSem(scratch, instruction, this.#set.flags, undefined, NO_EXITS).effects,
        interpreted: true,
      };
    const sem = new RegionSem(scratch, instruction, this.#set.flags, undefined, NO_EXITS);
    const { loops } = scratch.f;
    scratch.f.scope(() => sem.run());
    if (scratch.f.loops !== loops) sem.effects.exitWrites |= sem.effects.writes;
    return { instruction, effects: sem.effects, interpreted: false };
  }
}

export function isNear(target: number): boolean {
  return target > 0 && target < GUEST_LIMIT;
}

function assemble(entry: number, steps: ReadonlyMap<number, Step>, leaders: ReadonlySet<number>): Region {
  const starts = [entry, ...[...leaders].filter((rip) => rip !== entry && steps.has(rip)).sort((a, b) => a - b)];
  const blocks: Block[] = [];
  const callees = new Set<number>();
  for (const start of starts) {
    const list: Step[] = [];
    let rip = start;
    for (;;) {
      const step = steps.get(rip);
      if (step === undefined) break;
      list.push(step);
      rip += step.instruction.length;
      if (endsBlock(step) || leaders.has(rip)) break;
    }
    const last = list[list.length - 1] as Step;
    const calls = last.instruction.mnemonic === "call" && !last.interpreted;
    if (calls) for (const target of last.effects.jumps) callees.add(target);
    const targets = calls ? [] : last.effects.jumps;
    const after = last.interpreted || last.effects.trapsAfter || ENDS.has(last.instruction.mnemonic) ? [] : [rip];
    const successors = [...new Set([...targets, ...after])].filter((t) => leaders.has(t) && steps.has(t));
    blocks.push({ start, steps: list, successors, calls });
  }
  return {
    entry,
    blocks,
    instructions: steps.size,
    callees: [...callees],
    ranges: rangesOf([...steps.values()].map((s) => s.instruction)),
  };
}

function endsBlock({ instruction, effects, interpreted }: Step): boolean {
  return (
    interpreted ||
    effects.trapsAfter ||
    effects.indirect ||
    effects.jumps.length > 0 ||
    instruction.mnemonic === "call" ||
    ENDS.has(instruction.mnemonic)
  );
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
