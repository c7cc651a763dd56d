/**
 * The timers of a process that send signals: setitimer(2)'s three and timer_create(2)'s. Those on CPU time are looked at
 * when a turn of one of its tasks has been accounted.
 */

import { SI_TIMER, SIGALRM, SIGEV_NONE, SIGEV_THREAD_ID, SIGPROF, SIGVTALRM } from "../abi/signal.ts";
import { ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL } from "../abi/time.ts";
import type { Task } from "./task.ts";
import type { ThreadGroup } from "./thread-group.ts";

/** Nanoseconds. */
export interface TimerSetting {
  /** Until the next expiry; 0: not armed. */
  readonly value: number;
  /** Between expiries after that; 0: once. */
  readonly interval: number;
}

/** DELAYTIMER_MAX */
const MAX_OVERRUN = 0x7fff_ffff;

const OFF: TimerSetting = { value: 0, interval: 0 };

interface Timer {
  /** @param deadline time of its clock, or undefined to disarm */
  arm(deadline: number | undefined, interval: number): void;
  /** Expirations of a periodic timer that nobody has noticed yet; they count as noticed now. */
  passed(): number;
  readonly setting: TimerSetting;
}

/** A timer on the CPU time of a process or a thread: looked at when a turn has been accounted. */
class CpuClockTimer implements Timer {
  readonly #owner: IntervalTimers;
  readonly #used: () => number;
  readonly #expired: (expiries: number) => void;
  #at = 0;
  #interval = 0;
  #armed = false;

  constructor(owner: IntervalTimers, used: () => number, expired: (expiries: number) => void) {
    this.#owner = owner;
    this.#used = used;
    this.#expired = expired;
  }

