/** The engines that can be compared with the real CPU, by the name that the command line uses. */
import type { CpuEngine } from "../../src/cpu/core.ts";
import { createInterpEngine } from "../../src/cpu/interp/create.ts";
import { InterpEngine } from "../../src/cpu/interp/engine.ts";
import { generateModule } from "../../src/cpu/interp/generate.ts";
import { families } from "../../src/cpu/isa/x86_64/families.ts";
import { createJitEngine } from "../../src/cpu/jit/create.ts";
import { UnicornEngine } from "../../src/cpu/unicorn/engine.ts";
import { loadUnicorn } from "../../src/host/node/unicorn.ts";
import { CoreSubject } from "./core-subject.ts";
import type { Subject } from "./protocol.ts";

/** The encoding tables that cases are made from: those of everything that is implemented. */
export const TABLES: readonly string[] = families.map((family) => family.table);

/** MXCSR bits that generated cases set at random: all. */
export const DEFAULT_MXCSR_BITS = 0xffff;

/**
 * The interpreter begins with a small main loop and changes to the one with inline and fused handlers after so many taken
 * branches; this is it as if they had been.
 */
function warmInterpreter(): CpuEngine {
  const engine = new InterpEngine({ module: generateModule() });
  engine.branches = 2 ** 40;
  return engine;
}

export const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  interp: async () => new CoreSubject(warmInterpreter()),
  "interp-brief": async () => new CoreSubject(await createInterpEngine()),
  "interp-step": async () => new CoreSubject(await createInterpEngine(), true),
  jit: async () => new CoreSubject(await createJitEngine({ threshold: 1 })),
  unicorn: async () => new CoreSubject(new UnicornEngine(await loadUnicorn())),
};
