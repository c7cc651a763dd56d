/** The options that `run` and `strace` share, and what they mean. Checked here; nothing is opened yet. */
import * as path from "node:path";
import type { Argv, Options } from "yargs";
import type { NetworkOptions } from "../runtime/networking.ts";
import { ARCHITECTURES, type ArchitectureName } from "./architecture.ts";
import { CliError } from "./errors.ts";
import { NETWORK_OPTIONS, networkOptions } from "./network-options.ts";
import type { Parsed } from "./plain-arguments.ts";

export const CPUS = ["auto", "interp", "jit", "unicorn", "lockstep"] as const;
export type CpuName = (typeof CPUS)[number];

/** Two engines that are to do the same: what is under test, and what it is measured by. */
export interface Pair {
  readonly subject: "jit" | "interp";
  readonly reference: "interp" | "unicorn";
}
export const DEFAULT_PAIR: Pair = { subject: "interp", reference: "unicorn" };
const PAIRS: Readonly<Record<string, Pair>> = {
  "interp,unicorn": DEFAULT_PAIR,
  "jit,interp": { subject: "jit", reference: "interp" },
  "jit,unicorn": { subject: "jit", reference: "unicorn" },
};

export interface Volume {
  /** Absolute host path. */
  readonly host: string;
  /** Absolute guest path. */
  readonly guest: string;
  readonly readOnly: boolean;
}

export interface RunOptions {
  /** Directory or archive; the embedded root file system if undefined. */
  readonly root: string | undefined;
  /** Of the embedded root file system; that of the program, if undefined. */
  readonly arch: ArchitectureName | undefined;
  readonly volumes: readonly Volume[];
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly workdir: string | undefined;
  /** "uid", "uid:gid", or names to be looked up in the guest. */
  readonly user: string | undefined;
  readonly hostname: string | undefined;
  readonly cpu: CpuName;
  /** Of `lockstep`. */
  readonly pair: Pair;
  /** Bytes of guest memory that the machine may use. */
  readonly memory: number | undefined;
  /** Processes and threads at a time. */
  readonly pids: number | undefined;
  /** Seconds until all are killed. */
  readonly timeout: number | undefined;
  readonly network: NetworkOptions;
  /** Host file for a CPU profile of the guest. */
  readonly profile: string | undefined;
  /** Signs of heat before code is translated. */
  readonly jitThreshold: number | undefined;
  /** Host file for descriptions of what is translated. */
  readonly jitDump: string | undefined;
  /** Whether translations are taken from other runs and kept for them. */
  readonly cache: boolean;
  /** The program is process 1 itself, not a child of the machine's own. */
  readonly isInit: boolean;
  readonly argv: readonly string[];
}

export const SHARED_OPTIONS: Readonly<Record<string, Options>> = {
  root: {
    type: "string",
    requiresArg: true,
    describe: "Root file system: a directory, .tar or .tar.gz; changes stay in memory",
  },
  arch: {
    type: "string",
    requiresArg: true,
    describe: `Architecture of the embedded root file system: ${ARCHITECTURES.join(", ")}`,
  },
  volume: {
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: "Make a host path visible: host:guest[:ro]",
  },
  env: {
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: "Set a variable: NAME=VALUE, or NAME to pass it on",
  },
  workdir: { type: "string", requiresArg: true, describe: "Working directory in the guest" },
  user: { type: "string", requiresArg: true, describe: "User: uid[:gid], or names known to the guest" },
  hostname: { type: "string", requiresArg: true, describe: "Host name of the guest" },
  cpu: { type: "string", requiresArg: true, describe: `Engine: ${CPUS.join(", ")}; lockstep=jit,interp compares two` },
  memory: { type: "string", requiresArg: true, describe: "Most guest memory, e.g. 512m or 2g" },
  pids: { type: "string", requiresArg: true, describe: "Most processes and threads at a time" },
  timeout: { type: "string", requiresArg: true, describe: "Seconds after which everything in the guest is killed" },
  "no-init": {
    type: "boolean",
    describe: "The program is process 1: orphans are its own, signals without handlers pass it by",
  },
  ...NETWORK_OPTIONS,
  "no-cache": { type: "boolean", describe: "Keep no code in ~/.cache/tsrcore, and use none" },
};

