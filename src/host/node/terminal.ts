/**
 * The host's terminal, handed to the guest: our line discipline does the editing, echo and signals, so the host's is
 * switched off while a guest runs and back on at every way out.
 *
 * Node's raw mode leaves output processing on: the host turns "\\n" into "\\r\\n". The guest's own discipline has done that
 * already, or the program switched it off because it means a bare line feed (full-screen programs do). So "\\r\\n" is passed
 * on as "\\n", and a bare "\\n" as a vertical tab, which terminals treat as a line feed that keeps the column
 * (ECMA-48 8.3.161, xterm's control sequences) and which no host rewrites.
 */
import { constants } from "node:os";
import type { ByteSink, ByteSource, HostTerminal, WindowSize } from "../interface.ts";
import { FdSink, SilentSource, StreamSource } from "./streams.ts";

/**
 * Signals that end a process by default, and that Node lets one catch. Those that a user sends on purpose (SIGHUP, SIGINT,
 * SIGQUIT, SIGTERM) are missing: the command passes them on to the guest.
 */
const DEADLY: readonly NodeJS.Signals[] = [
  "SIGABRT",
  "SIGALRM",
  "SIGIO",
  "SIGPWR",
  "SIGSTKFLT",
  "SIGSYS",
  "SIGTRAP",
  "SIGUSR2",
  "SIGVTALRM",
  "SIGXCPU",
];

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
  /** What is listened to while the terminal is raw. */
  readonly #listeners: readonly (readonly [event: string, listener: () => void])[] = [
    ["exit", () => this.restore()],
    ["SIGTSTP", () => this.#stop()],
    ["SIGCONT", () => this.#continue()],
    ...DEADLY.map((signal) => [signal, () => this.#die(signal)] as const),
  ];
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
    for (const [event, listener] of this.#listeners) if (isKnown(event)) process.on(event, listener);
  }

  restore(): void {
    if (!this.#raw) return;
    this.#raw = false;
    process.stdin.setRawMode(false);
    for (const [event, listener] of this.#listeners) process.removeListener(event, listener);
  }

  /** As the default action of the signal, but the shell gets its terminal back first. */
  #stop(): void {
    process.stdin.setRawMode(false);
    process.kill(process.pid, "SIGSTOP");
  }

  /** Whoever stopped us may have changed the modes; libuv does nothing where it believes that they are set. */
  #continue(): void {
    process.stdin.setRawMode(false);
    process.stdin.setRawMode(true);
  }

  #die(signal: NodeJS.Signals): void {
    // Without our listener the default action is back.
    this.restore();
    process.kill(process.pid, signal);
  }
}

/** Node refuses listeners for signals that the host's system does not have. */
function isKnown(event: string): boolean {
  return !event.startsWith("SIG") || event in constants.signals;
}
