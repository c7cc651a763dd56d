/**
 * An address space: mappings, the pages behind them, and the memory that both live in.
 *
 * Mappings (vma.ts) say what the guest may do; the page table's bytes (layout.ts) what it may do without asking. A page
 * gets its byte at the first access to it: `handleFault` finds the mapping, checks, fetches contents, sets the byte.
 *
 * Invariants:
 * - a page that is not Present, or Inherited, is all zero in memory, so anonymous memory needs no work but the byte;
 * - a Present page lies in a mapping; unmapping clears bytes and contents;
 * - page bytes are set in `#setPage` alone, which keeps Write off pages with Code, off clean copies of shared pages, and off
 *   pages that a fork has left shared.
 *
 * The layout follows Linux's on x86_64, folded into 4 GiB: program and brk area low, stack on top, mmap area below the
 * stack from the top down.
 *
 *     MMAP_MIN_ADDR ... program, [heap] -> ... <- mmap area | gap | <- [stack] | TASK_SIZE
 */
import { EINVAL, ENOMEM, errno } from "../abi/errno.ts";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PR_MDWE_NO_INHERIT,
  PROT_EXEC,
  PROT_GROWSDOWN,
  PROT_GROWSUP,
  PROT_READ,
  PROT_SEM,
  PROT_WRITE,
} from "../abi/mman.ts";
import * as advice from "./advice.ts";
import { PageSharing } from "./copy-on-write.ts";
import { type FaultResult, faultIn } from "./fault.ts";
import { type Access, GuestAccessor } from "./guest-access.ts";
import type { GuestMemory } from "./guest-memory.ts";
import {
  alignDown,
  alignUp,
  CONTEXT_OFFSET,
  CONTEXT_SIZE,
  GUEST_LIMIT,
  PAGE_SHIFT,
  PAGE_SIZE,
  PageBits,
  TASK_SIZE,
} from "./layout.ts";
import { fill } from "./lock.ts";
import type { MemoryPool } from "./memory-pool.ts";
import { mapRegion } from "./mmap.ts";
import { remap } from "./mremap.ts";
import type { SharedFile } from "./shared-object.ts";
import { SharedPages } from "./shared-pages.ts";
import {
  ANONYMOUS,
  ANONYMOUS_FLAGS,
  MAX_MAP_COUNT,
  type MappedFile,
  STACK_GUARD_GAP,
  Vma,
  VmaList,
  VmFlag,
} from "./vma.ts";

/** Linux leaves at least this much, and at most 5/6 of everything, below the top for the stack. */
const STACK_GAP_MIN = 128 << 20;
const STACK_GAP_MAX: number = Math.floor(TASK_SIZE / 6) * 5;

/** Resource limits in bytes; the kernel keeps them current (prlimit). */
export interface MemoryLimits {
  /** RLIMIT_AS */
  addressSpace: number;
  /** RLIMIT_DATA */
  data: number;
  /** RLIMIT_STACK */
  stack: number;
}

export const NO_LIMITS: Readonly<MemoryLimits> = {
  addressSpace: Number.POSITIVE_INFINITY,
  data: Number.POSITIVE_INFINITY,
  stack: 8 << 20,
};

/** The engine at work in the address space: what of cpu/core.ts matters here. */
export interface AttachedCore {
  invalidate(start: number, end: number): void;
  fork(child: GuestMemory): unknown;
  detach(): void;
}

export interface AddressSpaceOptions {
  readonly limits?: MemoryLimits;
  /** Bytes to lower the top of the stack and the mmap area by, page aligned: address space randomisation. */
  readonly stackShift?: number;
  readonly mmapShift?: number;
}

/** Page bits by PROT_*: as on x86 without protection keys, whatever may be written or executed may be read. */
const PROTECTION_BITS: readonly number[] = Array.from({ length: 8 }, (_, prot) => {
  let bits = 0;
  if (prot !== 0) bits |= PageBits.Read;
  if (prot & PROT_WRITE) bits |= PageBits.Write;
  if (prot & PROT_EXEC) bits |= PageBits.Exec;
  return bits;
});

