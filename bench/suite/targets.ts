/** What is demanded of tsrcore, and whether it holds. */
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
