/**
 * Tracing of one process by another: ptrace(2). This is the half that belongs to the traced task: its stops.
 *
 * A traced task stops where Linux's does: before a signal is delivered, at the entry and exit of system calls, at events
 * (fork, exec, exit, ...), with the rest of its process (group stop). A stop is recorded in its `Trace`, the tracer gets
 * SIGCHLD and finds it by wait4(2), looks around (syscalls/ptrace.ts), and lets the task go on.
 *
 * Two forms of stop, which the tracer cannot tell apart:
 * - on the way back to guest code (`stopNow`, `stopIfDue`): the task is in state "traced" and not in the run queue. What
 *   is still to be done when it goes on is in its fields: `callStage` (the system call at whose entry it has stopped),
 *   `injected` (the signal that the tracer has let through), `trace.due` (stops that follow).
 * - in the middle of a system call that has more to do (`stopInCall`): the handler sleeps.
 *
 * Requests are allowed by every thread of the tracing process, not only by the one that has attached.
 */

import { CLONE_PTRACE, CLONE_UNTRACED, CLONE_VFORK } from "../abi/clone.ts";
import {
  PTRACE_EVENT_CLONE,
  PTRACE_EVENT_EXEC,
  PTRACE_EVENT_EXIT,
  PTRACE_EVENT_FORK,
  PTRACE_EVENT_STOP,
  PTRACE_EVENT_VFORK,
  PTRACE_EVENT_VFORK_DONE,
  PTRACE_EVENTMSG_SYSCALL_ENTRY,
  PTRACE_EVENTMSG_SYSCALL_EXIT,
  PTRACE_O_EXITKILL,
  PTRACE_O_TRACESYSGOOD,
} from "../abi/ptrace.ts";
import {
  CLD_STOPPED,
  CLD_TRAPPED,
  SA_NOCLDSTOP,
  SI_USER,
  SIG_IGN,
  SIGCHLD,
  SIGKILL,
  SIGSTOP,
  SIGTRAP,
} from "../abi/signal.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import type { SignalInfo } from "./signal-state.ts";
import type { Task } from "./task.ts";
import type { ThreadGroup } from "./thread-group.ts";
import { sleep } from "./wait.ts";

export type StopKind = "signal" | "entry" | "exit" | "event" | "seccomp" | "group";

export interface TraceStop {
  readonly kind: StopKind;
  /** What wait4(2) shows above the 0x7f: the signal, and the event in the next byte. */
  readonly code: number;
  /** For PTRACE_GETSIGINFO; a tracer may change it. */
  info: SignalInfo;
  /** For PTRACE_GETEVENTMSG. */
  readonly message: number;
  /** Somebody has waited for it. */
  reported: boolean;
}

/** A stop that follows: at the exit of the call, unless the tracer has lost interest by then, or an event. */
type Due = "exit" | { readonly event: number; readonly message: number };

/** How a task goes on. */
export interface Continuation {
  /** Until the next system call's entry or exit. */
  readonly syscalls?: boolean;
  /** Stops at the entry of the next call, which is not made (PTRACE_SYSEMU). */
  readonly emulates?: boolean;
  /** For one instruction. */
  readonly steps?: boolean;
  /** Signal to go on with, or 0. */
  readonly signal?: number;
}

export class Trace {
  readonly tracee: Task;
  readonly tracer: ThreadGroup;
  /** By PTRACE_SEIZE: group stops and PTRACE_INTERRUPT show as PTRACE_EVENT_STOP. */
  readonly seized: boolean;
  options = 0;
  /** The stop in force. */
  stop: TraceStop | null = null;
  /** Of the last event. */
  message = 0;
  /** The system call that the task is coming out of, or -1. */
  call = -1;
  syscalls = false;
  emulates = false;
  steps = false;
  readonly due: Due[] = [];
  /** A stop is wanted as soon as the task comes by: PTRACE_INTERRUPT, or the first of a seized task. */
  trapWanted = false;
  /** The stop of its process is known to the tracer, who has let the task go on regardless. */
  groupStopSeen = false;
  /** PTRACE_LISTEN: it stays stopped, but SIGCONT is to be reported. */
  listening = false;
  /** The task has ended and the tracer is to wait for it. */
  exited = false;
  /** It has been through its PTRACE_EVENT_EXIT. */
  exitSeen = false;
  /** Woken when a stop in the middle of a call is over. */
  readonly resumed: WaitQueue = new WaitQueue();
  /** What PTRACE_EVENT_SECCOMP's filter has answered. */
  seccompData = 0;

