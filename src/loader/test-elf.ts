/** Makes small ELF files for tests. */
import { EM_X86_64, ET_EXEC, PT_INTERP, PT_LOAD } from "../abi/elf.ts";
import { encodeBytes } from "../util/bytes.ts";

export interface Segment {
  type?: number;
  flags?: number;
  offset?: number;
  vaddr?: number;
  filesz?: number;
  memsz?: number;
  align?: number;
}

export interface ElfOptions {
  type?: number;
  machine?: number;
  entry?: number;
  segments?: Segment[];
  interpreter?: string;
  /** Bytes of the file after the headers. */
  size?: number;
}

const CONTENTS = 0x1000;

/** By default: one read-only segment with the headers, one for code, one with data and .bss. Contents are 0xc3. */
export function buildElf(options: ElfOptions): Uint8Array {
  const type = options.type ?? ET_EXEC;
  const base = type === ET_EXEC ? 0x40_0000 : 0;
  const segments: Segment[] = options.segments ?? [
    { flags: 4, offset: 0, vaddr: base, filesz: 0x400 },
    { flags: 5, offset: 0x1000, vaddr: base + 0x1000, filesz: 0x1000 },
    { flags: 6, offset: 0x2100, vaddr: base + 0x3100, filesz: 0x200, memsz: 0x3000 },
  ];
  const file = new Uint8Array(CONTENTS + (options.size ?? 0x2000)).fill(0xc3);
  file.fill(0, 0, CONTENTS);
  const all = [...segments];
  if (options.interpreter !== undefined) {
    const path = encodeBytes(`${options.interpreter}\0`);
    file.set(path, 0x800);
    all.unshift({ type: PT_INTERP, flags: 4, offset: 0x800, vaddr: base + 0x800, filesz: path.length });
  }
  const view = new DataView(file.buffer);
  const u64 = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, type, true);
  view.setUint16(18, options.machine ?? EM_X86_64, true);
  view.setUint32(20, 1, true);
  u64(24, options.entry ?? base + 0x1000);
  u64(32, 64);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, all.length, true);
  all.forEach((segment, index) => {
    const at = 64 + index * 56;
    view.setUint32(at, segment.type ?? PT_LOAD, true);
    view.setUint32(at + 4, segment.flags ?? 4, true);
    u64(at + 8, segment.offset ?? 0);
    u64(at + 16, segment.vaddr ?? 0);
    u64(at + 24, segment.vaddr ?? 0);
    u64(at + 32, segment.filesz ?? 0);
    u64(at + 40, segment.memsz ?? segment.filesz ?? 0);
    u64(at + 48, segment.align ?? 0x1000);
  });
  return file;
}
