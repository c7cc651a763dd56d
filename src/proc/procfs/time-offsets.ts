/** /proc/[pid]/timens_offsets: time_namespaces(7). After proc_timens_set_offset() of Linux. */
import { CAP_SYS_TIME } from "../../abi/capability.ts";
import { EACCES, EINVAL, EPERM, ERANGE } from "../../abi/errno.ts";
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC, NS_PER_SEC } from "../../abi/time.ts";
import { decodeBytes } from "../../util/bytes.ts";
import { SyntheticFile } from "../../vfs/types/synthetic.ts";
import type { Inode, OpenContext } from "../../vfs/types.ts";
import type { TaskCredentials } from "../credentials.ts";
import type { Task } from "../task.ts";
import type { TimeOffsets } from "../time-namespace.ts";
import type { ProcFs } from "./file-system.ts";

const PAGE = 4096;
/** KTIME_SEC_MAX / 2 */
const MOST_SECONDS = 4_611_686_018;

const CLOCKS: Readonly<Record<string, keyof TimeOffsets>> = {
  monotonic: "monotonic",
  boottime: "boottime",
  [CLOCK_MONOTONIC]: "monotonic",
  [CLOCK_BOOTTIME]: "boottime",
};

export function timeOffsetsFile(
  task: Task,
  fs: ProcFs,
  ino: number,
  owner: { readonly uid: number; readonly gid: number },
): Inode {
  return new SyntheticFile(fs, {
    ino,
    mode: 0o644,
    owner,
    content: () => text(task),
    write: (bytes, position, context) => write(task, decodeBytes(bytes), position, context),
  });
}

function text(task: Task): string {
  const { monotonic, boottime } = task.namespaces.timeOfChildren;
  const line = (name: string, ns: number): string => {
    const seconds = Math.floor(ns / NS_PER_SEC);
    return `${name.padEnd(10)} ${String(seconds).padStart(10)} ${String(ns - seconds * NS_PER_SEC).padStart(9)}\n`;
  };
  return line("monotonic", monotonic) + line("boottime", boottime);
}

function write(task: Task, given: string, position: number, context: OpenContext): number {
  if (position !== 0 || given.length >= PAGE) return -EINVAL;
  // Two lines are taken, and of each three words.
  const lines = given.split("\n", 2);
  const taken = lines.join("\n").length;
  if (lines.at(-1) === "") lines.pop();
  const changes: [keyof TimeOffsets, number][] = [];
  for (const line of lines) {
    const [, name = "", seconds, nanoseconds] = /^\s*(\w+)\s+(-?\d+)\s+(\d+)(?:\s|$)/.exec(line) ?? [];
    const clock = Object.hasOwn(CLOCKS, name) ? CLOCKS[name] : undefined;
    if (clock === undefined || Number(nanoseconds) >= NS_PER_SEC) return -EINVAL;
    changes.push([clock, Number(seconds) * NS_PER_SEC + Number(nanoseconds)]);
  }
  if (changes.length === 0) return -EINVAL;
  const { kernel, namespaces } = task;
  const { timeOfChildren } = namespaces;
  const { owner } = kernel.registry.of(timeOfChildren);
  if (!(context.credentials as TaskCredentials).capableIn(CAP_SYS_TIME, owner)) return -EPERM;
  for (const [, ns] of changes) {
    const result = (kernel.now() + ns) / NS_PER_SEC;
    if (result < 0 || Math.abs(ns) / NS_PER_SEC > MOST_SECONDS || result > MOST_SECONDS) return -ERANGE;
  }
  if (timeOfChildren.entered) return -EACCES;
  for (const [clock, ns] of changes) timeOfChildren[clock] = ns;
  return Math.min(given.length, taken + 1);
}
