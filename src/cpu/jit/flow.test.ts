import { beforeAll, describe, expect, it } from "vitest";
import { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import { InterpEngine } from "../interp/engine.ts";
import { generateModule } from "../interp/generate.ts";
import { rowsOf } from "../interp/image.ts";
import { ccOp } from "../isa/x86_64/flags.ts";
import { FlagKind, Reg } from "../isa/x86_64/sem.ts";
import { analyse, type BlockFlow, type RegionFlow } from "./flow.ts";
import type { InstructionSet } from "./instruction.ts";
import { type Region, RegionFinder, type RegionLimits } from "./region.ts";
import { bit, FLAGS, type StateSet } from "./state.ts";
import { structure } from "./structure.ts";
import { X86Set } from "./x86_64/set.ts";
import { LOW } from "./x86_64/state.ts";

const CODE = 0x10000;
const memory = new GuestMemory();
let set: InstructionSet;

beforeAll(() => {
  const { lines, functions } = new InterpEngine({ module: generateModule() });
  set = new X86Set(rowsOf(lines), functions);
  memory.pages.fill(PageBits.Present | PageBits.Read | PageBits.Exec, CODE >>> PAGE_SHIFT, (CODE >>> PAGE_SHIFT) + 2);
});

interface Analysed extends RegionFlow {
  readonly region: Region;
  /** The block that begins at an offset in the code. */
  at(offset: number): BlockFlow;
}

function flowOf(hex: string, limits: Partial<RegionLimits> = {}): Analysed {
  memory.u8.fill(0xcc, CODE, CODE + 0x100);
  memory.u8.set(
    Uint8Array.from(hex.replace(/\s/g, "").match(/../g) ?? [], (b) => Number.parseInt(b, 16)),
    CODE,
  );
  const region = new RegionFinder(set, memory).find(CODE, { instructions: 100, ...limits }) as Region;
  const index = new Map(region.blocks.map((b, i) => [b.start, i]));
  const successors = region.blocks.map((b) => b.successors.map((rip) => index.get(rip) as number));
  const flow = analyse(
    set,
    region,
    { successors, ...structure({ successors }) },
    {
      framed: true,
      lean: true,
      exact: true,
    },
  );
  return { ...flow, region, at: (offset) => flow.blocks[index.get(CODE + offset) as number] as BlockFlow };
}

const has = (all: StateSet | undefined, n: number): boolean => ((all ?? 0n) & bit(n)) !== 0n;
const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi } = Reg;

describe("regions", () => {
  it("end at returns, computed jumps and traps, and go on behind calls", () => {
    // call f; je +1; ret; jmp rax
    const { region } = flowOf("e8 00100000 74 01 c3 ff e0");
    expect(
      region.blocks.map(({ start, flow, successors }) => [start - CODE, flow, successors.map((s) => s - CODE)]),
    ).toEqual([
      [0, "call", [5]],
      [5, "branch", [8, 7]],
      [7, "computed", []],
      [8, "computed", []],
    ]);
    expect(region.callees).toEqual([CODE + 0x1005]);
    expect(region.jumps).toEqual([CODE + 8]);
    expect(region.ranges).toEqual([[CODE, CODE + 10]]);
  });

  it("leave out what is not worth it, what is elsewhere, and what may not be executed", () => {
    // je +2; jmp 0x12000 (no page); ret
    const { region } = flowOf("74 05 e9 f91f0000 c3", { follow: (target) => target !== CODE + 7 });
    expect(region.blocks.map(({ start, successors }) => [start - CODE, successors.map((s) => s - CODE)])).toEqual([
      [0, [2]],
      [2, []],
    ]);
    const stopped = flowOf("90 90 90 c3", { stops: (rip) => rip === CODE + 2 }).region;
    expect([stopped.instructions, stopped.blocks[0]?.next]).toEqual([2, CODE + 2]);
    expect(flowOf("90 90 90 90 c3", { instructions: 3 }).region.instructions).toBe(3);
  });

  it("do not begin with what only the interpreter executes", () => {
    const begin = (hex: string): Region | undefined => {
      memory.u8.set(Buffer.from(hex, "hex"), CODE);
      return new RegionFinder(set, memory).find(CODE, { instructions: 100 });
    };
    expect(begin("0fa2c3")).toBeUndefined(); // cpuid
    expect(begin("0f0b")).toBeUndefined(); // ud2
    expect(begin("90c3")?.instructions).toBe(2);
  });
});

