import { describe, expect, it } from "vitest";
import { CallFrames } from "./call-frames.ts";
import { evaluateExpression } from "./expression.ts";

const u32 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255];
const ADDRESS = 0x10_0000;
const RSP = 7;
const RBX = 3;
const RBP = 6;
const RA = 16;

/** A section with one CIE, like those of compilers for x86-64, and an FDE for each function. */
function section(functions: readonly { start: number; length: number; code: readonly number[] }[]): CallFrames {
  const pad = (bytes: number[]): number[] => [...bytes, ...new Array((4 - (bytes.length & 3)) & 3).fill(0)];
  // zR; code 1, data -8, return address 16; pc-relative s32; def_cfa rsp+8; return address at cfa-8
  const cie = pad([...u32(0), 1, 0x7a, 0x52, 0, 1, 0x78, RA, 1, 0x1b, 0x0c, RSP, 8, 0x80 | RA, 1]);
  const out = [...u32(cie.length), ...cie];
  for (const { start, length, code } of functions) {
    const at = out.length;
    const body = pad([...u32(at + 4), ...u32(start - (ADDRESS + at + 8)), ...u32(length), 0, ...code]);
    out.push(...u32(body.length), ...body);
  }
  return new CallFrames(Uint8Array.from([...out, ...u32(0)]), ADDRESS);
}

describe("call frame information", () => {
  // push %rbp; mov %rsp,%rbp; push %rbx ... leave; ret; and more code after the return
  const framed = section([
    {
      start: 0x2000,
      length: 0x40,
      code: [
        0x41, 0x0e, 16, 0x86, 2, // after 1 byte: cfa rsp+16, rbp at cfa-16
        0x43, 0x0d, RBP, // after 3 more: cfa by rbp
        0x41, 0x83, 3, // rbx at cfa-24
        0x02, 0x10, 0x0a, 0xc6, 0xc3, 0x0c, RSP, 8, // 16 later: all as at the beginning, but remembered
        0x41, 0x0b, // and again as before
      ], // biome-ignore format: an instruction after the other
    },
    { start: 0x1000, length: 0x10, code: [] },
  ]);

  it.each([
    [0x2000, RSP, 8, []],
    [0x2001, RSP, 16, [[RBP, -16]]],
    [0x2004, RBP, 16, [[RBP, -16]]],
    [
      0x2014,
      RBP,
      16,
      [
        [RBP, -16],
        [RBX, -24],
      ],
    ],
    [0x2015, RSP, 8, []],
    [
      0x2016,
      RBP,
      16,
      [
        [RBP, -16],
        [RBX, -24],
      ],
    ],
    [
      0x203f,
      RBP,
      16,
      [
        [RBP, -16],
        [RBX, -24],
      ],
    ],
    [0x1005, RSP, 8, []],
  ] as const)("follows a function to 0x%s", (pc, register, offset, saved) => {
    // biome-ignore format: rows
    const rules = framed.rulesAt(pc);
    expect(rules?.cfa).toEqual({ register, offset });
    const expected = new Map([...saved, [RA, -8] as const].map(([r, o]) => [r, { kind: "saved", offset: o }]));
    expect(rules?.registers).toEqual(expected);
    expect(rules?.returnRegister).toBe(RA);
  });

  it("knows where functions begin, and what belongs to none", () => {
    expect(framed.functionStart(0x203f)).toBe(0x2000);
    expect(framed.functionStart(0x100f)).toBe(0x1000);
    for (const pc of [0, 0x0fff, 0x1010, 0x1fff, 0x2040]) {
      expect(framed.functionStart(pc)).toBeUndefined();
      expect(framed.rulesAt(pc)).toBeUndefined();
    }
  });

  it("has no rules where it meets an instruction that it does not know", () => {
    const frames = section([{ start: 0x1000, length: 0x10, code: [0x41, 0x3f] }]);
    expect(frames.rulesAt(0x1000)?.cfa).toEqual({ register: RSP, offset: 8 });
    expect(frames.rulesAt(0x1001)).toBeUndefined();
  });

  it("reads registers that have no value, and expressions", () => {
    const code = [0x07, RA, 0x0f, 2, 0x77, 8, 0x16, RBX, 1, 0x9c];
    const rules = section([{ start: 0x1000, length: 0x10, code }]).rulesAt(0x1000);
    expect(rules?.registers.get(RA)).toEqual({ kind: "undefined" });
    expect(rules?.cfa).toEqual({ code: Uint8Array.of(0x77, 8) });
    expect(rules?.registers.get(RBX)).toEqual({ kind: "expression", code: Uint8Array.of(0x9c), isValue: true });
  });

  it("does not fail on damaged sections", () => {
    expect(new CallFrames(Uint8Array.of(0xff, 0, 0, 0, 1, 2, 3, 4), 0).rulesAt(0)).toBeUndefined();
    expect(new CallFrames(new Uint8Array(3), 0).rulesAt(0)).toBeUndefined();
  });
});

describe("expressions", () => {
  const registers = Float64Array.from({ length: 17 }, (_, i) => 0x1000 * i);
  const load = (address: number): number | undefined => (address === 0x7008 ? 0x55 : undefined);
  const evaluate = (...code: number[]): number | undefined =>
    evaluateExpression(Uint8Array.from(code), registers, [100], load);

  it("computes the frame address in a procedure linkage table", () => {
    // rsp + 8 + ((rip & 15) >= 11) << 3, as linkers write it
    const code = Uint8Array.of(0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22);
    const at = (rip: number): number | undefined => {
      registers[16] = rip;
      return evaluateExpression(code, registers, [], load);
    };
    expect(at(0x40_100a)).toBe(0x7008);
    expect(at(0x40_100b)).toBe(0x7010);
  });

  it.each([
    ["what is there", [], 100],
    ["plus_uconst", [0x23, 0x80, 1], 228],
    ["memory", [0x77, 8, 0x06], 0x55],
    ["memory that is not there", [0x77, 9, 0x06], undefined],
    ["const1s", [0x09, 0xff, 0x22], 99],
    ["minus", [0x38, 0x1c], 92],
    ["too few operands", [0x22], undefined],
    ["an unknown operation", [0xff], undefined],
  ] as const)("%s", (_name, code, expected) => expect(evaluate(...code)).toBe(expected));
});
