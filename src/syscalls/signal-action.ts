/** Handlers, masks and the alternate stack: sigaction(2), sigprocmask(2), sigpending(2), sigaltstack(2), sigreturn(2). */
import { EFAULT, EINVAL, ENOMEM, EPERM, Errno, errno } from "../abi/errno.ts";
import {
  defaultAction,
  NSIG,
  SA_EXPOSE_TAGBITS,
  SA_NOCLDSTOP,
  SA_NOCLDWAIT,
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SA_RESTORER,
  SA_SIGINFO,
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SIGBUS,
  SIGFPE,
  SIGILL,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SIGTRAP,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
} from "../abi/signal.ts";
import { altStackFlags, onAltStack } from "../proc/deliver.ts";
import { NO_RESULT } from "../proc/scheduler.ts";
import { type SignalAction, SignalSet } from "../proc/signal-state.ts";
import type { Task } from "../proc/task.ts";
import { size } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { maskHow, readSignalSet, signal as signalArg, viewOf, writeSignalSet } from "./process-args.ts";
import {
  filledSignalAction,
  filledSignalSet,
  filledSignalStack,
  signalAction,
  signalFrame,
  signalSet,
  signalStack,
} from "./signal-args.ts";

const KNOWN_FLAGS =
  (SA_NOCLDSTOP |
    SA_NOCLDWAIT |
    SA_SIGINFO |
    SA_ONSTACK |
    SA_RESTART |
    SA_NODEFER |
    SA_RESETHAND |
    SA_EXPOSE_TAGBITS |
    SA_RESTORER) >>>
  0;

/** What instructions raise. */
const FAULT_SIGNALS: ReadonlySet<number> = new Set([SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV]);

/** struct sigaction of the kernel: handler, flags, restorer (not on riscv64), mask; eight bytes each. */
function readAction(task: Task, address: number): SignalAction {
  const restores = task.arch.hasRestorer;
  const bytes = task.space.readable(address, restores ? 32 : 24);
  const view = viewOf(bytes);
  const u64 = (at: number): number => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  const maskAt = restores ? 24 : 16;
  const mask = new SignalSet(view.getInt32(maskAt, true), view.getInt32(maskAt + 4, true));
  mask.delete(SIGKILL);
  mask.delete(SIGSTOP);
  const flags = (view.getUint32(8, true) & (restores ? KNOWN_FLAGS : KNOWN_FLAGS & ~SA_RESTORER)) >>> 0;
  return { handler: u64(0), flags, restorer: restores ? u64(16) : 0, mask };
}

function writeAction(task: Task, address: number, action: SignalAction): void {
  const restores = task.arch.hasRestorer;
  const view = viewOf(task.space.writable(address, restores ? 32 : 24));
  const u64 = (at: number, value: number): void => {
    view.setUint32(at, value % 2 ** 32, true);
    view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  };
  u64(0, action.handler);
  u64(8, action.flags);
  if (restores) u64(16, action.restorer);
  const maskAt = restores ? 24 : 16;
  view.setInt32(maskAt, action.mask.lo, true);
  view.setInt32(maskAt + 4, action.mask.hi, true);
}

function sigaction(task: Task, signal: number, act: number, old: number, setSize: number): number {
  if (setSize !== 8) throw errno(EINVAL);
  const action = act === 0 ? undefined : readAction(task, act);
  if (signal < 1 || signal > NSIG) throw errno(EINVAL);
  if (action !== undefined && (signal === SIGKILL || signal === SIGSTOP)) throw errno(EINVAL);
  const before = task.handlers.get(signal);
  if (action !== undefined) {
    task.handlers.set(signal, action);
    // It will see what the registers were when it happened.
    if (action.handler > SIG_IGN && FAULT_SIGNALS.has(signal)) task.mm.core.expectExact();
    if (isIgnored(signal, action.handler)) forget(task, signal);
  }
  if (old !== 0) writeAction(task, old, before);
  return 0;
}

function isIgnored(signal: number, handler: number): boolean {
  if (handler === SIG_IGN) return true;
  if (handler !== SIG_DFL) return false;
  const action = defaultAction(signal);
  return action === "ignore" || action === "continue";
}

