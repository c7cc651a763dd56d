import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { SYSCALLS_DOC, syscallsDoc } from "../../scripts/generate-syscalls-doc.ts";
import { SYSCALLS_RISCV64 } from "../../src/abi/syscalls-riscv64.ts";
import { SYSCALLS_X86_64 } from "../../src/abi/syscalls-x86_64.ts";
import { SYSCALLS } from "../../src/syscalls/table.ts";

it("docs/syscalls.md says what is implemented (npm run generate:docs)", () => {
  expect(readFileSync(SYSCALLS_DOC, "utf8")).toBe(syscallsDoc());
});

it("every definition has a number on some architecture, and one definition only", () => {
  const names = SYSCALLS.map((definition) => definition.name);
  expect(names.filter((name) => SYSCALLS_X86_64[name] === undefined && SYSCALLS_RISCV64[name] === undefined)).toEqual(
    [],
  );
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});
