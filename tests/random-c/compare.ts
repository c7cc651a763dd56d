/** Builds a generated program, runs it natively and in tsrcore's engines, and compares what they print. */
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { CpuName } from "../../src/cli/options.ts";
import { cpuinfoText } from "../../src/cpu/isa/x86_64/cpuinfo.ts";
import { GuestMachine } from "../support/guest.ts";
import { firstDifference, type NativeResult, runNatively } from "../support/native.ts";
import { generateProgram } from "./generate.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/random-c/", import.meta.url));
const GUEST_LIMIT = 60_000;
/** Programs for one machine and engine, so that what an engine keeps does not grow for ever. */
const PROGRAMS_PER_MACHINE = 60;

export const LEVELS: Readonly<Record<string, readonly string[]>> = {
  O0: ["-O0"],
  O2: ["-O2"],
  haswell: ["-O3", "-march=haswell"],
};

/** The same programs for riscv64, beside qemu instead of the real processor: not asked for, they are left out. */
export const RISCV64_LEVELS: Readonly<Record<string, readonly string[]>> = {
  "riscv64-O0": ["-O0"],
  "riscv64-O2": ["-O2"],
  "riscv64-bits": ["-O3", "-march=rv64gc_zba_zbb_zbs"],
};
const RISCV64_GCC = "riscv64-linux-gnu-gcc";
const RISCV64_QEMU = "qemu-riscv64-static";

/** What GCC assumes of a Haswell, by the names of /proc/cpuinfo. */
const HASWELL = ["avx2", "bmi1", "bmi2", "fma", "f16c", "movbe", "abm"];

/** Why programs of this level cannot run here: both CPUs must have their instructions. */
export function whyNotLevel(level: string): string | undefined {
  if (RISCV64_LEVELS[level] !== undefined) {
    const missing = [RISCV64_GCC, RISCV64_QEMU].filter((tool) => spawnSync(tool, ["--version"]).status !== 0);
    return missing.length > 0 ? `there is no ${missing.join(", no ")}` : undefined;
  }
  if (level !== "haswell") return undefined;
  const lacks = (cpuinfo: string): string => {
    const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/));
    return HASWELL.filter((flag) => !flags.has(flag)).join(", ");
  };
  const real = lacks(readFileSync("/proc/cpuinfo", "latin1"));
  const ours = lacks(cpuinfoText());
  return real !== "" ? `this CPU lacks ${real}` : ours !== "" ? `tsrcore's CPU lacks ${ours}` : undefined;
}

async function build(directory: string, seed: number, level: string): Promise<string> {
  const source = join(directory, `${seed}.c`);
  const program = join(directory, `${seed}-${level}`);
  writeFileSync(source, generateProgram(seed));
  // Overflow wraps and any type may look at any memory; what vectors are passed in when there is no AVX is no concern.
  const flags = ["-static", "-w", "-fwrapv", "-fno-strict-aliasing", "-Wno-psabi"];
  flags.push(...(LEVELS[level] ?? RISCV64_LEVELS[level] ?? []));
  const compiler = RISCV64_LEVELS[level] === undefined ? "musl-gcc" : RISCV64_GCC;
  await promisify(execFile)(compiler, [
    ...flags,
    "-I",
    HERE,
    "-o",
    program,
    source,
    "-lm",
    ...(compiler === RISCV64_GCC ? ["-latomic"] : []),
  ]);
  return program;
}

/** Why a program's output may not be relied on: it must not depend on where the stack is. */
function whyUnfit(program: string, native: NativeResult, by: string | undefined): string | undefined {
  for (let i = 1; i < 6; i++) {
    const again = runNatively(program, { FILL: "x".repeat(i * 1237) }, undefined, by);
    if (again.stdout !== native.stdout || again.status !== native.status)
      return "two native runs differ: the program is at fault";
  }
  return undefined;
}

