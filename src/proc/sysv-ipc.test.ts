import { describe, expect, it } from "vitest";
import { call, DATA, exit, expectResult, ifZero, runScript, timespec } from "../../tests/support/scripted-machine.ts";
import { EAGAIN, EIDRM, EINVAL, ENOMSG } from "../abi/errno.ts";
import { GETVAL, IPC_CREAT, IPC_NOWAIT, IPC_RMID, IPC_STAT, SEM_UNDO, SETVAL } from "../abi/sysv-ipc.ts";

describe("semaphores", () => {
  const operation = (change: number, flags = 0): ((g: { write32(a: number, v: number): void }) => void) => {
    // sem_num 0 and sem_op in one word, sem_flg in the next
    return (g) => {
      g.write32(DATA, (change & 0xffff) << 16);
      g.write32(DATA + 4, flags);
    };
  };

  it("wakes a waiter, and gives back what an ended process had taken", async () => {
    const status = await runScript(
      [
        call("semget", 0, 1, 0o600),
        (g) => g.save(0, g.result),
        call("fork"),
        ifZero("child"),
        operation(-1),
        (g) => g.call("semop", g.load(0), DATA, 1),
        expectResult(1, 0),
        call("wait4", -1, 0, 0, 0),
        // The child added two with SEM_UNDO and has ended: 2 - 1 - 2 stays at 0.
        (g) => g.call("semctl", g.load(0), 0, GETVAL, 0),
        expectResult(2, 0),
        exit(0),
        "child",
        timespec(DATA + 16, 1, 0),
        call("nanosleep", DATA + 16, 0),
        operation(2, SEM_UNDO),
        (g) => g.call("semop", g.load(0), DATA, 1),
        exit(0),
      ],
      1500,
    );
    expect(status).toBe(0);
  });

  it("fails at once with IPC_NOWAIT, and with EIDRM when the set goes", async () => {
    const status = await runScript(
      [
        call("semget", 0, 1, 0o600),
        (g) => g.save(0, g.result),
        operation(-1, IPC_NOWAIT),
        (g) => g.call("semop", g.load(0), DATA, 1),
        expectResult(1, -EAGAIN),
        call("fork"),
        ifZero("child"),
        operation(-1),
        (g) => g.call("semop", g.load(0), DATA, 1),
        expectResult(2, -EIDRM),
        (g) => g.call("semctl", g.load(0), 0, SETVAL, 1),
        expectResult(3, -EINVAL),
        exit(0),
        "child",
        timespec(DATA + 16, 1, 0),
        call("nanosleep", DATA + 16, 0),
        (g) => g.call("semctl", g.load(0), 0, IPC_RMID, 0),
        exit(0),
      ],
      1500,
    );
    expect(status).toBe(0);
  });
});

describe("message queues", () => {
  it("delivers by type, and waits for a message", async () => {
    const send = (type: number, text: string) => [
      (g: Parameters<ReturnType<typeof call>>[0]) => {
        g.write64(DATA, type);
        g.writeString(DATA + 8, text);
        g.call("msgsnd", g.load(0), DATA, 4, 0);
      },
    ];
    const status = await runScript(
      [
        call("msgget", 0, 0o600 | IPC_CREAT),
        (g) => g.save(0, g.result),
        ...send(5, "five"),
        ...send(2, "two"),
        (g) => g.call("msgrcv", g.load(0), DATA + 32, 64, -9, 0),
        (g) => {
          if (g.read64(DATA + 32) !== 2) g.call("exit_group", 1);
        },
        (g) => g.call("msgrcv", g.load(0), DATA + 32, 64, 0, 0),
        (g) => {
          if (g.read64(DATA + 32) !== 5) g.call("exit_group", 2);
        },
        (g) => g.call("msgrcv", g.load(0), DATA + 32, 64, 0, IPC_NOWAIT),
        expectResult(3, -ENOMSG),
        call("fork"),
        ifZero("child"),
        (g) => g.call("msgrcv", g.load(0), DATA + 32, 64, 7, 0),
        expectResult(4, 4),
        exit(0),
        "child",
        ...send(6, "six"),
        ...send(7, "seven"),
        exit(0),
      ],
      10,
    );
    expect(status).toBe(0);
  });
});

describe("shared memory", () => {
  it("is seen by both after fork, and goes with its last attachment", async () => {
    const status = await runScript([
      call("shmget", 0, 5000, 0o600),
      (g) => g.save(0, g.result),
      (g) => g.call("shmat", g.load(0), 0, 0),
      (g) => g.save(1, g.result),
      (g) => g.call("shmctl", g.load(0), IPC_STAT, DATA),
      (g) => {
        if (g.read64(DATA + 48) !== 5000 || g.read64(DATA + 88) !== 1) g.call("exit_group", 1);
      },
      call("fork"),
      ifZero("child"),
      call("wait4", -1, 0, 0, 0),
      (g) => g.call("shmctl", g.load(0), IPC_RMID, 0),
      // Doomed, but attached: still there. Read through the kernel, which fetches the page.
      (g) => g.call("rt_sigprocmask", 2, g.load(1), 0, 8),
      expectResult(2, 0),
      call("rt_sigprocmask", 2, 0, DATA, 8),
      (g) => {
        if (g.read32(DATA) !== 0x200) g.call("exit_group", 3);
      },
      (g) => g.call("shmdt", g.load(1)),
      expectResult(4, 0),
      (g) => g.call("shmctl", g.load(0), IPC_STAT, DATA),
      expectResult(5, -EINVAL),
      exit(0),
      "child",
      (g) => g.write64(DATA, 0x200),
      call("rt_sigprocmask", 2, DATA, 0, 8),
      (g) => g.call("rt_sigprocmask", 2, 0, g.load(1), 8),
      exit(0),
    ]);
    expect(status).toBe(0);
  });
});
