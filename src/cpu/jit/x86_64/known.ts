/** What is known along straight code besides addresses: the x87's stack, and the low lanes of vector registers that are at hand. */
import { X87Known } from "../../isa/x86_64/x87-stack.ts";

export class X86Known {
  readonly x87: X87Known;
  /** By vector register: that its low lane is in a local of that type, too (state.ts). */
  readonly low: ("f64" | "f32" | undefined)[];

  constructor(x87: X87Known = new X87Known(), low: X86Known["low"] = []) {
    this.x87 = x87;
    this.low = low;
  }
  copy(): X86Known {
    return new X86Known(this.x87.copy(), [...this.low]);
  }
}
