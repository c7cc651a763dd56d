// Pipes and FIFOs in the corners: packets (O_DIRECT), sizes, atomic writes, who wakes whom, opening FIFOs, /proc/self/fd; and
// record locks: splitting and joining, EDEADLK, open file descriptions, threads, what closing drops. Not checked: leases (see
// fdctl), locks over a network.
#include "t.h"
#include <pthread.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#ifndef O_DIRECT
#define O_DIRECT 040000
#endif
static char buf[200000];
static int avail(int fd) {
  int n = -1;
  ioctl(fd, FIONREAD, &n);
  return n;
}

static void packets(void) {
  int p[2];
  R(pipe2(p, 0x1000));
  R(syscall(SYS_pipe2, (int *)1, 0));
  R(syscall(SYS_pipe, (int *)0));
  R(pipe2(p, O_DIRECT | O_NONBLOCK));
  R(write(p[1], "one", 3));
  R(write(p[1], "three", 5));
  R(write(p[1], buf, 5000));
  show("in all", "%d", avail(p[0]));
  R(read(p[0], buf, 100));
  R(read(p[0], buf, 2));
  R(read(p[0], buf, 10000));
  R(read(p[0], buf, 10000));
  R(read(p[0], buf, 10000));
  R(write(p[1], "", 0));
  R(read(p[0], buf, 10));
  struct iovec v[2] = {{"ab", 2}, {"cd", 2}};
  R(writev(p[1], v, 2));
  R(read(p[0], buf, 10));
  int n = 0;
  while (write(p[1], "x", 1) == 1) n++;
  show("packets of a byte", "%d", n);
  R(fcntl(p[1], F_SETFL, O_NONBLOCK));
  R(read(p[0], buf, 10));
  R(read(p[0], buf, 10));
  close(p[0]);
  close(p[1]);
  pipe2(p, O_NONBLOCK);
  write(p[1], "aa", 2);
  R(fcntl(p[1], F_SETFL, O_NONBLOCK | O_DIRECT));
  write(p[1], "bb", 2);
  write(p[1], "cc", 2);
  R(read(p[0], buf, 100));
  R(read(p[0], buf, 100));
  close(p[0]);
  close(p[1]);
}

static void sizes(void) {
  int p[2];
  pipe2(p, O_NONBLOCK);
  R(fcntl(p[0], F_GETPIPE_SZ));
  R(fcntl(p[0], F_SETPIPE_SZ, 4096));
  R(write(p[1], buf, 10000));
  R(write(p[1], buf, 1));
  R(read(p[0], buf, 100));
  R(write(p[1], buf, 1));
  R(read(p[0], buf, 3996));
  R(write(p[1], buf, 4000));
  R(write(p[1], buf, 100));
  R(write(p[1], buf, 96));
  R(fcntl(p[0], F_SETPIPE_SZ, 100000));
  R(write(p[1], buf, 100000));
  R(fcntl(p[0], F_SETPIPE_SZ, 4096));
  show("in it", "%d", avail(p[0]));
  struct pollfd f = {p[1], POLLOUT, 0};
  R(poll(&f, 1, 0));
  read(p[0], buf, 4096);
  R(poll(&f, 1, 0));
  read(p[0], buf, 200000);
  R(fcntl(p[0], F_SETPIPE_SZ, 0));
  R(fcntl(p[0], F_SETPIPE_SZ, 1 << 21));
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    setresuid(1000, 1000, 1000);
    R(fcntl(p[0], F_SETPIPE_SZ, 1 << 20));
    R(fcntl(p[0], F_SETPIPE_SZ, 1 << 21));
    R(fcntl(p[0], F_SETPIPE_SZ, (1 << 20) + 1));
    _exit(0);
  }
  waitpid(c, 0, 0);
  R(fcntl(p[0], F_SETPIPE_SZ, 65536));
  // a large write wakes a reader before it is done, and ends when all is read
  fcntl(p[1], F_SETFL, 0);
  fcntl(p[0], F_SETFL, 0);
  fflush(stdout);
  c = fork();
  if (c == 0) {
    long n = write(p[1], buf, 200000);
    _exit(n == 200000 ? 3 : 4);
  }
  close(p[1]);
  long total = 0, n;
  while ((n = read(p[0], buf, sizeof buf)) > 0) total += n;
  show("read", "%ld", total);
  int s;
  waitpid(c, &s, 0);
  status("the writer", s);
  close(p[0]);
}

