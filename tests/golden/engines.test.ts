// A part of the golden cases on the engines that are not the default: `--cpu unicorn` and `--cpu lockstep`, which give a second
// opinion, the interpreter alone, and the translator with everything translated. Which
// cases follows from a rule, in engines.json: every so many, from one on, less a few that say why they are left out. They run
// on the embedded sysroot, which every machine has.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadUnicorn } from "../../src/host/node/unicorn.ts";
import { loadCases } from "./parse.ts";
import { replay } from "./replay.ts";
import { limiter } from "./suite.ts";
import { TsrcoreEngine } from "./tsrcore.ts";
import type { GoldenCase } from "./types.ts";

/** Of the cases in the order of their files: those whose number leaves `from` when divided by `every`. */
interface Rule {
  readonly every: number;
  readonly from: number;
  /** So many they have to be. */
  readonly least: number;
  /** Cases that the rule would choose, or topics ("topic/"), and why they are left out. */
  readonly without: Readonly<Record<string, string>>;
}

const ENGINES = ["unicorn", "lockstep", "interp", "jit-everything"] as const;
const rules: Record<(typeof ENGINES)[number], Rule> = JSON.parse(
  readFileSync(join(import.meta.dirname, "engines.json"), "utf8"),
);
const cases = loadCases().filter((goldenCase) => goldenCase.roots.includes("sysroot"));
const missing = await loadUnicorn().then(
  () => undefined,
  (error: unknown) => String(error),
);
if (missing !== undefined) console.warn(`golden cases on unicorn and in lock-step are skipped: ${missing}`);
/** For one case, ms. */
const timeout = 180_000;

for (const cpu of ENGINES) {
  const { every, from, least, without } = rules[cpu];
  const ruled = cases.filter((_, i) => i % every === from);
  const isLeftOut = ({ id, topic }: GoldenCase): boolean =>
    without[id] !== undefined || without[`${topic}/`] !== undefined;
  const chosen = ruled.filter((goldenCase) => !isLeftOut(goldenCase));

  it(`golden-${cpu}: at least ${least} cases, and those left out would be among them`, () => {
    expect(chosen.length).toBeGreaterThanOrEqual(least);
    const inVain = Object.keys(without).filter(
      (key) => !ruled.some(({ id, topic }) => [id, `${topic}/`].includes(key)),
    );
    expect(inVain).toEqual([]);
  });

  const skipped = missing !== undefined && (cpu === "unicorn" || cpu === "lockstep");
  describe.skipIf(skipped).concurrent(`golden-${cpu}`, () => {
    const engine = new TsrcoreEngine({ cpu, timeout });
    const takeTurn = limiter(2);
    for (const goldenCase of chosen) replay({ engine, cpu, timeout, takeTurn }, goldenCase, "sysroot");
  });
}
