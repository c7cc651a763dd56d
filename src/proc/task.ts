/**
 * A task: one thread of execution, with its registers, its signal mask and its references to everything that clone(2)
 * can share one by one. Handlers of system calls get the task that calls.
 *
 * What lives where:
 *     task.space        guest memory of the caller (readable, writable, readCString, ...)
 *     task.fs           cwd, root, umask               task.files      the descriptor table
 *     task.credentials  ids and capabilities           task.process    pid, limits, children, shared pending signals
 *     task.kernel       the machine: clocks, pid table, hostname
 */

import { PR_RISCV_V_VSTATE_CTRL_ON } from "../abi/riscv-vector.ts";
import type { WaitQueue } from "../util/wait-queue.ts";
import type { FdTable } from "../vfs/fd-table.ts";
import type { FsContext } from "../vfs/fs-context.ts";
import type { Arch, FaultDetails } from "./arch/arch.ts";
import type { TaskCredentials } from "./credentials.ts";
import type { PiLock } from "./futex-pi.ts";
import type { IpcNamespace } from "./ipc-namespace.ts";
import type { Kernel } from "./kernel.ts";
import type { GuestSpace, Mm } from "./mm.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Trace } from "./ptrace.ts";
import type { Rseq } from "./rseq.ts";
import type { Seccomp } from "./seccomp-state.ts";
import type { ProcessGroup } from "./session.ts";
import { PendingSignals, type SignalHandlers, type SignalInfo, SignalSet } from "./signal-state.ts";
import { type ThreadGroup, Usage } from "./thread-group.ts";
import type { UserDispatch } from "./user-dispatch.ts";
import type { UserNamespace } from "./user-namespace.ts";
import type { UtsNamespace } from "./uts.ts";
import type { Wait } from "./wait.ts";

export type TaskState =
  /** Running or in the run queue. */
  | "runnable"
  /** In a system call whose promise is pending. */
  | "blocked"
  /** Stopped by job control. */
  | "stopped"
  /** Stopped for its tracer (ptrace.ts), on its way to the guest. */
  | "traced"
  /** A leader that has exited, or a process that nobody has waited for. */
  | "zombie"
  | "dead";

/** What restart_syscall(2) goes on with. */
export type RestartBlock = (task: Task) => number | Promise<number>;

const DEADLINE_PRIORITY = 100;

export interface TaskOptions {
  readonly process: ThreadGroup;
  readonly tid: number;
  /** Null for a task of the kernel's own, which never runs. */
  readonly mm: Mm | null;
  readonly fs: FsContext;
  readonly files: FdTable;
  readonly handlers: SignalHandlers;
  readonly credentials: TaskCredentials;
  readonly namespaces: Namespaces;
}

export class Task {
  readonly kernel: Kernel;
  /** As the kernel knows it: its number in the machine's own PID namespace. */
  tid: number;
  process: ThreadGroup;
  /** Without meaning where `hasMemory` is false. */
  mm!: Mm;
  space!: GuestSpace;
  /** False for a task of the kernel's own (init.ts): nobody may look for its memory or registers. */
  readonly hasMemory: boolean;
  fs: FsContext;
  files: FdTable;
  handlers: SignalHandlers;
  credentials: TaskCredentials;
  namespaces: Namespaces;
  /** Up to 15 bytes. */
  comm = "";
  state: TaskState = "runnable";

  /** prctl(PR_RISCV_V_SET_CONTROL), where there are such vectors. */
  vectorControl: number = PR_RISCV_V_VSTATE_CTRL_ON;
  /** Registers while another task is loaded into the same address space. */
  savedContext: Uint8Array | null = null;
  /** The system call being made, or -1: its number decides about restarts. */
  syscallNumber = -1;
  /** First argument of a call that may have to be made again: some architectures have the result in its register. */
  syscallArg0Lo = 0;
  syscallArg0Hi = 0;
  /** A blocked call has ended with `blockedResult`; written to the registers when the task is next loaded. */
  hasResult = false;
  blockedResult = 0;
  /** ERESTART* of the call that has just been interrupted, 0 for none. */
  restart = 0;
  restartBlock: RestartBlock | null = null;

  readonly blocked: SignalSet = new SignalSet();
  readonly pending: PendingSignals = new PendingSignals();
  /** The mask to put back after a signal has been delivered, of sigsuspend, ppoll, pselect. */
  savedMask: SignalSet | null = null;
  /** There may be a signal to deliver: look before the guest goes on. (Linux: TIF_SIGPENDING) */
  signalPending = false;
  /** What rt_sigtimedwait waits for: not ignored nor fatal meanwhile. (Linux: real_blocked) */
  awaited: SignalSet | null = null;
  /** The thread is to end though its process may go on. */
  exitRequested = false;
  /** The task gives way at its next turn (sched_yield). */
  yields = false;
  /** Time in system calls of the current turn, estimated from samples, nanoseconds. */
  stimeSampled = 0;
  /** In the run queue. */
  queued = false;
  /** Who traces it, and its stop; null: nobody. */
  trace: Trace | null = null;
  /** The signal that its tracer has let through, taken before any other. */
  injected: SignalInfo | null = null;
  /** It has stopped before a system call that is still to be made: how far it is (call-entry.ts), and which call. */
  callStage = 0;
  callNumber = -1;
  /** PTRACE_SYSEMU: it is not to be made. */
  callEmulated = false;
  callAnswer = 0;
  /** What system calls it may make; null: all (seccomp(2)). */
  seccomp: Seccomp | null = null;
  /** Which of its calls it wants to answer itself; null: none (user-dispatch.ts). */
  userDispatch: UserDispatch | null = null;
  /** The sleep in progress (wait.ts), or null. */
  wait: Wait | null = null;
  readonly altStack: { sp: number; size: number; flags: number } = { sp: 0, size: 0, flags: 2 };
  fault: FaultDetails = { address: 0, trap: 0, error: 0 };

