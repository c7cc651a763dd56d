/** What files and file systems are: stat(2), statx(2), access(2), readlink(2), statfs(2). */
import { EACCES, EINVAL, ENOENT, EPERM, EROFS, errno } from "../abi/errno.ts";
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_NOFOLLOW,
} from "../abi/fcntl.ts";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../abi/stat.ts";
import {
  encodeStatfs,
  encodeStatx,
  STATFS_SIZE,
  STATX_RESERVED,
  STATX_SIZE,
  type StatLayout,
} from "../abi/stat-layout.ts";
import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RELATIME,
  ST_NOATIME,
  ST_NODEV,
  ST_NODIRATIME,
  ST_NOEXEC,
  ST_NOSUID,
  ST_NOSYMFOLLOW,
  ST_RDONLY,
  ST_RELATIME,
  ST_VALID,
} from "../abi/statfs.ts";
import type { Task } from "../proc/task.ts";
import { encodeBytes } from "../util/bytes.ts";
import { isImmutable } from "../vfs/file-flags.ts";
import type { Path } from "../vfs/path.ts";
import { allowed, MAY_EXEC, MAY_WRITE } from "../vfs/permission.ts";
import type { Attributes, Inode } from "../vfs/types.ts";
import { FOLLOW, lookup, type View } from "../vfs/walk.ts";
import { dirfd, fd, int, outBuffer, path } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { accessFlags, accessMode, atFlags } from "./file-args.ts";
import { statBuffer, statfsBuffer, statxBuffer, statxFlags, statxMask } from "./file-stat-args.ts";
import { lookupAt, placeOf, readPath, startOf } from "./file-util.ts";

export function statLayout(task: Task): StatLayout {
  return task.arch.layouts.stat;
}

/** With the ids that owners have in the caller's user namespace. */
function shown({ credentials }: Task, attributes: Attributes): Attributes {
  if (credentials.users === null) return attributes;
  const { uid, gid } = attributes;
  return { ...attributes, uid: credentials.shownUser(uid), gid: credentials.shownGroup(gid) };
}

function writeStat(task: Task, address: number, inode: Inode): number {
  if (inode.format === S_IFREG) task.kernel.pool.beforeRead(inode);
  const layout = statLayout(task);
  const { space } = task;
  space.demandWritable(address, layout.size);
  layout.encode(space.memory.view, address, shown(task, inode.attributes()));
  return 0;
}

function statAt(task: Task, dirfd: number, path: number, statbuf: number, flags: number): number {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) return -EINVAL;
  return writeStat(task, statbuf, lookupAt(task, dirfd, path, flags).inode);
}

function statx(task: Task, dirfd: number, path: number, flags: number, mask: number, buffer: number): number {
  if ((mask & STATX_RESERVED) !== 0) return -EINVAL;
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) return -EINVAL;
  if ((flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE) return -EINVAL;
  const place = lookupAt(task, dirfd, path, flags);
  if (place.inode.format === S_IFREG) task.kernel.pool.beforeRead(place.inode);
  encodeStatx(task.space.writable(buffer, STATX_SIZE), shown(task, place.inode.attributes()), {
    mountId: place.mount.id,
    mountRoot: place.dentry === place.mount.root,
    fileFlags: place.inode.fileFlags,
    mask,
  });
  return 0;
}

function access(task: Task, dirfd: number, address: number, mode: number, flags: number): number {
  if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  // By default the real ids count, also for the walk: access(2).
  const credentials = flags & AT_EACCESS ? task.credentials : task.credentials.asReal();
  const view: View = { credentials, fs: task.fs, task };
  const text = readPath(task, address);
  let place: Path;
  if (text === "" && flags & AT_EMPTY_PATH) place = lookupAt(task, dirfd, address, flags);
  else place = lookup(view, startOf(task, dirfd, text), text, flags & AT_SYMLINK_NOFOLLOW ? 0 : FOLLOW);
  if (mode === 0) return 0;
  const { inode, mount } = place;
  if (mode & MAY_EXEC && inode.format === S_IFREG && mount.flags & MS_NOEXEC) return -EACCES;
  if (mode & MAY_WRITE && isImmutable(inode)) return -EPERM;
  if (!allowed(inode, credentials, mode)) return -EACCES;
  // Devices and FIFOs may be written on a read-only file system.
  if (mode & MAY_WRITE && mount.readOnly && [S_IFREG, S_IFDIR, S_IFLNK].includes(inode.format)) return -EROFS;
  return 0;
}

