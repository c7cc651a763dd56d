// read(2), write(2), their positioned and vectored forms with their flags, lseek(2) with SEEK_DATA and SEEK_HOLE, file size
// limits, and the order of errors. Not checked: RWF_ATOMIC, RWF_DONTCACHE, files beyond 2^53 bytes.
#include "t.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
static char buf[20000], *guard; // guard: a page that may be used, followed by one that may not
static volatile int xfsz;
static void onxfsz(int s) { (void)s; xfsz++; }
#define NIL ((void *)0)
#define BAD ((void *)1)
static long pv2(int out, int fd, struct iovec *v, int n, off_t at, int flags) {
  return syscall(out ? SYS_pwritev2 : SYS_preadv2, fd, v, (long)n, (long)at, 0L, (long)flags);
}
static void text(const char *what, int fd) {
  char t[100];
  ssize_t n = pread(fd, t, sizeof t - 1, 0);
  t[n < 0 ? 0 : n] = 0;
  for (char *p = t; p < t + n; p++) if (*p == 0) *p = '.';
  show(what, "%d '%s'", (int)n, t);
}
static long size_of(int fd) {
  struct stat s;
  fstat(fd, &s);
  return s.st_size;
}

static void errors(void) {
  int r = open("f", O_RDONLY), w = open("f", O_WRONLY), d = open(".", O_RDONLY), p[2];
  pipe(p);
  R(read(-1, buf, 1));
  R(read(-1, BAD, 1));
  R(read(w, BAD, 1));
  R(read(r, BAD, 1));
  R(read(r, BAD, 0));
  R(read(r, NIL, 0));
  R(read(d, buf, 1));
  R(read(d, buf, 0));
  R(read(d, BAD, 1));
  R(read(r, (void *)-1L, 1));
  R(read(r, buf, (size_t)-1));
  R(read(r, buf, (size_t)1 << 62));
  R(write(-1, buf, 1));
  R(write(r, BAD, 1));
  R(write(w, BAD, 1));
  R(write(w, BAD, 0));
  R(write(d, buf, 1));
  R(write(w, buf, (size_t)-1));
  R(pread(r, buf, 1, -1));
  R(pread(-1, buf, 1, -1));
  R(pread(w, buf, 1, 0));
  R(pread(p[0], buf, 1, 0));
  R(pread(p[0], buf, 0, 0));
  R(pread(d, buf, 1, 0));
  R(pread(r, BAD, 1, 0));
  R(pread(r, BAD, 1, 100));
  R(pread(r, buf, 4, 100));
  R(pwrite(w, buf, 1, -1));
  R(pwrite(r, buf, 1, 0));
  R(pwrite(p[1], buf, 1, 0));
  R(pwrite(w, BAD, 1, 0));
  R(pwrite(w, buf, 0, 1000));
  R(size_of(w));
  R(lseek(-1, 0, SEEK_SET));
  R(lseek(p[0], 0, SEEK_SET));
  R(lseek(p[0], 0, 77));
  R(lseek(r, 0, 77));
  R(lseek(r, -1, SEEK_SET));
  R(lseek(r, 5, SEEK_SET));
  R(lseek(r, -6, SEEK_CUR));
  R(lseek(r, -5, SEEK_CUR));
  R(lseek(r, -10, SEEK_END));
  R(lseek(r, -11, SEEK_END));
  R(lseek(r, 5, SEEK_END));
  R(read(r, buf, 1));
  R(lseek(r, 0, SEEK_CUR));
  R(lseek(d, 0, SEEK_SET));
  R(lseek(d, 0, SEEK_END) == -1 ? -1 : 0);
  R(lseek(d, -1, SEEK_SET));
  close(p[0]);
  close(p[1]);
  close(r);
  close(w);
  close(d);
}

