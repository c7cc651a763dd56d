/** prctl, futex and mmap as strace shows them: calls whose later arguments mean what an earlier one says. */
import { FUTEX_CLOCK_REALTIME, FUTEX_PRIVATE_FLAG } from "../abi/futex.ts";
import { signalName } from "../abi/signal.ts";
import { choice, printCString, printFlags, printHex, printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";
import { mapFlagNames } from "./memory-flags.ts";
import { hidden, printStruct, succeeded, unsigned64 } from "./struct-args.ts";
import { capabilityName } from "./system-args.ts";
import { printTime } from "./time-args.ts";

// ---- prctl ----

/** How the second argument of an option is shown; the arguments after it, as plain numbers, if there are `rest`. */
interface Option {
  readonly name: string;
  readonly second?: (value: number, c: PrintContext) => string;
  /** The second is printed on return. */
  readonly filled?: boolean;
  /** Whether the remaining arguments are shown. */
  readonly rest?: boolean;
}

const unsigned = (v: number): string => String(v);
const capability = (v: number): string => capabilityName(v);
const named = (names: readonly string[], unknown: string) => (v: number) =>
  names[v] ?? `${printHex(v)} /* ${unknown} */`;
const number = (v: number, c: PrintContext): string => printStruct(v, 4, c, (view) => `[${view.getUint32(0, true)}]`);

const AMBIENT = [
  "",
  "PR_CAP_AMBIENT_IS_SET",
  "PR_CAP_AMBIENT_RAISE",
  "PR_CAP_AMBIENT_LOWER",
  "PR_CAP_AMBIENT_CLEAR_ALL",
];
const SECCOMP_MODES = ["SECCOMP_MODE_DISABLED", "SECCOMP_MODE_STRICT", "SECCOMP_MODE_FILTER"];
const DUMPABLE = ["SUID_DUMP_DISABLE", "SUID_DUMP_USER", "SUID_DUMP_ROOT"];
const TSC_MODES = ["", "PR_TSC_ENABLE", "PR_TSC_SIGSEGV"];
const SECURE_BITS: readonly (readonly [number, string])[] = [
  [1, "SECBIT_NOROOT"],
  [2, "SECBIT_NOROOT_LOCKED"],
  [4, "SECBIT_NO_SETUID_FIXUP"],
  [8, "SECBIT_NO_SETUID_FIXUP_LOCKED"],
  [16, "SECBIT_KEEP_CAPS"],
  [32, "SECBIT_KEEP_CAPS_LOCKED"],
  [64, "SECBIT_NO_CAP_AMBIENT_RAISE"],
  [128, "SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED"],
];
const NAME_LENGTH = 16;

const OPTIONS: Readonly<Record<number, Option>> = {
  1: { name: "PR_SET_PDEATHSIG", second: (v) => (v > 128 ? String(v) : v === 0 ? "0" : signalName(v)) },
  2: {
    name: "PR_GET_PDEATHSIG",
    filled: true,
    second: (v, c) =>
      printStruct(v, 4, c, (view) => {
        const signal = view.getUint32(0, true);
        return `[${signal === 0 ? "0" : signalName(signal)}]`;
      }),
  },
  3: { name: "PR_GET_DUMPABLE" },
  4: { name: "PR_SET_DUMPABLE", second: named(DUMPABLE, "SUID_DUMP_???") },
  7: { name: "PR_GET_KEEPCAPS" },
  8: { name: "PR_SET_KEEPCAPS", second: unsigned },
  15: { name: "PR_SET_NAME", second: (v, c) => printCString(v, c, NAME_LENGTH - 1) },
  16: {
    name: "PR_GET_NAME",
    filled: true,
    second: (v, c) => printCString(v, c, NAME_LENGTH),
  },
  21: { name: "PR_GET_SECCOMP" },
  22: { name: "PR_SET_SECCOMP", second: named(SECCOMP_MODES, "SECCOMP_MODE_???"), rest: true },
  23: { name: "PR_CAPBSET_READ", second: capability },
  24: { name: "PR_CAPBSET_DROP", second: capability },
  25: {
    name: "PR_GET_TSC",
    filled: true,
    second: (v, c) => printStruct(v, 4, c, (view) => `[${named(TSC_MODES, "PR_TSC_???")(view.getUint32(0, true))}]`),
  },
  26: { name: "PR_SET_TSC", second: named(TSC_MODES, "PR_TSC_???") },
  27: { name: "PR_GET_SECUREBITS" },
  28: { name: "PR_SET_SECUREBITS", second: (v) => printFlags(v, SECURE_BITS, "0", "SECBIT_???") },
  29: { name: "PR_SET_TIMERSLACK", second: (v) => String(v) },
  30: { name: "PR_GET_TIMERSLACK" },
  36: { name: "PR_SET_CHILD_SUBREAPER", second: unsigned },
  37: { name: "PR_GET_CHILD_SUBREAPER", filled: true, second: number },
  38: { name: "PR_SET_NO_NEW_PRIVS", second: unsigned, rest: true },
  39: { name: "PR_GET_NO_NEW_PRIVS", second: printHex, rest: true },
  40: {
    name: "PR_GET_TID_ADDRESS",
    filled: true,
    second: (v, c) => printStruct(v, 8, c, (view) => `[${printPointer(unsigned64(view, 0))}]`),
  },
  41: { name: "PR_SET_THP_DISABLE", second: unsigned, rest: true },
  42: { name: "PR_GET_THP_DISABLE", second: printHex, rest: true },
  47: { name: "PR_CAP_AMBIENT", second: named(AMBIENT, "PR_CAP_AMBIENT_???"), rest: true },
  1398164801: {
    name: "PR_SET_VMA",
    second: (v) => (v === 0 ? "PR_SET_VMA_ANON_NAME" : `${printHex(v)} /* PR_SET_VMA_??? */`),
    rest: true,
  },
  1499557217: { name: "PR_SET_PTRACER", second: (v) => (v === -1 ? "PR_SET_PTRACER_ANY" : String(v)) },
};

const PR_CAP_AMBIENT = 47;
const PR_SET_VMA = 1398164801;

export const prctlOption: Arg = {
  kind: "u32",
  print: (v, c) => {
    const option = OPTIONS[v];
    if (option === undefined) return `${printHex(v)} /* PR_??? */, ${c.args.slice(1).map(printHex).join(", ")}`;
    const parts = [option.name];
    if (option.second !== undefined && option.filled !== true) parts.push(option.second(c.args[1] ?? 0, c));
    if (option.rest === true) parts.push(...restOf(v, c));
    return parts.join(", ");
  },
};

function restOf(option: number, c: PrintContext): string[] {
  const [, second = 0, third = 0, fourth = 0, fifth = 0] = c.args;
  if (option === PR_SET_VMA && second === 0)
    return [printPointer(third), String(fourth), printCString(fifth, c, c.stringLimit)];
  const first = option === PR_CAP_AMBIENT && second >= 1 && second <= 3 ? capabilityName(third) : printHex(third);
  return [first, printHex(fourth), printHex(fifth)];
}

/** What an option stores where its second argument points to. */
export const prctlSecond: Arg = {
  kind: "u64",
  out: true,
  absent: (_v, c) => OPTIONS[c.args[0] ?? 0]?.filled !== true,
  print: (v, c) => {
    const option = OPTIONS[c.args[0] ?? 0];
    if (option?.filled !== true) return "";
    return succeeded(c) ? (option.second?.(v, c) ?? "") : printPointer(v);
  },
};
/** Shown with the option. */
export const prctlRest: Arg = { kind: "u64", out: true, absent: () => true, print: () => "" };

export function printPrctlResult(result: number, c: PrintContext): string {
  const option = OPTIONS[c.args[0] ?? 0]?.name;
  if (option === "PR_GET_DUMPABLE") return `${result} (${DUMPABLE[result] ?? "?"})`;
  if (option === "PR_GET_SECUREBITS" && result !== 0) return `${printHex(result)} (${printFlags(result, SECURE_BITS)})`;
  return String(result);
}

// ---- futex ----

const WAIT = 0;
const WAKE = 1;
const FD = 2;
const REQUEUE = 3;
const CMP_REQUEUE = 4;
const WAKE_OP = 5;
const LOCK_PI = 6;
const UNLOCK_PI = 7;
const TRYLOCK_PI = 8;
const WAIT_BITSET = 9;
const WAKE_BITSET = 10;
const WAIT_REQUEUE_PI = 11;
const CMP_REQUEUE_PI = 12;
const LOCK_PI2 = 13;

const FUTEX_NAMES: Readonly<Record<number, string>> = {
  [WAIT]: "FUTEX_WAIT",
  [WAKE]: "FUTEX_WAKE",
  [FD]: "FUTEX_FD",
  [REQUEUE]: "FUTEX_REQUEUE",
  [CMP_REQUEUE]: "FUTEX_CMP_REQUEUE",
  [WAKE_OP]: "FUTEX_WAKE_OP",
  [LOCK_PI]: "FUTEX_LOCK_PI",
  [UNLOCK_PI]: "FUTEX_UNLOCK_PI",
  [TRYLOCK_PI]: "FUTEX_TRYLOCK_PI",
  [WAIT_BITSET]: "FUTEX_WAIT_BITSET",
  [WAKE_BITSET]: "FUTEX_WAKE_BITSET",
  [WAIT_REQUEUE_PI]: "FUTEX_WAIT_REQUEUE_PI",
  [CMP_REQUEUE_PI]: "FUTEX_CMP_REQUEUE_PI",
  [LOCK_PI2]: "FUTEX_LOCK_PI2",
};

export const futexOperation: Arg = {
  kind: "u32",
  print: (v, c) => {
    const operation = v & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
    const name = FUTEX_NAMES[operation];
    const shown =
      name === undefined
        ? `${printHex(v)} /* FUTEX_??? */`
        : `${name}${v & FUTEX_PRIVATE_FLAG ? "_PRIVATE" : ""}${v & FUTEX_CLOCK_REALTIME ? "|FUTEX_CLOCK_REALTIME" : ""}`;
    return [shown, ...futexRest(operation, c)].join(", ");
  },
};

function futexRest(operation: number, c: PrintContext): string[] {
  const [, , value = 0, fourth = 0, second = 0, third = 0] = c.args;
  const val = String(value);
  const timeout = (): string => printStruct(fourth, 16, c, (view) => printTime(view, 0, "nsec"));
  const bits = third >>> 0 === 0xffff_ffff ? "FUTEX_BITSET_MATCH_ANY" : printHex(third);
  const val2 = String(fourth >>> 0);
  switch (operation) {
    case WAIT:
      return [val, timeout()];
    case LOCK_PI:
    case LOCK_PI2:
      return [timeout()];
    case WAIT_BITSET:
      return [val, timeout(), bits];
    case WAKE_BITSET:
      return [val, bits];
    case REQUEUE:
      return [val, val2, printPointer(second)];
    case CMP_REQUEUE:
    case CMP_REQUEUE_PI:
      return [val, val2, printPointer(second), String(third)];
    case WAKE_OP:
      return [val, val2, printPointer(second), printWakeOperation(third)];
    case WAIT_REQUEUE_PI:
      return [val, timeout(), printPointer(second)];
    case FD:
    case WAKE:
      return [val];
    case UNLOCK_PI:
    case TRYLOCK_PI:
      return [];
    default:
      return [val, printPointer(fourth), printPointer(second), printHex(third)];
  }
}

const WAKE_OPERATIONS = ["FUTEX_OP_SET", "FUTEX_OP_ADD", "FUTEX_OP_OR", "FUTEX_OP_ANDN", "FUTEX_OP_XOR"];
const WAKE_COMPARISONS = ["EQ", "NE", "LT", "LE", "GT", "GE"].map((name) => `FUTEX_OP_CMP_${name}`);

function printWakeOperation(v: number): string {
  const operation = (v >>> 28) & 7;
  const comparison = (v >>> 24) & 0xf;
  const shifted = (v >>> 28) & 8 ? "FUTEX_OP_OPARG_SHIFT<<28|" : "";
  const name = WAKE_OPERATIONS[operation];
  const test = WAKE_COMPARISONS[comparison];
  return (
    `${shifted}${name ?? printHex(operation)}<<28${name === undefined ? " /* FUTEX_OP_??? */" : ""}|` +
    `${printHex((v >>> 12) & 0xfff)}<<12|${test ?? printHex(comparison)}<<24` +
    `${test === undefined ? " /* FUTEX_OP_CMP_??? */" : ""}|${printHex(v & 0xfff)}`
  );
}

/** Arguments that are shown with the operation. */
export const futexValue: Arg = hidden("u32");
export const futexPointer: Arg = hidden("u64");

// ---- mmap ----

const MAP_TYPE = 0xf;
const MAP_TYPES = ["MAP_FILE", "MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE"];
const MAP_HUGE_SHIFT = 26;
const MAP_HUGE_MASK = 0x3f << MAP_HUGE_SHIFT;

export const mapFlags: Arg = {
  kind: "u32",
  print: (v) => {
    const type = v & MAP_TYPE;
    const huge = (v & MAP_HUGE_MASK) >>> MAP_HUGE_SHIFT;
    const rest = (v & ~(MAP_TYPE | MAP_HUGE_MASK)) >>> 0;
    const parts = [MAP_TYPES[type] ?? `${printHex(type)} /* MAP_??? */`];
    if (rest !== 0) parts.push(printFlags(rest, mapFlagNames));
    if (huge !== 0) parts.push(`${huge}<<MAP_HUGE_SHIFT`);
    return parts.join("|");
  },
};

// ---- sockets ----

export const addressFamily: Arg = choice(
  {
    0: "AF_UNSPEC",
    1: "AF_UNIX",
    2: "AF_INET",
    10: "AF_INET6",
    16: "AF_NETLINK",
    17: "AF_PACKET",
    38: "AF_ALG",
    40: "AF_VSOCK",
  },
  "AF_???",
);

const SOCKET_TYPES = ["", "SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET", "SOCK_DCCP"];
const SOCKET_TYPE_MASK = 0xf;
const SOCKET_FLAGS: readonly (readonly [number, string])[] = [
  [0o2000000, "SOCK_CLOEXEC"],
  [0o4000, "SOCK_NONBLOCK"],
];
export const socketType: Arg = {
  kind: "u32",
  print: (v) => {
    const type = v & SOCKET_TYPE_MASK;
    const rest = (v & ~SOCKET_TYPE_MASK) >>> 0;
    const name = SOCKET_TYPES[type] || (type === 10 ? "SOCK_PACKET" : `${printHex(type)} /* SOCK_??? */`);
    return rest === 0 ? name : `${name}|${printFlags(rest, SOCKET_FLAGS)}`;
  },
};

const PROTOCOLS: Readonly<Record<number, string>> = {
  0: "IPPROTO_IP",
  1: "IPPROTO_ICMP",
  6: "IPPROTO_TCP",
  17: "IPPROTO_UDP",
  41: "IPPROTO_IPV6",
  58: "IPPROTO_ICMPV6",
  255: "IPPROTO_RAW",
};
/** Protocols are named for the families of the Internet alone. */
export const socketProtocol: Arg = {
  kind: "i32",
  print: (v, c) => ((c.args[0] === 2 || c.args[0] === 10) && PROTOCOLS[v] !== undefined ? PROTOCOLS[v] : String(v)),
};
