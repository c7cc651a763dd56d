/**
 * `npm run bench`: the speed of programs natively, by qemu-user and in tsrcore's engines, of start-up and of system calls,
 * and memory; then which of the targets do not hold.
 *
 *     npm run bench -- [--quick] [--only program,section...] [--engines name,...] [--unicorn] [--rounds n] [--by wall|cpu]
 *                      [--cap seconds] [--node path] [--bin tsrcore.mjs] [--out results.json]
 *
 * Engines: native, qemu, and what `tsrcore run --cpu` takes; `auto` by default. Programs are those of suite/programs.ts, the other
 * sections are called start, cache, calls and memory. Wall times want an idle machine; on a busy one `--by cpu` is steadier. CPU
 * time is of all threads, so that compilation in the background counts. Ends with status 1 if a program fails, not if a target is missed.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { systemCalls } from "./suite/calls.ts";
import { type Cell, type Clock, cellOf, compare, meanRatio, type Row, ratio } from "./suite/compare.ts";
import { type Engine, findEngine, findTsrcore, ownEngines } from "./suite/engines.ts";
import { bench, repository } from "./suite/measure.ts";
import { type Amount, type Group, programs } from "./suite/programs.ts";
import { memory } from "./suite/resident.ts";
import { cached, type Section, startUp } from "./suite/start.ts";
import { factor, milliseconds, table } from "./suite/table.ts";
import { holds, report, rowTargets, type Target } from "./suite/targets.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    engines: { type: "string" },
    unicorn: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    by: { type: "string", default: "wall" },
    cap: { type: "string", default: "60" },
    node: { type: "string", default: process.execPath },
    bin: { type: "string", default: join(repository, "bin/tsrcore.mjs") },
    out: { type: "string" },
  },
});
const clock: Clock = options.by === "cpu" ? "cpu" : "wall";
const amount: Amount = options.quick ? "quick" : "full";
const rounds = Number(options.rounds);
const only = options.only?.split(",");
const wanted = (name: string): boolean => only === undefined || only.includes(name);

/** Builds what is missing. Without Debian's sources the rest is measured all the same. */
function buildPrograms(): void {
  const run = (script: string): boolean =>
    spawnSync(join(bench, script), { stdio: ["ignore", "ignore", "inherit"] }).status === 0;
  if (!run("build.sh")) throw new Error("bench/build.sh failed");
  if (!run("build-debian.sh")) console.log("(bench/build-debian.sh failed: no Lua, SQLite or gzip)");
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

function describe(row: Row, { name }: Engine): string {
  const cell = cellOf(row, name);
  if (cell === undefined) return "";
  if (cell.failure !== undefined) return cell.failure.replace(/:.*/, "");
  if (name === "native") return milliseconds(cell[clock]);
  return factor(ratio(row, name, "native", clock)) || milliseconds(cell[clock]);
}

function lines(rows: readonly Row[], engines: readonly Engine[], ours: Engine | undefined): string {
  const header = ["program", ...engines.map(({ name }) => name), ...(ours ? [`${ours.name} : qemu`] : [])];
  const body: string[][] = [];
  const means = (what: string, some: readonly Row[]): string[] => [
    what,
    ...engines.map(({ name }) => (name === "native" ? "" : factor(meanRatio(some, name, "native", clock)))),
    ...(ours ? [factor(meanRatio(some, ours.name, "qemu", clock))] : []),
  ];
  for (const row of rows)
    body.push([
      row.name,
      ...engines.map((engine) => describe(row, engine)),
      ...(ours ? [factor(ratio(row, ours.name, "qemu", clock))] : []),
    ]);
  const groups = new Set<Group>(rows.map(({ group }) => group));
  for (const group of groups) {
    const some = rows.filter((row) => row.group === group);
    if (some.length > 1) body.push(means(`*${group}*`, some));
  }
  body.push(means("**geometric mean**", rows));
  return table(header, body);
}

buildPrograms();
const tsrcore = findTsrcore(options.node, options.bin);
const names = options.engines?.split(",") ?? ["native", "qemu", "auto"];
if (options.unicorn) names.push("unicorn");
for (const name of names)
  if (name !== "native" && name !== "qemu" && !ownEngines(tsrcore).includes(name))
    throw new Error(`no engine "${name}"`);
const engines = names.map((name) => findEngine(name, tsrcore)).filter((engine) => engine !== undefined);
const ours = engines.find(({ own }) => own);
const host = machine(options.node);
console.log(`node ${host["node"]}, ${host["cpu"]} x ${host["cpus"]}, load ${loadavg()[0]?.toFixed(1)}`);
for (const { name, idle } of engines)
  console.log(`  ${name}: nothing takes ${milliseconds(idle.wall)}, ${milliseconds(idle.cpu)} of CPU time`);

const targets: Target[] = [];
const failures: string[] = [];
const rows: Row[] = [];
for (const program of programs) {
  if (!wanted(program.name)) continue;
  if (process.stderr.isTTY) process.stderr.write(`${program.name}...\x1b[K\r`);
  const row = compare(program, engines, { rounds, amount, seconds: Number(options.cap), clock });
  if (row === undefined) console.log(`(${program.name}: not built)`);
  else rows.push(row);
}
const failed = (cell: Cell): boolean => cell.failure?.startsWith("failed") === true;
for (const { name, cells } of rows)
  failures.push(...cells.filter(failed).map(({ engine }) => `${name} failed: ${engine}`));
if (rows.length > 0) {
  console.log(`\n## Programs: ${clock} time without start-up; engines in units of native time\n`);
  console.log(lines(rows, engines, ours));
  if (engines.some(({ slow }) => slow)) console.log("\nSlow engines do a tenth of the work, once.");
  for (const { name, cells } of rows)
    for (const { engine, failure } of cells) if (failure) console.log(`\n${name}, ${engine}: ${failure}`);
  if (ours) targets.push(...rowTargets(rows, ours.name, clock));
}

const sections: Section[] = [];
const native = engines.find(({ name }) => name === "native");
const runs = options.quick ? 3 : 10;
if (ours && wanted("start")) sections.push(startUp(tsrcore, options.node, runs));
if (ours && wanted("cache")) sections.push(cached(tsrcore, runs));
if (ours && wanted("calls")) sections.push(systemCalls(engines, ours, rounds, options.quick ? 200_000 : 2_000_000));
if (ours && native && wanted("memory")) sections.push(memory(ours, native, options.quick ? [5000] : [45_000, 200_000]));
for (const section of sections) {
  console.log(`\n## ${section.title}\n\n${section.text}`);
  targets.push(...section.targets);
}

console.log(`\n${report(targets)}`);
for (const failure of failures) console.log(failure);
const when = new Date().toISOString();
const out = options.out ?? join(bench, "results", `${when.replaceAll(":", "-")}.json`);
mkdirSync(dirname(out), { recursive: true });
const results = {
  when,
  machine: { ...host, loadAtEnd: loadavg() },
  clock,
  amount,
  rounds,
  engines: engines.map(({ name, idle }) => ({ name, idle })),
  rows,
  sections: sections.map(({ title, data }) => ({ title, data })),
  targets: targets.map((target) => ({ ...target, holds: holds(target) })),
};
writeFileSync(out, `${JSON.stringify(results, null, 2)}\n`);
console.log(`\nsaved as ${out}`);
if (failures.length > 0) process.exitCode = 1;
