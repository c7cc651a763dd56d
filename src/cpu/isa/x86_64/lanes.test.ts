/**
 * What the comparison with the real CPU cannot reach: it runs on the interpreter, where immediates are known at run time
 * only, and on random data. Here are the variants for known immediates, and published examples.
 */
import { describe, expect, it } from "vitest";
import { type I32, i32, type V128, v128 } from "../../wasm/expr.ts";
import { type FunctionBuilder, ModuleBuilder } from "../../wasm/module.ts";
import { inverseSboxTables, sboxTables } from "./aes-tables.ts";
import { defineExtensions, type Extensions } from "./sse-extensions.ts";
import { defineNanFunctions } from "./sse-nan.ts";
import { defineSoft } from "./sse-soft.ts";
import { contribution } from "./sse4-crc.ts";

type Compute = (f: FunctionBuilder, a: V128, b: V128, c: V128, imm: I32) => V128;

const [A, B, C, RESULT] = [0x1000, 0x1010, 0x1020, 0x1030];

class Machine {
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  readonly #bytes = new Uint8Array(this.#memory.buffer);
  readonly #functions: Record<string, (imm: number) => void>;

  /** `define` names functions of three vectors and an immediate, that a call of `run` gives. */
  constructor(define: (e: Extensions, add: (name: string, compute: Compute) => void) => void) {
    const m = new ModuleBuilder();
    m.importMemory("env", "memory", 1, 1);
    const e = defineExtensions(m, defineNanFunctions(m), defineSoft(m));
    define(e, (name, compute) => {
      const fn = m.func(name, ["i32"], [], (f) => {
        const [a, b, c] = [A, B, C].map((at) => f.let(v128.load(i32.const(at)))) as [V128, V128, V128];
        f.exec(v128.store(i32.const(RESULT), compute(f, a, b, c, f.param(0, "i32"))));
      });
      m.exportFunction(name, fn);
    });
    // The context, where MXCSR is, is beyond this memory and not looked at.
    const module = new WebAssembly.Module(m.encode());
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#functions = exports as never;
  }

  run(name: string, operands: readonly string[], imm = 0): string {
    operands.forEach((text, n) => {
      this.#bytes.set(
        (text.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)),
        A + n * 16,
      );
    });
    (this.#functions[name] as (imm: number) => void)(imm);
    return [...this.#bytes.subarray(RESULT, RESULT + 16)].map((b) => b.toString(16).padStart(2, "0")).join("");
  }
}

/** Vectors of random bytes, floats among them. */
function randomVectors(): () => string {
  let state = 1;
  const byte = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  return () => {
    const bytes = Array.from({ length: 16 }, byte);
    if (byte() < 128) for (const i of [3, 7, 11, 15]) bytes[i] = 0x3f + (byte() & 1);
    return bytes.map((b) => b.toString(16).padStart(2, "0")).join("");
  };
}

describe("instructions with an immediate do the same when it is known", () => {
  const computations: Record<string, Compute> = {};
  const names: string[] = [];
  const machine = new Machine((e, add) => {
    for (const [name, lane] of Object.entries({ ...e.lanes.binaryImm, ...e.sha.binaryImm }))
      computations[name] = (f, a, b, _, imm) => lane(f, a, b, imm);
    for (const [name, lane] of Object.entries(e.lanes.unaryImm))
      computations[name] = (f, a, _, __, imm) => lane(f, a, imm);
    for (const name of ["roundps", "roundpd", "roundss", "roundsd", "dpps", "dppd"])
      computations[name] = (f, a, b, _, imm) =>
        (e.lanes.float[name] as (typeof e.lanes.float)[string]).fast(f, a, b, imm);
    for (const [name, compute] of Object.entries(computations)) {
      names.push(name);
      add(name, compute);
      for (let n = 0; n < 256; n++) add(`${name} ${n}`, (f, a, b, c) => compute(f, a, b, c, i32.const(n)));
    }
  });
  it.each(names)("%s", (name) => {
    const next = randomVectors();
    for (let n = 0; n < 256; n++) {
      const operands = [next(), next(), next()];
      expect(`${n} ${machine.run(`${name} ${n}`, operands)}`).toBe(`${n} ${machine.run(name, operands, n)}`);
    }
  });
});

