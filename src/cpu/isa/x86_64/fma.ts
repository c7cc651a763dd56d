/**
 * FMA: fused multiply-add, with one rounding (Intel SDM vol. 2, "VFMADD132PD").
 *
 * WebAssembly has no fused operation to rely on, so it is made of what it has:
 *
 * - Of floats, the product is exact as a double. The sum is rounded to a double and then to a float. That is the same as
 *   one rounding unless the double lies exactly between two floats (or the float is denormal and has fewer places). Then the
 *   sum is rounded to odd (what is inexact gets an odd last bit), after which a second rounding does no harm (S. Boldo,
 *   G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008).
 * - Of doubles, the product is a sum of two doubles (T. Dekker: the factors are split in halves), its upper part and the
 *   addend are added without loss (D. Knuth's TwoSum), and the error of that together with the product's lower part,
 *   rounded, is added to the sum. This second sum is rounded as one of the true numbers would be, unless what is left of it
 *   is exactly half a unit of the last place. (Otherwise it is less by at least one unit of the last place of the small
 *   summand, whose own error is at most half of one.) Nothing may underflow on the way; what overflows shows in the end.
 * - All else, and everything once the program has loaded MXCSR, is done in integers (fma-soft.ts).
 *
 * Rounding doubles to odd as well, which needs no test, took three TwoSums in a row and twice the time. Both lanes of a
 * vector of doubles are computed at once; of scalars only the lower one is looked at.
 */
import { type F32, type F64, type I32, i32, i64, shuffle, type V128, v128 } from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { anyLane, isNaN32, isNaN64 } from "../../wasm/nan.ts";
import { bits, f32x4, f64x2, i32x4, i64x2 } from "../../wasm/simd.ts";
import { withLow } from "./avx-lanes.ts";
import { defineSoftFma, Negate } from "./fma-soft.ts";
import { splat32 } from "./lanes.ts";
import type { Definition } from "./sem.ts";
import { type SoftFunctions, settle } from "./sse-soft.ts";

type Suffix = "ps" | "pd" | "ss" | "sd";

/** What is added and subtracted, by the last hexadecimal digit of the packed form's opcode. */
const OPERATIONS = [
  { name: "fmaddsub", digit: 0x6, scalar: false },
  { name: "fmsubadd", digit: 0x7, scalar: false },
  { name: "fmadd", digit: 0x8, scalar: true },
  { name: "fmsub", digit: 0xa, scalar: true },
  { name: "fnmadd", digit: 0xc, scalar: true },
  { name: "fnmsub", digit: 0xe, scalar: true },
] as const;
type Name = (typeof OPERATIONS)[number]["name"];

/** The operands that are multiplied, and the one that is added: 1 is the destination. */
const ORDERS = [
  { digits: "132", high: 0x90, order: [0, 2, 1] },
  { digits: "213", high: 0xa0, order: [1, 0, 2] },
  { digits: "231", high: 0xb0, order: [1, 2, 0] },
] as const;

function table(): string {
  const rows: string[] = [];
  for (const { digits, high } of ORDERS)
    for (const { name, digit, scalar } of OPERATIONS) {
      const opcode = (high | digit).toString(16);
      rows.push(`vex.66.0f38.w0 ${opcode} v${name}${digits}ps Vx,Hx,Wx`);
      rows.push(`vex.66.0f38.w1 ${opcode} v${name}${digits}pd Vx,Hx,Wx`);
      if (!scalar) continue;
      const next = (high | (digit + 1)).toString(16);
      rows.push(`vex.66.0f38.w0 ${next} v${name}${digits}ss Vd,Hd,Wd`);
      rows.push(`vex.66.0f38.w1 ${next} v${name}${digits}sd Vq,Hq,Wq`);
    }
  return `\n${rows.join("\n")}\n`;
}
export const fmaTable: string = table();

const repeat = (half: bigint): V128 => v128.const(half, half);
const SIGN64 = 1n << 63n;
const double = (value: number): V128 => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return repeat(view.getBigUint64(0));
};
/** Below this the lower part of a product would have bits that no double has. */
const MIN_PRODUCT = 2 ** -800;
/** The places of a double that a float has not, and half a unit of the float's last place. */
const BELOW_SINGLE = (1n << 29n) - 1n;
const HALF_SINGLE = 1n << 28n;

/** Whose sign an operation changes: the product's, and the addend's in lanes with an even and with an odd number. */
function signs(name: Name): { product: boolean; even: boolean; odd: boolean } {
  if (name === "fmaddsub") return { product: false, even: true, odd: false };
  if (name === "fmsubadd") return { product: false, even: false, odd: true };
  const subtracts = name.endsWith("sub");
  return { product: name.startsWith("fn"), even: subtracts, odd: subtracts };
}

