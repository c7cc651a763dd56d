/** New tasks: clone(2), fork(2), vfork(2), and the first process of a machine. After kernel/fork.c of Linux. */

import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from "../abi/capability.ts";
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_CLEAR_SIGHAND,
  CLONE_FILES,
  CLONE_FS,
  CLONE_INTO_CGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_SETTLS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
} from "../abi/clone.ts";
import { EAGAIN, EBADF, EEXIST, EINVAL, ENOMEM, EPERM, ERESTARTNOINTR, Errno, errno } from "../abi/errno.ts";
import { RLIMIT_NOFILE, RLIMIT_NPROC } from "../abi/resource.ts";
import { SS_DISABLE } from "../abi/signal.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { Mm } from "./mm.ts";
import { outwards, PID_MAX, type PidNamespace } from "./pid-namespace.ts";
import { makePidFile } from "./pidfd.ts";
import { cloneEvent, stopInCall, traceNewTask, vforkDone } from "./ptrace.ts";
import { Task } from "./task.ts";
import { ThreadGroup } from "./thread-group.ts";
import { enterChosenTime } from "./time-namespace.ts";
import { newNamespaces, unshareMounts } from "./unshare.ts";
import { sleep } from "./wait.ts";

/** struct clone_args, less what is not there: cgroups. */
export interface CloneArgs {
  /** CLONE_*, without the exit signal. */
  readonly flags: number;
  readonly exitSignal: number;
  /** The child's stack pointer; 0: the parent's. */
  readonly stackPointer: number;
  readonly parentTid: number;
  /** Where CLONE_PIDFD stores the descriptor. */
  readonly pidfd: number;
  readonly childTid: number;
  readonly tls: number;
  /** The child's numbers, from its innermost PID namespace outwards, as far as they are chosen. */
  readonly tids?: readonly number[];
}

/** Flags beyond 32 bits: bit operations would lose them. */
function has(flags: number, flag: number): boolean {
  return Math.floor(flags / flag) % 2 === 1;
}

/** Makes a task like the caller; the result is its tid, for CLONE_VFORK once it has let go of the memory. */
export function clone(task: Task, args: CloneArgs): number | Promise<number> {
  const { flags } = args;
  checkFlags(task, flags);
  // The child must not miss a signal that is sent to all of the group now: deliver first, then clone.
  if (task.signalPending) {
    task.kernel.signals.recalculate(task);
    if (task.signalPending) return -ERESTARTNOINTR;
  }
  if (has(flags, CLONE_PIDFD)) {
    task.space.writable(args.pidfd, 4);
    task.files.checkRoom(1, task.limit(RLIMIT_NOFILE));
  }
  const child = copyTask(task, args);
  if (has(flags, CLONE_PIDFD)) {
    const file = makePidFile(task, child.process, 0);
    task.space.writeU32(args.pidfd, task.files.add(file, true, task.limit(RLIMIT_NOFILE)));
  }
  if (has(flags, CLONE_PARENT_SETTID)) {
    try {
      task.space.writeU32(args.parentTid, task.numberOf(child.tid));
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
    }
  }
  const tid = task.numberOf(child.tid);
  // An event tells the tracer by which number the child is known to it.
  const message = task.trace === null ? tid : task.trace.tracer.pids.number(child.tid);
  const done = has(flags, CLONE_VFORK) ? new WaitQueue() : null;
  child.vforkDone = done;
  const event = cloneEvent(task, flags, args.exitSignal);
  traceNewTask(task, child, flags, event);
  task.kernel.observer?.taskStarted?.(child, task);
  task.kernel.scheduler.ready(child);
  if (done !== null) return vforkResult(task, child, done, message, event);
  if (event !== 0) task.trace?.due.push({ event, message });
  return tid;
}

async function vforkResult(task: Task, child: Task, done: WaitQueue, message: number, event: number): Promise<number> {
  if (event !== 0) await stopInCall(task, event, message);
  while (child.vforkDone === done && !task.kernel.signals.dying(task)) await sleep(task, done, { killable: true });
  await vforkDone(task, message);
  return task.numberOf(child.tid);
}

