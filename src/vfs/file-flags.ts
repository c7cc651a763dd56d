/** What FS_IOC_SETFLAGS says of a file (chattr(1), ioctl_iflags(2)), and what that forbids. */
import { EPERM, errno } from "../abi/errno.ts";
import type { Inode } from "./types.ts";

export const FS_IMMUTABLE_FL = 0x10;
export const FS_APPEND_FL = 0x20;
export const FS_NODUMP_FL = 0x40;
export const FS_NOATIME_FL = 0x80;
/** Those that a file in memory may have. */
export const KNOWN_FILE_FLAGS: number = FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL;

export function isImmutable(inode: Inode): boolean {
  return ((inode.fileFlags ?? 0) & FS_IMMUTABLE_FL) !== 0;
}

export function isAppendOnly(inode: Inode): boolean {
  return ((inode.fileFlags ?? 0) & FS_APPEND_FL) !== 0;
}

/** EPERM for what is not to be written to at all. */
export function checkMutable(inode: Inode): void {
  if (isImmutable(inode)) throw errno(EPERM);
}

/** EPERM for what may at most be appended to: its attributes and names are not to be changed. */
export function checkFree(inode: Inode): void {
  if (((inode.fileFlags ?? 0) & (FS_IMMUTABLE_FL | FS_APPEND_FL)) !== 0) throw errno(EPERM);
}
