/** Engines by name. Those that need something installed say what, if it is missing. */
import { readInterpModules } from "../host/node/interp-module.ts";
import type { KeptCode } from "../host/node/kept-code.ts";
import { keptModules } from "../host/node/kept-modules.ts";
import { allowRelaxedSimd } from "../host/node/relaxed-simd.ts";
import { V8Flags } from "../host/node/v8-flags.ts";
import {
  type CpuEngine,
  createInterpEngine,
  createTranslatingEngine,
  type Host,
  type TranslatingOptions,
} from "../runtime/parts.ts";
import type { UnicornApi } from "../runtime/second-opinion.ts";
import { CliError } from "./errors.ts";
import { type CpuName, DEFAULT_PAIR, type Pair } from "./options.ts";

/** What an engine asks the host for. */
type Sources = Readonly<Record<"timestamp" | "random", () => bigint>>;

export interface EngineOptions {
  /** How the translating engine is to be, if there is one. */
  readonly jit?: TranslatingOptions;
  /** Of lockstep. */
  readonly pair?: Pair;
  readonly flags?: V8Flags;
  /** Code of V8's that earlier runs have left. */
  readonly kept?: KeptCode | undefined;
}

export async function createEngine(
  cpu: CpuName,
  host: Host,
  { jit = {}, pair = DEFAULT_PAIR, flags = new V8Flags(), kept }: EngineOptions = {},
): Promise<CpuEngine> {
  const log = (line: string): void => host.log(line);
  const bytes = new DataView(new ArrayBuffer(8));
  const sources: Sources = {
    // As /proc/cpuinfo has it, the time stamp counter counts nanoseconds.
    timestamp: () => host.clock.monotonic(),
    random: () => {
      host.random.fill(new Uint8Array(bytes.buffer));
      return bytes.getBigUint64(0, true);
    },
  };
  const modules = readInterpModules();
  const compile = modules === undefined || kept === undefined ? undefined : keptModules(kept);
  const prebuilt = { ...(modules === undefined ? {} : { modules }), ...(compile === undefined ? {} : { compile }) };
  // The module says which version of the engine there is; one that was generated just now does not.
  const store = modules === undefined || host.codeStore === undefined ? {} : { store: host.codeStore };
  const interp = (from: Sources): Promise<CpuEngine> => createInterpEngine({ log, ...from, ...prebuilt, ...store });
  const translating = (from: Sources): Promise<CpuEngine> => {
    allowRelaxedSimd(flags);
    return createTranslatingEngine({ log, ...from, ...prebuilt, ...store, ...jit });
  };
  if (cpu === "interp") return interp(sources);
  if (cpu === "auto" || cpu === "jit") return translating(sources);
  const { createLockstepEngine, createSlicedLockstepEngine, createUnicornEngine } = await import(
    "../runtime/second-opinion.ts"
  );
  if (cpu === "unicorn") return createUnicornEngine(await unicorn(cpu));
  const { subject, reference } = pair;
  const checked = async (from: Sources): Promise<CpuEngine> =>
    reference === "unicorn" ? createLockstepEngine(await interp(from), await unicorn(cpu)) : interp(from);
  if (subject === "interp") return checked(sources);
  return createSlicedLockstepEngine(translating, checked, sources);
}

async function unicorn(name: CpuName): Promise<UnicornApi> {
  const { loadUnicorn, UnicornMissing } = await import("../host/node/unicorn.ts");
  try {
    return await loadUnicorn();
  } catch (error) {
    if (error instanceof UnicornMissing) throw new CliError(`--cpu ${name}: ${error.message}`);
    throw error;
  }
}
