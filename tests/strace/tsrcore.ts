// The strace under test, through tsrcore's command line.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guestPath } from "../golden/native.ts";
import { missingRoot, repository, rootTarball } from "../golden/roots.ts";
import { runPiped } from "../golden/spawn.ts";
import { fillCase, type StraceCase } from "./cases.ts";

/** The command: the build, or the one in the folder TSRCORE_BUILD, or with TSRCORE_SOURCE=1 the sources. */
export function command(): string[] {
  const build = process.env["TSRCORE_BUILD"];
  if (build !== undefined) return [join(build, "cli/boot.cjs")];
  return process.env["TSRCORE_SOURCE"] === "1"
    ? ["--import", "tsx", join(repository, "tests/strace/source.ts")]
    : [join(repository, "bin/tsrcore.mjs")];
}

/** The text that strace wrote. */
export async function runStrace(straceCase: StraceCase): Promise<string> {
  const tarball = rootTarball("alpine");
  if (tarball === undefined) throw new Error(missingRoot("alpine"));
  const { golden, options } = straceCase;
  const scratch = mkdtempSync(join(tmpdir(), "tsrcore-strace-"));
  const work = mkdtempSync(join(tmpdir(), "tsrcore-w-"));
  const output = join(scratch, "out");
  const variables = { PATH: guestPath, HOME: "/root", ...golden.env };
  fillCase(straceCase, work);
  try {
    const raw = await runPiped(
      {
        file: process.execPath,
        args: [
          ...command(),
          ...["strace", ...options, "-o", output, "--root", tarball, "--hostname", "tsrcore"],
          ...["--volume", `${work}:/w`, "--workdir", "/w"],
          ...Object.entries(variables).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
          ...["--", ...golden.argv],
        ],
        env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" },
      },
      golden.stdin,
      60_000,
    );
    if (raw.timedOut) throw new Error(`${straceCase.name}: timed out`);
    if (raw.status === 125) throw new Error(Buffer.from(raw.stderr).toString());
    return readFileSync(output, "latin1");
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    rmSync(work, { recursive: true, force: true });
  }
}
