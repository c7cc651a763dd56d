/** What stat, statx, statfs, getdents and their like fill in, as strace shows it. */
import { majorOf, minorOf } from "../abi/device.ts";
import * as F from "../abi/fcntl.ts";
import { S_IFBLK, S_IFCHR, S_IFMT } from "../abi/stat.ts";
import { STATFS_SIZE, type StatFields, type StatTime } from "../abi/stat-layout.ts";
import * as M from "../abi/statfs.ts";
import { flags, printCString, printFlags, printHex, printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";
import { printNodeMode } from "./file-args.ts";
import { isoTime } from "./time-args.ts";

function succeeded(c: PrintContext): boolean {
  return c.result !== undefined && c.result >= 0;
}

function peek(c: PrintContext, address: number, length: number): DataView | undefined {
  const bytes = c.peek(address, length);
  return bytes === undefined || bytes.length < length
    ? undefined
    : new DataView(bytes.buffer, bytes.byteOffset, length);
}

/** Something that the call fills in: a pointer if it failed. */
function filled(size: number, print: (view: DataView, c: PrintContext) => string): Arg {
  return {
    kind: "u64",
    out: true,
    print: (v, c) => {
      const view = succeeded(c) ? peek(c, v, size) : undefined;
      return view === undefined ? printPointer(v) : print(view, c);
    },
  };
}

function printDevice(device: number): string {
  const hex = (n: number): string => `0x${n.toString(16)}`.replace(/^0x0$/, "0");
  return `makedev(${hex(majorOf(device))}, ${hex(minorOf(device))})`;
}

function printStamp(name: string, { sec, nsec }: StatTime): string {
  return `${name}=${sec} /* ${isoTime(sec, nsec)} */, ${name}_nsec=${nsec}`;
}

/** With -v: all of it. */
function printWholeStat(s: StatFields): string {
  const format = s.mode & S_IFMT;
  const device = format === S_IFCHR || format === S_IFBLK;
  const fields = [
    `st_dev=${printDevice(s.dev)}, st_ino=${s.ino}, st_mode=${printNodeMode(s.mode)}, st_nlink=${s.nlink}`,
    `st_uid=${s.uid}, st_gid=${s.gid}, st_blksize=${s.blksize}, st_blocks=${s.blocks}`,
    device ? `st_rdev=${printDevice(s.rdev)}` : `st_size=${s.size}`,
    ...[printStamp("st_atime", s.atime), printStamp("st_mtime", s.mtime), printStamp("st_ctime", s.ctime)],
  ];
  return `{${fields.join(", ")}}`;
}

function printStat(s: StatFields): string {
  const format = s.mode & S_IFMT;
  const device = format === S_IFCHR || format === S_IFBLK;
  const what = device ? `st_rdev=${printDevice(s.rdev)}` : `st_size=${s.size}`;
  return `{st_mode=${printNodeMode(s.mode)}, ${what}, ...}`;
}

/** struct stat. */
export const statBuffer: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => {
    if (!succeeded(c)) return printPointer(v);
    const layout = c.task.arch.layouts.stat;
    const bytes = c.peek(v, layout.size);
    return bytes === undefined || bytes.length < layout.size
      ? printPointer(v)
      : (c.verbose === true ? printWholeStat : printStat)(layout.decode(bytes));
  },
};

const STATX_NAMES: readonly (readonly [number, string])[] = [
  [0xfff, "STATX_ALL"],
  [0x7ff, "STATX_BASIC_STATS"],
  [0x001, "STATX_TYPE"],
  [0x002, "STATX_MODE"],
  [0x004, "STATX_NLINK"],
  [0x008, "STATX_UID"],
  [0x010, "STATX_GID"],
  [0x020, "STATX_ATIME"],
  [0x040, "STATX_MTIME"],
  [0x080, "STATX_CTIME"],
  [0x100, "STATX_INO"],
  [0x200, "STATX_SIZE"],
  [0x400, "STATX_BLOCKS"],
  [0x800, "STATX_BTIME"],
  [0x1000, "STATX_MNT_ID"],
];

export const statxMask: Arg = flags(STATX_NAMES, "0", "STATX_???");

const STATX_BTIME = 0x800;

