/**
 * execve's half that builds the new program: finds out what the file is, follows `#!` and PT_INTERP, maps everything into
 * a fresh address space and puts arguments and auxiliary vector on its stack.
 *
 * The old program is not touched: the caller swaps address spaces when all has succeeded. Linux discards the old program
 * earlier; errors that come after that point there are marked `fatal` (see LoadError).
 */

import * as E from "../abi/elf.ts";
import { EACCES, EIO, ELIBBAD, ELOOP, ENOENT, ENOEXEC, Errno } from "../abi/errno.ts";
import { AddressSpace, type MemoryLimits } from "../mm/address-space.ts";
import { PAGE_SIZE } from "../mm/layout.ts";
import type { MemoryPool } from "../mm/memory-pool.ts";
import type { MappedFile } from "../mm/vma.ts";
import { decodeBytes, encodeBytes } from "../util/bytes.ts";
import { EHDR_SIZE, type ElfHeader, isElf, LoadError, PHDR_SIZE, readElf, readInterpreter } from "./elf.ts";
import { type MappedImage, mapImage } from "./image.ts";
import { BINPRM_BUF_SIZE, isScript, parseScript } from "./script.ts";
import { buildStack, checkArguments } from "./stack.ts";
import { mapVdso, type Vdso } from "./vdso.ts";

/** ADDR_NO_RANDOMIZE of personality(2). */
const ADDR_NO_RANDOMIZE = 0x4_0000;
/** Files that may lead from the first script to the program. */
const MAX_INTERPRETERS = 5;

/**
 * Where position-independent programs go. Low and always the same without randomisation: code that was decoded or
 * translated at one address serves every process. Below it is room for programs with fixed addresses.
 */
export const PIE_BASE = 0x1000_0000;

/** What the machine's CPU and ABI put into the auxiliary vector. */
export interface MachineInfo {
  /** EM_X86_64 or EM_RISCV. */
  readonly machine: number;
  /** AT_PLATFORM; null if the architecture has none (riscv64). */
  readonly platform: string | null;
  readonly hwcap: number;
  /** AT_HWCAP2, on architectures that have it. */
  readonly hwcap2?: number;
  /** Least size of a signal stack: AT_MINSIGSTKSZ. */
  readonly minSignalStack: number;
  /** Size and alignment of struct rseq, if rseq(2) is there. */
  readonly rseq?: { readonly featureSize: number; readonly align: number };
  /** What else the architecture has at the vector's beginning, behind AT_SYSINFO_EHDR (ARCH_DLINFO). */
  readonly auxv?: readonly (readonly [type: number, value: number])[];
}

/** Programs of one architecture. */
export interface ProgramKind {
  readonly machine: MachineInfo;
  /** What the kernel has mapped into every one of them, if it has. */
  readonly vdso?: Vdso;
}

export interface ProgramCredentials {
  readonly uid: number;
  readonly euid: number;
  readonly gid: number;
  readonly egid: number;
  /** AT_SECURE: the program has more rights than its caller. */
  readonly secure: boolean;
}

export interface ExecRequest {
  readonly pool: MemoryPool;
  readonly limits: MemoryLimits;
  /** The path as execve was given it: AT_EXECFN, and what a script's interpreter is told to open. */
  readonly filename: string;
  /** The path leads through a descriptor that execve closes: an interpreter could not open it (BINPRM_FLAGS_PATH_INACCESSIBLE). */
  readonly inaccessible?: boolean;
  /** The file, opened for execution (permissions checked, a regular file). */
  readonly file: MappedFile;
  readonly argv: readonly Uint8Array[];
  readonly envp: readonly Uint8Array[];
  /** What can be executed; the ELF header says which of them a program is. */
  readonly kinds: readonly ProgramKind[];
  readonly personality: number;
  /** Opens an interpreter for execution from the caller's root and working directory: ENOENT, EACCES, ... */
  openExecutable(path: string): MappedFile;
  /** Ids of the program: set-user-ID counts for the file that is executed in the end, not for scripts. */
  credentials(file: MappedFile): ProgramCredentials;
  random(into: Uint8Array): void;
  /** Randomise addresses (unless the personality forbids it). */
  readonly randomize: boolean;
}

export interface LoadedProgram {
  readonly space: AddressSpace;
  /** Where execution starts: the interpreter's entry point if there is one. */
  readonly entry: number;
  readonly stackPointer: number;
  /** EM_X86_64 or EM_RISCV. */
  readonly machine: number;
  /** The ELF file that is executed; a script's interpreter, not the script. The space holds a reference to it. */
  readonly file: MappedFile;
  readonly credentials: ProgramCredentials;
}

