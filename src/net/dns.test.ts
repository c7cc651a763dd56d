import { describe, expect, it } from "vitest";
import { parseIp } from "./address.ts";
import { addressesIn, questionOf, refusalOf } from "./dns.ts";

/** A question for A of a name, and an answer with records of the given types. */
function question(name: string): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...[...label].map((c) => c.charCodeAt(0))]);
  return Uint8Array.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
}

function answer(name: string, ips: readonly string[]): Uint8Array {
  const message = [...question(name)];
  message[2] = 0x81;
  message[7] = ips.length + 1;
  // An alias first, as a content network has it.
  message.push(0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, 120, 0xc0, 12);
  for (const ip of ips) {
    const bytes = parseIp(ip) as Uint8Array;
    message.push(0xc0, 12, 0, bytes.length === 4 ? 1 : 28, 0, 1, 0, 0, 0, 60, 0, bytes.length, ...bytes);
  }
  return Uint8Array.from(message);
}

describe("messages of name servers", () => {
  it("finds names and addresses", () => {
    expect(questionOf(question("Example.COM"))).toBe("example.com");
    expect(questionOf(question("example.com").subarray(0, 20))).toBeUndefined();
    expect(addressesIn(answer("example.com", ["192.0.2.1", "2001:db8::1"]))).toEqual(["192.0.2.1", "2001:db8::1"]);
    expect(addressesIn(question("example.com"))).toEqual([]);
    const refused = refusalOf(question("a.b"));
    expect([refused[2], refused[3], refused.length]).toEqual([0x81, 0x83, question("a.b").length]);
  });

  it("survives whatever comes", () => {
    const whole = answer("example.com", ["192.0.2.1"]);
    for (let length = 0; length <= whole.length; length++) {
      addressesIn(whole.subarray(0, length));
      questionOf(whole.subarray(0, length));
      refusalOf(whole.subarray(0, length));
    }
    // A label with a dot in it would be taken for two.
    const odd = question("axb.com");
    odd[14] = 0x2e;
    expect(questionOf(odd)).toBeUndefined();
  });
});
