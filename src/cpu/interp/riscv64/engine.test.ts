import { describe, expect, it } from "vitest";
import { GuestMemory } from "../../../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../../mm/layout.ts";
import { Access, SINGLE_STEP, Trap } from "../../core.ts";
import { registers } from "../../isa/riscv64/arch.ts";
import { FP_CAREFUL } from "../../isa/riscv64/context.ts";
import { InterpEngine } from "../engine.ts";
import { generateModule } from "../generate.ts";
import { riscvRuntime } from "./runtime.ts";

const module = generateModule("riscv64");
const CODE = 0x10000;
const DATA = 0x20000;
let now = 5n;

function guest(
  words: readonly number[],
  briefBranches: number,
): { memory: GuestMemory; core: ReturnType<InterpEngine["attach"]> } {
  const memory = new GuestMemory();
  const core = new InterpEngine({ module, isa: riscvRuntime, briefBranches, timestamp: () => now }).attach(memory);
  const { Present, Read, Write, Exec } = PageBits;
  memory.pages[CODE >> PAGE_SHIFT] = Present | Read | Exec;
  memory.pages[DATA >> PAGE_SHIFT] = Present | Read | Write;
  words.forEach((word, i) => {
    memory.view.setUint32(CODE + i * 4, word, true);
  });
  registers.reset(memory.context);
  registers.setPc(memory.context, CODE);
  return { memory, core };
}

const ECALL = 0x73;
const LR_W = 0x1005_252f; // lr.w a0, (a0)
const SC_W = 0x18b6_252f; // sc.w a0, a1, (a2)

describe.each([
  ["with the large loop", 0],
  ["with the small one", Number.POSITIVE_INFINITY],
])("riscv64 interpreted %s", (_name, brief) => {
  it("ends a system call behind the instruction, ebreak at it", () => {
    const { memory, core } = guest([ECALL, 0x0010_0073], brief);
    expect(core.run(10)).toBe(Trap.Syscall);
    expect(registers.getPc(memory.context)).toBe(CODE + 4);
    expect(core.run(10)).toBe(Trap.Breakpoint);
    expect(registers.getPc(memory.context)).toBe(CODE + 4);
  });

  it("keeps a reservation until it runs anew", () => {
    const prepared = (first: number) => {
      const g = guest([LR_W, first, SC_W, ECALL], brief);
      registers.setGpr(g.memory.context, 10, BigInt(DATA));
      registers.setGpr(g.memory.context, 11, 7n);
      registers.setGpr(g.memory.context, 12, BigInt(DATA));
      return g;
    };
    const kept = prepared(0x13);
    expect(kept.core.run(10)).toBe(Trap.Syscall);
    expect(registers.getGpr(kept.memory.context, 10)).toBe(0n);
    expect(kept.memory.view.getUint32(DATA, true)).toBe(7);
    const lost = prepared(ECALL);
    expect(lost.core.run(10)).toBe(Trap.Syscall);
    expect(lost.core.run(10)).toBe(Trap.Syscall);
    expect(registers.getGpr(lost.memory.context, 10)).toBe(1n);
    expect(lost.memory.view.getUint32(DATA, true)).toBe(0);
  });

  it("traps on a misaligned atomic access, and says where", () => {
    const { memory, core } = guest([LR_W], brief);
    registers.setGpr(memory.context, 10, BigInt(DATA + 2));
    expect(core.run(10)).toBe(Trap.Misaligned);
    expect(core.faultAddress).toBe(DATA + 2);
    expect(registers.getPc(memory.context)).toBe(CODE);
  });

  it("counts time", () => {
    const { memory, core } = guest([0xc010_2573, ECALL, 0xc010_1573], brief); // rdtime a0; csrw time, zero
    now = 1234n;
    expect(core.run(10)).toBe(Trap.Syscall);
    expect(registers.getGpr(memory.context, 10)).toBe(1234n);
    expect(core.run(10)).toBe(Trap.IllegalInstruction);
  });

  it("faults at an address beyond all memory with that address", () => {
    const { memory, core } = guest([0x0005_3583], brief); // ld a1, 0(a0)
    registers.setGpr(memory.context, 10, 0xffff_ffff_0000_0000n);
    expect(core.run(10)).toBe(Trap.PageFault);
    expect(core.faultAddress).toBe(-0x1_0000_0000);
    expect(core.faultAccess).toBe(Access.Read);
  });

  it("takes flags that are kept around a comparison for no look at them", () => {
    // frflags a4; flt.d a5, fa5, fa4; fsflags a4
    const { memory, core } = guest([0x0010_2773, 0xa2e7_97d3, 0x0017_1073, ECALL, 0x0010_2773, ECALL], brief);
    expect(core.run(10)).toBe(Trap.Syscall);
    expect(memory.context.getUint32(FP_CAREFUL, true)).toBe(0);
    expect(core.run(10)).toBe(Trap.Syscall);
    expect(memory.context.getUint32(FP_CAREFUL, true)).toBe(1);
  });

  it("steps", () => {
    const { memory, core } = guest([0x0010_0513, 0x0000_006f, ECALL], brief); // li a0, 1; j .
    expect(core.run(SINGLE_STEP)).toBe(Trap.SingleStep);
    expect(registers.getGpr(memory.context, 10)).toBe(1n);
    expect(core.run(SINGLE_STEP)).toBe(Trap.SingleStep);
    expect(registers.getPc(memory.context)).toBe(CODE + 4);
    expect(core.run(100)).toBe(Trap.Fuel);
  });
});
