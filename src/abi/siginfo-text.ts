/** A siginfo_t in strace's words: the fields that the kernel fills in for this signal and code. */
import * as S from "./signal.ts";

const GENERAL_CODES: Readonly<Record<number, string>> = {
  0: "SI_USER",
  128: "SI_KERNEL",
  [-1]: "SI_QUEUE",
  [-2]: "SI_TIMER",
  [-3]: "SI_MESGQ",
  [-4]: "SI_ASYNCIO",
  [-5]: "SI_SIGIO",
  [-6]: "SI_TKILL",
  [-7]: "SI_DETHREAD",
  [-60]: "SI_ASYNCNL",
};

/** Codes of a signal's own, from 1 on. */
const CODES: Readonly<Record<number, readonly string[]>> = {
  [S.SIGCHLD]: ["CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"],
  [S.SIGSEGV]: ["SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR", "SEGV_PKUERR"],
  [S.SIGBUS]: ["BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO"],
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
  [S.SIGILL]: [
    "ILL_ILLOPC",
    "ILL_ILLOPN",
    "ILL_ILLADR",
    "ILL_ILLTRP",
    "ILL_PRVOPC",
    "ILL_PRVREG",
    "ILL_COPROC",
    "ILL_BADSTK",
  ],
  [S.SIGTRAP]: ["TRAP_BRKPT", "TRAP_TRACE", "TRAP_BRANCH", "TRAP_HWBKPT", "TRAP_UNK"],
  [S.SIGIO]: ["POLL_IN", "POLL_OUT", "POLL_MSG", "POLL_ERR", "POLL_PRI", "POLL_HUP"],
  [S.SIGSYS]: ["SYS_SECCOMP", "SYS_USER_DISPATCH"],
};

const FAULTS: ReadonlySet<number> = new Set([S.SIGILL, S.SIGFPE, S.SIGSEGV, S.SIGBUS, S.SIGTRAP]);

function pointer(value: bigint): string {
  return value === 0n ? "NULL" : `0x${value.toString(16)}`;
}

/** @param view at least the first 64 of its 128 bytes */
export function printSiginfo(view: DataView): string {
  const at = (offset: number): number => view.getInt32(offset, true);
  const signal = at(0);
  const code = at(8);
  if (signal === 0) return "{}";
  const name = GENERAL_CODES[code] ?? (code > 0 ? CODES[signal]?.[code - 1] : undefined);
  const parts = [`si_signo=${S.signalName(signal)}`, `si_code=${name ?? `0x${(code >>> 0).toString(16)}`}`];
  if (at(4) !== 0) parts.push(`si_errno=${at(4)}`);
  const source = `si_pid=${at(16)}, si_uid=${view.getUint32(20, true)}`;
  const value = `si_int=${at(24)}, si_ptr=${pointer(view.getBigUint64(24, true))}`;
  const hasValue = view.getBigUint64(24, true) !== 0n;
  if (code <= 0) {
    if (code === S.SI_TIMER) parts.push(`si_timerid=${hex(at(16))}, si_overrun=${at(20)}, ${value}`);
    else if (code === S.SI_SIGIO) parts.push(`si_band=${view.getBigInt64(16, true)}, si_fd=${at(24)}`);
    else if (code === S.SI_USER || code === S.SI_TKILL || !hasValue) parts.push(source);
    else parts.push(source, value);
  } else if (signal === S.SIGCHLD) {
    const status = code === S.CLD_EXITED ? String(at(24)) : S.signalName(at(24));
    parts.push(source, `si_status=${status}`);
    parts.push(`si_utime=${ticks(view.getBigInt64(32, true))}`, `si_stime=${ticks(view.getBigInt64(40, true))}`);
  } else if (FAULTS.has(signal)) parts.push(`si_addr=${pointer(view.getBigUint64(16, true))}`);
  else if (signal === S.SIGIO && name?.startsWith("POLL_") === true)
    parts.push(`si_band=${view.getBigInt64(16, true)}, si_fd=${at(24)}`);
  else {
    if (at(16) !== 0 || at(20) !== 0) parts.push(source);
    if (hasValue) parts.push(value);
  }
  return `{${parts.join(", ")}}`;
}

function hex(value: number): string {
  return value === 0 ? "0" : `0x${(value >>> 0).toString(16)}`;
}

/** clock_t, with the seconds that it means beside: a hundred ticks make one. */
export function ticks(value: bigint): string {
  return value === 0n ? "0" : `${value} /* ${(Number(value) / 100).toFixed(2)} s */`;
}
