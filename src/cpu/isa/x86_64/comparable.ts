/**
 * What may be compared after an instruction, when another engine (Unicorn 2.0.1, which is QEMU 5.0.1) has executed it too:
 * the one list of where two engines answer differently and neither is to blame, or where QEMU is known to be wrong. Lockstep
 * and the instruction tests both go by it; `tests/insn` with `--cpu unicorn` is what it was made with.
 *
 * Not compared at all:
 * - CPUID, RDTSC, RDTSCP, RDPMC, RDRAND, RDSEED, XGETBV: each engine is its own processor. The rest of 0F 01 likewise.
 * - What QEMU's core does not know: POPCNT, MOVBE, PCLMULQDQ, SHA, XSAVE and its kin, RDFSBASE and its kin, CLFLUSHOPT, CLWB,
 *   0F 0D and 0F 18 with a register; the second encoding of TEST (F6 /1, F7 /1); AVX (VEX prefixes are taken for the
 *   instructions of the same opcode without), but not the BMI instructions.
 * - RCPPS, RSQRTPS and the scalar ones: the SDM allows a relative error of 1.5 * 2^-12. QEMU divides exactly; tsrcore gives
 *   what real processors give.
 * - F2XM1, FYL2X, FPTAN, FPATAN, FYL2XP1, FSINCOS, FSIN, FCOS: QEMU computes them in doubles of the host, 11 bits short of
 *   the x87's.
 * - FPREM, FPREM1: the SDM lets an implementation choose by how much a far larger dividend is reduced at a time; QEMU chooses
 *   otherwise than real processors, and works in doubles. FXTRACT of an infinity is wrong, and FBSTP
 *   forgets the sign of a zero. FSCALE rounds to less than 64 bits, and not to infinity and zero as it should.
 * - FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2: QEMU's constants do not follow the rounding control.
 * - FNSTENV, FNSAVE, FXSAVE: QEMU does not keep the last instruction's address, nor fill the reserved words.
 * - PDEP, PEXT, BZHI and BEXTR, which are wrong; PCMPESTRI and PCMPESTRM, which end the process where lengths are out of range;
 *   horizontal sums of a register with itself; ENTER; LAHF and SAHF with a REX prefix, which take AH for SPL; SHLD, SHRD and RORX by a constant with an operand
 *   relative to the instruction pointer; RET by 32 KiB or more; CMPXCHG of 32-bit registers, whose upper half it clears too often; SSSE3 on MMX
 *   registers with REX prefixes; PUNPCKL, CVTPS2PI, CVTPS2PD, CVTDQ2PD and ROUNDSS of memory, of which it reads too much; DPPS and DPPD, which it
 *   sums in another order; CLFLUSH, which never faults.
 * - Prefixes that nobody writes: REX before others, FS or GS before one of the old segments; comparisons of floats by one of
 *   AVX's predicates.
 * - SYSRET, SYSENTER, SYSEXIT, which are invalid in QEMU where they are privileged.
 * - IN, OUT, INS, OUTS, which Unicorn executes at any privilege level, and INT n, which it reports as the exception n.
 *
 * Compared in part:
 * - Flags that the Intel SDM leaves undefined (undefined-flags.ts): not compared. FCOMI and its kin: the SDM clears AF, SF
 *   and OF or leaves them, depending on the edition; QEMU leaves them. LOCK NEG sets wrong ones, and BLSI a wrong carry.
 * - The sticky exception flags of MXCSR and the x87, and C1: QEMU raises few of the x87's (no stack faults, no denormals). They
 *   are not compared, and an instruction that shows them (FNSTSW, STMXCSR) is executed by both from the state of the engine
 *   under test. Nor is what an invalid x87 operation leaves that QEMU takes for a valid one. C0, C2 and C3 are compared after
 *   comparisons; FXAM knows no unnormal numbers in QEMU.
 * - The exponents of x87 registers after MMX instructions, which should be all ones: QEMU leaves them. TOP and the tags are
 *   not compared there either, nor the tags after FST ST(i).
 */
import { UNDEFINED_WITH_PREFIX, undefinedFlagsOf } from "./undefined-flags.ts";

/** Nothing can be compared. */
export const INCOMPARABLE = -1;
/** Comparable only if both engines start from the same state to the last bit. In addition to the flags. */
export const FROM_SAME_STATE: number = 1 << 30;
/** C0, C2 and C3 of the x87 are defined. In addition to the flags. */
export const X87_CONDITION: number = 1 << 29;
/** An instruction with MMX registers. In addition to the flags. */
export const MMX: number = 1 << 28;
/** The tags of the x87 are not compared. In addition to the flags. */
export const NO_TAGS: number = 1 << 27;

