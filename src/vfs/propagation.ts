/**
 * Mount propagation: mount_namespaces(7), "Shared subtrees"; after fs/pnode.c of Linux.
 *
 * Mounts that are *shared* are members of a peer group: what is mounted or unmounted on one is on all. A *slave* gets what
 * happens in the group that is its master, and gives nothing back; it may itself be a member of another group. Copies of a
 * mount (by MS_BIND, in a new namespace) are members of what the original is a member of. By default all is private.
 */
import type { Mount } from "./path.ts";

export class PeerGroup {
  readonly id: number;
  readonly members: Set<Mount> = new Set();
  readonly slaves: Set<Mount> = new Set();

  constructor(id: number) {
    this.id = id;
  }
}

/** A copy of `source` belongs where the source does. */
export function inherit(copy: Mount, source: Mount): void {
  if (source.peers !== undefined) join(copy, source.peers);
  if (source.master !== undefined) enslave(copy, source.master);
}

export function join(mount: Mount, group: PeerGroup): void {
  mount.peers = group;
  group.members.add(mount);
}

export function enslave(mount: Mount, master: PeerGroup | undefined): void {
  mount.master?.slaves.delete(mount);
  mount.master = master;
  master?.slaves.add(mount);
}

/** MS_SLAVE; of a mount that is alone in its group nothing is left to be a slave of. */
export function makeSlave(mount: Mount): void {
  const group = mount.peers;
  if (group === undefined) return;
  group.members.delete(mount);
  mount.peers = undefined;
  if (group.members.size > 0) {
    enslave(mount, group);
    return;
  }
  for (const slave of [...group.slaves]) enslave(slave, mount.master);
}

/** MS_PRIVATE, and the end of a mount. */
export function makePrivate(mount: Mount): void {
  makeSlave(mount);
  enslave(mount, undefined);
}

/** The nearest group that a mount gets its mounts from and of which `visible` knows a member: get_dominating_id(). */
export function dominating(mount: Mount, visible: (member: Mount) => boolean): PeerGroup | undefined {
  let group = mount.master;
  while (group !== undefined) {
    const members = [...group.members];
    if (members.some(visible)) return group;
    group = members[0]?.master;
  }
  return undefined;
}

/** Where what is mounted on a mount shows too: each with the place in its own order, slaves behind their masters. */
export interface Receiver {
  readonly mount: Mount;
  /** It gets its mounts from this one, as a slave; undefined: as a peer. */
  readonly master: PeerGroup | undefined;
}

/** All that get what happens on `mount`, itself not. */
export function* receivers(mount: Mount): Generator<Receiver> {
  const group = mount.peers;
  if (group === undefined) return;
  const seen = new Set<Mount>([mount]);
  for (const member of [...group.members]) {
    if (seen.has(member)) continue;
    seen.add(member);
    yield { mount: member, master: undefined };
  }
  yield* slavesOf(group, seen);
}

function* slavesOf(group: PeerGroup, seen: Set<Mount>): Generator<Receiver> {
  for (const slave of [...group.slaves]) {
    const peers = slave.peers === undefined ? [slave] : [...slave.peers.members];
    for (const member of peers) {
      if (seen.has(member)) continue;
      seen.add(member);
      yield { mount: member, master: group };
    }
    if (slave.peers !== undefined) yield* slavesOf(slave.peers, seen);
  }
}