describe("what was changed", () => {
  it("is so from the instruction on", () => {
    // mov eax,ebx; movaps xmm1,xmm2; add ecx,edx; ret
    const { blocks } = flowOf("89 d8 0f 28 ca 01 d1 c3");
    const dirty = blocks[0]?.dirty as StateSet[];
    expect(dirty.map((all) => [rax, LOW + 1, rcx, FLAGS, rbx].map((n) => has(all, n)))).toEqual([
      [false, false, false, false, false],
      [true, false, false, false, false],
      [true, true, false, false, false],
      [true, true, true, true, false],
    ]);
  });

  it("comes around a loop, and from every branch, but not past a call", () => {
    // test edi,edi; je m; mov eax,1; m: call f; l: dec ecx; jnz l; ret
    const { at } = flowOf("85 ff 74 05 b8 01000000 e8 00100000 ff c9 75 fc c3");
    expect([rax, FLAGS].map((n) => has(at(9).dirtyAtEntry, n))).toEqual([true, true]);
    expect([rax, rcx, FLAGS].map((n) => has(at(14).dirtyAtEntry, n))).toEqual([false, true, true]);
    expect([rax, rcx].map((n) => has(at(18).dirtyAtEntry, n))).toEqual([false, true]);
  });
});

describe("what is needed", () => {
  it("is what is read before it is written", () => {
    // mov eax,ebx; add eax,ecx; lea rdx,[rsi+rdi]; ret
    const { blocks } = flowOf("89 d8 01 c8 48 8d 14 3e c3");
    const entry = blocks[0]?.entry;
    expect([rax, rcx, rdx, rbx, rsi, rdi, rsp].map((n) => has(entry, n))).toEqual([
      false, true, false, true, true, true, true,
    ]); // biome-ignore format: one row
    expect(has(entry, FLAGS)).toBe(false);
  });

  it("is a part of a register that is changed in part", () => {
    expect(has(flowOf("b0 01 c3").blocks[0]?.entry, rax)).toBe(true); // mov al,1
    expect(has(flowOf("b8 01000000 c3").blocks[0]?.entry, rax)).toBe(false); // mov eax,1
  });

  it("is in locals behind a call only what is used there", () => {
    // mov eax,ebx; call f; add ecx,edx; ret
    const { at } = flowOf("89 d8 e8 00100000 01 d1 c3");
    const { entry, afterCall } = at(0);
    expect([rbx, rcx, rdx].map((n) => has(entry, n))).toEqual([true, false, false]);
    expect([rbx, rcx, rdx].map((n) => has(afterCall, n))).toEqual([false, true, true]);
  });

  it("are the flags, unless the next instruction that may leave comes after others have set them", () => {
    const live = (hex: string): boolean => has(flowOf(hex).blocks[0]?.live[0], FLAGS);
    expect(live("01 d8 29 d1 c3")).toBe(false); // add eax,ebx; sub ecx,edx
    expect(live("01 d8 0f 92 c1 c3")).toBe(true); // and setb cl
    expect(live("01 d8 8b 0e 29 d1 c3")).toBe(true); // and a load, which may fault
    expect(live("01 d8 ff c1 c3")).toBe(true); // and inc, which keeps the carry
    expect(live("01 d8 c3")).toBe(true);
  });
});

