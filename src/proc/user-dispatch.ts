/**
 * Calls that a program answers itself: prctl(PR_SET_SYSCALL_USER_DISPATCH), by which emulators of other systems tell their
 * own calls from their guest's. Outside of a range of addresses, and if a byte of the thread's says so, a call is not made
 * but raises SIGSYS.
 */
import { EFAULT, EINVAL, Errno, errno } from "../abi/errno.ts";
import { SIG_DFL, SIGSEGV, SIGSYS } from "../abi/signal.ts";
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

export interface DispatchSetting extends UserDispatch {
  /** PR_SYS_DISPATCH_OFF, PR_SYS_DISPATCH_ON */
  readonly mode: number;
}

/** set_syscall_user_dispatch(): off, or on but for a range. Returns 0. */
export function setUserDispatch(task: Task, { mode, start, length, selector }: DispatchSetting): number {
  if (mode === 0) {
    if (start !== 0 || length !== 0 || selector !== 0) throw errno(EINVAL);
    task.userDispatch = null;
    return 0;
  }
  const end = start + length;
  if (mode !== 1 || (start !== 0 && (end <= start || end >= 2 ** 64))) throw errno(EINVAL);
  if (selector >= 2 ** 47) throw errno(EFAULT);
  task.userDispatch = { start, length, selector };
  return 0;
}

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
      end(task, SIGSEGV);
      return false;
    }
    if (state === ALLOW) return true;
    if (state !== BLOCK) {
      end(task, SIGSYS);
      return false;
    }
  }
  const syscall = arch.registers.syscallNumber(context);
  signals.force(task, { signal: SIGSYS, code: SYS_USER_DISPATCH, address: pc, syscall });
  return false;
}

/** No handler gets this one: force_exit_sig(). */
function end(task: Task, signal: number): void {
  const { signals } = task.kernel;
  task.handlers.set(signal, { ...task.handlers.get(signal), handler: SIG_DFL });
  signals.force(task, signals.fromKernel(signal));
}
