/** Engines by name. Those that need something installed say what, if it is missing. */
import { readInterpModules } from "../host/node/interp-module.ts";
import { allowRelaxedSimd } from "../host/node/relaxed-simd.ts";
import {
  type CpuEngine,
  createInterpEngine,
  createTranslatingEngine,
  type Host,
  type TranslatingOptions,
} from "../runtime/parts.ts";
import type { UnicornApi } from "../runtime/second-opinion.ts";
import { CliError } from "./errors.ts";
import type { CpuName } from "./options.ts";

/** @param jit how the translating engine is to be, if it is that one */
export async function createEngine(name: CpuName, host: Host, jit: TranslatingOptions = {}): Promise<CpuEngine> {
  const log = (line: string): void => host.log(line);
  // As /proc/cpuinfo has it, the time stamp counter counts nanoseconds.
  const timestamp = (): bigint => host.clock.monotonic();
  const bytes = new DataView(new ArrayBuffer(8));
  const random = (): bigint => {
    host.random.fill(new Uint8Array(bytes.buffer));
    return bytes.getBigUint64(0, true);
  };
  const interp = (): Promise<CpuEngine> => {
    const modules = readInterpModules();
    return createInterpEngine({ log, timestamp, random, ...(modules === undefined ? {} : { modules }) });
  };
  if (name === "interp") return interp();
  if (name === "auto" || name === "jit") {
    allowRelaxedSimd();
    const modules = readInterpModules();
    return createTranslatingEngine({
      log,
      timestamp,
      random,
      ...(modules === undefined ? {} : { modules }),
      // The module says which version of the translator there is; one that was generated just now does not.
      ...(modules === undefined || host.codeStore === undefined ? {} : { store: host.codeStore }),
      ...jit,
    });
  }
  const [{ createLockstepEngine, createUnicornEngine }, api] = await Promise.all([
    import("../runtime/second-opinion.ts"),
    unicorn(name),
  ]);
  return name === "unicorn" ? createUnicornEngine(api) : createLockstepEngine(await interp(), api);
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
