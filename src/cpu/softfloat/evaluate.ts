/**
 * The transcendental functions, in fixed point on BigInt.
 *
 * They are rare (only long double code of a libc uses them) and their accuracy matters more than their speed, so they
 * are computed in TypeScript with some hundreds of bits, to results of 128 bits of which the last says "inexact"; the wasm side
 * rounds them and raises the exceptions. That is the correctly rounded result; processors promise an error of less
 * than one unit in the last place (SDM vol. 1, 8.3.10), so they may differ in that place.
 *
 * Trigonometric arguments are reduced with the 66 bits of pi that processors use (SDM vol. 1, 8.3.8), exactly: near multiples of
 * pi the results are the ones of the hardware, not those of mathematics.
 */

export const Evaluate = { Sin: 0, Cos: 1, Tan: 2, Atan2: 3, Exp2m1: 4, Log2: 5, Log2p1: 6 } as const;

/** hi, lo, exponent * 2 + sign, and exceptions to raise. With EXACT the value is hi with the exponent as it is. */
export type Evaluated = readonly [bigint, bigint, number, number];

export const EXACT = 0x10000;
const IE = 0x01;
const DE = 0x02;
const ZE = 0x04;
const UE = 0x10;
const PE = 0x20;
const EXP_BIAS = 16383;
const EXP_MAX = 0x7fff;

/** Fraction bits of the working format. */
const F = 400n;
const ONE = 1n << F;
const PI =
  0x3243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89452821e638d01377be5466cf34e90c6cc0ac29b7c97c50ddn >>
  (448n - F);
const LN2 =
  0xb17217f7d1cf79abc9e3b39803f2f6af40f343267298b62d8a0d175b8baafa2be7b876206debac98559552fb4afa1b10ed2eae35c1382144n >>
  (448n - F);
/** pi as the processor has it: 66 bits, in units of 2^-64. */
const PI66 = 0x3243f6a8885a308d3n;
/** Below 2^-TINY the first term of a series decides every bit of the result and the second its direction. */
const TINY = 80;

interface Argument {
  readonly negative: boolean;
  /** The value is m * 2^k; m has at most 64 bits. */
  readonly m: bigint;
  readonly k: number;
  readonly infinite: boolean;
  readonly denormal: boolean;
}

function argument(sig: bigint, se: number): Argument {
  const exp = se & EXP_MAX;
  const m = BigInt.asUintN(64, sig);
  return {
    negative: (se & 0x8000) !== 0,
    m,
    k: Math.max(exp, 1) - EXP_BIAS - 63,
    infinite: exp === EXP_MAX,
    denormal: exp === 0 && m !== 0n,
  };
}

function bitLength(v: bigint): number {
  const hex = v.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0] as string, 16)) + 28;
}

/** v * 2^k for v > 0, of which something beyond the last bit may be missing. */
function result(negative: boolean, v: bigint, k: number, raise: number, inexact = true): Evaluated {
  const length = bitLength(v);
  const top = length > 128 ? v >> BigInt(length - 128) : v << BigInt(128 - length);
  const lost = inexact || (length > 128 && BigInt.asUintN(length - 128, v) !== 0n);
  const lo = BigInt.asUintN(64, top) | (lost ? 1n : 0n);
  return [BigInt.asIntN(64, top >> 64n), BigInt.asIntN(64, lo), signExp(negative, length - 1 + k + EXP_BIAS), raise];
}
const fixed = (negative: boolean, v: bigint, raise: number): Evaluated => result(negative, v, -Number(F), raise);

function signExp(negative: boolean, exp: number): number {
  return exp * 2 + (negative ? 1 : 0);
}
const zero = (negative: boolean, raise: number): Evaluated => [0n, 0n, signExp(negative, 0), raise | EXACT];
const infinity = (negative: boolean, raise: number): Evaluated => [
  BigInt.asIntN(64, 1n << 63n),
  0n,
  signExp(negative, EXP_MAX),
  raise | EXACT,
];
const invalid = (): Evaluated => [BigInt.asIntN(64, 3n << 62n), 0n, signExp(true, EXP_MAX), IE | EXACT];

/** First term a value m * 2^k stands for, moved by the least bit toward zero or away from it. */
function nearly(negative: boolean, m: bigint, k: number, away: boolean, raise: number): Evaluated {
  const wide = m << 80n;
  return result(negative, away ? wide + 1n : wide - 1n, k - 80, raise);
}

const mul = (a: bigint, b: bigint): bigint => (a * b) >> F;

/** The fixed-point value of an argument below 2^64 in magnitude. */
function toFixed(a: Argument): bigint {
  const shift = BigInt(a.k) + F;
  return shift >= 0n ? a.m << shift : a.m >> -shift;
}

