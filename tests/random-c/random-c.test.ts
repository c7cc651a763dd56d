// A few generated programs by each engine. More of them: npm run test:random-c -- --count 1000

import { describe, expect, test } from "vitest";
import { whyNoNativePrograms } from "../support/native.ts";
import { comparePrograms, LEVELS, whyNotLevel } from "./compare.ts";
import { generateProgram } from "./generate.ts";

const why = whyNoNativePrograms();
if (why !== undefined) console.warn(`random C programs are skipped: ${why}`);

test("a seed makes one program", () => {
  expect(generateProgram(7)).toBe(generateProgram(7));
  expect(generateProgram(7)).not.toBe(generateProgram(8));
});

describe.skipIf(why !== undefined)("random C programs print what they print natively", () => {
  for (const level of Object.keys(LEVELS)) {
    const reason = why ?? whyNotLevel(level);
    if (reason !== undefined) console.warn(`${level}: skipped: ${reason}`);
    test.skipIf(reason !== undefined)(level, { timeout: 240_000 }, async () => {
      const summary = await comparePrograms({
        seed: 1,
        count: 20,
        levels: [level],
        cpus: ["interp", "jit"],
        jitThreshold: 2,
      });
      expect(summary.differences.join("\n\n")).toBe("");
      expect(summary.compared).toBe(40);
    });
  }
});
