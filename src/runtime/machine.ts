/**
 * A machine: all parts put together. The only module that knows them all; hosts and front ends bring what is theirs (the
 * host interface, the root file system, the engine) and get processes back.
 */
import { makedev } from "../abi/device.ts";
import { O_CREAT, O_RDONLY, O_RDWR, O_WRONLY } from "../abi/fcntl.ts";
import { S_IFCHR, S_IFREG } from "../abi/stat.ts";
import { MS_NODEV, MS_NOEXEC, MS_NOSUID } from "../abi/statfs.ts";
import type { CpuEngine } from "../cpu/core.ts";
import type { Host } from "../host/interface.ts";
import { MemoryPool } from "../mm/memory-pool.ts";
import { TaskCredentials } from "../proc/credentials.ts";
import { startProcess } from "../proc/exec.ts";
import { Kernel } from "../proc/kernel.ts";
import { createProcfs } from "../proc/procfs/index.ts";
import type { Task } from "../proc/task.ts";
import type { ThreadGroup } from "../proc/thread-group.ts";
import { type ConsoleTerminal, createConsole } from "../proc/tty/console.ts";
import { DevptsFs, Terminals } from "../proc/tty/devices.ts";
import type { TerminalKernel } from "../proc/tty/terminal.ts";
import { TerminalFile } from "../proc/tty/terminal-file.ts";
import { SyscallDispatcher, type SyscallTracer } from "../syscalls/dispatch.ts";
import { syscallTable } from "../syscalls/table.ts";
import { encodeBytes } from "../util/bytes.ts";
import { MEMORY_DEVICES, registerMemoryDevices } from "../vfs/devices.ts";
import { FdTable } from "../vfs/fd-table.ts";
import { FsContext } from "../vfs/fs-context.ts";
import { HostInput, HostOutput } from "../vfs/host-stream.ts";
import { type DeviceNumbers, MountTable } from "../vfs/mounts.ts";
import { mkdirAt, mknodAt, symlinkAt, unlinkAt } from "../vfs/namespace.ts";
import { openAt } from "../vfs/open.ts";
import type { Path } from "../vfs/path.ts";
import { tmpfs } from "../vfs/types/memory.ts";
import { createSysfs } from "../vfs/types/sysfs.ts";
import type { File, FileSystem, Inode } from "../vfs/types.ts";
import { lookup, type View } from "../vfs/walk.ts";
import { architecturesOf } from "./architectures.ts";
import { type NetworkOptions, networkFiles } from "./networking.ts";

export interface MachineOptions {
  readonly host: Host;
  readonly engine: CpuEngine;
  /** Becomes /; writable if anything is to be mounted below it. */
  readonly root: FileSystem;
  readonly deviceNumbers: DeviceNumbers;
  readonly hostname?: string;
  /** Bytes of guest memory for all processes together: 4 GiB by default. */
  readonly memoryBytes?: number;
  /** Processes and threads at a time; a further one is refused (EAGAIN). */
  readonly maxTasks?: number;
  /** Milliseconds after which every process is killed. */
  readonly lifetime?: number;
  /** The loopback alone by default. What is outside takes a host with a network. */
  readonly network?: NetworkOptions;
}

export interface ProgramOptions {
  /** Guest path. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly cwd: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  /** It is to be process 1, instead of a child of one that the kernel has. */
  readonly isInit?: boolean;
}

/** How a process ended: the exit code, or the signal that killed it. */
export interface ExitStatus {
  readonly code?: number;
  readonly signal?: number;
}

export class Machine {
  readonly kernel: Kernel;
  readonly mounts: MountTable;
  readonly terminals: Terminals;
  readonly dispatcher: SyscallDispatcher;
  readonly host: Host;
  readonly #console: ConsoleTerminal | undefined;
  readonly #anonymous: FileSystem & { inode(mode: number, owner: { uid: number; gid: number }): Inode };
  readonly #failed: Promise<never>;
  readonly #lifetime: number | undefined;

