/** Memory: mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), madvise(2), msync(2), mincore(2), mlock(2). */
import { CAP_IPC_LOCK } from "../abi/capability.ts";
import { EINVAL, ENOMEM, EPERM, errno } from "../abi/errno.ts";
import { MAP_ANONYMOUS, MREMAP_DONTUNMAP, MREMAP_FIXED } from "../abi/mman.ts";
import { RLIMIT_MEMLOCK } from "../abi/resource.ts";
import { PAGE_SIZE } from "../mm/layout.ts";
import type { Task } from "../proc/task.ts";
import { fd as fdArg, flags, outPtr, printHex, printPointer, ptr, size } from "./args.ts";
import { mapFlags } from "./control-args.ts";
import { type Arg, type SyscallDefinition, syscall } from "./define.ts";
import { lockAllFlagNames, protectionNames, remapFlagNames, syncFlagNames } from "./memory-flags.ts";
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
  return task.space.mmap(address, length, prot, bits, file, offset);
}

function checkLockLimit(task: Task, bytes: number): void {
  if (task.capable(CAP_IPC_LOCK)) return;
  const limit = task.limit(RLIMIT_MEMLOCK);
  if (limit === 0) throw errno(EPERM);
  if (bytes > limit) throw errno(ENOMEM);
}

function mlock(task: Task, address: number, length: number): number {
  const start = Math.floor(address / PAGE_SIZE) * PAGE_SIZE;
  const bytes = Math.ceil((address + length - start) / PAGE_SIZE) * PAGE_SIZE;
  checkLockLimit(task, bytes);
  task.space.mlock(start, bytes, true);
  return 0;
}

function mlockall(task: Task, bits: number): number {
  if (bits === 0 || bits & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || bits === MCL_ONFAULT) throw errno(EINVAL);
  if (bits & MCL_CURRENT) checkLockLimit(task, task.space.totalPages * PAGE_SIZE);
  else checkLockLimit(task, 0);
  // Nothing is ever swapped out.
  return 0;
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
    task.space.munmap(address, length);
    return 0;
  }),
  syscall("mprotect", [ptr, size, protection], (task, address, length, prot) => {
    task.space.mprotect(address, length, prot);
    return 0;
  }),
  syscall(
    "mremap",
    [ptr, size, size, flags(remapFlagNames, "0", "MREMAP_???"), remapTarget],
    (task, address, oldLength, newLength, bits, newAddress) =>
      task.space.mremap(address, oldLength, newLength, bits, newAddress),
    { printResult: hexResult },
  ),
  syscall("brk", [ptr], (task, address) => task.space.brk(address), { printResult: hexResult }),
  syscall("madvise", [ptr, size, memoryAdvice], (task, address, length, advice) => {
    task.space.madvise(address, length, advice);
    return 0;
  }),
  syscall("msync", [ptr, size, flags(syncFlagNames)], (task, address, length, bits) => {
    task.space.msync(address, length, bits);
    return 0;
  }),
  syscall("mincore", [ptr, size, outPtr], mincore),
  syscall("mlock", [ptr, size], mlock),
  syscall("mlock2", [ptr, size, flags([[1, "MLOCK_ONFAULT"]])], (task, address, length, bits) => {
    if (bits & ~1) throw errno(EINVAL);
    return mlock(task, address, length);
  }),
  syscall("munlock", [ptr, size], (task, address, length) => {
    const start = Math.floor(address / PAGE_SIZE) * PAGE_SIZE;
    task.space.mlock(start, Math.ceil((address + length - start) / PAGE_SIZE) * PAGE_SIZE, false);
    return 0;
  }),
  syscall("mlockall", [flags(lockAllFlagNames)], mlockall),
  syscall("munlockall", [], () => 0),
];

function hexResult(result: number): string {
  return `0x${result.toString(16)}`;
}
