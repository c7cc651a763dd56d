/** Deadlines of the kernel, on top of the host's timers: monotonic nanoseconds, never early. */
import type { Host } from "../host/interface.ts";

/** The host may not be able to count further than this (a browser's setTimeout takes 31 bits of milliseconds). */
const LONGEST_MS = 2 ** 31 - 1;

export class Timers {
  readonly #host: Host;
  readonly #now: () => number;
  readonly #moved: Set<(by: number) => void> = new Set();

  constructor(host: Host, now: () => number) {
    this.#host = host;
    this.#now = now;
  }

  /** The clock has been set ahead by so many nanoseconds: what waits for a time of day waits less. */
  clockSet(by: number): void {
    for (const moved of [...this.#moved]) moved(by);
  }

  /** Calls back when the clock is set. The returned function cancels. */
  whenSet(moved: (by: number) => void): () => void {
    this.#moved.add(moved);
    return () => this.#moved.delete(moved);
  }

  /** Calls back once `now()` has reached `deadline`. The returned function cancels. */
  at(deadline: number, callback: () => void): () => void {
    let cancelled = false;
    let cancelHost: () => void = () => {};
    const arm = (): void => {
      const ms = Math.min(Math.max(0, (deadline - this.#now()) / 1e6), LONGEST_MS);
      cancelHost = this.#host.timers.after(ms, () => {
        if (cancelled) return;
        if (this.#now() < deadline) arm();
        else {
          cancelled = true;
          callback();
        }
      });
    };
    arm();
    return () => {
      if (cancelled) return;
      cancelled = true;
      cancelHost();
    };
  }
}
