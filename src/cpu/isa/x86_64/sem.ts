/**
 * What an instruction definition is written in.
 *
 * Each x86 instruction is defined once, as a function over `Sem`. A definition is *instantiated* for a form (mnemonic,
 * and kind and size of each operand): it describes what the instruction does by emitting WebAssembly through `s.f` and
 * the operand access below. Two kinds of engine instantiate definitions: the interpreter (one handler per form; operands
 * come from the decoded record at run time) and a translator (one instance per guest instruction; operands are known).
 * So a definition may branch at generation time on kinds and sizes, but on nothing else about its operands.
 *
 * Rules that every definition keeps:
 *
 * 1. Restartable. All that may trap (`read`, `modify`, `readable`, `writable`, `trap`, a `write` to memory) comes before
 *    the first change of registers, flags or memory. `modify(n)` checks for writing and reads, so that a later
 *    `write(n, ...)` cannot trap. A `write(n, ...)` to memory without an earlier `modify(n)`/`prepareWrite(n)` checks,
 *    and may trap, itself: call it first, flags after.
 * 2. Expressions are trees that are evaluated where they are consumed (wasm/expr.ts). Operand reads of this interface
 *    return values that are already evaluated and may be used any number of times, in any order. What you compute from
 *    them is a tree: `f.let` it if it is used twice or if a register it came from is written in between.
 * 3. Sizes 1, 2 and 4 are computed in i32, size 8 in i64 (`wordOps`). A Word of size 1 or 2 read here is zero-extended;
 *    one that is written may have anything in its upper bits. Writing a 4-byte register clears its upper half.
 */
import type { Trap } from "../../core.ts";
import {
  type Expr,
  type F32,
  type F64,
  type I32,
  type I64,
  type IntOps,
  i32,
  i64,
  type V128,
} from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import type { HostImport } from "../common.ts";
import type { X87Context } from "./x87-stack.ts";

/** Integer operand size in bytes. */
export type Size = 1 | 2 | 4 | 8;
export type IntType = "i32" | "i64";
/** An integer value whose wasm type depends on the size it was made for: i32 up to 4 bytes, i64 for 8. */
export type Word = Expr<IntType>;
export type WordOps = IntOps<IntType>;

/** The operations that compute at a size. */
export function wordOps(size: Size): WordOps {
  return (size === 8 ? i64 : i32) as unknown as WordOps;
}

/**
 * r general register (its low byte, or AH..BH, for size 1), m memory, i immediate, q 64-bit immediate, j branch target,
 * x xmm register, y ymm register, p mmx register, t x87 register st(i), s segment register, g memory with a vector of
 * indices (its size is that of an element).
 */
export type OperandKind = "r" | "m" | "i" | "q" | "j" | "x" | "y" | "p" | "t" | "s" | "g";

export interface Operand {
  readonly kind: OperandKind;
  /** 1, 2, 4, 8, 10, 16...; 0 for a memory operand without size (lea, fxsave). */
  readonly bytes: number;
  /** A memory operand without index register: for the engine, not for definitions. */
  readonly unindexed?: boolean;
}

/** Numbers of general registers, for `gpr`. */
export const Reg = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7, r8: 8, r11: 11 } as const;

/** Bits of RFLAGS. */
export const Flag = { CF: 1, PF: 4, AF: 0x10, ZF: 0x40, SF: 0x80, TF: 0x100, DF: 0x400, OF: 0x800 } as const;

/** The six that arithmetic sets. */
export const ARITHMETIC_FLAGS = 0x8d5;

/** How the flags follow from the stored values: see flags.ts, where each kind says what dst, src and aux are. */
export const FlagKind = {
  Explicit: 0,
  Add: 1,
  Adc: 2,
  Sub: 3,
  Sbb: 4,
  Logic: 5,
  Inc: 6,
  Dec: 7,
  Shl: 8,
  Sar: 9,
  Mul: 10,
} as const;
export type FlagKind = (typeof FlagKind)[keyof typeof FlagKind];

