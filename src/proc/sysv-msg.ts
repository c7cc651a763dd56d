/** System V message queues: msgop(2). */
import { E2BIG, EAGAIN, ENOMSG } from "../abi/errno.ts";
import { MSG_EXCEPT, MSG_NOERROR } from "../abi/sysv-ipc.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import type { TaskCredentials } from "./credentials.ts";
import { IpcObject } from "./sysv-ipc.ts";

export interface Message {
  readonly type: number;
  readonly text: Uint8Array;
}

export class MessageQueue extends IpcObject {
  readonly messages: Message[] = [];
  /** Woken when a message comes or goes, and when the queue is removed. */
  readonly waiters: WaitQueue = new WaitQueue();
  bytes = 0;
  limit: number;
  lastSender = 0;
  lastReceiver = 0;
  sent = 0;
  received = 0;

  /** @param limit bytes that it may hold: kernel.msgmnb */
  constructor(key: number, mode: number, credentials: TaskCredentials, now: number, limit: number) {
    super(key, mode, credentials, now);
    this.limit = limit;
  }

  /** 0, or -EAGAIN if it does not fit now. */
  send(message: Message, pid: number, now: number): number {
    const { length } = message.text;
    if (length + this.bytes > this.limit || this.messages.length >= this.limit) return -EAGAIN;
    this.messages.push(message);
    this.bytes += length;
    this.lastSender = pid;
    this.sent = now;
    this.waiters.wake();
    return 0;
  }

  /** The message, or a negative errno: -ENOMSG if there is none as yet, -E2BIG. */
  receive(type: number, room: number, flags: number, pid: number, now: number): Message | number {
    const at = this.#choose(type, (flags & MSG_EXCEPT) !== 0);
    const message = this.messages[at];
    if (message === undefined) return -ENOMSG;
    if (message.text.length > room && (flags & MSG_NOERROR) === 0) return -E2BIG;
    this.messages.splice(at, 1);
    this.bytes -= message.text.length;
    this.lastReceiver = pid;
    this.received = now;
    this.waiters.wake();
    return message;
  }

  /** Any, the first of a type, of another type, or of the lowest type up to a bound. */
  #choose(type: number, except: boolean): number {
    if (type === 0) return this.messages.length > 0 ? 0 : -1;
    if (type > 0) return this.messages.findIndex((m) => (m.type === type) !== except);
    let best = -1;
    this.messages.forEach((m, i) => {
      if (m.type <= -type && (best < 0 || m.type < (this.messages[best] as Message).type)) best = i;
    });
    return best;
  }
}
