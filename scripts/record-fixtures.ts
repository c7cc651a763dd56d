// Records what the golden cases give on the real kernel (tests/golden/README.md):
//   npm run fixtures:record -- [--only substring] [--root name] [--jobs n]
// Roots: alpine and sysroot (the default), and alpine-riscv64, sysroot-riscv64, of which only the cases that depend on the
// architecture are recorded (tests/golden/riscv64.ts); these need a kernel that hands such programs to qemu-user (binfmt_misc,
// with an interpreter that is open already: flag F). A case is run twice under different circumstances and refused when the results
// differ: what depends on process ids, on the order of a directory or on time is no expectation.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { NativeEngine } from "../tests/golden/native.ts";
import { compareOutcomes } from "../tests/golden/outcome.ts";
import { loadCases } from "../tests/golden/parse.ts";
import { dependsOnArchitecture } from "../tests/golden/riscv64.ts";
import { missingRoot, repository, rootTarball } from "../tests/golden/roots.ts";
import { forEachLimited, loadRecorded, runCase, saveExpectations } from "../tests/golden/suite.ts";
import {
  type GoldenCase,
  nativeRootOf,
  nativeRoots,
  type Outcome,
  type RootName,
  rootNames,
} from "../tests/golden/types.ts";

/** Bytes of one case's expectation in JSON; a case should show its point with less. */
const maximumSize = 24 << 10;
const timeout = 30_000;

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    root: { type: "string", default: "" },
    jobs: { type: "string", default: "2" },
  },
});

const cases = loadCases();
const refused: string[] = [];
for (const root of options.root === "" ? nativeRoots : rootNames.filter((name) => name === options.root)) {
  const tarball = rootTarball(root);
  if (tarball) {
    await recordRoot(root, tarball);
  } else {
    console.log(missingRoot(root));
  }
}
if (refused.length > 0) {
  console.error(`\n${refused.length} refused:\n${refused.join("\n\n")}`);
  process.exitCode = 1;
}

async function recordRoot(root: RootName, tarball: string): Promise<void> {
  const native = nativeRootOf(root);
  const here = cases.filter(
    (goldenCase) => goldenCase.roots.includes(native) && (root === native || dependsOnArchitecture(goldenCase.id)),
  );
  const chosen = here.filter((goldenCase) => goldenCase.id.includes(options.only));
  const plain = new NativeEngine({ varied: false, timeout });
  const varied = new NativeEngine({ varied: true, timeout });
  // Another file system under /w as well: a tmpfs lists directories newest first, ext4 by hash.
  const memory = existsSync("/dev/shm") ? mkdtempSync("/dev/shm/tsrcore-") : undefined;
  const recorded = new Map<string, Outcome>();
  await forEachLimited(chosen, Number(options.jobs), async (goldenCase) => {
    const first = await runCase(plain, goldenCase, root, undefined, memory);
    const second = await runCase(varied, goldenCase, root, first.outcome, tmpdir());
    const difference = compareOutcomes(first.outcome, second.outcome);
    const problem =
      first.timedOut || second.timedOut
        ? "timed out"
        : difference !== ""
          ? `two runs differ\n${difference}`
          : flaw(goldenCase, first.outcome);
    if (problem) {
      refused.push(`${root} ${goldenCase.id} (${goldenCase.source}): ${problem}`);
    } else {
      recorded.set(goldenCase.id, first.outcome);
    }
  });
  plain.close();
  varied.close();
  if (memory) {
    rmSync(memory, { recursive: true, force: true });
  }
  for (const topic of new Set(here.map((goldenCase) => goldenCase.topic))) {
    const before = loadRecorded(root, topic);
    const after: Record<string, Outcome> = {};
    for (const goldenCase of here.filter((candidate) => candidate.topic === topic)) {
      const outcome =
        recorded.get(goldenCase.id) ?? (chosen.includes(goldenCase) ? undefined : before[goldenCase.name]);
      if (outcome) {
        after[goldenCase.name] = outcome;
      }
    }
    saveExpectations(root, topic, after);
  }
  writeOracle(root, tarball);
  console.log(`${root}: ${recorded.size} of ${chosen.length} recorded`);
}

/** Why an outcome that came out the same twice still is no good expectation. */
function flaw(goldenCase: GoldenCase, outcome: Outcome): string | undefined {
  const text = JSON.stringify(outcome);
  if (text.length > maximumSize) {
    return `${text.length} bytes of result, more than ${maximumSize}`;
  }
  if (/applet not found|: not found/.test(text) && !goldenCase.name.includes("not-found")) {
    return `a command is missing on this root (@root restricts a case to one)\n${JSON.stringify(outcome.stderr)}`;
  }
  return undefined;
}

/** Notes which kernel and which programs gave the results. */
function writeOracle(root: RootName, tarball: string): void {
  const path = join(repository, "tests/golden/expected/oracle.json");
  const oracle: Record<string, unknown> = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  const scratch = mkdtempSync(join(tmpdir(), "tsrcore-oracle-"));
  spawnSync("tar", ["-xpf", tarball, "-C", scratch]);
  const ask = (...argv: string[]): string =>
    spawnSync("chroot", [scratch, ...argv], { encoding: "utf8" }).stdout.split("\n")[0] ?? "";
  oracle[root] = {
    kernel: release(),
    machine: process.arch,
    tarball: tarball.split("/").at(-1),
    sha256: createHash("sha256").update(readFileSync(tarball)).digest("hex"),
    ...(nativeRootOf(root) === "alpine" && { release: ask("cat", "/etc/alpine-release") }),
    busybox: ask("busybox"),
    recorded: new Date().toISOString().slice(0, 10),
  };
  rmSync(scratch, { recursive: true, force: true });
  writeFileSync(path, `${JSON.stringify(oracle, null, 1)}\n`);
}
