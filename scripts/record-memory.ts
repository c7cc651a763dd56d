/** Records tests/mm/fixtures/answers.json with the kernel of this machine: npx tsx scripts/record-memory.ts */
import { writeFileSync } from "node:fs";
import { kernel, nativeAnswers } from "../tests/mm/native.ts";
import { sequence } from "../tests/mm/ops.ts";

const RECORDED = 120;
const sets: Record<string, string[][]> = {};
for (const touch of [false, true]) {
  const lines = Array.from({ length: RECORDED }, (_, seed) => sequence(seed + 1, touch));
  const answers = nativeAnswers(lines);
  if (answers === null) throw new Error("needs Linux and a C compiler (cc)");
  sets[touch ? "touched" : "untouched"] = answers;
}
const text = JSON.stringify({ kernel: kernel(), ...sets }, null, 1).replace(/\n {3,}/g, "");
writeFileSync(new URL("../tests/mm/fixtures/answers.json", import.meta.url), `${text}\n`);
