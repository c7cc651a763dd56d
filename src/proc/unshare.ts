/** New namespaces, as clone(2) and unshare(2) make them. After create_new_namespaces() and create_user_ns() of Linux. */
import { CAP_SETFCAP, CAP_SYS_ADMIN } from "../abi/capability.ts";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from "../abi/clone.ts";
import { EINVAL, ENOSPC, EPERM, errno } from "../abi/errno.ts";
import { Network } from "../net/network.ts";
import type { FsContext } from "../vfs/fs-context.ts";
import type { OpenContext } from "../vfs/types.ts";
import { ALL_CAPABILITIES, type TaskCredentials } from "./credentials.ts";
import { IpcNamespace } from "./ipc-namespace.ts";
import type { Kernel } from "./kernel.ts";
import { CgroupNamespace, type Namespaces } from "./namespaces.ts";
import { MAX_LEVEL } from "./pid-namespace.ts";
import type { Task } from "./task.ts";
import { TimeNamespace } from "./time-namespace.ts";
import { UserNamespace } from "./user-namespace.ts";

/** All but user namespaces, which need no privilege. */
const PRIVILEGED =
  CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME;
/** A new network has a loopback interface that is down, and no way out. */
const NO_NETWORK = { mode: "none", publish: [], allow: [] } as const;

/** What `flags` (CLONE_NEW*) make of the caller's namespaces and credentials. Mounts are for `unshareMounts`. */
export function newNamespaces(
  task: Task,
  flags: number,
): { readonly credentials: TaskCredentials; readonly namespaces: Namespaces } {
  const { kernel } = task;
  const wanted = flags % 2 ** 32;
  const credentials = wanted & CLONE_NEWUSER ? inNewUserNamespace(task) : task.credentials;
  const { namespaces } = task;
  if ((wanted & PRIVILEGED) === 0) return { credentials, namespaces };
  if (!credentials.hasEffective(CAP_SYS_ADMIN)) throw errno(EPERM);
  const owner = kernel.usersOf(credentials);
  const { registry, host } = kernel;
  const device = (): number => kernel.mounts.deviceNumbers.next();
  let { uts, ipc, network, cgroup, pidsOfChildren, timeOfChildren } = namespaces;
  if (wanted & CLONE_NEWUTS) uts = registry.add("uts", uts.clone(), owner);
  if (wanted & CLONE_NEWIPC) ipc = registry.add("ipc", new IpcNamespace(device(), host.clock), owner);
  if (wanted & CLONE_NEWPID) {
    // One that is new itself, for children to come, is not left before it has any.
    if (pidsOfChildren !== task.process.pids) throw errno(EINVAL);
    if (pidsOfChildren.level >= MAX_LEVEL) throw errno(ENOSPC);
    pidsOfChildren = kernel.newPidNamespace(pidsOfChildren, owner);
  }
  if (wanted & CLONE_NEWCGROUP) cgroup = registry.add("cgroup", new CgroupNamespace(), owner);
  if (wanted & CLONE_NEWNET) {
    const capable = ({ credentials }: Pick<OpenContext, "credentials">, capability: number): boolean =>
      (credentials as TaskCredentials).capableIn(capability, owner);
    network = registry.add(
      "net",
      new Network(host, device(), { ...NO_NETWORK, changes: true, capable, boundTo: network.boundTo }),
      owner,
    );
  }
  if (wanted & CLONE_NEWTIME) timeOfChildren = registry.add("time", new TimeNamespace(timeOfChildren), owner);
  const { time } = namespaces;
  return { credentials, namespaces: { uts, ipc, network, cgroup, time, pidsOfChildren, timeOfChildren } };
}

/** CLONE_NEWNS */
export function unshareMounts(kernel: Kernel, fs: FsContext, credentials: TaskCredentials): void {
  const { owner } = kernel.registry.of(fs.mounts);
  fs.unshareMounts();
  const users = kernel.usersOf(credentials);
  kernel.registry.add("mnt", fs.mounts, users);
  if (users !== owner) fs.mounts.lockAll();
}

function inNewUserNamespace(task: Task): TaskCredentials {
  const { kernel, credentials, fs } = task;
  const parent = kernel.usersOf(credentials);
  if (parent.level >= MAX_LEVEL) throw errno(ENOSPC);
  // Who has changed his root would get out of it by the capabilities that he gets.
  if (!fs.root.equals(fs.mounts.rootPath)) throw errno(EPERM);
  const { euid, egid } = credentials;
  if (parent.uids.fromKernel(euid) === undefined || parent.gids.fromKernel(egid) === undefined) throw errno(EPERM);
  const capable = credentials.hasEffective(CAP_SETFCAP);
  const users = kernel.registry.add("user", new UserNamespace(parent, { euid, egid, capable }), parent);
  return enterUserNamespace(credentials, users);
}

/** set_cred_user_ns(): whoever comes into a user namespace has all capabilities there. */
export function enterUserNamespace(credentials: TaskCredentials, users: UserNamespace | null): TaskCredentials {
  return credentials.with({
    users,
    securebits: 0,
    inheritable: 0n,
    permitted: ALL_CAPABILITIES,
    effective: ALL_CAPABILITIES,
    bounding: ALL_CAPABILITIES,
    ambient: 0n,
  });
}
