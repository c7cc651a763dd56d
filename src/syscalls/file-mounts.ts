/** mount(2), umount2(2), pivot_root(2). */
import { EAGAIN, EBUSY, EINVAL, EPERM, errno } from "../abi/errno.ts";
import { S_IFREG } from "../abi/stat.ts";
import * as M from "../abi/statfs.ts";
import type { Task } from "../proc/task.ts";
import { decodeBytes } from "../util/bytes.ts";
import { isWritable } from "../vfs/file.ts";
import { treeOf } from "../vfs/mounts.ts";
import type { Mount, Path } from "../vfs/path.ts";
import { DIRECTORY, FOLLOW, finish, lookup, Walker } from "../vfs/walk.ts";
import { flags, path, printCString, printPointer } from "./args.ts";
import { type Arg, type SyscallDefinition, syscall } from "./define.ts";
import { readPath } from "./file-util.ts";
import { makeFileSystem, mayMount } from "./mount-permission.ts";

const MS_MGC_MASK = 0xffff0000;
const MS_MGC_VAL = 0xc0ed0000;
export const PROPAGATION: number = M.MS_SHARED | M.MS_PRIVATE | M.MS_SLAVE | M.MS_UNBINDABLE;
/** Flags that a mount keeps. */
const KEPT =
  M.MS_RDONLY |
  M.MS_NOSUID |
  M.MS_NODEV |
  M.MS_NOEXEC |
  M.MS_NOATIME |
  M.MS_NODIRATIME |
  M.MS_RELATIME |
  M.MS_NOSYMFOLLOW;

const ATIME = M.MS_NOATIME | M.MS_RELATIME;
const ATIME_FLAGS = ATIME | M.MS_NODIRATIME;

/** The flags that a new mount keeps: relatime unless told otherwise (path_mount()). */
function keptFlags(bits: number, old = 0): number {
  const flags = bits & KEPT & ~ATIME;
  const asked = bits & (ATIME | M.MS_STRICTATIME);
  // A remount that says nothing of access times leaves them as they were.
  if (asked === 0 && old !== 0) return flags | (old & ATIME);
  if (bits & M.MS_STRICTATIME) return flags | (bits & M.MS_NODIRATIME);
  return flags | (bits & M.MS_NOATIME ? M.MS_NOATIME : M.MS_RELATIME) | (bits & M.MS_NODIRATIME);
}

/** A string argument of mount(2): at most a page, EINVAL for more. */
function readMountString(task: Task, address: number): string {
  return address === 0 ? "" : decodeBytes(task.space.readCStringBytes(address, 4096, EINVAL));
}

function mount(task: Task, source: number, target: number, type: number, flagBits: number, data: number): number {
  const typeName = readMountString(task, type);
  const sourceName = source === 0 ? "none" : readMountString(task, source);
  // Whatever the data are, they are a page at most and need not end in a NUL.
  const options = data === 0 ? "" : readOptions(task, data);
  const where = lookup(task, undefined, readPath(task, target), FOLLOW);
  if (!mayMount(task)) return -EPERM;
  if (task.credentials.sandbox?.handlesFiles) return -EPERM;
  const bits = (flagBits & MS_MGC_MASK) >>> 0 === MS_MGC_VAL ? flagBits & ~MS_MGC_MASK : flagBits;
  const { mounts } = task.fs;
  if (bits & M.MS_REMOUNT) return remount(task, where, bits, options);
  if (bits & M.MS_BIND) {
    if (source === 0 || sourceName === "") return -EINVAL;
    const from = lookup(task, undefined, sourceName, FOLLOW);
    mounts.bind(from, where, (bits & M.MS_REC) !== 0);
    return 0;
  }
  if (bits & PROPAGATION) return changeType(task, where, bits);
  if (bits & M.MS_MOVE) {
    if (source === 0 || sourceName === "") return -EINVAL;
    const from = lookup(task, undefined, sourceName, FOLLOW);
    if (from.dentry !== from.mount.root) return -EINVAL;
    mounts.move(from.mount, where);
    return 0;
  }
  if (type === 0) return -EINVAL;
  const fs = makeFileSystem(task, typeName, { source: sourceName, data: options });
  if (bits & M.MS_RDONLY) mounts.setReadOnly(fs, true);
  mounts.mount(fs, where, sourceName, keptFlags(bits));
  return 0;
}

