/** User and group ids and capabilities: setuid(2), setresuid(2), setgroups(2), setfsuid(2), capget(2). */
import { CAP_SETGID, CAP_SETPCAP, CAP_SETUID } from "../abi/capability.ts";
import { EFAULT, EINVAL, EPERM, ESRCH, errno } from "../abi/errno.ts";
import { afterFsuidChange, afterIdChange } from "../proc/capability-state.ts";
import { ALL_CAPABILITIES, type CredentialFields, type TaskCredentials } from "../proc/credentials.ts";
import type { Task } from "../proc/task.ts";
import { int } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { uid as uidArg, viewOf } from "./process-args.ts";
import { filledUint } from "./struct-args.ts";
import { capabilityData, capabilityHeader, filledCapabilityData, filledGroups, groups } from "./system-args.ts";

type Kind = "User" | "Group";

/** The id as the kernel has it; EINVAL for what is nobody in the caller's user namespace. */
function valid(task: Task, kind: Kind, id: number): number {
  const found = id === -1 ? undefined : task.credentials[`to${kind}`](id >>> 0);
  if (found === undefined) throw errno(EINVAL);
  return found;
}

/** Likewise; undefined for -1, "leave it". */
function given(task: Task, kind: Kind, id: number): number | undefined {
  return id === -1 ? undefined : valid(task, kind, id);
}

function change(task: Task, fields: Partial<CredentialFields>): number {
  commit(task, afterIdChange(task.credentials, task.credentials.with(fields)));
  return 0;
}

/** commit_creds(): what has been somebody else, or has got more rights, is not to be looked into by those who might until now. */
function commit(task: Task, credentials: TaskCredentials): void {
  const old = task.credentials;
  task.credentials = credentials;
  const { euid, egid, fsuid, fsgid, permitted } = credentials;
  const same = euid === old.euid && egid === old.egid && fsuid === old.fsuid && fsgid === old.fsgid;
  if (same && (permitted & ~old.permitted) === 0n) return;
  task.process.dumpable = 0;
  task.parentDeathSignal = 0;
}

function setuid(task: Task, id: number): number {
  const uid = valid(task, "User", id);
  const { credentials } = task;
  if (credentials.hasEffective(CAP_SETUID)) return change(task, { uid, euid: uid, suid: uid, fsuid: uid });
  if (uid !== credentials.uid && uid !== credentials.suid) throw errno(EPERM);
  return change(task, { euid: uid, fsuid: uid });
}

function setgid(task: Task, id: number): number {
  const gid = valid(task, "Group", id);
  const { credentials } = task;
  if (credentials.hasEffective(CAP_SETGID)) return change(task, { gid, egid: gid, sgid: gid, fsgid: gid });
  if (gid !== credentials.gid && gid !== credentials.sgid) throw errno(EPERM);
  return change(task, { egid: gid, fsgid: gid });
}

function setreuid(task: Task, real: number, effective: number): number {
  const { uid, euid, suid } = task.credentials;
  const ruid = given(task, "User", real);
  const newEuid = given(task, "User", effective);
  if (!task.credentials.hasEffective(CAP_SETUID)) {
    if (ruid !== undefined && ruid !== uid && ruid !== euid) throw errno(EPERM);
    if (newEuid !== undefined && ![uid, euid, suid].includes(newEuid)) throw errno(EPERM);
  }
  const e = newEuid ?? euid;
  const savesToo = ruid !== undefined || (newEuid !== undefined && newEuid !== uid);
  return change(task, { uid: ruid ?? uid, euid: e, fsuid: e, suid: savesToo ? e : suid });
}

function setregid(task: Task, real: number, effective: number): number {
  const { gid, egid, sgid } = task.credentials;
  const rgid = given(task, "Group", real);
  const newEgid = given(task, "Group", effective);
  if (!task.credentials.hasEffective(CAP_SETGID)) {
    if (rgid !== undefined && rgid !== gid && rgid !== egid) throw errno(EPERM);
    if (newEgid !== undefined && ![gid, egid, sgid].includes(newEgid)) throw errno(EPERM);
  }
  const e = newEgid ?? egid;
  const savesToo = rgid !== undefined || (newEgid !== undefined && newEgid !== gid);
  return change(task, { gid: rgid ?? gid, egid: e, fsgid: e, sgid: savesToo ? e : sgid });
}

