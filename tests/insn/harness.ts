/** Runs generated cases on the real CPU and on a subject, and reports where they differ. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GPR_NAMES } from "../../src/cpu/isa/x86_64/context.ts";
import { differences, flagNames } from "./compare.ts";
import { FX } from "./fx.ts";
import type { Generator } from "./generate.ts";
import type { NativeRunner } from "./native.ts";
import { type Case, DATA, type Outcome, type Subject } from "./protocol.ts";

const BATCH = 2000;

export interface Failure {
  readonly number: number;
  readonly case: Case;
  readonly differences: readonly string[];
}

export interface Summary {
  readonly cases: number;
  readonly failed: number;
  /** Failed cases of each instruction (of the last one, in a sequence). */
  readonly byName: ReadonlyMap<string, number>;
  /** The first failures, at most a few of each instruction. */
  readonly failures: readonly Failure[];
}

export interface Plan {
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  /** How many failures of one instruction to keep. */
  readonly keep: number;
}

/** What can be compared between the real CPU and a subject. */
export interface Comparison {
  /** Nothing: the subject isn't even asked. */
  skips(c: Case): boolean;
  /** Differences that count; undefined: there is nothing to compare after all. */
  differences(c: Case, expected: Outcome, actual: Outcome): string[] | undefined;
}

/** Everything that is defined. */
export const COMPLETE: Comparison = { skips: () => false, differences };

/** Compares `plan.count` cases; those in which nothing is comparable do not count. */
export async function compareMany(
  native: NativeRunner,
  subject: Subject,
  generator: Generator,
  plan: Plan,
  comparison: Comparison = COMPLETE,
): Promise<Summary> {
  const byName = new Map<string, number>();
  const failures: Failure[] = [];
  let failed = 0;
  let compared = 0;
  for (let at = plan.first; compared < plan.count; at += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, plan.count) }, (_, i) => at + i);
    const cases = numbers.map((n) => generator.make(plan.seed, n));
    const expected = await native.run(cases);
    for (const [i, c] of cases.entries()) {
      if (compared === plan.count) break;
      const found = check(c, expected[i] as Outcome, subject, comparison);
      if (found === undefined) continue;
      compared++;
      if (found.length === 0) continue;
      failed++;
      const seen = byName.get(lastName(c)) ?? 0;
      byName.set(lastName(c), seen + 1);
      if (seen < plan.keep) failures.push({ number: numbers[i] as number, case: c, differences: found });
    }
  }
  return { cases: compared, failed, byName, failures };
}

function check(c: Case, expected: Outcome, subject: Subject, comparison: Comparison): string[] | undefined {
  if (comparison.skips(c)) return undefined;
  try {
    return comparison.differences(c, expected, subject.run(c));
  } catch (error) {
    return [`exception: ${error instanceof Error ? error.stack : String(error)}`];
  }
}

const lastName = (c: Case): string => c.name.split("; ").at(-1) as string;

/** Everything that is needed to understand a failure and to see it again. */
export function describeFailure(f: Failure, seed: number): string {
  const c = f.case;
  const bytes = [...c.code].map((b) => b.toString(16).padStart(2, "0")).join(" ");
  const lines = [
    `case ${f.number}: ${c.name}`,
    `  bytes: ${bytes}`,
    ...disassemble(c).map((l) => `    ${l}`),
    ...f.differences.map((d) => `  ${d}`),
    "  before:",
  ];
  for (let i = 0; i < 16; i += 4)
    lines.push(
      `    ${[0, 1, 2, 3].map((j) => `${GPR_NAMES[i + j]?.padEnd(3)}=${(c.gpr[i + j] as bigint).toString(16).padStart(16, "0")}`).join(" ")}`,
    );
  lines.push(`    flags=${flagNames(c.rflags)}`);
  if (c.window.length > 0) lines.push(`    ${(DATA + c.windowOffset).toString(16)}: ${hex(c.window.subarray(0, 64))}`);
  if (c.fx) {
    const fx = c.fx;
    const view = new DataView(fx.buffer, fx.byteOffset);
    lines.push(
      `    mxcsr=${view.getUint32(FX.MXCSR, true).toString(16)} fcw=${view.getUint16(FX.FCW, true).toString(16)} fsw=${view.getUint16(FX.FSW, true).toString(16)} ftw=${view.getUint8(FX.FTW).toString(16)}`,
    );
    const show = (name: string, at: number, n: number) =>
      `${name}=${hex(
        fx
          .subarray(at, at + n)
          .slice()
          .reverse(),
      )}`;
    const isX87 = c.code.some((b) => b >= 0xd8 && b <= 0xdf);
    for (let i = 0; i < 16; i += 2)
      lines.push(`    ${[0, 1].map((j) => show(`xmm${i + j}`, FX.XMM + (i + j) * 16, 16)).join(" ")}`);
    if (fx.subarray(FX.HIGH).some((b) => b !== 0))
      for (let i = 0; i < 16; i += 2)
        lines.push(`    ${[0, 1].map((j) => show(`ymm${i + j}h`, FX.HIGH + (i + j) * 16, 16)).join(" ")}`);
    if (isX87)
      for (let i = 0; i < 8; i += 4)
        lines.push(`    ${[0, 1, 2, 3].map((j) => show(`st${i + j}`, FX.ST + (i + j) * 16, 10)).join(" ")}`);
  }
  lines.push(`  again: npm run test:insn -- --seed ${seed} --first ${f.number} --cases 1`);
  return lines.join("\n");
}

const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");

function disassemble(c: Case): string[] {
  const directory = mkdtempSync(join(tmpdir(), "insn-"));
  try {
    const file = join(directory, "code");
    writeFileSync(file, c.code);
    const args = [
      "-D",
      "-b",
      "binary",
      "-mi386:x86-64",
      "-Mintel",
      `--adjust-vma=0x${c.codeAddress.toString(16)}`,
      file,
    ];
    const { status, stdout } = spawnSync("objdump", args, { encoding: "utf8" });
    if (status !== 0) return [];
    return stdout
      .split("\n")
      .filter((l) => /^\s+[0-9a-f]+:\t/.test(l))
      .map((l) => l.trim().replaceAll("\t", " "));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
