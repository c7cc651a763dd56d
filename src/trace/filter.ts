/** strace's qualifiers: `-e trace=`, `-e status=`, `-e signal=`, `-e inject=` and their kin (strace(1), "Filtering", "Tampering"). */
import { errnoNumber } from "../abi/errno.ts";
import { CLASSES } from "./classes.ts";
import type { Injection } from "./injection.ts";

/** A wrong qualifier; the message is for the command line. */
export class QualifierError extends Error {}

export type NameSet = (name: string) => boolean;

/**
 * `openat,close`, `%file`, `file`, `/^get/`, `?name`, `!set`, `all`, `none`.
 * @param known the names of all system calls
 */
export function parseTraceSet(text: string, known: ReadonlySet<string>): NameSet {
  if (text.startsWith("!")) {
    const inner = parseTraceSet(text.slice(1), known);
    return (name) => !inner(name);
  }
  const tests: NameSet[] = [];
  for (const part of text.split(",")) tests.push(traceTest(part, known));
  return (name) => tests.some((test) => test(name));
}

function traceTest(part: string, known: ReadonlySet<string>): NameSet {
  if (part === "all") return () => true;
  if (part === "none") return () => false;
  if (part.startsWith("/")) {
    const end = part.endsWith("/") && part.length > 1 ? -1 : undefined;
    try {
      const pattern = new RegExp(part.slice(1, end));
      return (name) => pattern.test(name);
    } catch {
      throw new QualifierError(`invalid regular expression '${part}'`);
    }
  }
  const optional = part.startsWith("?");
  const bare = optional ? part.slice(1) : part;
  if (bare.startsWith("%")) {
    const set = CLASSES[bare.slice(1)];
    if (set === undefined) throw new QualifierError(`invalid system call '${part}'`);
    return (name) => set.has(name);
  }
  if (known.has(bare)) return (name) => name === bare;
  const set = CLASSES[bare];
  if (set !== undefined && !bare.startsWith("%")) return (name) => set.has(name);
  if (optional) return () => false;
  throw new QualifierError(`invalid system call '${part}'`);
}

export type Status = "successful" | "failed" | "unfinished" | "unavailable" | "detached";
const STATUSES: readonly string[] = ["successful", "failed", "unfinished", "unavailable", "detached"];

export function parseStatusSet(text: string): (status: Status) => boolean {
  if (text.startsWith("!")) {
    const inner = parseStatusSet(text.slice(1));
    return (status) => !inner(status);
  }
  if (text === "all") return () => true;
  if (text === "none") return () => false;
  const names = text.split(",");
  for (const name of names) if (!STATUSES.includes(name)) throw new QualifierError(`invalid status '${name}'`);
  return (status) => names.includes(status);
}

/** One `-e inject=SET:...` or `-e fault=SET:...`, with its counter. */
export class Injector {
  readonly #set: NameSet;
  readonly #injection: Injection;
  readonly #first: number;
  readonly #last: number;
  readonly #step: number;
  /** Calls seen, by tracee. */
  readonly #counts: Map<number, number> = new Map();

  constructor(
    text: string,
    fault: boolean,
    known: ReadonlySet<string>,
    signalNumber: (name: string) => number | undefined,
  ) {
    const [set, ...settings] = text.split(":");
    this.#set = parseTraceSet(set ?? "", known);
    const injection: { -readonly [K in keyof Injection]: Injection[K] } = {};
    let when = "1+";
    for (const setting of settings) {
      const eq = setting.indexOf("=");
      const key = eq < 0 ? setting : setting.slice(0, eq);
      const value = eq < 0 ? "" : setting.slice(eq + 1);
      switch (key) {
        case "error": {
          const code = /^\d+$/.test(value) ? Number(value) : errnoNumber(value);
          if (code === undefined || code < 1 || code > 4095) throw new QualifierError(`invalid argument '${setting}'`);
          injection.result = -code;
          break;
        }
        case "retval": {
          const result = Number(value);
          if (value === "" || !Number.isSafeInteger(result) || result < 0)
            throw new QualifierError(`invalid argument '${setting}'`);
          injection.result = result;
          break;
        }
        case "signal": {
          const signal = /^\d+$/.test(value) ? Number(value) : signalNumber(value);
          if (signal === undefined || signal < 1 || signal > 64)
            throw new QualifierError(`invalid argument '${setting}'`);
          injection.signal = signal;
          break;
        }
        case "when":
          when = value;
          break;
        default:
          throw new QualifierError(`invalid argument '${setting}'`);
      }
    }
    if (fault && injection.result === undefined) injection.result = -38;
    if (Object.keys(injection).length === 0) throw new QualifierError(`invalid argument '${text}'`);
    const match = /^(\d+)(?:\.\.(\d+))?(\+(\d*))?$/.exec(when);
    if (match === null || match[1] === "0") throw new QualifierError(`invalid argument 'when=${when}'`);
    this.#injection = injection;
    this.#first = Number(match[1]);
    this.#step = match[3] === undefined ? (match[2] === undefined ? 0 : 1) : match[4] === "" ? 1 : Number(match[4]);
    this.#last =
      match[2] !== undefined ? Number(match[2]) : match[3] === undefined ? this.#first : Number.POSITIVE_INFINITY;
  }

  /** What to do to this call of the tracee `tid`. */
  apply(tid: number, name: string): Injection | undefined {
    if (!this.#set(name)) return undefined;
    const count = (this.#counts.get(tid) ?? 0) + 1;
    this.#counts.set(tid, count);
    if (count < this.#first || count > this.#last) return undefined;
    const past = count - this.#first;
    return past === 0 || (this.#step > 0 && past % this.#step === 0) ? this.#injection : undefined;
  }
}
