/** Generates the interpreter's module with its image (image.ts): at build time, or where there is no build. */
import { families } from "../isa/x86_64/families.ts";
import { opcodesOf, parseLine, parseTable, tableLines } from "../isa/x86_64/table.ts";
import { ByteSink } from "../wasm/sink.ts";
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
  const content = new ByteSink();
  content.name(SECTION);
  content.bytes(new TextEncoder().encode(JSON.stringify(image)));
  const out = new ByteSink();
  out.bytes(module);
  out.byte(0);
  out.u32(content.length);
  out.bytes(content.view());
  return out.view().slice();
}
