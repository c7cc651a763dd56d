/**
 * Three ways to run a shell script in the same root file system, all of which leave it as it is: on the real kernel (chroot into
 * an overlay, in namespaces of its own), there again with every program executed by qemu-user, and in tsrcore.
 *
 * qemu-user does not emulate execve: what a guest executes would run on the real processor, since it is of the same
 * architecture. So the root has a twin whose executables have a mark in the padding of their ELF identification, which
 * nobody looks at, and binfmt_misc hands what is so marked to qemu. Programs that the guest compiles itself have no mark.
 */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

export type How = "native" | "qemu" | "tsrcore";

export interface Result {
  readonly output: string;
  readonly status: string;
  /** User and system time of all processes and threads, in seconds: what else the machine does changes the time on the wall. */
  readonly cpu: number;
  readonly wall: number;
}

export const CACHE: string = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "tsrcore-programs");
const QEMU = "/usr/bin/qemu-x86_64-static";
const BINFMT = "/proc/sys/fs/binfmt_misc";
const MARK = 0x51;
const ENVIRONMENT = [
  "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
  "HOME=/root",
  "LC_ALL=C.UTF-8",
  "TERM=xterm",
  "TZ=UTC",
];

/** Why nothing can be run natively, if so. */
export function obstacle(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "the comparison needs an x86_64 Linux";
  if (process.getuid?.() !== 0) return "the comparison needs root, for chroot";
  if (spawnSync("unshare", ["-mpnf", "true"]).status !== 0) return "unshare(1) is not allowed here";
  return undefined;
}

/** Runs a script; its output is standard output and error, as the script has them. */
export function run(how: How, root: string, script: string, limit: number, command: readonly string[]): Result {
  const scratch = mkdtempSync(join(tmpdir(), "programs-"));
  try {
    const file = join(scratch, "time");
    const guest =
      how === "tsrcore"
        ? tsrcore(command, root, script)
        : chroot(scratch, how === "qemu" ? `${root}.qemu` : root, script);
    const timed = [
      "-c",
      `TIMEFORMAT='%U %S %R'; { time "$@" 2>&3; } 3>&2 2>"$0"`,
      file,
      "timeout",
      "-s",
      "KILL",
      String(limit),
      ...guest,
    ];
    const done: SpawnSyncReturns<string> = spawnSync("bash", timed, {
      encoding: "latin1",
      // Of a socket, which a pipe of Node's is, bash would think that rshd is at its other end.
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 64 << 20,
    });
    const [user = 0, system = 0, wall = 0] =
      readFileSync(file, "utf8").trim().split("\n").at(-1)?.split(" ").map(Number) ?? [];
    const status = wall >= limit ? "time limit" : String(done.status ?? done.signal);
    return { output: done.stdout + done.stderr, status, cpu: user + system, wall };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function inShell(script: string): string[] {
  return ["/usr/bin/env", "-i", ...ENVIRONMENT, "/bin/bash", "-c", script];
}

function tsrcore(command: readonly string[], root: string, script: string): string[] {
  return [...command, "run", "--hostname", "guest", "--root", root, ...inShell(script)];
}

function chroot(scratch: string, root: string, script: string): string[] {
  const setup = `
    mount -t tmpfs scratch "$1" && cd "$1" && mkdir upper work root &&
    mount -t overlay overlay -o "lowerdir=$2,upperdir=upper,workdir=work" root &&
    mount -t proc proc root/proc && mount -t sysfs sys root/sys && mount -t tmpfs dev root/dev && mkdir root/dev/shm root/dev/pts &&
    mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts root/dev/pts && ln -s pts/ptmx root/dev/ptmx &&
    ln -s /proc/self/fd root/dev/fd && ln -s fd/0 root/dev/stdin && ln -s fd/1 root/dev/stdout && ln -s fd/2 root/dev/stderr && for f in null zero full random urandom tty; do touch root/dev/$f; mount --bind /dev/$f root/dev/$f; done &&
    mount -t tmpfs tmp root/tmp && chmod 1777 root/tmp root/dev/shm && hostname guest && { ip link set lo up 2>/dev/null || ifconfig lo up; }
    shift 2
    exec chroot root "$@"`;
  return ["unshare", "-mpnfiu", "--kill-child", "bash", "-c", setup, "bash", scratch, root, ...inShell(script)];
}

/** Makes the twin for qemu and registers it; what undoes the latter. Undefined without qemu, or without binfmt_misc. */
export function prepareQemu(root: string): (() => void) | undefined {
  if (!existsSync(QEMU)) return undefined;
  if (
    !existsSync(join(BINFMT, "register")) &&
    spawnSync("mount", ["-t", "binfmt_misc", "binfmt_misc", BINFMT]).status !== 0
  )
    return undefined;
  const twin = `${root}.qemu`;
  if (!existsSync(join(twin, ".marked"))) {
    rmSync(twin, { recursive: true, force: true });
    if (spawnSync("cp", ["-al", root, twin]).status !== 0) return undefined;
    mark(twin);
    writeFileSync(join(twin, ".marked"), "");
  }
  const magic = "\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x51";
  const mask = "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff";
  const entry = join(BINFMT, "tsrcore-programs");
  if (existsSync(entry)) writeFileSync(entry, "-1");
  writeFileSync(join(BINFMT, "register"), `:tsrcore-programs:M::${magic}:${mask}:${QEMU}:PF`);
  return () => writeFileSync(entry, "-1");
}

/** Marks the executables below a directory, in copies of their own: they are links to those of the other root. */
function mark(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) mark(path);
    // libc.so.6 can be executed, but the dynamic linker looks at the padding of what it loads.
    if (!entry.isFile() || entry.name.includes(".so") || !isProgram(path)) continue;
    const copy = `${path}.marked`;
    copyFileSync(path, copy);
    chmodSync(copy, statSync(path).mode);
    const file = openSync(copy, "r+");
    writeSync(file, Uint8Array.of(MARK), 0, 1, 15);
    closeSync(file);
    spawnSync("mv", ["-f", copy, path]);
  }
}

/** An ELF executable: not relocatable, and neither a library. */
function isProgram(path: string): boolean {
  if ((statSync(path).mode & 0o111) === 0) return false;
  const file = openSync(path, "r");
  const head = Buffer.alloc(4096);
  const length = readSync(file, head, 0, head.length, 0);
  closeSync(file);
  if (length < 64 || head.readUInt32BE(0) !== 0x7f454c46) return false;
  const type = head.readUInt16LE(16);
  const at = Number(head.readBigUInt64LE(32));
  const interpreted = Array.from({ length: head.readUInt16LE(56) }, (_, n) => at + n * 56).some(
    (offset) => offset + 56 <= length && head.readUInt32LE(offset) === 3,
  );
  return type === 2 || (type === 3 && interpreted);
}
