import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import { Access, type CpuCore, type CpuEngine, SINGLE_STEP, Trap } from "../core.ts";
import { InterpEngine } from "../interp/engine.ts";
import { generateModule } from "../interp/generate.ts";
import { readFlags, registers } from "../isa/x86_64/arch.ts";
import { GPR } from "../isa/x86_64/context.ts";
import { Reg } from "../isa/x86_64/sem.ts";
import { JitEngine, type JitOptions } from "./engine.ts";
import { Translator } from "./translator.ts";

const CODE = 0x10000;
const DATA = 0x20000;
/** 16 MiB of it. */
const STACK = 0x100_0000;
const STACK_TOP = 0x200_0000;
const { Read, Write, Exec, Present, Code } = PageBits;

const module = generateModule();
const interp = new InterpEngine({ module });
const load = async (): Promise<{ Translator: typeof Translator }> => ({ Translator });

/** An engine that has its translator already. */
async function jit(options: Partial<JitOptions> = {}): Promise<JitEngine> {
  const engine = new JitEngine({ module, load, ...options });
  await engine.loadTranslator();
  return engine;
}

/** An address space with an engine at work in it. */
class Guest {
  readonly memory: GuestMemory;
  core: CpuCore;

  constructor(engine: CpuEngine, memory: GuestMemory = new GuestMemory()) {
    this.memory = memory;
    this.core = engine.attach(this.memory);
    registers.reset(memory.context);
    this.protect(CODE, Present | Read | Write | Exec, 4);
    this.protect(DATA, Present | Read | Write, 2);
    this.protect(STACK, Present | Read | Write, (STACK_TOP - STACK) >>> PAGE_SHIFT);
    this.set(Reg.rsp, STACK_TOP - 0x100);
    this.start();
  }

  protect(address: number, bits: number, pages = 1): void {
    this.memory.pages.fill(bits, address >>> PAGE_SHIFT, (address >>> PAGE_SHIFT) + pages);
  }
  /** Puts code, as hex, at an address. */
  code(hex: string, at = CODE): void {
    const bytes = (hex.replace(/\s/g, "").match(/../g) ?? []).map((b) => Number.parseInt(b, 16));
    this.memory.u8.set(bytes, at);
    this.core.invalidate(at, at + bytes.length);
  }
  start(pc = CODE): void {
    registers.setPc(this.memory.context, pc);
  }
  set(register: number, value: bigint | number): void {
    this.memory.context.setBigInt64(GPR + register * 8, BigInt(value), true);
  }
  get(register: number): bigint {
    return this.memory.context.getBigInt64(GPR + register * 8, true);
  }
  /** Runs until a trap other than fuel, answering writes to pages with code as the kernel does. */
  run(): Trap {
    const { pages } = this.memory;
    for (;;) {
      const { core } = this;
      const trap = core.run(100_000);
      if (trap === Trap.Fuel) continue;
      const page = core.faultAddress >>> PAGE_SHIFT;
      if (trap !== Trap.PageFault || core.faultAccess !== Access.Write || ((pages[page] as number) & Code) === 0)
        return trap;
      core.invalidate(page << PAGE_SHIFT, (page + 1) << PAGE_SHIFT);
      pages[page] = (pages[page] as number) | Write;
    }
  }
  /** What a program could see. */
  state(): unknown {
    const { context } = this.memory;
    const general = Array.from({ length: 16 }, (_, n) => this.get(n));
    return { general, pc: registers.getPc(context), flags: readFlags(context) };
  }
}

/** The same by the interpreter alone. */
function expected(prepare: (guest: Guest) => void): { trap: Trap; state: unknown; fault: unknown } {
  return outcome(new Guest(interp), prepare);
}
function outcome(guest: Guest, prepare: (guest: Guest) => void): { trap: Trap; state: unknown; fault: unknown } {
  prepare(guest);
  const trap = guest.run();
  const { faultAddress, faultAccess } = guest.core;
  return { trap, state: guest.state(), fault: trap === Trap.PageFault ? [faultAddress, faultAccess] : undefined };
}

