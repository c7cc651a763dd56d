/**
 * adjtimex(2) and clock_adjtime(2). What a program sets is kept and shown, and ADJ_SETOFFSET sets the machine's clock; the
 * rate is the host's clock's, which nobody in here changes. After kernel/time/ntp.c.
 */
import { CAP_SYS_TIME } from "../abi/capability.ts";
import { EINVAL, EOPNOTSUPP, EPERM, errno } from "../abi/errno.ts";
import { CLOCK_REALTIME, USER_HZ } from "../abi/time.ts";
import { type ClockDiscipline, MAX_ERROR, STA_NANO, STA_UNSYNC } from "../proc/clock-discipline.ts";
import type { Task } from "../proc/task.ts";
import { outPtr } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { clock as clockArg, viewOf, writePair } from "./process-args.ts";

const TIMEX_SIZE = 208;

const ADJ_OFFSET = 1;
const ADJ_FREQUENCY = 2;
const ADJ_MAXERROR = 4;
const ADJ_ESTERROR = 8;
const ADJ_STATUS = 0x10;
const ADJ_TIMECONST = 0x20;
const ADJ_TAI = 0x80;
const ADJ_SETOFFSET = 0x100;
const ADJ_MICRO = 0x1000;
const ADJ_NANO = 0x2000;
const ADJ_TICK = 0x4000;
/** With ADJ_OFFSET: as adjtime(3) asks; with ADJ_NANO's bit it is only read. */
const ADJ_ADJTIME = 0x8000;
const ADJ_OFFSET_READONLY = 0x2000;

const STA_PLL = 1;
/** What programs cannot set: STA_PPSSIGNAL to STA_CLOCKERR, STA_NANO, STA_MODE, STA_CLK. */
const STA_RONLY = 0xff00;
const TIME_OK = 0;
const TIME_ERROR = 5;
/** 500 parts per million with a 16-bit fraction. */
const MAX_FREQUENCY = 32_768_000;
const MAX_TIME_CONSTANT = 10;
const MAX_TAI = 100_000;
/** Nanoseconds. */
const MAX_PHASE = 500_000_000;

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

function adjust(task: Task, address: number): number {
  const bytes = task.space.writable(address, TIMEX_SIZE);
  const view = viewOf(bytes);
  const { discipline } = task.kernel;
  const modes = view.getUint32(0, true);
  const field = (at: number): number => Number(view.getBigInt64(at, true));
  const put = (at: number, value: number): void => view.setBigInt64(at, BigInt(Math.trunc(value)), true);
  validate(task, modes, field);
  let offset: number;
  if (modes & ADJ_ADJTIME) {
    offset = discipline.adjustment;
    if ((modes & ADJ_OFFSET_READONLY) === 0) discipline.adjustment = field(8);
  } else {
    if (modes & ADJ_SETOFFSET) {
      const unit = modes & ADJ_NANO ? 1n : 1000n;
      const by = view.getBigInt64(72, true) * 1_000_000_000n + view.getBigInt64(80, true) * unit;
      const to = task.kernel.realtime() + by;
      if (to < 0n) throw errno(EINVAL);
      if (!task.kernel.setRealtime(to)) throw errno(EPERM);
    }
    if (modes !== 0) change(discipline, modes, field, view.getInt32(40, true));
    offset = discipline.status & STA_NANO ? discipline.offset : discipline.offset / 1000;
  }
  bytes.fill(0, 8);
  put(8, offset);
  put(16, discipline.frequency);
  put(24, discipline.maxError);
  put(32, discipline.estimatedError);
  view.setInt32(40, discipline.status, true);
  put(48, discipline.timeConstant);
  put(56, 1);
  put(64, MAX_FREQUENCY);
  const now = task.kernel.realtime();
  const fraction = Number(now % 1_000_000_000n);
  const nano = (discipline.status & STA_NANO) !== 0;
  writePair(view, 72, Number(now / 1_000_000_000n), nano ? fraction : Math.floor(fraction / 1000));
  put(88, discipline.tick);
  view.setInt32(160, discipline.tai, true);
  return discipline.status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

/** timekeeping_validate_timex() */
function validate(task: Task, modes: number, field: (at: number) => number): void {
  const privileged = task.capable(CAP_SYS_TIME);
  if (modes & ADJ_ADJTIME) {
    if ((modes & ADJ_OFFSET) === 0) throw errno(EINVAL);
    if ((modes & ADJ_OFFSET_READONLY) === 0 && !privileged) throw errno(EPERM);
  } else {
    if (modes !== 0 && !privileged) throw errno(EPERM);
    const tick = field(88);
    if (modes & ADJ_TICK && (tick < 900_000 / USER_HZ || tick > 1_100_000 / USER_HZ)) throw errno(EINVAL);
  }
  if (modes & ADJ_SETOFFSET) {
    if (!privileged) throw errno(EPERM);
    const fraction = field(80);
    if (fraction < 0 || fraction >= (modes & ADJ_NANO ? 1e9 : 1e6)) throw errno(EINVAL);
  }
}

/** process_adjtimex_modes() */
function change(state: ClockDiscipline, modes: number, field: (at: number) => number, status: number): void {
  if (modes & ADJ_STATUS) state.status = (state.status & STA_RONLY) | (status & ~STA_RONLY);
  if (modes & ADJ_NANO) state.status |= STA_NANO;
  if (modes & ADJ_MICRO) state.status &= ~STA_NANO;
  const nano = (state.status & STA_NANO) !== 0;
  if (modes & ADJ_FREQUENCY) state.frequency = clamp(field(16), -MAX_FREQUENCY, MAX_FREQUENCY);
  if (modes & ADJ_MAXERROR) state.maxError = clamp(field(24), 0, MAX_ERROR);
  if (modes & ADJ_ESTERROR) state.estimatedError = clamp(field(32), 0, MAX_ERROR);
  if (modes & ADJ_TIMECONST) {
    const constant = clamp(field(48), 0, MAX_TIME_CONSTANT);
    state.timeConstant = Math.min(nano ? constant : constant + 4, MAX_TIME_CONSTANT);
  }
  if (modes & ADJ_TAI && field(48) >= 0 && field(48) <= MAX_TAI) state.tai = field(48);
  if (modes & ADJ_OFFSET && state.status & STA_PLL) {
    state.offset = clamp(nano ? field(8) : field(8) * 1000, -MAX_PHASE, MAX_PHASE);
  }
  if (modes & ADJ_TICK) state.tick = field(88);
}

const options = { partial: "the rate of the clock is not changed" };

export const clockAdjustmentCalls: readonly SyscallDefinition[] = [
  syscall("adjtimex", [outPtr], adjust, options),
  syscall(
    "clock_adjtime",
    [clockArg, outPtr],
    (task, clock, address) => {
      task.space.readable(address, TIMEX_SIZE);
      if (clock !== CLOCK_REALTIME) throw errno(clock < 0 || clock > 11 ? EINVAL : EOPNOTSUPP);
      return adjust(task, address);
    },
    options,
  ),
];
