/**
 * Where guest code spends its time.
 *
 * The profiler is an engine around another: guest code runs in shorter stretches than the scheduler asks for, and at the
 * end of each the stack is looked at. Stretches are counted in fuel, which is taken branches, and have exponentially
 * distributed lengths: as such lengths have no memory, it doesn't matter how often system calls begin a new one, and no
 * loop of the guest's can keep step with them. A sample stands for all the time that the task has computed since the one
 * before. What follows from counting branches: within a stretch, time is not told apart, and code without branches is
 * seen a little less than it takes.
 *
 * The time between a system call's trap and the next entry of the same task is the call's. Of short calls not each is a
 * sample: their time is summed up, and goes to the one at which there is enough of it. All other time between two
 * entries is idle: others' turn of the host, or waiting.
 */
import { type CpuCore, type CpuEngine, type IsaName, SINGLE_STEP, Trap } from "../cpu/core.ts";
import type { GuestMemory } from "../mm/guest-memory.ts";
import type { Kernel } from "../proc/kernel.ts";
import type { Task } from "../proc/task.ts";
import { type CpuProfile, ProfileBuilder } from "./cpuprofile.ts";
import type { CodeFunction } from "./elf-image.ts";
import { StackWalker } from "./stack-walker.ts";
import type { UnwindArch } from "./unwind-arch.ts";

/** Mean time between samples, nanoseconds. */
const INTERVAL = 500_000;
/** Bounds for the mean length of a stretch in fuel; the first ones are short, so that short programs have samples too. */
const LEAST_FUEL = 200;
const MOST_FUEL = 2_000_000;

/** What is known of a task. */
interface Account {
  /** Nanoseconds that no sample stands for yet: computing, and in system calls. */
  user: number;
  system: number;
  root: CodeFunction;
  comm: string;
}

export class Profiler {
  /** To be given to the machine in the place of the engine that is profiled. */
  readonly engine: CpuEngine;
  readonly #walkers: ReadonlyMap<IsaName, StackWalker>;
  readonly #accounts = new Map<Task, Account>();
  /** The calls of each architecture by number. */
  readonly #calls = new Map<IsaName, ReadonlyMap<number, CodeFunction>>();
  readonly #unknownCall: CodeFunction = systemCall("unknown");
  #kernel: Kernel | undefined;
  #builder: ProfileBuilder = new ProfileBuilder(0);
  /** When guest code last began or ended to run, whose it was, and the system call that it made. */
  #mark = 0;
  #last: Task | undefined;
  #call = -1;
  #meanFuel: number = LEAST_FUEL;
  #nanosecondsPerFuel = 0;
  #random = 0x2545_f491;

  /** @param archs without one for its instruction set, a program shows as a whole */
  constructor(inner: CpuEngine, archs: ReadonlyMap<IsaName, UnwindArch>) {
    this.#walkers = new Map(Array.from(archs, ([isa, arch]) => [isa, new StackWalker(arch)]));
    this.engine = new ProfiledEngine(inner, this);
  }

  /** The machine is there: its time begins. */
  begin(kernel: Kernel): void {
    this.#kernel = kernel;
    this.#mark = kernel.now();
    this.#builder = new ProfileBuilder(this.#mark);
    for (const { name, numbers } of kernel.architectures)
      this.#calls.set(name, new Map(Object.entries(numbers).map(([call, number]) => [number, systemCall(call)])));
  }

  /** The profile up to now. */
  end(): CpuProfile {
    for (const account of this.#accounts.values()) this.#flush(account);
    this.#accounts.clear();
    return this.#builder.finish();
  }

  /** Runs guest code of `core` for so much fuel. */
  run(core: CpuCore, fuel: number): Trap {
    const kernel = this.#kernel;
    const task = kernel?.scheduler.current;
    if (fuel === SINGLE_STEP || kernel === undefined || !task) return core.run(fuel);
    const account = this.#accountOf(task);
    this.#entered(task, account, kernel.now());
    let left = fuel;
    for (;;) {
      const drawn = this.#draw();
      const stretch = Math.min(left, drawn);
      const trap = core.run(stretch);
      const now = kernel.now();
      const spent = now - this.#mark;
      this.#mark = now;
      account.user += spent;
      left -= stretch;
      if (trap !== Trap.Fuel) {
        this.#left(task, account, trap);
        return trap;
      }
      this.#adapt(stretch, spent);
      if (stretch === drawn) this.#sample(task, account);
      if (left <= 0) {
        this.#left(task, account, trap);
        return trap;
      }
    }
  }

  #accountOf(task: Task): Account {
    let account = this.#accounts.get(task);
    if (account === undefined) {
      account = { user: 0, system: 0, root: rootOf(task), comm: task.comm };
      this.#accounts.set(task, account);
    } else if (account.comm !== task.comm) {
      // Another program, or a thread that has given itself a name.
      this.#flush(account);
      account.root = rootOf(task);
      account.comm = task.comm;
    }
    return account;
  }

