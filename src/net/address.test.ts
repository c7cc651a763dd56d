import { describe, expect, it } from "vitest";
import { canonicalIp, formatIp, inPrefix, parseIp } from "./address.ts";

describe("addresses", () => {
  it.each([
    ["1.2.3.4", "1.2.3.4"],
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["fe80::1%eth0", "fe80::1"],
    ["1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a"],
    ["1.2.3", undefined],
    ["1.2.3.256", undefined],
    ["1::2::3", undefined],
    ["1:2:3:4:5:6:7:8:9", undefined],
    ["1:2:3:4:5:6:7::8", undefined],
    ["12345::", undefined],
    ["example", undefined],
  ])("%s is %s", (text, canonical) => {
    expect(canonicalIp(text)).toBe(canonical);
  });

  it("keeps every address through its text", () => {
    for (let i = 0; i < 200; i++) {
      const bytes = Uint8Array.from(
        { length: 16 },
        (_, k) => (((i * 2654435761) >>> (k % 24)) & (k % 3) ? k * i : 0) & 0xff,
      );
      bytes[0] = 0x20;
      expect(parseIp(formatIp(bytes))).toEqual(bytes);
    }
  });

  it("compares prefixes bit by bit", () => {
    const prefix = { bytes: parseIp("10.128.0.0") as Uint8Array, bits: 9 };
    expect(
      ["10.128.0.1", "10.255.1.1", "10.127.255.255", "11.128.0.0", "::1"].map((ip) => inPrefix(ip, prefix)),
    ).toEqual([true, true, false, false, false]);
  });
});
