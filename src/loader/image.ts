/**
 * Maps the segments of an ELF file: elf_map(), elf_load() and the loops around them in Linux's fs/binfmt_elf.c.
 *
 * Nothing is read here: segments become lazily populated file mappings, and the part of a segment's last page that is
 * behind its file contents (.bss) is a limit of the mapping. Segments are mapped in the order of the file, a later one
 * over an earlier one where they overlap.
 */

import { ET_DYN, PF_R, PF_W, PF_X, PT_LOAD, PT_PHDR } from "../abi/elf.ts";
import { EFAULT, EINVAL, ENOMEM, Errno } from "../abi/errno.ts";
import { PROT_EXEC, PROT_READ, PROT_WRITE } from "../abi/mman.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import { alignDown, alignUp, MMAP_MIN_ADDR, PAGE_SIZE, TASK_SIZE } from "../mm/layout.ts";
import { findFree } from "../mm/mmap.ts";
import type { MappedFile } from "../mm/vma.ts";
import { type ElfHeader, LoadError, type ProgramHeader } from "./elf.ts";

export interface MappedImage {
  /** What is added to the addresses in the file. */
  readonly bias: number;
  /** Run-time address of the entry point. */
  readonly entry: number;
  /** Run-time address of the program headers, 0 if they are in no segment. */
  readonly phdr: number;
  /** Page-aligned end of the last segment, .bss included: where the brk area may begin. */
  readonly end: number;
  readonly startCode: number;
  readonly endCode: number;
  readonly startData: number;
  readonly endData: number;
}

const bad = (name: string, what: string, code = EINVAL): LoadError => new LoadError(code, `${name}: ${what}`, true);
const hex = (n: number): string => `0x${n.toString(16)}`;

function protection(flags: number): number {
  return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0);
}

/**
 * @param base where to put the first page of a position-independent file; undefined: in the mmap area
 */
export function mapImage(
  space: AddressSpace,
  file: MappedFile,
  name: string,
  elf: ElfHeader,
  base: number | undefined,
): MappedImage {
  const segments = elf.programs.filter((program) => program.type === PT_LOAD);
  for (const segment of segments) checkSegment(name, segment);
  if (segments.length === 0 && elf.type === ET_DYN) throw bad(name, "no PT_LOAD segment");
  const bias = elf.type === ET_DYN ? placeImage(space, segments, name, base) : 0;
  let [end, startCode, endCode, startData, endData] = [0, Number.POSITIVE_INFINITY, 0, 0, 0];
  let replaces = elf.type === ET_DYN;
  for (const segment of segments) {
    const start = segment.vaddr + bias;
    const memoryEnd = start + segment.memsz;
    if (!(start < TASK_SIZE) || memoryEnd > TASK_SIZE) {
      throw bad(name, `segment at ${hex(start)}..${hex(memoryEnd)}, beyond the address space of ${hex(TASK_SIZE)}`);
    }
    mapSegment(space, file, name, segment, start, replaces);
    replaces = true;
    if (segment.flags & PF_X && start < startCode) startCode = start;
    if (start < startCode) startCode = start;
    if (start > startData) startData = start;
    const fileEnd = start + segment.filesz;
    if (segment.flags & PF_X && fileEnd > endCode) endCode = fileEnd;
    if (fileEnd > endData) endData = fileEnd;
    if (memoryEnd > end) end = memoryEnd;
  }
  const entry = elf.entry + bias;
  if (!(entry < TASK_SIZE)) throw bad(name, `entry point ${hex(entry)}, beyond the address space`);
  return {
    bias,
    entry,
    phdr: headersAddress(elf, segments, bias),
    end: alignUp(end),
    startCode: Number.isFinite(startCode) ? startCode : 0,
    endCode,
    startData,
    endData,
  };
}

function checkSegment(name: string, segment: ProgramHeader): void {
  const { filesz, memsz, vaddr, offset } = segment;
  if (filesz > memsz) throw bad(name, `segment at ${hex(vaddr)}: ${filesz} bytes in the file, ${memsz} in memory`);
  if (memsz > TASK_SIZE) throw bad(name, `segment at ${hex(vaddr)}: ${memsz} bytes`);
  if (filesz === 0) return;
  if (!(offset < Number.MAX_SAFE_INTEGER - memsz)) throw bad(name, `segment at ${hex(vaddr)}: file offset ${offset}`);
  if (offset % PAGE_SIZE !== vaddr % PAGE_SIZE) {
    throw bad(name, `segment at ${hex(vaddr)}: file offset ${hex(offset)} is not congruent to it modulo the page size`);
  }
}

