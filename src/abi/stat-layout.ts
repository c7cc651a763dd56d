/**
 * How the kernel lays out the results of stat(2), statx(2), statfs(2) and getdents(2).
 * x86_64: arch/x86/include/uapi/asm/stat.h; riscv64 and the rest: asm-generic/stat.h.
 */
export interface StatFields {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly blksize: number;
  readonly blocks: number;
  readonly atime: StatTime;
  readonly mtime: StatTime;
  readonly ctime: StatTime;
  readonly btime?: StatTime;
}

export interface StatTime {
  readonly sec: number;
  readonly nsec: number;
}

export interface StatLayout {
  /** Bytes. */
  readonly size: number;
  /** Stores all `size` bytes at an offset of a view: programs ask for it so often that a view for each is not for free. */
  encode(view: DataView, at: number, s: StatFields): void;
  decode(from: Uint8Array): StatFields;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A signed integer below 2^53 in absolute value, as 64 bits. */
function set64(v: DataView, at: number, value: number): void {
  v.setUint32(at, value, true);
  v.setUint32(at + 4, value >>> 0 === value ? 0 : Math.floor(value / 2 ** 32), true);
}

function get64(v: DataView, at: number): number {
  return v.getInt32(at + 4, true) * 2 ** 32 + v.getUint32(at, true);
}

function setTime(v: DataView, at: number, time: StatTime): void {
  set64(v, at, time.sec);
  set64(v, at + 8, time.nsec);
}

function getTime(v: DataView, at: number): StatTime {
  return { sec: get64(v, at), nsec: get64(v, at + 8) };
}

export const STAT_X86_64: StatLayout = {
  size: 144,
  encode(v, at, s) {
    set64(v, at, s.dev);
    set64(v, at + 8, s.ino);
    set64(v, at + 16, s.nlink);
    v.setUint32(at + 24, s.mode, true);
    v.setUint32(at + 28, s.uid, true);
    set64(v, at + 32, s.gid);
    set64(v, at + 40, s.rdev);
    encodeRest(v, at, s);
    for (let unused = at + 120; unused < at + 144; unused += 8) set64(v, unused, 0);
  },
  decode(from) {
    const v = view(from);
    return {
      dev: get64(v, 0),
      ino: get64(v, 8),
      nlink: get64(v, 16),
      mode: v.getUint32(24, true),
      uid: v.getUint32(28, true),
      gid: v.getUint32(32, true),
      rdev: get64(v, 40),
      ...decodeRest(v),
    };
  },
};

export const STAT_GENERIC: StatLayout = {
  size: 128,
  encode(v, at, s) {
    set64(v, at, s.dev);
    set64(v, at + 8, s.ino);
    v.setUint32(at + 16, s.mode, true);
    v.setUint32(at + 20, s.nlink, true);
    v.setUint32(at + 24, s.uid, true);
    v.setUint32(at + 28, s.gid, true);
    set64(v, at + 32, s.rdev);
    set64(v, at + 40, 0);
    encodeRest(v, at, s);
    set64(v, at + 120, 0);
  },
  decode(from) {
    const v = view(from);
    return {
      dev: get64(v, 0),
      ino: get64(v, 8),
      mode: v.getUint32(16, true),
      nlink: v.getUint32(20, true),
      uid: v.getUint32(24, true),
      gid: v.getUint32(28, true),
      rdev: get64(v, 32),
      ...decodeRest(v),
    };
  },
};

/** From st_size to st_ctime both layouts agree (st_blksize has 32 bits, and 32 unused ones, on the generic one). */
function encodeRest(v: DataView, at: number, s: StatFields): void {
  set64(v, at + 48, s.size);
  set64(v, at + 56, s.blksize);
  set64(v, at + 64, s.blocks);
  setTime(v, at + 72, s.atime);
  setTime(v, at + 88, s.mtime);
  setTime(v, at + 104, s.ctime);
}

function decodeRest(v: DataView): Pick<StatFields, "size" | "blksize" | "blocks" | "atime" | "mtime" | "ctime"> {
  return {
    size: get64(v, 48),
    blksize: v.getUint32(56, true),
    blocks: get64(v, 64),
    atime: getTime(v, 72),
    mtime: getTime(v, 88),
    ctime: getTime(v, 104),
  };
}

export const STATX_SIZE = 256;
export const STATX_BASIC_STATS = 0x7ff;
export const STATX_BTIME = 0x800;
export const STATX_MNT_ID = 0x1000;
export const STATX_RESERVED = 0x80000000;
export const STATX_ATTR_MOUNT_ROOT = 0x2000;
/** STATX_ATTR_IMMUTABLE, APPEND, NODUMP. */
const STATX_ATTR_FLAGS = 0x70;
/** STATX_MTIME and STATX_CTIME. */
const STATX_CHANGE_TIMES = 0xc0;
const STATX_MNT_ID_UNIQUE = 0x4000;
/** Numbers of mounts that are not used again begin beyond those that are: as in Linux. */
export const UNIQUE_MOUNT_IDS: number = 2 ** 31;

export interface StatxExtra {
  readonly mountId: number;
  readonly mountRoot: boolean;
  /** FS_*_FL, some of which are STATX_ATTR_* of the same value; undefined: there are none. */
  readonly fileFlags?: number | undefined;
  /** STATX_* that were asked for: the time of birth is not given unasked. */
  readonly mask: number;
}

export function encodeStatx(into: Uint8Array, s: StatFields, extra: StatxExtra): void {
  into.fill(0, 0, STATX_SIZE);
  const v = view(into);
  const btime = extra.mask & STATX_BTIME ? s.btime : undefined;
  let mask = STATX_BASIC_STATS | (btime === undefined ? 0 : STATX_BTIME);
  // Nor are these said to be given, which are kept with care only for those who ask (fill_mg_cmtime()).
  if ((extra.mask & STATX_CHANGE_TIMES) === 0) mask &= ~STATX_CHANGE_TIMES;
  const unique = (extra.mask & STATX_MNT_ID_UNIQUE) !== 0;
  v.setUint32(0, mask | (unique ? STATX_MNT_ID_UNIQUE : STATX_MNT_ID), true);
  v.setUint32(4, s.blksize, true);
  const { fileFlags } = extra;
  set64(v, 8, (extra.mountRoot ? STATX_ATTR_MOUNT_ROOT : 0) | ((fileFlags ?? 0) & STATX_ATTR_FLAGS));
  v.setUint32(16, s.nlink, true);
  v.setUint32(20, s.uid, true);
  v.setUint32(24, s.gid, true);
  v.setUint16(28, s.mode, true);
  set64(v, 32, s.ino);
  set64(v, 40, s.size);
  set64(v, 48, s.blocks);
  set64(v, 56, STATX_ATTR_MOUNT_ROOT | (fileFlags === undefined ? 0 : STATX_ATTR_FLAGS));
  setTime(v, 64, s.atime);
  if (btime !== undefined) setTime(v, 80, btime);
  setTime(v, 96, s.ctime);
  setTime(v, 112, s.mtime);
  v.setUint32(128, (s.rdev >>> 8) & 0xfff, true);
  v.setUint32(132, (s.rdev & 0xff) | ((s.rdev >>> 12) & 0xfff00), true);
  v.setUint32(136, (s.dev >>> 8) & 0xfff, true);
  v.setUint32(140, (s.dev & 0xff) | ((s.dev >>> 12) & 0xfff00), true);
  set64(v, 144, unique ? UNIQUE_MOUNT_IDS + extra.mountId : extra.mountId);
}

/** struct statfs of 64-bit Linux. */
export const STATFS_SIZE = 120;

export interface StatfsFields {
  readonly type: number;
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
  readonly fsid: readonly [number, number];
  readonly namelen: number;
  readonly frsize: number;
  readonly flags: number;
}

export function encodeStatfs(into: Uint8Array, s: StatfsFields): void {
  into.fill(0, 0, STATFS_SIZE);
  const v = view(into);
  set64(v, 0, s.type);
  set64(v, 8, s.bsize);
  set64(v, 16, s.blocks);
  set64(v, 24, s.bfree);
  set64(v, 32, s.bavail);
  set64(v, 40, s.files);
  set64(v, 48, s.ffree);
  v.setInt32(56, s.fsid[0], true);
  v.setInt32(60, s.fsid[1], true);
  set64(v, 64, s.namelen);
  set64(v, 72, s.frsize);
  set64(v, 80, s.flags);
}
