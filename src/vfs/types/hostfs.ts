/**
 * A directory of the host, or a memfs volume: any object that has the synchronous functions of Node's `fs`.
 *
 * The guest cannot leave the directory. Every component of a guest path is looked up here by its own lstat; what the host
 * says is a symbolic link is given to the guest's path walk as text and interpreted inside the guest's tree. The host is
 * only ever given paths below the directory whose components were seen to be directories (and are looked at again once any
 * mount has removed or renamed something, see HostChanges), and files are opened with O_NOFOLLOW. (A process of the host that swaps a directory for a link between two steps can still fool it, as with any
 * server that works by path.)
 *
 * The host may change names at any time, so the file system is `volatile`: the host is asked again and again, though not twice in a
 * turn of the event loop if nothing has changed (see `noted`). An inode is kept for as long as the host shows the same device,
 * number and type under the name.
 */
import {
  EACCES,
  EBADF,
  EINVAL,
  EIO,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EOPNOTSUPP,
  EPERM,
  EROFS,
  ESTALE,
  errno,
  errnoNumber,
} from "../../abi/errno.ts";
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } from "../../abi/fcntl.ts";
import { direntType, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_IXGRP } from "../../abi/stat.ts";
import { V9FS_MAGIC } from "../../abi/statfs.ts";
import { decodeBytes, encodeBytes } from "../../util/bytes.ts";
import { BaseInode, type Owner, timespecOf } from "../inode.ts";
import { inGroup } from "../permission.ts";
import type {
  AttributeChange,
  Attributes,
  Credentials,
  DirectoryEntry,
  FileSystem,
  FileSystemStatistics,
  Inode,
  Timespec,
} from "../types.ts";
import { byteLength } from "../walk.ts";

/** What lstatSync and fstatSync give with `bigint: true`. */
export interface HostStats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  readonly size: bigint;
  readonly blksize: bigint;
  readonly blocks: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly birthtimeNs?: bigint;
}

/** Bytes where a name is not UTF-8. */
export type HostPath = string | Uint8Array;

/** The part of Node's `fs` module that is used: `node:fs` itself and memfs have this shape. */
export interface HostFileSystem {
  lstatSync(path: HostPath, options: { bigint: true }): HostStats;
  fstatSync(fd: number, options: { bigint: true }): HostStats;
  readdirSync(path: HostPath, options: { encoding: "buffer" }): readonly (Uint8Array | string)[];
  readlinkSync(path: HostPath, options: { encoding: "buffer" }): Uint8Array | string;
  openSync(path: HostPath, flags: number, mode?: number): number;
  closeSync(fd: number): void;
  readSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  writeSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  ftruncateSync(fd: number, length: number): void;
  mkdirSync(path: HostPath, options: { mode: number }): unknown;
  rmdirSync(path: HostPath): void;
  unlinkSync(path: HostPath): void;
  renameSync(from: HostPath, to: HostPath): void;
  linkSync(existing: HostPath, path: HostPath): void;
  symlinkSync(target: HostPath, path: HostPath): void;
  chmodSync(path: HostPath, mode: number): void;
  lchownSync(path: HostPath, uid: number, gid: number): void;
  lutimesSync(path: HostPath, atime: number | Date, mtime: number | Date): void;
  statfsSync?(path: HostPath): { bsize: number; blocks: number; bfree: number; files: number; ffree: number };
}

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const FALLOC_FL_ZERO_RANGE = 16;
/** Zeros written at a time. */
const ZEROS = 1 << 16;
/** Descriptors of closed files that are kept till the end of a turn. */
const MOST_LINGERING = 16;
/** Bytes of a file whose contents are noted. */
const MOST_NOTED = 65_536;

export interface HostFsOptions {
  readonly dev: number;
  /** The directory that becomes the root. */
  readonly directory: string;
  readonly readOnly?: boolean;
  /** Shown as the owner of everything. Default: the host's own numbers. */
  readonly owner?: Owner;
  /** One for all mounts of a machine. */
  readonly changes?: HostChanges;
}

/**
 * Counts the changes of names that were made through any of the mounts that share it. Two mounts may show the same host
 * directory; what one of them moves away and replaces by a link must not lead the other astray.
 */
export class HostChanges {
  count = 0;
  /**
   * Changes of anything, of names, contents or attributes; and turns of the event loop, in which the host may have changed
   * something. What the host has said holds as long as this stays.
   */
  any = 0;

  /** Names were removed or renamed. */
  names(): void {
    this.count++;
    this.any++;
  }
}

