/**
 * Standard input, output and error of the Node process as byte sources and sinks.
 *
 * What makes this more than `process.stdin` and `process.stdout`:
 * - Nothing is read before the guest asks: `while read line; do tsrcore run ./x; done <file` must not lose its lines. A
 *   regular file is read synchronously, exactly as many bytes as were asked for, at the shared position.
 * - A pipe is shared with other processes, and O_NONBLOCK belongs to the shared description. So a pipe is opened anew
 *   through /proc/self/fd, which gives a description of our own to the same pipe.
 * - Output is written at once (nothing to flush when the process is killed); only when the reader is slow does it go
 *   through the event loop, and the guest waits.
 */
import * as fs from "node:fs";
import { isatty } from "node:tty";
import type { ByteSink, ByteSource } from "../interface.ts";

const CHUNK = 65536;

/** A regular file or character device as standard input: read where the guest reads, never ahead. */
export class FileSource implements ByteSource {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  readNow(into: Uint8Array): number {
    try {
      return fs.readSync(this.#fd, into, 0, into.length, null);
    } catch {
      return 0;
    }
  }

  start(data: (chunk: Uint8Array) => boolean, end: () => void): void {
    const chunk = new Uint8Array(CHUNK);
    for (;;) {
      const n = this.readNow(chunk);
      if (n === 0) break;
      data(chunk.slice(0, n));
    }
    end();
  }

  resume(): void {}

  stop(): void {}
}

/** What a source needs of a Node stream. */
export interface NodeReadable {
  on(event: "data" | "end" | "error" | "close", listener: (chunk: Uint8Array) => void): unknown;
  removeListener(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  unref?(): unknown;
}

/** A pipe, socket or terminal as standard input, by the event loop. */
export class StreamSource implements ByteSource {
  readonly #open: () => NodeReadable;
  #stream: NodeReadable | undefined;
  #onData: ((chunk: Uint8Array) => void) | undefined;

  constructor(open: () => NodeReadable) {
    this.#open = open;
  }

  start(data: (chunk: Uint8Array) => boolean, end: () => void): void {
    const stream = this.#open();
    this.#stream = stream;
    let ended = false;
    this.#onData = (chunk) => {
      if (!data(chunk)) stream.pause();
    };
    const onEnd = (): void => {
      if (ended) return;
      ended = true;
      end();
    };
    stream.on("data", this.#onData);
    stream.on("end", onEnd);
    stream.on("error", onEnd);
    stream.on("close", onEnd);
  }

  resume(): void {
    this.#stream?.resume();
  }

  stop(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#stream = undefined;
    if (this.#onData !== undefined) stream.removeListener("data", this.#onData);
    stream.pause();
    stream.unref?.();
  }
}

export class EmptySource implements ByteSource {
  start(_data: (chunk: Uint8Array) => boolean, end: () => void): void {
    end();
  }
  resume(): void {}
  stop(): void {}
}

/** Nothing ever comes, and it does not end. */
export class SilentSource implements ByteSource {
  start(): void {}
  resume(): void {}
  stop(): void {}
}

/** Standard input of whatever kind, opened on first use. */
export function standardInput(fd: number): ByteSource {
  let stat: fs.Stats;
  try {
    stat = fs.fstatSync(fd);
  } catch {
    return new EmptySource();
  }
  if (stat.isFile() || stat.isBlockDevice()) return new FileSource(fd);
  if (stat.isCharacterDevice() && !isatty(fd)) return new FileSource(fd);
  return new StreamSource(() =>
    stat.isFIFO() ? (reopenedPipe(fd, fs.constants.O_RDONLY) ?? process.stdin) : process.stdin,
  );
}

/** A description of our own for the pipe behind `fd`, where the system has /proc. */
function ownDescription(fd: number, flags: number): number | undefined {
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, flags | fs.constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

function reopenedPipe(fd: number, flags: number): import("node:net").Socket | undefined {
  const own = ownDescription(fd, flags);
  if (own === undefined) return undefined;
  const net = process.getBuiltinModule?.("node:net");
  if (net === undefined) {
    fs.closeSync(own);
    return undefined;
  }
  return new net.Socket({
    fd: own,
    readable: flags === fs.constants.O_RDONLY,
    writable: flags === fs.constants.O_WRONLY,
  });
}

/** Standard output or error: synchronous while the reader keeps up. */
export class FdSink implements ByteSink {
  #fd: number;
  readonly #isPipe: boolean;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #drained: (() => void)[] = [];
  #closedCallbacks: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delay = 1;
  #prepared = false;
  closed = false;

  constructor(fd: number) {
    this.#fd = fd;
    let pipe = false;
    try {
      pipe = fs.fstatSync(fd).isFIFO();
    } catch {
      this.closed = true;
    }
    this.#isPipe = pipe;
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed) return true;
    if (!this.#prepared) {
      this.#prepared = true;
      if (this.#isPipe) this.#fd = ownDescription(this.#fd, fs.constants.O_WRONLY) ?? this.#fd;
    }
    if (this.#pending.length > 0) {
      this.#keep(chunk);
      return false;
    }
    const written = this.#writeNow(chunk);
    if (written === chunk.length || this.closed) return true;
    this.#keep(chunk.subarray(written));
    return false;
  }

  onDrained(callback: () => void): void {
    if (this.#pending.length === 0) callback();
    else this.#drained.push(callback);
  }

  onClosed(callback: () => void): void {
    if (this.closed) callback();
    else this.#closedCallbacks.push(callback);
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.onDrained(resolve));
  }

  /** How many bytes the system took. */
  #writeNow(chunk: Uint8Array): number {
    let done = 0;
    while (done < chunk.length) {
      try {
        done += fs.writeSync(this.#fd, chunk, done, Math.min(chunk.length - done, CHUNK));
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === "EAGAIN") return done;
        if (code === "EINTR") continue;
        this.#close();
        return chunk.length;
      }
    }
    return done;
  }

  #keep(chunk: Uint8Array): void {
    this.#pending.push(chunk.slice());
    this.#pendingBytes += chunk.length;
    this.#retryLater();
  }

  /** A full pipe is tried again after 1, 2, 4, ... 16 ms: Node offers no wait for "writable" on a bare descriptor. */
  #retryLater(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      let progress = false;
      while (this.#pending.length > 0 && !this.closed) {
        const first = this.#pending[0] as Uint8Array;
        const n = this.#writeNow(first);
        if (n > 0) progress = true;
        this.#pendingBytes -= n;
        if (n < first.length) {
          this.#pending[0] = first.subarray(n);
          break;
        }
        this.#pending.shift();
      }
      this.#delay = progress ? 1 : Math.min(this.#delay * 2, 16);
      if (this.#pending.length > 0 && !this.closed) this.#retryLater();
      else this.#drain();
    }, this.#delay);
  }

  #drain(): void {
    const callbacks = this.#drained;
    this.#drained = [];
    for (const callback of callbacks) callback();
  }

  #close(): void {
    this.closed = true;
    this.#pending = [];
    this.#pendingBytes = 0;
    const callbacks = this.#closedCallbacks;
    this.#closedCallbacks = [];
    for (const callback of callbacks) callback();
    this.#drain();
  }
}
