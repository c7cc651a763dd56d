/** Asynchronous input and output (io_setup(2)): the contexts of an address space, and what has been done for them. */
import { WaitQueue } from "../util/wait-queue.ts";

/** struct io_event */
export interface AioEvent {
  readonly data: bigint;
  /** Address of the struct iocb. */
  readonly request: number;
  readonly result: number;
}

export class AioContext {
  /** Most requests that may be under way or done and not fetched. */
  readonly slots: number;
  readonly events: AioEvent[] = [];
  /** Woken when there are more events. */
  readonly queue: WaitQueue = new WaitQueue();
  /** Requests that wait for a file to become ready, by address: ending one gives its event. */
  readonly waiting: Map<number, (result: number) => void> = new Map();
  destroyed = false;

  constructor(slots: number) {
    this.slots = slots;
  }

  get isFull(): boolean {
    return this.events.length + this.waiting.size >= this.slots;
  }

  complete(event: AioEvent): void {
    this.events.push(event);
    this.queue.wake();
  }

  destroy(): void {
    this.destroyed = true;
    for (const end of [...this.waiting.values()]) end(0);
    this.queue.wake();
  }
}
