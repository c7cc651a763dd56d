/** The registers of the two engines in lockstep: all of them, after every instruction. */
import type { GuestMemory } from "../mm/guest-memory.ts";
import { CONTEXT_OFFSET } from "../mm/layout.ts";
import { readFlags } from "./isa/x86_64/arch.ts";
import { ARITHMETIC, MMX, NO_TAGS, X87_CONDITION } from "./isa/x86_64/comparable.ts";
import * as ctx from "./isa/x86_64/context.ts";
import type { RegisterFile } from "./unicorn/registers.ts";

/** What differs, what the engine under test has, what the reference has. */
export type Difference = readonly [what: string, actual: string, expected: string];

/** RFLAGS that are compared: the arithmetic ones, DF, AC, ID. TF is the kernel's. */
const FLAGS = ARITHMETIC | 0x240400;
/** Of MXCSR: all but the exception flags. */
const MXCSR_CONTROL = 0xffc0;
/** IE and SF of the x87's status word: an operand is invalid, or a register is empty that should not be. */
const INVALID = 0x41;
/** The bits of the control word that are not reserved. */
const X87_CONTROL = 0x1f3f;
/** C0, C2 and C3 of the x87's status word: what comparisons set. */
const CONDITION = 0x4500;

/** Word offsets in the context of what is simply equal: general and xmm registers, rip, segment bases. */
const WORDS: Int32Array = Int32Array.from([
  ...range(ctx.GPR, 128),
  ...range(ctx.RIP, 8),
  ...range(ctx.FS_BASE, 8),
  ...range(ctx.GS_BASE, 8),
  ...Array.from({ length: 16 }, (_, i) => range(ctx.YMM + i * ctx.YMM_SIZE, 16)).flat(),
]);
/** The x87's significands. */
const X87_WORDS: Int32Array = Int32Array.from(
  Array.from({ length: 8 }, (_, i) => range(ctx.X87_REGS + i * 16, 8)).flat(),
);
/** The flags are worked out from these: if none has changed, neither have they. */
const LAZY: Int32Array = Int32Array.from(range(ctx.CC_OP, ctx.MXCSR - ctx.CC_OP).concat(range(ctx.CC_STEPPED, 8)));

function range(offset: number, size: number): number[] {
  return Array.from({ length: size / 4 }, (_, i) => offset / 4 + i);
}

export class RegisterComparison {
  /** All that is comparable is equal. */
  equal = true;
  /** The registers are the same to the last bit that instructions see, what is not compared included. */
  identical = true;
  /** An invalid operation of the x87 of which QEMU takes no notice: its registers, and what was stored, are not compared. */
  invalid = false;
  readonly #context: DataView;
  readonly #words: Int32Array;
  /** The flags of the context as last worked out, and from what. */
  readonly #lazy: Int32Array = new Int32Array(LAZY.length);
  #flags = -1;

  constructor(memory: GuestMemory) {
    this.#context = memory.context;
    this.#words = new Int32Array(memory.raw.buffer, CONTEXT_OFFSET, ctx.X86_64_CONTEXT_SIZE / 4);
  }

