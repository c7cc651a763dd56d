/**
 * Scheduling: sched_yield(2), sched_setscheduler(2), sched_setattr(2), sched_setaffinity(2), getcpu(2), membarrier(2).
 * See sched(7); the order in which tasks run is proc/scheduler.ts.
 */
import { CAP_SYS_NICE } from "../abi/capability.ts";
import { E2BIG, EFAULT, EINVAL, EPERM, ESRCH, errno } from "../abi/errno.ts";
import { RLIMIT_NICE, RLIMIT_RTPRIO, SCHED_FIFO } from "../abi/resource.ts";
import { registerRseq } from "../proc/rseq.ts";
import type { Task } from "../proc/task.ts";
import { choice, flags, int, ptr, uint } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { pid as pidArg, viewOf, writeTimespec } from "./process-args.ts";
import { filledUint } from "./struct-args.ts";
import { filledProcessors, filledSchedulingParameter, processors, schedulingParameter } from "./system-args.ts";
import { filledTimespec } from "./time-args.ts";

const SCHED_OTHER = 0;
const SCHED_RR = 2;
const SCHED_BATCH = 3;
const SCHED_IDLE = 5;
const SCHED_DEADLINE = 6;
const SCHED_EXT = 7;
const SCHED_RESET_ON_FORK = 0x4000_0000;
const POLICY_NAMES = {
  [SCHED_OTHER]: "SCHED_OTHER",
  [SCHED_FIFO]: "SCHED_FIFO",
  [SCHED_RR]: "SCHED_RR",
  [SCHED_BATCH]: "SCHED_BATCH",
  [SCHED_IDLE]: "SCHED_IDLE",
  [SCHED_DEADLINE]: "SCHED_DEADLINE",
  [SCHED_EXT]: "SCHED_EXT",
};

const FLAG_RESET_ON_FORK = 1;
const FLAG_KEEP_POLICY = 8;
const FLAG_KEEP_PARAMS = 0x10;
/** Reclaiming and overrun signals of SCHED_DEADLINE, and hints for frequencies, which say nothing here. */
const FLAGS_KNOWN = 0x7f;
/** The shortest runtime of SCHED_DEADLINE, 1024 ns, and the longest and shortest period. */
const DEADLINE_SCALE = 1024;
const DEADLINE_PERIOD_MAX = (1 << 22) * 1000;
const DEADLINE_PERIOD_MIN = 100_000;

/** What sched_setattr(2) sets. */
interface Attributes {
  readonly policy: number;
  readonly flags: number;
  readonly nice: number;
  readonly priority: number;
  readonly runtime: number;
  readonly deadline: number;
  readonly period: number;
}

function find(task: Task, pid: number): Task {
  if (pid < 0) throw errno(EINVAL);
  const target = pid === 0 ? task : task.find(pid);
  if (target === undefined) throw errno(ESRCH);
  return target;
}

function isRealTime(policy: number): boolean {
  return policy === SCHED_FIFO || policy === SCHED_RR;
}

/** user_check_sched_setscheduler(): what needs CAP_SYS_NICE, or a limit that allows it. */
function needsPrivilege(task: Task, target: Task, wanted: Attributes): boolean {
  const { policy, nice, priority, flags: bits } = wanted;
  if (isRealTime(policy)) {
    const limit = target.limit(RLIMIT_RTPRIO);
    if (policy !== target.policy && limit === 0) return true;
    if (priority > target.realtimePriority && priority > limit) return true;
  }
  if (policy === SCHED_DEADLINE) return true;
  if (!isRealTime(policy) && nice < target.nice && 20 - nice > target.limit(RLIMIT_NICE)) return true;
  if (target.policy === SCHED_IDLE && policy !== SCHED_IDLE && 20 - target.nice > target.limit(RLIMIT_NICE))
    return true;
  const { euid } = task.credentials;
  if (euid !== target.credentials.euid && euid !== target.credentials.uid) return true;
  return target.resetOnFork && (bits & FLAG_RESET_ON_FORK) === 0;
}

function checkDeadline({ runtime, deadline, period }: Attributes): boolean {
  if (deadline === 0 || runtime < DEADLINE_SCALE || deadline >= 2 ** 63 || period >= 2 ** 63) return false;
  const every = period === 0 ? deadline : period;
  if (every < deadline || deadline < runtime) return false;
  return every >= DEADLINE_PERIOD_MIN && every <= DEADLINE_PERIOD_MAX * 1000;
}

