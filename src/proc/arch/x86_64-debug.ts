/** x86_64's registers as ptrace(2) hands them out: struct user_regs_struct, struct user (sys/user.h), the XSAVE image. */
import { EFAULT, EINVAL, EIO, errno } from "../../abi/errno.ts";
import { NT_X86_XSTATE } from "../../abi/ptrace.ts";
import type { DebugRegisters } from "./arch.ts";
import type { X86_64Registers } from "./x86_64.ts";

/** The general registers of user_regs_struct that are such in the encoding too, in its order; -1: others. */
const ORDER: readonly number[] = [15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7, -1, -1, -1, -1, 4, -1];
const ORIG_RAX = 15 * 8;
const RIP = 16 * 8;
const CS = 17 * 8;
const EFLAGS = 18 * 8;
const SS = 20 * 8;
const FS_BASE = 21 * 8;
const GS_BASE = 22 * 8;
const GENERAL_SIZE = 27 * 8;
const USER_CS = 0x33;
const USER_SS = 0x2b;
const TASK_SIZE_MAX = 0x7fff_ffff_f000n;
/** struct user of the kernel. */
const USER_SIZE = 928;
const FXSAVE_SIZE = 512;
const XSAVE_SIZE = 832;
/** Where the image says which parts there are: bytes that are left to software. */
const XCR0 = 464;
const XFEATURES = 7;
const RAX = 0;

export function debugRegisters(registers: X86_64Registers): DebugRegisters {
  const image = (context: DataView): Uint8Array => {
    const bytes = new Uint8Array(XSAVE_SIZE);
    registers.xsave(context, bytes);
    return bytes;
  };
  return {
    setCallResult: (context, result) => registers.setSyscallResult(context, result),
    setCallNumber: (context, number) => registers.setGpr(context, RAX, BigInt(number)),

    getGeneral(context, call) {
      const bytes = new Uint8Array(GENERAL_SIZE);
      const view = new DataView(bytes.buffer);
      ORDER.forEach((gpr, i) => {
        if (gpr >= 0) view.setBigUint64(8 * i, registers.getGpr(context, gpr), true);
      });
      view.setBigInt64(ORIG_RAX, BigInt(call), true);
      view.setBigUint64(RIP, BigInt(registers.getPc(context)), true);
      view.setUint32(CS, USER_CS, true);
      view.setUint32(EFLAGS, registers.readFlags(context), true);
      view.setUint32(SS, USER_SS, true);
      view.setBigUint64(FS_BASE, BigInt(registers.getTls(context)), true);
      view.setBigUint64(GS_BASE, BigInt(registers.getGsBase(context)), true);
      return bytes;
    },

    setGeneral(context, bytes, call) {
      if (bytes.length % 8 !== 0) throw errno(EINVAL);
      const whole = this.getGeneral(context, call);
      whole.set(bytes.subarray(0, GENERAL_SIZE));
      const view = new DataView(whole.buffer);
      // Segments of less than the user's privileges, and bases that are the kernel's (putreg()).
      if ((view.getUint16(CS, true) & 3) !== 3 || (view.getUint16(SS, true) & 3) !== 3) throw errno(EIO);
      if (view.getBigUint64(FS_BASE, true) >= TASK_SIZE_MAX || view.getBigUint64(GS_BASE, true) >= TASK_SIZE_MAX) {
        throw errno(EIO);
      }
      ORDER.forEach((gpr, i) => {
        if (gpr >= 0) registers.setGpr(context, gpr, view.getBigUint64(8 * i, true));
      });
      registers.setPc(context, Number(view.getBigUint64(RIP, true)));
      registers.writeFlags(context, view.getUint32(EFLAGS, true));
      registers.setTls(context, Number(view.getBigUint64(FS_BASE, true)));
      registers.setGsBase(context, Number(view.getBigUint64(GS_BASE, true)));
      return view.getInt32(ORIG_RAX, true);
    },

    getFloating: (context) => image(context).subarray(0, FXSAVE_SIZE),
    setFloating(context, bytes) {
      const whole = image(context).subarray(0, FXSAVE_SIZE);
      whole.set(bytes.subarray(0, FXSAVE_SIZE));
      registers.fxrstor(context, whole);
    },
    userArea: { general: 0, size: USER_SIZE },
    others: new Map([
      [
        NT_X86_XSTATE,
        {
          get(context: DataView): Uint8Array {
            const bytes = image(context);
            new DataView(bytes.buffer).setUint32(XCR0, XFEATURES, true);
            return bytes;
          },
          set(context: DataView, bytes: Uint8Array): void {
            if (bytes.length < XSAVE_SIZE) throw errno(EFAULT);
            if (!registers.xrstor(context, bytes, XFEATURES)) throw errno(EINVAL);
          },
        },
      ],
    ]),
  };
}
