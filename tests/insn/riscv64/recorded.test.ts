/** The interpreter against what was recorded of qemu-riscv64: see fingerprint.ts. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { casesOf, fingerprint } from "./fingerprint.ts";
import { Generator } from "./generate.ts";
import type { Outcome } from "./protocol.ts";
import { type Mode, Subject } from "./subject.ts";

const file = new URL("./fixtures/recorded.json", import.meta.url);
const recorded = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;

describe("riscv64 instructions", () => {
  const generator = new Generator();
  const mnemonics = Object.keys(recorded);

  it("are all recorded (npm run fixtures:insn:riscv64 does it)", () => {
    expect(mnemonics).toEqual([...new Set(generator.mnemonics)].sort());
  });

  it.each<Mode>(["interp", "brief", "jit"])("do what qemu did: %s", async (mode) => {
    const cases = mnemonics.map((mnemonic) => casesOf(generator, mnemonic));
    const outcomes = (await Subject.create(mode)).run(cases.flat());
    const actual: Record<string, string> = {};
    let at = 0;
    mnemonics.forEach((mnemonic, i) => {
      const count = (cases[i] as readonly unknown[]).length;
      actual[mnemonic] = fingerprint(outcomes.slice(at, at + count));
      at += count;
    });
    expect(actual).toEqual(recorded);
  });

  it("do the same with several in a handler as with one at a time", async () => {
    const cases = Array.from({ length: 4000 }, (_, i) => generator.make(11, i));
    const together = (await Subject.create("interp")).run(cases);
    const single = (await Subject.create("brief")).run(cases);
    cases.forEach((c, i) => {
      expect([c.name, fingerprint([together[i] as Outcome])]).toEqual([c.name, fingerprint([single[i] as Outcome])]);
    });
  });
});
