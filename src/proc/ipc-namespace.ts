/** What CLONE_NEWIPC gives anew: System V IPC and POSIX message queues (ipc_namespaces(7)). */
import type { Clock } from "../host/interface.ts";
import { IpcLimits } from "./ipc-limits.ts";
import { MqueueFs } from "./mqueue.ts";
import { IpcTable, type SysvIpc } from "./sysv-ipc.ts";

export class IpcNamespace {
  readonly limits: IpcLimits = new IpcLimits();
  readonly sysv: SysvIpc = {
    queues: new IpcTable(() => this.limits.queues),
    sets: new IpcTable(() => this.limits.semaphores[3]),
    segments: new IpcTable(() => this.limits.segments),
  };
  /** POSIX message queues. */
  readonly mqueues: MqueueFs;

  /** @param device number of the file system of its message queues */
  constructor(device: number, clock: Clock) {
    this.mqueues = new MqueueFs(device, clock, this.limits);
  }
}
