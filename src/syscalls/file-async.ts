/**
 * Signals that files send: SIGIO for input and output (O_ASYNC), for leases that are broken (F_SETLEASE), and for directories
 * that change (F_NOTIFY). fcntl(2), "Managing signals", "Leases", "File and directory change notification".
 */
import { CAP_LEASE } from "../abi/capability.ts";
import { EACCES, EAGAIN, EINVAL, ENOTDIR, ESRCH } from "../abi/errno.ts";
import * as F from "../abi/fcntl.ts";
import { IN_ACCESS, IN_ATTRIB, IN_CREATE, IN_DELETE, IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO } from "../abi/inotify.ts";
import { SCOPE_SIGNAL } from "../abi/landlock.ts";
import { SI_KERNEL, SIGIO } from "../abi/signal.ts";
import { S_IFDIR, S_IFREG } from "../abi/stat.ts";
import { Socket } from "../net/socket.ts";
import type { Kernel } from "../proc/kernel.ts";
import type { Task } from "../proc/task.ts";
import type { ThreadGroup } from "../proc/thread-group.ts";
import { block } from "../proc/wait.ts";
import { isReadable, isWritable } from "../vfs/file.ts";
import { LeaseConflict, Leases, mayLease } from "../vfs/lease.ts";
import { isLockType } from "../vfs/locks.ts";
import type { Watch } from "../vfs/notify.ts";
import { PipeFile } from "../vfs/pipe.ts";
import { type File, POLLERR, POLLHUP, POLLIN, POLLOUT } from "../vfs/types.ts";
import type { SyscallResult } from "./define.ts";

/** si_code and si_band of what a file has to say: asm-generic/siginfo.h, band_table of fs/fcntl.c. */
const POLL_IN = { code: 1, band: 0x41 };
const POLL_OUT = { code: 2, band: 0x304 };
const POLL_MSG = { code: 3, band: 0x441 };
const POLL_HUP = { code: 6, band: 0x18 };
type Reason = typeof POLL_IN;

const F_OWNER_TID = 0;
const F_OWNER_PID = 1;
const F_OWNER_PGRP = 2;

/** send_sigio(): tells the owner of the file, if whoever set it may signal it. */
function send(kernel: Kernel, file: File, fd: number, { code, band }: Reason): void {
  const { owner } = file;
  if (owner === undefined || owner.id === 0) return;
  const signal = file.ownerSignal ?? 0;
  // Without F_SETSIG it is a plain SIGIO that says nothing of the file.
  const info = signal === 0 ? { signal: SIGIO, code: SI_KERNEL } : { signal, code, band, fd };
  const may = (target: ThreadGroup): boolean => {
    const { uid, suid, sandbox } = target.leader.credentials;
    if (target !== owner.process && owner.sandbox?.keepsFrom(sandbox, SCOPE_SIGNAL)) return false;
    return owner.euid === 0 || [uid, suid].includes(owner.euid) || [uid, suid].includes(owner.uid);
  };
  if (owner.type === F_OWNER_PGRP) {
    for (const member of [...(kernel.groups.get(owner.id)?.members ?? [])]) {
      if (!member.exited && may(member)) kernel.signals.sendToProcess(member, info);
    }
    return;
  }
  const task = kernel.tasks.get(owner.id);
  if (task === undefined || !may(task.process)) return;
  if (owner.type === F_OWNER_TID) kernel.signals.sendToTask(task, info);
  else kernel.signals.sendToProcess(task.process, info);
}

// O_ASYNC

/** Can this file send SIGIO? A regular file cannot: F_SETFL forgets the flag then, FIOASYNC says ENOTTY. */
export function canBeAsync(file: File): boolean {
  return file.queue !== undefined && file.sendsSignals !== false;
}

/** O_ASYNC is set or cleared. */
export function setAsync(task: Task, file: File, fd: number, on: boolean): void {
  file.cancelAsync?.();
  delete file.cancelAsync;
  if (!on || file.queue === undefined) return;
  const { kernel } = task;
  const reads = isReadable(file);
  const writes = isWritable(file);
  const cancel = file.queue.add((woken) => {
    if (file.references === 0) {
      cancel();
      return;
    }
    const events = woken === 0 ? file.poll() : woken;
    const pipe = file instanceof PipeFile;
    // A socket that the other side has shut down half way has something to be read: its end.
    if (events & POLLHUP && file instanceof Socket && file.poll() & POLLHUP) send(kernel, file, fd, POLL_HUP);
    else if (reads && (events & POLLIN || (events & POLLHUP && (pipe || file instanceof Socket)))) {
      send(kernel, file, fd, POLL_IN);
    } else if (writes && events & (POLLOUT | POLLERR) && (pipe || file.wantsRoom === true)) {
      file.wantsRoom = false;
      send(kernel, file, fd, POLL_OUT);
    }
  });
  file.cancelAsync = cancel;
}

// Owners

export function getOwner(task: Task, file: File): number {
  const { owner } = file;
  if (owner === undefined || !isThere(task.kernel, owner)) return 0;
  const number = task.numberOf(owner.id);
  return owner.type === F_OWNER_PGRP ? -number : number;
}

export function setOwner(task: Task, file: File, id: number): number {
  if (id === -(2 ** 31)) return -EINVAL;
  return id < 0 ? own(task, file, F_OWNER_PGRP, -id) : own(task, file, F_OWNER_PID, id);
}

/** The owner may have ended. */
function isThere({ groups, tasks }: Kernel, { type, id }: NonNullable<File["owner"]>): boolean {
  return type === F_OWNER_PGRP ? groups.has(id) : tasks.has(id);
}

