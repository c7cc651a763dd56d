/** What inodes of all file systems have in common: the answers of Linux to operations that an inode does not have. */
import { EEXIST, EINVAL, EISDIR, ENODATA, ENOTDIR, EOPNOTSUPP, EPERM, EROFS, errno } from "../abi/errno.ts";
import { S_IFDIR } from "../abi/stat.ts";
import type { Clock } from "../host/interface.ts";
import type { Leases } from "./lease.ts";
import type { FileLocks } from "./locks.ts";
import type { Watch } from "./notify.ts";
import type { AttributeChange, Attributes, DirectoryEntry, FileSystem, Inode, Timespec } from "./types.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export const EPOCH: Timespec = { sec: 0, nsec: 0 };

export function now(clock: Clock): Timespec {
  return timespecOf(clock.realtime());
}

/** From nanoseconds since 1970. */
export function timespecOf(nanoseconds: bigint): Timespec {
  const sec = nanoseconds / 1_000_000_000n;
  const nsec = nanoseconds % 1_000_000_000n;
  return nsec < 0n
    ? { sec: Number(sec) - 1, nsec: Number(nsec) + 1_000_000_000 }
    : { sec: Number(sec), nsec: Number(nsec) };
}

export abstract class BaseInode implements Inode {
  abstract readonly fs: FileSystem;
  abstract readonly ino: number;
  abstract readonly format: number;
  locks: FileLocks | undefined = undefined;
  watches: Set<Watch> | undefined = undefined;
  leases: Leases | undefined = undefined;
  readers: number = 0;
  writers: number = 0;
  writableMappings: number = 0;
  executions: number = 0;
  abstract attributes(): Attributes;

  #notDirectory(): number {
    if (this.format !== S_IFDIR) return ENOTDIR;
    return this.fs.readOnly ? EROFS : EPERM;
  }

  setAttributes(_change: AttributeChange): void {
    throw errno(this.fs.readOnly ? EROFS : EPERM);
  }
  lookup(_name: string): Inode | undefined {
    throw errno(ENOTDIR);
  }
  create(_name: string, _mode: number, _owner: Owner, _rdev?: number): Inode {
    throw errno(this.#notDirectory());
  }
  symlink(_name: string, _target: string, _owner: Owner): Inode {
    throw errno(this.#notDirectory());
  }
  link(_name: string, _target: Inode): void {
    throw errno(this.#notDirectory());
  }
  unlink(_name: string): void {
    throw errno(this.#notDirectory());
  }
  rmdir(_name: string): void {
    throw errno(this.#notDirectory());
  }
  rename(_name: string, _toDir: Inode, _toName: string, _exchange?: boolean): void {
    throw errno(this.#notDirectory());
  }
  list(): readonly DirectoryEntry[] {
    throw errno(ENOTDIR);
  }
  readlink(): string {
    throw errno(EINVAL);
  }
  read(_position: number, _into: Uint8Array): number {
    return this.format === S_IFDIR ? -EISDIR : -EINVAL;
  }
  write(_position: number, _from: Uint8Array): number {
    return this.format === S_IFDIR ? -EISDIR : -EINVAL;
  }
}

/** Extended attributes as a map, with the errors of setxattr(2) and its relatives. */
export class ExtendedAttributes {
  readonly #values: Map<string, Uint8Array> = new Map();

  get(name: string): Uint8Array {
    const value = this.#values.get(name);
    if (value === undefined) throw errno(ENODATA);
    return value;
  }

  /** @param flags XATTR_CREATE (1) or XATTR_REPLACE (2) or 0 */
  set(name: string, value: Uint8Array, flags: number): void {
    if (!/^(user|trusted|security|system)\../s.test(name)) throw errno(EOPNOTSUPP);
    const known = this.#values.has(name);
    if (flags & 1 && known) throw errno(EEXIST);
    if (flags & 2 && !known) throw errno(ENODATA);
    this.#values.set(name, value.slice());
  }

  /** From the last name to the first, as simple_xattr_list() of Linux has them. */
  list(): readonly string[] {
    return [...this.#values.keys()].sort().reverse();
  }

  remove(name: string): void {
    if (!this.#values.delete(name)) throw errno(ENODATA);
  }
}
