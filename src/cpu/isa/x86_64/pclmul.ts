/**
 * PCLMULQDQ: the product of two polynomials over GF(2) with 64 coefficients each (Intel SDM vol. 2).
 *
 * Integer multiplication does it, if carries have nowhere to go: of numbers that have ones at every fourth place only, at
 * most sixteen meet in one place of the product, and sixteen is 1 at the next place that is used only where that is
 * beyond the 64 bits of the result. So both numbers are split in four, and of the sixteen products, every fourth place
 * counts. That gives the lower 64 bits; the upper ones are the lower ones of the product of the numbers written backwards,
 * shifted by one place as the product has 127. (T. Pornin, BearSSL, "Constant-Time Multiplication" and GHASH.)
 */
import { type I64, i32, i64, select, shuffle, type V128 } from "../../wasm/expr.ts";
import type { FunctionBuilder, ModuleBuilder } from "../../wasm/module.ts";
import { bits, i8x16, i64x2 } from "../../wasm/simd.ts";
import { byteVector, type Lanes } from "./lanes.ts";

export const pclmulTable = `
66 0f 3a 44     pclmulqdq Vx,Wx,Ib
`;

const EVERY_FOURTH = 0x1111_1111_1111_1111n;

/** The lower 64 coefficients of the product. */
function productLow(f: FunctionBuilder, x: I64, y: I64): I64 {
  const split = (v: I64): I64[] => [0n, 1n, 2n, 3n].map((n) => f.let(i64.and(v, i64.const(EVERY_FOURTH << n))));
  const xs = split(x);
  const ys = split(y);
  let result: I64 | undefined;
  for (let place = 0; place < 4; place++) {
    let sum: I64 | undefined;
    for (let n = 0; n < 4; n++) {
      const product = i64.mul(xs[n] as I64, ys[(place - n) & 3] as I64);
      sum = sum === undefined ? product : i64.xor(sum, product);
    }
    const part = i64.and(sum as I64, i64.const(EVERY_FOURTH << BigInt(place)));
    result = result === undefined ? part : i64.or(result, part);
  }
  return f.let(result as I64);
}

const backwards = (n: number): number => ((n & 1) << 3) | ((n & 2) << 1) | ((n & 4) >> 1) | ((n & 8) >> 3);
const NIBBLES = Array.from({ length: 16 }, (_, n) => n);

/** Both halves with their bits in the opposite order. v is evaluated. */
function reverseBits(f: FunctionBuilder, v: V128): V128 {
  const low = i8x16.swizzle(
    byteVector(NIBBLES.map((n) => backwards(n) << 4)),
    bits.and(v, byteVector(NIBBLES.map(() => 15))),
  );
  const high = i8x16.swizzle(byteVector(NIBBLES.map(backwards)), i8x16.shr_u(v, i32.const(4)));
  const bytes = f.let(bits.or(low, high));
  return f.let(shuffle(bytes, bytes, [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8]));
}

export function definePclmul(m: ModuleBuilder): Pick<Lanes, "binaryImm"> {
  const multiply = m.func("pclmul.multiply", ["i64", "i64"], ["v128"], (f) => {
    const x = f.param(0, "i64");
    const y = f.param(1, "i64");
    const low = productLow(f, x, y);
    const back = reverseBits(f, f.let(i64x2.replace(i64x2.splat(x), 1, y)));
    const high = productLow(f, f.let(i64x2.extract(back, 0)), f.let(i64x2.extract(back, 1)));
    const swapped = reverseBits(f, f.let(i64x2.splat(high)));
    f.return(i64x2.replace(i64x2.splat(low), 1, i64.shr_u(i64x2.extract(swapped, 0), i64.const(1))));
  });
  return {
    binaryImm: {
      // Bits 0 and 4 of the immediate choose the half of either operand.
      pclmulqdq: (f, a, b, imm) => {
        const half = (v: V128, bit: number): I64 =>
          select(i32.and(imm, i32.const(bit)), i64x2.extract(v, 1), i64x2.extract(v, 0));
        return f.call("v128", multiply, [half(a, 1), half(b, 16)]);
      },
    },
  };
}
