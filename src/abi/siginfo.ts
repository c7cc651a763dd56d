/** siginfo_t, 128 bytes (asm-generic/siginfo.h): the same layout on all 64-bit architectures. */
import {
  SI_QUEUE,
  SI_SIGIO,
  SI_TIMER,
  SI_TKILL,
  SI_USER,
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGSEGV,
  SIGSYS,
  SIGTRAP,
} from "./signal.ts";

export const SIGINFO_SIZE = 128;

/** The fields of siginfo_t that are in use for this `code`; the others are absent. */
export interface SiginfoFields {
  readonly signal: number;
  /** SI_USER, CLD_EXITED, SEGV_MAPERR... */
  readonly code: number;
  readonly errno?: number;
  readonly pid?: number;
  readonly uid?: number;
  /** SIGCHLD: exit status or signal. */
  readonly status?: number;
  /** SIGCHLD: clock ticks. */
  readonly utime?: number;
  readonly stime?: number;
  /** Faults. */
  readonly address?: number;
  /** SI_QUEUE, SI_TIMER: the 64-bit sigval. */
  readonly value?: bigint;
  /** SI_TIMER. */
  readonly timerId?: number;
  readonly overrun?: number;
  /** SI_TIMER, while it waits: says how often the timer has expired since, and that the signal is taken. */
  readonly settle?: () => number;
  /** SIGIO. */
  readonly band?: number;
  readonly fd?: number;
  /** SIGSYS. */
  readonly syscall?: number;
  /** The guest filled in a siginfo_t of its own (rt_sigqueueinfo): its 128 bytes as they are. */
  readonly raw?: Uint8Array;
}

export function encodeSiginfo(info: SiginfoFields, audit = 0xc000_003e): Uint8Array {
  const bytes = new Uint8Array(SIGINFO_SIZE);
  if (info.raw !== undefined) {
    bytes.set(info.raw.subarray(0, SIGINFO_SIZE));
    return bytes;
  }
  const view = new DataView(bytes.buffer);
  const u64 = (at: number, value: number): void => view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
  view.setInt32(0, info.signal, true);
  view.setInt32(4, info.errno ?? 0, true);
  view.setInt32(8, info.code, true);
  const { code, signal } = info;
  if (code === SI_TIMER) {
    view.setInt32(16, info.timerId ?? 0, true);
    view.setInt32(20, info.overrun ?? 0, true);
    view.setBigUint64(24, BigInt.asUintN(64, info.value ?? 0n), true);
  } else if (code === SI_QUEUE || (code < 0 && code !== SI_TKILL && code !== SI_SIGIO)) {
    view.setInt32(16, info.pid ?? 0, true);
    view.setUint32(20, info.uid ?? 0, true);
    view.setBigUint64(24, BigInt.asUintN(64, info.value ?? 0n), true);
  } else if (code > 0 && info.pid === undefined && [SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP].includes(signal)) {
    // A tracee's stop has a pid instead, whatever its signal.
    u64(16, info.address ?? 0);
  } else if (code > 0 && info.band !== undefined) {
    u64(16, info.band ?? 0);
    view.setInt32(24, info.fd ?? 0, true);
  } else if (code > 0 && signal === SIGSYS) {
    u64(16, info.address ?? 0);
    view.setInt32(24, info.syscall ?? 0, true);
    view.setUint32(28, audit, true);
  } else {
    view.setInt32(16, info.pid ?? 0, true);
    view.setUint32(20, info.uid ?? 0, true);
    if (code > SI_USER && signal === SIGCHLD) {
      view.setInt32(24, info.status ?? 0, true);
      u64(32, info.utime ?? 0);
      u64(40, info.stime ?? 0);
    }
  }
  return bytes;
}
