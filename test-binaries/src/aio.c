// io_setup(2), io_submit(2), io_getevents(2), io_pgetevents(2), io_cancel(2), io_destroy(2): requests, events, errors in their order.
// Not checked: events that are fetched without the kernel, O_DIRECT, priorities.
#include "t.h"
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/uio.h>

typedef unsigned long aio_context_t;
struct iocb {
  uint64_t aio_data; uint32_t aio_key, aio_rw_flags; uint16_t aio_lio_opcode; int16_t aio_reqprio; uint32_t aio_fildes; uint64_t aio_buf,
    aio_nbytes; int64_t aio_offset; uint64_t aio_reserved2; uint32_t aio_flags, aio_resfd;
};
struct io_event { uint64_t data, obj; int64_t res, res2; };
#define IOCB_FLAG_RESFD 1
static aio_context_t ctx;
static struct iocb one(int op, int fd, void *buf, size_t n, long long offset) {
  struct iocb b;
  memset(&b, 0, sizeof b);
  b.aio_data = 0x1122334455667788ULL, b.aio_lio_opcode = (uint16_t)op, b.aio_fildes = (uint32_t)fd, b.aio_buf = (uintptr_t)buf;
  b.aio_nbytes = n, b.aio_offset = offset;
  return b;
}
static long submit(struct iocb *b) {
  struct iocb *list[1] = {b};
  return syscall(SYS_io_submit, ctx, 1L, list);
}
static void event(void) {
  struct io_event e;
  struct timespec t = {1, 0};
  memset(&e, 0xff, sizeof e);
  long n = syscall(SYS_io_getevents, ctx, 1L, 1L, &e, &t);
  if (n == 1) show("  event", "%s data %llx, %lld %lld", e.res < 0 ? errname((int)-e.res) : "ok", (unsigned long long)e.data, (long long)e.res, (long long)e.res2);
  else show("  event", "%ld %s", n, n < 0 ? errname(errno) : "");
}
static void request(const char *what, struct iocb b) {
  if (ret(what, submit(&b)) == 1) event();
}
static void handler(int n) { (void)n; }

