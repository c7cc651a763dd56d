/** What comes between a system call instruction and the call: the tracer's stop, the filters of seccomp(2). */
import { ENOSYS } from "../abi/errno.ts";
import { stopAtEntry } from "./ptrace.ts";
import { checkCall, type Verdict } from "./seccomp.ts";
import type { Task } from "./task.ts";
import { mayDispatch } from "./user-dispatch.ts";

/** How far a task has come that has stopped before its call. */
export const CallStage = {
  /** It is not in between. */
  None: 0,
  /** It has stopped at the entry. */
  Entered: 1,
  /** It has stopped because a filter says that the tracer is to decide. */
  Judged: 2,
  /** Whoever decides for a filter has let it pass. */
  Allowed: 3,
  /** It has answered in the call's place: `task.callAnswer`, whatever that is, and be it a number that would mean "again". */
  Answered: 4,
} as const;

/**
 * While a task is stopped before its call, the register that has the number and will have the result shows -ENOSYS, and
 * the number is in `task.callNumber`, where the tracer may change it: to -1 for no call at all.
 */
function hideNumber(task: Task, stage: number): void {
  const { arch, context } = task.mm;
  if (task.trace === null) return;
  task.callNumber = arch.registers.syscallNumber(context);
  task.callStage = stage;
  arch.debug?.setCallResult(context, -ENOSYS);
}

/** Puts the number back. False: there is no call to make. */
function showNumber(task: Task): boolean {
  const { arch, context } = task.mm;
  const number = task.callNumber;
  if (number === -1) return false;
  arch.debug?.setCallNumber(context, number);
  return true;
}

export function enterCall(task: Task): Verdict {
  const { trace } = task;
  const stage = task.callStage;
  if (stage === CallStage.Allowed) {
    task.callStage = CallStage.None;
    return "allow";
  }
  if (stage === CallStage.Answered) {
    task.callStage = CallStage.None;
    task.arch.registers.setSyscallResult(task.mm.context, task.callAnswer);
    return "skip";
  }
  if (stage !== CallStage.None) {
    task.callStage = CallStage.None;
    // Going on was made known as a signal is, which is none to a call that waits.
    task.kernel.signals.recalculate(task);
    const emulated = stage === CallStage.Entered && task.callEmulated;
    task.callEmulated = false;
    if (emulated || task.kernel.signals.dying(task) || !showNumber(task)) return "skip";
  } else if (trace !== null && (trace.syscalls || trace.emulates)) {
    const { emulates } = trace;
    hideNumber(task, CallStage.Entered);
    task.callEmulated = emulates;
    if (stopAtEntry(task, trace)) return "gone";
    return "skip";
  }
  const { seccomp, userDispatch } = task;
  if (userDispatch !== null && stage === CallStage.None && !mayDispatch(task, userDispatch)) return "skip";
  if (seccomp === null) return "allow";
  const verdict = checkCall(task, seccomp, stage === CallStage.Judged);
  if (verdict === "gone" && task.state === "traced") hideNumber(task, CallStage.Judged);
  return verdict;
}
