/**
 * Taking signals: what a task does about pending ones on its way back to the guest. After get_signal() and
 * handle_signal() of Linux.
 */
import { EINTR, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTNOINTR, ERESTARTSYS, Errno } from "../abi/errno.ts";
import {
  defaultAction,
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SIG_DFL,
  SIG_IGN,
  SIGBUS,
  SIGFPE,
  SIGILL,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SIGSYS,
  SIGTRAP,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
} from "../abi/signal.ts";
import { dumpCore } from "./core-dump.ts";
import { exitGroup, exitTask } from "./exit.ts";
import { stopForSignal, stopWithGroup } from "./ptrace.ts";
import { restartSequence } from "./rseq.ts";
import { type PendingSignals, type SignalAction, type SignalInfo, SignalSet } from "./signal-state.ts";
import type { Task } from "./task.ts";

/** Faults are taken before anything else, so that their frame shows the instruction that made them. */
const SYNCHRONOUS = SignalSet.of(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);

/** In a status as wait4(2) has it. */
const CORE_DUMPED = 0x80;

/**
 * Handles what is pending. The task is loaded.
 * @returns false if the task does not go on: it has stopped or ended.
 */
export function deliverSignals(task: Task): boolean {
  const { process, kernel } = task;
  for (;;) {
    if (process.continueUnreported) kernel.signals.reportContinued(process);
    const { trace } = task;
    if (trace !== null && !kernel.signals.dying(task)) {
      if (stopWithGroup(task, trace)) return false;
    } else if (process.stopped && !kernel.signals.dying(task)) {
      task.state = "stopped";
      kernel.observer?.taskStopped?.(task, process.stopSignal);
      kernel.signals.taskStopped(task);
      return false;
    }
    if (kernel.signals.dying(task)) {
      if (process.exiting || !task.exitRequested) exitGroup(task, process.exiting ? process.exitStatus : SIGKILL);
      else exitTask(task, task.exitCode);
      return false;
    }
    const { injected } = task;
    task.injected = null;
    const info = injected ?? take(task, task.blocked);
    if (info === undefined) {
      withoutHandler(task);
      kernel.signals.recalculate(task);
      return true;
    }
    const { signal } = info;
    if (injected !== null && task.blocked.has(signal)) {
      task.pending.add(info);
      continue;
    }
    if (trace !== null && injected === null && signal !== SIGKILL && stopForSignal(task, info)) return false;
    const action = task.handlers.get(signal);
    kernel.observer?.signalDelivered?.(task, info);
    if (action.handler === SIG_IGN) continue;
    if (action.handler !== SIG_DFL) {
      if (action.flags & SA_RESETHAND) task.handlers.set(signal, { ...action, handler: SIG_DFL });
      enterHandler(task, info, action);
      kernel.signals.recalculate(task);
      if (task.signalPending) continue;
      return true;
    }
    if (process.unkillable && signal !== SIGKILL && signal !== SIGSTOP) continue;
    switch (defaultAction(signal)) {
      case "ignore":
      case "continue":
        continue;
      case "stop":
        // Nobody could continue an orphaned group, so only SIGSTOP stops it (POSIX, signal(7)).
        if (signal !== SIGSTOP && process.group.orphaned()) continue;
        kernel.signals.beginStop(process, signal);
        continue;
      case "core":
        exitGroup(task, !process.exiting && dumpCore(task, info) ? signal | CORE_DUMPED : signal);
        return false;
      default:
        exitGroup(task, signal);
        return false;
    }
  }
}

/** dequeue_signal(): faults, then the lowest number, the task's own before the process's. */
export function take(task: Task, blocked: SignalSet): SignalInfo | undefined {
  const own = task.pending;
  const shared = task.process.pending;
  const info = takeFrom(own, blocked) ?? takeFrom(shared, blocked);
  task.kernel.signals.recalculate(task);
  return info;
}

function takeFrom(queue: PendingSignals, blocked: SignalSet): SignalInfo | undefined {
  const lo = queue.set.lo & ~blocked.lo;
  const hi = queue.set.hi & ~blocked.hi;
  if ((lo | hi) === 0) return undefined;
  return queue.take(lowest(lo & SYNCHRONOUS.lo, 0) || lowest(lo, hi));
}

