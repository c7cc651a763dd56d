/**
 * How an address space lies in its WebAssembly.Memory.
 *
 * Every address space owns one memory of 4 GiB (reserved, not committed: the host gives pages when they are touched).
 * The first BIAS bytes belong to tsrcore; guest address `a` is memory offset `a + BIAS`, which costs nothing in
 * generated code, since the bias goes into the static offset of each load and store.
 *
 *     0                 CPU context of the task that is loaded (cpu/isa/<arch>/context.ts lays it out)
 *     ZERO_AREA         never written to
 *     PAGE_TABLE        one byte for each 4 KiB page of the guest: what an access may do *now*
 *     ENGINE_AREA       the engine's own: jump cache, decoded records
 *     BIAS              guest address 0
 *
 * Guest addresses therefore end at GUEST_LIMIT, below 4 GiB, while registers and pointers stay 64 bits wide: anything
 * above has no page byte and faults.
 */

export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12;

/** Size of the whole WebAssembly.Memory in 64 KiB wasm pages: 4 GiB. */
export const MEMORY_WASM_PAGES = 65536;

/** Where the loaded CPU context begins, and how many bytes an engine may use for it. */
export const CONTEXT_OFFSET = 0x1000;
export const CONTEXT_SIZE = 0x1000;

/**
 * Two i64 at the end of the context's area: a guest address, and so many bytes from there at each of which a page's worth of
 * bytes begins that may be written. An engine sets them, for the stack; they become 0 when a page loses a right.
 */
export const STACK_WINDOW: number = CONTEXT_OFFSET + CONTEXT_SIZE - 16;

/** Nothing but zeros, to copy from. */
export const ZERO_AREA = 0x1_0000;
export const ZERO_AREA_SIZE = 0x1_0000;

export const PAGE_TABLE = 0x10_0000;
/** One byte per page of 2^32 bytes; bytes for pages at or above GUEST_LIMIT stay 0. */
export const PAGE_TABLE_SIZE = 0x10_0000;

export const ENGINE_AREA = 0x20_0000;
export const BIAS = 0x400_0000;
export const ENGINE_AREA_SIZE: number = BIAS - ENGINE_AREA;

/** First address that no guest mapping may reach: 4 GiB less the bias. */
export const GUEST_LIMIT: number = 0x1_0000_0000 - BIAS;
/** End of the user's part: one page below the limit stays free, as on x86_64. */
export const TASK_SIZE: number = GUEST_LIMIT - PAGE_SIZE;
/** Lowest address that mmap hands out or accepts, as vm.mmap_min_addr. */
export const MMAP_MIN_ADDR = 0x10000;

/** Bits of a page byte. A clear bit means: leave generated code and ask the kernel, which may allow it after all. */
export const PageBits = {
  /** Populated and readable. */
  Read: 1,
  /** Populated, writable, and nothing (copy-on-write, translated code) needs to know of the write. */
  Write: 2,
  /** Populated and executable: the decoder may fetch from it. */
  Exec: 4,
  /** Backed by memory, whatever its protection says: has contents that fork must copy and unmap must clear. */
  Present: 8,
  /** An engine holds code decoded from this page. Write is kept clear as long as it is set. */
  Code: 16,
  /**
   * This page and the next may be read, written: what translated code looks for when an access may reach into the next page. Whoever
   * changes the rights of a page sees to it (GuestMemory); where the bit is clear, both pages are looked at.
   */
  ReadOn: 32,
  WriteOn: 64,
  /**
   * Present, but the bytes are in the memory of another address space until this one touches the page (copy-on-write.ts).
   * The page's own bytes are zero, and it has no right.
   */
  Inherited: 128,
} as const;

/** Up and down to a whole page. */
export function alignUp(n: number): number {
  return Math.ceil(n / PAGE_SIZE) * PAGE_SIZE;
}

export function alignDown(n: number): number {
  return Math.floor(n / PAGE_SIZE) * PAGE_SIZE;
}