/** mov ecx,n; xor eax,eax; l: add eax,ecx; dec ecx; jnz l; syscall */
const sum = (n: number): string => {
  const bytes = new Uint8Array(new Uint32Array([n]).buffer);
  return `b9 ${Buffer.from(bytes).toString("hex")} 31 c0 01 c8 ff c9 75 fa 0f 05`;
};
const sumOf = (n: number): bigint => BigInt.asUintN(32, (BigInt(n) * BigInt(n + 1)) / 2n);
const LOOP = CODE + 7;

let engine: JitEngine;
beforeEach(async () => {
  engine = await jit();
});

describe("what is hot", () => {
  it("is translated, and gives what the interpreter gives", () => {
    const prepare = (guest: Guest): void => guest.code(sum(3_000_000));
    const guest = new Guest(engine);
    expect(outcome(guest, prepare)).toEqual(expected(prepare));
    expect(guest.get(Reg.rax)).toBe(sumOf(3_000_000));
    const { statistics } = engine;
    expect(statistics.regions).toBe(1);
    expect(statistics.installed).toBe(1);
    expect(statistics.entered).toBeGreaterThan(0);
    expect(statistics.failed).toBe(0);
    // Estimated, for translated code: six for each branch, where this loop has three.
    expect(guest.core.instructions).toBeGreaterThan(9_000_000 * 0.9);
    expect(guest.core.instructions).toBeLessThan(9_000_000 * 2.1);
  });

  it("is not what runs a few times: the translator is not even loaded", () => {
    let loads = 0;
    const cold = new JitEngine({
      module,
      load: () => {
        loads++;
        return load();
      },
    });
    const guest = new Guest(cold);
    guest.code(sum(1_000));
    expect(guest.run()).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(sumOf(1_000));
    expect([loads, cold.statistics.modules]).toEqual([0, 0]);
  });

  it("waits for the translator, which is loaded once, and goes on interpreted until then", async () => {
    let loads = 0;
    let loaded: (value: { Translator: typeof Translator }) => void = () => {};
    const late = new JitEngine({
      module,
      load: () => {
        loads++;
        return new Promise((resolve) => {
          loaded = resolve;
        });
      },
    });
    const guest = new Guest(late);
    guest.code(sum(500_000));
    expect(guest.run()).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(sumOf(500_000));
    expect([loads, late.statistics.modules]).toEqual([1, 0]);
    loaded({ Translator });
    await late.loadTranslator();
    guest.start();
    expect(guest.run()).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(sumOf(500_000));
    expect([loads, late.statistics.modules]).toEqual([1, 1]);
  });

  it("is everything with a threshold of 1", async () => {
    engine = await jit({ threshold: 1 });
    const guest = new Guest(engine);
    guest.code(sum(3));
    expect(guest.run()).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(6n);
    expect(engine.statistics.interpreted).toBe(0);
    expect(engine.statistics.entered).toBeGreaterThan(0);
  });

  it("is stepped through by the interpreter all the same", async () => {
    engine = await jit({ threshold: 1 });
    const guest = new Guest(engine);
    guest.code(sum(3));
    guest.run();
    const { entered } = engine.statistics;
    guest.start();
    const pcs: number[] = [];
    for (let i = 0; i < 6; i++) {
      expect(guest.core.run(SINGLE_STEP)).toBe(Trap.SingleStep);
      pcs.push(registers.getPc(guest.memory.context) - CODE);
    }
    expect(pcs).toEqual([5, 7, 9, 11, 7, 9]);
    expect(engine.statistics.entered).toBe(entered);
    expect(guest.run()).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(6n);
  });

  it("is described to who asks", async () => {
    const texts: string[] = [];
    engine = await jit({ threshold: 1, dump: (text) => texts.push(text) });
    const guest = new Guest(engine);
    guest.code(sum(3));
    guest.run();
    const text = texts.join("");
    expect(text).toContain("region 0x10005: 5 instructions in 3 blocks");
    expect(text).toMatch(/0x10009 +ff c9 +dec:/);
    expect(text).toMatch(/structure:\n {2}0\n {4}loop 1\n/);
    expect(text).toContain("(loop");
  });
});

