/** eventfd(2): a counter that is written to by adding and read by taking. */
import { EAGAIN, EINVAL } from "../abi/errno.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile } from "./file.ts";
import { type Inode, POLLERR, POLLIN, POLLOUT } from "./types.ts";

const MAX = 0xffff_ffff_ffff_fffen;

export class EventFile extends BaseFile {
  readonly sendsSignals: boolean = false;
  readonly queue: WaitQueue = new WaitQueue();
  readonly #semaphore: boolean;
  #count: bigint;

  constructor(inode: Inode, flags: number, initial: number, semaphore: boolean) {
    super(inode, flags, undefined);
    this.#count = BigInt(initial);
    this.#semaphore = semaphore;
  }

  override describe(): string {
    return "anon_inode:[eventfd]";
  }

  details(): string {
    return `eventfd-count: ${this.#count.toString(16).padStart(16)}\neventfd-id: ${this.inode.ino}\neventfd-semaphore: ${this.#semaphore ? 1 : 0}\n`;
  }

  override read(into: Uint8Array): number {
    if (into.length < 8) return -EINVAL;
    if (this.#count === 0n) return -EAGAIN;
    const value = this.#semaphore ? 1n : this.#count;
    this.#count -= value;
    new DataView(into.buffer, into.byteOffset).setBigUint64(0, value, true);
    this.queue.wake(POLLOUT);
    return 8;
  }

  override write(from: Uint8Array): number {
    if (from.length < 8) return -EINVAL;
    const value = new DataView(from.buffer, from.byteOffset).getBigUint64(0, true);
    if (value > MAX) return -EINVAL;
    if (this.#count + value > MAX) return -EAGAIN;
    this.#count += value;
    if (value > 0n) this.queue.wake(POLLIN);
    return 8;
  }

  override seek(): number {
    return 0;
  }

  override poll(): number {
    const events = this.#count > 0n ? POLLIN : 0;
    if (this.#count > MAX) return events | POLLERR;
    return this.#count < MAX ? events | POLLOUT : events;
  }
}
