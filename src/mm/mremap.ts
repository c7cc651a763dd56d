/**
 * mremap(2): the checks of Linux's mm/mremap.c (6.18) in its order. A moved mapping takes its pages along; those of a
 * shared one are fetched again at the new place.
 */
import { EFAULT, EINVAL, ENOMEM, errno } from "../abi/errno.ts";
import { MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from "../abi/mman.ts";
import type { AddressSpace } from "./address-space.ts";
import { alignUp, MMAP_MIN_ADDR, PAGE_SIZE, TASK_SIZE } from "./layout.ts";
import { fill } from "./lock.ts";
import { findFree } from "./mmap.ts";
import { MAX_MAP_COUNT, Vma, VmFlag } from "./vma.ts";

export function remap(
  space: AddressSpace,
  address: number,
  oldLength: number,
  newLength: number,
  flags: number,
  newAddress: number,
): number {
  const oldSize = alignUp(oldLength);
  const newSize = alignUp(newLength);
  checkParameters(space, address, oldSize, newSize, flags, newAddress);
  if (flags & MREMAP_FIXED && oldSize === newSize) return moveAll(space, address, oldSize, flags, newAddress);
  const vma = checkMapping(space, address, oldSize, newSize, flags);
  if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) return moveTo(space, address, oldSize, newSize, flags, newAddress);
  if (newSize === oldSize) return address;
  if (newSize < oldSize) {
    space.munmap(address + newSize, oldSize - newSize);
    return address;
  }
  const end = address + oldSize;
  if (end === vma.end && fitsBehind(space, vma, newSize - oldSize)) {
    space.vmas.extend(vma, address + newSize);
    fill(space, vma, end, address + newSize);
    return address;
  }
  if (!(flags & MREMAP_MAYMOVE)) throw errno(ENOMEM);
  return move(space, vma, address, oldSize, findFree(space, 0, newSize), newSize, flags);
}

/** check_mremap_params() */
function checkParameters(
  space: AddressSpace,
  address: number,
  oldSize: number,
  newSize: number,
  flags: number,
  newAddress: number,
): void {
  if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) throw errno(EINVAL);
  if (address % PAGE_SIZE !== 0) throw errno(EINVAL);
  if (newSize === 0 || newSize > TASK_SIZE) throw errno(EINVAL);
  if (!(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) return;
  if (newAddress > TASK_SIZE - newSize) throw errno(EINVAL);
  if (newAddress % PAGE_SIZE !== 0) throw errno(EINVAL);
  if (!(flags & MREMAP_MAYMOVE)) throw errno(EINVAL);
  if (flags & MREMAP_DONTUNMAP && oldSize !== newSize) throw errno(EINVAL);
  if (address + oldSize > newAddress && newAddress + newSize > address) throw errno(EINVAL);
  if (space.vmas.count + 2 >= MAX_MAP_COUNT - 3) throw errno(ENOMEM);
}

/** check_prep_vma() */
function checkMapping(space: AddressSpace, address: number, oldSize: number, newSize: number, flags: number): Vma {
  const vma = space.vmas.find(address);
  if (vma === undefined) throw errno(EFAULT);
  if (newSize <= oldSize && !(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) return vma;
  // An old size of 0 makes a second mapping of the same shared pages; of private ones it makes no sense.
  if (oldSize === 0 && !(vma.flags & VmFlag.MayShare)) throw errno(EINVAL);
  if (flags & MREMAP_DONTUNMAP && vma.flags & VmFlag.DontExpand) throw errno(EINVAL);
  // What a shrinking cuts off may reach beyond the mapping, what is moved may not.
  if (Math.min(oldSize, newSize) > vma.end - address) throw errno(EFAULT);
  if (newSize <= oldSize) return vma;
  if (vma.flags & VmFlag.DontExpand) throw errno(EFAULT);
  if (!space.mayExpand(newSize - oldSize, vma.prot, vma.flags)) throw errno(ENOMEM);
  if (vma.flags & VmFlag.Account && !space.roomFor(newSize - oldSize)) throw errno(ENOMEM);
  return vma;
}

/** remap_move(): a move without a change of size takes all mappings of the range along, with the gaps between them. */
function moveAll(space: AddressSpace, address: number, size: number, flags: number, newAddress: number): number {
  const end = address + size;
  let at = address;
  let result = -1;
  while (at < end) {
    const vma = space.vmas.firstIn(at, end);
    if (vma === undefined) break;
    if (result < 0 && vma.start > address) break;
    const start = Math.max(vma.start, at);
    at = Math.min(vma.end, end);
    checkMapping(space, start, at - start, at - start, flags);
    const moved = moveTo(space, start, at - start, at - start, flags, newAddress + (start - address));
    if (result < 0) result = moved;
  }
  if (result < 0) throw errno(EFAULT);
  return result;
}

/** mremap_to() */
function moveTo(
  space: AddressSpace,
  address: number,
  oldSize: number,
  newSize: number,
  flags: number,
  newAddress: number,
): number {
  if (flags & MREMAP_FIXED) space.unmap(newAddress, newAddress + newSize);
  if (oldSize > newSize) space.munmap(address + newSize, oldSize - newSize);
  const size = Math.min(oldSize, newSize);
  // The unmapping may have cut the mapping.
  const vma = space.vmas.find(address);
  if (vma === undefined) throw errno(EFAULT);
  if (flags & MREMAP_DONTUNMAP && !space.mayExpand(size, vma.prot, vma.flags)) throw errno(ENOMEM);
  if (flags & MREMAP_FIXED && newAddress < MMAP_MIN_ADDR) throw errno(EINVAL);
  const to = flags & MREMAP_FIXED ? newAddress : findFree(space, newAddress, newSize);
  return move(space, vma, address, size, to, newSize, flags);
}

function fitsBehind(space: AddressSpace, vma: Vma, delta: number): boolean {
  const end = vma.end + delta;
  if (end > TASK_SIZE) return false;
  const next = space.vmas.at(space.vmas.indexFrom(vma.end));
  return next === undefined || end <= next.startGap;
}

function move(
  space: AddressSpace,
  source: Vma,
  address: number,
  oldSize: number,
  to: number,
  newSize: number,
  flags: number,
): number {
  const moved = new Vma(to, to + newSize, source.prot, source.flags, source);
  if (!source.isAnonymousPrivate) moved.offset = source.positionOf(address);
  const stays = oldSize === 0 || (flags & MREMAP_DONTUNMAP) !== 0;
  const target = space.addMapping(moved);
  if (source.shared) space.syncShared();
  else space.movePages(address, to, oldSize, target);
  if (!stays) space.unmap(address, address + oldSize);
  fill(space, target, to, to + newSize);
  return to;
}
