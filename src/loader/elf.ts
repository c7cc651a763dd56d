/**
 * Reads the headers of an ELF64 file: as little as running it needs, everything validated, with a reason for a refusal.
 *
 * The checks are those of Linux's fs/binfmt_elf.c (which looks at less: class, byte order and version are checked here
 * too). Sections are of no interest to a loader.
 */

import { ELFCLASS64, ELFDATA2LSB, ET_DYN, ET_EXEC, EV_CURRENT, MACHINE_NAMES, PT_INTERP } from "../abi/elf.ts";
import { EIO, ENOEXEC, Errno } from "../abi/errno.ts";

/** What a header is read from. */
export interface ElfSource {
  /** Bytes read, fewer only at the end. */
  read(position: number, into: Uint8Array): number;
}

/** A refusal to load: the guest sees the error number, a developer the reason. */
export class LoadError extends Errno {
  /** Which file, where in it, what was found and what was expected. */
  readonly reason: string;
  /**
   * Linux would have found this out only after it had thrown the old program away, and kills the process with SIGSEGV.
   */
  readonly fatal: boolean;

  constructor(code: number, reason: string, fatal = false) {
    super(code);
    this.message = `${this.message} (${reason})`;
    this.reason = reason;
    this.fatal = fatal;
  }
}

/** 64-bit fields are numbers: rounded from 2^53 up, which is above every limit that they are compared with. */
export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly paddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

export interface ElfHeader {
  readonly type: number;
  readonly machine: number;
  readonly entry: number;
  readonly phoff: number;
  readonly flags: number;
  readonly programs: readonly ProgramHeader[];
}

export const EHDR_SIZE = 64;
export const PHDR_SIZE = 56;
/** Linux allows this many bytes of program headers. */
const MAX_PHDRS_SIZE = 65536;
const PATH_MAX = 4096;

export function isElf(start: Uint8Array): boolean {
  return start[0] === 0x7f && start[1] === 0x45 && start[2] === 0x4c && start[3] === 0x46;
}

function u64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}

function machineName(machine: number): string {
  const name = MACHINE_NAMES[machine];
  return name ? `${machine} (${name})` : `${machine}`;
}

/**
 * @param name of the file, for messages
 * @param machines what can be executed: EM_X86_64, EM_RISCV
 * @param code errno for a refusal: ENOEXEC for a program, ELIBBAD for its interpreter
 */
export function readElf(
  source: ElfSource,
  name: string,
  machines: readonly number[],
  code: number = ENOEXEC,
): ElfHeader {
  const refuse = (offset: number, found: string, expected: string): LoadError =>
    new LoadError(code, `${name}: at offset ${offset}: ${found}, expected ${expected}`);

  const header = new Uint8Array(EHDR_SIZE);
  const size = source.read(0, header);
  if (!isElf(header)) throw refuse(0, "no ELF magic number", "7f 45 4c 46");
  if (size < EHDR_SIZE) throw refuse(0, `the file ends after ${size} bytes`, `a header of ${EHDR_SIZE}`);
  const view = new DataView(header.buffer);
  const [elfClass, data, version] = [header[4], header[5], header[6]];
  if (elfClass !== ELFCLASS64) throw refuse(4, `class ${elfClass}`, `${ELFCLASS64} (64-bit)`);
  if (data !== ELFDATA2LSB) throw refuse(5, `data encoding ${data}`, `${ELFDATA2LSB} (little endian)`);
  if (version !== EV_CURRENT) throw refuse(6, `version ${version}`, `${EV_CURRENT}`);
  const type = view.getUint16(16, true);
  if (type !== ET_EXEC && type !== ET_DYN) {
    throw refuse(16, `type ${type}`, `${ET_EXEC} (executable) or ${ET_DYN} (shared object)`);
  }
  const found = view.getUint16(18, true);
  if (!machines.includes(found)) {
    throw refuse(18, `machine ${machineName(found)}`, machines.map(machineName).join(" or "));
  }
  const phentsize = view.getUint16(54, true);
  if (phentsize !== PHDR_SIZE) throw refuse(54, `program headers of ${phentsize} bytes`, `${PHDR_SIZE}`);
  const phnum = view.getUint16(56, true);
  if (phnum === 0) throw refuse(56, "no program headers", "at least one");
  if (phnum * PHDR_SIZE > MAX_PHDRS_SIZE) {
    throw refuse(56, `${phnum} program headers`, `at most ${Math.floor(MAX_PHDRS_SIZE / PHDR_SIZE)}`);
  }

  const phoff = u64(view, 32);
  const bytes = new Uint8Array(phnum * PHDR_SIZE);
  const got = phoff < Number.MAX_SAFE_INTEGER - bytes.length ? source.read(phoff, bytes) : 0;
  if (got < bytes.length) throw refuse(phoff, `${got} bytes of program headers`, `${bytes.length}`);
  const table = new DataView(bytes.buffer);
  const programs: ProgramHeader[] = [];
  for (let at = 0; at < bytes.length; at += PHDR_SIZE) {
    programs.push({
      type: table.getUint32(at, true),
      flags: table.getUint32(at + 4, true),
      offset: u64(table, at + 8),
      vaddr: u64(table, at + 16),
      paddr: u64(table, at + 24),
      filesz: u64(table, at + 32),
      memsz: u64(table, at + 40),
      align: u64(table, at + 48),
    });
  }
  return { type, machine: found, entry: u64(view, 24), phoff, flags: view.getUint32(48, true), programs };
}

/** The path in PT_INTERP (the first one counts), or null for a static program. */
export function readInterpreter(source: ElfSource, name: string, elf: ElfHeader): Uint8Array | null {
  const header = elf.programs.find((program) => program.type === PT_INTERP);
  if (header === undefined) return null;
  const { offset, filesz } = header;
  if (filesz < 2 || filesz > PATH_MAX) {
    throw new LoadError(ENOEXEC, `${name}: PT_INTERP of ${filesz} bytes, expected 2 to ${PATH_MAX}`);
  }
  const path = new Uint8Array(filesz);
  const got = offset < Number.MAX_SAFE_INTEGER - filesz ? source.read(offset, path) : 0;
  if (got < filesz) {
    throw new LoadError(EIO, `${name}: at offset ${offset}: ${got} bytes of PT_INTERP, expected ${filesz}`);
  }
  if (path[filesz - 1] !== 0) {
    throw new LoadError(ENOEXEC, `${name}: at offset ${offset}: PT_INTERP does not end in a zero byte`);
  }
  return path.subarray(0, path.indexOf(0));
}