/** An option that may be given once only: yargs turns a repeated one into an array. */
function single(value: unknown, name: string): string | undefined {
  if (Array.isArray(value)) throw new CliError(`--${name} was given more than once`);
  return value === undefined ? undefined : String(value);
}

export function parseVolume(text: string): Volume {
  const parts = text.split(":");
  const [host, guest, access] = parts;
  if (parts.length < 2 || parts.length > 3 || !host || !guest)
    throw new CliError(`-v ${text}: expected host:guest[:ro], such as -v ./data:/data:ro`);
  if (!guest.startsWith("/")) throw new CliError(`-v ${text}: the guest path must be absolute, "${guest}" is not`);
  if (access !== undefined && access !== "ro" && access !== "rw")
    throw new CliError(`-v ${text}: the third part must be "ro" or "rw", not "${access}"`);
  return { host: path.resolve(host), guest, readOnly: access === "ro" };
}

export function parseEnv(text: string, hostEnv: NodeJS.ProcessEnv): readonly [string, string] | undefined {
  const eq = text.indexOf("=");
  if (eq > 0) return [text.slice(0, eq), text.slice(eq + 1)];
  if (eq === 0 || text === "") throw new CliError(`-e ${text}: expected NAME=VALUE or NAME`);
  const value = hostEnv[text];
  return value === undefined ? undefined : [text, value];
}

export function parseMemory(text: string): number {
  const match = /^(\d+)([kmg]?)b?$/i.exec(text);
  if (match === null) throw new CliError(`--memory ${text}: expected a number with k, m or g, such as 512m`);
  const unit = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(match[2] ?? "").toLowerCase()] ?? 1;
  const bytes = Number(match[1]) * unit;
  if (bytes < 4 * 1024 ** 2) throw new CliError(`--memory ${text}: a guest needs at least 4m`);
  return bytes;
}

function parseArch(text: string | undefined, root: string | undefined): ArchitectureName | undefined {
  if (text === undefined) return undefined;
  if (root !== undefined) throw new CliError(`--arch ${text}: it chooses the embedded root, and --root brings another`);
  const known = ARCHITECTURES.find((name) => name === text);
  if (known === undefined) throw new CliError(`--arch ${text}: there are ${ARCHITECTURES.join(", ")}`);
  return known;
}

/** `lockstep=jit,interp`, or the name of an engine. */
function parseCpu(text: string): { readonly cpu: CpuName; readonly pair: Pair } {
  const [name, engines = "interp,unicorn", ...more] = text.split("=");
  const pair = PAIRS[engines];
  if (
    !(CPUS as readonly string[]).includes(name as string) ||
    more.length > 0 ||
    (text !== name && name !== "lockstep")
  )
    throw new CliError(`--cpu ${text}: no such engine; there are ${CPUS.join(", ")}`);
  if (pair === undefined)
    throw new CliError(`--cpu ${text}: no such pair of engines; there are ${Object.keys(PAIRS).join(" ")}`);
  return { cpu: name as CpuName, pair };
}

function parseThreshold(text: string | undefined, cpu: string): number | undefined {
  if (translated("jit-threshold", text, cpu) === undefined) return undefined;
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new CliError(`--jit-threshold ${text}: expected a number from 1 up`);
  return n;
}

/** The value of an option that only an engine that translates can obey. */
function translated(name: string, value: string | undefined, cpu: string): string | undefined {
  if (value !== undefined && cpu !== "jit" && cpu !== "auto")
    throw new CliError(`--${name}: --cpu ${cpu} does not translate; use --cpu jit`);
  return value;
}