/** __sched_setscheduler() */
function apply(task: Task, target: Task, wanted: Attributes): number {
  const { policy, nice, priority, flags: bits } = wanted;
  if (!(policy in POLICY_NAMES) || policy === SCHED_EXT) throw errno(EINVAL);
  if ((bits & ~FLAGS_KNOWN) !== 0) throw errno(EINVAL);
  if (priority > 99 || isRealTime(policy) !== (priority !== 0)) throw errno(EINVAL);
  if (policy === SCHED_DEADLINE && !checkDeadline(wanted)) throw errno(EINVAL);
  if (!task.capable(CAP_SYS_NICE) && needsPrivilege(task, target, wanted)) throw errno(EPERM);
  const was = target.priority > 0;
  target.policy = policy;
  target.realtimePriority = priority;
  target.resetOnFork = (bits & FLAG_RESET_ON_FORK) !== 0;
  target.deadline = null;
  if (policy === SCHED_DEADLINE) {
    const { runtime, deadline, period } = wanted;
    target.deadline = { runtime, deadline, period: period === 0 ? deadline : period };
  }
  if (policy === SCHED_OTHER || policy === SCHED_BATCH) target.nice = nice;
  const is = target.priority > 0;
  task.kernel.scheduler.realtimeTasks += Number(is) - Number(was);
  // Who is less urgent now than another may have to wait.
  task.yields ||= (target === task && was && !is) || task.kernel.scheduler.outranked(task);
  return 0;
}

function setScheduler(task: Task, pid: number, policy: number, param: number): number {
  if (param === 0 || pid < 0 || policy < 0) throw errno(EINVAL);
  const priority = task.space.readI32(param);
  const target = find(task, pid);
  const reset = (policy & SCHED_RESET_ON_FORK) !== 0;
  return apply(task, target, {
    policy: policy & ~SCHED_RESET_ON_FORK,
    flags: reset ? FLAG_RESET_ON_FORK : 0,
    nice: target.nice,
    priority: priority < 0 ? 100 : priority,
    runtime: 0,
    deadline: 0,
    period: 0,
  });
}

function setParameter(task: Task, pid: number, param: number): number {
  if (param === 0 || pid < 0) throw errno(EINVAL);
  const priority = task.space.readI32(param);
  const target = find(task, pid);
  return apply(task, target, {
    ...attributesOf(target),
    priority: priority < 0 ? 100 : priority,
  });
}

function attributesOf(target: Task): Attributes {
  const { policy, nice, realtimePriority: priority, deadline, resetOnFork } = target;
  const none = { runtime: 0, deadline: 0, period: 0 };
  return { policy, nice, priority, flags: resetOnFork ? FLAG_RESET_ON_FORK : 0, ...(deadline ?? none) };
}

/** struct sched_attr: its first version, and with the two hints for utilisation. */
const ATTRIBUTES_FIRST = 48;
const ATTRIBUTES_SIZE = 56;
const PAGE = 4096;
/** What an ordinary task's slice is, as sched_getattr shows it since 6.12. */
const ORDINARY_SLICE = 2_800_000;

/** sched_copy_attr(): a size that is not understood is answered by the one that is. */
function readAttributes(task: Task, address: number): Attributes & { policyKept: boolean } {
  const { space } = task;
  let size = space.readU32(address);
  if (size === 0) size = ATTRIBUTES_FIRST;
  const tooBig = (): never => {
    space.writeU32(address, ATTRIBUTES_SIZE);
    throw errno(E2BIG);
  };
  if (size < ATTRIBUTES_FIRST || size > PAGE) tooBig();
  for (let at = ATTRIBUTES_SIZE; at < size; at++) if (space.readU8(address + at) !== 0) tooBig();
  const view = viewOf(space.readable(address, ATTRIBUTES_FIRST));
  const policy = view.getInt32(4, true);
  if (policy < 0) throw errno(EINVAL);
  const bits = Number(view.getBigUint64(8, true));
  return {
    policy,
    flags: bits > FLAGS_KNOWN ? FLAGS_KNOWN + 1 : bits,
    nice: Math.max(-20, Math.min(19, view.getInt32(16, true))),
    priority: view.getUint32(20, true),
    runtime: Number(view.getBigUint64(24, true)),
    deadline: Number(view.getBigUint64(32, true)),
    period: Number(view.getBigUint64(40, true)),
    policyKept: (bits & FLAG_KEEP_POLICY) !== 0,
  };
}