const CF = 1;
const AF = 0x10;

const SF = 0x80;
const OF = 0x800;
/** CF PF AF ZF SF OF */
export const ARITHMETIC = 0x8d5;

const LEGACY_PREFIXES: ReadonlySet<number> = new Set([
  0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x66, 0x67,
]); // biome-ignore format: one line

/** ES, CS, SS, DS, which mean nothing in 64-bit mode. */
const OLD_SEGMENTS: ReadonlySet<number> = new Set([0x26, 0x2e, 0x36, 0x3e]);

interface Prefixes {
  readonly word: boolean;
  readonly repeat: boolean;
  /** F2 */
  readonly repeatNot: boolean;
  readonly rex: number;
}

/** Bytes of ModRM, SIB and displacement of the operand whose ModRM is `code[at]`. */
function operandLength(code: Uint8Array, at: number): number {
  const modrm = code[at] as number;
  const mod = modrm >> 6;
  if (mod === 3) return 1;
  const sib = (modrm & 7) === 4;
  const base = sib ? (code[at + 1] as number) & 7 : modrm & 7;
  const displacement = mod === 1 ? 1 : mod === 2 || base === 5 ? 4 : 0;
  return 1 + (sib ? 1 : 0) + displacement;
}

/** The flags that may be compared after the instruction at `code[at]`, or one of the constants above. */
export function comparable(code: Uint8Array, at: number): number {
  let word = false;
  let repeat = false;
  let repeatNot = false;
  let segment = false;
  let lock = false;
  let byte = code[at] as number;
  while (LEGACY_PREFIXES.has(byte)) {
    if (byte === 0x66) word = true;
    else if (byte === 0xf0) lock = true;
    else if (byte === 0x64 || byte === 0x65) segment = true;
    // One without meaning takes the place of FS or GS in QEMU.
    else if (segment && OLD_SEGMENTS.has(byte)) return INCOMPARABLE;
    else if (byte === 0xf3) [repeat, repeatNot] = [true, false];
    else if (byte === 0xf2) [repeat, repeatNot] = [false, true];
    byte = code[++at] as number;
  }
  let rex = 0;
  if ((byte & 0xf0) === 0x40) {
    rex = byte;
    byte = code[++at] as number;
    // REX counts only right before the opcode; QEMU keeps it over other prefixes.
    if (LEGACY_PREFIXES.has(byte) || (byte & 0xf0) === 0x40) return INCOMPARABLE;
  }
  const prefixes = { word, repeat, repeatNot, rex };
  const modrm = code[at + 1] as number;
  if (byte === 0x0f) return comparable0f(code, at + 1, prefixes);
  if (byte >= 0xd8 && byte <= 0xdf) return comparableX87(byte, modrm);
  const ext = (modrm >> 3) & 7;
  const size = (byte & 1) === 0 ? 1 : sizeOf(prefixes);
  const flags = ARITHMETIC & ~undefinedFlagsOf(0, byte, ext, size, undefined);
  switch (byte) {
    case 0x62: // EVEX
    case 0xc5: // VEX, opcodes of 0F only
    case 0xcd: // int n
      return INCOMPARABLE;
    case 0x9e: // sahf, lahf
    case 0x9f:
      return rex === 0 ? flags : INCOMPARABLE;
    case 0xc2: // ret with an operand, which is signed in QEMU
      return (code[at + 2] as number) < 0x80 ? flags : INCOMPARABLE;
    case 0xc8: // enter
      return INCOMPARABLE;
    case 0xc4:
      return comparableVex(modrm, code[at + 2] as number, code[at + 3] as number, code[at + 4] as number);
    case 0xf6:
    case 0xf7:
      if (ext === 1) return INCOMPARABLE;
      return ext === 3 && lock ? 0 : flags;
    default:
      return isPort(byte) ? INCOMPARABLE : flags;
  }
}

function sizeOf({ word, rex }: Prefixes): number {
  return (rex & 8) !== 0 ? 8 : word ? 2 : 4;
}

/** ins, outs; in, out */
function isPort(opcode: number): boolean {
  return (opcode >= 0x6c && opcode <= 0x6f) || (opcode & 0xf4) === 0xe4;
}