function readOptions(task: Task, address: number): string {
  const bytes = task.space.readablePrefix(address, 4096);
  const end = bytes.indexOf(0);
  return decodeBytes(bytes.subarray(0, end < 0 ? bytes.length : end));
}

function remount(task: Task, where: Path, bits: number, data: string): number {
  if (where.dentry !== where.mount.root) return -EINVAL;
  const { mount } = where;
  const flags = keptFlags(bits, mount.flags);
  checkLocked(mount, flags);
  const { fs } = mount;
  // With MS_BIND it is the mount's flags alone; without, the file system's options as well.
  const whole = (bits & M.MS_BIND) === 0;
  const readOnly = (flags & M.MS_RDONLY) !== 0;
  if (readOnly && !mount.readOnly && isWritten(task, (m) => (whole ? m.fs === fs : m === mount))) return -EBUSY;
  if (whole) {
    task.fs.mounts.reconfigure(fs, data);
    task.fs.mounts.setReadOnly(fs, readOnly);
  }
  mount.flags = flags;
  return 0;
}

/** can_change_locked_flags(): EPERM for what has come from more privileged users and is to be taken away. */
export function checkLocked({ lockedFlags, flags }: Mount, wanted: number): void {
  const kept = lockedFlags & ~ATIME_FLAGS;
  if ((kept & ~wanted) !== 0) throw errno(EPERM);
  const times = (bits: number): number => bits & ATIME_FLAGS;
  if ((lockedFlags & M.MS_NOATIME) !== 0 && times(flags) !== times(wanted)) throw errno(EPERM);
}

/** Some open file in such a mount may write to it. */
export function isWritten(task: Task, such: (mount: Mount) => boolean): boolean {
  for (const other of task.kernel.tasks.values()) {
    for (const fd of other.files.descriptors()) {
      const file = other.files.peek(fd);
      if (file?.path === undefined || !such(file.path.mount)) continue;
      if (file.inode.format === S_IFREG && isWritable(file)) return true;
    }
  }
  return false;
}

/** MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE: one of them, and MS_REC. */
function changeType(task: Task, where: Path, bits: number): number {
  const type = bits & PROPAGATION;
  if ((type & (type - 1)) !== 0 || bits & ~(PROPAGATION | M.MS_REC | M.MS_SILENT)) return -EINVAL;
  if (where.dentry !== where.mount.root) return -EINVAL;
  setPropagation(task, where.mount, type, (bits & M.MS_REC) !== 0);
  return 0;
}

/** Also mount_setattr(2). @param type one of MS_SHARED and its kin */
export function setPropagation(task: Task, top: Mount, type: number, recursive: boolean): void {
  const { mounts } = task.fs;
  for (const mount of recursive ? treeOf(top) : [top]) {
    if (type === M.MS_SHARED) mounts.makeShared(mount);
    else mounts.makeUnshared(mount, type === M.MS_SLAVE ? "slave" : type === M.MS_PRIVATE ? "private" : "unbindable");
  }
}

/** A working directory or root of a task, or an open file, lies in it. */
function isBusy(task: Task, mount: Mount): boolean {
  for (const other of task.kernel.tasks.values()) {
    if (other.state === "zombie" || other.state === "dead") continue;
    if (other.fs.cwd.mount === mount || other.fs.root.mount === mount) return true;
    for (const fd of other.files.descriptors()) if (other.files.peek(fd)?.path?.mount === mount) return true;
  }
  return false;
}

