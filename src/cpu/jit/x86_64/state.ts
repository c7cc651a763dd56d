/** The state of x86_64: general registers, the halves of vector registers, the lazy flags. */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
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
} from "../../isa/x86_64/context.ts";
import { X87Locals } from "../../isa/x86_64/x87-stack.ts";
import { i32, i64, v128 } from "../../wasm/expr.ts";
import type { FunctionBuilder, Local } from "../../wasm/module.ts";
import type { Effects } from "../region-sem.ts";
import { FLAGS, PLAIN_FLAGS, State } from "../state.ts";

/** Numbers of the lower and the upper halves of vector registers. */
export const LOW = 16;
export const HIGH = 32;

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

export class X86State extends State {
  /** Fields of the flags that the function sets at all; the others stay in the context. */
  #aux = true;
  #steps = true;
  readonly #vector: Local<"v128">[] = [];
  #flags: FlagLocals | undefined;
  #x87: X87Locals | undefined;
  readonly #kept: Local<"v128">[] = [];
  readonly #low64: Local<"f64">[] = [];
  readonly #low32: Local<"f32">[] = [];
  #compared: readonly [left: Local<"f64">, right: Local<"f64">] | undefined;

  constructor(f: FunctionBuilder, lean: boolean) {
    super(f, lean, SSE_CAREFUL);
  }

  vector(n: number, half: number): Local<"v128"> {
    return (this.#vector[n * 2 + half] ??= this.f.permanent("v128"));
  }
  /** The low lane of a vector register, where that is known to be in a local of its own: V8 does not see that it is one. */
  low64(register: number): Local<"f64"> {
    return (this.#low64[register] ??= this.f.permanent("f64"));
  }
  low32(register: number): Local<"f32"> {
    return (this.#low32[register] ??= this.f.permanent("f32"));
  }
  /** Numbers whose comparison gave the flags: the context has no place for them. */
  get compared(): readonly [left: Local<"f64">, right: Local<"f64">] {
    return (this.#compared ??= [this.f.permanent("f64"), this.f.permanent("f64")]);
  }
  get x87(): X87Locals {
    return (this.#x87 ??= new X87Locals(this.f));
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

  override keep(n: number, place: number): () => void {
    if (n < LOW || n >= FLAGS) return super.keep(n, place);
    const { f } = this;
    const local = n < HIGH ? this.vector(n - LOW, 0) : this.vector(n - HIGH, 1);
    const kept = (this.#kept[place] ??= f.permanent("v128"));
    f.set(kept, local);
    return () => f.set(local, kept);
  }
  override adapt(effects: readonly Effects[]): void {
    this.#aux = effects.some((e) => e.aux);
    this.#steps = effects.some((e) => e.steps);
  }
  protected override loadOne(n: number): void {
    const { f } = this;
    if (n < LOW) f.set(this.gpr(n), i64.load(ZERO, register(n)));
    else if (n < HIGH) f.set(this.vector(n - LOW, 0), v128.load(ZERO, vector(n - LOW, 0)));
    else if (n < FLAGS) f.set(this.vector(n - HIGH, 1), v128.load(ZERO, vector(n - HIGH, 1)));
    else this.#loadFlags();
  }
  protected override storeOne(n: number): void {
    const { f } = this;
    if (n < LOW) f.exec(i64.store(ZERO, this.gpr(n), register(n)));
    else if (n < HIGH) f.exec(v128.store(ZERO, this.vector(n - LOW, 0), vector(n - LOW, 0)));
    else if (n < FLAGS) f.exec(v128.store(ZERO, this.vector(n - HIGH, 1), vector(n - HIGH, 1)));
    else if (n === FLAGS) this.storeFlags();
    else if (n === PLAIN_FLAGS) this.#storePlainFlags();
  }

  #loadFlags(): void {
    const { f, flags } = this;
    f.set(flags.op, i32.load(ZERO, CONTEXT_OFFSET + CC_OP));
    f.set(flags.dst, i64.load(ZERO, CONTEXT_OFFSET + CC_DST));
    f.set(flags.src, i64.load(ZERO, CONTEXT_OFFSET + CC_SRC));
    if (this.#aux) f.set(flags.aux, i32.load(ZERO, CONTEXT_OFFSET + CC_AUX));
    if (!this.#steps) return;
    f.set(flags.previous, i32.load(ZERO, CONTEXT_OFFSET + CC_PREVIOUS));
    f.set(flags.stepped, i64.load(ZERO, CONTEXT_OFFSET + CC_STEPPED));
  }
  #storePlainFlags(): void {
    const { f, flags } = this;
    f.exec(i32.store(ZERO, flags.op, CONTEXT_OFFSET + CC_OP));
    f.exec(i64.store(ZERO, flags.dst, CONTEXT_OFFSET + CC_DST));
    f.exec(i64.store(ZERO, flags.src, CONTEXT_OFFSET + CC_SRC));
  }
  storeFlags(): void {
    const { f, flags } = this;
    this.#storePlainFlags();
    if (this.#aux) f.exec(i32.store(ZERO, flags.aux, CONTEXT_OFFSET + CC_AUX));
    if (!this.#steps) return;
    f.exec(i32.store(ZERO, flags.previous, CONTEXT_OFFSET + CC_PREVIOUS));
    f.exec(i64.store(ZERO, flags.stepped, CONTEXT_OFFSET + CC_STEPPED));
  }
}
