/**
 * The mounts of a machine: a table is a mount namespace (mount_namespaces(7)); all tables of a machine share what is not about
 * places, which is in `MountWorld`.
 */
import { makedev } from "../abi/device.ts";
import { EBUSY, EINVAL, ELOOP, ENOENT, ENOTDIR, errno } from "../abi/errno.ts";
import { S_IFDIR } from "../abi/stat.ts";
import { MS_NOATIME, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY } from "../abi/statfs.ts";
import type { Clock } from "../host/interface.ts";
import { LockWaiters } from "./locks.ts";
import { notifyUnmounted } from "./notify.ts";
import { Dentry, Mount, Path } from "./path.ts";
import { enslave, inherit, join, makePrivate, makeSlave, PeerGroup, type Receiver, receivers } from "./propagation.ts";
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

/** What all namespaces of a machine share. */
class MountWorld {
  lastId = 0;
  lastGroup = 0;
  readonly roots: WeakMap<FileSystem, Dentry> = new WeakMap();
  readonly pseudo: WeakMap<FileSystem, Mount> = new WeakMap();
  readonly special: SpecialFiles;
  readonly types: Map<string, FileSystemMaker> = new Map();
  readonly shmem: MemoryFs;
  readonly lockWaiters: LockWaiters = new LockWaiters();
  readonly deviceNumbers: DeviceNumbers;
  lastMoveCookie = 0;

  constructor({ clock, deviceNumbers }: MountTableOptions) {
    this.deviceNumbers = deviceNumbers;
    this.special = new SpecialFiles(clock, deviceNumbers.next(), deviceNumbers.next());
    this.shmem = new MemoryFs({ dev: deviceNumbers.next(), clock });
    for (const type of ["tmpfs", "ramfs"]) {
      this.types.set(type, ({ data }) => {
        return new MemoryFs({ dev: deviceNumbers.next(), clock, type, ...tmpfsOptions(data) });
      });
    }
  }
}

export class MountTable {
  /** In the order in which they were mounted: /proc/mounts. */
  readonly mounts: Mount[] = [];
  #root: Mount | undefined;
  readonly #world: MountWorld;

