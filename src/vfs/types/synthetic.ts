/**
 * File systems whose contents are worked out when somebody looks: procfs, sysfs and their like.
 *
 * A directory answers `lookup` and `list` from functions; a file makes its text at open, so that a reader sees one state
 * even if it reads in small pieces (Linux's seq_file single_open). Nodes are made anew at each lookup and carry no state;
 * what identifies them is the inode number, which the maker chooses.
 */
import { EINVAL, EIO, ENOENT, errno } from "../../abi/errno.ts";
import { DT_DIR, DT_LNK, DT_REG, S_IFDIR, S_IFLNK, S_IFREG } from "../../abi/stat.ts";
import type { Clock } from "../../host/interface.ts";
import { encodeBytes } from "../../util/bytes.ts";
import { BaseFile, seekTo } from "../file.ts";
import { BaseInode, now, type Owner } from "../inode.ts";
import type { Path } from "../path.ts";
import type {
  AttributeChange,
  Attributes,
  DirectoryEntry,
  File,
  FileSystem,
  FileSystemStatistics,
  Inode,
  OpenContext,
  Timespec,
} from "../types.ts";

export interface SyntheticOptions {
  /** As in /proc/mounts: proc, sysfs. */
  readonly type: string;
  /** f_type of statfs(2). */
  readonly magic: number;
  readonly dev: number;
  readonly clock: Clock;
}

export class SyntheticFs implements FileSystem {
  readonly type: string;
  readonly dev: number;
  readonly readOnly: boolean = false;
  readonly volatile: boolean = true;
  readonly clock: Clock;
  readonly mounted: Timespec;
  readonly #magic: number;
  root!: Inode;

  constructor(options: SyntheticOptions) {
    this.type = options.type;
    this.#magic = options.magic;
    this.dev = options.dev;
    this.clock = options.clock;
    this.mounted = now(options.clock);
  }

  statistics(): FileSystemStatistics {
    return { type: this.#magic, blockSize: 4096, blocks: 0, blocksFree: 0, files: 0, filesFree: 0, nameMax: 255 };
  }
}

/** What every node says of itself. */
export interface NodeOptions {
  readonly ino: number;
  /** Permission bits. */
  readonly mode?: number;
  readonly owner?: Owner;
  readonly nlink?: number;
  readonly size?: number;
  readonly time?: Timespec;
}

abstract class SyntheticNode extends BaseInode {
  readonly fs: SyntheticFs;
  readonly ino: number;
  abstract override readonly format: number;
  readonly options: NodeOptions;

  constructor(fs: SyntheticFs, options: NodeOptions) {
    super();
    this.fs = fs;
    this.ino = options.ino;
    this.options = options;
  }

  protected abstract readonly defaultMode: number;

  attributes(): Attributes {
    const { options } = this;
    const time = options.time ?? now(this.fs.clock);
    return {
      dev: this.fs.dev,
      ino: this.ino,
      mode: this.format | (options.mode ?? this.defaultMode),
      nlink: options.nlink ?? 1,
      uid: options.owner?.uid ?? 0,
      gid: options.owner?.gid ?? 0,
      rdev: 0,
      size: options.size ?? 0,
      blksize: 1024,
      blocks: 0,
      atime: time,
      mtime: time,
      ctime: time,
    };
  }
}

export interface DirectoryOptions extends NodeOptions {
  lookup(name: string): Inode | undefined;
  list(): readonly DirectoryEntry[];
}

export class SyntheticDirectory extends SyntheticNode {
  readonly format: number = S_IFDIR;
  protected readonly defaultMode: number = 0o555;
  declare readonly options: DirectoryOptions;

  constructor(fs: SyntheticFs, options: DirectoryOptions) {
    super(fs, { nlink: 2, ...options });
  }

  override lookup(name: string): Inode | undefined {
    return this.options.lookup(name);
  }

  override list(): readonly DirectoryEntry[] {
    return this.options.list();
  }

  // Nothing can be made in such a file system: Linux says so as if the name could not exist.
  override create(): Inode {
    throw errno(ENOENT);
  }
}

export interface FileOptions extends NodeOptions {
  /** The whole contents, made at open. A string is encoded as paths are (util/bytes.ts). */
  readonly content: ((context: OpenContext) => string | Uint8Array) | undefined;
  /** A write, with the bytes of one write(2) at `position`; bytes taken or a negative errno. */
  readonly write?: (bytes: Uint8Array, position: number, context: OpenContext) => number;
  /** Checked at open, beyond the permission bits; throws. */
  readonly admit?: (context: OpenContext) => void;
}

export class SyntheticFile extends SyntheticNode {
  readonly format: number = S_IFREG;
  declare readonly options: FileOptions;

