/**
 * SECCOMP_RET_USER_NOTIF: another process decides what becomes of a system call (seccomp_unotify(2)).
 *
 * The task that makes the call sleeps; the listener, a descriptor, hands out what it asks for, and takes the answer: a result,
 * an error, or that the call be made. Until it has been handed out a signal ends the wait, and the call begins anew
 * afterwards. A listener that is closed lets all who wait have ENOSYS.
 */
import { E2BIG, EAGAIN, EINPROGRESS, EINVAL, ENOENT, ENOSYS, ERESTARTSYS } from "../abi/errno.ts";
import { O_CLOEXEC, O_RDWR } from "../abi/fcntl.ts";
import { RLIMIT_NOFILE } from "../abi/resource.ts";
import * as S from "../abi/seccomp.ts";
import { S_IFREG } from "../abi/stat.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile } from "../vfs/file.ts";
import { type GuestAccess, type OpenContext, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../vfs/types.ts";
import { CallStage } from "./call-entry.ts";
import { NO_RESULT } from "./scheduler.ts";
import { isAmong, type Seccomp } from "./seccomp-state.ts";
import type { Task } from "./task.ts";
import { block, sleep, Woken } from "./wait.ts";

interface Notification {
  readonly id: number;
  readonly task: Task;
  /** struct seccomp_data */
  readonly data: Uint32Array;
  readonly queue: WaitQueue;
  state: "new" | "sent" | "replied";
  /** The call's result once it is replied to; undefined: it is to be made. */
  result: number | undefined;
}

/** The largest page that an extensible structure may fill. */
const PAGE_SIZE = 4096;

export class SeccompListener extends BaseFile {
  readonly queue: WaitQueue = new WaitQueue();
  readonly sendsSignals: boolean = false;
  readonly #filter: Seccomp;
  readonly #tasks: ReadonlyMap<number, Task>;
  readonly #killable: boolean;
  readonly #pending: Set<Notification> = new Set();
  #lastId = 0;

  /** @param killable SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: what has been handed out is interrupted by nothing but death */
  constructor(task: Task, filter: Seccomp, killable: boolean) {
    const { fsuid, fsgid } = task.credentials;
    super(task.fs.mounts.special.anonfs.inode(S_IFREG | 0o600, { uid: fsuid, gid: fsgid }), O_RDWR, undefined);
    this.#filter = filter;
    this.#tasks = task.kernel.tasks;
    this.#killable = killable;
  }

  override get mappable(): boolean {
    return false;
  }

  override describe(): string {
    return "anon_inode:seccomp notify";
  }

  /** The task's call waits for the decision. */
  async ask(task: Task, data: Uint32Array): Promise<number> {
    const mine: Notification = {
      id: ++this.#lastId,
      task,
      data,
      queue: new WaitQueue(),
      state: "new",
      result: -ENOSYS,
    };
    this.#pending.add(mine);
    this.queue.wake(POLLIN);
    try {
      for (;;) {
        const killable = this.#killable && mine.state === "sent";
        const woken = await sleep(task, mine.queue, { killable });
        if (mine.state === "replied") break;
        // What was handed out meanwhile goes on waiting.
        const nowKillable = this.#killable && mine.state === "sent";
        if (woken === Woken.Signal && killable === nowKillable) return -ERESTARTSYS;
      }
    } finally {
      this.#pending.delete(mine);
    }
    task.callStage = mine.result === undefined ? CallStage.Allowed : CallStage.Answered;
    task.callAnswer = mine.result ?? 0;
    return NO_RESULT;
  }

  override poll(): number {
    let events = this.#hasUsers() ? 0 : POLLHUP;
    for (const { state } of this.#pending) {
      if (state === "new") events |= POLLIN | POLLRDNORM;
      if (state === "sent") events |= POLLOUT | POLLWRNORM;
    }
    return events;
  }

  override close(): void {
    this.#filter.listener = null;
    for (const waiting of this.#pending) if (waiting.state !== "replied") reply(waiting, -ENOSYS);
    super.close();
  }

  override ioctl(
    request: number,
    argument: number,
    guest: GuestAccess,
    { task }: OpenContext,
  ): number | Promise<number> {
    switch (request >>> 0) {
      case S.SECCOMP_IOCTL_NOTIF_RECV:
        return this.#receive(task as Task, argument, guest);
      case S.SECCOMP_IOCTL_NOTIF_SEND:
        return this.#send(viewOf(guest.readable(argument, S.SECCOMP_NOTIF_RESP_SIZE)));
      case S.SECCOMP_IOCTL_NOTIF_ID_VALID:
      case S.SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR:
        return this.#find(viewOf(guest.readable(argument, 8)))?.state === "sent" ? 0 : -ENOENT;
      case S.SECCOMP_IOCTL_NOTIF_SET_FLAGS:
        // Who runs next on which processor is all that it would change.
        return argument & ~S.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP ? -EINVAL : 0;
    }
    if ((request & 0xffff) !== S.SECCOMP_IOCTL_NOTIF_ADDFD) return -EINVAL;
    return this.#addDescriptor(task as Task, argument, (request >>> 16) & 0x3fff, guest);
  }

  #hasUsers(): boolean {
    for (const { state, seccomp } of this.#tasks.values())
      if (state !== "zombie" && state !== "dead" && isAmong(this.#filter, seccomp)) return true;
    return false;
  }

  #find(id: DataView): Notification | undefined {
    if (id.getUint32(4, true) !== 0) return undefined;
    const wanted = id.getUint32(0, true);
    for (const waiting of this.#pending) if (waiting.id === wanted) return waiting;
    return undefined;
  }

  #receive(task: Task, address: number, guest: GuestAccess): number | Promise<number> {
    if (guest.readable(address, S.SECCOMP_NOTIF_SIZE).some((byte) => byte !== 0)) return -EINVAL;
    return block(task, this.queue, () => {
      const next = [...this.#pending].find(({ state }) => state === "new");
      if (next === undefined) return this.#hasUsers() ? -EAGAIN : -ENOENT;
      const into = viewOf(guest.writable(address, S.SECCOMP_NOTIF_SIZE));
      into.setUint32(0, next.id, true);
      into.setUint32(8, task.numberOf(next.task.tid), true);
      next.data.forEach((word, i) => {
        into.setUint32(16 + 4 * i, word, true);
      });
      next.state = "sent";
      if (this.#killable) next.queue.wake();
      this.queue.wake(POLLOUT);
      return 0;
    });
  }

  #send(response: DataView): number {
    const flags = response.getUint32(20, true);
    const error = response.getInt32(16, true);
    const value = response.getBigInt64(8, true);
    if ((flags & ~S.SECCOMP_USER_NOTIF_FLAG_CONTINUE) !== 0) return -EINVAL;
    if (flags !== 0 && (error !== 0 || value !== 0n)) return -EINVAL;
    const waiting = this.#find(response);
    if (waiting === undefined) return -ENOENT;
    if (waiting.state !== "sent") return -EINPROGRESS;
    reply(waiting, flags !== 0 ? undefined : error !== 0 ? error : Number(value));
    return 0;
  }

  /** Gives whoever waits a descriptor of the caller's file. */
  #addDescriptor(task: Task, address: number, size: number, guest: GuestAccess): number {
    if (size < S.SECCOMP_NOTIF_ADDFD_SIZE || size >= PAGE_SIZE) return -EINVAL;
    const bytes = guest.readable(address, size);
    if (bytes.subarray(S.SECCOMP_NOTIF_ADDFD_SIZE).some((byte) => byte !== 0)) return -E2BIG;
    const view = viewOf(bytes);
    const [flags, source, number, fileFlags] = [8, 12, 16, 20].map((at) => view.getUint32(at, true)) as [
      number,
      number,
      number,
      number,
    ];
    if ((fileFlags & ~O_CLOEXEC) !== 0) return -EINVAL;
    if ((flags & ~(S.SECCOMP_ADDFD_FLAG_SETFD | S.SECCOMP_ADDFD_FLAG_SEND)) !== 0) return -EINVAL;
    const exact = (flags & S.SECCOMP_ADDFD_FLAG_SETFD) !== 0;
    if (number !== 0 && !exact) return -EINVAL;
    const file = task.files.get(source);
    const waiting = this.#find(view);
    if (waiting === undefined) return -ENOENT;
    if (waiting.state !== "sent") return -EINPROGRESS;
    const { files, process } = waiting.task;
    const limit = waiting.task.limit(RLIMIT_NOFILE);
    const closeOnExec = fileFlags !== 0;
    let given = number;
    if (exact) files.set(number, file, closeOnExec, limit, process);
    else given = files.add(file, closeOnExec, limit);
    if ((flags & S.SECCOMP_ADDFD_FLAG_SEND) !== 0) reply(waiting, given);
    return given;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function reply(waiting: Notification, result: number | undefined): void {
  waiting.state = "replied";
  waiting.result = result;
  waiting.queue.wake();
}