  /** The first namespace of a machine; or an empty one in a world that there is. */
  constructor(world: MountWorld);
  constructor(root: FileSystem, options: MountTableOptions);
  constructor(from: FileSystem | MountWorld, options?: MountTableOptions) {
    if (from instanceof MountWorld) {
      this.#world = from;
      return;
    }
    if (options === undefined) throw new Error("a root needs options");
    this.#world = new MountWorld(options);
    const { source = from.type, flags = from.readOnly ? MS_RDONLY : 0 } = options;
    this.#root = this.make(this.rootDentry(from), source, flags);
    this.mounts.push(this.#root);
  }

  /** Pipes, FIFOs and devices: what an inode of such a type leads to. */
  get special(): SpecialFiles {
    return this.#world.special;
  }

  /** What mount(2) can make, by type. Those of the kernel (proc, sysfs) are added by who builds the machine. */
  get types(): Map<string, FileSystemMaker> {
    return this.#world.types;
  }

  /** Of files without names: memfd_create(2). */
  get shmem(): MemoryFs {
    return this.#world.shmem;
  }

  /** Who waits for a record lock of whom. */
  get lockWaiters(): LockWaiters {
    return this.#world.lockWaiters;
  }

  /** Numbers for file systems without a device. */
  get deviceNumbers(): DeviceNumbers {
    return this.#world.deviceNumbers;
  }

  /** Ties the two inotify events of a rename together. */
  nextMoveCookie(): number {
    return ++this.#world.lastMoveCookie;
  }

  /** The mount that the tree begins with. */
  get root(): Mount {
    if (this.#root === undefined) throw new Error("a namespace without a root");
    return this.#root;
  }

  /** The top of the tree: the first process's root and working directory. */
  get rootPath(): Path {
    return new Path(this.root, this.root.root);
  }

  /** The one dentry tree of a file system, however often it is mounted. */
  rootDentry(fs: FileSystem): Dentry {
    const { roots } = this.#world;
    let dentry = roots.get(fs);
    if (dentry === undefined) {
      dentry = new Dentry("", undefined, fs.root);
      roots.set(fs, dentry);
    }
    return dentry;
  }

  /** A mount that is nowhere as yet: `attach` gives it its place. */
  make(root: Dentry, source: string, flags: number, table: { readonly mounts: Mount[] } = this): Mount {
    return new Mount(++this.#world.lastId, root, source, flags, table);
  }

  /** The topmost mount on a place, or undefined. */
  at(mount: Mount, dentry: Dentry): Mount | undefined {
    if (dentry.mounts === 0) return undefined;
    const { children } = mount;
    for (let i = children.length - 1; i >= 0; i--) {
      if (children[i]?.mountpoint === dentry) return children[i];
    }
    return undefined;
  }

  /** Is something mounted on it, as this namespace sees it? Others may have mounts there that nobody asks about. */
  isMountpoint(dentry: Dentry): boolean {
    return dentry.mounts > 0 && this.mounts.some((m) => m.mountpoint === dentry);
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

  #place(mount: Mount, where: Path): void {
    mount.parent = where.mount;
    mount.mountpoint = where.dentry;
    where.mount.children.push(mount);
    where.dentry.mounts++;
  }

  #unplace(mount: Mount): void {
    const { parent, mountpoint } = mount;
    if (parent === undefined || mountpoint === undefined) return;
    parent.children.splice(parent.children.indexOf(mount), 1);
    mountpoint.mounts--;
    mount.parent = undefined;
    mount.mountpoint = undefined;
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
    const { pseudo } = this.#world;
    let mount = pseudo.get(inode.fs);
    if (mount === undefined) {
      mount = new Mount(0, this.rootDentry(inode.fs), inode.fs.type, 0, { mounts: [] });
      mount.pseudo = true;
      pseudo.set(inode.fs, mount);
    }
    return new Path(mount, new Dentry(name, undefined, inode));
  }

  mount(fs: FileSystem, where: Path, source: string = fs.type, flags: number = 0): Mount {
    this.#checkPlace(where, fs.root.format === S_IFDIR);
    const mount = this.make(this.rootDentry(fs), source, flags);
    this.attach(mount, where);
    return mount;
  }

  /** MS_REMOUNT: the options of the file system itself. */
  reconfigure(fs: FileSystem, data: string): void {
    if (fs instanceof MemoryFs && data !== "") fs.remount(tmpfsOptions(data));
  }

  /** The file system itself, wherever it is mounted; one that is of the host, or the kernel's, is what it is. */
  setReadOnly(fs: FileSystem, on: boolean): void {
    if (fs instanceof MemoryFs) fs.readOnly = on;
  }

  /** attach_recursive_mnt(): a tree of mounts gets its place, here and wherever `where` propagates to. */
  attach(top: Mount, where: Path): void {
    this.#checkPlace(where, top.root.isDirectory);
    const shared = where.mount.peers !== undefined;
    if (shared) for (const mount of treeOf(top)) this.makeShared(mount);
    this.#place(top, where);
    for (const mount of treeOf(top)) this.#enter(mount, where.mount.table);
    if (!shared) return;
    for (const receiver of receivers(where.mount)) {
      const { mount: target } = receiver;
      if (target.detached || !where.dentry.isBelow(target.root)) continue;
      const copy = this.#propagate(top, receiver);
      this.#place(copy, new Path(target, where.dentry));
      for (const mount of treeOf(copy)) this.#enter(mount, target.table);
    }
  }

  #enter(mount: Mount, table: { readonly mounts: Mount[] }): void {
    mount.table = table;
    if (!table.mounts.includes(mount)) table.mounts.push(mount);
  }

  /** The copy of a tree that a receiver gets. */
  #propagate(top: Mount, { mount: target, master }: Receiver): Mount {
    return this.copyTree(top, true, (copy, source) => {
      if (master === undefined) inherit(copy, source);
      else {
        enslave(copy, source.peers);
        if (target.peers !== undefined) this.makeShared(copy);
      }
    });
  }

