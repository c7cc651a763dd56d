/**
 * Lazy flags: how each flag follows from what the last flag-setting instruction stored.
 *
 * CC_OP is kind * 4 + log2(size). CC_DST holds the result and CC_SRC the second operand, as many bytes as the size has
 * (what is above them is undefined). Kinds, with c the carry taken in (CC_AUX):
 *
 *     Explicit  CC_SRC has the flags themselves
 *     Add       dst = a + src                  Adc   dst = a + src + c
 *     Sub       dst = a - src                  Sbb   dst = a - src - c
 *     Logic     CF = OF = 0
 *     Inc, Dec  CC_STEPPED = a + 1, a - 1; CF is still that of CC_PREVIOUS, for which the other three words are kept
 *     Shl       src is the value before the last single shift: CF its sign bit, OF = sign of (src ^ dst)
 *     Sar       the same for right shifts: CF bit 0 of src, OF = sign of (src ^ dst)
 *     Mul       CF = OF = (src != 0)
 *
 * Values of 1 and 2 bytes are compared by shifting them to the top of an i32, where the order of both signed and
 * unsigned numbers is that of the small ones.
 */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, Label, ModuleBuilder } from "../../wasm/module.ts";
import { CC_AUX, CC_DST, CC_OP, CC_PREVIOUS, CC_SRC, CC_STEPPED } from "./context.ts";
import { FlagKind, type Size, type Word, wordOps } from "./sem.ts";

const KINDS = 11;
const ZERO = i32.const(0);

export function keepsCarry(kind: FlagKind): boolean {
  return kind === FlagKind.Inc || kind === FlagKind.Dec;
}

export function ccOp(kind: FlagKind, size: Size): number {
  return kind * 4 + Math.log2(size);
}

/** What a flag-setting instruction left: in memory, or at hand. */
export interface FlagValues {
  readonly dst: Word;
  readonly src: Word;
  readonly aux: I32;
  /** The first operand, if it is at hand. */
  readonly first?: Word;
  /** CF as CC_PREVIOUS has it. */
  readonly kept: () => I32;
}

/** The values of one kind and size, and the flags that follow from them; each is 0 or 1 (or a whole word for `all`). */
export class LazyFlags {
  readonly kind: FlagKind;
  readonly size: Size;
  readonly dst: Word;
  readonly src: Word;
  readonly aux: I32;
  readonly #kept: () => I32;
  readonly #given: Word | undefined;

  constructor(kind: FlagKind, size: Size, values: FlagValues) {
    this.kind = kind;
    this.size = size;
    this.dst = values.dst;
    this.src = values.src;
    this.aux = values.aux;
    this.#kept = values.kept;
    this.#given = values.first;
  }

  /** Of the values in the context. */
  static inContext(kind: FlagKind, size: Size, kept: () => I32): LazyFlags {
    const w = wordOps(size);
    return new LazyFlags(kind, size, {
      dst: w.load(ZERO, CONTEXT_OFFSET + (keepsCarry(kind) ? CC_STEPPED : CC_DST)),
      src: kind === FlagKind.Explicit ? i32.load(ZERO, CONTEXT_OFFSET + CC_SRC) : w.load(ZERO, CONTEXT_OFFSET + CC_SRC),
      aux: i32.load(ZERO, CONTEXT_OFFSET + CC_AUX),
      kept,
    });
  }

