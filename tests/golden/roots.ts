// Where the root file systems stand.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { RootName } from "./types.ts";

export const repository: string = resolve(import.meta.dirname, "../..");

const alpineTarball = "alpine-minirootfs-3.20.3-x86_64.tar.gz";

/** The tarball of `root`, or undefined where this machine doesn't have it. */
export function rootTarball(root: RootName): string | undefined {
  const candidates =
    root === "sysroot"
      ? [join(repository, "sysroot/x86_64.tar.gz")]
      : process.env["TSRCORE_ALPINE"]
        ? [process.env["TSRCORE_ALPINE"], join(process.env["TSRCORE_ALPINE"], alpineTarball)]
        : [join(repository, "../shared/alpine", alpineTarball)];
  return candidates.find((path) => path.endsWith(".gz") && existsSync(path));
}

/** What to say where the tarball of `root` is missing. */
export function missingRoot(root: RootName): string {
  return root === "alpine"
    ? `no ${alpineTarball}: set TSRCORE_ALPINE to its path or folder; the cases on Alpine's root are skipped`
    : "no sysroot/x86_64.tar.gz: build it as sysroot/README.md says; the cases on the sysroot are skipped";
}
