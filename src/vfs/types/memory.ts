/**
 * The file system in memory: tmpfs, and with a read-only tree below it the overlay.
 *
 * An overlay is a tmpfs whose directories start out with the names of a directory below. A name is looked up below when it is
 * first asked for; from then on it has an inode here, with the attributes copied, and contents that show the file below
 * chunk by chunk until they are written. So "copying up" costs what is changed and not what is there, inode numbers and hard
 * links stay what they were, and renaming a directory of the lower tree moves one inode. What was removed is kept in a
 * set of hidden names (the whiteouts of overlayfs); a directory without a lower one is an opaque directory.
 */
import {
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
  EOPNOTSUPP,
  EPERM,
  errno,
} from "../../abi/errno.ts";
import {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
} from "../../abi/fcntl.ts";
import { direntType, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_IXGRP } from "../../abi/stat.ts";
import { OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC } from "../../abi/statfs.ts";
import type { Clock } from "../../host/interface.ts";
import { BaseInode, ExtendedAttributes, type Owner, timespecOf } from "../inode.ts";
import type { Dentry } from "../path.ts";
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
import { Content } from "./content.ts";

const PAGE = 4096;
/** What tmpfs counts for a directory entry (BOGO_DIRENT_SIZE). */
const ENTRY_SIZE = 20;
/** New inodes of an overlay are numbered from here, so that they do not meet the numbers of the lower tree. */
const OVERLAY_FIRST_INO = 2 ** 40;
const RELATIME_SECONDS = 86_400;
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const FALLOC_FL_COLLAPSE_RANGE = 8;
const FALLOC_FL_ZERO_RANGE = 16;
const FALLOC_FL_INSERT_RANGE = 32;
const SIZE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW;
const WRITE_SEALS = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;

export interface MemoryFsOptions {
  readonly dev: number;
  readonly clock: Clock;
  /** Most bytes of file contents; ENOSPC beyond. Default 4 GiB. */
  readonly capacity?: number;
  /** Most inodes made here. Default one per page of the capacity. */
  readonly inodes?: number;
  /** Mode, owner and group of the root of a tmpfs. Default 01777, 0, 0. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** The directory below: makes it an overlay. */
  readonly lower?: Inode;
  /** The type shown in /proc/mounts; "tmpfs", or "overlay" if there is a `lower`. */
  readonly type?: string;
}

export class MemoryFs implements FileSystem {
  readonly type: string;
  readonly dev: number;
  readOnly: boolean = false;
  readonly root: MemoryInode;
  readonly clock: Clock;
  readonly overlay: boolean;
  #maxPages: number;
  #maxInodes: number;
  #pages = 0;
  #inodes = 0;
  #lastIno: number;
  /** File handles that were asked for: name_to_handle_at(2). */
  readonly handles: Map<number, WeakRef<Dentry>> = new Map();
  /** Files below with several links, by device and number: all their names have one inode here. */
  readonly #linked: Map<string, MemoryInode> = new Map();

  constructor(options: MemoryFsOptions) {
    this.dev = options.dev;
    this.clock = options.clock;
    this.#maxPages = Math.ceil((options.capacity ?? 2 ** 32) / PAGE);
    this.#maxInodes = options.inodes ?? this.#maxPages;
    const { lower } = options;
    this.overlay = lower !== undefined;
    this.type = options.type ?? (this.overlay ? "overlay" : "tmpfs");
    this.#lastIno = this.overlay ? OVERLAY_FIRST_INO : 0;
    this.root =
      lower !== undefined
        ? this.wrap(lower)
        : this.make(S_IFDIR | (options.mode ?? 0o1777), { uid: options.uid ?? 0, gid: options.gid ?? 0 }, 0);
  }

  statistics(): FileSystemStatistics {
    return {
      type: this.overlay ? OVERLAYFS_SUPER_MAGIC : TMPFS_MAGIC,
      blockSize: PAGE,
      blocks: this.#maxPages,
      blocksFree: this.#maxPages - this.#pages,
      files: this.#maxInodes,
      filesFree: this.#maxInodes - this.#inodes,
      nameMax: 255,
    };
  }

  /** Nanoseconds since 1970. */
  time(): bigint {
    return this.clock.realtime();
  }