/** Runs a call of the host and turns its failure into an errno. */
function host<T>(call: () => T): T {
  try {
    return call();
  } catch (e) {
    const { code } = e as { code?: unknown };
    // Without a code, or with one of Node's own (ERR_INVALID_ARG_TYPE), it is not the host's answer but our mistake.
    if (typeof code !== "string" || code.startsWith("ERR_")) throw e;
    throw errno(errnoNumber(code) ?? EIO);
  }
}

const STAT = { bigint: true } as const;
const BYTES = { encoding: "buffer" } as const;

export class HostFs implements FileSystem {
  readonly type: string = "9p";
  readonly dev: number;
  readonly readOnly: boolean;
  readonly volatile: boolean = true;
  readonly root: HostInode;
  readonly host: HostFileSystem;
  readonly directory: string;
  readonly owner: Owner | undefined;
  readonly changes: HostChanges;
  /** The host's calls are those of an operating system, not of an imitation such as memfs, which lies on device 0. */
  readonly exact: boolean;
  /** What a name must not have in it: on Windows also what separates there. */
  readonly separators: RegExp;
  /** Devices of the host that are met below the directory, for inode numbers that differ. */
  readonly #devices: Map<bigint, bigint> = new Map();
  /** Nobody has them open any more, but the host's descriptor is still there, see `linger`. */
  readonly #lingering: HostInode[] = [];
  /** Their contents are noted. */
  readonly #noted: HostInode[] = [];
  /** The end of this turn of the event loop is waited for. */
  #ending = false;

  constructor(os: HostFileSystem, options: HostFsOptions) {
    this.host = os;
    this.dev = options.dev;
    this.readOnly = options.readOnly ?? false;
    this.owner = options.owner;
    this.changes = options.changes ?? new HostChanges();
    this.directory = options.directory.replace(/(?<=.)\/+$/, "");
    this.separators = /^([a-z]:|\\\\)/i.test(options.directory) ? /[/\0\\:]/ : /[/\0]/;
    const stats = this.stat(this.directory);
    this.exact = BigInt(stats.dev) !== 0n;
    this.root = new HostInode(this, undefined, "", stats);
    if (this.root.format !== S_IFDIR) throw errno(ENOTDIR);
  }

  stat(path: HostPath): HostStats {
    return host(() => this.host.lstatSync(path, STAT));
  }

  /**
   * What the host says now may be used until the guest changes something or the event loop has gone on: only then can the guest
   * have heard of a change that the host has made since. A server that gives out one file to a hundred clients asks once.
   * @returns the value of `changes.any` for which it holds
   */
  noted(): number {
    this.#expire();
    return this.changes.any;
  }

