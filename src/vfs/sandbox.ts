/**
 * landlock(7): rules that a program makes for itself and its descendants, on top of all others.
 *
 * A *sandbox* (Linux: domain) is a stack of layers, one for each time a ruleset was put in force; it belongs to the
 * credentials and is never changed. A layer denies what it handles, but for what one of its rules allows: at the file itself or
 * at a directory anywhere above it, across mounts. All layers have to allow an access, each by whichever of its rules.
 *
 * What is denied is a list with one mask per layer; walking up takes bits away from it. After security/landlock of Linux.
 */
import { EACCES, ENOENT, EXDEV, errno } from "../abi/errno.ts";
import * as L from "../abi/landlock.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFSOCK } from "../abi/stat.ts";
import { type Dentry, type Mount, Path } from "./path.ts";
import type { FileSystem, Inode } from "./types.ts";

/** What is handled, and what rules allow of it. */
export class Ruleset {
  readonly files: number;
  readonly network: number;
  readonly scoped: number;
  readonly #places: Map<FileSystem, Map<number, number>>;
  readonly #ports: Map<number, number>;

  constructor(files: number, network: number, scoped: number, from?: Ruleset) {
    this.files = files;
    this.network = network;
    this.scoped = scoped;
    const places = from === undefined ? [] : from.#places;
    this.#places = new Map(Array.from(places, ([fs, rules]) => [fs, new Map(rules)]));
    this.#ports = new Map(from === undefined ? [] : from.#ports);
  }

  /** As it is now: a layer does not see rules that are added later. */
  snapshot(): Ruleset {
    return new Ruleset(this.files, this.network, this.scoped, this);
  }

  allowBeneath({ fs, ino }: Inode, access: number): void {
    let rules = this.#places.get(fs);
    if (rules === undefined) {
      rules = new Map();
      this.#places.set(fs, rules);
    }
    rules.set(ino, (rules.get(ino) ?? 0) | access);
  }

  allowPort(port: number, access: number): void {
    this.#ports.set(port, (this.#ports.get(port) ?? 0) | access);
  }

  at({ fs, ino }: Inode): number {
    return this.#places.get(fs)?.get(ino) ?? 0;
  }

  atPort(port: number): number {
    return this.#ports.get(port) ?? 0;
  }
}

type Denied = number[];

const isClear = (denied: Denied): boolean => denied.every((mask) => mask === 0);

export class Sandbox {
  readonly parent: Sandbox | null;
  /** The outermost first. */
  readonly layers: readonly Ruleset[];

  constructor(parent: Sandbox | null, layer: Ruleset) {
    this.parent = parent;
    this.layers = [...(parent?.layers ?? []), layer];
  }

  /** Is `other` the same, or further inside? */
  contains(other: Sandbox | null): boolean {
    for (let at = other; at !== null; at = at.parent) if (at === this) return true;
    return false;
  }

  get handlesFiles(): boolean {
    return this.layers.some(({ files }) => files !== 0);
  }