function sinSeries(x: bigint): bigint {
  const square = mul(x, x);
  let sum = x;
  let term = x;
  for (let n = 2n; term !== 0n; n += 2n) {
    term = -mul(term, square) / (n * (n + 1n));
    sum += term;
  }
  return sum;
}
function cosSeries(x: bigint): bigint {
  const square = mul(x, x);
  let sum = ONE;
  let term = ONE;
  for (let n = 1n; term !== 0n; n += 2n) {
    term = -mul(term, square) / (n * (n + 1n));
    sum += term;
  }
  return sum;
}

function trigonometric(op: number, a: Argument): Evaluated {
  const raise = a.denormal ? DE : 0;
  if (a.infinite) return invalid();
  if (a.m === 0n) return op === Evaluate.Cos ? result(false, 1n, 0, 0, false) : zero(a.negative, 0);
  const size = bitLength(a.m) + a.k;
  if (size < -TINY) {
    if (op === Evaluate.Cos) return nearly(false, 1n << 63n, -63, false, raise);
    return nearly(a.negative, a.m, a.k, op === Evaluate.Tan, raise);
  }
  // Both the argument and half of the 66-bit pi are multiples of 2^-(F): the reduction is exact.
  const halfPi = PI66 << (F - 65n);
  const x = toFixed(a);
  const quadrant = (x + (halfPi >> 1n)) / halfPi;
  const r = x - quadrant * halfPi;
  const q = Number(quadrant & 3n);
  const sine = sinSeries(r);
  const cosine = cosSeries(r);
  let value: bigint;
  if (op === Evaluate.Tan) {
    value = (q & 1) === 0 ? (sine << F) / cosine : -(cosine << F) / sine;
  } else {
    const turn = op === Evaluate.Cos ? q + 1 : q;
    value = (turn & 1) === 0 ? sine : cosine;
    if ((turn & 2) !== 0) value = -value;
  }
  if (a.negative && op !== Evaluate.Cos) value = -value;
  return fixed(value < 0n, value < 0n ? -value : value, raise);
}

