// The interpreter's WebAssembly module, generated from the instruction definitions when tsrcore is built, so that
// starting a guest does not have to (it takes longer than everything else at start-up).

import { generateModule } from "../src/cpu/interp/generate.ts";

export function interpreterModule(): Uint8Array<ArrayBuffer> {
  const bytes = generateModule();
  if (!WebAssembly.validate(bytes)) {
    throw new Error("the generated interpreter is no valid WebAssembly module");
  }
  return bytes;
}
