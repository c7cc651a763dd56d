/** The other side of a comparison: the same executable on the real kernel and processor. */
import { spawnSync } from "node:child_process";
import { constants } from "node:os";

export interface NativeResult {
  /** Bytes as Latin-1. */
  readonly stdout: string;
  /** The exit code, or 128 + n if signal n killed it. */
  readonly status: number;
}

/** Why C programs cannot be built and run on this machine, or undefined if they can. */
export function whyNoNativePrograms(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "the real CPU is not an x86_64 Linux one";
  if (spawnSync("musl-gcc", ["--version"]).status !== 0) return "musl-gcc is not installed (Debian: musl-tools)";
  return undefined;
}

/** @param by what executes it, if that is not the machine's own processor */
export function runNatively(
  program: string,
  env: Record<string, string> = {},
  timeout = 20_000,
  by?: string,
): NativeResult {
  const { stdout, status, signal, error } = spawnSync(by ?? program, by === undefined ? [] : [program], {
    env,
    timeout,
    encoding: "latin1",
    maxBuffer: 1 << 26,
  });
  if (error !== undefined) throw new Error(`${program}: natively: ${error.message}`);
  return { stdout, status: signal === null ? (status ?? -1) : 128 + constants.signals[signal] };
}

/** The first line that differs, with both sides; undefined if none does. */
export function firstDifference(native: string, tsrcore: string): string | undefined {
  if (native === tsrcore) return undefined;
  const a = native.split("\n");
  const b = tsrcore.split("\n");
  const at = a.findIndex((line, i) => line !== b[i]);
  const line = at < 0 ? Math.min(a.length, b.length) : at;
  const show = (text: string | undefined): string =>
    text === undefined ? "(end)" : JSON.stringify(text.slice(0, 400));
  return `line ${line + 1}:\n    native  ${show(a[line])}\n    tsrcore ${show(b[line])}`;
}
