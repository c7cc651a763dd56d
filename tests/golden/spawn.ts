// Runs a host command with pipes, or on a terminal, with a limit on time.

import { spawn } from "node:child_process";
import type { RawOutcome } from "./types.ts";

export interface HostCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** More output than any case writes: a runaway guest is stopped here and not when the host is out of memory. */
const maximumOutput = 4 << 20;

/** Runs `command` with stdin `input` (absent: /dev/null); it and all its children are killed after `timeout` ms. */
export function runPiped(command: HostCommand, input: string | undefined, timeout: number): Promise<RawOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command.file, command.args, {
      env: command.env,
      detached: true,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    let timedOut = false;
    const kill = (): void => {
      timedOut = true;
      try {
        process.kill(-(child.pid ?? 0), "SIGKILL");
      } catch {
        // It has just ended by itself.
      }
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    const timer = setTimeout(kill, timeout);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let total = 0;
    const collect = (chunks: Buffer[]) => (chunk: Buffer) => {
      chunks.push(chunk);
      total += chunk.length;
      if (total > maximumOutput) {
        kill();
      }
    };
    child.stdout?.on("data", collect(stdout));
    child.stderr?.on("data", collect(stderr));
    // A guest that ends without reading its input is no error here.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr),
        status: code ?? -1,
        timedOut: timedOut || signal !== null,
        screens: [],
      });
    });
  });
}
