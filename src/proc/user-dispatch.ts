/**
 * Calls that a program answers itself: prctl(PR_SET_SYSCALL_USER_DISPATCH), by which emulators of other systems tell their
 * own calls from their guest's. Outside of a range of addresses, and if a byte of the thread's says so, a call is not made
 * but raises SIGSYS.
 */
import { Errno } from "../abi/errno.ts";
import { SIGKILL, SIGSYS } from "../abi/signal.ts";
import type { Task } from "./task.ts";

export interface UserDispatch {
  /** Calls from here are made whatever the byte says. */
  readonly start: number;
  readonly length: number;
  /** Address of the byte, or 0: all other calls raise SIGSYS. */
  readonly selector: number;
}

const ALLOW = 0;
const BLOCK = 1;
/** si_code */
const SYS_USER_DISPATCH = 2;

/** True if the call that the registers ask for may be made; otherwise a signal is pending. */
export function mayDispatch(task: Task, { start, length, selector }: UserDispatch): boolean {
  const { arch, context } = task.mm;
  const pc = arch.registers.getPc(context);
  if (pc >= start && pc - start < length) return true;
  const { signals } = task.kernel;
  if (selector !== 0) {
    let state: number;
    try {
      state = task.space.readU8(selector);
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      signals.sendToTask(task, signals.fromKernel(SIGKILL));
      return false;
    }
    if (state === ALLOW) return true;
    if (state !== BLOCK) {
      signals.force(task, signals.fromKernel(SIGSYS));
      return false;
    }
  }
  const syscall = arch.registers.syscallNumber(context);
  signals.force(task, { signal: SIGSYS, code: SYS_USER_DISPATCH, address: pc, syscall });
  return false;
}
