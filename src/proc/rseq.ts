/**
 * Restartable sequences: rseq(2). A thread's struct rseq says which processor it runs on, and which piece of code (struct
 * rseq_cs) must not go on once the thread has been preempted or has taken a signal: it then continues at that code's abort
 * address.
 *
 *     struct rseq     u32 cpu_id_start, u32 cpu_id, u64 rseq_cs, u32 flags, u32 node_id, u32 mm_cid
 *     struct rseq_cs  u32 version, u32 flags, u64 start_ip, u64 post_commit_offset, u64 abort_ip
 */
import { EBUSY, EFAULT, EINVAL, EPERM, Errno } from "../abi/errno.ts";
import { SIGSEGV } from "../abi/signal.ts";
import type { Task } from "./task.ts";

export interface Rseq {
  readonly address: number;
  readonly length: number;
  readonly signature: number;
}

const UNREGISTER = 1;
/** The structure as it was at first, and up to the fields that there are now. */
const ORIGINAL_SIZE = 32;
const ALIGNMENT = 32;
const CPU_ID = 4;
const RSEQ_CS = 8;
const UNINITIALIZED = 0xffff_ffff;
const TASK_SIZE_MAX = 0x7fff_ffff_f000;

export function registerRseq(task: Task, address: number, length: number, flags: number, signature: number): number {
  const { rseq, space } = task;
  if ((flags & UNREGISTER) !== 0) {
    if ((flags & ~UNREGISTER) !== 0 || rseq === null || rseq.address !== address) return -EINVAL;
    if (rseq.length !== length) return -EINVAL;
    if (rseq.signature !== signature) return -EPERM;
    space.writeU32(address, 0);
    space.writeU32(address + CPU_ID, UNINITIALIZED);
    task.rseq = null;
    return 0;
  }
  if (flags !== 0) return -EINVAL;
  if (rseq !== null) {
    if (rseq.address !== address || rseq.length !== length) return -EINVAL;
    return rseq.signature === signature ? -EBUSY : -EPERM;
  }
  if (length < ORIGINAL_SIZE || address % ALIGNMENT !== 0) return -EINVAL;
  if (!(address + length < TASK_SIZE_MAX)) return -EFAULT;
  // Processor 0 of node 0, and the first number of those that run in this memory at once.
  space.writable(address, ORIGINAL_SIZE);
  space.writeNumber64(address + RSEQ_CS, 0);
  space.writeU32(address, 0);
  space.writeU32(address + CPU_ID, 0);
  space.writeU32(address + 20, 0);
  space.writeU32(address + 24, 0);
  task.rseq = { address, length, signature };
  return 0;
}

/** The task has been preempted, or is about to take a signal: rseq_ip_fixup(). */
export function restartSequence(task: Task, rseq: Rseq): void {
  const { space, arch } = task;
  try {
    const section = space.readNumber64(rseq.address + RSEQ_CS);
    if (section === 0) return;
    const start = space.readNumber64(section + 8);
    const length = space.readNumber64(section + 16);
    const abort = space.readNumber64(section + 24);
    const { context } = task.mm;
    const pc = arch.registers.getPc(context);
    const inside = pc >= start && pc - start < length;
    const valid =
      space.readU32(section) === 0 &&
      start < TASK_SIZE_MAX &&
      abort < TASK_SIZE_MAX &&
      start + length < TASK_SIZE_MAX &&
      !(abort >= start && abort - start < length);
    if (!valid || (inside && space.readU32(abort - 4) !== rseq.signature)) {
      task.kernel.signals.force(task, task.kernel.signals.fromKernel(SIGSEGV));
      return;
    }
    space.writeNumber64(rseq.address + RSEQ_CS, 0);
    if (inside) arch.registers.setPc(context, abort);
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    task.kernel.signals.force(task, task.kernel.signals.fromKernel(SIGSEGV));
  }
}
