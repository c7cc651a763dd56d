/**
 * Loops that walk through memory, by the translator and by the interpreter: over the ends of pages and of what may be accessed,
 * forwards and backwards, aligned and not, by several registers at once (src/cpu/jit/windows.ts).
 */
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type CpuCore, type CpuEngine, Trap } from "../../src/cpu/core.ts";
import { InterpEngine } from "../../src/cpu/interp/engine.ts";
import { generateModule } from "../../src/cpu/interp/generate.ts";
import { readFlags, registers } from "../../src/cpu/isa/x86_64/arch.ts";
import { GPR, YMM } from "../../src/cpu/isa/x86_64/context.ts";
import { JitEngine } from "../../src/cpu/jit/engine.ts";
import { GuestMemory } from "../../src/mm/guest-memory.ts";
import { PAGE_SHIFT, PAGE_SIZE, PageBits } from "../../src/mm/layout.ts";

const CODE = 0x10000;
const DATA = 0x20000;
const PAGES = 8;
const byte = (n: number): string => (n & 0xff).toString(16).padStart(2, "0");
const word = (n: number): string => byte(n) + byte(n >> 8) + byte(n >> 16) + byte(n >> 24);

/** With rsi, rdi and rdx as addresses, r8 as an index. */
const accesses = fc.constantFrom(
  "8a 06", "03 46 08", "48 8b 5e f8", "02 1e", "0f 10 06", // mov al,[rsi]; add eax,[rsi+8]; mov rbx,[rsi-8]; add bl,[rsi]; movups xmm0,[rsi]
  "88 07", "01 47 04", "48 89 5f 10", "0f 11 07", "fe 0f", // mov [rdi],al; add [rdi+4],eax; mov [rdi+16],rbx; movups [rdi],xmm0; dec byte [rdi]
  "42 8b 04 06", "4a 89 1c c7", "42 01 44 82 f0", "66 42 03 04 42", // mov eax,[rsi+r8]; mov [rdi+r8*8],rbx; add [rdx+r8*4-16],eax; add ax,[rdx+r8*2]
  "31 02", "ff 02", // xor [rdx],eax; inc dword [rdx]
); // biome-ignore format: what the instructions are stands behind their line
const step = fc.oneof(fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 3, 0), fc.integer({ min: -40, max: 40 }));
/** add rsi, rdi, rdx or r8, n. */
const steps = fc
  .tuple(fc.constantFrom("48 83 c6", "48 83 c7", "48 83 c2", "49 83 c0"), step)
  .map(([start, n]) => start + byte(n));
const loops = fc.record({
  body: fc.array(fc.oneof({ weight: 3, arbitrary: accesses }, { weight: 2, arbitrary: steps }), {
    minLength: 1,
    maxLength: 8,
  }),
  /** dec rcx; jnz, or until a byte is found: cmp al,n; jne. */
  until: fc.oneof(
    fc.constant("48 ff c9 75"),
    fc.nat(255).map((n) => `3c ${byte(n)} 75`),
  ),
  turns: fc.integer({ min: 1, max: 5000 }),
  /** Offsets of rsi, rdi and rdx; r8. */
  starts: fc.tuple(...Array.from({ length: 3 }, () => fc.integer({ min: -64, max: PAGES * PAGE_SIZE }))),
  index: fc.integer({ min: -100, max: 100 }),
  /** What may be done with each page: nothing seldom. */
  rights: fc.array(fc.constantFrom(3, 3, 3, 3, 3, 3, 1, 0), { minLength: PAGES, maxLength: PAGES }),
});
type Loop = typeof loops extends fc.Arbitrary<infer T> ? T : never;

class Guest {
  readonly memory: GuestMemory = new GuestMemory();
  readonly core: CpuCore;

  constructor(engine: CpuEngine) {
    this.core = engine.attach(this.memory);
    this.memory.pages[CODE >>> PAGE_SHIFT] = PageBits.Present | PageBits.Read | PageBits.Exec;
  }

