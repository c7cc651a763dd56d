/**
 * Unicorn as an engine: QEMU's translator, the trusted second opinion.
 *
 * Guest memory is mapped into it without a copy (uc_mem_map_ptr on the WebAssembly memory), in runs of pages that have the
 * same rights, and only when the guest first touches them: a map operation costs Unicorn time that grows with the number of
 * regions. Before each entry the rights of what is mapped are compared with the page table, which the kernel may have
 * changed meanwhile.
 *
 * Registers live in the context (registers.ts).
 *
 * Known of Unicorn 2.0.1: an instruction pointer written inside the hook of SYSCALL ends up two bytes too far, so the hook
 * only stops, and everything else happens outside.
 */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { CONTEXT_OFFSET, PAGE_SHIFT, PAGE_SIZE, PageBits } from "../../mm/layout.ts";
import { Access, type CpuCore, type CpuEngine, SINGLE_STEP, Trap } from "../core.ts";
import { readFlags } from "../isa/x86_64/arch.ts";
import * as ctx from "../isa/x86_64/context.ts";
import {
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

const RIGHTS = PageBits.Read | PageBits.Write | PageBits.Exec;
const WRITABLE_CODE = PageBits.Write | PageBits.Exec;
const PAGES = 1 << 20;
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
  readonly arch = "x86_64";
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
  /** Rights under which each page is mapped, and the pages that are. */
  readonly #mapped: Uint8Array = new Uint8Array(PAGES);
  #regions: { first: number; count: number; rights: number }[] = [];
  #trap: Trap | undefined;

  constructor(engine: UnicornEngine, memory: GuestMemory) {
    const { api } = engine;
    this.engine = engine;
    this.#api = api;
    this.#memory = memory;
    this.#handle = api.open(UC_ARCH_X86, UC_MODE_64);
    const context = memory.raw.subarray(CONTEXT_OFFSET, CONTEXT_OFFSET + ctx.X86_64_CONTEXT_SIZE);
    this.#registers = new RegisterFile(api, this.#handle, context);
    this.#addHooks();
  }

  #addHooks(): void {
    const api = this.#api;
    api.hookInstruction(this.#handle, UC_X86_INS_SYSCALL, () => {
      this.#trap = Trap.Syscall;
      api.emuStop(this.#handle);
    });
    api.hookInterrupt(this.#handle, (vector) => {
      this.#trap = VECTOR_TRAPS[vector] ?? Trap.GeneralProtection;
      api.emuStop(this.#handle);
    });
    api.hookInvalidAccess(this.#handle, (event) => this.#invalidAccess(event));
  }

  /** Reports instructions and stores to `observer` from now on: lockstep. */
  observe(observer: Observer): void {
    this.#api.hookCode(this.#handle, (address) => observer.onInstruction(address));
    this.#api.hookWrite(this.#handle, (address, size, value) => observer.onStore(address, size, value));
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
    const access = accessOf(event.type);
    const needed = access === Access.Write ? PageBits.Write : access === Access.Exec ? PageBits.Exec : PageBits.Read;
    // An access may reach into a second page; Unicorn reports where it begins.
    for (const address of [event.address, event.address + Math.max(0, event.size - 1)]) {
      const page = Math.floor(address / PAGE_SIZE);
      const rights = page < PAGES ? (this.#memory.pages[page] as number) : 0;
      if ((rights & needed) === 0) {
        this.#trap = Trap.PageFault;
        this.faultAddress = address === event.address ? address : page * PAGE_SIZE;
        this.faultAccess = access;
        return false;
      }
      if (this.#mapped[page] !== (rights & RIGHTS)) this.#map(page);
    }
    return true;
  }

  /** Maps `page` together with its unmapped neighbours of the same rights. */
  #map(page: number): void {
    const { pages } = this.#memory;
    if (this.#mapped[page] !== 0) this.#unmapRegionOf(page);
    const rights = (pages[page] as number) & RIGHTS;
    const same = (p: number): boolean =>
      p > 0 && p < PAGES && ((pages[p] as number) & RIGHTS) === rights && this.#mapped[p] === 0;
    let first = page;
    while (same(first - 1)) first--;
    let end = page + 1;
    while (same(end)) end++;
    const start = first * PAGE_SIZE;
    const bytes = this.#memory.u8.subarray(start, end * PAGE_SIZE);
    this.#api.memMapPtr(this.#handle, start, permissions(rights), bytes);
    this.#mapped.fill(rights, first, end);
    this.#regions.push({ first, count: end - first, rights });
    if ((rights & PageBits.Exec) !== 0) this.#markCode(first, end);
  }

  /** Code that Unicorn may have translated: a write must come to us first. Its rights change, so it is mapped anew then. */
  #markCode(first: number, end: number): void {
    const { pages } = this.#memory;
    for (let p = first; p < end; p++) {
      const bits = pages[p] as number;
      if ((bits & PageBits.Write) === 0) pages[p] = bits | PageBits.Code;
    }
  }

  #unmapRegionOf(page: number): void {
    const index = this.#regions.findIndex((r) => page >= r.first && page < r.first + r.count);
    const region = this.#regions[index];
    if (region === undefined) return;
    this.#regions.splice(index, 1);
    this.#unmap(region.first, region.count);
  }

  #unmap(first: number, count: number): void {
    this.#api.memUnmap(this.#handle, first * PAGE_SIZE, count * PAGE_SIZE);
    this.#mapped.fill(0, first, first + count);
  }

  /** What the kernel changed in the page table since the last entry. */
  #refresh(): void {
    const { pages } = this.#memory;
    this.#regions = this.#regions.filter(({ first, count, rights }) => {
      // Pages that are both: Unicorn sees the guest's stores to them, not the kernel's.
      if ((rights & WRITABLE_CODE) === WRITABLE_CODE)
        this.#api.removeCache(this.#handle, first * PAGE_SIZE, (first + count) * PAGE_SIZE);
      for (let p = first; p < first + count; p++) {
        if (((pages[p] as number) & RIGHTS) !== rights) {
          this.#unmap(first, count);
          return false;
        }
      }
      return true;
    });
  }

  run(fuel: number): Trap {
    const { context } = this.#memory;
    this.#refresh();
    this.#registers.write();
    const rip = ripOf(context);
    const count = fuel === SINGLE_STEP ? 1 : Math.min(fuel * INSTRUCTIONS_PER_FUEL, MAX_COUNT);
    const trap = this.#emulate(rip, count) ?? (fuel === SINGLE_STEP ? Trap.SingleStep : Trap.Fuel);
    this.#registers.read();
    this.#registers.finish();
    this.instructions += count;
    if (trap === Trap.Syscall) finishSyscall(context, readFlags(context));
    // A single jump is complete, though Unicorn has gone on to fetch from its target.
    const jumped = trap === Trap.PageFault && this.faultAccess === Access.Exec && ripOf(context) !== rip;
    return jumped && fuel === SINGLE_STEP ? Trap.SingleStep : trap;
  }

  /** What `trace` needs once after the kernel or another engine was at work: all that Unicorn holds may be out of date. */
  load(): void {
    this.#refresh();
    this.#registers.write();
  }

  /**
   * Goes on with the registers that Unicorn holds, without an end but the observer's `stop` and traps, and leaves the
   * registers there. Undefined: stopped.
   */
  trace(rip: number): Trap | undefined {
    return this.#emulate(rip, 0);
  }

  #emulate(rip: number, count: number): Trap | undefined {
    this.#trap = undefined;
    // An end that is never reached: execution stops by count, hook or fault.
    const code = this.#api.emuStart(this.#handle, rip, 2 ** 52, count);
    const trap = this.#trap as Trap | undefined;
    if (trap !== undefined || code === UC_ERR_OK) return trap;
    if (code === UC_ERR_INSN_INVALID) return Trap.IllegalInstruction;
    if (code === UC_ERR_EXCEPTION) return Trap.GeneralProtection;
    throw new Error(`unicorn: ${this.#api.strerror(code)} at rip 0x${rip.toString(16)}`);
  }

  /** Drops translations of [start, end). */
  forget(start: number, end: number): void {
    this.#api.removeCache(this.#handle, start, end);
  }

  invalidate(start: number, end: number): void {
    const { pages } = this.#memory;
    const first = Math.floor(start / PAGE_SIZE);
    const last = Math.ceil(end / PAGE_SIZE);
    for (let p = first; p < last; p++) pages[p] = (pages[p] as number) & ~PageBits.Code;
    this.#api.removeCache(this.#handle, first << PAGE_SHIFT, last * PAGE_SIZE);
  }

  fork(child: GuestMemory): CpuCore {
    const { pages } = child;
    const core = this.engine.attach(child);
    // The child's Unicorn has translated nothing yet.
    for (let p = 0; p < PAGES; p++)
      if ((pages[p] as number) & PageBits.Code) pages[p] = (pages[p] as number) & ~PageBits.Code;
    return core;
  }

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
