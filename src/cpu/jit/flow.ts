/**
 * What the blocks of a region do to the CPU's state, worked out before any is translated:
 *
 * - which parts of the state are changed where (whoever leaves has to store them), and which are needed (and have to be
 *   loaded): dataflow over the region;
 * - what is known of the flags at the entry of each block;
 * - which memory accesses of a block are near each other, so that one check does for all of them.
 */
import type { Origin } from "../wasm/expr.ts";
import { FunctionBuilder, ModuleBuilder } from "../wasm/module.ts";
import type { InstructionSet } from "./instruction.ts";
import { carriedBy, type KnownFlags, keepsCarryOf } from "./known-flags.ts";
import { type Block, besides, DISPATCH, type Region } from "./region.ts";
import type { Access, Effects, Exits, Span } from "./region-sem.ts";
import { bit, CAREFUL, FLAG_KINDS, FLAGS, type State, type StateSet } from "./state.ts";
import type { Structure } from "./structure.ts";
import { type Frame, type Sum, Symbols } from "./symbols.ts";

export interface BlockFlow {
  readonly effects: readonly Effects[];
  /** For each access of each instruction: what is to be checked instead of it alone. */
  spans: readonly (readonly Span[])[];
  /** Changed since the region was entered or the last call, on some path: before the block, before each instruction. */
  dirtyAtEntry: StateSet;
  readonly dirty: StateSet[];
  /** Needed after each instruction. */
  readonly live: StateSet[];
  /** What is stored where an instruction leaves for the interpreter, to be done there. */
  readonly side: StateSet[];
  /** Needed in locals at the block's start, and where the block ends with a call, behind it. */
  entry: StateSet;
  afterCall: StateSet;
  flags: KnownFlags | undefined;
  /** At the block's end, in terms of what the registers held at its start. */
  readonly ends: readonly (Origin | undefined)[];
  /** What it computed as addresses, in the same terms. */
  readonly sums: ReadonlyMap<number, Sum>;
  readonly accesses: readonly (readonly Access[])[];
  /** Of registers at the block's start, and behind its call: what they are beyond rsp at the region's entry, if that is known. */
  offsets: Offsets;
  offsetsAfterCall: Offsets;
}

/** The blocks by number: where each may go on, and how that was structured. */
export interface Graph extends Pick<Structure, "sequence" | "isMerge" | "isLoop" | "edge"> {
  readonly successors: readonly (readonly number[])[];
  /**
   * Blocks on the way to which everything is stored that is changed and not used from there on. In a loop with a hundred
   * branches, as interpreters have, V8 would move all registers of the guest from one place in its frame to another each time.
   */
  readonly settling?: ReadonlySet<number>;
}

/** By general register. */
export type Offsets = readonly (number | undefined)[];

export interface RegionFlow {
  readonly blocks: readonly BlockFlow[];
  /** The bytes around rsp at the entry that the region uses, if it does and there are not too many. */
  readonly frame: Frame | undefined;
}

const NO_EXITS: Exits = { side() {}, rare() {}, trapAfter() {}, direct() {}, indirect() {}, done() {} };

/** What a translation may rely on, for its own part. */
export interface FlowOptions {
  /** The frame may be checked at the entry. */
  readonly framed: boolean;
  readonly lean: boolean;
  /** Whoever is told of a fault sees the flags as the processor has them, though nobody else will ask for them. */
  readonly exact: boolean;
}

export function analyse(set: InstructionSet, region: Region, graph: Graph, options: FlowOptions): RegionFlow {
  const { framed, lean, exact } = options;
  const scratch = set.state(new FunctionBuilder(new ModuleBuilder(), []), lean);
  const flows = region.blocks.map((block) => summarise(set, block, scratch));
  spreadSpans(region, flows, graph, set.registers);
  spreadDirty(region, flows, graph);
  spreadLive(region, flows, graph, exact);
  spreadFlags(region, flows, graph);
  spreadOffsets(set, region, flows, graph);
  return { blocks: flows, frame: framed ? frameOf(flows) : undefined };
}

