/** Argument objects that most families share, and the makers of new ones. Families define their own beside their calls. */
import { quote } from "../util/quote.ts";
import type { Arg, PrintContext } from "./define.ts";

export const int: Arg = { kind: "i32", print: (v) => String(v) };
export const uint: Arg = { kind: "u32", print: (v) => String(v) };
export const long: Arg = { kind: "i64", print: (v) => String(v) };
export const ulong: Arg = { kind: "u64", print: (v) => String(v) };
/** A byte count. */
export const size: Arg = ulong;
/** A signed 64-bit file offset. */
export const offset: Arg = long;
/** A guest address about whose target nothing is known. */
export const ptr: Arg = { kind: "u64", print: (v) => printPointer(v) };
export const outPtr: Arg = { kind: "u64", out: true, print: (v) => printPointer(v) };
export const fd: Arg = { kind: "i32", print: (v, c) => c.fd(v) };
/** A result that is a descriptor: with -y its path is shown. */
export const descriptorResult = { printResult: (result: number, c: PrintContext): string => c.fd(result) } as const;
export const AT_FDCWD = -100;
export const dirfd: Arg = { kind: "i32", print: (v, c) => (v === AT_FDCWD ? `AT_FDCWD${c.cwd()}` : c.fd(v)) };
/** Permission bits: octal with at least three digits, as strace shows them. */
export const mode: Arg = { kind: "u32", print: (v) => printMode(v) };
/** Pointer to a NUL-terminated path. */
export const path: Arg = { kind: "u64", print: (v, c) => printCString(v, c, 4096) };
/** Pointer to a NUL-terminated string that is not a path. */
export const cstring: Arg = { kind: "u64", print: (v, c) => printCString(v, c, c.stringLimit) };

/** Pointer to bytes that the call reads; their number is argument `lengthIndex`. */
export function inBuffer(lengthIndex: number): Arg {
  return { kind: "u64", print: (v, c) => printBytes(v, c.args[lengthIndex] ?? 0, c) };
}

/** Pointer to bytes that the call writes; their number is its result. */
export function outBuffer(): Arg {
  return {
    kind: "u64",
    out: true,
    print: (v, c) => (c.result !== undefined && c.result >= 0 ? printBytes(v, c.result, c) : printPointer(v)),
  };
}

/** Names for bits, shown as strace does: `O_RDWR|O_CREAT`, unknown ones in hex at the end, `0` or `zero` if none. */
export function flags(names: readonly (readonly [bits: number, name: string])[], zero = "0", unknown?: string): Arg {
  return { kind: "u32", print: (v) => printFlags(v, names, zero, unknown) };
}

/** A number with names for its values; an unknown one as strace shows it: `0x7 /\* PREFIX_??? *\/`. */
export function choice(names: Readonly<Record<number, string>>, unknown: string): Arg {
  return { kind: "u32", print: (v) => names[v] ?? `${printHex(v)} /* ${unknown} */` };
}

export function printHex(v: number): string {
  return v === 0 ? "0" : `0x${v.toString(16)}`;
}

export function printPointer(v: number): string {
  return v === 0 ? "NULL" : `0x${v.toString(16)}`;
}

export function printMode(v: number): string {
  return `0${v === 0 ? "" : v.toString(8)}`.padStart(3, "0");
}

export function printFlags(
  value: number,
  names: readonly (readonly [bits: number, name: string])[],
  zero = "0",
  unknown?: string,
): string {
  const parts: string[] = [];
  let rest = value >>> 0;
  for (const [bits, name] of names) {
    if (bits === 0 ? value === 0 : (rest & bits) >>> 0 === bits >>> 0) {
      parts.push(name);
      rest = (rest & ~bits) >>> 0;
    }
  }
  if (rest !== 0) {
    // Nothing but unknown bits: strace says what kind of flags it looked for.
    const note = parts.length === 0 && unknown !== undefined ? ` /* ${unknown} */` : "";
    parts.push(`0x${rest.toString(16)}${note}`);
  }
  return parts.length === 0 ? zero : parts.join("|");
}

export function printCString(address: number, context: PrintContext, limit: number): string {
  if (address === 0) return "NULL";
  const bytes: number[] = [];
  for (let at = address; bytes.length <= limit; at++) {
    const b = context.peek(at, 1)?.[0];
    if (b === undefined) return printPointer(address);
    if (b === 0) return quote(Uint8Array.from(bytes), context.hex);
    bytes.push(b);
  }
  return `${quote(Uint8Array.from(bytes.slice(0, limit)), context.hex)}...`;
}

export function printBytes(address: number, length: number, context: PrintContext): string {
  if (address === 0) return "NULL";
  const shown = Math.min(length, context.stringLimit);
  const bytes = context.peek(address, shown);
  if (bytes === undefined || bytes.length < shown) return printPointer(address);
  return quote(bytes, context.hex) + (length > shown ? "..." : "");
}
