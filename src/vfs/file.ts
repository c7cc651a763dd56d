/** Open file descriptions: the base with Linux's answers to what a file cannot do, regular files, directories, O_PATH. */
import { EBADF, EINVAL, EISDIR, ENOTDIR, ENOTTY, ENXIO, EOVERFLOW, ESPIPE, errno } from "../abi/errno.ts";
import {
  O_ACCMODE,
  O_APPEND,
  O_NOATIME,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
} from "../abi/fcntl.ts";
import { IN_ACCESS, IN_MODIFY } from "../abi/inotify.ts";
import { DT_DIR, S_IFREG } from "../abi/stat.ts";
import { MS_NOATIME, MS_NOEXEC } from "../abi/statfs.ts";
import { notifyClose, notifyFile, notifyGone } from "./notify.ts";
import { displayName, type Path } from "./path.ts";
import {
  type DirectoryEntry,
  type File,
  type GuestAccess,
  type Inode,
  type OpenContext,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
} from "./types.ts";

export function isReadable(file: File): boolean {
  // The access mode 3 means neither, though opening takes the right to both: open(2), NOTES.
  const access = file.flags & O_ACCMODE;
  return (access === O_RDONLY || access === O_RDWR) && (file.flags & O_PATH) === 0;
}

export function isWritable(file: File): boolean {
  const access = file.flags & O_ACCMODE;
  return (access === O_WRONLY || access === O_RDWR) && (file.flags & O_PATH) === 0;
}

/** One more reference, by a descriptor or a mapping. */
export function retain<F extends File>(file: F): F {
  file.references++;
  return file;
}

/** One less; the last one closes the file. */
export function release(file: File): void {
  if (--file.references === 0) file.close();
}

export abstract class BaseFile implements File {
  // Declared only, and set by assignments: there are so many kinds of files that V8 would look up each field's definition anew.
  declare flags: number;
  declare position: number;
  declare readonly inode: Inode;
  declare readonly path: Path | undefined;
  declare references: number;

  constructor(inode: Inode, flags: number, path: Path | undefined) {
    this.position = 0;
    this.references = 0;
    this.inode = inode;
    this.flags = flags;
    this.path = path;
    inode.opened?.();
  }

  /** For mmap: false for what cannot be mapped (ENODEV). */
  get mappable(): boolean {
    return this.inode.format === S_IFREG;
  }

  /** For mmap with PROT_EXEC: false on a file system that is mounted noexec. */
  get mayExecute(): boolean {
    return this.path === undefined || (this.path.mount.flags & MS_NOEXEC) === 0;
  }

  /** inotify(7) sees its opening and closing: it was opened by its name. */
  get notifies(): boolean {
    return this.path !== undefined;
  }

  describe(): string {
    return this.path === undefined ? `anon_inode:[${this.inode.ino}]` : displayName(this.path, undefined);
  }
  read(_into: Uint8Array): number {
    return -EINVAL;
  }
  write(_from: Uint8Array): number {
    return -EINVAL;
  }
  pread(_into: Uint8Array, _position: number): number {
    return -ESPIPE;
  }
  pwrite(_from: Uint8Array, _position: number): number {
    return -ESPIPE;
  }
  seek(_offset: number, _whence: number): number {
    return -ESPIPE;
  }
  poll(): number {
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
  }
  ioctl(_request: number, _argument: number, _guest: GuestAccess, _context: OpenContext): number | Promise<number> {
    return -ENOTTY;
  }
  /** A process closes a descriptor: its POSIX locks on the file end, whichever descriptor they were made with. */
  flush(owner: unknown): void {
    this.inode.locks?.releaseProcess(owner);
  }

  close(): void {
    if (this.notifies) notifyClose(this.inode, this.path, isWritable(this));
    this.inode.locks?.releaseFile(this);
    this.inode.closed?.();
    if (this.path?.dentry.deleted) notifyGone(this.inode);
  }
}

/** The new position of a file of `size` bytes, or a negative errno: generic_file_llseek(). */
export function seekTo(file: File, offset: number, whence: number, size: number): number {
  let to: number;
  switch (whence) {
    case SEEK_SET:
      to = offset;
      break;
    case SEEK_CUR:
      to = file.position + offset;
      break;
    case SEEK_END:
      to = size + offset;
      break;
    case SEEK_DATA:
    case SEEK_HOLE: {
      if (offset < 0 || offset >= size) return -ENXIO;
      const { inode } = file;
      const hole = whence === SEEK_HOLE;
      const found = inode.seekData === undefined ? (hole ? size : offset) : inode.seekData(offset, hole);
      if (found === undefined) return -ENXIO;
      to = found;
      break;
    }
    default:
      return -EINVAL;
  }
  if (to < 0) return -EINVAL;
  // Beyond 2^53 a position is no longer exact; Linux's own limit is 2^63 - 1.
  if (to > Number.MAX_SAFE_INTEGER) return whence === SEEK_SET ? -EINVAL : -EOVERFLOW;
  file.position = to;
  return to;
}

