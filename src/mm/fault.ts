/**
 * Page faults: what an access that its page byte does not allow comes to. As do_user_addr_fault() of Linux on x86.
 *
 * A fault costs a trip out of generated code, so neighbours are populated too (fault-around): up to 16 pages of a private
 * file mapping in one read, a few of anonymous memory, which cost nothing but their bytes until they are touched.
 */
import { Errno } from "../abi/errno.ts";
import { PROT_EXEC, PROT_WRITE } from "../abi/mman.ts";
import { BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SI_KERNEL, SIGBUS, SIGKILL, SIGSEGV } from "../abi/signal.ts";
import type { AddressSpace } from "./address-space.ts";
import { Access } from "./guest-access.ts";
import { GUEST_LIMIT, PAGE_SHIFT, PAGE_SIZE, PageBits } from "./layout.ts";
import { STACK_GUARD_GAP, type Vma, VmFlag } from "./vma.ts";

/** Either the access may be repeated, or the signal to raise. SIGKILL: the machine's memory budget is used up. */
export type FaultResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly signal: number; readonly code: number; readonly address: number };

const RESOLVED: FaultResult = { ok: true };

/** Pages, a power of two each. */
const FILE_AROUND = 16;
const ANONYMOUS_AROUND = 4;

const failed = (signal: number, code: number, address: number): FaultResult => ({ ok: false, signal, code, address });

export function faultIn(space: AddressSpace, address: number, access: Access): FaultResult {
  if (!(address >= 0 && address < GUEST_LIMIT)) return failed(SIGSEGV, SEGV_MAPERR, address);
  const vma = space.vmas.at(space.vmas.indexFrom(address));
  if (vma === undefined) return failed(SIGSEGV, SEGV_MAPERR, address);
  if (vma.start > address && !growStack(space, vma, address)) return failed(SIGSEGV, SEGV_MAPERR, address);
  if (!allows(vma.prot, access)) return failed(SIGSEGV, SEGV_ACCERR, address);

  const page = address >>> PAGE_SHIFT;
  const { pages } = space.memory;
  const bits = pages[page] as number;
  if (bits & PageBits.Inherited) {
    if (!space.fetchInherited(page, vma)) return failed(SIGKILL, SI_KERNEL, address);
  } else if ((bits & PageBits.Present) === 0) {
    const outcome = populate(space, vma, page);
    if (outcome === "beyond end") return failed(SIGBUS, BUS_ADRERR, address);
    if (outcome === "no memory") return failed(SIGKILL, SI_KERNEL, address);
  }
  if (access !== Access.Write || (pages[page] as number) & PageBits.Write) return RESOLVED;
  // A hole of a file on a full file system.
  const room = vma.shared?.prepareWrite?.(vma.positionOf(page * PAGE_SIZE) / PAGE_SIZE) ?? true;
  if (!room) return failed(SIGBUS, BUS_ADRERR, address);
  if (!space.allowWrite(page, vma)) {
    return failed(SIGKILL, SI_KERNEL, address);
  }
  return RESOLVED;
}

function allows(prot: number, access: Access): boolean {
  if (access === Access.Write) return (prot & PROT_WRITE) !== 0;
  if (access === Access.Exec) return (prot & PROT_EXEC) !== 0;
  return prot !== 0;
}

/** expand_downwards(): a stack follows the accesses below it, as far as RLIMIT_STACK and its neighbour allow. */
function growStack(space: AddressSpace, vma: Vma, address: number): boolean {
  if (!(vma.flags & VmFlag.GrowsDown)) return false;
  const start = Math.floor(address / PAGE_SIZE) * PAGE_SIZE;
  if (vma.end - start > space.limits.stack) return false;
  const below = space.vmas.at(space.vmas.indexFrom(start) - 1);
  if (below && !(below.flags & VmFlag.GrowsDown) && below.prot !== 0 && start - below.end < STACK_GUARD_GAP)
    return false;
  if (!space.mayExpand(vma.start - start, 0, vma.flags)) return false;
  space.vmas.growDown(vma, start);
  return true;
}

type Outcome = "present" | "beyond end" | "no memory";

/** Fetches the contents of `page`, and of pages around it that are not there yet. */
export function populate(space: AddressSpace, vma: Vma, page: number): Outcome {
  if (vma.shared) {
    if (!space.commitPages(1)) return "no memory";
    const there = space.populateShared(page, vma);
    if (!there) space.pool.uncommit(1);
    return there ? "present" : "beyond end";
  }
  const { file } = vma;
  if (file !== null && (file.inode.writers ?? 0) > 0 && vma.positionOf((page + 1) * PAGE_SIZE) <= vma.fileLimit) {
    if (!space.commitPages(1)) return "no memory";
    const there = space.populateUnchanged(page, vma, file);
    if (!there) space.pool.uncommit(1);
    return there ? "present" : "beyond end";
  }
  const around = vma.flags & VmFlag.LockedOnFault ? 1 : vma.file ? FILE_AROUND : ANONYMOUS_AROUND;
  const window = page & -around;
  const low = Math.max(window, vma.start >>> PAGE_SHIFT);
  const high = Math.min(window + around, vma.end >>> PAGE_SHIFT);
  const { pages } = space.memory;
  let first = page;
  while (first > low && ((pages[first - 1] as number) & PageBits.Present) === 0) first--;
  let last = page + 1;
  while (last < high && ((pages[last] as number) & PageBits.Present) === 0) last++;
  if (!space.commitPages(last - first)) {
    first = page;
    last = page + 1;
    if (!space.commitPages(1)) return "no memory";
  }
  let filled = last;
  if (vma.file) {
    filled = first + readFile(space, vma, first, last);
    if (filled < last) space.pool.uncommit(last - filled);
  }
  for (let p = first; p < filled; p++) space.setPresent(p, vma);
  return page < filled ? "present" : "beyond end";
}

/** Reads the pages [first, last) of a private file mapping; answers how many of them have contents. */
function readFile(space: AddressSpace, vma: Vma, first: number, last: number): number {
  const { file } = vma;
  if (file === null) return 0;
  const start = first * PAGE_SIZE;
  const position = vma.positionOf(start);
  const length = Math.min(last * PAGE_SIZE - start, Math.max(0, vma.fileLimit - position));
  const into = space.memory.u8.subarray(start, start + length);
  try {
    return Math.ceil(Math.max(0, file.inode.read(position, into)) / PAGE_SIZE);
  } catch (error) {
    // The file system failed (EIO): the page cannot be had, which is SIGBUS.
    if (!(error instanceof Errno)) throw error;
    into.fill(0);
    return 0;
  }
}
