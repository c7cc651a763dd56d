/** Makes the translating engine. What translates is loaded when something is hot. */
import { JitEngine, type JitOptions as Options } from "./engine.ts";

export interface JitOptions extends Omit<Options, "module" | "load"> {
  /** The interpreter's module, if it was built beforehand, by this very version. */
  readonly module?: Uint8Array<ArrayBuffer>;
}

export async function createJitEngine(options: JitOptions = {}): Promise<JitEngine> {
  const module = options.module ?? (await import("../interp/generate.ts")).generateModule(options.isa?.name);
  const engine = new JitEngine({ ...options, module, load: () => import("./translator.ts") });
  // Who wants everything translated wants the first instruction translated.
  if (engine.threshold === 1) await engine.loadTranslator();
  return engine;
}
