/**
 * The interpreter as a CPU engine.
 *
 * The generated module is compiled once per engine and instantiated once per guest memory. `instructions` is exact but
 * for what happened in the instruction that trapped.
 */
import type { CodeStore, CompiledModule, ModuleCompiler } from "../../host/interface.ts";
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { CONTEXT_OFFSET } from "../../mm/layout.ts";
import { type Access, type CpuCore, type CpuEngine, type IsaName, SINGLE_STEP, Trap } from "../core.ts";
import { FAULT_ACCESS, FAULT_ADDRESS, PC } from "../isa/common.ts";
import { evaluate } from "../softfloat/evaluate.ts";
import { CodeCache } from "./code-cache.ts";
import { type HandlerList, numberHandlers } from "./handlers.ts";
import { readImage } from "./image.ts";
import type { Lines, RecordDecoder, RuntimeIsa } from "./isa.ts";
import { KeptBlocks } from "./kept-blocks.ts";
import { EXECUTED, FUEL_LEFT, TRAP_CODE, TRAP_LOOKUP, TRAP_PC, TRAP_STEPPED } from "./layout.ts";
import { SharedBlocks } from "./shared-blocks.ts";
import { x86Runtime } from "./x86_64/runtime.ts";

export interface InterpOptions {
  /** What `buildImage` gives (create.ts calls it where there is none from before). */
  readonly module: Uint8Array<ArrayBuffer>;
  /** The instruction set that the module is for: x86_64 by default. */
  readonly isa?: RuntimeIsa;
  /** The time stamp counter: the host's monotonic clock. Without it, the count of instructions executed. */
  readonly timestamp?: () => bigint;
  /** 64 random bits, for rdrand and rdseed. Without it, the same numbers in every run. */
  readonly random?: () => bigint;
  readonly log?: (line: string) => void;
  /** Where code is kept for other runs. */
  readonly store?: CodeStore;
  /** What compiles the module instead of V8 alone. */
  readonly compile?: ModuleCompiler;
  /** Taken branches, of all guests, after which the loop for programs that compute takes over (program.ts). */
  readonly briefBranches?: number;
}

/** Taken branches between two returns to here: the module's 32-bit sums must not overflow, and see `run`. */
const FUEL_SLICE = 1_000_000;
/** The same for as long as a loop may not run in its final form yet. */
const EARLY_SLICE = 20_000;
/** Taken branches after which `main` takes over from `brief` if nothing else is said, and after which it is surely compiled. */
const BRIEF_BRANCHES = 400_000;
const EARLY_BRANCHES = 10_000_000;

const PC_WORD = (CONTEXT_OFFSET + PC) >> 2;

/** A fork copies the decoded code if it has fewer records (1.3 MB). */
const COPIED_RECORDS = 0x10000;

type Loop = (pc: number, fuel: number) => number;

/** The exports of an instance: see program.ts. */
export interface Loops {
  readonly main: Loop;
  readonly brief: Loop;
  readonly drive: () => number;
  readonly follow: (rip: number, expected: number, depth: number) => number;
  readonly table: WebAssembly.Table;
  readonly transfer: (rip: number, depth: number, slot: number) => number;
  readonly [global: `global${number}`]: WebAssembly.Global;
}

export class InterpEngine implements CpuEngine {
  readonly name: string = "interp";
  readonly isa: RuntimeIsa;
  readonly isas: readonly IsaName[];
  readonly countsTime: boolean;
  readonly log?: (line: string) => void;
  readonly handlers: HandlerList;
  readonly decoder: RecordDecoder;
  readonly shared: SharedBlocks = new SharedBlocks();
  /** Of other runs. */
  readonly kept: KeptBlocks | undefined;
  /** Slots in the table of what definitions call, by name. */
  readonly functions: Readonly<Record<string, number>>;
  /** The encoding table. */
  readonly lines: Lines;
  readonly #compiled: CompiledModule;
  readonly #loops = new WeakMap<GuestMemory, Loops>();
  /** Taken branches so far, as long as it matters. */
  branches = 0;
  #attached = false;
  readonly #timestamp: (() => bigint) | undefined;
  readonly #random: () => bigint;
  readonly briefBranches: number;

