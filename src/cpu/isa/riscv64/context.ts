/**
 * The riscv64 CPU context: offsets from CONTEXT_OFFSET, all little endian. What is common to all instruction sets, the pc
 * among it, is in ../common.ts.
 *
 * x0 is never written: an instruction whose destination it is writes to a sink, the slot behind x31, so that a register
 * number becomes a slot without a question. Whoever stores destinations as a byte counts from x1 and has the sink as the
 * 31st: (rd + 31) & 31.
 */
import { PC } from "../common.ts";

export { PC };

/** u64 address that lr has reserved, and what it read there; NO_RESERVATION. */
export const RESERVATION = 0x00;
export const RESERVED_VALUE = 0x08;
/** An address that no aligned access has. */
export const NO_RESERVATION = -1n;
/** u32: accrued exceptions, dynamic rounding mode. */
export const FFLAGS = 0x10;
export const FRM = 0x14;
/**
 * u32: not 0 once the program has looked at the exception flags or changed the rounding mode, so that arithmetic must keep
 * both (float-soft.ts). Until then nobody can tell.
 */
export const FP_CAREFUL = 0x18;

/** x0..x31, 8 bytes each, and the sink, at 0x200. */
export const X = 0x100;
/** f0..f31, 8 bytes each. */
export const F = 0x300;

/** Bytes that belong to a task and are saved when another task is loaded into the same address space. */
export const RISCV64_CONTEXT_SIZE = 0x400;

/** By number, as the psABI calls them. */
export const X_NAMES = [
  'zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2',
  's0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5',
  'a6', 'a7', 's2', 's3', 's4', 's5', 's6', 's7',
  's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6',
] as const; // biome-ignore format: four rows of eight
