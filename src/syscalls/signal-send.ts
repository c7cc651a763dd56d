/** Sending signals: kill(2), tkill(2), rt_sigqueueinfo(2). */
import { EINVAL, EPERM, ESRCH, errno } from "../abi/errno.ts";
import { SIGINFO_SIZE } from "../abi/siginfo.ts";
import { NSIG, SI_TKILL } from "../abi/signal.ts";
import type { SignalInfo } from "../proc/signal-state.ts";
import type { Task } from "../proc/task.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { pid as pidArg, signal as signalArg, viewOf } from "./process-args.ts";
import { siginfo } from "./signal-args.ts";

function checkSignal(signal: number): void {
  if (signal < 0 || signal > NSIG) throw errno(EINVAL);
}

function kill(task: Task, pid: number, signal: number): number {
  const { kernel } = task;
  const { signals } = kernel;
  const info = signals.fromUser(task, signal);
  if (pid > 0) {
    const target = task.find(pid);
    if (target === undefined) throw errno(ESRCH);
    checkSignal(signal);
    return signals.sendChecked(task, [target.process], info).result;
  }
  if (pid === -1) {
    checkSignal(signal);
    const others = [...kernel.processes.values()].filter((p) => p !== task.process && task.numberOf(p.pid) > 1);
    const { found, result } = signals.sendChecked(task, others, info);
    if (!found) throw errno(ESRCH);
    return result === -EPERM ? 0 : result;
  }
  if (pid === -(2 ** 31)) throw errno(ESRCH);
  const group = pid === 0 ? task.process.group : task.findGroup(-pid);
  if (group === undefined || group.members.size === 0) throw errno(ESRCH);
  checkSignal(signal);
  return signals.sendChecked(task, [...group.members], info).result;
}

/** @param group the process that the task must belong to, or -1 for any */
function killTask(task: Task, group: number, tid: number, info: SignalInfo): number {
  const target = task.find(tid);
  if (target === undefined || (group > 0 && task.numberOf(target.process.pid) !== group)) throw errno(ESRCH);
  checkSignal(info.signal);
  if (!task.kernel.signals.permitted(task, target.process, info.signal)) throw errno(EPERM);
  if (info.signal === 0 || target.state === "zombie") return 0;
  return task.kernel.signals.sendToTask(target, info);
}

function tgkill(task: Task, group: number, tid: number, signal: number): number {
  if (group <= 0 || tid <= 0) throw errno(EINVAL);
  return killTask(task, group, tid, task.kernel.signals.fromUser(task, signal, SI_TKILL));
}

function tkill(task: Task, tid: number, signal: number): number {
  if (tid <= 0) throw errno(EINVAL);
  return killTask(task, -1, tid, task.kernel.signals.fromUser(task, signal, SI_TKILL));
}

/** The caller's own siginfo_t; it may not pass for one that kill or the kernel has made. */
export function readInfo(task: Task, signal: number, address: number, toSelf: boolean): SignalInfo {
  const raw = task.space.copyIn(address, SIGINFO_SIZE);
  viewOf(raw).setInt32(0, signal, true);
  const info = siginfoOf(raw);
  if ((info.code >= 0 || info.code === SI_TKILL) && !toSelf) throw errno(EPERM);
  return info;
}

/** What a siginfo_t says that a program has made. */
export function siginfoOf(raw: Uint8Array): SignalInfo {
  const view = viewOf(raw);
  return {
    signal: view.getInt32(0, true),
    code: view.getInt32(8, true),
    errno: view.getInt32(4, true),
    pid: view.getInt32(16, true),
    uid: view.getUint32(20, true),
    value: view.getBigUint64(24, true),
    raw,
  };
}

function sigqueueinfo(task: Task, pid: number, signal: number, address: number): number {
  const info = readInfo(task, signal, address, pid === task.numberOf(task.pid));
  const target = task.find(pid);
  if (target === undefined) throw errno(ESRCH);
  checkSignal(signal);
  const { result } = task.kernel.signals.sendChecked(task, [target.process], info);
  return result;
}

function tgsigqueueinfo(task: Task, group: number, tid: number, signal: number, address: number): number {
  if (group <= 0 || tid <= 0) throw errno(EINVAL);
  return killTask(task, group, tid, readInfo(task, signal, address, tid === task.number));
}

export const signalSendCalls: readonly SyscallDefinition[] = [
  syscall("kill", [pidArg, signalArg], kill),
  syscall("tkill", [pidArg, signalArg], tkill),
  syscall("tgkill", [pidArg, pidArg, signalArg], tgkill),
  syscall("rt_sigqueueinfo", [pidArg, signalArg, siginfo], sigqueueinfo),
  syscall("rt_tgsigqueueinfo", [pidArg, pidArg, signalArg, siginfo], tgsigqueueinfo),
];