/** Holds opened files until the loading is over, one way or the other. */
class OpenFiles {
  readonly #files: MappedFile[] = [];

  add(file: MappedFile): MappedFile {
    file.references++;
    this.#files.push(file);
    return file;
  }

  close(): void {
    for (const file of this.#files) if (--file.references === 0) file.close();
  }
}

/** Throws LoadError or another Errno; then nothing is left behind. */
export function loadProgram(request: ExecRequest): LoadedProgram {
  const files = new OpenFiles();
  files.add(request.file);
  try {
    return load(request, files);
  } finally {
    files.close();
  }
}

function load(request: ExecRequest, files: OpenFiles): LoadedProgram {
  const filename = encodeBytes(request.filename);
  // Linux since 5.18: a program always has an argv[0].
  const argv = request.argv.length > 0 ? request.argv : [new Uint8Array(0)];
  const contents = { filename, argv, envp: request.envp };
  checkArguments(contents, request.limits.stack);
  const resolved = resolveScripts(request, files, contents.argv);
  const program = { ...contents, argv: resolved.argv };
  checkArguments(program, request.limits.stack);

  const { file, name } = resolved;
  const elf = readElf(
    file.inode,
    name,
    request.kinds.map((kind) => kind.machine.machine),
  );
  const { machine, vdso: object } = request.kinds.find((kind) => kind.machine.machine === elf.machine) as ProgramKind;
  const interpreter = openInterpreter(request, files, file, name, elf);
  const credentials = request.credentials(file);

  const space = new AddressSpace(request.pool, { limits: { ...request.limits }, ...shifts(request) });
  try {
    const image = mapImage(space, file, name, elf, interpreter === null ? undefined : programBase(request));
    const linker = interpreter && mapImage(space, interpreter.file, interpreter.name, interpreter.elf, undefined);
    setBrk(space, request, elf, image, interpreter !== null);
    const vdso = object && mapVdso(space, object);
    space.startCode = image.startCode;
    space.endCode = image.endCode;
    space.startData = image.startData;
    space.endData = image.endData;
    const stackPointer = buildStack(space, program, {
      auxv: auxiliaryVector(machine, elf, image, linker, vdso, credentials),
      platform: machine.platform,
      random: randomBytes(request, 16),
      executable: wantsExecutableStack(elf),
      shift: randomizes(request) ? randomBelow(request, 8192) : 0,
    });
    space.setExecutable(file);
    return { space, entry: (linker ?? image).entry, stackPointer, machine: elf.machine, file, credentials };
  } catch (error) {
    space.release();
    throw error;
  }
}

interface Resolved {
  readonly file: MappedFile;
  readonly name: string;
  readonly argv: readonly Uint8Array[];
}

/** Follows `#!` lines until there is something else. */
function resolveScripts(request: ExecRequest, files: OpenFiles, argv: readonly Uint8Array[]): Resolved {
  let current: Resolved = { file: request.file, name: request.filename, argv };
  for (let depth = 0; ; depth++) {
    if (depth > MAX_INTERPRETERS) throw new LoadError(ELOOP, `${request.filename}: too many interpreters`);
    const start = new Uint8Array(BINPRM_BUF_SIZE);
    current.file.inode.read(0, start);
    if (isElf(start)) return current;
    if (!isScript(start)) throw new LoadError(ENOEXEC, `${current.name}: at offset 0: neither an ELF file nor #!`);
    const { interpreter, argument } = parseScript(start, current.name);
    // The empty path is the working directory to Linux here.
    if (interpreter.length === 0) throw new LoadError(EACCES, `${current.name}: empty path after #!`);
    if (request.inaccessible) throw new LoadError(ENOENT, `${current.name}: of no use to an interpreter`);
    const name = decodeBytes(interpreter);
    const args: Uint8Array[] = [interpreter];
    if (argument) args.push(argument);
    args.push(encodeBytes(current.name), ...current.argv.slice(1));
    current = { file: files.add(request.openExecutable(name)), name, argv: args };
  }
}

interface Interpreter {
  readonly file: MappedFile;
  readonly name: string;
  readonly elf: ElfHeader;
}

function openInterpreter(
  request: ExecRequest,
  files: OpenFiles,
  program: MappedFile,
  name: string,
  elf: ElfHeader,
): Interpreter | null {
  const path = readInterpreter(program.inode, name, elf);
  if (path === null) return null;
  const interpreter = decodeBytes(path);
  const file = files.add(openFor(request, interpreter, name));
  const start = new Uint8Array(EHDR_SIZE);
  if (file.inode.read(0, start) < EHDR_SIZE) throw new LoadError(EIO, `${interpreter}: shorter than an ELF header`);
  return { file, name: interpreter, elf: readElf(file.inode, interpreter, [elf.machine], ELIBBAD) };
}

/** The reason for a missing interpreter is worth a word: the shell just says that the program is not found. */
function openFor(request: ExecRequest, path: string, program: string): MappedFile {
  try {
    return request.openExecutable(path);
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    throw new LoadError(error.code, `${program}: its interpreter ${path} cannot be opened`);
  }
}

function auxiliaryVector(
  machine: MachineInfo,
  elf: ElfHeader,
  image: MappedImage,
  linker: MappedImage | null,
  vdso: number | undefined,
  credentials: ProgramCredentials,
): (readonly [number, number])[] {
  // AT_RANDOM, AT_EXECFN and AT_PLATFORM get their values where the stack is laid out.
  const auxv: (readonly [number, number])[] = [
    ...(machine.auxv ?? []),
    [E.AT_MINSIGSTKSZ, machine.minSignalStack],
    [E.AT_HWCAP, machine.hwcap],
    [E.AT_PAGESZ, PAGE_SIZE],
    [E.AT_CLKTCK, 100],
    [E.AT_PHDR, image.phdr],
    [E.AT_PHENT, PHDR_SIZE],
    [E.AT_PHNUM, elf.programs.length],
    [E.AT_BASE, linker?.bias ?? 0],
    [E.AT_FLAGS, 0],
    [E.AT_ENTRY, image.entry],
    [E.AT_UID, credentials.uid],
    [E.AT_EUID, credentials.euid],
    [E.AT_GID, credentials.gid],
    [E.AT_EGID, credentials.egid],
    [E.AT_SECURE, credentials.secure ? 1 : 0],
    [E.AT_RANDOM, 0],
    ...(machine.hwcap2 === undefined ? [] : [[E.AT_HWCAP2, machine.hwcap2] as const]),
    [E.AT_EXECFN, 0],
    [E.AT_PLATFORM, 0],
  ];
  if (vdso !== undefined) auxv.unshift([E.AT_SYSINFO_EHDR, vdso]);
  if (machine.rseq) {
    auxv.push([E.AT_RSEQ_FEATURE_SIZE, machine.rseq.featureSize], [E.AT_RSEQ_ALIGN, machine.rseq.align]);
  }
  return auxv;
}

function wantsExecutableStack(elf: ElfHeader): boolean {
  const header = elf.programs.findLast((program) => program.type === E.PT_GNU_STACK);
  return header !== undefined && (header.flags & E.PF_X) !== 0;
}

// --- address space randomisation: all of it from the machine's random source ------------------------------------------

function randomizes(request: ExecRequest): boolean {
  return request.randomize && (request.personality & ADDR_NO_RANDOMIZE) === 0;
}

function randomBytes(request: ExecRequest, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  request.random(bytes);
  return bytes;
}

/** `limit` is a power of two. */
function randomBelow(request: ExecRequest, limit: number): number {
  const bytes = randomBytes(request, 4);
  return new DataView(bytes.buffer).getUint32(0, true) % limit;
}

function shifts(request: ExecRequest): { stackShift?: number; mmapShift?: number } {
  if (!randomizes(request)) return {};
  return { stackShift: randomBelow(request, 4096) * PAGE_SIZE, mmapShift: randomBelow(request, 16384) * PAGE_SIZE };
}

function programBase(request: ExecRequest): number {
  return randomizes(request) ? PIE_BASE + randomBelow(request, 65536) * PAGE_SIZE : PIE_BASE;
}

/** The brk area follows the program; a static-pie, which is in the mmap area, has it where programs are. */
function setBrk(
  space: AddressSpace,
  request: ExecRequest,
  elf: ElfHeader,
  image: MappedImage,
  interpreted: boolean,
): void {
  let start = elf.type === E.ET_DYN && !interpreted ? PIE_BASE : image.end;
  if (randomizes(request)) start += randomBelow(request, 8192) * PAGE_SIZE;
  space.startBrk = start;
  space.currentBrk = start;
}
