/**
 * The interpreter against the real CPU, over every encoding of its tables. A failure prints the command that runs the
 * case by itself; INSN_CASES changes how many there are.
 */
import { expect, it } from "vitest";
import { createGenerator } from "./generate.ts";
import { compareMany, describeFailure } from "./harness.ts";
import { buildRunner, NativeRunner, whyNoNative } from "./native.ts";
import { DEFAULT_MXCSR_BITS, subjects, TABLES } from "./subjects.ts";

const why = whyNoNative();
if (why !== undefined) console.warn(`the instruction comparison is skipped: ${why}`);

const CASES = Number(process.env["INSN_CASES"] ?? 200_000);
const SEED = 1;

it.skipIf(why !== undefined)(
  `${CASES} generated cases do on the interpreter what they do on the real CPU`,
  async () => {
    const native = new NativeRunner(buildRunner());
    const generator = createGenerator(TABLES, { mxcsrBits: DEFAULT_MXCSR_BITS });
    const subject = await (subjects["interp"] as NonNullable<(typeof subjects)[string]>)();
    const summary = await compareMany(native, subject, generator, { seed: SEED, first: 0, count: CASES, keep: 1 });
    await native.end();
    const shown = summary.failures.slice(0, 5).map((f) => describeFailure(f, SEED));
    expect(shown.join("\n\n")).toBe("");
    expect(summary).toMatchObject({ cases: CASES, failed: 0 });
  },
  240_000,
);
