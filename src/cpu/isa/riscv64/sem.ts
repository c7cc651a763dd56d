/**
 * What an instruction definition is written in: the same idea as isa/x86_64/sem.ts, where it is explained, for an
 * instruction set without flags and with operands that are all registers or constants.
 *
 * Rules that every definition keeps: all that may trap comes before the first change of registers or memory; what `x`, `f64`
 * and the like return is evaluated, everything computed from it is a tree (wasm/expr.ts); `setX` and `setF` come last, as the
 * destination may be a source.
 */
import type { Trap } from "../../core.ts";
import type { F32, F64, I32, I64 } from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import type { HostImport } from "../common.ts";

export type Source = "rs1" | "rs2" | "rs3";

export interface Sem {
  readonly f: FunctionBuilder;
  /**
   * Of an instruction that rounds, as its form says: by the rounding mode in frm, by one in the instruction, and by the one
   * that is in the instruction most often where integers are made, towards zero.
   */
  readonly rounding: "dynamic" | "static" | "zero";

  /** An integer register, its lower half. Evaluated. */
  x(n: Source): I64;
  w(n: Source): I32;
  /** Stores to rd: 64 bits, 32 bits sign-extended. */
  setX(value: I64): void;
  setW(value: I32): void;
  /** The immediate, sign-extended, its lower half: as the encoding has it, but for li, where it is all of the constant. */
  imm(): I64;
  imm32(): I32;
  /** The number of register rs1, which is also where an immediate of 5 bits is. */
  rs1Number(): I32;
  /** The static rounding mode (0 to 4): of forms that have one. */
  rm(): I32;

  /** All bits of a floating-point register. Evaluated. */
  bits(n: Source): I64;
  setBits(value: I64): void;
  /** As a double. */
  f64(n: Source): F64;
  setF64(value: F64): void;
  /** As a float, the canonical NaN if it is not boxed. */
  f32(n: Source): F32;
  /** Its bits. */
  f32Bits(n: Source): I32;
  /** Stores a float, boxed. */
  setF32(value: F32): void;
  setF32Bits(value: I32): void;

  /** a * b + c with one rounding, to nearest, where the engine has that as an operation. */
  fused64?(a: F64, b: F64, c: F64): F64;
  fused32?(a: F32, b: F32, c: F32): F32;
  /** What vtype is here, most likely: where that is known, an instruction may be done in place (vector/inline.ts). */
  readonly vtype?: number | undefined;
  /** FP_CAREFUL of the context: not 0 where rounding mode and flags have to be looked at (float-soft.ts). */
  careful(): I32;
  /**
   * What seldom has to be done, before the first change of state: an engine that has it done elsewhere leaves instead.
   */
  rarely(condition: I32, body: () => void): void;

  /**
   * Checks that `bytes` bytes at a guest address may be read, or traps with a page fault. The result is what wasm loads
   * take as their address together with the static offset BIAS (mm/layout.ts).
   */
  readable(address: I64, bytes: number): I32;
  /** The same for writing. */
  writable(address: I64, bytes: number): I32;
  /** Traps with Misaligned unless the guest address is a multiple of `alignment` (a power of two). */
  aligned(address: I64, alignment: number): void;

  /** Address of this instruction and of the next. */
  pc(): I64;
  nextPc(): I64;
  /** Leaves with a trap, the pc at this instruction. What follows in the same branch is not executed. */
  trap(trap: Trap): void;
  /** Leaves with a trap, this instruction done: the pc is at the next. */
  trapAfter(trap: Trap): void;
  /** Before the first change of state: a computed address is one that `jump` may be given. */
  checkTarget(target: I64): void;
  /** Continues at the direct branch's target, or at a computed address, which is even. What follows is not executed. */
  jump(target?: I64): void;
  /** The same by an instruction that may lead to the same place each time: no return. */
  computed(target: I64): void;
  /** Ends the instruction early: the next one follows. */
  done(): void;
}

export type Definition = (s: Sem) => void;

/** A family of instructions: rows of the encoding table (table.ts) and a definition for each mnemonic in them. */
export interface Family {
  readonly name: string;
  readonly table: string;
  /** Mnemonics without an encoding of their own: what the decoder makes of special cases. */
  readonly aliases?: readonly string[];
  readonly imports?: readonly HostImport[];
  define(module: ModuleBuilder, imports: Readonly<Record<string, FunctionRef>>): Readonly<Record<string, Definition>>;
}
