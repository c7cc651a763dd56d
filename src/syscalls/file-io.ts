/** Reading and writing: read(2), write(2), their vectored and positioned forms, lseek(2). */
import { CAP_FSETID } from "../abi/capability.ts";
import { EAGAIN, EBADF, EFAULT, EFBIG, EINVAL, EOPNOTSUPP, EPIPE, ERESTARTSYS, errno } from "../abi/errno.ts";
import { O_APPEND, O_NONBLOCK } from "../abi/fcntl.ts";
import { RLIMIT_FSIZE } from "../abi/resource.ts";
import { SIGPIPE, SIGXFSZ } from "../abi/signal.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { isReadable, isWritable, RegularFile, release, retain } from "../vfs/file.ts";
import type { File } from "../vfs/types.ts";
import { fd, inBuffer, int, long, offset, outBuffer, size } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { iovIn, iovOut, rwfFlags, whence } from "./file-args.ts";
import { type IoVector, MAX_RW_COUNT, mustWait, readIoVectors, waitOnFile } from "./file-util.ts";
import { hidden } from "./struct-args.ts";

const RWF_HIPRI = 1;
const RWF_DSYNC = 2;
const RWF_SYNC = 4;
const RWF_NOWAIT = 8;
const RWF_APPEND = 16;

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
function checkCount(address: number, count: number): number {
  if (count >= 2 ** 47 || (count > 0 && address + count > 2 ** 47)) throw errno(count >= 2 ** 63 ? EINVAL : EFAULT);
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
  const wanted = checkCount(address, length);
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
  const into = task.space.writablePrefix(address, count);
  return position === undefined ? file.read(into) : file.pread(into, position);
}

export function writeFrom(
  task: Task,
  file: File,
  address: number,
  length: number,
  position: number | undefined,
): SyscallResult {
  const count = checkCount(address, length);
  if (file instanceof RegularFile) return writeRegular(task, file, task.space.readablePrefix(address, count), position);
  const refused = file.admit?.(task, "write") ?? 0;
  if (refused !== 0) return refused;
  const from = task.space.readablePrefix(address, count);
  const n = writeStream(task, file, from, position);
  // A bad pointer half way ends the write there; what lies before it has been written.
  if (isComplete(file, n, from.length)) return n;
  return writeRest(task, file, () => task.space.readablePrefix(address, count), n, position);
}

/** To a regular file: RLIMIT_FSIZE, privileges of the file, and mappings of it. */
export function writeRegular(task: Task, file: RegularFile, from: Uint8Array, position: number | undefined): number {
  const at = file.flags & O_APPEND ? file.size : (position ?? file.position);
  let bytes = from;
  const limit = task.limit(RLIMIT_FSIZE);
  if (at + bytes.length > limit && bytes.length > 0) {
    if (at >= limit) {
      task.raise(SIGXFSZ);
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
  return block(task, file.queue, attempt, {
    tried: true,
    done: () => release(file),
    interrupted: () => (written > 0 ? written : -ERESTARTSYS),
  });
}

// Vectored: a regular file takes part by part, anything else one piece, since a pipe or a datagram socket makes a difference.

function total(vectors: readonly IoVector[]): number {
  let n = 0;
  for (const { length } of vectors) n += length;
  return n;
}

function readVectors(
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

function writeVectors(
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
  const buffer = gather(task, vectors);
  const n = writeStream(task, file, buffer, position);
  return isComplete(file, n, buffer.length) ? n : writeRest(task, file, () => buffer, n, position);
}

/** The bytes of all vectors up to the first that cannot be read. */
function gather(task: Task, vectors: readonly IoVector[]): Uint8Array {
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
function checkRwFlags(flags: number): void {
  if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)) throw errno(EOPNOTSUPP);
}

function checkPosition(position: number): void {
  if (position < 0) throw errno(EINVAL);
}

export const fileIoCalls: readonly SyscallDefinition[] = [
  syscall("read", [fd, outBuffer(), size], (task, fd, address, count) =>
    readInto(task, readableFile(task, fd), address, count, undefined),
  ),
  syscall("write", [fd, inBuffer(2), size], (task, fd, address, count) =>
    writeFrom(task, writableFile(task, fd), address, count, undefined),
  ),
  syscall("pread64", [fd, outBuffer(), size, offset], (task, fd, address, count, position) => {
    checkPosition(position);
    const file = readableFile(task, fd);
    return readInto(task, file, address, count, position);
  }),
  syscall("pwrite64", [fd, inBuffer(2), size, offset], (task, fd, address, count, position) => {
    checkPosition(position);
    const file = writableFile(task, fd);
    return writeFrom(task, file, address, count, position);
  }),
  syscall("readv", [fd, iovOut(2), int], (task, fd, iov, count) =>
    readVectors(task, readableFile(task, fd), readIoVectors(task, iov, count), undefined),
  ),
  syscall("writev", [fd, iovIn(2), int], (task, fd, iov, count) =>
    writeVectors(task, writableFile(task, fd), readIoVectors(task, iov, count), undefined),
  ),
  syscall("preadv", [fd, iovOut(2), int, long], (task, fd, iov, count, position) => {
    checkPosition(position);
    return readVectors(task, readableFile(task, fd), readIoVectors(task, iov, count), position);
  }),
  syscall("pwritev", [fd, iovIn(2), int, long], (task, fd, iov, count, position) => {
    checkPosition(position);
    return writeVectors(task, writableFile(task, fd), readIoVectors(task, iov, count), position);
  }),
  // The fifth argument is the high half of the position on 32-bit machines; ours is whole in the fourth.
  syscall(
    "preadv2",
    [fd, iovOut(2), int, long, hidden("i64"), rwfFlags],
    (task, fd, iov, count, position, _high, flags) => {
      checkRwFlags(flags);
      if (position < -1) throw errno(EINVAL);
      const file = readableFile(task, fd);
      return readVectors(task, file, readIoVectors(task, iov, count), position === -1 ? undefined : position);
    },
  ),
  syscall(
    "pwritev2",
    [fd, iovIn(2), int, long, hidden("i64"), rwfFlags],
    (task, fd, iov, count, position, _high, flags) => {
      checkRwFlags(flags);
      if (position < -1) throw errno(EINVAL);
      const file = writableFile(task, fd);
      const vectors = readIoVectors(task, iov, count);
      const at = position === -1 ? undefined : position;
      if ((flags & RWF_APPEND) === 0) return writeVectors(task, file, vectors, at);
      if (!(file instanceof RegularFile)) throw errno(EOPNOTSUPP);
      const end = file.size;
      if (at === undefined) file.position = end;
      return writeVectors(task, file, vectors, at === undefined ? undefined : end);
    },
  ),
  syscall("lseek", [fd, offset, whence], (task, fd, offset, whence) => task.files.get(fd).seek(offset, whence)),
];
