/** What a futex is known by: see futex.ts. */
import type { FutexKey } from "./futex.ts";
import type { Task } from "./task.ts";

/** @param shared false for FUTEX_PRIVATE_FLAG, where the address space is enough */
export function futexKey(task: Task, address: number, shared: boolean): FutexKey {
  if (shared) {
    const vma = task.space.vmas.find(address);
    if (vma?.shared) return { object: vma.shared, offset: vma.positionOf(address) };
  }
  return { object: task.space, offset: address };
}
