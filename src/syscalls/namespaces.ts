/** Leaving and entering namespaces: unshare(2), setns(2). */
import { CAP_SYS_ADMIN, CAP_SYS_CHROOT } from "../abi/capability.ts";
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
} from "../abi/clone.ts";
import { EINVAL, EPERM, ESRCH, EUSERS, errno } from "../abi/errno.ts";
import type { TaskCredentials } from "../proc/credentials.ts";
import { mayInspect } from "../proc/inspect.ts";
import { CLONE_FLAGS, NamespaceFile } from "../proc/namespace-file.ts";
import type { NamespaceIdentity, Namespaces } from "../proc/namespaces.ts";
import { PidNamespace } from "../proc/pid-namespace.ts";
import { PidFile } from "../proc/pidfd.ts";
import type { Task } from "../proc/task.ts";
import { adaptToTime, TimeNamespace } from "../proc/time-namespace.ts";
import { enterUserNamespace, newNamespaces, unshareMounts } from "../proc/unshare.ts";
import { UserNamespace } from "../proc/user-namespace.ts";
import { MountTable } from "../vfs/mounts.ts";
import { fd, flags } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { cloneFlagNames } from "./process-flags.ts";

const NAMESPACES =
  CLONE_NEWUTS |
  CLONE_NEWNS |
  CLONE_NEWIPC |
  CLONE_NEWPID |
  CLONE_NEWNET |
  CLONE_NEWUSER |
  CLONE_NEWCGROUP |
  CLONE_NEWTIME;
const SEPARABLE = CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | NAMESPACES;

/** What tasks share can be had alone. */
function unshare(task: Task, wanted: number): number {
  let bits = wanted;
  if (bits & CLONE_NEWUSER) bits |= CLONE_THREAD | CLONE_FS;
  if (bits & CLONE_NEWNS) bits |= CLONE_FS;
  if (bits & ~(SEPARABLE | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) throw errno(EINVAL);
  if (bits & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) && task.process.tasks.size > 1) throw errno(EINVAL);
  if (bits & CLONE_VM && task.mm.users > 1) throw errno(EINVAL);
  const { credentials, namespaces } = newNamespaces(task, bits);
  if (bits & CLONE_FS && task.fs.references > 1) {
    task.fs.references--;
    task.fs = task.fs.clone();
  }
  if (bits & CLONE_NEWNS) unshareMounts(task.kernel, task.fs, credentials);
  task.credentials = credentials;
  task.namespaces = namespaces;
  if (bits & CLONE_FILES && task.files.references > 1) {
    task.files.references--;
    task.files = task.files.clone();
  }
  return 0;
}

/** What a task has once it has entered all that it wants to. */
interface Entering {
  credentials: TaskCredentials;
  namespaces: Namespaces;
  mounts: MountTable | null;
}

/** The `install` operations of Linux's namespaces. */
function enter(task: Task, identity: NamespaceIdentity, into: Entering): void {
  const { kind, owner, object } = identity;
  const { credentials } = into;
  if (object instanceof UserNamespace) {
    // Nobody gets back the capabilities that he has given up.
    if (object === task.users || task.process.tasks.size > 1 || task.fs.references > 1) throw errno(EINVAL);
    if (!credentials.capableIn(CAP_SYS_ADMIN, object)) throw errno(EPERM);
    into.credentials = enterUserNamespace(credentials, object.parent === null ? null : object);
    return;
  }
  if (!credentials.capableIn(CAP_SYS_ADMIN, owner) || !credentials.hasEffective(CAP_SYS_ADMIN)) throw errno(EPERM);
  if (object instanceof MountTable) {
    if (!credentials.hasEffective(CAP_SYS_CHROOT)) throw errno(EPERM);
    if (task.fs.references > 1) throw errno(EINVAL);
    into.mounts = object;
  } else if (object instanceof PidNamespace) {
    // Processes stay in what they were made in; children go further in only.
    if (!task.process.pids.contains(object)) throw errno(EINVAL);
    into.namespaces = { ...into.namespaces, pidsOfChildren: object };
  } else if (object instanceof TimeNamespace) {
    if (task.process.tasks.size > 1) throw errno(EUSERS);
    into.namespaces = { ...into.namespaces, time: object, timeOfChildren: object };
  } else into.namespaces = { ...into.namespaces, [kind === "net" ? "network" : kind]: object };
}

function setns(task: Task, number: number, type: number): number {
  const file = task.files.get(number);
  const entered: Entering = { credentials: task.credentials, namespaces: task.namespaces, mounts: null };
  if (file instanceof NamespaceFile) {
    if (type !== 0 && type !== CLONE_FLAGS[file.identity.kind]) throw errno(EINVAL);
    enter(task, file.identity, entered);
  } else if (file instanceof PidFile) {
    if (type === 0 || type & ~NAMESPACES) throw errno(EINVAL);
    if (file.process.exited) throw errno(ESRCH);
    const { leader } = file.process;
    if (!mayInspect(task, leader)) throw errno(EPERM);
    // The user namespace comes first: it may bring the capabilities that the others take.
    for (const identity of namespacesOf(leader)) if (type & CLONE_FLAGS[identity.kind]) enter(task, identity, entered);
  } else throw errno(EINVAL);
  task.credentials = entered.credentials;
  const moved = entered.namespaces.time !== task.namespaces.time;
  task.namespaces = entered.namespaces;
  if (moved) adaptToTime(task);
  if (entered.mounts !== null) {
    task.fs.mounts = entered.mounts;
    task.fs.root = entered.mounts.rootPath;
    task.fs.cwd = task.fs.root;
  }
  return 0;
}

function namespacesOf({ kernel, namespaces, users, fs, process }: Task): NamespaceIdentity[] {
  const { uts, ipc, network, cgroup, time } = namespaces;
  return [users, fs.mounts, uts, ipc, process.pids, cgroup, network, time].map((object) => kernel.registry.of(object));
}

export const namespaceCalls: readonly SyscallDefinition[] = [
  syscall("unshare", [flags(cloneFlagNames)], unshare),
  syscall("setns", [fd, flags(cloneFlagNames)], setns),
];
