/** Engines by name. Those that need something installed say what, if it is missing. */
import type { CpuEngine } from "../cpu/core.ts";
import { createInterpEngine } from "../cpu/interp/engine.ts";
import type { Host } from "../host/interface.ts";
import { readInterpModule } from "../host/node/interp-module.ts";
import { CliError } from "./errors.ts";
import type { CpuName } from "./options.ts";

export async function createEngine(name: CpuName, host: Host): Promise<CpuEngine> {
  const log = (line: string): void => host.log(line);
  switch (name) {
    case "auto":
    case "interp": {
      const module = readInterpModule();
      return createInterpEngine(module === undefined ? { log } : { log, module });
    }
    default:
      throw new CliError(`--cpu ${name}: not available in this build`);
  }
}
