/**
 * The translating engine: the interpreter, and WebAssembly made of what it finds hot.
 *
 * What is hot shows itself: where the interpreter's fuel slices end, and where translated code leaves to code that isn't.
 * A region is translated together with those that it calls, into one module, which is compiled at once by V8's baseline
 * compiler and later, in the background, by the optimising one. Modules are kept by the bytes of the code they were made
 * from, so another process that runs the same code at the same addresses only instantiates them.
 *
 * `instructions` counts what the interpreter executes, and for translated code as many as a branch has on average
 * (INSTRUCTIONS_PER_BRANCH): an estimate.
 */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { CONTEXT_OFFSET, PAGE_SHIFT, PAGE_SIZE, PageBits } from "../../mm/layout.ts";
import { type CpuCore, SINGLE_STEP, Trap } from "../core.ts";
import { InterpCore, InterpEngine, type InterpOptions, type Loops } from "../interp/engine.ts";
import {
  CALL_SITES,
  callSiteOffset,
  EXPECT_WANTED,
  FUEL_LEFT,
  INTERPRETED,
  INTERPRETING,
  JUMP_CACHE,
  jumpCacheOffset,
  MISSES,
  MISSES_BETWEEN,
  MISSES_KEPT,
  MISSES_LEFT,
  MISSES_NOTED,
  REGION_FUEL,
  TARGETS,
  TRAP_LOOKUP,
  TRAP_PC,
  TRAP_RARE,
  TRAP_REFUEL,
  TRAP_STEP,
  TRAP_STEPPED,
  UNTIL_SAMPLE,
  WATCHED_JUMPS,
} from "../interp/layout.ts";
import { PC } from "../isa/common.ts";
import { TranslationCache } from "./cache.ts";
import { exportName, link, TARGET_ENTRIES, type Unlinked } from "./names.ts";
import type { Region, RegionFinder } from "./region.ts";
import { type Translated, TranslatedCode } from "./translated.ts";
import type { Translator } from "./translator.ts";

export interface JitOptions extends InterpOptions {
  /** The module with the translator, which is asked for when something is hot. */
  readonly load: () => Promise<{ readonly Translator: typeof Translator }>;
  /** Gets a description of each region that is translated. */
  readonly dump?: (text: string) => void;
  /** Milliseconds, for the statistics. */
  readonly now?: () => number;
  /** Signs of heat before an address is translated; 1 translates all that is executed. */
  readonly threshold?: number;
}

const RIP_WORD = (CONTEXT_OFFSET + PC) >> 2;
const FUEL_WORD = REGION_FUEL >> 2;

/** Branches interpreted between two looks at where it is. A prime, so as not to march in step with loops. */
const SAMPLE_SLICE = 4_999;
/** Fuel of translated code between two returns to here, through which loops get into optimised code. */
const REGION_SLICE = 50_000;
/**
 * A sign of heat is about 50 us of interpretation; a region costs a few ms of processor time until V8 has optimised it, and most of
 * that also if the translation is of another run's. So what is interpreted for less long is left to the interpreter. With 2, Python's start took
 * nine times as long as without the translator, and a compilation by gcc five times.
 */
const DEFAULT_THRESHOLD = 64;
/**
 * Signs are counted by 256 bytes of code, since a region has what is around as well: samples hit a dozen addresses in each such
 * piece. By address, what a server does for each request, spread over some hundred functions, was interpreted for a hundred
 * thousand requests.
 */
const HEAT_SHIFT = 8;
/** Beyond all numbers of such pieces. */
const INSIDE = 2 ** 32;
/** What is translated already is installed after so many times fewer signs: V8 has to compile it, that is all. */
const KNOWN_SHARE = 8;
const MISSES_PER_SAMPLE = 100;
/**
 * The same for code that a region has, but that can't be entered here: behind a call from which a trap led out, mostly. There
 * are many such places, so what is interpreted of them has to be worth a translation each.
 */
