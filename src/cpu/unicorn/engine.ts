/**
 * Unicorn as an engine: QEMU's translator, the trusted second opinion.
 *
 * Guest memory is mapped into it without a copy (uc_mem_map_ptr on the WebAssembly memory), in runs of pages that have the
 * same rights, and only when the guest first touches them: a map operation costs Unicorn time that grows with the number of
 * regions. Before each entry the rights of what is mapped are compared with the page table, which the kernel may have
 * changed meanwhile.
 *
 * Code that is written to: Unicorn finishes a block as it was translated, where a processor sees what was written (Intel
 * SDM vol. 3, 8.1.3). So no page is both writable and executable in Unicorn. One that the guest may write and execute is
 * mapped for one of the two at a time; when code on it is executed it becomes PageBits.Code, as under the interpreter, and a
 * store to it is a page fault. The kernel answers that with `invalidate`; then the one instruction that stores is executed by
 * itself, with its own page writable and executable if it must be, and everything is translated anew.
 *
 * Registers live in the context (registers.ts).
 *
 * Known of Unicorn 2.0.1:
 * - An instruction pointer written inside the hook of SYSCALL ends up two bytes too far, so the hook only stops, and
 *   everything else happens outside.
 * - An exception that a hook takes care of is never over for QEMU: the next one counts as a second within the first, and
 *   arrives as a double fault. The state as it was before any exception is restored after each; all registers that a
 *   program sees are written at the next entry anyway.
 * - A load or store that fails does not end the instruction at once. One that QEMU has a helper for (FSTP of 80 bits, CMPXCHG8B,
 *   FNSAVE...) is carried on, less its store. So the registers are read in the hook, when they are those that a processor
 *   reports, and put back. (Flags and instruction pointer are in place there because every instruction has a hook: Unicorn's
 *   own that counts, or the observer's.)
 * - SETcc, RCL and RCR of memory have changed the flags when they store. If that faults they begin again with wrong ones.
 * - MASKMOVDQU and MASKMOVQ that fault report a byte's address within the operand; a store across a page's border that of its
 *   last byte; an access that reads and writes is reported as a read.
 * - IN, OUT, INS and OUTS are executed at any privilege level.
 */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { CONTEXT_OFFSET, PAGE_SIZE, PageBits } from "../../mm/layout.ts";
import { Access, type CpuCore, type CpuEngine, type IsaName, SINGLE_STEP, Trap } from "../core.ts";
import { readFlags } from "../isa/x86_64/arch.ts";
import * as ctx from "../isa/x86_64/context.ts";
import {
  type Context,
  type Handle,
  type MemoryEvent,
  MemoryEventType,
  UC_ARCH_X86,
  UC_ERR_EXCEPTION,
  UC_ERR_INSN_INVALID,
  UC_ERR_OK,
  UC_MODE_64,
  UC_X86_INS_SYSCALL,
  type UnicornApi,
} from "./api.ts";
import { RegisterFile } from "./registers.ts";
import { enterUserMode } from "./user-mode.ts";

const RIGHTS = PageBits.Read | PageBits.Write | PageBits.Exec;
const WRITABLE_CODE = PageBits.Write | PageBits.Exec;
const PAGES = 1 << 20;
/**
 * With more regions than these all are mapped anew, together with their neighbours, when they are next touched: a stack grows
 * page by page, and each page would stay a region.
 */
const MAX_REGIONS = 128;
/** Addresses from here on, and as far below 0, are not canonical (Intel SDM vol. 1, 3.3.7.1). */
const CANONICAL = 2 ** 47;
/** No instruction is longer (Intel SDM vol. 2, 2.3.11). */
const MAX_LENGTH = 15;
/** Instructions for one unit of fuel, which is a taken branch. */
const INSTRUCTIONS_PER_FUEL = 5;
const MAX_COUNT = 1_000_000;

/** Exception vectors (Intel SDM vol. 3, table 6-1). */
const VECTOR_TRAPS: Readonly<Record<number, Trap>> = {
  0: Trap.DivideError,
  1: Trap.SingleStep,
  3: Trap.Breakpoint,
  6: Trap.IllegalInstruction,
  13: Trap.GeneralProtection,
  16: Trap.X87Error,
  17: Trap.GeneralProtection,
  19: Trap.SimdError,
};

export class UnicornEngine implements CpuEngine {
  readonly name = "unicorn";
  readonly isas: readonly IsaName[] = ["x86_64"];
  readonly api: UnicornApi;

  constructor(api: UnicornApi) {
    this.api = api;
  }

  attach(memory: GuestMemory): UnicornCore {
    return new UnicornCore(this, memory);
  }
}

