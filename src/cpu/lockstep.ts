/**
 * Two engines, one program: every instruction is executed by both, and the first difference in registers, flags or memory
 * stops the run with the instruction that made it.
 *
 * The reference, Unicorn, goes first, a batch of instructions at a time: leaving and entering it costs as much as dozens of
 * instructions. It reports each instruction and each store (unicorn/trace.ts), so that after the batch the registers after
 * every single instruction are known, and what every store wrote and overwrote. Its stores are then undone, and the engine
 * under test executes the same instructions for good, one by one, and is compared after each: all registers
 * (lockstep-compare.ts), and the bytes that the reference stored. So the guest only ever sees what the engine under test did,
 * and there is one memory, not two. While they agree Unicorn goes on with the registers it has; it is given those of the
 * context after the kernel was at work, and whenever the two are no longer the same to the last bit.
 *
 * Bytes that the engine under test alone stores are found at the end of a batch, on the pages that either has written to
 * (lockstep-memory.ts); the batch is then repeated, and they are looked for after every instruction. A page fault must be one
 * of both engines, at the same address. What is not compared, and why: isa/x86_64/comparable.ts.
 */
import type { GuestMemory } from "../mm/guest-memory.ts";
import { CONTEXT_OFFSET, PAGE_SIZE, PageBits } from "../mm/layout.ts";
import { Access, type CpuCore, type CpuEngine, type IsaName, SINGLE_STEP, Trap } from "./core.ts";
import { readFlags } from "./isa/x86_64/arch.ts";
import {
  comparable,
  FROM_SAME_STATE,
  INCOMPARABLE,
  isJump,
  mayDemandAlignment,
  modifiesMemory,
} from "./isa/x86_64/comparable.ts";
import * as ctx from "./isa/x86_64/context.ts";
import { type Difference, hex, hex64, RegisterComparison } from "./lockstep-compare.ts";
import { type ByteDifference, WatchedPages, WriteFence } from "./lockstep-memory.ts";
import { ripOf, type UnicornCore, type UnicornEngine } from "./unicorn/engine.ts";
import type { RegisterFile } from "./unicorn/registers.ts";
import { Trace } from "./unicorn/trace.ts";

/** The engines disagree; the message says where and how. */
export class LockstepDifference extends Error {
  override readonly name: string = "LockstepDifference";
}

export class LockstepEngine implements CpuEngine {
  readonly name = "lockstep";
  readonly isas: readonly IsaName[] = ["x86_64"];
  readonly subject: CpuEngine;
  readonly reference: UnicornEngine;

  constructor(subject: CpuEngine, reference: UnicornEngine) {
    this.subject = subject;
    this.reference = reference;
  }

  attach(memory: GuestMemory): CpuCore {
    return new LockstepCore(this, memory, this.subject.attach(memory), this.reference.attach(memory));
  }
}

class LockstepCore implements CpuCore {
  readonly engine: LockstepEngine;
  readonly #memory: GuestMemory;
  readonly #subject: CpuCore;
  readonly #reference: UnicornCore;
  readonly #trace: Trace;
  readonly #registers: RegisterComparison;
  readonly #fence: WriteFence;
  readonly #watched: WatchedPages;
  readonly #words: Int32Array;
  /** The context before the batch. */
  readonly #before: Int32Array = new Int32Array(ctx.X86_64_CONTEXT_SIZE / 4);
  /** Unicorn holds the registers of the context. */
  #inStep = false;

  constructor(engine: LockstepEngine, memory: GuestMemory, subject: CpuCore, reference: UnicornCore) {
    this.engine = engine;
    this.#memory = memory;
    this.#subject = subject;
    this.#reference = reference;
    this.#trace = new Trace(reference, memory);
    this.#registers = new RegisterComparison(memory);
    this.#fence = new WriteFence(memory);
    this.#watched = new WatchedPages(memory);
    this.#words = new Int32Array(memory.raw.buffer, CONTEXT_OFFSET, ctx.X86_64_CONTEXT_SIZE / 4);
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
    this.#inStep = false;
    this.#fence.collect();
    if (fuel === SINGLE_STEP) return this.#batch(1);
    const end = this.instructions + fuel;
    for (let left = fuel; left > 0; left = end - this.instructions) {
      const trap = this.#batch(left);
      if (trap !== Trap.SingleStep) return trap;
    }
    return Trap.Fuel;
  }