static void vectors(void) {
  int fd = open("v", O_CREAT | O_RDWR | O_TRUNC, 0644), p[2];
  struct iovec v[4] = {{"abc", 3}, {"", 0}, {"defg", 4}, {"hij", 3}};
  R(writev(fd, v, 4));
  R(writev(fd, v, 0));
  R(writev(fd, v, -1));
  R(writev(fd, v, 1025));
  R(writev(fd, (struct iovec *)BAD, 1));
  R(writev(-1, (struct iovec *)BAD, 1));
  R(writev(fd, (struct iovec *)BAD, 0));
  struct iovec half[2] = {{"klm", 3}, {BAD, 3}};
  R(writev(fd, half, 2));
  struct iovec bad_first[2] = {{BAD, 3}, {"klm", 3}};
  R(writev(fd, bad_first, 2));
  struct iovec negative[2] = {{"xyz", 3}, {"xyz", (size_t)-1}};
  R(writev(fd, negative, 2));
  R(readv(fd, negative, 2));
  text("written", fd);
  lseek(fd, 0, SEEK_SET);
  char a[3], b[5];
  struct iovec in[2] = {{a, 3}, {b, 5}};
  R(readv(fd, in, 2));
  show("read", "%.3s %.5s", a, b);
  R(readv(fd, in, 2));
  R(readv(fd, in, 2));
  R(readv(fd, in, -1));
  R(readv(fd, in, 1025));
  R(preadv(fd, in, 2, 2));
  show("read", "%.3s %.5s", a, b);
  R(preadv(fd, in, 2, -1));
  R(preadv(-1, in, 2, -1));
  R(pwritev(fd, v, 1, 1));
  R(pwritev(fd, v, 1, -1));
  text("after pwritev", fd);
  struct iovec in_bad[2] = {{a, 3}, {BAD, 5}};
  R(preadv(fd, in_bad, 2, 0));
  struct iovec bad_in[2] = {{BAD, 3}, {a, 3}};
  R(preadv(fd, bad_in, 2, 0));
  struct iovec zero_bad[2] = {{BAD, 0}, {a, 3}};
  R(preadv(fd, zero_bad, 2, 0));
  pipe(p);
  R(preadv(p[0], in, 1, 0));
  R(pwritev(p[1], v, 1, 0));
  R(writev(p[1], v, 4));
  R(readv(p[0], in, 2));
  show("from the pipe", "%.3s %.5s", a, b);
  R(writev(p[1], half, 2));
  R(read(p[0], buf, 100));
  // a transfer that begins in memory that may be used and ends in what may not
  R(write(fd, guard + 4090, 10));
  R(write(p[1], guard + 4090, 10));
  R(pread(fd, guard + 4092, 8, 0));
  close(p[1]);
  R(read(p[0], buf, 100));
  R(read(p[0], buf, 100));
  close(p[0]);
  lseek(fd, 3, SEEK_SET);
  R(pv2(0, fd, in, 1, -1, 0));
  R(lseek(fd, 0, SEEK_CUR));
  R(pv2(0, fd, in, 1, 0, 0));
  R(lseek(fd, 0, SEEK_CUR));
  R(pv2(0, fd, in, 1, -2, 0));
  R(pv2(0, fd, in, 1, 0, 1 << 20));
  R(pv2(0, -1, in, 1, 0, 1 << 20));
  R(pv2(1, fd, v, 1, 0, 1 << 20));
  R(pv2(0, fd, in, 1, 0, 1));
  R(pv2(0, fd, in, 1, 0, 8));
  R(pv2(0, fd, in, 1, 0, 16));
  R(pv2(1, fd, v, 1, 0, 2));
  R(pv2(1, fd, v, 1, 0, 4));
  long size = size_of(fd);
  R(pv2(1, fd, v, 1, 0, 16));
  yes("RWF_APPEND appends", size_of(fd) == size + 3);
  R(lseek(fd, 0, SEEK_CUR));
  R(pv2(1, fd, v, 1, -1, 16));
  yes("and moves the position", lseek(fd, 0, SEEK_CUR) == size + 6);
  close(fd);
  fd = open("v", O_RDWR | O_APPEND);
  R(pv2(1, fd, v, 1, 0, 16));
  R(pv2(1, fd, v, 1, 0, 32));
  text("RWF_NOAPPEND", fd);
  R(pv2(1, fd, v, 1, 0, 48));
  lseek(fd, 0, SEEK_SET);
  R(write(fd, "end", 3));
  R(lseek(fd, 0, SEEK_CUR) == size_of(fd) ? 0 : -1);
  R(pwrite(fd, "X", 1, 0));
  pread(fd, a, 1, 0);
  show("pwrite with O_APPEND", "%c", a[0] == 'X' ? 'X' : '-');
  close(fd);
}

