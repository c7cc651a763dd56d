/**
 * Regions as WebAssembly functions.
 *
 * A region becomes a function (rip, depth) -> rip. It loads the registers that it needs from the context, runs, and
 * stores the ones it has changed when it leaves:
 *
 * - for the interpreter or the kernel: RIP and a trap code are stored, the result is 0;
 * - for another region: by a tail call if the jump cache knows it, else with the address as the result, as for what is not translated;
 * - from a guest's `ret`: with the address as the result.
 *
 * A guest's `call` is a call of the callee's function. Where the result is the guest's return address, all went as
 * compilers arrange it and the caller goes on. If it is another address, the callee has left to code that is not translated,
 * or whose call is not worth a frame: `follow` (interp/program.ts) executes that until it gets to the return address. What does
 * not (longjmp, a switch of stacks, a trap inside) is handed on to the caller's caller: everything is in the context by then,
 * so frames are left simply by returning. `depth` bounds them.
 *
 * Fuel is counted at entries and back edges. A loop leaves when it is used up, which is also how it gets into optimised code:
 * V8 replaces a function when it is entered.
 */
import { CONTEXT_OFFSET, PAGE_TABLE, PageBits, STACK_WINDOW } from "../../mm/layout.ts";
import type { Trap } from "../core.ts";
import { JUMP_CACHE, jumpCacheEntry, REGION_FUEL, TRAP_CODE, TRAP_RARE, TRAP_STEP } from "../interp/layout.ts";
import { PC } from "../isa/common.ts";
import { type I32, type I64, i32, i64, select } from "../wasm/expr.ts";
import {
  type FunctionBuilder,
  type FunctionRef,
  type Label,
  type Local,
  ModuleBuilder,
  marked,
} from "../wasm/module.ts";
import { Chain, testedBy } from "./chains.ts";
import { analyse, type BlockFlow, type Offsets, storable } from "./flow.ts";
import type { Instruction, InstructionSet } from "./instruction.ts";
import { arePlain, type KnownFlags } from "./known-flags.ts";
import { exportName, slotMark, TARGET_ENTRIES, targetsMark, type Unlinked } from "./names.ts";
import { addressOf, type Block, besides, DISPATCH, type Place, type Region } from "./region.ts";
import type { Effects, Exits, RegionSem, Span } from "./region-sem.ts";
import { bit, FLAG_KINDS, FLAGS, PLAIN_FLAGS, type State, type StateSet } from "./state.ts";
import { type Structure, structure } from "./structure.ts";
import { type Frame, Symbols } from "./symbols.ts";
import { assume, behindLoops, goesOn, isShortLoop, limit, type Walk, walksOf } from "./windows.ts";

const ZERO = i32.const(0);

/** Where things are that translated code refers to. */
export interface TranslateOptions {
  /** The slot of a function that returns its first parameter. */
  readonly stubSlot: number;
}

/** What regions may rely on, and leave if it isn't so. */
export interface Assumptions {
  /** Whether the region at an address may check its frame once, at its entry. */
  readonly framed: (rip: number) => boolean;
  /** Whether the region at an address may leave the unusual in floating-point arithmetic to the interpreter. */
  readonly lean: (rip: number) => boolean;
  /** Flags are to be exact wherever a region leaves, whether or not the code asks for them again (flow.ts). */
  readonly exact: boolean;
}

type Options = TranslateOptions & Assumptions;

/**
 * A module that exports a function `r<rip in hex>` for each region. It depends on the guest's code alone: what is
 * different from run to run is left to be filled in.
 */
export function translate(set: InstructionSet, regions: readonly Region[], options: Options): Unlinked {
  const module = new ModuleBuilder();
  module.importMemory("env", "memory", 0x10000, 0x10000, true);
  module.importTable("env", "functions", 0);
  const outside: Outside = {
    transfer: module.importFunction("env", "transfer", ["i32", "i32", "i32"], ["i32"]),
    follow: module.importFunction("env", "follow", ["i32", "i32", "i32"], ["i32"]),
  };
  set.globals.forEach(({ type, mutable }, i) => {
    module.importGlobal("env", `global${i}`, type, mutable);
  });
  const functions = new Map<number, FunctionRef>();
  for (const { entry } of regions) functions.set(entry, module.declare(exportName(entry), ["i32", "i32"], ["i32"]));
  for (const region of regions) {
    const fn = functions.get(region.entry) as FunctionRef;
    module.define(fn, (f) => new Translation(f, set, region, functions, outside, options).emit());
    module.exportFunction(fn.name, fn);
  }
  return module.encodeMarked();
}