  /** @param what see comparable.ts */
  compare(expected: RegisterFile, what: number): void {
    const flags = this.#currentFlags() ^ (expected.flags & FLAGS);
    let equal = this.#same(WORDS, expected) && this.#control(this.#context) === this.#control(expected.view);
    this.invalid = (this.#status & ~expected.status & INVALID) !== 0;
    if (!this.invalid) {
      if ((flags & (what | ~ARITHMETIC)) !== 0 || !this.#same(X87_WORDS, expected)) equal = false;
      if ((what & X87_CONDITION) !== 0 && (this.#status ^ expected.status) & CONDITION) equal = false;
    }
    const exponents = this.#sameExponents(expected);
    const tags = this.#context.getUint32(ctx.X87_EMPTY, true) === expected.empty;
    const x87 = exponents && (tags || (what & NO_TAGS) !== 0);
    if ((what & MMX) === 0 && !this.invalid && !x87) equal = false;
    this.equal = equal;
    this.identical = flags === 0 && exponents && tags && !this.invalid;
  }

  #same(words: Int32Array, expected: RegisterFile): boolean {
    const actualWords = this.#words;
    const expectedWords = expected.words;
    let same = true;
    for (let i = 0; i < words.length; i++) {
      const at = words[i] as number;
      if (actualWords[at] !== expectedWords[at]) same = false;
    }
    return same;
  }

  /** What `compare` has found not to be equal. */
  differences(expected: RegisterFile, what: number): Difference[] {
    const context = this.#context;
    const { view } = expected;
    const differences: Difference[] = [];
    const add = (name: string, actual: string, wanted: string): void => {
      if (actual !== wanted) differences.push([name, actual, wanted]);
    };
    const compare = (name: string, offset: number): void => {
      add(name, hex64(context, offset), hex64(view, offset));
    };
    ctx.GPR_NAMES.forEach((name, i) => {
      compare(name, ctx.GPR + i * 8);
    });
    compare("rip", ctx.RIP);
    compare("fs_base", ctx.FS_BASE);
    compare("gs_base", ctx.GS_BASE);
    const hex128 = (v: DataView, at: number): string => hex64(v, at + 8) + hex64(v, at).slice(2);
    for (let i = 0; i < 16; i++) {
      const at = ctx.YMM + i * ctx.YMM_SIZE;
      add(`xmm${i}`, hex128(context, at), hex128(view, at));
    }
    const x87 = (what & MMX) === 0;
    for (let i = 0; i < 8; i++) {
      const at = ctx.X87_REGS + i * 16;
      const text = (v: DataView): string => `${x87 ? hex(v.getUint16(at + 8, true), 4) : ""}:${hex64(v, at)}`;
      add(`x87 register ${i}`, text(context), text(view));
    }
    if (x87) {
      add("x87 top", String(context.getUint32(ctx.X87_TOP, true)), String(expected.top));
      add("x87 empty registers", hex(context.getUint32(ctx.X87_EMPTY, true), 2), hex(expected.empty, 2));
    }
    if ((what & X87_CONDITION) !== 0)
      add("x87 condition", hex(this.#status & CONDITION, 4), hex(expected.status & CONDITION, 4));
    add("x87 control and mxcsr", hex(this.#control(context), 8), hex(this.#control(view), 8));
    const mask = what | ~ARITHMETIC;
    add("rflags", hex(this.#currentFlags() & mask & FLAGS, 3), hex(expected.flags & mask & FLAGS, 3));
    return differences;
  }

  #sameExponents(expected: RegisterFile): boolean {
    const context = this.#context;
    for (let at = ctx.X87_REGS + 8; at < ctx.X87_REGS + 128; at += 16)
      if (context.getUint16(at, true) !== expected.view.getUint16(at, true)) return false;
    return context.getUint32(ctx.X87_TOP, true) === expected.top;
  }

  get #status(): number {
    return this.#context.getUint16(ctx.X87_STATUS, true);
  }

  #control(view: DataView): number {
    return (
      ((view.getUint16(ctx.X87_CONTROL, true) & X87_CONTROL) << 16) | (view.getUint16(ctx.MXCSR, true) & MXCSR_CONTROL)
    );
  }

  #currentFlags(): number {
    const words = this.#words;
    const lazy = this.#lazy;
    let same = this.#flags !== -1;
    for (let i = 0; i < LAZY.length; i++) {
      const word = words[LAZY[i] as number] as number;
      if (lazy[i] !== word) {
        lazy[i] = word;
        same = false;
      }
    }
    if (!same) this.#flags = readFlags(this.#context) & FLAGS;
    return this.#flags;
  }
}

export function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).padStart(digits, "0");
}

export function hex64(view: DataView, offset: number): string {
  return `0x${view.getBigUint64(offset, true).toString(16).padStart(16, "0")}`;
}
