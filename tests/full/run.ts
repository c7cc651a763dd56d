// Everything that `npm test` has a shortened form of, in full, one after the other: a line for each, and the time it took.
//   npm run test:full -- [--only name,name] [--list]
// Hours, on an idle x86_64 Linux with what .ci/run installs; conformance and programs need root and the network besides.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** Arguments of npx, but those of npm begin with `run`. */
const suites: Readonly<Record<string, string>> = {
  test: "run test",
  "golden-interp": "tsx tests/golden/run.ts --cpu interp --timeout 120",
  "golden-jit": "tsx tests/golden/run.ts --cpu jit-everything --timeout 120",
  "golden-riscv64": "tsx tests/golden/run.ts --root alpine-riscv64 --timeout 120",
  "golden-riscv64-interp": "tsx tests/golden/run.ts --root alpine-riscv64 --cpu interp --timeout 120",
  riscv64: "run test:riscv64",
  "insn-interp": "run test:insn -- --cases 1000000 --cpu interp",
  "insn-jit": "run test:insn -- --cases 2000000 --cpu jit",
  "insn-riscv64": "run test:insn:riscv64 -- --cases 500000",
  x87: "run test:x87",
  "random-c": "run test:random-c -- --count 1000 --cpu jit --level O0,O2,haswell",
  hostile: "run test:hostile -- --cpu jit",
  servers: "run test:servers",
  programs: "run test:programs",
  conformance: "run test:conformance",
  soak: "run bench:soak",
};

const { values: options } = parseArgs({
  options: { only: { type: "string" }, list: { type: "boolean", default: false } },
});
const wanted = options.only?.split(",") ?? Object.keys(suites);
const unknown = wanted.filter((name) => suites[name] === undefined);
if (unknown.length > 0) {
  console.error(`--only: no suite ${unknown.join(", ")}; there are ${Object.keys(suites).join(", ")}`);
  process.exit(2);
}
if (options.list) {
  for (const name of wanted) console.log(`${name.padEnd(22)} ${suites[name]}`);
  process.exit(0);
}

const lines: string[] = [];
for (const name of wanted) {
  const words = (suites[name] as string).split(" ");
  console.log(`\n=== ${name}: ${words.join(" ")}`);
  const began = Date.now();
  const { status, signal } = spawnSync(words[0] === "run" ? "npm" : "npx", words, {
    cwd: repository,
    stdio: "inherit",
  });
  if (signal !== null) process.exit(130);
  const minutes = ((Date.now() - began) / 60_000).toFixed(1);
  lines.push(`${status === 0 ? "passed" : "FAILED"}  ${name} (${minutes} min)`);
  if (status !== 0) process.exitCode = 1;
}
console.log(`\n${lines.join("\n")}`);
