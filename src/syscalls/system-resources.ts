/** Limits and usage: getrlimit(2), prlimit(2), getrusage(2), getpriority(2). */
import { CAP_SYS_NICE, CAP_SYS_RESOURCE } from "../abi/capability.ts";
import { EACCES, EINVAL, EPERM, ESRCH, errno } from "../abi/errno.ts";
import * as R from "../abi/resource.ts";
import { memoryLimits } from "../proc/exec.ts";
import type { Task } from "../proc/task.ts";
import { type ResourceLimit, type ThreadGroup, Usage } from "../proc/thread-group.ts";
import { choice, int } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { usage } from "./exec-args.ts";
import { pid as pidArg, viewOf, writeUsage } from "./process-args.ts";
import { filledLimits, limits } from "./system-args.ts";

const resource = choice(
  {
    [R.RLIMIT_CPU]: "RLIMIT_CPU",
    [R.RLIMIT_FSIZE]: "RLIMIT_FSIZE",
    [R.RLIMIT_DATA]: "RLIMIT_DATA",
    [R.RLIMIT_STACK]: "RLIMIT_STACK",
    [R.RLIMIT_CORE]: "RLIMIT_CORE",
    [R.RLIMIT_RSS]: "RLIMIT_RSS",
    [R.RLIMIT_NPROC]: "RLIMIT_NPROC",
    [R.RLIMIT_NOFILE]: "RLIMIT_NOFILE",
    [R.RLIMIT_MEMLOCK]: "RLIMIT_MEMLOCK",
    [R.RLIMIT_AS]: "RLIMIT_AS",
    [R.RLIMIT_LOCKS]: "RLIMIT_LOCKS",
    [R.RLIMIT_SIGPENDING]: "RLIMIT_SIGPENDING",
    [R.RLIMIT_MSGQUEUE]: "RLIMIT_MSGQUEUE",
    [R.RLIMIT_NICE]: "RLIMIT_NICE",
    [R.RLIMIT_RTPRIO]: "RLIMIT_RTPRIO",
    [R.RLIMIT_RTTIME]: "RLIMIT_RTTIME",
  },
  "RLIMIT_???",
);

function limitOf(process: ThreadGroup, which: number): ResourceLimit {
  const limit = process.limits[which];
  if (limit === undefined) throw errno(EINVAL);
  return limit;
}

function readLimit(task: Task, address: number): ResourceLimit {
  const value = (at: number): number => {
    const n = task.space.readNumber64(at);
    return n >= 2 ** 63 ? R.RLIM_INFINITY : n;
  };
  task.space.readable(address, 16);
  return { soft: value(address), hard: value(address + 8) };
}

function writeLimit(task: Task, address: number, limit: ResourceLimit): void {
  const view = viewOf(task.space.writable(address, 16));
  const put = (at: number, n: number): void => {
    view.setBigUint64(at, n === R.RLIM_INFINITY ? 0xffff_ffff_ffff_ffffn : BigInt(n), true);
  };
  put(0, limit.soft);
  put(8, limit.hard);
}

/** do_prlimit() */
function setLimit(task: Task, process: ThreadGroup, which: number, wanted: ResourceLimit): void {
  const old = limitOf(process, which);
  if (wanted.soft > wanted.hard) throw errno(EINVAL);
  if (which === R.RLIMIT_NOFILE && wanted.hard > task.kernel.tunables.openFiles) throw errno(EPERM);
  if (wanted.hard > old.hard && !task.capable(CAP_SYS_RESOURCE)) throw errno(EPERM);
  process.limits[which] = wanted;
  for (const other of process.tasks) Object.assign(other.space.limits, memoryLimits(process.limits));
}

function prlimit(task: Task, pid: number, which: number, wanted: number, old: number): number {
  const value = wanted === 0 ? undefined : readLimit(task, wanted);
  const process = pid === 0 ? task.process : task.find(pid)?.process;
  if (process === undefined) throw errno(ESRCH);
  if (process !== task.process && !sameUser(task, process)) throw errno(EPERM);
  const before = limitOf(process, which);
  if (value !== undefined) setLimit(task, process, which, value);
  if (old !== 0) writeLimit(task, old, before);
  return 0;
}

