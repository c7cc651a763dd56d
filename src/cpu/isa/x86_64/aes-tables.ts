/**
 * Tables for the S-box of AES by lookups of four bits, as vectors of sixteen bytes.
 *
 * The S-box is the inverse in GF(2^8), then an affine map (FIPS 197, 5.1.1). Over the subfield F of 16 elements every x is
 * k + i*t, for a t outside of F that is chosen so that its trace t + t^16 and its norm t * t^16 are the same element a of F.
 * Then, with the norm N = k^2 + a*i*k + a*i^2 of x,
 *
 *     1/x = (k + a*i + i*t) / N        that is  p + (i/N)*t,  p = (k + a*i) / N
 *
 * What makes it cheap is that p, and q = ((1 + a)*k + a*i) / N, are the inverses of simple things: with j = i + k
 *
 *     1/p = 1/(1/i + a/k) + j          1/q = 1/(1/j + a/k) + i
 *
 * as one sees by clearing the fractions. So there are additions and lookups of 1/y, a/k, and of the linear functions of
 * 1/y that turn p and q into the result: k/N = (p + q)/a, i/N = (p + k/N)/a, so 1/x = p*(1 + t/a + t/a^2) + q*t/a^2.
 * Infinity, the inverse of 0, is 0x80: whatever is added to it, as an index it is too large and gives 0, the inverse of
 * infinity. (M. Hamburg, "Accelerating AES with Vector Permute Instructions", CHES 2009, section 3, has the idea.)
 */

const INFINITY = 0x80;

/** The product in GF(2^8) with AES's polynomial. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product & 0x80) !== 0 ? 0x11b : 0);
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}
const square = (a: number): number => multiply(a, a);
const power16 = (a: number): number => square(square(square(square(a))));
/** 0 for 0. */
function inverse(a: number): number {
  // a^254 = a^(2 + 4 + ... + 128)
  let result = 1;
  let factor = a;
  for (let n = 0; n < 7; n++) {
    factor = square(factor);
    result = multiply(result, factor);
  }
  return result;
}

/** The linear part of the affine map, and its inverse (FIPS 197, 5.1.1 and 5.3.2): sums of rotations. */
const rotations = (x: number, by: readonly number[]): number =>
  by.reduce((sum, n) => sum ^ (((x << n) | (x >> (8 - n))) & 0xff), 0);
const linear = (x: number): number => rotations(x, [0, 1, 2, 3, 4]);
const linearInverse = (x: number): number => rotations(x, [1, 3, 6]);
export const AFFINE_CONSTANT = 0x63;

/** Sixteen bytes each, by the number in a nibble. */
export interface SboxTables {
  /** What the upper and the lower four bits of a byte add to k and to i. */
  readonly kFromHigh: readonly number[];
  readonly kFromLow: readonly number[];
  readonly iFromHigh: readonly number[];
  readonly iFromLow: readonly number[];
  /** 1/y */
  readonly inverse: readonly number[];
  /** a/y */
  readonly quotient: readonly number[];
  /** What 1/p and 1/q add to the result. */
  readonly toP: readonly number[];
  readonly toQ: readonly number[];
}

const NIBBLES: readonly number[] = Array.from({ length: 16 }, (_, n) => n);

/**
 * @param before applied to a byte first: linear but for a constant
 * @param after applied to the inverse: linear
 */
function tables(before: (x: number) => number, after: (x: number) => number): SboxTables {
  const bytes = Array.from({ length: 256 }, (_, n) => n);
  const subfield = bytes.filter((x) => power16(x) === x);
  const t = bytes.find((x) => power16(x) !== x && (x ^ power16(x)) === multiply(x, power16(x)));
  if (t === undefined) throw new Error("there is no element whose trace is its norm");
  const a = t ^ power16(t);
  // A basis of F over the field of two elements makes its elements numbers of four bits.
  const basis: number[] = [];
  const elements = (): number[] =>
    Array.from({ length: 1 << basis.length }, (_, n) =>
      basis.reduce((sum, b, bit) => sum ^ ((n >> bit) & 1 ? b : 0), 0),
    );
  for (const x of subfield) if (!elements().includes(x)) basis.push(x);
  const element = elements();
  const numberOf = (x: number): number => element.indexOf(x);
  const split = (x: number): { k: number; i: number } => {
    for (const i of NIBBLES) {
      const k = numberOf(x ^ multiply(element[i] as number, t));
      if (k >= 0) return { k, i };
    }
    throw new Error("not a sum of the two parts");
  };
  const ta = multiply(t, inverse(a));
  const taa = multiply(ta, inverse(a));
  const scaled = (y: number, factor: number): number => multiply(inverse(element[y] as number), factor);
  const orInfinity = (y: number, value: number): number => (y === 0 ? INFINITY : value);
  return {
    kFromHigh: NIBBLES.map((n) => split(before(n << 4) ^ before(0)).k),
    kFromLow: NIBBLES.map((n) => split(before(n)).k),
    iFromHigh: NIBBLES.map((n) => split(before(n << 4) ^ before(0)).i),
    iFromLow: NIBBLES.map((n) => split(before(n)).i),
    inverse: NIBBLES.map((y) => orInfinity(y, numberOf(inverse(element[y] as number)))),
    quotient: NIBBLES.map((y) => orInfinity(y, numberOf(scaled(y, a)))),
    toP: NIBBLES.map((y) => after(scaled(y, 1 ^ ta ^ taa))),
    toQ: NIBBLES.map((y) => after(scaled(y, taa))),
  };
}

/** The S-box without the constant that is added at its end. */
export const sboxTables = (): SboxTables => tables((x) => x, linear);
export const inverseSboxTables = (): SboxTables =>
  tables(
    (x) => linearInverse(x ^ AFFINE_CONSTANT),
    (x) => x,
  );
