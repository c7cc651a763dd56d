/** Records what the real CPU does with a few cases of every encoding: `npm run fixtures:insn`. */
import { writeFileSync } from "node:fs";
import { casesOf, fingerprint, rowKey } from "./fingerprint.ts";
import { createGenerator } from "./generate.ts";
import { buildRunner, NativeRunner } from "./native.ts";
import { DEFAULT_MXCSR_BITS, TABLES } from "./subjects.ts";

const native = new NativeRunner(buildRunner());
const generator = createGenerator(TABLES, { mxcsrBits: DEFAULT_MXCSR_BITS });
const recorded: Record<string, string> = {};
for (const row of generator.rows) {
  const cases = casesOf(generator, row);
  recorded[rowKey(row)] = fingerprint(cases, await native.run(cases));
}
await native.end();
const sorted = Object.fromEntries(Object.entries(recorded).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(new URL("./fixtures/recorded.json", import.meta.url), `${JSON.stringify(sorted, null, 1)}\n`);
console.log(`${Object.keys(sorted).length} encodings`);
