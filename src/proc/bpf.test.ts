import { describe, expect, it } from "vitest";
import { EINVAL, errno } from "../abi/errno.ts";
import { type BpfInstruction, checkFilter, runFilter } from "./bpf.ts";

const program = (...rows: (readonly [code: number, k?: number, jt?: number, jf?: number])[]): BpfInstruction[] =>
  rows.map(([code, k = 0, jt = 0, jf = 0]) => ({ code, jt, jf, k }));
const LOAD = 0x20;
const RETURN = 0x06;
const RETURN_A = 0x16;

describe("classic BPF", () => {
  const data = new Uint32Array(16).map((_, i) => i * 100);

  it("loads words of the data and returns them", () => {
    const filter = program([LOAD, 12], [RETURN_A]);
    checkFilter(filter);
    expect(runFilter(filter, data)).toBe(300);
  });

  it("compares without signs", () => {
    const filter = program([0x00, 0xffff_ffff], [0x25, 1, 1, 0], [RETURN, 7], [RETURN, 8]);
    checkFilter(filter);
    expect(runFilter(filter, data)).toBe(8);
  });

  it("multiplies modulo 2^32", () => {
    const filter = program([0x00, 0x1_0001], [0x24, 0x1_0001], [RETURN_A]);
    expect(runFilter(filter, data)).toBe(0x2_0001);
  });

  it("ends with 0 at a division by an X of 0", () => {
    expect(runFilter(program([0x00, 5], [0x3c], [RETURN, 9]), data)).toBe(0);
  });

  it.each([
    ["nothing at all", program()],
    ["no return at the end", program([LOAD, 0])],
    ["a load that is not aligned", program([LOAD, 2], [RETURN])],
    ["a jump behind the end", program([0x05, 1], [RETURN])],
    [
      "memory that was stored on one of two ways only",
      program([LOAD, 0], [0x15, 0, 0, 1], [0x02, 3], [0x60, 3], [RETURN_A]),
    ],
  ])("refuses %s", (_what, filter) => {
    expect(() => checkFilter(filter)).toThrow(errno(EINVAL));
  });

  it("takes memory that was stored on every way", () => {
    const filter = program([0x02, 3], [LOAD, 0], [0x15, 0, 0, 1], [0x02, 3], [0x60, 3], [RETURN_A]);
    expect(() => checkFilter(filter)).not.toThrow();
  });
});
