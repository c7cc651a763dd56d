/** Waiting for children to change state: what wait4(2) and waitid(2) have in common. After do_wait() of Linux. */
import { EAGAIN, ECHILD } from "../abi/errno.ts";
import {
  CLD_CONTINUED,
  CLD_DUMPED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  CLD_TRAPPED,
  SIGCHLD,
  SIGCONT,
} from "../abi/signal.ts";
import {
  __WALL,
  __WCLONE,
  CONTINUED_STATUS,
  stoppedStatus,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
} from "../abi/wait.ts";
import { reap } from "./exit.ts";
import { letGo, type Trace } from "./ptrace.ts";
import type { ProcessGroup } from "./session.ts";
import type { Task } from "./task.ts";
import { type ThreadGroup, Usage } from "./thread-group.ts";
import { block } from "./wait.ts";

export interface ChildChange {
  readonly pid: number;
  readonly uid: number;
  /** As wait4(2) reports it. */
  readonly status: number;
  /** As waitid(2) reports it: CLD_*, and exit code or signal. */
  readonly code: number;
  readonly detail: number;
  readonly usage: Usage;
}

/** What can be waited for: a child, or a thread that the caller traces. */
export interface WaitTarget {
  readonly pid: number;
  readonly group: ProcessGroup;
  readonly process: ThreadGroup;
}

/**
 * Waits for a child that `matches`, as the W* options say.
 * @param report stores the change in guest memory; called before the child is reaped
 * @returns what `report` answers, 0 for WNOHANG with nothing to report, or -ECHILD
 */
export function waitForChild(
  task: Task,
  matches: (child: WaitTarget) => boolean,
  options: number,
  report: (change: ChildChange) => number,
): number | Promise<number> {
  const attempt = (): number => {
    let found = false;
    for (const child of task.process.children) {
      const { pid, group } = child;
      if (!eligible(child, options) || !matches({ pid, group, process: child })) continue;
      found = true;
      // Its tracer comes first.
      const tracer = child.leader.trace?.tracer ?? task.process;
      if (child.exited && tracer !== task.process && !tracer.exited) continue;
      const change = changeOf(child, options);
      if (change === undefined) continue;
      // A bad pointer is reported only after the child is gone (kernel_wait4 copies out last).
      try {
        return report(change);
      } finally {
        if ((options & WNOWAIT) === 0) consume(child);
      }
    }
    for (const trace of task.process.tracees) {
      const { tid, process } = trace.tracee;
      if (!matches({ pid: tid, group: process.group, process })) continue;
      found = true;
      const change = changeOfTracee(trace, options);
      if (change === undefined) continue;
      try {
        return report(change);
      } finally {
        if ((options & WNOWAIT) === 0) {
          if (trace.exited) letGo(trace);
          else if (trace.stop !== null) trace.stop.reported = true;
        }
      }
    }
    if (!found) return -ECHILD;
    return options & WNOHANG ? 0 : -EAGAIN;
  };
  return block(task, task.process.childQueue, attempt);
}

/** eligible_child(): "clone" children are those that do not end with SIGCHLD. */
function eligible(child: ThreadGroup, options: number): boolean {
  if (options & __WALL) return true;
  return (child.exitSignal !== SIGCHLD) === ((options & __WCLONE) !== 0);
}

function changeOf(child: ThreadGroup, options: number): ChildChange | undefined {
  const { pid } = child;
  const { uid } = child.leader.credentials;
  if (child.exited) {
    if ((options & WEXITED) === 0) return undefined;
    const status = child.exitStatus;
    const signal = status & 0x7f;
    const code = signal === 0 ? CLD_EXITED : status & 0x80 ? CLD_DUMPED : CLD_KILLED;
    const usage = new Usage();
    usage.add(child.usage);
    usage.add(child.childUsage);
    return { pid, uid, status, code, detail: signal === 0 ? (status >> 8) & 0xff : signal, usage };
  }
  const usage = new Usage();
  const tracedHere = child.leader.trace?.tracer === child.parent;
  if (child.change === "stopped" && child.stopped && options & WSTOPPED && !tracedHere) {
    const signal = child.stopSignal;
    return { pid, uid, status: stoppedStatus(signal), code: CLD_STOPPED, detail: signal, usage };
  }
  if (child.change === "continued" && options & WCONTINUED) {
    return { pid, uid, status: CONTINUED_STATUS, code: CLD_CONTINUED, detail: SIGCONT, usage };
  }
  return undefined;
}

/** What a tracer is told: its tracee has stopped, or ended. */
function changeOfTracee(trace: Trace, options: number): ChildChange | undefined {
  const { tracee, stop } = trace;
  const { uid } = tracee.credentials;
  const usage = new Usage();
  usage.add(tracee.usage);
  if (trace.exited) {
    if ((options & WEXITED) === 0) return undefined;
    const status = tracee === tracee.process.leader ? tracee.process.exitStatus : tracee.exitCode;
    const signal = status & 0x7f;
    const code = signal === 0 ? CLD_EXITED : status & 0x80 ? CLD_DUMPED : CLD_KILLED;
    return { pid: tracee.tid, uid, status, code, detail: signal === 0 ? (status >> 8) & 0xff : signal, usage };
  }
  // Traps are reported whether asked for or not.
  if (stop === null || stop.reported) return undefined;
  const code = stop.kind === "group" && !trace.seized ? CLD_STOPPED : CLD_TRAPPED;
  return { pid: tracee.tid, uid, status: stoppedStatus(stop.code), code, detail: stop.code, usage };
}

function consume(child: ThreadGroup): void {
  if (child.exited) reap(child);
  else child.change = "none";
}
