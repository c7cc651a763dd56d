/**
 * Futexes: wait queues by address (futex(2)). A private futex is known by its address space and address, a shared one by
 * the object behind the mapping and the position in it, so that processes meet that map it at different addresses.
 */

/** One waiter. */
export interface FutexWaiter {
  readonly bitset: number;
  /** Where it waits now: FUTEX_REQUEUE moves it. */
  key: FutexKey;
  woken: boolean;
  wake(): void;
}

export interface FutexKey {
  /** The address space, or the shared object. */
  readonly object: object;
  readonly offset: number;
}

export class FutexTable {
  readonly #queues: WeakMap<object, Map<number, Set<FutexWaiter>>> = new WeakMap();

  add(waiter: FutexWaiter): void {
    const { object, offset } = waiter.key;
    let byOffset = this.#queues.get(object);
    if (byOffset === undefined) this.#queues.set(object, (byOffset = new Map()));
    let queue = byOffset.get(offset);
    if (queue === undefined) byOffset.set(offset, (queue = new Set()));
    queue.add(waiter);
  }

  remove(waiter: FutexWaiter): void {
    const { object, offset } = waiter.key;
    const byOffset = this.#queues.get(object);
    const queue = byOffset?.get(offset);
    if (queue?.delete(waiter) && queue.size === 0) byOffset?.delete(offset);
  }

  #waiters(key: FutexKey): Set<FutexWaiter> | undefined {
    return this.#queues.get(key.object)?.get(key.offset);
  }

  /** Wakes up to `count` waiters whose bitset has a bit in common; the number of those woken. */
  wake(key: FutexKey, count: number, bitset: number): number {
    let woken = 0;
    for (const waiter of [...(this.#waiters(key) ?? [])]) {
      if (woken >= count) break;
      if ((waiter.bitset & bitset) === 0) continue;
      this.remove(waiter);
      waiter.woken = true;
      waiter.wake();
      woken++;
    }
    return woken;
  }

  /** Moves up to `count` waiters to another futex; the number of those moved. */
  requeue(from: FutexKey, to: FutexKey, count: number): number {
    let moved = 0;
    for (const waiter of [...(this.#waiters(from) ?? [])]) {
      if (moved >= count) break;
      this.remove(waiter);
      waiter.key = to;
      this.add(waiter);
      moved++;
    }
    return moved;
  }
}
