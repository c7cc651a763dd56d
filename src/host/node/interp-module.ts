/** The interpreter's WebAssembly modules, which the build leaves beside the bundle (scripts/build-interp.ts). */
import { existsSync, readFileSync } from "node:fs";

type Modules = (isa: string) => Uint8Array<ArrayBuffer>;

/** undefined in the source tree, where the engine generates them (a fifth of a second). */
export function readInterpModules(): Modules | undefined {
  // The bundler may have put this code into a folder of its own.
  const place = ["./", "../"].find((folder) => existsSync(new URL(`${folder}interp-x86_64.wasm`, import.meta.url)));
  if (place === undefined) return undefined;
  return (isa) => new Uint8Array(readFileSync(new URL(`${place}interp-${isa}.wasm`, import.meta.url)));
}
