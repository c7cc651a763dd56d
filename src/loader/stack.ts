/**
 * The stack that a program finds: strings at the top, then the auxiliary vector, envp, argv and argc. The order is that of
 * copy_strings() and create_elf_tables() in Linux, down to the bytes (System V ABI, "Process Initialization").
 *
 *     stackTop   8 zero bytes
 *                path of the program (AT_EXECFN)
 *                environment strings
 *                argument strings
 *                ... alignment ...
 *                platform string, 16 random bytes
 *                ... alignment ...
 *                auxv, 0, envp[], 0, argv[], argc   <- stack pointer, a multiple of 16
 */

import { AT_EXECFN, AT_NULL, AT_PLATFORM, AT_RANDOM } from "../abi/elf.ts";
import { E2BIG, ENOMEM } from "../abi/errno.ts";
import { PROT_EXEC, PROT_READ, PROT_WRITE } from "../abi/mman.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import { alignDown, PAGE_SIZE } from "../mm/layout.ts";
import { encodeBytes } from "../util/bytes.ts";
import { LoadError } from "./elf.ts";

/** MAX_ARG_STRLEN: most bytes of one string, its NUL included. */
export const MAX_STRING = 131072;
/** ARG_MAX: what is allowed however small RLIMIT_STACK is. */
const ARG_MAX = 131072;
/** Three quarters of the default stack of 8 MiB: what is allowed however large RLIMIT_STACK is. */
const ARG_LIMIT = 6 << 20;
/** The stack's mapping begins this far below what is on it. */
const STACK_EXPAND = 131072;

export interface StackContents {
  readonly filename: Uint8Array;
  readonly argv: readonly Uint8Array[];
  readonly envp: readonly Uint8Array[];
}

/** bprm_stack_limits() and the checks in copy_strings(): throws E2BIG. */
export function checkArguments(contents: StackContents, stackLimit: number): void {
  const { filename, argv, envp } = contents;
  const limit = Math.max(Math.min(ARG_LIMIT, Math.floor(stackLimit / 4)), ARG_MAX);
  let total = (Math.max(argv.length, 1) + envp.length) * 8;
  if (limit <= total)
    throw new LoadError(E2BIG, `pointers to ${argv.length + envp.length} strings, over ${limit} bytes`);
  total += filename.length + 1;
  for (const strings of [argv, envp]) {
    for (const string of strings) {
      if (string.length >= MAX_STRING) throw new LoadError(E2BIG, `a string of ${string.length} bytes`);
      total += string.length + 1;
    }
  }
  if (total > limit) throw new LoadError(E2BIG, `arguments and environment of ${total} bytes, over ${limit}`);
}

export interface StackOptions {
  /** Auxiliary vector but for the entries that point into the stack, in order. */
  readonly auxv: readonly (readonly [number, number])[];
  /** AT_PLATFORM, if the architecture has one. */
  readonly platform: string | null;
  /** 16 bytes for AT_RANDOM. */
  readonly random: Uint8Array;
  readonly executable: boolean;
  /** Bytes to lower the stack pointer by: randomisation. */
  readonly shift: number;
}

/** Maps and fills the stack; returns the stack pointer. */
export function buildStack(space: AddressSpace, contents: StackContents, options: StackOptions): number {
  const { argv, envp, filename } = contents;
  const strings = size(argv) + size(envp) + filename.length + 1 + 8;
  const bottom = alignDown(space.stackTop - strings);
  const needed = space.stackTop - bottom;
  const expanded = Math.max(needed, Math.min(alignDown(space.limits.stack), needed + STACK_EXPAND));
  const prot = PROT_READ | PROT_WRITE | (options.executable ? PROT_EXEC : 0);
  const top = space.stackTop;
  if (!space.mayExpand(expanded, 0, 0) || space.vmas.firstIn(top - expanded, top)) {
    throw new LoadError(ENOMEM, "no room for the stack", true);
  }
  space.mapStack(expanded, prot);

  let at = space.stackTop - 8;
  const push = (bytes: Uint8Array): number => {
    at -= bytes.length + 1;
    const into = space.writable(at, bytes.length + 1);
    into.set(bytes);
    into[bytes.length] = 0;
    return at;
  };
  const filenameAt = push(filename);
  space.envEnd = at;
  const envpAt = pushAll(envp, push);
  space.envStart = at;
  space.argEnd = at;
  const argvAt = pushAll(argv, push);
  space.argStart = at;

  at = Math.floor((at - options.shift) / 16) * 16;
  const platformAt = options.platform === null ? 0 : push(encodeBytes(options.platform));
  at -= 16;
  const randomAt = at;
  space.copyOut(randomAt, options.random);

  const auxv: number[] = [];
  for (const [type, value] of options.auxv) {
    if (type === AT_PLATFORM && platformAt === 0) continue;
    const pointer = type === AT_RANDOM ? randomAt : type === AT_EXECFN ? filenameAt : platformAt;
    auxv.push(type, type === AT_RANDOM || type === AT_EXECFN || type === AT_PLATFORM ? pointer : value);
  }
  auxv.push(AT_NULL, 0);

  const words = [argv.length, ...argvAt, 0, ...envpAt, 0];
  const sp = Math.floor((at - (words.length + auxv.length) * 8) / 16) * 16;
  words.push(...auxv);
  const vector = new Uint8Array(words.length * 8);
  const view = new DataView(vector.buffer);
  words.forEach((word, index) => {
    view.setUint32(index * 8, word, true);
    view.setUint32(index * 8 + 4, Math.floor(word / 2 ** 32), true);
  });
  if (space.stackTop - sp + PAGE_SIZE > Math.max(space.limits.stack, needed + STACK_EXPAND)) {
    throw new LoadError(ENOMEM, "RLIMIT_STACK is too small for the arguments", true);
  }
  space.copyOut(sp, vector);
  space.startStack = sp;
  space.auxv = vector.slice(vector.length - auxv.length * 8);
  return sp;
}

function size(strings: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const string of strings) bytes += string.length + 1;
  return bytes;
}

/** Strings lie in ascending order, so the last one is pushed first. */
function pushAll(strings: readonly Uint8Array[], push: (bytes: Uint8Array) => number): number[] {
  const addresses = new Array<number>(strings.length);
  for (let i = strings.length - 1; i >= 0; i--) addresses[i] = push(strings[i] as Uint8Array);
  return addresses;
}
