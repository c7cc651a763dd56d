/** SSE3: arithmetic between neighbours, and moves that double (Intel SDM vol. 2). fisttp is with the x87. */
import { shuffle, type V128, v128 } from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { anyLane } from "../../wasm/nan.ts";
import { bits, i64x2 } from "../../wasm/simd.ts";
import { type FloatLane, pickLanes, type Unary } from "./lanes.ts";
import type { Definition } from "./sem.ts";
import { doublePrecision, type Precision, singlePrecision } from "./sse-float.ts";
import type { NanFunctions } from "./sse-nan.ts";
import type { SoftFunctions } from "./sse-soft.ts";

export const sse3Table = `
f2 0f 12        movddup  Vx,Wq
f3 0f 12        movsldup Vx,Wx
f3 0f 16        movshdup Vx,Wx
66 0f 7c        haddpd   Vx,Wx
f2 0f 7c        haddps   Vx,Wx
66 0f 7d        hsubpd   Vx,Wx
f2 0f 7d        hsubps   Vx,Wx
66 0f d0        addsubpd Vx,Wx
f2 0f d0        addsubps Vx,Wx
f2 0f f0        movups   Vx,Mx      # lddqu
`;

/** Arithmetic of a precision in all lanes, as MXCSR says: functions (a, b) -> result that collect exceptions. */
export interface SoftLanes extends Precision {
  readonly add: FunctionRef;
  readonly sub: FunctionRef;
  readonly mul: FunctionRef;
  /** Even lanes subtract, odd lanes add. */
  readonly addsub: FunctionRef;
}

function softLanes(m: ModuleBuilder, p: Precision, soft: SoftFunctions): SoftLanes {
  const lanes = (name: string, even: FunctionRef, odd: FunctionRef): FunctionRef =>
    m.func(`sse3.${name}x${p.count}`, ["v128", "v128"], ["v128"], (f) => {
      const a = f.param(0, "v128");
      const b = f.param(1, "v128");
      const r = f.local("v128");
      f.set(r, a);
      for (let n = 0; n < p.count; n++) {
        const op = n % 2 === 0 ? even : odd;
        f.set(r, p.put(r, n, f.call("i64", op, [p.get(a, n), p.get(b, n), p.mant])));
      }
      f.return(r);
    });
  const { add, sub, mul } = soft;
  return {
    ...p,
    add: lanes("add", add, add),
    sub: lanes("sub", sub, sub),
    mul: lanes("mul", mul, mul),
    addsub: lanes("addsub", sub, add),
  };
}

export function defineSoftLanes(
  m: ModuleBuilder,
  nan: NanFunctions,
  soft: SoftFunctions,
): { readonly single: SoftLanes; readonly double: SoftLanes } {
  return {
    single: softLanes(m, singlePrecision(nan), soft),
    double: softLanes(m, doublePrecision(nan), soft),
  };
}

/** Results in wasm's arithmetic, with the NaNs put right if there are any. */
export function withNaNs(p: Precision, compute: (a: V128, b: V128) => V128): FloatLane["fast"] {
  return (f, a, b) => {
    const r = f.local("v128");
    f.set(r, compute(a, b));
    f.if(anyLane(p.lanes.ne(r, r)), () => f.set(r, f.call("v128", p.nan, [a, b, r])));
    return r;
  };
}

export function sse3Float(single: SoftLanes, double: SoftLanes): Record<string, FloatLane> {
  const all: Record<string, FloatLane> = {};
  for (const [p, suffix, signs] of [
    [single, "ps", v128.const(0x8000_0000n, 0x8000_0000n)],
    [double, "pd", v128.const(1n << 63n, 0n)],
  ] as const) {
    all[`addsub${suffix}`] = {
      bytes: 16,
      // Subtraction is the addition of the opposite, but for NaNs, which are seen to with b as it was.
      fast: withNaNs(p, (a, b) => p.lanes.add(a, bits.xor(b, signs))),
      careful: (f, a, b) => f.call("v128", p.addsub, [a, b]),
    };
    const pairs = (f: FunctionBuilder, a: V128, b: V128): [V128, V128] => [
      f.let(pickLanes(16 / p.count, 0, 2)(a, b)),
      f.let(pickLanes(16 / p.count, 1, 2)(a, b)),
    ];
    for (const op of ["add", "sub"] as const)
      all[`h${op}${suffix}`] = {
        bytes: 16,
        fast: (f, a, b, imm) => withNaNs(p, p.lanes[op])(f, ...pairs(f, a, b), imm),
        careful: (f, a, b) => f.call("v128", p[op], pairs(f, a, b)),
      };
  }
  return all;
}

/** The lanes of four floats with even numbers, twice; and those with odd numbers. */
export const sse3Unary: Readonly<Record<string, Unary>> = {
  movsldup: (_, b) => shuffle(b, b, [0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11]),
  movshdup: (_, b) => shuffle(b, b, [4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15]),
};

export const sse3Moves: Readonly<Record<string, Definition>> = {
  movddup: (s) => s.setXmm(0, i64x2.splat(s.low64(1))),
};
