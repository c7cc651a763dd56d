/**
 * Random expressions. Each is defined for all values of its operands, given that programs are compiled with -fwrapv: shift
 * counts are masked, divisors looked at, indexes masked. What C leaves to the implementation (a float that an integer
 * type cannot hold) is welcome: native run and tsrcore execute the same machine code.
 */
import type { Random } from "../insn/random.ts";
import { floating, integer, literal, type Scalar, scalar } from "./types.ts";

export interface Place {
  readonly text: string;
  readonly type: Scalar;
  /** A bit-field has no address; a loop's counter must not be assigned to. */
  readonly limits: "none" | "no-address" | "read-only";
}

export interface ArrayPlace {
  readonly name: string;
  readonly type: Scalar;
  /** A power of two. */
  readonly length: number;
}

export interface StructType {
  readonly name: string;
  readonly fields: readonly (Scalar & { readonly field: string; readonly width?: number })[];
}

export type Type = { readonly scalar: Scalar } | { readonly struct: StructType };

export interface FunctionType {
  readonly name: string;
  readonly result: Type;
  readonly parameters: readonly Type[];
}

export interface StructPlace {
  readonly text: string;
  readonly type: StructType;
}

/** What an expression may name. */
export interface Scope {
  readonly places: Place[];
  readonly arrays: ArrayPlace[];
  readonly structs: StructPlace[];
  readonly strings: string[];
  readonly functions: FunctionType[];
  /** Arrays of pointers to functions from i32 and i64 to i64. */
  readonly tables: string[];
}

export function inner(scope: Scope): Scope {
  return { ...scope, places: [...scope.places], arrays: [...scope.arrays], structs: [...scope.structs] };
}

const COMPARISONS = ["<", "<=", ">", ">=", "==", "!="];

export class Expressions {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A place that may be read. */
  place(scope: Scope): Place {
    const random = this.#random;
    const choice = random.below(10);
    if (choice < 5 && scope.places.length > 0) return random.pick(scope.places);
    if (choice < 8 && scope.arrays.length > 0) {
      const array = random.pick(scope.arrays);
      return { text: this.at(scope, array), type: array.type, limits: "none" };
    }
    if (scope.structs.length > 0) {
      const struct = random.pick(scope.structs);
      const field = random.pick(struct.type.fields);
      const limits = field.width === undefined ? "none" : "no-address";
      return { text: `${struct.text}.${field.field}`, type: field, limits };
    }
    return random.pick(scope.places);
  }

  /** A place that may be written. */
  target(scope: Scope): Place {
    for (;;) {
      const place = this.place(scope);
      if (place.limits !== "read-only") return place;
    }
  }

  /** An element of an array. */
  at(scope: Scope, array: ArrayPlace): string {
    const random = this.#random;
    if (random.oneIn(3)) return `${array.name}[${random.below(array.length)}]`;
    const index = `((u32)(${this.value(scope, integer(random), 1)}) & ${array.length - 1})`;
    return random.oneIn(3) ? `*(${array.name} + ${index})` : `${array.name}[${index}]`;
  }

  /** An expression that converts to `type`; its own type may be another one. */
  value(scope: Scope, type: Scalar, depth: number): string {
    const random = this.#random;
    if (depth <= 0 || random.oneIn(6)) {
      if (random.oneIn(3)) return literal(random, type);
      const { text, type: from } = this.place(scope);
      return from.name === type.name ? text : `(${type.name})${text}`;
    }
    return type.kind === "int" ? this.#integer(scope, type, depth - 1) : this.#float(scope, type, depth - 1);
  }

  /** 0 or 1. */
  condition(scope: Scope, depth: number): string {
    const random = this.#random;
    const type = scalar(random);
    const value = (): string => this.value(scope, type, depth - 1);
    switch (random.below(6)) {
      case 0:
        return `(${this.value(scope, integer(random), depth - 1)}) & 1`;
      case 1:
        return depth > 0
          ? `(${this.condition(scope, depth - 1)}) ${random.pick(["&&", "||"])} (${this.condition(scope, depth - 1)})`
          : `(${value()}) != 0`;
      case 2:
        return `!(${value()})`;
      default:
        return `(${value()}) ${random.pick(COMPARISONS)} (${this.value(scope, random.oneIn(4) ? scalar(random) : type, depth - 1)})`;
    }
  }

