/**
 * The extensions that are implemented: all that the machine tells its guests of its instruction set is made from this list.
 *
 * `hwcap`: the letter is in AT_HWCAP. `probe`: bit of RISCV_HWPROBE_KEY_IMA_EXT_0 (Linux, Documentation/arch/riscv/hwprobe.rst).
 */

interface Extension {
  readonly name: string;
  readonly hwcap?: true;
  readonly probe?: bigint;
}

/** In the order of the ISA manual, "ISA Extension Naming Conventions", table of canonical order. */
const EXTENSIONS: readonly Extension[] = [
  { name: "i", hwcap: true },
  { name: "m", hwcap: true },
  { name: "a", hwcap: true },
  { name: "f", hwcap: true, probe: 1n << 0n },
  { name: "d", hwcap: true, probe: 1n << 0n },
  { name: "c", hwcap: true, probe: 1n << 1n },
  { name: "v", hwcap: true, probe: 1n << 2n },
  { name: "zicntr" },
  { name: "zicsr" },
  { name: "zifencei" },
  { name: "zfh", probe: 1n << 27n },
  { name: "zfhmin", probe: 1n << 28n },
  { name: "zba", probe: 1n << 3n },
  { name: "zbb", probe: 1n << 4n },
  { name: "zbc", probe: 1n << 7n },
  { name: "zbs", probe: 1n << 5n },
  { name: "zvfh", probe: 1n << 30n },
  { name: "zvfhmin", probe: 1n << 31n },
];

/** /proc/cpuinfo's "isa" line (arch/riscv/kernel/cpu.c): the single letters, then the others, set off by underscores. */
export function isaString(): string {
  const single = EXTENSIONS.filter(({ name }) => name.length === 1).map(({ name }) => name);
  const others = EXTENSIONS.filter(({ name }) => name.length > 1).map(({ name }) => `_${name}`);
  return `rv64${single.join("")}${others.join("")}`;
}

/** AT_HWCAP: bit n for the nth letter (arch/riscv/include/uapi/asm/hwcap.h). */
export function hwcap(): number {
  return EXTENSIONS.filter((e) => e.hwcap).reduce((bits, { name }) => bits | (1 << (name.charCodeAt(0) - 97)), 0);
}

/** RISCV_HWPROBE_KEY_IMA_EXT_0. */
export function hwprobeExtensions(): bigint {
  return EXTENSIONS.reduce((bits, { probe }) => bits | (probe ?? 0n), 0n);
}
