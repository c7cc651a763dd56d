import { describe, expect, it } from "vitest";
import { i32 } from "../wasm/expr.ts";
import { getGlobal, ModuleBuilder } from "../wasm/module.ts";
import { Evaluate, evaluate } from "./evaluate.ts";
import { defineF80 } from "./f80.ts";
import { C1, IE, OE, PE, UE } from "./parts.ts";
import { EVALUATE_PARAMS, EVALUATE_RESULTS } from "./transcendental.ts";

type Binary = (sa: bigint, ea: number, sb: bigint, eb: number, cw: number) => [bigint, number];
type Unary = (s: bigint, e: number, cw: number) => [bigint, number];
type Exports = Record<"add" | "sub" | "mul" | "div", Binary> & { sqrt: Unary; sin: Unary; flags(): number };

function build(): Exports {
  const m = new ModuleBuilder();
  const imported = m.importFunction("env", "evaluate", EVALUATE_PARAMS, EVALUATE_RESULTS);
  const f80 = defineF80(m, imported);
  for (const name of ["add", "sub", "mul", "div", "sqrt", "sin"] as const) m.exportFunction(name, f80[name]);
  const flags = m.func("flags", [], ["i32"], (f) => {
    const value = f.local("i32");
    f.set(value, getGlobal(f80.flags));
    f.setGlobal(f80.flags, i32.const(0));
    f.return(value);
  });
  m.exportFunction("flags", flags);
  return new WebAssembly.Instance(new WebAssembly.Module(m.encode()), { env: { evaluate } }).exports as never;
}

/** A number of 64 bits that looks random, and often has long runs of zeros or ones. */
function* numbers(seed: bigint): Generator<bigint, never> {
  let s = seed;
  for (;;) {
    s = BigInt.asUintN(64, s * 6364136223846793005n + 1442695040888963407n);
    const v = s ^ (s >> 33n);
    const kind = v & 3n;
    yield kind === 0n ? (v >> (v & 63n)) | 1n : kind === 1n ? BigInt.asUintN(64, v << (v & 63n)) : v;
  }
}

const TOP = 1n << 63n;
const PRECISIONS = [
  [0, 24],
  [2, 53],
  [3, 64],
] as const;

/** The rational n / d, or the square root of n when d is 0, rounded as the control word says: the definition, slowly. */
function reference(
  negative: boolean,
  n: bigint,
  d: bigint,
  scale: number,
  rc: number,
  bits: number,
): [bigint, number, number] {
  // Shift until the integer quotient has exactly `bits` bits.
  let e = scale;
  const quotient = (): bigint => (e <= scale ? (n << BigInt(scale - e)) / d : n / (d << BigInt(e - scale)));
  const length = (v: bigint): number => v.toString(2).length;
  for (;;) {
    const q = quotient();
    if (q === 0n) e -= 64;
    else if (length(q) !== bits) e += length(q) - bits;
    else break;
  }
  let q = quotient();
  const [num, den] = e <= scale ? [n << BigInt(scale - e), d] : [n, d << BigInt(e - scale)];
  const rest = num - q * den;
  const twice = 2n * rest;
  const nearest = twice > den || (twice === den && (q & 1n) === 1n);
  const up = rc === 0 ? nearest : rc === 3 ? false : rest !== 0n && (rc === 1) === negative;
  if (up) q++;
  if (length(q) > bits) {
    q >>= 1n;
    e++;
  }
  const flags = (rest !== 0n ? PE : 0) | (up ? C1 : 0);
  return [q << BigInt(64 - bits), e + bits - 1 + 16383, flags];
}