const MISSES_INSIDE = 200;
/** Limits, in instructions. */
interface Limits {
  readonly region: number;
  readonly module: number;
}
const WIDE: Limits = { region: 1_000, module: 2_000 };
/**
 * In a large program that does a little everywhere, hardly any translation pays. Then regions are small, since V8 takes four
 * times as long for each byte of a function of 50 KB as for one of 5 KB, and it takes more heat to get one. Only what uses
 * up the fuel of translated code all the same is translated once more, with what is around and what it calls.
 */
const NARROW: Limits = { region: 200, module: 400 };
const THRIFTY_THRESHOLD = 4;
/** So many modules are made without asking whether it pays, and one more for so many branches in translated code. */
const FREE_MODULES = 24;
const BRANCHES_PER_MODULE = 1_000_000;
/** Times that it does before that. */
const WORTH_MORE = 2;
/** Times that a computed call led to a third place, from which on it is not expected to lead to one of two. */
const MANY = 4;
/** The first for a region whose computed jumps are known. */
const MAX_DISPATCHING = 3_000;
/** What cannot be translated for its size is tried with half of that, down to this. */
const LEAST = 200;
/**
 * A region does not end where another begins that is no larger: it has it as well, be it on its way or where it branches to.
 * For what gets hot first is often the inside of a loop, and the function around it would enter that as another region each time.
 */
const MAX_REPEATED = 400;
const MAX_FRAME_FAULTS = 32;
const MAX_RARITIES = 100;
const INSTRUCTIONS_PER_BRANCH = 6;
/** An address for an entry of the jump cache that is free: one that is never looked up there. */
function nowhere(entry: number): number {
  return jumpCacheOffset(0xffff_ffff) === entry ? 1 : 0xffff_ffff;
}

/** What happened, over all address spaces: for tests and for who looks into the speed of something. */
export class JitStatistics {
  regions = 0;
  instructions = 0;
  modules = 0;
  /** Modules of other runs that were of use. */
  loaded = 0;
  /** Bytes of WebAssembly. */
  bytes = 0;
  installed = 0;
  removed = 0;
  /** Faults of the translator's own: none, it is hoped. */
  failed = 0;
  /** Times that translated code was entered from here. */
  entered = 0;
  /** Why translated code left: for one instruction to be interpreted, to code without a translation, for want of fuel. */
  stepped = 0;
  missed = 0;
  refuelled = 0;
  /** Times that the interpreter was entered from here. */
  interpreted = 0;
  /** Milliseconds. */
  translating = 0;
  compiling = 0;
}

export class JitEngine extends InterpEngine {
  override readonly name: string = "jit";
  readonly statistics: JitStatistics = new JitStatistics();
  readonly threshold: number;
  readonly now: () => number;
  readonly dump: ((text: string) => void) | undefined;
  /** Executed by translated code, of all guests. */
  translatedBranches = 0;
  /** undefined until it is loaded. */
  translator: Translator | undefined;
  readonly stubSlot: number;
  /** Slots below are those of the interpreter's functions. */
  readonly firstSlot: number;
  readonly #load: JitOptions["load"];
  #loading: Promise<void> | undefined;
  readonly #slots = new Map<number, number>();
  /** Computed jumps that are watched, in the order of their words in memory. */
  readonly #watched = new Map<number, number>();
  #nextSlot: number;
  readonly #translated = new TranslatedCode();
  readonly #cache: TranslationCache | undefined;

  constructor(options: JitOptions) {
    super(options);
    this.now = options.now ?? (() => 0);
    this.threshold = options.threshold ?? DEFAULT_THRESHOLD;
    this.dump = options.dump;
    this.#load = options.load;
    const { store, module } = options;
    this.#cache = store && new TranslationCache(store, () => store.digest([module]));
    this.stubSlot = this.functions["region_stub"] as number;
    this.firstSlot = Math.max(...Object.values(this.functions)) + 1;
    this.#nextSlot = this.firstSlot;
  }

