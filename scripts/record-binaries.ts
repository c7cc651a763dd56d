// Records what the programs of test-binaries/ print on the real kernel (root on x86_64 Linux is needed):
//   npm run fixtures:binaries -- [id...]
// Each runs in a mount namespace of its own, in a chroot of the embedded root file system with the host's /dev, a new
// /proc and tmpfs for the rest. It runs three times, and results that differ are refused.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { arch, cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BinaryCase, type BinaryResult, cases } from "../tests/binaries/cases.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const expected = join(repository, "test-binaries/expected");
const timeout = 60_000;

// $1: mount point, $2: root tarball, $3: folder of programs, then program and arguments.
const setup = `
set -e
mount -t tmpfs -o mode=755 tsrcore "$1"
tar -C "$1" -xzf "$2"
mkdir "$1/test"
mount --bind "$3" "$1/test"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
root=$1 program=$4
shift 4
cd "$root"
exec chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \\
  "/test/$program" "$@"
`;

function run(binary: BinaryCase): BinaryResult {
  const mountPoint = mkdtempSync(join(tmpdir(), "tsrcore-record-"));
  const inner = [mountPoint, join(repository, "sysroot/x86_64.tar.gz"), join(repository, "test-binaries/bin/x86_64")];
  const child = spawnSync("unshare", ["-m", "sh", "-c", setup, "sh", ...inner, binary.program, ...binary.args], {
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "latin1",
    timeout,
    cwd: "/",
  });
  rmSync(mountPoint, { recursive: true });
  if (child.error || child.stderr !== "" || child.status === null) {
    throw new Error(`${binary.id}: ${child.error ?? ""} ${child.signal ?? ""} ${child.stderr}`);
  }
  return { status: child.status, stdout: child.stdout.split("\n") };
}

mkdirSync(expected, { recursive: true });
const wanted = process.argv.slice(2);
for (const binary of cases) {
  if (wanted.length > 0 && !wanted.includes(binary.id)) {
    continue;
  }
  const [first, ...others] = [run(binary), run(binary), run(binary)];
  const unlike = others.find((other) => JSON.stringify(other) !== JSON.stringify(first));
  if (!first || unlike) {
    const lines = unlike?.stdout.filter((line, index) => line !== first?.stdout[index]) ?? [];
    console.error(`${binary.id}: refused, runs differ:\n${lines.join("\n")}`);
    process.exitCode = 1;
    continue;
  }
  writeFileSync(join(expected, `${binary.id}.json`), `${JSON.stringify(first, undefined, 1)}\n`);
  console.log(`${binary.id}: recorded`);
}
const oracle = { kernel: release(), machine: arch(), processor: cpus()[0]?.model };
writeFileSync(join(expected, "oracle.json"), `${JSON.stringify(oracle, undefined, 1)}\n`);
