/** File systems by number and by name: ustat(2), sysfs(2), of which little is left to use. */
import { EINVAL } from "../abi/errno.ts";
import { FILE_SYSTEMS } from "../proc/procfs/machine.ts";
import type { Task } from "../proc/task.ts";
import { encodeBytes } from "../util/bytes.ts";
import { int, ptr, uint, ulong } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { viewOf } from "./process-args.ts";

/** struct ustat: f_tfree, f_tinode, two names that are empty. */
const USTAT_SIZE = 32;

/** @param device as stat(2) has it in 32 bits */
function ustat(task: Task, device: number, buffer: number): number {
  const mount = task.fs.mounts.mounts.find(({ fs }) => fs.dev === device);
  if (mount === undefined) return -EINVAL;
  const { blocksFree, filesFree } = mount.fs.statistics();
  const bytes = task.space.writable(buffer, USTAT_SIZE);
  bytes.fill(0);
  const view = viewOf(bytes);
  view.setUint32(0, blocksFree, true);
  view.setBigUint64(8, BigInt(filesFree), true);
  return 0;
}

/** The types that there are, by number and name: 1, 2; and how many: 3. */
function sysfs(task: Task, option: number, first: number, second: number): number {
  switch (option) {
    case 1: {
      const index = FILE_SYSTEMS.indexOf(task.space.readCString(first));
      return index < 0 ? -EINVAL : index;
    }
    case 2: {
      const name = FILE_SYSTEMS[first % 2 ** 32];
      if (name === undefined) return -EINVAL;
      task.space.copyOut(second, encodeBytes(`${name}\0`));
      return 0;
    }
    case 3:
      return FILE_SYSTEMS.length;
    default:
      return -EINVAL;
  }
}

export const fileSystemCalls: readonly SyscallDefinition[] = [
  syscall("ustat", [uint, ptr], ustat),
  syscall("sysfs", [int, ulong, ulong], sysfs),
];
