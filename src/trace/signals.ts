/** How strace shows signals and their siginfo_t. */
import { encodeSiginfo } from "../abi/siginfo.ts";
import { printSiginfo } from "../abi/siginfo-text.ts";
import * as S from "../abi/signal.ts";
import type { SignalInfo } from "../proc/signal-state.ts";

/** SIGKILL, SIGRT_3, or the number. */
export function signalName(signal: number): string {
  return S.signalName(signal);
}

export function printSignalInfo(info: SignalInfo): string {
  const bytes = encodeSiginfo(info);
  return printSiginfo(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
}
