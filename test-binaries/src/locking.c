// Memory that is locked or populated: mlock(2), mlock2(2), mlockall(2), munlock(2), munlockall(2), MAP_LOCKED, MAP_POPULATE,
// MADV_POPULATE_*: what is resident then (mincore(2)), what /proc shows (VmLck, VmFlags), limits, fork, brk, mremap, exec. And
// prctl(PR_SET_MDWE), by which a process renounces memory that is writable and executable.
// Not checked: pages that are locked in other nodes, huge pages.
#include "t.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define PAGE 4096
#define SET_MDWE 65
#define GET_MDWE 66
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif
#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif
#define POPULATE_READ 22
#define POPULATE_WRITE 23

static char *anonymous(int pages, int prot, int flags) {
  return mmap(0, pages * PAGE, prot, MAP_ANONYMOUS | MAP_PRIVATE | flags, -1, 0);
}

static void resident(const char *what, char *p, int pages) {
  unsigned char vector[64];
  char text[65] = "";
  if (mincore(p, pages * PAGE, vector)) return (void)ret(what, -1);
  for (int i = 0; i < pages; i++) text[i] = vector[i] & 1 ? '1' : '0';
  show(what, "%s", text);
}

static long locked(void) {
  char line[256];
  long kb = -1;
  FILE *f = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, f))
    if (sscanf(line, "VmLck: %ld", &kb) == 1) break;
  fclose(f);
  return kb;
}

// "lo" and "lf" of the mapping's VmFlags, and its size in pages.
static void flags(const char *what, char *p) {
  char line[512];
  int found = 0;
  unsigned long from, to, size = 0;
  FILE *f = fopen("/proc/self/smaps", "r");
  while (fgets(line, sizeof line, f)) {
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2 && strchr(line, '-') < strchr(line, ' ')) {
      found = from <= (unsigned long)p && (unsigned long)p < to;
      size = (to - from) / PAGE;
    } else if (found && !strncmp(line, "VmFlags:", 8)) {
      show(what, "%lu pages%s%s", size, strstr(line, " lo") ? " lo" : "", strstr(line, " lf") ? " lf" : "");
      break;
    }
  }
  fclose(f);
}

static void single(void) {
  char *p = anonymous(8, PROT_READ | PROT_WRITE, 0);
  resident("untouched", p, 8);
  flags("not locked", p);
  R(mlock(p, 2 * PAGE));
  resident("two locked", p, 4);
  flags("they are a mapping", p);
  flags("the rest", p + 2 * PAGE);
  show("VmLck", "%ld", locked());
  R(madvise(p, PAGE, MADV_DONTNEED));
  R(madvise(p, PAGE, MADV_FREE));
  R(munlock(p + PAGE, PAGE));
  flags("the first", p);
  show("VmLck", "%ld", locked());
  R(munlock(p, 8 * PAGE));
  flags("one again", p);
  R((long)syscall(SYS_mlock2, p + 4 * PAGE, 2 * PAGE, MLOCK_ONFAULT));
  resident("on fault", p + 4 * PAGE, 4);
  flags("on fault", p + 4 * PAGE);
  show("VmLck", "%ld", locked());
  p[4 * PAGE] = 1;
  R((long)syscall(SYS_mlock2, p + 4 * PAGE, 2 * PAGE, 0));
  resident("now", p + 4 * PAGE, 4);
  flags("locked", p + 4 * PAGE);
  munmap(p, 8 * PAGE);
  show("VmLck after munmap", "%ld", locked());
  p = anonymous(4, PROT_NONE, 0);
  R(mlock(p, PAGE));
  flags("it is locked all the same", p);
  R(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE));
  resident("made accessible", p, 1);
  munmap(p, 4 * PAGE);
  p = anonymous(4, PROT_READ | PROT_WRITE, 0);
  munmap(p + 2 * PAGE, PAGE);
  R(mlock(p, 4 * PAGE));
  flags("before the hole", p);
  flags("behind it", p + 3 * PAGE);
  R(munlock(p, 4 * PAGE));
  R(mlock((void *)1, PAGE));
  R(mlock((void *)LONG_MAX, 8));
  R(munlock((void *)LONG_MAX, 8));
  munmap(p, 4 * PAGE);
  p = anonymous(4, PROT_READ | PROT_WRITE, MAP_LOCKED);
  resident("MAP_LOCKED", p, 4);
  flags("MAP_LOCKED", p);
  char *moved = mremap(p, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
  resident("grown", moved, 6);
  show("VmLck", "%ld", locked());
  int st;
  if (fork() == 0) {
    show("in a child", "%ld", locked());
    flags("in a child", moved);
    _exit(0);
  }
  wait(&st);
  munmap(moved, 6 * PAGE);
  p = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  mlock(p, 2 * PAGE);
  resident("shared", p, 2);
  munmap(p, 4 * PAGE);
  put("short", "text");
  int fd = open("short", O_RDWR);
  p = mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
  ret("beyond the end of a file", mlock(p, 2 * PAGE));
  munmap(p, 2 * PAGE);
}

