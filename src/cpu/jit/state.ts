/**
 * Where a translated function keeps the CPU's state: guest registers in wasm locals.
 *
 * What a function may hold in locals is numbered, so that sets of it are bits of a bigint: general registers from 0, whether
 * the rounding mode and the like matter (read only), and what the instruction set has besides (<isa>/state.ts).
 */
import { CONTEXT_OFFSET } from "../../mm/layout.ts";
import { i32 } from "../wasm/expr.ts";
import type { FunctionBuilder, Local } from "../wasm/module.ts";
import type { Effects } from "./region-sem.ts";

/**
 * The lazy flags of an instruction set that has them, as one. Instruction sets number their own registers up to 47, and from 50
 * to 95 (FLOAT of riscv64 begins at 64).
 */
export const FLAGS = 48;
export const CAREFUL = 49;
/** Of the flags, in place of FLAGS: operation, result and second operand only. The others do not matter to the operation. */
export const PLAIN_FLAGS = 99;
/** What is wanted of the flags, besides FLAGS: the carry, whether the result was zero, all others. */
export const CARRY_FLAG = 96;
export const ZERO_FLAG = 97;
export const OTHER_FLAGS = 98;
const KINDS = 100;

/** A set of numbers of parts of the state. */
export type StateSet = bigint;
const BITS: readonly StateSet[] = Array.from({ length: KINDS }, (_, n) => 1n << BigInt(n));
export const bit = (n: number): StateSet => BITS[n] as StateSet;
export const FLAG_KINDS: StateSet = bit(CARRY_FLAG) | bit(ZERO_FLAG) | bit(OTHER_FLAGS);
/** The numbers in a set. */
export function members(set: StateSet): number[] {
  const found: number[] = [];
  for (let first = 0; first < KINDS; first += 32) {
    const word = Number(BigInt.asUintN(32, set >> BigInt(first)));
    for (let n = 0; n < 32 && word >>> n !== 0; n++) if ((word >>> n) & 1) found.push(first + n);
  }
  return found;
}

/** The locals of one function. They are made when they are first asked for, and stay. */
export abstract class State {
  readonly f: FunctionBuilder;
  /** Made for arithmetic in the usual rounding mode and for numbers: anything else leaves. */
  readonly lean: boolean;
  readonly #gpr: Local<"i64">[] = [];
  readonly #carefulAt: number;
  #careful: Local<"i32"> | undefined;

  /** @param carefulAt context offset of what says whether floating-point arithmetic is unusual */
  constructor(f: FunctionBuilder, lean: boolean, carefulAt: number) {
    this.f = f;
    this.lean = lean;
    this.#carefulAt = carefulAt;
  }

  gpr(n: number): Local<"i64"> {
    return (this.#gpr[n] ??= this.f.permanent("i64"));
  }
  get careful(): Local<"i32"> {
    return (this.#careful ??= this.f.permanent("i32"));
  }

  /** Remembers a part of the state in a place with a number; what it returns sets that to what it was. */
  keep(_n: number, _place: number): () => void {
    throw new Error("only vector registers are kept");
  }
  /** What the function does is known. */
  adapt(_effects: readonly Effects[]): void {}
  /** From the context to the locals. */
  load(set: StateSet): void {
    for (const n of members(set & ~FLAG_KINDS))
      if (n === CAREFUL) this.f.set(this.careful, i32.load(i32.const(0), CONTEXT_OFFSET + this.#carefulAt));
      else this.loadOne(n);
  }
  /** From the locals to the context. */
  store(set: StateSet): void {
    for (const n of members(set)) this.storeOne(n);
  }
  protected abstract loadOne(n: number): void;
  protected abstract storeOne(n: number): void;
}
