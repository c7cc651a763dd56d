/** System V semaphores: semget(2), semop(2), semctl(2). */
import { E2BIG, EAGAIN, EFBIG, EIDRM, EINTR, EINVAL, ENOSPC, ERANGE, errno } from "../abi/errno.ts";
import * as S from "../abi/sysv-ipc.ts";
import { type PendingOperations, type SemaphoreOperation, SemaphoreSet } from "../proc/sysv-sem.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { int, size } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { ipcGetFlags, ipcKey, semaphoreCommand, semaphoreControl, semaphoreOperations } from "./ipc-args.ts";
import { readTimespec, viewOf } from "./process-args.ts";
import { put64, seconds, setPermissions, structure, writePermissions } from "./sysv-perm.ts";
import { timespec } from "./time-args.ts";

function semget(task: Task, key: number, count: number, flags: number): number {
  const { kernel, credentials } = task;
  const [perSet, all] = task.ipc.limits.semaphores;
  if (count < 0 || count > perSet) throw errno(EINVAL);
  const make = (): SemaphoreSet => {
    if (count === 0) throw errno(EINVAL);
    let total = count;
    for (const set of task.ipc.sysv.sets) total += set.semaphores.length;
    if (total > all) throw errno(ENOSPC);
    return new SemaphoreSet(key, flags, credentials, seconds(kernel), count);
  };
  return task.ipc.sysv.sets.find(key, flags, credentials, make, (existing) => {
    if (count > existing.semaphores.length) throw errno(EINVAL);
  }).id;
}

function readOperations(task: Task, address: number, count: number): SemaphoreOperation[] {
  const view = viewOf(task.space.readable(address, count * 6));
  return Array.from({ length: count }, (_, i) => ({
    number: view.getUint16(6 * i, true),
    change: view.getInt16(6 * i + 2, true),
    flags: view.getUint16(6 * i + 4, true),
  }));
}

function semtimedop(task: Task, id: number, address: number, count: number, timeout: number): SyscallResult {
  if (count < 1 || id < 0) throw errno(EINVAL);
  if (count > task.ipc.limits.semaphores[2]) throw errno(E2BIG);
  const { kernel, process } = task;
  const operations = readOperations(task, address, count);
  const deadline = timeout === 0 ? Number.POSITIVE_INFINITY : kernel.now() + readTimespec(task, timeout);
  const set = task.ipc.sysv.sets.get(id);
  if (operations.some((o) => o.number >= set.semaphores.length)) throw errno(EFBIG);
  set.check(task.credentials, operations.some((o) => o.change !== 0) ? 0o222 : 0o444);
  const first = set.operate(operations, process, seconds(kernel));
  if (first === 0) set.update(seconds(kernel));
  if (first !== -EAGAIN) return first;
  const blocker = set.blocker as SemaphoreOperation;
  if (blocker.flags & S.IPC_NOWAIT) return -EAGAIN;
  // Counted for GETNCNT and GETZCNT at the operation that made it wait first.
  const counted = set.semaphores[blocker.number];
  const kind = blocker.change === 0 ? "zeroes" : "growers";
  if (counted !== undefined) counted[kind]++;
  const queue = new WaitQueue();
  const waiter: PendingOperations = { operations, process, result: undefined, wake: () => queue.wake() };
  set.pending.add(waiter);
  return block(task, queue, () => waiter.result ?? -EAGAIN, {
    tried: true,
    deadline: Math.max(deadline, 1),
    timedOut: -EAGAIN,
    interrupted: -EINTR,
    done: () => {
      set.pending.delete(waiter);
      if (counted !== undefined) counted[kind]--;
    },
  });
}

