/**
 * Where the interpreter keeps its things in the engine area of the guest memory, and how a decoded record looks.
 *
 * A record is 16 bytes; instructions that follow each other in the guest follow each other here:
 *
 *     u16  0  handler
 *     u8   2  operand 0, if it is a register: offset in the context (general registers) or number (the others)
 *     u8   3  operand 1, likewise
 *     u8   4  context offset of the base register (or ZERO_SLOT, HIGH_SLOT, TEMP_SLOT, FS_BASE, GS_BASE)
 *     u8   5  context offset of the index register
 *     u8   6  scale: shift of the index
 *     u8   7  length of the instruction
 *     i32  8  displacement; low half of a 64-bit immediate
 *     i32 12  immediate; record of the branch target; high half of a 64-bit immediate
 *
 * Two more registers, which only VEX instructions have, are in bytes 4 and 5 if there is no memory operand. With one,
 * operand 2 is in the byte that the memory operand does not need (2 or 3), and operand 3 is the immediate. The index of a
 * gather is the number of a vector register, and its immediate is the context offset of the segment base.
 *
 * The guest address of each record stands in a parallel array, so that any trap knows its exact pc at no cost to code
 * that doesn't trap. All of this is position independent between address spaces (they have the same layout), so fork
 * copies it as it is.
 */
import { CONTEXT_OFFSET, ENGINE_AREA } from "../../mm/layout.ts";
import { type I32, i32 } from "../wasm/expr.ts";

export const RECORD_SIZE = 16;
export const R_HANDLER = 0;
export const R_REGISTERS = 2;
export const R_BASE = 4;
export const R_INDEX = 5;
export const R_SCALE = 6;
export const R_LENGTH = 7;
export const R_DISP = 8;
export const R_IMM = 12;

/** Hash table rip -> record with linear probing: entries of u32 rip, u32 record; 0, 0 is free. */
export const HASH: number = ENGINE_AREA + 0x1000;
export const HASH_INITIAL_ENTRIES = 0x2000;
export const HASH_MAX_ENTRIES = 0x10_0000;

export const RECORDS = 0xc0_0000;
export const MAX_RECORDS = 0x28_0000;
/** u32 guest address of each record. */
export const RIPS: number = RECORDS + MAX_RECORDS * RECORD_SIZE;
/** RIPS entry of record p is at (p >>> 2) + RIP_OF. */
export const RIP_OF: number = RIPS - RECORDS / 4;

/** The first records are scratch: one instruction decoded for a single step, never entered in the hash table. */
export const SCRATCH_RECORDS = 16;

/** Fields of the engine behind the task's part of the context. */
export const TRAP_CODE: number = CONTEXT_OFFSET + 0x60c;
export const FUEL_LEFT: number = CONTEXT_OFFSET + 0x610;
/** i64: 16 times the instructions executed. */
export const EXECUTED: number = CONTEXT_OFFSET + 0x618;
/** (entries - 1) * 8 of the hash table. */
export const HASH_MASK: number = CONTEXT_OFFSET + 0x620;

/** The record that raised the trap, for TRAP_LOOKUP: the "#lookup" or "#gone" record, or 0 after a computed jump. */
export const TRAP_PC: number = CONTEXT_OFFSET + 0x624;

/** Internal traps, beyond those of core.ts. Lookup: the record for RIP is wanted. */
export const TRAP_LOOKUP = 16;
/** The scratch instruction was executed and continues at RIP. */
export const TRAP_STEPPED = 17;

/** i32: fuel of translated code, negative when it is used up. */
export const REGION_FUEL: number = CONTEXT_OFFSET + 0x628;
/**
 * i32s of `follow` (program.ts). UNTIL_SAMPLE: branches to be interpreted before it returns, so that it is seen where the
 * program is. INTERPRETED: branches that it interpreted. INTERPRETING: whether it may.
 */
export const UNTIL_SAMPLE: number = CONTEXT_OFFSET + 0x62c;
export const INTERPRETED: number = CONTEXT_OFFSET + 0x630;
export const INTERPRETING: number = CONTEXT_OFFSET + 0x634;
/** Where translated code that has called something goes on, or 0; such an address that wants an "#expected" record, or 0. */
export const EXPECTED: number = CONTEXT_OFFSET + 0x638;
export const EXPECT_WANTED: number = CONTEXT_OFFSET + 0x63c;
/**
 * Each so manieth time that translated code leads to code that has to be interpreted, the address is noted: a prime, so as
 * not to march in step with loops. MISSES_LEFT counts down to the next time, MISSES_NOTED how many there were; the latest are
 * in MISSES, a ring.
 */
export const MISSES_BETWEEN = 31;
export const MISSES_LEFT: number = CONTEXT_OFFSET + 0x640;
export const MISSES_NOTED: number = CONTEXT_OFFSET + 0x644;
export const MISSES: number = CONTEXT_OFFSET + 0x648;
export const MISSES_KEPT = 16;
/** i32: not 0 while all calls of translated code are left because there are too many of them at once. */
export const UNWINDING: number = MISSES + MISSES_KEPT * 4;
/** u32: goes through memory on its way into a loop (jit/windows.ts). */
export const LOOP_LIMIT: number = UNWINDING + 8;

/** Direct-mapped cache of translated code by guest address: entries of u32 rip, u32 slot in the table; see jit/. */
export const JUMP_CACHE: number = HASH + HASH_MAX_ENTRIES * 8;
export const JUMP_CACHE_ENTRIES = 0x4000;
/** Offset in the jump cache of the entry for an address. */
export function jumpCacheEntry(rip: I32): I32 {
  const mixed = i32.xor(rip, i32.shr_u(rip, i32.const(12)));
  return i32.shl(i32.and(mixed, i32.const(JUMP_CACHE_ENTRIES - 1)), i32.const(3));
}
/** The same for a known address. */
export function jumpCacheOffset(rip: number): number {
  return ((rip ^ (rip >>> 12)) & (JUMP_CACHE_ENTRIES - 1)) << 3;
}

/** So many guest calls may be calls of wasm at once: frames of unoptimised code may take some kilobytes of the host's stack. */
export const MAX_DEPTH = 160;
/** So many of them are as large as those of the interpreter. */
export const NESTED_DEPTH = 3;

/** Translated code asks for one instruction to be interpreted. */
export const TRAP_STEP = 18;
/** The same, of something that a region did not expect to happen often. */
export const TRAP_RARE = 19;
/** REGION_FUEL was used up in translated code. */
export const TRAP_REFUEL = 20;

/**
 * Where the interpreter saw computed calls and jumps lead, for the translator to expect the same: direct-mapped by the address
 * of the instruction, entries of four words: that address, the last target, the one before that was another, and how often there was a third.
 */
export const CALL_SITES: number = JUMP_CACHE + JUMP_CACHE_ENTRIES * 8;
export const CALL_SITES_ENTRIES = 1024;
export function callSiteEntry(rip: I32): I32 {
  const mixed = i32.xor(rip, i32.shr_u(rip, i32.const(10)));
  return i32.shl(i32.and(mixed, i32.const(CALL_SITES_ENTRIES - 1)), i32.const(4));
}
/** The same for a known address. */
export function callSiteOffset(rip: number): number {
  return ((rip ^ (rip >>> 10)) & (CALL_SITES_ENTRIES - 1)) << 4;
}

/** Where computed jumps were seen to lead (jit/): so many jumps, 256 words each. */
export const TARGETS: number = CALL_SITES + CALL_SITES_ENTRIES * 16;
export const WATCHED_JUMPS: number = Math.floor((RECORDS - TARGETS) / 1024);
