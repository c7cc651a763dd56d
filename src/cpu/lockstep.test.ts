import { describe, expect, it } from "vitest";
import { loadUnicorn } from "../host/node/unicorn.ts";
import { GuestMemory } from "../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../mm/layout.ts";
import { type CpuCore, type CpuEngine, Trap } from "./core.ts";
import { createInterpEngine } from "./interp/create.ts";
import { registers as arch } from "./isa/x86_64/arch.ts";
import * as ctx from "./isa/x86_64/context.ts";
import { LockstepDifference, LockstepEngine } from "./lockstep.ts";
import { UnicornEngine } from "./unicorn/engine.ts";

const CODE = 0x10000;
const DATA = 0x20000;

/** mov ecx, 200; 1: inc rax; mov [DATA], rax; push rax; pop rbx; dec ecx; jnz 1b; syscall */
const LOOP = [
  ...[0xb9, 200, 0, 0, 0],
  ...[0x48, 0xff, 0xc0, 0x48, 0x89, 0x04, 0x25, 0, 0, 2, 0, 0x50, 0x5b, 0xff, 0xc9, 0x75, 0xef],
  ...[0x0f, 0x05],
];
/** mov dword [rip+1], 0x90c0ff48 (over the ud2s that follow, with inc rax; nop): a program that writes itself. syscall */
const SELF_WRITING = [0xc7, 0x05, 0, 0, 0, 0, 0x48, 0xff, 0xc0, 0x90, 0x0f, 0x0b, 0x0f, 0x0b, 0x0f, 0x05];

const api = await loadUnicorn().catch(String);
if (typeof api === "string") console.warn(`the tests of lockstep are skipped: ${api}`);

/** The interpreter, with `spoil` called after each of its steps. */
async function spoiled(spoil: (memory: GuestMemory, rip: number) => void): Promise<CpuEngine> {
  const interp = await createInterpEngine();
  return {
    name: "spoiled",
    arch: "x86_64",
    attach: (memory): CpuCore => {
      const core = interp.attach(memory);
      return new Proxy(core, {
        get: (target, key) => {
          if (key === "run")
            return (fuel: number): Trap => {
              const rip = memory.context.getUint32(ctx.RIP, true);
              const trap = target.run(fuel);
              spoil(memory, rip);
              return trap;
            };
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
}

function start(engine: CpuEngine, code: readonly number[]): { memory: GuestMemory; core: CpuCore } {
  const memory = new GuestMemory();
  const rwx = PageBits.Read | PageBits.Write | PageBits.Exec | PageBits.Present;
  memory.pages[CODE >> PAGE_SHIFT] = rwx;
  memory.pages[DATA >> PAGE_SHIFT] = rwx & ~PageBits.Exec;
  memory.u8.set(code, CODE);
  arch.reset(memory.context);
  memory.context.setBigUint64(ctx.RIP, BigInt(CODE), true);
  memory.context.setBigUint64(ctx.GPR + 4 * 8, BigInt(DATA + 0x800), true);
  return { memory, core: engine.attach(memory) };
}

/** Runs as the kernel does: a store to a page of decoded code is allowed, and the code forgotten. */
function runWritable(memory: GuestMemory, core: CpuCore): Trap {
  for (;;) {
    const trap = core.run(1000);
    const page = core.faultAddress >>> PAGE_SHIFT;
    if (trap !== Trap.PageFault || ((memory.pages[page] as number) & PageBits.Code) === 0) return trap;
    memory.pages[page] = (memory.pages[page] as number) | PageBits.Write;
    core.invalidate(page << PAGE_SHIFT, (page + 1) << PAGE_SHIFT);
  }
}

describe.skipIf(typeof api === "string")("lockstep", () => {
  const lockstep = async (spoil: (memory: GuestMemory, rip: number) => void): Promise<LockstepEngine> =>
    new LockstepEngine(await spoiled(spoil), new UnicornEngine(api as Exclude<typeof api, string>));

  it("runs to the system call when both agree", async () => {
    const { memory, core } = start(await lockstep(() => undefined), LOOP);
    expect(core.run(1_000_000)).toBe(Trap.Syscall);
    expect(memory.context.getBigUint64(ctx.GPR, true)).toBe(200n);
    expect(memory.context.getBigUint64(ctx.GPR + 3 * 8, true)).toBe(200n);
    expect(memory.view.getBigUint64(DATA, true)).toBe(200n);
    core.detach();
  });

  it("follows a program that writes its own next instruction", async () => {
    const code = [...SELF_WRITING];
    const { memory, core } = start(await lockstep(() => undefined), code);
    expect(runWritable(memory, core)).toBe(Trap.Syscall);
    expect(memory.context.getBigUint64(ctx.GPR, true)).toBe(1n);
    core.detach();
  });

  const cases: readonly [string, (memory: GuestMemory) => void, RegExp][] = [
    ["a register", (m) => m.context.setUint8(ctx.GPR + 6 * 8, 7), /rsi: spoiled 0x0+7, unicorn 0x0+\n/],
    ["a flag", (m) => arch.writeFlags(m.context, arch.readFlags(m.context) ^ 1), /rflags: spoiled 0?\w+, unicorn/],
    ["a byte of memory", (m) => m.view.setUint8(DATA, 99), /memory 0x20000: spoiled 63, unicorn 96/],
  ];
  it.each(cases)("stops where %s differs, and shows the instruction", async (_, change, message) => {
    let rounds = 0;
    const store = CODE + 8;
    const engine = await lockstep((memory, rip) => {
      if (rip === store && ++rounds === 150) change(memory);
    });
    const { core } = start(engine, LOOP);
    const run = (): Trap => core.run(1_000_000);
    expect(run).toThrow(LockstepDifference);
    core.detach();
    rounds = 0;
    const again = start(engine, LOOP).core;
    expect(() => again.run(1_000_000)).toThrow(message);
    rounds = 0;
    const third = start(engine, LOOP).core;
    expect(() => third.run(1_000_000)).toThrow(/at 0x10008: 48 89 04 25 00 00 02 00 .*\n(.*\n)*.*before: rax=0x0*96 /);
  });
});
