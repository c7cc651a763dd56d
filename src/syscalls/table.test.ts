import { expect, it } from "vitest";
import { SYSCALLS_RISCV64 } from "../abi/syscalls-riscv64.ts";
import { SYSCALLS_X86_64 } from "../abi/syscalls-x86_64.ts";
import { SYSCALLS, syscallTable } from "./table.ts";

const architectures = { x86_64: SYSCALLS_X86_64, riscv64: SYSCALLS_RISCV64 };

it("has a number for every definition", () => {
  for (const { name } of SYSCALLS) {
    expect(
      Object.values(architectures).some((numbers) => numbers[name] !== undefined),
      name,
    ).toBe(true);
  }
});

it.each(Object.entries(architectures))("puts each call of %s at its number, once", (_name, numbers) => {
  const table = syscallTable(numbers);
  const names = table.filter((d) => d !== undefined).map((d) => d.name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(table[numbers[name] as number]?.name).toBe(name);
});

it("refuses a call that is defined twice", () => {
  const [first] = SYSCALLS;
  if (first === undefined) throw new Error("no system calls");
  expect(() => syscallTable(SYSCALLS_X86_64, [first, first])).toThrow("defined twice");
});

it("takes no more arguments than there are registers, and says what is missing", () => {
  for (const definition of SYSCALLS) {
    expect(definition.args.length, definition.name).toBeLessThanOrEqual(6);
    expect(definition.partial, definition.name).not.toBe("");
  }
});
