/** The Node.js host: clock, timers, randomness and the process's own standard streams. */
import { webcrypto } from "node:crypto";
import { fstatSync, statSync } from "node:fs";
import { isatty } from "node:tty";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Clock, CodeStore, Console, Host, HostNetwork, StreamKind } from "../interface.ts";
import { FdSink, standardInput } from "./streams.ts";
import { NodeTerminal } from "./terminal.ts";

export interface NodeHostOptions {
  /** Where `log` lines go; the process's standard error by default. */
  readonly log?: (line: string) => void;
  /** Where code is kept from run to run (code-store.ts); nowhere by default. */
  readonly codeStore?: CodeStore | undefined;
  /** The way to the network (network.ts); none by default. */
  readonly network?: HostNetwork | undefined;
}

export function createNodeHost(options: NodeHostOptions = {}): Host {
  return {
    clock: new NodeClock(),
    timers: {
      after: (ms, callback) => {
        // setTimeout rounds to whole milliseconds and never waits more than 2^31-1 of them.
        const timer = setTimeout(callback, Math.min(Math.ceil(ms), 0x7fff_ffff));
        return () => clearTimeout(timer);
      },
      yield: (callback) => {
        setImmediate(callback);
      },
    },
    random: {
      fill: (into) => {
        for (let at = 0; at < into.length; at += 65536)
          webcrypto.getRandomValues(into.subarray(at, Math.min(at + 65536, into.length)) as Uint8Array<ArrayBuffer>);
      },
    },
    console: nodeConsole(),
    dropped: collector(),
    ...(options.codeStore === undefined ? {} : { codeStore: options.codeStore }),
    ...(options.network === undefined ? {} : { network: options.network }),
    log: options.log ?? ((line) => process.stderr.write(`tsrcore: ${line}\n`)),
  };
}

/** Real time is hrtime and an offset, since Date.now() has but milliseconds. */
class NodeClock implements Clock {
  /** Looking it up takes as long as a short call: `process` is a getter. */
  readonly monotonic: () => bigint = process.hrtime.bigint;
  #offset: bigint | undefined;
  /** When the offset was last compared with Date.now(). */
  #compared = 0n;
  /** What the guest has set its clock ahead of the host's. */
  #shift = 0n;

  shift(by: bigint): void {
    this.#shift += by;
  }

  realtime(): bigint {
    const now = this.monotonic();
    return now + this.#offsetAt(now) + this.#shift;
  }

  realtimeOffset(): bigint {
    return this.#offsetAt(this.monotonic()) + this.#shift;
  }

  /** Compared anew every second, so that a change of the host's clock is seen. */
  #offsetAt(now: bigint): bigint {
    if (this.#offset !== undefined && now - this.#compared <= 1_000_000_000n) return this.#offset;
    const offset = BigInt(Date.now()) * 1_000_000n - now;
    const drift = this.#offset === undefined ? undefined : offset - this.#offset;
    if (drift === undefined || drift <= -2_000_000n || drift >= 2_000_000n) this.#offset = offset;
    this.#compared = now;
    return this.#offset as bigint;
  }
}

/** Garbage that is worth a collection (about 10 ms). */
const COLLECTED_BYTES = 64 << 20;

function collector(): (bytes: number) => void {
  let garbage = 0;
  return (bytes) => {
    const due = garbage < COLLECTED_BYTES && garbage + bytes >= COLLECTED_BYTES;
    garbage += bytes;
    if (!due) return;
    // Not at once: whoever has dropped it may still hold it.
    setImmediate(() => {
      garbage = 0;
      setFlagsFromString("--expose-gc");
      (runInNewContext("gc") as () => void)();
    });
  };
}

function nodeConsole(): Console {
  const kinds = { stdin: streamKind(0), stdout: streamKind(1), stderr: streamKind(2) };
  // The terminal is written to where it is open for writing: descriptor 0 of an interactive session is, too.
  const screen =
    kinds.stdout === "terminal" ? 1 : kinds.stderr === "terminal" ? 2 : kinds.stdin === "terminal" ? 0 : undefined;
  const terminal = screen === undefined ? undefined : new NodeTerminal(screen, kinds.stdin === "terminal");
  return {
    ...(terminal === undefined ? {} : { terminal }),
    stdin: terminal !== undefined && kinds.stdin === "terminal" ? terminal.input : standardInput(0),
    stdout: new FdSink(1),
    stderr: new FdSink(2),
    kinds,
  };
}

function streamKind(fd: number): StreamKind {
  if (isatty(fd)) return "terminal";
  try {
    const stat = fstatSync(fd);
    // The null device is character device 1:3 wherever Node runs with such a thing.
    if (stat.isCharacterDevice() && stat.rdev === statSync("/dev/null").rdev) return "null";
    return "stream";
  } catch {
    return "null";
  }
}
