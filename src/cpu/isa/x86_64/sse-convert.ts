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
import { bits, f32x4, f64x2, i32x4, i64x2 } from "../../wasm/simd.ts";
import type { Definition, Sem } from "./sem.ts";
import type { NanFunctions } from "./sse-nan.ts";
import { type SoftFunctions, settle } from "./sse-soft.ts";

const SINGLE = i32.const(23);
const DOUBLE = i32.const(52);
const ZERO = v128.const(0n, 0n);

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
    const source = single ? i64.extend_i32_u(s.low32(1)) : s.low64(1);
    const a = f.let(source);
    const r = f.local("i64");
    either(
      s,
      soft,
      () => {
        const args = [a, single ? SINGLE : DOUBLE, i32.const(width), i32.const(truncate ? 1 : 0)];
        f.set(r, f.call("i64", soft.toInteger, args));
      },
      () => {
        const wide: F64 = single ? f64.promote_f32(f32.reinterpret_i32(i32.wrap(a))) : f64.reinterpret_i64(a);
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

/** The first `count` floats to as many integers; NaN and what does not fit to the indefinite. Evaluated. */
export function floatsToIntegers(s: Sem, soft: SoftFunctions, source: V128, count: number, truncate: boolean): V128 {
  const { f } = s;
  const r = f.local("v128");
  either(
    s,
    soft,
    () => {
      f.set(r, source);
      for (let lane = 0; lane < count; lane++) {
        const a = i64.extend_i32_u(i32x4.extract(source, lane));
        const n = f.call("i64", soft.toInteger, [a, SINGLE, i32.const(32), i32.const(truncate ? 1 : 0)]);
        f.set(r, i32x4.replace(r, lane, i32.wrap(n)));
      }
    },
    () => {
      const value = truncate ? source : f.let(f32x4.nearest(source));
      f.set(r, bits.select(i32x4.trunc_sat_f32x4_s(value), INDEFINITE, f32x4.lt(value, LIMIT32)));
    },
  );
  return r;
}

/** Two doubles to integers in the low two lanes; the upper two become 0. Evaluated. */
export function doublesToIntegers(s: Sem, soft: SoftFunctions, source: V128, truncate: boolean): V128 {
  const { f } = s;
  const r = f.local("v128");
  either(
    s,
    soft,
    () => {
      f.set(r, ZERO);
      for (const lane of [0, 1]) {
        const args = [i64x2.extract(source, lane), DOUBLE, i32.const(32), i32.const(truncate ? 1 : 0)];
        f.set(r, i32x4.replace(r, lane, i32.wrap(f.call("i64", soft.toInteger, args))));
      }
    },
    () => {
      const value = truncate ? source : f.let(f64x2.nearest(source));
      const fits = f.let(f64x2.lt(value, LIMIT64));
      const mask = shuffle(fits, fits, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
      const integers = bits.select(i32x4.trunc_sat_f64x2_s_zero(value), INDEFINITE, mask);
      f.set(r, bits.and(integers, v128.const(-1n, 0n)));
    },
  );
  return r;
}

/** The first `count` integers to floats. Evaluated. */
export function integersToFloats(s: Sem, soft: SoftFunctions, source: V128, count: number): V128 {
  const { f } = s;
  const r = f.local("v128");
  either(
    s,
    soft,
    () => {
      f.set(r, source);
      for (let lane = 0; lane < count; lane++) {
        const n = i64.extend_i32_s(i32x4.extract(source, lane));
        f.set(r, i32x4.replace(r, lane, i32.wrap(f.call("i64", soft.fromInteger, [n, SINGLE]))));
      }
    },
    () => f.set(r, f32x4.convert_i32x4_s(source)),
  );
  return r;
}

function integerToDouble(soft: SoftFunctions): Definition {
  return (s) => {
    const { f } = s;
    const source = s.read(1);
    if (s.operands[1]?.bytes !== 8) {
      s.setLowF64(0, f64.convert_i32_s(source as I32));
      return;
    }
    const r = f.local("f64");
    either(
      s,
      soft,
      () => f.set(r, f64.reinterpret_i64(f.call("i64", soft.fromInteger, [source, DOUBLE]))),
      () => f.set(r, f64.convert_i64_s(source as I64)),
    );
    s.setLowF64(0, r);
  };
}

function integerToSingle(soft: SoftFunctions): Definition {
  return (s) => {
    const { f } = s;
    const source = s.read(1);
    const wide = s.operands[1]?.bytes === 8;
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
    s.setLowF32(0, r);
  };
}

export function sseConvert(nan: NanFunctions, soft: SoftFunctions): Readonly<Record<string, Definition>> {
  /** Evaluated; exceptions of the careful way remain to be settled. */
  const promoted = (s: Sem, a: I32): F64 => {
    const { f } = s;
    const r = f.local("f64");
    f.if(
      s.careful(),
      () => f.set(r, f64.reinterpret_i64(f.call("i64", soft.convert, [i64.extend_i32_u(a), SINGLE, DOUBLE]))),
      () => {
        f.set(r, f64.promote_f32(f32.reinterpret_i32(a)));
        f.if(f64.ne(r, r), () => f.set(r, f64.reinterpret_i64(f.call("i64", nan.promote, [a]))));
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
        f.if(f32.ne(r, r), () => f.set(r, f32.reinterpret_i32(f.call("i32", nan.demote, [a]))));
      },
    );
    return r;
  };
  const settleIfCareful = (s: Sem): void => s.f.if(s.careful(), () => settle(s, soft));

  return {
    cvtsi2ss: integerToSingle(soft),
    cvtsi2sd: integerToDouble(soft),
    cvttss2si: scalarToInteger(soft, true, true),
    cvttsd2si: scalarToInteger(soft, false, true),
    cvtss2si: scalarToInteger(soft, true, false),
    cvtsd2si: scalarToInteger(soft, false, false),
    cvttps2dq: (s) => s.setXmm(0, floatsToIntegers(s, soft, s.xmm(1), 4, true)),
    cvtps2dq: (s) => s.setXmm(0, floatsToIntegers(s, soft, s.xmm(1), 4, false)),
    cvttpd2dq: (s) => s.setXmm(0, doublesToIntegers(s, soft, s.xmm(1), true)),
    cvtpd2dq: (s) => s.setXmm(0, doublesToIntegers(s, soft, s.xmm(1), false)),
    cvtdq2ps: (s) => s.setXmm(0, integersToFloats(s, soft, s.xmm(1), 4)),
    cvtdq2pd: (s) => s.setXmm(0, f64x2.convert_low_i32x4_s(i64x2.splat(s.low64(1)))),
    cvtss2sd: (s) => {
      const r = promoted(s, s.low32(1));
      settleIfCareful(s);
      s.setLowF64(0, r);
    },
    cvtsd2ss: (s) => {
      const r = demoted(s, s.low64(1));
      settleIfCareful(s);
      s.setLowF32(0, r);
    },
    cvtps2pd: (s) => {
      const source = s.low64(1);
      const low = promoted(s, s.f.let(i32.wrap(source)));
      const high = promoted(s, s.f.let(i32.wrap(i64.shr_u(source, i64.const(32)))));
      settleIfCareful(s);
      s.setXmm(0, f64x2.replace(f64x2.splat(low), 1, high));
    },
    cvtpd2ps: (s) => {
      const source = s.xmm(1);
      const low = demoted(s, s.f.let(i64x2.extract(source, 0)));
      const high = demoted(s, s.f.let(i64x2.extract(source, 1)));
      settleIfCareful(s);
      s.setXmm(0, f32x4.replace(f32x4.replace(ZERO, 0, low), 1, high));
    },
  };
}