  /** set_tid_address(2): zeroed and woken when the task ends. */
  clearChildTid = 0;
  robustListHead = 0;
  /** rseq(2), or null. */
  rseq: Rseq | null = null;
  /** The vfork parent waits here until this task lets go of its address space. */
  vforkDone: WaitQueue | null = null;
  /** Signal for the task when its parent ends (PR_SET_PDEATHSIG). */
  parentDeathSignal = 0;
  personality = 0;
  timerSlack = 50_000;
  /** Exit code as wait4(2) encodes it, once the task is ending. */
  exitCode = 0;
  nice = 0;
  /** As ioprio_set(2) takes it; 0: none. */
  ioPriority = 0;
  /** SCHED_*; see scheduling.ts in syscalls. */
  policy = 0;
  /** 1..99 under a real-time policy, otherwise 0. */
  realtimePriority = 0;
  /** Children start with the normal policy (SCHED_RESET_ON_FORK). */
  resetOnFork = false;
  /** Parameters of SCHED_DEADLINE, nanoseconds. */
  deadline: { readonly runtime: number; readonly deadline: number; readonly period: number } | null = null;
  /** Locks that it owns and others wait for, and the one that it waits for (futex-pi.ts). */
  readonly piLocks: Set<PiLock> = new Set();
  piWaits: PiLock | null = null;
  readonly usage: Usage = new Usage();

  constructor(options: TaskOptions) {
    this.kernel = options.process.kernel;
    this.process = options.process;
    this.tid = options.tid;
    this.hasMemory = options.mm !== null;
    if (options.mm !== null) {
      this.mm = options.mm;
      this.space = options.mm.space;
    }
    this.fs = options.fs;
    this.files = options.files;
    this.handlers = options.handlers;
    this.credentials = options.credentials;
    this.namespaces = options.namespaces;
  }

  /**
   * Who is more urgent runs first: 0 for ordinary tasks, their own or a lent priority for real-time ones, 100 for
   * SCHED_DEADLINE.
   */
  get priority(): number {
    let highest = this.deadline === null ? this.realtimePriority : DEADLINE_PRIORITY;
    for (const lock of this.piLocks) for (const { task } of lock.waiters) highest = Math.max(highest, task.priority);
    return highest;
  }

  /** Lets a task stand where the file layer asks for the opener's context. */
  get task(): this {
    return this;
  }

  /** The architecture of its program. */
  get arch(): Arch {
    return this.mm.arch;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Its user namespace. */
  get users(): UserNamespace {
    return this.kernel.usersOf(this.credentials);
  }

  get uts(): UtsNamespace {
    return this.namespaces.uts;
  }

  get ipc(): IpcNamespace {
    return this.namespaces.ipc;
  }

  /** What the guest knows by a number that the kernel knows (of a task, process, group or session); 0 if it does not see it. */
  numberOf(id: number): number {
    return this.process.pids.number(id);
  }

  /** Its own number, as gettid(2) says. */
  get number(): number {
    return this.process.pids.number(this.tid);
  }

  /** The task that the guest knows by this number. */
  find(number: number): Task | undefined {
    return this.kernel.tasks.get(this.process.pids.id(number));
  }

  /** Of a leader. */
  findProcess(number: number): ThreadGroup | undefined {
    return this.kernel.processes.get(this.process.pids.id(number));
  }

  findGroup(number: number): ProcessGroup | undefined {
    return this.kernel.groups.get(this.process.pids.id(number));
  }

  /** The soft resource limit: bytes, seconds or a count; Infinity if there is none. */
  limit(resource: number): number {
    return this.process.limits[resource]?.soft ?? Number.POSITIVE_INFINITY;
  }

  capable(capability: number): boolean {
    return this.credentials.capable(capability);
  }

  /** Argument 0..5 of the current call with all its 64 bits, as the register has it (unsigned). Before any wait only. */
  argument64(index: number): bigint {
    const { context, arch } = this.mm;
    const { registers } = arch;
    return (BigInt(registers.syscallArgHi(context, index)) << 32n) | BigInt(registers.syscallArgLo(context, index));
  }

  /**
   * Argument 0..5 of the current call as an int: the lower half of the register. What is above it may be the sign, so that all of
   * it is a number too large to be exact. Before any wait only.
   */
  argumentInt(index: number): number {
    const { context, arch } = this.mm;
    return arch.registers.syscallArgLo(context, index) | 0;
  }

  /** Raises a signal in this very task as the kernel does on its behalf: SIGPIPE, SIGXFSZ. */
  raise(signal: number): void {
    this.kernel.signals.raise(this, signal);
  }
}
