import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import { Access, type CpuCore, SINGLE_STEP, Trap } from "../core.ts";
import { registers } from "../isa/x86_64/arch.ts";
import { GPR } from "../isa/x86_64/context.ts";
import { Reg } from "../isa/x86_64/sem.ts";
import { InterpEngine } from "./engine.ts";
import { generateModule } from "./generate.ts";

const CODE = 0x10000;
const DATA = 0x20000;
const { Read, Write, Exec, Present, Code } = PageBits;

const logged: string[] = [];
const module = generateModule();
const log = (line: string): unknown => logged.push(line);
let engine: InterpEngine;
let memory: GuestMemory;
let core: CpuCore;

const set = (register: number, value: bigint | number): void =>
  memory.context.setBigInt64(GPR + register * 8, BigInt(value), true);
const get = (register: number): bigint => memory.context.getBigInt64(GPR + register * 8, true);
const page = (address: number): number => memory.pages[address >>> PAGE_SHIFT] as number;
function protect(address: number, bits: number, pages = 1): void {
  memory.pages.fill(bits, address >>> PAGE_SHIFT, (address >>> PAGE_SHIFT) + pages);
}
/** Puts code, as hex, at an address. */
function code(hex: string, at = CODE): number {
  const bytes = hex.replace(/\s/g, "").match(/../g) ?? [];
  bytes.forEach((b, i) => {
    memory.u8[at + i] = Number.parseInt(b, 16);
  });
  core.invalidate(at, at + bytes.length);
  return at + bytes.length;
}
const start = (pc = CODE): void => registers.setPc(memory.context, pc);
const pc = (): number => registers.getPc(memory.context);

/** Runs until a trap other than fuel, answering writes to pages with code as the kernel does. */
function run(): Trap {
  for (;;) {
    const trap = core.run(1000);
    if (trap === Trap.Fuel) continue;
    if (trap === Trap.PageFault && core.faultAccess === Access.Write && (page(core.faultAddress) & Code) !== 0) {
      const from = core.faultAddress & -4096;
      core.invalidate(from, from + 4096);
      protect(from, page(from) | Write);
      continue;
    }
    return trap;
  }
}

beforeEach(() => {
  memory = new GuestMemory();
  core = engine.attach(memory);
  registers.reset(memory.context);
  protect(CODE, Present | Read | Write | Exec, 4);
  protect(DATA, Present | Read | Write, 2);
  set(Reg.rsp, DATA + 0x1000);
  start();
  logged.length = 0;
});

