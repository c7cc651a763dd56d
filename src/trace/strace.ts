/**
 * strace: writes what tasks do in the text layout of the real one, so that its users and their scripts feel at home.
 *
 * A call is printed in two parts. On entry: the name and the arguments up to the first that the call fills in; on return:
 * the rest and the result. When another task has to say something in between, the line ends with `<unfinished ...>` and
 * goes on later as `<... name resumed>`.
 */
import { majorOf, minorOf } from "../abi/device.ts";
import { ERESTART_RESTARTBLOCK, ERESTARTSYS, Errno, errnoMessage, errnoName } from "../abi/errno.ts";
import { S_IFBLK, S_IFCHR, S_IFMT } from "../abi/stat.ts";
import type { Observer } from "../proc/observer.ts";
import type { SignalInfo } from "../proc/signal-state.ts";
import type { Task } from "../proc/task.ts";
import type { PrintContext, SyscallDefinition } from "../syscalls/define.ts";
import type { SyscallTracer } from "../syscalls/dispatch.ts";
import { encodeBytes } from "../util/bytes.ts";
import { quote } from "../util/quote.ts";
import { type CountColumn, type CountOrder, Counts } from "./counts.ts";
import type { Injector, NameSet, Status } from "./filter.ts";
import { printSignalInfo, signalName } from "./signals.ts";

/** Results from here to -1 are error numbers. */
const MAX_ERRNO = 4095;

export interface StraceOptions {
  /** Trace children too. */
  readonly follow: boolean;
  readonly trace: NameSet;
  readonly status: (status: Status) => boolean;
  readonly signals: (name: string) => boolean;
  readonly injectors: readonly Injector[];
  /** -c and -C: count; with "only", nothing else is shown. */
  readonly count: "off" | "only" | "also";
  readonly countOrder: CountOrder;
  readonly countColumns: readonly CountColumn[];
  /** -T */
  readonly callTimes: boolean;
  /** -t, -tt, -ttt, -r */
  readonly timestamps: "none" | "seconds" | "micros" | "epoch" | "relative";
  /** -y and -yy, which also says what devices are. */
  readonly paths: "off" | "paths" | "devices";
  readonly stringLimit: number;
  /** -v: nothing is abbreviated. */
  readonly verbose: NameSet;
  /** -e raw: arguments are shown as hexadecimal numbers. */
  readonly raw: NameSet;
  /** -x, -xx */
  readonly hex: "off" | "odd" | "all";
  /** -n: the number of each call. */
  readonly numbers: boolean;
  /** -ff -o: every task has a file of its own. */
  readonly separate: boolean;
  /** Each line begins with the pid, as in a file written with -f -o. */
  readonly toFile: boolean;
  /** Column of the result: 40. */
  readonly column: number;
  readonly quiet: { readonly attach: boolean; readonly exit: boolean };
  /** No error, e.g. the name of a call that Linux has and tsrcore has not. */
  readonly numberName: (number: number, arch: Task["arch"]["name"]) => string;
  /** Nanoseconds: since 1970, and monotonic. */
  readonly realtime: () => bigint;
  readonly monotonic: () => number;
  /** Text of `tid`'s: of all tasks alike unless each is to have its own. */
  readonly write: (text: string, tid: number) => void;
  /** Messages of strace's own, for standard error. */
  readonly message: (text: string) => void;
}

/** What was started: the execve that no guest has made. */
export interface TracedProgram {
  readonly path: string;
  readonly argv: readonly Uint8Array[];
  readonly env: readonly Uint8Array[];
}

interface Call {
  readonly task: Task;
  readonly number: number;
  readonly definition: SyscallDefinition | undefined;
  readonly name: string;
  readonly args: readonly number[];
  /** What arguments have remembered of the entry. */
  entered: readonly (number | undefined)[];
  /** How many arguments the entry has shown. */
  shown: number;
  readonly start: number;
  /** Text of the entry, where the whole line is held back until the result is known (-z). */
  held: string | undefined;
  injected: boolean;
}

