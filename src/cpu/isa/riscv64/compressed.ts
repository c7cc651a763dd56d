/**
 * The C extension: each of its instructions is short for one of 32 bits, which is what this makes of it
 * (RISC-V Instruction Set Manual, volume I, "C" Extension, "RVC Instruction Set Listings").
 */

const OP = 0x33;
const OP_32 = 0x3b;
const OP_IMM = 0x13;
const OP_IMM_32 = 0x1b;
const LOAD = 0x03;
const LOAD_FP = 0x07;
const STORE = 0x23;
const STORE_FP = 0x27;
const SP = 2;

function r(opcode: number, funct3: number, funct7: number, rd: number, rs1: number, rs2: number): number {
  return ((funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
}
function i(opcode: number, funct3: number, rd: number, rs1: number, imm: number): number {
  return ((imm << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
}
function s(opcode: number, funct3: number, rs1: number, rs2: number, imm: number): number {
  const low = (imm & 31) << 7;
  return (((imm >> 5) << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | low | opcode) >>> 0;
}
function b(funct3: number, rs1: number, imm: number): number {
  const low = ((imm & 0x1e) << 7) | ((imm & 0x800) >> 4);
  const high = ((imm & 0x1000) << 19) | ((imm & 0x7e0) << 20);
  return (high | (rs1 << 15) | (funct3 << 12) | low | 0x63) >>> 0;
}
function j(imm: number): number {
  const high = ((imm & 0x10_0000) << 11) | ((imm & 0x7fe) << 20);
  return (high | ((imm & 0x800) << 9) | (imm & 0xf_f000) | 0x6f) >>> 0;
}

/** The instruction in full, or 0, which is none. */
export function expand(c: number): number {
  const funct3 = c >>> 13;
  const bit = (n: number): number => (c >>> n) & 1;
  const field = (low: number, width: number): number => (c >>> low) & ((1 << width) - 1);
  const rd = field(7, 5);
  const rs2 = field(2, 5);
  // Three bits name x8 to x15.
  const rdShort = 8 + field(2, 3);
  const rs1Short = 8 + field(7, 3);
  /** Offsets of 4-byte and 8-byte accesses by a short register. */
  const words = (field(10, 3) << 3) | (bit(6) << 2) | (bit(5) << 6);
  const doubles = (field(10, 3) << 3) | (field(5, 2) << 6);
  /** Of loads and stores on the stack. */
  const wordsLoaded = (bit(12) << 5) | (field(4, 3) << 2) | (field(2, 2) << 6);
  const doublesLoaded = (bit(12) << 5) | (field(5, 2) << 3) | (field(2, 3) << 6);
  const wordsStored = (field(9, 4) << 2) | (field(7, 2) << 6);
  const doublesStored = (field(10, 3) << 3) | (field(7, 3) << 6);
  const imm6 = ((bit(12) << 31) >> 26) | field(2, 5);
  const shift = (bit(12) << 5) | field(2, 5);

  switch (((c & 3) << 3) | funct3) {
    case 0x00: {
      const imm = (field(11, 2) << 4) | (field(7, 4) << 6) | (bit(6) << 2) | (bit(5) << 3);
      return imm === 0 ? 0 : i(OP_IMM, 0, rdShort, SP, imm);
    }
    case 0x01:
      return i(LOAD_FP, 3, rdShort, rs1Short, doubles);
    case 0x02:
      return i(LOAD, 2, rdShort, rs1Short, words);
    case 0x03:
      return i(LOAD, 3, rdShort, rs1Short, doubles);
    case 0x05:
      return s(STORE_FP, 3, rs1Short, rdShort, doubles);
    case 0x06:
      return s(STORE, 2, rs1Short, rdShort, words);
    case 0x07:
      return s(STORE, 3, rs1Short, rdShort, doubles);

    case 0x08:
      return i(OP_IMM, 0, rd, rd, imm6);
    case 0x09:
      return rd === 0 ? 0 : i(OP_IMM_32, 0, rd, rd, imm6);
    case 0x0a:
      return i(OP_IMM, 0, rd, 0, imm6);
    case 0x0b: {
      if (imm6 === 0) return 0;
      if (rd !== SP) return (((imm6 << 12) | (rd << 7) | 0x37) & ~0) >>> 0;
      const imm = ((bit(12) << 31) >> 22) | (bit(6) << 4) | (bit(5) << 6) | (field(3, 2) << 7) | (bit(2) << 5);
      return i(OP_IMM, 0, SP, SP, imm);
    }
    case 0x0c:
      return arithmetic(c, rs1Short, rdShort, shift, imm6);
    case 0x0d: {
      const sign = (bit(12) << 31) >> 20;
      const high = (bit(8) << 10) | (field(9, 2) << 8) | (bit(6) << 7) | (bit(7) << 6);
      return j(sign | high | (bit(2) << 5) | (bit(11) << 4) | (field(3, 3) << 1));
    }
    case 0x0e:
    case 0x0f: {
      const sign = (bit(12) << 31) >> 23;
      const imm = sign | (field(5, 2) << 6) | (bit(2) << 5) | (field(10, 2) << 3) | (field(3, 2) << 1);
      return b(funct3 & 1, rs1Short, imm);
    }

    case 0x10:
      return i(OP_IMM, 1, rd, rd, shift);
    case 0x11:
      return i(LOAD_FP, 3, rd, SP, doublesLoaded);
    case 0x12:
      return rd === 0 ? 0 : i(LOAD, 2, rd, SP, wordsLoaded);
    case 0x13:
      return rd === 0 ? 0 : i(LOAD, 3, rd, SP, doublesLoaded);
    case 0x14:
      if (rs2 !== 0) return r(OP, 0, 0, rd, bit(12) === 0 ? 0 : rd, rs2);
      if (rd !== 0) return i(0x67, 0, bit(12), rd, 0);
      return bit(12) === 0 ? 0 : 0x0010_0073;
    case 0x15:
      return s(STORE_FP, 3, SP, rs2, doublesStored);
    case 0x16:
      return s(STORE, 2, SP, rs2, wordsStored);
    case 0x17:
      return s(STORE, 3, SP, rs2, doublesStored);
    default:
      return 0;
  }
}

function arithmetic(c: number, rd: number, rs2: number, shift: number, imm6: number): number {
  switch ((c >>> 10) & 3) {
    case 0:
      return i(OP_IMM, 5, rd, rd, shift);
    case 1:
      return i(OP_IMM, 5, rd, rd, shift | 0x400);
    case 2:
      return i(OP_IMM, 7, rd, rd, imm6);
    default:
      switch (((c >>> 10) & 4) | ((c >>> 5) & 3)) {
        case 0:
          return r(OP, 0, 0x20, rd, rd, rs2);
        case 1:
          return r(OP, 4, 0, rd, rd, rs2);
        case 2:
          return r(OP, 6, 0, rd, rd, rs2);
        case 3:
          return r(OP, 7, 0, rd, rd, rs2);
        case 4:
          return r(OP_32, 0, 0x20, rd, rd, rs2);
        case 5:
          return r(OP_32, 0, 0, rd, rd, rs2);
        default:
          return 0;
      }
  }
}
