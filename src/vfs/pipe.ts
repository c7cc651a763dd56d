/**
 * Pipes and FIFOs: pipe(7).
 *
 * A pipe is a row of slots, each with at most a page of data; the capacity is counted in slots, and that shows: a write that
 * does not fit into the last page takes new ones, a packet (O_DIRECT) has a slot to itself however short it is, and a write of
 * at most PIPE_BUF bytes is taken as a whole or not at all. Only the lengths are kept by slot; the bytes themselves lie in one
 * ring, in order.
 */
import { EAGAIN, EBUSY, EINVAL, ENXIO, EPERM, EPIPE, errno } from "../abi/errno.ts";
import { O_ACCMODE, O_DIRECT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from "../abi/fcntl.ts";
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
const FIONREAD = 0x541b;
/** Bytes that a loop moves faster than TypedArray.set with its views. */
const SMALL = 16;

/** What may become of a slot: more may be written into its page; it is a packet; or it stays as it is (vmsplice). */
const MERGE = 0;
const PACKET = 1;
const FIXED = 2;

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
  // The slots, a ring as well: bytes left, bytes of the page before them, and what the slot is.
  #lengths: Uint16Array = new Uint16Array(DEFAULT_CAPACITY / PAGE);
  #starts: Uint16Array = new Uint16Array(DEFAULT_CAPACITY / PAGE);
  #kinds: Uint8Array = new Uint8Array(DEFAULT_CAPACITY / PAGE);
  #first = 0;
  #used = 0;

  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Bytes that fit for certain: those of the free slots. */
  get room(): number {
    return (this.#lengths.length - this.#used) * PAGE;
  }

  /**
   * F_SETPIPE_SZ: rounded up to a power of two of pages. Returns the new capacity.
   * @param most bytes to which the caller may enlarge it: fs.pipe-max-size
   */
  resize(size: number, most: number): number {
    if (size > 0x80000000 || size < 0) throw errno(EINVAL);
    let capacity = PAGE;
    while (capacity < size) capacity *= 2;
    if (capacity > most && capacity > this.#capacity) throw errno(EPERM);
    const slots = capacity / PAGE;
    if (slots < this.#used) throw errno(EBUSY);
    this.#setBuffer(Math.max(this.#length, Math.min(capacity, this.#buffer.length)));
    const [lengths, starts, kinds] = [new Uint16Array(slots), new Uint16Array(slots), new Uint8Array(slots)];
    for (let i = 0; i < this.#used; i++) {
      const from = (this.#first + i) % this.#lengths.length;
      lengths[i] = this.#lengths[from] as number;
      starts[i] = this.#starts[from] as number;
      kinds[i] = this.#kinds[from] as number;
    }
    [this.#lengths, this.#starts, this.#kinds, this.#first] = [lengths, starts, kinds, 0];
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
    if (this.#used === 0) return this.writers === 0 ? 0 : -EAGAIN;
    const slots = this.#lengths.length;
    let n = 0;
    let dropped = 0;
    while (this.#used > 0 && n < into.length) {
      const slot = this.#first;
      const length = this.#lengths[slot] as number;
      const taken = Math.min(length, into.length - n);
      const packet = this.#kinds[slot] === PACKET;
      n += taken;
      // What does not fit of a packet is lost.
      if (packet) dropped = length - taken;
      if (packet || taken === length) {
        this.#first = (slot + 1) % slots;
        this.#used--;
      } else {
        this.#starts[slot] = (this.#starts[slot] as number) + taken;
        this.#lengths[slot] = length - taken;
      }
      if (packet) break;
    }
    this.#copyOut(into, n);
    this.#length -= n + dropped;
    this.#head = this.#length === 0 ? 0 : (this.#head + n + dropped) % this.#buffer.length;
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

  /** pipe_write(). @param packet O_DIRECT: what is written is read as it was written */
  write(from: Uint8Array, packet = false): number {
    const n = from.length;
    if (n === 0) return 0;
    if (this.readers === 0) return -EPIPE;
    // What is not whole pages goes into the last page, if it has room for all of that.
    const rest = n % PAGE;
    let taken = 0;
    if (rest > 0 && this.#used > 0) {
      const last = (this.#first + this.#used - 1) % this.#lengths.length;
      const length = this.#lengths[last] as number;
      if (this.#kinds[last] === MERGE && (this.#starts[last] as number) + length + rest <= PAGE) {
        this.#lengths[last] = length + rest;
        taken = rest;
      }
    }
    taken += this.#takeSlots(n - taken, packet ? PACKET : MERGE);
    if (taken === 0) return -EAGAIN;
    this.#append(from, taken);
    return taken;
  }

  /** vmsplice(2): as many bytes as fit, in slots of their own. */
  fill(from: Uint8Array): number {
    const taken = this.#takeSlots(from.length, FIXED);
    if (taken > 0) this.#append(from, taken);
    return taken;
  }

  /** New slots for as many of `n` bytes as there are slots. */
  #takeSlots(n: number, kind: number): number {
    const slots = this.#lengths.length;
    let taken = 0;
    while (taken < n && this.#used < slots) {
      const slot = (this.#first + this.#used) % slots;
      const length = Math.min(PAGE, n - taken);
      this.#lengths[slot] = length;
      this.#starts[slot] = 0;
      this.#kinds[slot] = kind;
      this.#used++;
      taken += length;
    }
    return taken;
  }

  #append(from: Uint8Array, n: number): void {
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
      this.#used = 0;
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
    return this.pipe.write(from, (this.flags & O_DIRECT) !== 0);
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
      if (pipe.room > 0) events |= POLLOUT | POLLWRNORM;
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
