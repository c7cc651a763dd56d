/**
 * Two engines, one program, when the one under test does not stop after each instruction: translated code is only itself
 * when it runs whole regions.
 *
 * The engine under test goes first, in the guest's memory, for a slice: a few branches, a few hundred instructions. The
 * reference then executes single instructions, in a memory of its own (the shadow), until it gets to the same pc with the
 * same registers; if it does not, or if memory is not the same there, that is the difference. The shadow is filled by the
 * reference's own page faults, with pages as they were before the slice: so what the engine under test may change has to be
 * copied before. That is done when it stores to a page for the first time since the kernel was at work, which is a page fault
 * of our making (WriteFence); from then on there is a copy of that page from before each slice.
 *
 * What an engine asks the host for, time stamps and random numbers, the reference gets as the engine under test got it
 * (`Answers`). Only states that are compared have to be exact, so the engine under test is told to expect that they are
 * (`expectExact`).
 */
import { GuestMemory } from "../mm/guest-memory.ts";
import { CONTEXT_OFFSET, PAGE_SIZE, PageBits } from "../mm/layout.ts";
import { Access, type CpuCore, type CpuEngine, type IsaName, SINGLE_STEP, Trap } from "./core.ts";
import { PC } from "./isa/common.ts";
import { LockstepDifference } from "./lockstep.ts";
import { hex } from "./lockstep-compare.ts";
import { WriteFence } from "./lockstep-memory.ts";
import { type Visible, visible } from "./lockstep-visible.ts";

/** Branches of a slice, and instructions after which the reference must have got there. */
const SLICE = 8;
const MAX_STEPS = 200_000;
/** So many pages are kept open for stores; then all are closed again. */
const MAX_OPEN = 64;
const RIGHTS = PageBits.Present | PageBits.Read | PageBits.Write | PageBits.Exec;

/** What the host answered to the engine under test, for the reference. */
export class Answers {
  readonly #answers: bigint[] = [];

  /** A function of the host's, for the engine under test. */
  record(ask: () => bigint): () => bigint {
    return () => {
      const answer = ask();
      this.#answers.push(answer);
      return answer;
    };
  }
  /** The same for the reference. */
  readonly replay = (): bigint => this.#answers.shift() ?? 0n;
  forget(): void {
    this.#answers.length = 0;
  }
}

export class SlicedLockstepEngine implements CpuEngine {
  readonly name = "lockstep";
  readonly isas: readonly IsaName[];
  readonly countsTime: boolean;
  readonly subject: CpuEngine;
  readonly reference: CpuEngine;
  readonly answers: Answers;

  /** @param reference executes exactly one instruction for SINGLE_STEP */
  constructor(subject: CpuEngine, reference: CpuEngine, answers: Answers = new Answers()) {
    this.subject = subject;
    this.reference = reference;
    this.answers = answers;
    this.isas = subject.isas.filter((isa) => reference.isas.includes(isa));
    this.countsTime = subject.countsTime ?? false;
  }

  attach(memory: GuestMemory, isa: IsaName = "x86_64"): CpuCore {
    return new SlicedCore(this, isa, memory, this.subject.attach(memory, isa));
  }
  save(): void {
    this.subject.save?.();
  }
}

class SlicedCore implements CpuCore {
  readonly engine: SlicedLockstepEngine;
  readonly #isa: IsaName;
  readonly #visible: Visible;
  readonly #memory: GuestMemory;
  readonly #subject: CpuCore;
  readonly #shadow: GuestMemory = new GuestMemory();
  readonly #reference: CpuCore;
  readonly #fence: WriteFence;
  /** Pages of the shadow that are as the guest's. */
  readonly #loaded = new Set<number>();
  /** Of each page that may be stored to, what it was before the slice. */
  readonly #open = new Map<number, Uint8Array>();
  readonly #before: Uint8Array;

  constructor(engine: SlicedLockstepEngine, isa: IsaName, memory: GuestMemory, subject: CpuCore) {
    this.engine = engine;
    this.#isa = isa;
    this.#visible = visible[isa];
    this.#memory = memory;
    this.#subject = subject;
    this.#reference = engine.reference.attach(this.#shadow, isa);
    this.#fence = new WriteFence(memory);
    this.#before = new Uint8Array(this.#visible.size);
    subject.expectExact();
    this.#reference.expectExact();
  }

  get faultAddress(): number {
    return this.#subject.faultAddress;
  }
  get faultAccess(): Access {
    return this.#subject.faultAccess;
  }
  get instructions(): number {
    return this.#subject.instructions;
  }

