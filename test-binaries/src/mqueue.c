// POSIX message queues by their system calls: names, limits, priorities, timeouts, poll, notification, permissions.
// Not checked: notification by thread, the queue's file system as mounted at /dev/mqueue, more than one user's accounts.
#include "t.h"
#include <mqueue.h>
#include <sys/resource.h>
#define P(x) ret(#x, (x))
#define open4(n, f, m, a) syscall(SYS_mq_open, n, f, m, a)
static void told(int n, siginfo_t *i, void *c) {
  (void)c;
  show("notified", "%s code %d value %d from me %d", signame(n), i->si_code, i->si_value.sival_int, i->si_pid == getpid());
}
static void attributes(const char *what, mqd_t q) {
  struct mq_attr b;
  mq_getattr(q, &b);
  show(what, "flags %ld maxmsg %ld msgsize %ld curmsgs %ld", b.mq_flags, b.mq_maxmsg, b.mq_msgsize, b.mq_curmsgs);
}
static char buf[8300];
static unsigned priority;
static void take(const char *what, mqd_t q) {
  priority = 99;
  ssize_t n = mq_receive(q, buf, sizeof buf, &priority);
  if (n < 0) ret(what, n);
  else show(what, "%.*s, priority %u", (int)n, buf, priority);
}
static struct timespec in(int ms) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec += ms * 1000000L;
  t.tv_sec += t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  return t;
}