  arm(deadline: number | undefined, interval: number): void {
    this.#interval = interval;
    this.#armed = deadline !== undefined;
    this.#at = deadline ?? 0;
    if (this.#armed) this.#owner.watch(this);
    else this.#owner.unwatch(this);
  }

  check(): void {
    const late = this.#used() - this.#at;
    if (!this.#armed || late < 0) return;
    const expiries = this.#interval > 0 ? 1 + Math.floor(late / this.#interval) : 1;
    if (this.#interval > 0) this.#at += expiries * this.#interval;
    else this.arm(undefined, 0);
    this.#expired(expiries);
  }

  passed(): number {
    const late = this.#used() - this.#at;
    if (!this.#armed || this.#interval === 0 || late < 0) return 0;
    const expiries = 1 + Math.floor(late / this.#interval);
    this.#at += expiries * this.#interval;
    return expiries;
  }

  get setting(): TimerSetting {
    if (!this.#armed) return { value: 0, interval: this.#interval };
    return { value: Math.max(1, this.#at - this.#used()), interval: this.#interval };
  }
}

/** One timer on monotonic time. */
class RealTimer implements Timer {
  readonly #process: ThreadGroup;
  readonly #expired: (expiries: number) => void;
  #deadline = 0;
  #interval = 0;
  #cancel: (() => void) | null = null;

  constructor(process: ThreadGroup, expired: (expiries: number) => void) {
    this.#process = process;
    this.#expired = expired;
  }

  /** @param deadline monotonic nanoseconds, or undefined to disarm */
  arm(deadline: number | undefined, interval: number): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#interval = interval;
    if (deadline === undefined) return;
    this.#deadline = deadline;
    this.#cancel = this.#process.kernel.timers.at(deadline, () => this.#fire());
  }

  #fire(): void {
    this.#cancel = null;
    const interval = this.#interval;
    let expiries = 1;
    if (interval > 0) {
      const late = this.#process.kernel.now() - this.#deadline;
      expiries += Math.max(0, Math.floor(late / interval));
      this.arm(this.#deadline + expiries * interval, interval);
    }
    this.#expired(expiries);
  }

  passed(): number {
    const late = this.#process.kernel.now() - this.#deadline;
    const interval = this.#interval;
    if (this.#cancel === null || interval === 0 || late < 0) return 0;
    const expiries = 1 + Math.floor(late / interval);
    this.arm(this.#deadline + expiries * interval, interval);
    return expiries;
  }

  get setting(): TimerSetting {
    if (this.#cancel === null) return { value: 0, interval: this.#interval };
    return { value: Math.max(1, this.#deadline - this.#process.kernel.now()), interval: this.#interval };
  }
}

interface CpuTimer {
  /** CPU time at which it expires, 0 if not armed. */
  at: number;
  interval: number;
}

export interface PosixTimer {
  readonly id: number;
  readonly clock: number;
  /** On CPU time: what has been used of it by now. */
  readonly used: (() => number) | undefined;
  readonly notify: number;
  readonly signal: number;
  readonly value: bigint;
  /** SIGEV_THREAD_ID: who gets the signal. */
  readonly target: Task | null;
  /** Expirations that the last signal stood for besides its own: timer_getoverrun(2). */
  overrun: number;
  /** @param timeOfDay the deadline moves when the clock is set */
  arm(deadline: number | undefined, interval: number, timeOfDay?: boolean): void;
  readonly setting: TimerSetting;
}

export class IntervalTimers {
  readonly #process: ThreadGroup;
  readonly #real: RealTimer;
  readonly #virtual: CpuTimer = { at: 0, interval: 0 };
  readonly #prof: CpuTimer = { at: 0, interval: 0 };
  readonly #posix: Map<number, PosixTimer> = new Map();
  /** On the CPU time of this process or its threads, whoever's they are. */
  readonly #watched: Set<CpuClockTimer> = new Set();
  #nextId = 0;

  constructor(process: ThreadGroup) {
    this.#process = process;
    this.#real = new RealTimer(process, () => this.#signal(SIGALRM));
  }

  /** The timers of a process, made when first needed. */
  static of(process: ThreadGroup): IntervalTimers {
    process.timers ??= new IntervalTimers(process);
    return process.timers;
  }

  #signal(signal: number): void {
    const { signals } = this.#process.kernel;
    signals.sendToProcess(this.#process, signals.fromKernel(signal));
  }

  #cpuTime(which: number): number {
    const { utime, stime } = this.#process.times();
    return which === ITIMER_VIRTUAL ? utime : utime + stime;
  }

  #cpuTimer(which: number): CpuTimer {
    return which === ITIMER_VIRTUAL ? this.#virtual : this.#prof;
  }

  get(which: number): TimerSetting {
    if (which === ITIMER_REAL) return this.#real.setting;
    const timer = this.#cpuTimer(which);
    if (timer.at === 0) return { ...OFF, interval: timer.interval };
    return { value: Math.max(1, timer.at - this.#cpuTime(which)), interval: timer.interval };
  }

  /** Arms one of setitimer's timers; answers what it was set to. */
  set(which: number, setting: TimerSetting): TimerSetting {
    const old = this.get(which);
    const { value, interval } = setting;
    if (which === ITIMER_REAL) this.#real.arm(value === 0 ? undefined : this.#process.kernel.now() + value, interval);
    else {
      const timer = this.#cpuTimer(which);
      timer.at = value === 0 ? 0 : this.#cpuTime(which) + value;
      timer.interval = interval;
    }
    return old;
  }

  /** A task of the process has used CPU time. */
  checkCpuTimers(): void {
    for (const timer of [...this.#watched]) timer.check();
    this.#checkCpu(this.#virtual, ITIMER_VIRTUAL, SIGVTALRM);
    this.#checkCpu(this.#prof, ITIMER_PROF, SIGPROF);
  }

  #checkCpu(timer: CpuTimer, which: number, signal: number): void {
    if (timer.at === 0) return;
    const used = this.#cpuTime(which);
    if (used < timer.at) return;
    timer.at = timer.interval === 0 ? 0 : used + timer.interval;
    this.#signal(signal);
  }

  watch(timer: CpuClockTimer): void {
    this.#watched.add(timer);
  }

  unwatch(timer: CpuClockTimer): void {
    this.#watched.delete(timer);
  }

  /** Calls back once this process (or a thread of it) has used so much CPU time; the returned function cancels. */
  whenUsed(used: () => number, at: number, callback: () => void): () => void {
    const timer = new CpuClockTimer(this, used, callback);
    timer.arm(at, 0);
    return () => timer.arm(undefined, 0);
  }

  // --- timer_create -----------------------------------------------------------------------------------------------------

  create(options: {
    clock: number;
    notify: number;
    signal: number;
    value: bigint | undefined;
    target: Task | null;
    /** For a CPU-time clock: whose, and how much has been used. */
    cpu?: { readonly process: ThreadGroup; readonly used: () => number };
  }): PosixTimer {
    const id = this.#nextId++;
    const { kernel } = this.#process;
    const process = this.#process;
    const { clock, notify, signal, target } = options;
    const value = options.value ?? BigInt(id);
    const queue = notify === SIGEV_THREAD_ID && target !== null ? target.pending : process.pending;
    // One signal of each timer is on its way; what expires meanwhile is overrun (timer_getoverrun(2)). Where it has come to
    // nothing since it is ignored, a periodic timer tries again.
    let waiting = false;
    let missed = 0;
    let unset: (() => void) | undefined;
    const settle = (): number => {
      waiting = false;
      timer.overrun = Math.min(missed + real.passed(), MAX_OVERRUN);
      return timer.overrun;
    };
    const fire = (expiries: number): void => {
      if (notify === SIGEV_NONE) return;
      missed = waiting ? missed + expiries : expiries - 1;
      if (waiting && queue.hasTimer(id)) return;
      waiting = true;
      const info = { signal, code: SI_TIMER, timerId: id, value, settle };
      if (notify === SIGEV_THREAD_ID && target !== null) kernel.signals.sendToTask(target, info);
      else kernel.signals.sendToProcess(process, info, kernel.scheduler.current);
      if (real.setting.interval === 0 && !queue.hasTimer(id)) waiting = false;
    };
    const { cpu } = options;
    const real: Timer =
      cpu === undefined
        ? new RealTimer(process, fire)
        : new CpuClockTimer(IntervalTimers.of(cpu.process), cpu.used, fire);
    const timer: PosixTimer = {
      id,
      clock,
      used: cpu?.used,
      notify,
      signal,
      value,
      target,
      overrun: 0,
      arm: (deadline, interval, timeOfDay = false) => {
        unset?.();
        unset = undefined;
        if (deadline !== undefined && timeOfDay) {
          unset = kernel.timers.whenSet((by) => {
            const { value, interval: period } = real.setting;
            if (value > 0) real.arm(kernel.now() + value - by, period);
          });
        }
        queue.removeTimer(id);
        waiting = false;
        timer.overrun = 0;
        real.arm(deadline, interval);
        kernel.signals.pendingChanged(process);
      },
      get setting() {
        return real.setting;
      },
    };
    this.#posix.set(id, timer);
    return timer;
  }

  /** Timers that timer_create has made. */
  get count(): number {
    return this.#posix.size;
  }

  find(id: number): PosixTimer | undefined {
    return this.#posix.get(id);
  }

  delete(id: number): void {
    this.#posix.get(id)?.arm(undefined, 0);
    this.#posix.delete(id);
  }

  /** At execve, which setitimer's timers survive (timer_create(2)). */
  deletePosixTimers(): void {
    for (const id of [...this.#posix.keys()]) this.delete(id);
  }

  /** The process ends. */
  cancelAll(): void {
    this.#real.arm(undefined, 0);
    this.#virtual.at = 0;
    this.#prof.at = 0;
    this.deletePosixTimers();
    this.#watched.clear();
  }
}