/** Runs the definitions of a block for what they do. */
function summarise(set: InstructionSet, block: Block, scratch: State): BlockFlow {
  const { f } = scratch;
  const symbols = new Symbols();
  const accesses: Access[][] = [];
  const effects = block.instructions.map((instruction, n) => {
    const sem = set.sem(scratch, instruction, {
      exits: NO_EXITS,
      symbols,
      spans: [],
      known: undefined,
      flagsDead: false,
      flagsWanted: FLAG_KINDS,
      untested: false,
    });
    if (block.flow !== "interpreted" || n < block.instructions.length - 1) {
      const { loops } = f;
      f.scope(() => sem.run());
      // What is changed further down a loop may have been changed when it leaves further up.
      sem.effects.loops = f.loops !== loops;
      if (sem.effects.loops) sem.effects.exitWrites |= sem.effects.writes;
    }
    accesses.push(sem.accesses);
    return sem.effects;
  });
  const none = (): StateSet[] => effects.map(() => 0n);
  return {
    effects,
    spans: [],
    accesses,
    ends: Array.from({ length: set.registers }, (_, n) => symbols.register(n)),
    sums: symbols.sums,
    offsets: [],
    offsetsAfterCall: [],
    dirtyAtEntry: 0n,
    dirty: none(),
    live: none(),
    side: none(),
    entry: 0n,
    afterCall: 0n,
    flags: undefined,
  };
}

/** Accesses that are further apart than this are checked one by one; the same of those in several blocks. */
const MAX_SPAN = 2048;
const MAX_SPAN_BEYOND = 256;

/** Bytes around a value that one check does for. */
interface Group {
  low: number;
  high: number;
  write: boolean;
}
/** By the value's name, in terms of a block's start. */
type Groups = Map<number, Group>;

function groupsOf(accesses: readonly Access[]): Groups {
  const groups: Groups = new Map();
  for (const { origin, bytes, write } of accesses) {
    if (origin === undefined) continue;
    const group = groups.get(origin.name);
    if (group === undefined) {
      groups.set(origin.name, { low: origin.plus, high: origin.plus + bytes, write });
      continue;
    }
    const low = Math.min(group.low, origin.plus);
    const high = Math.max(group.high, origin.plus + bytes);
    if (high - low > MAX_SPAN) continue;
    group.low = low;
    group.high = high;
    group.write ||= write;
  }
  return groups;
}

function spansOf(accesses: readonly (readonly Access[])[], groups: Groups): Span[][] {
  return accesses.map((list) =>
    list.map(({ origin, bytes, write }) => {
      const group = origin === undefined ? undefined : groups.get(origin.name);
      if (origin === undefined || group === undefined || origin.plus < group.low || origin.plus + bytes > group.high)
        return { low: 0, high: bytes, write };
      return { low: group.low - origin.plus, high: group.high - origin.plus, write: group.write };
    }),
  );
}

/**
 * What a block accesses near to what one before it does, is checked there already, if there is no other way to the block: a function
 * that tests one field after another looks at the page once. It is looked at even if the program goes another way then; should
 * the bytes not be there, the interpreter has one instruction to execute.
 */
function spreadSpans(region: Region, flows: readonly BlockFlow[], graph: Graph, registers: number): void {
  const { successors, sequence } = graph;
  const all = flows.map(({ accesses }) => groupsOf(accesses.flat()));
  // What is only used further on, for those before.
  const beyond = flows.map((): Groups => new Map());
  for (let at = sequence.length - 1; at >= 0; at--) {
    const i = sequence[at] as number;
    const { ends, accesses } = flows[i] as BlockFlow;
    const groups = all[i] as Groups;
    for (const s of successors[i] as number[]) {
      if (!isAlone(region, graph, i, s)) continue;
      for (const [name, group] of [...(beyond[s] as Groups), ...(all[s] as Groups)]) {
        const origin = name < registers ? ends[name] : undefined;
        if (origin === undefined) continue;
        const wanted = { ...group, low: group.low + origin.plus, high: group.high + origin.plus };
        const mine = groups.get(origin.name);
        if (mine === undefined) widen(beyond[i] as Groups, origin.name, wanted);
        else if (mine.write || !wanted.write) widen(groups, origin.name, wanted);
      }
    }
    (flows[i] as BlockFlow).spans = spansOf(accesses, groups);
  }
}
/** No other block leads there, so that what is known behind the one holds in the other. */
function isAlone({ blocks }: Region, { isMerge, isLoop, edge }: Graph, from: number, to: number): boolean {
  const flow = blocks[from]?.flow;
  if (flow === "call" || flow === "dispatch") return false;
  return edge(from, to) === "forward" && !isMerge[to] && !isLoop[to];
}
function widen(groups: Groups, name: number, { low, high, write }: Group): void {
  const group = groups.get(name);
  if (group === undefined) groups.set(name, { low, high, write });
  else {
    const from = Math.min(group.low, low);
    const to = Math.max(group.high, high);
    if (to - from <= Math.max(MAX_SPAN_BEYOND, group.high - group.low)) {
      group.low = from;
      group.high = to;
    }
  }
}

