/**
 * /proc/[pid]/smaps and smaps_rollup (proc_pid_smaps(5)): what of each mapping is in memory.
 *
 * What processes share of each other's memory are the pages that none has touched since a fork; all else has been copied and is
 * private. A page of a file that cannot be written to is clean; others count as changed, since no record is kept of which were.
 */
import { PROT_EXEC, PROT_READ, PROT_WRITE } from "../../abi/mman.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../../mm/layout.ts";
import { type Vma, VmFlag } from "../../mm/vma.ts";
import type { Task } from "../task.ts";
import { hasMemory, mapsLine } from "./process-text.ts";

const KIB = 1024;

/** Bytes. `proportional`: each page divided by the processes that share it. */
const NOTHING = {
  resident: 0,
  proportional: 0,
  shared: 0,
  clean: 0,
  sharedClean: 0,
  cleanProportional: 0,
  anonymous: 0,
  anonymousProportional: 0,
  locked: 0,
};
type Residence = Readonly<typeof NOTHING>;

function residence(task: Task, vma: Vma): Residence {
  const { space } = task;
  const end = vma.end >>> PAGE_SHIFT;
  let resident = 0;
  let shared = 0;
  let proportional = 0;
  for (let run = space.nextRun(vma.start >>> PAGE_SHIFT, end); run !== null; run = space.nextRun(run[1], end)) {
    for (let page = run[0]; page < run[1]; page++) {
      const sharers = space.sharersOf(page);
      resident += PAGE_SIZE;
      if (sharers > 1) shared += PAGE_SIZE;
      proportional += PAGE_SIZE / sharers;
    }
  }
  const unchanged = vma.file !== null && (vma.prot & PROT_WRITE) === 0;
  const anonymous = !unchanged && vma.shared === null;
  return {
    resident,
    proportional,
    shared,
    clean: unchanged ? resident : 0,
    sharedClean: unchanged ? shared : 0,
    cleanProportional: unchanged ? proportional : 0,
    anonymous: anonymous ? resident : 0,
    anonymousProportional: anonymous ? proportional : 0,
    locked: vma.flags & VmFlag.Locked ? proportional : 0,
  };
}

function row(name: string, bytes: number): string {
  return `${`${name}:`.padEnd(16)}${String(Math.floor(bytes / KIB)).padStart(8)} kB\n`;
}

/** The rows that smaps and smaps_rollup have in common. */
function rows(r: Residence): string {
  const sharedDirty = r.shared - r.sharedClean;
  return (
    row("Rss", r.resident) +
    row("Pss", r.proportional) +
    row("Pss_Dirty", r.proportional - r.cleanProportional) +
    row("Shared_Clean", r.sharedClean) +
    row("Shared_Dirty", sharedDirty) +
    row("Private_Clean", r.clean - r.sharedClean) +
    row("Private_Dirty", r.resident - r.clean - sharedDirty) +
    row("Referenced", r.resident) +
    row("Anonymous", r.anonymous) +
    row("KSM", 0) +
    row("LazyFree", 0) +
    row("AnonHugePages", 0) +
    row("ShmemPmdMapped", 0) +
    row("FilePmdMapped", 0) +
    row("Shared_Hugetlb", 0) +
    row("Private_Hugetlb", 0) +
    row("Swap", 0) +
    row("SwapPss", 0) +
    row("Locked", r.locked)
  );
}

/** In the order of show_smap_vma_flags(). */
const FLAG_NAMES: readonly (readonly [flag: number, name: string])[] = [
  [VmFlag.Shared, "sh"],
  [VmFlag.MayRead, "mr"],
  [VmFlag.MayWrite, "mw"],
  [VmFlag.MayExec, "me"],
  [VmFlag.MayShare, "ms"],
  [VmFlag.GrowsDown, "gd"],
  [VmFlag.Locked, "lo"],
  [VmFlag.LockedOnFault, "lf"],
  [VmFlag.SequentialRead, "sr"],
  [VmFlag.RandomRead, "rr"],
  [VmFlag.DontFork, "dc"],
  [VmFlag.DontExpand, "de"],
  [VmFlag.Account, "ac"],
  [VmFlag.NoReserve, "nr"],
  [VmFlag.WipeOnFork, "wf"],
  [VmFlag.DontDump, "dd"],
  [VmFlag.HugePage, "hg"],
  [VmFlag.NoHugePage, "nh"],
  [VmFlag.Mergeable, "mg"],
];

function flagNames(vma: Vma): string {
  const names: string[] = [];
  if (vma.prot & PROT_READ) names.push("rd");
  if (vma.prot & PROT_WRITE) names.push("wr");
  if (vma.prot & PROT_EXEC) names.push("ex");
  for (const [flag, name] of FLAG_NAMES) if (vma.flags & flag) names.push(name);
  return names.map((name) => `${name} `).join("");
}

export function smapsText(task: Task): string {
  if (!hasMemory(task)) return "";
  let text = "";
  for (const vma of task.space.vmas) {
    text += mapsLine(task, vma);
    text += row("Size", vma.end - vma.start) + row("KernelPageSize", PAGE_SIZE) + row("MMUPageSize", PAGE_SIZE);
    text += `${rows(residence(task, vma))}THPeligible:    ${"0".padStart(8)}\nVmFlags: ${flagNames(vma)}\n`;
  }
  return text;
}

export function smapsRollupText(task: Task): string {
  if (!hasMemory(task)) return "";
  const sum = { ...NOTHING };
  let start = 0;
  let end = 0;
  for (const vma of task.space.vmas) {
    if (end === 0) start = vma.start;
    end = vma.end;
    const one = residence(task, vma);
    for (const key of Object.keys(sum) as (keyof Residence)[]) sum[key] += one[key];
  }
  const hex = (v: number): string => v.toString(16).padStart(8, "0");
  const head = `${hex(start)}-${hex(end)} ---p 00000000 00:00 0 `;
  // The rollup splits Pss by what kind of memory it is.
  const lines = rows(sum).split("\n");
  const at = lines.findIndex((line) => line.startsWith("Shared_Clean"));
  const kinds = [
    row("Pss_Anon", sum.anonymousProportional),
    row("Pss_File", sum.proportional - sum.anonymousProportional),
    row("Pss_Shmem", 0),
  ].map((line) => line.trimEnd());
  lines.splice(at, 0, ...kinds);
  return `${head.padEnd(73)}[rollup]\n${lines.join("\n")}`;
}
