// The programs of test-binaries/ and how they are run. What each gives on the real kernel is in
// test-binaries/expected/<id>.json, recorded by `npm run fixtures:binaries`.

export interface BinaryCase {
  readonly id: string;
  /** File name in test-binaries/bin/x86_64. */
  readonly program: string;
  readonly args: readonly string[];
}

export interface BinaryResult {
  /** Exit status, or 128 + n when signal n ended it. */
  readonly status: number;
  /** Standard output in lines, bytes as Latin-1. */
  readonly stdout: readonly string[];
}

const plain: readonly string[] = [
  "nolibc",
  "tls",
  "tls-pie",
  "auxv",
  "auxv-pie",
  "integer",
  "sse",
  "avx",
  "x87",
  "fpu",
  "mmap",
  "selfmod",
  "fault",
  "signals",
  "sigcontext",
  "process",
  "process-pie",
  "fork-large",
  "exec",
  "pipes",
  "files",
  "names",
  "stat",
  "poll",
  "events",
  "timers",
  "locks",
  "inotify",
  "filesystems",
  "session",
  "tty",
  "proc",
  "system",
  "open",
  "rw",
  "space",
  "copy",
  "access",
  "links",
  "fdctl",
  "epoll",
  "memory",
  "status",
  "mounts",
  "mountapi",
  "fifo",
  "regions",
  "chattr",
  "unix",
  "net-tcp",
  "net-udp",
  "futex",
  "threads",
  "sched",
  "mqueue",
  "ptrace",
  "seccomp",
  "sigio",
  "figures",
  "pids",
  "pidns",
  "namespaces",
  "userns",
  "ids",
  "limits",
  "corners",
  "descriptors",
  "dispatch",
  "pidfdsock",
  "settime",
  "urgent",
  "overrun",
  "sysctl",
  "locking",
  "unotify",
  "statmount",
  "xattrat",
  "rarecalls",
  "landlock",
  "aio",
  "timens",
];

const hellos: readonly string[] = ["hello", "hello-segments", "hello-static-pie", "hello-pie", "hello-dynamic"];

export const cases: readonly BinaryCase[] = [
  ...hellos.map((program) => ({ id: program, program, args: ["one", "", "two words"] })),
  ...plain.map((program) => ({ id: program, program, args: [] })),
  { id: "bench-loop", program: "bench-loop", args: ["20000"] },
  { id: "bench-fib", program: "bench-fib", args: ["15"] },
  { id: "bench-sieve", program: "bench-sieve", args: ["20000", "1"] },
  { id: "bench-sha256", program: "bench-sha256", args: ["65536"] },
  { id: "bench-matrix", program: "bench-matrix", args: ["20"] },
];
