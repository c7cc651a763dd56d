/** timerfd_create(2): a timer whose expirations are read. */
import { EAGAIN, ECANCELED, EINVAL } from "../abi/errno.ts";
import { TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET } from "../abi/eventpoll.ts";
import { CLOCK_REALTIME, CLOCK_REALTIME_ALARM } from "../abi/time.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile } from "../vfs/file.ts";
import { type Inode, POLLIN } from "../vfs/types.ts";
import type { Kernel } from "./kernel.ts";

export interface TimerSetting {
  /** Nanoseconds; 0: the timer is off, or fires once. */
  readonly value: number;
  readonly interval: number;
}

export class TimerFile extends BaseFile {
  readonly queue: WaitQueue = new WaitQueue();
  readonly clock: number;
  readonly #kernel: Kernel;
  /** Monotonic time of the next expiration; Infinity while the timer is off. */
  #next: number = Number.POSITIVE_INFINITY;
  #interval = 0;
  /** The clock was set, and nobody has read that. */
  #cancelled = false;
  #forget: () => void = () => undefined;
  /** TFD_* of the last setting. */
  #flags = 0;
  #cancel: () => void = () => undefined;
  /** Expirations that `#advance` has counted and nobody has read. */
  #expirations = 0;

  constructor(kernel: Kernel, clock: number, inode: Inode, flags: number) {
    super(inode, flags, undefined);
    this.#kernel = kernel;
    this.clock = clock;
    if (this.#isReal) this.#forget = kernel.timers.whenSet((by) => this.#clockSet(by));
  }

  /** timerfd_clock_was_set(): an absolute timer goes by the new time, and whoever has asked for it is told. */
  #clockSet(by: number): void {
    if ((this.#flags & TFD_TIMER_ABSTIME) === 0 || this.#next === Number.POSITIVE_INFINITY) return;
    this.#cancel();
    this.#next -= by;
    this.#arm();
    if ((this.#flags & TFD_TIMER_CANCEL_ON_SET) === 0) return;
    this.#cancelled = true;
    this.queue.wake(POLLIN);
  }

  override describe(): string {
    return "anon_inode:[timerfd]";
  }

  details(): string {
    const { value, interval } = this.get();
    const time = (ns: number): string => `(${Math.floor(ns / 1e9)}, ${Math.floor(ns % 1e9)})`;
    return (
      `clockid: ${this.clock}\nticks: ${this.#expirations}\nsettime flags: 0${this.#flags.toString(8)}\n` +
      `it_value: ${time(value)}\nit_interval: ${time(interval)}\n`
    );
  }

  get #isReal(): boolean {
    return this.clock === CLOCK_REALTIME || this.clock === CLOCK_REALTIME_ALARM;
  }

  /** The timer's own clock, in nanoseconds (for real time about 200 ns exact). */
  #clockNow(): number {
    return this.#isReal ? Number(this.#kernel.realtime()) : this.#kernel.now();
  }

  /** What is left, and the interval. */
  get(): TimerSetting {
    this.#advance();
    if (this.#next === Number.POSITIVE_INFINITY) return { value: 0, interval: this.#interval };
    return { value: Math.max(1, this.#next - this.#kernel.now()), interval: this.#interval };
  }

  /** @param flags TFD_TIMER_ABSTIME: `value` is a time of the timer's clock, not a distance from now */
  set(setting: TimerSetting, flags: number): TimerSetting {
    const absolute = (flags & TFD_TIMER_ABSTIME) !== 0;
    this.#flags = flags;
    const old = this.get();
    this.#cancelled = false;
    this.#cancel();
    this.#expirations = 0;
    this.#interval = setting.interval;
    if (setting.value === 0) this.#next = Number.POSITIVE_INFINITY;
    else {
      const now = this.#kernel.now();
      this.#next = absolute ? now + (setting.value - this.#clockNow()) : now + setting.value;
      this.#arm();
    }
    return old;
  }

  #arm(): void {
    if (this.#next === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#kernel.timers.at(this.#next, () => this.queue.wake(POLLIN));
  }

  /** Counts the expirations that have passed, and arms the timer for the next. */
  #advance(): void {
    const now = this.#kernel.now();
    if (now < this.#next) return;
    if (this.#interval === 0) {
      this.#expirations++;
      this.#next = Number.POSITIVE_INFINITY;
      return;
    }
    const passed = Math.floor((now - this.#next) / this.#interval) + 1;
    this.#expirations += passed;
    this.#next += passed * this.#interval;
    this.#cancel();
    this.#arm();
  }

  override read(into: Uint8Array): number {
    if (into.length < 8) return -EINVAL;
    this.#advance();
    if (this.#cancelled) {
      this.#cancelled = false;
      this.#expirations = 0;
      return -ECANCELED;
    }
    if (this.#expirations === 0) return -EAGAIN;
    new DataView(into.buffer, into.byteOffset).setBigUint64(0, BigInt(this.#expirations), true);
    this.#expirations = 0;
    return 8;
  }

  override poll(): number {
    this.#advance();
    return this.#expirations > 0 || this.#cancelled ? POLLIN : 0;
  }

  override close(): void {
    this.#cancel();
    this.#forget();
    super.close();
  }
}
