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

  const translated = riscv64Cases.filter(({ id }) => all || ["abi", "bench-sha256"].includes(id));
  test.for(translated)("$id, translated", { timeout }, async (binary) => {
    const result = await run(...TRANSLATED, `./test-binaries/bin/riscv64/${binary.program}`, ...binary.args);
    expect(result).toEqual(riscv64Expectation(binary.id));
  });
});

/**
 * What Linux 6.6 says of vectors, by the line of `vectors`: there is no machine here to record it from (qemu-user 7.2 keeps
 * vectors over signals, and knows nothing of the rest). So the values were derived from the rules named, and lines that no
 * rule is known for are not compared.
 */
const vectorRules: Readonly<Record<string, readonly [rule: string, lines: Readonly<Record<string, string>>]>> = {
  elf: ["asm/hwcap.h, uapi/asm/hwprobe.h: the bit of V", { AT_HWCAP: "1", riscv_hwprobe: "0", IMA_V: "1" }],
  control: [
    "vector.rst: PR_RISCV_V_SET_CONTROL; EPERM to turn off what is in use, EINVAL for values that do not exist",
    {
      "control off": "-1 EPERM",
      "control 3": "-1 EINVAL",
      "next 3": "-1 EINVAL",
      "control 32": "-1 EINVAL",
      "off after exec": "0",
      "control after exec": "1",
      "a vector instruction is refused": "1",
      "vectors on again": "0",
      refused: "0",
    },
  ],
  isa: [
    "V 1.0: what was loaded is there; loads and stores that fault begin again at vstart",
    {
      set: "vstart 0, vl 3, vtype d0, vcsr 5, registers counted from 5",
      "fault-only-first": "vl 5, faulted 0",
      load: "fault at 0, vstart 5; then vstart 0, 27 to 42",
      store: "fault at 0, vstart 2; then vstart 0, 1 1",
    },
  ],
  discard: [
    "asm/vector.h, riscv_v_vstate_discard: all ones, vl 0, vtype invalid after a system call",
    { "after a call": "vstart 0, vl 0, vtype 8000000000000000, vcsr 5, registers ones 255" },
  ],
  first: [
    "kernel/vector.c, riscv_v_first_use_handler: zeros",
    {
      "in a thread": "vstart 0, vl 0, vtype 0, vcsr 0, registers zeros 0",
      "in the child": "vstart 0, vl 0, vtype 0, vcsr 0, registers zeros 0",
      "first use": "vstart 0, vl 0, vtype 0, vcsr 0, registers zeros 0",
    },
  ],
  frame: [
    "uapi/asm/sigcontext.h, ptrace.h: magic; 8 bytes of header, 48 of state, 512 of registers; an end of zeros",
    {
      header: "53465457 568",
      "last header": "0 0",
      "in the handler": "vstart 1, vl 2, vtype d8, vcsr 3, registers counted from 11",
      "after it": "vstart 1, vl 2, vtype d8, vcsr 3, registers counted from 11",
      "registers in the frame": "11 4",
    },
  ],
  ptrace: [
    "kernel/ptrace.c, riscv_vr_get and riscv_vr_set: EINVAL without vectors, and for another vlenb",
    {
      "vectors of one that has not used them": "-1 EINVAL",
      "vectors of a tracee": "0",
      "another vlenb": "-1 EINVAL",
      changed: "0",
      "the tracee": "vstart 0, vl 2, vtype d8, vcsr 1, registers counted from 200",
    },
  ],
};

describe("vectors, by Linux's rules", () => {
  const program = "./test-binaries/bin/riscv64/vectors";
  test.each([
    ["interpreted", INTERPRETED],
    ["translated", TRANSLATED],
  ])("%s", { timeout }, async (_how, options) => {
    const { status, stdout } = await run(...options, program);
    expect(status).toBe(0);
    const printed = Object.fromEntries(stdout.map((line) => line.split(" = ", 2)));
    for (const [rule, lines] of Object.values(vectorRules)) expect(printed, rule).toMatchObject(lines);
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
