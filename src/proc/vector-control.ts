/** Whether a program may use vectors: prctl(PR_RISCV_V_SET_CONTROL) (Documentation/arch/riscv/vector.rst, arch/riscv/kernel/vector.c). */
import { EINVAL, EPERM } from "../abi/errno.ts";
import {
  PR_RISCV_V_VSTATE_CTRL_DEFAULT as DEFAULT,
  PR_RISCV_V_VSTATE_CTRL_INHERIT as INHERIT,
  PR_RISCV_V_VSTATE_CTRL_MASK as MASK,
  PR_RISCV_V_VSTATE_CTRL_OFF as OFF,
  PR_RISCV_V_VSTATE_CTRL_ON as ON,
} from "../abi/riscv-vector.ts";
import type { Task } from "./task.ts";

const current = (control: number): number => control & 3;
const next = (control: number): number => (control >> 2) & 3;

export function setVectorControl(task: Task, control: number): number {
  const { arch } = task;
  if (arch.allowVectors === undefined || (control & ~MASK) !== 0 || control > MASK) return -EINVAL;
  const before = current(task.vectorControl);
  let wanted = current(control);
  // Vectors in use cannot be taken away.
  if (wanted === OFF && before !== OFF) return -EPERM;
  if (wanted > ON || next(control) > ON) return -EINVAL;
  if (wanted === DEFAULT) wanted = before;
  task.vectorControl = wanted | (control & ~3);
  if (wanted !== before) arch.allowVectors(task.mm.context, true);
  return 0;
}

export function getVectorControl(task: Task): number {
  return task.arch.allowVectors === undefined ? -EINVAL : task.vectorControl;
}

/** For the new program, whose registers are set. */
export function enterVectorControl(task: Task): void {
  const { vectorControl } = task;
  const wanted = next(vectorControl) === DEFAULT ? ON : next(vectorControl);
  task.vectorControl = wanted | (vectorControl & INHERIT ? vectorControl & ~3 : 0);
  if (wanted === OFF) task.arch.allowVectors?.(task.mm.context, false);
}
