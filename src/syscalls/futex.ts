/** futex(2), and its successors futex_wait, futex_wake, futex_requeue and futex_waitv. Locks with an owner: futex-pi.ts. */
import { EAGAIN, EINVAL, ENOSYS, ERESTART_RESTARTBLOCK, ERESTARTSYS, ETIMEDOUT, errno } from "../abi/errno.ts";
import * as F from "../abi/futex.ts";
import { CLOCK_MONOTONIC, CLOCK_REALTIME } from "../abi/time.ts";
import type { FutexKey, FutexWaiter } from "../proc/futex.ts";
import { keyOf } from "../proc/futex-key.ts";
import type { Task } from "../proc/task.ts";
import { hostTime } from "../proc/time-namespace.ts";
import { block } from "../proc/wait.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { choice, flags, int, ptr, uint, ulong } from "./args.ts";
import { futexOperation, futexPointer, futexValue } from "./control-args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { lockPi, requeueToLock, tryLockPi, type Until, unlockPi, waitRequeuePi } from "./futex-pi.ts";
import { clock as clockArg, readTimespec } from "./process-args.ts";
import { timespec } from "./time-args.ts";

/** The operations that may be told to take the real-time clock. */
const WITH_CLOCK: ReadonlySet<number> = new Set([F.FUTEX_WAIT_BITSET, F.FUTEX_WAIT_REQUEUE_PI, F.FUTEX_LOCK_PI2]);
/** The operations with a timeout. */
const TIMED: ReadonlySet<number> = new Set([
  F.FUTEX_WAIT,
  F.FUTEX_WAIT_BITSET,
  F.FUTEX_WAIT_REQUEUE_PI,
  F.FUTEX_LOCK_PI,
  F.FUTEX_LOCK_PI2,
]);

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
  const realtime = (op & F.FUTEX_CLOCK_REALTIME) !== 0 || command === F.FUTEX_LOCK_PI;
  const end = TIMED.has(command) ? until(task, timeout, command === F.FUTEX_WAIT, realtime) : NEVER;
  if ((op & F.FUTEX_CLOCK_REALTIME) !== 0 && !WITH_CLOCK.has(command)) throw errno(ENOSYS);
  const { futexes } = task.kernel;
  // The same register is a number where it is no time.
  const val2 = task.argumentInt(3);
  const key = (): FutexKey => keyOf(task, address, shared);
  switch (command) {
    case F.FUTEX_WAIT:
    case F.FUTEX_WAIT_BITSET: {
      const bitset = command === F.FUTEX_WAIT ? F.FUTEX_BITSET_MATCH_ANY : value3 >>> 0;
      if (bitset === 0) throw errno(EINVAL);
      return wait(task, address, shared, value, bitset, end);
    }
    case F.FUTEX_WAKE:
      return woken(futexes.wake(key(), atLeastOne(value), F.FUTEX_BITSET_MATCH_ANY));
    case F.FUTEX_WAKE_BITSET:
      if (value3 === 0) throw errno(EINVAL);
      return woken(futexes.wake(key(), atLeastOne(value), value3 >>> 0));
    case F.FUTEX_REQUEUE:
    case F.FUTEX_CMP_REQUEUE: {
      const compared = command === F.FUTEX_CMP_REQUEUE ? value3 >>> 0 : undefined;
      if ((value | 0) < 0 || val2 < 0) throw errno(EINVAL);
      return requeue(task, key(), keyOf(task, address2, shared), address, value, val2, compared);
    }
    case F.FUTEX_WAKE_OP:
      return wakeOp(task, address, address2, shared, value, val2, value3);
    case F.FUTEX_LOCK_PI:
    case F.FUTEX_LOCK_PI2:
      return lockPi(task, key(), address, end);
    case F.FUTEX_TRYLOCK_PI:
      return tryLockPi(task, key(), address);
    case F.FUTEX_UNLOCK_PI:
      return unlockPi(task, key(), address);
    case F.FUTEX_WAIT_REQUEUE_PI:
      return waitRequeuePi(task, address, address2, shared, value, value3 >>> 0, end);
    case F.FUTEX_CMP_REQUEUE_PI:
      if ((value | 0) !== 1 || val2 < 0) throw errno(EINVAL);
      return requeueToLock(task, key(), keyOf(task, address2, shared), address, val2, value3 >>> 0);
    default:
      throw errno(ENOSYS);
  }
}