describe("code that changes", () => {
  it("may be its own", async () => {
    // mov ecx,300; l: mov eax,1; add ebx,eax; inc dword [rip-8] (that 1); dec ecx; jnz l; syscall
    const prepare = (guest: Guest): void =>
      guest.code("b9 2c010000 b8 01000000 01 c3 ff 05 f4ffffff ff c9 75 ef 0f 05");
    for (const threshold of [1, 2]) {
      engine = await jit({ threshold });
      const guest = new Guest(engine);
      expect(outcome(guest, prepare)).toEqual(expected(prepare));
      expect(guest.get(Reg.rbx)).toBe((300n * 301n) / 2n);
    }
  });

  it("is not executed any more once it is invalid", () => {
    const guest = new Guest(engine);
    guest.code(sum(1_000_000));
    guest.run();
    expect(engine.statistics.installed).toBe(1);
    guest.code("29", LOOP); // sub eax,ecx
    expect(engine.statistics.removed).toBe(1);
    guest.start();
    expect(guest.run()).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(BigInt.asUintN(32, -sumOf(1_000_000)));
    expect(engine.statistics.modules).toBe(2);
    // The code from before is known still.
    guest.code("01", LOOP);
    guest.start();
    guest.run();
    expect(guest.get(Reg.rax)).toBe(sumOf(1_000_000));
    expect(engine.statistics.modules).toBe(2);
    expect(engine.statistics.removed).toBe(2);
  });

  it("leaves regions elsewhere alone", () => {
    const guest = new Guest(engine);
    guest.code(sum(1_000_000));
    guest.run();
    guest.core.invalidate(CODE + 0x2000, CODE + 0x3000);
    expect(engine.statistics.removed).toBe(0);
  });

  it("is where a caller finds what it calls now", async () => {
    engine = await jit({ threshold: 1 });
    const guest = new Guest(engine);
    guest.code("e8 fb0f0000 0f 05"); // call f; syscall
    guest.code("b8 01000000 c3", CODE + 0x1000);
    guest.run();
    expect(guest.get(Reg.rax)).toBe(1n);
    guest.code("b8 02000000 c3", CODE + 0x1000);
    guest.start();
    expect(guest.run()).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(2n);
    expect(engine.statistics.failed).toBe(0);
  });

  it("faults where it may not be executed any more", async () => {
    engine = await jit({ threshold: 1 });
    const guest = new Guest(engine);
    guest.code(sum(3));
    guest.run();
    guest.protect(CODE, Present | Read, 1);
    guest.core.invalidate(CODE, CODE + 0x1000);
    guest.start();
    expect(guest.run()).toBe(Trap.PageFault);
    expect([guest.core.faultAddress, guest.core.faultAccess]).toEqual([CODE, Access.Exec]);
  });
});

