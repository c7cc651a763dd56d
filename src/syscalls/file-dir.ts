/** Directories: reading them, and the caller's working and root directory. */
import { CAP_SYS_CHROOT } from "../abi/capability.ts";
import { EACCES, EINVAL, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, ERANGE, errno } from "../abi/errno.ts";
import { PATH_MAX } from "../abi/fcntl.ts";
import type { Task } from "../proc/task.ts";
import { encodeBytes } from "../util/bytes.ts";
import { quote } from "../util/quote.ts";
import { type Path, workingDirectoryName } from "../vfs/path.ts";
import { allowed, MAY_EXEC } from "../vfs/permission.ts";
import type { DirectoryEntry } from "../vfs/types.ts";
import { DIRECTORY, FOLLOW, lookup } from "../vfs/walk.ts";
import { fd, mode, path, printMode, size, uint } from "./args.ts";
import { type Arg, type SyscallDefinition, syscall } from "./define.ts";
import { entriesBuffer } from "./file-stat-args.ts";
import { readPath } from "./file-util.ts";

/** Bytes before the name: struct linux_dirent64, and the older struct linux_dirent, whose type comes after the name. */
const HEADER_64 = 19;
const HEADER_OLD = 18;

function getdents(task: Task, number: number, address: number, count: number, wide: boolean): number {
  const file = task.files.get(number);
  if (file.entries === undefined) throw errno(ENOTDIR);
  if (file.path?.dentry.deleted) throw errno(ENOENT);
  const entries = file.entries();
  let done = 0;
  while (file.position < entries.length) {
    const { name, ino, type } = entries[file.position] as DirectoryEntry;
    const bytes = encodeBytes(name);
    const header = wide ? HEADER_64 : HEADER_OLD;
    // Old: the type is in the record's last byte, after the name's NUL.
    const length = (header + bytes.length + (wide ? 1 : 2) + 7) & ~7;
    if (done + length > count) {
      if (done === 0) return -EINVAL;
      break;
    }
    let record: Uint8Array;
    try {
      record = task.space.writable(address + done, length);
    } catch (e) {
      if (done > 0) break;
      throw e;
    }
    record.fill(0);
    const view = new DataView(record.buffer, record.byteOffset, length);
    view.setBigUint64(0, BigInt(ino), true);
    view.setBigInt64(8, BigInt(file.position + 1), true);
    view.setUint16(16, length, true);
    if (wide) record[18] = type;
    else record[length - 1] = type;
    record.set(bytes, header);
    done += length;
    file.position++;
  }
  return done;
}

function getcwd(task: Task, address: number, length: number): number {
  const name = encodeBytes(workingDirectoryName(task.fs.cwd, task.fs.root));
  const n = name.length + 1;
  if (n > PATH_MAX) return -ENAMETOOLONG;
  if (n > length) return -ERANGE;
  const into = task.space.writable(address, n);
  into.set(name);
  into[n - 1] = 0;
  return n;
}

function checkEnter(task: Task, place: Path): void {
  if (!place.dentry.isDirectory) throw errno(ENOTDIR);
  if (!allowed(place.inode, task.credentials, MAY_EXEC)) throw errno(EACCES);
}

const cwdOut: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => {
    const bytes = c.result !== undefined && c.result > 0 ? c.peek(v, c.result - 1) : undefined;
    return bytes === undefined ? (v === 0 ? "NULL" : `0x${v.toString(16)}`) : quote(bytes, c.hex);
  },
};

export const fileDirCalls: readonly SyscallDefinition[] = [
  syscall("getdents", [fd, entriesBuffer, uint], (task, fd, address, count) =>
    getdents(task, fd, address, count, false),
  ),
  syscall("getdents64", [fd, entriesBuffer, uint], (task, fd, address, count) =>
    getdents(task, fd, address, count, true),
  ),
  syscall("getcwd", [cwdOut, size], getcwd),
  syscall("chdir", [path], (task, address) => {
    const place = lookup(task, undefined, readPath(task, address), FOLLOW | DIRECTORY);
    checkEnter(task, place);
    task.fs.cwd = place;
    return 0;
  }),
  syscall("fchdir", [fd], (task, fd) => {
    const { path } = task.files.getAny(fd);
    if (path === undefined) return -ENOTDIR;
    checkEnter(task, path);
    task.fs.cwd = path;
    return 0;
  }),
  syscall("chroot", [path], (task, address) => {
    const place = lookup(task, undefined, readPath(task, address), FOLLOW | DIRECTORY);
    checkEnter(task, place);
    if (!task.credentials.hasEffective(CAP_SYS_CHROOT)) return -EPERM;
    task.fs.root = place;
    return 0;
  }),
  syscall(
    "umask",
    [mode],
    (task, mask) => {
      const old = task.fs.umask;
      task.fs.umask = mask & 0o777;
      return old;
    },
    { printResult: (result) => printMode(result) },
  ),
];
