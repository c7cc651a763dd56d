/**
 * Who runs. One guest task at a time, on the host's one JavaScript thread.
 *
 * The loop takes tasks from the run queue in turn. A task runs until it blocks, ends, or has used its slice, which is
 * counted in guest instructions and not in time, so that two runs with the same inputs interleave alike. While guest code
 * runs the host gets its turn every few milliseconds; when nobody can run the loop simply ends, and whoever makes a task
 * ready (a timer, input of the host) starts it again.
 *
 * The big kernel lock: a system call whose handler is an async function may be in the middle of its work when the loop
 * gets control back (it awaits a promise that is about to settle). No other task runs until it sleeps (wait.ts) or ends.
 */
import { ERESTART_RESTARTBLOCK, ERESTARTSYS } from "../abi/errno.ts";
import { RLIMIT_CPU, SCHED_FIFO } from "../abi/resource.ts";
import {
  FPE_INTDIV,
  ILL_ILLOPN,
  SI_KERNEL,
  SIGFPE,
  SIGILL,
  SIGKILL,
  SIGSEGV,
  SIGTRAP,
  SIGXCPU,
  TRAP_TRACE,
} from "../abi/signal.ts";
import { SINGLE_STEP, Trap } from "../cpu/core.ts";
import { enterCall } from "./call-entry.ts";
import { deliverSignals } from "./deliver.ts";
import type { Kernel } from "./kernel.ts";
import { LoadAverage } from "./load.ts";
import { stopIfDue } from "./ptrace.ts";
import { restartSequence } from "./rseq.ts";
import type { SignalInfo } from "./signal-state.ts";
import type { Task } from "./task.ts";
import type { ThreadGroup } from "./thread-group.ts";
import { resultOf } from "./wait.ts";

/** Given by syscalls/dispatch.ts. */
export interface SyscallGate {
  /** Makes the call that the loaded registers ask for. NO_RESULT: registers are as they shall be. */
  call(task: Task): number | Promise<number>;
  /** A call that returned a promise has ended with this result. */
  finished(task: Task, result: number): void;
}

/** What a call answers that must leave the registers alone: a successful execve, sigreturn, exit. */
export const NO_RESULT = -0x4000_0000;

/** Taken branches per entry into guest code: a millisecond or two. */
const FUEL = 100_000;
/** Instructions of a slice: a few milliseconds on an interpreter. */
const SLICE = 500_000;

/** Each step of nice is a quarter more or less, as Linux weighs them (sched_prio_to_weight). */
function sliceOf(task: Task): number {
  return task.nice === 0 ? SLICE : SLICE * 1.25 ** -task.nice;
}
/** System calls between two looks at the clock and the slice. */
const CALLS_BETWEEN_CHECKS = 32;
/** What a system call counts for in a slice, in instructions. */
const CALL_COST = 2000;
/** The host's event loop has its turn at least this often, nanoseconds. */
const HOST_TURN = 5e6;
/** Real-time tasks leave a twentieth of each second to the others (kernel.sched_rt_runtime_us). */
const REALTIME_PERIOD = 1e9;
const REALTIME_RUNTIME = 0.95e9;

export class Scheduler {
  readonly kernel: Kernel;
  readonly #gate: SyscallGate;
  readonly #queue: Task[] = [];
  /** So many at the head of the queue were woken by the host since the loop last ran. */
  #first = 0;
  /** The task whose system call is in the middle of its work. */
  #lock: Task | null = null;
  #running = false;
  /** A start of the loop is on its way. */
  #scheduled = false;
  #stopped = false;
  /** When the host had its last turn. */
  #lastHostTurn = 0;
  #idle = true;
  #current: Task | null = null;
  #turnStart = 0;
  /** When the last turn ended. */
  #now = 0;
  readonly #load: LoadAverage = new LoadAverage();
  /** Real-time tasks that there are: only while there are some does the queue's order depend on priorities. */
  realtimeTasks = 0;
  /** What they have used of the current period. */
  #realtimeUsed = 0;
  #realtimePeriod = 0;
  /** Turns given so far: /proc/stat's ctxt. */
  switches = 0;
  #panic: ((error: unknown) => void) | null = null;

  constructor(kernel: Kernel, gate: SyscallGate) {
    this.kernel = kernel;
    this.#gate = gate;
  }

  /** The task that runs or whose call is being made. */
  get current(): Task | null {
    return this.#current ?? this.#lock;
  }

