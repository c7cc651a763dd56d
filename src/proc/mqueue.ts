/**
 * POSIX message queues (mq_overview(7)): a file system with a flat root directory, in which each file is a queue. The
 * calls of mq_open(3) and its kin go to that directory whether it is mounted or not.
 */
import { CAP_SYS_RESOURCE } from "../abi/capability.ts";
import { EAGAIN, EBUSY, EEXIST, EINVAL, EMFILE, EMSGSIZE, ENOENT, ENOSPC, EPERM, errno } from "../abi/errno.ts";
import { RLIMIT_MSGQUEUE } from "../abi/resource.ts";
import { SI_MESGQ } from "../abi/signal.ts";
import { DT_REG, S_IFDIR, S_IFREG } from "../abi/stat.ts";
import type { Clock } from "../host/interface.ts";
import { encodeBytes } from "../util/bytes.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile, seekTo } from "../vfs/file.ts";
import { BaseInode, now, type Owner } from "../vfs/inode.ts";
import type { Path } from "../vfs/path.ts";
import {
  type AttributeChange,
  type Attributes,
  type DirectoryEntry,
  type File,
  type FileSystem,
  type FileSystemStatistics,
  type Inode,
  type OpenContext,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  type Timespec,
} from "../vfs/types.ts";
import type { IpcLimits } from "./ipc-limits.ts";
import type { Task } from "./task.ts";
import type { ThreadGroup } from "./thread-group.ts";

const MQUEUE_MAGIC = 0x1980_0202;
const ROOT_INO = 1;
/** What a queue may be with CAP_SYS_RESOURCE. */
const HARD_MSGMAX = 65536;
const HARD_MSGSIZEMAX = 16 << 20;
export const MQ_PRIO_MAX = 32768;
/** What a message and a node of the tree of priorities take in Linux, for RLIMIT_MSGQUEUE. */
const MESSAGE_OVERHEAD = 48;
const NODE_OVERHEAD = 48;
/** Bytes of the text that reading the file gives, as stat(2) shows them. */
const FILE_SIZE = 80;

export interface QueueLimits {
  readonly messages: number;
  readonly size: number;
}

interface QueuedMessage {
  readonly priority: number;
  readonly bytes: Uint8Array;
}

/** Who is told of a message that arrives in an empty queue. */
interface Notification {
  readonly process: ThreadGroup;
  /** 0: nobody is signalled, the registration counts alone. */
  readonly signal: number;
  readonly value: bigint;
}

export class PosixQueue extends BaseInode {
  readonly fs: MqueueFs;
  readonly ino: number;
  readonly format: number = S_IFREG;
  readonly limits: QueueLimits;
  /** Whose RLIMIT_MSGQUEUE it counts against. */
  readonly user: number;
  /** Woken with POLLIN for a message, with POLLOUT for room. */
  readonly queue: WaitQueue = new WaitQueue();
  /** Calls that wait for a message: while there are some, nobody is notified. */
  receivers = 0;
  notification: Notification | null = null;
  links = 1;
  #messages: QueuedMessage[] = [];
  #mode: number;
  #owner: Owner;
  #time: Timespec;

  constructor(fs: MqueueFs, ino: number, mode: number, owner: Owner, limits: QueueLimits) {
    super();
    this.fs = fs;
    this.ino = ino;
    this.limits = limits;
    this.user = owner.uid;
    this.#mode = mode & 0o7777;
    this.#owner = owner;
    this.#time = now(fs.clock);
  }

  attributes(): Attributes {
    const time = this.#time;
    return {
      dev: this.fs.dev,
      ino: this.ino,
      mode: S_IFREG | this.#mode,
      nlink: this.links,
      ...this.#owner,
      rdev: 0,
      size: FILE_SIZE,
      blksize: 4096,
      blocks: 0,
      atime: time,
      mtime: time,
      ctime: time,
    };
  }

  override setAttributes(change: AttributeChange): void {
    if (change.mode !== undefined) this.#mode = change.mode;
    this.#owner = { uid: change.uid ?? this.#owner.uid, gid: change.gid ?? this.#owner.gid };
  }

  open(flags: number, _context: OpenContext, path?: Path): File {
    return new QueueFile(this, flags, path);
  }

