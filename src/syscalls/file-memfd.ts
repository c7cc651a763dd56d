/** Files without a name: memfd_create(2), memfd_secret(2). */
import { EACCES, EFAULT, EINVAL, errno } from "../abi/errno.ts";
import { F_SEAL_EXEC, F_SEAL_SEAL, O_CLOEXEC, O_LARGEFILE, O_RDWR } from "../abi/fcntl.ts";
import { S_IFREG } from "../abi/stat.ts";
import { MemfdExecution } from "../proc/pid-namespace.ts";
import type { Task } from "../proc/task.ts";
import { RegularFile } from "../vfs/file.ts";
import { SecretFile } from "../vfs/secret.ts";
import { cstring, descriptorResult, flags } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { fdLimit, ownerOf, readPath } from "./file-util.ts";

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_NOEXEC_SEAL = 8;
const MFD_EXEC = 0x10;
/** Longest name of a memfd. */
const MFD_NAME_MAX = 249;

/** What vm.memfd_noexec makes of flags that say nothing of execution, or forbids. */
function withExecution(task: Task, bits: number): number {
  const { memfdExecution } = task.process.pids;
  const said = (bits & (MFD_EXEC | MFD_NOEXEC_SEAL)) !== 0;
  const all = said ? bits : bits | (memfdExecution === MemfdExecution.Allowed ? MFD_EXEC : MFD_NOEXEC_SEAL);
  if ((all & MFD_NOEXEC_SEAL) === 0 && memfdExecution === MemfdExecution.Refused) throw errno(EACCES);
  return all;
}

function memfdCreate(task: Task, name: number, given: number): number {
  if (given & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)) return -EINVAL;
  if (given & MFD_NOEXEC_SEAL && given & MFD_EXEC) return -EINVAL;
  const bits = withExecution(task, given);
  const text = readMemfdName(task, name);
  task.files.checkRoom(1, fdLimit(task));
  const { mounts } = task.fs;
  const noExec = (bits & MFD_NOEXEC_SEAL) !== 0;
  const inode = mounts.shmem.root.createTemporary(S_IFREG | (noExec ? 0o666 : 0o777), ownerOf(task));
  inode.addSeals(bits & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) ? (noExec ? F_SEAL_EXEC : 0) : F_SEAL_SEAL);
  const place = mounts.place(inode, `/memfd:${text} (deleted)`);
  const file = new RegularFile(inode, O_RDWR | O_LARGEFILE, place);
  return task.files.add(file, (bits & MFD_CLOEXEC) !== 0, fdLimit(task));
}

function readMemfdName(task: Task, address: number): string {
  if (address === 0) throw errno(EFAULT);
  const text = readPath(task, address);
  if (text.length > MFD_NAME_MAX) throw errno(EINVAL);
  return text;
}

function memfdSecret(task: Task, bits: number): number {
  if (bits & ~O_CLOEXEC) return -EINVAL;
  task.files.checkRoom(1, fdLimit(task));
  const { mounts } = task.fs;
  const inode = mounts.shmem.root.createTemporary(S_IFREG | 0o600, ownerOf(task));
  const file = new SecretFile(inode, mounts.place(inode, "/secretmem (deleted)"));
  return task.files.add(file, (bits & O_CLOEXEC) !== 0, fdLimit(task));
}

const memfdFlags = flags(
  [
    [MFD_CLOEXEC, "MFD_CLOEXEC"],
    [MFD_ALLOW_SEALING, "MFD_ALLOW_SEALING"],
    [MFD_NOEXEC_SEAL, "MFD_NOEXEC_SEAL"],
    [MFD_EXEC, "MFD_EXEC"],
  ],
  "0",
  "MFD_???",
);
const secretFlags = flags([[O_CLOEXEC, "O_CLOEXEC"]]);

export const memfdCalls: readonly SyscallDefinition[] = [
  syscall("memfd_create", [cstring, memfdFlags], memfdCreate, descriptorResult),
  syscall("memfd_secret", [secretFlags], memfdSecret, descriptorResult),
];
