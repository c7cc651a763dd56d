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
import { EAGAIN, ECHILD, EINTR, EPERM, ESRCH } from "../abi/errno.ts";
import {
  SA_NOCLDWAIT,
  SA_RESTART,
  SA_SIGINFO,
  SIG_IGN,
  SIGALRM,
  SIGCHLD,
  SIGCONT,
  SIGHUP,
  SIGKILL,
  SIGSTOP,
  SIGTERM,
  SIGTSTP,
  SIGUSR1,
} from "../abi/signal.ts";
import { WCONTINUED, WNOHANG, WUNTRACED } from "../abi/wait.ts";

const exited = (code: number): number => code << 8;

describe("processes", () => {
  it("ends with an exit code of eight bits", async () => {
    expect(await runScript([exit(0x1ff)])).toBe(exited(0xff));
  });

  it("forks, waits, and gives memory to the child by copy", async () => {
    const status = await runScript([
      (g) => g.write32(DATA, 1),
      call("fork"),
      ifZero("child"),
      (g) => g.save(0, g.result),
      call("wait4", -1, DATA + 8, 0, 0),
      (g) => {
        if (g.result !== g.load(0)) g.call("exit_group", 1);
      },
      (g) => g.call("exit_group", g.read32(DATA + 8) === exited(7) && g.read32(DATA) === 1 ? 0 : 2),
      "child",
      (g) => g.write32(DATA, 2),
      exit(7),
    ]);
    expect(status).toBe(0);
  });

  it("has nobody to wait for without children", async () => {
    expect(await runScript([call("wait4", -1, 0, 0, 0), expectResult(1, -ECHILD), exit(0)])).toBe(0);
  });

  it("answers 0 for WNOHANG while the child runs, and reaps it once", async () => {
    const status = await runScript(
      [
        call("fork"),
        ifZero("child"),
        call("wait4", -1, 0, WNOHANG, 0),
        expectResult(1, 0),
        timespec(DATA, 1, 0),
        call("nanosleep", DATA, 0),
        call("wait4", -1, 0, WNOHANG, 0),
        (g) => {
          if (g.result <= 0) g.call("exit_group", 2);
        },
        call("wait4", -1, 0, WNOHANG, 0),
        expectResult(3, -ECHILD),
        exit(0),
        "child",
        timespec(DATA, 0, 500_000_000),
        call("nanosleep", DATA, 0),
        exit(0),
      ],
      2000,
    );
    expect(status).toBe(0);
  });

  it("lets a vfork child run first, in the parent's memory", async () => {
    const status = await runScript(
      [
        call("vfork"),
        ifZero("child"),
        (g) => g.call("exit_group", g.read32(DATA) === 5 ? 0 : 1),
        "child",
        timespec(DATA + 16, 1, 0),
        call("nanosleep", DATA + 16, 0),
        (g) => g.write32(DATA, 5),
        call("exit", 0),
      ],
      1500,
    );
    expect(status).toBe(0);
  });

  it("execve replaces the program, keeps ignored signals and drops handlers", async () => {
    const status = await runScript(
      [
        onSignal(SIGUSR1, "handler"),
        onSignal(SIGHUP, SIG_IGN),
        (g) => g.writeString(DATA, "/other"),
        call("execve", DATA, 0, 0),
        exit(9),
        "handler",
        (g) => g.ret(),
      ],
      0,
      {
        other: [
          call("rt_sigaction", SIGHUP, 0, DATA, 8),
          (g) => {
            if (g.read64(DATA) !== SIG_IGN) g.call("exit_group", 1);
          },
          call("rt_sigaction", SIGUSR1, 0, DATA, 8),
          (g) => g.call("exit_group", g.read64(DATA) === 0 ? 0 : 2),
        ],
      },
    );
    expect(status).toBe(0);
  });

  it("gives orphans to init, which reaps them", async () => {
    const machine = new ScriptedMachine({
      main: [
        call("fork"),
        ifZero("child"),
        call("wait4", -1, 0, 0, 0),
        timespec(DATA, 10, 0),
        call("nanosleep", DATA, 0),
        exit(0),
        "child",
        call("fork"),
        ifZero("grandchild"),
        exit(0),
        "grandchild",
        timespec(DATA, 1, 0),
        call("nanosleep", DATA, 0),
        call("getppid"),
        (g) => g.call("exit_group", g.result),
      ],
    });
    machine.start("main");
    await machine.run();
    const orphan = [...machine.kernel.processes.values()].find((p) => p.parent?.pid === 1 && p.pid !== 2);
    expect(orphan?.exited).toBe(false);
    await machine.run(2000);
    expect(orphan?.exitStatus).toBe(exited(1));
    expect([...machine.kernel.processes.keys()]).toEqual([1, 2]);
  });

  it("reaps children by itself when SIGCHLD is ignored or SA_NOCLDWAIT is set", async () => {
    for (const ignore of [onSignal(SIGCHLD, SIG_IGN), onSignal(SIGCHLD, "handler", SA_NOCLDWAIT)]) {
      const status = await runScript([
        ignore,
        call("fork"),
        ifZero("child"),
        call("wait4", -1, 0, 0, 0),
        (g) => {
          // With a handler the wait may be interrupted once; the next one finds no child.
          if (g.result === -EINTR) g.call("wait4", -1, 0, 0, 0);
        },
        expectResult(1, -ECHILD),
        exit(0),
        "child",
        exit(0),
        "handler",
        (g) => g.ret(),
      ]);
      expect(status).toBe(0);
    }
  });
});

