/**
 * Operations on ranges of mappings: mprotect(2), madvise(2), msync(2), mincore(2). Each goes from mapping to
 * mapping and meets holes in its own way, which is Linux's (mm/mprotect.c, madvise.c, msync.c, mincore.c).
 */
import { EACCES, EBUSY, EFAULT, EINVAL, ENOMEM, EOPNOTSUPP, errno } from "../abi/errno.ts";
import * as M from "../abi/mman.ts";
import type { AddressSpace } from "./address-space.ts";
import { alignUp, PAGE_SHIFT, PAGE_SIZE, PageBits, TASK_SIZE } from "./layout.ts";
import { fill } from "./lock.ts";
import { prefault } from "./populate.ts";
import { type Vma, VmFlag } from "./vma.ts";

/** The second half of mprotect: `grows` is PROT_GROWSDOWN, PROT_GROWSUP or 0. */
export function protect(space: AddressSpace, address: number, end: number, prot: number, grows: number): void {
  const first = space.vmas.at(space.vmas.indexFrom(address));
  if (first === undefined) throw errno(ENOMEM);
  let start = address;
  if (grows & M.PROT_GROWSDOWN) {
    if (first.start >= end) throw errno(ENOMEM);
    if (!(first.flags & VmFlag.GrowsDown)) throw errno(EINVAL);
    start = first.start;
  } else {
    if (first.start > start) throw errno(ENOMEM);
    // No architecture of ours has stacks that grow up.
    if (grows & M.PROT_GROWSUP) throw errno(EINVAL);
  }
  // What lies before the first hole or refusal is changed, as Linux does.
  let at = start;
  let failure = 0;
  const { vmas } = space;
  for (let i = vmas.indexFrom(start); at < end; i++) {
    const vma = vmas.at(i);
    if (vma === undefined || vma.start > at) failure = ENOMEM;
    else if (space.refusesExec(prot, vma.prot)) failure = EACCES;
    else if (!mayHave(vma, prot)) failure = EACCES;
    else if (makesWritable(vma, prot) && !space.roomFor(Math.min(end, vma.end) - at)) failure = ENOMEM;
    if (failure || vma === undefined) break;
    at = Math.min(end, vma.end);
  }
  if (at > start) {
    vmas.update(start, at, (vma) => {
      if (vma.prot === prot) return;
      if (makesWritable(vma, prot)) vma.flags |= VmFlag.Account;
      else if (
        !(prot & M.PROT_WRITE) &&
        vma.isAnonymousPrivate &&
        !space.nextRun(vma.start >>> PAGE_SHIFT, vma.end >>> PAGE_SHIFT)
      )
        vma.flags &= ~VmFlag.Account;
      vma.prot = prot;
      space.reprotect(vma);
    });
  }
  // What is locked and may now be written to is the process's own from here on.
  if (prot & M.PROT_WRITE && failure === 0) {
    for (let i = vmas.indexFrom(start); ; i++) {
      const vma = vmas.at(i);
      if (vma === undefined || vma.start >= at) break;
      fill(space, vma, Math.max(start, vma.start), Math.min(at, vma.end));
    }
  }
  if (failure) throw errno(failure);
}

function mayHave(vma: Vma, prot: number): boolean {
  if (prot & M.PROT_READ && !(vma.flags & VmFlag.MayRead)) return false;
  if (prot & M.PROT_WRITE && !(vma.flags & VmFlag.MayWrite)) return false;
  return !(prot & M.PROT_EXEC && !(vma.flags & VmFlag.MayExec));
}

/** Becomes memory that counts for the first time. */
function makesWritable(vma: Vma, prot: number): boolean {
  const exempt = VmFlag.Account | VmFlag.Shared | VmFlag.NoReserve;
  return (prot & ~vma.prot & M.PROT_WRITE) !== 0 && (vma.flags & exempt) === 0;
}

