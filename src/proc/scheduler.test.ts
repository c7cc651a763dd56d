import { describe, expect, it } from "vitest";
import { call, exit, ifZero, type Script, ScriptedMachine } from "../../tests/support/scripted-machine.ts";
import { EAGAIN, EINTR, ETIMEDOUT } from "../abi/errno.ts";
import { SIGKILL } from "../abi/signal.ts";
import { int } from "../syscalls/args.ts";
import { syscall } from "../syscalls/define.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { block, sleep, Woken } from "./wait.ts";

/** Runs for `turns` of the scripted CPU's entries: each is one fuel's worth of steps. */
const spin = (label: string): Script => [label, (g) => g.jump(label)];

describe("scheduler", () => {
  it("takes turns between tasks that never give way, and lets the host have its own", async () => {
    const machine = new ScriptedMachine({ main: [call("fork"), ...spin("forever")] });
    machine.start("main");
    // The clock moves whenever it is looked at; otherwise a busy guest would never end the turn.
    const { kernel, host } = machine;
    const turns: number[] = [];
    let hostTurns = 0;
    const now = kernel.now.bind(kernel);
    kernel.now = () => {
      host.tick(1);
      turns.push(kernel.scheduler.current?.tid ?? 0);
      return now();
    };
    const { yield: yieldTurn } = host.timers;
    host.timers.yield = (callback) => {
      hostTurns++;
      if (hostTurns === 20) kernel.killAll();
      yieldTurn(callback);
    };
    await machine.run();
    expect(kernel.processes.size).toBe(1);
    expect(hostTurns).toBeGreaterThanOrEqual(20);
    expect(new Set(turns)).toEqual(new Set([0, 2, 3]));
  });

  it("stops the machine for an error that is not the guest's", async () => {
    const broken = syscall("vserver", [], () => {
      throw new TypeError("a bug of the kernel");
    });
    const machine = new ScriptedMachine({ main: [call("vserver"), exit(0)] }, {}, [broken]);
    const { process } = machine.start("main");
    await expect(machine.run()).rejects.toThrow("a bug of the kernel");
    expect(process.exited).toBe(false);
  });

  it("surfaces an error of a handler that waits, too", async () => {
    const broken = syscall("vserver", [], async (task) => {
      await sleep(task, undefined, { deadline: task.kernel.now() + 1e6 });
      throw new TypeError("a late bug");
    });
    const machine = new ScriptedMachine({ main: [call("vserver"), exit(0)] }, {}, [broken]);
    machine.start("main");
    await expect(machine.run(5)).rejects.toThrow("a late bug");
  });

  it("runs no other task in the middle of an asynchronous handler", async () => {
    const log: string[] = [];
    const queue = new WaitQueue();
    const careful = syscall("vserver", [int], async (task, n) => {
      log.push(`${n} in`);
      // Not asleep, so nobody may come between, however many turns of the promise queue this takes.
      for (let i = 0; i < 20; i++) await Promise.resolve();
      log.push(`${n} sleeps`);
      await sleep(task, queue);
      log.push(`${n} up`);
      for (let i = 0; i < 20; i++) await Promise.resolve();
      log.push(`${n} out`);
      return 0;
    });
    const wakeAll = syscall("tuxcall", [], () => {
      log.push("wake");
      queue.wake();
      return 0;
    });
    const machine = new ScriptedMachine(
      {
        main: [
          call("fork"),
          ifZero("first"),
          call("fork"),
          ifZero("second"),
          call("sched_yield"),
          call("sched_yield"),
          call("tuxcall"),
          call("wait4", -1, 0, 0, 0),
          call("wait4", -1, 0, 0, 0),
          exit(0),
          "first",
          call("vserver", 1),
          exit(0),
          "second",
          call("vserver", 2),
          exit(0),
        ],
      },
      {},
      [careful, wakeAll],
    );
    const { process } = machine.start("main");
    await machine.run();
    expect(process.exitStatus).toBe(0);
    expect(log).toEqual(["1 in", "1 sleeps", "2 in", "2 sleeps", "wake", "1 up", "1 out", "2 up", "2 out"]);
  });

  it("gives the same run for the same inputs", async () => {
    const run = async (): Promise<string[]> => {
      const log: string[] = [];
      const note = syscall("vserver", [int], (task, n) => {
        log.push(`${task.tid}:${n}`);
        return 0;
      });
      const machine = new ScriptedMachine(
        {
          main: [
            call("fork"),
            call("fork"),
            call("vserver", 1),
            "again",
            (g) => g.save(0, g.load(0) + 1),
            (g) => {
              if (g.load(0) % 100 === 0) g.call("vserver", g.load(0));
            },
            (g) => {
              if (g.load(0) < 1000) g.jump("again");
            },
            call("wait4", -1, 0, 0, 0),
            exit(0),
          ],
        },
        {},
        [note],
      );
      machine.start("main");
      await machine.run();
      expect(machine.kernel.processes.size).toBeLessThanOrEqual(1);
      return log;
    };
    const first = await run();
    expect(first.length).toBe(44);
    expect(await run()).toEqual(first);
  });
});

