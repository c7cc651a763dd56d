/** Signals, their sets and handlers, as strace shows them. */
import { printSiginfo } from "../abi/siginfo-text.ts";
import * as S from "../abi/signal.ts";
import { printFlags, printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";
import { filled, given, peekView, printStruct, succeeded, unsigned64 } from "./struct-args.ts";

const SIGNAL_COUNT = 64;

/** `[INT CHLD]`; a set with two thirds of all signals or more by what it lacks: `~[KILL STOP]`. */
export function printSignalSet(lo: number, hi: number): string {
  const names = (low: number, high: number): string[] => {
    const out: string[] = [];
    for (let i = 0; i < SIGNAL_COUNT; i++)
      if ((((i < 32 ? low : high) >>> (i & 31)) & 1) === 1) out.push(S.signalName(i + 1).slice(3));
    return out;
  };
  const members = names(lo, hi);
  return members.length >= Math.floor((SIGNAL_COUNT * 2) / 3)
    ? `~[${names(~lo, ~hi).join(" ")}]`
    : `[${members.join(" ")}]`;
}

function printSetAt(address: number, c: PrintContext, sizeIndex: number): string {
  // The kernel takes sets of eight bytes only, so another size is no set.
  if (c.args[sizeIndex] !== 8) return printPointer(address);
  return printStruct(address, 8, c, (view) => printSignalSet(view.getInt32(0, true), view.getInt32(4, true)));
}

/** A sigset_t that the call reads; its size is argument `sizeIndex`. */
export function signalSet(sizeIndex: number): Arg {
  return { kind: "u64", print: (v, c) => printSetAt(v, c, sizeIndex) };
}

/** A sigset_t that the call fills in. */
export function filledSignalSet(sizeIndex: number): Arg {
  return {
    kind: "u64",
    out: true,
    print: (v, c) => (succeeded(c) ? printSetAt(v, c, sizeIndex) : printPointer(v)),
  };
}

const ACTION_FLAGS: readonly (readonly [number, string])[] = [
  [S.SA_RESTORER, "SA_RESTORER"],
  [S.SA_ONSTACK, "SA_ONSTACK"],
  [S.SA_RESTART, "SA_RESTART"],
  [S.SA_NODEFER, "SA_NODEFER"],
  [S.SA_RESETHAND, "SA_RESETHAND"],
  [S.SA_SIGINFO, "SA_SIGINFO"],
  [S.SA_NOCLDSTOP, "SA_NOCLDSTOP"],
  [S.SA_NOCLDWAIT, "SA_NOCLDWAIT"],
  [S.SA_EXPOSE_TAGBITS, "SA_EXPOSE_TAGBITS"],
];

/** 64 bits, of which the upper ones have no names: C libraries extend the sign of SA_RESETHAND. */
function printActionFlags(lo: number, hi: number, hasRestorer: boolean): string {
  const names = hasRestorer ? ACTION_FLAGS : ACTION_FLAGS.slice(1);
  if (hi === 0) return printFlags(lo, names);
  const known = names.filter(([bit]) => (lo & bit) !== 0);
  const unknown = known.reduce((rest, [bit]) => rest & ~bit, lo) >>> 0;
  const rest = (BigInt(hi) << 32n) | BigInt(unknown);
  return [...known.map(([, name]) => name), `0x${rest.toString(16)}`].join("|");
}

/** struct sigaction of the kernel: handler, flags, restorer if the architecture has one, mask; eight bytes each. */
function printAction(view: DataView, c: PrintContext): string {
  const { hasRestorer } = c.task.arch;
  const handler = unsigned64(view, 0);
  const flags = view.getUint32(8, true);
  const mask = hasRestorer ? 24 : 16;
  const parts = [
    `sa_handler=${handler === 0 ? "SIG_DFL" : handler === 1 ? "SIG_IGN" : printPointer(handler)}`,
    `sa_mask=${printSignalSet(view.getInt32(mask, true), view.getInt32(mask + 4, true))}`,
    `sa_flags=${printActionFlags(flags, view.getUint32(12, true), hasRestorer)}`,
  ];
  if (hasRestorer && (flags & S.SA_RESTORER) !== 0) parts.push(`sa_restorer=${printPointer(unsigned64(view, 16))}`);
  return `{${parts.join(", ")}}`;
}

const actionSize = (c: PrintContext): number => (c.task.arch.hasRestorer ? 32 : 24);
export const signalAction: Arg = { kind: "u64", print: (v, c) => printStruct(v, actionSize(c), c, printAction) };
export const filledSignalAction: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => (succeeded(c) ? printStruct(v, actionSize(c), c, printAction) : printPointer(v)),
};

const STACK_FLAGS: readonly (readonly [number, string])[] = [
  [S.SS_ONSTACK, "SS_ONSTACK"],
  [S.SS_DISABLE, "SS_DISABLE"],
  [S.SS_AUTODISARM, "SS_AUTODISARM"],
];

function printStack(view: DataView): string {
  const flags = printFlags(view.getUint32(8, true), STACK_FLAGS);
  return `{ss_sp=${printPointer(unsigned64(view, 0))}, ss_flags=${flags}, ss_size=${unsigned64(view, 16)}}`;
}

/** stack_t */
export const signalStack: Arg = given(24, printStack);
export const filledSignalStack: Arg = filled(24, printStack);

export const siginfo: Arg = given(128, printSiginfo);
export const filledSiginfo: Arg = filled(128, printSiginfo);

/** What rt_sigreturn will restore. No register says where it is: the frame lies at the stack pointer. */
export const signalFrame: Arg = {
  kind: "u64",
  print: (_v, c) => {
    const { arch } = c.task;
    const sp = arch.registers.getSp(c.task.mm.context);
    const view = peekView(c, sp + arch.signalMaskOffset, 8);
    return view === undefined
      ? printPointer(sp)
      : `{mask=${printSignalSet(view.getInt32(0, true), view.getInt32(4, true))}}`;
  },
};
