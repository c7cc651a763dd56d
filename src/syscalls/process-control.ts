/** prctl(2), arch_prctl(2), personality(2), robust lists. */
import { CAP_LAST_CAP, CAP_SETPCAP, CAP_SYS_RESOURCE } from "../abi/capability.ts";
import { EINVAL, ENODEV, ENOSYS, ENXIO, EPERM, ESRCH, errno } from "../abi/errno.ts";
import { PR_MDWE_NO_INHERIT, PR_MDWE_REFUSE_EXEC_GAIN } from "../abi/mman.ts";
import { SECCOMP_MODE_FILTER, SECCOMP_MODE_STRICT } from "../abi/seccomp.ts";
import { NSIG } from "../abi/signal.ts";
import { SECBIT_KEEP_CAPS } from "../proc/capability-state.ts";
import type { Task } from "../proc/task.ts";
import type { ThreadGroup } from "../proc/thread-group.ts";
import { setUserDispatch } from "../proc/user-dispatch.ts";
import { getVectorControl, setVectorControl } from "../proc/vector-control.ts";
import { decodeBytes, encodeBytes } from "../util/bytes.ts";
import { outPtr, printHex, ptr, size } from "./args.ts";
import { prctlOption, prctlRest, prctlSecond, printPrctlResult } from "./control-args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { pid as pidArg } from "./process-args.ts";
import { setFilter, setStrict } from "./seccomp.ts";
import { archAddress, archCode, personalityArg, printPersonality } from "./system-args.ts";

const PR_NAMES: Readonly<Record<number, string>> = {
  1: "PR_SET_PDEATHSIG",
  2: "PR_GET_PDEATHSIG",
  3: "PR_GET_DUMPABLE",
  4: "PR_SET_DUMPABLE",
  7: "PR_GET_KEEPCAPS",
  8: "PR_SET_KEEPCAPS",
  13: "PR_GET_TIMING",
  14: "PR_SET_TIMING",
  15: "PR_SET_NAME",
  16: "PR_GET_NAME",
  21: "PR_GET_SECCOMP",
  22: "PR_SET_SECCOMP",
  23: "PR_CAPBSET_READ",
  24: "PR_CAPBSET_DROP",
  25: "PR_GET_TSC",
  26: "PR_SET_TSC",
  27: "PR_GET_SECUREBITS",
  28: "PR_SET_SECUREBITS",
  29: "PR_SET_TIMERSLACK",
  30: "PR_GET_TIMERSLACK",
  31: "PR_TASK_PERF_EVENTS_DISABLE",
  32: "PR_TASK_PERF_EVENTS_ENABLE",
  33: "PR_MCE_KILL",
  34: "PR_MCE_KILL_GET",
  35: "PR_SET_MM",
  36: "PR_SET_CHILD_SUBREAPER",
  37: "PR_GET_CHILD_SUBREAPER",
  38: "PR_SET_NO_NEW_PRIVS",
  39: "PR_GET_NO_NEW_PRIVS",
  40: "PR_GET_TID_ADDRESS",
  41: "PR_SET_THP_DISABLE",
  42: "PR_GET_THP_DISABLE",
  47: "PR_CAP_AMBIENT",
  52: "PR_GET_SPECULATION_CTRL",
  53: "PR_SET_SPECULATION_CTRL",
  57: "PR_SET_IO_FLUSHER",
  58: "PR_GET_IO_FLUSHER",
  59: "PR_SET_SYSCALL_USER_DISPATCH",
  65: "PR_SET_MDWE",
  66: "PR_GET_MDWE",
  69: "PR_RISCV_V_SET_CONTROL",
  70: "PR_RISCV_V_GET_CONTROL",
  1398164801: "PR_SET_VMA",
  1499557217: "PR_SET_PTRACER",
};

const TASK_COMM_LENGTH = 16;
const PR_TSC_ENABLE = 1;

