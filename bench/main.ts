/**
 * `npm run bench`: the speed of programs natively, by qemu-user and in tsrcore's engines, of start-up and of system calls,
 * and memory; then which of the targets do not hold.
 *
 *     npm run bench -- [--quick] [--only program,section...] [--engines name,...] [--unicorn] [--rounds n] [--by wall|cpu]
 *                      [--arch riscv64] [--cap seconds] [--node path] [--bin tsrcore.mjs] [--out results.json] [--docs]
 *
 * Engines: native, qemu, and what `tsrcore run --cpu` takes; `auto` by default. Programs are those of suite/programs.ts, the other
 * sections are called start, cache, calls and memory. Wall times want an idle machine; on a busy one `--by cpu` is steadier. CPU
 * time is of all threads, so that compilation in the background counts. `--docs` puts the tables into docs/performance.md.
 * `--arch riscv64`: the programs built for it (build-riscv64.sh), by qemu-riscv64 and tsrcore, against the same sources built for
 * x86_64 natively. Ends with status 1 if a program fails, not if a target is missed.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { systemCalls } from "./suite/calls.ts";
import { compare, type Row } from "./suite/compare.ts";
import { type Architecture, findEngine, findTsrcore, ownEngines } from "./suite/engines.ts";
import { bench, binaries, repository } from "./suite/measure.ts";
import { type Amount, programs } from "./suite/programs.ts";
import { type Clock, summary } from "./suite/ratios.ts";
import { memory } from "./suite/resident.ts";
import type { Section } from "./suite/section.ts";
import { cached, startUp } from "./suite/start.ts";
import { milliseconds } from "./suite/table.ts";
import { holds, report } from "./suite/targets.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    engines: { type: "string" },
    unicorn: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    by: { type: "string", default: "wall" },
    arch: { type: "string", default: "x86_64" },
    cap: { type: "string", default: "60" },
    node: { type: "string", default: process.execPath },
    bin: { type: "string", default: join(repository, "bin/tsrcore.mjs") },
    out: { type: "string" },
    docs: { type: "boolean", default: false },
  },
});
const clock: Clock = options.by === "cpu" ? "cpu" : "wall";
const amount: Amount = options.quick ? "quick" : "full";
const rounds = Number(options.rounds);
const architecture: Architecture = options.arch === "riscv64" ? "riscv64" : "x86_64";
if (options.arch !== architecture) throw new Error(`--arch ${options.arch}: there are x86_64 and riscv64`);
const only = options.only?.split(",");
const wanted = (name: string): boolean => only === undefined || only.includes(name);

/** Builds what is missing. Without Debian's sources the rest is measured all the same. */
function buildPrograms(): void {
  const run = (script: string): boolean =>
    spawnSync(join(bench, script), { stdio: ["ignore", "ignore", "inherit"] }).status === 0;
  if (!run("build.sh")) throw new Error("bench/build.sh failed");
  if (architecture === "riscv64") {
    if (!run("build-riscv64.sh")) throw new Error("bench/build-riscv64.sh failed");
  } else if (!run("build-debian.sh")) console.log("(bench/build-debian.sh failed: no Lua, SQLite or gzip)");
}

function machine(node: string): Record<string, unknown> {
  const version = (command: string, ...args: string[]): string =>
    spawnSync(command, args, { encoding: "utf8" }).stdout?.split("\n")[0]?.trim() ?? "";
  return {
    cpu: cpus()[0]?.model,
    cpus: cpus().length,
    memory: totalmem(),
    kernel: release(),
    node: version(node, "-p", "process.version"),
    v8: version(node, "-p", "process.versions.v8"),
    qemu: version("qemu-x86_64-static", "--version"),
    gcc: version("gcc", "--version"),
    commit: version("git", "-C", repository, "rev-parse", "HEAD"),
    load: loadavg(),
  };
}

buildPrograms();
const tsrcore = findTsrcore(options.node, options.bin);
const names = options.engines?.split(",") ?? ["native", "qemu", "auto"];
if (options.unicorn) names.push("unicorn");
for (const name of names)
  if (name !== "native" && name !== "qemu" && !ownEngines(tsrcore).includes(name))
    throw new Error(`no engine "${name}"`);
