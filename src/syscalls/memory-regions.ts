/**
 * The rarer memory calls: mseal(2), remap_file_pages(2), process_madvise(2), cachestat(2), and protection keys, of which there
 * are none.
 */
import { EBADF, EINVAL, ENOMEM, EPERM, ESRCH, errno } from "../abi/errno.ts";
import * as M from "../abi/mman.ts";
import { S_IFREG } from "../abi/stat.ts";
import { alignUp, PAGE_SIZE, TASK_SIZE } from "../mm/layout.ts";
import { prefault } from "../mm/populate.ts";
import { Vma, VmFlag } from "../mm/vma.ts";
import { mayInspect } from "../proc/inspect.ts";
import { PidFile } from "../proc/pidfd.ts";
import type { Task } from "../proc/task.ts";
import { fd, flags, int, ptr, size, uint, ulong } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { iovIn } from "./file-args.ts";
import { readIoVectors } from "./file-util.ts";
import { protectionNames } from "./memory-flags.ts";
import { memoryAdvice } from "./system-args.ts";

/** Advice by which contents are lost. */
const DISCARDING: ReadonlySet<number> = new Set([
  M.MADV_FREE,
  M.MADV_DONTNEED,
  M.MADV_DONTNEED_LOCKED,
  M.MADV_REMOVE,
  M.MADV_DONTFORK,
  M.MADV_WIPEONFORK,
]);
/** What one process may advise another. */
const REMOTE_ADVICE: ReadonlySet<number> = new Set([M.MADV_COLD, M.MADV_PAGEOUT, M.MADV_WILLNEED, M.MADV_COLLAPSE]);

/** can_modify_vma(): EPERM if anything in the range is sealed. */
export function checkSealed(task: Task, address: number, length: number): void {
  if (length <= 0) return;
  const end = Math.min(address + alignUp(length), TASK_SIZE);
  for (let i = task.space.vmas.indexFrom(address); ; i++) {
    const vma = task.space.vmas.at(i);
    if (vma === undefined || vma.start >= end) return;
    if (vma.flags & VmFlag.Sealed) throw errno(EPERM);
  }
}

/** can_modify_vma_madv(): sealed memory that cannot be written must not be emptied either. */
export function checkSealedAdvice(task: Task, address: number, length: number, advice: number): void {
  if (!DISCARDING.has(advice)) return;
  const end = address + alignUp(length);
  for (let i = task.space.vmas.indexFrom(address); ; i++) {
    const vma = task.space.vmas.at(i);
    if (vma === undefined || vma.start >= end) return;
    const readOnly = vma.isAnonymousPrivate && (vma.prot & M.PROT_WRITE) === 0;
    if (vma.flags & VmFlag.Sealed && readOnly) throw errno(EPERM);
  }
}

function mseal(task: Task, address: number, length: number, bits: number): number {
  if (bits !== 0 || address % PAGE_SIZE !== 0) return -EINVAL;
  const bytes = alignUp(length);
  if (length > 0 && (bytes >= 2 ** 64 || address + bytes >= 2 ** 64)) return -EINVAL;
  if (bytes === 0) return 0;
  const end = address + bytes;
  const { vmas } = task.space;
  if (end > TASK_SIZE || !vmas.covers(address, end)) return -ENOMEM;
  vmas.update(address, end, (vma) => {
    vma.flags |= VmFlag.Sealed;
  });
  return 0;
}

/** Maps other pages of the same file or shared memory in the place of a part of a shared mapping. */
function remapFilePages(task: Task, start: number, length: number, prot: number, page: number): number {
  if (prot !== 0) return -EINVAL;
  const address = Math.floor(start / PAGE_SIZE) * PAGE_SIZE;
  const bytes = Math.floor(length / PAGE_SIZE) * PAGE_SIZE;
  if (bytes === 0 || address + bytes > TASK_SIZE) return -EINVAL;
  const { space } = task;
  const vma = space.vmas.find(address);
  if (vma?.shared === undefined || vma.shared === null || vma.end < address + bytes) return -EINVAL;
  const { file, shared, fileLimit, name } = vma;
  const moved = new Vma(address, address + bytes, vma.prot, vma.flags, {
    file,
    shared,
    offset: page * PAGE_SIZE,
    fileLimit,
    name,
  });
  // The old mapping may hold the last reference to the file.
  if (file !== null) file.references++;
  try {
    space.unmap(address, address + bytes);
    const now = space.addMapping(moved);
    prefault(space, now, address, address + bytes);
  } finally {
    if (file !== null) file.references--;
  }
  return 0;
}

function processMadvise(task: Task, number: number, iov: number, count: number, advice: number, bits: number): number {
  if (bits !== 0) return -EINVAL;
  const vectors = readIoVectors(task, iov, count);
  const file = task.files.get(number);
  if (!(file instanceof PidFile)) return -EBADF;
  const target = file.process.leader;
  if (file.process.exited || target.state === "zombie" || target.state === "dead") return -ESRCH;
  if (!mayInspect(task, target)) return -EPERM;
  if (target.space !== task.space && !REMOTE_ADVICE.has(advice)) return -EINVAL;
  let done = 0;
  for (const { address, length } of vectors) {
    try {
      checkSealedAdvice(target, address, length, advice);
      target.space.madvise(address, length, advice);
    } catch (e) {
      if (done > 0) return done;
      throw e;
    }
    done += length;
  }
  return done;
}

/** cachestat(2): of a file in memory, what has contents is what is cached. */
function cachestat(task: Task, number: number, range: number, into: number, bits: number): number {
  const { inode } = task.files.get(number);
  const { space } = task;
  const start = Math.floor(space.readNumber64(range) / PAGE_SIZE) * PAGE_SIZE;
  const length = space.readNumber64(range + 8);
  if (bits !== 0) return -EINVAL;
  let pages = 0;
  if (inode.format === S_IFREG && inode.seekData !== undefined) {
    const last = inode.attributes().size;
    const end = length === 0 ? last : Math.min(last, space.readNumber64(range) + length);
    for (let at: number | undefined = start; at !== undefined && at < end; ) {
      const data: number | undefined = inode.seekData(at, false);
      if (data === undefined || data >= end) break;
      const hole = Math.min(end, inode.seekData(data, true) ?? end);
      pages += Math.ceil(hole / PAGE_SIZE) - Math.floor(data / PAGE_SIZE);
      at = hole;
    }
  }
  space.writable(into, 40).fill(0);
  space.writeNumber64(into, pages);
  return 0;
}

const protection = flags(protectionNames, "PROT_NONE", "PROT_???");

export const memoryRegionCalls: readonly SyscallDefinition[] = [
  syscall("mseal", [ptr, size, ulong], mseal),
  syscall("remap_file_pages", [ptr, size, protection, size, uint], remapFilePages),
  syscall("process_madvise", [fd, iovIn(2), size, memoryAdvice, uint], processMadvise),
  syscall("cachestat", [fd, ptr, ptr, uint], cachestat),
  // As on a processor without protection keys: pkeys(7).
  syscall("pkey_alloc", [uint, ulong], () => -EINVAL),
  syscall("pkey_free", [int], () => -EINVAL),
  syscall("pkey_mprotect", [ptr, size, protection, int], (task, address, length, prot, key) => {
    if (key !== -1) return -EINVAL;
    checkSealed(task, address, length);
    task.space.mprotect(address, length, prot);
    return 0;
  }),
];
