/** pidfd_open(2): a process as a file, ready to read once the process has ended. */
import { S_IFREG } from "../abi/stat.ts";
import type { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile } from "../vfs/file.ts";
import { type Inode, POLLHUP, POLLIN, POLLRDNORM } from "../vfs/types.ts";
import type { Task } from "./task.ts";
import type { ThreadGroup } from "./thread-group.ts";

const O_RDWR = 2;

export class PidFile extends BaseFile {
  readonly process: ThreadGroup;

  constructor(process: ThreadGroup, inode: Inode, flags: number) {
    super(inode, O_RDWR | flags, undefined);
    this.process = process;
  }

  override get mappable(): boolean {
    return false;
  }

  override describe(): string {
    return "anon_inode:[pidfd]";
  }

  get queue(): WaitQueue {
    return this.process.exitQueue;
  }

  override poll(): number {
    if (!this.process.exited) return 0;
    // Once it has been waited for there is nothing left of it (pidfd_poll() in kernel/fork.c).
    const reaped = this.process.kernel.processes.get(this.process.pid) !== this.process;
    return POLLIN | POLLRDNORM | (reaped ? POLLHUP : 0);
  }
}

export function makePidFile(task: Task, process: ThreadGroup, flags: number): PidFile {
  const { fsuid, fsgid } = task.credentials;
  return new PidFile(process, task.fs.mounts.special.anonfs.inode(S_IFREG | 0o600, { uid: fsuid, gid: fsgid }), flags);
}
