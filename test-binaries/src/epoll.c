// epoll(7), poll(2), select(2), eventfd(2) in the corners: edges and one-shots, exclusive and nested instances, dup and fork,
// what each kind of file reports, error order, timeouts and masks. Not checked: EPOLLWAKEUP, busy polling.
#include "t.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
static int ep;
static long add(int e, int fd, uint32_t events) {
  struct epoll_event v = {.events = events, .data.u32 = (uint32_t)fd};
  return epoll_ctl(e, EPOLL_CTL_ADD, fd, &v);
}
static long mod(int e, int fd, uint32_t events) {
  struct epoll_event v = {.events = events, .data.u32 = (uint32_t)fd};
  return epoll_ctl(e, EPOLL_CTL_MOD, fd, &v);
}
static void waits(const char *what, int e) {
  struct epoll_event v[8];
  int n = epoll_wait(e, v, 8, 0);
  if (n < 0) {
    ret(what, n);
    return;
  }
  char text[100] = "";
  for (int i = 0; i < n; i++) snprintf(text + strlen(text), sizeof text - strlen(text), " %x", v[i].events);
  show(what, "%d%s", n, text);
}
static void polls(const char *what, int fd, int events) {
  struct pollfd p = {fd, (short)events, 0};
  int n = poll(&p, 1, 0);
  if (n < 0) ret(what, n);
  else show(what, "%d %x", n, p.revents);
}
#define ALL (POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND | POLLRDHUP)

