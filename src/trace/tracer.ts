/** What the kernel tells whoever traces it. Absent, system calls pay nothing for it but a null check. */

import type { SignalInfo } from "../proc/signal-state.ts";
import type { Task } from "../proc/task.ts";
import type { SyscallDefinition } from "../syscalls/define.ts";

/** What a tracer wants instead of the call (strace -e inject). */
export interface Injection {
  /** Result instead of the call's; a negative errno for a failure. The call is not made. */
  readonly result?: number;
  /** A signal for the task when it enters the call. */
  readonly signal?: number;
  /** Microseconds to wait before the call, and after it. */
  readonly delayEnter?: number;
  readonly delayExit?: number;
}

export interface SyscallTracer {
  /** `definition` is undefined for a number without a handler. */
  enter(
    task: Task,
    number: number,
    definition: SyscallDefinition | undefined,
    args: readonly number[],
  ): Injection | undefined;
  /** `result` as the dispatcher has it before restarts are decided: a value or a negative errno up to 516. */
  leave(task: Task, result: number): void;
  signalDelivered(task: Task, info: SignalInfo): void;
  taskStarted(task: Task, parent: Task | null): void;
  taskStopped(task: Task, signal: number): void;
  taskExited(task: Task, status: number): void;
}
