/** /proc/[pid] and /proc/[pid]/task/[tid]: directories made anew for whoever looks, from the state of the task. */

import { CAP_AUDIT_CONTROL, CAP_SYS_PTRACE } from "../../abi/capability.ts";
import { EACCES, EINVAL, ENOENT, EPERM, ESRCH, errno } from "../../abi/errno.ts";
import { PIDFD_NAMESPACES } from "../../abi/pidfd.ts";
import { DT_DIR, DT_LNK, DT_REG } from "../../abi/stat.ts";
import { decodeBytes } from "../../util/bytes.ts";
import { displayName, type Path } from "../../vfs/path.ts";
import {
  type DirectoryOptions,
  type FileOptions,
  SyntheticDirectory,
  SyntheticFile,
  SyntheticLink,
} from "../../vfs/types/synthetic.ts";
import type { DirectoryEntry, File, Inode, OpenContext } from "../../vfs/types.ts";
import type { TaskCredentials } from "../credentials.ts";
import { mayInspect as inspectable } from "../inspect.ts";
import { nameOf } from "../namespace-file.ts";
import type { NamespaceIdentity } from "../namespaces.ts";
import { outwards, type PidNamespace } from "../pid-namespace.ts";
import { PidFile } from "../pidfd.ts";
import type { Task } from "../task.ts";
import * as figures from "./figures.ts";
import type { ProcFs } from "./file-system.ts";
import { idMapFile, setgroupsFile } from "./id-map.ts";
import { locksOfFile } from "./locks.ts";
import { mapFilesDirectory } from "./map-files.ts";
import { MemoryNode } from "./memory-file.ts";
import { netDirectory } from "./net.ts";
import { numaText, PagemapNode } from "./pagemap.ts";
import * as text from "./process-text.ts";
import { smapsRollupText, smapsText } from "./smaps.ts";
import { timeOffsetsFile } from "./time-offsets.ts";

/** Each task has this many inode numbers, from tid * INO_SPACE on; descriptors use the upper part. */
const INO_SPACE = 0x10_0000;
const FD_INO = 0x1000;
const FDINFO_INO = 0x8_0000;
const NAMESPACE_INO = 0x400;
const NAMESPACE_LINKS: readonly string[] = PIDFD_NAMESPACES.filter((name) => name !== undefined);

/** An id that is not set: (uid_t) -1. */
const NO_ID = 0xffff_ffff;

type Maker = (task: Task, fs: ProcFs, ino: number) => Inode;

/** task_dump_owner(): what may not be looked into is root's. */
function owner(task: Task): { uid: number; gid: number } {
  return task.process.dumpable === 1 ? effectiveIds(task) : { uid: 0, gid: 0 };
}

/** Of directories that anybody may read, and of those that a process may always open of itself. */
function effectiveIds({ credentials }: Task): { uid: number; gid: number } {
  return { uid: credentials.euid, gid: credentials.egid };
}

/** What looking into another process needs: PTRACE_MODE_READ_FSCREDS of ptrace(2). */
function mayInspect(task: Task, context: OpenContext): boolean {
  const caller = context.task as Task | undefined;
  return caller === undefined ? context.credentials.capable(CAP_SYS_PTRACE) : inspectable(caller, task, true);
}

function file(
  make: (task: Task, pids: PidNamespace, reader: TaskCredentials) => string | Uint8Array,
  mode = 0o444,
  guarded = false,
): Maker {
  return (task, fs, ino) =>
    new SyntheticFile(fs, {
      ino,
      mode,
      owner: owner(task),
      content: (context) => {
        if (task.state === "dead") throw errno(ESRCH);
        return make(task, fs.pids, context.credentials as TaskCredentials);
      },
      ...(guarded ? { admit: guard(task) } : {}),
    });
}

function guard(task: Task): NonNullable<FileOptions["admit"]> {
  return (context) => {
    if (!mayInspect(task, context)) throw errno(EACCES);
  };
}

/** exe, cwd, root: links that lead to the object itself. */
function magic(place: (task: Task) => Path | undefined): Maker {
  return (task, fs, ino) => {
    const find = (): Path => {
      const path = task.state === "zombie" || task.state === "dead" ? undefined : place(task);
      if (path === undefined) throw errno(ENOENT);
      return path;
    };
    return new SyntheticLink(fs, {
      ino,
      owner: owner(task),
      target: () => displayName(find(), task.fs.root),
      admit: guard(task),
      follow: find,
    });
  };
}

