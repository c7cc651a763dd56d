/**
 * What Unicorn did in a batch of instructions: the registers after each, and each store with what it overwrote. All of it
 * is kept in buffers that are made once, since this happens for every instruction.
 */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SIZE } from "../../mm/layout.ts";
import { Access, Trap } from "../core.ts";
import { comparable, FROM_SAME_STATE, INCOMPARABLE, isJump } from "../isa/x86_64/comparable.ts";
import * as ctx from "../isa/x86_64/context.ts";
import { finishSyscall, type Observer, ripOf, type UnicornCore } from "./engine.ts";
import type { RegisterFile } from "./registers.ts";

/** Instructions in a batch: enough that its fixed costs are small beside theirs. */
const BATCH = 100;
const PIECE = 8;

export class Trace implements Observer {
  /** Instructions begun. The last one may have ended in `trap`. */
  count = 0;
  /** Why the last instruction was the last, if it was its own doing. */
  trap: Trap | undefined;
  readonly addresses: Float64Array = new Float64Array(BATCH);
  /** What `comparable` says of each instruction. */
  readonly what: Int32Array = new Int32Array(BATCH);
  /** `after[i]`: the registers after instruction i. */
  readonly after: readonly RegisterFile[];
  readonly #core: UnicornCore;
  readonly #memory: GuestMemory;
  /** Stores of instruction i: from `#firstStore[i]` up to that of the next. */
  readonly #firstStore: Int32Array = new Int32Array(BATCH + 1);
  #stores = 0;
  #storeAddress: Float64Array = new Float64Array(BATCH);
  #storeSize: Uint8Array = new Uint8Array(BATCH);
  #before: Uint8Array = new Uint8Array(BATCH * PIECE);
  #value: Uint8Array = new Uint8Array(BATCH * PIECE);
  #valueView: DataView = new DataView(this.#value.buffer);
  #limit = BATCH;
  #stopped = false;
  #restarted = false;

  constructor(core: UnicornCore, memory: GuestMemory) {
    this.#core = core;
    this.#memory = memory;
    const size = ctx.X86_64_CONTEXT_SIZE;
    const bytes = new Uint8Array(new ArrayBuffer(BATCH * size));
    this.after = Array.from({ length: BATCH }, (_, i) => core.registerFile(bytes.subarray(i * size, (i + 1) * size)));
    core.observe(this);
  }

  /** Executes at most `limit` instructions from `rip` on, with the registers that Unicorn holds. At least one. */
  run(rip: number, limit: number): void {
    this.count = 0;
    this.#stores = 0;
    this.#stopped = false;
    this.#restarted = false;
    this.#limit = this.#core.stepFirst ? 1 : Math.min(limit, BATCH);
    this.trap = this.#core.trace(rip);
    if (this.#stopped) {
      this.trap = undefined;
      return;
    }
    if (this.count === 0) {
      // The first could not even be fetched.
      this.count = 1;
      this.addresses[0] = rip;
      this.what[0] = 0;
      this.#firstStore[0] = 0;
    }
    const last = this.after[this.count - 1] as RegisterFile;
    last.read();
    if (this.trap === Trap.Syscall) finishSyscall(last.view, last.flags);
    // A jump is complete, though Unicorn has gone on to fetch from its target.
    const jumped = this.trap === Trap.PageFault && this.#core.faultAccess === Access.Exec;
    if (jumped && ripOf(last.view) !== this.addresses[this.count - 1]) this.trap = undefined;
  }

  onInstruction(address: number): void {
    if (this.#stopped) return;
    const { count } = this;
    const { u8 } = this.#memory;
    let what: number;
    if (count > 0) {
      // A further round of a repeated instruction, or QEMU begins the instruction again because it wrote to its own page.
      if (address === this.addresses[count - 1] && (this.#restarted || !isJump(u8, address))) {
        this.#restarted = false;
        return;
      }
      what = comparable(u8, address);
      (this.after[count - 1] as RegisterFile).read();
      this.#stopped = count === this.#limit || what === INCOMPARABLE || (what & FROM_SAME_STATE) !== 0;
      if (this.#stopped) {
        this.#core.stop();
        return;
      }
    } else what = comparable(u8, address);
    this.addresses[count] = address;
    this.what[count] = what;
    this.#firstStore[count] = this.#stores;
    this.count = count + 1;
  }

  onRestart(): void {
    this.#restarted = true;
  }

  onStore(address: number, size: number, value: number | bigint): void {
    if (this.#stopped) return;
    const i = this.#stores++;
    if (i === this.#storeSize.length) this.#grow();
    this.#storeAddress[i] = address;
    this.#storeSize[i] = size;
    const { u8 } = this.#memory;
    const at = i * PIECE;
    for (let k = 0; k < size; k++) this.#before[at + k] = u8[address + k] as number;
    if (typeof value === "number" && size <= 4) this.#valueView.setInt32(at, value, true);
    else this.#valueView.setBigInt64(at, BigInt(value), true);
  }

  #grow(): void {
    const n = this.#storeSize.length * 2;
    const larger = <A extends Uint8Array | Float64Array>(array: A, bigger: A): A => {
      bigger.set(array);
      return bigger;
    };
    this.#storeAddress = larger(this.#storeAddress, new Float64Array(n));
    this.#storeSize = larger(this.#storeSize, new Uint8Array(n));
    this.#before = larger(this.#before, new Uint8Array(n * PIECE));
    this.#value = larger(this.#value, new Uint8Array(n * PIECE));
    this.#valueView = new DataView(this.#value.buffer);
  }

  /** Makes memory what it was before the batch. */
  undo(): void {
    const { u8 } = this.#memory;
    for (let i = this.#stores - 1; i >= 0; i--) {
      const address = this.#storeAddress[i] as number;
      const size = this.#storeSize[i] as number;
      for (let k = 0; k < size; k++) u8[address + k] = this.#before[i * PIECE + k] as number;
    }
  }

  /** The pages that the batch stored to. */
  writtenPages(): Set<number> {
    const pages = new Set<number>();
    for (let i = 0; i < this.#stores; i++) {
      const address = this.#storeAddress[i] as number;
      pages.add(Math.floor(address / PAGE_SIZE));
      pages.add(Math.floor((address + (this.#storeSize[i] as number) - 1) / PAGE_SIZE));
    }
    return pages;
  }

  /** Calls back with every byte that instruction `i` stored, in order. */
  eachByte(i: number, callback: (address: number, value: number) => void): void {
    const from = this.#firstStore[i] as number;
    const to = i + 1 < this.count ? (this.#firstStore[i + 1] as number) : this.#stores;
    for (let s = from; s < to; s++) {
      const address = this.#storeAddress[s] as number;
      const size = this.#storeSize[s] as number;
      for (let k = 0; k < size; k++) callback(address + k, this.#value[s * PIECE + k] as number);
    }
  }
}