/** v with the sign changed in lanes with an even, an odd number. */
function flip(v: V128, single: boolean, even: boolean, odd: boolean): V128 {
  if (!even && !odd) return v;
  if (!single) return bits.xor(v, v128.const(even ? SIGN64 : 0n, odd ? SIGN64 : 0n));
  return bits.xor(v, repeat((even ? 1n << 31n : 0n) | (odd ? 1n << 63n : 0n)));
}

/** a + b and what rounding took from it. Both are evaluated. */
function twoSum(f: FunctionBuilder, a: V128, b: V128): [V128, V128] {
  const sum = f.let(f64x2.add(a, b));
  const part = f.let(f64x2.sub(sum, a));
  const error = f64x2.add(f64x2.sub(a, f64x2.sub(sum, part)), f64x2.sub(b, part));
  return [sum, f.let(error)];
}

/** a + b, rounded to odd. */
function oddSum(f: FunctionBuilder, a: V128, b: V128): V128 {
  const [sum, error] = twoSum(f, a, b);
  // Not so if the sum is infinite or a NaN, and the error a NaN.
  const inexact = f64x2.lt(repeat(0n), bits.and(error, repeat(~SIGN64)));
  const one = f.let(bits.and(inexact, repeat(1n)));
  // Truncated: one less in magnitude if the error is of the other sign. The lowest bit is then set in any case.
  const less = bits.and(i64x2.shr_u(bits.xor(sum, error), i32.const(63)), one);
  return bits.or(i64x2.sub(sum, less), one);
}

/** a * b as an upper part and the rest. */
function twoProduct(f: FunctionBuilder, a: V128, b: V128, product: V128): V128 {
  // To 26 bits, rounded, so that 26 bits are left with the sign.
  const split = (v: V128): [V128, V128] => {
    const high = f.let(bits.and(i64x2.add(v, repeat(1n << 26n)), repeat(-1n << 27n)));
    return [high, f.let(f64x2.sub(v, high))];
  };
  const [aHigh, aLow] = split(a);
  const [bHigh, bLow] = split(b);
  const first = f64x2.sub(f64x2.mul(aHigh, bHigh), product);
  const second = f64x2.add(f64x2.add(first, f64x2.mul(aHigh, bLow)), f64x2.mul(aLow, bHigh));
  return f.let(f64x2.add(second, f64x2.mul(aLow, bLow)));
}

interface FmaFunctions {
  /** (a, b, c) -> a * b + c in all lanes, rounded to nearest; NaNs may be any. */
  readonly fast: FunctionRef;
  /** The same, of the low lane only: the others are undefined. */
  readonly fastLow: FunctionRef;
  /** (a, b, c, result) -> result with the NaNs put right. */
  readonly nan: FunctionRef;
  /** (a, b, c, Negate flags of even lanes, of odd lanes) -> result, as MXCSR says. */
  readonly careful: FunctionRef;
  /** Of the low lane only. */
  readonly carefulLow: FunctionRef;
}

/** The NaNs of a sum of a product: the first of the operands that is one, else the default. */
function defineNaNs(
  m: ModuleBuilder,
  name: string,
  ne: (a: V128, b: V128) => V128,
  quiet: bigint,
  none: bigint,
): FunctionRef {
  return m.func(`fma.nan.${name}`, ["v128", "v128", "v128", "v128"], ["v128"], (f) => {
    const result = f.param(3, "v128");
    let value: V128 = repeat(none);
    for (const n of [2, 1, 0]) {
      const operand = f.param(n, "v128");
      value = bits.select(bits.or(operand, repeat(quiet)), value, ne(operand, operand));
    }
    f.return(bits.select(value, result, ne(result, result)));
  });
}

function careful(m: ModuleBuilder, soft: FunctionRef, single: boolean, count: number, name: string): FunctionRef {
  const mant = i32.const(single ? 23 : 52);
  return m.func(`fma.careful.${name}`, ["v128", "v128", "v128", "i32", "i32"], ["v128"], (f) => {
    const r = f.local("v128");
    f.set(r, f.param(0, "v128"));
    for (let lane = 0; lane < count; lane++) {
      const get = (n: number) => {
        const v = f.param(n, "v128");
        return single ? i64.extend_i32_u(i32x4.extract(v, lane)) : i64x2.extract(v, lane);
      };
      const negate = f.param(3 + (lane & 1), "i32");
      const value = f.let(f.call("i64", soft, [get(0), get(1), get(2), mant, negate]));
      f.set(r, single ? i32x4.replace(r, lane, i32.wrap(value)) : i64x2.replace(r, lane, value));
    }
    f.return(r);
  });
}

