/**
 * PID namespaces (pid_namespaces(7)): the numbers of tasks, groups and sessions as those inside know them.
 *
 * The kernel itself knows everything by one number, that of the machine's own namespace, which sees all: `Task.tid`,
 * `ThreadGroup.pid`, `ProcessGroup.id`. A namespace further inside has numbers of its own for what was made in it or below
 * it. So numbers are translated where a guest gives or gets them, and nowhere else: `Task.numberOf` and `Task.find`.
 */
import type { File } from "../vfs/types.ts";
import type { ThreadGroup } from "./thread-group.ts";

/** As many may be nested in each other (MAX_PID_NS_LEVEL). */
export const MAX_LEVEL = 32;
/** kernel.pid_max */
export const PID_MAX = 4_194_304;
/** Where numbers go on once they have come around: low ones are for what was started first. */
const RESERVED_PIDS = 300;

/** vm.memfd_noexec: whether what memfd_create(2) makes may be executed. */
export const MemfdExecution = {
  Allowed: 0,
  /** Only if it is said that it shall. */
  OnDemand: 1,
  Refused: 2,
} as const;

export class PidNamespace {
  readonly parent: PidNamespace | null;
  readonly level: number;
  /** The first process made in it: orphans come to it, and with it all others end. */
  init: ThreadGroup | null = null;
  /** Nothing can be made in it any more: its init is ending. */
  closed = false;
  /** Processes that it sees, zombies included. */
  population = 0;
  /** The signal that reboot(2) says its init was killed by, or 0. */
  rebootSignal = 0;
  /** The number given out last. */
  lastNumber = 0;
  /** Called when only its init is left. */
  whenAlone: (() => void) | null = null;
  /** Where the ends of its processes are written down: acct(2). */
  accounts: File | null = null;
  /** MemfdExecution; never less than outside. */
  #memfdExecution: number = MemfdExecution.Allowed;
  /** Both empty in the machine's own namespace, where numbers are as the kernel knows them. */
  readonly #numbers: Map<number, number> = new Map();
  readonly #ids: Map<number, number> = new Map();

  constructor(parent: PidNamespace | null) {
    this.parent = parent;
    this.level = parent === null ? 0 : parent.level + 1;
    // What is relaxed outside later on is not relaxed here.
    if (parent !== null) this.#memfdExecution = parent.memfdExecution;
  }

  get memfdExecution(): number {
    return Math.max(this.#memfdExecution, this.parent?.memfdExecution ?? MemfdExecution.Allowed);
  }

  set memfdExecution(value: number) {
    this.#memfdExecution = value;
  }

  /** The number that it has for what the kernel knows by `id`; 0 if it does not see it. */
  number(id: number): number {
    return this.parent === null ? id : (this.#numbers.get(id) ?? 0);
  }

  /** What it calls `number` is known to the kernel by the result; 0 if there is nothing. */
  id(number: number): number {
    return this.parent === null ? number : (this.#ids.get(number) ?? 0);
  }

  /** Is `other` this very namespace, or inside of it? */
  contains(other: PidNamespace): boolean {
    let ns: PidNamespace | null = other;
    while (ns !== null && ns.level > this.level) ns = ns.parent;
    return ns === this;
  }

  /** A number that it does not use; undefined if there is none. @param isFree for what it does not keep itself */
  next(isFree: (number: number) => boolean): number | undefined {
    for (let tries = 0; tries < PID_MAX; tries++) {
      this.lastNumber = this.lastNumber + 1 >= PID_MAX ? RESERVED_PIDS : this.lastNumber + 1;
      if (this.isFree(this.lastNumber, isFree)) return this.lastNumber;
    }
    return undefined;
  }

  isFree(number: number, isFree: (number: number) => boolean): boolean {
    return this.parent === null ? isFree(number) : !this.#ids.has(number);
  }

  /** From now on `number` stands for `id`. */
  assign(id: number, number: number): void {
    if (this.parent === null) return;
    this.#numbers.set(id, number);
    this.#ids.set(number, id);
  }

  /**
   * Nothing is known by `id` any more, and its number is free. Who asks for the number of what is gone, as the sender of a
   * message, is told still.
   */
  release(id: number): void {
    const number = this.#numbers.get(id);
    if (number !== undefined && this.#ids.get(number) === id) this.#ids.delete(number);
  }

  /** `id` is about to stand for something else. */
  forget(id: number): void {
    this.#numbers.delete(id);
  }
}

/** From a namespace outwards. */
export function* outwards(innermost: PidNamespace): Generator<PidNamespace> {
  for (let ns: PidNamespace | null = innermost; ns !== null; ns = ns.parent) yield ns;
}
