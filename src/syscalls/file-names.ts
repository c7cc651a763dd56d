/** Calls that make, remove and move names. */
import { CAP_DAC_READ_SEARCH } from "../abi/capability.ts";
import { EINVAL, ENOENT } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW } from "../abi/fcntl.ts";
import type { Task } from "../proc/task.ts";
import { linkAt, mkdirAt, mknodAt, renameAt, rmdirAt, symlinkAt, unlinkAt } from "../vfs/namespace.ts";
import { dirfd, mode, path } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { atFlags, nodeDevice, nodeMode, renameFlags, unlinkFlags } from "./file-args.ts";
import { lookupAt, readPath, startOf } from "./file-util.ts";

function mkdir(task: Task, dirfd: number, address: number, mode: number): number {
  const path = readPath(task, address);
  mkdirAt(task, startOf(task, dirfd, path), path, mode);
  return 0;
}

function mknod(task: Task, dirfd: number, address: number, mode: number, device: number): number {
  const path = readPath(task, address);
  mknodAt(task, startOf(task, dirfd, path), path, mode, device);
  return 0;
}

function unlink(task: Task, dirfd: number, address: number, flags: number): number {
  if (flags & ~AT_REMOVEDIR) return -EINVAL;
  const path = readPath(task, address);
  const start = startOf(task, dirfd, path);
  if (flags & AT_REMOVEDIR) rmdirAt(task, start, path);
  else unlinkAt(task, start, path);
  return 0;
}

function symlink(task: Task, target: number, dirfd: number, address: number): number {
  const text = readPath(task, target);
  const path = readPath(task, address);
  symlinkAt(task, text, startOf(task, dirfd, path), path);
  return 0;
}

function link(task: Task, fromFd: number, from: number, toFd: number, to: number, flags: number): number {
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  // open(2), O_TMPFILE: naming a descriptor takes CAP_DAC_READ_SEARCH.
  if (flags & AT_EMPTY_PATH && !task.capable(CAP_DAC_READ_SEARCH)) return -ENOENT;
  const lookupFlags = (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH);
  const source = lookupAt(task, fromFd, from, lookupFlags);
  const path = readPath(task, to);
  linkAt(task, source, startOf(task, toFd, path), path);
  return 0;
}

function rename(task: Task, fromFd: number, from: number, toFd: number, to: number, flags: number): number {
  const fromPath = readPath(task, from);
  const toPath = readPath(task, to);
  renameAt(task, startOf(task, fromFd, fromPath), fromPath, startOf(task, toFd, toPath), toPath, flags);
  return 0;
}

export const fileNameCalls: readonly SyscallDefinition[] = [
  syscall("mkdir", [path, mode], (task, path, mode) => mkdir(task, AT_FDCWD, path, mode)),
  syscall("mkdirat", [dirfd, path, mode], mkdir),
  syscall("mknod", [path, nodeMode, nodeDevice(1)], (task, path, mode, device) =>
    mknod(task, AT_FDCWD, path, mode, device),
  ),
  syscall("mknodat", [dirfd, path, nodeMode, nodeDevice(2)], mknod),
  syscall("rmdir", [path], (task, path) => unlink(task, AT_FDCWD, path, AT_REMOVEDIR)),
  syscall("unlink", [path], (task, path) => unlink(task, AT_FDCWD, path, 0)),
  syscall("unlinkat", [dirfd, path, unlinkFlags], unlink),
  syscall("symlink", [path, path], (task, target, path) => symlink(task, target, AT_FDCWD, path)),
  syscall("symlinkat", [path, dirfd, path], symlink),
  syscall("link", [path, path], (task, from, to) => link(task, AT_FDCWD, from, AT_FDCWD, to, 0)),
  syscall("linkat", [dirfd, path, dirfd, path, atFlags], link),
  syscall("rename", [path, path], (task, from, to) => rename(task, AT_FDCWD, from, AT_FDCWD, to, 0)),
  syscall("renameat", [dirfd, path, dirfd, path], (task, fromFd, from, toFd, to) =>
    rename(task, fromFd, from, toFd, to, 0),
  ),
  syscall("renameat2", [dirfd, path, dirfd, path, renameFlags], rename),
];