const engines = names.map((name) => findEngine(name, tsrcore, architecture)).filter((engine) => engine !== undefined);
const ours = engines.find(({ own }) => own);
const native = engines.find(({ name }) => name === "native");
const host = machine(options.node);
const day = new Date();
const heading =
  `Node ${host["node"]}, ${host["cpu"]} x ${host["cpus"]}, load before ${loadavg()[0]?.toFixed(1)}, ` +
  `${day.toISOString().slice(0, 10)}${options.quick ? ", little work: rough numbers" : ""}`;
console.log(heading);
for (const { name, idle } of engines)
  console.log(`  ${name}: nothing takes ${milliseconds(idle.wall)}, ${milliseconds(idle.cpu)} of CPU time`);

const failures: string[] = [];
const sections: Section[] = [];
/** What goes wrong in one section leaves the others their results. */
function add(what: string, make: () => Section): void {
  if (!wanted(what)) return;
  try {
    const section = make();
    sections.push(section);
    console.log(`\n### ${section.title}\n\n${section.text}`);
  } catch (error) {
    failures.push(`${what} failed: ${error instanceof Error ? error.message : error}`);
  }
}

const rows: Row[] = [];
for (const program of programs.filter(({ name }) => wanted(name))) {
  if (process.stderr.isTTY) process.stderr.write(`${program.name}...\x1b[K\r`);
  const row = compare(program, engines, { rounds, amount, seconds: Number(options.cap) });
  if (row === undefined) {
    console.log(`(${program.name}: not built)`);
    continue;
  }
  rows.push(row);
  for (const { engine, failure, skipped } of row.cells)
    if (failure !== undefined && !skipped) failures.push(`${program.name}, ${engine}: ${failure}`);
}
if (rows.length > 0) {
  const programsSection = summary(rows, engines, ours, clock);
  const title = architecture === "x86_64" ? programsSection.title : `${architecture}: ${programsSection.title}`;
  const section = { ...programsSection, title };
  sections.push(section);
  console.log(`\n### ${section.title}\n\n${section.text}`);
}
const runs = options.quick ? 3 : 10;
const debian = existsSync(join(binaries, "lua")) && existsSync(join(binaries, "sqlite3"));
if (ours && architecture === "x86_64") {
  add("start", () => startUp(tsrcore, options.node, runs));
  if (debian) add("cache", () => cached(tsrcore, runs));
  add("calls", () => systemCalls(engines, ours, rounds, options.quick ? 200_000 : 2_000_000));
  if (native && debian) add("memory", () => memory(ours, native, options.quick ? [5000] : [45_000, 200_000]));
}

const targets = sections.flatMap((section) => section.targets);
console.log(`\n${report(targets)}`);
for (const failure of failures) console.log(failure);
const out = options.out ?? join(bench, "results", `${day.toISOString().replaceAll(":", "-")}.json`);
mkdirSync(dirname(out), { recursive: true });
const results = {
  when: day.toISOString(),
  machine: { ...host, loadAtEnd: loadavg() },
  clock,
  amount,
  rounds,
  engines: engines.map(({ name, idle }) => ({ name, idle })),
  sections: sections.map(({ title, data }) => ({ title, data })),
  targets: targets.map((target) => ({ ...target, holds: holds(target) })),
  failures,
};
writeFileSync(out, `${JSON.stringify(results, null, 2)}\n`);
console.log(`\nsaved as ${out}`);

if (options.docs) {
  const file = join(repository, "docs/performance.md");
  const page = readFileSync(file, "utf8");
  const tables = sections.map(({ title, text }) => `### ${title}\n\n${text}\n`).join("\n");
  const mark = architecture === "x86_64" ? "" : ` --arch ${architecture}`;
  const marked = new RegExp(`(<!-- npm run bench -- --docs${mark} -->\\n)[\\s\\S]*?(<!-- end -->)`);
  if (!marked.test(page)) throw new Error(`${file}: no place for the tables`);
  writeFileSync(
    file,
    page.replace(marked, (_, begin, end) => `${begin}${heading}.\n\n${tables}${end}`),
  );
}
if (failures.length > 0) process.exitCode = 1;
