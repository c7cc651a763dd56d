import { expect, it } from "vitest";
import { parseTable } from "../../src/cpu/isa/x86_64/table.ts";
import { lackingRows } from "./host-features.ts";
import { TABLES } from "./subjects.ts";

const rows = TABLES.flatMap((table) => parseTable(table));

it("leaves out what a CPU has not, and nothing else", () => {
  const none = lackingRows(rows, new Set());
  const names = (feature: string): string[] => (none.get(feature) ?? []).map((row) => row.mnemonic);
  expect(names("fma")).toHaveLength(60);
  expect(names("bmi2")).toContain("pdep");
  expect(names("avx2")).toContain("vpermd");
  expect(names("aes")).toContain("aesenc");
  const all = new Set([...none.values()].flat());
  for (const baseline of ["add", "addpd", "movups", "fld_i", "mmx_paddb"])
    expect(rows.filter((row) => row.mnemonic === baseline && row.opcode !== 0xf0 && all.has(row))).toEqual([]);
  expect(lackingRows(rows, new Set(none.keys())).size).toBe(0);
});

it("knows of every VEX encoding what it belongs to", () => {
  const lacking = new Set([...lackingRows(rows, new Set()).values()].flat());
  expect(rows.filter((row) => row.vex !== undefined && !lacking.has(row)).map((row) => row.mnemonic)).toEqual([]);
});
