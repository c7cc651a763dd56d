/**
 * What a task sleeps on: a list of callbacks that are called, in order of arrival, when something may have changed.
 *
 * A wake-up is a hint, never a result: whoever is woken looks again. Files, pipes, sockets, child lists and futexes all
 * own wait queues; `proc/wait.ts` has the one blocking primitive on top of them.
 */
export class WaitQueue {
  readonly #waiters: Set<(events: number) => void> = new Set();

  get size(): number {
    return this.#waiters.size;
  }

  /** Registers `wake`; the returned function takes it off again (and may be called any number of times). */
  add(wake: (events: number) => void): () => void {
    const entry = (events: number): void => wake(events);
    this.#waiters.add(entry);
    return () => {
      this.#waiters.delete(entry);
    };
  }

  /**
   * Calls every waiter.
   * @param events poll bits (POLLIN, ...) that may have become true; 0 means unspecified.
   */
  wake(events = 0): void {
    const { size } = this.#waiters;
    if (size === 0) return;
    // Who is woken may leave, or others come.
    for (const waiter of size === 1 ? this.#waiters : [...this.#waiters]) {
      waiter(events);
      if (size === 1) return;
    }
  }
}
