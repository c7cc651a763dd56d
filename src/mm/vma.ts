/**
 * Mappings: what the guest asked for, as against pages, which say what is there now.
 *
 * A Vma is a range of pages with one protection and one backing. The list is sorted and without overlap; neighbours that
 * are alike are merged as Linux merges them, since /proc/self/maps and the errors of partial operations show it.
 */
import type { SharedObject } from "./shared-object.ts";

/** What a mapping needs of the inode behind it. */
export interface MappedInode {
  readonly ino: number;
  /** Open files, and mappings, by which it may be written to. */
  readonly writers?: number;
  /** Bytes read, fewer only at the end of the file. */
  read(position: number, into: Uint8Array): number;
  write(position: number, from: Uint8Array): number;
  /** Space for bytes that are about to be written; false if there is none. Absent: there always is. */
  reserve?(position: number, length: number): boolean;
  /** The next position from there on that has data (or is a hole), for mincore(2). Absent: all is data. */
  seekData?(position: number, hole: boolean): number | undefined;
  /** fallocate(2), for MADV_REMOVE. Absent: holes cannot be punched. */
  allocate?(mode: number, offset: number, length: number): void;
  /** F_SEAL_* of a memfd. */
  readonly seals?: number | undefined;
  /** Shared mappings that may write to it, or be made to: while there are any it cannot be sealed against writing. */
  writableMappings?: number;
  attributes(): { readonly size: number; readonly dev: number; readonly ino: number };
}

/** What a mapping keeps of the open file; an open file of the VFS has this shape. */
export interface MappedFile {
  readonly inode: MappedInode;
  /** O_* flags; the access mode counts. */
  readonly flags: number;
  /** False on a file system mounted noexec. */
  readonly mayExecute?: boolean;
  /** False for what cannot be mapped: directories, pipes, most devices. */
  readonly mappable?: boolean;
  /** /dev/zero: a mapping of it is anonymous memory. */
  readonly zeroes?: boolean;
  /** An address space begins (true) or ceases to have it as its program: nobody may write to it meanwhile. */
  executed?(running: boolean): void;
  /** The path as /proc/self/maps shows it. */
  describe(): string;
  references: number;
  close(): void;
}

/** Flags of a Vma besides its protection. May* is what mprotect may still give. */
export const VmFlag = {
  /** Writes go to the shared object. */
  Shared: 1,
  /** Was mapped MAP_SHARED, even if of a file that is open for reading only. */
  MayShare: 2,
  GrowsDown: 4,
  NoReserve: 8,
  Locked: 0x10,
  MayRead: 0x20,
  MayWrite: 0x40,
  MayExec: 0x80,
  DontFork: 0x100,
  WipeOnFork: 0x200,
  DontExpand: 0x400,
  DontDump: 0x800,
  RandomRead: 0x1000,
  SequentialRead: 0x2000,
  HugePage: 0x4000,
  NoHugePage: 0x8000,
  Mergeable: 0x1_0000,
  /** Was private and writable once: counts against the memory there is. Decides about merging, as in Linux. */
  Account: 0x2_0000,
  /** mseal(2): not to be unmapped, moved or protected otherwise. */
  Sealed: 0x4_0000,
  /** MLOCK_ONFAULT, with Locked: pages are locked as they come, none is made to. */
  LockedOnFault: 0x8_0000,
} as const;

/** May* flags of memory that is not a file's. */
export const ANONYMOUS_FLAGS: number = VmFlag.MayRead | VmFlag.MayWrite | VmFlag.MayExec;

/** vm.max_map_count */
export const MAX_MAP_COUNT = 65530;

/** Free pages kept between a stack that grows down and the mapping below: stack_guard_gap, 256 pages. */
export const STACK_GUARD_GAP = 0x10_0000;

export interface Backing {
  readonly file: MappedFile | null;
  /** Holder of the contents for MAP_SHARED. */
  readonly shared: SharedObject | null;
  /** Position in the file or shared object of the mapping's first byte. */
  readonly offset: number;
  /** File position from which on the mapping reads as zero: the start of .bss in the last page of a data segment. */
  readonly fileLimit: number;
  /** For mappings of the kernel's own, such as "[vdso]". */
  readonly name: string;
}

export const ANONYMOUS: Backing = {
  file: null,
  shared: null,
  offset: 0,
  fileLimit: Number.POSITIVE_INFINITY,
  name: "",
};

export class Vma implements Backing {
  start: number;
  end: number;
  /** PROT_READ, PROT_WRITE, PROT_EXEC. */
  prot: number;
  flags: number;
  readonly file: MappedFile | null;
  readonly shared: SharedObject | null;
  offset: number;
  readonly fileLimit: number;
  readonly name: string;

  constructor(start: number, end: number, prot: number, flags: number, backing: Backing) {
    this.start = start;
    this.end = end;
    this.prot = prot;
    this.flags = flags;
    this.file = backing.file;
    this.shared = backing.shared;
    this.offset = backing.offset;
    this.fileLimit = backing.fileLimit;
    this.name = backing.name;
  }

  /** Lowest address that a neighbour below may not reach: vm_start_gap(). */
  get startGap(): number {
    return this.flags & VmFlag.GrowsDown ? Math.max(0, this.start - STACK_GUARD_GAP) : this.start;
  }

  get isAnonymousPrivate(): boolean {
    return this.file === null && this.shared === null;
  }

  /** Position in the backing of the byte at `address`. */
  positionOf(address: number): number {
    return this.offset + (address - this.start);
  }

