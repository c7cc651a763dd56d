/** The arguments of the calls that make, end and wait for processes, as strace shows them. */
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_SETTLS,
} from "../abi/clone.ts";
import { signalName } from "../abi/signal.ts";
import { printCString, printFlags, printHex, printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";
import { cloneFlagNames } from "./process-flags.ts";
import { peekView, printStruct, succeeded, unsigned64 } from "./struct-args.ts";

/** argv: an array of strings, as many of them as a string may have bytes. */
export const stringArray: Arg = { kind: "u64", print: printStrings };

function printStrings(address: number, c: PrintContext): string {
  if (address === 0) return "NULL";
  const parts: string[] = [];
  for (let i = 0; ; i++) {
    const view = peekView(c, address + i * 8, 8);
    if (view === undefined) {
      return i === 0 ? printPointer(address) : `[${parts.join(", ")}, ... /* ${printPointer(address + i * 8)} */]`;
    }
    const word = unsigned64(view, 0);
    if (word === 0) return `[${parts.join(", ")}]`;
    if (i >= c.stringLimit && c.verbose !== true) return `[${parts.join(", ")}, ...]`;
    parts.push(printCString(word, c, c.stringLimit));
  }
}

/** envp: the number of variables, or with -v all of them. */
export const environment: Arg = {
  kind: "u64",
  print: (v, c) => {
    if (c.verbose === true) return printStrings(v, c);
    if (v === 0) return "NULL";
    for (let n = 0; ; n++) {
      const view = peekView(c, v + n * 8, 8);
      if (view === undefined) return n === 0 ? printPointer(v) : countOf(v, n, ", unterminated");
      if (unsigned64(view, 0) === 0) return countOf(v, n, "");
    }
  },
};

function countOf(address: number, count: number, note: string): string {
  return `${printPointer(address)} /* ${count} var${count === 1 ? "" : "s"}${note} */`;
}

/** What wait4 stores: `[{WIFEXITED(s) && WEXITSTATUS(s) == 0}]`. */
export function printWaitStatus(status: number): string {
  const signal = status & 0x7f;
  if (status === 0xffff) return "[{WIFCONTINUED(s)}]";
  if ((status & 0xff) === 0x7f) return `[{WIFSTOPPED(s) && WSTOPSIG(s) == ${signalName((status >> 8) & 0xff)}}]`;
  if (signal === 0) return `[{WIFEXITED(s) && WEXITSTATUS(s) == ${(status >> 8) & 0xff}}]`;
  return `[{WIFSIGNALED(s) && WTERMSIG(s) == ${signalName(signal)}${status & 0x80 ? " && WCOREDUMP(s)" : ""}}]`;
}

export const waitStatus: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) =>
    (c.result ?? 0) > 0 ? printStruct(v, 4, c, (view) => printWaitStatus(view.getInt32(0, true))) : printPointer(v),
};

function printUsage(view: DataView, c: PrintContext): string {
  const time = (at: number): string =>
    `{tv_sec=${view.getBigInt64(at, true)}, tv_usec=${view.getBigInt64(at + 8, true)}}`;
  const head = `ru_utime=${time(0)}, ru_stime=${time(16)}`;
  if (c.verbose !== true) return `{${head}, ...}`;
  const names = [
    ...["maxrss", "ixrss", "idrss", "isrss", "minflt", "majflt", "nswap", "inblock", "oublock", "msgsnd", "msgrcv"],
    ...["nsignals", "nvcsw", "nivcsw"],
  ];
  return `{${head}, ${names.map((name, i) => `ru_${name}=${view.getBigUint64(32 + 8 * i, true)}`).join(", ")}}`;
}

/** struct rusage. @param least the smallest result with which it was filled in */
export function usage(least: number): Arg {
  return {
    kind: "u64",
    out: true,
    print: (v, c) => ((c.result ?? -1) >= least ? printStruct(v, 144, c, printUsage) : printPointer(v)),
  };
}

