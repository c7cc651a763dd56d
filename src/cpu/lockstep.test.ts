import { describe, expect, it } from "vitest";
import { loadUnicorn } from "../host/node/unicorn.ts";
import { GuestMemory } from "../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../mm/layout.ts";
import { Access, type CpuCore, type CpuEngine, Trap } from "./core.ts";
import { createInterpEngine } from "./interp/create.ts";
import { registers as arch } from "./isa/x86_64/arch.ts";
import * as ctx from "./isa/x86_64/context.ts";
import { LockstepDifference, LockstepEngine } from "./lockstep.ts";
import { UnicornEngine } from "./unicorn/engine.ts";

const CODE = 0x10000;
const DATA = 0x20000;
/** Nobody writes to it. */
const OTHER = 0x30000;
/** The instruction of LOOP that stores. */
const STORE = CODE + 8;
const INC = CODE + 5;

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

interface Spoil {
  /** Before a step. A trap: it is raised instead of the step. */
  readonly before?: (memory: GuestMemory, rip: number) => Planted | undefined;
  readonly after?: (memory: GuestMemory, rip: number) => undefined;
}
interface Planted {
  readonly trap: Trap;
  readonly faultAddress: number;
  readonly faultAccess: Access;
}

/** The interpreter, but for what is planted in it. */
async function spoiled({ before, after }: Spoil): Promise<CpuEngine> {
  const interp = await createInterpEngine();
  return {
    name: "spoiled",
    isas: ["x86_64"],
    attach: (memory): CpuCore => {
      const core = interp.attach(memory);
      let planted: Planted | undefined;
      const run = (fuel: number): Trap => {
        const rip = memory.context.getUint32(ctx.RIP, true);
        planted = before?.(memory, rip);
        if (planted !== undefined) return planted.trap;
        const trap = core.run(fuel);
        after?.(memory, rip);
        return trap;
      };
      return new Proxy(core, {
        get: (target, key) => {
          if (key === "run") return run;
          if (key === "faultAddress" && planted !== undefined) return planted.faultAddress;
          if (key === "faultAccess" && planted !== undefined) return planted.faultAccess;
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
}

/** A store as an engine makes it: not where the page's byte forbids it. */
function store(memory: GuestMemory, address: number, value: number): Planted | undefined {
  if (((memory.pages[address >> PAGE_SHIFT] as number) & PageBits.Write) === 0)
    return { trap: Trap.PageFault, faultAddress: address, faultAccess: Access.Write };
  memory.view.setUint8(address, value);
  return undefined;
}

function start(engine: CpuEngine, code: readonly number[]): { memory: GuestMemory; core: CpuCore } {
  const memory = new GuestMemory();
  const rwx = PageBits.Read | PageBits.Write | PageBits.Exec | PageBits.Present;
  memory.pages[CODE >> PAGE_SHIFT] = rwx;
  memory.pages[DATA >> PAGE_SHIFT] = rwx & ~PageBits.Exec;
  memory.pages[OTHER >> PAGE_SHIFT] = rwx & ~PageBits.Exec;
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
  const lockstep = async (spoil: Spoil = {}): Promise<LockstepEngine> =>
    new LockstepEngine(await spoiled(spoil), new UnicornEngine(api as Exclude<typeof api, string>));

  it("runs to the system call when both agree", async () => {
    const { memory, core } = start(await lockstep(), LOOP);
    expect(core.run(1_000_000)).toBe(Trap.Syscall);
    expect(memory.context.getBigUint64(ctx.GPR, true)).toBe(200n);
    expect(memory.context.getBigUint64(ctx.GPR + 3 * 8, true)).toBe(200n);
    expect(memory.view.getBigUint64(DATA, true)).toBe(200n);
    core.detach();
  });

  it("follows a program that writes its own next instruction", async () => {
    const code = [...SELF_WRITING];
    const { memory, core } = start(await lockstep(), code);
    expect(runWritable(memory, core)).toBe(Trap.Syscall);
    expect(memory.context.getBigUint64(ctx.GPR, true)).toBe(1n);
    core.detach();
  });

  it("raises a page fault where both do", async () => {
    const { memory, core } = start(await lockstep(), LOOP);
    memory.pages[DATA >> PAGE_SHIFT] = PageBits.Read | PageBits.Present;
    expect(core.run(1_000_000)).toBe(Trap.PageFault);
    expect([core.faultAddress, core.faultAccess]).toEqual([DATA, Access.Write]);
    expect(memory.context.getUint32(ctx.RIP, true)).toBe(STORE);
    core.detach();
  });

  /** `change` in the 150th round, when `at` is about to be executed or has been: also if that is repeated. */
  const once = (at: number, when: "before" | "after", change: (m: GuestMemory) => Planted | undefined): Spoil => ({
    [when]: (memory: GuestMemory, rip: number) => {
      const round = memory.context.getUint8(ctx.GPR) + (at === INC && when === "before" ? 1 : 0);
      return rip === at && round === 150 ? change(memory) : undefined;
    },
  });
  const flip = (m: GuestMemory, flag: number): undefined => {
    arch.writeFlags(m.context, arch.readFlags(m.context) ^ flag);
  };
  const poke = (m: GuestMemory, address: number, value: number): undefined => {
    m.view.setUint8(address, value);
  };
  const set = (m: GuestMemory, offset: number, value: number): undefined => {
    m.context.setUint8(offset, value);
  };

  /** What is planted, at which instruction, and what is said about it. */
  const cases: readonly [string, Spoil, number, RegExp][] = [
    [
      "a register",
      once(STORE, "after", (m) => set(m, ctx.GPR + 6 * 8, 7)),
      STORE,
      /rsi: spoiled 0x0+7, unicorn 0x0+\n/,
    ],
    ["a flag", once(STORE, "after", (m) => flip(m, 1)), STORE, /rflags: spoiled 0?\w+, unicorn/],
    ["DF", once(INC, "after", (m) => flip(m, 0x400)), INC, /rflags: /],
    [
      "a lane of an xmm register, after an instruction without one",
      once(INC, "after", (m) => set(m, ctx.YMM + 5 * ctx.YMM_SIZE + 9, 1)),
      INC,
      /xmm5: spoiled 0x0{13}100+, unicorn 0x0+\n/,
    ],
    [
      "an x87 significand",
      once(INC, "after", (m) => set(m, ctx.X87_REGS + 32, 1)),
      INC,
      /x87 register 2: spoiled 0000:0x0+1,/,
    ],
    ["an x87 exponent", once(INC, "after", (m) => set(m, ctx.X87_REGS + 40, 1)), INC, /x87 register 2: spoiled 0001:/],
    [
      "an x87 tag",
      once(INC, "after", (m) => set(m, ctx.X87_EMPTY, 0xfe)),
      INC,
      /x87 empty registers: spoiled fe, unicorn ff/,
    ],
    ["the rounding mode", once(INC, "after", (m) => set(m, ctx.MXCSR + 1, 0x3f)), INC, /x87 control and mxcsr: /],
    [
      "a segment base",
      once(INC, "after", (m) => set(m, ctx.FS_BASE, 1)),
      INC,
      /fs_base: spoiled 0x0+1, unicorn 0x0+\n/,
    ],
    ["the next instruction", once(INC, "after", (m) => set(m, ctx.RIP, 11)), INC, /rip: /],
    [
      "a byte that both store",
      once(STORE, "after", (m) => poke(m, DATA, 99)),
      STORE,
      /memory 0x20000: spoiled 63, unicorn 96/,
    ],
    [
      "a store that it does not make",
      once(STORE, "after", (m) => poke(m, DATA, 149)),
      STORE,
      /memory 0x20000: spoiled 95, unicorn 96/,
    ],
    [
      "a store that it alone makes, on a page that is written to",
      once(INC, "before", (m) => store(m, DATA + 0x400, 1)),
      INC,
      /memory 0x20400: spoiled 01, unicorn 00/,
    ],
    [
      "a store that it alone makes, on another page",
      once(INC, "before", (m) => store(m, OTHER + 5, 1)),
      INC,
      /memory 0x30005: spoiled 01, unicorn 00/,
    ],
    [
      "a page fault that it alone raises",
      once(STORE, "before", () => ({ trap: Trap.PageFault, faultAddress: DATA + 0x3000, faultAccess: Access.Read })),
      STORE,
      /trap: spoiled PageFault \(Read at 0x23000\), unicorn SingleStep/,
    ],
    [
      "a trap that it alone raises",
      once(INC, "before", () => ({ trap: Trap.DivideError, faultAddress: 0, faultAccess: 0 })),
      INC,
      /trap: /,
    ],
  ];
  it.each(cases)("stops where %s differs, and shows the instruction", async (_, spoil, rip, message) => {
    const { memory, core } = start(await lockstep(spoil), LOOP);
    let error: unknown;
    try {
      core.run(1_000_000);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(LockstepDifference);
    const text = (error as Error).message;
    expect(text).toMatch(message);
    expect(text).toContain(
      `differ in the instruction at 0x${rip.toString(16)}: 48 ${rip === INC ? "ff c0" : "89 04 25"}`,
    );
    // 149 rounds before, and the inc of the 150th.
    expect(text).toMatch(rip === INC ? /before: rax=0x0*95 / : /before: rax=0x0*96 /);
    // The bytes that were stored in the rounds before are there.
    expect(memory.view.getUint8(DATA + 0x7f8)).toBe(149);
    core.detach();
  });

  const faults: readonly [string, Partial<Planted>, RegExp][] = [
    [
      "raises at another address",
      { faultAddress: DATA + 8 },
      /page fault: spoiled PageFault \(Write at 0x20008\), unicorn PageFault \(Write at 0x20000\)/,
    ],
    [
      "raises for another access",
      { faultAccess: Access.Read },
      /page fault: spoiled PageFault \(Read at 0x20000\), unicorn PageFault \(Write/,
    ],
    ["does not raise", { trap: Trap.SingleStep }, /trap: spoiled SingleStep, unicorn PageFault \(Write at 0x20000\)/],
  ];
  it.each(faults)("stops at a page fault that the engine under test %s", async (_, planted, message) => {
    const spoil: Spoil = {
      before: (memory, rip) => {
        if (rip !== STORE) return undefined;
        memory.context.setUint32(ctx.RIP, planted.trap === undefined ? STORE : STORE + 8, true);
        return { trap: Trap.PageFault, faultAddress: DATA, faultAccess: Access.Write, ...planted };
      },
    };
    const { memory, core } = start(await lockstep(spoil), LOOP);
    memory.pages[DATA >> PAGE_SHIFT] = PageBits.Read | PageBits.Present;
    expect(() => core.run(1_000_000)).toThrow(message);
    core.detach();
  });
});
