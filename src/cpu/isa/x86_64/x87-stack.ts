/**
 * The x87's stack along straight code, for an engine that has what is rare done elsewhere (`Sem.rarely`).
 *
 * The context always has the state: whatever changes it is stored at once, so that code may be left anywhere. What is saved is
 * asking for it again: TOP, which registers are empty, and the control and the status word are in locals from the first
 * instruction on, and so is every register that was read or written. Slots are numbered from where ST(0) was at that time, so
 * which of them an instruction means is known when code is made; the physical register is one addition away.
 *
 * Left to others are: stack faults, exceptions that are not masked, and operands in memory that are no plain numbers.
 */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { C1 } from "../../softfloat/parts.ts";
import { type Expr, type I32, type I64, i32, i64 } from "../../wasm/expr.ts";
import { type FunctionBuilder, type FunctionRef, type GlobalRef, getGlobal, type Local } from "../../wasm/module.ts";
import { X87_CONTROL, X87_EMPTY, X87_REGS, X87_STATUS, X87_TOP } from "./context.ts";

const c32 = i32.const;
const ZERO = c32(0);
const at = (offset: number): number => CONTEXT_OFFSET + offset;
const ES = 0x80;
const EXCEPTIONS = 0x3f;

/** Where a function keeps what is known. */
export class X87Locals {
  readonly #f: FunctionBuilder;
  readonly base: Local<"i32">;
  readonly empty: Local<"i32">;
  readonly status: Local<"i32">;
  readonly control: Local<"i32">;
  readonly #significands: Local<"i64">[] = [];
  readonly #exponents: Local<"i32">[] = [];

  constructor(f: FunctionBuilder) {
    this.#f = f;
    this.base = f.permanent("i32");
    this.empty = f.permanent("i32");
    this.status = f.permanent("i32");
    this.control = f.permanent("i32");
  }
  significand(slot: number): Local<"i64"> {
    return (this.#significands[slot] ??= this.#f.permanent("i64"));
  }
  /** With the sign. */
  exponent(slot: number): Local<"i32"> {
    return (this.#exponents[slot] ??= this.#f.permanent("i32"));
  }
}

/** What is known at a place in the code. */
export class X87Known {
  /** TOP, what is empty and the status word are in locals, and no exception is pending. */
  started = false;
  /** TOP beyond what it was at the start, as a number of 3 bits. */
  moved = 0;
  /** By slot. */
  isEmpty: (boolean | undefined)[] = [];
  inLocals: boolean[] = [];
  /** The control word is in a local; all exceptions are masked; C1 is 0. */
  control = false;
  masked = false;
  c1Clear = false;

  copy(): X87Known {
    const other = new X87Known();
    Object.assign(other, this);
    other.isEmpty = [...this.isEmpty];
    other.inLocals = [...this.inLocals];
    return other;
  }
  forget(): void {
    Object.assign(this, new X87Known());
  }
}

/** What an engine has for it. */
export interface X87Context {
  readonly locals: X87Locals;
  readonly known: X87Known;
}

export type Value = readonly [significand: I64, exponent: I32];

/** Of `Sem`, what is needed here. */
interface Leaving {
  readonly f: FunctionBuilder;
  rarely(condition: I32, body: () => void): void;
}

/** One instruction's view of the stack. All that may leave (`start` to `room`) comes before the first change. */
export class X87Stack {
  readonly #s: Leaving;
  readonly #f: FunctionBuilder;
  readonly #locals: X87Locals;
  readonly #known: X87Known;
  readonly #flags: GlobalRef<"i32">;

  /** @param flags where arithmetic leaves the exceptions */
  constructor(s: Leaving, { locals, known }: X87Context, flags: GlobalRef<"i32">) {
    this.#s = s;
    this.#f = s.f;
    this.#locals = locals;
    this.#known = known;
    this.#flags = flags;
    if (known.started) return;
    s.f.set(locals.base, i32.load(ZERO, at(X87_TOP)));
    s.f.set(locals.empty, i32.load(ZERO, at(X87_EMPTY)));
    s.f.set(locals.status, i32.load16_u(ZERO, at(X87_STATUS)));
    this.leaveIf(i32.and(locals.status, c32(ES)));
    known.started = true;
  }

  leaveIf(condition: I32): void {
    this.#s.rarely(condition, () => {
      throw new Error("an engine that knows the stack leaves where something is rare");
    });
  }

