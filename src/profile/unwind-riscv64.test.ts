import { describe, expect, it } from "vitest";
import type { Memory } from "./unwind-arch.ts";
import { unwindRiscv64 } from "./unwind-riscv64.ts";

const arch = unwindRiscv64({ getPc: () => 0, getGpr: (_, i) => BigInt(i) });
const CODE = 0x1000;
const STACK = 0x8000;
const RA = 1;
const SP = 2;
const PC = 32;

function memory(hex: string, stack: readonly number[] = []): Memory {
  const code = (hex.replace(/\s/g, "").match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
  return {
    u64: (address) => stack[(address - STACK) / 8],
    bytes: (address, length) => Uint8Array.from(code.slice(Math.max(0, address - CODE), address - CODE + length)),
  };
}

function registers(values: Readonly<Record<number, number>>): Float64Array {
  const all = new Float64Array(33);
  for (const [number, value] of Object.entries(values)) all[Number(number)] = value;
  return all;
}

// As GNU as has assembled them.
describe("calls before a return address", () => {
  it.each([
    ["01 00 01 00 ef 00 b0 7f", CODE + 4 + 0xffa], // jal ra
    ["97 10 00 00 e7 80 00 ff", CODE + 0x1000 - 16], // auipc ra, 1; jalr -16(ra)
    ["01 00 01 00 e7 80 07 00", 0], // jalr a5
    ["01 00 01 00 01 00 82 97", 0], // c.jalr a5
    ["01 00 01 00 01 00 82 87", undefined], // c.jr a5
    ["01 00 01 00 01 00 82 80", undefined], // ret
    ["01 00 01 00 6f f0 5f fe", undefined], // j
    ["01 00 01 00 67 00 03 00", undefined], // jr t1
  ])("%s", (hex, expected) => expect(arch.callBefore(CODE + 8, memory(hex))).toBe(expected));

  it("needs to see the code", () => expect(arch.callBefore(CODE + 8, memory("82 97"))).toBeUndefined());
});

describe("other code", () => {
  it("finds where a stub of a procedure linkage table leads", () => {
    const stub = "17 7e 00 00 03 3e 0e 00 67 03 0e 00"; // auipc t3, 7; ld t3, 0(t3); jalr t1, t3
    expect(arch.stubTarget(CODE, memory(stub, [0x1234]))).toBe(0x1234);
    expect(arch.stubTarget(CODE, memory(stub.slice(0, 20)))).toBeUndefined();
    expect(arch.stubTarget(CODE, memory("01".repeat(12)))).toBeUndefined();
  });

  it("finds what code refers to, and where it goes on", () => {
    const code = "ef 00 b0 7f 17 25 00 00 13 05 85 00 6f f0 5f fe e9 b7 17 13 00 00 67 00 03 00";
    const bytes = Uint8Array.from(code.split(" "), (byte) => Number.parseInt(byte, 16));
    expect(arch.codeReferences(bytes, CODE)).toEqual([CODE + 0xffa, CODE + 4 + 0x2008, CODE + 0x12 + 0x1000]);
    expect(arch.jumps(CODE, memory(code))).toEqual([CODE + 12 - 28, CODE + 16 - 0x36, CODE + 18 + 0x1000]);
  });

  it("knows what signal handlers return to, and what they have interrupted", () => {
    expect(arch.isSigreturn(CODE, memory("93 08 b0 08 73 00 00 00"))).toBe(true);
    expect(arch.isSigreturn(CODE, memory("93 08 b0 07 73 00 00 00"))).toBe(false);
    const saved = Array.from({ length: 32 }, (_, i) => 100 + i);
    const sp = STACK - 304;
    const found = arch.interrupted(registers({ [SP]: sp }), memory("", saved));
    expect(found).toEqual(registers(Object.fromEntries([[PC, 100], ...saved.slice(1).map((v, i) => [i + 1, v])])));
    expect(arch.interrupted(registers({ [SP]: sp }), memory(""))).toBeUndefined();
  });
});

describe("a function's own instructions", () => {
  // c.addi16sp sp, -64; c.sdsp ra, 56(sp); sd s0, 48(sp); jal ra
  const short = memory("39 71 06 fc 22 f8 ef 00 b0 7f", [0, 0, 0, 0, 0, 0, 0, 0x4444]);
  // addi sp, sp, -1024; sd ra, 1016(sp); ret
  const long = memory("13 01 01 c0 23 3c 11 3e 82 80 00 00", [...Array(127).fill(0), 0x5555]);
  const at = (offset: number, m: Memory, values: Readonly<Record<number, number>>): number[] | undefined => {
    const found = arch.byFramePointer(registers({ [PC]: CODE + offset, ...values }), CODE, m);
    return found && [found[PC] as number, found[SP] as number];
  };

  it("tell where the return address is, before it is saved and afterwards", () => {
    expect(at(0, short, { [SP]: STACK + 64, [RA]: 0x3333 })).toEqual([0x3333, STACK + 64]);
    expect(at(2, short, { [SP]: STACK, [RA]: 0x3333 })).toEqual([0x3333, STACK + 64]);
    expect(at(4, short, { [SP]: STACK })).toEqual([0x4444, STACK + 64]);
    expect(at(100, short, { [SP]: STACK })).toEqual([0x4444, STACK + 64]);
    expect(at(4, long, { [SP]: STACK, [RA]: 0x3333 })).toEqual([0x3333, STACK + 1024]);
    expect(at(8, long, { [SP]: STACK })).toEqual([0x5555, STACK + 1024]);
  });

  it("tell nothing of what is in a register that has been used since", () => {
    expect(at(0, short, { [SP]: STACK, [RA]: Number.NaN })).toBeUndefined();
    expect(at(8, memory("39 71"), { [SP]: STACK })).toBeUndefined();
  });
});

it("takes the registers of a context", () => {
  const all = arch.registers(new DataView(new ArrayBuffer(0)));
  expect([all[0], all[1], all[31], all[PC]]).toEqual([0, 1, 31, 0]);
});
