/** Loops over arrays, as compilers turn them into vector code, and GCC's own vector types. */
import type { Random } from "../insn/random.ts";
import type { ArrayPlace, Expressions, Scope } from "./expressions.ts";
import { type Scalar, scalar } from "./types.ts";

export class Kernels {
  readonly #random: Random;
  readonly #expressions: Expressions;

  constructor(random: Random, expressions: Expressions) {
    this.#random = random;
    this.#expressions = expressions;
  }

  /** A loop over arrays with a body that has no control flow but what a vector select can do. */
  loop(scope: Scope, name: string): string {
    const random = this.#random;
    const target = random.pick(scope.arrays);
    const first = random.pick(scope.arrays);
    const second = random.pick(scope.arrays.filter((array) => array.type.kind === first.type.kind));
    const length = Math.min(target.length, first.length, second.length);
    const constant = this.#expressions.value(scope, first.type, 1);
    const from = random.oneIn(4) ? random.below(4) : 0;
    const head = random.oneIn(5)
      ? `for (i32 i = ${length - 1}; i >= ${from}; i--)`
      : `for (i32 i = ${from}; i < ${length}; i += ${random.pick([1, 1, 1, 2, 3])})`;
    const k = `k_${name}`;
    const a = `${first.name}[${this.#index(first)}]`;
    const b = random.oneIn(3) ? k : `${second.name}[${this.#index(second)}]`;
    const declared = `const ${first.type.name} ${k} = (${first.type.name})(${constant});`;
    if (random.oneIn(3)) return `{ ${declared} ${this.#reduction(scope, head, a, b)} }`;
    return `{ ${declared} ${head} ${target.name}[i] = ${this.#elementwise(target.type, first.type, a, b)}; }`;
  }

