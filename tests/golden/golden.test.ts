// Replays the golden cases on tsrcore through its command line. README.md beside this file says how they came about.
//   GOLDEN_ONLY=substring   only cases whose "root topic/name" contains it
//   TSRCORE_CPU=engine      passed as --cpu
//   TSRCORE_ALPINE=path     the Alpine tarball, or the folder that holds it

import { afterAll, describe, expect, it } from "vitest";
import { compareOutcomes } from "./outcome.ts";
import { loadCases } from "./parse.ts";
import { missingRoot, rootTarball } from "./roots.ts";
import { limiter, loadExpectations, runCase } from "./suite.ts";
import { commandLine, TsrcoreEngine } from "./tsrcore.ts";
import { rootNames } from "./types.ts";

/** For one case, ms; the test's own limit is larger, as it also waits for its turn. */
const timeout = 30_000;
const only = process.env["GOLDEN_ONLY"] ?? "";
const cases = loadCases();
const engine = new TsrcoreEngine({ cpu: process.env["TSRCORE_CPU"], timeout });
const takeTurn = limiter(2);

afterAll(() => engine.close());

for (const root of rootNames) {
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
      it(
        goldenCase.id,
        () =>
          takeTurn(async () => {
            const expected = loadExpectations(root, goldenCase.topic)[goldenCase.name];
            const accept = `npm run fixtures:record -- --root ${root} --only ${goldenCase.id}`;
            if (!expected) {
              throw new Error(`not recorded: ${accept}`);
            }
            const { outcome, timedOut } = await runCase(engine, goldenCase, root, expected);
            const difference = compareOutcomes(expected, outcome);
            if (timedOut || difference !== "") {
              const late = timedOut ? `timed out after ${timeout / 1000} s\n` : "";
              const command = commandLine(goldenCase, root, "DIRECTORY", undefined).map((word) => JSON.stringify(word));
              throw new Error(
                `${goldenCase.source}: tsrcore differs from the kernel ("-" expected, "+" got)\n${late}${difference}\n` +
                  `run it:  node ${command.join(" ")}\nonly if the case itself was changed:  ${accept}`,
              );
            }
          }),
        timeout * 8,
      );
    }
  });
}
