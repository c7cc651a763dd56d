/**
 * Which flags an instruction leaves undefined (Intel SDM vol. 2, "Flags Affected"): two processors, or two engines, may
 * answer differently there, so comparisons leave them out.
 */
const CF = 1;
const PF = 4;
const AF = 0x10;
const ZF = 0x40;
const SF = 0x80;
const OF = 0x800;
const ALL = CF | PF | AF | ZF | SF | OF;

/**
 * @param map 0 for one-byte opcodes, 1 for 0F xx
 * @param ext ModRM.reg
 * @param size operand size in bytes
 * @param count of a shift or rotate, masked as the CPU does; undefined: not known
 */
export function undefinedFlagsOf(
  map: number,
  opcode: number,
  ext: number | undefined,
  size: number,
  count: number | undefined,
): number {
  const logic = [1, 4, 6];
  if (map === 0) {
    if (opcode < 0x40 && (opcode & 7) < 6 && logic.includes(opcode >> 3)) return AF;
    if (opcode >= 0x80 && opcode <= 0x83 && ext !== undefined && logic.includes(ext)) return AF;
    if ([0x84, 0x85, 0xa8, 0xa9].includes(opcode)) return AF;
    if (opcode === 0x69 || opcode === 0x6b) return SF | ZF | AF | PF;
    if (opcode === 0xf6 || opcode === 0xf7) {
      if (ext === 0 || ext === 1) return AF;
      if (ext === 4 || ext === 5) return SF | ZF | AF | PF;
      if (ext === 6 || ext === 7) return ALL;
    }
    if (opcode === 0xc0 || opcode === 0xc1 || (opcode >= 0xd0 && opcode <= 0xd3))
      return shiftFlags(ext ?? 0, size, count);
  }
  if (map === 1) {
    if ([0xa4, 0xa5, 0xac, 0xad].includes(opcode)) {
      if (count === 0) return 0;
      if (count === undefined || count > size * 8) return ALL;
      return AF | (count === 1 ? 0 : OF);
    }
    if ([0xa3, 0xab, 0xb3, 0xbb, 0xba].includes(opcode)) return OF | SF | AF | PF;
    if (opcode === 0xbc || opcode === 0xbd) return CF | OF | SF | AF | PF;
    if (opcode === 0xaf) return SF | ZF | AF | PF;
  }
  return 0;
}

/** The same for instructions that a prefix tells from older ones, by mnemonic. */
export const UNDEFINED_WITH_PREFIX: Readonly<Record<string, number>> = {
  tzcnt: OF | SF | AF | PF,
  lzcnt: OF | SF | AF | PF,
  andn: AF | PF,
  blsr: AF | PF,
  blsmsk: AF | PF,
  blsi: AF | PF,
  bzhi: AF | PF,
  bextr: AF | PF | SF,
};

function shiftFlags(ext: number, size: number, count: number | undefined): number {
  if (count === 0) return 0;
  const of = count === 1 ? 0 : OF;
  if (ext < 4) return of;
  // SHL and SHR by the operand's size or more leave CF undefined; SAR does not.
  const cf = ext !== 7 && (count === undefined || count >= size * 8) ? CF : 0;
  return AF | of | cf;
}