/** Advice that only sets or clears flags: [set, cleared]. */
const FLAG_ADVICE: Readonly<Record<number, readonly [number, number]>> = {
  [M.MADV_NORMAL]: [0, VmFlag.RandomRead | VmFlag.SequentialRead],
  [M.MADV_RANDOM]: [VmFlag.RandomRead, VmFlag.SequentialRead],
  [M.MADV_SEQUENTIAL]: [VmFlag.SequentialRead, VmFlag.RandomRead],
  [M.MADV_DONTFORK]: [VmFlag.DontFork, 0],
  [M.MADV_DOFORK]: [0, VmFlag.DontFork],
  [M.MADV_DONTDUMP]: [VmFlag.DontDump, 0],
  [M.MADV_DODUMP]: [0, VmFlag.DontDump],
  [M.MADV_WIPEONFORK]: [VmFlag.WipeOnFork, 0],
  [M.MADV_KEEPONFORK]: [0, VmFlag.WipeOnFork],
  [M.MADV_MERGEABLE]: [VmFlag.Mergeable, 0],
  [M.MADV_UNMERGEABLE]: [0, VmFlag.Mergeable],
  [M.MADV_HUGEPAGE]: [VmFlag.HugePage, VmFlag.NoHugePage],
  [M.MADV_NOHUGEPAGE]: [VmFlag.NoHugePage, VmFlag.HugePage],
};

const OTHER_ADVICE: ReadonlySet<number> = new Set([
  M.MADV_WILLNEED,
  M.MADV_DONTNEED,
  M.MADV_FREE,
  M.MADV_REMOVE,
  M.MADV_COLD,
  M.MADV_PAGEOUT,
  M.MADV_POPULATE_READ,
  M.MADV_POPULATE_WRITE,
  M.MADV_DONTNEED_LOCKED,
  M.MADV_COLLAPSE,
]);

export function advise(space: AddressSpace, start: number, length: number, behavior: number): void {
  if (!(behavior in FLAG_ADVICE) && !OTHER_ADVICE.has(behavior)) throw errno(EINVAL);
  if (start % PAGE_SIZE !== 0) throw errno(EINVAL);
  const end = start + alignUp(length);
  if (end >= 2 ** 64) throw errno(EINVAL);
  if (end === start) return;

  if (behavior === M.MADV_POPULATE_READ || behavior === M.MADV_POPULATE_WRITE) {
    populateRange(space, start, end, behavior === M.MADV_POPULATE_WRITE);
    return;
  }
  const flags = FLAG_ADVICE[behavior];
  const hole = !space.vmas.covers(start, Math.min(end, TASK_SIZE)) || end > TASK_SIZE;
  if (flags) {
    const [set, clear] = flags;
    space.vmas.update(start, end, (vma) => {
      if (behavior === M.MADV_WIPEONFORK && !vma.isAnonymousPrivate) throw errno(EINVAL);
      vma.flags = (vma.flags & ~clear) | set;
    });
  } else {
    for (let i = space.vmas.indexFrom(start); ; i++) {
      const vma = space.vmas.at(i);
      if (vma === undefined || vma.start >= end) break;
      adviseOne(space, vma, Math.max(start, vma.start), Math.min(end, vma.end), behavior);
    }
  }
  // Unmapped parts are an error in the end, but what is mapped is done.
  if (hole) throw errno(ENOMEM);
}

