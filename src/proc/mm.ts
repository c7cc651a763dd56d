/** An address space as tasks share it, with the CPU core that runs in it. */
import type { CpuCore } from "../cpu/core.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import type { AioContext } from "./aio.ts";
import type { Arch } from "./arch/arch.ts";
import type { Task } from "./task.ts";

export type GuestSpace = AddressSpace<CpuCore>;

export class Mm {
  readonly space: GuestSpace;
  readonly core: CpuCore;
  /** The architecture of the program in it, which is that of the calls that it makes. */
  readonly arch: Arch;
  /** The registers of the loaded task. */
  readonly context: DataView;
  /** Commands that membarrier(2) was asked to be ready for. */
  barriers = 0;
  /** prctl(PR_SET_THP_DISABLE), remembered: there are no huge pages. */
  noHugePages = false;
  /** Kinds of mapping that a core file has: core(5). */
  coreFilter = 0x33;
  /** Contexts of io_setup(2). */
  readonly aio: Map<number, AioContext> = new Map();
  /** Tasks that use it; with the last one the space is released. */
  users = 0;
  /** The task whose registers are in the space's context now. */
  loaded: Task | null = null;

  constructor(space: GuestSpace, arch: Arch) {
    if (space.core === null) throw new Error("an address space without a core");
    this.space = space;
    this.core = space.core;
    this.arch = arch;
    this.context = space.memory.context;
  }

  /** Puts the registers of `task` into the context, saving those of the task that was there. */
  load(task: Task): void {
    const { loaded } = this;
    if (loaded === task) return;
    const { context } = this;
    const size = this.arch.registers.contextSize;
    const live = new Uint8Array(context.buffer, context.byteOffset, size);
    if (loaded !== null) {
      loaded.savedContext ??= new Uint8Array(size);
      loaded.savedContext.set(live);
    }
    if (task.savedContext !== null) live.set(task.savedContext);
    this.loaded = task;
  }

  acquire(): this {
    this.users++;
    return this;
  }

  /** @param task the one that goes; its registers need not be kept */
  release(task: Task): void {
    if (this.loaded === task) this.loaded = null;
    if (--this.users > 0) return;
    for (const context of this.aio.values()) context.destroy();
    this.space.release();
  }
}
