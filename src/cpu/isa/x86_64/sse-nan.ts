/**
 * The NaN that an SSE instruction gives.
 *
 * x86 is exact about it (Intel SDM vol. 1, table 4-7): the first operand made quiet if it is a NaN, else the second, and
 * the default NaN (negative, quiet, no payload) for an invalid operation on numbers. WebAssembly lets the sign and the
 * payload of a NaN result be anything. So results are computed by the wasm instruction, and only if there is a NaN among
 * them (no number ever is unequal to itself) are they computed again, by these functions.
 */
import { f32, f64, type I32, type I64, i32, i64, type V128, v128 } from "../../wasm/expr.ts";
import type { FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { bits, f32x4, f64x2 } from "../../wasm/simd.ts";

export interface NanFunctions {
  /** (a, b) -> the NaN of an operation on them; for operations on one operand pass it twice. */
  readonly f32: FunctionRef;
  readonly f64: FunctionRef;
  /** (a, b, result) -> result with every NaN lane replaced. */
  readonly f32x4: FunctionRef;
  readonly f64x2: FunctionRef;
  /** NaN bits of one format to those of the other: quiet, the payload's upper bits kept. */
  readonly promote: FunctionRef;
  readonly demote: FunctionRef;
}

const QUIET32 = 0x0040_0000;
const DEFAULT32 = 0xffc0_0000;
const QUIET64 = 0x0008_0000_0000_0000n;
const DEFAULT64 = 0xfff8_0000_0000_0000n;

export function defineNanFunctions(module: ModuleBuilder): NanFunctions {
  return {
    f32: module.func("nan_f32", ["f32", "f32"], ["f32"], (f) => {
      const quiet = (n: number) =>
        f32.reinterpret_i32(i32.or(i32.reinterpret_f32(f.param(n, "f32")), i32.const(QUIET32)));
      for (const n of [0, 1]) f.if(f32.ne(f.param(n, "f32"), f.param(n, "f32")), () => f.return(quiet(n)));
      f.return(f32.reinterpret_i32(i32.const(DEFAULT32)));
    }),
    f64: module.func("nan_f64", ["f64", "f64"], ["f64"], (f) => {
      const quiet = (n: number) =>
        f64.reinterpret_i64(i64.or(i64.reinterpret_f64(f.param(n, "f64")), i64.const(QUIET64)));
      for (const n of [0, 1]) f.if(f64.ne(f.param(n, "f64"), f.param(n, "f64")), () => f.return(quiet(n)));
      f.return(f64.reinterpret_i64(i64.const(DEFAULT64)));
    }),
    f32x4: lanesFunction(module, "nan_f32x4", f32x4.ne, doubled(BigInt(QUIET32)), doubled(BigInt(DEFAULT32))),
    f64x2: lanesFunction(module, "nan_f64x2", f64x2.ne, QUIET64, DEFAULT64),
    promote: module.func("nan_promote", ["i32"], ["i64"], (f) => {
      const a = f.param(0, "i32");
      const sign = i64.shl(i64.extend_i32_u(i32.and(a, i32.const(0x8000_0000))), i64.const(32));
      const payload = i64.shl(i64.extend_i32_u(i32.and(a, i32.const(0x007f_ffff))), i64.const(29));
      f.return(i64.or(i64.or(sign, payload), i64.const(0x7ff8_0000_0000_0000n)));
    }),
    demote: module.func("nan_demote", ["i64"], ["i32"], (f) => {
      const a = f.param(0, "i64");
      const sign: I32 = i32.and(i32.wrap(i64.shr_u(a, i64.const(32))), i32.const(0x8000_0000));
      const payload: I64 = i64.and(i64.shr_u(a, i64.const(29)), i64.const(0x007f_ffff));
      f.return(i32.or(i32.or(sign, i32.wrap(payload)), i32.const(0x7fc0_0000)));
    }),
  };
}

const doubled = (n: bigint): bigint => (n << 32n) | n;

function lanesFunction(
  module: ModuleBuilder,
  name: string,
  ne: (a: V128, b: V128) => V128,
  quietBit: bigint,
  defaultNan: bigint,
): FunctionRef {
  return module.func(name, ["v128", "v128", "v128"], ["v128"], (f) => {
    const a = f.param(0, "v128");
    const b = f.param(1, "v128");
    const result = f.param(2, "v128");
    const quiet = v128.const(quietBit, quietBit);
    const second = bits.select(bits.or(b, quiet), v128.const(defaultNan, defaultNan), ne(b, b));
    const nan = bits.select(bits.or(a, quiet), second, ne(a, a));
    f.return(bits.select(nan, result, ne(result, result)));
  });
}
