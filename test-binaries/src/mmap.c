// mmap(2), munmap, mprotect, mremap, madvise, msync, mincore, brk and the faults that follow from them.
#include "t.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#define P 4096
static sigjmp_buf env;
static siginfo_t info;
static void handler(int n, siginfo_t *i, void *c) {
  info = *i;
  siglongjmp(env, 1);
  (void)n; (void)c;
}
// What an access does: "ok" or the signal, its code, and where si_addr lies from the address asked.
static void touch(const char *what, volatile char *address, int write) {
  if (sigsetjmp(env, 1) == 0) {
    char c = *address;
    if (write) *address = c;
    show(what, "ok %d", c);
  } else
    show(what, "%s code %d at %+ld", signame(info.si_signo), info.si_code, (long)((char *)info.si_addr - (char *)address));
}
static void map(const char *what, void *p) {
  if (p == MAP_FAILED) show(what, "-1 %s", errname(errno));
  else show(what, "ok, page aligned %d", (unsigned long)p % P == 0);
}
#define RW (PROT_READ | PROT_WRITE)
#define AP (MAP_ANONYMOUS | MAP_PRIVATE)

// A function that gives a number below 128.
static void answer(unsigned char *at, int n) {
#ifdef __riscv
  unsigned code[] = {0x00000513 | (unsigned)n << 20, 0x00008067}; // li a0, n; ret
  memcpy(at, code, sizeof code);
  __asm__ volatile("fence.i" ::: "memory");
#else
  unsigned char code[] = {0xb8, (unsigned char)n, 0, 0, 0, 0xc3}; // mov $n, %eax; ret
  memcpy(at, code, sizeof code);
#endif
}

