/**
 * Where a translated function keeps the CPU's state: guest registers in wasm locals.
 *
 * What a function may hold in locals is numbered, so that sets of it are bits of a bigint: general registers, the halves of
 * vector registers, the lazy flags as one, and whether MXCSR matters (read only).
 */
import { CONTEXT_OFFSET } from "../../mm/layout.ts";
import {
  CC_AUX,
  CC_DST,
  CC_OP,
  CC_PREVIOUS,
  CC_SRC,
  CC_STEPPED,
  GPR,
  SSE_CAREFUL,
  YMM,
  YMM_SIZE,
} from "../isa/x86_64/context.ts";
import { i32, i64, v128 } from "../wasm/expr.ts";
import type { FunctionBuilder, Local } from "../wasm/module.ts";

export const LOW = 16;
export const HIGH = 32;
export const FLAGS = 48;
export const CAREFUL = 49;
const KINDS = 50;

/** A set of the numbers above. */
export type StateSet = bigint;
const BITS: readonly StateSet[] = Array.from({ length: KINDS }, (_, n) => 1n << BigInt(n));
export const bit = (n: number): StateSet => BITS[n] as StateSet;
/** The numbers in a set. */
export function members(set: StateSet): number[] {
  const found: number[] = [];
  const low = Number(BigInt.asUintN(32, set));
  const high = Number(set >> 32n);
  for (let n = 0; n < 32; n++) if ((low >>> n) & 1) found.push(n);
  for (let n = 32; n < KINDS; n++) if ((high >>> (n - 32)) & 1) found.push(n);
  return found;
}

const ZERO = i32.const(0);
const register = (n: number): number => CONTEXT_OFFSET + GPR + n * 8;
const vector = (n: number, half: number): number => CONTEXT_OFFSET + YMM + n * YMM_SIZE + half * 16;

/** The fields of the lazy flags: flags.ts says what they mean. */
export interface FlagLocals {
  readonly op: Local<"i32">;
  readonly dst: Local<"i64">;
  readonly src: Local<"i64">;
  readonly aux: Local<"i32">;
  readonly previous: Local<"i32">;
  readonly stepped: Local<"i64">;
  /** The first operand, which the context has no place for. */
  readonly first: Local<"i64">;
}

/** The locals of one function. They are made when they are first asked for, and stay. */
export class State {
  readonly f: FunctionBuilder;
  /** Fields of the flags that the function sets at all; the others stay in the context. */
  aux = true;
  steps = true;
  /** Made for arithmetic under MXCSR's reset value and for numbers: anything else leaves. */
  readonly lean: boolean;
  readonly #gpr: Local<"i64">[] = [];
  readonly #vector: Local<"v128">[] = [];
  #flags: FlagLocals | undefined;
  #careful: Local<"i32"> | undefined;

  constructor(f: FunctionBuilder, lean: boolean) {
    this.f = f;
    this.lean = lean;
  }

  gpr(n: number): Local<"i64"> {
    return (this.#gpr[n] ??= this.f.permanent("i64"));
  }
  vector(n: number, half: number): Local<"v128"> {
    return (this.#vector[n * 2 + half] ??= this.f.permanent("v128"));
  }
  get flags(): FlagLocals {
    const { f } = this;
    return (this.#flags ??= {
      op: f.permanent("i32"),
      dst: f.permanent("i64"),
      src: f.permanent("i64"),
      aux: f.permanent("i32"),
      previous: f.permanent("i32"),
      stepped: f.permanent("i64"),
      first: f.permanent("i64"),
    });
  }
  get careful(): Local<"i32"> {
    return (this.#careful ??= this.f.permanent("i32"));
  }

  /** From the context to the locals. */
  load(set: StateSet): void {
    const { f } = this;
    for (const n of members(set)) {
      if (n < LOW) f.set(this.gpr(n), i64.load(ZERO, register(n)));
      else if (n < HIGH) f.set(this.vector(n - LOW, 0), v128.load(ZERO, vector(n - LOW, 0)));
      else if (n < FLAGS) f.set(this.vector(n - HIGH, 1), v128.load(ZERO, vector(n - HIGH, 1)));
      else if (n === FLAGS) this.#loadFlags();
      else f.set(this.careful, i32.load(ZERO, CONTEXT_OFFSET + SSE_CAREFUL));
    }
  }
  /** From the locals to the context. */
  store(set: StateSet): void {
    const { f } = this;
    for (const n of members(set)) {
      if (n < LOW) f.exec(i64.store(ZERO, this.gpr(n), register(n)));
      else if (n < HIGH) f.exec(v128.store(ZERO, this.vector(n - LOW, 0), vector(n - LOW, 0)));
      else if (n < FLAGS) f.exec(v128.store(ZERO, this.vector(n - HIGH, 1), vector(n - HIGH, 1)));
      else if (n === FLAGS) this.storeFlags();
    }
  }

  #loadFlags(): void {
    const { f, flags } = this;
    f.set(flags.op, i32.load(ZERO, CONTEXT_OFFSET + CC_OP));
    f.set(flags.dst, i64.load(ZERO, CONTEXT_OFFSET + CC_DST));
    f.set(flags.src, i64.load(ZERO, CONTEXT_OFFSET + CC_SRC));
    if (this.aux) f.set(flags.aux, i32.load(ZERO, CONTEXT_OFFSET + CC_AUX));
    if (!this.steps) return;
    f.set(flags.previous, i32.load(ZERO, CONTEXT_OFFSET + CC_PREVIOUS));
    f.set(flags.stepped, i64.load(ZERO, CONTEXT_OFFSET + CC_STEPPED));
  }
  storeFlags(): void {
    const { f, flags } = this;
    f.exec(i32.store(ZERO, flags.op, CONTEXT_OFFSET + CC_OP));
    f.exec(i64.store(ZERO, flags.dst, CONTEXT_OFFSET + CC_DST));
    f.exec(i64.store(ZERO, flags.src, CONTEXT_OFFSET + CC_SRC));
    if (this.aux) f.exec(i32.store(ZERO, flags.aux, CONTEXT_OFFSET + CC_AUX));
    if (!this.steps) return;
    f.exec(i32.store(ZERO, flags.previous, CONTEXT_OFFSET + CC_PREVIOUS));
    f.exec(i64.store(ZERO, flags.stepped, CONTEXT_OFFSET + CC_STEPPED));
  }
}
