/** Reading and writing: read(2), write(2), their vectored and positioned forms, lseek(2). */
import { CAP_FSETID } from "../abi/capability.ts";
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EFBIG,
  EINTR,
  EINVAL,
  EISDIR,
  EOPNOTSUPP,
  EPIPE,
  ERESTARTSYS,
  errno,
} from "../abi/errno.ts";
import { O_APPEND, O_NONBLOCK, SEEK_HOLE } from "../abi/fcntl.ts";
import { RLIMIT_FSIZE } from "../abi/resource.ts";
import { SIGPIPE, SIGXFSZ } from "../abi/signal.ts";
import { Socket } from "../net/socket.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { DirectoryFile, isReadable, isWritable, RegularFile, release, retain } from "../vfs/file.ts";
import { PIPE_BUF, PipeFile } from "../vfs/pipe.ts";
import { type File, POLLERR, POLLHUP, POLLIN } from "../vfs/types.ts";
import { fd, inBuffer, int, long, offset, outBuffer, size } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { iovIn, iovOut, rwfFlags, whence } from "./file-args.ts";
import { type IoVector, MAX_RW_COUNT, mustWait, readIoVectors, timeLimit, waitOnFile } from "./file-util.ts";
import { hidden } from "./struct-args.ts";

const RWF_HIPRI = 1;
const RWF_DSYNC = 2;
const RWF_SYNC = 4;
const RWF_NOWAIT = 8;
const RWF_APPEND = 16;
const RWF_NOAPPEND = 32;
/** Beyond it a position is not exact. Linux's own limit is 2^63 - 1. */
const MAX_FILE_SIZE = Number.MAX_SAFE_INTEGER;

// What is common to all forms: `position` undefined means the file's own.

function readableFile(task: Task, number: number): File {
  const file = task.files.get(number);
  if (!isReadable(file)) throw errno(EBADF);
  return file;
}

function writableFile(task: Task, number: number): File {
  const file = task.files.get(number);
  if (!isWritable(file)) throw errno(EBADF);
  return file;
}

/** access_ok() and rw_verify_area(): the count as the kernel takes it. */
function checkCount(address: number, count: number, position: number | undefined): number {
  if (count >= 2 ** 47 || (count > 0 && address + count > 2 ** 47)) throw errno(EFAULT);
  if (position !== undefined && position + count >= 2 ** 63) throw errno(EINVAL);
  return Math.min(count, MAX_RW_COUNT);
}

/** Bytes that a read of `wanted` can give: keeps a read with a huge count from populating all of the buffer. */
function readable(file: RegularFile, position: number, wanted: number): number {
  const { size } = file.inode;
  return size === undefined ? wanted : Math.max(0, Math.min(wanted, size - position));
}

export function readInto(
  task: Task,
  file: File,
  address: number,
  length: number,
  position: number | undefined,
): SyscallResult {
  const wanted = checkCount(address, length, position);
  if (file instanceof DirectoryFile) return -EISDIR;
  if (file instanceof RegularFile) {
    task.kernel.pool.beforeRead(file.inode);
    const n = readable(file, position ?? file.position, wanted);
    const into = task.space.writablePrefix(address, n);
    return position === undefined ? file.read(into) : file.pread(into, position);
  }
  const n = readStream(task, file, address, wanted, position);
  if (!mustWait(file, n)) return n;
  return waitOnFile(task, file, () => readStream(task, file, address, wanted, position));
}

/** One attempt to read from anything that may make the reader wait. */
function readStream(task: Task, file: File, address: number, count: number, position: number | undefined): number {
  const refused = file.admit?.(task, "read") ?? 0;
  if (refused !== 0) return refused;
  let into: Uint8Array;
  try {
    into = task.space.writablePrefix(address, count);
  } catch (e) {
    // A bad pointer is found out when there is something to be copied.
    if (file.queue !== undefined && (file.poll() & (POLLIN | POLLHUP | POLLERR)) === 0) return -EAGAIN;
    throw e;
  }
  return position === undefined ? file.read(into) : file.pread(into, position);
}