export class AddressSpace<Core extends AttachedCore = AttachedCore> extends GuestAccessor {
  readonly pool: MemoryPool;
  readonly vmas: VmaList = new VmaList();
  /** The kernel keeps this current. */
  limits: MemoryLimits;
  /** Top of the area for mappings without a fixed address. */
  mmapBase: number;
  /** Where the initial stack ends. */
  readonly stackTop: number;
  /** The brk area: set by the loader, moved by brk. */
  startBrk = 0;
  currentBrk = 0;
  /** For /proc/pid/stat and the name of the stack's mapping; set by the loader. */
  startStack = 0;
  startCode = 0;
  endCode = 0;
  startData = 0;
  endData = 0;
  argStart = 0;
  argEnd = 0;
  envStart = 0;
  envEnd = 0;
  /** Where the vdso is mapped; 0 if it is not. */
  vdso = 0;
  /** The auxiliary vector as it was put on the stack, for /proc/pid/auxv. */
  auxv: Uint8Array = new Uint8Array(0);
  /** The file that was executed, for /proc/pid/exe. */
  executable: MappedFile | null = null;
  /** READ_IMPLIES_EXEC of the personality: mmap adds PROT_EXEC to PROT_READ. */
  readImpliesExec = false;
  /** mlockall(MCL_FUTURE): VmFlag.Locked and LockedOnFault as new mappings get them. */
  futureFlags = 0;
  /** prctl(PR_SET_MDWE): PR_MDWE_*. */
  denyWriteExec = 0;
  core: Core | null = null;
  /** Largest number of mapped and of present pages so far: VmPeak, VmHWM. */
  peakPages = 0;
  peakPresent = 0;
  readonly #shared: SharedPages;
  readonly #sharing: PageSharing;
  #memory: GuestMemory | null;
  #present = 0;
  /** Pages populated in all its life: at most so many does the host hold for this memory. */
  #populated = 0;
  /** The memory will not be used again: its pages need not be cleared. */
  #discarded = false;
  #users = 1;