  run(fuel: number): Trap {
    // The kernel may have changed anything.
    this.#unload();
    if (fuel === SINGLE_STEP) return this.#subject.run(fuel);
    this.#fence.collect();
    this.#fence.raise();
    try {
      for (let left = fuel; left > 0; left -= SLICE) {
        const trap = this.#slice();
        if (trap !== Trap.Fuel) return trap;
      }
      return Trap.Fuel;
    } finally {
      this.#fence.lower();
      this.#open.clear();
    }
  }

  /** The engine under test for some branches, then the reference to the same place. */
  #slice(): Trap {
    const { raw, pages } = this.#memory;
    if (this.#open.size > MAX_OPEN) this.#close();
    for (const [page, copy] of this.#open) copy.set(this.#memory.bytes(page * PAGE_SIZE, PAGE_SIZE));
    const from = CONTEXT_OFFSET;
    this.#before.set(raw.subarray(from, from + this.#before.length));
    this.engine.answers.forget();
    let trap: Trap;
    for (;;) {
      trap = this.#subject.run(SLICE);
      const page = Math.floor(this.faultAddress / PAGE_SIZE);
      if (trap !== Trap.PageFault || this.faultAccess !== Access.Write || !this.#fence.hides(page)) break;
      this.#open.set(page, this.#memory.bytes(page * PAGE_SIZE, PAGE_SIZE).slice());
      this.#fence.open(page);
      this.#memory.rightsChanged(page);
    }
    // A store to a page that code was decoded from: the kernel is to know, the reference need not try.
    const isCode =
      trap === Trap.PageFault &&
      this.faultAccess === Access.Write &&
      ((pages[Math.floor(this.faultAddress / PAGE_SIZE)] ?? 0) & PageBits.Code) !== 0;
    this.#catchUp(isCode ? Trap.Fuel : trap);
    return trap;
  }

  #close(): void {
    for (const page of this.#open.keys()) {
      const { pages } = this.#memory;
      pages[page] = (pages[page] as number) & ~PageBits.Write;
      this.#memory.rightsTaken(page);
    }
    this.#open.clear();
  }

  /** The reference executes what the engine under test has executed since `#before`. */
  #catchUp(end: Trap): void {
    const shadow = this.#shadow;
    shadow.raw.set(this.#before, CONTEXT_OFFSET);
    const start = this.#pc(shadow);
    if (end === Trap.Fuel && this.#same()) return;
    let nearest: { readonly steps: number; readonly lines: readonly string[] } | undefined;
    const lines = (): string[] =>
      nearest === undefined
        ? []
        : [`after ${nearest.steps} instructions the reference is there, with:`, ...nearest.lines];
    let last = start;
    for (let steps = 1; steps <= MAX_STEPS; steps++) {
      last = this.#pc(shadow);
      const trap = this.#step();
      const there = shadow.context.getBigUint64(PC, true) === this.#memory.context.getBigUint64(PC, true);
      const ended = trap !== Trap.SingleStep;
      if (there && trap === (end === Trap.Fuel ? Trap.SingleStep : end) && this.#same()) {
        this.#compareFault(trap, start, last);
        return;
      }
      if (there && (ended || end === Trap.Fuel)) {
        const found = this.#registers();
        if (found.length === 0) found.push(...this.#bytes());
        if (nearest === undefined || found.length < nearest.lines.length) nearest = { steps, lines: found };
      }
      if (!ended) continue;
      const at = this.#pc(shadow).toString(16);
      this.#differ(start, last, [
        `the reference ends by ${nameOf(trap)}, after ${steps} instructions, at 0x${at}`,
        ...lines(),
      ]);
    }
    this.#differ(start, last, [`the reference does not get there in ${MAX_STEPS} instructions`, ...lines()]);
  }

  /** One instruction of the reference, whose page faults are answered from the guest's memory. */
  #step(): Trap {
    const reference = this.#reference;
    for (;;) {
      const trap = reference.run(SINGLE_STEP);
      if (trap !== Trap.PageFault) return trap;
      const page = Math.floor(reference.faultAddress / PAGE_SIZE);
      if (!this.#load(page)) return trap;
    }
  }

  /** True if the shadow has a page that it had not, or may store to one that it might not. */
  #load(page: number): boolean {
    const { pages } = this.#memory;
    const shadow = this.#shadow;
    const bits = pages[page] ?? 0;
    // The fence, and code that was decoded from a page, only hide that it may be written.
    const open = this.#open.has(page) || this.#fence.hides(page);
    const rights = (bits & RIGHTS) | (open ? PageBits.Write : 0);
    if (!this.#loaded.has(page)) {
      if ((rights & PageBits.Present) === 0) return false;
      this.#loaded.add(page);
      const now = this.#open.get(page) ?? this.#memory.bytes(page * PAGE_SIZE, PAGE_SIZE);
      const old = shadow.bytes(page * PAGE_SIZE, PAGE_SIZE);
      if (old.some((byte, i) => byte !== now[i])) {
        this.#reference.invalidate(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
        old.set(now);
      }
      shadow.pages[page] = rights;
      shadow.rightsChanged(page);
      // An engine that decodes ahead may want the next one before the program does.
      if ((rights & PageBits.Exec) !== 0) this.#load(page + 1);
      return true;
    }
    // A store to what the reference has decoded.
    if (((shadow.pages[page] as number) & PageBits.Code) === 0 || (rights & PageBits.Write) === 0) return false;
    this.#reference.invalidate(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    shadow.pages[page] = rights;
    shadow.rightsChanged(page);
    return true;
  }
  #unload(): void {
    const { pages } = this.#shadow;
    for (const page of this.#loaded) {
      pages[page] = 0;
      this.#shadow.rightsTaken(page);
    }
    this.#loaded.clear();
    this.#shadow.forgetStackWindow();
  }

  #pc(memory: GuestMemory): number {
    return Number(memory.context.getBigUint64(PC, true));
  }
  /** Registers and memory. */
  #same(): boolean {
    return this.#visible.equal(this.#memory, this.#shadow) && this.#bytes().length === 0;
  }
  #registers(): string[] {
    return this.#visible
      .differences(this.#memory.context, this.#shadow.context)
      .map(([name, actual, expected]) => `${name}: ${this.engine.subject.name} ${actual}, reference ${expected}`);
  }
  /** The first byte that is not the same. */
  #bytes(): string[] {
    for (const page of new Set([...this.#open.keys(), ...this.#loaded])) {
      const actual = this.#memory.bytes(page * PAGE_SIZE, PAGE_SIZE);
      const expected = this.#loaded.has(page)
        ? this.#shadow.bytes(page * PAGE_SIZE, PAGE_SIZE)
        : (this.#open.get(page) as Uint8Array);
      if (equal(actual, expected)) continue;
      const i = actual.findIndex((byte, at) => byte !== expected[at]);
      const at = (page * PAGE_SIZE + i).toString(16);
      return [
        `memory 0x${at}: ${this.engine.subject.name} ${hex(actual[i] as number, 2)}, reference ${hex(expected[i] as number, 2)}`,
      ];
    }
    return [];
  }

  #compareFault(trap: Trap, start: number, last: number): void {
    if (trap !== Trap.PageFault) return;
    const reference = this.#reference;
    if (this.faultAddress === reference.faultAddress && this.faultAccess === reference.faultAccess) return;
    const text = (core: CpuCore): string => `access ${core.faultAccess} to 0x${core.faultAddress.toString(16)}`;
    this.#differ(start, last, [`page fault: ${this.engine.subject.name} ${text(this)}, reference ${text(reference)}`]);
  }

  #differ(start: number, last: number, differences: readonly string[]): never {
    const { subject, reference } = this.engine;
    const bytes = Array.from(this.#memory.u8.subarray(last, last + 15), (b) => hex(b, 2)).join(" ");
    throw new LockstepDifference(
      [
        `lockstep: ${subject.name} and ${reference.name} differ between 0x${start.toString(16)} and 0x${this.#pc(this.#memory).toString(16)}`,
        ...differences.slice(0, 20).map((line) => `  ${line}`),
        `  the last instruction of the reference: 0x${last.toString(16)}: ${bytes}`,
      ].join("\n"),
    );
  }

  invalidate(start: number, end: number): void {
    this.#subject.invalidate(start, end);
  }
  fork(child: GuestMemory): CpuCore {
    return new SlicedCore(this.engine, this.#isa, child, this.#subject.fork(child));
  }
  expectExact(): void {}
  detach(): void {
    this.#reference.detach();
    this.#subject.detach();
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function nameOf(trap: Trap): string {
  return Object.entries(Trap).find(([, value]) => value === trap)?.[0] ?? String(trap);
}
