/** Processes as descriptors: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2). */
import { CAP_SYS_PTRACE } from "../abi/capability.ts";
import { EBADF, EINVAL, EPERM, ESRCH, errno } from "../abi/errno.ts";
import { NSIG } from "../abi/signal.ts";
import { makePidFile, PidFile } from "../proc/pidfd.ts";
import { ProcessDirectory } from "../proc/procfs/process.ts";
import type { Task } from "../proc/task.ts";
import type { ThreadGroup } from "../proc/thread-group.ts";
import { fd, flags, uint } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { fdLimit } from "./file-util.ts";
import { pid as pidArg, signal as signalArg } from "./process-args.ts";
import { siginfo } from "./signal-args.ts";
import { readInfo } from "./signal-send.ts";

const PIDFD_NONBLOCK = 0o4000;

function open(task: Task, pid: number, bits: number): number {
  if (bits & ~PIDFD_NONBLOCK || pid <= 0) return -EINVAL;
  const process = task.findProcess(pid);
  if (process === undefined) return task.find(pid) !== undefined ? -EINVAL : -ESRCH;
  return task.files.add(makePidFile(task, process, bits), true, fdLimit(task));
}

function pidFile(task: Task, number: number): PidFile {
  const file = task.files.get(number);
  if (!(file instanceof PidFile)) throw errno(EBADF);
  return file;
}

/** A process by a pidfd, or by its directory in /proc (tgid_pidfd_to_pid()). */
function processOf(task: Task, number: number): ThreadGroup {
  const file = task.files.get(number);
  if (file instanceof PidFile) return file.process;
  if (file.inode instanceof ProcessDirectory) return file.inode.task.process;
  throw errno(EBADF);
}

function sendSignal(task: Task, number: number, signal: number, info: number, bits: number): number {
  if (bits !== 0) return -EINVAL;
  const process = processOf(task, number);
  const { signals } = task.kernel;
  if (signal < 0 || signal > NSIG) return -EINVAL;
  if (info !== 0 && (task.space.readU32(info) | 0) !== signal) return -EINVAL;
  const given = info === 0 ? signals.fromUser(task, signal) : readInfo(task, signal, info, process === task.process);
  if (process.exited && task.kernel.processes.get(process.pid) !== process) return -ESRCH;
  return signals.sendChecked(task, [process], given).result;
}

function getDescriptor(task: Task, number: number, target: number, bits: number): number {
  if (bits !== 0) return -EINVAL;
  const { process } = pidFile(task, number);
  if (process.exited) return -ESRCH;
  const from = process.leader;
  const c = from.credentials;
  const mine = task.credentials;
  const same =
    mine.uid === c.uid && mine.uid === c.euid && mine.uid === c.suid && mine.gid === c.gid && mine.gid === c.egid;
  if (process !== task.process && !(same && process.dumpable === 1) && !task.capable(CAP_SYS_PTRACE)) return -EPERM;
  const file = from.files.peek(target);
  if (file === undefined) return -EBADF;
  return task.files.add(file, true, fdLimit(task));
}

/** The memory of a process that is being killed goes at its end, which is at hand. */
function release(task: Task, number: number, bits: number): number {
  if (bits !== 0) return -EINVAL;
  const { process } = pidFile(task, number);
  if (process.exited) return -ESRCH;
  return process.exiting ? 0 : -EINVAL;
}

export const pidfdCalls: readonly SyscallDefinition[] = [
  syscall("pidfd_open", [pidArg, flags([[PIDFD_NONBLOCK, "PIDFD_NONBLOCK"]])], open),
  syscall("pidfd_send_signal", [fd, signalArg, siginfo, uint], sendSignal),
  syscall("process_mrelease", [fd, uint], release),
  syscall("pidfd_getfd", [fd, fd, uint], getDescriptor),
];