function umount(task: Task, address: number, bits: number): number {
  if (bits & ~(M.MNT_FORCE | M.MNT_DETACH | M.MNT_EXPIRE | M.UMOUNT_NOFOLLOW)) return -EINVAL;
  const walker = new Walker(task, undefined);
  walker.quiet = true;
  walker.begin(readPath(task, address));
  const { mount, dentry } = finish(walker, bits & M.UMOUNT_NOFOLLOW ? 0 : FOLLOW);
  if (!mayMount(task)) return -EPERM;
  const { mounts } = task.fs;
  if (task.credentials.sandbox?.handlesFiles) return -EPERM;
  if (dentry !== mount.root || mount.table !== mounts) return -EINVAL;
  const busy = (m: Mount): boolean => isBusy(task, m);
  if (bits & M.MNT_EXPIRE) {
    if (mount === task.fs.root.mount || bits & (M.MNT_FORCE | M.MNT_DETACH)) return -EINVAL;
    if (mount.children.length > 0 || busy(mount)) return -EBUSY;
    // The first call only marks it.
    if (!mount.expiring) {
      mount.expiring = true;
      return -EAGAIN;
    }
  }
  if (mount === mounts.root && (bits & M.MNT_DETACH) === 0) return -EBUSY;
  mounts.unmount(mount, (bits & M.MNT_DETACH) !== 0, busy);
  return 0;
}

/** pivot_root(2): the root becomes another mount, and what was the root is moved below it, for all who are there. */
function pivotRoot(task: Task, newRoot: number, putOld: number): number {
  if (!mayMount(task)) return -EPERM;
  const next = lookup(task, undefined, readPath(task, newRoot), FOLLOW | DIRECTORY);
  const put = lookup(task, undefined, readPath(task, putOld), FOLLOW | DIRECTORY);
  if (task.credentials.sandbox?.handlesFiles) return -EPERM;
  const old = task.fs.root;
  task.fs.mounts.pivot(next, put, old);
  for (const { fs } of task.kernel.tasks.values()) {
    if (fs.root.equals(old)) fs.root = next;
    if (fs.cwd.equals(old)) fs.cwd = next;
  }
  return 0;
}

const mountFlags = flags([
  [M.MS_RDONLY, "MS_RDONLY"],
  [M.MS_NOSUID, "MS_NOSUID"],
  [M.MS_NODEV, "MS_NODEV"],
  [M.MS_NOEXEC, "MS_NOEXEC"],
  [M.MS_SYNCHRONOUS, "MS_SYNCHRONOUS"],
  [M.MS_REMOUNT, "MS_REMOUNT"],
  [M.MS_NOATIME, "MS_NOATIME"],
  [M.MS_NODIRATIME, "MS_NODIRATIME"],
  [M.MS_BIND, "MS_BIND"],
  [M.MS_MOVE, "MS_MOVE"],
  [M.MS_REC, "MS_REC"],
  [M.MS_SILENT, "MS_SILENT"],
  [M.MS_UNBINDABLE, "MS_UNBINDABLE"],
  [M.MS_PRIVATE, "MS_PRIVATE"],
  [M.MS_SLAVE, "MS_SLAVE"],
  [M.MS_SHARED, "MS_SHARED"],
  [M.MS_RELATIME, "MS_RELATIME"],
  [M.MS_STRICTATIME, "MS_STRICTATIME"],
  [M.MS_LAZYTIME, "MS_LAZYTIME"],
]);
/** A type and options that the flags make no use of are shown as pointers. */
const mountedType: Arg = {
  kind: "u64",
  print: (v, c) =>
    (c.args[3] ?? 0) & (M.MS_REMOUNT | M.MS_BIND | M.MS_MOVE | PROPAGATION)
      ? printPointer(v)
      : printCString(v, c, c.stringLimit),
};
const mountData: Arg = {
  kind: "u64",
  print: (v, c) => {
    const flags = c.args[3] ?? 0;
    const unused = (flags & M.MS_REMOUNT) === 0 && (flags & (M.MS_BIND | M.MS_MOVE | PROPAGATION)) !== 0;
    return unused ? printPointer(v) : printCString(v, c, c.stringLimit);
  },
};

const umountFlags = flags([
  [M.MNT_FORCE, "MNT_FORCE"],
  [M.MNT_DETACH, "MNT_DETACH"],
  [M.MNT_EXPIRE, "MNT_EXPIRE"],
  [M.UMOUNT_NOFOLLOW, "UMOUNT_NOFOLLOW"],
]);
export const fileMountCalls: readonly SyscallDefinition[] = [
  syscall("mount", [path, path, mountedType, mountFlags, mountData], mount, {
    partial: "file systems: those that the machine knows by name",
  }),
  syscall("umount2", [path, umountFlags], umount),
  syscall("pivot_root", [path, path], pivotRoot),
];