  run({ body, until, turns, starts, index, rights }: Loop): unknown {
    const { core, memory } = this;
    const { context, view, u8, pages } = memory;
    registers.reset(context);
    const first = DATA >>> PAGE_SHIFT;
    rights.forEach((right, n) => {
      const next = rights[n + 1] ?? 0;
      const allows = (right & 1 ? PageBits.Read : 0) | (right & 2 ? PageBits.Write : 0);
      const on = (right & next & 1 ? PageBits.ReadOn : 0) | (right & next & 2 ? PageBits.WriteOn : 0);
      pages[first + n] = right === 0 ? 0 : PageBits.Present | allows | on;
    });
    for (let at = 0; at < PAGES * PAGE_SIZE; at += 4) view.setUint32(DATA + at, Math.imul(at + 77, 0x9e37_79b1), true);
    for (let n = 0; n < 16; n++) context.setBigUint64(GPR + n * 8, BigInt(n * 1001), true);
    [6, 7, 2].forEach((register, n) => {
      context.setBigInt64(GPR + register * 8, BigInt(DATA + (starts[n] as number)), true);
    });
    context.setBigInt64(GPR + 8 * 8, BigInt(index), true);
    context.setBigInt64(GPR + 8, BigInt(turns), true);
    u8.fill(0xcc, CODE, CODE + PAGE_SIZE);
    // Around it another one, so that the loop is entered more than once: sub r15d,1; jnz back.
    const inner = body.join("");
    const length = (hex: string): number => hex.replace(/\s/g, "").length / 2;
    const loop = `${inner}${until}${byte(-(length(inner) + length(until) + 1))}`;
    const outer = `b9 ${word(turns)} ${loop} 41 83 ef 01`;
    const hex = `41 bf 03000000 ${outer} 0f 85 ${word(-(length(outer) + 6))} 0f05`;
    u8.set(
      Uint8Array.from(hex.replace(/\s/g, "").match(/../g) ?? [], (b) => Number.parseInt(b, 16)),
      CODE,
    );
    core.invalidate(CODE, CODE + PAGE_SIZE);
    registers.setPc(context, CODE);
    let trap: Trap;
    let slices = 0;
    do trap = core.run(3_000);
    while (trap === Trap.Fuel && ++slices < 30);
    return {
      trap,
      fault: trap === Trap.PageFault ? [core.faultAddress, core.faultAccess] : undefined,
      pc: registers.getPc(context).toString(16),
      flags: readFlags(context),
      general: Array.from({ length: 16 }, (_, n) => context.getBigUint64(GPR + n * 8, true).toString(16)),
      xmm: [0, 8].map((at) => context.getBigUint64(YMM + at, true)),
      data: Buffer.from(u8.slice(DATA, DATA + PAGES * PAGE_SIZE)).toString("base64"),
    };
  }
}

describe("loops over memory", () => {
  const module = generateModule();
  let interpreted: Guest;
  beforeAll(() => {
    interpreted = new Guest(new InterpEngine({ module }));
  });

  it("end as they do in the interpreter", async () => {
    const engine = new JitEngine({ module, threshold: 1, load: () => import("../../src/cpu/jit/translator.ts") });
    await engine.loadTranslator();
    const translated = new Guest(engine);
    translated.core.expectExact();
    let completed = 0;
    let faults = 0;
    void fc.assert(
      fc.property(loops, (loop) => {
        const expected = interpreted.run(loop) as { trap: Trap };
        if (expected.trap === Trap.Syscall) completed++;
        if (expected.trap === Trap.PageFault) faults++;
        // Where a slice of fuel ends is each engine's own affair.
        if (expected.trap !== Trap.Fuel) expect(translated.run(loop)).toEqual(expected);
      }),
      { numRuns: Number(process.env.WINDOWS_RUNS ?? 400) },
    );
    expect(completed).toBeGreaterThan(10);
    expect(faults).toBeGreaterThan(50);
  });
});
