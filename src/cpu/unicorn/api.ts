/**
 * The part of Unicorn's C API (unicorn/unicorn.h, version 2) that the engine uses. host/node/unicorn.ts makes one of the
 * system's libunicorn; a build of Unicorn for WebAssembly can be wrapped in the same shape, provided that `memMapPtr` can
 * make guest memory visible to it.
 */

/** uc_engine * */
export type Handle = unknown;
/** Registers together with the places that they are read into and written from. */
export type Batch = unknown;
/** uc_context *: all of the processor's state, that which has no register number included. */
export type Context = unknown;

export interface MemoryEvent {
  /** UC_MEM_*: see MemoryEventType. */
  readonly type: number;
  /** Negative in the upper half, where a number is more exact so. */
  readonly address: number;
  readonly size: number;
}

export interface UnicornApi {
  /** As in uc_version: "2.0.1". */
  readonly version: string;
  open(arch: number, mode: number): Handle;
  close(handle: Handle): void;
  /** Shows `bytes` to the guest at `address`, without a copy. Page aligned. Throws UnicornError. */
  memMapPtr(handle: Handle, address: number, permissions: number, bytes: Uint8Array): void;
  memProtect(handle: Handle, address: number, size: number, permissions: number): void;
  memUnmap(handle: Handle, address: number, size: number): void;
  /** `views[i]` is where register `ids[i]` lives; its memory must not move. */
  batch(ids: readonly number[], views: readonly Uint8Array[]): Batch;
  regRead(handle: Handle, batch: Batch): void;
  regWrite(handle: Handle, batch: Batch): void;
  /** The state as it is now; belongs to the handle, and goes with it. */
  saveContext(handle: Handle): Context;
  restoreContext(handle: Handle, context: Context): void;
  /** @param count instructions at most, 0: no limit. Returns UC_ERR_*. */
  emuStart(handle: Handle, begin: number, until: number, count: number): number;
  emuStop(handle: Handle): void;
  /** Forgets translations of guest code in [start, end). */
  removeCache(handle: Handle, start: number, end: number): void;
  /** UC_HOOK_INSN for one instruction. */
  hookInstruction(handle: Handle, instruction: number, callback: () => void): void;
  /** UC_HOOK_INTR: exceptions and software interrupts. */
  hookInterrupt(handle: Handle, callback: (number: number) => void): void;
  /** UC_HOOK_MEM_INVALID: accesses that are not mapped or not allowed. True: try again. */
  hookInvalidAccess(handle: Handle, callback: (event: MemoryEvent) => boolean): void;
  /** UC_HOOK_CODE: before each instruction, and each round of a repeated one. */
  hookCode(handle: Handle, callback: (address: number, size: number) => void): void;
  /** UC_HOOK_MEM_WRITE: before each store of up to 8 bytes. */
  hookWrite(handle: Handle, callback: (address: number, size: number, value: number | bigint) => void): void;
  strerror(code: number): string;
}

export class UnicornError extends Error {}

export const UC_ARCH_X86 = 4;
export const UC_MODE_64 = 8;
export const UC_X86_INS_SYSCALL = 699;

export const UC_ERR_OK = 0;
export const UC_ERR_INSN_INVALID = 10;
export const UC_ERR_EXCEPTION = 21;

export const MemoryEventType = {
  ReadUnmapped: 19,
  WriteUnmapped: 20,
  FetchUnmapped: 21,
  WriteProtected: 22,
  ReadProtected: 23,
  FetchProtected: 24,
} as const;

/** UC_X86_REG_* */
export const Register = {
  /** rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
  Gpr: [35, 38, 40, 37, 44, 36, 43, 39, 106, 107, 108, 109, 110, 111, 112, 113],
  Rip: 41,
  Rflags: 253,
  FsBase: 250,
  GsBase: 251,
  Mxcsr: 249,
  /** Written as a uc_x86_mmr of 24 bytes: u16, u64 base, u32 limit, u32. */
  Gdtr: 243,
  FpControl: 246,
  FpStatus: 31,
  FpTag: 247,
  /** Physical x87 registers 0..7 from here on. */
  Fp0: 82,
  Xmm0: 122,
} as const;
