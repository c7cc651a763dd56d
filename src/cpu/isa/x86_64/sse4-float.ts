/** SSE4.1: rounding to integers, and dot products (Intel SDM vol. 2, "ROUNDPS", "DPPS"). */
import { type Expr, f32, f64, type I32, i32, i64, select, type V128, type ValType } from "../../wasm/expr.ts";
import type { FunctionBuilder, Local, ModuleBuilder } from "../../wasm/module.ts";
import { chooseByImm, type FloatLane, pickLanes, ZERO } from "./lanes.ts";
import { mxcsr, type SoftFunctions } from "./sse-soft.ts";
import { type SoftLanes, withNaNs } from "./sse3.ts";

export const sse4FloatTable = `
66 0f 3a 08     roundps  Vx,Wx,Ib
66 0f 3a 09     roundpd  Vx,Wx,Ib
66 0f 3a 0a     roundss  Vd,Wd,Ib
66 0f 3a 0b     roundsd  Vq,Wq,Ib
66 0f 3a 40     dpps     Vx,Wx,Ib
66 0f 3a 41     dppd     Vx,Wx,Ib
`;

/** Bits of MXCSR: an invalid operand, an inexact result. */
const IE = 1;
const PE = 0x20;
/** Bits of the immediate: use MXCSR's rounding mode instead of that in bits 0 and 1; don't report that it is inexact. */
const USE_MXCSR = 4;
const SUPPRESS = 8;

/** Sets `to` to what one of `ways` gives, by its number. */
function choose<T extends ValType>(f: FunctionBuilder, to: Local<T>, n: I32, ways: readonly (() => Expr<T>)[]): void {
  const from = (at: number): void => {
    const take = (): void => f.set(to, (ways[at] as () => Expr<T>)());
    if (at === ways.length - 1) take();
    else f.if(i32.eq(n, i32.const(at)), take, () => from(at + 1));
  };
  from(0);
}

/** The four rounding modes in the order of their numbers: to nearest even, down, up, towards zero. */
function rounded<T extends ValType, V extends Expr<T>>(
  f: FunctionBuilder,
  to: Local<T>,
  mode: I32,
  ops: Readonly<Record<"nearest" | "floor" | "ceil" | "trunc", (a: V) => Expr<T>>>,
  x: V,
): void {
  choose(f, to, mode, [() => ops.nearest(x), () => ops.floor(x), () => ops.ceil(x), () => ops.trunc(x)]);
}

function rounding(m: ModuleBuilder, soft: SoftFunctions, p: SoftLanes, suffix: "s" | "d"): Record<string, FloatLane> {
  const one = m.func(`sse4.round${suffix}`, ["i64", "i32"], ["i64"], (f) => {
    const imm = f.param(1, "i32");
    const a = f.let(f.call("i64", soft.flush, [f.param(0, "i64"), p.mant]));
    const single = suffix === "s";
    const x = f.let(single ? f64.promote_f32(f32.reinterpret_i32(i32.wrap(a))) : f64.reinterpret_i64(a));
    f.if(f64.ne(x, x), () => {
      const quiet = i64.const(1n << (single ? 22n : 51n));
      f.if(i64.eqz(i64.and(a, quiet)), () => f.callStatement(soft.raise, [i32.const(IE)]));
      f.return(i64.or(a, quiet));
    });
    const control = i32.and(i32.shr_u(mxcsr(), i32.const(13)), i32.const(3));
    const mode = f.let(select(i32.and(imm, i32.const(USE_MXCSR)), control, i32.and(imm, i32.const(3))));
    const r = f.local("f64");
    rounded(f, r, mode, f64, x);
    f.if(i32.and(f64.ne(r, x), i32.eqz(i32.and(imm, i32.const(SUPPRESS)))), () =>
      f.callStatement(soft.raise, [i32.const(PE)]),
    );
    f.return(single ? i64.extend_i32_u(i32.reinterpret_f32(f32.demote_f64(r))) : i64.reinterpret_f64(r));
  });
  const lane = (bytes: FloatLane["bytes"], count: number): FloatLane => {
    const careful = m.func(`sse4.round${suffix}x${count}`, ["v128", "i32"], ["v128"], (f) => {
      const r = f.local("v128");
      f.set(r, f.param(0, "v128"));
      for (let n = 0; n < count; n++) f.set(r, p.put(r, n, f.call("i64", one, [p.get(r, n), f.param(1, "i32")])));
      f.return(r);
    });
    return {
      bytes,
      fast: (f, _, b, imm) => {
        // MXCSR says to nearest, as long as nobody has told it otherwise.
        const mode = f.let(select(i32.and(imm, i32.const(USE_MXCSR)), i32.const(0), i32.and(imm, i32.const(3))));
        const whole = f.local("v128");
        rounded<"v128", V128>(f, whole, mode, p.lanes, b);
        return withNaNs(p, () => whole)(f, b, b, imm);
      },
      careful: (f, _, b, imm) => f.call("v128", careful, [b, imm]),
    };
  };
  return { [`roundp${suffix}`]: lane(16, p.count), [`rounds${suffix}`]: lane(suffix === "s" ? 4 : 8, 1) };
}

/**
 * Products of the lanes that bits 4 to 7 of the immediate choose, the sum of neighbours, then of the sums; the result goes
 * to the lanes that bits 0 to 3 choose. Of lanes that are not chosen there is a product +0, which is added like another.
 */
function dotProduct(p: SoftLanes): FloatLane {
  const width = p.count === 4 ? 4 : 8;
  const sums = p.count === 4 ? 2 : 1;
  const pairs = (f: FunctionBuilder, v: V128): [V128, V128] => [
    f.let(pickLanes(width, 0, 2)(v, v)),
    f.let(pickLanes(width, 1, 2)(v, v)),
  ];
  const upper = (f: FunctionBuilder, imm: I32): I32 => f.let(i32.and(i32.shr_u(imm, i32.const(4)), i32.const(15)));
  return {
    bytes: 16,
    fast: (f, a, b, imm) => {
      const products = withNaNs(p, p.lanes.mul)(f, a, b, imm);
      const r = f.local("v128");
      f.set(r, chooseByImm(products, ZERO, upper(f, imm), width));
      for (let i = 0; i < sums; i++) f.set(r, withNaNs(p, p.lanes.add)(f, ...pairs(f, r), imm));
      return chooseByImm(r, ZERO, imm, width);
    },
    careful: (f, a, b, imm) => {
      const chosen = upper(f, imm);
      const only = (v: V128): V128 => chooseByImm(v, ZERO, chosen, width);
      return f.call("v128", p.mul, [only(a), only(b)]);
    },
    steps: Array.from({ length: sums }, (_, i) => (f: FunctionBuilder, r: V128, imm: I32) => {
      const sum = f.call("v128", p.add, pairs(f, r));
      return i === sums - 1 ? chooseByImm(f.let(sum), ZERO, imm, width) : sum;
    }),
  };
}

export function sse4Float(
  m: ModuleBuilder,
  soft: SoftFunctions,
  single: SoftLanes,
  double: SoftLanes,
): Record<string, FloatLane> {
  return {
    ...rounding(m, soft, single, "s"),
    ...rounding(m, soft, double, "d"),
    dpps: dotProduct(single),
    dppd: dotProduct(double),
  };
}
