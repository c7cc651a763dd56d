/** The little of /sys that programs look for: how many processors there are (sysconf reads it), and the file system itself. */
import type { Clock } from "../../host/interface.ts";
import type { Inode } from "../types.ts";
import { fixedDirectory, SyntheticFile, SyntheticFs } from "./synthetic.ts";

const SYSFS_MAGIC = 0x62656572;

export function createSysfs(options: { readonly dev: number; readonly clock: Clock }): SyntheticFs {
  const fs = new SyntheticFs({ type: "sysfs", magic: SYSFS_MAGIC, ...options });
  type Make = (ino: number) => Inode;
  const text =
    (content: string): Make =>
    (ino) =>
      new SyntheticFile(fs, { ino, content: () => content, size: 4096 });
  const directory =
    (children: Readonly<Record<string, Make>>): Make =>
    (ino) =>
      fixedDirectory(fs, { ino, mode: 0o755 }, children);
  fs.root = directory({
    block: directory({}),
    class: directory({}),
    devices: directory({
      system: directory({
        cpu: directory({
          cpu0: directory({}),
          kernel_max: text("0\n"),
          online: text("0\n"),
          possible: text("0\n"),
          present: text("0\n"),
        }),
      }),
    }),
    fs: directory({}),
    kernel: directory({}),
  })(1);
  return fs;
}
