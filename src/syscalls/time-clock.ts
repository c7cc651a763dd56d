/** Clocks and sleeping: clock_gettime(2), gettimeofday(2), time(2), nanosleep(2), clock_nanosleep(2). */
import { CAP_SYS_TIME } from "../abi/capability.ts";
import { EAGAIN, EINVAL, EOPNOTSUPP, EPERM, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, errno } from "../abi/errno.ts";
import * as T from "../abi/time.ts";
import { IntervalTimers } from "../proc/interval-timers.ts";
import type { Task } from "../proc/task.ts";
import { type ThreadGroup, Usage } from "../proc/thread-group.ts";
import { clockOffset, hostTime } from "../proc/time-namespace.ts";
import { block } from "../proc/wait.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { flags } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { clock as clockArg, readTimespec, storePair, viewOf, writeTimespec } from "./process-args.ts";
import {
  filledSeconds,
  filledTimes,
  filledTimespec,
  filledTimeval,
  filledTimezone,
  printSeconds,
  remainder,
  timespec,
  timeval,
  timezone,
} from "./time-args.ts";

/** CPU clocks of other tasks: ~id << 3 | kind (posix-timers.h). */
const CPUCLOCK_PERTHREAD = 4;

/** A clock in nanoseconds, where a double is exact enough; undefined for the real-time ones. */
function readClock(task: Task, id: number): number | undefined {
  const { kernel } = task;
  switch (id) {
    case T.CLOCK_REALTIME:
    case T.CLOCK_REALTIME_COARSE:
    case T.CLOCK_REALTIME_ALARM:
    case T.CLOCK_TAI:
      return undefined;
    case T.CLOCK_MONOTONIC:
    case T.CLOCK_MONOTONIC_RAW:
    case T.CLOCK_MONOTONIC_COARSE:
    case T.CLOCK_BOOTTIME:
    case T.CLOCK_BOOTTIME_ALARM:
      return kernel.now() + clockOffset(task, id);
    case T.CLOCK_PROCESS_CPUTIME_ID:
      return processTime(task, 0);
    case T.CLOCK_THREAD_CPUTIME_ID:
      return threadTime(task, 0);
    default:
      if (id >= 0 || (id & 3) === 3) throw errno(EINVAL);
      return (id & CPUCLOCK_PERTHREAD) !== 0 ? threadTime(task, ~(id >> 3)) : processTime(task, ~(id >> 3));
  }
}

function processTime(task: Task, pid: number): number {
  const process = pid === 0 ? task.process : task.findProcess(pid);
  if (process === undefined) throw errno(EINVAL);
  const { utime, stime } = process.times();
  return utime + stime + task.kernel.scheduler.turnTime(process.tasks);
}

function threadTime(task: Task, tid: number): number {
  const thread = tid === 0 ? task : task.find(tid);
  if (thread === undefined || thread.process !== task.process) throw errno(EINVAL);
  return thread.usage.utime + thread.usage.stime + task.kernel.scheduler.turnTime(new Set([thread]));
}

/** Whose time a CPU-time clock tells; undefined if the clock is none. EINVAL if there is nobody. */
export function cpuClock(
  task: Task,
  id: number,
): { readonly process: ThreadGroup; readonly used: () => number } | undefined {
  if (id >= 0 && id !== T.CLOCK_PROCESS_CPUTIME_ID && id !== T.CLOCK_THREAD_CPUTIME_ID) return undefined;
  readClock(task, id);
  const { kernel } = task;
  const encoded = ~(id >> 3);
  const perThread = id === T.CLOCK_THREAD_CPUTIME_ID || (id < 0 && (id & CPUCLOCK_PERTHREAD) !== 0);
  if (perThread) {
    const thread = id >= 0 || encoded === 0 ? task : (task.find(encoded) as Task);
    const used = (): number => thread.usage.utime + thread.usage.stime + kernel.scheduler.turnTime(new Set([thread]));
    return { process: thread.process, used };
  }
  const process = id >= 0 || encoded === 0 ? task.process : (task.findProcess(encoded) as ThreadGroup);
  return {
    process,
    used: () => {
      const { utime, stime } = process.times();
      return utime + stime + kernel.scheduler.turnTime(process.tasks);
    },
  };
}

