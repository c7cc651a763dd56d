/**
 * mmap(2): the checks of Linux's do_mmap() in its order, and the search for a free place.
 */
import { EACCES, EEXIST, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM, errno } from "../abi/errno.ts";
import { F_SEAL_FUTURE_WRITE, F_SEAL_WRITE } from "../abi/fcntl.ts";
import {
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_DROPPABLE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_TYPE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from "../abi/mman.ts";
import type { AddressSpace } from "./address-space.ts";
import { alignDown, alignUp, MMAP_MIN_ADDR, PAGE_SIZE, TASK_SIZE } from "./layout.ts";
import { fill } from "./lock.ts";
import { prefault } from "./populate.ts";
import { SharedAnonymous } from "./shared-object.ts";
import { ANONYMOUS_FLAGS, type Backing, MAX_MAP_COUNT, type MappedFile, Vma, VmFlag } from "./vma.ts";

/** Without effect where there is an MMU; legacy all the same. */
const MAP_UNINITIALIZED = 0x400_0000;
const O_ACCMODE = 3;
const O_RDONLY = 0;
const O_WRONLY = 1;

/** LEGACY_MAP_MASK: what MAP_SHARED_VALIDATE knows besides its own. */
const KNOWN_FLAGS =
  MAP_TYPE |
  MAP_FIXED |
  MAP_ANONYMOUS |
  MAP_DENYWRITE |
  MAP_EXECUTABLE |
  MAP_GROWSDOWN |
  MAP_LOCKED |
  MAP_NORESERVE |
  MAP_POPULATE |
  MAP_NONBLOCK |
  MAP_STACK |
  MAP_HUGETLB |
  MAP_UNINITIALIZED |
  MAP_32BIT;

/** Where a mapping of `length` bytes without a fixed address goes: get_unmapped_area(). */
export function findFree(space: AddressSpace, hint: number, length: number, flags = 0): number {
  if (length > TASK_SIZE) throw errno(ENOMEM);
  const low = (flags & MAP_32BIT) !== 0;
  const limit = low ? 0x8000_0000 : TASK_SIZE;
  if (hint !== 0) {
    const wanted = Math.max(alignDown(hint), MMAP_MIN_ADDR);
    if (wanted <= limit - length) {
      const { vmas } = space;
      const next = vmas.at(vmas.indexFrom(wanted));
      if (next === undefined || wanted + length <= next.startGap) return wanted;
    } else if (!low) {
      const place = topDown(space, length, alignmentOf(wanted, length));
      if (place !== undefined) return place;
    }
  }
  if (low) return bottomUp(space, length, 0x4000_0000, limit);
  return topDown(space, length) ?? bottomUp(space, length, alignDown(TASK_SIZE / 3), TASK_SIZE);
}

/**
 * Whoever proposes an address that is no process's here wants its alignment (mimalloc, Go, V8: arenas whose headers are
 * found by a mask), and would get by on a larger mapping, of which it returns the ends: as much of it as the length has.
 */
function alignmentOf(wanted: number, length: number): number {
  let alignment = PAGE_SIZE;
  while (wanted % (alignment * 2) === 0 && alignment * 2 <= length) alignment *= 2;
  return alignment;
}

function topDown(space: AddressSpace, length: number, alignment: number = PAGE_SIZE): number | undefined {
  const { vmas } = space;
  let start = multiple(space.mmapBase - length, alignment);
  for (let i = vmas.count - 1; i >= 0; i--) {
    const vma = vmas.at(i) as Vma;
    if (vma.end <= start) break;
    if (vma.startGap < start + length) start = multiple(vma.startGap - length, alignment);
  }
  return start >= MMAP_MIN_ADDR ? start : undefined;
}

function multiple(n: number, of: number): number {
  return Math.floor(n / of) * of;
}

function bottomUp(space: AddressSpace, length: number, low: number, high: number): number {
  const { vmas } = space;
  let start = low;
  for (let i = vmas.indexFrom(low); ; i++) {
    const vma = vmas.at(i);
    if (vma === undefined || start + length <= vma.startGap) break;
    start = Math.max(start, vma.end);
  }
  if (start + length > high) throw errno(ENOMEM);
  return start;
}

export function mapRegion(
  space: AddressSpace,
  address: number,
  length: number,
  prot: number,
  flags: number,
  file: MappedFile | null,
  offset: number,
): number {
  if (offset % PAGE_SIZE !== 0) throw errno(EINVAL);
  if (length === 0) throw errno(EINVAL);
  const size = alignUp(length);
  if (size > Number.MAX_SAFE_INTEGER) throw errno(ENOMEM);
  if (offset + size >= (file === null ? 2 ** 64 : 2 ** 63)) throw errno(EOVERFLOW);
  if (space.vmas.count >= MAX_MAP_COUNT) throw errno(ENOMEM);

  // Linux finds the address before it looks at the type of the mapping.
  const fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0;
  if (size > TASK_SIZE) throw errno(ENOMEM);
  const start = fixed ? address : findFree(space, address, size, flags);
  if (fixed) {
    if (!(start >= 0 && start <= TASK_SIZE - size)) throw errno(ENOMEM);
    if (start % PAGE_SIZE !== 0) throw errno(EINVAL);
    if (start < MMAP_MIN_ADDR) throw errno(EPERM);
    if (flags & MAP_FIXED_NOREPLACE && space.vmas.firstIn(start, start + size)) throw errno(EEXIST);
  }

  let vmFlags = mappingFlags(flags, prot, file) | space.futureFlags;
  let access = prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
  if (space.readImpliesExec && access & PROT_READ && vmFlags & VmFlag.MayExec) access |= PROT_EXEC;
  if (space.refusesExec(access)) throw errno(EACCES);
  const growth = size - (fixed ? mappedWithin(space, start, start + size) : 0);
  if (!space.mayExpand(growth, access, vmFlags)) throw errno(ENOMEM);
  if (access & PROT_WRITE && !(vmFlags & (VmFlag.NoReserve | VmFlag.Shared))) {
    if (!space.roomFor(growth)) throw errno(ENOMEM);
    vmFlags |= VmFlag.Account;
  }

  if (fixed) space.unmap(start, start + size);
  const vma = space.addMapping(new Vma(start, start + size, access, vmFlags, backing(space, file, offset, vmFlags)));
  if (flags & MAP_POPULATE) prefault(space, vma, start, start + size);
  else fill(space, vma, start, start + size);
  return start;
}

function mappingFlags(flags: number, prot: number, file: MappedFile | null): number {
  const type = flags & MAP_TYPE;
  let vmFlags = ANONYMOUS_FLAGS;
  if (flags & MAP_LOCKED) vmFlags |= VmFlag.Locked;
  if (flags & MAP_NORESERVE) vmFlags |= VmFlag.NoReserve;
  if (flags & MAP_STACK) vmFlags |= VmFlag.NoHugePage;
  if (file === null) {
    if (type === MAP_SHARED) {
      if (flags & MAP_GROWSDOWN) throw errno(EINVAL);
      return vmFlags | VmFlag.Shared | VmFlag.MayShare;
    }
    if (type !== MAP_PRIVATE && type !== MAP_DROPPABLE) throw errno(EINVAL);
    if (type === MAP_DROPPABLE) vmFlags |= VmFlag.WipeOnFork | VmFlag.NoReserve;
    return flags & MAP_GROWSDOWN ? vmFlags | VmFlag.GrowsDown : vmFlags;
  }

  const mode = file.flags & O_ACCMODE;
  if (type === MAP_SHARED || type === MAP_SHARED_VALIDATE) {
    if (type === MAP_SHARED_VALIDATE && flags & ~KNOWN_FLAGS) throw errno(EOPNOTSUPP);
    if (prot & PROT_WRITE && mode === O_RDONLY) throw errno(EACCES);
    vmFlags |= VmFlag.MayShare;
    const sealed = ((file.inode.seals ?? 0) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0;
    if (sealed && prot & PROT_WRITE) throw errno(EPERM);
    if (mode === O_RDONLY || sealed) vmFlags &= ~VmFlag.MayWrite;
    else vmFlags |= VmFlag.Shared;
  } else if (type !== MAP_PRIVATE) throw errno(EINVAL);
  if (mode === O_WRONLY) throw errno(EACCES);
  if (file.mayExecute === false) {
    if (prot & PROT_EXEC) throw errno(EPERM);
    vmFlags &= ~VmFlag.MayExec;
  }
  if (file.mappable === false) throw errno(ENODEV);
  if (flags & MAP_GROWSDOWN) throw errno(EINVAL);
  return vmFlags;
}

function backing(space: AddressSpace, file: MappedFile | null, offset: number, vmFlags: number): Backing {
  const shareable = (vmFlags & VmFlag.MayShare) !== 0;
  const fileLimit = Number.POSITIVE_INFINITY;
  if (file && !file.zeroes)
    return { file, shared: shareable ? space.pool.sharedFile(file.inode) : null, offset, fileLimit, name: "" };
  const shared = shareable ? new SharedAnonymous(space.pool) : null;
  return { file: null, shared, offset: 0, fileLimit, name: "" };
}

function mappedWithin(space: AddressSpace, start: number, end: number): number {
  let bytes = 0;
  for (let i = space.vmas.indexFrom(start); ; i++) {
    const vma = space.vmas.at(i);
    if (vma === undefined || vma.start >= end) return bytes;
    bytes += Math.min(end, vma.end) - Math.max(start, vma.start);
  }
}
