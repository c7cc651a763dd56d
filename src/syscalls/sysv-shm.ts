/** System V shared memory: shmget(2), shmop(2), shmctl(2). */
import { CAP_IPC_LOCK } from "../abi/capability.ts";
import { EIDRM, EINVAL, ENOMEM, ENOSPC, EPERM, errno } from "../abi/errno.ts";
import { PROT_EXEC, PROT_READ, PROT_WRITE } from "../abi/mman.ts";
import * as S from "../abi/sysv-ipc.ts";
import { PAGE_SIZE, TASK_SIZE } from "../mm/layout.ts";
import { findFree } from "../mm/mmap.ts";
import { Vma, VmFlag } from "../mm/vma.ts";
import { SharedSegment } from "../proc/sysv-shm.ts";
import type { Task } from "../proc/task.ts";
import { int, ptr, size } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { ipcKey, shmCommand, shmControl, shmFlags, shmGetFlags } from "./ipc-args.ts";
import { put64, seconds, setPermissions, structure, writePermissions } from "./sysv-perm.ts";

const pages = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE);

/** The segments that are still there: those that were doomed and have lost their last mapping are removed first. */
function segmentsOf(task: Task): Task["ipc"]["sysv"]["segments"] {
  const { segments } = task.ipc.sysv;
  for (const segment of [...segments]) segment.expire(task.kernel);
  return segments;
}

function shmget(task: Task, key: number, bytes: number, flags: number): number {
  const { kernel, credentials } = task;
  const make = (): SharedSegment => {
    const { limits, sysv } = task.ipc;
    if (bytes < 1 || bytes >= 2 ** 64 || BigInt(bytes) > limits.segmentSize) throw errno(EINVAL);
    let used = pages(bytes);
    for (const other of sysv.segments) used += pages(other.size);
    if (BigInt(used) > limits.segmentPages) throw errno(ENOSPC);
    if (!task.space.roomFor(pages(bytes) * PAGE_SIZE)) throw errno(ENOMEM);
    const options = { size: bytes, pid: task.pid, owner: kernel.pool, table: task.ipc.sysv.segments };
    return new SharedSegment(key, flags, credentials, seconds(kernel), options);
  };
  return segmentsOf(task).find(key, flags, credentials, make, (existing) => {
    if (bytes > existing.size) throw errno(EINVAL);
  }).id;
}

/** do_shmat() */
function shmat(task: Task, id: number, wanted: number, flags: number): number {
  const { space, kernel, credentials } = task;
  if (id < 0) throw errno(EINVAL);
  let address = wanted;
  if (address % PAGE_SIZE !== 0) {
    if ((flags & S.SHM_RND) === 0) throw errno(EINVAL);
    address -= address % PAGE_SIZE;
    if (address === 0 && flags & S.SHM_REMAP) throw errno(EINVAL);
  }
  if (wanted === 0 && flags & S.SHM_REMAP) throw errno(EINVAL);
  const segment = segmentsOf(task).get(id);
  const readOnly = (flags & S.SHM_RDONLY) !== 0;
  const execute = (flags & S.SHM_EXEC) !== 0;
  segment.check(credentials, (readOnly ? 0o444 : 0o666) | (execute ? 0o111 : 0));
  const length = pages(segment.size) * PAGE_SIZE;
  if (wanted === 0) address = findFree(space, 0, length);
  else {
    if (address + length > TASK_SIZE) throw errno(ENOMEM);
    if ((flags & S.SHM_REMAP) === 0 && space.vmas.firstIn(address, address + length)) throw errno(EINVAL);
  }
  const prot = PROT_READ | (readOnly ? 0 : PROT_WRITE) | (execute ? PROT_EXEC : 0);
  let vmFlags = VmFlag.MayRead | VmFlag.MayExec | VmFlag.MayShare;
  if (!readOnly) vmFlags |= VmFlag.Shared | VmFlag.MayWrite;
  if (!space.mayExpand(length, prot, vmFlags)) throw errno(ENOMEM);
  space.unmap(address, address + length);
  const backing = { file: null, shared: segment, offset: 0, fileLimit: Number.POSITIVE_INFINITY, name: "" };
  space.addMapping(new Vma(address, address + length, prot, vmFlags, backing));
  segment.attached = seconds(kernel);
  segment.lastPid = task.pid;
  return address;
}

