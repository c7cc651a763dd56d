/** What happens to tasks besides their system calls, for whoever watches: strace, tests, the runtime. */
import type { SignalInfo } from "./signal-state.ts";
import type { Task } from "./task.ts";

export interface Observer {
  /** Whether signals that the task ignores are queued and come into its calls nevertheless, as under ptrace(2). */
  seesIgnoredSignals?(task: Task): boolean;
  /** A signal is about to act on the task: run a handler, stop or end it, or (see above) be ignored. */
  signalDelivered?(task: Task, info: SignalInfo): void;
  taskStarted?(task: Task, parent: Task | null): void;
  /** The task has become another program. */
  executed?(task: Task): void;
  taskStopped?(task: Task, signal: number): void;
  /** `status` as wait4(2) encodes it. */
  taskExited?(task: Task, status: number): void;
}