function setresuid(task: Task, real: number, effective: number, saved: number): number {
  const { uid, euid, suid } = task.credentials;
  const [r, e, s] = [given(task, "User", real), given(task, "User", effective), given(task, "User", saved)];
  if (!task.credentials.hasEffective(CAP_SETUID)) {
    for (const id of [r, e, s]) if (id !== undefined && ![uid, euid, suid].includes(id)) throw errno(EPERM);
  }
  return change(task, { uid: r ?? uid, euid: e ?? euid, suid: s ?? suid, fsuid: e ?? euid });
}

function setresgid(task: Task, real: number, effective: number, saved: number): number {
  const { gid, egid, sgid } = task.credentials;
  const [r, e, s] = [given(task, "Group", real), given(task, "Group", effective), given(task, "Group", saved)];
  if (!task.credentials.hasEffective(CAP_SETGID)) {
    for (const id of [r, e, s]) if (id !== undefined && ![gid, egid, sgid].includes(id)) throw errno(EPERM);
  }
  return change(task, { gid: r ?? gid, egid: e ?? egid, sgid: s ?? sgid, fsgid: e ?? egid });
}

function storeIds(task: Task, addresses: readonly number[], ids: readonly number[]): number {
  addresses.forEach((address, i) => {
    task.space.writeU32(address, ids[i] as number);
  });
  return 0;
}

/** Answers the old id, whether it was changed or not (setfsuid(2)). */
function setfsuid(task: Task, id: number): number {
  const old = task.credentials;
  const { uid, euid, suid, fsuid } = old;
  const wanted = id === -1 ? undefined : task.credentials.toUser(id >>> 0);
  if (
    wanted !== undefined &&
    ([uid, euid, suid, fsuid].includes(wanted) || task.credentials.hasEffective(CAP_SETUID))
  ) {
    commit(task, afterFsuidChange(task.credentials, wanted));
  }
  return old.shownUser(fsuid);
}

function setfsgid(task: Task, id: number): number {
  const old = task.credentials;
  const { gid, egid, sgid, fsgid } = old;
  const wanted = id === -1 ? undefined : task.credentials.toGroup(id >>> 0);
  if (
    wanted !== undefined &&
    ([gid, egid, sgid, fsgid].includes(wanted) || task.credentials.hasEffective(CAP_SETGID))
  ) {
    change(task, { fsgid: wanted });
  }
  return old.shownGroup(fsgid);
}

const NGROUPS_MAX = 65536;

function getgroups(task: Task, count: number, list: number): number {
  const { groups } = task.credentials;
  if (count < 0) throw errno(EINVAL);
  if (count === 0) return groups.length;
  if (count < groups.length) throw errno(EINVAL);
  groups.forEach((gid, i) => {
    task.space.writeU32(list + 4 * i, task.credentials.shownGroup(gid));
  });
  return groups.length;
}

function setgroups(task: Task, count: number, list: number): number {
  // may_setgroups(): who may not say no to a group must not lose it either.
  const { users } = task;
  const mapped = users.parent === null || users.gids.ranges.length > 0;
  if (!task.credentials.hasEffective(CAP_SETGID) || !mapped || !users.setgroupsAllowed) throw errno(EPERM);
  if (count < 0 || count > NGROUPS_MAX) throw errno(EINVAL);
  const groups: number[] = [];
  for (let i = 0; i < count; i++) {
    groups.push(valid(task, "Group", task.space.readI32(list + 4 * i)));
  }
  return change(task, { groups: groups.sort((a, b) => a - b) });
}

const CAPABILITY_VERSION_1 = 0x1998_0330;
const CAPABILITY_VERSION_2 = 0x2007_1026;
const CAPABILITY_VERSION_3 = 0x2008_0522;

/** Number of 32-bit words per set; writes the version that is preferred if the caller's is unknown. */
function capabilityWords(task: Task, header: number): number {
  switch (task.space.readU32(header)) {
    case CAPABILITY_VERSION_1:
      return 1;
    case CAPABILITY_VERSION_2:
    case CAPABILITY_VERSION_3:
      return 2;
    default:
      task.space.writeU32(header, CAPABILITY_VERSION_3);
      return 0;
  }
}

