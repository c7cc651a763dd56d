import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { CodeStore } from "../../host/interface.ts";
import { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import { Trap } from "../core.ts";
import { generateModule } from "../interp/generate.ts";
import { registers } from "../isa/x86_64/arch.ts";
import { GPR } from "../isa/x86_64/context.ts";
import { Reg } from "../isa/x86_64/sem.ts";
import { i32 } from "../wasm/expr.ts";
import { ModuleBuilder, marked } from "../wasm/module.ts";
import { withSection } from "../wasm/section.ts";
import { JitEngine } from "./engine.ts";
import { link, slotMark, targetsMark } from "./names.ts";
import type { Translated } from "./translated.ts";
import { Translator } from "./translator.ts";

const CODE = 0x10000;
const CALLEE = 0x11000;
const STACK = 0x20000;
const ROUNDS = 200_000;

/**
 * mov ecx,ROUNDS; xor eax,eax; l: mov edx,20; k: dec edx; jnz k; call CALLEE; dec ecx; jnz l; syscall. The inner loop is where samples
 * fall, so that the callee is translated with the caller and not on its own.
 */
const CALLER = "b9 40 0d 03 00 31 c0 ba 14 00 00 00 ff ca 75 fc e8 eb 0f 00 00 ff c9 75 ee 0f 05";
/** Too long to become part of its caller: nop...; add eax,ecx; ret */
const NOPS = "90".repeat(100);
const ADD = `${NOPS} 01 c8 c3`;
const SUBTRACT = `${NOPS} 29 c8 c3`;
const SUM = BigInt.asUintN(32, (BigInt(ROUNDS) * BigInt(ROUNDS + 1)) / 2n);

const module = generateModule();

/** A disk, as far as the engine knows. */
class Store implements CodeStore {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  writes = 0;
  digest(parts: readonly Uint8Array[]): string {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    return hash.digest("hex");
  }
  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    return this.files.get(name)?.slice();
  }
  write(name: string, content: Uint8Array): void {
    this.writes++;
    this.files.set(name, content.slice());
  }
  trim(): void {}
}

interface Run {
  readonly callee?: string;
  readonly module?: Uint8Array<ArrayBuffer>;
  /** Where in the table the regions are, compared with other runs. */
  readonly shift?: number;
  /** There is no translator. */
  readonly without?: boolean;
}

let store: Store;
let lines: string[];
beforeEach(() => {
  store = new Store();
  lines = [];
});

/** One run from start to end, in an engine of its own. */
async function run(options: Run = {}): Promise<{ engine: JitEngine; memory: GuestMemory; sum: bigint }> {
  const load = async (): Promise<{ Translator: typeof Translator }> => {
    if (options.without) throw new Error("there is none");
    return { Translator };
  };
  const engine = new JitEngine({ module: options.module ?? module, load, store, log: (line) => lines.push(line) });
  if (!options.without) await engine.loadTranslator();
  for (let i = 0; i < (options.shift ?? 0); i++) engine.slotOf(0x70_0000 + i);
  const memory = new GuestMemory();
  const core = engine.attach(memory);
  registers.reset(memory.context);
  const { Present, Read, Write, Exec } = PageBits;
  memory.pages.fill(Present | Read | Exec, CODE >>> PAGE_SHIFT, (CODE >>> PAGE_SHIFT) + 2);
  memory.pages.fill(Present | Read | Write, STACK >>> PAGE_SHIFT, (STACK >>> PAGE_SHIFT) + 1);
  memory.u8.set(Buffer.from(CALLER.replaceAll(" ", ""), "hex"), CODE);
  memory.u8.set(Buffer.from((options.callee ?? ADD).replaceAll(" ", ""), "hex"), CALLEE);
  memory.context.setBigInt64(GPR + Reg.rsp * 8, BigInt(STACK + 0x800), true);
  registers.setPc(memory.context, CODE);
  let trap = core.run(100_000);
  while (trap === Trap.Fuel) trap = core.run(100_000);
  expect(trap).toBe(Trap.Syscall);
  engine.save();
  return { engine, memory, sum: memory.context.getBigInt64(GPR + Reg.rax * 8, true) };
}