  /** Time that no sample came for. */
  #flush(account: Account): void {
    const rest = account.user + account.system;
    if (rest > 0) this.#builder.add([account.root], rest);
    account.user = 0;
    account.system = 0;
  }

  #entered(task: Task, account: Account, now: number): void {
    const since = now - this.#mark;
    this.#mark = now;
    if (this.#last !== task) {
      if (since > 0) this.#builder.addIdle(since);
      return;
    }
    if (this.#call < 0) {
      account.user += since;
      return;
    }
    account.system += since;
    if (account.system < INTERVAL / 2) return;
    const call = this.#calls.get(task.arch.name)?.get(this.#call) ?? this.#unknownCall;
    this.#builder.add([account.root, ...this.#stack(task), call], account.system);
    account.system = 0;
  }

  #left(task: Task, account: Account, trap: Trap): void {
    const { registers, numbers } = task.arch;
    this.#call = trap === Trap.Syscall ? registers.syscallNumber(task.mm.context) : -1;
    this.#last = trap === Trap.Fuel ? undefined : task;
    if (this.#call < 0 || (this.#call !== numbers["exit"] && this.#call !== numbers["exit_group"])) return;
    this.#sample(task, account);
    this.#flush(account);
    this.#accounts.delete(task);
  }

  #sample(task: Task, account: Account): void {
    if (account.user <= 0) return;
    this.#builder.add([account.root, ...this.#stack(task)], account.user);
    account.user = 0;
    // Looking at the stack is not the guest's time.
    this.#mark = task.kernel.now();
  }

  /** Outermost first. */
  #stack(task: Task): CodeFunction[] {
    return this.#walkers.get(task.arch.name)?.walk(task.space).reverse() ?? [];
  }

  /** An exponentially distributed amount of fuel. */
  #draw(): number {
    // xorshift32 (Marsaglia 2003): any generator will do, as long as runs are alike.
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return 1 + Math.floor(-Math.log(((x >>> 0) + 1) / 2 ** 32) * this.#meanFuel);
  }

  /** Fuel is worth more or less time, depending on the engine and on the guest's code. */
  #adapt(fuel: number, nanoseconds: number): void {
    const rate = nanoseconds / fuel;
    this.#nanosecondsPerFuel += (rate - this.#nanosecondsPerFuel) / 16;
    const wanted = INTERVAL / Math.max(this.#nanosecondsPerFuel, 1e-3);
    this.#meanFuel = Math.min(MOST_FUEL, Math.max(LEAST_FUEL, wanted), this.#meanFuel * 1.25);
  }
}

const systemCall = (name: string): CodeFunction => ({ name: `${name} (system call)`, file: "" });

function rootOf(task: Task): CodeFunction {
  const ids = task.tid === task.pid ? `${task.pid}` : `${task.pid}/${task.tid}`;
  return { name: `${task.comm} [${ids}]`, file: "" };
}

class ProfiledEngine implements CpuEngine {
  readonly #inner: CpuEngine;
  readonly #profiler: Profiler;

  constructor(inner: CpuEngine, profiler: Profiler) {
    this.#inner = inner;
    this.#profiler = profiler;
  }

  get name(): string {
    return this.#inner.name;
  }
  get isas(): CpuEngine["isas"] {
    return this.#inner.isas;
  }

  attach(memory: GuestMemory, isa?: IsaName): CpuCore {
    return new ProfiledCore(this, this.#inner.attach(memory, isa), this.#profiler);
  }
}

class ProfiledCore implements CpuCore {
  readonly engine: CpuEngine;
  readonly #inner: CpuCore;
  readonly #profiler: Profiler;

  constructor(engine: CpuEngine, inner: CpuCore, profiler: Profiler) {
    this.engine = engine;
    this.#inner = inner;
    this.#profiler = profiler;
  }

  run(fuel: number): Trap {
    return this.#profiler.run(this.#inner, fuel);
  }
  get faultAddress(): number {
    return this.#inner.faultAddress;
  }
  get faultAccess(): CpuCore["faultAccess"] {
    return this.#inner.faultAccess;
  }
  get instructions(): number {
    return this.#inner.instructions;
  }
  invalidate(start: number, end: number): void {
    this.#inner.invalidate(start, end);
  }
  fork(child: GuestMemory): CpuCore {
    return new ProfiledCore(this.engine, this.#inner.fork(child), this.#profiler);
  }
  expectExact(): void {
    this.#inner.expectExact();
  }
  detach(): void {
    this.#inner.detach();
  }
}
