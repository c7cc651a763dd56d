/**
 * Time namespaces (time_namespaces(7)): what the clocks that count from the machine's start are ahead by for those inside.
 *
 * The kernel itself knows the machine's time alone; what a guest gives or gets is translated by the calls. Programs that tell the
 * time by themselves, by the vdso, would miss that: theirs is changed to make the system call when they enter.
 */
import * as T from "../abi/time.ts";
import { encodeBytes } from "../util/bytes.ts";
import type { Arch } from "./arch/arch.ts";
import { accessMemory } from "./inspect.ts";
import type { GuestSpace } from "./mm.ts";
import type { Task } from "./task.ts";

/** The same for each clock of a kind: T.CLOCK_MONOTONIC and CLOCK_BOOTTIME. */
export interface TimeOffsets {
  /** Nanoseconds. */
  monotonic: number;
  boottime: number;
}

export class TimeNamespace implements TimeOffsets {
  monotonic: number;
  boottime: number;
  /** Somebody is in it: the offsets stay. */
  entered: boolean;

  constructor({ monotonic, boottime }: TimeOffsets, entered = false) {
    this.entered = entered;
    this.monotonic = monotonic;
    this.boottime = boottime;
  }
}

/** Nanoseconds that a clock is ahead for a task. */
export function clockOffset({ namespaces: { time } }: Task, clock: number): number {
  switch (clock) {
    case T.CLOCK_MONOTONIC:
    case T.CLOCK_MONOTONIC_RAW:
    case T.CLOCK_MONOTONIC_COARSE:
      return time.monotonic;
    case T.CLOCK_BOOTTIME:
    case T.CLOCK_BOOTTIME_ALARM:
      return time.boottime;
    default:
      return 0;
  }
}

/** What a guest calls `at`, as the kernel knows it: at least 1, since 0 may mean something else. */
export function hostTime(task: Task, clock: number, at: number): number {
  const offset = clockOffset(task, clock);
  return offset === 0 ? at : Math.max(1, at - offset);
}

/** A new process, or a program that has just been loaded, is in the namespace that was chosen for children: timens_on_fork(). */
export function enterChosenTime(task: Task): void {
  const { namespaces } = task;
  const { time, timeOfChildren } = namespaces;
  if (time !== timeOfChildren) task.namespaces = { ...namespaces, time: timeOfChildren };
  adaptToTime(task);
}

/** The task's address space, which is its own, shows the time of its namespace. */
export function adaptToTime({ namespaces: { time }, space, arch }: Task): void {
  time.entered = true;
  if (time.monotonic !== 0 || time.boottime !== 0) askKernelForTime(space, arch);
}

const PAGE_SIZE = 4096;

function askKernelForTime(space: GuestSpace, arch: Arch): void {
  const { vdso } = space;
  if (vdso === 0) return;
  const image = new Uint8Array(PAGE_SIZE);
  if (accessMemory(space, vdso, image, { write: false, force: true }) < PAGE_SIZE) return;
  const at = addressOf(new DataView(image.buffer), "__vdso_clock_gettime");
  const code = arch.systemCallStub(arch.numbers["clock_gettime"] as number);
  if (at !== undefined) accessMemory(space, vdso + at, code, { write: true, force: true });
}

const PT_DYNAMIC = 2;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const SYMBOL_SIZE = 24;

/** Where a function is in the image of the vdso, whose tables of symbols and of names lie behind each other. */
function addressOf(image: DataView, name: string): number | undefined {
  const u64 = (at: number): number => Number(image.getBigUint64(at, true));
  const tables = new Map<number, number>();
  const headers = u64(32);
  for (let i = 0; i < image.getUint16(56, true); i++) {
    const header = headers + i * image.getUint16(54, true);
    if (image.getUint32(header, true) !== PT_DYNAMIC) continue;
    for (let at = u64(header + 8); u64(at) !== 0; at += 16) tables.set(u64(at), u64(at + 8));
  }
  const symbols = tables.get(DT_SYMTAB);
  const names = tables.get(DT_STRTAB);
  if (symbols === undefined || names === undefined) return undefined;
  const wanted = encodeBytes(`${name}\0`);
  for (let at = symbols; at + SYMBOL_SIZE <= image.byteLength; at += SYMBOL_SIZE) {
    const text = names + image.getUint32(at, true);
    if (text + wanted.length > image.byteLength) return undefined;
    if (wanted.every((byte, i) => image.getUint8(text + i) === byte)) return u64(at + 8);
  }
  return undefined;
}
