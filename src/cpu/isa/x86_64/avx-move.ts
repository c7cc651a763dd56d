/** AVX and AVX2: moves, insertion and extraction, broadcasts, tests. Definitions: see sem.ts for the rules they keep. */
import { BIAS } from "../../../mm/layout.ts";
import { type I32, type I64, i32, select, shuffle, type V128 } from "../../wasm/expr.ts";
import { bits, f32x4, f64x2, i8x16, i16x8, i32x4, i64x2 } from "../../wasm/simd.ts";
import { ZERO } from "./lanes.ts";
import type { Definition, Sem } from "./sem.ts";
import { insertWord } from "./sse-integer.ts";
import { loadDouble, loadSingle, lowOnly } from "./sse-move.ts";
import { EXTENSION_SOURCE, extensions, insertInteger, insertps, lowBytes, setTestFlags } from "./sse4.ts";

/** The half of 16 bytes that an operand of 16 bytes is. */
const only = (s: Sem, n: number): V128 => s.vector(n)[0] as V128;

const movaps: Definition = (s) => {
  for (const n of [0, 1]) {
    const o = s.operands[n];
    if (o?.kind === "m") s.aligned(s.address(n), o.bytes);
  }
  s.setVector(0, s.vector(1));
  s.lowIsThatOf?.(0, 1);
};

