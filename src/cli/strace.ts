/** `tsrcore strace [options] [--] program [args...]`, and what `tsrcore run --strace` means. Options are strace(1)'s. */
import yargs, { type Argv, type Options } from "yargs";
import { signalName, signalNumber } from "../abi/signal.ts";
import { SYSCALLS_RISCV64 } from "../abi/syscalls-riscv64.ts";
import { SYSCALLS_X86_64 } from "../abi/syscalls-x86_64.ts";
import { type CountColumn, type CountOrder, DEFAULT_COLUMNS, parseColumns, parseOrder } from "../trace/counts.ts";
import {
  Injector,
  type NameSet,
  parseNames,
  parseStatusSet,
  parseTraceSet,
  QualifierError,
  type Status,
} from "../trace/filter.ts";
import { Strace } from "../trace/strace.ts";
import { encodeBytes } from "../util/bytes.ts";
import { CliError } from "./errors.ts";
import { execute, type TraceSetup } from "./execute.ts";
import { parseArguments, runOptions, SHARED_OPTIONS } from "./options.ts";
import type { Startup } from "./startup.ts";
import { type OutputSettings, TraceOutput } from "./strace-output.ts";

const KNOWN: ReadonlySet<string> = new Set([SYSCALLS_X86_64, SYSCALLS_RISCV64].flatMap(Object.keys));

interface Settings extends OutputSettings {
  follow: boolean;
  trace: NameSet;
  verbose: NameSet;
  raw: NameSet;
  status: (status: Status) => boolean;
  signals: (name: string) => boolean;
  injectors: Injector[];
  count: "off" | "only" | "also";
  countOrder: CountOrder;
  countColumns: readonly CountColumn[];
  callTimes: boolean;
  timestamps: "none" | "seconds" | "micros" | "epoch" | "relative";
  numbers: boolean;
  paths: "off" | "paths" | "devices";
  hex: "off" | "odd" | "all";
  stringLimit: number;
  column: number;
  quiet: { attach: boolean; exit: boolean };
  /** The machine goes on until the last process that is traced has ended, not only the program. */
  waitForAll: boolean;
}

function defaults(): Settings {
  return {
    follow: false,
    trace: () => true,
    verbose: () => false,
    raw: () => false,
    status: () => true,
    signals: () => true,
    injectors: [],
    count: "off",
    countOrder: "time-percent",
    countColumns: DEFAULT_COLUMNS,
    callTimes: false,
    timestamps: "none",
    numbers: false,
    paths: "off",
    hex: "off",
    stringLimit: 32,
    column: 40,
    output: undefined,
    append: false,
    separate: false,
    quiet: { attach: false, exit: false },
    waitForAll: false,
  };
}

/** `tsrcore run --strace[=file]`: everything, children too. */
export function simpleTrace(output: string | undefined): TraceSetup {
  return setup({ ...defaults(), follow: true, output });
}

const flag = (describe: string, alias?: string): Options => ({
  type: "boolean",
  describe,
  ...(alias === undefined ? {} : { alias }),
});
const counted = (describe: string, alias?: string): Options => ({ ...flag(describe, alias), type: "count" });
const text = (describe: string, alias?: string): Options => ({
  ...flag(describe, alias),
  type: "string",
  requiresArg: true,
});
const texts = (describe: string, alias?: string): Options => ({ ...text(describe, alias), array: true, nargs: 1 });

const OPTIONS: Readonly<Record<string, Options>> = {
  f: counted("Trace children too; -ff with -o: a file for each process", "follow-forks"),
  e: texts("trace=SET, status=SET, signal=SET, inject=SET:..., fault=SET:..., abbrev=, verbose=, raw=, quiet="),
  trace: texts("The calls to show: names, %class, /regex, !all-but"),
  status: texts("successful, failed, unfinished, unavailable, detached"),
  signal: texts("The signals to show"),
  inject: texts("SET[:error=E|:retval=N][:signal=S][:when=F[..L][+[S]]]"),
  fault: texts("As inject, with ENOSYS for a default"),
  o: text("Write to a file instead of standard error", "output"),
  A: flag("Append to that file", "output-append-mode"),
  c: flag("Count calls, errors and time only", "summary-only"),
  C: flag("Count as well as show", "summary"),
  w: flag("Count the time between a call's begin and end (as always here)", "summary-wall-clock"),
  S: text("Order of the counts: time, calls, errors, name, ...", "summary-sort-by"),
  U: text("Columns of the counts", "summary-columns"),
  T: flag("Show the time each call took", "syscall-times"),
  t: counted("Show the time of day; -tt with microseconds, -ttt since 1970"),
  r: flag("Show the time since the line before", "relative-timestamps"),
  y: counted("Show the paths of descriptors; -yy also which device", "decode-fds"),
  s: text("Most bytes of a string to show (32)", "string-limit"),
  a: text("Column of the results (40)", "columns"),
  x: counted("Show strings that are no text in hexadecimal; -xx all strings"),
  v: flag("Show structures and environments in full", "no-abbrev"),
  n: flag("Show the number of each call", "syscall-number"),
  z: flag("Only calls that succeed", "successful-only"),
  Z: flag("Only calls that fail", "failed-only"),
  q: counted("No messages about attaching; -qq also about exits", "quiet"),
  E: texts("Set a variable of the program: NAME=VALUE", "env"),
  p: texts("(tracing of running processes: not possible)", "attach"),
};

