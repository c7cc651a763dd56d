import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { MXCSR, X87_EMPTY, X87_REGS, X87_STATUS, X87_TOP, YMM, YMM_SIZE } from "../../src/cpu/isa/x86_64/context.ts";
import { fxrstor, fxsave, resetFpu } from "../../src/cpu/isa/x86_64/x87-image.ts";
import { INPUT_SIZE, OUTPUT_SIZE, Random } from "./cases.ts";
import { OPERAND, X87Harness } from "./harness.ts";
import { describeDifference, replay } from "./replay.ts";

describe("x87", () => {
  it("does what the processor did in the recorded cases (record again: npm run test:x87 -- --record)", () => {
    const both = new Uint8Array(gunzipSync(readFileSync(join(import.meta.dirname, "fixtures/vectors.bin.gz"))));
    const count = both.length / (INPUT_SIZE + OUTPUT_SIZE);
    expect(count).toBe(5000);
    const inputs = both.subarray(0, count * INPUT_SIZE);
    const outputs = both.subarray(count * INPUT_SIZE);
    const failures = replay(inputs, outputs).map(({ index, actual }) =>
      describeDifference(
        inputs.subarray(index * INPUT_SIZE, (index + 1) * INPUT_SIZE),
        outputs.subarray(index * OUTPUT_SIZE, (index + 1) * OUTPUT_SIZE),
        actual,
      ),
    );
    expect(failures).toEqual([]);
  });

  /** A random but possible state. */
  function scramble(context: DataView, random: Random): void {
    resetFpu(context);
    for (let at = 0; at < 128; at += 4) context.setUint32(X87_REGS + at, random.u32(), true);
    for (let at = 0; at < 16 * YMM_SIZE; at += 4) context.setUint32(YMM + at, random.u32(), true);
    for (let i = 0; i < 8; i++) {
      context.setUint16(X87_REGS + 16 * i + 10, 0, true);
      context.setUint32(X87_REGS + 16 * i + 12, 0, true);
    }
    context.setUint32(X87_TOP, random.below(8), true);
    context.setUint32(X87_EMPTY, random.below(256), true);
    context.setUint16(X87_STATUS, random.u32() & 0x473f, true);
    context.setUint32(MXCSR, 0x1f80 | random.below(0x40), true);
  }

  it("FXSAVE and FXRSTOR agree with their twins for signal frames, and restore what was saved", () => {
    const harness = new X87Harness();
    const random = new Random(7);
    const state = (): Uint8Array => new Uint8Array(harness.memory.buffer, harness.context.byteOffset, 0x400).slice();
    for (let round = 0; round < 50; round++) {
      scramble(harness.context, random);
      const before = state();
      harness.operand.fill(0);
      harness.run("fxsave:m0", 0, OPERAND);
      const image = new Uint8Array(512);
      fxsave(harness.context, image);
      expect(harness.operand.slice()).toEqual(image);
      scramble(harness.context, random);
      harness.run("fxrstor:m0", 0, OPERAND);
      // The high halves of ymm are no part of the image.
      const view = new DataView(before.buffer);
      for (let i = 0; i < 16; i++)
        for (let at = 16; at < 32; at += 4)
          harness.context.setUint32(YMM + 32 * i + at, view.getUint32(YMM + 32 * i + at, true), true);
      expect(state()).toEqual(before);
      scramble(harness.context, random);
      fxrstor(harness.context, image);
      const again = new Uint8Array(512);
      fxsave(harness.context, again);
      expect(again).toEqual(image);
    }
  });

  it("FNSAVE and FRSTOR keep the whole state and leave the unit initialised", () => {
    const harness = new X87Harness();
    scramble(harness.context, new Random(3));
    const before = new Uint8Array(512);
    fxsave(harness.context, before);
    harness.run("fnsave:m0", 0, OPERAND);
    expect(harness.context.getUint32(X87_EMPTY, true)).toBe(0xff);
    expect(harness.context.getUint16(X87_STATUS, true)).toBe(0);
    harness.run("frstor:m0", 0, OPERAND);
    const after = new Uint8Array(512);
    fxsave(harness.context, after);
    expect(after).toEqual(before);
  });

  it("FXRSTOR refuses reserved bits of MXCSR before it changes anything", () => {
    const harness = new X87Harness();
    scramble(harness.context, new Random(5));
    harness.operand.fill(0);
    harness.operand[26] = 1;
    const before = new Uint8Array(harness.memory.buffer, harness.context.byteOffset, 0x400).slice();
    expect(harness.run("fxrstor:m0", 0, OPERAND)).toBe(6);
    expect(new Uint8Array(harness.memory.buffer, harness.context.byteOffset, 0x400)).toEqual(before);
  });
});
