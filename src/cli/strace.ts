/** `tsrcore strace [options] [--] program [args...]`, and what `tsrcore run --strace` means. Options are strace(1)'s. */
import * as fs from "node:fs";
import yargs from "yargs";
import { signalNumber } from "../abi/signal.ts";
import { SYSCALLS_X86_64 } from "../abi/syscalls-x86_64.ts";
import type { CountOrder } from "../trace/counts.ts";
import { Injector, type NameSet, parseStatusSet, parseTraceSet, QualifierError, type Status } from "../trace/filter.ts";
import { Strace } from "../trace/strace.ts";
import { CliError } from "./errors.ts";
import { execute, type TraceSetup } from "./execute.ts";
import { parseArguments, runOptions, SHARED_OPTIONS } from "./options.ts";

const KNOWN: ReadonlySet<string> = new Set(Object.keys(SYSCALLS_X86_64));

interface Settings {
  follow: boolean;
  trace: NameSet;
  status: (status: Status) => boolean;
  signals: (name: string) => boolean;
  injectors: Injector[];
  count: "off" | "only" | "also";
  countOrder: CountOrder;
  callTimes: boolean;
  timestamps: "none" | "seconds" | "micros" | "epoch" | "relative";
  paths: boolean;
  stringLimit: number;
  output: string | undefined;
  quiet: { attach: boolean; exit: boolean };
}

function defaults(): Settings {
  return {
    follow: false,
    trace: () => true,
    status: () => true,
    signals: () => true,
    injectors: [],
    count: "off",
    countOrder: "time",
    callTimes: false,
    timestamps: "none",
    paths: false,
    stringLimit: 32,
    output: undefined,
    quiet: { attach: false, exit: false },
  };
}

/** `tsrcore run --strace[=file]`: everything, children too. */
export function simpleTrace(output: string | undefined): TraceSetup {
  return setup({ ...defaults(), follow: true, output });
}

export async function main(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(
    args,
    (y) => {
      let parser = y
        .scriptName("tsrcore")
        .usage(
          "Runs a program as `tsrcore run` does and shows its system calls.\n\nUsage: $0 strace [options] [--] program [args...]",
        )
        .help("help", "Show this text")
        .wrap(100)
        .option("f", { type: "count", describe: "Trace children too", alias: "follow-forks" })
        .option("e", {
          type: "string",
          array: true,
          nargs: 1,
          describe: "trace=SET, status=SET, signal=SET, inject=SET:..., fault=SET:...",
        })
        .option("o", {
          type: "string",
          requiresArg: true,
          describe: "Write to a file instead of standard error",
          alias: "output",
        })
        .option("c", { type: "boolean", describe: "Count calls, errors and time only", alias: "summary-only" })
        .option("C", { type: "boolean", describe: "Count as well as show", alias: "summary" })
        .option("S", {
          type: "string",
          requiresArg: true,
          describe: "Order of the counts: time, calls, errors, name",
          alias: "summary-sort-by",
        })
        .option("T", { type: "boolean", describe: "Show the time each call took", alias: "syscall-times" })
        .option("t", { type: "count", describe: "Show the time of day; -tt with microseconds, -ttt since 1970" })
        .option("r", { type: "boolean", describe: "Show the time since the line before", alias: "relative-timestamps" })
        .option("y", { type: "count", describe: "Show the paths of descriptors", alias: "decode-fds" })
        .option("s", {
          type: "string",
          requiresArg: true,
          describe: "Most bytes of a string to show (32)",
          alias: "string-limit",
        })
        .option("z", { type: "boolean", describe: "Only calls that succeed", alias: "successful-only" })
        .option("Z", { type: "boolean", describe: "Only calls that fail", alias: "failed-only" })
        .option("q", { type: "count", describe: "No messages about attaching; -qq also about exits", alias: "quiet" })
        .option("E", {
          type: "string",
          array: true,
          nargs: 1,
          describe: "Set a variable of the program",
          alias: "env",
        });
      for (const [name, option] of Object.entries(SHARED_OPTIONS))
        if (name !== "env") parser = parser.option(name, option);
      return parser;
    },
    yargs,
  );
  if (parsed["help"] === true) return 0;
  if (parsed._.length === 0) throw new CliError('strace: no program given; see "tsrcore strace --help"');
  return execute(runOptions(parsed, parsed._), setup(settings(parsed)));
}

