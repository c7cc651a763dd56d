/**
 * What a process has used and how it is treated, as files of /proc/[pid]: io, sched, schedstat, syscall, children, oom_score and
 * what can be set of it, timerslack_ns, coredump_filter.
 */
import { CAP_SYS_NICE, CAP_SYS_RESOURCE } from "../../abi/capability.ts";
import { EACCES, EINVAL, EPERM, ESRCH, errno } from "../../abi/errno.ts";
import { PAGE_SIZE } from "../../mm/layout.ts";
import { decodeBytes } from "../../util/bytes.ts";
import { type FileOptions, SyntheticFile } from "../../vfs/types/synthetic.ts";
import type { Inode, OpenContext } from "../../vfs/types.ts";
import { mayInspect } from "../inspect.ts";
import type { PidNamespace } from "../pid-namespace.ts";
import type { Task } from "../task.ts";
import { Usage } from "../thread-group.ts";
import type { ProcFs } from "./file-system.ts";
import { hasMemory } from "./process-text.ts";

/** proc_pid_io(5): of the whole process, with the children that it has waited for. Nothing is ever read from a disk. */
export function ioText(task: Task, whole: boolean): string {
  const sum = new Usage();
  if (whole) {
    const { usage, childUsage, tasks } = task.process;
    sum.add(usage);
    sum.add(childUsage);
    for (const thread of tasks) sum.add(thread.usage);
  } else sum.add(task.usage);
  return (
    `rchar: ${sum.bytesRead}\nwchar: ${sum.bytesWritten}\nsyscr: ${sum.reads}\nsyscw: ${sum.writes}\n` +
    "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n"
  );
}

/** Nanoseconds on the processor, waiting for it (nobody counts them), and turns. */
export function schedstatText({ usage }: Task): string {
  return `${usage.utime + usage.stime} 0 ${usage.voluntarySwitches + usage.involuntarySwitches}\n`;
}

export function schedText(task: Task, pids: PidNamespace): string {
  const { usage, process } = task;
  const ms = (ns: number): string => (ns / 1e6).toFixed(6);
  const rows: readonly (readonly [string, string | number])[] = [
    ["se.sum_exec_runtime", ms(usage.utime + usage.stime)],
    ["nr_switches", usage.voluntarySwitches + usage.involuntarySwitches],
    ["nr_voluntary_switches", usage.voluntarySwitches],
    ["nr_involuntary_switches", usage.involuntarySwitches],
    ["policy", task.policy],
    ["prio", task.realtimePriority > 0 ? 99 - task.realtimePriority : 120 + task.nice],
  ];
  const head = `${task.comm} (${pids.number(task.tid)}, #threads: ${process.tasks.size})\n${"-".repeat(67)}\n`;
  return head + rows.map(([name, value]) => `${name.padEnd(45)}:${String(value).padStart(21)}\n`).join("");
}

/** The system call that a sleeping task is in, or the reader itself: number, arguments, stack pointer, instruction pointer. */
export function syscallText(task: Task): string {
  if (!hasMemory(task)) return "0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n";
  const own = task.kernel.scheduler.current === task;
  if (task.state === "runnable" && !own) return "running\n";
  const { mm, savedContext, arch } = task;
  const { registers } = arch;
  const loaded = mm.loaded === task || savedContext === null;
  const context = loaded ? mm.context : new DataView(savedContext.buffer, savedContext.byteOffset, savedContext.length);
  const place = `0x${registers.getSp(context).toString(16)} 0x${registers.getPc(context).toString(16)}\n`;
  if (task.state !== "blocked" && !own) return `-1 ${place}`;
  const args = [0, 1, 2, 3, 4, 5].map((i) => {
    const value =
      (BigInt(registers.syscallArgHi(context, i) >>> 0) << 32n) | BigInt(registers.syscallArgLo(context, i) >>> 0);
    return `0x${value.toString(16)}`;
  });
  return `${task.syscallNumber} ${args.join(" ")} ${place}`;
}

/** Of a process; a thread other than its leader has none of its own. */
export function childrenText({ process }: Task, pids: PidNamespace): string {
  return [...process.children].map((child) => `${pids.number(child.pid)} `).join("");
}

type Owner = { readonly uid: number; readonly gid: number };

interface Setting {
  readonly read: (task: Task) => string;
  /** A negative errno, or 0. */
  readonly write: (task: Task, value: number, context: OpenContext) => number;
  /** Numbers have no prefix that says otherwise. */
  readonly decimal?: boolean;
  readonly mode?: number;
  readonly admit?: FileOptions["admit"];
}

/** kstrtoint(): with 0x hexadecimal, with 0 octal. */
function parseNumber(text: string, decimal: boolean): number | undefined {
  const match = /^([+-]?)(0x[0-9a-f]+|\d+)$/i.exec(text);
  const digits = match?.[2] ?? "";
  if (digits === "" || (decimal && !/^\d+$/.test(digits))) return undefined;
  const octal = !decimal && /^0[0-7]+$/.test(digits);
  if (!decimal && !octal && /^0\d/.test(digits)) return undefined;
  const value = octal ? Number.parseInt(digits, 8) : Number(digits);
  return match?.[1] === "-" ? -value : value;
}

