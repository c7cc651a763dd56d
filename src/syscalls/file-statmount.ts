/** statmount(2), listmount(2): what /proc/self/mountinfo tells, of mounts by their numbers. */
import { CAP_SYS_ADMIN } from "../abi/capability.ts";
import { majorOf, minorOf } from "../abi/device.ts";
import { E2BIG, EINVAL, ENOENT, EOVERFLOW, EPERM, errno } from "../abi/errno.ts";
import { UNIQUE_MOUNT_IDS } from "../abi/stat-layout.ts";
import * as M from "../abi/statfs.ts";
import * as S from "../abi/statmount.ts";
import type { Task } from "../proc/task.ts";
import { encodeBytes } from "../util/bytes.ts";
import type { MountTable } from "../vfs/mounts.ts";
import { type Mount, nameInFileSystem, nameOf, Path } from "../vfs/path.ts";
import { dominating } from "../vfs/propagation.ts";
import { ptr, size, uint } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { attributesOf } from "./file-mount-api.ts";
import { readVersioned } from "./file-util.ts";
import { given, unsigned64 } from "./struct-args.ts";

const PAGE_SIZE = 4096;
/** More than this nobody asks for at once. */
const MAX_IDS = 1_000_000;

interface Request {
  readonly mount: number;
  readonly parameter: number;
  readonly mounts: MountTable;
}

function readRequest(task: Task, address: number): Request {
  const length = task.space.readU32(address);
  if (length < S.MNT_ID_REQ_SIZE_VER0) throw errno(EINVAL);
  if (length > PAGE_SIZE) throw errno(E2BIG);
  const view = readVersioned(task, address, length, S.MNT_ID_REQ_SIZE);
  const mount = unsigned64(view, 8);
  if (view.getUint32(4, true) !== 0 || mount <= UNIQUE_MOUNT_IDS) throw errno(EINVAL);
  return { mount, parameter: unsigned64(view, 16), mounts: namespaceOf(task, unsigned64(view, 24)) };
}

/** The mount namespace of that number, 0 for the task's own. */
function namespaceOf(task: Task, number: number): MountTable {
  const { kernel, fs } = task;
  if (number === 0) return fs.mounts;
  for (const other of kernel.tasks.values()) {
    const { mounts } = other.fs;
    const { ino, owner } = kernel.registry.of(mounts);
    if (ino !== number) continue;
    if (mounts !== fs.mounts && !task.credentials.capableIn(CAP_SYS_ADMIN, owner)) break;
    return mounts;
  }
  throw errno(ENOENT);
}

function find({ mount: number, mounts }: Request): Mount {
  const mount = mounts.mounts.find(({ id }) => UNIQUE_MOUNT_IDS + id === number);
  if (mount === undefined) throw errno(ENOENT);
  return mount;
}

/** Is it below the task's root? If not it takes the right to change mounts to look at it. */
function demandReachable(task: Task, path: Path, mounts: MountTable): void {
  if (!nameOf(path, task.fs.root).unreachable) return;
  if (!task.credentials.capableIn(CAP_SYS_ADMIN, task.kernel.registry.of(mounts).owner)) throw errno(EPERM);
}

function propagationOf({ peers, master, unbindable }: Mount): number {
  const bits = (peers ? M.MS_SHARED : 0) | (master ? M.MS_SLAVE : 0) | (unbindable ? M.MS_UNBINDABLE : 0);
  return bits === 0 ? M.MS_PRIVATE : bits;
}

