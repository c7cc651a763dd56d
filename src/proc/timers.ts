/** Deadlines of the kernel, on top of the host's timers: monotonic nanoseconds, never early. */
import type { Host } from "../host/interface.ts";

/** The host may not be able to count further than this (a browser's setTimeout takes 31 bits of milliseconds). */
const LONGEST_MS = 2 ** 31 - 1;

export class Timers {
  readonly #host: Host;
  readonly #now: () => number;

  constructor(host: Host, now: () => number) {
    this.#host = host;
    this.#now = now;
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