/** Chooses the bias of a position-independent file. */
function placeImage(
  space: AddressSpace,
  segments: readonly ProgramHeader[],
  name: string,
  base: number | undefined,
): number {
  const low = Math.min(...segments.map((segment) => alignDown(segment.vaddr)));
  const high = Math.max(...segments.map((segment) => segment.vaddr + segment.memsz));
  const total = alignUp(high - low);
  if (total === 0) throw bad(name, "segments of no size");
  if (total > TASK_SIZE) throw bad(name, `segments over ${hex(total)} bytes`, ENOMEM);
  // Like Linux: only powers of two count, and the alignment is one of the image, not of each segment.
  const alignment = Math.max(PAGE_SIZE, ...segments.map(({ align }) => (isPowerOfTwo(align) ? align : 0)));
  if (alignment > TASK_SIZE) throw bad(name, `alignment ${hex(alignment)}`, ENOMEM);
  let start: number;
  if (base !== undefined) start = Math.ceil(base / alignment) * alignment;
  else {
    const room = alignment > PAGE_SIZE ? total + alignment : total;
    const found = findFree(space, 0, room);
    start = Math.ceil(found / alignment) * alignment;
    // The upper end is the better one: it leaves no gap to the mapping above.
    const highest = Math.floor((found + room - total) / alignment) * alignment;
    if (highest >= start) start = highest;
  }
  if (start + total > TASK_SIZE) throw bad(name, `no room for ${hex(total)} bytes at ${hex(start)}`, ENOMEM);
  return start - low;
}

function isPowerOfTwo(n: number): boolean {
  return n >= 1 && n <= 2 ** 52 && Number.isInteger(Math.log2(n));
}

function mapSegment(
  space: AddressSpace,
  file: MappedFile,
  name: string,
  segment: ProgramHeader,
  start: number,
  replaces: boolean,
): void {
  const { filesz, memsz } = segment;
  const prot = protection(segment.flags);
  const pageStart = alignDown(start);
  const fileEnd = start + filesz;
  const mapEnd = filesz > 0 ? alignUp(fileEnd) : pageStart;
  const end = alignUp(start + memsz);
  if (Math.max(mapEnd, end) > pageStart && pageStart < MMAP_MIN_ADDR) {
    throw bad(name, `segment at ${hex(start)}, expected at least ${hex(MMAP_MIN_ADDR)}`);
  }
  if (!replaces && space.vmas.firstIn(pageStart, end)) throw bad(name, `segment at ${hex(start)}: occupied`);
  try {
    if (filesz > 0) {
      const offset = segment.offset - (start - pageStart);
      // Only writable segments have the rest of their last page cleared.
      const zeroFrom = memsz > filesz && prot & PROT_WRITE ? segment.offset + filesz : Number.POSITIVE_INFINITY;
      if (!space.mayExpand(mapEnd - pageStart, prot, 0)) throw bad(name, "over RLIMIT_AS or RLIMIT_DATA", ENOMEM);
      space.mapFile(pageStart, mapEnd, prot, file, offset, zeroFrom);
      // padzero(): the kernel itself clears the rest of the page, which has to be there.
      if (fileEnd % PAGE_SIZE !== 0 && Number.isFinite(zeroFrom)) {
        const { size } = file.inode.attributes();
        if (alignDown(zeroFrom) >= size) throw bad(name, `segment ends at ${zeroFrom} of ${size} bytes`, EFAULT);
      }
    }
    if (end > mapEnd && memsz > filesz) {
      space.mapAnonymous(mapEnd, end, PROT_READ | PROT_WRITE | (prot & PROT_EXEC));
    }
  } catch (error) {
    if (error instanceof LoadError || !(error instanceof Errno)) throw error;
    throw bad(name, `segment at ${hex(start)}: ${error.message}`, error.code);
  }
}

/** Where the program headers are at run time: in PT_PHDR's words, else in the segment that holds them. */
function headersAddress(elf: ElfHeader, segments: readonly ProgramHeader[], bias: number): number {
  const header = elf.programs.find((program) => program.type === PT_PHDR);
  if (header) return header.vaddr + bias;
  for (const { offset, filesz, vaddr } of segments) {
    if (offset <= elf.phoff && elf.phoff < offset + filesz) return elf.phoff - offset + vaddr + bias;
  }
  return 0;
}