  protected get defaultMode(): number {
    return this.options.write === undefined ? 0o444 : 0o644;
  }

  constructor(fs: SyntheticFs, options: FileOptions) {
    super(fs, options);
  }

  open(flags: number, context: OpenContext, path?: Path): File {
    this.options.admit?.(context);
    return new SyntheticOpenFile(this, flags, context, path);
  }

  // O_TRUNC and truncate(2) mean nothing here, and succeed; owners and modes stay.
  override setAttributes(change: AttributeChange): void {
    if (change.mode !== undefined || change.uid !== undefined || change.gid !== undefined) super.setAttributes(change);
  }
}

class SyntheticOpenFile extends BaseFile {
  readonly #node: SyntheticFile;
  readonly #context: OpenContext;
  #content: Uint8Array | undefined;

  constructor(node: SyntheticFile, flags: number, context: OpenContext, path: Path | undefined) {
    super(node, flags, path);
    this.#node = node;
    this.#context = context;
  }

  override read(into: Uint8Array): number {
    const n = this.pread(into, this.position);
    if (n > 0) this.position += n;
    return n;
  }

  override pread(into: Uint8Array, position: number): number {
    const make = this.#node.options.content;
    if (make === undefined) return -EINVAL;
    // Reading from the start shows the present state, as seq_file does after a rewind.
    if (this.#content === undefined || position === 0) {
      const made = make(this.#context);
      this.#content = typeof made === "string" ? encodeBytes(made) : made;
    }
    const part = this.#content.subarray(position, position + into.length);
    into.set(part);
    return part.length;
  }

  override write(from: Uint8Array): number {
    const n = this.pwrite(from, this.position);
    if (n > 0) this.position += n;
    return n;
  }

  override pwrite(from: Uint8Array, position: number): number {
    const write = this.#node.options.write;
    // Whoever may open it in spite of its mode finds that it has no write operation (proc_reg_write()).
    if (write === undefined) return -EIO;
    this.#content = undefined;
    return write(from, position, this.#context);
  }

  override seek(offset: number, whence: number): number {
    return seekTo(this, offset, whence, this.#content?.length ?? 0);
  }
}

export interface LinkOptions extends NodeOptions {
  readonly target: () => string;
  /** Who may read it: throws otherwise. */
  readonly admit?: (context: OpenContext) => void;
  /** A magic link: leads to an object, whatever its name says. */
  readonly follow?: (context: OpenContext) => Path | undefined;
}

export class SyntheticLink extends SyntheticNode {
  readonly format: number = S_IFLNK;
  protected readonly defaultMode: number = 0o777;
  declare readonly options: LinkOptions;

  constructor(fs: SyntheticFs, options: LinkOptions) {
    super(fs, options);
  }

  override readlink(): string {
    return this.options.target();
  }

  linkText(context: OpenContext): string {
    this.options.admit?.(context);
    return this.options.target();
  }

  follow(context: OpenContext): Path | undefined {
    this.options.admit?.(context);
    return this.options.follow?.(context);
  }
}

/** A directory whose names do not change: makers by name. */
export function fixedDirectory(
  fs: SyntheticFs,
  options: NodeOptions,
  children: Readonly<Record<string, (ino: number) => Inode>>,
): SyntheticDirectory {
  const names = Object.keys(children);
  // Numbers of children follow from the directory's, far enough apart not to meet those of its neighbours.
  const inoOf = (index: number): number => options.ino * 64 + index + 1;
  const made: Map<string, Inode> = new Map();
  const lookup = (name: string): Inode | undefined => {
    let node = made.get(name);
    if (node === undefined && Object.hasOwn(children, name)) {
      node = (children[name] as (ino: number) => Inode)(inoOf(names.indexOf(name)));
      made.set(name, node);
    }
    return node;
  };
  return new SyntheticDirectory(fs, {
    ...options,
    lookup,
    list: () =>
      names.map((name, index) => ({ name, ino: inoOf(index), type: direntType((lookup(name) as Inode).format) })),
  });
}

export function direntType(format: number): number {
  return format === S_IFDIR ? DT_DIR : format === S_IFLNK ? DT_LNK : DT_REG;
}