/** Why a function leaves, which decides what it does after storing the state. */
type Leave = "trap" | "goto" | "return";

interface Stub {
  readonly leave: Leave;
  readonly stores: StateSet;
  label?: Label;
  used: boolean;
}

/** The interpreter's functions (interp/program.ts). */
interface Outside {
  /** To what is not in this module. */
  readonly transfer: FunctionRef;
  /** From where a call's inside has left to, until it comes back. */
  readonly follow: FunctionRef;
}

/** A loop that is there twice: the fuel that it began with, and where that without checks ends. */
interface Walking {
  readonly walks: readonly Walk[];
  readonly start: Local<"i32">;
  readonly limit: Local<"i32">;
}

class Translation implements Exits {
  readonly #f: FunctionBuilder;
  readonly #set: InstructionSet;
  readonly #region: Region;
  readonly #functions: ReadonlyMap<number, FunctionRef>;
  readonly #outside: Outside;
  readonly #options: Options;
  readonly #state: State;
  readonly #structure: Structure;
  readonly #flows: readonly BlockFlow[];
  /** Blocks that keep only what is used from there on (flow.ts). */
  readonly #settling: ReadonlySet<number>;
  readonly #successors: readonly (readonly number[])[];
  readonly #frame: Frame | undefined;
  /** That MXCSR does not matter has to be so wherever the region is entered. */
  readonly #assumesReset: boolean;
  readonly #index = new Map<number, number>();
  readonly #stubs: Stub[] = [];
  readonly #labels = new Map<number, Label>();
  readonly #depth: Local<"i32">;
  /** What it is for those that are called. */
  readonly #deeper: Local<"i32">;
  readonly #fuel: Local<"i32">;
  /** There are loops, so that fuel is counted in a local. Else it stays in memory, one less. */
  readonly #loops: boolean;
  /** Flags that the context has fields for which this region sets, but which most operations do without. */
  readonly #hasMoreFlags: boolean;
  /** Where to go on, and for what. */
  /** What is known of the flags where code is made that may leave. */
  #known: KnownFlags | undefined;
  readonly #pc: Local<"i32">;
  readonly #trap: Local<"i32">;
  /** What is being translated. */
  #block = 0;
  #step = 0;
  #done: Label | undefined;
  #symbols: Symbols;
  /** The loops that are there twice, and where the copy without checks begins while that is being made. */
  readonly #walking = new Map<number, Walking>();
  #unchecked: Label | undefined;
  #chain: Chain | undefined;

