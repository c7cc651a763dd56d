/** Argument objects for calls about processes, signals and time, and readers of their structures. */
import { EINVAL, errno } from "../abi/errno.ts";
import { SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, signalName } from "../abi/signal.ts";
import { SignalSet } from "../proc/signal-state.ts";
import type { Task } from "../proc/task.ts";
import type { Usage } from "../proc/thread-group.ts";
import { choice } from "./args.ts";
import type { Arg } from "./define.ts";

export const pid: Arg = { kind: "i32", print: (v) => String(v) };
export const signal: Arg = { kind: "i32", print: (v) => signalName(v) };
export const uid: Arg = { kind: "i32", print: (v) => (v === -1 ? "-1" : String(v >>> 0)) };
export const maskHow: Arg = choice(
  { [SIG_BLOCK]: "SIG_BLOCK", [SIG_UNBLOCK]: "SIG_UNBLOCK", [SIG_SETMASK]: "SIG_SETMASK" },
  "SIG_???",
);
export const clock: Arg = {
  kind: "i32",
  print: (v) =>
    [
      "CLOCK_REALTIME",
      "CLOCK_MONOTONIC",
      "CLOCK_PROCESS_CPUTIME_ID",
      "CLOCK_THREAD_CPUTIME_ID",
      "CLOCK_MONOTONIC_RAW",
      "CLOCK_REALTIME_COARSE",
      "CLOCK_MONOTONIC_COARSE",
      "CLOCK_BOOTTIME",
      "CLOCK_REALTIME_ALARM",
      "CLOCK_BOOTTIME_ALARM",
      "CLOCK_SGI_CYCLE",
      "CLOCK_TAI",
    ][v] ?? `0x${(v >>> 0).toString(16)} /* CLOCK_??? */`,
};

/** A sigset_t, whose size the caller states: EINVAL if it is not 8. */
export function readSignalSet(task: Task, address: number, size: number): SignalSet {
  if (size !== 8) throw errno(EINVAL);
  return new SignalSet(task.space.readU32(address) | 0, task.space.readU32(address + 4) | 0);
}

export function writeSignalSet(task: Task, address: number, set: SignalSet): void {
  const view = viewOf(task.space.writable(address, 8));
  view.setInt32(0, set.lo, true);
  view.setInt32(4, set.hi, true);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A struct timespec as nanoseconds. EINVAL unless it is normalised and not negative. */
export function readTimespec(task: Task, address: number): number {
  const view = viewOf(task.space.readable(address, 16));
  const sec = view.getInt32(4, true) * 2 ** 32 + view.getUint32(0, true);
  const nsec = view.getInt32(12, true) * 2 ** 32 + view.getUint32(8, true);
  if (sec < 0 || nsec < 0 || nsec >= 1e9) throw errno(EINVAL);
  return sec * 1e9 + nsec;
}

/** Seconds as 64 bits, then a second 64-bit number: timespec and timeval. */
export function writePair(view: DataView, at: number, first: number, second: number): void {
  view.setUint32(at, first % 2 ** 32, true);
  view.setInt32(at + 4, Math.floor(first / 2 ** 32), true);
  view.setUint32(at + 8, second, true);
  view.setInt32(at + 12, second < 0 ? -1 : 0, true);
}

/** As `writePair`, to guest memory; no views are made, since clocks are read often. */
export function storePair(task: Task, address: number, first: number, second: number): void {
  const { space } = task;
  // The second half first: nothing is stored if the structure's end is not writable.
  space.writeNumber64(address + 8, second);
  space.writeNumber64(address, first);
}

export function writeTimespec(task: Task, address: number, ns: number): void {
  const sec = Math.floor(ns / 1e9);
  storePair(task, address, sec, ns - sec * 1e9);
}

export const RUSAGE_SIZE = 144;

/** struct rusage */
export function writeUsage(task: Task, address: number, usage: Usage): void {
  const bytes = task.space.writable(address, RUSAGE_SIZE);
  bytes.fill(0);
  const view = viewOf(bytes);
  const time = (at: number, ns: number): void => {
    const sec = Math.floor(ns / 1e9);
    writePair(view, at, sec, Math.floor((ns - sec * 1e9) / 1000));
  };
  time(0, usage.utime);
  time(16, usage.stime);
  view.setUint32(32, usage.maxRss, true);
  view.setUint32(64, usage.minorFaults, true);
  view.setUint32(72, usage.majorFaults, true);
  view.setUint32(128, usage.voluntarySwitches, true);
  view.setUint32(136, usage.involuntarySwitches, true);
}
