/** What the generator of the interpreter's module has to know of riscv64. */

import { Trap } from "../../core.ts";
import { families } from "../../isa/riscv64/families.ts";
import type { Definition } from "../../isa/riscv64/sem.ts";
import { formsOf, keysOf, parseForm, parseLine, parseTable, tableLines } from "../../isa/riscv64/table.ts";
import { i32 } from "../../wasm/expr.ts";
import { expandPair, INTERNAL_FORMS } from "../handlers.ts";
import type { Lines, ProgramIsa } from "../isa.ts";
import { RECORD_SIZE, TRAP_LOOKUP, TRAP_STEPPED } from "../layout.ts";
import { HOT, PAIRS } from "./hot.ts";
import { RecordSem } from "./record-sem.ts";

const CONTROL = ["j", "jal", "jr", "jalr", "beq", "bne", "blt", "bge", "bltu", "bgeu", "beqz", "bnez"];

/** Records that are no instructions. */
const internals: Readonly<Record<string, Definition>> = {
  // The code at this address is not decoded (yet, or any more).
  "#lookup": (s) => s.trap(TRAP_LOOKUP as Trap),
  "#gone": (s) => s.trap(TRAP_LOOKUP as Trap),
  // A branch to where no guest memory can be.
  "#far:q": (s) => s.jump(s.f.let(s.imm())),
  // After the instruction of a single step.
  "#stepped": (s) => s.trap(TRAP_STEPPED as Trap),
  "#illegal": (s) => s.trap(Trap.IllegalInstruction),
};

function forms(): { inline: string[]; outlined: string[] } {
  const all = new Set<string>(INTERNAL_FORMS);
  for (const family of families) {
    for (const row of parseTable(family.table)) for (const form of formsOf(row)) all.add(form);
    for (const alias of family.aliases ?? []) all.add(alias);
  }
  const inline = ["#goto:j", "#forward", ...HOT.trim().split(/\s+/), ...CONTROL, ...PAIRS.flatMap(expandPair)];
  for (const form of inline.flatMap((both) => both.split("|")))
    if (!all.has(form)) throw new Error(`hot.ts has an unknown form ${form}`);
  const isInline = new Set(inline);
  return { inline, outlined: [...all].filter((form) => !isInline.has(form)) };
}

function lines(): Lines {
  const byKey: Record<string, string[]> = {};
  for (const line of families.flatMap((family) => tableLines(family.table)))
    for (const key of keysOf(parseLine(line))) {
      byKey[key] ??= [];
      (byKey[key] as string[]).push(line);
    }
  return byKey;
}

export const riscvProgram: ProgramIsa = {
  name: "riscv64",
  imports: families.flatMap((family) => family.imports ?? []),
  canonical: false,
  forms,
  lines,
  define(module, imports, core) {
    const shared = core();
    const definitions: Record<string, Definition> = { ...internals };
    for (const family of families) Object.assign(definitions, family.define(module, imports));
    return (f, pc, form, end) => {
      form.split("|").forEach((part, n) => {
        if (n > 0) f.set(pc, i32.add(pc, i32.const(RECORD_SIZE)));
        const [mnemonic, rounding] = parseForm(part);
        const definition = definitions[mnemonic];
        if (definition === undefined) throw new Error(`no definition of ${mnemonic}`);
        const wideImmediate = part === "li" || part === "#far:q";
        definition(new RecordSem(f, pc, { rounding, wideImmediate }, shared, end));
      });
    };
  },
};
