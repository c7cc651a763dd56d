/**
 * A machine whose programs are JavaScript: for tests of the kernel without a CPU.
 *
 * A program is a list of steps with labels. All that a step keeps from one to the next is in the guest's registers and
 * memory, so that fork copies it and a signal frame saves it like any real program's state. A step may make one system
 * call; its result is `g.result` in the next step. Each step has four bytes of code addresses: a restarted call comes back
 * to the address two bytes before its end, which means "the call again, with the registers as they are".
 */

import { EM_X86_64 } from "../../src/abi/elf.ts";
import { SYSCALLS_X86_64 } from "../../src/abi/syscalls-x86_64.ts";
import type { CpuCore, CpuEngine } from "../../src/cpu/core.ts";
import { Access, Trap } from "../../src/cpu/core.ts";
import { registers } from "../../src/cpu/isa/x86_64/arch.ts";
import { MemoryHost, type MemoryHostOptions } from "../../src/host/memory/index.ts";
import type { GuestMemory } from "../../src/mm/guest-memory.ts";
import { MemoryPool } from "../../src/mm/memory-pool.ts";
import { x86_64Arch } from "../../src/proc/arch/x86_64.ts";
import { TaskCredentials } from "../../src/proc/credentials.ts";
import { startProcess } from "../../src/proc/exec.ts";
import { Kernel } from "../../src/proc/kernel.ts";
import type { Task } from "../../src/proc/task.ts";
import type { SyscallDefinition } from "../../src/syscalls/define.ts";
import { SyscallDispatcher } from "../../src/syscalls/dispatch.ts";
import { SYSCALLS, syscallTable } from "../../src/syscalls/table.ts";
import { encodeBytes } from "../../src/util/bytes.ts";
import { FdTable } from "../../src/vfs/fd-table.ts";
import { FsContext } from "../../src/vfs/fs-context.ts";
import { DeviceNumbers, MountTable } from "../../src/vfs/mounts.ts";
import { tmpfs } from "../../src/vfs/types/memory.ts";

export type Step = (g: Guest) => void;
/** Steps and, between them, labels. */
export type Script = readonly (Step | string)[];

const CODE = 0x40_0000;
/** Code addresses of a program. */
const CODE_SIZE = 0x1000;
/** Zeroed memory of a program, for its buffers. */
export const DATA = 0x50_0000;
const DATA_SIZE = 0x1_0000;

const RDI = 7;
const ARGUMENT_REGISTERS = [7, 6, 2, 10, 8, 9] as const;
const RAX = 0;
/** Registers that `save` and `load` use. */
const SAVED = [3, 5, 12, 13, 14, 15] as const;

/** What a step can do. */
export class Guest {
  readonly #memory: GuestMemory;
  readonly #program: Program;
  /** Set when the step makes a system call. */
  called = false;

  constructor(memory: GuestMemory, program: Program) {
    this.#memory = memory;
    this.#program = program;
  }

