/**
 * Compares an engine with the real CPU over generated instructions:
 *
 *     npm run test:insn -- --cases 200000 --seed 1 --only add,sub
 *     npm run test:insn -- --cpu unicorn
 */

import { createGenerator } from "./generate.ts";
import { COMPLETE, compareMany, describeFailure } from "./harness.ts";
import { withoutLacking } from "./host-features.ts";
import { buildRunner, NativeRunner, whyNoNative } from "./native.ts";
import { QEMU, QEMU_MXCSR_BITS, withoutUnknown } from "./qemu.ts";
import { DEFAULT_MXCSR_BITS, subjects, TABLES } from "./subjects.ts";

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

const why = whyNoNative();
if (why !== undefined) {
  console.error(`instruction comparison: ${why}`);
  process.exit(1);
}
const seed = Number(option("seed", "1"));
const only = option("only", "");
const engine = option("cpu", "interp");
const qemu = engine === "unicorn";
const options = {
  ...(only === "" ? {} : { only: only.split(",") }),
  mxcsrBits: Number(option("mxcsr", String(qemu ? QEMU_MXCSR_BITS : DEFAULT_MXCSR_BITS))),
};
let generator = createGenerator(TABLES, options);
let without = withoutLacking(generator.rows, console.log);
if (without.size > 0) generator = createGenerator(TABLES, { ...options, without });
if (qemu) {
  without = new Set([...without, ...withoutUnknown(generator, console.log)]);
  generator = createGenerator(TABLES, { ...options, without });
}
const plan = {
  seed,
  first: Number(option("first", "0")),
  count: Number(option("cases", "200000")),
  keep: Number(option("keep", "1")),
};
const make = subjects[engine];
if (make === undefined) throw new Error(`no engine "${engine}"; there are ${Object.keys(subjects).join(", ")}`);
const native = new NativeRunner(buildRunner());
const started = performance.now();
const summary = await compareMany(native, await make(), generator, plan, qemu ? QEMU : COMPLETE);
await native.end();
for (const failure of summary.failures) console.log(`${describeFailure(failure, seed)}\n`);
if (summary.failed > 0)
  console.log(
    [...summary.byName]
      .sort((a, b) => b[1] - a[1])
      .map(([name, n]) => `${n} ${name}`)
      .join("\n"),
  );
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`${summary.cases} cases of ${generator.rows.length} encodings, ${summary.failed} differ (${seconds} s)`);
process.exit(summary.failed > 0 ? 1 : 0);
