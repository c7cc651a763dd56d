// flock(2) and the record locks of fcntl(2): who excludes whom, what drops them.
#include "t.h"
#include <sys/file.h>
static int try_in_child(int (*f)(void)) {
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) _exit(f());
  int s;
  waitpid(p, &s, 0);
  return WEXITSTATUS(s);
}
static int op, start, len, kind;
static int try_flock(void) {
  int fd = open("f", O_RDWR);
  return flock(fd, op | LOCK_NB) ? errno : 0;
}
static int try_record(void) {
  int fd = open("f", O_RDWR);
  struct flock l = {.l_type = (short)kind, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
  return fcntl(fd, F_SETLK, &l) ? errno : 0;
}
static void result(const char *what, int e) { show(what, "%s", e ? errname(e) : "granted"); }
static void other_flock(const char *what, int o) { op = o; result(what, try_in_child(try_flock)); }
static void other(const char *what, int k, int s, int l) { kind = k; start = s; len = l; result(what, try_in_child(try_record)); }
static int set(int fd, int cmd, int k, int s, int l) {
  struct flock x = {.l_type = (short)k, .l_whence = SEEK_SET, .l_start = s, .l_len = l};
  return fcntl(fd, cmd, &x);
}
static pid_t holder;
static int ask(void) {
  int fd = open("f", O_RDWR);
  struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
  fcntl(fd, F_GETLK, &l);
  if (l.l_type == F_UNLCK) return 0;
  show("  held", "%s from %ld for %ld by %s", l.l_type == F_RDLCK ? "read" : "write", (long)l.l_start, (long)l.l_len, l.l_pid == holder ? "the parent" : l.l_pid == -1 ? "an open file" : "?");
  fflush(stdout);
  return 1;
}

int main(void) {
  scratch();
  put("f", "0123456789");
  holder = getpid();
  int a = open("f", O_RDWR), b = open("f", O_RDWR);
  ret("flock shared", flock(a, LOCK_SH));
  ret("another shared", flock(b, LOCK_SH | LOCK_NB));
  ret("upgrade is refused", flock(a, LOCK_EX | LOCK_NB));
  other_flock("child exclusive", LOCK_EX);
  other_flock("child shared", LOCK_SH);
  ret("unlock", flock(b, LOCK_UN));
  ret("upgrade", flock(a, LOCK_EX | LOCK_NB));
  other_flock("child shared", LOCK_SH);
  ret("another open file of the same process", flock(b, LOCK_EX | LOCK_NB));
  int d = dup(a);
  close(a);
  other_flock("held by a dup", LOCK_EX);
  close(d);
  other_flock("gone with the last", LOCK_EX);
  ret("bad operation", flock(b, 77));
  ret("bad descriptor", flock(99, LOCK_SH));
  a = open("f", O_RDONLY);
  ret("exclusive on a read-only file", flock(a, LOCK_EX | LOCK_NB));
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    flock(a, LOCK_UN); // the same open file: this drops the parent's
    _exit(0);
  }
  waitpid(p, 0, 0);
  other_flock("dropped by a child that inherited it", LOCK_EX);
  flock(a, LOCK_EX);
  p = fork();
  if (p == 0) {
    int fd = open("f", O_RDWR);
    _exit(flock(fd, LOCK_EX) ? 1 : 42);
  }
  msleep(50);
  int s;
  ret("a waiter waits", waitpid(p, &s, WNOHANG));
  flock(a, LOCK_UN);
  waitpid(p, &s, 0);
  status("until it is released", s);
  close(a);
  close(b);

  a = open("f", O_RDWR);
  ret("write lock 0-4", set(a, F_SETLK, F_WRLCK, 0, 5));
  other("child write 0-4", F_WRLCK, 0, 5);
  other("child read 4-4", F_RDLCK, 4, 1);
  other("child write 5-9", F_WRLCK, 5, 5);
  other("child write all", F_WRLCK, 0, 0);
  start = 0; len = 0;
  show("F_GETLK", "%d", try_in_child(ask));
  ret("turn the middle into a read lock", set(a, F_SETLK, F_RDLCK, 2, 1));
  other("child read 2", F_RDLCK, 2, 1);
  other("child write 2", F_WRLCK, 2, 1);
  other("child read 1", F_RDLCK, 1, 1);
  start = 2; len = 1;
  show("F_GETLK", "%d", try_in_child(ask));
  start = 3; len = 0;
  show("F_GETLK", "%d", try_in_child(ask));
  ret("unlock the first two", set(a, F_SETLK, F_UNLCK, 0, 2));
  other("child write 0-1", F_WRLCK, 0, 2);
  other("child write 3", F_WRLCK, 3, 1);
  b = open("f", O_RDWR);
  close(b);
  other("any close drops all", F_WRLCK, 0, 0);
  ret("to the end", set(a, F_SETLK, F_WRLCK, 5, 0));
  other("child far beyond", F_WRLCK, 1000, 1);
  other("child before", F_WRLCK, 0, 5);
  set(a, F_SETLK, F_UNLCK, 0, 0);
  ret("negative length", set(a, F_SETLK, F_WRLCK, 5, -3));
  other("it covers 2-4", F_WRLCK, 2, 1);
  other("not 5", F_WRLCK, 5, 1);
  ret("negative start", set(a, F_SETLK, F_WRLCK, 2, -5));
  ret("bad type", set(a, F_SETLK, 77, 0, 0));
  set(a, F_SETLK, F_UNLCK, 0, 0);
  int ro = open("f", O_RDONLY), wo = open("f", O_WRONLY);
  ret("write lock on a read-only file", set(ro, F_SETLK, F_WRLCK, 0, 1));
  ret("read lock on a write-only file", set(wo, F_SETLK, F_RDLCK, 0, 1));
  ret("own locks never conflict", (set(a, F_SETLK, F_WRLCK, 0, 0), set(wo, F_SETLK, F_WRLCK, 0, 0)));
  fflush(stdout);
  p = fork();
  if (p == 0) {
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    fcntl(a, F_GETLK, &l);
    _exit(l.l_type == F_UNLCK ? 0 : 1);
  }
  waitpid(p, &s, 0);
  status("not inherited by fork", s);
  p = fork();
  if (p == 0) {
    int fd = open("f", O_RDWR);
    _exit(set(fd, F_SETLKW, F_WRLCK, 0, 0) ? 1 : 43);
  }
  msleep(50);
  set(a, F_SETLK, F_UNLCK, 0, 0);
  waitpid(p, &s, 0);
  status("F_SETLKW gets it", s);

  // deadlock: each holds one byte and wants the other's
  int go[2];
  pipe(go);
  set(a, F_SETLK, F_WRLCK, 0, 1);
  p = fork();
  if (p == 0) {
    int fd = open("f", O_RDWR);
    set(fd, F_SETLK, F_WRLCK, 1, 1);
    write(go[1], "x", 1);
    _exit(set(fd, F_SETLKW, F_WRLCK, 0, 1) ? 1 : 0);
  }
  char c;
  read(go[0], &c, 1);
  msleep(50);
  ret("deadlock", set(a, F_SETLKW, F_WRLCK, 1, 1));
  set(a, F_SETLK, F_UNLCK, 0, 0);
  waitpid(p, &s, 0);
  status("the other gets it", s);

  // open file description locks
  struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  ret("F_OFD_SETLK", fcntl(a, F_OFD_SETLK, &l));
  b = open("f", O_RDWR);
  l.l_pid = 0;
  ret("another open file of the same process", fcntl(b, F_OFD_SETLK, &l));
  other("a record lock of another process", F_WRLCK, 0, 0);
  start = len = 0;
  show("F_GETLK", "%d", try_in_child(ask));
  close(b);
  other("closing another does not drop it", F_WRLCK, 0, 0);
  close(a);
  other("closing its own does", F_WRLCK, 0, 0);
  scratch_remove();
  return 0;
}
