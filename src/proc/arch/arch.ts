/**
 * What the kernel has to know about an instruction set. `Registers` is the plain access to the loaded context, which the
 * ISA's own folder implements; `Arch` adds the ABI of Linux on it, which is in this folder.
 */
import type { StatLayout } from "../../abi/stat-layout.ts";
import type { Access, IsaName, Trap } from "../../cpu/core.ts";
import type { MachineInfo } from "../../loader/exec.ts";
import type { AddressSpace } from "../../mm/address-space.ts";
import type { SignalAction, SignalInfo, SignalSet } from "../signal-state.ts";

/** Access to a CPU context (a DataView that starts at it). */
export interface Registers {
  /** Bytes that are saved when another task is loaded into the same address space. */
  readonly contextSize: number;
  getPc(context: DataView): number;
  setPc(context: DataView, pc: number): void;
  getSp(context: DataView): number;
  setSp(context: DataView, sp: number): void;
  setTls(context: DataView, base: number): void;
  getTls(context: DataView): number;
  /** The 32-bit number that the system call instruction asks for. */
  syscallNumber(context: DataView): number;
  /** Halves of argument 0..5, as unsigned numbers. */
  syscallArgLo(context: DataView, index: number): number;
  syscallArgHi(context: DataView, index: number): number;
  /** Sign-extends to the register's width. Exact for all safe integers. */
  setSyscallResult(context: DataView, result: number): void;
  /** The signed number in the register of results. */
  getSyscallResult(context: DataView): number;
  /** The guest asked for a trap after each instruction. */
  isStepping(context: DataView): boolean;
  /** si_code of SIGFPE (FPE_FLTDIV, ...) for the unmasked x87 or SIMD exception that is pending. */
  floatingPointCode(context: DataView, simd: boolean): number;
  /** State of a program that starts: registers 0, FPU in its initial state. */
  reset(context: DataView): void;
  /** At a system call: what no program may rely on afterwards is lost. */
  forget?(context: DataView): void;
  /** Of a new task, whose registers are its parent's: what it does not inherit. */
  startChild?(context: DataView): void;
}

/** A signal frame to be built: what the handler gets and what sigreturn will find. */
export interface FrameRequest {
  readonly info: SignalInfo;
  readonly action: SignalAction;
  /** The mask that sigreturn puts back. */
  readonly mask: SignalSet;
  /** The alternate stack as it is recorded in uc_stack. */
  readonly altStack: { readonly sp: number; readonly size: number; readonly flags: number };
  /** Top of the stack to use: the current one or the alternate one. */
  readonly stackTop: number;
  /** True if `stackTop` is the current stack pointer (the red zone has to be skipped). */
  readonly onCurrentStack: boolean;
  /** Details of the last fault for sigcontext (cr2, trapno, err). */
  readonly fault: FaultDetails;
}

export interface FaultDetails {
  readonly address: number;
  readonly trap: number;
  readonly error: number;
}

/** What sigreturn found in a frame. */
export interface FrameContents {
  readonly mask: SignalSet;
  readonly altStack: { readonly sp: number; readonly size: number; readonly flags: number };
  /** The floating-point state could not be restored and is as at the start: all else is as the frame says. */
  readonly damaged?: boolean;
}

/** What the instruction set says of the processor. */
export interface CpuDescription {
  readonly hwcap: number;
  /** The text of /proc/cpuinfo. */
  readonly cpuinfo: () => string;
}

/** Structures that are not the same on all architectures. */
export interface StructLayouts {
  readonly stat: StatLayout;
  /** struct epoll_event: bytes in all, and where the 64 bits of data are. */
  readonly epollEvent: { readonly size: number; readonly data: number };
  /** Bytes that struct semid_ds has unused behind each of its times (asm/sembuf.h). */
  readonly semaphoreTimeGap: number;
}