function setting(make: (task: Task, fs: ProcFs, ino: number, owner: { uid: number; gid: number }) => Inode): Maker {
  return (task, fs, ino) => make(task, fs, ino, owner(task));
}

function pagemapFile(task: Task, fs: ProcFs, ino: number): Inode {
  const node = new PagemapNode(fs, { ino, mode: 0o400, owner: owner(task), content: undefined, admit: guard(task) });
  node.space = () => (text.hasMemory(task) ? task.space : undefined);
  return node;
}

const ENTRIES: Readonly<Record<string, Maker>> = {
  auxv: file((task) => (text.hasMemory(task) ? task.space.auxv : new Uint8Array(0)), 0o400, true),
  cgroup: file(() => "0::/\n"),
  clear_refs: setting(figures.clearRefsFile),
  cmdline: file((task) => text.memoryArea(task, "arg")),
  comm: (task, fs, ino) =>
    new SyntheticFile(fs, {
      ino,
      mode: 0o644,
      owner: owner(task),
      content: () => `${task.comm}\n`,
      write: (bytes, _position, context) => {
        if ((context.task as Task | undefined)?.process !== task.process) return -EINVAL;
        task.comm = decodeBytes(bytes.subarray(0, 15));
        return bytes.length;
      },
    }),
  coredump_filter: setting(figures.coreFilterFile),
  cpuset: file(() => "/\n"),
  cwd: magic((task) => task.fs.cwd),
  map_files: setting(mapFilesDirectory),
  timens_offsets: setting(timeOffsetsFile),
  environ: file((task) => text.memoryArea(task, "env"), 0o400, true),
  exe: magic((task) => (task.hasMemory ? (task.space.executable as unknown as File | null)?.path : undefined)),
  fd: (task, fs, ino) => descriptorDirectory(task, fs, ino, FD_INO, DT_LNK, descriptorLink),
  fdinfo: (task, fs, ino) => descriptorDirectory(task, fs, ino, FDINFO_INO, DT_REG, descriptorInfo),
  gid_map: (task, fs, ino) => idMapFile(task, fs, ino, owner(task), "gids"),
  io: file((task) => figures.ioText(task, true), 0o400, true),
  limits: file(text.limitsText),
  loginuid: loginuidFile,
  maps: file(text.mapsText, 0o444, true),
  mem: (task, fs, ino) => {
    const node = new MemoryNode(fs, {
      ino,
      mode: 0o600,
      owner: owner(task),
      content: undefined,
      admit: guard(task),
    });
    node.space = () => task.space;
    return node;
  },
  mountinfo: file(text.mountInfoText),
  mounts: file(text.mountsText),
  mountstats: file(text.mountStatsText, 0o400),
  ns: namespaceDirectory,
  net: (task, fs, ino) => netDirectory(task.namespaces.network, fs, ino),
  numa_maps: file(numaText, 0o444, true),
  oom_adj: setting(figures.oomAdjFile),
  oom_score: file(figures.oomScoreText),
  oom_score_adj: setting(figures.oomScoreAdjFile),
  pagemap: pagemapFile,
  personality: file((task) => `${task.personality.toString(16).padStart(8, "0")}\n`, 0o400, true),
  projid_map: file((task) => (task.users.parent === null ? "         0          0 4294967295\n" : "")),
  root: magic((task) => task.fs.root),
  sched: file(figures.schedText),
  schedstat: file(figures.schedstatText),
  setgroups: (task, fs, ino) => setgroupsFile(task, fs, ino, owner(task)),
  sessionid: file(() => String(NO_ID)),
  smaps: file(smapsText, 0o444, true),
  smaps_rollup: file(smapsRollupText, 0o444, true),
  stat: file((task, pids) => text.statText(task, pids, true)),
  statm: file(text.statmText),
  status: file(text.statusText),
  syscall: file(figures.syscallText, 0o400, true),
  task: taskDirectory,
  timerslack_ns: setting(figures.timerSlackFile),
  uid_map: (task, fs, ino) => idMapFile(task, fs, ino, owner(task), "uids"),
  wchan: file(() => "0"),
};

