/** Timers that send signals: setitimer(2), alarm(2), timer_create(2). */
import { CAP_WAKE_ALARM } from "../abi/capability.ts";
import { EAGAIN, EFAULT, EINVAL, EOPNOTSUPP, EPERM, errno } from "../abi/errno.ts";
import { NSIG, SIGALRM, SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD_ID } from "../abi/signal.ts";
import * as T from "../abi/time.ts";
import { IntervalTimers, type PosixTimer, type TimerSetting } from "../proc/interval-timers.ts";
import type { Task } from "../proc/task.ts";
import { hostTime } from "../proc/time-namespace.ts";
import { choice, flags, int, uint } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { clock as clockArg, viewOf, writePair } from "./process-args.ts";
import { filledInt } from "./struct-args.ts";
import { filledTimerspec, filledTimerval, signalEvent, timerspec, timerval } from "./time-args.ts";
import { cpuClock } from "./time-clock.ts";

/** struct itimerval (unit 1000 ns) or itimerspec (unit 1): interval, value. */
export function writeSetting(task: Task, address: number, setting: TimerSetting, unit: number): void {
  const view = viewOf(task.space.writable(address, 32));
  const put = (at: number, ns: number): void => {
    const sec = Math.floor(ns / 1e9);
    writePair(view, at, sec, Math.floor((ns - sec * 1e9) / unit));
  };
  put(0, setting.interval);
  put(16, setting.value);
}

export function readSetting(task: Task, address: number, unit: number): TimerSetting {
  const view = viewOf(task.space.readable(address, 32));
  const take = (at: number): number => {
    const sec = Number(view.getBigInt64(at, true));
    const fraction = Number(view.getBigInt64(at + 8, true));
    if (sec < 0 || fraction < 0 || fraction >= 1e9 / unit) throw errno(EINVAL);
    return sec * 1e9 + fraction * unit;
  };
  return { interval: take(0), value: take(16) };
}

function checkWhich(which: number): void {
  if (which < T.ITIMER_REAL || which > T.ITIMER_PROF) throw errno(EINVAL);
}

function setitimer(task: Task, which: number, value: number, old: number): number {
  const setting = value === 0 ? { value: 0, interval: 0 } : readSetting(task, value, 1000);
  checkWhich(which);
  const before = IntervalTimers.of(task.process).set(which, setting);
  if (old !== 0) writeSetting(task, old, before, 1000);
  return 0;
}

function getitimer(task: Task, which: number, address: number): number {
  checkWhich(which);
  const setting = task.process.timers?.get(which) ?? { value: 0, interval: 0 };
  writeSetting(task, address, setting, 1000);
  return 0;
}

function alarm(task: Task, seconds: number): number {
  const before = IntervalTimers.of(task.process).set(T.ITIMER_REAL, { value: seconds * 1e9, interval: 0 });
  // Rounded, but a timer that is armed is never 0 (alarm_setitimer in kernel/time/itimer.c).
  const whole = Math.floor(before.value / 1e9);
  const fraction = before.value - whole * 1e9;
  return (whole === 0 && fraction > 0) || fraction >= 5e8 ? whole + 1 : whole;
}

/** Clocks on which timer_create's timers can be: those that go by themselves. */
const TIMER_CLOCKS = new Set([T.CLOCK_REALTIME, T.CLOCK_MONOTONIC, T.CLOCK_BOOTTIME, T.CLOCK_TAI]);

/** Clocks without timers, alarms (there is no clock that wakes a machine), and no clocks at all. */
function unsupported(task: Task, clock: number): number {
  if (clock === T.CLOCK_REALTIME_ALARM || clock === T.CLOCK_BOOTTIME_ALARM) {
    return task.capable(CAP_WAKE_ALARM) ? EOPNOTSUPP : EPERM;
  }
  const readable = [T.CLOCK_MONOTONIC_RAW, T.CLOCK_REALTIME_COARSE, T.CLOCK_MONOTONIC_COARSE] as number[];
  return readable.includes(clock) ? EOPNOTSUPP : EINVAL;
}

