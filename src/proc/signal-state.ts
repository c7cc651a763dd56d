/**
 * What is remembered about signals: sets, the handler table, and queues of pending ones. What happens with them is in
 * signals.ts (sending) and deliver.ts (taking).
 */
import type { SiginfoFields } from "../abi/siginfo.ts";
import { NSIG, SI_TIMER, SIG_DFL, SIG_IGN, SIGRTMIN } from "../abi/signal.ts";

/** A set of signals 1..64, as two words so that no operation allocates. Signal n is bit n-1. */
export class SignalSet {
  lo: number;
  hi: number;

  constructor(lo = 0, hi = 0) {
    this.lo = lo;
    this.hi = hi;
  }

  static of(...signals: readonly number[]): SignalSet {
    const set = new SignalSet();
    for (const signal of signals) set.add(signal);
    return set;
  }

  has(signal: number): boolean {
    return signal <= 32 ? ((this.lo >>> (signal - 1)) & 1) === 1 : ((this.hi >>> (signal - 33)) & 1) === 1;
  }

  add(signal: number): void {
    if (signal <= 32) this.lo |= 1 << (signal - 1);
    else this.hi |= 1 << (signal - 33);
  }

  delete(signal: number): void {
    if (signal <= 32) this.lo &= ~(1 << (signal - 1));
    else this.hi &= ~(1 << (signal - 33));
  }

  assign(other: SignalSet): void {
    this.lo = other.lo;
    this.hi = other.hi;
  }

  clone(): SignalSet {
    return new SignalSet(this.lo, this.hi);
  }

  get empty(): boolean {
    return (this.lo | this.hi) === 0;
  }

  equals(other: SignalSet): boolean {
    return this.lo >>> 0 === other.lo >>> 0 && this.hi >>> 0 === other.hi >>> 0;
  }
}

export type SignalInfo = SiginfoFields;

export interface SignalAction {
  /** SIG_DFL, SIG_IGN or a guest address. */
  readonly handler: number;
  /** SA_*, all 64 bits of which only the lower 32 are defined. */
  readonly flags: number;
  readonly restorer: number;
  /** Blocked while the handler runs. */
  readonly mask: SignalSet;
}

const DEFAULT: SignalAction = { handler: SIG_DFL, flags: 0, restorer: 0, mask: new SignalSet() };

/** The sigaction table: shared by the tasks of a thread group, and beyond by CLONE_SIGHAND. */
export class SignalHandlers {
  readonly #actions: SignalAction[];

  constructor(actions?: readonly SignalAction[]) {
    this.#actions = actions === undefined ? new Array<SignalAction>(NSIG + 1).fill(DEFAULT) : [...actions];
  }

  get(signal: number): SignalAction {
    return this.#actions[signal] as SignalAction;
  }

  set(signal: number, action: SignalAction): void {
    this.#actions[signal] = action;
  }

  clone(): SignalHandlers {
    return new SignalHandlers(this.#actions);
  }

  /** The table after execve: handlers are gone, what was ignored stays ignored (execve(2)). */
  afterExec(): SignalHandlers {
    return new SignalHandlers(
      this.#actions.map((a) => (a.handler === SIG_IGN ? { ...DEFAULT, handler: SIG_IGN } : DEFAULT)),
    );
  }
}

/** Signals that wait to be delivered, to one task or to a thread group. */
export class PendingSignals {
  readonly set: SignalSet = new SignalSet();
  #queue: SignalInfo[] = [];

  get length(): number {
    return this.#queue.length;
  }

  /** False if a standard signal was pending already: it is not queued twice (signal(7)), but for those of timers. */
  add(info: SignalInfo): boolean {
    if (info.signal < SIGRTMIN && info.settle === undefined && this.set.has(info.signal)) return false;
    this.set.add(info.signal);
    this.#queue.push(info);
    return true;
  }

  list(): readonly SignalInfo[] {
    return this.#queue;
  }

  /** Is an expiry of this POSIX timer still waiting? */
  hasTimer(id: number): boolean {
    return this.#queue.some((info) => info.code === SI_TIMER && info.timerId === id);
  }

  /** Takes the first instance of a signal. */
  take(signal: number): SignalInfo | undefined {
    const at = this.#queue.findIndex((info) => info.signal === signal);
    if (at < 0) return undefined;
    const [info] = this.#queue.splice(at, 1);
    if (!this.#queue.some((other) => other.signal === signal)) this.set.delete(signal);
    return info?.settle === undefined ? info : { ...info, overrun: info.settle() };
  }

  /** A POSIX timer is set anew, or is no more: what it has sent is void. */
  removeTimer(id: number): void {
    const at = this.#queue.findIndex((info) => info.code === SI_TIMER && info.timerId === id);
    const [info] = at < 0 ? [] : this.#queue.splice(at, 1);
    if (info !== undefined && !this.#queue.some((other) => other.signal === info.signal)) this.set.delete(info.signal);
  }

  /** Forgets every instance of the signals in the set. */
  discard(signals: SignalSet): void {
    if ((this.set.lo & signals.lo) === 0 && (this.set.hi & signals.hi) === 0) return;
    this.#queue = this.#queue.filter((info) => !signals.has(info.signal));
    this.set.lo &= ~signals.lo;
    this.set.hi &= ~signals.hi;
  }

  clear(): void {
    this.#queue = [];
    this.set.lo = 0;
    this.set.hi = 0;
  }
}