/** Sees what Unicorn does while it does it. */
export interface Observer {
  /** Before each instruction, and each round of a repeated one. */
  onInstruction(address: number): void;
  /** Before each store, in pieces of up to 8 bytes. */
  onStore(address: number, size: number, value: number | bigint): void;
  /** The last instruction that was reported was not completed, and begins again. */
  onRestart(): void;
}

export class UnicornCore implements CpuCore {
  readonly engine: UnicornEngine;
  faultAddress = 0;
  faultAccess: Access = Access.Read;
  instructions = 0;
  readonly #api: UnicornApi;
  readonly #memory: GuestMemory;
  readonly #handle: Handle;
  readonly #registers: RegisterFile;
  /** User mode, and no exception so far. */
  readonly #pristine: Context;
  #hadException = false;
  /** Code was dropped: the next instruction may be the one that writes to it. */
  #stepFirst = false;
  /** Rights under which each page is mapped, and the pages that are. */
  readonly #mapped: Uint8Array = new Uint8Array(PAGES);
  #regions: { first: number; count: number; rights: number }[] = [];
  #trap: Trap | undefined;
  /**
   * A page that has to be mapped outside of the hook, or -1: otherwise than it is, which Unicorn does not survive; or to be
   * executed, since what is translated before the hook returns cannot be found to be forgotten.
   */
  #stale = -1;
  /** An access has failed: of the guest, or for the sake of a stale page. */
  #failed = false;
  /** The registers when it did. */
  readonly #atFault: RegisterFile;
  #observer: Observer | undefined;

  constructor(engine: UnicornEngine, memory: GuestMemory) {
    const { api } = engine;
    this.engine = engine;
    this.#api = api;
    this.#memory = memory;
    this.#handle = api.open(UC_ARCH_X86, UC_MODE_64);
    enterUserMode(api, this.#handle);
    this.#pristine = api.saveContext(this.#handle);
    const context = memory.raw.subarray(CONTEXT_OFFSET, CONTEXT_OFFSET + ctx.X86_64_CONTEXT_SIZE);
    this.#registers = new RegisterFile(api, this.#handle, context);
    this.#atFault = this.registerFile(new Uint8Array(new ArrayBuffer(ctx.X86_64_CONTEXT_SIZE)));
    this.#addHooks();
  }

  #addHooks(): void {
    const api = this.#api;
    api.hookInstruction(this.#handle, UC_X86_INS_SYSCALL, () => {
      if (!this.#failed) this.#trap = Trap.Syscall;
      api.emuStop(this.#handle);
    });
    api.hookInterrupt(this.#handle, (vector) => {
      if (!this.#failed) this.#trap = VECTOR_TRAPS[vector] ?? Trap.GeneralProtection;
      this.#hadException = true;
      api.emuStop(this.#handle);
    });
    api.hookInvalidAccess(this.#handle, (event) => this.#invalidAccess(event));
  }

  /** Reports instructions and stores to `observer` from now on: lockstep. */
  observe(observer: Observer): void {
    this.#observer = observer;
    this.#api.hookCode(this.#handle, (address) => {
      if (!this.#failed) observer.onInstruction(address);
    });
    this.#api.hookWrite(this.#handle, (address, size, value) => {
      if (!this.#failed) observer.onStore(address, size, value);
    });
  }

  /** Room for a copy of the registers; X86_64_CONTEXT_SIZE bytes. */
  registerFile(bytes: Uint8Array): RegisterFile {
    return new RegisterFile(this.#api, this.#handle, bytes);
  }

  /** For an observer: ends `trace` before the instruction that was just reported. */
  stop(): void {
    this.#api.emuStop(this.#handle);
  }

  #invalidAccess(event: MemoryEvent): boolean {
    // The same instruction, still going on.
    if (this.#failed) return false;
    const access = accessOf(event.type);
    const allowed = this.#resolve(event, access);
    if (!allowed) {
      this.#failed = true;
      this.faultAccess = access;
      if (access !== Access.Exec) this.#atFault.read();
    }
    return allowed;
  }

  #resolve(event: MemoryEvent, access: Access): boolean {
    if (event.address >= CANONICAL || event.address < -CANONICAL) {
      this.#trap = Trap.GeneralProtection;
      return false;
    }
    const needed = access === Access.Write ? PageBits.Write : access === Access.Exec ? PageBits.Exec : PageBits.Read;
    // An access may reach into a second page; Unicorn reports where it begins.
    for (const address of [event.address, event.address + Math.max(0, event.size - 1)]) {
      const page = Math.floor(address / PAGE_SIZE);
      const rights = page >= 0 && page < PAGES ? (this.#memory.pages[page] as number) : 0;
      if ((rights & needed) === 0) {
        this.#trap = Trap.PageFault;
        this.faultAddress = address === event.address ? address : page * PAGE_SIZE;
        return false;
      }
      if (access === Access.Exec && (rights & PageBits.Write) !== 0)
        this.#memory.pages[page] = (rights & ~PageBits.Write) | PageBits.Code;
      if (this.#mapped[page] === this.#rights(page)) continue;
      if (this.#mapped[page] !== 0 || access === Access.Exec) {
        this.#stale = page;
        return false;
      }
      this.#map(page);
    }
    return true;
  }

  /** What Unicorn may do with a page: write to it or execute it. */
  #rights(page: number): number {
    const rights = (this.#memory.pages[page] as number) & RIGHTS;
    return (rights & WRITABLE_CODE) === WRITABLE_CODE ? rights & ~PageBits.Exec : rights;
  }

  /** Maps `page` together with its unmapped neighbours of the same rights. */
  #map(page: number): void {
    const rights = this.#rights(page);
    const same = (p: number): boolean => p > 0 && p < PAGES && this.#mapped[p] === 0 && this.#rights(p) === rights;
    let first = page;
    while (same(first - 1)) first--;
    let end = page + 1;
    while (same(end)) end++;
    this.#mapPages(first, end, rights);
    if ((rights & PageBits.Exec) !== 0) this.#markCode(first, end);
  }

  #mapPages(first: number, end: number, rights: number): void {
    const start = first * PAGE_SIZE;
    const bytes = this.#memory.u8.subarray(start, end * PAGE_SIZE);
    this.#api.memMapPtr(this.#handle, start, permissions(rights), bytes);
    this.#mapped.fill(rights, first, end);
    this.#regions.push({ first, count: end - first, rights });
  }

  /** Code that Unicorn may translate: a write must come to us first. */
  #markCode(first: number, end: number): void {
    const { pages } = this.#memory;
    for (let p = first; p < end; p++) pages[p] = (pages[p] as number) | PageBits.Code;
  }

