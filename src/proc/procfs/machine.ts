/** The files of /proc that speak of the machine: cpuinfo, meminfo, stat, uptime and their like (proc(5)). */
import type { Kernel } from "../kernel.ts";
import type { PidNamespace } from "../pid-namespace.ts";
import { KERNEL_RELEASE, KERNEL_VERSION, OS_TYPE } from "../uts.ts";

const TICK = 1e7;
const PAGE_SIZE = 4096;

export function meminfoText(kernel: Kernel): string {
  const total = kernel.memoryBytes;
  const used = Math.min(total, kernel.pool.committedPages * PAGE_SIZE);
  const free = total - used;
  const rows: readonly (readonly [name: string, bytes: number])[] = [
    ["MemTotal", total],
    ["MemFree", free],
    ["MemAvailable", free],
    ["Buffers", 0],
    ["Cached", 0],
    ["SwapCached", 0],
    ["Active", used],
    ["Inactive", 0],
    ["SwapTotal", 0],
    ["SwapFree", 0],
    ["Dirty", 0],
    ["Writeback", 0],
    ["AnonPages", used],
    ["Mapped", 0],
    ["Shmem", 0],
    ["Slab", 0],
    ["SReclaimable", 0],
    ["SUnreclaim", 0],
    ["CommitLimit", total],
    ["Committed_AS", used],
  ];
  return rows
    .map(([name, bytes]) => `${`${name}:`.padEnd(16)}${String(Math.floor(bytes / 1024)).padStart(8)} kB\n`)
    .join("");
}

/** proc_vmstat(5): of the hundred counters of Linux those that there is something to say about, and what vmstat(8) looks for. */
export function vmstatText(kernel: Kernel): string {
  const used = Math.min(kernel.memoryBytes / PAGE_SIZE, kernel.pool.committedPages);
  const rows: readonly (readonly [name: string, count: number])[] = [
    ["nr_free_pages", kernel.memoryBytes / PAGE_SIZE - used],
    ["nr_anon_pages", used],
    ["nr_mapped", 0],
    ["nr_file_pages", 0],
    ["nr_dirty", 0],
    ["nr_writeback", 0],
    ["nr_shmem", 0],
    ["pgpgin", 0],
    ["pgpgout", 0],
    ["pswpin", 0],
    ["pswpout", 0],
  ];
  return rows.map(([name, count]) => `${name} ${Math.floor(count)}\n`).join("");
}

interface CpuTimes {
  readonly user: number;
  readonly system: number;
  readonly idle: number;
}

/** Clock ticks since the start. */
function cpuTimes(kernel: Kernel): CpuTimes {
  let user = kernel.pastUsage.utime;
  let system = kernel.pastUsage.stime;
  for (const process of kernel.processes.values()) {
    const times = process.times();
    user += times.utime;
    system += times.stime;
  }
  const idle = Math.max(0, kernel.now() - user - system);
  return { user: Math.floor(user / TICK), system: Math.floor(system / TICK), idle: Math.floor(idle / TICK) };
}

function countTasks(kernel: Kernel): { running: number; blocked: number; total: number } {
  let running = 0;
  let total = 0;
  for (const task of kernel.tasks.values()) {
    total++;
    if (task.state === "runnable") running++;
  }
  return { running, blocked: 0, total };
}

/** What the time since the start is more for whoever looks: time_namespaces(7). */
function ahead({ scheduler, namespaces }: Kernel): number {
  return (scheduler.current?.namespaces ?? namespaces).time.boottime;
}

export function machineStatText(kernel: Kernel): string {
  const { user, system, idle } = cpuTimes(kernel);
  const times = `${user} 0 ${system} ${idle} 0 0 0 0 0 0`;
  const { running, blocked } = countTasks(kernel);
  return (
    `cpu  ${times}\ncpu0 ${times}\nintr 0\nctxt ${kernel.scheduler.switches}\n` +
    `btime ${(kernel.bootTime - BigInt(ahead(kernel))) / 1_000_000_000n}\nprocesses ${kernel.forks}\nprocs_running ${running}\nprocs_blocked ${blocked}\n` +
    "softirq 0 0 0 0 0 0 0 0 0 0 0\n"
  );
}

export function uptimeText(kernel: Kernel): string {
  const { idle } = cpuTimes(kernel);
  return `${(Math.floor((kernel.now() + ahead(kernel)) / 1e7) / 100).toFixed(2)} ${(idle / 100).toFixed(2)}\n`;
}

export function loadavgText(kernel: Kernel, pids: PidNamespace): string {
  const { running, total } = countTasks(kernel);
  const load = kernel.scheduler.loadAverages().map((v) => v.toFixed(2));
  return `${load.join(" ")} ${running}/${total} ${pids.lastNumber}\n`;
}

export function versionText(): string {
  return `${OS_TYPE} version ${KERNEL_RELEASE} (tsrcore) ${KERNEL_VERSION}\n`;
}

/** The types that there are. */
export const FILE_SYSTEMS: readonly string[] = [
  "sysfs",
  "tmpfs",
  "proc",
  "devtmpfs",
  "sockfs",
  "pipefs",
  "ramfs",
  "devpts",
  "mqueue",
  "overlay",
];

export function filesystemsText(): string {
  return FILE_SYSTEMS.map((name) => `nodev\t${name}\n`).join("");
}

/** Terminals: who is behind which device number, which ps(1) makes names of. */
export function terminalDriversText(): string {
  const rows: readonly (readonly [string, string, number, string, string])[] = [
    ["/dev/tty", "/dev/tty", 5, "0", "system:/dev/tty"],
    ["/dev/console", "/dev/console", 5, "1", "system:console"],
    ["/dev/ptmx", "/dev/ptmx", 5, "2", "system"],
    ["pty_slave", "/dev/pts", 136, "0-1048575", "pty:slave"],
    ["pty_master", "/dev/ptm", 128, "0-1048575", "pty:master"],
  ];
  return rows
    .map(
      ([name, node, major, minors, type]) =>
        `${name.padEnd(20)} ${node.padEnd(8)} ${String(major).padStart(3)} ${minors.padStart(7)} ${type}\n`,
    )
    .join("");
}

export function devicesText(): string {
  return "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n";
}
