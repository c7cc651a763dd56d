/**
 * Runs a command through build/bin/measure (see measure.c), which counts what it used.
 */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const bench: string = fileURLToPath(new URL("..", import.meta.url));
export const repository: string = join(bench, "..");
export const build: string = join(bench, "build");
export const binaries: string = join(build, "bin");

export interface Sample {
  /** Milliseconds: elapsed, and of CPU time of all threads. */
  readonly wall: number;
  readonly user: number;
  readonly system: number;
  /** The largest resident size, in MB (10^6 bytes). */
  readonly resident: number;
  /** Exit status; -1 if a signal ended it. */
  readonly status: number;
  /** It was killed since it took longer than it may. */
  readonly expired: boolean;
  readonly output: Uint8Array;
}

export interface MeasureOptions {
  /** Most seconds that it may take; 0: no limit. */
  readonly seconds?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** What measure.c prints: microseconds, and KiB. */
interface Counts {
  readonly wall: number;
  readonly user: number;
  readonly system: number;
  readonly resident: number;
  readonly status: number;
  readonly expired: boolean;
}

/** Standard output goes to a file: a pipe's reader would compete with the program. Throws if it can't be started. */
export function measure(command: readonly string[], options: MeasureOptions = {}): Sample {
  const file = join(build, `output-${process.pid}`);
  const descriptor = openSync(file, "w+");
  try {
    // Node's types know no more than three descriptors' worth of output.
    const child: SpawnSyncReturns<string> & { output: (string | null)[] } = spawnSync(
      join(binaries, "measure"),
      [String(options.seconds ?? 0), ...command],
      {
        encoding: "utf8",
        stdio: ["ignore", descriptor, "inherit", "pipe"],
        env: { ...process.env, ...options.env },
      },
    );
    const line = child.output?.[3];
    if (child.status !== 0 || !line) throw child.error ?? new Error(`${command.join(" ")}: cannot be measured`);
    const counts = JSON.parse(line) as Counts;
    return {
      wall: counts.wall / 1000,
      user: counts.user / 1000,
      system: counts.system / 1000,
      resident: (counts.resident * 1024) / 1e6,
      status: counts.status,
      expired: counts.expired,
      output: readFileSync(file),
    };
  } finally {
    closeSync(descriptor);
    rmSync(file);
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? Number.NaN;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
