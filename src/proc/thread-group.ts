/**
 * A process: the tasks that share a pid, and what they share. (Linux: signal_struct.) Address space, files and the like
 * are not here, since clone(2) lets tasks of different processes share them: each task holds references of its own.
 */
import { RLIM_NLIMITS } from "../abi/resource.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import type { IntervalTimers } from "./interval-timers.ts";
import type { Kernel } from "./kernel.ts";
import type { PidNamespace } from "./pid-namespace.ts";
import type { Trace } from "./ptrace.ts";
import type { ProcessGroup } from "./session.ts";
import { PendingSignals } from "./signal-state.ts";
import type { Task } from "./task.ts";

export interface ResourceLimit {
  /** The value or Infinity. */
  readonly soft: number;
  readonly hard: number;
}

/** CPU time and events, in nanoseconds and counts. */
export class Usage {
  utime = 0;
  stime = 0;
  minorFaults = 0;
  majorFaults = 0;
  voluntarySwitches = 0;
  involuntarySwitches = 0;
  /** Peak resident set, KiB. */
  maxRss = 0;
  /** By read(2), write(2) and their kin: /proc/[pid]/io. */
  reads = 0;
  writes = 0;
  bytesRead = 0;
  bytesWritten = 0;

  add(other: Usage): void {
    this.utime += other.utime;
    this.stime += other.stime;
    this.minorFaults += other.minorFaults;
    this.majorFaults += other.majorFaults;
    this.voluntarySwitches += other.voluntarySwitches;
    this.involuntarySwitches += other.involuntarySwitches;
    this.reads += other.reads;
    this.writes += other.writes;
    this.bytesRead += other.bytesRead;
    this.bytesWritten += other.bytesWritten;
    this.maxRss = Math.max(this.maxRss, other.maxRss);
  }
}

/** A change of state that the parent has not yet asked for: wait4(2)'s WUNTRACED and WCONTINUED. */
export type ReportableChange = "none" | "stopped" | "continued";

export interface ThreadGroupOptions {
  readonly kernel: Kernel;
  readonly pid: number;
  readonly pids: PidNamespace;
  readonly parent: ThreadGroup | null;
  readonly group: ProcessGroup;
  readonly limits: ResourceLimit[];
}

export class ThreadGroup {
  readonly kernel: Kernel;
  /** As the kernel knows it: its number in the machine's own PID namespace. */
  readonly pid: number;
  /** The innermost PID namespace that sees it: where it takes its own numbers from. */
  readonly pids: PidNamespace;
  /** The task whose tid is the pid. It stays as a zombie if it ends before the other threads. */
  leader!: Task;
  /** Tasks that have not exited. */
  readonly tasks: Set<Task> = new Set();
  parent: ThreadGroup | null;
  readonly children: Set<ThreadGroup> = new Set();
  /** Tasks that this process traces (ptrace.ts). */
  readonly tracees: Set<Trace> = new Set();
  group: ProcessGroup;
  /** Woken when a child changes state. */
  readonly childQueue: WaitQueue = new WaitQueue();
  /** Woken when this process exits: pidfds and those who wait for the end of the machine. */
  readonly exitQueue: WaitQueue = new WaitQueue();
  /** Woken when one of several threads ends. */
  readonly threadQueue: WaitQueue = new WaitQueue();
  /** Woken when a signal becomes pending for the process or one of its threads: signalfd. */
  readonly signalQueue: WaitQueue = new WaitQueue();
  /** Pending signals of the process as a whole. */
  readonly pending: PendingSignals = new PendingSignals();
  readonly limits: ResourceLimit[];
  /** Sent to the parent when the process ends; SIGCHLD for fork, 0 for none. */
  exitSignal: number;

  /** All tasks are gone; `exitStatus` is what wait4(2) returns. */
  exited = false;
  /** As wait4(2) encodes it: exit code << 8, or the signal that killed it (| 0x80 with core dump). */
  exitStatus = 0;
  /** It has exited, but its parent is told only when its tracer has waited for it. */
  tellParent: (() => void) | null = null;
  /** Set once the process is on its way out: every task that comes by exits with it. */
  exiting = false;
  /** The job-control stop that is in force: all tasks are stopped until SIGCONT. */
  stopped = false;
  stopSignal = 0;
  change: ReportableChange = "none";
  /** It has been continued, and its parent is to be told when it runs. (Linux: SIGNAL_CLD_CONTINUED) */
  continueUnreported = false;

  /** setsid(2) is not allowed for it, and setpgid(2) by its parent neither, once it has called execve(2). */
  hasExecuted = false;
  /**
   * The first of its PID namespace: signals that it has no handler for do nothing to it, but SIGKILL and SIGSTOP from outside of
   * the namespace. (Linux: SIGNAL_UNKILLABLE)
   */
  unkillable = false;
  /** Orphaned descendants come to this process instead of init (PR_SET_CHILD_SUBREAPER). */
  childSubreaper = false;
  /** prctl(PR_SET_DUMPABLE) */
  dumpable = 1;
  /** prctl(PR_MCE_KILL): PR_MCE_KILL_DEFAULT unless something else was chosen. */
  memoryFailure = 2;
  /** /proc/[pid]/oom_score_adj, and how low it may be set without privilege. */
  oomAdjustment = 0;
  oomAdjustmentFloor = 0;
  /** Who logged in, for the audit system; 2^32 - 1: nobody has. */
  loginuid = 0xffff_ffff;
  /** Monotonic time of the start, nanoseconds. */
  readonly startTime: number;
  /** Of tasks that have ended, and of children that were waited for. */
  readonly usage: Usage = new Usage();
  readonly childUsage: Usage = new Usage();
  timers: IntervalTimers | null = null;

  constructor({ kernel, pid, pids, parent, group, limits }: ThreadGroupOptions) {
    this.kernel = kernel;
    this.pid = pid;
    this.pids = pids;
    this.parent = parent;
    this.group = group;
    this.limits = limits;
    this.exitSignal = 0;
    if (parent !== null) this.loginuid = parent.loginuid;
    this.startTime = kernel.now();
    if (limits.length !== RLIM_NLIMITS) throw new Error("a process needs all resource limits");
  }

  /** CPU time of the whole process until now, nanoseconds. */
  times(): { utime: number; stime: number } {
    let { utime, stime } = this.usage;
    for (const task of this.tasks) {
      utime += task.usage.utime;
      stime += task.usage.stime;
    }
    return { utime, stime };
  }
}
