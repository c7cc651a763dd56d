// The oracle: a case run by this machine's own kernel, in a chroot. Needs Linux and root, util-linux and coreutils.
//
// A case gets namespaces of its own (mounts, processes, host name, IPC, network), so that process ids are low, nothing
// of the host shows, and everything dies with its first process. A shell stays as process 1 and the program runs as
// its child, since the kernel shields process 1 from signals; the program leads a session, with the terminal if there
// is one, as the first process on tsrcore does.
//
// What a result must not depend on is varied on purpose: under "varied" the root lies on the disk and not in a tmpfs
// (another order of directory entries) and process ids start elsewhere. Recording takes a case both ways and refuses
// it when the results differ.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { maskScreens } from "./outcome.ts";
import { missingRoot, rootTarball } from "./roots.ts";
import { type HostCommand, runPiped } from "./spawn.ts";
import { runOnTerminal } from "./terminal.ts";
import type { Engine, GoldenCase, Outcome, RawOutcome, RootName } from "./types.ts";

export const guestPath = "/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Run by process 1. Its arguments come in a variable, so that a program that looks for processes by their arguments
 * doesn't find this one: pristine root, mount point, /w, last process id, setsid's options, variables and program.
 */
const setUp = `
set -e
eval "set -- $CASE"
unset CASE
base=$1 root=$2 work=$3 pid=$4 tty=$5
shift 5
umask 022
if [ "$pid" = 0 ]; then mount -t tmpfs -o mode=755 tsrcore "$root"; fi
cp -a "$base/." "$root"
mkdir -p "$root/w" "$root/proc" "$root/dev" "$root/tmp"
mount --bind "$work" "$root/w"
mount -t proc proc "$root/proc"
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
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
hostname tsrcore
chroot "$root" /bin/busybox ip link set lo up
if [ "$pid" != 0 ]; then echo "$pid" > "$root/proc/sys/kernel/ns_last_pid"; fi
set +e
exec 3>&2 2>/dev/null
(exec 2>&3 3>&-; exec setsid $tty env -i PATH=${guestPath} HOME=/root unshare --root="$root" --wd=/w env "$@")
exit $?
`;

/**
 * Run outside the namespaces. The pipes that Node makes for a child are sockets, which a program can tell from pipes (it
 * can't open /dev/stdout, for one); this puts real pipes between. Arguments: a scratch name, 1 if there is input, and
 * the command.
 */
const plumbing = `
status=$1.status input=$2
shift 2
run() { "$@" 3>&- 4>&-; echo $? > "$status"; }
feed() { if [ "$input" = 1 ]; then cat | run "$@"; else run "$@"; fi; }
exec 3>&1 4>&2
{ feed "$@" 2>&1 1>&5 5>&- | cat >&4 5>&-; } 5>&1 | cat >&3
exit "$(cat "$status")"
`;

export class NativeEngine implements Engine {
  readonly name: string;
  readonly #varied: boolean;
  readonly #timeout: number;
  readonly #scratch: string;
  readonly #pristine = new Map<RootName, string>();

  constructor(options: { readonly varied: boolean; readonly timeout: number }) {
    if (process.platform !== "linux" || process.getuid?.() !== 0) {
      throw new Error("running cases natively takes Linux and root (chroot and namespaces)");
    }
    this.name = options.varied ? "native, varied" : "native";
    this.#varied = options.varied;
    this.#timeout = options.timeout;
    this.#scratch = mkdtempSync(join(tmpdir(), "tsrcore-native-"));
    writeFileSync(join(this.#scratch, "init"), setUp);
  }

  async run(goldenCase: GoldenCase, root: RootName, work: string, expected: Outcome | undefined): Promise<RawOutcome> {
    const mountPoint = mkdtempSync(join(this.#scratch, "root-"));
    const variables = Object.entries(goldenCase.env).map(([name, value]) => `${name}=${value}`);
    const wrapper = ["/bin/sh", "-c", plumbing, "sh", mountPoint, goldenCase.stdin === undefined ? "0" : "1"];
    const command: HostCommand = {
      file: "env",
      args: [
        ...(goldenCase.pty ? [] : wrapper),
        ...["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--fork", "--kill-child"],
        ...["/bin/sh", join(this.#scratch, "init")],
      ],
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        CASE: [
          ...[this.#pristineRoot(root), mountPoint, work, this.#varied ? "4321" : "0", goldenCase.pty ? "-c" : "--"],
          ...variables,
          ...goldenCase.argv,
        ]
          .map(quote)
          .join(" "),
      },
    };
    try {
      return await (goldenCase.pty
        ? runOnTerminal(command, goldenCase.pty, {
            expected: expected?.screens,
            mask: (screen) => maskScreens(goldenCase, [screen])[0] ?? [],
            timeout: this.#timeout,
          })
        : runPiped(command, goldenCase.stdin, this.#timeout));
    } finally {
      for (const suffix of ["", ".status"]) {
        rmSync(`${mountPoint}${suffix}`, { recursive: true, force: true });
      }
    }
  }

  close(): void {
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  #pristineRoot(root: RootName): string {
    const known = this.#pristine.get(root);
    if (known) {
      return known;
    }
    const tarball = rootTarball(root);
    if (!tarball) {
      throw new Error(missingRoot(root));
    }
    const directory = join(this.#scratch, root);
    mkdirSync(directory);
    const tar = spawnSync("tar", ["-xpf", tarball, "-C", directory], { stdio: ["ignore", "ignore", "inherit"] });
    if (tar.status !== 0) {
      throw new Error(`tar could not unpack ${tarball}`);
    }
    this.#pristine.set(root, directory);
    return directory;
  }
}

/** One word for a shell. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
