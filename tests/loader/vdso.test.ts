/** The vdso: found as C libraries find it, and run. */
import { beforeAll, describe, expect, it } from "vitest";
import { PROT_READ, PROT_WRITE } from "../../src/abi/mman.ts";
import { type CpuCore, type CpuEngine, Trap } from "../../src/cpu/core.ts";
import { createInterpEngine } from "../../src/cpu/interp/create.ts";
import { registers as riscv64 } from "../../src/cpu/isa/riscv64/arch.ts";
import { registers as x86_64 } from "../../src/cpu/isa/x86_64/arch.ts";
import { mapVdso } from "../../src/loader/vdso.ts";
import { VDSO_RT_SIGRETURN, vdsoRiscv64 } from "../../src/loader/vdso-riscv64.ts";
import { vdsoX86_64 } from "../../src/loader/vdso-x86_64.ts";
import { AddressSpace } from "../../src/mm/address-space.ts";
import { MemoryPool } from "../../src/mm/memory-pool.ts";
import { type ClockPage, makeClockPage, makeVdso } from "../../src/proc/vdso.ts";

const RDI = 7;
const RSI = 6;
const RA = 1;
const A0 = 10;
const A1 = 11;
const RETURN = 0x1234;
const STACK = 0x10_0000;
const DATA = 0x20_0000;
const UNTOUCHED = 0x1111_1111_1111_1111n;

/** A clock that is moved by hand: what the counter shows, and how far real time is ahead of it. */
const clock = {
  now: 0n,
  offset: 0n,
  monotonic: (): bigint => clock.now,
  realtime: (): bigint => clock.now + clock.offset,
  realtimeOffset: (): bigint => clock.offset,
};
const BOOT = 5_000_000_000n;

/** After elf.h and musl's vdso.c: every symbol of a version, by name, through the hash table. */
class Library {
  readonly #space: AddressSpace;
  readonly #base: number;
  readonly #dynamic = new Map<number, number>();

  constructor(space: AddressSpace, base: number) {
    this.#space = space;
    this.#base = base;
    expect(space.readU32(base)).toBe(0x464c457f);
    const headers = base + space.readNumber64(base + 32);
    for (let i = 0; i < space.readU16(base + 56); i++) {
      const at = headers + i * space.readU16(base + 54);
      if (space.readU32(at) !== 2) continue;
      const dynamic = base + space.readNumber64(at + 16);
      for (let entry = dynamic; space.readNumber64(entry) !== 0; entry += 16)
        this.#dynamic.set(space.readNumber64(entry), space.readNumber64(entry + 8));
    }
  }

