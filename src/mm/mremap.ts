/**
 * mremap(2): the checks of Linux's mm/mremap.c in its order. A moved mapping takes its pages along; those of a shared
 * one are fetched again at the new place.
 */
import { EFAULT, EINVAL, ENOMEM, errno } from "../abi/errno.ts";
import { MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from "../abi/mman.ts";
import type { AddressSpace } from "./address-space.ts";
import { alignUp, MMAP_MIN_ADDR, PAGE_SIZE, TASK_SIZE } from "./layout.ts";
import { findFree, prefault } from "./mmap.ts";
import { MAX_MAP_COUNT, Vma, VmFlag } from "./vma.ts";

export function remap(
  space: AddressSpace,
  address: number,
  oldLength: number,
  newLength: number,
  flags: number,
  newAddress: number,
): number {
  if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) throw errno(EINVAL);
  if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE)) throw errno(EINVAL);
  if (flags & MREMAP_DONTUNMAP && oldLength !== newLength) throw errno(EINVAL);
  if (address % PAGE_SIZE !== 0) throw errno(EINVAL);
  const oldSize = alignUp(oldLength);
  const newSize = alignUp(newLength);
  if (newSize === 0) throw errno(EINVAL);
  const { vmas } = space;
  const vma = vmas.find(address);

  if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
    checkTarget(address, oldSize, newSize, newAddress, flags);
    if (vma === undefined) throw errno(EFAULT);
    if (vmas.count + 2 >= MAX_MAP_COUNT - 3) throw errno(ENOMEM);
    if (flags & MREMAP_FIXED) space.unmap(newAddress, newAddress + newSize);
    let size = oldSize;
    if (oldSize > newSize) {
      space.unmap(address + newSize, address + oldSize);
      size = newSize;
    }
    // The unmapping above may have cut the mapping.
    const source = resizable(space, address, size, newSize, flags);
    if (flags & MREMAP_DONTUNMAP && !space.mayExpand(size, source.prot, source.flags)) throw errno(ENOMEM);
    const to = flags & MREMAP_FIXED ? newAddress : findFree(space, newAddress, newSize);
    return move(space, source, address, size, to, newSize, flags);
  }

  if (vma === undefined) throw errno(EFAULT);
  if (oldSize >= newSize) {
    if (oldSize > newSize) space.unmap(address + newSize, address + oldSize);
    return address;
  }
  const source = resizable(space, address, oldSize, newSize, flags);
  const end = address + oldSize;
  if (end === source.end && fitsBehind(space, source, newSize - oldSize)) {
    vmas.extend(source, address + newSize);
    if (source.flags & VmFlag.Locked) prefault(space, source, end, address + newSize);
    return address;
  }
  if (!(flags & MREMAP_MAYMOVE)) throw errno(ENOMEM);
  return move(space, source, address, oldSize, findFree(space, 0, newSize), newSize, flags);
}

function checkTarget(address: number, oldSize: number, newSize: number, newAddress: number, flags: number): void {
  if (newAddress % PAGE_SIZE !== 0) throw errno(EINVAL);
  if (newSize > TASK_SIZE || newAddress > TASK_SIZE - newSize) throw errno(EINVAL);
  if (address + oldSize > newAddress && newAddress + newSize > address) throw errno(EINVAL);
  if (flags & MREMAP_FIXED && newAddress < MMAP_MIN_ADDR) throw errno(EINVAL);
}

/** vma_to_resize() */
function resizable(space: AddressSpace, address: number, oldSize: number, newSize: number, flags: number): Vma {
  const vma = space.vmas.find(address);
  if (vma === undefined) throw errno(EFAULT);
  // An old size of 0 makes a second mapping of the same shared pages; of private ones it makes no sense.
  if (oldSize === 0 && !(vma.flags & VmFlag.MayShare)) throw errno(EINVAL);
  if (flags & MREMAP_DONTUNMAP && vma.flags & VmFlag.DontExpand) throw errno(EINVAL);
  if (oldSize > vma.end - address) throw errno(EFAULT);
  if (newSize === oldSize) return vma;
  if (vma.flags & VmFlag.DontExpand) throw errno(EFAULT);
  if (!space.mayExpand(newSize - oldSize, vma.prot, vma.flags)) throw errno(ENOMEM);
  if (vma.isAnonymousPrivate && !(vma.flags & VmFlag.NoReserve) && !space.roomFor(newSize - oldSize))
    throw errno(ENOMEM);
  return vma;
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
  if (target.flags & VmFlag.Locked) prefault(space, target, to, to + newSize);
  return to;
}
