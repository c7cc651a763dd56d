/**
 * Translations that outlive the run, in the host's code store.
 *
 * What is translated depends on the guest's code and on the translator alone (names.ts: what else a module has to know is
 * filled in when it is linked), so any run can use it that has the same code at the same addresses. It is found by page:
 * the name of a file is the hash of the translator, the page's number and its 4096 bytes; in it is all that begins in the
 * page. A page that holds other regions of a module, but not its first, has a reference to the page that does. All bytes
 * that a module was made from are compared with those in memory before it is used, as within a run (translated.ts).
 *
 * A page's file is looked for when something on the page gets hot, so a program that ends before that reads nothing. Files
 * are written when the machine ends, for pages about which there is news: what is there by then, of another run perhaps, and
 * that. If two runs do so at once, one of them has worked in vain.
 *
 * A file: u32 length of the directory, the directory (JSON), then the code of the guest and the modules, one after another,
 * whose lengths are in the directory. The store sees to it that what comes back is what was written.
 */
import type { CodeStore } from "../../host/interface.ts";
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../../mm/layout.ts";
import type { Mark } from "../wasm/sink.ts";
import type { Unlinked } from "./names.ts";
import type { Translated } from "./translated.ts";

/** Changes with the format of files. */
const FORMAT = 2;
/** Bytes of modules that wait for being written. */
const MAX_PENDING = 16 << 20;

/** What is new of a page. */
interface News {
  readonly translations: Translated[];
  readonly references: Set<string>;
}

interface Contents {
  readonly translations: readonly Translated[];
  readonly references: readonly string[];
}

interface Directory {
  readonly references: readonly string[];
  readonly translations: readonly {
    readonly entries: readonly number[];
    readonly sizes: readonly number[];
    readonly jumps: readonly number[];
    readonly targets: readonly number[];
    readonly exact: boolean;
    readonly wide: boolean;
    /** Start and length of each run of guest code. */
    readonly code: readonly (readonly [number, number])[];
    readonly marks: readonly (readonly [at: number, what: string])[];
    /** Length of the module. */
    readonly module: number;
  }[];
}

export class TranslationCache {
  readonly #store: CodeStore;
  /** The translator and the interpreter, whose functions translated code calls. */
  readonly #identify: () => string;
  #identity: Uint8Array | undefined;
  /** Files that were read, and those whose references were followed. */
  readonly #read = new Set<string>();
  readonly #followed = new Set<string>();
  readonly #news = new Map<string, News>();
  #pending = 0;

  /** @param identify something that differs wherever translations are not interchangeable; asked for when it is needed */
  constructor(store: CodeStore, identify: () => string) {
    this.#store = store;
    this.#identify = identify;
  }

  /** What other runs have left about the page at an address: nothing, if that was asked before. */
  load(rip: number, memory: GuestMemory): readonly Translated[] {
    const name = this.#name(rip, memory);
    if (this.#followed.has(name)) return [];
    this.#followed.add(name);
    const { translations, references } = this.#contents(name);
    const others = references.filter((reference) => !this.#read.has(reference));
    const found = others.flatMap((reference) => {
      this.#read.add(reference);
      return this.#contents(reference).translations;
    });
    if (this.#read.has(name)) return found;
    this.#read.add(name);
    return [...found, ...translations];
  }

  /** Something was translated. */
  add(translated: Translated, memory: GuestMemory): void {
    const [first, ...others] = new Set(translated.entries.map((rip) => rip >>> PAGE_SHIFT));
    const home = this.#name((first as number) << PAGE_SHIFT, memory);
    this.#newsOf(home).translations.push(translated);
    for (const page of others) this.#newsOf(this.#name(page << PAGE_SHIFT, memory)).references.add(home);
    this.#pending += translated.unlinked?.bytes.length ?? 0;
    if (this.#pending > MAX_PENDING) this.save();
  }

  /** Writes the news. */
  save(): void {
    if (this.#news.size === 0) return;
    for (const [name, { translations, references }] of this.#news) {
      const old = this.#contents(name);
      const content = encode({
        translations: withoutSuperseded([...old.translations, ...translations]),
        references: [...new Set([...old.references, ...references])],
      });
      this.#store.write(name, content);
      // In memory the modules are enough.
      for (const translated of translations) translated.unlinked = undefined;
    }
    this.#news.clear();
    this.#pending = 0;
    this.#store.trim();
  }

  #name(rip: number, { u8 }: GuestMemory): string {
    const page = (rip >>> PAGE_SHIFT) * PAGE_SIZE;
    const number = new Uint8Array(Uint32Array.of(FORMAT, page).buffer);
    this.#identity ??= new TextEncoder().encode(this.#identify());
    return this.#store.digest([this.#identity, number, u8.subarray(page, page + PAGE_SIZE)]);
  }
  #newsOf(name: string): News {
    let news = this.#news.get(name);
    if (news === undefined) this.#news.set(name, (news = { translations: [], references: new Set() }));
    return news;
  }
  #contents(name: string): Contents {
    const bytes = this.#store.read(name);
    try {
      if (bytes !== undefined) return decode(bytes);
    } catch {
      // The store has kept it well, so it was wrong from the beginning: it is replaced at the next occasion.
    }
    return { translations: [], references: [] };
  }
}

/** What has a newer translation for each of its entries is not asked for any more. */
function withoutSuperseded(translations: readonly Translated[]): Translated[] {
  const seen = new Set<string>();
  const kept: Translated[] = [];
  for (const translated of [...translations].reverse()) {
    const keys = translated.entries.map((entry) => `${entry} ${translated.exact}`);
    if (keys.every((key) => seen.has(key))) continue;
    for (const key of keys) seen.add(key);
    kept.push(translated);
  }
  return kept.reverse();
}

function encode({ translations, references }: Contents): Uint8Array {
  const directory: Directory = {
    references,
    translations: translations.map(({ entries, sizes, jumps, targets, exact, wide, code, unlinked }) => ({
      entries,
      sizes,
      jumps,
      targets,
      exact,
      wide,
      code: code.map(({ start, bytes }): [number, number] => [start, bytes.length]),
      marks: (unlinked as Unlinked).marks.map(({ at, what }): [number, string] => [at, what]),
      module: (unlinked as Unlinked).bytes.length,
    })),
  };
  const head = new TextEncoder().encode(JSON.stringify(directory));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, head.length, true);
  const parts: Uint8Array[] = [length, head];
  for (const { code, unlinked } of translations)
    parts.push(...code.map(({ bytes }) => bytes), (unlinked as Unlinked).bytes);
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function decode(bytes: Uint8Array<ArrayBuffer>): Contents {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (length: number): Uint8Array<ArrayBuffer> => {
    if (length > bytes.length - at) throw new RangeError("cut off");
    at += length;
    return bytes.subarray(at - length, at);
  };
  take(4);
  const head = take(view.getUint32(0, true));
  const { references, translations } = JSON.parse(new TextDecoder().decode(head)) as Directory;
  return {
    references,
    translations: translations.map(({ entries, sizes, jumps, targets, exact, wide, code, marks, module }) => ({
      entries,
      sizes,
      jumps,
      targets,
      exact,
      wide,
      code: code.map(([start, length]) => ({ start, bytes: take(length).slice() })),
      module: undefined,
      unlinked: { marks: marks.map(([markAt, what]): Mark => ({ at: markAt, what })), bytes: take(module) },
    })),
  };
}
