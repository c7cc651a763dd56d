/**
 * SHA-NI: steps of SHA-1 and SHA-256 (FIPS 180-4, 6.1.2 and 6.2.2; Intel SDM vol. 2, "SHA1RNDS4" and its neighbours).
 * SHA-1's words stand in a register with the first one in the highest lane, SHA-256's with the first one in the lowest.
 */
import { type I32, i32, shuffle, type V128 } from "../../wasm/expr.ts";
import type { FunctionBuilder, ModuleBuilder } from "../../wasm/module.ts";
import { bits, i32x4 } from "../../wasm/simd.ts";
import type { Binary, Lanes, Ternary } from "./lanes.ts";
import { ZERO } from "./lanes.ts";

export const shaTable = `
np 0f 38 c8     sha1nexte Vx,Wx
np 0f 38 c9     sha1msg1 Vx,Wx
np 0f 38 ca     sha1msg2 Vx,Wx
np 0f 38 cb     sha256rnds2 Vx,Wx
np 0f 38 cc     sha256msg1 Vx,Wx
np 0f 38 cd     sha256msg2 Vx,Wx
np 0f 3a cc     sha1rnds4 Vx,Wx,Ib
`;

const rotl = (v: I32, n: number): I32 => i32.rotl(v, i32.const(n));
const rotr = (v: I32, n: number): I32 => i32.rotr(v, i32.const(n));
const sum = (...terms: I32[]): I32 => terms.reduce((a, b) => i32.add(a, b));
const lane = (f: FunctionBuilder, v: V128, n: number): I32 => f.let(i32x4.extract(v, n));
const vector = (lanes: readonly I32[]): V128 => lanes.reduce((v, value, n) => i32x4.replace(v, n, value), ZERO);

const choose = (x: I32, y: I32, z: I32): I32 => i32.xor(z, i32.and(x, i32.xor(y, z)));
const parity = (x: I32, y: I32, z: I32): I32 => i32.xor(i32.xor(x, y), z);
const majority = (x: I32, y: I32, z: I32): I32 => i32.or(i32.and(x, y), i32.and(z, i32.or(x, y)));

/** The function and the constant of each twenty steps of SHA-1 (FIPS 180-4, 4.1.1 and 4.2.1). */
const SHA1_STEPS: readonly (readonly [(x: I32, y: I32, z: I32) => I32, number])[] = [
  [choose, 0x5a82_7999],
  [parity, 0x6ed9_eba1],
  [majority, 0x8f1b_bcdc],
  [parity, 0xca62_c1d6],
];

/** Four steps on a, b, c, d in the lanes from the highest; the words come with e added to the first. */
function sha1Rounds(f: FunctionBuilder, state: V128, words: V128, step: (typeof SHA1_STEPS)[number]): V128 {
  const [mix, constant] = step;
  let [a, b, c, d] = [lane(f, state, 3), lane(f, state, 2), lane(f, state, 1), lane(f, state, 0)];
  let e: I32 = i32.const(0);
  for (const n of [3, 2, 1, 0]) {
    const next = f.let(sum(mix(b, c, d), rotl(a, 5), i32x4.extract(words, n), e, i32.const(constant)));
    [a, b, c, d, e] = [next, a, f.let(rotl(b, 30)), c, d];
  }
  return vector([d, c, b, a]);
}

/** Two steps on a to h: a, b, e, f in the lanes of one from the highest, c, d, g, h in the other; words with constants added. */
const sha256Rounds: Ternary = (fn, cdgh, abef, words) => {
  const get = (v: V128, n: number): I32 => lane(fn, v, n);
  let [a, b, c, d] = [get(abef, 3), get(abef, 2), get(cdgh, 3), get(cdgh, 2)];
  let [e, f, g, h] = [get(abef, 1), get(abef, 0), get(cdgh, 1), get(cdgh, 0)];
  for (const n of [0, 1]) {
    const s1 = i32.xor(i32.xor(rotr(e, 6), rotr(e, 11)), rotr(e, 25));
    const t1 = fn.let(sum(h, s1, choose(e, f, g), i32x4.extract(words, n)));
    const s0 = i32.xor(i32.xor(rotr(a, 2), rotr(a, 13)), rotr(a, 22));
    const next = fn.let(sum(t1, s0, majority(a, b, c)));
    [a, b, c, d, e, f, g, h] = [next, a, b, c, fn.let(i32.add(d, t1)), e, f, g];
  }
  return vector([f, e, b, a]);
};

