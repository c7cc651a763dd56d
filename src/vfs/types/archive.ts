/**
 * A tar or tar.gz archive as a read-only file system.
 *
 * The archive is inflated once, and files are windows on the inflated bytes: nothing is copied. tar.ts reads the headers;
 * what it finds is plain data, so that an archive which is part of a program can be read when that is built and needs
 * only be put together when it starts (reading 400 headers takes a cold Node 20 ms).
 */
import { EINVAL, ENODATA, errno } from "../../abi/errno.ts";
import { direntType, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../abi/stat.ts";
import { SQUASHFS_MAGIC } from "../../abi/statfs.ts";
import { encodeBytes } from "../../util/bytes.ts";
import { BaseInode, EPOCH } from "../inode.ts";
import type { Attributes, DirectoryEntry, FileSystem, FileSystemStatistics, Timespec } from "../types.ts";
import { byteLength } from "../walk.ts";
import { type ArchiveEntry, ArchiveError } from "./archive-entry.ts";

export { ArchiveError } from "./archive-entry.ts";

const PAGE = 4096;
const BLOCK = 512;

export interface ArchiveOptions {
  readonly dev: number;
  /** For messages: the archive's file name. */
  readonly name: string;
  /** Inflates gzip data at once. Without it DecompressionStream does, which is slower. */
  readonly gunzip?: (bytes: Uint8Array) => Uint8Array;
}

export class ArchiveFs implements FileSystem {
  readonly type: string = "squashfs";
  readonly dev: number;
  readonly readOnly: boolean = true;
  readonly root: ArchiveInode;
  bytes = 0;
  #inodes = 0;

  constructor(dev: number) {
    this.dev = dev;
    this.root = this.make(S_IFDIR | 0o755, 0, 0, EPOCH);
  }

  make(mode: number, uid: number, gid: number, mtime: Timespec): ArchiveInode {
    return new ArchiveInode(this, ++this.#inodes, mode, uid, gid, mtime);
  }

  statistics(): FileSystemStatistics {
    const blocks = Math.ceil(this.bytes / PAGE);
    return {
      type: SQUASHFS_MAGIC,
      blockSize: PAGE,
      blocks,
      blocksFree: 0,
      files: this.#inodes,
      filesFree: 0,
      nameMax: 255,
    };
  }
}

export class ArchiveInode extends BaseInode {
  readonly fs: ArchiveFs;
  readonly ino: number;
  readonly format: number;
  mode: number;
  uid: number;
  gid: number;
  mtime: Timespec;
  nlink: number;
  rdev = 0;
  data: Uint8Array | undefined;
  target: string | undefined;
  xattrs: Map<string, Uint8Array> | undefined;
  readonly entries: Map<string, ArchiveInode> | undefined;

  constructor(fs: ArchiveFs, ino: number, mode: number, uid: number, gid: number, mtime: Timespec) {
    super();
    this.fs = fs;
    this.ino = ino;
    this.format = mode & S_IFMT;
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.mtime = mtime;
    this.nlink = this.format === S_IFDIR ? 2 : 1;
    if (this.format === S_IFDIR) this.entries = new Map();
  }

  get size(): number {
    if (this.entries !== undefined) return PAGE;
    if (this.target !== undefined) return byteLength(this.target);
    return this.data?.length ?? 0;
  }

  attributes(): Attributes {
    const { size, mtime } = this;
    return {
      dev: this.fs.dev,
      ino: this.ino,
      mode: this.mode,
      nlink: this.nlink,
      uid: this.uid,
      gid: this.gid,
      rdev: this.rdev,
      size,
      blksize: PAGE,
      blocks: this.target === undefined ? Math.ceil(size / PAGE) * (PAGE / BLOCK) : 0,
      atime: mtime,
      mtime,
      ctime: mtime,
    };
  }

  override lookup(name: string): ArchiveInode | undefined {
    return this.entries === undefined ? (super.lookup(name) as undefined) : this.entries.get(name);
  }

  override list(): readonly DirectoryEntry[] {
    if (this.entries === undefined) return super.list();
    return [...this.entries].map(([name, inode]) => ({ name, ino: inode.ino, type: direntType(inode.format) }));
  }

  override readlink(): string {
    if (this.target === undefined) throw errno(EINVAL);
    return this.target;
  }

  override read(position: number, into: Uint8Array): number {
    if (this.format !== S_IFREG) return super.read(position, into);
    const data = this.data;
    if (data === undefined || position >= data.length) return 0;
    const n = Math.min(into.length, data.length - position);
    into.set(data.subarray(position, position + n));
    return n;
  }

  getxattr(name: string): Uint8Array {
    const value = this.xattrs?.get(name);
    if (value === undefined) throw errno(ENODATA);
    return value;
  }

  listxattr(): readonly string[] {
    return [...(this.xattrs?.keys() ?? [])];
  }
}

/** Reads an archive. Rejects with an ArchiveError that names the file and the place if it is damaged. */
export async function openArchive(bytes: Uint8Array, options: ArchiveOptions): Promise<ArchiveFs> {
  const tar = await inflate(bytes, options);
  const { readTar } = await import("./tar.ts");
  return archiveOf(await readTar(tar, options.name), tar, options);
}

/** The file system of an archive whose entries were read before. */
export function archiveOf(entries: readonly ArchiveEntry[], tar: Uint8Array, options: ArchiveOptions): ArchiveFs {
  const fs = new ArchiveFs(options.dev);
  fs.bytes = tar.length;
  for (const entry of entries) {
    const problem = addEntry(fs, entry, tar);
    if (problem !== undefined) throw new ArchiveError(options.name, `${entry.path}: ${problem}`, entry.offset);
  }
  return fs;
}

async function inflate(bytes: Uint8Array, options: ArchiveOptions): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    if (options.gunzip !== undefined) return options.gunzip(bytes);
    const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (e) {
    throw new ArchiveError(options.name, `damaged gzip data (${(e as Error).message})`);
  }
}

/** Returns what is wrong with the entry, if anything is. */
function addEntry(fs: ArchiveFs, entry: ArchiveEntry, tar: Uint8Array): string | undefined {
  const { path, mode, uid, gid } = entry;
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) return 'an entry outside of the archive ("..")';
  const format = mode & S_IFMT;
  if (format === 0) {
    const target = find(fs, entry.target ?? "");
    if (target === undefined) return `a hard link to ${entry.target}, which is not in the archive`;
    target.nlink++;
    place(fs, names, target);
    return;
  }
  const mtime = { sec: entry.mtime[0], nsec: entry.mtime[1] };
  if (format === S_IFDIR) {
    // A directory may have come into being before its entry, as the parent of another.
    const known = names.length === 0 ? fs.root : find(fs, path);
    if (known?.entries !== undefined) {
      Object.assign(known, { mode, uid, gid, mtime });
      return;
    }
  }
  const inode = fs.make(mode, uid, gid, mtime);
  if (format === S_IFREG) {
    const end = entry.offset + entry.size;
    if (end > tar.length) return "the archive ends within the file";
    inode.data = tar.subarray(entry.offset, end);
  } else if (format === S_IFLNK) inode.target = entry.target;
  if (entry.rdev !== undefined) inode.rdev = entry.rdev;
  if (entry.xattrs !== undefined)
    inode.xattrs = new Map(Object.entries(entry.xattrs).map(([name, value]) => [name, encodeBytes(value)]));
  place(fs, names, inode);
  return;
}

function find(fs: ArchiveFs, path: string): ArchiveInode | undefined {
  let at: ArchiveInode | undefined = fs.root;
  for (const name of path.split("/")) {
    if (name !== "" && name !== ".") at = at?.entries?.get(name);
  }
  return at;
}

/** Puts an inode under its name; parents that the archive has no entry for are made. A later entry replaces. */
function place(fs: ArchiveFs, names: readonly string[], inode: ArchiveInode): void {
  let directory = fs.root;
  for (const name of names.slice(0, -1)) {
    let next = directory.entries?.get(name);
    if (next?.entries === undefined) {
      next = fs.make(S_IFDIR | 0o755, 0, 0, EPOCH);
      setEntry(directory, name, next);
    }
    directory = next;
  }
  const last = names.at(-1);
  if (last !== undefined) setEntry(directory, last, inode);
}

function setEntry(directory: ArchiveInode, name: string, inode: ArchiveInode): void {
  const old = directory.entries?.get(name);
  if (old !== undefined) {
    old.nlink--;
    if (old.entries !== undefined) directory.nlink--;
  }
  directory.entries?.set(name, inode);
  if (inode.entries !== undefined) directory.nlink++;
}