describe("f80", () => {
  const f = build();
  const signed = (v: bigint): bigint => BigInt.asIntN(64, v);
  const control = (rc: number, pc: number): number => 0x7f | (pc << 8) | (rc << 10);

  it("adds, multiplies and divides as exact rationals rounded once, in every mode and precision", () => {
    const random = numbers(1n);
    for (let i = 0; i < 3000; i++) {
      const a = random.next().value | TOP;
      const b = random.next().value | TOP;
      const r = Number(random.next().value & 0xffffn);
      const [pc, bits] = PRECISIONS[i % 3] as (typeof PRECISIONS)[number];
      const rc = (r >> 2) & 3;
      const distance = (r >> 4) % 140;
      const negative = (r & 1) !== 0;
      const ea = 16383 + distance;
      const se = (negative ? 0x8000 : 0) | ea;
      const check = (name: "add" | "sub" | "mul" | "div", n: bigint, d: bigint, scale: number): void => {
        const [sig, exp, flags] = reference(negative, n, d, scale, rc, bits);
        const got = f[name](signed(a), se, signed(b), 16383, control(rc, pc));
        const what = `${name} ${a.toString(16)} ${b.toString(16)} ${distance} rc ${rc} bits ${bits}`;
        expect([what, BigInt.asUintN(64, got[0]), got[1], f.flags()]).toEqual([
          what,
          sig,
          exp | (negative ? 0x8000 : 0),
          flags,
        ]);
      };
      check("mul", a * b, 1n, distance - 126);
      check("div", a, b, distance);
      const wide = a << BigInt(distance);
      if (!negative) check("add", wide + b, 1n, -63);
      else check("sub", wide + b, 1n, -63);
    }
  });

  it("takes square roots that no neighbour would beat", () => {
    const random = numbers(2n);
    for (let i = 0; i < 500; i++) {
      const a = random.next().value | TOP;
      const exp = 16383 + Number(random.next().value % 2000n) - 1000;
      const [sig, se] = f.sqrt(signed(a), exp, 0xf7f);
      const raised = f.flags();
      const root = BigInt.asUintN(64, sig);
      // a * 2^(exp - 63 - bias) against root^2 * 2^(2 * (se - 63 - bias)): truncated, so root^2 <= a < (root + 1)^2.
      const shift = exp - 16383 - 63 - 2 * (se - 16383 - 63);
      const radicand = a << BigInt(shift);
      expect(root * root <= radicand && radicand < (root + 1n) * (root + 1n)).toBe(true);
      expect(raised).toBe(root * root === radicand ? 0 : PE);
    }
  });

  it("overflows and underflows, masked and scaled", () => {
    const max = [-1n, 0x7ffe] as const;
    expect(f.mul(...max, ...max, 0x37f)).toEqual([signed(TOP), 0x7fff]);
    expect(f.flags()).toBe(OE | PE | C1);
    expect(f.mul(...max, ...max, 0xf7f)).toEqual([-1n, 0x7ffe]);
    expect(f.flags()).toBe(OE | PE);
    expect(f.mul(...max, signed(TOP), 0x4000, 0x377)).toEqual([-1n, 0x7fff - 0x6000]);
    expect(f.flags()).toBe(OE);
    // The least normal number halved is an exact denormal; a third of it is not exact.
    expect(f.mul(signed(TOP), 1, signed(TOP), 0x3ffe, 0x37f)).toEqual([1n << 62n, 0]);
    expect(f.flags()).toBe(0);
    f.div(signed(TOP), 1, signed(3n << 62n), 0x4000, 0x37f);
    expect(f.flags()).toBe(UE | PE | C1);
  });

  it("knows invalid operations", () => {
    const infinity = [signed(TOP), 0x7fff] as const;
    const nan = [signed(3n << 62n), 0xffff];
    expect(f.sub(...infinity, ...infinity, 0x37f)).toEqual(nan);
    expect(f.flags()).toBe(IE);
    expect(f.mul(...infinity, 0n, 0, 0x37f)).toEqual(nan);
    expect(f.flags()).toBe(IE);
    expect(f.sqrt(signed(TOP), 0xbfff, 0x37f)).toEqual(nan);
    expect(f.flags()).toBe(IE);
  });
});

describe("evaluate", () => {
  const ONE = [TOP, 16383] as const;
  /** hi:lo as a fraction of 2^128 and the exponent, to compare with digits that are known. */
  const bits = (r: ReturnType<typeof evaluate>): [string, number] => [
    ((BigInt.asUintN(64, r[0]) << 64n) | BigInt.asUintN(64, r[1])).toString(16),
    (r[2] >> 1) - 16383,
  ];

  it("gives the known constants", () => {
    // pi / 4, sin 1/2, log2 10, 2^(1/2) - 1: digits from mathematics, not from a processor.
    expect(bits(evaluate(Evaluate.Atan2, ...ONE, ...ONE))).toEqual(["c90fdaa22168c234c4c6628b80dc1cd1", -1]);
    expect(bits(evaluate(Evaluate.Log2, ...ONE, 5n << 61n, 16386))[0].slice(0, 30)).toBe(
      "d49a784bcd1b8afe492bf6ff4dafdb",
    );
    expect(bits(evaluate(Evaluate.Exp2m1, TOP, 16382, 0n, 0))[0].slice(0, 30)).toBe("d413cccfe779921165f626cdd52afa");
    expect(bits(evaluate(Evaluate.Sin, TOP, 16382, 0n, 0))[0].slice(0, 30)).toBe("f57743a2582f7f43b25e1b27ec1bdb");
  });

  it("is exact where the result is", () => {
    expect(evaluate(Evaluate.Log2, ...ONE, TOP, 16383 + 7).slice(0, 3)).toEqual([
      signed64(7n << 61n),
      0n,
      2 * (16383 + 2),
    ]);
  });
  const signed64 = (v: bigint): bigint => BigInt.asIntN(64, v);
});
