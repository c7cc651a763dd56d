/** Pages that are made to be there before anybody touches them: MAP_POPULATE, mlock(2), madvise(MADV_POPULATE_*). */
import { PROT_WRITE } from "../abi/mman.ts";
import type { AddressSpace } from "./address-space.ts";
import { populate } from "./fault.ts";
import { PAGE_SHIFT, PAGE_SIZE, PageBits } from "./layout.ts";
import { type Vma, VmFlag } from "./vma.ts";

/**
 * Populates what it can of [start, end); what cannot be had shows with the first access. Private pages that may be written
 * to become the space's own. Returns false where it has to stop.
 * @param write shared pages as if they were written to
 */
export function prefault(space: AddressSpace, vma: Vma, start: number, end: number, write = false): boolean {
  if (vma.prot === 0) return false;
  const { pages } = space.memory;
  const own = (vma.prot & PROT_WRITE) !== 0 && (write || (vma.flags & VmFlag.Shared) === 0);
  for (let page = start >>> PAGE_SHIFT; page < end >>> PAGE_SHIFT; page++) {
    const bits = pages[page] as number;
    if (bits & PageBits.Inherited) {
      if (!space.fetchInherited(page, vma)) return false;
    } else if ((bits & PageBits.Present) === 0 && populate(space, vma, page) !== "present") return false;
    if (!own || (pages[page] as number) & PageBits.Write) continue;
    const room = vma.shared?.prepareWrite?.(vma.positionOf(page * PAGE_SIZE) / PAGE_SIZE) ?? true;
    if (!room || !space.allowWrite(page, vma)) return false;
  }
  return true;
}
