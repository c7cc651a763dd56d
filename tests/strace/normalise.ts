// What strace wrote, in a form in which two kernels' runs can be compared: one list of lines for each process, named by
// its place in the family ("1" is the program, "1.2" its second child), with what cannot be the same masked.
//
// The masks, all of them:
// - addresses: hexadecimal numbers of five digits or more. Columns are not compared, since they depend on their length.
// - process ids: a call's result or argument, a field of siginfo; they become the process's name. What rt_sigreturn puts
//   back is mostly the process id that a wait gave.
// - times since 1970 (also as dates), CPU times, and how much of a sleep is left.
// - random bytes.
// - what describes the machine and not the run: sizes of file systems and memory, device and inode numbers, names of
//   the kernel's version, the limits that a session begins with.
// - the size that a directory reports, which each file system computes in its own way.
// - calls that a native program makes without the kernel, by the vDSO: they are left out.

import type { Mask } from "../golden/types.ts";

/** A process's name -> its lines. */
export type Processes = ReadonlyMap<string, readonly string[]>;

const UNFINISHED = " <unfinished ...>";

/** A pid that no process of the trace has. */
const OUTSIDE = "outside";

/** Lines of a `-f -o` file by process id, interrupted calls put together again. */
function split(text: string): Map<number, string[]> {
  const byPid = new Map<number, string[]>();
  const open = new Map<number, string>();
  for (const line of text.split("\n")) {
    const match = /^(\d+) +(.*)$/.exec(line);
    if (match === null) continue;
    const pid = Number(match[1]);
    let rest = match[2] ?? "";
    let lines = byPid.get(pid);
    if (lines === undefined) {
      lines = [];
      byPid.set(pid, lines);
    }
    if (rest.endsWith(UNFINISHED)) {
      open.set(pid, rest.slice(0, -UNFINISHED.length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (resumed !== null) {
      rest = (open.get(pid) ?? "") + (resumed[1] ?? "");
      open.delete(pid);
    }
    lines.push(rest);
  }
  for (const [pid, text] of open) byPid.get(pid)?.push(`${text}${UNFINISHED}`);
  return byPid;
}

/** Who is whose child, from the results of the calls that make processes. */
function names(byPid: ReadonlyMap<number, readonly string[]>): Map<number, string> {
  const named = new Map<number, string>();
  const visit = (pid: number, name: string): void => {
    named.set(pid, name);
    let children = 0;
    for (const line of byPid.get(pid) ?? []) {
      const made = /^(?:\[ *\d+\] )?(?:fork|vfork|clone|clone3)\(.*\) += (\d+)/.exec(line);
      if (made !== null) visit(Number(made[1]), `${name}.${++children}`);
    }
  };
  const [first] = byPid.keys();
  if (first !== undefined) visit(first, "1");
  // Where a filter hides the calls that made them, processes are numbered as they appear.
  for (const pid of byPid.keys()) if (!named.has(pid)) visit(pid, `other ${named.size}`);
  return named;
}

/** Calls whose results are process ids, and those whose first argument is one. */
const PID_RESULT =
  /^((?:fork|vfork|clone|clone3|getpid|getppid|gettid|getpgrp|getpgid|getsid|setsid|set_tid_address|wait4|waitid)\(.*\) += )(\d+)(?=$| )/;
const PID_ARGUMENT =
  /^((?:kill|tkill|tgkill|wait4|getpgid|getsid|setpgid|prlimit64|sched_\w+|rt_t?gsigqueueinfo|rt_sigqueueinfo)\((?!-1\b)-?)(\d+)(?=[,)])/;

const VDSO_CALLS = /^(?:clock_gettime|gettimeofday|time|getcpu)\(/;

function maskLine(line: string, named: ReadonlyMap<number, string>): string {
  const pid = (digits: string): string => {
    const number = Number(digits);
    return number === 0 ? digits : `<${named.get(number) ?? OUTSIDE}>`;
  };
  const replace = (_all: string, head: string, digits: string): string => head + pid(digits);
  const [, number = "", rest = line] = /^(\[ *\d+\] )?(.*)$/s.exec(line) ?? [];
  const masked = rest
    .replace(PID_RESULT, replace)
    .replace(PID_ARGUMENT, replace)
    .replace(/^(rt_sigreturn\(.*\) += )(\d+)$/, (all, head: string, digits: string) =>
      named.has(Number(digits)) ? head + pid(digits) : all,
    )
    .replace(/^(tgkill\([^,]*, |rt_tgsigqueueinfo\([^,]*, |waitid\(P_\w+, )(\d+)/, replace)
    .replace(/^(setpgid\([^,]*, )(\d+)/, replace)
    .replace(/\b(si_pid=)(\d+)/g, replace)
    .replace(/^(ioctl\(.*, \[)(\d+)(?=\])/, replace)
    .replace(/^(getrandom\()".*"(?:\.\.\.)?/, "$1RANDOM")
    .replace(/(read\([0-9]+)(<[^>]*random>), ".*"(?:\.\.\.)?/, "$1$2, RANDOM")
    .replace(/0x[0-9a-f]{5,}/g, "ADDR")
    .replace(/(si_[us]time=)\d+(?: \/\* [^*]* \*\/)?/g, "$1N")
    .replace(/(tms_\w+=)\d+(?: \/\* [^*]* \*\/)?/g, "$1N")
    .replace(/^(times\(.*\) += )\d+/, "$1N")
    .replace(/\{tv_sec=\d{9,}, tv_[un]sec=\d+\}(?: \/\* [^*]* \*\/)?/g, "{TIME}")
    .replace(/left \{[^}]*\}/g, "left N")
    .replace(/(ru_[us]time=)\{[^}]*\}/g, "$1N")
    .replace(/(st_mode=S_IFDIR[^}]*?st_size=)\d+/g, "$1N")
    .replace(/(f_(?:type|bsize|blocks|bfree|bavail|files|ffree|frsize|namelen|flags)=)[\w|]+/g, "$1N")
    .replace(/f_fsid=\{[^}]*\}/g, "f_fsid=N")
    .replace(/^(sysinfo\(\{)[^}]*\}/, "$1N}")
    .replace(/\b(st_dev|stx_dev)=makedev\([^)]*\)/g, "$1=DEV")
    .replace(/\b((?:st|stx|d)_(?:ino|blocks|dev_major|dev_minor|mnt_id|blksize|attributes_mask|off))=[\w|]+/g, "$1=N")
    .replace(/\b(st_[amc]time)=\d+ \/\* [^*]* \*\/, (st_[amc]time_nsec)=\d+/g, "$1=TIME, $2=N")
    .replace(/(pipe:\[)\d+/g, "$1N")
    .replace(/((?:release|version)=)"[^"]*"/g, "$1NAME")
    .replace(/\b((?:msg|sem|shm)_[a-z]time)=[1-9]\d+/g, "$1=TIME")
    .replace(/\b((?:msg_l[sr]|shm_[cl])pid=)(\d+)/g, replace)
    .replace(/(ru_(?:maxrss|minflt|majflt|nvcsw|nivcsw)=)\d+/g, "$1N")
    .replace(/(RLIMIT_(?:NOFILE|NPROC|SIGPENDING), NULL, )\{[^}]*\}/, "$1N")
    .replace(/(\)) +(= )/, "$1 $2");
  return number + masked;
}

/**
 * Where children run at the same time it depends on the scheduler when their deaths come to the parent's notice: in the
 * middle of which call, and how many of them one SIGCHLD stands for. So SIGCHLDs are left out, with the returns from
 * their handler, the calls that they came into, and the order in which waits tell of deaths.
 */
function withoutDeaths(lines: readonly string[]): string[] {
  const kept: string[] = [];
  const waits: string[] = [];
  for (const line of lines) {
    if (/^--- SIGCHLD |^rt_sigreturn\(|= \? ERESTART/.test(line)) continue;
    if (/^wait4\(/.test(line)) waits.push(line);
    else kept.push(line);
  }
  return [...kept, ...waits.sort()];
}

/** @param masks a case's own */
export function normalise(text: string, concurrent = false, masks: readonly Mask[] = []): Processes {
  const byPid = split(text);
  const named = names(byPid);
  const processes = new Map<string, string[]>();
  for (const [pid, lines] of byPid) {
    const name = named.get(pid) ?? String(pid);
    const masked = lines
      .filter((line) => !VDSO_CALLS.test(line))
      .map((line) =>
        masks.reduce((text, { pattern, replacement }) => text.replace(pattern, replacement), maskLine(line, named)),
      );
    processes.set(name, concurrent ? withoutDeaths(masked) : masked);
  }
  return new Map([...processes].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function toText(processes: Processes): string {
  return [...processes].map(([name, lines]) => `[${name}]\n${lines.join("\n")}\n`).join("");
}

/**
 * A line whose result is not in its column, which normalise() does not look at: filled up to `column`, which
 * counts from the process id on, or right after the call where that is longer.
 */
export function misalignedLine(text: string, column: number): string | undefined {
  for (const line of text.split("\n")) {
    if (!/^\d+ +\w+\(/.test(line) || line.endsWith(UNFINISHED)) continue;
    const at = line.lastIndexOf(") = ");
    if (at >= 0 && at + 2 >= column) continue;
    const padded = /\) ( +)= /.exec(line);
    if (padded !== null && padded.index + 2 + (padded[1] ?? "").length === column) continue;
    return line;
  }
  return undefined;
}