/** An operand relative to the instruction pointer, where QEMU forgets the constant that follows it. */
const ripRelative = (modrm: number): boolean => (modrm & 0xc7) === 5;

/** VEX of three bytes, of which the BMI instructions are known. */
function comparableVex(second: number, third: number, opcode: number, modrm: number): number {
  const map = second & 0x1f;
  if ((third & 4) !== 0) return INCOMPARABLE;
  // A second source where there is none is invalid, but not in QEMU.
  if (map === 3) return opcode === 0xf0 && (third & 0x78) === 0x78 && !ripRelative(modrm) ? ARITHMETIC : INCOMPARABLE;
  if (map !== 2) return INCOMPARABLE;
  const kind = third & 3;
  const ext = (modrm >> 3) & 7;
  switch (opcode) {
    case 0xf2:
      return without("andn");
    case 0xf3:
      return ext === 1
        ? without("blsr")
        : ext === 2
          ? without("blsmsk")
          : ext === 3
            ? without("blsi") & ~CF
            : INCOMPARABLE;
    case 0xf6:
      return ARITHMETIC;
    case 0xf7:
      return kind === 0 ? INCOMPARABLE : ARITHMETIC;
    default:
      return INCOMPARABLE;
  }
}

const without = (mnemonic: string): number => ARITHMETIC & ~(UNDEFINED_WITH_PREFIX[mnemonic] as number);

/** `code[at]` is the opcode after 0F. */
function comparable0f(code: Uint8Array, at: number, prefixes: Prefixes): number {
  const opcode = code[at] as number;
  const modrm = code[at + 1] as number;
  const ext = (modrm >> 3) & 7;
  const { word, repeat, repeatNot } = prefixes;
  switch (opcode) {
    case 0x01:
    case 0x07: // sysret, sysenter, sysexit: invalid in QEMU where they are privileged
    case 0x33: // rdpmc
    case 0x34:
    case 0x35:
    case 0x31: // rdtsc
    case 0xa2: // cpuid
    case 0x52: // rsqrtps
    case 0x53: // rcpps
      return INCOMPARABLE;
    case 0x0d:
    case 0x18:
      return modrm >= 0xc0 ? INCOMPARABLE : ARITHMETIC;
    case 0x38:
      return comparable0f38(code[at + 1] as number, code[at + 2] as number, prefixes);
    case 0x3a:
      return comparable0f3a(code[at + 1] as number, code[at + 2] as number, prefixes);
    case 0xa4:
    case 0xac:
      if (ripRelative(modrm)) return INCOMPARABLE;
      break;
    case 0x7c:
    case 0x7d:
      if (sameRegister(modrm, prefixes.rex)) return INCOMPARABLE;
      break;
    case 0xb1:
      // A register that was not equal: QEMU clears its upper half.
      if (modrm >= 0xc0 && sizeOf(prefixes) === 4) return INCOMPARABLE;
      break;
    case 0xb8: // popcnt
      return INCOMPARABLE;
    case 0xbc:
      if (repeat) return without("tzcnt");
      break;
    case 0xbd:
      if (repeat) return without("lzcnt");
      break;
    case 0xc2:
      // Predicates from 8 on are AVX's.
      return (code[at + 1 + operandLength(code, at + 1)] as number) < 8 ? ARITHMETIC : INCOMPARABLE;
    case 0xc7:
      return ext === 1 && modrm < 0xc0 ? ARITHMETIC : INCOMPARABLE;
    case 0xae:
      return comparable0fAe(modrm, ext, prefixes);
  }
  if (isVector(opcode)) {
    // cvtps2pd, cvtdq2pd: QEMU reads 16 bytes.
    const half = (opcode === 0x5a && !word && !repeat && !repeatNot) || (opcode === 0xe6 && repeat);
    if (half && modrm < 0xc0) return INCOMPARABLE;
    if (!usesMmx(opcode, word, repeat, repeatNot)) return ARITHMETIC;
    // QEMU reads more than they do: punpckl, cvtps2pi, cvttps2pi.
    const wide = (opcode >= 0x60 && opcode <= 0x62) || ((opcode === 0x2c || opcode === 0x2d) && !word);
    return wide && modrm < 0xc0 ? INCOMPARABLE : ARITHMETIC | MMX;
  }
  return ARITHMETIC & ~undefinedFlagsOf(1, opcode, ext, sizeOf(prefixes), undefined);
}

