// /proc as programs read it: proc(5). Values that differ by machine are checked for sense, not printed.
#include "t.h"
#ifdef __riscv
#define CPU "\nisa\t\t: rv64imafdc"
#else
#define CPU " sse2 "
#endif
#include <sys/mman.h>
static char text[65536];
static ssize_t slurp(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  size_t n = 0;
  ssize_t r;
  while ((r = read(fd, text + n, sizeof text - 1 - n)) > 0) n += (size_t)r;
  text[n] = 0;
  close(fd);
  return (ssize_t)n;
}
static void link_of(const char *path) {
  char b[PATH_MAX];
  ssize_t n = readlink(path, b, sizeof b - 1);
  if (n < 0) show(path, "-1 %s", errname(errno));
  else {
    b[n] = 0;
    char *name = strrchr(b, '/');
    show(path, "%s", name && name[1] ? name + 1 : b);
  }
}
static void field(const char *name) {
  char key[40];
  sprintf(key, "\n%s:\t", name);
  char *p = strstr(text, key);
  if (!p) show(name, "missing");
  else show(name, "%.*s", (int)strcspn(p + strlen(key), "\n"), p + strlen(key));
}

static void nothing(int n) { (void)n; }

int main(int argc, char **argv) {
  if (argc == 1) {
    char *args[] = {"procname", "one", "", "two words", 0}, *env[] = {"A=1", "B=2", 0};
    execve("/proc/self/exe", args, env);
    return 1;
  }
  (void)argv;
  scratch();
  char path[100];
  ssize_t n = slurp("/proc/self/cmdline");
  for (ssize_t i = 0; i < n; i++) if (!text[i]) text[i] = '|';
  show("cmdline", "%zd %s", n, text);
  n = slurp("/proc/self/environ");
  for (ssize_t i = 0; i < n; i++) if (!text[i]) text[i] = '|';
  show("environ", "%s", text);
  slurp("/proc/self/comm");
  show("comm", "%s", text[0] ? "given" : "empty");
  link_of("/proc/self/exe");
  char cwd[PATH_MAX];
  n = readlink("/proc/self/cwd", cwd, sizeof cwd);
  yes("cwd", n == (ssize_t)strlen(scratch_path) && !memcmp(cwd, scratch_path, (size_t)n));
  link_of("/proc/self/root");
  n = readlink("/proc/self", cwd, sizeof cwd - 1);
  cwd[n] = 0;
  yes("self", atoi(cwd) == getpid());
  n = readlink("/proc/thread-self", cwd, sizeof cwd - 1);
  cwd[n > 0 ? n : 0] = 0;
  sprintf(path, "%d/task/%d", getpid(), getpid());
  show("thread-self", "%d", !strcmp(cwd, path));

  slurp("/proc/self/stat");
  int pid = 0, ppid = 0, pgrp = 0, session = 0;
  char state = 0;
  sscanf(text, "%d", &pid);
  char *close_paren = strrchr(text, ')');
  sscanf(close_paren + 2, "%c %d %d %d", &state, &ppid, &pgrp, &session);
  yes("stat", pid == getpid() && ppid == getppid() && pgrp == getpgrp() && session == getsid(0));
  show("state", "%c", state);
  int fields = 3;
  for (char *p = close_paren + 2; *p; p++) fields += *p == ' ';
  show("fields", "%d", fields);
  slurp("/proc/self/statm");
  int numbers = 1;
  for (char *p = text; *p; p++) numbers += *p == ' ';
  show("statm fields", "%d", numbers);

  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  signal(SIGUSR2, SIG_IGN);
  signal(SIGTERM, nothing);
  raise(SIGUSR1);
  slurp("/proc/self/status");
  field("State"); field("Uid"); field("Gid"); field("Threads"); field("SigBlk"); field("SigIgn"); field("SigCgt"); field("ShdPnd"); field("SigPnd"); field("Umask"); field("TracerPid");
  yes("VmSize", strstr(text, "\nVmSize:\t") != 0);

  // maps
  char *m = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(m + 4096, 4096, PROT_READ);
  mprotect(m + 2 * 4096, 4096, PROT_NONE);
  put("file", "x");
  int fd = open("file", O_RDWR);
  char *f = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
  slurp("/proc/self/maps");
  unsigned long last = 0;
  int sorted = 1, found_stack = 0, found_heap = 0;
  for (char *line = text; *line; line = strchr(line, '\n') + 1) {
    unsigned long from, to;
    char perms[8], name[200] = "";
    sscanf(line, "%lx-%lx %7s %*x %*s %*u %199s", &from, &to, perms, name);
    if (from < last || to <= from) sorted = 0;
    last = to;
    if (from == (unsigned long)m + 4096) show("read-only page", "%s, %lu bytes", perms, to - from);
    if (from == (unsigned long)m + 2 * 4096) show("no access", "%s", perms);
    if (from == (unsigned long)f) show("file", "%s %s", perms, strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
    if (from <= (unsigned long)main && (unsigned long)main < to) show("code", "%s", perms);
    if (!strcmp(name, "[stack]")) found_stack = from <= (unsigned long)&sorted && (unsigned long)&sorted < to;
    if (!strcmp(name, "[heap]")) found_heap = 1;
  }
  yes("in order", sorted);
  yes("[stack] holds the stack", found_stack);
  show("[heap] before brk", "%d", found_heap);
  char *end = (char *)syscall(SYS_brk, 0);
  syscall(SYS_brk, end + 3 * 4096); // musl refuses sbrk
  slurp("/proc/self/maps");
  yes("[heap] after", strstr(text, "[heap]") != 0);

  // fd
  sprintf(path, "/proc/self/fd/%d", fd);
  link_of(path);
  int p[2];
  pipe(p);
  sprintf(path, "/proc/self/fd/%d", p[0]);
  n = readlink(path, cwd, sizeof cwd - 1);
  cwd[n] = 0;
  yes("a pipe's link", !strncmp(cwd, "pipe:[", 6));
  sprintf(path, "/proc/self/fd/%d", fd);
  int again = open(path, O_RDONLY);
  char c = 0;
  read(again, &c, 1);
  show("opened through it", "%c", c);
  sprintf(path, "/proc/self/fdinfo/%d", again);
  slurp(path);
  show("fdinfo pos", "%.*s", (int)strcspn(text, "\n"), text);
  ret("closed descriptor", readlink("/proc/self/fd/999", cwd, 10));
  ret("not a number", readlink("/proc/self/fd/x", cwd, 10));
  ok("write to maps", open("/proc/self/maps", O_WRONLY));
  ret("create in /proc", open("/proc/new", O_RDWR | O_CREAT, 0644));
  ret("mkdir in /proc", mkdir("/proc/self/x", 0755));
  ret("unlink in /proc", unlink("/proc/self/stat"));
  ret("nobody's", access("/proc/999999", F_OK));

  pid_t child = fork();
  if (child == 0) for (;;) pause();
  msleep(50);
  sprintf(path, "/proc/%d/stat", child);
  slurp(path);
  show("a sleeping child", "%c", strrchr(text, ')')[2]);
  kill(child, SIGSTOP);
  msleep(20);
  slurp(path);
  show("stopped", "%c", strrchr(text, ')')[2]);
  kill(child, SIGKILL);
  msleep(50);
  slurp(path);
  show("zombie", "%c", strrchr(text, ')')[2]);
  wait(0);
  ret("reaped", access(path, F_OK));

  yes("/proc/meminfo", slurp("/proc/meminfo") > 0 && !strncmp(text, "MemTotal:", 9) && strstr(text, "MemFree:") && strstr(text, "MemAvailable:"));
  yes("/proc/cpuinfo", slurp("/proc/cpuinfo") > 0 && !strncmp(text, "processor\t: 0", 13) && strstr(text, CPU));
  double up = 0, idle = 0;
  slurp("/proc/uptime");
  show("/proc/uptime", "%d", sscanf(text, "%lf %lf", &up, &idle));
  double load[3];
  int running, total, newest;
  slurp("/proc/loadavg");
  show("/proc/loadavg", "%d", sscanf(text, "%lf %lf %lf %d/%d %d", load, load + 1, load + 2, &running, &total, &newest));
  yes("/proc/version", slurp("/proc/version") > 0 && !strncmp(text, "Linux version ", 14));
  yes("/proc/mounts has proc", slurp("/proc/mounts") > 0 && strstr(text, " /proc proc ") != 0);
  yes("/proc/filesystems", slurp("/proc/filesystems") > 0 && strstr(text, "nodev\ttmpfs\n") != 0);
  yes("/proc/stat", slurp("/proc/stat") > 0 && !strncmp(text, "cpu  ", 5) && strstr(text, "\nbtime "));
  show("/proc/sys/kernel/ostype", "%s", slurp("/proc/sys/kernel/ostype") > 0 ? strtok(text, "\n") : "?");
  yes("/proc/sys/kernel/pid_max", slurp("/proc/sys/kernel/pid_max") > 0 && atoi(text) >= 32768);
  yes("/proc/sys/kernel/random/uuid", slurp("/proc/sys/kernel/random/uuid") == 37);
  yes("listing has this process", (sprintf(path, "/proc/%d", getpid()), access(path, F_OK) == 0));
  struct stat st;
  stat("/proc/self/exe", &st);
  yes("stat follows exe to the program", S_ISREG(st.st_mode) && st.st_size > 1000);
  stat("/proc", &st);
  show("/proc", "%o", st.st_mode);
  stat("/proc/self/stat", &st);
  show("/proc/self/stat", "%o, size %ld", st.st_mode, (long)st.st_size);
  scratch_remove();
  return 0;
}
