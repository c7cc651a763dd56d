/** riscv64 for the translator: decoded instructions, and how the control flow goes on after them. */
import { FP_CAREFUL } from "../../isa/riscv64/context.ts";
import { Decoder } from "../../isa/riscv64/decoder.ts";
import { families } from "../../isa/riscv64/families.ts";
import type { Definition, Sem } from "../../isa/riscv64/sem.ts";
import { parseForm, type Row } from "../../isa/riscv64/table.ts";
import type { FunctionBuilder, FunctionRef } from "../../wasm/module.ts";
import { type Instruction, type InstructionSet, type LinkedGlobal, LinkingModule } from "../instruction.ts";
import { type Flow, isNear } from "../region.ts";
import type { RegionSem, Surroundings } from "../region-sem.ts";
import type { State } from "../state.ts";
import { RiscvRegionSem } from "./region-sem.ts";
import { RiscvState } from "./state.ts";

export interface RiscvInstruction extends Instruction {
  readonly definition: Definition;
  readonly rounding: Sem["rounding"];
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  readonly imm: number;
  readonly immHigh: number;
  readonly rm: number;
  /** What vtype is before it, if the last vset in front of it says so. */
  readonly vtype: number | undefined;
}

/** So far behind the instruction that set it vtype may be what it was, in bytes. */
const REACH = 1024;
const SP = 2;
const S0 = 8;

/** Where return addresses are by convention: ra, t0 (RISC-V ABIs Specification, "Integer Register Convention"). */
const isLink = (register: number): boolean => register === 1 || register === 5;

export class RiscvSet implements InstructionSet {
  readonly registers = 32;
  readonly sp: number = SP;
  readonly fp: number = S0;
  readonly popped = 0;
  readonly carefulAt: number = FP_CAREFUL;
  readonly globals: readonly LinkedGlobal[];
  readonly #definitions: Record<string, Definition> = {};
  readonly #forms = new Map<string, { definition: Definition; rounding: Sem["rounding"] }>();
  readonly #decoder: Decoder;

  readonly #fused: boolean;
  /** vtype that was set by the last decoded instruction that does, and where. */
  #lastType: number | undefined;
  #lastTypeAt = 0;

  /**
   * @param slots by name: the interpreter's functions in its table
   * @param fused the host multiplies and adds with one rounding
   */
  constructor(rowsOf: (key: number) => readonly Row[], slots: Readonly<Record<string, number>>, fused: boolean) {
    this.#fused = fused;
    this.#decoder = new Decoder(rowsOf);
    const module = new LinkingModule(slots);
    const imports: Record<string, FunctionRef> = {};
    for (const family of families)
      for (const i of family.imports ?? []) imports[i.name] = module.importFunction("env", i.name, i.params, i.results);
    for (const family of families) Object.assign(this.#definitions, family.define(module, imports));
    this.globals = module.linkedGlobals;
  }

  decode(_code: Uint8Array, view: DataView, rip: number): RiscvInstruction | undefined {
    const d = this.#decoder;
    if (!d.decode(view, rip, rip)) return undefined;
    const { form } = d;
    let known = this.#forms.get(form);
    if (known === undefined) {
      const [mnemonic, rounding] = parseForm(form);
      const definition = this.#definitions[mnemonic];
      if (definition === undefined) return undefined;
      known = { definition, rounding };
      this.#forms.set(form, known);
    }
    const isDirect = !Number.isNaN(d.target);
    return {
      rip,
      length: d.length,
      form,
      flow: flowOf(d),
      isReturn: form === "jr" && isLink(d.rs1) && d.imm === 0,
      isDirect,
      target: d.target,
      definition: known.definition,
      rounding: known.rounding,
      rd: d.rd,
      rs1: d.rs1,
      rs2: d.rs2,
      rs3: d.rs3,
      imm: d.imm,
      immHigh: d.immHigh,
      rm: d.rm,
      vtype: this.#typeAt(form, rip),
    };
  }

  /** Instructions are decoded in runs; it need not be true. */
  #typeAt(form: string, rip: number): number | undefined {
    if (!form.startsWith("v")) return undefined;
    const { imm } = this.#decoder;
    if (form.startsWith("vset")) {
      this.#lastType = form === "vsetvl" ? undefined : (imm >>> 20) & (form === "vsetvli" ? 0x7ff : 0x3ff);
      this.#lastTypeAt = rip;
    }
    return rip > this.#lastTypeAt && rip - this.#lastTypeAt < REACH ? this.#lastType : undefined;
  }
  state(f: FunctionBuilder, lean: boolean): State {
    return new RiscvState(f, lean);
  }
  sem(state: State, instruction: Instruction, surroundings: Surroundings): RegionSem {
    return new RiscvRegionSem(state as RiscvState, instruction as RiscvInstruction, surroundings, this.#fused);
  }
}

function flowOf({ form, target, rd }: Decoder): Flow {
  const isDirect = !Number.isNaN(target);
  // Where no code can be, the interpreter finds out.
  if (isDirect && !isNear(target)) return "interpreted";
  switch (form) {
    case "j":
      return "jump";
    case "jal":
      return "call";
    case "jr":
      return "computed";
    case "jalr":
      return isLink(rd) ? "call" : "computed";
    case "ecall":
    case "ebreak":
      return "trap";
    default:
      if (isDirect) return "branch";
      // What changes the rounding mode, or makes it matter, is kept in the context.
      return form.startsWith("csr") ? "interpreted" : "next";
  }
}
