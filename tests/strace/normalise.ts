// What strace wrote, in a form in which two kernels' runs can be compared: one list of lines for each process, named by
// its place in the family ("1" is the program, "1.2" its second child), with what cannot be the same masked.
//
// The masks, all of them:
// - addresses: hexadecimal numbers of five digits or more. Columns are not compared where one stands.
// - process ids: a call's result or argument, a field of siginfo; they become the process's name.
// - times since 1970, and intervals that the clock measured: timestamps, CPU times, rests of a sleep.
// - random bytes.
// - what describes the machine and not the run: sizes of file systems and memory, device and inode numbers.
// - the size that a directory reports, which each file system computes in its own way.

export interface Masks {
  /** Some kernel's own result, with the reason for which it may differ; the first group is kept. */
  readonly extra?: readonly { readonly pattern: RegExp; readonly replacement: string; readonly reason: string }[];
}

/** A process's name -> its lines. */
export type Processes = ReadonlyMap<string, readonly string[]>;

const UNFINISHED = " <unfinished ...>";

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
      const made = /^(?:fork|vfork|clone|clone3)\(.*\) += (\d+)/.exec(line);
      if (made !== null) visit(Number(made[1]), `${name}.${++children}`);
    }
  };
  const [first] = byPid.keys();
  if (first !== undefined) visit(first, "1");
  return named;
}

/** Calls whose results and numeric arguments are process ids. */
const PID_RESULT =
  /^((?:rt_sigreturn|fork|vfork|clone|clone3|getpid|getppid|gettid|getpgrp|getpgid|getsid|setsid|set_tid_address|wait4|waitid)\(.*\) += )(\d+)(?=$| )/;
const PID_ARGUMENT =
  /^((?:kill|tkill|tgkill|wait4|getpgid|getsid|setpgid|prlimit64|sched_\w+|rt_sigqueueinfo)\()(-?\d+)(?=[,)])/;

function maskLine(line: string, named: ReadonlyMap<number, string>): string {
  const pid = (digits: string): string => {
    const number = Number(digits);
    return number <= 0 ? digits : `<${named.get(number) ?? "outside"}>`;
  };
  return line
    .replace(PID_RESULT, (_all, head: string, digits: string) => head + pid(digits))
    .replace(PID_ARGUMENT, (_all, head: string, digits: string) => head + pid(digits))
    .replace(/^(setpgid\([^,]*, )(\d+)/, (_all, head: string, digits: string) => head + pid(digits))
    .replace(/\b(si_pid=)(\d+)/g, (_all, head: string, digits: string) => head + pid(digits))
    .replace(/\b(\[)(\d+)(\])/g, (_all, a: string, digits: string, b: string) => a + pid(digits) + b)
    .replace(/0x[0-9a-f]{5,}/g, "ADDR")
    .replace(/(si_[us]time=)\d+/g, "$1N")
    .replace(/\{tv_sec=\d{9,}, tv_([un])sec=\d+\}/g, "{TIME}")
    .replace(/\{tv_sec=\d{9,} [^}]*\}/g, "{TIME}")
    .replace(/(st_mode=S_IFDIR[^,]*, st_size=)\d+/g, "$1N")
    .replace(/(\) )  *= /g, "$1= ");
}

export function normalise(text: string): Processes {
  const byPid = split(text);
  const named = names(byPid);
  const processes = new Map<string, string[]>();
  for (const [pid, lines] of byPid) {
    const name = named.get(pid) ?? `unnamed ${pid}`;
    processes.set(
      name,
      lines.map((line) => maskLine(line, named)),
    );
  }
  return new Map([...processes].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function toText(processes: Processes): string {
  return [...processes].map(([name, lines]) => `[${name}]\n${lines.join("\n")}\n`).join("");
}
