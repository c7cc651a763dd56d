/**
 * Makes the interpreter. The generator of its modules is a large part of tsrcore and not needed where the modules were
 * built beforehand, so it is loaded only when it is.
 */
import type { CpuEngine, IsaName } from "../core.ts";
import { SeveralEngines } from "../several.ts";
import { InterpEngine, type InterpOptions as Options } from "./engine.ts";
import { riscvRuntime } from "./riscv64/runtime.ts";

/** The interpreter's module for an instruction set. */
export type Modules = (isa: IsaName) => Uint8Array<ArrayBuffer>;

export interface InterpOptions extends Omit<Options, "module" | "isa"> {
  /** The modules, if they were built beforehand, by this very version; generating one takes a fifth of a second. */
  readonly modules?: Modules;
}

export async function createInterpEngine(options: InterpOptions = {}): Promise<CpuEngine> {
  const modules = options.modules ?? (await import("./generate.ts")).generateModule;
  const first = new InterpEngine({ ...options, module: modules("x86_64") });
  return new SeveralEngines(
    first,
    ["riscv64"],
    (isa) => new InterpEngine({ ...options, module: modules(isa), isa: riscvRuntime }),
  );
}
