/** File types and permission bits (linux/stat.h), directory entry types (dirent.h). */

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
export const S_IXGRP = 0o010;

export const DT_UNKNOWN = 0;
export const DT_FIFO = 1;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 10;
export const DT_SOCK = 12;

/** The DT_* of a mode: dirent.h's IFTODT. */
export function direntType(mode: number): number {
  return (mode & S_IFMT) >> 12;
}

/** The S_IFMT bits of a DT_*: dirent.h's DTTOIF. */
export function formatOfDirentType(type: number): number {
  return type << 12;
}