  /** MS_SHARED */
  makeShared(mount: Mount): void {
    mount.unbindable = false;
    if (mount.peers === undefined) join(mount, new PeerGroup(++this.#world.lastGroup));
  }

  /** MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE. */
  makeUnshared(mount: Mount, how: "slave" | "private" | "unbindable"): void {
    mount.unbindable = how === "unbindable";
    if (how === "slave") makeSlave(mount);
    else makePrivate(mount);
  }

  /** A copy of a mount, and with `recursive` of those below it, that has no place as yet. */
  copyTree(
    top: Mount,
    recursive: boolean,
    belongs: (copy: Mount, source: Mount) => void = inherit,
    root: Dentry = top.root,
    withUnbindable = false,
  ): Mount {
    const copyOne = (source: Mount, at: Dentry): Mount => {
      const copy = this.make(at, source.source, source.flags, { mounts: [] });
      copy.lockedFlags = source.lockedFlags;
      copy.locked = source.locked && source !== top;
      belongs(copy, source);
      return copy;
    };
    const copy = copyOne(top, root);
    const below = (from: Mount, to: Mount): void => {
      for (const child of from.children) {
        const { mountpoint } = child;
        if (mountpoint === undefined || !mountpoint.isBelow(to.root)) continue;
        if (child.unbindable && !withUnbindable) continue;
        const childCopy = copyOne(child, child.root);
        this.#place(childCopy, new Path(to, mountpoint));
        below(child, childCopy);
      }
    };
    if (recursive) below(top, copy);
    return copy;
  }

  /** lock_mnt_tree(): all mounts here are of those who made them, and belong together. Their groups are masters from now on. */
  lockAll(): void {
    for (const mount of this.mounts) {
      mount.lockedFlags |= (mount.flags & LOCKABLE) | MS_NOATIME;
      mount.locked = mount !== this.#root;
      makeSlave(mount);
    }
  }

  /** MS_BIND, with MS_REC also the mounts below. */
  bind(from: Path, where: Path, recursive: boolean): Mount {
    if (from.mount.unbindable) throw errno(EINVAL);
    if (!recursive && hidesByLocked(from)) throw errno(EINVAL);
    this.#checkPlace(where, from.dentry.isDirectory);
    const top = this.copyTree(from.mount, recursive, inherit, from.dentry);
    this.attach(top, where);
    return top;
  }

  /** MS_MOVE, and move_mount(2) of what is attached. */
  move(mount: Mount, where: Path): void {
    const { parent } = mount;
    if (parent === undefined || parent.peers !== undefined || mount.locked) throw errno(EINVAL);
    if (where.dentry.isDirectory !== mount.root.isDirectory) throw errno(EINVAL);
    for (let at: Mount | undefined = where.mount; at !== undefined; at = at.parent) {
      if (at === mount) throw errno(ELOOP);
    }
    if (where.mount.peers !== undefined && treeOf(mount).some((m) => m.unbindable)) throw errno(EINVAL);
    this.#unplace(mount);
    this.attach(mount, where);
  }

  /**
   * @param busy whether files, working directories or roots of processes are in the mount
   * @param lazy MNT_DETACH: takes the mount and all below it out of the tree whoever uses them
   */
  unmount(mount: Mount, lazy: boolean, busy: (mount: Mount) => boolean): void {
    const { parent, mountpoint } = mount;
    if (parent === undefined || mountpoint === undefined || mount.locked) throw errno(EINVAL);
    if (!lazy && (mount.children.length > 0 || busy(mount))) throw errno(EBUSY);
    for (const m of treeOf(mount).reverse()) this.#unmountCopies(m, lazy);
    this.#detach(mount);
  }

  /** What a mount has propagated to goes with it. */
  #unmountCopies({ parent, mountpoint, root }: Mount, lazy: boolean): void {
    if (parent === undefined || mountpoint === undefined) return;
    for (const { mount: other } of receivers(parent)) {
      const copy = this.at(other, mountpoint);
      // What somebody has mounted on it there keeps it.
      if (copy?.root === root && (lazy || copy.children.length === 0)) this.#detach(copy);
    }
  }

  #detach(top: Mount): void {
    for (const mount of treeOf(top).reverse()) {
      this.#unplace(mount);
      makePrivate(mount);
      mount.detached = true;
      const { mounts } = mount.table;
      if (mounts.includes(mount)) mounts.splice(mounts.indexOf(mount), 1);
      if (!mounts.some((other) => other.fs === mount.fs)) notifyUnmounted(mount.fs);
    }
  }