static void all(void) {
  char *before = anonymous(2, PROT_READ | PROT_WRITE, 0);
  R(mlockall(MCL_CURRENT | MCL_ONFAULT));
  flags("what was there", before);
  resident("what was there", before, 2);
  char *later = anonymous(4, PROT_READ | PROT_WRITE, 0);
  flags("what came later", later);
  R(mlockall(MCL_CURRENT));
  resident("now it is", before, 2);
  flags("now it is", before);
  R(mlockall(MCL_FUTURE));
  flags("still", before);
  char *future = anonymous(20, PROT_READ | PROT_WRITE, 0);
  resident("in the future", future, 4);
  flags("in the future", future);
  char *none = anonymous(1, PROT_NONE, 0);
  flags("without access", none);
  char *end = sbrk(0), *brk = sbrk(64 * PAGE);
  yes("the break has moved", brk == end);
  resident("the heap", (char *)(((unsigned long)brk + PAGE - 1) & -PAGE), 4);
  R(mlockall(MCL_FUTURE | MCL_ONFAULT));
  char *onfault = anonymous(3, PROT_READ | PROT_EXEC, 0);
  resident("on fault", onfault, 3);
  flags("on fault", onfault);
  R(mlockall(MCL_CURRENT));
  char *not = anonymous(30, PROT_READ | PROT_EXEC, 0);
  flags("no future", not);
  int st;
  mlockall(MCL_FUTURE);
  if (fork() == 0) {
    char *p = anonymous(40, PROT_READ | PROT_WRITE, 0);
    flags("a child's", p);
    _exit(0);
  }
  wait(&st);
  R(munlockall());
  flags("nothing", before);
  show("VmLck", "%ld", locked());
  char *last = anonymous(50, PROT_READ | PROT_WRITE, 0);
  flags("afterwards", last);
}

static void limits(void) {
  struct rlimit limit = {8 * PAGE, 8 * PAGE};
  setrlimit(RLIMIT_MEMLOCK, &limit);
  if (setuid(1000)) return;
  char *p = anonymous(16, PROT_READ | PROT_WRITE, 0);
  ret("within the limit", mlock(p, 8 * PAGE));
  ret("the same once more", mlock(p, 8 * PAGE));
  ret("beyond", mlock(p + 8 * PAGE, PAGE));
  ok("locked mapping", (long)anonymous(1, PROT_READ, MAP_LOCKED));
  munlock(p, 4 * PAGE);
  yes("locked mapping of what is left", anonymous(4, PROT_READ, MAP_LOCKED) != MAP_FAILED);
  ok("grow a locked one", (long)mremap(p + 4 * PAGE, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE));
  ret("all", mlockall(MCL_CURRENT));
  munlockall();
  ret("the future", mlockall(MCL_FUTURE));
  yes("a mapping", anonymous(8, PROT_READ, 0) != MAP_FAILED);
  ok("one more", (long)anonymous(1, PROT_READ, 0));
  ok("the break", (long)sbrk(10 * PAGE));
  munlockall();
  ok("without", (long)anonymous(1, PROT_READ, 0));
  limit.rlim_cur = 0;
  setrlimit(RLIMIT_MEMLOCK, &limit);
  ret("none at all", mlock(p, 1));
  ret("all", mlockall(MCL_FUTURE));
  ok("locked mapping", (long)anonymous(1, PROT_READ, MAP_LOCKED));
  ret("unlock", munlock(p, PAGE));
}

static void populate(void) {
  char *p = anonymous(4, PROT_READ | PROT_WRITE, MAP_POPULATE);
  resident("MAP_POPULATE", p, 4);
  munmap(p, 4 * PAGE);
  p = anonymous(4, PROT_READ, 0);
  R(madvise(p, PAGE, POPULATE_READ));
  R(madvise(p, PAGE, POPULATE_WRITE));
  mprotect(p, 4 * PAGE, PROT_WRITE);
  ret("read what can only be written", madvise(p, PAGE, POPULATE_READ));
  ret("write", madvise(p + PAGE, PAGE, POPULATE_WRITE));
  mprotect(p, 4 * PAGE, PROT_EXEC);
  ret("read what can only be executed", madvise(p, PAGE, POPULATE_READ));
  mprotect(p, 4 * PAGE, PROT_NONE);
  ret("no access", madvise(p, PAGE, POPULATE_READ));
  munmap(p + PAGE, PAGE);
  mprotect(p, PAGE, PROT_READ);
  ret("a hole", madvise(p, 4 * PAGE, POPULATE_READ));
  munmap(p, 4 * PAGE);
  // A private page that is populated does not follow the file any more.
  put("file", "first");
  int fd = open("file", O_RDWR);
  p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  char *q = mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  pwrite(fd, "later", 5, 0);
  show("a private page", "%.5s", p);
  show("one that cannot be written", "%.5s", q);
  ret("beyond the end", madvise(mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0), 2 * PAGE, POPULATE_READ));
}