  /** The descriptor of a file that was closed is kept for whoever opens it next, as long as what was noted holds. */
  linger(inode: HostInode): void {
    this.#lingering.push(inode);
    if (this.#lingering.length > MOST_LINGERING) this.#lingering.shift()?.letGo();
    this.#expire();
  }

  keepContent(inode: HostInode): void {
    this.#noted.push(inode);
    if (this.#noted.length > MOST_LINGERING) this.#noted.shift()?.dropContent();
    this.#expire();
  }

  #expire(): void {
    if (this.#ending) return;
    this.#ending = true;
    void Promise.resolve().then(() => {
      this.#ending = false;
      this.changes.any++;
      for (const inode of this.#lingering.splice(0)) inode.letGo();
      for (const inode of this.#noted.splice(0)) inode.dropContent();
    });
  }

  ino(stats: HostStats): number {
    let index = this.#devices.get(stats.dev);
    if (index === undefined) {
      index = BigInt(this.#devices.size);
      this.#devices.set(stats.dev, index);
    }
    return Number((BigInt(stats.ino) + (index << 44n)) & 0x1f_ffff_ffff_ffffn);
  }

  statistics(): FileSystemStatistics {
    const s = this.host.statfsSync?.(this.directory);
    return {
      type: V9FS_MAGIC,
      blockSize: s?.bsize ?? 4096,
      blocks: s?.blocks ?? 0,
      blocksFree: s?.bfree ?? 0,
      files: s?.files ?? 0,
      filesFree: s?.ffree ?? 0,
      nameMax: 255,
    };
  }
}

export class HostInode extends BaseInode {
  readonly fs: HostFs;
  readonly ino: number;
  readonly format: number;
  #parent: HostInode | undefined;
  #name: string;
  readonly #identity: string;
  /** `changes.count` when the path to here was last seen to lead here. */
  #verifiedAt: number;
  readonly #children: Map<string, HostInode> = new Map();
  #users = 0;
  #readFd = -1;
  #writeFd = -1;
  #lingers = false;
  /** What the host has said last, and `changes.any` for which it holds. */
  #stats: HostStats | undefined;
  #attributes: Attributes | undefined;
  #notedAt = -1;
  /** All of its bytes, and `changes.any` for which that holds; or none as yet, if it was read at that time. */
  #content: Uint8Array | undefined;
  #contentAt = -1;
  /** An access time that has stayed as it was when the file was read: most hosts note the first access only. */
  #lastingAtime: bigint | undefined;
  /** What it was when its last name went: somebody may still have it open, or work in it. */
  #removed: Attributes | undefined;

  constructor(fs: HostFs, parent: HostInode | undefined, name: string, stats: HostStats) {
    super();
    this.fs = fs;
    this.#parent = parent;
    this.#name = name;
    this.ino = fs.ino(stats);
    this.format = Number(stats.mode) & S_IFMT;
    this.#identity = identity(stats);
    this.#verifiedAt = fs.changes.count;
  }

  // Paths of the host.

  #text(): string {
    if (this.#parent === undefined) return this.fs.directory;
    const text = join(this.#parent.#text(), this.#name);
    const { count } = this.fs.changes;
    if (this.#verifiedAt !== count) {
      // Names have changed since: is this still the way to here?
      if (identity(this.fs.stat(hostPath(text))) !== this.#identity) throw errno(ESTALE);
      this.#verifiedAt = count;
    }
    return text;
  }

  #path(): HostPath {
    return hostPath(this.#text());
  }

  #childPath(name: string): HostPath {
    return hostPath(join(this.#text(), name));
  }

  /** A name from the guest is one component; that nothing else ever reaches the host is what keeps the guest inside. */
  #checkName(name: string): void {
    if (name === "" || name === "." || name === ".." || this.fs.separators.test(name)) throw errno(EINVAL);
  }

  // Attributes.

  attributes(): Attributes {
    if (this.#removed !== undefined) return this.#removed;
    if (this.isNoted() && this.#attributes !== undefined) return this.#attributes;
    const { fs } = this;
    const s = this.#ask();
    return (this.#attributes = {
      dev: fs.dev,
      ino: this.ino,
      mode: Number(s.mode),
      nlink: Number(s.nlink),
      uid: fs.owner?.uid ?? Number(s.uid),
      gid: fs.owner?.gid ?? Number(s.gid),
      rdev: Number(s.rdev),
      // memfs says 0 for a symbolic link.
      size: this.format === S_IFLNK && Number(s.size) === 0 ? byteLength(this.readlink()) : Number(s.size),
      blksize: Number(s.blksize),
      blocks: Number(s.blocks),
      atime: timespecOf(s.atimeNs),
      mtime: timespecOf(s.mtimeNs),
      ctime: timespecOf(s.ctimeNs),
      ...(s.birthtimeNs === undefined ? {} : { btime: timespecOf(s.birthtimeNs) }),
    });
  }

  isNoted(): boolean {
    return this.#notedAt === this.fs.changes.any;
  }

  #ask(): HostStats {
    if (this.isNoted() && this.#stats !== undefined) return this.#stats;
    const { fs } = this;
    const fd = this.#readFd >= 0 ? this.#readFd : this.#writeFd;
    const stats = fd >= 0 ? host(() => fs.host.fstatSync(fd, STAT)) : fs.stat(this.#path());
    this.#note(stats);
    return stats;
  }

  #note(stats: HostStats): void {
    // Was it read since, and does it not show?
    const wasRead = this.#stats !== undefined && this.#notedAt < 0;
    this.#lastingAtime = wasRead && this.#stats?.atimeNs === stats.atimeNs ? stats.atimeNs : undefined;
    this.#stats = stats;
    this.#attributes = undefined;
    this.#notedAt = this.fs.noted();
  }

  /** Its contents were read: the host may have changed the access time. */
  #wasRead(): void {
    if (this.#stats !== undefined && this.#stats.atimeNs !== this.#lastingAtime) this.#notedAt = -1;
  }

  #checkWritable(): void {
    if (this.fs.readOnly) throw errno(EROFS);
    this.fs.changes.any++;
  }

  override setAttributes(change: AttributeChange): void {
    this.#checkWritable();
    try {
      this.#change(change);
    } finally {
      // What was there was asked for on the way.
      this.fs.changes.any++;
    }
  }

  #change(change: AttributeChange): void {
    const { host: os, owner } = this.fs;
    const { size, mode, uid, gid } = change;
    if (size !== undefined) this.#withFd(true, (fd) => host(() => os.ftruncateSync(fd, size)));
    if (uid !== undefined || gid !== undefined) {
      if (owner !== undefined) {
        if ((uid ?? owner.uid) !== owner.uid || (gid ?? owner.gid) !== owner.gid) throw errno(EPERM);
      } else {
        const now = this.attributes();
        host(() => os.lchownSync(this.#path(), uid ?? now.uid, gid ?? now.gid));
      }
    }
    if (mode !== undefined) {
      // The host's chmod would follow a link.
      if (this.format === S_IFLNK) throw errno(EPERM);
      host(() => os.chmodSync(this.#path(), mode & 0o7777));
    }
    if (change.atime !== undefined || change.mtime !== undefined) {
      const now = this.attributes();
      const atime = seconds(change.atime ?? now.atime);
      const mtime = seconds(change.mtime ?? now.mtime);
      host(() => os.lutimesSync(this.#path(), atime, mtime));
    }
  }

  /**
   * fallocate(2), as far as Node can: what is to be zero is written so, and a longer file is a longer file. That there will be
   * room cannot be promised.
   */
  allocate(mode: number, offset: number, length: number): void {
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) throw errno(EOPNOTSUPP);
    const { size } = this.attributes();
    const end = offset + length;
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
      const zeros = new Uint8Array(Math.min(ZEROS, Math.max(0, Math.min(end, size) - offset)));
      for (let at = offset; at < Math.min(end, size); at += zeros.length) {
        this.write(at, zeros.subarray(0, Math.min(zeros.length, Math.min(end, size) - at)));
      }
    }
    if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && end > size) this.setAttributes({ size: end });
  }

  /** The host would do it for a writer of its own, but the one who writes there may be privileged. */
  dropPrivileges(credentials: Credentials): void {
    const { mode, gid } = this.attributes();
    let gone = mode & S_ISUID;
    if (mode & S_IXGRP || !inGroup(credentials, gid)) gone |= mode & S_ISGID;
    if (gone !== 0) this.setAttributes({ mode: mode & 0o7777 & ~gone });
  }

  // Directories.

  override lookup(name: string): HostInode | undefined {
    if (this.format !== S_IFDIR) throw errno(ENOTDIR);
    if (this.#removed !== undefined) return undefined;
    const known = this.#children.get(name);
    if (known?.isNoted()) return known;
    this.#checkName(name);
    const { changes } = this.fs;
    let stats: HostStats;
    try {
      stats = this.fs.stat(this.#childPath(name));
    } catch (e) {
      if ((e as { code?: unknown }).code !== ENOENT) throw e;
      if (this.#children.delete(name)) changes.any++;
      return undefined;
    }
    const child = this.#child(name, stats);
    // Who sees what is new must not see what was before it elsewhere.
    if (child !== known) changes.any++;
    child.#note(stats);
    return child;
  }

  #child(name: string, stats: HostStats): HostInode {
    const known = this.#children.get(name);
    if (known !== undefined && known.#identity === identity(stats)) return known;
    const child = new HostInode(this.fs, this, name, stats);
    this.#children.set(name, child);
    return child;
  }

  override create(name: string, mode: number, owner: Owner, _rdev?: number): HostInode {
    this.#checkWritable();
    this.#checkName(name);
    const { host: os } = this.fs;
    const path = this.#childPath(name);
    const format = mode & S_IFMT;
    const bits = mode & 0o7777;
    if (format === S_IFDIR) host(() => os.mkdirSync(path, { mode: bits }));
    else if (format === S_IFREG) {
      const flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW;
      os.closeSync(host(() => os.openSync(path, flags, bits)));
    } else throw errno(EPERM);
    return this.#made(name, owner, bits);
  }

  /** After a name was made: mode without the host's umask, and the owner if the host lets us. */
  #made(name: string, owner: Owner, mode: number | undefined): HostInode {
    const { host: os } = this.fs;
    const path = this.#childPath(name);
    let stats = this.fs.stat(path);
    if (this.fs.owner === undefined && (Number(stats.uid) !== owner.uid || Number(stats.gid) !== owner.gid)) {
      try {
        host(() => os.lchownSync(path, owner.uid, owner.gid));
      } catch (e) {
        // Only the host's root may give files away.
        if ((e as { code?: unknown }).code !== EPERM) throw e;
      }
    }
    if (mode !== undefined && (Number(stats.mode) & 0o7777) !== mode) {
      host(() => os.chmodSync(path, mode));
      stats = this.fs.stat(path);
    }
    return this.#child(name, stats);
  }

  override symlink(name: string, target: string, owner: Owner): HostInode {
    this.#checkWritable();
    this.#checkName(name);
    host(() => this.fs.host.symlinkSync(hostPath(target), this.#childPath(name)));
    return this.#made(name, owner, undefined);
  }

  override link(name: string, target: Inode): void {
    this.#checkWritable();
    this.#checkName(name);
    host(() => this.fs.host.linkSync((target as HostInode).#path(), this.#childPath(name)));
  }

  override unlink(name: string): void {
    this.#checkWritable();
    const child = this.lookup(name);
    if (child === undefined) throw errno(ENOENT);
    child.#keepOpen();
    host(() => this.fs.host.unlinkSync(this.#childPath(name)));
    this.fs.changes.names();
    this.#children.delete(name);
  }

  override rmdir(name: string): void {
    this.#checkWritable();
    this.#checkName(name);
    const child = this.#children.get(name);
    const last = child?.attributes();
    host(() => this.fs.host.rmdirSync(this.#childPath(name)));
    this.fs.changes.names();
    this.#children.delete(name);
    if (child !== undefined) child.#directoryGone(last);
  }

  #directoryGone(last: Attributes | undefined): void {
    if (last !== undefined && this.format === S_IFDIR) this.#removed = { ...last, nlink: 0, size: 0 };
  }

  override rename(name: string, toDir: Inode, toName: string, exchange = false): void {
    this.#checkWritable();
    if (exchange) throw errno(EINVAL);
    const to = toDir as HostInode;
    this.#checkName(name);
    this.#checkName(toName);
    const child = this.lookup(name);
    if (child === undefined) throw errno(ENOENT);
    const replaced = to.lookup(toName);
    if (replaced !== undefined) child.#checkReplace(replaced);
    if (replaced !== undefined) replaced.#keepOpen();
    const last = replaced?.format === S_IFDIR ? replaced.attributes() : undefined;
    const source = this.#childPath(name);
    const target = to.#childPath(toName);
    if (this.fs.exact) host(() => this.fs.host.renameSync(source, target));
    else child.#renameInSteps(source, target, replaced);
    if (replaced !== undefined) replaced.#directoryGone(last);
    this.#children.delete(name);
    child.#parent = to;
    child.#name = toName;
    this.fs.changes.names();
    to.#children.set(toName, child);
  }

  /** memfs moves what a link points to instead of the link, and keeps counting a file that is replaced. */
  #renameInSteps(source: HostPath, target: HostPath, replaced: HostInode | undefined): void {
    const { host: os } = this.fs;
    if (this.format === S_IFDIR) {
      if (replaced !== undefined) host(() => os.rmdirSync(target));
      host(() => os.renameSync(source, target));
      return;
    }
    if (replaced !== undefined) host(() => os.unlinkSync(target));
    host(() => os.linkSync(source, target));
    host(() => os.unlinkSync(source));
  }

  /** rename(2)'s conditions, which memfs does not check. */
  #checkReplace(replaced: HostInode): void {
    const directory = this.format === S_IFDIR;
    if (replaced.format !== S_IFDIR) {
      if (directory) throw errno(ENOTDIR);
      return;
    }
    if (!directory) throw errno(EISDIR);
    if (host(() => this.fs.host.readdirSync(replaced.#path(), BYTES)).length > 0) throw errno(ENOTEMPTY);
  }

  override list(): readonly DirectoryEntry[] {
    if (this.format !== S_IFDIR) throw errno(ENOTDIR);
    if (this.#removed !== undefined) return [];
    const entries: DirectoryEntry[] = [];
    for (const raw of host(() => this.fs.host.readdirSync(this.#path(), BYTES))) {
      const name = typeof raw === "string" ? raw : decodeBytes(raw);
      try {
        const stats = this.fs.stat(this.#childPath(name));
        entries.push({ name, ino: this.fs.ino(stats), type: direntType(Number(stats.mode)) });
      } catch (e) {
        // Gone since the host listed it.
        if ((e as { code?: unknown }).code !== ENOENT) throw e;
      }
    }
    return entries;
  }

  // Contents.

  override readlink(): string {
    if (this.format !== S_IFLNK) throw errno(EINVAL);
    const target = host(() => this.fs.host.readlinkSync(this.#path(), BYTES));
    return typeof target === "string" ? target : decodeBytes(target);
  }

  override read(position: number, into: Uint8Array): number {
    if (this.format !== S_IFREG) return super.read(position, into);
    if (this.#contentAt === this.fs.changes.any && this.#content !== undefined) {
      const part = this.#content.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    }
    const n = this.#readHost(position, into);
    this.#noteContent(position, into, n);
    return n;
  }

  /** What is read whole, and once more before anything may have changed, is likely to be read again. */
  #noteContent(position: number, into: Uint8Array, n: number): void {
    if (position !== 0 || n > MOST_NOTED || !this.isNoted() || this.#stats?.size !== BigInt(n)) return;
    const again = this.#contentAt === this.#notedAt;
    this.#contentAt = this.#notedAt;
    this.#content = again ? into.slice(0, n) : undefined;
    if (again) this.fs.keepContent(this);
  }

  dropContent(): void {
    this.#content = undefined;
  }

  #readHost(position: number, into: Uint8Array): number {
    const { host: os } = this.fs;
    return this.#withFd(false, (fd) => {
      let n = 0;
      while (n < into.length) {
        const got = host(() => os.readSync(fd, into, n, into.length - n, position + n));
        if (got === 0) break;
        n += got;
      }
      this.#wasRead();
      return n;
    });
  }

  override write(position: number, from: Uint8Array): number {
    if (this.format !== S_IFREG) return super.write(position, from);
    this.#checkWritable();
    const { host: os } = this.fs;
    return this.#withFd(true, (fd) => host(() => os.writeSync(fd, from, 0, from.length, position)));
  }

  get size(): number {
    return this.attributes().size;
  }

  #open(write: boolean): number {
    const flags = (write ? O_WRONLY : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK;
    return host(() => this.fs.host.openSync(this.#path(), flags));
  }

  /** Calls with a descriptor of the host: one that is kept while the guest has the file open. */
  #withFd<T>(write: boolean, use: (fd: number) => T): T {
    if (this.format !== S_IFREG) throw errno(this.format === S_IFDIR ? EBADF : EINVAL);
    const kept = write ? this.#writeFd : this.#readFd;
    if (kept >= 0) return use(kept);
    const fd = this.#open(write);
    if (this.#users > 0) {
      if (write) this.#writeFd = fd;
      else this.#readFd = fd;
      return use(fd);
    }
    try {
      return use(fd);
    } finally {
      this.fs.host.closeSync(fd);
    }
  }

  /** The name is about to go: an open file must not need it any more. */
  #keepOpen(): void {
    if (this.#users === 0 || this.format !== S_IFREG) return;
    if (this.#readFd < 0) this.#readFd = this.#tryOpen(false);
    if (this.#writeFd < 0 && !this.fs.readOnly) this.#writeFd = this.#tryOpen(true);
  }

  #tryOpen(write: boolean): number {
    try {
      return this.#open(write);
    } catch (e) {
      const { code } = e as { code?: unknown };
      if (code === EACCES || code === EPERM || code === EROFS) return -1;
      throw e;
    }
  }

  get inUse(): boolean {
    return this.#users > 0;
  }

  opened(): void {
    this.#users++;
  }

  closed(): void {
    if (--this.#users > 0) return;
    // Others may wait for what was written; who has only read leaves the descriptor to the next reader.
    if (this.#writeFd >= 0) this.fs.host.closeSync(this.#writeFd);
    this.#writeFd = -1;
    if (this.#readFd < 0 || this.#lingers) return;
    this.#lingers = true;
    this.fs.linger(this);
  }

  /** The file system keeps the descriptor for nobody any longer. */
  letGo(): void {
    this.#lingers = false;
    if (this.#users > 0 || this.#readFd < 0) return;
    this.fs.host.closeSync(this.#readFd);
    this.#readFd = -1;
  }
}

function join(directory: string, name: string): string {
  return directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

function hostPath(text: string): HostPath {
  return /[\udc80-\udcff]/.test(text) ? encodeBytes(text) : text;
}

function identity(stats: HostStats): string {
  return `${stats.dev}:${stats.ino}:${Number(stats.mode) & S_IFMT}`;
}

function seconds({ sec, nsec }: Timespec): number | Date {
  // Node takes a negative number for the time that it is now.
  if (sec < 0) return new Date(sec * 1000 + Math.floor(nsec / 1e6));
  // It cuts off at microseconds, and most fractions are a little less than they should be.
  return sec + (nsec - (nsec % 1000)) / 1e9 + 4e-7;
}
