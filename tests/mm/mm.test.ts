/**
 * Generated sequences of mmap, munmap, mprotect, mremap, madvise, msync, and accesses to memory and mapped files: the
 * results and the mappings after every call must be those of the real kernel.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { comparable, kernel, nativeAnswers } from "./native.ts";
import { Runner, sequence } from "./ops.ts";

interface Recorded {
  kernel: string;
  untouched: string[][];
  touched: string[][];
}
const recorded = JSON.parse(readFileSync(new URL("./fixtures/answers.json", import.meta.url), "utf8")) as Recorded;

function compare(answers: readonly string[][], firstSeed: number, touched: boolean): void {
  const runner = new Runner();
  answers.forEach((answer, index) => {
    const line = sequence(firstSeed + index, touched);
    const ours = runner.run(line).map((text) => comparable(text, touched));
    const theirs = answer.map((text) => comparable(text, touched));
    expect(ours, `seed ${firstSeed + index}: ${line}`).toEqual(theirs);
  });
}

describe("memory calls against the real kernel", () => {
  it(`answers as recorded on Linux ${recorded.kernel} (record again: npx tsx scripts/record-memory.ts)`, () => {
    compare(recorded.untouched, 1, false);
    compare(recorded.touched, 1, true);
  });

  // mremap and merging differ a little between kernel versions: only the recorded one is asked for more.
  it("answers as this machine's kernel does", (context) => {
    for (const touched of [false, true]) {
      const lines = Array.from({ length: 400 }, (_, index) => sequence(5000 + index, touched));
      const answers = kernel() === recorded.kernel ? nativeAnswers(lines) : null;
      if (answers === null) return context.skip("no C compiler, or another kernel than the recorded one");
      compare(answers, 5000, touched);
    }
  });
});
