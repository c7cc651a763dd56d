/** Other processes' memory and what two processes share: process_vm_readv(2), process_vm_writev(2), kcmp(2). */
import { EBADF, EFAULT, EINVAL, EPERM, ESRCH, errno } from "../abi/errno.ts";
import { accessMemory, mayInspect } from "../proc/inspect.ts";
import type { Task } from "../proc/task.ts";
import { choice, int, ptr, ulong } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { pid as pidArg } from "./process-args.ts";

/** UIO_MAXIOV */
const MAX_VECTORS = 1024;

interface Range {
  readonly address: number;
  readonly length: number;
}

function readRanges(task: Task, address: number, count: number): Range[] {
  if (count > MAX_VECTORS) throw errno(EINVAL);
  const ranges: Range[] = [];
  for (let i = 0; i < count; i++) {
    const length = task.space.readNumber64(address + 16 * i + 8);
    if (length >= 2 ** 63) throw errno(EINVAL);
    ranges.push({ address: task.space.readNumber64(address + 16 * i), length });
  }
  return ranges;
}

/** Bytes moved at once. */
const CHUNK = 1 << 16;

/** process_vm_rw(): as much as can be; EFAULT if that is nothing. */
function transfer(
  task: Task,
  pid: number,
  local: number,
  localCount: number,
  remote: number,
  remoteCount: number,
  bits: number,
  write: boolean,
): number {
  if (bits !== 0) return -EINVAL;
  const mine = readRanges(task, local, localCount);
  if (mine.every(({ length }) => length === 0)) return 0;
  const theirs = readRanges(task, remote, remoteCount);
  if (theirs.every(({ length }) => length === 0)) return 0;
  const target = task.find(pid);
  if (target === undefined || !target.hasMemory || target.state === "zombie" || target.state === "dead") return -ESRCH;
  if (!mayInspect(task, target)) return -EPERM;
  let done = 0;
  let at = 0;
  let offset = 0;
  for (const { address, length } of theirs) {
    for (let from = 0; from < length; ) {
      while (at < mine.length && offset === mine[at]?.length) {
        at++;
        offset = 0;
      }
      const here = mine[at];
      if (here === undefined) return done;
      const size = Math.min(length - from, here.length - offset, CHUNK);
      const moved = move(task, target, here.address + offset, address + from, size, write);
      done += moved;
      from += moved;
      offset += moved;
      if (moved < size) return done === 0 ? -EFAULT : done;
    }
  }
  return done;
}

function move(task: Task, target: Task, local: number, remote: number, size: number, write: boolean): number {
  const buffer = new Uint8Array(size);
  if (write) {
    const n = accessMemory(task.space, local, buffer, { write: false, force: false });
    return accessMemory(target.space, remote, buffer.subarray(0, n), { write: true, force: false });
  }
  const n = accessMemory(target.space, remote, buffer, { write: false, force: false });
  return accessMemory(task.space, local, buffer.subarray(0, n), { write: true, force: false });
}

const KCMP_TYPES = ["KCMP_FILE", "KCMP_VM", "KCMP_FILES", "KCMP_FS", "KCMP_SIGHAND", "KCMP_IO", "KCMP_SYSVSEM"];

/** 0: the same; 1 and 2: an order that stays as long as both are there. */
function kcmp(task: Task, pid1: number, pid2: number, type: number, index1: number, index2: number): number {
  const [a, b] = [task.find(pid1), task.find(pid2)];
  if (a === undefined || b === undefined) return -ESRCH;
  if (!mayInspect(task, a) || !mayInspect(task, b)) return -EPERM;
  const order = (x: object, y: object): number =>
    x === y ? 0 : task.kernel.identities.of(x) < task.kernel.identities.of(y) ? 1 : 2;
  switch (KCMP_TYPES[type]) {
    case "KCMP_FILE": {
      const [x, y] = [a.files.peek(index1), b.files.peek(index2)];
      if (x === undefined || y === undefined) return -EBADF;
      return order(x, y);
    }
    case "KCMP_VM":
      return order(a.space, b.space);
    case "KCMP_FILES":
      return order(a.files, b.files);
    case "KCMP_FS":
      return order(a.fs, b.fs);
    case "KCMP_SIGHAND":
      return order(a.handlers, b.handlers);
    case "KCMP_IO":
      // Nobody has a context for I/O scheduling.
      return 0;
    case "KCMP_SYSVSEM":
      return order(a.process, b.process);
    default:
      return -EINVAL;
  }
}

const kcmpType = choice(KCMP_TYPES, "KCMP_???");
const vectors = [pidArg, ptr, ulong, ptr, ulong, ulong] as const;

export const processMemoryCalls: readonly SyscallDefinition[] = [
  syscall("process_vm_readv", vectors, (task, pid, local, n, remote, m, bits) =>
    transfer(task, pid, local, n, remote, m, bits, false),
  ),
  syscall("process_vm_writev", vectors, (task, pid, local, n, remote, m, bits) =>
    transfer(task, pid, local, n, remote, m, bits, true),
  ),
  syscall("kcmp", [pidArg, pidArg, kcmpType, int, int], kcmp),
];