describe("modules", () => {
  it("serve a fork", () => {
    const guest = new Guest(engine);
    guest.code(sum(1_000_000));
    guest.run();
    const memory = new GuestMemory();
    memory.u8.set(guest.memory.u8.subarray(CODE, CODE + 0x4000), CODE);
    memory.pages.set(guest.memory.pages);
    for (let at = 0; at < 0x400; at++) memory.context.setUint8(at, guest.memory.context.getUint8(at));
    const core = guest.core.fork(memory);
    registers.setPc(memory.context, CODE);
    let trap: Trap;
    do trap = core.run(100_000);
    while (trap === Trap.Fuel);
    expect(trap).toBe(Trap.Syscall);
    expect(memory.context.getBigUint64(GPR, true)).toBe(sumOf(1_000_000));
    const { modules, installed, failed } = engine.statistics;
    expect({ modules, installed, failed }).toEqual({ modules: 1, installed: 2, failed: 0 });
  });

  it("serve another process with the same code, and none with other code", () => {
    for (const n of [1_000_000, 1_000_000, 1_000_001, 1_000_000]) {
      const guest = new Guest(engine);
      // What differs is in the loop, or it would not be of the region.
      guest.code(sum(1_000_000));
      if (n === 1_000_001) guest.code("29", LOOP);
      expect(guest.run()).toBe(Trap.Syscall);
      expect(guest.get(Reg.rax)).toBe(n === 1_000_001 ? BigInt.asUintN(32, -sumOf(1_000_000)) : sumOf(1_000_000));
    }
    const { modules, installed } = engine.statistics;
    expect({ modules, installed }).toEqual({ modules: 2, installed: 4 });
  });

  it("leave nothing behind when address spaces go", async () => {
    engine = await jit({ threshold: 1 });
    const memory = new GuestMemory();
    const run = (): void => {
      const guest = new Guest(engine, memory);
      guest.code(sum(3));
      expect(guest.run()).toBe(Trap.Syscall);
      guest.core.detach();
    };
    run();
    const { slotCount, statistics } = engine;
    const { length } = engine.loops(memory).table;
    const { modules } = statistics;
    for (let i = 0; i < 1_000; i++) run();
    expect(engine.slotCount).toBe(slotCount);
    expect(engine.loops(memory).table.length).toBe(length);
    expect(statistics.modules).toBe(modules);
    expect(statistics.removed).toBe(statistics.installed);
    // Without its code there is nothing to run.
    memory.pages.fill(0);
    const guest = engine.attach(memory);
    registers.setPc(memory.context, CODE);
    expect(guest.run(10)).toBe(Trap.PageFault);
  });
});

describe("stack frames", () => {
  // l: mov [rsp],ecx; test ecx,ecx; js far; dec ecx; jnz l; syscall; far: mov eax,[rsp+0x100]; jmp l
  const FAR = "b9 40420f00 89 0c 24 85 c9 78 06 ff c9 75 f5 0f 05 8b 84 24 00010000 eb ea";

  it("that reach beyond the stack where they are not used cost nothing but the check", () => {
    const prepare = (guest: Guest): void => {
      guest.code(FAR);
      guest.set(Reg.rsp, STACK_TOP - 8);
    };
    const guest = new Guest(engine);
    expect(outcome(guest, prepare)).toEqual(expected(prepare));
    const { regions, removed, stepped } = engine.statistics;
    // One with the check, one without.
    expect({ regions, removed }).toEqual({ regions: 2, removed: 1 });
    expect(stepped).toBeGreaterThan(10);
    expect(stepped).toBeLessThan(100);
  });

  it("fault where they are used", async () => {
    engine = await jit({ threshold: 1 });
    const prepare = (guest: Guest): void => {
      guest.code(FAR);
      guest.set(Reg.rsp, STACK_TOP - 8);
      guest.set(Reg.rcx, -1);
      guest.start(CODE + 5);
    };
    const guest = new Guest(engine);
    expect(outcome(guest, prepare)).toEqual(expected(prepare));
    expect(guest.core.faultAddress).toBe(STACK_TOP + 0xf8);
  });
});

