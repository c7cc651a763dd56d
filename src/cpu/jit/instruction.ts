/** Decoded instructions as the translator keeps them, and what it has to know of an instruction set. */

import { linkNames } from "../interp/program.ts";
import type { Expr, ValType } from "../wasm/expr.ts";
import { type FunctionBuilder, FunctionRef, type GlobalRef, ModuleBuilder } from "../wasm/module.ts";
import type { Scalar } from "./chains.ts";
import type { Flow } from "./region.ts";
import type { RegionSem, Surroundings } from "./region-sem.ts";
import type { State } from "./state.ts";

export interface Instruction {
  readonly rip: number;
  readonly length: number;
  readonly form: string;
  readonly flow: Flow;
  /** Leads to where a call came from. */
  readonly isReturn: boolean;
  /** Branches to an address that it has itself, and to which. */
  readonly isDirect: boolean;
  readonly target: number;
}

export interface InstructionSet {
  /** The interpreter's globals, in order; translated modules import them all. */
  readonly globals: readonly LinkedGlobal[];
  /** How many general registers there are, which of them is the stack pointer, and which the frame pointer. */
  readonly registers: number;
  readonly sp: number;
  readonly fp: number;
  /** How much the stack pointer is beyond what it was before a call when that has returned. */
  readonly popped: number;
  /** Context offset of what says whether floating-point arithmetic is unusual. */
  readonly carefulAt: number;
  /** The instruction at a guest address, or undefined if there is none. The bytes are known to be readable. */
  decode(code: Uint8Array, view: DataView, rip: number): Instruction | undefined;
  /** What an instruction computes, if it is arithmetic whose result is a NaN if an operand is; whether it only moves or computes vectors. */
  scalarOf?(instruction: Instruction): Scalar | undefined;
  isMove?(instruction: Instruction): boolean;
  state(f: FunctionBuilder, lean: boolean): State;
  /** An instruction of this set, to be run on a state of this set. */
  sem(state: State, instruction: Instruction, surroundings: Surroundings): RegionSem;
}

export interface LinkedGlobal {
  readonly type: ValType;
  readonly mutable: boolean;
}

/** A module for the families to define their functions in: they are those of the interpreter's module, called by its table. */
export class LinkingModule extends ModuleBuilder {
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
