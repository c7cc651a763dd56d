/** Builds the machine that the options describe, runs the program in it and answers with its exit status. */
import * as fs from "node:fs";
import * as path from "node:path";
import { EACCES, EISDIR, ENOENT, ENOEXEC, ENOTDIR, Errno, errnoMessage } from "../abi/errno.ts";
import { S_IFDIR } from "../abi/stat.ts";
import type { HostNetwork } from "../host/interface.ts";
import { createNodeHost } from "../host/node/index.ts";
import { type ExitStatus, Machine } from "../runtime/machine.ts";
import type { NetworkOptions } from "../runtime/networking.ts";
import type { CpuEngine, Kernel, SyscallTracer, ThreadGroup } from "../runtime/parts.ts";
import { DeviceNumbers, HostChanges, HostFs, LoadError } from "../runtime/parts.ts";
import type { Profiler } from "../runtime/profiling.ts";
import { decodeBytes } from "../util/bytes.ts";
import { architectureOfFile } from "./architecture.ts";
import { createEngine } from "./engine.ts";
import { CliError, EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_TSRCORE } from "./errors.ts";
import type { RunOptions, Volume } from "./options.ts";
import { HOST_FS, type HostMounts, openRoot, reason } from "./root.ts";
import type { Startup } from "./startup.ts";

export type TraceSetup = (
  kernel: Kernel,
  program: {
    readonly path: string;
    readonly argv: readonly string[];
    readonly env: readonly (readonly [string, string])[];
  },
) => {
  readonly tracer: SyscallTracer & NonNullable<Kernel["observer"]>;
  readonly finish: () => void;
  /** When nothing is left to be traced, if that is to be waited for as well as the program's end. */
  readonly ended?: Promise<void>;
};

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Host signals that are passed on, by their Linux numbers. */
const FORWARDED: readonly (readonly [NodeJS.Signals, number])[] = [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGQUIT", 3],
  ["SIGTERM", 15],
];

export async function execute(options: RunOptions, startup: Startup, trace: TraceSetup | undefined): Promise<number> {
  const host = createNodeHost({
    codeStore: options.cache ? startup.store : undefined,
    network: await openNetwork(options.network),
  });
  const shared: HostMounts = { numbers: new DeviceNumbers(), changes: new HostChanges() };
  const jit = {
    ...(options.jitThreshold === undefined ? {} : { threshold: options.jitThreshold }),
    ...(options.jitDump === undefined ? {} : { dump: dumpTo(options.jitDump) }),
  };
  const inner = await createEngine(options.cpu, host, { jit, pair: options.pair, ...startup });
  const profile = options.profile === undefined ? undefined : await openProfile(options.profile, inner);
  const engine = profile?.profiler.engine ?? inner;
  const root = await openRoot(rootOf(options), shared, host.clock);
  const machine = new Machine({
    host,
    engine,
    root,
    deviceNumbers: shared.numbers,
    network: options.network,
    ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
    ...(options.memory === undefined ? {} : { memoryBytes: options.memory }),
    ...(options.pids === undefined ? {} : { maxTasks: options.pids }),
    ...(options.timeout === undefined ? {} : { lifetime: options.timeout * 1000 }),
  });
  for (const volume of options.volumes) mountVolume(machine, volume, shared);
  const env = environment(options, host.console.terminal !== undefined);
  const cwd = options.workdir ?? "/";
  if (options.workdir !== undefined) machine.makeDirectory(cwd);
  const program = programPath(machine, options, env, cwd, shared);
  const user = findUser(machine, options.user);
  const tracing = trace?.(machine.kernel, { path: program.path, argv: program.argv, env });
  if (tracing !== undefined) machine.trace(tracing.tracer, tracing.tracer);
  profile?.profiler.begin(machine.kernel);
  try {
    await publish(machine);
    const process = start(machine, program, env, cwd, { ...user, isInit: options.isInit });
    const stopForwarding = forwardSignals(machine, process);
    // A guest may wait for what never comes. Then the host has nothing to do either, and Node would end with status 0.
    const awake = setInterval(() => {}, 2 ** 30);
    try {
      return statusOf(await machine.wait(process, tracing?.ended));
    } finally {
      clearInterval(awake);
      stopForwarding();
    }
  } finally {
    machine.stop();
    tracing?.finish();
    profile?.finish();
    inner.save?.();
  }
}