/** check_prlimit_permission() */
function sameUser(task: Task, process: ThreadGroup): boolean {
  if (task.capable(CAP_SYS_RESOURCE)) return true;
  const { uid, gid } = task.credentials;
  const target = process.leader.credentials;
  return (
    uid === target.euid &&
    uid === target.suid &&
    uid === target.uid &&
    gid === target.egid &&
    gid === target.sgid &&
    gid === target.gid
  );
}

function getrusage(task: Task, who: number, address: number): number {
  const usage = new Usage();
  const { process } = task;
  const { scheduler } = task.kernel;
  switch (who) {
    case R.RUSAGE_SELF:
      usage.add(process.usage);
      for (const other of process.tasks) usage.add(other.usage);
      usage.utime += scheduler.turnTime(process.tasks);
      break;
    case R.RUSAGE_THREAD:
      usage.add(task.usage);
      usage.utime += scheduler.turnTime(new Set([task]));
      break;
    case R.RUSAGE_CHILDREN:
      usage.add(process.childUsage);
      break;
    default:
      throw errno(EINVAL);
  }
  if (who !== R.RUSAGE_CHILDREN) usage.maxRss = Math.max(usage.maxRss, task.space.peakPresent * 4);
  writeUsage(task, address, usage);
  return 0;
}

function tasksOf(task: Task, which: number, who: number): Task[] {
  const { kernel } = task;
  const all = [...kernel.tasks.values()];
  switch (which) {
    case R.PRIO_PROCESS: {
      const target = who === 0 ? task : task.find(who);
      return target === undefined ? [] : [target];
    }
    case R.PRIO_PGRP: {
      const id = who === 0 ? task.process.group.id : task.process.pids.id(who);
      return all.filter((t) => t.process.group.id === id);
    }
    case R.PRIO_USER: {
      const uid = who === 0 ? task.credentials.uid : task.credentials.toUser(who);
      return all.filter((t) => t.credentials.uid === uid);
    }
    default:
      throw errno(EINVAL);
  }
}

/** 20 - nice, 1..40, so that it is never negative; the C library turns it back. */
function getpriority(task: Task, which: number, who: number): number {
  const tasks = tasksOf(task, which, who);
  if (tasks.length === 0) throw errno(ESRCH);
  return 20 - Math.min(...tasks.map((t) => t.nice));
}

function setpriority(task: Task, which: number, who: number, value: number): number {
  const nice = Math.max(-20, Math.min(19, value));
  const tasks = tasksOf(task, which, who);
  // Init takes no harm, but must not seem to be missing.
  if (tasks.length === 0) throw errno(ESRCH);
  let failure = 0;
  for (const target of tasks) {
    const { euid, uid } = task.credentials;
    const theirs = target.credentials;
    if (euid !== theirs.uid && euid !== theirs.euid && uid !== theirs.uid && !task.capable(CAP_SYS_NICE)) {
      failure = -EPERM;
    } else if (nice < target.nice && 20 - nice > task.limit(R.RLIMIT_NICE) && !task.capable(CAP_SYS_NICE)) {
      failure = -EACCES;
    } else target.nice = nice;
  }
  return failure;
}

const who = choice({ 0: "RUSAGE_SELF", [-1 >>> 0]: "RUSAGE_CHILDREN", 1: "RUSAGE_THREAD" }, "RUSAGE_???");
const priorityWhich = choice({ 0: "PRIO_PROCESS", 1: "PRIO_PGRP", 2: "PRIO_USER" }, "PRIO_???");

export const resourceCalls: readonly SyscallDefinition[] = [
  syscall("getrlimit", [resource, filledLimits], (task, which, address) => {
    writeLimit(task, address, limitOf(task.process, which));
    return 0;
  }),
  syscall("setrlimit", [resource, limits], (task, which, address) => {
    setLimit(task, task.process, which, readLimit(task, address));
    return 0;
  }),
  syscall("prlimit64", [pidArg, resource, limits, filledLimits], prlimit),
  syscall("getrusage", [{ ...who, kind: "i32", print: (v, c) => who.print(v >>> 0, c) }, usage(0)], getrusage),
  syscall("getpriority", [priorityWhich, int], getpriority),
  syscall("setpriority", [priorityWhich, int, int], setpriority),
];
