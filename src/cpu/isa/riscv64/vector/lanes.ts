/** Operations on 16 bytes at once (chunks.ts), by the width of an element: wasm has most of them, and others are made of what it has. */
import { type I32, i32, shuffle, simd, type V128, v128 } from "../../../wasm/expr.ts";
import type { FunctionBuilder } from "../../../wasm/module.ts";
import { bits, type FloatLanes, f32x4, f64x2, i8x16, i16x8, i32x4, i64x2 } from "../../../wasm/simd.ts";
import { FP_CAREFUL, VXSAT } from "../context.ts";
import { DOUBLE, SINGLE } from "../float-formats.ts";
import type { Chunks, Lanewise } from "./chunks.ts";
import { c32, loadState, storeState } from "./kit.ts";

/** By log2 of SEW / 8. */
const LANES = [i8x16, i16x8, i32x4, i64x2] as const;

type Binary = (a: V128, b: V128) => V128;

const plain =
  (op: Binary): Lanewise =>
  ({ a, b }) =>
    op(a, b);
const numbered =
  (code: number): Binary =>
  (a, b) =>
    simd("v128", code, [a, b]);
const same = (lanewise: Lanewise): Lanewise[] => [lanewise, lanewise, lanewise, lanewise];
/** The same 64 bits twice. */
const both = (value: bigint): V128 => v128.const(value, value);

/** By the number of the first comparison of 8, 16 and 32-bit lanes in the specification's table, and of 64-bit ones, signed. */
const COMPARISONS = ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u"] as const;
const SIGNED_64: Readonly<Record<string, number>> = { eq: 0xd6, ne: 0xd7, lt_s: 0xd8, gt_s: 0xd9, le_s: 0xda };
const FLIP = both(1n << 63n);
/** Unsigned 64-bit lanes are compared as signed ones with their highest bits changed. */
function comparisons(name: (typeof COMPARISONS)[number]): Binary[] {
  const index = COMPARISONS.indexOf(name);
  const signed = numbered(SIGNED_64[name.replace("_u", "_s")] as number);
  const flipped: Binary = (a, b) => signed(bits.xor(a, FLIP), bits.xor(b, FLIP));
  return [numbered(0x23 + index), numbered(0x2d + index), numbered(0x37 + index), name in SIGNED_64 ? signed : flipped];
}

type Name =
  | (typeof COMPARISONS)[number]
  | "add"
  | "sub"
  | "rsub"
  | "and"
  | "or"
  | "xor"
  | "min_u"
  | "min_s"
  | "max_u"
  | "max_s"
  | "shl"
  | "shr_s"
  | "shr_u"
  | "mul"
  | "macc"
  | "nmsac"
  | "madd"
  | "nmsub"
  | "move";

/** There is no product of 8-bit lanes. */
const MULTIPLYING = [i16x8, i32x4, i64x2] as const;

export function lanes(name: Name): Chunks {
  switch (name) {
    case "add":
    case "sub":
      return { lanes: LANES.map((l) => plain(l[name])) };
    case "rsub":
      return { lanes: LANES.map((l) => plain((a, b) => l.sub(b, a))) };
    case "and":
    case "or":
    case "xor":
      return { lanes: same(plain(bits[name])) };
    case "move":
      return { lanes: same(({ b }) => b) };
    case "mul":
      return { lanes: [undefined, ...MULTIPLYING.map((l) => plain(l.mul))] };
    case "macc":
    case "nmsac": {
      const op = name === "macc" ? "add" : "sub";
      return {
        lanes: [
          undefined,
          ...MULTIPLYING.map(
            (l): Lanewise =>
              ({ a, b, d }) =>
                l[op](d, l.mul(a, b)),
          ),
        ],
      };
    }
    case "madd":
    case "nmsub": {
      const op = name === "madd" ? "add" : "sub";
      return {
        lanes: [
          undefined,
          ...MULTIPLYING.map(
            (l): Lanewise =>
              ({ a, b, d }) =>
                l[op](a, l.mul(d, b)),
          ),
        ],
      };
    }
    case "min_u":
    case "min_s":
    case "max_u":
    case "max_s": {
      const sign = name.endsWith("u") ? "u" : "s";
      const holds = comparisons(name.startsWith("min") ? `lt_${sign}` : `gt_${sign}`)[3] as Binary;
      const narrow = [i8x16, i16x8, i32x4].map((l) => plain(l[name]));
      return { lanes: [...narrow, plain((a, b) => bits.select(a, b, holds(a, b)))] };
    }
    case "shl":
    case "shr_s":
    case "shr_u":
      return {
        lanes: LANES.map(
          (l): Lanewise =>
            ({ a, b }) =>
              l[name](a, i32x4.extract(b, 0)),
        ),
        scalarOnly: true,
      };
    default:
      return { lanes: comparisons(name).map(plain) };
  }
}

/** Where the mask has a 0 the first operand stays. */
export const merging: Chunks = { lanes: same(({ b }) => b), merges: true };

/** Where the result differs from that of the operation that wraps around, something was saturated. */
export function saturating(name: "add" | "sub", signed: boolean): Chunks {
  const lanewise = [i8x16, i16x8].map((l): Lanewise => {
    return ({ f, a, b }) => {
      const result = f.let(l[`${name}_sat_${signed ? "s" : "u"}`](a, b));
      const differs = bits.anyTrue(bits.xor(result, l[name](a, b)));
      f.if(differs, () => storeState(f, VXSAT, c32(1)));
      return result;
    };
  });
  return { lanes: [...lanewise, undefined, undefined], wholeOnly: true };
}

// Floating point: wasm's arithmetic, where nobody can tell it from what there should be.

