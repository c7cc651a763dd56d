// Notes which system calls the programs of test-binaries/ make on the real kernel, and with which outcomes, for
// docs/conformance.md (root on x86_64 Linux and strace are needed):
//   npm run fixtures:calls -- [id...]

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cases } from "../tests/binaries/cases.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const file = join(repository, "test-binaries/expected/calls.json");
/** A tracer cannot be traced together with its tracees. */
const ALONE: ReadonlySet<string> = new Set(["ptrace"]);

/** Names of calls, each with its outcomes in order: "ok" or the error's name. */
type Outcomes = Record<string, string[]>;

// As in record-binaries.ts. $1: mount point, $2: root tarball, $3: folder of programs, then the trace, program, arguments.
const setup = `
set -e
mount -t tmpfs -o mode=755 tsrcore "$1"
tar -C "$1" -xzf "$2"
mkdir "$1/test"
mount --bind "$3" "$1/test"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
root=$1 follow=$4 trace=$5 program=$6
shift 6
cd "$root"
exec strace $follow -qq -v -s 0 -o "$trace" chroot "$root" /usr/bin/env -i \\
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "/test/$program" "$@"
`;

const CALL = /^(?:(\d+) +)?(\w+)\(.* = (-?\d+|0x[0-9a-f]+|\?)(?: ([A-Z0-9]+))?/;
const UNFINISHED = /^(?:(\d+) +)?(\w+)\(.*<unfinished \.\.\.>$/;
const RESUMED = /^(?:(\d+) +)?<\.\.\. (\w+) resumed>.* = (-?\d+|0x[0-9a-f]+|\?)(?: ([A-Z0-9]+))?/;

function outcomesOf(trace: string, program: string): Outcomes {
  const found = new Map<string, Set<string>>();
  // The programs that set the stage are not meant: from its execve on, the program and what it starts.
  const members = new Set<string>();
  for (const line of trace.split("\n")) {
    const match = CALL.exec(line) ?? RESUMED.exec(line) ?? UNFINISHED.exec(line);
    if (match === null) continue;
    const [, pid = "0", name = "", result, error] = match;
    if (name === "execve" && line.includes(`"/test/${program}"`)) members.add(pid);
    if (!members.has(pid)) continue;
    if (/^(clone3?|v?fork)$/.test(name) && result !== undefined && Number(result) > 0) members.add(result);
    const outcomes = found.get(name) ?? new Set<string>();
    found.set(name, outcomes);
    if (error !== undefined && result !== "?") outcomes.add(result === "-1" ? error : "ok");
    else outcomes.add("ok");
  }
  return Object.fromEntries(
    [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, set]) => [name, [...set].sort()]),
  );
}

const known: Record<string, Outcomes> = existsSync(file)
  ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, Outcomes>)
  : {};
const wanted = process.argv.slice(2);
for (const { id, program, args } of cases) {
  if (wanted.length > 0 ? !wanted.includes(id) : /^bench-/.test(id)) continue;
  const place = mkdtempSync(join(tmpdir(), "tsrcore-calls-"));
  const trace = `${place}.trace`;
  const inner = [place, join(repository, "sysroot/x86_64.tar.gz"), join(repository, "test-binaries/bin/x86_64")];
  spawnSync(
    "unshare",
    ["-m", "sh", "-c", setup, "sh", ...inner, ALONE.has(program) ? "" : "-f", trace, program, ...args],
    { stdio: "ignore", timeout: 60_000, cwd: "/" },
  );
  rmSync(place, { recursive: true });
  known[id] = outcomesOf(readFileSync(trace, "latin1"), program);
  rmSync(trace);
  console.log(`${id}: ${Object.keys(known[id]).length} calls`);
}
const sorted = Object.fromEntries(Object.entries(known).sort(([a], [b]) => (a < b ? -1 : 1)));
const lines = Object.entries(sorted).map(([id, outcomes]) => {
  const calls = Object.entries(outcomes).map(([name, list]) => `  ${JSON.stringify(name)}: ${JSON.stringify(list)}`);
  return ` ${JSON.stringify(id)}: {\n${calls.join(",\n")}\n }`;
});
writeFileSync(file, `{\n${lines.join(",\n")}\n}\n`);