function woken(count: number | undefined): number {
  if (count === undefined) throw errno(EINVAL);
  return count;
}

/** Linux wakes one for a count of 0 too. */
function atLeastOne(count: number): number {
  return Math.max(1, count | 0);
}

const NEVER: Until = { deadline: Number.POSITIVE_INFINITY, timeOfDay: false };

function until(task: Task, timeout: number, relative: boolean, realtime: boolean): Until {
  if (timeout === 0) return NEVER;
  const ns = readTimespec(task, timeout);
  const now = task.kernel.now();
  const timeOfDay = realtime && !relative;
  const at = relative
    ? now + ns
    : timeOfDay
      ? ns - (Number(task.kernel.realtime()) - now)
      : hostTime(task, CLOCK_MONOTONIC, ns);
  return { deadline: Math.max(at, 1), timeOfDay };
}

function wait(
  task: Task,
  address: number,
  shared: boolean,
  expected: number,
  bitset: number,
  end: Until,
): SyscallResult {
  const { futexes } = task.kernel;
  const key = keyOf(task, address, shared);
  if (task.space.readU32(address) !== expected >>> 0) return -EAGAIN;
  const queue = new WaitQueue();
  const { priority } = task;
  const waiter: FutexWaiter = { bitset, priority, key, woken: false, wake: () => queue.wake() };
  futexes.add(waiter);
  const gaveUp = (result: number): number => {
    futexes.remove(waiter);
    return result;
  };
  return block(task, queue, () => (waiter.woken ? 0 : -EAGAIN), {
    ...end,
    timedOut: () => gaveUp(-ETIMEDOUT),
    interrupted: () => {
      if (end === NEVER) return gaveUp(-ERESTARTSYS);
      task.restartBlock = (again) => wait(again, address, shared, expected, bitset, end);
      return gaveUp(-ERESTART_RESTARTBLOCK);
    },
  });
}

function requeue(
  task: Task,
  from: FutexKey,
  to: FutexKey,
  address: number,
  wakes: number,
  moves: number,
  compared: number | undefined,
): number {
  const { futexes } = task.kernel;
  if (compared !== undefined && task.space.readU32(address) !== compared) return -EAGAIN;
  const count = wakes === 0 ? 0 : woken(futexes.wake(from, wakes, F.FUTEX_BITSET_MATCH_ANY));
  return count + woken(futexes.requeue(from, to, moves));
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
  if (op > 4) throw errno(ENOSYS);
  task.space.writable(address2, 4);
  const old = task.space.readI32(address2);
  const changed = [operand, old + operand, old | operand, old & ~operand, old ^ operand][op] as number;
  task.space.writeU32(address2, changed >>> 0);
  if (compare > 5) throw errno(ENOSYS);
  const { futexes } = task.kernel;
  let n = woken(futexes.wake(key, atLeastOne(count), F.FUTEX_BITSET_MATCH_ANY));
  const holds = [old === against, old !== against, old < against, old <= against, old > against, old >= against];
  if (holds[compare]) n += woken(futexes.wake(key2, atLeastOne(count2), F.FUTEX_BITSET_MATCH_ANY));
  return n;
}

// --- futex2 ------------------------------------------------------------------------------------------------------------

/** Words of 32 bits, private or not: no other size, and no memory policy. Throws EINVAL. */
function checkFlags(bits: number): boolean {
  if ((bits & ~F.FUTEX_PRIVATE_FLAG) !== F.FUTEX2_SIZE_U32) throw errno(EINVAL);
  return (bits & F.FUTEX_PRIVATE_FLAG) === 0;
}

function wide(value: number): number {
  if (value >= 2 ** 32) throw errno(EINVAL);
  return value;
}

function checkClock(clock: number): boolean {
  if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC) throw errno(EINVAL);
  return clock === CLOCK_REALTIME;
}

interface Vector {
  readonly value: number;
  readonly address: number;
  readonly shared: boolean;
}

const FUTEX_WAITV_MAX = 128;
const WAITV_SIZE = 24;