// Both loops of the module.
describe.each([
  ["main", 0],
  ["brief", Number.POSITIVE_INFINITY],
])("the interpreter in its loop %s", (_loop, briefBranches) => {
  beforeAll(() => {
    engine = new InterpEngine({ module, log, briefBranches });
  });

  describe("running", () => {
    it("executes a loop and counts its instructions", () => {
      code("b9 e8030000  31 c0  01 c8  ff c9  75 fa  0f 05"); // mov ecx,1000; xor eax,eax; l: add eax,ecx; dec ecx; jnz l
      expect(run()).toBe(Trap.Syscall);
      expect(get(Reg.rax)).toBe(500500n);
      expect(core.instructions).toBe(2 + 3000);
      expect(pc()).toBe(CODE + 15);
      expect(get(Reg.rcx)).toBe(BigInt(CODE + 15));
    });

    it("stops for fuel at an instruction boundary and goes on", () => {
      code("ff c0 eb fc"); // l: inc eax; jmp l
      let before = 0n;
      for (let i = 0; i < 3; i++) {
        expect(core.run(10)).toBe(Trap.Fuel);
        expect([CODE, CODE + 2]).toContain(pc());
        // Where the first block ends may count as a branch, too.
        expect(get(Reg.rax) - before).toBeGreaterThanOrEqual(4n);
        expect(get(Reg.rax) - before).toBeLessThanOrEqual(11n);
        before = get(Reg.rax);
      }
      expect(core.instructions).toBe(Number(before) * 2 - (pc() === CODE ? 0 : 1));
    });

    it("steps one instruction at a time, branches and calls included", () => {
      code("ff c0  e8 02000000  eb f7  74 01  c3"); // inc eax; call f; jmp to inc; f: je +1; ret
      const pcs: number[] = [];
      for (let i = 0; i < 7; i++) {
        expect(core.run(SINGLE_STEP)).toBe(Trap.SingleStep);
        pcs.push(pc() - CODE);
      }
      expect(pcs).toEqual([2, 9, 11, 7, 0, 2, 9]);
    });

    it("calls, returns and jumps through registers", () => {
      code("48 8d 05 06000000  ff d0  ff c3  0f 05  bb 29000000  c3"); // lea rax,[f]; call rax; inc ebx; syscall; f: ...
      code("bb 29000000 c3", CODE + 13);
      expect(run()).toBe(Trap.Syscall);
      expect(get(Reg.rbx)).toBe(42n);
      expect(get(Reg.rsp)).toBe(BigInt(DATA + 0x1000));
    });

    it("adds segment bases and cuts addresses to 32 bits", () => {
      registers.setTls(memory.context, DATA + 0x100);
      memory.view.setUint32(DATA + 0x108, 0x11, true);
      memory.view.setUint32(DATA + 0x118, 0x22, true);
      memory.view.setUint32(DATA + 0x10, 0x33, true);
      set(Reg.rbx, 8);
      set(Reg.rcx, 4);
      set(Reg.rsi, 0x7_0000_0000n + BigInt(DATA));
      code("64 8b 03  64 8b 54 8b 00  67 8b 7e 10  0f 05"); // mov eax,fs:[rbx]; mov edx,fs:[rbx+rcx*4]; mov edi,[esi+16]
      expect(run()).toBe(Trap.Syscall);
      expect([get(Reg.rax), get(Reg.rdx), get(Reg.rdi)]).toEqual([0x11n, 0x22n, 0x33n]);
    });

    it("reaches absolute and rip-relative data above 2 GiB", () => {
      protect(0x9000_0000, Present | Read | Write | Exec);
      memory.view.setUint32(0x9000_0100, 0x1234, true);
      memory.u8.set([0x8b, 0x05, 0xfa, 0, 0, 0, 0xa0, 0, 1, 0, 0x90, 0, 0, 0, 0, 0x0f, 5], 0x9000_0000);
      start(0x9000_0000);
      expect(run()).toBe(Trap.Syscall);
      expect(get(Reg.rax)).toBe(0x1234n);
    });
  });

  describe("faults", () => {
    it("leaves the state before the instruction and says where", () => {
      set(Reg.rax, 7);
      set(Reg.rbx, DATA + 0x2000);
      code("ff c0  01 03"); // inc eax; add [rbx],eax
      expect(run()).toBe(Trap.PageFault);
      expect([core.faultAddress, core.faultAccess]).toEqual([DATA + 0x2000, Access.Write]);
      expect(pc()).toBe(CODE + 2);
      expect(get(Reg.rax)).toBe(8n);
      protect(DATA + 0x2000, Present | Read | Write);
      code("0f 05", CODE + 4);
      expect(run()).toBe(Trap.Syscall);
      expect(memory.view.getUint32(DATA + 0x2000, true)).toBe(8);
    });

    it("reports the second page of an access that crosses into it", () => {
      set(Reg.rbx, DATA + 0x1ffc);
      code("48 8b 03"); // mov rax,[rbx]
      expect(run()).toBe(Trap.PageFault);
      expect([core.faultAddress, core.faultAccess]).toEqual([DATA + 0x2000, Access.Read]);
      set(Reg.rbx, DATA + 0xffc);
      memory.view.setBigUint64(DATA + 0xffc, 0x1122334455667788n, true);
      code("0f 05", CODE + 3);
      expect(run()).toBe(Trap.Syscall);
      expect(get(Reg.rax)).toBe(0x1122334455667788n);
    });

    it("distinguishes addresses beyond 32 bits and those that aren't canonical", () => {
      code("48 8b 03");
      set(Reg.rbx, 0x1234_5678_9000n);
      expect(run()).toBe(Trap.PageFault);
      expect(core.faultAddress).toBe(0x1234_5678_9000);
      set(Reg.rbx, 0x1234_5678_9abc_def0n);
      expect(run()).toBe(Trap.GeneralProtection);
      expect(pc()).toBe(CODE);
    });

    it("faults on fetching only when the instruction is reached", () => {
      code("74 02 eb fc", CODE + 0x3ffc); // je +2 (to the next page, which isn't there); jmp back
      start(CODE + 0x3ffc);
      expect(core.run(10)).toBe(Trap.Fuel);
      memory.context.setUint32(0xb0, 0, true);
      memory.context.setUint32(0xc0, 0x40, true); // ZF
      start(CODE + 0x3ffc);
      expect(run()).toBe(Trap.PageFault);
      expect([core.faultAddress, core.faultAccess, pc()]).toEqual([CODE + 0x4000, Access.Exec, CODE + 0x4000]);
    });

    it("reports the page in which an instruction that crosses into it cannot be fetched", () => {
      code("b8 01 02", CODE + 0x3ffd);
      start(CODE + 0x3ffd);
      expect(run()).toBe(Trap.PageFault);
      expect([core.faultAddress, pc()]).toEqual([CODE + 0x4000, CODE + 0x3ffd]);
      protect(CODE + 0x4000, Present | Read | Exec);
      code("03 04 0f 05", CODE + 0x4000);
      expect(run()).toBe(Trap.Syscall);
      expect(get(Reg.rax)).toBe(0x04030201n);
    });

    it("raises division, breakpoint and illegal instruction at the right pc", () => {
      code("31 c9  f7 f1  cc  0f 0b");
      expect(run()).toBe(Trap.DivideError);
      expect(pc()).toBe(CODE + 2);
      start(CODE + 4);
      expect(run()).toBe(Trap.Breakpoint);
      expect(pc()).toBe(CODE + 5);
      expect(run()).toBe(Trap.IllegalInstruction);
      expect(pc()).toBe(CODE + 5);
      expect(logged[0]).toContain("0x10005: 0f 0b");
    });

    it("leaves a string instruction where it can continue", () => {
      memory.u8.fill(0x5a, DATA, DATA + 0x2000);
      set(Reg.rsi, DATA);
      set(Reg.rdi, DATA + 0x10ff0 + 0xf);
      set(Reg.rcx, 0x1800);
      protect(DATA + 0x10000, Present | Read | Write);
      code("f3 a4 0f 05");
      expect(run()).toBe(Trap.PageFault);
      expect(core.faultAddress).toBe(DATA + 0x11000);
      expect([get(Reg.rcx), get(Reg.rsi), get(Reg.rdi)]).toEqual([0x17ffn, BigInt(DATA + 1), BigInt(DATA + 0x11000)]);
      expect(pc()).toBe(CODE);
      protect(DATA + 0x11000, Present | Read | Write, 2);
      expect(run()).toBe(Trap.Syscall);
      expect(memory.u8.subarray(DATA + 0x10fff, DATA + 0x127ff).every((b) => b === 0x5a)).toBe(true);
      expect(memory.u8[DATA + 0x127ff]).toBe(0);
    });

    it("repeats what an overlapping forward move has just written", () => {
      memory.u8.set([1, 2, 3], DATA);
      set(Reg.rsi, DATA);
      set(Reg.rdi, DATA + 3);
      set(Reg.rcx, 10);
      code("f3 a4 0f 05");
      expect(run()).toBe(Trap.Syscall);
      expect([...memory.u8.subarray(DATA, DATA + 14)]).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 0]);
    });
  });

  describe("code that changes", () => {
    it("takes the write permission of pages it decodes from, and only of those", () => {
      code("90 0f 05");
      expect(run()).toBe(Trap.Syscall);
      expect(page(CODE) & (Code | Write)).toBe(Code);
      expect(page(CODE + 0x1000) & (Code | Write)).toBe(Write);
    });

    it("sees an instruction that the program overwrites ahead of it, on the same page, in a loop", () => {
      // l: mov [imm of the next mov], cl; mov eax, imm; add ebx, eax; dec ecx; jnz l; syscall
      code("88 0d 01000000  b8 00000000  01 c3  ff c9  75 ef  0f 05");
      set(Reg.rcx, 100);
      expect(run()).toBe(Trap.Syscall);
      expect(get(Reg.rbx)).toBe(5050n);
    });

    it("sees a function on another page that is rewritten between calls, reached directly and through a register", () => {
      const f = CODE + 0x1000;
      code("b8 01000000 c3", f);
      // l: call f; add ebx,eax; inc byte [f+1]; lea rdx,[f]; call rdx; add ebx,eax; dec ecx; jnz l; syscall
      code("e8 fb0f0000  01 c3  fe 05 f40f0000  48 8d 15 ec0f0000  ff d2  01 c3  ff c9  75 e4  0f 05");
      set(Reg.rcx, 50);
      expect(run()).toBe(Trap.Syscall);
      let expected = 0;
      for (let i = 1; i <= 50; i++) expected += i + i + 1;
      expect(get(Reg.rbx)).toBe(BigInt(expected));
    });

    it("drops a branch that waits for code which is decoded after it was overwritten", () => {
      // The je at CODE waits for a stub; it is replaced by nops; then its old target is decoded.
      code("74 7e  0f 05");
      expect(run()).toBe(Trap.Syscall);
      code("90 90");
      code("ff c3  eb f8", CODE + 0x80); // inc ebx; jmp to CODE + 0x7c
      code("0f 05", CODE + 0x7c);
      start(CODE + 0x80);
      expect(run()).toBe(Trap.Syscall);
      start();
      expect(run()).toBe(Trap.Syscall);
      expect(pc()).toBe(CODE + 4);
      expect(get(Reg.rbx)).toBe(1n);
    });
  });

  describe("address spaces", () => {
    it("forks with its decoded code, and the copies go different ways", () => {
      code("ff c3  83 fb 05  75 f9  0f 05  ff c3  0f 05"); // l: inc ebx; cmp ebx,5; jne l; syscall; inc ebx; syscall
      expect(run()).toBe(Trap.Syscall);
      const child = new GuestMemory();
      child.pages.set(memory.pages.subarray(0, 0x100));
      child.u8.set(memory.u8.subarray(0, 0x30000));
      for (let i = 0; i < 0x400; i++) child.context.setUint8(i, memory.context.getUint8(i));
      const other = core.fork(child);
      set(Reg.rbx, 0);
      start();
      expect(run()).toBe(Trap.Syscall);
      expect(get(Reg.rbx)).toBe(5n);
      expect(other.run(100)).toBe(Trap.Syscall);
      expect(child.context.getBigUint64(GPR + 24, true)).toBe(6n);
      other.invalidate(CODE, CODE + 0x1000);
      child.u8[CODE + 1] = 0xc0; // inc eax
      registers.setPc(child.context, CODE);
      child.context.setBigUint64(GPR + 24, 5n, true);
      child.context.setBigUint64(GPR, 0n, true);
      expect(other.run(100)).toBe(Trap.Syscall);
      expect(child.context.getBigUint64(GPR, true)).toBe(1n);
      start();
      set(Reg.rbx, 0);
      expect(run()).toBe(Trap.Syscall);
      expect(get(Reg.rbx)).toBe(5n);
    });

    it("takes decoded code over from another one where the bytes are the same, and only there", () => {
      const loop = "31 c0  ff c0  3d 10270000  75 f7  64 8b 14 8b  0f 05"; // with a split address
      const results: bigint[] = [];
      for (const [hex, base] of [
        [loop, DATA],
        [loop, DATA + 0x100],
        [loop.replace("ff c0", "ff c3"), DATA],
        [loop, DATA + 0x200],
      ] as const) {
        memory = new GuestMemory();
        core = engine.attach(memory);
        registers.reset(memory.context);
        protect(CODE, Present | Read | Write | Exec, 4);
        protect(DATA, Present | Read | Write, 2);
        registers.setTls(memory.context, base);
        memory.view.setUint32(base + 0x28, base, true);
        memory.u8.set(
          (hex.replace(/\s/g, "").match(/../g) ?? []).map((b) => Number.parseInt(b, 16)),
          CODE,
        );
        set(Reg.rbx, 0x20);
        set(Reg.rcx, 2);
        start();
        // The changed one counts in ebx and never ends.
        const trap = core.run(50_000);
        expect(trap).toBe(hex === loop ? Trap.Syscall : Trap.Fuel);
        results.push(get(Reg.rdx), get(Reg.rax));
        expect(page(CODE) & (Code | Write)).toBe(Code);
      }
      expect(results).toEqual([
        BigInt(DATA),
        10000n,
        BigInt(DATA + 0x100),
        10000n,
        0n,
        0n,
        BigInt(DATA + 0x200),
        10000n,
      ]);
    });

    it("forgets all when detached", () => {
      code("ff c3 0f 05");
      expect(run()).toBe(Trap.Syscall);
      core.detach();
      code("ff c0 0f 05");
      core = engine.attach(memory);
      start();
      set(Reg.rax, 0);
      expect(run()).toBe(Trap.Syscall);
      expect(get(Reg.rax)).toBe(1n);
    });
  });
});
