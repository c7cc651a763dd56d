/** fork, clone, execve, exit: fork(2), clone(2), execve(2), execveat(2), _exit(2). */
import {
  CLONE_DETACHED,
  CLONE_NEWTIME,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  CSIGNAL,
} from "../abi/clone.ts";
import { E2BIG, EACCES, EINVAL, ELOOP, ENOENT, errno } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../abi/fcntl.ts";
import { SIGCHLD } from "../abi/signal.ts";
import { S_IFLNK } from "../abi/stat.ts";
import { exitedStatus } from "../abi/wait.ts";
import { execute } from "../proc/exec.ts";
import { exitGroup, exitTask } from "../proc/exit.ts";
import { type CloneArgs, clone } from "../proc/fork.ts";
import { MAX_LEVEL } from "../proc/pid-namespace.ts";
import { NO_RESULT } from "../proc/scheduler.ts";
import type { Task } from "../proc/task.ts";
import { directoryOf } from "../vfs/file.ts";
import type { Path } from "../vfs/path.ts";
import { EMPTY, FOLLOW, lookup } from "../vfs/walk.ts";
import { dirfd, flags, int, path, size } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import {
  cloneArgs,
  cloneFlags,
  cloneParentTid,
  cloneStack,
  cloneTail3,
  cloneTail4,
  environment,
  stringArray,
} from "./exec-args.ts";

const PLAIN: CloneArgs = {
  flags: 0,
  exitSignal: SIGCHLD,
  stackPointer: 0,
  parentTid: 0,
  pidfd: 0,
  childTid: 0,
  tls: 0,
};
const VFORK: CloneArgs = { ...PLAIN, flags: CLONE_VFORK | CLONE_VM };

/** CLONE_ARGS_SIZE_VER0: up to and including tls. */
const CLONE_ARGS_MIN = 64;
const CLONE_ARGS_SIZE = 88;
/** CLONE_CLEAR_SIGHAND and CLONE_INTO_CGROUP are the last. */
const USER_SPACE = 2 ** 47;
const CLONE3_FLAGS_END = 0x4_0000_0000;

function clone3(task: Task, address: number, length: number): SyscallResult {
  if (length > 4096) throw errno(E2BIG);
  if (length < CLONE_ARGS_MIN) throw errno(EINVAL);
  const { space } = task;
  // What this kernel does not know must be 0 (copy_struct_from_user).
  for (let at = CLONE_ARGS_SIZE; at < length; at++) if (space.readU8(address + at) !== 0) throw errno(E2BIG);
  const field = (at: number): number => (at + 8 <= length ? space.readNumber64(address + at) : 0);
  const cloneFlags = field(0);
  const exitSignal = field(32);
  const stack = field(40);
  const stackSize = field(48);
  const tids = field(64);
  const tidCount = field(72);
  if (tidCount > MAX_LEVEL || (tids === 0) !== (tidCount === 0)) throw errno(EINVAL);
  if (exitSignal > CSIGNAL || exitSignal > 64) throw errno(EINVAL);
  const chosen = Array.from({ length: tidCount }, (_, i) => space.readI32(tids + 4 * i));
  // clone3_args_valid(): no flags that it does not know, nor those that were others' once.
  if (cloneFlags >= CLONE3_FLAGS_END || (cloneFlags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) !== 0)
    throw errno(EINVAL);
  if ((cloneFlags & (CLONE_THREAD | CLONE_PARENT)) !== 0 && exitSignal !== 0) throw errno(EINVAL);
  // access_ok(): what is the user's in 47 bits of address, as everywhere on 64-bit machines.
  if ((stack === 0) !== (stackSize === 0) || stack + stackSize > USER_SPACE) throw errno(EINVAL);
  return clone(task, {
    flags: cloneFlags,
    exitSignal,
    stackPointer: stack + stackSize,
    parentTid: field(24),
    pidfd: field(8),
    childTid: field(16),
    tls: field(56),
    ...(tidCount === 0 ? {} : { tids: chosen }),
  });
}

function exec(
  task: Task,
  fd: number,
  filename: number,
  argv: number,
  envp: number,
  atFlags: number,
): number | Promise<number> {
  if (atFlags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) throw errno(EINVAL);
  const { space } = task;
  const name = space.readCString(filename);
  const place = findProgram(task, fd, name, atFlags);
  const byDescriptor = fd !== AT_FDCWD && !name.startsWith("/");
  const shown = !byDescriptor ? name : name === "" ? `/dev/fd/${fd}` : `/dev/fd/${fd}/${name}`;
  return execute(task, place, {
    filename: shown,
    inaccessible: byDescriptor && task.files.isCloseOnExec(fd),
    argv: space.readStringArray(argv),
    envp: space.readStringArray(envp),
  });
}

function findProgram(task: Task, fd: number, name: string, atFlags: number): Path {
  if (name === "" && (atFlags & AT_EMPTY_PATH) === 0) throw errno(ENOENT);
  const empty = name === "" ? EMPTY : 0;
  let start: Path | undefined;
  if (fd !== AT_FDCWD && !name.startsWith("/")) {
    const file = task.files.getAny(fd);
    // Pipes and sockets are no programs.
    if (name === "" && file.path === undefined) throw errno(EACCES);
    if (name === "" && file.path !== undefined) return file.path;
    start = directoryOf(file);
  }
  const place = lookup(task, start, name, (atFlags & AT_SYMLINK_NOFOLLOW ? 0 : FOLLOW) | empty);
  if (place.inode.format === S_IFLNK) throw errno(ELOOP);
  return place;
}

export const processCreationCalls: readonly SyscallDefinition[] = [
  syscall("fork", [], (task) => clone(task, PLAIN)),
  syscall("vfork", [], (task) => clone(task, VFORK)),
  syscall(
    "clone",
    [cloneFlags, cloneStack, cloneParentTid, cloneTail3, cloneTail4],
    (task, bits, stackPointer, parentTid, a, b) => {
      const tlsFirst = task.arch.cloneTlsFirst;
      // One argument serves both (clone(2)).
      if ((bits & CLONE_PIDFD) !== 0 && (bits & (CLONE_PARENT_SETTID | CLONE_DETACHED)) !== 0) throw errno(EINVAL);
      return clone(task, {
        flags: (bits & ~CSIGNAL) >>> 0,
        exitSignal: bits & CSIGNAL,
        stackPointer,
        parentTid,
        pidfd: parentTid,
        childTid: tlsFirst ? b : a,
        tls: tlsFirst ? a : b,
      });
    },
  ),
  syscall("clone3", [cloneArgs, size], clone3),
  syscall(
    "execve",
    [path, stringArray, environment],
    (task, filename, argv, envp) => exec(task, AT_FDCWD, filename, argv, envp, 0),
    {
      noResult: true,
    },
  ),
  syscall(
    "execveat",
    [
      dirfd,
      path,
      stringArray,
      environment,
      flags([
        [AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"],
        [AT_EMPTY_PATH, "AT_EMPTY_PATH"],
      ]),
    ],
    exec,
    { noResult: true },
  ),
  syscall(
    "exit",
    [int],
    (task, code) => {
      exitTask(task, exitedStatus(code));
      return NO_RESULT;
    },
    { noResult: true },
  ),
  syscall(
    "exit_group",
    [int],
    (task, code) => {
      exitGroup(task, exitedStatus(code));
      return NO_RESULT;
    },
    { noResult: true },
  ),
];
