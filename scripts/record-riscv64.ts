// Records what programs of test-binaries/ print on riscv64, where that is not what they print natively:
//   npm run fixtures:riscv64
// They run under qemu-user (qemu-riscv64-static of Debian's qemu-user-static), on the embedded root file system; three times,
// and results that differ are refused. In what qemu-user is wrong is noted in expected/riscv64/changes.json.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BinaryResult } from "../tests/binaries/cases.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "tsrcore-riscv64-"));
spawnSync("tar", ["-xzf", join(repository, "sysroot/riscv64.tar.gz"), "-C", root]);

function run(program: string): BinaryResult {
  const file = join(repository, "test-binaries/bin/riscv64", program);
  const child = spawnSync("qemu-riscv64-static", ["-L", root, file], { encoding: "latin1", cwd: "/", timeout: 60_000 });
  if (child.error || child.status === null) throw new Error(`${program}: ${child.error ?? child.signal}`);
  return { status: child.status, stdout: child.stdout.split("\n") };
}

for (const program of ["abi", "fpu"]) {
  const results = [run(program), run(program), run(program)].map(
    (result) => `${JSON.stringify(result, undefined, 1)}\n`,
  );
  if (new Set(results).size > 1) {
    console.error(`${program}: refused, runs differ`);
    process.exitCode = 1;
    continue;
  }
  writeFileSync(join(repository, "test-binaries/expected/riscv64", `${program}.json`), results[0] as string);
  console.log(`${program}: recorded`);
}
// The names of the calls that programs make until they fork, as the emulated kernel knows them: for --strace.
const calls = Object.fromEntries(
  ["files", "stat"].map((program) => {
    const file = join(repository, "test-binaries/bin/riscv64", program);
    const child = spawnSync("qemu-riscv64-static", ["-strace", "-L", root, file], { encoding: "latin1", cwd: "/" });
    const names = child.stderr.split("\n").flatMap((line) => /^\d+ (\w+)\(/.exec(line)?.[1] ?? []);
    return [program, names.slice(0, names.indexOf("clone"))];
  }),
);
writeFileSync(join(repository, "test-binaries/expected/riscv64/calls.json"), `${JSON.stringify(calls)}\n`);
console.log("calls: recorded");
rmSync(root, { recursive: true });
