/**
 * Core files: what is left of a process that a signal ends whose default action is "core" (core(5)). An ELF file with the
 * registers of all threads and other notes, and the memory that is not simply that of files.
 *
 * As with the pattern "core": in the working directory, with as many bytes as RLIMIT_CORE allows.
 */

import { Errno } from "../abi/errno.ts";
import { O_CREAT, O_NOFOLLOW, O_WRONLY } from "../abi/fcntl.ts";
import { PROT_EXEC, PROT_READ, PROT_WRITE } from "../abi/mman.ts";
import { NT_PRFPREG, NT_PRSTATUS } from "../abi/ptrace.ts";
import { RLIMIT_CORE } from "../abi/resource.ts";
import { encodeSiginfo } from "../abi/siginfo.ts";
import { S_IFREG } from "../abi/stat.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../mm/layout.ts";
import { type Vma, VmFlag } from "../mm/vma.ts";
import { encodeBytes } from "../util/bytes.ts";
import { release, retain } from "../vfs/file.ts";
import { unlinkAt } from "../vfs/namespace.ts";
import { openAt } from "../vfs/open.ts";
import { accessMemory } from "./inspect.ts";
import type { SignalInfo } from "./signal-state.ts";
import type { Task } from "./task.ts";

const ELF_HEADER = 64;
const PROGRAM_HEADER = 56;
const ET_CORE = 4;
const PT_LOAD = 1;
const PT_NOTE = 4;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
/** e_machine */
const MACHINES = { x86_64: 62, riscv64: 243 } as const;
const NT_PRPSINFO = 3;
const NT_AUXV = 6;
const NT_FILE = 0x46494c45;
const NT_SIGINFO = 0x53494749;
/** Where struct elf_prstatus has the registers, and struct elf_prpsinfo's size. */
const PRSTATUS_REGISTERS = 112;
const PRPSINFO_SIZE = 136;
const TIMES = [48, 64] as const;
/** Pages that are written at once. */
const CHUNK_PAGES = 256;
/** Program headers are counted by 16 bits. */
const MAX_SEGMENTS = 65_000;

/** Writes it if it is wanted. True: there is one now. */
export function dumpCore(task: Task, info: SignalInfo): boolean {
  const limit = task.limit(RLIMIT_CORE);
  if (limit < PAGE_SIZE || task.process.dumpable !== 1 || task.arch.debug === undefined) return false;
  try {
    unlinkAt(task, undefined, "core");
  } catch (e) {
    // Mostly there is none; what else is in the way is found below.
    if (!(e instanceof Errno)) throw e;
  }
  try {
    const file = openAt(task, undefined, "core", O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600);
    retain(file);
    try {
      const { inode } = file;
      const { nlink, uid } = inode.attributes();
      if (inode.format !== S_IFREG || nlink > 1 || uid !== task.credentials.fsuid) return false;
      inode.setAttributes({ size: 0 });
      let position = 0;
      for (const part of image(task, info)) {
        const bytes = part.subarray(0, Math.max(0, limit - position));
        if (bytes.length > 0 && inode.write(position, bytes) !== bytes.length) break;
        position += bytes.length;
        if (bytes.length < part.length) break;
      }
      return true;
    } finally {
      release(file);
    }
  } catch (e) {
    // A file that cannot be made, or a full disk.
    if (e instanceof Errno) return false;
    throw e;
  }
}

interface Segment {
  readonly vma: Vma;
  /** Bytes of it that are in the file. */
  readonly size: number;
}

/** Bits of /proc/[pid]/coredump_filter. */
const ANON_PRIVATE = 1;
const ANON_SHARED = 2;
const FILE_PRIVATE = 4;
const FILE_SHARED = 8;
const ELF_HEADERS = 16;

