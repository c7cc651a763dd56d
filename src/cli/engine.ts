/** Engines by name. Those that need something installed say what, if it is missing. */
import { readInterpModule } from "../host/node/interp-module.ts";
import { type CpuEngine, createInterpEngine, type Host } from "../runtime/parts.ts";
import type { UnicornApi } from "../runtime/second-opinion.ts";
import { CliError } from "./errors.ts";
import type { CpuName } from "./options.ts";

export async function createEngine(name: CpuName, host: Host): Promise<CpuEngine> {
  const log = (line: string): void => host.log(line);
  const interp = (): Promise<CpuEngine> => {
    const module = readInterpModule();
    return createInterpEngine(module === undefined ? { log } : { log, module });
  };
  if (name === "auto" || name === "interp") return interp();
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
