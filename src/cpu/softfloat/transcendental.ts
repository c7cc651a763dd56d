/** The wasm side of the transcendental functions: NaNs here, the values from `evaluate` (evaluate.ts), rounding here. */
import { type I32, type I64, i32, i64 } from "../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef } from "../wasm/module.ts";
import { Evaluate, EXACT } from "./evaluate.ts";
import { BINARY, c32, F80, type Kit, raise, returnNaN, returnNaNs, UNARY, withSign } from "./parts.ts";
import { finish, fullPrecision } from "./round.ts";

/** Parameters and results of the import that defineF80 takes. */
export const EVALUATE_PARAMS = ["i32", "i64", "i32", "i64", "i32"] as const;
export const EVALUATE_RESULTS = ["i64", "i64", "i32", "i32"] as const;

function finishEvaluated(f: FunctionBuilder, kit: Kit, evaluate: FunctionRef, args: (I32 | I64)[], cw: I32): void {
  const [hi, lo, signExp, raised] = f.callStatement(evaluate, args) as unknown as [I64, I64, I32, I32];
  const sign = f.let(i32.and(signExp, c32(1)));
  const exp = f.let(i32.shr_s(signExp, c32(1)));
  raise(f, kit, i32.and(raised, c32(0xff)));
  f.if(i32.and(raised, c32(EXACT)), () => f.return(hi, withSign(sign, exp)));
  finish(f, kit, sign, exp, hi, lo, f.let(fullPrecision(cw)));
}

function defineUnary(kit: Kit, evaluate: FunctionRef, name: string, op: number): FunctionRef {
  return kit.m.func(`f80.${name}`, UNARY, F80, (f) => {
    const s = f.param(0, "i64");
    const e = f.param(1, "i32");
    returnNaN(f, kit, s, e);
    finishEvaluated(f, kit, evaluate, [c32(op), s, e, i64.const(0), c32(0)], f.param(2, "i32"));
  });
}

function defineOfTwo(kit: Kit, evaluate: FunctionRef, name: string, op: number): FunctionRef {
  return kit.m.func(`f80.${name}`, BINARY, F80, (f) => {
    const sa = f.param(0, "i64");
    const ea = f.param(1, "i32");
    const sb = f.param(2, "i64");
    const eb = f.param(3, "i32");
    returnNaNs(f, kit, sa, ea, sb, eb);
    finishEvaluated(f, kit, evaluate, [c32(op), sa, ea, sb, eb], f.param(4, "i32"));
  });
}

/** Those of two operands take ST(1) first, then ST(0). sin, cos and tan are for |x| < 2^63: the caller sees to C2. */
export interface Transcendental {
  readonly sin: FunctionRef;
  readonly cos: FunctionRef;
  readonly tan: FunctionRef;
  readonly atan2: FunctionRef;
  readonly exp2m1: FunctionRef;
  readonly yLog2: FunctionRef;
  readonly yLog2p1: FunctionRef;
}

export function defineTranscendental(kit: Kit, evaluate: FunctionRef): Transcendental {
  return {
    sin: defineUnary(kit, evaluate, "sin", Evaluate.Sin),
    cos: defineUnary(kit, evaluate, "cos", Evaluate.Cos),
    tan: defineUnary(kit, evaluate, "tan", Evaluate.Tan),
    atan2: defineOfTwo(kit, evaluate, "atan2", Evaluate.Atan2),
    exp2m1: defineUnary(kit, evaluate, "exp2m1", Evaluate.Exp2m1),
    yLog2: defineOfTwo(kit, evaluate, "yLog2", Evaluate.Log2),
    yLog2p1: defineOfTwo(kit, evaluate, "yLog2p1", Evaluate.Log2p1),
  };
}