/** The one that was asked for, or what comes along for the architecture of the program. */
function rootOf(options: RunOptions): Parameters<typeof openRoot>[0] {
  if (options.root !== undefined) return { path: options.root };
  const [name] = options.argv;
  const host = name?.includes("/") ? architectureOfFile(name) : undefined;
  return { arch: options.arch ?? host ?? "x86_64" };
}

/** The host's network, if any of it is asked for: Node's modules for it take their time to load. */
async function openNetwork({ mode, publish }: NetworkOptions): Promise<HostNetwork | undefined> {
  if (mode !== "host" && publish.length === 0) return undefined;
  const { createNetwork } = await import("../host/node/threaded-network.ts");
  return createNetwork(publish.length > 0);
}

async function publish(machine: Machine): Promise<void> {
  try {
    await machine.publish();
  } catch (error) {
    throw new CliError(`-p: ${reason(error)}`);
  }
}

/** Appends what it is given to a file that is empty at first. */
function dumpTo(file: string): (text: string) => void {
  try {
    const fd = fs.openSync(file, "w");
    return (text) => fs.writeSync(fd, `${text}\n`);
  } catch (error) {
    throw new CliError(`--jit-dump ${file}: ${reason(error)}`);
  }
}

/** The file is made at once: a path that cannot be written to is known before the program has run. */
async function openProfile(file: string, engine: CpuEngine): Promise<{ profiler: Profiler; finish: () => void }> {
  let fd: number;
  try {
    fd = fs.openSync(file, "w");
  } catch (error) {
    throw new CliError(`--profile ${file}: ${reason(error)}`);
  }
  const { createProfiler } = await import("../runtime/profiling.ts");
  const profiler = createProfiler(engine);
  return {
    profiler,
    finish: () => {
      fs.writeSync(fd, `${JSON.stringify(profiler.end())}\n`);
      fs.closeSync(fd);
    },
  };
}

function statusOf(status: ExitStatus): number {
  return status.signal === undefined ? (status.code ?? 0) : 128 + status.signal;
}

