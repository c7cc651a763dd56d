/**
 * Runs programs by all engines in turn.
 *
 * Rounds alternate between the engines, so that all see the same machine; medians count, and the start-up of an engine (what
 * running `busybox true` takes) is left out, for it has a row of its own. What a program prints must be the same everywhere.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cpu, type Engine } from "./engines.ts";
import { measure, median } from "./measure.ts";
import type { Amount, Group, Program } from "./programs.ts";

export interface CompareOptions {
  readonly rounds: number;
  readonly amount: Amount;
  /** Most seconds of one run. */
  readonly seconds: number;
}

/** What came of one engine's runs of one program; times in milliseconds, without start-up. */
export interface Cell {
  readonly engine: string;
  readonly amount: Amount;
  readonly wall: number;
  readonly cpu: number;
  /** MB, at most. */
  readonly resident: number;
  readonly runs: readonly { readonly wall: number; readonly cpu: number }[];
  /** There are no times, for this reason. */
  readonly failure?: string;
  /** The program itself says that this CPU lacks what it needs. */
  readonly skipped?: boolean;
}

export interface Row {
  readonly name: string;
  readonly group: Group;
  readonly cells: readonly Cell[];
  readonly limits: { readonly qemu: number; readonly native: number };
}

/** Exit status of a program which needs what the CPU has not. */
const SKIPPED = 77;
/** Milliseconds: less than this cannot be told from the noise of a start. */
const LEAST = 1;

class Runs {
  readonly engine: Engine;
  readonly amount: Amount;
  readonly runs: { wall: number; cpu: number }[] = [];
  resident = 0;
  digest = "";
  failure: string | undefined;
  skipped = false;

  constructor(engine: Engine, amount: Amount) {
    this.engine = engine;
    this.amount = amount;
  }

  run(program: Program, seconds: number): void {
    const { engine } = this;
    const command = engine.command(join(engine.binaries, program.binary), program.args(this.amount), program.files);
    const sample = measure(command, { seconds, env: engine.env });
    this.resident = Math.max(this.resident, sample.resident);
    if (sample.expired) {
      this.failure = `> ${seconds} s`;
    } else if (sample.status === SKIPPED) {
      this.skipped = true;
      this.failure = `skipped: ${new TextDecoder().decode(sample.output).trim()}`;
    } else if (sample.status !== 0) {
      this.failure = `failed: status ${sample.status}`;
    } else {
      const digest = createHash("sha256").update(sample.output).digest("hex");
      if (this.digest !== "" && this.digest !== digest) this.failure = "failed: output differs from run to run";
      this.digest = digest;
      this.runs.push({
        wall: Math.max(sample.wall - engine.idle.wall, LEAST),
        cpu: Math.max(cpu(sample) - engine.idle.cpu, LEAST),
      });
    }
  }

  cell(): Cell {
    return {
      engine: this.engine.name,
      amount: this.amount,
      wall: median(this.runs.map(({ wall }) => wall)),
      cpu: median(this.runs.map((run) => run.cpu)),
      resident: this.resident,
      runs: this.runs,
      ...(this.failure === undefined ? {} : { failure: this.failure }),
      ...(this.skipped ? { skipped: true } : {}),
    };
  }
}

/** Runs one program; undefined if its binary could not be built here. */
export function compare(program: Program, engines: readonly Engine[], options: CompareOptions): Row | undefined {
  if (engines.some((engine) => !existsSync(join(engine.binaries, program.binary)))) return undefined;
  const all = engines.map((engine) => new Runs(engine, engine.slow ? "quick" : options.amount));
  const native = engines.find(({ name }) => name === "native");
  // What slow engines are compared with.
  if (native && options.amount !== "quick" && engines.some(({ slow }) => slow)) all.push(new Runs(native, "quick"));
  for (let round = 0; round < options.rounds; round++)
    for (const runs of all)
      if (runs.failure === undefined && (round === 0 || !runs.engine.slow)) runs.run(program, options.seconds);
  for (const runs of all) {
    const reference = all.find(({ amount, digest }) => amount === runs.amount && digest !== "");
    if (runs.failure === undefined && runs.digest !== reference?.digest)
      runs.failure = `failed: prints something else than ${reference?.engine.name}`;
  }
  return {
    name: program.name,
    group: program.group,
    cells: all.map((runs) => runs.cell()),
    limits: { qemu: program.qemu ?? 1, native: program.native ?? 5 },
  };
}