  #slot(i: number): number {
    return (this.#known.moved + i) & 7;
  }
  #physical(slot: number): I32 {
    const { base } = this.#locals;
    return slot === 0 ? base : i32.and(i32.add(base, c32(slot)), c32(7));
  }
  #offset(slot: number): I32 {
    return i32.shl(this.#physical(slot), c32(4));
  }
  #isEmpty(slot: number): I32 {
    return i32.and(i32.shr_u(this.#locals.empty, this.#physical(slot)), c32(1));
  }

  /** Leaves if ST(i) is empty. */
  need(i: number): void {
    const slot = this.#slot(i);
    const { isEmpty } = this.#known;
    if (isEmpty[slot] !== false) this.leaveIf(isEmpty[slot] ? c32(1) : this.#isEmpty(slot));
    isEmpty[slot] = false;
  }
  /** Leaves if nothing can be pushed. */
  room(): void {
    const slot = this.#slot(7);
    const { isEmpty } = this.#known;
    if (isEmpty[slot] !== true) this.leaveIf(isEmpty[slot] === false ? c32(1) : i32.eqz(this.#isEmpty(slot)));
    isEmpty[slot] = true;
  }
  get control(): I32 {
    const { control } = this.#locals;
    if (!this.#known.control) this.#f.set(control, i32.load16_u(ZERO, at(X87_CONTROL)));
    this.#known.control = true;
    return control;
  }
  /** Leaves if an exception may be more than a flag. */
  masked(): void {
    if (!this.#known.masked) this.leaveIf(i32.ne(i32.and(this.control, c32(EXCEPTIONS)), c32(EXCEPTIONS)));
    this.#known.masked = true;
  }
  /** ST(i), which is not empty: locals that may change when the stack does. */
  value(i: number): Value {
    this.need(i);
    const slot = this.#slot(i);
    const sig = this.#locals.significand(slot);
    const se = this.#locals.exponent(slot);
    if (!this.#known.inLocals[slot]) {
      const from = this.#f.let(this.#offset(slot));
      this.#f.set(sig, i64.load(from, at(X87_REGS)));
      this.#f.set(se, i32.load16_u(from, at(X87_REGS) + 8));
      this.#known.inLocals[slot] = true;
    }
    return [sig, se];
  }
  /** The same, in locals of the instruction's own. */
  copy(i: number): Value {
    const [sig, se] = this.value(i);
    const own: Value = [this.#f.local("i64"), this.#f.local("i32")];
    this.#f.set(own[0] as Local<"i64">, sig);
    this.#f.set(own[1] as Local<"i32">, se);
    return own;
  }

  // Changes

  #put(slot: number, sig: I64, se: I32): void {
    const f = this.#f;
    const ownSig = this.#locals.significand(slot);
    const ownSe = this.#locals.exponent(slot);
    f.set(ownSig, sig);
    f.set(ownSe, se);
    const to = f.let(this.#offset(slot));
    f.exec(i64.store(to, ownSig, at(X87_REGS)));
    f.exec(i32.store16(to, ownSe, at(X87_REGS) + 8));
    this.#known.inLocals[slot] = true;
  }
  #mark(slot: number, isEmpty: boolean): void {
    const { empty } = this.#locals;
    if (this.#known.isEmpty[slot] === isEmpty) return;
    const mask = i32.shl(c32(1), this.#physical(slot));
    this.#f.set(empty, isEmpty ? i32.or(empty, mask) : i32.and(empty, i32.xor(mask, c32(-1))));
    this.#f.exec(i32.store(ZERO, empty, at(X87_EMPTY)));
    this.#known.isEmpty[slot] = isEmpty;
  }
  /** ST(i) is what is given, and not empty. */
  set(i: number, [sig, se]: Value): void {
    const slot = this.#slot(i);
    this.#mark(slot, false);
    this.#put(slot, sig, se);
  }
  free(i: number): void {
    this.#mark(this.#slot(i), true);
  }
  /** TOP + by. */
  move(by: number): void {
    this.#known.moved = this.#slot(by);
    this.#f.exec(i32.store(ZERO, this.#physical(this.#known.moved), at(X87_TOP)));
  }
  pop(): void {
    this.free(0);
    this.move(1);
  }
  /** There has to be room. */
  push(value: Value): void {
    this.move(7);
    this.set(0, value);
  }

  // Words

  get status(): I32 {
    return this.#locals.status;
  }
  get fullStatus(): I32 {
    return i32.or(this.status, i32.shl(this.#physical(this.#known.moved), c32(11)));
  }
  #setStatus(value: I32): void {
    const { status } = this.#locals;
    this.#f.set(status, value);
    this.#f.exec(i32.store16(ZERO, status, at(X87_STATUS)));
  }
  /** The bits of `clear` and C1 become those of `value`. */
  replaceStatus(clear: number, value: I32): void {
    this.#setStatus(i32.or(i32.and(this.status, c32(~(clear | C1))), value));
    this.#known.c1Clear = false;
  }
  /** Exceptions, or those and what they led to. */
  clearExceptions(bits: number): void {
    this.#setStatus(i32.and(this.status, c32(~bits)));
  }
  raise(flags: I32): void {
    this.#f.if(flags, () => this.#setStatus(i32.or(this.status, flags)));
  }
  clearC1(): void {
    if (this.#known.c1Clear) return;
    this.#setStatus(i32.and(this.status, c32(~C1)));
    this.#known.c1Clear = true;
  }
  /** All bits that are valid. */
  setControl(value: I32): void {
    const { control } = this.#locals;
    this.#f.set(control, value);
    this.#f.exec(i32.store16(ZERO, control, at(X87_CONTROL)));
    this.#known.control = true;
    this.#known.masked = false;
  }

  /** The results of a function that raises exceptions, and these, with C1. */
  raising(fn: FunctionRef, args: readonly Expr[]): { results: Local[]; flags: I32 } {
    this.#f.setGlobal(this.#flags, ZERO);
    const results = this.#f.callStatement(fn, args);
    return { results, flags: this.#f.let(getGlobal(this.#flags)) };
  }
}
