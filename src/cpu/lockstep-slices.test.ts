import { describe, expect, it } from "vitest";
import { GuestMemory } from "../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../mm/layout.ts";
import { type CpuCore, type CpuEngine, Trap } from "./core.ts";
import { InterpEngine } from "./interp/engine.ts";
import { generateModule } from "./interp/generate.ts";
import { registers } from "./isa/x86_64/arch.ts";
import * as ctx from "./isa/x86_64/context.ts";
import { JitEngine } from "./jit/engine.ts";
import { Translator } from "./jit/translator.ts";
import { LockstepDifference } from "./lockstep.ts";
import { Answers, SlicedLockstepEngine } from "./lockstep-slices.ts";

const CODE = 0x10000;
const DATA = 0x20000;
const module = generateModule();
const { Present, Read, Write, Exec } = PageBits;

/** mov ecx,200; 1: inc rax; mov [DATA],rax; push rax; pop rbx; rdrand rdx; add rsi,rdx; dec ecx; jnz 1b; syscall */
const LOOP = "b9 c8000000 48 ff c0 48 89 04 25 00000200 50 5b 48 0f c7 f2 48 01 d6 ff c9 75 e8 0f 05";

interface Spoil {
  /** After each slice of the engine under test. */
  readonly after?: (memory: GuestMemory, slices: number) => void;
}

async function lockstep({ after }: Spoil = {}): Promise<{ engine: SlicedLockstepEngine; jit: JitEngine }> {
  const answers = new Answers();
  let state = 1n;
  const random = answers.record(() => (state = BigInt.asUintN(64, state * 0x5851_f42d_4c95_7f2dn + 1n)));
  const load = async (): Promise<{ Translator: typeof Translator }> => ({ Translator });
  const jit = new JitEngine({ module, load, threshold: 1, random });
  await jit.loadTranslator();
  const spoiled: CpuEngine = {
    name: "spoiled",
    isas: jit.isas,
    attach: (memory): CpuCore => {
      const core = jit.attach(memory);
      let slices = 0;
      const run = (fuel: number): Trap => {
        const trap = core.run(fuel);
        after?.(memory, ++slices);
        return trap;
      };
      return new Proxy(core, {
        get: (target, name) => {
          if (name === "run") return run;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
  const reference = new InterpEngine({ module, random: answers.replay });
  return { engine: new SlicedLockstepEngine(after === undefined ? jit : spoiled, reference, answers), jit };
}

function start(engine: CpuEngine): { core: CpuCore; memory: GuestMemory } {
  const memory = new GuestMemory();
  const core = engine.attach(memory, "x86_64");
  registers.reset(memory.context);
  memory.u8.set(Buffer.from(LOOP.replaceAll(" ", ""), "hex"), CODE);
  memory.pages[CODE >>> PAGE_SHIFT] = Present | Read | Exec;
  memory.pages.fill(Present | Read | Write, DATA >>> PAGE_SHIFT, (DATA >>> PAGE_SHIFT) + 2);
  memory.context.setBigInt64(ctx.GPR + 4 * 8, BigInt(DATA + 0x2000), true);
  registers.setPc(memory.context, CODE);
  return { core, memory };
}

function run(core: CpuCore): Trap {
  for (;;) {
    const trap = core.run(50);
    if (trap !== Trap.Fuel) return trap;
  }
}

describe("lockstep of translated code", () => {
  it("ends as it should where both agree, random numbers included", async () => {
    const { engine, jit } = await lockstep();
    const { core, memory } = start(engine);
    expect(run(core)).toBe(Trap.Syscall);
    expect(memory.context.getBigInt64(ctx.GPR, true)).toBe(200n);
    expect(memory.u8[DATA]).toBe(200);
    expect(jit.statistics.entered).toBeGreaterThan(0);
    // All rights are as they were.
    expect((memory.pages[DATA >>> PAGE_SHIFT] as number) & Write).not.toBe(0);
  });

  it("finds a register that is another", async () => {
    const { engine } = await lockstep({
      after: ({ context }, slices) => {
        if (slices === 5) context.setBigInt64(ctx.GPR + 6 * 8, 7n, true);
      },
    });
    expect(() => run(start(engine).core)).toThrow(LockstepDifference);
    expect(() => run(start(engine).core)).toThrow(/rsi: spoiled 0x0000000000000007, reference 0x/);
  });

  it("finds a byte that only one has stored", async () => {
    const { engine } = await lockstep({
      after: ({ u8 }, slices) => {
        if (slices === 9) u8[DATA + 0x800] = 3;
      },
    });
    expect(() => run(start(engine).core)).toThrow(/memory 0x20800: spoiled 03, reference 00/);
  });

  it("finds an end that is another", async () => {
    const { engine } = await lockstep({
      after: ({ context }, slices) => {
        if (slices === 9) context.setUint32(ctx.RIP, CODE + 1, true);
      },
    });
    expect(() => run(start(engine).core)).toThrow(
      /spoiled and interp differ between 0x100..(.|\n)*the reference ends by Syscall/,
    );
  });
});
