/** One machine's kernel: everything that its processes have in common. No state of it lives anywhere else. */
import {
  RLIM_INFINITY,
  RLIM_NLIMITS,
  RLIMIT_CORE,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RTPRIO,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
} from "../abi/resource.ts";
import { SIGKILL } from "../abi/signal.ts";
import type { CpuEngine } from "../cpu/core.ts";
import type { Host } from "../host/interface.ts";
import type { ProgramKind } from "../loader/exec.ts";
import type { MemoryPool } from "../mm/memory-pool.ts";
import { Network, type NetworkOptions } from "../net/network.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import type { MountTable } from "../vfs/mounts.ts";
import type { Arch } from "./arch/arch.ts";
import { ClockDiscipline } from "./clock-discipline.ts";
import type { TaskCredentials } from "./credentials.ts";
import { FutexTable } from "./futex.ts";
import { Identities } from "./identities.ts";
import { IpcNamespace } from "./ipc-namespace.ts";
import { NamespaceFs } from "./namespace-file.ts";
import { CgroupNamespace, NamespaceRegistry, type Namespaces } from "./namespaces.ts";
import type { Observer } from "./observer.ts";
import { outwards, PID_MAX, PidNamespace } from "./pid-namespace.ts";
import { Scheduler, type SyscallGate } from "./scheduler.ts";
import { ProcessGroup, type Session } from "./session.ts";
import { Signals } from "./signals.ts";
import type { Task } from "./task.ts";
import { type ResourceLimit, type ThreadGroup, Usage } from "./thread-group.ts";
import { TimeNamespace } from "./time-namespace.ts";
import { Timers } from "./timers.ts";
import { Tunables } from "./tunables.ts";
import { UserNamespace } from "./user-namespace.ts";
import { UtsNamespace } from "./uts.ts";
import { type ClockPage, makeClockPage, makeVdso } from "./vdso.ts";

export interface KernelOptions {
  readonly host: Host;
  /** Those that the engine executes. */
  readonly architectures: readonly Arch[];
  readonly engine: CpuEngine;
  readonly pool: MemoryPool;
  readonly mounts: MountTable;
  /** Decodes and makes system calls: syscalls/dispatch.ts. */
  readonly gate: SyscallGate;
  /** Address space randomisation; off by default, so that runs are alike. */
  readonly randomize?: boolean;
  readonly hostname?: string;
  /** Most tasks, threads among them, that there may be at a time. */
  readonly maxTasks?: number;
  /** Bytes of main memory that sysinfo(2) and /proc/meminfo speak of. */
  readonly memoryBytes?: number;
  /** The loopback alone by default. */
  readonly network?: NetworkOptions | undefined;
}

export class Kernel {
  readonly host: Host;
  readonly architectures: readonly Arch[];
  readonly engine: CpuEngine;
  readonly pool: MemoryPool;
  readonly mounts: MountTable;
  /** What can be executed, and what it gets mapped. */
  readonly programKinds: readonly ProgramKind[];
  readonly randomize: boolean;
  readonly scheduler: Scheduler;
  readonly signals: Signals;
  readonly timers: Timers;
  readonly futexes: FutexTable;
  readonly network: Network;
  /** The data page of the vdso, if guests can tell the time by themselves. */
  readonly clockPage: ClockPage | undefined;
  /** By pid; zombies included. */
  readonly processes: Map<number, ThreadGroup> = new Map();
  /** By tid; zombies included. */
  readonly tasks: Map<number, Task> = new Map();
  readonly groups: Map<number, ProcessGroup> = new Map();
  readonly sessions: Map<number, Session> = new Map();
  /** CPU time of processes that are no more: /proc/stat. */
  readonly pastUsage: Usage = new Usage();
  /** The machine's own namespaces, in which the first process is. */
  readonly pids: PidNamespace = new PidNamespace(null);
  readonly users: UserNamespace = new UserNamespace(null);
  readonly namespaces: Namespaces;
  readonly registry: NamespaceRegistry = new NamespaceRegistry();
  readonly namespaceFs: NamespaceFs;
  /** PID namespaces inside of the machine's own. */
  readonly #inner: Set<PidNamespace> = new Set();
  readonly identities: Identities = new Identities();
  readonly tunables: Tunables = new Tunables();
  readonly discipline: ClockDiscipline = new ClockDiscipline();
  observer: Observer | null = null;
  readonly memoryBytes: number;
  readonly maxTasks: number;
  /** Tasks made since the start: /proc/stat's "processes". */
  forks = 0;
  /** Of `tasks` those that are the kernel's, and do not count against `maxTasks`. */
  ownTasks = 0;
  /** For bytes on their way from one file to another, within a step of one call. */
  readonly carried: Uint8Array<ArrayBuffer> = new Uint8Array(65536);
  /** Woken at each exit of a process. */
  readonly exitQueue: WaitQueue = new WaitQueue();
  #bootRealtime: bigint;
  readonly #bootMonotonic: bigint;

