/** Extended attributes: xattr(7). */
import { CAP_SYS_ADMIN } from "../abi/capability.ts";
import { E2BIG, EACCES, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ERANGE, EROFS, errno } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, XATTR_CREATE, XATTR_REPLACE } from "../abi/fcntl.ts";
import { IN_ATTRIB } from "../abi/inotify.ts";
import { S_IFDIR, S_IFREG } from "../abi/stat.ts";
import type { Task } from "../proc/task.ts";
import { decodeBytes, encodeBytes } from "../util/bytes.ts";
import { checkFree } from "../vfs/file-flags.ts";
import { notifyFile } from "../vfs/notify.ts";
import type { Path } from "../vfs/path.ts";
import { allowed, MAY_READ, MAY_WRITE } from "../vfs/permission.ts";
import { cstring, dirfd, fd, flags, inBuffer, outBuffer, path, printFlags, printPointer, size } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { atFlags } from "./file-args.ts";
import { lookupAt, placeOf, readVersioned } from "./file-util.ts";
import { given, unsigned64 } from "./struct-args.ts";

const XATTR_NAME_MAX = 255;
const XATTR_SIZE_MAX = 65536;

/** Finds the file of one of the three forms of each call. */
type Find = (task: Task, argument: number) => Path;
const byPath: Find = (task, address) => lookupAt(task, AT_FDCWD, address, 0);
const byLink: Find = (task, address) => lookupAt(task, AT_FDCWD, address, AT_SYMLINK_NOFOLLOW);
const byFd: Find = (task, fd) => placeOf(task, task.files.get(fd));

function readName(task: Task, address: number): string {
  const name = decodeBytes(task.space.readCStringBytes(address, XATTR_NAME_MAX + 1, ERANGE));
  if (name === "") throw errno(ERANGE);
  return name;
}

/** xattr_permission(): which names who may use, on what. */
function checkPermission(task: Task, place: Path, name: string, mask: number): void {
  const { inode, mount } = place;
  const write = mask === MAY_WRITE;
  if (write && mount.readOnly) throw errno(EROFS);
  if (write) checkFree(inode);
  if (name.startsWith("security.")) {
    if (write && !task.capable(CAP_SYS_ADMIN)) throw errno(EPERM);
    return;
  }
  if (name.startsWith("trusted.")) {
    if (!task.capable(CAP_SYS_ADMIN)) throw errno(write ? EPERM : ENODATA);
    return;
  }
  if (!name.startsWith("user.")) throw errno(EOPNOTSUPP);
  if (inode.format !== S_IFREG && inode.format !== S_IFDIR) throw errno(write ? EPERM : ENODATA);
  if (!allowed(inode, task.credentials, mask)) throw errno(EACCES);
}

/** A prefix alone is no name. */
function checkSuffix(name: string): void {
  if (name.endsWith(".") && name.indexOf(".") === name.length - 1) throw errno(EINVAL);
}

function set(task: Task, place: Path, name: string, value: number, size: number, bits: number): number {
  const { inode } = place;
  checkPermission(task, place, name, MAY_WRITE);
  const bytes = task.space.readable(value, size);
  checkSuffix(name);
  if (inode.setxattr === undefined) return -EOPNOTSUPP;
  inode.setxattr(name, bytes, bits);
  notifyFile(inode, place, IN_ATTRIB);
  return 0;
}

function get(task: Task, place: Path, name: string, value: number, size: number): number {
  checkPermission(task, place, name, MAY_READ);
  checkSuffix(name);
  const bytes = place.inode.getxattr?.(name);
  if (bytes === undefined) return -EOPNOTSUPP;
  return answer(task, bytes, value, size);
}

/** Both getxattr and listxattr tell the size if asked with none. */
function answer(task: Task, bytes: Uint8Array, address: number, size: number): number {
  if (size === 0) return bytes.length;
  if (bytes.length > size) return -ERANGE;
  task.space.copyOut(address, bytes);
  return bytes.length;
}

function list(task: Task, place: Path, address: number, size: number): number {
  const privileged = task.capable(CAP_SYS_ADMIN);
  const names = (place.inode.listxattr?.() ?? []).filter((name) => privileged || !name.startsWith("trusted."));
  return answer(task, encodeBytes(names.map((name) => `${name}\0`).join("")), address, size);
}

function remove(task: Task, place: Path, name: string): number {
  checkPermission(task, place, name, MAY_WRITE);
  checkSuffix(name);
  if (place.inode.removexattr === undefined) return -EOPNOTSUPP;
  place.inode.removexattr(name);
  notifyFile(place.inode, place, IN_ATTRIB);
  return 0;
}

