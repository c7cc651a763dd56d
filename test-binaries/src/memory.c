// mmap(2) and its family in the corners: flags and their errors, files and their ends, sharing across fork, mremap, mprotect,
// madvise, mincore, msync, mlock, limits, memfd_create(2) with seals. Not checked: huge pages, NUMA, addresses beyond 4 GiB.
#include "t.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#define PAGE 4096L
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define MAP_SHARED_VALIDATE_ 3
static sigjmp_buf jump;
static volatile int code, signo;
static void onfault(int s, siginfo_t *i, void *c) {
  (void)c;
  signo = s;
  code = i->si_code;
  siglongjmp(jump, 1);
}
static char touch_byte;
static void reads(const char *what, const volatile char *p) {
  if (sigsetjmp(jump, 1)) show(what, "%s %d", signame(signo), code);
  else {
    touch_byte = *p;
    show(what, "read %d", touch_byte);
  }
}
static void writes(const char *what, volatile char *p) {
  if (sigsetjmp(jump, 1)) show(what, "%s %d", signame(signo), code);
  else {
    *p = 1;
    show(what, "written");
  }
}
static long map(const char *what, void *p) {
  if (p == MAP_FAILED) return ret(what, -1);
  show(what, "mapped");
  return 0;
}
#define M(call) map(#call, call)
static char *anon(long n) { return mmap(0, (size_t)n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static int in_child(void (*f)(void)) {
  fflush(stdout);
  pid_t p = fork();
  int s;
  if (p == 0) {
    f();
    _exit(0);
  }
  waitpid(p, &s, 0);
  return s;
}

static int rw, ro, wo, dir, dz;
static void errors(void) {
  M(mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  M(mmap(0, (size_t)-PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  M(mmap(0, (size_t)-1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, 999, 0));
  M(mmap(0, PAGE, PROT_READ, 0, rw, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 999, 0));
  R(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, rw, 1) == MAP_FAILED ? -1 : 0);
  R(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, rw, 1L));
  M(mmap((void *)1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  M(mmap(0, PAGE, PROT_WRITE, MAP_SHARED, ro, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_SHARED, ro, 0));
  M(mmap(0, PAGE, PROT_WRITE, MAP_PRIVATE, ro, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_SHARED, wo, 0));
  M(mmap(0, PAGE, PROT_WRITE, MAP_PRIVATE, wo, 0));
  M(mmap(0, PAGE, PROT_NONE, MAP_SHARED, wo, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, dir, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, open("/dev/null", O_RDWR), 0));
  M(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, dz, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, open("f", O_PATH), 0));
  M(mmap(0, PAGE, PROT_READ, MAP_SHARED_VALIDATE_, rw, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_SHARED_VALIDATE_ | 0x4000000, rw, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_SHARED | 0x4000000, rw, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_SHARED_VALIDATE_ | 0x80000, rw, 0));
  M(mmap(0, PAGE, 0x10 | PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int p[2];
  pipe(p);
  M(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, p[0], 0));
  M(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, rw, 0x7ffffffffffff000L));
  char *a = anon(4 * PAGE);
  M(mmap(a, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  munmap(a + PAGE, PAGE);
  yes("a hole may be filled", mmap(a + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == a + PAGE);
  yes("a hint is taken if free", (munmap(a + PAGE, PAGE), mmap(a + PAGE + 5, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == a + PAGE));
  yes("and not if not", mmap(a, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != a);
  R(munmap(a + 1, PAGE));
  R(munmap(a, 0));
  R(munmap(a, (size_t)-1));
  R(munmap(a, PAGE + 1));
  reads("the second page went too", a + PAGE);
  R(munmap(a, PAGE));
  R(munmap(a, 4 * PAGE));
  R(mprotect(a, PAGE, PROT_READ));
  R(mprotect(a + 1, PAGE, PROT_READ));
  R(mprotect(a, 0, PROT_READ));
  a = anon(3 * PAGE);
  munmap(a + PAGE, PAGE);
  R(mprotect(a, 3 * PAGE, PROT_READ));
  writes("the first part was changed", a);
  writes("the last was not", a + 2 * PAGE);
  R(mprotect(a, PAGE, 0x100));
  R(mprotect(a, PAGE, PROT_GROWSDOWN));
  R(mprotect(a, PAGE, PROT_GROWSDOWN | PROT_GROWSUP));
  char *s = mmap(0, PAGE, PROT_READ, MAP_SHARED, ro, 0);
  R(mprotect(s, PAGE, PROT_READ | PROT_WRITE));
  R(mprotect(s, PAGE, PROT_READ | PROT_EXEC));
  R(mprotect(s, PAGE, PROT_NONE));
  reads("PROT_NONE", s);
  munmap(s, PAGE);
}

static char *child_page;
static void child_write(void) { child_page[0] = 'c'; }
static void files(void) {
  char *p = mmap(0, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rw, 0);
  close(dup(rw));
  reads("inside the file", p);
  reads("the rest of the last page", p + 100);
  reads("behind the last page", p + PAGE);
  p[0] = 'M';
  char c;
  pread(rw, &c, 1, 0);
  show("read sees the mapping", "%c", c);
  pwrite(rw, "W", 1, 1);
  show("the mapping sees write", "%c", p[1]);
  p[50] = 'x';
  ftruncate(rw, 60);
  ftruncate(rw, PAGE + 10);
  reads("the file grew", p + PAGE);
  p[PAGE] = 'g';
  ftruncate(rw, 10);
  reads("and shrank", p + PAGE);
  struct iovec v = {p + PAGE, 1};
  R(write(rw, p + PAGE, 1));
  R(writev(rw, &v, 1));
  ftruncate(rw, PAGE + 10);
  reads("it comes back empty", p + PAGE);
  char *priv = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, rw, 0);
  priv[2] = 'P';
  pread(rw, &c, 1, 2);
  yes("a private write stays private", c != 'P');
  child_page = p;
  in_child(child_write);
  show("a child's write is seen", "%c", p[0]);
  child_page = priv;
  in_child(child_write);
  yes("not in a private mapping", priv[0] != 'c');
  R(msync(p, 3 * PAGE, MS_SYNC));
  R(msync(p, PAGE, MS_ASYNC));
  R(msync(p, PAGE, MS_SYNC | MS_ASYNC));
  R(msync(p, PAGE, 8));
  R(msync(p + 1, PAGE, MS_SYNC));
  R(msync(p, 0, MS_SYNC));
  R(msync(p, PAGE, MS_INVALIDATE));
  R(msync((void *)(PAGE * 4), PAGE, MS_SYNC));
  unlink("f");
  p[5] = 'u';
  pread(rw, &c, 1, 5);
  show("unlinked, and still there", "%c", c);
  close(rw);
  p[6] = 'v';
  show("closed as well", "%c", p[6]);
  R(munmap(p, 3 * PAGE));
  put("f", "0123456789");
  rw = open("f", O_RDWR);
  ftruncate(rw, 2 * PAGE);
  char *second = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rw, PAGE);
  second[0] = '2';
  pread(rw, &c, 1, PAGE);
  show("a mapping of the second page", "%c", c);
  char *twice = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rw, 0);
  twice[PAGE] = 't';
  show("another mapping of it", "%c", second[0]);
  munmap(twice, 2 * PAGE);
  munmap(second, PAGE);
  char *exec = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, rw, 0);
  show("populated", "%c", exec[3]);
  munmap(exec, PAGE);
}

static char *shared, *private;
static void child_shares(void) {
  shared[0] = 's';
  private[0] = 's';
  shared[5 * PAGE] = 'S';
}
static void anonymous(void) {
  shared = mmap(0, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  private = anon(PAGE);
  private[0] = shared[0] = 'p';
  in_child(child_shares);
  show("anonymous memory of both", "%c %c %c", shared[0], private[0], shared[5 * PAGE]);
  char *moved = mremap(shared, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
  yes("a move to where it is", moved == shared);
  private = anon(PAGE);
  moved = mremap(shared, 0, 8 * PAGE, MREMAP_MAYMOVE);
  yes("a second mapping of it", moved != MAP_FAILED && moved != shared);
  moved[1] = '2';
  show("of the same memory", "%c", shared[1]);
  munmap(moved, 8 * PAGE);
  M(mremap(private, 0, PAGE, MREMAP_MAYMOVE));
  M(mremap(private, PAGE, 0, MREMAP_MAYMOVE));
  M(mremap(private + 1, PAGE, PAGE, MREMAP_MAYMOVE));
  M(mremap(private, PAGE, PAGE, 8));
  M(mremap(private, PAGE, PAGE, MREMAP_FIXED, private));
  M(mremap(private, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, private + 1));
  M(mremap(private, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, private));
  M(mremap((void *)(PAGE * 4), PAGE, 2 * PAGE, MREMAP_MAYMOVE));
  M(mremap(private, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE));
  char *two = anon(2 * PAGE);
  two[0] = 'a';
  two[PAGE] = 'b';
  mprotect(two + PAGE, PAGE, PROT_READ);
  M(mremap(two, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE));
  char *grown = mremap(two, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
  show("grown", "%c %d", grown[0], grown[2 * PAGE]);
  yes("moved", grown != two);
  reads("its old place", two);
  char *place = anon(4 * PAGE);
  place[0] = 'x';
  char *to = mremap(grown, 3 * PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, place);
  show("put over another", "%d %c", to == place, to[0]);
  reads("what was not covered", place + 2 * PAGE);
  yes("shrunk in place", mremap(place, 2 * PAGE, PAGE, 0) == place);
  reads("the tail is gone", place + PAGE);
  char *keep = anon(PAGE);
  keep[0] = 'k';
  to = mremap(keep, PAGE, PAGE, MREMAP_MAYMOVE | 4, 0);
  show("MREMAP_DONTUNMAP", "%c %d", to[0], keep[0]);
  char *hole = anon(3 * PAGE);
  munmap(hole + PAGE, PAGE);
  yes("grows into a hole behind", mremap(hole, PAGE, 2 * PAGE, 0) == hole);
  M(mremap(hole, 2 * PAGE, 3 * PAGE, 0));
}

static void inherits(void) {
  printf("wiped = %d\n", private[0]);
  fflush(stdout);
}
static void not_inherited(void) { private[0] = 1; }
static void advice(void) {
  char *p = anon(4 * PAGE);
  p[0] = p[PAGE] = 'd';
  R(madvise(p, PAGE, MADV_DONTNEED));
  show("dropped", "%d %d", p[0], p[PAGE]);
  R(madvise(p + 1, PAGE, MADV_DONTNEED));
  R(madvise(p, PAGE, 12345));
  R(madvise(p, 0, MADV_NORMAL));
  R(madvise(p, 0, 12345));
  R(madvise(p, (size_t)-PAGE, MADV_NORMAL));
  munmap(p + PAGE, PAGE);
  R(madvise(p, 3 * PAGE, MADV_DONTNEED));
  R(madvise(p, PAGE, MADV_WILLNEED));
  R(madvise(p, PAGE, MADV_SEQUENTIAL));
  R(madvise(p, PAGE, MADV_RANDOM));
  R(madvise(p, PAGE, 8));
  p[0] = 'f';
  yes("MADV_FREE leaves what is written after", p[0] == 'f');
  char *s = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rw, 0);
  R(madvise(s, PAGE, 8));
  s[0] = 'k';
  R(madvise(s, PAGE, MADV_DONTNEED));
  show("a file keeps what was written", "%c", s[0]);
  R(madvise(s, PAGE, MADV_REMOVE));
  show("MADV_REMOVE punches a hole", "%d", s[0]);
  R(madvise(p, PAGE, MADV_REMOVE));
  munmap(s, 2 * PAGE);
  s = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  s[0] = 'a';
  R(madvise(s, PAGE, MADV_DONTNEED));
  show("shared memory keeps it", "%c", s[0]);
  R(madvise(s, PAGE, MADV_REMOVE));
  show("until it is removed", "%d", s[0]);
  R(madvise(s, PAGE, 18));
  private = p;
  p[0] = 'w';
  R(madvise(p, PAGE, 18));
  in_child(inherits);
  R(madvise(p, PAGE, 19));
  R(madvise(p, PAGE, MADV_DONTFORK));
  signal(SIGSEGV, SIG_DFL);
  status("not in the child", in_child(not_inherited));
  struct sigaction sa = {.sa_sigaction = onfault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &sa, 0);
  R(madvise(p, PAGE, MADV_DOFORK));
  status("again", in_child(not_inherited));
  R(madvise(p, PAGE, MADV_DONTDUMP));
  R(madvise(p, PAGE, MADV_DODUMP));
  R(madvise(p, PAGE, 20));
  R(madvise(p, PAGE, 21));
  R(madvise(p, PAGE, 22));
  R(madvise(p, PAGE, 23));
  mprotect(p, PAGE, PROT_NONE);
  R(madvise(p, PAGE, 22));
  R(madvise(p, PAGE, 23));
  unsigned char vec[16];
  char *q = anon(16 * PAGE);
  q[8 * PAGE] = 1;
  R(mincore(q, 16 * PAGE, vec));
  show("resident", "%d %d", vec[0] & 1, vec[8] & 1);
  R(mincore(q + 1, PAGE, vec));
  R(mincore(q, PAGE, (void *)1));
  R(mincore(q, 0, vec));
  munmap(q + PAGE, PAGE);
  R(mincore(q, 3 * PAGE, vec));
  R(mincore(q, (size_t)-1, vec));
}

static void as_user(void) {
  setresuid(1000, 1000, 1000);
  struct rlimit l = {8 * PAGE, 8 * PAGE};
  setrlimit(RLIMIT_MEMLOCK, &l);
  char *p = anon(16 * PAGE);
  R(mlock(p, 8 * PAGE));
  R(mlock(p, 8 * PAGE));
  R(mlock(p + 8 * PAGE, PAGE));
  R(munlock(p, PAGE));
  R(mlock(p + 8 * PAGE, PAGE));
  R(mlock(p, 16 * PAGE));
  R(mlockall(MCL_CURRENT));
  R(munlockall());
  M(mmap(0, 9 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
  M(mmap(0, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
  l.rlim_cur = 0;
  setrlimit(RLIMIT_MEMLOCK, &l);
  R(mlock(p, PAGE));
  R(mlockall(MCL_FUTURE));
}
static void limits(void) {
  char *p = anon(4 * PAGE);
  R(mlock(p, PAGE));
  R(mlock(p + 1, 1));
  R(mlock(p, (size_t)-1));
  R(mlock((void *)(PAGE * 4), PAGE));
  R(mlock(p, 0));
  R(munlock(p, PAGE));
  R(munlock((void *)(PAGE * 4), PAGE));
  R(syscall(SYS_mlock2, p, PAGE, 1));
  R(syscall(SYS_mlock2, p, PAGE, 2));
  R(mlockall(0));
  R(mlockall(8));
  R(mlockall(4));
  R(mlockall(MCL_FUTURE));
  R(munlockall());
  R(madvise(p, PAGE, MADV_DONTNEED));
  mlock(p, PAGE);
  R(madvise(p, PAGE, MADV_DONTNEED));
  R(msync(p, PAGE, MS_INVALIDATE));
  munlock(p, PAGE);
  in_child(as_user);
  struct rlimit old, l;
  getrlimit(RLIMIT_AS, &old);
  l = old;
  l.rlim_cur = 1 << 20;
  setrlimit(RLIMIT_AS, &l);
  M(mmap(0, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  M(mremap(p, 4 * PAGE, 2 << 20, MREMAP_MAYMOVE));
  setrlimit(RLIMIT_AS, &old);
  getrlimit(RLIMIT_DATA, &old);
  l = old;
  l.rlim_cur = 4096;
  setrlimit(RLIMIT_DATA, &l);
  M(mmap(0, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  M(mmap(0, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  M(mmap(0, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  char *b = sbrk(0);
  yes("brk is limited", syscall(SYS_brk, b + (1 << 20)) == (long)b);
  setrlimit(RLIMIT_DATA, &old);
  yes("brk grows", syscall(SYS_brk, b + 3 * PAGE) == (long)(b + 3 * PAGE));
  b[2 * PAGE] = 1;
  yes("brk shrinks", syscall(SYS_brk, b) == (long)b);
  yes("brk below its start", syscall(SYS_brk, 0) == (long)b);
  yes("brk grows", syscall(SYS_brk, b + 3 * PAGE) == (long)(b + 3 * PAGE));
  reads("what it grows by is zero", b + 2 * PAGE);
}

enum { CLOEXEC = 1, SEALING = 2, NOEXEC_SEAL = 8, EXEC = 16 };
enum { S_SEAL = 1, S_SHRINK = 2, S_GROW = 4, S_WRITE = 8, S_FUTURE = 16, S_EXEC = 32 };
static void seals(void) {
  char name[300], link[100] = {0}, buf[10];
  memset(name, 'm', 299);
  name[250] = 0;
  R(memfd_create(name, 0));
  name[249] = 0;
  R(close(memfd_create(name, 0)));
  R(memfd_create((char *)1, 0));
  R(memfd_create("x", 0x40));
  R(memfd_create("x", NOEXEC_SEAL | EXEC));
  int fd = memfd_create("name", 0), g;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  readlink(name, link, 99);
  show("its name", "%s", link);
  struct stat s;
  fstat(fd, &s);
  show("it is", "%o size %ld links %d", s.st_mode, (long)s.st_size, (int)s.st_nlink);
  show("flags", "%o", fcntl(fd, F_GETFL) & ~O_LARGEFILE);
  R(fcntl(fd, F_GET_SEALS));
  R(fcntl(fd, F_ADD_SEALS, S_WRITE));
  close(fd);
  fd = memfd_create("", CLOEXEC | SEALING);
  R(fcntl(fd, F_GETFD));
  R(fcntl(fd, F_GET_SEALS));
  R(write(fd, "0123456789", 10));
  R(fcntl(fd, F_ADD_SEALS, 0x100));
  R(fcntl(fd, F_ADD_SEALS, S_GROW));
  R(ftruncate(fd, 20));
  R(pwrite(fd, "xxxx", 4, 8));
  R(pwrite(fd, "x", 1, 10));
  R(fallocate(fd, 0, 0, 100));
  R(ftruncate(fd, 5));
  R(fcntl(fd, F_ADD_SEALS, S_SHRINK));
  R(ftruncate(fd, 4));
  R(ftruncate(fd, 5));
  R(pwrite(fd, "y", 1, 0));
  char *p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  R(fcntl(fd, F_ADD_SEALS, S_WRITE));
  munmap(p, PAGE);
  p = mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0);
  R(fcntl(fd, F_ADD_SEALS, S_WRITE));
  munmap(p, PAGE);
  R(fcntl(fd, F_ADD_SEALS, S_WRITE));
  R(pwrite(fd, "z", 1, 0));
  R(pwrite(fd, "z", 0, 0));
  R(fallocate(fd, 3, 0, PAGE));
  M(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  M(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  p = mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0);
  R(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
  R(pread(fd, buf, 10, 0));
  R(fcntl(fd, F_ADD_SEALS, S_SEAL));
  R(fcntl(fd, F_ADD_SEALS, S_SHRINK));
  R(fcntl(fd, F_GET_SEALS));
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  g = open(name, O_RDONLY);
  R(fcntl(g, F_ADD_SEALS, S_SHRINK));
  R(fcntl(g, F_GET_SEALS));
  close(g);
  g = open(name, O_RDWR | O_TRUNC);
  ok("truncating it", g);
  close(fd);
  fd = memfd_create("future", SEALING);
  ftruncate(fd, PAGE);
  p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  R(fcntl(fd, F_ADD_SEALS, S_FUTURE));
  writes("a mapping that there was", p);
  R(write(fd, "x", 1));
  M(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  M(mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0));
  close(fd);
  fd = memfd_create("noexec", NOEXEC_SEAL);
  fstat(fd, &s);
  show("noexec", "%o %d", s.st_mode, fcntl(fd, F_GET_SEALS));
  R(fchmod(fd, 0777));
  R(fchmod(fd, 0600));
  close(fd);
  fd = memfd_create("exec", SEALING | EXEC);
  R(fcntl(fd, F_ADD_SEALS, S_EXEC));
  R(fcntl(fd, F_GET_SEALS));
  R(fchmod(fd, 0666));
  R(fchmod(fd, 0777));
  close(fd);
}

int main(void) {
  scratch();
  put("f", "0123456789");
  rw = open("f", O_RDWR);
  ro = open("f", O_RDONLY);
  wo = open("f", O_WRONLY);
  dir = open(".", O_RDONLY);
  dz = open("/dev/zero", O_RDWR);
  struct sigaction sa = {.sa_sigaction = onfault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &sa, 0);
  sigaction(SIGBUS, &sa, 0);
  errors();
  files();
  anonymous();
  advice();
  limits();
  seals();
  scratch_remove();
  return 0;
}