function storeRealtime(task: Task, address: number, unit: number): void {
  const now = task.kernel.realtime();
  const sec = Number(now / 1_000_000_000n);
  storePair(task, address, sec, Math.floor(Number(now % 1_000_000_000n) / unit));
}

function clockGettime(task: Task, id: number, address: number): number {
  const ns = readClock(task, id);
  if (ns === undefined) storeRealtime(task, address, 1);
  else writeTimespec(task, address, ns);
  return 0;
}

function clockGetres(task: Task, id: number, address: number): number {
  readClock(task, id);
  // The coarse clocks tick with USER_HZ's companion CONFIG_HZ, 250 as distributions set it.
  const coarse = id === T.CLOCK_REALTIME_COARSE || id === T.CLOCK_MONOTONIC_COARSE;
  if (address !== 0) writeTimespec(task, address, coarse ? 4_000_000 : 1);
  return 0;
}

function clockSettime(task: Task, id: number, address: number): number {
  if (id !== T.CLOCK_REALTIME) {
    // Processor time by its pid cannot be set (posix_cpu_clock_set), the other clocks have no such operation.
    const cpu = cpuClock(task, id);
    if (cpu === undefined) readClock(task, id);
    readTimespec(task, address);
    throw errno(id >= 0 ? EINVAL : EPERM);
  }
  const view = viewOf(task.space.readable(address, 16));
  return setRealtime(task, view.getBigInt64(0, true), view.getBigInt64(8, true));
}

/** KTIME_SEC_MAX less the thirty years that a machine may yet be running: timespec64_valid_settod(). */
const MOST_SECONDS = 9_223_372_036n - 946_080_000n;

/** do_sys_settimeofday64() */
function setRealtime(task: Task, seconds: bigint, nanoseconds: bigint): number {
  if (seconds < 0n || seconds >= MOST_SECONDS || nanoseconds < 0n || nanoseconds >= 1_000_000_000n) throw errno(EINVAL);
  if (!task.capable(CAP_SYS_TIME)) throw errno(EPERM);
  const to = seconds * 1_000_000_000n + nanoseconds;
  // The machine cannot have been started before 1970.
  if (to < BigInt(Math.round(task.kernel.now()))) throw errno(EINVAL);
  if (!task.kernel.setRealtime(to)) throw errno(EPERM);
  return 0;
}

function gettimeofday(task: Task, time: number, zone: number): number {
  if (time !== 0) storeRealtime(task, time, 1000);
  if (zone !== 0) task.space.writable(zone, 8).fill(0);
  return 0;
}

function settimeofday(task: Task, time: number, zone: number): number {
  const view = time === 0 ? undefined : viewOf(task.space.readable(time, 16));
  if (view !== undefined) {
    const usec = view.getBigInt64(8, true);
    if (usec < 0n || usec > 1_000_000n) throw errno(EINVAL);
  }
  if (zone !== 0) {
    const west = task.space.readI32(zone);
    if (!task.capable(CAP_SYS_TIME)) throw errno(EPERM);
    if (west > 15 * 60 || west < -15 * 60) throw errno(EINVAL);
    task.space.readI32(zone + 4);
  }
  if (view !== undefined) return setRealtime(task, view.getBigInt64(0, true), view.getBigInt64(8, true) * 1000n);
  return zone === 0 && !task.capable(CAP_SYS_TIME) ? -EPERM : 0;
}

function time(task: Task, address: number): number {
  const sec = Number(task.kernel.realtime() / 1_000_000_000n);
  if (address !== 0) task.space.writeNumber64(address, sec);
  return sec;
}

/** Sleeps until `deadline`; a signal leaves the rest in `remaining` and a restart block that goes on. */
function sleepUntil(task: Task, deadline: number, remaining: number): SyscallResult {
  return block(task, undefined, () => -EAGAIN, {
    deadline,
    timedOut: 0,
    interrupted: () => {
      const rest = deadline - task.kernel.now();
      if (rest <= 0) return 0;
      if (remaining !== 0) writeTimespec(task, remaining, rest);
      task.restartBlock = (again) => sleepUntil(again, deadline, remaining);
      return -ERESTART_RESTARTBLOCK;
    },
  });
}

