/** Builds and runs ops.c: the real kernel's answers to sequences of memory system calls. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMPILER = "cc";
const SOURCE = fileURLToPath(new URL("./ops.c", import.meta.url));

/** Major and minor version of the running kernel. */
export function kernel(): string {
  return release().split(".").slice(0, 2).join(".");
}

/** One answer per line of each sequence, or null where it cannot be had (no Linux, no compiler). */
export function nativeAnswers(lines: readonly string[]): string[][] | null {
  if (process.platform !== "linux") return null;
  const folder = mkdtempSync(join(tmpdir(), "tsrcore-mm-"));
  try {
    const program = join(folder, "ops");
    try {
      execFileSync(COMPILER, ["-O1", "-static", "-o", program, SOURCE], { stdio: "ignore" });
    } catch {
      return null;
    }
    const output = execFileSync(program, { input: `${lines.join("\n")}\n`, maxBuffer: 1 << 28, timeout: 60_000 });
    return output
      .toString()
      .split("\n\n")
      .slice(0, lines.length)
      .map((block) => block.split("\n").filter((line) => line !== ""));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Answers in a form that can be compared. Whether Linux merges neighbours whose pages were touched depends on where the
 * pages came from (anon_vma), which tsrcore does not follow: there, neighbours that are alike count as one.
 */
export function comparable(answer: string, touched: boolean): string {
  if (!touched) return answer;
  const [result, ...maps] = answer.split(" ");
  const merged: { start: number; end: number; perms: string; offset: number }[] = [];
  for (const map of maps) {
    const [range = "", perms = "", at = ""] = map.split(":");
    const [start = 0, end = 0] = range.split("-").map((part) => Number.parseInt(part, 16));
    const offset = Number.parseInt(at, 16);
    const last = merged.at(-1);
    const continues = last && (offset === last.offset + (last.end - last.start) || (offset === 0 && last.offset === 0));
    if (last && last.end === start && last.perms === perms && continues) last.end = end;
    else merged.push({ start, end, perms, offset });
  }
  return [result, ...merged.map((m) => `${m.start}-${m.end}:${m.perms}:${m.offset}`)].join(" ");
}