/** A register with itself: horizontal sums, which QEMU writes while it still reads. */
function sameRegister(modrm: number, rex: number): boolean {
  return modrm >= 0xc0 && (((modrm >> 3) & 7) | ((rex & 4) << 1)) === ((modrm & 7) | ((rex & 1) << 3));
}

/** fxsave, fxrstor, ldmxcsr, stmxcsr, clflush, fences. */
function comparable0fAe(modrm: number, ext: number, { word, repeat }: Prefixes): number {
  if (modrm >= 0xc0) return repeat || word ? INCOMPARABLE : ARITHMETIC;
  if (ext === 0) return INCOMPARABLE;
  if (ext < 4) return ARITHMETIC | FROM_SAME_STATE;
  // clflush faults where nothing is mapped, but not in QEMU.
  return INCOMPARABLE;
}

/** SSSE3, SSE4, AES, ADX, CRC32. */
function comparable0f38(opcode: number, modrm: number, { word, repeat, repeatNot, rex }: Prefixes): number {
  if (((opcode >= 1 && opcode <= 3) || (opcode >= 5 && opcode <= 7)) && sameRegister(modrm, rex)) return INCOMPARABLE;
  // With REX.R or REX.B QEMU goes beyond the MMX registers.
  if (opcode < 0x0c || (opcode >= 0x1c && opcode <= 0x1e))
    return word ? ARITHMETIC : (rex & 5) === 0 ? ARITHMETIC | MMX : INCOMPARABLE;
  if (opcode === 0xf0 || opcode === 0xf1) return repeatNot ? ARITHMETIC : INCOMPARABLE;
  if (opcode === 0xf6) return word || repeat ? ARITHMETIC : INCOMPARABLE;
  const known =
    [0x10, 0x14, 0x15, 0x17].includes(opcode) ||
    (opcode >= 0x20 && opcode <= 0x25) ||
    (opcode >= 0x28 && opcode <= 0x2b) ||
    (opcode >= 0x30 && opcode <= 0x35) ||
    (opcode >= 0x37 && opcode <= 0x41) ||
    (opcode >= 0xdb && opcode <= 0xdf);
  return known ? ARITHMETIC : INCOMPARABLE;
}

function comparable0f3a(opcode: number, modrm: number, { word, rex }: Prefixes): number {
  if (opcode === 0x0f) return word ? ARITHMETIC : (rex & 5) === 0 ? ARITHMETIC | MMX : INCOMPARABLE;
  // roundss, roundsd
  if ((opcode === 0x0a || opcode === 0x0b) && modrm < 0xc0) return INCOMPARABLE;
  const known =
    (opcode >= 0x08 && opcode <= 0x17) ||
    (opcode >= 0x20 && opcode <= 0x22) ||
    opcode === 0x42 ||
    opcode === 0x62 ||
    opcode === 0x63 ||
    opcode === 0xdf;
  return known ? ARITHMETIC : INCOMPARABLE;
}

/** 0F 10-17, 28-2F, 50-7F, C2-C6, D0-FF: none of them leaves flags undefined. */
function isVector(opcode: number): boolean {
  if (opcode < 0x80) return (opcode >= 0x10 && opcode < 0x18) || (opcode >= 0x28 && opcode < 0x30) || opcode >= 0x50;
  return opcode >= 0xd0 || (opcode >= 0xc2 && opcode <= 0xc6);
}

/** Integer vectors without a prefix; conversions between MMX and xmm registers; movq2dq, movdq2q. */
function usesMmx(opcode: number, word: boolean, repeat: boolean, repeatNot: boolean): boolean {
  if (opcode === 0x2a || opcode === 0x2c || opcode === 0x2d) return !repeat && !repeatNot;
  if (opcode === 0xd6) return repeat || repeatNot;
  const integer = (opcode >= 0x60 && opcode < 0x80) || opcode >= 0xd0 || opcode === 0xc4 || opcode === 0xc5;
  return integer && !word && !repeat && !repeatNot;
}