  #unmapRegionOf(page: number): void {
    const index = this.#regions.findIndex((r) => page >= r.first && page < r.first + r.count);
    const region = this.#regions[index];
    if (region === undefined) return;
    this.#regions.splice(index, 1);
    this.#unmap(region.first, region.count);
  }

  /** Translations would outlive the mapping, and come back with the next one. */
  #unmap(first: number, count: number): void {
    this.#forget(first, first + count);
    this.#api.memUnmap(this.#handle, first * PAGE_SIZE, count * PAGE_SIZE);
    this.#mapped.fill(0, first, first + count);
  }

  /** Drops translations of pages [first, end). Unicorn finds them by way of the mapping. */
  #forget(first: number, end: number): void {
    for (let p = first; p < end; p++) {
      if (((this.#mapped[p] as number) & PageBits.Exec) === 0) continue;
      let after = p + 1;
      while (after < end && ((this.#mapped[after] as number) & PageBits.Exec) !== 0) after++;
      this.#api.removeCache(this.#handle, p * PAGE_SIZE, after * PAGE_SIZE);
      p = after;
    }
  }

  /** What the kernel changed in the page table since the last entry. */
  #refresh(): void {
    const tooMany = this.#regions.length > MAX_REGIONS;
    this.#regions = this.#regions.filter(({ first, count, rights }) => {
      for (let p = first; p < first + count; p++) {
        if (tooMany || this.#rights(p) !== rights) {
          this.#unmap(first, count);
          return false;
        }
      }
      return true;
    });
  }

  run(fuel: number): Trap {
    const { context } = this.#memory;
    this.load();
    const step = fuel === SINGLE_STEP;
    let count = 1;
    let trap: Trap | undefined;
    if (step || this.#stepFirst) {
      const rip = ripOf(context);
      trap = this.#emulate(rip, count);
      this.#registers.read();
      if (trap === undefined && ripOf(context) === rip) {
        // It wrote to its own page, where QEMU throws its translation away and begins it again: that is two for the count.
        // (Or it is a repeated instruction or a jump to itself, and may as well go on.)
        trap = this.#emulate(rip, 2);
        this.#registers.read();
      }
      // A single jump is complete, though Unicorn has gone on to fetch from its target.
      if (trap === Trap.PageFault && this.faultAccess === Access.Exec && ripOf(context) !== rip) trap = undefined;
    }
    if (trap === undefined && !step) {
      this.#stepFirst = false;
      count = Math.min(fuel * INSTRUCTIONS_PER_FUEL, MAX_COUNT);
      trap = this.#emulate(ripOf(context), count);
      this.#registers.read();
    }
    this.#registers.finish();
    this.instructions += count;
    if (trap === Trap.Syscall) finishSyscall(context, readFlags(context));
    if (trap !== undefined) return trap;
    if (!step) return Trap.Fuel;
    this.#stepFirst = false;
    return Trap.SingleStep;
  }

  /** What `trace` needs once after the kernel or another engine was at work: all that Unicorn holds may be out of date. */
  load(): void {
    this.#refresh();
    if (this.#hadException) this.#api.restoreContext(this.#handle, this.#pristine);
    this.#hadException = false;
    this.#registers.write();
  }

  /** The next instruction may write to the page it is on: `trace` must be stopped after it. */
  get stepFirst(): boolean {
    return this.#stepFirst;
  }

  /**
   * Goes on with the registers that Unicorn holds, without an end but the observer's `stop` and traps, and leaves the
   * registers there. Undefined: stopped.
   */
  trace(rip: number): Trap | undefined {
    const trap = this.#emulate(rip, 0);
    if (trap === undefined) this.#stepFirst = false;
    return trap;
  }

  #emulate(rip: number, count: number): Trap | undefined {
    const opened = this.#stepFirst ? this.#openCode(rip) : [];
    const code = this.#start(rip, count);
    for (const page of opened) this.#unmapRegionOf(page);
    const trap = this.#trap as Trap | undefined;
    if (trap !== undefined || code === UC_ERR_OK) return trap;
    if (code === UC_ERR_INSN_INVALID) return Trap.IllegalInstruction;
    if (code === UC_ERR_EXCEPTION) return Trap.GeneralProtection;
    throw new Error(`unicorn: ${this.#api.strerror(code)} at rip 0x${rip.toString(16)}`);
  }

  /** Enters Unicorn, as often as pages must be mapped anew on the way. */
  #start(rip: number, count: number): number {
    for (let at = rip; ; ) {
      this.#trap = undefined;
      this.#stale = -1;
      this.#failed = false;
      // An end that is never reached: execution stops by count, hook or fault.
      const code = this.#api.emuStart(this.#handle, at, 2 ** 52, count);
      const fetch = this.faultAccess === Access.Exec;
      if (this.#failed && fetch) this.#atFault.read();
      else if (this.#failed) this.#atFault.restore();
      if (this.#stale < 0) return code;
      if (this.#mapped[this.#stale] !== 0) this.#unmapRegionOf(this.#stale);
      this.#map(this.#stale);
      at = ripOf(this.#atFault.view);
      if (!fetch) this.#observer?.onRestart();
      else if (count === 1 && at !== rip) return UC_ERR_OK;
    }
  }

  /** Makes the pages of the instruction at `rip` writable and executable at once, where the guest may do both. */
  #openCode(rip: number): number[] {
    const pages = [Math.floor(rip / PAGE_SIZE), Math.floor((rip + MAX_LENGTH - 1) / PAGE_SIZE)];
    const opened = [...new Set(pages)].filter(
      (page) => page < PAGES && ((this.#memory.pages[page] as number) & WRITABLE_CODE) === WRITABLE_CODE,
    );
    for (const page of opened) {
      if (this.#mapped[page] !== 0) this.#unmapRegionOf(page);
      this.#mapPages(page, page + 1, RIGHTS);
    }
    return opened;
  }

  invalidate(start: number, end: number): void {
    const { pages } = this.#memory;
    const first = Math.floor(start / PAGE_SIZE);
    const last = Math.ceil(end / PAGE_SIZE);
    for (let p = first; p < last; p++) pages[p] = (pages[p] as number) & ~PageBits.Code;
    this.#forget(first, last);
    this.#stepFirst = true;
  }

  fork(child: GuestMemory): CpuCore {
    const { pages } = child;
    const core = this.engine.attach(child);
    // The child's Unicorn has translated nothing yet.
    for (let p = 0; p < PAGES; p++)
      if ((pages[p] as number) & PageBits.Code) pages[p] = (pages[p] as number) & ~PageBits.Code;
    return core;
  }

  expectExact(): void {}
  detach(): void {
    this.#api.close(this.#handle);
  }
}

export function ripOf(context: DataView): number {
  return context.getUint32(ctx.RIP + 4, true) * 0x1_0000_0000 + context.getUint32(ctx.RIP, true);
}

/** SYSCALL leaves the return address in rcx and the flags in r11 (Intel SDM vol. 2). */
export function finishSyscall(context: DataView, flags: number): void {
  context.setBigUint64(ctx.GPR + 8, context.getBigUint64(ctx.RIP, true), true);
  context.setBigUint64(ctx.GPR + 11 * 8, BigInt(flags), true);
}

function accessOf(type: number): Access {
  switch (type) {
    case MemoryEventType.WriteUnmapped:
    case MemoryEventType.WriteProtected:
      return Access.Write;
    case MemoryEventType.FetchUnmapped:
    case MemoryEventType.FetchProtected:
      return Access.Exec;
    default:
      return Access.Read;
  }
}

function permissions(rights: number): number {
  // PageBits has the same three bits in the same places.
  return rights & RIGHTS;
}