const STATX_ATTRIBUTES: readonly (readonly [number, string])[] = [
  [0x4, "STATX_ATTR_COMPRESSED"],
  [0x10, "STATX_ATTR_IMMUTABLE"],
  [0x20, "STATX_ATTR_APPEND"],
  [0x40, "STATX_ATTR_NODUMP"],
  [0x800, "STATX_ATTR_ENCRYPTED"],
  [0x1000, "STATX_ATTR_AUTOMOUNT"],
  [0x2000, "STATX_ATTR_MOUNT_ROOT"],
  [0x100000, "STATX_ATTR_VERITY"],
  [0x200000, "STATX_ATTR_DAX"],
];

export const statxFlags: Arg = {
  kind: "u32",
  print: (v) => {
    const sync = ["AT_STATX_SYNC_AS_STAT", "AT_STATX_FORCE_SYNC", "AT_STATX_DONT_SYNC"][
      (v & F.AT_STATX_SYNC_TYPE) / F.AT_STATX_FORCE_SYNC
    ];
    const rest = v & ~F.AT_STATX_SYNC_TYPE;
    const names = [
      [F.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"],
      [F.AT_REMOVEDIR, "AT_REMOVEDIR"],
      [F.AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"],
      [F.AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"],
      [F.AT_EMPTY_PATH, "AT_EMPTY_PATH"],
    ] as const;
    return rest === 0
      ? (sync ?? printHex(v))
      : `${sync ?? printHex(v & F.AT_STATX_SYNC_TYPE)}|${printFlags(rest, names)}`;
  },
};

/** struct statx, as short as strace shows it. */
function printWholeStatx(view: DataView): string {
  const hex = (n: number | bigint): string => (n === 0 || n === 0n ? "0" : `0x${n.toString(16)}`);
  const u32 = (at: number): number => view.getUint32(at, true);
  const stamp = (name: string, at: number): string => {
    const sec = view.getBigInt64(at, true);
    const nsec = u32(at + 8);
    return `${name}={tv_sec=${sec}, tv_nsec=${nsec}} /* ${isoTime(Number(sec), nsec)} */`;
  };
  const mask = u32(0);
  const fields = [
    `stx_mask=${printFlags(mask, STATX_NAMES)}, stx_blksize=${u32(4)}`,
    `stx_attributes=${printFlags(u32(8), STATX_ATTRIBUTES)}, stx_nlink=${u32(16)}, stx_uid=${u32(20)}, stx_gid=${u32(24)}`,
    `stx_mode=${printNodeMode(view.getUint16(28, true))}, stx_ino=${view.getBigUint64(32, true)}`,
    `stx_size=${view.getBigUint64(40, true)}, stx_blocks=${view.getBigUint64(48, true)}`,
    `stx_attributes_mask=${printFlags(u32(56), STATX_ATTRIBUTES)}`,
    stamp("stx_atime", 64),
    ...(mask & STATX_BTIME ? [stamp("stx_btime", 80)] : []),
    ...[stamp("stx_ctime", 96), stamp("stx_mtime", 112)],
    `stx_rdev_major=${u32(128)}, stx_rdev_minor=${u32(132)}, stx_dev_major=${u32(136)}, stx_dev_minor=${u32(140)}`,
    `stx_mnt_id=${hex(view.getBigUint64(144, true))}`,
  ];
  return `{${fields.join(", ")}}`;
}

export const statxBuffer: Arg = filled(256, (view, c) => {
  if (c.verbose === true) return printWholeStatx(view);
  const mode = view.getUint16(28, true);
  const format = mode & S_IFMT;
  const device = format === S_IFCHR || format === S_IFBLK;
  const hex = (n: number): string => (n === 0 ? "0" : `0x${n.toString(16)}`);
  const what = device ? `stx_rdev=makedev(${hex(view.getUint32(128, true))}, ${hex(view.getUint32(132, true))}), ` : "";
  return (
    `{stx_mask=${printFlags(view.getUint32(0, true), STATX_NAMES)}, ` +
    `stx_attributes=${printFlags(view.getUint32(8, true), STATX_ATTRIBUTES)}, stx_mode=${printNodeMode(mode)}, ` +
    `${what}stx_size=${view.getBigUint64(40, true)}, ...}`
  );
});

const MAGIC: Readonly<Record<number, string>> = {
  [M.TMPFS_MAGIC]: "TMPFS_MAGIC",
  [M.OVERLAYFS_SUPER_MAGIC]: "OVERLAYFS_SUPER_MAGIC",
  [M.PROC_SUPER_MAGIC]: "PROC_SUPER_MAGIC",
  [M.SYSFS_MAGIC]: "SYSFS_MAGIC",
  [M.DEVPTS_SUPER_MAGIC]: "DEVPTS_SUPER_MAGIC",
  [M.V9FS_MAGIC]: "V9FS_MAGIC",
  [M.SQUASHFS_MAGIC]: "SQUASHFS_MAGIC",
  [M.PIPEFS_MAGIC]: "PIPEFS_MAGIC",
  [M.SOCKFS_MAGIC]: "SOCKFS_MAGIC",
};

const STATFS_FLAGS: readonly (readonly [number, string])[] = [
  [M.ST_VALID, "ST_VALID"],
  [M.ST_RDONLY, "ST_RDONLY"],
  [M.ST_NOSUID, "ST_NOSUID"],
  [M.ST_NODEV, "ST_NODEV"],
  [M.ST_NOEXEC, "ST_NOEXEC"],
  [M.ST_NOATIME, "ST_NOATIME"],
  [M.ST_NODIRATIME, "ST_NODIRATIME"],
  [M.ST_RELATIME, "ST_RELATIME"],
];

export const statfsBuffer: Arg = filled(STATFS_SIZE, (view) => {
  const at = (offset: number): bigint => view.getBigUint64(offset, true);
  const type = Number(at(0));
  return (
    `{f_type=${MAGIC[type] ?? printHex(type)}, f_bsize=${at(8)}, f_blocks=${at(16)}, f_bfree=${at(24)}, ` +
    `f_bavail=${at(32)}, f_files=${at(40)}, f_ffree=${at(48)}, ` +
    `f_fsid={val=[${printHex(view.getUint32(56, true))}, ${printHex(view.getUint32(60, true))}]}, ` +
    `f_namelen=${at(64)}, f_frsize=${at(72)}, f_flags=${printFlags(Number(at(80)), STATFS_FLAGS)}}`
  );
});

const ENTRY_TYPES: Readonly<Record<number, string>> = {
  0: "DT_UNKNOWN",
  1: "DT_FIFO",
  2: "DT_CHR",
  4: "DT_DIR",
  6: "DT_BLK",
  8: "DT_REG",
  10: "DT_LNK",
  12: "DT_SOCK",
  14: "DT_WHT",
};
const ENTRY_NAME = 19;

/** With -v: struct linux_dirent64, all of them. */
function printEntries(address: number, c: PrintContext): string {
  const parts: string[] = [];
  for (let at = 0; at < (c.result ?? 0); ) {
    const head = peek(c, address + at, ENTRY_NAME);
    const length = head?.getUint16(16, true) ?? 0;
    if (head === undefined || length === 0) return printPointer(address);
    const type = head.getUint8(18);
    parts.push(
      `{d_ino=${head.getBigUint64(0, true)}, d_off=${head.getBigInt64(8, true)}, d_reclen=${length}, ` +
        `d_type=${ENTRY_TYPES[type] ?? `${printHex(type)} /* DT_??? */`}, ` +
        `d_name=${printCString(address + at + ENTRY_NAME, c, length - ENTRY_NAME)}}`,
    );
    at += length;
  }
  return `[${parts.join(", ")}]`;
}

/** Directory entries: their number is all that strace shows by default. `lengthOffset` is where d_reclen lies: 16. */
export const entriesBuffer: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => {
    if (!succeeded(c)) return printPointer(v);
    if (c.verbose === true) return printEntries(v, c);
    let count = 0;
    for (let at = 0; at < (c.result ?? 0); count++) {
      const view = peek(c, v + at, 18);
      const length = view?.getUint16(16, true) ?? 0;
      if (length === 0) return printPointer(v);
      at += length;
    }
    return `${printPointer(v)} /* ${count} entries */`;
  },
};

/** Two descriptors that the call makes: pipe(2). */
export const fdPair: Arg = filled(8, (view, c) => `[${c.fd(view.getInt32(0, true))}, ${c.fd(view.getInt32(4, true))}]`);