  constructor(options: InterpOptions) {
    if (options.log !== undefined) this.log = options.log;
    this.isa = options.isa ?? x86Runtime;
    this.isas = [this.isa.name];
    this.#timestamp = options.timestamp;
    this.countsTime = options.timestamp !== undefined;
    this.#random = options.random ?? splitmix64();
    this.briefBranches = options.briefBranches ?? BRIEF_BRANCHES;
    this.#compiled = (options.compile ?? compileAnew)(options.module);
    // There is nothing to wait for.
    if (this.#compiled.optimised) this.branches = EARLY_BRANCHES;
    const { store, module } = options;
    this.kept = store && new KeptBlocks(store, () => store.digest([module]), this.shared);
    const image = readImage(this.#compiled.module);
    this.handlers = numberHandlers(image.inline, image.outlined);
    this.functions = image.functions;
    this.lines = image.lines;
    this.decoder = this.isa.decoder(image.lines, this.handlers);
  }

  attach(memory: GuestMemory): CpuCore {
    this.prepare(memory);
    return new InterpCore(this, memory, this.loops(memory));
  }

  protected prepare(memory: GuestMemory): void {
    this.isa.prepare(memory.context, false);
    this.shared.recording = this.#attached || this.kept !== undefined;
    this.#attached = true;
  }

  save(): void {
    this.kept?.save();
  }

  /** The module's entry points on a memory. */
  loops(memory: GuestMemory): Loops {
    let loops = this.#loops.get(memory);
    if (loops === undefined) {
      const executed = new DataView(memory.memory.buffer, EXECUTED, 8);
      const timestamp = this.#timestamp ?? ((): bigint => executed.getBigUint64(0, true) >> 4n);
      const imports = { env: { memory: memory.memory, timestamp, random: this.#random, x87_evaluate: evaluate } };
      loops = new WebAssembly.Instance(this.#compiled.module, imports).exports as unknown as Loops;
      this.#compiled.watch(loops.main);
      this.#loops.set(memory, loops);
    }
    return loops;
  }
}

export class InterpCore implements CpuCore {
  readonly engine: InterpEngine;
  faultAddress = 0;
  faultAccess: Access = 0;
  protected readonly memory: GuestMemory;
  protected readonly loops: Loops;
  protected readonly code: CodeCache;
  protected readonly u32: Uint32Array;
  /**
   * Code was dropped: the next instruction runs from the scratch records. If it is the one that writes to the page it is
   * on, decoding it in the ordinary way would take the page's write permission away again, for ever.
   */
  protected stepFirst = false;

  constructor(engine: InterpEngine, memory: GuestMemory, loops: Loops) {
    this.engine = engine;
    this.memory = memory;
    this.loops = loops;
    this.code = new CodeCache(memory, engine.decoder, engine.handlers, engine);
    this.u32 = new Uint32Array(memory.memory.buffer, 0, 0x2000);
  }

  get instructions(): number {
    const low = this.u32[EXECUTED >> 2] as number;
    return ((this.u32[(EXECUTED >> 2) + 1] as number) * 0x1_0000_0000 + low) / 16;
  }

  /** What was cleared with the context is put back. */
  protected begin(fuel: number): void {
    this.engine.isa.prepare(this.memory.context, fuel === SINGLE_STEP);
    this.code.publish();
  }

  run(fuel: number): Trap {
    this.begin(fuel);
    if (fuel === SINGLE_STEP) {
      const trap = this.step();
      return trap === TRAP_STEPPED || trap === Trap.StepsAhead ? Trap.SingleStep : this.report(trap as Trap);
    }
    if (this.stepFirst) {
      const trap = this.step();
      if (trap !== TRAP_STEPPED) return this.report(trap as Trap);
      this.stepFirst = false;
    }
    const u32 = this.u32;
    const code = this.code;
    const engine = this.engine;
    let left = fuel;
    let from = 0;
    for (;;) {
      if (this.pcBeyond()) return this.report(this.fetchFault());
      const record = code.resolve(u32[PC_WORD] as number, from);
      if (record === 0) return this.report(this.fetchFault());
      // V8 has no on-stack replacement for wasm: main must return now and then to be entered in its optimised form.
      const slice = Math.min(left, engine.branches < EARLY_BRANCHES ? EARLY_SLICE : FUEL_SLICE);
      const trap = this.interpret(record, slice);
      left -= slice - (u32[FUEL_LEFT >> 2] as number);
      from = 0;
      if (trap === TRAP_LOOKUP) from = u32[TRAP_PC >> 2] as number;
      else if (trap !== Trap.Fuel) return this.report(trap as Trap);
      if (left <= 0) return Trap.Fuel;
    }
  }

  /** Runs from a record. */
  protected interpret(record: number, slice: number): number {
    const { engine, loops } = this;
    const trap = engine.branches < engine.briefBranches ? loops.brief(record, slice) : loops.main(record, slice);
    if (engine.branches < EARLY_BRANCHES) engine.branches += slice - (this.u32[FUEL_LEFT >> 2] as number);
    return trap;
  }

  invalidate(start: number, end: number): void {
    this.code.invalidate(start, end);
    this.stepFirst = true;
  }

  fork(child: GuestMemory): CpuCore {
    const core = new InterpCore(this.engine, child, this.engine.loops(child));
    this.copyTo(core);
    return core;
  }
  protected copyTo(core: InterpCore): void {
    // A child that soon execs has little use for much; what it runs it finds among the shared blocks.
    if (this.code.recordCount < COPIED_RECORDS) this.code.copyTo(core.code);
    this.code.lendZones(core.code);
    core.stepFirst = this.stepFirst;
  }

  /** It always is. */
  expectExact(): void {}
  detach(): void {
    this.code.flush();
  }

  /** One instruction. TRAP_STEPPED, or the trap that it raised. */
  protected step(): number {
    const u32 = this.u32;
    if (this.pcBeyond()) return this.fetchFault();
    const record = this.code.scratch(u32[PC_WORD] as number);
    if (record === 0) return this.fetchFault();
    u32[TRAP_CODE >> 2] = 0;
    // A taken branch uses the only fuel and leaves, as does a jump to code that isn't decoded.
    const trap = this.loops.brief(record, 1);
    return trap === Trap.Fuel || trap === TRAP_LOOKUP ? TRAP_STEPPED : trap;
  }

  protected pcBeyond(): boolean {
    return this.u32[PC_WORD + 1] !== 0;
  }

  /** The pc is where nothing may be executed. */
  protected fetchFault(): Trap {
    const { context } = this.memory;
    const pc = context.getBigUint64(PC, true);
    if (!this.engine.isa.canonical(pc)) return Trap.GeneralProtection;
    const at = pc >> 32n === 0n ? BigInt(this.code.faultAddress) : pc;
    context.setBigUint64(FAULT_ADDRESS, at, true);
    context.setUint32(FAULT_ACCESS, 2, true);
    return Trap.PageFault;
  }

  protected report(trap: Trap): Trap {
    const { context } = this.memory;
    if (trap === Trap.PageFault || trap === Trap.Misaligned) {
      this.faultAddress =
        context.getInt32(FAULT_ADDRESS + 4, true) * 0x1_0000_0000 + context.getUint32(FAULT_ADDRESS, true);
      this.faultAccess = context.getUint32(FAULT_ACCESS, true) as Access;
    } else if (trap === Trap.IllegalInstruction && this.engine.log !== undefined) this.#logIllegal(this.engine.log);
    return trap;
  }

  #logIllegal(log: (line: string) => void): void {
    const pc = this.u32[PC_WORD] as number;
    const bytes = [...this.memory.u8.subarray(pc, pc + 15)].map((b) => b.toString(16).padStart(2, "0"));
    log(`illegal or unimplemented instruction at 0x${pc.toString(16)}: ${bytes.join(" ")}`);
  }
}

function compileAnew(bytes: Uint8Array<ArrayBuffer>): CompiledModule {
  return { module: new WebAssembly.Module(bytes), optimised: false, watch: () => {} };
}

/** A generator of pseudo-random numbers (Steele, Lea, Flood: "Fast splittable pseudorandom number generators"). */
function splitmix64(): () => bigint {
  let state = 0n;
  return () => {
    state = BigInt.asUintN(64, state + 0x9e37_79b9_7f4a_7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
    return z ^ (z >> 31n);
  };
}
