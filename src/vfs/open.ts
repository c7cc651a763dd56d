/** open(2): path_openat() of Linux, with its order of checks. */
import { CAP_FSETID } from "../abi/capability.ts";
import {
  EACCES,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  EROFS,
  errno,
} from "../abi/errno.ts";
import {
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  TMPFILE_BIT,
} from "../abi/fcntl.ts";
import { IN_CREATE, IN_MODIFY, IN_OPEN } from "../abi/inotify.ts";
import { FS_IOCTL_DEV, FS_READ_DIR, FS_READ_FILE, FS_TRUNCATE, FS_WRITE_FILE } from "../abi/landlock.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from "../abi/stat.ts";
import { MS_NODEV } from "../abi/statfs.ts";
import { DirectoryFile, PathFile, RegularFile } from "./file.ts";
import { checkMutable, isAppendOnly } from "./file-flags.ts";
import { breakLeases } from "./lease.ts";
import { newOwner } from "./namespace.ts";
import { notifyEntry, notifyFile } from "./notify.ts";
import { Path } from "./path.ts";
import { allowed, checkNotExecuted, checkPermission, isOwner, MAY_EXEC, MAY_READ, MAY_WRITE } from "./permission.ts";
import { openFifo } from "./pipe.ts";
import type { File } from "./types.ts";
import { DIRECTORY, FOLLOW, finish, LAST_DOTDOT, LAST_NORMAL, type View, Walker } from "./walk.ts";

/** What is forgotten of open's flags once the file is open. */
const TRANSIENT = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;

/**
 * Opens `path`, and makes the file if O_CREAT says so.
 *
 * A FIFO may have to wait for its other side: then the file is a PipeFile whose `ready()` is false as yet.
 * @param start where a relative path begins; undefined is the working directory
 * @param mode of a new file, from which the umask is taken
 * @param resolve RESOLVE_* of openat2(2)
 */
export function openAt(
  view: View,
  start: Path | undefined,
  path: string,
  flags: number,
  mode: number,
  resolve = 0,
): File {
  if (flags & O_PATH) return openPlace(view, start, path, flags, resolve);
  if (flags & TMPFILE_BIT) {
    if ((flags & O_DIRECTORY) === 0 || (flags & O_ACCMODE) === O_RDONLY || flags & O_CREAT) throw errno(EINVAL);
    return openTemporary(view, start, path, flags, mode, resolve);
  }
  if ((flags & (O_CREAT | O_DIRECTORY)) === (O_CREAT | O_DIRECTORY)) throw errno(EINVAL);

  const create = (flags & O_CREAT) !== 0;
  const follow = (flags & O_NOFOLLOW) === 0 && !(create && flags & O_EXCL);
  const walker = new Walker(view, start, resolve);
  walker.begin(path);
  for (;;) {
    if (walker.lastType === LAST_DOTDOT) walker.up();
    if (walker.lastType !== LAST_NORMAL) break;
    if (create && walker.trailing) throw errno(EISDIR);
    const child = walker.child(walker.last);
    if (child === undefined) {
      if (!create) throw errno(ENOENT);
      return createFile(walker, flags, mode);
    }
    if (child.inode.format === S_IFLNK && (follow || walker.trailing)) {
      walker.followLast(child);
      continue;
    }
    walker.enter(child);
    break;
  }
  const place = walker.path;
  if (create) {
    if (flags & O_EXCL) throw errno(EEXIST);
    if (place.dentry.isDirectory) throw errno(EISDIR);
  }
  if ((flags & O_DIRECTORY || walker.trailing) && !place.dentry.isDirectory) throw errno(ENOTDIR);
  return openExisting(view, place, flags);
}

function openPlace(view: View, start: Path | undefined, path: string, flags: number, resolve: number): File {
  const walker = new Walker(view, start, resolve);
  walker.begin(path);
  const place = finish(walker, (flags & O_NOFOLLOW ? 0 : FOLLOW) | (flags & O_DIRECTORY ? DIRECTORY : 0));
  return new PathFile(place.inode, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW), place);
}

function createFile(walker: Walker, flags: number, mode: number): File {
  const { view, dentry, mount, last } = walker;
  if (mount.readOnly) throw errno(EROFS);
  if (dentry.deleted) throw errno(ENOENT);
  view.credentials.sandbox?.checkMake(walker.path, S_IFREG);
  checkMutable(dentry.inode);
  if (!allowed(dentry.inode, view.credentials, MAY_WRITE | MAY_EXEC)) throw errno(EACCES);
  const bits = S_IFREG | (mode & 0o7777 & ~view.fs.umask);
  const { owner, mode: finalMode } = newOwner(dentry.inode, bits, view.credentials);
  const inode = dentry.inode.create(last, finalMode, owner);
  const place = new Path(mount, dentry.attach(last, inode));
  notifyEntry(dentry.inode, last, inode, IN_CREATE);
  // The one who makes a file may open it whatever its mode.
  const file = fileOf(view, place, flags & ~TRANSIENT);
  file.created = true;
  notifyFile(inode, place, IN_OPEN);
  return file;
}

