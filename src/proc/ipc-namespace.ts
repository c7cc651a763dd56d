/** What CLONE_NEWIPC gives anew: System V IPC and POSIX message queues (ipc_namespaces(7)). */
import { MSGMNI, SEMMNI, SHMMNI } from "../abi/sysv-ipc.ts";
import type { Clock } from "../host/interface.ts";
import { MqueueFs } from "./mqueue.ts";
import { IpcTable, type SysvIpc } from "./sysv-ipc.ts";

export class IpcNamespace {
  readonly sysv: SysvIpc = {
    queues: new IpcTable(MSGMNI),
    sets: new IpcTable(SEMMNI),
    segments: new IpcTable(SHMMNI),
  };
  /** POSIX message queues. */
  readonly mqueues: MqueueFs;

  /** @param device number of the file system of its message queues */
  constructor(device: number, clock: Clock) {
    this.mqueues = new MqueueFs(device, clock);
  }
}
