/** Generates the interpreter's module with its image (image.ts): at build time, or where there is no build. */
import type { IsaName } from "../core.ts";
import { withSection } from "../wasm/section.ts";
import { numberHandlers } from "./handlers.ts";
import { type Image, SECTION } from "./image.ts";
import type { ProgramIsa } from "./isa.ts";
import { buildInterpreter } from "./program.ts";
import { riscvProgram } from "./riscv64/program.ts";
import { x86Program } from "./x86_64/program.ts";

const PROGRAMS: Readonly<Record<IsaName, ProgramIsa>> = { x86_64: x86Program, riscv64: riscvProgram };

export function generateModule(name: IsaName = "x86_64"): Uint8Array<ArrayBuffer> {
  const isa = PROGRAMS[name];
  const { inline, outlined } = isa.forms();
  const { module, functions } = buildInterpreter(isa, numberHandlers(inline, outlined));
  const image: Image = { inline, outlined, lines: isa.lines(), functions };
  return withSection(module, SECTION, new TextEncoder().encode(JSON.stringify(image)));
}
