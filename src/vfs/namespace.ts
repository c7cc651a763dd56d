/** Calls that change names: mkdir, mknod, symlink, link, unlink, rmdir, rename; after fs/namei.c, errors in its order. */
import { CAP_FOWNER, CAP_FSETID, CAP_MKNOD } from "../abi/capability.ts";
import {
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
  errno,
} from "../abi/errno.ts";
import { PATH_MAX, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from "../abi/fcntl.ts";
import { IN_ATTRIB, IN_CREATE, IN_DELETE } from "../abi/inotify.ts";
import { FS_REMOVE_DIR, FS_REMOVE_FILE } from "../abi/landlock.ts";
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
  S_IXGRP,
} from "../abi/stat.ts";
import { checkFree, checkMutable } from "./file-flags.ts";
import type { Owner } from "./inode.ts";
import { notify, notifyEntry, notifyGone, notifyMove } from "./notify.ts";
import { Dentry, type Path } from "./path.ts";
import { allowed, checkDelete, inGroup, isOwner, MAY_EXEC, MAY_READ, MAY_WRITE } from "./permission.ts";
import type { Credentials, Inode } from "./types.ts";
import { byteLength, LAST_DOT, LAST_DOTDOT, LAST_NORMAL, type View, Walker } from "./walk.ts";

/** Owner and mode of a new inode: inode_init_owner(), with the group of a set-group-ID directory. */
export function newOwner(directory: Inode, mode: number, credentials: Credentials): { owner: Owner; mode: number } {
  const owner = { uid: credentials.fsuid, gid: credentials.fsgid };
  const parent = directory.attributes();
  if ((parent.mode & S_ISGID) === 0) return { owner, mode };
  owner.gid = parent.gid;
  if ((mode & S_IFMT) === S_IFDIR) return { owner, mode: mode | S_ISGID };
  const group = S_ISGID | S_IXGRP;
  if ((mode & group) === group && !inGroup(credentials, owner.gid) && !credentials.capable(CAP_FSETID)) {
    return { owner, mode: mode & ~S_ISGID };
  }
  return { owner, mode };
}

/** filename_create() and may_create(): the walker is at the directory, and `last` is free to be made. */
function walkToCreate(view: View, start: Path | undefined, path: string, directory: boolean): Walker {
  const walker = new Walker(view, start);
  walker.begin(path);
  if (walker.lastType !== LAST_NORMAL) throw errno(EEXIST);
  if (walker.child(walker.last) !== undefined) throw errno(EEXIST);
  if (walker.trailing && !directory) throw errno(ENOENT);
  if (walker.mount.readOnly) throw errno(EROFS);
  return walker;
}

/** @param mode with the type of what is to be made */
function checkCreate(walker: Walker, mode: number): void {
  if (walker.dentry.deleted) throw errno(ENOENT);
  walker.view.credentials.sandbox?.checkMake(walker.path, mode);
  checkWritable(walker);
}

function checkWritable(walker: Walker): void {
  checkMutable(walker.dentry.inode);
  if (!allowed(walker.dentry.inode, walker.view.credentials, MAY_WRITE | MAY_EXEC)) throw errno(EACCES);
}

/** @param mode permission bits; the umask is taken off here */
export function mkdirAt(view: View, start: Path | undefined, path: string, mode: number): void {
  const walker = walkToCreate(view, start, path, true);
  checkCreate(walker, S_IFDIR);
  const bits = S_IFDIR | (mode & (0o777 | S_ISVTX) & ~view.fs.umask);
  const made = newOwner(walker.dentry.inode, bits, view.credentials);
  attach(walker, walker.dentry.inode.create(walker.last, made.mode, made.owner));
}

/** A new name is in place. */
function attach(walker: Walker, inode: Inode): Dentry {
  const dentry = walker.dentry.attach(walker.last, inode);
  notifyEntry(walker.dentry.inode, walker.last, inode, IN_CREATE);
  return dentry;
}

/** A name has gone, and with it perhaps the inode. */
function detach(directory: Inode, victim: Dentry): void {
  const { inode } = victim;
  victim.drop();
  // The number of its links is an attribute.
  if (inode.format !== S_IFDIR) notify(inode, IN_ATTRIB);
  notifyGone(inode);
  notifyEntry(directory, victim.name, inode, IN_DELETE);
}