function adviseOne(space: AddressSpace, vma: Vma, start: number, end: number, behavior: number): void {
  switch (behavior) {
    case M.MADV_DONTNEED:
    case M.MADV_DONTNEED_LOCKED:
      if (behavior === M.MADV_DONTNEED && vma.flags & VmFlag.Locked) throw errno(EINVAL);
      space.dropPages(vma, start, end);
      return;
    case M.MADV_FREE:
      if (vma.flags & VmFlag.Locked) throw errno(EINVAL);
      // The kernel may free the pages when memory is short, and does not have to.
      if (!vma.isAnonymousPrivate) throw errno(EINVAL);
      return;
    case M.MADV_REMOVE:
      if (vma.flags & VmFlag.Locked) throw errno(EINVAL);
      if (vma.shared === null) throw errno(EINVAL);
      if (!(vma.flags & VmFlag.Shared && vma.prot & M.PROT_WRITE)) throw errno(EACCES);
      if (vma.shared.punch === undefined) throw errno(EOPNOTSUPP);
      space.dropPages(vma, start, end);
      vma.shared.punch(vma.positionOf(start), vma.positionOf(end));
      return;
    case M.MADV_COLD:
    case M.MADV_PAGEOUT:
      if (vma.flags & VmFlag.Locked) throw errno(EINVAL);
      return;
    default:
      // WILLNEED and COLLAPSE: there is nothing to read ahead, and no huge page to make.
      return;
  }
}

function populateRange(space: AddressSpace, start: number, end: number, write: boolean): void {
  const needed = write ? M.PROT_WRITE : M.PROT_READ;
  let at = start;
  while (at < end) {
    const vma = space.vmas.find(at);
    if (vma === undefined) throw errno(ENOMEM);
    if (!(vma.prot & needed)) throw errno(EINVAL);
    const to = Math.min(end, vma.end);
    if (!prefault(space, vma, at, to, write)) throw errno(vma.file ? EFAULT : ENOMEM);
    at = to;
  }
}

export function sync(space: AddressSpace, start: number, length: number, flags: number): void {
  if (flags & ~(M.MS_ASYNC | M.MS_INVALIDATE | M.MS_SYNC)) throw errno(EINVAL);
  if (start % PAGE_SIZE !== 0) throw errno(EINVAL);
  if (flags & M.MS_ASYNC && flags & M.MS_SYNC) throw errno(EINVAL);
  const end = start + alignUp(length);
  if (end >= 2 ** 64) throw errno(ENOMEM);
  if (end === start) return;
  for (let i = space.vmas.indexFrom(start); ; i++) {
    const vma = space.vmas.at(i);
    if (vma === undefined || vma.start >= end) break;
    if (flags & M.MS_INVALIDATE && vma.flags & VmFlag.Locked) throw errno(EBUSY);
  }
  space.syncShared();
  if (end > TASK_SIZE || !space.vmas.covers(start, end)) throw errno(ENOMEM);
}

/** Whether others can have brought the page into memory: what a file has data for is in the page cache. */
function isCached(vma: Vma, position: number): boolean {
  if (vma.file === null) return vma.shared?.has?.(position / PAGE_SIZE) ?? false;
  const { inode } = vma.file;
  if (inode.seekData === undefined) return true;
  const data = inode.seekData(position, false);
  return data !== undefined && data < position + PAGE_SIZE;
}

export function residency(space: AddressSpace, start: number, length: number): Uint8Array {
  if (start % PAGE_SIZE !== 0) throw errno(EINVAL);
  const end = start + alignUp(length);
  if (end > TASK_SIZE) throw errno(ENOMEM);
  if (end > start && !space.vmas.covers(start, end)) throw errno(ENOMEM);
  const { pages } = space.memory;
  const resident = new Uint8Array((end - start) / PAGE_SIZE);
  for (let i = space.vmas.indexFrom(start); ; i++) {
    const vma = space.vmas.at(i);
    if (vma === undefined || vma.start >= end) return resident;
    const last = Math.min(end, vma.end) >>> PAGE_SHIFT;
    for (let page = Math.max(start, vma.start) >>> PAGE_SHIFT; page < last; page++) {
      const there =
        ((pages[page] as number) & PageBits.Present) !== 0 || isCached(vma, vma.positionOf(page * PAGE_SIZE));
      resident[page - (start >>> PAGE_SHIFT)] = there ? 1 : 0;
    }
  }
}