export function writeFrom(
  task: Task,
  file: File,
  address: number,
  length: number,
  position: number | undefined,
): SyscallResult {
  const count = checkCount(address, length, position);
  if (file instanceof RegularFile) return writeRegular(task, file, task.space.readablePrefix(address, count), position);
  const refused = file.admit?.(task, "write") ?? 0;
  if (refused !== 0) return refused;
  const prefix = task.space.readablePrefix(address, count);
  const from = file instanceof PipeFile ? wholePages(prefix, count) : prefix;
  const n = writeStream(task, file, from, position);
  if (n === -EAGAIN) file.wantsRoom = true;
  // A bad pointer half way ends the write there; what lies before it has been written.
  if (isComplete(file, n, from.length)) return n;
  return writeRest(task, file, () => task.space.readablePrefix(address, count), n, position);
}

/** pipe_write() copies page by page: of one that ends in a bad pointer nothing is taken. */
function wholePages(prefix: Uint8Array, wanted: number): Uint8Array {
  if (prefix.length === wanted) return prefix;
  const whole = prefix.length - (prefix.length % PIPE_BUF);
  if (whole === 0) throw errno(EFAULT);
  return prefix.subarray(0, whole);
}

/** To a regular file: RLIMIT_FSIZE, privileges of the file, and mappings of it. */
export function writeRegular(task: Task, file: RegularFile, from: Uint8Array, position: number | undefined): number {
  const at = file.flags & O_APPEND ? file.size : (position ?? file.position);
  let bytes = from;
  const limit = Math.min(task.limit(RLIMIT_FSIZE), MAX_FILE_SIZE);
  if (at + bytes.length > limit && bytes.length > 0) {
    if (at >= limit) {
      if (limit < MAX_FILE_SIZE) task.raise(SIGXFSZ);
      return -EFBIG;
    }
    bytes = bytes.subarray(0, limit - at);
  }
  const { inode } = file;
  const { pool } = task.kernel;
  pool.beforeWrite(inode);
  if (!task.credentials.capable(CAP_FSETID)) inode.dropPrivileges?.(task.credentials);
  const n = position === undefined ? file.write(bytes) : file.pwrite(bytes, position);
  pool.afterWrite(inode, at, n);
  return n;
}

/** One attempt to write to anything that may make the writer wait. */
function writeStream(task: Task, file: File, from: Uint8Array, position: number | undefined): number {
  const n = position === undefined ? file.write(from) : file.pwrite(from, position);
  if (n === -EPIPE) task.raise(SIGPIPE);
  return n;
}

/** Is `n` the result of a write of `length` bytes, or has the writer to wait for the rest? */
function isComplete(file: File, n: number, length: number): boolean {
  if (n !== -EAGAIN && (n < 0 || n >= length)) return true;
  return (file.flags & O_NONBLOCK) !== 0 || file.queue === undefined;
}

/**
 * All is written before a blocking write returns, unless a signal or an error comes: then what was written counts.
 * @param first result of the first attempt
 */
function writeRest(
  task: Task,
  file: File,
  bytes: () => Uint8Array,
  first: number,
  position: number | undefined,
): SyscallResult {
  let written = Math.max(0, first);
  const attempt = (): number => {
    for (;;) {
      const rest = bytes().subarray(written);
      if (rest.length === 0) return written;
      const refused = file.admit?.(task, "write") ?? 0;
      const n = refused || (position === undefined ? file.write(rest) : file.pwrite(rest, position + written));
      if (n === -EAGAIN) return n;
      if (n < 0) {
        if (n === -EPIPE) task.raise(SIGPIPE);
        return written > 0 ? written : n;
      }
      written += n;
    }
  };
  retain(file);
  const timed = file instanceof Socket && file.sendTimeout !== Number.POSITIVE_INFINITY;
  return block(task, file.queue, attempt, {
    tried: true,
    done: () => release(file),
    ...(timed ? timeLimit(task, file.sendTimeout) : {}),
    timedOut: () => (written > 0 ? written : -EAGAIN),
    interrupted: () => (written > 0 ? written : timed ? -EINTR : -ERESTARTSYS),
  });
}

// Vectored: a regular file takes part by part, anything else one piece, since a pipe or a datagram socket makes a difference.

function total(vectors: readonly IoVector[]): number {
  let n = 0;
  for (const { length } of vectors) n += length;
  return n;
}

