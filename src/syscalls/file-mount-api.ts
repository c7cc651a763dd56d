/**
 * The mount calls by steps: fsopen(2), fsconfig(2), fsmount(2) make a file system and a mount that is nowhere; open_tree(2)
 * copies a tree of mounts; move_mount(2) gives either its place; fspick(2) and mount_setattr(2) change what there is.
 */

import { E2BIG, EBUSY, EINVAL, ENODEV, EOPNOTSUPP, EPERM, errno } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_PATH } from "../abi/fcntl.ts";
import * as M from "../abi/statfs.ts";
import type { Task } from "../proc/task.ts";
import { BaseFile, PathFile } from "../vfs/file.ts";
import { MountTable, treeOf } from "../vfs/mounts.ts";
import { type Mount, Path } from "../vfs/path.ts";
import { inherit } from "../vfs/propagation.ts";
import { tmpfsOptions } from "../vfs/types/tmpfs-options.ts";
import type { FileSystem, Inode } from "../vfs/types.ts";
import { choice, cstring, descriptorResult, dirfd, fd, flags, int, path, ptr, size } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { checkLocked, isWritten, PROPAGATION, setPropagation } from "./file-mounts.ts";
import { fdLimit, lookupAt, ownerOf, readPath, readVersioned } from "./file-util.ts";
import { makeFileSystem, mayMount } from "./mount-permission.ts";
import { unsigned64 } from "./struct-args.ts";

const AT_RECURSIVE = 0x8000;
const FSOPEN_CLOEXEC = 1;
const FSPICK_CLOEXEC = 1;
const FSPICK_SYMLINK_NOFOLLOW = 2;
const FSPICK_NO_AUTOMOUNT = 4;
const FSPICK_EMPTY_PATH = 8;
const OPEN_TREE_CLONE = 1;
const MOVE_MOUNT_F_SYMLINKS = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOVE_MOUNT_T_SYMLINKS = 0x10;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
const MOVE_MOUNT_MASK = 0x77;

/** MOUNT_ATTR_* and the flags of a mount that they stand for; those of access times apart. */
const ATTRIBUTES: readonly (readonly [attribute: number, flag: number])[] = [
  [1, M.MS_RDONLY],
  [2, M.MS_NOSUID],
  [4, M.MS_NODEV],
  [8, M.MS_NOEXEC],
  [0x80, M.MS_NODIRATIME],
  [0x20_0000, M.MS_NOSYMFOLLOW],
];
const ATTRIBUTE_ATIME = 0x70;
const ATTRIBUTE_MASK = ATTRIBUTES.reduce((mask, [attribute]) => mask | attribute, ATTRIBUTE_ATIME);
const MOUNT_ATTR_SIZE = 32;

function flagsOf(attributes: number): number {
  let bits = 0;
  for (const [attribute, flag] of ATTRIBUTES) if (attributes & attribute) bits |= flag;
  return bits;
}

/** The MOUNT_ATTR_* that a mount has, as statmount(2) tells them. */
export function attributesOf(mountFlags: number): number {
  let bits = mountFlags & M.MS_NOATIME ? 0x10 : mountFlags & M.MS_RELATIME ? 0 : 0x20;
  for (const [attribute, flag] of ATTRIBUTES) if (mountFlags & flag) bits |= attribute;
  return bits;
}

/** MOUNT_ATTR_RELATIME, NOATIME, STRICTATIME: one of them. */
function atimeOf(attributes: number): number {
  switch (attributes & ATTRIBUTE_ATIME) {
    case 0:
      return M.MS_RELATIME;
    case 0x10:
      return M.MS_NOATIME;
    case 0x20:
      return 0;
    default:
      throw errno(EINVAL);
  }
}

// fsopen and what follows

type Phase = "parameters" | "made" | "mounted" | "change";

/** A file system that is being made, or one whose options are being changed. */
class FsContextFile extends BaseFile {
  readonly type: string;
  phase: Phase;
  source: string | undefined = undefined;
  readonly options: string[] = [];
  readOnly = false;
  fs: FileSystem | undefined = undefined;
  readonly picked: Mount | undefined;

