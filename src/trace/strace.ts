/**
 * strace: writes what tasks do in the text layout of the real one, so that its users and their scripts feel at home.
 *
 * A call is printed in two parts. On entry: the name and the arguments up to the first that the call fills in; on return:
 * the rest and the result. When another task has to say something in between, the line ends with `<unfinished ...>` and
 * goes on later as `<... name resumed>`.
 */
import { ERESTARTSYS, errnoMessage, errnoName } from "../abi/errno.ts";
import type { Observer } from "../proc/observer.ts";
import type { SignalInfo } from "../proc/signal-state.ts";
import type { Task } from "../proc/task.ts";
import type { PrintContext, SyscallDefinition } from "../syscalls/define.ts";
import type { SyscallTracer } from "../syscalls/dispatch.ts";
import { type CountOrder, Counts } from "./counts.ts";
import type { Injector, NameSet, Status } from "./filter.ts";
import { printSignalInfo, signalName } from "./signals.ts";

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
  /** -T */
  readonly callTimes: boolean;
  /** -t, -tt, -ttt, -r */
  readonly timestamps: "none" | "seconds" | "micros" | "epoch" | "relative";
  /** -y, -yy */
  readonly paths: boolean;
  readonly stringLimit: number;
  /** Each line begins with the pid, as in a file written with -f -o. */
  readonly toFile: boolean;
  /** Column of the result: 40. */
  readonly column: number;
  readonly quiet: { readonly attach: boolean; readonly exit: boolean };
  /** No error, e.g. the name of a call that Linux has and tsrcore has not. */
  readonly numberName: (number: number) => string;
  /** Nanoseconds: since 1970, and monotonic. */
  readonly realtime: () => bigint;
  readonly monotonic: () => number;
  readonly write: (text: string) => void;
}

interface Call {
  readonly task: Task;
  readonly definition: SyscallDefinition | undefined;
  readonly name: string;
  readonly args: readonly number[];
  /** How many arguments the entry has shown. */
  shown: number;
  readonly start: number;
  /** Text of the entry, where the whole line is held back until the result is known (-z). */
  held: string | undefined;
  injected: boolean;
}

export class Strace implements SyscallTracer, Observer {
  readonly #options: StraceOptions;
  readonly #calls: Map<Task, Call> = new Map();
  readonly #traced: Set<Task> = new Set();
  readonly counts: Counts = new Counts();
  /** The task whose line is not finished, and how many columns it has. */
  #partial: Task | undefined;
  #columns = 0;
  #lastStamp: number | undefined;
  readonly #held: boolean;

  constructor(options: StraceOptions) {
    this.#options = options;
    // With a status filter a line may only be shown once the result is known.
    this.#held = !(["successful", "failed", "unfinished", "unavailable"] as const).every((s) => options.status(s));
  }

