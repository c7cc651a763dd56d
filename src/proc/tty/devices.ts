/**
 * Terminals in the file tree: /dev/tty, /dev/console, /dev/ptmx and the devpts file system (pts(4), tty(4)), and the
 * terminals of one machine as a whole.
 */
import { makedev } from "../../abi/device.ts";
import { EBUSY, EIO, ENOENT, ENOSPC, ENXIO, EPERM, errno } from "../../abi/errno.ts";
import { O_NOCTTY } from "../../abi/fcntl.ts";
import { DT_CHR, S_IFCHR, S_IFDIR } from "../../abi/stat.ts";
import type { Clock } from "../../host/interface.ts";
import { BaseInode, EPOCH, now } from "../../vfs/inode.ts";
import type { Path } from "../../vfs/path.ts";
import type { SpecialFiles } from "../../vfs/special.ts";
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
} from "../../vfs/types.ts";
import type { Task } from "../task.ts";
import { Pty, PtyMasterFile } from "./pty.ts";
import type { Terminal, TerminalKernel } from "./terminal.ts";
import { TerminalFile } from "./terminal-file.ts";

const DEVPTS_SUPER_MAGIC = 0x1cd1;
const PTS_MAJOR = 136;
const TTYAUX_MAJOR = 5;
/** kernel.pty.max */
const PTY_MAX = 4096;

export class Terminals {
  readonly #kernel: TerminalKernel;
  readonly #clock: Clock;
  readonly ptys: Map<number, Pty> = new Map();
  /** The machine's console; absent if the host has no terminal. */
  console: Terminal | undefined;

  constructor(kernel: TerminalKernel, clock: Clock) {
    this.#kernel = kernel;
    this.#clock = clock;
  }

  /** Registers the drivers of /dev/tty, /dev/console, /dev/ptmx and the slaves. */
  register(special: SpecialFiles): void {
    special.register(S_IFCHR, TTYAUX_MAJOR, 0, (inode, flags, context, path) => {
      // /dev/tty is whatever terminal controls the opener's session.
      const terminal = (context.task as Task).process.group.session.controllingTerminal as Terminal | null;
      if (terminal === null) throw errno(ENXIO);
      return new TerminalFile(terminal, inode, flags, path);
    });
    special.register(S_IFCHR, TTYAUX_MAJOR, 1, (inode, flags, context, path) => {
      if (this.console === undefined) throw errno(EIO);
      return this.open(this.console, inode, flags, context, path);
    });
    special.register(S_IFCHR, TTYAUX_MAJOR, 2, (inode, flags, context, path) =>
      this.openMaster(inode, flags, context, path),
    );
    for (let minor = 0; minor < PTY_MAX; minor += 256) {
      special.register(S_IFCHR, PTS_MAJOR + (minor >> 8), undefined, (inode, flags, context, path) => {
        const index = (inode.attributes().rdev & 0xff) | minor;
        const pty = this.ptys.get(index);
        if (pty === undefined || pty.locked) throw errno(EIO);
        pty.slaveWasOpen = true;
        return this.open(pty.terminal, inode, flags, context, path);
      });
    }
  }

  open(terminal: Terminal, inode: Inode, flags: number, context: OpenContext, path: Path | undefined): File {
    const task = context.task as Task | undefined;
    if (terminal.hungUp) throw errno(EIO);
    if (terminal.exclusive && terminal.openCount > 0 && !context.credentials.capable(21)) throw errno(EBUSY);
    const file = new TerminalFile(terminal, inode, flags, path);
    if (task !== undefined && (flags & O_NOCTTY) === 0) terminal.acquireAtOpen(task);
    return file;
  }

  openMaster(inode: Inode, flags: number, context: OpenContext, path: Path | undefined): File {
    let index = 0;
    while (this.ptys.has(index)) index++;
    if (index >= PTY_MAX) throw errno(ENOSPC);
    const { fsuid, fsgid } = context.credentials;
    const pty = new Pty(this.#kernel, index, fsuid, fsgid, Number(this.#clock.realtime() / 1_000_000n));
    this.ptys.set(index, pty);
    return new PtyMasterFile(pty, inode, flags, path, () => this.ptys.delete(index));
  }
}

/** The file system on /dev/pts: ptmx, and a device for each open pty. */
export class DevptsFs implements FileSystem {
  readonly type: string = "devpts";
  readonly dev: number;
  readonly root: Inode;
  readonly readOnly: boolean = false;
  readonly volatile: boolean = true;
  readonly terminals: Terminals;
  readonly mounted: Timespec;