function prctl(task: Task, option: number, a2: number, a3: number, a4: number, a5: number): number {
  const { process, credentials, space } = task;
  const capability = (n: number): bigint => {
    if (n > CAP_LAST_CAP) throw errno(EINVAL);
    return 1n << BigInt(n);
  };
  switch (PR_NAMES[option]) {
    case "PR_SET_PDEATHSIG":
      if (a2 > NSIG) throw errno(EINVAL);
      task.parentDeathSignal = a2;
      return 0;
    case "PR_GET_PDEATHSIG":
      space.writeU32(a2, task.parentDeathSignal);
      return 0;
    case "PR_GET_DUMPABLE":
      return process.dumpable;
    case "PR_SET_DUMPABLE":
      if (a2 > 1) throw errno(EINVAL);
      process.dumpable = a2;
      return 0;
    case "PR_GET_KEEPCAPS":
      return credentials.securebits & SECBIT_KEEP_CAPS ? 1 : 0;
    case "PR_SET_KEEPCAPS": {
      if (a2 > 1) throw errno(EINVAL);
      const rest = credentials.securebits & ~SECBIT_KEEP_CAPS;
      task.credentials = credentials.with({ securebits: a2 === 1 ? rest | SECBIT_KEEP_CAPS : rest });
      return 0;
    }
    case "PR_SET_NAME": {
      const bytes: number[] = [];
      while (bytes.length < TASK_COMM_LENGTH - 1) {
        const b = space.readU8(a2 + bytes.length);
        if (b === 0) break;
        bytes.push(b);
      }
      task.comm = decodeBytes(Uint8Array.from(bytes));
      return 0;
    }
    case "PR_GET_NAME": {
      const name = new Uint8Array(TASK_COMM_LENGTH);
      name.set(encodeBytes(task.comm).subarray(0, TASK_COMM_LENGTH - 1));
      space.copyOut(a2, name);
      return 0;
    }
    case "PR_GET_SECCOMP":
      return task.seccomp?.mode ?? 0;
    case "PR_SET_SECCOMP":
      if (a2 === SECCOMP_MODE_STRICT) return setStrict(task);
      if (a2 === SECCOMP_MODE_FILTER) return setFilter(task, 0, a3);
      throw errno(EINVAL);
    case "PR_GET_TSC":
      space.writeU32(a2, PR_TSC_ENABLE);
      return 0;
    case "PR_SET_TSC":
      // Every program may read the time stamp counter, and none can be kept from it.
      if (a2 !== PR_TSC_ENABLE) throw errno(EINVAL);
      return 0;
    case "PR_CAPBSET_READ":
      return credentials.bounding & capability(a2) ? 1 : 0;
    case "PR_CAPBSET_DROP": {
      if (!task.credentials.hasEffective(CAP_SETPCAP)) throw errno(EPERM);
      task.credentials = credentials.with({ bounding: credentials.bounding & ~capability(a2) });
      return 0;
    }
    case "PR_GET_SECUREBITS":
      return credentials.securebits;
    case "PR_SET_SECUREBITS":
      return setSecurebits(task, a2);
    case "PR_RISCV_V_SET_CONTROL":
      return setVectorControl(task, a2);
    case "PR_RISCV_V_GET_CONTROL":
      return getVectorControl(task);
    case "PR_SET_TIMERSLACK":
      task.timerSlack = a2 === 0 ? 50_000 : a2;
      return 0;
    case "PR_GET_TIMERSLACK":
      return task.timerSlack;
    case "PR_SET_CHILD_SUBREAPER":
      process.childSubreaper = a2 !== 0;
      return 0;
    case "PR_GET_CHILD_SUBREAPER":
      space.writeU32(a2, process.childSubreaper ? 1 : 0);
      return 0;
    case "PR_SET_NO_NEW_PRIVS":
      if (a2 !== 1 || a3 !== 0 || a4 !== 0 || a5 !== 0) throw errno(EINVAL);
      task.credentials = credentials.with({ noNewPrivileges: true });
      return 0;
    case "PR_GET_NO_NEW_PRIVS":
      if (a2 !== 0 || a3 !== 0 || a4 !== 0 || a5 !== 0) throw errno(EINVAL);
      return credentials.noNewPrivileges ? 1 : 0;
    case "PR_GET_TID_ADDRESS":
      space.writeNumber64(a2, task.clearChildTid);
      return 0;
    case "PR_SET_THP_DISABLE":
      if (a3 !== 0 || a4 !== 0 || a5 !== 0) throw errno(EINVAL);
      task.mm.noHugePages = a2 !== 0;
      return 0;
    case "PR_GET_THP_DISABLE":
      if (a2 !== 0 || a3 !== 0 || a4 !== 0 || a5 !== 0) throw errno(EINVAL);
      return task.mm.noHugePages ? 1 : 0;
    case "PR_SET_SYSCALL_USER_DISPATCH":
      return setUserDispatch(task, { mode: a2, start: a3, length: a4, selector: a5 });
    case "PR_SET_MDWE":
      if (a3 !== 0 || a4 !== 0 || a5 !== 0) throw errno(EINVAL);
      return setDenyWriteExec(task, a2);
    case "PR_GET_MDWE":
      if (a2 !== 0 || a3 !== 0 || a4 !== 0 || a5 !== 0) throw errno(EINVAL);
      return task.space.denyWriteExec;
    case "PR_GET_TIMING":
      return 0;
    case "PR_SET_TIMING":
      // Times are estimated, as Linux has done it ever since (PR_TIMING_STATISTICAL).
      if (a2 !== 0) throw errno(EINVAL);
      return 0;
    case "PR_TASK_PERF_EVENTS_DISABLE":
    case "PR_TASK_PERF_EVENTS_ENABLE":
      // There are none that could be counted.
      return 0;
    case "PR_MCE_KILL":
      return setMemoryFailure(process, a2, a3, a4, a5);
    case "PR_MCE_KILL_GET":
      if (a2 !== 0 || a3 !== 0 || a4 !== 0 || a5 !== 0) throw errno(EINVAL);
      return process.memoryFailure;
    case "PR_SET_MM":
    case "PR_SET_IO_FLUSHER":
    case "PR_GET_IO_FLUSHER":
      // Both need CAP_SYS_RESOURCE, which no guest has.
      throw errno(task.capable(CAP_SYS_RESOURCE) ? EINVAL : EPERM);
    case "PR_GET_SPECULATION_CTRL":
      if (a3 !== 0 || a4 !== 0 || a5 !== 0) throw errno(EINVAL);
      // Nothing is executed by speculation: PR_SPEC_NOT_AFFECTED.
      return a2 < SPECULATIONS ? 0 : -ENODEV;
    case "PR_SET_SPECULATION_CTRL":
      if (a4 !== 0 || a5 !== 0) throw errno(EINVAL);
      return a2 < SPECULATIONS ? -ENXIO : -ENODEV;
    case "PR_CAP_AMBIENT":
      if (a4 !== 0 || a5 !== 0) throw errno(EINVAL);
      return ambient(task, a2, a3, capability);
    default:
      // As a kernel without restrictions of ptrace and named mappings.
      throw errno(EINVAL);
  }
}

