/** Security modules: lsm_list_modules(2), lsm_get_self_attr(2), lsm_set_self_attr(2). */
import { E2BIG, EINVAL, EOPNOTSUPP } from "../abi/errno.ts";
import type { Task } from "../proc/task.ts";
import { ptr, uint } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";

/** LSM_ID_CAPABILITY, LSM_ID_LANDLOCK */
const MODULES = [100, 110] as const;
/** struct lsm_ctx, before what follows it. */
const CONTEXT_SIZE = 32;
const PAGE_SIZE = 4096;

function list(task: Task, ids: number, size: number, bits: number): number {
  if (bits !== 0) return -EINVAL;
  const { space } = task;
  const room = space.readU32(size);
  space.writeU32(size, MODULES.length * 8);
  if (room < MODULES.length * 8) return -E2BIG;
  for (const [i, id] of MODULES.entries()) space.writeNumber64(ids + 8 * i, id);
  return MODULES.length;
}

/** None of the modules here has attributes of processes. */
function getAttribute(task: Task, attribute: number, context: number, size: number, bits: number): number {
  if (attribute === 0 || size === 0) return -EINVAL;
  task.space.readU32(size);
  // LSM_FLAG_SINGLE: of the module that the context names.
  if (bits !== 0 && (bits !== 1 || context === 0)) return -EINVAL;
  if (bits === 1) task.space.readable(context, CONTEXT_SIZE);
  return -EOPNOTSUPP;
}

function setAttribute(task: Task, _attribute: number, context: number, size: number, bits: number): number {
  if (bits !== 0 || size < CONTEXT_SIZE) return -EINVAL;
  if (size > PAGE_SIZE) return -E2BIG;
  const view = task.space.readable(context, size);
  const at = new DataView(view.buffer, view.byteOffset, view.length);
  const length = at.getBigUint64(16, true);
  const inner = at.getBigUint64(24, true);
  if (BigInt(size) < length || length < inner + BigInt(CONTEXT_SIZE)) return -EINVAL;
  return -EOPNOTSUPP;
}

export const securityCalls: readonly SyscallDefinition[] = [
  syscall("lsm_list_modules", [ptr, ptr, uint], list),
  syscall("lsm_get_self_attr", [uint, ptr, ptr, uint], getAttribute),
  syscall("lsm_set_self_attr", [uint, ptr, uint, uint], setAttribute),
];
