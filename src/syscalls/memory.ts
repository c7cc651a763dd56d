/** Memory: mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), madvise(2), msync(2), mincore(2), mlock(2). */
import { CAP_IPC_LOCK } from "../abi/capability.ts";
import { EACCES, EAGAIN, EINVAL, ENOMEM, EPERM, errno } from "../abi/errno.ts";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_LOCKED,
  MAP_SHARED,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
} from "../abi/mman.ts";
import { RLIMIT_MEMLOCK } from "../abi/resource.ts";
import { PAGE_SIZE } from "../mm/layout.ts";
import { lock, lockAll, lockedBytes } from "../mm/lock.ts";
import { VmFlag } from "../mm/vma.ts";
import type { Task } from "../proc/task.ts";
import { isWritable, RegularFile } from "../vfs/file.ts";
import { isAppendOnly } from "../vfs/file-flags.ts";
import { SecretFile } from "../vfs/secret.ts";
import { fd as fdArg, flags, outPtr, printHex, printPointer, ptr, size } from "./args.ts";
import { mapFlags } from "./control-args.ts";
import { type Arg, type SyscallDefinition, syscall } from "./define.ts";
import { lockAllFlagNames, protectionNames, remapFlagNames, syncFlagNames } from "./memory-flags.ts";
import { checkSealed, checkSealedAdvice, memoryRegionCalls } from "./memory-regions.ts";
import { memoryAdvice } from "./system-args.ts";

const protection = flags(protectionNames, "PROT_NONE", "PROT_???");
const MCL_CURRENT = 1;
const MCL_FUTURE = 2;
const MCL_ONFAULT = 4;

function mmap(
  task: Task,
  address: number,
  length: number,
  prot: number,
  bits: number,
  fd: number,
  offset: number,
): number {
  if (offset % PAGE_SIZE !== 0) throw errno(EINVAL);
  const file = (bits & MAP_ANONYMOUS) !== 0 ? null : task.files.get(fd);
  if (bits & MAP_SHARED && file !== null && isAppendOnly(file.inode) && isWritable(file)) throw errno(EACCES);
  if (bits & MAP_FIXED && (bits & MAP_FIXED_NOREPLACE) === 0) checkSealed(task, address, length);
  if (bits & MAP_LOCKED && !canLock(task)) throw errno(EPERM);
  const secret = file instanceof SecretFile;
  if (secret && (bits & MAP_SHARED) === 0) throw errno(EINVAL);
  if (bits & MAP_LOCKED || secret || task.space.futureFlags !== 0)
    checkLockLimit(task, lockedBytes(task.space) + length, EAGAIN);
  const mapped = task.space.mmap(address, length, prot, bits, file, offset);
  if (file instanceof RegularFile) file.accessed();
  const vma = secret ? task.space.vmas.find(mapped) : undefined;
  if (vma !== undefined) vma.flags |= VmFlag.Locked | VmFlag.DontDump;
  return mapped;
}

/** can_do_mlock() */
function canLock(task: Task): boolean {
  return task.limit(RLIMIT_MEMLOCK) > 0 || task.capable(CAP_IPC_LOCK);
}

/** RLIMIT_MEMLOCK. @param tooMuch the error if `bytes` in all are too many */
function checkLockLimit(task: Task, bytes: number, tooMuch: number = ENOMEM): void {
  if (bytes > task.limit(RLIMIT_MEMLOCK) && !task.capable(CAP_IPC_LOCK)) throw errno(tooMuch);
}

/** The pages that [address, address + length) touches; none if it wraps around. */
function wholePages(address: number, length: number): [start: number, bytes: number] {
  const start = Math.floor(address / PAGE_SIZE) * PAGE_SIZE;
  const bytes = Math.ceil((address - start + length) / PAGE_SIZE) * PAGE_SIZE;
  if (bytes >= 2 ** 64) return [start, 0];
  if (start + bytes >= 2 ** 64) throw errno(EINVAL);
  return [start, bytes];
}

function mlock(task: Task, address: number, length: number, flags: number = VmFlag.Locked): number {
  if (!canLock(task)) throw errno(EPERM);
  const [start, bytes] = wholePages(address, length);
  checkLockLimit(task, lockedBytes(task.space) - lockedBytes(task.space, start, start + bytes) + bytes);
  lock(task.space, start, bytes, flags);
  return 0;
}

