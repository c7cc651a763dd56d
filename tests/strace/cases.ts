// What is run under both straces: programs of the golden set (tests/golden/cases), more in programs.cases, and one of
// our own that makes calls one by one.

import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadCases, parseCases } from "../golden/parse.ts";
import { fillTree } from "../golden/tree.ts";
import type { GoldenCase } from "../golden/types.ts";

export interface StraceCase {
  readonly name: string;
  readonly golden: GoldenCase;
  /** strace's, without -o. */
  readonly options: readonly string[];
  /** The case needs our program, as /w/calls. */
  readonly calls: boolean;
  /** Processes run at the same time: what depends on which is faster is not compared (normalise.ts). */
  readonly concurrent: boolean;
}

const GOLDEN: readonly string[] = [
  "archive/tar-keeps-times-and-modes",
  "archive/unzip",
  "awk/print-fields",
  "awk/printf-formats",
  "awk/variables-and-arguments",
  "files/chmod-recursive",
  "files/chown-clears-setuid",
  "files/cp-fifo-as-fifo",
  "files/cp-files",
  "files/cp-interactive",
  "files/cp-links",
  "files/cp-preserve",
  "files/dev-shm",
  "files/execute-permission-not-found",
  "files/fallocate-files",
  "files/flock-exclusive",
  "files/flock-waits",
  "files/link-unlink",
  "files/ln-hard",
  "files/ln-loop",
  "files/ls-missing",
  "files/mkdir-modes",
  "files/mkdir-through-file",
  "files/mv-between-file-systems",
  "files/mv-into-itself",
  "files/open-unlinked",
  "files/pwd-and-cd",
  "files/removed-current-directory",
  "files/rename-directory-errors",
  "files/rm-kinds",
  "files/rmdir-parents",
  "files/stat-filesystem",
  "files/sync-fsync",
  "files/test-compare",
  "files/tree-drawing",
  "files/truncate-while-open",
  "jobs/alarm-clock",
  "jobs/exit-status-truncated",
  "jobs/kill-errors",
  "jobs/kill-harmless-signals",
  "jobs/linux32-personality",
  "jobs/nohup",
  "jobs/setsid-no-terminal",
  "jobs/signal-during-read",
  "jobs/terminal-less-stty",
  "jobs/trap-exit-on-signal",
  "jobs/trap-nested-signals",
  "jobs/trap-on-signals",
  "sed/substitute",
  "sed/wrap-paragraphs",
  "shell/eval-and-dot",
  "shell/exec-replaces",
  "shell/for-while-until",
  "shell/globbing-classes",
  "shell/ini-parser",
  "shell/noclobber",
  "shell/not-found",
  "shell/redirections-numbered",
  "shell/subshells",
  "shell/ulimit-file-size",
  "shell/umask",
  "shell/unusual-names",
  "shell/variables",
  "system/date-formats",
  "system/unshare-namespaces",
  "text/cat-concatenate",
  "text/cat-directory",
  "text/cmp-missing",
  "text/comm-columns",
  "text/cut-fields",
  "text/diff-brief-same",
  "text/grep-context",
  "text/head-lines",
  "text/printf-strings",
  "text/sort-keys",
  "text/sort-output-in-place",
  "text/split-lines",
  "text/tail-several-files",
  "text/wrong-options",
];

/** Those of all cases in which children run at the same time. */
const CONCURRENT: ReadonlySet<string> = new Set([
  "files/cp-interactive",
  "files/cp-preserve",
  "files/flock-exclusive",
  "files/flock-waits",
  "jobs/nohup",
  "programs/awk-system",
  "programs/fifo",
  "programs/find-exec",
  "programs/flock",
  "programs/nice-and-nohup",
  "programs/pipeline",
  "programs/xargs",
]);

/** The parts of fixtures/calls.c. */
const CALLS: readonly string[] = ["files", "memory", "signals", "times", "processes", "system", "ipc"];

/** The same program with other options: layouts that -f does not show. */
const WITH_OPTIONS: readonly (readonly [part: string, name: string, options: readonly string[]])[] = [
  ["files", "verbose", ["-f", "-v"]],
  ["files", "paths", ["-f", "-y"]],
  ["files", "devices", ["-f", "-yy"]],
  ["files", "hex", ["-f", "-xx"]],
  ["files", "hex-odd", ["-f", "-x", "-s", "5"]],
  ["files", "raw", ["-f", "-e", "raw=open,write,lseek,close"]],
  ["processes", "verbose", ["-f", "-v"]],
  ["files", "successful", ["-f", "-z"]],
  ["files", "failed", ["-f", "-Z"]],
  ["processes", "process-class", ["-f", "-e", "trace=%process"]],
  ["processes", "numbers", ["-f", "-n", "-e", "trace=/get.*id"]],
  ["system", "verbose", ["-f", "-v"]],
  ["system", "not-prctl", ["-f", "-e", "trace=!prctl,futex"]],
  ["signals", "no-signals", ["-f", "-e", "signal=none"]],
  ["signals", "some-signals", ["-f", "-e", "signal=!USR1,SIGALRM", "-e", "trace=%signal"]],
  ["memory", "inject", ["-f", "-e", "inject=mprotect:error=ENOMEM:when=3+2"]],
  ["memory", "inject-retval", ["-f", "-e", "inject=madvise:retval=7", "-e", "trace=%memory"]],
  ["memory", "fault", ["-f", "-e", "fault=mlock,munlock:when=1"]],
  ["times", "inject-signal", ["-f", "-e", "inject=timer_delete:signal=USR2", "-q"]],
  ["times", "quiet", ["-f", "-qq", "-a", "60"]],
];

export function straceCases(): StraceCase[] {
  const golden = new Map(loadCases().map((c) => [c.id, c]));
  const programs = parseCases("programs", readFileSync(join(import.meta.dirname, "programs.cases"), "utf8"));
  const chosen = GOLDEN.map((id) => {
    const found = golden.get(id);
    if (found === undefined) throw new Error(`no golden case is named ${id}`);
    return found;
  });
  const cases = [...chosen, ...programs].map((golden): StraceCase => {
    const name = golden.id.replace("/", "-");
    return { name, golden, options: ["-f"], calls: false, concurrent: CONCURRENT.has(golden.id) };
  });
  const own = CALLS.map((part) => callsCase(part, `calls-${part}`, ["-f"]));
  const options = WITH_OPTIONS.map(([part, name, options]) => callsCase(part, `option-${name}-${part}`, options));
  return [...cases, ...own, ...options];
}

function callsCase(part: string, name: string, options: readonly string[]): StraceCase {
  const text = `== ${name}\n@argv ["sh", "-c", "cd /tmp && exec /w/calls ${part}"]\n`;
  const [golden] = parseCases("strace", text);
  if (golden === undefined) throw new Error("no case");
  return { name, golden, options, calls: true, concurrent: false };
}

/** Fills /w. */
export function fillCase(straceCase: StraceCase, work: string): void {
  fillTree(work, straceCase.golden.setup);
  if (!straceCase.calls) return;
  copyFileSync(join(import.meta.dirname, "fixtures/calls"), join(work, "calls"));
  chmodSync(join(work, "calls"), 0o755);
}
