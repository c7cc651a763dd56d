/**
 * Two engines, one program: every instruction is executed by both, and the first difference in registers, flags or memory
 * stops the run with the instruction that made it.
 *
 * The reference, Unicorn, goes first, a batch of instructions at a time: leaving and entering it costs as much as dozens of
 * instructions. It reports each instruction and each store (unicorn/trace.ts), so that after the batch the registers after
 * every single instruction are known, and what every store wrote and overwrote. Its stores are then undone, and the engine
 * under test executes the same instructions for good, one by one, and is compared after each. So the guest only ever sees
 * what the engine under test did, and there is one memory, not two. While they agree Unicorn goes on with the registers it
 * has; it is given those of the context after the kernel was at work, and whenever the two are no longer the same to the
 * last bit.
 *
 * What is not compared, and why: isa/x86_64/comparable.ts. And a store that the engine under test alone makes is seen only
 * when it changes what follows: the instruction tests, which compare all of memory, are there for those.
 */
import type { GuestMemory } from "../mm/guest-memory.ts";
import { CONTEXT_OFFSET, PAGE_SIZE, PageBits } from "../mm/layout.ts";
import { type Access, type CpuCore, type CpuEngine, SINGLE_STEP, Trap } from "./core.ts";
import { readFlags } from "./isa/x86_64/arch.ts";
import { ARITHMETIC, comparable, INCOMPARABLE, isJump, VECTOR, X87 } from "./isa/x86_64/comparable.ts";
import * as ctx from "./isa/x86_64/context.ts";
import { ripOf, type UnicornCore, type UnicornEngine } from "./unicorn/engine.ts";
import type { RegisterFile } from "./unicorn/registers.ts";
import { Trace } from "./unicorn/trace.ts";

/** The engines disagree; the message says where and how. */
export class LockstepDifference extends Error {
  override readonly name: string = "LockstepDifference";
}

/** RFLAGS that are compared: the arithmetic ones, DF, AC, ID. TF is the kernel's. */
const FLAGS = ARITHMETIC | 0x240400;

export class LockstepEngine implements CpuEngine {
  readonly name = "lockstep";
  readonly arch = "x86_64";
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

/** Word offsets in the context of what is compared after every instruction: general registers, rip, segment bases... */
const GENERAL: Int32Array = Int32Array.from([
  ...range(ctx.GPR, 128),
  ...range(ctx.RIP, 8),
  ...range(ctx.FS_BASE, 8),
  ...range(ctx.GS_BASE, 8),
]);
/** ...and after those that use them and at the end of a batch: xmm registers, x87 significands. */
const WIDE: Int32Array = Int32Array.from([
  ...Array.from({ length: 16 }, (_, i) => range(ctx.YMM + i * ctx.YMM_SIZE, 16)).flat(),
  ...Array.from({ length: 8 }, (_, i) => range(ctx.X87_REGS + i * 16, 8)).flat(),
]);
/** The flags are worked out from these: if none has changed, neither have they. */
const LAZY: Int32Array = Int32Array.from(range(ctx.CC_OP, ctx.MXCSR - ctx.CC_OP).concat(range(ctx.CC_STEPPED, 8)));

function range(offset: number, size: number): number[] {
  return Array.from({ length: size / 4 }, (_, i) => offset / 4 + i);
}

class LockstepCore implements CpuCore {
  readonly engine: LockstepEngine;
  readonly #memory: GuestMemory;
  readonly #subject: CpuCore;
  readonly #reference: UnicornCore;
  readonly #trace: Trace;
  readonly #words: Int32Array;
  /** The context before the instruction that is being compared. */
  readonly #before: Int32Array = new Int32Array(ctx.X86_64_CONTEXT_SIZE / 4);
  /** The flags of the context as last worked out, and from what. */
  readonly #lazy: Int32Array = new Int32Array(LAZY.length);
  #flags = -1;
  /** Unicorn holds the registers of the context. */
  #inStep = false;