function mlockall(task: Task, bits: number): number {
  if (bits === 0 || bits & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || bits === MCL_ONFAULT) throw errno(EINVAL);
  if (!canLock(task)) throw errno(EPERM);
  if (bits & MCL_CURRENT) checkLockLimit(task, task.space.totalPages * PAGE_SIZE);
  const flags = bits & MCL_ONFAULT ? VmFlag.Locked | VmFlag.LockedOnFault : VmFlag.Locked;
  lockAll(task.space, flags, (bits & MCL_CURRENT) !== 0, (bits & MCL_FUTURE) !== 0);
  return 0;
}

function munlockall(task: Task): number {
  lockAll(task.space, 0, true, false);
  return 0;
}

/** brk(2) keeps the old break where it cannot move it. */
function brk(task: Task, address: number): number {
  const { space } = task;
  const growth = address - space.currentBrk;
  const refused =
    space.futureFlags !== 0 &&
    growth > 0 &&
    lockedBytes(task.space) + growth > task.limit(RLIMIT_MEMLOCK) &&
    !task.capable(CAP_IPC_LOCK);
  return refused ? space.currentBrk : space.brk(address);
}

/** What a locked mapping grows by is locked, too. */
function checkGrowth(task: Task, address: number, oldLength: number, newLength: number): void {
  const vma = task.space.vmas.find(address);
  if (vma === undefined || (vma.flags & VmFlag.Locked) === 0 || newLength <= oldLength) return;
  checkLockLimit(task, lockedBytes(task.space) + newLength - oldLength, EAGAIN);
}

function mincore(task: Task, address: number, length: number, vector: number): number {
  const residency = task.space.mincore(address, length);
  task.space.copyOut(vector, residency);
  return 0;
}

const hexOffset: Arg = { kind: "u64", print: (v) => printHex(v) };

/** Only where the flags ask for a place. */
const remapTarget: Arg = {
  kind: "u64",
  print: (v, c) => ((c.args[3] ?? 0) & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? printPointer(v) : ""),
};

export const memoryCalls: readonly SyscallDefinition[] = [
  syscall("mmap", [ptr, size, protection, mapFlags, fdArg, hexOffset], mmap, { printResult: hexResult }),
  syscall("munmap", [ptr, size], (task, address, length) => {
    checkSealed(task, address, length);
    task.space.munmap(address, length);
    return 0;
  }),
  syscall("mprotect", [ptr, size, protection], (task, address, length, prot) => {
    checkSealed(task, address, length);
    task.space.mprotect(address, length, prot);
    return 0;
  }),
  syscall(
    "mremap",
    [ptr, size, size, flags(remapFlagNames, "0", "MREMAP_???"), remapTarget],
    (task, address, oldLength, newLength, bits, newAddress) => {
      checkSealed(task, address, oldLength);
      if (bits & MREMAP_FIXED) checkSealed(task, newAddress, newLength);
      checkGrowth(task, address, oldLength, newLength);
      return task.space.mremap(address, oldLength, newLength, bits, newAddress);
    },
    { printResult: hexResult },
  ),
  syscall("brk", [ptr], brk, { printResult: hexResult }),
  syscall("madvise", [ptr, size, memoryAdvice], (task, address, length, advice) => {
    checkSealedAdvice(task, address, length, advice);
    task.space.madvise(address, length, advice);
    return 0;
  }),
  syscall("msync", [ptr, size, flags(syncFlagNames)], (task, address, length, bits) => {
    task.space.msync(address, length, bits);
    return 0;
  }),
  syscall("mincore", [ptr, size, outPtr], mincore),
  syscall("mlock", [ptr, size], (task, address, length) => mlock(task, address, length)),
  syscall("mlock2", [ptr, size, flags([[1, "MLOCK_ONFAULT"]])], (task, address, length, bits) => {
    if (bits & ~1) throw errno(EINVAL);
    return mlock(task, address, length, bits === 0 ? VmFlag.Locked : VmFlag.Locked | VmFlag.LockedOnFault);
  }),
  syscall("munlock", [ptr, size], (task, address, length) => {
    const [start, bytes] = wholePages(address, length);
    lock(task.space, start, bytes, 0);
    return 0;
  }),
  syscall("mlockall", [flags(lockAllFlagNames)], mlockall),
  syscall("munlockall", [], munlockall),
  ...memoryRegionCalls,
];

function hexResult(result: number): string {
  return `0x${result.toString(16)}`;
}
