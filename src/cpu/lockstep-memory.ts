/**
 * What lockstep has to know of memory to find every byte that one engine alone writes.
 *
 * The reference reports its stores. The engine under test does not; but a store to a page whose byte says that it may not be
 * written is a page fault. So while it follows, the pages that the reference has not written to are closed, and one that it
 * stores to all the same is opened then and watched. Of pages that are watched there is a copy, which shows the stores that
 * the reference made: what differs from it was stored by one of the two alone, or otherwise.
 */
import type { GuestMemory } from "../mm/guest-memory.ts";
import { PAGE_SIZE, PageBits } from "../mm/layout.ts";

const WORDS = PAGE_SIZE / 4;
const PAGES_PER_DOUBLE = 8;

/** A byte of guest memory that the two engines left differently. */
export interface ByteDifference {
  readonly address: number;
  readonly actual: number;
  readonly expected: number;
}

/** Takes the write permission away from all pages that have it, for a time. */
export class WriteFence {
  readonly #memory: GuestMemory;
  readonly #pages: Uint8Array;
  /** The page table, eight bytes at a time: no combination of page bits is a zero of any other kind. */
  readonly #doubles: Float64Array;
  #writable: number[] = [];
  #up = false;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
    this.#pages = memory.pages;
    this.#doubles = new Float64Array(memory.pages.buffer, memory.pages.byteOffset, memory.pages.length / 8);
  }

  /** Finds the pages that may be written, after anybody else may have changed the page table. */
  collect(): void {
    const doubles = this.#doubles;
    this.#writable = [];
    for (let i = 0; i < doubles.length; i++) {
      if (doubles[i] === 0) continue;
      for (let page = i * PAGES_PER_DOUBLE; page < (i + 1) * PAGES_PER_DOUBLE; page++)
        if (((this.#pages[page] as number) & PageBits.Write) !== 0) this.#writable.push(page);
    }
  }

  raise(): void {
    const kept = ~(PageBits.Write | PageBits.WriteOn);
    for (const page of this.#writable) {
      this.#pages[page] = (this.#pages[page] as number) & kept;
      if (page > 0) this.#pages[page - 1] = (this.#pages[page - 1] as number) & ~PageBits.WriteOn;
    }
    this.#memory.forgetStackWindow();
    this.#up = true;
  }

  /** Only the fence keeps `page` from being written. */
  hides(page: number): boolean {
    const bits = this.#pages[page] as number;
    return this.#up && (bits & (PageBits.Write | PageBits.Code)) === 0 && this.#writable.includes(page);
  }

  open(page: number): void {
    this.#pages[page] = (this.#pages[page] as number) | PageBits.Write;
  }

  lower(): void {
    this.#up = false;
    for (const page of this.#writable) {
      const bits = this.#pages[page] as number;
      // Code was decoded from it meanwhile.
      if ((bits & PageBits.Code) === 0) this.#pages[page] = bits | PageBits.Write;
    }
  }
}

/** A watched page: as it was, and as the reference leaves it. */
interface Copy {
  readonly page: number;
  readonly now: Int32Array;
  readonly before: Int32Array;
  readonly expected: Int32Array;
  readonly expectedBytes: Uint8Array;
}

export class WatchedPages {
  readonly #memory: GuestMemory;
  readonly #copies = new Map<number, Copy>();
  /** Buffers that were used before. */
  readonly #spare: ArrayBuffer[] = [];

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  clear(): void {
    for (const { before } of this.#copies.values()) this.#spare.push(before.buffer as ArrayBuffer);
    this.#copies.clear();
  }

  /** Watches `page` from now on. */
  watch(page: number): void {
    if (this.#copies.has(page)) return;
    const { u8 } = this.#memory;
    const now = new Int32Array(u8.buffer, u8.byteOffset + page * PAGE_SIZE, WORDS);
    const buffer = this.#spare.pop() ?? new ArrayBuffer(2 * PAGE_SIZE);
    const before = new Int32Array(buffer, 0, WORDS);
    const expected = new Int32Array(buffer, PAGE_SIZE, WORDS);
    before.set(now);
    expected.set(now);
    this.#copies.set(page, { page, now, before, expected, expectedBytes: new Uint8Array(buffer, PAGE_SIZE) });
  }

  /** A byte that the reference stored. */
  expect(address: number, value: number): void {
    const page = Math.floor(address / PAGE_SIZE);
    const copy = this.#copies.get(page);
    if (copy !== undefined) copy.expectedBytes[address - page * PAGE_SIZE] = value;
  }

  /** Memory as it was. */
  restore(): void {
    for (const { now, before, expected } of this.#copies.values()) {
      now.set(before);
      expected.set(before);
    }
  }

  /** The first byte that is not as the reference left it. */
  difference(): ByteDifference | undefined {
    for (const { page, now, expected, expectedBytes } of this.#copies.values()) {
      for (let i = 0; i < WORDS; i++) {
        if (now[i] === expected[i]) continue;
        let at = i * 4;
        while (this.#memory.u8[page * PAGE_SIZE + at] === expectedBytes[at]) at++;
        const address = page * PAGE_SIZE + at;
        return { address, actual: this.#memory.u8[address] as number, expected: expectedBytes[at] as number };
      }
    }
    return undefined;
  }
}
