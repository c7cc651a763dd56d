// What is run under both straces: programs of the golden set (tests/golden/cases), and a few of our own.

import { loadCases, parseCases } from "../golden/parse.ts";
import type { GoldenCase } from "../golden/types.ts";

export interface StraceCase {
  readonly name: string;
  readonly golden: GoldenCase;
  /** strace's, without -o. */
  readonly options: readonly string[];
}

const GOLDEN: readonly string[] = [
  "files/ls-sorted",
  "files/ls-by-size-and-time",
];

export function straceCases(): StraceCase[] {
  const golden = new Map(loadCases().map((c) => [c.id, c]));
  return GOLDEN.map((id) => {
    const found = golden.get(id);
    if (found === undefined) throw new Error(`no golden case is named ${id}`);
    return { name: id.replace("/", "-"), golden: found, options: ["-f"] };
  });
}
void parseCases;
