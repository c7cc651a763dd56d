// Replays golden cases without vitest, and prints a summary:
//   npx tsx tests/golden/run.ts [--only substring] [--root name] [--jobs n] [--cpu engine] [--timeout s]
//                               [--list-failures] [--native]
// Roots: alpine, sysroot, and for riscv64 alpine-riscv64, sysroot-riscv64 (default: the first two).
// --native replays on this machine's own kernel, which proves the comparison itself: it must pass entirely.

import { parseArgs } from "node:util";
import { NativeEngine } from "./native.ts";
import { compareOutcomes } from "./outcome.ts";
import { loadCases } from "./parse.ts";
import { hasOracle } from "./riscv64.ts";
import { missingRoot, rootTarball } from "./roots.ts";
import { forEachLimited, loadExpectations, runCase } from "./suite.ts";
import { TsrcoreEngine } from "./tsrcore.ts";
import { type GoldenCase, nativeRootOf, nativeRoots, type RootName, rootNames } from "./types.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    root: { type: "string", default: "" },
    jobs: { type: "string", default: "2" },
    cpu: { type: "string" },
    timeout: { type: "string", default: "30" },
    "list-failures": { type: "boolean", default: false },
    native: { type: "boolean", default: false },
  },
});

const timeout = Number(options.timeout) * 1000;
const engine = options.native
  ? new NativeEngine({ varied: false, timeout })
  : new TsrcoreEngine({ cpu: options.cpu, timeout });

const work: { root: RootName; goldenCase: GoldenCase }[] = [];
for (const root of options.root === "" ? nativeRoots : rootNames.filter((name) => name === options.root)) {
  if (!rootTarball(root)) {
    console.log(missingRoot(root));
    continue;
  }
  for (const goldenCase of loadCases()) {
    if (root !== nativeRootOf(root) && !hasOracle(root, goldenCase.id)) continue;
    if (
      goldenCase.roots.includes(nativeRootOf(root)) &&
      options.only.split(",").some((part) => goldenCase.id.includes(part))
    ) {
      work.push({ root, goldenCase });
    }
  }
}

const failures: string[] = [];
const started = Date.now();
await forEachLimited(work, Number(options.jobs), async ({ root, goldenCase }) => {
  const label = `${root} ${goldenCase.id}`;
  const expected = loadExpectations(root, goldenCase.topic)[goldenCase.name];
  let report: string;
  const begin = Date.now();
  if (!expected) {
    report = "not recorded";
  } else {
    try {
      const { outcome, timedOut } = await runCase(engine, goldenCase, root, expected);
      report = timedOut ? `timed out after ${options.timeout} s\n` : "";
      report += compareOutcomes(expected, outcome);
    } catch (error) {
      report = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  }
  if (report === "") {
    return;
  }
  failures.push(label);
  if (!options["list-failures"]) {
    console.log(`FAIL ${label}  (${goldenCase.source}, ${Date.now() - begin} ms)\n${report}\n`);
  }
});
engine.close();
if (options["list-failures"]) {
  console.log(failures.sort().join("\n"));
}
const seconds = ((Date.now() - started) / 1000).toFixed(1);
console.log(
  `${engine.name}: ${work.length - failures.length} of ${work.length} pass, ${failures.length} fail (${seconds} s)`,
);
process.exitCode = failures.length > 0 ? 1 : 0;
