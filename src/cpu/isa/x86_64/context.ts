/**
 * The x86_64 CPU context: offsets from CONTEXT_OFFSET, all little endian.
 *
 * The general registers are in the encoding's order, so that the byte registers AH CH DH BH are simply the second byte of
 * the first four. Flags are kept lazily, as in most fast emulators: an instruction stores what it computed and from what,
 * and whoever reads a flag works it out (flags.ts).
 */
import { PC } from "../common.ts";

/** rax rcx rdx rbx rsp rbp rsi rdi r8..r15, 8 bytes each. */
export const GPR = 0;
/** Always 0: what a missing base or index register reads. */
export const ZERO_SLOT = 0x80;
/** Always 2^32: the base for absolute addresses from 2 GiB up, whose displacement is sign-extended. */
export const HIGH_SLOT = 0x88;
/** Scratch of the engine for a first address component. */
export const TEMP_SLOT = 0x90;
export const RIP: number = PC;
export const FS_BASE = 0xa0;
export const GS_BASE = 0xa8;
/** u32: what the last flag-setting instruction was (flags.ts). */
export const CC_OP = 0xb0;
/** u32: the flags that are not lazy: DF (bit 10), TF (8), AC (18), ID (21) at their places in RFLAGS. */
export const EFLAGS_REST = 0xb4;
export const CC_DST = 0xb8;
export const CC_SRC = 0xc0;
export const CC_AUX = 0xc8;
/** u32: where CC_OP is inc or dec, which keep the carry flag: what it was before. It says what CF is. */
export const CC_PREVIOUS = 0xcc;
/** u32 */
export const MXCSR = 0xd0;
/** u16 control word, u16 status word without TOP, u32 TOP (0..7), u32 bit i set: physical register i is empty. */
export const X87_CONTROL = 0xd4;
export const X87_STATUS = 0xd6;
export const X87_TOP = 0xd8;
export const X87_EMPTY = 0xdc;
/** u64 address of the last x87 instruction and operand, u16 opcode; as FXSAVE stores them. */
export const X87_FIP = 0xe0;
export const X87_FDP = 0xe8;
export const X87_FOP = 0xf0;
/**
 * u32: not 0 once MXCSR was loaded, so that SSE arithmetic must look at it (sse-soft.ts). Whoever stores to MXCSR a value
 * whose control bits (0xffc0) are not those of reset, 0x1f80, sets it.
 */
export const SSE_CAREFUL = 0xf4;
/** The result of an inc or dec, whose CF follows from CC_DST, CC_SRC and CC_AUX as CC_PREVIOUS says. */
export const CC_STEPPED = 0xf8;
/** Eight physical x87 registers of 16 bytes: u64 significand, u16 sign and exponent, 6 bytes 0. */
export const X87_REGS = 0x100;
/** ymm0..ymm15, 32 bytes each; xmmN is the low half. */
export const YMM = 0x200;
export const YMM_SIZE = 32;

/** Bytes that belong to a task and are saved when another task is loaded into the same address space. */
export const X86_64_CONTEXT_SIZE = 0x400;

export const GPR_NAMES = [
  'rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi',
  'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
] as const; // biome-ignore format: in the encoding's order, two rows of eight
