/** Nanoseconds per system call, as the guest's own clock sees them (src/syscalls.c; syscalls.ts has more rows). */
import { join } from "node:path";
import type { Engine } from "./engines.ts";
import { binaries, measure } from "./measure.ts";
import type { Section } from "./section.ts";
import { table } from "./table.ts";
import type { Target } from "./targets.ts";

const ROWS: readonly {
  readonly name: string;
  readonly what: string;
  readonly calls: number;
  readonly limit: number;
}[] = [
  { name: "getppid", what: "getppid", calls: 1, limit: 150 },
  { name: "read-zero", what: "read of 1 byte, /dev/zero", calls: 1, limit: 400 },
  { name: "write-null", what: "write of 1 byte, /dev/null", calls: 1, limit: 400 },
  { name: "pipe-write-read", what: "write or read of 1 byte, pipe", calls: 2, limit: 400 },
];

/** The fastest of all rounds: what else the machine does only makes it slower. */
export function systemCalls(engines: readonly Engine[], ours: Engine, rounds: number, count: number): Section {
  const best = new Map(engines.map((engine) => [engine, new Map<string, number>()]));
  for (let round = 0; round < rounds; round++)
    for (const [engine, times] of best) {
      const args = [String(engine.slow ? count / 10 : count), ...ROWS.map(({ name }) => name)];
      const sample = measure(engine.command(join(binaries, "syscalls"), args), { env: engine.env, seconds: 120 });
      if (sample.status !== 0) continue;
      for (const line of new TextDecoder().decode(sample.output).trim().split("\n")) {
        const [name = "", value = ""] = line.split(" ");
        times.set(name, Math.min(times.get(name) ?? Number.POSITIVE_INFINITY, Number(value)));
      }
    }
  const each = (engine: Engine, { name, calls }: (typeof ROWS)[number]): number =>
    (best.get(engine)?.get(name) ?? Number.POSITIVE_INFINITY) / calls;
  const targets = ROWS.map(
    (row): Target => ({ what: `${row.what}, ${ours.name}`, value: each(ours, row), atMost: row.limit, unit: " ns" }),
  );
  return {
    title: "System calls, nanoseconds each",
    text: table(
      ["", ...engines.map(({ name }) => name), "at most"],
      ROWS.map((row) => [row.what, ...engines.map((engine) => each(engine, row).toFixed(0)), String(row.limit)]),
    ),
    targets,
    data: Object.fromEntries(
      engines.map((engine) => [engine.name, Object.fromEntries(ROWS.map((row) => [row.name, each(engine, row)]))]),
    ),
  };
}