/** prctl_set_mdwe(): once on it stays as it is. */
function setDenyWriteExec(task: Task, bits: number): number {
  if (bits > (PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT)) throw errno(EINVAL);
  if (bits === PR_MDWE_NO_INHERIT) throw errno(EINVAL);
  const { space } = task;
  if (space.denyWriteExec !== 0 && space.denyWriteExec !== bits) throw errno(EPERM);
  space.denyWriteExec = bits;
  return 0;
}

/** Kinds of misprediction: of stores, of indirect branches. */
const SPECULATIONS = 2;

/** What broken memory does to a process. There is none, so that the choice is but remembered. */
const MCE_LATEST_POLICY = 2;

function setMemoryFailure(process: ThreadGroup, operation: number, policy: number, a4: number, a5: number): number {
  const MCE_CLEAR = 0;
  const MCE_SET = 1;
  if (a4 !== 0 || a5 !== 0) throw errno(EINVAL);
  if (operation === MCE_CLEAR && policy === 0) process.memoryFailure = MCE_LATEST_POLICY;
  else if (operation === MCE_SET && policy <= MCE_LATEST_POLICY) process.memoryFailure = policy;
  else throw errno(EINVAL);
  return 0;
}

/** SECBIT_* 0..7: each bit and its lock. */
function setSecurebits(task: Task, bits: number): number {
  const { credentials } = task;
  const old = credentials.securebits;
  const locks = (old & 0xaa) >> 1;
  if (
    bits > 0xff ||
    ((old ^ bits) & locks) !== 0 ||
    (old & 0xaa & ~bits) !== 0 ||
    !task.credentials.hasEffective(CAP_SETPCAP)
  ) {
    throw errno(EPERM);
  }
  task.credentials = credentials.with({ securebits: bits });
  return 0;
}

