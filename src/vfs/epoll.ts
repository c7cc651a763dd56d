/**
 * epoll(7): a set of files, and which of them have something to report.
 *
 * Each item listens on its file's wait queue. A wake-up puts it into the ready list, which is all that `collect` looks at; so
 * a wait costs what is ready, not what is watched. What a ready item then reports is asked of the file (`poll`). A
 * level-triggered item stays in the list as long as the answer is not empty; an edge-triggered one leaves it, to come back
 * with the next wake-up.
 *
 * An item belongs to a descriptor *and* its open file. It ends with the file, not with the descriptor (epoll(7), "Questions
 * and answers", 6); items of files that are closed are found when they are next looked at.
 */
import { EEXIST, EINVAL, ELOOP, ENOENT, EPERM } from "../abi/errno.ts";
import { EPOLLET, EPOLLEXCLUSIVE, EPOLLONESHOT, EPOLLWAKEUP } from "../abi/eventpoll.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile } from "./file.ts";
import { type File, type Inode, POLLERR, POLLHUP, POLLIN, POLLRDNORM } from "./types.ts";

/** Flags of an item that are not events. */
const PRIVATE = (EPOLLET | EPOLLEXCLUSIVE | EPOLLONESHOT | EPOLLWAKEUP) >>> 0;
/** What EPOLLEXCLUSIVE may be combined with. */
const EXCLUSIVE_OK = (EPOLLEXCLUSIVE | EPOLLET | EPOLLWAKEUP | 0x1 | 0x4 | POLLERR | POLLHUP) >>> 0;
/** Instances that watch each other: at most this deep (EP_MAX_NESTS). */
const MAX_NESTS = 5;

interface Item {
  readonly fd: number;
  readonly file: File;
  /** EPOLL* flags and events asked for. */
  events: number;
  dataLo: number;
  dataHi: number;
  /** EPOLLONESHOT has fired: silent until EPOLL_CTL_MOD. */
  disabled: boolean;
  unsubscribe: () => void;
}

export interface EpollEvent {
  readonly events: number;
  readonly dataLo: number;
  readonly dataHi: number;
}

export class EpollFile extends BaseFile {
  readonly sendsSignals: boolean = false;
  readonly queue: WaitQueue = new WaitQueue();
  readonly #items: Map<number, Item[]> = new Map();
  /** In the order in which they became ready. */
  readonly #ready: Set<Item> = new Set();

  constructor(inode: Inode, flags: number) {
    super(inode, flags, undefined);
  }

  override describe(): string {
    return "anon_inode:[eventpoll]";
  }

  details(): string {
    const hex = (value: number): string => (value >>> 0).toString(16);
    let text = "";
    for (const list of this.#items.values()) {
      for (const { fd, file, events, disabled, dataLo, dataHi } of list) {
        const { dev, ino } = file.inode.attributes();
        const data = ((BigInt(dataHi >>> 0) << 32n) | BigInt(dataLo >>> 0)).toString(16);
        const shown = disabled ? events & PRIVATE : events | POLLERR | POLLHUP;
        text += `tfd: ${String(fd).padStart(8)} events: ${hex(shown).padStart(8)} data: ${data.padStart(16)} `;
        text += ` pos:${file.position} ino:${ino.toString(16)} sdev:${dev.toString(16)}\n`;
      }
    }
    return text;
  }

  /** noop_llseek(), as most anonymous files have it. */
  override seek(): number {
    return 0;
  }