describe("translations of another run", () => {
  it("are used, and nothing is translated again", async () => {
    const first = await run();
    expect(first.sum).toBe(SUM);
    expect(first.engine.statistics.modules).toBeGreaterThan(0);
    const { writes } = store;
    expect(writes).toBeGreaterThan(0);
    const second = await run({ without: true, shift: 100 });
    expect(second.sum).toBe(SUM);
    const { modules, loaded, entered } = second.engine.statistics;
    expect(modules).toBe(0);
    expect(loaded).toBeGreaterThan(0);
    expect(entered).toBeGreaterThan(0);
    // There was no news.
    expect(store.writes).toBe(writes);
    expect(lines).toEqual([]);
  });

  it("are found from each page that they begin in", async () => {
    const { memory } = await run();
    const engine = new JitEngine({ module, load: async () => ({ Translator }), store });
    expect(engine.known(CALLEE, memory, false)).toBeUndefined();
    engine.load(CALLEE, memory);
    const { entries } = engine.known(CALLEE, memory, false) as Translated;
    expect(entries.map((rip) => rip >>> PAGE_SHIFT)).toEqual([CODE >>> PAGE_SHIFT, CALLEE >>> PAGE_SHIFT]);
  });

  it("are not used if the page is another", async () => {
    await run({ callee: SUBTRACT });
    store.files.clear();
    await run();
    const { size } = store.files;
    const { engine, sum } = await run({ callee: SUBTRACT });
    expect(sum).toBe(BigInt.asUintN(32, -SUM));
    expect(engine.statistics.modules).toBeGreaterThan(0);
    // The pages of the two callees have a file each, if anything begins in them.
    expect(store.files.size).toBeGreaterThanOrEqual(size);
    // Both are there now.
    expect((await run({ without: true })).sum).toBe(SUM);
    expect((await run({ without: true, callee: SUBTRACT })).engine.statistics.modules).toBe(0);
  });

  it("are not used by another version", async () => {
    await run();
    const other = withSection(module, "version", new Uint8Array([2]));
    const { engine, sum } = await run({ module: other });
    expect(sum).toBe(SUM);
    expect(engine.statistics.loaded).toBe(0);
    expect(engine.statistics.modules).toBeGreaterThan(0);
  });

  it.each<[string, (content: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>]>([
    ["empty", () => new Uint8Array(0)],
    ["cut off", (content) => content.slice(0, -1)],
    ["cut off in its directory", (content) => content.slice(0, 20)],
    ["of a length that is wrong", (content) => content.fill(0xff, 0, 4)],
    ["no directory", (content) => content.fill(0x20, 4, 40)],
  ])("that are %s are replaced", async (_, damage) => {
    await run();
    for (const [name, content] of store.files) store.files.set(name, damage(content.slice()));
    const { engine, sum } = await run();
    expect(sum).toBe(SUM);
    expect(engine.statistics.loaded).toBe(0);
    expect(engine.statistics.modules).toBeGreaterThan(0);
    expect((await run({ without: true })).engine.statistics.loaded).toBeGreaterThan(0);
  });

  it("that are no modules are translated again", async () => {
    await run();
    for (const content of store.files.values()) {
      const at = Buffer.from(content.buffer).indexOf("\0asm");
      if (at >= 0) content.fill(0xff, at, at + 8);
    }
    const { engine, sum } = await run();
    expect(sum).toBe(SUM);
    expect(engine.statistics.loaded).toBe(0);
    expect(engine.statistics.modules).toBeGreaterThan(0);
    expect(lines.join()).toContain("a translation of another run's is of no use");
    expect((await run({ without: true })).engine.statistics.loaded).toBeGreaterThan(0);
  });
});

describe("what is different from run to run", () => {
  it("is filled in when a module is linked", () => {
    const m = new ModuleBuilder();
    const sum = m.func("sum", [], ["i32"], (f) =>
      f.return(i32.sub(marked(slotMark(0x401170)), marked(targetsMark(0xfbff_f123)))),
    );
    m.exportFunction("sum", sum);
    const unlinked = m.encodeMarked();
    const value = (slot: number, targets: number): number => {
      const bytes = link(unlinked, {
        slotOf: (rip) => (rip === 0x401170 ? slot : 0),
        targetsOf: (rip) => (rip === 0xfbff_f123 ? targets : 0),
      });
      return (new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports["sum"] as () => number)();
    };
    for (const [slot, targets] of [
      [0, 0],
      [63, 64],
      [1234, 0xa2_1000],
      [0x7fff_ffff, 1],
      [-1, -0x8000_0000],
    ] as const)
      expect(value(slot, targets)).toBe((slot - targets) | 0);
    expect(new WebAssembly.Module(unlinked.bytes)).toBeDefined();
  });
});
