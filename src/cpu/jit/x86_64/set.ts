/** x86_64 for the translator: decoded instructions, and which of them there are definitions for. */

import { SSE_CAREFUL } from "../../isa/x86_64/context.ts";
import { Decoded, Decoder } from "../../isa/x86_64/decoder.ts";
import { families } from "../../isa/x86_64/families.ts";
import { type Definition, type Operand, Reg } from "../../isa/x86_64/sem.ts";
import { parseForm } from "../../isa/x86_64/table.ts";
import type { FunctionBuilder, FunctionRef } from "../../wasm/module.ts";
import type { Scalar } from "../chains.ts";
import { type Instruction, type InstructionSet, type LinkedGlobal, LinkingModule } from "../instruction.ts";
import { type Flow, isNear } from "../region.ts";
import type { RegionSem, Surroundings } from "../region-sem.ts";
import type { State } from "../state.ts";
import { X86RegionSem } from "./region-sem.ts";
import { LOW, X86State } from "./state.ts";

export interface X86Instruction extends Instruction {
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
  readonly definition: Definition;
  /** Context offset (general registers) or number of each register operand. */
  readonly registers: readonly number[];
  /** Of the memory operand: context offsets of base and index, as the decoder has them. */
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly disp: number;
  readonly segment: number;
  readonly address32: boolean;
  readonly imm: number;
  readonly immHigh: number;
}

/** The functions that work out flags from the context, by name in the interpreter's module. */
export interface LinkedFlags {
  /** By condition code >> 1. */
  readonly conditions: readonly FunctionRef[];
  readonly all: FunctionRef;
  readonly kept: FunctionRef;
}

/** These keep vector registers or MXCSR in the context, where translated code has them not, or are rare and long. */
const INTERPRETED =
  /^(v?ldmxcsr|fxsave|fxsave64|fxrstor|fxrstor64|xsave\w*|xrstor\w*|xgetbv|cpuid|enter|mov_to_segment|mov_from_segment|privileged|ud2)$/;

/** Arithmetic on the low lanes. */
const SCALAR = /^(v?)(add|sub|mul|div|sqrt)s([sd])$/;
/** What writes a vector register and nothing else. */
const MOVES =
  /^v?((add|sub|mul|div)p[sd]|mova?[pu]s|movs[sd](_load)?|movq_load|movhps_load|movhlps|punpck[lh]q?dq|pand|pandn|por|pxor)$/;

function flowOf(mnemonic: string, operands: readonly Operand[], target: number): Flow {
  // Where no code can be, the interpreter finds out.
  if (operands[0]?.kind === "j" && !isNear(target)) return "interpreted";
  switch (mnemonic) {
    case "call":
      return "call";
    case "jmp":
      return operands[0]?.kind === "j" ? "jump" : "computed";
    case "ret":
    case "retn":
      return "computed";
    case "syscall":
    case "int3":
      return "trap";
    default:
      if (operands[0]?.kind === "j") return "branch";
      return INTERPRETED.test(mnemonic) ? "interpreted" : "next";
  }
}

export class X86Set implements InstructionSet {
  readonly registers = 16;
  readonly sp: number = Reg.rsp;
  readonly fp: number = Reg.rbp;
  readonly popped = 8;
  readonly carefulAt: number = SSE_CAREFUL;
  readonly #definitions: Record<string, Definition> = {};
  readonly #forms = new Map<string, { mnemonic: string; operands: readonly Operand[]; definition: Definition }>();
  readonly #decoder: Decoder;
  readonly #flags: LinkedFlags;
  readonly globals: readonly LinkedGlobal[];

  /** @param slots by name: the interpreter's functions in its table */
  constructor(rowsOf: ConstructorParameters<typeof Decoder>[0], slots: Readonly<Record<string, number>>) {
    this.#decoder = new Decoder(rowsOf, () => 0);
    const module = new LinkingModule(slots);
    const imports: Record<string, FunctionRef> = {};
    for (const family of families)
      for (const i of family.imports ?? []) imports[i.name] = module.importFunction("env", i.name, i.params, i.results);
    const flag = (name: string): FunctionRef => module.named(name, [], ["i32"]);
    this.#flags = {
      conditions: ["o", "b", "e", "be", "s", "p", "l", "le"].map((c) => flag(`flag_${c}`)),
      all: flag("flags_all"),
      kept: flag("flag_kept_b"),
    };
    for (const family of families) Object.assign(this.#definitions, family.define(module, imports));
    this.globals = module.linkedGlobals;
  }

  decode(code: Uint8Array, view: DataView, rip: number): X86Instruction | undefined {
    const d = this.#decoder;
    if (d.decode(code, view, rip, rip) === Decoded.Illegal) return undefined;
    const { form } = d;
    let known = this.#forms.get(form);
    if (known === undefined) {
      const { mnemonic, operands } = parseForm(form);
      const definition = this.#definitions[mnemonic];
      if (definition === undefined) return undefined;
      known = { mnemonic, operands, definition };
      this.#forms.set(form, known);
    }
    return {
      rip,
      length: d.length,
      form,
      flow: flowOf(known.mnemonic, known.operands, d.target),
      isReturn: known.mnemonic === "ret" || known.mnemonic === "retn",
      isDirect: known.operands[0]?.kind === "j",
      mnemonic: known.mnemonic,
      operands: known.operands,
      definition: known.definition,
      registers: [d.register0, d.register1, d.register2, d.register3],
      base: d.base,
      index: d.index,
      scale: d.scale,
      disp: d.disp,
      segment: d.hasMemory ? d.segment : 0,
      address32: d.hasMemory && d.address32,
      imm: d.imm,
      immHigh: d.immHigh,
      target: d.target,
    };
  }

  scalarOf(instruction: Instruction): Scalar | undefined {
    const { mnemonic, operands, registers } = instruction as X86Instruction;
    const match = SCALAR.exec(mnemonic);
    if (match === null) return undefined;
    const [, vex, operation, letter] = match;
    const first = operation === "sqrt" ? operands.length - 1 : vex === "v" ? 1 : 0;
    const from = operands.flatMap((o, n) => (n >= first && o.kind === "x" ? [LOW + (registers[n] as number)] : []));
    return { bytes: letter === "s" ? 4 : 8, to: LOW + (registers[0] as number), from };
  }
  isMove(instruction: Instruction): boolean {
    const { mnemonic, operands } = instruction as X86Instruction;
    return (SCALAR.test(mnemonic) || MOVES.test(mnemonic)) && /^[xy]$/.test(operands[0]?.kind ?? "");
  }
  state(f: FunctionBuilder, lean: boolean): State {
    return new X86State(f, lean);
  }
  sem(state: State, instruction: Instruction, surroundings: Surroundings): RegionSem {
    return new X86RegionSem(state as X86State, instruction as X86Instruction, this.#flags, surroundings);
  }
}