describe("signals", () => {
  it("kills by default, and says so to the parent", async () => {
    const status = await runScript([
      call("fork"),
      ifZero("child"),
      (g) => g.call("kill", g.result, SIGTERM),
      call("wait4", -1, DATA, 0, 0),
      (g) => g.call("exit_group", g.read32(DATA)),
      "child",
      call("pause"),
      exit(1),
    ]);
    expect(status).toBe(exited(SIGTERM));
  });

  it("runs a handler and comes back with everything as it was", async () => {
    const status = await runScript([
      onSignal(SIGUSR1, "handler", SA_SIGINFO),
      (g) => g.save(0, 1234),
      call("getpid"),
      (g) => g.call("kill", g.result, SIGUSR1),
      expectResult(1, 0),
      (g) => g.call("exit_group", g.load(0) === 1234 && g.read32(DATA) === SIGUSR1 ? 0 : 2),
      "handler",
      (g) => g.write32(DATA, g.signal),
      (g) => g.save(0, 99),
      (g) => g.ret(),
    ]);
    expect(status).toBe(0);
  });

  it("interrupts pause with EINTR after a handler, and a sleep with the rest of it", async () => {
    const status = await runScript(
      [
        onSignal(SIGALRM, "handler"),
        call("alarm", 1),
        timespec(DATA, 5, 0),
        call("nanosleep", DATA, DATA + 16),
        expectResult(1, -EINTR),
        (g) => g.call("exit_group", g.read64(DATA + 16) === 4 && g.read64(DATA + 24) === 0 ? 0 : 2),
        "handler",
        (g) => g.ret(),
      ],
      1500,
    );
    expect(status).toBe(0);
  });

  it("restarts wait4 with SA_RESTART and not without", async () => {
    const program = (flags: number, expected: (result: number) => boolean) => [
      onSignal(SIGALRM, "handler", flags),
      call("fork"),
      ifZero("child"),
      call("alarm", 1),
      call("wait4", -1, 0, 0, 0),
      (g: { result: number; call(name: string, ...args: number[]): void }) =>
        g.call("exit_group", expected(g.result) ? 0 : 1),
      "child",
      timespec(DATA, 2, 0),
      call("nanosleep", DATA, 0),
      exit(0),
      "handler",
      (g: { ret(): void }) => g.ret(),
    ];
    expect(
      await runScript(
        program(SA_RESTART, (r) => r > 0),
        3000,
      ),
    ).toBe(0);
    const machine = new ScriptedMachine({ main: program(0, (r) => r === -EINTR) });
    const { process } = machine.start("main");
    await machine.run(3000);
    expect(process.exitStatus).toBe(0);
  });

  it("goes on sleeping to the same end when stopped and continued meanwhile", async () => {
    const machine = new ScriptedMachine({
      main: [timespec(DATA, 5, 0), call("nanosleep", DATA, 0), expectResult(1, 0), exit(0)],
    });
    const task = machine.start("main");
    const { signals } = machine.kernel;
    await machine.run(1000);
    signals.sendToProcess(task.process, signals.fromKernel(SIGSTOP));
    await machine.run(1000);
    expect(task.state).toBe("stopped");
    signals.sendToProcess(task.process, signals.fromKernel(SIGCONT));
    await machine.run(2900);
    expect(task.process.exited).toBe(false);
    await machine.run(200);
    expect(task.process.exitStatus).toBe(0);
  });

  it("reports stops and continuations to the parent", async () => {
    const status = await runScript([
      call("fork"),
      ifZero("child"),
      (g) => g.save(0, g.result),
      (g) => g.call("kill", g.load(0), SIGSTOP),
      call("wait4", -1, DATA, WUNTRACED, 0),
      (g) => {
        if (g.read32(DATA) !== ((SIGSTOP << 8) | 0x7f)) g.call("exit_group", 1);
      },
      (g) => g.call("kill", g.load(0), SIGCONT),
      call("wait4", -1, DATA, WCONTINUED, 0),
      (g) => {
        if (g.read32(DATA) !== 0xffff) g.call("exit_group", 2);
      },
      (g) => g.call("kill", g.load(0), SIGKILL),
      call("wait4", -1, DATA, 0, 0),
      (g) => g.call("exit_group", g.read32(DATA) === SIGKILL ? 0 : 3),
      "child",
      call("pause"),
      exit(1),
    ]);
    expect(status).toBe(0);
  });

  it("does not stop an orphaned group by SIGTSTP", async () => {
    expect(await runScript([call("getpid"), (g) => g.call("kill", g.result, SIGTSTP), exit(4)])).toBe(exited(4));
  });

  it("holds blocked signals back, real-time ones in order and all of them", async () => {
    const RT = 34;
    const mask = 2 ** (RT - 1);
    const status = await runScript([
      onSignal(RT, "handler"),
      (g) => g.write64(DATA, mask),
      call("rt_sigprocmask", 0, DATA, 0, 8),
      call("getpid"),
      (g) => g.save(0, g.result),
      (g) => g.call("kill", g.load(0), RT),
      (g) => g.call("kill", g.load(0), RT),
      (g) => {
        if (g.read32(DATA + 64) !== 0) g.call("exit_group", 1);
      },
      call("rt_sigprocmask", 1, DATA, 0, 8),
      (g) => g.call("exit_group", g.read32(DATA + 64)),
      "handler",
      (g) => g.write32(DATA + 64, g.read32(DATA + 64) + 1),
      (g) => g.ret(),
    ]);
    expect(status).toBe(exited(2));
  });

  it("takes a signal with rt_sigtimedwait instead of its handler, or times out", async () => {
    const status = await runScript(
      [
        (g) => g.write64(DATA, 2 ** (SIGUSR1 - 1)),
        call("rt_sigprocmask", 0, DATA, 0, 8),
        timespec(DATA + 16, 0, 1_000_000),
        call("rt_sigtimedwait", DATA, 0, DATA + 16, 8),
        expectResult(1, -EAGAIN),
        call("fork"),
        ifZero("child"),
        call("rt_sigtimedwait", DATA, 0, 0, 8),
        expectResult(2, SIGUSR1),
        call("wait4", -1, 0, 0, 0),
        exit(0),
        "child",
        call("getppid"),
        (g) => g.call("kill", g.result, SIGUSR1),
        exit(0),
      ],
      10,
    );
    expect(status).toBe(0);
  });

  it("sigsuspend delivers under its own mask and puts the old one back", async () => {
    const status = await runScript([
      onSignal(SIGUSR1, "handler"),
      (g) => g.write64(DATA, 2 ** (SIGUSR1 - 1)),
      call("rt_sigprocmask", 0, DATA, 0, 8),
      call("getpid"),
      (g) => g.call("kill", g.result, SIGUSR1),
      call("rt_sigsuspend", DATA + 32, 8),
      expectResult(1, -EINTR),
      call("rt_sigprocmask", 0, 0, DATA + 48, 8),
      (g) => g.call("exit_group", g.read64(DATA + 48) === 2 ** (SIGUSR1 - 1) && g.read32(DATA + 64) === 1 ? 0 : 2),
      "handler",
      (g) => g.write32(DATA + 64, 1),
      (g) => g.ret(),
    ]);
    expect(status).toBe(0);
  });

  it("asks for permission", async () => {
    const machine = new ScriptedMachine({
      main: [call("pause"), exit(0)],
      user: [call("kill", 2, SIGTERM), expectResult(1, -EPERM), call("kill", 999, 0), expectResult(2, -ESRCH), exit(0)],
    });
    const victim = machine.start("main");
    const user = machine.start("user", 1000);
    await machine.run();
    expect(user.process.exitStatus).toBe(0);
    expect(victim.process.exited).toBe(false);
  });
});