function forwardSignals(machine: Machine, target: ThreadGroup): () => void {
  const stops = FORWARDED.map(([name, number]) => {
    const listener = (): void => machine.signal(target, number);
    process.on(name, listener);
    return () => process.removeListener(name, listener);
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function environment(options: RunOptions, terminal: boolean): [string, string][] {
  const env = new Map<string, string>([
    ["PATH", DEFAULT_PATH],
    ["HOME", "/root"],
  ]);
  if (terminal) env.set("TERM", process.env["TERM"] ?? "xterm");
  for (const [name, value] of options.env) env.set(name, value);
  return [...env];
}

function hostTree(directory: string, readOnly: boolean, shared: HostMounts): HostFs {
  return new HostFs(HOST_FS, { dev: shared.numbers.next(), directory, readOnly, changes: shared.changes });
}

function mountVolume(machine: Machine, volume: Volume, shared: HostMounts): void {
  let stat: fs.Stats;
  let host: string;
  try {
    host = fs.realpathSync(volume.host);
    stat = fs.statSync(host);
  } catch (error) {
    throw new CliError(`-v ${volume.host}: ${reason(error)}`);
  }
  if (stat.isDirectory()) {
    const tree = hostTree(host, volume.readOnly, shared);
    machine.mount(tree, volume.guest, host);
  } else mountHostFile(machine, host, volume.guest, volume.readOnly, shared);
}

function mountHostFile(machine: Machine, host: string, guest: string, readOnly: boolean, shared: HostMounts): void {
  const directory = hostTree(path.dirname(host), readOnly, shared);
  const inode = directory.root.lookup(path.basename(host));
  if (inode === undefined) throw new CliError(`${host}: no such file`);
  machine.mountFile(inode, guest);
}

interface GuestProgram {
  /** Guest path. */
  readonly path: string;
  readonly argv: readonly string[];
  /** As the user knows it, for messages. */
  readonly shown: string;
}

function programPath(
  machine: Machine,
  options: RunOptions,
  env: readonly (readonly [string, string])[],
  cwd: string,
  shared: HostMounts,
): GuestProgram {
  const [name] = options.argv;
  // A login shell reads /etc/profile, and its name begins with a dash.
  if (name === undefined) return { path: "/bin/sh", argv: ["-sh"], shown: "/bin/sh" };
  if (name === "") throw new CliError("the program's name is empty", EXIT_NOT_FOUND);
  if (name.includes("/")) {
    if (options.root !== undefined) return { path: name, argv: options.argv, shown: name };
    let host: string;
    try {
      host = fs.realpathSync(name);
      if (fs.statSync(host).isDirectory()) throw new CliError(`${name}: is a directory`, EXIT_NOT_EXECUTABLE);
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new CliError(`${name}: ${reason(error)}`, EXIT_NOT_FOUND);
    }
    const guest = path.resolve(name);
    mountHostFile(machine, host, guest, true, shared);
    return { path: guest, argv: options.argv, shown: name };
  }
  const search = env.find(([key]) => key === "PATH")?.[1] ?? DEFAULT_PATH;
  let denied = false;
  for (const directory of search.split(":")) {
    const candidate = `${directory === "" ? cwd : directory}/${name}`;
    const mode = machine.modeOf(candidate);
    if (mode === undefined || (mode & 0o170000) === S_IFDIR) continue;
    if ((mode & 0o111) !== 0) return { path: candidate, argv: options.argv, shown: name };
    denied = true;
  }
  if (denied) throw new CliError(`${name}: permission denied`, EXIT_NOT_EXECUTABLE);
  const where = options.root === undefined ? "the embedded root file system (a host file needs a slash)" : options.root;
  throw new CliError(`${name}: not found in the PATH of ${where}`, EXIT_NOT_FOUND);
}

interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** `uid`, `uid:gid` or names of the guest's /etc/passwd and /etc/group, as `docker run -u` takes them. */
function findUser(machine: Machine, text: string | undefined): User {
  if (text === undefined) return { uid: 0, gid: 0, groups: [] };
  const [userText = "", groupText, ...more] = text.split(":");
  if (userText === "" || groupText === "" || more.length > 0)
    throw new CliError(`-u ${text}: expected uid[:gid] or names of the guest`);
  const table = (file: string): string[][] =>
    decodeBytes(machine.readFile(file) ?? new Uint8Array(0))
      .split("\n")
      .map((line) => line.split(":"));
  const number = (value: string): number | undefined => (/^\d+$/.test(value) ? Number(value) : undefined);
  const users = table("/etc/passwd");
  const asNumber = number(userText);
  const entry = users.find((row) => (asNumber === undefined ? row[0] === userText : row[2] === userText));
  const uid = asNumber ?? number(entry?.[2] ?? "");
  if (uid === undefined || uid > 0xffff_fffe) throw new CliError(`-u ${text}: the guest has no user "${userText}"`);
  if (groupText === undefined) {
    const gid = number(entry?.[3] ?? "") ?? 0;
    const groups = table("/etc/group")
      .filter((row) => entry?.[0] !== undefined && (row[3] ?? "").split(",").includes(entry[0]))
      .map((row) => Number(row[2]));
    return { uid, gid, groups };
  }
  const gid = number(groupText) ?? number(table("/etc/group").find((row) => row[0] === groupText)?.[2] ?? "");
  if (gid === undefined || gid > 0xffff_fffe) throw new CliError(`-u ${text}: the guest has no group "${groupText}"`);
  return { uid, gid, groups: [] };
}

function start(
  machine: Machine,
  program: GuestProgram,
  env: readonly (readonly [string, string])[],
  cwd: string,
  user: User & { readonly isInit: boolean },
): ThreadGroup {
  try {
    return machine.start({ path: program.path, argv: program.argv, env, cwd, ...user }).process;
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    const text = error instanceof LoadError ? error.reason : errnoMessage(error.code).toLowerCase();
    const notFound = error.code === ENOENT || error.code === ENOTDIR;
    const refused =
      error.code === EACCES || error.code === ENOEXEC || error.code === EISDIR || error instanceof LoadError;
    // A loader's reason begins with the guest path of the file that it is about, which may be an interpreter.
    const about = text.startsWith("/") ? text : `${program.shown}: ${text}`;
    throw new CliError(
      about,
      notFound && !(error instanceof LoadError) ? EXIT_NOT_FOUND : refused ? EXIT_NOT_EXECUTABLE : EXIT_TSRCORE,
    );
  }
}
