/**
 * Which system calls a task may make: seccomp(2). Looked at before each call of a task that has a filter, or that is in
 * strict mode.
 */

import { ENOSYS } from "../abi/errno.ts";
import { PTRACE_EVENT_SECCOMP } from "../abi/ptrace.ts";
import {
  AUDIT_ARCH,
  SECCOMP_DATA_SIZE,
  SECCOMP_MODE_STRICT,
  SECCOMP_RET_ACTION_FULL,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_DATA,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_TRAP,
  SECCOMP_RET_USER_NOTIF,
  SYS_SECCOMP,
} from "../abi/seccomp.ts";
import { SIGKILL, SIGSYS } from "../abi/signal.ts";
import { runFilter } from "./bpf.ts";
import { exitGroup, exitTask } from "./exit.ts";
import { eventStop, stopNow } from "./ptrace.ts";
import type { Seccomp } from "./seccomp-state.ts";
import type { Task } from "./task.ts";

/** What may be called in strict mode. */
const STRICT = ["read", "write", "exit", "rt_sigreturn"] as const;

/** ERRNO's numbers are no larger than this. */
const MAX_ERRNO = 4095;

function dataOf(task: Task): Uint32Array {
  const { registers, name } = task.arch;
  const { context } = task.mm;
  const data = new Uint32Array(SECCOMP_DATA_SIZE / 4);
  data[0] = registers.syscallNumber(context);
  data[1] = AUDIT_ARCH[name];
  const pc = registers.getPc(context);
  data[2] = pc >>> 0;
  data[3] = Math.floor(pc / 2 ** 32);
  for (let i = 0; i < 6; i++) {
    data[4 + 2 * i] = registers.syscallArgLo(context, i);
    data[5 + 2 * i] = registers.syscallArgHi(context, i);
  }
  return data;
}

/** What to do with the call that the registers ask for. */
export type Verdict =
  /** It may be made. */
  | "allow"
  /** It is not made; its result is in the registers. */
  | "skip"
  /** The task has stopped or ended. */
  | "gone"
  /** It waits for somebody else's decision: the call's result, or NO_RESULT if the call is to be made after all. */
  | Promise<number>;

/**
 * The check at a call's entry.
 * @param traced the tracer has been told of this call by an event already
 */
export function checkCall(task: Task, seccomp: Seccomp, traced = false): Verdict {
  const { registers, numbers } = task.arch;
  const { context } = task.mm;
  if (seccomp.mode === SECCOMP_MODE_STRICT) {
    const number = registers.syscallNumber(context);
    if (STRICT.some((name) => numbers[name] === number)) return "allow";
    exitTask(task, SIGKILL);
    return "gone";
  }
  const arguments_ = dataOf(task);
  const { answer, filter } = strictest(seccomp, arguments_);
  const data = answer & SECCOMP_RET_DATA;
  switch ((answer & SECCOMP_RET_ACTION_FULL) >>> 0) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
      return "allow";
    case SECCOMP_RET_ERRNO:
      registers.setSyscallResult(context, -Math.min(data, MAX_ERRNO));
      return "skip";
    case SECCOMP_RET_TRAP: {
      const syscall = registers.syscallNumber(context);
      const address = registers.getPc(context);
      // The register of the number shows it again (syscall_rollback).
      const { signals } = task.kernel;
      signals.force(task, { signal: SIGSYS, code: SYS_SECCOMP, errno: data, address, syscall });
      return "skip";
    }
    case SECCOMP_RET_USER_NOTIF: {
      const { listener } = filter;
      task.syscallNumber = registers.syscallNumber(context);
      if (listener !== undefined && listener !== null) return listener.ask(task, arguments_);
      registers.setSyscallResult(context, -ENOSYS);
      return "skip";
    }
    case SECCOMP_RET_TRACE: {
      if (traced) return "allow";
      const { trace } = task;
      if (trace === null || !trace.has(1 << PTRACE_EVENT_SECCOMP)) {
        registers.setSyscallResult(context, -ENOSYS);
        return "skip";
      }
      trace.seccompData = data;
      return stopNow(task, eventStop(task, PTRACE_EVENT_SECCOMP, data, "seccomp")) ? "gone" : "skip";
    }
    case SECCOMP_RET_KILL_THREAD:
      // The last thread takes the process with it; as a thread among others it goes alone.
      if (task.process.tasks.size > 1) exitTask(task, SIGSYS);
      else exitGroup(task, SIGSYS);
      return "gone";
    default:
      exitGroup(task, SIGSYS);
      return "gone";
  }
}

/** All filters are asked, the newest first; the answer that permits least counts (seccomp_run_filters). */
function strictest(seccomp: Seccomp, data: Uint32Array): { readonly answer: number; readonly filter: Seccomp } {
  let answer = SECCOMP_RET_ALLOW;
  let filter = seccomp;
  const rank = (value: number): number => (value & SECCOMP_RET_ACTION_FULL) | 0;
  for (let s: Seccomp | null = seccomp; s !== null; s = s.previous) {
    const own = runFilter(s.filter, data);
    if (rank(own) >= rank(answer)) continue;
    answer = own;
    filter = s;
  }
  return { answer, filter };
}
