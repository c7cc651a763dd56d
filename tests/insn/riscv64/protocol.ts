/** Cases and outcomes of the comparison with a riscv64 processor, as runner.c reads and writes them. */

export const CODE = 0x1000_0000;
export const DATA = 0x2000_0000;
const PAGE = 4096;
/** Three pages, the last of which cannot be written; nothing is mapped around them. */
export const DATA_SIZE: number = 3 * PAGE;
export const WRITABLE: number = 2 * PAGE;
/** Each case has its own piece of code memory, filled with ebreak, and begins in the middle of it. */
export const SLOT_SIZE = 128;
export const SLOT_START = 48;
export const MAX_DIRTY = 24;

/** u64 vl, vtype, vstart, vcsr, and the 32 vector registers. */
export const VECTORS_SIZE: number = 32 + 512;
export const INPUT_SIZE: number = 8 + 256 + 256 + 8 + VECTORS_SIZE;
export const OUTPUT_SIZE: number = 8 + 16 + 256 + 256 + 8 + VECTORS_SIZE + MAX_DIRTY * 16;

export interface Vectors {
  readonly vl: number;
  /** Its low byte, or -1 for vill. */
  readonly vtype: number;
  readonly vstart: number;
  readonly vcsr: number;
  readonly registers: Uint8Array;
}

export interface Case {
  readonly name: string;
  readonly code: Uint8Array;
  readonly x: BigUint64Array;
  readonly f: BigUint64Array;
  readonly fcsr: number;
  readonly vectors: Vectors;
  /** Rounding to nearest, and nobody has looked at the flags: which are not compared then. */
  readonly quick: boolean;
}

export const Signal = { ILL: 4, TRAP: 5, BUS: 7, SEGV: 11 } as const;

/** What a case did, in an `OUTPUT_SIZE` bytes view. */
export type Outcome = DataView;

/** Offsets of an outcome's fields. */
export const OUT = {
  SIGNAL: 0,
  DIRTY_COUNT: 4,
  PC: 8,
  ADDRESS: 16,
  X: 24,
  F: 280,
  FCSR: 536,
  VL: 544,
  VTYPE: 552,
  VSTART: 560,
  VCSR: 568,
  V: 576,
  DIRTY: 1088,
} as const;

/** c.ebreak */
const EBREAK = 0x9002;

/** What is in memory before each case. */
export function dataPattern(): Uint8Array {
  const bytes = new Uint8Array(DATA_SIZE);
  let state = 1;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export function codeSize(count: number): number {
  return Math.ceil((count * SLOT_SIZE) / PAGE) * PAGE;
}
export function codeAddress(index: number): number {
  return CODE + index * SLOT_SIZE + SLOT_START;
}
/** The code memory of a batch of cases. */
export function codeImage(cases: readonly Case[]): Uint8Array {
  const bytes = new Uint8Array(codeSize(cases.length));
  new Uint16Array(bytes.buffer).fill(EBREAK);
  cases.forEach((c, i) => {
    bytes.set(c.code, codeAddress(i) - CODE);
  });
  return bytes;
}
