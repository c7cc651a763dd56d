// The riscv64 programs of test-binaries/ on the interpreter and the translator. A part of them runs each time; all with RISCV64_ALL=1.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { BinaryResult } from "./cases.ts";
import { quick, riscv64Cases, riscv64Expectation } from "./riscv64.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const timeout = 100_000;
const all = process.env["RISCV64_ALL"] !== undefined;

const INTERPRETED = ["--cpu", "interp"] as const;
/** Everything that can be. */
const TRANSLATED = ["--cpu", "jit", "--jit-threshold", "1", "--no-cache"] as const;

function run(...args: readonly string[]): Promise<BinaryResult> {
  return new Promise((resolve, reject) => {
    const command = [process.env["TSRCORE_BIN"] ?? "bin/tsrcore.mjs", "run", ...args];
    const child = spawn(process.execPath, command, { cwd: repository, stdio: ["ignore", "pipe", "inherit"] });
    const stdout: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    const timer = setTimeout(() => child.kill("SIGKILL"), timeout - 5_000);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ status: code ?? -1, stdout: Buffer.concat(stdout).toString("latin1").split("\n") });
    });
  });
}

describe("riscv64 test binaries", () => {
  const chosen = riscv64Cases.filter(({ id }) => all || quick.has(id));
  test.for(chosen)("$id", { timeout }, async (binary) => {
    const result = await run(...INTERPRETED, `./test-binaries/bin/riscv64/${binary.program}`, ...binary.args);
    expect(result).toEqual(riscv64Expectation(binary.id));
  });

  const translated = riscv64Cases.filter(({ id }) => all || ["abi", "vectors", "bench-sha256"].includes(id));
  test.for(translated)("$id, translated", { timeout }, async (binary) => {
    const result = await run(...TRANSLATED, `./test-binaries/bin/riscv64/${binary.program}`, ...binary.args);
    expect(result).toEqual(riscv64Expectation(binary.id));
  });
});

describe("--strace", () => {
  const recorded = new URL("../../test-binaries/expected/riscv64/calls.json", import.meta.url);
  const calls: Readonly<Record<string, readonly string[]>> = JSON.parse(readFileSync(recorded, "utf8"));
  const directory = mkdtempSync(join(tmpdir(), "tsrcore-strace-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  test.for(Object.entries(calls))("names the calls of %s", { timeout }, async ([program, names]) => {
    const output = join(directory, program);
    await run(...INTERPRETED, `--strace=${output}`, `./test-binaries/bin/riscv64/${program}`);
    const lines = readFileSync(output, "latin1").split("\n");
    const shown = lines.flatMap((line) => /^(?:\d+ +)?(\w+)\(/.exec(line)?.[1] ?? []).slice(1);
    expect(shown.slice(0, shown.indexOf("clone"))).toEqual(names);
  });
});

describe("two architectures in one machine", () => {
  const script =
    "uname -m; for a in riscv64 x86_64; do /t/$a/hello $a | tail -n 1; done; grep -c '^isa' /proc/cpuinfo; uname -m";
  test.for(["x86_64", "riscv64"] as const)("a shell for %s executes programs for both", { timeout }, async (arch) => {
    const { status, stdout } = await run(
      ...INTERPRETED,
      "--arch",
      arch,
      "-v",
      "./test-binaries/bin:/t",
      "sh",
      "-c",
      script,
    );
    expect(stdout).toEqual([arch, "argv[1]=riscv64", "argv[1]=x86_64", arch === "riscv64" ? "1" : "0", arch, ""]);
    expect(status).toBe(0);
  });
});
