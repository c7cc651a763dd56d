/** What Linux's ABI and the instruction set have to say of each architecture, put together. */
import type { IsaName } from "../cpu/core.ts";
import { registers as riscv64Registers } from "../cpu/isa/riscv64/arch.ts";
import { cpuinfoText as riscv64Cpuinfo } from "../cpu/isa/riscv64/cpuinfo.ts";
import { hwcap, hwprobeExtensions } from "../cpu/isa/riscv64/extensions.ts";
import { registers } from "../cpu/isa/x86_64/arch.ts";
import { hasFeature } from "../cpu/isa/x86_64/cpu-features.ts";
import { cpuid } from "../cpu/isa/x86_64/cpuid.ts";
import { cpuinfoText } from "../cpu/isa/x86_64/cpuinfo.ts";
import type { Arch } from "../proc/arch/arch.ts";
import { riscv64Arch } from "../proc/arch/riscv64.ts";
import { x86_64Arch } from "../proc/arch/x86_64.ts";

const MAKERS: Readonly<Record<IsaName, () => Arch>> = {
  x86_64: () =>
    x86_64Arch(registers, {
      // On x86 AT_HWCAP is cpuid leaf 1, edx; bit 1 of AT_HWCAP2 says that FSGSBASE may be used.
      hwcap: (cpuid(1)[3] as number) >>> 0,
      hwcap2: hasFeature("fsgsbase") ? 2 : 0,
      cpuinfo: cpuinfoText,
    }),
  riscv64: () =>
    riscv64Arch(riscv64Registers, { hwcap: hwcap(), extensions: hwprobeExtensions(), cpuinfo: riscv64Cpuinfo }),
};

/** Those of the instruction sets that an engine executes. */
export function architecturesOf(isas: readonly IsaName[]): Arch[] {
  return isas.map((isa) => MAKERS[isa]());
}
