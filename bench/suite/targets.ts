/**
 * What is demanded of tsrcore, and whether it holds.
 */
import { type Clock, cellOf, meanRatio, type Row, ratio } from "./compare.ts";
import { factor } from "./table.ts";

export interface Target {
  readonly what: string;
  readonly value: number;
  readonly atMost: number;
  readonly unit: string;
}

export function holds(target: Target): boolean {
  return target.value <= target.atMost;
}

export function report(targets: readonly Target[]): string {
  const missed = targets.filter((target) => !holds(target));
  const lines = missed.map(
    ({ what, value, atMost, unit }) =>
      `  ${what}: ${Number.isFinite(value) ? factor(value) + unit : "no result"}, at most ${factor(atMost)}${unit}`,
  );
  return [`${targets.length - missed.length} of ${targets.length} targets hold`, ...lines].join("\n");
}

/** Geometric mean of all rows, in units of native time. */
const MEAN_NATIVE = 2.5;

/** Of the rows of the table. A program that fails, or takes too long, misses what is demanded of it. */
export function rowTargets(rows: readonly Row[], engine: string, clock: Clock): Target[] {
  const targets: Target[] = [];
  for (const row of rows) {
    const cell = cellOf(row, engine);
    if (cell === undefined || cell.skipped) continue;
    for (const [base, atMost] of [
      ["qemu", row.limits.qemu],
      ["native", row.limits.native],
    ] as const) {
      const other = cellOf(row, base, cell.amount);
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
