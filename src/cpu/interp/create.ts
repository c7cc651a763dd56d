/**
 * Makes the interpreter. The generator of its module is a large part of tsrcore and not needed where the module was
 * built beforehand, so it is loaded only when it is.
 */
import type { CpuEngine } from "../core.ts";
import { InterpEngine, type InterpOptions as Options } from "./engine.ts";

export interface InterpOptions extends Omit<Options, "module"> {
  /** The module, if it was built beforehand, by this very version; generating it takes a fifth of a second. */
  readonly module?: Uint8Array<ArrayBuffer>;
}

export async function createInterpEngine(options: InterpOptions = {}): Promise<CpuEngine> {
  const module = options.module ?? (await import("./generate.ts")).generateModule();
  return new InterpEngine({ ...options, module });
}
