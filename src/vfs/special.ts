/** What opening a special file leads to: pipes for FIFOs, drivers for device numbers; and inodes that lie in no directory. */

import { majorOf, minorOf } from "../abi/device.ts";
import { ENXIO, errno } from "../abi/errno.ts";
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT } from "../abi/stat.ts";
import { PIPEFS_MAGIC } from "../abi/statfs.ts";
import type { Clock } from "../host/interface.ts";
import { BaseInode, now, type Owner } from "./inode.ts";
import type { Path } from "./path.ts";
import { Pipe } from "./pipe.ts";
import type {
  AttributeChange,
  Attributes,
  File,
  FileSystem,
  FileSystemStatistics,
  Inode,
  OpenContext,
  Timespec,
} from "./types.ts";

const ANON_INODE_FS_MAGIC = 0x09041934;

/** A driver: makes the open file of a device. */
export type DeviceOpener = (inode: Inode, flags: number, context: OpenContext, path: Path) => File;

/** A file system without names: of pipes, sockets, eventfds and their like. */
export class AnonymousFs implements FileSystem {
  readonly type: string;
  readonly dev: number;
  readonly root: Inode;
  readonly readOnly: boolean = false;
  readonly clock: Clock;
  readonly #magic: number;
  #lastIno = 0;

  constructor(type: string, magic: number, dev: number, clock: Clock) {
    this.type = type;
    this.#magic = magic;
    this.dev = dev;
    this.clock = clock;
    this.root = this.inode(S_IFDIR | 0o555, { uid: 0, gid: 0 });
  }

  inode(mode: number, owner: Owner): AnonymousInode {
    return new AnonymousInode(this, ++this.#lastIno, mode, owner);
  }

  statistics(): FileSystemStatistics {
    return { type: this.#magic, blockSize: 4096, blocks: 0, blocksFree: 0, files: 0, filesFree: 0, nameMax: 255 };
  }
}

export class AnonymousInode extends BaseInode {
  /** What opening it again by way of /proc/self/fd gives; without it a FIFO is its pipe, and all else ENXIO. */
  open?: (flags: number, context: OpenContext, path: Path) => File;
  readonly fs: AnonymousFs;
  readonly ino: number;
  readonly format: number;
  #mode: number;
  #uid: number;
  #gid: number;
  #atime: Timespec;
  #mtime: Timespec;
  #ctime: Timespec;

  constructor(fs: AnonymousFs, ino: number, mode: number, owner: Owner) {
    super();
    this.fs = fs;
    this.ino = ino;
    this.format = mode & S_IFMT;
    this.#mode = mode;
    this.#uid = owner.uid;
    this.#gid = owner.gid;
    this.#atime = this.#mtime = this.#ctime = now(fs.clock);
  }

  attributes(): Attributes {
    return {
      dev: this.fs.dev,
      ino: this.ino,
      mode: this.#mode,
      nlink: 1,
      uid: this.#uid,
      gid: this.#gid,
      rdev: 0,
      size: 0,
      blksize: 4096,
      blocks: 0,
      atime: this.#atime,
      mtime: this.#mtime,
      ctime: this.#ctime,
    };
  }

  override setAttributes(change: AttributeChange): void {
    this.#ctime = now(this.fs.clock);
    if (change.mode !== undefined) this.#mode = this.format | (change.mode & 0o7777);
    if (change.uid !== undefined) this.#uid = change.uid;
    if (change.gid !== undefined) this.#gid = change.gid;
    if (change.atime !== undefined) this.#atime = change.atime;
    if (change.mtime !== undefined) this.#mtime = change.mtime;
  }
}

export class SpecialFiles {
  /** Of pipe(2). */
  readonly pipefs: AnonymousFs;
  /** Of eventfd(2), epoll_create(2) and their kin. */
  readonly anonfs: AnonymousFs;
  readonly #pipes: WeakMap<Inode, Pipe> = new WeakMap();
  readonly #drivers: Map<string, DeviceOpener> = new Map();

  constructor(clock: Clock, pipeDevice: number, anonDevice: number) {
    this.pipefs = new AnonymousFs("pipefs", PIPEFS_MAGIC, pipeDevice, clock);
    this.anonfs = new AnonymousFs("anon_inodefs", ANON_INODE_FS_MAGIC, anonDevice, clock);
  }

  /** The pipe behind a FIFO's inode: the same one for all who open it. */
  pipeOf(inode: Inode): Pipe {
    let pipe = this.#pipes.get(inode);
    if (pipe === undefined) {
      pipe = new Pipe();
      this.#pipes.set(inode, pipe);
    }
    return pipe;
  }

  /** Says which pipe an inode made by `pipeInode` stands for: opening /proc/self/fd/N gives it. */
  setPipe(inode: Inode, pipe: Pipe): void {
    this.#pipes.set(inode, pipe);
  }

  /** The inode of a new pipe(2). */
  pipeInode(owner: Owner): AnonymousInode {
    return this.pipefs.inode(S_IFIFO | 0o600, owner);
  }

  /** @param minor undefined: all minors of `major` that have no driver of their own */
  register(format: number, major: number, minor: number | undefined, open: DeviceOpener): void {
    this.#drivers.set(`${format === S_IFCHR ? "c" : "b"}${major}:${minor ?? "*"}`, open);
  }

  /** Opens a device; ENXIO if there is none with its number. */
  openDevice(inode: Inode, flags: number, context: OpenContext, path: Path): File {
    const { rdev } = inode.attributes();
    const kind = inode.format === S_IFCHR ? "c" : "b";
    const major = majorOf(rdev);
    const open = this.#drivers.get(`${kind}${major}:${minorOf(rdev)}`) ?? this.#drivers.get(`${kind}${major}:*`);
    if (open === undefined) throw errno(ENXIO);
    return open(inode, flags, context, path);
  }
}
