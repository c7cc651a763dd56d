/** Becoming another program: execve(2), and the first program of a machine. After fs/exec.c of Linux. */
import { EACCES, ETXTBSY, errno } from "../abi/errno.ts";
import { O_RDONLY } from "../abi/fcntl.ts";
import { FS_EXECUTE } from "../abi/landlock.ts";
import { PR_MDWE_NO_INHERIT } from "../abi/mman.ts";
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK } from "../abi/resource.ts";
import { SIGCHLD, SIGSEGV, SS_DISABLE } from "../abi/signal.ts";
import { S_IFREG, S_ISGID, S_ISUID, S_IXGRP } from "../abi/stat.ts";
import { MS_NOEXEC, MS_NOSUID } from "../abi/statfs.ts";
import { LoadError } from "../loader/elf.ts";
import { type LoadedProgram, loadProgram, type ProgramCredentials } from "../loader/exec.ts";
import type { MemoryLimits } from "../mm/address-space.ts";
import type { MappedFile } from "../mm/vma.ts";
import { decodeBytes, encodeBytes } from "../util/bytes.ts";
import type { FdTable } from "../vfs/fd-table.ts";
import { RegularFile } from "../vfs/file.ts";
import type { FsContext } from "../vfs/fs-context.ts";
import type { Path } from "../vfs/path.ts";
import { allowed, MAY_EXEC } from "../vfs/permission.ts";
import { FOLLOW, lookup, type View } from "../vfs/walk.ts";
import type { TaskCredentials } from "./credentials.ts";
import { releaseMemory } from "./exit.ts";
import { newSessionLeader, startInit } from "./init.ts";
import { defaultLimits, type Kernel } from "./kernel.ts";
import { type GuestSpace, Mm } from "./mm.ts";
import { detach, traceExec } from "./ptrace.ts";
import { NO_RESULT } from "./scheduler.ts";
import { SignalHandlers } from "./signal-state.ts";
import { Task } from "./task.ts";
import type { ResourceLimit } from "./thread-group.ts";
import { enterChosenTime } from "./time-namespace.ts";
import { enterVectorControl } from "./vector-control.ts";
import { sleep, Woken } from "./wait.ts";

export interface Program {
  /** The path as the caller gave it. */
  readonly filename: string;
  /** It leads through a descriptor that is closed on the way. */
  readonly inaccessible?: boolean;
  readonly argv: readonly Uint8Array[];
  readonly envp: readonly Uint8Array[];
}

/** prctl(PR_SET_SECUREBITS): being root gives no capabilities. */
const SECBIT_NOROOT = 1;
/** SECBIT_KEEP_CAPS ends with execve. */
const SECBIT_KEEP_CAPS = 0x10;

/**
 * execve(2).
 * @param place the file, found already
 * @returns NO_RESULT: the task goes on in the new program. Throws what keeps it from it.
 */
export function execute(task: Task, place: Path, program: Program): number | Promise<number> {
  const { process } = task;
  let credentials = task.credentials;
  let loaded: LoadedProgram;
  try {
    loaded = load(task.kernel, task, place, program, {
      credentials: task.credentials,
      personality: task.personality,
      limits: process.limits,
      changed: (c) => {
        credentials = c;
      },
    });
  } catch (e) {
    if (!(e instanceof LoadError)) throw e;
    if (!e.fatal) throw e;
    // Linux has thrown the old program away by now and can only kill (bprm->point_of_no_return).
    task.kernel.signals.beginExit(process, SIGSEGV);
    return NO_RESULT;
  }
  if (process.tasks.size > 1) return afterOtherThreads(task, loaded, program, credentials);
  become(task, loaded, program, credentials, task.tid);
  return NO_RESULT;
}

/** de_thread(): the other threads end, and the caller takes the leader's place. */
async function afterOtherThreads(
  task: Task,
  loaded: LoadedProgram,
  program: Program,
  credentials: TaskCredentials,
): Promise<number> {
  const { process, kernel } = task;
  for (const other of process.tasks) if (other !== task) kernel.signals.killThread(other);
  while (process.tasks.size > 1) {
    const woken = await sleep(task, process.threadQueue, { killable: true });
    if (woken === Woken.Signal) {
      loaded.space.release();
      return NO_RESULT;
    }
  }
  const { leader } = process;
  const { tid } = task;
  if (leader !== task) {
    if (leader.trace !== null) detach(leader.trace);
    leader.state = "dead";
    kernel.removeTask(task);
    task.tid = process.pid;
    kernel.tasks.set(task.tid, task);
    process.leader = task;
  }
  become(task, loaded, program, credentials, tid);
  return NO_RESULT;
}