/** Condition codes in the encoding's order, as in Jcc, SETcc, CMOVcc. */
export const CONDITIONS = [
  "o",
  "no",
  "b",
  "ae",
  "e",
  "ne",
  "be",
  "a",
  "s",
  "ns",
  "p",
  "np",
  "l",
  "ge",
  "le",
  "g",
] as const;

export interface SemFlags {
  /**
   * Sets all arithmetic flags lazily. dst is the result, src the second operand (or as the kind says), aux the carry
   * taken in, where the kind wants one, first the first operand, if it is at hand. Inc and Dec keep the carry flag and have a dst only.
   */
  set(kind: FlagKind, size: Size, dst: Word, src?: Word, aux?: I32, first?: Word): void;
  /**
   * Sets all six arithmetic flags to the bits of a value (bits other than the six are ignored).
   * @param compared two numbers (evaluated) whose comparison gives these flags: 0, CF if less, ZF if equal, ZF PF CF if unordered
   */
  setAll(value: I32, compared?: readonly [F64, F64]): void;
  /** Changes only the flags in `mask` to the bits of a value; the others keep what they were. */
  update(mask: number, value: I32): void;
  /** 1 where condition code 0..15 (see CONDITIONS) holds, else 0. */
  condition(code: number): I32;
  /** The carry flag, 0 or 1. */
  carry(): I32;
  /** The six arithmetic flags at their places in RFLAGS. */
  all(): I32;
  /** DF TF AC ID at their places; of these definitions change DF, AC and ID, by `setRest`. */
  rest(): I32;
  setRest(value: I32): void;
}

export interface Sem {
  readonly f: FunctionBuilder;
  readonly operands: readonly Operand[];

  /** The integer value of operand n (r, m, i, q), checked and evaluated. An immediate has the size of operand 0. */
  read(n: number): Word;
  /** As `read`, of an operand that will be written: memory is checked for writing. */
  modify(n: number): Word;
  /** Checks memory operand n for writing, so that `write(n, ...)` cannot trap. Nothing for registers. */
  prepareWrite(n: number): void;
  /** Stores to operand n (r, m). */
  write(n: number, value: Word): void;
  /** Immediate n as a sign-extended i32. */
  imm(n: number): I32;
  /** Effective address of memory operand n, segment base included. */
  address(n: number): I64;

  /** Register by number, low `size` bytes zero-extended, evaluated. Size 1 means AL, CL, DL, BL, SPL... */
  gpr(register: number, size: Size): Word;
  setGpr(register: number, size: Size, value: Word): void;

  /**
   * Checks that `bytes` bytes at a guest address may be read, or traps with a page fault. The result is what wasm loads
   * take as their address together with the static offset BIAS (mm/layout.ts): `f64.load(s.readable(a, 8), BIAS)`.
   * `bytes` may be up to 4096: at most two pages are touched.
   */
  readable(address: I64, bytes: number): I32;
  /** The same for writing (x86 pages that can be written can be read). */
  writable(address: I64, bytes: number): I32;
  /** GeneralProtection unless the guest address is a multiple of `alignment` (a power of two). */
  aligned(address: I64, alignment: number): void;

