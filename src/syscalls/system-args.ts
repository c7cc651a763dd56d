/** Limits, names of the machine, capabilities and memory advice, as strace shows them. */
import * as CAP from "../abi/capability.ts";
import { flags, printBytes, printCString, printFlags, printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";
import { filled, given, peekView, printStruct, succeeded, unsigned64 } from "./struct-args.ts";

/** A limit: infinite, or where it is a multiple of it, in units of 1024. */
function printLimit(view: DataView, at: number): string {
  const value = view.getBigUint64(at, true);
  if (value === 0xffff_ffff_ffff_ffffn) return "RLIM64_INFINITY";
  return value > 1024n && value % 1024n === 0n ? `${value / 1024n}*1024` : String(value);
}

const printLimits = (view: DataView): string => `{rlim_cur=${printLimit(view, 0)}, rlim_max=${printLimit(view, 8)}}`;
/** struct rlimit and rlimit64 */
export const limits: Arg = given(16, printLimits);
export const filledLimits: Arg = filled(16, printLimits);
const UTS_LENGTH = 65;

/** struct utsname: the whole of it with -v. */
export const filledNames: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => {
    if (!succeeded(c)) return printPointer(v);
    const names = ["sysname", "nodename", "release", "version", "machine", "domainname"];
    const shown = c.verbose === true ? names : names.slice(0, 2);
    const parts = shown.map((name, i) => `${name}=${printCString(v + i * UTS_LENGTH, c, UTS_LENGTH)}`);
    return `{${parts.join(", ")}${c.verbose === true ? "" : ", ..."}}`;
  },
};

/** struct sysinfo */
export const filledSystemInfo: Arg = filled(112, (view) => {
  const at = (offset: number): bigint => view.getBigUint64(offset, true);
  return (
    `{uptime=${view.getBigInt64(0, true)}, loads=[${at(8)}, ${at(16)}, ${at(24)}], totalram=${at(32)}, ` +
    `freeram=${at(40)}, sharedram=${at(48)}, bufferram=${at(56)}, totalswap=${at(64)}, freeswap=${at(72)}, ` +
    `procs=${view.getUint16(80, true)}, totalhigh=${at(88)}, freehigh=${at(96)}, mem_unit=${view.getUint32(104, true)}}`
  );
});

/** Ids that the call stores: as many as its result says. */
export const filledGroups: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => {
    if (!succeeded(c) || c.args[0] === 0) return printPointer(v);
    return printIds(v, c.result ?? 0, c);
  },
};
/** Ids that the call reads: as many as argument 0 says. */
export const groups: Arg = {
  kind: "u64",
  print: (v, c) => (v === 0 ? "NULL" : printIds(v, c.args[0] ?? 0, c)),
};

function printIds(address: number, count: number, c: PrintContext): string {
  if (count === 0) return "[]";
  const parts: string[] = [];
  for (let i = 0; i < count; i++) {
    if (i >= c.stringLimit && c.verbose !== true) return `[${parts.join(", ")}, ...]`;
    const view = peekView(c, address + 4 * i, 4);
    if (view === undefined) return i === 0 ? printPointer(address) : `[${parts.join(", ")}, ...]`;
    parts.push(String(view.getUint32(0, true)));
  }
  return `[${parts.join(", ")}]`;
}

const CAPABILITIES: readonly (readonly [number, string])[] = Object.entries(CAP)
  .filter(([name, value]) => name.startsWith("CAP_") && name !== "CAP_LAST_CAP" && typeof value === "number")
  .map(([name, value]) => [value as number, name] as const)
  .sort(([a], [b]) => a - b);
const LOW: readonly (readonly [number, string])[] = CAPABILITIES.filter(([n]) => n < 32).map(([n, name]) => [
  (1 << n) >>> 0,
  `1<<${name}`,
]);
const HIGH: readonly (readonly [number, string])[] = CAPABILITIES.filter(([n]) => n >= 32).map(([n, name]) => [
  (1 << (n - 32)) >>> 0,
  `1<<${name}`,
]);

export function capabilityName(n: number): string {
  return CAPABILITIES.find(([number]) => number === n)?.[1] ?? `0x${n.toString(16)} /* CAP_??? */`;
}

function printCapabilities(lo: number, hi: number): string {
  const parts: string[] = [];
  if (lo !== 0 || hi === 0) parts.push(printFlags(lo, LOW));
  if (hi !== 0) parts.push(printFlags(hi, HIGH));
  return parts.join("|");
}

