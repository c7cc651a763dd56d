/**
 * The generated module together with what the engine has to know of it: the forms in the order of their handlers'
 * numbers, and the encoding table's lines by opcode. They travel in a custom section of the module, as JSON, so that a
 * program that starts has nothing to work out; the few dozen lines that a program needs are parsed when they are met.
 */
import type { Family } from "../isa/x86_64/sem.ts";
import { opcodesOf, parseLine, parseTable, type Row, tableLines } from "../isa/x86_64/table.ts";
import { ByteSink } from "../wasm/sink.ts";
import { listForms, numberHandlers } from "./handlers.ts";
import { buildInterpreter } from "./program.ts";

export interface Image {
  readonly inline: readonly string[];
  readonly outlined: readonly string[];
  /** By opcode (map * 256 + last byte). */
  readonly lines: Readonly<Record<string, readonly string[]>>;
}

const SECTION = "tsrcore.image";

/** Generates the module, image included. */
export function buildImage(families: readonly Family[]): Uint8Array<ArrayBuffer> {
  const { inline, outlined } = listForms(families.flatMap((family) => parseTable(family.table)));
  const lines: Record<string, string[]> = {};
  for (const line of families.flatMap((family) => tableLines(family.table)))
    for (const opcode of opcodesOf(parseLine(line))) {
      lines[opcode] ??= [];
      (lines[opcode] as string[]).push(line);
    }
  const image: Image = { inline, outlined, lines };
  const module = buildInterpreter(families, numberHandlers(inline, outlined));
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

export function readImage(module: WebAssembly.Module): Image {
  const [section] = WebAssembly.Module.customSections(module, SECTION);
  if (section === undefined) throw new Error("the interpreter's module has no image section");
  return JSON.parse(new TextDecoder().decode(section));
}

export function rowsOf(image: Image): (opcode: number) => readonly Row[] {
  return (opcode) => (image.lines[opcode] ?? []).map(parseLine);
}
