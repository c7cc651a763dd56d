/**
 * Namespaces (namespaces(7)): what a task sees of the machine, kind by kind. Mounts are not here but in the task's FsContext,
 * the PID namespace that it is in belongs to its process, and the user namespace to its credentials.
 */
import type { Network } from "../net/network.ts";
import type { IpcNamespace } from "./ipc-namespace.ts";
import type { PidNamespace } from "./pid-namespace.ts";
import type { TimeNamespace } from "./time-namespace.ts";
import type { UserNamespace } from "./user-namespace.ts";
import type { UtsNamespace } from "./uts.ts";

/** Of a tree of control groups there is the root alone, so one root is as good as another. */
export class CgroupNamespace {
  readonly kind: "cgroup" = "cgroup";
}

/** Immutable: a task that enters another namespace gets a new record. (Linux: nsproxy) */
export interface Namespaces {
  readonly uts: UtsNamespace;
  readonly ipc: IpcNamespace;
  readonly network: Network;
  readonly cgroup: CgroupNamespace;
  readonly time: TimeNamespace;
  /** Those of children to come; the task itself stays in its own. */
  readonly pidsOfChildren: PidNamespace;
  readonly timeOfChildren: TimeNamespace;
}

export type NamespaceKind = "cgroup" | "ipc" | "mnt" | "net" | "pid" | "time" | "user" | "uts";

/** What namespace files show of a namespace, whatever it is. */
export interface NamespaceIdentity {
  readonly kind: NamespaceKind;
  /** Number of its file. */
  readonly ino: number;
  /** The user namespace whose capabilities count for it. */
  readonly owner: UserNamespace;
  readonly object: object;
}

/** PROC_*_INIT_INO of Linux */
const FIRST: Readonly<Record<NamespaceKind, number>> = {
  cgroup: 0xeffffffb,
  ipc: 0xefffffff,
  mnt: 0xf0000001,
  net: 0xf0000000,
  pid: 0xeffffffc,
  time: 0xeffffffa,
  user: 0xeffffffd,
  uts: 0xeffffffe,
};
const FIRST_DYNAMIC = 0xf0000010;

/** Who is who among namespaces. */
export class NamespaceRegistry {
  readonly #known: WeakMap<object, NamespaceIdentity> = new WeakMap();
  #next = FIRST_DYNAMIC;

  /** The machine's own, made at its start. */
  addFirst(kind: NamespaceKind, object: object, owner: UserNamespace): void {
    this.#known.set(object, { kind, ino: FIRST[kind], owner, object });
  }

  add<T extends object>(kind: NamespaceKind, object: T, owner: UserNamespace): T {
    this.#known.set(object, { kind, ino: this.#next++, owner, object });
    return object;
  }

  of(object: object): NamespaceIdentity {
    const found = this.#known.get(object);
    if (found === undefined) throw new Error("a namespace that nobody has registered");
    return found;
  }
}
