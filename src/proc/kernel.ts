/** One machine's kernel: everything that its processes have in common. No state of it lives anywhere else. */
import type { Host } from "../host/interface.ts";
import type { Arch } from "./arch/arch.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Signals } from "./signals.ts";
import type { Timers } from "./timers.ts";

export interface KernelOptions {
  readonly host: Host;
  readonly arch: Arch;
}

export declare class Kernel {
  readonly host: Host;
  readonly arch: Arch;
  readonly scheduler: Scheduler;
  readonly signals: Signals;
  readonly timers: Timers;
  hostname: string;
  domainname: string;
  /** Monotonic time in nanoseconds since the machine started. */
  now(): number;
  /** Nanoseconds since 1970. */
  realtime(): bigint;
}