  #index(array: ArrayPlace): string {
    const random = this.#random;
    if (!random.oneIn(4)) return "i";
    const mask = array.length - 1;
    return random.pick([
      `i ^ 1`,
      `(i * ${1 + random.below(8)} + ${random.below(8)}) & ${mask}`,
      `${mask} - (i & ${mask})`,
    ]);
  }

  #elementwise(to: Scalar, from: Scalar, a: string, b: string): string {
    const random = this.#random;
    if (from.kind === "float" || to.kind === "float" || random.oneIn(2)) {
      const root = from.kind === "float" ? (from.bits === 32 ? `sqrtf(${a})` : `sqrt(${a})`) : `${a} + i`;
      return random.pick([
        `(${to.name})(${a} ${random.pick(["+", "-", "*"])} ${b})`,
        `(${to.name})(${a} * ${b} + ${a})`,
        `${a} < ${b} ? ${a} : ${b}`,
        `(${to.name})(${a} > ${b} ? ${a} : ${b} + 1)`,
        `${a} == ${b}`,
        `(${to.name})-${a}`,
        `(${to.name})(${a} < 0 ? -${a} : ${a})`,
        `(${to.name})i`,
        `(${to.name})(${root})`,
        from.kind === "float" ? `(${to.name})(${a} / ${b})` : `(${to.name})DIV(${a}, 7)`,
      ]);
    }
    const count = from.bits > 32 ? 63 : 31;
    return random.pick([
      `(${to.name})(${a} ${random.pick(["&", "|", "^"])} ${b})`,
      `(${to.name})(${a} << ${random.below(from.bits)})`,
      `(${to.name})(${a} >> ${random.below(from.bits)})`,
      `(${to.name})(${a} >> (i & ${count}))`,
      `(${to.name})(${a} << ((u32)${b} & ${count}))`,
      `(${to.name})~${a}`,
      `(${to.name})((${a} + ${b} + 1) >> 1)`,
      `(${to.name})(((i64)${a} * (i64)${b}) >> 16)`,
      `(${to.name})((i32)${a} + ${b} > 255 ? 255 : (i32)${a} + ${b} < 0 ? 0 : (i32)${a} + ${b})`,
      `(${to.name})(${a} ? ${b} : i)`,
      `(${to.name})__builtin_bswap32((u32)${a})`,
      `(${to.name})__builtin_popcount((u32)${a})`,
    ]);
  }

  #reduction(scope: Scope, head: string, a: string, b: string): string {
    const random = this.#random;
    const place = this.#expressions.target(scope);
    const type = scalar(random).name;
    const body = random.pick([
      `s_ += (${type})${a};`,
      `s_ += (${type})${a} * (${type})${b};`,
      `s_ = (${type})${a} < s_ ? (${type})${a} : s_;`,
      `s_ = (${type})${a} > s_ ? (${type})${a} : s_;`,
      `if (${a} > ${b}) s_++;`,
      `if (${a} != ${b}) s_ += i;`,
      `s_ += ${a} < ${b} ? ${b} - ${a} : ${a} - ${b};`,
      `if (${a} == ${b}) { s_ += (${type})i; break; }`,
    ]);
    return `${type} s_ = (${type})${place.text}; ${head} { ${body} } ${place.text} = (${place.type.name})s_;`;
  }

  /** Work on a vector type: loaded from an array's bytes, changed, put into the checksum and stored back. */
  vectors(scope: Scope): string {
    const random = this.#random;
    const [name, element, lanes, float] = random.pick([
      ["v4i", "i32", 4, false],
      ["v16b", "u8", 16, false],
      ["v2q", "i64", 2, false],
      ["v4f", "f32", 4, true],
      ["v2d", "f64", 2, true],
      ["v8i", "i32", 8, false],
      ["v16h", "i16", 16, false],
      ["v4d", "f64", 4, true],
    ] as const);
    const bytes = ["i32", "f32"].includes(element)
      ? lanes * 4
      : element === "u8"
        ? 16
        : element === "i16"
          ? 32
          : lanes * 8;
    const array = random.pick(scope.arrays.filter((a) => (a.length * a.type.bits) / 8 >= bytes + 8));
    const offset = random.below(9);
    const scalarValue = this.#expressions.value(
      scope,
      { name: element, kind: float ? "float" : "int", bits: 32, signed: true },
      1,
    );
    const steps = Array.from({ length: 1 + random.below(5) }, () =>
      random
        .pick([
          `x = x ${random.pick(["+", "-", "*"])} y;`,
          `y = x ${random.pick(["+", "-", "*"])} (${element})(${scalarValue});`,
          float ? "x = x / y;" : `x = x ${random.pick(["&", "|", "^"])} y;`,
          float ? "y = -y;" : `x = ${random.pick(["x << 3", "x >> 2", "~x"])};`,
          `x = __builtin_shuffle(x, y, m_${lanes}_(${random.below(1000)}));`,
          `y = (${name})(x ${random.pick(["<", ">", "=="])} y);`,
          `x[${random.below(lanes)}] = (${element})(${scalarValue});`,
          `y[${random.below(lanes)}] = x[(${random.below(lanes)} + y[0] > 0) & ${lanes - 1}];`,
        ])
        .replace(/m_\d+_\((\d+)\)/, (_all, seed: string) => this.#shuffle(name, lanes, Number(seed))),
    );
    return `{ ${name} x, y; memcpy(&x, (char *)${array.name} + ${offset}, ${bytes}); y = x + (${element})1; ${steps.join(" ")} x += y; mix_bytes(&x, ${bytes}); memcpy((char *)${array.name} + ${8 - offset}, &y, ${bytes}); }`;
  }

  #shuffle(name: string, lanes: number, seed: number): string {
    const index: Readonly<Record<string, string>> = { v4f: "v4i", v2d: "v2q", v4d: "v4q" };
    const list = Array.from({ length: lanes }, (_, i) => (seed * (i + 1) + i * i) % (2 * lanes)).join(", ");
    return `(${index[name] ?? name}){${list}}`;
  }
}
