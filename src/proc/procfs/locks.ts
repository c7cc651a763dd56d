/** Locks of files as text: /proc/locks, and the lines of /proc/[pid]/fdinfo (proc_locks(5)). After lock_get_status() of fs/locks.c. */
import { majorOf, minorOf } from "../../abi/device.ts";
import { F_WRLCK, LOCK_EX } from "../../abi/fcntl.ts";
import { LOCK_END, type RecordLock, type WholeLock } from "../../vfs/locks.ts";
import type { File, Inode } from "../../vfs/types.ts";
import type { Kernel } from "../kernel.ts";
import type { PidNamespace } from "../pid-namespace.ts";
import type { Task } from "../task.ts";
import { hasMemory } from "./process-text.ts";

class Lines {
  readonly #pids: PidNamespace;
  readonly #prefix: string;
  #count = 0;
  text = "";

  constructor(pids: PidNamespace, prefix = "") {
    this.#pids = pids;
    this.#prefix = prefix;
  }

  #add(inode: Inode, kind: string, exclusive: boolean, pid: number, range: string): void {
    const { dev, ino } = inode.attributes();
    const hex = (n: number): string => n.toString(16).padStart(2, "0");
    const where = `${hex(majorOf(dev))}:${hex(minorOf(dev))}:${ino}`;
    const number = pid > 0 ? this.#pids.number(pid) : pid;
    const access = exclusive ? "WRITE" : "READ ";
    this.text += `${this.#prefix}${++this.#count}: ${kind} ADVISORY  ${access} ${number} ${where} ${range}\n`;
  }

  whole(inode: Inode, { type, pid }: WholeLock): void {
    this.#add(inode, "FLOCK ", type === LOCK_EX, pid, "0 EOF");
  }

  record(inode: Inode, { type, start, end, pid }: RecordLock): void {
    const range = `${start} ${end === LOCK_END ? "EOF" : end - 1n}`;
    this.#add(inode, pid < 0 ? "OFDLCK" : "POSIX ", type === F_WRLCK, pid, range);
  }
}

/** The locks that the process has on the file, or that belong to this open file. */
export function locksOfFile(task: Task, open: File, pids: PidNamespace): string {
  const { inode } = open;
  const { locks } = inode;
  if (locks === undefined) return "";
  const lines = new Lines(pids, "lock:\t");
  const whole = locks.wholeBy(open);
  if (whole !== undefined) lines.whole(inode, whole);
  for (const lock of locks.records) {
    if (lock.file === open && (lock.owner === open || lock.owner === task.process)) lines.record(inode, lock);
  }
  return lines.text;
}

/** Those of all files that somebody has open. */
export function locksText(kernel: Kernel, pids: PidNamespace): string {
  const files = new Set<File>();
  for (const task of kernel.tasks.values()) {
    if (!hasMemory(task)) continue;
    for (const fd of task.files.descriptors()) {
      const file = task.files.peek(fd);
      if (file?.inode.locks !== undefined) files.add(file);
    }
  }
  const lines = new Lines(pids);
  const inodes = new Set<Inode>();
  for (const file of files) {
    const { inode } = file;
    const whole = inode.locks?.wholeBy(file);
    if (whole !== undefined) lines.whole(inode, whole);
    if (inodes.has(inode)) continue;
    inodes.add(inode);
    for (const lock of inode.locks?.records ?? []) lines.record(inode, lock);
  }
  return lines.text;
}