  constructor(inode: Inode, type: string, picked?: Mount) {
    super(inode, 2, undefined);
    this.type = type;
    this.picked = picked;
    this.phase = picked === undefined ? "parameters" : "change";
  }

  override describe(): string {
    return "anon_inode:[fscontext]";
  }
}

function demandAdmin(task: Task): void {
  if (!mayMount(task)) throw errno(EPERM);
}

function contextFile(task: Task, type: string, picked: Mount | undefined, closeOnExec: boolean): number {
  const inode = task.fs.mounts.special.anonfs.inode(0o600, ownerOf(task));
  return task.files.add(new FsContextFile(inode, type, picked), closeOnExec, fdLimit(task));
}

function fsopen(task: Task, name: number, bits: number): number {
  demandAdmin(task);
  if (bits & ~FSOPEN_CLOEXEC) return -EINVAL;
  const type = readPath(task, name);
  if (!task.fs.mounts.types.has(type)) return -ENODEV;
  return contextFile(task, type, undefined, (bits & FSOPEN_CLOEXEC) !== 0);
}

function fspick(task: Task, dirfd: number, address: number, bits: number): number {
  demandAdmin(task);
  if (bits & ~(FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH)) return -EINVAL;
  const nofollow = bits & FSPICK_SYMLINK_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
  const { mount, dentry } = lookupAt(task, dirfd, address, nofollow | (bits & FSPICK_EMPTY_PATH ? AT_EMPTY_PATH : 0));
  if (dentry !== mount.root) return -EINVAL;
  return contextFile(task, mount.fs.type, mount, (bits & FSPICK_CLOEXEC) !== 0);
}

const Command = {
  SetFlag: 0,
  SetString: 1,
  SetBinary: 2,
  SetPath: 3,
  SetPathEmpty: 4,
  SetFd: 5,
  Create: 6,
  Reconfigure: 7,
} as const;

/** Which arguments a command takes: EINVAL where one is missing or too many. */
function checkArguments(command: number, key: number, value: number, aux: number): void {
  const valid = (): boolean => {
    switch (command) {
      case Command.SetFlag:
        return key !== 0 && value === 0 && aux === 0;
      case Command.SetString:
        return key !== 0 && value !== 0 && aux === 0;
      case Command.SetBinary:
        return key !== 0 && value !== 0 && aux > 0 && aux <= 1 << 20;
      case Command.SetPath:
      case Command.SetPathEmpty:
        return key !== 0 && value !== 0 && (aux === AT_FDCWD || aux >= 0);
      case Command.SetFd:
        return key !== 0 && value === 0 && aux >= 0;
      case Command.Create:
      case Command.Reconfigure:
        return key === 0 && value === 0 && aux === 0;
      default:
        throw errno(EOPNOTSUPP);
    }
  };
  if (!valid()) throw errno(EINVAL);
}

function fsconfig(task: Task, number: number, command: number, key: number, value: number, aux: number): number {
  if (number < 0) return -EINVAL;
  checkArguments(command, key, value, aux);
  const context = task.files.get(number);
  if (!(context instanceof FsContextFile)) return -EINVAL;
  if (command === Command.Create) return create(task, context);
  if (command === Command.Reconfigure) return reconfigure(task, context);
  const name = readPath(task, key);
  const text = command === Command.SetString ? readPath(task, value) : undefined;
  if (context.phase !== "parameters" && context.phase !== "change") return -EBUSY;
  // None of our file systems has options that are bytes, places or descriptors.
  if (command !== Command.SetFlag && command !== Command.SetString) return -EINVAL;
  setOption(context, name, text);
  return 0;
}