const SHORT: Readonly<Record<string, string>> = { user: "u" };

function configure(y: Argv): Argv {
  let parser = y
    .scriptName("tsrcore")
    .usage(
      "Runs a program as `tsrcore run` does and shows its system calls. Exit status: that of the program.\n\n" +
        "Usage: $0 strace [options] [--] program [args...]",
    )
    .help("help", "Show this text")
    .wrap(100);
  for (const [name, option] of Object.entries(OPTIONS)) parser = parser.option(name, option);
  for (const [name, option] of Object.entries(SHARED_OPTIONS)) {
    const alias = SHORT[name];
    if (name !== "env") parser = parser.option(name, alias === undefined ? option : { ...option, alias });
  }
  return parser;
}

export async function main(args: readonly string[], startup: Startup): Promise<number> {
  const parsed = parseArguments(args, configure, yargs);
  if (parsed["help"] === true) return 0;
  if (parsed["p"] !== undefined)
    throw new CliError("strace: -p: a machine starts with its program, so there is no process yet to attach to");
  const traced = settings(parsed);
  if (parsed._.length === 0) throw new CliError('strace: must have PROG [ARGS]; see "tsrcore strace --help"');
  return execute(runOptions(parsed, parsed._), startup, setup(traced));
}

function settings(parsed: Record<string, unknown>): Settings {
  const s = defaults();
  const single = (name: string): string | undefined => {
    const value = parsed[name];
    if (Array.isArray(value)) throw new CliError(`strace: -${name} was given more than once`);
    return value === undefined ? undefined : String(value);
  };
  const times = (name: string): number => Number(parsed[name] ?? 0);
  const given = (name: string): boolean => parsed[name] === true;
  const number = (name: string, fallback: number): number => {
    const value = single(name);
    if (value === undefined) return fallback;
    if (!/^\d+$/.test(value) || Number(value) > 0x7fff_ffff)
      throw new CliError(`strace: invalid -${name} argument: '${value}'`);
    return Number(value);
  };
  s.follow = times("f") > 0;
  s.waitForAll = s.follow;
  s.output = single("o");
  s.append = given("A");
  s.separate = times("f") > 1 && s.output !== undefined;
  if (given("c") && given("C")) throw new CliError("strace: -c and -C are mutually exclusive");
  s.count = given("C") ? "also" : given("c") ? "only" : "off";
  if (s.count === "only" && s.separate) throw new CliError("strace: (-c or -C) and -ff are mutually exclusive");
  const order = single("S");
  if (order !== undefined) {
    const known = parseOrder(order);
    if (known === undefined) throw new CliError(`strace: invalid sortby: '${order}'`);
    s.countOrder = known;
  }
  const columns = single("U");
  if (columns !== undefined) {
    if (s.count === "off") throw new CliError("strace: -U/--summary-columns must be given with -c or -C");
    const known = parseColumns(columns);
    if ("wrong" in known) throw new CliError(`strace: unknown column name: '${known.wrong}'`);
    s.countColumns = known;
  }
  s.callTimes = given("T");
  s.timestamps = given("r") ? "relative" : ((["none", "seconds", "micros"] as const)[times("t")] ?? "epoch");
  s.numbers = given("n");
  s.paths = times("y") > 1 ? "devices" : times("y") > 0 ? "paths" : "off";
  s.hex = times("x") > 1 ? "all" : times("x") > 0 ? "odd" : "off";
  if (given("v")) s.verbose = () => true;
  s.stringLimit = number("s", 32);
  s.column = number("a", 40);
  if (given("z")) s.status = (status) => status === "successful";
  if (given("Z")) s.status = (status) => status === "failed";
  s.quiet = { attach: times("q") >= 1, exit: times("q") >= 2 };
  for (const qualifier of list(parsed, "e")) applyQualifier(s, ...splitQualifier(qualifier));
  for (const name of ["trace", "status", "signal", "inject", "fault"])
    for (const value of list(parsed, name)) applyQualifier(s, name, value);
  return s;
}