  /** Makes a system call; at most one in a step, and the last thing that the step does. */
  call(name: string, ...args: readonly number[]): void {
    const number = SYSCALLS_X86_64[name];
    if (number === undefined) throw new Error(`no system call ${name}`);
    args.forEach((value, i) => {
      registers.setGpr(this.#context, ARGUMENT_REGISTERS[i] as number, BigInt(Math.trunc(value)));
    });
    registers.setGpr(this.#context, RAX, BigInt(number));
    this.called = true;
  }

  get #context(): DataView {
    return this.#memory.context;
  }

  /** Result of the last system call. */
  get result(): number {
    return Number(BigInt.asIntN(64, registers.getGpr(this.#context, RAX)));
  }

  /** First argument of a signal handler. */
  get signal(): number {
    return Number(registers.getGpr(this.#context, RDI));
  }

  /** Six variables in registers, which survive calls, forks and signal handlers. */
  save(slot: number, value: number): void {
    registers.setGpr(this.#context, SAVED[slot] as number, BigInt(Math.trunc(value)));
  }

  load(slot: number): number {
    return Number(BigInt.asIntN(64, registers.getGpr(this.#context, SAVED[slot] as number)));
  }

  jump(label: string): void {
    registers.setPc(this.#context, this.address(label));
  }

  /** Code address of a label: for signal handlers. */
  address(label: string): number {
    const at = this.#program.labels.get(label);
    if (at === undefined) throw new Error(`no label ${label}`);
    return this.#program.base + at * 4;
  }

  /** Returns from a handler: to its restorer. */
  ret(): void {
    const sp = registers.getSp(this.#context);
    registers.setPc(this.#context, this.read64(sp));
    registers.setSp(this.#context, sp + 8);
  }

  // Memory, without looking at what is mapped: the data area is touched by `touch` first.

  read32(address: number): number {
    return this.#memory.view.getInt32(address, true);
  }

  read64(address: number): number {
    return Number(this.#memory.view.getBigInt64(address, true));
  }

  write32(address: number, value: number): void {
    this.#memory.view.setInt32(address, value, true);
  }

  write64(address: number, value: number): void {
    this.#memory.view.setBigInt64(address, BigInt(Math.trunc(value)), true);
  }

  writeString(address: number, text: string): void {
    this.#memory.u8.set(encodeBytes(`${text}\0`), address);
  }
}

interface Program {
  readonly base: number;
  readonly steps: readonly Step[];
  readonly labels: ReadonlyMap<string, number>;
}

function assemble(base: number, script: Script): Program {
  const steps: Step[] = [];
  const labels = new Map<string, number>();
  for (const item of script) {
    if (typeof item === "string") labels.set(item, steps.length);
    else steps.push(item);
  }
  labels.set("restorer", steps.length);
  steps.push((g) => g.call("rt_sigreturn"));
  return { base, steps, labels };
}

/** The pages of the data area must be there before steps write to them: a core would fault for each. */
class ScriptedCore implements CpuCore {
  readonly engine: CpuEngine;
  readonly #memory: GuestMemory;
  readonly #programs: readonly Program[];
  faultAddress = 0;
  faultAccess: Access = Access.Write;
  instructions = 0;
  #touched = 0;

  constructor(engine: CpuEngine, memory: GuestMemory, programs: readonly Program[], touched: number) {
    this.engine = engine;
    this.#memory = memory;
    this.#programs = programs;
    this.#touched = touched;
  }

  run(fuel: number): Trap {
    // As a real program's stores would: one fault for each page of the data area.
    if (this.#touched < DATA_SIZE) {
      this.faultAddress = DATA + this.#touched;
      this.#touched += 4096;
      return Trap.PageFault;
    }
    const { context } = this.#memory;
    for (let left = fuel; left > 0; left--) {
      const pc = registers.getPc(context);
      const program = this.#programs[Math.floor((pc - CODE) / CODE_SIZE)];
      if (program === undefined || pc < CODE) {
        this.faultAddress = pc;
        this.faultAccess = Access.Exec;
        return Trap.PageFault;
      }
      if (pc % 4 === 2) {
        registers.setPc(context, pc + 2);
        return Trap.Syscall;
      }
      const step = program.steps[(pc - program.base) / 4];
      if (step === undefined) return Trap.IllegalInstruction;
      this.instructions++;
      registers.setPc(context, pc + 4);
      const guest = new Guest(this.#memory, program);
      step(guest);
      if (guest.called) return Trap.Syscall;
    }
    return Trap.Fuel;
  }

  invalidate(): void {}

  fork(child: GuestMemory): CpuCore {
    return new ScriptedCore(this.engine, child, this.#programs, this.#touched);
  }

  expectExact(): void {}
  detach(): void {}
}

/** An ELF file of nothing but headers and zeroed memory, whose entry point tells programs apart. */
function elfFile(entry: number): Uint8Array {
  const bytes = new Uint8Array(64 + 56);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, EM_X86_64, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(entry), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true);
  view.setUint32(68, 7, true);
  view.setBigUint64(80, BigInt(CODE), true);
  view.setBigUint64(96, 120n, true);
  view.setBigUint64(104, BigInt(DATA + DATA_SIZE - CODE), true);
  view.setBigUint64(112, 4096n, true);
  return bytes;
}

export class ScriptedMachine {
  readonly host: MemoryHost;
  readonly kernel: Kernel;
  readonly #mounts: MountTable;
  /** Whatever went wrong in the kernel itself. */
  panic: unknown;

  /**
   * @param scripts programs by name: `name` is executed as /name
   * @param calls system calls of the test's own, beside the real ones; their names are ones that nobody implements
   */
  constructor(
    scripts: Readonly<Record<string, Script>>,
    options: MemoryHostOptions = {},
    calls: readonly SyscallDefinition[] = [],
  ) {
    this.host = new MemoryHost(options);
    const names = Object.keys(scripts);
    const programs = names.map((name, i) => assemble(CODE + i * CODE_SIZE, scripts[name] as Script));
    const engine: CpuEngine = {
      name: "scripted",
      isas: ["x86_64"],
      attach: (memory) => new ScriptedCore(engine, memory, programs, 0),
    };
    const deviceNumbers = new DeviceNumbers();
    const root = tmpfs({ dev: deviceNumbers.next(), clock: this.host.clock });
    programs.forEach((program, i) => {
      const file = root.root.create(names[i] as string, 0o100755, { uid: 0, gid: 0 });
      file.write(0, elfFile(program.base));
    });
    this.#mounts = new MountTable(root, { clock: this.host.clock, deviceNumbers });
    const arch = x86_64Arch(registers, { hwcap: 0, hwcap2: 0, cpuinfo: () => "" });
    this.kernel = new Kernel({
      host: this.host,
      architectures: [arch],
      engine,
      pool: new MemoryPool(),
      mounts: this.#mounts,
      gate: new SyscallDispatcher(new Map([[arch, syscallTable(SYSCALLS_X86_64, [...SYSCALLS, ...calls])]])),
    });
    this.kernel.scheduler.onPanic((error) => {
      this.panic = error;
    });
  }

  /** @param isInit it is process 1 itself */
  start(name: string, uid = 0, isInit = false): Task {
    return startProcess(this.kernel, {
      filename: `/${name}`,
      argv: [encodeBytes(name)],
      envp: [],
      fs: new FsContext(this.#mounts),
      files: new FdTable(),
      credentials: TaskCredentials.login(uid, uid),
      isInit,
    });
  }

  /** Runs until nobody can go on without the clock moving; then moves it. */
  async run(ms = 0): Promise<void> {
    if (ms === 0) await this.host.settle();
    else await this.host.advance(ms);
    if (this.panic !== undefined) throw this.panic;
  }
}

/** Runs one script from start to end; its exit status as wait4(2) encodes it. */
export async function runScript(script: Script, ms = 0, others: Record<string, Script> = {}): Promise<number> {
  const machine = new ScriptedMachine({ main: script, ...others });
  const { process } = machine.start("main");
  await machine.run(ms);
  if (!process.exited) throw new Error("the program has not ended");
  const { kernel } = machine;
  // Process 1 is the kernel's own.
  if (kernel.tasks.size !== 1 || kernel.processes.size !== 1) throw new Error("tasks are left over");
  return process.exitStatus;
}

/** Checks a result and ends the program with a code that says which check failed. */
export function expectResult(code: number, expected: number): Step {
  return (g) => {
    if (g.result !== expected) g.call("exit_group", code);
  };
}

export const exit =
  (code: number): Step =>
  (g) =>
    g.call("exit_group", code);
export const call =
  (name: string, ...args: readonly number[]): Step =>
  (g) =>
    g.call(name, ...args);
/** Jumps if the last call's result is 0: after fork, the child. */
export const ifZero =
  (label: string): Step =>
  (g) => {
    if (g.result === 0) g.jump(label);
  };

/** rt_sigaction for a handler at a label; the structure is made at `DATA + 0x800`. */
export function onSignal(signal: number, label: string | number, flags = 0, mask = 0): Step {
  return (g) => {
    const at = DATA + 0x800;
    g.write64(at, typeof label === "number" ? label : g.address(label));
    g.write64(at + 8, flags + 0x0400_0000);
    g.write64(at + 16, g.address("restorer"));
    g.write64(at + 24, mask);
    g.call("rt_sigaction", signal, at, 0, 8);
  };
}

/** struct timespec at an address. */
export const timespec =
  (address: number, sec: number, nsec: number): Step =>
  (g) => {
    g.write64(address, sec);
    g.write64(address + 8, nsec);
  };
