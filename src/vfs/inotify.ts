/** An inotify instance: an open file from which events are read. */
import { EAGAIN, EEXIST, EINVAL, ENOSPC, ENOTTY, errno } from "../abi/errno.ts";
import {
  IN_ALL_EVENTS,
  IN_EXCL_UNLINK,
  IN_IGNORED,
  IN_ISDIR,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_ONESHOT,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
} from "../abi/inotify.ts";
import { encodeBytes } from "../util/bytes.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile } from "./file.ts";
import type { Watch } from "./notify.ts";
import { type GuestAccess, type Inode, POLLIN, POLLRDNORM } from "./types.ts";

/** sizeof(struct inotify_event) without a name; names are padded to a multiple of it. */
const EVENT_SIZE = 16;
const FIONREAD = 0x541b;

interface Event {
  readonly wd: number;
  readonly mask: number;
  readonly cookie: number;
  readonly name: Uint8Array;
}

class InstanceWatch implements Watch {
  readonly instance: InotifyFile;
  readonly wd: number;
  readonly inode: Inode;
  mask: number;

  constructor(instance: InotifyFile, wd: number, inode: Inode, mask: number) {
    this.instance = instance;
    this.wd = wd;
    this.inode = inode;
    this.mask = mask;
  }

  tell(event: number, name: string, cookie: number): void {
    // The end of the file system is told to all.
    const wanted = event & ((this.mask & IN_ALL_EVENTS) | IN_UNMOUNT);
    if (wanted === 0) return;
    this.instance.push(this.wd, wanted | (event & IN_ISDIR), cookie, name);
    if (this.mask & IN_ONESHOT) this.end();
  }

  end(): void {
    this.instance.forget(this.wd);
  }
}

/** What a user has of fs.inotify.*, and may have. */
export interface InotifyAccount {
  instances: number;
  watches: number;
  readonly limits: { readonly inotifyWatches: number; readonly inotifyEvents: number };
}

export class InotifyFile extends BaseFile {
  readonly queue: WaitQueue = new WaitQueue();
  readonly #watches: Map<number, InstanceWatch> = new Map();
  #events: Event[] = [];
  #lastWd = 0;

  readonly #account: InotifyAccount;
  readonly #maxEvents: number;

  constructor(inode: Inode, flags: number, account: InotifyAccount) {
    super(inode, flags, undefined);
    this.#account = account;
    this.#maxEvents = account.limits.inotifyEvents;
    account.instances++;
  }

  override describe(): string {
    return "anon_inode:inotify";
  }

  details(): string {
    const line = ({ wd, inode, mask }: InstanceWatch): string => {
      const { dev, ino } = inode.attributes();
      return `inotify wd:${wd.toString(16)} ino:${ino.toString(16)} sdev:${dev.toString(16)} mask:${(mask >>> 0).toString(16)} ignored_mask:0 \n`;
    };
    return [...this.#watches.values()].reverse().map(line).join("");
  }

  /**
   * inotify_add_watch(2): the descriptor of the watch, an old one if the inode is watched already.
   * @param mask IN_* events, IN_MASK_ADD, IN_MASK_CREATE, IN_ONESHOT, IN_EXCL_UNLINK
   */
  watch(inode: Inode, mask: number): number {
    const kept = mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK);
    for (const known of this.#watches.values()) {
      if (known.inode !== inode) continue;
      if (mask & IN_MASK_CREATE) throw errno(EEXIST);
      known.mask = mask & IN_MASK_ADD ? known.mask | kept : kept;
      return known.wd;
    }
    // One that is refused has had a number.
    const wd = ++this.#lastWd;
    if (this.#account.watches >= this.#account.limits.inotifyWatches) throw errno(ENOSPC);
    this.#account.watches++;
    const watch = new InstanceWatch(this, wd, inode, kept);
    this.#watches.set(watch.wd, watch);
    inode.watches ??= new Set();
    inode.watches.add(watch);
    const { fs } = inode;
    fs.watched ??= new Set();
    fs.watched.add(inode);
    return watch.wd;
  }

  /** inotify_rm_watch(2), and the end of a watch whose file has gone. EINVAL for an unknown one. */
  forget(wd: number): void {
    const watch = this.#watches.get(wd);
    if (watch === undefined) throw errno(EINVAL);
    this.#drop(watch);
    this.push(wd, IN_IGNORED, 0, "");
  }

  #drop(watch: InstanceWatch): void {
    this.#watches.delete(watch.wd);
    this.#account.watches--;
    const { inode } = watch;
    inode.watches?.delete(watch);
    if (inode.watches?.size !== 0) return;
    inode.watches = undefined;
    inode.fs.watched?.delete(inode);
  }

  push(wd: number, mask: number, cookie: number, name: string): void {
    const last = this.#events.at(-1);
    if (this.#events.length >= this.#maxEvents) {
      if (last?.mask !== IN_Q_OVERFLOW) this.#add({ wd: -1, mask: IN_Q_OVERFLOW, cookie: 0, name: new Uint8Array(0) });
      return;
    }
    const bytes = encodeBytes(name);
    // An event that is just like the one before it adds nothing.
    if (last !== undefined && last.wd === wd && last.mask === mask && last.cookie === cookie) {
      if (last.name.length === bytes.length && last.name.every((b, i) => b === bytes[i])) return;
    }
    this.#add({ wd, mask, cookie, name: bytes });
  }

  #add(event: Event): void {
    this.#events.push(event);
    this.queue.wake(POLLIN | POLLRDNORM);
  }

  /** As many whole events as fit. EINVAL if not even one does. */
  override read(into: Uint8Array): number {
    if (this.#events.length === 0) return -EAGAIN;
    const view = new DataView(into.buffer, into.byteOffset, into.length);
    let done = 0;
    let taken = 0;
    for (const { wd, mask, cookie, name } of this.#events) {
      const length = paddedLength(name);
      if (done + EVENT_SIZE + length > into.length) break;
      view.setInt32(done, wd, true);
      view.setUint32(done + 4, mask, true);
      view.setUint32(done + 8, cookie, true);
      view.setUint32(done + 12, length, true);
      into.fill(0, done + EVENT_SIZE, done + EVENT_SIZE + length);
      into.set(name, done + EVENT_SIZE);
      done += EVENT_SIZE + length;
      taken++;
    }
    if (taken === 0) return -EINVAL;
    this.#events = this.#events.slice(taken);
    return done;
  }

  override seek(): number {
    return 0;
  }

  override poll(): number {
    return this.#events.length > 0 ? POLLIN | POLLRDNORM : 0;
  }

  override ioctl(request: number, argument: number, guest: GuestAccess): number {
    if (request !== FIONREAD) return -ENOTTY;
    let bytes = 0;
    for (const { name } of this.#events) bytes += EVENT_SIZE + paddedLength(name);
    guest.writeU32(argument, bytes);
    return 0;
  }

  override close(): void {
    for (const watch of [...this.#watches.values()]) this.#drop(watch);
    this.#account.instances--;
    super.close();
  }
}

/** With its NUL, in multiples of the size of an event; none for no name. */
function paddedLength(name: Uint8Array): number {
  return name.length === 0 ? 0 : Math.ceil((name.length + 1) / EVENT_SIZE) * EVENT_SIZE;
}
