/**
 * Futexes with an owner, whose word has the owner's tid: FUTEX_LOCK_PI and its kin (futex(2), "Priority-inheritance
 * futexes"). A lock is known here only while somebody waits for it; otherwise its word says everything.
 *
 * The lock is handed over: who unlocks writes the next owner's tid into the word, the most urgent waiter's. Waiters lend
 * the owner their priority, for as long as they wait (`Task.priority`).
 */
import { EDEADLK, EPERM, Errno, ESRCH } from "../abi/errno.ts";
import { FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from "../abi/futex.ts";
import type { FutexKey } from "./futex.ts";
import { accessMemory } from "./inspect.ts";
import type { GuestSpace } from "./mm.ts";
import type { Task } from "./task.ts";

export interface PiWaiter {
  readonly task: Task;
  /** It has got the lock. */
  owns: boolean;
  wake(): void;
}

/** A lock that somebody waits for. */
export class PiLock {
  readonly key: FutexKey;
  owner: Task;
  /** An address space and an address at which the word is. */
  readonly space: GuestSpace;
  readonly address: number;
  /** The next owner first. */
  readonly waiters: PiWaiter[] = [];

  constructor(key: FutexKey, owner: Task, space: GuestSpace, address: number) {
    this.key = key;
    this.owner = owner;
    this.space = space;
    this.address = address;
  }
}

export class PiLocks {
  readonly #locks: WeakMap<object, Map<number, PiLock>> = new WeakMap();

  find(key: FutexKey): PiLock | undefined {
    return this.#locks.get(key.object)?.get(key.offset);
  }

  #add(lock: PiLock): void {
    const { object, offset } = lock.key;
    let byOffset = this.#locks.get(object);
    if (byOffset === undefined) this.#locks.set(object, (byOffset = new Map()));
    byOffset.set(offset, lock);
    lock.owner.piLocks.add(lock);
  }

  #remove(lock: PiLock): void {
    this.#locks.get(lock.key.object)?.delete(lock.key.offset);
    lock.owner.piLocks.delete(lock);
  }

  /**
   * Takes the lock for `task`, or makes it wait.
   * @returns "taken", a waiter, or a negative errno. The word says afterwards what is so.
   */
  lock(task: Task, key: FutexKey, address: number, wake: () => void): "taken" | PiWaiter | number {
    const { space } = task;
    const value = space.readU32(address);
    if ((value & FUTEX_TID_MASK) === task.number) return -EDEADLK;
    let lock = this.find(key);
    if (lock === undefined) {
      if ((value & FUTEX_TID_MASK) === 0) {
        space.writeU32(address, ((value & FUTEX_OWNER_DIED) | task.number) >>> 0);
        return "taken";
      }
      space.writeU32(address, (value | FUTEX_WAITERS) >>> 0);
      const owner = task.find(value & FUTEX_TID_MASK);
      if (owner === undefined || owner.state === "dead" || owner.state === "zombie") return -ESRCH;
      lock = new PiLock(key, owner, space, address);
    } else space.writeU32(address, (value | FUTEX_WAITERS) >>> 0);
    if (this.#leadsTo(lock, task)) return -EDEADLK;
    if (lock.waiters.length === 0) this.#add(lock);
    const waiter: PiWaiter = { task, owns: false, wake };
    const at = lock.waiters.findIndex((other) => other.task.priority < task.priority);
    if (at < 0) lock.waiters.push(waiter);
    else lock.waiters.splice(at, 0, waiter);
    task.piWaits = lock;
    return waiter;
  }

  /** Would waiting for the lock be waiting for oneself? */
  #leadsTo(lock: PiLock, task: Task): boolean {
    for (let at: PiLock | null = lock; at !== null; at = at.owner.piWaits) if (at.owner === task) return true;
    return false;
  }

  /** FUTEX_TRYLOCK_PI: EAGAIN if it is somebody else's. */
  tryLock(task: Task, key: FutexKey, address: number): "taken" | "busy" | number {
    const { space } = task;
    const value = space.readU32(address);
    const owner = value & FUTEX_TID_MASK;
    if (owner === task.number) return -EDEADLK;
    if (owner === 0 && this.find(key) === undefined) {
      space.writeU32(address, ((value & FUTEX_OWNER_DIED) | task.number) >>> 0);
      return "taken";
    }
    space.writeU32(address, (value | FUTEX_WAITERS) >>> 0);
    return this.find(key) === undefined && task.find(owner) === undefined ? -ESRCH : "busy";
  }

  unlock(task: Task, key: FutexKey, address: number): number {
    const value = task.space.readU32(address);
    if ((value & FUTEX_TID_MASK) !== task.number) return -EPERM;
    const lock = this.find(key);
    if (lock === undefined) task.space.writeU32(address, 0);
    else if (lock.owner !== task) return -EPERM;
    else this.#handOver(lock, 0);
    return 0;
  }

  /** The first waiter becomes the owner. */
  #handOver(lock: PiLock, died: number): void {
    const next = lock.waiters.shift();
    if (next === undefined) return;
    this.#remove(lock);
    next.owns = true;
    next.task.piWaits = null;
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, (FUTEX_WAITERS | died | next.task.number) >>> 0, true);
    try {
      accessMemory(lock.space, lock.address, word, { write: true, force: false });
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
    }
    lock.owner = next.task;
    if (lock.waiters.length > 0) this.#add(lock);
    next.wake();
  }

  /** The waiter gives up. */
  giveUp(waiter: PiWaiter): void {
    const lock = waiter.task.piWaits;
    if (lock === null || waiter.owns) return;
    waiter.task.piWaits = null;
    const at = lock.waiters.indexOf(waiter);
    if (at >= 0) lock.waiters.splice(at, 1);
    if (lock.waiters.length === 0) this.#remove(lock);
  }

  /** A task ends: what it owns and others wait for goes to them, marked (exit_pi_state_list). */
  release(task: Task): void {
    for (const lock of [...task.piLocks]) this.#handOver(lock, FUTEX_OWNER_DIED);
  }
}
