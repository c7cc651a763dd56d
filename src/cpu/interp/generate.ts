/** Generates the interpreter's module with its image (image.ts): at build time, or where there is no build. */
import { families } from "../isa/x86_64/families.ts";
import { opcodesOf, parseLine, parseTable, tableLines } from "../isa/x86_64/table.ts";
import { withSection } from "../wasm/section.ts";
import { listForms, numberHandlers } from "./handlers.ts";
import { type Image, SECTION } from "./image.ts";
import { buildInterpreter } from "./program.ts";

export function generateModule(): Uint8Array<ArrayBuffer> {
  const { inline, outlined } = listForms(families.flatMap((family) => parseTable(family.table)));
  const lines: Record<string, string[]> = {};
  for (const line of families.flatMap((family) => tableLines(family.table)))
    for (const opcode of opcodesOf(parseLine(line))) {
      lines[opcode] ??= [];
      (lines[opcode] as string[]).push(line);
    }
  const { module, functions } = buildInterpreter(families, numberHandlers(inline, outlined));
  const image: Image = { inline, outlined, lines, functions };
  return withSection(module, SECTION, new TextEncoder().encode(JSON.stringify(image)));
}