const VERSIONS: Readonly<Record<number, string>> = {
  [0x19980330]: "_LINUX_CAPABILITY_VERSION_1",
  [0x20071026]: "_LINUX_CAPABILITY_VERSION_2",
  [0x20080522]: "_LINUX_CAPABILITY_VERSION_3",
};

/** struct __user_cap_header_struct */
export const capabilityHeader: Arg = given(8, (view) => {
  const version = view.getUint32(0, true);
  const name = VERSIONS[version] ?? `0x${version.toString(16)} /* _LINUX_CAPABILITY_VERSION_??? */`;
  return `{version=${name}, pid=${view.getInt32(4, true)}}`;
});

function printCapabilityData(address: number, c: PrintContext): string {
  const version = peekView(c, c.args[0] ?? 0, 4)?.getUint32(0, true);
  const wide = version === 0x20071026 || version === 0x20080522;
  return printStruct(address, wide ? 24 : 12, c, (view) => {
    const set = (at: number): string =>
      printCapabilities(view.getUint32(at, true), wide ? view.getUint32(at + 12, true) : 0);
    return `{effective=${set(0)}, permitted=${set(4)}, inheritable=${set(8)}}`;
  });
}

export const capabilityData: Arg = { kind: "u64", print: printCapabilityData };
export const filledCapabilityData: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => (succeeded(c) ? printCapabilityData(v, c) : printPointer(v)),
};

/** A set of processors: `[0 1]`. @param bytes how many are significant */
function printProcessors(address: number, bytes: number, c: PrintContext): string {
  if (bytes === 0) return "[]";
  return printStruct(address, bytes, c, (view) => {
    const set: number[] = [];
    for (let i = 0; i < bytes * 8; i++) if ((view.getUint8(i >> 3) >> (i & 7)) & 1) set.push(i);
    return `[${set.join(" ")}]`;
  });
}
export const processors: Arg = { kind: "u64", print: (v, c) => printProcessors(v, Math.min(c.args[1] ?? 0, 128), c) };
export const filledProcessors: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => (succeeded(c) ? printProcessors(v, c.result ?? 0, c) : printPointer(v)),
};

/** struct sched_param */
export const schedulingParameter: Arg = given(4, (view) => `[${view.getInt32(0, true)}]`);
export const filledSchedulingParameter: Arg = filled(4, (view) => `[${view.getInt32(0, true)}]`);

const ADVICE: Readonly<Record<number, string>> = {
  0: "MADV_NORMAL",
  1: "MADV_RANDOM",
  2: "MADV_SEQUENTIAL",
  3: "MADV_WILLNEED",
  4: "MADV_DONTNEED",
  8: "MADV_FREE",
  9: "MADV_REMOVE",
  10: "MADV_DONTFORK",
  11: "MADV_DOFORK",
  12: "MADV_MERGEABLE",
  13: "MADV_UNMERGEABLE",
  14: "MADV_HUGEPAGE",
  15: "MADV_NOHUGEPAGE",
  16: "MADV_DONTDUMP",
  17: "MADV_DODUMP",
  18: "MADV_WIPEONFORK",
  19: "MADV_KEEPONFORK",
  20: "MADV_COLD",
  21: "MADV_PAGEOUT",
  22: "MADV_POPULATE_READ",
  23: "MADV_POPULATE_WRITE",
  24: "MADV_DONTNEED_LOCKED",
  25: "MADV_COLLAPSE",
  100: "MADV_HWPOISON",
  101: "MADV_SOFT_OFFLINE",
};
export const memoryAdvice: Arg = {
  kind: "i32",
  print: (v) => ADVICE[v] ?? `0x${(v >>> 0).toString(16)} /* MADV_??? */`,
};

export const randomFlags: Arg = flags([
  [1, "GRND_NONBLOCK"],
  [2, "GRND_RANDOM"],
  [4, "GRND_INSECURE"],
]);

/** Random bytes are always shown in hexadecimal. */
export const filledRandom: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => {
    if (!succeeded(c)) return printPointer(v);
    const length = c.result ?? 0;
    const bytes = c.peek(v, Math.min(length, c.stringLimit));
    if (bytes === undefined) return printPointer(v);
    const text = Array.from(bytes, (b) => `\\x${b.toString(16).padStart(2, "0")}`).join("");
    return `"${text}"${length > bytes.length ? "..." : ""}`;
  },
};

