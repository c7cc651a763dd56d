// The short form: a few programs of the machine's own root file system, which need no root rights and nothing to be
// unpacked. All of them: tests/programs/run.ts.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { whyNoNativePrograms } from "../support/native.ts";
import { programs } from "./list.ts";
import { normalised } from "./program.ts";

const TSRCORE = process.env["TSRCORE_BIN"] ?? "bin/tsrcore.mjs";
const short = programs.filter(({ needs }) => needs !== undefined);
const why = whyNoNativePrograms();
if (why !== undefined) console.warn(`programs are skipped: ${why}`);

function missing(commands: readonly string[]): string[] {
  return commands.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0);
}

describe.skipIf(why !== undefined)("as natively", () => {
  for (const program of short) {
    const absent = missing(program.needs ?? []);
    if (absent.length > 0) console.warn(`${program.id} is skipped: no ${absent.join(", ")} here`);
    it.skipIf(absent.length > 0)(program.id, { timeout: 120_000 }, () => {
      const work = mkdtempSync(join(tmpdir(), "programs-"));
      try {
        const hashes = program.files === undefined ? "" : `sha256sum ${program.files}`;
        const script = `cd ${work}; export I=${resolve("tests/programs/input")}; (${program.script}\n)\nstatus=$?\n${hashes}\nexit $status`;
        const path = process.env["PATH"] ?? "/usr/bin:/bin";
        const guest = [
          "/usr/bin/env",
          "-i",
          `PATH=${path}`,
          `HOME=${work}`,
          "LC_ALL=C.UTF-8",
          "/bin/bash",
          "-c",
          script,
        ];
        // In tsrcore first, where what it writes stays in memory.
        const [ours, native] = [[TSRCORE, "run", "--root", "/", ...guest], guest].map((command) => {
          const { stdout, stderr, status } = spawnSync(command[0] as string, command.slice(1), {
            encoding: "latin1",
            input: "",
            timeout: 100_000,
            killSignal: "SIGKILL",
          });
          return { output: normalised(program, stdout + stderr), status };
        });
        expect(ours).toEqual(native);
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    });
  }
});
