// A part of the golden cases on the two engines that give a second opinion: `--cpu unicorn` and `--cpu lockstep`. Which
// cases stands in engines.json, by hand: spread over all topics, and cheap, since an instruction costs microseconds in
// lock-step. They run on the embedded sysroot, which every machine has.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadUnicorn } from "../../src/host/node/unicorn.ts";
import { loadCases } from "./parse.ts";
import { replay } from "./replay.ts";
import { limiter } from "./suite.ts";
import { TsrcoreEngine } from "./tsrcore.ts";

const chosen: Record<"unicorn" | "lockstep", readonly string[]> = JSON.parse(
  readFileSync(join(import.meta.dirname, "engines.json"), "utf8"),
);
const cases = new Map(loadCases().map((goldenCase) => [goldenCase.id, goldenCase]));
const missing = await loadUnicorn().then(
  () => undefined,
  (error: unknown) => String(error),
);
if (missing !== undefined) console.warn(`golden cases on unicorn and in lock-step are skipped: ${missing}`);
/** For one case, ms. */
const timeout = 180_000;

for (const cpu of ["unicorn", "lockstep"] as const) {
  it(`golden-${cpu}: at least 100 cases, each of them known`, () => {
    expect(new Set(chosen[cpu]).size).toBeGreaterThanOrEqual(100);
    expect(chosen[cpu].filter((id) => !cases.get(id)?.roots.includes("sysroot"))).toEqual([]);
  });

  describe.skipIf(missing !== undefined).concurrent(`golden-${cpu}`, () => {
    const engine = new TsrcoreEngine({ cpu, timeout });
    const takeTurn = limiter(2);
    for (const id of chosen[cpu]) {
      const goldenCase = cases.get(id);
      if (goldenCase) replay({ engine, cpu, timeout, takeTurn }, goldenCase, "sysroot");
    }
  });
}
