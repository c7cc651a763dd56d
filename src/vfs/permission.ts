/** Who may do what: generic_permission() of Linux and the checks around it. */
import { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER } from "../abi/capability.ts";
import { EACCES, EPERM, EROFS, ETXTBSY, errno } from "../abi/errno.ts";
import { S_IFDIR, S_IFLNK, S_IFREG, S_ISVTX } from "../abi/stat.ts";
import { checkFree, checkMutable, isAppendOnly } from "./file-flags.ts";
import type { Path } from "./path.ts";
import type { Attributes, Credentials, Inode } from "./types.ts";

export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

export function inGroup(credentials: Credentials, gid: number): boolean {
  return credentials.fsgid === gid || credentials.groups.includes(gid);
}

/** Mode bits and capabilities only. `mask` is of MAY_*. */
export function allowed(inode: Inode, credentials: Credentials, mask: number): boolean {
  const directory = inode.format === S_IFDIR;
  // The common case of a privileged caller needs no attributes; only executing a file does.
  if (credentials.capable(CAP_DAC_OVERRIDE) && (directory || (mask & MAY_EXEC) === 0)) return true;
  const attributes = inode.attributes();
  const { mode, uid, gid } = attributes;
  const shift = credentials.fsuid === uid ? 6 : inGroup(credentials, gid) ? 3 : 0;
  if (((mode >> shift) & mask) === mask) return true;
  if (credentials.capableOver(CAP_DAC_OVERRIDE, attributes)) {
    return directory || (mask & MAY_EXEC) === 0 || (mode & 0o111) !== 0;
  }
  if (directory ? (mask & MAY_WRITE) !== 0 : mask !== MAY_READ) return false;
  return credentials.capableOver(CAP_DAC_READ_SEARCH, attributes);
}

/** inode_permission() with the mount: throws EACCES, or EROFS where writing would change the file system. */
export function checkPermission(path: Path, credentials: Credentials, mask: number): void {
  const { inode } = path;
  if (mask & MAY_WRITE && path.mount.readOnly) {
    if (inode.format === S_IFDIR || inode.format === S_IFREG || inode.format === S_IFLNK) throw errno(EROFS);
  }
  if (mask & MAY_WRITE) checkMutable(inode);
  if (!allowed(inode, credentials, mask)) throw errno(EACCES);
}

/** get_write_access(): what is being executed is not written to. */
export function checkNotExecuted(inode: Inode): void {
  if ((inode.executions ?? 0) > 0) throw errno(ETXTBSY);
}

/** True for the owner and for those with CAP_FOWNER. */
export function isOwner(attributes: Attributes, credentials: Credentials): boolean {
  return attributes.uid === credentials.fsuid || credentials.capableOver(CAP_FOWNER, attributes);
}

/** may_delete(): throws EACCES or, for a sticky directory and another's file, EPERM. The mount was checked before. */
export function checkDelete(directory: Inode, victim: Inode, credentials: Credentials): void {
  checkMutable(directory);
  if (!allowed(directory, credentials, MAY_WRITE | MAY_EXEC)) throw errno(EACCES);
  if (isAppendOnly(directory)) throw errno(EPERM);
  checkFree(victim);
  if (credentials.capable(CAP_FOWNER)) return;
  const parent = directory.attributes();
  if ((parent.mode & S_ISVTX) === 0 || parent.uid === credentials.fsuid) return;
  if (!isOwner(victim.attributes(), credentials)) throw errno(EPERM);
}
