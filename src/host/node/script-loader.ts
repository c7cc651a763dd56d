/**
 * Loads the scripts of the command together with what V8 made of them in an earlier run.
 *
 * Compiling them was a third of a short run: first all the source is parsed, then each function when it is called. V8 can
 * hand out what it has compiled and take it back, but (in Node 20) for scripts only, not for ECMAScript modules. So the build
 * makes CommonJS of the command, and this is the `require` for it.
 *
 * What is kept is found by the name of the script, which V8 keeps for stack traces, and its contents. It is made when the
 * run ends, or after a second: functions are part of it if they have been called, and later V8 begins to forget what is not
 * called any more.
 */
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { Script } from "node:vm";
import type { KeptCode } from "./kept-code.ts";

/** Milliseconds after which what is compiled is kept. */
const SOON = 1_000;
/** On one line with the script's first, lest line numbers in stack traces differ. */
const HEAD = '(function (exports, require, module, __filename, __dirname) { "use strict"; ';
const TAIL = "\n})";

type Wrapper = (
  exports: unknown,
  require: (name: string) => unknown,
  module: { exports: unknown },
  file: string,
  directory: string,
) => void;

export class ScriptLoader {
  readonly #directory: string;
  readonly #kept: KeptCode | undefined;
  readonly #native: NodeJS.Require;
  readonly #modules = new Map<string, { exports: unknown }>();
  /** Scripts, by name of what is kept, with how long the run lasted that has left it. */
  readonly #scripts = new Map<string, { readonly script: Script; readonly lasted: number }>();
  #waiting = false;

  /** @param directory where the scripts are: those that others name by "./..."; all else is left to Node */
  constructor(directory: string, kept: KeptCode | undefined) {
    this.#directory = directory;
    this.#kept = kept;
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
    const kept = this.#kept;
    if (kept === undefined) return new Script(source, options);
    const name = kept.name(`script ${filename}\n${HEAD}`, [bytes]);
    const found = kept.find(name);
    if (found === undefined) return this.#note(name, new Script(source, options), 0);
    const script = kept.exchange(() => new Script(source, { ...options, cachedData: found.code }));
    return this.#note(name, script, script.cachedDataRejected === true ? 0 : found.lasted);
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

  /** Keeps what has been compiled. */
  save(): void {
    for (const [name, { script, lasted }] of this.#scripts)
      this.#kept?.keep(name, lasted, () => script.createCachedData());
    this.#scripts.clear();
    this.#waiting = false;
  }
}