describe("accesses that reach into the next page", () => {
  it("look at one byte of the page table, until a right is taken from the second page", async () => {
    engine = await jit({ threshold: 1 });
    const guest = new Guest(engine);
    const { memory } = guest;
    guest.code("90 89 03 8b 0b 0f 05"); // nop; mov [rbx],eax; mov ecx,[rbx]; syscall
    guest.set(Reg.rax, 0x1122_3344);
    guest.set(Reg.rbx, DATA + 0xffe);
    const first = DATA >>> PAGE_SHIFT;
    memory.rightsChanged(first + 1);
    expect(guest.run()).toBe(Trap.Syscall);
    expect(memory.view.getUint32(DATA + 0xffe, true)).toBe(0x1122_3344);
    expect((memory.pages[first] as number) & PageBits.WriteOn).toBe(PageBits.WriteOn);
    expect((memory.pages[first + 1] as number) & PageBits.WriteOn).toBe(0);
    memory.pages[first + 1] = Present | Read;
    memory.rightsTaken(first + 1);
    guest.set(Reg.rax, 0);
    guest.start();
    expect(guest.run()).toBe(Trap.PageFault);
    expect([guest.core.faultAddress, guest.core.faultAccess]).toEqual([DATA + 0x1000, Access.Write]);
    expect(memory.view.getUint32(DATA + 0xffe, true)).toBe(0x1122_3344);
  });
});

describe("fuel", () => {
  it.each([
    ["a jump to itself", "eb fe"],
    ["a loop", "ff c0 eb fc"],
    ["two functions that jump to each other", "ff c0 e9 f90f0000", "ff c3 e9 f9efffff"],
    ["a function that calls itself for ever, and drops what it pushed", "58 e8 faffffff"],
  ])("runs out in %s", async (_what, first, second = "") => {
    engine = await jit({ threshold: 1 });
    const guest = new Guest(engine);
    guest.code(first);
    guest.code(second, CODE + 0x1000);
    for (let i = 0; i < 3; i++) {
      expect(guest.core.run(200_000)).toBe(Trap.Fuel);
      expect(registers.getPc(guest.memory.context)).toBeGreaterThanOrEqual(CODE);
    }
    expect(engine.statistics.refuelled).toBeGreaterThan(0);
    // As many branches as were asked for, about.
    expect(guest.core.instructions).toBeGreaterThan(600_000 * 6 * 0.5);
    expect(guest.core.instructions).toBeLessThan(600_000 * 6 * 1.5);
  });
});

