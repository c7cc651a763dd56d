// fcntl(2) besides record locks, dup(2) and its kin, close_range(2), ioctl(2) on files: flags, owners and SIGIO, leases,
// directory notification, hints. Not checked: signals by thread (F_OWNER_TID), leases broken by other machines.
#include "t.h"
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/file.h>
#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif
static volatile int got, got_fd, got_band, got_code;
static void onsig(int s, siginfo_t *i, void *c) {
  (void)c;
  got = s;
  got_fd = i->si_fd;
  got_band = (int)i->si_band;
  got_code = i->si_code;
}
static void signals(const char *what, int fd) {
  if (!got) show(what, "none");
  else show(what, "%s band %x code %s%s", got >= SIGRTMIN ? "realtime" : signame(got), got_band, got_code == 0x80 ? "SI_KERNEL" : got_code > 0 ? "POLL" : "other", fd >= 0 && got_fd == fd ? " fd" : "");
  got = 0;
  got_band = got_fd = got_code = 0;
}
static void flagbits(const char *what, int fd) {
  show(what, "%o", fcntl(fd, F_GETFL) & ~O_LARGEFILE);
}

static void duplicates(void) {
  int fd = open("f", O_RDWR), hi;
  R(dup(-1));
  R(dup(500));
  R(dup2(fd, -1));
  R(dup2(fd, 1 << 30));
  R(dup2(-1, 10));
  R(dup2(-1, -1));
  R(dup3(fd, fd, 0));
  R(dup3(-1, -1, 0));
  R(dup3(fd, 50, 1));
  R(dup3(-1, 50, O_CLOEXEC));
  R(dup3(fd, 50, O_CLOEXEC));
  R(fcntl(50, F_GETFD));
  R(dup2(50, 51));
  R(fcntl(51, F_GETFD));
  R(dup2(fd, 50));
  R(fcntl(50, F_GETFD));
  R(fcntl(fd, F_DUPFD, 100));
  R(fcntl(fd, F_DUPFD, 100));
  R(fcntl(fd, F_DUPFD_CLOEXEC, 100));
  R(fcntl(102, F_GETFD));
  R(fcntl(fd, F_DUPFD, -1));
  R(fcntl(fd, F_DUPFD, 1 << 30));
  R(fcntl(-1, F_DUPFD, 0));
  R(fcntl(fd, F_SETFD, 0xff));
  R(fcntl(fd, F_GETFD));
  R(fcntl(fd, F_SETFD, 0xfe));
  R(fcntl(fd, F_GETFD));
  R(fcntl(fd, 12345));
  R(fcntl(-1, 12345));
  lseek(fd, 4, SEEK_SET);
  R(lseek(50, 0, SEEK_CUR));
  fcntl(50, F_SETFL, O_APPEND);
  flagbits("shared flags", fd);
  R(syscall(SYS_close_range, 100, 50, 0));
  R(syscall(SYS_close_range, 100, 200, 8));
  R(syscall(SYS_close_range, 100, 101, 4));
  R(fcntl(100, F_GETFD));
  R(syscall(SYS_close_range, 100, ~0U, 0));
  R(fcntl(100, F_GETFD));
  R(fcntl(51, F_GETFD));
  R(close(51));
  R(close(51));
  R(close(-1));
  hi = fcntl(fd, F_DUPFD, 60);
  struct rlimit old, l;
  getrlimit(RLIMIT_NOFILE, &old);
  l = old;
  l.rlim_cur = 55;
  setrlimit(RLIMIT_NOFILE, &l);
  R(dup2(fd, 54));
  R(dup2(fd, 55));
  R(dup2(fd, hi));
  R(fcntl(hi, F_GETFD));
  R(fcntl(fd, F_DUPFD, 55));
  R(fcntl(fd, F_DUPFD, 54));
  R(fcntl(fd, F_DUPFD, 54));
  setrlimit(RLIMIT_NOFILE, &old);
  // F_DUPFD_QUERY
  R(fcntl(fd, 1027, 50));
  R(fcntl(fd, 1027, open("f", O_RDONLY)));
  R(fcntl(fd, 1027, -1));
  close(hi);
  close(fd);
}

