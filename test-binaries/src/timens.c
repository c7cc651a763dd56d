// time_namespaces(7): unshare(2), clone3(2), setns(2), /proc/[pid]/timens_offsets, and which calls go by the offsets. Not checked:
// timers of the machine's alarm clocks, offsets of user namespaces that own none.
#include "t.h"
#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/mount.h>
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
static int set(const char *text) {
  int fd = open("/proc/self/timens_offsets", O_WRONLY);
  int r = (int)write(fd, text, strlen(text)), e = errno;
  close(fd);
  errno = e;
  return r;
}
#define SET(x) ret("write " #x, set(x))
static void offsets(const char *what, const char *path) {
  char text[256] = "";
  int fd = open(path, O_RDONLY);
  long n = read(fd, text, 255);
  close(fd);
  for (char *p = text; p < text + n; p++)
    if (*p == '\n') *p = p + 1 == text + n ? 0 : '|';
  show(what, "%s", text);
}
static long long now(clockid_t c) {
  struct timespec t;
  syscall(SYS_clock_gettime, c, &t);
  return t.tv_sec;
}
static long long vdso(clockid_t c) {
  struct timespec t;
  clock_gettime(c, &t);
  return t.tv_sec;
}
static long long mono, boot, real;
static int by(long long d, long long expected) { return d >= expected && d <= expected + 2; }
static void clocks(const char *what, long long m, long long b) {
  show(what, "monotonic %d coarse %d boottime %d realtime %d", by(now(CLOCK_MONOTONIC) - mono, m),
       by(now(CLOCK_MONOTONIC_COARSE) - mono, m - 1), by(now(CLOCK_BOOTTIME) - boot, b), by(now(CLOCK_REALTIME) - real, 0));
  yes("  as told without a system call", by(vdso(CLOCK_MONOTONIC) - mono, m) && by(vdso(CLOCK_BOOTTIME) - boot, b));
}
static void same(const char *what) {
  char a[64] = "", b[64] = "";
  readlink("/proc/self/ns/time", a, 63), readlink("/proc/self/ns/time_for_children", b, 63);
  show(what, "%.6s %s", a, strcmp(a, b) ? "different" : "the same");
}
static void waits(void) {
  struct timespec t;
  long long before = now(CLOCK_REALTIME);
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_nsec += 20000000;
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  R(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0));
  clock_gettime(CLOCK_BOOTTIME, &t);
  R(clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &t, 0));
  int word = 0;
  clock_gettime(CLOCK_MONOTONIC, &t);
  R(syscall(SYS_futex, &word, 9, 0, &t, 0, -1));
  struct itimerspec s = {{0, 0}, {0, 0}}, left;
  clock_gettime(CLOCK_MONOTONIC, &s.it_value);
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  s.it_value.tv_sec += 100;
  R(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, 0));
  timerfd_gettime(fd, &left);
  yes("what is left", left.it_value.tv_sec >= 97 && left.it_value.tv_sec <= 100);
  s.it_value.tv_sec -= 101;
  R(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, 0));
  uint64_t n = 0;
  R(read(fd, &n, 8));
  s.it_value.tv_sec = 100, s.it_value.tv_nsec = 0;
  R(timerfd_settime(fd, 0, &s, 0));
  timerfd_gettime(fd, &left);
  yes("what is left", left.it_value.tv_sec >= 97 && left.it_value.tv_sec <= 100);
  timer_t timer;
  struct sigevent none = {.sigev_notify = SIGEV_NONE};
  timer_create(CLOCK_BOOTTIME, &none, &timer);
  clock_gettime(CLOCK_BOOTTIME, &s.it_value);
  s.it_value.tv_sec += 100;
  R(timer_settime(timer, TIMER_ABSTIME, &s, 0));
  timer_gettime(timer, &left);
  yes("what is left", left.it_value.tv_sec >= 97 && left.it_value.tv_sec <= 100);
  yes("no time was lost", now(CLOCK_REALTIME) - before <= 2);
  struct sysinfo info;
  sysinfo(&info);
  yes("sysinfo", labs((long)info.uptime - (long)now(CLOCK_BOOTTIME)) <= 1);
  double up = 0;
  FILE *f = fopen("/proc/uptime", "r");
  fscanf(f, "%lf", &up);
  fclose(f);
  yes("/proc/uptime", up >= (double)now(CLOCK_BOOTTIME) - 2 && up <= (double)now(CLOCK_BOOTTIME) + 2);
}
struct clone_args { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; };
static pid_t child(uint64_t flags) {
  struct clone_args a = {.flags = flags, .exit_signal = SIGCHLD};
  fflush(stdout);
  return (pid_t)syscall(SYS_clone3, &a, sizeof a);
}
int main(int argc, char **argv) {
  if (argc > 1) {
    mono = atoll(argv[1]), boot = atoll(argv[2]), real = now(CLOCK_REALTIME);
    same("in a program");
    clocks("in a program", 1000, 5000);
    return 0;
  }
  int s, outside = open("/proc/self/ns/time", O_RDONLY);
  mono = now(CLOCK_MONOTONIC), boot = now(CLOCK_BOOTTIME), real = now(CLOCK_REALTIME);
  same("at first");
  offsets("offsets", "/proc/self/timens_offsets");
  SET("monotonic 1 0\n");
  R(unshare(CLONE_NEWTIME));
  same("unshared");
  offsets("offsets", "/proc/self/timens_offsets");
  SET("");
  SET("\n");
  SET("monotonic 10");
  SET("monotonic 10 1000000000");
  SET("monotonic 10 -1");
  SET("other 10 0");
  SET("0 10 0");
  SET("monotonic 10 0 5");
  SET("monotonic -900000000 0");
  SET("monotonic 5000000000 0");
  SET("monotonic 10 0\nother 10 0\n");
  offsets("offsets", "/proc/self/timens_offsets");
  SET("1 77 5");
  SET("  boottime   88   6  ");
  offsets("offsets", "/proc/self/timens_offsets");
  SET("monotonic 1000 0\nboottime 5000 0\n");
  SET("monotonic 1000 0\nmonotonic 1000 0\nboottime 5000 0\n");
  offsets("offsets", "/proc/self/timens_offsets");
  clocks("oneself", 0, 0);
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    same("in a child");
    offsets("offsets", "/proc/self/timens_offsets");
    clocks("in a child", 1000, 5000);
    waits();
    SET("monotonic 1 0\n");
    fflush(stdout);
    pid_t d = fork();
    if (d == 0) {
      clocks("in a grandchild", 1000, 5000);
      _exit(0);
    }
    waitpid(d, 0, 0);
    R(unshare(CLONE_NEWTIME));
    offsets("of one in another", "/proc/self/timens_offsets");
    SET("boottime -900000000 0\n");
    SET("boottime 7000 0\n");
    d = fork();
    if (d == 0) {
      clocks("further inside", 1000, 7000);
      R(setns(outside, 0));
      clocks("back outside", 0, 0);
      same("back outside");
      _exit(0);
    }
    waitpid(d, 0, 0);
    _exit(0);
  }
  waitpid(c, 0, 0);
  SET("monotonic 1 0\n");
  c = vfork();
  char m[32], b[32];
  snprintf(m, 32, "%lld", mono), snprintf(b, 32, "%lld", boot);
  if (c == 0) {
    execl("/proc/self/exe", "timens", m, b, (char *)0);
    _exit(1);
  }
  waitpid(c, &s, 0);
  status("a program", s);
  // By clone3
  c = child(CLONE_NEWTIME);
  if (c == 0) {
    same("by clone3");
    offsets("offsets", "/proc/self/timens_offsets");
    SET("monotonic 1 0\n");
    fflush(stdout);
    _exit(0);
  }
  waitpid(c, &s, 0);
  R(setns(outside, CLONE_NEWUTS));
  R(setns(outside, CLONE_NEWTIME));
  same("setns");
  clocks("oneself", 0, 0);
  R(unshare(CLONE_NEWTIME | 0x7f));
  fflush(stdout);
  if (fork() == 0) {
    if (setresuid(1000, 1000, 1000)) _exit(98);
    R(unshare(CLONE_NEWTIME));
    R(setns(outside, 0));
    _exit(0);
  }
  wait(0);
  return 0;
}