function statmount(task: Task, address: number, buffer: number, length: number, bits: number): number {
  if (bits !== 0) return -EINVAL;
  const request = readRequest(task, address);
  const wanted = request.parameter % 2 ** 32;
  const has = (bit: number): boolean => (wanted & bit) !== 0;
  // Strings come behind the structure, so there has to be room for all of it.
  if (has(S.STATMOUNT_STRINGS) && length === S.STATMOUNT_SIZE) return -EOVERFLOW;
  const mount = find(request);
  const place = new Path(mount, mount.root);
  demandReachable(task, place, request.mounts);
  const view = new DataView(new ArrayBuffer(S.STATMOUNT_SIZE));
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  const u64 = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);
  const F = S.StatmountField;
  let mask = 0;
  const { fs, peers, master } = mount;
  if (has(S.STATMOUNT_SB_BASIC)) {
    mask |= S.STATMOUNT_SB_BASIC;
    u32(F.DevMajor, majorOf(fs.dev));
    u32(F.DevMinor, minorOf(fs.dev));
    u64(F.Magic, fs.statistics().type);
    u32(F.SbFlags, fs.readOnly ? M.MS_RDONLY : 0);
  }
  if (has(S.STATMOUNT_MNT_BASIC)) {
    mask |= S.STATMOUNT_MNT_BASIC;
    const parent = mount.parent?.id ?? mount.id;
    u64(F.MountId, UNIQUE_MOUNT_IDS + mount.id);
    u64(F.ParentId, UNIQUE_MOUNT_IDS + parent);
    u32(F.OldMountId, mount.id);
    u32(F.OldParentId, parent);
    u64(F.Attributes, attributesOf(mount.flags));
    u64(F.Propagation, propagationOf(mount));
    u64(F.PeerGroup, peers?.id ?? 0);
    u64(F.Master, master?.id ?? 0);
  }
  if (has(S.STATMOUNT_PROPAGATE_FROM)) {
    mask |= S.STATMOUNT_PROPAGATE_FROM;
    const { mounts, root } = task.fs;
    const visible = (m: Mount): boolean => m.table === mounts && !nameOf(new Path(m, m.root), root).unreachable;
    u64(F.PropagateFrom, dominating(mount, visible)?.id ?? 0);
  }
  if (has(S.STATMOUNT_MNT_NS_ID)) {
    mask |= S.STATMOUNT_MNT_NS_ID;
    u64(F.NamespaceId, task.kernel.registry.of(request.mounts).ino);
  }
  if (has(S.STATMOUNT_SUPPORTED_MASK)) {
    mask |= S.STATMOUNT_SUPPORTED_MASK;
    u64(F.Supported, S.STATMOUNT_SUPPORTED);
  }
  // An empty one comes first, for offsets that are not set.
  let strings = has(S.STATMOUNT_STRINGS) ? "\0" : "";
  const text = (bit: number, at: number, value: () => string): void => {
    if (!has(bit)) return;
    const shown = value();
    if (shown === "") return;
    mask |= bit;
    u32(at, encodeBytes(strings).length);
    strings += `${shown}\0`;
  };
  text(S.STATMOUNT_FS_TYPE, F.FsType, () => fs.type);
  text(S.STATMOUNT_MNT_ROOT, F.MountRoot, () => nameInFileSystem(mount.root));
  text(S.STATMOUNT_MNT_POINT, F.MountPoint, () => {
    const { text, unreachable } = nameOf(place, task.fs.root);
    return unreachable ? "" : text;
  });
  text(S.STATMOUNT_SB_SOURCE, F.Source, () => mount.source);
  const tail = encodeBytes(strings);
  if (tail.length > 0 && S.STATMOUNT_SIZE + tail.length > length) return -EOVERFLOW;
  u32(F.Size, Math.min(length, S.STATMOUNT_SIZE) + tail.length);
  u64(F.Mask, mask);
  task.space.copyOut(buffer, new Uint8Array(view.buffer).subarray(0, Math.min(length, S.STATMOUNT_SIZE)));
  task.space.copyOut(buffer + S.STATMOUNT_SIZE, tail);
  return 0;
}

function listmount(task: Task, address: number, ids: number, count: number, bits: number): number {
  if (bits & ~S.LISTMOUNT_REVERSE) return -EINVAL;
  if (count > MAX_IDS) return -EOVERFLOW;
  const request = readRequest(task, address);
  const { parameter: last, mounts } = request;
  if (last !== 0 && last <= UNIQUE_MOUNT_IDS) return -EINVAL;
  const whole = request.mount === S.LSMT_ROOT;
  const top = whole ? undefined : find(request);
  const below = top === undefined ? task.fs.root : new Path(top, top.root);
  demandReachable(task, below, mounts);
  const reverse = (bits & S.LISTMOUNT_REVERSE) !== 0;
  const found = mounts.mounts
    .filter((mount) => mount !== top && !nameOf(new Path(mount, mount.root), below).unreachable)
    .map(({ id }) => UNIQUE_MOUNT_IDS + id)
    .filter((id) => last === 0 || (reverse ? id < last : id > last))
    .sort((a, b) => (reverse ? b - a : a - b))
    .slice(0, count);
  for (const [i, id] of found.entries()) task.space.writeNumber64(ids + 8 * i, id);
  return found.length;
}

const request = given(
  S.MNT_ID_REQ_SIZE_VER0,
  (view) =>
    `{size=${view.getUint32(0, true)}, mnt_id=0x${view.getBigUint64(8, true).toString(16)}, param=0x${view.getBigUint64(16, true).toString(16)}}`,
);

export const statmountCalls: readonly SyscallDefinition[] = [
  syscall("statmount", [request, ptr, size, uint], statmount),
  syscall("listmount", [request, ptr, size, uint], listmount),
];