/** struct futex_waitv: value, address, flags, and 32 bits that are reserved. */
function readVectors(task: Task, address: number, count: number): Vector[] {
  const { space } = task;
  return Array.from({ length: count }, (_, i) => {
    const at = address + WAITV_SIZE * i;
    space.readable(at, WAITV_SIZE);
    const shared = checkFlags(space.readU32(at + 16));
    if (space.readU32(at + 20) !== 0) throw errno(EINVAL);
    return { value: wide(space.readNumber64(at)), address: space.readNumber64(at + 8), shared };
  });
}

function futexWaitv(
  task: Task,
  vectors: number,
  count: number,
  bits: number,
  timeout: number,
  clock: number,
): SyscallResult {
  if (bits !== 0 || count === 0 || count > FUTEX_WAITV_MAX || vectors === 0) throw errno(EINVAL);
  const end = timeout === 0 ? NEVER : until(task, timeout, false, checkClock(clock));
  return waitForAny(task, readVectors(task, vectors, count), end);
}

/** The index of the futex that was woken. */
function waitForAny(task: Task, vectors: readonly Vector[], end: Until): SyscallResult {
  const { futexes } = task.kernel;
  const queue = new WaitQueue();
  const { priority } = task;
  const waiters = vectors.map(
    ({ address, shared }): FutexWaiter => ({
      bitset: F.FUTEX_BITSET_MATCH_ANY,
      priority,
      key: keyOf(task, address, shared),
      woken: false,
      wake: () => queue.wake(),
    }),
  );
  for (const { address, value } of vectors) if (task.space.readU32(address) !== value) return -EAGAIN;
  for (const waiter of waiters) futexes.add(waiter);
  const leave = (result: number): number => {
    for (const waiter of waiters) futexes.remove(waiter);
    return result;
  };
  const answer = (): number => {
    const at = waiters.findLastIndex(({ woken }) => woken);
    return at < 0 ? -EAGAIN : leave(at);
  };
  return block(task, queue, answer, {
    ...end,
    timedOut: () => leave(-ETIMEDOUT),
    interrupted: () => leave(-ERESTARTSYS),
  });
}

function futexWait(
  task: Task,
  address: number,
  value: number,
  mask: number,
  bits: number,
  timeout: number,
  clock: number,
): SyscallResult {
  const shared = checkFlags(bits);
  wide(value);
  if (wide(mask) === 0) throw errno(EINVAL);
  const end = timeout === 0 ? NEVER : until(task, timeout, false, checkClock(clock));
  return wait(task, address, shared, value, mask, end);
}

function futexWake(task: Task, address: number, mask: number, count: number, bits: number): number {
  const shared = checkFlags(bits);
  if (wide(mask) === 0) throw errno(EINVAL);
  const key = keyOf(task, address, shared);
  return count === 0 ? 0 : woken(task.kernel.futexes.wake(key, atLeastOne(count), mask));
}

function futexRequeue(task: Task, vectors: number, bits: number, wakes: number, moves: number): number {
  if (bits !== 0 || vectors === 0) throw errno(EINVAL);
  const [from, to] = readVectors(task, vectors, 2) as [Vector, Vector];
  if (wakes < 0 || moves < 0) throw errno(EINVAL);
  const keys = [from, to].map(({ address, shared }) => keyOf(task, address, shared)) as [FutexKey, FutexKey];
  return requeue(task, keys[0], keys[1], from.address, wakes, moves, from.value);
}

const futex2Flags = flags([
  [F.FUTEX2_SIZE_U32, "FUTEX2_SIZE_U32"],
  [F.FUTEX_PRIVATE_FLAG, "FUTEX2_PRIVATE"],
]);
const waitClock = choice({ [CLOCK_REALTIME]: "CLOCK_REALTIME", [CLOCK_MONOTONIC]: "CLOCK_MONOTONIC" }, "CLOCK_???");

export const futexCalls: readonly SyscallDefinition[] = [
  syscall("futex", [ptr, futexOperation, futexValue, futexPointer, futexPointer, futexValue], futex),
  syscall("futex_waitv", [ptr, uint, uint, timespec, waitClock], futexWaitv),
  syscall("futex_wait", [ptr, ulong, ulong, futex2Flags, timespec, clockArg], futexWait),
  syscall("futex_wake", [ptr, ulong, int, futex2Flags], futexWake),
  syscall("futex_requeue", [ptr, uint, int, int], futexRequeue),
];
