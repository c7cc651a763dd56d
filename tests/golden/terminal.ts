// Runs a host command on a pseudo-terminal and looks at the screen. The terminal pair comes from node-pty (the build
// of @lydell, which ships prebuilt for Linux and needs neither compiler nor Python), the screen from xterm.js without
// a display.
//
// What a full-screen program writes depends on how its input happens to be split, so bytes can't be compared; the
// screens that they paint can. Recording waits until the screen has been quiet for a while. Replaying waits until it
// looks as recorded, however long that takes within the limit; so a slow machine passes and needs no sleeps.

import * as nodePty from "@lydell/node-pty";
import headless from "@xterm/headless";
import type { HostCommand } from "./spawn.ts";
import type { PtyScript, RawOutcome } from "./types.ts";

export interface TerminalOptions {
  /** The screens to wait for; absent when recording. */
  readonly expected: readonly (readonly string[])[] | undefined;
  /** Masks a screen, so that it can be compared with an expected one. */
  readonly mask: (screen: readonly string[]) => readonly string[];
  /** For the whole run, in ms. */
  readonly timeout: number;
}

/** How long nothing must have been painted, after something was, for a screen to be recorded, ms. */
const quiet = 300;
/** A screen that looks as recorded must stay so for this long: who painted it may not be ready for keys yet. */
const still = 60;
/** How long a replay waits for one expected screen, ms. */
const patience = 10_000;
/** The least time between two steps, ms: an escape must not look like the start of a function key. */
const pace = 120;
/** How long a program is given to read an answer of the terminal, ms: busybox loses keys that come right behind it. */
const answerTime = 300;

export async function runOnTerminal(
  command: HostCommand,
  script: PtyScript,
  options: TerminalOptions,
): Promise<RawOutcome> {
  const deadline = Date.now() + options.timeout;
  const screen = new headless.Terminal({ cols: script.cols, rows: script.rows, allowProposedApi: true });
  const pty = nodePty.spawn(command.file, [...command.args], {
    cols: script.cols,
    rows: script.rows,
    env: { ...command.env },
  });
  let painted: number | undefined;
  let status: number | undefined;
  pty.onData((data) => {
    painted = Date.now();
    screen.write(data);
  });
  // Answers that the terminal itself gives, such as the cursor's position, which ash asks for at each prompt.
  let answered = 0;
  screen.onData((data) => {
    if (status === undefined) {
      answered = Date.now();
      pty.write(data);
    }
  });
  pty.onExit(({ exitCode, signal }) => {
    painted = Date.now();
    status = signal ? 128 + signal : exitCode;
  });

  const screens: (readonly string[])[] = [];
  const look = async (): Promise<void> => {
    const wanted = options.expected?.[screens.length]?.join("\n");
    const until = Math.min(deadline, Date.now() + patience);
    await sleep(pace);
    for (;;) {
      const now = await readScreen(screen);
      const settled =
        wanted !== undefined
          ? options.mask(now).join("\n") === wanted && Date.now() - (painted ?? 0) >= still
          : painted !== undefined && Date.now() - painted >= quiet;
      if ((settled && Date.now() - answered >= answerTime) || Date.now() >= until) {
        screens.push(now);
        return;
      }
      await sleep(20);
    }
  };

  await look();
  for (const step of script.steps) {
    if (status !== undefined) {
      break;
    }
    if (step.kind === "send") {
      pty.write(step.text);
    } else {
      screen.resize(step.cols, step.rows);
      pty.resize(step.cols, step.rows);
    }
    await look();
  }
  while (status === undefined && Date.now() < deadline) {
    await sleep(20);
  }
  const timedOut = status === undefined;
  if (timedOut) {
    pty.kill("SIGKILL");
  }
  screen.dispose();
  return { stdout: new Uint8Array(), stderr: new Uint8Array(), status: status ?? -1, timedOut, screens };
}

/** The visible lines without blanks at their ends, and a last line that says where the cursor is. */
async function readScreen(screen: headless.Terminal): Promise<string[]> {
  await new Promise<void>((resolve) => screen.write("", resolve));
  const buffer = screen.buffer.active;
  const lines: string[] = [];
  for (let row = 0; row < screen.rows; row++) {
    lines.push(
      buffer
        .getLine(buffer.viewportY + row)
        ?.translateToString(true)
        .trimEnd() ?? "",
    );
  }
  while (lines.at(-1) === "") {
    lines.pop();
  }
  lines.push(`[cursor ${buffer.cursorY + 1},${buffer.cursorX + 1}]`);
  return lines;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
