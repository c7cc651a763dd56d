/** Memory: what the host has to have resident for a program like SQLite, beside what the program itself has. */
import { join } from "node:path";
import type { Engine } from "./engines.ts";
import { binaries, measure } from "./measure.ts";
import { sql } from "./programs.ts";
import type { Section } from "./section.ts";
import { table } from "./table.ts";
import type { Target } from "./targets.ts";

const megabytes = (value: number): string => `${value.toFixed(1)} MB`;

/** A guest's resident size is what the same run has natively. */
export function memory(engine: Engine, native: Engine, rows: readonly number[]): Section {
  const lines: string[][] = [];
  const targets: Target[] = [];
  const data: unknown[] = [];
  for (const count of rows) {
    const [guest, host] = [native, engine].map((by) => {
      const sample = measure(by.command(join(binaries, "sqlite3"), sql(count), true), { env: by.env, seconds: 300 });
      return sample.status === 0 ? sample.resident : Number.POSITIVE_INFINITY;
    }) as [number, number];
    const atMost = 3 * guest + 80;
    lines.push([`sqlite, ${count} rows`, megabytes(guest), megabytes(host), megabytes(atMost)]);
    targets.push({ what: `resident size, sqlite with ${count} rows`, value: host, atMost, unit: " MB" });
    data.push({ rows: count, native: guest, host });
  }
  return {
    title: `Memory, ${engine.name}`,
    text: table(["", "native", "tsrcore", "3 x native + 80 MB"], lines),
    targets,
    data,
  };
}
