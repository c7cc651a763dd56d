/** Instructions that the comparison with the real CPU cannot run: their results come from outside, or they change its own bases. */
import { beforeEach, describe, expect, it } from "vitest";
import { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import { type CpuCore, Trap } from "../core.ts";
import { readFlags, registers, writeFlags } from "../isa/x86_64/arch.ts";
import { FS_BASE, GPR, GS_BASE } from "../isa/x86_64/context.ts";
import { cpuid } from "../isa/x86_64/cpuid.ts";
import { ARITHMETIC_FLAGS, Flag, Reg } from "../isa/x86_64/sem.ts";
import { InterpEngine } from "./engine.ts";
import { generateModule } from "./generate.ts";

const CODE = 0x10000;
const SYSCALL = "0f 05";
const engine = new InterpEngine({
  module: generateModule(),
  timestamp: () => 0x1_2345_6789_abcdn,
  random: () => 0xfedc_ba98_7654_3210n,
});
let memory: GuestMemory;
let core: CpuCore;

const set = (register: number, value: bigint): void => memory.context.setBigUint64(GPR + register * 8, value, true);
const get = (register: number): bigint => memory.context.getBigUint64(GPR + register * 8, true);

function run(hex: string): Trap {
  const bytes = `${hex} ${SYSCALL}`.replace(/\s/g, "").match(/../g) ?? [];
  memory.u8.set(
    Uint8Array.from(bytes, (b) => Number.parseInt(b, 16)),
    CODE,
  );
  core.invalidate(CODE, CODE + bytes.length);
  registers.setPc(memory.context, CODE);
  return core.run(1000);
}

beforeEach(() => {
  memory = new GuestMemory();
  core = engine.attach(memory);
  registers.reset(memory.context);
  memory.pages[CODE >>> PAGE_SHIFT] = PageBits.Present | PageBits.Read | PageBits.Exec;
  for (const register of [Reg.rax, Reg.rcx, Reg.rdx, Reg.rbx]) set(register, 0x1111_2222_3333_4444n);
});

describe("what comes from outside", () => {
  it.each([
    ["rdtsc", "0f 31", 0x1111_2222_3333_4444n],
    ["rdtscp", "0f 01 f9", 0n],
  ])("%s splits the counter and leaves rcx or makes it the processor's number", (_name, hex, rcx) => {
    // mov rbx, rcx: the system call that ends the code overwrites rcx.
    expect(run(`${hex} 48 89 cb`)).toBe(Trap.Syscall);
    expect([get(Reg.rax), get(Reg.rdx)]).toEqual([0x6789_abcdn, 0x1_2345n]);
    expect(get(Reg.rbx)).toBe(rcx);
  });

  it.each([
    ["rdrand rbx", "48 0f c7 f3", 0xfedc_ba98_7654_3210n],
    ["rdrand ebx", "0f c7 f3", 0x7654_3210n],
    ["rdrand bx", "66 0f c7 f3", 0x1111_2222_3333_3210n],
    ["rdseed rbx", "48 0f c7 fb", 0xfedc_ba98_7654_3210n],
  ])("%s takes a number and sets only the carry flag", (_name, hex, expected) => {
    writeFlags(memory.context, ARITHMETIC_FLAGS & ~Flag.CF);
    expect(run(hex)).toBe(Trap.Syscall);
    expect(get(Reg.rbx)).toBe(expected);
    expect(readFlags(memory.context) & ARITHMETIC_FLAGS).toBe(Flag.CF);
  });

  it("rdpid does not exist", () => {
    expect(run("f3 0f c7 fb")).toBe(Trap.IllegalInstruction);
  });
});

describe("bases of segments", () => {
  it("wrfsbase and wrgsbase store them, extending 32 bits with zeros", () => {
    set(Reg.rax, 0x1234_5678_9abcn);
    expect(run("f3 48 0f ae d0 f3 0f ae db")).toBe(Trap.Syscall); // wrfsbase rax; wrgsbase ebx
    expect(memory.context.getBigUint64(FS_BASE, true)).toBe(0x1234_5678_9abcn);
    expect(memory.context.getBigUint64(GS_BASE, true)).toBe(0x3333_4444n);
  });

  it("an address that is not canonical is refused", () => {
    set(Reg.rax, 1n << 47n);
    expect(run("f3 48 0f ae d0")).toBe(Trap.GeneralProtection);
    expect(memory.context.getBigUint64(FS_BASE, true)).toBe(0n);
  });
});

describe("cpuid", () => {
  const ask = (leaf: bigint, subleaf: bigint): number[] => {
    set(Reg.rax, leaf);
    set(Reg.rcx, subleaf);
    expect(run("0f a2 48 89 ce")).toBe(Trap.Syscall); // and mov rsi, rcx
    return [Reg.rax, Reg.rbx, Reg.rsi, Reg.rdx].map((register) => Number(get(register)) | 0);
  };

  it.each([
    [1, 0],
    [1, 5],
    [4, 0],
    [4, 2],
    [4, 9],
    [7, 0],
    [7, 1],
    [0x8000_0001, 0],
    [0x4000_0000, 0],
  ])("answers leaf %i, subleaf %i", (leaf, subleaf) => {
    expect(ask(BigInt(leaf), BigInt(subleaf))).toEqual(cpuid(leaf, subleaf).map((v) => v | 0));
  });

  it("tells the features of subleaf 0 of leaf 7 only there", () => {
    expect(ask(7n, 0n)[1]).not.toBe(0);
    expect(ask(7n, 1n)).toEqual([0, 0, 0, 0]);
  });
});
