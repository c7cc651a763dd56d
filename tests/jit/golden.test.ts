/**
 * What the translator makes of small pieces of code, as WebAssembly text in golden/: so that a change of it is looked at.
 * `npx vitest run tests/jit -u` accepts what it makes now. That it is right is for other tests (engines.test.ts here, tests/insn).
 */
import { beforeAll, describe, expect, it } from "vitest";
import { InterpEngine } from "../../src/cpu/interp/engine.ts";
import { generateModule } from "../../src/cpu/interp/generate.ts";
import { TEXT_OPTIONS } from "../../src/cpu/jit/dump.ts";
import { link } from "../../src/cpu/jit/names.ts";
import type { Region } from "../../src/cpu/jit/region.ts";
import { Translator } from "../../src/cpu/jit/translator.ts";
import { functionTexts } from "../../src/cpu/wasm/text.ts";
import { GuestMemory } from "../../src/mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../src/mm/layout.ts";
import { BASE, bytesOf, type Sample, samples } from "./regions.ts";

const memory = new GuestMemory();
/** Slots of the interpreter's functions: of their names alone, so that others do not change them. */
const slots: Record<string, number> = {};
let translator: Translator;

beforeAll(() => {
  const { lines, functions } = new InterpEngine({ module: generateModule() });
  for (const name of Object.keys(functions)) slots[name] = numberOf(name);
  translator = new Translator("x86_64", lines, slots, { stubSlot: slots["region_stub"] as number });
});

/** FNV-1a. */
function numberOf(name: string): number {
  let hash = 0x811c_9dc5;
  for (const c of name) hash = Math.imul(hash ^ (c.codePointAt(0) as number), 0x0100_0193);
  return hash >>> 2;
}

function regionsOf(sample: Sample): Region[] {
  const code = bytesOf(sample);
  memory.u8.fill(0xcc, BASE, BASE + 0x100);
  memory.u8.set(code, BASE);
  memory.pages[BASE >>> PAGE_SHIFT] = PageBits.Present | PageBits.Read | PageBits.Exec;
  const finder = translator.finder(memory);
  const targets = (): number[] => (sample.targets ?? []).map((at) => BASE + at);
  const expected = (): number[] => (sample.expected ?? []).map((at) => BASE + at);
  const find = (entry: number): Region => finder.find(entry, { instructions: 100, targets, expected }) as Region;
  const first = find(BASE);
  return [first, ...first.callees.filter((callee) => callee !== BASE).map(find)];
}

function textOf(sample: Sample): string {
  const regions = regionsOf(sample);
  const unlinked = translator.translate(regions, { framed: () => true, lean: () => true, exact: false });
  // Slots are told apart by where their regions are.
  const bytes = link(unlinked, { slotOf: (rip) => rip, targetsOf: () => 0 });
  expect(WebAssembly.validate(bytes)).toBe(true);
  const code = functionTexts(bytes, TEXT_OPTIONS).map(({ text }) => text);
  const named = Object.entries(slots).reduce(
    (text, [name, slot]) => text.replaceAll(`(i32.const ${slot})`, `(i32.const ${slot} (; ${name} ;))`),
    code.join("\n"),
  );
  return `;; ${sample.source.replaceAll("; ", "\n;; ")}\n${named}\n`;
}

describe("translated code", () => {
  it.each(samples.map((sample) => [sample.name, sample] as const))("of %s", async (name, sample) => {
    await expect(textOf(sample)).toMatchFileSnapshot(`golden/${name}.wat`);
  });

  it("depends on the guest's code alone", () => {
    for (const sample of samples) expect(textOf(sample)).toBe(textOf(sample));
  });
});
