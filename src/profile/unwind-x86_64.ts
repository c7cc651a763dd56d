/** x86-64 as the System V ABI numbers its registers for DWARF (section 3.6.2), and how its code calls. */
import type { Memory, UnwindArch } from "./unwind-arch.ts";

/** DWARF's numbers, in the order of the instruction encoding: rax rcx rdx rbx rsp rbp rsi rdi r8... */
const DWARF_NUMBERS = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];
const RBP = 6;
const RSP = 7;
const RIP = 16;
const COUNT = 17;

/** General registers in a signal frame's sigcontext (asm/sigcontext.h), by DWARF's numbers, and where it begins. */
const SIGCONTEXT = 40;
const SIGCONTEXT_REGISTERS = [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, RIP];

/** The context by what the kernel uses of it. */
export interface ContextAccess {
  getPc(context: DataView): number;
  /** By the number in the encoding. */
  getGpr(context: DataView, index: number): bigint;
}

export function unwindX86_64(access: ContextAccess): UnwindArch {
  return {
    registerCount: COUNT,
    stackPointer: RSP,
    returnAddress: RIP,
    registers(context) {
      const registers = new Float64Array(COUNT);
      DWARF_NUMBERS.forEach((number, i) => {
        registers[number] = Number(access.getGpr(context, i));
      });
      registers[RIP] = access.getPc(context);
      return registers;
    },
    byFramePointer,
    callBefore,
    codeReferences,
    jumps,
    stubTarget,
    isSigreturn,
    interrupted,
  };
}

/** [endbr64] push %rbp; mov %rsp, %rbp: from then on the frame pointer tells where the return address is. */
function byFramePointer(registers: Float64Array, start: number, memory: Memory): Float64Array | undefined {
  const code = memory.bytes(start, 8);
  const push = code[0] === 0xf3 && code[1] === 0x0f && code[2] === 0x1e && code[3] === 0xfa ? 4 : 0;
  const [a, b, c, d] = code.subarray(push);
  if (a !== 0x55 || b !== 0x48 || !((c === 0x89 && d === 0xe5) || (c === 0x8b && d === 0xec))) return undefined;
  const done = (registers[RIP] as number) - start - push;
  const rsp = registers[RSP] as number;
  // Before the push, before the move, after both.
  const saved = done <= 0 ? rsp - 8 : done <= 1 ? rsp : (registers[RBP] as number);
  if (saved < rsp - 8) return undefined;
  const rbp = done <= 0 ? registers[RBP] : memory.u64(saved);
  const rip = memory.u64(saved + 8);
  if (rbp === undefined || rip === undefined) return undefined;
  const caller = registers.slice();
  caller[RBP] = rbp;
  caller[RSP] = saved + 16;
  caller[RIP] = rip;
  return caller;
}

/** call rel32: e8; call r/m64: ff /2 with any addressing form (Intel SDM vol. 2, "CALL"). */
function callBefore(address: number, memory: Memory): number | undefined {
  const before = memory.bytes(address - 7, 7);
  if (before.length < 7) return undefined;
  if (before[2] === 0xe8) {
    const offset = new DataView(before.buffer, before.byteOffset, 7).getInt32(3, true);
    return address + offset;
  }
  for (let length = 2; length <= 7; length++) {
    const at = 7 - length;
    if (before[at] !== 0xff) continue;
    const modrm = before[at + 1] as number;
    if (((modrm >> 3) & 7) === 2 && lengthOfMemoryForm(modrm, before[at + 2] ?? 0) === length) return 0;
  }
  return undefined;
}

/** Of an instruction with one opcode byte and this ModRM byte (and SIB byte, if there is one). */
function lengthOfMemoryForm(modrm: number, sib: number): number {
  const mode = modrm >> 6;
  const rm = modrm & 7;
  if (mode === 3) return 2;
  const withSib = rm === 4 ? 1 : 0;
  const absolute = mode === 0 && (rm === 5 || (withSib === 1 && (sib & 7) === 5));
  return 2 + withSib + (mode === 1 ? 1 : mode === 2 || absolute ? 4 : 0);
}

/**
 * Targets of call rel32 (e8) and of lea disp32(%rip) (48 8d, ModRM with rm 5). Bytes that only look like one lead nearly
 * always out of the code.
 */
function codeReferences(code: Uint8Array, address: number): number[] {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const targets: number[] = [];
  for (let at = 0; at + 5 <= code.length; at++) {
    if (code[at] === 0xe8) targets.push(address + at + 5 + view.getInt32(at + 1, true));
    else if ((code[at] === 0x48 || code[at] === 0x4c) && code[at + 1] === 0x8d && at + 7 <= code.length)
      if (((code[at + 2] as number) & 0xc7) === 5) targets.push(address + at + 7 + view.getInt32(at + 3, true));
  }
  return targets;
}

/** jmp rel32 (e9) in the first bytes of a function. */
function jumps(address: number, memory: Memory): number[] {
  const code = memory.bytes(address, 256);
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const targets: number[] = [];
  for (let at = 0; at + 5 <= code.length; at++)
    if (code[at] === 0xe9) targets.push(address + at + 5 + view.getInt32(at + 1, true));
  return targets;
}

/** [endbr64] [bnd] jmp *disp32(%rip) */
function stubTarget(address: number, memory: Memory): number | undefined {
  const code = memory.bytes(address, 11);
  let at = code[0] === 0xf3 && code[1] === 0x0f && code[2] === 0x1e && code[3] === 0xfa ? 4 : 0;
  if (code[at] === 0xf2) at++;
  if (code.length < at + 6 || code[at] !== 0xff || code[at + 1] !== 0x25) return undefined;
  const offset = new DataView(code.buffer, code.byteOffset, code.length).getInt32(at + 2, true);
  return memory.u64(address + at + 6 + offset);
}

/** mov $15, %eax or %rax; syscall: what sa_restorer is. */
function isSigreturn(address: number, memory: Memory): boolean {
  const code = memory.bytes(address, 9);
  const short = code[0] === 0xb8;
  if (!short && !(code[0] === 0x48 && code[1] === 0xc7 && code[2] === 0xc0)) return false;
  const at = short ? 1 : 3;
  return code[at] === 15 && code[at + 1] === 0 && code[at + 4] === 0x0f && code[at + 5] === 0x05;
}

/** The handler's return has left the stack at the ucontext. */
function interrupted(registers: Float64Array, memory: Memory): Float64Array | undefined {
  const result = new Float64Array(COUNT);
  const start = (registers[RSP] as number) + SIGCONTEXT;
  for (const [i, number] of SIGCONTEXT_REGISTERS.entries()) {
    const value = memory.u64(start + 8 * i);
    if (value === undefined) return undefined;
    result[number] = value;
  }
  return result;
}
