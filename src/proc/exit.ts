/** The end of tasks and processes: exit(2), exit_group(2), and what becomes of children and waiting parents. */

import { Errno } from "../abi/errno.ts";
import { FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from "../abi/futex.ts";
import {
  CLD_DUMPED,
  CLD_EXITED,
  CLD_KILLED,
  SA_NOCLDWAIT,
  SIG_IGN,
  SIGCHLD,
  SIGCONT,
  SIGHUP,
  SIGKILL,
} from "../abi/signal.ts";
import { account } from "./accounting.ts";
import { futexKey } from "./futex-key.ts";
import { outwards } from "./pid-namespace.ts";
import { releaseTracees, stopForExit, tellTracer } from "./ptrace.ts";
import { releaseFilters } from "./seccomp-state.ts";
import type { ProcessGroup } from "./session.ts";
import type { Task } from "./task.ts";
import type { ThreadGroup } from "./thread-group.ts";

/** The whole process ends. @param status as wait4(2) encodes it */
export function exitGroup(task: Task, status: number): void {
  const { process } = task;
  if (!process.exiting) task.kernel.signals.beginExit(process, status);
  if (stopForExit(task, process.exitStatus)) return;
  exitTask(task, process.exitStatus);
}

/** This task ends, and with the last one its process. */
export function exitTask(task: Task, status: number): void {
  const { process, kernel } = task;
  task.exitCode = status;
  if (stopForExit(task, status)) {
    task.exitRequested = true;
    return;
  }
  if (task.trace !== null) task.trace.stop = null;
  releaseMemory(task);
  if (--task.files.references === 0) task.files.closeAll(process);
  task.fs.references--;
  process.tasks.delete(task);
  process.usage.add(task.usage);
  if (task.realtimePriority > 0 || task.deadline !== null) kernel.scheduler.realtimeTasks--;
  task.pending.clear();
  if (task === process.leader) task.state = "zombie";
  else if (task.trace !== null && !task.trace.tracer.exited) {
    task.state = "zombie";
    task.trace.exited = true;
    tellTracer(task.trace, CLD_EXITED, (status >> 8) & 0xff);
  } else {
    task.state = "dead";
    kernel.removeTask(task);
  }
  if (task.seccomp !== null) releaseFilters(task.seccomp);
  kernel.observer?.taskExited?.(task, process.exiting ? process.exitStatus : status);
  process.threadQueue.wake();
  if (process.tasks.size === 0) exitProcess(process, status);
}

/** mm_release(): tells those who wait for this task to be out of its address space, and leaves it. */
export function releaseMemory(task: Task): void {
  const { kernel, mm, space } = task;
  if (task.robustListHead !== 0) {
    walkRobustList(task);
    task.robustListHead = 0;
  }
  if (task.piLocks.size > 0) kernel.futexes.pi.release(task);
  if (task.clearChildTid !== 0) {
    // Only if somebody is left to see it, as Linux does.
    if (mm.users > 1) {
      try {
        space.writeU32(task.clearChildTid, 0);
        kernel.futexes.wake(futexKey(task, task.clearChildTid, true), 1, 0xffff_ffff);
      } catch (e) {
        if (!(e instanceof Errno)) throw e;
      }
    }
    task.clearChildTid = 0;
  }
  task.usage.maxRss = Math.max(task.usage.maxRss, space.peakPresent * 4);
  const done = task.vforkDone;
  task.vforkDone = null;
  mm.release(task);
  done?.wake();
}

/** exit_robust_list(): marks the locks that the task held, and wakes one waiter of each. */
function walkRobustList(task: Task): void {
  const { space, robustListHead: head } = task;
  const limit = 2048;
  const release = (entry: number, offset: number, inherits: boolean): void => {
    const address = entry + offset;
    const value = space.readU32(address);
    if ((value & FUTEX_TID_MASK) !== task.number) return;
    space.writeU32(address, ((value & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0);
    // Waiters of a lock that inherits priorities are not asleep here: they get it from `release`.
    if (value & FUTEX_WAITERS && !inherits) task.kernel.futexes.wake(futexKey(task, address, true), 1, 0xffff_ffff);
  };
  try {
    const offset = space.readSigned64(head + 8);
    const pending = space.readNumber64(head + 16);
    let entry = space.readNumber64(head);
    // The lowest bit of a link says that the lock is a priority-inheriting one.
    for (let n = 0; entry !== head && n < limit; n++) {
      const next = space.readNumber64(entry - (entry % 2));
      if (entry !== pending) release(entry - (entry % 2), offset, entry % 2 === 1);
      entry = next;
    }
    if (pending !== 0) release(pending - (pending % 2), offset, pending % 2 === 1);
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
  }
}

function exitProcess(process: ThreadGroup, status: number): void {
  const { kernel } = process;
  if (!process.exiting) {
    process.exiting = true;
    // Of the thread that was the last (synchronize_group_exit).
    process.exitStatus = status;
  }
  const { pids } = process;
  if (pids.init === process) {
    endNamespace(process);
    if (pids.population > 1) {
      pids.whenAlone = () => exitProcess(process, status);
      return;
    }
    if (pids.rebootSignal !== 0) process.exitStatus = pids.rebootSignal;
  }
  for (const ns of outwards(process.pids)) if (ns.accounts !== null) account(process, ns, ns.accounts, true);
  process.exited = true;
  process.pending.clear();
  releaseTracees(process);
  process.timers?.cancelAll();
  process.timers = null;
  for (const set of process.leader.ipc.sysv.sets) set.giveBack(process, Number(kernel.realtime() / 1_000_000_000n));
  const { session } = process.group;
  if (session.leader === process) {
    session.leader = undefined;
    session.controllingTerminal?.disassociate();
  }
  forsakeChildren(process);
  hangUpIfOrphaned(process.group, process, process.parent);
  const { trace } = process.leader;
  if (trace !== null && trace.tracer !== process.parent && !trace.tracer.exited) {
    trace.exited = true;
    process.tellParent = () => notifyParent(process);
    const killed = process.exitStatus & 0x7f;
    tellTracer(trace, killed === 0 ? CLD_EXITED : CLD_KILLED, killed === 0 ? (process.exitStatus >> 8) & 0xff : killed);
  } else notifyParent(process);
  process.exitQueue.wake();
  kernel.exitQueue.wake();
}

/** zap_pid_ns_processes(): with its init all processes of a PID namespace end, and nobody need wait for them. */
function endNamespace(init: ThreadGroup): void {
  const { kernel, pids } = init;
  pids.closed = true;
  const { handlers } = init.leader;
  handlers.set(SIGCHLD, { ...handlers.get(SIGCHLD), handler: SIG_IGN });
  for (const process of [...kernel.processes.values()]) {
    if (process === init || !pids.contains(process.pids)) continue;
    if (!process.exited) kernel.signals.beginExit(process, SIGKILL);
    else if (process.parent === init && process.tellParent === null) reap(process);
  }
}

/** Children go to the nearest subreaper of the same PID namespace, or to its init. */
function forsakeChildren(process: ThreadGroup): void {
  const { pids } = process;
  let heir: ThreadGroup | null = process.parent;
  while (heir !== null && heir.pids === pids && (!heir.childSubreaper || heir.exited)) heir = heir.parent;
  if (heir?.pids !== pids) heir = pids.init === process ? null : pids.init;
  for (const child of [...process.children]) {
    process.children.delete(child);
    child.parent = heir;
    heir?.children.add(child);
    child.exitSignal = SIGCHLD;
    if (child.exited) {
      // Its tracer comes first.
      if (child.leader.trace?.exited !== true) notifyParent(child);
      continue;
    }
    for (const task of child.tasks) {
      if (task.parentDeathSignal !== 0) {
        // Not to a child that the parent could not signal itself: it has other ids by now.
        const { signals } = child.kernel;
        const signal = task.parentDeathSignal;
        if (signals.permitted(process.leader, child, signal)) {
          signals.sendToTask(task, signals.fromUser(process.leader, signal));
        }
      }
    }
    hangUpIfOrphaned(child.group, undefined, process);
  }
}

/**
 * kill_orphaned_pgrp(): if the end of a process has taken away the last one who could continue the stopped members of a
 * group, they are told by SIGHUP, and woken by SIGCONT.
 * @param member the member of the group that is exiting, if it is one
 * @param relative whose relation to the group has just ended: the exiting parent, or the parent of the exiting member
 */
function hangUpIfOrphaned(group: ProcessGroup, member: ThreadGroup | undefined, relative: ThreadGroup | null): void {
  if (relative === null || relative.group === group || relative.group.session !== group.session) return;
  if (!group.orphaned(member)) return;
  const live = [...group.members].filter((p) => !p.exited);
  if (!live.some((p) => p.stopped)) return;
  const { signals } = relative.kernel;
  signals.sendToGroup(group, signals.fromKernel(SIGHUP));
  signals.sendToGroup(group, signals.fromKernel(SIGCONT));
}

/** do_notify_parent(): SIGCHLD, and whether anybody will wait for the zombie. */
function notifyParent(process: ThreadGroup): void {
  const { parent, kernel, exitSignal, exitStatus } = process;
  if (parent === null) {
    reap(process);
    return;
  }
  let zombie = true;
  let signal = exitSignal;
  if (signal === SIGCHLD) {
    const action = parent.leader.handlers.get(SIGCHLD);
    if (action.handler === SIG_IGN) {
      zombie = false;
      signal = 0;
    } else if (action.flags & SA_NOCLDWAIT) zombie = false;
  }
  if (signal !== 0) {
    const killed = exitStatus & 0x7f;
    const code = killed === 0 ? CLD_EXITED : exitStatus & 0x80 ? CLD_DUMPED : CLD_KILLED;
    const info = kernel.signals.childInfo(process, code, killed === 0 ? (exitStatus >> 8) & 0xff : killed);
    kernel.signals.sendToProcess(parent, { ...info, signal });
  }
  if (!zombie) reap(process);
  parent.childQueue.wake();
}

/** Removes a zombie: release_task(). */
export function reap(process: ThreadGroup): void {
  const { kernel, parent, leader } = process;
  leader.trace?.tracer.tracees.delete(leader.trace);
  leader.trace = null;
  if (parent !== null) {
    parent.children.delete(process);
    parent.childUsage.add(process.usage);
    parent.childUsage.add(process.childUsage);
  }
  kernel.pastUsage.add(process.usage);
  leader.state = "dead";
  kernel.removeTask(leader);
  kernel.removeProcess(process);
}
