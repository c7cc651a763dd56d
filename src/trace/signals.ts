/** How strace shows signals and their siginfo_t. */
import * as S from "../abi/signal.ts";
import type { SignalInfo } from "../proc/signal-state.ts";

/** SIGKILL, SIGRT_3, or the number. */
export function signalName(signal: number): string {
  return S.signalName(signal);
}

const GENERAL_CODES: Readonly<Record<number, string>> = {
  0: "SI_USER",
  128: "SI_KERNEL",
  [-1]: "SI_QUEUE",
  [-2]: "SI_TIMER",
  [-3]: "SI_MESGQ",
  [-4]: "SI_ASYNCIO",
  [-5]: "SI_SIGIO",
  [-6]: "SI_TKILL",
};

const CODES: Readonly<Record<number, readonly string[]>> = {
  [S.SIGCHLD]: ["CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"],
  [S.SIGSEGV]: ["SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR", "SEGV_PKUERR"],
  [S.SIGBUS]: ["BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR"],
  [S.SIGFPE]: [
    "FPE_INTDIV",
    "FPE_INTOVF",
    "FPE_FLTDIV",
    "FPE_FLTOVF",
    "FPE_FLTUND",
    "FPE_FLTRES",
    "FPE_FLTINV",
    "FPE_FLTSUB",
  ],
  [S.SIGILL]: ["ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG", "ILL_COPROC"],
  [S.SIGTRAP]: ["TRAP_BRKPT", "TRAP_TRACE"],
};

export function printSignalInfo(info: SignalInfo): string {
  const { signal, code } = info;
  const parts = [`si_signo=${signalName(signal)}`];
  const specific = code > 0 && code < 128 ? CODES[signal]?.[code - 1] : undefined;
  parts.push(`si_code=${specific ?? GENERAL_CODES[code] ?? (code < 0 ? String(code) : `0x${code.toString(16)}`)}`);
  if (info.errno !== undefined && info.errno !== 0) parts.push(`si_errno=${info.errno}`);
  if (specific !== undefined && signal !== S.SIGCHLD) {
    const address = info.address ?? 0;
    parts.push(`si_addr=${address === 0 ? "NULL" : `0x${address.toString(16)}`}`);
  } else if (code !== S.SI_KERNEL) {
    if (code === S.SI_TIMER) {
      parts.push(`si_timerid=${info.timerId ?? 0}`, `si_overrun=${info.overrun ?? 0}`);
    } else {
      parts.push(`si_pid=${info.pid ?? 0}`, `si_uid=${info.uid ?? 0}`);
    }
    if (signal === S.SIGCHLD && specific !== undefined) {
      const status = info.status ?? 0;
      // After CLD_EXITED the status is an exit code, else it is a signal.
      parts.push(`si_status=${code === S.CLD_EXITED ? status : signalName(status)}`);
      parts.push(`si_utime=${info.utime ?? 0}`, `si_stime=${info.stime ?? 0}`);
    } else if (code < 0 && code !== S.SI_TKILL && info.value !== undefined) {
      const value = Number(info.value);
      parts.push(`si_value={si_int=${value | 0}, si_ptr=${value === 0 ? "NULL" : `0x${value.toString(16)}`}}`);
    }
  }
  return `{${parts.join(", ")}}`;
}