function list(parsed: Record<string, unknown>, name: string): readonly string[] {
  return (parsed[name] as string[] | undefined) ?? [];
}

const KEYWORDS: Readonly<Record<string, string>> = {
  t: "trace",
  trace: "trace",
  a: "abbrev",
  abbrev: "abbrev",
  v: "verbose",
  verbose: "verbose",
  x: "raw",
  raw: "raw",
  s: "signal",
  signal: "signal",
  signals: "signal",
  status: "status",
  q: "quiet",
  quiet: "quiet",
  silent: "quiet",
  silence: "quiet",
  fault: "fault",
  inject: "inject",
};

/** What follows -e; without a keyword that is known it means trace=. */
function splitQualifier(text: string): [keyword: string, value: string] {
  const eq = text.indexOf("=");
  const keyword = eq < 0 ? undefined : KEYWORDS[text.slice(0, eq)];
  return keyword === undefined ? ["trace", text] : [keyword, text.slice(eq + 1)];
}

function applyQualifier(s: Settings, keyword: string, value: string): void {
  try {
    switch (keyword) {
      case "trace":
        s.trace = parseTraceSet(value, KNOWN);
        break;
      case "abbrev": {
        const abbreviated = parseTraceSet(value, KNOWN);
        s.verbose = (name) => !abbreviated(name);
        break;
      }
      case "raw":
        s.raw = parseTraceSet(value, KNOWN);
        break;
      case "verbose":
        if (value !== "all") throw new QualifierError("verbose: structures are always read; only 'all' is possible");
        break;
      case "status":
        s.status = parseStatusSet(value);
        break;
      case "signal":
        s.signals = parseNames(value, (word) => {
          const signal = /^\d+$/.test(word) ? Number(word) : signalNumber(word);
          if (signal === undefined || signal > 64) throw new QualifierError(`invalid signal '${word}'`);
          return signalName(signal);
        });
        break;
      case "inject":
      case "fault":
        s.injectors.push(new Injector(value, keyword === "fault", KNOWN, signalNumber));
        break;
      default: {
        const quiet = parseNames(value, quietWord);
        s.quiet = { attach: quiet("attach"), exit: quiet("exit") };
      }
    }
  } catch (error) {
    if (error instanceof QualifierError) throw new CliError(`strace: ${error.message}`);
    throw error;
  }
}

/** The other messages that strace knows do not occur here, so they are always quiet. */
const QUIET_WORDS: Readonly<Record<string, string>> = {
  attach: "attach",
  exit: "exit",
  exits: "exit",
  "path-resolution": "path-resolution",
  "path-resolve": "path-resolution",
  pathresolution: "path-resolution",
  personality: "personality",
  "thread-execve": "thread-execve",
  superseded: "thread-execve",
};

function quietWord(word: string): string {
  const known = QUIET_WORDS[word];
  if (known === undefined) throw new QualifierError(`invalid quiet '${word}'`);
  return known;
}

function setup(s: Settings): TraceSetup {
  return (kernel, program) => {
    const output = new TraceOutput(s);
    const names = new Map(
      kernel.architectures.map(({ name, numbers }) => [
        name,
        new Map(Object.entries(numbers).map(([call, number]) => [number, call])),
      ]),
    );
    const strace = new Strace(
      {
        ...s,
        toFile: s.output !== undefined,
        numberName: (number, arch) => names.get(arch)?.get(number) ?? `syscall_0x${number.toString(16)}`,
        realtime: () => kernel.realtime(),
        monotonic: () => kernel.now(),
        write: (text, tid) => output.write(text, tid),
        message: (text) => output.message(text),
      },
      {
        path: program.path,
        argv: program.argv.map(encodeBytes),
        env: program.env.map(([name, value]) => encodeBytes(`${name}=${value}`)),
      },
    );
    return {
      tracer: strace,
      ...(s.waitForAll ? { ended: strace.ended } : {}),
      finish: () => {
        strace.finish();
        output.close();
      },
    };
  };
}
