/** What the generator of the interpreter's module has to know of x86_64. */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { TEMP_SLOT } from "../../isa/x86_64/context.ts";
import { families } from "../../isa/x86_64/families.ts";
import { defineFlags } from "../../isa/x86_64/flags.ts";
import { CONDITIONS, type Definition, type Sem } from "../../isa/x86_64/sem.ts";
import { formsOf, opcodesOf, parseForm, parseLine, parseTable, tableLines } from "../../isa/x86_64/table.ts";
import { type I64, i32, i64 } from "../../wasm/expr.ts";
import { expandPair, INTERNAL_FORMS, indexed } from "../handlers.ts";
import type { Lines, ProgramIsa } from "../isa.ts";
import { R_IMM, RECORD_SIZE, TRAP_LOOKUP, TRAP_STEPPED } from "../layout.ts";
import { FUSED, HOT, PAIRS } from "./hot.ts";
import { RecordSem } from "./record-sem.ts";

const CONTROL = /^(j[a-z]+|call|ret|retn|loop|loope|loopne)(:|$)/;

/** Instructions whose definition sets the flags unconditionally and lazily, so that the next one may use the values. */
const SETS_ALL_FLAGS = /^(add|sub|cmp|and|or|xor|test|neg|inc|dec):/;

/** Records that are no instructions. */
const internals: Readonly<Record<string, Definition>> = {
  // The code at this address is not decoded (yet, or any more).
  "#lookup": (s) => s.trap(TRAP_LOOKUP as Trap),
  // After the instruction of a single step.
  "#gone": (s) => s.trap(TRAP_LOOKUP as Trap),
  // The parts of an address that a record cannot hold go to TEMP_SLOT: a segment base, the truncation to 32 bits.
  "#address": (s) => storeTemp(s, s.address(0)),
  "#address32": (s) => storeTemp(s, i64.and(s.address(0), i64.const(0xffff_ffffn))),
  // A branch to where no guest memory can be.
  "#far": (s) => s.jump(s.read(0) as I64),
  "#stepped": (s) => s.trap(TRAP_STEPPED as Trap),
  "#illegal": (s) => s.trap(Trap.IllegalInstruction),
};

function storeTemp(s: Sem, address: I64): void {
  const segment = i64.load(s.number(1), CONTEXT_OFFSET);
  s.f.exec(i64.store(i32.const(0), i64.add(address, segment), CONTEXT_OFFSET + TEMP_SLOT));
}

/** The forms of the tables' rows, in the order of their handlers' numbers. */
function forms(): { inline: string[]; outlined: string[] } {
  const all = new Set<string>([...INTERNAL_FORMS, "#address:m0,s", "#address32:m0,s"]);
  for (const family of families)
    for (const row of parseTable(family.table)) for (const form of formsOf(row)) all.add(form);
  const exists = (form: string): boolean => all.has(indexed(form));
  const hot = HOT.trim().split(/\s+/).filter(exists);
  const control = [...all].filter((form) => CONTROL.test(form));
  const fused = FUSED.flatMap(([firsts, conditions]) =>
    firsts
      .split(" ")
      .filter(exists)
      .flatMap((first) => conditions.split(" ").map((condition) => `${first}+${condition}`)),
  );
  const pairs = PAIRS.flatMap(expandPair).filter((pair) =>
    pair.split("|").every((half) => exists(half.split("+")[0] as string)),
  );
  const inline = [...new Set(["#goto:j", "#forward", ...hot, ...control, ...fused, ...pairs])];
  const isInline = new Set(inline);
  return { inline, outlined: [...all].filter((form) => !isInline.has(form)) };
}

/** By opcode. */
function lines(): Lines {
  const byOpcode: Record<string, string[]> = {};
  for (const line of families.flatMap((family) => tableLines(family.table)))
    for (const opcode of opcodesOf(parseLine(line))) {
      byOpcode[opcode] ??= [];
      (byOpcode[opcode] as string[]).push(line);
    }
  return byOpcode;
}

export const x86Program: ProgramIsa = {
  name: "x86_64",
  imports: families.flatMap((family) => family.imports ?? []),
  canonical: true,
  forms,
  lines,
  define(module, imports, core) {
    const flags = defineFlags(module);
    const shared = { flags, ...core() };
    const definitions: Record<string, Definition> = { ...internals };
    for (const family of families) Object.assign(definitions, family.define(module, imports));

    return (f, pc, form, end) => {
      let before: RecordSem | undefined;
      form.split("|").forEach((part, n) => {
        if (n > 0) f.set(pc, i32.add(pc, i32.const(RECORD_SIZE)));
        const [first, condition] = part.split("+") as [string, string | undefined];
        const { mnemonic, operands } = parseForm(first);
        const definition = definitions[mnemonic];
        if (definition === undefined) throw new Error(`no definition of ${mnemonic}`);
        const sem = new RecordSem(f, pc, operands, shared, end);
        if (before !== undefined) sem.flags.follow(before.flags);
        definition(sem);
        before = SETS_ALL_FLAGS.test(first) ? sem : undefined;
        if (condition === undefined) return;
        // The branch of a fused pair has its own record after this one.
        const taken = f.let(sem.flags.fusedCondition(CONDITIONS.indexOf(condition as never)));
        f.set(pc, i32.add(pc, i32.const(RECORD_SIZE)));
        f.if(taken, () => end.to(i32.load(pc, R_IMM)));
      });
    };
  },
};
