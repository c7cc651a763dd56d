/**
 * The two interfaces of the file world, and what passes between them.
 *
 * An *inode* is a thing in a file system: it has attributes, and contents or children. Its operations are synchronous and
 * never wait: all that a file system needs is at hand (memory, or the host's synchronous calls).
 *
 * A *file* is an open file description: what a descriptor refers to and fork shares. Its operations never wait either:
 * one that would have to answers `-EAGAIN`, and `poll` plus the wait queue say when to try again. Blocking is done once,
 * in the kernel, on top of that; so a pipe, a terminal and a socket block alike, and alike with signals and timeouts.
 *
 * Failures: throw `errno(X)`; where a call is hot (read, write) it may return `-X` instead.
 */
import type { WaitQueue } from "../util/wait-queue.ts";
import type { Leases } from "./lease.ts";
import type { FileLocks } from "./locks.ts";
import type { Watch } from "./notify.ts";
import type { Path } from "./path.ts";
import type { Sandbox } from "./sandbox.ts";

/** A point in time as a file system keeps it: seconds since 1970 (may be negative) and nanoseconds 0..999999999. */
export interface Timespec {
  readonly sec: number;
  readonly nsec: number;
}

/** Who asks: what permission checks need. A task's credentials have this shape. */
export interface Credentials {
  readonly fsuid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
  /** True if the capability (CAP_* number) is effective. */
  capable(capability: number): boolean;
  /** landlock(7); null: none. */
  readonly sandbox?: Sandbox | null;
  /** Also in a user namespace that does not have the run of the machine, for what belongs to somebody who is in it. */
  capableOver(capability: number, owner: { readonly uid: number; readonly gid: number }): boolean;
}

export interface Attributes {
  readonly dev: number;
  readonly ino: number;
  /** S_IFMT and permission bits. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Device number of a special file, as makedev() of abi/device.ts packs it. */
  readonly rdev: number;
  /** Bytes. */
  readonly size: number;
  readonly blksize: number;
  /** Units of 512 bytes. */
  readonly blocks: number;
  readonly atime: Timespec;
  readonly mtime: Timespec;
  readonly ctime: Timespec;
  readonly btime?: Timespec;
}

/** What `setAttributes` changes; what is absent stays. `mode` has permission bits only. */
export interface AttributeChange {
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number;
  atime?: Timespec;
  mtime?: Timespec;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly ino: number;
  /** DT_* of dirent.h. */
  readonly type: number;
}

/**
 * Names are JavaScript strings in which each byte that is not part of valid UTF-8 is kept as a lone surrogate
 * U+DC80..U+DCFF (as Python's surrogateescape does), so that every byte string survives: util/bytes.ts converts.
 */
export interface Inode {
  readonly fs: FileSystem;
  readonly ino: number;
  /** The S_IFMT bits of the mode, which never change: what the path walk asks at every step. */
  readonly format: number;
  /** Who watches it: inotify(7). */
  watches?: Set<Watch> | undefined;
  /** fcntl(2) and flock(2) locks on it, once there have been any. */
  locks?: FileLocks | undefined;
  attributes(): Attributes;
  /** Without permission checks: the caller has made them. Truncates or extends when `size` is given. */
  setAttributes(change: AttributeChange): void;

  /** Directories. `lookup` answers undefined for a name that is not there; never called with "." or "..". */
  lookup(name: string): Inode | undefined;
  /** `mode` with type and permission bits (umask applied); `rdev` for devices. EEXIST if the name is there. */
  create(name: string, mode: number, owner: { uid: number; gid: number }, rdev?: number): Inode;
  symlink(name: string, target: string, owner: { uid: number; gid: number }): Inode;
  link(name: string, target: Inode): void;
  unlink(name: string): void;
  rmdir(name: string): void;
  /** Moves `name` to `toName` in `toDir` of the same file system, replacing as rename(2) does. `exchange` swaps. */
  rename(name: string, toDir: Inode, toName: string, exchange?: boolean): void;
  /** All entries but "." and ".."; the order is stable while the directory does not change. */
  list(): readonly DirectoryEntry[];