static void statusflags(void) {
  int fd = open("f", O_RDWR);
  R(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_NOATIME | O_SYNC | O_CREAT | O_WRONLY));
  flagbits("set", fd);
  R(fcntl(fd, F_SETFL, 0));
  flagbits("cleared", fd);
  R(fcntl(fd, F_SETFL, O_DIRECT));
  flagbits("O_DIRECT", fd);
  int one = 1, zero = 0, n = 0;
  R(ioctl(fd, FIONBIO, &one));
  flagbits("FIONBIO", fd);
  R(ioctl(fd, FIONBIO, &zero));
  R(ioctl(fd, FIOCLEX));
  R(fcntl(fd, F_GETFD));
  R(ioctl(fd, FIONCLEX));
  R(fcntl(fd, F_GETFD));
  R(ioctl(fd, FIONREAD, &n));
  show("bytes", "%d", n);
  lseek(fd, 4, SEEK_SET);
  ioctl(fd, FIONREAD, &n);
  show("bytes", "%d", n);
  R(ioctl(fd, FIONREAD, (int *)1));
  R(ioctl(fd, TIOCGWINSZ, &n));
  R(ioctl(fd, 0xdeadbeef, &n));
  R(ioctl(-1, 0xdeadbeef, &n));
  R(ioctl(fd, FIOASYNC, &one));
  R(ioctl(open("/dev/null", O_RDWR), FIONREAD, &n));
  R(ioctl(open("/dev/null", O_RDWR), TCGETS, &n));
  int p[2];
  pipe(p);
  write(p[1], "12345", 5);
  R(ioctl(p[0], FIONREAD, &n));
  show("bytes", "%d", n);
  R(ioctl(p[1], FIONREAD, &n));
  R(ioctl(p[0], FIOASYNC, &one));
  flagbits("pipe", p[0]);
  R(fcntl(p[0], F_SETFL, O_APPEND));
  flagbits("pipe", p[0]);
  R(fcntl(p[0], F_GETPIPE_SZ));
  R(fcntl(fd, F_GETPIPE_SZ));
  R(fcntl(p[0], F_SETPIPE_SZ, 1));
  R(fcntl(p[0], F_SETPIPE_SZ, 4097));
  R(fcntl(p[0], F_SETPIPE_SZ, 1 << 20));
  R(fcntl(p[1], F_GETPIPE_SZ));
  R(fcntl(p[0], F_SETPIPE_SZ, -1));
  R(fcntl(fd, F_SETPIPE_SZ, 4096));
  int d = open(".", O_RDONLY);
  R(fcntl(d, F_SETFL, O_APPEND));
  flagbits("directory", d);
  R(fcntl(d, F_SETFL, O_NONBLOCK));
  flagbits("directory", d);
  // hints
  uint64_t hint = 9;
  R(fcntl(fd, 1035, &hint));
  show("hint", "%ld", (long)hint);
  hint = 3;
  R(fcntl(fd, 1036, &hint));
  R(fcntl(fd, 1035, &hint));
  show("hint", "%ld", (long)hint);
  hint = 99;
  R(fcntl(fd, 1036, &hint));
  R(fcntl(fd, 1035, (void *)1));
}