  /** The value moved to the top of its wasm type. */
  #top(value: Word): Word {
    return this.size >= 4 ? value : wordOps(this.size).shl(value, i32.const(32 - 8 * this.size));
  }
  #negative(value: Word): I32 {
    const w = wordOps(this.size);
    return w.lt_s(this.#top(value), w.const(0));
  }
  #carryIn(): Word {
    return this.size === 8 ? i64.extend_i32_u(this.aux) : this.aux;
  }
  /** The first operand. */
  #first(): Word {
    if (this.#given !== undefined) return this.#given;
    const w = wordOps(this.size);
    switch (this.kind) {
      case FlagKind.Add:
        return w.sub(this.dst, this.src);
      case FlagKind.Adc:
        return w.sub(w.sub(this.dst, this.src), this.#carryIn());
      case FlagKind.Sub:
        return w.add(this.dst, this.src);
      default:
        return w.add(w.add(this.dst, this.src), this.#carryIn());
    }
  }
  /** Of explicit flags, which are an i32 whatever the size. */
  #bit(bit: number): I32 {
    return i32.and(i32.shr_u(this.src as I32, i32.const(bit)), i32.const(1));
  }

  carry(): I32 {
    const w = wordOps(this.size);
    const top = (v: Word): Word => this.#top(v);
    switch (this.kind) {
      case FlagKind.Explicit:
        return this.#bit(0);
      case FlagKind.Add:
        return w.lt_u(top(this.dst), top(this.src));
      case FlagKind.Adc:
        return select(this.aux, w.le_u(top(this.dst), top(this.src)), w.lt_u(top(this.dst), top(this.src)));
      case FlagKind.Sub:
        return w.lt_u(top(this.#first()), top(this.src));
      case FlagKind.Sbb:
        return select(this.aux, w.le_u(top(this.#first()), top(this.src)), w.lt_u(top(this.#first()), top(this.src)));
      case FlagKind.Logic:
        return i32.const(0);
      case FlagKind.Inc:
      case FlagKind.Dec:
        return this.#kept();
      case FlagKind.Shl:
        return this.#negative(this.src);
      case FlagKind.Sar:
        return i32.and(this.size === 8 ? i32.wrap(this.src as I64) : (this.src as I32), i32.const(1));
      case FlagKind.Mul:
        return w.ne(top(this.src), w.const(0));
    }
  }
  overflow(): I32 {
    const w = wordOps(this.size);
    const a = this.#first();
    switch (this.kind) {
      case FlagKind.Explicit:
        return this.#bit(11);
      case FlagKind.Add:
      case FlagKind.Adc:
        return this.#negative(w.and(w.xor(a, this.dst), w.xor(this.src, this.dst)));
      case FlagKind.Sub:
      case FlagKind.Sbb:
        return this.#negative(w.and(w.xor(a, this.src), w.xor(a, this.dst)));
      case FlagKind.Logic:
        return i32.const(0);
      case FlagKind.Inc:
        return w.eq(this.#top(this.dst), this.#top(w.const(1n << BigInt(8 * this.size - 1))));
      case FlagKind.Dec:
        return w.eq(this.#top(this.dst), this.#top(w.const((1n << BigInt(8 * this.size - 1)) - 1n)));
      case FlagKind.Shl:
      case FlagKind.Sar:
        return this.#negative(w.xor(this.src, this.dst));
      case FlagKind.Mul:
        return this.carry();
    }
  }
  zero(): I32 {
    if (this.kind === FlagKind.Explicit) return this.#bit(6);
    if (this.size >= 4) return wordOps(this.size).eqz(this.dst);
    return i32.eqz(i32.and(this.dst as I32, i32.const(2 ** (8 * this.size) - 1)));
  }
  sign(): I32 {
    if (this.kind === FlagKind.Explicit) return this.#bit(7);
    return this.#negative(this.dst);
  }
  parity(): I32 {
    if (this.kind === FlagKind.Explicit) return this.#bit(2);
    const low = i32.and(this.size === 8 ? i32.wrap(this.dst as I64) : (this.dst as I32), i32.const(0xff));
    return i32.eqz(i32.and(i32.popcnt(low), i32.const(1)));
  }
  adjust(): I32 {
    const w = wordOps(this.size);
    const low = this.size === 8 ? i32.wrap(this.dst as I64) : (this.dst as I32);
    const nibble = i32.and(low, i32.const(15));
    switch (this.kind) {
      case FlagKind.Explicit:
        return this.#bit(4);
      case FlagKind.Add:
      case FlagKind.Adc:
      case FlagKind.Sub:
      case FlagKind.Sbb: {
        const mixed = w.xor(w.xor(this.dst, this.src), this.#first());
        const narrow = this.size === 8 ? i32.wrap(mixed as never) : (mixed as I32);
        return i32.and(i32.shr_u(narrow, i32.const(4)), i32.const(1));
      }
      case FlagKind.Inc:
        return i32.eqz(nibble);
      case FlagKind.Dec:
        return i32.eq(nibble, i32.const(15));
      default:
        return i32.const(0);
    }
  }
  belowOrEqual(): I32 {
    const w = wordOps(this.size);
    if (this.kind === FlagKind.Sub) return w.le_u(this.#top(this.#first()), this.#top(this.src));
    return i32.or(this.carry(), this.zero());
  }
  less(): I32 {
    const w = wordOps(this.size);
    if (this.kind === FlagKind.Sub) return w.lt_s(this.#top(this.#first()), this.#top(this.src));
    return i32.ne(this.sign(), this.overflow());
  }
  lessOrEqual(): I32 {
    const w = wordOps(this.size);
    if (this.kind === FlagKind.Sub) return w.le_s(this.#top(this.#first()), this.#top(this.src));
    return i32.or(this.zero(), this.less());
  }
  /** Condition code 0..15. */
  condition(code: number): I32 {
    const holds = [
      this.overflow,
      this.carry,
      this.zero,
      this.belowOrEqual,
      this.sign,
      this.parity,
      this.less,
      this.lessOrEqual,
    ][code >> 1]?.call(this) as I32;
    return (code & 1) !== 0 ? i32.eqz(holds) : holds;
  }
  all(): I32 {
    if (this.kind === FlagKind.Explicit) return this.src as I32;
    const at = (flag: I32, bit: number): I32 => i32.shl(flag, i32.const(bit));
    return [
      at(this.parity(), 2),
      at(this.adjust(), 4),
      at(this.zero(), 6),
      at(this.sign(), 7),
      at(this.overflow(), 11),
    ].reduce((sum, flag) => i32.or(sum, flag), this.carry());
  }
}

export interface FlagFunctions {
  /** () -> i32, for the even condition codes o b e be s p l le; index code >> 1. */
  readonly conditions: readonly FunctionRef[];
  /** () -> i32: the six flags. */
  readonly all: FunctionRef;
  /** () -> i32: CF as it follows from CC_PREVIOUS. */
  readonly kept: FunctionRef;
}

/** Adds the functions that work flags out to a module. */
export function defineFlags(module: ModuleBuilder): FlagFunctions {
  const evaluator = (name: string, value: (flags: LazyFlags) => I32): FunctionRef =>
    module.func(name, [], ["i32"], (f) => switchOnOp(f, CC_OP, () => f.call("i32", kept, []), value));
  // CC_PREVIOUS is never an inc or dec itself.
  const never = (): I32 => i32.const(0);
  const kept = module.func("flag_kept_b", [], ["i32"], (f) => switchOnOp(f, CC_PREVIOUS, never, (l) => l.carry()));
  return {
    conditions: [
      evaluator("flag_o", (l) => l.overflow()),
      evaluator("flag_b", (l) => l.carry()),
      evaluator("flag_e", (l) => l.zero()),
      evaluator("flag_be", (l) => l.belowOrEqual()),
      evaluator("flag_s", (l) => l.sign()),
      evaluator("flag_p", (l) => l.parity()),
      evaluator("flag_l", (l) => l.less()),
      evaluator("flag_le", (l) => l.lessOrEqual()),
    ],
    all: evaluator("flags_all", (l) => l.all()),
    kept,
  };
}

function switchOnOp(f: FunctionBuilder, op: number, kept: () => I32, value: (flags: LazyFlags) => I32): void {
  const labels: Label[] = [];
  const open = (i: number): void => {
    if (i < 0) {
      const byOp = labels.slice().reverse();
      f.brTable(i32.load(ZERO, CONTEXT_OFFSET + op), byOp, byOp[0] as Label);
      return;
    }
    f.block((end) => {
      labels.push(end);
      open(i - 1);
    });
    f.return(value(LazyFlags.inContext((i >> 2) as FlagKind, (1 << (i & 3)) as Size, kept)));
  };
  open(KINDS * 4 - 1);
  f.unreachable();
}
