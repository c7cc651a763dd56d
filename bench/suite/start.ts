/**
 * What it takes to start: tsrcore itself, a process in it, and larger programs with and without a cache of translations.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { busybox, cacheIn, hasCache, type Tsrcore } from "./engines.ts";
import { bench, binaries, build, measure, median, type Sample } from "./measure.ts";
import { sql } from "./programs.ts";
import type { Section } from "./section.ts";
import { factor, milliseconds, table } from "./table.ts";
import type { Target } from "./targets.ts";

/** Wall time; throws if the command fails. */
function wall(command: readonly string[], env: Readonly<Record<string, string>> = {}): number {
  const sample: Sample = measure(command, { env, seconds: 120 });
  if (sample.status !== 0) throw new Error(`${command.join(" ")}: status ${sample.status}`);
  return sample.wall;
}

/** Medians of alternating runs. */
function alternate(commands: readonly (() => number)[], runs: number): readonly number[] {
  const times = commands.map((): number[] => []);
  for (let run = 0; run < runs; run++) for (const [i, command] of commands.entries()) times[i]?.push(command());
  return times.map(median);
}

/** Beside Node's own start, and beside the interpreter alone: where nothing is hot, a translator must not cost anything. */
export function startUp(tsrcore: Tsrcore, node: string, runs: number): Section {
  const run = [...tsrcore.command, "run"];
  const listing = [busybox, "ls", "-l", "/"];
  // The last two have to parse options, which takes a while of its own.
  const [base = 0, nothing = 0, list = 0, listAuto = 0, listInterp = 0] = alternate(
    [
      [node, "-e", "0"],
      [...run, busybox, "true"],
      [...run, ...listing],
      [...run, "--cpu", "auto", ...listing],
      [...run, "--cpu", "interp", ...listing],
    ].map((command) => () => wall(command)),
    runs,
  );
  // As few turns as possible, and many: the difference is what they take.
  const turns = 200;
  const loop = (count: number): number =>
    wall([...run, "sh", "-c", `i=0; while [ $i -lt ${count} ]; do /bin/true; i=$((i + 1)); done`]);
  const [few = 0, many = 0] = alternate([() => loop(0), () => loop(turns)], 3);
  const each = (many - few) / turns;
  const rows = [
    ["`node -e 0`", milliseconds(base), factor(1), ""],
    ["`run ./busybox true`", milliseconds(nothing), factor(nothing / base), "3"],
    ["`run ./busybox ls -l /`", milliseconds(list), factor(list / base), "4"],
    ["the same, `--cpu auto`", milliseconds(listAuto), factor(listAuto / base), ""],
    ["the same, `--cpu interp`", milliseconds(listInterp), factor(listInterp / base), ""],
    ["fork, exec and exit of `/bin/true`", milliseconds(each), "", "5 ms"],
  ];
  return {
    title: "Start-up",
    text: table(["", "time", "node -e 0 = 1", "at most"], rows),
    targets: [
      { what: "run ./busybox true : node -e 0", value: nothing / base, atMost: 3, unit: "" },
      { what: "run ./busybox ls -l / : node -e 0", value: list / base, atMost: 4, unit: "" },
      // The same code up to the first hot block, so that noise is all that can differ.
      { what: "run ./busybox ls -l /, auto : interp", value: listAuto / listInterp, atMost: 1.05, unit: "" },
      { what: "fork, exec and exit", value: each, atMost: 5, unit: " ms" },
    ],
    data: { node: base, true: nothing, ls: list, lsAuto: listAuto, lsInterp: listInterp, forkExec: each },
  };
}

/** Short runs of large programs: without the cache, with an empty one, and with what such a run has left in it. */
export function cached(tsrcore: Tsrcore, runs: number): Section {
  const programs = [
    ["lua", "lua", [join(bench, "mix.lua"), "1"]],
    ["sqlite", "sqlite3", sql(1000)],
  ] as const;
  const cache = hasCache(tsrcore);
  const rows: string[][] = [];
  const data: Record<string, Record<string, number>> = {};
  const targets: Target[] = [];
  for (const [name, binary, args] of programs) {
    const native = [join(binaries, binary), ...args];
    const guest = (...options: string[]): readonly string[] => [
      ...[...tsrcore.command, "run", ...options, "-v", `${bench}:${bench}:ro`],
      ...native,
    ];
    if (!cache) {
      const [bare = 0, plain = 0] = alternate([() => wall(native), () => wall(guest())], runs);
      rows.push([name, milliseconds(bare), milliseconds(plain), "no cache here", ""]);
      data[name] = { native: bare, without: plain };
      continue;
    }
    const warm = mkdtempSync(join(build, "cache-"));
    wall(guest(), cacheIn(warm));
    const cold = (): number => {
      const directory = mkdtempSync(join(build, "cache-"));
      const time = wall(guest(), cacheIn(directory));
      rmSync(directory, { recursive: true });
      return time;
    };
    const [bare = 0, without = 0, first = 0, later = 0] = alternate(
      [() => wall(native), () => wall(guest("--no-cache")), cold, () => wall(guest(), cacheIn(warm))],
      runs,
    );
    rmSync(warm, { recursive: true });
    rows.push([name, ...[bare, without, first, later].map(milliseconds)]);
    data[name] = { native: bare, without, cold: first, warm: later };
    targets.push({ what: `start of ${name}, warm cache : none`, value: later / without, atMost: 1, unit: "" });
  }
  return {
    title: "Short runs and the cache",
    text: table(["", "native", "without cache", "empty cache", "warm cache"], rows),
    targets,
    data,
  };
}
