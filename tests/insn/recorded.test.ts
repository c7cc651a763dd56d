/** The interpreter against what was recorded of the real CPU: see fingerprint.ts. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createInterpEngine } from "../../src/cpu/interp/create.ts";
import { CoreSubject } from "./core-subject.ts";
import { casesOf, fingerprint, rowKey } from "./fingerprint.ts";
import { createGenerator } from "./generate.ts";
import { DEFAULT_MXCSR_BITS, TABLES } from "./subjects.ts";

const file = new URL("./fixtures/recorded.json", import.meta.url);
const recorded = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;

it("does with every encoding what the real CPU did (npm run fixtures:insn records it)", async () => {
  const subject = new CoreSubject(await createInterpEngine());
  const generator = createGenerator(TABLES, { mxcsrBits: DEFAULT_MXCSR_BITS });
  const actual: Record<string, string> = {};
  for (const row of generator.rows) {
    const cases = casesOf(generator, row);
    actual[rowKey(row)] = fingerprint(
      cases,
      cases.map((c) => subject.run(c)),
    );
  }
  expect(actual).toEqual(recorded);
});