static void owners(void) {
  int s[2], fd = open("f", O_RDWR), p[2];
  struct { int type, pid; } ex = {9, 9};
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  pipe(p);
  R(fcntl(s[0], F_GETOWN));
  R(fcntl(s[0], F_GETOWN_EX, &ex));
  show("owner", "%d %d", ex.type, ex.pid);
  R(fcntl(s[0], F_SETOWN, getpid()));
  R(fcntl(s[0], F_GETOWN) == getpid());
  R(fcntl(s[0], F_SETOWN, -getpgrp()));
  R(fcntl(s[0], F_GETOWN_EX, &ex));
  show("owner", "%d %s", ex.type, ex.pid == getpgrp() ? "group" : "?");
  R(fcntl(s[0], F_SETOWN, 999999));
  R(fcntl(s[0], F_SETOWN, -999999));
  R(fcntl(s[0], F_SETOWN, INT_MIN));
  R(fcntl(s[0], F_GETOWN) == -getpgrp());
  ex.type = 7;
  R(fcntl(s[0], F_SETOWN_EX, &ex));
  ex.type = F_OWNER_TID;
  ex.pid = getpid();
  R(fcntl(s[0], F_SETOWN_EX, &ex));
  R(fcntl(s[0], F_GETOWN_EX, &ex));
  show("owner", "%d %s", ex.type, ex.pid == getpid() ? "me" : "?");
  ex.pid = 999999;
  R(fcntl(s[0], F_SETOWN_EX, &ex));
  R(fcntl(s[0], F_SETOWN_EX, (void *)1));
  R(fcntl(s[0], F_GETSIG));
  R(fcntl(s[0], F_SETSIG, 65));
  R(fcntl(s[0], F_SETSIG, -1));
  R(fcntl(s[0], F_SETSIG, SIGRTMIN));
  R(fcntl(s[0], F_GETSIG) == SIGRTMIN);
  R(fcntl(s[0], F_SETSIG, 0));
  unsigned ids[2] = {9, 9};
  R(fcntl(s[0], F_GETOWNER_UIDS, ids));
  show("ids", "%u %u", ids[0], ids[1]);
  struct sigaction sa = {.sa_sigaction = onsig, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGIO, &sa, 0);
  sigaction(SIGRTMIN, &sa, 0);
  // SIGIO from a socket, a pipe
  R(fcntl(s[0], F_SETOWN, getpid()));
  R(fcntl(s[0], F_SETFL, O_ASYNC | O_NONBLOCK));
  write(s[1], "x", 1);
  signals("socket has data", s[0]);
  char c;
  read(s[0], &c, 1);
  signals("it was read", s[0]);
  R(fcntl(s[0], F_SETSIG, SIGRTMIN));
  write(s[1], "x", 1);
  signals("F_SETSIG", s[0]);
  fcntl(s[0], F_SETFL, O_NONBLOCK);
  write(s[1], "x", 1);
  signals("without O_ASYNC", s[0]);
  fcntl(s[0], F_SETFL, O_ASYNC);
  close(s[1]);
  signals("the peer closes", s[0]);
  R(fcntl(p[0], F_SETOWN, getpid()));
  R(fcntl(p[0], F_SETFL, O_ASYNC));
  write(p[1], "x", 1);
  signals("pipe has data", p[0]);
  write(p[1], "x", 1);
  signals("more of it", p[0]);
  R(fcntl(p[1], F_SETOWN, getpid()));
  R(fcntl(p[1], F_SETFL, O_ASYNC));
  fcntl(p[0], F_SETFL, 0);
  read(p[0], &c, 1);
  signals("pipe has room", p[1]);
  R(fcntl(fd, F_SETFL, O_ASYNC));
  flagbits("a file cannot", fd);
  close(s[0]);
}

