/**
 * What cpuid says: exactly what is implemented (cpu-features.ts). Intel SDM vol. 2, "CPUID"; leaves that are not here read
 * as zeros.
 */
import { type CpuidRegister, featureBits } from "./cpu-features.ts";
import { XCR0, XSAVE_AVX, XSAVE_SIZE } from "./xsave-layout.ts";

const ascii = (text: string): number =>
  text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24) | 0;

const BRAND = "tsrcore virtual CPU".padEnd(48, "\0");
const brandLeaf = (n: number): readonly number[] =>
  [0, 4, 8, 12].map((i) => ascii(BRAND.slice(n * 16 + i, n * 16 + i + 4)));

const LINE = 64;
/**
 * A cache of leaf 4, whose sets are indexed directly: libraries choose block sizes and the way they copy by these. No
 * sharing.
 */
function cache(level: number, type: "data" | "code" | "unified", kilobytes: number, ways: number): readonly number[] {
  const kind = { data: 1, code: 2, unified: 3 }[type];
  const sets = (kilobytes * 1024) / (ways * LINE);
  return [kind | (level << 5) | (1 << 8), (LINE - 1) | ((ways - 1) << 22), sets - 1, 0];
}

export interface CpuidLeaf {
  readonly leaf: number;
  /** Answers this value of ecx only; undefined: any. */
  readonly subleaf?: number;
  /** eax ebx ecx edx */
  readonly values: readonly number[];
}

const features = (leaf: number, register: CpuidRegister, subleaf = 0): number => featureBits(leaf, subleaf, register);

export const CPUID_LEAVES: readonly CpuidLeaf[] = [
  { leaf: 0, values: [0xd, ascii("Genu"), ascii("ntel"), ascii("ineI")] },
  // Family 6, model 61 (Broadwell), of whose instructions nearly all are there. 64-byte cache lines, for clflush.
  { leaf: 1, values: [0x306d4, ((LINE / 8) << 8) | (1 << 16), features(1, "c"), features(1, "d")] },
  // Caches are described by leaf 4.
  { leaf: 2, values: [0xff01, 0, 0, 0] },
  { leaf: 4, subleaf: 0, values: cache(1, "data", 32, 8) },
  { leaf: 4, subleaf: 1, values: cache(1, "code", 32, 8) },
  { leaf: 4, subleaf: 2, values: cache(2, "unified", 512, 8) },
  { leaf: 4, subleaf: 3, values: cache(3, "unified", 8192, 16) },
  { leaf: 7, subleaf: 0, values: [0, features(7, "b"), 0, 0] },
  // One thread in one core.
  { leaf: 0xb, subleaf: 0, values: [0, 1, 0x100, 0] },
  { leaf: 0xb, subleaf: 1, values: [0, 1, 0x201, 0] },
  // XSAVE: the parts and the size for what is on and for all there is; the same compacted; where AVX is (xsave.ts).
  { leaf: 0xd, subleaf: 0, values: [XCR0, XSAVE_SIZE, XSAVE_SIZE, 0] },
  { leaf: 0xd, subleaf: 1, values: [features(0xd, "a", 1), XSAVE_SIZE, 0, 0] },
  { leaf: 0xd, subleaf: 2, values: [XSAVE_SIZE - XSAVE_AVX, XSAVE_AVX, 0, 0] },
  { leaf: 0x8000_0000, values: [0x8000_0008 | 0, 0, 0, 0] },
  { leaf: 0x8000_0001, values: [0, 0, features(0x8000_0001, "c"), features(0x8000_0001, "d")] },
  { leaf: 0x8000_0002, values: brandLeaf(0) },
  { leaf: 0x8000_0003, values: brandLeaf(1) },
  { leaf: 0x8000_0004, values: brandLeaf(2) },
  // 48 bits of virtual addresses.
  { leaf: 0x8000_0008, values: [0x3028, 0, 0, 0] },
];

/** The answer for a leaf and subleaf. */
export function cpuid(leaf: number, subleaf = 0): readonly number[] {
  const found = CPUID_LEAVES.find((l) => l.leaf === leaf && (l.subleaf === undefined || l.subleaf === subleaf));
  return found?.values ?? [0, 0, 0, 0];
}
