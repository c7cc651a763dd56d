/**
 * System V shared memory: shmop(2). A segment is a shared object like any other; how often it is attached is not counted but
 * looked up in the mappings, which fork, exit, munmap and execve change without asking.
 */
import { SharedAnonymous, type SharedObject, type SharedOwner } from "../mm/shared-object.ts";
import type { TaskCredentials } from "./credentials.ts";
import type { Kernel } from "./kernel.ts";
import type { GuestSpace } from "./mm.ts";
import { IpcObject, type IpcTable } from "./sysv-ipc.ts";

export class SharedSegment extends IpcObject implements SharedObject {
  /** As /proc/self/maps shows it. */
  readonly name: string;
  readonly size: number;
  readonly creatorPid: number;
  lastPid = 0;
  attached = 0;
  detached = 0;
  /** IPC_RMID was called: it goes with its last mapping. */
  doomed = false;
  readonly #contents: SharedAnonymous;
  readonly #table: IpcTable<SharedSegment>;

  constructor(
    key: number,
    mode: number,
    credentials: TaskCredentials,
    now: number,
    options: {
      readonly size: number;
      readonly pid: number;
      readonly owner: SharedOwner;
      readonly table: IpcTable<SharedSegment>;
    },
  ) {
    super(key, mode, credentials, now);
    this.name = `/SYSV${(key >>> 0).toString(16).padStart(8, "0")} (deleted)`;
    this.size = options.size;
    this.creatorPid = options.pid;
    this.#table = options.table;
    this.#contents = new SharedAnonymous(options.owner);
  }

  readPage(index: number, into: Uint8Array): boolean {
    return this.#contents.readPage(index, into);
  }

  writePage(index: number, from: Uint8Array): void {
    this.#contents.writePage(index, from);
  }

  version(index: number): number {
    return this.#contents.version(index);
  }

  /** Number of mappings of it, in all processes. */
  attachments(kernel: Kernel): number {
    const spaces = new Set<GuestSpace>();
    for (const task of kernel.tasks.values()) if (task.hasMemory && task.mm.users > 0) spaces.add(task.space);
    let count = 0;
    for (const space of spaces) for (const vma of space.vmas) if (vma.shared === this) count++;
    return count;
  }

  /** Removes it if it is doomed and nobody has it mapped any more. */
  expire(kernel: Kernel): boolean {
    if (!this.doomed || this.attachments(kernel) > 0) return false;
    this.#table.remove(this);
    return true;
  }
}