static volatile int signals;
static void onsig(int s) { (void)s; signals++; }
static void fifos(void) {
  int r, w;
  struct stat s;
  mkfifo("ff", 0644);
  R(open("ff", O_WRONLY | O_NONBLOCK));
  r = open("ff", O_RDONLY | O_NONBLOCK);
  R(read(r, buf, 1));
  w = open("ff", O_WRONLY | O_NONBLOCK);
  R(read(r, buf, 1));
  R(write(w, "abc", 3));
  close(w);
  R(read(r, buf, 10));
  R(read(r, buf, 10));
  w = open("ff", O_RDWR | O_NONBLOCK);
  R(read(r, buf, 10));
  R(write(w, "self", 4));
  R(read(w, buf, 10));
  stat("ff", &s);
  show("size", "%ld", (long)s.st_size);
  R(lseek(w, 0, SEEK_SET));
  R(ftruncate(w, 0));
  close(r);
  R(write(w, "kept", 4));
  close(w);
  r = open("ff", O_RDONLY | O_NONBLOCK);
  R(read(r, buf, 10));
  close(r);
  // blocking opens meet
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    w = open("ff", O_WRONLY);
    write(w, "met", 3);
    _exit(w >= 0 ? 5 : 6);
  }
  r = open("ff", O_RDONLY);
  R(read(r, buf, 10));
  waitpid(c, 0, 0);
  R(read(r, buf, 10));
  close(r);
  // a signal ends the wait
  struct sigaction sa = {.sa_handler = onsig};
  sigaction(SIGALRM, &sa, 0);
  struct itimerspec it = {{0, 0}, {0, 20000000}};
  timer_t timer;
  struct sigevent sev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  timer_create(CLOCK_MONOTONIC, &sev, &timer);
  timer_settime(timer, 0, &it, 0);
  R(open("ff", O_WRONLY));
  int p[2];
  pipe(p);
  timer_settime(timer, 0, &it, 0);
  R(read(p[0], buf, 1));
  fcntl(p[1], F_SETPIPE_SZ, 4096);
  timer_settime(timer, 0, &it, 0);
  R(write(p[1], buf, 10000));
  timer_settime(timer, 0, &it, 0);
  R(write(p[1], buf, 10000));
  // the other end by its name
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", p[0]);
  w = open(name, O_WRONLY | O_NONBLOCK);
  ok("writing end by way of /proc", w);
  R(write(w, buf, 1));
  close(p[0]);
  close(p[1]);
  signal(SIGPIPE, SIG_IGN);
  R(write(w, buf, 1));
  close(w);
  unlink("ff");
}