function setAttributes(task: Task, pid: number, address: number, bits: number): number {
  if (address === 0 || pid < 0 || bits !== 0) throw errno(EINVAL);
  const wanted = readAttributes(task, address);
  const target = find(task, pid);
  const old = attributesOf(target);
  const keeps = (wanted.flags & FLAG_KEEP_PARAMS) !== 0;
  return apply(task, target, {
    ...(keeps ? { ...old, flags: wanted.flags } : wanted),
    policy: wanted.policyKept ? old.policy : wanted.policy,
  });
}

function getAttributes(task: Task, pid: number, address: number, size: number, bits: number): number {
  if (address === 0 || pid < 0 || size > PAGE || size < ATTRIBUTES_FIRST || bits !== 0) throw errno(EINVAL);
  const target = find(task, pid);
  const shown = Math.min(size, ATTRIBUTES_SIZE);
  const bytes = task.space.writable(address, size);
  bytes.fill(0);
  const view = viewOf(bytes);
  const { policy, nice, priority, flags: known, runtime, deadline, period } = attributesOf(target);
  view.setUint32(0, shown, true);
  view.setUint32(4, policy, true);
  view.setUint32(8, known, true);
  const ordinary = policy === SCHED_OTHER || policy === SCHED_BATCH;
  if (ordinary) view.setInt32(16, nice, true);
  if (isRealTime(policy)) view.setUint32(20, priority, true);
  view.setBigUint64(24, BigInt(ordinary ? ORDINARY_SLICE : runtime), true);
  view.setBigUint64(32, BigInt(deadline), true);
  view.setBigUint64(40, BigInt(period), true);
  // Utilisation: all of a processor.
  if (shown === ATTRIBUTES_SIZE) view.setUint32(52, 1024, true);
  return 0;
}

function priorityRange(policy: number): [number, number] {
  if (!(policy in POLICY_NAMES)) throw errno(EINVAL);
  return isRealTime(policy) ? [1, 99] : [0, 0];
}

function mayChange(task: Task, target: Task): boolean {
  const { euid } = task.credentials;
  return euid === target.credentials.euid || euid === target.credentials.uid || task.capable(CAP_SYS_NICE);
}

/** There is one CPU. The mask that the kernel knows is eight bytes wide. */
function getAffinity(task: Task, pid: number, length: number, mask: number): number {
  if (length < 8 || length % 8 !== 0) throw errno(EINVAL);
  find(task, pid);
  task.space.writeNumber64(mask, 1);
  return 8;
}

function setAffinity(task: Task, pid: number, length: number, mask: number): number {
  const first = length > 0 ? task.space.readU8(mask) : 0;
  if (length > 1) task.space.readable(mask, Math.min(length, 128));
  const target = find(task, pid);
  if (!mayChange(task, target)) throw errno(EPERM);
  if ((first & 1) === 0) throw errno(EINVAL);
  return 0;
}

const RR_INTERVAL = 100_000_000;
const ORDINARY_INTERVAL = 4_000_000;

function rrInterval(task: Task, pid: number, address: number): number {
  const { policy } = find(task, pid);
  if (address === 0) throw errno(EFAULT);
  let interval = 0;
  if (policy === SCHED_RR) interval = RR_INTERVAL;
  else if (policy === SCHED_OTHER || policy === SCHED_BATCH) interval = ORDINARY_INTERVAL;
  writeTimespec(task, address, interval);
  return 0;
}

const MEMBARRIER_QUERY = 0;
const MEMBARRIER_PRIVATE_EXPEDITED = 8;
const MEMBARRIER_REGISTER_PRIVATE = 16;
const MEMBARRIER_PRIVATE_SYNC_CORE = 32;
const MEMBARRIER_REGISTER_SYNC_CORE = 64;
const MEMBARRIER_PRIVATE_RSEQ = 128;
const MEMBARRIER_REGISTER_RSEQ = 256;
const MEMBARRIER_GET_REGISTRATIONS = 512;
const MEMBARRIER_FLAG_CPU = 1;
/** All of them. */
const MEMBARRIER_SUPPORTED = 0x1ff | MEMBARRIER_GET_REGISTRATIONS;
const MEMBARRIER_REGISTRATIONS =
  4 | MEMBARRIER_REGISTER_PRIVATE | MEMBARRIER_REGISTER_SYNC_CORE | MEMBARRIER_REGISTER_RSEQ;