  constructor(options: KernelOptions) {
    this.host = options.host;
    this.architectures = options.architectures;
    this.engine = options.engine;
    this.pool = options.pool;
    this.mounts = options.mounts;
    this.randomize = options.randomize ?? false;
    this.memoryBytes = options.memoryBytes ?? 4 * 2 ** 30;
    this.maxTasks = options.maxTasks ?? PID_MAX;
    this.#bootMonotonic = options.host.clock.monotonic();
    this.#bootRealtime = options.host.clock.realtime();
    this.timers = new Timers(options.host, () => this.now());
    this.signals = new Signals(this);
    this.futexes = new FutexTable();
    const device = (): number => options.mounts.deviceNumbers.next();
    const time = new TimeNamespace({ monotonic: 0, boottime: 0 }, true);
    this.namespaces = {
      uts: new UtsNamespace(options.hostname ?? "tsrcore"),
      ipc: new IpcNamespace(device(), options.host.clock),
      network: new Network(options.host, device(), options.network),
      cgroup: new CgroupNamespace(),
      time,
      pidsOfChildren: this.pids,
      timeOfChildren: time,
    };
    this.network = this.namespaces.network;
    this.namespaceFs = new NamespaceFs(this, device());
    this.#registerNamespaces();
    this.clockPage = options.engine.countsTime
      ? makeClockPage(options.host.clock, options.pool, this.#bootMonotonic)
      : undefined;
    this.programKinds = this.architectures.map(({ machine, vdso }) => {
      const image = vdso(this.clockPage !== undefined);
      return image === undefined ? { machine } : { machine, vdso: makeVdso(image, this.clockPage) };
    });
    this.scheduler = new Scheduler(this, options.gate);
  }

  /** Monotonic time in nanoseconds since the machine started: exact for a hundred days. */
  now(): number {
    return Number(this.host.clock.monotonic() - this.#bootMonotonic);
  }

  /** Nanoseconds since 1970. */
  realtime(): bigint {
    return this.host.clock.realtime();
  }

  /** Sets the clock of the machine, nanoseconds since 1970. False: the host's cannot be told apart from it. */
  setRealtime(to: bigint): boolean {
    const { clock } = this.host;
    if (clock.shift === undefined) return false;
    const by = to - clock.realtime();
    clock.shift(by);
    this.#bootRealtime += by;
    this.clockPage?.refresh();
    this.timers.clockSet(Number(by));
    return true;
  }

  /** When the machine started: /proc/stat's btime. */
  get bootTime(): bigint {
    return this.#bootRealtime;
  }

  /** The architecture of an ELF file that the loader has accepted. */
  archOf(machine: number): Arch {
    const arch = this.architectures.find((a) => a.machine.machine === machine);
    if (arch === undefined) throw new Error(`no architecture for ELF machine ${machine}`);
    return arch;
  }

  #registerNamespaces(): void {
    const { uts, ipc, network, cgroup, time } = this.namespaces;
    const first = { uts, ipc, net: network, cgroup, time, pid: this.pids, user: this.users, mnt: this.mounts } as const;
    for (const [kind, object] of Object.entries(first))
      this.registry.addFirst(kind as keyof typeof first, object, this.users);
  }

  /** The user namespace of credentials. */
  usersOf(credentials: TaskCredentials): UserNamespace {
    return credentials.users ?? this.users;
  }

  /** Inside of `parent`. */
  newPidNamespace(parent: PidNamespace, owner: UserNamespace): PidNamespace {
    return this.registry.add("pid", new PidNamespace(parent), owner);
  }

  /**
   * An id that no task, group or session has, with a number for it in each namespace that is to see it.
   * @param chosen numbers from the innermost namespace outwards; what is free for those that are not there
   * @returns undefined if a chosen number is taken, or none is left: EEXIST, EAGAIN are the caller's
   */
  allocateId(pids: PidNamespace, chosen: readonly number[] = []): number | undefined {
    const numbers: number[] = [];
    let depth = 0;
    const free = (number: number): boolean => this.isFree(number);
    for (const ns of outwards(pids)) {
      const wanted = chosen[depth++];
      if (wanted !== undefined && !ns.isFree(wanted, free)) return undefined;
      const number = wanted ?? ns.next(free);
      if (number === undefined) return undefined;
      numbers.push(number);
    }
    const id = numbers.at(-1) as number;
    for (const inner of this.#inner) inner.forget(id);
    if (pids.level > 0) {
      depth = 0;
      for (const ns of outwards(pids)) {
        if (ns.level > 0) this.#inner.add(ns);
        ns.assign(id, numbers[depth++] as number);
      }
    }
    return id;
  }

  /** No task, group or session has it. */
  isFree(id: number): boolean {
    return !this.tasks.has(id) && !this.groups.has(id) && !this.sessions.has(id);
  }

  /** A task, group or session is no more: if it was the last by that id, the numbers are free. */
  #freed(id: number): void {
    if (this.#inner.size === 0 || !this.isFree(id)) return;
    for (const inner of this.#inner) inner.release(id);
  }

  removeTask(task: Task): void {
    this.tasks.delete(task.tid);
    this.#freed(task.tid);
  }

  addProcess(process: ThreadGroup): void {
    this.processes.set(process.pid, process);
    for (const ns of outwards(process.pids)) {
      ns.population++;
      ns.init ??= process;
    }
  }

  /** It has been waited for. */
  removeProcess(process: ThreadGroup): void {
    this.processes.delete(process.pid);
    this.leaveGroup(process);
    for (const ns of outwards(process.pids)) {
      if (--ns.population === 0) this.#inner.delete(ns);
      if (ns.population === 1) {
        const alone = ns.whenAlone;
        ns.whenAlone = null;
        alone?.();
      }
    }
  }

  /** The machine stops: every process is killed. */
  killAll(): void {
    for (const process of this.processes.values()) if (!process.exited) this.signals.beginExit(process, SIGKILL);
  }

  /** Moves a process to a group of its session, which is made if need be. */
  setGroup(process: ThreadGroup, id: number, session: Session): void {
    let group = this.groups.get(id);
    if (group === undefined) {
      group = new ProcessGroup(id, session);
      this.groups.set(id, group);
      session.groups.set(id, group);
    }
    if (process.group === group) {
      group.members.add(process);
      return;
    }
    this.leaveGroup(process);
    process.group = group;
    group.members.add(process);
  }

  leaveGroup(process: ThreadGroup): void {
    const { group } = process;
    group.members.delete(process);
    if (group.members.size > 0) return;
    if (this.groups.get(group.id) === group) this.groups.delete(group.id);
    this.#freed(group.id);
    group.session.groups.delete(group.id);
    if (group.session.controllingTerminal?.foreground === group) group.session.controllingTerminal.foreground = null;
    if (group.session.groups.size > 0) return;
    this.sessions.delete(group.session.id);
    this.#freed(group.session.id);
  }
}

/** Limits of a first process, as a login on an ordinary machine has them. */
export function defaultLimits(): ResourceLimit[] {
  const limits: ResourceLimit[] = [];
  for (let i = 0; i < RLIM_NLIMITS; i++) limits.push({ soft: RLIM_INFINITY, hard: RLIM_INFINITY });
  const set = (resource: number, soft: number, hard: number): void => {
    limits[resource] = { soft, hard };
  };
  set(RLIMIT_STACK, 8 << 20, RLIM_INFINITY);
  set(RLIMIT_CORE, 0, RLIM_INFINITY);
  set(RLIMIT_NPROC, 15_000, 15_000);
  set(RLIMIT_NOFILE, 1024, 1_048_576);
  set(RLIMIT_MEMLOCK, 8 << 20, 8 << 20);
  set(RLIMIT_SIGPENDING, 15_000, 15_000);
  set(RLIMIT_MSGQUEUE, 819_200, 819_200);
  set(RLIMIT_NICE, 0, 0);
  set(RLIMIT_RTPRIO, 0, 0);
  return limits;
}
