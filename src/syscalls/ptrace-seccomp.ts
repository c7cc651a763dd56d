/** What a tracer learns of the filters of its tracee: ptrace(2), PTRACE_SECCOMP_GET_FILTER and its kin. */
import { CAP_SYS_ADMIN } from "../abi/capability.ts";
import { EACCES, EINVAL, ENOENT, EPERM, errno } from "../abi/errno.ts";
import { PTRACE_O_SUSPEND_SECCOMP } from "../abi/ptrace.ts";
import { SECCOMP_FILTER_FLAG_LOG, SECCOMP_MODE_FILTER } from "../abi/seccomp.ts";
import type { Trace } from "../proc/ptrace.ts";
import type { Seccomp } from "../proc/seccomp-state.ts";
import type { Task } from "../proc/task.ts";
import { viewOf } from "./process-args.ts";

/** check_ptrace_options(): who has filters of its own cannot lift another's. */
export function checkOptions(task: Task, options: number): void {
  if ((options & PTRACE_O_SUSPEND_SECCOMP) === 0) return;
  if (!task.capable(CAP_SYS_ADMIN) || task.seccomp !== null) throw errno(EPERM);
}

/** The filter of an index: 0 is the first that was installed (get_nth_filter()). */
function filterOf(task: Task, { tracee }: Trace, index: number): Seccomp {
  if (!task.capable(CAP_SYS_ADMIN) || task.seccomp !== null) throw errno(EACCES);
  if (tracee.seccomp?.mode !== SECCOMP_MODE_FILTER) throw errno(EINVAL);
  const filters: Seccomp[] = [];
  for (let s: Seccomp | null = tracee.seccomp; s !== null; s = s.previous) filters.unshift(s);
  const found = filters[index];
  if (found === undefined) throw errno(ENOENT);
  return found;
}

/** PTRACE_SECCOMP_GET_FILTER: the instructions; without a place for them, how many there are. */
export function seccompFilter(task: Task, trace: Trace, index: number, at: number): number {
  const { filter } = filterOf(task, trace, index);
  if (at === 0) return filter.length;
  const bytes = new Uint8Array(filter.length * 8);
  const view = viewOf(bytes);
  filter.forEach(({ code, jt, jf, k }, i) => {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, jt);
    view.setUint8(8 * i + 3, jf);
    view.setUint32(8 * i + 4, k, true);
  });
  task.space.copyOut(at, bytes);
  return filter.length;
}

/** PTRACE_SECCOMP_GET_METADATA: struct seccomp_metadata has the index, and the flags that the filter was made with. */
export function seccompMetadata(task: Task, trace: Trace, length: number, at: number): number {
  if (!task.capable(CAP_SYS_ADMIN) || task.seccomp !== null) return -EACCES;
  const size = Math.min(length, 16);
  if (size < 8) return -EINVAL;
  const index = task.space.readNumber64(at);
  const { log } = filterOf(task, trace, index);
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  view.setBigUint64(0, BigInt(index), true);
  view.setBigUint64(8, log === true ? BigInt(SECCOMP_FILTER_FLAG_LOG) : 0n, true);
  task.space.copyOut(at, bytes.subarray(0, size));
  return size;
}
