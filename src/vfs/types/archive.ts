/**
 * A tar or tar.gz archive as a read-only file system.
 *
 * The archive is inflated once, and files are windows on the inflated bytes: nothing is copied. tar-stream reads the headers
 * (ustar, GNU long names, pax); it says where each file's bytes lie. What it does not keep is taken from the pax records
 * themselves: nanoseconds of times, extended attributes.
 */
import { extract, type Header as TarHeader } from "tar-stream";
import { makedev } from "../../abi/device.ts";
import { EINVAL, ENODATA, errno } from "../../abi/errno.ts";
import { direntType, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from "../../abi/stat.ts";
import { SQUASHFS_MAGIC } from "../../abi/statfs.ts";
import { decodeBytes, encodeBytes } from "../../util/bytes.ts";
import { BaseInode, EPOCH } from "../inode.ts";
import type { Attributes, DirectoryEntry, FileSystem, FileSystemStatistics, Timespec } from "../types.ts";
import { byteLength } from "../walk.ts";

const PAGE = 4096;
const BLOCK = 512;

export interface ArchiveOptions {
  readonly dev: number;
  /** For messages: the archive's file name. */
  readonly name: string;
  /** Inflates gzip data at once. Without it DecompressionStream does, which is slower. */
  readonly gunzip?: (bytes: Uint8Array) => Uint8Array;
}

/** The archive cannot be read: says which file and where. */
export class ArchiveError extends Error {
  constructor(name: string, problem: string, offset?: number) {
    super(`${name}: ${problem}${offset === undefined ? "" : ` at byte ${offset}`}`);
    this.name = "ArchiveError";
  }
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
  const fs = new ArchiveFs(options.dev);
  fs.bytes = tar.length;
  await readEntries(fs, tar, options.name);
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

/** tar-stream's header, with what its types leave out. */
type Header = Omit<TarHeader, "pax"> & { byteOffset?: number; pax?: Record<string, string> | null };

function readEntries(fs: ArchiveFs, tar: Uint8Array, archive: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Names as bytes, so that those that are not UTF-8 survive.
    const options: object = { filenameEncoding: "latin1" };
    const reader = extract(options);
    let at = 0;
    const fail = (problem: string): void => {
      reader.destroy();
      reject(new ArchiveError(archive, problem, at));
    };
    reader.on("entry", (entry, stream, next) => {
      const header = entry as Header;
      at = header.byteOffset ?? at;
      try {
        addEntry(fs, header, tar, at);
      } catch (e) {
        if (!(e instanceof ArchiveError)) throw e;
        fail(e.message);
        return;
      }
      stream.on("error", () => {});
      stream.resume();
      next();
    });
    reader.on("error", (e: Error) => reject(new ArchiveError(archive, e.message, at)));
    reader.on("finish", () => resolve());
    if (tar.length < BLOCK) return fail("not a tar archive");
    reader.end(tar);
  });
}

const FORMATS: Readonly<Record<string, number>> = {
  file: S_IFREG,
  "contiguous-file": S_IFREG,
  directory: S_IFDIR,
  symlink: S_IFLNK,
  fifo: S_IFIFO,
  "character-device": S_IFCHR,
  "block-device": S_IFBLK,
};

function addEntry(fs: ArchiveFs, header: Header, tar: Uint8Array, offset: number): void {
  // tar-stream decodes pax values as UTF-8 and the rest as it was told to.
  const pax = header.pax ?? {};
  const path = pax["path"] !== undefined ? header.name : fromLatin1(header.name);
  const linkname = header.linkname ?? "";
  const link = pax["linkpath"] !== undefined ? linkname : fromLatin1(linkname);
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) throw new ArchiveError(path, 'an entry outside of the archive ("..")');
  if (header.type === "link") {
    const target = find(fs, link);
    if (target === undefined) throw new ArchiveError(path, `a hard link to ${link}, which is not in the archive`);
    target.nlink++;
    place(fs, names, target);
    return;
  }
  const format = FORMATS[header.type ?? ""];
  if (format === undefined) return;
  const mode = format | ((header.mode ?? 0o644) & 0o7777);
  const mtime = pax["mtime"] !== undefined ? parseTime(pax["mtime"]) : timeOf(header.mtime);
  if (format === S_IFDIR) {
    // A directory may have come into being before its entry, as the parent of another.
    const known = names.length === 0 ? fs.root : find(fs, path);
    if (known?.entries !== undefined) {
      Object.assign(known, { mode, uid: header.uid ?? 0, gid: header.gid ?? 0, mtime });
      return;
    }
  }
  const inode = fs.make(mode, header.uid ?? 0, header.gid ?? 0, mtime);
  if (format === S_IFREG) {
    const size = header.size ?? 0;
    if (offset + size > tar.length) throw new ArchiveError(path, "the archive ends within the file");
    inode.data = tar.subarray(offset, offset + size);
  } else if (format === S_IFLNK) {
    inode.target = link;
    inode.mode = S_IFLNK | 0o777;
  } else if (format === S_IFCHR || format === S_IFBLK) {
    inode.rdev = makedev(header.devmajor ?? 0, header.devminor ?? 0);
  }
  for (const [key, value] of Object.entries(pax)) {
    if (!key.startsWith("SCHILY.xattr.")) continue;
    inode.xattrs ??= new Map();
    inode.xattrs.set(key.slice("SCHILY.xattr.".length), encodeBytes(value));
  }
  place(fs, names, inode);
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

function fromLatin1(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0x80) return decodeBytes(Uint8Array.from(text, (c) => c.charCodeAt(0)));
  }
  return text;
}

function timeOf(date: Date | undefined): Timespec {
  const ms = date?.getTime() ?? 0;
  const sec = Math.floor(ms / 1000);
  return { sec, nsec: (ms - sec * 1000) * 1_000_000 };
}

/** A pax time: decimal seconds with any number of digits after the point, perhaps negative. */
function parseTime(text: string): Timespec {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (match === null) return EPOCH;
  const sec = Number(match[2]);
  const nsec = Number((match[3] ?? "").padEnd(9, "0").slice(0, 9));
  if (match[1] !== "-") return { sec, nsec };
  return nsec === 0 ? { sec: -sec, nsec } : { sec: -sec - 1, nsec: 1_000_000_000 - nsec };
}
