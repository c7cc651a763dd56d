/**
 * CRC32: one step of the Castagnoli CRC (Intel SDM vol. 2, "CRC32").
 *
 * The checksum after some bits is a linear function of the checksum before, with the bits added to it. So every bit that is
 * set adds a constant of its own; four at a time are tested, and their constants added, in the lanes of a vector.
 */
import { type I32, type I64, i32, i64, v128 } from "../../wasm/expr.ts";
import type { FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { bits, i32x4, i64x2 } from "../../wasm/simd.ts";
import { ZERO } from "./lanes.ts";
import type { Definition, Size, Word } from "./sem.ts";

export const crcTable = `
f2 0f 38 f0     crc32    Gy,Eb
f2 0f 38 f1     crc32    Gy,Ev
`;

/** The polynomial 11edc6f41 with its bits backwards. */
const POLYNOMIAL = 0x82f6_3b78;

function steps(checksum: number, count: number): number {
  let c = checksum;
  for (let i = 0; i < count; i++) c = (c >>> 1) ^ (c & 1 ? POLYNOMIAL : 0);
  return c >>> 0;
}

/** What is left of bit i of `width` bits of data, after all of them. */
export function contribution(width: number, i: number): number {
  return i < 32 ? steps((1 << i) >>> 0, width) : steps((1 << (i - 32)) >>> 0, width - 32);
}

const fourOf = (values: readonly number[]): [bigint, bigint] => {
  const [a, b, c, d] = values.map(BigInt) as [bigint, bigint, bigint, bigint];
  return [a | (b << 32n), c | (d << 32n)];
};

/** (checksum, data) -> checksum */
function defineStep(m: ModuleBuilder, bytes: Size): FunctionRef {
  const width = bytes * 8;
  return m.func(`crc32c.${width}`, ["i32", bytes === 8 ? "i64" : "i32"], ["i32"], (f) => {
    const before = f.param(0, "i32");
    const low: I32 = bytes === 8 ? i32.wrap(f.param(1, "i64")) : f.param(1, "i32");
    const halves = [i32x4.splat(i32.xor(before, low))];
    if (bytes === 8) halves.push(i32x4.splat(i32.wrap(i64.shr_u(f.param(1, "i64"), i64.const(32)))));
    const r = f.local("v128");
    f.set(r, ZERO);
    halves.forEach((half, n) => {
      const x = f.let(half);
      for (let first = n * 32; first < Math.min(width, n * 32 + 32); first += 4) {
        const four = [first, first + 1, first + 2, first + 3];
        const places = v128.const(...fourOf(four.map((i) => (1 << (i & 31)) >>> 0)));
        const constants = v128.const(...fourOf(four.map((i) => contribution(width, i))));
        f.set(r, bits.xor(r, bits.and(i32x4.eq(bits.and(x, places), places), constants)));
      }
    });
    const pairs = f.let(i64.xor(i64x2.extract(r, 0), i64x2.extract(r, 1)));
    const all = i32.xor(i32.wrap(pairs), i32.wrap(i64.shr_u(pairs, i64.const(32))));
    f.return(width < 32 ? i32.xor(all, i32.shr_u(before, i32.const(width))) : all);
  });
}

export function defineCrc(m: ModuleBuilder): Readonly<Record<string, Definition>> {
  const step = { 1: defineStep(m, 1), 2: defineStep(m, 2), 4: defineStep(m, 4), 8: defineStep(m, 8) };
  return {
    crc32: (s) => {
      const data: Word = s.read(1);
      const wide = s.operands[0]?.bytes === 8;
      const before: I32 = wide ? i32.wrap(s.read(0) as I64) : (s.read(0) as I32);
      const after = s.f.call("i32", step[(s.operands[1]?.bytes ?? 4) as Size], [before, data]);
      s.write(0, wide ? i64.extend_i32_u(after) : after);
    },
  };
}
