/**
 * Pipes and FIFOs: pipe(7).
 *
 * A pipe is a ring of pages, and Linux counts its capacity in pages too: a write that does not fit into the last page takes
 * a new one. Ours is a ring of bytes that keeps the two promises a program can rely on: `capacity` bytes fit, and a write of
 * at most PIPE_BUF bytes is taken as a whole or not at all.
 */
import { EAGAIN, EBUSY, EINVAL, ENXIO, EPERM, EPIPE, errno } from "../abi/errno.ts";
import { O_ACCMODE, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from "../abi/fcntl.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile, isReadable, isWritable } from "./file.ts";
import type { Path } from "./path.ts";
import {
  type GuestAccess,
  type Inode,
  type OpenContext,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
} from "./types.ts";

export const PIPE_BUF = 4096;
const DEFAULT_CAPACITY = 65536;
const PAGE = 4096;
/** /proc/sys/fs/pipe-max-size. */
export const PIPE_MAX_SIZE = 1048576;
const FIONREAD = 0x541b;
/** Bytes that a loop moves faster than TypedArray.set with its views. */
const SMALL = 16;

export class Pipe {
  /** Of what waits for data, for room, and for the other end of a FIFO to be opened. */
  readonly queue: WaitQueue = new WaitQueue();
  readers: number = 0;
  writers: number = 0;
  /** How many readers and writers there have ever been: an open that waits for the other side looks for a change. */
  readersEver: number = 0;
  writersEver: number = 0;
  #buffer: Uint8Array = new Uint8Array(0);
  #head = 0;
  #length = 0;
  #capacity = DEFAULT_CAPACITY;

  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** F_SETPIPE_SZ: rounded up to a power of two of pages. Returns the new capacity. */
  resize(size: number, privileged: boolean): number {
    if (size > 0x80000000 || size < 0) throw errno(EINVAL);
    let capacity = PAGE;
    while (capacity < size) capacity *= 2;
    if (capacity > PIPE_MAX_SIZE && capacity > this.#capacity && !privileged) throw errno(EPERM);
    if (capacity < this.#length) throw errno(EBUSY);
    this.#setBuffer(Math.max(this.#length, Math.min(capacity, this.#buffer.length)));
    const grown = capacity > this.#capacity;
    this.#capacity = capacity;
    if (grown) this.queue.wake(POLLOUT | POLLWRNORM);
    return capacity;
  }

  #setBuffer(size: number): void {
    const next = new Uint8Array(size);
    this.#copyOut(next, this.#length);
    this.#buffer = next;
    this.#head = 0;
  }

  #copyOut(into: Uint8Array, n: number): void {
    const first = Math.min(n, this.#buffer.length - this.#head);
    if (n <= SMALL && n === first) {
      for (let i = 0; i < n; i++) into[i] = this.#buffer[this.#head + i] as number;
      return;
    }
    into.set(this.#buffer.subarray(this.#head, this.#head + first));
    if (n > first) into.set(this.#buffer.subarray(0, n - first), first);
  }

  read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.#length === 0) return this.writers === 0 ? 0 : -EAGAIN;
    const n = Math.min(into.length, this.#length);
    this.#copyOut(into, n);
    this.#length -= n;
    this.#head = this.#length === 0 ? 0 : (this.#head + n) % this.#buffer.length;
    this.queue.wake(POLLOUT | POLLWRNORM);
    return n;
  }

  /** The bytes that a read would return first, without taking them: tee(2). */
  peek(into: Uint8Array): number {
    if (this.#length === 0) return this.writers === 0 ? 0 : -EAGAIN;
    const n = Math.min(into.length, this.#length);
    this.#copyOut(into, n);
    return n;
  }

  write(from: Uint8Array): number {
    if (from.length === 0) return 0;
    if (this.readers === 0) return -EPIPE;
    const room = this.#capacity - this.#length;
    if (room === 0 || (from.length <= PIPE_BUF && room < from.length)) return -EAGAIN;
    return this.fill(from);
  }

  /** Takes as many bytes as fit. */
  fill(from: Uint8Array): number {
    const room = this.#capacity - this.#length;
    const n = Math.min(room, from.length);
    if (this.#length + n > this.#buffer.length) {
      let size = Math.max(PAGE, this.#buffer.length);
      while (size < this.#length + n) size *= 2;
      this.#setBuffer(Math.min(size, this.#capacity));
    }
    const size = this.#buffer.length;
    const at = (this.#head + this.#length) % size;
    const first = Math.min(n, size - at);
    if (n <= SMALL && n === first) for (let i = 0; i < n; i++) this.#buffer[at + i] = from[i] as number;
    else {
      this.#buffer.set(first === from.length ? from : from.subarray(0, first), at);
      if (n > first) this.#buffer.set(from.subarray(first, n), 0);
    }
    this.#length += n;
    this.queue.wake(POLLIN | POLLRDNORM);
    return n;
  }

  opened(readable: boolean, writable: boolean): void {
    if (readable) {
      this.readers++;
      this.readersEver++;
    }
    if (writable) {
      this.writers++;
      this.writersEver++;
    }
    this.queue.wake();
  }

  closed(readable: boolean, writable: boolean): void {
    if (readable) this.readers--;
    if (writable) this.writers--;
    if (this.readers === 0 && this.writers === 0) {
      this.#buffer = new Uint8Array(0);
      this.#length = 0;
      this.#head = 0;
    }
    this.queue.wake(POLLHUP | POLLERR);
  }
}

/** One end of a pipe, or an open FIFO. */
export class PipeFile extends BaseFile {
  readonly pipe: Pipe;
  readonly queue: WaitQueue;
  /** FIFO opened for reading before any writer came: no POLLHUP until one was there. */
  readonly #writersAtOpen: number;
  /** False while a blocking open of a FIFO waits for the other side. */
  ready: () => boolean = () => true;

  constructor(pipe: Pipe, inode: Inode, flags: number, path: Path | undefined) {
    super(inode, flags, path);
    this.pipe = pipe;
    this.queue = pipe.queue;
    pipe.opened(isReadable(this), isWritable(this));
    this.#writersAtOpen = pipe.writers > 0 ? -1 : pipe.writersEver;
  }

  override describe(): string {
    return this.path === undefined ? `pipe:[${this.inode.ino}]` : super.describe();
  }

  override read(into: Uint8Array): number {
    return this.pipe.read(into);
  }

  override write(from: Uint8Array): number {
    return this.pipe.write(from);
  }

  /** pipe_poll(). */
  override poll(): number {
    const { pipe } = this;
    let events = 0;
    if (isReadable(this)) {
      if (pipe.length > 0) events |= POLLIN | POLLRDNORM;
      if (pipe.writers === 0 && pipe.writersEver !== this.#writersAtOpen) events |= POLLHUP;
    }
    if (isWritable(this)) {
      // Linux says writable while a slot, that is a page, is free.
      if (pipe.capacity - pipe.length >= PIPE_BUF) events |= POLLOUT | POLLWRNORM;
      if (pipe.readers === 0) events |= POLLERR;
    }
    return events;
  }

  override ioctl(
    request: number,
    argument: number,
    guest: GuestAccess,
    context: OpenContext,
  ): number | Promise<number> {
    if (request !== FIONREAD) return super.ioctl(request, argument, guest, context);
    guest.writeU32(argument, this.pipe.length);
    return 0;
  }

  override close(): void {
    this.pipe.closed(isReadable(this), isWritable(this));
    super.close();
  }
}

/**
 * fifo_open(): the file counts as reader or writer at once; a blocking open then waits on the pipe's queue until `ready()`.
 * Throws ENXIO for O_WRONLY | O_NONBLOCK without a reader.
 */
export function openFifo(pipe: Pipe, inode: Inode, flags: number, path: Path | undefined): PipeFile {
  const access = flags & O_ACCMODE;
  const nonblock = (flags & O_NONBLOCK) !== 0;
  if (access > O_RDWR) throw errno(EINVAL);
  // A pipe(2) that is opened by way of /proc/self/fd waits for nobody.
  const named = path !== undefined;
  if (named && access === O_WRONLY && nonblock && pipe.readers === 0) throw errno(ENXIO);
  const { readers, writers, readersEver, writersEver } = pipe;
  const file = new PipeFile(pipe, inode, flags, path);
  if (!named) return file;
  if (access === O_RDONLY && !nonblock && writers === 0) file.ready = () => pipe.writersEver !== writersEver;
  if (access === O_WRONLY && readers === 0) file.ready = () => pipe.readersEver !== readersEver;
  return file;
}
