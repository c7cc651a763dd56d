/** Namespaces as files: /proc/[pid]/ns and what setns(2) takes (namespaces(7), ioctl_nsfs(2)). */
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
import { EINVAL, ENOTTY, EPERM, ESRCH, errno } from "../abi/errno.ts";
import { O_ACCMODE, O_RDONLY } from "../abi/fcntl.ts";
import * as N from "../abi/nsfs.ts";
import { RLIMIT_NOFILE } from "../abi/resource.ts";
import { BaseFile } from "../vfs/file.ts";
import { MountTable } from "../vfs/mounts.ts";
import type { Path } from "../vfs/path.ts";
import { SyntheticFile, SyntheticFs } from "../vfs/types/synthetic.ts";
import type { File, GuestAccess, OpenContext } from "../vfs/types.ts";
import type { Kernel } from "./kernel.ts";
import type { NamespaceIdentity, NamespaceKind } from "./namespaces.ts";
import { PidNamespace } from "./pid-namespace.ts";
import type { Task } from "./task.ts";
import { UserNamespace } from "./user-namespace.ts";

export const CLONE_FLAGS: Readonly<Record<NamespaceKind, number>> = {
  cgroup: CLONE_NEWCGROUP,
  ipc: CLONE_NEWIPC,
  mnt: CLONE_NEWNS,
  net: CLONE_NEWNET,
  pid: CLONE_NEWPID,
  time: CLONE_NEWTIME,
  user: CLONE_NEWUSER,
  uts: CLONE_NEWUTS,
};

/** The file system of namespaces, which is mounted nowhere. */
export class NamespaceFs extends SyntheticFs {
  readonly #inodes: WeakMap<NamespaceIdentity, NamespaceInode> = new WeakMap();
  readonly kernel: Kernel;

  constructor(kernel: Kernel, dev: number) {
    super({ type: "nsfs", magic: N.NSFS_MAGIC, dev, clock: kernel.host.clock });
    this.kernel = kernel;
    this.root = new SyntheticFile(this, { ino: 1, content: undefined });
  }

  inode(identity: NamespaceIdentity): NamespaceInode {
    let inode = this.#inodes.get(identity);
    if (inode === undefined) {
      inode = new NamespaceInode(this, identity);
      this.#inodes.set(identity, inode);
    }
    return inode;
  }

  /** A descriptor of a namespace. */
  install(task: Task, namespace: object): number {
    const place = this.place(this.kernel.registry.of(namespace));
    const inode = place.inode as NamespaceInode;
    return task.files.add(new NamespaceFile(inode, 0, place), true, task.limit(RLIMIT_NOFILE));
  }

  /** Where its link in /proc leads to. */
  place(identity: NamespaceIdentity): Path {
    return this.kernel.mounts.place(this.inode(identity), nameOf(identity));
  }
}

/** As readlink(2) shows it. */
export function nameOf({ kind, ino }: NamespaceIdentity): string {
  return `${kind}:[${ino}]`;
}

class NamespaceInode extends SyntheticFile {
  readonly namespaces: NamespaceFs;
  readonly identity: NamespaceIdentity;

  constructor(fs: NamespaceFs, identity: NamespaceIdentity) {
    super(fs, { ino: identity.ino, content: undefined });
    this.namespaces = fs;
    this.identity = identity;
  }

  override open(flags: number, _context: OpenContext, path?: Path): File {
    // As what is immutable.
    if ((flags & O_ACCMODE) !== O_RDONLY) throw errno(EPERM);
    return new NamespaceFile(this, flags, path);
  }
}

export class NamespaceFile extends BaseFile {
  readonly identity: NamespaceIdentity;
  readonly #fs: NamespaceFs;

  constructor(inode: NamespaceInode, flags: number, path: Path | undefined) {
    super(inode, flags, path);
    this.identity = inode.identity;
    this.#fs = inode.namespaces;
  }

  override get mappable(): boolean {
    return false;
  }

  override describe(): string {
    return nameOf(this.identity);
  }

  override ioctl(request: number, argument: number, guest: GuestAccess, context: OpenContext): number {
    const { kind, owner, object } = this.identity;
    const task = context.task as Task;
    switch (request) {
      case N.NS_GET_NSTYPE:
        return CLONE_FLAGS[kind];
      case N.NS_GET_USERNS:
        return object instanceof UserNamespace && object.parent === null ? -EPERM : this.#openUsers(task, owner);
      case N.NS_GET_PARENT:
        if (object instanceof UserNamespace) return this.#openUsers(task, object.parent);
        return object instanceof PidNamespace ? this.#openPids(task, object.parent) : -EINVAL;
      case N.NS_GET_OWNER_UID:
        if (!(object instanceof UserNamespace)) return -EINVAL;
        guest.writeU32(argument, task.users.uids.shown(object.owner));
        return 0;
      case N.NS_GET_PID_FROM_PIDNS:
      case N.NS_GET_TGID_FROM_PIDNS:
      case N.NS_GET_PID_IN_PIDNS:
      case N.NS_GET_TGID_IN_PIDNS:
        return object instanceof PidNamespace ? translate(task, object, request, argument) : -EINVAL;
      case N.NS_GET_MNTNS_ID:
      case N.NS_MNT_GET_INFO:
        if (!(object instanceof MountTable)) return -EINVAL;
        return describeMounts(guest, argument, this.identity, request === N.NS_MNT_GET_INFO ? object : undefined);
      default:
        return -ENOTTY;
    }
  }

  /** Only what is not outside of the caller's own. */
  #openUsers(task: Task, users: UserNamespace | null): number {
    return users !== null && task.users.contains(users) ? this.#fs.install(task, users) : -EPERM;
  }

  #openPids(task: Task, pids: PidNamespace | null): number {
    return pids !== null && task.process.pids.contains(pids) ? this.#fs.install(task, pids) : -EPERM;
  }
}

/** The number of a mount namespace; with `table` also how many mounts there are. */
function describeMounts(
  guest: GuestAccess,
  address: number,
  { ino }: NamespaceIdentity,
  table: MountTable | undefined,
): number {
  const at = table === undefined ? address : address + 8;
  if (table !== undefined) {
    guest.writeU32(address, N.MNT_NS_INFO_SIZE);
    guest.writeU32(address + 4, table.mounts.length);
  }
  guest.writeU32(at, ino);
  guest.writeU32(at + 4, 0);
  return 0;
}

function translate(task: Task, pids: PidNamespace, request: number, number: number): number {
  const inward = request === N.NS_GET_PID_IN_PIDNS || request === N.NS_GET_TGID_IN_PIDNS;
  const target = inward ? task.find(number | 0) : task.kernel.tasks.get(pids.id(number | 0));
  if (target === undefined) return -ESRCH;
  const ofThread = request === N.NS_GET_PID_FROM_PIDNS || request === N.NS_GET_PID_IN_PIDNS;
  const id = ofThread ? target.tid : target.pid;
  const found = inward ? pids.number(id) : task.numberOf(id);
  return found === 0 ? -ESRCH : found;
}