int main(void) {
  scratch();
  char buf[64] = "";
  aio_context_t c = 0;
  R(syscall(SYS_io_setup, 0, &c));
  R(syscall(SYS_io_setup, 1, 0));
  R(syscall(SYS_io_setup, 0x10000000, &c));
  R(syscall(SYS_io_setup, 100000, &c));
  c = 5;
  R(syscall(SYS_io_setup, 1, &c));
  R(syscall(SYS_io_setup, 4, &ctx));
  yes("a context", ctx != 0);
  aio_context_t other = 0;
  R(syscall(SYS_io_setup, 4, &other));
  yes("another one", other != 0 && other != ctx);
  R(syscall(SYS_io_destroy, other));
  R(syscall(SYS_io_destroy, other));
  R(syscall(SYS_io_destroy, 0L));
  R(syscall(SYS_io_destroy, -1L));

  int fd = open("file", O_RDWR | O_CREAT, 0644), rd = open("file", O_RDONLY), dir = open(".", O_RDONLY), path = open("file", O_PATH);
  request("write", one(1, fd, "0123456789", 10, 0));
  request("write further", one(1, fd, "abc", 3, 20));
  request("read", one(0, fd, buf, 8, 2));
  show("read", "%.8s", buf);
  request("read at the end", one(0, fd, buf, 8, 23));
  request("read part", one(0, fd, buf, 8, 20));
  show("position", "%lld", (long long)lseek(fd, 0, SEEK_CUR));
  struct iovec v[2] = {{buf, 3}, {buf + 10, 4}};
  memset(buf, 0, sizeof buf);
  request("readv", one(7, fd, v, 2, 0));
  show("read", "%s %s", buf, buf + 10);
  request("writev", one(8, fd, v, 2, 30));
  request("fsync", one(2, fd, 0, 0, 0));
  request("fdsync", one(3, fd, 0, 0, 0));
  request("fsync with a length", one(2, fd, 0, 1, 0));
  request("fsync of a directory", one(2, dir, 0, 0, 0));
  request("operation 4", one(4, fd, buf, 8, 0));
  request("operation 6", one(6, fd, buf, 8, 0));
  request("operation 99", one(99, fd, buf, 8, 0));
  request("bad descriptor", one(0, 99, buf, 8, 0));
  request("descriptor -1", one(0, -1, buf, 8, 0));
  request("O_PATH", one(0, path, buf, 8, 0));
  request("write to what is read", one(1, rd, buf, 8, 0));
  request("read a directory", one(0, dir, buf, 8, 0));
  request("negative offset", one(0, fd, buf, 8, -1));
  request("negative length", one(0, fd, buf, (size_t)-1, 0));
  request("bad buffer", one(0, fd, (void *)1, 8, 0));
  request("bad buffer to write", one(1, fd, (void *)1, 8, 0));
  request("too many vectors", one(7, fd, v, 2000, 0));
  request("nothing", one(0, fd, buf, 0, 0));
  struct iocb b = one(0, fd, buf, 1, 0);
  b.aio_reserved2 = 1;
  R(submit(&b));
  b.aio_reserved2 = 0, b.aio_rw_flags = 1 << 20;
  R(submit(&b));
  b.aio_rw_flags = 0, b.aio_key = 77;
  R(submit(&b));
  show("key", "%u", b.aio_key);
  event();
  R(submit((struct iocb *)1));
  R(syscall(SYS_io_submit, ctx, 1L, 0L));
  R(syscall(SYS_io_submit, ctx, -1L, 0L));
  R(syscall(SYS_io_submit, ctx, 0L, 0L));
  R(syscall(SYS_io_submit, 1L, 1L, 0L));
  R(syscall(SYS_io_submit, 1L, 0L, 0L));
  struct iocb good = one(0, fd, buf, 1, 0), bad = one(0, 99, buf, 1, 0), *list[4] = {&good, &bad, &good, &good};
  R(syscall(SYS_io_submit, ctx, 4L, list));
  event();
  list[1] = &good;
  R(syscall(SYS_io_submit, ctx, 3L, list));
  struct io_event events[8];
  struct timespec none = {0, 0}, soon = {0, 20000000}, wrong = {0, 2000000000};
  R(syscall(SYS_io_getevents, ctx, 1L, 2L, events, &none));
  R(syscall(SYS_io_getevents, ctx, 2L, 8L, events, &soon));
  R(syscall(SYS_io_getevents, ctx, 1L, 8L, events, &soon));
  R(syscall(SYS_io_getevents, ctx, 0L, 8L, events, 0L));
  R(syscall(SYS_io_getevents, ctx, 0L, 0L, events, 0L));
  R(syscall(SYS_io_getevents, ctx, 2L, 1L, events, 0L));
  R(syscall(SYS_io_getevents, ctx, -1L, 1L, events, 0L));
  R(syscall(SYS_io_getevents, ctx, 1L, 1L, events, &wrong));
  R(syscall(SYS_io_getevents, ctx, 1L, 1L, events, 1L));
  R(syscall(SYS_io_getevents, 1L, 1L, 1L, events, &none));
  submit(&good);
  R(syscall(SYS_io_getevents, ctx, 1L, 1L, 0L, &none));
  R(syscall(SYS_io_getevents, ctx, 1L, 1L, events, &none));

  // Told by an eventfd
  int ev = eventfd(0, EFD_NONBLOCK);
  uint64_t n = 0;
  good.aio_flags = IOCB_FLAG_RESFD, good.aio_resfd = (uint32_t)ev;
  submit(&good), submit(&good);
  R(read(ev, &n, 8));
  show("told", "%d", (int)n);
  event(), event();
  good.aio_resfd = (uint32_t)fd;
  R(submit(&good));
  good.aio_resfd = 99;
  R(submit(&good));
  good.aio_flags = 0;

  // Waiting for what a file has
  int p[2];
  pipe(p);
  struct iocb poll = one(5, p[0], (void *)POLLIN, 0, 0);
  R(submit(&poll));
  R(syscall(SYS_io_getevents, ctx, 1L, 1L, events, &soon));
  struct io_event result;
  R(syscall(SYS_io_cancel, ctx, &good, &result));
  R(syscall(SYS_io_cancel, 1L, &poll, &result));
  R(syscall(SYS_io_cancel, ctx, 1L, &result));
  fflush(stdout);
  if (fork() == 0) {
    msleep(30);
    write(p[1], "x", 1);
    _exit(0);
  }
  event();
  wait(0);
  request("poll of what is ready", one(5, p[0], (void *)(POLLIN | POLLRDNORM), 0, 0));
  request("poll for nothing that is", one(5, p[1], (void *)POLLOUT, 0, 0));
  request("poll with an offset", one(5, p[0], (void *)POLLIN, 0, 1));
  request("poll for too much", one(5, p[0], (void *)0x10001, 0, 0));
  request("read from a pipe", one(0, p[0], buf, 8, 0));
  request("write to a pipe", one(1, p[1], "yz", 2, 0));
  read(p[0], buf, 8);
  R(submit(&poll));
  R(syscall(SYS_io_cancel, ctx, &poll, &result));
  event();
  R(syscall(SYS_io_cancel, ctx, &poll, &result));
  poll.aio_key = 3;
  R(syscall(SYS_io_cancel, ctx, &poll, &result));
  // Signals
  struct sigaction a = {0};
  a.sa_handler = handler, a.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &a, 0);
  pid_t parent = getpid();
  fflush(stdout);
  if (fork() == 0) {
    msleep(30);
    kill(parent, SIGUSR1);
    _exit(0);
  }
  R(syscall(SYS_io_getevents, ctx, 1L, 1L, events, 0L));
  wait(0);
  sigset_t block;
  sigemptyset(&block), sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, 0);
  raise(SIGUSR1);
  unsigned long empty = 0;
  struct { unsigned long *mask; size_t size; } m = {&empty, 8};
  R(syscall(SYS_io_pgetevents, ctx, 1L, 1L, events, 0L, &m));
  R(syscall(SYS_io_pgetevents, ctx, 1L, 1L, events, &none, 0L));
  m.size = 4;
  R(syscall(SYS_io_pgetevents, ctx, 1L, 1L, events, &none, &m));
  R(syscall(SYS_io_pgetevents, ctx, 1L, 1L, events, &none, 1L));
  // Limits
  struct rlimit l = {100000, 100000};
  sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, 0);
  setrlimit(RLIMIT_FSIZE, &l);
  request("beyond the limit", one(1, fd, buf, 8, 200000));
  int app = open("file", O_WRONLY | O_APPEND);
  request("appending", one(1, app, buf, 1, 0));
  // Of a child
  fflush(stdout);
  if (fork() == 0) {
    R(submit(&good));
    _exit(0);
  }
  wait(0);
  R(syscall(SYS_io_destroy, ctx));
  R(submit(&good));
  scratch_remove();
  return 0;
}
