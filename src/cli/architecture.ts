/** Which architecture a host file is for: decides on the root file system that it finds around itself. */
import * as fs from "node:fs";
import { EM_RISCV, EM_X86_64 } from "../abi/elf.ts";

export const ARCHITECTURES = ["x86_64", "riscv64"] as const;
export type ArchitectureName = (typeof ARCHITECTURES)[number];

const BY_MACHINE: ReadonlyMap<number, ArchitectureName> = new Map([
  [EM_X86_64, "x86_64"],
  [EM_RISCV, "riscv64"],
]);

/** Magic number to e_machine. */
const HEADER_SIZE = 20;

/** By the ELF header; undefined for a script, for a file of another architecture, and where there is nothing to be read. */
export function architectureOfFile(file: string): ArchitectureName | undefined {
  const header = Buffer.alloc(HEADER_SIZE);
  try {
    const fd = fs.openSync(file, "r");
    try {
      if (fs.readSync(fd, header, 0, HEADER_SIZE, 0) < HEADER_SIZE) return undefined;
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return undefined;
  }
  if (header.toString("latin1", 0, 4) !== "\x7fELF") return undefined;
  return BY_MACHINE.get(header.readUInt16LE(18));
}
