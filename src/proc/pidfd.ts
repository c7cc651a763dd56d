/** pidfd_open(2): a process as a file, ready to read once the process has ended. */
import { EACCES, EINVAL, ENOTTY, ESRCH } from "../abi/errno.ts";
import * as P from "../abi/pidfd.ts";
import { S_IFREG } from "../abi/stat.ts";
import type { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile } from "../vfs/file.ts";
import { type GuestAccess, type Inode, type OpenContext, POLLHUP, POLLIN, POLLRDNORM } from "../vfs/types.ts";
import { mayInspect } from "./inspect.ts";
import type { Task } from "./task.ts";
import type { ThreadGroup } from "./thread-group.ts";

const O_RDWR = 2;
/** Where a request has the size of its structure. */
const SIZE_BITS = 0x3fff_0000;

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

  override ioctl(request: number, argument: number, guest: GuestAccess, context: OpenContext): number {
    const task = context.task as Task;
    const { process } = this;
    const known = process.kernel.processes.get(process.pid) === process;
    if ((request & ~SIZE_BITS) >>> 0 === P.PIDFD_GET_INFO)
      return this.#info(task, argument, (request >>> 16) & 0x3fff, guest, known);
    const name = (request & ~0xff) === P.PIDFD_IOCTL_BASE ? P.PIDFD_NAMESPACES[request & 0xff] : undefined;
    if (name === undefined) return -ENOTTY;
    if (!known) return -ESRCH;
    if (argument !== 0) return -EINVAL;
    const { leader } = process;
    // Of what has ended there is but its user namespace.
    if (process.exited) return -ESRCH;
    if (!mayInspect(task, leader, true)) return -EACCES;
    const { uts, ipc, network, cgroup, time, pidsOfChildren, timeOfChildren } = leader.namespaces;
    const objects = {
      cgroup,
      ipc,
      mnt: leader.fs.mounts,
      net: network,
      pid: process.pids,
      pid_for_children: pidsOfChildren,
      time,
      time_for_children: timeOfChildren,
      user: leader.users,
      uts,
    };
    return process.kernel.namespaceFs.install(task, objects[name]);
  }

  /** struct pidfd_info, as much of it as the caller knows. */
  #info(task: Task, address: number, size: number, guest: GuestAccess, known: boolean): number {
    if (size < P.PIDFD_INFO_SIZE_MIN) return -ENOTTY;
    if (address === 0) return -EINVAL;
    const { process } = this;
    const wanted = guest.readU32(address);
    const info = new DataView(new ArrayBuffer(P.PIDFD_INFO_SIZE));
    let mask = 0;
    const fields: number[] = [];
    if (!known) {
      if ((wanted & P.PIDFD_INFO_EXIT) === 0) return -ESRCH;
      mask = P.PIDFD_INFO_EXIT | P.PIDFD_INFO_CGROUPID;
      info.setInt32(60, process.exitStatus, true);
    } else {
      const { leader, parent } = process;
      const c = leader.credentials;
      const { uids, gids } = task.users;
      const number = task.numberOf(process.pid);
      if (number === 0) return -ESRCH;
      mask = P.PIDFD_INFO_PID | P.PIDFD_INFO_CREDS | P.PIDFD_INFO_CGROUPID;
      fields.push(number, number, parent === null ? 0 : task.numberOf(parent.pid));
      fields.push(uids.shown(c.uid), gids.shown(c.gid), uids.shown(c.euid), gids.shown(c.egid));
      fields.push(uids.shown(c.suid), gids.shown(c.sgid), uids.shown(c.fsuid), gids.shown(c.fsgid));
    }
    if ((wanted & P.PIDFD_INFO_SUPPORTED_MASK) !== 0 && size >= P.PIDFD_INFO_SIZE) {
      mask |= P.PIDFD_INFO_SUPPORTED_MASK;
      info.setUint32(72, P.PIDFD_INFO_SUPPORTED, true);
    }
    info.setUint32(0, mask, true);
    // The one control group that there is.
    info.setBigUint64(8, 1n, true);
    for (const [i, value] of fields.entries()) info.setUint32(16 + 4 * i, value, true);
    const bytes = new Uint8Array(info.buffer).subarray(0, size);
    guest.writable(address, bytes.length).set(bytes);
    return 0;
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
