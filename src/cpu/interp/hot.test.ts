import { expect, it } from "vitest";
import { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import { type CpuCore, SINGLE_STEP, Trap } from "../core.ts";
import { readFlags, registers } from "../isa/x86_64/arch.ts";
import { InterpEngine } from "./engine.ts";
import { generateModule } from "./generate.ts";

const module = generateModule();
const engine = new InterpEngine({ module, briefBranches: 0 });
const briefEngine = new InterpEngine({ module, briefBranches: Number.POSITIVE_INFINITY });
const CODE = 0x10000;
const DATA = 0x20000;

/** Instructions that get combined; rsi and rsp point to data and stay, rcx (an index) is not written. */
const INSTRUCTIONS = `
4889d8 89d8 4889c3 89d0 488b4610 8b5604 48895e08 895614 885603 c746100a000000 48c7462001000000 b807000000 48c7c2f0ffffff
488b040e 8b148e 0fb64603 0fb6040e 0fb7560e 4863460c 4863c2 488d4310 8d5305 488d140b 50 5b 52 58
4801d8 01d0 4883c07f 83c280 48034610 48015608 4829d8 29d0 4883ea01 83e801 482b4610
4821d8 21d0 83e20f 4883e0f8 4809d8 31d0 4831db 31c0 83f0ff
4839d8 39d0 4883f805 83fa07 3c41 483b5610 48395610 837e1009 807e0302 48837e20ff
4885c0 85d2 84c0 a801 f7c210000000 48c1e005 c1e207 48c1eb03 c1e801 c1fa02 48c1f811
480fafc3 0fafd0 f7d8 f7d2 ffc0 48ffc3 ffca 48ffcb
0f42d3 480f44c3 0f4fd0 480f47d8 0f94c0 0f95c2 0f9cc3 0f97c0
4811d8 19d0 7500 7400 7700 7200 7f00 7c00 7900 7800 7602 7e02 7d02 7302 90 99 4898
`
  .trim()
  .split(/\s+/);

/** A repeatable sequence of numbers (Numerical Recipes' generator). */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

function prepare(core: CpuCore, memory: GuestMemory, code: Uint8Array, seed: number): void {
  const { context, u8, pages } = memory;
  core.invalidate(CODE, CODE + 0x1000);
  const { Present, Read, Write, Exec } = PageBits;
  pages[CODE >> PAGE_SHIFT] = Present | Read | Exec;
  pages.fill(Present | Read | Write, DATA >> PAGE_SHIFT, (DATA >> PAGE_SHIFT) + 1);
  u8.set(code, CODE);
  const next = numbers(seed);
  u8.fill(0, DATA, DATA + 0x1000);
  for (let i = 0; i < 64; i++) u8[DATA + i] = next(256);
  registers.reset(context);
  const values = [next(16), 3, next(2 ** 31), -next(2 ** 31), DATA + 0x800, 0, DATA, 0];
  values.forEach((value, i) => {
    registers.setGpr(context, i, BigInt(value));
  });
  registers.setPc(context, CODE);
}

function outcome(memory: GuestMemory): unknown {
  const { context, u8 } = memory;
  const gprs = Array.from({ length: 16 }, (_, i) => registers.getGpr(context, i).toString(16));
  const data = [...u8.subarray(DATA, DATA + 64), ...u8.subarray(DATA + 0x7c0, DATA + 0x840)];
  return { pc: registers.getPc(context), gprs, flags: readFlags(context), data: data.join() };
}

it("computes the same with several instructions in a handler as with one at a time", () => {
  const together = new GuestMemory();
  const brief = new GuestMemory();
  const single = new GuestMemory();
  const cores = [engine.attach(together), briefEngine.attach(brief), engine.attach(single)] as const;
  const next = numbers(7);
  for (let round = 0; round < 6000; round++) {
    const chosen = Array.from({ length: 10 }, () => INSTRUCTIONS[next(INSTRUCTIONS.length)] as string);
    // A taken branch of +2 lands on the nop.
    const hex = `${chosen.map((i) => (/^7.02$/.test(i) ? `${i}6690` : i)).join("")}0f05`;
    const code = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
    prepare(cores[0], together, code, round);
    prepare(cores[1], brief, code, round);
    prepare(cores[2], single, code, round);
    let trap: Trap;
    for (const core of [cores[0], cores[1]]) {
      do trap = core.run(1000);
      while (trap === Trap.Fuel);
      expect(trap).toBe(Trap.Syscall);
    }
    do trap = cores[2].run(SINGLE_STEP);
    while (trap === Trap.SingleStep);
    expect(trap).toBe(Trap.Syscall);
    const expected = { hex, ...(outcome(single) as object) };
    expect({ hex, ...(outcome(together) as object) }).toEqual(expected);
    expect({ hex, ...(outcome(brief) as object) }).toEqual(expected);
    expect(cores[0].instructions).toBe(cores[1].instructions);
  }
});

/** Bytes of the largest function body of a wasm module. */
function largestBody(bytes: Uint8Array): number {
  let at = 8;
  let largest = 0;
  const leb = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const end = leb() + at;
    if (id === 10)
      for (let left = leb(); left > 0; left--) {
        const size = leb();
        largest = Math.max(largest, size);
        at += size;
      }
    at = end;
  }
  return largest;
}

it("keeps the main loop small enough for the good register allocator (52 KB was, 55 KB was not; take from hot.ts)", () => {
  expect(largestBody(module)).toBeLessThan(51_500);
  expect(largestBody(generateModule("riscv64"))).toBeLessThan(51_500);
});
