/**
 * The x87's stack, status and control word, as functions of the module that instructions call.
 *
 * The state is in the context (context.ts): the registers by physical number, TOP apart from the status word, one bit per
 * physical register that is empty. ST(i) is physical register (TOP + i) mod 8.
 *
 * How an instruction ends (Intel SDM vol. 1, chapter 8): the arithmetic ORs its exceptions into `flags`; `settle` puts them
 * into the status word and says whether the result may be stored. An exception that is unmasked sets ES, which the next
 * waiting instruction turns into a trap (`waitForErrors`); unmasked invalid operation, denormal operand and division by
 * zero leave the operands as they were, unmasked overflow and underflow do so for a result in memory.
 */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import type { F80Functions } from "../../softfloat/f80.ts";
import { C1, DE, DEFAULT_NAN_SE, DEFAULT_NAN_SIG, IE, OE, UE, ZE } from "../../softfloat/parts.ts";
import { type Effect, type Expr, type I32, type I64, i32, i64, type ValType } from "../../wasm/expr.ts";
import { type FunctionBuilder, type FunctionRef, getGlobal, type ModuleBuilder } from "../../wasm/module.ts";
import { X87_CONTROL, X87_EMPTY, X87_FDP, X87_FIP, X87_FOP, X87_REGS, X87_STATUS, X87_TOP } from "./context.ts";
import type { Sem } from "./sem.ts";

/** Stack fault, error summary, busy: the rest of the status word. */
export const SF = 0x40;
export const ES = 0x80;
export const BUSY = 0x8000;
export const CONDITION_CODES = 0x4700;
/** Of sign and exponent, the exponent. */
export const MAGNITUDE = 0x7fff;
/** The control word's rounding control: towards zero. */
export const TRUNCATE = 0xc00;

/** Bits of the control word that can be changed; the obsolete infinity control (12) is kept too. Bit 6 is always 1. */
export const CONTROL_BITS = 0x1f3f;

/** MXCSR bits that may be set: all exceptions, masks, rounding, FTZ and DAZ. */
export const MXCSR_MASK = 0xffff;
/** Of these, those that are not exception flags; and the value at program start. */
export const MXCSR_CONTROL = 0xffc0;
export const RESET_MXCSR = 0x1f80;

/** Exceptions that keep a result from a register, and from memory, when they are unmasked. */
export const FATAL_REGISTER: number = IE | DE | ZE;
export const FATAL_MEMORY: number = IE | DE | ZE | OE | UE;

const c32 = i32.const;
const at = (offset: number): number => CONTEXT_OFFSET + offset;

export const controlWord = (): I32 => i32.load16_u(c32(0), at(X87_CONTROL));
export const setControlWord = (v: I32): Effect => i32.store16(c32(0), v, at(X87_CONTROL));
/** Without TOP. */
export const statusWord = (): I32 => i32.load16_u(c32(0), at(X87_STATUS));
export const setStatusWord = (v: I32): Effect => i32.store16(c32(0), v, at(X87_STATUS));
export const top = (): I32 => i32.load(c32(0), at(X87_TOP));
export const setTop = (v: I32): Effect => i32.store(c32(0), v, at(X87_TOP));
/** The status word as programs see it. */
export const fullStatus = (): I32 => i32.or(statusWord(), i32.shl(top(), c32(11)));
export const empty = (): I32 => i32.load(c32(0), at(X87_EMPTY));
export const setEmpty = (v: I32): Effect => i32.store(c32(0), v, at(X87_EMPTY));
export const physical = (i: I32): I32 => i32.and(i32.add(top(), i), c32(7));
export const isEmpty = (register: I32): I32 => i32.and(i32.shr_u(empty(), register), c32(1));

const registerOffset = (register: I32): I32 => i32.shl(register, c32(4));
export const significand = (register: I32): I64 => i64.load(registerOffset(register), at(X87_REGS));
export const signExponent = (register: I32): I32 => i32.load16_u(registerOffset(register), at(X87_REGS) + 8);
export function setRegister(f: FunctionBuilder, register: I32, sig: I64, se: I32): void {
  f.exec(i64.store(registerOffset(register), sig, at(X87_REGS)));
  f.exec(i32.store16(registerOffset(register), se, at(X87_REGS) + 8));
}
export function setDefaultNaN(f: FunctionBuilder, register: I32): void {
  setRegister(f, register, i64.const(DEFAULT_NAN_SIG), c32(DEFAULT_NAN_SE));
}

/** Every instruction but the "no wait" ones begins with this. */
export function waitForErrors(s: Sem): void {
  s.f.if(i32.and(statusWord(), c32(ES)), () => s.trap(Trap.X87Error));
}

export interface X87State {
  readonly f80: F80Functions;
  /** (fatal) -> 1 where the result may be stored: the part of `settle` for unmasked exceptions. */
  readonly settleUnmasked: FunctionRef;
  /** (bits) -> 1 where the masked response (a default NaN) is due. A stack fault: IE, SF, and C1 for overflow. */
  readonly fault: FunctionRef;
  /** () Marks ST(0) empty and increments TOP. */
  readonly pop: FunctionRef;
  /** (significand, sign and exponent): settles `flags` and pushes, with the overflow check. */
  readonly push: FunctionRef;
  /** () -> 1 where ST(0) is not empty; else the masked response for it was given, ST(0) is a default NaN if that is due. */
  readonly needTop: FunctionRef;
  /** () Sets or clears ES and B by what is unmasked, after either word was loaded. */
  readonly summarize: FunctionRef;
  /** () fninit. */
  readonly init: FunctionRef;
}

