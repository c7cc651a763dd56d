/**
 * The programs of the table: what is run, with how much work, and what is demanded of each.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bench, build } from "./measure.ts";
import { text } from "./text.ts";

export type Group = "integer" | "floating point" | "vectors" | "80 bits" | "mixed" | "cold code";

/** How much a program does: `full` takes about a second natively, so that what it measures is not warming up; `quick` some hundredths. */
export type Amount = "full" | "quick";

export interface Program {
  readonly name: string;
  readonly group: Group;
  /** The binary, in build/bin. */
  readonly binary: string;
  args(amount: Amount): readonly string[];
  /** It reads files of bench/, which the guest has to see. */
  readonly files?: boolean;
  /** Most time in units of qemu's and of native time; a row that has no limit of its own has 1 and 5. */
  readonly qemu?: number;
  readonly native?: number;
}

function program(
  group: Group,
  name: string,
  full: string,
  quick: string,
  more: Partial<Pick<Program, "binary" | "qemu" | "native">> = {},
): Program {
  return { name, group, binary: name, args: (amount) => (amount === "full" ? full : quick).split(" "), ...more };
}

/** Of a floating-point row it is demanded that it be at most so much slower than native. */
const floating = { native: 2.5 } as const;

/** A file of so many megabytes of text, in build/: made when first asked for. */
function textFile(megabytes: number): string {
  const file = join(build, `text-${megabytes}`);
  if (!existsSync(file)) writeFileSync(file, text(megabytes));
  return file;
}

/** Such a file compressed, by Node's zlib, which is always there. */
function compressed(megabytes: number): string {
  const file = join(build, `text-${megabytes}.gz`);
  if (!existsSync(file)) writeFileSync(file, gzipSync(text(megabytes)));
  return file;
}

const megabytes = (amount: Amount): number => (amount === "full" ? 40 : 1);

export const programs: readonly Program[] = [
  program("integer", "coremark", "32000", "800"),
  program("integer", "qsort", "1600000", "50000"),
  program("integer", "sieve", "5000000 160", "5000000 4"),
  program("integer", "sha256", "400000000", "10000000"),
  program("integer", "fib", "42", "35"),
  // Bound by memory: the same for everybody, so the engines can differ by the noise only.
  program("integer", "chase", "8000000", "400000", { qemu: 1.05 }),
  program("integer", "trees", "19", "15"),
  program("integer", "bytecode", "40", "1"),
  program("integer", "malloc", "24000000", "600000"),
  program("floating point", "nbody", "12000000", "300000", floating),
  program("floating point", "spectral", "5600", "880", floating),
  program("floating point", "matrix", "1600", "464", floating),
  program("floating point", "mandelbrot", "3800", "600", floating),
  program("vectors", "memcpy", "memcpy 1200", "memcpy 30", { binary: "strings" }),
  program("vectors", "strlen", "strlen 4800", "strlen 120", { binary: "strings" }),
  program("vectors", "memchr", "memchr 4800", "memchr 120", { binary: "strings" }),
  program("vectors", "sse2", "160000", "4000"),
  // Built on FMA, which WebAssembly has not: it only has to beat qemu.
  program("vectors", "avx2", "80000", "2000", { native: Number.POSITIVE_INFINITY }),
  program("80 bits", "decimal", "2400000", "60000"),
  {
    name: "lua",
    group: "mixed",
    binary: "lua",
    args: (amount) => [join(bench, "mix.lua"), amount === "full" ? "64" : "2"],
    files: true,
  },
  {
    name: "sqlite",
    group: "mixed",
    binary: "sqlite3",
    args: (amount) => sql(amount === "full" ? 180_000 : 5000),
    files: true,
  },
  {
    name: "gzip",
    group: "mixed",
    binary: "gzip",
    args: (amount) => ["-6nc", textFile(megabytes(amount))],
    files: true,
  },
  {
    name: "gunzip",
    group: "mixed",
    binary: "gzip",
    args: (amount) => ["-dc", compressed(5 * megabytes(amount))],
    files: true,
  },
  // The number of passes; 50,000 blocks.
  program("cold code", "blocks", "20", "20", { native: Number.POSITIVE_INFINITY }),
];

/** SQLite's shell with mix.sql on so many rows. */
export function sql(rows: number): readonly string[] {
  return [
    ...["-cmd", "create table work(rows)", "-cmd", `insert into work values(${rows})`],
    ...["-bail", ":memory:", `.read ${join(bench, "mix.sql")}`],
  ];
}
