/**
 * What is known of addresses along a straight run of code: general registers as some value plus a constant, and which
 * bytes around such values were found accessible.
 *
 * What the page table allows changes only outside of translated code, so a check holds until that is left.
 */
import type { Origin } from "../wasm/expr.ts";

/** The name of the value that the stack pointer had where the region was entered; names of values met later are not negative. */
export const FRAME = -2;
/** Names below this one are those of what the registers held at the start. */
const FIRST_NAME = 32;

/** Bytes around FRAME that were found writable. */
export interface Frame {
  readonly low: number;
  readonly high: number;
}

interface Checked {
  readonly low: number;
  readonly high: number;
  readonly write: boolean;
}

/** base + (index << scale), of values by name; no base is -1. */
export interface Sum {
  readonly base: number;
  readonly index: number;
  readonly scale: number;
}

export class Symbols {
  #registers: (Origin | undefined)[] = [];
  readonly #checked = new Map<number, Checked[]>();
  /** Sums of two registers, by what they are made of; and what they are made of, by name. */
  readonly #sums = new Map<string, number>();
  readonly #parts = new Map<number, Sum>();
  #names = FIRST_NAME;
  /** What an instruction set knows besides, along the same code. */
  besides: { copy(): NonNullable<Symbols["besides"]> } | undefined;

  /** @param offsets of registers that hold FRAME plus something */
  constructor(frame?: Frame, offsets: readonly (number | undefined)[] = []) {
    for (let n = 0; n < FIRST_NAME; n++) {
      const plus = offsets[n];
      this.#registers[n] = plus === undefined ? { name: n, plus: 0 } : { name: FRAME, plus };
    }
    if (frame !== undefined) this.#checked.set(FRAME, [{ ...frame, write: true }]);
  }

  #fresh(): Origin {
    return { name: this.#names++, plus: 0 };
  }

  /** What a general register holds. */
  register(n: number): Origin {
    return (this.#registers[n] ??= this.#fresh());
  }
  /** It was changed: to a sum, or something not known. */
  assign(n: number, origin: Origin | undefined): void {
    this.#registers[n] = origin;
  }
  /** base + (index << scale). */
  sum(base: Origin, index: Origin, scale: number): Origin {
    const key = `${base.name} ${index.name} ${scale}`;
    let name = this.#sums.get(key);
    if (name === undefined) {
      name = this.#names++;
      this.#sums.set(key, name);
      this.#parts.set(name, { base: base.name, index: index.name, scale });
    }
    return { name, plus: base.plus + index.plus * 2 ** scale };
  }
  /** By name. */
  get sums(): ReadonlyMap<number, Sum> {
    return this.#parts;
  }
  /** index << scale */
  scaled(index: Origin, scale: number): Origin {
    return this.sum({ name: -1, plus: 0 }, index, scale);
  }

  isChecked({ name, plus }: Origin, low: number, high: number, write: boolean): boolean {
    const known = this.#checked.get(name);
    if (known === undefined) return false;
    return known.some((c) => c.low <= plus + low && plus + high <= c.high && (c.write || !write));
  }
  check({ name, plus }: Origin, low: number, high: number, write: boolean): void {
    const known = this.#checked.get(name) ?? [];
    known.push({ low: plus + low, high: plus + high, write });
    this.#checked.set(name, known);
  }

  /** The same knowledge, to go on from. */
  copy(): Symbols {
    const other = new Symbols();
    other.#registers = [...this.#registers];
    for (const [name, list] of this.#checked) other.#checked.set(name, [...list]);
    for (const [key, name] of this.#sums) other.#sums.set(key, name);
    for (const [name, parts] of this.#parts) other.#parts.set(name, parts);
    other.#names = this.#names;
    other.besides = this.besides?.copy();
    return other;
  }
}
