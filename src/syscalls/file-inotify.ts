/** inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2). */
import { EINVAL, EMFILE, errno } from "../abi/errno.ts";
import { O_CLOEXEC, O_NONBLOCK, O_RDONLY } from "../abi/fcntl.ts";
import * as N from "../abi/inotify.ts";
import type { Task } from "../proc/task.ts";
import { InotifyFile } from "../vfs/inotify.ts";
import { checkPermission, MAY_READ } from "../vfs/permission.ts";
import { DIRECTORY, FOLLOW, lookup } from "../vfs/walk.ts";
import { fd, flags, int, path } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { fdLimit, ownerOf, readPath } from "./file-util.ts";

function init(task: Task, bits: number): number {
  if (bits & ~(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
  task.files.checkRoom(1, fdLimit(task));
  const { tunables } = task.kernel;
  const account = tunables.inotifyOf(task.credentials.uid);
  if (account.instances >= tunables.inotifyInstances) return -EMFILE;
  const inode = task.fs.mounts.special.anonfs.inode(0o600, ownerOf(task));
  const file = new InotifyFile(inode, O_RDONLY | (bits & O_NONBLOCK), account);
  return task.files.add(file, (bits & O_CLOEXEC) !== 0, fdLimit(task));
}

function instance(task: Task, number: number): InotifyFile {
  const file = task.files.get(number);
  if (!(file instanceof InotifyFile)) throw errno(EINVAL);
  return file;
}

const VALID =
  N.IN_ALL_EVENTS |
  N.IN_UNMOUNT |
  N.IN_Q_OVERFLOW |
  N.IN_IGNORED |
  N.IN_ONLYDIR |
  N.IN_DONT_FOLLOW |
  N.IN_EXCL_UNLINK |
  N.IN_MASK_CREATE |
  N.IN_MASK_ADD |
  N.IN_ISDIR |
  N.IN_ONESHOT;

function addWatch(task: Task, number: number, address: number, mask: number): number {
  if ((mask & VALID) === 0) return -EINVAL;
  task.files.get(number);
  if (mask & N.IN_MASK_ADD && mask & N.IN_MASK_CREATE) return -EINVAL;
  const file = instance(task, number);
  const how = (mask & N.IN_DONT_FOLLOW ? 0 : FOLLOW) | (mask & N.IN_ONLYDIR ? DIRECTORY : 0);
  const place = lookup(task, undefined, readPath(task, address), how);
  checkPermission(place, task.credentials, MAY_READ);
  return file.watch(place.inode, mask);
}

const events = flags(
  [
    [N.IN_ACCESS, "IN_ACCESS"],
    [N.IN_MODIFY, "IN_MODIFY"],
    [N.IN_ATTRIB, "IN_ATTRIB"],
    [N.IN_CLOSE_WRITE, "IN_CLOSE_WRITE"],
    [N.IN_CLOSE_NOWRITE, "IN_CLOSE_NOWRITE"],
    [N.IN_OPEN, "IN_OPEN"],
    [N.IN_MOVED_FROM, "IN_MOVED_FROM"],
    [N.IN_MOVED_TO, "IN_MOVED_TO"],
    [N.IN_CREATE, "IN_CREATE"],
    [N.IN_DELETE, "IN_DELETE"],
    [N.IN_DELETE_SELF, "IN_DELETE_SELF"],
    [N.IN_MOVE_SELF, "IN_MOVE_SELF"],
    [N.IN_UNMOUNT, "IN_UNMOUNT"],
    [N.IN_Q_OVERFLOW, "IN_Q_OVERFLOW"],
    [N.IN_IGNORED, "IN_IGNORED"],
    [N.IN_ONLYDIR, "IN_ONLYDIR"],
    [N.IN_DONT_FOLLOW, "IN_DONT_FOLLOW"],
    [N.IN_EXCL_UNLINK, "IN_EXCL_UNLINK"],
    [N.IN_MASK_CREATE, "IN_MASK_CREATE"],
    [N.IN_MASK_ADD, "IN_MASK_ADD"],
    [N.IN_ISDIR, "IN_ISDIR"],
    [N.IN_ONESHOT, "IN_ONESHOT"],
  ],
  "0",
  "IN_???",
);
const initFlags = flags(
  [
    [O_NONBLOCK, "IN_NONBLOCK"],
    [O_CLOEXEC, "IN_CLOEXEC"],
  ],
  "0",
  "IN_???",
);

export const fileInotifyCalls: readonly SyscallDefinition[] = [
  syscall("inotify_init", [], (task) => init(task, 0)),
  syscall("inotify_init1", [initFlags], init),
  syscall("inotify_add_watch", [fd, path, events], addWatch, {
    partial: "changes that the host makes to its own directories are not seen",
  }),
  syscall("inotify_rm_watch", [fd, int], (task, fd, wd) => {
    instance(task, fd).forget(wd);
    return 0;
  }),
];