static long lock(int fd, int cmd, int type, off_t start, off_t len) {
  struct flock l = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
  return fcntl(fd, cmd, &l);
}
static pid_t parent;
static void table(const char *what) {
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    int fd = open("f", O_RDWR);
    char text[200] = "";
    off_t at = 0;
    for (int i = 0; i < 10; i++) {
      struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at};
      fcntl(fd, F_GETLK, &l);
      if (l.l_type == F_UNLCK) break;
      snprintf(text + strlen(text), sizeof text - strlen(text), " %s%ld+%ld%s", l.l_type == F_RDLCK ? "r" : "w", (long)l.l_start, (long)l.l_len, l.l_pid == parent ? "" : l.l_pid == -1 ? "ofd" : "?");
      if (l.l_len == 0) break;
      at = l.l_start + l.l_len;
    }
    show(what, "%s", text);
    _exit(0);
  }
  waitpid(c, 0, 0);
}
static int tfd;
static void *locker(void *arg) {
  (void)arg;
  return (void *)lock(tfd, F_OFD_SETLK, F_WRLCK, 0, 0);
}
static void locks(void) {
  parent = getpid();
  int a = open("f", O_RDWR), s;
  lock(a, F_SETLK, F_WRLCK, 10, 10);
  lock(a, F_SETLK, F_WRLCK, 20, 10);
  table("neighbours join");
  lock(a, F_SETLK, F_RDLCK, 15, 5);
  table("a hole of another type");
  lock(a, F_SETLK, F_UNLCK, 12, 1);
  table("a gap");
  lock(a, F_SETLK, F_RDLCK, 0, 0);
  table("all replaced");
  lock(a, F_SETLK, F_UNLCK, 5, 0);
  table("the end cut off");
  lock(a, F_SETLK, F_WRLCK, 0x7ffffffffffffff0L, 0);
  table("far out");
  lock(a, F_SETLK, F_UNLCK, 0, 0);
  table("none");
  R(lock(a, F_SETLK, F_WRLCK, 0x7fffffffffffffffL, 2));
  R(lock(a, F_SETLK, F_WRLCK, 5, -5));
  table("before");
  R(lock(a, F_SETLK, F_WRLCK, 5, -6));
  R(lock(a, F_GETLK, F_UNLCK, 0, 0));
  R(lock(a, F_OFD_GETLK, F_UNLCK, 0, 0));
  R(fcntl(a, F_SETLK, (void *)1));
  R(fcntl(-1, F_SETLK, (void *)1));
  struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -2, .l_len = 1};
  lseek(a, 4, SEEK_SET);
  lock(a, F_SETLK, F_UNLCK, 0, 0);
  R(fcntl(a, F_SETLK, &l));
  table("from the end");
  l.l_whence = SEEK_CUR;
  R(fcntl(a, F_SETLK, &l));
  table("from the position");
  l.l_whence = 7;
  R(fcntl(a, F_SETLK, &l));
  l.l_whence = SEEK_SET;
  l.l_pid = 1;
  l.l_start = 0;
  R(fcntl(a, F_OFD_SETLK, &l));
  lock(a, F_SETLK, F_UNLCK, 0, 0);
  // exec keeps them, exit drops them
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    int fd = open("f", O_RDWR);
    lock(fd, F_SETLK, F_WRLCK, 0, 5);
    execl("/bin/sleep", "sleep", "0.15", (char *)0);
    _exit(1);
  }
  msleep(90);
  R(lock(a, F_SETLK, F_WRLCK, 0, 5));
  waitpid(c, &s, 0);
  R(lock(a, F_SETLK, F_WRLCK, 0, 5));
  // open file descriptions
  lock(a, F_SETLK, F_UNLCK, 0, 0);
  int b = open("f", O_RDWR), d = dup(a);
  R(lock(a, F_OFD_SETLK, F_WRLCK, 0, 5));
  R(lock(d, F_OFD_SETLK, F_RDLCK, 0, 5));
  R(lock(b, F_OFD_SETLK, F_WRLCK, 0, 5));
  R(lock(b, F_OFD_SETLK, F_RDLCK, 0, 5));
  table("two of them");
  R(lock(a, F_SETLK, F_WRLCK, 0, 5));
  tfd = open("f", O_RDWR);
  pthread_t t;
  void *r;
  pthread_create(&t, 0, locker, 0);
  pthread_join(t, &r);
  show("a thread with a file of its own", "%ld", (long)r);
  close(b);
  close(d);
  R(lock(tfd, F_OFD_SETLK, F_WRLCK, 0, 5));
  close(a);
  R(lock(tfd, F_OFD_SETLK, F_WRLCK, 0, 5));
  R(flock(tfd, LOCK_EX));
  R(lock(tfd, F_SETLK, F_WRLCK, 100, 5));
  close(tfd);
  // a circle of three
  a = open("f", O_RDWR);
  int go[2];
  pipe(go);
  lock(a, F_SETLK, F_WRLCK, 0, 1);
  pid_t kids[2];
  fflush(stdout);
  for (int i = 0; i < 2; i++) {
    kids[i] = fork();
    if (kids[i] == 0) {
      int fd = open("f", O_RDWR);
      lock(fd, F_SETLK, F_WRLCK, 1 + i, 1);
      write(go[1], "x", 1);
      msleep(30);
      long x = lock(fd, F_SETLKW, F_WRLCK, i == 0 ? 2 : 0, 1);
      _exit(x == 0 ? 0 : errno);
    }
  }
  read(go[0], buf, 1);
  read(go[0], buf, 1);
  msleep(90);
  R(lock(a, F_SETLKW, F_WRLCK, 1, 1));
  lock(a, F_SETLK, F_UNLCK, 0, 0);
  for (int i = 0; i < 2; i++) {
    waitpid(kids[i], &s, 0);
    status("in the circle", s);
  }
  // a signal ends the wait
  fflush(stdout);
  c = fork();
  if (c == 0) {
    int fd = open("f", O_RDWR);
    lock(fd, F_SETLK, F_WRLCK, 0, 0);
    flock(fd, LOCK_EX);
    write(go[1], "x", 1);
    pause();
  }
  read(go[0], buf, 1);
  struct itimerspec it = {{0, 0}, {0, 20000000}};
  timer_t timer;
  struct sigevent sev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  timer_create(CLOCK_MONOTONIC, &sev, &timer);
  timer_settime(timer, 0, &it, 0);
  R(lock(a, F_SETLKW, F_WRLCK, 0, 0));
  timer_settime(timer, 0, &it, 0);
  R(flock(a, LOCK_EX));
  timer_settime(timer, 0, &it, 0);
  R(lock(a, F_OFD_SETLKW, F_WRLCK, 0, 0));
  R(flock(a, LOCK_EX | LOCK_NB));
  R(lock(a, F_SETLK, F_WRLCK, 0, 0));
  kill(c, SIGKILL);
  waitpid(c, 0, 0);
  R(flock(a, LOCK_EX | LOCK_NB));
  R(lock(a, F_SETLK, F_WRLCK, 0, 0));
}

int main(void) {
  scratch();
  put("f", "0123456789");
  packets();
  sizes();
  fifos();
  locks();
  scratch_remove();
  return 0;
}
