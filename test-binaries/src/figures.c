// Files of /proc/[pid] that can be written, and what others count: oom_score_adj and oom_adj, timerslack_ns, coredump_filter,
// clear_refs, pagemap, io, children, syscall, map_files, /proc/locks, /proc/sysvipc. Not checked: figures that depend on the machine, pages that nobody has touched.
#include "t.h"
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
static long writes(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return -1;
  long n = write(fd, text, strlen(text));
  int e = errno;
  close(fd);
  errno = e;
  return n;
}
static char *text(const char *path) {
  static char buffer[4096];
  int fd = open(path, O_RDONLY);
  long n = fd < 0 ? -1 : read(fd, buffer, sizeof buffer - 1);
  if (fd >= 0) close(fd);
  if (n < 0) return strcpy(buffer, errname(errno));
  buffer[n] = 0;
  buffer[strcspn(buffer, "\n")] = 0;
  return buffer;
}
static void set(const char *path, const char *value) {
  char what[100];
  snprintf(what, sizeof what, "%s: %s", path, value);
  long n = writes(path, value);
  show(what, "%s, %s", n < 0 ? errname(errno) : "ok", text(path));
}
static void oom(void) {
  static const char *const values[] = {"-1001", "1001", "x", "5x", "0x5", "010", "09", "+7", "-1", "5", "3", "0", "700", "1000"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) set("/proc/self/oom_score_adj", values[i]);
  show("oom_adj", "%s", text("/proc/self/oom_adj"));
  static const char *const old[] = {"-18", "16", "15", "14"};
  for (size_t i = 0; i < sizeof old / sizeof *old; i++) set("/proc/self/oom_adj", old[i]);
  set("/proc/self/oom_score_adj", "300");
  fflush(stdout);
  if (fork() == 0) {
    show("a child's", "%s", text("/proc/self/oom_score_adj"));
    set("/proc/self/oom_score_adj", "0");
    fflush(stdout);
    _exit(0);
  }
  wait(0);
  show("a parent's", "%s", text("/proc/self/oom_score_adj"));
}
static void slack(void) {
  static const char *const values[] = {"1", "100000", "x", "-1", "0"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) set("/proc/self/timerslack_ns", values[i]);
  prctl(PR_SET_TIMERSLACK, 77);
  show("timerslack_ns", "%s", text("/proc/self/timerslack_ns"));
}
static void filter(void) {
  static const char *const values[] = {"0x7f", "33", "x", "-1", "0x1ff", "0x3"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) set("/proc/self/coredump_filter", values[i]);
  fflush(stdout);
  if (fork() == 0) {
    show("a child's", "%s", text("/proc/self/coredump_filter"));
    fflush(stdout);
    execl("/proc/self/exe", "figures", "filter", (char *)0);
    _exit(1);
  }
  wait(0);
}
static void refs(void) {
  static const char *const values[] = {"0", "1", "2", "3", "4", "5", "6", "x"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) ret(values[i], writes("/proc/self/clear_refs", values[i]));
  ret("read", open("/proc/self/clear_refs", O_RDONLY) < 0 ? -1 : 0);
}
static void pages(void) {
  char *m = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  m[4096] = 1;
  munmap(m + 3 * 4096, 4096);
  int fd = open("/proc/self/pagemap", O_RDONLY);
  uint64_t e[4] = {0};
  R(pread(fd, e, sizeof e, (uintptr_t)m / 4096 * 8));
  for (int i = 1; i < 4; i += 2) show("page", "present %d, of a file or shared %d", (int)(e[i] >> 63), (int)(e[i] >> 61 & 1));
  R(pread(fd, e, 7, 0));
  R(pread(fd, e, 8, 4));
  R(pread(fd, e, 8, 0));
}
static void io(void) {
  static long before[4], after[4];
  for (int k = 0; k < 2; k++) {
    long *v = k ? after : before;
    FILE *f = fopen("/proc/self/io", "r");
    fscanf(f, "rchar: %ld\nwchar: %ld\nsyscr: %ld\nsyscw: %ld", v, v + 1, v + 2, v + 3);
    fclose(f);
    if (k) break;
    int p[2];
    char b[100];
    pipe(p);
    for (int i = 0; i < 10; i++) write(p[1], b, 50 + i);
    for (int i = 0; i < 7; i++) read(p[0], b, 20);
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    while (read(p[0], b, 100) > 0) {}
  }
  // What reading the file itself takes differs.
  show("written", "%ld bytes in %ld calls", after[1] - before[1], after[3] - before[3]);
  yes("read", after[0] - before[0] >= 545 && after[2] - before[2] >= 13);
}
static void children(void) {
  char path[64], wanted[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  show("no children", "%s", text(path));
  int p[2];
  pipe(p);
  pid_t a = fork();
  if (a == 0) {
    char c;
    close(p[1]);
    read(p[0], &c, 1);
    _exit(0);
  }
  snprintf(wanted, sizeof wanted, "%d ", a);
  yes("one", !strcmp(text(path), wanted));
  msleep(30);
  snprintf(path, sizeof path, "/proc/%d/syscall", a);
  int number = -1;
  sscanf(text(path), "%d", &number);
  yes("it reads", number == SYS_read);
  sscanf(text("/proc/self/syscall"), "%d", &number);
  yes("so does whoever reads this", number == SYS_read);
  close(p[1]);
  wait(0);
}
static void locks(void) {
  int fd = open("f", O_RDWR | O_CREAT, 0600);
  flock(fd, LOCK_EX);
  struct flock l = {.l_type = F_RDLCK, .l_start = 5, .l_len = 10};
  fcntl(fd, F_SETLK, &l);
  struct stat s;
  fstat(fd, &s);
  char line[200], mark[40], kinds[8][128];
  snprintf(mark, sizeof mark, ":%lu ", (unsigned long)s.st_ino);
  FILE *f = fopen("/proc/locks", "r");
  int n = 0;
  while (fgets(line, sizeof line, f) && n < 8) {
    char kind[20], how[20], type[20], where[60], from[20], to[20];
    int pid;
    if (!strstr(line, mark)) continue;
    sscanf(line, "%*s %19s %19s %19s %d %59s %19s %19s", kind, how, type, &pid, where, from, to);
    snprintf(kinds[n++], 128, "%s %s %s %s %s %s", kind, how, type, pid == getpid() ? "mine" : "others'", from, to);
  }
  fclose(f);
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++)
      if (strcmp(kinds[i], kinds[j]) > 0) {
        strcpy(line, kinds[i]);
        strcpy(kinds[i], kinds[j]);
        strcpy(kinds[j], line);
      }
  for (int i = 0; i < n; i++) show("lock", "%s", kinds[i]);
}
static void ipc(void) {
  int id = shmget(IPC_PRIVATE, 5000, IPC_CREAT | 0640);
  char *at = shmat(id, 0, 0);
  *at = 1;
  shmctl(id, IPC_RMID, 0);
  char line[300];
  FILE *f = fopen("/proc/sysvipc/shm", "r");
  fgets(line, sizeof line, f);
  line[strcspn(line, "\n")] = 0;
  show("shm", "%s", line);
  while (fgets(line, sizeof line, f)) {
    int key, found, mode, cpid, lpid, count;
    long size;
    sscanf(line, "%d %d %o %ld %d %d %d", &key, &found, &mode, &size, &cpid, &lpid, &count);
    if (found == id) show("segment", "%d %o %ld %d %d %d", key, mode, size, cpid == getpid(), lpid == getpid(), count);
  }
  fclose(f);
  show("msg", "%s", text("/proc/sysvipc/msg"));
  show("sem", "%s", text("/proc/sysvipc/sem"));
}
static void mapped(void) {
  char path[96], link[96], whole[160];
  struct stat st;
  put("mapped", "0123456789");
  int fd = open("mapped", O_RDWR);
  char *p = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0), *q = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned long a = (unsigned long)p;
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", a, a + 4096);
  long n = readlink(path, link, sizeof link - 1);
  link[n < 0 ? 0 : n] = 0;
  snprintf(whole, sizeof whole, "%s/mapped", scratch_path);
  yes("map_files: the name", !strcmp(link, whole));
  lstat(path, &st);
  show("  mode", "%o, %d bytes", st.st_mode, (int)st.st_size);
  stat("/proc/self/map_files", &st);
  show("  of the directory", "%o", st.st_mode);
  unlink("mapped");
  int again = open(path, O_RDONLY);
  char text[11] = "";
  read(again, text, 10);
  show("  opened though removed", "%s", text);
  static const char *const forms[] = {"0%lx-%lx", "%lx-0%lx", " %lx-%lx", "%lx-%lx ", "%lx"};
  for (int i = 0; i < 5; i++) {
    char name[64];
    snprintf(name, sizeof name, forms[i], a, a + 4096);
    snprintf(path, sizeof path, "/proc/self/map_files/%s", name);
    ret(forms[i], readlink(path, link, 9));
  }
  a = (unsigned long)q;
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", a, a + 4096);
  ret("  anonymous memory", readlink(path, link, 9));
  snprintf(path, sizeof path, "/proc/self/task/%d/map_files", getpid());
  ret("  of a thread", access(path, F_OK));
  fflush(stdout);
  if (fork() == 0) {
    if (setresuid(1000, 1000, 1000)) _exit(98);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    a = (unsigned long)p;
    snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", a, a + 4096);
    yes("  without privileges its name", readlink(path, link, 9) == 9);
    ret("  and its contents", open(path, O_RDONLY));
    _exit(0);
  }
  wait(0);
}
int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    show("and the next program's", "%s", text("/proc/self/coredump_filter"));
    return 0;
  }
  scratch();
  oom();
  slack();
  filter();
  refs();
  pages();
  io();
  children();
  locks();
  ipc();
  mapped();
  scratch_remove();
  return 0;
}