/** Lowest signal of a set, 0 if it is empty. */
function lowest(lo: number, hi: number): number {
  if (lo !== 0) return 32 - Math.clz32(lo & -lo);
  if (hi !== 0) return 64 - Math.clz32(hi & -hi);
  return 0;
}

/** The interrupted call when no handler runs: it is made again, as if nothing had happened. */
function withoutHandler(task: Task): void {
  const code = task.restart;
  task.restart = 0;
  if (code !== 0) {
    const { arch } = task;
    const number = code === ERESTART_RESTARTBLOCK ? (arch.numbers["restart_syscall"] as number) : task.syscallNumber;
    arch.rewindSyscall(task.mm.context, number, task.syscallArg0Lo, task.syscallArg0Hi);
  }
  if (task.savedMask !== null) {
    const mask = task.savedMask;
    task.savedMask = null;
    task.kernel.signals.setBlocked(task, mask);
  }
}

function enterHandler(task: Task, info: SignalInfo, action: SignalAction): void {
  const { kernel, space, arch } = task;
  const { context } = task.mm;
  const code = task.restart;
  task.restart = 0;
  switch (code) {
    case ERESTARTSYS:
      if (action.flags & SA_RESTART) {
        arch.rewindSyscall(context, task.syscallNumber, task.syscallArg0Lo, task.syscallArg0Hi);
      } else arch.registers.setSyscallResult(context, -EINTR);
      break;
    case ERESTARTNOINTR:
      arch.rewindSyscall(context, task.syscallNumber, task.syscallArg0Lo, task.syscallArg0Hi);
      break;
    case ERESTARTNOHAND:
    case ERESTART_RESTARTBLOCK:
      arch.registers.setSyscallResult(context, -EINTR);
      break;
  }
  if (task.rseq !== null) restartSequence(task, task.rseq);
  const mask = (task.savedMask ?? task.blocked).clone();
  const { altStack } = task;
  const sp = arch.registers.getSp(context);
  const onAlternate = onAltStack(task, sp);
  const switches = (action.flags & SA_ONSTACK) !== 0 && altStack.size !== 0 && !onAlternate;
  try {
    arch.pushSignalFrame(space, context, {
      info,
      action,
      mask,
      altStack: { sp: altStack.sp, size: altStack.size, flags: altStackFlags(task, sp) },
      stackTop: switches ? altStack.sp + altStack.size : sp,
      onCurrentStack: !switches,
      fault: task.fault,
    });
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    // No room for the frame: SIGSEGV, and if that is what was being delivered, without a handler.
    if (info.signal === SIGSEGV) task.handlers.set(SIGSEGV, { ...action, handler: SIG_DFL });
    kernel.signals.force(task, kernel.signals.fromKernel(SIGSEGV));
    return;
  }
  if (altStack.flags & SS_AUTODISARM) Object.assign(altStack, { sp: 0, size: 0, flags: SS_DISABLE });
  task.savedMask = null;
  const blocked = task.blocked.clone();
  blocked.lo |= action.mask.lo;
  blocked.hi |= action.mask.hi;
  if ((action.flags & SA_NODEFER) === 0) blocked.add(info.signal);
  kernel.signals.setBlocked(task, blocked);
}

/** True if the stack pointer is within the alternate stack (on_sig_stack). */
export function onAltStack(task: Task, sp: number): boolean {
  const { altStack } = task;
  if (altStack.flags & SS_AUTODISARM) return false;
  return sp > altStack.sp && sp - altStack.sp <= altStack.size;
}

/** The flags as sigaltstack(2) shows them (sas_ss_flags). */
export function altStackFlags(task: Task, sp: number): number {
  const { altStack } = task;
  const sticky = (altStack.flags & SS_AUTODISARM) >>> 0;
  if (altStack.size === 0) return (SS_DISABLE | sticky) >>> 0;
  return ((onAltStack(task, sp) ? SS_ONSTACK : 0) | sticky) >>> 0;
}