  constructor(engine: LockstepEngine, memory: GuestMemory, subject: CpuCore, reference: UnicornCore) {
    this.engine = engine;
    this.#memory = memory;
    this.#subject = subject;
    this.#reference = reference;
    this.#trace = new Trace(reference, memory);
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
    if (!this.#executable(rip)) return this.#subject.run(SINGLE_STEP);
    if (comparable(this.#memory.u8, rip) === INCOMPARABLE) {
      this.#inStep = false;
      return this.#untilPast(rip);
    }
    if (!this.#inStep) this.#reference.load();
    this.#trace.run(rip, limit);
    this.#trace.undo();
    this.#inStep = false;
    return this.#follow();
  }

  /** The engine under test does what the trace shows, as long as it does. */
  #follow(): Trap {
    const { count, trap: end, addresses, after, what } = this.#trace;
    for (let i = 0; i < count; i++) {
      const rip = addresses[i] as number;
      this.#before.set(this.#words);
      const trap = this.#untilPast(rip);
      // A fault is looked into by the kernel, and the instruction comes again: what was done up to there may differ.
      if (trap === Trap.PageFault) return trap;
      const expected = i === count - 1 && end !== undefined ? end : Trap.SingleStep;
      if (trap !== expected) this.#differ(rip, [["trap", trapName(trap), trapName(expected)]]);
      const same = this.#compare(rip, after[i] as RegisterFile, what[i] as number, i === count - 1);
      const store = this.#trace.storeDifference(i);
      if (store !== undefined)
        this.#differ(rip, [[`memory 0x${store.address.toString(16)}`, hex(store.actual, 2), hex(store.expected, 2)]]);
      if (trap !== Trap.SingleStep || !same) return trap;
    }
    // The registers that Unicorn holds are those after the last instruction, if that is where it stopped.
    this.#inStep = true;
    return Trap.SingleStep;
  }

  /** One instruction, all rounds of a repeated one: engines differ in how much of it a step is. */
  #untilPast(rip: number): Trap {
    const { context, u8 } = this.#memory;
    let trap = this.#subject.run(SINGLE_STEP);
    while (trap === Trap.SingleStep && ripOf(context) === rip && !isJump(u8, rip))
      trap = this.#subject.run(SINGLE_STEP);
    return trap;
  }

  #executable(rip: number): boolean {
    return ((this.#memory.pages[Math.floor(rip / PAGE_SIZE)] ?? 0) & PageBits.Exec) !== 0;
  }

  #currentFlags(): number {
    const words = this.#words;
    const lazy = this.#lazy;
    let same = this.#flags !== -1;
    for (let i = 0; i < LAZY.length; i++) {
      const word = words[LAZY[i] as number] as number;
      if (lazy[i] !== word) {
        lazy[i] = word;
        same = false;
      }
    }
    if (!same) this.#flags = readFlags(this.#memory.context) & FLAGS;
    return this.#flags;
  }

  /** Stops at a difference; otherwise says whether the two are the same to the last bit that instructions see. */
  #compare(rip: number, expected: RegisterFile, what: number, last: boolean): boolean {
    const comparableFlags = what & ARITHMETIC;
    const actualWords = this.#words;
    const expectedWords = expected.words;
    const flags = this.#currentFlags();
    const expectedFlags = expected.flags & FLAGS;
    let different = ((flags ^ expectedFlags) & (comparableFlags | ~ARITHMETIC)) !== 0;
    for (let i = 0; i < GENERAL.length; i++) {
      const at = GENERAL[i] as number;
      if (actualWords[at] !== expectedWords[at]) different = true;
    }
    const wide = last || (what & (VECTOR | X87)) !== 0;
    const x87 = (what & X87) !== 0;
    let exponents = true;
    if (wide) {
      for (let i = 0; i < WIDE.length; i++) {
        const at = WIDE[i] as number;
        if (actualWords[at] !== expectedWords[at]) different = true;
      }
      exponents = this.#sameExponents(expected.view);
      const sameTop = this.#memory.context.getUint32(ctx.X87_TOP, true) === expected.top;
      if (x87 && !(exponents && sameTop)) different = true;
    }
    if (different) this.#differ(rip, this.#differences(expected, flags, expectedFlags, comparableFlags, wide, x87));
    return flags === expectedFlags && exponents;
  }