  #find(fd: number, file: File): Item | undefined {
    return this.#items.get(fd)?.find((item) => item.file === file);
  }

  /** EPOLL_CTL_ADD; 0 or a negative errno. */
  add(fd: number, file: File, events: number, dataLo: number, dataHi: number): number {
    // A file without a queue is always ready: epoll refuses those, as Linux does for regular files.
    if (file.queue === undefined) return -EPERM;
    if (file === this) return -EINVAL;
    if ((events & EPOLLEXCLUSIVE) !== 0 && ((events & ~EXCLUSIVE_OK) >>> 0 !== 0 || file instanceof EpollFile))
      return -EINVAL;
    if (file instanceof EpollFile && (file.#reaches(this) || file.#depth() + 1 > MAX_NESTS)) return -ELOOP;
    if (this.#find(fd, file) !== undefined) return -EEXIST;
    const item: Item = {
      fd,
      file,
      events: events >>> 0,
      dataLo,
      dataHi,
      disabled: false,
      unsubscribe: () => undefined,
    };
    item.unsubscribe = file.queue.add((woken) => {
      // What the file has to say may be of no interest: ep_poll_callback().
      if (woken === 0 || (woken & (item.events | POLLERR | POLLHUP)) !== 0) this.#woken(item);
    });
    const list = this.#items.get(fd);
    if (list === undefined) this.#items.set(fd, [item]);
    else list.push(item);
    if (this.#eventsOf(item) !== 0) this.#woken(item);
    return 0;
  }

  /** EPOLL_CTL_MOD */
  modify(fd: number, file: File, events: number, dataLo: number, dataHi: number): number {
    if (file === this) return -EINVAL;
    const item = this.#find(fd, file);
    if (item === undefined) return -ENOENT;
    if (((events | item.events) & EPOLLEXCLUSIVE) !== 0) return -EINVAL;
    item.events = events >>> 0;
    item.dataLo = dataLo;
    item.dataHi = dataHi;
    item.disabled = false;
    if (this.#eventsOf(item) !== 0) this.#woken(item);
    return 0;
  }

  /** EPOLL_CTL_DEL */
  remove(fd: number, file: File): number {
    if (file === this) return -EINVAL;
    const item = this.#find(fd, file);
    if (item === undefined) return -ENOENT;
    this.#drop(item);
    return 0;
  }

  #drop(item: Item): void {
    item.unsubscribe();
    this.#ready.delete(item);
    const rest = (this.#items.get(item.fd) ?? []).filter((other) => other !== item);
    if (rest.length === 0) this.#items.delete(item.fd);
    else this.#items.set(item.fd, rest);
  }

  #woken(item: Item): void {
    if (item.file.references === 0) {
      this.#drop(item);
      return;
    }
    this.#ready.add(item);
    this.queue.wake(POLLIN);
  }

  /** What an item would report now. */
  #eventsOf(item: Item): number {
    if (item.disabled || item.file.references === 0) return 0;
    const wanted = (item.events & ~PRIVATE) | POLLERR | POLLHUP;
    return item.file.poll() & wanted;
  }

  /** Up to `max` events. Items that stay ready go to the end of the list, so that none starves. */
  collect(max: number): EpollEvent[] {
    const found: EpollEvent[] = [];
    for (const item of [...this.#ready]) {
      if (found.length >= max) break;
      if (item.file.references === 0) {
        this.#drop(item);
        continue;
      }
      this.#ready.delete(item);
      const events = this.#eventsOf(item);
      if (events === 0) continue;
      found.push({ events, dataLo: item.dataLo, dataHi: item.dataHi });
      if ((item.events & EPOLLONESHOT) !== 0) item.disabled = true;
      else if ((item.events & EPOLLET) === 0) this.#ready.add(item);
    }
    return found;
  }

  override poll(): number {
    for (const item of this.#ready) if (this.#eventsOf(item) !== 0) return POLLIN | POLLRDNORM;
    return 0;
  }

  #reaches(target: EpollFile): boolean {
    for (const list of this.#items.values())
      for (const { file } of list)
        if (file instanceof EpollFile && (file === target || file.#reaches(target))) return true;
    return false;
  }

  #depth(): number {
    let deepest = 0;
    for (const list of this.#items.values())
      for (const { file } of list) if (file instanceof EpollFile) deepest = Math.max(deepest, file.#depth());
    return deepest + 1;
  }

  override close(): void {
    for (const list of [...this.#items.values()]) for (const item of list) item.unsubscribe();
    this.#items.clear();
    this.#ready.clear();
    super.close();
  }
}
