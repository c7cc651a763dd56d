/** seccomp(2), and prctl(2)'s PR_SET_SECCOMP. */
import { CAP_SYS_ADMIN } from "../abi/capability.ts";
import { EACCES, EBUSY, EINVAL, ENOMEM, EOPNOTSUPP, ESRCH, errno } from "../abi/errno.ts";
import * as S from "../abi/seccomp.ts";
import { BPF_MAXINSNS, type BpfInstruction, checkFilter } from "../proc/bpf.ts";
import { SeccompListener } from "../proc/seccomp-listener.ts";
import { isAmong, type Seccomp } from "../proc/seccomp-state.ts";
import type { Task } from "../proc/task.ts";
import { choice, flags, ptr } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { fdLimit } from "./file-util.ts";
import { viewOf } from "./process-args.ts";

const FLAGS =
  S.SECCOMP_FILTER_FLAG_TSYNC |
  S.SECCOMP_FILTER_FLAG_LOG |
  S.SECCOMP_FILTER_FLAG_SPEC_ALLOW |
  S.SECCOMP_FILTER_FLAG_NEW_LISTENER |
  S.SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
  S.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
const ACTIONS: ReadonlySet<number> = new Set([
  S.SECCOMP_RET_KILL_PROCESS,
  S.SECCOMP_RET_KILL_THREAD,
  S.SECCOMP_RET_TRAP,
  S.SECCOMP_RET_ERRNO,
  S.SECCOMP_RET_USER_NOTIF,
  S.SECCOMP_RET_TRACE,
  S.SECCOMP_RET_LOG,
  S.SECCOMP_RET_ALLOW,
]);
/** sizeof(struct sock_filter) */
const INSTRUCTION_SIZE = 8;
/** Most instructions of all filters of a task, with four for each filter. */
const MAX_PATH = 32768;

export function setStrict(task: Task): number {
  if (task.seccomp !== null && task.seccomp.mode !== S.SECCOMP_MODE_STRICT) return -EINVAL;
  task.seccomp = { mode: S.SECCOMP_MODE_STRICT, filter: [], previous: null };
  return 0;
}

/** struct sock_fprog: a length and a pointer. */
function readProgram(task: Task, address: number): BpfInstruction[] {
  const { space } = task;
  const length = space.readU16(address);
  const at = space.readNumber64(address + 8);
  if (length === 0 || length > BPF_MAXINSNS) throw errno(EINVAL);
  const privileged = task.credentials.noNewPrivileges || task.credentials.hasEffective(CAP_SYS_ADMIN);
  if (!privileged) throw errno(EACCES);
  const view = viewOf(space.readable(at, length * INSTRUCTION_SIZE));
  return Array.from({ length }, (_, i) => ({
    code: view.getUint16(i * INSTRUCTION_SIZE, true),
    jt: view.getUint8(i * INSTRUCTION_SIZE + 2),
    jf: view.getUint8(i * INSTRUCTION_SIZE + 3),
    k: view.getUint32(i * INSTRUCTION_SIZE + 4, true),
  }));
}

export function setFilter(task: Task, bits: number, address: number): number {
  const has = (flag: number): boolean => (bits & flag) !== 0;
  if (has(~FLAGS)) return -EINVAL;
  const listens = has(S.SECCOMP_FILTER_FLAG_NEW_LISTENER);
  // Both would be the result: a descriptor, or the thread that is not in line.
  if (listens && has(S.SECCOMP_FILTER_FLAG_TSYNC) && !has(S.SECCOMP_FILTER_FLAG_TSYNC_ESRCH)) return -EINVAL;
  if (has(S.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) && !listens) return -EINVAL;
  const filter = readProgram(task, address);
  checkFilter(filter);
  const previous = task.seccomp;
  if (previous !== null && previous.mode !== S.SECCOMP_MODE_FILTER) return -EINVAL;
  let total = filter.length;
  for (let s = previous; s !== null; s = s.previous) total += s.filter.length + 4;
  if (total > MAX_PATH) return -ENOMEM;
  if (listens) {
    task.files.checkRoom(1, fdLimit(task));
    for (let s = previous; s !== null; s = s.previous) if (s.listener) return -EBUSY;
  }
  const others = has(S.SECCOMP_FILTER_FLAG_TSYNC) ? [...task.process.tasks].filter((t) => t !== task) : [];
  for (const other of others) {
    // A thread with filters of its own cannot be brought into line.
    if (other.seccomp !== null && !isAmong(other.seccomp, previous)) {
      return has(S.SECCOMP_FILTER_FLAG_TSYNC_ESRCH) ? -ESRCH : task.numberOf(other.tid);
    }
  }
  const mine: Seccomp = {
    mode: S.SECCOMP_MODE_FILTER,
    filter,
    previous,
    log: has(S.SECCOMP_FILTER_FLAG_LOG),
  };
  task.seccomp = mine;
  for (const other of others) {
    other.seccomp = mine;
    if (task.credentials.noNewPrivileges) other.credentials = other.credentials.with({ noNewPrivileges: true });
  }
  if (!listens) return 0;
  mine.listener = new SeccompListener(task, mine, has(S.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV));
  return task.files.add(mine.listener, true, fdLimit(task));
}

function seccomp(task: Task, operation: number, bits: number, address: number): number {
  switch (operation) {
    case S.SECCOMP_SET_MODE_STRICT:
      return bits !== 0 || address !== 0 ? -EINVAL : setStrict(task);
    case S.SECCOMP_SET_MODE_FILTER:
      return setFilter(task, bits, address);
    case S.SECCOMP_GET_ACTION_AVAIL: {
      if (bits !== 0) return -EINVAL;
      return ACTIONS.has(task.space.readU32(address)) ? 0 : -EOPNOTSUPP;
    }
    case S.SECCOMP_GET_NOTIF_SIZES: {
      if (bits !== 0) return -EINVAL;
      const sizes = [S.SECCOMP_NOTIF_SIZE, S.SECCOMP_NOTIF_RESP_SIZE, S.SECCOMP_DATA_SIZE];
      const into = viewOf(task.space.writable(address, 6));
      for (const [i, size] of sizes.entries()) into.setUint16(2 * i, size, true);
      return 0;
    }
    default:
      return -EINVAL;
  }
}

const operation = choice(
  {
    0: "SECCOMP_SET_MODE_STRICT",
    1: "SECCOMP_SET_MODE_FILTER",
    2: "SECCOMP_GET_ACTION_AVAIL",
    3: "SECCOMP_GET_NOTIF_SIZES",
  },
  "SECCOMP_SET_MODE_???",
);
const filterFlags = flags([
  [S.SECCOMP_FILTER_FLAG_TSYNC, "SECCOMP_FILTER_FLAG_TSYNC"],
  [S.SECCOMP_FILTER_FLAG_LOG, "SECCOMP_FILTER_FLAG_LOG"],
  [S.SECCOMP_FILTER_FLAG_SPEC_ALLOW, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
  [S.SECCOMP_FILTER_FLAG_NEW_LISTENER, "SECCOMP_FILTER_FLAG_NEW_LISTENER"],
  [S.SECCOMP_FILTER_FLAG_TSYNC_ESRCH, "SECCOMP_FILTER_FLAG_TSYNC_ESRCH"],
  [S.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
]);

export const seccompCalls: readonly SyscallDefinition[] = [syscall("seccomp", [operation, filterFlags, ptr], seccomp)];