  get count(): number {
    return this.#messages.length;
  }

  get text(): string {
    let bytes = 0;
    for (const message of this.#messages) bytes += message.bytes.length;
    const { notification } = this;
    const pad = (n: number, width: number): string => String(n).padEnd(width);
    return (
      `QSIZE:${pad(bytes, 10)} NOTIFY:${pad(0, 5)} ` +
      `SIGNO:${pad(notification?.signal ?? 0, 5)} NOTIFY_PID:${pad(notification?.process.pid ?? 0, 6)}\n`
    );
  }

  /** Bytes that it counts for. */
  get footprint(): number {
    const { messages, size } = this.limits;
    return messages * (MESSAGE_OVERHEAD + size) + Math.min(messages, MQ_PRIO_MAX) * NODE_OVERHEAD;
  }

  send(sender: Task, bytes: Uint8Array, priority: number): number {
    if (this.#messages.length >= this.limits.messages) return -EAGAIN;
    const at = this.#messages.findIndex((other) => other.priority < priority);
    const message = { priority, bytes };
    if (at < 0) this.#messages.push(message);
    else this.#messages.splice(at, 0, message);
    if (this.#messages.length === 1 && this.receivers === 0) this.#notify(sender);
    this.queue.wake(POLLIN);
    return 0;
  }

  #notify(sender: Task): void {
    const { notification } = this;
    if (notification === null) return;
    this.notification = null;
    const { process, signal, value } = notification;
    if (signal === 0) return;
    const { pid } = sender;
    const { uid } = sender.credentials;
    process.kernel.signals.sendToProcess(process, { signal, code: SI_MESGQ, pid, uid, value });
  }

  receive(): QueuedMessage | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.queue.wake(POLLOUT);
    return message;
  }

  /** mq_notify(3): registers, or ends the registration that there is. */
  register(process: ThreadGroup, wanted: Omit<Notification, "process"> | null): number {
    if (wanted === null) {
      if (this.notification?.process === process) this.notification = null;
      return 0;
    }
    if (this.notification !== null) return -EBUSY;
    this.notification = { process, ...wanted };
    return 0;
  }

  /** A process closes a descriptor of the queue: its registration ends. */
  forget(process: unknown): void {
    if (this.notification?.process === process) this.notification = null;
  }
}

/** An open queue: reading it as a file gives a line about its state. */
export class QueueFile extends BaseFile {
  readonly target: PosixQueue;
  readonly queue: WaitQueue;
  readonly sendsSignals: boolean = false;

  constructor(target: PosixQueue, flags: number, path: Path | undefined) {
    super(target, flags, path);
    this.target = target;
    this.queue = target.queue;
  }

  override describe(): string {
    return this.path === undefined ? `/${this.target.fs.nameOf(this.target) ?? "(deleted)"}` : super.describe();
  }

  override read(into: Uint8Array): number {
    const n = this.pread(into, this.position);
    this.position += n;
    return n;
  }

  override pread(into: Uint8Array, position: number): number {
    const part = encodeBytes(this.target.text).subarray(position, position + into.length);
    into.set(part);
    return part.length;
  }

  override seek(offset: number, whence: number): number {
    return seekTo(this, offset, whence, FILE_SIZE);
  }

  override poll(): number {
    const { count, limits } = this.target;
    return (count > 0 ? POLLIN | POLLRDNORM : 0) | (count < limits.messages ? POLLOUT | POLLWRNORM : 0);
  }

  override flush(owner: unknown): void {
    super.flush(owner);
    this.target.forget(owner);
  }
}

class MqueueRoot extends BaseInode {
  readonly fs: MqueueFs;
  readonly ino: number = ROOT_INO;
  readonly format: number = S_IFDIR;
  readonly #queues: Map<string, PosixQueue>;

  constructor(fs: MqueueFs, queues: Map<string, PosixQueue>) {
    super();
    this.fs = fs;
    this.#queues = queues;
  }