  #call(scope: Scope, depth: number): string | undefined {
    const random = this.#random;
    if (scope.tables.length > 0 && random.oneIn(4)) {
      const value = (type: Scalar): string => this.value(scope, type, depth - 1);
      return `${random.pick(scope.tables)}[(${value(integer(random))}) & 3](${value(integer(random))}, ${value(integer(random))})`;
    }
    if (scope.functions.length === 0) return undefined;
    const { name, parameters, result } = random.pick(scope.functions);
    const call = `${name}(${parameters.map((p) => this.argument(scope, p, depth - 1)).join(", ")})`;
    return "scalar" in result ? call : `${call}.${random.pick(result.struct.fields).field}`;
  }

  argument(scope: Scope, type: Type, depth: number): string {
    if ("scalar" in type) return this.value(scope, type.scalar, depth);
    const known = scope.structs.filter((s) => s.type === type.struct);
    if (known.length > 0 && !this.#random.oneIn(4)) return this.#random.pick(known).text;
    return `(struct ${type.struct.name}){${type.struct.fields.map((f) => this.value(scope, f, 0)).join(", ")}}`;
  }

  #integer(scope: Scope, type: Scalar, depth: number): string {
    const random = this.#random;
    const t = type.name;
    const same = (): string => `(${this.value(scope, type, depth)})`;
    // Of some other width and signedness: C's own conversions are part of the test.
    const other = (): string => `(${this.value(scope, random.oneIn(2) ? type : integer(random), depth)})`;
    const promoted = Math.max(type.bits, 32) - 1;
    const count = (): string => (random.oneIn(2) ? String(random.below(promoted + 1)) : `(${other()} & ${promoted})`);
    const narrow = random.pick(["u32", "u64"]);
    const builtin = narrow === "u64" ? "ll" : "";
    switch (random.below(26)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return `${other()} ${random.pick(["+", "-"])} ${other()}`;
      case 4:
      case 5:
        return `${other()} * ${other()}`;
      case 6:
      case 7:
        return `${other()} ${random.pick(["&", "|", "^"])} ${other()}`;
      case 8:
        return `${random.pick(["DIV", "MOD"])}(${other()}, ${other()})`;
      case 9:
        return `DIV(${other()}, ${literal(random, type)})`;
      case 10:
        return `(${t})${same()} << ${count()}`;
      case 11:
        return `(${t})${same()} >> ${count()}`;
      case 12:
        return `${random.pick(["-", "~", "!"])}${other()}`;
      case 13:
        return this.condition(scope, depth);
      case 14:
        return `(${this.condition(scope, depth)}) ? ${other()} : ${other()}`;
      case 15:
        return `(${t})(${this.value(scope, floating(random), depth)})`;
      case 16:
        return `__builtin_popcount${builtin}((${narrow})${other()})`;
      case 17:
        return `__builtin_${random.pick(["clz", "ctz"])}${builtin}((${narrow})${other()} | ${literal(random, type)} | 1)`;
      case 18:
        return `__builtin_bswap${random.pick(["16", "32", "64"])}(${other()})`;
      case 19: {
        // The compiler knows this for a rotation.
        const n = 1 + random.below(narrow === "u64" ? 63 : 31);
        const x = `(${narrow})${same()}`;
        return `(${x} << ${n} | ${x} >> ${(narrow === "u64" ? 64 : 32) - n})`;
      }
      case 20:
        return `${random.pick(["ADD", "SUB", "MUL"])}_OVERFLOW(${type.bits === 128 ? "i64" : t}, ${other()}, ${other()})`;
      case 21:
        return `(${t})(${integer(random).name})${other()}`;
      case 22:
        return `__builtin_${random.pick(["parity", "ffs"])}${builtin}(${other()})`;
      case 23: {
        if (scope.strings.length === 0) return same();
        const string = random.pick(scope.strings);
        return random.pick([`strlen(${string})`, `(u8)*${string}`, `(strcmp(${string}, "mnopq") < 0)`]);
      }
      default: {
        const call = this.#call(scope, depth);
        return call === undefined ? `${other()} + ${other()}` : `(${t})${call}`;
      }
    }
  }

  #float(scope: Scope, type: Scalar, depth: number): string {
    const random = this.#random;
    const suffix = type.bits === 32 ? "f" : type.bits === 80 ? "l" : "";
    const same = (): string => `(${this.value(scope, type, depth)})`;
    const other = (): string => `(${this.value(scope, random.oneIn(3) ? floating(random) : type, depth)})`;
    switch (random.below(18)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return `${other()} ${random.pick(["+", "-"])} ${other()}`;
      case 4:
      case 5:
      case 6:
        return `${other()} * ${other()}`;
      case 7:
        return `${other()} / ${other()}`;
      case 8:
        return `-${other()}`;
      case 9:
        return `(${type.name})(${this.value(scope, integer(random), depth)})`;
      case 10:
        return `(${this.condition(scope, depth)}) ? ${other()} : ${other()}`;
      case 11:
        return `${random.pick(["sqrt", "fabs", "floor", "ceil", "trunc", "rint", "round"])}${suffix}(${same()})`;
      case 12:
        return `${random.pick(["fmin", "fmax", "copysign", "fmod", "hypot", "fdim"])}${suffix}(${same()}, ${same()})`;
      case 13:
        return `fma${suffix}(${same()}, ${same()}, ${same()})`;
      case 14:
        return `${random.pick(["sin", "cos", "exp", "log", "atan", "tanh", "cbrt", "exp2", "log1p"])}${suffix}(${same()})`;
      case 15:
        return `ldexp${suffix}(${same()}, (i32)((${this.value(scope, integer(random), depth)}) & 63) - 32)`;
      default: {
        // Two calls that give integers would be divided as such.
        const call = this.#call(scope, depth);
        return call === undefined ? same() : `(${type.name})${call}`;
      }
    }
  }
}