function capget(task: Task, header: number, data: number): number {
  const words = capabilityWords(task, header);
  // With no place for data it is a question for the version.
  if (words === 0) return data === 0 ? 0 : -EINVAL;
  const pid = task.space.readI32(header + 4);
  if (pid < 0) throw errno(EINVAL);
  const target = pid === 0 ? task : task.find(pid);
  if (target === undefined) throw errno(ESRCH);
  if (data === 0) return 0;
  const { effective, permitted, inheritable } = target.credentials;
  const view = viewOf(task.space.writable(data, 12 * words));
  for (let i = 0; i < words; i++) {
    const word = (set: bigint): number => Number((set >> BigInt(32 * i)) & 0xffff_ffffn);
    view.setUint32(12 * i, word(effective), true);
    view.setUint32(12 * i + 4, word(permitted), true);
    view.setUint32(12 * i + 8, word(inheritable), true);
  }
  return 0;
}

function capset(task: Task, header: number, data: number): number {
  const words = capabilityWords(task, header);
  if (words === 0) throw errno(EINVAL);
  const pid = task.space.readI32(header + 4);
  if (pid !== 0 && pid !== task.number) throw errno(EPERM);
  if (data === 0) throw errno(EFAULT);
  const view = viewOf(task.space.readable(data, 12 * words));
  const set = (at: number): bigint => {
    let bits = 0n;
    for (let i = 0; i < words; i++) bits |= BigInt(view.getUint32(12 * i + at, true)) << BigInt(32 * i);
    return bits & ALL_CAPABILITIES;
  };
  const [effective, permitted, inheritable] = [set(0), set(4), set(8)];
  const old = task.credentials;
  const beyond = (a: bigint, b: bigint): boolean => (a & ~b) !== 0n;
  if (!old.hasEffective(CAP_SETPCAP) && beyond(inheritable, old.inheritable | old.permitted)) throw errno(EPERM);
  if (beyond(inheritable, old.inheritable | old.bounding)) throw errno(EPERM);
  if (beyond(permitted, old.permitted) || beyond(effective, permitted)) throw errno(EPERM);
  const ambient = old.ambient & permitted & inheritable;
  task.credentials = old.with({ effective, permitted, inheritable, ambient });
  return 0;
}

export const userIdCalls: readonly SyscallDefinition[] = [
  syscall("getuid", [], ({ credentials: c }) => c.shownUser(c.uid)),
  syscall("geteuid", [], ({ credentials: c }) => c.shownUser(c.euid)),
  syscall("getgid", [], ({ credentials: c }) => c.shownGroup(c.gid)),
  syscall("getegid", [], ({ credentials: c }) => c.shownGroup(c.egid)),
  syscall("setuid", [uidArg], setuid),
  syscall("setgid", [uidArg], setgid),
  syscall("setreuid", [uidArg, uidArg], setreuid),
  syscall("setregid", [uidArg, uidArg], setregid),
  syscall("setresuid", [uidArg, uidArg, uidArg], setresuid),
  syscall("setresgid", [uidArg, uidArg, uidArg], setresgid),
  syscall("getresuid", [filledUint, filledUint, filledUint], (task, r, e, s) => {
    const { credentials: c } = task;
    return storeIds(task, [r, e, s], [c.shownUser(c.uid), c.shownUser(c.euid), c.shownUser(c.suid)]);
  }),
  syscall("getresgid", [filledUint, filledUint, filledUint], (task, r, e, s) => {
    const { credentials: c } = task;
    return storeIds(task, [r, e, s], [c.shownGroup(c.gid), c.shownGroup(c.egid), c.shownGroup(c.sgid)]);
  }),
  syscall("setfsuid", [uidArg], setfsuid),
  syscall("setfsgid", [uidArg], setfsgid),
  syscall("getgroups", [int, filledGroups], getgroups),
  syscall("setgroups", [int, groups], setgroups),
  syscall("capget", [capabilityHeader, filledCapabilityData], capget),
  syscall("capset", [capabilityHeader, capabilityData], capset),
];