  attributes(): Attributes {
    const time = now(this.fs.clock);
    return {
      dev: this.fs.dev,
      ino: ROOT_INO,
      mode: S_IFDIR | 0o1777,
      nlink: 2,
      uid: 0,
      gid: 0,
      rdev: 0,
      size: 20 * this.#queues.size,
      blksize: 4096,
      blocks: 0,
      atime: time,
      mtime: time,
      ctime: time,
    };
  }

  override lookup(name: string): Inode | undefined {
    return this.#queues.get(name);
  }

  override list(): readonly DirectoryEntry[] {
    return [...this.#queues].map(([name, { ino }]) => ({ name, ino, type: DT_REG }));
  }

  override create(name: string, mode: number, owner: Owner): Inode {
    if ((mode & 0o170000) !== S_IFREG) throw errno(EPERM);
    return this.fs.add(name, mode, owner, this.fs.defaults);
  }

  override unlink(name: string): void {
    this.fs.remove(name);
  }
}

export class MqueueFs implements FileSystem {
  readonly type: string = "mqueue";
  readonly readOnly: boolean = false;
  readonly volatile: boolean = true;
  readonly dev: number;
  readonly limits: IpcLimits;
  readonly clock: Clock;
  readonly root: Inode;
  readonly #queues: Map<string, PosixQueue> = new Map();
  #lastIno = ROOT_INO;

  constructor(dev: number, clock: Clock, limits: IpcLimits) {
    this.dev = dev;
    this.limits = limits;
    this.clock = clock;
    this.root = new MqueueRoot(this, this.#queues);
  }

  statistics(): FileSystemStatistics {
    return { type: MQUEUE_MAGIC, blockSize: 4096, blocks: 0, blocksFree: 0, files: 0, filesFree: 0, nameMax: 255 };
  }

  find(name: string): PosixQueue | undefined {
    return this.#queues.get(name);
  }

  nameOf(queue: PosixQueue): string | undefined {
    for (const [name, other] of this.#queues) if (other === queue) return name;
    return undefined;
  }

  /** The maximum counts where it is less (mqueue_get_inode()). */
  get defaults(): QueueLimits {
    const { defaultMessages, defaultMessageSize, posixMessages, posixMessageSize } = this.limits;
    return {
      messages: Math.min(defaultMessages, posixMessages),
      size: Math.min(defaultMessageSize, posixMessageSize),
    };
  }

  /** mq_attr_ok() and the limits of the user: EINVAL, EMFILE, ENOSPC. */
  create(task: Task, name: string, mode: number, wanted: QueueLimits | undefined): PosixQueue {
    const { credentials } = task;
    const privileged = credentials.capable(CAP_SYS_RESOURCE);
    if (this.#queues.size >= this.limits.posixQueues && !privileged) throw errno(ENOSPC);
    const limits = wanted ?? this.defaults;
    const { messages, size } = limits;
    if (messages <= 0 || size <= 0) throw errno(EINVAL);
    const { posixMessages, posixMessageSize } = this.limits;
    if (messages > (privileged ? HARD_MSGMAX : posixMessages)) throw errno(EINVAL);
    if (size > (privileged ? HARD_MSGSIZEMAX : posixMessageSize)) throw errno(EINVAL);
    const owner = { uid: credentials.fsuid, gid: credentials.fsgid };
    const queue = new PosixQueue(this, ++this.#lastIno, mode, owner, limits);
    let used = queue.footprint;
    for (const other of this.#queues.values()) if (other.user === owner.uid) used += other.footprint;
    if (used > task.limit(RLIMIT_MSGQUEUE)) throw errno(EMFILE);
    this.#queues.set(name, queue);
    return queue;
  }

  /** By the file system's own way, as open(2) with O_CREAT makes it. */
  add(name: string, mode: number, owner: Owner, limits: QueueLimits): PosixQueue {
    if (this.#queues.has(name)) throw errno(EEXIST);
    const queue = new PosixQueue(this, ++this.#lastIno, mode, owner, limits);
    this.#queues.set(name, queue);
    return queue;
  }

  remove(name: string): void {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw errno(ENOENT);
    queue.links = 0;
    this.#queues.delete(name);
  }
}

/** EMSGSIZE unless the message fits. */
export function checkSize(queue: PosixQueue, length: number): void {
  if (length > queue.limits.size) throw errno(EMSGSIZE);
}