export function readVectors(
  task: Task,
  file: File,
  vectors: readonly IoVector[],
  position: number | undefined,
): SyscallResult {
  const [only] = vectors;
  if (vectors.length === 1 && only !== undefined) return readInto(task, file, only.address, only.length, position);
  if (file instanceof RegularFile) {
    task.kernel.pool.beforeRead(file.inode);
    let done = 0;
    for (const { address, length } of vectors) {
      const at = position === undefined ? file.position : position + done;
      const n = readable(file, at, length);
      let into: Uint8Array;
      try {
        into = task.space.writablePrefix(address, n);
      } catch (e) {
        if (done > 0) return done;
        throw e;
      }
      const got = position === undefined ? file.read(into) : file.pread(into, at);
      if (got < 0) return done > 0 ? done : got;
      done += got;
      if (got < length) break;
    }
    return done;
  }
  const buffer = new Uint8Array(total(vectors));
  const attempt = (): number => {
    const refused = file.admit?.(task, "read") ?? 0;
    if (refused !== 0) return refused;
    for (const { address, length } of vectors) task.space.writable(address, length);
    const n = position === undefined ? file.read(buffer) : file.pread(buffer, position);
    let done = 0;
    for (const { address, length } of vectors) {
      const part = Math.min(length, n - done);
      if (part <= 0) break;
      task.space.writable(address, part).set(buffer.subarray(done, done + part));
      done += part;
    }
    return n;
  };
  const n = attempt();
  return mustWait(file, n) ? waitOnFile(task, file, attempt) : n;
}

export function writeVectors(
  task: Task,
  file: File,
  vectors: readonly IoVector[],
  position: number | undefined,
): SyscallResult {
  const [only] = vectors;
  if (vectors.length === 1 && only !== undefined) return writeFrom(task, file, only.address, only.length, position);
  if (file instanceof RegularFile) {
    let done = 0;
    for (const { address, length } of vectors) {
      if (length === 0) continue;
      // It is one write: what reaches the limit ends there, and only one that begins at the limit is told so by a signal.
      const at = file.flags & O_APPEND ? file.size : position === undefined ? file.position : position + done;
      if (done > 0 && at >= task.limit(RLIMIT_FSIZE)) break;
      let from: Uint8Array;
      try {
        from = task.space.readablePrefix(address, length);
      } catch (e) {
        if (done > 0) return done;
        throw e;
      }
      const n = writeRegular(task, file, from, position === undefined ? undefined : position + done);
      if (n < 0) return done > 0 ? done : n;
      done += n;
      if (n < length) break;
    }
    return done;
  }
  const refused = file.admit?.(task, "write") ?? 0;
  if (refused !== 0) return refused;
  const gathered = gather(task, vectors);
  const buffer = file instanceof PipeFile ? wholePages(gathered, total(vectors)) : gathered;
  const n = writeStream(task, file, buffer, position);
  return isComplete(file, n, buffer.length) ? n : writeRest(task, file, () => buffer, n, position);
}

/** The bytes of all vectors up to the first that cannot be read. */
export function gather(task: Task, vectors: readonly IoVector[]): Uint8Array {
  const buffer = new Uint8Array(total(vectors));
  let done = 0;
  for (const { address, length } of vectors) {
    if (length === 0) continue;
    let from: Uint8Array;
    try {
      from = task.space.readablePrefix(address, length);
    } catch (e) {
      if (done > 0) break;
      throw e;
    }
    buffer.set(from, done);
    done += from.length;
    if (from.length < length) break;
  }
  return buffer.subarray(0, done);
}

/** preadv2 and pwritev2: flags that change nothing here, since files are as good as synchronous, or are refused. */
function checkRwFlags(file: File, flags: number): void {
  if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND)) throw errno(EOPNOTSUPP);
  if (flags & RWF_APPEND && flags & RWF_NOAPPEND) throw errno(EINVAL);
  // A tmpfs cannot promise not to wait (FMODE_NOWAIT); nor can most devices.
  if (flags & RWF_NOWAIT && !(file instanceof PipeFile)) throw errno(EOPNOTSUPP);
}

/** A file as one call sees it whose flags say more: O_APPEND or O_NONBLOCK are there, or not, for its length. */
function withFlags(file: File, set: number, clear: number, call: () => SyscallResult): SyscallResult {
  const { flags } = file;
  file.flags = (flags | set) & ~clear;
  try {
    return call();
  } finally {
    file.flags = flags;
  }
}

