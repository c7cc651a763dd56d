/** Times, clocks and timers, as strace shows them. */

import { ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTSYS } from "../abi/errno.ts";
import { ticks } from "../abi/siginfo-text.ts";
import { signalName } from "../abi/signal.ts";
import { printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";
import { filled, given, printStruct, succeeded, unsigned64 } from "./struct-args.ts";

type Unit = "usec" | "nsec";

export function printTime(view: DataView, at: number, unit: Unit): string {
  return `{tv_sec=${view.getBigInt64(at, true)}, tv_${unit}=${view.getBigUint64(at + 8, true)}}`;
}

/** struct timespec */
export const timespec: Arg = given(16, (view) => printTime(view, 0, "nsec"));
export const filledTimespec: Arg = filled(16, (view) => printTime(view, 0, "nsec"));
/** struct timeval */
export const timeval: Arg = given(16, (view) => printTime(view, 0, "usec"));
export const filledTimeval: Arg = filled(16, (view) => printTime(view, 0, "usec"));

const ZONE_SIZE = 8;
const printZone = (view: DataView): string =>
  `{tz_minuteswest=${view.getInt32(0, true)}, tz_dsttime=${view.getInt32(4, true)}}`;
/** struct timezone */
export const timezone: Arg = given(ZONE_SIZE, printZone);
export const filledTimezone: Arg = filled(ZONE_SIZE, printZone);

/** Whether a signal came into the call, which is when a sleep says what is left. */
function interrupted(c: PrintContext): boolean {
  const code = -(c.result ?? 0);
  return code === ERESTARTSYS || code === ERESTARTNOHAND || code === ERESTART_RESTARTBLOCK || code === 513;
}

/** The rest of a sleep that was interrupted. @param flagsIndex where TIMER_ABSTIME would be, which has no rest */
export function remainder(flagsIndex: number | undefined): Arg {
  return {
    kind: "u64",
    out: true,
    print: (v, c) =>
      interrupted(c) && (flagsIndex === undefined || c.args[flagsIndex] === 0)
        ? printStruct(v, 16, c, (view) => printTime(view, 0, "nsec"))
        : printPointer(v),
  };
}

const printTimer = (unit: Unit) => (view: DataView) =>
  `{it_interval=${printTime(view, 0, unit)}, it_value=${printTime(view, 16, unit)}}`;
/** struct itimerval */
export const timerval: Arg = given(32, printTimer("usec"));
export const filledTimerval: Arg = filled(32, printTimer("usec"));
/** struct itimerspec */
export const timerspec: Arg = given(32, printTimer("nsec"));
export const filledTimerspec: Arg = filled(32, printTimer("nsec"));

/** struct tms */
export const filledTimes: Arg = filled(
  32,
  (view) =>
    `{${["tms_utime", "tms_stime", "tms_cutime", "tms_cstime"]
      .map((name, i) => `${name}=${ticks(view.getBigInt64(8 * i, true))}`)
      .join(", ")}}`,
);

const NOTIFICATIONS: Readonly<Record<number, string>> = {
  0: "SIGEV_SIGNAL",
  1: "SIGEV_NONE",
  2: "SIGEV_THREAD",
  4: "SIGEV_THREAD_ID",
};

/** struct sigevent */
export const signalEvent: Arg = given(64, (view) => {
  const value = view.getBigUint64(0, true);
  const notify = view.getInt32(12, true);
  const parts: string[] = [];
  if (value !== 0n)
    parts.push(`sigev_value={sival_int=${view.getInt32(0, true)}, sival_ptr=${printPointer(unsigned64(view, 0))}}`);
  parts.push(
    `sigev_signo=${notify === 1 || notify === 2 ? view.getInt32(8, true) : signalName(view.getInt32(8, true))}`,
  );
  parts.push(`sigev_notify=${NOTIFICATIONS[notify] ?? notify}`);
  if (notify === 4) parts.push(`sigev_notify_thread_id=${view.getInt32(16, true)}`);
  return `{${parts.join(", ")}}`;
});

/** time_t that the call stores, with the date beside. */
export const filledSeconds: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) =>
    succeeded(c) ? printStruct(v, 8, c, (view) => `[${printSeconds(view.getBigInt64(0, true))}]`) : printPointer(v),
};

export function printSeconds(value: bigint | number): string {
  return `${value} /* ${isoTime(Number(value))} */`;
}

/** `2024-01-01T00:00:00+0000`, in the zone of whoever runs strace. */
export function isoTime(seconds: number, nanoseconds?: number): string {
  const date = new Date(seconds * 1000);
  const pad = (n: number, width = 2): string => String(n).padStart(width, "0");
  const zone = -date.getTimezoneOffset();
  const sign = zone < 0 ? "-" : "+";
  const fraction = nanoseconds === undefined || nanoseconds === 0 ? "" : `.${pad(nanoseconds, 9)}`;
  return (
    `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}` +
    `T${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}${fraction}` +
    `${sign}${pad(Math.floor(Math.abs(zone) / 60))}${pad(Math.abs(zone) % 60)}`
  );
}
