// The programs of test-binaries/ built for riscv64. What is expected of one is what it prints natively on x86_64, but for lines
// in which it should differ, each with the reason. `abi` has no native twin: it was recorded under qemu-user, and its
// lines here are those in which qemu-user is not as the kernel's sources are.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BinaryCase, BinaryResult } from "./cases.ts";

const expected = fileURLToPath(new URL("../../test-binaries/expected", import.meta.url));

const hellos: readonly string[] = ["hello", "hello-static-pie", "hello-pie", "hello-dynamic"];
const plain: readonly string[] = [
  "abi",
  "access",
  "copy",
  "events",
  "exec",
  "fdctl",
  "files",
  "filesystems",
  "fpu",
  "futex",
  "ids",
  "inotify",
  "links",
  "locks",
  "mmap",
  "mountapi",
  "mounts",
  "mqueue",
  "names",
  "net-tcp",
  "net-udp",
  "open",
  "pipes",
  "poll",
  "proc",
  "process",
  "process-pie",
  "rw",
  "sched",
  "session",
  "signals",
  "space",
  "stat",
  "system",
  "threads",
  "timers",
  "tty",
  "unix",
];

/** In CI; the others with `npm run test:riscv64`. */
export const quick: ReadonlySet<string> = new Set([
  "abi",
  "exec",
  "hello",
  "hello-pie",
  "hello-static-pie",
  "mmap",
  "proc",
  "process-pie",
  "signals",
  "stat",
  "system",
  "bench-sha256",
]);

export const riscv64Cases: readonly BinaryCase[] = [
  ...hellos.map((program) => ({ id: program, program, args: ["one", "", "two words"] })),
  ...plain.map((program) => ({ id: program, program, args: [] })),
  { id: "bench-fib", program: "bench-fib", args: ["15"] },
  { id: "bench-sieve", program: "bench-sieve", args: ["20000", "1"] },
  { id: "bench-sha256", program: "bench-sha256", args: ["65536"] },
  { id: "bench-matrix", program: "bench-matrix", args: ["20"] },
];

interface Change {
  readonly id: string;
  readonly why: string;
  /** A recorded line, and what stands in its place; null: nothing. */
  readonly lines: readonly (readonly [recorded: string, line: string | null])[];
}

const changes: readonly Change[] = JSON.parse(readFileSync(join(expected, "riscv64/changes.json"), "utf8"));

function read(file: string): BinaryResult {
  return JSON.parse(readFileSync(join(expected, file), "utf8")) as BinaryResult;
}

/** Throws if a line that should differ is not in the recording. */
export function riscv64Expectation(id: string): BinaryResult {
  const own = `riscv64/${id}.json`;
  const { status, stdout } = read(existsSync(join(expected, own)) ? own : `${id}.json`);
  const lines = new Map(changes.filter((change) => change.id === id).flatMap((change) => change.lines));
  for (const line of lines.keys()) if (!stdout.includes(line)) throw new Error(`${id} prints no line "${line}"`);
  return {
    status,
    stdout: stdout.map((line) => lines.get(line) ?? (lines.has(line) ? null : line)).filter((l) => l !== null),
  };
}
