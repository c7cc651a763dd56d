/** The table of `strace -c`, as strace(1) lays it out. */

interface Count {
  readonly number: number;
  calls: number;
  errors: number;
  /** Nanoseconds: of all calls, of the shortest, of the longest. */
  time: number;
  least: number;
  most: number;
}

export type CountColumn =
  | "time-percent"
  | "total-time"
  | "min-time"
  | "max-time"
  | "avg-time"
  | "calls"
  | "errors"
  | "name";

/** "none": as they come, by their numbers. */
export type CountOrder = CountColumn | "none";

interface Column {
  readonly title: string;
  readonly width: number;
  readonly cell: (c: Count, totalTime: number) => string;
}

const seconds = (nanoseconds: number): string => (nanoseconds / 1e9).toFixed(6);
const average = (c: Count): number => (c.calls === 0 ? 0 : c.time / c.calls);

const COLUMNS: Readonly<Record<Exclude<CountColumn, "name">, Column>> = {
  "time-percent": {
    title: "% time",
    width: 6,
    cell: (c, total) => (total === 0 ? 0 : (100 * c.time) / total).toFixed(2),
  },
  "total-time": { title: "seconds", width: 11, cell: (c) => seconds(c.time) },
  "min-time": { title: "shortest", width: 8, cell: (c) => seconds(c.least) },
  "max-time": { title: "longest", width: 8, cell: (c) => seconds(c.most) },
  "avg-time": { title: "usecs/call", width: 11, cell: (c) => String(Math.floor(average(c) / 1000)) },
  calls: { title: "calls", width: 9, cell: (c) => String(c.calls) },
  errors: { title: "errors", width: 9, cell: (c) => (c.errors === 0 ? "" : String(c.errors)) },
};

export const DEFAULT_COLUMNS: readonly CountColumn[] = [
  "time-percent",
  "total-time",
  "avg-time",
  "calls",
  "errors",
  "name",
];

const NAME_WIDTH = 16;

/** The words of -S and -U, where a dash may also be an underscore. */
const WORDS: Readonly<Record<string, CountOrder>> = {
  time: "time-percent",
  "time-percent": "time-percent",
  "time-total": "total-time",
  "total-time": "total-time",
  "min-time": "min-time",
  "time-min": "min-time",
  shortest: "min-time",
  "max-time": "max-time",
  "time-max": "max-time",
  longest: "max-time",
  "avg-time": "avg-time",
  "time-avg": "avg-time",
  calls: "calls",
  count: "calls",
  error: "errors",
  errors: "errors",
  name: "name",
  syscall: "name",
  "syscall-name": "name",
  none: "none",
  nothing: "none",
};

/** What a word of -S means; undefined if it means nothing. */
export function parseOrder(word: string): CountOrder | undefined {
  return WORDS[word.replaceAll("_", "-")];
}

/** What -U lists, to which the name is added where it's missing; or the word that is wrong. */
export function parseColumns(text: string): readonly CountColumn[] | { readonly wrong: string } {
  const columns: CountColumn[] = [];
  for (const word of text.split(",")) {
    const column = parseOrder(word);
    if (column === undefined || column === "none" || columns.includes(column)) return { wrong: word };
    columns.push(column);
  }
  return columns.includes("name") ? columns : [...columns, "name"];
}

type Row = readonly [name: string, count: Count];

const ORDERS: Readonly<Record<CountOrder, (a: Row, b: Row) => number>> = {
  "time-percent": (a, b) => b[1].time - a[1].time,
  "total-time": (a, b) => b[1].time - a[1].time,
  "min-time": (a, b) => b[1].least - a[1].least,
  "max-time": (a, b) => b[1].most - a[1].most,
  "avg-time": (a, b) => average(b[1]) - average(a[1]),
  calls: (a, b) => b[1].calls - a[1].calls,
  errors: (a, b) => b[1].errors - a[1].errors,
  name: (a, b) => (a[0] < b[0] ? -1 : 1),
  none: () => 0,
};

export class Counts {
  readonly #counts: Map<string, Count> = new Map();

  /** @param number the call's: calls that are equal otherwise are in this order */
  add(number: number, name: string, failed: boolean, nanoseconds: number): void {
    let count = this.#counts.get(name);
    if (count === undefined) {
      count = { number, calls: 0, errors: 0, time: 0, least: nanoseconds, most: nanoseconds };
      this.#counts.set(name, count);
    }
    count.calls++;
    if (failed) count.errors++;
    count.time += nanoseconds;
    count.least = Math.min(count.least, nanoseconds);
    count.most = Math.max(count.most, nanoseconds);
  }

  format(order: CountOrder = "time-percent", columns: readonly CountColumn[] = DEFAULT_COLUMNS): string {
    const rows = [...this.#counts].sort((a, b) => a[1].number - b[1].number).sort(ORDERS[order]);
    const total = sum(rows.map(([, count]) => count));
    const last = columns.at(-1);
    const width = (column: CountColumn): number => (column === "name" ? NAME_WIDTH : COLUMNS[column].width);
    const line = (cell: (column: CountColumn) => string): string => {
      const cells = columns.map((column) => {
        const text = cell(column);
        if (column !== "name") return text.padStart(width(column));
        return column === last ? text : text.padEnd(width(column));
      });
      return `${cells.join(" ")}\n`;
    };
    const row = (name: string, c: Count): string =>
      line((column) => (column === "name" ? name : COLUMNS[column].cell(c, total.time)));
    const rule = line((column) => "-".repeat(width(column)));
    const head = line((column) => (column === "name" ? "syscall" : COLUMNS[column].title));
    // All of it is 100 percent of it, also where the clock has not moved.
    const foot = line((column) =>
      column === "name" ? "total" : column === "time-percent" ? "100.00" : COLUMNS[column].cell(total, total.time),
    );
    return head + rule + rows.map(([name, c]) => row(name, c)).join("") + rule + foot;
  }
}

function sum(counts: readonly Count[]): Count {
  return {
    number: 0,
    calls: counts.reduce((n, c) => n + c.calls, 0),
    errors: counts.reduce((n, c) => n + c.errors, 0),
    time: counts.reduce((n, c) => n + c.time, 0),
    least: counts.reduce((n, c) => Math.min(n, c.least), counts[0]?.least ?? 0),
    most: counts.reduce((n, c) => Math.max(n, c.most), 0),
  };
}
