/** Engines by name. Those that need something installed say what, if it is missing. */
import type { CpuEngine } from "../cpu/core.ts";
import { createInterpEngine } from "../cpu/interp/engine.ts";
import type { UnicornEngine } from "../cpu/unicorn/engine.ts";
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
    case "unicorn":
      return unicorn(name);
    case "lockstep": {
      const [{ LockstepEngine }, { comparableFlags }, reference] = await Promise.all([
        import("../cpu/lockstep.ts"),
        import("../cpu/isa/x86_64/undefined-flags.ts"),
        unicorn(name),
      ]);
      return new LockstepEngine(createInterpEngine({ log }), reference, comparableFlags);
    }
  }
}

async function unicorn(name: CpuName): Promise<UnicornEngine> {
  const [{ UnicornEngine }, { loadUnicorn, UnicornMissing }] = await Promise.all([
    import("../cpu/unicorn/engine.ts"),
    import("../host/node/unicorn.ts"),
  ]);
  try {
    return new UnicornEngine(await loadUnicorn());
  } catch (error) {
    if (error instanceof UnicornMissing) throw new CliError(`--cpu ${name}: ${error.message}`);
    throw error;
  }
}