  #sameExponents(expected: DataView): boolean {
    const { context } = this.#memory;
    for (let at = ctx.X87_REGS + 8; at < ctx.X87_REGS + 128; at += 16)
      if (context.getUint16(at, true) !== expected.getUint16(at, true)) return false;
    return true;
  }

  #differences(
    expected: RegisterFile,
    flags: number,
    expectedFlags: number,
    comparableFlags: number,
    wide: boolean,
    x87: boolean,
  ): Difference[] {
    const { context } = this.#memory;
    const { view } = expected;
    const differences: Difference[] = [];
    const add = (name: string, actual: string, wanted: string): void => {
      if (actual !== wanted) differences.push([name, actual, wanted]);
    };
    const compare = (name: string, offset: number): void => {
      add(name, hex64(context, offset), hex64(view, offset));
    };
    ctx.GPR_NAMES.forEach((name, i) => {
      compare(name, ctx.GPR + i * 8);
    });
    compare("rip", ctx.RIP);
    compare("fs_base", ctx.FS_BASE);
    compare("gs_base", ctx.GS_BASE);
    const hex128 = (v: DataView, at: number): string => hex64(v, at + 8) + hex64(v, at).slice(2);
    for (let i = 0; wide && i < 16; i++) {
      const at = ctx.YMM + i * ctx.YMM_SIZE;
      add(`xmm${i}`, hex128(context, at), hex128(view, at));
    }
    for (let i = 0; wide && i < 8; i++) {
      const at = ctx.X87_REGS + i * 16;
      const text = (v: DataView): string => `${x87 ? hex(v.getUint16(at + 8, true), 4) : ""}:${hex64(v, at)}`;
      add(`x87 register ${i}`, text(context), text(view));
    }
    if (x87) add("x87 top", String(context.getUint32(ctx.X87_TOP, true)), String(expected.top));
    const mask = comparableFlags | ~ARITHMETIC;
    add("rflags", hex(flags & mask, 3), hex(expectedFlags & mask, 3));
    return differences;
  }

  #differ(rip: number, differences: readonly Difference[]): never {
    const { subject, reference } = this.engine;
    const bytes = Array.from(this.#memory.u8.subarray(rip, rip + 15), (b) => hex(b, 2)).join(" ");
    const before = new DataView(this.#before.buffer);
    const registers = ctx.GPR_NAMES.map((name, i) => `${name}=${hex64(before, ctx.GPR + i * 8)}`);
    throw new LockstepDifference(
      [
        `lockstep: ${subject.name} and ${reference.name} differ in the instruction at 0x${rip.toString(16)}: ${bytes}`,
        ...differences.map(([name, a, e]) => `  ${name}: ${subject.name} ${a}, ${reference.name} ${e}`),
        `  before: ${registers.slice(0, 8).join(" ")}`,
        `          ${registers.slice(8).join(" ")}`,
        `          rflags=0x${hex(readFlags(before), 3)} fs_base=${hex64(before, ctx.FS_BASE)}`,
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

  detach(): void {
    this.#reference.detach();
    this.#subject.detach();
  }
}

/** What differs, what the engine under test has, what the reference has. */
type Difference = readonly [what: string, actual: string, expected: string];

function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).padStart(digits, "0");
}

function hex64(view: DataView, offset: number): string {
  return `0x${view.getBigUint64(offset, true).toString(16).padStart(16, "0")}`;
}

function trapName(trap: Trap): string {
  return Object.entries(Trap).find(([, value]) => value === trap)?.[0] ?? String(trap);
}