  constructor(tracee: Task, tracer: ThreadGroup, seized: boolean) {
    this.tracee = tracee;
    this.tracer = tracer;
    this.seized = seized;
  }

  has(option: number): boolean {
    return (this.options & option) !== 0;
  }
}

// --- attaching and detaching ------------------------------------------------------------------------------------------

export function attach(task: Task, tracer: ThreadGroup, seized: boolean): Trace {
  const trace = new Trace(task, tracer, seized);
  task.trace = trace;
  tracer.tracees.add(trace);
  return trace;
}

/** PTRACE_ATTACH and PTRACE_SEIZE of a task that is stopped already: it is a stop for the tracer too. */
export function adoptStop(trace: Trace): void {
  const { tracee } = trace;
  if (tracee.state !== "stopped") return;
  tracee.state = "traced";
  trace.groupStopSeen = true;
  enterStop(tracee, trace, groupStop(trace));
}

/** The tracer lets go. The task goes on, or stays stopped if its process is. */
export function detach(trace: Trace, signal = 0): void {
  const { tracee, tracer } = trace;
  tracer.tracees.delete(trace);
  const { stop } = trace;
  tracee.trace = null;
  if (trace.exited) {
    letGo(trace);
    return;
  }
  if (stop === null) return;
  trace.stop = null;
  goOn(trace, stop, signal);
}

/** An ended task that its tracer has waited for, or that has lost its tracer: now it is its parent's. */
export function letGo(trace: Trace): void {
  const { tracee, tracer } = trace;
  tracer.tracees.delete(trace);
  if (tracee.trace === trace) tracee.trace = null;
  const { process, kernel } = tracee;
  if (tracee !== process.leader) {
    tracee.state = "dead";
    kernel.removeTask(tracee);
    return;
  }
  if (process.exited && process.parent !== tracer) process.tellParent?.();
}

/** exit_ptrace(): the tracer ends. */
export function releaseTracees(tracer: ThreadGroup): void {
  for (const trace of [...tracer.tracees]) {
    const { signals } = tracer.kernel;
    if (trace.has(PTRACE_O_EXITKILL) && !trace.exited) {
      signals.sendToTask(trace.tracee, { signal: SIGKILL, code: SI_USER, pid: tracer.pid, uid: 0 });
    }
    detach(trace);
  }
}

/** The event of a clone(2) by this task that its tracer wants to hear of, 0 for none. */
export function cloneEvent(task: Task, flags: number, exitSignal: number): number {
  const { trace } = task;
  if (trace === null || (flags & CLONE_UNTRACED) !== 0) return 0;
  let event = PTRACE_EVENT_FORK;
  if ((flags & CLONE_VFORK) !== 0) event = PTRACE_EVENT_VFORK;
  else if (exitSignal !== SIGCHLD) event = PTRACE_EVENT_CLONE;
  return trace.has(1 << event) ? event : 0;
}

/** The new task is traced as its maker is, and stops before it does anything. */
export function traceNewTask(task: Task, child: Task, flags: number, event: number): void {
  const { trace } = task;
  if (trace === null || (event === 0 && (flags & CLONE_PTRACE) === 0)) return;
  const mine = attach(child, trace.tracer, trace.seized);
  mine.options = trace.options;
  if (mine.seized) mine.trapWanted = true;
  else child.pending.add({ signal: SIGSTOP, code: SI_USER, pid: 0, uid: 0 });
  child.signalPending = true;
}

// --- stopping ----------------------------------------------------------------------------------------------------------

function plain(task: Task, code: number): SignalInfo {
  return {
    signal: code & 0x7f,
    code,
    pid: task.trace?.tracer.pids.number(task.tid) ?? task.number,
    uid: task.credentials.uid,
  };
}