describe("control flow that compilers do not arrange", () => {
  const same = async (prepare: (guest: Guest) => void): Promise<void> => {
    const wanted = expected(prepare);
    for (const threshold of [1, 2]) {
      engine = await jit({ threshold });
      expect(outcome(new Guest(engine), prepare)).toEqual(wanted);
      expect(engine.statistics.regions).toBeGreaterThan(0);
      expect(engine.statistics.failed).toBe(0);
    }
  };

  it("recursion of 100,000 levels", async () => {
    // mov edx,20; again: mov ecx,100000; call f; dec edx; jnz again; syscall
    // f: test ecx,ecx; jz done; push rcx; dec ecx; call f; pop rcx; add eax,ecx; done: ret
    const prepare = (guest: Guest): void =>
      guest.code("ba 14000000 b9 a0860100 e8 06000000 ff ca 75 f2 0f 05 85 c9 74 0b 51 ff c9 e8 f4ffffff 59 01 c8 c3");
    await same(prepare);
    const guest = new Guest(engine);
    expect(outcome(guest, prepare).trap).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(BigInt.asUintN(32, 20n * sumOf(100_000)));
  });

  it("a return past callers, as longjmp's", async () => {
    // mov ecx,50000; again: mov rbp,rsp; call f; inc ebx (never reached); resume: add eax,ecx; dec ecx; jnz again; syscall
    // f: push rcx; call g; inc ebx; ret; g: mov rsp,rbp; lea rdx,[resume]; jmp rdx
    const prepare = (guest: Guest): void =>
      guest.code(
        "b9 50c30000 48 89 e5 e8 0a000000 ff c3 01 c8 ff c9 75 f0 0f 05" +
          "51 e8 03000000 ff c3 c3 48 89 ec 48 8d 15 e3ffffff ff e2",
      );
    await same(prepare);
  });

  it("a return to another address than the caller's", async () => {
    // mov ecx,50000; again: call f; inc ebx; add eax,ecx; dec ecx; jnz again; syscall; f: add qword [rsp],2; ret
    const prepare = (guest: Guest): void =>
      guest.code("b9 50c30000 e8 0a000000 ff c3 01 c8 ff c9 75 f3 0f 05 48 83 04 24 02 c3");
    await same(prepare);
    const guest = new Guest(engine);
    outcome(guest, prepare);
    expect(guest.get(Reg.rbx)).toBe(0n);
  });

  it("a callee that leaves the stack or the frame pointer elsewhere", async () => {
    // mov ecx,50000; again: mov rbp,rsp; mov [rbp-64],ecx; call f; add eax,[rbp-64]; mov rsp,rdi; dec ecx; jnz again; syscall
    // f: mov rdi,rsp; add rdi,8; mov [rbp-128],ecx; sub rbp,64; pop rdx; sub rsp,256; jmp rdx
    const prepare = (guest: Guest): void =>
      guest.code(
        "b9 50c30000 48 89 e5 89 4d c0 e8 0c000000 03 45 c0 48 89 fc ff c9 75 eb 0f 05" +
          "48 89 e7 48 83 c7 08 89 4d 80 48 83 ed 40 5a 48 81 ec 00010000 ff e2",
      );
    await same(prepare);
  });

  it.each([
    ["0", 0n],
    ["an address without a page", 0x5000n],
    ["one that is beyond 4 GiB", 0x7fff_1234_5678n],
    ["one that is not canonical", 0x8000_0000_0000n],
    ["one that is not canonical and whose low half is code", 0x1234_0000_0000_0000n + BigInt(CODE)],
    ["one whose low half is code", 0x1_0000_0000n + BigInt(CODE)],
    ["one whose low half is 0", 0x1_0000_0000n],
    ["one of the kernel's", 0xffff_ffff_8000_0000n],
  ])("jumps, calls and returns to %s", async (_what, target) => {
    // Some rounds of a loop first, for those whose heat counts.
    const warm = "b9 20a10700 ff c9 75 fc";
    for (const jump of ["ff e0", "ff d0", "50 c3"])
      await same((guest) => {
        guest.code(warm + jump);
        guest.set(Reg.rax, BigInt.asIntN(64, target));
      });
  });

  it("jumps into the middle of an instruction", async () => {
    // mov ecx,100000; l: mov eax,0x90c3ff (of which inc ebx is the middle); dec ecx; js on; jmp l+1; ...
    const prepare = (guest: Guest): void =>
      guest.code("b9 a0860100 eb 01 b8 ff c3 90 90 ff c9 78 07 f6 c1 01 74 f2 eb f1 0f 05");
    await same(prepare);
  });

  it("a computed jump whose targets are many and come one after the other", async () => {
    // xor eax,eax; mov ecx,400000; l: mov edx,ecx; and edx,7; lea rsi,[t]; lea rdx,[rsi+rdx*4]; jmp rdx;
    // t: eight times: add eax,n (3 bytes) and nop; ... the last falls to: dec ecx; jnz l; syscall
    const entries = Array.from({ length: 8 }, (_, n) => `83 c0 0${n + 1} 90`).join(" ");
    const prepare = (guest: Guest): void =>
      guest.code(`31 c0 b9 801a0600 89 ca 83 e2 07 48 8d 35 06000000 48 8d 14 96 ff e2 ${entries} ff c9 75 ca 0f 05`);
    await same(prepare);
    // At last none of them leaves the region.
    expect(engine.statistics.missed).toBeLessThan(5_000);
  });
});

