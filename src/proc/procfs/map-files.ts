/** /proc/[pid]/map_files: a link for each mapping of a file, by its addresses (proc_pid_map_files(5)). */
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN } from "../../abi/capability.ts";
import { EACCES, ENOENT, EPERM, errno } from "../../abi/errno.ts";
import { O_ACCMODE, O_RDONLY, O_WRONLY } from "../../abi/fcntl.ts";
import { DT_LNK } from "../../abi/stat.ts";
import type { MappedFile, Vma } from "../../mm/vma.ts";
import { BaseFile } from "../../vfs/file.ts";
import type { Path } from "../../vfs/path.ts";
import { SyntheticDirectory, SyntheticLink } from "../../vfs/types/synthetic.ts";
import type { DirectoryEntry, Inode, OpenContext } from "../../vfs/types.ts";
import { mayInspect } from "../inspect.ts";
import type { Task } from "../task.ts";
import type { ProcFs } from "./file-system.ts";
import { hasMemory } from "./process-text.ts";

const NAME = /^(?:0|[1-9a-f][0-9a-f]*)-(?:0|[1-9a-f][0-9a-f]*)$/;

const nameOf = ({ start, end }: Vma): string => `${start.toString(16)}-${end.toString(16)}`;

function* mappings(task: Task): Generator<readonly [Vma, MappedFile]> {
  // The vdso is no file that anybody could open.
  if (hasMemory(task)) for (const vma of task.space.vmas) if (vma.file instanceof BaseFile) yield [vma, vma.file];
}

function find(task: Task, name: string): MappedFile | undefined {
  for (const [vma, file] of mappings(task)) if (nameOf(vma) === name) return file;
  return undefined;
}

export function mapFilesDirectory(
  task: Task,
  fs: ProcFs,
  ino: number,
  owner: { readonly uid: number; readonly gid: number },
): Inode {
  return new SyntheticDirectory(fs, {
    ino,
    mode: 0o500,
    owner,
    lookup: (name) => {
      const file = NAME.test(name) ? find(task, name) : undefined;
      return file === undefined ? undefined : link(task, fs, ino + 1, owner, name, file);
    },
    list: () =>
      Array.from(mappings(task), ([vma]): DirectoryEntry => ({ name: nameOf(vma), ino: ino + 1, type: DT_LNK })),
  });
}

function link(
  task: Task,
  fs: ProcFs,
  ino: number,
  owner: { readonly uid: number; readonly gid: number },
  name: string,
  { flags }: MappedFile,
): Inode {
  const access = flags & O_ACCMODE;
  const file = (): MappedFile => {
    const found = find(task, name);
    if (found === undefined) throw errno(ENOENT);
    return found;
  };
  return new SyntheticLink(fs, {
    ino,
    mode: (access === O_WRONLY ? 0 : 0o400) | (access === O_RDONLY ? 0 : 0o200),
    owner,
    size: 64,
    admit: ({ task: caller }) => {
      if (caller !== undefined && !mayInspect(caller as Task, task, true)) throw errno(EACCES);
    },
    target: () => file().describe(),
    follow: (context) => open(task, file(), context),
  });
}

/** Whoever may follow could open what its name does not lead to any more. */
function open(task: Task, file: MappedFile, { credentials }: OpenContext): Path | undefined {
  if (!credentials.capable(CAP_SYS_ADMIN) && !credentials.capable(CAP_CHECKPOINT_RESTORE)) throw errno(EPERM);
  if (!(file instanceof BaseFile)) return undefined;
  return file.path ?? task.fs.mounts.place(file.inode, file.describe());
}
