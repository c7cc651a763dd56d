// The thing under test: a case run by tsrcore through its command line, as a user would.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { guestPath } from "./native.ts";
import { maskScreens } from "./outcome.ts";
import { missingRoot, repository, rootTarball } from "./roots.ts";
import { type HostCommand, runPiped } from "./spawn.ts";
import { runOnTerminal } from "./terminal.ts";
import { type Engine, type GoldenCase, nativeRootOf, type Outcome, type RawOutcome, type RootName } from "./types.ts";

export class TsrcoreEngine implements Engine {
  readonly name: string;
  readonly #cpu: string | undefined;
  readonly #timeout: number;

  constructor(options: { readonly cpu: string | undefined; readonly timeout: number }) {
    if (process.env["TSRCORE_BIN"] === undefined && !existsSync(join(repository, "dist/cli/boot.cjs"))) {
      throw new Error("tsrcore isn't built: npm run build");
    }
    this.name = options.cpu ? `tsrcore --cpu ${options.cpu}` : "tsrcore";
    this.#cpu = options.cpu;
    this.#timeout = options.timeout;
  }

  run(goldenCase: GoldenCase, root: RootName, work: string, expected: Outcome | undefined): Promise<RawOutcome> {
    const command: HostCommand = {
      file: process.execPath,
      args: commandLine(goldenCase, root, work, this.#cpu),
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: process.env["HOME"] ?? "",
        ...(goldenCase.env["TERM"] !== undefined && { TERM: goldenCase.env["TERM"] }),
      },
    };
    return goldenCase.pty
      ? runOnTerminal(command, goldenCase.pty, {
          expected: expected?.screens,
          mask: (screen) => maskScreens(goldenCase, [screen])[0] ?? [],
          timeout: this.#timeout,
        })
      : runPiped(command, goldenCase.stdin, this.#timeout);
  }

  close(): void {
    // Nothing outlives a run.
  }
}

/** The arguments for node. Without --root the command runs on the embedded sysroot. */
export function commandLine(goldenCase: GoldenCase, root: RootName, work: string, cpu: string | undefined): string[] {
  const tarball = rootTarball(root);
  if (!tarball) {
    throw new Error(missingRoot(root));
  }
  const variables = { PATH: guestPath, HOME: "/root", ...goldenCase.env };
  return [
    process.env["TSRCORE_BIN"] ?? join(repository, "bin/tsrcore.mjs"),
    "run",
    ...(cpu ? engineOptions(cpu) : []),
    ...(nativeRootOf(root) === "alpine" ? ["--root", tarball] : []),
    ...(root === "sysroot-riscv64" ? ["--arch", "riscv64"] : []),
    ...["--hostname", "tsrcore", "-v", `${work}:/w`, "-w", "/w"],
    ...Object.entries(variables).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
    ...goldenCase.argv,
  ];
}

/** "jit-everything" is the translator with nothing left to the interpreter that it can translate. */
function engineOptions(cpu: string): string[] {
  return cpu === "jit-everything" ? ["--cpu", "jit", "--jit-threshold", "1"] : ["--cpu", cpu];
}