  constructor(terminals: Terminals, dev: number, clock: Clock) {
    this.terminals = terminals;
    this.dev = dev;
    this.mounted = now(clock);
    this.root = new DevptsDirectory(this);
  }

  statistics(): FileSystemStatistics {
    return {
      type: DEVPTS_SUPER_MAGIC,
      blockSize: 4096,
      blocks: 0,
      blocksFree: 0,
      files: 0,
      filesFree: 0,
      nameMax: 255,
    };
  }
}

class DevptsDirectory extends BaseInode {
  readonly fs: DevptsFs;
  readonly ino: number = 1;
  readonly format: number = S_IFDIR;
  readonly #ptmx: DevptsNode;
  readonly #slaves: WeakMap<Pty, DevptsNode> = new WeakMap();

  constructor(fs: DevptsFs) {
    super();
    this.fs = fs;
    this.#ptmx = new DevptsNode(fs, 2, makedev(TTYAUX_MAJOR, 2), { uid: 0, gid: 0, mode: 0o666 }, fs.mounted);
  }

  attributes(): Attributes {
    const time = this.fs.mounted;
    return {
      dev: this.fs.dev,
      ino: this.ino,
      mode: S_IFDIR | 0o755,
      nlink: 2,
      uid: 0,
      gid: 0,
      rdev: 0,
      size: 0,
      blksize: 1024,
      blocks: 0,
      atime: time,
      mtime: time,
      ctime: time,
    };
  }

  #slave(pty: Pty): DevptsNode {
    let node = this.#slaves.get(pty);
    if (node === undefined) {
      const time: Timespec = { sec: Math.floor(pty.created / 1000), nsec: (pty.created % 1000) * 1_000_000 };
      node = new DevptsNode(this.fs, pty.index + 3, pty.terminal.device, pty.owner, time);
      this.#slaves.set(pty, node);
    }
    return node;
  }

  override lookup(name: string): Inode | undefined {
    if (name === "ptmx") return this.#ptmx;
    const pty = /^(0|[1-9]\d*)$/.test(name) ? this.fs.terminals.ptys.get(Number(name)) : undefined;
    return pty === undefined ? undefined : this.#slave(pty);
  }

  override list(): readonly DirectoryEntry[] {
    const entries: DirectoryEntry[] = [{ name: "ptmx", ino: 2, type: DT_CHR }];
    for (const index of this.fs.terminals.ptys.keys())
      entries.push({ name: String(index), ino: index + 3, type: DT_CHR });
    return entries;
  }

  override unlink(name: string): void {
    throw errno(this.lookup(name) === undefined ? ENOENT : EPERM);
  }
}

class DevptsNode extends BaseInode {
  readonly fs: DevptsFs;
  readonly ino: number;
  readonly format: number = S_IFCHR;
  readonly #rdev: number;
  readonly #owner: { uid: number; gid: number; mode: number };
  #atime: Timespec;
  #mtime: Timespec;
  #ctime: Timespec;

  constructor(
    fs: DevptsFs,
    ino: number,
    rdev: number,
    owner: { uid: number; gid: number; mode: number },
    time: Timespec = EPOCH,
  ) {
    super();
    this.fs = fs;
    this.ino = ino;
    this.#rdev = rdev;
    this.#owner = owner;
    this.#atime = this.#mtime = this.#ctime = time;
  }

  attributes(): Attributes {
    return {
      dev: this.fs.dev,
      ino: this.ino,
      mode: S_IFCHR | this.#owner.mode,
      nlink: 1,
      uid: this.#owner.uid,
      gid: this.#owner.gid,
      rdev: this.#rdev,
      size: 0,
      blksize: 1024,
      blocks: 0,
      atime: this.#atime,
      mtime: this.#mtime,
      ctime: this.#ctime,
    };
  }

  override setAttributes(change: AttributeChange): void {
    if (change.mode !== undefined) this.#owner.mode = change.mode & 0o7777;
    if (change.uid !== undefined) this.#owner.uid = change.uid;
    if (change.gid !== undefined) this.#owner.gid = change.gid;
    if (change.atime !== undefined) this.#atime = change.atime;
    if (change.mtime !== undefined) this.#mtime = change.mtime;
  }
}