  /** Symbolic links. */
  readlink(): string;
  /** Links of procfs whose text depends on who asks (/proc/self, /proc/self/cwd): used by the walk and readlink(2). */
  linkText?(context: OpenContext): string;

  /** Regular files: bytes read, fewer only at the end of the file. */
  read(position: number, into: Uint8Array): number;
  write(position: number, from: Uint8Array): number;

  /** Makes an open file for this inode, e.g. a device's or a pipe's. Regular files and directories get the generic one. */
  open?(flags: number, context: OpenContext, path: Path): File;

  /** Open files that may write to it, and address spaces whose program it is: the two exclude each other (ETXTBSY). */
  writers?: number;
  executions?: number;
  /** Open files that may only read it, and leases on it (lease.ts). */
  readers?: number;
  leases?: Leases | undefined;
  /** An open file or a mapping begins, and ends, to use the inode: contents may go once no user and no link is left. */
  opened?(): void;
  closed?(): void;
  /** Somebody uses it: between `opened` and `closed`. */
  readonly inUse?: boolean;

  /**
   * Magic links of procfs (/proc/self/fd/3, /proc/self/exe): where the link leads, by object and not by name. Undefined:
   * follow `readlink` as usual.
   */
  follow?(context: OpenContext): Path | undefined;

  /** Regular files: bytes, cheaper than `attributes().size`. */
  readonly size?: number;
  /** The contents were read: updates the access time, by the rules of relatime. */
  accessed?(): void;
  /** The contents are changed by somebody without CAP_FSETID: clears the set-user-ID and set-group-ID bits. */
  dropPrivileges?(credentials: Credentials): void;
  /** FS_*_FL of ioctl_iflags(2); absent: the file system has none. */
  fileFlags?: number;
  /** F_SET_RW_HINT: how long what is written will live, as somebody thinks. */
  writeHint?: number;
  /** F_SEAL_* of a memfd, and how more are added; absent on other files. */
  readonly seals?: number | undefined;
  addSeals?(seals: number): void;
  /** Regular files: the next data (`hole` false) or hole at or after `position`; undefined: none. Absent: all is data. */
  seekData?(position: number, hole: boolean): number | undefined;
  /** Regular files: fallocate(2) with FALLOC_FL_* in `mode`. */
  allocate?(mode: number, offset: number, length: number): void;
  /** Regular files: space for bytes that are about to be written through a mapping; false if there is none (SIGBUS). */
  reserve?(position: number, length: number): boolean;
  /** Directories: a regular file without a name (O_TMPFILE), which `link` may name later. */
  createTemporary?(mode: number, owner: { uid: number; gid: number }): Inode;

  getxattr?(name: string): Uint8Array;
  setxattr?(name: string, value: Uint8Array, flags: number): void;
  listxattr?(): readonly string[];
  removexattr?(name: string): void;
}

export interface FileSystemStatistics {
  readonly type: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly blocksFree: number;
  readonly files: number;
  readonly filesFree: number;
  readonly nameMax: number;
}

export interface FileSystem {
  /** As in /proc/mounts: tmpfs, overlay, proc, devtmpfs, 9p... */
  readonly type: string;
  /** Device number that `stat` shows. */
  readonly dev: number;
  readonly root: Inode;
  readonly readOnly: boolean;
  statistics(): FileSystemStatistics;
  /** Inodes with watches on them. */
  watched?: Set<Inode> | undefined;
  /** Names may not be cached between two lookups (procfs, host directories). */
  readonly volatile?: boolean;
}

/** Given to `Inode.open`: whatever a special file may need to know about its opener. Extended by the kernel. */
export interface OpenContext {
  readonly credentials: Credentials;
  /** The kernel's task, opaque here: devices that are registered by the kernel (tty, /proc/self) know its type. */
  readonly task?: unknown;
  /** Of the process, for sockets that tell whose a message is. */
  readonly pid?: number;
}