/** Registers as debuggers see them: ptrace(2). */
export interface DebugRegisters {
  /** While a call has not been made yet: its result, where that has a register in common with the number. */
  setCallResult(context: DataView, result: number): void;
  setCallNumber(context: DataView, number: number): void;
  /** NT_PRSTATUS: struct user_regs_struct. @param call the number of the call that the task is in, or -1 */
  getGeneral(context: DataView, call: number): Uint8Array;
  /** Stores as many bytes as there are; the number of the call afterwards. Throws EIO for values that cannot be. */
  setGeneral(context: DataView, bytes: Uint8Array, call: number): number;
  /** NT_PRFPREG: struct user_fpregs_struct. */
  getFloating(context: DataView): Uint8Array;
  setFloating(context: DataView, bytes: Uint8Array): void;
  /** Where PTRACE_PEEKUSER finds the general registers, and the bytes of struct user in all. */
  readonly userArea: { readonly general: number; readonly size: number };
  /** Further sets by NT_* number. */
  readonly others: ReadonlyMap<number, RegisterSet>;
}

export interface RegisterSet {
  /** No bytes, if the program has no such state. */
  get(context: DataView): Uint8Array;
  /** Throws an Errno for what is no state. */
  set(context: DataView, bytes: Uint8Array): void;
}

export interface Arch {
  readonly name: IsaName;
  /** uname's machine for PER_LINUX32. */
  readonly name32: string;
  /** What its programs are recognised by, and what they find in their auxiliary vector. */
  readonly machine: MachineInfo;
  readonly cpuinfo: () => string;
  readonly registers: Registers;
  readonly layouts: StructLayouts;
  /** System call numbers by name. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Order of clone(2)'s last two arguments: tls before child_tid (CONFIG_CLONE_BACKWARDS). */
  readonly cloneTlsFirst: boolean;
  /** struct sigaction has sa_restorer. */
  readonly hasRestorer: boolean;
  /** Where rt_sigreturn finds the mask that it puts back, from the stack pointer. */
  readonly signalMaskOffset: number;
  /** arch_prctl(2), where there is one: a result or a negative errno. */
  prctl?(space: AddressSpace, context: DataView, code: number, address: number): number;
  /** Where there are debuggers for it. */
  readonly debug?: DebugRegisters;
  /** prctl(PR_RISCV_V_SET_CONTROL), where it is there: whether vector instructions may be executed, from their initial state on. */
  allowVectors?(context: DataView, allowed: boolean): void;
  /** riscv_hwprobe(2), where it is there: the value of a key, undefined for one that is not known. */
  probe?(key: number): bigint | undefined;
  /** Steps the pc back to the system call and puts the number back (and, where result and first argument share a register, `argument0Lo/Hi`). */
  rewindSyscall(context: DataView, number: number, argument0Lo: number, argument0Hi: number): void;
  /** Stores the frame and makes the context enter the handler. Throws EFAULT if the stack can't be written. */
  pushSignalFrame(space: AddressSpace, context: DataView, request: FrameRequest): void;
  /** Restores the context from the frame at the stack pointer. Throws EFAULT. */
  popSignalFrame(space: AddressSpace, context: DataView): FrameContents;
  /** What sigcontext shows of a page fault. `present`: the page was there, but not for this access. */
  pageFaultDetails(address: number, access: Access, present: boolean): FaultDetails;
  /** What sigcontext shows of any other trap of the instruction at the pc. */
  trapDetails(space: AddressSpace, context: DataView, trap: Trap): Omit<FaultDetails, "address">;
  /** The signal for a trap of the instruction at the pc, where it is another than x86's: see scheduler.ts. */
  trapSignal?(trap: Trap, pc: number): SignalInfo | undefined;
  /**
   * The image of the vdso, whose data page ClockPage (proc/vdso.ts) fills; undefined if there is none.
   * @param countsTime the guest can tell the time by itself, with what the data page says
   */
  vdso(countsTime: boolean): Uint8Array<ArrayBuffer> | undefined;
  /** A function that makes a system call with the arguments that it was given. */
  systemCallStub(number: number): Uint8Array;
  /** Least size of an alternate signal stack. */
  readonly minSignalStack: number;
}