int main(void) {
  syscall(SYS_mq_unlink, "t-a");
  syscall(SYS_mq_unlink, "t-c");
  umask(022);
  struct mq_attr a = {.mq_maxmsg = 3, .mq_msgsize = 16}, b;
  // names
  P(open4("t-a", O_RDWR, 0, 0));
  P(open4("/t-a", O_RDWR, 0, 0));
  P(open4("", O_RDWR | O_CREAT, 0600, 0));
  P(open4(".", O_RDWR | O_CREAT, 0600, 0));
  P(open4("..", O_RDWR | O_CREAT, 0600, 0));
  P(open4("x/y", O_RDWR | O_CREAT, 0600, 0));
  P(open4((char *)8, O_RDWR | O_CREAT, 0600, 0));
  char big[300];
  memset(big, 'x', 299);
  big[299] = 0;
  P(open4(big, O_RDWR | O_CREAT, 0600, 0));
  // attributes
  P(open4("t-a", O_RDWR | O_CREAT, 0600, (void *)8));
  a.mq_maxmsg = 0;
  ret("maxmsg 0", open4("t-a", O_RDWR | O_CREAT, 0600, &a));
  a.mq_maxmsg = -1;
  ret("maxmsg -1", open4("t-a", O_RDWR | O_CREAT, 0600, &a));
  a.mq_maxmsg = 3, a.mq_msgsize = 0;
  ret("msgsize 0", open4("t-a", O_RDWR | O_CREAT, 0600, &a));
  a.mq_msgsize = 16, a.mq_maxmsg = 100000;
  ret("maxmsg 100000", open4("t-a", O_RDWR | O_CREAT, 0600, &a));
  a.mq_maxmsg = 11;
  ret("maxmsg 11 without CAP_SYS_RESOURCE", open4("t-a", O_RDWR | O_CREAT, 0600, &a));
  a.mq_maxmsg = 10, a.mq_msgsize = 8193;
  ret("msgsize 8193", open4("t-a", O_RDWR | O_CREAT, 0600, &a));
  mqd_t d = open4("t-c", O_RDWR | O_CREAT, 0600, 0);
  attributes("by default", d);
  close(d);
  P(syscall(SYS_mq_unlink, "t-c"));
  a.mq_maxmsg = 3, a.mq_msgsize = 16;
  mqd_t q = open4("t-a", O_RDWR | O_CREAT, 0666, &a);
  ok("made", q);
  P(open4("t-a", O_RDWR | O_CREAT | O_EXCL, 0600, &a));
  P(open4("t-a", 3, 0, 0));
  attributes("its attributes", q);
  struct stat st;
  fstat(q, &st);
  show("fstat", "mode %o size %ld nlink %d", st.st_mode, (long)st.st_size, (int)st.st_nlink);
  P(fcntl(q, F_GETFD));
  P(fcntl(q, F_GETFL));
  // order
  P(mq_send(q, "one", 3, 1));
  P(mq_send(q, "two", 3, 5));
  P(mq_send(q, "three", 5, 5));
  attributes("three messages", q);
  ssize_t n = read(q, buf, 64);
  show("read as a file", "%ld %.*s", (long)n, (int)n - 1, buf);
  struct timespec t = in(20);
  P(mq_timedsend(q, "x", 1, 0, &t));
  struct mq_attr nb = {.mq_flags = O_NONBLOCK};
  P(mq_setattr(q, &nb, &b));
  show("flags before", "%ld", b.mq_flags);
  P(fcntl(q, F_GETFL));
  P(mq_send(q, "x", 1, 0));
  nb.mq_flags = 1;
  ret("mq_setattr with another flag", mq_setattr(q, &nb, 0));
  P(mq_send(q, "12345678901234567", 17, 0));
  P(mq_send(q, "x", 1, 32768));
  P(mq_send(q, (char *)8, 1, 1));
  P(mq_send(99, "x", 1, 1));
  P(mq_send(1, "x", 1, 1));
  P(mq_receive(q, buf, 15, &priority));
  P(mq_receive(1, buf, 64, &priority));
  P(mq_getattr(1, &b));
  P(mq_getattr(77, &b));
  take("first", q);
  take("second", q);
  take("third", q);
  take("empty, O_NONBLOCK", q);
  // times
  nb.mq_flags = 0;
  mq_setattr(q, &nb, 0);
  struct timespec bad = {0, 1000000000};
  ret("nanoseconds out of range", mq_timedreceive(q, buf, 64, 0, &bad));
  bad.tv_nsec = -1;
  ret("negative nanoseconds", mq_timedreceive(q, buf, 64, 0, &bad));
  bad.tv_nsec = 0, bad.tv_sec = -1;
  ret("negative seconds", mq_timedreceive(q, buf, 64, 0, &bad));
  bad.tv_sec = 1;
  ret("time that has passed", mq_timedreceive(q, buf, 64, 0, &bad));
  P(mq_timedreceive(q, buf, 64, 0, (void *)8));
  mq_send(q, "there", 5, 7);
  bad.tv_sec = -1;
  ret("bad time with a message there", mq_timedreceive(q, buf, 64, 0, &bad));
  bad.tv_sec = 1;
  ret("past time with a message there", mq_timedreceive(q, buf, 64, 0, &bad));
  // a receiver that waits
  if (fork() == 0) {
    msleep(30);
    mq_send(q, "woken", 5, 2);
    _exit(0);
  }
  take("waits for a message", q);
  wait(0);
  mq_send(q, "a", 1, 0), mq_send(q, "b", 1, 0), mq_send(q, "c", 1, 0);
  if (fork() == 0) {
    msleep(30);
    mq_receive(q, buf, 64, 0);
    _exit(0);
  }
  ret("waits for room", mq_send(q, "d", 1, 0));
  wait(0);
  struct sigaction sa = {.sa_handler = SIG_DFL};
  sa.sa_sigaction = told, sa.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &sa, 0);
  while (mq_getattr(q, &b) == 0 && b.mq_curmsgs) mq_receive(q, buf, 64, 0);
  sa.sa_handler = SIG_IGN, sa.sa_flags = 0;
  // poll
  struct pollfd p = {q, POLLIN | POLLOUT, 0};
  ret("poll, empty", poll(&p, 1, 0));
  show("events", "%x", p.revents);
  mq_send(q, "", 0, 3);
  poll(&p, 1, 0);
  show("one message of no bytes", "%x", p.revents);
  mq_send(q, "a", 1, 0), mq_send(q, "b", 1, 0);
  poll(&p, 1, 0);
  show("full", "%x", p.revents);
  n = pread(q, buf, 60, 0);
  show("as a file", "%.*s", (int)n - 1, buf);
  P(write(q, "x", 1));
  P(lseek(q, 0, SEEK_SET));
  take("no bytes", q);
  while (mq_getattr(q, &b) == 0 && b.mq_curmsgs) mq_receive(q, buf, 64, 0);
  // notification
  struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
  P(mq_notify(q, &ev));
  ret("registered twice", mq_notify(q, &ev));
  if (fork() == 0) {
    ret("registered by another", mq_notify(q, &ev));
    ret("another's end of it", mq_notify(q, 0));
    ret("is none", mq_notify(q, &ev));
    _exit(0);
  }
  wait(0);
  P(mq_send(q, "zz", 2, 0));
  ret("only once", mq_send(q, "zz", 2, 0));
  ret("while it is not empty", mq_notify(q, &ev));
  ret("nothing comes", mq_send(q, "zz", 2, 0));
  P(mq_notify(q, 0));
  ret("end of none", mq_notify(q, 0));
  ev.sigev_signo = 99;
  ret("bad signal", mq_notify(q, &ev));
  ev.sigev_notify = 7;
  ret("bad way", mq_notify(q, &ev));
  ev.sigev_notify = SIGEV_NONE, ev.sigev_signo = SIGUSR1;
  ret("SIGEV_NONE", mq_notify(q, &ev));
  P(mq_notify(99, &ev));
  P(mq_notify(1, &ev));
  while (mq_getattr(q, &b) == 0 && b.mq_curmsgs) mq_receive(q, buf, 64, 0);
  mq_notify(q, 0);
  // modes and users
  mqd_t r = open4("t-a", O_RDONLY, 0, 0), w = open4("t-a", O_WRONLY, 0, 0);
  P(mq_send(r, "x", 1, 0));
  P(mq_receive(w, buf, 64, 0));
  ret("same queue", mq_send(w, "same", 4, 0));
  take("same queue", r);
  if (fork() == 0) {
    if (setgid(1000) || setuid(1000)) _exit(1);
    ret("another user, O_RDONLY of 0644", open4("t-a", O_RDONLY, 0, 0) >= 0);
    P(open4("t-a", O_RDWR, 0, 0));
    P(syscall(SYS_mq_unlink, "t-a"));
    ret("its own", open4("t-c", O_RDWR | O_CREAT, 0666, &a) >= 0);
    P(syscall(SYS_mq_unlink, "t-c"));
    struct rlimit l = {1000, 1000};
    setrlimit(RLIMIT_MSGQUEUE, &l);
    a.mq_maxmsg = 10, a.mq_msgsize = 8192;
    ret("RLIMIT_MSGQUEUE", open4("t-c", O_RDWR | O_CREAT, 0600, &a));
    _exit(0);
  }
  wait(0);
  // fork and unlink
  if (fork() == 0) {
    mq_send(q, "child", 5, 0);
    _exit(0);
  }
  wait(0);
  take("inherited by fork", q);
  P(syscall(SYS_mq_unlink, "/t-a"));
  P(syscall(SYS_mq_unlink, "t-a"));
  ret("again", syscall(SYS_mq_unlink, "t-a"));
  ret("an unlinked queue works on", mq_send(w, "x", 1, 0));
  ret("but has no name", open4("t-a", O_RDWR, 0, 0));
  fstat(q, &st);
  show("links", "%d", (int)st.st_nlink);
}
