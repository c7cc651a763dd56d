import * as fs from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { setFlagsFromString } from "node:v8";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { CodeStore } from "../interface.ts";
import { openCodeStore } from "./code-store.ts";
import { KeptCode } from "./kept-code.ts";
import { ScriptLoader } from "./script-loader.ts";
import { V8Flags } from "./v8-flags.ts";

let base: string;
let scripts: string;
// Else V8 would remember what it has just compiled in this process.
beforeAll(() => setFlagsFromString("--no-compilation-cache"));
beforeEach(() => {
  base = fs.mkdtempSync(path.join(tmpdir(), "script-loader-"));
  scripts = path.join(base, "scripts");
  fs.mkdirSync(scripts);
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(base, { recursive: true });
});

const write = (name: string, source: string): void => fs.writeFileSync(path.join(scripts, name), source);
/** What has been written to it, by name. */
const open = (): CodeStore & { readonly written: string[] } => {
  const store = openCodeStore({ directory: path.join(base, "store") }) as CodeStore;
  const written: string[] = [];
  return {
    written,
    digest: (parts) => store.digest(parts),
    read: (name) => store.read(name),
    write: (name, content) => {
      written.push(name);
      store.write(name, content);
    },
    trim: () => store.trim(),
  };
};
const files = (): string[] => fs.readdirSync(path.join(base, "store")).map((name) => path.join(base, "store", name));
/** Loads a script as a run would that has lasted so many milliseconds by its end. What it exports, and how much it leaves. */
function run(lasted = 100, flags: V8Flags = new V8Flags()): { exports: unknown; written: number } {
  const store = open();
  const loader = new ScriptLoader(scripts, new KeptCode(store, flags));
  const exports = loader.load("main.cjs");
  vi.spyOn(performance, "now").mockReturnValue(lasted);
  loader.save();
  return { exports, written: store.written.length };
}

describe("the loader of scripts", () => {
  it("is a require", () => {
    write("main.cjs", 'exports.before = 1; exports.b = require("./b.cjs"); exports.path = require("node:path").sep;');
    write(
      "b.cjs",
      'const a = require("./main.cjs"); module.exports = { early: a.before, late: () => a.path, __filename };',
    );
    const loader = new ScriptLoader(scripts, undefined);
    const main = loader.load("main.cjs") as { b: { early: number; late: () => string; __filename: string } };
    expect(main.b.early).toBe(1);
    expect(main.b.late()).toBe(path.sep);
    expect(main.b.__filename).toBe(path.join(scripts, "b.cjs"));
    expect(loader.load("main.cjs")).toBe(main);
  });

  it("runs them in strict mode, and shows where they fail", () => {
    write(
      "main.cjs",
      "exports.strict = (function () { return this === undefined; })();\n  exports.error = new Error();",
    );
    for (let i = 0; i < 2; i++) {
      const { strict, error } = run().exports as { strict: boolean; error: Error };
      expect(strict).toBe(true);
      expect(error.stack).toContain(`${path.join(scripts, "main.cjs")}:2:19`);
    }
    write("main.cjs", "exports.error = new Error();");
    expect((run().exports as { error: Error }).error.stack).toContain(`${path.join(scripts, "main.cjs")}:1:17`);
  });

  it("keeps what was compiled, and uses it", () => {
    write("main.cjs", "exports.answer = () => 42;");
    expect(run().written).toBe(1);
    const { exports, written } = run();
    expect((exports as { answer: () => number }).answer()).toBe(42);
    expect(written).toBe(0);
  });

  it("makes it anew after a run of twice the length, or with another script", () => {
    write("main.cjs", "exports.answer = 42;");
    expect([run(100), run(199), run(200), run(399), run(100)].map((r) => r.written)).toEqual([1, 0, 1, 0, 0]);
    write("main.cjs", "exports.answer = 43;");
    const { exports, written } = run(100);
    expect([exports, written]).toEqual([{ answer: 43 }, 1]);
  });

  it("survives what is damaged, of another V8, or no compiled code at all", () => {
    write("main.cjs", "exports.answer = 42;");
    run();
    const [name] = files().map((file) => path.basename(file));
    const store = openCodeStore({ directory: path.join(base, "store") }) as CodeStore;
    const good = store.read(name as string) as Uint8Array;
    const other = good.slice();
    other[8] = (other[8] as number) ^ 1;
    for (const content of [new Uint8Array(0), good.subarray(0, 4), good.subarray(0, 40), other, new Uint8Array(999)]) {
      store.write(name as string, content);
      expect(run()).toMatchObject({ exports: { answer: 42 }, written: 1 });
      expect(run().written).toBe(0);
    }
    fs.writeFileSync(files()[0] as string, "");
    expect(run()).toMatchObject({ exports: { answer: 42 }, written: 1 });
  });

  it("does not mind flags that are set meanwhile", () => {
    write("main.cjs", "exports.answer = 42;");
    const flags = new V8Flags();
    expect(run().written).toBe(1);
    flags.set("--semi-space-growth-factor=1", "--semi-space-growth-factor=2");
    expect(run(100, flags).written).toBe(0);
    write("main.cjs", "exports.answer = 43;");
    expect(run(100, flags).written).toBe(1);
    flags.set("--semi-space-growth-factor=3", "--semi-space-growth-factor=2");
    expect(run(100, flags).written).toBe(0);
  });
});