  /** True if `next`, which begins where this ends, is more of the same. */
  continues(next: Vma): boolean {
    return (
      this.end === next.start &&
      this.prot === next.prot &&
      this.flags === next.flags &&
      this.file === next.file &&
      this.shared === next.shared &&
      this.fileLimit === next.fileLimit &&
      this.name === next.name &&
      (this.isAnonymousPrivate || this.offset + (this.end - this.start) === next.offset)
    );
  }
}

const MAY_WRITE_SHARED = VmFlag.Shared | VmFlag.MayWrite;

function countWritable(vma: Vma, file: MappedFile, change: 1 | -1): void {
  if ((vma.flags & MAY_WRITE_SHARED) !== MAY_WRITE_SHARED) return;
  file.inode.writableMappings = (file.inode.writableMappings ?? 0) + change;
}

function retain(vma: Vma): void {
  const { file } = vma;
  if (file === null) return;
  file.references++;
  countWritable(vma, file, 1);
}

function release(vma: Vma): void {
  const { file } = vma;
  if (file === null) return;
  countWritable(vma, file, -1);
  if (--file.references === 0) file.close();
}

/** The sorted mappings of an address space. Each holds one reference to its file. */
export class VmaList {
  readonly #list: Vma[] = [];
  #bytes = 0;

  /** Bytes that are mapped. */
  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#list.length;
  }

  at(index: number): Vma | undefined {
    return this.#list[index];
  }

  [Symbol.iterator](): IterableIterator<Vma> {
    return this.#list.values();
  }

  /** Index of the first mapping that ends above `address`: find_vma(). */
  indexFrom(address: number): number {
    const list = this.#list;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((list[middle] as Vma).end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The mapping that contains `address`. */
  find(address: number): Vma | undefined {
    const vma = this.#list[this.indexFrom(address)];
    return vma !== undefined && vma.start <= address ? vma : undefined;
  }

  /** The first mapping that overlaps [start, end). */
  firstIn(start: number, end: number): Vma | undefined {
    const vma = this.#list[this.indexFrom(start)];
    return vma !== undefined && vma.start < end ? vma : undefined;
  }

  /** True if every byte of [start, end) is mapped. */
  covers(start: number, end: number): boolean {
    let at = start;
    for (let i = this.indexFrom(start); at < end; i++) {
      const vma = this.#list[i];
      if (vma === undefined || vma.start > at) return false;
      at = vma.end;
    }
    return true;
  }

  /** Adds a mapping where nothing is, and merges it with its neighbours. Returns the mapping that now covers it. */
  insert(vma: Vma): Vma {
    retain(vma);
    this.#bytes += vma.end - vma.start;
    const index = this.indexFrom(vma.start);
    this.#list.splice(index, 0, vma);
    return this.#mergeAround(index);
  }

  /** Cuts at `address`, so that no mapping spans it. */
  split(address: number): void {
    const index = this.indexFrom(address);
    const vma = this.#list[index];
    if (vma === undefined || vma.start >= address) return;
    const upper = new Vma(address, vma.end, vma.prot, vma.flags, vma);
    if (!vma.isAnonymousPrivate) upper.offset = vma.positionOf(address);
    vma.end = address;
    retain(upper);
    this.#list.splice(index + 1, 0, upper);
  }

  /** Takes out all mappings within [start, end), cutting those that reach across its borders. */
  remove(start: number, end: number): Vma[] {
    this.split(start);
    this.split(end);
    const from = this.indexFrom(start);
    let to = from;
    while (to < this.#list.length && (this.#list[to] as Vma).start < end) to++;
    const removed = this.#list.splice(from, to - from);
    for (const vma of removed) {
      this.#bytes -= vma.end - vma.start;
      release(vma);
    }
    return removed;
  }

  /**
   * Changes the mappings within [start, end), cut at its borders, one by one, and merges afterwards (also if `change`
   * throws, which leaves the earlier ones changed, as Linux does).
   */
  update(start: number, end: number, change: (vma: Vma) => void): void {
    this.split(start);
    this.split(end);
    try {
      for (let i = this.indexFrom(start); i < this.#list.length; i++) {
        const vma = this.#list[i] as Vma;
        if (vma.start >= end) break;
        change(vma);
      }
    } finally {
      this.#mergeWithin(start, end);
    }
  }

  /** Moves the lower border of a stack. */
  growDown(vma: Vma, start: number): void {
    if (!vma.isAnonymousPrivate) vma.offset -= vma.start - start;
    this.#bytes += vma.start - start;
    vma.start = start;
    this.#mergeWithin(start, vma.end);
  }

  /** Extends `vma` to `end`, where nothing is. */
  extend(vma: Vma, end: number): void {
    this.#bytes += end - vma.end;
    vma.end = end;
    this.#mergeWithin(vma.start, end);
  }

  #mergeAround(index: number): Vma {
    const list = this.#list;
    let vma = list[index] as Vma;
    const next = list[index + 1];
    if (next?.start === vma.end && vma.continues(next)) {
      vma.end = next.end;
      list.splice(index + 1, 1);
      release(next);
    }
    const before = list[index - 1];
    if (before?.continues(vma)) {
      before.end = vma.end;
      list.splice(index, 1);
      release(vma);
      vma = before;
    }
    return vma;
  }

  #mergeWithin(start: number, end: number): void {
    let i = Math.max(0, this.indexFrom(start) - 1);
    while (i + 1 < this.#list.length) {
      const vma = this.#list[i] as Vma;
      const next = this.#list[i + 1] as Vma;
      if (vma.start > end) break;
      if (vma.continues(next)) {
        vma.end = next.end;
        this.#list.splice(i + 1, 1);
        release(next);
      } else i++;
    }
  }
}