  /** xmm register or memory operand: 16 bytes, memory aligned to 16 or GeneralProtection. Evaluated. */
  xmm(n: number): V128;
  /** The same without the demand of alignment. */
  xmmUnaligned(n: number): V128;
  /** Stores 16 bytes to the xmm register (upper half of ymm unchanged) or memory, aligned or GeneralProtection. */
  setXmm(n: number, value: V128): void;
  setXmmUnaligned(n: number, value: V128): void;
  /** The low 8 or 4 bytes of an xmm register, or 8 or 4 bytes of memory. */
  low64(n: number): I64;
  low32(n: number): I32;
  lowF64(n: number): F64;
  lowF32(n: number): F32;
  /** Stores the low 8 or 4 bytes; the rest of an xmm register stays. */
  setLow64(n: number, value: I64): void;
  setLow32(n: number, value: I32): void;
  setLowF64(n: number, value: F64): void;
  setLowF32(n: number, value: F32): void;
  /**
   * Of a register that was just written: its low lane is this value (evaluated), or as that of another operand. For engines to
   * which it is of use.
   */
  lowIsF64?(n: number, value: F64): void;
  lowIsF32?(n: number, value: F32): void;
  lowIsThatOf?(n: number, other: number): void;
  /** The halves of a vector operand, low first: one of 16 bytes or two. Memory need not be aligned. Evaluated. */
  vector(n: number): readonly V128[];
  /**
   * Stores 16 bytes for each half. Of a register, what is above becomes 0: so every VEX instruction does it, and no other.
   */
  setVector(n: number, halves: readonly V128[]): void;
  /** The low (0) or high (1) 16 bytes of a vector register by number. Evaluated. */
  ymm(register: number, half: 0 | 1): V128;
  setYmm(register: number, half: 0 | 1, value: V128): void;
  /** Of a memory operand with a vector of indices: the register, both halves of it. Evaluated. */
  indices(n: number): readonly [V128, V128];
  /** Of the same: the address of the element at an index, sign-extended. `address32`: truncated to 32 bits. */
  element(n: number, index: I64, address32: boolean): I64;

  /** mmx register (the significand of the physical x87 register of that number) or 8 bytes of memory. */
  mmx(n: number): I64;
  setMmx(n: number, value: I64): void;
  /** SSE_CAREFUL of the context: not 0 where SSE arithmetic must look at MXCSR (sse-soft.ts). */
  careful(): I32;
  /**
   * What seldom has to be done, before the first change of state: an engine that has it done elsewhere leaves instead. (A call
   * that is never made costs its surroundings their registers all the same.)
   */
  rarely(condition: I32, body: () => void): void;
  /** The same for all of an instruction: true if the condition does not hold where what follows is executed. */
  excludes(condition: I32): boolean;
  /** What is known of the x87's stack where the code is straight: of engines that leave what is rare to others (x87-stack.ts). */
  readonly x87?: X87Context | undefined;
  /** The number of a register operand of kind t (the i of st(i)) or s (segment register). */
  number(n: number): I32;

  readonly flags: SemFlags;

  /** Address of this instruction and of the next. */
  rip(): I64;
  nextRip(): I64;

  /** Leaves with a trap, the pc at this instruction. What follows in the same branch is not executed. */
  trap(trap: Trap): void;
  /** Leaves with a trap, this instruction done: the pc is at the next. */
  trapAfter(trap: Trap): void;
  /** GeneralProtection unless an address is canonical: a near branch elsewhere changes nothing (Intel SDM vol. 2, "JMP"). */
  checkTarget(target: I64): void;
  /** Continues at operand n (kind j), or at a computed address that was checked. What follows is not executed. */
  jump(target: number | I64): void;
  /** The same by an instruction that may lead to the same place each time: a computed call or jump, not a return. */
  computed(target: I64): void;
  /** Ends the instruction early: the next one follows. */
  done(): void;
}

export type Definition = (s: Sem) => void;

/**
 * A family of instructions: rows of the encoding table (table.ts says how they are written) and a definition for each
 * mnemonic in them. `define` is called once per wasm module; functions that it adds to the module are captured by the
 * definitions it returns and called with `s.f.call`. x87 and MXCSR state is always in the context memory
 * (`i32.load(i32.const(0), CONTEXT_OFFSET + X87_TOP)`), under every engine, so such helper functions may use it freely.
 */
export interface Family {
  readonly name: string;
  readonly table: string;
  readonly imports?: readonly HostImport[];
  define(module: ModuleBuilder, imports: Readonly<Record<string, FunctionRef>>): Readonly<Record<string, Definition>>;
}
