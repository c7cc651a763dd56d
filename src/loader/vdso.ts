/**
 * The vdso (vdso(7)): a shared object of the kernel's that is mapped into every program, with functions that answer a few
 * system calls without making one. C libraries find it by AT_SYSINFO_EHDR and look its symbols up by name and version.
 *
 * It is one page, built here from a table of functions: ELF header, program headers, dynamic section, symbols with their
 * hash table and versions (System V gABI, chapter 5; LSB, "Symbol Versioning"), then the code. Right below it a page of data
 * is mapped, [vvar], through which the kernel tells the functions what they cannot know.
 */
import { ELFCLASS64, ELFDATA2LSB, ET_DYN, EV_CURRENT, PF_R, PF_X, PT_DYNAMIC, PT_LOAD } from "../abi/elf.ts";
import { PROT_EXEC, PROT_READ } from "../abi/mman.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import { PAGE_SIZE } from "../mm/layout.ts";
import { findFree } from "../mm/mmap.ts";
import type { SharedObject } from "../mm/shared-object.ts";
import { type MappedFile, Vma, VmFlag } from "../mm/vma.ts";
import { encodeBytes } from "../util/bytes.ts";
import { EHDR_SIZE, PHDR_SIZE } from "./elf.ts";

/** What a program gets mapped: the image, and the page of data below it if its functions use one. */
export interface Vdso {
  readonly image: MappedFile;
  readonly data?: SharedObject;
}

/** Offsets in the data page of what is to be added to the counter of nanoseconds: 64 bits, modulo 2^64. */
export const MONOTONIC_OFFSET = 0;
export const REALTIME_OFFSET = 8;

export interface VdsoFunction {
  readonly name: string;
  /** Code; `{ data }` is four bytes: how far that offset of the data page is from the byte after them. */
  readonly code: readonly (number | { readonly data: number })[];
}

export interface VdsoOptions {
  /** EM_X86_64... */
  readonly machine: number;
  readonly soname: string;
  /** The version that all symbols have, such as LINUX_2.6. */
  readonly version: string;
  /** Where the first function is to begin; if undefined, where there is room. */
  readonly codeAt?: number;
  readonly functions: readonly VdsoFunction[];
}

const DT_HASH = 4;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_STRSZ = 10;
const DT_SYMENT = 11;
const DT_SONAME = 14;
const DT_VERSYM = 0x6fff_fff0;
const DT_VERDEF = 0x6fff_fffc;
const DT_VERDEFNUM = 0x6fff_fffd;
const DYNAMIC_ENTRIES = 10;
const SYMBOL_SIZE = 24;
const VERDEF_SIZE = 28;
const STB_GLOBAL_FUNC = 0x12;
const VER_FLG_BASE = 1;
/** Any section will do that is not SHN_UNDEF: there is no table of sections. */
const SECTION = 1;
const CODE_ALIGNMENT = 16;

/** The names of one string table. */
class Strings {
  readonly #bytes: number[] = [0];

  add(name: string): number {
    const at = this.#bytes.length;
    this.#bytes.push(...encodeBytes(name), 0);
    return at;
  }

  get bytes(): readonly number[] {
    return this.#bytes;
  }
}

/** elf_hash() of the gABI, chapter 5, "Hash Table". */
function hash(name: string): number {
  let h = 0;
  for (const c of encodeBytes(name)) {
    h = ((h << 4) >>> 0) + c;
    const high = h & 0xf000_0000;
    h = (h ^ (high >>> 24)) & 0x0fff_ffff;
  }
  return h;
}