function squareRoot(v: bigint): bigint {
  let x = 1n << BigInt((bitLength(v) + 1) >> 1);
  for (;;) {
    const next = (x + v / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

/** arctan of 0 < t <= 1. */
function arctangent(t: bigint): bigint {
  // Halving the angle four times brings the argument below 1/16.
  let x = t;
  for (let i = 0; i < 4; i++) x = (x << F) / (ONE + squareRoot((ONE << F) + x * x));
  const square = mul(x, x);
  let sum = x;
  let power = x;
  for (let n = 3n; power !== 0n; n += 2n) {
    power = -mul(power, square);
    sum += power / n;
  }
  return sum << 4n;
}

/** FPATAN: the angle of the point (x, y). */
function arctangent2(y: Argument, x: Argument): Evaluated {
  const raise = y.denormal || x.denormal ? DE : 0;
  const yZero = y.m === 0n;
  const xZero = x.m === 0n;
  if (yZero || (x.infinite && !y.infinite)) {
    return x.negative ? fixed(y.negative, PI, raise) : zero(y.negative, raise);
  }
  if (y.infinite) {
    if (!x.infinite) return fixed(y.negative, PI >> 1n, raise);
    return fixed(y.negative, x.negative ? (PI * 3n) >> 2n : PI >> 2n, raise);
  }
  if (xZero) return fixed(y.negative, PI >> 1n, raise);
  const distance = bitLength(y.m) + y.k - bitLength(x.m) - x.k;
  if (distance < -200 && !x.negative) {
    const quotient = (y.m << 256n) / x.m;
    return nearly(y.negative, quotient, y.k - x.k - 256, false, raise);
  }
  let angle: bigint;
  if (distance < -200) angle = PI - 1n;
  else if (distance > 200) angle = x.negative ? (PI >> 1n) + 1n : (PI >> 1n) - 1n;
  else {
    // Common scale: the ratio is of integers.
    const k = Math.min(y.k, x.k);
    const yy = y.m << BigInt(y.k - k);
    const xx = x.m << BigInt(x.k - k);
    if (yy <= xx) angle = arctangent((yy << F) / xx);
    else angle = (PI >> 1n) - arctangent((xx << F) / yy);
    if (x.negative) angle = PI - angle;
  }
  return fixed(y.negative, angle, raise);
}

/** F2XM1. Defined for -1 <= x <= 1; outside the operand comes back unchanged, as from processors. */
function exp2m1(a: Argument): Evaluated {
  const raise = a.denormal ? DE : 0;
  if (a.infinite) return a.negative ? result(true, 1n, 0, 0, false) : infinity(false, 0);
  if (a.m === 0n) return zero(a.negative, 0);
  const size = bitLength(a.m) + a.k;
  const one = size === 1 && a.m === 1n << BigInt(bitLength(a.m) - 1);
  if (one) return result(a.negative, 1n, a.negative ? -1 : 0, PE, false);
  if (size > 0) return result(a.negative, a.m, a.k, PE, false);
  if (size < -200) return nearly(a.negative, a.m * LN2, a.k - Number(F), !a.negative, raise);
  const x = mul(a.negative ? -toFixed(a) : toFixed(a), LN2);
  let sum = 0n;
  let term = ONE;
  for (let n = 1n; ; n++) {
    term = mul(term, x) / n;
    // Shifts of negative numbers round down and so never reach 0.
    if (term === 0n || term === -1n) break;
    sum += term;
  }
  return fixed(a.negative, sum < 0n ? -sum : sum, raise);
}

/** log2 of (1 + z) / (1 - z), |z| < 1/5. */
function log2Series(z: bigint): bigint {
  const square = mul(z, z);
  let sum = z;
  let power = z;
  for (let n = 3n; power !== 0n && power !== -1n; n += 2n) {
    power = mul(power, square);
    sum += power / n;
  }
  return (sum << (F + 1n)) / LN2;
}

/** log2 of m * 2^k > 0 in fixed point. */
function log2(m: bigint, k: number): bigint {
  const length = bitLength(m);
  let e = length - 1 + k;
  let scale = length - 1;
  // m / 2^scale in [1, 2), or [1/2, 1) where that is nearer to 1: 3/2 is near enough to the square root of 2.
  if (m >= 3n << BigInt(Math.max(scale - 1, 0))) {
    scale++;
    e++;
  }
  const one = 1n << BigInt(scale);
  return (BigInt(e) << F) + log2Series(((m - one) << F) / (m + one));
}

/** y * l for a logarithm l in fixed point that is not zero. */
function times(y: Argument, l: bigint, raise: number): Evaluated {
  const negative = y.negative !== l < 0n;
  const size = l < 0n ? -l : l;
  const wholeNumber = BigInt.asUintN(Number(F), size) === 0n;
  // An exact result counts as inexact too, and so as an underflow where it is tiny.
  const product = y.m * size;
  const tiny = bitLength(product) - 1 + y.k - Number(F) + EXP_BIAS <= 0;
  return result(negative, product, y.k - Number(F), raise | PE | (tiny ? UE : 0), !wholeNumber);
}

/** FYL2X: y * log2(x). */
function yLog2(y: Argument, x: Argument): Evaluated {
  const raise = y.denormal || x.denormal ? DE : 0;
  if (x.m === 0n) {
    if (y.m === 0n) return invalid();
    return infinity(!y.negative, y.infinite ? 0 : ZE);
  }
  if (x.negative) return invalid();
  if (x.infinite) return y.m === 0n ? invalid() : infinity(y.negative, raise);
  const length = bitLength(x.m);
  const power = x.m === 1n << BigInt(length - 1);
  const e = length - 1 + x.k;
  if (power && e === 0) return y.infinite ? invalid() : zero(y.negative, raise);
  const negativeLog = e < 0;
  if (y.infinite) return infinity(y.negative !== negativeLog, raise);
  if (y.m === 0n) return zero(y.negative !== negativeLog, raise);
  return times(y, power ? BigInt(e) << F : log2(x.m, x.k), raise);
}

/** FYL2XP1: y * log2(1 + x). */
function yLog2p1(y: Argument, x: Argument): Evaluated {
  const raise = y.denormal || x.denormal ? DE : 0;
  if (x.m === 0n) return y.infinite ? invalid() : zero(y.negative !== x.negative, raise);
  if (x.infinite) return x.negative || y.m === 0n ? invalid() : infinity(y.negative, raise);
  const size = bitLength(x.m) + x.k;
  if (y.infinite) return infinity(y.negative !== x.negative, raise);
  if (y.m === 0n) return zero(y.negative !== x.negative, raise);
  // Undefined for x <= -1 (SDM vol. 2, "FYL2XP1"); AMD's processors give x back.
  if (x.negative && size > 0) return result(true, x.m, x.k, raise | PE, false);
  if (size < -200) {
    const slope = (ONE << F) / LN2;
    return nearly(y.negative !== x.negative, y.m * x.m * slope, y.k + x.k - Number(F), x.negative, raise);
  }
  // With |x| < 1/4 the quotient x / (2 + x) is exact enough; beyond it 1 + x is an exact integer of moderate size.
  if (size < -1) {
    const v = x.negative ? -x.m : x.m;
    const two = 1n << BigInt(1 - x.k);
    return times(y, log2Series((v << F) / (two + v)), raise);
  }
  const k = Math.min(x.k, 0);
  const one = 1n << BigInt(-k);
  const v = x.m << BigInt(x.k - k);
  return times(y, log2(x.negative ? one - v : one + v, k), raise);
}

/** The import of the wasm side: operands that are neither NaN nor unsupported; `sb`, `eb` is ST(0) of the binary ones. */
export function evaluate(op: number, sa: bigint, ea: number, sb: bigint, eb: number): Evaluated {
  const a = argument(sa, ea);
  switch (op) {
    case Evaluate.Atan2:
      return arctangent2(a, argument(sb, eb));
    case Evaluate.Exp2m1:
      return exp2m1(a);
    case Evaluate.Log2:
      return yLog2(a, argument(sb, eb));
    case Evaluate.Log2p1:
      return yLog2p1(a, argument(sb, eb));
    default:
      return trigonometric(op, a);
  }
}
