/**
 * The host's terminal, handed to the guest: our line discipline does the editing, echo and signals, so the host's is
 * switched off while a guest runs and back on at every way out.
 *
 * Node's raw mode leaves output processing on: the host turns "\\n" into "\\r\\n". The guest's own discipline has done that
 * already, or the program switched it off because it means a bare line feed (full-screen programs do). So "\\r\\n" is passed
 * on as "\\n", and a bare "\\n" as a vertical tab, which terminals treat as a line feed that keeps the column
 * (ECMA-48 8.3.161, xterm's control sequences) and which no host rewrites.
 */
import type { ByteSink, ByteSource, HostTerminal, WindowSize } from "../interface.ts";
import { FdSink, SilentSource, StreamSource } from "./streams.ts";

const CR = 13;
const LF = 10;
const VT = 11;

/** Rewrites line ends for a terminal that adds a carriage return to each line feed. */
export class LineFeedFilter implements ByteSink {
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  get closed(): boolean {
    return this.#sink.closed;
  }

  write(chunk: Uint8Array): boolean {
    const out = new Uint8Array(chunk.length + 1);
    let n = 0;
    let held = false;
    for (const byte of chunk) {
      if (held && byte !== LF) out[n++] = CR;
      if (byte === LF) out[n++] = held ? LF : VT;
      else if (byte !== CR) out[n++] = byte;
      held = byte === CR;
    }
    // What ends in a carriage return is shown now; a line feed in the next chunk then moves down in column 1 all the same.
    if (held) out[n++] = CR;
    return this.#sink.write(out.subarray(0, n));
  }

  onDrained(callback: () => void): void {
    this.#sink.onDrained(callback);
  }

  onClosed(callback: () => void): void {
    this.#sink.onClosed(callback);
  }

  flush(): Promise<void> {
    return this.#sink.flush();
  }
}

export class NodeTerminal implements HostTerminal {
  readonly input: ByteSource;
  readonly output: ByteSink;
  readonly #onExit: () => void = () => this.restore();
  #raw = false;

  /** @param hasInput the keyboard is ours too: standard input is the terminal */
  constructor(outputFd: number, hasInput: boolean) {
    this.input = hasInput ? new StreamSource(() => process.stdin) : new SilentSource();
    this.output = new LineFeedFilter(new FdSink(outputFd));
  }

  size(): WindowSize {
    const out = process.stdout.isTTY ? process.stdout : process.stderr.isTTY ? process.stderr : undefined;
    return { rows: out?.rows ?? 24, columns: out?.columns ?? 80 };
  }

  onResize(callback: () => void): void {
    const out = process.stdout.isTTY ? process.stdout : process.stderr;
    out.on("resize", callback);
  }

  setRaw(): void {
    if (this.#raw || process.stdin.isTTY !== true) return;
    process.stdin.setRawMode(true);
    this.#raw = true;
    process.on("exit", this.#onExit);
  }

  restore(): void {
    if (!this.#raw) return;
    this.#raw = false;
    process.stdin.setRawMode(false);
    process.removeListener("exit", this.#onExit);
  }
}
