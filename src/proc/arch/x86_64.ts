/**
 * Linux's ABI on x86_64: where a system call's number is, and the signal frame (arch/x86/kernel/signal_64.c,
 * arch/x86/include/uapi/asm/sigcontext.h). Unwinders, debuggers and garbage collectors read the frame, so it is laid out
 * exactly as the kernel of a CPU with AVX does it:
 *
 *     return address (sa_restorer)      8
 *     struct ucontext                 304   flags, link, stack, sigcontext (256), sigmask
 *     siginfo_t                       128
 *     (gap for alignment)
 *     XSAVE image                     832   64-byte aligned, pointed to by sigcontext.fpstate
 *     a magic number                    4
 *
 * In the image's bytes for software the frame says that it is one of XSAVE and how long it is (struct _fpx_sw_bytes). What
 * sigreturn finds there otherwise, it takes for an image of FXSAVE.
 */
import { EM_X86_64 } from "../../abi/elf.ts";
import { EFAULT, EINVAL, EOPNOTSUPP, EPERM, Errno, errno } from "../../abi/errno.ts";
import { EPOLL_EVENT } from "../../abi/eventpoll.ts";
import { encodeSiginfo, SIGINFO_SIZE } from "../../abi/siginfo.ts";
import { MINSIGSTKSZ_X86_64, SA_RESTORER, SA_SIGINFO, SIGBUS, SIGFPE, SIGILL, SIGSEGV } from "../../abi/signal.ts";
import { STAT_X86_64 } from "../../abi/stat-layout.ts";
import { SYSCALLS_X86_64 } from "../../abi/syscalls-x86_64.ts";
import { Access, Trap } from "../../cpu/core.ts";
import { vdsoX86_64 } from "../../loader/vdso-x86_64.ts";
import type { AddressSpace } from "../../mm/address-space.ts";
import { SignalSet } from "../signal-state.ts";
import type { Arch, CpuDescription, Registers } from "./arch.ts";
import { debugRegisters } from "./x86_64-debug.ts";

/** What the frame needs beyond the plain registers. General registers by their number in the encoding. */
export interface X86_64Registers extends Registers {
  /** Where in the context the 8 bytes of one lie. */
  gprOffset(index: number): number;
  getGpr(context: DataView, index: number): bigint;
  setGpr(context: DataView, index: number, value: bigint): void;
  readFlags(context: DataView): number;
  writeFlags(context: DataView, flags: number): void;
  getGsBase(context: DataView): number;
  setGsBase(context: DataView, base: number): void;
  /** Fills the XSAVE_SIZE bytes of XSAVE64 in the standard format. */
  xsave(context: DataView, image: Uint8Array): void;
  /** Loads them, but for parts that are not in `features`, which are reset. False if XRSTOR64 would raise an exception. */
  xrstor(context: DataView, image: Uint8Array, features: number): boolean;
  /** Loads the first 512 bytes; the upper halves of vector registers stay. */
  fxrstor(context: DataView, image: Uint8Array): void;
  /** x87 and SSE as after a program start. */
  resetFpu(context: DataView): void;
}

const RAX = 0;
const RDX = 2;
const RSP = 4;
const RSI = 6;
const RDI = 7;

/** arch_prctl(2) */
const ARCH_SET_GS = 0x1001;
const ARCH_SET_FS = 0x1002;
const ARCH_GET_FS = 0x1003;
const ARCH_GET_GS = 0x1004;
/** Parts of the XSAVE image: which there are, which the process may use; and asking for one that needs a permission. */
const ARCH_GET_XCOMP_SUPP = 0x1021;
const ARCH_GET_XCOMP_PERM = 0x1022;
const ARCH_REQ_XCOMP_PERM = 0x1023;
/** Numbers of parts that Linux knows. */
const XFEATURE_MAX = 20;
/** End of user addresses with four-level paging. */
const TASK_SIZE_MAX = 0x7fff_ffff_f000;

/** Order of the general registers in sigcontext: r8..r15 di si bp bx dx ax cx sp. */
const SIGCONTEXT_GPRS = [8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5, 3, 2, 0, 1, 4] as const;

