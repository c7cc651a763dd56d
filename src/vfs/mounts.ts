/** The mount table of a machine. */

import { makedev } from "../abi/device.ts";
import { EBUSY, EINVAL, ENOENT, ENOTDIR, errno } from "../abi/errno.ts";
import { S_IFDIR } from "../abi/stat.ts";
import { MS_RDONLY } from "../abi/statfs.ts";
import type { Clock } from "../host/interface.ts";
import { LockWaiters } from "./locks.ts";
import { notifyUnmounted } from "./notify.ts";
import { Dentry, Mount, Path } from "./path.ts";
import { SpecialFiles } from "./special.ts";
import { MemoryFs } from "./types/memory.ts";
import { tmpfsOptions } from "./types/tmpfs-options.ts";
import type { FileSystem, Inode } from "./types.ts";

/** st_dev of file systems that lie on no device: major 0, as Linux's get_anon_bdev() hands them out. */
export class DeviceNumbers {
  #last = 0;

  next(): number {
    return makedev(0, ++this.#last);
  }
}

/** Makes a file system for mount(2). Throws EINVAL for options that it does not know. */
export type FileSystemMaker = (options: { readonly source: string; readonly data: string }) => FileSystem;

export interface MountTableOptions {
  readonly clock: Clock;
  readonly deviceNumbers: DeviceNumbers;
  /** Of the root, as the first field of /proc/mounts, and its MS_* flags. */
  readonly source?: string;
  readonly flags?: number;
}

export class MountTable {
  /** In the order in which they were mounted: /proc/mounts. */
  readonly mounts: Mount[] = [];
  readonly root: Mount;
  #lastId = 0;
  readonly #roots: WeakMap<FileSystem, Dentry> = new WeakMap();

  /** Pipes, FIFOs and devices: what an inode of such a type leads to. */
  readonly special: SpecialFiles;
  /** What mount(2) can make, by type. Those of the kernel (proc, sysfs) are added by who builds the machine. */
  readonly types: Map<string, FileSystemMaker> = new Map();
  /** Of files without names: memfd_create(2). */
  readonly shmem: MemoryFs;
  /** Ties the two inotify events of a rename together. */
  lastMoveCookie: number = 0;
  /** Who waits for a record lock of whom. */
  readonly lockWaiters: LockWaiters = new LockWaiters();
  /** Numbers for file systems without a device. */
  readonly deviceNumbers: DeviceNumbers;
  readonly #pseudo: WeakMap<FileSystem, Mount> = new WeakMap();

  constructor(root: FileSystem, options: MountTableOptions) {
    this.deviceNumbers = options.deviceNumbers;
    this.special = new SpecialFiles(options.clock, options.deviceNumbers.next(), options.deviceNumbers.next());
    const { clock } = options;
    this.shmem = new MemoryFs({ dev: options.deviceNumbers.next(), clock });
    const makeTmpfs = (type: string): FileSystemMaker => {
      return ({ data }) => new MemoryFs({ dev: this.deviceNumbers.next(), clock, type, ...tmpfsOptions(data) });
    };
    this.types.set("tmpfs", makeTmpfs("tmpfs"));
    this.types.set("ramfs", makeTmpfs("ramfs"));
    const { source = root.type, flags = root.readOnly ? MS_RDONLY : 0 } = options;
    this.root = this.#make(this.rootDentry(root), source, flags);
  }

  /** The top of the tree: the first process's root and working directory. */
  get rootPath(): Path {
    return new Path(this.root, this.root.root);
  }

  /** The one dentry tree of a file system, however often it is mounted. */
  rootDentry(fs: FileSystem): Dentry {
    let dentry = this.#roots.get(fs);
    if (dentry === undefined) {
      dentry = new Dentry("", undefined, fs.root);
      this.#roots.set(fs, dentry);
    }
    return dentry;
  }

  #make(root: Dentry, source: string, flags: number): Mount {
    const mount = new Mount(++this.#lastId, root, source, flags);
    this.mounts.push(mount);
    return mount;
  }

  /** The topmost mount on a place, or undefined. */
  at(mount: Mount, dentry: Dentry): Mount | undefined {
    if (dentry.mounts === 0) return undefined;
    for (let i = this.mounts.length - 1; i >= 0; i--) {
      const m = this.mounts[i] as Mount;
      if (m.mountpoint === dentry && m.parent === mount) return m;
    }
    return undefined;
  }

