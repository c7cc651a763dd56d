/**
 * Two engines, one program: every instruction is executed by both, and the first difference in registers, flags or memory
 * stops the run with the instruction that made it.
 *
 * One engine (the reference, Unicorn) goes first, with its stores recorded. What it stored is noted and undone, the
 * registers are put back, and the other engine (the subject) executes the same instruction for good. Then both results are
 * compared. So the guest only ever sees the subject's, and there is one memory, not two.
 *
 * Not compared: the results of cpuid, rdtsc and their kin, which two engines may answer differently; flags that an
 * instruction leaves undefined (the caller supplies what those are); MXCSR's and the x87's sticky exception flags.
 */
import type { GuestMemory } from "../mm/guest-memory.ts";
import { CONTEXT_OFFSET, CONTEXT_SIZE, PAGE_SIZE } from "../mm/layout.ts";
import { type Access, type CpuCore, type CpuEngine, SINGLE_STEP, Trap } from "./core.ts";
import { readFlags } from "./isa/x86_64/arch.ts";
import * as ctx from "./isa/x86_64/context.ts";
import type { UnicornCore, UnicornEngine } from "./unicorn/engine.ts";

/** The engines disagree; the message says where and how. */
export class LockstepDifference extends Error {}

/** For the instruction in these bytes: the RFLAGS bits that are defined after it; undefined: do not compare at all. */
export type FlagMask = (code: Uint8Array) => number | undefined;

const ARITHMETIC = 0x8d5;

export class LockstepEngine implements CpuEngine {
  readonly name = "lockstep";
  readonly arch = "x86_64";
  readonly subject: CpuEngine;
  readonly reference: UnicornEngine;
  readonly flagMask: FlagMask;

  constructor(subject: CpuEngine, reference: UnicornEngine, flagMask: FlagMask) {
    this.subject = subject;
    this.reference = reference;
    this.flagMask = flagMask;
  }

  attach(memory: GuestMemory): CpuCore {
    const subject = this.subject.attach(memory);
    return new LockstepCore(this, memory, subject, this.reference.attach(memory));
  }
}

interface Store {
  readonly address: number;
  readonly before: Uint8Array;
}

class LockstepCore implements CpuCore {
  readonly engine: LockstepEngine;
  readonly #memory: GuestMemory;
  readonly #subject: CpuCore;
  readonly #reference: UnicornCore;
  readonly #saved: Uint8Array = new Uint8Array(CONTEXT_SIZE);
  readonly #expected: Uint8Array = new Uint8Array(CONTEXT_SIZE);
  #stores: Store[] = [];

  constructor(engine: LockstepEngine, memory: GuestMemory, subject: CpuCore, reference: UnicornCore) {
    this.engine = engine;
    this.#memory = memory;
    this.#subject = subject;
    this.#reference = reference;
    reference.watchWrites();
    reference.onWrite = (address, size) => {
      this.#stores.push({ address, before: memory.u8.slice(address, address + size) });
    };
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

  get #context(): Uint8Array {
    return this.#memory.raw.subarray(CONTEXT_OFFSET, CONTEXT_OFFSET + CONTEXT_SIZE);
  }

  run(fuel: number): Trap {
    if (fuel === SINGLE_STEP) return this.#step();
    for (let left = fuel; left > 0; left--) {
      const trap = this.#step();
      if (trap !== Trap.SingleStep) return trap;
    }
    return Trap.Fuel;
  }

