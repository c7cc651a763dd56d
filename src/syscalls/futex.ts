/** futex(2). */
import { EAGAIN, EFAULT, EINVAL, ENOSYS, ERESTART_RESTARTBLOCK, ERESTARTSYS, ETIMEDOUT, errno } from "../abi/errno.ts";
import * as F from "../abi/futex.ts";
import type { FutexKey, FutexWaiter } from "../proc/futex.ts";
import { futexKey } from "../proc/futex-key.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { ptr } from "./args.ts";
import { futexOperation, futexPointer, futexValue } from "./control-args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { readTimespec } from "./process-args.ts";

function futex(
  task: Task,
  address: number,
  op: number,
  value: number,
  timeout: number,
  address2: number,
  value3: number,
): SyscallResult {
  const command = op & ~(F.FUTEX_PRIVATE_FLAG | F.FUTEX_CLOCK_REALTIME);
  const shared = (op & F.FUTEX_PRIVATE_FLAG) === 0;
  const realtime = (op & F.FUTEX_CLOCK_REALTIME) !== 0;
  if (realtime && command !== F.FUTEX_WAIT_BITSET && command !== F.FUTEX_WAIT) throw errno(ENOSYS);
  if (address % 4 !== 0) throw errno(EINVAL);
  const { futexes } = task.kernel;
  switch (command) {
    case F.FUTEX_WAIT:
    case F.FUTEX_WAIT_BITSET: {
      const bitset = command === F.FUTEX_WAIT ? F.FUTEX_BITSET_MATCH_ANY : value3 >>> 0;
      if (bitset === 0) throw errno(EINVAL);
      const deadline = deadlineOf(task, timeout, command === F.FUTEX_WAIT, realtime);
      return wait(task, address, shared, value, bitset, deadline);
    }
    case F.FUTEX_WAKE:
      return futexes.wake(keyOf(task, address, shared), atLeastOne(value), F.FUTEX_BITSET_MATCH_ANY);
    case F.FUTEX_WAKE_BITSET:
      if (value3 === 0) throw errno(EINVAL);
      return futexes.wake(keyOf(task, address, shared), atLeastOne(value), value3 >>> 0);
    case F.FUTEX_REQUEUE:
    case F.FUTEX_CMP_REQUEUE: {
      const limit = timeout | 0;
      if ((value | 0) < 0 || limit < 0) throw errno(EINVAL);
      const from = keyOf(task, address, shared);
      const to = keyOf(task, address2, shared);
      if (command === F.FUTEX_CMP_REQUEUE && task.space.readU32(address) !== value3 >>> 0) return -EAGAIN;
      const woken = futexes.wake(from, value, F.FUTEX_BITSET_MATCH_ANY);
      return woken + futexes.requeue(from, to, limit);
    }
    case F.FUTEX_WAKE_OP:
      return wakeOp(task, address, address2, shared, value, timeout | 0, value3);
    default:
      // Priority inheritance needs priorities, which there are none of.
      throw errno(ENOSYS);
  }
}

/** Linux wakes one for a count of 0 too. */
function atLeastOne(count: number): number {
  return Math.max(1, count | 0);
}

function keyOf(task: Task, address: number, shared: boolean): FutexKey {
  if (shared) task.space.readable(address, 4);
  else if (!(address < 2 ** 47)) throw errno(EFAULT);
  return futexKey(task, address, shared);
}

/** Monotonic nanoseconds; Infinity without a timeout. */
function deadlineOf(task: Task, timeout: number, relative: boolean, realtime: boolean): number {
  if (timeout === 0) return Number.POSITIVE_INFINITY;
  const ns = readTimespec(task, timeout);
  const now = task.kernel.now();
  if (relative) return now + ns;
  return realtime ? ns - (Number(task.kernel.realtime()) - now) : ns;
}

function wait(
  task: Task,
  address: number,
  shared: boolean,
  expected: number,
  bitset: number,
  deadline: number,
): SyscallResult {
  const { futexes } = task.kernel;
  const key = keyOf(task, address, shared);
  if (task.space.readU32(address) !== expected >>> 0) return -EAGAIN;
  const queue = new WaitQueue();
  const waiter: FutexWaiter = { bitset, key, woken: false, wake: () => queue.wake() };
  futexes.add(waiter);
  const gaveUp = (result: number): number => {
    futexes.remove(waiter);
    return result;
  };
  return block(task, queue, () => (waiter.woken ? 0 : -EAGAIN), {
    deadline: Math.max(deadline, 1),
    timedOut: () => gaveUp(-ETIMEDOUT),
    interrupted: () => {
      if (deadline === Number.POSITIVE_INFINITY) return gaveUp(-ERESTARTSYS);
      task.restartBlock = (again) => wait(again, address, shared, expected, bitset, deadline);
      return gaveUp(-ERESTART_RESTARTBLOCK);
    },
  });
}

/** FUTEX_WAKE_OP: changes the second word by an encoded operation, wakes on it if its old value compares as asked. */
function wakeOp(
  task: Task,
  address: number,
  address2: number,
  shared: boolean,
  count: number,
  count2: number,
  encoded: number,
): number {
  const key = keyOf(task, address, shared);
  const key2 = keyOf(task, address2, shared);
  const op = (encoded >>> 28) & 7;
  const compare = (encoded >>> 24) & 15;
  let operand = (encoded << 8) >> 20;
  const against = (encoded << 20) >> 20;
  if (encoded & 0x8000_0000) operand = 1 << (operand & 31);
  if (op > 4 || compare > 5) throw errno(ENOSYS);
  task.space.writable(address2, 4);
  const old = task.space.readI32(address2);
  const changed = [operand, old + operand, old | operand, old & ~operand, old ^ operand][op] as number;
  task.space.writeU32(address2, changed >>> 0);
  const { futexes } = task.kernel;
  let woken = futexes.wake(key, atLeastOne(count), F.FUTEX_BITSET_MATCH_ANY);
  const holds = [old === against, old !== against, old < against, old <= against, old > against, old >= against];
  if (holds[compare]) woken += futexes.wake(key2, atLeastOne(count2), F.FUTEX_BITSET_MATCH_ANY);
  return woken;
}

export const futexCalls: readonly SyscallDefinition[] = [
  syscall("futex", [ptr, futexOperation, futexValue, futexPointer, futexPointer, futexValue], futex, {
    partial: "no priority inheritance: ENOSYS",
  }),
];
