/**
 * Linux's ABI on riscv64: where a system call's number is, and the signal frame (arch/riscv/kernel/signal.c,
 * arch/riscv/include/uapi/asm/ucontext.h, ptrace.h):
 *
 *     siginfo_t          128
 *     struct ucontext    960   flags, link, stack, sigmask (with room for 1024 signals), and, 16-byte aligned:
 *       sc_regs          256   pc, x1..x31
 *       sc_fpregs        528   f0..f31, fcsr; at the end the header of an extension's state, or that there is none
 *     struct __sc_riscv_v_state   48, if the program has used vectors: vstart, vl, vtype, vcsr, vlenb, a pointer to
 *     v0..v31            512
 *     a header             8   that nothing follows
 *
 * The handler returns to the vdso's rt_sigreturn, by ra. Unlike on x86_64 it starts with the floating-point and vector
 * registers as they were.
 */
import * as E from "../../abi/elf.ts";
import { EFAULT, errno } from "../../abi/errno.ts";
import { EPOLL_EVENT } from "../../abi/eventpoll.ts";
import { RISCV_V_MAGIC } from "../../abi/riscv-vector.ts";
import { encodeSiginfo, SIGINFO_SIZE } from "../../abi/siginfo.ts";
import { BUS_ADRALN, ILL_ILLOPC, SIGBUS, SIGILL, SIGTRAP, SS_ONSTACK, TRAP_BRKPT } from "../../abi/signal.ts";
import { STAT_GENERIC } from "../../abi/stat-layout.ts";
import { SYSCALLS_RISCV64 } from "../../abi/syscalls-riscv64.ts";
import { Trap } from "../../cpu/core.ts";
import { VDSO_RT_SIGRETURN, vdsoRiscv64 } from "../../loader/vdso-riscv64.ts";
import type { AddressSpace } from "../../mm/address-space.ts";
import { SignalSet } from "../signal-state.ts";
import type { Arch, CpuDescription, Registers } from "./arch.ts";
import { debugRegisters, vectorField, vectorState } from "./riscv64-debug.ts";

/** What the frame needs beyond the plain registers. */
export interface Riscv64Registers extends Registers {
  getGpr(context: DataView, index: number): bigint;
  setGpr(context: DataView, index: number, value: bigint): void;
  getFpr(context: DataView, index: number): bigint;
  setFpr(context: DataView, index: number, value: bigint): void;
  readFcsr(context: DataView): number;
  writeFcsr(context: DataView, value: number): void;
  usesVectors(context: DataView): boolean;
  getVectors(context: DataView): VectorState;
  setVectors(context: DataView, state: VectorState): void;
  allowVectors(context: DataView, allowed: boolean): void;
}

/** vtype is -1 for vill; of each register 16 bytes. */
export interface VectorState {
  readonly vl: number;
  readonly vtype: number;
  readonly vstart: number;
  readonly vcsr: number;
  readonly registers: Uint8Array;
}

export interface Riscv64Description extends CpuDescription {
  /** RISCV_HWPROBE_KEY_IMA_EXT_0 */
  readonly extensions: bigint;
}

const RA = 1;
const SP = 2;
const A0 = 10;
const A1 = 11;
const A2 = 12;
const A7 = 17;

/** Offsets in the frame. */
const UC: number = SIGINFO_SIZE;
const UC_STACK = UC + 16;
const UC_SIGMASK = UC + 40;
const SC_REGS = UC + 176;
const SC_FPREGS = SC_REGS + 256;
const SC_FCSR = SC_FPREGS + 256;
/** Behind the 64 words that a quad-precision state would have: u32 reserved, then the header (u32 magic, u32 size) of none. */
const SC_RESERVED = SC_FPREGS + 516;
const SC_HEADER = SC_FPREGS + 520;
const FRAME_SIZE = SC_FPREGS + 528;
/** Behind the header: its state, and then the registers. */
const V_STATE = SC_HEADER + 8;
const V_REGISTERS = V_STATE + 48;
const V_REGISTERS_SIZE = 32 * 16;
/** Size in the header, which counts itself; of the whole frame, with the header that ends it. */
const V_SIZE = V_REGISTERS + V_REGISTERS_SIZE - SC_HEADER;
const V_FRAME_SIZE = FRAME_SIZE + V_SIZE + 8;

