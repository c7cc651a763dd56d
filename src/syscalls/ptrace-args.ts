/** ptrace(2) as strace shows it. */
import * as P from "../abi/ptrace.ts";
import { signalName } from "../abi/signal.ts";
import { choice, printFlags, printHex, printPointer } from "./args.ts";
import type { Arg } from "./define.ts";

const NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(P)
    .filter(([name]) => /^PTRACE_(?!O_|EVENT|SYSCALL_INFO)/.test(name))
    .map(([name, value]) => [value, name]),
);
const OPTIONS: readonly (readonly [number, string])[] = Object.entries(P)
  .filter(([name]) => name.startsWith("PTRACE_O_") && name !== "PTRACE_O_MASK")
  .map(([name, value]) => [value, name]);
const SETS: Readonly<Record<number, string>> = {
  [P.NT_PRSTATUS]: "NT_PRSTATUS",
  [P.NT_PRFPREG]: "NT_PRFPREG",
  [P.NT_X86_XSTATE]: "NT_X86_XSTATE",
  [P.NT_RISCV_VECTOR]: "NT_RISCV_VECTOR",
};

export const ptraceRequest: Arg = choice(NAMES, "PTRACE_???");

export const ptraceAddress: Arg = {
  kind: "u64",
  print: (v, c) => {
    const request = c.args[0];
    if (request === P.PTRACE_GETREGSET || request === P.PTRACE_SETREGSET) return SETS[v] ?? printHex(v);
    return printPointer(v);
  },
};

export const ptraceData: Arg = {
  kind: "u64",
  print: (v, c) => {
    switch (c.args[0]) {
      case P.PTRACE_CONT:
      case P.PTRACE_SYSCALL:
      case P.PTRACE_SINGLESTEP:
      case P.PTRACE_DETACH:
      case P.PTRACE_SYSEMU:
      case P.PTRACE_LISTEN:
        return v === 0 ? "0" : signalName(v);
      case P.PTRACE_SETOPTIONS:
      case P.PTRACE_SEIZE:
        return printFlags(v, OPTIONS);
      default:
        return printPointer(v);
    }
  },
};
