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
/**
 * u32: vl; the low byte of vtype, or VILL; vstart; vxrm; vxsat. What an instruction may not do with vtype it refuses, so what is in
 * VTYPE is always a combination that exists.
 */
export const VL = 0x1c;
export const VTYPE = 0x20;
export const VSTART = 0x24;
export const VXRM = 0x28;
export const VXSAT = 0x2c;
/** In VTYPE: nothing but vset*, and what does not ask for vtype, may be executed. */
export const VILL = 0x8000_0000;
/**
 * u32: whether the program has used vectors, which Linux knows by the trap at the first such instruction. Here it is noted by those
 * that do something at first, with vtype and vl both 0, or could be executed with VILL.
 */
export const V_USED = 0x30;
export const VectorUse = { None: 0, Used: 1, Forbidden: 2 } as const;
/** u64: the guest address that a vector instruction could not access. */
export const V_FAULT = 0x38;

/** x0..x31, 8 bytes each, and the sink, at 0x200. */
export const X = 0x100;
/** f0..f31, 8 bytes each. */
export const F = 0x300;
/** v0..v31, VLENB bytes each: a group of registers is so many bytes in a row. */
export const V = 0x400;
export const VLENB = 16;

/** Bytes that belong to a task and are saved when another task is loaded into the same address space. */
export const RISCV64_CONTEXT_SIZE = 0x600;

/** By number, as the psABI calls them. */
export const X_NAMES = [
  'zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2',
  's0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5',
  'a6', 'a7', 's2', 's3', 's4', 's5', 's6', 's7',
  's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6',
] as const; // biome-ignore format: four rows of eight
