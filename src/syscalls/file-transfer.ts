/** Moving bytes from file to file: sendfile(2), copy_file_range(2), splice(2), tee(2), vmsplice(2); and calls about storage. */
import { EAGAIN, EBADF, EFAULT, EINVAL, EISDIR, EOVERFLOW, EPERM, EPIPE, ESPIPE, EXDEV } from "../abi/errno.ts";
import { O_APPEND, O_NONBLOCK, SEEK_CUR } from "../abi/fcntl.ts";
import { SIGPIPE } from "../abi/signal.ts";
import { S_IFDIR, S_IFREG } from "../abi/stat.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { isReadable, isWritable, RegularFile, release, retain } from "../vfs/file.ts";
import { isImmutable } from "../vfs/file-flags.ts";
import { PipeFile } from "../vfs/pipe.ts";
import { SecretFile } from "../vfs/secret.ts";
import type { File } from "../vfs/types.ts";
import { choice, fd, flags, offset, size, uint } from "./args.ts";
import { type Arg, type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { iovIn } from "./file-args.ts";
import { gather, readVectors, writeRegular } from "./file-io.ts";
import { MAX_RW_COUNT, readIoVectors, waitOnFile } from "./file-util.ts";
import { givenInt64, printStruct } from "./struct-args.ts";

/** Bytes that are carried at a time. */
const CHUNK = 65536;
const SPLICE_F_NONBLOCK = 2;

/** Where bytes come from: at a position of its own (undefined) or at one that the caller keeps. */
interface Source {
  readonly file: File;
  position: number | undefined;
}

function take(task: Task, source: Source, into: Uint8Array): number {
  const { file, position } = source;
  if (file instanceof RegularFile) task.kernel.pool.beforeRead(file.inode);
  return position === undefined ? file.read(into) : file.pread(into, position);
}

/** Gives back what was read but not written. */
function giveBack(source: Source, taken: number, used: number): void {
  if (source.position === undefined) source.file.position -= taken - used;
  else source.position += used;
}

function put(task: Task, target: Source, bytes: Uint8Array): number {
  const { file, position } = target;
  let n: number;
  if (file instanceof RegularFile) n = writeRegular(task, file, bytes, position);
  else n = position === undefined ? file.write(bytes) : file.pwrite(bytes, position);
  if (n > 0 && target.position !== undefined) target.position += n;
  if (n === -EPIPE) task.raise(SIGPIPE);
  return n;
}

/**
 * Copies from a file with a position to anything, waiting for the target as long as nothing was written.
 * @returns bytes, or a negative errno if there were none
 */
function copy(task: Task, source: Source, target: Source, count: number): SyscallResult {
  let done = 0;
  const step = (): number => {
    const { carried } = task.kernel;
    while (done < count) {
      const wanted = carried.subarray(0, Math.min(carried.length, count - done));
      const taken = take(task, source, wanted);
      if (taken <= 0) return done > 0 ? done : taken;
      let n: number;
      try {
        n = put(task, target, wanted.subarray(0, taken));
      } catch (e) {
        giveBack(source, taken, 0);
        if (done > 0) return done;
        throw e;
      }
      giveBack(source, taken, Math.max(0, n));
      if (n < 0) return n;
      done += n;
    }
    return done;
  };
  const result = step();
  const blocks = target.file.queue !== undefined && (target.file.flags & O_NONBLOCK) === 0;
  if (result !== -EAGAIN || !blocks) return result < 0 && done > 0 ? done : result;
  return copyRest(task, source, target, step, () => done);
}

async function copyRest(
  task: Task,
  source: Source,
  target: Source,
  step: () => number,
  done: () => number,
): Promise<number> {
  retain(source.file);
  retain(target.file);
  try {
    const result = await block(task, target.file.queue, step);
    return result < 0 && done() > 0 ? done() : result;
  } finally {
    release(source.file);
    release(target.file);
  }
}

/** Writes the position that the caller keeps back to its memory. */
function finishOffset(task: Task, address: number, source: Source, result: SyscallResult): SyscallResult {
  if (address === 0) return result;
  const write = (n: number): number => {
    if (n >= 0) task.space.writeNumber64(address, source.position ?? 0);
    return n;
  };
  return typeof result === "number" ? write(result) : result.then(write);
}

function sendfile(task: Task, out: number, input: number, offset: number, count: number): SyscallResult {
  const from = task.files.get(input);
  if (!isReadable(from)) return -EBADF;
  const position = offset === 0 ? undefined : task.space.readSigned64(offset);
  if (from.inode.format === S_IFDIR) return -EINVAL;
  if (position !== undefined && from instanceof PipeFile) return -ESPIPE;
  if (position !== undefined && position < 0) return -EINVAL;
  const to = task.files.get(out);
  if (!isWritable(to)) return -EBADF;
  if (to.flags & O_APPEND && to instanceof RegularFile) return -EINVAL;
  // What cannot seek would lose what is read but not taken.
  if (!(from instanceof RegularFile) && from.seek(0, SEEK_CUR) < 0) return -EINVAL;
  const source: Source = { file: from, position };
  const target: Source = { file: to, position: undefined };
  return finishOffset(task, offset, source, copy(task, source, target, Math.min(count, MAX_RW_COUNT)));
}

function copyFileRange(
  task: Task,
  input: number,
  inOffset: number,
  out: number,
  outOffset: number,
  count: number,
  flags: number,
): SyscallResult {
  const from = task.files.get(input);
  const to = task.files.get(out);
  for (const offset of [inOffset, outOffset]) if (offset !== 0) task.space.readable(offset, 8);
  if (flags !== 0) return -EINVAL;
  if (from.inode.format === S_IFDIR || to.inode.format === S_IFDIR) return -EISDIR;
  if (from.inode.format !== S_IFREG || to.inode.format !== S_IFREG) return -EINVAL;
  if (!isReadable(from) || !isWritable(to) || to.flags & O_APPEND) return -EBADF;
  if (from.inode.fs !== to.inode.fs) return -EXDEV;
  if (!(from instanceof RegularFile) || !(to instanceof RegularFile)) return -EINVAL;
  const start = inOffset === 0 ? from.position : task.space.readSigned64(inOffset);
  const goal = outOffset === 0 ? to.position : task.space.readSigned64(outOffset);
  if (isImmutable(to.inode)) return -EPERM;
  // Compared as unsigned numbers: a count that leads around to small ones overflows.
  for (const at of [start, goal]) if (at < 0 && at + count >= 0) return -EOVERFLOW;
  if (start < 0 || goal < 0) return -EINVAL;
  const source: Source = { file: from, position: start };
  const target: Source = { file: to, position: goal };
  const length = Math.min(count, MAX_RW_COUNT, Math.max(0, from.size - start));
  if (from.inode === to.inode && start < goal + length && goal < start + length) return -EINVAL;
  const result = copy(task, source, target, length);
  if (typeof result !== "number" || result < 0) return result;
  if (inOffset === 0) from.position = start + result;
  else task.space.writeNumber64(inOffset, start + result);
  if (outOffset === 0) to.position = goal + result;
  else task.space.writeNumber64(outOffset, goal + result);
  return result;
}

/** One of the two is a pipe. Bytes are moved in one go as far as they fit; waits while nothing can be moved. */
function splice(
  task: Task,
  input: number,
  inOffset: number,
  out: number,
  outOffset: number,
  count: number,
  bits: number,
): SyscallResult {
  if (count === 0) return 0;
  if (bits & ~0xf) return -EINVAL;
  const from = task.files.get(input);
  const to = task.files.get(out);
  if (!isReadable(from) || !isWritable(to)) return -EBADF;
  if (!(from instanceof PipeFile) && !(to instanceof PipeFile)) return -EINVAL;
  if ((from instanceof PipeFile && inOffset !== 0) || (to instanceof PipeFile && outOffset !== 0)) return -ESPIPE;
  if (from instanceof PipeFile && to instanceof PipeFile && from.pipe === to.pipe) return -EINVAL;
  if (to.flags & O_APPEND) return -EINVAL;
  const source: Source = { file: from, position: inOffset === 0 ? undefined : task.space.readSigned64(inOffset) };
  const target: Source = { file: to, position: outOffset === 0 ? undefined : task.space.readSigned64(outOffset) };
  if ((source.position ?? 0) < 0 || (target.position ?? 0) < 0 || from.inode.format === S_IFDIR) return -EINVAL;
  const attempt = (): number => {
    const room = to instanceof PipeFile ? to.pipe.room : CHUNK;
    if (to instanceof PipeFile && to.pipe.readers === 0) return put(task, target, new Uint8Array(1));
    if (room === 0) return -EAGAIN;
    const buffer = new Uint8Array(Math.min(count, room, CHUNK));
    if (from instanceof PipeFile) {
      // Looked at first and taken only as far as the target accepts it.
      const available = from.pipe.peek(buffer);
      if (available <= 0) return available;
      const n = put(task, target, buffer.subarray(0, available));
      if (n > 0) from.read(buffer.subarray(0, n));
      return n;
    }
    const taken = take(task, source, buffer);
    if (taken <= 0) return taken;
    if (source.position !== undefined) source.position += taken;
    let n = 0;
    // Several writes, since only up to PIPE_BUF bytes are taken as a whole.
    while (n < taken) {
      const written = put(task, target, buffer.subarray(n, taken));
      if (written < 0) break;
      n += written;
    }
    return n;
  };
  const finish = (n: number): number => {
    if (n > 0 && inOffset !== 0) task.space.writeNumber64(inOffset, source.position ?? 0);
    if (n > 0 && outOffset !== 0) task.space.writeNumber64(outOffset, target.position ?? 0);
    return n;
  };
  return moveOnPipes(task, from, to, bits, attempt, finish);
}

function moveOnPipes(
  task: Task,
  from: File,
  to: File,
  bits: number,
  attempt: () => number,
  finish: (n: number) => number,
): SyscallResult {
  const result = attempt();
  const nonblock = [from, to].some((file) => file instanceof PipeFile && file.flags & O_NONBLOCK);
  if (result !== -EAGAIN || nonblock || bits & SPLICE_F_NONBLOCK) return finish(result);
  return waitForPipes(task, from, to, attempt, finish);
}

async function waitForPipes(
  task: Task,
  from: File,
  to: File,
  attempt: () => number,
  finish: (n: number) => number,
): Promise<number> {
  retain(from);
  retain(to);
  try {
    return finish(await block(task, [from.queue, to.queue], attempt));
  } finally {
    release(from);
    release(to);
  }
}

function tee(task: Task, input: number, out: number, count: number, bits: number): SyscallResult {
  if (bits & ~0xf) return -EINVAL;
  if (count === 0) return 0;
  const from = task.files.get(input);
  const to = task.files.get(out);
  if (!isReadable(from) || !isWritable(to)) return -EBADF;
  if (!(from instanceof PipeFile) || !(to instanceof PipeFile) || from.pipe === to.pipe) return -EINVAL;
  const target: Source = { file: to, position: undefined };
  const attempt = (): number => {
    if (to.pipe.readers === 0) return put(task, target, new Uint8Array(1));
    const room = to.pipe.room;
    if (room === 0) return -EAGAIN;
    const buffer = new Uint8Array(Math.min(count, room, from.pipe.length));
    const available = from.pipe.peek(buffer);
    return available <= 0 ? available : put(task, target, buffer.subarray(0, available));
  };
  return moveOnPipes(task, from, to, bits, attempt, (n) => n);
}

/** Copies memory of the caller's into a pipe; from a pipe's other end, like readv(2). */
function vmsplice(task: Task, number: number, iov: number, count: number, bits: number): SyscallResult {
  if (bits & ~0xf) return -EINVAL;
  const file = task.files.get(number);
  if (!(file instanceof PipeFile)) return -EBADF;
  const vectors = readIoVectors(task, iov, count);
  const wait = (file.flags & O_NONBLOCK) === 0 && (bits & SPLICE_F_NONBLOCK) === 0;
  if (!isWritable(file)) return withNonblock(file, !wait, () => readVectors(task, file, vectors, undefined));
  // Pages that the pipe would have to take along.
  const secret = vectors.some(({ address }) => task.space.vmas.find(address)?.file instanceof SecretFile);
  if (secret) return -EFAULT;
  const bytes = gather(task, vectors);
  if (bytes.length === 0) return 0;
  const attempt = (): number => {
    const { pipe } = file;
    if (pipe.readers === 0) return put(task, { file, position: undefined }, bytes);
    return pipe.room === 0 ? -EAGAIN : pipe.fill(bytes);
  };
  const result = attempt();
  return result === -EAGAIN && wait ? waitOnFile(task, file, attempt) : result;
}

function withNonblock(file: File, nonblock: boolean, call: () => SyscallResult): SyscallResult {
  if (!nonblock) return call();
  const { flags } = file;
  file.flags |= O_NONBLOCK;
  try {
    return call();
  } finally {
    file.flags = flags;
  }
}

/** Files are where they are to stay as soon as they are written; only the descriptor is checked. */
function sync(task: Task, fd: number): number {
  const file = task.files.get(fd);
  const { format } = file.inode;
  if (format !== S_IFREG && format !== S_IFDIR) return -EINVAL;
  if (format === S_IFREG) task.kernel.pool.beforeRead(file.inode);
  return 0;
}

const spliceFlags = flags([
  [1, "SPLICE_F_MOVE"],
  [SPLICE_F_NONBLOCK, "SPLICE_F_NONBLOCK"],
  [4, "SPLICE_F_MORE"],
  [8, "SPLICE_F_GIFT"],
]);

const advice = choice(
  {
    0: "POSIX_FADV_NORMAL",
    1: "POSIX_FADV_RANDOM",
    2: "POSIX_FADV_SEQUENTIAL",
    3: "POSIX_FADV_WILLNEED",
    4: "POSIX_FADV_DONTNEED",
    5: "POSIX_FADV_NOREUSE",
  },
  "POSIX_FADV_???",
);

const rangeFlags = flags(
  [
    [1, "SYNC_FILE_RANGE_WAIT_BEFORE"],
    [2, "SYNC_FILE_RANGE_WRITE"],
    [4, "SYNC_FILE_RANGE_WAIT_AFTER"],
  ],
  "0",
  "SYNC_FILE_RANGE_???",
);

/** An offset that the call moves by its result: `[1] => [5]`. */
const movedOffset: Arg = {
  kind: "u64",
  out: (args) => args[2] !== 0 && args[3] !== 0,
  print: (v, c) =>
    printStruct(v, 8, c, (view) => {
      const now = view.getBigUint64(0, true);
      const moved = BigInt(Math.max(0, c.result ?? 0));
      return moved === 0n ? `[${now}]` : `[${now - moved}] => [${now}]`;
    }),
};

export const fileTransferCalls: readonly SyscallDefinition[] = [
  syscall("sendfile", [fd, fd, movedOffset, size], sendfile),
  syscall("copy_file_range", [fd, givenInt64, fd, givenInt64, size, uint], copyFileRange),
  syscall("splice", [fd, givenInt64, fd, givenInt64, size, spliceFlags], splice),
  syscall("tee", [fd, fd, size, spliceFlags], tee),
  syscall("vmsplice", [fd, iovIn(2), size, spliceFlags], vmsplice),
  syscall("sync", [], () => 0),
  syscall("syncfs", [fd], (task, fd) => {
    task.files.get(fd);
    return 0;
  }),
  syscall("fsync", [fd], sync),
  syscall("fdatasync", [fd], sync),
  syscall("sync_file_range", [fd, offset, offset, rangeFlags], (task, fd, offset, length, bits) => {
    const file = task.files.get(fd);
    if (bits & ~7 || offset < 0 || length < 0) return -EINVAL;
    return file.inode.format === S_IFREG || file.inode.format === S_IFDIR ? 0 : -ESPIPE;
  }),
  syscall("fadvise64", [fd, offset, size, advice], (task, fd, _offset, length, advice) => {
    const file = task.files.get(fd);
    if (file instanceof PipeFile) return -ESPIPE;
    return advice > 5 || length >= 2 ** 63 ? -EINVAL : 0;
  }),
  syscall("readahead", [fd, offset, size], (task, fd) => {
    const file = task.files.get(fd);
    if (!isReadable(file)) return -EBADF;
    return file.inode.format === S_IFREG ? 0 : -EINVAL;
  }),
];
