/**
 * Flags of V8's that are set while it runs.
 *
 * What V8 has compiled in one run it takes back in another only if all flags are the same, whether they have a say in it or
 * not. So whoever keeps compiled code, or takes some back, does it with the flags as they were in the beginning.
 */
import { setFlagsFromString } from "node:v8";

export class V8Flags {
  readonly #changed: { readonly set: string; readonly unset: string }[] = [];

  /** @param unset gives the flag the value that it has by default */
  set(set: string, unset: string): void {
    this.#changed.push({ set, unset });
    setFlagsFromString(set);
  }

  /** Does something with the flags as they were in the beginning. */
  untouched<T>(work: () => T): T {
    for (const { unset } of this.#changed) setFlagsFromString(unset);
    try {
      return work();
    } finally {
      for (const { set } of this.#changed) setFlagsFromString(set);
    }
  }
}
