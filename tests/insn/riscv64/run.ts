/**
 * Compares the interpreter with qemu-riscv64 over generated instructions:
 *
 *     npm run test:insn:riscv64 -- --cases 100000 --seed 1 --only add,sub --mode step --quick
 */

import { describe, differences } from "./compare.ts";
import { COMPRESSED, Generator } from "./generate.ts";
import type { Outcome } from "./protocol.ts";
import { buildRunner, runInQemu } from "./qemu.ts";
import { type Mode, Subject } from "./subject.ts";

const BATCH = 10_000;

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

const seed = Number(option("seed", "1"));
const first = Number(option("first", "0"));
const count = Number(option("cases", "100000"));
const only = option("only", "");
const quick = process.argv.includes("--quick");
const mode = option("mode", "interp") as Mode;
const generator = new Generator({
  quick,
  withoutReservations: mode === "step",
  ...(only === "" ? {} : { only: only.split(",") }),
});
const subject = await Subject.create(mode);
const runner = buildRunner();
const failed = new Map<string, number>();
for (let at = first; at < first + count; at += BATCH) {
  const numbers = Array.from({ length: Math.min(BATCH, first + count - at) }, (_, i) => at + i);
  const cases = numbers.map((n) => generator.make(seed, n));
  const expected = runInQemu(runner, cases);
  const actual = subject.run(cases);
  cases.forEach((c, i) => {
    const found = differences(c, expected[i] as Outcome, actual[i] as Outcome);
    if (found.length === 0) return;
    const name = c.name.split("; ").at(-1) as string;
    const seen = failed.get(name) ?? 0;
    failed.set(name, seen + 1);
    if (seen < Number(option("keep", "1")))
      console.log([`case ${numbers[i]}: ${found.join("; ")}`, ...describe(c)].join("\n    "));
  });
}
const total = [...failed.values()].reduce((a, b) => a + b, 0);
for (const [name, n] of [...failed].sort((a, b) => b[1] - a[1])) console.log(`${n} ${name}`);
const kinds = generator.mnemonics.length - (generator.mnemonics.includes(COMPRESSED) ? 1 : 0);
console.log(`${count} cases of ${kinds} instructions and their short forms, ${total} differ`);
process.exit(total > 0 ? 1 : 0);
