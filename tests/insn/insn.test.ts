/**
 * The interpreter against the real CPU, over every encoding of its tables. A failure prints the command that runs the
 * case by itself; INSN_CASES changes how many there are.
 */
import { expect, it } from "vitest";
import { createGenerator, type GeneratorOptions } from "./generate.ts";
import { COMPLETE, type Comparison, compareMany, describeFailure } from "./harness.ts";
import { withoutLacking } from "./host-features.ts";
import { buildRunner, NativeRunner, whyNoNative } from "./native.ts";
import type { Subject } from "./protocol.ts";
import { QEMU, QEMU_MXCSR_BITS, withoutUnknown } from "./qemu.ts";
import { DEFAULT_MXCSR_BITS, subjects, TABLES } from "./subjects.ts";

const why = whyNoNative();
if (why !== undefined) console.warn(`the instruction comparison is skipped: ${why}`);

const without = why === undefined ? withoutLacking(createGenerator(TABLES).rows, console.warn) : new Set<string>();

const CASES = Number(process.env["INSN_CASES"] ?? 200_000);

async function start(name: string): Promise<Subject> {
  const make = subjects[name];
  if (make === undefined) throw new Error(`no engine ${name}`);
  return make();
}

async function compare(
  subject: Subject,
  seed: number,
  count: number,
  options: GeneratorOptions = { mxcsrBits: DEFAULT_MXCSR_BITS, without },
  comparison: Comparison = COMPLETE,
): Promise<void> {
  const native = new NativeRunner(buildRunner());
  const generator = createGenerator(TABLES, options);
  const summary = await compareMany(native, subject, generator, { seed, first: 0, count, keep: 1 }, comparison);
  await native.end();
  const shown = summary.failures.slice(0, 5).map((f) => describeFailure(f, seed));
  expect(shown.join("\n\n")).toBe("");
  expect(summary).toMatchObject({ cases: count, failed: 0 });
}

it.skipIf(why !== undefined)(
  `${CASES} generated cases do on the interpreter what they do on the real CPU`,
  async () => compare(await start("interp"), 1, CASES),
  240_000,
);

it.skipIf(why !== undefined)(
  `so do ${CASES / 4} on the loop that it begins with`,
  async () => compare(await start("interp-brief"), 4, CASES / 4),
  120_000,
);

it.skipIf(why !== undefined)(
  `so do ${CASES / 10} run one instruction at a time`,
  async () => compare(await start("interp-step"), 2, CASES / 10),
  60_000,
);

it.skipIf(why !== undefined)(
  `so do ${CASES / 20} translated, each by itself`,
  async () => compare(await start("jit"), 6, CASES / 20),
  240_000,
);

const unicorn = await start("unicorn").catch(String);
const whyNoUnicorn = why ?? (typeof unicorn === "string" ? unicorn : undefined);
if (whyNoUnicorn !== undefined) console.warn(`the comparison with Unicorn is skipped: ${whyNoUnicorn}`);

it.skipIf(whyNoUnicorn !== undefined)(
  `Unicorn does in ${CASES} cases what the real CPU does, where QEMU is known to`,
  () => {
    const known = createGenerator(TABLES, { mxcsrBits: QEMU_MXCSR_BITS, without });
    const options = {
      mxcsrBits: QEMU_MXCSR_BITS,
      without: new Set([...without, ...withoutUnknown(known, console.warn)]),
    };
    return compare(unicorn as Subject, 3, CASES, options, QEMU);
  },
  300_000,
);