/** A file of lines, of which the last may be unfinished. */
interface Stream {
  /** The task whose line is not finished. */
  partial: Task | undefined;
  columns: number;
}

export class Strace implements SyscallTracer, Observer {
  readonly #options: StraceOptions;
  readonly #calls: Map<Task, Call> = new Map();
  readonly #traced: Set<Task> = new Set();
  /** The number of each task's last call, for -n. */
  readonly #numbers: Map<Task, number> = new Map();
  readonly #streams: Map<number, Stream> = new Map();
  readonly #program: TracedProgram | undefined;
  readonly counts: Counts = new Counts();
  /** Settled when the last task that is traced has ended. */
  readonly ended: Promise<void>;
  #end: () => void = () => {};
  #lastStamp: number | undefined;
  readonly #held: boolean;

  constructor(options: StraceOptions, program?: TracedProgram) {
    this.#options = options;
    this.#program = program;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    // With a status filter a line may only be shown once the result is known.
    this.#held = !(["successful", "failed", "unfinished", "unavailable", "detached"] as const).every((s) =>
      options.status(s),
    );
  }

  #follows(task: Task): boolean {
    return this.#traced.has(task);
  }

  // ---- lines ----

  #prefix(task: Task): string {
    const options = this.#options;
    let text = "";
    if (options.toFile && options.follow && !options.separate) text += `${String(task.tid).padEnd(5)} `;
    else if (!options.toFile && this.#traced.size > 1) text += `[pid ${String(task.tid).padStart(5)}] `;
    text += this.#stamp();
    if (options.numbers) text += `[${String(this.#numbers.get(task) ?? 0).padStart(4)}] `;
    return text;
  }

  #stamp(): string {
    const { timestamps } = this.#options;
    if (timestamps === "none") return "";
    if (timestamps === "relative") {
      const now = this.#options.monotonic();
      const delta = this.#lastStamp === undefined ? 0 : now - this.#lastStamp;
      this.#lastStamp = now;
      return `${(delta / 1e9).toFixed(6).padStart(13)} `;
    }
    const now = this.#options.realtime();
    const micros = String((now / 1000n) % 1_000_000n).padStart(6, "0");
    if (timestamps === "epoch") return `${now / 1_000_000_000n}.${micros} `;
    const date = new Date(Number(now / 1_000_000n));
    const clock = [date.getHours(), date.getMinutes(), date.getSeconds()]
      .map((v) => String(v).padStart(2, "0"))
      .join(":");
    return timestamps === "seconds" ? `${clock} ` : `${clock}.${micros} `;
  }

  #stream(task: Task): Stream {
    const key = this.#options.separate ? task.tid : 0;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = { partial: undefined, columns: 0 };
      this.#streams.set(key, stream);
    }
    return stream;
  }

  /** Ends the line that a task, mostly another one, left open. */
  #interruptPartial(stream: Stream): void {
    if (stream.partial === undefined) return;
    this.#options.write(" <unfinished ...>\n", stream.partial.tid);
    stream.partial = undefined;
  }

  #startLine(task: Task): void {
    const stream = this.#stream(task);
    this.#interruptPartial(stream);
    const prefix = this.#prefix(task);
    this.#options.write(prefix, task.tid);
    stream.columns = prefix.length;
  }

  #add(task: Task, text: string): void {
    this.#stream(task).columns += text.length;
    this.#options.write(text, task.tid);
  }

  /** The result, in its column where the line has not passed it. */
  #endLine(task: Task, result: string): void {
    const stream = this.#stream(task);
    const fill = this.#options.column - stream.columns;
    stream.partial = undefined;
    this.#options.write(`${fill > 0 ? " ".repeat(fill) : ""}= ${result}\n`, task.tid);
  }

  #wholeLine(task: Task, text: string): void {
    this.#startLine(task);
    this.#options.write(`${text}\n`, task.tid);
  }

  // ---- calls ----

  enter(
    task: Task,
    number: number,
    definition: SyscallDefinition | undefined,
    args: readonly number[],
  ): number | undefined {
    if (!this.#follows(task)) return undefined;
    const name = definition?.name ?? this.#options.numberName(number, task.arch.name);
    let injection: ReturnType<Injector["apply"]>;
    for (const injector of this.#options.injectors) injection ??= injector.apply(task.tid, name);
    if (injection?.signal !== undefined) {
      const { signals } = task.kernel;
      signals.sendToTask(task, signals.fromKernel(injection.signal));
    }
    const instead = injection?.result;
    this.#numbers.set(task, number);
    if (!this.#options.trace(name)) return instead;
    const call: Call = {
      task,
      number,
      definition,
      name,
      args: args.slice(0, definition === undefined ? 6 : definition.args.length),
      entered: [],
      shown: 0,
      start: this.#options.monotonic(),
      held: undefined,
      injected: injection?.result !== undefined,
    };
    this.#calls.set(task, call);
    if (this.#options.count === "only") return instead;
    const text = `${name}(${this.#entryArguments(call)}`;
    if (this.#held) {
      call.held = text;
      return instead;
    }
    this.#startLine(task);
    this.#add(task, text);
    this.#stream(task).partial = task;
    return instead;
  }

  #entryArguments(call: Call): string {
    const { definition } = call;
    if (definition === undefined || this.#options.raw(call.name)) {
      call.shown = call.args.length;
      return call.args.map(rawNumber).join(", ");
    }
    const context = this.#context(call, undefined);
    if (definition.args.some((arg) => arg.atEntry !== undefined)) {
      call.entered = definition.args.map((arg, i) => arg.atEntry?.(call.args[i] ?? 0, context));
    }
    const out: string[] = [];
    for (const arg of definition.args) {
      if (typeof arg.out === "function" ? arg.out(call.args) : arg.out === true) break;
      const text = arg.print(call.args[call.shown] ?? 0, context);
      if (text !== "") out.push(text);
      call.shown++;
    }
    // What follows on return may turn out to be nothing, so its comma waits for it where that can be told already.
    const more = definition.args.slice(call.shown);
    const shown = more.some((arg, i) => arg.absent?.(call.args[call.shown + i] ?? 0, context) !== true);
    if (!shown) call.shown = definition.args.length;
    return out.join(", ") + (out.length > 0 && shown && more.length > 0 ? ", " : "");
  }

  #exitArguments(call: Call, result: number): string {
    const { definition } = call;
    if (definition === undefined) return "";
    const context = this.#context(call, result);
    return definition.args
      .slice(call.shown)
      .map((arg, i) => arg.print(call.args[call.shown + i] ?? 0, context))
      .filter((text) => text !== "")
      .join(", ");
  }

  exit(
    task: Task,
    _number: number,
    definition: SyscallDefinition | undefined,
    _args: readonly number[],
    value: number,
  ): void {
    const call = this.#calls.get(task);
    const withoutResult = definition?.noResult === true && value < -MAX_ERRNO;
    // A call that ended the task itself has no result: taskExited ends its line.
    if (call === undefined || (withoutResult && task.state !== "runnable" && task.state !== "blocked")) return;
    // The same with SIGKILL, which nothing comes between: a signal that ends a process otherwise is reported first.
    if (task.process.exiting) return;
    const result = withoutResult ? resultInRegister(task, definition) : value;
    this.#calls.delete(task);
    const { count } = this.#options;
    const time = this.#options.monotonic() - call.start;
    const failed = result < 0 && result >= -MAX_ERRNO;
    const status: Status =
      call.definition === undefined && result === -38 ? "unavailable" : failed ? "failed" : "successful";
    if (count !== "off" && this.#options.status(status)) this.counts.add(call.number, call.name, failed, time);
    if (count === "only" || !this.#options.status(status)) return;
    const rest = `${this.#exitArguments(call, result)}) `;
    this.#resume(call);
    this.#add(task, rest);
    let text = this.#result(call, result);
    if (this.#options.callTimes) text += ` <${(time / 1e9).toFixed(6)}>`;
    this.#endLine(task, text);
  }

  /** The line goes on where it was, or on a new one that says so. */
  #resume(call: Call): void {
    const { task } = call;
    if (call.held !== undefined) {
      this.#startLine(task);
      this.#add(task, call.held);
    } else if (this.#stream(task).partial !== task) {
      this.#startLine(task);
      this.#add(task, `<... ${call.name} resumed>`);
    }
  }

  #result(call: Call, result: number): string {
    const note = call.injected ? " (INJECTED)" : "";
    if (result < 0 && result >= -MAX_ERRNO) {
      const code = -result;
      const value = code >= ERESTARTSYS && code <= ERESTART_RESTARTBLOCK ? "?" : "-1";
      return `${value} ${errnoName(code)} (${errnoMessage(code)})${note}`;
    }
    const { definition } = call;
    if (this.#options.raw(call.name)) return rawNumber(result) + note;
    const text =
      definition?.printResult === undefined
        ? String(result)
        : definition.printResult(result, this.#context(call, result));
    return text + note;
  }

  #context(call: Call, result: number | undefined): PrintContext {
    const { task, args } = call;
    const { stringLimit, hex } = this.#options;
    return {
      task,
      args,
      entered: call.entered,
      result,
      stringLimit,
      verbose: this.#options.verbose(call.name),
      ...(hex === "off" ? {} : { hex }),
      peek: (address, length) => {
        if (length === 0) return new Uint8Array(0);
        try {
          return task.space.readablePrefix(address, length);
        } catch (e) {
          if (e instanceof Errno) return undefined;
          throw e;
        }
      },
      fd: (fd) => this.#describe(task, fd),
      cwd: () => (this.#options.paths === "off" ? "" : `<${quotePath(task.fs.cwd.toString())}>`),
    };
  }

  /** `3`, or with -y `3</etc/passwd>`. */
  #describe(task: Task, fd: number): string {
    const { paths } = this.#options;
    const file = paths === "off" ? undefined : task.files.peek(fd);
    if (file === undefined) return String(fd);
    const described = file.describe();
    const deleted = described.endsWith(DELETED);
    const name = quotePath(deleted ? described.slice(0, -DELETED.length) : described);
    const format = file.inode.format & S_IFMT;
    if (paths === "devices" && (format === S_IFCHR || format === S_IFBLK)) {
      const { rdev } = file.inode.attributes();
      const kind = format === S_IFCHR ? "char" : "block";
      return `${fd}<${name}<${kind} ${majorOf(rdev)}:${minorOf(rdev)}>>`;
    }
    return `${fd}<${name}>${deleted ? "(deleted)" : ""}`;
  }

  // ---- events ----

  /** As under ptrace(2): what a task ignores is reported too, and comes into its calls. */
  seesIgnoredSignals(task: Task): boolean {
    return this.#follows(task);
  }

  taskStarted(task: Task, parent: Task | null): void {
    if (parent === null) {
      this.#traced.add(task);
      this.#firstExec(task);
      return;
    }
    const { follow, quiet, toFile } = this.#options;
    if (!follow || !this.#traced.has(parent)) return;
    this.#traced.add(task);
    if (quiet.attach || toFile) return;
    // The real one reports this on its standard error in the middle of the parent's line.
    const stream = this.#stream(parent);
    if (stream.partial !== undefined) this.#interruptPartial(stream);
    this.#options.message(`strace: Process ${task.tid} attached\n`);
  }

  /** The program's own execve: made by whoever started the machine's first process, and shown as strace does. */
  #firstExec(task: Task): void {
    const program = this.#program;
    const number = task.arch.numbers["execve"] ?? 0;
    this.#numbers.set(task, number);
    if (program === undefined || !this.#options.trace("execve") || !this.#options.status("successful")) return;
    if (this.#options.count !== "off") this.counts.add(number, "execve", false, 0);
    if (this.#options.count === "only") return;
    const { stringLimit, hex } = this.#options;
    const style = hex === "off" ? undefined : hex;
    const verbose = this.#options.verbose("execve");
    const list = (strings: readonly Uint8Array[]): string => {
      const shown = verbose ? strings : strings.slice(0, stringLimit);
      const parts = shown.map((text) => {
        const cut = text.length > stringLimit;
        return quote(cut ? text.subarray(0, stringLimit) : text, style) + (cut ? "..." : "");
      });
      return `[${parts.join(", ")}${shown.length < strings.length ? ", ..." : ""}]`;
    };
    const { registers } = task.arch;
    const sp = registers.getSp(task.mm.context);
    // On the new stack: the number of arguments, their pointers, NULL, then the environment's.
    const count = task.space.readU32(sp);
    const envp = sp + 8 * (count + 2);
    const variables = program.env.length;
    const environment = verbose
      ? list(program.env)
      : `0x${envp.toString(16)} /* ${variables} var${variables === 1 ? "" : "s"} */`;
    this.#startLine(task);
    this.#add(task, `execve(${quote(encodeBytes(program.path), style)}, ${list(program.argv)}, ${environment}) `);
    this.#endLine(task, this.#options.callTimes ? "0 <0.000000>" : "0");
  }

  signalDelivered(task: Task, info: SignalInfo): void {
    if (!this.#follows(task) || this.#options.count === "only") return;
    const name = signalName(info.signal);
    if (!this.#options.signals(name)) return;
    this.#wholeLine(task, `--- ${name} ${printSignalInfo(info)} ---`);
  }

  taskStopped(task: Task, signal: number): void {
    if (!this.#follows(task) || this.#options.count === "only" || !this.#options.signals(signalName(signal))) return;
    this.#wholeLine(task, `--- stopped by ${signalName(signal)} ---`);
  }

  taskExited(task: Task, status: number): void {
    if (!this.#follows(task)) return;
    const call = this.#calls.get(task);
    const { count } = this.#options;
    if (call !== undefined) {
      this.#calls.delete(task);
      if (count !== "only" && this.#options.status("unfinished")) this.#neverReturns(call);
    }
    const signal = status & 0x7f;
    const shown = signal === 0 ? !this.#options.quiet.exit : this.#options.signals(signalName(signal));
    if (count !== "only" && shown) {
      const core = status & 0x80 ? " (core dumped)" : "";
      this.#wholeLine(
        task,
        signal === 0 ? `+++ exited with ${(status >> 8) & 0xff} +++` : `+++ killed by ${signalName(signal)}${core} +++`,
      );
    }
    this.#traced.delete(task);
    this.#numbers.delete(task);
    if (this.#traced.size === 0) this.#end();
  }

  /** A call during which the task ended: exit_group, or anything a fatal signal came into. */
  #neverReturns(call: Call): void {
    const { task } = call;
    this.#resume(call);
    this.#add(task, call.shown >= call.args.length ? ") " : " <unfinished ...>) ");
    this.#endLine(task, "?");
  }

  /** The end of everything: the table of -c. */
  finish(): void {
    for (const stream of this.#streams.values()) this.#interruptPartial(stream);
    const { count, countOrder, countColumns } = this.#options;
    if (count !== "off") this.#options.write(this.counts.format(countOrder, countColumns), 0);
  }
}

/** What a call that sets all registers left in the one of results: execve starts with 0, sigreturn puts the old one back. */
function resultInRegister(task: Task, definition: SyscallDefinition | undefined): number {
  if (definition?.name !== "rt_sigreturn") return 0;
  return task.arch.registers.getSyscallResult(task.mm.context);
}

/** How the kernel marks the name of a file that has none any more. */
const DELETED = " (deleted)";

/** As printf's %#lx. */
function rawNumber(value: number): string {
  return value === 0 ? "0" : `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}

function quotePath(path: string): string {
  return quote(encodeBytes(path)).slice(1, -1).replaceAll("<", "\\74").replaceAll(">", "\\76").replaceAll('\\"', '"');
}