export interface Plan {
  readonly seed: number;
  readonly count: number;
  readonly levels: readonly string[];
  readonly cpus: readonly CpuName[];
  /** How soon the translating engine translates: these programs are short. */
  readonly jitThreshold?: number | undefined;
  /** Called after each program, and for each difference as it is found. */
  readonly progress?: (done: number) => void;
  readonly report?: (difference: string) => void;
}

export interface Summary {
  /** Comparisons: programs times levels times engines. */
  readonly compared: number;
  /** A text for each difference. */
  readonly differences: readonly string[];
}

class Engine {
  readonly #cpu: CpuName;
  readonly #jitThreshold: number | undefined;
  #machine: GuestMachine | undefined;
  #runs = 0;

  constructor(cpu: CpuName, jitThreshold: number | undefined) {
    this.#cpu = cpu;
    this.#jitThreshold = jitThreshold;
  }

  /** How it differs from the native run, or undefined. */
  async difference(program: string, native: NativeResult): Promise<string | undefined> {
    if (this.#machine === undefined || this.#runs++ >= PROGRAMS_PER_MACHINE) {
      this.close();
      this.#machine = await GuestMachine.create(this.#cpu, this.#jitThreshold);
      this.#runs = 0;
    }
    try {
      const result = await this.#machine.run(readFileSync(program), GUEST_LIMIT);
      if (result.timedOut) return `no end after ${GUEST_LIMIT / 1000} s`;
      const ended = `exit status ${result.status}, natively ${native.status}; ${result.logged.join("; ")}`;
      const difference = firstDifference(native.stdout, result.stdout);
      if (difference !== undefined) return `${difference}\n    ${ended}`;
      if (result.status !== native.status) return ended;
      return undefined;
    } catch (error) {
      this.close();
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return `error of tsrcore: ${text.split("\n").slice(0, 4).join("\n")}`;
    }
  }

  close(): void {
    this.#machine?.stop();
    this.#machine = undefined;
  }
}

export async function comparePrograms(plan: Plan): Promise<Summary> {
  mkdirSync(CACHE, { recursive: true });
  const directory = mkdtempSync(join(CACHE, "run-"));
  const engines = plan.cpus.map((cpu) => ({ cpu, engine: new Engine(cpu, plan.jitThreshold) }));
  const jobs = Array.from({ length: plan.count }, (_, i) =>
    plan.levels.map((level) => ({ seed: plan.seed + i, level })),
  ).flat();
  const differences: string[] = [];
  let compared = 0;
  const start = (i: number): Promise<string> | undefined => {
    const job = jobs[i];
    const building = job === undefined ? undefined : build(directory, job.seed, job.level);
    // Awaited in its turn; until then a failure is not an unhandled one.
    building?.catch(() => undefined);
    return building;
  };
  // The compiler works on the next one while this one runs.
  let next = start(0);
  for (const [i, { seed, level }] of jobs.entries()) {
    const program = await (next as Promise<string>);
    next = start(i + 1);
    const by = RISCV64_LEVELS[level] === undefined ? undefined : RISCV64_QEMU;
    const native = runNatively(program, {}, undefined, by);
    let differs = false;
    for (const { cpu, engine } of engines) {
      const difference = await engine.difference(program, native);
      compared++;
      if (difference === undefined) continue;
      differs = true;
      const why = whyUnfit(program, native, by) ?? difference;
      const again = `npm run test:random-c -- --seed ${seed} --count 1 --level ${level} --cpu ${cpu}`;
      const text = `seed ${seed}, ${level}, ${cpu}: ${why}\n    ${program}\n    ${again}`;
      differences.push(text);
      plan.report?.(text);
    }
    if (!differs) rmSync(program);
    plan.progress?.(Math.floor((i + 1) / plan.levels.length));
  }
  for (const { engine } of engines) engine.close();
  if (differences.length === 0) rmSync(directory, { recursive: true });
  return { compared, differences };
}
