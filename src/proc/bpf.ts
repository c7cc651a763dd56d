/**
 * Classic BPF as seccomp(2) takes it (linux/filter.h, net/core/filter.c): 32-bit words, an accumulator A, an index X,
 * 16 words of memory, forward jumps only, so that every program ends.
 *
 * A program is checked once, when it is installed; afterwards it cannot fail.
 */
import { EINVAL, errno } from "../abi/errno.ts";
import { SECCOMP_DATA_SIZE } from "../abi/seccomp.ts";

export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export const BPF_MAXINSNS = 4096;
const MEMORY_WORDS = 16;

// Classes, in the lowest three bits.
const LD = 0;
const LDX = 1;
const ST = 2;
const STX = 3;
const ALU = 4;
const JMP = 5;
const RET = 6;
const MISC = 7;
/** The operand is X, not k. */
const BY_X = 8;
/** BPF_LD | BPF_W | BPF_ABS: a word of seccomp_data. */
const LD_ABS = 0x20;

/** What a filter of system calls may consist of: seccomp_check_filter(). */
const ALLOWED: ReadonlySet<number> = new Set([
  LD_ABS,
  // ld and ldx: length, immediate, memory.
  0x80,
  0x81,
  0x00,
  0x01,
  0x60,
  0x61,
  ST,
  STX,
  // add sub mul div or and lsh rsh xor by k and by X, and neg. (Linux has no modulus here.)
  ...[0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0].flatMap((op) => [ALU | op, ALU | op | BY_X]),
  ALU | 0x80,
  // ja jeq jgt jge jset
  JMP,
  ...[0x10, 0x20, 0x30, 0x40].flatMap((op) => [JMP | op, JMP | op | BY_X]),
  // ret k, ret A
  RET,
  RET | 0x10,
  // tax, txa
  MISC,
  MISC | 0x80,
]);

/** Throws EINVAL for a program that is not one: bpf_check_classic() and seccomp_check_filter(). */
export function checkFilter(program: readonly BpfInstruction[]): void {
  const bad = (): never => {
    throw errno(EINVAL);
  };
  if (program.length === 0 || program.length > BPF_MAXINSNS) bad();
  /** Words of memory stored on every way to an instruction: what is loaded must have been. */
  const stored = new Array<number>(program.length + 1).fill(0xffff);
  let valid = 0;
  program.forEach(({ code, jt, jf, k }, pc) => {
    valid &= stored[pc] as number;
    const reach = (target: number): void => {
      if (target >= program.length) bad();
      stored[target] = (stored[target] as number) & valid;
    };
    if (!ALLOWED.has(code)) bad();
    if (code === LD_ABS && (k >= SECCOMP_DATA_SIZE || k % 4 !== 0)) bad();
    if ((code === (ALU | 0x30) && k === 0) || ((code === (ALU | 0x60) || code === (ALU | 0x70)) && k >= 32)) bad();
    if (code === 0x60 || code === 0x61) {
      if (k >= MEMORY_WORDS || (valid & (1 << k)) === 0) bad();
    } else if (code === ST || code === STX) {
      if (k >= MEMORY_WORDS) bad();
      valid |= 1 << k;
    } else if (code === JMP) {
      reach(pc + 1 + k);
      valid = 0xffff;
    } else if ((code & 7) === JMP) {
      reach(pc + 1 + jt);
      reach(pc + 1 + jf);
      valid = 0xffff;
    }
  });
  if (((program[program.length - 1] as BpfInstruction).code & 7) !== RET) bad();
}

/** Runs a checked program over the words of seccomp_data. */
export function runFilter(program: readonly BpfInstruction[], data: Uint32Array): number {
  const memory = new Uint32Array(MEMORY_WORDS);
  let a = 0;
  let x = 0;
  for (let pc = 0; ; pc++) {
    const { code, jt, jf, k } = program[pc] as BpfInstruction;
    const operand = (code & BY_X) !== 0 ? x : k;
    switch (code & 7) {
      case LD:
        a = code === LD_ABS ? (data[k >>> 2] as number) : load(code, k, memory);
        break;
      case LDX:
        x = load(code, k, memory);
        break;
      case ST:
        memory[k] = a;
        break;
      case STX:
        memory[k] = x;
        break;
      case ALU: {
        const op = code & 0xf0;
        // Division by an X of 0 ends the program.
        if (op === 0x30 && operand === 0) return 0;
        a = calculate(op, a, operand);
        break;
      }
      case JMP:
        if (code === JMP) pc += k;
        else pc += holds(code & 0xf0, a, operand) ? jt : jf;
        break;
      case RET:
        return code === RET ? k : a;
      default:
        if (code & 0x80) a = x;
        else x = a;
    }
  }
}

/** Immediate, length of the data, memory. */
function load(code: number, k: number, memory: Uint32Array): number {
  const mode = code & 0xe0;
  if (mode === 0x80) return SECCOMP_DATA_SIZE;
  return mode === 0x60 ? (memory[k] as number) : k;
}

function calculate(op: number, a: number, b: number): number {
  switch (op) {
    case 0x00:
      return (a + b) >>> 0;
    case 0x10:
      return (a - b) >>> 0;
    case 0x20:
      return Math.imul(a, b) >>> 0;
    case 0x30:
      return Math.floor(a / b);
    case 0x40:
      return (a | b) >>> 0;
    case 0x50:
      return (a & b) >>> 0;
    case 0x60:
      return (a << (b & 31)) >>> 0;
    case 0x70:
      return a >>> (b & 31);
    case 0x80:
      return -a >>> 0;
    default:
      return (a ^ b) >>> 0;
  }
}

function holds(op: number, a: number, b: number): boolean {
  switch (op) {
    case 0x10:
      return a === b;
    case 0x20:
      return a > b;
    case 0x30:
      return a >= b;
    default:
      return (a & b) !== 0;
  }
}
