/** Limits of an IPC namespace: kernel.shm*, kernel.sem, kernel.msg* and fs.mqueue.* of /proc/sys (sysvipc(7), mq_overview(7)). */
import { MSGMAX, MSGMNB, MSGMNI, SEMMNI, SEMMNS, SEMMSL, SEMOPM, SHMMNI } from "../abi/sysv-ipc.ts";

/** ULONG_MAX - 2^24: as good as none. */
const UNLIMITED = 0xffff_ffff_feff_ffffn;

export class IpcLimits {
  /** Bytes of a segment. */
  segmentSize: bigint = UNLIMITED;
  /** Pages of all segments. */
  segmentPages: bigint = UNLIMITED;
  segments: number = SHMMNI;
  /** In the order of kernel.sem: semaphores of a set, of all sets, operations of a call, sets. */
  semaphores: readonly [perSet: number, all: number, operations: number, sets: number] = [
    SEMMSL,
    SEMMNS,
    SEMOPM,
    SEMMNI,
  ];
  messageSize: number = MSGMAX;
  queueBytes: number = MSGMNB;
  queues: number = MSGMNI;
  /** fs.mqueue.*: how many queues there may be, and what one may be without CAP_SYS_RESOURCE. */
  posixQueues = 256;
  posixMessages = 10;
  posixMessageSize = 8192;
  /** What one is whose maker does not say. */
  defaultMessages = 10;
  defaultMessageSize = 8192;
}
