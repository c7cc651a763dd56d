import { describe, expect, it } from "vitest";
import { quote } from "./quote.ts";

describe("quote", () => {
  // Each as strace 6.1 prints it.
  it("escapes as strace does", () => {
    expect(quote('text\n\t\r\v\f"\\')).toBe('"text\\n\\t\\r\\v\\f\\"\\\\"');
    expect(quote(Uint8Array.of(1, 7, 8, 27, 127, 255))).toBe('"\\1\\7\\10\\33\\177\\377"');
    expect(quote(Uint8Array.of(1, 0x33, 1, 0x38, 0))).toBe('"\\0013\\18\\0"');
  });

  it("in hexadecimal", () => {
    expect(quote("a/", "all")).toBe('"\\x61\\x2f"');
    expect(quote("a\n", "odd")).toBe('"a\\n"');
    expect(quote(Uint8Array.of(0x61, 1), "odd")).toBe('"\\x61\\x01"');
  });
});
