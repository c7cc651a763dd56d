// What system calls cost, in nanoseconds each as the guest's own clock sees it, beside the real machine and qemu-user where
// they are there (bench/src/syscalls.c says what the rows are). Rounds alternate; the best of them counts.
//   npx tsx bench/syscalls.ts [--cpu engine,...] [--calls n] [--rounds n] [--bin tsrcore.mjs] [row...]
// Needs musl-gcc, and `npm run build` before. Ends with status 1 if a row is above its limit.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { arch, cpus, loadavg, platform } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));
const source = join(here, "src/syscalls.c");
const program = join(here, "build/syscalls");

/** Nanoseconds that a call may take here. */
const LIMITS: Readonly<Record<string, number>> = {
  getppid: 150,
  "read-zero": 400,
  "write-null": 400,
  // A write and a read.
  "pipe-write-read": 800,
};

const { values: options, positionals: rows } = parseArgs({
  allowPositionals: true,
  options: {
    cpu: { type: "string", default: "auto" },
    calls: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
    bin: { type: "string", default: join(here, "../bin/tsrcore.mjs") },
  },
});

interface Runner {
  readonly name: string;
  readonly command: readonly string[];
  readonly limited: boolean;
  readonly best: Map<string, number>;
}

function build(): void {
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return;
  mkdirSync(dirname(program), { recursive: true });
  const flags = ["-O2", "-static", "-Wall", "-s", "-o", program];
  const { status, error } = spawnSync("musl-gcc", [...flags, source], { stdio: "inherit" });
  if (status !== 0) throw error ?? new Error("musl-gcc failed");
}

/** The rows of one run; undefined if the command is not there. */
function measure(command: readonly string[]): [name: string, ns: number][] | undefined {
  const [file = "", ...args] = [...command, program, options.calls, ...rows];
  const child = spawnSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if ((child.error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return undefined;
  if (child.status !== 0) throw new Error(`${file}: status ${child.status}: ${child.stdout}`);
  const lines = child.stdout.trim().split("\n");
  return lines.map((line) => {
    const [name = "", ns = ""] = line.split(" ");
    return [name, Number(ns)];
  });
}

build();
const native = platform() === "linux" && arch() === "x64";
const tsrcore = [process.execPath, options.bin, "run", "--cpu"];
const runners: Runner[] = [
  ...(native ? [{ name: "native", command: [], limited: false, best: new Map() }] : []),
  { name: "qemu-user", command: ["qemu-x86_64-static"], limited: false, best: new Map() },
  ...options.cpu.split(",").map((cpu) => ({
    name: `tsrcore ${cpu}`,
    command: [...tsrcore, cpu],
    limited: true,
    best: new Map(),
  })),
];
for (let round = 0; round < Number(options.rounds); round++)
  for (const { command, best } of runners)
    for (const [name, ns] of measure(command) ?? []) best.set(name, Math.min(ns, best.get(name) ?? ns));

const columns = runners.filter(({ best }) => best.size > 0);
const line = (cells: readonly string[]): void =>
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(24) : cell.padStart(18))).join(""));
console.log(`node ${process.version}, ${cpus()[0]?.model} x ${cpus().length}, load ${loadavg()[0]?.toFixed(1)}`);
line(["nanoseconds each", ...columns.map(({ name }) => name), "at most"]);
let over = false;
for (const name of columns[0]?.best.keys() ?? []) {
  const limit = LIMITS[name];
  const cells = columns.map(({ best, limited }) => {
    const ns = best.get(name) ?? Number.NaN;
    const above = limited && limit !== undefined && !(ns <= limit);
    over ||= above;
    return `${ns.toFixed(ns < 1000 ? 1 : 0)}${above ? " !" : ""}`;
  });
  line([name, ...cells, limit === undefined ? "" : String(limit)]);
}
process.exitCode = over ? 1 : 0;
