/**
 * Whether this host multiplies and adds with one rounding: where its processor can, V8 makes one instruction of relaxed
 * SIMD's relaxed_madd. It is tried, since the specification leaves it open.
 */
import { ModuleBuilder } from "./module.ts";
import { f32x4, f64x2 } from "./simd.ts";

export function hasFusedMultiplyAdd(): boolean {
  const module = new ModuleBuilder();
  const double = module.func("double", ["f64", "f64", "f64"], ["f64"], (f) => {
    const [a, b, c] = [f.param(0, "f64"), f.param(1, "f64"), f.param(2, "f64")];
    f.return(f64x2.extract(f64x2.relaxed_madd(f64x2.splat(a), f64x2.splat(b), f64x2.splat(c)), 0));
  });
  const single = module.func("single", ["f32", "f32", "f32"], ["f32"], (f) => {
    const [a, b, c] = [f.param(0, "f32"), f.param(1, "f32"), f.param(2, "f32")];
    f.return(f32x4.extract(f32x4.relaxed_madd(f32x4.splat(a), f32x4.splat(b), f32x4.splat(c)), 0));
  });
  module.exportFunction("double", double);
  module.exportFunction("single", single);
  const bytes = module.encode();
  if (!WebAssembly.validate(bytes)) return false;
  const made = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Readonly<
    Record<"double" | "single", (a: number, b: number, c: number) => number>
  >;
  // The square of 1 + e is 1 + 2e + e^2, of which a second rounding leaves nothing of the last.
  const square = (e: number, fma: (a: number, b: number, c: number) => number): boolean =>
    fma(1 + e, 1 + e, -(1 + 2 * e)) === e * e;
  return square(2 ** -30, made.double) && square(2 ** -15, made.single);
}
