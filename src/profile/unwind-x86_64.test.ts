import { describe, expect, it } from "vitest";
import type { Memory } from "./unwind-arch.ts";
import { unwindX86_64 } from "./unwind-x86_64.ts";

const arch = unwindX86_64({ getPc: () => 0, getGpr: () => 0n });
const CODE = 0x1000;
const STACK = 0x8000;
const RBP = 6;
const RSP = 7;
const RIP = 16;

function memory(hex: string, stack: readonly number[] = []): Memory {
  const code = (hex.replace(/\s/g, "").match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
  return {
    u64: (address) => stack[(address - STACK) / 8],
    bytes: (address, length) => Uint8Array.from(code.slice(Math.max(0, address - CODE), address - CODE + length)),
  };
}

function registers(values: Readonly<Record<number, number>>): Float64Array {
  const all = new Float64Array(17);
  for (const [number, value] of Object.entries(values)) all[Number(number)] = value;
  return all;
}

describe("calls before a return address", () => {
  // Seven bytes in all, the call at the end.
  it.each([
    ["90 90 e8 10 00 00 00", CODE + 7 + 16],
    ["90 90 e8 f0 ff ff ff", CODE + 7 - 16],
    ["90 90 90 90 90 ff d0", 0], // call *%rax
    ["90 90 90 90 41 ff d4", 0], // call *%r12
    ["90 90 90 90 90 ff 13", 0], // call *(%rbx)
    ["90 90 90 90 ff 53 08", 0], // call *8(%rbx)
    ["90 ff 15 00 10 00 00", 0], // call *disp32(%rip)
    ["90 90 90 90 ff 14 c3", 0], // call *(%rbx,%rax,8)
    ["ff 14 c5 00 10 40 00", 0], // call *disp32(,%rax,8)
    ["90 ff 90 00 01 00 00", 0], // call *disp32(%rax)
    ["90 90 90 90 90 ff e0", undefined], // jmp *%rax
    ["90 90 90 90 90 90 c3", undefined],
    ["90 90 90 90 90 ff 53", undefined], // cut off
  ])("%s", (hex, expected) => expect(arch.callBefore(CODE + 7, memory(hex))).toBe(expected));

  it("needs to see the code", () => expect(arch.callBefore(CODE + 7, memory("ff d0"))).toBeUndefined());
});

describe("other code", () => {
  it("finds where a stub of a procedure linkage table leads", () => {
    const stack = [0x1234];
    const offset = (at: number): string =>
      [0, 8, 16, 24].map((shift) => (((STACK - at) >> shift) & 255).toString(16).padStart(2, "0")).join("");
    const nop = "90".repeat(8);
    expect(arch.stubTarget(CODE, memory(`ff25${offset(CODE + 6)}${nop}`, stack))).toBe(0x1234);
    expect(arch.stubTarget(CODE, memory(`f30f1efaf2ff25${offset(CODE + 11)}${nop}`, stack))).toBe(0x1234);
    expect(arch.stubTarget(CODE, memory(`ff15${offset(CODE + 6)}${nop}`, stack))).toBeUndefined();
  });

  it("finds what code refers to", () => {
    const code = Uint8Array.from([
      0x90, 0xe8, 4, 0, 0, 0, 0x48, 0x8d, 0x3d, 0xf0, 0xff, 0xff, 0xff, 0x48, 0x8d, 0x47, 1,
    ]);
    expect(arch.codeReferences(code, CODE)).toEqual([CODE + 6 + 4, CODE + 13 - 16]);
  });

  it("finds jumps", () => {
    expect(arch.jumps(CODE, memory("90 e9 10 00 00 00 c3"))).toEqual([CODE + 6 + 16]);
  });

  it("takes a signal handler's return apart", () => {
    const frame = Array.from({ length: 30 }, (_, i) => i);
    for (const hex of ["48 c7 c0 0f 00 00 00 0f 05", "b8 0f 00 00 00 0f 05 90 90"]) {
      expect(arch.isSigreturn(CODE, memory(hex))).toBe(true);
      const found = arch.interrupted(registers({ [RIP]: CODE, [RSP]: STACK }), memory(hex, frame));
      // 40 bytes into the ucontext r8 to r15, then di si bp bx dx ax cx sp ip.
      expect([found?.[8], found?.[RBP], found?.[RSP], found?.[RIP]]).toEqual([5, 15, 20, 21]);
    }
    expect(arch.isSigreturn(CODE, memory("48 c7 c0 27 00 00 00 0f 05"))).toBe(false);
  });
});

describe("frame pointers", () => {
  const PROLOGUE = "55 48 89 e5 48 83 ec 10";
  const stack = [0, 0xb9, 0x2222];
  it.each([
    ["before the push", 0, STACK + 16, 0xb9],
    ["after the push", 1, STACK + 8, 0],
    ["after the move", 4, STACK, STACK + 8],
    ["in the body", 8, STACK - 0x10, STACK + 8],
  ])("%s", (_when, into, rsp, rbp) => {
    const found = arch.byFramePointer(
      registers({ [RIP]: CODE + into, [RSP]: rsp, [RBP]: rbp }),
      CODE,
      memory(PROLOGUE, stack),
    );
    expect([found?.[RIP], found?.[RSP], found?.[RBP]]).toEqual([0x2222, STACK + 24, 0xb9]);
  });

  it("are not there in code that begins otherwise", () => {
    const r = registers({ [RIP]: CODE + 8, [RSP]: STACK, [RBP]: STACK + 8 });
    expect(arch.byFramePointer(r, CODE, memory("55 53 48 83 ec 08 90 90", stack))).toBeUndefined();
  });
});
