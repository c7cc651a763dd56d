/** Extended attributes: xattr(7). */
import { CAP_SYS_ADMIN } from "../abi/capability.ts";
import { E2BIG, EACCES, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ERANGE, EROFS, errno } from "../abi/errno.ts";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, XATTR_CREATE, XATTR_REPLACE } from "../abi/fcntl.ts";
import { IN_ATTRIB } from "../abi/inotify.ts";
import { S_IFDIR, S_IFREG } from "../abi/stat.ts";
import type { Task } from "../proc/task.ts";
import { decodeBytes, encodeBytes } from "../util/bytes.ts";
import { checkFree } from "../vfs/file-flags.ts";
import { notifyFile } from "../vfs/notify.ts";
import type { Path } from "../vfs/path.ts";
import { allowed, MAY_READ, MAY_WRITE } from "../vfs/permission.ts";
import { cstring, fd, flags, inBuffer, outBuffer, path, size } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { lookupAt, placeOf } from "./file-util.ts";

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

export const fileXattrCalls: readonly SyscallDefinition[] = [
  ...family("", path, byPath),
  ...family("l", path, byLink),
  ...family("f", fd, byFd),
];
