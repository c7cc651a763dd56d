// Where the root file systems stand.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { nativeRootOf, type RootName } from "./types.ts";

export const repository: string = resolve(import.meta.dirname, "../..");

function archOf(root: RootName): "x86_64" | "riscv64" {
  return root.endsWith("-riscv64") ? "riscv64" : "x86_64";
}

/** As the file is called, wherever it is. */
function tarballName(root: RootName): string {
  return nativeRootOf(root) === "sysroot"
    ? `${archOf(root)}.tar.gz`
    : `alpine-minirootfs-3.20.3-${archOf(root)}.tar.gz`;
}

/** The tarball of `root`, or undefined where this machine doesn't have it. */
export function rootTarball(root: RootName): string | undefined {
  const name = tarballName(root);
  const alpine = process.env["TSRCORE_ALPINE"];
  const candidates =
    nativeRootOf(root) === "sysroot"
      ? [join(repository, "sysroot", name)]
      : alpine
        ? [alpine, join(alpine, name)]
        : [join(repository, "../shared/alpine", name)];
  return candidates.find((path) => path.endsWith(name) && existsSync(path));
}

/** What to say where the tarball of `root` is missing. */
export function missingRoot(root: RootName): string {
  const name = tarballName(root);
  return nativeRootOf(root) === "alpine"
    ? `no ${name}: set TSRCORE_ALPINE to its path or folder; the cases on Alpine's root are skipped`
    : `no sysroot/${name}: build it as sysroot/README.md says; the cases on the sysroot are skipped`;
}