/** vma_dump_size(): what is kept of a mapping. By default what is private and was changed, and shared memory without a file. */
function segmentOf(task: Task, vma: Vma): Segment {
  const whole = vma.end - vma.start;
  const wants = (bit: number): boolean => (task.mm.coreFilter & bit) !== 0;
  if (vma.flags & VmFlag.DontDump) return { vma, size: 0 };
  if (vma.file === null) {
    const touched = vma.prot & (PROT_READ | PROT_WRITE);
    return { vma, size: touched && wants(vma.shared === null ? ANON_PRIVATE : ANON_SHARED) ? whole : 0 };
  }
  if (vma.shared !== null) return { vma, size: wants(FILE_SHARED) ? whole : 0 };
  if (vma.prot & PROT_WRITE && wants(ANON_PRIVATE)) return { vma, size: whole };
  if (wants(FILE_PRIVATE)) return { vma, size: whole };
  // The first page of a program says which it was.
  const begins = wants(ELF_HEADERS) && vma.offset === 0 && vma.prot & PROT_READ && task.space.isReadable(vma.start);
  return { vma, size: begins ? PAGE_SIZE : 0 };
}

function* image(task: Task, info: SignalInfo): Generator<Uint8Array> {
  const { space } = task;
  const segments = [...space.vmas].slice(0, MAX_SEGMENTS).map((vma) => segmentOf(task, vma));
  const notes = concatenate(notesOf(task, info));
  const notesAt = ELF_HEADER + PROGRAM_HEADER * (segments.length + 1);
  const dataAt = Math.ceil((notesAt + notes.length) / PAGE_SIZE) * PAGE_SIZE;
  const head = new Uint8Array(dataAt);
  const view = new DataView(head.buffer);
  const u64 = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, ET_CORE, true);
  view.setUint16(18, MACHINES[task.arch.name], true);
  view.setUint32(20, 1, true);
  u64(32, ELF_HEADER);
  view.setUint16(52, ELF_HEADER, true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, segments.length + 1, true);
  const header = (index: number, type: number, flags: number, fields: readonly number[]): void => {
    const at = ELF_HEADER + PROGRAM_HEADER * index;
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    fields.forEach((field, i) => {
      u64(at + 8 + 8 * i, field);
    });
  };
  // Offset, virtual and physical address, bytes in the file and in memory, alignment.
  header(0, PT_NOTE, 0, [notesAt, 0, 0, notes.length, 0, 4]);
  let offset = dataAt;
  segments.forEach(({ vma, size }, i) => {
    const { prot, start, end } = vma;
    const flags = (prot & PROT_READ ? PF_R : 0) | (prot & PROT_WRITE ? PF_W : 0) | (prot & PROT_EXEC ? PF_X : 0);
    header(i + 1, PT_LOAD, flags, [offset, start, 0, size, end - start, PAGE_SIZE]);
    offset += size;
  });
  head.set(notes, notesAt);
  yield head;
  for (const { vma, size } of segments) yield* contents(task, vma, size);
}

