/** Process, group and session ids: getpid(2), setpgid(2), setsid(2), set_tid_address(2). */
import { EACCES, EINVAL, EPERM, ESRCH, errno } from "../abi/errno.ts";
import { Session } from "../proc/session.ts";
import type { Task } from "../proc/task.ts";
import type { ThreadGroup } from "../proc/thread-group.ts";
import { ptr } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { pid as pidArg } from "./process-args.ts";

/** The process of a task id, or the caller's for 0. */
function processOf(task: Task, id: number): ThreadGroup {
  if (id === 0) return task.process;
  const found = task.find(id);
  if (found === undefined) throw errno(ESRCH);
  return found.process;
}

function setpgid(task: Task, pid: number, group: number): number {
  const { kernel, process } = task;
  if (group < 0 || (group === 0 && pid < 0)) throw errno(EINVAL);
  const target = pid === 0 ? process.leader : task.find(pid);
  if (target === undefined) throw errno(ESRCH);
  if (target !== target.process.leader) throw errno(EINVAL);
  const subject = target.process;
  const groupId = group === 0 ? subject.pid : process.pids.id(group);
  if (subject.parent === process) {
    if (subject.group.session !== process.group.session) throw errno(EPERM);
    if (subject.hasExecuted) throw errno(EACCES);
  } else if (subject !== process) throw errno(ESRCH);
  const { session } = subject.group;
  if (session.leader === subject) throw errno(EPERM);
  if (groupId !== subject.pid) {
    const existing = kernel.groups.get(groupId);
    if (existing === undefined || existing.session !== process.group.session) throw errno(EPERM);
  }
  kernel.setGroup(subject, groupId, session);
  return 0;
}

function setsid(task: Task): number {
  const { kernel, process } = task;
  const { pid } = process;
  if (process.group.session.leader === process || kernel.groups.has(pid)) throw errno(EPERM);
  const session = new Session(pid);
  session.leader = process;
  kernel.sessions.set(pid, session);
  kernel.setGroup(process, pid, session);
  return task.numberOf(pid);
}

export const processIdCalls: readonly SyscallDefinition[] = [
  syscall("getpid", [], (task) => task.numberOf(task.pid)),
  syscall("getppid", [], (task) => task.numberOf(task.process.parent?.pid ?? 0)),
  syscall("gettid", [], (task) => task.number),
  syscall("set_tid_address", [ptr], (task, address) => {
    task.clearChildTid = address;
    return task.number;
  }),
  syscall("getpgrp", [], (task) => task.numberOf(task.process.group.id)),
  syscall("getpgid", [pidArg], (task, id) => task.numberOf(processOf(task, id).group.id)),
  syscall("setpgid", [pidArg, pidArg], setpgid),
  syscall("getsid", [pidArg], (task, id) => task.numberOf(processOf(task, id).group.session.id)),
  syscall("setsid", [], setsid),
];