function ambient(task: Task, operation: number, number: number, capability: (n: number) => bigint): number {
  const { credentials } = task;
  const IS_SET = 1;
  const RAISE = 2;
  const LOWER = 3;
  const CLEAR_ALL = 4;
  if (operation === CLEAR_ALL) {
    if (number !== 0) throw errno(EINVAL);
    task.credentials = credentials.with({ ambient: 0n });
    return 0;
  }
  const bit = capability(number);
  switch (operation) {
    case IS_SET:
      return credentials.ambient & bit ? 1 : 0;
    case RAISE:
      if ((credentials.permitted & credentials.inheritable & bit) === 0n) throw errno(EPERM);
      task.credentials = credentials.with({ ambient: credentials.ambient | bit });
      return 0;
    case LOWER:
      task.credentials = credentials.with({ ambient: credentials.ambient & ~bit });
      return 0;
    default:
      throw errno(EINVAL);
  }
}

/** READ_IMPLIES_EXEC */
const READ_IMPLIES_EXEC = 0x40_0000;

function personality(task: Task, persona: number): number {
  const old = task.personality;
  if (persona !== 0xffff_ffff) {
    task.personality = persona;
    task.space.readImpliesExec = (persona & READ_IMPLIES_EXEC) !== 0;
  }
  return old;
}

const ROBUST_LIST_HEAD_SIZE = 24;

function getRobustList(task: Task, pid: number, head: number, length: number): number {
  const target = pid === 0 ? task : task.find(pid);
  if (target === undefined) throw errno(ESRCH);
  if (target.process !== task.process && task.credentials.euid !== target.credentials.uid) throw errno(EPERM);
  task.space.writeNumber64(length, ROBUST_LIST_HEAD_SIZE);
  task.space.writeNumber64(head, target.robustListHead);
  return 0;
}

export const prctlCalls: readonly SyscallDefinition[] = [
  syscall("prctl", [prctlOption, prctlSecond, prctlRest, prctlRest, prctlRest], prctl, {
    printResult: printPrctlResult,
  }),
  syscall("arch_prctl", [archCode, archAddress], (task, code, address) => {
    const { arch } = task;
    return arch.prctl === undefined ? -ENOSYS : arch.prctl(task.space, task.mm.context, code, address);
  }),
  syscall("personality", [personalityArg], personality, {
    printResult: (v) => `${printHex(v)} (${printPersonality(v)})`,
  }),
  syscall("set_robust_list", [ptr, size], (task, head, length) => {
    if (length !== ROBUST_LIST_HEAD_SIZE) throw errno(EINVAL);
    task.robustListHead = head;
    return 0;
  }),
  syscall("get_robust_list", [pidArg, outPtr, outPtr], getRobustList),
];