  reserve(pages: number): boolean {
    if (pages > 0 && this.#pages + pages > this.#maxPages) return false;
    this.#pages += pages;
    return true;
  }

  make(mode: number, owner: Owner, rdev: number): MemoryInode {
    if (this.#inodes >= this.#maxInodes) throw errno(ENOSPC);
    this.#inodes++;
    return new MemoryInode(this, ++this.#lastIno, mode, owner, rdev, this.time());
  }

  /** Hard links of a tmpfs take memory as inodes do; an overlay leaves them to what is below. */
  countLink(change: 1 | -1): void {
    if (this.overlay) return;
    if (change > 0 && this.#inodes >= this.#maxInodes) throw errno(ENOSPC);
    this.#inodes += change;
  }

  /** MS_REMOUNT: new limits. EINVAL if there is more in it already. */
  remount(options: Pick<MemoryFsOptions, "capacity" | "inodes">): void {
    const pages = options.capacity === undefined ? this.#maxPages : Math.ceil(options.capacity / PAGE);
    const inodes = options.inodes ?? this.#maxInodes;
    if (pages < this.#pages || inodes < this.#inodes) throw errno(EINVAL);
    this.#maxPages = pages;
    this.#maxInodes = inodes;
  }

  /** An inode of ours is gone for good. */
  forget(): void {
    this.#inodes--;
  }

  /** The inode here for one below. */
  wrap(lower: Inode): MemoryInode {
    const attributes = lower.attributes();
    const shared = attributes.nlink > 1 && lower.format !== S_IFDIR;
    const key = shared ? `${attributes.dev}:${attributes.ino}` : "";
    const known = shared ? this.#linked.get(key) : undefined;
    if (known !== undefined) return known;
    this.#inodes++;
    const inode = new MemoryInode(this, lower.ino, attributes.mode, attributes, attributes.rdev, 0n, lower, attributes);
    if (shared) this.#linked.set(key, inode);
    return inode;
  }
}

export class MemoryInode extends BaseInode {
  readonly fs: MemoryFs;
  readonly ino: number;
  readonly format: number;
  #mode: number;
  #uid: number;
  #gid: number;
  #nlink: number;
  readonly #rdev: number;
  #atime: Time;
  #mtime: Time;
  #ctime: Time;
  #btime: Time;
  #users = 0;
  readonly #lower: Inode | undefined;
  /** Directories: what is here, made or already looked up below. */
  readonly #entries: Map<string, MemoryInode> | undefined;
  /** Directories: names below that are gone. */
  #hidden: Set<string> | undefined;
  readonly #content: Content | undefined;
  #target: string | undefined;
  #xattrs: ExtendedAttributes | undefined;
  fileFlags: number = 0;
  /** Of a memfd. */
  #seals: number | undefined;

  constructor(
    fs: MemoryFs,
    ino: number,
    mode: number,
    owner: Owner,
    rdev: number,
    time: bigint,
    lower?: Inode,
    attributes?: Attributes,
  ) {
    super();
    this.fs = fs;
    this.ino = ino;
    this.format = mode & S_IFMT;
    this.#mode = mode;
    this.#uid = owner.uid;
    this.#gid = owner.gid;
    this.#rdev = rdev;
    this.#lower = lower;
    if (attributes === undefined) {
      this.#nlink = this.format === S_IFDIR ? 2 : 1;
      this.#atime = this.#mtime = this.#ctime = this.#btime = time;
    } else {
      this.#nlink = attributes.nlink;
      this.#atime = attributes.atime;
      this.#mtime = attributes.mtime;
      this.#ctime = attributes.ctime;
      this.#btime = attributes.btime ?? attributes.ctime;
    }
    if (this.format === S_IFDIR) this.#entries = new Map();
    else if (this.format === S_IFREG) this.#content = new Content(fs, lower, attributes?.size ?? 0);
    else if (this.format === S_IFLNK && lower !== undefined) this.#target = lower.readlink();
  }

  get nlink(): number {
    return this.#nlink;
  }

  get size(): number {
    if (this.#content !== undefined) return this.#content.size;
    if (this.#target !== undefined) return byteLength(this.#target);
    if (this.#entries === undefined) return 0;
    return this.fs.overlay ? PAGE : ENTRY_SIZE * (2 + this.#entries.size);
  }

  attributes(): Attributes {
    const content = this.#content;
    const pages =
      content !== undefined
        ? content.pages + content.pagesBelow
        : this.fs.overlay && this.#entries !== undefined
          ? 1
          : 0;
    return {
      dev: this.fs.dev,
      ino: this.ino,
      mode: this.#mode,
      nlink: this.#nlink,
      uid: this.#uid,
      gid: this.#gid,
      rdev: this.#rdev,
      size: this.size,
      blksize: PAGE,
      blocks: pages * (PAGE / 512),
      atime: (this.#atime = asTimespec(this.#atime)),
      mtime: (this.#mtime = asTimespec(this.#mtime)),
      ctime: (this.#ctime = asTimespec(this.#ctime)),
      btime: (this.#btime = asTimespec(this.#btime)),
    };
  }

  override setAttributes(change: AttributeChange): void {
    const time = this.fs.time();
    if (change.size !== undefined) {
      if (this.#content === undefined) throw errno(this.format === S_IFDIR ? EISDIR : EINVAL);
      this.#checkSeals(this.#content.size, change.size);
      this.#content.truncate(change.size);
      this.#mtime = time;
    }
    if (change.mode !== undefined && (this.#seals ?? 0) & F_SEAL_EXEC && (change.mode ^ this.#mode) & 0o111) {
      throw errno(EPERM);
    }
    this.#ctime = time;
    if (change.mode !== undefined) this.#mode = this.format | (change.mode & 0o7777);
    if (change.uid !== undefined) this.#uid = change.uid;
    if (change.gid !== undefined) this.#gid = change.gid;
    if (change.atime !== undefined) this.#atime = change.atime;
    if (change.mtime !== undefined) this.#mtime = change.mtime;
  }

  #touch(): void {
    this.#mtime = this.#ctime = this.fs.time();
  }

  accessed(): void {
    const atime = (this.#atime = asTimespec(this.#atime));
    const mtime = (this.#mtime = asTimespec(this.#mtime));
    const ctime = (this.#ctime = asTimespec(this.#ctime));
    const time = this.fs.time();
    if (isLater(atime, mtime) && isLater(atime, ctime) && Number(time) / 1e9 - atime.sec < RELATIME_SECONDS) return;
    this.#atime = time;
  }

  dropPrivileges(credentials: Credentials): void {
    let gone = this.#mode & S_ISUID;
    if (this.#mode & S_IXGRP || !inGroup(credentials, this.#gid)) gone |= this.#mode & S_ISGID;
    this.#mode &= ~gone;
  }

  // Seals of a memfd: memfd_create(2), fcntl(2) "File sealing".

  get seals(): number | undefined {
    // A file of a tmpfs is sealed against seals, unless memfd_create says otherwise.
    return this.#seals ?? (this.#content === undefined || this.fs.overlay ? undefined : F_SEAL_SEAL);
  }

  addSeals(seals: number): void {
    if (seals & ~(F_SEAL_SEAL | SIZE_SEALS | WRITE_SEALS | F_SEAL_EXEC)) throw errno(EINVAL);
    if ((this.#seals ?? 0) & F_SEAL_SEAL) throw errno(EPERM);
    if (seals & ~(this.#seals ?? 0) & F_SEAL_WRITE && this.writableMappings > 0) throw errno(EBUSY);
    // What may be executed and stays so is not changed either.
    const more = seals & F_SEAL_EXEC && this.#mode & 0o111 ? SIZE_SEALS | WRITE_SEALS : 0;
    this.#seals = (this.#seals ?? 0) | seals | more;
  }

  #checkSeals(from: number, to: number): void {
    if (this.#seals === undefined) return;
    if (to > from && this.#seals & F_SEAL_GROW) throw errno(EPERM);
    if (to < from && this.#seals & F_SEAL_SHRINK) throw errno(EPERM);
  }

  // Directories.

  #directory(): Map<string, MemoryInode> {
    if (this.#entries === undefined) throw errno(ENOTDIR);
    return this.#entries;
  }

  override lookup(name: string): MemoryInode | undefined {
    const entries = this.#directory();
    const known = entries.get(name);
    if (known !== undefined || this.#lower === undefined || this.#hidden?.has(name)) return known;
    const below = this.#lower.lookup(name);
    if (below === undefined) return undefined;
    const inode = this.fs.wrap(below);
    entries.set(name, inode);
    return inode;
  }

  #add(name: string, inode: MemoryInode): void {
    this.#directory().set(name, inode);
    this.#touch();
  }

  /** Takes a name away, the one below included. */
  #remove(name: string): void {
    this.#directory().delete(name);
    if (this.#lower?.lookup(name) !== undefined) {
      this.#hidden ??= new Set();
      this.#hidden.add(name);
    }
    this.#touch();
  }

  #checkFree(name: string): void {
    if (this.#nlink === 0) throw errno(ENOENT);
    if (this.lookup(name) !== undefined) throw errno(EEXIST);
  }

  override create(name: string, mode: number, owner: Owner, rdev = 0): MemoryInode {
    this.#checkFree(name);
    const inode = this.fs.make(mode, owner, rdev);
    this.#add(name, inode);
    if (inode.format === S_IFDIR) this.#nlink++;
    return inode;
  }

  createTemporary(mode: number, owner: Owner): MemoryInode {
    const inode = this.fs.make(mode, owner, 0);
    inode.#nlink = 0;
    return inode;
  }

  override symlink(name: string, target: string, owner: Owner): MemoryInode {
    this.#checkFree(name);
    const inode = this.fs.make(S_IFLNK | 0o777, owner, 0);
    inode.#target = target;
    this.#add(name, inode);
    return inode;
  }

  override link(name: string, target: Inode): void {
    this.#checkFree(name);
    const inode = target as MemoryInode;
    // Each further link counts as an inode does: shmem_link().
    if (inode.#nlink > 0) this.fs.countLink(1);
    inode.#nlink++;
    inode.#ctime = this.fs.time();
    this.#add(name, inode);
  }

  #dropLink(links: number): void {
    if (this.format !== S_IFDIR && this.#nlink > 1) this.fs.countLink(-1);
    this.#nlink -= links;
    this.#ctime = this.fs.time();
    if (this.#nlink === 0 && this.#users === 0) this.#free();
  }

  #free(): void {
    this.#content?.free();
    this.fs.forget();
  }

  override unlink(name: string): void {
    const inode = this.lookup(name);
    if (inode === undefined) throw errno(ENOENT);
    if (inode.format === S_IFDIR) throw errno(EISDIR);
    this.#remove(name);
    inode.#dropLink(1);
  }

  override rmdir(name: string): void {
    const inode = this.lookup(name);
    if (inode === undefined) throw errno(ENOENT);
    if (inode.format !== S_IFDIR) throw errno(ENOTDIR);
    if (!inode.#isEmpty()) throw errno(ENOTEMPTY);
    this.#remove(name);
    this.#nlink--;
    inode.#dropLink(inode.#nlink);
  }

  #isEmpty(): boolean {
    const entries = this.#directory();
    if (entries.size > 0) return false;
    return this.#lower === undefined || this.#lower.list().every((e) => this.#hidden?.has(e.name));
  }

  override rename(name: string, toDir: Inode, toName: string, exchange = false): void {
    const to = toDir as MemoryInode;
    const inode = this.lookup(name);
    if (inode === undefined || to.#nlink === 0) throw errno(ENOENT);
    const target = to.lookup(toName);
    const isDirectory = inode.format === S_IFDIR;
    if (exchange) {
      if (target === undefined) throw errno(ENOENT);
      this.#exchange(name, inode, to, toName, target);
      return;
    }
    if (target === inode) return;
    if (target !== undefined) {
      if (target.format === S_IFDIR) {
        if (!isDirectory) throw errno(EISDIR);
        if (!target.#isEmpty()) throw errno(ENOTEMPTY);
        to.#nlink--;
        target.#dropLink(target.#nlink);
      } else {
        if (isDirectory) throw errno(ENOTDIR);
        target.#dropLink(1);
      }
      to.#directory().delete(toName);
    }
    this.#remove(name);
    to.#add(toName, inode);
    if (isDirectory) {
      this.#nlink--;
      to.#nlink++;
    }
    inode.#ctime = this.fs.time();
  }

  #exchange(name: string, inode: MemoryInode, to: MemoryInode, toName: string, target: MemoryInode): void {
    this.#add(name, target);
    to.#add(toName, inode);
    inode.#ctime = target.#ctime = this.fs.time();
    const moved = Number(inode.format === S_IFDIR) - Number(target.format === S_IFDIR);
    this.#nlink -= moved;
    to.#nlink += moved;
  }

  override list(): readonly DirectoryEntry[] {
    const entries = this.#directory();
    const all: DirectoryEntry[] = [];
    const seen = new Set<string>();
    if (this.#lower !== undefined) {
      for (const below of this.#lower.list()) {
        if (this.#hidden?.has(below.name)) continue;
        seen.add(below.name);
        const inode = entries.get(below.name);
        all.push(inode === undefined ? below : entry(below.name, inode));
      }
    }
    for (const [name, inode] of entries) if (!seen.has(name)) all.push(entry(name, inode));
    // A tmpfs of Linux shows the newest name first (libfs.c, offset_readdir).
    return this.#lower === undefined ? all.reverse() : all;
  }

  // Symbolic links and regular files.

  override readlink(): string {
    if (this.#target === undefined) throw errno(EINVAL);
    return this.#target;
  }

  override read(position: number, into: Uint8Array): number {
    return this.#content === undefined ? super.read(position, into) : this.#content.read(position, into);
  }

  override write(position: number, from: Uint8Array): number {
    if (this.#content === undefined) return super.write(position, from);
    if (from.length === 0) return 0;
    if (this.#seals !== undefined) {
      if (this.#seals & WRITE_SEALS) return -EPERM;
      this.#checkSeals(this.#content.size, Math.max(this.#content.size, position + from.length));
    }
    const n = this.#content.write(position, from);
    this.#touch();
    return n;
  }

  seekData(position: number, hole: boolean): number | undefined {
    return this.#content?.seek(position, hole);
  }

  allocate(mode: number, offset: number, length: number): void {
    const content = this.#content;
    // A tmpfs can allocate and punch holes; what is on a disk under an overlay can do all.
    if (content === undefined || (!this.fs.overlay && mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))) {
      throw errno(EOPNOTSUPP);
    }
    const end = offset + length;
    if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) {
      const collapse = (mode & FALLOC_FL_COLLAPSE_RANGE) !== 0;
      if (offset % PAGE !== 0 || length % PAGE !== 0) throw errno(EINVAL);
      if (collapse ? end >= content.size : offset >= content.size) throw errno(EINVAL);
      content.shift(collapse ? end : offset, collapse ? -length : length);
      this.#touch();
      return;
    }
    if ((this.#seals ?? 0) & WRITE_SEALS && mode & FALLOC_FL_PUNCH_HOLE) throw errno(EPERM);
    if ((mode & FALLOC_FL_KEEP_SIZE) === 0) this.#checkSeals(content.size, Math.max(content.size, end));
    if (mode & FALLOC_FL_PUNCH_HOLE) content.punch(offset, end);
    else {
      if (mode & FALLOC_FL_ZERO_RANGE) content.punch(offset, end);
      content.allocate(offset, end);
      if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && end > content.size) content.truncate(end);
    }
    this.#touch();
  }

  /** Memory for a page that is about to be written through a mapping. False: there is none left. */
  reserve(position: number, length: number): boolean {
    const end = Math.min(position + length, this.size);
    return end <= position || (this.#content?.reserve(position, end) ?? true);
  }

  get inUse(): boolean {
    return this.#users > 0;
  }

  opened(): void {
    if (this.#users++ === 0) this.#lower?.opened?.();
  }

  closed(): void {
    this.#users--;
    if (this.#users === 0) this.#lower?.closed?.();
    if (this.#users === 0 && this.#nlink === 0) this.#free();
  }

  // Extended attributes: those of the file below are taken over when the first one is asked for.

  #attributeSet(): ExtendedAttributes {
    if (this.#xattrs === undefined) {
      this.#xattrs = new ExtendedAttributes();
      for (const name of this.#lower?.listxattr?.() ?? []) {
        const value = this.#lower?.getxattr?.(name);
        if (value !== undefined) this.#xattrs.set(name, value, 0);
      }
    }
    return this.#xattrs;
  }

  getxattr(name: string): Uint8Array {
    return this.#attributeSet().get(name);
  }

  setxattr(name: string, value: Uint8Array, flags: number): void {
    this.#attributeSet().set(name, value, flags);
    this.#ctime = this.fs.time();
  }

  listxattr(): readonly string[] {
    return this.#attributeSet().list();
  }

  removexattr(name: string): void {
    this.#attributeSet().remove(name);
    this.#ctime = this.fs.time();
  }
}

/** A time as the clock gives it, until somebody asks: most are overwritten first. */
type Time = bigint | Timespec;

function asTimespec(time: Time): Timespec {
  return typeof time === "bigint" ? timespecOf(time) : time;
}

function isLater(a: Timespec, b: Timespec): boolean {
  return a.sec > b.sec || (a.sec === b.sec && a.nsec > b.nsec);
}

function entry(name: string, inode: MemoryInode): DirectoryEntry {
  return { name, ino: inode.ino, type: direntType(inode.format) };
}

/** A tmpfs. */
export function tmpfs(options: MemoryFsOptions): MemoryFs {
  return new MemoryFs(options);
}

/** A writable tree on top of the read-only directory `lower`, which is not changed. */
export function overlay(lower: Inode, options: MemoryFsOptions): MemoryFs {
  return new MemoryFs({ ...options, lower });
}
