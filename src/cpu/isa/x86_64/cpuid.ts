/**
 * What cpuid says: exactly what is implemented. Intel SDM vol. 2, "CPUID"; leaves that are not here read as zeros.
 */
const ascii = (text: string): number =>
  text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24) | 0;

const bits = (...list: number[]): number => list.reduce((sum, bit) => sum | (1 << bit), 0);

/** Leaf 1, edx: fpu tsc cx8 cmov clflush mmx fxsr sse sse2 (and msr, pae, as any x86-64 processor has them). */
const FEATURES_EDX = bits(0, 4, 5, 6, 8, 15, 19, 23, 24, 25, 26);
/** Leaf 1, ecx: cx16 popcnt. */
const FEATURES_ECX = bits(13, 23);
/** Leaf 0x80000001, edx: syscall nx lm; ecx: lahf_lm. */
const EXTENDED_EDX = bits(11, 20, 29);
const EXTENDED_ECX = bits(0);

const BRAND = "tsrcore virtual CPU".padEnd(48, "\0");
const brandLeaf = (n: number): readonly number[] =>
  [0, 4, 8, 12].map((i) => ascii(BRAND.slice(n * 16 + i, n * 16 + i + 4)));

/** Leaf number, and eax ebx ecx edx. */
export const CPUID_LEAVES: readonly (readonly [number, readonly number[]])[] = [
  [0, [1, ascii("Genu"), ascii("ntel"), ascii("ineI")]],
  // Family 6, model 15: the first x86-64 generation of its vendor. 64-byte cache lines, for clflush.
  [1, [0x6f1, 0x0000_0800, FEATURES_ECX, FEATURES_EDX]],
  [0x8000_0000, [0x8000_0008 | 0, 0, 0, 0]],
  [0x8000_0001, [0, 0, EXTENDED_ECX, EXTENDED_EDX]],
  [0x8000_0002, brandLeaf(0)],
  [0x8000_0003, brandLeaf(1)],
  [0x8000_0004, brandLeaf(2)],
  // 48 bits of virtual addresses.
  [0x8000_0008, [0x3028, 0, 0, 0]],
];
