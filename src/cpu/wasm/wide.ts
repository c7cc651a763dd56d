/** Arithmetic on more bits than WebAssembly has. */
import { type I64, i64 } from "./expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "./module.ts";

const LOW = i64.const(0xffff_ffffn);

/** The upper 64 bits of the unsigned product, from four 32-bit products. */
function productHigh(f: FunctionBuilder, a: I64, b: I64): I64 {
  const half = (v: I64): [I64, I64] => [f.let(i64.and(v, LOW)), f.let(i64.shr_u(v, i64.const(32)))];
  const [a0, a1] = half(a);
  const [b0, b1] = half(b);
  const t = f.let(i64.add(i64.mul(a1, b0), i64.shr_u(i64.mul(a0, b0), i64.const(32))));
  const u = f.let(i64.add(i64.mul(a0, b1), i64.and(t, LOW)));
  return i64.add(i64.mul(a1, b1), i64.add(i64.shr_u(t, i64.const(32)), i64.shr_u(u, i64.const(32))));
}

/** Makes the upper 64 bits of an unsigned product, where it is called. */
export type ProductHigh = (f: FunctionBuilder, a: I64, b: I64) => I64;

/**
 * Adds the function to a module. In a module that it is only linked to, as those of translated code are, its code stands where it
 * is called: a call through the table costs more, and all that is in registers around it.
 */
export function defineProductHigh(module: ModuleBuilder, name: string): ProductHigh {
  const fn: FunctionRef = module.func(name, ["i64", "i64"], ["i64"], (f) =>
    f.return(productHigh(f, f.param(0, "i64"), f.param(1, "i64"))),
  );
  return (f, a, b) => (fn.slot === undefined ? f.call("i64", fn, [a, b]) : productHigh(f, a, b));
}
