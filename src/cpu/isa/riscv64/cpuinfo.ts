/** /proc/cpuinfo as Linux writes it (arch/riscv/kernel/cpu.c); nobody has made this processor, so its ids are 0. */
import { isaString } from "./extensions.ts";

export function cpuinfoText(): string {
  const rows: readonly (readonly [name: string, value: string])[] = [
    ["processor\t", "0"],
    ["hart\t\t", "0"],
    ["isa\t\t", isaString()],
    ["mmu\t\t", "sv39"],
    ["mvendorid\t", "0x0"],
    ["marchid\t\t", "0x0"],
    ["mimpid\t\t", "0x0"],
  ];
  return `${rows.map(([name, value]) => `${name}: ${value}\n`).join("")}\n`;
}
