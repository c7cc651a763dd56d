/**
 * The path walk: path_resolution(7), after fs/namei.c of Linux.
 *
 * A `Walker` goes along a path up to, but not into, its last component; what happens to that one differs from call to call
 * (looked up, created, removed, followed or not). A symbolic link met on the way is put in front of the rest of the path
 * and the walk goes on from where it is. The order of the errors is Linux's: at each component first that the place is a
 * directory (ENOTDIR), then that it may be searched (EACCES), then the length of the name, then whether it is there.
 */
import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV, errno } from "../abi/errno.ts";
import {
  NAME_MAX,
  PATH_MAX,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../abi/fcntl.ts";
import { S_IFLNK } from "../abi/stat.ts";
import { MS_NOSYMFOLLOW } from "../abi/statfs.ts";
import { encodeBytes } from "../util/bytes.ts";
import type { FsContext } from "./fs-context.ts";
import { type Dentry, type Mount, Path } from "./path.ts";
import { allowed, MAY_EXEC } from "./permission.ts";
import type { OpenContext } from "./types.ts";

/** Who walks, and from where: a task has this shape. */
export interface View extends OpenContext {
  readonly fs: FsContext;
}

/** The last component is followed if it is a symbolic link. */
export const FOLLOW = 1;
/** The result must be a directory. */
export const DIRECTORY = 2;
/** An empty path means the start itself (AT_EMPTY_PATH). */
export const EMPTY = 4;

/** What the last component is. */
export const LAST_NORMAL = 0;
export const LAST_DOT = 1;
export const LAST_DOTDOT = 2;
/** The path was of slashes only. */
export const LAST_ROOT = 3;
/** A magic link led here: there is no name. */
export const LAST_JUMP = 4;

const MAX_LINKS = 40;

export function byteLength(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return encodeBytes(text).length;
  return text.length;
}

export class Walker {
  readonly view: View;
  mount: Mount;
  dentry: Dentry;
  /** The last component, if `lastType` is LAST_NORMAL. */
  last: string = "";
  lastType: number = LAST_ROOT;
  /** The last component is followed by a slash. */
  trailing: boolean = false;
  /** To walk somewhere is to use it, but not for who only wants to know whether somebody does. */
  quiet: boolean = false;
  readonly #root: Path;
  readonly #start: Path;
  readonly #resolve: number;
  #rest = "";
  #at = 0;
  #links = 0;

  constructor(view: View, start: Path | undefined, resolve = 0) {
    this.view = view;
    this.#start = start ?? view.fs.cwd;
    this.#resolve = resolve;
    this.#root = resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) ? this.#start : view.fs.root;
    this.mount = this.#start.mount;
    this.dentry = this.#start.dentry;
  }

  get path(): Path {
    return new Path(this.mount, this.dentry);
  }

  /** Goes to the directory of the last component of `path`, which is not empty. */
  begin(path: string): void {
    if (path.length >= PATH_MAX || (path.length * 3 >= PATH_MAX && byteLength(path) >= PATH_MAX)) {
      throw errno(ENAMETOOLONG);
    }
    if (path === "") throw errno(ENOENT);
    this.#rest = path;
    this.#at = 0;
    this.#enter(true);
    this.#toLast();
  }

  /** An absolute path starts at the root, wherever that is mounted; a link leads there only from the same mount. */
  #enter(given: boolean): void {
    if (this.#rest.charCodeAt(0) !== 47) return;
    if (this.#resolve & RESOLVE_BENEATH) throw errno(EXDEV);
    if (!given && this.#resolve & RESOLVE_NO_XDEV && this.mount !== this.#root.mount) throw errno(EXDEV);
    this.#set(this.#root.mount, this.#root.dentry);
  }

  #set(mount: Mount, dentry: Dentry): void {
    this.mount = mount;
    this.dentry = dentry;
  }

  #toLast(): void {
    for (;;) {
      const rest = this.#rest;
      let start = this.#at;
      while (rest.charCodeAt(start) === 47) start++;
      if (start === rest.length) {
        // Only slashes: a path of them alone, since the slashes after a component are taken with it.
        this.lastType = LAST_ROOT;
        this.trailing = true;
        return;
      }
      this.checkSearch();
      let end = rest.indexOf("/", start);
      if (end < 0) end = rest.length;
      const name = rest.slice(start, end);
      let next = end;
      while (rest.charCodeAt(next) === 47) next++;
      const isLast = next === rest.length;
      this.#at = next;
      const type = name === "." ? LAST_DOT : name === ".." ? LAST_DOTDOT : LAST_NORMAL;
      if (isLast) {
        this.last = name;
        this.lastType = type;
        this.trailing = next > end;
        return;
      }
      if (type === LAST_DOT) continue;
      if (type === LAST_DOTDOT) {
        this.up();
        continue;
      }
      const child = this.child(name);
      if (child === undefined) throw errno(ENOENT);
      if (child.inode.format === S_IFLNK) {
        if (this.#into(child, rest.slice(next))) continue;
      } else this.enter(child);
      if (!this.dentry.isDirectory) throw errno(ENOTDIR);
    }
  }

  /** The current place must be a directory that may be searched. */
  checkSearch(): void {
    if (!this.dentry.isDirectory) throw errno(ENOTDIR);
    if (!allowed(this.dentry.inode, this.view.credentials, MAY_EXEC)) throw errno(EACCES);
  }

  /** Looks up a name in the current directory. */
  child(name: string): Dentry | undefined {
    if (name.length > NAME_MAX || (name.length * 3 > NAME_MAX && byteLength(name) > NAME_MAX))
      throw errno(ENAMETOOLONG);
    return this.dentry.child(name);
  }

  /** Goes to a child of the current directory, and to what is mounted there. */
  enter(child: Dentry): void {
    this.dentry = child;
    while (this.dentry.mounts > 0) {
      const mount = this.view.fs.mounts.at(this.mount, this.dentry);
      if (mount === undefined) return;
      if (this.#resolve & RESOLVE_NO_XDEV) throw errno(EXDEV);
      // It is in use: MNT_EXPIRE of umount2(2) is to be asked for again.
      if (!this.quiet) mount.expiring = false;
      this.#set(mount, mount.root);
    }
  }

  /** Goes to "..", which at the root is the root. */
  up(): void {
    const root = this.#root;
    for (;;) {
      if (this.dentry === root.dentry && this.mount === root.mount) {
        if (this.#resolve & RESOLVE_BENEATH) throw errno(EXDEV);
        break;
      }
      if (this.dentry !== this.mount.root) {
        this.dentry = this.dentry.parent;
        break;
      }
      const { parent, mountpoint } = this.mount;
      if (parent === undefined || mountpoint === undefined) break;
      if (this.#resolve & RESOLVE_NO_XDEV) throw errno(EXDEV);
      this.#set(parent, mountpoint);
    }
    this.enter(this.dentry);
  }

  /**
   * The last component is the symbolic link `link`: walks on to the last component of its target. `lastType` is LAST_JUMP
   * if a magic link has led to an object: then the current place is the result.
   */
  followLast(link: Dentry): void {
    const { trailing } = this;
    if (this.#into(link, trailing ? "/" : "")) this.#toLast();
    else if (trailing && !this.dentry.isDirectory) throw errno(ENOTDIR);
    else this.lastType = LAST_JUMP;
  }

  /** Puts a link's target before `rest`. False: a magic link; the current place is where it leads. */
  #into(link: Dentry, rest: string): boolean {
    if (++this.#links > MAX_LINKS || this.#resolve & RESOLVE_NO_SYMLINKS) throw errno(ELOOP);
    if (this.mount.flags & MS_NOSYMFOLLOW) throw errno(ELOOP);
    const { inode } = link;
    const jump = inode.follow?.(this.view);
    if (jump !== undefined) {
      if (this.#resolve & RESOLVE_NO_MAGICLINKS) throw errno(ELOOP);
      if (this.#resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) throw errno(EXDEV);
      if (this.#resolve & RESOLVE_NO_XDEV && jump.mount !== this.mount) throw errno(EXDEV);
      this.#set(jump.mount, jump.dentry);
      this.#rest = rest;
      this.#at = 0;
      return false;
    }
    const target = inode.linkText?.(this.view) ?? inode.readlink();
    if (target === "") throw errno(ENOENT);
    this.#rest = rest === "" ? target : rest === "/" ? `${target}/` : `${target}/${rest}`;
    this.#at = 0;
    this.#enter(false);
    return true;
  }
}

/**
 * The place that `path` names.
 * @param start where a relative path begins: an open directory; undefined is the working directory
 * @param flags FOLLOW, DIRECTORY, EMPTY
 */
export function lookup(view: View, start: Path | undefined, path: string, flags: number, resolve = 0): Path {
  if (path === "" && flags & EMPTY) return start ?? view.fs.cwd;
  const walker = new Walker(view, start, resolve);
  walker.begin(path);
  return finish(walker, flags);
}

/** Takes the last step of a walk. */
export function finish(walker: Walker, flags: number): Path {
  for (;;) {
    if (walker.lastType === LAST_DOTDOT) walker.up();
    if (walker.lastType !== LAST_NORMAL) break;
    const child = walker.child(walker.last);
    if (child === undefined) throw errno(ENOENT);
    if (child.inode.format === S_IFLNK && (flags & FOLLOW || walker.trailing)) {
      walker.followLast(child);
      continue;
    }
    walker.enter(child);
    break;
  }
  if ((walker.trailing || flags & DIRECTORY) && !walker.dentry.isDirectory) throw errno(ENOTDIR);
  return walker.path;
}
