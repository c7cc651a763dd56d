/**
 * Instruction definitions instantiated for the translator: operands are known, registers are locals. What is here is common
 * to all instruction sets; each has a class of its own on top (<isa>/region-sem.ts).
 *
 * The same class serves to analyse an instruction and to translate it. Either way the definition is run; what it touches
 * is noted in `effects`, and how it leaves is up to the `Exits` given. (For the analysis the code goes to a function that
 * is thrown away.)
 *
 * Whatever may trap leaves with the state before the instruction, and the interpreter executes it again: so a fault costs
 * nothing here but its check, and there is one place where faults are made.
 */
import { PAGE_SIZE, PAGE_TABLE, PageBits } from "../../mm/layout.ts";
import type { Trap } from "../core.ts";
import { type I32, type I64, i32, i64, type Origin, withOrigin } from "../wasm/expr.ts";
import type { FunctionBuilder } from "../wasm/module.ts";
import type { Instruction } from "./instruction.ts";
import type { KnownFlags } from "./known-flags.ts";
import { bit, CAREFUL, type State, type StateSet } from "./state.ts";
import type { Symbols } from "./symbols.ts";

const ZERO = i32.const(0);

/** What an instruction does to the state. */
export class Effects {
  uses: StateSet = 0n;
  /** Changed in any way; changed entirely and on every path. */
  writes: StateSet = 0n;
  kills: StateSet = 0n;
  /** Leaves for the interpreter, and what it may have changed by then. */
  exits = false;
  exitWrites: StateSet = 0n;
  endsEarly = false;
  /** May be done and then leave for the kernel, though others follow it. */
  trapsAfter = false;
  /** Sets CC_AUX; CC_PREVIOUS and CC_STEPPED. */
  aux = false;
  steps = false;
  /** Asks whether MXCSR matters. */
  careful = false;
  /** Its code loops. */
  loops = false;
  /** Where it changes the flags: what they are known to be after it, if CC_PREVIOUS is left out. */
  flags: KnownFlags | undefined;
}

/** A memory access of an instruction, as far as it is known where. */
export interface Access {
  readonly origin: Origin | undefined;
  readonly bytes: number;
  readonly write: boolean;
}
/** What is checked for an access: bytes around its address. */
export interface Span {
  readonly low: number;
  readonly high: number;
  readonly write: boolean;
}

export interface Exits {
  /** The interpreter is to execute this instruction. */
  side(sem: RegionSem): void;
  /** The same, where the region could have done it, were it not lean. */
  rare(sem: RegionSem): void;
  /** This instruction is done, and the kernel is wanted. */
  trapAfter(sem: RegionSem, trap: Trap): void;
  direct(sem: RegionSem, target: number): void;
  indirect(sem: RegionSem, target: I64): void;
  done(sem: RegionSem): void;
}

/** What an instruction is run with. */
export interface Surroundings {
  readonly exits: Exits;
  /** What is known of addresses; changed along. */
  readonly symbols: Symbols;
  /** For each of its accesses, or none. */
  readonly spans: readonly Span[];
  /** What is known of the flags before the instruction. */
  readonly known: KnownFlags | undefined;
  /** Whoever asks about the flags next asks after another instruction has set them. */
  readonly flagsDead: boolean;
  /** Which kinds of flags (state.ts) somebody asks about before that. */
  readonly flagsWanted: StateSet;
  /** Whether its result is a NaN, another instruction finds out (chains.ts). */
  readonly untested: boolean;
}

export abstract class RegionSem {
  readonly f: FunctionBuilder;
  readonly instruction: Instruction;
  readonly effects: Effects = new Effects();
  readonly accesses: Access[] = [];
  protected readonly symbols: Symbols;
  readonly #state: State;
  readonly #spans: readonly Span[];
  readonly #untested: boolean;
  readonly #exits: Exits;
  /** Block nesting where the instruction begins: what is done deeper in may not be done. */
  readonly #depth: number;

  constructor(state: State, instruction: Instruction, { exits, symbols, spans, untested }: Surroundings) {
    this.symbols = symbols;
    this.#untested = untested;
    this.#spans = spans;
    this.#state = state;
    this.f = state.f;
    this.instruction = instruction;
    this.#exits = exits;
    this.#depth = this.f.depth;
  }

  /** Translates the instruction. */
  abstract run(): void;
  /** What is known of the flags so far. */
  get knownFlags(): KnownFlags | undefined {
    return undefined;
  }

  uses(n: number): void {
    if ((this.effects.kills & bit(n)) === 0n) this.effects.uses |= bit(n);
  }
  writes(n: number, entirely: boolean): void {
    const { effects } = this;
    effects.writes |= bit(n);
    if (!entirely) this.uses(n);
    else if (this.isCertain) effects.kills |= bit(n);
  }
  /** Changed in part, or maybe: what it was before is wanted if, and only if, what it is then is. */
  merges(n: number): void {
    this.effects.writes |= bit(n);
  }
  /** Whatever it was before is gone. */
  kills(n: number): void {
    if (this.isCertain) this.effects.kills |= bit(n);
  }
  /** What is done here is done whenever the instruction is. */
  get isCertain(): boolean {
    return this.f.depth === this.#depth && !this.effects.endsEarly;
  }

