/** What adjtimex(2) keeps of the clock's adjustment: as a kernel starts that nobody has synchronised (kernel/time/ntp.c). */
export const STA_UNSYNC = 0x40;
export const STA_NANO = 0x2000;
/** Microseconds. */
export const MAX_ERROR = 16_000_000;

export class ClockDiscipline {
  /** STA_* */
  status: number = STA_UNSYNC;
  /** Nanoseconds. */
  offset = 0;
  /** What adjtime(3) has asked for, microseconds. */
  adjustment = 0;
  /** Parts per million with a 16-bit fraction. */
  frequency = 0;
  /** Microseconds. */
  maxError: number = MAX_ERROR;
  estimatedError: number = MAX_ERROR;
  timeConstant = 2;
  /** Microseconds of a tick of USER_HZ. */
  tick = 10_000;
  /** Seconds that atomic time is ahead. */
  tai = 0;
}
