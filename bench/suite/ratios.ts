/** Ratios of the rows, the table of them, and the targets that are about them. */
import type { Cell, Row } from "./compare.ts";
import type { Engine } from "./engines.ts";
import { geometricMean } from "./measure.ts";
import type { Amount, Group } from "./programs.ts";
import type { Section } from "./section.ts";
import { factor, milliseconds, table } from "./table.ts";
import type { Target } from "./targets.ts";

/** Whether times are elapsed times or CPU times. */
export type Clock = "wall" | "cpu";

/** Geometric mean of all rows, in units of native time: at most. */
const MEAN_NATIVE = 2.5;

function cellOf(row: Row, engine: string, amount?: Amount): Cell | undefined {
  return row.cells.find((cell) => cell.engine === engine && (amount === undefined || cell.amount === amount));
}

/** Time of one engine in units of another's, for the same work; undefined if either has none. */
function ratio(row: Row, engine: string, base: string, clock: Clock): number | undefined {
  const cell = cellOf(row, engine);
  const other = cell && cellOf(row, base, cell.amount);
  if (!cell || !other || cell.failure !== undefined || other.failure !== undefined) return undefined;
  return cell[clock] / other[clock];
}

/** Of the rows which have it; cold code is left out, for natively it takes no time at all. */
function meanRatio(rows: readonly Row[], engine: string, base: string, clock: Clock): number | undefined {
  const ratios = rows
    .filter(({ group }) => base !== "native" || group !== "cold code")
    .map((row) => ratio(row, engine, base, clock));
  const known = ratios.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : geometricMean(known);
}

function describe(row: Row, { name }: Engine, clock: Clock): string {
  const cell = cellOf(row, name);
  if (cell === undefined) return "";
  if (cell.failure !== undefined) return cell.failure.replace(/:.*/, "");
  if (name === "native") return milliseconds(cell[clock]);
  return factor(ratio(row, name, "native", clock)) || milliseconds(cell[clock]);
}

/** A program that fails, or takes too long, misses what is demanded of it. */
function rowTargets(rows: readonly Row[], engine: string, clock: Clock): Target[] {
  const targets: Target[] = [];
  for (const row of rows) {
    const cell = cellOf(row, engine);
    if (cell === undefined || cell.skipped) continue;
    for (const base of ["qemu", "native"] as const) {
      const other = cellOf(row, base, cell.amount);
      const atMost = row.limits[base];
      if (other === undefined || other.failure !== undefined || !Number.isFinite(atMost)) continue;
      const value = ratio(row, engine, base, clock) ?? Number.POSITIVE_INFINITY;
      targets.push({ what: `${row.name}, ${engine} : ${base}`, value, atMost, unit: "" });
    }
  }
  const mean = meanRatio(rows, engine, "native", clock);
  if (mean !== undefined)
    targets.push({ what: `geometric mean, ${engine} : native`, value: mean, atMost: MEAN_NATIVE, unit: "" });
  return targets;
}

/** `ours` is the engine that the targets are for. */
export function summary(
  rows: readonly Row[],
  engines: readonly Engine[],
  ours: Engine | undefined,
  clock: Clock,
): Section {
  const means = (what: string, some: readonly Row[]): string[] => [
    what,
    ...engines.map(({ name }) => (name === "native" ? "" : factor(meanRatio(some, name, "native", clock)))),
    ...(ours ? [factor(meanRatio(some, ours.name, "qemu", clock))] : []),
  ];
  const lines = rows.map((row) => [
    row.name,
    ...engines.map((engine) => describe(row, engine, clock)),
    ...(ours ? [factor(ratio(row, ours.name, "qemu", clock))] : []),
  ]);
  for (const group of new Set<Group>(rows.map((row) => row.group))) {
    const some = rows.filter((row) => row.group === group);
    if (some.length > 1) lines.push(means(`*${group}*`, some));
  }
  lines.push(means("**geometric mean**", rows));
  const notes: string[] = [];
  for (const { name, cells } of rows)
    for (const reason of new Set(cells.map(({ failure }) => failure)))
      if (reason !== undefined) {
        const who = cells.filter(({ failure }) => failure === reason).map(({ engine }) => engine);
        notes.push(`${name}, ${who.join(", ")}: ${reason}`);
      }
  if (engines.some(({ slow }) => slow)) notes.push("Slow engines do a tenth of the work, once.");
  const header = ["program", ...engines.map(({ name }) => name), ...(ours ? [`${ours.name} : qemu`] : [])];
  return {
    title: `Programs, ${clock === "cpu" ? "CPU" : "wall"} time without start-up; engines in units of native time`,
    text: [table(header, lines), ...notes].join("\n\n"),
    targets: ours ? rowTargets(rows, ours.name, clock) : [],
    data: rows,
  };
}