function groupStop(trace: Trace): TraceStop {
  const { tracee } = trace;
  const signal = tracee.process.stopped ? tracee.process.stopSignal : SIGTRAP;
  const code = trace.seized ? signal | (PTRACE_EVENT_STOP << 8) : signal;
  const info = { ...plain(tracee, code), signal };
  return { kind: "group", code, info, message: 0, reported: false };
}

function enterStop(task: Task, trace: Trace, stop: TraceStop): void {
  trace.stop = stop;
  trace.message = stop.message;
  trace.syscalls = false;
  trace.emulates = false;
  trace.steps = false;
  trace.listening = false;
  tellTracer(trace, stop.kind === "group" && !trace.seized ? CLD_STOPPED : CLD_TRAPPED, stop.code & 0x7f);
  if (stop.kind === "group") task.kernel.signals.taskStopped(task);
}

/** do_notify_parent_cldstop() for a tracer. */
export function tellTracer(trace: Trace, code: number, status: number): void {
  const { tracer, tracee } = trace;
  if (tracer.exited) return;
  const action = tracer.leader.handlers.get(SIGCHLD);
  if (action.handler !== SIG_IGN && (action.flags & SA_NOCLDSTOP) === 0) {
    const info = tracer.kernel.signals.childInfo(tracee.process, code, status);
    tracer.kernel.signals.sendToProcess(tracer, { ...info, pid: tracee.tid });
  }
  tracer.childQueue.wake();
}

/** Stops the task on its way to the guest; false if it has to die instead. */
export function stopNow(task: Task, stop: TraceStop): boolean {
  const { trace } = task;
  if (trace === null || task.kernel.signals.dying(task)) return false;
  task.state = "traced";
  enterStop(task, trace, stop);
  return true;
}

/** Signal-delivery-stop. */
export function stopForSignal(task: Task, info: SignalInfo): boolean {
  return stopNow(task, { kind: "signal", code: info.signal, info, message: 0, reported: false });
}

/** The process is stopped, or a trap is wanted: the stop that this is for the tracer. True if the task stops now. */
export function stopWithGroup(task: Task, trace: Trace): boolean {
  const inGroup = task.process.stopped && !trace.groupStopSeen;
  if (!inGroup && !trace.trapWanted) return false;
  trace.trapWanted = false;
  if (task.process.stopped) trace.groupStopSeen = true;
  return stopNow(task, groupStop(trace));
}

/** The signal that tells of a call's entry or exit. */
function callStop(task: Task, trace: Trace, kind: "entry" | "exit"): TraceStop {
  const code = trace.has(PTRACE_O_TRACESYSGOOD) ? SIGTRAP | 0x80 : SIGTRAP;
  const message = kind === "entry" ? PTRACE_EVENTMSG_SYSCALL_ENTRY : PTRACE_EVENTMSG_SYSCALL_EXIT;
  return { kind, code, info: { ...plain(task, code), signal: SIGTRAP }, message, reported: false };
}

/** At the entry of a system call. True if the task stops; the call is made when it goes on. */
export function stopAtEntry(task: Task, trace: Trace): boolean {
  if (!trace.syscalls && !trace.emulates) return false;
  return stopNow(task, callStop(task, trace, "entry"));
}

export function eventStop(task: Task, event: number, message: number, kind: "event" | "seccomp" = "event"): TraceStop {
  const code = SIGTRAP | (event << 8);
  return { kind, code, info: { ...plain(task, code), signal: SIGTRAP }, message, reported: false };
}

/** The next stop that is due, if there is one: true, the task stops. */
export function stopIfDue(task: Task, trace: Trace): boolean {
  for (;;) {
    const due = trace.due.shift();
    if (due === undefined) return false;
    trace.call = task.syscallNumber;
    if (due === "exit") {
      if (trace.syscalls && stopNow(task, callStop(task, trace, "exit"))) return true;
      if (trace.steps) {
        // The instruction that was stepped over was this system call.
        trace.steps = false;
        if (stopNow(task, { ...callStop(task, trace, "exit"), code: SIGTRAP, kind: "signal" })) return true;
      }
    } else if (stopNow(task, eventStop(task, due.event, due.message))) return true;
  }
}

