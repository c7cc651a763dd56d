/** The arguments of poll and select, and their results, as strace shows them. */
import * as P from "../vfs/types.ts";
import { printFlags, printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";
import { signalSet } from "./signal-args.ts";

const EVENTS: readonly (readonly [number, string])[] = [
  [P.POLLIN, "POLLIN"],
  [P.POLLPRI, "POLLPRI"],
  [P.POLLOUT, "POLLOUT"],
  [P.POLLRDNORM, "POLLRDNORM"],
  [P.POLLWRNORM, "POLLWRNORM"],
  [P.POLLRDBAND, "POLLRDBAND"],
  [P.POLLWRBAND, "POLLWRBAND"],
  [P.POLLERR, "POLLERR"],
  [P.POLLHUP, "POLLHUP"],
  [P.POLLNVAL, "POLLNVAL"],
  [P.POLLRDHUP, "POLLRDHUP"],
];

function peek(context: PrintContext, address: number, length: number): DataView | undefined {
  const bytes = context.peek(address, length);
  return bytes === undefined || bytes.length < length
    ? undefined
    : new DataView(bytes.buffer, bytes.byteOffset, length);
}

/** An array of struct pollfd with what is asked for; its length is argument `countIndex`. */
export function polledFiles(countIndex: number): Arg {
  return {
    kind: "u64",
    print: (v, c) => {
      const count = c.args[countIndex] ?? 0;
      if (v === 0) return "NULL";
      const shown = Math.min(count, c.stringLimit);
      const parts: string[] = [];
      for (let i = 0; i < shown; i++) {
        const entry = peek(c, v + i * 8, 8);
        if (entry === undefined) return i === 0 ? printPointer(v) : `[${parts.join(", ")}, ...]`;
        const fd = entry.getInt32(0, true);
        parts.push(fd < 0 ? `{fd=${fd}}` : `{fd=${c.fd(fd)}, events=${printFlags(entry.getUint16(4, true), EVENTS)}}`);
      }
      if (count > shown) parts.push("...");
      return `[${parts.join(", ")}]`;
    },
  };
}

/** @param timeoutIndex of the struct timespec that is left, if the call has one */
export function printPollResult(result: number, c: PrintContext, timeoutIndex: number | undefined): string {
  if (result === 0) return "0 (Timeout)";
  const parts: string[] = [];
  for (let i = 0; i < (c.args[1] ?? 0) && parts.length < result; i++) {
    const entry = peek(c, (c.args[0] ?? 0) + i * 8, 8);
    if (entry === undefined) break;
    const events = entry.getUint16(6, true);
    if (events !== 0) parts.push(`{fd=${entry.getInt32(0, true)}, revents=${printFlags(events, EVENTS)}}`);
  }
  const timeout = timeoutIndex === undefined ? 0 : (c.args[timeoutIndex] ?? 0);
  const left = timeout === 0 ? "" : `, left ${printTime(timeout, c, "tv_nsec")}`;
  return `${result} ([${parts.join(", ")}]${left})`;
}

function printTime(address: number, c: PrintContext, field: "tv_usec" | "tv_nsec"): string {
  if (address === 0) return "NULL";
  const view = peek(c, address, 16);
  if (view === undefined) return printPointer(address);
  return `{tv_sec=${view.getBigInt64(0, true)}, ${field}=${view.getBigInt64(8, true)}}`;
}

export const timespec: Arg = { kind: "u64", print: (v, c) => printTime(v, c, "tv_nsec") };
export const timeval: Arg = { kind: "u64", print: (v, c) => printTime(v, c, "tv_usec") };

function printSet(
  address: number,
  n: number,
  c: PrintContext,
  show: (fd: number) => string = (fd) => c.fd(fd),
): string {
  if (address === 0) return "NULL";
  const length = Math.ceil(Math.min(Math.max(0, n), 1 << 20) / 64) * 8;
  const view = peek(c, address, length);
  if (view === undefined) return printPointer(address);
  const fds: string[] = [];
  for (let fd = 0; fd < n; fd++) if (view.getUint8(fd >> 3) & (1 << (fd & 7))) fds.push(show(fd));
  return `[${fds.join(" ")}]`;
}

/** A set of descriptors; their number is argument `countIndex`. */
export function selectedSet(countIndex: number): Arg {
  return { kind: "u64", print: (v, c) => printSet(v, c.args[countIndex] ?? 0, c) };
}

/** pselect6's last argument: a struct with the address and the size of a signal set. */
export const maskAndSize: Arg = {
  kind: "u64",
  print: (v, c) => {
    const view = v === 0 ? undefined : peek(c, v, 16);
    if (view === undefined) return printPointer(v);
    const at = (offset: number): number => Number(view.getBigUint64(offset, true));
    // The set's printer finds the size among the arguments.
    const set = signalSet(0).print(at(0), { ...c, args: [at(8)] });
    return `{sigmask=${set}, sigsetsize=${at(8)}}`;
  },
};

export function printSelectResult(result: number, c: PrintContext, field: "tv_usec" | "tv_nsec"): string {
  if (result === 0) return "0 (Timeout)";
  const n = c.args[0] ?? 0;
  const parts: string[] = [];
  ["in", "out", "except"].forEach((name, i) => {
    const address = c.args[i + 1] ?? 0;
    const text = address === 0 ? "[]" : printSet(address, n, c, String);
    if (text !== "[]") parts.push(`${name} ${text}`);
  });
  const timeout = c.args[4] ?? 0;
  if (timeout !== 0) parts.push(`left ${printTime(timeout, c, field)}`);
  return `${result} (${parts.join(", ")})`;
}
