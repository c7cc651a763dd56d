/**
 * The machine's memory: a budget of guest pages, memories to reuse, and what address spaces share.
 *
 * Reuse matters more than it seems: V8 counts each new memory as 4 GiB of external memory and runs a full garbage
 * collection for it (2.5 ms with a small heap, 20 to 60 ms with that of a machine at work).
 */
import { ENOMEM, errno } from "../abi/errno.ts";
import { GuestMemory } from "./guest-memory.ts";
import { PAGE_SIZE } from "./layout.ts";
import { SharedFile } from "./shared-object.ts";
import type { MappedInode } from "./vma.ts";

/** An address space, as far as the pool is concerned. */
export interface PoolMember {
  enter(): void;
  leave(): void;
  /** Writes back what was written to this file through mappings. */
  flushShared(object: SharedFile): void;
}

export interface MemoryPoolOptions {
  /** Most bytes that all guest processes together may have populated. */
  readonly limitBytes?: number;
  /** Memories kept for reuse. */
  readonly keep?: number;
}

/** A memory of which more than this was touched is given back to the host rather than kept: clearing does not free. */
const KEEP_PAGES = (32 << 20) / PAGE_SIZE;

export class MemoryPool {
  readonly limitPages: number;
  /** Goes up with every change of a shared object. */
  generation = 0;
  readonly #free: GuestMemory[] = [];
  readonly #keep: number;
  readonly #files: WeakMap<MappedInode, SharedFile> = new WeakMap();
  #committed = 0;
  #active: PoolMember | null = null;

  constructor(options: MemoryPoolOptions = {}) {
    this.limitPages = Math.floor((options.limitBytes ?? 2 ** 32) / PAGE_SIZE);
    this.#keep = options.keep ?? 16;
  }

  /** Pages populated in all address spaces. */
  get committedPages(): number {
    return this.#committed;
  }

  /** True if the budget has room for `pages` more, which it then counts. */
  commit(pages: number): boolean {
    if (this.#committed + pages > this.limitPages) return false;
    this.#committed += pages;
    return true;
  }

  uncommit(pages: number): void {
    this.#committed -= pages;
  }

  /** A memory with every guest page zero. ENOMEM if the host has no more address space. */
  acquire(): GuestMemory {
    const kept = this.#free.pop();
    if (kept) return kept;
    try {
      return new GuestMemory();
    } catch (error) {
      if (error instanceof RangeError) throw errno(ENOMEM);
      throw error;
    }
  }

  /** Takes back a memory that its owner has cleared, and of which at most `touchedPages` pages were ever in use. */
  release(memory: GuestMemory, touchedPages: number): void {
    if (touchedPages <= KEEP_PAGES && this.#free.length < this.#keep) this.#free.push(memory);
  }

  /** The object that MAP_SHARED mappings of an inode have in common. */
  sharedFile(inode: MappedInode): SharedFile {
    let file = this.#files.get(inode);
    if (file === undefined) this.#files.set(inode, (file = new SharedFile(inode, this)));
    return file;
  }

  /** The address space that guest code or the kernel on its behalf is at work in. */
  get active(): PoolMember | null {
    return this.#active;
  }

  /** To be called by the scheduler before a task of `space` runs: carries shared pages over. */
  activate(space: PoolMember | null): void {
    if (this.#active === space) return;
    this.#active?.leave();
    this.#active = space;
    space?.enter();
  }

  /** An address space has ended. */
  deactivate(space: PoolMember): void {
    if (this.#active === space) this.#active = null;
  }

  /** To be called before a file is read other than through a mapping (read, sendfile, stat's mtime). */
  beforeRead(inode: MappedInode): void {
    const file = this.#files.get(inode);
    if (file) this.#active?.flushShared(file);
  }

  /** To be called before a file is written other than through a mapping, or its size is changed. */
  beforeWrite(inode: MappedInode): void {
    this.beforeRead(inode);
  }

  /** To be called after bytes of a file were written: mappings see them. */
  afterWrite(inode: MappedInode, position: number, length: number): void {
    const file = this.#files.get(inode);
    if (file === undefined || length <= 0) return;
    file.written(position, length);
    this.#active?.enter();
  }

  /** To be called after the size of a file was changed. */
  afterTruncate(inode: MappedInode): void {
    const file = this.#files.get(inode);
    if (file === undefined) return;
    file.truncated();
    this.#active?.enter();
  }
}