  /** Loads the translator, which takes some turns of the host's event loop. Without it all goes on, interpreted. */
  loadTranslator(): Promise<void> {
    this.#loading ??= this.#load()
      .then(({ Translator }) => {
        this.translator = new Translator(this.isa.name, this.lines, this.functions, { stubSlot: this.stubSlot });
      })
      .catch((error: unknown) => {
        this.log?.(`the translator cannot be loaded, so everything is interpreted: ${error}`);
      });
    return this.#loading;
  }

  override attach(memory: GuestMemory): CpuCore {
    this.prepare(memory);
    return new JitCore(this, memory, this.loops(memory));
  }

  slotOf(rip: number): number {
    const known = this.#slots.get(rip);
    if (known !== undefined) return known;
    const slot = this.#nextSlot++;
    this.#slots.set(rip, slot);
    return slot;
  }
  /** Offset of the words where translated code notes where the computed jump at an address leads. */
  targetsOf(rip: number): number {
    let n = this.#watched.get(rip);
    // When there is no more room they share, and see each other's.
    if (n === undefined) this.#watched.set(rip, (n = this.#watched.size % WATCHED_JUMPS));
    return TARGETS + n * TARGET_ENTRIES * 4;
  }
  get slotCount(): number {
    return this.#nextSlot;
  }

  /** What was translated so far is hardly used. */
  get thrifty(): boolean {
    const free = FREE_MODULES + this.translatedBranches / BRANCHES_PER_MODULE;
    return this.threshold > 1 && this.statistics.modules > free;
  }
  /** What was translated of the code at an address, if it is the same code. */
  known(rip: number, memory: GuestMemory, exact: boolean): Translated | undefined {
    return this.#translated.find(rip, memory, exact);
  }
  /** Gets to know what other runs have left about the page at an address. */
  load(rip: number, memory: GuestMemory): void {
    for (const translated of this.#cache?.load(rip, memory) ?? []) this.#translated.add(translated);
  }
  keep(
    regions: readonly Region[],
    unlinked: Unlinked,
    module: WebAssembly.Module,
    { memory, ...how }: { readonly memory: GuestMemory } & Pick<Translated, "exact" | "wide" | "targets">,
  ): Translated {
    const code = regions.flatMap(({ ranges }) =>
      ranges.map(([start, end]) => ({ start, bytes: memory.u8.slice(start, end) })),
    );
    const { jumps } = regions[0] as Region;
    const entries = regions.map(({ entry }) => entry);
    const sizes = regions.map(({ instructions }) => instructions);
    const cache = this.#cache;
    const translated = { entries, sizes, module, unlinked: cache && unlinked, code, jumps, ...how };
    this.#translated.add(translated);
    cache?.add(translated, memory);
    return translated;
  }
  /** Undefined if what was kept by another run is no module, and so as if it were not there. */
  moduleOf(translated: Translated): WebAssembly.Module | undefined {
    if (translated.module !== undefined) return translated.module;
    try {
      translated.module = this.compile(translated.unlinked as Unlinked);
    } catch (error) {
      this.log?.(`a translation of another run's is of no use: ${error}`);
      this.#translated.drop(translated);
      return undefined;
    }
    translated.unlinked = undefined;
    this.statistics.loaded++;
    return translated.module;
  }
  compile(unlinked: Unlinked): WebAssembly.Module {
    const began = this.now();
    const module = new WebAssembly.Module(link(unlinked, this));
    this.statistics.compiling += this.now() - began;
    return module;
  }

  override save(): void {
    super.save();
    this.#cache?.save();
  }
}

/** What is installed at an address. */
interface Installed {
  readonly slot: number;
  /** Instructions. */
  readonly size: number;
  readonly ranges: readonly (readonly [number, number])[];
  readonly from: Translated;
}

export class JitCore extends InterpCore {
  readonly #engine: JitEngine;
  #finder: RegionFinder | undefined;
  readonly #installed = new Map<number, Installed>();
  /** Signs of heat by place (HEAT_SHIFT). */
  readonly #heat = new Map<number, number>();
  /** Small regions in which the fuel of translated code ended, how often. */
  readonly #worth = new Map<number, number>();
  /** Where translation failed. */
  readonly #hopeless = new Set<number>();
  /** By page: which of its bytes a region was made from, be it in use still or not. */
  readonly #covered = new Map<number, Uint8Array>();
  /** Pages whose translations of other runs are known. */
  readonly #loaded = new Set<number>();
  /** The low part of the memory: context, fuel, jump cache. */
  readonly #words: Uint32Array;
  /** Branches to be interpreted before the next look. */
  #untilSample = SAMPLE_SLICE;
  #missesLeft = MISSES_BETWEEN;
  /** Regions entered in vain, since their frame is not there, how often; those without a check of it. */
  readonly #frameFaults = new Map<number, number>();
  readonly #frameless = new Set<number>();
  /** The same of what regions leave to the interpreter as rare: by instruction; regions that do it themselves. */
  readonly #rarities = new Map<number, number>();
  readonly #generic = new Set<number>();
  /** Somebody may look at the state that a fault leaves. */
  #exact = false;
  /** By translated code. */
  #executed = 0;
  #environment: Record<string, WebAssembly.ImportValue> | undefined;