  /** What a layer denies without a rule. To move things to other directories is denied unless all layers know of it. */
  #denied(request: number): Denied {
    return this.layers.map(({ files }) => request & (files === 0 ? 0 : files | L.FS_REFER));
  }

  #unmask(denied: Denied, inode: Inode, request: number): void {
    for (const [i, layer] of this.layers.entries()) {
      if (denied[i] !== 0) denied[i] = (denied[i] as number) & ~(layer.at(inode) & request);
    }
  }

  /** EACCES if it may not. */
  check(path: Path, request: number): void {
    if ((this.denies(path, request) & request) !== 0) throw errno(EACCES);
  }

  /** What of a request is denied at a place. */
  denies({ mount, dentry }: Path, request: number): number {
    // Pipes, sockets and their like are nowhere.
    if (mount.pseudo) return 0;
    const denied = this.#denied(request);
    for (const inode of upwards(mount, dentry)) {
      if (isClear(denied)) return 0;
      this.#unmask(denied, inode, request);
    }
    return denied.reduce((all, mask) => all | mask, 0);
  }

  /** Making a thing of that kind in a directory. @param mode with S_IFMT */
  checkMake(directory: Path, mode: number): void {
    this.check(directory, makeAccess(mode));
  }

  /**
   * rename(2) and link(2), current_check_refer_path(): besides the right to make and remove them, what is moved may not gain
   * rights by its new place. EXDEV says that all that is missing is the right to change the directory.
   * @param target what is there already
   * @param removes it leaves its old place, and what is there its own
   */
  checkRefer(
    mount: Mount,
    source: Dentry,
    directory: Dentry,
    target: Dentry | undefined,
    removes: boolean,
    exchange: boolean,
  ): void {
    if (exchange && target === undefined) throw errno(ENOENT);
    let request1 = exchange && target !== undefined ? makeAccess(target.inode.format) : 0;
    let request2 = makeAccess(source.inode.format);
    if (removes) {
      request1 |= removeAccess(source.inode);
      if (target !== undefined) request2 |= removeAccess(target.inode);
    }
    if (source.parent === directory) {
      this.check(new Path(mount, directory), request1 | request2);
      return;
    }
    request1 |= L.FS_REFER;
    request2 |= L.FS_REFER;
    const all = this.layers.reduce((mask, { files }) => mask | (files === 0 ? 0 : files | L.FS_REFER), 0);
    const parent1 = this.#collect(mount, source === mount.root ? source : source.parent, all);
    const parent2 = this.#collect(mount, directory, all);
    if (isClear(parent1) && isClear(parent2)) return;
    const child = (dentry: Dentry): Denied => {
      const denied = this.#denied(L.FS_ALL);
      this.#unmask(denied, dentry.inode, L.FS_ALL);
      return denied;
    };
    const child1 = child(source);
    const child2 = exchange && target !== undefined ? child(target) : undefined;
    const gainsNothing = (): boolean =>
      covers(parent1, child1, parent2, source) &&
      (child2 === undefined || target === undefined || covers(parent2, child2, parent1, target));
    // As long as it is open whether rights are gained, all that is handled is looked at, and then what was asked for.
    let whole = true;
    for (const inode of upwards(mount, mount.root)) {
      if (whole && gainsNothing()) {
        whole = false;
        for (const [i, mask] of parent1.entries()) parent1[i] = mask & request1;
        for (const [i, mask] of parent2.entries()) parent2[i] = mask & request2;
      }
      if (!whole && isClear(parent1) && isClear(parent2)) return;
      this.#unmask(parent1, inode, whole ? all : request1);
      this.#unmask(parent2, inode, whole ? all : request2);
      if (isClear(parent1) && isClear(parent2)) return;
    }
    const missing = (denied: Denied, request: number): boolean =>
      denied.some((mask) => (mask & request & ~L.FS_REFER) !== 0);
    throw errno(missing(parent1, request1) || missing(parent2, request2) ? EACCES : EXDEV);
  }

  /** What is denied by the rules from a directory up to the root of its mount. */
  #collect(mount: Mount, from: Dentry, request: number): Denied {
    const denied = this.#denied(request);
    for (let dentry = from; ; dentry = dentry.parent) {
      this.#unmask(denied, dentry.inode, request);
      if (isClear(denied) || dentry === mount.root || dentry.parent === dentry) return denied;
    }
  }

  /** TCP ports: NET_BIND_TCP, NET_CONNECT_TCP. */
  allowsPort(port: number, access: number): boolean {
    return this.layers.every((layer) => (layer.network & access & ~layer.atPort(port)) === 0);
  }

  /** SCOPE_*: may it not reach what is in `other`? Each layer that scopes keeps its own out of all that is not in it. */
  keepsFrom(other: Sandbox | null, scope: number): boolean {
    for (let at: Sandbox | null = this; at !== null; at = at.parent) {
      const own = at.layers.at(-1);
      if (own !== undefined && (own.scoped & scope) !== 0 && !at.contains(other)) return true;
    }
    return false;
  }
}

/** no_more_access(): is what `to` denies at least what is denied where it comes from? Files have but rights of files. */
function covers(from: Denied, child: Denied, to: Denied, { isDirectory }: Dentry): boolean {
  const relevant = isDirectory ? L.FS_ALL : L.FS_OF_FILES;
  return from.every((mask, i) => (mask & (child[i] as number) & ~(to[i] as number) & relevant) === 0);
}

/** The inodes at and above a place, across mounts. */
function* upwards(inMount: Mount, from: Dentry): Generator<Inode> {
  let mount = inMount;
  let dentry = from;
  for (;;) {
    yield dentry.inode;
    // What lies hidden below a mount does not count.
    while (dentry === mount.root) {
      if (mount.parent === undefined || mount.mountpoint === undefined) return;
      dentry = mount.mountpoint;
      mount = mount.parent;
    }
    if (dentry.parent === dentry) return;
    dentry = dentry.parent;
  }
}

function makeAccess(mode: number): number {
  switch (mode & 0o170000) {
    case S_IFLNK:
      return L.FS_MAKE_SYM;
    case S_IFDIR:
      return L.FS_MAKE_DIR;
    case S_IFCHR:
      return L.FS_MAKE_CHAR;
    case S_IFBLK:
      return L.FS_MAKE_BLOCK;
    case S_IFIFO:
      return L.FS_MAKE_FIFO;
    case S_IFSOCK:
      return L.FS_MAKE_SOCK;
    default:
      return L.FS_MAKE_REG;
  }
}

function removeAccess({ format }: Inode): number {
  return format === S_IFDIR ? L.FS_REMOVE_DIR : L.FS_REMOVE_FILE;
}
