/**
 * riscv64's registers as ptrace(2) hands them out (arch/riscv/include/uapi/asm/ptrace.h): struct user_regs_struct, which is
 * the pc and x1..x31, struct __riscv_d_ext_state, and struct __riscv_v_regset_state, where vectors are used. PTRACE_PEEKUSER
 * is not there.
 */
import { EINVAL, errno } from "../../abi/errno.ts";
import { NT_RISCV_VECTOR } from "../../abi/ptrace.ts";
import type { DebugRegisters, RegisterSet } from "./arch.ts";
import type { Riscv64Registers, VectorState } from "./riscv64.ts";

const GENERAL_SIZE = 32 * 8;
const FCSR = 32 * 8;
/** fcsr, and what aligns the structure. */
const FLOATING_SIZE: number = FCSR + 8;
const A7 = 17;
/** vstart, vl, vtype, vcsr, vlenb, and then the registers. */
const VECTOR_HEADER = 5 * 8;

function vectorSet(registers: Riscv64Registers): RegisterSet {
  return {
    get(context) {
      if (!registers.usesVectors(context)) return new Uint8Array(0);
      const state = registers.getVectors(context);
      const view = new DataView(new ArrayBuffer(VECTOR_HEADER + state.registers.length));
      const header = [state.vstart, state.vl, state.vtype, state.vcsr, state.registers.length / 32];
      header.forEach((value, i) => {
        view.setBigInt64(i * 8, vectorField(value), true);
      });
      const bytes = new Uint8Array(view.buffer);
      bytes.set(state.registers, VECTOR_HEADER);
      return bytes;
    },
    set(context, bytes) {
      const whole = this.get(context);
      const view = new DataView(whole.buffer);
      const vlenb = view.getBigInt64(32, true);
      whole.set(bytes.subarray(0, whole.length));
      if (view.getBigInt64(32, true) !== vlenb) throw errno(EINVAL);
      const [vstart, vl, vtype, vcsr] = [0, 8, 16, 24].map((at) => view.getBigInt64(at, true)) as Four;
      registers.setVectors(context, vectorState(vstart, vl, vtype, vcsr, whole.subarray(VECTOR_HEADER)));
    },
  };
}
type Four = [bigint, bigint, bigint, bigint];

/** vill is -1 in the state, and the highest bit in the register. */
export const vectorField = (value: number): bigint => (value < 0 ? -(1n << 63n) : BigInt(value));

/** From what a program or debugger has in memory: of a vtype that there is not, vill is left. */
export function vectorState(vstart: bigint, vl: bigint, vtype: bigint, vcsr: bigint, bytes: Uint8Array): VectorState {
  return {
    vstart: Number(vstart & 0x7fn),
    vl: vl < 0n || vl > 128n ? 128 : Number(vl),
    vtype: vtype < 0n || vtype > 255n ? -1 : Number(vtype),
    vcsr: Number(vcsr & 7n),
    registers: bytes,
  };
}

export function debugRegisters(registers: Riscv64Registers): DebugRegisters {
  return {
    // The number is in a7, the result in a0.
    setCallResult: () => undefined,
    setCallNumber: (context, number) => registers.setGpr(context, A7, BigInt(number)),

    getGeneral(context) {
      const view = new DataView(new ArrayBuffer(GENERAL_SIZE));
      view.setBigUint64(0, BigInt(registers.getPc(context)), true);
      for (let i = 1; i < 32; i++) view.setBigUint64(8 * i, registers.getGpr(context, i), true);
      return new Uint8Array(view.buffer);
    },

    setGeneral(context, bytes, call) {
      const whole = this.getGeneral(context, call);
      whole.set(bytes.subarray(0, GENERAL_SIZE));
      const view = new DataView(whole.buffer);
      registers.setPc(context, Number(view.getBigUint64(0, true)));
      for (let i = 1; i < 32; i++) registers.setGpr(context, i, view.getBigUint64(8 * i, true));
      // Before a call it is the number that is made.
      return call < 0 ? call : registers.syscallNumber(context);
    },

    getFloating(context) {
      const view = new DataView(new ArrayBuffer(FLOATING_SIZE));
      for (let i = 0; i < 32; i++) view.setBigUint64(8 * i, registers.getFpr(context, i), true);
      view.setUint32(FCSR, registers.readFcsr(context), true);
      return new Uint8Array(view.buffer);
    },

    setFloating(context, bytes) {
      const whole = this.getFloating(context);
      whole.set(bytes.subarray(0, FLOATING_SIZE));
      const view = new DataView(whole.buffer);
      for (let i = 0; i < 32; i++) registers.setFpr(context, i, view.getBigUint64(8 * i, true));
      registers.writeFcsr(context, view.getUint32(FCSR, true));
    },

    userArea: { general: 0, size: 0 },
    others: new Map([[NT_RISCV_VECTOR, vectorSet(registers)]]),
  };
}