/** A limit above 0. */
function limitOf(name: string, text: string | undefined, whole: boolean): number | undefined {
  if (text === undefined) return undefined;
  const n = Number(text);
  if (text.trim() === "" || !Number.isFinite(n) || n <= 0 || (whole && !Number.isInteger(n)))
    throw new CliError(`--${name} ${text}: expected a ${whole ? "whole number" : "number"} above 0`);
  return n;
}

/** Makes checked options of what yargs read. */
export function runOptions(parsed: Record<string, unknown>, argv: readonly string[]): RunOptions {
  const { cpu, pair } = parseCpu(single(parsed["cpu"], "cpu") ?? "auto");
  const translator = cpu === "lockstep" ? pair.subject : cpu;
  const workdir = single(parsed["workdir"], "workdir");
  if (workdir !== undefined && !workdir.startsWith("/"))
    throw new CliError(`--workdir ${workdir}: the guest path must be absolute`);
  const hostname = single(parsed["hostname"], "hostname");
  if (hostname !== undefined && (hostname === "" || hostname.length > 64))
    throw new CliError(`--hostname ${hostname}: a host name has 1 to 64 characters`);
  const memory = single(parsed["memory"], "memory");
  const root = single(parsed["root"], "root");
  return {
    root,
    arch: parseArch(single(parsed["arch"], "arch"), root),
    volumes: ((parsed["volume"] as string[] | undefined) ?? []).map(parseVolume),
    env: ((parsed["env"] as string[] | undefined) ?? [])
      .map((text) => parseEnv(text, process.env))
      .filter((entry) => entry !== undefined),
    workdir,
    user: single(parsed["user"], "user"),
    hostname,
    cpu,
    pair,
    memory: memory === undefined ? undefined : parseMemory(memory),
    pids: limitOf("pids", single(parsed["pids"], "pids"), true),
    timeout: limitOf("timeout", single(parsed["timeout"], "timeout"), false),
    network: networkOptions(
      single(parsed["network"], "network"),
      parsed["publish"] as string[] | undefined,
      parsed["allow-net"] as string[] | undefined,
    ),
    profile: single(parsed["profile"], "profile"),
    jitThreshold: parseThreshold(single(parsed["jit-threshold"], "jit-threshold"), translator),
    jitDump: translated("jit-dump", single(parsed["jit-dump"], "jit-dump"), translator),
    // Whoever wants to see what is translated wants it translated.
    cache: ![parsed["no-cache"]].flat().includes(true) && parsed["jit-dump"] === undefined,
    isInit: [parsed["no-init"]].flat().includes(true),
    argv,
  };
}

/**
 * Options end at the first argument that is not one: what follows belongs to the guest, dashes and all.
 * Wrong use throws CliError.
 */
export function parseArguments(
  args: readonly string[],
  configure: (y: Argv) => Argv,
  yargs: (args: string[]) => Argv,
): Parsed {
  const parser = configure(yargs([...args]))
    .parserConfiguration({
      "halt-at-non-option": true,
      "boolean-negation": false,
      "camel-case-expansion": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "dot-notation": false,
      "duplicate-arguments-array": true,
      "greedy-arrays": false,
    })
    .strictOptions()
    .version(false)
    .exitProcess(false)
    .fail((message, error) => {
      if (error instanceof CliError) throw error;
      throw new CliError(plain(message ?? String(error)));
    });
  const parsed = parser.parseSync() as Record<string, unknown> & { _: (string | number)[] };
  return { ...parsed, _: parsed._.map(String) };
}

/** yargs' messages in the form of the others: the option as it was typed, with its dashes. */
function plain(message: string): string {
  const unknown = /^Unknown arguments?: (.+)$/.exec(message)?.[1];
  if (unknown !== undefined) {
    const options = unknown.split(", ").map((name) => (name.length === 1 ? `-${name}` : `--${name}`));
    return `unknown option ${options.join(", ")}; see --help`;
  }
  const missing = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (missing !== undefined) return `${missing.length === 1 ? "-" : "--"}${missing} needs a value; see --help`;
  return message;
}
