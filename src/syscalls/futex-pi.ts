/** The operations of futex(2) on locks that have an owner; the locks are in proc/futex-pi.ts. */
import { EAGAIN, EINVAL, ERESTARTNOINTR, ETIMEDOUT, errno } from "../abi/errno.ts";
import { FUTEX_BITSET_MATCH_ANY } from "../abi/futex.ts";
import { type FutexKey, type FutexWaiter, sameFutex } from "../proc/futex.ts";
import { keyOf } from "../proc/futex-key.ts";
import type { PiWaiter } from "../proc/futex-pi.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import type { SyscallResult } from "./define.ts";

/** When to give up: monotonic nanoseconds, which move along if they stand for a time of day. */
export interface Until {
  readonly deadline: number;
  readonly timeOfDay: boolean;
}

export function lockPi(task: Task, key: FutexKey, address: number, end: Until): SyscallResult {
  const { pi } = task.kernel.futexes;
  const queue = new WaitQueue();
  const outcome = pi.lock(task, key, address, () => queue.wake());
  if (outcome === "taken") return 0;
  if (typeof outcome === "number") return outcome;
  return waitForLock(task, queue, outcome, end);
}

function waitForLock(task: Task, queue: WaitQueue, waiter: PiWaiter, end: Until): SyscallResult {
  const leave = (result: number): number => {
    task.kernel.futexes.pi.giveUp(waiter);
    return waiter.owns ? 0 : result;
  };
  return block(task, queue, () => (waiter.owns ? 0 : -EAGAIN), {
    ...end,
    timedOut: () => leave(-ETIMEDOUT),
    interrupted: () => leave(-ERESTARTNOINTR),
  });
}

export function tryLockPi(task: Task, key: FutexKey, address: number): number {
  const outcome = task.kernel.futexes.pi.tryLock(task, key, address);
  if (outcome === "taken") return 0;
  return outcome === "busy" ? -EAGAIN : outcome;
}

export function unlockPi(task: Task, key: FutexKey, address: number): number {
  return task.kernel.futexes.pi.unlock(task, key, address);
}

/** Waits at one futex until somebody moves it to a lock, and then for the lock. */
export function waitRequeuePi(
  task: Task,
  address: number,
  lockAddress: number,
  shared: boolean,
  expected: number,
  bitset: number,
  end: Until,
): SyscallResult {
  if (address === lockAddress) throw errno(EINVAL);
  const { futexes } = task.kernel;
  const key = keyOf(task, address, shared);
  const lockKey = keyOf(task, lockAddress, shared);
  if (task.space.readU32(address) !== expected >>> 0) return -EAGAIN;
  if (sameFutex(key, lockKey)) throw errno(EINVAL);
  const queue = new WaitQueue();
  let lockWaiter: PiWaiter | undefined;
  let owns = false;
  const waiter: FutexWaiter = {
    bitset: bitset === 0 ? FUTEX_BITSET_MATCH_ANY : bitset,
    priority: task.priority,
    key,
    woken: false,
    wake: () => queue.wake(),
    moves: {
      key: lockKey,
      move(): "taken" | "waits" | number {
        const outcome = futexes.pi.lock(task, lockKey, lockAddress, () => queue.wake());
        if (outcome === "taken") {
          owns = true;
          return "taken";
        }
        if (typeof outcome === "number") return outcome;
        lockWaiter = outcome;
        return "waits";
      },
    },
  };
  futexes.add(waiter);
  const leave = (result: number): number => {
    futexes.remove(waiter);
    if (lockWaiter !== undefined) futexes.pi.giveUp(lockWaiter);
    return owns || lockWaiter?.owns === true ? 0 : result;
  };
  return block(task, queue, () => (owns || lockWaiter?.owns === true ? 0 : -EAGAIN), {
    ...end,
    timedOut: () => leave(-ETIMEDOUT),
    // Linux leaves a call that a signal has interrupted as if the value had changed (-EWOULDBLOCK).
    interrupted: () => leave(lockWaiter === undefined ? -ERESTARTNOINTR : -EAGAIN),
  });
}

/**
 * FUTEX_CMP_REQUEUE_PI: the first waiter gets the lock if it is free, and up to `moves` others wait for it. The lock's word
 * is in the memory of the caller, at the address that the waiters have named as well.
 */
export function requeueToLock(
  task: Task,
  from: FutexKey,
  to: FutexKey,
  address: number,
  moves: number,
  expected: number,
): number {
  const { futexes } = task.kernel;
  if (sameFutex(from, to)) throw errno(EINVAL);
  if (task.space.readU32(address) !== expected) return -EAGAIN;
  let count = 0;
  for (const waiter of futexes.waiters(from)) {
    if (waiter.moves === undefined || !sameFutex(waiter.moves.key, to)) throw errno(EINVAL);
    if (count > moves) break;
    futexes.remove(waiter);
    const outcome = waiter.moves.move();
    if (typeof outcome === "number") {
      futexes.add(waiter);
      return count > 0 ? count : outcome;
    }
    if (outcome === "taken") waiter.wake();
    count++;
  }
  return count;
}
