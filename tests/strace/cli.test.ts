// The command line of strace: messages, exit statuses, and what -o hides: prefixes and interleaving on standard error.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { command } from "./tsrcore.ts";

function strace(...args: string[]): { status: number | null; lines: string[]; stdout: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...command(), "strace", ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { status, stdout, lines: stderr.trimEnd().split("\n") };
}

describe("wrong use", () => {
  const wrong: readonly (readonly [args: readonly string[], message: string | RegExp])[] = [
    [[], 'strace: must have PROG [ARGS]; see "tsrcore strace --help"'],
    [["-e", "trace=bogus", "true"], "strace: invalid system call 'bogus'"],
    [["-e", "bogus=3", "true"], "strace: invalid system call 'bogus=3'"],
    [["-e", "signal=BOGUS", "true"], "strace: invalid signal 'BOGUS'"],
    [["-e", "status=good", "true"], "strace: invalid status 'good'"],
    [["-e", "quiet=much", "true"], "strace: invalid quiet 'much'"],
    [["-e", "inject=close:foo", "true"], "strace: invalid inject argument 'close:foo'"],
    [["-e", "fault=close:when=0", "true"], "strace: invalid fault argument 'close:when=0'"],
    [["-S", "bogus", "true"], "strace: invalid sortby: 'bogus'"],
    [["-s", "x", "true"], "strace: invalid -s argument: 'x'"],
    [["-U", "calls", "true"], "strace: -U/--summary-columns must be given with -c or -C"],
    [["-c", "-C", "true"], "strace: -c and -C are mutually exclusive"],
    [["-o", "|cat", "true"], /^strace: -o '\|cat': a command cannot be written to/],
    [["-o", "/nowhere/x", "true"], "strace: Can't fopen '/nowhere/x': no such file or directory"],
    [["-p", "1"], /^strace: -p: /],
    [["--bogus", "true"], /unknown option --bogus/],
  ];
  test.each(wrong)("%j", (args, message) => {
    const { status, lines } = strace(...args);
    expect(status).toBe(125);
    expect(lines).toHaveLength(1);
    const text = (lines[0] ?? "").replace("tsrcore: ", "");
    if (typeof message === "string") expect(text).toBe(message);
    else expect(text).toMatch(message);
  });
});

describe("exit status", () => {
  test("is the program's", () => {
    expect(strace("-qq", "-e", "trace=none", "--", "sh", "-c", "exit 3")).toMatchObject({ status: 3, lines: [""] });
    const killed = strace("sh", "-c", "kill -TERM $$");
    expect(killed.status).toBe(128 + 15);
    expect(killed.lines.at(-1)).toBe("+++ killed by SIGTERM +++");
    expect(strace("nosuch").status).toBe(127);
  });
});

describe("on standard error", () => {
  test("lines bear a process id while there are several", () => {
    const { lines, stdout } = strace("-f", "-e", "trace=none", "sh", "-c", "/bin/echo x; exit");
    expect(stdout).toBe("x\n");
    expect(lines).toEqual([
      "strace: Process 3 attached",
      "[pid     3] +++ exited with 0 +++",
      expect.stringMatching(
        /^--- SIGCHLD \{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=3, si_uid=0, si_status=0, .*\} ---$/,
      ),
      "+++ exited with 0 +++",
    ]);
  });

  test("a call that another interrupts is taken up again", () => {
    const { lines } = strace("-f", "-q", "-e", "trace=wait4,exit_group", "sh", "-c", "(exit 2); exit");
    expect(lines.slice(0, 4)).toEqual([
      "[pid     2] wait4(-1,  <unfinished ...>",
      "[pid     3] exit_group(2)               = ?",
      "[pid     3] +++ exited with 2 +++",
      "<... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 2}], 0, NULL) = 3",
    ]);
  });

  test("-f goes on until the last process has ended", () => {
    const { lines } = strace("-f", "-e", "trace=none", "sh", "-c", "{ sleep 0.2; exit 7; } & exit 0");
    expect(lines).toContain("+++ exited with 7 +++");
    const { lines: alone } = strace("-e", "trace=none", "sh", "-c", "{ sleep 0.2; exit 7; } & exit 0");
    expect(alone).toEqual(["+++ exited with 0 +++"]);
  });

  test("times", () => {
    const line = (...options: string[]): string =>
      strace(...options, "-qq", "-e", "trace=exit_group,getuid", "true").lines[0] ?? "";
    expect(line("-t")).toMatch(/^\d\d:\d\d:\d\d getuid\(\) {23}= 0$/);
    expect(line("-tt")).toMatch(/^\d\d:\d\d:\d\d\.\d{6} getuid\(\) +/);
    expect(line("-ttt")).toMatch(/^\d{10}\.\d{6} getuid\(\) +/);
    expect(line("-r")).toMatch(/^ {5}0\.000000 getuid\(\) {18}= 0$/);
    expect(line("-T")).toMatch(/^getuid\(\) {32}= 0 <\d\.\d{6}>$/);
  });

  test("-c instead of lines, -C after them", () => {
    const only = strace("-c", "-S", "calls", "-e", "trace=getuid,exit_group,execve", "true").lines;
    expect(only[0]).toBe("% time     seconds  usecs/call     calls    errors syscall");
    expect(only.slice(2, 4).map((row) => row.replace(/^[ .\d]{31}/, ""))).toEqual([
      "        1           execve",
      "        1           getuid",
    ]);
    const also = strace("-C", "-qq", "-e", "trace=getuid", "true").lines;
    expect(also[0]).toMatch(/^getuid\(\) +/);
    expect(also[1]).toBe(only[0]);
  });
});

describe("files", () => {
  test("-ff writes one for each process, -A appends", () => {
    const folder = mkdtempSync(join(tmpdir(), "tsrcore-strace-"));
    try {
      const output = join(folder, "out");
      strace("-ff", "-o", output, "-e", "trace=exit_group", "sh", "-c", "(exit 4); exit 5");
      expect(readdirSync(folder).sort()).toEqual(["out.2", "out.3"]);
      expect(readFileSync(`${output}.3`, "utf8")).toBe(`exit_group(4)${" ".repeat(27)}= ?\n+++ exited with 4 +++\n`);
      const one = join(folder, "one");
      strace("-o", one, "-e", "trace=getuid", "true");
      strace("-A", "-o", one, "-e", "trace=getuid", "true");
      const line = `getuid()${" ".repeat(32)}= 0\n+++ exited with 0 +++\n`;
      expect(readFileSync(one, "utf8")).toBe(line + line);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
