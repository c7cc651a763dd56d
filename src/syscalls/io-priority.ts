/** ioprio_set(2) and ioprio_get(2): remembered, and without effect, since no device is waited for. */
import { CAP_SYS_ADMIN, CAP_SYS_NICE } from "../abi/capability.ts";
import { EINVAL, EPERM, ESRCH, errno } from "../abi/errno.ts";
import type { Task } from "../proc/task.ts";
import { choice, int } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";

const IOPRIO_WHO_PROCESS = 1;
const IOPRIO_WHO_PGRP = 2;
const IOPRIO_WHO_USER = 3;
const CLASS_SHIFT = 13;
const CLASS_NONE = 0;
const CLASS_RT = 1;
const CLASS_BE = 2;
const CLASS_IDLE = 3;
const LEVELS = 8;

function tasksOf(task: Task, which: number, who: number): Task[] {
  const all = [...task.kernel.tasks.values()];
  switch (which) {
    case IOPRIO_WHO_PROCESS:
      return all.filter((t) => t === (who === 0 ? task : task.find(who)));
    case IOPRIO_WHO_PGRP: {
      const id = who === 0 ? task.process.group.id : task.process.pids.id(who);
      return all.filter((t) => t.process.group.id === id);
    }
    case IOPRIO_WHO_USER: {
      const uid = who === 0 ? task.credentials.uid : task.credentials.toUser(who);
      return all.filter((t) => t.credentials.uid === uid);
    }
    default:
      throw errno(EINVAL);
  }
}

function ioprioSet(task: Task, which: number, who: number, priority: number): number {
  const level = priority & (LEVELS - 1);
  switch (priority >> CLASS_SHIFT) {
    case CLASS_RT:
      if (!task.capable(CAP_SYS_NICE) && !task.capable(CAP_SYS_ADMIN)) throw errno(EPERM);
      break;
    case CLASS_BE:
    case CLASS_IDLE:
      break;
    case CLASS_NONE:
      if (level !== 0) throw errno(EINVAL);
      break;
    default:
      throw errno(EINVAL);
  }
  const targets = tasksOf(task, which, who);
  if (targets.length === 0) throw errno(ESRCH);
  const { euid, uid } = task.credentials;
  for (const target of targets) {
    const owner = target.credentials.uid;
    if (owner !== euid && owner !== uid && !task.capable(CAP_SYS_NICE)) throw errno(EPERM);
    target.ioPriority = priority;
  }
  return 0;
}

/** The best of those asked for; a class that is set is better than none. */
function ioprioGet(task: Task, which: number, who: number): number {
  const targets = tasksOf(task, which, who);
  if (targets.length === 0) throw errno(ESRCH);
  const rank = (p: number): number => (p >> CLASS_SHIFT === CLASS_NONE ? Number.MAX_SAFE_INTEGER : p);
  return targets.map((t) => t.ioPriority).reduce((a, b) => (rank(b) < rank(a) ? b : a));
}

const which = choice(
  {
    [IOPRIO_WHO_PROCESS]: "IOPRIO_WHO_PROCESS",
    [IOPRIO_WHO_PGRP]: "IOPRIO_WHO_PGRP",
    [IOPRIO_WHO_USER]: "IOPRIO_WHO_USER",
  },
  "IOPRIO_WHO_???",
);

export const ioPriorityCalls: readonly SyscallDefinition[] = [
  syscall("ioprio_set", [which, int, int], ioprioSet),
  syscall("ioprio_get", [which, int], ioprioGet),
];
