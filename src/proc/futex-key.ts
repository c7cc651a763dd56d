/** What a futex is known by: see futex.ts. */
import { EFAULT, EINVAL, errno } from "../abi/errno.ts";
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

/** The key of a word that a system call names: EINVAL unless it is aligned, EFAULT if there is nothing. */
export function keyOf(task: Task, address: number, shared: boolean): FutexKey {
  if (address % 4 !== 0) throw errno(EINVAL);
  if (shared) task.space.readable(address, 4);
  else if (!(address < 2 ** 47)) throw errno(EFAULT);
  return futexKey(task, address, shared);
}
