/** Records what qemu-riscv64 does with a few cases of every instruction: `npm run fixtures:insn:riscv64`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { casesOf, fingerprint } from "./fingerprint.ts";
import { Generator } from "./generate.ts";
import { buildRunner, runInQemu } from "./qemu.ts";

const runner = buildRunner();
const generator = new Generator();
const mnemonics = [...new Set(generator.mnemonics)].sort();
const cases = mnemonics.map((mnemonic) => casesOf(generator, mnemonic));
const outcomes = runInQemu(runner, cases.flat());
const recorded: Record<string, string> = {};
let at = 0;
mnemonics.forEach((mnemonic, i) => {
  const count = (cases[i] as readonly unknown[]).length;
  recorded[mnemonic] = fingerprint(outcomes.slice(at, at + count));
  at += count;
});
mkdirSync(new URL("./fixtures/", import.meta.url), { recursive: true });
writeFileSync(new URL("./fixtures/recorded.json", import.meta.url), `${JSON.stringify(recorded, null, 1)}\n`);
console.log(`${mnemonics.length} instructions`);