/** asm-generic/signal.h */
const MINSIGSTKSZ = 2048;
const ECALL_SIZE = 4;
/** AUDIT_ARCH_RISCV64 (linux/audit.h) */
const AUDIT_ARCH = 0xc000_00f3;

/**
 * Keys of riscv_hwprobe(2) (Documentation/arch/riscv/hwprobe.rst): vendor, architecture and implementation, none of which
 * has a number; the base behaviour IMA; accesses that are not aligned are fast.
 */
const HWPROBE: readonly bigint[] = [0n, 0n, 0n, 1n, 0n, 3n];
const HWPROBE_KEY_IMA_EXT_0 = 4;

/** What the auxiliary vector says of caches: nothing is known of them, as without a device tree that tells. */
const CACHES = [
  E.AT_L1I_CACHESIZE,
  E.AT_L1I_CACHEGEOMETRY,
  E.AT_L1D_CACHESIZE,
  E.AT_L1D_CACHEGEOMETRY,
  E.AT_L2_CACHESIZE,
  E.AT_L2_CACHEGEOMETRY,
  E.AT_L3_CACHESIZE,
  E.AT_L3_CACHEGEOMETRY,
] as const;

function store64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

function load64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

const VLENB = 16;

/** The states behind the header, each with its own, up to one of nothing (restore_sigcontext). */
function restoreVectors(registers: Riscv64Registers, space: AddressSpace, context: DataView, frame: number): void {
  const { view } = space.memory;
  for (let at = frame + SC_HEADER; ; at += V_SIZE) {
    space.readable(at, 8);
    const [magic, size] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    if (magic === 0 && size === 0) return;
    if (magic !== RISCV_V_MAGIC || size !== V_SIZE || !registers.usesVectors(context)) throw errno(EFAULT);
    const state = at + V_STATE - SC_HEADER;
    space.readable(state, V_REGISTERS - V_STATE);
    const [vstart, vl, vtype, vcsr] = [0, 8, 16, 24].map((n) => view.getBigInt64(state + n, true)) as Four;
    const bytes = space.copyIn(load64(view, state + 40), V_REGISTERS_SIZE);
    registers.setVectors(context, vectorState(vstart, vl, vtype, vcsr, bytes));
  }
}
type Four = [bigint, bigint, bigint, bigint];

