import { describe, expect, it } from "vitest";
import { loadUnicorn } from "../../host/node/unicorn.ts";
import { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PAGE_SIZE, PageBits } from "../../mm/layout.ts";
import { Access, type CpuCore, SINGLE_STEP, Trap } from "../core.ts";
import { registers as arch } from "../isa/x86_64/arch.ts";
import * as ctx from "../isa/x86_64/context.ts";
import { UnicornEngine } from "./engine.ts";

const CODE = 0x10000;
const DATA = 0x20000;
/** Not there. */
const HOLE = 0x50000;
const RX = PageBits.Read | PageBits.Exec | PageBits.Present;
const RW = PageBits.Read | PageBits.Write | PageBits.Present;

const api = await loadUnicorn().catch(String);
if (typeof api === "string") console.warn(`the tests of the Unicorn engine are skipped: ${api}`);

describe.skipIf(typeof api === "string")("the Unicorn engine", () => {
  const start = (code: readonly number[], bits: number = RX): { memory: GuestMemory; core: CpuCore } => {
    const memory = new GuestMemory();
    memory.pages[CODE >> PAGE_SHIFT] = bits;
    memory.pages.fill(RW, DATA >> PAGE_SHIFT, (DATA >> PAGE_SHIFT) + 2);
    memory.u8.set(code, CODE);
    arch.reset(memory.context);
    arch.setPc(memory.context, CODE);
    arch.setSp(memory.context, DATA + 0x800);
    return { memory, core: new UnicornEngine(api as Exclude<typeof api, string>).attach(memory) };
  };
  const rax = (memory: GuestMemory): bigint => arch.getGpr(memory.context, 0);
  const pc = (memory: GuestMemory): number => arch.getPc(memory.context) - CODE;
  /** Answers faults of stores to code as the kernel does. Other traps are returned. */
  const run = (memory: GuestMemory, core: CpuCore): Trap => {
    for (let i = 0; i < 100_000; i++) {
      const trap = core.run(1000);
      const page = core.faultAddress >>> PAGE_SHIFT;
      if (trap === Trap.Fuel) continue;
      if (trap !== Trap.PageFault || ((memory.pages[page] as number) & PageBits.Code) === 0) return trap;
      expect(core.faultAccess).toBe(Access.Write);
      memory.pages[page] = (memory.pages[page] as number) | PageBits.Write;
      core.invalidate(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    }
    throw new Error("no end");
  };

  it.each([
    ["hlt", [0xf4]],
    ["cli", [0xfa]],
    ["mov cr0, rax", [0x0f, 0x22, 0xc0]],
    ["wrmsr", [0x0f, 0x30]],
  ])("runs in user mode: %s is privileged", (_, code) => {
    const { memory, core } = start([0x90, ...code]);
    expect(core.run(100)).toBe(Trap.GeneralProtection);
    expect(pc(memory)).toBe(1);
    core.detach();
  });

  it("raises one exception after the other", () => {
    // xor eax, eax; div eax
    const { memory, core } = start([0x31, 0xc0, 0xf7, 0xf0, 0xf4]);
    for (let i = 0; i < 5; i++) {
      arch.setPc(memory.context, CODE);
      expect(core.run(100)).toBe(Trap.DivideError);
      expect(pc(memory)).toBe(2);
      arch.setPc(memory.context, CODE + 4);
      expect(core.run(100)).toBe(Trap.GeneralProtection);
    }
    core.detach();
  });

  it("executes what a program writes over its next instruction", () => {
    // mov dword [rip], inc rax; nop, over ud2 ud2; syscall
    const code = [0xc7, 0x05, 0, 0, 0, 0, 0x48, 0xff, 0xc0, 0x90, 0x0f, 0x0b, 0x0f, 0x0b, 0x0f, 0x05];
    const { memory, core } = start(code, RX | PageBits.Write);
    expect(run(memory, core)).toBe(Trap.Syscall);
    expect(rax(memory)).toBe(1n);
    core.detach();
  });

  it("executes what a loop writes into itself", () => {
    // mov ecx, 100; 1: add eax, 1; inc byte [rip - 7], the operand of add; dec ecx; jnz 1b; syscall
    const code = [
      0xb9, 100, 0, 0, 0, 0x83, 0xc0, 1, 0xfe, 0x05, 0xf9, 0xff, 0xff, 0xff, 0xff, 0xc9, 0x75, 0xf3, 0x0f, 5,
    ];
    const { memory, core } = start(code, RX | PageBits.Write);
    expect(run(memory, core)).toBe(Trap.Syscall);
    expect(rax(memory)).toBe(5050n);
    core.detach();
  });

  it("sees code that another wrote in the meantime", () => {
    const { memory, core } = start([0xb8, 1, 0, 0, 0, 0x0f, 0x05]);
    expect(core.run(100)).toBe(Trap.Syscall);
    expect(rax(memory)).toBe(1n);
    expect((memory.pages[CODE >> PAGE_SHIFT] as number) & PageBits.Code).toBe(PageBits.Code);
    core.invalidate(CODE, CODE + PAGE_SIZE);
    memory.u8[CODE + 1] = 2;
    arch.setPc(memory.context, CODE);
    expect(core.run(100)).toBe(Trap.Syscall);
    expect(rax(memory)).toBe(2n);
    core.detach();
  });

  it.each([
    ["a load", [0x48, 0x8b, 0x0c, 0x25, 0, 0, 5, 0], Access.Read],
    ["a store", [0x48, 0x89, 0x0c, 0x25, 0, 0, 5, 0], Access.Write],
    ["fstp of 80 bits, for which QEMU has a helper", [0xdb, 0x3c, 0x25, 0, 0, 5, 0], Access.Write],
    ["cmpxchg8b", [0x0f, 0xc7, 0x0c, 0x25, 0, 0, 5, 0], Access.Read],
  ])("leaves the state before %s that faults, and begins it again", (_, code, access) => {
    // fld1; inc eax; stc; the instruction; inc eax; syscall
    const { memory, core } = start([0xd9, 0xe8, 0xff, 0xc0, 0xf9, ...code, 0xff, 0xc0, 0x0f, 0x05]);
    expect(core.run(100)).toBe(Trap.PageFault);
    expect([core.faultAddress, core.faultAccess]).toEqual([HOLE, access]);
    expect(pc(memory)).toBe(5);
    expect(rax(memory)).toBe(1n);
    expect(arch.readFlags(memory.context) & 1).toBe(1);
    expect(memory.context.getUint32(ctx.X87_TOP, true)).toBe(7);
    memory.pages[HOLE >> PAGE_SHIFT] = RW;
    expect(core.run(100)).toBe(Trap.Syscall);
    if (code[0] === 0xdb) expect(memory.view.getUint16(HOLE + 8, true)).toBe(0x3fff);
    core.detach();
  });

  it("distinguishes addresses that are not canonical", () => {
    // mov rcx, [rax]
    const { memory, core } = start([0x48, 0x8b, 0x08]);
    arch.setGpr(memory.context, 0, 0x8000_0000_0000_0000n);
    expect(core.run(100)).toBe(Trap.GeneralProtection);
    arch.setGpr(memory.context, 0, 0xffff_ffff_8000_0000n);
    expect(core.run(100)).toBe(Trap.PageFault);
    expect(core.faultAddress).toBe(-0x8000_0000);
    core.detach();
  });

  it("steps one instruction at a time", () => {
    // inc eax; jmp to the inc
    const { memory, core } = start([0xff, 0xc0, 0xeb, 0xfc]);
    for (let i = 1; i <= 3; i++) {
      expect(core.run(SINGLE_STEP)).toBe(Trap.SingleStep);
      expect([pc(memory), rax(memory)]).toEqual([2, BigInt(i)]);
      expect(core.run(SINGLE_STEP)).toBe(Trap.SingleStep);
      expect(pc(memory)).toBe(0);
    }
    core.detach();
  });

  it("maps many pages one by one, and keeps what is in them", () => {
    // 1: mov [rdi], rdi; add rdi, 4096; dec ecx; jnz 1b; syscall
    const { memory, core } = start([0x48, 0x89, 0x3f, 0x48, 0x81, 0xc7, 0, 16, 0, 0, 0xff, 0xc9, 0x75, 0xf2, 0x0f, 5]);
    const first = 0x100000;
    const count = 500;
    arch.setGpr(memory.context, 7, BigInt(first));
    arch.setGpr(memory.context, 1, BigInt(count));
    let faults = 0;
    while (core.run(1000) === Trap.PageFault) {
      memory.pages[core.faultAddress >>> PAGE_SHIFT] = RW;
      faults++;
    }
    expect(faults).toBe(count);
    for (let i = 0; i < count; i++)
      expect(memory.view.getUint32(first + i * PAGE_SIZE, true)).toBe(first + i * PAGE_SIZE);
    core.detach();
  });
});
