/** Who may mount: may_mount() and mount_capable() of Linux. */
import { CAP_SYS_ADMIN } from "../abi/capability.ts";
import { ENODEV, EPERM, errno } from "../abi/errno.ts";
import type { Task } from "../proc/task.ts";
import type { FileSystemMaker } from "../vfs/mounts.ts";
import type { FileSystem } from "../vfs/types.ts";

/** Types that whoever rules a user namespace may mount (FS_USERNS_MOUNT). */
const FOR_ALL: ReadonlySet<string> = new Set(["tmpfs", "ramfs", "devpts", "proc", "sysfs", "mqueue", "overlay"]);

/** May the task change its mount namespace? */
export function mayMount({ credentials, kernel, fs }: Task): boolean {
  return credentials.capableIn(CAP_SYS_ADMIN, kernel.registry.of(fs.mounts).owner);
}

/** A file system of a type that is known, for a caller who may mount. ENODEV, EPERM. */
export function makeFileSystem(task: Task, type: string, source: Parameters<FileSystemMaker>[0]): FileSystem {
  const make = task.fs.mounts.types.get(type);
  if (make === undefined) throw errno(ENODEV);
  const { credentials, kernel, process, ipc, namespaces } = task;
  if (credentials.users !== null && !FOR_ALL.has(type)) throw errno(EPERM);
  // What shows a namespace takes the right to that.
  const shown = { proc: process.pids, mqueue: ipc, sysfs: namespaces.network }[type];
  if (shown !== undefined && !credentials.capableIn(CAP_SYS_ADMIN, kernel.registry.of(shown).owner)) throw errno(EPERM);
  const fs = make(source);
  // It belongs to whoever mounts it.
  const { fsuid, fsgid } = credentials;
  if (type === "tmpfs" && fsuid !== 0 && !/(^|,)uid=/.test(source.data)) fs.root.setAttributes({ uid: fsuid });
  if (type === "tmpfs" && fsgid !== 0 && !/(^|,)gid=/.test(source.data)) fs.root.setAttributes({ gid: fsgid });
  return fs;
}