const rotateLanes = (v: V128, n: number): V128 =>
  bits.or(i32x4.shl(v, i32.const(n)), i32x4.shr_u(v, i32.const(32 - n)));

/** sigma 0 and 1 of the message schedule (FIPS 180-4, 4.1.2), in all lanes. v is evaluated. */
const sigma = (v: V128, r1: number, r2: number, shift: number): V128 =>
  bits.xor(bits.xor(rotateLanes(v, 32 - r1), rotateLanes(v, 32 - r2)), i32x4.shr_u(v, i32.const(shift)));

const messages: Readonly<Record<string, Binary>> = {
  // e of the next four steps, from a of the last four, added to the first word.
  sha1nexte: (_, a, b) => i32x4.add(b, i32x4.replace(ZERO, 3, rotl(i32x4.extract(a, 3), 30))),
  // w[0..3] ^ w[2..5], words from the highest lane on.
  sha1msg1: (_, a, b) => bits.xor(a, shuffle(a, b, [24, 25, 26, 27, 28, 29, 30, 31, 0, 1, 2, 3, 4, 5, 6, 7])),
  // The last of four words depends on the first.
  sha1msg2: (f, a, b) => {
    const moved = shuffle(b, ZERO, [16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    const mixed = f.let(bits.xor(a, moved));
    const first = f.let(rotateLanes(mixed, 1));
    return bits.xor(first, i32x4.replace(ZERO, 0, rotl(i32x4.extract(first, 3), 1)));
  },
  sha256msg1: (f, a, b) => {
    const next = f.let(shuffle(a, b, [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]));
    return i32x4.add(a, sigma(next, 7, 18, 3));
  },
  // Words 2 and 3 depend on words 0 and 1.
  sha256msg2: (f, a, b) => {
    const before = f.let(shuffle(b, ZERO, [8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16]));
    const low = f.let(i32x4.add(a, sigma(before, 17, 19, 10)));
    const two = f.let(shuffle(low, ZERO, [16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7]));
    return i32x4.add(low, sigma(two, 17, 19, 10));
  },
};

export function defineSha(m: ModuleBuilder): Pick<Lanes, "binary" | "binaryImm" | "ternary"> {
  const rounds = m.func("sha256.rounds2", ["v128", "v128", "v128"], ["v128"], (f) =>
    f.return(sha256Rounds(f, f.param(0, "v128"), f.param(1, "v128"), f.param(2, "v128"))),
  );
  const sha1 = SHA1_STEPS.map((step, n) =>
    m.func(`sha1.rounds4.${n}`, ["v128", "v128"], ["v128"], (f) =>
      f.return(sha1Rounds(f, f.param(0, "v128"), f.param(1, "v128"), step)),
    ),
  );
  return {
    binary: messages,
    ternary: { sha256rnds2: (f, a, b, words) => f.call("v128", rounds, [a, b, words]) },
    binaryImm: {
      // Bits 0 and 1 of the immediate: which twenty steps these are of.
      sha1rnds4: (f, a, b, imm) => {
        const r = f.local("v128");
        const which = f.let(i32.and(imm, i32.const(3)));
        const from = (n: number): void => {
          const run = (): void => f.set(r, f.call("v128", sha1[n] as (typeof sha1)[number], [a, b]));
          if (n === 3) run();
          else f.if(i32.eq(which, i32.const(n)), run, () => from(n + 1));
        };
        from(0);
        return r;
      },
    },
  };
}