function settings(parsed: Record<string, unknown>): Settings {
  const s = defaults();
  const text = (name: string): string | undefined => {
    const value = parsed[name];
    if (Array.isArray(value)) throw new CliError(`-${name} was given more than once`);
    return value === undefined ? undefined : String(value);
  };
  s.follow = Number(parsed["f"] ?? 0) > 0;
  s.output = text("o");
  s.count = parsed["C"] === true ? "also" : parsed["c"] === true ? "only" : "off";
  const order = text("S") ?? "time";
  if (order !== "time" && order !== "calls" && order !== "errors" && order !== "name")
    throw new CliError(`-S ${order}: expected time, calls, errors or name`);
  s.countOrder = order;
  s.callTimes = parsed["T"] === true;
  const t = Number(parsed["t"] ?? 0);
  s.timestamps =
    parsed["r"] === true ? "relative" : t === 0 ? "none" : t === 1 ? "seconds" : t === 2 ? "micros" : "epoch";
  s.paths = Number(parsed["y"] ?? 0) > 0;
  const limit = text("s");
  if (limit !== undefined) {
    if (!/^\d+$/.test(limit)) throw new CliError(`-s ${limit}: expected a number of bytes`);
    s.stringLimit = Number(limit);
  }
  if (parsed["z"] === true) s.status = (status) => status === "successful";
  if (parsed["Z"] === true) s.status = (status) => status === "failed";
  const quiet = Number(parsed["q"] ?? 0);
  s.quiet = { attach: quiet >= 1, exit: quiet >= 2 };
  for (const qualifier of (parsed["e"] as string[] | undefined) ?? []) applyQualifier(s, qualifier);
  return s;
}

/** One `-e`: without a keyword it means trace=. */
function applyQualifier(s: Settings, text: string): void {
  const eq = text.indexOf("=");
  const key = eq < 0 ? "trace" : text.slice(0, eq);
  const value = eq < 0 ? text : text.slice(eq + 1);
  try {
    switch (key) {
      case "trace":
      case "t":
        s.trace = parseTraceSet(value, KNOWN);
        break;
      case "status":
        s.status = parseStatusSet(value);
        break;
      case "signal":
      case "signals":
      case "s":
        s.signals = parseSignalSet(value);
        break;
      case "inject":
        s.injectors.push(new Injector(value, false, KNOWN, signalNumber));
        break;
      case "fault":
        s.injectors.push(new Injector(value, true, KNOWN, signalNumber));
        break;
      case "quiet":
      case "q":
        for (const what of value.split(",")) {
          if (what === "attach" || what === "all") s.quiet.attach = true;
          if (what === "exit" || what === "exits" || what === "all") s.quiet.exit = true;
        }
        break;
      default:
        throw new QualifierError(`"${key}" is not one of trace, status, signal, inject, fault, quiet`);
    }
  } catch (error) {
    if (error instanceof QualifierError) throw new CliError(`strace -e ${text}: ${error.message}`);
    throw error;
  }
}

function parseSignalSet(text: string): (name: string) => boolean {
  if (text.startsWith("!")) {
    const inner = parseSignalSet(text.slice(1));
    return (name) => !inner(name);
  }
  if (text === "all") return () => true;
  if (text === "none") return () => false;
  const names = text.split(",").map((part) => {
    const number = /^\d+$/.test(part) ? Number(part) : signalNumber(part);
    if (number === undefined) throw new QualifierError(`invalid signal '${part}'`);
    return part.toUpperCase().startsWith("SIG") ? part.toUpperCase() : `SIG${part.toUpperCase()}`;
  });
  return (name) => names.includes(name);
}

function setup(s: Settings): TraceSetup {
  return (kernel) => {
    let fd = 2;
    if (s.output !== undefined) {
      try {
        fd = fs.openSync(s.output, "w", 0o666);
      } catch (error) {
        throw new CliError(`strace: cannot write ${s.output}: ${(error as Error).message}`);
      }
    }
    let buffer = "";
    const flush = (): void => {
      if (buffer === "") return;
      const bytes = Buffer.from(buffer, "utf8");
      buffer = "";
      for (let at = 0; at < bytes.length; ) {
        try {
          at += fs.writeSync(fd, bytes, at);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
        }
      }
    };
    const toFile = s.output !== undefined;
    const numbers = new Map(Object.entries(kernel.arch.numbers).map(([name, number]) => [number, name]));
    const strace = new Strace({
      ...s,
      toFile,
      column: 40,
      numberName: (number) => numbers.get(number) ?? `syscall_0x${number.toString(16)}`,
      realtime: () => kernel.realtime(),
      monotonic: () => kernel.now(),
      // On a terminal or a pipe every piece is seen at once, in step with the guest's own output.
      write: (text) => {
        buffer += text;
        if (!toFile || buffer.length > 65536) flush();
      },
    });
    return {
      tracer: strace,
      finish: () => {
        strace.finish();
        flush();
        if (toFile) fs.closeSync(fd);
      },
    };
  };
}