static void holes(void) {
  int fd = open("h", O_CREAT | O_RDWR | O_TRUNC, 0644);
  R(lseek(fd, 0, SEEK_DATA));
  R(lseek(fd, 0, SEEK_HOLE));
  pwrite(fd, "x", 1, 100000);
  R(lseek(fd, 0, SEEK_DATA));
  R(lseek(fd, 0, SEEK_HOLE));
  R(lseek(fd, 98304, SEEK_DATA));
  R(lseek(fd, 98304, SEEK_HOLE));
  R(lseek(fd, 100000, SEEK_HOLE));
  R(lseek(fd, 100001, SEEK_HOLE));
  R(lseek(fd, 100001, SEEK_DATA));
  R(lseek(fd, -1, SEEK_DATA));
  ftruncate(fd, 200000);
  R(lseek(fd, 100001, SEEK_HOLE));
  R(lseek(fd, 150000, SEEK_DATA));
  R(lseek(fd, 150000, SEEK_HOLE));
  struct stat s;
  fstat(fd, &s);
  show("blocks", "%ld", (long)s.st_blocks);
  int d = open(".", O_RDONLY);
  R(lseek(d, 0, SEEK_DATA));
  close(d);
  memset(buf, 'y', sizeof buf);
  R(pread(fd, buf, 10, 50000));
  yes("a hole is zero", buf[0] == 0 && buf[9] == 0 && buf[10] == 'y');
  close(fd);
}

static void limits(void) {
  int fd = open("big", O_CREAT | O_RDWR | O_TRUNC, 0644), p[2];
  struct rlimit old, l = {1000, RLIM_INFINITY};
  getrlimit(RLIMIT_FSIZE, &old);
  struct sigaction sa = {.sa_handler = onxfsz};
  sigaction(SIGXFSZ, &sa, 0);
  setrlimit(RLIMIT_FSIZE, &l);
  R(write(fd, buf, 900));
  R(write(fd, buf, 200));
  show("signals", "%d", xfsz);
  R(write(fd, buf, 1));
  show("signals", "%d", xfsz);
  R(write(fd, buf, 0));
  R(pwrite(fd, buf, 1, 5000));
  R(pwrite(fd, buf, 10, 995));
  show("signals", "%d", xfsz);
  R(ftruncate(fd, 1000));
  R(ftruncate(fd, 1001));
  R(truncate("big", 2000));
  show("signals", "%d", xfsz);
  R(posix_fallocate(fd, 0, 2000));
  show("signals", "%d", xfsz);
  struct iovec v[2] = {{buf, 600}, {buf, 600}};
  R(pwritev(fd, v, 2, 0));
  pipe(p);
  R(write(p[1], buf, 2000));
  l.rlim_cur = 0;
  setrlimit(RLIMIT_FSIZE, &l);
  R(open("zero", O_CREAT | O_WRONLY, 0644) >= 0 ? 0 : -1);
  R(write(open("zero", O_WRONLY), "x", 1));
  show("signals", "%d", xfsz);
  setrlimit(RLIMIT_FSIZE, &old);
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    signal(SIGXFSZ, SIG_DFL);
    l.rlim_cur = 10;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_FSIZE, &l);
    pwrite(fd, "x", 1, 10);
    _exit(0);
  }
  int st;
  waitpid(c, &st, 0);
  status("by default", st);
  signal(SIGXFSZ, SIG_IGN);
  l.rlim_cur = 10;
  setrlimit(RLIMIT_FSIZE, &l);
  R(pwrite(fd, "x", 1, 10));
  setrlimit(RLIMIT_FSIZE, &old);
  R(ftruncate(fd, -1));
  R(ftruncate(-1, -1));
  R(truncate("missing", -1));
  R(truncate("missing", 0));
  R(truncate(".", 0));
  R(truncate("", 0));
  R(truncate((char *)1, 0));
  R(truncate("big/x", 0));
  R(ftruncate(p[1], 0));
  R(ftruncate(open("big", O_RDONLY), 0));
  R(ftruncate(open(".", O_RDONLY), 0));
  R(truncate("/dev/null", 0));
  R(pwrite(fd, "x", 1, 0x7fffffffffffffffL));
  R(ftruncate(fd, 0));
  R(size_of(fd));
}

static void pipes(void) {
  int p[2];
  pipe2(p, O_NONBLOCK);
  signal(SIGPIPE, SIG_IGN);
  R(read(p[0], buf, 1));
  R(read(p[1], buf, 1));
  R(write(p[0], buf, 1));
  R(write(p[1], buf, 0));
  R(read(p[0], buf, 0));
  R(read(p[0], BAD, 1));
  R(write(p[1], BAD, 1));
  long n = 0, k;
  while ((k = write(p[1], buf, 4096)) > 0) n += k;
  show("room", "%ld", n);
  R(write(p[1], buf, 1));
  R(read(p[0], buf, 4096));
  R(write(p[1], buf, 5000));
  close(p[0]);
  R(write(p[1], buf, 1));
  R(write(p[1], buf, 0));
  close(p[1]);
}

int main(void) {
  scratch();
  put("f", "0123456789");
  guard = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(guard + 4096, 4096);
  memset(guard, 'g', 4096);
  errors();
  vectors();
  holes();
  limits();
  pipes();
  scratch_remove();
  return 0;
}
