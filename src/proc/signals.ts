/**
 * Sending signals: who may, where they are queued, what they do on the spot. After kernel/signal.c of Linux.
 *
 * Three things happen when a signal is sent, before anybody takes it: stop signals and SIGCONT cancel each other, and
 * SIGCONT wakes a stopped process whatever its handler; a signal that nobody would notice is dropped; a signal that is
 * certain to kill begins the end of the whole process at once.
 */
import { CAP_KILL } from "../abi/capability.ts";
import { EAGAIN, EPERM } from "../abi/errno.ts";
import { SCOPE_SIGNAL } from "../abi/landlock.ts";
import { RLIMIT_SIGPENDING } from "../abi/resource.ts";
import {
  CLD_CONTINUED,
  CLD_STOPPED,
  defaultAction,
  SA_NOCLDSTOP,
  SI_KERNEL,
  SI_USER,
  SIG_DFL,
  SIG_IGN,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGRTMIN,
  SIGSTOP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
} from "../abi/signal.ts";
import type { Kernel } from "./kernel.ts";
import { processContinued } from "./ptrace.ts";
import type { ProcessGroup } from "./session.ts";
import { type PendingSignals, type SignalInfo, SignalSet } from "./signal-state.ts";
import type { Task } from "./task.ts";
import type { ThreadGroup } from "./thread-group.ts";

const STOP_SIGNALS = SignalSet.of(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU);
const CONT = SignalSet.of(SIGCONT);

export class Signals {
  readonly kernel: Kernel;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** May `sender` signal this process? kill(2), "Permissions". */
  permitted(sender: Task, target: ThreadGroup, signal: number): boolean {
    const from = sender.credentials;
    const to = target.leader.credentials;
    if (target !== sender.process && from.sandbox?.keepsFrom(to.sandbox, SCOPE_SIGNAL)) return false;
    if (from.euid === to.suid || from.euid === to.uid || from.uid === to.suid || from.uid === to.uid) return true;
    if (signal === SIGCONT && target.group.session === sender.process.group.session) return true;
    return target === sender.process || from.capableIn(CAP_KILL, target.leader.users);
  }

  /** A siginfo_t as kill(2) makes it. */
  fromUser(sender: Task, signal: number, code: number = SI_USER): SignalInfo {
    return { signal, code, pid: sender.process.pid, uid: sender.credentials.uid };
  }

  /** Sent by the kernel, not by a process. */
  fromKernel(signal: number): SignalInfo {
    return { signal, code: SI_KERNEL };
  }

  /**
   * A signal for the process: some thread that does not block it will take it. 0 or a negative errno.
   * @param preferred is asked first, if it is one of the process
   */
  sendToProcess(process: ThreadGroup, info: SignalInfo, preferred: Task | null = null): number {
    return this.#send(process, info, null, preferred);
  }

  /** Signals have been taken back. */
  pendingChanged(process: ThreadGroup): void {
    for (const task of process.tasks) this.recalculate(task);
  }

  /** A signal for this thread alone. */
  sendToTask(task: Task, info: SignalInfo): number {
    return this.#send(task.process, info, task);
  }

  sendToGroup(group: ProcessGroup, info: SignalInfo): void {
    for (const member of [...group.members]) if (!member.exited) this.sendToProcess(member, info);
  }

  /** kill(2) for several targets: each only if permitted; EPERM if none was, ESRCH is the caller's. */
  sendChecked(sender: Task, targets: Iterable<ThreadGroup>, info: SignalInfo): { found: boolean; result: number } {
    let found = false;
    let sent = false;
    let result = 0;
    for (const target of targets) {
      found = true;
      if (!this.permitted(sender, target, info.signal)) {
        if (!sent) result = -EPERM;
        continue;
      }
      const r = info.signal === 0 || target.exited ? 0 : this.sendToProcess(target, info);
      if (r === 0 || !sent) result = r;
      sent = true;
    }
    return { found, result };
  }

  /** As send_sig(sig, current, 0): SIGPIPE and its like, which may be blocked, caught or ignored. */
  raise(task: Task, signal: number): void {
    this.sendToTask(task, this.fromUser(task, signal));
  }

  /** A fault: cannot be blocked or ignored, or the program would loop on it (force_sig_info). */
  force(task: Task, info: SignalInfo): void {
    const { signal } = info;
    const action = task.handlers.get(signal);
    const isBlocked = task.blocked.has(signal);
    if (isBlocked || action.handler === SIG_IGN) {
      task.handlers.set(signal, { ...action, handler: SIG_DFL });
      task.blocked.delete(signal);
    }
    // Nor does it help to be an init.
    if (task.handlers.get(signal).handler === SIG_DFL && task.trace === null) task.process.unkillable = false;
    this.sendToTask(task, info);
    this.recalculate(task);
  }