  /** A tree that was made and given no place (open_tree(2), fsmount(2)) ends with its descriptor. */
  dissolve(top: Mount): void {
    if (top.parent === undefined && top !== this.#root) this.#detach(top);
  }

  /**
   * pivot_root(2): the mount at `next` becomes the root, and what was the root, at `old`, is moved to `put`. There is no file
   * system below the first root here, so what Linux refuses of its rootfs can be done.
   */
  pivot(next: Path, put: Path, old: Path): void {
    const top = next.mount;
    const root = old.mount;
    if (put.mount.peers !== undefined || top.parent?.peers !== undefined || root.parent?.peers !== undefined) {
      throw errno(EINVAL);
    }
    if (top.locked) throw errno(EINVAL);
    if (next.dentry.deleted) throw errno(ENOENT);
    if (top === root || put.mount === root) throw errno(EBUSY);
    if (old.dentry !== root.root || next.dentry !== top.root || top.parent === undefined) throw errno(EINVAL);
    if (!isReachable(put, next) || !isReachable(next, old)) throw errno(EINVAL);
    const { parent, mountpoint } = root;
    this.#unplace(top);
    this.#unplace(root);
    if (parent !== undefined && mountpoint !== undefined) this.#place(top, new Path(parent, mountpoint));
    else this.#root = top;
    this.#place(root, put);
  }

  /** CLONE_NEWNS: a namespace with a copy of each mount. `translate` finds there what one had in the old one. */
  clone(): { readonly table: MountTable; readonly translate: (path: Path) => Path } {
    const table = new MountTable(this.#world);
    const copies = new Map<Mount, Mount>();
    const belongs = (copy: Mount, source: Mount): void => {
      inherit(copy, source);
      copy.unbindable = source.unbindable;
      copy.table = table;
      copies.set(source, copy);
    };
    table.#root = this.copyTree(this.root, true, belongs, this.root.root, true);
    for (const mount of this.mounts) {
      const copy = copies.get(mount);
      if (copy !== undefined) table.mounts.push(copy);
    }
    const translate = (path: Path): Path => {
      const mount = copies.get(path.mount);
      return mount === undefined ? path : new Path(mount, path.dentry);
    };
    return { table, translate };
  }
}

/** A mount and all that is mounted in it, outer ones first. */
export function treeOf(top: Mount): Mount[] {
  const tree = [top];
  for (const mount of tree) tree.push(...mount.children);
  return tree;
}

/** has_locked_children(): without what is mounted there one would see what is below. */
function hidesByLocked({ mount, dentry }: Path): boolean {
  return mount.children.some(({ locked, mountpoint }) => locked && mountpoint?.isBelow(dentry));
}

/** Flags that a mount keeps for good where it comes to less privileged users. */
const LOCKABLE = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

/** Is `path` at or below `top`? */
function isReachable(path: Path, top: Path): boolean {
  let { mount, dentry } = path;
  while (mount !== top.mount) {
    if (mount.parent === undefined || mount.mountpoint === undefined) return false;
    dentry = mount.mountpoint;
    mount = mount.parent;
  }
  return dentry.isBelow(top.dentry);
}