  /** At least one instruction and at most `limit`. Trap.SingleStep: no trap. */
  #batch(limit: number): Trap {
    const rip = ripOf(this.#memory.context);
    const what = this.#executable(rip) ? comparable(this.#memory.u8, rip) : 0;
    if (what === INCOMPARABLE) {
      this.#inStep = false;
      return this.#untilPast(rip);
    }
    if (!this.#inStep || (what & FROM_SAME_STATE) !== 0) this.#reference.load();
    this.#trace.run(rip, limit);
    this.#trace.undo();
    this.#inStep = false;
    this.#before.set(this.#words);
    this.#watched.clear();
    this.#fence.raise();
    for (const page of this.#trace.writtenPages()) this.#watch(page);
    try {
      const trap = this.#follow(false);
      const difference = this.#watched.difference();
      if (difference !== undefined) this.#locate(difference);
      return trap;
    } finally {
      this.#fence.lower();
    }
  }

  #watch(page: number): void {
    if (!this.#fence.hides(page)) return;
    this.#fence.open(page);
    this.#watched.watch(page);
  }

  /** Repeats the batch to find the instruction that left a byte otherwise than the reference did. */
  #locate(difference: ByteDifference): never {
    this.#watched.restore();
    this.#words.set(this.#before);
    this.#follow(true);
    return this.#differ(this.#trace.count - 1, [inMemory(difference)]);
  }

  /**
   * The engine under test does what the trace shows, as long as it does.
   * @param thorough look at all of the watched memory after every instruction
   */
  #follow(thorough: boolean): Trap {
    const { count, trap: end, addresses, after, what } = this.#trace;
    for (let i = 0; i < count; i++) {
      const rip = addresses[i] as number;
      const trap = this.#untilPast(rip);
      const expected = i === count - 1 && end !== undefined ? end : Trap.SingleStep;
      // A store to a page that code was decoded from is a fault of tsrcore's making, and none of the guest's.
      if (trap === Trap.PageFault && expected !== trap && this.#isCode(this.faultAddress)) return trap;
      if (trap === Trap.GeneralProtection && expected === Trap.SingleStep && mayDemandAlignment(this.#memory.u8, rip))
        return trap;
      if (trap !== expected)
        this.#differ(i, [["trap", this.#trapText(this.#subject, trap), this.#trapText(this.#reference, expected)]]);
      if (trap === Trap.PageFault) {
        this.#compareFault(rip, i);
        return trap;
      }
      const bits = what[i] as number;
      const registers = after[i] as RegisterFile;
      this.#registers.compare(registers, bits);
      if (!this.#registers.equal) this.#differ(i, this.#registers.differences(registers, bits));
      if (this.#registers.invalid) this.#acceptStores(i);
      else this.#compareStores(i);
      if (thorough) {
        const difference = this.#watched.difference();
        if (difference !== undefined) this.#differ(i, [inMemory(difference)]);
      }
      if (trap !== Trap.SingleStep || !this.#registers.identical) return trap;
    }
    // The registers that Unicorn holds are those after the last instruction, if that is where it stopped.
    this.#inStep = true;
    return Trap.SingleStep;
  }

  /** The bytes that the reference stored in instruction `i`: the last value of each counts. */
  #compareStores(i: number): void {
    const { u8 } = this.#memory;
    let same = true;
    this.#trace.eachByte(i, (address, value) => {
      this.#watched.expect(address, value);
      if (u8[address] !== value) same = false;
    });
    if (same) return;
    const final = new Map<number, number>();
    this.#trace.eachByte(i, (address, value) => final.set(address, value));
    for (const [address, expected] of final) {
      const actual = u8[address] as number;
      if (actual !== expected) this.#differ(i, [inMemory({ address, actual, expected })]);
    }
  }

  /** Both raised a page fault in instruction `i`. */
  #compareFault(rip: number, i: number): void {
    const [access, address] = [this.faultAccess, unsigned(this.faultAddress)];
    const reference = this.#reference;
    const referenceAddress = unsigned(reference.faultAddress);
    // A processor says of an access that reads and writes that it is a write; QEMU reads first.
    const sameAccess =
      access === reference.faultAccess ||
      (access === Access.Write && reference.faultAccess === Access.Read && modifiesMemory(this.#memory.u8, rip));
    // QEMU begins at the other end of a store that crosses into another page.
    const sameAddress =
      address === referenceAddress ||
      (access === Access.Write &&
        address % PAGE_SIZE === 0 &&
        Math.floor(referenceAddress / PAGE_SIZE) * PAGE_SIZE === address);
    if (!sameAccess || !sameAddress)
      this.#differ(i, [
        ["page fault", this.#trapText(this, Trap.PageFault), this.#trapText(reference, Trap.PageFault)],
      ]);
    // How much of itself an instruction has done when it faults is its engine's business: it begins again.
    this.#acceptStores(i);
  }

  /** Whatever is now where the reference stored in instruction `i`. */
  #acceptStores(i: number): void {
    const { u8 } = this.#memory;
    this.#trace.eachByte(i, (address) => this.#watched.expect(address, u8[address] as number));
  }

  /** One instruction, all rounds of a repeated one: engines differ in how much of it a step is. */
  #untilPast(rip: number): Trap {
    const { context, u8 } = this.#memory;
    for (;;) {
      const trap = this.#subject.run(SINGLE_STEP);
      const page = Math.floor(this.faultAddress / PAGE_SIZE);
      if (trap === Trap.PageFault && this.faultAccess === Access.Write && this.#fence.hides(page)) this.#watch(page);
      else if (trap !== Trap.SingleStep || ripOf(context) !== rip || isJump(u8, rip)) return trap;
    }
  }

  #executable(rip: number): boolean {
    return ((this.#memory.pages[Math.floor(rip / PAGE_SIZE)] ?? 0) & PageBits.Exec) !== 0;
  }

  #isCode(address: number): boolean {
    return ((this.#memory.pages[Math.floor(address / PAGE_SIZE)] ?? 0) & PageBits.Code) !== 0;
  }

  #trapText(core: CpuCore, trap: Trap): string {
    const name = nameOf(Trap, trap);
    if (trap !== Trap.PageFault) return name;
    return `${name} (${nameOf(Access, core.faultAccess)} at 0x${unsigned(core.faultAddress).toString(16)})`;
  }

  /** @param i the instruction's place in the batch */
  #differ(i: number, differences: readonly Difference[]): never {
    const { subject, reference } = this.engine;
    const { addresses, after } = this.#trace;
    const rip = addresses[i] as number;
    const bytes = Array.from(this.#memory.u8.subarray(rip, rip + 15), (b) => hex(b, 2)).join(" ");
    // What both had after the instruction before.
    const previous = after[i - 1];
    const before = previous?.view ?? new DataView(this.#before.buffer);
    const registers = ctx.GPR_NAMES.map((name, r) => `${name}=${hex64(before, ctx.GPR + r * 8)}`);
    throw new LockstepDifference(
      [
        `lockstep: ${subject.name} and ${reference.name} differ in the instruction at 0x${rip.toString(16)}: ${bytes}`,
        ...differences.map(([name, a, e]) => `  ${name}: ${subject.name} ${a}, ${reference.name} ${e}`),
        `  before: ${registers.slice(0, 8).join(" ")}`,
        `          ${registers.slice(8).join(" ")}`,
        `          rflags=0x${hex(previous?.flags ?? readFlags(before), 3)} fs_base=${hex64(before, ctx.FS_BASE)}`,
      ].join("\n"),
    );
  }

  invalidate(start: number, end: number): void {
    this.#reference.invalidate(start, end);
    this.#subject.invalidate(start, end);
  }

  fork(child: GuestMemory): CpuCore {
    const subject = this.#subject.fork(child);
    return new LockstepCore(this.engine, child, subject, this.engine.reference.attach(child));
  }

  expectExact(): void {
    this.#reference.expectExact();
    this.#subject.expectExact();
  }
  detach(): void {
    this.#reference.detach();
    this.#subject.detach();
  }
}

function inMemory({ address, actual, expected }: ByteDifference): Difference {
  return [`memory 0x${address.toString(16)}`, hex(actual, 2), hex(expected, 2)];
}

/** An address of the upper half may come as a negative number. */
function unsigned(address: number): number {
  return address < 0 ? address + 2 ** 64 : address;
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(names).find(([, v]) => v === value)?.[0] ?? String(value);
}
