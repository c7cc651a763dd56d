/**
 * Runs one static program after the other in one machine, without a process of Node for each: for tests of engines with many
 * small programs. The clock and timers are the host's, randomness has a fixed seed, streams are in memory.
 */
import { createEngine } from "../../src/cli/engine.ts";
import { CPUS, type CpuName } from "../../src/cli/options.ts";
import { MemoryHost } from "../../src/host/memory/index.ts";
import { createNodeHost } from "../../src/host/node/index.ts";
import { Machine } from "../../src/runtime/machine.ts";
import type { Host } from "../../src/runtime/parts.ts";
import { DeviceNumbers } from "../../src/vfs/mounts.ts";
import { tmpfs } from "../../src/vfs/types/memory.ts";
import type { Inode } from "../../src/vfs/types.ts";

export interface GuestResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code, or 128 + n if signal n killed it. */
  readonly status: number;
  /** The program had to be stopped. */
  readonly timedOut: boolean;
  /** Lines that an engine had for the developer. */
  readonly logged: readonly string[];
}

export function isCpuName(name: string): name is CpuName {
  return (CPUS as readonly string[]).includes(name);
}

export class GuestMachine {
  readonly #machine: Machine;
  readonly #root: Inode;
  readonly #streams: MemoryHost;
  readonly #logged: string[];
  #count = 0;
  #shownOut = 0;
  #shownErr = 0;

  private constructor(machine: Machine, root: Inode, streams: MemoryHost, logged: string[]) {
    this.#machine = machine;
    this.#root = root;
    this.#streams = streams;
    this.#logged = logged;
  }

  /** @param jitThreshold signs of heat after which the translating engine translates, if it is that one; undefined: its own */
  static async create(cpu: CpuName, jitThreshold?: number): Promise<GuestMachine> {
    const logged: string[] = [];
    const streams = new MemoryHost();
    const { clock, timers } = createNodeHost();
    const log = (line: string): void => void logged.push(line);
    const host: Host = { clock, timers, random: streams.random, console: streams.console, log };
    const deviceNumbers = new DeviceNumbers();
    const root = tmpfs({ dev: deviceNumbers.next(), clock });
    const engine = await createEngine(
      cpu,
      host,
      jitThreshold === undefined ? {} : { jit: { threshold: jitThreshold } },
    );
    const machine = new Machine({ host, engine, root, deviceNumbers });
    return new GuestMachine(machine, root.root, streams, logged);
  }

  /** Runs an ELF file to its end. An error of tsrcore's own is thrown, and the machine is of no use after it. */
  async run(program: Uint8Array, timeout: number, args: readonly string[] = []): Promise<GuestResult> {
    const { kernel } = this.#machine;
    // A new name each time: the path walk remembers names, and this file is made and removed behind its back.
    const name = `program-${this.#count++}`;
    this.#root.create(name, 0o100755, { uid: 0, gid: 0 }).write(0, program);
    const argv = ["program", ...args];
    const { process } = this.#machine.start({ path: `/${name}`, argv, env: [], cwd: "/" });
    let timedOut = false;
    const cancel = kernel.host.timers.after(timeout, () => {
      timedOut = true;
      this.#machine.signal(process, 9);
    });
    try {
      await new Promise<void>((resolve, reject) => {
        kernel.scheduler.onPanic(reject);
        if (process.exited) resolve();
        else process.exitQueue.add(() => resolve());
      });
    } finally {
      cancel();
    }
    this.#root.unlink(name);
    const stdout = this.#streams.stdout.bytes();
    const stderr = this.#streams.stderr.bytes();
    const result = {
      stdout: Buffer.from(stdout.subarray(this.#shownOut)).toString("latin1"),
      stderr: Buffer.from(stderr.subarray(this.#shownErr)).toString("latin1"),
      status: (process.exitStatus & 0x7f) === 0 ? (process.exitStatus >> 8) & 0xff : 128 + (process.exitStatus & 0x7f),
      timedOut,
      logged: this.#logged.splice(0),
    };
    this.#shownOut = stdout.length;
    this.#shownErr = stderr.length;
    return result;
  }

  /** Nothing runs any more. */
  stop(): void {
    this.#machine.stop();
  }
}
