/**
 * What programs are run by: the machine itself, qemu-user, and tsrcore with each of its engines.
 */
import { spawnSync } from "node:child_process";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { bench, binaries, measure, median, repository, type Sample } from "./measure.ts";

/** What the programs are built for. Natively runs what is built for x86_64 in any case. */
export type Architecture = "x86_64" | "riscv64";

export interface Engine {
  /** `native`, `qemu`, or a value of `tsrcore run --cpu`. */
  readonly name: string;
  /** One of tsrcore's. */
  readonly own: boolean;
  /** Where its programs are. */
  readonly binaries: string;
  /** So slow that it is given the quick amount of work, once. */
  readonly slow: boolean;
  /** The command that runs a binary of the host. `files`: the guest is to see bench/. */
  command(binary: string, args: readonly string[], files?: boolean): readonly string[];
  /** Environment that its runs need. */
  readonly env: Readonly<Record<string, string>>;
  /** What running nothing takes; times of programs are counted without it. */
  readonly idle: Times;
}

export interface Times {
  readonly wall: number;
  readonly cpu: number;
}

export const busybox: string = join(repository, "test-binaries/bin/x86_64/busybox");
/** A program that does nothing. */
const nothing = {
  x86_64: [busybox, "true"],
  riscv64: [join(repository, "test-binaries/bin/riscv64/hello")],
} as const;
/** Engines that interpret, or are there to compare. */
const SLOW: ReadonlySet<string> = new Set(["interp", "unicorn", "lockstep"]);

/** tsrcore as it is to be measured. */
export interface Tsrcore {
  /** The node binary and bin/tsrcore.mjs. */
  readonly command: readonly string[];
  /** What `run --help` says, to find out what there is. */
  readonly help: string;
}

export function findTsrcore(node: string, script: string): Tsrcore {
  const command = [node, script];
  const { stdout, status, error } = spawnSync(node, [script, "run", "--help"], { encoding: "utf8" });
  if (status !== 0) throw error ?? new Error(`${script} run --help: status ${status}`);
  return { command, help: stdout };
}

/** The engines that `run --help` names; an engine that the machine cannot load is found out when it is run. */
export function ownEngines({ help }: Tsrcore): readonly string[] {
  const [, names = ""] = /--cpu\s+Engine: ([^[]*)/.exec(help) ?? [];
  return names.match(/[a-z]+/g) ?? [];
}

/** Whether there is a cache of translations on disk, which can be turned off. */
export function hasCache({ help }: Tsrcore): boolean {
  return help.includes("--no-cache");
}

/** A place of its own for the cache, so that what else runs on the machine is not seen. */
export function cacheIn(directory: string): Readonly<Record<string, string>> {
  return { XDG_CACHE_HOME: directory };
}

export const cpu = (sample: Sample): number => sample.user + sample.system;

type Unmeasured = Omit<Engine, "idle">;

function describe(name: string, tsrcore: Tsrcore, architecture: Architecture): Unmeasured {
  const foreign = architecture !== "x86_64" && name !== "native";
  const common = { name, slow: SLOW.has(name), env: {}, binaries: foreign ? `${binaries}-${architecture}` : binaries };
  switch (name) {
    case "native":
      return { ...common, own: false, command: (binary, args) => [binary, ...args] };
    case "qemu":
      return { ...common, own: false, command: (binary, args) => [`qemu-${architecture}-static`, binary, ...args] };
    default: {
      // Every run translates what it needs: the cache has rows of its own. Options in any case, since the start-up, which is
      // taken off, depends on whether there are any.
      const options = ["--cpu", name, ...(hasCache(tsrcore) ? ["--no-cache"] : [])];
      const volume = ["-v", `${bench}:${bench}:ro`];
      return {
        ...common,
        own: true,
        command: (binary, args, files) => [
          ...[...tsrcore.command, "run", ...options, ...(files ? volume : [])],
          ...[binary, ...args],
        ],
      };
    }
  }
}

/** The engine, unless it is not to be had here: then says so. */
export function findEngine(name: string, tsrcore: Tsrcore, architecture: Architecture): Engine | undefined {
  if (name === "native" && (platform() !== "linux" || arch() !== "x64")) {
    console.log("(native: this is no x86_64 Linux)");
    return undefined;
  }
  const engine = describe(name, tsrcore, architecture);
  const [program, ...args] = nothing[name === "native" ? "x86_64" : architecture];
  const samples: Sample[] = [];
  for (let i = 0; i < 5; i++) {
    const sample = measure(engine.command(program, args), { env: engine.env, seconds: 60 });
    if (sample.status !== 0) {
      console.log(`(${name}: cannot run here, status ${sample.status})`);
      return undefined;
    }
    samples.push(sample);
  }
  const idle = { wall: median(samples.map(({ wall }) => wall)), cpu: median(samples.map(cpu)) };
  return { ...engine, idle };
}