const usual = { unless: (): I32 => loadState(FP_CAREFUL) };
const NANS = { f32: both((SINGLE.nan << 32n) | SINGLE.nan), f64: both(DOUBLE.nan) };

/** NaNs become canonical. */
function canonical<S>(f: FunctionBuilder, ops: FloatLanes<S>, value: V128, nan: V128): V128 {
  const r = f.let(value);
  return bits.select(r, nan, ops.eq(r, r));
}

export function floatLanes(name: "add" | "sub" | "mul" | "div", swapped = false): Chunks {
  const of =
    <S>(ops: FloatLanes<S>, nan: V128): Lanewise =>
    ({ f, a, b }) =>
      canonical(f, ops, swapped ? ops[name](b, a) : ops[name](a, b), nan);
  return { lanes: [undefined, undefined, of(f32x4, NANS.f32), of(f64x2, NANS.f64)], ...usual };
}

export function floatComparison(name: "eq" | "ne" | "lt" | "le", swapped = false): Chunks {
  const of = <S>(ops: FloatLanes<S>): Lanewise => plain((a, b) => (swapped ? ops[name](b, a) : ops[name](a, b)));
  return { lanes: [undefined, undefined, of(f32x4), of(f64x2)], ...usual };
}

/** Bits alone: no flags, and no format but for where the sign is. But a rounding mode that is none is refused. */
export function signs(sign: (a: V128, b: V128) => V128): Chunks {
  const masks = [both(0x8000_8000_8000_8000n), both(0x8000_0000_8000_0000n), both(1n << 63n)];
  return { lanes: [undefined, ...masks.map((mask) => plain((a, b) => bits.select(sign(a, b), a, mask)))], ...usual };
}

const HIGH_TO_LOW = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const LOWS = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const abs64 = (v: V128): V128 => simd("v128", 0xec, [v]);
const neg = (v: V128, mask: V128): V128 => bits.xor(v, mask);
const SIGNS_32 = both(0x8000_0000_8000_0000n);
const asBits = (value: number): bigint => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};
/** The places of a double that a float has not, and half a unit of the float's last place. */
const BELOW_SINGLE = both((1n << 29n) - 1n);
const HALF_SINGLE = both(1n << 28n);
const LEAST_SINGLE = both(asBits(2 ** -126));
const ZEROS = both(0n);

/** x * y + z in floats, by doubles; where rounding twice may be wrong it is done otherwise (../fma.ts). */
function fusedSingle(f: FunctionBuilder, x: V128, y: V128, z: V128, rather: (condition: I32) => void): V128 {
  const half = (high: boolean): V128 => {
    const wide = (v: V128): V128 => f64x2.promote_low_f32x4(high ? shuffle(v, v, HIGH_TO_LOW) : v);
    const sum = f.let(f64x2.add(f64x2.mul(wide(x), wide(y)), wide(z)));
    const halfway = i64x2.eq(bits.and(sum, BELOW_SINGLE), HALF_SINGLE);
    const small = bits.and(f64x2.lt(abs64(sum), LEAST_SINGLE), f64x2.ne(sum, ZEROS));
    rather(bits.anyTrue(bits.or(halfway, small)));
    return f32x4.demote_f64x2_zero(sum);
  };
  const low = f.let(half(false));
  return canonical(f, f32x4, shuffle(low, f.let(half(true)), LOWS), NANS.f32);
}

const LEAST_PRODUCT = both(asBits(2 ** -800));
const ALMOST_ONE = both(asBits(1 + 2 ** -52));

/** The same of doubles: product and sum as pairs of a double and its error. */
function fusedDouble(f: FunctionBuilder, x: V128, y: V128, z: V128, rather: (condition: I32) => void): V128 {
  const { add, sub, mul } = f64x2;
  const product = f.let(mul(x, y));
  const sum = f.let(add(product, z));
  const part = f.let(sub(sum, product));
  const error = add(sub(product, sub(sum, part)), sub(z, part));
  const split = (v: V128): [V128, V128] => {
    const high = f.let(bits.and(i64x2.add(v, both(1n << 26n)), both(-1n << 27n)));
    return [high, f.let(sub(v, high))];
  };
  const [xHigh, xLow] = split(x);
  const [yHigh, yLow] = split(y);
  const first = add(add(sub(mul(xHigh, yHigh), product), mul(xHigh, yLow)), mul(xLow, yHigh));
  const small = f.let(add(error, add(first, mul(xLow, yLow))));
  const r = f.let(add(sum, small));
  const left = mul(add(sub(sum, r), small), ALMOST_ONE);
  // Not so of what is not finite: nothing is equal there.
  const known = bits.andnot(f64x2.eq(r, add(r, left)), f64x2.lt(abs64(product), LEAST_PRODUCT));
  const byZero = f.let(bits.or(f64x2.eq(x, ZEROS), f64x2.eq(y, ZEROS)));
  rather(i32.ne(i64x2.bitmask(bits.or(known, byZero)), c32(3)));
  return canonical(f, f64x2, bits.select(sum, r, byZero), NANS.f64);
}

/** The product, with the addend: each may have its sign changed. @param toFactor the destination is a factor, not the addend */
export function fused(product: boolean, addend: boolean, toFactor: boolean): Chunks {
  const of = (compute: typeof fusedSingle, sign: V128): Lanewise => {
    return ({ f, a, b, d, rather }) => {
      const [x, z] = toFactor ? [d, a] : [a, d];
      const factor = product ? f.let(neg(x, sign)) : x;
      return compute(f, factor, b, addend ? f.let(neg(z, sign)) : z, rather);
    };
  };
  return { lanes: [undefined, undefined, of(fusedSingle, SIGNS_32), of(fusedDouble, FLIP)], ...usual };
}