describe("a computed jump to more code than a region has room for", () => {
  it("is not translated again and again", async () => {
    // mov ecx,300000; xor eax,eax; mov esi,CODE+0x1000; l: mov edx,ecx; and edx,63; shl edx,8; add rdx,rsi; jmp rdx; m: dec ecx; jnz l
    // Each of the 64: nop...; add eax,n; jmp m
    const prepare = (guest: Guest): void => {
      guest.protect(CODE, Present | Read | Write | Exec, 8);
      guest.code("b9 e0930400 31 c0 be 00100100 89 ca 83 e2 3f c1 e2 08 48 01 f2 ff e2 ff c9 75 ef 0f 05");
      for (let n = 0; n < 64; n++) {
        const at = CODE + 0x1000 + n * 0x100;
        const back = CODE + 25 - (at + 103 + 5);
        const hex = [...new Uint8Array(Int32Array.of(back).buffer)]
          .map((b) => b.toString(16).padStart(2, "0"))
          .join("");
        guest.code(`${"90".repeat(100)} 83 c0 ${n.toString(16).padStart(2, "0")} e9 ${hex}`, at);
      }
    };
    const interpreted = expected(prepare);
    expect(interpreted.trap).toBe(Trap.Syscall);
    engine = await jit({ threshold: 4, briefBranches: 0 });
    expect(outcome(new Guest(engine), prepare)).toEqual(interpreted);
    expect(engine.statistics.modules).toBeGreaterThan(1);
    // All of it once, but for what was learned of the jump before.
    expect(engine.statistics.instructions).toBeLessThan(10_000);
  });
});

describe("code that is not translated", () => {
  it("is called by translated code, which goes on behind the call", async () => {
    engine = await jit({ threshold: 4, briefBranches: 0 });
    // mov ecx,40000; xor eax,eax; mov esi,CODE+0x1000; l: mov edx,ecx; and edx,63; shl edx,8; add rdx,rsi; call rdx; dec ecx; jnz l
    // Each of the 64: add eax,n; ret
    const prepare = (guest: Guest): void => {
      guest.protect(CODE, Present | Read | Write | Exec, 8);
      guest.code("b9 409c0000 31 c0 be 00100100 89 ca 83 e2 3f c1 e2 08 48 01 f2 ff d2 ff c9 75 ef 0f 05");
      for (let n = 0; n < 64; n++) guest.code(`83 c0 ${n.toString(16).padStart(2, "0")} c3`, CODE + 0x1000 + n * 0x100);
    };
    const interpreted = expected(prepare);
    const guest = new Guest(engine);
    expect(outcome(guest, prepare)).toEqual(interpreted);
    const { modules, missed, entered } = engine.statistics;
    expect(modules).toBeGreaterThan(0);
    expect(missed).toBeGreaterThan(10_000);
    // Not once for each call, by far.
    expect(entered).toBeLessThan(500);
  });

  it("may return elsewhere, and to where translated code expects to go on by another way", async () => {
    engine = await jit({ threshold: 4, briefBranches: 0 });
    // mov ecx,60000; xor eax,eax; l: mov edx,ecx; and edx,3; shl edx,8; lea rdx,[rdx+CODE+0x1000]; call rdx; inc eax; dec ecx; jnz l
    const prepare = (guest: Guest): void => {
      guest.protect(CODE, Present | Read | Write | Exec, 8);
      guest.code("b9 60ea0000 31 c0 89 ca 83 e2 03 c1 e2 08 48 8d 92 00100100 ff d2 ff c0 ff c9 75 eb 0f 05");
      guest.code("83 c0 02 c3", CODE + 0x1000);
      // add qword [rsp],2; ret: behind the inc
      guest.code("48 83 04 24 02 c3", CODE + 0x1100);
      // pop rdx; jmp rdx
      guest.code("5a ff e2", CODE + 0x1200);
      // A call of its own to the first, and a second return to the same place: call CODE+0x1000; push [rsp]; ret; but it pops one: lea rsp,[rsp+8]
      guest.code("e8 fbfcffff 8f 44 24 f8 ff 74 24 f8 c3", CODE + 0x1300);
    };
    const interpreted = expected(prepare);
    const guest = new Guest(engine);
    expect(outcome(guest, prepare)).toEqual(interpreted);
    expect(interpreted.trap).toBe(Trap.Syscall);
    expect(engine.statistics.modules).toBeGreaterThan(0);
  });
});

