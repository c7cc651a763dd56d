/**
 * signalfd(2): signals that are read instead of delivered. A read takes from whoever reads, not from whoever made the
 * descriptor; so the file looks at the task whose system call is running.
 */
import { EAGAIN, EINVAL } from "../abi/errno.ts";
import { SIGNALFD_SIGINFO_SIZE } from "../abi/eventpoll.ts";
import { SIGKILL, SIGSTOP } from "../abi/signal.ts";
import type { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile } from "../vfs/file.ts";
import { type Inode, POLLIN } from "../vfs/types.ts";
import { take } from "./deliver.ts";
import type { Kernel } from "./kernel.ts";
import { type SignalInfo, SignalSet } from "./signal-state.ts";
import type { Task } from "./task.ts";

export class SignalFile extends BaseFile {
  readonly #kernel: Kernel;
  #mask: SignalSet = new SignalSet();

  constructor(kernel: Kernel, mask: SignalSet, inode: Inode, flags: number) {
    super(inode, flags, undefined);
    this.#kernel = kernel;
    this.setMask(mask);
  }

  override describe(): string {
    return "anon_inode:[signalfd]";
  }

  details(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    return `sigmask:\t${hex(this.#mask.hi)}${hex(this.#mask.lo)}\n`;
  }

  setMask(mask: SignalSet): void {
    const accepted = mask.clone();
    accepted.delete(SIGKILL);
    accepted.delete(SIGSTOP);
    this.#mask = accepted;
    this.queue.wake(POLLIN);
  }

  get #reader(): Task {
    const task = this.#kernel.scheduler.current;
    if (task === null) throw new Error("a signalfd is used outside of a system call");
    return task;
  }

  /** Signals of the reading process: each process that shares the file waits for its own. */
  get queue(): WaitQueue {
    return this.#reader.process.signalQueue;
  }

  #pending(task: Task): boolean {
    const own = task.pending.set;
    const shared = task.process.pending.set;
    return (((own.lo | shared.lo) & this.#mask.lo) | ((own.hi | shared.hi) & this.#mask.hi)) !== 0;
  }

  override read(into: Uint8Array): number {
    if (into.length < SIGNALFD_SIGINFO_SIZE) return -EINVAL;
    const task = this.#reader;
    const others = new SignalSet(~this.#mask.lo, ~this.#mask.hi);
    let n = 0;
    while (n + SIGNALFD_SIGINFO_SIZE <= into.length && this.#pending(task)) {
      const info = take(task, others);
      if (info === undefined) break;
      store(info, into.subarray(n, n + SIGNALFD_SIGINFO_SIZE));
      n += SIGNALFD_SIGINFO_SIZE;
    }
    return n === 0 ? -EAGAIN : n;
  }

  override poll(): number {
    return this.#pending(this.#reader) ? POLLIN : 0;
  }
}

/** struct signalfd_siginfo */
function store(info: SignalInfo, into: Uint8Array): void {
  into.fill(0);
  const view = new DataView(into.buffer, into.byteOffset, into.length);
  view.setUint32(0, info.signal, true);
  view.setInt32(4, info.errno ?? 0, true);
  view.setInt32(8, info.code, true);
  view.setUint32(12, info.pid ?? 0, true);
  view.setUint32(16, info.uid ?? 0, true);
  view.setInt32(20, info.fd ?? 0, true);
  view.setUint32(24, info.timerId ?? 0, true);
  view.setUint32(28, info.band ?? 0, true);
  view.setUint32(32, info.overrun ?? 0, true);
  view.setInt32(40, info.status ?? 0, true);
  if (info.value !== undefined) {
    view.setInt32(44, Number(BigInt.asIntN(32, info.value)), true);
    view.setBigUint64(48, BigInt.asUintN(64, info.value), true);
  }
  view.setBigUint64(56, BigInt(info.utime ?? 0), true);
  view.setBigUint64(64, BigInt(info.stime ?? 0), true);
  view.setBigUint64(72, BigInt(info.address ?? 0), true);
}
