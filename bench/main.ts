// `npm run bench`: start-up, fork and exec, and the speed of the CPU engine, beside the real machine, qemu-user and Unicorn
// where they are installed. Numbers are medians of alternating runs; a machine that does something else meanwhile shows
// in all of them. Lua takes part once bench/build-lua.sh has built it; bench/rate.ts counts instructions.
//   npm run bench -- [--runs n] [--cpu engine] [--bin tsrcore.mjs]

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { arch, cpus, loadavg, platform } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const repository = fileURLToPath(new URL("..", import.meta.url));
const binaries = join(repository, "test-binaries/bin/x86_64");
const busybox = join(binaries, "busybox");
const native = platform() === "linux" && arch() === "x64";

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "20" },
    cpu: { type: "string", default: "auto" },
    bin: { type: "string", default: join(repository, "bin/tsrcore.mjs") },
  },
});
const runs = Number(options.runs);
const tsrcore = [process.execPath, options.bin, "run", "--cpu", options.cpu];
// Without options, as most runs are: the parser of options need not be loaded.
const plain = options.cpu === "auto" ? tsrcore.slice(0, 3) : tsrcore;

/** Milliseconds of wall time; throws when the command fails. */
function time(command: readonly string[]): number {
  const start = performance.now();
  const [file = "", ...args] = command;
  const child = spawnSync(file, args, { stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 26 });
  const elapsed = performance.now() - start;
  if (child.status !== 0) {
    throw new Error(`${command.join(" ")}: status ${child.status}`);
  }
  return elapsed;
}

/** Milliseconds of CPU time, user and system, of all threads: other load on the machine matters less. Needs bash. */
function cpuTime(command: readonly string[]): number {
  const child = spawnSync("bash", ["-c", '"$@" >/dev/null && times', "bash", ...command], { encoding: "utf8" });
  const times = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/
    .exec(child.stdout ?? "")
    ?.slice(1)
    .map(Number);
  if (child.status !== 0 || times === undefined) throw new Error(`${command.join(" ")}: status ${child.status}`);
  const [minutes = 0, seconds = 0, systemMinutes = 0, systemSeconds = 0] = times;
  return ((minutes + systemMinutes) * 60 + seconds + systemSeconds) * 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

function row(what: string, ...columns: readonly string[]): void {
  console.log(what.padEnd(34) + columns.map((column) => column.padStart(18)).join(""));
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;

/** Alternating runs, so that both sides see the same machine. */
function startUp(): void {
  const node: number[] = [];
  const nothing: number[] = [];
  const listing: number[] = [];
  for (let run = 0; run < runs; run++) {
    node.push(time([process.execPath, "-e", "0"]));
    nothing.push(time([...plain, busybox, "true"]));
    listing.push(time([...plain, busybox, "ls", "-l", "/"]));
  }
  const base = median(node);
  row("start-up", "time", "node -e 0 = 1", "at most");
  row("  node -e 0", ms(base), "1.0");
  row("  run ./busybox true", ms(median(nothing)), (median(nothing) / base).toFixed(1), "3.0");
  row("  run ./busybox ls -l /", ms(median(listing)), (median(listing) / base).toFixed(1), "4.0");
}

function forkExec(): void {
  const count = 200;
  const script = (turns: number): string => `i=0; while [ $i -lt ${turns} ]; do /bin/true; i=$((i + 1)); done`;
  const results = Array.from({ length: 3 }, () => {
    const few = time([...plain, "sh", "-c", script(0)]);
    return (time([...plain, "sh", "-c", script(count)]) - few) / count;
  });
  row("shell loop of fork and exec", "each", "", "at most");
  row("  /bin/true", ms(median(results)), "", "5.0 ms");
}

interface Program {
  readonly name: string;
  readonly command: readonly string[];
  /** Options of `tsrcore run` that it needs. */
  readonly options?: readonly string[];
  /** Guest instructions, where known. */
  readonly instructions?: number;
}

const lua = join(repository, "bench/build/lua");
const own = (name: string, ...args: string[]): Program => ({
  name,
  command: [join(binaries, `bench-${name}`), ...args],
});
const programs: readonly Program[] = [
  { ...own("loop", "100000000"), instructions: 1e9 },
  own("fib", "34"),
  own("sieve", "5000000", "3"),
  own("sha256", "16777216"),
  own("matrix", "256"),
  ...(existsSync(lua)
    ? [
        {
          name: "lua",
          command: [lua, join(repository, "bench/mix.lua"), "2"],
          options: ["-v", `${join(repository, "bench")}:${join(repository, "bench")}:ro`],
        },
      ]
    : []),
];

/** What runs a program: the command, and the CPU time that it takes to run nothing. */
interface Runner {
  readonly name: string;
  command(program: Program): readonly string[];
  readonly idle: number;
}

function runners(): Runner[] {
  const found: Runner[] = [];
  const offer = (name: string, command: Runner["command"]): void => {
    const nothing = command({ name: "true", command: [busybox, "true"] });
    try {
      found.push({ name, command, idle: median([1, 2, 3].map(() => cpuTime(nothing))) });
    } catch {
      console.log(`(no ${name} here)`);
    }
  };
  const guest =
    (...more: string[]): Runner["command"] =>
    (program) => [...tsrcore.slice(0, 3), ...more, ...(program.options ?? []), ...program.command];
  if (native) offer("native", (program) => program.command);
  offer("qemu-user", (program) => ["qemu-x86_64-static", ...program.command]);
  offer("tsrcore", guest(...(options.cpu === "auto" ? [] : ["--cpu", options.cpu])));
  if (options.cpu === "auto") offer("unicorn", guest("--cpu", "unicorn"));
  return found;
}

/** CPU times without start-up; the factor is to native. */
function cpu(): void {
  const all = runners();
  row("CPU-bound programs, CPU time", ...all.map((runner) => runner.name), "tsrcore : qemu");
  for (const program of programs) {
    const times = all.map((): number[] => []);
    for (let turn = 0; turn < 3; turn++)
      // Unicorn takes so long that once must do.
      for (const [i, runner] of all.entries())
        if (turn === 0 || runner.name !== "unicorn") times[i]?.push(cpuTime(runner.command(program)) - runner.idle);
    const medians = new Map(all.map((runner, i) => [runner.name, Math.max(median(times[i] ?? []), 0.1)]));
    const base = medians.get("native");
    const columns = [...medians].map(([name, value]) =>
      base === undefined || name === "native" ? ms(value) : `${ms(value)} x${(value / base).toFixed(1)}`,
    );
    const [ours = Number.NaN, qemu] = [medians.get("tsrcore"), medians.get("qemu-user")];
    const speed = program.instructions ? ` ${Math.round(program.instructions / ours / 1000)} million/s` : "";
    row(`  ${program.name}`, ...columns, `${qemu === undefined ? "" : (ours / qemu).toFixed(1)}${speed}`);
  }
}

console.log(
  `node ${process.version}, ${cpus()[0]?.model} x ${cpus().length}, engine ${options.cpu}, load ${loadavg()[0]?.toFixed(1)}`,
);
startUp();
forkExec();
cpu();
