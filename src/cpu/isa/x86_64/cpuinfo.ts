/** /proc/cpuinfo: what cpuid.ts says, in words. */
import { CPUID_LEAVES } from "./cpuid.ts";

type Register = "a" | "b" | "c" | "d";

/** Names of feature bits as Linux has them (arch/x86/include/asm/cpufeatures.h), in the order in which it lists them. */
const NAMES: readonly (readonly [leaf: number, register: Register, names: Readonly<Record<number, string>>])[] = [
  [
    1,
    "d",
    {
      0: "fpu", 1: "vme", 2: "de", 3: "pse", 4: "tsc", 5: "msr", 6: "pae", 7: "mce", 8: "cx8", 9: "apic", 11: "sep",
      12: "mtrr", 13: "pge", 14: "mca", 15: "cmov", 16: "pat", 17: "pse36", 19: "clflush", 23: "mmx", 24: "fxsr",
      25: "sse", 26: "sse2", 28: "ht",
    },
  ],
  [0x8000_0001, "d", { 11: "syscall", 20: "nx", 26: "pdpe1gb", 27: "rdtscp", 29: "lm" }],
  [
    1,
    "c",
    {
      0: "pni", 1: "pclmulqdq", 9: "ssse3", 12: "fma", 13: "cx16", 19: "sse4_1", 20: "sse4_2", 22: "movbe", 23: "popcnt",
      25: "aes", 26: "xsave", 28: "avx", 29: "f16c", 30: "rdrand",
    },
  ],
  [0x8000_0001, "c", { 0: "lahf_lm", 5: "abm" }],
  [7, "b", { 0: "fsgsbase", 3: "bmi1", 5: "avx2", 8: "bmi2", 9: "erms", 18: "rdseed", 19: "adx", 29: "sha_ni" }],
]; // biome-ignore format: tables of names by bit

function leaf(number: number): readonly number[] {
  return CPUID_LEAVES.find(([n]) => n >>> 0 === number)?.[1] ?? [0, 0, 0, 0];
}

function text(leaves: readonly number[], order: readonly number[]): string {
  let out = "";
  for (const n of leaves)
    for (const r of order) {
      const v = leaf(n)[r] ?? 0;
      out += String.fromCharCode(v & 255, (v >> 8) & 255, (v >> 16) & 255, v >>> 24);
    }
  return out.replaceAll("\0", "").trim();
}

export function cpuinfoText(): string {
  const flags: string[] = [];
  for (const [number, register, names] of NAMES) {
    const value = leaf(number)["abcd".indexOf(register)] ?? 0;
    for (const [bit, name] of Object.entries(names)) if ((value >>> Number(bit)) & 1) flags.push(name);
  }
  const signature = leaf(1)[0] ?? 0;
  const family = ((signature >> 8) & 15) + ((signature >> 20) & 255);
  const model = ((signature >> 4) & 15) | ((signature >> 12) & 0xf0);
  const clflush = (((leaf(1)[1] ?? 0) >> 8) & 255) * 8;
  const rows: readonly (readonly [string, string | number])[] = [
    ["processor\t", 0],
    ["vendor_id\t", text([0], [1, 3, 2])],
    ["cpu family\t", family],
    ["model\t\t", model],
    ["model name\t", text([0x8000_0002, 0x8000_0003, 0x8000_0004], [0, 1, 2, 3])],
    ["stepping\t", signature & 15],
    ["cpu MHz\t\t", "1000.000"],
    ["physical id\t", 0],
    ["siblings\t", 1],
    ["core id\t\t", 0],
    ["cpu cores\t", 1],
    ["fpu\t\t", "yes"],
    ["fpu_exception\t", "yes"],
    ["cpuid level\t", leaf(0)[0] ?? 0],
    ["wp\t\t", "yes"],
    ["flags\t\t", flags.join(" ")],
    ["bogomips\t", "2000.00"],
    ["clflush size\t", clflush],
    ["cache_alignment\t", clflush],
    ["address sizes\t", "32 bits physical, 48 bits virtual"],
  ];
  return `${rows.map(([name, value]) => `${name}: ${value}\n`).join("")}power management:\n\n`;
}
