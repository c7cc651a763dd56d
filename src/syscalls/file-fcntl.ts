/** fcntl(2), flock(2), and the ioctls that every file has. */
import { CAP_LINUX_IMMUTABLE, CAP_SYS_RESOURCE } from "../abi/capability.ts";
import { EACCES, EAGAIN, EBADF, EINVAL, ENOTTY, EOPNOTSUPP, EOVERFLOW, EPERM, EROFS, errno } from "../abi/errno.ts";
import * as F from "../abi/fcntl.ts";
import { FS_IOCTL_DEV } from "../abi/landlock.ts";
import { signalName } from "../abi/signal.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFREG } from "../abi/stat.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { isReadable, isWritable, release, retain } from "../vfs/file.ts";
import { FS_APPEND_FL, FS_IMMUTABLE_FL, isAppendOnly, KNOWN_FILE_FLAGS } from "../vfs/file-flags.ts";
import { FileLocks, isLockType, LOCK_END, type RecordLock } from "../vfs/locks.ts";
import { isOwner } from "../vfs/permission.ts";
import { PipeFile } from "../vfs/pipe.ts";
import type { File } from "../vfs/types.ts";
import { choice, fd, flags, printHex, printPointer } from "./args.ts";
import { type Arg, type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { printOpenFlags } from "./file-args.ts";
import {
  canBeAsync,
  getLease,
  getOwner,
  getOwnerEx,
  getOwnerIds,
  notifyOf,
  setAsync,
  setLease,
  setOwner,
  setOwnerEx,
} from "./file-async.ts";
import { ioctlArgument, ioctlCommand } from "./file-ioctl.ts";
import { fdLimit } from "./file-util.ts";

/** What F_SETFL changes. */
const SETFL_MASK = F.O_APPEND | F.O_NONBLOCK | F.O_DIRECT | F.O_NOATIME | F.FASYNC;
const FLOCK_SIZE = 32;
const RWH_WRITE_LIFE_EXTREME = 5;

const FIONCLEX = 0x5450;
const FIOCLEX = 0x5451;
const FIONBIO = 0x5421;
const FIOASYNC = 0x5452;
const FIOQSIZE = 0x5460;
const FIGETBSZ = 2;
const FIONREAD = 0x541b;
const FS_IOC_GETFLAGS = 0x8008_6601;
const FS_IOC_SETFLAGS = 0x4008_6602;

function fcntl(task: Task, fd: number, command: number, argument: number): SyscallResult {
  const { files } = task;
  const file = files.getAny(fd);
  const int = task.argumentInt(2);
  switch (command) {
    case F.F_DUPFD:
    case F.F_DUPFD_CLOEXEC: {
      if (int < 0 || int >= fdLimit(task)) return -EINVAL;
      return files.add(file, command === F.F_DUPFD_CLOEXEC, fdLimit(task), int);
    }
    case F.F_GETFD:
      return files.isCloseOnExec(fd) ? F.FD_CLOEXEC : 0;
    case F.F_SETFD:
      files.setCloseOnExec(fd, (int & F.FD_CLOEXEC) !== 0);
      return 0;
    case F.F_GETFL:
      return file.flags;
    case F.F_DUPFD_QUERY:
      return files.getAny(int) === file ? 1 : 0;
    case F.F_CREATED_QUERY:
      return file.created ? 1 : 0;
  }
  if (file.flags & F.O_PATH) return -EBADF;
  return fcntlOfFile(task, fd, file, command, argument);
}

function fcntlOfFile(task: Task, fd: number, file: File, command: number, argument: number): SyscallResult {
  const int = task.argumentInt(2);
  switch (command) {
    case F.F_SETFL:
      return setFlags(task, file, fd, int);
    case F.F_GETLK:
    case F.F_OFD_GETLK:
      return getLock(task, file, argument, command === F.F_OFD_GETLK);
    case F.F_SETLK:
    case F.F_OFD_SETLK:
      return setLock(task, file, argument, command === F.F_OFD_SETLK, false);
    case F.F_SETLKW:
    case F.F_OFD_SETLKW:
      return setLock(task, file, argument, command === F.F_OFD_SETLKW, true);
    case F.F_GETOWN:
      return getOwner(task, file);
    case F.F_SETOWN:
      return setOwner(task, file, int);
    case F.F_GETOWN_EX:
      return getOwnerEx(task, file, argument);
    case F.F_SETOWN_EX:
      return setOwnerEx(task, file, argument);
    case F.F_GETOWNER_UIDS:
      return getOwnerIds(task, file, argument);
    case F.F_GETSIG:
      return file.ownerSignal ?? 0;
    case F.F_SETSIG:
      if (int < 0 || int > 64) return -EINVAL;
      file.ownerSignal = int;
      return 0;
    case F.F_GETPIPE_SZ:
      return file instanceof PipeFile ? file.pipe.capacity : -EBADF;
    case F.F_SETPIPE_SZ:
      if (!(file instanceof PipeFile)) return -EBADF;
      return file.pipe.resize(int >>> 0, task.capable(CAP_SYS_RESOURCE) ? Infinity : task.kernel.tunables.pipeMaxSize);
    case F.F_GETLEASE:
      return getLease(file);
    case F.F_SETLEASE:
      return setLease(task, file, fd, int);
    case F.F_NOTIFY:
      return notifyOf(task, file, fd, int >>> 0);
    case F.F_GET_RW_HINT:
      task.space.writeNumber64(argument, file.inode.writeHint ?? 0);
      return 0;
    case F.F_SET_RW_HINT: {
      const hint = task.space.readNumber64(argument);
      if (hint > RWH_WRITE_LIFE_EXTREME) return -EINVAL;
      if (!isOwner(file.inode.attributes(), task.credentials)) return -EPERM;
      file.inode.writeHint = hint;
      return 0;
    }
    case F.F_ADD_SEALS:
      if (file.inode.addSeals === undefined || file.inode.seals === undefined) return -EINVAL;
      if (!isWritable(file) || file.inode.seals & F.F_SEAL_SEAL) return -EPERM;
      file.inode.addSeals(int);
      return 0;
    case F.F_GET_SEALS:
      return file.inode.seals ?? -EINVAL;
    default:
      return -EINVAL;
  }
}

function setFlags(task: Task, file: File, fd: number, flags: number): number {
  if ((flags ^ file.flags) & F.O_APPEND && isAppendOnly(file.inode)) return -EPERM;
  if (flags & F.O_NOATIME && !(file.flags & F.O_NOATIME)) {
    if (!isOwner(file.inode.attributes(), task.credentials)) return -EPERM;
  }
  // A file that has no use for O_ASYNC keeps it as it was.
  const mask = canBeAsync(file) ? SETFL_MASK : SETFL_MASK & ~F.FASYNC;
  const changed = (file.flags ^ flags) & mask & F.FASYNC;
  file.flags = (file.flags & ~mask) | (flags & mask);
  if (changed !== 0) setAsync(task, file, fd, (flags & F.FASYNC) !== 0);
  file.flagsChanged?.();
  return 0;
}

// Record locks: struct flock has l_type and l_whence (16 bits each), l_start at 8, l_len at 16, l_pid at 24.

function readLock(task: Task, file: File, address: number, ofd: boolean): RecordLock {
  const { space } = task;
  const type = space.readU16(address);
  const whence = space.readU16(address + 2);
  let start = space.readI64(address + 8);
  const length = space.readI64(address + 16);
  const pid = space.readI32(address + 24);
  if (ofd && pid !== 0) throw errno(EINVAL);
  if (whence === F.SEEK_CUR) start += BigInt(file.position);
  else if (whence === F.SEEK_END) start += BigInt(file.inode.attributes().size);
  else if (whence !== F.SEEK_SET) throw errno(EINVAL);
  if (start >= LOCK_END) throw errno(EOVERFLOW);
  if (start < 0n) throw errno(EINVAL);
  let end = length === 0n ? LOCK_END : start + length;
  if (length > 0n && end > LOCK_END) throw errno(EOVERFLOW);
  // A negative length means the bytes before the start.
  if (length < 0n) [start, end] = [start + length, start];
  if (start < 0n || !isLockType(type)) throw errno(EINVAL);
  return { type, start, end, file, owner: ofd ? file : task.process, pid: ofd ? -1 : task.process.pid };
}

function locksOf(file: File): FileLocks {
  file.inode.locks ??= new FileLocks();
  return file.inode.locks;
}

function getLock(task: Task, file: File, address: number, ofd: boolean): number {
  const wanted = readLock(task, file, address, ofd);
  // To ask for F_UNLCK makes sense for open file descriptions alone: which of its own locks is there.
  if (wanted.type === F.F_UNLCK && !ofd) return -EINVAL;
  const { space } = task;
  space.writable(address, FLOCK_SIZE);
  const { locks } = file.inode;
  const found = wanted.type === F.F_UNLCK ? locks?.own(wanted) : locks?.conflict(wanted);
  if (found === undefined) {
    space.writeU16(address, F.F_UNLCK);
    return 0;
  }
  space.writeU16(address, found.type);
  space.writeU16(address + 2, F.SEEK_SET);
  space.writeU64(address + 8, found.start);
  space.writeU64(address + 16, found.end === LOCK_END ? 0n : found.end - found.start);
  space.writeU32(address + 24, found.pid > 0 ? task.numberOf(found.pid) : found.pid);
  return 0;
}

function setLock(task: Task, file: File, address: number, ofd: boolean, wait: boolean): SyscallResult {
  const lock = readLock(task, file, address, ofd);
  if (lock.type === F.F_RDLCK && !isReadable(file)) return -EBADF;
  if (lock.type === F.F_WRLCK && !isWritable(file)) return -EBADF;
  const locks = locksOf(file);
  const result = locks.set(lock);
  if (result !== -EAGAIN || !wait) return result;
  return waitForLock(task, file, locks, lock, ofd);
}

async function waitForLock(task: Task, file: File, locks: FileLocks, lock: RecordLock, ofd: boolean): Promise<number> {
  const waiters = task.fs.mounts.lockWaiters;
  retain(file);
  try {
    return await block(task, locks.queue, () => {
      const result = locks.set(lock);
      // Linux looks for deadlock among processes only: fcntl(2), "Open file description locks".
      if (result === -EAGAIN && !ofd) waiters.begin(lock.owner, locks.conflict(lock)?.owner);
      return result;
    });
  } finally {
    waiters.end(lock.owner);
    release(file);
  }
}

function flock(task: Task, fd: number, operation: number): SyscallResult {
  const type = operation & ~F.LOCK_NB;
  if (type !== F.LOCK_SH && type !== F.LOCK_EX && type !== F.LOCK_UN) return -EINVAL;
  const file = task.files.get(fd);
  const locks = locksOf(file);
  const result = locks.flock(file, type, task.process.pid);
  if (result !== -EAGAIN || operation & F.LOCK_NB) return result;
  return waitForFlock(task, file, locks, type);
}

async function waitForFlock(task: Task, file: File, locks: FileLocks, type: number): Promise<number> {
  retain(file);
  try {
    return await block(task, locks.queue, () => locks.flock(file, type, task.process.pid));
  } finally {
    release(file);
  }
}

/** What does not concern the device: landlock(7) leaves it be (FIFREEZE, FITHAW, FS_IOC_FIEMAP, FICLONE and their like among them). */
const ALWAYS_ALLOWED: ReadonlySet<number> = new Set([
  FIOCLEX,
  FIONCLEX,
  FIONBIO,
  FIOASYNC,
  FIOQSIZE,
  FIGETBSZ,
  0xc004_5877,
  0xc004_5878,
  0xc020_660b,
  0x4004_9409,
  0x4020_940d,
  0xc018_9436,
  0x8011_1500,
  0x8081_1501,
]);

function ioctl(task: Task, fd: number, request: number, argument: number): SyscallResult {
  const file = task.files.get(fd);
  const { space } = task;
  if (((file.denied ?? 0) & FS_IOCTL_DEV) !== 0 && isDevice(file) && !ALWAYS_ALLOWED.has(request)) return -EACCES;
  switch (request) {
    case FIOCLEX:
      task.files.setCloseOnExec(fd, true);
      return 0;
    case FIONCLEX:
      task.files.setCloseOnExec(fd, false);
      return 0;
    case FIONBIO:
      setBit(file, F.O_NONBLOCK, space.readU32(argument) !== 0);
      return 0;
    case FIOASYNC: {
      const on = space.readU32(argument) !== 0;
      if (on === ((file.flags & F.FASYNC) !== 0)) return 0;
      if (!canBeAsync(file)) return -ENOTTY;
      setBit(file, F.FASYNC, on);
      setAsync(task, file, fd, on);
      return 0;
    }
    case FIOQSIZE:
      if (file.inode.format !== S_IFREG && file.inode.format !== S_IFDIR) return -ENOTTY;
      space.writeNumber64(argument, file.inode.attributes().size);
      return 0;
    case FIGETBSZ:
      if (file.path === undefined) break;
      space.writeU32(argument, file.inode.fs.statistics().blockSize);
      return 0;
    case FS_IOC_GETFLAGS:
      if (!hasFileFlags(file)) break;
      space.writeU32(argument, file.inode.fileFlags ?? 0);
      return 0;
    case FS_IOC_SETFLAGS:
      if (!hasFileFlags(file)) break;
      return setFileFlags(task, file, space.readU32(argument));
    case FIONREAD:
      if (file.inode.format !== S_IFREG || file.inode.fs === task.fs.mounts.special.anonfs) break;
      space.writeU32(argument, Math.max(0, file.inode.attributes().size - file.position));
      return 0;
  }
  return file.ioctl(request, argument, space, task);
}

function isDevice({ inode: { format } }: File): boolean {
  return format === S_IFCHR || format === S_IFBLK;
}

function hasFileFlags({ inode }: File): boolean {
  return inode.fileFlags !== undefined && (inode.format === S_IFREG || inode.format === S_IFDIR);
}

/** chattr(1): what forbids much takes a capability of its own. */
function setFileFlags(task: Task, file: File, flags: number): number {
  const { inode } = file;
  if (file.path?.mount.readOnly) return -EROFS;
  if (!isOwner(inode.attributes(), task.credentials)) return -EPERM;
  if (flags & ~KNOWN_FILE_FLAGS) return -EOPNOTSUPP;
  const changed = flags ^ (inode.fileFlags ?? 0);
  if (changed & (FS_IMMUTABLE_FL | FS_APPEND_FL) && !task.capable(CAP_LINUX_IMMUTABLE)) return -EPERM;
  inode.fileFlags = flags;
  return 0;
}

function setBit(file: File, bit: number, on: boolean): void {
  file.flags = on ? file.flags | bit : file.flags & ~bit;
  file.flagsChanged?.();
}

// How strace shows them.

const COMMANDS: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(F)
    .filter(([name]) => /^F_(DUPFD|GET|SET|OFD|NOTIFY|ADD_SEALS)/.test(name))
    .map(([name, value]) => [value, name]),
);