/**
 * @param mode with the type; 0 means a regular file
 * @returns the inode, e.g. for a socket that is bound to it
 */
export function mknodAt(view: View, start: Path | undefined, path: string, mode: number, rdev: number): Path {
  const format = mode & S_IFMT || S_IFREG;
  if (format === S_IFDIR) throw errno(EPERM);
  const device = format === S_IFCHR || format === S_IFBLK;
  if (!device && format !== S_IFREG && format !== S_IFIFO && format !== S_IFSOCK) throw errno(EINVAL);
  const walker = walkToCreate(view, start, path, false);
  checkCreate(walker, format);
  if (device && !view.credentials.capable(CAP_MKNOD)) throw errno(EPERM);
  const bits = format | (mode & 0o7777 & ~view.fs.umask);
  const made = newOwner(walker.dentry.inode, bits, view.credentials);
  const inode = walker.dentry.inode.create(walker.last, made.mode, made.owner, device ? rdev : 0);
  walker.enter(attach(walker, inode));
  return walker.path;
}

export function symlinkAt(view: View, target: string, start: Path | undefined, path: string): void {
  if (target === "") throw errno(ENOENT);
  if (byteLength(target) >= PATH_MAX) throw errno(ENAMETOOLONG);
  const walker = walkToCreate(view, start, path, false);
  checkCreate(walker, S_IFLNK);
  const { owner } = newOwner(walker.dentry.inode, 0o777, view.credentials);
  attach(walker, walker.dentry.inode.symlink(walker.last, target, owner));
}

/** may_linkat() with fs.protected_hardlinks = 1, as distributions set it: no links to what one may not write. */
function checkLinkSource(inode: Inode, credentials: Credentials): void {
  if (credentials.capable(CAP_FOWNER)) return;
  const attributes = inode.attributes();
  const { mode } = attributes;
  if (isOwner(attributes, credentials)) return;
  const programs = mode & S_ISUID || (mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP);
  if (inode.format !== S_IFREG || programs || !allowed(inode, credentials, MAY_READ | MAY_WRITE)) throw errno(EPERM);
}

export function linkAt(view: View, from: Path, start: Path | undefined, path: string): void {
  const walker = walkToCreate(view, start, path, false);
  if (walker.mount !== from.mount) throw errno(EXDEV);
  const { inode } = from;
  checkLinkSource(inode, view.credentials);
  if (walker.dentry.deleted) throw errno(ENOENT);
  view.credentials.sandbox?.checkRefer(from.mount, from.dentry, walker.dentry, undefined, false, false);
  checkWritable(walker);
  if (inode.fs !== walker.dentry.inode.fs) throw errno(EXDEV);
  checkFree(inode);
  if (inode.format === S_IFDIR) throw errno(EPERM);
  // A file without a name may get one once, if it was made so: O_TMPFILE without O_EXCL.
  if (!from.dentry.linkable && inode.attributes().nlink === 0) throw errno(ENOENT);
  walker.dentry.inode.link(walker.last, inode);
  from.dentry.linkable = false;
  notify(inode, IN_ATTRIB);
  attach(walker, inode);
}

export function unlinkAt(view: View, start: Path | undefined, path: string): void {
  const walker = new Walker(view, start);
  walker.begin(path);
  if (walker.lastType !== LAST_NORMAL) throw errno(EISDIR);
  if (walker.mount.readOnly) throw errno(EROFS);
  const victim = walker.child(walker.last);
  if (victim === undefined) throw errno(ENOENT);
  if (walker.trailing) throw errno(victim.isDirectory ? EISDIR : ENOTDIR);
  // By the call that it is, whatever the victim.
  view.credentials.sandbox?.check(walker.path, FS_REMOVE_FILE);
  checkDelete(walker.dentry.inode, victim.inode, view.credentials);
  if (victim.isDirectory) throw errno(EISDIR);
  if (view.fs.mounts.isMountpoint(victim)) throw errno(EBUSY);
  walker.dentry.inode.unlink(walker.last);
  detach(walker.dentry.inode, victim);
}

