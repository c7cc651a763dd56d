/**
 * Plain access to a riscv64 context: what the kernel has to know of the registers. A context here is a DataView that
 * starts at it.
 *
 * System calls: number in a7; arguments in a0..a5; result in a0 (syscall(2)).
 */
import * as ctx from "./context.ts";

const VECTOR_BYTES = 32 * ctx.VLENB;

const register = (number: number): number => ctx.X + number * 8;
const SP = register(2);
const TP = register(4);
const A0 = register(10);
const A7 = register(17);

const get64 = (context: DataView, at: number): number =>
  context.getUint32(at + 4, true) * 0x1_0000_0000 + context.getUint32(at, true);

/** Stores an integer, maybe negative, sign-extended to 64 bits. */
function set64(context: DataView, at: number, value: number): void {
  context.setUint32(at, value >>> 0, true);
  context.setInt32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** The state of the vector extension. */
export interface VectorState {
  readonly vl: number;
  /** Its low byte, or -1 for vill. */
  readonly vtype: number;
  readonly vstart: number;
  readonly vcsr: number;
  /** v0..v31, 16 bytes each. */
  readonly registers: Uint8Array;
}

function clearVectors(context: DataView, byte: number): void {
  new Uint8Array(context.buffer, context.byteOffset + ctx.V, VECTOR_BYTES).fill(byte);
  context.setUint32(ctx.VL, 0, true);
  context.setUint32(ctx.VSTART, 0, true);
}

/** Access to the loaded context, in the shape that the kernel's `Registers` asks for. */
export const registers = {
  contextSize: ctx.RISCV64_CONTEXT_SIZE as number,
  getPc: (context: DataView): number => get64(context, ctx.PC),
  setPc: (context: DataView, pc: number): void => set64(context, ctx.PC, pc),
  getSp: (context: DataView): number => get64(context, SP),
  setSp: (context: DataView, sp: number): void => set64(context, SP, sp),
  getTls: (context: DataView): number => get64(context, TP),
  setTls: (context: DataView, base: number): void => set64(context, TP, base),
  /** All 64 bits count: -1, which is no call's, for what does not fit. */
  syscallNumber: (context: DataView): number =>
    context.getUint32(A7 + 4, true) === 0 ? context.getInt32(A7, true) : -1,
  syscallArgLo: (context: DataView, index: number): number => context.getUint32(A0 + index * 8, true),
  syscallArgHi: (context: DataView, index: number): number => context.getUint32(A0 + index * 8 + 4, true),
  setSyscallResult: (context: DataView, result: number): void => set64(context, A0, result),
  getSyscallResult: (context: DataView): number =>
    context.getInt32(A0 + 4, true) * 0x1_0000_0000 + context.getUint32(A0, true),
  /** Where in the context the 8 bytes of x0..x31 lie. x0 is not to be changed. */
  gprOffset: (index: number): number => register(index),
  getGpr: (context: DataView, index: number): bigint => context.getBigUint64(register(index), true),
  setGpr: (context: DataView, index: number, value: bigint): void => {
    if (index !== 0) context.setBigUint64(register(index), BigInt.asUintN(64, value), true);
  },
  /** The bits of f0..f31, a narrower number boxed. */
  getFpr: (context: DataView, index: number): bigint => context.getBigUint64(ctx.F + index * 8, true),
  setFpr: (context: DataView, index: number, value: bigint): void =>
    context.setBigUint64(ctx.F + index * 8, BigInt.asUintN(64, value), true),
  readFcsr: (context: DataView): number =>
    (context.getUint32(ctx.FRM, true) << 5) | context.getUint32(ctx.FFLAGS, true),
  writeFcsr: (context: DataView, value: number): void => {
    context.setUint32(ctx.FFLAGS, value & 31, true);
    context.setUint32(ctx.FRM, (value >>> 5) & 7, true);
    // Flags that come from a context saved earlier are those it had: only another rounding mode needs care from here on.
    if (value >>> 5 !== 0) context.setUint32(ctx.FP_CAREFUL, 1, true);
  },
  /** The program has used vectors since it began. */
  usesVectors: (context: DataView): boolean => context.getUint32(ctx.V_USED, true) === ctx.VectorUse.Used,
  /** To the initial state of vectors, with which nothing else has been done yet, or refuses all vector instructions. */
  allowVectors(context: DataView, allowed: boolean): void {
    clearVectors(context, 0);
    context.setUint32(ctx.V_USED, allowed ? ctx.VectorUse.None : ctx.VectorUse.Forbidden, true);
    context.setUint32(ctx.VTYPE, allowed ? 0 : ctx.VILL, true);
  },
  /** Ones in all registers, and no vtype (Documentation/arch/riscv/vector.rst, "Vector Register State Across System Calls"). */
  forget(context: DataView): void {
    if (context.getUint32(ctx.V_USED, true) !== ctx.VectorUse.Used) return;
    clearVectors(context, 0xff);
    context.setUint32(ctx.VTYPE, ctx.VILL, true);
  },
  /** It has not used vectors. */
  startChild(context: DataView): void {
    if (context.getUint32(ctx.V_USED, true) !== ctx.VectorUse.Used) return;
    clearVectors(context, 0);
    for (const field of [ctx.VTYPE, ctx.VXRM, ctx.VXSAT]) context.setUint32(field, 0, true);
    context.setUint32(ctx.V_USED, ctx.VectorUse.None, true);
  },
  getVectors: (context: DataView): VectorState => ({
    vl: context.getUint32(ctx.VL, true),
    vtype: context.getInt32(ctx.VTYPE, true) < 0 ? -1 : context.getUint32(ctx.VTYPE, true),
    vstart: context.getUint32(ctx.VSTART, true),
    vcsr: (context.getUint32(ctx.VXRM, true) << 1) | context.getUint32(ctx.VXSAT, true),
    registers: new Uint8Array(context.buffer, context.byteOffset + ctx.V, VECTOR_BYTES).slice(),
  }),
  /** Of a combination that `vsetvl` would not make nothing is kept. */
  setVectors(context: DataView, { vl, vtype, vstart, vcsr, registers: bytes }: VectorState): void {
    const [sew, lmul] = [(vtype >> 3) & 7, ((vtype & 7) ^ 4) - 4];
    const known = vtype >= 0 && vtype < 256 && sew <= 3 + Math.min(lmul, 0);
    context.setUint32(ctx.V_USED, ctx.VectorUse.Used, true);
    context.setUint32(ctx.VTYPE, known ? vtype : ctx.VILL, true);
    context.setUint32(ctx.VL, known ? Math.min(vl, 2 ** (4 - sew + lmul)) : 0, true);
    context.setUint32(ctx.VSTART, vstart & (ctx.VLENB * 8 - 1), true);
    context.setUint32(ctx.VXRM, (vcsr >> 1) & 3, true);
    context.setUint32(ctx.VXSAT, vcsr & 1, true);
    new Uint8Array(context.buffer, context.byteOffset + ctx.V, VECTOR_BYTES).set(bytes);
  },
  /** There is no trap flag. */
  isStepping: (_context: DataView): boolean => false,
  /** Floating-point exceptions never trap. */
  floatingPointCode: (_context: DataView, _simd: boolean): number => 0,
  /** State in which a program starts: zeros. */
  reset(context: DataView): void {
    for (let at = 0; at < ctx.RISCV64_CONTEXT_SIZE; at += 8) context.setBigUint64(at, 0n, true);
    context.setBigInt64(ctx.RESERVATION, ctx.NO_RESERVATION, true);
  },
};
