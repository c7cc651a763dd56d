/** The texts of /proc/[pid]: proc_pid_stat(5), proc_pid_status(5), proc_pid_maps(5) and so on. Field by field as Linux has them. */

import { majorOf, minorOf } from "../../abi/device.ts";
import * as R from "../../abi/resource.ts";
import { NSIG, SIG_DFL, SIG_IGN } from "../../abi/signal.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../../mm/layout.ts";
import { lockedBytes } from "../../mm/lock.ts";
import type { Vma } from "../../mm/vma.ts";
import { type Mount, nameInFileSystem, nameOf, Path } from "../../vfs/path.ts";
import type { TaskCredentials } from "../credentials.ts";
import { outwards, type PidNamespace } from "../pid-namespace.ts";
import { countFilters } from "../seccomp-state.ts";
import { SignalSet } from "../signal-state.ts";
import type { Task } from "../task.ts";

/** Nanoseconds per clock tick: USER_HZ is 100. */
const TICK = 1e7;
const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const VM_SHARED = 1;
const KIB = 1024;

/** True while the task has memory: zombies do not, nor those of the kernel's own. */
export function hasMemory(task: Task): boolean {
  return task.hasMemory && task.state !== "zombie" && task.state !== "dead";
}

function stateLetter(task: Task): string {
  if (task.state === "blocked" && task.trace !== null && task.trace.stop !== null) return "t";
  switch (task.state) {
    case "runnable":
      return "R";
    case "blocked":
      return task.wait?.killable === true ? "D" : "S";
    case "stopped":
      return "T";
    case "traced":
      return "t";
    case "zombie":
      return "Z";
    default:
      return "X";
  }
}

const STATE_NAMES: Readonly<Record<string, string>> = {
  R: "R (running)",
  S: "S (sleeping)",
  D: "D (disk sleep)",
  T: "T (stopped)",
  t: "t (tracing stop)",
  Z: "Z (zombie)",
  X: "X (dead)",
};

interface MemoryFigures {
  /** Bytes. */
  readonly size: number;
  readonly resident: number;
  readonly data: number;
  readonly stack: number;
  readonly text: number;
  readonly library: number;
}

function memoryFigures(task: Task): MemoryFigures {
  if (!hasMemory(task)) return { size: 0, resident: 0, data: 0, stack: 0, text: 0, library: 0 };
  const { space } = task;
  let data = 0;
  let stack = 0;
  let executable = 0;
  for (const vma of space.vmas) {
    const bytes = vma.end - vma.start;
    if (space.nameOf(vma) === "[stack]") stack += bytes;
    else if (vma.prot & PROT_WRITE && (vma.flags & VM_SHARED) === 0) data += bytes;
    else if (vma.prot & PROT_EXEC && (vma.prot & PROT_WRITE) === 0) executable += bytes;
  }
  const text = Math.max(0, ceilPage(space.endCode) - floorPage(space.startCode));
  return {
    size: space.totalPages * PAGE_SIZE,
    resident: space.presentPages * PAGE_SIZE,
    data,
    stack,
    text,
    library: Math.max(0, executable - text),
  };
}

const floorPage = (address: number): number => address - (address % PAGE_SIZE);
const ceilPage = (address: number): number => floorPage(address + PAGE_SIZE - 1);

interface SignalMasks {
  readonly pending: SignalSet;
  readonly shared: SignalSet;
  readonly blocked: SignalSet;
  readonly ignored: SignalSet;
  readonly caught: SignalSet;
}

function signalMasks(task: Task): SignalMasks {
  const ignored = new SignalSet();
  const caught = new SignalSet();
  for (let signal = 1; signal <= NSIG; signal++) {
    const { handler } = task.handlers.get(signal);
    if (handler === SIG_IGN) ignored.add(signal);
    else if (handler !== SIG_DFL) caught.add(signal);
  }
  return { pending: task.pending.set, shared: task.process.pending.set, blocked: task.blocked, ignored, caught };
}

function hex64(set: SignalSet): string {
  return (set.hi >>> 0).toString(16).padStart(8, "0") + (set.lo >>> 0).toString(16).padStart(8, "0");
}

