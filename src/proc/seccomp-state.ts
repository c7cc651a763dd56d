/** The filters of a task (seccomp(2)): a list that only grows, shared by those who have inherited it. */
import { SECCOMP_MODE_FILTER } from "../abi/seccomp.ts";
import type { BpfInstruction } from "./bpf.ts";
import type { SeccompListener } from "./seccomp-listener.ts";

/** A new filter makes a new one, with the old ones behind it; all but its listener stays. */
export interface Seccomp {
  readonly mode: number;
  readonly filter: readonly BpfInstruction[];
  /** The filter installed before; all of them are asked. */
  readonly previous: Seccomp | null;
  /** SECCOMP_FILTER_FLAG_LOG */
  readonly log?: boolean;
  /** Who decides for it (SECCOMP_RET_USER_NOTIF); null: nobody, as yet or any more. */
  listener?: SeccompListener | null;
}

/** Whether `filter` is one of those behind `seccomp`, or the newest. */
export function isAmong(filter: Seccomp, seccomp: Seccomp | null): boolean {
  for (let s = seccomp; s !== null; s = s.previous) if (s === filter) return true;
  return false;
}

/** A task with these filters is no more: whoever decides for them may be waiting for the last one. */
export function releaseFilters(seccomp: Seccomp): void {
  for (let s: Seccomp | null = seccomp; s !== null; s = s.previous) s.listener?.queue.wake();
}

/** How many filters: /proc/pid/status. */
export function countFilters(seccomp: Seccomp | null): number {
  let n = 0;
  for (let s = seccomp; s !== null; s = s.previous) if (s.mode === SECCOMP_MODE_FILTER) n++;
  return n;
}
