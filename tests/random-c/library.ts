/** Statements that use the C library: formatted output, strings, sorting, jumps, atomics, complex numbers. */
import type { Random } from "../insn/random.ts";
import type { Expressions, Scope } from "./expressions.ts";
import { F64, floating, I32, I64, integer, mixed, U64 } from "./types.ts";

const WORDS = [
  "",
  "a",
  "bcd",
  "mnop",
  "mnopqr",
  "zz top",
  "0x1f",
  "-17",
  "3.25e2",
  "the quick brown fox jumps over it",
];

export class Library {
  readonly #random: Random;
  readonly #expressions: Expressions;

  constructor(random: Random, expressions: Expressions) {
    this.#random = random;
    this.#expressions = expressions;
  }

  statement(scope: Scope): string {
    const random = this.#random;
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
        return this.#printf(scope);
      case 3:
        return this.#variadic(scope);
      case 4:
      case 5:
        return this.#strings(scope);
      case 6:
        return this.#memory(scope);
      case 7:
        return this.#sort(scope);
      case 8:
        return this.#jumps(scope);
      case 9:
        return this.#atomics(scope);
      case 10:
        return this.#complex(scope);
      default:
        return this.#numbers(scope);
    }
  }

  #value(scope: Scope, type: Parameters<Expressions["value"]>[1]): string {
    return this.#expressions.value(scope, type, 2);
  }

  #printf(scope: Scope): string {
    const random = this.#random;
    const specs: string[] = [];
    const args: string[] = [];
    for (let i = 1 + random.below(6); i > 0; i--) {
      const flags = random.pick(["", "", "", "-", "+", " ", "0", "#", "+0", "-#"]);
      const width = random.oneIn(3) ? String(random.below(20)) : "";
      const precision = random.oneIn(3) ? `.${random.below(25)}` : "";
      const layout = `${flags}${width}${precision}`;
      switch (random.below(7)) {
        case 0:
          specs.push(`%${layout}${random.pick(["d", "i", "u", "x", "X", "o", "hhd", "hu"])}`);
          args.push(`(i32)(${this.#value(scope, I32)})`);
          break;
        case 1:
          specs.push(`%${layout}ll${random.pick(["d", "u", "x", "o"])}`);
          args.push(`(long long)(${this.#value(scope, I64)})`);
          break;
        case 2:
        case 3:
          specs.push(`%${layout}${random.pick(["f", "e", "g", "a", "G", "E"])}`);
          args.push(`(f64)(${this.#value(scope, floating(random))})`);
          break;
        case 4:
          specs.push(`%${layout}L${random.pick(["f", "e", "g", "a"])}`);
          args.push(`(f80)(${this.#value(scope, floating(random))})`);
          break;
        case 5:
          specs.push(`%${flags === "-" ? "-" : ""}${width}${precision}s`);
          args.push(
            random.oneIn(3) || scope.strings.length === 0 ? `"${random.pick(WORDS)}"` : random.pick(scope.strings),
          );
          break;
        default:
          specs.push("%c|%*d");
          args.push(`(i32)('a' + ((${this.#value(scope, integer(random))}) & 15))`, String(random.below(12)));
          args.push(`(i32)(${this.#value(scope, integer(random))})`);
      }
    }
    const list = [`"${specs.join(" ")}\\n"`, ...args].join(", ");
    // Floats with all their digits can be long: 4933 of them before the point.
    if (random.oneIn(2)) return `if (fuel > 0) printf(${list});`;
    return `{ static char text[8192]; mix((u64)snprintf(text, ${random.pick([8, 40, 8192])}, ${list})); mix_bytes(text, strlen(text)); }`;
  }

  #variadic(scope: Scope): string {
    const random = this.#random;
    let kinds = "";
    const args: string[] = [];
    for (let i = random.below(14); i > 0; i--) {
      const kind = random.pick(["i", "l", "d", "L", "q", "s"]);
      kinds += kind;
      if (kind === "s") args.push(`"${random.pick(WORDS)}"`);
      else {
        const name = { i: "i32", l: "i64", d: "f64", L: "f80", q: "i128" }[kind];
        args.push(`(${name})(${this.#value(scope, "dL".includes(kind) ? floating(random) : integer(random))})`);
      }
    }
    return `mix((u64)variadic(${[`"${kinds}"`, ...args].join(", ")}));`;
  }

  #strings(scope: Scope): string {
    const random = this.#random;
    if (scope.strings.length === 0) return ";";
    const s = random.pick(scope.strings);
    const t = random.pick(scope.strings);
    const word = random.pick(WORDS);
    const letter = `'a' + ((${this.#value(scope, integer(random))}) & 15)`;
    // Each string has 64 bytes and stays terminated.
    return random.pick([
      `strcpy(${s}, "${word}");`,
      `strncpy(${s}, "${word}", ${random.below(40)}); ${s}[63] = 0;`,
      `if (strlen(${s}) + strlen("${word}") < 60) strcat(${s}, "${word}");`,
      `{ char *p = strchr(${s}, ${letter}); mix(p ? (u64)(p - ${s}) : 99); }`,
      `{ char *p = strstr(${s}, "${word.slice(0, 2)}"); mix(p ? (u64)(p - ${s}) : 99); }`,
      `mix((u64)(strcmp(${s}, ${t}) < 0) + 2 * (strncmp(${s}, ${t}, ${random.below(9)}) > 0));`,
      `memset(${s}, ${letter}, ${random.below(63)}); ${s}[63] = 0;`,
      `mix(strspn(${s}, "abcmno") * 16 + strcspn(${s}, "x z"));`,
      `mix((u64)strtoll(${s}, 0, ${random.pick([0, 8, 10, 16])}));`,
      `mix_f64(strtod(${s}, 0)); mix_f32(strtof(${s}, 0)); mix_f80(strtold(${s}, 0));`,
      `snprintf(${s}, 64, "${random.pick(["%.17g", "%g", "%.3f", "%a"])}", (f64)(${this.#value(scope, F64)}));`,
      `{ char *p = memchr(${s}, ${letter}, 64); mix(p ? (u64)(p - ${s}) : 99); }`,
      `mix_bytes(${s}, strlen(${s}));`,
    ]);
  }

  #memory(scope: Scope): string {
    const random = this.#random;
    const to = random.pick(scope.arrays);
    const from = random.pick(scope.arrays);
    const size = Math.min((to.length * to.type.bits) / 8, (from.length * from.type.bits) / 8);
    const n = random.below(size / 2);
    const a = random.below(size / 2);
    const b = random.below(size / 2);
    const bytes = random.oneIn(3) ? `((u32)(${this.#value(scope, integer(random))}) % ${size / 2})` : String(n);
    return random.pick([
      `memmove((char *)${to.name} + ${a}, (char *)${from.name} + ${b}, ${bytes});`,
      `memset((char *)${to.name} + ${a}, ${random.below(256)}, ${bytes});`,
      `mix((u64)(memcmp((char *)${to.name} + ${a}, (char *)${from.name} + ${b}, ${bytes}) < 0));`,
      `{ char *p = malloc(${size} + ${bytes}); memset(p, 7, ${size} + ${bytes}); memcpy(p + ${n}, ${from.name}, ${size - n}); p = realloc(p, ${size * 3}); mix_bytes(p, ${size}); free(p); }`,
      `{ u8 *p = alloca(16 + ${bytes}); memset(p, ${random.below(256)}, 16 + ${bytes}); p[${bytes}] = 3; mix_bytes(p, 16); }`,
      `{ u32 n = ${bytes}; i64 v[n + 1]; for (u32 i = 0; i <= n; i++) v[i] = (i64)i * ${random.below(1000)}; mix((u64)v[n / 2]); }`,
    ]);
  }

  #sort(scope: Scope): string {
    const sortable = scope.arrays.filter(({ type }) => ["i32", "u8"].includes(type.name));
    const array = sortable.length > 0 ? this.#random.pick(sortable) : undefined;
    if (array === undefined) return ";";
    const n = Math.min(array.length, 32);
    return `qsort(${array.name}, ${n}, ${array.type.bits / 8}, compare_${array.type.name}); mix((u64)${array.name}[${n >> 1}]);`;
  }

  #jumps(scope: Scope): string {
    const depth = this.#random.below(20);
    return `{ volatile i32 n = 0; i32 r = setjmp(jump); mix((u64)r); n++; if (r < ${this.#random.below(3)} && n < 3) leave(${depth}, r); ${mixed(I32, "n")} } if (${this.#expressions.condition(scope, 1)}) { raise(SIGUSR1); mix((u64)signals); }`;
  }

  #atomics(scope: Scope): string {
    const random = this.#random;
    const value = this.#value(scope, U64);
    const a = `atomic_${random.pick(["8", "16", "32", "64"])}`;
    const order = random.pick(["__ATOMIC_SEQ_CST", "__ATOMIC_RELAXED", "__ATOMIC_ACQ_REL"]);
    const operation = random.pick([
      "fetch_add",
      "fetch_sub",
      "fetch_and",
      "fetch_or",
      "fetch_xor",
      "add_fetch",
      "nand_fetch",
      "exchange_n",
    ]);
    return random.pick([
      `mix((u64)__atomic_${operation}(&${a}, (__typeof__(${a}))(${value}), ${order}));`,
      `{ __typeof__(${a}) e = ${random.oneIn(2) ? a : "7"}; mix((u64)__atomic_compare_exchange_n(&${a}, &e, (__typeof__(e))(${value}), 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)); mix((u64)e); }`,
      `mix((u64)__sync_val_compare_and_swap(&${a}, ${a}, (__typeof__(${a}))(${value})));`,
      `mix(__atomic_test_and_set(&atomic_8, __ATOMIC_SEQ_CST)); __atomic_store_n(&${a}, (__typeof__(${a}))(${value}), __ATOMIC_SEQ_CST);`,
    ]);
  }

  #complex(scope: Scope): string {
    const random = this.#random;
    const v = (): string => `(f64)(${this.#value(scope, F64)})`;
    return `{ double complex z = ${v()} + ${v()} * I, w = ${v()} - ${v()} * I; z = z ${random.pick(["+", "-", "*", "/"])} w; w = conj(z) * w; mix_f64(creal(z)); mix_f64(cimag(z)); mix_f64(cabs(w)); }`;
  }

  #numbers(scope: Scope): string {
    const random = this.#random;
    const x = `(f64)(${this.#value(scope, F64)})`;
    return random.pick([
      `{ i32 e = 0; mix_f64(frexp(${x}, &e)); mix((u64)e); }`,
      `{ f64 whole; mix_f64(modf(${x}, &whole)); mix_f64(whole); }`,
      `mix((u64)fpclassify(${x}) * 8 + (u64)(signbit(${x}) != 0));`,
      `mix((u64)lrint(${x})); mix((u64)llround(${x}));`,
      `mix_f64(nextafter(${x}, ${random.pick(["0.0", "1e308", "-INFINITY"])}));`,
      `{ lldiv_t d = lldiv(${random.below(100000) - 50000}, ${1 + random.below(999)}); mix((u64)d.quot); mix((u64)d.rem); }`,
      `mix_f64(pow(${x}, ${random.pick(["2", "0.5", "-3", "1e-3"])})); mix_f80(powl(fabs(${x}), 1.25L));`,
    ]);
  }
}
