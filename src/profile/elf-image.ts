/** What an ELF file says of the code in it: names of functions, and call frame information. Read from its mapped inode. */
import { PF_X, PT_LOAD } from "../abi/elf.ts";
import type { MappedInode } from "../mm/vma.ts";
import { CallFrames } from "./call-frames.ts";
import type { UnwindArch } from "./unwind-arch.ts";

/** A function, or what stands for one where names are missing: the unit in which a profile counts. One object each. */
export interface CodeFunction {
  readonly name: string;
  /** Path of the file in the guest. */
  readonly file: string;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

interface Segment {
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

interface CodeSymbol {
  readonly name: string;
  readonly start: number;
  /** Exclusive; up to the next symbol where the file has no size. */
  readonly end: number;
}

const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const SHT_NOBITS = 8;
const SHF_EXECINSTR = 4;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_LOCAL = 0;
const SHT_RELA = 4;
const R_RELATIVE = 8;
/** Symbols of assembly code may have no size: they are taken to be no longer than this. */
const MOST_WITHOUT_SIZE = 512;
/** Segments above this size are not searched for references to code. */
const MOST_SEARCHED = 64 << 20;

export class ElfImage {
  readonly file: string;
  /** Where the program, or the dynamic linker, is entered; -1 if it is not known. */
  readonly entry: number;
  readonly #inode: MappedInode;
  readonly #arch: UnwindArch;
  readonly #segments: readonly Segment[];
  readonly #sections: readonly Section[];
  #symbols: readonly CodeSymbol[] | undefined;
  #frames: CallFrames | null | undefined;
  #starts: readonly number[] | undefined;
  readonly #functions = new Map<string, CodeFunction>();
  readonly #byAddress = new Map<number, CodeFunction>();

  private constructor(
    inode: MappedInode,
    file: string,
    arch: UnwindArch,
    entry: number,
    segments: readonly Segment[],
    sections: readonly Section[],
  ) {
    this.#inode = inode;
    this.entry = entry;
    this.file = file;
    this.#arch = arch;
    this.#segments = segments;
    this.#sections = sections;
  }

  /** A file that is no ELF file, or a damaged one, has neither segments nor sections. */
  static open(inode: MappedInode, file: string, arch: UnwindArch): ElfImage {
    const header = readBytes(inode, 0, 64);
    if (header.length < 64 || header[0] !== 0x7f || header[1] !== 0x45 || header[4] !== 2)
      return new ElfImage(inode, file, arch, -1, [], []);
    const view = viewOf(header);
    return new ElfImage(inode, file, arch, u64(view, 24), readSegments(inode, view), readSections(inode, view));
  }

  /** The virtual address, as the file has it, of what is at an offset in it. */
  addressOf(offset: number): number {
    const segment = this.#segments.find((s) => offset >= s.offset && offset < s.offset + s.size);
    return segment === undefined ? offset : offset - segment.offset + segment.address;
  }

  /** The function that an address belongs to. */
  functionAt(address: number): CodeFunction {
    let found = this.#byAddress.get(address);
    if (found === undefined) {
      found = this.#function(this.#nameAt(address));
      this.#byAddress.set(address, found);
    }
    return found;
  }

  /** Where that function begins, as far as can be told. */
  startOf(address: number): number {
    return this.#symbolAt(address)?.start ?? this.frames?.functionStart(address) ?? this.#referredStart(address);
  }

  #nameAt(address: number): string {
    const symbol = this.#symbolAt(address);
    if (symbol !== undefined) return symbol.name;
    const start = this.startOf(address);
    const base = this.file.slice(this.file.lastIndexOf("/") + 1);
    return `${base}+0x${start.toString(16)}`;
  }

  /** Where nothing tells functions apart: the nearest address before that other code refers to. */
  #referredStart(address: number): number {
    this.#starts ??= this.#findStarts();
    return this.#starts[upperBound(this.#starts, address, (start) => start) - 1] ?? 0;
  }