function setOption(context: FsContextFile, name: string, text: string | undefined): void {
  if (text === undefined && (name === "ro" || name === "rw")) {
    context.readOnly = name === "ro";
    return;
  }
  if (name === "source") {
    if (context.source !== undefined || text === undefined) throw errno(EINVAL);
    context.source = text;
    return;
  }
  const option = text === undefined ? name : `${name}=${text}`;
  if (context.type === "tmpfs" || context.type === "ramfs") tmpfsOptions(option);
  context.options.push(option);
}

function create(task: Task, context: FsContextFile): number {
  if (context.phase !== "parameters") return -EBUSY;
  demandAdmin(task);
  const source = { source: context.source ?? "none", data: context.options.join(",") };
  context.fs = makeFileSystem(task, context.type, source);
  context.phase = "made";
  return 0;
}

function reconfigure(task: Task, { phase, picked, options, readOnly }: FsContextFile): number {
  if (phase !== "change" || picked === undefined) return -EBUSY;
  demandAdmin(task);
  const { mounts } = task.fs;
  if (task.credentials.sandbox?.handlesFiles) return -EPERM;
  if (readOnly && isWritten(task, ({ fs }) => fs === picked.fs)) return -EBUSY;
  mounts.reconfigure(picked.fs, options.join(","));
  mounts.setReadOnly(picked.fs, readOnly);
  return 0;
}

/** What fsmount and open_tree give: a place in a tree that ends with the descriptor unless it has been put somewhere. */
class TreeFile extends PathFile {
  readonly #top: Mount;
  readonly #mounts: MountTable;

  constructor(top: Mount, mounts: MountTable) {
    super(top.root.inode, O_PATH, new Path(top, top.root));
    this.#top = top;
    this.#mounts = mounts;
  }

  override close(): void {
    super.close();
    this.#mounts.dissolve(this.#top);
  }
}

function fsmount(task: Task, number: number, bits: number, attributes: number): number {
  demandAdmin(task);
  if (bits & ~FSOPEN_CLOEXEC || attributes & ~ATTRIBUTE_MASK) return -EINVAL;
  const mountFlags = flagsOf(attributes) | atimeOf(attributes);
  const context = task.files.get(number);
  if (!(context instanceof FsContextFile) || context.fs === undefined) return -EINVAL;
  if (context.phase !== "made") return -EBUSY;
  const { mounts } = task.fs;
  const { fs, source, readOnly } = context;
  const table: { readonly mounts: Mount[] } = { mounts: [] };
  if (readOnly) mounts.setReadOnly(fs, true);
  const top = mounts.make(mounts.rootDentry(fs), source ?? "none", mountFlags, table);
  context.phase = "mounted";
  return task.files.add(new TreeFile(top, mounts), (bits & FSOPEN_CLOEXEC) !== 0, fdLimit(task));
}

// Trees

