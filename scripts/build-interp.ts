// The interpreter's WebAssembly module, generated from the instruction definitions when tsrcore is built, so that
// starting a guest does not have to (it takes longer than everything else at start-up).

import { buildImage } from "../src/cpu/interp/image.ts";
import { families } from "../src/cpu/isa/x86_64/families.ts";

export function interpreterModule(): Uint8Array<ArrayBuffer> {
  const bytes = buildImage(families);
  if (!WebAssembly.validate(bytes)) {
    throw new Error("the generated interpreter is no valid WebAssembly module");
  }
  return bytes;
}