/** Threads have most of it, but what belongs to a process alone. */
const THREAD_ENTRIES: Readonly<Record<string, Maker>> = Object.fromEntries(
  Object.entries({
    ...ENTRIES,
    children: file((task, pids) => (task === task.process.leader ? figures.childrenText(task, pids) : "")),
    io: file((task) => figures.ioText(task, false), 0o400, true),
    stat: file((task, pids) => text.statText(task, pids, false)),
  }).filter(
    ([name]) =>
      !["task", "coredump_filter", "map_files", "mountstats", "timens_offsets", "timerslack_ns"].includes(name),
  ),
);

/** /proc/[pid]/ns: magic links to what setns(2) takes. */
function namespaceDirectory(task: Task, fs: ProcFs, ino: number): Inode {
  const { kernel } = task;
  const find = (name: string): object | undefined => {
    if (task.state === "zombie" || task.state === "dead") return undefined;
    const { uts, ipc, network, cgroup, time, pidsOfChildren, timeOfChildren } = task.namespaces;
    const objects: Readonly<Record<string, object | undefined>> = {
      cgroup,
      ipc,
      mnt: task.fs.mounts,
      net: network,
      pid: task.process.pids,
      // Without an init there is nobody in it yet.
      pid_for_children: pidsOfChildren.init === null ? undefined : pidsOfChildren,
      time,
      time_for_children: timeOfChildren,
      user: task.users,
      uts,
    };
    return objects[name];
  };
  const identity = (name: string): NamespaceIdentity => {
    const { current } = kernel.scheduler;
    if (current !== null && !inspectable(current, task, true)) throw errno(EACCES);
    const object = find(name);
    if (object === undefined) throw errno(ENOENT);
    return kernel.registry.of(object);
  };
  return new SyntheticDirectory(fs, {
    ino,
    mode: 0o511,
    owner: owner(task),
    lookup: (name) => {
      const index = NAMESPACE_LINKS.indexOf(name);
      if (index < 0) return undefined;
      return new SyntheticLink(fs, {
        ino: ino + NAMESPACE_INO + index,
        owner: owner(task),
        target: () => nameOf(identity(name)),
        admit: guard(task),
        follow: () => kernel.namespaceFs.place(identity(name)),
      });
    },
    list: () => NAMESPACE_LINKS.map((name, i) => ({ name, ino: ino + NAMESPACE_INO + i, type: DT_LNK })),
  });
}

/** What the audit system knows of who logged in: audit_set_loginuid(). */
function loginuidFile(task: Task, fs: ProcFs, ino: number): Inode {
  return new SyntheticFile(fs, {
    ino,
    mode: 0o644,
    owner: owner(task),
    content: () => String(task.process.loginuid),
    write: (bytes, position, context) => {
      if ((context.task as Task | undefined)?.process !== task.process) return -EPERM;
      const value = decodeBytes(bytes).trim();
      if (position !== 0 || !/^\d+$/.test(value) || Number(value) > NO_ID) return -EINVAL;
      if (task.process.loginuid !== NO_ID && !context.credentials.capable(CAP_AUDIT_CONTROL)) return -EPERM;
      task.process.loginuid = Number(value);
      return bytes.length;
    },
  });
}

function directory(task: Task, fs: ProcFs, base: number, entries: Readonly<Record<string, Maker>>): Inode {
  return new SyntheticDirectory(fs, entriesOf(task, fs, base, entries));
}

function entriesOf(task: Task, fs: ProcFs, base: number, entries: Readonly<Record<string, Maker>>): DirectoryOptions {
  const names = Object.keys(entries);
  const make = (name: string): Inode | undefined =>
    Object.hasOwn(entries, name) ? entries[name]?.(task, fs, base + 1 + names.indexOf(name)) : undefined;
  return {
    ino: base,
    owner: effectiveIds(task),
    nlink: 9,
    lookup: make,
    list: () =>
      names.map((name, i) => ({
        name,
        ino: base + 1 + i,
        type: ["fd", "fdinfo", "net", "ns", "task"].includes(name)
          ? DT_DIR
          : ["cwd", "exe", "root"].includes(name)
            ? DT_LNK
            : DT_REG,
      })),
  };
}

/** /proc/[pid], which some calls take for the process itself. */
export class ProcessDirectory extends SyntheticDirectory {
  readonly task: Task;

  constructor(task: Task, fs: ProcFs, options: DirectoryOptions) {
    super(fs, options);
    this.task = task;
  }
}