/** A file of one number that can be written. */
function settingFile(setting: Setting): (task: Task, fs: ProcFs, ino: number, owner: Owner) => Inode {
  return (task, fs, ino, owner) =>
    new SyntheticFile(fs, {
      ino,
      mode: setting.mode ?? 0o644,
      owner,
      content: () => {
        if (task.state === "dead") throw errno(ESRCH);
        return setting.read(task);
      },
      write: (bytes, _position, context) => {
        const value = parseNumber(decodeBytes(bytes).trim(), setting.decimal === true);
        return value === undefined ? -EINVAL : setting.write(task, value, context) || bytes.length;
      },
    });
}

/**
 * Nobody is ever killed for want of memory here (who wants more than there is gets ENOMEM), so what is set is kept, inherited and
 * shown, but does nothing.
 */
const OOM_MIN = -1000;
const OOM_MAX = 1000;
/** The range of the older oom_adj, whose lowest value stands for "never". */
const OLD_DISABLE = -17;
const OLD_MAX = 15;

/** @param floor lower is for those who may */
function setOom({ process }: Task, value: number, floor: number, context: OpenContext): number {
  if (value < floor && !context.credentials.capable(CAP_SYS_RESOURCE)) return -EACCES;
  process.oomAdjustment = value;
  if (context.credentials.capable(CAP_SYS_RESOURCE)) process.oomAdjustmentFloor = value;
  return 0;
}

export const oomScoreAdjFile: ReturnType<typeof settingFile> = settingFile({
  read: ({ process }) => `${process.oomAdjustment}\n`,
  write: (task, value, context) =>
    value < OOM_MIN || value > OOM_MAX ? -EINVAL : setOom(task, value, task.process.oomAdjustmentFloor, context),
});

export const oomAdjFile: ReturnType<typeof settingFile> = settingFile({
  read: ({ process: { oomAdjustment: value } }) =>
    `${value === OOM_MAX ? OLD_MAX : Math.trunc((value * -OLD_DISABLE) / OOM_MAX)}\n`,
  write: (task, value, context) => {
    if (value < OLD_DISABLE || value > OLD_MAX) return -EINVAL;
    const scaled = value === OLD_MAX ? OOM_MAX : Math.trunc((value * OOM_MAX) / -OLD_DISABLE);
    return setOom(task, scaled, task.process.oomAdjustment, context);
  },
});

/** proc_oom_score(): 0 to 2000, of which 666 is nothing at all. */
export function oomScoreText(task: Task): string {
  const { oomAdjustment } = task.process;
  if (oomAdjustment === OOM_MIN || !hasMemory(task)) return "0\n";
  const total = task.kernel.memoryBytes / PAGE_SIZE;
  const badness = Math.trunc(task.space.presentPages + (oomAdjustment * total) / OOM_MAX);
  return `${Math.trunc(((1000 + Math.trunc((badness * 1000) / total)) * 2) / 3)}\n`;
}

export const timerSlackFile: ReturnType<typeof settingFile> = settingFile({
  mode: 0o666,
  decimal: true,
  read: (task) => `${task.timerSlack}\n`,
  write: (task, value, context) => {
    if (value < 0) return -EINVAL;
    const caller = context.task as Task | undefined;
    if (caller !== task && !context.credentials.capable(CAP_SYS_NICE)) return -EPERM;
    task.timerSlack = value === 0 ? 50_000 : value;
    return 0;
  },
});

/** Which kinds of mapping a core file has: core(5). */
export const coreFilterFile: ReturnType<typeof settingFile> = settingFile({
  read: (task) => (hasMemory(task) ? `${task.mm.coreFilter.toString(16).padStart(8, "0")}\n` : ""),
  write: (task, value) => {
    if (value < 0) return -EINVAL;
    if (!hasMemory(task)) return -ESRCH;
    // Of more than nine bits nothing is known.
    task.mm.coreFilter = value & 0x1ff;
    return 0;
  },
});

/** 1 to 4 clear the pages' marks of having been used and written, which are not kept here; 5 the peak of what was resident. */
export function clearRefsFile(task: Task, fs: ProcFs, ino: number, owner: Owner): Inode {
  return new SyntheticFile(fs, {
    ino,
    mode: 0o200,
    owner,
    content: undefined,
    write: (bytes, _position, context) => {
      const caller = context.task as Task | undefined;
      if (caller !== undefined && !mayInspect(caller, task, true)) return -EACCES;
      const text = decodeBytes(bytes).trim();
      if (!/^[1-5]$/.test(text)) return -EINVAL;
      if (text === "5" && hasMemory(task)) task.space.peakPresent = task.space.presentPages;
      return bytes.length;
    },
  });
}
