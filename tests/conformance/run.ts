// Runs suites by others, from Debian's packages, natively and here, and records the counts for docs/conformance.md (root
// on x86_64 Linux, Debian 12 and the network are needed; half an hour):
//   npm run test:conformance -- [stressor...]
//
// stress-ng: each of its stressors about system calls, for a few operations. It verifies what the calls do, and its exit
// status says whether all was well. Those that need hardware, modules or the network of the host are left out, and those
// that a machine shared with others does not like (out of memory, all processors, real-time priorities).

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Count, SuiteResult, SuiteResults } from "./results.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const results = join(repository, "tests/conformance/results.json");
const binary = process.env["TSRCORE_BIN"] ?? join(repository, "bin/tsrcore.mjs");
const packages = ["stress-ng", "libipsec-mb1", "libjudydebian1", "libsctp1"];

const STRESSORS =
  "futex mq mutex pthread ptrace seccomp rseq membarrier schedpolicy affinity nice set get prctl personality kcmp pidfd sigq " +
  "sigrt sigsuspend sigpending sigfd signal signest sigchld sigsegv sigtrap sigfpe sigabrt sigpipe sigio sigxcpu sigxfsz kill " +
  "timer timerfd itimer clock nanosleep alarm hrtimers wait waitcpu zombie fork vfork clone exec exit-group daemon session " +
  "rlimit sem sem-sysv shm shm-sysv msg eventfd epoll poll pipe fifo sockpair sock sockfd udp switch yield cap ioprio env " +
  "getrandom vdso unshare sleep usersyscall sysinfo io mmap mremap mprotect mincore madvise mlock brk stack vma fault dup open " +
  "close seek fcntl flock lockf lockofd lease link symlink rename chmod chown dir getdent inotify xattr utime sendfile splice " +
  "tee vm-splice memfd seal fallocate fpunch copy-file fstat access handle dev-shm pty null zero full urandom procfs enosys " +
  "loadavg";

interface Outcome {
  readonly status: number;
  /** It says that it cannot be run on this kernel. */
  readonly skipped: boolean;
}

function outcome(command: string, args: readonly string[], cwd: string, env: Record<string, string>): Outcome {
  const child = spawnSync(command, args, { cwd, env, timeout: 60_000, killSignal: "SIGKILL", encoding: "utf8" });
  const text = `${child.stdout}${child.stderr}`;
  return { status: child.status ?? -1, skipped: /skipp|not implemented|not supported/.test(text) };
}

function stressNg(wanted: readonly string[]): SuiteResult {
  const place = mkdtempSync(join(tmpdir(), "tsrcore-conformance-"));
  try {
    const fetched = spawnSync("apt-get", ["-qq", "download", ...packages], { cwd: place, stdio: "inherit" });
    if (fetched.status !== 0) throw new Error("the packages cannot be had");
    spawnSync("sh", ["-c", "for deb in *.deb; do dpkg -x $deb .; done"], { cwd: place, stdio: "inherit" });
    const scratch = join(place, "scratch");
    mkdirSync(scratch);
    const program = join(place, "usr/bin/stress-ng");
    const env = { PATH: process.env["PATH"] ?? "", LD_LIBRARY_PATH: join(place, "usr/lib/x86_64-linux-gnu") };
    const counts = { native: { passed: 0, run: 0 }, tsrcore: { passed: 0, run: 0 } };
    const differ: string[] = [];
    for (const name of wanted.length > 0 ? wanted : STRESSORS.split(" ")) {
      const args = [`--${name}`, "1", `--${name}-ops`, "10", "-t", "4"];
      const native = outcome(program, args, scratch, env);
      // What the real kernel (as it was built) or its user cannot do is no measure.
      if (native.skipped) continue;
      const guest = [
        "run",
        "--root",
        "/",
        "-w",
        "/tmp",
        "-e",
        `LD_LIBRARY_PATH=${env.LD_LIBRARY_PATH}`,
        "--timeout",
        "50",
      ];
      const here = outcome(process.execPath, [binary, ...guest, program, ...args], scratch, { ...env, HOME: scratch });
      counts.native.run++;
      counts.tsrcore.run++;
      if (native.status === 0) counts.native.passed++;
      if (here.status === 0 && !here.skipped) counts.tsrcore.passed++;
      else differ.push(name);
      console.log(`${name}: natively ${native.status}, here ${here.skipped ? "skipped" : here.status}`);
    }
    const note = differ.length === 0 ? "stressors about system calls" : `not here: ${differ.join(", ")}`;
    return { name: "stress-ng 0.15.06", ...counts, note };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

const known: SuiteResults = existsSync(results)
  ? (JSON.parse(readFileSync(results, "utf8")) as SuiteResults)
  : { oracle: release(), suites: [] };
const wanted = process.argv.slice(2);
const fresh = stressNg(wanted);
const total = (count: Count): string => `${count.passed} of ${count.run}`;
console.log(`${fresh.name}: natively ${total(fresh.native)}, here ${total(fresh.tsrcore)}`);
if (wanted.length === 0) {
  const suites = [...known.suites.filter(({ name }) => name !== fresh.name), fresh];
  writeFileSync(results, `${JSON.stringify({ oracle: release(), suites }, undefined, 1)}\n`);
}