  #step(): Trap {
    const rip = this.#rip();
    const code = this.#code(rip);
    const mask = code.length === 0 ? 0 : this.engine.flagMask(code);
    if (mask === undefined || code.length === 0) return this.#untilPast(this.#subject, rip);
    this.#saved.set(this.#context);
    this.#stores = [];
    const expectedTrap = this.#untilPast(this.#reference, rip);
    const after = this.#stores.map(({ address, before }) => this.#memory.u8.slice(address, address + before.length));
    for (const { address, before } of this.#stores.toReversed()) this.#memory.u8.set(before, address);
    this.#expected.set(this.#context);
    const expectedFlags = readFlags(this.#memory.context);
    this.#context.set(this.#saved);
    const stores = this.#stores;
    const trap = this.#untilPast(this.#subject, rip);
    // A fault is looked into by the kernel, and the instruction comes again: what was done up to there may differ.
    if (trap === Trap.PageFault) return trap;
    if (trap !== expectedTrap) {
      this.#differ(rip, code, `trap ${trapName(trap)}, expected ${trapName(expectedTrap)}`);
    }
    this.#compare(rip, code, mask, expectedFlags);
    // Later stores of one instruction may cover earlier ones: the last value counts.
    const final = new Map<number, number>();
    stores.forEach(({ address }, i) => {
      (after[i] as Uint8Array).forEach((byte, k) => {
        final.set(address + k, byte);
      });
    });
    for (const [address, byte] of final) {
      const actual = this.#memory.u8[address] as number;
      if (actual !== byte) {
        this.#differ(rip, code, `memory 0x${address.toString(16)}: ${hex(actual, 2)}, expected ${hex(byte, 2)}`);
      }
    }
    return trap;
  }

  /** One instruction, all rounds of a repeated one: engines differ in how much of it a step is. */
  #untilPast(core: CpuCore, rip: number): Trap {
    let trap = core.run(SINGLE_STEP);
    if (!this.#isRepeated(rip)) return trap;
    while (trap === Trap.SingleStep && this.#rip() === rip) trap = core.run(SINGLE_STEP);
    return trap;
  }

  #isRepeated(rip: number): boolean {
    for (const byte of this.#code(rip)) {
      if (byte === 0xf2 || byte === 0xf3) return true;
      if (byte !== 0x66 && (byte & 0xf0) !== 0x40) return false;
    }
    return false;
  }

  #rip(): number {
    const { context } = this.#memory;
    return context.getUint32(ctx.RIP + 4, true) * 0x1_0000_0000 + context.getUint32(ctx.RIP, true);
  }

  /** Up to 15 bytes from `rip` on; none if the first cannot be fetched. */
  #code(rip: number): Uint8Array {
    const executable = (address: number): boolean =>
      ((this.#memory.pages[Math.floor(address / PAGE_SIZE)] ?? 0) & 5) !== 0 && address < this.#memory.u8.length;
    if (!executable(rip)) return new Uint8Array(0);
    let end = rip + 15;
    if (!executable(end)) end = Math.floor(end / PAGE_SIZE) * PAGE_SIZE;
    return this.#memory.u8.subarray(rip, end);
  }

  #compare(rip: number, code: Uint8Array, mask: number, expectedFlags: number): void {
    const expected = new DataView(this.#expected.buffer);
    const { context } = this.#memory;
    const differences: string[] = [];
    const compare = (name: string, offset: number): void => {
      const a = context.getBigUint64(offset, true);
      const e = expected.getBigUint64(offset, true);
      if (a !== e) differences.push(`${name}: 0x${a.toString(16)}, expected 0x${e.toString(16)}`);
    };
    ctx.GPR_NAMES.forEach((name, i) => {
      compare(name, ctx.GPR + i * 8);
    });
    compare("rip", ctx.RIP);
    compare("fs_base", ctx.FS_BASE);
    for (let i = 0; i < 16; i++) {
      compare(`xmm${i}.lo`, ctx.YMM + i * ctx.YMM_SIZE);
      compare(`xmm${i}.hi`, ctx.YMM + i * ctx.YMM_SIZE + 8);
    }
    for (let i = 0; i < 8; i++) compare(`x87 register ${i}`, ctx.X87_REGS + i * 16);
    const flags = readFlags(context);
    const different = (flags ^ expectedFlags) & (mask | ~ARITHMETIC);
    if (different !== 0) differences.push(`rflags: ${hex(flags, 3)}, expected ${hex(expectedFlags, 3)}`);
    if (differences.length > 0) this.#differ(rip, code, differences.join("; "));
  }

  #differ(rip: number, code: Uint8Array, what: string): never {
    const bytes = Array.from(code, (b) => hex(b, 2)).join(" ");
    throw new LockstepDifference(
      `lockstep: ${this.engine.subject.name} and ${this.engine.reference.name} differ at rip 0x${rip.toString(16)} (${bytes}): ${what}`,
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

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function trapName(trap: Trap): string {
  return Object.entries(Trap).find(([, value]) => value === trap)?.[0] ?? String(trap);
}
