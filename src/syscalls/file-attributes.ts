/** Modes, owners, times and sizes of files. */
import { EACCES, EBADF, EFBIG, EINVAL, ENODEV, EOPNOTSUPP, EPERM, ESPIPE, errno } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../abi/fcntl.ts";
import { IN_MODIFY } from "../abi/inotify.ts";
import { FS_TRUNCATE } from "../abi/landlock.ts";
import { RLIMIT_FSIZE } from "../abi/resource.ts";
import { SIGXFSZ } from "../abi/signal.ts";
import { S_IFDIR, S_IFIFO, S_IFREG } from "../abi/stat.ts";
import type { Task } from "../proc/task.ts";
import { changeMode, changeOwner, changeTimes, type NewTime, truncateInode, truncatePath } from "../vfs/attributes.ts";
import { isWritable } from "../vfs/file.ts";
import { isAppendOnly, isImmutable } from "../vfs/file-flags.ts";
import { now } from "../vfs/inode.ts";
import { notifyFile } from "../vfs/notify.ts";
import type { Path } from "../vfs/path.ts";
import { SecretFile } from "../vfs/secret.ts";
import { FOLLOW, lookup } from "../vfs/walk.ts";
import { dirfd, fd, flags, mode, offset, path, ptr } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { atFlags, length, owner, timesArg } from "./file-args.ts";
import { respectLeases } from "./file-async.ts";
import { lookupAt, placeOf, readPath } from "./file-util.ts";

const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const FALLOC_FL_COLLAPSE_RANGE = 8;
const FALLOC_FL_ZERO_RANGE = 16;
const FALLOC_FL_INSERT_RANGE = 32;
const FALLOC_FL_UNSHARE_RANGE = 64;
/** What is done; besides keeping the size, one at a time. */
const FALLOC_MODES: ReadonlySet<number> = new Set([
  0,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_UNSHARE_RANGE,
]);