const UC_FP_XSTATE = 1;
const UC_SIGCONTEXT_SS = 2;
const UC_STRICT_RESTORE_SS = 4;
const USER_CS = 0x33;
const USER_SS = 0x2b;
const RED_ZONE = 128;
const FXSAVE_SIZE = 512;
/** x87, SSE and AVX. */
const XFEATURES = 7;
const XSAVE_SIZE = 832;
/** With the magic number after it. */
const FPSTATE_SIZE: number = XSAVE_SIZE + 4;
const FP_XSTATE_MAGIC1 = 0x46505853;
const FP_XSTATE_MAGIC2 = 0x46505845;
/** struct _fpx_sw_bytes: u32 magic, u32 size of all, u64 features, u32 size of the image. */
const SW_BYTES = 464;
/** What Linux works out for an image of this size (init_sigframe_size), room for a frame of 32 bits included. */
const MAX_SIGNAL_FRAME = 1776;

/** Offsets in the frame. */
const UC = 8;
const UC_STACK = UC + 16;
const SIGCONTEXT = UC + 40;
const SC_IP = SIGCONTEXT + 128;
const SC_FLAGS = SIGCONTEXT + 136;
const SC_CS = SIGCONTEXT + 144;
const SC_ERR = SIGCONTEXT + 152;
const SC_FPSTATE = SIGCONTEXT + 184;
const UC_SIGMASK = SIGCONTEXT + 256;
const INFO = UC + 304;
const FRAME_SIZE: number = INFO + SIGINFO_SIZE;

/** Exception vectors by trap (Intel SDM vol. 3, table 6-1). */
const VECTORS: Readonly<Partial<Record<Trap, number>>> = {
  [Trap.DivideError]: 0,
  [Trap.SingleStep]: 1,
  [Trap.Breakpoint]: 3,
  [Trap.IllegalInstruction]: 6,
  [Trap.GeneralProtection]: 13,
  [Trap.X87Error]: 16,
  [Trap.SimdError]: 19,
};

const PAGE_FAULT = 14;
const INT_N = 0xcd;

/** `int n` without a gate for it reports the gate: index << 3, and bit 1 for the IDT (Intel SDM vol. 3, 6.13). */
function selectorError(space: AddressSpace, context: DataView, registers: Registers): number {
  const pc = registers.getPc(context);
  try {
    return space.readU8(pc) === INT_N ? (space.readU8(pc + 1) << 3) | 2 : 0;
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    return 0;
  }
}

/** RF, which the processor sets in the flags that it saves for a fault: Intel SDM vol. 3, 18.3.1.1. */
const RESUME_FLAG = 0x10000;
/** Signals that, when they come from the processor, come from faults. */
const FAULT_SIGNALS: readonly number[] = [SIGILL, SIGBUS, SIGFPE, SIGSEGV];

/** Flags that sigreturn may change (FIX_EFLAGS): AC OF DF TF SF ZF AF PF CF. */
const FLAGS_RESTORED = 0x40dd5;
/** Flags that a handler starts without: DF RF TF. */
const FLAGS_CLEARED = 0x10500;

/** An unsigned number as 64 bits, and back; rounded from 2^53 up, where no valid address or size is. */
function store64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

function load64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function copy64(from: DataView, at: number, to: DataView, toAt: number): void {
  to.setUint32(toAt, from.getUint32(at, true), true);
  to.setUint32(toAt + 4, from.getUint32(at + 4, true), true);
}

/** The features of an XSAVE image in a signal frame, or undefined if it is not one (check_xstate_in_sigframe). */
function frameFeatures(space: AddressSpace, fpstate: number): number | undefined {
  const { view } = space.memory;
  const size = view.getUint32(fpstate + SW_BYTES + 16, true);
  const whole = view.getUint32(fpstate + SW_BYTES + 4, true);
  if (view.getUint32(fpstate + SW_BYTES, true) !== FP_XSTATE_MAGIC1) return undefined;
  if (size < FXSAVE_SIZE + 64 || size > XSAVE_SIZE || size > whole) return undefined;
  space.readable(fpstate, size + 4);
  return view.getUint32(fpstate + size, true) === FP_XSTATE_MAGIC2
    ? view.getUint32(fpstate + SW_BYTES + 8, true) & XFEATURES
    : undefined;
}

