/**
 * The machine's memory: a budget of guest pages, memories to reuse, and what address spaces share.
 *
 * Of the memory of a process that has ended, pages that were touched stay with the host until the garbage collector takes
 * the whole memory, and that does not know how much hangs on it: 60 processes of 100 MB each, one after the other, were at
 * 3.8 GB when it ran. So memories are reused, the largest first, as clearing pages costs less than the host's faults for new
 * ones; those kept are limited by what they hold in all; and the host is told of what is dropped, to collect it in time.
 */
import { ENOMEM, errno } from "../abi/errno.ts";
import { Sharers } from "./copy-on-write.ts";
import { GuestMemory } from "./guest-memory.ts";
import { PAGE_SIZE } from "./layout.ts";
import { SharedFile } from "./shared-object.ts";
import type { MappedInode } from "./vma.ts";

/** 4 MB: copying them takes less than the faults of both sides later. */
const COPY_AT_FORK = 1024;

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
  /** Most bytes that memories kept for reuse may hold in all, and most memories kept. */
  readonly keepBytes?: number;
  readonly keep?: number;
  /** A fork copies the pages of a process that has no more than so many, and shares those of larger ones until they are touched. */
  readonly copyAtFork?: number;
  /** Called for a memory that is left to the garbage collector: about how many bytes of the host's hang on it. */
  readonly dropped?: (bytes: number) => void;
}

interface Kept {
  readonly memory: GuestMemory;
  /** Pages that the host holds for it, at most. */
  readonly pages: number;
}

export class MemoryPool {
  readonly limitPages: number;
  readonly copyAtFork: number;
  readonly sharers: Sharers = new Sharers();
  /** Goes up with every change of a shared object. */
  generation = 0;
  /** By the pages they hold, ascending. */
  readonly #free: Kept[] = [];
  #freePages = 0;
  /** What memories in use held when they were taken. */
  readonly #held: WeakMap<GuestMemory, number> = new WeakMap();
  readonly #keep: number;
  readonly #keepPages: number;
  readonly #dropped: ((bytes: number) => void) | undefined;
  readonly #files: WeakMap<MappedInode, SharedFile> = new WeakMap();
  #committed = 0;
  #active: PoolMember | null = null;

  constructor(options: MemoryPoolOptions = {}) {
    this.limitPages = Math.floor((options.limitBytes ?? 2 ** 32) / PAGE_SIZE);
    this.copyAtFork = options.copyAtFork ?? COPY_AT_FORK;
    this.#keep = options.keep ?? 16;
    this.#keepPages = Math.floor((options.keepBytes ?? 64 << 20) / PAGE_SIZE);
    this.#dropped = options.dropped;
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

  /** Counts pages that must be had, whatever the budget. */
  commitAnyway(pages: number): void {
    this.#committed += pages;
  }

  uncommit(pages: number): void {
    this.#committed -= pages;
  }

  /** A memory with every guest page zero. ENOMEM if the host has no more address space. */
  acquire(): GuestMemory {
    const kept = this.#free.pop();
    if (kept !== undefined) {
      this.#freePages -= kept.pages;
      this.#held.set(kept.memory, kept.pages);
      return kept.memory;
    }
    try {
      return new GuestMemory();
    } catch (error) {
      if (error instanceof RangeError) throw errno(ENOMEM);
      throw error;
    }
  }

  /** Would a memory of which at most `touchedPages` pages were in use be kept? If not, it need not be cleared. */
  keeps(memory: GuestMemory, touchedPages: number): boolean {
    const pages = Math.max(touchedPages, this.#held.get(memory) ?? 0);
    return this.#free.length < this.#keep && this.#freePages + pages <= this.#keepPages;
  }

  /** Takes back a memory that its owner has cleared if it is to be kept. */
  release(memory: GuestMemory, touchedPages: number): void {
    // Address spaces look much alike, so that the pages of one mostly are the pages of the next.
    const pages = Math.max(touchedPages, this.#held.get(memory) ?? 0);
    if (!this.keeps(memory, touchedPages)) {
      this.#dropped?.(pages * PAGE_SIZE);
      return;
    }
    let at = this.#free.length;
    while (at > 0 && (this.#free[at - 1] as Kept).pages > pages) at--;
    this.#free.splice(at, 0, { memory, pages });
    this.#freePages += pages;
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

  /** A shared object was changed by the kernel: everybody sees it. */
  changed(): void {
    this.generation++;
    this.#active?.enter();
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