/** Poll bits (poll.h). */
export const POLLIN = 0x1;
export const POLLPRI = 0x2;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
export const POLLRDNORM = 0x40;
export const POLLRDBAND = 0x80;
export const POLLWRNORM = 0x100;
export const POLLWRBAND = 0x200;
export const POLLRDHUP = 0x2000;

/** F_OWNER_* of fcntl(2), with the ids of whoever set it. */
export interface SignalOwner {
  readonly type: number;
  readonly id: number;
  readonly uid: number;
  readonly euid: number;
  /** The sandbox that whoever set it was in, which keeps signals from others than its own process. */
  readonly sandbox: Sandbox | null;
  readonly process: unknown;
}

/**
 * An open file description. Subclasses override what they can do; the base answers as Linux does for a file without
 * the operation (EINVAL, ESPIPE, ENOTTY, EBADF is the caller's).
 */
export interface File {
  /** O_* as given to open, less O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC; F_SETFL changes some. */
  flags: number;
  /** For files with a position. */
  position: number;
  /** The inode behind it, for fstat, fchmod, mmap; pipes and sockets have an anonymous one. */
  readonly inode: Inode;
  /** Where it was opened, for fchdir, openat and /proc/self/fd; pipes and sockets have none. */
  readonly path: Path | undefined;
  /** The path by which it was opened, for /proc/self/fd and strace -y: "/etc/passwd", "pipe:[12]". */
  describe(): string;
  /** What /proc/[pid]/fdinfo shows beyond position and flags: whole lines. */
  details?(): string;
  /** At the current position, which it advances. Bytes, 0 at the end, or a negative errno (-EAGAIN: would block). */
  read(into: Uint8Array): number;
  /** Bytes written or a negative errno. -EAGAIN only if nothing was written. -EPIPE: the caller raises SIGPIPE. */
  write(from: Uint8Array): number;
  pread(into: Uint8Array, position: number): number;
  pwrite(from: Uint8Array, position: number): number;
  /** SEEK_*; the new position. */
  seek(offset: number, whence: number): number;
  /**
   * Asked by the kernel before each attempt to read or write: 0, or why this task may not now (a terminal's background
   * reader gets SIGTTIN and -ERESTARTSYS, an orphan's -EIO). Absent: always 0.
   */
  admit?(context: OpenContext, access: "read" | "write"): number;
  /** The poll bits that are true now, of all (not masked). */
  poll(): number;
  /** Woken whenever `poll` may have changed. Absent: always ready. */
  readonly queue?: WaitQueue;
  /** `argument` is a guest address or a number; `guest` reads and writes the caller's memory. May wait: a promise. */
  ioctl(request: number, argument: number, guest: GuestAccess, context: OpenContext): number | Promise<number>;
  /** Directories: entries from the position on are encoded by the caller. */
  entries?(): readonly DirectoryEntry[];
  /** The last reference is gone. */
  close(): void;
  /** After F_SETFL changed `flags`. */
  flagsChanged?(): void;
  /** F_SETOWN and F_SETSIG: who is to get SIGIO, and the signal instead of it. */
  owner?: SignalOwner;
  ownerSignal?: number;
  /** Ends what O_ASYNC has begun. */
  cancelAsync?: () => void;
  /** A write has found no room: O_ASYNC tells when there is some. */
  wantsRoom?: boolean;
  /** False: it has a queue and yet no use for O_ASYNC. */
  readonly sendsSignals?: boolean;
  /** What its opener's sandbox denies of it later on (FS_TRUNCATE, FS_IOCTL_DEV of landlock(7)). */
  denied?: number;
  /** The open that it is from has made the file. */
  created?: boolean;
  /** Called at each close(2) of a descriptor, as f_op->flush: POSIX locks, for example. */
  flush?(owner: unknown): void;
  references: number;
}

/** The caller's memory, with EFAULT for bad pointers: the AddressSpace has this shape. */
export interface GuestAccess {
  readable(address: number, length: number): Uint8Array;
  writable(address: number, length: number): Uint8Array;
  readU32(address: number): number;
  writeU32(address: number, value: number): void;
}
