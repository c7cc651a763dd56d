// sendfile(2), copy_file_range(2), splice(2), tee(2), vmsplice(2): what may go where, offsets, the order of errors.
// Not checked: sockets (see unix), SPLICE_F_GIFT's effect on the caller's pages.
#include "t.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
static char buf[200000] __attribute__((aligned(4096)));
static void text(const char *what, int fd) {
  char t[100];
  ssize_t n = pread(fd, t, sizeof t - 1, 0);
  t[n < 0 ? 0 : n] = 0;
  for (char *p = t; p < t + n; p++) if (*p == 0) *p = '.';
  show(what, "%d '%s'", (int)n, t);
}
static void take(const char *what, int fd) {
  char t[100];
  ssize_t n = read(fd, t, sizeof t - 1);
  if (n < 0) ret(what, n);
  else show(what, "%d '%.*s'", (int)n, (int)n, t);
}
static long cfr(int in, off_t *ip, int out, off_t *op, size_t n, unsigned flags) {
  return syscall(SYS_copy_file_range, in, ip, out, op, n, flags);
}
static void sends(void) {
  int in = open("f", O_RDONLY), wr = open("f", O_WRONLY), out = open("o", O_CREAT | O_RDWR | O_TRUNC, 0644), p[2], q[2];
  pipe2(p, O_NONBLOCK);
  pipe2(q, O_NONBLOCK);
  off_t at = 2;
  R(sendfile(out, in, 0, 4));
  R(lseek(in, 0, SEEK_CUR));
  R(lseek(out, 0, SEEK_CUR));
  R(sendfile(out, in, &at, 3));
  show("offset", "%ld", (long)at);
  R(lseek(in, 0, SEEK_CUR));
  text("copied", out);
  at = 8;
  R(sendfile(out, in, &at, 100));
  R(sendfile(out, in, &at, 100));
  R(sendfile(out, in, &at, 0));
  at = -1;
  R(sendfile(out, in, &at, 1));
  R(sendfile(-1, in, 0, 1));
  R(sendfile(out, -1, 0, 1));
  R(sendfile(out, wr, 0, 1));
  R(sendfile(in, in, 0, 1));
  R(sendfile(out, in, (off_t *)1, 1));
  R(sendfile(out, open(".", O_RDONLY), 0, 1));
  R(sendfile(open("o", O_WRONLY | O_APPEND), in, 0, 1));
  R(sendfile(p[1], in, 0, 100));
  take("through the pipe", p[0]);
  lseek(in, 0, SEEK_SET);
  R(sendfile(p[1], in, 0, 100));
  take("through the pipe", p[0]);
  R(sendfile(out, p[0], 0, 1));
  at = 0;
  R(sendfile(out, p[0], &at, 1));
  write(p[1], "pipe", 4);
  R(sendfile(q[1], p[0], 0, 10));
  R(sendfile(out, open("/dev/zero", O_RDONLY), 0, 5));
  R(sendfile(open("/dev/null", O_WRONLY), in, 0, 5));
  at = 0;
  R(sendfile(open("/dev/null", O_WRONLY), in, &at, 5));
  close(p[0]);
  close(p[1]);
  pipe2(p, O_NONBLOCK);
  int big = open("big", O_CREAT | O_RDWR, 0644);
  ftruncate(big, 200000);
  R(sendfile(p[1], big, 0, 200000));
  R(sendfile(p[1], big, 0, 200000));
  R(lseek(big, 0, SEEK_CUR));
  close(p[0]);
  signal(SIGPIPE, SIG_IGN);
  R(sendfile(p[1], big, 0, 200000));
  close(p[1]);
  close(q[0]);
  close(q[1]);
}
static void ranges(void) {
  int in = open("f", O_RDONLY), wr = open("f", O_WRONLY), out = open("c", O_CREAT | O_RDWR | O_TRUNC, 0644), p[2];
  pipe(p);
  off_t a = 1, b = 3;
  R(cfr(in, 0, out, 0, 4, 0));
  R(lseek(in, 0, SEEK_CUR));
  R(lseek(out, 0, SEEK_CUR));
  R(cfr(in, &a, out, &b, 5, 0));
  show("offsets", "%ld %ld", (long)a, (long)b);
  text("copied", out);
  R(cfr(in, &a, out, &b, 100, 0));
  R(cfr(in, &a, out, &b, 100, 0));
  R(cfr(in, &a, out, &b, 0, 0));
  a = 100;
  R(cfr(in, &a, out, &b, 5, 0));
  a = -1;
  R(cfr(in, &a, out, &b, 5, 0));
  a = 0;
  b = -1;
  R(cfr(in, &a, out, &b, 5, 0));
  R(cfr(-1, 0, out, 0, 1, 0));
  R(cfr(in, 0, -1, 0, 1, 0));
  R(cfr(-1, 0, out, 0, 1, 7));
  R(cfr(in, 0, out, 0, 1, 7));
  R(cfr(wr, 0, out, 0, 1, 0));
  R(cfr(in, 0, in, 0, 1, 0));
  R(cfr(open(".", O_RDONLY), 0, out, 0, 1, 0));
  R(cfr(in, 0, open(".", O_RDONLY), 0, 1, 0));
  R(cfr(p[0], 0, out, 0, 1, 0));
  R(cfr(in, 0, p[1], 0, 1, 0));
  R(cfr(in, 0, open("/dev/null", O_WRONLY), 0, 1, 0));
  R(cfr(in, (off_t *)1, out, 0, 1, 0));
  R(cfr(in, 0, open("c", O_WRONLY | O_APPEND), 0, 1, 0));
  int rw = open("c", O_RDWR);
  a = 0;
  b = 2;
  R(cfr(rw, &a, rw, &b, 5, 0));
  b = 5;
  R(cfr(rw, &a, rw, &b, 5, 0));
  text("within one file", rw);
  a = 0;
  b = 100000;
  R(cfr(in, &a, out, &b, 3, 0));
  R(lseek(out, 0, SEEK_END));
  struct rlimit old, l = {50, RLIM_INFINITY};
  getrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &l);
  a = 0;
  b = 48;
  R(cfr(in, &a, out, &b, 5, 0));
  R(cfr(in, &a, out, &b, 5, 0));
  setrlimit(RLIMIT_FSIZE, &old);
  a = 0;
  R(cfr(open("/proc/self/status", O_RDONLY), &a, out, 0, 5, 0));
}
static void splices(void) {
  int in = open("f", O_RDONLY), out = open("s", O_CREAT | O_RDWR | O_TRUNC, 0644), p[2], q[2];
  pipe2(p, O_NONBLOCK);
  pipe2(q, O_NONBLOCK);
  off_t at = 3;
  R(splice(in, 0, p[1], 0, 4, 0));
  R(splice(in, &at, p[1], 0, 4, 0));
  show("offset", "%ld", (long)at);
  R(lseek(in, 0, SEEK_CUR));
  at = 2;
  R(splice(p[0], 0, out, &at, 6, 0));
  show("offset", "%ld", (long)at);
  R(lseek(out, 0, SEEK_CUR));
  R(splice(p[0], 0, out, 0, 100, 0));
  text("spliced", out);
  R(splice(p[0], 0, out, 0, 100, SPLICE_F_NONBLOCK));
  R(splice(in, 0, out, 0, 1, 0));
  R(splice(-1, 0, p[1], 0, 1, 0));
  R(splice(in, 0, -1, 0, 1, 0));
  R(splice(-1, 0, -1, 0, 0, 0));
  R(splice(in, 0, p[1], 0, 1, 0x10));
  R(splice(in, &at, p[0], 0, 1, 0));
  R(splice(p[1], 0, out, 0, 1, 0));
  R(splice(in, 0, p[1], &at, 1, 0));
  R(splice(p[0], &at, out, 0, 1, 0));
  R(splice(p[0], 0, p[1], 0, 1, 0));
  R(splice(in, (off_t *)1, p[1], 0, 1, 0));
  R(splice(p[0], 0, open("s", O_WRONLY | O_APPEND), 0, 1, 0));
  R(splice(open("f", O_WRONLY), 0, p[1], 0, 1, 0));
  R(splice(p[0], 0, open("f", O_RDONLY), 0, 1, 0));
  at = -1;
  R(splice(in, &at, p[1], 0, 1, 0));
  at = 100;
  R(splice(in, &at, p[1], 0, 1, 0));
  R(splice(open(".", O_RDONLY), 0, p[1], 0, 1, 0));
  write(p[1], "abcdef", 6);
  R(splice(p[0], 0, q[1], 0, 4, 0));
  take("pipe to pipe", q[0]);
  take("the rest", p[0]);
  R(splice(open("/dev/zero", O_RDONLY), 0, p[1], 0, 10, 0));
  R(splice(p[0], 0, open("/dev/null", O_WRONLY), 0, 10, 0));
  write(p[1], "abc", 3);
  R(tee(p[0], q[1], 100, 0));
  take("teed", q[0]);
  take("still there", p[0]);
  R(tee(p[0], q[1], 100, 0));
  R(tee(p[0], p[1], 1, 0));
  R(tee(in, q[1], 1, 0));
  R(tee(p[0], out, 1, 0));
  R(tee(-1, q[1], 1, 0));
  R(tee(p[1], q[1], 1, 0));
  R(tee(p[0], q[1], 0, 0));
  R(tee(p[0], q[1], 1, 0x100));
  struct iovec v[2] = {{"vm", 2}, {"splice", 6}};
  R(vmsplice(p[1], v, 2, 0));
  take("vmspliced", p[0]);
  R(vmsplice(p[1], v, 0, 0));
  R(vmsplice(p[1], v, 2, 0x10));
  R(vmsplice(-1, v, 1, 0));
  R(vmsplice(in, v, 1, 0));
  R(vmsplice(p[1], v, 1025, 0));
  R(vmsplice(p[1], (struct iovec *)1, 1, 0));
  struct iovec bad = {(void *)1, 10};
  R(vmsplice(p[1], &bad, 1, 0));
  write(p[1], "to the user", 11);
  char a[4], b[20];
  struct iovec r[2] = {{a, 3}, {b, 20}};
  R(vmsplice(p[0], r, 2, 0));
  show("read", "%.3s|%.8s", a, b);
  R(vmsplice(p[0], r, 2, SPLICE_F_NONBLOCK));
  struct iovec big = {buf, sizeof buf};
  R(vmsplice(p[1], &big, 1, SPLICE_F_NONBLOCK));
  R(vmsplice(p[1], &big, 1, SPLICE_F_NONBLOCK));
  close(p[0]);
  R(vmsplice(p[1], v, 1, 0));
  R(splice(in, 0, p[1], 0, 1, 0));
  close(p[1]);
  pipe(p);
  close(p[1]);
  R(splice(p[0], 0, out, 0, 1, 0));
  R(tee(p[0], q[1], 1, 0));
  R(vmsplice(p[0], r, 1, 0));
  close(p[0]);
  // blocking: the other side comes later
  pipe(p);
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    msleep(30);
    write(p[1], "late", 4);
    _exit(0);
  }
  lseek(out, 0, SEEK_SET);
  R(splice(p[0], 0, out, 0, 100, 0));
  waitpid(c, 0, 0);
}
int main(void) {
  scratch();
  put("f", "0123456789");
  sends();
  ranges();
  splices();
  scratch_remove();
  return 0;
}