export function rmdirAt(view: View, start: Path | undefined, path: string): void {
  const walker = new Walker(view, start);
  walker.begin(path);
  if (walker.lastType === LAST_DOT) throw errno(EINVAL);
  if (walker.lastType === LAST_DOTDOT) throw errno(ENOTEMPTY);
  if (walker.lastType !== LAST_NORMAL) throw errno(EBUSY);
  if (walker.mount.readOnly) throw errno(EROFS);
  const victim = walker.child(walker.last);
  if (victim === undefined) throw errno(ENOENT);
  view.credentials.sandbox?.check(walker.path, FS_REMOVE_DIR);
  checkDelete(walker.dentry.inode, victim.inode, view.credentials);
  if (!victim.isDirectory) throw errno(ENOTDIR);
  if (view.fs.mounts.isMountpoint(victim)) throw errno(EBUSY);
  walker.dentry.inode.rmdir(walker.last);
  detach(walker.dentry.inode, victim);
}

export function renameAt(
  view: View,
  fromStart: Path | undefined,
  fromPath: string,
  toStart: Path | undefined,
  toPath: string,
  flags: number,
): void {
  if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) throw errno(EINVAL);
  if (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) throw errno(EINVAL);
  if (flags & RENAME_WHITEOUT) throw errno(EINVAL);
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  const from = new Walker(view, fromStart);
  from.begin(fromPath);
  const to = new Walker(view, toStart);
  to.begin(toPath);
  if (from.mount !== to.mount) throw errno(EXDEV);
  if (from.lastType !== LAST_NORMAL) throw errno(EBUSY);
  if (to.lastType !== LAST_NORMAL) throw errno(flags & RENAME_NOREPLACE ? EEXIST : EBUSY);
  if (from.mount.readOnly) throw errno(EROFS);

  const source = from.child(from.last);
  if (source === undefined) throw errno(ENOENT);
  const target = to.child(to.last);
  if (flags & RENAME_NOREPLACE && target !== undefined) throw errno(EEXIST);
  if (exchange) {
    if (target === undefined) throw errno(ENOENT);
    if (!target.isDirectory && to.trailing) throw errno(ENOTDIR);
  }
  if (!source.isDirectory && (from.trailing || (!exchange && to.trailing))) throw errno(ENOTDIR);
  if (to.dentry.isBelow(source)) throw errno(EINVAL);
  if (target !== undefined && from.dentry.isBelow(target)) throw errno(exchange ? EINVAL : ENOTEMPTY);
  const { credentials } = view;
  credentials.sandbox?.checkRefer(from.mount, source, to.dentry, target, true, exchange);
  if (target !== undefined && target.inode === source.inode) return;

  checkDelete(from.dentry.inode, source.inode, credentials);
  if (target === undefined) {
    if (to.dentry.deleted) throw errno(ENOENT);
    checkWritable(to);
  } else {
    checkDelete(to.dentry.inode, target.inode, credentials);
    if (!exchange) {
      if (source.isDirectory && !target.isDirectory) throw errno(ENOTDIR);
      if (!source.isDirectory && target.isDirectory) throw errno(EISDIR);
    }
  }
  if (from.dentry !== to.dentry) {
    // A directory that gets another parent is itself written: its ".." changes.
    if (source.isDirectory && !allowed(source.inode, credentials, MAY_WRITE)) throw errno(EACCES);
    if (exchange && target?.isDirectory && !allowed(target.inode, credentials, MAY_WRITE)) throw errno(EACCES);
  }
  const { mounts } = view.fs;
  if (mounts.isMountpoint(source) || (target !== undefined && mounts.isMountpoint(target))) throw errno(EBUSY);
  from.dentry.inode.rename(from.last, to.dentry.inode, to.last, exchange);
  if (exchange && target !== undefined) {
    Dentry.exchange(source, target);
    notifyMove(to.dentry.inode, to.last, from.dentry.inode, from.last, target.inode, mounts.nextMoveCookie());
  } else source.move(to.dentry, to.last);
  notifyMove(from.dentry.inode, from.last, to.dentry.inode, to.last, source.inode, mounts.nextMoveCookie());
  if (!exchange && target !== undefined) {
    if (!target.isDirectory) notify(target.inode, IN_ATTRIB);
    notifyGone(target.inode);
  }
}