const movddup: Definition = (s) => {
  if (s.operands[0]?.kind === "x") {
    s.setVector(0, [i64x2.splat(s.low64(1))]);
    return;
  }
  const twice = (v: V128): V128 => shuffle(v, v, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
  s.setVector(0, s.vector(1).map(twice));
};

/** The integer in an element of 1, 2, 4 or 8 bytes, from memory or from the low end of a register, in all elements. */
const broadcast =
  (bytes: 1 | 2 | 4 | 8): Definition =>
  (s) => {
    const { f } = s;
    const fromMemory = (): I32 => {
      const at = s.readable(s.address(1), bytes);
      return bytes === 1 ? i32.load8_u(at, BIAS) : i32.load16_u(at, BIAS);
    };
    const isMemory = s.operands[1]?.kind === "m";
    const all = (): V128 => {
      if (bytes === 8) return i64x2.splat(s.low64(1));
      if (bytes === 4) return i32x4.splat(s.low32(1));
      if (bytes === 2) return i16x8.splat(isMemory ? fromMemory() : i16x8.extract(only(s, 1), 0));
      return i8x16.splat(isMemory ? fromMemory() : i8x16.extract(only(s, 1), 0));
    };
    const v = f.let(all());
    s.setVector(0, s.operands[0]?.kind === "y" ? [v, v] : [v]);
  };

const broadcast128: Definition = (s) => {
  const v = only(s, 1);
  s.setVector(0, [v, v]);
};

/** Sign- or zero-extension of the low bytes; of 32 bytes the upper half comes from what follows them. */
const extend =
  (name: string): Definition =>
  (s) => {
    const lane = extensions[name] as (typeof extensions)[string];
    const bytes = EXTENSION_SOURCE[name.slice(-2)] as number;
    if (s.operands[0]?.kind === "x") {
      s.setVector(0, [lane(s.f, lowBytes(s, 1, bytes))]);
      return;
    }
    const source = bytes === 8 ? only(s, 1) : lowBytes(s, 1, bytes * 2);
    const order = Array.from({ length: 16 }, (_, i) => (i + bytes) & 15);
    const upper = s.f.let(shuffle(source, source, order));
    s.setVector(0, [lane(s.f, source), lane(s.f, upper)]);
  };

const insert =
  (bytes?: 1): Definition =>
  (s) => {
    const value = s.read(2);
    const size = bytes ?? (s.operands[2]?.bytes === 8 ? 8 : 4);
    s.setVector(0, [insertInteger(only(s, 1), value as I32, s.imm(3), size)]);
  };

const movdLoad: Definition = (s) => {
  const value = s.read(1);
  const wide = s.operands[1]?.bytes === 8;
  s.setVector(0, [wide ? i64x2.replace(ZERO, 0, value as I64) : i32x4.replace(ZERO, 0, value as I32)]);
};

/** One bit per lane, those of the upper half above those of the lower. */
const mask =
  (lanes: { bitmask(v: V128): I32 }, count: number): Definition =>
  (s) => {
    const [low, high] = s.vector(1) as [V128, V128 | undefined];
    const upper = high === undefined ? i32.const(0) : i32.shl(lanes.bitmask(high), i32.const(count));
    s.write(0, i32.or(lanes.bitmask(low), upper));
  };

/** ZF and CF from the common bits, and from those of the second operand alone. */
const test =
  (any: (v: V128) => I32): Definition =>
  (s) => {
    const b = s.vector(1);
    const a = s.vector(0);
    const of = (op: (x: V128, y: V128) => V128): I32 =>
      a.map((v, half) => any(op(v, b[half] as V128))).reduce((x, y) => i32.or(x, y));
    setTestFlags(
      s,
      of(bits.and),
      of((x, y) => bits.andnot(y, x)),
    );
  };

/** Bit 0 of the immediate chooses the half. */
const insert128: Definition = (s) => {
  const value = only(s, 2);
  const [low, high] = s.vector(1) as [V128, V128];
  const upper = s.f.let(i32.and(s.imm(3), i32.const(1)));
  s.setVector(0, [select(upper, low, value), select(upper, value, high)]);
};
const extract128: Definition = (s) => {
  const [low, high] = s.vector(1) as [V128, V128];
  s.setVector(0, [select(i32.and(s.imm(2), i32.const(1)), high, low)]);
};

const clear =
  (halves: readonly (0 | 1)[]): Definition =>
  (s) => {
    for (let register = 0; register < 16; register++) for (const half of halves) s.setYmm(register, half, ZERO);
  };

export const avxMove: Readonly<Record<string, Definition>> = {
  vmovaps: movaps,
  vmovups: (s) => {
    s.setVector(0, s.vector(1));
    s.lowIsThatOf?.(0, 1);
  },
  vmovss_load: (s) => loadSingle(s, (v) => s.setVector(0, [v])),
  vmovsd_load: (s) => loadDouble(s, (v) => s.setVector(0, [v])),
  vmovq_load: (s) => s.setVector(0, [lowOnly(s, 1, 8)]),
  vmovss: (s) => s.setVector(0, [f32x4.replace(only(s, 1), 0, s.lowF32(2))]),
  vmovsd: (s) => s.setVector(0, [f64x2.replace(only(s, 1), 0, s.lowF64(2))]),
  vmovlps: (s) => {
    const low = s.lowF64(2);
    s.setVector(0, [f64x2.replace(only(s, 1), 0, low)]);
  },
  vmovhps: (s) => {
    const high = s.lowF64(2);
    s.setVector(0, [f64x2.replace(only(s, 1), 1, high)]);
  },
  vmovhlps: (s) => {
    const high = f64x2.extract(only(s, 2), 1);
    s.setVector(0, [f64x2.replace(only(s, 1), 0, high)]);
  },
  vmovddup: movddup,
  vmovd_load: movdLoad,
  vpinsrb: insert(1),
  vpinsrw: (s) => {
    const value = s.read(2) as I32;
    s.setVector(0, [insertWord(only(s, 1), value, s.imm(3))]);
  },
  vpinsrd: insert(),
  vinsertps: (s) => {
    const b = s.operands[2]?.kind === "m" ? s.f.let(i32x4.splat(s.low32(2))) : only(s, 2);
    s.setVector(0, [insertps(s.f, only(s, 1), b, s.imm(3))]);
  },
  vpbroadcastb: broadcast(1),
  vpbroadcastw: broadcast(2),
  vpbroadcastd: broadcast(4),
  vpbroadcastq: broadcast(8),
  vbroadcasti128: broadcast128,
  vinserti128: insert128,
  vextracti128: extract128,
  ...Object.fromEntries(Object.keys(extensions).map((name) => [`v${name}`, extend(name)])),
  vmovmskps: mask(i32x4, 4),
  vmovmskpd: mask(i64x2, 2),
  vpmovmskb: mask(i8x16, 16),
  vptest: test(bits.anyTrue),
  vtestps: test(i32x4.bitmask),
  vtestpd: test(i64x2.bitmask),
  vzeroupper: clear([1]),
  vzeroall: clear([0, 1]),
};