function openTemporary(
  view: View,
  start: Path | undefined,
  path: string,
  flags: number,
  mode: number,
  resolve: number,
): File {
  const walker = new Walker(view, start, resolve);
  walker.begin(path);
  const place = finish(walker, (flags & O_NOFOLLOW ? 0 : FOLLOW) | DIRECTORY);
  checkPermission(place, view.credentials, MAY_WRITE | MAY_EXEC);
  const directory = place.inode;
  if (directory.createTemporary === undefined) throw errno(EOPNOTSUPP);
  const bits = S_IFREG | (mode & 0o7777 & ~view.fs.umask);
  const { owner, mode: finalMode } = newOwner(directory, bits, view.credentials);
  const inode = directory.createTemporary(finalMode, owner);
  const dentry = place.dentry.temporary(`#${inode.ino}`, inode, (flags & O_EXCL) === 0);
  return fileOf(view, new Path(place.mount, dentry), flags & ~TRANSIENT);
}

/** Opens what a path has led to: may_open() and what follows. Also for /proc/self/fd and name_to_handle. */
export function openExisting(view: View, place: Path, flags: number): File {
  const { inode } = place;
  const { credentials } = view;
  let truncate = (flags & O_TRUNC) !== 0;
  let mask = accessMask(flags);
  switch (inode.format) {
    case S_IFLNK:
      throw errno(ELOOP);
    case S_IFDIR:
      if (mask & MAY_WRITE) throw errno(EISDIR);
      break;
    case S_IFBLK:
    case S_IFCHR:
      if (place.mount.flags & MS_NODEV) throw errno(EACCES);
      truncate = false;
      break;
    case S_IFIFO:
    case S_IFSOCK:
      truncate = false;
      break;
    default:
      if (truncate) mask |= MAY_WRITE;
  }
  checkPermission(place, credentials, mask);
  if (isAppendOnly(inode) && ((mask & MAY_WRITE && !(flags & O_APPEND)) || flags & O_TRUNC)) throw errno(EPERM);
  if (mask & MAY_WRITE) checkNotExecuted(inode);
  if (flags & O_NOATIME && !isOwner(inode.attributes(), credentials)) throw errno(EPERM);
  if (inode.format === S_IFREG) breakLeases(inode, (mask & MAY_WRITE) !== 0);
  // A terminal needs to know of O_NOCTTY while it is opened.
  const file = fileOf(view, place, flags & ~(TRANSIENT & ~O_NOCTTY));
  file.flags &= ~O_NOCTTY;
  if (truncate) {
    credentials.sandbox?.check(place, FS_TRUNCATE);
    if (!credentials.capable(CAP_FSETID)) inode.dropPrivileges?.(credentials);
    inode.setAttributes({ size: 0 });
  }
  notifyFile(inode, place, IN_OPEN);
  if (truncate) notifyFile(inode, place, IN_MODIFY);
  return file;
}

/** MAY_READ and MAY_WRITE as the access mode says; with O_TRUNC one may write. */
function accessMask(flags: number): number {
  const access = flags & O_ACCMODE;
  const mask = access === O_RDONLY ? MAY_READ : access === O_WRONLY ? MAY_WRITE : MAY_READ | MAY_WRITE;
  return flags & O_TRUNC ? mask | MAY_WRITE : mask;
}

function fileOf(view: View, place: Path, flags: number): File {
  const { sandbox } = view.credentials;
  if (sandbox === null || sandbox === undefined) return makeFile(view, place, flags);
  sandbox.check(place, neededAccess(place, flags));
  const file = makeFile(view, place, flags);
  file.denied = sandbox.denies(place, FS_TRUNCATE | FS_IOCTL_DEV);
  return file;
}

/** What a sandbox has to allow: get_required_file_open_access() */
function neededAccess({ dentry }: Path, flags: number): number {
  const access = flags & O_ACCMODE;
  const reads = access === O_RDONLY || access === O_RDWR;
  if (reads && dentry.isDirectory) return FS_READ_DIR;
  return (reads ? FS_READ_FILE : 0) | (access === O_WRONLY || access === O_RDWR ? FS_WRITE_FILE : 0);
}

function makeFile(view: View, place: Path, openFlags: number): File {
  const { inode } = place;
  const flags = openFlags | O_LARGEFILE;
  if (inode.open !== undefined) return inode.open(flags, view, place);
  switch (inode.format) {
    case S_IFREG:
      return new RegularFile(inode, flags, place);
    case S_IFDIR:
      return new DirectoryFile(inode, flags, place);
    case S_IFIFO:
      return openFifo(view.fs.mounts.special.pipeOf(inode), inode, flags, place.mount.pseudo ? undefined : place);
    case S_IFCHR:
    case S_IFBLK:
      return view.fs.mounts.special.openDevice(inode, flags, view, place);
    default:
      throw errno(ENXIO);
  }
}
