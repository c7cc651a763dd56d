// The oracle: the real strace around a program in a chroot of Alpine's root, on this machine's kernel. Needs Linux and
// root. strace itself stands inside the chroot, with its libraries and its own dynamic linker, below an empty
// directory of Alpine's, so that the first call it shows is the execve of the program.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { guestPath } from "../golden/native.ts";
import { missingRoot, rootTarball } from "../golden/roots.ts";
import { runPiped } from "../golden/spawn.ts";
import { fillCase, type StraceCase } from "./cases.ts";

/** Where strace stands in the chroot. */
const place = "/mnt/strace";

/** Process ids of the native run start here, so that a number that is one can be told from others. */
const FIRST_PID = 40_000;

/** Run by process 1 of new namespaces: pristine root, mount point, /w, output, variables and program. */
const setUp = `
set -e
eval "set -- $CASE"
unset CASE
base=$1 root=$2 work=$3 output=$4
shift 4
umask 022
mount -t tmpfs -o mode=755 tsrcore "$root"
cp -a "$base/." "$root"
mkdir -p "$root/w" "$root/proc" "$root/dev" "$root/sys" "$root/tmp"
mount --bind "$work" "$root/w"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/full" c 1 7
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
mknod -m 666 "$root/dev/tty" c 5 0
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
hostname tsrcore
echo ${FIRST_PID} > "$root/proc/sys/kernel/ns_last_pid"
set +e
(exec setsid env -i PATH=${guestPath} HOME=/root unshare --root="$root" --wd=/w env "$@")
status=$?
# strace is no parent of the program (-DDD, so that the program leads its session) and writes on after its end.
while grep -qsx 'ld-linux.*' "$root"/proc/[0-9]*/comm; do sleep 0.02; done
cp "$root${place}/out" "$output"
exit $status
`;

/** Real pipes for the program: those that Node makes are sockets. */
const plumbing = `
input=$1
shift
if [ "$input" = 1 ]; then cat; fi | { if [ "$input" = 1 ]; then "$@"; else "$@" < /dev/null; fi; } 2>&1 | cat
`;

export class NativeStrace {
  readonly #scratch: string;
  readonly #root: string;
  readonly #loader: string;

  constructor() {
    if (process.platform !== "linux" || process.getuid?.() !== 0)
      throw new Error("recording takes Linux, root and strace");
    const tarball = rootTarball("alpine");
    if (tarball === undefined) throw new Error(missingRoot("alpine"));
    this.#scratch = mkdtempSync(join(tmpdir(), "tsrcore-strace-"));
    this.#root = join(this.#scratch, "root");
    mkdirSync(this.#root);
    execFileSync("tar", ["-xpf", tarball, "-C", this.#root]);
    const strace = execFileSync("/bin/sh", ["-c", "command -v strace"], { encoding: "utf8" }).trim();
    const target = join(this.#root, place);
    mkdirSync(target);
    cpSync(realpathSync(strace), join(target, "strace"));
    const libraries = execFileSync("ldd", [strace], { encoding: "utf8" }).match(/\/\S+(?= \()/g) ?? [];
    for (const library of libraries) cpSync(realpathSync(library), join(target, basename(library)));
    this.#loader = basename(libraries.find((library) => basename(library).startsWith("ld-")) ?? "");
    writeFileSync(join(this.#scratch, "init"), setUp);
  }

  static version(): string {
    return spawnSync("strace", ["-V"], { encoding: "utf8" }).stdout.split("\n")[0] ?? "";
  }

  /** The text that strace wrote. */
  async run(straceCase: StraceCase): Promise<string> {
    const mountPoint = mkdtempSync(join(this.#scratch, "mount-"));
    const work = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "tsrcore-w-"));
    const output = `${mountPoint}.out`;
    const { golden, options } = straceCase;
    fillCase(straceCase, work);
    const words = [
      ...[this.#root, mountPoint, work, output],
      ...Object.entries(golden.env).map(([name, value]) => `${name}=${value}`),
      ...[`${place}/${this.#loader}`, "--library-path", place, `${place}/strace`],
      ...["-DDD", ...options, "-o", `${place}/out`, "--", ...golden.argv],
    ];
    try {
      const raw = await runPiped(
        {
          file: "/bin/sh",
          args: [
            ...["-c", plumbing, "sh", golden.stdin === undefined ? "0" : "1"],
            ...["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--fork", "--kill-child"],
            ...["/bin/sh", join(this.#scratch, "init")],
          ],
          env: {
            PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
            CASE: words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" "),
          },
        },
        golden.stdin,
        60_000,
      );
      if (raw.timedOut) throw new Error(`${straceCase.name}: timed out`);
      if (!existsSync(output)) throw new Error(`${straceCase.name}: ${Buffer.from(raw.stdout).toString()}`);
      return readFileSync(output, "latin1");
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }

  close(): void {
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}
