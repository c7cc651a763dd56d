/**
 * The memory of one address space, as bytes: a WebAssembly.Memory with views on it.
 *
 * The memory is a shared one, although one thread alone uses it so far. V8 counts an unshared memory of 4 GiB as that
 * much external memory, and runs a full garbage collection for each that is made: 3 ms with an empty heap, 10 to 60 with
 * that of a machine at work, against 0.03 ms for a shared one. (The host commits pages when they are touched, not before.)
 * What it costs: TypedArray's bulk operations take their slow paths. set and copyWithin reach 5 to 30 GB/s even so,
 * but fill writes byte by byte, hence `clear`. Node's APIs and TextDecoder take views of shared memory.
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
  PageBits,
  STACK_WINDOW,
  ZERO_AREA,
  ZERO_AREA_SIZE,
} from "./layout.ts";

export class GuestMemory {
  readonly memory: WebAssembly.Memory;
  /** All of the memory, by offset. */
  readonly raw: Uint8Array<SharedArrayBuffer>;
  /** Guest memory by guest address: `u8[address]`. No page byte is looked at. */
  readonly u8: Uint8Array<SharedArrayBuffer>;
  /** Guest memory by guest address, for the other widths (little endian is the caller's to ask for). */
  readonly view: DataView<SharedArrayBuffer>;
  /** The page bytes, by page number: see PageBits. */
  readonly pages: Uint8Array<SharedArrayBuffer>;
  /** The page bytes, four at a time. */
  readonly pageWords: Uint32Array<SharedArrayBuffer>;
  /** The loaded CPU context. */
  readonly context: DataView<SharedArrayBuffer>;

  constructor() {
    this.memory = new WebAssembly.Memory({ initial: MEMORY_WASM_PAGES, maximum: MEMORY_WASM_PAGES, shared: true });
    const buffer = this.memory.buffer as unknown as SharedArrayBuffer;
    this.raw = new Uint8Array(buffer);
    this.u8 = new Uint8Array(buffer, BIAS, GUEST_LIMIT);
    this.view = new DataView(buffer, BIAS, GUEST_LIMIT);
    this.pages = new Uint8Array(buffer, PAGE_TABLE, PAGE_TABLE_SIZE);
    this.pageWords = new Uint32Array(buffer, PAGE_TABLE, PAGE_TABLE_SIZE / 4);
    this.context = new DataView(buffer, CONTEXT_OFFSET, CONTEXT_SIZE);
  }

  /** A view of guest memory, in half the time that `u8.subarray` takes. */
  bytes(address: number, length: number): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.raw.buffer, BIAS + address, length);
  }

  /** Makes the bytes [from, to) of `raw` zero. */
  clear(from: number, to: number): void {
    for (let at = from; at < to; at += ZERO_AREA_SIZE)
      this.raw.copyWithin(at, ZERO_AREA, ZERO_AREA + Math.min(ZERO_AREA_SIZE, to - at));
  }

  /** The same by guest address. */
  clearGuest(from: number, to: number): void {
    this.clear(from + BIAS, to + BIAS);
  }

  /** A page has other rights now: notes which ones it has in common with its neighbours (ReadOn, WriteOn). */
  rightsChanged(page: number): void {
    this.#relate(page - 1);
    this.#relate(page);
    this.forgetStackWindow();
  }
  #relate(page: number): void {
    const { pages } = this;
    if (page < 0) return;
    const common = (pages[page] as number) & (pages[page + 1] ?? 0);
    let bits = (pages[page] as number) & ~(PageBits.ReadOn | PageBits.WriteOn);
    if ((common & PageBits.Read) !== 0) bits |= PageBits.ReadOn;
    if ((common & PageBits.Write) !== 0) bits |= PageBits.WriteOn;
    pages[page] = bits;
  }

  /** Rights of a page were taken: what is known of it together with the page before it holds no longer. */
  rightsTaken(page: number): void {
    if (page > 0) this.pages[page - 1] = (this.pages[page - 1] as number) & ~(PageBits.ReadOn | PageBits.WriteOn);
    this.forgetStackWindow();
  }

  forgetStackWindow(): void {
    this.context.setUint32(STACK_WINDOW - CONTEXT_OFFSET + 8, 0, true);
  }

  /** The engine's bytes of this memory. */
  engineArea(): Uint8Array<SharedArrayBuffer> {
    return this.raw.subarray(ENGINE_AREA, ENGINE_AREA + ENGINE_AREA_SIZE);
  }
}