/** Unmaps what is left of the attachment that began at `address`. */
function shmdt(task: Task, address: number): number {
  const { space, kernel } = task;
  if (address % PAGE_SIZE !== 0) throw errno(EINVAL);
  let segment: SharedSegment | undefined;
  for (const vma of [...space.vmas]) {
    const { shared } = vma;
    if (!(shared instanceof SharedSegment) || vma.start < address || vma.start - vma.offset !== address) continue;
    if (segment !== undefined && shared !== segment) continue;
    segment = shared;
    space.unmap(vma.start, vma.end);
  }
  if (segment === undefined) throw errno(EINVAL);
  segment.detached = seconds(kernel);
  segment.lastPid = task.pid;
  segment.expire(kernel);
  return 0;
}

function shmctl(task: Task, id: number, command: number, buffer: number): number {
  const { kernel, space, credentials } = task;
  if (id < 0) throw errno(EINVAL);
  const segments = segmentsOf(task);
  switch (command) {
    case S.IPC_INFO: {
      const { bytes, view } = structure(72);
      const { limits } = task.ipc;
      view.setBigUint64(0, limits.segmentSize, true);
      put64(view, 8, 1);
      put64(view, 16, limits.segments);
      put64(view, 24, limits.segments);
      view.setBigUint64(32, limits.segmentPages, true);
      space.copyOut(buffer, bytes);
      return segments.highestIndex;
    }
    case S.SHM_INFO: {
      const { bytes, view } = structure(48);
      const all = [...segments];
      const total = all.reduce((n, s) => n + pages(s.size), 0);
      view.setInt32(0, all.length, true);
      put64(view, 8, total);
      put64(view, 16, total);
      space.copyOut(buffer, bytes);
      return segments.highestIndex;
    }
    case S.IPC_STAT:
    case S.SHM_STAT:
    case S.SHM_STAT_ANY: {
      const segment = command === S.IPC_STAT ? segments.get(id) : segments.at(id);
      if (command !== S.SHM_STAT_ANY) segment.check(credentials, 0o444);
      const { bytes, view } = structure(112);
      writePermissions(task, view, segment, segment.doomed ? S.SHM_DEST : 0);
      put64(view, 48, segment.size);
      put64(view, 56, segment.attached);
      put64(view, 64, segment.detached);
      put64(view, 72, segment.changed);
      view.setInt32(80, task.numberOf(segment.creatorPid), true);
      view.setInt32(84, task.numberOf(segment.lastPid), true);
      put64(view, 88, segment.attachments(kernel));
      space.copyOut(buffer, bytes);
      return command === S.IPC_STAT ? 0 : segment.id;
    }
    case S.IPC_SET: {
      space.readable(buffer, 48);
      const segment = segments.get(id);
      segment.checkOwner(credentials);
      setPermissions(task, segment, buffer);
      return 0;
    }
    case S.IPC_RMID: {
      const segment = segments.get(id);
      segment.checkOwner(credentials);
      segment.doomed = true;
      // Its key is free for another segment from now on.
      segment.key = S.IPC_PRIVATE;
      segment.expire(kernel);
      return 0;
    }
    case S.SHM_LOCK:
    case S.SHM_UNLOCK: {
      const segment = segments.get(id);
      if (segment.removed) throw errno(EIDRM);
      if (!task.capable(CAP_IPC_LOCK) && credentials.euid !== segment.owner.uid) throw errno(EPERM);
      // Nothing is ever swapped out.
      return 0;
    }
    default:
      throw errno(EINVAL);
  }
}

export const sharedMemoryCalls: readonly SyscallDefinition[] = [
  syscall("shmget", [ipcKey, size, shmGetFlags], shmget),
  syscall("shmat", [int, ptr, shmFlags], shmat, { printResult: (result) => `0x${result.toString(16)}` }),
  syscall("shmdt", [ptr], shmdt),
  syscall("shmctl", [int, shmCommand, shmControl], shmctl),
];
