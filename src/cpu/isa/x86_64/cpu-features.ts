/**
 * The features that the processor has. This list is the only place that says so: cpuid, /proc/cpuinfo and the auxiliary
 * vector follow from it.
 */

/** Names as Linux has them (arch/x86/include/asm/cpufeatures.h); a feature is here once all of it is implemented. */
const IMPLEMENTED = `
fpu tsc msr pae cx8 cmov clflush mmx fxsr sse sse2
syscall nx rdtscp lm
pni pclmulqdq ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt aes xsave osxsave avx f16c rdrand
lahf_lm abm 3dnowprefetch
fsgsbase bmi1 avx2 bmi2 rdseed adx clflushopt clwb sha_ni
xsaveopt xsavec
`;

export type CpuidRegister = "a" | "b" | "c" | "d";

export interface FeatureWord {
  readonly leaf: number;
  readonly subleaf: number;
  readonly register: CpuidRegister;
  readonly names: Readonly<Record<number, string>>;
}

/** What the bits mean, in the order in which Linux lists the features. A name in parentheses is not shown there. */
export const FEATURE_WORDS: readonly FeatureWord[] = [
  {
    leaf: 1,
    subleaf: 0,
    register: "d",
    names: {
      0: "fpu", 1: "vme", 2: "de", 3: "pse", 4: "tsc", 5: "msr", 6: "pae", 7: "mce", 8: "cx8", 9: "apic", 11: "sep",
      12: "mtrr", 13: "pge", 14: "mca", 15: "cmov", 16: "pat", 17: "pse36", 19: "clflush", 23: "mmx", 24: "fxsr",
      25: "sse", 26: "sse2", 28: "ht",
    },
  },
  {
    leaf: 0x8000_0001,
    subleaf: 0,
    register: "d",
    names: { 11: "syscall", 20: "nx", 26: "pdpe1gb", 27: "rdtscp", 29: "lm" },
  },
  {
    leaf: 1,
    subleaf: 0,
    register: "c",
    names: {
      0: "pni", 1: "pclmulqdq", 9: "ssse3", 12: "fma", 13: "cx16", 19: "sse4_1", 20: "sse4_2", 22: "movbe", 23: "popcnt",
      25: "aes", 26: "xsave", 27: "(osxsave)", 28: "avx", 29: "f16c", 30: "rdrand",
    },
  },
  {
    leaf: 0x8000_0001,
    subleaf: 0,
    register: "c",
    names: { 0: "lahf_lm", 5: "abm", 8: "3dnowprefetch" },
  },
  {
    leaf: 7,
    subleaf: 0,
    register: "b",
    names: {
      0: "fsgsbase", 3: "bmi1", 5: "avx2", 8: "bmi2", 9: "erms", 18: "rdseed", 19: "adx", 23: "clflushopt", 24: "clwb",
      29: "sha_ni",
    },
  },
  {
    leaf: 0xd,
    subleaf: 1,
    register: "a",
    names: { 0: "xsaveopt", 1: "xsavec", 2: "xgetbv1", 3: "xsaves" },
  },
]; // biome-ignore format: tables of names by bit

const implemented: ReadonlySet<string> = new Set(IMPLEMENTED.trim().split(/\s+/));

export function hasFeature(name: string): boolean {
  return implemented.has(name);
}

/** The features of a word that the processor has: bit and name. */
export function featuresOf(word: FeatureWord): readonly (readonly [bit: number, name: string])[] {
  return Object.entries(word.names)
    .map(([bit, name]): readonly [number, string] => [Number(bit), name])
    .filter(([, name]) => implemented.has(name.replace(/[()]/g, "")));
}

/** The feature bits in a register of a leaf of cpuid; 0 where there are none. */
export function featureBits(leaf: number, subleaf: number, register: CpuidRegister): number {
  return FEATURE_WORDS.filter((w) => w.leaf === leaf && w.subleaf === subleaf && w.register === register)
    .flatMap(featuresOf)
    .reduce((bits, [bit]) => bits | (1 << bit), 0);
}