  /** Nanoseconds of the current turn, not yet accounted, if one of these tasks is running. */
  turnTime(tasks: ReadonlySet<Task>): number {
    return this.#current !== null && tasks.has(this.#current) ? this.kernel.now() - this.#turnStart : 0;
  }

  /** Over one, five and fifteen minutes. */
  loadAverages(): readonly [number, number, number] {
    return this.#load.averages(this.kernel.now());
  }

  /** Called for an error of tsrcore itself; the machine stops. */
  onPanic(callback: (error: unknown) => void): void {
    this.#panic = callback;
  }

  /** The machine stops: no task runs any more. */
  stop(): void {
    this.#stopped = true;
    this.#queue.length = 0;
    for (const task of this.kernel.tasks.values()) task.wait?.abandon();
  }

  /** The task has something to do: it is new, or what it sleeps on has happened. */
  ready(task: Task): void {
    const { state } = task;
    if (task.queued || state === "stopped" || state === "traced" || state === "zombie" || state === "dead") return;
    // A task that is running looks for itself.
    if (task === this.#current && task.wait === null) return;
    task.queued = true;
    // Whom the host wakes (a key, a timer) goes before those that compute, as a sleeper preempts them on Linux.
    if (this.#current === null && task.wait !== null) this.#queue.splice(this.#first++, 0, task);
    else this.#queue.push(task);
    this.#start();
  }

  /** SIGCONT, a tracer that lets its tracee go on, or a stopped task that has to die. */
  resumeStopped(task: Task): void {
    task.state = "runnable";
    task.signalPending = true;
    this.ready(task);
  }

  /** `task` has begun to sleep: others may run. */
  slept(task: Task): void {
    if (this.#lock === task) {
      this.#lock = null;
      this.#start();
    }
  }

  /** Lets the loop run as soon as the JavaScript stack is empty. */
  #start(): void {
    if (this.#running || this.#scheduled || this.#stopped || this.#lock !== null) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#enter();
    });
  }

  #enter(): void {
    if (this.#running || this.#stopped || this.#lock !== null) return;
    const now = this.kernel.now();
    if (this.#idle) {
      this.#idle = false;
      this.#lastHostTurn = now;
    } else if (now - this.#lastHostTurn >= HOST_TURN) {
      this.#yieldToHost();
      return;
    }
    this.#running = true;
    try {
      this.kernel.clockPage?.refresh();
      this.#loop();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#running = false;
      this.#current = null;
    }
  }

  #fail(error: unknown): void {
    this.stop();
    if (this.#panic === null) throw error;
    this.#panic(error);
  }

