/** memfd_secret(2): memory that only those who map it see; not even the kernel reads it on anybody's behalf. */
import { O_LARGEFILE, O_RDWR } from "../abi/fcntl.ts";
import { BaseFile } from "./file.ts";
import type { Path } from "./path.ts";
import type { Inode } from "./types.ts";

export class SecretFile extends BaseFile {
  constructor(inode: Inode, path: Path) {
    super(inode, O_RDWR | O_LARGEFILE, path);
  }

  override get notifies(): boolean {
    return false;
  }
}