function timerCreate(task: Task, clock: number, event: number, idAddress: number): number {
  const cpu = cpuClock(task, clock);
  if (cpu === undefined && !TIMER_CLOCKS.has(clock)) throw errno(unsupported(task, clock));
  let notify = SIGEV_SIGNAL;
  let signal = SIGALRM;
  let value: bigint | undefined;
  let target: Task | null = null;
  if (event !== 0) {
    const view = viewOf(task.space.readable(event, 64));
    value = view.getBigUint64(0, true);
    signal = view.getInt32(8, true);
    notify = view.getInt32(12, true);
    if ((notify & SIGEV_THREAD_ID) !== 0) {
      target = task.find(view.getInt32(16, true)) ?? null;
      if (target === null || target.process !== task.process) throw errno(EINVAL);
    } else if (notify !== SIGEV_SIGNAL && notify !== SIGEV_NONE) throw errno(EINVAL);
    if (notify !== SIGEV_NONE && (signal < 1 || signal > NSIG)) throw errno(EINVAL);
  }
  if (task.kernel.signals.queueFull(task.process)) throw errno(EAGAIN);
  task.space.writable(idAddress, 4);
  const options = { clock, notify, signal, value, target };
  const timer = IntervalTimers.of(task.process).create(cpu === undefined ? options : { ...options, cpu });
  task.space.writeU32(idAddress, timer.id);
  return 0;
}

function find(task: Task, id: number): PosixTimer {
  const timer = task.process.timers?.find(id);
  if (timer === undefined) throw errno(EINVAL);
  return timer;
}

function timerSettime(task: Task, id: number, bits: number, value: number, old: number): number {
  if (value === 0) throw errno(EINVAL);
  const setting = readSetting(task, value, 1);
  const timer = find(task, id);
  const before = timer.setting;
  const { kernel } = task;
  const now = kernel.now();
  const real = timer.clock === T.CLOCK_REALTIME || timer.clock === T.CLOCK_TAI;
  let deadline: number | undefined;
  if (setting.value > 0) {
    if (timer.used !== undefined) {
      deadline = (bits & T.TIMER_ABSTIME) === 0 ? timer.used() + setting.value : setting.value;
    } else if ((bits & T.TIMER_ABSTIME) === 0) deadline = now + setting.value;
    else {
      deadline = real ? setting.value - (Number(kernel.realtime()) - now) : hostTime(task, timer.clock, setting.value);
    }
  }
  timer.arm(deadline, setting.interval, real && (bits & T.TIMER_ABSTIME) !== 0);
  if (old !== 0) writeSetting(task, old, before, 1);
  return 0;
}

const whichTimer = choice({ 0: "ITIMER_REAL", 1: "ITIMER_VIRTUAL", 2: "ITIMER_PROF" }, "ITIMER_???");

export const timerCalls: readonly SyscallDefinition[] = [
  syscall("setitimer", [whichTimer, timerval, filledTimerval], setitimer),
  syscall("getitimer", [whichTimer, filledTimerval], getitimer),
  syscall("alarm", [uint], alarm),
  syscall("timer_create", [clockArg, signalEvent, filledInt], timerCreate),
  syscall(
    "timer_settime",
    [int, flags([[T.TIMER_ABSTIME, "TIMER_ABSTIME"]]), timerspec, filledTimerspec],
    timerSettime,
  ),
  syscall("timer_gettime", [int, filledTimerspec], (task, id, address) => {
    const { setting } = find(task, id);
    if (address === 0) throw errno(EFAULT);
    writeSetting(task, address, setting, 1);
    return 0;
  }),
  syscall("timer_getoverrun", [int], (task, id) => find(task, id).overrun),
  syscall("timer_delete", [int], (task, id) => {
    find(task, id);
    task.process.timers?.delete(id);
    return 0;
  }),
];
