/** Changing what an inode says of itself: setattr_prepare() of Linux, which rights each change takes. */
import { CAP_CHOWN, CAP_FSETID } from "../abi/capability.ts";
import { EACCES, EFBIG, EINVAL, EISDIR, EOPNOTSUPP, EPERM, EROFS, errno } from "../abi/errno.ts";
import { IN_ACCESS, IN_ATTRIB, IN_MODIFY } from "../abi/inotify.ts";
import { FS_TRUNCATE } from "../abi/landlock.ts";
import { S_IFDIR, S_IFLNK, S_IFREG, S_ISGID, S_ISUID, S_IXGRP } from "../abi/stat.ts";
import { checkFree, checkMutable, isAppendOnly } from "./file-flags.ts";
import { breakLeases } from "./lease.ts";
import { notifyFile } from "./notify.ts";
import type { Path } from "./path.ts";
import { allowed, checkNotExecuted, checkPermission, inGroup, isOwner, MAY_WRITE } from "./permission.ts";
import type { AttributeChange, Credentials, Inode, Timespec } from "./types.ts";

function checkWritable(path: Path): void {
  if (path.mount.readOnly) throw errno(EROFS);
}

/** chmod(2). A set-group-ID bit that the caller may not give is dropped. */
export function changeMode(path: Path, mode: number, credentials: Credentials): void {
  checkWritable(path);
  const { inode } = path;
  if (inode.format === S_IFLNK) throw errno(EOPNOTSUPP);
  checkFree(inode);
  const now = inode.attributes();
  if (!isOwner(now, credentials)) throw errno(EPERM);
  let bits = mode & 0o7777;
  if (!inGroup(credentials, now.gid) && !credentials.capableOver(CAP_FSETID, now)) bits &= ~S_ISGID;
  inode.setAttributes({ mode: bits });
  notifyFile(inode, path, IN_ATTRIB);
}

/** chown(2). @param uid,gid -1: stays */
export function changeOwner(path: Path, uid: number, gid: number, credentials: Credentials): void {
  checkWritable(path);
  const { inode } = path;
  checkFree(inode);
  const now = inode.attributes();
  const privileged = credentials.capableOver(CAP_CHOWN, now);
  if (uid !== -1 && !privileged && (credentials.fsuid !== now.uid || uid !== now.uid)) throw errno(EPERM);
  if (gid !== -1 && !privileged && (credentials.fsuid !== now.uid || (gid !== now.gid && !inGroup(credentials, gid)))) {
    throw errno(EPERM);
  }
  const change: AttributeChange = {};
  if (uid !== -1) change.uid = uid;
  if (gid !== -1) change.gid = gid;
  // chown(2): whoever changes the owner of a program takes its privileges away, root included.
  if (inode.format !== S_IFDIR && inode.format !== S_IFLNK) {
    let gone = now.mode & S_ISUID;
    if (now.mode & S_IXGRP || (!inGroup(credentials, now.gid) && !credentials.capableOver(CAP_FSETID, now))) {
      gone |= now.mode & S_ISGID;
    }
    if (gone !== 0) {
      // Which changes the mode, and that is the owner's to do, even where nothing else is changed.
      if (!isOwner(now, credentials)) throw errno(EPERM);
      change.mode = now.mode & 0o7777 & ~gone;
    }
  }
  inode.setAttributes(change);
  notifyFile(inode, path, IN_ATTRIB);
}

/** A time that utimensat(2) sets: undefined leaves it, "now" takes the clock's. */
export type NewTime = Timespec | "now" | undefined;

/** @param now what "now" means */
export function changeTimes(
  path: Path,
  atime: NewTime,
  mtime: NewTime,
  now: () => Timespec,
  credentials: Credentials,
): void {
  if (atime === undefined && mtime === undefined) return;
  checkWritable(path);
  const { inode } = path;
  if (atime === "now" && mtime === "now") {
    checkMutable(inode);
    // To touch a file it is enough to be able to write it.
    if (!isOwner(inode.attributes(), credentials) && !allowed(inode, credentials, MAY_WRITE)) throw errno(EACCES);
  } else {
    checkFree(inode);
    if (!isOwner(inode.attributes(), credentials)) throw errno(EPERM);
  }
  const change: AttributeChange = {};
  const time = atime === "now" || mtime === "now" ? now() : undefined;
  const at = atime === "now" ? time : atime;
  const mt = mtime === "now" ? time : mtime;
  if (at !== undefined) change.atime = at;
  if (mt !== undefined) change.mtime = mt;
  inode.setAttributes(change);
  // fsnotify_change(): one time alone looks like what usually sets it.
  notifyFile(inode, path, at === undefined ? IN_MODIFY : mt === undefined ? IN_ACCESS : IN_ATTRIB);
}

/** Largest size that is told apart from its neighbours; Linux's own limit on 64 bits is 2^63 - 1. */
const MAX_SIZE = Number.MAX_SAFE_INTEGER;

/** truncate(2) by path. */
export function truncatePath(path: Path, size: number, credentials: Credentials): void {
  const { inode } = path;
  if (inode.format === S_IFDIR) throw errno(EISDIR);
  if (inode.format !== S_IFREG) throw errno(EINVAL);
  checkPermission(path, credentials, MAY_WRITE);
  checkNotExecuted(inode);
  breakLeases(inode, true);
  credentials.sandbox?.check(path, FS_TRUNCATE);
  truncateInode(inode, size, credentials, path);
}

/** @param path by which it was opened, for those who watch */
export function truncateInode(inode: Inode, size: number, credentials: Credentials, path: Path | undefined): void {
  if (size > MAX_SIZE) throw errno(EFBIG);
  if (isAppendOnly(inode)) throw errno(EPERM);
  if (!credentials.capable(CAP_FSETID)) inode.dropPrivileges?.(credentials);
  inode.setAttributes({ size });
  notifyFile(inode, path, IN_MODIFY);
}