  #send(process: ThreadGroup, sent: SignalInfo, target: Task | null, preferred: Task | null = null): number {
    const { signal } = sent;
    if (process.exited || process.exiting) return 0;
    const { pids } = process;
    let info = sent;
    if (sent.pid !== undefined && sent.raw === undefined) {
      if (pids.level > 0) info = { ...info, pid: pids.number(sent.pid) };
      const { credentials } = process.leader;
      if (credentials.users !== null) info = { ...info, uid: credentials.shownUser(sent.uid ?? 0) };
    }
    // Sent by the kernel, or by somebody whom the process does not see.
    const force = sent.code === SI_KERNEL || info.pid === 0;
    if (!this.#prepare(process, signal, target ?? process.leader, force)) return 0;
    const queue = target === null ? process.pending : target.pending;
    // A timer's place is its own since it was made.
    const placed = info.settle !== undefined;
    if (signal >= SIGRTMIN && info.code !== SI_USER && !placed && this.queueFull(process)) return -EAGAIN;
    if (!queue.add(info)) return 0;
    this.#complete(process, signal, target, preferred);
    process.signalQueue.wake();
    return 0;
  }

  /** RLIMIT_SIGPENDING: no more signals are queued, nor timers made whose signals would be. */
  queueFull(process: ThreadGroup): boolean {
    return this.#pendingFor(process) >= (process.limits[RLIMIT_SIGPENDING]?.soft ?? Number.POSITIVE_INFINITY);
  }

