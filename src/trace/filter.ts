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

/**
 * `all`, `none`, `a,b`, `!a,b`.
 * @param name what a word stands for; throws QualifierError for a wrong one
 */
export function parseNames(text: string, name: (word: string) => string): NameSet {
  if (text.startsWith("!")) {
    const inner = parseNames(text.slice(1), name);
    return (candidate) => !inner(candidate);
  }
  if (text === "all") return () => true;
  if (text === "none") return () => false;
  const members = new Set(text.split(",").map(name));
  return (candidate) => members.has(candidate);
}

export type Status = "successful" | "failed" | "unfinished" | "unavailable" | "detached";
const STATUSES: readonly string[] = ["successful", "failed", "unfinished", "unavailable", "detached"];

export function parseStatusSet(text: string): (status: Status) => boolean {
  return parseNames(text, (word) => {
    if (!STATUSES.includes(word)) throw new QualifierError(`invalid status '${word}'`);
    return word;
  });
}

/** One `-e inject=SET:...` or `-e fault=SET:...`, with its counter. */
export class Injector {
  readonly #set: NameSet;
  readonly #injection: Injection;
  readonly #first: number;
  readonly #last: number;
  readonly #step: number;
  /** Calls seen, by tracee and name. */
  readonly #counts: Map<string, number> = new Map();

  constructor(
    text: string,
    fault: boolean,
    known: ReadonlySet<string>,
    signalNumber: (name: string) => number | undefined,
  ) {
    const [set, ...settings] = text.split(":");
    const wrong = (): QualifierError => new QualifierError(`invalid ${fault ? "fault" : "inject"} argument '${text}'`);
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
          if (code === undefined || code < 1 || code > 4095) throw wrong();
          injection.result = -code;
          break;
        }
        case "retval": {
          const result = Number(value);
          if (value === "" || !Number.isSafeInteger(result) || result < 0) throw wrong();
          injection.result = result;
          break;
        }
        case "signal": {
          const signal = /^\d+$/.test(value) ? Number(value) : signalNumber(value);
          if (signal === undefined || signal < 1 || signal > 64) throw wrong();
          injection.signal = signal;
          break;
        }
        case "when":
          when = value;
          break;
        case "delay_enter":
        case "delay_exit":
        case "poke_enter":
        case "poke_exit":
        case "syscall":
          throw new QualifierError(`inject: ${key}= is not supported; error, retval, signal and when are`);
        default:
          throw wrong();
      }
    }
    if (fault && injection.result === undefined) injection.result = -38;
    if (Object.keys(injection).length === 0) throw wrong();
    // "F", "F+", "F+S", "F..L", "F..L+S": from the Fth on, up to the Lth, every Sth.
    const match = /^(\d+)(?:\.\.(\d+))?(\+(\d*))?$/.exec(when);
    if (match === null) throw wrong();
    const [, first, last, plus, step] = match;
    this.#injection = injection;
    this.#first = Number(first);
    this.#last = last === undefined ? Number.POSITIVE_INFINITY : Number(last);
    this.#step = plus === undefined ? (last === undefined ? 0 : 1) : step === "" ? 1 : Number(step);
    if (this.#first < 1 || this.#last < this.#first || (step !== undefined && step !== "" && this.#step < 1))
      throw wrong();
  }

  /** What to do to this call of the tracee `tid`. */
  apply(tid: number, name: string): Injection | undefined {
    if (!this.#set(name)) return undefined;
    const key = `${tid} ${name}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (count < this.#first || count > this.#last) return undefined;
    const past = count - this.#first;
    return past === 0 || (this.#step > 0 && past % this.#step === 0) ? this.#injection : undefined;
  }
}
