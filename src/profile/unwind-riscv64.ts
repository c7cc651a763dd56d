/**
 * RISC-V as its psABI numbers registers for DWARF ("DWARF Register Numbers"), and how its code calls: the return address is
 * in ra until a function saves it, so the pc has a column of its own here, behind those of the registers.
 */
import type { Memory, UnwindArch } from "./unwind-arch.ts";

const RA = 1;
const SP = 2;
const PC = 32;
const COUNT = 33;

/** pc and x1..x31 in a signal frame, from the stack pointer: proc/arch/riscv64.ts. */
const SC_REGS = 128 + 176;
/** Instructions that a function may save its return address in. */
const PROLOGUE = 48;
/** li a7, 139; ecall: the vdso's rt_sigreturn. */
const SIGRETURN = [0x93, 0x08, 0xb0, 0x08, 0x73, 0, 0, 0] as const;

/** The context by what the kernel uses of it. */
export interface ContextAccess {
  getPc(context: DataView): number;
  getGpr(context: DataView, index: number): bigint;
}

export function unwindRiscv64(access: ContextAccess): UnwindArch {
  return {
    registerCount: COUNT,
    stackPointer: SP,
    returnAddress: PC,
    registers(context) {
      const registers = new Float64Array(COUNT);
      for (let i = 1; i < 32; i++) registers[i] = Number(access.getGpr(context, i));
      registers[PC] = access.getPc(context);
      return registers;
    },
    byFramePointer: byPrologue,
    callBefore,
    codeReferences,
    jumps,
    stubTarget,
    isSigreturn,
    interrupted,
  };
}

// Fields of instructions: The RISC-V Instruction Set Manual, volume I, chapters 2 and 16.
const rd = (word: number): number => (word >> 7) & 31;
const rs1 = (word: number): number => (word >> 15) & 31;
const immediate = (word: number): number => word >> 20;
const bit = (word: number, from: number, to: number): number => ((word >> from) & 1) << to;
const isJal = (word: number, register: number): boolean => (word & 0xfff) === (0x6f | (register << 7));
const isJalr = (word: number): boolean => (word & 0x707f) === 0x67;
const isAuipc = (word: number): boolean => (word & 0x7f) === 0x17;
const isCompressed = (word: number): boolean => (word & 3) !== 3;

function jumpOffset(word: number): number {
  return ((word >> 31) << 20) | (word & 0xff000) | bit(word, 20, 11) | (((word >> 21) & 0x3ff) << 1);
}

/** auipc and an instruction with an immediate on the same register: how far that is from the auipc. */
function pairOffset(auipc: number, second: number): number {
  return (auipc & ~0xfff) + immediate(second);
}

const ENDS: readonly number[] = [0x63, 0x67, 0x6f, 0x73];

/** Whether control may go elsewhere than to the next instruction. */
function leaves(word: number): boolean {
  if (!isCompressed(word)) return ENDS.includes(word & 0x7f);
  const quadrant = word & 3;
  const funct3 = (word >> 13) & 7;
  if (quadrant === 1) return funct3 >= 5;
  return quadrant === 2 && funct3 === 4 && ((word >> 2) & 31) === 0;
}

/** What an instruction adds to the stack pointer; undefined if it is no such one. */
function adjustment(word: number): number | undefined {
  if (!isCompressed(word)) return (word & 0xfffff) === 0x10113 ? immediate(word) : undefined;
  if ((word & 0xef83) === 0x6101) {
    const sign = (word & 0x1000) !== 0 ? -512 : 0;
    return sign + (bit(word, 6, 4) | bit(word, 2, 5) | bit(word, 5, 6) | bit(word, 3, 7) | bit(word, 4, 8));
  }
  if ((word & 0xef83) === 0x0101) return ((word & 0x1000) !== 0 ? -32 : 0) + ((word >> 2) & 31);
  return undefined;
}

/** Where an instruction stores ra, from the stack pointer; undefined if it does not. */
function savesReturn(word: number): number | undefined {
  if (isCompressed(word)) {
    if ((word & 0xe07f) !== 0xe006) return undefined;
    return (((word >> 10) & 7) << 3) | (((word >> 7) & 7) << 6);
  }
  if ((word & 0x1ff_f07f) !== 0x011_3023) return undefined;
  return ((word >> 25) << 5) | rd(word);
}

