/** Who a task is: user and group ids and capabilities (credentials(7), capabilities(7)). Immutable: a change makes a new one. */
import { CAP_LAST_CAP, CAP_SYS_RESOURCE } from "../abi/capability.ts";
import type { Sandbox } from "../vfs/sandbox.ts";
import type { Credentials } from "../vfs/types.ts";
import type { UserNamespace } from "./user-namespace.ts";

/** Capability sets are bit masks; bit n is capability n. */
export interface CredentialFields {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
  readonly inheritable: bigint;
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly bounding: bigint;
  readonly ambient: bigint;
  /** SECBIT_* of prctl(PR_SET_SECUREBITS). */
  readonly securebits: number;
  readonly noNewPrivileges: boolean;
  /** Null: the machine's own. */
  readonly users: UserNamespace | null;
  /** landlock(7) */
  readonly sandbox: Sandbox | null;
}

export const ALL_CAPABILITIES: bigint = (1n << BigInt(CAP_LAST_CAP + 1)) - 1n;

/**
 * What root has, and what can be had at all: not CAP_SYS_RESOURCE, as in most containers, since limits are set from outside
 * and who is inside shall not raise them.
 */
export const GUEST_CAPABILITIES: bigint = ALL_CAPABILITIES & ~(1n << BigInt(CAP_SYS_RESOURCE));

export class TaskCredentials implements Credentials, CredentialFields {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
  readonly inheritable: bigint;
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly bounding: bigint;
  readonly ambient: bigint;
  readonly securebits: number;
  readonly noNewPrivileges: boolean;
  readonly users: UserNamespace | null;
  readonly sandbox: Sandbox | null;
  readonly #effectiveLo: number;
  readonly #effectiveHi: number;

  constructor(fields: CredentialFields) {
    this.uid = fields.uid;
    this.euid = fields.euid;
    this.suid = fields.suid;
    this.fsuid = fields.fsuid;
    this.gid = fields.gid;
    this.egid = fields.egid;
    this.sgid = fields.sgid;
    this.fsgid = fields.fsgid;
    this.groups = fields.groups;
    this.inheritable = fields.inheritable;
    this.permitted = fields.permitted;
    this.effective = fields.effective;
    this.bounding = fields.bounding;
    this.ambient = fields.ambient;
    this.securebits = fields.securebits;
    this.noNewPrivileges = fields.noNewPrivileges;
    this.users = fields.users;
    this.sandbox = fields.sandbox;
    this.#effectiveLo = Number(fields.effective & 0xffff_ffffn);
    this.#effectiveHi = Number(fields.effective >> 32n);
  }

  /** As a login gives them: root has the capabilities that there are, anybody else none. */
  static login(uid: number, gid: number, groups: readonly number[] = []): TaskCredentials {
    const capabilities = uid === 0 ? GUEST_CAPABILITIES : 0n;
    return new TaskCredentials({
      uid,
      euid: uid,
      suid: uid,
      fsuid: uid,
      gid,
      egid: gid,
      sgid: gid,
      fsgid: gid,
      groups,
      inheritable: 0n,
      permitted: capabilities,
      effective: capabilities,
      bounding: GUEST_CAPABILITIES,
      ambient: 0n,
      securebits: 0,
      noNewPrivileges: false,
      users: null,
      sandbox: null,
    });
  }

  /** For what belongs to the machine as a whole: capable(). */
  capable(capability: number): boolean {
    return this.users === null && this.hasEffective(capability);
  }

  /** For what belongs to `target`: ns_capable(). */
  capableIn(capability: number, target: UserNamespace): boolean {
    const { users } = this;
    const isMine = (ns: UserNamespace): boolean => (users === null ? ns.parent === null : ns === users);
    const level = users?.level ?? 0;
    for (let ns = target; ; ns = ns.parent) {
      if (isMine(ns)) return this.hasEffective(capability);
      if (ns.parent === null || ns.level <= level) return false;
      // Who has made it rules it.
      if (isMine(ns.parent) && ns.owner === this.euid) return true;
    }
  }

  /** capable_wrt_inode_uidgid() */
  capableOver(capability: number, { uid, gid }: { readonly uid: number; readonly gid: number }): boolean {
    const { users } = this;
    if (!this.hasEffective(capability)) return false;
    return users === null || (users.uids.fromKernel(uid) !== undefined && users.gids.fromKernel(gid) !== undefined);
  }

  /** A user id that the guest gives, as the kernel has it; undefined if there is none. The other three likewise. */
  toUser(id: number): number | undefined {
    return this.users === null ? id : this.users.uids.toKernel(id);
  }

  toGroup(id: number): number | undefined {
    return this.users === null ? id : this.users.gids.toKernel(id);
  }

  /** A user id that the guest gets: 65534 for who has none in its user namespace. */
  shownUser(id: number): number {
    return this.users === null ? id : this.users.uids.shown(id);
  }

  shownGroup(id: number): number {
    return this.users === null ? id : this.users.gids.shown(id);
  }

  /** Who is root to the guest, with the kernel's id; undefined if nobody is. */
  get root(): number | undefined {
    return this.toUser(0);
  }

  /** For what belongs to the caller's own user namespace. */
  hasEffective(capability: number): boolean {
    return capability < 32
      ? ((this.#effectiveLo >>> capability) & 1) === 1
      : ((this.#effectiveHi >>> (capability - 32)) & 1) === 1;
  }

  with(change: Partial<CredentialFields>): TaskCredentials {
    return new TaskCredentials({ ...this.fields(), ...change });
  }

  /** For access(2) and its kin, which ask about the real ids. */
  asReal(): TaskCredentials {
    const privileged = this.uid === this.root;
    return this.with({
      fsuid: this.uid,
      fsgid: this.gid,
      effective: privileged ? this.permitted : 0n,
    });
  }

  fields(): CredentialFields {
    return { ...(this as CredentialFields) };
  }
}