interface Caller {
  readonly credentials: TaskCredentials;
  readonly personality: number;
  readonly limits: readonly ResourceLimit[];
  changed(credentials: TaskCredentials): void;
}

function load(kernel: Kernel, view: View, place: Path, program: Program, caller: Caller): LoadedProgram {
  const places = new Map<MappedFile, Path>();
  const open = (path: Path): MappedFile => {
    const file = openForExecution(view, path);
    places.set(file, path);
    return file;
  };
  return loadProgram({
    pool: kernel.pool,
    limits: memoryLimits(caller.limits),
    filename: program.filename,
    inaccessible: program.inaccessible ?? false,
    file: open(place),
    argv: program.argv,
    envp: program.envp,
    kinds: kernel.programKinds,
    personality: caller.personality,
    openExecutable: (path) => open(lookup(view, undefined, path, FOLLOW)),
    credentials: (file) => {
      const changed = programCredentials(caller.credentials, places.get(file));
      caller.changed(changed.credentials);
      return changed.shown;
    },
    random: (into) => kernel.host.random.fill(into),
    randomize: kernel.randomize,
  });
}

/** do_open_execat() */
function openForExecution(view: View, place: Path): MappedFile {
  const { inode } = place;
  if (inode.format !== S_IFREG || place.mount.flags & MS_NOEXEC) throw errno(EACCES);
  if (!allowed(inode, view.credentials, MAY_EXEC)) throw errno(EACCES);
  view.credentials.sandbox?.check(place, FS_EXECUTE);
  // deny_write_access()
  if ((inode.writers ?? 0) > 0) throw errno(ETXTBSY);
  return inode.open?.(O_RDONLY, view, place) ?? new RegularFile(inode, O_RDONLY, place);
}

