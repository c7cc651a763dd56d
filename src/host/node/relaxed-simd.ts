/** Relaxed SIMD, of which the translator uses the fused multiplication and addition (cpu/wasm/fused.ts). */
import { setFlagsFromString } from "node:v8";

/** Node 20 has it behind a flag that later ones do not know, having no need of it. */
export function allowRelaxedSimd(): void {
  if (process.versions.v8.startsWith("11.3.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
}
