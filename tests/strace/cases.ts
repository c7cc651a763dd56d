// What is run under both straces: programs of the golden set (tests/golden/cases), and one of our own that makes calls
// one by one.

import { chmodSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { loadCases, parseCases } from "../golden/parse.ts";
import { fillTree } from "../golden/tree.ts";
import type { GoldenCase } from "../golden/types.ts";

export interface StraceCase {
  readonly name: string;
  readonly golden: GoldenCase;
  /** strace's, without -o. */
  readonly options: readonly string[];
  /** The case needs our program, as /w/calls. */
  readonly calls: boolean;
}

const GOLDEN: readonly string[] = [
  "files/ls-sorted",
  "files/ls-by-size-and-time",
];

const CALLS: readonly string[] = ["files", "memory", "signals", "times", "processes", "system"];

export function straceCases(): StraceCase[] {
  const golden = new Map(loadCases().map((c) => [c.id, c]));
  const cases = GOLDEN.map((id) => {
    const found = golden.get(id);
    if (found === undefined) throw new Error(`no golden case is named ${id}`);
    return { name: id.replace("/", "-"), golden: found, options: ["-f"], calls: false };
  });
  const own = CALLS.map((part) => callsCase(part, ["-f"]));
  return [...cases, ...own];
}

function callsCase(part: string, options: readonly string[]): StraceCase {
  const name = `calls-${part}`;
  const [golden] = parseCases("strace", `== ${name}\n@argv ["sh", "-c", "cd /tmp && exec /w/calls ${part}"]\n`);
  if (golden === undefined) throw new Error("no case");
  return { name, golden, options, calls: true };
}

/** Fills /w. */
export function fillCase(straceCase: StraceCase, work: string): void {
  fillTree(work, straceCase.golden.setup);
  if (!straceCase.calls) return;
  copyFileSync(join(import.meta.dirname, "fixtures/calls"), join(work, "calls"));
  chmodSync(join(work, "calls"), 0o755);
}