  #pendingFor(process: ThreadGroup): number {
    let n = process.pending.length + (process.timers?.count ?? 0);
    for (const task of process.tasks) n += task.pending.length;
    return n;
  }

  #allQueues(process: ThreadGroup): PendingSignals[] {
    return [process.pending, ...[...process.tasks].map((t) => t.pending)];
  }

  /** prepare_signal(): immediate effects; false if the signal is to be dropped. */
  #prepare(process: ThreadGroup, signal: number, target: Task, force: boolean): boolean {
    if (STOP_SIGNALS.has(signal)) {
      for (const queue of this.#allQueues(process)) queue.discard(CONT);
    } else if (signal === SIGCONT) {
      for (const queue of this.#allQueues(process)) queue.discard(STOP_SIGNALS);
      this.#continue(process);
    }
    return !this.#ignored(target, signal, force);
  }

  /** sig_ignored() */
  #ignored(task: Task, signal: number, force: boolean): boolean {
    if (task.blocked.has(signal) || (task.awaited?.has(signal) ?? false)) return false;
    // A tracer sees them too.
    if (task.trace !== null && signal !== SIGKILL) return false;
    if (signal !== SIGKILL && task.hasMemory && task.kernel.observer?.seesIgnoredSignals?.(task) === true) return false;
    const { handler } = task.handlers.get(signal);
    const { unkillable } = task.process;
    if (unkillable && !task.hasMemory) return true;
    const cannotBeCaught = signal === SIGKILL || signal === SIGSTOP;
    if (unkillable && handler === SIG_DFL && !(force && cannotBeCaught)) return true;
    if (handler === SIG_IGN) return signal !== SIGKILL && signal !== SIGSTOP;
    if (handler !== SIG_DFL) return false;
    const action = defaultAction(signal);
    return action === "ignore" || action === "continue";
  }

  /** complete_signal(): picks who is to notice. */
  #complete(process: ThreadGroup, signal: number, target: Task | null, preferred: Task | null): void {
    const first = target ?? (preferred?.process === process ? preferred : null);
    const wants = first !== null && this.#wants(first, signal);
    const chosen = wants ? first : target !== null ? null : this.#choose(process, signal);
    if (chosen === null) return;
    if (this.#surelyFatal(chosen, signal)) {
      this.beginExit(process, signal);
      return;
    }
    this.wake(chosen);
  }

  #choose(process: ThreadGroup, signal: number): Task | null {
    if (process.tasks.has(process.leader) && this.#wants(process.leader, signal)) return process.leader;
    for (const task of process.tasks) if (this.#wants(task, signal)) return task;
    return null;
  }

  #wants(task: Task, signal: number): boolean {
    if (task.state === "zombie" || task.state === "dead") return false;
    if (signal === SIGKILL) return true;
    return !task.blocked.has(signal);
  }

  /** sig_fatal() and nothing is in the way of it: no core dump to write either, RLIMIT_CORE being honoured later. */
  #surelyFatal(task: Task, signal: number): boolean {
    if (signal === SIGKILL) return true;
    if (task.awaited?.has(signal) || task.trace !== null) return false;
    if (task.handlers.get(signal).handler !== SIG_DFL || task.process.unkillable) return false;
    return defaultAction(signal) === "terminate" && task.kernel.observer?.signalDelivered === undefined;
  }

  /** Every task of the process ends as soon as it comes by. */
  beginExit(process: ThreadGroup, status: number): void {
    if (!process.exiting) {
      process.exiting = true;
      process.exitStatus = status;
      process.stopped = false;
    }
    for (const task of process.tasks) this.#kill(task);
  }

  /** This one thread is to end: execve(2) ends the others. */
  #kill(task: Task): void {
    task.pending.add({ signal: SIGKILL, code: SI_KERNEL });
    this.wake(task);
  }

  killThread(task: Task): void {
    task.exitRequested = true;
    this.#kill(task);
  }

  /** signal_wake_up() */
  wake(task: Task): void {
    task.signalPending = true;
    if (task.state === "stopped" || task.state === "traced") {
      if (this.dying(task)) this.kernel.scheduler.resumeStopped(task);
    } else task.wait?.interrupt();
  }

  /** fatal_signal_pending() */
  dying(task: Task): boolean {
    return task.exitRequested || task.process.exiting || task.pending.set.has(SIGKILL);
  }

  /** recalc_sigpending(): after the mask or the queues have changed. */
  recalculate(task: Task): void {
    const { blocked, pending, process } = task;
    const lo = (pending.set.lo | process.pending.set.lo) & ~blocked.lo;
    const hi = (pending.set.hi | process.pending.set.hi) & ~blocked.hi;
    task.signalPending =
      (lo | hi) !== 0 ||
      process.stopped ||
      task.injected !== null ||
      (task.trace?.trapWanted ?? false) ||
      this.dying(task);
  }

  /** The mask changes: signals that it blocks now may be for another thread (retarget_shared_pending). */
  setBlocked(task: Task, mask: SignalSet): void {
    const old = task.blocked.clone();
    task.blocked.assign(mask);
    task.blocked.delete(SIGKILL);
    task.blocked.delete(SIGSTOP);
    this.recalculate(task);
    const { process } = task;
    if (process.tasks.size > 1 && !process.pending.set.empty) {
      const newly = new SignalSet(
        task.blocked.lo & ~old.lo & process.pending.set.lo,
        task.blocked.hi & ~old.hi & process.pending.set.hi,
      );
      if (newly.empty) return;
      for (let signal = 1; signal <= 64; signal++) {
        if (!newly.has(signal)) continue;
        const other = this.#choose(process, signal);
        if (other !== null) this.wake(other);
      }
    }
  }

  // --- stop and continue ---------------------------------------------------------------------------------------------

  /** do_signal_stop(): all tasks of the process stop when they come by. */
  beginStop(process: ThreadGroup, signal: number): void {
    process.stopped = true;
    process.stopSignal = signal;
    for (const task of process.tasks) {
      if (task.trace !== null) task.trace.groupStopSeen = false;
      if (task.state !== "stopped") this.wake(task);
    }
  }

  /** A task has stopped; with the last one the parent hears of it. */
  taskStopped(task: Task): void {
    const { process } = task;
    if (!process.stopped) return;
    for (const other of process.tasks) {
      if (other.state !== "stopped" && !(other.state === "traced" && other.trace?.groupStopSeen)) return;
    }
    process.change = "stopped";
    // A parent that traces it has heard of it in its own way.
    if (process.leader.trace !== null && process.leader.trace.tracer === process.parent) return;
    this.#notifyChange(process, CLD_STOPPED, process.stopSignal);
  }

  #continue(process: ThreadGroup): void {
    const wasStopped = process.stopped;
    process.stopped = false;
    for (const task of process.tasks) {
      if (task.state === "stopped") this.kernel.scheduler.resumeStopped(task);
      if (task.trace !== null) processContinued(task, task.trace);
    }
    if (wasStopped) {
      process.change = "continued";
      process.continueUnreported = true;
    }
  }

  /**
   * A task of a process that has been continued runs again: only now the parent hears of it. A shell that continues a job is
   * back at its prompt by then.
   */
  reportContinued(process: ThreadGroup): void {
    process.continueUnreported = false;
    this.#notifyChange(process, CLD_CONTINUED, SIGCONT);
  }

  /** do_notify_parent_cldstop() */
  #notifyChange(process: ThreadGroup, code: number, status: number): void {
    const { parent } = process;
    if (parent === null) return;
    const action = parent.leader.handlers.get(SIGCHLD);
    if (action.handler !== SIG_IGN && (action.flags & SA_NOCLDSTOP) === 0) {
      this.sendToProcess(parent, this.childInfo(process, code, status));
    }
    parent.childQueue.wake();
  }

  /** The siginfo_t of SIGCHLD: times in clock ticks of 10 ms. */
  childInfo(process: ThreadGroup, code: number, status: number): SignalInfo {
    const { utime, stime } = process.times();
    return {
      signal: SIGCHLD,
      code,
      pid: process.pid,
      uid: process.leader.credentials.uid,
      status,
      utime: Math.floor(utime / 1e7),
      stime: Math.floor(stime / 1e7),
    };
  }
}
