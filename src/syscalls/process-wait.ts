/** wait4(2) and waitid(2). */
import { EAGAIN, EBADF, EINVAL, ESRCH, errno } from "../abi/errno.ts";
import { O_NONBLOCK } from "../abi/fcntl.ts";
import { SIGCHLD } from "../abi/signal.ts";
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  P_ALL,
  P_PGID,
  P_PID,
  P_PIDFD,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
  WUNTRACED,
} from "../abi/wait.ts";
import { type ChildChange, type WaitTarget, waitForChild } from "../proc/child-wait.ts";
import { PidFile } from "../proc/pidfd.ts";
import type { Task } from "../proc/task.ts";
import { choice, flags } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { usage, waitStatus } from "./exec-args.ts";
import { pid, viewOf, writeUsage } from "./process-args.ts";
import { wait4FlagNames } from "./process-flags.ts";
import { filledSiginfo } from "./signal-args.ts";

const CLONE_OPTIONS = (__WNOTHREAD | __WCLONE | __WALL) >>> 0;

function wait4(task: Task, which: number, status: number, options: number, usage: number): SyscallResult {
  if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | CLONE_OPTIONS)) throw errno(EINVAL);
  if (which === -(2 ** 31)) throw errno(ESRCH);
  const group = which === 0 ? task.process.group.id : task.process.pids.id(-which);
  const pid = task.process.pids.id(which);
  const matches = (child: WaitTarget): boolean =>
    which === -1 || (which > 0 ? child.pid === pid : child.group.id === group);
  return waitForChild(task, matches, options | WEXITED, (change) => {
    if (status !== 0) task.space.writeU32(status, change.status);
    if (usage !== 0) writeUsage(task, usage, change.usage);
    return task.numberOf(change.pid);
  });
}

function waitid(task: Task, type: number, id: number, info: number, options: number, usage: number): SyscallResult {
  if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | CLONE_OPTIONS)) throw errno(EINVAL);
  if ((options & (WEXITED | WSTOPPED | WCONTINUED)) === 0) throw errno(EINVAL);
  let matches: (child: WaitTarget) => boolean;
  let nonBlocking = false;
  switch (type) {
    case P_ALL:
      matches = () => true;
      break;
    case P_PID:
      if (id <= 0) throw errno(EINVAL);
      matches = (child) => child.pid === task.process.pids.id(id);
      break;
    case P_PGID: {
      if (id < 0) throw errno(EINVAL);
      const group = id === 0 ? task.process.group.id : task.process.pids.id(id);
      matches = (child) => child.group.id === group;
      break;
    }
    case P_PIDFD: {
      if (id < 0) throw errno(EINVAL);
      const file = task.files.get(id);
      if (!(file instanceof PidFile)) throw errno(EBADF);
      const { process } = file;
      matches = (child) => child.process === process;
      nonBlocking = (file.flags & O_NONBLOCK) !== 0 && (options & WNOHANG) === 0;
      break;
    }
    default:
      throw errno(EINVAL);
  }
  const store = (change: ChildChange | undefined): number => {
    if (change !== undefined && usage !== 0) writeUsage(task, usage, change.usage);
    if (info === 0) return 0;
    const view = viewOf(task.space.writable(info, 28));
    view.setInt32(0, change === undefined ? 0 : SIGCHLD, true);
    view.setInt32(4, 0, true);
    view.setInt32(8, change?.code ?? 0, true);
    view.setInt32(16, task.numberOf(change?.pid ?? 0), true);
    view.setUint32(20, change?.uid ?? 0, true);
    view.setInt32(24, change?.detail ?? 0, true);
    return 0;
  };
  let reported = false;
  const result = waitForChild(task, matches, nonBlocking ? options | WNOHANG : options, (change) => {
    reported = true;
    return store(change);
  });
  if (result === 0 && !reported) return nonBlocking ? -EAGAIN : store(undefined);
  return result;
}

const idType = choice({ [P_ALL]: "P_ALL", [P_PID]: "P_PID", [P_PGID]: "P_PGID", [P_PIDFD]: "P_PIDFD" }, "P_???");

export const waitCalls: readonly SyscallDefinition[] = [
  syscall("wait4", [pid, waitStatus, flags(wait4FlagNames), usage(1)], wait4),
  syscall("waitid", [idType, pid, filledSiginfo, flags(wait4FlagNames), usage(0)], waitid),
];