static void control(void) {
  int p[2], f = open("f", O_RDWR | O_CREAT, 0644), d = open(".", O_RDONLY), other = epoll_create1(0);
  struct epoll_event v = {.events = EPOLLIN};
  pipe(p);
  R(epoll_create(0));
  R(close(epoll_create(1)));
  R(epoll_create1(1));
  int c = epoll_create1(EPOLL_CLOEXEC);
  R(fcntl(c, F_GETFD));
  close(c);
  R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &v));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &v));
  R(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &v));
  R(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], &v));
  R(epoll_ctl(ep, 77, p[0], &v));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, -1, &v));
  R(epoll_ctl(-1, EPOLL_CTL_ADD, p[0], &v));
  R(epoll_ctl(-1, EPOLL_CTL_ADD, -1, 0));
  R(epoll_ctl(f, EPOLL_CTL_ADD, p[0], &v));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, f, &v));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, d, &v));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &v));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], 0));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], (void *)1));
  R(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
  R(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, open("f", O_PATH), &v));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, open("/dev/null", O_RDWR), &v));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, open("/proc/self/status", O_RDONLY), &v));
  R(epoll_wait(ep, &v, 0, 0));
  R(epoll_wait(ep, &v, -1, 0));
  R(epoll_wait(ep, &v, INT_MAX, 0));
  R(epoll_wait(-1, &v, 1, 0));
  R(epoll_wait(-1, &v, 0, 0));
  R(epoll_wait(f, &v, 1, 0));
  R(epoll_wait(ep, (void *)1, 1, 0));
  R(epoll_wait(ep, 0, 1, 0));
  R(epoll_pwait(ep, &v, 1, 0, 0));
  sigset_t set;
  sigemptyset(&set);
  R(syscall(SYS_epoll_pwait, ep, &v, 1, 0, &set, 4));
  R(syscall(SYS_epoll_pwait, ep, &v, 1, 0, (void *)1, 8));
  struct timespec t = {0, 1000000000}, z = {0, 0}, neg = {-1, 0};
  R(syscall(SYS_epoll_pwait2, ep, &v, 1, &t, 0, 0));
  R(syscall(SYS_epoll_pwait2, ep, &v, 1, &neg, 0, 0));
  R(syscall(SYS_epoll_pwait2, ep, &v, 1, &z, 0, 0));
  R(syscall(SYS_epoll_pwait2, ep, &v, 1, (void *)1, 0, 0));
  z.tv_nsec = 1000000;
  R(syscall(SYS_epoll_pwait2, ep, &v, 1, &z, 0, 0));
  R(read(ep, &v, 1));
  R(write(ep, &v, 1));
  R(lseek(ep, 0, SEEK_SET));
  char name[64], link[64] = {0};
  snprintf(name, sizeof name, "/proc/self/fd/%d", ep);
  readlink(name, link, 63);
  show("its name", "%s", link);
  // exclusive
  R(add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE));
  R(mod(ep, p[0], EPOLLIN));
  R(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
  R(add(ep, p[0], EPOLLIN));
  R(mod(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE));
  R(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
  R(add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
  R(add(ep, other, EPOLLIN | EPOLLEXCLUSIVE));
  R(add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLET));
  R(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
  // nesting
  R(add(ep, other, EPOLLIN));
  R(add(other, ep, EPOLLIN));
  R(add(other, p[0], EPOLLIN));
  waits("nothing yet", ep);
  write(p[1], "x", 1);
  waits("through the nested one", ep);
  polls("poll of an instance", other, ALL);
  polls("poll of the outer", ep, ALL);
  waits("the inner", other);
  char b[9];
  read(p[0], b, 9);
  waits("drained", ep);
  int chain[7];
  chain[0] = p[0];
  for (int i = 1; i < 7; i++) {
    chain[i] = epoll_create1(0);
    char what[20];
    snprintf(what, sizeof what, "level %d", i);
    ret(what, add(chain[i], chain[i - 1], EPOLLIN));
  }
  for (int i = 1; i < 7; i++) close(chain[i]);
  close(other);
  close(p[0]);
  close(p[1]);
  close(f);
  close(d);
}

static void triggers(void) {
  int p[2], q[2];
  char b[20];
  syscall(SYS_close_range, 3, ~0U, 0);
  ep = epoll_create1(0);
  pipe(p);
  R(add(ep, p[0], EPOLLIN | EPOLLET));
  waits("empty", ep);
  write(p[1], "ab", 2);
  waits("edge", ep);
  waits("once", ep);
  write(p[1], "c", 1);
  waits("more data, another edge", ep);
  read(p[0], b, 1);
  waits("reading makes none", ep);
  R(mod(ep, p[0], EPOLLIN | EPOLLET));
  waits("MOD looks again", ep);
  R(mod(ep, p[0], EPOLLIN | EPOLLONESHOT));
  waits("one shot", ep);
  waits("is over", ep);
  write(p[1], "d", 1);
  waits("still", ep);
  R(mod(ep, p[0], EPOLLIN | EPOLLONESHOT));
  waits("armed again", ep);
  R(mod(ep, p[0], EPOLLIN));
  waits("level", ep);
  waits("level", ep);
  R(mod(ep, p[0], 0));
  waits("no events", ep);
  R(mod(ep, p[0], EPOLLOUT));
  waits("the wrong events", ep);
  close(p[1]);
  waits("hang-up comes unasked", ep);
  R(mod(ep, p[0], EPOLLIN));
  waits("with data", ep);
  read(p[0], b, 20);
  waits("without", ep);
  close(p[0]);
  waits("closed", ep);
  // the end of writing
  pipe(p);
  add(ep, p[1], EPOLLOUT | EPOLLET);
  waits("room", ep);
  waits("once", ep);
  fcntl(p[1], F_SETFL, O_NONBLOCK);
  char block[4096] = {0};
  while (write(p[1], block, sizeof block) > 0) {}
  waits("full", ep);
  read(p[0], block, sizeof block);
  waits("room again", ep);
  close(p[0]);
  waits("no reader", ep);
  close(p[1]);
  // dup: the registration lives as long as the open file
  pipe(p);
  add(ep, p[0], EPOLLIN);
  int d = dup(p[0]);
  R(add(ep, d, EPOLLIN));
  write(p[1], "x", 1);
  waits("both", ep);
  close(d);
  waits("a dup closed", ep);
  R(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
  waits("deleted", ep);
  close(p[0]);
  waits("all closed", ep);
  close(p[1]);
  // order, and fairness with a small buffer
  struct epoll_event v[1];
  pipe(p);
  pipe(q);
  write(q[1], "x", 1);
  write(p[1], "x", 1);
  add(ep, p[0], EPOLLIN);
  add(ep, q[0], EPOLLIN);
  epoll_wait(ep, v, 1, 0);
  int first = (int)v[0].data.u32 == p[0];
  epoll_wait(ep, v, 1, 0);
  int second = (int)v[0].data.u32 == p[0];
  yes("takes turns", first != second);
  close(p[0]);
  close(p[1]);
  close(q[0]);
  close(q[1]);
  // fork: the instance is shared
  pipe(p);
  add(ep, p[0], EPOLLIN);
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0);
    _exit(0);
  }
  waitpid(c, 0, 0);
  write(p[1], "x", 1);
  waits("a child took it out", ep);
  add(ep, p[0], EPOLLIN);
  fflush(stdout);
  c = fork();
  if (c == 0) {
    msleep(30);
    write(p[1], "y", 1);
    _exit(0);
  }
  read(p[0], block, 1);
  R(epoll_wait(ep, v, 1, 2000));
  show("woken with", "%x", v[0].events);
  waitpid(c, 0, 0);
  close(p[0]);
  close(p[1]);
  close(ep);
}

static void kinds(void) {
  int s[2], p[2];
  pipe(p);
  polls("pipe to read", p[0], ALL);
  polls("pipe to write", p[1], ALL);
  write(p[1], "x", 1);
  polls("with data", p[0], ALL);
  close(p[1]);
  polls("its writer gone", p[0], ALL);
  polls("asked for nothing", p[0], 0);
  close(p[0]);
  pipe(p);
  close(p[0]);
  polls("its reader gone", p[1], ALL);
  close(p[1]);
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  polls("socket", s[0], ALL);
  write(s[1], "x", 1);
  polls("with data", s[0], ALL);
  shutdown(s[1], SHUT_WR);
  polls("half closed", s[0], ALL);
  close(s[1]);
  polls("closed", s[0], ALL);
  close(s[0]);
  int f = open("f", O_RDWR);
  polls("file", f, ALL);
  close(f);
  f = open(".", O_RDONLY);
  polls("directory", f, ALL);
  close(f);
  f = open("/dev/null", O_RDWR);
  polls("/dev/null", f, ALL);
  close(f);
  f = open("/dev/zero", O_RDWR);
  polls("/dev/zero", f, ALL);
  close(f);
  polls("bad descriptor", 999, ALL);
  polls("negative", -1, ALL);
  mkfifo("fifo", 0644);
  f = open("fifo", O_RDONLY | O_NONBLOCK);
  polls("fifo nobody has written to", f, ALL);
  int w = open("fifo", O_WRONLY);
  polls("with a writer", f, ALL);
  close(w);
  polls("that is gone", f, ALL);
  close(f);
  int e = eventfd(0, 0);
  polls("eventfd 0", e, ALL);
  uint64_t n = 3;
  write(e, &n, 8);
  polls("eventfd 3", e, ALL);
  n = UINT64_MAX - 4;
  R(write(e, &n, 8));
  polls("eventfd full", e, ALL);
  n = UINT64_MAX;
  R(write(e, &n, 8));
  fcntl(e, F_SETFL, O_NONBLOCK);
  n = 2;
  R(write(e, &n, 8));
  R(write(e, &n, 7));
  R(read(e, &n, 7));
  R(read(e, &n, 8));
  show("value", "%llx", (unsigned long long)n);
  R(read(e, &n, 8));
  R(pread(e, &n, 8, 0));
  R(lseek(e, 0, SEEK_SET));
  R(eventfd(0, 77));
  int sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
  R(read(sem, &n, 8));
  show("semaphore", "%d", (int)n);
  R(read(sem, &n, 8));
  R(read(sem, &n, 8));
  close(sem);
  close(e);
  int t = timerfd_create(CLOCK_MONOTONIC, 0);
  polls("timer", t, ALL);
  struct itimerspec it = {{0, 0}, {0, 1}};
  timerfd_settime(t, 0, &it, 0);
  msleep(5);
  polls("expired", t, ALL);
  close(t);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  int g = signalfd(-1, &set, 0);
  polls("signalfd", g, ALL);
  raise(SIGUSR1);
  polls("with a signal", g, ALL);
  char info[128];
  R(read(g, info, 128));
  close(g);
}

static volatile int signals;
static void onsig(int s) { (void)s; signals++; }
static void selects(void) {
  int p[2], n;
  pipe(p);
  fd_set r, w, x;
  struct timeval z = {0, 0}, bad = {-1, 0}, big = {0, 2000000};
  FD_ZERO(&r);
  FD_ZERO(&w);
  FD_ZERO(&x);
  FD_SET(p[0], &r);
  FD_SET(p[1], &w);
  n = select(p[1] + 1, &r, &w, &x, &z);
  show("select", "%d %d %d", n, !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w));
  R(select(-1, 0, 0, 0, &z));
  R(select(0, 0, 0, 0, &z));
  R(select(1, 0, 0, 0, &bad));
  R(syscall(SYS_select, 1, (void *)1, 0, 0, &z));
  R(syscall(SYS_select, 1, 0, 0, 0, (void *)1));
  FD_ZERO(&r);
  int gone = dup(p[0]);
  close(gone);
  FD_SET(gone, &r);
  R(select(gone + 1, &r, 0, 0, &z));
  FD_ZERO(&r);
  FD_SET(p[0], &r);
  R(select(p[0], &r, 0, 0, &z));
  FD_SET(p[0], &r);
  write(p[1], "x", 1);
  R(select(p[0] + 1, &r, 0, 0, 0));
  FD_ZERO(&r);
  FD_SET(p[0], &r);
  close(p[1]);
  R(select(p[0] + 1, &r, 0, &x, &big));
  yes("some of the time is left", big.tv_sec > 0 || big.tv_usec > 0);
  struct timespec t = {0, 5000000};
  R(pselect(0, 0, 0, 0, &t, 0));
  show("pselect of libc leaves the time alone", "%ld", (long)t.tv_nsec);
  syscall(SYS_pselect6, 0, 0, 0, 0, &t, 0);
  show("the system call does not", "%ld", (long)t.tv_nsec);
  t.tv_nsec = -1;
  R(pselect(0, 0, 0, 0, &t, 0));
  t.tv_nsec = 1000000000;
  R(ppoll(0, 0, &t, 0));
  struct pollfd many[3] = {{p[0], POLLIN, 77}, {-5, POLLIN, 77}, {999, POLLIN, 77}};
  R(poll(many, 3, 0));
  show("revents", "%x %x %x", many[0].revents, many[1].revents, many[2].revents);
  R(poll((struct pollfd *)1, 1, 0));
  R(poll((struct pollfd *)1, 0, 0));
  R(poll(many, (nfds_t)-1, 0));
  struct rlimit old, l;
  getrlimit(RLIMIT_NOFILE, &old);
  l = old;
  l.rlim_cur = 2;
  setrlimit(RLIMIT_NOFILE, &l);
  R(poll(many, 3, 0));
  setrlimit(RLIMIT_NOFILE, &old);
  // signals during the wait
  struct sigaction sa = {.sa_handler = onsig, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &sa, 0);
  int e = epoll_create1(0);
  struct epoll_event v;
  struct itimerspec it = {{0, 0}, {0, 20000000}};
  timer_t timer;
  struct sigevent sev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  timer_create(CLOCK_MONOTONIC, &sev, &timer);
  timer_settime(timer, 0, &it, 0);
  R(epoll_wait(e, &v, 1, 1000));
  timer_settime(timer, 0, &it, 0);
  R(poll(0, 0, 1000));
  timer_settime(timer, 0, &it, 0);
  R(select(0, 0, 0, 0, &(struct timeval){1, 0}));
  sigset_t blocked, open;
  sigemptyset(&open);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGALRM);
  sigprocmask(SIG_BLOCK, &blocked, 0);
  raise(SIGALRM);
  signals = 0;
  R(poll(0, 0, 5));
  show("signals", "%d", signals);
  R(ppoll(0, 0, &(struct timespec){1, 0}, &open));
  show("signals", "%d", signals);
  raise(SIGALRM);
  R(epoll_pwait(e, &v, 1, 1000, &open));
  show("signals", "%d", signals);
  raise(SIGALRM);
  R(pselect(0, 0, 0, 0, &(struct timespec){1, 0}, &open));
  show("signals", "%d", signals);
  sigprocmask(0, 0, &blocked);
  show("the mask is back", "%d", sigismember(&blocked, SIGALRM));
  raise(SIGALRM);
  // a ready file wins over a signal
  R(ppoll(many, 1, &(struct timespec){1, 0}, &open));
  show("signals", "%d", signals);
}

int main(void) {
  scratch();
  ep = epoll_create1(0);
  control();
  close(ep);
  triggers();
  kinds();
  selects();
  scratch_remove();
  return 0;
}
