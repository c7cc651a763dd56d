/**
 * The one blocking primitive: a task sleeps on wait queues until something it asked for is true, a deadline passes or a
 * signal comes.
 *
 * Two ways to use it:
 *
 *     return block(task, queue, () => file.read(buffer))       // tries; while the answer is -EAGAIN, sleeps and retries
 *     switch (await sleep(task, queue, { deadline })) ...       // for calls that are more than one retry
 *
 * `block` answers at once, without a promise, if the first attempt does. A wake-up is a hint: the attempt runs again when
 * the scheduler comes to the task, with its address space current, and decides.
 *
 * Why not simply promises resolved by whoever wakes: continuations would run in the middle of another task's turn, with
 * the wrong address space current, in an order that depends on how deep each chain of awaits is. Instead a woken task goes
 * into the run queue like any other; the scheduler resumes the sleeper, and no other task runs until that system call
 * sleeps again or ends ("the big kernel lock"). So a handler may be an async function, and is still atomic between two
 * sleeps. The one rule: in a handler, await nothing that is not made of these two functions.
 *
 * Interruption follows signal(7), "Interruption of system calls": the result is -ERESTARTSYS unless the caller says
 * otherwise, and signal delivery turns it into EINTR or a restart. A killed task is interrupted likewise, so that every
 * handler unwinds through its own code, and nothing is left registered in a queue.
 */
import { EAGAIN, ERESTARTSYS, Errno, ETIMEDOUT } from "../abi/errno.ts";
import type { WaitQueue } from "../util/wait-queue.ts";
import type { Task } from "./task.ts";

/** Why `sleep` came back. */
export const Woken = {
  /** A queue was woken; or for no reason at all. */
  Event: 0,
  /** The deadline has passed. */
  Timeout: 1,
  /** A signal is to be delivered (or the task is to die): return -ERESTARTSYS or one of its kin soon. */
  Signal: 2,
} as const;
export type Woken = (typeof Woken)[keyof typeof Woken];

export interface SleepOptions {
  /** Monotonic time in nanoseconds (`kernel.now()`); Infinity or absent: none. */
  readonly deadline?: number;
  /** It is a time of day, which comes sooner or later when the clock is set. */
  readonly timeOfDay?: boolean;
  /** Only a fatal signal interrupts (Linux: TASK_KILLABLE). */
  readonly killable?: boolean;
}

export interface BlockOptions extends SleepOptions {
  /** The first attempt has been made, and was answered by -EAGAIN. */
  readonly tried?: boolean;
  /** Called once when the call no longer waits, whatever the reason; not if the first attempt decides. */
  readonly done?: () => void;
  /** Result once the deadline has passed: -ETIMEDOUT by default. */
  readonly timedOut?: number | (() => number);
  /** Result when a signal interrupts: -ERESTARTSYS by default. */
  readonly interrupted?: number | (() => number);
}

type Queues = WaitQueue | undefined | readonly (WaitQueue | undefined)[];

/** A sleep in progress; `task.wait` while it lasts. Used by the scheduler only. */
export class Wait {
  readonly task: Task;
  /** Where to report the end; undefined once the scheduler has taken the result over (see `adopt`). */
  #settle: { resolve: (value: number) => void; reject: (reason: unknown) => void } | undefined;
  readonly promise: Promise<number>;
  readonly #attempt: (() => number) | undefined;
  #deadline: number;
  readonly killable: boolean;
  readonly #timedOut: number | (() => number);
  readonly #interrupted: number | (() => number);
  readonly #cancels: (() => void)[] = [];
  #eventSeen = false;
  /**
   * A signal came while there was nothing else. Linux runs the sleeper then and there; here its turn comes later, and what
   * has happened meanwhile must not hide that it was interrupted (a shell at its prompt would miss the end of a job).
   */
  #signalFirst = false;
  #adopted: ((result: number | Error) => void) | undefined;

