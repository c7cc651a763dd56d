/**
 * The generated module together with what the engine has to know of it: the forms in the order of their handlers'
 * numbers, and the encoding table's lines by opcode. They travel in a custom section of the module, as JSON, so that a
 * program that starts has nothing to work out; the few dozen lines that a program needs are parsed when they are met.
 */
import { parseLine, type Row } from "../isa/x86_64/table.ts";
import type { Lines } from "./isa.ts";

export interface Image {
  readonly inline: readonly string[];
  readonly outlined: readonly string[];
  /** By what the decoder looks for: x86_64, opcode (map * 256 + last byte). */
  readonly lines: Lines;
  /** Slots in the table of the functions that definitions call, by name. */
  readonly functions: Readonly<Record<string, number>>;
}

export const SECTION = "tsrcore.image";

export function readImage(module: WebAssembly.Module): Image {
  const [section] = WebAssembly.Module.customSections(module, SECTION);
  if (section === undefined) throw new Error("the interpreter's module has no image section");
  return JSON.parse(new TextDecoder().decode(section));
}

/** The rows of x86_64's table. */
export function rowsOf(lines: Lines): (opcode: number) => readonly Row[] {
  return (opcode) => (lines[opcode] ?? []).map(parseLine);
}
