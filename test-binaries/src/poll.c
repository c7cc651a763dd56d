// poll(2), ppoll, select, pselect over pipes, files, terminals and closed descriptors.
#include "t.h"
#include <sys/select.h>
#include <sys/time.h>
// The libc would hide the time left. Where there is no select, its successor says it in nanoseconds.
static long raw_select(int n, fd_set *r, struct timeval *tv) {
#ifdef SYS_select
  return syscall(SYS_select, n, r, 0, 0, tv);
#else
  struct timespec left = {tv->tv_sec, tv->tv_usec * 1000};
  long result = syscall(SYS_pselect6, n, r, 0, 0, &left, 0);
  tv->tv_sec = left.tv_sec;
  tv->tv_usec = left.tv_nsec / 1000;
  return result;
#endif
}
static const char *events(int e) {
  static char b[100];
  *b = 0;
  static const struct { int bit; const char *name; } names[] = {{POLLIN, "IN"}, {POLLPRI, "PRI"}, {POLLOUT, "OUT"}, {POLLERR, "ERR"}, {POLLHUP, "HUP"}, {POLLNVAL, "NVAL"}};
  for (int i = 0; i < 6; i++)
    if (e & names[i].bit) sprintf(b + strlen(b), "%s%s", *b ? "|" : "", names[i].name);
  return *b ? b : "none";
}
static void one(const char *what, int fd, int ask, int timeout) {
  struct pollfd p = {fd, (short)ask, -1};
  int r = poll(&p, 1, timeout);
  if (r < 0) show(what, "-1 %s", errname(errno));
  else show(what, "%d %s", r, events(p.revents));
}
static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static void later(int ms, int fd, const char *text) {
  if (fork() == 0) {
    msleep(ms);
    _exit(write(fd, text, strlen(text)) < 0);
  }
}
static volatile int hits;
static void handler(int n) { hits++; (void)n; }

int main(void) {
  scratch();
  int p[2];
  if (pipe(p)) return 1;
  one("empty pipe", p[0], POLLIN, 0);
  one("write end", p[1], POLLOUT, 0);
  one("write end asked for input", p[1], POLLIN, 0);
  write(p[1], "x", 1);
  one("pipe with data", p[0], POLLIN | POLLOUT, 0);
  one("asked for nothing", p[0], 0, 0);
  put("f", "x");
  int f = open("f", O_RDWR);
  one("file", f, POLLIN | POLLOUT | POLLPRI, 0);
  one("closed descriptor", 99, POLLIN, 0);
  one("negative descriptor", -1, POLLIN, 0);
  int n = open("/dev/null", O_RDWR);
  one("/dev/null", n, POLLIN | POLLOUT, 0);
  struct pollfd many[4] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {-5, POLLIN, 7}, {50, POLLIN, 0}};
  ret("several", poll(many, 4, 1000));
  for (int i = 0; i < 4; i++) show("  each", "%s", events(many[i].revents));
  ret("no descriptors, no time", poll(0, 0, 0));
  ret("bad address", poll((struct pollfd *)8, 1, 0));
  char c;
  read(p[0], &c, 1);
  long t = now();
  one("timeout of 80 ms", p[0], POLLIN, 80);
  t = now() - t;
  yes("took 80 ms", t >= 80 && t < 2000);
  later(50, p[1], "y");
  one("woken by a writer", p[0], POLLIN, -1);
  wait(0);
  read(p[0], &c, 1);
  struct sigaction a = {0};
  a.sa_handler = handler;
  a.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &a, 0);
  pid_t me = getpid();
  if (fork() == 0) {
    msleep(50);
    kill(me, SIGUSR1);
    _exit(0);
  }
  one("interrupted", p[0], POLLIN, 5000);
  wait(0);

  // ppoll: a blocked signal that is let in only while it waits
  sigset_t set, none;
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  hits = 0;
  raise(SIGUSR1);
  struct timespec five = {5, 0}, zero = {0, 0};
  ret("ppoll lets the signal in", ppoll(many, 1, &five, &none));
  show("handler", "%d", hits);
  ret("ppoll at once", ppoll(many, 1, &zero, &set));
  raise(SIGUSR1);
  struct pollfd ready = {f, POLLIN, 0};
  ret("a ready descriptor wins", ppoll(&ready, 1, &five, &none));
  show("handler", "%d", hits);
  hits = 0;
  sigprocmask(SIG_UNBLOCK, &set, 0);
  show("then it is delivered", "%d", hits);
  struct timespec bad = {0, 1000000000};
  ret("bad timeout", ppoll(many, 1, &bad, 0));

  fd_set r, w, e;
#define SETS(a_, b_, c_) do { FD_ZERO(&r); FD_ZERO(&w); FD_ZERO(&e); if (a_ >= 0) FD_SET(a_, &r); if (b_ >= 0) FD_SET(b_, &w); if (c_ >= 0) FD_SET(c_, &e); } while (0)
  struct timeval tv = {0, 0};
  SETS(p[0], p[1], p[0]);
  ret("select", select(20, &r, &w, &e, &tv));
  show("sets", "r %d, w %d, e %d", FD_ISSET(p[0], &r) != 0, FD_ISSET(p[1], &w) != 0, FD_ISSET(p[0], &e) != 0);
  SETS(p[0], -1, -1);
  tv.tv_usec = 60000;
  t = now();
  ret("select times out", raw_select(20, &r, &tv));
  t = now() - t;
  yes("took 60 ms", t >= 60 && t < 2000);
  show("time left", "%ld.%06ld", (long)tv.tv_sec, (long)tv.tv_usec);
  show("set cleared", "%d", FD_ISSET(p[0], &r) != 0);
  SETS(p[0], -1, -1);
  later(30, p[1], "z");
  tv.tv_sec = 5;
  tv.tv_usec = 0;
  ret("select woken", raw_select(p[0] + 1, &r, &tv));
  yes("time left is written back", tv.tv_sec == 4);
  wait(0);
  SETS(f, f, -1);
  ret("a file is always ready", select(f + 1, &r, &w, 0, 0));
  SETS(99, -1, -1);
  ret("closed descriptor", select(100, &r, 0, 0, &tv));
  ret("negative count", select(-1, 0, 0, 0, &tv));
  tv.tv_sec = -1;
  ret("negative time", select(0, 0, 0, 0, &tv));
  SETS(p[0], -1, -1);
  tv.tv_sec = tv.tv_usec = 0;
  ret("a descriptor beyond n is not looked at", select(p[0], &r, 0, 0, &tv));
  struct timespec short_time = {0, 20000000};
  read(p[0], &c, 1);
  SETS(p[0], -1, -1);
  ret("pselect", pselect(p[0] + 1, &r, 0, 0, &short_time, &none));
  close(p[1]);
  one("writer gone", p[0], POLLIN, -1);
  SETS(p[0], -1, -1);
  ret("select on end of file", select(p[0] + 1, &r, 0, 0, 0));
  int q[2];
  if (pipe(q)) return 1;
  close(q[0]);
  one("reader gone", q[1], POLLOUT, -1);
  fcntl(q[1], F_SETFL, O_NONBLOCK);
  int full[2];
  if (pipe(full)) return 1;
  fcntl(full[1], F_SETFL, O_NONBLOCK);
  char block[4096] = {0};
  while (write(full[1], block, sizeof block) > 0) {}
  one("full pipe", full[1], POLLOUT, 0);
  read(full[0], block, 100);
  one("100 bytes of room", full[1], POLLOUT, 0);
  read(full[0], block, 4096 - 100);
  one("a page of room", full[1], POLLOUT, 0);
  scratch_remove();
  return 0;
}
