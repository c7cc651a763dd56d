/** uid_map, gid_map and setgroups of /proc/[pid]: user_namespaces(7), "User and group ID mappings". After map_write() of Linux. */
import { CAP_SETFCAP, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN } from "../../abi/capability.ts";
import { EACCES, EINVAL, EPERM, errno } from "../../abi/errno.ts";
import { O_ACCMODE, O_RDONLY } from "../../abi/fcntl.ts";
import { decodeBytes } from "../../util/bytes.ts";
import { SyntheticFile } from "../../vfs/types/synthetic.ts";
import type { Inode, OpenContext } from "../../vfs/types.ts";
import type { TaskCredentials } from "../credentials.ts";
import type { Task } from "../task.ts";
import { IdMap, type IdRange, type UserNamespace } from "../user-namespace.ts";
import type { ProcFs } from "./file-system.ts";

type Kind = "uids" | "gids";
type Owner = { readonly uid: number; readonly gid: number };

const PAGE = 4096;
/** UID_GID_MAP_MAX_EXTENTS */
const MAX_RANGES = 340;

const credentialsOf = (context: OpenContext): TaskCredentials => context.credentials as TaskCredentials;

export function idMapFile(task: Task, fs: ProcFs, ino: number, owner: Owner, kind: Kind): Inode {
  return new SyntheticFile(fs, {
    ino,
    mode: 0o644,
    owner,
    content: (context) => mapText(task, kind, viewerOf(task, context)),
    write: (bytes, position, context) => writeMap(task, kind, bytes, position, context),
  });
}

/** The user namespace of whoever has opened the file. */
function viewerOf(task: Task, context: OpenContext): UserNamespace {
  return task.kernel.usersOf(credentialsOf(context));
}

/** What is outside is told as the reader knows it; who is inside himself is told what the parent namespace has. */
function mapText({ users }: Task, kind: Kind, viewer: UserNamespace): string {
  const outer = viewer === users && users.parent !== null ? users.parent : viewer;
  const column = (value: number): string => String(value).padStart(10);
  return users[kind].ranges
    .map(({ inside, outside, count }) => {
      const first = outer[kind].fromKernel(outside) ?? 0xffff_ffff;
      return `${column(inside)} ${column(first)} ${column(count)}\n`;
    })
    .join("");
}

function writeMap(task: Task, kind: Kind, bytes: Uint8Array, position: number, context: OpenContext): number {
  const { users } = task;
  const { parent } = users;
  const viewer = viewerOf(task, context);
  if (parent === null || (viewer !== users && viewer !== parent)) return -EPERM;
  if (position !== 0 || bytes.length >= PAGE) return -EINVAL;
  // It is set once and for all.
  if (users[kind].ranges.length > 0 || !credentialsOf(context).capableIn(CAP_SYS_ADMIN, users)) return -EPERM;
  const ranges = parseRanges(decodeBytes(bytes));
  if (ranges === undefined) return -EINVAL;
  if (!permitted(task, kind, ranges, parent, context)) return -EPERM;
  const translated: IdRange[] = [];
  for (const { inside, outside, count } of ranges) {
    const first = parent[kind].toKernel(outside);
    const last = parent[kind].toKernel(outside + count - 1);
    if (first === undefined || last === undefined || last - first !== count - 1) return -EPERM;
    translated.push({ inside, outside: first, count });
  }
  users[kind] = new IdMap(translated);
  return bytes.length;
}

/** Lines of three numbers, of which no two speak of the same id. */
function parseRanges(text: string): IdRange[] | undefined {
  const ranges: IdRange[] = [];
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(line);
    if (match === null) return undefined;
    const [inside, outside, count] = match.slice(1).map(Number) as [number, number, number];
    if (inside >= 0xffff_ffff || outside >= 0xffff_ffff || count === 0) return undefined;
    if (inside + count > 0xffff_ffff || outside + count > 0xffff_ffff) return undefined;
    const meets = (a: number, b: number, other: number): boolean => a < b + other && b < a + count;
    if (ranges.some((r) => meets(inside, r.inside, r.count) || meets(outside, r.outside, r.count))) return undefined;
    ranges.push({ inside, outside, count });
  }
  return ranges.length === 0 || ranges.length > MAX_RANGES ? undefined : ranges;
}

/** new_idmap_permitted() and verify_root_map(): one's own id, or any with the capability to become anybody outside. */
function permitted(
  task: Task,
  kind: Kind,
  ranges: readonly IdRange[],
  parent: UserNamespace,
  context: OpenContext,
): boolean {
  const { users } = task;
  const opener = credentialsOf(context);
  const writer = task.kernel.scheduler.current?.credentials ?? opener;
  const mapsRoot = ranges.some(({ outside }) => parent.uids.toKernel(outside) === 0 && kind === "uids");
  if (mapsRoot) {
    const fromInside = task.kernel.usersOf(opener) === users;
    if (fromInside ? !users.parentCouldSetFileCapabilities : !opener.capableIn(CAP_SETFCAP, parent)) return false;
  }
  const [only] = ranges;
  if (ranges.length === 1 && only?.count === 1 && users.owner === opener.euid) {
    const id = parent[kind].toKernel(only.outside);
    if (kind === "uids" && id === opener.euid) return true;
    if (kind === "gids" && !users.setgroupsAllowed && id === opener.egid) return true;
  }
  const capability = kind === "uids" ? CAP_SETUID : CAP_SETGID;
  return writer.capableIn(capability, parent) && opener.capableIn(capability, parent);
}

class SetgroupsFile extends SyntheticFile {
  task!: Task;

  override open(...args: Parameters<SyntheticFile["open"]>): ReturnType<SyntheticFile["open"]> {
    const [flags, context] = args;
    const writes = (flags & O_ACCMODE) !== O_RDONLY;
    if (writes && !credentialsOf(context).capableIn(CAP_SYS_ADMIN, this.task.users)) throw errno(EACCES);
    return super.open(...args);
  }
}

export function setgroupsFile(task: Task, fs: ProcFs, ino: number, owner: Owner): Inode {
  const file = new SetgroupsFile(fs, {
    ino,
    mode: 0o644,
    owner,
    content: () => (task.users.setgroupsAllowed ? "allow\n" : "deny\n"),
    write: (bytes, position) => {
      const wanted = /^(allow|deny)\s*$/.exec(decodeBytes(bytes))?.[1];
      if (position !== 0 || bytes.length >= 8 || wanted === undefined) return -EINVAL;
      const { users } = task;
      if (wanted === "allow") return users.setgroupsAllowed ? bytes.length : -EPERM;
      // Once there are groups that can be dropped it is too late.
      if (users.gids.ranges.length > 0) return -EPERM;
      users.setgroupsAllowed = false;
      return bytes.length;
    },
  });
  file.task = task;
  return file;
}