/** Set-user-ID, set-group-ID, and what root has by being root: cap_bprm_creds_from_file(). */
function programCredentials(
  old: TaskCredentials,
  place: Path | undefined,
): { credentials: TaskCredentials; shown: ProgramCredentials } {
  let { euid, egid } = old;
  if (place !== undefined && (place.mount.flags & MS_NOSUID) === 0 && !old.noNewPrivileges) {
    const { mode, uid, gid } = place.inode.attributes();
    const { users } = old;
    // Nobody becomes who has no number in his user namespace.
    if (users === null || (users.uids.fromKernel(uid) !== undefined && users.gids.fromKernel(gid) !== undefined)) {
      if (mode & S_ISUID) euid = uid;
      if ((mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) egid = gid;
    }
  }
  const changesId = euid !== old.euid || egid !== old.egid;
  const ambient = changesId ? 0n : old.ambient;
  const root = (old.securebits & SECBIT_NOROOT) === 0 && (old.uid === old.root || euid === old.root);
  const permitted = root ? old.bounding | old.inheritable : ambient;
  const effective = root ? (euid === old.root ? permitted : 0n) : ambient;
  const credentials = old.with({
    euid,
    egid,
    suid: euid,
    sgid: egid,
    fsuid: euid,
    fsgid: egid,
    ambient,
    permitted,
    effective,
    securebits: old.securebits & ~SECBIT_KEEP_CAPS,
  });
  const secure =
    euid !== old.uid || egid !== old.gid || (old.uid !== old.root && effective !== 0n && effective !== ambient);
  const shown = {
    uid: old.shownUser(old.uid),
    euid: old.shownUser(euid),
    gid: old.shownGroup(old.gid),
    egid: old.shownGroup(egid),
    secure,
  };
  return { credentials, shown };
}

export function memoryLimits(limits: readonly ResourceLimit[]): MemoryLimits {
  const soft = (resource: number): number => limits[resource]?.soft ?? Number.POSITIVE_INFINITY;
  return { addressSpace: soft(RLIMIT_AS), data: soft(RLIMIT_DATA), stack: soft(RLIMIT_STACK) };
}

/** begin_new_exec(): from here on there is no way back. */
function become(
  task: Task,
  loaded: LoadedProgram,
  program: Program,
  credentials: TaskCredentials,
  oldTid: number,
): void {
  const { kernel, process } = task;
  const { denyWriteExec } = task.space;
  if ((denyWriteExec & PR_MDWE_NO_INHERIT) === 0) (loaded.space as GuestSpace).denyWriteExec = denyWriteExec;
  const mm = newMm(kernel, loaded);
  mm.coreFilter = task.mm.coreFilter;
  releaseMemory(task);
  enterProgram(task, mm, loaded);
  enterChosenTime(task);
  if (task.files.references > 1) {
    task.files.references--;
    task.files = task.files.clone();
  }
  task.files.closeOnExec(process);
  task.handlers = task.handlers.afterExec();
  Object.assign(task.altStack, { sp: 0, size: 0, flags: SS_DISABLE });
  task.comm = commOf(program.filename);
  task.restart = 0;
  task.restartBlock = null;
  task.rseq = null;
  task.userDispatch = null;
  if (credentials.euid !== task.credentials.euid || credentials.egid !== task.credentials.egid) {
    task.parentDeathSignal = 0;
  }
  process.dumpable = credentials.euid === credentials.uid && credentials.egid === credentials.gid ? 1 : 0;
  task.credentials = credentials;
  process.exitSignal = SIGCHLD;
  process.hasExecuted = true;
  process.timers?.deletePosixTimers();
  kernel.observer?.executed?.(task);
  if (task.trace !== null) traceExec(task, task.trace, oldTid);
}

function newMm(kernel: Kernel, loaded: LoadedProgram): Mm {
  const space = loaded.space as GuestSpace;
  const arch = kernel.archOf(loaded.machine);
  space.core = kernel.engine.attach(space.memory, arch.name);
  return new Mm(space, arch);
}

function enterProgram(task: Task, mm: Mm, loaded: LoadedProgram): void {
  const { registers } = mm.arch;
  task.mm = mm.acquire();
  task.space = mm.space;
  task.savedContext = null;
  mm.loaded = task;
  registers.reset(mm.context);
  enterVectorControl(task);
  registers.setPc(mm.context, loaded.entry);
  registers.setSp(mm.context, loaded.stackPointer);
}

/** The last component of the path, 15 bytes of it at most. */
function commOf(filename: string): string {
  return decodeBytes(encodeBytes(filename.slice(filename.lastIndexOf("/") + 1)).subarray(0, 15));
}

export interface FirstProcess extends Program {
  readonly fs: FsContext;
  readonly files: FdTable;
  readonly credentials: TaskCredentials;
  readonly limits?: ResourceLimit[];
  readonly nice?: number;
  /** It is to be process 1. */
  readonly isInit?: boolean;
}

/**
 * Starts a program that nobody has forked, leader of a session and a process group of its own: a child of process 1, which
 * is the kernel's, or process 1 itself. Throws LoadError or another Errno.
 */
export function startProcess(kernel: Kernel, first: FirstProcess): Task {
  const limits = first.limits ?? defaultLimits();
  let credentials = first.credentials;
  const view: View = { fs: first.fs, credentials };
  const place = lookup(view, undefined, first.filename, FOLLOW);
  const loaded = load(kernel, view, place, first, {
    credentials,
    personality: 0,
    limits,
    changed: (c) => {
      credentials = c;
    },
  });
  if (first.isInit !== true && kernel.pids.init === null) startInit(kernel);
  const process = newSessionLeader(kernel, kernel.pids, kernel.pids.init, limits);
  process.unkillable = kernel.pids.init === process;
  process.exitSignal = SIGCHLD;
  const mm = newMm(kernel, loaded);
  const { fs, files } = first;
  const { namespaces } = kernel;
  const handlers = new SignalHandlers();
  const task = new Task({ process, tid: process.pid, mm, fs, files, handlers, credentials, namespaces });
  process.leader = task;
  process.tasks.add(task);
  kernel.tasks.set(task.tid, task);
  kernel.forks++;
  task.comm = commOf(first.filename);
  task.nice = first.nice ?? 0;
  enterProgram(task, mm, loaded);
  kernel.observer?.taskStarted?.(task, null);
  kernel.observer?.executed?.(task);
  kernel.scheduler.ready(task);
  return task;
}
