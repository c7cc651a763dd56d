/** Code that was translated, wherever it may be used, and what there is of it by guest address. */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import type { Unlinked } from "./names.ts";

export interface Translated {
  /** Guest addresses of its regions. The first is what it was made for. */
  readonly entries: readonly number[];
  /** Instructions in each region. */
  readonly sizes: readonly number[];
  /** Of the first region: its computed jumps, and where those are known to lead, if only to what was too much for it. */
  readonly jumps: readonly number[];
  readonly targets: readonly number[];
  /** The flags are exact wherever it leaves (flow.ts). */
  readonly exact: boolean;
  /** As large as regions get (engine.ts). */
  readonly wide: boolean;
  /** The guest code it was made from. */
  readonly code: readonly { readonly start: number; readonly bytes: Uint8Array }[];
  /** At least one of these is there. */
  module: WebAssembly.Module | undefined;
  unlinked: Unlinked | undefined;
}

/** Kept for one address, whose code may differ between processes, and addresses of which something is kept. */
const MAX_VARIANTS = 4;
const MAX_ENTRIES = 20_000;

export class TranslatedCode {
  /** By entry, the newest last; the entries that were added to least recently come first. */
  readonly #byEntry = new Map<number, Translated[]>();

  /** The newest that was made from the very code at an address, and can be executed there; if asked for, an exact one. */
  find(rip: number, memory: GuestMemory, exact: boolean): Translated | undefined {
    const fits = (t: Translated): boolean => (t.exact || !exact) && t.code.every((run) => isThere(memory, run));
    return this.#byEntry.get(rip)?.findLast(fits);
  }

  add(translated: Translated): void {
    for (const entry of translated.entries) {
      const variants = this.#byEntry.get(entry) ?? [];
      if (variants.length === MAX_VARIANTS) variants.shift();
      variants.push(translated);
      this.#byEntry.delete(entry);
      this.#byEntry.set(entry, variants);
      if (this.#byEntry.size <= MAX_ENTRIES) continue;
      const [oldest] = this.#byEntry.keys();
      this.#byEntry.delete(oldest as number);
    }
  }

  /** It turned out to be of no use. */
  drop(translated: Translated): void {
    for (const entry of translated.entries) {
      const others = (this.#byEntry.get(entry) ?? []).filter((t) => t !== translated);
      if (others.length > 0) this.#byEntry.set(entry, others);
      else this.#byEntry.delete(entry);
    }
  }
}

/** The same bytes, in pages that may be executed. */
function isThere({ u8, pages }: GuestMemory, { start, bytes }: Translated["code"][number]): boolean {
  const end = start + bytes.length;
  for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++)
    if (((pages[page] as number) & PageBits.Exec) === 0) return false;
  for (let i = 0; i < bytes.length; i++) if (u8[start + i] !== bytes[i]) return false;
  return true;
}