static void files(void) {
  int fd = open(".", O_TMPFILE | O_RDWR, 0600);
  fallocate(fd, 0, 0, 16 * PAGE);
  char *p = mmap(0, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  resident("allocated", p, 16);
  p[8 * PAGE] = 1;
  resident("one page written", p, 16);
  char *q = mmap(0, 16 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
  resident("another mapping", q, 16);
  pwrite(fd, "x", 1, 3 * PAGE);
  resident("written to the file", p, 16);
  char byte;
  pread(fd, &byte, 1, 5 * PAGE);
  resident("read from a hole", p, 16);
  byte = p[6 * PAGE];
  resident("looked at", p, 16);
  munmap(p, 16 * PAGE);
  struct stat before, after;
  struct timespec old[2] = {{1000, 0}, {2000, 0}};
  futimens(fd, old);
  fstat(fd, &before);
  munmap(mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0), PAGE);
  fstat(fd, &after);
  yes("a mapping is an access", after.st_atime > before.st_atime);
  p = mmap(0, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  resident("shared memory", p, 8);
  int st;
  if (fork() == 0) {
    p[2 * PAGE] = 1;
    _exit(0);
  }
  wait(&st);
  resident("written by a child", p, 8);
}

static void deny(void) {
  R(prctl(SET_MDWE, 4, 0, 0, 0));
  R(prctl(SET_MDWE, 2, 0, 0, 0));
  R(prctl(SET_MDWE, 1, 1, 0, 0));
  R(prctl(GET_MDWE, 1, 0, 0, 0));
  R(prctl(GET_MDWE, 0, 0, 0, 0));
  char *old = anonymous(1, PROT_READ | PROT_WRITE | PROT_EXEC, 0);
  char *code = anonymous(1, PROT_READ | PROT_EXEC, 0);
  R(prctl(SET_MDWE, 1, 0, 0, 0));
  R(prctl(SET_MDWE, 1, 0, 0, 0));
  R(prctl(SET_MDWE, 0, 0, 0, 0));
  R(prctl(SET_MDWE, 3, 0, 0, 0));
  R(prctl(GET_MDWE, 0, 0, 0, 0));
  ok("writable and executable", (long)anonymous(1, PROT_READ | PROT_WRITE | PROT_EXEC, 0));
  yes("executable", anonymous(1, PROT_READ | PROT_EXEC, 0) != MAP_FAILED);
  char *p = anonymous(1, PROT_READ, 0);
  ret("to make it so", mprotect(p, PAGE, PROT_READ | PROT_EXEC));
  ret("to make it writable", mprotect(p, PAGE, PROT_READ | PROT_WRITE));
  ret("code stays code", mprotect(code, PAGE, PROT_READ | PROT_EXEC));
  ret("code made writable", mprotect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
  ret("what was both stays", mprotect(old, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
  ret("or loses it", mprotect(old, PAGE, PROT_READ));
  ret("and has it no more", mprotect(old, PAGE, PROT_READ | PROT_EXEC));
  if (fork() == 0) _exit(prctl(GET_MDWE, 0, 0, 0, 0));
  int st;
  wait(&st);
  status("a child", st);
}

static void deny_here(void) {
  R(prctl(SET_MDWE, 3, 0, 0, 0));
  R(prctl(GET_MDWE, 0, 0, 0, 0));
  if (fork() == 0) _exit(prctl(GET_MDWE, 0, 0, 0, 0));
  int st;
  wait(&st);
  status("a child", st);
}

static void child(const char *what, void (*body)(void)) {
  int st;
  show(what, ":");
  if (fork() == 0) {
    body();
    _exit(0);
  }
  wait(&st);
  status(what, st);
}

int main(int argc, char **argv) {
  if (argc > 1) return prctl(GET_MDWE, 0, 0, 0, 0);
  scratch();
  child("single", single);
  child("all", all);
  child("limits", limits);
  child("populate", populate);
  child("files", files);
  child("deny", deny);
  child("deny here", deny_here);
  int st;
  for (int mode = 1; mode <= 3; mode += 2) {
    if (fork() == 0) {
      prctl(SET_MDWE, mode, 0, 0, 0);
      execl("/proc/self/exe", "locking", "x", (char *)0);
    }
    wait(&st);
    status("after exec", st);
  }
  (void)argv;
  scratch_remove();
  return 0;
}
