/**
 * What may be compared after an instruction, when another engine (Unicorn 2.0.1, which is QEMU 5.0.1) has executed it too:
 * the one list of where two engines answer differently and neither is to blame, or where QEMU is known to be wrong.
 *
 * - Flags that the Intel SDM leaves undefined (undefined-flags.ts): not compared. FCOMI and its kin: the SDM clears AF, SF
 *   and OF or leaves them, depending on the edition; QEMU leaves them.
 * - CPUID, RDTSC, RDTSCP, RDRAND, RDSEED: each engine is its own processor.
 * - RCPPS, RSQRTPS and the scalar ones: the SDM allows a relative error of 1.5 * 2^-12. QEMU divides exactly; tsrcore gives
 *   what real processors give.
 * - F2XM1, FYL2X, FPTAN, FPATAN, FYL2XP1, FSINCOS, FSIN, FCOS: QEMU computes them in doubles of the host, 11 bits short of
 *   the x87's.
 * - FPREM, FPREM1: the SDM lets an implementation choose by how much a far larger dividend is reduced at a time; QEMU chooses
 *   otherwise than real processors, and works in doubles.
 * - The sticky exception flags of MXCSR and the x87, the x87's condition bits and tags: QEMU raises few of the x87's (no stack
 *   faults, no denormals, C1 not at all). They are not compared, and an instruction that shows them (FNSTSW, FNSTENV, FNSAVE,
 *   FXSAVE, STMXCSR) is executed by both from the state of the engine under test.
 * - The exponents of x87 registers after MMX instructions, which should be all ones: QEMU leaves them. Compared after x87
 *   instructions alone.
 * - POPCNT, LZCNT, TZCNT, RDFSBASE and its kin, all of the maps 0F 38 and 0F 3A, all with a VEX prefix, and the second
 *   encoding of TEST (F6 /1, F7 /1) are unknown to Unicorn's CPU model; ENTER, and LAHF and SAHF with a
 *   REX prefix, are wrong in it.
 */
import { undefinedFlagsOf } from "./undefined-flags.ts";

/** Nothing can be compared. */
export const INCOMPARABLE = -1;
/** Comparable only if both engines start from the same state to the last bit. In addition to the flags. */
export const FROM_SAME_STATE: number = 1 << 30;

/** An instruction of the x87, and one that may use xmm or MMX registers. In addition to the flags. */
export const X87: number = 1 << 29;
export const VECTOR: number = 1 << 28;

const AF = 0x10;
const SF = 0x80;
const OF = 0x800;
/** CF PF AF ZF SF OF */
export const ARITHMETIC = 0x8d5;

const LEGACY_PREFIXES: ReadonlySet<number> = new Set([
  0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x66, 0x67,
]); // biome-ignore format: one line

/** The flags that may be compared after the instruction at `code[at]`, or one of the constants above. */
export function comparable(code: Uint8Array, at: number): number {
  let word = false;
  let repeat = false;
  let byte = code[at] as number;
  while (LEGACY_PREFIXES.has(byte)) {
    if (byte === 0x66) word = true;
    else if (byte === 0xf3) repeat = true;
    byte = code[++at] as number;
  }
  let rex = 0;
  if ((byte & 0xf0) === 0x40) {
    rex = byte;
    byte = code[++at] as number;
  }
  const modrm = code[at + 1] as number;
  if (byte === 0x0f) return comparable0f(modrm, code[at + 2] as number, repeat, rex, word);
  if (byte >= 0xd8 && byte <= 0xdf) {
    const what = comparableX87(byte, modrm);
    return what === INCOMPARABLE ? what : what | X87;
  }
  const ext = (modrm >> 3) & 7;
  if (byte === 0xc4 || byte === 0xc5) return INCOMPARABLE;
  if (((byte === 0xf6 || byte === 0xf7) && ext === 1) || byte === 0xc8) return INCOMPARABLE;
  if ((byte === 0x9e || byte === 0x9f) && rex !== 0) return INCOMPARABLE;
  const size = (byte & 1) === 0 ? 1 : (rex & 8) !== 0 ? 8 : word ? 2 : 4;
  return ARITHMETIC & ~undefinedFlagsOf(0, byte, ext, size, undefined);
}

function comparable0f(opcode: number, modrm: number, repeat: boolean, rex: number, word: boolean): number {
  const ext = (modrm >> 3) & 7;
  if (isVector(opcode) && opcode !== 0x52 && opcode !== 0x53) return ARITHMETIC | VECTOR;
  if (repeat && (opcode === 0xb8 || opcode === 0xbc || opcode === 0xbd)) return INCOMPARABLE;
  switch (opcode) {
    case 0x31: // rdtsc
    case 0xa2: // cpuid
    case 0x52: // rsqrtps
    case 0x53: // rcpps
      return INCOMPARABLE;
    case 0x01:
      return modrm === 0xf9 ? INCOMPARABLE : ARITHMETIC;
    case 0x38:
    case 0x3a:
      return INCOMPARABLE;
    case 0xc7:
      return modrm >= 0xf0 ? INCOMPARABLE : ARITHMETIC;
    case 0xae:
      if (repeat || word) return INCOMPARABLE;
      return ARITHMETIC | FROM_SAME_STATE | VECTOR;
    default:
      return ARITHMETIC & ~undefinedFlagsOf(1, opcode, ext, (rex & 8) !== 0 ? 8 : word ? 2 : 4, undefined);
  }
}

/** 0F 10-17, 28-2F, 50-7F, C2-C6, D0-FF: none of them leaves flags undefined. */
function isVector(opcode: number): boolean {
  if (opcode < 0x80) return (opcode >= 0x10 && opcode < 0x18) || (opcode >= 0x28 && opcode < 0x30) || opcode >= 0x50;
  return opcode >= 0xd0 || (opcode >= 0xc2 && opcode <= 0xc6);
}

function comparableX87(opcode: number, modrm: number): number {
  const ext = (modrm >> 3) & 7;
  if (modrm < 0xc0) {
    // fnstenv; fnsave, fnstsw
    const shows = (opcode === 0xd9 && ext === 6) || (opcode === 0xdd && ext >= 6);
    return shows ? ARITHMETIC | FROM_SAME_STATE : ARITHMETIC;
  }
  if (opcode === 0xdf && modrm === 0xe0) return ARITHMETIC | FROM_SAME_STATE;
  if (opcode === 0xd9 && modrm >= 0xf0 && [0xf0, 0xf1, 0xf2, 0xf3, 0xf5, 0xf8, 0xf9, 0xfb, 0xfe, 0xff].includes(modrm))
    return INCOMPARABLE;
  if ((opcode === 0xdb || opcode === 0xdf) && modrm >= 0xe8 && modrm < 0xf8) return ARITHMETIC & ~(AF | SF | OF);
  return ARITHMETIC;
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
