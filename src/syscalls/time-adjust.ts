/** adjtimex(2) and clock_adjtime(2): the clock is the host's, so its state can be read and not be changed. */

import { EINVAL, EOPNOTSUPP, EPERM, errno } from "../abi/errno.ts";
import { CLOCK_REALTIME } from "../abi/time.ts";
import type { Task } from "../proc/task.ts";
import { outPtr } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { clock as clockArg, viewOf, writePair } from "./process-args.ts";

const TIMEX_SIZE = 208;
const ADJ_OFFSET_SS_READ = 0xa001;
const STA_UNSYNC = 0x40;
const TIME_ERROR = 5;
/** What a kernel starts with that nobody has synchronised (kernel/time/ntp.c), microseconds. */
const MAX_ERROR = 16_000_000;
/** Parts per million with a 16-bit fraction: 500 ppm. */
const TOLERANCE = 32_768_000;

function adjust(task: Task, address: number): number {
  const bytes = task.space.writable(address, TIMEX_SIZE);
  const view = viewOf(bytes);
  const modes = view.getUint32(0, true);
  if (modes !== 0 && modes !== ADJ_OFFSET_SS_READ) throw errno(EPERM);
  bytes.fill(0, 8);
  const put = (at: number, value: number): void => view.setBigInt64(at, BigInt(value), true);
  put(24, MAX_ERROR);
  put(32, MAX_ERROR);
  view.setInt32(40, STA_UNSYNC, true);
  put(48, 2);
  put(56, 1);
  put(64, TOLERANCE);
  const now = task.kernel.realtime();
  writePair(view, 72, Number(now / 1_000_000_000n), Number((now % 1_000_000_000n) / 1000n));
  put(88, 10_000);
  return TIME_ERROR;
}

const options = { partial: "the host's clock cannot be changed: EPERM" };

export const clockAdjustmentCalls: readonly SyscallDefinition[] = [
  syscall("adjtimex", [outPtr], adjust, options),
  syscall(
    "clock_adjtime",
    [clockArg, outPtr],
    (task, clock, address) => {
      if (clock !== CLOCK_REALTIME) throw errno(clock < 0 || clock > 11 ? EINVAL : EOPNOTSUPP);
      return adjust(task, address);
    },
    options,
  ),
];
