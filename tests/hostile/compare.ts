/** The programs of src/: built with musl-gcc, run natively and in an engine; what they print must be the same. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CpuName } from "../../src/cli/options.ts";
import { GuestMachine } from "../support/guest.ts";
import { firstDifference, runNatively } from "../support/native.ts";

const SOURCES = fileURLToPath(new URL("./src/", import.meta.url));
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/hostile/", import.meta.url));
/** For one program in tsrcore, ms. */
const LIMIT = 100_000;

/** The programs' names: one for each source file. */
export const PROGRAMS: readonly string[] = readdirSync(SOURCES)
  .filter((file) => file.endsWith(".c"))
  .map((file) => file.slice(0, -2))
  .sort();

/** Builds a program, unless one that is newer than its sources is in the cache. */
function build(name: string): string {
  const program = join(CACHE, name);
  const sources = [join(SOURCES, `${name}.c`), join(SOURCES, "hostile.h")];
  const built = statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (sources.every((source) => statSync(source).mtimeMs < built)) return program;
  mkdirSync(CACHE, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  execFileSync("musl-gcc", ["-static", "-O1", "-w", "-o", fresh, sources[0] as string, "-lm"], { stdio: "inherit" });
  renameSync(fresh, program);
  return program;
}

/** How an engine differs from the real processor and kernel, or undefined. */
export async function differenceOf(name: string, cpu: CpuName, jitThreshold?: number): Promise<string | undefined> {
  const program = build(name);
  const native = runNatively(program);
  if (native.stdout.startsWith("skipped")) {
    console.warn(`${name}: ${native.stdout.trim()} in the real CPU`);
    return undefined;
  }
  const machine = await GuestMachine.create(cpu, jitThreshold);
  try {
    const result = await machine.run(readFileSync(program), LIMIT);
    if (result.timedOut) return `no end after ${LIMIT / 1000} s, after:\n${result.stdout}`;
    const difference = firstDifference(native.stdout, result.stdout);
    const ended = `exit status ${result.status}, natively ${native.status}; ${result.stderr}`;
    if (difference !== undefined) return `${difference}\n    ${ended}`;
    return result.status === native.status ? undefined : ended;
  } finally {
    machine.stop();
  }
}
