/**
 * File handles: name_to_handle_at(2), open_by_handle_at(2). Only files in memory have them, as on a tmpfs. A handle is good as
 * long as the file has a name: the file system notes the dentry of each handle that was asked for.
 */
import { CAP_DAC_READ_SEARCH } from "../abi/capability.ts";
import { EINVAL, ENOTDIR, EOPNOTSUPP, EOVERFLOW, EPERM, ESTALE, errno } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_PATH } from "../abi/fcntl.ts";
import { UNIQUE_MOUNT_IDS } from "../abi/stat-layout.ts";
import type { Task } from "../proc/task.ts";
import { PathFile } from "../vfs/file.ts";
import { openExisting } from "../vfs/open.ts";
import { Path } from "../vfs/path.ts";
import { MemoryFs } from "../vfs/types/memory.ts";
import type { FileSystem } from "../vfs/types.ts";
import { descriptorResult, dirfd, outPtr, path, ptr } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { atFlags, openFlags } from "./file-args.ts";
import { fdLimit, lookupAt } from "./file-util.ts";

/** struct file_handle: handle_bytes, handle_type, then the handle. */
const HEADER = 8;
const MAX_HANDLE_SZ = 128;
/** A generation, which is always 0, and the two halves of the inode number: as a tmpfs of Linux has it. */
const HANDLE_BYTES = 12;
const FILEID_INO32_GEN = 1;
const AT_HANDLE_MNT_ID_UNIQUE = 1;
const AT_HANDLE_FID = 0x200;

/** Only a number is wanted, not something to open: AT_HANDLE_FID. */
function canEncode(fs: FileSystem): fs is MemoryFs {
  return fs instanceof MemoryFs;
}

function nameToHandle(
  task: Task,
  dirfd: number,
  address: number,
  handle: number,
  mountId: number,
  bits: number,
): number {
  if (bits & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID | AT_HANDLE_MNT_ID_UNIQUE)) return -EINVAL;
  const follow = bits & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
  const { mount, dentry } = lookupAt(task, dirfd, address, follow | (bits & AT_EMPTY_PATH));
  const { fs } = mount;
  if (!canEncode(fs)) return -EOPNOTSUPP;
  const { space } = task;
  const room = space.readU32(handle);
  space.readU32(handle + 4);
  if (room > MAX_HANDLE_SZ) return -EINVAL;
  const fits = room >= HANDLE_BYTES;
  if (bits & AT_HANDLE_MNT_ID_UNIQUE) space.writeNumber64(mountId, UNIQUE_MOUNT_IDS + mount.id);
  else space.writeU32(mountId, mount.id);
  space.writeU32(handle, HANDLE_BYTES);
  if (!fits) return -EOVERFLOW;
  const { ino } = dentry.inode;
  space.writeU32(handle + 4, FILEID_INO32_GEN);
  space.writeU32(handle + HEADER, 0);
  space.writeNumber64(handle + HEADER + 4, ino);
  fs.handles.set(ino, new WeakRef(dentry));
  return 0;
}

function openByHandle(task: Task, mountFd: number, handle: number, bits: number): number {
  const at = mountFd === AT_FDCWD ? task.fs.cwd : task.files.getAny(mountFd).path;
  if (at === undefined) throw errno(ENOTDIR);
  if (!task.capable(CAP_DAC_READ_SEARCH)) return -EPERM;
  const { space } = task;
  const length = space.readU32(handle);
  const type = space.readU32(handle + 4);
  if (length > MAX_HANDLE_SZ || length === 0) return -EINVAL;
  space.readable(handle + HEADER, length);
  const { mount } = at;
  const { fs } = mount;
  if (!canEncode(fs) || type !== FILEID_INO32_GEN || length < HANDLE_BYTES) return -ESTALE;
  const dentry = fs.handles.get(space.readNumber64(handle + HEADER + 4))?.deref();
  if (dentry === undefined || dentry.inode.attributes().nlink === 0) return -ESTALE;
  const place = new Path(mount, dentry);
  const file =
    bits & O_PATH ? new PathFile(place.inode, bits & O_PATH, place) : openExisting(task, place, bits & ~O_CLOEXEC);
  return task.files.add(file, (bits & O_CLOEXEC) !== 0, fdLimit(task));
}

export const handleCalls: readonly SyscallDefinition[] = [
  syscall("name_to_handle_at", [dirfd, path, ptr, outPtr, atFlags], nameToHandle),
  syscall("open_by_handle_at", [dirfd, ptr, openFlags], openByHandle, descriptorResult),
];