describe("where translation does not pay", () => {
  it("regions are small at first", async () => {
    // Instructions translated before each module.
    const before: number[] = [];
    engine = await jit({ threshold: 1.5, dump: () => before.push(engine.statistics.instructions) });
    // mov ecx,3000000; l: 500 times inc eax; dec ecx; jnz l
    const prepare = (guest: Guest): void =>
      guest.code(`b9 c0c62d00 ${"ff c0 ".repeat(500)} ff c9 0f 85 10fcffff 0f 05`);
    engine.statistics.modules = 1_000;
    expect(engine.thrifty).toBe(true);
    const guest = new Guest(engine);
    expect(outcome(guest, prepare).trap).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(BigInt.asUintN(32, 500n * 3_000_000n));
    const sizes = [...before.slice(1), engine.statistics.instructions].map((after, n) => after - (before[n] as number));
    expect(sizes[0]).toBeLessThan(400);
    // At last one has all of the loop.
    expect(Math.max(...sizes)).toBeGreaterThan(500);
    engine.translatedBranches = 2e9;
    expect(engine.thrifty).toBe(false);
  });
});

describe("should the translator fail", () => {
  const lines: string[] = [];
  const log = (line: string): unknown => lines.push(line);
  beforeEach(() => {
    lines.length = 0;
  });
  const rejections: unknown[] = [];
  const rejected = (reason: unknown): unknown => rejections.push(reason);
  process.on("unhandledRejection", rejected);
  afterAll(() => {
    process.off("unhandledRejection", rejected);
  });

  class Throwing extends Translator {
    override translate(): never {
      throw new Error("no such luck");
    }
  }
  class Unwilling extends Translator {
    constructor(...args: ConstructorParameters<typeof Translator>) {
      super(...args);
      throw new Error("not today");
    }
  }

  it.each([
    ["it cannot be loaded", () => Promise.reject(new Error("no such file")), "no such file"],
    ["it cannot be made", async () => ({ Translator: Unwilling }), "not today"],
  ])("where %s, everything is interpreted, with a line in the log", async (_what, load, reason) => {
    const broken = new JitEngine({ module, load, log });
    const guest = new Guest(broken);
    for (let i = 0; i < 2; i++) {
      guest.code(sum(500_000));
      guest.start();
      expect(guest.run()).toBe(Trap.Syscall);
      expect(guest.get(Reg.rax)).toBe(sumOf(500_000));
      await broken.loadTranslator();
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(lines).toEqual([`the translator cannot be loaded, so everything is interpreted: Error: ${reason}`]);
    expect(broken.statistics.modules).toBe(0);
    expect(rejections).toEqual([]);
  });

  it("where it throws, the code is interpreted, with a line in the log", async () => {
    engine = await jit({ load: async () => ({ Translator: Throwing }), log });
    const guest = new Guest(engine);
    guest.code(sum(1_000_000));
    expect(guest.run()).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(sumOf(1_000_000));
    expect(lines).toEqual([`translation of the code at 0x${LOOP.toString(16)} failed: Error: no such luck`]);
    expect(engine.statistics.failed).toBe(1);
  });

  it("where what it made is no valid module, the code is interpreted", async () => {
    class Garbling extends Translator {
      override translate(...args: Parameters<Translator["translate"]>): ReturnType<Translator["translate"]> {
        const { bytes, marks } = super.translate(...args);
        return { bytes: bytes.fill(0xff, 40), marks };
      }
    }
    engine = await jit({ load: async () => ({ Translator: Garbling }), log });
    const guest = new Guest(engine);
    guest.code(sum(1_000_000));
    expect(guest.run()).toBe(Trap.Syscall);
    expect(guest.get(Reg.rax)).toBe(sumOf(1_000_000));
    expect(lines).toHaveLength(1);
    expect(engine.statistics.failed).toBe(1);
  });
});
