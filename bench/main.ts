// `npm run bench`: start-up, fork and exec, and the speed of the CPU engine, beside the same on the real machine where
// that is possible. Numbers are medians; a machine that does something else meanwhile shows in all of them.
//   npm run bench -- [--runs n] [--cpu engine]

import { spawnSync } from "node:child_process";
import { arch, cpus, platform } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const repository = fileURLToPath(new URL("..", import.meta.url));
const binaries = join(repository, "test-binaries/bin/x86_64");
const busybox = join(binaries, "busybox");
const native = platform() === "linux" && arch() === "x64";

const { values: options } = parseArgs({
  options: { runs: { type: "string", default: "20" }, cpu: { type: "string", default: "auto" } },
});
const runs = Number(options.runs);
const tsrcore = [process.execPath, join(repository, "bin/tsrcore.mjs"), "run", "--cpu", options.cpu];
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
  readonly args: readonly string[];
  /** Guest instructions, where known. */
  readonly instructions?: number;
}

const programs: readonly Program[] = [
  { name: "loop", args: ["100000000"], instructions: 1e9 },
  { name: "fib", args: ["34"] },
  { name: "sieve", args: ["5000000", "3"] },
  { name: "sha256", args: ["16777216"] },
  { name: "matrix", args: ["256"] },
];

function cpu(): void {
  row("CPU-bound programs", "tsrcore", "native", "ratio");
  const nothing = median([1, 2, 3].map(() => time([...plain, busybox, "true"])));
  for (const { name, args, instructions } of programs) {
    const program = join(binaries, `bench-${name}`);
    const guest = median([1, 2, 3].map(() => time([...plain, program, ...args]))) - nothing;
    const host = native ? median([1, 2, 3].map(() => time([program, ...args]))) : Number.NaN;
    const speed = instructions ? `${Math.round(instructions / guest / 1000)} million/s` : "";
    row(`  ${name}`, ms(guest), native ? ms(host) : "", native ? (guest / host).toFixed(1) : "", speed);
  }
}

console.log(`node ${process.version}, ${cpus()[0]?.model} x ${cpus().length}, engine ${options.cpu}`);
startUp();
forkExec();
cpu();