/** What must be registered for a command. */
const MEMBARRIER_NEEDS: Readonly<Record<number, number>> = {
  [MEMBARRIER_PRIVATE_EXPEDITED]: MEMBARRIER_REGISTER_PRIVATE,
  [MEMBARRIER_PRIVATE_SYNC_CORE]: MEMBARRIER_REGISTER_SYNC_CORE,
  [MEMBARRIER_PRIVATE_RSEQ]: MEMBARRIER_REGISTER_RSEQ,
};

/**
 * Threads run one at a time and see memory in one order, so every barrier is there already; critical sections of
 * rseq(2) have been restarted when their task stopped running.
 */
function membarrier(task: Task, command: number, bits: number): number {
  if (bits !== 0 && !(command === MEMBARRIER_PRIVATE_RSEQ && bits === MEMBARRIER_FLAG_CPU)) throw errno(EINVAL);
  if (command === MEMBARRIER_QUERY) return MEMBARRIER_SUPPORTED;
  if (command < 0 || (command & (command - 1)) !== 0 || (command & MEMBARRIER_SUPPORTED) === 0) throw errno(EINVAL);
  const { mm } = task;
  if (command === MEMBARRIER_GET_REGISTRATIONS) return mm.barriers;
  const needed = MEMBARRIER_NEEDS[command] ?? 0;
  if ((mm.barriers & needed) !== needed) return -EPERM;
  if (command & MEMBARRIER_REGISTRATIONS) mm.barriers |= command;
  return 0;
}

const policyArg = choice(POLICY_NAMES, "SCHED_???");

export const schedulingCalls: readonly SyscallDefinition[] = [
  syscall("sched_yield", [], (task) => {
    task.yields = true;
    return 0;
  }),
  syscall("sched_getaffinity", [pidArg, uint, filledProcessors], getAffinity),
  syscall("sched_setaffinity", [pidArg, uint, processors], setAffinity),
  syscall(
    "sched_getscheduler",
    [pidArg],
    (task, pid) => {
      const { policy, resetOnFork } = find(task, pid);
      return resetOnFork ? policy | SCHED_RESET_ON_FORK : policy;
    },
    { printResult: (policy, c) => `${policy} (${policyArg.print(policy & ~SCHED_RESET_ON_FORK, c)})` },
  ),
  syscall("sched_setscheduler", [pidArg, policyArg, schedulingParameter], setScheduler),
  syscall("sched_getparam", [pidArg, filledSchedulingParameter], (task, pid, param) => {
    if (param === 0) throw errno(EINVAL);
    task.space.writeU32(param, find(task, pid).realtimePriority);
    return 0;
  }),
  syscall("sched_setparam", [pidArg, schedulingParameter], setParameter),
  syscall("sched_setattr", [pidArg, ptr, uint], setAttributes, {
    partial: "the runtime of SCHED_DEADLINE is not limited: such tasks go before all others",
  }),
  syscall("sched_getattr", [pidArg, ptr, uint, uint], getAttributes),
  syscall("sched_get_priority_max", [policyArg], (_task, policy) => priorityRange(policy)[1]),
  syscall("sched_get_priority_min", [policyArg], (_task, policy) => priorityRange(policy)[0]),
  syscall("sched_rr_get_interval", [pidArg, filledTimespec], rrInterval),
  syscall("getcpu", [filledUint, filledUint, ptr], (task, cpu, node) => {
    if (cpu !== 0) task.space.writeU32(cpu, 0);
    if (node !== 0) task.space.writeU32(node, 0);
    return 0;
  }),
  syscall("membarrier", [int, flags([[1, "MEMBARRIER_CMD_FLAG_CPU"]]), int], membarrier),
  syscall("rseq", [ptr, uint, flags([[1, "RSEQ_FLAG_UNREGISTER"]]), uint], registerRseq),
];
