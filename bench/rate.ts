/**
 * Guest instructions per second of a program, counted by the engine itself (CpuCore.instructions), by CPU time:
 *
 *     npx tsx bench/rate.ts program [args...]
 *
 * The program's directory and this one are visible to the guest. The second of two runs in one process counts, when
 * everything is compiled.
 */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { HOST_FS } from "../src/cli/root.ts";
import type { CpuCore, CpuEngine } from "../src/cpu/core.ts";
import { createInterpEngine, createNodeHost, DeviceNumbers, HostFs, Machine, tmpfs } from "../src/index.ts";

/** Sums up what the cores of an engine have executed by the time they are done. */
class Counter {
  total = 0;

  watch(engine: CpuEngine): void {
    const attach = engine.attach.bind(engine);
    engine.attach = (memory, isa) => this.#watchCore(attach(memory, isa));
  }

  #watchCore(core: CpuCore): CpuCore {
    const detach = core.detach.bind(core);
    core.detach = () => {
      this.total += core.instructions;
      detach();
    };
    return core;
  }
}

async function run(engine: CpuEngine, file: string, args: readonly string[]): Promise<number> {
  const host = createNodeHost();
  const deviceNumbers = new DeviceNumbers();
  const root = tmpfs({ dev: deviceNumbers.next(), clock: host.clock, mode: 0o755 });
  const machine = new Machine({ host, engine, root, deviceNumbers });
  for (const directory of new Set([dirname(file), dirname(fileURLToPath(import.meta.url))]))
    machine.mount(new HostFs(HOST_FS, { dev: deviceNumbers.next(), directory, readOnly: true }), directory);
  const before = process.cpuUsage();
  const task = machine.start({ path: file, argv: [file, ...args], env: [], cwd: "/" });
  const status = await machine.wait(task.process);
  const { user, system } = process.cpuUsage(before);
  if (status.code !== 0) throw new Error(`${file}: ${JSON.stringify(status)}`);
  return user + system;
}

const [program, ...args] = process.argv.slice(2);
if (program === undefined) throw new Error("no program");
const engine = await createInterpEngine();
const counter = new Counter();
counter.watch(engine);
await run(engine, resolve(program), args);
counter.total = 0;
const microseconds = await run(engine, resolve(program), args);
console.error(
  `${counter.total} instructions in ${(microseconds / 1000).toFixed(0)} ms of CPU time: ` +
    `${Math.round(counter.total / microseconds)} million/s`,
);
