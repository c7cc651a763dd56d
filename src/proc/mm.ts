/** An address space as tasks share it, with the CPU core that runs in it. (Linux: mm_struct.) */
import type { CpuCore } from "../cpu/core.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import type { Task } from "./task.ts";

export class Mm {
  readonly space: AddressSpace;
  readonly core: CpuCore;
  /** Tasks that use it. At 0 it is released. */
  users = 0;
  /** The task whose registers are in the space's context now. */
  loaded: Task | null = null;
  /** Path of the program, for /proc/pid/exe and comm; and where its arguments lie, for cmdline and environ. */
  executable = "";
  argStart = 0;
  argEnd = 0;
  envStart = 0;
  envEnd = 0;
  /** The auxiliary vector as it was given to the program. */
  auxv: Uint8Array = new Uint8Array(0);

  constructor(space: AddressSpace, core: CpuCore) {
    this.space = space;
    this.core = core;
  }

  /** The context of `task`, which must be loaded. */
  get context(): DataView {
    return this.space.memory.context;
  }
}
