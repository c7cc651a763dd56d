import { describe, expect, it } from "vitest";
import { ModuleBuilder } from "../../wasm/module.ts";
import { sse } from "./sse.ts";
import { formsOf, parseTable } from "./table.ts";

describe("the SSE family", () => {
  it("has a definition for every mnemonic of its table, and no other", () => {
    const rows = parseTable(sse.table);
    const definitions = sse.define(new ModuleBuilder(), {});
    const mnemonics = rows.flatMap(formsOf).map((form) => form.split(":")[0]);
    expect(new Set(mnemonics)).toEqual(new Set(Object.keys(definitions)));
    expect(rows.flatMap(formsOf).length).toBeGreaterThan(250);
  });

  it("adds helper functions that are valid WebAssembly", () => {
    const module = new ModuleBuilder();
    module.importMemory("host", "memory", 1, 65536);
    sse.define(module, {});
    expect(WebAssembly.validate(module.encode())).toBe(true);
  });
});
