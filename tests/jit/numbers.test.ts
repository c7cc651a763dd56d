/**
 * Random arithmetic on vector registers by the translator and by the interpreter. Translated, low lanes are numbers beside the
 * vectors, and NaNs are found out about late (src/cpu/jit/chains.ts): so there are NaNs here, and pages that are missing.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CpuCore, type CpuEngine, Trap } from "../../src/cpu/core.ts";
import { InterpEngine } from "../../src/cpu/interp/engine.ts";
import { generateModule } from "../../src/cpu/interp/generate.ts";
import { readFlags, registers } from "../../src/cpu/isa/x86_64/arch.ts";
import { GPR, YMM, YMM_SIZE } from "../../src/cpu/isa/x86_64/context.ts";
import { Reg } from "../../src/cpu/isa/x86_64/sem.ts";
import { JitEngine } from "../../src/cpu/jit/engine.ts";
import { GuestMemory } from "../../src/mm/guest-memory.ts";
import { PAGE_SHIFT, PAGE_SIZE, PageBits } from "../../src/mm/layout.ts";

const CODE = 0x10000;
const DATA = 0x20000;
const REGISTERS = 5;
const byte = (n: number): string => (n & 0xff).toString(16).padStart(2, "0");

/** xmm, xmm or [rsi + n]: prefix, opcode. */
const operations = [
  ..."58 59 5c 5e 51"
    .split(" ")
    .flatMap((op) => ["f2", "f2", "f2", "f3", "66", ""].map((prefix) => `${prefix} 0f ${op}`)), // add mul sub div sqrt
  ...["f2 0f 10", "f3 0f 10", "0f 28", "66 0f 28", "0f 10", "f3 0f 7e", "0f 12", "0f 16", "66 0f 16"], // moves
  ...["66 0f 14", "66 0f 15", "0f 14", "66 0f ef", "66 0f 54", "f2 0f 5d", "f2 0f 5a", "f3 0f 5a"], // unpck, pxor, andpd, minsd, cvt
  ...["66 0f 2e", "0f 2e", "66 0f 2f"], // ucomisd, ucomiss, comisd
];
/** vaddsd and its like, xmm, xmm, xmm. */
const vex = [0x58, 0x59, 0x5c, 0x5e, 0x51, 0x10];
interface Step {
  readonly kind: number;
  readonly to: number;
  readonly from: number;
  readonly at: number;
  readonly shape: number;
}
function code({ kind, to, from, at, shape }: Step): string {
  const register = byte(0xc0 | (to << 3) | from);
  const memory = `${byte(0x46 | (to << 3))} ${byte((at % 6) * 16)}`;
  if (shape === 0) return `f2 0f 11 ${memory}`; // movsd [rsi+n],xmm
  if (shape === 1) return `${kind & 1 ? "66 " : ""}0f 11 ${memory}`; // movups
  if (shape === 2) return `0f 9${(kind & 15).toString(16)} c0 48 01 c3`; // setcc al; add rbx,rax
  if (shape === 3) return "48 83 c6 08"; // add rsi,8
  if (shape === 4) return `f2 48 0f 2c ${byte(0xc0 | from)} f2 48 0f 2a ${byte(0xc0 | (to << 3))}`; // cvttsd2si rax; cvtsi2sd
  if (shape === 5)
    return `c5 ${byte(0x80 | (~from << 3) | (kind & 8 ? 2 : 3))} ${byte(vex[kind % vex.length] as number)} ${byte(0xc0 | (to << 3) | (at % REGISTERS))}`;
  const operation = operations[kind % operations.length] as string;
  const onlyMemory = /^(66 )?0f 1[26]$/.test(operation);
  return `${operation} ${onlyMemory || shape < 10 ? memory : register}`;
}
const register = fc.nat(REGISTERS - 1);
const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.nat(1000),
  to: register,
  from: register,
  at: fc.nat(100),
  shape: fc.nat(24),
});
const programs = fc.record({
  steps: fc.array(steps, { minLength: 4, maxLength: 40 }),
  seed: fc.nat(),
  /** How many in a hundred operands are NaNs and infinities; where [rsi] is, before the end of what can be accessed. */
  odd: fc.constantFrom(0, 0, 2, 10, 40),
  before: fc.constantFrom(0x800, 0x800, 0x800, 72, 104),
});
type Program = typeof programs extends fc.Arbitrary<infer T> ? T : never;

