/**
 * Advisory locks: record locks of processes and of open files (fcntl(2)), and whole-file locks (flock(2)).
 *
 * Record locks and flock locks do not know each other. An owner's record locks never overlap: a new lock replaces what the
 * owner had in its range, and neighbours of one type are joined, so F_GETLK shows what Linux shows.
 */
import { EAGAIN, EDEADLK, errno } from "../abi/errno.ts";
import { F_RDLCK, F_UNLCK, F_WRLCK, LOCK_EX, LOCK_UN } from "../abi/fcntl.ts";
import { WaitQueue } from "../util/wait-queue.ts";

/** OFFSET_MAX + 1: as far as a lock can reach. */
export const LOCK_END: bigint = 2n ** 63n;

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

export interface RecordLock {
  /** F_RDLCK or F_WRLCK. */
  readonly type: number;
  readonly start: bigint;
  /** Behind the last byte; LOCK_END for "to the end, however far". */
  readonly end: bigint;
  /** The open file by which it was made. */
  readonly file?: unknown;
  /** The process, or for an open file description lock the file. */
  readonly owner: unknown;
  /** Of the process; -1 for an open file description lock. */
  readonly pid: number;
}

/** A lock of flock(2), by open file. */
export interface WholeLock {
  /** LOCK_SH or LOCK_EX. */
  readonly type: number;
  /** Of the process that has made it. */
  readonly pid: number;
}

export class FileLocks {
  /** Woken when a lock goes. */
  readonly queue: WaitQueue = new WaitQueue();
  /** By start. */
  #records: RecordLock[] = [];
  readonly #whole: Map<unknown, WholeLock> = new Map();

  get records(): readonly RecordLock[] {
    return this.#records;
  }

  wholeBy(file: unknown): WholeLock | undefined {
    return this.#whole.get(file);
  }

  /** The first lock of another that stands in the way. */
  conflict(wanted: RecordLock): RecordLock | undefined {
    return this.#records.find(
      (l) =>
        l.owner !== wanted.owner &&
        l.start < wanted.end &&
        wanted.start < l.end &&
        (l.type === F_WRLCK || wanted.type === F_WRLCK),
    );
  }

  /** The first lock of the same owner in the range. */
  own(range: RecordLock): RecordLock | undefined {
    return this.#records.find((l) => l.owner === range.owner && l.start < range.end && range.start < l.end);
  }

  /** Sets the lock, or with F_UNLCK removes what the owner has in the range. Returns 0, or -EAGAIN if another is in the way. */
  set(lock: RecordLock): number {
    if (lock.type !== F_UNLCK && this.conflict(lock) !== undefined) return -EAGAIN;
    const kept: RecordLock[] = [];
    let { start, end } = lock;
    let shrunk = false;
    for (const l of this.#records) {
      const touches = l.start <= end && start <= l.end;
      if (l.owner !== lock.owner || !touches) {
        kept.push(l);
      } else if (l.type === lock.type) {
        start = min(start, l.start);
        end = max(end, l.end);
      } else {
        if (l.start < lock.start) kept.push({ ...l, end: min(l.end, lock.start) });
        if (l.end > lock.end) kept.push({ ...l, start: max(l.start, lock.end) });
        shrunk ||= l.start < lock.end && lock.start < l.end;
      }
    }
    if (lock.type !== F_UNLCK) kept.push({ ...lock, start, end });
    this.#records = kept.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    if (shrunk) this.queue.wake();
    return 0;
  }

  /** A process has closed a descriptor of the file, or is gone. */
  releaseProcess(owner: unknown): void {
    if (!this.#records.some((l) => l.owner === owner)) return;
    this.#records = this.#records.filter((l) => l.owner !== owner);
    this.queue.wake();
  }

  /** flock(2): 0, or -EAGAIN if another open file is in the way. */
  flock(file: unknown, type: number, pid: number): number {
    const own = this.#whole.get(file);
    if (type === LOCK_UN) {
      if (this.#whole.delete(file)) this.queue.wake();
      return 0;
    }
    if (own?.type === type) return 0;
    // Changing the type lets go of the old lock first: flock(2).
    if (own !== undefined) {
      this.#whole.delete(file);
      this.queue.wake();
    }
    for (const other of this.#whole.values()) {
      if (type === LOCK_EX || other.type === LOCK_EX) return -EAGAIN;
    }
    this.#whole.set(file, { type, pid });
    return 0;
  }

  /** The last reference to an open file is gone. */
  releaseFile(file: unknown): void {
    const gone = this.#whole.delete(file);
    this.releaseProcess(file);
    if (gone) this.queue.wake();
  }
}

/** Who waits for whose lock: for EDEADLK. One per machine. */
export class LockWaiters {
  readonly #waits: Map<unknown, unknown> = new Map();

  /** `owner` is about to wait for `holder`. Throws EDEADLK if that would close a circle. */
  begin(owner: unknown, holder: unknown): void {
    for (let at: unknown = holder, steps = 0; at !== undefined && steps < 1000; steps++) {
      if (at === owner) throw errno(EDEADLK);
      at = this.#waits.get(at);
    }
    this.#waits.set(owner, holder);
  }

  end(owner: unknown): void {
    this.#waits.delete(owner);
  }
}

export function isLockType(type: number): boolean {
  return type === F_RDLCK || type === F_WRLCK || type === F_UNLCK;
}