/** execve(2) has succeeded: an event, or the signal of old. */
export function traceExec(task: Task, trace: Trace, oldTid: number): void {
  if (trace.has(1 << PTRACE_EVENT_EXEC))
    trace.due.push({ event: PTRACE_EVENT_EXEC, message: trace.tracer.pids.number(oldTid) });
  else if (!trace.seized) {
    task.kernel.signals.sendToTask(task, task.kernel.signals.fromUser(task, SIGTRAP));
  }
}

/** The task is about to end. True if it stops before. */
export function stopForExit(task: Task, status: number): boolean {
  const { trace } = task;
  if (trace === null || trace.exitSeen || !trace.has(1 << PTRACE_EVENT_EXIT)) return false;
  trace.exitSeen = true;
  // Unlike other stops this one is for the dying.
  task.state = "traced";
  enterStop(task, trace, eventStop(task, PTRACE_EVENT_EXIT, status));
  return true;
}

/** A stop in the middle of a handler. */
export async function stopInCall(task: Task, event: number, message: number): Promise<void> {
  const { trace } = task;
  const { signals } = task.kernel;
  if (trace === null || !trace.has(1 << event) || signals.dying(task)) return;
  enterStop(task, trace, eventStop(task, event, message));
  while (trace.stop !== null && task.trace === trace && !signals.dying(task)) {
    await sleep(task, trace.resumed, { killable: true });
  }
  trace.stop = null;
}

/** After vfork's parent has waited. */
export function vforkDone(task: Task, child: number): Promise<void> {
  return stopInCall(task, PTRACE_EVENT_VFORK_DONE, child);
}

// --- going on ----------------------------------------------------------------------------------------------------------

/** The tracer lets the task go on. */
export function resume(trace: Trace, how: Continuation): void {
  const { stop } = trace;
  if (stop === null) return;
  trace.stop = null;
  trace.syscalls = how.syscalls === true;
  trace.emulates = how.emulates === true;
  trace.steps = how.steps === true;
  goOn(trace, stop, how.signal ?? 0);
}

function goOn(trace: Trace, stop: TraceStop, signal: number): void {
  const { tracee, tracer } = trace;
  if (signal !== 0) {
    const info =
      signal === stop.info.signal && stop.kind === "signal"
        ? stop.info
        : { signal, code: SI_USER, pid: tracer.pid, uid: tracer.leader.credentials.uid };
    if (stop.kind === "signal") tracee.injected = info;
    else if (stop.kind === "entry" || stop.kind === "exit") tracee.kernel.signals.sendToTask(tracee, info);
  }
  if (tracee.state === "traced") tracee.kernel.scheduler.resumeStopped(tracee);
  else trace.resumed.wake();
}

/** PTRACE_INTERRUPT: the task stops as soon as it can. */
export function interrupt(trace: Trace): void {
  trace.trapWanted = true;
  if (trace.stop !== null) {
    if (trace.listening) retrap(trace);
    return;
  }
  trace.tracee.kernel.signals.wake(trace.tracee);
}

/** A listening task reports anew. */
function retrap(trace: Trace): void {
  trace.stop = null;
  trace.listening = false;
  trace.tracee.kernel.scheduler.resumeStopped(trace.tracee);
}

/** SIGCONT: a stop of the process is over, which those who were seized are told of (ptrace_trap_notify). */
export function processContinued(task: Task, trace: Trace): void {
  trace.groupStopSeen = false;
  if (!trace.seized) return;
  trace.trapWanted = true;
  if (trace.listening) retrap(trace);
  else if (trace.stop === null) task.kernel.signals.wake(task);
}

/** PTRACE_LISTEN: true if the task is in a stop that can be listened in. */
export function listen(trace: Trace): boolean {
  const { stop } = trace;
  if (!trace.seized || stop === null || stop.code >> 8 !== PTRACE_EVENT_STOP) return false;
  trace.listening = true;
  if (trace.trapWanted) retrap(trace);
  return true;
}