function semctl(task: Task, id: number, number: number, command: number, argument: number): number {
  const { kernel, space, credentials } = task;
  const { sets } = task.ipc.sysv;
  if (id < 0) throw errno(EINVAL);
  switch (command) {
    case S.IPC_INFO:
    case S.SEM_INFO: {
      const { bytes, view } = structure(40);
      const used = [...sets];
      const info = command === S.SEM_INFO;
      const semaphores = used.reduce((n, set) => n + set.semaphores.length, 0);
      const [perSet, all, operations, most] = task.ipc.limits.semaphores;
      const fields = [all, most, all, all, perSet, operations, operations];
      [...fields, info ? used.length : 20, S.SEMVMX, info ? semaphores : S.SEMVMX].forEach((v, i) => {
        view.setInt32(4 * i, v, true);
      });
      space.copyOut(argument, bytes);
      return sets.highestIndex;
    }
    case S.IPC_STAT:
    case S.SEM_STAT:
    case S.SEM_STAT_ANY: {
      const set = command === S.IPC_STAT ? sets.get(id) : sets.at(id);
      if (command !== S.SEM_STAT_ANY) set.check(credentials, 0o444);
      const gap = task.arch.layouts.semaphoreTimeGap;
      const { bytes, view } = structure(88 + 2 * gap);
      writePermissions(task, view, set);
      put64(view, 48, set.operated);
      put64(view, 56 + gap, set.changed);
      put64(view, 64 + 2 * gap, set.semaphores.length);
      space.copyOut(argument, bytes);
      return command === S.IPC_STAT ? 0 : set.id;
    }
    case S.IPC_SET: {
      space.readable(argument, 48);
      const set = sets.get(id);
      set.checkOwner(credentials);
      setPermissions(task, set, argument);
      return 0;
    }
    case S.IPC_RMID: {
      const set = sets.get(id);
      set.checkOwner(credentials);
      sets.remove(set);
      set.abort(-EIDRM);
      return 0;
    }
    case S.GETALL: {
      const set = sets.get(id);
      set.check(credentials, 0o444);
      const view = viewOf(space.writable(argument, 2 * set.semaphores.length));
      set.semaphores.forEach((s, i) => {
        view.setUint16(2 * i, s.value, true);
      });
      return 0;
    }
    case S.SETALL: {
      const set = sets.get(id);
      set.check(credentials, 0o222);
      const view = viewOf(space.readable(argument, 2 * set.semaphores.length));
      const values = set.semaphores.map((_, i) => view.getUint16(2 * i, true));
      if (values.some((v) => v > S.SEMVMX)) throw errno(ERANGE);
      values.forEach((value, i) => {
        set.assign(i, value, task.pid);
      });
      set.changed = seconds(kernel);
      set.update(seconds(kernel));
      return 0;
    }
    default:
      return onSemaphore(task, id, number, command, task.argumentInt(3));
  }
}

/** The commands about one semaphore of a set. */
function onSemaphore(task: Task, id: number, number: number, command: number, value: number): number {
  if (command < S.GETPID || command > S.SETVAL) throw errno(EINVAL);
  const set = task.ipc.sysv.sets.get(id);
  set.check(task.credentials, command === S.SETVAL ? 0o222 : 0o444);
  const semaphore = set.semaphores[number];
  if (semaphore === undefined) throw errno(EINVAL);
  switch (command) {
    case S.GETPID:
      return task.numberOf(semaphore.lastPid);
    case S.GETVAL:
      return semaphore.value;
    case S.GETNCNT:
      return semaphore.growers;
    case S.GETZCNT:
      return semaphore.zeroes;
    default:
      if (value < 0 || value > S.SEMVMX) throw errno(ERANGE);
      set.assign(number, value, task.pid);
      set.changed = seconds(task.kernel);
      set.update(seconds(task.kernel));
      return 0;
  }
}

export const semaphoreCalls: readonly SyscallDefinition[] = [
  syscall("semget", [ipcKey, int, ipcGetFlags], semget),
  syscall("semop", [int, semaphoreOperations, size], (task, id, address, count) =>
    semtimedop(task, id, address, count, 0),
  ),
  syscall("semtimedop", [int, semaphoreOperations, size, timespec], semtimedop),
  syscall("semctl", [int, int, semaphoreCommand, semaphoreControl], semctl),
];
