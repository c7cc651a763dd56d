/**
 * SSE and SSE2: conversions. Definitions: see sem.ts for the rules they keep.
 *
 * A conversion to integers that does not fit gives the "integer indefinite", the smallest integer; wasm's saturating
 * truncation gives exactly that for what is too small, so that only what is too large and NaN are corrected. As in
 * sse-float.ts, `Sem.careful` leads to the functions that honour MXCSR.
 */
import {
  type F32,
  type F64,
  f32,
  f64,
  type I32,
  type I64,
  i32,
  i64,
  select,
  shuffle,
  type V128,
  v128,
} from "../../wasm/expr.ts";
import { isNaN32, isNaN64 } from "../../wasm/nan.ts";
import { bits, f32x4, f64x2, i32x4, i64x2 } from "../../wasm/simd.ts";
import { AVX_SCALAR, type FloatLane, runFloat, type ScalarPlace, SSE_SCALAR, ZERO } from "./lanes.ts";
import type { Definition, Sem } from "./sem.ts";
import type { NanFunctions } from "./sse-nan.ts";
import { type SoftFunctions, settle } from "./sse-soft.ts";

const SINGLE = i32.const(23);
const DOUBLE = i32.const(52);

/** The same for a value in both ways of computing it: the careful one settles its exceptions. */
function either(s: Sem, soft: SoftFunctions, careful: () => void, fast: () => void): void {
  s.f.if(
    s.careful(),
    () => {
      careful();
      settle(s, soft);
    },
    fast,
  );
}

/** cvt(t)sd2si: operand 0 is a register of 4 or 8 bytes. Every f32 is an f64, so the fast way is the same for both. */
function scalarToInteger(soft: SoftFunctions, single: boolean, truncate: boolean): Definition {
  return (s) => {
    const { f } = s;
    const width = s.operands[0]?.bytes === 8 ? 64 : 32;
    const number = single ? s.lowF32(1) : s.lowF64(1);
    const a = single ? i64.extend_i32_u(i32.reinterpret_f32(number as F32)) : i64.reinterpret_f64(number as F64);
    const r = f.local("i64");
    either(
      s,
      soft,
      () => {
        const args = [a, single ? SINGLE : DOUBLE, i32.const(width), i32.const(truncate ? 1 : 0)];
        f.set(r, f.call("i64", soft.toInteger, args));
      },
      () => {
        const wide = single ? f64.promote_f32(number as F32) : (number as F64);
        const value = f.let(truncate ? wide : f64.nearest(wide));
        const fits = f64.lt(value, f64.const(2 ** (width - 1)));
        if (width === 64) f.set(r, select(fits, i64.trunc_sat_f64_s(value), i64.const(-(2n ** 63n))));
        else {
          const integer = select(fits, i32.trunc_sat_f64_s(value), i32.const(-(2 ** 31)));
          f.set(r, i64.extend_i32_s(integer));
        }
      },
    );
    s.write(0, width === 64 ? r : i32.wrap(r));
  };
}

const splat32 = (n: bigint): V128 => v128.const((n << 32n) | n, (n << 32n) | n);
const INDEFINITE: V128 = splat32(0x8000_0000n);
/** 2^31 as floats and as doubles. */
const LIMIT32: V128 = splat32(0x4f00_0000n);
const LIMIT64: V128 = v128.const(0x41e0_0000_0000_0000n, 0x41e0_0000_0000_0000n);

/** The first `count` floats to as many integers; NaN and what does not fit to the indefinite. */
export function floatsToIntegers(soft: SoftFunctions, count: number, truncate: boolean): FloatLane {
  return {
    bytes: 16,
    careful: (f, _, source) => {
      const r = f.local("v128");
      f.set(r, source);
      for (let lane = 0; lane < count; lane++) {
        const a = i64.extend_i32_u(i32x4.extract(source, lane));
        const n = f.call("i64", soft.toInteger, [a, SINGLE, i32.const(32), i32.const(truncate ? 1 : 0)]);
        f.set(r, i32x4.replace(r, lane, i32.wrap(n)));
      }
      return r;
    },
    fast: (f, _, source) => {
      const value = truncate ? source : f.let(f32x4.nearest(source));
      return bits.select(i32x4.trunc_sat_f32x4_s(value), INDEFINITE, f32x4.lt(value, LIMIT32));
    },
  };
}