/** A regular file of any file system: all is the inode's. */
export class RegularFile extends BaseFile {
  readonly #tracksAccess: boolean;

  constructor(inode: Inode, flags: number, path: Path | undefined) {
    super(inode, flags, path);
    this.#tracksAccess =
      inode.accessed !== undefined && !(path !== undefined && (path.mount.readOnly || path.mount.flags & MS_NOATIME));
    if (isWritable(this)) inode.writers = (inode.writers ?? 0) + 1;
    else inode.readers = (inode.readers ?? 0) + 1;
  }

  executed(running: boolean): void {
    const { inode } = this;
    inode.executions = (inode.executions ?? 0) + (running ? 1 : -1);
  }

  override close(): void {
    const { inode } = this;
    if (isWritable(this)) inode.writers = (inode.writers ?? 0) - 1;
    else inode.readers = (inode.readers ?? 0) - 1;
    inode.leases?.drop(this);
    super.close();
  }

  get size(): number {
    return this.inode.size ?? this.inode.attributes().size;
  }

  override read(into: Uint8Array): number {
    const n = this.pread(into, this.position);
    if (n > 0) this.position += n;
    return n;
  }

  override write(from: Uint8Array): number {
    if (this.flags & O_APPEND) this.position = this.size;
    const n = this.inode.write(this.position, from);
    if (n > 0) {
      this.position += n;
      notifyFile(this.inode, this.path, IN_MODIFY);
    }
    return n;
  }

  /** It was read, or mapped: file_accessed() of Linux. */
  accessed(): void {
    if (this.#tracksAccess && (this.flags & O_NOATIME) === 0) this.inode.accessed?.();
  }

  override pread(into: Uint8Array, position: number): number {
    const n = this.inode.read(position, into);
    this.accessed();
    if (n > 0) notifyFile(this.inode, this.path, IN_ACCESS);
    return n;
  }

  override pwrite(from: Uint8Array, position: number): number {
    // pwrite(2), BUGS: with O_APPEND Linux appends whatever the offset.
    const n = this.inode.write(this.flags & O_APPEND ? this.size : position, from);
    if (n > 0) notifyFile(this.inode, this.path, IN_MODIFY);
    return n;
  }

  override seek(offset: number, whence: number): number {
    return seekTo(this, offset, whence, whence <= SEEK_CUR ? 0 : this.size);
  }
}

export class DirectoryFile extends BaseFile {
  #entries: readonly DirectoryEntry[] | undefined;

  override read(): number {
    return -EISDIR;
  }
  override write(): number {
    return -EBADF;
  }
  override pread(): number {
    return -EISDIR;
  }

  /** "." and ".." and the others: a snapshot, so that removing while reading loses nothing; renewed by a rewind. */
  entries(): readonly DirectoryEntry[] {
    if (this.#entries === undefined || this.position === 0) {
      const parent = this.path?.dentry.parent.inode ?? this.inode;
      this.#entries = [
        { name: ".", ino: this.inode.ino, type: DT_DIR },
        { name: "..", ino: parent.ino, type: DT_DIR },
        ...this.inode.list(),
      ];
      this.inode.accessed?.();
      notifyFile(this.inode, this.path, IN_ACCESS);
    }
    return this.#entries;
  }

  override seek(offset: number, whence: number): number {
    if (whence !== SEEK_SET && whence !== SEEK_CUR) return -EINVAL;
    return seekTo(this, offset, whence, 0);
  }
}

/** What open gives with O_PATH: a place and no more. */
export class PathFile extends BaseFile {
  override get notifies(): boolean {
    return false;
  }
  override read(): number {
    return -EBADF;
  }
  override write(): number {
    return -EBADF;
  }
  override pread(): number {
    return -EBADF;
  }
  override pwrite(): number {
    return -EBADF;
  }
  override seek(): number {
    return -EBADF;
  }
  override poll(): number {
    return POLLNVAL;
  }
  override ioctl(): number {
    return -EBADF;
  }
}

/** The directory that a descriptor stands for as the start of a path. */
export function directoryOf(file: File): Path {
  if (file.path === undefined) throw errno(ENOTDIR);
  return file.path;
}