  /** Follows mounts on a place down to what is visible there. */
  cross(path: Path): Path {
    let at = path;
    while (at.dentry.mounts > 0) {
      const mount = this.at(at.mount, at.dentry);
      if (mount === undefined) break;
      at = new Path(mount, mount.root);
    }
    return at;
  }

  #attach(mount: Mount, where: Path): void {
    mount.parent = where.mount;
    mount.mountpoint = where.dentry;
    where.dentry.mounts++;
  }

  #checkPlace(where: Path, directory: boolean): void {
    if (where.dentry.deleted) throw errno(ENOENT);
    if (where.dentry.isDirectory !== directory) throw errno(ENOTDIR);
  }

  /**
   * The place of an inode that has no name in the tree (a pipe, a socket, a memfd), for /proc/self/fd: opening it there
   * opens it again. `name` is what readlink shows: "pipe:[12]".
   */
  place(inode: Inode, name: string): Path {
    let mount = this.#pseudo.get(inode.fs);
    if (mount === undefined) {
      mount = new Mount(0, this.rootDentry(inode.fs), inode.fs.type, 0);
      mount.pseudo = true;
      this.#pseudo.set(inode.fs, mount);
    }
    return new Path(mount, new Dentry(name, undefined, inode));
  }

  mount(fs: FileSystem, where: Path, source: string = fs.type, flags: number = 0): Mount {
    this.#checkPlace(where, fs.root.format === S_IFDIR);
    const mount = this.#make(this.rootDentry(fs), source, flags);
    this.#attach(mount, where);
    return mount;
  }

  /** MS_REMOUNT: the options of the file system itself. */
  reconfigure(fs: FileSystem, data: string): void {
    if (fs instanceof MemoryFs && data !== "") fs.remount(tmpfsOptions(data));
  }

  /** MS_BIND, with MS_REC also the mounts below. */
  bind(from: Path, where: Path, recursive: boolean): Mount {
    this.#checkPlace(where, from.dentry.isDirectory);
    const copies = new Map<Mount, Mount>();
    const existing = [...this.mounts];
    const top = this.#make(from.dentry, from.mount.source, from.mount.flags);
    copies.set(from.mount, top);
    if (recursive) {
      for (const m of existing) {
        const parent = m.parent === undefined ? undefined : copies.get(m.parent);
        if (parent === undefined || m.mountpoint === undefined) continue;
        if (parent === top && !m.mountpoint.isBelow(from.dentry)) continue;
        const copy = this.#make(m.root, m.source, m.flags);
        copies.set(m, copy);
        this.#attach(copy, new Path(parent, m.mountpoint));
      }
    }
    this.#attach(top, where);
    return top;
  }

  /** MS_MOVE. */
  move(mount: Mount, where: Path): void {
    if (mount.parent === undefined || mount.mountpoint === undefined) throw errno(EINVAL);
    this.#checkPlace(where, mount.root.isDirectory);
    mount.mountpoint.mounts--;
    this.#attach(mount, where);
  }

  /**
   * @param busy whether files, working directories or roots of processes are in the mount
   * @param lazy MNT_DETACH: takes the mount and all below it out of the tree whoever uses them
   */
  unmount(mount: Mount, lazy: boolean, busy: (mount: Mount) => boolean): void {
    if (mount.parent === undefined) throw errno(EINVAL);
    const below = this.mounts.filter((m) => this.#isBelow(m, mount));
    if (!lazy && (below.length > 1 || busy(mount))) throw errno(EBUSY);
    for (const m of below.reverse()) {
      const { mountpoint } = m;
      if (mountpoint !== undefined) mountpoint.mounts--;
      m.parent = undefined;
      m.mountpoint = undefined;
      m.detached = true;
      this.mounts.splice(this.mounts.indexOf(m), 1);
      if (!this.mounts.some((other) => other.fs === m.fs)) notifyUnmounted(m.fs);
    }
  }

  #isBelow(mount: Mount, ancestor: Mount): boolean {
    for (let m: Mount | undefined = mount; m !== undefined; m = m.parent) if (m === ancestor) return true;
    return false;
  }
}
