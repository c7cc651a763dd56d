/**
 * Load averages, as /proc/loadavg and sysinfo(2) have them. Linux samples the number of runnable tasks every five seconds;
 * here the time that tasks were runnable is integrated whenever it changes, which needs no timer.
 */

const PERIODS = [60e9, 300e9, 900e9] as const;

export class LoadAverage {
  readonly #averages: [number, number, number] = [0, 0, 0];
  #runnable = 0;
  #since = 0;

  /** From `now` (monotonic nanoseconds) on, this many tasks can run. */
  update(now: number, runnable: number): void {
    const elapsed = now - this.#since;
    if (elapsed > 0) {
      PERIODS.forEach((period, i) => {
        const decay = Math.exp(-elapsed / period);
        this.#averages[i] = (this.#averages[i] as number) * decay + this.#runnable * (1 - decay);
      });
      this.#since = now;
    }
    this.#runnable = runnable;
  }

  /** Over one, five and fifteen minutes. */
  averages(now: number): readonly [number, number, number] {
    this.update(now, this.#runnable);
    return this.#averages;
  }
}
