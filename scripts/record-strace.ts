// Records what the real strace shows of the cases in tests/strace (tests/strace/README.md):
//   npm run fixtures:strace -- [--only substring]
// Every case is run twice and refused when the two runs differ after masking: what depends on the scheduler or on the
// clock is no expectation. Needs Linux, root, strace, musl-gcc and Alpine's tarball.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { missingRoot, repository, rootTarball } from "../tests/golden/roots.ts";
import { forEachLimited } from "../tests/golden/suite.ts";
import { straceCases } from "../tests/strace/cases.ts";
import { NativeStrace } from "../tests/strace/native.ts";
import { normalise, toText } from "../tests/strace/normalise.ts";

const { values: options } = parseArgs({ options: { only: { type: "string", default: "" } } });

const folder = join(repository, "tests/strace");
const expected = join(folder, "expected");
const tarball = rootTarball("alpine");
if (tarball === undefined) throw new Error(missingRoot("alpine"));
mkdirSync(expected, { recursive: true });
execFileSync("musl-gcc", [
  ...["-static", "-Os", "-s", "-w", "-o", join(folder, "fixtures/calls"), join(folder, "fixtures/calls.c")],
]);

const cases = straceCases();
const chosen = cases.filter((straceCase) => straceCase.name.includes(options.only));
const known = new Set(cases.map((straceCase) => `${straceCase.name}.txt`));
for (const file of readdirSync(expected)) {
  if (file.endsWith(".txt") && !known.has(file)) rmSync(join(expected, file));
}

const native = new NativeStrace();
const refused: string[] = [];
await forEachLimited(chosen, 2, async (straceCase) => {
  const { name, concurrent, golden } = straceCase;
  const path = join(expected, `${name}.txt`);
  const first = toText(normalise(await native.run(straceCase), concurrent, golden.masks));
  const second = toText(normalise(await native.run(straceCase), concurrent, golden.masks));
  if (first === second) writeFileSync(path, first, "latin1");
  else {
    refused.push(name);
    if (existsSync(path)) rmSync(path);
  }
});
native.close();

const oracle = {
  strace: NativeStrace.version(),
  kernel: release(),
  machine: process.arch,
  tarball: basename(tarball),
  sha256: createHash("sha256").update(readFileSync(tarball)).digest("hex"),
  recorded: new Date().toISOString().slice(0, 10),
};
writeFileSync(join(expected, "oracle.json"), `${JSON.stringify(oracle, null, 1)}\n`);
console.log(`${chosen.length - refused.length} of ${chosen.length} recorded`);
if (refused.length > 0) {
  console.error(`two runs differ: ${refused.join(", ")}`);
  process.exitCode = 1;
}
