// epoll(7), eventfd(2), timerfd_create(2), signalfd(2), pidfd_open(2).
#include "t.h"
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#define P(call)                                              \
  do {                                                       \
    errno = 0;                                               \
    long result = (long)(call);                              \
    if (result < 0) show(#call, "-1 %s", errname(errno));    \
    else show(#call, "%ld", result);                         \
  } while (0)

int main(void) {
  int e = epoll_create1(EPOLL_CLOEXEC), p[2], q[2];
  pipe(p);
  pipe(q);
  struct epoll_event ev = {.events=EPOLLIN, .data.u64=7}, out[8];
  char b[100];
  uint64_t v;
  P(epoll_create(0));
  P(epoll_create1(1));
  P(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev));
  P(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev));
  P(epoll_ctl(e, EPOLL_CTL_MOD, q[0], &ev));
  P(epoll_ctl(e, EPOLL_CTL_DEL, q[0], &ev));
  P(epoll_ctl(e, EPOLL_CTL_ADD, e, &ev));
  P(epoll_ctl(e, 99, q[0], &ev));
  P(epoll_ctl(e, EPOLL_CTL_ADD, 99, &ev));
  P(epoll_ctl(p[0], EPOLL_CTL_ADD, p[0], &ev));
  int f = open("/etc/passwd", O_RDONLY);
  P(epoll_ctl(e, EPOLL_CTL_ADD, f, &ev));
  P(epoll_ctl(e, EPOLL_CTL_ADD, q[0], NULL));
  P(epoll_wait(e, out, 8, 0));
  P(epoll_wait(e, out, 0, 0));
  P(epoll_wait(p[0], out, 8, 0));
  P(epoll_wait(e, out, 8, 20));
  write(p[1], "abc", 3);
  P(epoll_wait(e, out, 8, -1));
  show("events, data", "%x %lu", out[0].events, (long)out[0].data.u64);
  P(epoll_wait(e, out, 8, 0));
  ev.events = EPOLLIN|EPOLLET;
  P(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev));
  P(epoll_wait(e, out, 8, 0));
  P(epoll_wait(e, out, 8, 0));
  write(p[1], "d", 1);
  P(epoll_wait(e, out, 8, 0));
  P(epoll_wait(e, out, 8, 0));
  ev.events = EPOLLIN|EPOLLONESHOT;
  P(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev));
  P(epoll_wait(e, out, 8, 0));
  write(p[1], "d", 1);
  P(epoll_wait(e, out, 8, 0));
  P(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev));
  P(epoll_wait(e, out, 8, 0));
  read(p[0], b, 100);
  ev.events = EPOLLIN;
  ev.data.u64=9;
  P(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev));
  close(p[1]);
  P(epoll_wait(e, out, 8, 0));
  show("events", "%x", out[0].events);
  close(p[0]);
  P(epoll_wait(e, out, 8, 0));
  int e2 = epoll_create1(0);
  ev.events = EPOLLIN;
  P(epoll_ctl(e2, EPOLL_CTL_ADD, e, &ev));
  P(epoll_ctl(e, EPOLL_CTL_ADD, e2, &ev));
  P(epoll_ctl(e, EPOLL_CTL_ADD, q[0], &ev));
  P(epoll_wait(e2, out, 8, 0));
  write(q[1], "x", 1);
  P(epoll_wait(e2, out, 8, 0));
  struct pollfd pf = {e2, POLLIN, 0};
  P(poll(&pf, 1, 0));
  int ef = eventfd(3, EFD_NONBLOCK);
  P(read(ef, &v, 8));
  show("value", "%lu", (long)v);
  P(read(ef, &v, 8));
  v=5;
  P(write(ef, &v, 8));
  P(write(ef, &v, 8));
  P(read(ef, &v, 4));
  P(read(ef, &v, 8));
  show("value", "%lu", (long)v);
  v=-1;
  P(write(ef, &v, 8));
  v=-2;
  P(write(ef, &v, 8));
  v=1;
  P(write(ef, &v, 8));
  pf.fd=ef;
  pf.events=POLLIN|POLLOUT;
  poll(&pf, 1, 0);
  show("events", "%x", pf.revents);
  int es = eventfd(2, EFD_SEMAPHORE|EFD_NONBLOCK);
  P(read(es, &v, 8));
  show("value", "%lu", (long)v);
  P(read(es, &v, 8));
  P(read(es, &v, 8));
  P(eventfd(0, 8));
  int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  P(timerfd_create(99, 0));
  P(read(t, &v, 8));
  struct itimerspec its = {{0, 20000000}, {0, 30000000}}, old;
  P(timerfd_settime(t, 0, &its, 0));
  P(timerfd_gettime(t, &old));
  show("left, interval", "%d %ld", old.it_value.tv_nsec>0&&old.it_value.tv_nsec<=30000000, old.it_interval.tv_nsec);
  pf.fd=t;
  pf.events=POLLIN;
  P(poll(&pf, 1, 1000));
  usleep(45000);
  P(read(t, &v, 8));
  show("value", "%d", v>=2&&v<=4);
  P(read(t, &v, 8));
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGUSR1);
  sigaddset(&s, SIGCHLD);
  sigprocmask(SIG_BLOCK, &s, 0);
  int sf = signalfd(-1, &s, SFD_NONBLOCK|SFD_CLOEXEC);
  P(read(sf, b, 128));
  P(read(sf, b, 100));
  struct signalfd_siginfo si;
  kill(getpid(), SIGUSR1);
  pf.fd=sf;
  P(poll(&pf, 1, 0));
  P(read(sf, &si, sizeof si));
  show("signal", "%d %d %d", si.ssi_signo, si.ssi_code, (pid_t)si.ssi_pid == getpid());
  P(poll(&pf, 1, 0));
  int pid = fork();
  if(!pid){usleep(30000);_exit(5);} int pfd = syscall(434, pid, 0);
  show("pidfd", "%d", pfd >= 0);
  pf.fd=pfd;
  P(poll(&pf, 1, 0));
  P(poll(&pf, 1, 5000));
  show("events", "%x", pf.revents);
  P(read(sf, &si, sizeof si));
  show("signal", "%d %d %d", si.ssi_signo, si.ssi_code, si.ssi_status);
  siginfo_t wi;
  P(syscall(SYS_waitid, 3, pfd, &wi, WEXITED, 0));
  show("value", "%d", wi.si_status);
  P(syscall(424, pfd, 0, 0, 0));
  P(syscall(434, 999999, 0));
  P(syscall(434, 0, 0));
  P(syscall(424, f, 0, 0, 0));
  return 0;
}