function chmod(task: Task, dirfd: number, address: number, mode: number, atFlags: number): number {
  if (atFlags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  changeMode(lookupAt(task, dirfd, address, atFlags), mode, task.credentials);
  return 0;
}

/** As the kernel has the ids; -1 stays. */
function ownerOf({ credentials }: Task, uid: number, gid: number): { uid: number; gid: number } {
  const user = uid === -1 ? uid : credentials.toUser(uid >>> 0);
  const group = gid === -1 ? gid : credentials.toGroup(gid >>> 0);
  if (user === undefined || group === undefined) throw errno(EINVAL);
  return { uid: user, gid: group };
}

function chown(task: Task, dirfd: number, address: number, uid: number, gid: number, atFlags: number): number {
  if (atFlags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  const owner = ownerOf(task, uid, gid);
  changeOwner(lookupAt(task, dirfd, address, atFlags), owner.uid, owner.gid, task.credentials);
  return 0;
}

/** One of the two times at `address`, with microseconds or nanoseconds. */
function readTime(task: Task, address: number, microseconds: boolean): NewTime {
  const sec = task.space.readSigned64(address);
  const fraction = task.space.readSigned64(address + 8);
  if (microseconds) {
    if (fraction < 0 || fraction >= 1e6) throw errno(EINVAL);
    return { sec, nsec: fraction * 1000 };
  }
  if (fraction === UTIME_NOW) return "now";
  if (fraction === UTIME_OMIT) return undefined;
  if (fraction < 0 || fraction >= 1e9) throw errno(EINVAL);
  return { sec, nsec: fraction };
}

function setTimes(task: Task, place: Path, atime: NewTime, mtime: NewTime): number {
  changeTimes(place, atime, mtime, () => now(task.kernel.host.clock), task.credentials);
  return 0;
}

function utimensat(task: Task, dirfd: number, address: number, times: number, atFlags: number): number {
  const atime = times === 0 ? "now" : readTime(task, times, false);
  const mtime = times === 0 ? "now" : readTime(task, times + 16, false);
  // Nothing to do, and so nothing looked at: utimensat(2), NOTES.
  if (atime === undefined && mtime === undefined) return 0;
  if (atFlags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  // Without a path the descriptor is meant, and no flags: futimens(3).
  const byFd = address === 0 && dirfd !== AT_FDCWD;
  if (byFd && atFlags !== 0) return -EINVAL;
  const place = byFd ? placeOf(task, task.files.get(dirfd)) : lookupAt(task, dirfd, address, atFlags);
  return setTimes(task, place, atime, mtime);
}

function futimesat(task: Task, dirfd: number, address: number, times: number): number {
  const atime = times === 0 ? "now" : readTime(task, times, true);
  const mtime = times === 0 ? "now" : readTime(task, times + 16, true);
  const place =
    address === 0 && dirfd !== AT_FDCWD ? placeOf(task, task.files.get(dirfd)) : lookupAt(task, dirfd, address, 0);
  return setTimes(task, place, atime, mtime);
}

function utime(task: Task, address: number, times: number): number {
  const place = lookupAt(task, AT_FDCWD, address, 0);
  if (times === 0) return setTimes(task, place, "now", "now");
  const atime = { sec: task.space.readSigned64(times), nsec: 0 };
  const mtime = { sec: task.space.readSigned64(times + 8), nsec: 0 };
  return setTimes(task, place, atime, mtime);
}

/** Growing a file beyond RLIMIT_FSIZE. */
function checkLimit(task: Task, size: number): void {
  if (size <= task.limit(RLIMIT_FSIZE)) return;
  task.raise(SIGXFSZ);
  throw errno(EFBIG);
}

function truncate(task: Task, address: number, size: number): SyscallResult {
  return size < 0 ? -EINVAL : respectLeases(task, false, () => truncateNow(task, address, size));
}

function truncateNow(task: Task, address: number, size: number): number {
  const place = lookup(task, undefined, readPath(task, address), FOLLOW);
  const { pool } = task.kernel;
  if (place.inode.format === S_IFREG) {
    checkLimit(task, size);
    pool.beforeWrite(place.inode);
  }
  truncatePath(place, size, task.credentials);
  pool.afterTruncate(place.inode);
  return 0;
}

function ftruncate(task: Task, fd: number, size: number): number {
  if (size < 0) return -EINVAL;
  const file = task.files.get(fd);
  const { inode } = file;
  if (inode.format !== S_IFREG || !isWritable(file)) return -EINVAL;
  if (((file.denied ?? 0) & FS_TRUNCATE) !== 0) return -EACCES;
  // A secret has its size once and for all.
  if (file instanceof SecretFile && inode.attributes().size > 0) return -EINVAL;
  checkLimit(task, size);
  const { pool } = task.kernel;
  pool.beforeWrite(inode);
  truncateInode(inode, size, task.credentials, file.path);
  pool.afterTruncate(inode);
  return 0;
}

function fallocate(task: Task, fd: number, mode: number, offset: number, length: number): number {
  const file = task.files.get(fd);
  const { inode } = file;
  if (offset < 0 || length <= 0) return -EINVAL;
  const action = mode & ~FALLOC_FL_KEEP_SIZE;
  if (!FALLOC_MODES.has(action)) return -EOPNOTSUPP;
  const keep = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
  if (keep ? action & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE) : action & FALLOC_FL_PUNCH_HOLE)
    return -EOPNOTSUPP;
  if (!isWritable(file)) return -EBADF;
  if ((action !== 0 && isAppendOnly(inode)) || isImmutable(inode)) return -EPERM;
  if (inode.format === S_IFIFO) return -ESPIPE;
  if (inode.format !== S_IFREG && inode.format !== S_IFDIR) return -ENODEV;
  if (inode.allocate === undefined || file instanceof SecretFile) return -EOPNOTSUPP;
  if (offset + length > Number.MAX_SAFE_INTEGER) return -EFBIG;
  if ((mode & FALLOC_FL_KEEP_SIZE) === 0) checkLimit(task, offset + length);
  const { pool } = task.kernel;
  pool.beforeWrite(inode);
  inode.allocate(mode, offset, length);
  pool.afterTruncate(inode);
  notifyFile(inode, file.path, IN_MODIFY);
  return 0;
}

const fallocateMode = flags([
  [FALLOC_FL_KEEP_SIZE, "FALLOC_FL_KEEP_SIZE"],
  [FALLOC_FL_PUNCH_HOLE, "FALLOC_FL_PUNCH_HOLE"],
  [FALLOC_FL_ZERO_RANGE, "FALLOC_FL_ZERO_RANGE"],
]);

export const fileAttributeCalls: readonly SyscallDefinition[] = [
  syscall("chmod", [path, mode], (task, path, mode) => chmod(task, AT_FDCWD, path, mode, 0)),
  syscall("fchmod", [fd, mode], (task, fd, mode) => {
    changeMode(placeOf(task, task.files.get(fd)), mode, task.credentials);
    return 0;
  }),
  syscall("fchmodat", [dirfd, path, mode], (task, dirfd, path, mode) => chmod(task, dirfd, path, mode, 0)),
  syscall("fchmodat2", [dirfd, path, mode, atFlags], chmod),
  syscall("chown", [path, owner, owner], (task, path, uid, gid) => chown(task, AT_FDCWD, path, uid, gid, 0)),
  syscall("lchown", [path, owner, owner], (task, path, uid, gid) =>
    chown(task, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW),
  ),
  syscall("fchown", [fd, owner, owner], (task, fd, uid, gid) => {
    const file = task.files.get(fd);
    const owner = ownerOf(task, uid, gid);
    changeOwner(placeOf(task, file), owner.uid, owner.gid, task.credentials);
    return 0;
  }),
  syscall("fchownat", [dirfd, path, owner, owner, atFlags], chown),
  syscall("utime", [path, ptr], utime),
  syscall("utimes", [path, timesArg("usec")], (task, path, times) => futimesat(task, AT_FDCWD, path, times)),
  syscall("futimesat", [dirfd, path, timesArg("usec")], futimesat),
  syscall("utimensat", [dirfd, path, timesArg("nsec"), atFlags], utimensat),
  syscall("truncate", [path, length], truncate),
  syscall("ftruncate", [fd, length], ftruncate),
  syscall("fallocate", [fd, fallocateMode, offset, offset], fallocate),
];