/** The function's first instructions tell where it keeps its return address, and how much stack it has taken. */
function byPrologue(registers: Float64Array, start: number, memory: Memory): Float64Array | undefined {
  const pc = registers[PC] as number;
  const sp = registers[SP] as number;
  let taken = 0;
  let saved: number | undefined;
  for (let at = start, i = 0; at < pc && i < PROLOGUE; i++) {
    const bytes = memory.bytes(at, 4);
    if (bytes.length < 4) return undefined;
    const word = new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
    if (leaves(word)) break;
    const added = adjustment(word);
    if (added !== undefined && added > 0) break;
    if (added !== undefined) {
      taken -= added;
      if (saved !== undefined) saved -= added;
    }
    saved ??= savesReturn(word);
    at += isCompressed(word) ? 2 : 4;
  }
  const from = saved === undefined ? registers[RA] : memory.u64(sp + saved);
  if (from === undefined || Number.isNaN(from)) return undefined;
  const caller = registers.slice();
  caller[SP] = sp + taken;
  caller[PC] = from;
  // Where its own is, the caller's instructions say.
  caller[RA] = Number.NaN;
  return caller;
}

/** jal ra; auipc and jalr ra; jalr ra and c.jalr, whose targets are computed. */
function callBefore(address: number, memory: Memory): number | undefined {
  const before = memory.bytes(address - 8, 8);
  if (before.length < 8) return undefined;
  const view = new DataView(before.buffer, before.byteOffset, 8);
  const [first, last] = [view.getInt32(0, true), view.getInt32(4, true)];
  if (isJal(last, RA)) return address - 4 + jumpOffset(last);
  if (isJalr(last) && rd(last) === RA)
    return isAuipc(first) && rd(first) === rs1(last) ? address - 8 + pairOffset(first, last) : 0;
  const compressed = view.getUint16(6, true);
  return (compressed & 0xf07f) === 0x9002 && (compressed & 0xf80) !== 0 ? 0 : undefined;
}

/** Calls, and addresses that are made of auipc and addi. */
function codeReferences(code: Uint8Array, address: number): number[] {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const targets: number[] = [];
  for (let at = 0; at + 4 <= code.length; at += 2) {
    const word = view.getInt32(at, true);
    if (isJal(word, RA)) targets.push(address + at + jumpOffset(word));
    else if (isAuipc(word) && at + 8 <= code.length) {
      const second = view.getInt32(at + 4, true);
      const onIt = rs1(second) === rd(word) && (isJalr(second) || (second & 0x707f) === 0x13);
      if (onIt) targets.push(address + at + pairOffset(word, second));
    }
  }
  return targets;
}

/** jal zero, c.j, and auipc with jalr zero, in the first bytes of a function. */
function jumps(address: number, memory: Memory): number[] {
  const code = memory.bytes(address, 256);
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const targets: number[] = [];
  for (let at = 0; at + 4 <= code.length; ) {
    const word = view.getInt32(at, true);
    if (isJal(word, 0)) targets.push(address + at + jumpOffset(word));
    else if ((word & 0xe003) === 0xa001) targets.push(address + at + compressedJump(word));
    else if (isAuipc(word) && at + 8 <= code.length) {
      const second = view.getInt32(at + 4, true);
      if (isJalr(second) && rd(second) === 0 && rs1(second) === rd(word))
        targets.push(address + at + pairOffset(word, second));
    }
    at += isCompressed(word) ? 2 : 4;
  }
  return targets;
}

function compressedJump(word: number): number {
  const offset =
    bit(word, 11, 4) |
    (((word >> 9) & 3) << 8) |
    bit(word, 8, 10) |
    bit(word, 7, 6) |
    bit(word, 6, 7) |
    (((word >> 3) & 7) << 1) |
    bit(word, 2, 5);
  return (word & 0x1000) !== 0 ? offset - 0x800 : offset;
}

/** auipc t3; ld t3; jalr t1, t3 */
function stubTarget(address: number, memory: Memory): number | undefined {
  const code = memory.bytes(address, 12);
  if (code.length < 12) return undefined;
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const [auipc, load] = [view.getInt32(0, true), view.getInt32(4, true)];
  if (!isAuipc(auipc) || (load & 0x707f) !== 0x3003 || rs1(load) !== rd(auipc) || !isJalr(view.getInt32(8, true)))
    return undefined;
  return memory.u64(address + pairOffset(auipc, load));
}

function isSigreturn(address: number, memory: Memory): boolean {
  const code = memory.bytes(address, SIGRETURN.length);
  return SIGRETURN.every((byte, i) => code[i] === byte);
}

/** The frame is at the stack pointer. */
function interrupted(registers: Float64Array, memory: Memory): Float64Array | undefined {
  const result = new Float64Array(COUNT);
  const start = (registers[SP] as number) + SC_REGS;
  for (let i = 0; i < 32; i++) {
    const value = memory.u64(start + 8 * i);
    if (value === undefined) return undefined;
    result[i === 0 ? PC : i] = value;
  }
  return result;
}
