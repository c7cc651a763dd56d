/**
 * The boundary between the kernel and the engines that execute guest code.
 *
 * An engine knows nothing of Linux: it runs until something happens that it cannot decide and says what, as a number.
 * Everything that crosses the boundary is in buffers (context, page table, guest memory) or is a number, so that an
 * engine can move into a worker later.
 */
import type { GuestMemory } from "../mm/guest-memory.ts";

/** Why `run` returned. */
export const Trap = {
  /** The fuel is used up; the context is at an instruction boundary. */
  Fuel: 0,
  /** A system call instruction was executed; the pc is after it. */
  Syscall: 1,
  /** An access that its page byte does not allow: `faultAddress`, `faultAccess`. The pc is at the instruction. */
  PageFault: 2,
  /** Undefined or unimplemented opcode, pc at it. Linux: SIGILL, ILL_ILLOPN. */
  IllegalInstruction: 3,
  /** int3, pc after it; ebreak, pc at it. Linux: SIGTRAP. */
  Breakpoint: 4,
  /** Division by zero or quotient overflow, pc at the instruction. Linux: SIGFPE, FPE_INTDIV. */
  DivideError: 5,
  /** Privileged instruction, non-canonical address, misaligned SSE operand; pc at it. Linux: SIGSEGV, SI_KERNEL. */
  GeneralProtection: 6,
  /** Unmasked x87 exception. Linux: SIGFPE. */
  X87Error: 7,
  /** Unmasked SSE exception. Linux: SIGFPE. */
  SimdError: 8,
  /** One instruction was executed with the trap flag set. Linux: SIGTRAP, TRAP_TRACE. */
  SingleStep: 9,
  /** The instruction set the trap flag, pc after it: the kernel goes on with SINGLE_STEP. */
  StepsAhead: 10,
  /** An atomic access that is not aligned: `faultAddress`; pc at the instruction. Linux: SIGBUS, BUS_ADRALN. */
  Misaligned: 11,
} as const;
export type Trap = (typeof Trap)[keyof typeof Trap];

export const Access = { Read: 0, Write: 1, Exec: 2 } as const;
export type Access = (typeof Access)[keyof typeof Access];

/** An instruction set, by Linux's name for the architecture. */
export type IsaName = "x86_64" | "riscv64";

/** An engine for one instruction set or several. Shared by all address spaces of a machine. */
export interface CpuEngine {
  /** As on the command line: interp, jit, unicorn, lockstep. */
  readonly name: string;
  /** What it executes. */
  readonly isas: readonly IsaName[];
  /**
   * Makes the engine's part of an address space. The context starts zeroed except for what the ISA's reset demands.
   * @param isa of the program in it, one of `isas`; the first of these by default
   */
  attach(memory: GuestMemory, isa?: IsaName): CpuCore;
  /** The guest's time stamp counter is the monotonic clock of the machine's host, in nanoseconds: a vdso can use it. */
  readonly countsTime?: boolean;
  /** Receives lines worth a developer's attention, such as an unknown opcode with its bytes. */
  log?: (line: string) => void;
  /** The machine is at its end: keeps what was made in this run for others, if there is a place to. */
  save?(): void;
}

/** The engine at work in one address space. The context in `memory` at CONTEXT_OFFSET is that of the loaded task. */
export interface CpuCore {
  readonly engine: CpuEngine;
  /**
   * Runs the loaded context until a trap.
   * @param fuel roughly how many taken branches to execute before Trap.Fuel; 0 < fuel < 2^31. `fuel` of exactly
   *   SINGLE_STEP executes one instruction and returns Trap.SingleStep (or the trap that it raised).
   */
  run(fuel: number): Trap;
  /**
   * Address and kind of the access, valid after Trap.PageFault; after Trap.Misaligned the address. Addresses of the upper half, which are the kernel's, are
   * negative numbers: so all canonical ones are exact.
   */
  readonly faultAddress: number;
  readonly faultAccess: Access;
  /** Instructions executed so far, as exactly as the engine can tell (estimates say so in the engine's essay). */
  readonly instructions: number;
  /**
   * Guest code in [start, end) may have changed or gone. Called by the address space whenever a page whose byte has
   * PageBits.Code is written, unmapped, replaced or loses PROT_EXEC. Clears PageBits.Code of the pages concerned.
   */
  invalidate(start: number, end: number): void;
  /**
   * From now on somebody may look at the state that a fault leaves: the handler of a signal, a debugger. An engine that
   * leaves flags behind which the program won't read again (no fault needs them otherwise) stops doing so.
   */
  expectExact(): void;
  /** A core for a copy of this address space: guest memory, page table and context were copied before the call. */
  fork(child: GuestMemory): CpuCore;
  /** The memory goes back to its pool: forget everything that was kept outside of it and clear the engine area. */
  detach(): void;
}

/** Fuel value that means one instruction. */
export const SINGLE_STEP = 0x7fff_ffff;
