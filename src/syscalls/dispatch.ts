/**
 * From registers to handlers. What every system call pays is here, so it is an array lookup, a read of as many registers
 * as the call has arguments, and a direct call; about 50 ns.
 */
import { ENOSYS, Errno } from "../abi/errno.ts";
import type { Arch, Registers } from "../proc/arch/arch.ts";
import type { SyscallGate } from "../proc/scheduler.ts";
import type { Task } from "../proc/task.ts";
import type { SyscallDefinition, SyscallResult } from "./define.ts";

/** Watches system calls: strace. */
export interface SyscallTracer {
  /** May answer in the call's place, which is then not made: a result or a negative errno (fault injection). */
  enter(
    task: Task,
    number: number,
    definition: SyscallDefinition | undefined,
    args: readonly number[],
  ): number | undefined;
  exit(
    task: Task,
    number: number,
    definition: SyscallDefinition | undefined,
    args: readonly number[],
    result: number,
  ): void;
}

interface Entry {
  readonly definition: SyscallDefinition;
  readonly handler: (task: Task, ...args: number[]) => SyscallResult;
  readonly arity: number;
  /** Bit i set: argument i is 64 bits wide. */
  readonly wide: number;
  /** Bit i set: argument i is signed. */
  readonly signed: number;
  readonly moves: "reads" | "writes" | undefined;
}

/** A number without handler: all that it may have been given. */
const UNKNOWN = { arity: 6, wide: 0x3f, signed: 0 } as const;

function entryOf(definition: SyscallDefinition | undefined): Entry | undefined {
  if (definition === undefined) return undefined;
  let wide = 0;
  let signed = 0;
  definition.args.forEach(({ kind }, i) => {
    if (kind === "i64" || kind === "u64") wide |= 1 << i;
    if (kind === "i32" || kind === "i64") signed |= 1 << i;
  });
  return {
    definition,
    handler: definition.handler,
    arity: definition.args.length,
    wide,
    signed,
    moves: definition.moves,
  };
}

/** For /proc/[pid]/io. */
function count({ usage }: Task, moves: "reads" | "writes", result: number): void {
  usage[moves]++;
  if (result <= 0) return;
  if (moves === "reads") usage.bytesRead += result;
  else usage.bytesWritten += result;
}

interface TracedCall {
  readonly number: number;
  readonly definition: SyscallDefinition | undefined;
  readonly args: readonly number[];
}

type Entries = readonly (Entry | undefined)[];

export class SyscallDispatcher implements SyscallGate {
  tracer: SyscallTracer | null = null;
  readonly #tables: ReadonlyMap<Arch, Entries>;
  /** The architecture of the last call, most often that of the next one, and what belongs to it. */
  #arch: Arch | null = null;
  #entries: Entries = [];
  #registers!: Registers;
  /** Calls that wait, while there is a tracer. */
  readonly #traced: Map<Task, TracedCall> = new Map();

  /** @param tables the definitions by number, for each architecture */
  constructor(tables: ReadonlyMap<Arch, readonly (SyscallDefinition | undefined)[]>) {
    this.#tables = new Map(Array.from(tables, ([arch, table]) => [arch, table.map(entryOf)]));
  }

  call(task: Task): number | Promise<number> {
    const { context, arch } = task.mm;
    if (arch !== this.#arch) this.#use(arch);
    const number = this.#registers.syscallNumber(context);
    task.syscallNumber = number;
    if (this.tracer !== null) return this.#tracedCall(task, number, this.tracer);
    const entry = this.#entries[number];
    if (entry === undefined) return -ENOSYS;
    try {
      const result = this.#invoke(task, entry, context);
      if (entry.moves !== undefined && typeof result === "number") count(task, entry.moves, result);
      return result;
    } catch (e) {
      if (e instanceof Errno) return -e.code;
      throw e;
    }
  }

  #use(arch: Arch): void {
    const entries = this.#tables.get(arch);
    if (entries === undefined) throw new Error(`no system calls for ${arch.name}`);
    this.#arch = arch;
    this.#entries = entries;
    this.#registers = arch.registers;
  }

  finished(task: Task, result: number): void {
    const moves = this.#tables.get(task.arch)?.[task.syscallNumber]?.moves;
    if (moves !== undefined) count(task, moves, result);
    const call = this.#traced.get(task);
    if (call === undefined) return;
    this.#traced.delete(task);
    this.tracer?.exit(task, call.number, call.definition, call.args, result);
  }

  #invoke(task: Task, entry: Entry, context: DataView): SyscallResult {
    const { handler, wide, signed } = entry;
    switch (entry.arity) {
      case 0:
        return handler(task);
      case 1:
        return handler(task, this.#arg(context, 0, wide, signed));
      case 2:
        return handler(task, this.#arg(context, 0, wide, signed), this.#arg(context, 1, wide, signed));
      case 3:
        return handler(
          task,
          this.#arg(context, 0, wide, signed),
          this.#arg(context, 1, wide, signed),
          this.#arg(context, 2, wide, signed),
        );
      case 4:
        return handler(
          task,
          this.#arg(context, 0, wide, signed),
          this.#arg(context, 1, wide, signed),
          this.#arg(context, 2, wide, signed),
          this.#arg(context, 3, wide, signed),
        );
      case 5:
        return handler(
          task,
          this.#arg(context, 0, wide, signed),
          this.#arg(context, 1, wide, signed),
          this.#arg(context, 2, wide, signed),
          this.#arg(context, 3, wide, signed),
          this.#arg(context, 4, wide, signed),
        );
      default:
        return handler(
          task,
          this.#arg(context, 0, wide, signed),
          this.#arg(context, 1, wide, signed),
          this.#arg(context, 2, wide, signed),
          this.#arg(context, 3, wide, signed),
          this.#arg(context, 4, wide, signed),
          this.#arg(context, 5, wide, signed),
        );
    }
  }

  #arg(context: DataView, index: number, wide: number, signed: number): number {
    const registers = this.#registers;
    const lo = registers.syscallArgLo(context, index);
    const bit = 1 << index;
    if ((wide & bit) === 0) return (signed & bit) !== 0 ? lo | 0 : lo >>> 0;
    const hi = registers.syscallArgHi(context, index);
    return ((signed & bit) !== 0 ? hi | 0 : hi >>> 0) * 0x1_0000_0000 + (lo >>> 0);
  }

  #tracedCall(task: Task, number: number, tracer: SyscallTracer): number | Promise<number> {
    const entry = this.#entries[number];
    const definition = entry?.definition;
    const { context } = task.mm;
    const args: number[] = [];
    const { arity, wide, signed } = entry ?? UNKNOWN;
    for (let i = 0; i < arity; i++) args.push(this.#arg(context, i, wide, signed));
    const injected = tracer.enter(task, number, definition, args);
    let result: SyscallResult;
    if (injected !== undefined) result = injected;
    else if (entry === undefined) result = -ENOSYS;
    else {
      try {
        result = entry.handler(task, ...args);
      } catch (e) {
        if (!(e instanceof Errno)) throw e;
        result = -e.code;
      }
    }
    if (typeof result === "number") {
      if (entry?.moves !== undefined) count(task, entry.moves, result);
      tracer.exit(task, number, definition, args, result);
    } else this.#traced.set(task, { number, definition, args });
    return result;
  }
}
