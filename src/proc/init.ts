/**
 * Process 1 of a machine whose program is not to be process 1 itself: the kernel's own, as `docker run --init` adds one. It is
 * parent of the program and of orphans, which it waits for at once. There is no guest code in it: it has neither memory
 * nor files, and signals do nothing to it.
 */
import { NSIG, SIG_IGN } from "../abi/signal.ts";
import { FdTable } from "../vfs/fd-table.ts";
import { FsContext } from "../vfs/fs-context.ts";
import { TaskCredentials } from "./credentials.ts";
import { defaultLimits, type Kernel } from "./kernel.ts";
import type { PidNamespace } from "./pid-namespace.ts";
import { ProcessGroup, Session } from "./session.ts";
import { SignalHandlers, SignalSet } from "./signal-state.ts";
import { Task } from "./task.ts";
import { type ResourceLimit, ThreadGroup } from "./thread-group.ts";

/** A process that leads a session and a group of its own. Its leader task is the caller's to make. */
export function newSessionLeader(
  kernel: Kernel,
  pids: PidNamespace,
  parent: ThreadGroup | null,
  limits: ResourceLimit[],
): ThreadGroup {
  const id = kernel.allocateId(pids);
  if (id === undefined) throw new Error("no process id is left");
  const session = new Session(id);
  kernel.sessions.set(id, session);
  const group = new ProcessGroup(id, session);
  kernel.groups.set(id, group);
  session.groups.set(id, group);
  const process = new ThreadGroup({ kernel, pid: id, pids, parent, group, limits });
  group.members.add(process);
  session.leader = process;
  kernel.addProcess(process);
  parent?.children.add(process);
  return process;
}

export function startInit(kernel: Kernel): void {
  const process = newSessionLeader(kernel, kernel.pids, null, defaultLimits());
  process.unkillable = true;
  const handlers = new SignalHandlers();
  const ignored = { handler: SIG_IGN, flags: 0, restorer: 0, mask: new SignalSet() };
  for (let signal = 1; signal <= NSIG; signal++) handlers.set(signal, ignored);
  const task = new Task({
    process,
    tid: process.pid,
    mm: null,
    fs: new FsContext(kernel.mounts),
    files: new FdTable(),
    handlers,
    credentials: TaskCredentials.login(0, 0),
    namespaces: kernel.namespaces,
  });
  task.comm = "init";
  task.state = "blocked";
  process.leader = task;
  process.tasks.add(task);
  kernel.tasks.set(task.tid, task);
  kernel.ownTasks++;
}
