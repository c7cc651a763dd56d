// Each program of test-binaries/ through the command, compared line by line with what it prints on the real kernel.
// A line is one behaviour (`what = value`), so the difference names what is wrong.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadUnicorn } from "../../src/host/node/unicorn.ts";
import { type BinaryCase, type BinaryResult, cases } from "./cases.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const timeout = 100_000;

function expected(id: string): BinaryResult {
  const file = join(repository, "test-binaries/expected", `${id}.json`);
  if (!existsSync(file)) {
    throw new Error(`no recording: npm run fixtures:binaries -- ${id}`);
  }
  return JSON.parse(readFileSync(file, "utf8")) as BinaryResult;
}

function run(binary: BinaryCase, cpu = "auto"): Promise<BinaryResult & { readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const program = `./test-binaries/bin/x86_64/${binary.program}`;
    // All of it, or there would be nothing to compare.
    const everything = cpu === "lockstep=jit,interp" ? ["--jit-threshold", "1"] : [];
    const child = spawn(
      process.execPath,
      [process.env["TSRCORE_BIN"] ?? "bin/tsrcore.mjs", "run", "--cpu", cpu, ...everything, program, ...binary.args],
      {
        cwd: repository,
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    const timer = setTimeout(() => child.kill("SIGKILL"), timeout - 5_000);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({
        status: code ?? -1,
        stdout: Buffer.concat(stdout).toString("latin1").split("\n"),
        stderr: Buffer.concat(stderr).toString("latin1") + (signal ? `ended by ${signal}` : ""),
      });
    });
  });
}

describe("test binaries", () => {
  test.for(cases)("$id", { timeout }, async (binary) => {
    const want = expected(binary.id);
    const { stderr, ...got } = await run(binary);
    expect(got, `accept a new program's result with: npm run fixtures:binaries -- ${binary.id}`).toEqual(want);
    // `fault` and others execute illegal instructions on purpose, which are logged.
    const unexpected = stderr.split("\n").filter((line) => !/^(tsrcore: illegal .*instruction at .*)?$/.test(line));
    expect(unexpected).toEqual([]);
  });
});

test("every program prints at least 20 checked behaviours", () => {
  const short = cases.filter(({ id }) => !/^(hello|bench|nolibc|selfmod)/.test(id) && expected(id).stdout.length <= 20);
  expect(short).toEqual([]);
});

/** What depends most on the engine: code that is written to, faults, signal frames. Unicorn differs in some of `fault`. */
const others = {
  unicorn: ["selfmod", "mmap", "signals", "sigcontext", "process", "hello-dynamic"],
  lockstep: ["selfmod", "mmap", "fault", "x87", "hello-dynamic"],
  "lockstep=jit,interp": ["selfmod", "hello-dynamic"],
} as const satisfies Record<string, readonly string[]>;
const missing = await loadUnicorn().then(
  () => undefined,
  (error: unknown) => String(error),
);
if (missing !== undefined) console.warn(`test binaries on unicorn and in lock-step are skipped: ${missing}`);

describe.each(["unicorn", "lockstep", "lockstep=jit,interp"] as const)("test binaries, --cpu %s", (cpu) => {
  const chosen = cases.filter(({ id }) => (others[cpu] as readonly string[]).includes(id));
  test.skipIf(missing !== undefined && cpu !== "lockstep=jit,interp").for(chosen)(
    "$id",
    { timeout },
    async (binary) => {
      const { stderr: _, ...got } = await run(binary, cpu);
      expect(got).toEqual(expected(binary.id));
    },
  );
});
