// The rarer memory calls: mseal(2), process_madvise(2), remap_file_pages(2), pkey_mprotect(2) and pkey_alloc(2) where there are
// no keys, cachestat(2). Not checked: protection keys themselves, NUMA policies.
#include "t.h"
#include <sys/mman.h>
#include <sys/uio.h>
#define PAGE 4096L
enum { N_remap_file_pages = 216, N_pkey_mprotect = 329, N_pkey_alloc, N_pkey_free, N_pidfd_open = 434, N_process_madvise = 440, N_cachestat = 451, N_mseal = 462 };
static char *anon(long n) { return mmap(0, (size_t)n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static long failed(void *p) { return p == MAP_FAILED ? -1 : 0; }

static void sealed(void) {
  char *p = anon(8 * PAGE), *q;
  R(syscall(N_mseal, p + 1, PAGE, 0));
  R(syscall(N_mseal, p, PAGE, 1));
  R(syscall(N_mseal, p, 0, 0));
  R(syscall(N_mseal, p, (size_t)-PAGE, 0));
  R(syscall(N_mseal, (void *)(PAGE * 4), PAGE, 0));
  p[2 * PAGE] = 's';
  R(syscall(N_mseal, p + 2 * PAGE, 2 * PAGE, 0));
  R(syscall(N_mseal, p + 2 * PAGE, PAGE, 0));
  R(munmap(p + 2 * PAGE, PAGE));
  R(munmap(p, 8 * PAGE));
  R(p[0]);
  R(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
  R(mprotect(p + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE));
  R(failed(mremap(p + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE)));
  R(failed(mremap(p + 2 * PAGE, 2 * PAGE, PAGE, 0)));
  q = anon(PAGE);
  R(failed(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * PAGE)));
  R(failed(mmap(p + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)));
  R(madvise(p + 2 * PAGE, PAGE, MADV_WILLNEED));
  R(madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED));
  show("writable memory may be dropped", "%d", p[2 * PAGE]);
  p[3 * PAGE] = 'w';
  q = anon(2 * PAGE);
  q[0] = 'r';
  mprotect(q, PAGE, PROT_READ);
  R(syscall(N_mseal, q, PAGE, 0));
  R(madvise(q, PAGE, MADV_DONTNEED));
  R(madvise(q, PAGE, 8));
  show("read-only memory may not", "%c", q[0]);
  R(munmap(q + PAGE, PAGE));
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) _exit(munmap(p + 2 * PAGE, PAGE) ? errno == EPERM ? 2 : 3 : 4);
  int s;
  waitpid(c, &s, 0);
  status("so it is in a child", s);
}

static void others(void) {
  char *p = anon(4 * PAGE);
  p[0] = p[PAGE] = 'x';
  int self = (int)syscall(N_pidfd_open, getpid(), 0), f = open("f", O_RDONLY);
  struct iovec v[2] = {{p, PAGE}, {p + PAGE, PAGE}}, bad = {p + 1, PAGE}, hole = {(void *)(PAGE * 4), PAGE};
  R(syscall(N_process_madvise, self, v, 2, MADV_WILLNEED, 1));
  R(syscall(N_process_madvise, -1, v, 2, MADV_WILLNEED, 0));
  R(syscall(N_process_madvise, f, v, 2, MADV_WILLNEED, 0));
  R(syscall(N_process_madvise, self, v, 2, 12345, 0));
  R(syscall(N_process_madvise, self, v, 1025, MADV_WILLNEED, 0));
  R(syscall(N_process_madvise, self, (void *)1, 2, MADV_WILLNEED, 0));
  R(syscall(N_process_madvise, self, &bad, 1, MADV_WILLNEED, 0));
  R(syscall(N_process_madvise, self, &hole, 1, MADV_WILLNEED, 0));
  R(syscall(N_process_madvise, self, v, 2, 20, 0));
  R(syscall(N_process_madvise, self, v, 2, MADV_WILLNEED, 0));
  R(syscall(N_process_madvise, self, v, 0, MADV_WILLNEED, 0));
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    pause();
    _exit(0);
  }
  int child = (int)syscall(N_pidfd_open, c, 0);
  R(syscall(N_process_madvise, child, v, 2, MADV_WILLNEED, 0));
  R(syscall(N_process_madvise, child, v, 2, MADV_DONTNEED, 0));
  kill(c, SIGKILL);
  waitpid(c, 0, 0);
  R(syscall(N_process_madvise, child, v, 2, MADV_WILLNEED, 0));
}

static void remapped(void) {
  int fd = open("big", O_CREAT | O_RDWR, 0644);
  for (int i = 0; i < 4; i++) {
    char page[PAGE];
    memset(page, 'a' + i, PAGE);
    write(fd, page, PAGE);
  }
  char *p = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  R(syscall(N_remap_file_pages, p, PAGE, 0, 3, 0));
  R(syscall(N_remap_file_pages, p + 3 * PAGE, PAGE, 0, 0, 0));
  show("pages in another order", "%c%c%c%c", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
  p[0] = 'Z';
  char c;
  pread(fd, &c, 1, 3 * PAGE);
  show("written to its page", "%c", c);
  R(syscall(N_remap_file_pages, p, PAGE, PROT_READ, 0, 0));
  R(syscall(N_remap_file_pages, p, 0, 0, 0, 0));
  R(syscall(N_remap_file_pages, (void *)(PAGE * 4), PAGE, 0, 0, 0));
  R(syscall(N_remap_file_pages, p, PAGE, 0, -1, 0));
  char *priv = anon(2 * PAGE);
  R(syscall(N_remap_file_pages, priv, PAGE, 0, 1, 0));
  char *shared = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared[0] = '0';
  shared[PAGE] = '1';
  R(syscall(N_remap_file_pages, shared, PAGE, 0, 1, 0));
  show("of anonymous memory", "%c%c", shared[0], shared[PAGE]);
  // protection keys, without the hardware
  R(syscall(N_pkey_alloc, 1, 0));
  R(syscall(N_pkey_alloc, 0, 8));
  R(syscall(N_pkey_free, 1));
  R(syscall(N_pkey_free, -1));
  R(syscall(N_pkey_mprotect, priv, PAGE, PROT_READ, -1));
  R(syscall(N_pkey_mprotect, priv, PAGE, PROT_READ | PROT_WRITE, 15));
  R(syscall(N_pkey_mprotect, priv + 1, PAGE, PROT_READ, -1));
  // what the page cache has
  uint64_t range[2] = {0, 4 * PAGE}, stat[5];
  R(syscall(N_cachestat, -1, range, stat, 0));
  R(syscall(N_cachestat, fd, (void *)1, stat, 0));
  R(syscall(N_cachestat, fd, range, (void *)1, 0));
  R(syscall(N_cachestat, fd, range, stat, 1));
  R(syscall(N_cachestat, fd, range, stat, 0));
  show("cached", "%d", (int)stat[0]);
  range[0] = PAGE;
  range[1] = 0;
  R(syscall(N_cachestat, fd, range, stat, 0));
  show("from the second page on", "%d", (int)stat[0]);
  ftruncate(fd, 100 * PAGE);
  R(syscall(N_cachestat, fd, range, stat, 0));
  show("a hole has none", "%d", (int)stat[0]);
  int p2[2];
  pipe(p2);
  R(syscall(N_cachestat, p2[0], range, stat, 0));
}

int main(void) {
  scratch();
  put("f", "0123456789");
  sealed();
  others();
  remapped();
  scratch_remove();
  return 0;
}
