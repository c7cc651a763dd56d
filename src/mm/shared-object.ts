/**
 * What MAP_SHARED mappings share: the authoritative contents of an anonymous object or a file, page by page, each with a
 * version that goes up when the contents change. Address spaces keep copies (shared-pages.ts) and compare versions.
 */
import { EOPNOTSUPP, errno } from "../abi/errno.ts";
import { PAGE_SIZE } from "./layout.ts";
import type { MappedInode } from "./vma.ts";

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

export interface SharedObject {
  /** Copies page `index` to `into` (PAGE_SIZE bytes, zeroed). False if it lies wholly beyond the end: SIGBUS. */
  readPage(index: number, into: Uint8Array): boolean;
  /** Takes over a changed page and raises its version. */
  writePage(index: number, from: Uint8Array): void;
  version(index: number): number;
  /** The page has contents of its own. */
  has?(index: number): boolean;
  /** A page is about to be written to. False if there is no room for it: SIGBUS. Absent: there is. */
  prepareWrite?(index: number): boolean;
  /** MADV_REMOVE: bytes [start, end) become a hole. Absent, or throws EOPNOTSUPP: that cannot be. */
  punch?(start: number, end: number): void;
  /** As /proc/self/maps shows it, "" for a file (whose path is shown). */
  readonly name: string;
}

/** The machine's counter of changes. */
export interface SharedOwner {
  /** Raised with every change of any shared object, so that nobody looks for changes when there are none. */
  generation: number;
}

/** MAP_SHARED | MAP_ANONYMOUS: memory that lives as long as somebody maps it. */
export class SharedAnonymous implements SharedObject {
  readonly name = "/dev/zero (deleted)";
  readonly #owner: SharedOwner;
  readonly #pages: Map<number, { bytes: Uint8Array; version: number }> = new Map();

  constructor(owner: SharedOwner) {
    this.#owner = owner;
  }

  readPage(index: number, into: Uint8Array): boolean {
    const page = this.#pages.get(index);
    if (page) into.set(page.bytes);
    return true;
  }

  writePage(index: number, from: Uint8Array): void {
    let page = this.#pages.get(index);
    if (!page) {
      page = { bytes: new Uint8Array(PAGE_SIZE), version: 0 };
      this.#pages.set(index, page);
    }
    page.bytes.set(from);
    page.version++;
    this.#owner.generation++;
  }

  punch(start: number, end: number): void {
    const empty = new Uint8Array(PAGE_SIZE);
    for (let index = start / PAGE_SIZE; index < end / PAGE_SIZE; index++) {
      if (this.#pages.has(index)) this.writePage(index, empty);
    }
  }

  has(index: number): boolean {
    return this.#pages.has(index);
  }

  version(index: number): number {
    return this.#pages.get(index)?.version ?? 0;
  }
}

/** A file that is mapped MAP_SHARED by somebody. The file itself holds the contents. */
export class SharedFile implements SharedObject {
  readonly name = "";
  readonly #inode: MappedInode;
  readonly #owner: SharedOwner;
  readonly #versions: Map<number, number> = new Map();
  /** Pages without an entry have this version: raised when everything may have changed (truncation). */
  #base = 0;

  constructor(inode: MappedInode, owner: SharedOwner) {
    this.#inode = inode;
    this.#owner = owner;
  }

  readPage(index: number, into: Uint8Array): boolean {
    return this.#inode.read(index * PAGE_SIZE, into.subarray(0, PAGE_SIZE)) > 0;
  }

  /** Bytes beyond the end of the file are not written: a mapping never extends a file. */
  writePage(index: number, from: Uint8Array): void {
    const position = index * PAGE_SIZE;
    const length = Math.min(PAGE_SIZE, this.#inode.attributes().size - position);
    if (length > 0) this.#inode.write(position, from.subarray(0, length));
    this.#raise(index);
  }

  punch(start: number, end: number): void {
    if (this.#inode.allocate === undefined) throw errno(EOPNOTSUPP);
    this.#inode.allocate(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, start, end - start);
    this.written(start, end - start);
  }

  prepareWrite(index: number): boolean {
    return this.#inode.reserve?.(index * PAGE_SIZE, PAGE_SIZE) ?? true;
  }

  version(index: number): number {
    return this.#versions.get(index) ?? this.#base;
  }

  /** The file's bytes [position, position + length) were changed through write(2) and its kin. */
  written(position: number, length: number): void {
    const last = Math.floor((position + length - 1) / PAGE_SIZE);
    for (let index = Math.floor(position / PAGE_SIZE); index <= last; index++) this.#raise(index);
  }

  /** The size of the file was changed. */
  truncated(): void {
    let highest = this.#base;
    for (const version of this.#versions.values()) highest = Math.max(highest, version);
    this.#versions.clear();
    this.#base = highest + 1;
    this.#owner.generation++;
  }

  #raise(index: number): void {
    this.#versions.set(index, this.version(index) + 1);
    this.#owner.generation++;
  }
}
