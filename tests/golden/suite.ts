// Running cases, and the file of what is expected of them.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { toOutcome } from "./outcome.ts";
import { fillTree, readTree } from "./tree.ts";
import { type Engine, type GoldenCase, nativeRootOf, type Outcome, type RootName } from "./types.ts";

export interface CaseResult {
  readonly outcome: Outcome;
  readonly timedOut: boolean;
}

/** A case's name -> what is expected. */
export type Expectations = Readonly<Record<string, Outcome>>;

/**
 * Runs one case in a fresh directory under `scratch` (default: the host's temporary files). `expected` is only waited
 * for, on terminals; comparing is the caller's.
 */
export async function runCase(
  engine: Engine,
  goldenCase: GoldenCase,
  root: RootName,
  expected: Outcome | undefined,
  scratch: string = tmpdir(),
): Promise<CaseResult> {
  const work = mkdtempSync(join(scratch, "tsrcore-w-"));
  try {
    fillTree(work, goldenCase.setup);
    const before = readTree(work, goldenCase.mtimes);
    const raw = await engine.run(goldenCase, root, work, expected);
    const after = readTree(work, goldenCase.mtimes);
    return { outcome: toOutcome(goldenCase, raw, before, after), timedOut: raw.timedOut };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export function expectationsFile(root: RootName, topic: string): string {
  return join(import.meta.dirname, "expected", root, `${topic}.json`);
}

/** Recorded on this very root: on one of another architecture what differs from the native one. */
export function loadRecorded(root: RootName, topic: string): Expectations {
  const path = expectationsFile(root, topic);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
}

export function loadExpectations(root: RootName, topic: string): Expectations {
  return { ...loadRecorded(nativeRootOf(root), topic), ...loadRecorded(root, topic) };
}

export function saveExpectations(root: RootName, topic: string, expectations: Expectations): void {
  const path = expectationsFile(root, topic);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(expectations, null, 1)}\n`);
}

/** A function that runs what it is given, at most `limit` at a time, in order of arrival. */
export function limiter(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= limit) {
      // Whoever ends hands its place over, so that nobody can slip in between.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running++;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) {
        next();
      } else {
        running--;
      }
    }
  };
}

/** Calls `work` on every item, at most `jobs` at a time, in order. */
export async function forEachLimited<T>(
  items: readonly T[],
  jobs: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const takeTurn = limiter(jobs);
  await Promise.all(items.map((item) => takeTurn(() => work(item))));
}