  constructor(engine: JitEngine, memory: GuestMemory, loops: Loops) {
    super(engine, memory, loops);
    this.#engine = engine;
    this.#words = new Uint32Array(memory.memory.buffer, 0, TARGETS / 4 + WATCHED_JUMPS * TARGET_ENTRIES);
    // Zeros would be found by a jump to 0, but nothing but its first entry.
    const first = (JUMP_CACHE + jumpCacheOffset(0)) >> 2;
    if (this.#words[first] === 0) this.#words[first] = nowhere(jumpCacheOffset(0));
  }

  override get instructions(): number {
    return super.instructions + this.#executed;
  }

  override run(fuel: number): Trap {
    if (fuel === SINGLE_STEP) return super.run(fuel);
    this.begin(fuel);
    const { u32, code } = this;
    const engine = this.#engine;
    const { statistics } = engine;
    if (this.stepFirst) {
      const trap = this.step();
      if (trap !== TRAP_STEPPED) return this.report(trap as Trap);
      this.stepFirst = false;
    }
    let left = fuel;
    let from = 0;
    for (;;) {
      if (this.pcBeyond()) return this.report(this.fetchFault());
      const rip = u32[RIP_WORD] as number;
      const installed =
        this.#installed.get(rip) ?? (engine.threshold === 1 && this.#heatUp(rip, 1) && this.#installed.get(rip));
      const record = installed ? 0 : code.resolve(rip, from);
      from = 0;
      if (installed) {
        statistics.entered++;
        this.#remember(rip, installed.slot);
      } else if (record === 0) return this.report(this.fetchFault());
      let trap: number;
      if (installed || this.#interpreting) {
        const slice = Math.min(left, REGION_SLICE);
        trap = this.#drive(slice);
        left -= Math.max(slice - ((this.#words[FUEL_WORD] as number) | 0), 1);
      } else {
        // A program that calls the kernel more often than that is sampled as well.
        const slice = Math.min(left, this.#untilSample);
        statistics.interpreted++;
        trap = this.interpret(record, slice);
        const used = slice - (u32[FUEL_LEFT >> 2] as number);
        left -= used;
        this.#untilSample -= used;
      }
      const sampled = this.#untilSample <= 0;
      if (sampled) this.#untilSample = SAMPLE_SLICE;
      if (trap === TRAP_LOOKUP || trap === Trap.Fuel) {
        if (trap === TRAP_LOOKUP) from = u32[TRAP_PC >> 2] as number;
        if (sampled) this.#heatUp(u32[RIP_WORD] as number, 1);
      } else if (trap === TRAP_REFUEL) {
        statistics.refuelled++;
        this.#heatUp(u32[RIP_WORD] as number, 1, true);
      } else if (trap === TRAP_RARE && this.#rarity(u32[RIP_WORD] as number)) {
        // There is another translation now.
      } else if (trap === TRAP_STEP || trap === TRAP_RARE) {
        statistics.stepped++;
        this.#frameFault(u32[RIP_WORD] as number);
        const stepped = this.step();
        if (stepped !== TRAP_STEPPED) return this.report(stepped as Trap);
      } else return this.report(trap as Trap);
      if (left <= 0) return Trap.Fuel;
    }
  }

  /** What is not translated is interpreted without a return to here. */
  get #interpreting(): boolean {
    const engine = this.#engine;
    return engine.threshold > 1 && engine.branches >= engine.briefBranches;
  }
  /** Runs from the pc, which the jump cache or the decoded code knows. Returns the trap that ends it. */
  #drive(slice: number): number {
    const words = this.#words;
    words[FUEL_WORD] = slice;
    words[UNTIL_SAMPLE >> 2] = this.#untilSample;
    words[INTERPRETED >> 2] = 0;
    words[INTERPRETING >> 2] = this.#interpreting ? 1 : 0;
    words[MISSES_LEFT >> 2] = this.#missesLeft;
    words[MISSES_NOTED >> 2] = 0;
    words[EXPECT_WANTED >> 2] = 0;
    const trap = this.loops.drive();
    const interpreted = words[INTERPRETED >> 2] as number;
    this.#untilSample = (words[UNTIL_SAMPLE >> 2] as number) | 0;
    this.#missesLeft = words[MISSES_LEFT >> 2] as number;
    const noted = words[MISSES_NOTED >> 2] as number;
    if (noted > 0) this.#miss(noted);
    const wanted = words[EXPECT_WANTED >> 2] as number;
    if (wanted !== 0) this.code.expect(wanted);
    const translated = slice - ((words[FUEL_WORD] as number) | 0) - interpreted;
    this.#executed += translated * INSTRUCTIONS_PER_BRANCH;
    this.#engine.translatedBranches += translated;
    return trap;
  }
  /** Makes sure that the jump cache has an address. */
  #remember(rip: number, slot: number): void {
    const entry = (JUMP_CACHE + jumpCacheOffset(rip)) >> 2;
    this.#words[entry] = rip;
    this.#words[entry + 1] = slot;
  }

  /** Translated code has led to code without a translation, to so many places that were noted. */
  #miss(noted: number): void {
    this.#engine.statistics.missed += noted * MISSES_BETWEEN;
    const places = this.#words.slice(MISSES >> 2, (MISSES >> 2) + Math.min(noted, MISSES_KEPT));
    const weight = (MISSES_BETWEEN * noted) / places.length;
    for (const rip of places) this.#heatUp(rip, weight / (this.#isInside(rip) ? MISSES_INSIDE : MISSES_PER_SAMPLE));
  }
  #isInside(rip: number): boolean {
    return this.#covered.get(rip >>> PAGE_SHIFT)?.[rip & (PAGE_SIZE - 1)] === 1;
  }
  #cover(from: number, to: number): void {
    for (let page = from >>> PAGE_SHIFT; page <= (to - 1) >>> PAGE_SHIFT; page++) {
      const start = page * PAGE_SIZE;
      let bytes = this.#covered.get(page);
      if (bytes === undefined) this.#covered.set(page, (bytes = new Uint8Array(PAGE_SIZE)));
      bytes.fill(1, Math.max(0, from - start), Math.min(PAGE_SIZE, to - start));
    }
  }

