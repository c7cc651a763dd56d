/** Memory operands: an encoding for a wanted address, with the registers set so that it comes out. */
import { DATA, DATA_SIZE, READONLY, READONLY_SIZE } from "./protocol.ts";
import type { Random } from "./random.ts";

export interface MemoryOperand {
  /** mod and rm fields of ModRM; the reg field is the caller's. */
  readonly modrm: number;
  /** SIB and displacement. For a RIP-relative operand the displacement is filled in by `patchRip`. */
  readonly tail: number[];
  readonly rexX: number;
  readonly rexB: number;
  readonly ripRelative: boolean;
  readonly target: bigint;
}

const RSP = 4;
const RBP = 5;

/**
 * A data address for an operand of `size` bytes: mostly a good one, now and then one that faults somehow.
 * @param alignment a power of two, mostly kept
 */
export function pickTarget(rng: Random, size: number, alignment: number): bigint {
  const span = Math.max(size, 1);
  const align = (a: number): number => (alignment > 1 && !rng.oneIn(12) ? a & -alignment : a);
  switch (rng.below(40)) {
    case 0: // no write permission
      return BigInt(align(READONLY + rng.below(READONLY_SIZE - span)));
    case 1: // runs over the end of the mapping
      return BigInt(align(DATA + DATA_SIZE - rng.below(span + 1)));
    case 2: // begins before it
      return BigInt(align(DATA - 1 - rng.below(span)));
    case 3: // nothing there at all
      return BigInt(align(0x50_0000 + rng.below(0x1000)));
    case 4:
      return rng.oneIn(4) ? rng.u64() : BigInt(align(DATA + rng.below(DATA_SIZE - span)));
    case 5:
    case 6: // across the border of the two pages
      return BigInt(align(DATA + 0x1000 - rng.below(span)));
    default: {
      const a = DATA + 0x100 + rng.below(DATA_SIZE - 0x200 - span);
      return BigInt(align(rng.oneIn(3) ? a : a & ~(span - 1)));
    }
  }
}

const signed32 = (v: bigint): boolean => v >= -0x8000_0000n && v <= 0x7fff_ffffn;

/**
 * @param gpr changed so that the operand's address is `target`
 * @param constantOnly use no register at all (RIP-relative or absolute)
 * @param mask 2^64-1, or 2^32-1 under the address-size prefix
 */
export function memoryOperand(
  rng: Random,
  gpr: BigUint64Array,
  target: bigint,
  segmentBase: bigint,
  mask: bigint,
  constantOnly: boolean,
): MemoryOperand {
  const wanted = (target - segmentBase) & mask;
  const wrap = (v: bigint): bigint => BigInt.asUintN(64, v);
  const set = (r: number, v: bigint): void => {
    // Under the address-size prefix the upper half of a register must not matter.
    gpr[r] = mask === 0xffff_ffffn && rng.oneIn(2) ? (v & mask) | (BigInt(rng.u32()) << 32n) : wrap(v & mask);
  };
  const disp32 = (v: bigint): number[] => {
    const n = Number(BigInt.asUintN(32, v));
    return [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24];
  };
  const form = constantOnly ? rng.below(2) : rng.below(12);
  if (form === 0 && segmentBase === 0n && target <= 0x7fff_0000n)
    return { modrm: 0x05, tail: [0, 0, 0, 0], rexX: 0, rexB: 0, ripRelative: true, target };
  if (form <= 1 && signed32(BigInt.asIntN(64, wanted)))
    return { modrm: 0x04, tail: [0x25, ...disp32(wanted)], rexX: 0, rexB: 0, ripRelative: false, target };

  // disp: none, 8 bits or 32 bits.
  const kind = rng.below(3);
  const base = rng.below(16);
  const useSib = form >= 7 || (base & 7) === RSP;
  let disp = kind === 0 ? 0n : kind === 1 ? BigInt((rng.u32() << 24) >> 24) : BigInt((rng.u32() >> rng.below(24)) | 0);
  if (!useSib) {
    const needsDisp = (base & 7) === RBP && kind === 0;
    set(base, wanted - disp);
    return {
      modrm: ((needsDisp ? 1 : kind) << 6) | (base & 7),
      tail: kind === 2 ? disp32(disp) : kind === 1 ? [Number(disp & 255n)] : needsDisp ? [0] : [],
      rexX: 0,
      rexB: base >> 3,
      ripRelative: false,
      target,
    };
  }
  const scale = rng.below(4);
  let index = rng.below(16);
  const noIndex = form < 7 || rng.oneIn(8);
  if (noIndex) index = RSP;
  else if (index === RSP) index = 12;
  const noBase = !noIndex && rng.oneIn(6);
  const sib = (scale << 6) | ((index & 7) << 3) | (noBase ? RBP : base & 7);
  if (noBase) {
    // [index * scale + disp32]: the index takes what the displacement leaves.
    const value = BigInt(rng.below(0x1000));
    set(index, value);
    disp = BigInt.asIntN(64, wanted - (value << BigInt(scale)));
    if (!signed32(disp)) disp = 0n;
    return { modrm: 0x04, tail: [sib, ...disp32(disp)], rexX: index >> 3, rexB: 0, ripRelative: false, target };
  }
  let modKind = kind;
  if (noIndex) set(base, wanted - disp);
  else if (index === base) {
    // base + base * 2^scale + disp32
    const value = BigInt(rng.below(0x1000));
    set(base, value);
    modKind = 2;
    disp = BigInt.asIntN(64, wanted - value - (value << BigInt(scale)));
    if (!signed32(disp)) disp = 0n;
  } else {
    const value = rng.oneIn(2) ? BigInt(rng.below(64)) : rng.integer();
    set(index, value);
    set(base, wanted - disp - ((gpr[index] as bigint) << BigInt(scale)));
  }
  const needsDisp = (base & 7) === RBP && modKind === 0;
  return {
    modrm: ((needsDisp ? 1 : modKind) << 6) | 0x04,
    tail: [sib, ...(modKind === 2 ? disp32(disp) : modKind === 1 ? [Number(disp & 255n)] : needsDisp ? [0] : [])],
    rexX: index >> 3,
    rexB: base >> 3,
    ripRelative: false,
    target,
  };
}
