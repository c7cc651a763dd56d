/** eventfd(2), timerfd_create(2), signalfd(2): descriptors for events. */
import { CAP_WAKE_ALARM } from "../abi/capability.ts";
import { EBADF, EINVAL, EPERM, errno } from "../abi/errno.ts";
import * as E from "../abi/eventpoll.ts";
import { O_NONBLOCK, O_RDWR } from "../abi/fcntl.ts";
import * as T from "../abi/time.ts";
import { SignalFile } from "../proc/signalfd.ts";
import type { Task } from "../proc/task.ts";
import { hostTime } from "../proc/time-namespace.ts";
import { TimerFile } from "../proc/timerfd.ts";
import { EventFile } from "../vfs/eventfd.ts";
import type { Inode } from "../vfs/types.ts";
import { fd, flags, long, uint } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { fdLimit, ownerOf } from "./file-util.ts";
import { clock, readSignalSet } from "./process-args.ts";
import { signalSet } from "./signal-args.ts";
import { filledTimerspec, timerspec } from "./time-args.ts";
import { readSetting, writeSetting } from "./time-timers.ts";

function anonymousInode(task: Task): Inode {
  return task.fs.mounts.special.anonfs.inode(0o600, ownerOf(task));
}

function eventfd2(task: Task, initial: number, bits: number): number {
  if (bits & ~(E.EFD_SEMAPHORE | E.EFD_NONBLOCK | E.EFD_CLOEXEC)) return -EINVAL;
  const file = new EventFile(
    anonymousInode(task),
    O_RDWR | (bits & O_NONBLOCK),
    initial,
    (bits & E.EFD_SEMAPHORE) !== 0,
  );
  return task.files.add(file, (bits & E.EFD_CLOEXEC) !== 0, fdLimit(task));
}

const TIMER_CLOCKS: readonly number[] = [
  T.CLOCK_REALTIME,
  T.CLOCK_MONOTONIC,
  T.CLOCK_BOOTTIME,
  T.CLOCK_REALTIME_ALARM,
  T.CLOCK_BOOTTIME_ALARM,
];

function timerfdCreate(task: Task, clockId: number, bits: number): number {
  if (bits & ~(E.TFD_NONBLOCK | E.TFD_CLOEXEC) || !TIMER_CLOCKS.includes(clockId)) return -EINVAL;
  if ((clockId === T.CLOCK_REALTIME_ALARM || clockId === T.CLOCK_BOOTTIME_ALARM) && !task.capable(CAP_WAKE_ALARM))
    return -EPERM;
  const file = new TimerFile(task.kernel, clockId, anonymousInode(task), O_RDWR | (bits & O_NONBLOCK));
  return task.files.add(file, (bits & E.TFD_CLOEXEC) !== 0, fdLimit(task));
}

function timerFile(task: Task, number: number): TimerFile {
  const file = task.files.get(number);
  if (!(file instanceof TimerFile)) throw errno(EINVAL);
  return file;
}

function timerfdSettime(task: Task, number: number, bits: number, value: number, old: number): number {
  const setting = readSetting(task, value, 1);
  if (bits & ~(E.TFD_TIMER_ABSTIME | E.TFD_TIMER_CANCEL_ON_SET)) return -EINVAL;
  const timer = timerFile(task, number);
  const absolute = (bits & E.TFD_TIMER_ABSTIME) !== 0 && setting.value > 0;
  const at = absolute ? hostTime(task, timer.clock, setting.value) : setting.value;
  const before = timer.set({ ...setting, value: at }, bits);
  if (old !== 0) writeSetting(task, old, before, 1);
  return 0;
}

function timerfdGettime(task: Task, number: number, address: number): number {
  writeSetting(task, address, timerFile(task, number).get(), 1);
  return 0;
}

function signalfd4(task: Task, number: number, address: number, size: number, bits: number): number {
  if (bits & ~(E.SFD_NONBLOCK | E.SFD_CLOEXEC)) return -EINVAL;
  const mask = readSignalSet(task, address, size);
  if (number === -1) {
    const file = new SignalFile(task.kernel, mask, anonymousInode(task), O_RDWR | (bits & O_NONBLOCK));
    return task.files.add(file, (bits & E.SFD_CLOEXEC) !== 0, fdLimit(task));
  }
  const file = task.files.peek(number);
  if (file === undefined) return -EBADF;
  if (!(file instanceof SignalFile)) return -EINVAL;
  file.setMask(mask);
  return number;
}

const eventFlags = flags([
  [E.EFD_SEMAPHORE, "EFD_SEMAPHORE"],
  [E.EFD_CLOEXEC, "EFD_CLOEXEC"],
  [E.EFD_NONBLOCK, "EFD_NONBLOCK"],
]);
const timerFlags = flags([
  [E.TFD_CLOEXEC, "TFD_CLOEXEC"],
  [E.TFD_NONBLOCK, "TFD_NONBLOCK"],
]);
const setFlags = flags([
  [E.TFD_TIMER_ABSTIME, "TFD_TIMER_ABSTIME"],
  [E.TFD_TIMER_CANCEL_ON_SET, "TFD_TIMER_CANCEL_ON_SET"],
]);
const signalFlags = flags([
  [E.SFD_CLOEXEC, "SFD_CLOEXEC"],
  [E.SFD_NONBLOCK, "SFD_NONBLOCK"],
]);

export const eventFileCalls: readonly SyscallDefinition[] = [
  syscall("eventfd", [uint], (task, initial) => eventfd2(task, initial, 0)),
  syscall("eventfd2", [uint, eventFlags], eventfd2),
  syscall("timerfd_create", [clock, timerFlags], timerfdCreate),
  syscall("timerfd_settime", [fd, setFlags, timerspec, filledTimerspec], timerfdSettime),
  syscall("timerfd_gettime", [fd, filledTimerspec], timerfdGettime),
  syscall("signalfd", [fd, signalSet(2), long], (task, number, mask, size) => signalfd4(task, number, mask, size, 0)),
  syscall("signalfd4", [fd, signalSet(2), long, signalFlags], signalfd4),
];