/** @param whole figures of the process, not of the one task */
export function statText(task: Task, pids: PidNamespace, whole: boolean): string {
  const { process } = task;
  const { boottime } = (task.kernel.scheduler.current ?? task).namespaces.time;
  const number = (id: number | undefined): number => pids.number(id ?? 0);
  const terminal = process.group.session.controllingTerminal;
  const memory = memoryFigures(task);
  const live = hasMemory(task);
  const times = whole ? process.times() : task.usage;
  const masks = signalMasks(task);
  const { space } = task;
  const fields: (number | string)[] = [
    number(task.tid),
    `(${task.comm})`,
    stateLetter(task),
    number(process.parent?.pid),
    number(process.group.id),
    number(process.group.session.id),
    terminal?.device ?? 0,
    terminal?.foreground ? number(terminal.foreground.id) : -1,
    0x400000,
    whole ? process.usage.minorFaults + task.usage.minorFaults : task.usage.minorFaults,
    process.childUsage.minorFaults,
    task.usage.majorFaults,
    process.childUsage.majorFaults,
    Math.floor(times.utime / TICK),
    Math.floor(times.stime / TICK),
    Math.floor(process.childUsage.utime / TICK),
    Math.floor(process.childUsage.stime / TICK),
    20 + task.nice,
    task.nice,
    process.tasks.size,
    0,
    Math.floor((process.startTime + boottime) / TICK),
    memory.size,
    memory.resident >>> PAGE_SHIFT,
    "18446744073709551615",
    live ? space.startCode : 0,
    live ? space.endCode : 0,
    live ? space.startStack : 0,
    0,
    0,
    masks.pending.lo & 0x7fff_ffff,
    masks.blocked.lo & 0x7fff_ffff,
    masks.ignored.lo & 0x7fff_ffff,
    masks.caught.lo & 0x7fff_ffff,
    task.state === "blocked" ? 1 : 0,
    0,
    0,
    task === process.leader ? process.exitSignal || 17 : -1,
    0,
    0,
    0,
    0,
    0,
    0,
    live ? space.startData : 0,
    live ? space.endData : 0,
    live ? space.startBrk : 0,
    live ? space.argStart : 0,
    live ? space.argEnd : 0,
    live ? space.envStart : 0,
    live ? space.envEnd : 0,
    process.exited ? process.exitStatus : 0,
  ];
  return `${fields.join(" ")}\n`;
}

export function statmText(task: Task): string {
  const m = memoryFigures(task);
  const pages = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE);
  return `${pages(m.size)} ${pages(m.resident)} 0 ${pages(m.text)} 0 ${pages(m.data + m.stack)} 0\n`;
}

