// fork(2) of a process with much memory, of which parent, children and grandchildren touch, unmap, protect and move parts,
// through their own code and through system calls, and end in any order. What each sees is its own.
#include "t.h"
#include <sys/mman.h>
#include <sys/uio.h>

enum { PAGE = 4096, PAGES = 4096, SIZE = PAGE * PAGES };
static unsigned char *area;

// Page p begins with its number in the generation that wrote it.
static void fill(unsigned char *at, int pages, uint32_t generation) {
  for (int p = 0; p < pages; p++) {
    for (int i = 0; i < PAGE; i += 64) *(uint32_t *)(at + p * PAGE + i) = generation * 100000 + p;
  }
}

static uint32_t number(int p) { return *(volatile uint32_t *)(area + p * PAGE); }

static unsigned long sum(const unsigned char *at, int pages) {
  unsigned long total = 0;
  for (long i = 0; i < (long)pages * PAGE; i += 4) total = total * 31 + *(const uint32_t *)(at + i);
  return total;
}

static int go[2], done[2];
static void tell(int *channel) { if (write(channel[1], "x", 1) != 1) _exit(99); }
static void await(int *channel) { char c; if (read(channel[0], &c, 1) != 1) _exit(98); }

static int finish(pid_t child) {
  int s = -1;
  waitpid(child, &s, 0);
  return WIFEXITED(s) ? WEXITSTATUS(s) : -WTERMSIG(s);
}

static void handler(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  long offset = (unsigned char *)info->si_addr - area;
  mprotect(area + offset / PAGE * PAGE, PAGE, PROT_READ | PROT_WRITE);
}

