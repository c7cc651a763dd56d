/**
 * mlock(2) and its kin. Nothing is ever swapped out, so to lock is to populate and to remember: limits, /proc and what may
 * not be discarded hang on it. After mm/mlock.c.
 */
import { ENOMEM, errno } from "../abi/errno.ts";
import type { AddressSpace } from "./address-space.ts";
import { alignUp, PAGE_SIZE, TASK_SIZE } from "./layout.ts";
import { prefault } from "./populate.ts";
import { type Vma, VmFlag } from "./vma.ts";

const LOCK_FLAGS = VmFlag.Locked | VmFlag.LockedOnFault;

/** What the kernel shows of its own is no memory of the program's. */
function isSpecial(vma: Vma): boolean {
  return vma.name === "[vvar]";
}

function mark(vma: Vma, flags: number): void {
  if (!isSpecial(vma)) vma.flags = (vma.flags & ~LOCK_FLAGS) | flags;
}

/** How far from `start` there are mappings without a hole, at most to `end`. */
function mappedFrom(space: AddressSpace, start: number, end: number): number {
  let at = start;
  for (let i = space.vmas.indexFrom(start); at < end; i++) {
    const vma = space.vmas.at(i);
    if (vma === undefined || vma.start > at) return at;
    at = vma.end;
  }
  return end;
}

/** Bytes that are locked within [start, end). */
export function lockedBytes(space: AddressSpace, start = 0, end: number = TASK_SIZE): number {
  let bytes = 0;
  for (const vma of space.vmas) {
    if (vma.flags & VmFlag.Locked) bytes += Math.max(0, Math.min(end, vma.end) - Math.max(start, vma.start));
  }
  return bytes;
}

/** @param flags VmFlag.Locked, with LockedOnFault or not; 0 unlocks */
export function lock(space: AddressSpace, address: number, length: number, flags: number): void {
  const start = Math.floor(address / PAGE_SIZE) * PAGE_SIZE;
  const end = alignUp(address + length);
  if (end === start) return;
  const until = mappedFrom(space, start, end);
  if (until > start) space.vmas.update(start, until, (vma) => mark(vma, flags));
  if (until < end) throw errno(ENOMEM);
  if (flags === 0) return;
  for (let i = space.vmas.indexFrom(start); ; i++) {
    const vma = space.vmas.at(i);
    if (vma === undefined || vma.start >= end) return;
    const from = Math.max(start, vma.start);
    if (!fill(space, vma, from, Math.min(end, vma.end))) throw errno(ENOMEM);
  }
}

/** mlockall(2): all that there is, if `now`; and what is mapped from now on. */
export function lockAll(space: AddressSpace, flags: number, now: boolean, future: boolean): void {
  space.futureFlags = future ? flags : 0;
  if (!now) return;
  space.vmas.update(0, TASK_SIZE, (vma) => mark(vma, flags));
  // Whether it can be populated is of no matter here.
  for (const vma of space.vmas) fill(space, vma, vma.start, vma.end);
}

/** Populates what is locked. True if all is there, or need not be. */
export function fill(space: AddressSpace, vma: Vma, start: number, end: number): boolean {
  if ((vma.flags & LOCK_FLAGS) !== VmFlag.Locked) return true;
  return prefault(space, vma, start, end);
}
