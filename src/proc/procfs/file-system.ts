/** One mount of proc: it shows the processes of one PID namespace. */
import type { Clock } from "../../host/interface.ts";
import { SyntheticFs } from "../../vfs/types/synthetic.ts";
import type { PidNamespace } from "../pid-namespace.ts";

const PROC_SUPER_MAGIC = 0x9fa0;

export class ProcFs extends SyntheticFs {
  readonly pids: PidNamespace;

  constructor(dev: number, clock: Clock, pids: PidNamespace) {
    super({ type: "proc", magic: PROC_SUPER_MAGIC, dev, clock });
    this.pids = pids;
  }
}
