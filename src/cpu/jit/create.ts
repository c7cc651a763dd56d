/** Makes the translating engine, with what only it needs. */
import type { CpuEngine } from "../core.ts";
import { JitEngine, type JitOptions as Options } from "./engine.ts";

export interface JitOptions extends Omit<Options, "module"> {
  /** The interpreter's module, if it was built beforehand, by this very version. */
  readonly module?: Uint8Array<ArrayBuffer>;
}

export async function createJitEngine(options: JitOptions = {}): Promise<CpuEngine> {
  const module = options.module ?? (await import("../interp/generate.ts")).generateModule();
  return new JitEngine({ ...options, module });
}
