/** What the real CPU has not, and so cannot be compared with: by its flags in /proc/cpuinfo. */
import { readFileSync } from "node:fs";
import { aesTable } from "../../src/cpu/isa/x86_64/aes.ts";
import { avxTable } from "../../src/cpu/isa/x86_64/avx-table.ts";
import { f16cTable } from "../../src/cpu/isa/x86_64/f16c.ts";
import { fmaTable } from "../../src/cpu/isa/x86_64/fma.ts";
import { pclmulTable } from "../../src/cpu/isa/x86_64/pclmul.ts";
import { shaTable } from "../../src/cpu/isa/x86_64/sha.ts";
import { sse3Table } from "../../src/cpu/isa/x86_64/sse3.ts";
import { sse4Table } from "../../src/cpu/isa/x86_64/sse4.ts";
import { crcTable } from "../../src/cpu/isa/x86_64/sse4-crc.ts";
import { sse4FloatTable } from "../../src/cpu/isa/x86_64/sse4-float.ts";
import { stringTable } from "../../src/cpu/isa/x86_64/sse4-strings.ts";
import { ssse3Table } from "../../src/cpu/isa/x86_64/ssse3.ts";
import { parseTable, type Row } from "../../src/cpu/isa/x86_64/table.ts";
import { rowKey } from "./fingerprint.ts";

/** Linux's name of the feature, and the table. Of AVX's all rows count as AVX2's: no CPU of interest has only the first. */
const TABLES: readonly (readonly [feature: string, table: string])[] = [
  ["pni", sse3Table],
  ["ssse3", ssse3Table],
  ["sse4_1", sse4Table],
  ["sse4_1", sse4FloatTable],
  ["sse4_2", stringTable],
  ["sse4_2", crcTable],
  ["aes", aesTable],
  ["pclmulqdq", pclmulTable],
  ["sha_ni", shaTable],
  ["avx2", avxTable],
  ["f16c", f16cTable],
  ["fma", fmaTable],
];

const MNEMONICS: Readonly<Record<string, readonly string[]>> = {
  abm: ["lzcnt"],
  adx: ["adcx", "adox"],
  bmi1: ["andn", "bextr", "blsi", "blsmsk", "blsr", "tzcnt"],
  bmi2: ["bzhi", "mulx", "pdep", "pext", "rorx", "sarx", "shlx", "shrx"],
  cx16: ["cmpxchg16b"],
  fsgsbase: ["rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase"],
  lahf_lm: ["lahf", "sahf"],
  movbe: ["movbe"],
  pni: ["fisttp"],
  popcnt: ["popcnt"],
};

/** The flags of the first processor; empty where there is no such file. */
export function hostFlags(): ReadonlySet<string> {
  const line = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"));
  return new Set((line?.[1] ?? "").trim().split(/\s+/));
}

/** Of the rows, those that a CPU with these flags has not, by the feature that they belong to. */
export function lackingRows(rows: readonly Row[], flags: ReadonlySet<string>): ReadonlyMap<string, readonly Row[]> {
  const featureOf = new Map<string, string>();
  for (const [feature, table] of TABLES) for (const row of parseTable(table)) featureOf.set(rowKey(row), feature);
  const byMnemonic = new Map(Object.entries(MNEMONICS).flatMap(([feature, names]) => names.map((n) => [n, feature])));
  const lacking = new Map<string, Row[]>();
  for (const row of rows) {
    const feature = featureOf.get(rowKey(row)) ?? byMnemonic.get(row.mnemonic);
    if (feature === undefined || flags.has(feature)) continue;
    lacking.set(feature, [...(lacking.get(feature) ?? []), row]);
  }
  return lacking;
}

/** The rows to leave out on this machine; says so, feature by feature. */
export function withoutLacking(rows: readonly Row[], print: (line: string) => void): ReadonlySet<string> {
  const lacking = lackingRows(rows, hostFlags());
  for (const [feature, list] of lacking)
    print(`the real CPU has no ${feature}: ${list.length} encodings are not compared`);
  return new Set([...lacking.values()].flat().map(rowKey));
}
