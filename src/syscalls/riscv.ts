/** What riscv64 has for itself: riscv_hwprobe(2) and riscv_flush_icache(2) (arch/riscv/kernel/sys_riscv.c). */
import { EINVAL, ENOSYS } from "../abi/errno.ts";
import type { Task } from "../proc/task.ts";
import { ptr, size, uint, ulong } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";

/** struct riscv_hwprobe: s64 key, u64 value. */
const PAIR_SIZE = 16;
const UNKNOWN_KEY = -1n;

function hwprobe(task: Task, pairs: number, count: number, cpuBytes: number, cpus: number, flags: number): number {
  const { space, arch } = task;
  if (arch.probe === undefined) return -ENOSYS;
  if (flags !== 0) return -EINVAL;
  if (cpuBytes !== 0 || cpus !== 0) {
    // The only processor has to be among those that are asked about.
    const mask = space.readable(cpus, Math.min(cpuBytes, 8));
    if (((mask[0] ?? 0) & 1) === 0) return -EINVAL;
  }
  for (let i = 0; i < count; i++) {
    const at = pairs + i * PAIR_SIZE;
    const key = BigInt.asIntN(64, space.readU64(at));
    const value = arch.probe(Number(key));
    space.writeU64(at, BigInt.asUintN(64, value === undefined ? UNKNOWN_KEY : key));
    space.writeU64(at + 8, value ?? 0n);
  }
  return 0;
}

/** For the calling thread only. */
const SYS_RISCV_FLUSH_ICACHE_LOCAL = 1;

/** Code that was written to is seen by the next instruction anyway. */
function flushIcache(_task: Task, _start: number, _end: number, flags: number): number {
  return flags === 0 || flags === SYS_RISCV_FLUSH_ICACHE_LOCAL ? 0 : -EINVAL;
}

export const riscvCalls: readonly SyscallDefinition[] = [
  syscall("riscv_hwprobe", [ptr, size, size, ptr, uint], hwprobe),
  syscall("riscv_flush_icache", [ptr, ptr, ulong], flushIcache),
];
