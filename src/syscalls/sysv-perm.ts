/** struct ipc64_perm, with which the structures of all System V IPC begin; 48 bytes on 64-bit architectures. */
import { EINVAL, errno } from "../abi/errno.ts";
import type { Kernel } from "../proc/kernel.ts";
import type { IpcObject } from "../proc/sysv-ipc.ts";
import type { Task } from "../proc/task.ts";
import { viewOf } from "./process-args.ts";

export const PERM_SIZE = 48;
/** (uid_t) -1 */
const NO_ID = 0xffff_ffff;

export function writePermissions({ credentials: c }: Task, view: DataView, object: IpcObject, extraMode = 0): void {
  view.setInt32(0, object.key, true);
  view.setUint32(4, c.shownUser(object.owner.uid), true);
  view.setUint32(8, c.shownGroup(object.owner.gid), true);
  view.setUint32(12, c.shownUser(object.creator.uid), true);
  view.setUint32(16, c.shownGroup(object.creator.gid), true);
  view.setUint32(20, object.mode | extraMode, true);
  view.setUint16(24, object.sequence, true);
}

/** IPC_SET: owner, group and permission bits. */
export function setPermissions(task: Task, object: IpcObject, address: number): void {
  const view = viewOf(task.space.readable(address, PERM_SIZE));
  const uid = view.getUint32(4, true);
  const gid = view.getUint32(8, true);
  const owner = { uid: task.credentials.toUser(uid), gid: task.credentials.toGroup(gid) };
  if (uid === NO_ID || gid === NO_ID || owner.uid === undefined || owner.gid === undefined) throw errno(EINVAL);
  object.owner = { uid: owner.uid, gid: owner.gid };
  object.mode = view.getUint32(20, true) & 0o777;
  object.changed = seconds(task.kernel);
}

/** Seconds since 1970. */
export function seconds(kernel: Kernel): number {
  return Number(kernel.realtime() / 1_000_000_000n);
}

/** Unsigned 64 bits at an offset. */
export function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** Zeroed bytes for a structure, stored by `copyOut` when it is complete. */
export function structure(size: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(size);
  return { bytes, view: viewOf(bytes) };
}
