/**
 * Where things are: dentries (names in directories), mounts, and a `Path`, the pair of both.
 *
 * There is one dentry per directory and name for as long as anybody may hold it, so a working directory that another
 * process renames or removes is seen by getcwd as Linux shows it. Children are kept strongly: for memory file systems they
 * cost little beside the inode, and they are what makes a walk one Map lookup per component. File systems whose names
 * change by themselves (`volatile`) are asked at each step, and the dentry is kept only if the inode is still the same.
 */
import { ENOENT, errno } from "../abi/errno.ts";
import { S_IFDIR } from "../abi/stat.ts";
import type { PeerGroup } from "./propagation.ts";
import type { FileSystem, Inode } from "./types.ts";

/** Children that a directory of a volatile file system may keep before idle ones are dropped. */
const VOLATILE_LIMIT = 1024;

export class Dentry {
  name: string;
  /** The root of a file system is its own parent. */
  parent: Dentry;
  inode: Inode;
  /** The name is gone: unlinked, removed, or replaced by a rename. */
  deleted: boolean = false;
  /** A file made without a name (O_TMPFILE) that link(2) may name. */
  linkable: boolean = false;
  /** Number of mounts on it. */
  mounts: number = 0;
  #children: Map<string, Dentry> | undefined;

  constructor(name: string, parent: Dentry | undefined, inode: Inode) {
    this.name = name;
    this.parent = parent ?? this;
    this.inode = inode;
  }

  get isDirectory(): boolean {
    return this.inode.format === S_IFDIR;
  }

  /** The dentry of `name`, or undefined if there is none. Not for "." and "..". */
  child(name: string): Dentry | undefined {
    const known = this.#children?.get(name);
    if (known !== undefined && this.inode.fs.volatile !== true) return known;
    if (this.deleted && this.isDirectory) return undefined;
    const inode = this.inode.lookup(name);
    if (known !== undefined) {
      if (known.mounts > 0) return known;
      if (inode !== undefined && inode.ino === known.inode.ino && inode.format === known.inode.format) {
        // The same thing in a new object, as the synthetic file systems make them.
        known.inode = inode;
        return known;
      }
      known.drop();
    }
    return inode === undefined ? undefined : this.attach(name, inode);
  }