  #follows(task: Task): boolean {
    return this.#traced.has(task);
  }

  // ---- lines ----

  #prefix(task: Task): string {
    const options = this.#options;
    let text = "";
    if (options.toFile && options.follow) text += `${String(task.tid).padEnd(5)} `;
    else if (!options.toFile && this.#traced.size > 1) text += `[pid ${String(task.tid).padStart(5)}] `;
    return text + this.#stamp();
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

  /** Ends the line that another task left open. */
  #interruptPartial(): void {
    if (this.#partial === undefined) return;
    this.#options.write(" <unfinished ...>\n");
    this.#partial = undefined;
  }

  #startLine(task: Task): void {
    this.#interruptPartial();
    const prefix = this.#prefix(task);
    this.#options.write(prefix);
    this.#columns = prefix.length;
  }

  #add(text: string): void {
    this.#columns += text.length;
    this.#options.write(text);
  }

  #wholeLine(task: Task, text: string): void {
    this.#startLine(task);
    this.#options.write(`${text}\n`);
  }

  // ---- calls ----

  enter(
    task: Task,
    number: number,
    definition: SyscallDefinition | undefined,
    args: readonly number[],
  ): number | undefined {
    if (!this.#follows(task)) return undefined;
    const name = definition?.name ?? this.#options.numberName(number);
    let injection: ReturnType<Injector["apply"]>;
    for (const injector of this.#options.injectors) injection ??= injector.apply(task.tid, name);
    if (injection?.signal !== undefined) task.raise(injection.signal);
    const instead = injection?.result;
    if (!this.#options.trace(name)) return instead;
    const call: Call = {
      task,
      definition,
      name,
      args: args.slice(0, definition === undefined ? 6 : definition.args.length),
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
    this.#add(text);
    this.#partial = task;
    return instead;
  }

  #entryArguments(call: Call): string {
    const { definition } = call;
    if (definition === undefined) {
      call.shown = call.args.length;
      return call.args.map((a) => `0x${a.toString(16)}`).join(", ");
    }
    const context = this.#context(call, undefined);
    const out: string[] = [];
    for (const arg of definition.args) {
      if (arg.out === true) break;
      const text = arg.print(call.args[call.shown] ?? 0, context);
      if (text !== "") out.push(text);
      call.shown++;
    }
    return out.join(", ") + (call.shown > 0 && call.shown < definition.args.length ? ", " : "");
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
    _definition: SyscallDefinition | undefined,
    _args: readonly number[],
    result: number,
  ): void {
    const call = this.#calls.get(task);
    if (call === undefined) return;
    this.#calls.delete(task);
    const { count } = this.#options;
    const time = this.#options.monotonic() - call.start;
    const failed = result < 0 && result >= -4095;
    const status: Status =
      call.definition === undefined && result === -38 ? "unavailable" : failed ? "failed" : "successful";
    if (count !== "off" && this.#options.status(status)) this.counts.add(call.name, failed, time);
    if (count === "only") return;
    if (!this.#options.status(status)) return;
    const rest = `${this.#exitArguments(call, result)}) `;
    if (call.held !== undefined) {
      this.#startLine(task);
      this.#add(call.held);
    } else if (this.#partial !== task) {
      this.#startLine(task);
      this.#add(`<... ${call.name} resumed>`);
    }
    this.#add(rest);
    const fill = this.#options.column - this.#columns;
    this.#partial = undefined;
    let text = `${fill > 0 ? " ".repeat(fill) : ""}= ${this.#result(call, result)}`;
    if (call.injected) text += " (INJECTED)";
    if (this.#options.callTimes) text += ` <${(time / 1e9).toFixed(6)}>`;
    this.#options.write(`${text}\n`);
  }

  #result(call: Call, result: number): string {
    if (result < 0 && result >= -4095) {
      const code = -result;
      if (code >= ERESTARTSYS && code <= 516) return `? ${errnoName(code)} (${errnoMessage(code)})`;
      return `-1 ${errnoName(code)} (${errnoMessage(code)})`;
    }
    const { definition } = call;
    return definition?.printResult === undefined
      ? String(result)
      : definition.printResult(result, this.#context(call, result));
  }

  #context(call: Call, result: number | undefined): PrintContext {
    const { task, args } = call;
    const { stringLimit, paths } = this.#options;
    return {
      task,
      args,
      result,
      stringLimit,
      peek: (address, length) => {
        if (length === 0) return new Uint8Array(0);
        const bytes = task.space.readablePrefix(address, length);
        return bytes.length === 0 ? undefined : bytes;
      },
      fd: (fd) => {
        if (!paths) return String(fd);
        const file = task.files.peek(fd);
        return file === undefined ? String(fd) : `${fd}<${file.describe()}>`;
      },
    };
  }

  // ---- events ----

  taskStarted(task: Task, parent: Task | null): void {
    if (parent !== null && !(this.#options.follow && this.#traced.has(parent))) return;
    this.#traced.add(task);
    if (parent === null || this.#options.count === "only" || this.#options.quiet.attach) return;
    if (this.#options.toFile) return;
    // The real one reports this on its standard error in the middle of the parent's line.
    this.#options.write(`strace: Process ${task.tid} attached\n`);
  }

  signalDelivered(task: Task, info: SignalInfo): void {
    if (!this.#follows(task) || this.#options.count === "only") return;
    const name = signalName(info.signal);
    if (!this.#options.signals(name)) return;
    this.#wholeLine(task, `--- ${name} ${printSignalInfo(info)} ---`);
  }

  taskStopped(task: Task, signal: number): void {
    if (!this.#follows(task) || this.#options.count === "only") return;
    this.#wholeLine(task, `--- stopped by ${signalName(signal)} ---`);
  }

  taskExited(task: Task, status: number): void {
    if (!this.#follows(task)) return;
    const call = this.#calls.get(task);
    if (call !== undefined) {
      this.#calls.delete(task);
      const { count } = this.#options;
      if (count !== "off" && this.#options.status("unfinished"))
        this.counts.add(call.name, false, this.#options.monotonic() - call.start);
      if (count !== "only" && this.#options.status("unfinished")) this.#neverReturns(call);
    }
    if (this.#options.count !== "only" && !this.#options.quiet.exit) {
      const signal = status & 0x7f;
      this.#wholeLine(
        task,
        signal === 0
          ? `+++ exited with ${(status >> 8) & 0xff} +++`
          : `+++ killed by ${signalName(signal)}${status & 0x80 ? " (core dumped)" : ""} +++`,
      );
    }
    this.#traced.delete(task);
  }

  /** A call during which the task ended: exit_group, or anything a fatal signal came into. */
  #neverReturns(call: Call): void {
    const { task } = call;
    if (call.held !== undefined) {
      this.#startLine(task);
      this.#add(call.held);
    } else if (this.#partial !== task) {
      this.#startLine(task);
      this.#add(`<... ${call.name} resumed>`);
    }
    const exits = call.name === "exit" || call.name === "exit_group";
    this.#add(exits || call.shown === call.args.length ? ") " : " <unfinished ...>) ");
    const fill = this.#options.column - this.#columns;
    this.#partial = undefined;
    this.#options.write(`${fill > 0 ? " ".repeat(fill) : ""}= ?\n`);
  }

  /** The end of everything: the table of -c. */
  finish(): void {
    this.#interruptPartial();
    if (this.#options.count !== "off") this.#options.write(this.counts.format(this.#options.countOrder));
  }
}
