import { describe, expect, it } from "vitest";
import type { Cell, Row } from "./compare.ts";
import type { Engine } from "./engines.ts";
import type { Amount, Group } from "./programs.ts";
import { summary } from "./ratios.ts";
import { holds, report } from "./targets.ts";

const engine = (name: string, slow = false): Engine => ({
  name,
  own: name !== "native" && name !== "qemu",
  slow,
  command: () => [],
  env: {},
  binaries: "",
  idle: { wall: 0, cpu: 0 },
});
const cell = (name: string, wall: number, amount: Amount = "full", more: Partial<Cell> = {}): Cell => ({
  ...{ engine: name, amount, wall, cpu: 2 * wall, resident: 1, runs: [{ wall, cpu: 2 * wall }] },
  ...more,
});
const row = (name: string, cells: readonly Cell[], group: Group = "integer"): Row => ({
  ...{ name, group, cells, limits: { qemu: 1, native: 5 } },
});
const [native, qemu, jit] = [engine("native"), engine("qemu"), engine("jit")];
const engines = [native, qemu, jit];

describe("the table of programs", () => {
  it("is in units of native time, with geometric means", () => {
    const rows = [
      row("a", [cell("native", 100), cell("qemu", 400), cell("jit", 200)]),
      row("b", [cell("native", 100), cell("qemu", 900), cell("jit", 450)]),
    ];
    const { text, targets } = summary(rows, engines, jit, "wall");
    expect(text.split("\n")).toEqual([
      "| program            | native | qemu |  jit | jit : qemu |",
      "|--------------------|-------:|-----:|-----:|-----------:|",
      "| a                  | 100 ms | 4.00 | 2.00 |       0.50 |",
      "| b                  | 100 ms | 9.00 | 4.50 |       0.50 |",
      "| *integer*          |        | 6.00 | 3.00 |       0.50 |",
      "| **geometric mean** |        | 6.00 | 3.00 |       0.50 |",
    ]);
    expect(targets.filter((target) => !holds(target)).map(({ what }) => what)).toEqual([
      "geometric mean, jit : native",
    ]);
    expect(report(targets)).toBe("4 of 5 targets hold\n  geometric mean, jit : native: 3.00, at most 2.50");
  });

  it("compares an engine with native runs of the same work", () => {
    const slow = engine("interp", true);
    const rows = [row("a", [cell("native", 100), cell("interp", 200, "quick"), cell("native", 10, "quick")])];
    const { text } = summary(rows, [native, slow], slow, "wall");
    expect(text).toContain("| a                  | 100 ms |   20.0 |");
  });

  it("counts a failure as missed, and what the CPU lacks not at all", () => {
    const rows = [
      row("slow", [cell("native", 100), cell("qemu", 100), cell("jit", Number.NaN, "full", { failure: "> 60 s" })]),
      row("avx", [
        ...[cell("native", 100), cell("qemu", 100)],
        cell("jit", Number.NaN, "full", { failure: "skipped: no AVX", skipped: true }),
      ]),
    ];
    const { text, targets } = summary(rows, engines, jit, "cpu");
    expect(text).toContain("avx, jit: skipped: no AVX");
    expect(targets.map(({ what }) => what)).toEqual(["slow, jit : qemu", "slow, jit : native"]);
    expect(report(targets)).toContain("slow, jit : qemu: no result, at most 1.00");
  });
});
