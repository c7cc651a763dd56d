/** Makes the engine that translates what is hot, for programs of all instruction sets. */
import type { CpuEngine } from "./core.ts";
import type { Modules } from "./interp/create.ts";
import { riscvRuntime } from "./interp/riscv64/runtime.ts";
import { createJitEngine, type JitOptions } from "./jit/create.ts";
import { JitEngine } from "./jit/engine.ts";
import { SeveralEngines } from "./several.ts";

export interface TranslatingOptions extends Omit<JitOptions, "module" | "isa"> {
  /** The interpreter's modules, if they were built beforehand, by this very version. */
  readonly modules?: Modules;
}

export async function createTranslatingEngine(options: TranslatingOptions = {}): Promise<CpuEngine> {
  const modules = options.modules ?? (await import("./interp/generate.ts")).generateModule;
  const first = await createJitEngine({ ...options, module: modules("x86_64") });
  const load = (): Promise<typeof import("./jit/translator.ts")> => import("./jit/translator.ts");
  return new SeveralEngines(
    first,
    ["riscv64"],
    (isa) => new JitEngine({ ...options, module: modules(isa), isa: riscvRuntime, load }),
  );
}
