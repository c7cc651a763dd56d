/**
 * A random C program from a seed. It reads nothing, ends by itself, and prints values and a checksum over all that it
 * worked out; so two runs of one executable must print the same, wherever they take place.
 */
import { Random } from "../insn/random.ts";
import { type FunctionType, inner, type Scope, type StructType, type Type } from "./expressions.ts";
import { Statements } from "./statements.ts";
import { element, floating, I32, I64, integer, literal, mixed, type Scalar, scalar, U64 } from "./types.ts";

const UNION: readonly (readonly [field: string, type: Scalar, count: number])[] = [
  ["b", { name: "u8", kind: "int", bits: 8, signed: false }, 16],
  ["h", { name: "i16", kind: "int", bits: 16, signed: true }, 8],
  ["w", { name: "u32", kind: "int", bits: 32, signed: false }, 4],
  ["q", I64, 2],
  ["f", { name: "f32", kind: "float", bits: 32, signed: true }, 4],
  ["d", { name: "f64", kind: "float", bits: 64, signed: true }, 2],
];

class Program {
  readonly #random: Random;
  readonly #statements: Statements;
  readonly #lines: string[] = [];
  readonly #structs: StructType[] = [];
  readonly #globals: Scope = { places: [], arrays: [], structs: [], strings: [], functions: [], tables: [] };

  constructor(seed: number) {
    this.#random = new Random(seed, 0x52_6e_64_43);
    this.#statements = new Statements(this.#random);
  }

  text(): string {
    const random = this.#random;
    this.#lines.push('#include "prelude.h"', "");
    for (let i = 2 + random.below(4); i > 0; i--) this.#struct();
    this.#data();
    for (let i = 0; i < 4; i++)
      this.#function({ name: `op${i}`, result: { scalar: I64 }, parameters: [{ scalar: I32 }, { scalar: I64 }] });
    this.#lines.push("static i64 (*table[4])(i32, i64) = {op0, op1, op2, op3};", "");
    this.#globals.tables.push("table");
    for (let i = 3 + random.below(5); i > 0; i--) {
      if (random.oneIn(5)) this.#recursion(`r${i}`);
      else this.#function({ name: `f${i}`, result: this.#type(), parameters: this.#parameters() });
    }
    this.#hot();
    this.#main();
    return `${this.#lines.join("\n")}\n`;
  }

  #type(): Type {
    const random = this.#random;
    return random.oneIn(3) ? { struct: random.pick(this.#structs) } : { scalar: scalar(random) };
  }

  #parameters(): Type[] {
    return Array.from({ length: this.#random.below(9) }, () => this.#type());
  }

  #struct(): void {
    const random = this.#random;
    const name = `s${this.#structs.length}`;
    const fields = Array.from({ length: 1 + random.below(7) }, (_, i) => {
      const type = random.oneIn(3) ? floating(random) : integer(random);
      const bitField = type.kind === "int" && type.bits < 128 && random.oneIn(3);
      return { ...type, field: `m${i}`, ...(bitField ? { width: 1 + random.below(type.bits) } : {}) };
    });
    this.#structs.push({ name, fields });
    const packed = random.oneIn(5);
    this.#lines.push(
      `struct ${name} {`,
      ...fields.map((f) => `  ${f.name} ${f.field}${"width" in f ? ` : ${f.width}` : ""};`),
      `}${packed ? " __attribute__((packed))" : ""};`,
    );
  }

