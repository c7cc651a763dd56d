// The interpreter's WebAssembly module, generated from the instruction definitions when tsrcore is built, so that
// starting a guest does not have to (it takes longer than everything else at start-up).

import { listHandlers } from "../src/cpu/interp/handlers.ts";
import { buildInterpreter } from "../src/cpu/interp/program.ts";
import { families } from "../src/cpu/isa/x86_64/families.ts";
import { parseTable } from "../src/cpu/isa/x86_64/table.ts";

export function interpreterModule(): Uint8Array<ArrayBuffer> {
  const bytes = buildInterpreter(families, listHandlers(families.flatMap((family) => parseTable(family.table))));
  if (!WebAssembly.validate(bytes)) {
    throw new Error("the generated interpreter is no valid WebAssembly module");
  }
  return bytes;
}
