/** Calls that make, copy and close descriptors. */
import { E2BIG, EAGAIN, EBADF, EINVAL } from "../abi/errno.ts";
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  TMPFILE_BIT,
} from "../abi/fcntl.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { release, retain } from "../vfs/file.ts";
import { openAt } from "../vfs/open.ts";
import type { Path } from "../vfs/path.ts";
import { Pipe, PipeFile } from "../vfs/pipe.ts";
import type { File } from "../vfs/types.ts";
import { descriptorResult, dirfd, fd, flags as flagsArg, mode, path, ptr, size, uint } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { dupFlags, openFlags, openMode, pipeFlags } from "./file-args.ts";
import { respectLeases } from "./file-async.ts";
import { fdPair } from "./file-stat-args.ts";
import { fdLimit, ownerOf, readPath, startOf } from "./file-util.ts";

/** Flags that open(2) knows; others are ignored (and refused by openat2). */
const VALID_OPEN_FLAGS = 0o37777703 | 0o100000;
/** What may go with O_PATH; open(2) ignores the others. */
const PATH_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;
const OPEN_HOW_SIZE = 24;

export function open(task: Task, dirfd: number, address: number, flags: number, mode: number): SyscallResult {
  const resolve = 0;
  const path = readPath(task, address);
  // Before anything is made that a lack of descriptors would leave behind.
  task.files.checkRoom(1, fdLimit(task));
  const start = startOf(task, dirfd, path);
  return openFrom(task, start, path, flags & VALID_OPEN_FLAGS, mode, resolve);
}

function openFrom(
  task: Task,
  start: Path | undefined,
  path: string,
  flags: number,
  mode: number,
  resolve: number,
): SyscallResult {
  return respectLeases(task, (flags & O_NONBLOCK) !== 0, () => {
    const file = openAt(task, start, path, flags, mode, resolve);
    const closeOnExec = (flags & O_CLOEXEC) !== 0;
    if (file instanceof PipeFile && !file.ready()) return openWhenReady(task, file, closeOnExec);
    return task.files.add(file, closeOnExec, fdLimit(task));
  });
}

/** A FIFO's open waits for the other side; a signal gives it up. */
async function openWhenReady(task: Task, file: PipeFile, closeOnExec: boolean): Promise<number> {
  retain(file);
  try {
    const result = await block(task, file.queue, () => (file.ready() ? 0 : -EAGAIN));
    return result < 0 ? result : task.files.add(file, closeOnExec, fdLimit(task));
  } finally {
    release(file);
  }
}

function openat2(task: Task, dirfd: number, address: number, how: number, length: number): SyscallResult {
  if (length < OPEN_HOW_SIZE) return -EINVAL;
  const { space } = task;
  for (let at = OPEN_HOW_SIZE; at < length; at++) if (space.readU8(how + at) !== 0) return -E2BIG;
  const flags = space.readNumber64(how);
  const mode = space.readNumber64(how + 8);
  const resolve = space.readNumber64(how + 16);
  if (flags > 0xffffffff || (flags & ~VALID_OPEN_FLAGS) !== 0 || mode > 0o7777 || resolve > 0x3f) return -EINVAL;
  if (resolve & RESOLVE_BENEATH && resolve & RESOLVE_IN_ROOT) return -EINVAL;
  if (mode !== 0 && (flags & (O_CREAT | TMPFILE_BIT)) === 0) return -EINVAL;
  if (flags & O_PATH && (flags & ~PATH_FLAGS) !== 0) return -EINVAL;
  // All is as good as cached; only what would change something is to be asked for without the flag.
  if (resolve & RESOLVE_CACHED && flags & (O_CREAT | O_TRUNC | TMPFILE_BIT)) return -EAGAIN;
  const path = readPath(task, address);
  // With RESOLVE_IN_ROOT an absolute path starts at the directory too.
  const relative = resolve & RESOLVE_IN_ROOT ? "." : path;
  const start = startOf(task, dirfd, relative);
  task.files.checkRoom(1, fdLimit(task));
  return openFrom(task, start, path, flags, mode, resolve);
}

function pipe(task: Task, address: number, flags: number): number {
  if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) return -EINVAL;
  const limit = fdLimit(task);
  task.files.checkRoom(2, limit);
  task.space.writable(address, 8);
  const inode = task.fs.mounts.special.pipeInode(ownerOf(task));
  const shared = new Pipe();
  task.fs.mounts.special.setPipe(inode, shared);
  const kept = flags & (O_NONBLOCK | O_DIRECT);
  const reader: File = new PipeFile(shared, inode, O_RDONLY | kept, undefined);
  const writer: File = new PipeFile(shared, inode, O_WRONLY | kept, undefined);
  const closeOnExec = (flags & O_CLOEXEC) !== 0;
  task.space.writeU32(address, task.files.add(reader, closeOnExec, limit));
  task.space.writeU32(address + 4, task.files.add(writer, closeOnExec, limit));
  return 0;
}

function dup3(task: Task, from: number, to: number, closeOnExec: boolean): number {
  const limit = fdLimit(task);
  if (to < 0 || to >= limit) return -EBADF;
  task.files.set(to, task.files.getAny(from), closeOnExec, limit, task.process);
  return to;
}

function closeRange(task: Task, first: number, last: number, flags: number): number {
  if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last) return -EINVAL;
  if (flags & CLOSE_RANGE_UNSHARE && task.files.references > 1) {
    const shared = task.files;
    task.files = shared.clone();
    shared.references--;
  }
  task.files.closeRange(first, last, task.process, (flags & CLOSE_RANGE_CLOEXEC) !== 0);
  return 0;
}

const closeRangeFlags = flagsArg(
  [
    [CLOSE_RANGE_UNSHARE, "CLOSE_RANGE_UNSHARE"],
    [CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC"],
  ],
  "0",
  "CLOSE_RANGE_???",
);

export const fileOpenCalls: readonly SyscallDefinition[] = [
  syscall(
    "open",
    [path, openFlags, openMode(1)],
    (task, path, flags, mode) => open(task, AT_FDCWD, path, flags, mode),
    descriptorResult,
  ),
  syscall("openat", [dirfd, path, openFlags, openMode(2)], open, descriptorResult),
  syscall("openat2", [dirfd, path, ptr, size], openat2, descriptorResult),
  syscall(
    "creat",
    [path, mode],
    (task, path, mode) => open(task, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode),
    descriptorResult,
  ),
  syscall("close", [fd], (task, fd) => {
    task.files.close(fd, task.process);
    return 0;
  }),
  syscall("close_range", [uint, uint, closeRangeFlags], closeRange),
  syscall("dup", [fd], (task, fd) => task.files.add(task.files.getAny(fd), false, fdLimit(task)), descriptorResult),
  syscall(
    "dup2",
    [fd, fd],
    (task, from, to) => {
      if (from !== to) return dup3(task, from, to, false);
      task.files.getAny(from);
      return from;
    },
    descriptorResult,
  ),
  syscall(
    "dup3",
    [fd, fd, dupFlags],
    (task, from, to, flags) =>
      from === to || flags & ~O_CLOEXEC ? -EINVAL : dup3(task, from, to, (flags & O_CLOEXEC) !== 0),
    descriptorResult,
  ),
  syscall("pipe", [fdPair], (task, fds) => pipe(task, fds, 0)),
  syscall("pipe2", [fdPair, pipeFlags], pipe),
];
