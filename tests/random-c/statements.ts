/** Random statements: assignments, control flow, and what kernels.ts and library.ts have. */
import type { Random } from "../insn/random.ts";
import { Expressions, type FunctionType, inner, type Scope } from "./expressions.ts";
import { Kernels } from "./kernels.ts";
import { Library } from "./library.ts";
import { I32, integer, mixed, type Scalar, scalar } from "./types.ts";

const COMPOUND = ["+=", "-=", "*=", "&=", "|=", "^="];

export class Statements {
  readonly #random: Random;
  readonly expressions: Expressions;
  readonly #kernels: Kernels;
  readonly #library: Library;
  #names = 0;

  constructor(random: Random) {
    this.#random = random;
    this.expressions = new Expressions(random);
    this.#kernels = new Kernels(random, this.expressions);
    this.#library = new Library(random, this.expressions);
  }

  /** @param loops how many loops this is in: `break` and `continue` need one, and there is a limit to their depth */
  block(scope: Scope, size: number, indent: string, loops: number): string[] {
    const own = inner(scope);
    const lines: string[] = [];
    for (let i = 1 + this.#random.below(size); i > 0; i--)
      lines.push(...this.#statement(own, size - 1, indent, loops).map((line) => indent + line));
    return lines;
  }

  /** A new local variable, which the scope has from here on. */
  declare(scope: Scope, type: Scalar = scalar(this.#random)): string {
    const name = `v${this.#names++}`;
    const text = `${type.name} ${name} = ${this.expressions.value(scope, type, 2)};`;
    scope.places.push({ text: name, type, limits: "none" });
    return text;
  }

  assignment(scope: Scope): string {
    const random = this.#random;
    const { text, type, limits } = this.expressions.target(scope);
    const value = this.expressions.value(scope, type, 3);
    if (random.oneIn(3) && type.kind === "int") {
      if (random.oneIn(4)) return random.pick([`(${text})++;`, `--${text};`]);
      if (random.oneIn(4)) return `${text} ${random.pick(["<<=", ">>="])} ${random.below(type.bits)};`;
      return `${text} ${random.pick(COMPOUND)} ${value};`;
    }
    if (random.oneIn(8) && limits === "none")
      return `{ ${type.name} *p = &${text}; *p = ${value}; ${mixed(type, "*p")} }`;
    return `${text} = ${value};`;
  }

  #structs(scope: Scope): string {
    const random = this.#random;
    if (scope.structs.length === 0) return ";";
    const to = random.pick(scope.structs);
    const makers = scope.functions.filter((f) => "struct" in f.result && f.result.struct === to.type);
    if (makers.length > 0 && !random.oneIn(3)) {
      const maker = random.pick(makers) as FunctionType;
      return `${to.text} = ${maker.name}(${maker.parameters.map((p) => this.expressions.argument(scope, p, 1)).join(", ")});`;
    }
    return `${to.text} = ${this.expressions.argument(scope, { struct: to.type }, 2)};`;
  }

  #loop(scope: Scope, size: number, indent: string, loops: number): string[] {
    const random = this.#random;
    const own = inner(scope);
    const name = `n${this.#names++}`;
    own.places.push({ text: name, type: I32, limits: "read-only" });
    const times = random.pick([2, 3, 5, 9, 17, 40]);
    const body = (): string[] => this.block(own, size, `${indent}  `, loops + 1);
    switch (random.below(4)) {
      case 0:
        return [`{ i32 ${name} = 0; while (${name}++ < ${times} && fuel-- > 0) {`, ...body(), "} }"];
      case 1:
        return [
          `{ i32 ${name} = 0; do {`,
          ...body(),
          `} while (++${name} < ${times} && fuel-- > 0 && (${this.expressions.condition(own, 2)})); }`,
        ];
      case 2:
        return [
          `for (i32 ${name} = ${times}; ${name} > 0 && fuel-- > 0; ${name} -= ${1 + random.below(3)}) {`,
          ...body(),
          "}",
        ];
      default:
        return [`for (i32 ${name} = 0; ${name} < ${times} && fuel-- > 0; ${name}++) {`, ...body(), "}"];
    }
  }

  #switch(scope: Scope, size: number, indent: string, loops: number): string[] {
    const random = this.#random;
    const type = integer(random);
    const cases = new Set<number>();
    const dense = random.oneIn(2);
    for (let i = 2 + random.below(dense ? 12 : 5); i > 0; i--)
      cases.add(dense ? cases.size : random.below(100_000) - 100);
    const selector = this.expressions.value(scope, type, 2);
    const lines = [`switch ((i32)(${selector})${dense ? ` & ${random.pick([7, 15])}` : ""}) {`];
    for (const value of cases) {
      lines.push(`case ${value}:`);
      // What a case declares would be in scope of the next one without a value.
      lines.push("{", ...this.block(scope, Math.min(size, 2), `${indent}  `, loops), "}");
      if (!random.oneIn(4)) lines.push("break;");
    }
    if (random.oneIn(2)) lines.push(`default: ${this.assignment(scope)}`);
    lines.push("}");
    return lines;
  }

  #statement(scope: Scope, size: number, indent: string, loops: number): string[] {
    const random = this.#random;
    const nested = size > 0;
    const choice = random.below(30);
    if (choice < 8) return [this.assignment(scope)];
    if (choice < 11) return [this.declare(scope)];
    if (choice < 13 && nested) {
      const lines = [
        `if (${this.expressions.condition(scope, 2)}) {`,
        ...this.block(scope, size, `${indent}  `, loops),
      ];
      if (random.oneIn(2)) lines.push("} else {", ...this.block(scope, size, `${indent}  `, loops));
      return [...lines, "}"];
    }
    if (choice < 16 && nested && loops < 3) return this.#loop(scope, size, indent, loops);
    if (choice < 17 && nested) return this.#switch(scope, size, indent, loops);
    if (choice < 20) return [this.#kernels.loop(scope, String(this.#names++))];
    if (choice < 21) return [this.#kernels.vectors(scope)];
    if (choice < 24) return [this.#library.statement(scope)];
    if (choice < 26) return [this.#structs(scope)];
    if (choice < 27 && loops > 0)
      return [`if (${this.expressions.condition(scope, 1)}) ${random.pick(["break", "continue"])};`];
    const type = scalar(random);
    return [mixed(type, this.expressions.value(scope, type, 3))];
  }
}