function checkFlags(task: Task, flags: number): void {
  if (has(flags, CLONE_FS) && has(flags, CLONE_NEWNS)) throw errno(EINVAL);
  if (has(flags, CLONE_FS) && has(flags, CLONE_NEWUSER)) throw errno(EINVAL);
  if (has(flags, CLONE_THREAD) && !has(flags, CLONE_SIGHAND)) throw errno(EINVAL);
  if (has(flags, CLONE_SIGHAND) && !has(flags, CLONE_VM)) throw errno(EINVAL);
  if (has(flags, CLONE_CLEAR_SIGHAND) && has(flags, CLONE_SIGHAND)) throw errno(EINVAL);
  if (has(flags, CLONE_PIDFD) && has(flags, CLONE_THREAD)) throw errno(EINVAL);
  // Siblings of a namespace's init would have no parent in it.
  if (has(flags, CLONE_PARENT) && task.process.unkillable) throw errno(EINVAL);
  if (has(flags, CLONE_THREAD)) {
    if (has(flags, CLONE_NEWUSER) || has(flags, CLONE_NEWPID)) throw errno(EINVAL);
    if (task.namespaces.pidsOfChildren !== task.process.pids) throw errno(EINVAL);
  }
  if (has(flags, CLONE_NEWIPC) && has(flags, CLONE_SYSVSEM)) throw errno(EINVAL);
  // There is no directory of a control group.
  if (has(flags, CLONE_INTO_CGROUP)) throw errno(EBADF);
}

function checkProcessLimit(task: Task): void {
  const limit = task.limit(RLIMIT_NPROC);
  if (limit === Number.POSITIVE_INFINITY || task.credentials.uid === 0) return;
  if (task.capable(CAP_SYS_RESOURCE) || task.capable(CAP_SYS_ADMIN)) return;
  let count = 0;
  for (const other of task.kernel.tasks.values()) if (other.credentials.uid === task.credentials.uid) count++;
  if (count >= limit) throw errno(EAGAIN);
}

/** alloc_pid() */
function newId(task: Task, pids: PidNamespace, chosen: readonly number[] | undefined): number {
  const { kernel } = task;
  if (chosen !== undefined) {
    let depth = 0;
    for (const ns of outwards(pids)) {
      const number = chosen[depth++];
      if (number === undefined) break;
      if (number < 1 || number >= PID_MAX) throw errno(EINVAL);
      // The first of a namespace is its init.
      if (number !== 1 && ns.init === null) throw errno(EINVAL);
      if (!task.credentials.capableIn(CAP_SYS_ADMIN, kernel.registry.of(ns).owner)) throw errno(EPERM);
    }
    if (depth < chosen.length) throw errno(EINVAL);
  }
  for (const ns of outwards(pids)) if (ns.closed) throw errno(ENOMEM);
  const id = kernel.allocateId(pids, chosen);
  if (id === undefined) throw errno(chosen === undefined ? EAGAIN : EEXIST);
  return id;
}

