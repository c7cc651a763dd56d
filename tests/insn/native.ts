/** The real CPU: builds native/runner.c and streams cases through it. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as p from "./protocol.ts";

const SOURCE = fileURLToPath(new URL("./native/runner.c", import.meta.url));

/** Why the comparison cannot run on this machine, or undefined if it can. */
export function whyNoNative(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "the real CPU is not an x86_64 Linux one";
  if (compiler() === undefined) return "neither musl-gcc nor gcc is installed";
  return undefined;
}

function compiler(): string | undefined {
  return ["musl-gcc", "gcc"].find((name) => spawnSync(name, ["--version"]).status === 0);
}

/** Builds the runner, unless one that is new enough is in the cache. */
export function buildRunner(): string {
  const cache = fileURLToPath(new URL("../../node_modules/.cache/insn/", import.meta.url));
  const runner = join(cache, "runner");
  if (existsSync(runner) && statSync(runner).mtimeMs > statSync(SOURCE).mtimeMs) return runner;
  const cc = compiler();
  if (cc === undefined) throw new Error("no C compiler");
  mkdirSync(cache, { recursive: true });
  // Position-independent: far above the 4 GiB of the cases, where none of them reaches by accident.
  const built = join(cache, `runner.${process.pid}`);
  execFileSync(cc, ["-O2", "-static-pie", "-fPIE", "-fno-stack-protector", "-Wall", "-o", built, SOURCE]);
  renameSync(built, runner);
  return runner;
}

/** A running native runner. Cases go in, outcomes come out in the same order. */
export class NativeRunner {
  readonly #child: ChildProcess;
  #stderr = "";
  #pending = new Uint8Array(0);
  readonly #chunks: AsyncIterator<Buffer>;

  constructor(runner: string) {
    const hex = (n: number) => `0x${n.toString(16)}`;
    const numbers = [p.CODE, p.CODE_SIZE, p.DATA, p.DATA_SIZE, p.READONLY, p.READONLY_SIZE, p.FS_BASE, p.GS_BASE];
    this.#child = spawn(runner, numbers.map(hex), { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.#child.stdin?.on("error", () => {});
    this.#chunks = (this.#child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const { data, readonly } = p.regionPattern();
    this.#write(data);
    this.#write(readonly);
  }

  /** Runs a batch; a few hundred to a few thousand cases make the trip worth it. */
  async run(cases: readonly p.Case[]): Promise<p.Outcome[]> {
    this.#write(Buffer.concat(cases.map(p.encodeCase)));
    const outcomes: p.Outcome[] = [];
    let at = 0;
    while (outcomes.length < cases.length) {
      const length = p.resultLength(this.#pending, at);
      if (length > 0) {
        outcomes.push(p.decodeResult(this.#pending, at, (cases[outcomes.length] as p.Case).fx !== undefined));
        at += length;
        continue;
      }
      const next = await this.#chunks.next();
      if (next.done)
        throw new Error(`the native runner ended after ${outcomes.length} cases of the batch: ${this.#stderr}`);
      this.#pending = Buffer.concat([this.#pending.subarray(at), next.value]);
      at = 0;
    }
    this.#pending = this.#pending.subarray(at);
    return outcomes;
  }

  async end(): Promise<void> {
    const closed = once(this.#child, "close");
    this.#child.stdin?.end();
    await closed;
  }

  #write(bytes: Uint8Array): void {
    this.#child.stdin?.write(bytes);
  }
}