  /** The dentry of a name that was just made or looked up. */
  attach(name: string, inode: Inode): Dentry {
    const dentry = new Dentry(name, this, inode);
    if (this.#children === undefined) this.#children = new Map();
    else if (this.inode.fs.volatile === true && this.#children.size >= VOLATILE_LIMIT) this.#prune();
    this.#children.set(name, dentry);
    return dentry;
  }

  /** The dentry of a file without a name (O_TMPFILE). */
  temporary(name: string, inode: Inode, linkable: boolean): Dentry {
    const dentry = new Dentry(name, this, inode);
    dentry.deleted = true;
    dentry.linkable = linkable;
    return dentry;
  }

  #prune(): void {
    for (const [name, child] of this.#children ?? []) {
      if (child.mounts === 0 && (child.#children?.size ?? 0) === 0) this.#children?.delete(name);
    }
  }

  /** The name has gone from its directory. */
  drop(): void {
    if (this.parent.#children?.get(this.name) === this) this.parent.#children.delete(this.name);
    this.deleted = true;
  }

  /** After a successful rename in the file system. */
  move(toParent: Dentry, toName: string): void {
    const replaced = toParent.#children?.get(toName);
    if (replaced !== undefined && replaced !== this) replaced.drop();
    this.parent.#children?.delete(this.name);
    this.name = toName;
    this.parent = toParent;
    toParent.#children ??= new Map();
    toParent.#children.set(toName, this);
  }

  /** After a successful RENAME_EXCHANGE. */
  static exchange(a: Dentry, b: Dentry): void {
    const { parent, name } = a;
    a.name = b.name;
    a.parent = b.parent;
    b.name = name;
    b.parent = parent;
    a.parent.#children?.set(a.name, a);
    b.parent.#children?.set(b.name, b);
  }

  /** True if `ancestor` is this dentry or above it in the same file system. */
  isBelow(ancestor: Dentry): boolean {
    for (let d: Dentry = this; ; d = d.parent) {
      if (d === ancestor) return true;
      if (d.parent === d) return false;
    }
  }
}

export class Mount {
  readonly id: number;
  readonly fs: FileSystem;
  /** The dentry of the file system that shows at the mount point: its root, or for a bind mount any of its dentries. */
  readonly root: Dentry;
  parent: Mount | undefined;
  mountpoint: Dentry | undefined;
  /** As the first field of /proc/mounts. */
  readonly source: string;
  /** MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME... */
  flags: number;
  /** Gone from the mount table (umount2 with MNT_DETACH), though files may still be open in it. */
  detached: boolean = false;
  /** What is mounted in it, later ones on top. */
  readonly children: Mount[] = [];
  /** The namespace that it is in: its list of mounts. */
  table: { readonly mounts: Mount[] };
  /** Whom it tells of mounts, and who tells it: propagation.ts. */
  peers: PeerGroup | undefined = undefined;
  master: PeerGroup | undefined = undefined;
  /** MS_UNBINDABLE. */
  unbindable: boolean = false;
  /** MNT_LOCK_*: flags that whoever rules this namespace alone may not take away, MS_NOATIME for all of access times. */
  lockedFlags: number = 0;
  /** MNT_LOCKED: it came with its parent from a namespace of more privileged users, and hides what is below. */
  locked: boolean = false;
  /** MNT_EXPIRE: nobody has used it since it was marked. */
  expiring: boolean = false;
  /** Not in the tree at all: the place of inodes without a path, whose dentry has the name that is shown. */
  pseudo: boolean = false;

  constructor(id: number, root: Dentry, source: string, flags: number, table: { readonly mounts: Mount[] }) {
    this.id = id;
    this.table = table;
    this.fs = root.inode.fs;
    this.root = root;
    this.source = source;
    this.flags = flags;
  }

  get readOnly(): boolean {
    return (this.flags & 1) !== 0 || this.fs.readOnly;
  }
}

/** A place in the tree of one machine: what an open file, a working directory or a root refers to. Immutable. */
export class Path {
  readonly mount: Mount;
  readonly dentry: Dentry;

  constructor(mount: Mount, dentry: Dentry) {
    this.mount = mount;
    this.dentry = dentry;
  }

  get inode(): Inode {
    return this.dentry.inode;
  }

  /** From the top of the tree, for messages. */
  toString(): string {
    return displayName(this, undefined);
  }

  equals(other: Path): boolean {
    return this.mount === other.mount && this.dentry === other.dentry;
  }

  /** The directory above, crossing mount points; itself at the top of the tree. `root` is not looked at. */
  up(): Path {
    let { mount, dentry } = this as Path;
    while (dentry === mount.root) {
      if (mount.parent === undefined || mount.mountpoint === undefined) return new Path(mount, dentry);
      dentry = mount.mountpoint;
      mount = mount.parent;
    }
    return new Path(mount, dentry.parent);
  }
}

export interface Name {
  /** "/a/b"; relative to `root` where that is above. */
  readonly text: string;
  /** It does not lie below `root`: getcwd says "(unreachable)". */
  readonly unreachable: boolean;
  readonly deleted: boolean;
}

/** The name of a path as seen from `root` (undefined: from the top of the tree), as d_path() makes it. */
export function nameOf(path: Path, root: Path | undefined): Name {
  const parts: string[] = [];
  let { mount, dentry } = path;
  const { deleted } = dentry;
  if (mount.pseudo) return { text: dentry.name, unreachable: false, deleted };
  for (;;) {
    if (dentry === root?.dentry && mount === root.mount) {
      return { text: `/${parts.reverse().join("/")}`, unreachable: false, deleted };
    }
    if (dentry === mount.root) {
      if (mount.parent === undefined || mount.mountpoint === undefined) {
        return { text: `/${parts.reverse().join("/")}`, unreachable: root !== undefined, deleted };
      }
      dentry = mount.mountpoint;
      mount = mount.parent;
      continue;
    }
    if (dentry.parent === dentry) return { text: `/${parts.reverse().join("/")}`, unreachable: true, deleted };
    parts.push(dentry.name);
    dentry = dentry.parent;
  }
}

/** The name within its file system: what of that a bind mount shows. */
export function nameInFileSystem(dentry: Dentry): string {
  const parts: string[] = [];
  for (let at = dentry; at.parent !== at; at = at.parent) parts.push(at.name);
  return `/${parts.reverse().join("/")}`;
}

/** As /proc/self/fd shows it: with " (deleted)" where the name is gone. */
export function displayName(path: Path, root: Path | undefined): string {
  const name = nameOf(path, root);
  return name.deleted ? `${name.text} (deleted)` : name.text;
}

/** What getcwd(2) answers: ENOENT for a removed directory. */
export function workingDirectoryName(path: Path, root: Path): string {
  const name = nameOf(path, root);
  if (name.deleted) throw errno(ENOENT);
  return name.unreachable ? `(unreachable)${name.text}` : name.text;
}