function comparableX87(opcode: number, modrm: number): number {
  const ext = (modrm >> 3) & 7;
  if (modrm < 0xc0) {
    // fnstenv, fnsave
    if ((opcode === 0xd9 || opcode === 0xdd) && ext === 6) return INCOMPARABLE;
    if (opcode === 0xdd && ext === 7) return ARITHMETIC | FROM_SAME_STATE;
    // fbstp
    if (opcode === 0xdf && ext === 6) return INCOMPARABLE;
    // fcom, fcomp; ficom, ficomp
    const compares = (opcode & 1) === 0 && (ext === 2 || ext === 3);
    return compares ? ARITHMETIC | X87_CONDITION : ARITHMETIC;
  }
  if (opcode === 0xdf && modrm === 0xe0) return ARITHMETIC | FROM_SAME_STATE;
  if (opcode === 0xd9 && modrm >= 0xe9 && modrm <= 0xed) return INCOMPARABLE;
  if (
    opcode === 0xd9 &&
    modrm >= 0xf0 &&
    [0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf8, 0xf9, 0xfb, 0xfd, 0xfe, 0xff].includes(modrm)
  )
    return INCOMPARABLE;
  if ((opcode === 0xdb || opcode === 0xdf) && modrm >= 0xe8 && modrm < 0xf8) return ARITHMETIC & ~(AF | SF | OF);
  // An alias of fstp st(i) that does not mind if the register is empty.
  if (opcode === 0xd9 && ext === 3) return INCOMPARABLE;
  // fst st(i), fstp st(i)
  if ((opcode === 0xdd || opcode === 0xdf) && (ext === 2 || ext === 3)) return ARITHMETIC | NO_TAGS;
  const compares =
    ((opcode === 0xd8 || opcode === 0xdc || opcode === 0xde) && (ext === 2 || ext === 3)) ||
    (opcode === 0xdd && (ext === 4 || ext === 5)) ||
    (opcode === 0xda && modrm === 0xe9) ||
    (opcode === 0xd9 && modrm === 0xe4);
  return compares ? ARITHMETIC | X87_CONDITION : ARITHMETIC;
}

/** Whether the instruction at `code[at]` may demand that its operand is aligned, which QEMU does not check: SSE with memory. */
export function mayDemandAlignment(code: Uint8Array, at: number): boolean {
  let byte = code[at] as number;
  while (LEGACY_PREFIXES.has(byte) || (byte & 0xf0) === 0x40) byte = code[++at] as number;
  if (byte !== 0x0f) return false;
  byte = code[++at] as number;
  if (byte === 0x38 || byte === 0x3a) return (code[at + 2] as number) < 0xc0;
  return (isVector(byte) || byte === 0xae || byte === 0xc7) && (code[at + 1] as number) < 0xc0;
}

/** Whether the instruction at `code[at]` reads its memory operand and writes it. */
export function modifiesMemory(code: Uint8Array, at: number): boolean {
  let byte = code[at] as number;
  while (LEGACY_PREFIXES.has(byte) || (byte & 0xf0) === 0x40) byte = code[++at] as number;
  const two = byte === 0x0f;
  if (two) byte = code[++at] as number;
  const modrm = code[at + 1] as number;
  if (modrm >= 0xc0) return false;
  const ext = (modrm >> 3) & 7;
  if (two) {
    // xadd, cmpxchg, shld, shrd, bts, btr, btc, cmpxchg8b
    if (byte === 0xba) return ext >= 5;
    return [0xa4, 0xa5, 0xab, 0xac, 0xad, 0xb0, 0xb1, 0xb3, 0xbb, 0xc0, 0xc1, 0xc7].includes(byte);
  }
  // Arithmetic but for cmp; xchg; shifts; not, neg; inc, dec.
  if (byte < 0x38) return (byte & 7) < 2;
  if (byte >= 0x80 && byte <= 0x83) return ext !== 7;
  if (byte === 0xf6 || byte === 0xf7) return ext === 2 || ext === 3;
  if (byte === 0xfe || byte === 0xff) return ext < 2;
  return [0x86, 0x87, 0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3].includes(byte);
}

/** Whether the instruction at `code[at]` can be followed by itself: a jump, call or return, or one of the loops. */
export function isJump(code: Uint8Array, at: number): boolean {
  let byte = code[at] as number;
  while (LEGACY_PREFIXES.has(byte) || (byte & 0xf0) === 0x40) byte = code[++at] as number;
  if (byte === 0x0f) return ((code[at + 1] as number) & 0xf0) === 0x80;
  if (byte === 0xff) return [2, 3, 4, 5].includes(((code[at + 1] as number) >> 3) & 7);
  return (
    (byte & 0xf0) === 0x70 ||
    (byte >= 0xe0 && byte <= 0xe3) ||
    (byte >= 0xe8 && byte <= 0xeb) ||
    [0xc2, 0xc3].includes(byte)
  );
}
