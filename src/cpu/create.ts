/** Makes the engine that translates what is hot: of riscv64 programs nothing yet, which are interpreted. */
import type { CpuEngine } from "./core.ts";
import { createRiscvInterp, type Modules } from "./interp/create.ts";
import { createJitEngine, type JitOptions } from "./jit/create.ts";
import { SeveralEngines } from "./several.ts";

export interface TranslatingOptions extends Omit<JitOptions, "module" | "isa"> {
  /** The interpreter's modules, if they were built beforehand, by this very version. */
  readonly modules?: Modules;
}

export async function createTranslatingEngine(options: TranslatingOptions = {}): Promise<CpuEngine> {
  const modules = options.modules ?? (await import("./interp/generate.ts")).generateModule;
  const first = await createJitEngine({ ...options, module: modules("x86_64") });
  return new SeveralEngines(first, ["riscv64"], (isa) => createRiscvInterp(options, modules(isa)));
}