const fcntlCommand: Arg = choice(COMMANDS, "F_???");
const LOCK_TYPES: Readonly<Record<number, string>> = { 0: "F_RDLCK", 1: "F_WRLCK", 2: "F_UNLCK" };
const WHENCE: Readonly<Record<number, string>> = { 0: "SEEK_SET", 1: "SEEK_CUR", 2: "SEEK_END" };
const sealFlags: Arg = flags([
  [F.F_SEAL_SEAL, "F_SEAL_SEAL"],
  [F.F_SEAL_SHRINK, "F_SEAL_SHRINK"],
  [F.F_SEAL_GROW, "F_SEAL_GROW"],
  [F.F_SEAL_WRITE, "F_SEAL_WRITE"],
  [F.F_SEAL_FUTURE_WRITE, "F_SEAL_FUTURE_WRITE"],
  [F.F_SEAL_EXEC, "F_SEAL_EXEC"],
]);

/** Commands that take no argument, and those whose argument the kernel fills in. */
const WITHOUT: ReadonlySet<number> = new Set([
  F.F_GETFD,
  F.F_GETFL,
  F.F_GETOWN,
  F.F_GETSIG,
  F.F_GETLEASE,
  F.F_GETPIPE_SZ,
  F.F_GET_SEALS,
]);

