/** A small deterministic generator (sfc32, by Chris Doty-Humphrey), and the values worth trying. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream: number) {
    this.#a = seed >>> 0;
    this.#b = stream >>> 0;
    this.#c = (seed / 0x1_0000_0000) >>> 0;
    for (let i = 0; i < 12; i++) this.u32();
  }

  u32(): number {
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return t >>> 0;
  }

  /** 0 <= result < n */
  below(n: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * n);
  }

  /** True once in n times, on average. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** An integer that is likely to be a corner case of some operand size. */
  integer(): bigint {
    switch (this.below(8)) {
      case 0:
        return BigInt.asUintN(64, BigInt(this.below(5) - 2));
      case 1:
        return BigInt.asUintN(64, (1n << BigInt(this.below(64))) - BigInt(this.below(3) - 1));
      case 2:
        return BigInt(this.below(256));
      case 3:
        return BigInt(this.u32());
      case 4:
        return this.pick(CORNERS);
      case 5:
        return BigInt.asUintN(64, BigInt(this.u32() | 0));
      default:
        return this.u64();
    }
  }

  /** Bits of a float of `bits` (32 or 64) that is likely to be a corner case. */
  float(bits: 32 | 64): bigint {
    const mantissa = bits === 32 ? 23n : 52n;
    const exponentMask = bits === 32 ? 0xffn : 0x7ffn;
    const bias = exponentMask >> 1n;
    const sign = BigInt(this.below(2)) << BigInt(bits - 1);
    const fraction = this.u64() & ((1n << mantissa) - 1n);
    const make = (exponent: bigint, f: bigint): bigint => sign | (exponent << mantissa) | f;
    switch (this.below(14)) {
      case 0:
        return make(0n, 0n);
      case 1:
        return make(exponentMask, 0n);
      case 2: // a quiet NaN
        return make(exponentMask, fraction | (1n << (mantissa - 1n)));
      case 3: // a signalling NaN
        return make(exponentMask, (fraction & ((1n << (mantissa - 1n)) - 1n)) | 1n);
      case 4: // a denormal number
        return make(0n, this.oneIn(2) ? fraction | 1n : BigInt(this.below(4)));
      case 5:
        return make(bias, 0n);
      case 6: // small integers and halves
        return this.#fromNumber((this.below(41) - 20) / 2, bits);
      case 7: // around the limits of the integer types
        return this.#fromNumber(this.pick(LIMITS) * (this.oneIn(2) ? -1 : 1) + (this.below(9) - 4) / 2, bits);
      case 8: // the largest and the smallest normal numbers
        return this.oneIn(2) ? make(exponentMask - 1n, fraction) : make(1n, fraction);
      case 9: // halves of an odd number, for rounding
        return this.#fromNumber(this.below(1 << 20) + 0.5, bits) | sign;
      case 10:
        return make(BigInt(this.below(Number(exponentMask))), fraction);
      default: // near 1, so that sums and products stay interesting
        return make(
          bias + BigInt(this.below(60) - 30),
          this.oneIn(3) ? fraction & ~((1n << (mantissa - 8n)) - 1n) : fraction,
        );
    }
  }

  #fromNumber(value: number, bits: 32 | 64): bigint {
    const view = new DataView(new ArrayBuffer(8));
    if (bits === 64) {
      view.setFloat64(0, value);
      return view.getBigUint64(0);
    }
    view.setFloat32(0, value);
    return BigInt(view.getUint32(0));
  }
}

const CORNERS: readonly bigint[] = [
  0x7fn, 0x80n, 0xffn, 0x100n, 0x7fffn, 0x8000n, 0xffffn, 0x1_0000n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_8000_0000n, 0xffff_ffff_7fff_ffffn, 0x5555_5555_5555_5555n,
]; // biome-ignore format: a list of numbers
const LIMITS: readonly number[] = [7, 8, 15, 16, 31, 32, 63, 64].map((bits) => 2 ** bits);