  #findStarts(): readonly number[] {
    const code = this.#segments.filter((s) => (s.flags & PF_X) !== 0 && s.size <= MOST_SEARCHED);
    const inCode = (address: number): boolean => code.some((s) => address >= s.address && address < s.address + s.size);
    this.#symbols ??= readSymbols(this.#inode, this.#sections);
    const found = new Set(this.#symbols.map((s) => s.start));
    for (const s of code) {
      found.add(s.address);
      for (const target of this.#arch.codeReferences(readBytes(this.#inode, s.offset, s.size), s.address))
        if (inCode(target)) found.add(target);
    }
    // Pointers to functions in the data of what can be loaded anywhere.
    for (const table of this.#sections.filter((s) => s.type === SHT_RELA))
      for (const entry of entries(readBytes(this.#inode, table.offset, table.size), 24)) {
        const addend = u64(entry, 16);
        if (entry.getUint32(8, true) === R_RELATIVE && inCode(addend)) found.add(addend);
      }
    return [...found].sort((a, b) => a - b);
  }

  get frames(): CallFrames | null {
    if (this.#frames === undefined) {
      const section = this.#sections.find((s) => s.name === ".eh_frame" && s.type !== SHT_NOBITS);
      this.#frames =
        section === undefined
          ? null
          : new CallFrames(readBytes(this.#inode, section.offset, section.size), section.address);
    }
    return this.#frames;
  }

  #function(name: string): CodeFunction {
    let found = this.#functions.get(name);
    if (found === undefined) {
      found = { name, file: this.file };
      this.#functions.set(name, found);
    }
    return found;
  }

  #symbolAt(address: number): CodeSymbol | undefined {
    this.#symbols ??= readSymbols(this.#inode, this.#sections);
    const symbols = this.#symbols;
    const symbol = symbols[upperBound(symbols, address, (s) => s.start) - 1];
    return symbol !== undefined && address < symbol.end ? symbol : undefined;
  }
}

/** How many of the entries, which are in order, are not above a value. */
function upperBound<T>(list: readonly T[], value: number, key: (entry: T) => number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(list[middle] as T) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function readBytes(inode: MappedInode, position: number, length: number): Uint8Array {
  const { size } = inode.attributes();
  if (position >= size) return new Uint8Array(0);
  const bytes = new Uint8Array(Math.min(length, size - position));
  return bytes.subarray(0, inode.read(position, bytes));
}
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const u64 = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

/** The entries of a table of equal parts, as many as there are. */
function entries(bytes: Uint8Array, size: number): DataView[] {
  if (size === 0) return [];
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => viewOf(bytes.subarray(i * size)));
}

function readSegments(inode: MappedInode, header: DataView): Segment[] {
  const size = header.getUint16(54, true);
  const bytes = readBytes(inode, u64(header, 32), size * header.getUint16(56, true));
  return entries(bytes, size)
    .filter((p) => p.getUint32(0, true) === PT_LOAD)
    .map((p) => ({ flags: p.getUint32(4, true), offset: u64(p, 8), address: u64(p, 16), size: u64(p, 32) }));
}

function readSections(inode: MappedInode, header: DataView): Section[] {
  const size = header.getUint16(58, true);
  const all = entries(readBytes(inode, u64(header, 40), size * header.getUint16(60, true)), size);
  const names = all[header.getUint16(62, true)];
  const text = names === undefined ? new Uint8Array(0) : readBytes(inode, u64(names, 24), u64(names, 32));
  return all.map((s) => ({
    name: cString(text, s.getUint32(0, true)),
    type: s.getUint32(4, true),
    flags: u64(s, 8),
    address: u64(s, 16),
    offset: u64(s, 24),
    size: u64(s, 32),
    link: s.getUint32(40, true),
  }));
}

function cString(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  return new TextDecoder().decode(bytes.subarray(at, end < 0 ? bytes.length : end));
}

/** Functions in the order of their addresses: those of the full symbol table, or where it was stripped, the exported. */
function readSymbols(inode: MappedInode, sections: readonly Section[]): CodeSymbol[] {
  const table = sections.find((s) => s.type === SHT_SYMTAB) ?? sections.find((s) => s.type === SHT_DYNSYM);
  const strings = table === undefined ? undefined : sections[table.link];
  if (table === undefined || strings === undefined) return [];
  const text = readBytes(inode, strings.offset, strings.size);
  const view = viewOf(readBytes(inode, table.offset, table.size));
  const found: { start: number; size: number; name: number; rank: number }[] = [];
  for (let at = 0; at + 24 <= view.byteLength; at += 24) {
    const info = view.getUint8(at + 4);
    const type = info & 15;
    const section = sections[view.getUint16(at + 6, true)];
    if (section === undefined || (section.flags & SHF_EXECINSTR) === 0) continue;
    // Labels of assembly code have no type; local ones are places in a function.
    const local = info >> 4 === STB_LOCAL;
    if (type !== STT_FUNC && type !== STT_GNU_IFUNC && (type !== STT_NOTYPE || local)) continue;
    const rank = (type === STT_NOTYPE ? 2 : 0) + (local ? 1 : 0);
    found.push({ start: u64(view, at + 8), size: u64(view, at + 16), name: view.getUint32(at, true), rank });
  }
  const named = found.map((s) => ({ ...s, name: cString(text, s.name) })).filter((s) => s.name !== "");
  // Of several names for one place, a global one with the fewest underscores in front.
  const underscores = (name: string): number => /^_*/.exec(name)?.[0].length ?? 0;
  named.sort(
    (a, b) =>
      a.start - b.start || a.rank - b.rank || underscores(a.name) - underscores(b.name) || (a.name < b.name ? -1 : 1),
  );
  const distinct = named.filter((s, i) => i === 0 || named[i - 1]?.start !== s.start);
  return distinct.map(({ name, start, size }, i) => {
    const next = distinct[i + 1]?.start ?? Number.POSITIVE_INFINITY;
    return { name, start, end: size === 0 ? Math.min(next, start + MOST_WITHOUT_SIZE) : start + size };
  });
}