static void leases(void) {
  syscall(SYS_close_range, 3, ~0U, 0);
  int rw = open("f", O_RDWR), fd, st;
  R(fcntl(rw, F_GETLEASE));
  R(fcntl(rw, F_SETLEASE, F_RDLCK));
  R(fcntl(rw, F_SETLEASE, F_WRLCK));
  R(fcntl(rw, F_GETLEASE));
  R(fcntl(rw, F_SETLEASE, F_UNLCK));
  R(fcntl(rw, F_SETLEASE, F_UNLCK));
  R(fcntl(rw, F_SETLEASE, 77));
  R(fcntl(open(".", O_RDONLY), F_SETLEASE, F_RDLCK) == -1 ? errno == EINVAL : 1);
  close(rw);
  fd = open("f", O_RDONLY);
  R(fcntl(fd, F_SETLEASE, F_RDLCK));
  R(fcntl(fd, F_GETLEASE));
  R(fcntl(fd, F_SETLEASE, F_WRLCK));
  got = 0;
  int other = open("f", O_RDONLY | O_NONBLOCK);
  ok("a reader that does not wait", other);
  signals("another reader", -1);
  close(other);
  R(open("f", O_WRONLY | O_NONBLOCK) >= 0 ? 0 : -1);
  signals("a writer that does not wait", -1);
  R(fcntl(fd, F_GETLEASE));
  R(fcntl(fd, F_SETLEASE, F_UNLCK));
  R(fcntl(fd, F_GETLEASE));
  other = open("f", O_WRONLY | O_NONBLOCK);
  ok("then it may", other);
  close(other);
  R(fcntl(fd, F_SETLEASE, F_WRLCK));
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    int k = open("f", O_RDONLY);
    _exit(k >= 0 ? 5 : errno);
  }
  msleep(60);
  signals("a reader of another process", -1);
  R(waitpid(p, &st, WNOHANG) > 0);
  R(fcntl(fd, F_GETLEASE));
  R(fcntl(fd, F_SETLEASE, F_RDLCK));
  waitpid(p, &st, 0);
  status("it goes on", st);
  R(fcntl(fd, F_GETLEASE));
  fflush(stdout);
  p = fork();
  if (p == 0) {
    close(fd);
    _exit(truncate("f", 5) ? errno : 6);
  }
  msleep(60);
  signals("truncate", -1);
  R(waitpid(p, &st, WNOHANG) > 0);
  close(fd);
  waitpid(p, &st, 0);
  status("closing ends the lease", st);
  fd = open("f", O_RDONLY);
  R(fcntl(fd, F_SETSIG, SIGRTMIN));
  R(fcntl(fd, F_SETLEASE, F_RDLCK));
  R(open("f", O_RDWR | O_NONBLOCK) >= 0 ? 0 : -1);
  signals("with F_SETSIG", fd);
  close(fd);
  fflush(stdout);
  p = fork();
  if (p == 0) {
    setresuid(1000, 1000, 1000);
    fd = open("f", O_RDONLY);
    _exit(fcntl(fd, F_SETLEASE, F_RDLCK) ? errno == EACCES ? 7 : errno : 8);
  }
  waitpid(p, &st, 0);
  status("not the owner", st);
}

static void notified(void) {
  enum { ACCESS = 1, MODIFY = 2, CREATE = 4, DELETE = 8, RENAME = 16, ATTRIB = 32 };
  unsigned multishot = 0x80000000;
  int d, fd;
  mkdir("watched", 0755);
  put("watched/old", "x");
  d = open("watched", O_RDONLY);
  fd = open("f", O_RDONLY);
  R(fcntl(fd, F_NOTIFY, CREATE));
  R(fcntl(d, F_SETSIG, SIGRTMIN));
  R(fcntl(d, F_NOTIFY, CREATE));
  put("watched/new", "");
  signals("created", d);
  put("watched/new2", "");
  signals("once only", d);
  R(fcntl(d, F_NOTIFY, CREATE | DELETE | MODIFY | RENAME | ATTRIB | multishot));
  put("watched/new3", "");
  signals("created", d);
  unlink("watched/new3");
  signals("deleted", d);
  rename("watched/new", "watched/newer");
  signals("renamed", d);
  chmod("watched/newer", 0600);
  signals("attributes", d);
  truncate("watched/old", 0);
  signals("modified", d);
  R(fcntl(d, F_NOTIFY, 0));
  unlink("watched/old");
  signals("no more", d);
  R(fcntl(d, F_SETSIG, 0));
  R(fcntl(d, F_NOTIFY, CREATE));
  put("watched/again", "");
  signals("by default", -1);
  close(d);
}

int main(void) {
  scratch();
  put("f", "0123456789");
  chmod(scratch_path, 0755);
  duplicates();
  statusflags();
  owners();
  leases();
  notified();
  scratch_remove();
  return 0;
}
