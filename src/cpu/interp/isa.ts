/**
 * What the interpreter has to know of an instruction set: one object for the generator of its module, with all
 * instruction definitions, and a small one for the engine, which most runs get by with. Each instruction set has both in a
 * folder here, beside what they are made of.
 *
 * What all share: records of 16 bytes with the handler's number first (layout.ts), the word at R_IMM of a branch being the
 * record of its target; the place of the pc in the context; handlers by the text of their form. A form is a mnemonic,
 * perhaps with operands behind a colon; `a|b` are two records that run as one, `a+cc` is one with the conditional branch
 * `jcc:j` after it.
 */
import type { IsaName } from "../core.ts";
import type { HostImport } from "../isa/common.ts";
import type { I32, I64 } from "../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, Local, ModuleBuilder } from "../wasm/module.ts";
import type { HandlerList } from "./handlers.ts";

/** Functions that every handler may call. */
export interface CoreFunctions {
  /** (pc, address i64, bytes, access) -> 0: leaves with the page fault or general protection that an access raises. */
  readonly fault: FunctionRef;
  /** (pc, trap) -> 0: leaves with a trap, pc at the instruction. */
  readonly raise: FunctionRef;
  /** (pc, trap) -> 0: leaves with a trap, pc after the instruction. */
  readonly raiseAfter: FunctionRef;
  /** (address i64) -> record, or 0 with the trap Lookup stored. */
  readonly find: FunctionRef;
  /** (pc, address i64) -> 0: notes where a computed call or jump leads (CALL_SITES). */
  readonly note: FunctionRef;
}

/** How a handler ends. Each ends the control flow of the branch it is used in. */
export interface HandlerEnd {
  /** The following record. */
  next(): void;
  /** Another record: a taken branch. */
  to(record: I32): void;
  /** A call of a function that stores a trap and returns 0. */
  leave(result: I32): void;
  /** The record for a guest address. */
  found(address: I64): void;
}

/** Emits the code for the record at `pc`, up to but not including `end.next()`; of several, `pc` ends at the last. */
export type EmitHandler = (f: FunctionBuilder, pc: Local<"i32">, form: string, end: HandlerEnd) => void;

/** Encoding table's lines by a key that the decoder computes from an instruction. */
export type Lines = Readonly<Record<string, readonly string[]>>;

/** For the generator of the module. */
export interface ProgramIsa {
  readonly name: IsaName;
  readonly imports: readonly HostImport[];
  /** Addresses have to be canonical, that is bits 47 to 63 equal: accesses to others are no page faults. */
  readonly canonical: boolean;
  /** All forms, in the order of their handlers' numbers: those in the main loop, and the others. */
  forms(): { inline: string[]; outlined: string[] };
  lines(): Lines;
  /** Adds to the module what definitions need. `core` defines the functions that every handler may call; it is called once. */
  define(module: ModuleBuilder, imports: Readonly<Record<string, FunctionRef>>, core: () => CoreFunctions): EmitHandler;
}

/** Decodes one instruction at a time and writes its records. One for all address spaces of an engine. */
export interface RecordDecoder {
  /** False if there is no such instruction. The decoder may look at 16 bytes. */
  decode(code: Uint8Array, view: DataView, at: number): boolean;
  /** Of the instruction, in bytes, also of one that does not exist. */
  readonly length: number;
  /** The instruction after it in memory is never reached by falling through. */
  readonly ends: boolean;
  /** A direct branch leads here; otherwise not a number. */
  readonly target: number;
  /**
   * Writes the records of the instruction; words 2 and 3 of a direct branch are 0.
   * @param words the whole memory
   * @param record where to begin
   * @returns its last record: there may be others before it that prepare something
   */
  write(words: Int32Array, record: number): number;
}

/** For the engine. */
export interface RuntimeIsa {
  readonly name: IsaName;
  /** Context offset of the word that is not 0 once floating-point arithmetic has to look at rounding mode and flags. */
  readonly carefulAt: number;
  /** Puts what the engine needs into a context that was cleared. Called whenever it begins to run, or to do a single step. */
  prepare(context: DataView, stepping: boolean): void;
  /** Whether a fetch from an address that has no page byte is a page fault, and not a general protection fault. */
  canonical(address: bigint): boolean;
  decoder(lines: Lines, handlers: HandlerList): RecordDecoder;
}