/** What the code of the region reads from each block on before it writes it, be it by this path or that. */
function usedFrom(region: Region, flows: readonly BlockFlow[], { successors, sequence }: Graph): StateSet[] {
  const used: StateSet[] = flows.map(() => 0n);
  for (let changed = true; changed; ) {
    changed = false;
    for (let at = sequence.length - 1; at >= 0; at--) {
      const i = sequence[at] as number;
      const { effects } = flows[i] as BlockFlow;
      let live = 0n;
      const flow = region.blocks[i]?.flow;
      if (flow !== "call" && flow !== "dispatch")
        for (const s of successors[i] as number[]) live |= used[s] as StateSet;
      for (let n = effects.length - 1; n >= 0; n--) {
        const { uses, kills } = effects[n] as Effects;
        live = (live & ~kills) | uses;
      }
      if (live === used[i]) continue;
      used[i] = live;
      changed = true;
    }
  }
  return used;
}

function spreadDirty(region: Region, flows: readonly BlockFlow[], graph: Graph): void {
  const { blocks } = region;
  const { successors, sequence, settling } = graph;
  const used = settling ? usedFrom(region, flows, graph) : [];
  const writes = flows.map((flow) => flow.effects.reduce((all, e) => all | e.writes, 0n));
  const entry: StateSet[] = blocks.map(() => 0n);
  for (let changed = true; changed; ) {
    changed = false;
    for (const i of sequence) {
      const out = blocks[i]?.flow === "call" ? 0n : (entry[i] as StateSet) | (writes[i] as StateSet);
      for (const s of successors[i] as number[]) {
        let kept = settling?.has(s) ? out & ((used[s] as StateSet) | bit(FLAGS)) : out;
        if (blocks[s]?.flow === "dispatch") kept = 0n;
        const merged = (entry[s] as StateSet) | kept;
        if (merged === entry[s]) continue;
        entry[s] = merged;
        changed = true;
      }
    }
  }
  flows.forEach((flow, i) => {
    let dirty = entry[i] as StateSet;
    flow.dirtyAtEntry = dirty;
    flow.effects.forEach((e, n) => {
      flow.dirty[n] = dirty;
      dirty |= e.writes;
    });
  });
}

/**
 * What is changed has to be stored at every way out. The flags are an exception: where the code that follows in the region sets
 * them before it reads them, nobody misses them but a debugger, or a handler of the signal that a fault becomes. They
 * would have to be kept in every loop for that, so it is done only where there may be such (`exact`).
 */
function spreadLive(region: Region, flows: readonly BlockFlow[], graph: Graph, exact: boolean): void {
  const { successors, sequence } = graph;
  const flags = bit(FLAGS);
  for (let changed = true; changed; ) {
    changed = false;
    for (let at = sequence.length - 1; at >= 0; at--) {
      const i = sequence[at] as number;
      const flow = flows[i] as BlockFlow;
      const block = region.blocks[i] as Block;
      let live = 0n;
      for (const s of successors[i] as number[]) live |= (flows[s] as BlockFlow).entry;
      if (block.flow === "dispatch") live = 0n;
      if (block.flow === "call") {
        flow.afterCall = live;
        live = block.instructions.length === 0 ? whole(flow.dirtyAtEntry) : 0n;
      }
      const staysInside = !exact && endsInside(block);
      for (let n = flow.effects.length - 1; n >= 0; n--) {
        const e = flow.effects[n] as Effects;
        const dirty = flow.dirty[n] as StateSet;
        const last = n === flow.effects.length - 1;
        // Whatever ends a block may leave the region with all that is changed.
        if (e.trapsAfter || (last && !staysInside)) live |= whole(dirty | e.writes);
        else if (last) live |= (dirty | e.writes) & ~flags;
        flow.live[n] = live;
        live = (live & ~e.kills) | e.uses;
        const interpreted = last && block.flow === "interpreted";
        if (!e.exits && !interpreted) continue;
        const all = dirty | e.exitWrites;
        const unasked = !exact && !interpreted && ((live | e.exitWrites) & flags) === 0n;
        flow.side[n] = unasked ? all & ~flags : all;
        live |= whole(flow.side[n] as StateSet);
      }
      if (live === flow.entry) continue;
      flow.entry = live;
      changed = true;
    }
  }
}

/** What is stored of the flags is all of them. */
function whole(set: StateSet): StateSet {
  return (set & bit(FLAGS)) === 0n ? set : set | FLAG_KINDS;
}

