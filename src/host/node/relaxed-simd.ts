/** Relaxed SIMD, of which the translator uses the fused multiplication and addition (cpu/wasm/fused.ts). */
import type { V8Flags } from "./v8-flags.ts";

/** Node 20 has it behind a flag that later ones do not know, having no need of it. */
export function allowRelaxedSimd(flags: V8Flags): void {
  if (process.versions.v8.startsWith("11.3."))
    flags.set("--experimental-wasm-relaxed-simd", "--no-experimental-wasm-relaxed-simd");
}
