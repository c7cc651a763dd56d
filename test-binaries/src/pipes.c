// pipe(7): capacity, atomicity, end of file, EPIPE, O_NONBLOCK, readv/writev, FIFOs.
#include "t.h"
#include <sys/ioctl.h>
#include <sys/uio.h>
static char buffer[1 << 17];

int main(void) {
  scratch();
  signal(SIGPIPE, SIG_IGN);
  int p[2], q[2];
  char c, text[64] = {0};
  ret("pipe", pipe(p));
  show("descriptors", "%d %d", p[0], p[1]);
  ret("write", write(p[1], "hello world", 11));
  int n = 0;
  ret("FIONREAD", ioctl(p[0], FIONREAD, &n));
  show("bytes", "%d", n);
  ret("short read", read(p[0], text, 5));
  show("text", "%s", text);
  ret("rest", read(p[0], text, 64));
  show("text", "%s", text);
  ret("read of nothing", read(p[0], text, 0));
  ret("read from the write end", read(p[1], &c, 1));
  ret("write to the read end", write(p[0], "x", 1));
  ret("lseek", lseek(p[0], 0, SEEK_SET));
  ret("pread", pread(p[0], &c, 1, 0));
  ret("ftruncate", ftruncate(p[1], 0));
  struct stat st;
  fstat(p[0], &st);
  show("stat", "fifo %d, mode %o, size %ld", S_ISFIFO(st.st_mode), st.st_mode & 0777, (long)st.st_size);
  ret("capacity", fcntl(p[0], F_GETPIPE_SZ));
  fcntl(p[1], F_SETFL, O_NONBLOCK);
  fcntl(p[0], F_SETFL, O_NONBLOCK);
  ret("empty, non-blocking", read(p[0], &c, 1));
  ret("fill", write(p[1], buffer, sizeof buffer));
  ret("full", write(p[1], "x", 1));
  ret("drain 100", read(p[0], buffer, 100));
  ret("4096 do not fit: atomic", write(p[1], buffer, 4096));
  struct pollfd pf = {p[1], POLLOUT, 0};
  ret("poll for room", poll(&pf, 1, 0));
  ret("drain 3996 more", read(p[0], buffer, 3996));
  ret("poll for room", poll(&pf, 1, 0));
  ret("4096 fit", write(p[1], buffer, 4096));
  ret("partial write above PIPE_BUF", (read(p[0], buffer, 8192), write(p[1], buffer, 20000)));
  ret("shrink below the content", fcntl(p[0], F_SETPIPE_SZ, 4096));
  while (read(p[0], buffer, sizeof buffer) > 0) {}
  ret("shrink", fcntl(p[0], F_SETPIPE_SZ, 100));
  ret("grow", fcntl(p[0], F_SETPIPE_SZ, 100000));
  ret("fill one megabyte pipe", (fcntl(p[0], F_SETPIPE_SZ, 1 << 20), write(p[1], buffer, sizeof buffer)));
  close(p[1]);
  ret("read after the writer has gone", read(p[0], buffer, sizeof buffer));
  ret("end of file", read(p[0], &c, 1));
  ret("again", read(p[0], &c, 1));
  close(p[0]);

  ret("pipe2", pipe2(p, O_CLOEXEC | O_NONBLOCK));
  show("flags", "%d %d", fcntl(p[0], F_GETFD), (fcntl(p[1], F_GETFL) & O_NONBLOCK) != 0);
  show("access modes", "%d %d", fcntl(p[0], F_GETFL) & O_ACCMODE, fcntl(p[1], F_GETFL) & O_ACCMODE);
  close(p[0]);
  ret("no reader", write(p[1], "x", 1));
  ret("no reader, nothing to write", write(p[1], "x", 0));
  pf.fd = p[1];
  poll(&pf, 1, 0);
  show("poll without a reader", "%x", pf.revents);
  close(p[1]);
  ret("bad flags", pipe2(p, O_APPEND));
  ret("bad address", syscall(SYS_pipe2, 8, 0));

  // blocking: a writer larger than the pipe and a slow reader
  if (pipe(p) || pipe(q)) return 1;
  if (fork() == 0) {
    close(p[0]);
    for (unsigned i = 0; i < sizeof buffer; i++) buffer[i] = (char)(i * 7 + (i >> 8));
    long total = write(p[1], buffer, sizeof buffer);
    _exit(total == sizeof buffer ? 0 : 1);
  }
  close(p[1]);
  long total = 0, wrong = 0, r;
  while ((r = read(p[0], buffer, 1000)) > 0)
    for (long i = 0; i < r; i++, total++) wrong += buffer[i] != (char)(total * 7 + (total >> 8));
  show("128 KiB through a pipe", "%ld bytes, %ld wrong", total, wrong);
  int s;
  wait(&s);
  status("writer", s);
  close(p[0]);

  // several writers, records of PIPE_BUF are never torn
  if (pipe(p)) return 1;
  for (int k = 0; k < 4; k++)
    if (fork() == 0) {
      char record[512];
      memset(record, 'a' + k, sizeof record);
      for (int i = 0; i < 200; i++)
        if (write(p[1], record, sizeof record) != sizeof record) _exit(1);
      _exit(0);
    }
  close(p[1]);
  long records = 0, torn = 0;
  char record[512];
  for (;;) {
    size_t have = 0;
    while (have < sizeof record && (r = read(p[0], record + have, sizeof record - have)) > 0) have += (size_t)r;
    if (have < sizeof record) break;
    records++;
    for (unsigned i = 1; i < sizeof record; i++)
      if (record[i] != record[0]) { torn++; break; }
  }
  show("records of four writers", "%ld, %ld torn", records, torn);
  while (wait(0) > 0) {}
  close(p[0]);

  struct iovec v[3] = {{"one ", 4}, {"", 0}, {"two", 3}};
  if (pipe(p)) return 1;
  ret("writev", writev(p[1], v, 3));
  char a[3], b[10] = {0};
  struct iovec w[2] = {{a, 3}, {b, 9}};
  ret("readv", readv(p[0], w, 2));
  show("parts", "%.3s|%s", a, b);
  ret("writev of nothing", writev(p[1], v, 0));
  ret("too many parts", writev(p[1], v, 1025));
  ret("write from a bad address", write(p[1], (void *)8, 10));
  ret("nothing was written", (ioctl(p[0], FIONREAD, &n), n));
  ret("dup keeps it open", dup(p[1]));
  close(p[0]);
  close(p[1]);

  ret("mkfifo", mkfifo("fifo", 0640));
  stat("fifo", &st);
  show("fifo", "%d %o", S_ISFIFO(st.st_mode), st.st_mode & 0777);
  ret("writer without a reader", open("fifo", O_WRONLY | O_NONBLOCK));
  int rd = open("fifo", O_RDONLY | O_NONBLOCK);
  ok("reader without a writer", rd);
  ret("end of file, no writer", read(rd, &c, 1));
  int wr = open("fifo", O_WRONLY);
  ok("writer", wr);
  ret("empty now", read(rd, &c, 1));
  ret("through it", write(wr, "z", 1));
  ret("arrives", read(rd, &c, 1));
  close(wr);
  pf.fd = rd;
  pf.events = POLLIN;
  poll(&pf, 1, 0);
  show("hang-up", "%x", pf.revents);
  close(rd);
  if (fork() == 0) {
    int fd = open("fifo", O_WRONLY);
    _exit(write(fd, "late", 4) == 4 ? 0 : 1);
  }
  rd = open("fifo", O_RDONLY);
  memset(text, 0, sizeof text);
  ret("open waits for the other side", read(rd, text, 10));
  show("text", "%s", text);
  wait(0);
  scratch_remove();
  return 0;
}
