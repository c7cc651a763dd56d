/** The table of `strace -c`. */

interface Count {
  calls: number;
  errors: number;
  /** Nanoseconds. */
  time: number;
}

export type CountOrder = "time" | "calls" | "errors" | "name";

export class Counts {
  readonly #counts: Map<string, Count> = new Map();

  add(name: string, failed: boolean, nanoseconds: number): void {
    let count = this.#counts.get(name);
    if (count === undefined) {
      count = { calls: 0, errors: 0, time: 0 };
      this.#counts.set(name, count);
    }
    count.calls++;
    if (failed) count.errors++;
    count.time += nanoseconds;
  }

  format(order: CountOrder = "time"): string {
    const rule = "------ ----------- ----------- --------- --------- ----------------\n";
    let text = `% time     seconds  usecs/call     calls    errors syscall\n${rule}`;
    const rows = [...this.#counts];
    const by: Record<CountOrder, (a: [string, Count], b: [string, Count]) => number> = {
      time: (a, b) => b[1].time - a[1].time,
      calls: (a, b) => b[1].calls - a[1].calls,
      errors: (a, b) => b[1].errors - a[1].errors,
      name: (a, b) => (a[0] < b[0] ? -1 : 1),
    };
    rows.sort(by[order]);
    const total = { calls: 0, errors: 0, time: 0 };
    for (const [, c] of rows) {
      total.calls += c.calls;
      total.errors += c.errors;
      total.time += c.time;
    }
    for (const [name, c] of rows) text += row(name, c, total.time);
    return text + rule + row("total", total, total.time);
  }
}

function row(name: string, c: Count, totalTime: number): string {
  const share = totalTime === 0 ? 0 : (100 * c.time) / totalTime;
  const columns = [
    share.toFixed(2).padStart(6),
    (c.time / 1e9).toFixed(6).padStart(11),
    String(c.calls === 0 ? 0 : Math.floor(c.time / 1000 / c.calls)).padStart(11),
    String(c.calls).padStart(9),
    (c.errors === 0 ? "" : String(c.errors)).padStart(9),
  ];
  return `${columns.join(" ")} ${name}\n`;
}
