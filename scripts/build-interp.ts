// The interpreter's WebAssembly modules, generated from the instruction definitions when tsrcore is built, so that
// starting a guest does not have to (it takes longer than everything else at start-up).

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { IsaName } from "../src/cpu/core.ts";
import { generateModule } from "../src/cpu/interp/generate.ts";
import { withSection } from "../src/cpu/wasm/section.ts";

export function interpreterModule(isa: IsaName): Uint8Array<ArrayBuffer> {
  // The module stands for the translator as well, where translations are kept from run to run (src/cpu/jit/cache.ts).
  const bytes = withSection(generateModule(isa), "tsrcore.sources", new TextEncoder().encode(sourcesDigest()));
  if (!WebAssembly.validate(bytes)) {
    throw new Error("the generated interpreter is no valid WebAssembly module");
  }
  return bytes;
}

/** Of all that has a say in what is translated and how it runs. */
function sourcesDigest(): string {
  const root = new URL("../src/", import.meta.url).pathname;
  const files = ["cpu", "mm"].flatMap((part) =>
    readdirSync(join(root, part), { recursive: true, encoding: "utf8" }).map((file) => join(part, file)),
  );
  const hash = createHash("sha256");
  for (const file of files.filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts")).sort())
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}
