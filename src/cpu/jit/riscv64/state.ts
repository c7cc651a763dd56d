/** The state of riscv64: x1..x31 by their numbers, f0..f31 as doubles. */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { F, FP_CAREFUL, X } from "../../isa/riscv64/context.ts";
import { f64, i32, i64 } from "../../wasm/expr.ts";
import type { FunctionBuilder, Local } from "../../wasm/module.ts";
import { State } from "../state.ts";

/** Number of f0. */
export const FLOAT = 64;

const ZERO = i32.const(0);
const register = (n: number): number => CONTEXT_OFFSET + (n < FLOAT ? X + n * 8 : F + (n - FLOAT) * 8);

export class RiscvState extends State {
  readonly #float: Local<"f64">[] = [];

  constructor(f: FunctionBuilder, lean: boolean) {
    super(f, lean, FP_CAREFUL);
  }

  float(n: number): Local<"f64"> {
    return (this.#float[n] ??= this.f.permanent("f64"));
  }
  protected override loadOne(n: number): void {
    const { f } = this;
    if (n < FLOAT) f.set(this.gpr(n), i64.load(ZERO, register(n)));
    else f.set(this.float(n - FLOAT), f64.load(ZERO, register(n)));
  }
  protected override storeOne(n: number): void {
    const { f } = this;
    if (n < FLOAT) f.exec(i64.store(ZERO, this.gpr(n), register(n)));
    else f.exec(f64.store(ZERO, this.float(n - FLOAT), register(n)));
  }
}
