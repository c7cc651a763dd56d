/**
 * Loads the scripts of the command together with what V8 made of them in an earlier run.
 *
 * Compiling them was a third of a short run: first all the source is parsed, then each function when it is called. V8 can
 * hand out what it has compiled and take it back, but (in Node 20) for scripts only, not for ECMAScript modules. So the build
 * makes CommonJS of the command, and this is the `require` for it.
 *
 * What is kept is found by the name and contents of the script (V8 keeps the name, for stack traces); V8 itself looks at its
 * version and flags. It trusts the rest, as we do all that is in the code store (code-store.ts): the directory is the user's
 * own, and what is damaged is as if it were not there.
 *
 * It is made when the run ends, or after a second: functions are part of it if they have been called, and later V8 begins to forget
 * what is not called any more. A run that lasts twice as long as the one that has left it makes it anew.
 */
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { Script } from "node:vm";
import type { CodeStore } from "../interface.ts";
import type { V8Flags } from "./v8-flags.ts";

/** Milliseconds after which what is compiled is kept. */
const SOON = 1_000;
/** On one line with the script's first, lest line numbers in stack traces differ. */
const HEAD = '(function (exports, require, module, __filename, __dirname) { "use strict"; ';
const TAIL = "\n})";
/** Before what V8 gave: u32, milliseconds that the run had lasted. */
const PREFIX = 4;

type Wrapper = (
  exports: unknown,
  require: (name: string) => unknown,
  module: { exports: unknown },
  file: string,
  directory: string,
) => void;

export class ScriptLoader {
  readonly #directory: string;
  readonly #store: CodeStore | undefined;
  readonly #flags: V8Flags;
  readonly #native: NodeJS.Require;
  readonly #modules = new Map<string, { exports: unknown }>();
  /** Scripts, by name in the store, with how long the run lasted that has left something about them. */
  readonly #scripts = new Map<string, { readonly script: Script; readonly lasted: number }>();
  #waiting = false;

  /** @param directory where the scripts are: those that others name by "./..."; all else is left to Node */
  constructor(directory: string, store: CodeStore | undefined, flags: V8Flags) {
    this.#directory = directory;
    this.#store = store;
    this.#flags = flags;
    this.#native = createRequire(path.join(directory, "."));
  }

  /** The exports of a script. */
  load(name: string): unknown {
    const file = path.join(this.#directory, name);
    // What came here by Node itself is there already, and there may be only one of it.
    const known = this.#modules.get(file) ?? this.#native.cache[file];
    if (known !== undefined) return known.exports;
    const module: { exports: unknown } = { exports: {} };
    this.#modules.set(file, module);
    const run: Wrapper = this.#compile(file).runInThisContext();
    run(module.exports, this.#require, module, file, this.#directory);
    return module.exports;
  }
  readonly #require = (name: string): unknown => (name.startsWith("./") ? this.load(name) : this.#native(name));

  #compile(filename: string): Script {
    const bytes = fs.readFileSync(filename);
    const source = HEAD + bytes.toString() + TAIL;
    const options = { filename, columnOffset: -HEAD.length };
    if (this.#store === undefined) return new Script(source, options);
    const name = this.#store.digest([Buffer.from(`${HEAD}\n${filename}\n`), bytes]);
    const kept = this.#store.read(name);
    if (kept === undefined || kept.length < PREFIX) return this.#note(name, new Script(source, options), 0);
    const cachedData = kept.subarray(PREFIX);
    const script = this.#flags.untouched(() => new Script(source, { ...options, cachedData }));
    const lasted = new DataView(kept.buffer, kept.byteOffset).getUint32(0, true);
    return this.#note(name, script, script.cachedDataRejected === true ? 0 : lasted);
  }

  #note(name: string, script: Script, lasted: number): Script {
    this.#scripts.set(name, { script, lasted });
    if (!this.#waiting) {
      this.#waiting = true;
      setTimeout(() => this.save(), SOON).unref();
      process.once("exit", () => this.save());
    }
    return script;
  }

  /** Keeps what has been compiled, unless as much is kept already. */
  save(): void {
    const lasts = Math.round(performance.now());
    for (const [name, { script, lasted }] of this.#scripts) {
      if (lasts < 2 * lasted) continue;
      const compiled = this.#flags.untouched(() => script.createCachedData());
      const content = Buffer.alloc(PREFIX + compiled.length);
      content.writeUInt32LE(lasts);
      content.set(compiled, PREFIX);
      this.#store?.write(name, content);
    }
    this.#scripts.clear();
    this.#waiting = false;
    this.#store?.trim();
  }
}
