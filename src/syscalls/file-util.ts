/** What the file calls share: paths and descriptors of the caller, and blocking on a file. */
import { E2BIG, EAGAIN, EFAULT, EINTR, EINVAL, ENOENT, ENOTDIR, errno } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_NONBLOCK } from "../abi/fcntl.ts";
import { RLIMIT_NOFILE } from "../abi/resource.ts";
import { Socket } from "../net/socket.ts";
import type { Task } from "../proc/task.ts";
import { type BlockOptions, block } from "../proc/wait.ts";
import { release, retain } from "../vfs/file.ts";
import type { Path } from "../vfs/path.ts";
import type { File } from "../vfs/types.ts";
import { EMPTY, FOLLOW, lookup } from "../vfs/walk.ts";

/** Most bytes that one call moves (MAX_RW_COUNT). */
export const MAX_RW_COUNT = 0x7ffff000;

/** A path argument. EFAULT, ENAMETOOLONG. */
export function readPath(task: Task, address: number): string {
  return task.space.readCString(address);
}

/** Where a relative path starts: undefined is the working directory. The descriptor is looked at only if it matters. */
export function startOf(task: Task, dirfd: number, path: string): Path | undefined {
  if (dirfd === AT_FDCWD || path.charCodeAt(0) === 47) return undefined;
  const file = task.files.getAny(dirfd);
  if (file.path === undefined) throw errno(ENOTDIR);
  return file.path;
}

/** The place of an open file; one outside of the tree for a pipe or a socket. */
export function placeOf(task: Task, file: File): Path {
  return file.path ?? task.fs.mounts.place(file.inode, file.describe());
}

/**
 * What an *at call names by descriptor, path and AT_* flags: AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH count.
 * @param address of the path; with AT_EMPTY_PATH it may be NULL
 */
export function lookupAt(task: Task, dirfd: number, address: number, atFlags: number): Path {
  const path = address === 0 && atFlags & AT_EMPTY_PATH ? "" : readPath(task, address);
  if (path === "") {
    if ((atFlags & AT_EMPTY_PATH) === 0) throw errno(ENOENT);
    return dirfd === AT_FDCWD ? task.fs.cwd : placeOf(task, task.files.getAny(dirfd));
  }
  const follow = atFlags & AT_SYMLINK_NOFOLLOW ? 0 : FOLLOW;
  return lookup(task, startOf(task, dirfd, path), path, follow | (atFlags & AT_EMPTY_PATH ? EMPTY : 0));
}

export function fdLimit(task: Task): number {
  return task.limit(RLIMIT_NOFILE);
}

/** The owner that new inodes without a directory get. */
export function ownerOf(task: Task): { uid: number; gid: number } {
  return { uid: task.credentials.fsuid, gid: task.credentials.fsgid };
}

/** Is `result` the answer of a file that the caller has to wait for, unless it is O_NONBLOCK? */
export function mustWait(file: File, result: number): boolean {
  return result === -EAGAIN && (file.flags & O_NONBLOCK) === 0 && file.queue !== undefined;
}

/**
 * Waits on the queue of an open file and runs `attempt` until the answer is not -EAGAIN; one attempt has been made. The file
 * stays open while the call waits, whoever closes the descriptor.
 */
export function waitOnFile(task: Task, file: File, attempt: () => number): number | Promise<number> {
  retain(file);
  const timeout = file instanceof Socket ? file.receiveTimeout : Number.POSITIVE_INFINITY;
  return block(task, file.queue, attempt, { tried: true, done: () => release(file), ...timeLimit(task, timeout) });
}

/** SO_RCVTIMEO and SO_SNDTIMEO, in milliseconds, for a call that blocks: socket(7). */
export function timeLimit(task: Task, ms: number): BlockOptions {
  if (ms === Number.POSITIVE_INFINITY) return {};
  return { deadline: task.kernel.now() + ms * 1e6, timedOut: -EAGAIN, interrupted: -EINTR };
}

export interface IoVector {
  readonly address: number;
  readonly length: number;
}

/** IOV_MAX. */
const UIO_MAXIOV = 1024;

/** An array of struct iovec, cut off at MAX_RW_COUNT bytes in all. EINVAL for bad counts and lengths. */
export function readIoVectors(task: Task, address: number, count: number): IoVector[] {
  if (count > UIO_MAXIOV || count < 0) throw errno(EINVAL);
  const vectors: IoVector[] = [];
  let left = MAX_RW_COUNT;
  for (let i = 0; i < count; i++) {
    const base = task.space.readNumber64(address + i * 16);
    const length = task.space.readNumber64(address + i * 16 + 8);
    if (length >= 2 ** 63) throw errno(EINVAL);
    const taken = Math.min(length, left);
    if (taken > 0 && base + taken > 2 ** 47) throw errno(EFAULT);
    vectors.push({ address: base, length: taken });
    left -= taken;
  }
  return vectors;
}

/**
 * A structure that may be of another version than ours (copy_struct_from_user()): what it lacks is zero, and what we do not
 * know has to be (E2BIG).
 */
export function readVersioned(task: Task, address: number, size: number, known: number): DataView {
  const bytes = task.space.readable(address, size);
  if (bytes.subarray(known).some((byte) => byte !== 0)) throw errno(E2BIG);
  const copy = new Uint8Array(known);
  copy.set(bytes.subarray(0, known));
  return new DataView(copy.buffer);
}
