/**
 * User namespaces (user_namespaces(7)): the numbers that users and groups have for those inside, and the capabilities that
 * count there.
 *
 * The kernel itself knows ids as the machine's own namespace has them; a process further inside gives and gets its own, which
 * `IdMap` translates. A capability is one in the namespace of the credentials and in those inside of it, and counts for
 * whatever belongs to one of them.
 */

/** One line of /proc/[pid]/uid_map. */
export interface IdRange {
  /** First id inside. */
  readonly inside: number;
  /** First id as the parent namespace has it. */
  readonly outside: number;
  readonly count: number;
}

/** kernel.overflowuid: who has no number here. */
export const OVERFLOW_ID = 65_534;
const ALL_IDS = 0xffff_ffff;
const NO_ID = 0xffff_ffff;

export class IdMap {
  /** With the ids of the machine outside, whatever the parent is. */
  readonly ranges: readonly IdRange[];

  constructor(ranges: readonly IdRange[]) {
    this.ranges = ranges;
  }

  /** make_kuid(): the kernel's id; undefined if there is none. */
  toKernel(id: number): number | undefined {
    if (id === NO_ID) return undefined;
    for (const { inside, outside, count } of this.ranges)
      if (id >= inside && id - inside < count) return outside + (id - inside);
    return undefined;
  }

  /** from_kuid() */
  fromKernel(id: number): number | undefined {
    for (const { inside, outside, count } of this.ranges)
      if (id >= outside && id - outside < count) return inside + (id - outside);
    return undefined;
  }

  /** from_kuid_munged() */
  shown(id: number): number {
    return this.fromKernel(id) ?? OVERFLOW_ID;
  }
}

const IDENTITY: readonly IdRange[] = [{ inside: 0, outside: 0, count: ALL_IDS }];
const UNMAPPED = new IdMap([]);

export class UserNamespace {
  readonly parent: UserNamespace | null;
  readonly level: number;
  /** Who made it, with the kernel's ids: has all capabilities in it, from the parent namespace. */
  readonly owner: number;
  readonly ownerGroup: number;
  uids: IdMap;
  gids: IdMap;
  setgroupsAllowed: boolean;
  /** Its maker had CAP_SETFCAP in the parent (which may then map root). */
  readonly parentCouldSetFileCapabilities: boolean;

  constructor(
    parent: UserNamespace | null,
    maker: { euid: number; egid: number; capable: boolean } = { euid: 0, egid: 0, capable: true },
  ) {
    this.parent = parent;
    this.level = parent === null ? 0 : parent.level + 1;
    this.owner = maker.euid;
    this.ownerGroup = maker.egid;
    this.parentCouldSetFileCapabilities = maker.capable;
    this.uids = parent === null ? new IdMap(IDENTITY) : UNMAPPED;
    this.gids = parent === null ? new IdMap(IDENTITY) : UNMAPPED;
    this.setgroupsAllowed = parent?.setgroupsAllowed ?? true;
  }

  /** Is `other` this very namespace, or inside of it? */
  contains(other: UserNamespace): boolean {
    let ns: UserNamespace | null = other;
    while (ns !== null && ns.level > this.level) ns = ns.parent;
    return ns === this;
  }
}