int main(void) {
  scratch();
  pipe(go);
  pipe(done);
  area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  fill(area, PAGES, 1);
  unsigned long original = sum(area, PAGES);

  pid_t child = fork();
  if (child == 0) _exit(sum(area, PAGES) == original);
  show("a child reads everything", "%d", finish(child));

  child = fork();
  if (child == 0) {
    fill(area, PAGES, 2);
    _exit(number(0) == 200000 && number(PAGES - 1) == 200000 + PAGES - 1);
  }
  show("a child writes everything", "%d", finish(child));
  yes("and the parent has what it had", sum(area, PAGES) == original);

  child = fork();
  if (child == 0) {
    tell(done);
    await(go);
    _exit(sum(area, PAGES) == original);
  }
  await(done);
  fill(area, PAGES, 3);
  unsigned long third = sum(area, PAGES);
  tell(go);
  show("the parent writes everything before the child has looked", "%d", finish(child));
  show("it has what it wrote", "%u", number(17));

  // Three generations, of which the middle one ends first.
  child = fork();
  if (child == 0) {
    for (int p = 0; p < PAGES; p += 3) *(uint32_t *)(area + p * PAGE) = 7000000 + p;
    pid_t grandchild = fork();
    if (grandchild == 0) {
      tell(done);
      await(go);
      int good = 1;
      for (int p = 0; p < PAGES; p++) good &= number(p) == (p % 3 ? 300000u : 7000000u) + p;
      tell(done);
      _exit(good);
    }
    await(done);
    for (int p = 0; p < PAGES; p += 2) *(uint32_t *)(area + p * PAGE) = 8;
    _exit(5);
  }
  show("the child in the middle", "%d", finish(child));
  for (int p = 0; p < PAGES; p += 5) *(uint32_t *)(area + p * PAGE) = 9;
  tell(go);
  await(done);
  yes("the parent's pages are its own", number(0) == 9 && number(3) == 300003 && number(2) == 300002);
  fill(area, PAGES, 3);
  yes("and can be written again", sum(area, PAGES) == third);

  // System calls that read and write pages which nobody has touched since the fork.
  int fd = open("file", O_RDWR | O_CREAT, 0600);
  child = fork();
  if (child == 0) {
    ret("write from them", write(fd, area + 10 * PAGE - 8, 3 * PAGE));
    ret("read into them", pread(fd, area + 100 * PAGE + 4, 2 * PAGE, 8));
    show("what was read", "%u %u", *(uint32_t *)(area + 100 * PAGE + 4), *(uint32_t *)(area + 101 * PAGE + 4));
    show("beside it", "%u %u", number(100), *(uint32_t *)(area + 102 * PAGE + 64));
    struct iovec iov[2] = {{area + 200 * PAGE, PAGE}, {area + 300 * PAGE, PAGE}};
    ret("readv", preadv(fd, iov, 2, 8));
    show("what was read", "%u %u", number(200), number(300));
    ret("stat into them", stat("file", (struct stat *)(area + 400 * PAGE + 4000)));
    _exit(0);
  }
  finish(child);
  yes("nothing of it reached the parent", sum(area, PAGES) == third);

  // Mappings that change after the fork.
  child = fork();
  if (child == 0) {
    ret("munmap", munmap(area + 10 * PAGE, 10 * PAGE));
    unsigned char *again = mmap(area + 10 * PAGE, 10 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    show("mapped again it is zero", "%u", *(uint32_t *)again);
    ret("madvise", madvise(area + 30 * PAGE, 4 * PAGE, MADV_DONTNEED));
    show("what is not needed is zero", "%u %u", number(30), number(34));
    unsigned char *moved = mremap(area + 50 * PAGE, 20 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
    show("moved", "%u %u %u", *(uint32_t *)moved, *(uint32_t *)(moved + 19 * PAGE), *(uint32_t *)(moved + 20 * PAGE));
    ret("mprotect", mprotect(area + 100 * PAGE, 4 * PAGE, PROT_READ));
    show("still there", "%u", number(102));
    ret("read into what may be read only", pread(fd, area + 100 * PAGE, 16, 0));
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    *(uint32_t *)(area + 101 * PAGE) = 4711;
    show("written after a fault", "%u %u", number(101), *(uint32_t *)(area + 101 * PAGE + 64));
    pid_t grandchild = fork();
    if (grandchild == 0) _exit(number(101) == 4711 && number(30) == 0 && *(uint32_t *)(moved + PAGE) == 300051);
    show("a grandchild sees the same", "%d", finish(grandchild));
    _exit(0);
  }
  finish(child);
  yes("nothing of it reached the parent", sum(area, PAGES) == third);

  child = fork();
  if (child == 0) {
    tell(done);
    await(go);
    _exit(number(30) == 300030 && number(55) == 300055 && number(75) == 300075 && number(101) == 300101);
  }
  await(done);
  munmap(area + 30 * PAGE, PAGE);
  madvise(area + 55 * PAGE, PAGE, MADV_DONTNEED);
  mprotect(area + 75 * PAGE, PAGE, PROT_NONE);
  void *elsewhere = mremap(area + 101 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + 30 * PAGE);
  yes("the parent moves a page", elsewhere == area + 30 * PAGE);
  tell(go);
  show("the child has what the parent has given up", "%d", finish(child));
  show("the moved page", "%u", number(30));

  // Shared memory beside it, and what is wiped or left out.
  uint32_t *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  uint32_t *wiped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *shared = *wiped = 1;
  ret("MADV_WIPEONFORK", madvise(wiped, PAGE, MADV_WIPEONFORK));
  child = fork();
  if (child == 0) {
    *shared += 1;
    _exit(*wiped == 0);
  }
  show("wiped in the child", "%d", finish(child));
  show("shared, and not wiped in the parent", "%u %u", *shared, *wiped);

  // Many at a time.
  pid_t children[8];
  for (int i = 0; i < 8; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      for (int p = 200 + i; p < PAGES; p += 8) *(uint32_t *)(area + p * PAGE) = i;
      int good = 1;
      for (int p = 200; p < PAGES; p++) good &= number(p) == (p % 8 == i ? (uint32_t)i : 300000u + p);
      _exit(good);
    }
    for (int p = 150 + i; p < 200; p += 8) *(uint32_t *)(area + p * PAGE) = 1;
  }
  int good = 0;
  for (int i = 7; i >= 0; i--) good += finish(children[i]);
  show("eight children, each with pages of its own", "%d", good);
  good = 1;
  for (int p = 200; p < PAGES; p++) good &= number(p) == 300000u + p;
  yes("the parent's are as they were", good);

  // A child that executes something else, or is killed, lets go of everything.
  child = fork();
  if (child == 0) {
    char *argv[] = {"true", NULL};
    execv("/bin/true", argv);
    _exit(1);
  }
  show("exec", "%d", finish(child));
  child = fork();
  if (child == 0) for (;;) pause();
  kill(child, SIGKILL);
  show("kill", "%d", finish(child));
  fill(area + 102 * PAGE, PAGES - 102, 4);
  show("written once more", "%u", number(PAGES - 1));
  return 0;
}