function openTree(task: Task, dirfd: number, address: number, bits: number): number {
  const known = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | O_CLOEXEC;
  if (bits & ~known) return -EINVAL;
  const clone = (bits & OPEN_TREE_CLONE) !== 0;
  if (bits & AT_RECURSIVE && !clone) return -EINVAL;
  if (clone) demandAdmin(task);
  const place = lookupAt(task, dirfd, address, bits & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
  const closeOnExec = (bits & O_CLOEXEC) !== 0;
  if (!clone) return task.files.add(new PathFile(place.inode, O_PATH, place), closeOnExec, fdLimit(task));
  const { mounts } = task.fs;
  if (place.mount.unbindable) return -EINVAL;
  const top = mounts.copyTree(place.mount, (bits & AT_RECURSIVE) !== 0, inherit, place.dentry);
  return task.files.add(new TreeFile(top, mounts), closeOnExec, fdLimit(task));
}

function moveMount(task: Task, fromFd: number, from: number, toFd: number, to: number, bits: number): number {
  demandAdmin(task);
  if (bits & ~MOVE_MOUNT_MASK) return -EINVAL;
  const follow = (symlinks: number, empty: number): number =>
    (bits & symlinks ? 0 : AT_SYMLINK_NOFOLLOW) | (bits & empty ? AT_EMPTY_PATH : 0);
  const { mount, dentry } = lookupAt(task, fromFd, from, follow(MOVE_MOUNT_F_SYMLINKS, MOVE_MOUNT_F_EMPTY_PATH));
  const where = lookupAt(task, toFd, to, follow(MOVE_MOUNT_T_SYMLINKS, MOVE_MOUNT_T_EMPTY_PATH));
  const { mounts } = task.fs;
  if (task.credentials.sandbox?.handlesFiles) return -EPERM;
  if (dentry !== mount.root || where.mount.table !== mounts || mount.detached) return -EINVAL;
  if (mount.parent !== undefined) {
    if (mount.table !== mounts) return -EINVAL;
    mounts.move(mount, where);
    return 0;
  }
  if (mount === mounts.root || mount.root.isDirectory !== where.dentry.isDirectory) return -EINVAL;
  mounts.attach(mount, where);
  return 0;
}

/** What struct mount_attr asks for. */
interface MountChange {
  readonly set: number;
  readonly clear: number;
  readonly propagation: number;
}

/** wants_mount_setattr(); undefined: nothing. */
function readChange(task: Task, attr: number, length: number): MountChange | undefined {
  if (length > 4096) throw errno(E2BIG);
  if (length < MOUNT_ATTR_SIZE) throw errno(EINVAL);
  demandAdmin(task);
  const view = readVersioned(task, attr, length, MOUNT_ATTR_SIZE);
  const [set, clear, propagation] = [0, 8, 16].map((at) => unsigned64(view, at)) as [number, number, number];
  if (set === 0 && clear === 0 && propagation === 0) return undefined;
  if (propagation > 0xffff_ffff || propagation & ~PROPAGATION || (propagation & (propagation - 1)) !== 0)
    throw errno(EINVAL);
  for (const part of [set, clear]) if (part > 0xffff_ffff || (part & ~ATTRIBUTE_MASK) !== 0) throw errno(EINVAL);
  if (!changesAtime(clear) && set & ATTRIBUTE_ATIME) throw errno(EINVAL);
  if (changesAtime(clear) && (clear & ATTRIBUTE_ATIME) !== ATTRIBUTE_ATIME) throw errno(EINVAL);
  if (changesAtime(clear)) atimeOf(set);
  return { set, clear, propagation };
}

function changesAtime(clear: number): boolean {
  return (clear & ATTRIBUTE_ATIME) !== 0;
}

function applyChange(task: Task, place: Path, { set, clear, propagation }: MountChange, recursive: boolean): void {
  if (place.dentry !== place.mount.root) throw errno(EINVAL);
  // Of another namespace; what open_tree(2) has copied is in none.
  const { table } = place.mount;
  if (table instanceof MountTable && table !== task.fs.mounts) throw errno(EINVAL);
  const all = recursive ? treeOf(place.mount) : [place.mount];
  if (set & 1 && all.some((mount) => !mount.readOnly && isWritten(task, (m) => m === mount))) throw errno(EBUSY);
  const changed = ({ flags }: Mount): number => {
    const bits = (flags & ~flagsOf(clear)) | flagsOf(set);
    return changesAtime(clear) ? (bits & ~(M.MS_NOATIME | M.MS_RELATIME)) | atimeOf(set) : bits;
  };
  for (const mount of all) checkLocked(mount, changed(mount));
  for (const mount of all) mount.flags = changed(mount);
  if (propagation !== 0) setPropagation(task, place.mount, propagation, recursive);
}

function mountSetattr(task: Task, dirfd: number, address: number, bits: number, attr: number, length: number): number {
  if (bits & ~(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)) return -EINVAL;
  const change = readChange(task, attr, length);
  if (change === undefined) return 0;
  const place = lookupAt(task, dirfd, address, bits & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
  applyChange(task, place, change, (bits & AT_RECURSIVE) !== 0);
  return 0;
}

function openTreeAttr(task: Task, dirfd: number, address: number, bits: number, attr: number, length: number): number {
  if (attr === 0 && length !== 0) return -EINVAL;
  const number = openTree(task, dirfd, address, bits);
  if (attr === 0 || number < 0) return number;
  try {
    const change = readChange(task, attr, length);
    const place = task.files.getAny(number).path;
    if (change !== undefined && place !== undefined) applyChange(task, place, change, (bits & AT_RECURSIVE) !== 0);
  } catch (e) {
    task.files.close(number, task.process);
    throw e;
  }
  return number;
}

const fsconfigCommand = choice(
  {
    0: "FSCONFIG_SET_FLAG",
    1: "FSCONFIG_SET_STRING",
    2: "FSCONFIG_SET_BINARY",
    3: "FSCONFIG_SET_PATH",
    4: "FSCONFIG_SET_PATH_EMPTY",
    5: "FSCONFIG_SET_FD",
    6: "FSCONFIG_CMD_CREATE",
    7: "FSCONFIG_CMD_RECONFIGURE",
  },
  "FSCONFIG_???",
);
const cloexec = (name: string): ReturnType<typeof flags> => flags([[1, name]]);
const attributeFlags = flags([
  [1, "MOUNT_ATTR_RDONLY"],
  [2, "MOUNT_ATTR_NOSUID"],
  [4, "MOUNT_ATTR_NODEV"],
  [8, "MOUNT_ATTR_NOEXEC"],
  [0x10, "MOUNT_ATTR_NOATIME"],
  [0x20, "MOUNT_ATTR_STRICTATIME"],
  [0x80, "MOUNT_ATTR_NODIRATIME"],
  [0x20_0000, "MOUNT_ATTR_NOSYMFOLLOW"],
]);
const pickFlags = flags([
  [FSPICK_CLOEXEC, "FSPICK_CLOEXEC"],
  [FSPICK_SYMLINK_NOFOLLOW, "FSPICK_SYMLINK_NOFOLLOW"],
  [FSPICK_NO_AUTOMOUNT, "FSPICK_NO_AUTOMOUNT"],
  [FSPICK_EMPTY_PATH, "FSPICK_EMPTY_PATH"],
]);
const treeFlags = flags([
  [OPEN_TREE_CLONE, "OPEN_TREE_CLONE"],
  [O_CLOEXEC, "OPEN_TREE_CLOEXEC"],
  [AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"],
  [AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"],
  [AT_EMPTY_PATH, "AT_EMPTY_PATH"],
  [AT_RECURSIVE, "AT_RECURSIVE"],
]);
const moveFlags = flags([
  [1, "MOVE_MOUNT_F_SYMLINKS"],
  [2, "MOVE_MOUNT_F_AUTOMOUNTS"],
  [4, "MOVE_MOUNT_F_EMPTY_PATH"],
  [0x10, "MOVE_MOUNT_T_SYMLINKS"],
  [0x20, "MOVE_MOUNT_T_AUTOMOUNTS"],
  [0x40, "MOVE_MOUNT_T_EMPTY_PATH"],
]);

export const mountApiCalls: readonly SyscallDefinition[] = [
  syscall("fsopen", [cstring, cloexec("FSOPEN_CLOEXEC")], fsopen, descriptorResult),
  syscall("fspick", [dirfd, path, pickFlags], fspick, descriptorResult),
  syscall("fsconfig", [fd, fsconfigCommand, cstring, ptr, int], fsconfig),
  syscall("fsmount", [fd, cloexec("FSMOUNT_CLOEXEC"), attributeFlags], fsmount, descriptorResult),
  syscall("open_tree", [dirfd, path, treeFlags], openTree, descriptorResult),
  syscall("open_tree_attr", [dirfd, path, treeFlags, ptr, size], openTreeAttr, {
    ...descriptorResult,
    partial: "no id-mapped mounts: EINVAL",
  }),
  syscall("move_mount", [dirfd, path, dirfd, path, moveFlags], moveMount),
  syscall("mount_setattr", [dirfd, path, treeFlags, ptr, size], mountSetattr, {
    partial: "no id-mapped mounts: EINVAL",
  }),
];
