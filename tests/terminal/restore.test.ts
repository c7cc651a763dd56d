// The host's terminal is in raw mode while a guest has it, and as it was on every way out of tsrcore.

import { expect, test } from "vitest";
import { Session } from "./session.ts";

const READY = "echo is-ready | tr a-z A-Z";
const IS_READY = /^IS-READY$/m;

/** Says that it is ready, and waits. Not a shell: that ignores SIGQUIT for itself. */
const WAITS = `awk 'BEGIN { print toupper("is-ready"); fflush(); getline }'`;

/** Runs a script between two looks at the modes; they must be equal, and the status as expected. */
async function restored(
  run: string,
  status: number,
  during: (session: Session) => Promise<void> | void = () => undefined,
  nodeOptions?: string,
): Promise<string> {
  // Modes that differ from a fresh terminal's, so that "sane" would be seen as a difference as well.
  const script = `stty -ixon -echoe tostop erase ^H\nmodes\n${run}\necho "status=$?"\nmodes`;
  const session = new Session(script, nodeOptions === undefined ? {} : { nodeOptions });
  try {
    await during(session);
    await session.end();
    expect(session.text).toContain(`status=${status}\n`);
    expect(session.modes).toHaveLength(2);
    expect(session.modes[1]).toBe(session.modes[0]);
    return session.text;
  } finally {
    session.close();
  }
}

test("it is raw while a program runs, and the shell's when that ends", async () => {
  const session = new Session(`modes\ntsrcore run sh -c '${READY}; read x; echo "got <$x>"'\nmodes`);
  try {
    await session.shown(IS_READY);
    const { execFileSync } = await import("node:child_process");
    const now = execFileSync("stty", ["-a", "-F", `/proc/${session.pid}/fd/0`], { encoding: "latin1" });
    expect(now).toContain("-icanon");
    expect(now).toContain("-echo ");
    expect(now).toContain("-isig");
    session.write("typed\r");
    await session.shown(/^got <typed>$/m);
    await session.end();
    expect(session.modes[1]).toBe(session.modes[0]);
  } finally {
    session.close();
  }
});

test("a program's exit", () => restored("tsrcore run sh -c 'exit 7'", 7));

test("a program that a signal kills", () => restored("tsrcore run sh -c 'kill -SEGV $$'", 139));

test("a program that leaves the guest's terminal raw", () => restored("tsrcore run stty raw -echo", 0));

test("^C on the terminal kills the guest's program", () =>
  restored(`tsrcore run ${WAITS}`, 130, async (session) => {
    await session.shown(IS_READY);
    session.write("\x03");
  }));

test("a program that is not found, and one that cannot be executed", async () => {
  await restored("tsrcore run no-such-program", 127);
  await restored("tsrcore run /etc/passwd", 126);
});

test("wrong usage", () => restored("tsrcore run --no-such-option", 125));

for (const [signal, number] of [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGQUIT", 3],
  ["SIGTERM", 15],
] as const)
  test(`${signal} to tsrcore goes to the guest's program, which dies of it`, () =>
    restored(`tsrcore run ${WAITS}`, 128 + number, async (session) => {
      await session.shown(IS_READY);
      session.kill(signal);
    }));

test("SIGTERM to a program that handles it", () =>
  restored(`tsrcore run sh -c 'trap "exit 9" TERM; ${READY}; while :; do sleep 0.1; done'`, 9, async (session) => {
    await session.shown(IS_READY);
    session.kill("SIGTERM");
  }));

for (const signal of ["SIGUSR2", "SIGALRM", "SIGABRT"] as const)
  test(`${signal}, which nobody expects`, async () => {
    const session = new Session(`modes\ntsrcore run ${WAITS}\nmodes`);
    try {
      await session.shown(IS_READY);
      session.kill(signal);
      await session.end();
      expect(session.modes[1]).toBe(session.modes[0]);
    } finally {
      session.close();
    }
  });

/** Options for node that let something go wrong once the terminal is raw. */
const once = (wrong: string): string =>
  `--import data:text/javascript,globalThis.t=setInterval(()=>{if(process.stdin.isRaw){clearInterval(globalThis.t);${wrong}}},20)`;

test("an error of tsrcore's own", async () => {
  const text = await restored("tsrcore run sleep 100", 125, undefined, once("throw(new(Error)('broken'))"));
  expect(text).toContain("tsrcore: internal error, please report it: Error: broken");
});

test("a promise of tsrcore's own that nobody caught", async () => {
  const rejects = once("Promise.reject(new(Error)('broken'))");
  const text = await restored("tsrcore run sleep 100", 125, undefined, rejects);
  expect(text).toContain("tsrcore: internal error, please report it: Error: broken");
});

test("output that nobody reads any more", async () => {
  // The status is that of the pipe's last command; SIGPIPE or EPIPE has ended the first one, or this would not end.
  await restored("tsrcore run yes | head -n 1", 0);
  await restored("tsrcore run sh -c 'trap \"\" PIPE; while echo x; do :; done 2> /dev/null' | head -n 1", 0);
});

test("standard input alone is the terminal", async () => {
  const text = await restored("tsrcore run sh -c 'read x; echo \"got <$x>\"' 2>&1 | cat", 0, async (session) => {
    await session.shown(/^pid=/m);
    session.write("typed\r");
  });
  expect(text).toContain("got <typed>");
});

test("a stop gives the terminal back, and going on takes it again", async () => {
  const session = new Session(
    `modes\ntsrcore run sh -c '${READY}; read x; echo "got <$x>"'\necho "stopped=$?"\nmodes\nfg\necho "status=$?"\nmodes`,
    { jobControl: true },
  );
  try {
    await session.shown(IS_READY);
    session.kill("SIGTSTP");
    await session.shown(/^stopped=(147|148)$/m);
    await session.shown(/^modes=.*\n(.*\n)*modes=/m);
    expect(session.modes[1]).toBe(session.modes[0]);
    // Raw again: the guest's own line discipline makes a line end of the carriage return, and echoes.
    session.write("typed\r");
    await session.shown(/^got <typed>$/m);
    await session.end();
    expect(session.text).toContain("status=0\n");
    expect(session.modes[2]).toBe(session.modes[0]);
  } finally {
    session.close();
  }
});

test("a terminal that is closed ends tsrcore", async () => {
  const session = new Session(`tsrcore run ${WAITS}`);
  try {
    await session.shown(IS_READY);
    const { pid } = session;
    session.hangUp();
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  } finally {
    session.close();
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
