/**
 * A guest's shell with servers in the background: commands go to its standard input, one after the other, and clients of the
 * host reach the servers through published ports.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const repository: string = fileURLToPath(new URL("../..", import.meta.url));

/** The long form of the tests: `npm run test:servers`. */
export const full: boolean = process.env["TSRCORE_SERVERS_FULL"] === "1";

/** Where test-binaries/servers/build.sh puts what is not in the repository. */
export const built: string =
  process.env["TSRCORE_SERVERS"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "tsrcore-servers");

/** A port of the host that nobody listens on, and nobody is likely to for a moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export interface SessionOptions {
  /** Host port by guest port. */
  readonly ports: Readonly<Record<number, number>>;
  /** Files of the guest's directory /w. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** Root file system; by default the embedded one. */
  readonly root?: string;
  /** Writes the system calls of all processes to the file `strace` in the session's directory. */
  readonly strace?: boolean;
}

export class Session {
  /** On the host; the guest sees it as /w. */
  readonly directory: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  #output = "";
  #count = 0;

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.directory = directory;
    this.pid = child.pid ?? 0;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("latin1");
      stream?.on("data", (text: string) => {
        this.#output += text;
        child.emit("text");
      });
    }
    child.on("close", () => child.emit("text"));
  }

  static start(options: SessionOptions): Session {
    const directory = mkdtempSync(join(tmpdir(), "tsrcore-servers-"));
    for (const [name, content] of Object.entries(options.files)) writeFileSync(join(directory, name), content);
    const args = ["run", "-v", `${directory}:/w`, "-v", `${join(repository, "test-binaries/servers/bin")}:/s:ro`];
    for (const [guest, host] of Object.entries(options.ports)) args.push("-p", `127.0.0.1:${host}:${guest}`);
    if (options.root !== undefined) args.push("--root", options.root);
    if (options.strace) args.push(`--strace=${join(directory, "strace")}`);
    const command = process.env["TSRCORE_BIN"] ?? join(repository, "bin/tsrcore.mjs");
    const child = spawn(process.execPath, [command, ...args, options.root === undefined ? "sh" : "bash"], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    return new Session(child, directory);
  }

  /** Runs a command line and gives what it prints; throws if it fails or takes too long. */
  async sh(line: string, seconds = 30): Promise<string> {
    const mark = `--${this.#count++}--`;
    const from = this.#output.length;
    this.#child.stdin?.write(`${line}\necho "${mark.slice(0, 2)}""${mark.slice(2)}$?"\n`);
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const at = this.#output.indexOf(mark, from);
      const end = this.#output.indexOf("\n", at);
      if (at >= 0 && end >= 0) {
        const printed = this.#output.slice(from, at);
        if (this.#output.slice(at + mark.length, end) !== "0") throw new Error(`${line} failed:\n${printed}`);
        return printed;
      }
      const left = deadline - Date.now();
      if (this.#child.exitCode !== null || left <= 0) throw new Error(`${line}:\n${this.#output.slice(from)}`);
      const timer = setTimeout(() => this.#child.emit("text"), left);
      await once(this.#child, "text");
      clearTimeout(timer);
    }
  }

  /** Repeats a command line until it succeeds. */
  async until(line: string, seconds = 20): Promise<void> {
    await this.sh(
      `n=0; until ${line}; do n=$((n + 1)); [ $n -lt ${seconds * 10} ] || break; sleep 0.1; done; ${line}`,
      seconds + 5,
    );
  }

  /** CPU time of the host's process so far, in milliseconds: user and system. */
  cpuTime(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    // Clock ticks are 10 ms wherever Node runs.
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** What the calls of all processes came to that ended with an error, as `name ERROR`. Only with `strace`. */
  failures(): Set<string> {
    const failed = new Set<string>();
    for (const line of readFileSync(join(this.directory, "strace"), "latin1").split("\n")) {
      const match = /^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed>).* = -1 (E\w+)/.exec(line);
      if (match !== null) failed.add(`${match[1]} ${match[2]}`);
    }
    return failed;
  }

  /** Ends the shell, and with it the machine; gives the exit status. */
  async end(): Promise<number | null> {
    if (this.#child.exitCode === null) {
      this.#child.stdin?.end("exit 0\n");
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
      await once(this.#child, "close");
      clearTimeout(timer);
    }
    rmSync(this.directory, { recursive: true, force: true });
    return this.#child.exitCode;
  }
}

export function isBuilt(path: string): boolean {
  return existsSync(join(built, path));
}
