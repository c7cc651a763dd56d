/**
 * Standard streams of the host as files of the guest. Input is asked for when the guest first wants it, and held back when
 * it does not keep up; output that the host does not take makes the writer wait.
 */
import { EAGAIN, EBADF, ENOTTY, EPIPE } from "../abi/errno.ts";
import type { ByteSink, ByteSource } from "../host/interface.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile } from "./file.ts";
import { type GuestAccess, type Inode, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "./types.ts";

const O_RDONLY = 0;
const O_WRONLY = 1;
const FIONREAD = 0x541b;
/** Bytes that are kept for the guest before the host is asked to wait. */
const INPUT_LIMIT = 65536;

export class HostInput extends BaseFile {
  readonly queue: WaitQueue = new WaitQueue();
  readonly #source: ByteSource;
  readonly #name: string;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #started = false;
  #paused = false;
  #ended = false;

  constructor(source: ByteSource, inode: Inode, name: string) {
    super(inode, O_RDONLY, undefined);
    this.#source = source;
    this.#name = name;
  }

  override describe(): string {
    return this.#name;
  }

  #start(): void {
    if (this.#started || this.#source.readNow !== undefined) return;
    this.#started = true;
    this.#source.start(
      (chunk) => {
        this.#chunks.push(chunk.slice());
        this.#bytes += chunk.length;
        this.#paused = this.#bytes >= INPUT_LIMIT;
        this.queue.wake(POLLIN);
        return !this.#paused;
      },
      () => {
        this.#ended = true;
        this.queue.wake(POLLIN | POLLHUP);
      },
    );
  }

  override read(into: Uint8Array): number {
    if (this.#source.readNow !== undefined) return this.#source.readNow(into);
    this.#start();
    if (this.#bytes === 0) return this.#ended || into.length === 0 ? 0 : -EAGAIN;
    let n = 0;
    while (n < into.length) {
      const first = this.#chunks[0];
      if (first === undefined) break;
      const part = first.subarray(0, into.length - n);
      into.set(part, n);
      n += part.length;
      if (part.length === first.length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(part.length);
    }
    this.#bytes -= n;
    if (this.#paused && this.#bytes < INPUT_LIMIT / 2) {
      this.#paused = false;
      this.#source.resume();
    }
    return n;
  }

  override write(): number {
    return -EBADF;
  }

  override poll(): number {
    if (this.#source.readNow !== undefined) return POLLIN | POLLRDNORM;
    this.#start();
    return (this.#bytes > 0 ? POLLIN | POLLRDNORM : 0) | (this.#ended ? POLLHUP : 0);
  }

  override ioctl(request: number, argument: number, guest: GuestAccess): number {
    if (request !== FIONREAD) return -ENOTTY;
    this.#start();
    guest.writeU32(argument, this.#bytes);
    return 0;
  }

  override close(): void {
    this.#source.stop();
    super.close();
  }
}

export class HostOutput extends BaseFile {
  readonly queue: WaitQueue = new WaitQueue();
  readonly #sink: ByteSink;
  readonly #name: string;
  #full = false;

  constructor(sink: ByteSink, inode: Inode, name: string) {
    super(inode, O_WRONLY, undefined);
    this.#sink = sink;
    this.#name = name;
    sink.onClosed(() => this.queue.wake(POLLOUT | POLLERR));
  }

  override describe(): string {
    return this.#name;
  }

  override read(): number {
    return -EBADF;
  }

  override write(from: Uint8Array): number {
    if (this.#sink.closed) return -EPIPE;
    if (from.length === 0) return 0;
    if (this.#full) return -EAGAIN;
    if (!this.#sink.write(from)) {
      this.#full = true;
      this.#sink.onDrained(() => {
        this.#full = false;
        this.queue.wake(POLLOUT);
      });
    }
    return this.#sink.closed ? -EPIPE : from.length;
  }

  override poll(): number {
    if (this.#sink.closed) return POLLOUT | POLLWRNORM | POLLERR;
    return this.#full ? 0 : POLLOUT | POLLWRNORM;
  }
}