function checkPosition(position: number): void {
  if (position < 0) throw errno(EINVAL);
}

export const fileIoCalls: readonly SyscallDefinition[] = [
  syscall(
    "read",
    [fd, outBuffer(), size],
    (task, fd, address, count) => readInto(task, readableFile(task, fd), address, count, undefined),
    { moves: "reads" },
  ),
  syscall(
    "write",
    [fd, inBuffer(2), size],
    (task, fd, address, count) => writeFrom(task, writableFile(task, fd), address, count, undefined),
    { moves: "writes" },
  ),
  syscall(
    "pread64",
    [fd, outBuffer(), size, offset],
    (task, fd, address, count, position) => {
      checkPosition(position);
      const file = readableFile(task, fd);
      return readInto(task, file, address, count, position);
    },
    { moves: "reads" },
  ),
  syscall(
    "pwrite64",
    [fd, inBuffer(2), size, offset],
    (task, fd, address, count, position) => {
      checkPosition(position);
      const file = writableFile(task, fd);
      return writeFrom(task, file, address, count, position);
    },
    { moves: "writes" },
  ),
  syscall(
    "readv",
    [fd, iovOut(2), int],
    (task, fd, iov, count) => readVectors(task, readableFile(task, fd), readIoVectors(task, iov, count), undefined),
    { moves: "reads" },
  ),
  syscall(
    "writev",
    [fd, iovIn(2), int],
    (task, fd, iov, count) => writeVectors(task, writableFile(task, fd), readIoVectors(task, iov, count), undefined),
    { moves: "writes" },
  ),
  syscall(
    "preadv",
    [fd, iovOut(2), int, long],
    (task, fd, iov, count, position) => {
      checkPosition(position);
      return readVectors(task, readableFile(task, fd), readIoVectors(task, iov, count), position);
    },
    { moves: "reads" },
  ),
  syscall(
    "pwritev",
    [fd, iovIn(2), int, long],
    (task, fd, iov, count, position) => {
      checkPosition(position);
      return writeVectors(task, writableFile(task, fd), readIoVectors(task, iov, count), position);
    },
    { moves: "writes" },
  ),
  // The fifth argument is the high half of the position on 32-bit machines; ours is whole in the fourth.
  syscall(
    "preadv2",
    [fd, iovOut(2), int, long, hidden("i64"), rwfFlags],
    (task, fd, iov, count, position, _high, flags) => {
      if (position < -1) throw errno(EINVAL);
      const file = readableFile(task, fd);
      const vectors = readIoVectors(task, iov, count);
      if (total(vectors) === 0) return 0;
      checkRwFlags(file, flags);
      const at = position === -1 ? undefined : position;
      if ((flags & RWF_NOWAIT) === 0) return readVectors(task, file, vectors, at);
      return withFlags(file, O_NONBLOCK, 0, () => readVectors(task, file, vectors, at));
    },
    { moves: "reads" },
  ),
  syscall(
    "pwritev2",
    [fd, iovIn(2), int, long, hidden("i64"), rwfFlags],
    (task, fd, iov, count, position, _high, flags) => {
      if (position < -1) throw errno(EINVAL);
      const file = writableFile(task, fd);
      const vectors = readIoVectors(task, iov, count);
      if (total(vectors) === 0) return 0;
      checkRwFlags(file, flags);
      const at = position === -1 ? undefined : position;
      if (flags & RWF_NOAPPEND) return withFlags(file, 0, O_APPEND, () => writeVectors(task, file, vectors, at));
      if (flags & RWF_NOWAIT) return withFlags(file, O_NONBLOCK, 0, () => writeVectors(task, file, vectors, at));
      if ((flags & RWF_APPEND) === 0 || !(file instanceof RegularFile)) return writeVectors(task, file, vectors, at);
      const end = file.size;
      if (at === undefined) file.position = end;
      return writeVectors(task, file, vectors, at === undefined ? undefined : end);
    },
    { moves: "writes" },
  ),
  syscall("lseek", [fd, offset, whence], (task, fd, offset, whence) => {
    const file = task.files.get(fd);
    return whence > SEEK_HOLE ? -EINVAL : file.seek(offset, whence);
  }),
];
