/** Looking into another process: who may (ptrace(2), "Ptrace access mode checking"), and its memory. */
import { CAP_SYS_PTRACE } from "../abi/capability.ts";
import { EFAULT, EIO, Errno, errno } from "../abi/errno.ts";
import { PROT_READ, PROT_WRITE } from "../abi/mman.ts";
import { type Vma, VmFlag } from "../mm/vma.ts";
import { SecretFile } from "../vfs/secret.ts";
import type { GuestSpace } from "./mm.ts";
import type { Task } from "./task.ts";

/**
 * __ptrace_may_access().
 * @param byFilesystemIds ask with the ids that count for files (reading /proc), not with the real ones
 */
export function mayInspect(caller: Task, target: Task, byFilesystemIds = false): boolean {
  if (caller.process === target.process) return true;
  const mine = caller.credentials;
  const c = target.credentials;
  // Who is in a sandbox sees but who is in the same, or further inside.
  if (mine.sandbox !== null && !mine.sandbox.contains(c.sandbox)) return false;
  const uid = byFilesystemIds ? mine.fsuid : mine.uid;
  const gid = byFilesystemIds ? mine.fsgid : mine.gid;
  if (mine.capableIn(CAP_SYS_PTRACE, target.users)) return true;
  const same = uid === c.uid && uid === c.euid && uid === c.suid && gid === c.gid && gid === c.egid && gid === c.sgid;
  // Nor what has more privileges than the caller (cap_ptrace_access_check).
  return same && target.process.dumpable === 1 && mine.users === c.users && (c.permitted & ~mine.permitted) === 0n;
}

/** What may be done regardless of a mapping's protection (Linux: FOLL_FORCE), as a debugger sets breakpoints. */
export interface MemoryAccess {
  readonly write: boolean;
  readonly force: boolean;
}

/**
 * Copies between `buffer` and the memory of an address space that need not be the current one.
 * @returns bytes copied, fewer where the memory ends
 */
export function accessMemory(
  space: GuestSpace,
  address: number,
  buffer: Uint8Array,
  { write, force }: MemoryAccess,
): number {
  const { pool } = space;
  const before = pool.active;
  pool.activate(space);
  try {
    let done = 0;
    while (done < buffer.length) {
      const at = address + done;
      const vma = space.vmas.find(at);
      if (vma === undefined || vma.file instanceof SecretFile) break;
      const part = buffer.subarray(done, Math.min(buffer.length, done + (vma.end - at)));
      const n = copy(space, vma, at, part, write, force);
      done += n;
      if (n < part.length) break;
    }
    return done;
  } finally {
    pool.activate(before);
  }
}

function copy(space: GuestSpace, vma: Vma, at: number, part: Uint8Array, write: boolean, force: boolean): number {
  const needed = write ? PROT_WRITE : PROT_READ;
  const { prot } = vma;
  if (prot === 0 || (write && (prot & PROT_WRITE) === 0)) {
    // A write goes to the process's own copy, never to what it shares with others.
    if (!force || (vma.flags & (write ? VmFlag.MayWrite : VmFlag.MayRead)) === 0) return 0;
    if (write && (vma.shared !== null || vma.flags & VmFlag.MayShare)) return 0;
    vma.prot |= needed | PROT_READ;
  }
  try {
    if (write) {
      const into = space.writablePrefix(at, part.length);
      into.set(part.subarray(0, into.length));
      return into.length;
    }
    const from = space.readablePrefix(at, part.length);
    part.set(from);
    return from.length;
  } catch (e) {
    if (e instanceof Errno) return 0;
    throw e;
  } finally {
    if (vma.prot !== prot) {
      vma.prot = prot;
      space.reprotect(vma);
    }
  }
}

/** All of it, or EIO (ptrace's word-wise requests) */
export function peek(space: GuestSpace, address: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (accessMemory(space, address, bytes, { write: false, force: true }) < length) throw errno(EIO);
  return bytes;
}

/** As `peek`; EFAULT is for structures, EIO for words. */
export function poke(space: GuestSpace, address: number, bytes: Uint8Array, failure: number = EFAULT): void {
  if (accessMemory(space, address, bytes, { write: true, force: true }) < bytes.length) throw errno(failure);
}