describe("groups and sessions", () => {
  it("kills a group, and knows who is in it", async () => {
    const status = await runScript([
      call("fork"),
      ifZero("child"),
      (g) => g.save(0, g.result),
      (g) => g.call("setpgid", g.load(0), 0),
      expectResult(1, 0),
      (g) => g.call("kill", -g.load(0), SIGKILL),
      expectResult(2, 0),
      (g) => g.call("wait4", -g.load(0), DATA, 0, 0),
      (g) => g.call("exit_group", g.result === g.load(0) && g.read32(DATA) === SIGKILL ? 0 : 3),
      "child",
      call("pause"),
      exit(1),
    ]);
    expect(status).toBe(0);
  });

  it("hangs up stopped members of a group that becomes orphaned", async () => {
    const machine = new ScriptedMachine({
      main: [
        call("fork"),
        ifZero("shell"),
        call("wait4", -1, 0, 0, 0),
        timespec(DATA, 1, 0),
        call("nanosleep", DATA, 0),
        exit(0),
        "shell",
        call("setsid"),
        call("fork"),
        ifZero("job"),
        (g) => g.save(0, g.result),
        (g) => g.call("setpgid", g.load(0), 0),
        (g) => g.call("kill", g.load(0), SIGSTOP),
        (g) => g.call("wait4", g.load(0), 0, WUNTRACED, 0),
        exit(0),
        "job",
        call("pause"),
        exit(5),
      ],
    });
    machine.start("main");
    const statuses: number[] = [];
    machine.kernel.observer = { taskExited: (_task, status) => statuses.push(status) };
    await machine.run(2000);
    expect(statuses).toContain(SIGHUP);
    expect(machine.kernel.processes.size).toBe(1);
  });

  it("leads a session once", async () => {
    const status = await runScript([
      call("setsid"),
      expectResult(1, -EPERM),
      call("fork"),
      ifZero("child"),
      call("wait4", -1, DATA, 0, 0),
      (g) => g.call("exit_group", g.read32(DATA) === 0 ? 0 : 2),
      "child",
      call("setsid"),
      (g) => g.save(0, g.result),
      call("getsid", 0),
      (g) => g.call("exit_group", g.result === g.load(0) ? 0 : 1),
    ]);
    expect(status).toBe(0);
  });
});