  #data(): void {
    const random = this.#random;
    const { places, arrays, structs, strings } = this.#globals;
    for (let i = 0; i < 6; i++) {
      const type = scalar(random);
      this.#lines.push(`static ${random.oneIn(4) ? "volatile " : ""}${type.name} g${i} = ${literal(random, type)};`);
      places.push({ text: `g${i}`, type, limits: "no-address" });
    }
    for (let i = 0; i < 6; i++) {
      // At least one that can be sorted, and all of them long enough for a vector.
      const type = i === 0 ? I32 : element(random);
      const length = random.pick([16, 32, 64, 128]) * (type.bits < 32 ? 2 : 1);
      this.#lines.push(`static ${type.name} a${i}[${length}];`);
      arrays.push({ name: `a${i}`, type, length });
    }
    this.#lines.push(`static union { ${UNION.map(([f, t, n]) => `${t.name} ${f}[${n}];`).join(" ")} } un;`);
    for (const [field, type, count] of UNION)
      for (let i = 0; i < count; i += 2)
        if (random.oneIn(3)) places.push({ text: `un.${field}[${i}]`, type, limits: "none" });
    for (const type of this.#structs) {
      this.#lines.push(`static struct ${type.name} g_${type.name};`);
      structs.push({ text: `g_${type.name}`, type });
    }
    for (let i = 0; i < 2; i++) {
      this.#lines.push(`static char t${i}[64] = "mnop ${random.below(1000)}";`);
      strings.push(`t${i}`);
    }
    this.#lines.push("static u8 atomic_8; static u16 atomic_16; static u32 atomic_32; static u64 atomic_64;", "");
  }

  #typeName(type: Type): string {
    return "scalar" in type ? type.scalar.name : `struct ${type.struct.name}`;
  }

  #function(type: FunctionType): void {
    const random = this.#random;
    const scope = inner(this.#globals);
    const parameters = type.parameters.map((p, i) => `${this.#typeName(p)} p${i}`).join(", ") || "void";
    const result = this.#typeName(type.result);
    const attribute = random.pick(["NOINLINE ", "NOINLINE ", "", "inline "]);
    this.#lines.push(`static ${attribute}${result} ${type.name}(${parameters}) {`);
    this.#lines.push(`  if (fuel-- <= 0) return (${result}){0};`);
    type.parameters.forEach((p, i) => {
      if ("scalar" in p) scope.places.push({ text: `p${i}`, type: p.scalar, limits: "none" });
      else scope.structs.push({ text: `p${i}`, type: p.struct });
    });
    for (let i = random.below(4); i > 0; i--) this.#lines.push(`  ${this.#statements.declare(scope)}`);
    if (random.oneIn(2)) {
      const local = element(random);
      this.#lines.push(
        `  ${local.name} b[32] = {${Array.from({ length: 9 }, () => literal(random, local)).join(", ")}};`,
      );
      scope.arrays.push({ name: "b", type: local, length: 32 });
    }
    this.#lines.push(...this.#statements.block(scope, 4, "  ", 0));
    for (const place of scope.places.slice(-3)) this.#lines.push(`  ${mixed(place.type, place.text)}`);
    this.#lines.push(`  return ${this.#statements.expressions.argument(scope, type.result, 3)};`, "}", "");
    this.#globals.functions.push(type);
  }

  /** Calls itself once or twice, down to some depth. */
  #recursion(name: string): void {
    const random = this.#random;
    const scope = inner(this.#globals);
    const x = scalar(random);
    scope.places.push({ text: "x", type: x, limits: "none" }, { text: "d", type: I32, limits: "read-only" });
    const value = (depth: number): string => this.#statements.expressions.value(scope, x, depth);
    const self = (): string => `${name}_(d - ${1 + random.below(2)}, ${value(2)})`;
    this.#lines.push(
      `static NOINLINE ${x.name} ${name}_(i32 d, ${x.name} x) {`,
      `  if (d <= 0 || fuel-- <= 0) return ${value(2)};`,
      `  ${this.#statements.declare(scope)}`,
      `  ${this.#statements.assignment(scope)}`,
      `  x = ${self()};`,
      `  ${this.#statements.assignment(scope)}`,
      random.oneIn(2)
        ? `  x = (${x.name})(x + ${self()});`
        : `  if (${this.#statements.expressions.condition(scope, 1)}) x = ${self()};`,
      `  return ${value(2)};`,
      "}",
      `static ${x.name} ${name}(${x.name} x) { return ${name}_(${6 + random.below(20)}, x); }`,
      "",
    );
    this.#globals.functions.push({ name, result: { scalar: x }, parameters: [{ scalar: x }] });
  }

  /** Loops that run often enough for an engine to notice. */
  #hot(): void {
    const random = this.#random;
    const scope: Scope = { ...inner(this.#globals), functions: [] };
    this.#lines.push("static NOINLINE u64 hot(u32 n) {", "  u64 h = n;");
    for (let i = 0; i < 4; i++) this.#lines.push(`  ${this.#statements.declare(scope)}`);
    scope.places.push({ text: "h", type: U64, limits: "none" });
    this.#lines.push("  for (u32 k = 0; k < n; k++) {");
    scope.places.push({ text: "k", type: I32, limits: "read-only" });
    for (let i = 0; i < 4; i++)
      this.#lines.push(`    ${this.#statements.assignment({ ...scope, tables: [], functions: [] })}`);
    this.#lines.push(
      `    if ((k & ${random.pick([1, 3, 7])}) == 0) h += (u64)k * a0[k & 15]; else h ^= h >> ${1 + random.below(40)};`,
    );
    this.#lines.push("    h = h * 31 + k;", "  }");
    for (const place of scope.places.slice(-6, -1)) this.#lines.push(`  ${mixed(place.type, place.text)}`);
    this.#lines.push("  return h;", "}", "");
  }

  #main(): void {
    const random = this.#random;
    const { functions, arrays, places } = this.#globals;
    this.#lines.push("int main(void) {", "  signal(SIGUSR1, on_signal);");
    for (const { name, type, length } of arrays) {
      const value =
        type.kind === "float"
          ? `(${type.name})i * ${type.bits === 32 ? "0.37f" : "1.7"} - 11`
          : `(${type.name})(i * ${random.u32()}ull >> ${random.below(30)})`;
      this.#lines.push(`  for (i32 i = 0; i < ${length}; i++) ${name}[i] = ${value};`);
    }
    const report = (what: string): string => `  printf("${what} %016llx\\n", (unsigned long long)crc);`;
    for (const f of functions) {
      const args = f.parameters.map((p) => this.#statements.expressions.argument(this.#globals, p, 1)).join(", ");
      const call = `${f.name}(${args})`;
      this.#lines.push("  fuel = 3000;", `  for (i32 rep = 0; rep < ${random.pick([1, 2, 8, 30])}; rep++) {`);
      if ("scalar" in f.result) this.#lines.push(`  ${mixed(f.result.scalar, call)}`);
      else {
        const { name, fields } = f.result.struct;
        this.#lines.push(`  g_${name} = ${call};`, ...fields.map((m) => `  ${mixed(m, `g_${name}.${m.field}`)}`));
      }
      this.#lines.push("  }", report(f.name));
      if (random.oneIn(3)) this.#lines.push(`  table[${random.below(4)}] = op${random.below(4)};`);
    }
    this.#lines.push(`  mix(hot(${500 + random.below(5000)}));`, report("hot"));
    for (const { name, length, type } of arrays)
      this.#lines.push(`  for (i32 i = 0; i < ${length}; i++) { ${mixed(type, `${name}[i]`)} }`, report(name));
    for (const { text, type } of places) this.#lines.push(`  ${mixed(type, text)}`);
    for (const type of this.#structs)
      for (const m of type.fields) this.#lines.push(`  ${mixed(m, `g_${type.name}.${m.field}`)}`);
    this.#lines.push(report("all"), "  return (int)(crc & 127);", "}");
  }
}

export function generateProgram(seed: number): string {
  return new Program(seed).text();
}