function readlink(task: Task, dirfd: number, address: number, buffer: number, length: number): number {
  if (length <= 0) return -EINVAL;
  const text = readPath(task, address);
  let inode: Inode;
  if (text === "") {
    // The link that a descriptor made with O_PATH | O_NOFOLLOW stands for.
    if (dirfd === AT_FDCWD) throw errno(ENOENT);
    const file = task.files.getAny(dirfd);
    if (file.path === undefined || file.inode.format !== S_IFLNK) throw errno(ENOENT);
    inode = file.inode;
  } else inode = lookup(task, startOf(task, dirfd, text), text, 0).inode;
  if (inode.format !== S_IFLNK) return -EINVAL;
  const bytes = encodeBytes(inode.linkText?.(task) ?? inode.readlink());
  const n = Math.min(bytes.length, length);
  task.space.copyOut(buffer, bytes.subarray(0, n));
  return n;
}

const MOUNT_FLAGS: readonly (readonly [number, number])[] = [
  [MS_NOSUID, ST_NOSUID],
  [MS_NODEV, ST_NODEV],
  [MS_NOEXEC, ST_NOEXEC],
  [MS_NOATIME, ST_NOATIME],
  [MS_NODIRATIME, ST_NODIRATIME],
  [MS_RELATIME, ST_RELATIME],
  [MS_NOSYMFOLLOW, ST_NOSYMFOLLOW],
];

function writeStatfs(task: Task, place: Path, buffer: number): number {
  const { mount } = place;
  const s = mount.fs.statistics();
  let flags = ST_VALID | (mount.readOnly ? ST_RDONLY : 0);
  for (const [ms, st] of MOUNT_FLAGS) if (mount.flags & ms) flags |= st;
  encodeStatfs(task.space.writable(buffer, STATFS_SIZE), {
    type: s.type,
    bsize: s.blockSize,
    blocks: s.blocks,
    bfree: s.blocksFree,
    bavail: s.blocksFree,
    files: s.files,
    ffree: s.filesFree,
    fsid: [mount.fs.dev, 0],
    namelen: s.nameMax,
    frsize: s.blockSize,
    flags,
  });
  return 0;
}

export const fileStatCalls: readonly SyscallDefinition[] = [
  syscall("stat", [path, statBuffer], (task, path, buffer) => statAt(task, AT_FDCWD, path, buffer, 0)),
  syscall("lstat", [path, statBuffer], (task, path, buffer) =>
    statAt(task, AT_FDCWD, path, buffer, AT_SYMLINK_NOFOLLOW),
  ),
  syscall("fstat", [fd, statBuffer], (task, fd, buffer) => writeStat(task, buffer, task.files.getAny(fd).inode)),
  syscall("newfstatat", [dirfd, path, statBuffer, atFlags], statAt),
  syscall("statx", [dirfd, path, statxFlags, statxMask, statxBuffer], statx),
  syscall("access", [path, accessMode], (task, path, mode) => access(task, AT_FDCWD, path, mode, 0)),
  syscall("faccessat", [dirfd, path, accessMode], (task, dirfd, path, mode) => access(task, dirfd, path, mode, 0)),
  syscall("faccessat2", [dirfd, path, accessMode, accessFlags], access),
  syscall("readlink", [path, outBuffer(), int], (task, path, buffer, length) =>
    readlink(task, AT_FDCWD, path, buffer, length),
  ),
  syscall("readlinkat", [dirfd, path, outBuffer(), int], readlink),
  syscall("statfs", [path, statfsBuffer], (task, address, buffer) =>
    writeStatfs(task, lookup(task, undefined, readPath(task, address), FOLLOW), buffer),
  ),
  syscall("fstatfs", [fd, statfsBuffer], (task, fd, buffer) =>
    writeStatfs(task, placeOf(task, task.files.getAny(fd)), buffer),
  ),
];