export function statusText(task: Task, pids: PidNamespace, reader: TaskCredentials): string {
  const { process, credentials: c } = task;
  const memory = memoryFigures(task);
  const masks = signalMasks(task);
  const lines: string[] = [];
  const add = (name: string, value: string | number): void => {
    lines.push(`${name}:\t${value}`);
  };
  const kib = (name: string, bytes: number): void => add(name, `${String(Math.floor(bytes / KIB)).padStart(8)} kB`);
  const letter = stateLetter(task);
  add("Name", task.comm.replaceAll("\\", "\\\\").replaceAll("\n", "\\n"));
  if (hasMemory(task)) add("Umask", `0${task.fs.umask.toString(8).padStart(3, "0")}`);
  add("State", STATE_NAMES[letter] ?? letter);
  const number = (id: number | undefined): number => pids.number(id ?? 0);
  // In the namespace of the file system, and in those inside of it that see the process.
  const inEach = (id: number): string => {
    const numbers: number[] = [];
    for (const ns of outwards(process.pids)) if (ns.level >= pids.level) numbers.unshift(ns.number(id));
    return numbers.join("\t");
  };
  add("Tgid", number(process.pid));
  add("Ngid", 0);
  add("Pid", number(task.tid));
  add("PPid", number(process.parent?.pid));
  add("TracerPid", number(task.trace?.tracer.pid));
  add("Uid", [c.uid, c.euid, c.suid, c.fsuid].map((id) => reader.shownUser(id)).join("\t"));
  add("Gid", [c.gid, c.egid, c.sgid, c.fsgid].map((id) => reader.shownGroup(id)).join("\t"));
  let highest = 0;
  if (hasMemory(task)) for (const fd of task.files.descriptors()) highest = fd + 1;
  add("FDSize", hasMemory(task) ? Math.max(64, 2 ** Math.ceil(Math.log2(Math.max(1, highest)))) : 0);
  add("Groups", `${c.groups.map((g) => reader.shownGroup(g)).join(" ")} `);
  add("NStgid", inEach(process.pid));
  add("NSpid", inEach(task.tid));
  add("NSpgid", inEach(process.group.id));
  add("NSsid", inEach(process.group.session.id));
  add("Kthread", task.hasMemory ? 0 : 1);
  if (hasMemory(task)) {
    const { space } = task;
    kib("VmPeak", Math.max(space.peakPages * PAGE_SIZE, memory.size));
    kib("VmSize", memory.size);
    kib("VmLck", lockedBytes(space));
    kib("VmPin", 0);
    kib("VmHWM", Math.max(space.peakPresent * PAGE_SIZE, memory.resident));
    kib("VmRSS", memory.resident);
    kib("RssAnon", memory.resident);
    kib("RssFile", 0);
    kib("RssShmem", 0);
    kib("VmData", memory.data);
    kib("VmStk", memory.stack);
    kib("VmExe", memory.text);
    kib("VmLib", memory.library);
    kib("VmPTE", 0);
    kib("VmSwap", 0);
    kib("HugetlbPages", 0);
    add("CoreDumping", 0);
    add("THP_enabled", 0);
  }
  add("Threads", Math.max(1, process.tasks.size));
  add(
    "SigQ",
    `${task.pending.length + process.pending.length}/${limitText(process.limits[R.RLIMIT_SIGPENDING]?.soft)}`,
  );
  add("SigPnd", hex64(masks.pending));
  add("ShdPnd", hex64(masks.shared));
  add("SigBlk", hex64(masks.blocked));
  add("SigIgn", hex64(masks.ignored));
  add("SigCgt", hex64(masks.caught));
  const capabilities = (set: bigint): string => set.toString(16).padStart(16, "0");
  add("CapInh", capabilities(c.inheritable));
  add("CapPrm", capabilities(c.permitted));
  add("CapEff", capabilities(c.effective));
  add("CapBnd", capabilities(c.bounding));
  add("CapAmb", capabilities(c.ambient));
  add("NoNewPrivs", c.noNewPrivileges ? 1 : 0);
  add("Seccomp", task.seccomp?.mode ?? 0);
  add("Seccomp_filters", countFilters(task.seccomp));
  add("Cpus_allowed", 1);
  add("Cpus_allowed_list", 0);
  add("Mems_allowed", 1);
  add("Mems_allowed_list", 0);
  add("voluntary_ctxt_switches", task.usage.voluntarySwitches);
  add("nonvoluntary_ctxt_switches", task.usage.involuntarySwitches);
  return `${lines.join("\n")}\n`;
}

function limitText(value: number | undefined): string {
  return value === undefined || value === Number.POSITIVE_INFINITY ? "unlimited" : String(value);
}

const LIMITS: readonly (readonly [name: string, resource: number, unit: string])[] = [
  ["Max cpu time", R.RLIMIT_CPU, "seconds"],
  ["Max file size", R.RLIMIT_FSIZE, "bytes"],
  ["Max data size", R.RLIMIT_DATA, "bytes"],
  ["Max stack size", R.RLIMIT_STACK, "bytes"],
  ["Max core file size", R.RLIMIT_CORE, "bytes"],
  ["Max resident set", R.RLIMIT_RSS, "bytes"],
  ["Max processes", R.RLIMIT_NPROC, "processes"],
  ["Max open files", R.RLIMIT_NOFILE, "files"],
  ["Max locked memory", R.RLIMIT_MEMLOCK, "bytes"],
  ["Max address space", R.RLIMIT_AS, "bytes"],
  ["Max file locks", R.RLIMIT_LOCKS, "locks"],
  ["Max pending signals", R.RLIMIT_SIGPENDING, "signals"],
  ["Max msgqueue size", R.RLIMIT_MSGQUEUE, "bytes"],
  ["Max nice priority", R.RLIMIT_NICE, ""],
  ["Max realtime priority", R.RLIMIT_RTPRIO, ""],
  ["Max realtime timeout", R.RLIMIT_RTTIME, "us"],
];

export function limitsText(task: Task): string {
  const row = (a: string, b: string, c: string, d: string): string =>
    `${a.padEnd(26)}${b.padEnd(21)}${c.padEnd(21)}${d.padEnd(10)}\n`;
  let text = row("Limit", "Soft Limit", "Hard Limit", "Units");
  for (const [name, resource, unit] of LIMITS) {
    const limit = task.process.limits[resource];
    text += row(name, limitText(limit?.soft), limitText(limit?.hard), unit);
  }
  return text;
}