int main(void) {
  scratch();
  struct sigaction a = {0};
  a.sa_sigaction = handler;
  a.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &a, 0);
  sigaction(SIGBUS, &a, 0);
  char *m = mmap(0, 10 * P, RW, AP, -1, 0);
  map("anonymous", m);
  int any = 0;
  for (int i = 0; i < 10 * P; i++) any |= m[i];
  show("zeroed", "%d", any);
  memset(m, 5, 10 * P);
  touch("first byte", m, 1);
  touch("last byte", m + 10 * P - 1, 1);
  ret("unmap the middle", munmap(m + 3 * P, 2 * P));
  touch("below the hole", m + 3 * P - 1, 1);
  touch("in the hole", m + 3 * P, 0);
  touch("in the hole, writing", m + 4 * P + 7, 1);
  touch("above the hole", m + 5 * P, 1);
  ret("protect across the hole", mprotect(m + 2 * P, 5 * P, PROT_READ));
  ret("read-only", mprotect(m, P, PROT_READ));
  touch("reading", m, 0);
  touch("writing", m, 1);
  ret("none", mprotect(m + P, P, PROT_NONE));
  touch("reading", m + P + 9, 0);
  ret("back", mprotect(m, 2 * P, RW));
  touch("content kept", m + P, 1);
  ret("unmap again", munmap(m + 3 * P, 2 * P));
  ret("unmap unaligned", munmap(m + 1, P));
  ret("unmap nothing", munmap(m, 0));
  ret("protect unaligned", syscall(SYS_mprotect, m + 1, P, RW));
  ret("protect nothing", mprotect(m, 0, RW));
  ret("protect with bad bits", mprotect(m, P, 0x1000));
  map("fixed into the hole", mmap(m + 3 * P, P, RW, AP | MAP_FIXED, -1, 0));
  touch("fresh page", m + 3 * P, 1);
  map("fixed over a page", mmap(m + P, P, RW, AP | MAP_FIXED, -1, 0));
  touch("replaced by zeros", m + P, 1);
  void *hint = mmap(m + 4 * P, P, RW, AP, -1, 0);
  yes("hint taken when free", hint == m + 4 * P);
  yes("hint refused when taken", mmap(m, P, RW, AP, -1, 0) != m);
  map("MAP_FIXED_NOREPLACE on a taken page", mmap(m, P, RW, AP | 0x100000, -1, 0));
  munmap(m + 4 * P, P);
  yes("MAP_FIXED_NOREPLACE on a free page", mmap(m + 4 * P, P, RW, AP | 0x100000, -1, 0) == m + 4 * P);
  map("fixed and unaligned", mmap(m + 1, P, RW, AP | MAP_FIXED, -1, 0));
  map("length 0", mmap(0, 0, RW, AP, -1, 0));
  map("neither shared nor private", mmap(0, P, RW, MAP_ANONYMOUS, -1, 0));
  map("beyond the address space", mmap(0, 1UL << 62, RW, AP, -1, 0));
  map("bad descriptor", mmap(0, P, RW, MAP_PRIVATE, 99, 0));
  touch("null", 0, 0);
  touch("non-canonical", (char *)0x8000000000000000, 0);

  // files
  char text[3 * P];
  for (int i = 0; i < 3 * P; i++) text[i] = (char)('a' + i / P);
  int fd = open("file", O_RDWR | O_CREAT, 0644);
  if (write(fd, text, 2 * P + 100) < 0) return 1;
  char *f = mmap(0, 5 * P, RW, MAP_PRIVATE, fd, 0);
  map("private file", f);
  show("content", "%c%c%c", f[0], f[P], f[2 * P]);
  touch("after the end within the page", f + 2 * P + 100, 1);
  touch("a page after the end", f + 3 * P, 0);
  touch("writing a page after the end", f + 4 * P + 5, 1);
  f[0] = 'X';
  char c;
  pread(fd, &c, 1, 0);
  show("a private write is not in the file", "%c", c);
  char *sh = mmap(0, 3 * P, RW, MAP_SHARED, fd, 0);
  map("shared file", sh);
  sh[1] = 'Y';
  pread(fd, &c, 1, 1);
  show("a shared write is", "%c", c);
  show("and in the clean private page", "%d", (sh[P] = 'Z', f[P] == 'Z'));
  pwrite(fd, "W", 1, 2);
  show("write() shows in the shared mapping", "%c", sh[2]);
  ret("ftruncate to one page", ftruncate(fd, P));
  touch("page cut off", sh + P, 0);
  touch("page kept", sh, 1);
  ret("ftruncate back", ftruncate(fd, 3 * P));
  touch("zeros come back", sh + P, 1);
  close(fd);
  touch("mapped after close", sh + 2, 1);
  ret("msync", msync(sh, 3 * P, MS_SYNC));
  ret("msync of a hole", (munmap(sh + P, P), msync(sh, 3 * P, MS_SYNC)));
  ret("msync bad flags", msync(sh, P, MS_SYNC | MS_ASYNC));
  int ro = open("file", O_RDONLY), wo = open("file", O_WRONLY);
  map("shared writable of a read-only file", mmap(0, P, RW, MAP_SHARED, ro, 0));
  map("private writable of a read-only file", mmap(0, P, RW, MAP_PRIVATE, ro, 0));
  map("of a write-only file", mmap(0, P, PROT_READ, MAP_SHARED, wo, 0));
  char *rs = mmap(0, P, PROT_READ, MAP_SHARED, ro, 0);
  ret("mprotect cannot add write", mprotect(rs, P, RW));
  map("unaligned offset", mmap(0, P, PROT_READ, MAP_PRIVATE, ro, 100));
  char *second = mmap(0, P, PROT_READ, MAP_PRIVATE, ro, P);
  map("second page of the file", second);
  int dir = open(".", O_RDONLY);
  map("a directory", mmap(0, P, PROT_READ, MAP_PRIVATE, dir, 0));
  int zero = open("/dev/zero", O_RDWR);
  char *z = mmap(0, P, RW, MAP_PRIVATE, zero, 0);
  map("/dev/zero", z);
  touch("its content", z, 1);

  // mremap
  char *r = mmap(0, 8 * P, RW, AP, -1, 0);
  memset(r, 3, 8 * P);
  munmap(r + 4 * P, 4 * P);
  yes("grow in place", mremap(r, 4 * P, 6 * P, 0) == r);
  touch("grown part", r + 5 * P, 1);
  yes("shrink", mremap(r, 6 * P, 2 * P, 0) == r);
  touch("cut part", r + 2 * P, 0);
  mmap(r + 2 * P, P, PROT_NONE, AP | MAP_FIXED, -1, 0);
  map("no room and may not move", mremap(r, 2 * P, 4 * P, 0));
  char *moved = mremap(r, 2 * P, 4 * P, MREMAP_MAYMOVE);
  yes("moved", moved != MAP_FAILED && moved != r);
  touch("content moved along", moved + 2 * P - 1, 1);
  touch("new part", moved + 3 * P, 1);
  touch("old place", r, 0);
  char *target = mmap(0, 2 * P, PROT_NONE, AP, -1, 0);
  yes("fixed target", mremap(moved, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
  touch("at the target", target, 1);
  r = mmap(0, P, RW, AP, -1, 0);
  munmap(r, P);
  map("of nothing mapped", mremap(r, P, 2 * P, MREMAP_MAYMOVE));
  map("unaligned", mremap(target + 5, P, 2 * P, MREMAP_MAYMOVE));
  map("to length 0", mremap(target, P, 0, 0));
  map("bad flags", mremap(target, P, P, 64));

  // madvise and friends
  char *d = mmap(0, 4 * P, RW, AP, -1, 0);
  memset(d, 9, 4 * P);
  ret("MADV_DONTNEED", madvise(d + P, P, MADV_DONTNEED));
  touch("dropped page is zero", d + P, 1);
  touch("its neighbour is not", d + 2 * P, 1);
  ret("MADV_WILLNEED", madvise(d, P, MADV_WILLNEED));
  ret("MADV_NORMAL of nothing", madvise(d, 0, MADV_NORMAL));
  ret("unaligned", madvise(d + 1, P, MADV_DONTNEED));
  ret("unknown advice", madvise(d, P, 999));
  munmap(d + 2 * P, P);
  ret("with a hole", madvise(d, 4 * P, MADV_DONTNEED));
  f = mmap(0, P, RW, MAP_PRIVATE, ro, 0);
  c = f[0];
  f[0] = '!';
  madvise(f, P, MADV_DONTNEED);
  yes("private file page is re-read", f[0] == c);
  unsigned char vec[4];
  ret("mincore of a hole", mincore(d, 4 * P, vec));
  ret("mincore", mincore(d, P, vec));
  ret("mlock", mlock(d, P));
  ret("munlock", munlock(d, P));

  // executable memory
  unsigned char *x = mmap(0, P, RW, AP, -1, 0);
  answer(x, 42);
  if (sigsetjmp(env, 1) == 0) show("run without PROT_EXEC", "%d", ((int (*)(void))x)());
  else show("run without PROT_EXEC", "%s code %d at %+ld", signame(info.si_signo), info.si_code, (long)((unsigned char *)info.si_addr - x));
  ret("PROT_EXEC", mprotect(x, P, RW | PROT_EXEC));
  show("run", "%d", ((int (*)(void))x)());
  answer(x, 43);
  show("run changed code", "%d", ((int (*)(void))x)());
  for (int i = 0; i < 100; i++) {
    answer(x, i);
    if (((int (*)(void))x)() != i) {
      show("changed many times", "wrong at %d", i);
      break;
    }
    if (i == 99) show("changed many times", "right");
  }

  // brk
  char *start = sbrk(0);
  yes("brk", start != (void *)-1);
  yes("brk(0) is the break", (char *)syscall(SYS_brk, 0) == start);
  yes("grows", (char *)syscall(SYS_brk, start + 3 * P) == start + 3 * P);
  touch("new memory", start + 2 * P, 1);
  memset(start, 1, 3 * P);
  yes("shrinks", (char *)syscall(SYS_brk, start + P) == start + P);
  touch("cut off", (char *)(((unsigned long)start + 2 * P) & -P), 0);
  syscall(SYS_brk, start + 3 * P);
  touch("zero when grown again", (char *)(((unsigned long)start + 2 * P) & -P), 1);
  yes("below the start it stays", (char *)syscall(SYS_brk, 4096) == start + 3 * P);
  yes("too far it stays", (char *)syscall(SYS_brk, 1UL << 62) == start + 3 * P);
  syscall(SYS_brk, start);

  // kernel access obeys protection too
  char *k = mmap(0, 2 * P, RW, AP, -1, 0);
  munmap(k + P, P);
  fd = open("file", O_RDONLY);
  ret("read to the end of a mapping", read(fd, k + P - 10, 100));
  ret("read to a hole", read(fd, k + P, 100));
  mprotect(k, P, PROT_READ);
  ret("read to a read-only page", read(fd, k, 10));
  ret("write from a hole", write(1, k + P, 10));
  ret("path in a hole", open(k + P, O_RDONLY));
  struct stat st;
  ret("stat to a hole", syscall(SYS_fstat, fd, k + P));
  (void)st;
  struct rlimit limit = {64 << 20, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
  map("beyond RLIMIT_AS", mmap(0, 128 << 20, RW, AP, -1, 0));
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_AS, &limit);
  scratch_remove();
  return 0;
}
