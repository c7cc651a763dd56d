/** Where strace's lines go: standard error, a file, or with -ff a file for each process. */
import * as fs from "node:fs";
import { CliError } from "./errors.ts";
import { reason } from "./root.ts";

export interface OutputSettings {
  /** -o */
  output: string | undefined;
  /** -A */
  append: boolean;
  /** -ff with -o: `output.pid`. */
  separate: boolean;
}

/** Text that is kept before it is written to a file. */
const BUFFERED = 65536;

interface Target {
  readonly fd: number;
  buffer: string;
}

export class TraceOutput {
  readonly #settings: OutputSettings;
  /** By process; 0 for the one that all share. */
  readonly #targets: Map<number, Target> = new Map();

  constructor(settings: OutputSettings) {
    this.#settings = settings;
    const { output } = settings;
    if (output !== undefined && /^[|!]/.test(output))
      throw new CliError(`strace: -o '${output}': a command cannot be written to; use a file, or standard error`);
    if (output === undefined) this.#targets.set(0, { fd: 2, buffer: "" });
    else if (!settings.separate) this.#targets.set(0, this.#open(output));
  }

  #open(path: string): Target {
    try {
      return { fd: fs.openSync(path, this.#settings.append ? "a" : "w", 0o666), buffer: "" };
    } catch (error) {
      throw new CliError(`strace: Can't fopen '${path}': ${reason(error)}`);
    }
  }

  write(text: string, tid: number): void {
    const { output, separate } = this.#settings;
    const key = separate ? tid : 0;
    let target = this.#targets.get(key);
    if (target === undefined) {
      target = this.#open(`${output}.${tid}`);
      this.#targets.set(key, target);
    }
    target.buffer += text;
    // On a terminal or a pipe every piece is seen at once, in step with the guest's own output.
    if (output === undefined || target.buffer.length > BUFFERED) flush(target);
  }

  /** A message that goes to standard error whatever -o says. */
  message(text: string): void {
    flush({ fd: 2, buffer: text });
  }

  close(): void {
    for (const target of this.#targets.values()) {
      flush(target);
      if (target.fd !== 2) fs.closeSync(target.fd);
    }
    this.#targets.clear();
  }
}

function flush(target: Target): void {
  const bytes = Buffer.from(target.buffer, "utf8");
  target.buffer = "";
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(target.fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
    }
  }
}