/** @param number 0: nobody */
function own(task: Task, file: File, type: number, number: number): number {
  const found = type === F_OWNER_PGRP ? task.findGroup(number)?.id : task.find(number)?.tid;
  if (number !== 0 && found === undefined) return -ESRCH;
  const id = found ?? 0;
  const { uid, euid, sandbox } = task.credentials;
  file.owner = { type, id, uid, euid, sandbox, process: task.process };
  return 0;
}

/** F_GETOWN_EX and F_SETOWN_EX: struct f_owner_ex has a type and an id. */
export function getOwnerEx(task: Task, file: File, address: number): number {
  const { space } = task;
  space.writable(address, 8);
  space.writeU32(address, file.owner?.type ?? F_OWNER_TID);
  const { owner } = file;
  space.writeU32(address + 4, owner !== undefined && isThere(task.kernel, owner) ? task.numberOf(owner.id) : 0);
  return 0;
}

export function setOwnerEx(task: Task, file: File, address: number): number {
  const type = task.space.readI32(address);
  const id = task.space.readI32(address + 4);
  if (type !== F_OWNER_TID && type !== F_OWNER_PID && type !== F_OWNER_PGRP) return -EINVAL;
  return own(task, file, type, id);
}

export function getOwnerIds(task: Task, file: File, address: number): number {
  const { space } = task;
  space.writable(address, 8);
  space.writeU32(address, file.owner?.uid ?? 0);
  space.writeU32(address + 4, file.owner?.euid ?? 0);
  return 0;
}

/** Leases and notifications make the caller the owner if there is none. */
function ownByDefault(task: Task, file: File): void {
  if (file.owner === undefined) own(task, file, F_OWNER_PID, task.numberOf(task.pid));
}

// Leases

export function getLease(file: File): number {
  return file.inode.leases?.get(file) ?? F.F_UNLCK;
}

export function setLease(task: Task, file: File, fd: number, type: number): number {
  const { inode } = file;
  if (!isLockType(type)) return -EINVAL;
  if (task.credentials.fsuid !== inode.attributes().uid && !task.capable(CAP_LEASE)) return -EACCES;
  if (inode.format !== S_IFREG) return -EINVAL;
  if (!mayLease(file, type, isWritable(file))) return -EAGAIN;
  inode.leases ??= new Leases();
  const { kernel } = task;
  const result = inode.leases.set(file, type, () => send(kernel, file, fd, POLL_MSG));
  if (result === 0 && type !== F.F_UNLCK) ownByDefault(task, file);
  return result;
}

/** Runs what may meet a lease, and waits for its holder where it does. */
export function respectLeases(task: Task, nonblock: boolean, call: () => SyscallResult): SyscallResult {
  try {
    return call();
  } catch (e) {
    if (!(e instanceof LeaseConflict) || nonblock) throw e;
    return waitForLease(task, e, call);
  }
}

async function waitForLease(task: Task, conflict: LeaseConflict, call: () => SyscallResult): Promise<number> {
  for (let met = conflict; ; ) {
    const { leases, write } = met;
    const result = await block(task, leases.queue, () => (leases.breakFor(write) ? -EAGAIN : 0), {
      deadline: task.kernel.now() + task.kernel.tunables.leaseBreakTime * 1e9,
      timedOut: () => {
        leases.expire();
        return 0;
      },
    });
    if (result < 0) return result;
    try {
      return await call();
    } catch (e) {
      if (!(e instanceof LeaseConflict)) throw e;
      met = e;
    }
  }
}

// Directories

const DN_MULTISHOT = 0x8000_0000;
/** DN_* and the events that count. */
const NOTIFICATIONS: readonly (readonly [bit: number, events: number])[] = [
  [1, IN_ACCESS],
  [2, IN_MODIFY],
  [4, IN_CREATE | IN_MOVED_TO],
  [8, IN_DELETE | IN_MOVED_FROM],
  [16, IN_MOVED_FROM],
  [32, IN_ATTRIB],
];

/** What an open directory is watched for by F_NOTIFY. */
class DirectoryWatch implements Watch {
  mask = 0;
  bits = 0;
  readonly #file: File;
  readonly #tell: () => void;

  constructor(file: File, tell: () => void) {
    this.#file = file;
    this.#tell = tell;
  }

  tell(event: number, name: string): void {
    // What happens to the directory itself does not count.
    if ((event & this.mask) === 0 || name === "") return;
    const open = this.#file.references > 0;
    if (open) this.#tell();
    if (!open || (this.bits & DN_MULTISHOT) === 0) this.end();
  }

  isOf(file: File): boolean {
    return this.#file === file;
  }

  end(): void {
    const { inode } = this.#file;
    inode.watches?.delete(this);
    if (inode.watches?.size === 0) inode.watches = undefined;
  }
}

export function notifyOf(task: Task, file: File, fd: number, bits: number): number {
  const { inode } = file;
  let watch = [...(inode.watches ?? [])].find((w) => w instanceof DirectoryWatch && w.isOf(file)) as
    | DirectoryWatch
    | undefined;
  let mask = 0;
  for (const [bit, events] of NOTIFICATIONS) if (bits & bit) mask |= events;
  if (mask === 0) {
    watch?.end();
    return 0;
  }
  if (inode.format !== S_IFDIR) return -ENOTDIR;
  const { kernel } = task;
  if (watch === undefined) {
    watch = new DirectoryWatch(file, () => send(kernel, file, fd, POLL_MSG));
    inode.watches ??= new Set();
    inode.watches.add(watch);
  }
  watch.mask |= mask;
  watch.bits |= bits;
  ownByDefault(task, file);
  return 0;
}