/** POSIX 3.3.1.3: pending signals are discarded when they become ignored, blocked or not. */
function forget(task: Task, signal: number): void {
  const set = SignalSet.of(signal);
  task.process.pending.discard(set);
  for (const other of task.process.tasks) {
    other.pending.discard(set);
    task.kernel.signals.recalculate(other);
  }
}

function sigprocmask(task: Task, how: number, set: number, old: number, setSize: number): number {
  if (setSize !== 8) throw errno(EINVAL);
  const before = task.blocked.clone();
  if (set !== 0) {
    const change = readSignalSet(task, set, setSize);
    const next = before.clone();
    switch (how) {
      case SIG_BLOCK:
        next.lo |= change.lo;
        next.hi |= change.hi;
        break;
      case SIG_UNBLOCK:
        next.lo &= ~change.lo;
        next.hi &= ~change.hi;
        break;
      case SIG_SETMASK:
        next.assign(change);
        break;
      default:
        throw errno(EINVAL);
    }
    task.kernel.signals.setBlocked(task, next);
  }
  if (old !== 0) writeSignalSet(task, old, before);
  return 0;
}

function sigpending(task: Task, set: number, setSize: number): number {
  if (setSize > 8) throw errno(EINVAL);
  const { pending, blocked, process } = task;
  const lo = (pending.set.lo | process.pending.set.lo) & blocked.lo;
  const hi = (pending.set.hi | process.pending.set.hi) & blocked.hi;
  if (setSize === 8) writeSignalSet(task, set, new SignalSet(lo, hi));
  return 0;
}

interface StackFields {
  readonly sp: number;
  readonly size: number;
  readonly flags: number;
}

/** do_sigaltstack() */
function setAltStack(task: Task, wanted: StackFields, sp: number): void {
  const { altStack } = task;
  if (onAltStack(task, sp)) throw errno(EPERM);
  const mode = (wanted.flags & ~SS_AUTODISARM) >>> 0;
  if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) throw errno(EINVAL);
  if (mode === SS_DISABLE) Object.assign(altStack, { sp: 0, size: 0, flags: wanted.flags });
  else {
    if (wanted.size < task.arch.minSignalStack) throw errno(ENOMEM);
    Object.assign(altStack, wanted);
  }
}

function sigaltstack(task: Task, set: number, old: number): number {
  const sp = task.arch.registers.getSp(task.mm.context);
  const before = { sp: task.altStack.sp, size: task.altStack.size, flags: altStackFlags(task, sp) };
  if (set !== 0) {
    const { space } = task;
    space.readable(set, 24);
    setAltStack(
      task,
      { sp: space.readNumber64(set), flags: space.readU32(set + 8), size: space.readNumber64(set + 16) },
      sp,
    );
  }
  if (old !== 0) {
    const { space } = task;
    space.writable(old, 24).fill(0);
    space.writeNumber64(old, before.sp);
    space.writeU32(old + 8, before.flags);
    space.writeNumber64(old + 16, before.size);
  }
  return 0;
}

function sigreturn(task: Task): number {
  const { kernel, space, mm, arch } = task;
  try {
    const { mask, altStack, damaged } = arch.popSignalFrame(space, mm.context);
    task.restart = 0;
    kernel.signals.setBlocked(task, mask);
    if (damaged === true) throw errno(EFAULT);
    try {
      setAltStack(task, altStack, arch.registers.getSp(mm.context));
    } catch (e) {
      // restore_altstack() minds only an unreadable frame.
      if (!(e instanceof Errno)) throw e;
    }
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    kernel.signals.force(task, kernel.signals.fromKernel(SIGSEGV));
  }
  return NO_RESULT;
}

export const signalActionCalls: readonly SyscallDefinition[] = [
  syscall("rt_sigaction", [signalArg, signalAction, filledSignalAction, size], sigaction),
  syscall("rt_sigprocmask", [maskHow, signalSet(3), filledSignalSet(3), size], sigprocmask),
  syscall("rt_sigpending", [filledSignalSet(1), size], sigpending),
  syscall("sigaltstack", [signalStack, filledSignalStack], sigaltstack),
  syscall("rt_sigreturn", [signalFrame], sigreturn, { noResult: true }),
];
