// Replays the golden cases on tsrcore through its command line. README.md beside this file says how they came about.
//   GOLDEN_ONLY=substring   only cases whose "root topic/name" contains it
//   TSRCORE_CPU=engine      passed as --cpu
//   TSRCORE_ALPINE=path     the Alpine tarball, or the folder that holds it

import { afterAll, describe, expect, it } from "vitest";
import { loadCases } from "./parse.ts";
import { replay } from "./replay.ts";
import { missingRoot, rootTarball } from "./roots.ts";
import { limiter, loadExpectations } from "./suite.ts";
import { TsrcoreEngine } from "./tsrcore.ts";
import { nativeRoots } from "./types.ts";

/** For one case, ms; generous, since the machine may be busy. */
const timeout = 90_000;
const only = process.env["GOLDEN_ONLY"] ?? "";
const cases = loadCases();
const cpu = process.env["TSRCORE_CPU"];
const engine = new TsrcoreEngine({ cpu, timeout });
const takeTurn = limiter(2);

afterAll(() => engine.close());

for (const root of nativeRoots) {
  const available = rootTarball(root) !== undefined;
  if (!available) {
    console.warn(`golden: ${missingRoot(root)}`);
  }
  const here = cases.filter((goldenCase) => goldenCase.roots.includes(root));

  it(`${root}: expectations and cases belong together`, () => {
    for (const topic of new Set(cases.map((goldenCase) => goldenCase.topic))) {
      const names = here.filter((goldenCase) => goldenCase.topic === topic).map((goldenCase) => goldenCase.name);
      expect(Object.keys(loadExpectations(root, topic)), `${root} ${topic}: npm run fixtures:record`).toEqual(names);
    }
  });

  describe.skipIf(!available).concurrent(available ? root : missingRoot(root), () => {
    for (const goldenCase of here) {
      if (!`${root} ${goldenCase.id}`.includes(only)) {
        continue;
      }
      replay({ engine, cpu, timeout, takeTurn }, goldenCase, root);
    }
  });
}