describe("timers", () => {
  it("repeats an interval timer, and leaves none behind", async () => {
    const machine = new ScriptedMachine({
      main: [
        onSignal(SIGALRM, "handler"),
        timespec(DATA, 0, 100_000),
        timespec(DATA + 16, 0, 50_000),
        call("setitimer", 0, DATA, 0),
        "loop",
        call("pause"),
        (g) => {
          if (g.read32(DATA + 64) < 3) g.jump("loop");
        },
        exit(3),
        "handler",
        (g) => g.write32(DATA + 64, g.read32(DATA + 64) + 1),
        (g) => g.ret(),
      ],
    });
    const { process } = machine.start("main");
    await machine.run(249);
    expect(process.exited).toBe(false);
    await machine.run(2);
    expect(process.exitStatus).toBe(exited(3));
    expect(machine.host.pendingTimers).toBe(0);
  });

  it("rounds what is left of an alarm", async () => {
    const status = await runScript(
      [
        call("alarm", 10),
        expectResult(1, 0),
        timespec(DATA, 2, 600_000_000),
        call("nanosleep", DATA, 0),
        call("alarm", 0),
        (g) => g.call("exit_group", g.result),
      ],
      3000,
    );
    expect(status).toBe(exited(7));
  });
});

describe("threads", () => {
  it("joins by futex on the tid word", async () => {
    const CLONE = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000 | 0x10_0000 | 0x20_0000;
    const status = await runScript(
      [
        call("clone", CLONE, DATA + 0x4000, DATA, DATA, 0),
        ifZero("thread"),
        (g) => g.save(0, g.result),
        "join",
        (g) => {
          if (g.read32(DATA) === 0) g.jump("joined");
        },
        (g) => g.call("futex", DATA, 0, g.load(0), 0, 0, 0),
        (g) => g.jump("join"),
        "joined",
        (g) => g.call("exit_group", g.read32(DATA + 8)),
        "thread",
        timespec(DATA + 16, 1, 0),
        call("nanosleep", DATA + 16, 0),
        (g) => g.write32(DATA + 8, 6),
        call("exit", 0),
      ],
      1500,
    );
    expect(status).toBe(exited(6));
  });

  it("ends all threads with exit_group", async () => {
    const CLONE = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000;
    const status = await runScript([
      call("clone", CLONE, DATA + 0x4000, 0, 0, 0),
      ifZero("thread"),
      call("pause"),
      exit(1),
      "thread",
      exit(8),
    ]);
    expect(status).toBe(exited(8));
  });
});
