import { expect, it } from "vitest";
import { cpuinfoText } from "./cpuinfo.ts";

it("has the fields that programs look for, each with a value", () => {
  const fields = new Map(
    cpuinfoText()
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("power management"))
      .map((line) => line.split(/\s*: /) as [string, string]),
  );
  for (const [name, value] of fields) expect(value, name).not.toBe("");
  expect(fields.get("flags")?.split(" ")).toContain("sse2");
  // Of the third level, not of what the first leaf before it says: PyPy chooses the size of its nursery by it.
  expect(fields.get("cache size")).toBe("8192 KB");
});
