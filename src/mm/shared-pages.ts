/**
 * An address space's copies of shared pages.
 *
 * Address spaces are separate memories, so a page that several of them map MAP_SHARED is in each of them as a copy, and the
 * shared object holds the contents that count. Only one address space is active at a time, which makes this simple:
 *
 * - A copy is mapped without PageBits.Write, whatever its protection. The first write faults, marks it dirty and sets Write.
 * - Only the active address space has dirty copies. When it leaves, they are written back, which raises the versions of the
 *   pages, and lose Write again.
 * - An address space that becomes active compares the versions of its copies with those of the objects, and reads again
 *   what differs. A counter of all changes in the machine says when there is nothing to compare.
 * - A page of a private file mapping that nobody has written to yet is a copy too, if the file may change (somebody has it
 *   open for writing): the first write to it makes it a page of its own.
 * - One page of an object may be mapped twice in one address space. Then a dirty copy is the only one: making a copy dirty
 *   drops its aliases, and populating an alias writes the dirty copy back first.
 */
import { PAGE_SIZE } from "./layout.ts";
import type { SharedObject } from "./shared-object.ts";

interface Copy {
  readonly page: number;
  readonly object: SharedObject;
  readonly index: number;
  version: number;
  dirty: boolean;
}

/** What the copies need of their address space. */
export interface SharedPagesHost {
  /** The bytes of a page. */
  bytes(page: number): Uint8Array;
  /** Sets or clears PageBits.Write of a present page whose mapping is writable. */
  setWritable(page: number, writable: boolean): void;
  /** Makes a page not present, contents cleared. Does not call back. */
  evict(page: number): void;
  /** The contents of a present page were replaced: translations of it are void. */
  contentsChanged(page: number): void;
}

export class SharedPages {
  readonly #host: SharedPagesHost;
  readonly #copies: Map<number, Copy> = new Map();
  readonly #dirty: Set<Copy> = new Set();
  readonly #byObject: Map<SharedObject, Map<number, Copy[]>> = new Map();
  #seen = -1;

  constructor(host: SharedPagesHost) {
    this.#host = host;
  }

  has(page: number): boolean {
    return this.#copies.has(page);
  }

  /** Fills the bytes of `page` from the object. False: beyond the end of the file. */
  populate(page: number, object: SharedObject, index: number): boolean {
    const aliases = this.#aliases(object, index);
    for (const alias of aliases) if (alias.dirty) this.#clean(alias);
    if (!object.readPage(index, this.#host.bytes(page))) return false;
    const copy: Copy = { page, object, index, version: object.version(index), dirty: false };
    aliases.push(copy);
    this.#copies.set(page, copy);
    return true;
  }

  /** The page is about to be written. The caller sets PageBits.Write. */
  markDirty(page: number): void {
    const copy = this.#copies.get(page);
    if (copy === undefined || copy.dirty) return;
    for (const alias of [...this.#aliases(copy.object, copy.index)]) {
      if (alias === copy) continue;
      this.#forget(alias);
      this.#host.evict(alias.page);
    }
    copy.dirty = true;
    this.#dirty.add(copy);
  }

  /** The page of a private mapping is written to: from here on it is no copy of the file's. */
  leave(page: number): void {
    const copy = this.#copies.get(page);
    if (copy !== undefined) this.#forget(copy);
  }

  /** The page is to be unmapped: what was written to it goes to the object. */
  drop(page: number): void {
    const copy = this.#copies.get(page);
    if (copy === undefined) return;
    if (copy.dirty) this.#writeBack(copy);
    this.#forget(copy);
  }

  /** Writes back dirty copies: all, or those of one object. */
  flush(object?: SharedObject): void {
    for (const copy of [...this.#dirty]) if (object === undefined || copy.object === object) this.#clean(copy);
  }

  /** Reads again what others have changed since the last time. */
  refresh(generation: number): void {
    if (generation === this.#seen) return;
    this.#seen = generation;
    for (const copy of [...this.#copies.values()]) {
      const version = copy.object.version(copy.index);
      if (version === copy.version || copy.dirty) continue;
      const bytes = this.#host.bytes(copy.page);
      bytes.fill(0);
      if (copy.object.readPage(copy.index, bytes)) {
        copy.version = version;
        this.#host.contentsChanged(copy.page);
      } else {
        this.#forget(copy);
        this.#host.evict(copy.page);
      }
    }
  }

  #clean(copy: Copy): void {
    this.#writeBack(copy);
    this.#host.setWritable(copy.page, false);
  }

  #writeBack(copy: Copy): void {
    copy.object.writePage(copy.index, this.#host.bytes(copy.page).subarray(0, PAGE_SIZE));
    copy.version = copy.object.version(copy.index);
    copy.dirty = false;
    this.#dirty.delete(copy);
  }

  #aliases(object: SharedObject, index: number): Copy[] {
    let pages = this.#byObject.get(object);
    if (pages === undefined) this.#byObject.set(object, (pages = new Map()));
    let copies = pages.get(index);
    if (copies === undefined) pages.set(index, (copies = []));
    return copies;
  }

  #forget(copy: Copy): void {
    this.#copies.delete(copy.page);
    this.#dirty.delete(copy);
    const pages = this.#byObject.get(copy.object);
    const copies = pages?.get(copy.index);
    if (pages === undefined || copies === undefined) return;
    copies.splice(copies.indexOf(copy), 1);
    if (copies.length > 0) return;
    pages.delete(copy.index);
    if (pages.size === 0) this.#byObject.delete(copy.object);
  }
}