/** The low byte of clone's flags is a signal. */
function printCloneFlags(value: number): string {
  const flags = (value & ~0xff) >>> 0;
  const signal = value & 0xff;
  if (flags === 0) return signal === 0 ? "0" : signalName(signal);
  return printFlags(flags, cloneFlagNames) + (signal === 0 ? "" : `|${signalName(signal)}`);
}

/**
 * clone's arguments stand in another order than strace shows them: the stack comes first. Those of registers that the
 * flags make no use of are left out.
 */
export const cloneFlags: Arg = {
  kind: "u32",
  print: (v, c) => `child_stack=${printPointer(c.args[1] ?? 0)}, flags=${printCloneFlags(v)}`,
};
export const cloneStack: Arg = { kind: "u64", print: () => "" };
export const cloneParentTid: Arg = {
  kind: "u64",
  out: true,
  absent: (_v, c) => ((c.args[0] ?? 0) & (CLONE_PARENT_SETTID | CLONE_PIDFD)) === 0,
  print: (v, c) => {
    if (((c.args[0] ?? 0) & (CLONE_PARENT_SETTID | CLONE_PIDFD)) === 0) return "";
    const text = succeeded(c) ? printStruct(v, 4, c, (view) => `[${view.getInt32(0, true)}]`) : printPointer(v);
    return `parent_tid=${text}`;
  },
};

/** @param tls whether this is the register of the thread pointer, and not of the child's tid */
function cloneTail(index: number): Arg["print"] {
  return (v, c) => {
    const flags = c.args[0] ?? 0;
    if ((index === 3) === c.task.arch.cloneTlsFirst) return flags & CLONE_SETTLS ? `tls=${printHex(v)}` : "";
    return flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID) ? `child_tidptr=${printPointer(v)}` : "";
  };
}
/** Arguments 3 and 4; strace shows the thread pointer first, whichever register has it. */
export const cloneTail3: Arg = {
  kind: "u64",
  out: true,
  absent: (_v, c) => tail(c)[0] === "",
  print: (_v, c) => tail(c)[0],
};
export const cloneTail4: Arg = {
  kind: "u64",
  out: true,
  absent: (_v, c) => tail(c)[1] === "",
  print: (_v, c) => tail(c)[1],
};

function tail(c: PrintContext): [string, string] {
  const third = cloneTail(3)(c.args[3] ?? 0, c);
  const fourth = cloneTail(4)(c.args[4] ?? 0, c);
  return c.task.arch.cloneTlsFirst ? [third, fourth] : [fourth, third];
}

/** struct clone_args; its size is argument 1. */
export const cloneArgs: Arg = {
  kind: "u64",
  print: (v, c) => {
    const size = c.args[1] ?? 0;
    return printStruct(v, Math.min(Math.max(size, 64), 88), c, (view) => {
      const flags = unsigned64(view, 0);
      const bits = flags >>> 0;
      const signal = unsigned64(view, 32);
      const parts = [`flags=${flags === 0 ? "0" : printFlags(bits, cloneFlagNames)}`];
      if (bits & CLONE_PIDFD) parts.push(`pidfd=${printPointer(unsigned64(view, 8))}`);
      if (bits & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID))
        parts.push(`child_tid=${printPointer(unsigned64(view, 16))}`);
      if (bits & CLONE_PARENT_SETTID) parts.push(`parent_tid=${printPointer(unsigned64(view, 24))}`);
      parts.push(`exit_signal=${signal === 0 ? "0" : signalName(signal)}`);
      parts.push(`stack=${printPointer(unsigned64(view, 40))}`, `stack_size=${printHex(unsigned64(view, 48))}`);
      if (bits & CLONE_SETTLS) parts.push(`tls=${printHex(unsigned64(view, 56))}`);
      return `{${parts.join(", ")}}`;
    });
  },
};