  constructor(options: MachineOptions) {
    const { host, root, deviceNumbers } = options;
    this.host = host;
    this.#lifetime = options.lifetime;
    this.mounts = new MountTable(root, { clock: host.clock, deviceNumbers });
    const architectures = architecturesOf(options.engine.isas);
    this.dispatcher = new SyscallDispatcher(new Map(architectures.map((arch) => [arch, syscallTable(arch.numbers)])));
    const memoryBytes = options.memoryBytes ?? 4 * 2 ** 30;
    this.kernel = new Kernel({
      host,
      architectures,
      engine: options.engine,
      pool: new MemoryPool({ limitBytes: memoryBytes, dropped: (bytes) => host.dropped?.(bytes) }),
      mounts: this.mounts,
      gate: this.dispatcher,
      memoryBytes,
      ...(options.maxTasks === undefined ? {} : { maxTasks: options.maxTasks }),
      hostname: options.hostname ?? "tsrcore",
      network: options.network,
    });
    this.#failed = new Promise((_resolve, reject) => this.kernel.scheduler.onPanic(reject));
    this.#failed.catch(() => undefined);
    const terminalKernel = this.#terminalKernel();
    this.terminals = new Terminals(terminalKernel, host.clock);
    this.terminals.register(this.mounts.special);
    registerMemoryDevices(this.mounts.special, host.random);
    if (host.console.terminal !== undefined) {
      this.#console = createConsole(terminalKernel, host.console.terminal);
      this.terminals.console = this.#console.terminal;
    }
    this.#anonymous = this.mounts.special.pipefs;
    this.#mountStandard();
    this.#writeNetworkFiles();
  }

