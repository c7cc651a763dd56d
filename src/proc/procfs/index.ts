/** The proc file system of one machine. */
import { ENOENT, errno } from "../../abi/errno.ts";
import { DT_DIR, DT_LNK } from "../../abi/stat.ts";
import {
  direntType,
  fixedDirectory,
  SyntheticDirectory,
  SyntheticFile,
  SyntheticLink,
} from "../../vfs/types/synthetic.ts";
import type { DirectoryEntry, Inode, OpenContext } from "../../vfs/types.ts";
import type { Kernel } from "../kernel.ts";
import type { PidNamespace } from "../pid-namespace.ts";
import type { Task } from "../task.ts";
import { ProcFs } from "./file-system.ts";
import { locksText } from "./locks.ts";
import * as machine from "./machine.ts";
import { processDirectory } from "./process.ts";
import { sysctlDirectory } from "./sysctl.ts";
import { messagesText, segmentsText, semaphoresText } from "./sysvipc.ts";

const ROOT_INO = 1;

export interface ProcfsOptions {
  readonly dev: number;
  /** Whose processes it shows, by whose numbers. */
  readonly pids: PidNamespace;
}

export function createProcfs(kernel: Kernel, { dev, pids }: ProcfsOptions): ProcFs {
  const fs = new ProcFs(dev, kernel.host.clock, pids);
  const fixed = new Map<string, Inode>();
  let ino = ROOT_INO;
  const file = (name: string, content: (context: OpenContext) => string): void => {
    fixed.set(name, new SyntheticFile(fs, { ino: ++ino, content }));
  };
  const link = (name: string, target: () => string): void => {
    fixed.set(name, new SyntheticLink(fs, { ino: ++ino, target }));
  };
  // What "self" means depends on who looks: the scheduler knows whose system call is running.
  const current = (): Task => {
    const task = kernel.scheduler.current;
    if (task === null) throw errno(ENOENT);
    return task;
  };
  const numberOf = (id: number): number => {
    const number = pids.number(id);
    if (number === 0) throw errno(ENOENT);
    return number;
  };
  link("self", () => String(numberOf(current().pid)));
  link("thread-self", () => `${numberOf(current().pid)}/task/${numberOf(current().tid)}`);
  link("mounts", () => "self/mounts");
  link("net", () => "self/net");
  // Each program sees the processor that it runs on.
  file("cpuinfo", () => current().arch.cpuinfo());
  file("cmdline", () => "\n");
  file("devices", machine.devicesText);
  file("filesystems", machine.filesystemsText);
  file("loadavg", () => machine.loadavgText(kernel, kernel.scheduler.current?.process.pids ?? pids));
  file("meminfo", () => machine.meminfoText(kernel));
  file("cgroups", () => "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
  file("diskstats", () => "");
  file("execdomains", () => "0-0\tLinux           \t[kernel]\n");
  file("locks", () => locksText(kernel, pids));
  file("partitions", () => "major minor  #blocks  name\n\n");
  file("stat", () => machine.machineStatText(kernel));
  file("swaps", () => "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
  file("uptime", () => machine.uptimeText(kernel));
  file("version", machine.versionText);
  file("vmstat", () => machine.vmstatText(kernel));
  fixed.set(
    "sysvipc",
    fixedDirectory(
      fs,
      { ino: ++ino },
      {
        msg: (n) => new SyntheticFile(fs, { ino: n, content: () => messagesText(current(), pids) }),
        sem: (n) => new SyntheticFile(fs, { ino: n, content: () => semaphoresText(current()) }),
        shm: (n) => new SyntheticFile(fs, { ino: n, content: () => segmentsText(current(), pids) }),
      },
    ),
  );
  fixed.set(
    "tty",
    fixedDirectory(
      fs,
      { ino: ++ino },
      {
        drivers: (n) => new SyntheticFile(fs, { ino: n, content: machine.terminalDriversText }),
      },
    ),
  );
  fixed.set("sys", sysctlDirectory(kernel, fs, ++ino));

  fs.root = new SyntheticDirectory(fs, {
    ino: ROOT_INO,
    nlink: 3,
    lookup: (name) => {
      const known = fixed.get(name);
      if (known !== undefined) return known;
      if (!/^[1-9]\d*$/.test(name)) return undefined;
      // A thread that is not the leader of its process can be looked up, but is not listed (proc(5)).
      const task = kernel.tasks.get(pids.id(Number(name)));
      return task === undefined ? undefined : processDirectory(task, fs);
    },
    list: () => {
      const entries: DirectoryEntry[] = [];
      for (const id of kernel.processes.keys()) {
        const number = pids.number(id);
        if (number !== 0) entries.push({ name: String(number), ino: id * 0x10_0000, type: DT_DIR });
      }
      entries.sort((a, b) => Number(a.name) - Number(b.name));
      for (const [name, node] of fixed)
        entries.push({ name, ino: node.ino, type: name === "mounts" ? DT_LNK : direntType(node.format) });
      return entries;
    },
  });
  return fs;
}