const xattrFlags = flags([
  [XATTR_CREATE, "XATTR_CREATE"],
  [XATTR_REPLACE, "XATTR_REPLACE"],
]);

function family(prefix: string, target: typeof path, find: Find): SyscallDefinition[] {
  return [
    syscall(
      `${prefix}setxattr`,
      [target, cstring, inBuffer(3), size, xattrFlags],
      (task, target, name, value, size, bits) => {
        if (bits & ~(XATTR_CREATE | XATTR_REPLACE)) return -EINVAL;
        const text = readName(task, name);
        if (size > XATTR_SIZE_MAX) return -E2BIG;
        return set(task, find(task, target), text, value, size, bits);
      },
    ),
    syscall(`${prefix}getxattr`, [target, cstring, outBuffer(), size], (task, target, name, value, size) => {
      const text = readName(task, name);
      return get(task, find(task, target), text, value, size);
    }),
    syscall(`${prefix}listxattr`, [target, outBuffer(), size], (task, target, address, size) =>
      list(task, find(task, target), address, size),
    ),
    syscall(`${prefix}removexattr`, [target, cstring], (task, target, name) => {
      const text = readName(task, name);
      return remove(task, find(task, target), text);
    }),
  ];
}

/** struct xattr_args: value, size, flags. */
const XATTR_ARGS_SIZE = 16;
const PAGE_SIZE = 4096;

interface XattrArgs {
  readonly value: number;
  readonly size: number;
  readonly flags: number;
}

function readArguments(task: Task, address: number, size: number): XattrArgs {
  if (size < XATTR_ARGS_SIZE) throw errno(EINVAL);
  if (size > PAGE_SIZE) throw errno(E2BIG);
  const view = readVersioned(task, address, size, XATTR_ARGS_SIZE);
  return { value: unsigned64(view, 0), size: view.getUint32(8, true), flags: view.getUint32(12, true) };
}

/** Of the calls with a directory, a path and AT_* flags. Without a path it is the file that is open, as for fsetxattr. */
function findAt(task: Task, dirfd: number, address: number, bits: number): Path {
  const empty = (bits & AT_EMPTY_PATH) !== 0 && (address === 0 || task.space.readU8(address) === 0);
  if (empty && dirfd !== AT_FDCWD) return byFd(task, dirfd);
  return lookupAt(task, dirfd, address, bits);
}

function checkAtFlags(bits: number): void {
  if (bits & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) throw errno(EINVAL);
}

const xattrArgs = given(XATTR_ARGS_SIZE, (view) => {
  const bits = printFlags(view.getUint32(12, true), [
    [XATTR_CREATE, "XATTR_CREATE"],
    [XATTR_REPLACE, "XATTR_REPLACE"],
  ]);
  return `{value=${printPointer(unsigned64(view, 0))}, size=${view.getUint32(8, true)}, flags=${bits}}`;
});

const atCalls: readonly SyscallDefinition[] = [
  syscall(
    "setxattrat",
    [dirfd, path, atFlags, cstring, xattrArgs, size],
    (task, dirfd, path, at, name, args, length) => {
      const { value, size, flags: bits } = readArguments(task, args, length);
      checkAtFlags(at);
      if (bits & ~(XATTR_CREATE | XATTR_REPLACE)) return -EINVAL;
      const text = readName(task, name);
      if (size > XATTR_SIZE_MAX) return -E2BIG;
      return set(task, findAt(task, dirfd, path, at), text, value, size, bits);
    },
  ),
  syscall(
    "getxattrat",
    [dirfd, path, atFlags, cstring, xattrArgs, size],
    (task, dirfd, path, at, name, args, length) => {
      const { value, size, flags: bits } = readArguments(task, args, length);
      if (bits !== 0) return -EINVAL;
      checkAtFlags(at);
      const text = readName(task, name);
      return get(task, findAt(task, dirfd, path, at), text, value, size);
    },
  ),
  syscall("listxattrat", [dirfd, path, atFlags, outBuffer(), size], (task, dirfd, path, at, address, size) => {
    checkAtFlags(at);
    return list(task, findAt(task, dirfd, path, at), address, size);
  }),
  syscall("removexattrat", [dirfd, path, atFlags, cstring], (task, dirfd, path, at, name) => {
    checkAtFlags(at);
    const text = readName(task, name);
    return remove(task, findAt(task, dirfd, path, at), text);
  }),
];

export const fileXattrCalls: readonly SyscallDefinition[] = [
  ...family("", path, byPath),
  ...family("l", path, byLink),
  ...family("f", fd, byFd),
  ...atCalls,
];