const OWNER_TYPES: Readonly<Record<number, string>> = { 0: "F_OWNER_TID", 1: "F_OWNER_PID", 2: "F_OWNER_PGRP" };

const fcntlArgument: Arg = {
  // Signed, for F_SETOWN's negative group; addresses are positive.
  kind: "i64",
  out: (args) => args[1] === F.F_GETLK || args[1] === F.F_OFD_GETLK || args[1] === F.F_GETOWN_EX,
  print: (v, c) => {
    const command = c.args[1] ?? -1;
    if (WITHOUT.has(command)) return "";
    switch (command) {
      case F.F_SETFD:
        return v === F.FD_CLOEXEC ? "FD_CLOEXEC" : printHex(v);
      case F.F_SETFL:
        return printOpenFlags(v);
      case F.F_ADD_SEALS:
        return sealFlags.print(v, c);
      case F.F_GETLK:
      case F.F_SETLK:
      case F.F_SETLKW:
      case F.F_OFD_GETLK:
      case F.F_OFD_SETLK:
      case F.F_OFD_SETLKW: {
        const bytes = c.peek(v, FLOCK_SIZE);
        if (bytes === undefined || bytes.length < FLOCK_SIZE) return printPointer(v);
        const view = new DataView(bytes.buffer, bytes.byteOffset, FLOCK_SIZE);
        const type = view.getInt16(0, true);
        const whence = view.getInt16(2, true);
        const pid = command === F.F_GETLK || command === F.F_OFD_GETLK ? `, l_pid=${view.getInt32(24, true)}` : "";
        return (
          `{l_type=${LOCK_TYPES[type] ?? `${printHex(type)} /* F_??? */`}, ` +
          `l_whence=${WHENCE[whence] ?? `${printHex(whence)} /* SEEK_??? */`}, ` +
          `l_start=${view.getBigInt64(8, true)}, l_len=${view.getBigInt64(16, true)}${pid}}`
        );
      }
      case F.F_DUPFD:
      case F.F_DUPFD_CLOEXEC:
      case F.F_SETOWN:
      case F.F_SETPIPE_SZ:
        return String(v);
      case F.F_SETSIG:
        return v === 0 ? "0" : signalName(v);
      case F.F_SETLEASE:
        return LOCK_TYPES[v] ?? `${printHex(v)} /* F_??? */`;
      case F.F_SETOWN_EX:
      case F.F_GETOWN_EX: {
        const bytes = c.peek(v, 8);
        if (bytes === undefined || bytes.length < 8 || (c.result !== undefined && c.result < 0)) return printPointer(v);
        const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
        const type = view.getInt32(0, true);
        return `{type=${OWNER_TYPES[type] ?? `${printHex(type)} /* F_OWNER_??? */`}, pid=${view.getInt32(4, true)}}`;
      }
      default:
        return v < 0 ? `0x${BigInt.asUintN(64, BigInt(v)).toString(16)}` : printHex(v);
    }
  },
};

