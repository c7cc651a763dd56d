import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeBytes, encodeBytes } from "./bytes.ts";

it("keeps every byte string", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(encodeBytes(decodeBytes(bytes))).toEqual(bytes);
    }),
  );
});

it("reads valid UTF-8 as TextDecoder does", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const bytes = new TextEncoder().encode(text);
      expect(decodeBytes(bytes)).toBe(new TextDecoder().decode(bytes));
    }),
  );
});

it("does not join escaped bytes into a character", () => {
  const overlong = Uint8Array.of(0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xff);
  expect(encodeBytes(decodeBytes(overlong))).toEqual(overlong);
});