  /** Notes that code at an address is executed a good deal. True if there is a translation of it now. */
  #heatUp(rip: number, by: number, refuelled = false): boolean {
    const installed = this.#installed.get(rip);
    if (installed !== undefined) {
      this.#learn(rip, installed.from);
      if (refuelled) this.#widen(rip);
      return true;
    }
    if (this.#hopeless.has(rip)) return false;
    // What can't be entered here counts for itself: else each such place would be translated as soon as those around it were.
    const place = this.#isInside(rip) ? rip + INSIDE : rip >>> HEAT_SHIFT;
    const heat = (this.#heat.get(place) ?? 0) + by;
    this.#heat.set(place, heat);
    const { thrifty } = this.#engine;
    const threshold = this.#engine.threshold * (thrifty && !refuelled ? THRIFTY_THRESHOLD : 1);
    if (heat < this.#engine.threshold / KNOWN_SHARE) return false;
    const known = this.#known(rip);
    if (known === undefined && heat < threshold) return false;
    if (known === undefined && !this.#canTranslate()) return false;
    const translated = known ?? this.#translate(rip, [], thrifty && !refuelled ? NARROW : WIDE);
    if (translated === undefined) {
      this.#hopeless.add(rip);
      return false;
    }
    this.#heat.delete(place);
    return this.#install(translated, rip);
  }
  #known(rip: number): Translated | undefined {
    const page = rip >>> PAGE_SHIFT;
    // Code that is called for the first time may not be in memory yet.
    if (((this.memory.pages[page] as number) & PageBits.Exec) === 0) return undefined;
    if (!this.#loaded.has(page)) {
      this.#loaded.add(page);
      this.#engine.load(rip, this.memory);
    }
    return this.#engine.known(rip, this.memory, this.#exact);
  }
  /** False as long as the translator is being loaded. */
  #canTranslate(): boolean {
    if (this.#engine.translator !== undefined) return true;
    void this.#engine.loadTranslator();
    return false;
  }

  /** Where that happens again and again, the region is made without the check of its frame. */
  #frameFault(rip: number): void {
    const installed = this.#installed.get(rip);
    if (installed === undefined || this.#frameless.has(rip)) return;
    const count = (this.#frameFaults.get(rip) ?? 0) + 1;
    this.#frameFaults.set(rip, count);
    if (count < MAX_FRAME_FAULTS) return;
    this.#frameless.add(rip);
    this.#translateAgain(rip, installed);
  }
  /** What is not rare after all, regions do themselves from then on. True if some have just been translated for that. */
  #rarity(rip: number): boolean {
    const count = (this.#rarities.get(rip) ?? 0) + 1;
    this.#rarities.set(rip, count);
    // Once a program has loaded MXCSR it stays like that.
    if (count < MAX_RARITIES && this.memory.context.getUint32(this.#engine.isa.carefulAt, true) === 0) return false;
    if (!this.#canTranslate()) return false;
    let again = false;
    for (const [entry, installed] of [...this.#installed]) {
      if (this.#generic.has(entry) || !installed.ranges.some(([from, to]) => rip >= from && rip < to)) continue;
      this.#generic.add(entry);
      this.#translateAgain(entry, installed);
      again = true;
    }
    return again;
  }
  #translateAgain(rip: number, installed: Installed): void {
    this.#remove(rip, installed);
    const translated = this.#canTranslate()
      ? this.#translate(rip, installed.from.targets, installed.from.wide ? WIDE : NARROW)
      : undefined;
    if (translated !== undefined) this.#install(translated, rip);
  }

  /** A small region that is hot is translated again, as a larger one. */
  #widen(rip: number): void {
    const installed = this.#installed.get(rip);
    if (installed === undefined || installed.from.wide) return;
    const count = (this.#worth.get(rip) ?? 0) + 1;
    this.#worth.set(rip, count);
    if (count < WORTH_MORE || !this.#canTranslate()) return;
    const translated = this.#translate(rip, installed.from.targets, WIDE);
    if (translated !== undefined) this.#install(translated, rip);
  }
  /** A region that is hot and whose computed jumps lead out of it is translated again, with what they lead to. */
  #learn(rip: number, { entries, jumps, targets }: Translated): void {
    if (entries[0] !== rip || jumps.length === 0) return;
    const seen = new Set(jumps.flatMap((jump) => this.#targets(jump)));
    const news = [...seen].filter((t) => !targets.includes(t)).length;
    if (news === 0 || news * 8 < targets.length || !this.#canTranslate()) return;
    this.#remove(rip, this.#installed.get(rip) as Installed);
    const translated = this.#translate(rip, [...new Set([...targets, ...seen])], WIDE);
    if (translated !== undefined) this.#install(translated, rip);
  }
  /** Where a computed jump was seen to lead. */
  #targets(jump: number): number[] {
    const at = this.#engine.targetsOf(jump) >> 2;
    return [...new Set(this.#words.subarray(at, at + TARGET_ENTRIES))].filter((t) => t !== 0 && this.code.has(t));
  }

  /** Where the interpreter saw a computed call or jump lead, if to one place or two. */
  #expected(rip: number): number[] {
    const at = (CALL_SITES + callSiteOffset(rip)) >> 2;
    const [site, last, other, more] = this.#words.subarray(at, at + 4);
    if (site !== rip || (more ?? 0) > MANY) return [];
    return [last ?? 0, other ?? 0].filter((target) => target !== 0);
  }

  /**
   * Should the translator fail, the program goes on without: the interpreter can do everything.
   * @param targets where its computed jumps are known to lead
   */
  #translate(
    rip: number,
    targets: readonly number[],
    limits: Limits,
    most: number = MAX_DISPATCHING,
  ): Translated | undefined {
    try {
      return this.#translateRegions(rip, targets, limits, most);
    } catch (error) {
      // Blocks nest so deep that the host's stack is too small for them.
      if (error instanceof RangeError && most > LEAST) return this.#translate(rip, targets, limits, most / 2);
      this.#engine.statistics.failed++;
      this.#engine.log?.(`translation of the code at 0x${rip.toString(16)} failed: ${error}`);
      return undefined;
    }
  }
  #translateRegions(rip: number, targets: readonly number[], limits: Limits, most: number): Translated | undefined {
    const translator = this.#engine.translator as Translator;
    this.#finder ??= translator.finder(this.memory);
    const engine = this.#engine;
    const regions: Region[] = [];
    const wanted = [rip];
    let size = 0;
    const seen = new Set<number>();
    // Those that there is no room for are no news the next time.
    const offered = new Set(targets);
    // What has a region already is left to it.
    const all = targets.length > 0;
    const wide = limits === WIDE;
    const done = (target: number): boolean => {
      const installed = this.#installed.get(target);
      return installed !== undefined && (!wide || installed.from.wide);
    };
    const executed = (target: number): boolean => engine.threshold === 1 || this.code.has(target);
    const mine = (target: number): boolean => executed(target) && (all || target === rip || !done(target));
    const small = (at: number): boolean => (this.#installed.get(at)?.size ?? 0) <= MAX_REPEATED;
    for (let next = wanted.shift(); next !== undefined && size < limits.module; next = wanted.shift()) {
      if (seen.has(next) || done(next)) continue;
      seen.add(next);
      if (next !== rip && !mine(next)) continue;
      const region = this.#finder.find(next, {
        instructions: targets.length > 0 ? most : Math.min(limits.region, most),
        targets: (jump) => {
          if (next !== rip) return [];
          for (const seen of this.#targets(jump)) offered.add(seen);
          return [...offered];
        },
        expected: (at) => this.#expected(at).filter(executed),
        stops: (at) => !all && !small(at),
        follow: (target) => target === next || (executed(target) && (all || small(target))),
      });
      if (region === undefined) {
        if (next === rip) return undefined;
        continue;
      }
      regions.push(region);
      size += region.instructions;
      if (engine.threshold > 1) wanted.push(...region.callees);
    }
    const { statistics } = engine;
    const began = engine.now();
    const unlinked = translator.translate(regions, {
      framed: (entry) => !this.#frameless.has(entry),
      lean: (entry) => !this.#generic.has(entry),
      exact: this.#exact,
    });
    statistics.translating += engine.now() - began;
    engine.dump?.(translator.describe(regions, link(unlinked, engine), this.memory));
    const module = engine.compile(unlinked);
    statistics.modules++;
    statistics.bytes += unlinked.bytes.length;
    statistics.regions += regions.length;
    statistics.instructions += size;
    return engine.keep(regions, unlinked, module, {
      memory: this.memory,
      exact: this.#exact,
      wide,
      targets: [...offered],
    });
  }

  /** False if that is not possible. */
  #install(translated: Translated, wanted: number): boolean {
    const { entries, code } = translated;
    const engine = this.#engine;
    const module = engine.moduleOf(translated);
    if (module === undefined) return false;
    const { table } = this.loops;
    for (const rip of entries) engine.slotOf(rip);
    this.#growTable();
    // The interpreter's globals are among its exports.
    let exports: WebAssembly.Exports;
    try {
      ({ exports } = new WebAssembly.Instance(module, { env: this.#imports }));
    } catch (error) {
      // The host has no room for more code.
      engine.log?.(`a translation cannot be used: ${error}`);
      this.#hopeless.add(wanted);
      return false;
    }
    const ranges = code.map(({ start, bytes }): [number, number] => [start, start + bytes.length]);
    for (const [start, end] of ranges) {
      this.code.watch(start, end);
      this.#cover(start, end);
    }
    for (const [i, rip] of entries.entries()) {
      const before = this.#installed.get(rip);
      if (before !== undefined && (before.from.wide || !translated.wide)) continue;
      // Something newer is left to be found when it is wanted.
      if (rip !== wanted && engine.known(rip, this.memory, this.#exact) !== translated) continue;
      const slot = engine.slotOf(rip);
      table.set(slot, exports[exportName(rip)] as () => number);
      this.#installed.set(rip, { slot, size: translated.sizes[i] as number, ranges, from: translated });
      engine.statistics.installed++;
      this.code.exclude(rip);
      this.#remember(rip, slot);
    }
    return true;
  }
  /**
   * What translated modules import. Their table has nothing but the interpreter's functions and never changes: V8 copies
   * it for each of them.
   */
  get #imports(): Record<string, WebAssembly.ImportValue> {
    if (this.#environment !== undefined) return this.#environment;
    const { table } = this.loops;
    const functions = new WebAssembly.Table({ element: "anyfunc", initial: this.#engine.firstSlot });
    for (let i = 0; i < functions.length; i++) functions.set(i, table.get(i));
    this.#environment = { ...(this.loops as unknown as WebAssembly.Exports), memory: this.memory.memory, functions };
    return this.#environment;
  }
  #growTable(): void {
    const { table } = this.loops;
    const missing = this.#engine.slotCount - table.length;
    if (missing > 0) table.grow(missing + (table.length >> 1), table.get(this.#engine.stubSlot));
  }

  #remove(rip: number, { slot }: Installed): void {
    const { table } = this.loops;
    this.#installed.delete(rip);
    this.#engine.statistics.removed++;
    table.set(slot, table.get(this.#engine.stubSlot));
    const entry = (JUMP_CACHE + jumpCacheOffset(rip)) >> 2;
    if (this.#words[entry] === rip) this.#words[entry] = nowhere(jumpCacheOffset(rip));
    this.code.include(rip);
  }

  override expectExact(): void {
    if (this.#exact) return;
    this.#exact = true;
    for (const [rip, installed] of [...this.#installed]) if (!installed.from.exact) this.#remove(rip, installed);
  }

  override invalidate(start: number, end: number): void {
    for (const [rip, installed] of this.#installed)
      if (installed.ranges.some(([from, to]) => from < end && to > start)) this.#remove(rip, installed);
    this.#heat.clear();
    this.#hopeless.clear();
    this.#covered.clear();
    this.#forget(start, end);
    super.invalidate(start, end);
  }

  /** What is in these pages may be something else now. */
  #forget(start: number, end: number): void {
    for (const page of this.#loaded)
      if (page >= start >>> PAGE_SHIFT && page <= (end - 1) >>> PAGE_SHIFT) this.#loaded.delete(page);
  }

  override fork(child: GuestMemory): CpuCore {
    const core = new JitCore(this.#engine, child, this.#engine.loops(child));
    core.#exact = this.#exact;
    this.copyTo(core);
    return core;
  }

  override detach(): void {
    for (const [rip, installed] of [...this.#installed]) this.#remove(rip, installed);
    super.detach();
  }
}
