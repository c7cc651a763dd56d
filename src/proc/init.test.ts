import { describe, expect, it } from "vitest";
import {
  call,
  DATA,
  exit,
  expectResult,
  ifZero,
  onSignal,
  runScript,
  ScriptedMachine,
  timespec,
} from "../../tests/support/scripted-machine.ts";
import { CLONE_NEWPID } from "../abi/clone.ts";
import { ENOMEM, EPERM } from "../abi/errno.ts";
import { SIGCHLD, SIGHUP, SIGINT, SIGKILL, SIGSTOP, SIGTERM, SIGUSR1 } from "../abi/signal.ts";

const exited = (code: number): number => code << 8;
const MAGIC = [0xfee1_dead, 672274793] as const;
const POWER_OFF = 0x4321_fedc;
const RESTART = 0x0123_4567;

/** Runs a script as process 1. */
async function runInit(...script: Parameters<typeof runScript>[0][number][]): Promise<number> {
  const machine = new ScriptedMachine({ main: script });
  const { process } = machine.start("main", 0, true);
  await machine.run(2000);
  expect(process.exited).toBe(true);
  expect(machine.kernel.processes.size).toBe(0);
  expect(machine.kernel.tasks.size).toBe(0);
  return process.exitStatus;
}

describe("process 1 of the machine's own", () => {
  it("is the parent of the program, and takes no harm", async () => {
    const status = await runScript([
      call("getpid"),
      expectResult(1, 2),
      call("getppid"),
      expectResult(2, 1),
      call("kill", 1, SIGKILL),
      expectResult(3, 0),
      call("kill", 1, SIGSTOP),
      expectResult(4, 0),
      call("getpgid", 1),
      expectResult(5, 1),
      call("getpriority", 0, 1),
      expectResult(6, 20),
      call("ptrace", 16, 1, 0, 0),
      expectResult(7, -EPERM),
      call("process_vm_readv", 1, DATA, 0, DATA, 0, 0),
      call("wait4", 1, 0, 0, 0),
      exit(0),
    ]);
    expect(status).toBe(exited(0));
  });

  it("is not counted against the limit of tasks, and reaps orphans", async () => {
    const machine = new ScriptedMachine({
      main: [
        call("fork"),
        ifZero("child"),
        call("wait4", -1, 0, 0, 0),
        timespec(DATA, 1, 0),
        call("nanosleep", DATA, 0),
        exit(0),
        "child",
        call("fork"),
        exit(0),
      ],
    });
    machine.start("main");
    await machine.run(2000);
    expect(machine.kernel.ownTasks).toBe(1);
    expect([...machine.kernel.processes.keys()]).toEqual([1]);
  });
});

describe("a program that is process 1", () => {
  it("has no parent, and signals of its own namespace pass it by unless it handles them", async () => {
    const status = await runInit(
      call("getpid"),
      expectResult(1, 1),
      call("getppid"),
      expectResult(2, 0),
      ...[SIGTERM, SIGKILL, SIGSTOP, SIGHUP].map((signal) => call("kill", 1, signal)),
      onSignal(SIGUSR1, "handler"),
      call("kill", 1, SIGUSR1),
      exit(3),
      "handler",
      exit(7),
    );
    expect(status).toBe(exited(7));
  });

  it("takes the others with it", async () => {
    const status = await runInit(
      call("fork"),
      ifZero("child"),
      timespec(DATA, 0, 1_000_000),
      call("nanosleep", DATA, 0),
      exit(5),
      "child",
      call("setsid"),
      call("fork"),
      timespec(DATA, 1000, 0),
      call("nanosleep", DATA, 0),
      exit(0),
    );
    expect(status).toBe(exited(5));
  });

  it("ends by reboot(2), as in a container", async () => {
    for (const [command, signal] of [
      [POWER_OFF, SIGINT],
      [RESTART, SIGHUP],
    ] as const)
      expect(await runInit(call("reboot", ...MAGIC, command), exit(1))).toBe(signal);
  });

  it("is ended by reboot(2) of another", async () => {
    const status = await runInit(
      call("fork"),
      ifZero("child"),
      timespec(DATA, 1000, 0),
      call("nanosleep", DATA, 0),
      exit(0),
      "child",
      call("reboot", ...MAGIC, POWER_OFF),
      exit(0),
    );
    expect(status).toBe(SIGINT);
  });
});

describe("PID namespaces", () => {
  it("forget what was in them", async () => {
    const machine = new ScriptedMachine({
      main: [
        call("clone", CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0),
        ifZero("init"),
        call("wait4", -1, DATA, 0, 0),
        expectResult(1, 3),
        (g) => g.call("exit_group", g.read32(DATA) === exited(9) ? 0 : 2),
        "init",
        call("fork"),
        ifZero("child"),
        expectResult(3, 2),
        call("wait4", 2, 0, 0, 0),
        expectResult(4, 2),
        exit(9),
        "child",
        call("getppid"),
        expectResult(5, 1),
        exit(0),
      ],
    });
    const { process } = machine.start("main");
    await machine.run();
    expect(process.exitStatus).toBe(0);
    expect([...machine.kernel.processes.keys()]).toEqual([1]);
  });

  it("have no room for new processes once their init has ended", async () => {
    const status = await runScript([
      call("unshare", CLONE_NEWPID),
      call("fork"),
      ifZero("init"),
      call("wait4", -1, 0, 0, 0),
      call("fork"),
      expectResult(1, -ENOMEM),
      exit(0),
      "init",
      exit(0),
    ]);
    expect(status).toBe(exited(0));
  });
});