  constructor(pool: MemoryPool, options: AddressSpaceOptions = {}) {
    super();
    this.pool = pool;
    this.limits = options.limits ?? { ...NO_LIMITS };
    this.stackTop = TASK_SIZE - (options.stackShift ?? 0);
    const wanted = this.limits.stack + STACK_GUARD_GAP + (options.stackShift ?? 0);
    const gap = Math.min(Math.max(wanted, STACK_GAP_MIN), STACK_GAP_MAX);
    this.mmapBase = alignDown(TASK_SIZE - gap - (options.mmapShift ?? 0));
    this.#memory = pool.acquire();
    this.#shared = new SharedPages({
      bytes: (page) => this.memory.u8.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE),
      setWritable: (page, writable) => {
        const vma = this.vmas.find(page * PAGE_SIZE);
        if (vma) this.#setPage(page, vma, writable);
      },
      evict: (page) => this.#clearRun(page, page + 1),
      contentsChanged: (page) => this.#invalidateCode(page, page + 1),
    });
    this.#sharing = new PageSharing(pool.sharers, {
      bytes: (page) => this.memory.bytes(page * PAGE_SIZE, PAGE_SIZE),
      received: (page, writable) => this.#fetched(page, writable),
    });
  }

  get memory(): GuestMemory {
    if (this.#memory === null) throw new Error("the address space has ended");
    return this.#memory;
  }

  /** Pages with contents: the resident set. */
  get presentPages(): number {
    return this.#present;
  }

  /** Pages that are mapped: VmSize. */
  get totalPages(): number {
    return this.vmas.bytes / PAGE_SIZE;
  }

  // --- life -----------------------------------------------------------------------------------------------------------

  /** One more process uses it (CLONE_VM). */
  share(): this {
    this.#users++;
    return this;
  }

  get users(): number {
    return this.#users;
  }

  /** One user less; with the last one everything is given back. */
  release(): void {
    if (--this.#users > 0) return;
    const memory = this.memory;
    this.#shared.flush();
    this.core?.detach();
    this.core = null;
    const last = this.vmas.at(this.vmas.count - 1);
    this.#discarded = !this.pool.keeps(memory, this.#populated);
    if (last) this.unmap(0, last.end);
    this.#sharing.end();
    memory.clear(CONTEXT_OFFSET, CONTEXT_OFFSET + CONTEXT_SIZE);
    this.pool.deactivate(this);
    this.pool.release(memory, this.#populated);
    this.#memory = null;
    const file = this.executable;
    file?.executed?.(false);
    if (file && --file.references === 0) file.close();
    this.executable = null;
  }

  /** Sets the file shown as /proc/pid/exe; holds a reference to it. */
  setExecutable(file: MappedFile): void {
    file.references++;
    file.executed?.(true);
    this.executable = file;
  }

  /** To be called when a task of this address space is about to run after one of another (MemoryPool.activate does). */
  enter(): void {
    this.#shared.refresh(this.pool.generation);
  }

  leave(): void {
    this.#shared.flush();
  }

  flushShared(object: SharedFile): void {
    this.#shared.flush(object);
  }

  /** A copy for fork(2). ENOMEM if the budget does not allow it. */
  fork(): AddressSpace<Core> {
    const { pool } = this;
    this.#shared.flush();
    const child = new AddressSpace<Core>(pool, {
      limits: { ...this.limits },
      stackShift: TASK_SIZE - this.stackTop,
    });
    child.mmapBase = this.mmapBase;
    for (const key of LAYOUT_FIELDS) child[key] = this[key];
    child.auxv = this.auxv;
    child.readImpliesExec = this.readImpliesExec;
    if ((this.denyWriteExec & PR_MDWE_NO_INHERIT) === 0) child.denyWriteExec = this.denyWriteExec;
    if (this.executable) child.setExecutable(this.executable);
    const from = this.memory;
    const to = child.memory;
    const lazily = this.#present > pool.copyAtFork && this.#sharing.join() && child.#sharing.join();
    for (const vma of this.vmas) {
      if (vma.flags & VmFlag.DontFork) continue;
      child.vmas.insert(
        new Vma(vma.start, vma.end, vma.prot, vma.flags & ~(VmFlag.Locked | VmFlag.LockedOnFault), vma),
      );
      // Shared pages are fetched again by the child when it touches them; wiped ones are zero.
      if (vma.shared || vma.flags & VmFlag.WipeOnFork) continue;
      const end = vma.end >>> PAGE_SHIFT;
      for (let run = this.nextRun(vma.start >>> PAGE_SHIFT, end); run !== null; run = this.nextRun(run[1], end)) {
        if (!this.#forkRun(child, run[0], run[1], lazily)) {
          child.release();
          throw errno(ENOMEM);
        }
      }
    }
    child.#notePeak();
    to.raw.set(from.raw.subarray(CONTEXT_OFFSET, CONTEXT_OFFSET + CONTEXT_SIZE), CONTEXT_OFFSET);
    to.forgetStackWindow();
    if (this.core) {
      child.core = this.core.fork(to) as Core;
      this.#forgetUncopiedCode(child);
    }
    return child;
  }

  /**
   * Gives the child the present pages [first, last) of a private mapping: as copies, or `lazily`. Those are copied all the same
   * that the engine has code of, which the child's engine has too, and those that follow a file. False: the budget is used up.
   */
  #forkRun(child: AddressSpace<Core>, first: number, last: number, lazily: boolean): boolean {
    const { pages } = this.memory;
    // What is inherited here, the child inherits as well.
    const shares = (page: number): boolean => {
      const bits = pages[page] as number;
      if (bits & PageBits.Inherited) return true;
      return lazily && (bits & PageBits.Code) === 0 && !this.#shared.has(page);
    };
    let start = first;
    while (start < last) {
      const shared = shares(start);
      let end = start + 1;
      while (end < last && shares(end) === shared) end++;
      if (shared) {
        if (!child.#sharing.join()) return false;
        this.#shareRun(child, start, end);
      } else if (!this.pool.commit(end - start)) return false;
      else this.#copyRun(child, start, end);
      child.#present += end - start;
      start = end;
    }
    return true;
  }

  #copyRun(child: AddressSpace<Core>, first: number, last: number): void {
    const { memory: from } = this;
    const { memory: to } = child;
    to.u8.set(from.u8.subarray(first * PAGE_SIZE, last * PAGE_SIZE), first * PAGE_SIZE);
    to.pages.set(from.pages.subarray(first, last), first);
    // The page after the run may be another one here.
    to.rightsTaken(last);
    child.#populated += last - first;
  }

  #shareRun(child: AddressSpace<Core>, first: number, last: number): void {
    const { pages } = this.memory;
    for (let page = first; page < last; page++) {
      this.#sharing.share(page, child.#sharing);
      pages[page] = (pages[page] as number) & ~(PageBits.Write | PageBits.WriteOn);
    }
    this.memory.rightsTaken(first);
    child.memory.pages.fill(PageBits.Present | PageBits.Inherited, first, last);
  }

  /** How many processes have this present page between them, because of a fork, and none has touched it since. */
  sharersOf(page: number): number {
    return this.#sharing.members(page);
  }

  /** Code that the parent's engine knew in pages that the child did not get. */
  #forgetUncopiedCode(child: AddressSpace<Core>): void {
    const { pages } = this.memory;
    for (const vma of this.vmas) {
      if (!vma.shared && !(vma.flags & (VmFlag.WipeOnFork | VmFlag.DontFork))) continue;
      for (let page = vma.start >>> PAGE_SHIFT; page < vma.end >>> PAGE_SHIFT; page++) {
        if ((pages[page] as number) & PageBits.Code) child.core?.invalidate(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
      }
    }
  }

  // --- pages ----------------------------------------------------------------------------------------------------------

  /** The next run of present pages in [page, end), as [first, last), or null. */
  nextRun(page: number, end: number): [number, number] | null {
    const { pages } = this.memory;
    let first = page;
    while (first < end && ((pages[first] as number) & PageBits.Present) === 0) {
      // Large reservations are mostly empty: four page bytes at a time.
      if ((first & 3) === 0) {
        const { pageWords } = this.memory;
        while (first < end && pageWords[first >>> 2] === 0) first += 4;
        if (first < end && (pages[first] as number) & PageBits.Present) break;
      }
      first++;
    }
    if (first >= end) return null;
    let last = first + 1;
    while (last < end && (pages[last] as number) & PageBits.Present) last++;
    return [first, last];
  }

  /** The one place where a page byte is set. */
  #setPage(page: number, vma: Vma, writable: boolean): void {
    const { pages } = this.memory;
    if ((pages[page] as number) & PageBits.Inherited) return;
    let bits = PageBits.Present | (PROTECTION_BITS[vma.prot & 7] as number);
    if (!writable || this.#sharing.has(page)) bits &= ~PageBits.Write;
    if ((pages[page] as number) & PageBits.Code) {
      if (bits & PageBits.Exec) bits = (bits & ~PageBits.Write) | PageBits.Code;
      else this.core?.invalidate(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    }
    pages[page] = bits;
    this.memory.rightsChanged(page);
  }

  /** Makes room in the budget for pages that are about to be populated. */
  commitPages(count: number): boolean {
    return this.pool.commit(count);
  }

  /** Gives a page whose contents are in place its byte. The budget has been asked. */
  setPresent(page: number, vma: Vma): void {
    this.#setPage(page, vma, vma.shared === null && !this.#shared.has(page));
    this.#present++;
    this.#populated++;
  }

  #notePeak(): void {
    if (this.#present > this.peakPresent) this.peakPresent = this.#present;
  }

  /** Fetches one shared page. False: beyond the end of its file. */
  populateShared(page: number, vma: Vma): boolean {
    const shared = vma.shared;
    if (shared === null) throw new Error("not a shared mapping");
    if (!this.#shared.populate(page, shared, vma.positionOf(page * PAGE_SIZE) / PAGE_SIZE)) return false;
    this.setPresent(page, vma);
    return true;
  }

  /**
   * Fetches one page of a private mapping of a file that somebody may be writing to: until it is written to itself it
   * shows what becomes of the file. False: beyond the end of the file.
   */
  populateUnchanged(page: number, vma: Vma, file: MappedFile): boolean {
    const object = this.pool.sharedFile(file.inode);
    if (!this.#shared.populate(page, object, vma.positionOf(page * PAGE_SIZE) / PAGE_SIZE)) return false;
    this.setPresent(page, vma);
    return true;
  }

  /** An inherited page is touched. False: the budget is used up. */
  fetchInherited(page: number, vma: Vma): boolean {
    if (!this.pool.commit(1)) return false;
    this.#sharing.fetch(page);
    this.#fetched(page, true, vma);
    return true;
  }

  /** The bytes of an inherited page are in place. */
  #fetched(page: number, writable: boolean, vma: Vma | undefined = this.vmas.find(page * PAGE_SIZE)): void {
    if (vma === undefined) throw new Error("a page without a mapping");
    this.memory.pages[page] = PageBits.Present;
    this.#populated++;
    this.#setPage(page, vma, writable);
  }

  /**
   * A present page is about to be written and its mapping allows it: sets Write, and does what must come first. False: the
   * budget is used up.
   */
  allowWrite(page: number, vma: Vma): boolean {
    if (this.#sharing.has(page)) {
      if (!this.pool.commit(1)) return false;
      this.#sharing.leave(page);
    }
    this.#invalidateCode(page, page + 1);
    if (vma.shared) this.#shared.markDirty(page);
    else this.#shared.leave(page);
    this.#setPage(page, vma, true);
    return true;
  }

  /** Tells the engine of a change of the code it has seen in these pages. */
  #invalidateCode(first: number, last: number): void {
    const { pages } = this.memory;
    let seen = false;
    for (let page = first; page < last; page++) {
      if ((pages[page] as number) & PageBits.Code) {
        seen = true;
        pages[page] = (pages[page] as number) & ~PageBits.Code;
      }
    }
    if (seen) this.core?.invalidate(first * PAGE_SIZE, last * PAGE_SIZE);
  }

  /** Makes a run of present pages absent and zero. */
  #clearRun(first: number, last: number): void {
    const { memory } = this;
    this.#invalidateCode(first, last);
    if (this.#sharing.count === 0) this.#clearOwn(first, last);
    else {
      // Nothing is to be cleared of what is inherited; what is held is others' now.
      let start = first;
      for (let page = first; page < last; page++) {
        const inherited = ((memory.pages[page] as number) & PageBits.Inherited) !== 0;
        if (this.#sharing.has(page) && this.#sharing.leave(page)) this.pool.commitAnyway(1);
        if (!inherited) continue;
        this.#clearOwn(start, page);
        start = page + 1;
      }
      this.#clearOwn(start, last);
    }
    memory.pages.fill(0, first, last);
    memory.rightsTaken(first);
    this.#present -= last - first;
  }

  /** Clears pages that are in this memory. */
  #clearOwn(first: number, last: number): void {
    if (first === last) return;
    if (!this.#discarded) this.memory.clearGuest(first * PAGE_SIZE, last * PAGE_SIZE);
    this.pool.uncommit(last - first);
  }

  /** Drops the pages of [start, end): the next access fetches them anew. */
  dropPages(vma: Vma, start: number, end: number): void {
    const lastPage = end >>> PAGE_SHIFT;
    this.#notePeak();
    let run = this.nextRun(start >>> PAGE_SHIFT, lastPage);
    while (run) {
      const [first, last] = run;
      if (vma.shared || vma.file) for (let page = first; page < last; page++) this.#shared.drop(page);
      this.#clearRun(first, last);
      run = this.nextRun(last, lastPage);
    }
  }

  /** Moves the present pages of a private mapping; the new place is mapped and has none. */
  movePages(from: number, to: number, length: number, target: Vma): void {
    const { memory } = this;
    const end = (from + length) >>> PAGE_SHIFT;
    let run = this.nextRun(from >>> PAGE_SHIFT, end);
    while (run) {
      const [first, last] = run;
      this.#unshare(first, last);
      memory.u8.copyWithin(to + (first * PAGE_SIZE - from), first * PAGE_SIZE, last * PAGE_SIZE);
      for (let page = first; page < last; page++) this.#shared.leave(page);
      // The budget's count stays: it moves with the pages.
      this.#invalidateCode(first, last);
      memory.clearGuest(first * PAGE_SIZE, last * PAGE_SIZE);
      memory.pages.fill(0, first, last);
      memory.rightsTaken(first);
      this.#present -= last - first;
      const shift = (to - from) / PAGE_SIZE;
      for (let page = first; page < last; page++) this.setPresent(page + shift, target);
      run = this.nextRun(last, end);
    }
  }

  /** Makes the space's own what a fork has left shared of [first, last). */
  #unshare(first: number, last: number): void {
    for (let page = first; page < last; page++) {
      if (!this.#sharing.has(page)) continue;
      this.pool.commitAnyway(1);
      if ((this.memory.pages[page] as number) & PageBits.Inherited) {
        this.#sharing.fetch(page);
        this.#fetched(page, true);
      } else this.#sharing.leave(page);
    }
  }

  /** Writes dirty shared pages to their objects, as msync(MS_SYNC). */
  syncShared(): void {
    this.#shared.flush();
  }

  // --- faults ---------------------------------------------------------------------------------------------------------

  /** An access that its page byte did not allow: by guest code, or by the kernel. */
  handleFault(address: number, access: Access): FaultResult {
    const result = faultIn(this, address, access);
    this.#notePeak();
    return result;
  }

  /** A page is there that may be read, which is what the processor calls present: nothing under PROT_NONE is. */
  isReadable(address: number): boolean {
    return (
      address >= 0 &&
      address < GUEST_LIMIT &&
      ((this.memory.pages[address >>> PAGE_SHIFT] as number) & PageBits.Read) !== 0
    );
  }

  protected override resolve(address: number, access: Access): boolean {
    return this.handleFault(address, access).ok;
  }

  // --- mappings -------------------------------------------------------------------------------------------------------

  /** Pages that may still be mapped under RLIMIT_AS and RLIMIT_DATA: may_expand_vm(). */
  mayExpand(bytes: number, prot: number, flags: number): boolean {
    const { addressSpace, data } = this.limits;
    if (addressSpace !== Number.POSITIVE_INFINITY && this.totalPages * PAGE_SIZE + bytes > addressSpace) return false;
    if (data === Number.POSITIVE_INFINITY || !isData(prot, flags)) return true;
    let used = 0;
    for (const vma of this.vmas) if (isData(vma.prot, vma.flags)) used += vma.end - vma.start;
    return used + bytes <= data;
  }

  /** mmap(2). `file` is null for MAP_ANONYMOUS; returns the address or throws. */
  mmap(
    address: number,
    length: number,
    prot: number,
    flags: number,
    file: MappedFile | null = null,
    offset = 0,
  ): number {
    return mapRegion(this, address, length, prot, flags, file, offset);
  }

  /**
   * map_deny_write_exec(): no memory is to be executable that may be, or could have been, written to.
   * @param had the protection so far
   */
  refusesExec(prot: number, had: number = prot): boolean {
    if (this.denyWriteExec === 0 || (prot & PROT_EXEC) === 0) return false;
    return (prot & PROT_WRITE) !== 0 || (had & PROT_EXEC) === 0;
  }

  /** Adds a mapping in a place that is free. */
  addMapping(vma: Vma): Vma {
    const added = this.vmas.insert(vma);
    const total = this.totalPages;
    if (total > this.peakPages) this.peakPages = total;
    return added;
  }

  /** Unmaps [start, end), both page aligned, whatever is there. */
  unmap(start: number, end: number): void {
    for (;;) {
      const vma = this.vmas.firstIn(start, end);
      if (vma === undefined) return;
      const from = Math.max(start, vma.start);
      const to = Math.min(end, vma.end);
      this.dropPages(vma, from, to);
      this.vmas.remove(from, to);
    }
  }

  munmap(start: number, length: number): void {
    if (start % PAGE_SIZE !== 0 || !(start >= 0 && start <= TASK_SIZE) || length > TASK_SIZE - start)
      throw errno(EINVAL);
    const end = start + alignUp(length);
    if (end === start) throw errno(EINVAL);
    const vma = this.vmas.firstIn(start, end);
    // Punching a hole makes one mapping more.
    if (vma && vma.start < start && vma.end > end && this.vmas.count >= MAX_MAP_COUNT) throw errno(ENOMEM);
    this.unmap(start, end);
  }

  mprotect(address: number, length: number, prot: number): void {
    const grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
    if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) throw errno(EINVAL);
    if (address % PAGE_SIZE !== 0) throw errno(EINVAL);
    if (length === 0) return;
    const end = address + alignUp(length);
    if (end >= 2 ** 64) throw errno(ENOMEM);
    let access = prot & ~grows;
    if (access & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)) throw errno(EINVAL);
    if (this.readImpliesExec && access & PROT_READ) access |= PROT_EXEC;
    advice.protect(this, address, end, access & 7, grows);
  }

  /** Gives the present pages of a mapping the bytes that its protection now asks for. */
  reprotect(vma: Vma): void {
    const end = vma.end >>> PAGE_SHIFT;
    let run = this.nextRun(vma.start >>> PAGE_SHIFT, end);
    while (run) {
      const [first, last] = run;
      // A shared page that is dirty loses Write here and gets it back with the next write.
      for (let page = first; page < last; page++) {
        this.#setPage(page, vma, vma.shared === null && !this.#shared.has(page));
      }
      run = this.nextRun(last, end);
    }
  }

  mremap(address: number, oldLength: number, newLength: number, flags: number, newAddress = 0): number {
    return remap(this, address, oldLength, newLength, flags, newAddress);
  }

  madvise(start: number, length: number, behavior: number): void {
    advice.advise(this, start, length, behavior);
  }

  msync(start: number, length: number, flags: number): void {
    advice.sync(this, start, length, flags);
  }

  /** One byte per page, 1 for a resident one. */
  mincore(start: number, length: number): Uint8Array {
    return advice.residency(this, start, length);
  }

  /** brk(2): the new break, or the old one where it cannot be had. */
  brk(address: number): number {
    const { startBrk, currentBrk } = this;
    if (!(address >= startBrk)) return currentBrk;
    if (address - startBrk + (this.endData - this.startData) > this.limits.data) return currentBrk;
    if (!(address < TASK_SIZE)) return currentBrk;
    const oldEnd = alignUp(currentBrk);
    const newEnd = alignUp(address);
    if (newEnd < oldEnd) this.unmap(newEnd, oldEnd);
    else if (newEnd > oldEnd) {
      const next = this.vmas.at(this.vmas.indexFrom(oldEnd));
      if (next !== undefined && newEnd + PAGE_SIZE > next.startGap) return currentBrk;
      const prot = PROT_READ | PROT_WRITE;
      if (!this.mayExpand(newEnd - oldEnd, prot, 0) || this.vmas.count >= MAX_MAP_COUNT) return currentBrk;
      if (!this.roomFor(newEnd - oldEnd)) return currentBrk;
      const flags = ANONYMOUS_FLAGS | VmFlag.Account | this.futureFlags;
      fill(this, this.addMapping(new Vma(oldEnd, newEnd, prot, flags, ANONYMOUS)), oldEnd, newEnd);
    }
    this.currentBrk = address;
    return address;
  }

  /** Overcommit, as vm.overcommit_memory 0: refuses only what could never be populated. */
  roomFor(bytes: number): boolean {
    return bytes / PAGE_SIZE <= this.pool.limitPages - this.pool.committedPages;
  }

  /**
   * A private file mapping at a fixed place, for the loader, replacing what is there.
   * @param fileLimit position in the file from which on the mapping reads as zero
   */
  mapFile(start: number, end: number, prot: number, file: MappedFile, offset: number, fileLimit: number): void {
    this.unmap(start, end);
    const backing = { file, shared: null, offset, fileLimit, name: "" };
    const flags = ANONYMOUS_FLAGS | (prot & PROT_WRITE ? VmFlag.Account : 0);
    this.addMapping(new Vma(start, end, prot, flags, backing));
  }

  /** A private anonymous mapping at a fixed place, for the loader. */
  mapAnonymous(start: number, end: number, prot: number): void {
    this.mmap(start, end - start, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
  }

  /** Makes the stack's mapping: `size` bytes below the top of the stack, growing on demand. */
  mapStack(size: number, prot: number): void {
    const flags = ANONYMOUS_FLAGS | VmFlag.GrowsDown | VmFlag.Account;
    this.addMapping(new Vma(this.stackTop - alignUp(size), this.stackTop, prot, flags, ANONYMOUS));
  }

  /** The name of a mapping in /proc/pid/maps. */
  nameOf(vma: Vma): string {
    if (vma.file) return vma.file.describe();
    if (vma.name) return vma.name;
    if (vma.shared) return vma.shared.name;
    if (vma.start <= this.currentBrk && vma.end >= this.startBrk && this.startBrk < this.currentBrk) return "[heap]";
    if (vma.start <= this.startStack && vma.end >= this.startStack) return "[stack]";
    return "";
  }
}

const LAYOUT_FIELDS = [
  "startBrk",
  "currentBrk",
  "startStack",
  "startCode",
  "endCode",
  "startData",
  "endData",
  "argStart",
  "argEnd",
  "envStart",
  "envEnd",
  "vdso",
] as const;

function isData(prot: number, flags: number): boolean {
  return (prot & PROT_WRITE) !== 0 && (flags & (VmFlag.Shared | VmFlag.GrowsDown)) === 0;
}
