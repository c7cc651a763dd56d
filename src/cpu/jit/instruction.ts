/** Decoded instructions as the translator keeps them, and which of them there are definitions for. */

import { linkNames } from "../interp/program.ts";
import { Decoded, Decoder } from "../isa/x86_64/decoder.ts";
import { families } from "../isa/x86_64/families.ts";
import type { Definition, Operand } from "../isa/x86_64/sem.ts";
import { parseForm } from "../isa/x86_64/table.ts";
import type { Expr, ValType } from "../wasm/expr.ts";
import { FunctionRef, type GlobalRef, ModuleBuilder } from "../wasm/module.ts";

export interface Instruction {
  readonly rip: number;
  readonly length: number;
  readonly form: string;
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
  /** Branch target, for operands of kind j. */
  readonly target: number;
}

export interface LinkedGlobal {
  readonly type: ValType;
  readonly mutable: boolean;
}

/** A module for the families to define their functions in: they are those of the interpreter's module, called by its table. */
class LinkingModule extends ModuleBuilder {
  readonly #slots: Readonly<Record<string, number>>;
  readonly #link = linkNames();
  readonly #known: FunctionRef[] = [];
  readonly linkedGlobals: LinkedGlobal[] = [];

  constructor(slots: Readonly<Record<string, number>>) {
    super();
    this.#slots = slots;
  }

  override importFunction(
    _module: string,
    name: string,
    params: readonly ValType[],
    results: readonly ValType[],
  ): FunctionRef {
    return this.declare(name, params, results);
  }
  override declare(name: string, params: readonly ValType[], results: readonly ValType[]): FunctionRef {
    const linked = this.#link(name);
    const slot = this.#slots[linked];
    if (slot === undefined) throw new Error(`the interpreter's module has no function ${linked}`);
    const fn = new FunctionRef(-1, name, params, results, slot);
    this.#known.push(fn);
    return fn;
  }
  override define(): void {}
  override func(name: string, params: readonly ValType[], results: readonly ValType[]): FunctionRef {
    return this.declare(name, params, results);
  }
  override global<T extends ValType>(type: T, mutable: boolean, _init: Expr<T>): GlobalRef<T> {
    this.linkedGlobals.push({ type, mutable });
    return { index: this.linkedGlobals.length - 1, type };
  }
  /** A function that the interpreter has beside those of the families. */
  named(name: string, params: readonly ValType[], results: readonly ValType[]): FunctionRef {
    return new FunctionRef(-1, name, params, results, this.#slots[name] as number);
  }
}

/** The functions that work out flags from the context, by name in the interpreter's module. */
export interface LinkedFlags {
  /** By condition code >> 1. */
  readonly conditions: readonly FunctionRef[];
  readonly all: FunctionRef;
  readonly kept: FunctionRef;
}

/** All that the translator knows of the instruction set. */
export class InstructionSet {
  readonly #definitions: Record<string, Definition> = {};
  readonly #forms = new Map<string, { mnemonic: string; operands: readonly Operand[]; definition: Definition }>();
  readonly #decoder: Decoder;
  readonly flags: LinkedFlags;
  /** The interpreter's globals, in order; translated modules import them all. */
  readonly globals: readonly LinkedGlobal[];

  /** @param slots by name: the interpreter's functions in its table */
  constructor(rowsOf: ConstructorParameters<typeof Decoder>[0], slots: Readonly<Record<string, number>>) {
    this.#decoder = new Decoder(rowsOf, () => 0);
    const module = new LinkingModule(slots);
    const imports: Record<string, FunctionRef> = {};
    for (const family of families)
      for (const i of family.imports ?? []) imports[i.name] = module.importFunction("env", i.name, i.params, i.results);
    const flag = (name: string): FunctionRef => module.named(name, [], ["i32"]);
    this.flags = {
      conditions: ["o", "b", "e", "be", "s", "p", "l", "le"].map((c) => flag(`flag_${c}`)),
      all: flag("flags_all"),
      kept: flag("flag_kept_b"),
    };
    for (const family of families) Object.assign(this.#definitions, family.define(module, imports));
    this.globals = module.linkedGlobals;
  }

  /** The instruction at a guest address, or undefined if there is none. The bytes are known to be readable. */
  decode(code: Uint8Array, view: DataView, rip: number): Instruction | undefined {
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
}