describe("what is known of the flags", () => {
  const sub = ccOp(FlagKind.Sub, 4);

  it("is their kind, where all ways lead past the same", () => {
    // cmp edi,esi; je a; mov eax,1; a: setb al; ret
    const { at } = flowOf("39 f7 74 05 b8 01000000 0f 92 c0 c3");
    expect(at(0).flags).toBeUndefined();
    expect(at(4).flags).toMatchObject({ op: sub, first: true });
    expect(at(9).flags).toMatchObject({ op: sub, first: true });
  });

  it("is nothing, where they lead past different ones or a call", () => {
    // test edi,edi; je m; cmp edi,5; m: setl al; ret
    expect(flowOf("85 ff 74 03 83 ff 05 0f 9c c0 c3").at(7).flags).toBeUndefined();
    // cmp edi,esi; call f; setb al; ret
    expect(flowOf("39 f7 e8 00100000 0f 92 c0 c3").at(7).flags).toBeUndefined();
  });

  it("is what the carry flag is of, after an inc", () => {
    // cmp edi,esi; inc ecx; je a; a: ret
    expect(flowOf("39 f7 ff c1 74 00 c3").at(6).flags).toMatchObject({ op: ccOp(FlagKind.Inc, 4), previous: sub });
    // inc ecx; je a; a: ret
    expect(flowOf("ff c1 74 00 c3").at(4).flags).toMatchObject({ op: ccOp(FlagKind.Inc, 4), previous: -1 });
  });
});

describe("checks of memory", () => {
  it("are one for accesses near each other, for writing if any is", () => {
    // mov eax,[rsi+8]; mov ecx,[rsi]; mov [rsi+16],edx; ret
    const { blocks } = flowOf("8b 46 08 8b 0e 89 56 10 c3");
    expect(blocks[0]?.spans.slice(0, 3)).toEqual([
      [{ low: -8, high: 12, write: true }],
      [{ low: 0, high: 20, write: true }],
      [{ low: -16, high: 4, write: true }],
    ]);
  });

  it("are apart for what is far off, and from where the register was changed", () => {
    // mov eax,[rsi]; mov ecx,[rsi+0x1000]; mov rsi,[rsi+8]; mov eax,[rsi]; ret
    const { blocks } = flowOf("8b 06 8b 8e 00100000 48 8b 76 08 8b 06 c3");
    expect(blocks[0]?.spans.slice(0, 4)).toEqual([
      [{ low: 0, high: 16, write: false }],
      [{ low: 0, high: 4, write: false }],
      [{ low: -8, high: 8, write: false }],
      [{ low: 0, high: 4, write: false }],
    ]);
  });
});

describe("the frame", () => {
  it("is all that is reached from rsp as it was at the entry, through rbp too", () => {
    // push rbp; mov rbp,rsp; sub rsp,32; mov [rbp-24],edi; call f; mov eax,[rbp-24]; leave; ret
    const { frame, at } = flowOf("55 48 89 e5 48 83 ec 20 89 7d e8 e8 00100000 8b 45 e8 c9 c3");
    // From the return address of the call to its own.
    expect(frame).toEqual({ low: -48, high: 8 });
    expect([at(0).offsets[rsp], at(0).offsets[rbp]]).toEqual([0, undefined]);
    expect([at(16).offsets[rsp], at(16).offsets[rbp], at(16).offsets[rdi]]).toEqual([-40, -8, undefined]);
  });

  it("is not known where ways with different ones meet", () => {
    // test edi,edi; je m; push rax; m: push rcx; ret
    const { at } = flowOf("85 ff 74 01 50 51 c3");
    expect(at(4).offsets[rsp]).toBe(0);
    expect(at(5).offsets[rsp]).toBeUndefined();
  });

  it("is left out for a single access, and leaves out what is far away", () => {
    expect(flowOf("c3").frame).toBeUndefined();
    // mov eax,[rsp+8]; mov ecx,[rsp+0x2000]; ret
    expect(flowOf("8b 44 24 08 8b 8c 24 00200000 c3").frame).toEqual({ low: 0, high: 12 });
  });
});
