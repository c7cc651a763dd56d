/**
 * Plain access to an x86_64 context: what the kernel has to know of the registers. A context here is a DataView that
 * starts at it.
 *
 * System calls: number in rax; arguments in rdi rsi rdx r10 r8 r9; result in rax (syscall(2)).
 */
import * as ctx from "./context.ts";
import { ARITHMETIC_FLAGS, FlagKind } from "./sem.ts";
import { fxrstor, resetFpu, xrstor, xsave } from "./x87-image.ts";

const register = (number: number): number => ctx.GPR + number * 8;
const RAX = register(0);
const RSP = register(4);
const ARGUMENTS = [7, 6, 2, 10, 8, 9].map(register);

const get64 = (context: DataView, at: number): number =>
  context.getUint32(at + 4, true) * 0x1_0000_0000 + context.getUint32(at, true);

/** Stores an integer, maybe negative, sign-extended to 64 bits. */
function set64(context: DataView, at: number, value: number): void {
  context.setUint32(at, value >>> 0, true);
  context.setInt32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** TF DF AC ID, and the six arithmetic flags. */
const REST = 0x24_0500;
const ALWAYS = 0x202;

/** RFLAGS as pushf would store it: the lazy flags worked out. */
export function readFlags(context: DataView): number {
  return arithmeticFlags(context) | (context.getUint32(ctx.EFLAGS_REST, true) & REST) | ALWAYS;
}

export function writeFlags(context: DataView, value: number): void {
  context.setUint32(ctx.CC_OP, FlagKind.Explicit, true);
  context.setUint32(ctx.CC_SRC, value & ARITHMETIC_FLAGS, true);
  context.setUint32(ctx.EFLAGS_REST, value & REST, true);
}

/** The twin of flags.ts, which says what each kind means, in BigInt: for the kernel and for tests, not for speed. */
function arithmeticFlags(context: DataView, opAt: number = ctx.CC_OP): number {
  const op = context.getUint32(opAt, true);
  const kind = op >> 2;
  if (kind === FlagKind.Explicit) return context.getUint32(ctx.CC_SRC, true) & ARITHMETIC_FLAGS;
  const bits = 8 << (op & 3);
  const cut = (v: bigint): bigint => BigInt.asUintN(bits, v);
  const steps = kind === FlagKind.Inc || kind === FlagKind.Dec;
  const dst = cut(context.getBigUint64(steps ? ctx.CC_STEPPED : ctx.CC_DST, true));
  const src = cut(context.getBigUint64(ctx.CC_SRC, true));
  const aux = BigInt(context.getUint32(ctx.CC_AUX, true));
  const sign = (v: bigint): boolean => ((v >> BigInt(bits - 1)) & 1n) !== 0n;
  let carry = steps && (arithmeticFlags(context, ctx.CC_PREVIOUS) & 1) !== 0;
  let overflow = false;
  let adjust = false;
  switch (kind) {
    case FlagKind.Add:
    case FlagKind.Adc: {
      const carryIn = kind === FlagKind.Adc ? aux : 0n;
      const a = cut(dst - src - carryIn);
      carry = (a + src + carryIn) >> BigInt(bits) !== 0n;
      overflow = sign((a ^ dst) & (src ^ dst));
      adjust = ((a ^ src ^ dst) & 16n) !== 0n;
      break;
    }
    case FlagKind.Sub:
    case FlagKind.Sbb: {
      const carryIn = kind === FlagKind.Sbb ? aux : 0n;
      const a = cut(dst + src + carryIn);
      carry = a < src + carryIn;
      overflow = sign((a ^ src) & (a ^ dst));
      adjust = ((a ^ src ^ dst) & 16n) !== 0n;
      break;
    }
    case FlagKind.Inc:
      overflow = dst === 1n << BigInt(bits - 1);
      adjust = (dst & 15n) === 0n;
      break;
    case FlagKind.Dec:
      overflow = dst === (1n << BigInt(bits - 1)) - 1n;
      adjust = (dst & 15n) === 15n;
      break;
    case FlagKind.Shl:
      carry = sign(src);
      overflow = sign(src ^ dst);
      break;
    case FlagKind.Sar:
      carry = (src & 1n) !== 0n;
      overflow = sign(src ^ dst);
      break;
    case FlagKind.Mul:
      carry = src !== 0n;
      overflow = carry;
      break;
  }
  let parity = Number(dst & 0xffn);
  parity ^= parity >> 4;
  const even = ((0x9669 >> (parity & 15)) & 1) !== 0;
  return (
    (carry ? 1 : 0) |
    (even ? 4 : 0) |
    (adjust ? 0x10 : 0) |
    (dst === 0n ? 0x40 : 0) |
    (sign(dst) ? 0x80 : 0) |
    (overflow ? 0x800 : 0)
  );
}

/** si_code values of SIGFPE (siginfo.h). */
const FPE = { DIV: 3, OVF: 4, UND: 5, RES: 6, INV: 7 } as const;

/** Access to the loaded context, in the shape that the kernel's `Registers` asks for. */
export const registers = {
  contextSize: ctx.X86_64_CONTEXT_SIZE as number,
  getPc: (context: DataView): number => get64(context, ctx.RIP),
  setPc: (context: DataView, pc: number): void => set64(context, ctx.RIP, pc),
  getSp: (context: DataView): number => get64(context, RSP),
  setSp: (context: DataView, sp: number): void => set64(context, RSP, sp),
  getTls: (context: DataView): number => get64(context, ctx.FS_BASE),
  setTls: (context: DataView, base: number): void => set64(context, ctx.FS_BASE, base),
  syscallNumber: (context: DataView): number => context.getInt32(RAX, true),
  syscallArgLo: (context: DataView, index: number): number => context.getUint32(ARGUMENTS[index] as number, true),
  syscallArgHi: (context: DataView, index: number): number => context.getUint32((ARGUMENTS[index] as number) + 4, true),
  setSyscallResult: (context: DataView, result: number): void => set64(context, RAX, result),
  getSyscallResult: (context: DataView): number =>
    context.getInt32(RAX + 4, true) * 0x1_0000_0000 + context.getUint32(RAX, true),
  /** Where in the context the 8 bytes of a general register lie, by its number in the encoding. */
  gprOffset: (index: number): number => register(index),
  /** General register by its number in the encoding. */
  getGpr: (context: DataView, index: number): bigint => context.getBigUint64(register(index), true),
  setGpr: (context: DataView, index: number, value: bigint): void =>
    context.setBigUint64(register(index), BigInt.asUintN(64, value), true),
  readFlags: (context: DataView): number => readFlags(context),
  writeFlags: (context: DataView, value: number): void => writeFlags(context, value),
  /** The trap flag: a trap after each instruction. */
  isStepping: (context: DataView): boolean => (context.getUint32(ctx.EFLAGS_REST, true) & 0x100) !== 0,
  getGsBase: (context: DataView): number => get64(context, ctx.GS_BASE),
  setGsBase: (context: DataView, base: number): void => set64(context, ctx.GS_BASE, base),
  xsave: xsave as typeof xsave,
  xrstor: xrstor as typeof xrstor,
  fxrstor: fxrstor as typeof fxrstor,
  resetFpu: resetFpu as typeof resetFpu,
  /** From the exception that is pending and unmasked; Linux picks in this order (arch/x86/kernel/fpu/core.c). */
  floatingPointCode(context: DataView, simd: boolean): number {
    let pending: number;
    if (simd) {
      const mxcsr = context.getUint32(ctx.MXCSR, true);
      pending = ~(mxcsr >> 7) & mxcsr;
    } else pending = ~context.getUint16(ctx.X87_CONTROL, true) & context.getUint16(ctx.X87_STATUS, true);
    if ((pending & 1) !== 0) return FPE.INV;
    if ((pending & 4) !== 0) return FPE.DIV;
    if ((pending & 8) !== 0) return FPE.OVF;
    if ((pending & 0x12) !== 0) return FPE.UND;
    return (pending & 0x20) !== 0 ? FPE.RES : 0;
  },
  /** State in which a program starts: zeros, and the FPU as after fninit (Intel SDM vol. 1, 8.1.3 and 10.2.3). */
  reset(context: DataView): void {
    for (let at = 0; at < ctx.X86_64_CONTEXT_SIZE; at += 8) context.setBigUint64(at, 0n, true);
    context.setUint32(ctx.HIGH_SLOT + 4, 1, true);
    resetFpu(context);
  },
};
