/** Runs a program under the profiler, by a clock that counts instructions: what comes out is the same every time. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine } from "../../src/cli/engine.ts";
import type { CpuName } from "../../src/cli/options.ts";
import type { CpuCore, CpuEngine } from "../../src/cpu/core.ts";
import { MemoryHost } from "../../src/host/memory/index.ts";
import { createNodeHost } from "../../src/host/node/index.ts";
import type { GuestMemory } from "../../src/mm/guest-memory.ts";
import { Machine } from "../../src/runtime/machine.ts";
import type { Host } from "../../src/runtime/parts.ts";
import { type CpuProfile, createProfiler } from "../../src/runtime/profiling.ts";
import { DeviceNumbers } from "../../src/vfs/mounts.ts";
import { tmpfs } from "../../src/vfs/types/memory.ts";

const SOURCE = fileURLToPath(new URL("./programs/hot.c", import.meta.url));

/** Why programs cannot be built here, or undefined. */
export function whyNot(): string | undefined {
  return spawnSync("musl-gcc", ["--version"]).status === 0 ? undefined : "musl-gcc is not installed";
}

export interface Program {
  readonly bytes: Uint8Array;
  /** Addresses of its functions, also if their names were removed from the file. */
  readonly symbols: ReadonlyMap<string, number>;
}

export function build(flags: readonly string[], strip = false): Program {
  const directory = mkdtempSync(join(tmpdir(), "profile-"));
  try {
    const file = join(directory, "hot");
    execFileSync("musl-gcc", ["-O2", "-static", ...flags, "-o", file, SOURCE]);
    const symbols = new Map<string, number>();
    for (const line of execFileSync("nm", [file], { encoding: "utf8" }).split("\n")) {
      const [address, , name] = line.split(" ");
      if (name !== undefined) symbols.set(name, Number.parseInt(address as string, 16));
    }
    if (strip) execFileSync("strip", [file]);
    return { bytes: readFileSync(file), symbols };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A slow processor: then short programs have many samples. Nanoseconds. */
const INSTRUCTION_TIME = 2000;

/** Goes on with the instructions that are executed. */
class InstructionClock {
  #now = 0;

  /** Each look takes a little, so that what the kernel does is not free. */
  monotonic(): bigint {
    this.#now += INSTRUCTION_TIME;
    return BigInt(this.#now);
  }

  engine(inner: CpuEngine): CpuEngine {
    const wrap = (core: CpuCore): CpuCore => ({
      engine: inner,
      run: (fuel) => {
        const before = core.instructions;
        const trap = core.run(fuel);
        this.#now += (core.instructions - before) * INSTRUCTION_TIME;
        return trap;
      },
      get faultAddress() {
        return core.faultAddress;
      },
      get faultAccess() {
        return core.faultAccess;
      },
      get instructions() {
        return core.instructions;
      },
      expectExact: () => core.expectExact(),
      invalidate: (start, end) => core.invalidate(start, end),
      fork: (child: GuestMemory) => wrap(core.fork(child)),
      detach: () => core.detach(),
    });
    return { name: inner.name, isas: inner.isas, attach: (memory, isa) => wrap(inner.attach(memory, isa)) };
  }
}

export async function profile(cpu: CpuName, program: Program, ...args: readonly string[]): Promise<CpuProfile> {
  const time = new InstructionClock();
  const clock = { monotonic: () => time.monotonic(), realtime: () => time.monotonic() };
  const streams = new MemoryHost();
  const { timers } = createNodeHost();
  const host: Host = { clock, timers, random: streams.random, console: streams.console, log: () => undefined };
  const deviceNumbers = new DeviceNumbers();
  const root = tmpfs({ dev: deviceNumbers.next(), clock });
  const profiler = createProfiler(time.engine(await createEngine(cpu, host)));
  const machine = new Machine({ host, engine: profiler.engine, root, deviceNumbers });
  root.root.create("hot", 0o100755, { uid: 0, gid: 0 }).write(0, program.bytes);
  profiler.begin(machine.kernel);
  const { process } = machine.start({ path: "/hot", argv: ["hot", ...args], env: [], cwd: "/" });
  const status = await machine.wait(process);
  if (status.code !== 0) throw new Error(`the program ended with ${JSON.stringify(status)}`);
  return profiler.end();
}