function copyTask(task: Task, args: CloneArgs): Task {
  const { kernel, process } = task;
  const { registers } = task.arch;
  const { flags } = args;
  checkProcessLimit(task);
  if (kernel.tasks.size - kernel.ownTasks >= kernel.maxTasks) throw errno(EAGAIN);
  // Its share of the processor is a task's own (sched_fork).
  if (task.deadline !== null) throw errno(EAGAIN);
  const { credentials, namespaces } = newNamespaces(task, flags);
  const pids = has(flags, CLONE_THREAD) ? process.pids : namespaces.pidsOfChildren;
  const tid = newId(task, pids, args.tids);

  // The one step that can fail for want of memory comes before anything that would have to be undone.
  const sharesMemory = has(flags, CLONE_VM);
  const mm = sharesMemory ? task.mm : new Mm(task.space.fork(), task.arch);
  mm.coreFilter = task.mm.coreFilter;
  mm.acquire();
  let { files, fs, handlers } = task;
  if (has(flags, CLONE_FILES)) files.references++;
  else files = files.clone();
  if (has(flags, CLONE_FS)) fs.references++;
  else fs = fs.clone();
  if (has(flags, CLONE_NEWNS)) unshareMounts(kernel, fs, credentials);
  if (!has(flags, CLONE_SIGHAND)) handlers = has(flags, CLONE_CLEAR_SIGHAND) ? handlers.afterExec() : handlers.clone();

  const thread = has(flags, CLONE_THREAD);
  const childProcess = thread ? process : newProcess(task, tid, pids, has(flags, CLONE_PARENT), args.exitSignal);
  const child = new Task({ process: childProcess, tid, mm, fs, files, handlers, credentials, namespaces });
  if (!thread) childProcess.leader = child;
  childProcess.tasks.add(child);
  kernel.tasks.set(tid, child);
  kernel.forks++;

  if (!sharesMemory) enterChosenTime(child);
  child.comm = task.comm;
  inheritScheduling(task, child);
  if (!sharesMemory) child.rseq = task.rseq;
  child.ioPriority = task.ioPriority;
  child.personality = task.personality;
  child.timerSlack = task.timerSlack;
  child.blocked.assign(task.blocked);
  child.seccomp = task.seccomp;
  if (!sharesMemory || has(flags, CLONE_VFORK)) Object.assign(child.altStack, task.altStack);
  else Object.assign(child.altStack, { sp: 0, size: 0, flags: SS_DISABLE });
  if (has(flags, CLONE_CHILD_CLEARTID)) child.clearChildTid = args.childTid;

  let context: DataView;
  if (sharesMemory) {
    const live = task.mm.context;
    child.savedContext = new Uint8Array(live.buffer, live.byteOffset, registers.contextSize).slice();
    context = new DataView(child.savedContext.buffer);
  } else {
    mm.loaded = child;
    ({ context } = mm);
  }
  registers.setSyscallResult(context, 0);
  registers.startChild?.(context);
  child.vectorControl = task.vectorControl;
  if (args.stackPointer !== 0) registers.setSp(context, args.stackPointer);
  if (has(flags, CLONE_SETTLS)) registers.setTls(context, args.tls);
  if (has(flags, CLONE_CHILD_SETTID)) {
    try {
      child.space.writeU32(args.childTid, child.number);
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
    }
  }
  return child;
}

const SCHED_OTHER = 0;
const SCHED_FIFO = 1;
const SCHED_RR = 2;

/** sched_fork(): a policy that is not to be inherited is left behind, and a nice value below 0 with it. */
function inheritScheduling(task: Task, child: Task): void {
  child.nice = task.nice;
  child.policy = task.policy;
  if (!task.resetOnFork) {
    child.realtimePriority = task.realtimePriority;
    if (child.realtimePriority > 0) task.kernel.scheduler.realtimeTasks++;
    return;
  }
  if (task.policy === SCHED_FIFO || task.policy === SCHED_RR) {
    child.policy = SCHED_OTHER;
    child.nice = 0;
  } else if (task.nice < 0) child.nice = 0;
}

function newProcess(task: Task, pid: number, pids: PidNamespace, siblings: boolean, exitSignal: number): ThreadGroup {
  const { kernel, process } = task;
  const parent = siblings ? process.parent : process;
  const { group } = process;
  const child = new ThreadGroup({ kernel, pid, pids, parent, group, limits: [...process.limits] });
  child.exitSignal = siblings ? process.exitSignal : exitSignal;
  child.dumpable = process.dumpable;
  child.memoryFailure = process.memoryFailure;
  child.oomAdjustment = process.oomAdjustment;
  child.oomAdjustmentFloor = process.oomAdjustmentFloor;
  process.group.members.add(child);
  parent?.children.add(child);
  child.unkillable = pids.init === null;
  kernel.addProcess(child);
  return child;
}