  constructor(
    task: Task,
    queues: Queues,
    attempt: (() => number) | undefined,
    deadline: number,
    killable: boolean,
    timedOut: number | (() => number),
    interrupted: number | (() => number),
    done?: () => void,
    timeOfDay = false,
  ) {
    this.task = task;
    this.#attempt = attempt;
    this.#deadline = deadline;
    this.killable = killable;
    this.#timedOut = timedOut;
    this.#interrupted = interrupted;
    this.promise = new Promise<number>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    if (done !== undefined) this.#cancels.push(done);
    if (task.wait !== null) throw new Error(`task ${task.tid} sleeps twice`);
    task.wait = this;
    const wake = (): void => {
      this.#eventSeen = true;
      // An event that comes of the same doing as the signal counts: a child that ends sends one and wakes its parent.
      if (task.kernel.scheduler.current !== null) this.#signalFirst = false;
      task.kernel.scheduler.ready(task);
    };
    if (queues !== undefined) {
      if (Array.isArray(queues)) {
        for (const queue of queues as readonly (WaitQueue | undefined)[]) {
          if (queue !== undefined) this.#cancels.push(queue.add(wake));
        }
      } else this.#cancels.push((queues as WaitQueue).add(wake));
    }
    if (deadline !== Number.POSITIVE_INFINITY) {
      const { timers, scheduler } = task.kernel;
      const arm = (): (() => void) => timers.at(this.#deadline, () => scheduler.ready(task));
      let cancel = arm();
      this.#cancels.push(() => cancel());
      if (timeOfDay) {
        const moved = (by: number): void => {
          this.#deadline -= by;
          cancel();
          cancel = arm();
        };
        this.#cancels.push(timers.whenSet(moved));
      }
    }
    // A signal that is pending already (its handler may run only when this call returns) must not be slept over.
    if (this.#signalled()) task.kernel.scheduler.ready(task);
    task.kernel.scheduler.slept(task);
  }

  /** Called for a signal: is it one that this sleep yields to? */
  interrupt(): void {
    if (!this.#signalled()) return;
    if (!this.#eventSeen) this.#signalFirst = true;
    this.task.kernel.scheduler.ready(this.task);
  }

  /**
   * The handler has returned this very promise: its outcome is the result of the call, so nobody needs the promise and
   * the scheduler gets the outcome directly.
   */
  adopt(finish: (result: number | Error) => void): void {
    this.#adopted = finish;
  }

  /** The scheduler's turn for this task: goes on if there is a reason to. False: sleeps on. */
  resume(): boolean {
    let result: number;
    try {
      const answer = this.#decide();
      if (answer === undefined) return false;
      result = answer;
    } catch (e) {
      this.#end();
      if (this.#adopted !== undefined) {
        if (!(e instanceof Error)) throw e;
        this.#adopted(e);
      } else this.#settle?.reject(e);
      return true;
    }
    this.#end();
    if (this.#adopted !== undefined) this.#adopted(result);
    else this.#settle?.resolve(result);
    return true;
  }

  get adopted(): boolean {
    return this.#adopted !== undefined;
  }

  #decide(): number | undefined {
    if (this.#attempt !== undefined) {
      if (this.#signalFirst && this.#signalled()) return outcomeOf(this.#interrupted);
      this.#signalFirst = false;
      const result = this.#attempt();
      if (result !== -EAGAIN) return result;
      this.#eventSeen = false;
      if (this.#signalled()) return outcomeOf(this.#interrupted);
      if (this.#expired()) return outcomeOf(this.#timedOut);
      return undefined;
    }
    if (this.#eventSeen) return Woken.Event;
    if (this.#signalled()) return Woken.Signal;
    if (this.#expired()) return Woken.Timeout;
    return undefined;
  }

  #signalled(): boolean {
    const { task } = this;
    return task.signalPending && (!this.killable || task.kernel.signals.dying(task));
  }

  #expired(): boolean {
    return this.#deadline !== Number.POSITIVE_INFINITY && this.task.kernel.now() >= this.#deadline;
  }

  /** Takes the task off all queues. Also for a task that is abandoned, when the whole machine stops. */
  #end(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.length = 0;
    this.task.wait = null;
  }

  abandon(): void {
    this.#end();
  }
}

function outcomeOf(result: number | (() => number)): number {
  return typeof result === "number" ? result : result();
}

/** Sleeps until a queue is woken, the deadline passes or a signal comes. Look at what you wait for before and after. */
export function sleep(task: Task, queues: Queues, options: SleepOptions = {}): Promise<Woken> {
  const deadline = options.deadline ?? Number.POSITIVE_INFINITY;
  const wait = new Wait(task, queues, undefined, deadline, options.killable ?? false, 0, 0);
  return wait.promise as Promise<Woken>;
}

/**
 * Runs `attempt` until it answers anything but -EAGAIN, sleeping on the queues in between.
 * @param attempt returns a result or a negative errno, or throws errno(...). Runs at least once, at once.
 */
export function block(
  task: Task,
  queues: Queues,
  attempt: () => number,
  options: BlockOptions = {},
): number | Promise<number> {
  if (options.tried !== true) {
    const result = attempt();
    if (result !== -EAGAIN) return result;
  }
  const deadline = options.deadline ?? Number.POSITIVE_INFINITY;
  const timedOut = options.timedOut ?? -ETIMEDOUT;
  if (deadline <= 0) {
    options.done?.();
    return outcomeOf(timedOut);
  }
  const interrupted = options.interrupted ?? -ERESTARTSYS;
  return new Wait(
    task,
    queues,
    attempt,
    deadline,
    options.killable ?? false,
    timedOut,
    interrupted,
    options.done,
    options.timeOfDay,
  ).promise;
}

/** The number that a failure means to the guest; anything that is not an Errno is a bug and is thrown on. */
export function resultOf(failure: unknown): number {
  if (failure instanceof Errno) return -failure.code;
  throw failure;
}
