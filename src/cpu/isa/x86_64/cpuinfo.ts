/** /proc/cpuinfo: what cpuid.ts says, in words. */
import { FEATURE_WORDS, featuresOf } from "./cpu-features.ts";
import { cpuid } from "./cpuid.ts";

function text(leaves: readonly number[], order: readonly number[]): string {
  let out = "";
  for (const n of leaves)
    for (const r of order) {
      const v = cpuid(n)[r] ?? 0;
      out += String.fromCharCode(v & 255, (v >> 8) & 255, (v >> 16) & 255, v >>> 24);
    }
  return out.replaceAll("\0", "").trim();
}

/** Bytes of the cache that is farthest from the processor, as Linux has it here: by leaf 4. */
function lastCache(): number {
  let size = 0;
  for (let level = 0; ; level++) {
    const [type = 0, shape = 0, sets = 0] = cpuid(4, level);
    if ((type & 31) === 0) return size;
    size = ((shape >>> 22) + 1) * (((shape >>> 12) & 1023) + 1) * ((shape & 4095) + 1) * (sets + 1);
  }
}

export function cpuinfoText(): string {
  const flags = FEATURE_WORDS.flatMap(featuresOf)
    .map(([, name]) => name)
    .filter((name) => !name.startsWith("("));
  const signature = cpuid(1)[0] ?? 0;
  const family = ((signature >> 8) & 15) + ((signature >> 20) & 255);
  const model = ((signature >> 4) & 15) | ((signature >> 12) & 0xf0);
  const clflush = (((cpuid(1)[1] ?? 0) >> 8) & 255) * 8;
  const rows: readonly (readonly [string, string | number])[] = [
    ["processor\t", 0],
    ["vendor_id\t", text([0], [1, 3, 2])],
    ["cpu family\t", family],
    ["model\t\t", model],
    ["model name\t", text([0x8000_0002, 0x8000_0003, 0x8000_0004], [0, 1, 2, 3])],
    ["stepping\t", signature & 15],
    ["cpu MHz\t\t", "1000.000"],
    ["cache size\t", `${lastCache() / 1024} KB`],
    ["physical id\t", 0],
    ["siblings\t", 1],
    ["core id\t\t", 0],
    ["cpu cores\t", 1],
    ["fpu\t\t", "yes"],
    ["fpu_exception\t", "yes"],
    ["cpuid level\t", cpuid(0)[0] ?? 0],
    ["wp\t\t", "yes"],
    ["flags\t\t", flags.join(" ")],
    ["bogomips\t", "2000.00"],
    ["clflush size\t", clflush],
    ["cache_alignment\t", clflush],
    ["address sizes\t", "32 bits physical, 48 bits virtual"],
  ];
  return `${rows.map(([name, value]) => `${name}: ${value}\n`).join("")}power management:\n\n`;
}
