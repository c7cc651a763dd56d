/**
 * Futexes: wait queues by address (futex(2)). A private futex is known by its address space and address, a shared one by
 * the object behind the mapping and the position in it, so that processes meet that map it at different addresses.
 */
import { PiLocks } from "./futex-pi.ts";

/** One waiter. */
export interface FutexWaiter {
  readonly bitset: number;
  /** Real-time tasks are woken before others. */
  readonly priority: number;
  /** Where it waits now: FUTEX_REQUEUE moves it. */
  key: FutexKey;
  woken: boolean;
  wake(): void;
  /** FUTEX_WAIT_REQUEUE_PI: where it is to be moved to, and how. Plain operations do not touch such a waiter. */
  readonly moves?: {
    readonly key: FutexKey;
    /** Takes the lock or waits for it; -errno if that cannot be. */
    move(): "taken" | "waits" | number;
  };
}

export interface FutexKey {
  /** The address space, or the shared object. */
  readonly object: object;
  readonly offset: number;
}

export function sameFutex(a: FutexKey, b: FutexKey): boolean {
  return a.object === b.object && a.offset === b.offset;
}

export class FutexTable {
  readonly pi: PiLocks = new PiLocks();
  readonly #queues: WeakMap<object, Map<number, FutexWaiter[]>> = new WeakMap();

  add(waiter: FutexWaiter): void {
    const { object, offset } = waiter.key;
    let byOffset = this.#queues.get(object);
    if (byOffset === undefined) this.#queues.set(object, (byOffset = new Map()));
    let queue = byOffset.get(offset);
    if (queue === undefined) byOffset.set(offset, (queue = []));
    const at = waiter.priority > 0 ? queue.findIndex((other) => other.priority < waiter.priority) : -1;
    if (at < 0) queue.push(waiter);
    else queue.splice(at, 0, waiter);
  }

  remove(waiter: FutexWaiter): void {
    const { object, offset } = waiter.key;
    const byOffset = this.#queues.get(object);
    const queue = byOffset?.get(offset);
    const at = queue?.indexOf(waiter) ?? -1;
    if (queue === undefined || at < 0) return;
    queue.splice(at, 1);
    if (queue.length === 0) byOffset?.delete(offset);
  }

  /** Those that wait, in the order in which they are woken. */
  waiters(key: FutexKey): readonly FutexWaiter[] {
    return [...(this.#queues.get(key.object)?.get(key.offset) ?? [])];
  }

  /**
   * Wakes up to `count` waiters whose bitset has a bit in common; the number of those woken, or undefined if one of them
   * waits to be moved to a lock, which is an error of the caller's.
   */
  wake(key: FutexKey, count: number, bitset: number): number | undefined {
    let woken = 0;
    for (const waiter of this.waiters(key)) {
      if (waiter.moves !== undefined) return undefined;
      if (woken >= count) break;
      if ((waiter.bitset & bitset) === 0) continue;
      this.wakeOne(waiter);
      woken++;
    }
    return woken;
  }

  wakeOne(waiter: FutexWaiter): void {
    this.remove(waiter);
    waiter.woken = true;
    waiter.wake();
  }

  /** Moves up to `count` waiters to another futex; the number of those moved. */
  requeue(from: FutexKey, to: FutexKey, count: number): number | undefined {
    let moved = 0;
    for (const waiter of this.waiters(from)) {
      if (moved >= count) break;
      if (waiter.moves !== undefined) return undefined;
      if (!sameFutex(from, to)) {
        this.remove(waiter);
        waiter.key = to;
        this.add(waiter);
      }
      moved++;
    }
    return moved;
  }
}