  /** A value that stays what it is when the local changes. */
  protected copy(value: I64): I64 {
    const copy = this.f.local("i64");
    this.f.set(copy, value);
    return withOrigin(copy, value.origin);
  }

  // Memory

  readable(address: I64, bytes: number): I32 {
    return this.#check(address, bytes, PageBits.Read);
  }
  writable(address: I64, bytes: number): I32 {
    return this.#check(address, bytes, PageBits.Write);
  }
  #check(address: I64, bytes: number, allowed: number): I32 {
    const { f } = this;
    if (address.constant !== undefined)
      return this.#checkConstant(BigInt.asUintN(64, address.constant as bigint), bytes, allowed);
    const a = f.let(address);
    const low = f.let(i32.wrap(a));
    let span: Span = { low: 0, high: bytes, write: allowed === PageBits.Write };
    // What is done more than once, or maybe not at all, is checked for itself.
    const origin = this.isCertain ? a.origin : undefined;
    if (this.isCertain) {
      this.accesses.push({ origin, bytes, write: span.write });
      span = this.#spans[this.accesses.length - 1] ?? span;
    }
    if (origin !== undefined) {
      if (this.symbols.isChecked(origin, span.low, span.high, span.write)) {
        this.#mayLeave();
        return low;
      }
      this.symbols.check(origin, span.low, span.high, span.write);
    }
    const page = (offset: number): I32 => i32.shr_u(i32.add(low, i32.const(offset)), i32.const(12));
    const high = i32.wrap(i64.shr_u(a, i64.const(32)));
    const right = span.write ? PageBits.Write : PageBits.Read;
    // Conditions of their own, each a test and a jump: together they would be computed as a number.
    f.if(high, () => this.#side());
    const first = i32.load8_u(page(span.low), PAGE_TABLE);
    const without = (bits: I32, wanted: number, then: () => void): void =>
      f.if(i32.eqz(i32.and(bits, i32.const(wanted))), then);
    if (span.high - span.low === 1) without(first, right, () => this.#side());
    // The bytes may lie in two pages. That the second allows it too is noted with the first.
    else
      without(first, span.write ? PageBits.WriteOn : PageBits.ReadOn, () => {
        const last = i32.load8_u(page(span.high - 1), PAGE_TABLE);
        without(i32.and(first, last), right, () => this.#side());
      });
    return low;
  }
  #checkConstant(address: bigint, bytes: number, allowed: number): I32 {
    const { f } = this;
    if (address > 0xffff_ffffn) {
      this.#side();
      return ZERO;
    }
    const at = Number(address);
    const page = (of: number): I32 => i32.load8_u(i32.const(of >>> 12), PAGE_TABLE);
    const crosses = (at % PAGE_SIZE) + bytes > PAGE_SIZE;
    const both = crosses ? i32.and(page(at), page(at + bytes - 1)) : page(at);
    f.if(i32.eqz(i32.and(both, i32.const(allowed))), () => this.#side());
    return i32.const(at);
  }
  aligned(address: I64, alignment: number): void {
    const low = i32.and(i32.wrap(address), i32.const(alignment - 1));
    this.f.if(low, () => this.#side());
  }

  careful(): I32 {
    this.effects.careful = true;
    // Where the region is entered that was looked at; what changes it is interpreted.
    if (this.#state.lean) return ZERO;
    this.uses(CAREFUL);
    return this.#state.careful;
  }

  rarely(condition: I32, body: () => void): void {
    if (this.#untested) this.#mayLeave();
    else if (!this.excludes(condition)) this.f.if(condition, body);
  }
  excludes(condition: I32): boolean {
    if (!this.#state.lean) return false;
    this.f.if(condition, () => {
      this.#mayLeave();
      this.#exits.rare(this);
    });
    return true;
  }

  // Control

  rip(): I64 {
    return i64.const(this.instruction.rip);
  }
  get next(): number {
    return this.instruction.rip + this.instruction.length;
  }
  nextRip(): I64 {
    return i64.const(this.next);
  }
  #mayLeave(): void {
    this.effects.exits = true;
    this.effects.exitWrites |= this.effects.writes;
  }
  #side(): void {
    this.#mayLeave();
    this.#exits.side(this);
  }
  trap(_trap: Trap): void {
    this.#side();
  }
  trapAfter(trap: Trap): void {
    this.effects.trapsAfter = true;
    this.#exits.trapAfter(this, trap);
  }
  /** No code is at 0, which as a result has another meaning, nor from 4 GiB up. */
  checkTarget(target: I64): void {
    this.f.if(i64.ge_u(i64.sub(target, i64.const(1)), i64.const(0xffff_ffffn)), () => this.#side());
  }
  /** To the instruction's target, or to a computed one. */
  protected leaveTo(target?: I64): void {
    if (target === undefined) this.#exits.direct(this, this.instruction.target);
    else this.#exits.indirect(this, target);
  }
  done(): void {
    this.effects.endsEarly = true;
    this.#exits.done(this);
  }
}
