// Programs that are hard on an engine: they do in tsrcore what they do on the real processor. One of them by itself, by any
// engine: npm run test:hostile -- --cpu interp --only fault

import { describe, expect, test } from "vitest";
import type { CpuName } from "../../src/cli/options.ts";
import { whyNoNativePrograms } from "../support/native.ts";
import { differenceOf, PROGRAMS } from "./compare.ts";

const CPUS: readonly CpuName[] = ["interp", "jit"];

const why = whyNoNativePrograms();
if (why !== undefined) console.warn(`hostile programs are skipped: ${why}`);

describe.skipIf(why !== undefined).each(CPUS)("%s", (cpu) => {
  test.each(PROGRAMS)("%s", { timeout: 120_000 }, async (name) => {
    expect(await differenceOf(name, cpu)).toBeUndefined();
  });
});