describe("AES", () => {
  const machine = new Machine((e, add) => {
    for (const [name, lane] of Object.entries(e.lanes.binary)) add(name, (f, a, b) => lane(f, a, b));
    add("aesimc", (f, a) => (e.lanes.unary["aesimc"] as (typeof e.lanes.unary)[string])(f, a));
    add("aeskeygenassist", (f, a, _, __, imm) =>
      (e.lanes.unaryImm["aeskeygenassist"] as (typeof e.lanes.unaryImm)[string])(f, a, imm),
    );
  });
  const xor = (a: string, b: string): string =>
    (BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(16).padStart(a.length, "0");

  /** The key schedule of AES-128 (FIPS 197, 5.2), with words as in the standard. */
  function expand(key: string): string[] {
    const keys = [key];
    let constant = 1;
    for (let round = 0; round < 10; round++) {
      const previous = keys[round] as string;
      const assisted = machine.run("aeskeygenassist", [previous], constant).slice(24, 32);
      const words = previous.match(/.{8}/g) ?? [];
      let word = assisted;
      keys.push(
        words
          .map((w) => {
            word = xor(w, word);
            return word;
          })
          .join(""),
      );
      constant = (constant << 1) ^ (constant & 0x80 ? 0x11b : 0);
    }
    return keys;
  }

  it("does the example of FIPS 197, appendix C.1, and undoes it", () => {
    const keys = expand("000102030405060708090a0b0c0d0e0f");
    expect(keys[10]).toBe("13111d7fe3944a17f307a78b4d2b30c5");
    const plain = "00112233445566778899aabbccddeeff";
    let state = xor(plain, keys[0] as string);
    for (let round = 1; round < 10; round++) state = machine.run("aesenc", [state, keys[round] as string]);
    state = machine.run("aesenclast", [state, keys[10] as string]);
    expect(state).toBe("69c4e0d86a7b0430d8cdb78070b4c55a");
    state = xor(state, keys[10] as string);
    for (let round = 9; round > 0; round--)
      state = machine.run("aesdec", [state, machine.run("aesimc", [keys[round] as string])]);
    expect(machine.run("aesdeclast", [state, keys[0] as string])).toBe(plain);
  });

  it("substitutes all bytes, there and back", () => {
    const zero = "00".repeat(16);
    const seen = new Set<string>();
    for (let x = 0; x < 256; x++) {
      const state = x.toString(16).padStart(2, "0").repeat(16);
      const substituted = machine.run("aesenclast", [state, zero]);
      seen.add(substituted);
      expect(machine.run("aesdeclast", [substituted, zero])).toBe(state);
    }
    expect(seen.size).toBe(256);
  });

  it("has tables of sixteen bytes", () => {
    for (const tables of [sboxTables(), inverseSboxTables()])
      for (const table of Object.values(tables)) expect(table).toHaveLength(16);
  });
});

describe("PCLMULQDQ", () => {
  const machine = new Machine((e, add) =>
    add("multiply", (f, a, b, _, imm) =>
      (e.lanes.binaryImm["pclmulqdq"] as (typeof e.lanes.binaryImm)[string])(f, a, b, imm),
    ),
  );
  const swap = (hex: string): string => (hex.match(/../g) ?? []).reverse().join("");
  const number = (hex: string): bigint => BigInt(`0x${swap(hex)}`);
  const product = (x: bigint, y: bigint): bigint => {
    let sum = 0n;
    for (let bit = 0n; bit < 64n; bit++) if ((y >> bit) & 1n) sum ^= x << bit;
    return sum;
  };
  it("multiplies any half by any half, ones everywhere among them", () => {
    const next = randomVectors();
    for (let n = 0; n < 200; n++) {
      const [a, b] = n < 4 ? ["ff".repeat(16), "ff".repeat(16)] : [next(), next()];
      const imm = [0, 1, 16, 17][n & 3] as number;
      const half = (v: string, bit: number): bigint => number(v.slice(imm & bit ? 16 : 0, imm & bit ? 32 : 16));
      expect(number(machine.run("multiply", [a, b], imm))).toBe(product(half(a, 1), half(b, 16)));
    }
  });
});

it("CRC-32C of 123456789 is e3069283", () => {
  let crc = 0xffff_ffff;
  for (const c of "123456789") {
    const x = (crc ^ c.charCodeAt(0)) & 0xff;
    crc >>>= 8;
    for (let bit = 0; bit < 8; bit++) if ((x >> bit) & 1) crc ^= contribution(8, bit);
  }
  expect((crc ^ 0xffff_ffff) >>> 0).toBe(0xe306_9283);
});