/** Until a process has used so much CPU time. */
function sleepOnCpu(
  task: Task,
  cpu: NonNullable<ReturnType<typeof cpuClock>>,
  at: number,
  absolute: boolean,
  remaining: number,
): SyscallResult {
  if (cpu.used() >= at) return 0;
  const queue = new WaitQueue();
  const cancel = IntervalTimers.of(cpu.process).whenUsed(cpu.used, at, () => queue.wake());
  return block(task, queue, () => (cpu.used() >= at ? 0 : -EAGAIN), {
    done: cancel,
    interrupted: () => {
      if (absolute) return -ERESTARTNOHAND;
      if (remaining !== 0) writeTimespec(task, remaining, Math.max(0, at - cpu.used()));
      task.restartBlock = (again) => sleepOnCpu(again, cpu, at, false, remaining);
      return -ERESTART_RESTARTBLOCK;
    },
  });
}

function nanosleep(task: Task, request: number, remaining: number): SyscallResult {
  const ns = readTimespec(task, request);
  return sleepUntil(task, task.kernel.now() + ns, remaining);
}

function clockNanosleep(task: Task, id: number, bits: number, request: number, remaining: number): SyscallResult {
  const isReal = id === T.CLOCK_REALTIME || id === T.CLOCK_TAI;
  const isMonotonic = id === T.CLOCK_MONOTONIC || id === T.CLOCK_BOOTTIME;
  if (!isReal && !isMonotonic) {
    if (id === T.CLOCK_THREAD_CPUTIME_ID) throw errno(EOPNOTSUPP);
    const cpu = cpuClock(task, id);
    // Clocks that have no timers.
    if (cpu === undefined) readClock(task, id);
    if (cpu === undefined) throw errno(EOPNOTSUPP);
    // A thread would wait for its own work (posix_cpu_nsleep).
    if (id < 0 && (id & CPUCLOCK_PERTHREAD) !== 0 && (~(id >> 3) === 0 || ~(id >> 3) === task.number))
      throw errno(EINVAL);
    const ns = readTimespec(task, request);
    const at = (bits & T.TIMER_ABSTIME) !== 0 ? ns : cpu.used() + ns;
    return sleepOnCpu(task, cpu, at, (bits & T.TIMER_ABSTIME) !== 0, remaining);
  }
  const { kernel } = task;
  const ns = readTimespec(task, request);
  if ((bits & T.TIMER_ABSTIME) === 0) return sleepUntil(task, kernel.now() + ns, remaining);
  const offset = isReal ? Number(kernel.realtime()) - kernel.now() : 0;
  return block(task, undefined, () => -EAGAIN, {
    deadline: isReal ? ns - offset : hostTime(task, id, ns),
    timeOfDay: isReal,
    timedOut: 0,
    interrupted: -ERESTARTNOHAND,
  });
}

function times(task: Task, address: number): number {
  const { process, kernel } = task;
  const ticks = (ns: number): number => Math.floor((ns * T.USER_HZ) / T.NS_PER_SEC);
  if (address !== 0) {
    const own = new Usage();
    own.add(process.usage);
    for (const other of process.tasks) own.add(other.usage);
    task.space.writable(address, 32);
    task.space.writeNumber64(address, ticks(own.utime));
    task.space.writeNumber64(address + 8, ticks(own.stime));
    task.space.writeNumber64(address + 16, ticks(process.childUsage.utime));
    task.space.writeNumber64(address + 24, ticks(process.childUsage.stime));
  }
  return ticks(kernel.now());
}

const absolute = flags([[T.TIMER_ABSTIME, "TIMER_ABSTIME"]]);

export const clockCalls: readonly SyscallDefinition[] = [
  syscall("clock_gettime", [clockArg, filledTimespec], clockGettime),
  syscall("clock_getres", [clockArg, filledTimespec], clockGetres),
  syscall("clock_settime", [clockArg, timespec], clockSettime),
  syscall("gettimeofday", [filledTimeval, filledTimezone], gettimeofday),
  syscall("settimeofday", [timeval, timezone], settimeofday, { partial: "the time zone of the kernel is not kept" }),
  syscall("time", [filledSeconds], time, { printResult: printSeconds }),
  syscall("nanosleep", [timespec, remainder(undefined)], nanosleep),
  syscall("clock_nanosleep", [clockArg, absolute, timespec, remainder(1)], clockNanosleep),
  syscall("times", [filledTimes], times),
];