function escapePath(path: string): string {
  return path.replaceAll("\n", "\\012");
}

export function mapsLine(task: Task, vma: Vma): string {
  const hex = (v: number): string => v.toString(16).padStart(8, "0");
  const bit = (on: number, letter: string): string => (on ? letter : "-");
  const protection =
    bit(vma.prot & PROT_READ, "r") +
    bit(vma.prot & PROT_WRITE, "w") +
    bit(vma.prot & PROT_EXEC, "x") +
    (vma.flags & 2 ? "s" : "p");
  const inode = vma.file?.inode.attributes();
  const dev = inode?.dev ?? 0;
  const device = `${majorOf(dev).toString(16).padStart(2, "0")}:${minorOf(dev).toString(16).padStart(2, "0")}`;
  const offset = vma.file === null && vma.shared === null ? 0 : vma.offset;
  const head = `${hex(vma.start)}-${hex(vma.end)} ${protection} ${hex(offset)} ${device} ${inode?.ino ?? 0} `;
  const name = task.space.nameOf(vma);
  return name === "" ? `${head}\n` : `${head.padEnd(73)}${escapePath(name)}\n`;
}

export function mapsText(task: Task): string {
  if (!hasMemory(task)) return "";
  let text = "";
  for (const vma of task.space.vmas) text += mapsLine(task, vma);
  return text;
}

/** Arguments or environment as they are in guest memory, as much as can be read. */
export function memoryArea(task: Task, which: "arg" | "env"): Uint8Array {
  if (!hasMemory(task)) return new Uint8Array(0);
  const start = task.space[`${which}Start`];
  const end = task.space[`${which}End`];
  if (end <= start) return new Uint8Array(0);
  return task.space.readablePrefix(start, end - start).slice();
}

function escapeMount(text: string): string {
  return text.replace(/[\\ \t\n#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

const MOUNT_FLAGS: readonly (readonly [flag: number, name: string])[] = [
  [2, "nosuid"],
  [4, "nodev"],
  [8, "noexec"],
  [16, "sync"],
  [1024, "noatime"],
  [2048, "nodiratime"],
];

function mountOptions(mount: Mount, readOnly: boolean): string {
  const options = [readOnly ? "ro" : "rw"];
  for (const [flag, name] of MOUNT_FLAGS) if (mount.flags & flag) options.push(name);
  if ((mount.flags & 1024) === 0) options.push("relatime");
  return options.join(",");
}

/** The optional fields of mountinfo: proc_pid_mountinfo(5). */
function propagation({ peers, master, unbindable }: Mount): string {
  const fields = [peers && ` shared:${peers.id}`, master && ` master:${master.id}`, unbindable && " unbindable"];
  return fields.filter(Boolean).join("");
}

/** The mounts that `task` can reach from its root, with the names they have for it. */
function* visibleMounts(task: Task): Generator<[Mount, string]> {
  for (const mount of task.fs.mounts.mounts) {
    const name = nameOf(new Path(mount, mount.root), task.fs.root);
    if (!name.unreachable) yield [mount, name.text];
  }
}

export function mountsText(task: Task): string {
  let text = "";
  for (const [mount, place] of visibleMounts(task))
    text += `${escapeMount(mount.source)} ${escapeMount(place)} ${mount.fs.type} ${mountOptions(mount, mount.readOnly)} 0 0\n`;
  return text;
}

export function mountStatsText(task: Task): string {
  let text = "";
  for (const [mount, place] of visibleMounts(task))
    text += `device ${escapeMount(mount.source)} mounted on ${escapeMount(place)} with fstype ${mount.fs.type}\n`;
  return text;
}

export function mountInfoText(task: Task): string {
  let text = "";
  for (const [mount, place] of visibleMounts(task)) {
    const { dev } = mount.fs;
    // A namespace that is mounted has but the name that its link had.
    const inside = mount.fs.type === "nsfs" ? mount.root.name : nameInFileSystem(mount.root);
    text +=
      `${mount.id} ${mount.parent?.id ?? mount.id} ${majorOf(dev)}:${minorOf(dev)} ${escapeMount(inside)} ${escapeMount(place)} ` +
      `${mountOptions(mount, (mount.flags & 1) !== 0)}${propagation(mount)} - ${mount.fs.type} ${escapeMount(mount.source)} ${mount.fs.readOnly ? "ro" : "rw"}\n`;
  }
  return text;
}
