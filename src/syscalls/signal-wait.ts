/** Waiting for signals: sigsuspend(2), pause(2), sigtimedwait(2), restart_syscall(2). */
import { EAGAIN, EINTR, EINVAL, ERESTARTNOHAND, errno } from "../abi/errno.ts";
import { encodeSiginfo } from "../abi/siginfo.ts";
import { SIGKILL, SIGSTOP, signalName } from "../abi/signal.ts";
import { take } from "../proc/deliver.ts";
import { type SignalInfo, SignalSet } from "../proc/signal-state.ts";
import type { Task } from "../proc/task.ts";
import { block, sleep, Woken } from "../proc/wait.ts";
import { size } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { readSignalSet, readTimespec } from "./process-args.ts";
import { filledSiginfo, signalSet } from "./signal-args.ts";
import { timespec } from "./time-args.ts";

/** Until a signal comes: -ERESTARTNOHAND. */
function untilSignal(task: Task): SyscallResult {
  return block(task, undefined, () => -EAGAIN, { interrupted: -ERESTARTNOHAND });
}

function sigsuspend(task: Task, set: number, setSize: number): SyscallResult {
  const mask = readSignalSet(task, set, setSize);
  // Delivery puts the old mask back, after a handler's frame has recorded it.
  task.savedMask = task.blocked.clone();
  task.kernel.signals.setBlocked(task, mask);
  return untilSignal(task);
}

function sigtimedwait(task: Task, set: number, info: number, timeout: number, setSize: number): SyscallResult {
  const wanted = readSignalSet(task, set, setSize);
  wanted.delete(SIGKILL);
  wanted.delete(SIGSTOP);
  const ns = timeout === 0 ? Number.POSITIVE_INFINITY : readTimespec(task, timeout);
  const others = new SignalSet(~wanted.lo, ~wanted.hi);
  const found = take(task, others);
  if (found !== undefined) return report(task, found, info);
  if (ns === 0) return -EAGAIN;
  return waitFor(task, wanted, others, info, task.kernel.now() + ns);
}

async function waitFor(
  task: Task,
  wanted: SignalSet,
  others: SignalSet,
  info: number,
  deadline: number,
): Promise<number> {
  const { signals } = task.kernel;
  const real = task.blocked.clone();
  // Unblocked meanwhile, so that they wake the task, but neither ignored nor fatal (Linux: real_blocked).
  task.awaited = real;
  signals.setBlocked(task, new SignalSet(real.lo & ~wanted.lo, real.hi & ~wanted.hi));
  const woken = await sleep(task, undefined, { deadline });
  task.awaited = null;
  signals.setBlocked(task, real);
  const found = take(task, others);
  if (found !== undefined) return report(task, found, info);
  return woken === Woken.Timeout ? -EAGAIN : -EINTR;
}

function report(task: Task, found: SignalInfo, address: number): number {
  if (address !== 0) task.space.copyOut(address, encodeSiginfo(found));
  return found.signal;
}

function restartSyscall(task: Task): SyscallResult {
  const block = task.restartBlock;
  task.restartBlock = null;
  if (block === null) throw errno(EINTR);
  return block(task);
}

export const signalWaitCalls: readonly SyscallDefinition[] = [
  syscall("pause", [], untilSignal),
  syscall("rt_sigsuspend", [signalSet(1), size], sigsuspend),
  syscall(
    "rt_sigtimedwait",
    [signalSet(3), filledSiginfo, timespec, size],
    (task, set, info, timeout, setSize) => {
      if (setSize !== 8) throw errno(EINVAL);
      return sigtimedwait(task, set, info, timeout, setSize);
    },
    { printResult: (signal) => `${signal} (${signalName(signal)})` },
  ),
  syscall("restart_syscall", [], restartSyscall),
];
