/**
 * riscv64's registers as ptrace(2) hands them out (arch/riscv/include/uapi/asm/ptrace.h): struct user_regs_struct, which is
 * the pc and x1..x31, and struct __riscv_d_ext_state. PTRACE_PEEKUSER is not there.
 */
import type { DebugRegisters } from "./arch.ts";
import type { Riscv64Registers } from "./riscv64.ts";

const GENERAL_SIZE = 32 * 8;
const FCSR = 32 * 8;
/** fcsr, and what aligns the structure. */
const FLOATING_SIZE: number = FCSR + 8;
const A7 = 17;

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
    others: new Map(),
  };
}
