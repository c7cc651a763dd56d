/** The same pieces of code by the translator and by the interpreter, in many states: all that can be seen afterwards is equal. */
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type CpuCore, type CpuEngine, Trap } from "../../src/cpu/core.ts";
import { InterpEngine } from "../../src/cpu/interp/engine.ts";
import { generateModule } from "../../src/cpu/interp/generate.ts";
import { readFlags, registers, writeFlags } from "../../src/cpu/isa/x86_64/arch.ts";
import { GPR, YMM } from "../../src/cpu/isa/x86_64/context.ts";
import { ARITHMETIC_FLAGS, Reg } from "../../src/cpu/isa/x86_64/sem.ts";
import { JitEngine } from "../../src/cpu/jit/engine.ts";
import { GuestMemory } from "../../src/mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../src/mm/layout.ts";
import { BASE, bytesOf, type Sample, samples } from "./regions.ts";

/** Where the code returns to: a system call. */
const END = 0x11000;
/** Two pages for what the code works on, two for its stack. */
const DATA = 0x20000;
const STACK = 0x30000;
const SIZE = 0x2000;
const { Read, Write, Exec, Present } = PageBits;

interface State {
  readonly general: readonly bigint[];
  readonly xmm: readonly number[];
  readonly flags: number;
  readonly seed: number;
  readonly rsp: number;
}

const pointers = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: DATA, max: DATA + SIZE - 0x100 }).map(BigInt) },
  { weight: 1, arbitrary: fc.integer({ min: DATA - 16, max: DATA + SIZE }).map(BigInt) },
  { weight: 1, arbitrary: fc.nat(100).map(BigInt) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }) },
);
const states: fc.Arbitrary<State> = fc.record({
  general: fc.array(pointers, { minLength: 16, maxLength: 16 }),
  xmm: fc.array(fc.double(), { minLength: 2, maxLength: 2 }),
  flags: fc.nat(ARITHMETIC_FLAGS),
  seed: fc.nat(),
  // Near the end of the stack, or with room.
  rsp: fc.oneof(fc.constant(STACK + SIZE - 0x80), fc.integer({ min: STACK, max: STACK + SIZE - 8 })),
});

class Guest {
  readonly memory: GuestMemory = new GuestMemory();
  readonly core: CpuCore;

  constructor(engine: CpuEngine) {
    this.core = engine.attach(this.memory);
    this.core.expectExact();
  }

  prepare(sample: Sample): void {
    const { memory } = this;
    const protect = (address: number, bits: number): void => {
      memory.pages.fill(bits, address >>> PAGE_SHIFT, (address + SIZE) >>> PAGE_SHIFT);
    };
    protect(BASE, Present | Read | Exec);
    protect(DATA, Present | Read | Write);
    protect(STACK, Present | Read | Write);
    memory.u8.fill(0xcc, BASE, BASE + SIZE);
    memory.u8.set(bytesOf(sample), BASE);
    memory.u8.set([0x0f, 0x05], END);
    this.core.invalidate(BASE, BASE + SIZE);
  }

  /** Runs the code from a state; what can be seen afterwards. */
  run({ small, targets }: Sample, { general, xmm, flags, seed, rsp }: State): unknown {
    const { memory, core } = this;
    const { context, view } = memory;
    registers.reset(context);
    for (let at = 0; at < SIZE; at += 4) view.setInt32(DATA + at, Math.imul(seed + at, 0x9e37_79b1), true);
    // Tables of where to jump: mostly in the code.
    if (targets !== undefined)
      for (let at = 0; at < SIZE; at += 8) {
        const target = targets[(view.getUint32(DATA + at, true) >>> 8) % (targets.length + 2)] ?? targets[0] ?? 0;
        view.setBigUint64(DATA + at, BigInt(BASE + target), true);
      }
    memory.u8.fill(0, STACK, STACK + SIZE);
    general.forEach((value, n) => {
      const few = small?.some((name) => Reg[name] === n) === true;
      context.setBigInt64(GPR + n * 8, few ? 1n + (value & 7n) : value, true);
    });
    context.setBigInt64(GPR + Reg.rsp * 8, BigInt(rsp), true);
    view.setBigUint64(rsp, BigInt(END), true);
    xmm.forEach((value, n) => {
      context.setFloat64(YMM + n * 32, value, true);
    });
    writeFlags(context, flags);
    registers.setPc(context, BASE);
    let trap: Trap;
    do trap = core.run(10_000);
    while (trap === Trap.Fuel);
    return {
      trap,
      fault: trap === Trap.PageFault ? [core.faultAddress, core.faultAccess] : undefined,
      pc: registers.getPc(context),
      flags: readFlags(context),
      general: Array.from({ length: 16 }, (_, n) => context.getBigUint64(GPR + n * 8, true)),
      xmm: xmm.map((_, n) => [0, 8, 16, 24].map((at) => context.getBigUint64(YMM + n * 32 + at, true))),
      data: Buffer.from(memory.u8.slice(DATA, DATA + SIZE)).toString("hex"),
      stack: Buffer.from(memory.u8.slice(STACK, STACK + SIZE)).toString("hex"),
    };
  }
}

let interpreted: Guest;
let engine: JitEngine;
let translated: Guest;

beforeAll(async () => {
  const module = generateModule();
  interpreted = new Guest(new InterpEngine({ module }));
  engine = new JitEngine({ module, threshold: 1, load: () => import("../../src/cpu/jit/translator.ts") });
  await engine.loadTranslator();
  translated = new Guest(engine);
});

describe("by translator and interpreter alike", () => {
  it.each(samples.map((sample) => [sample.name, sample] as const))("%s", (_name, sample) => {
    interpreted.prepare(sample);
    translated.prepare(sample);
    const before = { ...engine.statistics };
    let completed = 0;
    void fc.assert(
      fc.property(states, (state) => {
        const expected = interpreted.run(sample, state) as { trap: Trap };
        if (expected.trap === Trap.Syscall) completed++;
        expect(translated.run(sample, state)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
    const { entered, failed } = engine.statistics;
    expect(entered).toBeGreaterThan(before.entered);
    expect(failed).toBe(0);
    // Not all of them faulted.
    if (sample.name !== "unknown-jump") expect(completed).toBeGreaterThan(0);
  });
});
