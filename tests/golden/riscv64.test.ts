// Golden cases on riscv64's embedded root and, where it is, Alpine's. Every eighth case of the first runs each time, in the
// interpreter; all on both, and what translates, with RISCV64_ALL=1. TSRCORE_CPU=engine is passed as --cpu.

import { describe, expect, it } from "vitest";
import { loadCases } from "./parse.ts";
import { replay } from "./replay.ts";
import { dependsOnArchitecture, hasOracle, RISCV64_REASONS, RISCV64_WITHOUT } from "./riscv64.ts";
import { missingRoot, rootTarball } from "./roots.ts";
import { limiter, loadExpectations, loadRecorded } from "./suite.ts";
import { TsrcoreEngine } from "./tsrcore.ts";
import { nativeRootOf, riscv64Roots } from "./types.ts";

const EVERY = 8;
/** For one case, ms. */
const timeout = 90_000;
const all = process.env["RISCV64_ALL"] !== undefined;
const cpu = process.env["TSRCORE_CPU"] ?? "interp";
const cases = loadCases();

for (const root of riscv64Roots) {
  const here = cases.filter(({ id, roots }) => roots.includes(nativeRootOf(root)) && hasOracle(root, id));

  it(`${root}: what depends on the architecture is recorded, and nothing else`, () => {
    for (const topic of new Set(here.map((goldenCase) => goldenCase.topic))) {
      const names = here
        .filter((goldenCase) => goldenCase.topic === topic && dependsOnArchitecture(goldenCase.id))
        .map((goldenCase) => goldenCase.name);
      expect(
        Object.keys(loadRecorded(root, topic)),
        `${root} ${topic}: npm run fixtures:record -- --root ${root}`,
      ).toEqual(names);
      const known = here.filter((goldenCase) => goldenCase.topic === topic).map((goldenCase) => goldenCase.name);
      const expected = Object.keys(loadExpectations(root, topic));
      expect(known.filter((name) => !expected.includes(name))).toEqual([]);
    }
    const ids = new Set(cases.map((goldenCase) => goldenCase.id));
    const named = [
      ...Object.keys(RISCV64_REASONS),
      ...Object.keys(RISCV64_WITHOUT).map((key) => key.split(" ").at(-1) ?? key),
    ];
    expect(named.filter((id) => !ids.has(id))).toEqual([]);
  });

  const available = rootTarball(root) !== undefined;
  const chosen = all ? here : root === "sysroot-riscv64" ? here.filter((_, i) => i % EVERY === 0) : [];
  if (chosen.length > 0 && !available) console.warn(`golden: ${missingRoot(root)}`);
  describe.skipIf(!available || chosen.length === 0).concurrent(root, () => {
    const engine = new TsrcoreEngine({ cpu, timeout });
    const takeTurn = limiter(2);
    for (const goldenCase of chosen) replay({ engine, cpu, timeout, takeTurn }, goldenCase, root);
  });
}
