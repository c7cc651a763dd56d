/** Scheduling: sched_yield(2), sched_setscheduler(2), sched_setaffinity(2), getcpu(2), membarrier(2). */
import { CAP_SYS_NICE } from "../abi/capability.ts";
import { EFAULT, EINVAL, EPERM, ESRCH, errno } from "../abi/errno.ts";
import type { Task } from "../proc/task.ts";
import { choice, flags, int, ptr, uint } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { pid as pidArg, writeTimespec } from "./process-args.ts";
import { filledUint } from "./struct-args.ts";
import { filledProcessors, filledSchedulingParameter, processors, schedulingParameter } from "./system-args.ts";
import { filledTimespec } from "./time-args.ts";

const SCHED_OTHER = 0;
const SCHED_FIFO = 1;
const SCHED_RR = 2;
const SCHED_BATCH = 3;
const SCHED_IDLE = 5;
const SCHED_RESET_ON_FORK = 0x4000_0000;
const POLICY_NAMES = {
  [SCHED_OTHER]: "SCHED_OTHER",
  [SCHED_FIFO]: "SCHED_FIFO",
  [SCHED_RR]: "SCHED_RR",
  [SCHED_BATCH]: "SCHED_BATCH",
  [SCHED_IDLE]: "SCHED_IDLE",
};

function find(task: Task, pid: number): Task {
  if (pid < 0) throw errno(EINVAL);
  const target = pid === 0 ? task : task.kernel.tasks.get(pid);
  if (target === undefined) throw errno(ESRCH);
  return target;
}

function isRealTime(policy: number): boolean {
  return policy === SCHED_FIFO || policy === SCHED_RR;
}

/**
 * All tasks take turns alike: policies that are no more than a hint to that are accepted, and real-time ones refused as
 * on a kernel whose real-time bandwidth is 0 (CONFIG_RT_GROUP_SCHED).
 */
function setScheduler(task: Task, pid: number, policy: number, priority: number): number {
  const target = find(task, pid);
  const plain = policy & ~SCHED_RESET_ON_FORK;
  if (!(plain in POLICY_NAMES)) throw errno(EINVAL);
  if (isRealTime(plain) ? priority < 1 || priority > 99 : priority !== 0) throw errno(EINVAL);
  if (isRealTime(plain)) throw errno(EPERM);
  if (!mayChange(task, target)) throw errno(EPERM);
  target.policy = plain;
  return 0;
}

function mayChange(task: Task, target: Task): boolean {
  const { euid } = task.credentials;
  return euid === target.credentials.euid || euid === target.credentials.uid || task.capable(CAP_SYS_NICE);
}

function priorityRange(policy: number): [number, number] {
  if (!(policy in POLICY_NAMES)) throw errno(EINVAL);
  return isRealTime(policy) ? [1, 99] : [0, 0];
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

const MEMBARRIER_QUERY = 0;
const MEMBARRIER_PRIVATE_EXPEDITED = 8;
const MEMBARRIER_REGISTER_PRIVATE = 16;
const MEMBARRIER_PRIVATE_SYNC_CORE = 32;
const MEMBARRIER_REGISTER_SYNC_CORE = 64;
const MEMBARRIER_GET_REGISTRATIONS = 512;
/** GLOBAL, GLOBAL_EXPEDITED and its registration, and those above. */
const MEMBARRIER_SUPPORTED = 0x7f | MEMBARRIER_GET_REGISTRATIONS;

/** Threads run one at a time and see memory in one order, so every barrier is there already. */
function membarrier(task: Task, command: number, bits: number): number {
  if (bits !== 0) throw errno(EINVAL);
  if (command === MEMBARRIER_QUERY) return MEMBARRIER_SUPPORTED;
  if (command < 0 || (command & (command - 1)) !== 0 || (command & MEMBARRIER_SUPPORTED) === 0) throw errno(EINVAL);
  const { mm } = task;
  if (command === MEMBARRIER_GET_REGISTRATIONS) return mm.barriers;
  if (command === MEMBARRIER_PRIVATE_EXPEDITED && (mm.barriers & MEMBARRIER_REGISTER_PRIVATE) === 0) return -EPERM;
  if (command === MEMBARRIER_PRIVATE_SYNC_CORE && (mm.barriers & MEMBARRIER_REGISTER_SYNC_CORE) === 0) return -EPERM;
  if (command & (4 | MEMBARRIER_REGISTER_PRIVATE | MEMBARRIER_REGISTER_SYNC_CORE)) mm.barriers |= command;
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
  syscall("sched_getscheduler", [pidArg], (task, pid) => find(task, pid).policy, {
    printResult: (policy, c) => `${policy} (${policyArg.print(policy, c)})`,
  }),
  syscall(
    "sched_setscheduler",
    [pidArg, policyArg, schedulingParameter],
    (task, pid, policy, param) => {
      if (param === 0) throw errno(EINVAL);
      return setScheduler(task, pid, policy, task.space.readI32(param));
    },
    { partial: "real-time policies are refused: EPERM" },
  ),
  syscall("sched_getparam", [pidArg, filledSchedulingParameter], (task, pid, param) => {
    if (param === 0) throw errno(EINVAL);
    find(task, pid);
    task.space.writeU32(param, 0);
    return 0;
  }),
  syscall("sched_setparam", [pidArg, schedulingParameter], (task, pid, param) => {
    if (param === 0) throw errno(EINVAL);
    const priority = task.space.readI32(param);
    return setScheduler(task, pid, find(task, pid).policy, priority);
  }),
  syscall("sched_get_priority_max", [policyArg], (_task, policy) => priorityRange(policy)[1]),
  syscall("sched_get_priority_min", [policyArg], (_task, policy) => priorityRange(policy)[0]),
  syscall("sched_rr_get_interval", [pidArg, filledTimespec], (task, pid, address) => {
    find(task, pid);
    if (address === 0) throw errno(EFAULT);
    writeTimespec(task, address, 4_000_000);
    return 0;
  }),
  syscall("getcpu", [filledUint, filledUint, ptr], (task, cpu, node) => {
    if (cpu !== 0) task.space.writeU32(cpu, 0);
    if (node !== 0) task.space.writeU32(node, 0);
    return 0;
  }),
  syscall("membarrier", [int, flags([[1, "MEMBARRIER_CMD_FLAG_CPU"]]), int], membarrier),
];