export const fileControlCalls: readonly SyscallDefinition[] = [
  syscall(
    "fcntl",
    [fd, fcntlCommand, fcntlArgument],
    (task, fd, command, argument) => fcntl(task, fd, command, argument),
    {
      printResult: (result, c) => {
        const command = c.args[1];
        if (command === F.F_DUPFD || command === F.F_DUPFD_CLOEXEC) return c.fd(result);
        if (command === F.F_GETFD) return result === 0 ? "0" : `${printHex(result)} (flags FD_CLOEXEC)`;
        if (command === F.F_GETFL) return `${printHex(result)} (flags ${printOpenFlags(result)})`;
        return String(result);
      },
    },
  ),
  syscall(
    "flock",
    [
      fd,
      flags(
        [
          [F.LOCK_SH, "LOCK_SH"],
          [F.LOCK_EX, "LOCK_EX"],

          [F.LOCK_NB, "LOCK_NB"],
          [F.LOCK_UN, "LOCK_UN"],
          [32, "LOCK_MAND"],
          [64, "LOCK_READ"],
          [128, "LOCK_WRITE"],
        ],
        "0",
        "LOCK_???",
      ),
    ],
    flock,
  ),
  syscall("ioctl", [fd, ioctlCommand, ioctlArgument], ioctl),
];
