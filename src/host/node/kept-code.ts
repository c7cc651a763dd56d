/**
 * Code that V8 has compiled in earlier runs, in the code store.
 *
 * V8 looks at its version and flags before it takes any back, and trusts the rest, as we do all that is in the store
 * (code-store.ts): the directory is the user's own, and what is damaged is as if it were not there.
 *
 * What a run compiles is what it has executed, so the first one is not the last word: a run that lasts twice as long as the
 * one that has left something makes it anew.
 */
import type { CodeStore } from "../interface.ts";
import type { V8Flags } from "./v8-flags.ts";

/** Before the code: u32, milliseconds that the run had lasted. */
const PREFIX = 4;

interface Kept {
  readonly code: Uint8Array<ArrayBuffer>;
  /** Milliseconds of the run that made it. */
  readonly lasted: number;
}

export class KeptCode {
  readonly #store: CodeStore;
  readonly #flags: V8Flags;

  constructor(store: CodeStore, flags: V8Flags) {
    this.#store = store;
    this.#flags = flags;
  }

  /** The name for what is made of these. Flags that Node was started with are part of it, lest runs supersede each other's. */
  name(what: string, parts: readonly Uint8Array[]): string {
    const flags = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ");
    return this.#store.digest([Buffer.from(`${what}\n${flags}\n`), ...parts]);
  }

  find(name: string): Kept | undefined {
    const content = this.#store.read(name);
    if (content === undefined || content.length < PREFIX) return undefined;
    const lasted = new DataView(content.buffer, content.byteOffset).getUint32(0, true);
    return { code: content.subarray(PREFIX), lasted };
  }

  /** Has V8 take something back, or hand something out. */
  exchange<T>(work: () => T): T {
    return this.#flags.untouched(work);
  }

  /**
   * Keeps what V8 hands out now, if that is worth it.
   * @param lasted of what there is already: 0 if nothing
   */
  keep(name: string, lasted: number, make: () => Uint8Array): void {
    const lasts = Math.round(performance.now());
    if (lasts < 2 * lasted) return;
    const code = this.exchange(make);
    const content = Buffer.alloc(PREFIX + code.length);
    content.writeUInt32LE(lasts);
    content.set(code, PREFIX);
    this.#store.write(name, content);
    this.#store.trim();
  }
}