  #yieldToHost(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.kernel.host.timers.yield(() => {
      this.#scheduled = false;
      this.#lastHostTurn = this.kernel.now();
      this.#enter();
    });
  }

  #loop(): void {
    this.#first = 0;
    // The clock is read once for each turn: a turn starts when the one before has ended.
    this.#now = this.kernel.now();
    for (;;) {
      if (this.#lock !== null || this.#stopped) return;
      const task = this.realtimeTasks > 0 ? this.#mostUrgent() : this.#queue.shift();
      if (task === undefined) {
        this.#idle = true;
        this.#load.update(this.#now, 0);
        return;
      }
      task.queued = false;
      if (task.state !== "runnable" && task.state !== "blocked") continue;
      this.#current = task;
      this.#load.update(this.#now, this.#queue.length + 1);
      this.switches++;
      this.#turn(task);
      this.#current = null;
      if (this.#queue.length > 0 && this.#now - this.#lastHostTurn >= HOST_TURN) {
        if (this.#lock === null) this.#yieldToHost();
        return;
      }
    }
  }

  /** The next task when there are real-time ones: the first of the highest priority, unless they had their share. */
  #mostUrgent(): Task | undefined {
    const queue = this.#queue;
    if (this.#now - this.#realtimePeriod >= REALTIME_PERIOD) {
      this.#realtimePeriod = this.#now;
      this.#realtimeUsed = 0;
    }
    const throttled = this.#realtimeUsed >= REALTIME_RUNTIME && queue.some((task) => task.priority === 0);
    let at = 0;
    if (throttled) at = queue.findIndex((task) => task.priority === 0);
    else
      for (let i = 1; i < queue.length; i++) {
        if ((queue[i] as Task).priority > (queue[at] as Task).priority) at = i;
      }
    const [task] = queue.splice(at, 1);
    return task;
  }

  /** Has a more urgent task become ready than the one that runs? */
  outranked(task: Task): boolean {
    if (this.realtimeTasks === 0) return false;
    const { priority } = task;
    return this.#queue.some((other) => other.priority > priority);
  }

  /** One turn of a task, with its time accounted. */
  #turn(task: Task): void {
    const { kernel } = this;
    kernel.pool.activate(task.space);
    if (task.wait !== null) {
      const { wait } = task;
      const { adopted } = wait;
      if (!wait.resume()) return;
      if (!adopted) {
        // The handler goes on in a microtask.
        this.#lock = task;
        return;
      }
    }
    if (task.state === "blocked") return;
    const start = this.#now;
    this.#turnStart = start;
    task.stimeSampled = 0;
    this.#runGuest(task);
    this.#now = kernel.now();
    this.#turnStart = this.#now;
    const spent = this.#now - start;
    const stime = Math.min(spent, task.stimeSampled);
    task.usage.stime += stime;
    task.usage.utime += spent - stime;
    if (this.realtimeTasks > 0 && task.priority > 0) this.#realtimeUsed += spent;
    const { process } = task;
    process.timers?.checkCpuTimers();
    if (process.limits[RLIMIT_CPU]?.soft !== Number.POSITIVE_INFINITY) checkCpuLimit(process);
  }

  /** Runs guest code until the task blocks, ends or has to make room. The task is in the queue again if it can go on. */
  #runGuest(task: Task): void {
    const { kernel } = this;
    let { mm } = task;
    let { core, context } = mm;
    let { registers } = mm.arch;
    mm.load(task);
    if (task.hasResult) {
      task.hasResult = false;
      this.#setResult(task, task.blockedResult);
    }
    if (task.rseq !== null) restartSequence(task, task.rseq);
    let calls = 0;
    let sliceEnd = core.instructions + sliceOf(task);
    for (;;) {
      if (task.trace !== null && task.trace.due.length > 0 && stopIfDue(task, task.trace)) return;
      let trap: Trap = Trap.Syscall;
      if (task.callStage === 0) {
        if ((task.signalPending || task.restart !== 0) && !deliverSignals(task)) return;
        let steps = registers.isStepping(context);
        if (task.trace !== null) {
          task.trace.call = -1;
          if (task.trace.steps) steps = true;
        }
        trap = core.run(steps ? SINGLE_STEP : FUEL);
        if (trap === Trap.Syscall) registers.forget?.(context);
      }
      if (trap === Trap.Syscall) {
        if (task.trace !== null || task.seccomp !== null || task.userDispatch !== null || task.callStage !== 0) {
          const verdict = enterCall(task);
          if (verdict === "gone") return;
          if (typeof verdict !== "string") {
            this.#blocked(task, verdict);
            return;
          }
          if (verdict === "skip") {
            task.trace?.due.push("exit");
            continue;
          }
        }
        calls = (calls + 1) % CALLS_BETWEEN_CHECKS;
        let result: number | Promise<number>;
        if (calls === 1) {
          // One call in 32 is timed and stands for the others: two looks at the clock cost more than a short call.
          const before = kernel.now();
          result = this.#gate.call(task);
          task.stimeSampled += (kernel.now() - before) * CALLS_BETWEEN_CHECKS;
        } else result = this.#gate.call(task);
        if (typeof result !== "number") {
          this.#blocked(task, result);
          return;
        }
        if (result === NO_RESULT) {
          if (task.state !== "runnable") return;
          if (task.mm !== mm) {
            // execve: another address space, another core.
            ({ mm } = task);
            ({ core, context } = mm);
            ({ registers } = mm.arch);
            kernel.pool.activate(task.space);
            mm.load(task);
            sliceEnd = core.instructions + sliceOf(task);
          }
        } else if (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK) this.#setResult(task, result);
        else registers.setSyscallResult(context, result);
        if (task.trace !== null) task.trace.due.push("exit");
        if (calls !== 0 && !task.yields) continue;
        sliceEnd -= CALL_COST * CALLS_BETWEEN_CHECKS;
      } else if (trap !== Trap.Fuel && trap !== Trap.StepsAhead) {
        this.#fault(task, trap);
        continue;
      }
      // Who is SCHED_FIFO makes room for the more urgent only, and keeps its place then.
      const keeps = task.policy === SCHED_FIFO && !task.yields;
      const sliceOver = task.yields || (core.instructions >= sliceEnd && !keeps) || this.outranked(task);
      task.yields = false;
      if (sliceOver) {
        if (this.#queue.length > 0) {
          task.usage.involuntarySwitches++;
          this.#requeue(task, keeps);
          return;
        }
        sliceEnd = core.instructions + sliceOf(task);
      }
      if (kernel.now() - this.#lastHostTurn >= HOST_TURN) {
        this.#requeue(task, !sliceOver);
        return;
      }
    }
  }

  #requeue(task: Task, first: boolean): void {
    task.queued = true;
    if (first) this.#queue.unshift(task);
    else this.#queue.push(task);
  }

  /** Writes a call's result, or remembers that the call may have to be made again: deliver.ts decides. */
  #setResult(task: Task, result: number): void {
    const { context, arch } = task.mm;
    const { registers } = arch;
    if (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK) {
      task.restart = -result;
      task.syscallArg0Lo = registers.syscallArgLo(context, 0);
      task.syscallArg0Hi = registers.syscallArgHi(context, 0);
    }
    registers.setSyscallResult(context, result);
  }

  /** The handler of a call waits. */
  #blocked(task: Task, promise: Promise<number>): void {
    task.state = "blocked";
    task.usage.voluntarySwitches++;
    const { wait } = task;
    if (wait !== null && wait.promise === promise) {
      wait.adopt((outcome) => this.#settle(task, outcome));
      return;
    }
    if (wait === null) this.#lock = task;
    promise.then(
      (result) => this.#settled(task, result),
      (error: unknown) => this.#settled(task, error),
    );
  }

  /** The result of a blocked call is there. */
  #settle(task: Task, outcome: unknown): void {
    const result = typeof outcome === "number" ? outcome : resultOf(outcome);
    this.#gate.finished(task, result);
    if (result !== NO_RESULT) {
      task.hasResult = true;
      task.blockedResult = result;
    }
    if (task.trace !== null && task.callStage === 0) task.trace.due.push("exit");
    if (task.state === "blocked") task.state = "runnable";
  }

  #settled(task: Task, outcome: unknown): void {
    if (this.#stopped) return;
    if (this.#lock === task) this.#lock = null;
    try {
      this.#settle(task, outcome);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (task.state === "runnable" && !task.queued) this.#requeue(task, true);
    this.#start();
  }

  // --- faults -----------------------------------------------------------------------------------------------------------

  #fault(task: Task, trap: Trap): void {
    const { kernel, mm } = task;
    const { core, arch } = mm;
    if (trap === Trap.PageFault) {
      const { faultAddress, faultAccess } = core;
      task.usage.minorFaults++;
      const outcome = task.space.handleFault(faultAddress, faultAccess);
      if (outcome.ok) return;
      const { signal, code, address } = outcome;
      task.fault = arch.pageFaultDetails(faultAddress, faultAccess, task.space.isReadable(faultAddress));
      kernel.signals.force(task, { signal, code, address });
      return;
    }
    const pc = arch.registers.getPc(mm.context);
    // The address of the last page fault stays, as in cr2.
    task.fault = { address: task.fault.address, ...arch.trapDetails(task.space, mm.context, trap) };
    kernel.signals.force(task, arch.trapSignal?.(trap, pc) ?? this.#faultInfo(task, trap, pc));
  }

  #faultInfo(task: Task, trap: Trap, pc: number): SignalInfo {
    switch (trap) {
      case Trap.IllegalInstruction:
        return { signal: SIGILL, code: ILL_ILLOPN, address: pc };
      case Trap.Breakpoint:
        return { signal: SIGTRAP, code: SI_KERNEL };
      case Trap.SingleStep:
        return { signal: SIGTRAP, code: TRAP_TRACE, address: pc };
      case Trap.DivideError:
        return { signal: SIGFPE, code: FPE_INTDIV, address: pc };
      case Trap.X87Error:
      case Trap.SimdError: {
        const code = task.arch.registers.floatingPointCode(task.mm.context, trap === Trap.SimdError);
        return { signal: SIGFPE, code, address: pc };
      }
      default:
        return { signal: SIGSEGV, code: SI_KERNEL };
    }
  }
}

/** RLIMIT_CPU: SIGXCPU at the soft limit, and a second later again; SIGKILL at the hard one. */
function checkCpuLimit(process: ThreadGroup): void {
  const limit = process.limits[RLIMIT_CPU];
  if (limit === undefined || process.exited) return;
  const { signals } = process.kernel;
  const { utime, stime } = process.times();
  const seconds = (utime + stime) / 1e9;
  if (seconds >= limit.hard) signals.sendToProcess(process, signals.fromKernel(SIGKILL));
  else if (seconds >= limit.soft) {
    process.limits[RLIMIT_CPU] = { soft: Math.max(1, limit.soft) + 1, hard: limit.hard };
    signals.sendToProcess(process, signals.fromKernel(SIGXCPU));
  }
}