/** @param cpu with bit 1 of `hwcap2` if programs may use FSGSBASE */
export function x86_64Arch(registers: X86_64Registers, cpu: CpuDescription & { readonly hwcap2: number }): Arch {
  /** False: there is none that could be loaded (fpu__restore_sig). */
  const restoreFpu = (space: AddressSpace, context: DataView, fpstate: number): boolean => {
    try {
      if (loadFpu(space, context, fpstate)) return true;
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
    }
    registers.resetFpu(context);
    return false;
  };
  const loadFpu = (space: AddressSpace, context: DataView, fpstate: number): boolean => {
    const legacy = space.readable(fpstate, FXSAVE_SIZE);
    const features = frameFeatures(space, fpstate);
    if (features === undefined) {
      registers.resetFpu(context);
      registers.fxrstor(context, legacy);
      return true;
    }
    // All of the image is read, as XRSTOR may.
    const image = space.readable(fpstate, XSAVE_SIZE);
    return registers.xrstor(context, image, features);
  };
  return {
    name: "x86_64",
    name32: "i686",
    machine: {
      machine: EM_X86_64,
      platform: "x86_64",
      hwcap: cpu.hwcap,
      hwcap2: cpu.hwcap2,
      minSignalStack: MAX_SIGNAL_FRAME,
    },
    cpuinfo: cpu.cpuinfo,
    registers,
    // struct semid_ds has kept room for times of 64 bits in two parts (arch/x86/include/uapi/asm/sembuf.h).
    layouts: { stat: STAT_X86_64, epollEvent: EPOLL_EVENT.x86_64, semaphoreTimeGap: 8 },
    numbers: SYSCALLS_X86_64,
    cloneTlsFirst: false,
    hasRestorer: true,
    debug: debugRegisters(registers),
    minSignalStack: MINSIGSTKSZ_X86_64,
    // The handler's return has taken the return address off.
    signalMaskOffset: UC_SIGMASK - 8,
    // mov eax, number; syscall; ret
    systemCallStub: (number) => Uint8Array.of(0xb8, number & 0xff, number >> 8, 0, 0, 0x0f, 0x05, 0xc3),
    vdso: (countsTime) => (countsTime ? vdsoX86_64() : undefined),

    prctl(space, context, code, address) {
      switch (code) {
        case ARCH_SET_GS:
        case ARCH_SET_FS:
          if (address >= TASK_SIZE_MAX) return -EPERM;
          if (code === ARCH_SET_FS) registers.setTls(context, address);
          else registers.setGsBase(context, address);
          return 0;
        case ARCH_GET_FS:
          space.writeNumber64(address, registers.getTls(context));
          return 0;
        case ARCH_GET_GS:
          space.writeNumber64(address, registers.getGsBase(context));
          return 0;
        case ARCH_GET_XCOMP_SUPP:
        case ARCH_GET_XCOMP_PERM:
          space.writeNumber64(address, XFEATURES);
          return 0;
        // No part that there is needs one.
        case ARCH_REQ_XCOMP_PERM:
          return address < XFEATURE_MAX ? -EOPNOTSUPP : -EINVAL;
        default:
          return -EINVAL;
      }
    },

    rewindSyscall(context, number) {
      registers.setGpr(context, RAX, BigInt(number));
      registers.setPc(context, registers.getPc(context) - 2);
    },

    pageFaultDetails(address, access, present) {
      // No telling which pages of its own the kernel has: all its addresses are protection faults (set_signal_archinfo).
      const error =
        (present || address >= TASK_SIZE_MAX || address < 0 ? 1 : 0) |
        (access === Access.Write ? 2 : 0) |
        4 |
        (access === Access.Exec ? 16 : 0);
      return { address, trap: PAGE_FAULT, error };
    },

    trapDetails(space, context, trap) {
      return {
        trap: VECTORS[trap] ?? 0,
        error: trap === Trap.GeneralProtection ? selectorError(space, context, registers) : 0,
      };
    },

    pushSignalFrame(space, context, request) {
      const { action, info, altStack, mask, fault } = request;
      // x86_64 has no trampoline of its own to return to (arch/x86/kernel/signal_64.c).
      if ((action.flags & SA_RESTORER) === 0) throw errno(EFAULT);
      const top = request.onCurrentStack ? request.stackTop - RED_ZONE : request.stackTop;
      const fpstate = Math.floor((top - FPSTATE_SIZE) / 64) * 64;
      const frame = Math.floor((fpstate - FRAME_SIZE) / 16) * 16 - 8;

      // All is stored at once by words, since values above 2^53 would be BigInts.
      space.demandWritable(frame, fpstate + FPSTATE_SIZE - frame);
      const { memory } = space;
      const { view } = memory;
      registers.xsave(context, memory.bytes(fpstate, XSAVE_SIZE));
      view.setUint32(fpstate + SW_BYTES, FP_XSTATE_MAGIC1, true);
      view.setUint32(fpstate + SW_BYTES + 4, FPSTATE_SIZE, true);
      store64(view, fpstate + SW_BYTES + 8, XFEATURES);
      view.setUint32(fpstate + SW_BYTES + 16, XSAVE_SIZE, true);
      view.setUint32(fpstate + XSAVE_SIZE, FP_XSTATE_MAGIC2, true);
      const flags = registers.readFlags(context);
      for (let at = frame; at < frame + FRAME_SIZE; at += 4) view.setUint32(at, 0, true);
      store64(view, frame, action.restorer);
      store64(view, frame + UC, UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS);
      store64(view, frame + UC_STACK, altStack.sp);
      view.setUint32(frame + UC_STACK + 8, altStack.flags, true);
      store64(view, frame + UC_STACK + 16, altStack.size);
      for (let i = 0; i < SIGCONTEXT_GPRS.length; i++)
        copy64(context, registers.gprOffset(SIGCONTEXT_GPRS[i] as number), view, frame + SIGCONTEXT + 8 * i);
      store64(view, frame + SC_IP, registers.getPc(context));
      const isFault = info.code > 0 && FAULT_SIGNALS.includes(info.signal);
      store64(view, frame + SC_FLAGS, isFault ? flags | RESUME_FLAG : flags);
      view.setUint16(frame + SC_CS, USER_CS, true);
      view.setUint16(frame + SC_CS + 6, USER_SS, true);
      store64(view, frame + SC_ERR, fault.error);
      store64(view, frame + SC_ERR + 8, fault.trap);
      view.setUint32(frame + SC_ERR + 16, mask.lo, true);
      view.setUint32(frame + SC_ERR + 20, mask.hi, true);
      store64(view, frame + SC_ERR + 24, fault.address);
      store64(view, frame + SC_FPSTATE, fpstate);
      view.setUint32(frame + UC_SIGMASK, mask.lo, true);
      view.setUint32(frame + UC_SIGMASK + 4, mask.hi, true);
      if (action.flags & SA_SIGINFO) memory.u8.set(encodeSiginfo(info), frame + INFO);

      store64(context, registers.gprOffset(RDI), info.signal);
      store64(context, registers.gprOffset(RAX), 0);
      store64(context, registers.gprOffset(RSI), frame + INFO);
      store64(context, registers.gprOffset(RDX), frame + UC);
      store64(context, registers.gprOffset(RSP), frame);
      registers.setPc(context, action.handler);
      registers.writeFlags(context, flags & ~FLAGS_CLEARED);
      registers.resetFpu(context);
    },

    popSignalFrame(space, context) {
      // The handler's `ret` has taken the return address off.
      const frame = registers.getSp(context) - 8;
      space.readable(frame, FRAME_SIZE);
      const { memory } = space;
      const { view } = memory;
      const fpstate = load64(view, frame + SC_FPSTATE);
      let damaged = false;
      if (fpstate === 0) registers.resetFpu(context);
      else damaged = !restoreFpu(space, context, fpstate);
      for (let i = 0; i < SIGCONTEXT_GPRS.length; i++)
        copy64(view, frame + SIGCONTEXT + 8 * i, context, registers.gprOffset(SIGCONTEXT_GPRS[i] as number));
      registers.setPc(context, load64(view, frame + SC_IP));
      const flags = view.getUint32(frame + SC_FLAGS, true);
      registers.writeFlags(context, (registers.readFlags(context) & ~FLAGS_RESTORED) | (flags & FLAGS_RESTORED));
      return {
        damaged,
        mask: new SignalSet(view.getInt32(frame + UC_SIGMASK, true), view.getInt32(frame + UC_SIGMASK + 4, true)),
        altStack: {
          sp: load64(view, frame + UC_STACK),
          flags: view.getUint32(frame + UC_STACK + 8, true),
          size: load64(view, frame + UC_STACK + 16),
        },
      };
    },
  };
}
