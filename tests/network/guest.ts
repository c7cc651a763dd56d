// A guest with a network, started through the command.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as net from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

export interface Guest {
  readonly child: ChildProcess;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when standard output has the text. */
  says(text: string): Promise<void>;
  /** The status, or the signal, once it has ended. */
  readonly ended: Promise<number | string>;
}

export function start(options: readonly string[], script: string): Guest {
  const bin = process.env["TSRCORE_BIN"] ?? join(repository, "bin/tsrcore.mjs");
  const child = spawn(process.execPath, [bin, "run", ...options, "sh", "-c", script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("latin1");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("latin1");
  });
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  const says = async (text: string): Promise<void> => {
    while (!stdout.includes(text)) {
      if (child.exitCode !== null) throw new Error(`ended without "${text}": ${stdout}${stderr}`);
      await sleep(10);
    }
  };
  return { child, stdout: () => stdout, stderr: () => stderr, says, ended };
}

/** Runs a guest to its end. */
export async function run(
  options: readonly string[],
  script: string,
): Promise<{ status: number | string; output: string }> {
  const guest = start(options, script);
  const status = await guest.ended;
  return { status, output: guest.stdout() + guest.stderr() };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A port that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Waits in the guest until somebody listens at a port. */
export const AWAIT = 'w() { while ! netstat -ltn | grep -q ":$1 "; do usleep 10000; done; };';

/** All that comes from a connection until its end; `error` if that is one. */
export async function readAll(socket: net.Socket): Promise<{ bytes: Buffer; error: string | undefined }> {
  const chunks: Buffer[] = [];
  let error: string | undefined;
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", (e) => {
    error = (e as NodeJS.ErrnoException).code;
  });
  await new Promise<void>((resolve) => socket.on("close", () => resolve()));
  return { bytes: Buffer.concat(chunks), error };
}