class Guest {
  readonly memory: GuestMemory = new GuestMemory();
  readonly core: CpuCore;

  constructor(engine: CpuEngine) {
    this.core = engine.attach(this.memory);
    const { Present, Read, Write, Exec } = PageBits;
    this.memory.pages[DATA >>> PAGE_SHIFT] = Present | Read | Write;
    this.memory.pages[CODE >>> PAGE_SHIFT] = Present | Read | Exec;
  }

  run({ steps: list, seed, odd, before }: Program): unknown {
    const { core, memory } = this;
    const { context, view, u8 } = memory;
    let state = seed | 1;
    const any = (below: number): number => {
      state = (Math.imul(state, 0x0019_660d) + 0x3c6e_f35f) | 0;
      return (state >>> 8) % below;
    };
    const special = [0x7ff8_0000_0000_0001n, 0xfff4_0000_0000_0077n, 0x7ff0_0000_0000_0000n, 0xfff8_1234_5678_9abcn];
    const number = (to: DataView, at: number): void => {
      if (any(100) < odd) to.setBigUint64(at, special[any(4)] as bigint, true);
      else if (any(3) === 0) {
        to.setFloat32(at, any(100) < odd ? Number.NaN : (any(100) - 50) / 8, true);
        to.setFloat32(at + 4, any(1000) / 3, true);
      } else to.setFloat64(at, (any(2000) - 1000) / [1, 8, 3, 1e-5][any(4)]!, true);
    };
    registers.reset(context);
    for (let n = 0; n < 16; n++) context.setBigUint64(GPR + n * 8, BigInt(any(1000)), true);
    context.setBigUint64(GPR + Reg.rsi * 8, BigInt(DATA + PAGE_SIZE - before), true);
    for (let at = PAGE_SIZE - 0x900; at < PAGE_SIZE; at += 8) number(view, DATA + at);
    for (let n = 0; n < 16; n++) for (let at = 0; at < 32; at += 8) number(context, YMM + n * YMM_SIZE + at);
    u8.fill(0xcc, CODE, CODE + PAGE_SIZE);
    const hex = `${list.map(code).join("")} 0f05`;
    u8.set(
      Uint8Array.from(hex.replace(/\s/g, "").match(/../g) ?? [], (b) => Number.parseInt(b, 16)),
      CODE,
    );
    core.invalidate(CODE, CODE + PAGE_SIZE);
    registers.setPc(context, CODE);
    let trap: Trap;
    do trap = core.run(100_000);
    while (trap === Trap.Fuel);
    const half = (n: number, at: number): string => context.getBigUint64(YMM + n * YMM_SIZE + at, true).toString(16);
    return {
      trap,
      fault: trap === Trap.PageFault ? [core.faultAddress, core.faultAccess] : undefined,
      pc: registers.getPc(context).toString(16),
      flags: readFlags(context),
      general: Array.from({ length: 16 }, (_, n) => context.getBigUint64(GPR + n * 8, true).toString(16)),
      vectors: Array.from({ length: REGISTERS }, (_, n) => [0, 8, 16, 24].map((at) => half(n, at))),
      data: Buffer.from(u8.slice(DATA, DATA + PAGE_SIZE)).toString("base64"),
    };
  }
}

describe("random arithmetic", () => {
  it("has the outcome that the interpreter has", async () => {
    const module = generateModule();
    const interpreted = new Guest(new InterpEngine({ module }));
    const engine = new JitEngine({ module, threshold: 1, load: () => import("../../src/cpu/jit/translator.ts") });
    await engine.loadTranslator();
    let [completed, faults, runs] = [0, 0, 0];
    let translated = new Guest(engine);
    void fc.assert(
      fc.property(programs, (program) => {
        // What has left often is translated in another way: a new one has not.
        if (++runs % 20 === 0) translated = new Guest(engine);
        translated.core.expectExact();
        const expected = interpreted.run(program) as { trap: Trap };
        if (expected.trap === Trap.Syscall) completed++;
        if (expected.trap === Trap.PageFault) faults++;
        expect(translated.run(program)).toEqual(expected);
      }),
      { numRuns: Number(process.env.NUMBERS_RUNS ?? 300) },
    );
    expect(completed).toBeGreaterThan(100);
    expect(faults).toBeGreaterThan(5);
  });
});
