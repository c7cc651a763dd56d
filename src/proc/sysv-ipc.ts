/** What the three kinds of System V IPC have in common: tables of objects by key and id, and permissions. After ipc/util.c. */
import { CAP_IPC_OWNER, CAP_SYS_ADMIN } from "../abi/capability.ts";
import { EACCES, EEXIST, EINVAL, ENOENT, ENOSPC, EPERM, errno } from "../abi/errno.ts";
import { IPC_CREAT, IPC_EXCL, IPC_PRIVATE, IPCMNI } from "../abi/sysv-ipc.ts";
import type { TaskCredentials } from "./credentials.ts";
import type { MessageQueue } from "./sysv-msg.ts";
import type { SemaphoreSet } from "./sysv-sem.ts";
import type { SharedSegment } from "./sysv-shm.ts";

export interface Owner {
  uid: number;
  gid: number;
}

/** Base of queues, semaphore sets and segments. */
export class IpcObject {
  key: number;
  id = -1;
  readonly creator: Owner;
  owner: Owner;
  /** Permission bits. */
  mode: number;
  removed = false;
  /** Seconds since 1970 of the last change by IPC_SET, or of the creation. */
  changed: number;

  constructor(key: number, mode: number, credentials: TaskCredentials, now: number) {
    this.key = key;
    this.mode = mode & 0o777;
    this.creator = { uid: credentials.euid, gid: credentials.egid };
    this.owner = { ...this.creator };
    this.changed = now;
  }

  get sequence(): number {
    return Math.floor(this.id / IPCMNI);
  }

  /** ipcperms(): `wanted` has 0o444 for reading, 0o222 for altering. */
  allows(credentials: TaskCredentials, wanted: number): boolean {
    const { euid } = credentials;
    const inGroup = (gid: number): boolean => credentials.egid === gid || credentials.groups.includes(gid);
    let granted = this.mode;
    if (euid === this.creator.uid || euid === this.owner.uid) granted >>= 6;
    else if (inGroup(this.creator.gid) || inGroup(this.owner.gid)) granted >>= 3;
    const needed = (wanted >> 6) | (wanted >> 3) | wanted;
    return (needed & ~granted & 7) === 0 || credentials.capable(CAP_IPC_OWNER);
  }

  check(credentials: TaskCredentials, wanted: number): void {
    if (!this.allows(credentials, wanted)) throw errno(EACCES);
  }

  /** For IPC_SET and IPC_RMID. */
  checkOwner(credentials: TaskCredentials): void {
    const { euid } = credentials;
    if (euid !== this.creator.uid && euid !== this.owner.uid && !credentials.capable(CAP_SYS_ADMIN)) throw errno(EPERM);
  }
}

/** The objects of one kind. */
export class IpcTable<T extends IpcObject> {
  readonly #slots: (T | undefined)[] = [];
  readonly #limit: () => number;
  #sequence = 0;
  #lastSlot = -1;
  /** kernel.*_next_id: the id that the next object is to have, if it is free; -1 leaves it to the kernel. */
  nextId = -1;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const object of this.#slots) if (object !== undefined) yield object;
  }

  get count(): number {
    return this.#slots.reduce((n, object) => (object === undefined ? n : n + 1), 0);
  }

  /** Index of the last slot in use: what the *_INFO commands answer; 0 if there is none. */
  get highestIndex(): number {
    return Math.max(
      0,
      this.#slots.findLastIndex((object) => object !== undefined),
    );
  }

  /** EINVAL if there is no such object. */
  get(id: number): T {
    const object = id < 0 ? undefined : this.#slots[id % IPCMNI];
    if (object === undefined || object.id !== id) throw errno(EINVAL);
    return object;
  }

  /** For the *_STAT commands, which go through the slots. */
  at(index: number): T {
    const object = this.#slots[index];
    if (object === undefined) throw errno(EINVAL);
    return object;
  }

  /**
   * What the *get calls do: finds the object of a key, or makes one.
   * @param check called for one that exists, before its permissions: may refuse
   */
  find(
    key: number,
    flags: number,
    credentials: TaskCredentials,
    make: () => T,
    check: (existing: T) => void = () => {},
  ): T {
    if (key !== IPC_PRIVATE) {
      for (const existing of this) {
        if (existing.key !== key) continue;
        if (flags & IPC_CREAT && flags & IPC_EXCL) throw errno(EEXIST);
        check(existing);
        const wanted = flags & 0o777;
        existing.check(credentials, wanted);
        return existing;
      }
      if ((flags & IPC_CREAT) === 0) throw errno(ENOENT);
    }
    return this.#add(make());
  }

  #add(object: T): T {
    if (this.count >= this.#limit()) throw errno(ENOSPC);
    const { nextId } = this;
    let slot = Math.max(0, nextId) % IPCMNI;
    while (this.#slots[slot] !== undefined) slot++;
    if (nextId >= 0) {
      this.nextId = -1;
      object.id = Math.floor(nextId / IPCMNI) * IPCMNI + slot;
      this.#slots[slot] = object;
      return object;
    }
    // A slot that is used again gives another id (ipc_idr_alloc).
    if (slot <= this.#lastSlot) this.#sequence = (this.#sequence + 1) % 65536;
    this.#lastSlot = slot;
    object.id = this.#sequence * IPCMNI + slot;
    this.#slots[slot] = object;
    return object;
  }

  remove(object: T): void {
    const slot = object.id % IPCMNI;
    if (this.#slots[slot] === object) this.#slots[slot] = undefined;
    object.removed = true;
  }
}

/** The machine's System V IPC. */
export interface SysvIpc {
  readonly queues: IpcTable<MessageQueue>;
  readonly sets: IpcTable<SemaphoreSet>;
  readonly segments: IpcTable<SharedSegment>;
}
