/** What a process sees of the tree: root, working directory, umask. CLONE_FS shares it. */
import type { MountTable } from "./mounts.ts";
import type { Path } from "./path.ts";

export class FsContext {
  /** The mount namespace. */
  mounts: MountTable;
  root: Path;
  cwd: Path;
  umask: number;
  /** Tasks that share it. */
  references: number = 1;

  constructor(mounts: MountTable, root: Path = mounts.rootPath, cwd: Path = root, umask: number = 0o022) {
    this.mounts = mounts;
    this.root = root;
    this.cwd = cwd;
    this.umask = umask;
  }

  /** CLONE_NEWNS: a mount namespace of its own, in which it is where it was. */
  unshareMounts(): void {
    const { table, translate } = this.mounts.clone();
    this.mounts = table;
    this.root = translate(this.root);
    this.cwd = translate(this.cwd);
  }

  /** For a clone without CLONE_FS, and unshare(CLONE_FS). */
  clone(): FsContext {
    return new FsContext(this.mounts, this.root, this.cwd, this.umask);
  }
}