  #terminalKernel(): TerminalKernel {
    const { kernel } = this;
    return {
      signalGroup: (group, signal) => kernel.signals.sendToGroup(group, kernel.signals.fromKernel(signal)),
      isBlockedOrIgnored: (task, signal) => task.blocked.has(signal) || task.handlers.get(signal).handler === 1,
      after: (ms, callback) => kernel.host.timers.after(ms, callback),
    };
  }

  /** Who acts when nobody does: root, from the top of the tree. */
  #superuser(): View {
    return { fs: new FsContext(this.mounts, undefined, undefined, 0), credentials: credentialsOf({}) };
  }

  /** Makes a directory and those above it, where they are missing. */
  makeDirectory(path: string): Path {
    const view = this.#superuser();
    let made = "";
    for (const part of path.split("/").filter((p) => p !== "")) {
      made += `/${part}`;
      if (this.#find(view, made) === undefined) mkdirAt(view, undefined, made, 0o755);
    }
    return lookup(view, undefined, made === "" ? "/" : made, 1);
  }

  #find(view: View, path: string): Path | undefined {
    try {
      return lookup(view, undefined, path, 1);
    } catch {
      return undefined;
    }
  }

  /** Mounts a file system on a directory, which is made if need be. */
  mount(fs: FileSystem, path: string, source?: string, flags?: number): void {
    this.mounts.mount(fs, this.makeDirectory(path), source, flags);
  }

  /** Shows the file `inode` at `path`, whatever was there. */
  mountFile(inode: Inode, path: string): void {
    const view = this.#superuser();
    const slash = path.lastIndexOf("/");
    this.makeDirectory(path.slice(0, slash));
    try {
      // A link that is there must not be followed: it may be the name of many programs.
      const there = lookup(view, undefined, path, 0);
      if (there.inode.format !== S_IFREG) unlinkAt(view, undefined, path);
    } catch {
      // Nothing is there.
    }
    if (this.#find(view, path) === undefined) mknodAt(view, undefined, path, S_IFREG | 0o755, 0);
    this.mounts.bind(this.mounts.place(inode, path), lookup(view, undefined, path, 0), false);
  }

  /** Type and permission bits of what a guest path leads to; undefined if there is nothing. */
  modeOf(path: string): number | undefined {
    return this.#find(this.#superuser(), path)?.inode.attributes().mode;
  }

  /** The contents of a regular file of the guest; undefined if there is none. */
  readFile(path: string): Uint8Array | undefined {
    const inode = this.#find(this.#superuser(), path)?.inode;
    if (inode === undefined || inode.format !== S_IFREG) return undefined;
    const bytes = new Uint8Array(inode.attributes().size);
    return bytes.subarray(0, inode.read(0, bytes));
  }

  /** What containers get: /proc, /sys, /dev with its devices, /dev/pts, /dev/shm. */
  #mountStandard(): void {
    const { kernel, mounts } = this;
    const { clock } = kernel.host;
    const next = (): number => mounts.deviceNumbers.next();
    const restricted = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    this.mount(createProcfs(kernel, { dev: next(), pids: kernel.pids }), "/proc", "proc", restricted);
    this.mount(createSysfs({ dev: next(), clock }), "/sys", "sysfs", restricted);
    this.mount(tmpfs({ dev: next(), clock, mode: 0o755, type: "devtmpfs" }), "/dev", "devtmpfs", MS_NOSUID);
    const view = this.#superuser();
    const device = (name: string, major: number, minor: number, mode: number): void => {
      mknodAt(view, undefined, `/dev/${name}`, S_IFCHR | mode, makedev(major, minor));
    };
    for (const { name, major, minor, mode } of MEMORY_DEVICES) device(name, major, minor, mode);
    device("tty", 5, 0, 0o666);
    device("console", 5, 1, 0o620);
    symlinkAt(view, "pts/ptmx", undefined, "/dev/ptmx");
    symlinkAt(view, "/proc/self/fd", undefined, "/dev/fd");
    symlinkAt(view, "/proc/self/fd/0", undefined, "/dev/stdin");
    symlinkAt(view, "/proc/self/fd/1", undefined, "/dev/stdout");
    symlinkAt(view, "/proc/self/fd/2", undefined, "/dev/stderr");
    // What mount(2) can make besides tmpfs.
    mounts.types.set("proc", () =>
      createProcfs(kernel, { dev: next(), pids: kernel.scheduler.current?.process.pids ?? kernel.pids }),
    );
    mounts.types.set("sysfs", () => createSysfs({ dev: next(), clock }));
    mounts.types.set("devpts", () => new DevptsFs(this.terminals, next(), clock));
    this.mount(new DevptsFs(this.terminals, next(), clock), "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC);
    this.mount(tmpfs({ dev: next(), clock, mode: 0o1777 }), "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV);
    const { mqueues } = kernel.namespaces.ipc;
    mounts.types.set("mqueue", () => kernel.scheduler.current?.ipc.mqueues ?? mqueues);
    this.mount(mqueues, "/dev/mqueue", "mqueue", restricted);
  }

  /** Where there is more than the loopback, programs are told of it. Only in a root that nobody else sees. */
  #writeNetworkFiles(): void {
    const { network, mounts, namespaces } = this.kernel;
    const { uts } = namespaces;
    if (!network.stack.attached || this.host.network === undefined || mounts.root.fs.readOnly) return;
    if (mounts.root.fs.type !== "overlay" && mounts.root.fs.type !== "tmpfs") return;
    const view = this.#superuser();
    for (const [path, text] of networkFiles(network, this.host.network, uts.hostname)) {
      if (this.#find(view, "/etc") === undefined) this.makeDirectory("/etc");
      try {
        unlinkAt(view, undefined, path);
      } catch {
        // There is none.
      }
      const file = openAt(view, undefined, path, O_WRONLY | O_CREAT, 0o644);
      file.write(encodeBytes(text));
      file.close();
    }
  }

  /** Opens the host's ports that lead into the machine. Rejects with the host's error. Before `start`. */
  async publish(): Promise<void> {
    await this.kernel.network.publish();
  }

  /** The file for a standard stream of the host. */
  #standardStream(fd: 0 | 1 | 2, view: View): File {
    const { console } = this.host;
    const kind = [console.kinds.stdin, console.kinds.stdout, console.kinds.stderr][fd];
    if (kind === "null") return openAt(view, undefined, "/dev/null", fd === 0 ? O_RDONLY : O_WRONLY, 0);
    if (kind === "terminal" && this.#console !== undefined) {
      const place = lookup(view, undefined, "/dev/console", 1);
      return new TerminalFile(this.#console.terminal, place.inode, O_RDWR, place);
    }
    // A pipe to the guest, whatever it is on the host: it cannot seek.
    const inode = this.#anonymous.inode(0o010600, { uid: 0, gid: 0 });
    const name = `pipe:[${inode.ino}]`;
    const file =
      fd === 0
        ? new HostInput(console.stdin, inode, name)
        : new HostOutput(fd === 1 ? console.stdout : console.stderr, inode, name);
    // Opened again, as /dev/stdout or /proc/self/fd/1, it is the same stream.
    inode.open = () => file;
    return file;
  }

  /** Starts the machine's program on the host's standard streams. Throws an Errno if it cannot be executed. */
  start(program: ProgramOptions): Task {
    const credentials = credentialsOf(program);
    const fs = new FsContext(this.mounts);
    const view: View = { fs, credentials };
    fs.cwd = lookup(view, undefined, program.cwd, 3);
    const files = new FdTable();
    const root = this.#superuser();
    // Two streams that are one terminal share one open file, as those of a login shell do.
    let terminal: File | undefined;
    for (const fd of [0, 1, 2] as const) {
      const opened = this.#standardStream(fd, root);
      const file = opened instanceof TerminalFile ? (terminal ??= opened) : opened;
      if (opened !== file) opened.close();
      files.add(file, false, 3);
    }
    const task = startProcess(this.kernel, {
      filename: program.path,
      argv: program.argv.map(encodeBytes),
      envp: program.env.map(([name, value]) => encodeBytes(`${name}=${value}`)),
      fs,
      files,
      credentials,
      isInit: program.isInit ?? false,
    });
    if (this.#console !== undefined && terminal !== undefined) {
      this.#console.terminal.acquireAtOpen(task);
      this.#console.start();
    }
    return task;
  }

  /** Watches system calls and what happens to tasks. Before `start`. */
  trace(tracer: SyscallTracer, observer: NonNullable<Kernel["observer"]>): void {
    this.dispatcher.tracer = tracer;
    this.kernel.observer = observer;
  }

  /**
   * Waits for the end of a process; then every other process is killed, as in a container whose main process ends, and
   * output that is on its way has left.
   * @param others what else has to happen before that, such as the end of other processes
   */
  async wait(process: ThreadGroup, others?: Promise<void>): Promise<ExitStatus> {
    const { kernel } = this;
    const lifetime = this.#lifetime;
    const cancel =
      lifetime === undefined ? undefined : kernel.timers.at(kernel.now() + lifetime * 1e6, () => kernel.killAll());
    try {
      await Promise.race([Promise.all([this.#exited(process), others]), this.#failed]);
    } finally {
      cancel?.();
      this.stop();
    }
    const { console } = this.host;
    await Promise.all([
      console.stdout.flush(),
      console.stderr.flush(),
      console.terminal?.output.flush(),
      this.host.network?.flush(),
    ]);
    const { rebootSignal } = kernel.pids;
    const signal = rebootSignal !== 0 ? rebootSignal : process.exitStatus & 0x7f;
    return signal === 0 ? { code: (process.exitStatus >> 8) & 0xff } : { signal };
  }

  #exited(process: ThreadGroup): Promise<void> {
    return new Promise((resolve) => {
      if (process.exited) resolve();
      else process.exitQueue.add(() => resolve());
    });
  }

  /** Sends a signal of the host's (SIGTERM, SIGHUP) on to a process. */
  signal(process: ThreadGroup, signal: number): void {
    this.kernel.signals.sendToProcess(process, this.kernel.signals.fromKernel(signal));
  }

  stop(): void {
    this.kernel.scheduler.stop();
    this.kernel.network.stack.outside?.stop();
    this.#console?.stop();
  }
}

function credentialsOf(user: { uid?: number; gid?: number; groups?: readonly number[] }): TaskCredentials {
  const { uid = 0, gid = 0, groups = [] } = user;
  return TaskCredentials.login(uid, gid, groups);
}
