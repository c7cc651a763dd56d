import { describe, expect, it } from "vitest";
import { isPublic, NetworkPolicy, parseRule } from "./policy.ts";

describe("rules", () => {
  it.each([
    ["example.com", "example.com", undefined],
    ["Example.com:443", "example.com", 443],
    ["*.example.com:80", ".example.com", 80],
    ["192.0.2.1:80", undefined, 80],
    ["192.0.2.0/24", undefined, undefined],
    ["[2001:db8::1]:80", undefined, 80],
    ["2001:db8::/32", undefined, undefined],
  ])("reads %s", (text, name, port) => {
    expect(parseRule(text)).toMatchObject({ name, port });
  });

  it.each([
    "",
    ":80",
    "1.2.3.4/33",
    "1.2.3.4:0",
    "1.2.3.4:70000",
    "a b",
    "http://x",
    "1.2.3",
    "[::1",
    "[x]:1",
    "a..b",
    "*",
  ])("does not take %j", (text) => {
    expect(parseRule(text)).toBeUndefined();
  });

  const policy = (...rules: readonly string[]): NetworkPolicy =>
    new NetworkPolicy(rules.map((text) => parseRule(text) as NonNullable<ReturnType<typeof parseRule>>));

  it("allows what they say and nothing else", () => {
    expect(policy().allows({ ip: "192.0.2.1", port: 1 })).toBe(true);
    const p = policy("192.0.2.0/24:80", "2001:db8::/32", "198.51.100.7");
    const allowed = (ip: string, port: number): boolean => p.allows({ ip, port });
    expect([allowed("192.0.2.9", 80), allowed("192.0.2.9", 81), allowed("192.0.3.9", 80)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([allowed("2001:db8:1::", 5), allowed("2001:db9::", 5)]).toEqual([true, false]);
    expect([allowed("198.51.100.7", 1), allowed("198.51.100.8", 1)]).toEqual([true, false]);
    expect([p.allowsExactly({ ip: "198.51.100.7", port: 1 }), p.allowsExactly({ ip: "192.0.2.9", port: 80 })]).toEqual([
      true,
      false,
    ]);
  });

  it("learns addresses from answers, for the ports of the rule", () => {
    const p = policy("example.com:443", "*.example.org");
    expect(
      ["example.com", "EXAMPLE.com", "www.example.com", "a.b.example.org", "example.org"].map((n) => p.allowsName(n)),
    ).toEqual([true, true, false, true, false]);
    expect(p.allows({ ip: "93.184.216.34", port: 443 })).toBe(false);
    p.learn("example.com", ["93.184.216.34"]);
    p.learn("evil.test", ["93.184.216.35"]);
    expect([443, 80].map((port) => p.allows({ ip: "93.184.216.34", port }))).toEqual([true, false]);
    expect(p.allows({ ip: "93.184.216.35", port: 443 })).toBe(false);
  });

  it("does not let a name point inside", () => {
    const p = policy("example.com");
    const inside = [
      "127.0.0.1",
      "10.0.2.2",
      "169.254.169.254",
      "192.168.1.1",
      "::1",
      "fd00::1",
      "fe80::1",
      "64:ff9b::a00:1",
    ];
    p.learn("example.com", inside);
    expect(inside.filter((ip) => p.allows({ ip, port: 80 }))).toEqual([]);
    expect(["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"].map(isPublic)).toEqual([true, true, true]);
  });
});
