/**
 * The memory of one address space, as bytes: a WebAssembly.Memory with views on it, and a pool of them.
 *
 * A memory of 4 GiB takes V8 about 2 ms to make and to give back (it reserves 10 GiB of addresses each time), more than
 * a whole fork may cost. So memories are reused: an address space that ends clears the pages that were present
 * and hands the memory back (memory-pool.ts).
 */
import {
  BIAS,
  CONTEXT_OFFSET,
  CONTEXT_SIZE,
  ENGINE_AREA,
  ENGINE_AREA_SIZE,
  GUEST_LIMIT,
  MEMORY_WASM_PAGES,
  PAGE_TABLE,
  PAGE_TABLE_SIZE,
} from "./layout.ts";

export class GuestMemory {
  readonly memory: WebAssembly.Memory;
  /** All of the memory, by offset. */
  readonly raw: Uint8Array<ArrayBuffer>;
  /** Guest memory by guest address: `u8[address]`. No page byte is looked at. */
  readonly u8: Uint8Array<ArrayBuffer>;
  /** Guest memory by guest address, for the other widths (little endian is the caller's to ask for). */
  readonly view: DataView<ArrayBuffer>;
  /** The page bytes, by page number: see PageBits. */
  readonly pages: Uint8Array<ArrayBuffer>;
  /** The page bytes, four at a time. */
  readonly pageWords: Uint32Array<ArrayBuffer>;
  /** The loaded CPU context. */
  readonly context: DataView<ArrayBuffer>;

  constructor() {
    this.memory = new WebAssembly.Memory({ initial: MEMORY_WASM_PAGES, maximum: MEMORY_WASM_PAGES });
    const buffer = this.memory.buffer as ArrayBuffer;
    this.raw = new Uint8Array(buffer);
    this.u8 = new Uint8Array(buffer, BIAS, GUEST_LIMIT);
    this.view = new DataView(buffer, BIAS, GUEST_LIMIT);
    this.pages = new Uint8Array(buffer, PAGE_TABLE, PAGE_TABLE_SIZE);
    this.pageWords = new Uint32Array(buffer, PAGE_TABLE, PAGE_TABLE_SIZE / 4);
    this.context = new DataView(buffer, CONTEXT_OFFSET, CONTEXT_SIZE);
  }

  /** The engine's bytes of this memory. */
  engineArea(): Uint8Array<ArrayBuffer> {
    return this.raw.subarray(ENGINE_AREA, ENGINE_AREA + ENGINE_AREA_SIZE);
  }
}