describe("blocking", () => {
  /** The results of a call that blocks, with what happens to the caller meanwhile. */
  async function outcome(
    handler: (task: Parameters<typeof block>[0], queue: WaitQueue) => number | Promise<number>,
    meanwhile: (machine: ScriptedMachine, queue: WaitQueue) => Promise<void>,
  ): Promise<{ result: number; status: number; waiters: number }> {
    const queue = new WaitQueue();
    let result = Number.NaN;
    const probe = syscall("vserver", [], (task) => handler(task, queue));
    const report = syscall("tuxcall", [int], (_task, n) => {
      result = n;
      return 0;
    });
    const machine = new ScriptedMachine({ main: [call("vserver"), (g) => g.call("tuxcall", g.result), exit(0)] }, {}, [
      probe,
      report,
    ]);
    const { process } = machine.start("main");
    await machine.run();
    await meanwhile(machine, queue);
    return { result, status: process.exitStatus, waiters: queue.size };
  }

  it("tries again after each wake-up, and leaves the queue", async () => {
    let tries = 0;
    const attempt = (): number => (++tries < 3 ? -EAGAIN : 77);
    const seen = await outcome(
      (task, queue) => block(task, queue, attempt),
      async (machine, queue) => {
        queue.wake();
        await machine.run();
        queue.wake();
        queue.wake();
        await machine.run();
      },
    );
    expect(seen).toEqual({ result: 77, status: 0, waiters: 0 });
    expect(tries).toBe(3);
  });

  it("times out", async () => {
    const seen = await outcome(
      (task, queue) => block(task, queue, () => -EAGAIN, { deadline: task.kernel.now() + 5e6 }),
      (machine) => machine.run(6),
    );
    expect(seen).toEqual({ result: -ETIMEDOUT, status: 0, waiters: 0 });
  });

  it("tells a sleeper why it was woken", async () => {
    const wake = (_machine: ScriptedMachine, queue: WaitQueue): Promise<void> => {
      queue.wake();
      return _machine.run();
    };
    expect((await outcome((task, queue) => sleep(task, queue), wake)).result).toBe(Woken.Event);
    const timed = await outcome(
      (task, queue) => sleep(task, queue, { deadline: task.kernel.now() + 1e6 }),
      (machine) => machine.run(2),
    );
    expect(timed.result).toBe(Woken.Timeout);
  });

  it("is left by a task that is killed, through the handler's own code", async () => {
    let cleaned = false;
    const seen = await outcome(
      async (task, queue) => {
        try {
          const woken = await sleep(task, queue);
          return woken === Woken.Signal ? -EINTR : 0;
        } finally {
          cleaned = true;
        }
      },
      (machine) => {
        machine.kernel.killAll();
        return machine.run();
      },
    );
    expect(seen).toEqual({ result: Number.NaN, status: SIGKILL, waiters: 0 });
    expect(cleaned).toBe(true);
  });
});