const UPPER_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
const LOWER_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/** Two floats of each operand. */
class Singles {
  readonly #f: FunctionBuilder;
  readonly #a: V128;
  readonly #b: V128;
  readonly #c: V128;
  readonly sum: V128;

  /** The lower two of four floats, or the upper. */
  constructor(f: FunctionBuilder, upper: boolean) {
    const wide = (n: number): V128 => {
      const v = f.param(n, "v128");
      return f64x2.promote_low_f32x4(upper ? shuffle(v, v, UPPER_HALF) : v);
    };
    this.#f = f;
    [this.#a, this.#b, this.#c] = [wide(0), wide(1), wide(2)];
    this.sum = f.let(f64x2.add(f64x2.mul(this.#a, this.#b), this.#c));
  }

  /** Lanes in which a second rounding may go wrong. Evaluated. */
  doubtful(): V128 {
    const magnitude = this.#f.let(bits.and(this.sum, repeat(~SIGN64)));
    const halfway = i64x2.eq(bits.and(this.sum, repeat(BELOW_SINGLE)), repeat(HALF_SINGLE));
    const denormal = bits.and(f64x2.lt(magnitude, double(2 ** -126)), f64x2.lt(repeat(0n), magnitude));
    return this.#f.let(bits.or(halfway, denormal));
  }

  odd(): V128 {
    return oddSum(this.#f, this.#f.let(f64x2.mul(this.#a, this.#b)), this.#f.let(this.#c));
  }
}

function defineSingle(m: ModuleBuilder, soft: FunctionRef): FmaFunctions {
  const narrow = f32x4.demote_f64x2_zero;
  return {
    fast: m.func("fma.f32x4", ["v128", "v128", "v128"], ["v128"], (f) => {
      const [low, high] = [new Singles(f, false), new Singles(f, true)];
      const both = (x: V128, y: V128): V128 => shuffle(narrow(x), narrow(y), LOWER_HALVES);
      const r = f.let(both(low.sum, high.sum));
      // The same test in fewer operations, but that zeros don't pass it.
      const places = shuffle(low.sum, high.sum, [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);
      const halfway = i32x4.eq(bits.and(places, splat32(Number(BELOW_SINGLE))), splat32(Number(HALF_SINGLE)));
      const small = f32x4.le(bits.and(r, splat32(0x7fff_ffff)), splat32(0x0080_0000));
      f.if(bits.anyTrue(bits.or(halfway, small)), () =>
        f.if(bits.anyTrue(bits.or(low.doubtful(), high.doubtful())), () => f.return(both(low.odd(), high.odd()))),
      );
      f.return(r);
    }),
    fastLow: m.func("fma.f32", ["v128", "v128", "v128"], ["v128"], (f) => {
      const low = new Singles(f, false);
      f.if(i32.and(i64x2.bitmask(low.doubtful()), i32.const(1)), () => f.return(narrow(low.odd())));
      f.return(narrow(low.sum));
    }),
    nan: defineNaNs(m, "f32x4", f32x4.ne, 0x0040_0000_0040_0000n, 0xffc0_0000_ffc0_0000n),
    careful: careful(m, soft, true, 4, "f32x4"),
    carefulLow: careful(m, soft, true, 1, "f32.low"),
  };
}

/** @param lanes of the two, a bit for each that counts */
function fastDoubles(
  m: ModuleBuilder,
  name: string,
  lanes: 1 | 3,
  slow: FunctionRef,
  settleAll: FunctionRef,
): FunctionRef {
  return m.func(name, ["v128", "v128", "v128"], ["v128"], (f) => {
    const [a, b, c] = [f.param(0, "v128"), f.param(1, "v128"), f.param(2, "v128")];
    const product = f.let(f64x2.mul(a, b));
    const zero = f.let(bits.or(f64x2.eq(a, repeat(0n)), f64x2.eq(b, repeat(0n))));
    const large = f64x2.le(double(MIN_PRODUCT), bits.and(product, repeat(~SIGN64)));
    const [sum, error] = twoSum(f, product, c);
    const small = f.let(f64x2.add(error, twoProduct(f, a, b, product)));
    const r = f.let(f64x2.add(sum, small));
    // What the rounding left out, and a little more, makes a difference if it is half a unit of the last place. Of what is
    // not finite nothing is equal here.
    const left = f64x2.add(f64x2.sub(sum, r), small);
    const certain = f64x2.eq(r, f64x2.add(r, f64x2.mul(left, double(1 + 2 ** -52))));
    const fine = i64x2.bitmask(bits.and(certain, bits.or(large, zero)));
    f.if(i32.ne(i32.and(fine, i32.const(lanes)), i32.const(lanes)), () => {
      const exact = f.let(f.call("v128", slow, [a, b, c, i32.const(0), i32.const(0)]));
      // While MXCSR is as at reset its flags don't count and nothing traps.
      f.drop(f.call("i32", settleAll, []));
      f.return(exact);
    });
    // The sum of two zeros has its own sign.
    f.return(bits.select(sum, r, zero));
  });
}

function defineDouble(m: ModuleBuilder, soft: FunctionRef, settleAll: FunctionRef): FmaFunctions {
  const both = careful(m, soft, false, 2, "f64x2");
  const low = careful(m, soft, false, 1, "f64.low");
  return {
    fast: fastDoubles(m, "fma.f64x2", 3, both, settleAll),
    fastLow: fastDoubles(m, "fma.f64", 1, low, settleAll),
    nan: defineNaNs(m, "f64x2", f64x2.ne, 0x0008_0000_0000_0000n, 0xfff8_0000_0000_0000n),
    careful: both,
    carefulLow: low,
  };
}

export function defineFma(m: ModuleBuilder, soft: SoftFunctions): Readonly<Record<string, Definition>> {
  const softFma = defineSoftFma(m, soft);
  const single = defineSingle(m, softFma);
  const doubles = defineDouble(m, softFma, soft.settle);
  const all: Record<string, Definition> = {};
  for (const { digits, order } of ORDERS)
    for (const { name, scalar } of OPERATIONS)
      for (const suffix of scalar ? (["ps", "pd", "ss", "sd"] as const) : (["ps", "pd"] as const))
        all[`v${name}${digits}${suffix}`] = definition(
          suffix[1] === "s" ? single : doubles,
          soft,
          name,
          suffix,
          order as readonly number[],
        );
  return all;
}

function definition(
  fma: FmaFunctions,
  soft: SoftFunctions,
  name: Name,
  suffix: Suffix,
  order: readonly number[],
): Definition {
  const isScalar = suffix[0] === "s";
  const isSingle = suffix[1] === "s";
  const { product, even, odd } = signs(name);
  const ne = isSingle ? f32x4.ne : f64x2.ne;
  const flags = [even, odd].map((subtracts) =>
    i32.const((product ? Negate.Product : 0) | (subtracts ? Negate.Addend : 0)),
  ) as [I32, I32];
  return (s) => {
    const { f } = s;
    const read = (n: number): readonly V128[] => {
      if (!isScalar) return s.vector(n);
      if (n < 2) return s.vector(n);
      return [f.let(isSingle ? i32x4.splat(s.low32(n)) : i64x2.splat(s.low64(n)))];
    };
    const sources = [read(0), read(1), read(2)];
    const [a, b, c] = order.map((n) => sources[n]) as [readonly V128[], readonly V128[], readonly V128[]];
    const r = a.map(() => f.local("v128"));
    const halves = r.map((v, i) => [v, a[i] as V128, b[i] as V128, c[i] as V128] as const);
    f.if(
      s.careful(),
      () => {
        const run = isScalar ? fma.carefulLow : fma.careful;
        for (const [v, x, y, z] of halves) f.set(v, f.call("v128", run, [x, y, z, ...flags]));
        settle(s, soft);
      },
      () => {
        const run = isScalar ? fma.fastLow : fma.fast;
        for (const [v, x, y, z] of halves) {
          const operands = [flip(x, isSingle, product, product), y, flip(z, isSingle, even, odd)];
          f.set(v, f.call("v128", run, operands));
        }
        const lowIsNaN = (v: V128): I32 => {
          const x = f.let<"f32" | "f64">(isSingle ? f32x4.extract(v, 0) : f64x2.extract(v, 0));
          return isSingle ? isNaN32(x as F32) : isNaN64(x as F64);
        };
        const anyNaN = isScalar ? lowIsNaN(r[0] as V128) : anyLane(r.map((v) => ne(v, v)).reduce(bits.or));
        f.if(anyNaN, () => {
          for (const [v, x, y, z] of halves) f.set(v, f.call("v128", fma.nan, [x, y, z, v]));
        });
      },
    );
    s.setVector(0, isScalar ? [withLow(s.vector(0)[0] as V128, r[0] as V128, isSingle ? 4 : 8)] : r);
  };
}
