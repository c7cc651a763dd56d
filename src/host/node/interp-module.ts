/** The interpreter's WebAssembly module, which the build leaves beside the bundle (scripts/build-interp.ts). */
import { readFileSync } from "node:fs";

/** undefined in the source tree, where the engine generates it (a fifth of a second). */
export function readInterpModule(): Uint8Array<ArrayBuffer> | undefined {
  // The bundler may have put this code into a folder of its own.
  for (const place of ["./interp-x86_64.wasm", "../interp-x86_64.wasm"])
    try {
      return new Uint8Array(readFileSync(new URL(place, import.meta.url)));
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOENT") throw error;
    }
  return undefined;
}