  constructor(
    f: FunctionBuilder,
    set: InstructionSet,
    region: Region,
    functions: ReadonlyMap<number, FunctionRef>,
    outside: Outside,
    options: Options,
  ) {
    this.#f = f;
    this.#set = set;
    this.#region = region;
    this.#functions = functions;
    this.#outside = outside;
    this.#options = options;
    const lean = options.lean(region.entry);
    this.#state = set.state(f, lean);
    region.blocks.forEach((b, i) => {
      this.#index.set(b.start, i);
    });
    const successors = region.blocks.map((b) => b.successors.map((rip) => this.#index.get(rip) as number));
    const targets = region.targets.map((rip) => this.#index.get(rip) as number);
    const labelled = new Set([...targets, ...behindLoops(region.blocks, successors)]);
    this.#structure = structure({ successors, labelled });
    this.#successors = successors;
    this.#settling = region.targets.length > 0 ? joinsOf(this.#structure) : new Set();
    const graph = { ...this.#structure, successors, settling: this.#settling };
    const { blocks, frame } = analyse(set, region, graph, {
      framed: options.framed(region.entry),
      lean,
      exact: options.exact,
    });
    this.#flows = blocks;
    this.#frame = frame;
    this.#symbols = this.#symbolsAt((blocks[0] as BlockFlow).offsets);
    const effects = this.#flows.flatMap((flow) => flow.effects);
    this.#state.adapt(effects);
    this.#loops = this.#structure.isLoop.includes(true);
    this.#hasMoreFlags = effects.some((e) => e.aux || e.steps);
    this.#assumesReset = lean && effects.some((e) => e.careful);
    this.#depth = f.param(1, "i32");
    this.#deeper = f.permanent("i32");
    this.#fuel = f.permanent("i32");
    this.#pc = f.permanent("i32");
    this.#trap = f.permanent("i32");
  }

  emit(): void {
    const f = this.#f;
    const entry = i32.const(this.#region.entry);
    f.set(this.#fuel, i32.sub(i32.load(ZERO, REGION_FUEL), i32.const(1)));
    f.exec(i32.store(ZERO, this.#fuel, REGION_FUEL));
    f.set(this.#deeper, i32.sub(this.#depth, i32.const(1)));
    f.if(i32.lt_s(i32.or(this.#fuel, this.#deeper), ZERO), () => f.return(entry));
    f.set(this.#trap, i32.const(TRAP_STEP));
    const needed = (this.#flows[0] as BlockFlow).entry;
    this.#state.load(this.#frame === undefined ? needed : needed | bit(this.#set.sp));
    this.#collectStubs();
    const open = (i: number): void => {
      const stub = this.#stubs[i];
      if (stub === undefined) {
        if (this.#assumesReset) this.#checkReset();
        if (this.#frame !== undefined) this.#checkFrame(this.#frame);
        this.#tree(0);
        return;
      }
      f.block((label) => {
        stub.label = label;
        open(i + 1);
      });
      this.#emitStub(stub);
    };
    open(0);
    f.unreachable();
  }

  /** What is known of addresses where nothing is but what holds all over the region. */
  #symbolsAt(offsets: Offsets | undefined): Symbols {
    return this.#frame === undefined ? new Symbols() : new Symbols(this.#frame, offsets);
  }
  /** The frame may be used, or the interpreter has to go on. */
  #checkFrame({ low, high }: Frame): void {
    const f = this.#f;
    const sp = this.#state.gpr(this.#set.sp);
    // Where the stack was found writable before, 4096 bytes at least are so from each place in the window.
    const start = f.let(i64.add(sp, i64.const(low)));
    const within = i64.sub(start, i64.load(ZERO, STACK_WINDOW));
    f.if(i64.ge_u(within, i64.load(ZERO, STACK_WINDOW + 8)), () => {
      const first = f.let(i32.shr_u(i32.wrap(start), i32.const(12)));
      const last = i32.shr_u(i32.add(i32.wrap(sp), i32.const(high - 1)), i32.const(12));
      const both = i32.and(i32.load8_u(first, PAGE_TABLE), i32.load8_u(last, PAGE_TABLE));
      const allowed = i32.and(both, i32.const(PageBits.Write));
      f.if(i32.or(i32.eqz(allowed), i32.wrap(i64.shr_u(sp, i64.const(32)))), () => {
        f.set(this.#pc, i32.const(this.#region.entry));
        this.#leave("trap", 0n);
      });
      // As many pages as one look can see.
      const four = i32.const(PageBits.Write * 0x0101_0101);
      f.if(i32.eq(i32.and(i32.load(first, PAGE_TABLE), four), four), () => {
        f.exec(i64.store(ZERO, i64.and(start, i64.const(-4096)), STACK_WINDOW));
        f.exec(i64.store(ZERO, i64.const(3 * 4096), STACK_WINDOW + 8));
      });
    });
  }

  #checkReset(): void {
    const f = this.#f;
    f.if(i32.load(ZERO, CONTEXT_OFFSET + this.#set.carefulAt), () => {
      f.set(this.#pc, i32.const(this.#region.entry));
      f.set(this.#trap, i32.const(TRAP_RARE));
      this.#leave("trap", 0n);
    });
  }

  // Ways out

  #collectStubs(): void {
    const keys = new Set<string>();
    const add = (leave: Leave, stores: StateSet): void => {
      addSet(leave, storable(stores));
      if (this.#hasMoreFlags) addSet(leave, plainly(storable(stores)));
    };
    const addSet = (leave: Leave, set: StateSet): void => {
      const key = `${leave} ${set}`;
      if (keys.has(key)) return;
      keys.add(key);
      this.#stubs.push({ leave, stores: set, used: false });
    };
    /** What is left of it where other paths come in. */
    const addKept = (i: number, dirty: StateSet): void => {
      for (const s of this.#successors[i] as number[]) {
        if (!this.#settling.has(s)) continue;
        const kept = dirty & ((this.#flows[s] as BlockFlow).dirtyAtEntry | bit(FLAGS));
        for (const set of [kept, kept & ~bit(FLAGS)]) {
          add("goto", set);
          add("return", set);
        }
      }
    };
    add("trap", 0n);
    this.#region.blocks.forEach((block, i) => {
      const { effects, dirty, dirtyAtEntry, side } = this.#flows[i] as BlockFlow;
      if (block.flow === "dispatch") {
        add("goto", dirtyAtEntry);
        add("return", dirtyAtEntry);
        addKept(i, dirtyAtEntry);
      }
      if (block.flow === "call") {
        add("goto", 0n);
        add("return", 0n);
      }
      const last = effects.length - 1;
      effects.forEach((e, n) => {
        const before = dirty[n] as StateSet;
        if (e.exits || n === last) add("trap", side[n] as StateSet);
        if (e.trapsAfter) add("trap", before | e.writes);
        if (n < last) return;
        add("trap", before | e.writes);
        add("goto", before | e.writes);
        add("return", before | e.writes);
        addKept(i, before | e.writes);
        add("goto", (before | e.writes) & ~bit(FLAGS));
        add("return", (before | e.writes) & ~bit(FLAGS));
      });
    });
  }
  #emitStub({ leave, stores, used }: Stub): void {
    const f = this.#f;
    if (!used) return;
    this.#state.store(stores);
    if (this.#loops) f.exec(i32.store(ZERO, this.#fuel, REGION_FUEL));
    switch (leave) {
      case "trap":
        f.exec(i64.store(ZERO, i64.extend_i32_u(this.#pc), CONTEXT_OFFSET + PC));
        f.exec(i32.store(ZERO, this.#trap, TRAP_CODE));
        f.return(ZERO);
        return;
      case "return":
        f.return(this.#pc);
        return;
      case "goto": {
        const cached = f.let(jumpCacheEntry(this.#pc));
        f.if(i32.ne(i32.load(cached, JUMP_CACHE), this.#pc), () => f.return(this.#pc));
        f.returnCall(this.#outside.transfer, [this.#pc, this.#depth, i32.load(cached, JUMP_CACHE + 4)]);
      }
    }
  }
  #toStore(stores: StateSet): StateSet {
    const set = storable(stores);
    return this.#hasMoreFlags && arePlain(this.#known) ? plainly(set) : set;
  }
  #leave(leave: Leave, stores: StateSet): void {
    const set = this.#toStore(stores);
    const stub = this.#stubs.find((s) => s.leave === leave && s.stores === set);
    if (stub?.label === undefined) throw new Error(`no way out of ${exportName(this.#region.entry)} by ${leave}`);
    stub.used = true;
    this.#f.br(stub.label);
  }
  get #current(): { block: Block; flow: BlockFlow; effects: Effects; dirty: StateSet } {
    const flow = this.#flows[this.#block] as BlockFlow;
    return {
      block: this.#region.blocks[this.#block] as Block,
      flow,
      effects: flow.effects[this.#step] as Effects,
      dirty: flow.dirty[this.#step] as StateSet,
    };
  }
  /** Changed when the current instruction is done. */
  get #dirtyAfter(): StateSet {
    const { effects, dirty } = this.#current;
    return dirty | effects.writes;
  }

  side(): void {
    const { block, flow, effects } = this.#current;
    // Further down a loop they may be others than they were before.
    if (effects.loops) this.#known = undefined;
    const step = this.#chain?.start ?? this.#step;
    this.#chain?.restore();
    this.#f.set(this.#pc, i32.const((block.instructions[step] as Instruction).rip));
    this.#leave("trap", flow.side[step] as StateSet);
  }
  /** Whether the result of an instruction goes without a test, given which other has one. Keeps what a chain has to. */
  #chainAt(n: number, tested: number | undefined, { writes }: Effects): boolean {
    if (this.#chain?.endsBefore(n)) this.#chain = undefined;
    let untested = false;
    if (tested !== undefined) {
      untested = this.#chain?.extend(n, tested) ?? true;
      this.#chain ??= new Chain(n, tested);
    }
    this.#chain?.keep(writes, (part, place) => this.#state.keep(part, place));
    return untested;
  }
  rare(): void {
    this.#f.set(this.#trap, i32.const(TRAP_RARE));
    this.side();
  }
  trapAfter(sem: RegionSem, trap: Trap): void {
    this.#known = sem.knownFlags;
    this.#f.set(this.#pc, i32.const(sem.next));
    this.#f.set(this.#trap, i32.const(trap));
    this.#leave("trap", this.#dirtyAfter);
  }
  done(): void {
    this.#f.br(this.#done as Label);
  }
  direct(sem: RegionSem, target: number): void {
    this.#known = sem.knownFlags;
    const { block } = this.#current;
    if (block.flow === "inlined") {
      this.#goto(block.next);
      return;
    }
    if (sem.instruction.flow !== "call") {
      this.#goto(besides(block.start, target));
      return;
    }
    const f = this.#f;
    const callee = this.#functions.get(target);
    const args = [i32.const(target), this.#deeper];
    this.#call(sem.next, this.#dirtyAfter, () =>
      callee !== undefined
        ? f.call("i32", callee, args)
        : f.call("i32", this.#outside.transfer, [...args, marked(slotMark(target))]),
    );
  }
  indirect(sem: RegionSem, target: I64): void {
    this.#known = sem.knownFlags;
    const f = this.#f;
    f.set(this.#pc, i32.wrap(target));
    const { flow, isReturn } = sem.instruction;
    const { block } = this.#current;
    if (block.flow === "return") {
      const elsewhere = i32.ne(this.#pc, i32.const(addressOf(block.next)));
      f.if(elsewhere, () => this.#leave("goto", this.#dirtyAfter));
      this.#goto(block.next);
    } else if (isReturn) this.#leave("return", this.#dirtyAfter);
    else if (block.flow === "guarded") {
      for (const place of block.expected)
        if (block.successors.includes(place))
          f.if(i32.eq(this.#pc, i32.const(addressOf(place))), () => this.#goto(place));
      const otherwise = block.successors.find((place) => place < DISPATCH);
      if (otherwise === undefined) this.#leaveTo(sem.instruction.rip);
      else this.#goto(otherwise);
    } else if (flow === "call") this.#call(sem.next, this.#dirtyAfter, () => this.#callComputed(block.expected));
    else if (this.#region.targets.length > 0) this.#toDispatch(sem.instruction.rip);
    else this.#leaveTo(sem.instruction.rip);
  }
  /** A call of the function at the pc, which is one of those expected, or another. */
  #callComputed(expected: readonly number[]): I32 {
    const f = this.#f;
    const result = f.local("i32");
    const open = (i: number): void => {
      const callee = expected[i];
      if (callee === undefined) {
        const cached = f.let(jumpCacheEntry(this.#pc));
        const known = i32.eq(i32.load(cached, JUMP_CACHE), this.#pc);
        const slot = select(known, i32.load(cached, JUMP_CACHE + 4), i32.const(this.#options.stubSlot));
        f.set(result, f.call("i32", this.#outside.transfer, [this.#pc, this.#deeper, slot]));
        return;
      }
      const fn = this.#functions.get(callee);
      if (fn === undefined) open(i + 1);
      else
        f.if(
          i32.eq(this.#pc, i32.const(callee)),
          () => f.set(result, f.call("i32", fn, [this.#pc, this.#deeper])),
          () => open(i + 1),
        );
    };
    open(0);
    return result;
  }
  /** Where a guarded call leads elsewhere. */
  #emitOther(node: number): void {
    const { next } = this.#region.blocks[node] as Block;
    const { dirtyAtEntry, flags, offsetsAfterCall } = this.#flows[node] as BlockFlow;
    this.#block = node;
    this.#step = 0;
    this.#known = flags;
    this.#call(addressOf(next), dirtyAtEntry, () => this.#callComputed([]));
    this.#known = undefined;
    this.#symbols = this.#symbolsAt(offsetsAfterCall);
    this.#goto(next);
  }
  /** Out to where a computed jump leads. */
  #leaveTo(jump: number): void {
    this.#note(jump);
    this.#leave("goto", this.#dirtyAfter);
  }
  /** For a later translation: where a computed jump leads. */
  #note(rip: number): void {
    const f = this.#f;
    const at = i32.shl(i32.and(mixed(this.#pc), i32.const(TARGET_ENTRIES - 1)), i32.const(2));
    f.exec(i32.store(i32.add(at, marked(targetsMark(rip))), this.#pc));
  }
  #toDispatch(jump: number): void {
    const to = this.#index.get(DISPATCH) as number;
    const edge = this.#structure.edge(this.#block, to);
    if (edge !== "irreducible") this.#state.store(this.#toStore(this.#dirtyAfter));
    if (edge === "back") {
      const f = this.#f;
      f.set(this.#fuel, i32.sub(this.#fuel, i32.const(1)));
      f.if(i32.lt_s(this.#fuel, ZERO), () => this.#leave("return", 0n));
      f.br(this.#labels.get(to) as Label);
    } else if (edge === "forward") this.#forward(to);
    else this.#leaveTo(jump);
  }
  /** The blocks that computed jumps of this region lead to, found by a hash of the address without collisions. */
  #emitDispatch(node: number): void {
    const f = this.#f;
    const { targets, jumps } = this.#region;
    const { dirtyAtEntry } = this.#flows[node] as BlockFlow;
    const { multiplier, bits } = perfectHash(targets);
    const pads: Label[] = [];
    this.#block = node;
    this.#step = 0;
    this.#known = undefined;
    f.block((other) => {
      const open = (i: number): void => {
        if (i === targets.length) {
          const table: Label[] = new Array(2 ** bits).fill(other);
          targets.forEach((rip, n) => {
            table[hashed(rip, multiplier, bits)] = pads[n] as Label;
          });
          f.brTable(i32.shr_u(i32.mul(this.#pc, i32.const(multiplier)), i32.const(32 - bits)), table, other);
          return;
        }
        f.block((pad) => {
          pads[i] = pad;
          open(i + 1);
        });
        const rip = targets[i] as number;
        f.brIf(other, i32.ne(this.#pc, i32.const(rip)));
        this.#state.load((this.#flows[this.#index.get(rip) as number] as BlockFlow).entry);
        this.#edge(node, this.#index.get(rip) as number, rip, dirtyAtEntry);
      };
      open(0);
    });
    this.#note(jumps[0] as number);
    this.#leave("goto", dirtyAtEntry);
  }
  /** @param rip behind the call */
  #call(rip: number, dirty: StateSet, call: () => I32): void {
    const f = this.#f;
    this.#state.store(this.#toStore(dirty));
    if (this.#loops) f.exec(i32.store(ZERO, this.#fuel, REGION_FUEL));
    const { afterCall, offsetsAfterCall } = this.#current.flow;
    const { sp, fp, popped } = this.#set;
    // Registers that are known to point to the frame had better do so still.
    const kept = this.#frame === undefined ? [] : [sp, fp].filter((n) => offsetsAfterCall[n] !== undefined);
    const before = kept.map((n) => f.let(this.#state.gpr(n)));
    const result = f.let(call());
    const next = i32.const(rip);
    f.if(i32.ne(result, next), () => {
      const end = f.let(f.call("i32", this.#outside.follow, [result, next, this.#deeper]));
      f.if(i32.ne(end, next), () => f.return(end));
    });
    this.#state.load(afterCall | kept.reduce((set, n) => set | bit(n), 0n));
    kept.forEach((n, i) => {
      const old = before[i] as I64;
      const expected = n === sp ? i64.add(old, i64.const(popped)) : old;
      f.if(i64.ne(this.#state.gpr(n), expected), () => f.return(next));
      // It is the same, but does not come from memory.
      f.set(this.#state.gpr(n), expected);
    });
    if (this.#loops) f.set(this.#fuel, i32.load(ZERO, REGION_FUEL));
  }

  // Control flow (structure.ts)

  #tree(node: number): void {
    const f = this.#f;
    if (this.#structure.isLoop[node]) {
      this.#symbols = this.#symbolsAt(this.#flows[node]?.offsets);
      const walks = isShortLoop(this.#region.blocks[node] as Block) ? walksOf(this.#flows[node] as BlockFlow) : [];
      if (walks.length > 0) {
        const walking = { walks, start: f.permanent("i32"), limit: f.permanent("i32") };
        this.#walking.set(node, walking);
        f.set(walking.start, this.#fuel);
      }
      f.loop((again) => {
        this.#labels.set(node, again);
        this.#within(node, 0);
      });
    } else this.#within(node, 0);
  }
  /** A node inside of the blocks whose ends are the merge nodes that it dominates. */
  #within(node: number, n: number): void {
    const merge = (this.#structure.merges[node] as number[])[n];
    if (merge === undefined) {
      this.#emitBlock(node);
      return;
    }
    this.#f.block((end) => {
      this.#labels.set(merge, end);
      this.#within(node, n + 1);
    });
    this.#symbols = this.#symbolsAt(this.#flows[merge]?.offsets);
    this.#tree(merge);
  }
  #emitBlock(node: number): void {
    const block = this.#region.blocks[node] as Block;
    if (block.flow === "dispatch") {
      this.#emitDispatch(node);
      return;
    }
    if (block.start < DISPATCH) {
      this.#emitOther(node);
      return;
    }
    this.#emitInstructions(node, block, this.#symbols);
  }
  #emitInstructions(node: number, block: Block, symbols: Symbols): void {
    const f = this.#f;
    const { effects, live, spans, flags } = this.#flows[node] as BlockFlow;
    const tested = this.#state.lean ? testedBy(this.#set, block, this.#flows[node] as BlockFlow) : [];
    let known = flags;
    this.#chain = undefined;
    block.instructions.forEach((instruction, n) => {
      this.#block = node;
      this.#step = n;
      this.#known = known;
      if (n === block.instructions.length - 1 && block.flow === "interpreted") {
        this.side();
        return;
      }
      const { endsEarly, loops } = effects[n] as Effects;
      const dead = !loops && ((live[n] as StateSet) & bit(FLAGS)) === 0n;
      const list = spans[n] as readonly Span[];
      const untested = this.#chainAt(n, tested[n], effects[n] as Effects);
      const sem = this.#set.sem(this.#state, instruction, {
        exits: this,
        symbols,
        spans: list,
        known,
        flagsDead: dead,
        flagsWanted: loops ? FLAG_KINDS : (live[n] as StateSet) & FLAG_KINDS,
        untested,
      });
      this.#symbols = symbols;
      f.scope(() => {
        if (endsEarly)
          f.block((end) => {
            this.#done = end;
            sem.run();
          });
        else sem.run();
      });
      known = sem.knownFlags;
    });
    this.#chain = undefined;
    this.#known = known;
    this.#block = node;
    this.#step = block.instructions.length - 1;
    const { offsetsAfterCall } = this.#flows[node] as BlockFlow;
    this.#symbols = block.flow === "call" ? this.#symbolsAt(offsetsAfterCall) : symbols;
    if (block.flow === "next" || block.flow === "branch" || block.flow === "call") this.#goto(block.next);
  }
  #goto(target: Place): void {
    const { block } = this.#current;
    // Behind a call nothing is in locals that has to be stored.
    const stores = block.flow === "call" && target === block.next ? 0n : this.#dirtyAfter;
    const to = this.#index.get(target);
    if (to === undefined || !block.successors.includes(target)) this.#out(target, stores);
    else this.#edge(this.#block, to, target, stores);
  }
  #out(target: Place, stores: StateSet): void {
    this.#f.set(this.#pc, i32.const(addressOf(target)));
    this.#leave("goto", stores);
  }
  /** Stores what is changed and the block that follows does not keep. Returns what is changed there. */
  #settle(to: number, dirty: StateSet): StateSet {
    if (!this.#settling.has(to)) return dirty;
    const { dirtyAtEntry } = this.#flows[to] as BlockFlow;
    this.#state.store(storable(dirty & ~dirtyAtEntry & ~bit(FLAGS)));
    return dirty & (dirtyAtEntry | bit(FLAGS));
  }
  #edge(from: number, to: number, target: Place, dirty: StateSet): void {
    const f = this.#f;
    const edge = this.#structure.edge(from, to);
    const stores = edge === "irreducible" ? dirty : this.#settle(to, dirty);
    switch (edge) {
      case "irreducible":
        this.#out(target, this.#neededAt(to, stores));
        return;
      case "back":
        f.set(this.#fuel, i32.sub(this.#fuel, i32.const(1)));
        if (this.#unchecked !== undefined && from === to)
          f.brIf(this.#unchecked, i32.gt_s(this.#fuel, (this.#walking.get(to) as Walking).limit));
        f.if(i32.lt_s(this.#fuel, ZERO), () => {
          f.set(this.#pc, i32.const(addressOf(target)));
          this.#leave("return", this.#neededAt(to, stores));
        });
        if (from === to) this.#walk(to);
        f.br(this.#labels.get(to) as Label);
        return;
      case "forward":
        this.#forward(to);
    }
  }
  /** Behind a turn of a loop: as many without checks as there is room for (windows.ts). */
  #walk(node: number): void {
    const f = this.#f;
    const walking = this.#walking.get(node);
    if (walking === undefined || this.#unchecked !== undefined) return;
    const [step, symbols, known] = [this.#step, this.#symbols, this.#known];
    const { walks, start } = walking;
    f.if(goesOn(this.#fuel, start), () =>
      f.block((none) => {
        limit(f, this.#state, walks, this.#fuel, walking.limit, none);
        f.loop((inner) => {
          this.#unchecked = inner;
          const assumed = this.#symbolsAt(this.#flows[node]?.offsets);
          assume(assumed, walks);
          this.#emitInstructions(node, this.#region.blocks[node] as Block, assumed);
          this.#unchecked = undefined;
        });
      }),
    );
    this.#block = node;
    this.#step = step;
    this.#symbols = symbols;
    this.#known = known;
  }
  /** What has to be stored where the region is left to go on at one of its blocks. */
  #neededAt(to: number, stores: StateSet): StateSet {
    const { entry } = this.#flows[to] as BlockFlow;
    return this.#options.exact ? stores : stores & (entry | ~bit(FLAGS));
  }
  #forward(to: number): void {
    if (this.#structure.isMerge[to]) {
      this.#f.br(this.#labels.get(to) as Label);
      return;
    }
    const [block, step, symbols, known] = [this.#block, this.#step, this.#symbols, this.#known];
    this.#symbols = symbols.copy();
    this.#tree(to);
    this.#symbols = symbols;
    this.#block = block;
    this.#step = step;
    this.#known = known;
  }
}

function joinsOf({ sequence, isMerge, isLoop }: Structure): ReadonlySet<number> {
  return new Set(sequence.filter((node) => isMerge[node] || isLoop[node]));
}

function plainly(set: StateSet): StateSet {
  return (set & bit(FLAGS)) === 0n ? set : (set & ~bit(FLAGS)) | bit(PLAIN_FLAGS);
}

function mixed(pc: I32): I32 {
  return i32.xor(pc, i32.shr_u(pc, i32.const(8)));
}

function hashed(rip: number, multiplier: number, bits: number): number {
  return Math.imul(rip, multiplier) >>> (32 - bits);
}

/** A multiplicative hash that gives each address a number of its own below 2 ** bits. */
function perfectHash(rips: readonly number[]): { multiplier: number; bits: number } {
  let multiplier = 0x9e37_79b1 | 0;
  for (let bits = Math.max(1, Math.ceil(Math.log2(rips.length * 2))); ; bits++)
    for (let tries = 0; tries < 500; tries++) {
      const seen = new Set(rips.map((rip) => hashed(rip, multiplier, bits)));
      if (seen.size === rips.length) return { multiplier, bits };
      multiplier = (Math.imul(multiplier, 0x0019_660d) + 0x3c6e_f35e) | 1;
    }
}