/** All code that may follow is in the region. */
function endsInside({ start, flow, successors, instructions, next }: Block): boolean {
  if (flow === "next" || flow === "inlined") return successors.includes(next);
  const target = besides(start, instructions[instructions.length - 1]?.target as number);
  if (flow === "jump") return successors.includes(target);
  if (flow === "guarded") return successors.some((to) => to < DISPATCH);
  return flow === "branch" && successors.includes(next) && successors.includes(target);
}

/** Not visited yet. */
type Fact = KnownFlags | undefined | "any";

function spreadFlags(region: Region, flows: readonly BlockFlow[], { successors, sequence }: Graph): void {
  const facts: Fact[] = flows.map(() => "any");
  facts[0] = undefined;
  for (let changed = true; changed; ) {
    changed = false;
    for (const i of sequence) {
      const before = facts[i];
      if (before === "any") continue;
      const { effects } = flows[i] as BlockFlow;
      const flow = region.blocks[i]?.flow;
      const after = flow === "call" || flow === "dispatch" ? undefined : through(effects, before);
      for (const s of successors[i] as number[]) {
        const merged = meet(facts[s], after);
        if (sameFlags(merged, facts[s])) continue;
        facts[s] = merged;
        changed = true;
      }
    }
  }
  flows.forEach((flow, i) => {
    const fact = facts[i];
    flow.flags = fact === "any" ? undefined : fact;
  });
}

function sameFlags(a: Fact, b: Fact): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a === "any" || b === "any") return false;
  return a.op === b.op && a.previous === b.previous && a.first === b.first && a.compared === b.compared;
}

function meet(a: Fact, b: KnownFlags | undefined): Fact {
  if (a === "any") return b;
  if (a === undefined || b === undefined) return undefined;
  if (a.op !== b.op || a.previous !== b.previous) return undefined;
  if (a.first === b.first && a.compared === b.compared) return a;
  return { ...a, first: a.first && b.first, compared: false };
}

function through(effects: readonly Effects[], before: KnownFlags | undefined): KnownFlags | undefined {
  let known = before;
  for (const { writes, flags } of effects) {
    if ((writes & bit(FLAGS)) === 0n) continue;
    known =
      flags !== undefined && keepsCarryOf(flags.op)
        ? { op: flags.op, previous: carriedBy(known), first: false }
        : flags;
  }
  return known;
}

function spreadOffsets(
  { registers, sp, fp, popped }: InstructionSet,
  region: Region,
  flows: readonly BlockFlow[],
  { successors, sequence }: Graph,
): void {
  const reached = new Set([0]);
  (flows[0] as BlockFlow).offsets = Array.from({ length: registers }, (_, n) => (n === sp ? 0 : undefined));
  for (let changed = true; changed; ) {
    changed = false;
    for (const i of sequence) {
      const flow = flows[i] as BlockFlow;
      if (!reached.has(i)) continue;
      let out = flow.ends.map((origin): number | undefined => {
        if (origin === undefined || origin.name < 0 || origin.name >= registers) return undefined;
        const from = flow.offsets[origin.name];
        return from === undefined ? undefined : from + origin.plus;
      });
      if (region.blocks[i]?.flow === "call") {
        // That these two are what they were, but for a return address that is popped, is checked.
        const stack = out[sp];
        out = out.map((offset, n) => (n === fp ? offset : undefined));
        out[sp] = stack === undefined ? undefined : stack + popped;
        flow.offsetsAfterCall = out;
      }
      for (const s of successors[i] as number[]) {
        const next = flows[s] as BlockFlow;
        const merged = reached.has(s) ? next.offsets.map((o, n) => (o === out[n] ? o : undefined)) : out;
        if (reached.has(s) && merged.every((o, n) => o === next.offsets[n])) continue;
        reached.add(s);
        next.offsets = merged;
        changed = true;
      }
    }
  }
}

/** A frame is checked at its two ends, so it may be no more than a page. */
const MAX_FRAME = 4096;

function frameOf(flows: readonly BlockFlow[]): Frame | undefined {
  let low = 0;
  let high = 0;
  let count = 0;
  for (const { accesses, offsets } of flows)
    for (const { origin, bytes } of accesses.flat()) {
      if (origin === undefined || origin.name < 0 || origin.name >= offsets.length) continue;
      const offset = offsets[origin.name];
      if (offset === undefined) continue;
      const from = offset + origin.plus;
      if (Math.max(high, from + bytes) - Math.min(low, from) > MAX_FRAME) continue;
      low = Math.min(low, from);
      high = Math.max(high, from + bytes);
      count++;
    }
  return count > 1 ? { low, high } : undefined;
}

/** The set without what is only read. */
export function storable(set: StateSet): StateSet {
  return set & ~(bit(CAREFUL) | FLAG_KINDS);
}
