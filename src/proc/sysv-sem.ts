/**
 * System V semaphores: semop(2). The operations of one call happen all at once or not at all. Whoever changes a set makes the
 * pending calls that have become possible, in the order in which they came, before anybody else can change it back.
 */
import { EAGAIN, ERANGE } from "../abi/errno.ts";
import { SEM_UNDO, SEMVMX } from "../abi/sysv-ipc.ts";
import type { TaskCredentials } from "./credentials.ts";
import { IpcObject } from "./sysv-ipc.ts";
import type { ThreadGroup } from "./thread-group.ts";

export interface SemaphoreOperation {
  readonly number: number;
  readonly change: number;
  readonly flags: number;
}

/** A call that waits. */
export interface PendingOperations {
  readonly operations: readonly SemaphoreOperation[];
  readonly process: ThreadGroup;
  /** Undefined as long as it has to wait. */
  result: number | undefined;
  wake(): void;
}

interface Semaphore {
  value: number;
  lastPid: number;
  /** Tasks that wait for it to grow, and to be zero. */
  growers: number;
  zeroes: number;
}

export class SemaphoreSet extends IpcObject {
  readonly semaphores: Semaphore[];
  readonly pending: Set<PendingOperations> = new Set();
  /** What each process has to give back when it ends. */
  readonly undo: Map<ThreadGroup, number[]> = new Map();
  operated = 0;

  constructor(key: number, mode: number, credentials: TaskCredentials, now: number, count: number) {
    super(key, mode, credentials, now);
    this.semaphores = Array.from({ length: count }, () => ({ value: 0, lastPid: 0, growers: 0, zeroes: 0 }));
  }

  /** 0, -EAGAIN if it has to wait (at `blocker`), -ERANGE. Numbers are in range. */
  operate(operations: readonly SemaphoreOperation[], process: ThreadGroup, now: number): number {
    const values = new Map<number, number>();
    const current = (n: number): number => values.get(n) ?? (this.semaphores[n] as Semaphore).value;
    for (const operation of operations) {
      const { number, change } = operation;
      const value = current(number);
      if (change === 0 ? value !== 0 : value + change < 0) {
        this.#blocker = operation;
        return -EAGAIN;
      }
      if (value + change > SEMVMX) return -ERANGE;
      values.set(number, value + change);
    }
    for (const { number, change, flags } of operations) {
      (this.semaphores[number] as Semaphore).lastPid = process.pid;
      if (flags & SEM_UNDO) this.#remember(process, number, change);
    }
    for (const [n, value] of values) (this.semaphores[n] as Semaphore).value = value;
    this.operated = now;
    return 0;
  }

  /** The set has changed: makes what has become possible, and that may make more possible. */
  update(now: number): void {
    for (let again = true; again; ) {
      again = false;
      for (const waiter of this.pending) {
        const result = this.operate(waiter.operations, waiter.process, now);
        if (result === -EAGAIN) continue;
        this.#finish(waiter, result);
        again = true;
      }
    }
  }

  #finish(waiter: PendingOperations, result: number): void {
    waiter.result = result;
    this.pending.delete(waiter);
    waiter.wake();
  }

  /** The set is removed under those who wait. */
  abort(result: number): void {
    for (const waiter of this.pending) this.#finish(waiter, result);
  }

  #blocker: SemaphoreOperation | null = null;

  /** The operation at which the last `operate` had to wait. */
  get blocker(): SemaphoreOperation | null {
    return this.#blocker;
  }

  #remember(process: ThreadGroup, number: number, change: number): void {
    let adjustments = this.undo.get(process);
    if (adjustments === undefined) {
      adjustments = new Array<number>(this.semaphores.length).fill(0);
      this.undo.set(process, adjustments);
    }
    adjustments[number] = (adjustments[number] as number) - change;
  }

  /** SETVAL and SETALL forget what was to be undone. */
  assign(number: number, value: number, pid: number): void {
    const semaphore = this.semaphores[number] as Semaphore;
    semaphore.value = value;
    semaphore.lastPid = pid;
    for (const adjustments of this.undo.values()) adjustments[number] = 0;
  }

  /** The process ends: exit_sem(). */
  giveBack(process: ThreadGroup, now: number): void {
    const adjustments = this.undo.get(process);
    if (adjustments === undefined) return;
    this.undo.delete(process);
    adjustments.forEach((change, n) => {
      if (change === 0) return;
      const semaphore = this.semaphores[n] as Semaphore;
      semaphore.value = Math.min(SEMVMX, Math.max(0, semaphore.value + change));
      semaphore.lastPid = process.pid;
    });
    this.update(now);
  }
}