/** Two doubles to integers in the low two lanes; the upper two become 0. */
export function doublesToIntegers(soft: SoftFunctions, truncate: boolean): FloatLane {
  return {
    bytes: 16,
    careful: (f, _, source) => {
      const r = f.local("v128");
      f.set(r, ZERO);
      for (const lane of [0, 1]) {
        const args = [i64x2.extract(source, lane), DOUBLE, i32.const(32), i32.const(truncate ? 1 : 0)];
        f.set(r, i32x4.replace(r, lane, i32.wrap(f.call("i64", soft.toInteger, args))));
      }
      return r;
    },
    fast: (f, _, source) => {
      const value = truncate ? source : f.let(f64x2.nearest(source));
      const fits = f.let(f64x2.lt(value, LIMIT64));
      const mask = shuffle(fits, fits, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
      const integers = bits.select(i32x4.trunc_sat_f64x2_s_zero(value), INDEFINITE, mask);
      return bits.and(integers, v128.const(-1n, 0n));
    },
  };
}

/** The first `count` integers to floats. */
export function integersToFloats(soft: SoftFunctions, count: number): FloatLane {
  return {
    bytes: 16,
    careful: (f, _, source) => {
      const r = f.local("v128");
      f.set(r, source);
      for (let lane = 0; lane < count; lane++) {
        const n = i64.extend_i32_s(i32x4.extract(source, lane));
        f.set(r, i32x4.replace(r, lane, i32.wrap(f.call("i64", soft.fromInteger, [n, SINGLE]))));
      }
      return r;
    },
    fast: (_, __, source) => f32x4.convert_i32x4_s(source),
  };
}

/** The low two integers to doubles: always exact. */
const integersToDoubles: FloatLane = {
  bytes: 16,
  careful: (_, __, source) => f64x2.convert_low_i32x4_s(source),
  fast: (_, __, source) => f64x2.convert_low_i32x4_s(source),
};

/** The low two floats to doubles. */
function floatsToDoubles(nan: NanFunctions, soft: SoftFunctions): FloatLane {
  return {
    bytes: 16,
    careful: (f, _, source) => {
      const r = f.local("v128");
      f.set(r, ZERO);
      for (const lane of [0, 1]) {
        const args = [i64.extend_i32_u(i32x4.extract(source, lane)), SINGLE, DOUBLE];
        f.set(r, i64x2.replace(r, lane, f.call("i64", soft.convert, args)));
      }
      return r;
    },
    fast: (f, _, source) => {
      const r = f.local("v128");
      f.set(r, f64x2.promote_low_f32x4(source));
      f.if(bits.anyTrue(f64x2.ne(r, r)), () => {
        for (const lane of [0, 1]) {
          const a = f.let(f32x4.extract(source, lane));
          const fixed = f.call("i64", nan.promote, [i32.reinterpret_f32(a)]);
          f.if(f32.ne(a, a), () => f.set(r, i64x2.replace(r, lane, fixed)));
        }
      });
      return r;
    },
  };
}

/** Two doubles to floats in the low two lanes; the upper two become 0. */
function doublesToFloats(nan: NanFunctions, soft: SoftFunctions): FloatLane {
  return {
    bytes: 16,
    careful: (f, _, source) => {
      const r = f.local("v128");
      f.set(r, ZERO);
      for (const lane of [0, 1]) {
        const n = f.call("i64", soft.convert, [i64x2.extract(source, lane), DOUBLE, SINGLE]);
        f.set(r, i32x4.replace(r, lane, i32.wrap(n)));
      }
      return r;
    },
    fast: (f, _, source) => {
      const r = f.local("v128");
      f.set(r, f32x4.demote_f64x2_zero(source));
      f.if(bits.anyTrue(f32x4.ne(r, r)), () => {
        for (const lane of [0, 1]) {
          const a = f.let(f64x2.extract(source, lane));
          const fixed = f.call("i32", nan.demote, [i64.reinterpret_f64(a)]);
          f.if(f64.ne(a, a), () => f.set(r, i32x4.replace(r, lane, fixed)));
        }
      });
      return r;
    },
  };
}

/** A conversion of all lanes, of memory operands maybe only half as long as a register. */
const legacyConvert =
  (lane: FloatLane, soft: SoftFunctions): Definition =>
  (s) => {
    const source = s.operands[1]?.bytes === 8 ? s.f.let(i64x2.splat(s.low64(1))) : s.xmm(1);
    s.setXmm(0, runFloat(s, soft, lane, [source], [source])[0] as V128);
  };

function integerToDouble(soft: SoftFunctions, place: ScalarPlace): Definition {
  return (s) => {
    const { f } = s;
    const source = s.read(place.second);
    if (s.operands[place.second]?.bytes !== 8) {
      place.setF64(s, s.f.let(f64.convert_i32_s(source as I32)));
      return;
    }
    const r = f.local("f64");
    either(
      s,
      soft,
      () => f.set(r, f64.reinterpret_i64(f.call("i64", soft.fromInteger, [source, DOUBLE]))),
      () => f.set(r, f64.convert_i64_s(source as I64)),
    );
    place.setF64(s, r);
  };
}

function integerToSingle(soft: SoftFunctions, place: ScalarPlace): Definition {
  return (s) => {
    const { f } = s;
    const source = s.read(place.second);
    const wide = s.operands[place.second]?.bytes === 8;
    const r = f.local("f32");
    either(
      s,
      soft,
      () => {
        const n = wide ? (source as I64) : i64.extend_i32_s(source as I32);
        f.set(r, f32.reinterpret_i32(i32.wrap(f.call("i64", soft.fromInteger, [n, SINGLE]))));
      },
      () => f.set(r, wide ? f32.convert_i64_s(source as I64) : f32.convert_i32_s(source as I32)),
    );
    place.setF32(s, r);
  };
}

export interface SseConvert {
  /** By mnemonic; those with the prefix v are AVX's. */
  readonly definitions: Readonly<Record<string, Definition>>;
  /** From as many lanes to as many, and to lanes of twice or half the width, in the low half of a register. */
  readonly same: Readonly<Record<string, FloatLane>>;
  readonly widening: Readonly<Record<string, FloatLane>>;
  readonly narrowing: Readonly<Record<string, FloatLane>>;
}

export function sseConvert(nan: NanFunctions, soft: SoftFunctions): SseConvert {
  /** Evaluated; exceptions of the careful way remain to be settled. */
  const promoted = (s: Sem, a: I32): F64 => {
    const { f } = s;
    const r = f.local("f64");
    f.if(
      s.careful(),
      () => f.set(r, f64.reinterpret_i64(f.call("i64", soft.convert, [i64.extend_i32_u(a), SINGLE, DOUBLE]))),
      () => {
        f.set(r, f64.promote_f32(f32.reinterpret_i32(a)));
        s.rarely(isNaN64(r), () => f.set(r, f64.reinterpret_i64(f.call("i64", nan.promote, [a]))));
      },
    );
    return r;
  };
  const demoted = (s: Sem, a: I64): F32 => {
    const { f } = s;
    const r = f.local("f32");
    f.if(
      s.careful(),
      () => f.set(r, f32.reinterpret_i32(i32.wrap(f.call("i64", soft.convert, [a, DOUBLE, SINGLE])))),
      () => {
        f.set(r, f32.demote_f64(f64.reinterpret_i64(a)));
        s.rarely(isNaN32(r), () => f.set(r, f32.reinterpret_i32(f.call("i32", nan.demote, [a]))));
      },
    );
    return r;
  };
  const settleIfCareful = (s: Sem): void => s.f.if(s.careful(), () => settle(s, soft));

  const same = {
    cvttps2dq: floatsToIntegers(soft, 4, true),
    cvtps2dq: floatsToIntegers(soft, 4, false),
    cvtdq2ps: integersToFloats(soft, 4),
  };
  const widening = { cvtdq2pd: integersToDoubles, cvtps2pd: floatsToDoubles(nan, soft) };
  const narrowing = {
    cvttpd2dq: doublesToIntegers(soft, true),
    cvtpd2dq: doublesToIntegers(soft, false),
    cvtpd2ps: doublesToFloats(nan, soft),
  };
  const definitions: Record<string, Definition> = {
    cvttss2si: scalarToInteger(soft, true, true),
    cvttsd2si: scalarToInteger(soft, false, true),
    cvtss2si: scalarToInteger(soft, true, false),
    cvtsd2si: scalarToInteger(soft, false, false),
  };
  for (const [name, lane] of Object.entries({ ...same, ...widening, ...narrowing }))
    definitions[name] = legacyConvert(lane, soft);
  for (const [prefix, place] of [
    ["", SSE_SCALAR],
    ["v", AVX_SCALAR],
  ] as const) {
    definitions[`${prefix}cvtsi2ss`] = integerToSingle(soft, place);
    definitions[`${prefix}cvtsi2sd`] = integerToDouble(soft, place);
    definitions[`${prefix}cvtss2sd`] = (s) => {
      const r = promoted(s, s.low32(place.second));
      settleIfCareful(s);
      place.setF64(s, r);
    };
    definitions[`${prefix}cvtsd2ss`] = (s) => {
      const r = demoted(s, s.low64(place.second));
      settleIfCareful(s);
      place.setF32(s, r);
    };
  }
  return { definitions, same, widening, narrowing };
}