export function clearFlags(f: FunctionBuilder, x: Pick<X87State, "f80">): void {
  f.setGlobal(x.f80.flags, c32(0));
}

/**
 * Takes `flags` into the status word (C1 is theirs). The result is 1 where the result may be stored, given the exceptions that
 * keep it from being stored when they are unmasked.
 */
export function settle(f: FunctionBuilder, x: Pick<X87State, "f80" | "settleUnmasked">, fatal: number): I32 {
  const ok = f.local("i32");
  f.set(ok, c32(1));
  const raised = f.let(getGlobal(x.f80.flags));
  f.if(
    i32.and(i32.and(raised, i32.xor(controlWord(), c32(-1))), c32(0x3f)),
    () => f.set(ok, f.call("i32", x.settleUnmasked, [c32(fatal)])),
    () => f.exec(setStatusWord(i32.or(i32.and(statusWord(), c32(~C1)), raised))),
  );
  return ok;
}

export function defineState(m: ModuleBuilder, f80: F80Functions): X87State {
  const func = (
    name: string,
    params: readonly ValType[],
    results: readonly ValType[],
    body: (f: FunctionBuilder) => void,
  ): FunctionRef => m.func(`x87.${name}`, params, results, body);

  const settleUnmasked = func("settleUnmasked", ["i32"], ["i32"], (f) => {
    const raised = f.local("i32");
    f.set(raised, getGlobal(f80.flags));
    const unmasked = f.let(i32.and(i32.and(raised, i32.xor(controlWord(), c32(-1))), c32(0x3f)));
    // What is found in the operands ends the operation before there is a result to be inexact.
    f.if(i32.and(unmasked, c32(FATAL_REGISTER)), () => f.set(raised, i32.and(raised, c32(FATAL_REGISTER))));
    const status = i32.and(statusWord(), c32(~C1));
    f.exec(setStatusWord(i32.or(i32.or(status, raised), c32(ES | BUSY))));
    f.return(i32.eqz(i32.and(unmasked, f.param(0, "i32"))));
  });

  const fault = func("fault", ["i32"], ["i32"], (f) => {
    const status = i32.or(i32.and(statusWord(), c32(~C1)), f.param(0, "i32"));
    const masked = f.let(i32.and(controlWord(), c32(IE)));
    f.exec(setStatusWord(i32.or(status, i32.mul(i32.eqz(masked), c32(ES | BUSY)))));
    f.return(masked);
  });

  const pop = func("pop", [], [], (f) => {
    const t = f.let(top());
    f.exec(setEmpty(i32.or(empty(), i32.shl(c32(1), t))));
    f.exec(setTop(i32.and(i32.add(t, c32(1)), c32(7))));
  });

  const push = func("push", ["i64", "i32"], [], (f) => {
    const t = f.let(i32.and(i32.sub(top(), c32(1)), c32(7)));
    f.if(
      isEmpty(t),
      () => {
        // A denormal operand does not keep a load from happening, unmasked or not.
        f.if(settle(f, { f80, settleUnmasked }, IE), () => {
          f.exec(setEmpty(i32.xor(empty(), i32.shl(c32(1), t))));
          f.exec(setTop(t));
          setRegister(f, t, f.param(0, "i64"), f.param(1, "i32"));
        });
      },
      () => {
        f.if(f.call("i32", fault, [c32(IE | SF | C1)]), () => {
          f.exec(setTop(t));
          setDefaultNaN(f, t);
        });
      },
    );
  });

  const needTop = func("needTop", [], ["i32"], (f) => {
    const t = f.let(top());
    f.if(i32.eqz(isEmpty(t)), () => f.return(c32(1)));
    f.if(f.call("i32", fault, [c32(IE | SF)]), () => {
      f.exec(setEmpty(i32.xor(empty(), i32.shl(c32(1), t))));
      setDefaultNaN(f, t);
    });
    f.return(c32(0));
  });

  const summarize = func("summarize", [], [], (f) => {
    const status = f.let(i32.and(statusWord(), c32(~(ES | BUSY))));
    const unmasked = i32.and(i32.and(status, i32.xor(controlWord(), c32(-1))), c32(0x3f));
    f.exec(setStatusWord(i32.or(status, i32.mul(i32.ne(unmasked, c32(0)), c32(ES | BUSY)))));
  });

  const init = func("init", [], [], (f) => {
    f.exec(setControlWord(c32(0x37f)));
    f.exec(setStatusWord(c32(0)));
    f.exec(setTop(c32(0)));
    f.exec(setEmpty(c32(0xff)));
    clearPointers(f);
  });

  return { f80, settleUnmasked, fault, pop, push, needTop, summarize, init };
}

/** The last-instruction and last-operand pointers: see x87-environment.ts for what is kept of them. */
export function clearPointers(f: FunctionBuilder): void {
  f.exec(i64.store(c32(0), i64.const(0), at(X87_FIP)));
  f.exec(i64.store(c32(0), i64.const(0), at(X87_FDP)));
  f.exec(i32.store16(c32(0), c32(0), at(X87_FOP)));
}

/** Calls a function without results. */
export function run(f: FunctionBuilder, fn: FunctionRef, args: readonly Expr[] = []): void {
  f.callStatement(fn, args);
}
