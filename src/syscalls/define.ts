/**
 * How a system call is defined: once, in one place.
 *
 *     syscall('lseek', [fd, offset, whence], (task, fd, offset, whence) => ...)
 *
 * The name finds the numbers of every architecture (abi/syscalls-*.ts). Each argument object says how its register is read
 * and how strace shows it, so tracing needs no table of its own. Handlers get plain numbers: a guest address or an unsigned
 * 64-bit value above 2^53 arrives rounded, which is harmless, since no such address or size is valid; the few calls that
 * need all 64 bits read them with `task.argument64(i)`.
 *
 * A handler returns the result, or `-errno`, or throws `errno(...)`; or a promise of these if it has to wait. It waits by
 * proc/wait.ts alone, so that signals and deadlines work everywhere alike.
 */
import type { Task } from "../proc/task.ts";

export type SyscallResult = number | Promise<number>;

/** What an argument's printer may ask for. Implemented by trace/. */
export interface PrintContext {
  readonly task: Task;
  /** All arguments of the call, decoded. */
  readonly args: readonly number[];
  /** After the call: its result, negative errno on failure. Undefined while the call is entered. */
  readonly result: number | undefined;
  /** What `Arg.atEntry` of an argument has found. */
  readonly entered: readonly (number | undefined)[];
  /** Most bytes of a string that are shown (strace -s), 32 by default. */
  readonly stringLimit: number;
  /** strace -v: structures and environments in full. */
  readonly verbose?: boolean;
  /** strace -x ("odd": strings with bytes that are not text) and -xx: strings in hexadecimal. */
  readonly hex?: "odd" | "all";
  /** Guest memory without faults or side effects; fewer bytes if less is accessible, undefined if none. */
  peek(address: number, length: number): Uint8Array | undefined;
  /** `3` or, with -y, `3</etc/passwd>`. */
  fd(fd: number): string;
  /** With -y, what stands behind AT_FDCWD: `</root>`. */
  cwd(): string;
}

export interface Arg {
  /** How the register becomes a number. */
  readonly kind: "i32" | "u32" | "i64" | "u64";
  /** Printed when the call returns rather than when it is entered: the kernel fills in what it points to. */
  readonly out?: boolean | ((args: readonly number[]) => boolean);
  /** Something that the call may change, looked up before it is made: the length behind a pointer. */
  atEntry?(value: number, context: PrintContext): number | undefined;
  /** "" leaves the argument out, with its comma: the mode of an open that makes no file. */
  print(value: number, context: PrintContext): string;
  /** For an argument that is printed on return: whether it will be left out, which decides on the comma before it. */
  absent?(value: number, context: PrintContext): boolean;
}

type Numbers<A extends readonly unknown[]> = { -readonly [K in keyof A]: number };

export interface SyscallDefinition {
  readonly name: string;
  readonly args: readonly Arg[];
  readonly handler: (task: Task, ...args: number[]) => SyscallResult;
  /** Shows a successful result; plain decimal by default. */
  readonly printResult: ((result: number, context: PrintContext) => string) | undefined;
  /** Why the call is not complete, for docs/syscalls.md; undefined: it is. */
  readonly partial: string | undefined;
  /** The call's result is not to be written to the result register (rt_sigreturn, a successful execve). */
  readonly noResult: boolean;
  /** Counts as reading or writing so many bytes: /proc/[pid]/io. */
  readonly moves: "reads" | "writes" | undefined;
}

export interface SyscallOptions {
  readonly printResult?: (result: number, context: PrintContext) => string;
  readonly partial?: string;
  readonly noResult?: boolean;
  readonly moves?: "reads" | "writes";
}

export function syscall<const A extends readonly Arg[]>(
  name: string,
  args: A,
  handler: (task: Task, ...args: Numbers<A>) => SyscallResult,
  options: SyscallOptions = {},
): SyscallDefinition {
  return {
    name,
    args,
    handler: handler as SyscallDefinition["handler"],
    printResult: options.printResult,
    partial: options.partial,
    noResult: options.noResult ?? false,
    moves: options.moves,
  };
}