export function buildVdso(options: VdsoOptions): Uint8Array<ArrayBuffer> {
  const { functions } = options;
  const image = new Uint8Array(PAGE_SIZE);
  const view = new DataView(image.buffer);
  const u64 = (at: number, value: number): void => {
    view.setUint32(at, value, true);
    view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  };
  const strings = new Strings();
  const names = functions.map(({ name }) => strings.add(name));
  const soname = strings.add(options.soname);
  const version = strings.add(options.version);

  let end = EHDR_SIZE + 2 * PHDR_SIZE;
  const place = (size: number, alignment: number): number => {
    const at = Math.ceil(end / alignment) * alignment;
    end = at + size;
    if (end > PAGE_SIZE) throw new Error("the vdso is larger than a page");
    return at;
  };
  const symbols = functions.length + 1;
  const dynamic = place(DYNAMIC_ENTRIES * 16, 8);
  const symbolTable = place(symbols * SYMBOL_SIZE, 8);
  // One bucket: nobody looks up so many names that it matters.
  const hashTable = place((2 + 1 + symbols) * 4, 4);
  const versions = place(symbols * 2, 2);
  const definitions = place(2 * VERDEF_SIZE, 4);
  const stringTable = place(strings.bytes.length, 1);
  image.set(strings.bytes, stringTable);
  if (options.codeAt !== undefined) {
    if (end > options.codeAt) throw new Error("no room for the tables of the vdso");
    end = options.codeAt;
  }

  functions.forEach(({ code }, i) => {
    const size = code.reduce<number>((sum, part) => sum + (typeof part === "number" ? 1 : 4), 0);
    const start = place(size, CODE_ALIGNMENT);
    let at = start;
    for (const part of code) {
      if (typeof part === "number") view.setUint8(at++, part);
      else {
        view.setInt32(at, part.data - PAGE_SIZE - (at + 4), true);
        at += 4;
      }
    }
    const symbol = symbolTable + (i + 1) * SYMBOL_SIZE;
    view.setUint32(symbol, names[i] as number, true);
    view.setUint8(symbol + 4, STB_GLOBAL_FUNC);
    view.setUint16(symbol + 6, SECTION, true);
    u64(symbol + 8, start);
    u64(symbol + 16, size);
    view.setUint16(versions + (i + 1) * 2, 2, true);
  });

  // All symbols in one chain: the first is number 1, and each leads to the next.
  [1, symbols, 1, 0, ...functions.map((_, i) => (i + 2) % symbols)].forEach((word, i) => {
    view.setUint32(hashTable + i * 4, word, true);
  });

  const define = (at: number, index: number, flags: number, name: string, nameAt: number, next: number): void => {
    view.setUint16(at, 1, true);
    view.setUint16(at + 2, flags, true);
    view.setUint16(at + 4, index, true);
    view.setUint16(at + 6, 1, true);
    view.setUint32(at + 8, hash(name), true);
    view.setUint32(at + 12, 20, true);
    view.setUint32(at + 16, next, true);
    view.setUint32(at + 20, nameAt, true);
  };
  define(definitions, 1, VER_FLG_BASE, options.soname, soname, VERDEF_SIZE);
  define(definitions + VERDEF_SIZE, 2, 0, options.version, version, 0);

  const entries: readonly (readonly [tag: number, value: number])[] = [
    [DT_SONAME, soname],
    [DT_HASH, hashTable],
    [DT_STRTAB, stringTable],
    [DT_SYMTAB, symbolTable],
    [DT_STRSZ, strings.bytes.length],
    [DT_SYMENT, SYMBOL_SIZE],
    [DT_VERSYM, versions],
    [DT_VERDEF, definitions],
    [DT_VERDEFNUM, 2],
  ];
  entries.forEach(([tag, value], i) => {
    u64(dynamic + i * 16, tag);
    u64(dynamic + i * 16 + 8, value);
  });

  image.set([0x7f, 0x45, 0x4c, 0x46, ELFCLASS64, ELFDATA2LSB, EV_CURRENT]);
  view.setUint16(16, ET_DYN, true);
  view.setUint16(18, options.machine, true);
  view.setUint32(20, EV_CURRENT, true);
  u64(32, EHDR_SIZE);
  view.setUint16(52, EHDR_SIZE, true);
  view.setUint16(54, PHDR_SIZE, true);
  view.setUint16(56, 2, true);
  const header = (at: number, type: number, flags: number, start: number, size: number, align: number): void => {
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    for (const offset of [8, 16, 24]) u64(at + offset, start);
    for (const offset of [32, 40]) u64(at + offset, size);
    u64(at + 48, align);
  };
  header(EHDR_SIZE, PT_LOAD, PF_R | PF_X, 0, end, PAGE_SIZE);
  header(EHDR_SIZE + PHDR_SIZE, PT_DYNAMIC, PF_R, dynamic, DYNAMIC_ENTRIES * 16, 8);
  return image;
}

/** map_vdso(): the data page and the image above it, in the area for mappings. The address of the image. */
export function mapVdso(space: AddressSpace, vdso: Vdso): number {
  const start = findFree(space, 0, 2 * PAGE_SIZE);
  const image = start + PAGE_SIZE;
  if (vdso.data !== undefined) {
    const backing = { file: null, shared: vdso.data, offset: 0, fileLimit: Number.POSITIVE_INFINITY, name: "" };
    space.addMapping(new Vma(start, image, PROT_READ, VmFlag.MayRead | VmFlag.DontDump, backing));
  }
  space.mapFile(image, image + PAGE_SIZE, PROT_READ | PROT_EXEC, vdso.image, 0, PAGE_SIZE);
  space.vdso = image;
  return image;
}