export function riscv64Arch(registers: Riscv64Registers, cpu: Riscv64Description): Arch {
  return {
    name: "riscv64",
    // COMPAT_UTS_MACHINE (arch/riscv/include/asm/compat.h)
    name32: "riscv",
    machine: {
      machine: E.EM_RISCV,
      platform: null,
      hwcap: cpu.hwcap,
      minSignalStack: V_FRAME_SIZE,
      auxv: CACHES.map((type) => [type, 0]),
    },
    cpuinfo: cpu.cpuinfo,
    allowVectors: (context, allowed) => registers.allowVectors(context, allowed),
    probe: (key) => (key === HWPROBE_KEY_IMA_EXT_0 ? cpu.extensions : HWPROBE[key]),
    registers,
    layouts: { stat: STAT_GENERIC, epollEvent: EPOLL_EVENT.riscv64, semaphoreTimeGap: 0 },
    numbers: SYSCALLS_RISCV64,
    cloneTlsFirst: true,
    hasRestorer: false,
    debug: debugRegisters(registers),
    minSignalStack: MINSIGSTKSZ,
    signalMaskOffset: UC_SIGMASK,
    // addi a7, zero, number; ecall; ret
    systemCallStub: (number) => new Uint8Array(Uint32Array.of((number << 20) | 0x893, 0x73, 0x8067).buffer),
    vdso: vdsoRiscv64,

    rewindSyscall(context, number, argument0Lo, argument0Hi) {
      registers.setGpr(context, A7, BigInt(number));
      registers.setGpr(context, A0, (BigInt(argument0Hi) << 32n) | BigInt(argument0Lo));
      registers.setPc(context, registers.getPc(context) - ECALL_SIZE);
    },

    // The frame has no place for them.
    pageFaultDetails: (address) => ({ address, trap: 0, error: 0 }),
    trapDetails: () => ({ trap: 0, error: 0 }),

    trapSignal(trap, pc) {
      switch (trap) {
        case Trap.IllegalInstruction:
          return { signal: SIGILL, code: ILL_ILLOPC, address: pc };
        case Trap.Breakpoint:
          return { signal: SIGTRAP, code: TRAP_BRKPT, address: pc };
        case Trap.Misaligned:
          return { signal: SIGBUS, code: BUS_ADRALN, address: pc };
        default:
          return undefined;
      }
    },

    pushSignalFrame(space, context, request) {
      const { action, info, altStack, mask } = request;
      const vectors = registers.usesVectors(context);
      const size = vectors ? V_FRAME_SIZE : FRAME_SIZE;
      const frame = Math.floor((request.stackTop - size) / 16) * 16;
      // A handler would overwrite what is below the alternate stack (get_sigframe).
      if (request.onCurrentStack && altStack.flags & SS_ONSTACK && frame <= altStack.sp) throw errno(EFAULT);
      space.demandWritable(frame, size);
      const { memory } = space;
      const { view } = memory;
      for (let at = frame; at < frame + size; at += 4) view.setUint32(at, 0, true);
      memory.u8.set(encodeSiginfo(info, AUDIT_ARCH), frame);
      store64(view, frame + UC_STACK, altStack.sp);
      view.setUint32(frame + UC_STACK + 8, altStack.flags, true);
      store64(view, frame + UC_STACK + 16, altStack.size);
      view.setUint32(frame + UC_SIGMASK, mask.lo, true);
      view.setUint32(frame + UC_SIGMASK + 4, mask.hi, true);
      store64(view, frame + SC_REGS, registers.getPc(context));
      for (let i = 1; i < 32; i++) view.setBigUint64(frame + SC_REGS + 8 * i, registers.getGpr(context, i), true);
      for (let i = 0; i < 32; i++) view.setBigUint64(frame + SC_FPREGS + 8 * i, registers.getFpr(context, i), true);
      view.setUint32(frame + SC_FCSR, registers.readFcsr(context), true);
      if (vectors) {
        const state = registers.getVectors(context);
        view.setUint32(frame + SC_HEADER, RISCV_V_MAGIC, true);
        view.setUint32(frame + SC_HEADER + 4, V_SIZE, true);
        [state.vstart, state.vl, state.vtype, state.vcsr, VLENB].forEach((value, i) => {
          view.setBigInt64(frame + V_STATE + 8 * i, vectorField(value), true);
        });
        store64(view, frame + V_STATE + 40, frame + V_REGISTERS);
        memory.u8.set(state.registers, frame + V_REGISTERS);
      }

      registers.setGpr(context, RA, BigInt(space.vdso + VDSO_RT_SIGRETURN));
      registers.setGpr(context, SP, BigInt(frame));
      registers.setGpr(context, A0, BigInt(info.signal));
      registers.setGpr(context, A1, BigInt(frame));
      registers.setGpr(context, A2, BigInt(frame + UC));
      registers.setPc(context, action.handler);
    },

    popSignalFrame(space, context) {
      const frame = registers.getSp(context);
      space.readable(frame, FRAME_SIZE);
      const { view } = space.memory;
      if (view.getUint32(frame + SC_RESERVED, true) !== 0) throw errno(EFAULT);
      restoreVectors(registers, space, context, frame);
      registers.setPc(context, load64(view, frame + SC_REGS));
      for (let i = 1; i < 32; i++) registers.setGpr(context, i, view.getBigUint64(frame + SC_REGS + 8 * i, true));
      for (let i = 0; i < 32; i++) registers.setFpr(context, i, view.getBigUint64(frame + SC_FPREGS + 8 * i, true));
      registers.writeFcsr(context, view.getUint32(frame + SC_FCSR, true));
      return {
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
