/** Arguments of the file calls as strace shows them. */

import { majorOf, minorOf } from "../abi/device.ts";
import * as F from "../abi/fcntl.ts";
import * as S from "../abi/stat.ts";
import { choice, flags, printBytes, printFlags, printMode, printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";

const OPEN_FLAGS: readonly (readonly [number, string])[] = [
  [F.O_CREAT, "O_CREAT"],
  [F.O_EXCL, "O_EXCL"],
  [F.O_NOCTTY, "O_NOCTTY"],
  [F.O_TRUNC, "O_TRUNC"],
  [F.O_APPEND, "O_APPEND"],
  [F.O_NONBLOCK, "O_NONBLOCK"],
  [F.O_SYNC, "O_SYNC"],
  [F.O_DSYNC, "O_DSYNC"],
  [F.O_DIRECT, "O_DIRECT"],
  [F.O_LARGEFILE, "O_LARGEFILE"],
  [F.O_NOFOLLOW, "O_NOFOLLOW"],
  [F.O_NOATIME, "O_NOATIME"],
  [F.O_CLOEXEC, "O_CLOEXEC"],
  [F.O_PATH, "O_PATH"],
  [F.O_TMPFILE, "O_TMPFILE"],
  [F.O_DIRECTORY, "O_DIRECTORY"],
  [F.FASYNC, "FASYNC"],
];

export function printOpenFlags(value: number): string {
  const access = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"][value & F.O_ACCMODE] as string;
  const rest = value & ~F.O_ACCMODE;
  return rest === 0 ? access : `${access}|${printFlags(rest, OPEN_FLAGS)}`;
}

export const openFlags: Arg = { kind: "i32", print: (v) => printOpenFlags(v) };
/** Shown only if the flags (argument `index`) ask for a new file. */
export function openMode(index: number): Arg {
  return {
    kind: "u32",
    print: (v, c) => ((c.args[index] ?? 0) & (F.O_CREAT | F.TMPFILE_BIT) ? printMode(v) : ""),
  };
}

export const dupFlags: Arg = flags(OPEN_FLAGS, "0", "O_???");
export const pipeFlags: Arg = dupFlags;
const AT_FLAGS: readonly (readonly [number, string])[] = [
  [F.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"],
  [F.AT_REMOVEDIR, "AT_REMOVEDIR"],
  [F.AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"],
  [F.AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"],
  [F.AT_EMPTY_PATH, "AT_EMPTY_PATH"],
];

export const atFlags: Arg = flags(AT_FLAGS, "0", "AT_???");
export const unlinkFlags: Arg = atFlags;
export const accessFlags: Arg = flags(
  AT_FLAGS.map(([bit, name]) => [bit, bit === F.AT_EACCESS ? "AT_EACCESS" : name]),
  "0",
  "AT_???",
);
export const accessMode: Arg = flags(
  [
    [F.R_OK, "R_OK"],
    [F.W_OK, "W_OK"],
    [F.X_OK, "X_OK"],
  ],
  "F_OK",
  "?_OK",
);
export const renameFlags: Arg = flags(
  [
    [F.RENAME_NOREPLACE, "RENAME_NOREPLACE"],
    [F.RENAME_EXCHANGE, "RENAME_EXCHANGE"],
    [F.RENAME_WHITEOUT, "RENAME_WHITEOUT"],
  ],
  "0",
  "RENAME_???",
);
export const rwfFlags: Arg = flags(
  [
    [1, "RWF_HIPRI"],
    [2, "RWF_DSYNC"],
    [4, "RWF_SYNC"],
    [8, "RWF_NOWAIT"],
    [16, "RWF_APPEND"],
  ],
  "0",
  "RWF_???",
);
export const whence: Arg = choice(
  { 0: "SEEK_SET", 1: "SEEK_CUR", 2: "SEEK_END", 3: "SEEK_DATA", 4: "SEEK_HOLE" },
  "SEEK_???",
);

/** A length that the kernel takes as signed and strace shows as unsigned. */
export const length: Arg = {
  kind: "i64",
  print: (v) => (v < 0 ? BigInt.asUintN(64, BigInt(v)).toString() : String(v)),
};

/** A user or group id; -1 stays -1. */
export const owner: Arg = { kind: "i32", print: (v) => (v === -1 ? "-1" : String(v >>> 0)) };

const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;

/** As strace says what a time is, in the time zone that the machine has, UTC. */
function printDate(sec: number, fraction: number, unit: "usec" | "nsec"): string {
  const date = new Date(sec * 1000);
  if (Number.isNaN(date.getTime()) || (sec === 0 && fraction === 0) || fraction < 0) return "";
  if (fraction >= (unit === "usec" ? 1e6 : 1e9)) return "";
  const digits = fraction === 0 ? "" : `.${String(fraction).padStart(unit === "usec" ? 6 : 9, "0")}`;
  return ` /* ${date.toISOString().slice(0, 19)}${digits}+0000 */`;
}

/** Access and modification time, as two timevals or timespecs. */
export function timesArg(unit: "usec" | "nsec"): Arg {
  return {
    kind: "u64",
    print: (v, c) => {
      if (v === 0) return "NULL";
      const bytes = c.peek(v, 32);
      if (bytes === undefined || bytes.length < 32) return printPointer(v);
      const view = new DataView(bytes.buffer, bytes.byteOffset, 32);
      const time = (at: number): string => {
        const fraction = Number(view.getBigInt64(at + 8, true));
        if (unit === "nsec" && fraction === UTIME_NOW) return "UTIME_NOW";
        if (unit === "nsec" && fraction === UTIME_OMIT) return "UTIME_OMIT";
        const sec = Number(view.getBigInt64(at, true));
        return `{tv_sec=${sec}, tv_${unit}=${fraction}}${printDate(sec, fraction, unit)}`;
      };
      return `[${time(0)}, ${time(16)}]`;
    },
  };
}

const FORMATS: Readonly<Record<number, string>> = {
  [S.S_IFREG]: "S_IFREG",
  [S.S_IFDIR]: "S_IFDIR",
  [S.S_IFLNK]: "S_IFLNK",
  [S.S_IFCHR]: "S_IFCHR",
  [S.S_IFBLK]: "S_IFBLK",
  [S.S_IFIFO]: "S_IFIFO",
  [S.S_IFSOCK]: "S_IFSOCK",
};

/** A mode with its type: `S_IFREG|0644`. */
export function printNodeMode(mode: number): string {
  const format = FORMATS[mode & S.S_IFMT];
  const special: string[] = [];
  if (mode & S.S_ISUID) special.push("S_ISUID");
  if (mode & S.S_ISGID) special.push("S_ISGID");
  if (mode & S.S_ISVTX) special.push("S_ISVTX");
  return [...(format === undefined ? [] : [format]), ...special, printMode(mode & 0o777)].join("|");
}

export const nodeMode: Arg = { kind: "u32", print: (v) => printNodeMode(v) };

/** Shown only for devices, as the mode (argument `index`) says. */
export function nodeDevice(index: number): Arg {
  return {
    kind: "u32",
    print: (v, c) => {
      const format = (c.args[index] ?? 0) & S.S_IFMT;
      return format === S.S_IFCHR || format === S.S_IFBLK
        ? `makedev(0x${majorOf(v).toString(16)}, 0x${minorOf(v).toString(16)})`
        : "";
    },
  };
}

function peek64(context: PrintContext, address: number): number | undefined {
  const bytes = context.peek(address, 8);
  if (bytes === undefined || bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
}

function printIov(address: number, count: number, bytes: number, context: PrintContext): string {
  if (address === 0) return "NULL";
  let left = bytes;
  const parts: string[] = [];
  for (let i = 0; i < count; i++) {
    const base = peek64(context, address + i * 16);
    const length = peek64(context, address + i * 16 + 8);
    if (base === undefined || length === undefined)
      return parts.length === 0 ? printPointer(address) : `[${parts.join(", ")}, ...]`;
    parts.push(`{iov_base=${printBytes(base, Math.min(length, left), context)}, iov_len=${length}}`);
    left = Math.max(0, left - length);
  }
  return `[${parts.join(", ")}]`;
}

/** An iovec array that the call reads from; the number of its elements is argument `countIndex`. */
export function iovIn(countIndex: number): Arg {
  return { kind: "u64", print: (v, c) => printIov(v, c.args[countIndex] ?? 0, Number.POSITIVE_INFINITY, c) };
}

/** An iovec array that the call fills. */
export function iovOut(countIndex: number): Arg {
  return {
    kind: "u64",
    out: true,
    print: (v, c) =>
      c.result !== undefined && c.result >= 0 ? printIov(v, c.args[countIndex] ?? 0, c.result, c) : printPointer(v),
  };
}
