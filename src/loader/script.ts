/**
 * `#!` scripts: load_script() of Linux's fs/binfmt_script.c (5.1 and later), to the letter.
 */
import { ENOEXEC } from "../abi/errno.ts";
import { LoadError } from "./elf.ts";

/** BINPRM_BUF_SIZE: as much of a file as is looked at to tell what it is. */
export const BINPRM_BUF_SIZE = 256;

export interface ScriptLine {
  /** Empty if a NUL follows directly. */
  readonly interpreter: Uint8Array;
  /** The rest of the line as one argument, if there is one. */
  readonly argument: Uint8Array | null;
}

const NEWLINE = 0x0a;
const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;

export function isScript(start: Uint8Array): boolean {
  return start[0] === 0x23 && start[1] === 0x21;
}

/** @param buffer the first BINPRM_BUF_SIZE bytes of the file, filled up with zeros */
export function parseScript(buffer: Uint8Array, name: string): ScriptLine {
  const last = BINPRM_BUF_SIZE - 1;
  const nonBlank = (from: number, to: number): number => {
    for (let i = from; i <= to; i++) if (!isBlank(buffer[i])) return i;
    return -1;
  };
  const terminator = (from: number, to: number): number => {
    for (let i = from; i <= to; i++) if (isBlank(buffer[i]) || buffer[i] === 0) return i;
    return -1;
  };
  let end = lineEnd(buffer);
  if (end < 0) {
    const start = nonBlank(2, last);
    if (start < 0) throw new LoadError(ENOEXEC, `${name}: nothing but blanks after #!`);
    // A path that may have been cut off is not executed; a cut argument does no harm.
    if (terminator(start, last) < 0) {
      throw new LoadError(ENOEXEC, `${name}: the interpreter's path does not end within ${BINPRM_BUF_SIZE} bytes`);
    }
    end = last;
  }
  while (isBlank(buffer[end - 1])) end--;
  const start = nonBlank(2, end);
  if (start < 0 || start === end) throw new LoadError(ENOEXEC, `${name}: no interpreter after #!`);
  const separator = terminator(start, end);
  let argument: Uint8Array | null = null;
  if (separator >= 0 && separator < end && buffer[separator] !== 0) {
    const from = nonBlank(separator, end);
    if (from >= 0 && from < end) argument = upToNul(buffer.subarray(from, end));
  }
  const stop = separator >= 0 ? Math.min(separator, end) : end;
  return { interpreter: upToNul(buffer.subarray(start, stop)), argument };
}

/** strnchr(buffer, '\n'): a NUL ends the search. */
function lineEnd(buffer: Uint8Array): number {
  for (let i = 0; i < BINPRM_BUF_SIZE; i++) {
    if (buffer[i] === NEWLINE) return i;
    if (buffer[i] === 0) return -1;
  }
  return -1;
}

function upToNul(bytes: Uint8Array): Uint8Array {
  const nul = bytes.indexOf(0);
  return (nul < 0 ? bytes : bytes.subarray(0, nul)).slice();
}
