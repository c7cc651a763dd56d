/**
 * The deterministic host: a clock that stands still until it is moved, timers that fire when it is, random bytes from a
 * seed, and streams that are byte arrays. For tests, and for runs that shall be the same to the byte.
 */
import type { ByteSink, ByteSource, Clock, Console, Host, HostNetwork, Random, Timers } from "../interface.ts";

export interface MemoryHostOptions {
  /** Nanoseconds since 1970 at the start; 2024-01-01 by default. */
  readonly realtime?: bigint;
  readonly seed?: number;
  readonly stdin?: Uint8Array;
  readonly network?: HostNetwork;
}

interface Timer {
  readonly due: bigint;
  readonly order: number;
  readonly callback: () => void;
}

export class MemoryHost implements Host {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly console: Console;
  readonly stdout: CapturedSink = new CapturedSink();
  readonly stderr: CapturedSink = new CapturedSink();
  readonly logged: string[] = [];
  readonly network?: HostNetwork;
  #monotonic = 0n;
  #realtime: bigint;
  #timers: Timer[] = [];
  #order = 0;
  #turns: (() => void)[] = [];

  constructor(options: MemoryHostOptions = {}) {
    this.#realtime = options.realtime ?? 1_704_067_200_000_000_000n;
    this.clock = { realtime: () => this.#realtime + this.#monotonic, monotonic: () => this.#monotonic };
    this.timers = {
      after: (ms, callback) => {
        const due = this.#monotonic + BigInt(Math.ceil(Math.max(0, ms) * 1e6));
        const timer: Timer = { due, order: this.#order++, callback };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((t) => t !== timer);
        };
      },
      yield: (callback) => {
        this.#turns.push(callback);
      },
    };
    if (options.network !== undefined) this.network = options.network;
    this.random = new SeededRandom(options.seed ?? 1);
    const stdin = new FixedSource(options.stdin ?? new Uint8Array(0));
    const kinds = { stdin: "stream", stdout: "stream", stderr: "stream" } as const;
    this.console = { stdin, stdout: this.stdout, stderr: this.stderr, kinds };
  }

  log(line: string): void {
    this.logged.push(line);
  }

  /** Timers that are armed. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Sets what CLOCK_REALTIME shows, as an administrator would. */
  setRealtime(ns: bigint): void {
    this.#realtime = ns - this.#monotonic;
  }

  /** Moves the clock without letting anything happen. */
  tick(ms: number): void {
    this.#monotonic += BigInt(Math.round(ms * 1e6));
  }

  /** Lets everything happen that can happen without the clock moving. */
  async settle(): Promise<void> {
    for (;;) {
      // A whole turn of the real event loop, so that chains of promises of any length have run.
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      const turns = this.#turns;
      if (turns.length === 0) return;
      this.#turns = [];
      for (const turn of turns) turn();
    }
  }

  /** Moves the clock on, firing the timers on the way each at its time. */
  async advance(ms: number): Promise<void> {
    await this.settle();
    const end = this.#monotonic + BigInt(Math.round(ms * 1e6));
    for (;;) {
      const due = this.#timers.filter((t) => t.due <= end);
      const [first] = due.sort((a, b) => Number(a.due - b.due) || a.order - b.order);
      if (first === undefined) break;
      this.#timers = this.#timers.filter((t) => t !== first);
      if (first.due > this.#monotonic) this.#monotonic = first.due;
      first.callback();
      await this.settle();
    }
    this.#monotonic = end;
  }
}

/** xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  fill(into: Uint8Array): void {
    for (let i = 0; i < into.length; i++) {
      let x = this.#state;
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      this.#state = x >>> 0;
      into[i] = x & 0xff;
    }
  }
}

class FixedSource implements ByteSource {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  start(data: (chunk: Uint8Array) => boolean, end: () => void): void {
    const rest = this.#bytes.subarray(this.#position);
    this.#position = this.#bytes.length;
    if (rest.length > 0) data(rest);
    end();
  }

  resume(): void {}

  stop(): void {}

  readNow(into: Uint8Array): number {
    const chunk = this.#bytes.subarray(this.#position, this.#position + into.length);
    into.set(chunk);
    this.#position += chunk.length;
    return chunk.length;
  }
}

/** A sink that keeps what it is given. */
export class CapturedSink implements ByteSink {
  readonly #chunks: Uint8Array[] = [];
  closed = false;
  #onClosed: (() => void)[] = [];

  write(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk.slice());
    return true;
  }

  onDrained(): void {}

  onClosed(callback: () => void): void {
    this.#onClosed.push(callback);
  }

  /** As if the reader went away. */
  close(): void {
    this.closed = true;
    const callbacks = this.#onClosed;
    this.#onClosed = [];
    for (const callback of callbacks) callback();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#chunks.reduce((n, chunk) => n + chunk.length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}