/** The pages of a mapping; those that were never touched are zero. */
function* contents(task: Task, vma: Vma, size: number): Generator<Uint8Array> {
  const { space } = task;
  const end = (vma.start + size) >>> PAGE_SHIFT;
  let page = vma.start >>> PAGE_SHIFT;
  while (page < end) {
    const run = space.nextRun(page, end);
    const [first, last] = run ?? [end, end];
    for (let at = page; at < first; at += CHUNK_PAGES) {
      yield new Uint8Array(Math.min(CHUNK_PAGES, first - at) * PAGE_SIZE);
    }
    for (let at = first; at < last; at += CHUNK_PAGES) {
      // What a fork has left with the parent is fetched by that.
      const bytes = new Uint8Array(Math.min(CHUNK_PAGES, last - at) * PAGE_SIZE);
      accessMemory(space, at * PAGE_SIZE, bytes, { write: false, force: true });
      yield bytes;
    }
    page = last;
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function note(type: number, content: Uint8Array, name = "CORE"): Uint8Array {
  const padded = (n: number): number => Math.ceil(n / 4) * 4;
  const label = encodeBytes(`${name}\0`);
  const bytes = new Uint8Array(12 + padded(label.length) + padded(content.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, label.length, true);
  view.setUint32(4, content.length, true);
  view.setUint32(8, type, true);
  bytes.set(label, 12);
  bytes.set(content, 12 + padded(label.length));
  return bytes;
}

/** The thread that dies first, then the others. */
function notesOf(task: Task, info: SignalInfo): Uint8Array[] {
  const notes: Uint8Array[] = [];
  const others = [...task.process.tasks].filter((other) => other !== task && other.mm === task.mm);
  [task, ...others].forEach((thread, i) => {
    const { debug } = thread.arch;
    if (debug === undefined) return;
    const { mm, savedContext } = thread;
    const context =
      mm.loaded === thread || savedContext === null
        ? mm.context
        : new DataView(savedContext.buffer, savedContext.byteOffset, savedContext.length);
    const call = thread.state === "blocked" || thread.restart !== 0 ? thread.syscallNumber : -1;
    notes.push(note(NT_PRSTATUS, statusOf(thread, info, debug.getGeneral(context, call))));
    if (i === 0) {
      notes.push(note(NT_PRPSINFO, processOf(task)));
      notes.push(note(NT_SIGINFO, encodeSiginfo(info)));
      notes.push(note(NT_AUXV, task.space.auxv));
      notes.push(note(NT_FILE, filesOf(task)));
    }
    notes.push(note(NT_PRFPREG, debug.getFloating(context)));
    for (const [type, set] of debug.others) {
      const bytes = set.get(context);
      if (bytes.length > 0) notes.push(note(type, bytes, "LINUX"));
    }
  });
  return notes;
}

/** struct elf_prstatus */
function statusOf(thread: Task, info: SignalInfo, registers: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PRSTATUS_REGISTERS + registers.length + 8);
  const view = new DataView(bytes.buffer);
  const { process } = thread;
  view.setInt32(0, info.signal, true);
  view.setInt32(4, info.code, true);
  view.setInt16(12, info.signal, true);
  view.setUint32(16, thread.pending.set.lo, true);
  view.setUint32(20, thread.pending.set.hi, true);
  view.setUint32(24, thread.blocked.lo, true);
  view.setUint32(28, thread.blocked.hi, true);
  [thread.tid, process.parent?.pid ?? 0, process.group.id, process.group.session.id].forEach((id, i) => {
    view.setInt32(32 + 4 * i, thread.numberOf(id), true);
  });
  [thread.usage.utime, thread.usage.stime].forEach((ns, i) => {
    view.setBigUint64(TIMES[i] as number, BigInt(Math.floor(ns / 1e9)), true);
    view.setBigUint64((TIMES[i] as number) + 8, BigInt(Math.floor((ns % 1e9) / 1000)), true);
  });
  bytes.set(registers, PRSTATUS_REGISTERS);
  view.setInt32(PRSTATUS_REGISTERS + registers.length, 1, true);
  return bytes;
}

/** struct elf_prpsinfo */
function processOf(task: Task): Uint8Array {
  const { process, credentials, space } = task;
  const bytes = new Uint8Array(PRPSINFO_SIZE);
  const view = new DataView(bytes.buffer);
  bytes[1] = "R".charCodeAt(0);
  view.setInt8(3, task.nice);
  view.setUint32(16, credentials.uid, true);
  view.setUint32(20, credentials.gid, true);
  [process.pid, process.parent?.pid ?? 0, process.group.id, process.group.session.id].forEach((id, i) => {
    view.setInt32(24 + 4 * i, task.numberOf(id), true);
  });
  bytes.set(encodeBytes(task.comm).subarray(0, 15), 40);
  const length = Math.min(79, space.argEnd - space.argStart);
  const args = length > 0 ? space.readablePrefix(space.argStart, length) : new Uint8Array(0);
  bytes.set(
    args.map((b) => (b === 0 ? 0x20 : b)),
    56,
  );
  return bytes;
}

/** Which files are mapped where: a count, the unit of offsets, three numbers for each, their names. */
function filesOf(task: Task): Uint8Array {
  const mapped = [...task.space.vmas].filter(({ file }) => file !== null);
  const names = encodeBytes(mapped.map((vma) => `${task.space.nameOf(vma)}\0`).join(""));
  const bytes = new Uint8Array(16 + 24 * mapped.length + names.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(mapped.length), true);
  view.setBigUint64(8, BigInt(PAGE_SIZE), true);
  mapped.forEach(({ start, end, offset }, i) => {
    [start, end, Math.floor(offset / PAGE_SIZE)].forEach((n, j) => {
      view.setBigUint64(16 + 24 * i + 8 * j, BigInt(n), true);
    });
  });
  bytes.set(names, 16 + 24 * mapped.length);
  return bytes;
}
