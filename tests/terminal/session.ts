/**
 * The command on a pseudo-terminal of its own, and a shell around it that shows the terminal's modes (`stty -g`) before and
 * after. The shell is not the one that restores them: it is a plain `sh` without line editing. On each start of the
 * command a line says its process number, so that a signal can be sent to tsrcore and to nobody else.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as nodePty from "@lydell/node-pty";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const COMMAND = process.env["TSRCORE_BIN"] ?? join(repository, "bin/tsrcore.mjs");

export class Session {
  readonly #pty: nodePty.IPty;
  readonly #directory: string;
  #text = "";
  #ended = false;
  #changed: () => void = () => undefined;

  /**
   * @param script for sh; `tsrcore` in it is the command, announced by a line `pid=N`, and `modes` prints `modes=...`
   * @param options environment for node
   */
  constructor(script: string, options: { readonly nodeOptions?: string; readonly jobControl?: boolean } = {}) {
    this.#directory = mkdtempSync(join(tmpdir(), "tsrcore-terminal-"));
    const file = join(this.#directory, "script");
    const command = `${process.execPath} ${COMMAND}`;
    writeFileSync(
      file,
      [
        `tsrcore() { sh -c 'echo "pid=$$"; exec ${command} "$@"' sh "$@"; }`,
        'modes() { echo "modes=$(stty -g)"; }',
        script,
        "echo finished",
        "",
      ].join("\n"),
    );
    const { jobControl = false, nodeOptions = "" } = options;
    this.#pty = nodePty.spawn("sh", [...(jobControl ? ["-m"] : []), file], {
      cols: 200,
      rows: 24,
      env: { PATH: process.env["PATH"] ?? "", HOME: this.#directory, TERM: "xterm", NODE_OPTIONS: nodeOptions },
    });
    this.#pty.onData((data) => {
      this.#text += data;
      this.#changed();
    });
    this.#pty.onExit(() => {
      this.#ended = true;
      this.#changed();
    });
  }

  /** Everything that was shown, with plain line ends. */
  get text(): string {
    return this.#text.replaceAll("\r", "").replaceAll("\v", "\n");
  }

  /** The modes that were shown, in order. */
  get modes(): string[] {
    return [...this.text.matchAll(/^modes=(.*)$/gm)].map((match) => match[1] as string);
  }

  /** Waits until a pattern was shown. */
  async shown(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      if (this.#ended) throw new Error(`the terminal was closed before it showed ${pattern}:\n${this.text}`);
      await this.#change(`${pattern}`);
    }
  }

  /** Waits until the shell itself has ended. */
  async end(): Promise<void> {
    await this.shown(/^finished$/m);
    while (!this.#ended) await this.#change("the end");
  }

  write(text: string): void {
    this.#pty.write(text);
  }

  /** Sends a signal to the newest tsrcore alone. */
  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Process number of the newest tsrcore. */
  get pid(): number {
    const pid = [...this.text.matchAll(/^pid=(\d+)$/gm)].at(-1)?.[1];
    if (pid === undefined) throw new Error(`tsrcore has not started:\n${this.text}`);
    return Number(pid);
  }

  /** Closes the terminal, as when its window is closed. */
  hangUp(): void {
    (this.#pty as unknown as { destroy(): void }).destroy();
  }

  close(): void {
    if (!this.#ended) this.#pty.kill("SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #change(what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited in vain for ${what}:\n${this.text}`)), 20_000);
      this.#changed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