  #table(tag: number): number {
    return this.#base + (this.#dynamic.get(tag) as number);
  }

  #string(offset: number): string {
    return this.#space.readCString(this.#table(5) + offset);
  }

  #version(index: number): string {
    for (let at = this.#table(0x6fff_fffc); ; at += this.#space.readU32(at + 16)) {
      if (this.#space.readU16(at + 4) === index) return this.#string(this.#space.readU32(at + 20));
      if (this.#space.readU32(at + 16) === 0) throw new Error(`no version ${index}`);
    }
  }

  find(name: string, version: string): number | undefined {
    const space = this.#space;
    const hash = this.#table(4);
    const buckets = space.readU32(hash);
    const chains = hash + 8 + buckets * 4;
    for (let bucket = 0; bucket < buckets; bucket++) {
      for (let i = space.readU32(hash + 8 + bucket * 4); i !== 0; i = space.readU32(chains + i * 4)) {
        const symbol = this.#table(6) + i * (this.#dynamic.get(11) as number);
        if (this.#string(space.readU32(symbol)) !== name) continue;
        expect(space.readU16(symbol + 6)).not.toBe(0);
        if (this.#version(space.readU16(this.#table(0x6fff_fff0) + i * 2)) !== version) continue;
        return this.#base + space.readNumber64(symbol + 8);
      }
    }
    return undefined;
  }
}

/** What differs: how a function is called with two arguments so that it returns to RETURN, and its kernel's numbers. */
const architectures = [
  {
    isa: "x86_64",
    registers: x86_64,
    image: vdsoX86_64(),
    version: "LINUX_2.6",
    names: ["clock_gettime", "gettimeofday", "time", "getcpu", "clock_getres"],
    numbers: { clock_gettime: 228, clock_getres: 229 },
    enter(context: DataView, a: number, b: number): void {
      x86_64.setGpr(context, RDI, BigInt(a));
      x86_64.setGpr(context, RSI, BigInt(b));
    },
  },
  {
    isa: "riscv64",
    registers: riscv64,
    image: vdsoRiscv64(true),
    version: "LINUX_4.15",
    names: ["rt_sigreturn", "clock_gettime", "gettimeofday", "clock_getres", "getcpu", "flush_icache", "riscv_hwprobe"],
    numbers: { clock_gettime: 113, clock_getres: 114 },
    enter(context: DataView, a: number, b: number): void {
      riscv64.setGpr(context, RA, BigInt(RETURN));
      riscv64.setGpr(context, A0, BigInt.asUintN(64, BigInt(a | 0)));
      riscv64.setGpr(context, A1, BigInt(b));
    },
  },
] as const;

describe.each(architectures)("vdso, $isa", ({ isa, registers, image, version, names, numbers, enter }) => {
  const pool = new MemoryPool();
  let engine: CpuEngine;
  let space: AddressSpace<CpuCore>;
  let library: Library;
  const data = makeClockPage(clock, pool, BOOT) as ClockPage;
  const vdso = makeVdso(image, data);

  beforeAll(async () => {
    engine = await createInterpEngine({ timestamp: () => clock.now });
    space = new AddressSpace<CpuCore>(pool);
    pool.activate(space);
    space.mapAnonymous(STACK, STACK + 0x1000, PROT_READ | PROT_WRITE);
    space.mapAnonymous(DATA, DATA + 0x1000, PROT_READ | PROT_WRITE);
    library = new Library(space, mapVdso(space, vdso));
    space.core = engine.attach(space.memory, isa);
  });

  /** Calls a function; its result, or the number of the system call that it makes. */
  function call(name: string, a: number, b: number): { result: number } | { systemCall: number } {
    const { context } = space.memory;
    registers.reset(context);
    space.writeU64(STACK + 0x800, BigInt(RETURN));
    registers.setSp(context, STACK + 0x800);
    enter(context, a, b);
    registers.setPc(context, library.find(`__vdso_${name}`, version) as number);
    for (;;) {
      const { core } = space as { core: CpuCore };
      const trap = core.run(1000);
      if (trap === Trap.Syscall) return { systemCall: registers.syscallNumber(context) };
      if (trap !== Trap.PageFault) throw new Error(`trap ${trap}`);
      if (registers.getPc(context) === RETURN) return { result: registers.getSyscallResult(context) };
      expect(space.handleFault(core.faultAddress, core.faultAccess).ok).toBe(true);
    }
  }

  function stored(): [bigint, bigint] {
    return [space.readU64(DATA), space.readU64(DATA + 8)];
  }

  it("has its functions under their version, and no others", () => {
    for (const name of names) {
      expect(library.find(`__vdso_${name}`, version)).toBeTypeOf("number");
      expect(library.find(`__vdso_${name}`, "linux-vdso.so.1")).toBeUndefined();
    }
    expect(library.find("__vdso_none", version)).toBeUndefined();
  });

  it("knows the clocks of real time and the monotonic ones; others it leaves to the kernel", () => {
    clock.now = BOOT + 12_000_000_345n;
    clock.offset = 1_700_000_000_000_000_000n - clock.now;
    data.refresh();
    for (const id of [1, 4, 6, 7]) {
      expect(call("clock_gettime", id, DATA)).toEqual({ result: 0 });
      expect(stored()).toEqual([12n, 345n]);
    }
    for (const id of [0, 5, 11]) {
      expect(call("clock_gettime", id, DATA)).toEqual({ result: 0 });
      expect(stored()).toEqual([1_700_000_000n, 0n]);
    }
    for (const id of [2, 3, 8, 9, 10, 12, 0xffff_fffa]) {
      expect(call("clock_gettime", id, DATA)).toEqual({ systemCall: numbers.clock_gettime });
    }
    expect(call("clock_getres", 1, DATA)).toEqual({ systemCall: numbers.clock_getres });
  });

  it.runIf(isa === "x86_64")("sees at once that the clock was set", () => {
    clock.now = BOOT;
    clock.offset = 1_000_000_000_000n - clock.now;
    data.refresh();
    call("time", 0, 0);
    clock.offset += 86_400_000_000_000n;
    data.refresh();
    expect(call("time", DATA, 0)).toEqual({ result: 87_400 });
    expect(space.readU64(DATA)).toBe(87_400n);
    expect(call("time", 0, 0)).toEqual({ result: 87_400 });
  });

  it("gives time of day and zone where they are asked for", () => {
    clock.now = BOOT;
    clock.offset = 1_234_567_891_999n - clock.now;
    data.refresh();
    for (const at of [DATA, DATA + 8, DATA + 16]) space.writeU64(at, UNTOUCHED);
    expect(call("gettimeofday", DATA, 0)).toEqual({ result: 0 });
    expect([...stored(), space.readU64(DATA + 16)]).toEqual([1234n, 567_891n, UNTOUCHED]);
    expect(call("gettimeofday", 0, DATA + 16)).toEqual({ result: 0 });
    expect(space.readU64(DATA + 16)).toBe(0n);
  });

  it.runIf(isa === "riscv64")("has the end of signal handlers where the kernel lets them return to", () => {
    expect(library.find("__vdso_rt_sigreturn", version)).toBe(space.vdso + VDSO_RT_SIGRETURN);
    expect(call("rt_sigreturn", 0, 0)).toEqual({ systemCall: 139 });
    expect(call("getcpu", DATA, 0)).toEqual({ systemCall: 168 });
    expect(call("flush_icache", 0, 0)).toEqual({ systemCall: 259 });
    expect(call("riscv_hwprobe", 0, 0)).toEqual({ systemCall: 258 });
  });

  it.runIf(isa === "x86_64")("knows the only processor", () => {
    space.writeU64(DATA, UNTOUCHED);
    expect(call("getcpu", DATA, 0)).toEqual({ result: 0 });
    expect(space.readU64(DATA)).toBe(UNTOUCHED & ~0xffff_ffffn);
    expect(call("getcpu", 0, DATA + 4)).toEqual({ result: 0 });
    expect(space.readU64(DATA)).toBe(0n);
  });

  it("cannot be written to, nor can the data, and a forked process has them too", () => {
    const names = [...space.vmas].map((vma) => space.nameOf(vma));
    expect(names.slice(-2)).toEqual(["[vvar]", "[vdso]"]);
    const page = [...space.vmas].at(-2)?.start as number;
    expect(() => space.writeU8(page, 1)).toThrow();
    expect(() => space.mprotect(page, 4096, PROT_READ | PROT_WRITE)).toThrow();
    expect(() => space.writeU8(page + 4096, 1)).toThrow();
    const child = space.fork();
    pool.activate(child);
    const before = child.readU64(page + 8);
    clock.offset += 1n;
    data.refresh();
    expect(child.readU64(page + 8)).toBe(before + 1n);
    pool.activate(space);
    expect(space.readU64(page + 8)).toBe(before + 1n);
    child.release();
  });
});