export function processDirectory(task: Task, fs: ProcFs): Inode {
  return new ProcessDirectory(task, fs, entriesOf(task, fs, task.tid * INO_SPACE, ENTRIES));
}

function taskDirectory(task: Task, fs: ProcFs, ino: number): Inode {
  const threads = (): Task[] => {
    const { process } = task;
    return process.tasks.size > 0 ? [...process.tasks] : [process.leader];
  };
  const base = (thread: Task): number => thread.tid * INO_SPACE + 0x200;
  return new SyntheticDirectory(fs, {
    ino,
    owner: effectiveIds(task),
    nlink: 2 + task.process.tasks.size,
    lookup: (name) => {
      const thread = threads().find((t) => String(fs.pids.number(t.tid)) === name);
      return thread === undefined ? undefined : directory(thread, fs, base(thread), THREAD_ENTRIES);
    },
    list: () => threads().map((t) => ({ name: String(fs.pids.number(t.tid)), ino: base(t), type: DT_DIR })),
  });
}

function descriptorDirectory(
  task: Task,
  fs: ProcFs,
  ino: number,
  offset: number,
  type: number,
  make: (task: Task, fs: ProcFs, ino: number, fd: number) => Inode,
): Inode {
  const inoOf = (fd: number): number => task.tid * INO_SPACE + offset + fd;
  return new SyntheticDirectory(fs, {
    ino,
    mode: type === DT_LNK ? 0o500 : 0o555,
    owner: effectiveIds(task),
    lookup: (name) => {
      if (!/^(0|[1-9]\d*)$/.test(name) || !text.hasMemory(task)) return undefined;
      const fd = Number(name);
      return task.files.peek(fd) === undefined ? undefined : make(task, fs, inoOf(fd), fd);
    },
    list: () => {
      const entries: DirectoryEntry[] = [];
      if (text.hasMemory(task))
        for (const fd of task.files.descriptors()) entries.push({ name: String(fd), ino: inoOf(fd), type });
      return entries;
    },
  });
}

function openFile(task: Task, fd: number): File {
  const open = text.hasMemory(task) ? task.files.peek(fd) : undefined;
  if (open === undefined) throw errno(ENOENT);
  return open;
}

function descriptorLink(task: Task, fs: ProcFs, ino: number, fd: number): Inode {
  const access = openFile(task, fd).flags & 3;
  const mode = 0o100 | (access === 1 ? 0 : 0o400) | (access === 0 ? 0 : 0o200);
  return new SyntheticLink(fs, {
    ino,
    mode,
    owner: owner(task),
    size: 64,
    target: () => openFile(task, fd).describe(),
    admit: guard(task),
    follow: () => placeOf(task, openFile(task, fd)),
  });
}

/** Where a descriptor leads: its path, or a place of its own for pipes and other files without a name. */
function placeOf(task: Task, open: File): Path {
  return open.path ?? task.fs.mounts.place(open.inode, open.describe());
}

/** Whose descriptor it is, in the namespace of the file system and those inside of it (pidfd_show_fdinfo()). */
function processLines({ process }: PidFile, fs: ProcFs): string {
  const { pid } = process;
  if (process.kernel.processes.get(pid) !== process) return "Pid:\t-1\nNSpid:\t-1\n";
  const numbers: number[] = [];
  for (const ns of outwards(process.pids)) if (ns.level >= fs.pids.level) numbers.unshift(ns.number(pid));
  const first = fs.pids.number(pid);
  return `Pid:\t${first}\nNSpid:\t${first === 0 ? "0" : numbers.join("\t")}\n`;
}

function descriptorInfo(task: Task, fs: ProcFs, ino: number, fd: number): Inode {
  return new SyntheticFile(fs, {
    ino,
    mode: 0o444,
    admit: guard(task),
    owner: owner(task),
    content: () => {
      const open = openFile(task, fd);
      const flags = open.flags | (task.files.isCloseOnExec(fd) ? 0o2000000 : 0);
      const place = `mnt_id:\t${open.path?.mount.id ?? 0}\nino:\t${open.inode.ino}\n`;
      const locks = locksOfFile(task, open, fs.pids);
      return `pos:\t${open.position}\nflags:\t0${flags.toString(8)}\n${place}${locks}${open instanceof PidFile ? processLines(open, fs) : (open.details?.() ?? "")}`;
    },
  });
}
