/**
 * Leases: fcntl(2), F_SETLEASE. The holder is told before somebody else opens the file in a way that concerns it, and has a
 * while to put its house in order; whoever opens waits meanwhile.
 *
 * A read lease concerns those who will write or truncate, a write lease everybody. The first open that it concerns *breaks*
 * it: the holder gets a signal, and the lease has a target, which it is to be brought down to. What the holder has not done
 * when the time is over is done for it.
 */
import { EAGAIN, Errno } from "../abi/errno.ts";
import { F_RDLCK, F_UNLCK, F_WRLCK } from "../abi/fcntl.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import type { File, Inode } from "./types.ts";

interface Lease {
  readonly file: File;
  type: number;
  /** What it is to become; undefined while nobody has broken it. */
  target: number | undefined;
  /** Tells the holder. */
  readonly tell: () => void;
}

/** Of one inode. */
export class Leases {
  /** Woken when a lease is given up. */
  readonly queue: WaitQueue = new WaitQueue();
  #leases: Lease[] = [];

  /** F_GETLEASE: while it is being broken, what it is to become. */
  get(file: File): number {
    const lease = this.#leases.find((l) => l.file === file);
    return lease === undefined ? F_UNLCK : (lease.target ?? lease.type);
  }

  /** F_SETLEASE: 0 or -EAGAIN. The caller has looked at who has the file open. */
  set(file: File, type: number, tell: () => void): number {
    const own = this.#leases.find((l) => l.file === file);
    if (type === F_UNLCK) {
      if (own === undefined) return -EAGAIN;
      this.drop(file);
      return 0;
    }
    if (own?.target === F_UNLCK || (own?.target === F_RDLCK && type === F_WRLCK)) return -EAGAIN;
    for (const other of this.#leases) {
      if (other !== own && (type === F_WRLCK || other.type === F_WRLCK || other.target !== undefined)) return -EAGAIN;
    }
    if (own === undefined) this.#leases.push({ file, type, target: undefined, tell });
    else {
      own.type = type;
      own.target = undefined;
      this.queue.wake();
    }
    return 0;
  }

  /** The file is closed, or the lease given up. */
  drop(file: File): void {
    this.#leases = this.#leases.filter((l) => l.file !== file);
    this.queue.wake();
  }

  /** Somebody is about to open the file: true if it has to wait, the holders having been told. */
  breakFor(write: boolean): boolean {
    let conflict = false;
    for (const lease of this.#leases) {
      if (lease.type === F_RDLCK && !write) continue;
      conflict = true;
      // The holder is told again if more is asked of it.
      if (lease.target === F_UNLCK || (lease.target !== undefined && !write)) continue;
      lease.target = write ? F_UNLCK : F_RDLCK;
      lease.tell();
    }
    return conflict;
  }

  /** The time of those that were broken is over. */
  expire(): void {
    for (const lease of this.#leases) if (lease.target !== undefined) lease.type = lease.target;
    this.#leases = this.#leases.filter((l) => l.type !== F_UNLCK);
    for (const lease of this.#leases) lease.target = undefined;
    this.queue.wake();
  }
}

/** Thrown where a file is about to be opened: EAGAIN for those who do not wait; the others wait for `leases`. */
export class LeaseConflict extends Errno {
  readonly leases: Leases;
  readonly write: boolean;

  constructor(leases: Leases, write: boolean) {
    super(EAGAIN);
    this.leases = leases;
    this.write = write;
  }
}

/** break_lease() */
export function breakLeases(inode: Inode, write: boolean): void {
  const { leases } = inode;
  if (leases?.breakFor(write)) throw new LeaseConflict(leases, write);
}

/** check_conflicting_open(): may `file` get a lease of this type, as far as others have the file open? */
export function mayLease(file: File, type: number, writable: boolean): boolean {
  const { inode } = file;
  const writers = inode.writers ?? 0;
  if (type === F_RDLCK) return writers === 0;
  return type !== F_WRLCK || (writers === (writable ? 1 : 0) && (inode.readers ?? 0) === (writable ? 0 : 1));
}