const ARCH_CODES: Readonly<Record<number, string>> = {
  [0x1001]: "ARCH_SET_GS",
  [0x1002]: "ARCH_SET_FS",
  [0x1003]: "ARCH_GET_FS",
  [0x1004]: "ARCH_GET_GS",
  [0x1011]: "ARCH_GET_CPUID",
  [0x1012]: "ARCH_SET_CPUID",
  [0x1021]: "ARCH_GET_XCOMP_SUPP",
  [0x1022]: "ARCH_GET_XCOMP_PERM",
  [0x1023]: "ARCH_REQ_XCOMP_PERM",
  [0x2001]: "ARCH_MAP_VDSO_X32",
  [0x2002]: "ARCH_MAP_VDSO_32",
  [0x2003]: "ARCH_MAP_VDSO_64",
};
export const archCode: Arg = {
  kind: "i32",
  print: (v) => ARCH_CODES[v] ?? `0x${(v >>> 0).toString(16)} /* ARCH_??? */`,
};
/** An address, or for the getters where one is stored. */
export const archAddress: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) =>
    (c.args[0] === 0x1003 || c.args[0] === 0x1004) && succeeded(c)
      ? printStruct(v, 8, c, (view) => `[${printPointer(unsigned64(view, 0))}]`)
      : printPointer(v),
};

const LOG_ACTIONS = [
  ...["CLOSE", "OPEN", "READ", "READ_ALL", "READ_CLEAR", "CLEAR", "CONSOLE_OFF", "CONSOLE_ON", "CONSOLE_LEVEL"],
  ...["SIZE_UNREAD", "SIZE_BUFFER"],
];
/** syslog(2)'s, which strace shows in decimal. */
export const logAction: Arg = {
  kind: "i32",
  print: (v) =>
    LOG_ACTIONS[v] === undefined ? `${v} /* SYSLOG_ACTION_??? */` : `${v} /* SYSLOG_ACTION_${LOG_ACTIONS[v]} */`,
};

/** Actions that make no use of buffer and length. */
const BARE_LOG_ACTIONS: ReadonlySet<number> = new Set([0, 1, 5, 6, 7, 9, 10]);
const LOG_LEVELS = ["EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"];
const LOG_CONSOLE_LEVEL = 8;
export const logBuffer: Arg = {
  kind: "u64",
  out: (args) => (args[0] ?? 0) >= 2 && (args[0] ?? 0) <= 4,
  print: (v, c) => {
    const action = c.args[0] ?? 0;
    if (BARE_LOG_ACTIONS.has(action)) return "";
    if (action < 2 || action > 4 || !succeeded(c)) return printPointer(v);
    return printBytes(v, c.result ?? 0, c);
  },
};
export const logLength: Arg = {
  kind: "i32",
  print: (v, c) => {
    const action = c.args[0] ?? 0;
    if (action !== LOG_CONSOLE_LEVEL) return BARE_LOG_ACTIONS.has(action) ? "" : String(v);
    const name = LOG_LEVELS[v];
    return `${v} /* ${name === undefined ? "LOGLEVEL_???" : `LOGLEVEL_${name}`} */`;
  },
};

const PERSONALITIES: Readonly<Record<number, string>> = { 0: "PER_LINUX", 6: "PER_BSD", 8: "PER_LINUX32" };
const PERSONALITY_FLAGS: readonly (readonly [number, string])[] = [
  [0x20000, "UNAME26"],
  [0x40000, "ADDR_NO_RANDOMIZE"],
  [0x80000, "FDPIC_FUNCPTRS"],
  [0x100000, "MMAP_PAGE_ZERO"],
  [0x200000, "ADDR_COMPAT_LAYOUT"],
  [0x400000, "READ_IMPLIES_EXEC"],
  [0x800000, "ADDR_LIMIT_32BIT"],
  [0x1000000, "SHORT_INODE"],
  [0x2000000, "WHOLE_SECONDS"],
  [0x4000000, "STICKY_TIMEOUTS"],
  [0x8000000, "ADDR_LIMIT_3GB"],
];

export function printPersonality(v: number): string {
  const type = PERSONALITIES[v & 0xff] ?? `0x${(v & 0xff).toString(16)} /* PER_??? */`;
  const rest = (v & ~0xff) >>> 0;
  return rest === 0 ? type : `${type}|${printFlags(rest, PERSONALITY_FLAGS)}`;
}
/** All ones only asks. */
export const personalityArg: Arg = {
  kind: "u32",
  print: (v) => (v === 0xffff_ffff ? "0xffffffff" : printPersonality(v)),
};
