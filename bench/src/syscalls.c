// What system calls cost, measured from inside: nanoseconds of the monotonic clock per call, one line `name ns` each.
//   syscalls [calls] [name...]
// Calls are made by the instruction itself, so that a C library's shortcuts (a cached pid, the vdso) don't count, except for
// the rows called libc-*. The fastest of many short rounds counts: other programs on the machine only ever make it slower.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 50
#define FUTEX_WAKE_PRIVATE 129

static inline long call(long number, long a, long b, long c) {
  long result;
  register long r10 __asm__("r10") = 0;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static char byte;
static long parent;
static int zero, null, ends[2], there[2], back[2], file, word;
static struct stat status;
static struct timespec instant;

static void fail(const char *what, long result) {
  printf("%s: %ld\n", what, result);
  exit(1);
}

#define LOOP(name, expected, expression)                     \
  static void name(long n) {                                 \
    for (long i = 0; i < n; i++) {                           \
      long result = (expression);                            \
      if (result != (expected)) fail(#name, result);         \
    }                                                        \
  }

LOOP(getppid_, parent, call(SYS_getppid, 0, 0, 0))
LOOP(read_zero, 1, call(SYS_read, zero, (long)&byte, 1))
LOOP(write_null, 1, call(SYS_write, null, (long)&byte, 1))
LOOP(pipe_pair, 2, call(SYS_write, ends[1], (long)&byte, 1) + call(SYS_read, ends[0], (long)&byte, 1))
LOOP(pread_file, 1, call(SYS_pread64, file, (long)&byte, 1))
LOOP(futex_wake, 0, call(SYS_futex, (long)&word, FUTEX_WAKE_PRIVATE, 1))
LOOP(clock_call, 0, call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&instant, 0))
LOOP(clock_libc, 0, clock_gettime(CLOCK_MONOTONIC, &instant))
LOOP(lseek_, 0, call(SYS_lseek, file, 0, SEEK_SET))
LOOP(fstat_, 0, call(SYS_fstat, file, (long)&status, 0))
LOOP(stat_, 0, call(SYS_stat, (long)"/tmp", (long)&status, 0))

static void open_close(long n) {
  for (long i = 0; i < n; i++) {
    long fd = call(SYS_open, (long)"/dev/null", O_RDONLY, 0);
    if (fd < 0) fail("open", fd);
    call(SYS_close, fd, 0, 0);
  }
}

#define PAGES 256

static void map_unmap(long n) {
  for (long i = 0; i < n; i++) {
    void *at = mmap(0, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || munmap(at, PAGES * 4096)) fail("mmap", i);
  }
}

// The first write to each page of a new mapping; the making and removing of the mapping is shared by 256 of them.
static void page_fault(long n) {
  for (long i = 0; i < n; i += PAGES) {
    volatile char *at = mmap(0, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) fail("mmap", i);
    for (int k = 0; k < PAGES; k++) at[k * 4096] = 1;
    munmap((void *)at, PAGES * 4096);
  }
}

static volatile long handled;
static void handler(int signal) { handled += signal != 0; }

static void signal_self(long n) {
  signal(SIGUSR1, handler);
  handled = 0;
  for (long i = 0; i < n; i++) call(SYS_kill, getpid(), SIGUSR1, 0);
  if (handled != n) fail("signal", handled);
}

static void fork_wait(long n) {
  for (long i = 0; i < n; i++) {
    int result;
    pid_t child = fork();
    if (child == 0) _exit(7);
    if (waitpid(child, &result, 0) != child || !WIFEXITED(result) || WEXITSTATUS(result) != 7) fail("fork", i);
  }
}

// Two processes that wait for each other: each turn is two switches, two reads that wait and two writes.
static void ping_pong(long n) {
  pid_t child = fork();
  if (child == 0) {
    for (long i = 0; i < n; i++)
      if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  for (long i = 0; i < n; i++)
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) fail("ping_pong", i);
  int result;
  if (waitpid(child, &result, 0) != child || result != 0) fail("ping_pong", result);
}

static const struct row {
  const char *name;
  void (*loop)(long);
  // The given number of calls is divided by this.
  int share;
} rows[] = {
    {"getppid", getppid_, 1},
    {"read-zero", read_zero, 1},
    {"write-null", write_null, 1},
    {"pipe-write-read", pipe_pair, 2},
    {"pread-file", pread_file, 1},
    {"futex-wake", futex_wake, 1},
    {"clock_gettime", clock_call, 1},
    {"libc-clock_gettime", clock_libc, 1},
    {"lseek", lseek_, 1},
    {"fstat", fstat_, 2},
    {"stat", stat_, 4},
    {"open-close", open_close, 10},
    {"mmap-munmap", map_unmap, 10},
    {"page-fault", page_fault, 4},
    {"signal", signal_self, 40},
    {"ping-pong", ping_pong, 20},
    {"fork-wait", fork_wait, 4000},
};

int main(int argc, char **argv) {
  long calls = argc > 1 ? atol(argv[1]) : 1000000;
  parent = getppid();
  zero = open("/dev/zero", O_RDONLY);
  null = open("/dev/null", O_WRONLY);
  // A file of the guest's own: in memory there, on a disk natively.
  file = open("/tmp/syscalls", O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (zero < 0 || null < 0 || file < 0 || pipe(ends) || pipe(there) || pipe(back)) fail("set up", -1);
  if (write(file, rows, sizeof rows) != sizeof rows || unlink("/tmp/syscalls")) fail("set up", -2);
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    int wanted = argc <= 2;
    for (int k = 2; k < argc; k++) wanted |= !strcmp(argv[k], rows[i].name);
    if (!wanted) continue;
    long n = calls / rows[i].share / ROUNDS;
    if (n < 1) n = 1;
    double best = 1e30;
    for (int round = 0; round < ROUNDS; round++) {
      double start = now();
      rows[i].loop(n);
      double spent = (now() - start) / n;
      if (spent < best) best = spent;
    }
    printf("%s %.1f\n", rows[i].name, best);
    fflush(stdout);
  }
  return 0;
}
