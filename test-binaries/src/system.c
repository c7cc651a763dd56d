// Identity, limits, names, priorities, random numbers, prctl(2): the small calls. Also vdso and libc wrappers of time.
#include "t.h"
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static void child(const char *what, int (*f)(void)) {
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) exit(f());
  int s;
  waitpid(p, &s, 0);
  status(what, s);
}
static int drop(void) {
  uid_t r, e, s;
  gid_t groups[3] = {10, 20, 30};
  ret("setgroups", setgroups(3, groups));
  ret("getgroups", getgroups(0, 0));
  ret("getgroups with little room", getgroups(2, groups));
  ret("setresgid", setresgid(5, 6, 7));
  show("gids", "%d %d", getgid(), getegid());
  ret("setresuid", setresuid(1, 2, 3));
  getresuid(&r, &e, &s);
  show("uids", "%d %d %d", r, e, s);
  ret("seteuid to the saved", seteuid(3));
  ret("seteuid to another", seteuid(9));
  ret("setuid", setuid(1));
  getresuid(&r, &e, &s);
  show("uids", "%d %d %d", r, e, s);
  ret("setreuid", setreuid(-1, 1));
  ret("setuid(0)", setuid(0));
  ret("setgroups without privilege", setgroups(0, 0));
  ret("raise nice", nice(5) == 5 ? 0 : -1);
  ret("lower nice", setpriority(PRIO_PROCESS, 0, 0));
  struct rlimit l = {10, 20};
  ret("lower a limit", setrlimit(RLIMIT_NOFILE, &l));
  l.rlim_max = 30;
  ret("raise the hard limit", setrlimit(RLIMIT_NOFILE, &l));
  l.rlim_cur = 25;
  l.rlim_max = 20;
  ret("soft above hard", setrlimit(RLIMIT_NOFILE, &l));
  return 0;
}
static int nproc(void) {
  struct rlimit l = {0, 0};
  setgid(4242);
  setuid(4242);
  setrlimit(RLIMIT_NPROC, &l);
  ret("fork beyond RLIMIT_NPROC", fork());
  return 0;
}
static int lost_parent(void) {
  int p[2];
  pipe(p);
  if (fork() == 0) {
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGUSR1);
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, SIGUSR1);
      sigprocmask(SIG_BLOCK, &set, 0);
      write(p[1], "r", 1);
      int n;
      sigwait(&set, &n);
      write(p[1], "d", 1);
      _exit(0);
    }
    char c;
    read(p[0], &c, 1);
    _exit(0);
  }
  wait(0);
  char c = 0;
  read(p[0], &c, 1);
  show("PR_SET_PDEATHSIG", "%c", c);
  return 0;
}

int main(void) {
  struct utsname u;
  ret("uname", uname(&u));
  show("system, machine", "%s %s", u.sysname, u.machine);
  yes("release has two dots", strchr(u.release, '.') && strchr(strchr(u.release, '.') + 1, '.'));
  ret("uname to nowhere", syscall(SYS_uname, 8));
  struct sysinfo si;
  ret("sysinfo", sysinfo(&si));
  yes("memory", si.totalram > 0 && si.freeram <= si.totalram);
  show("unit", "%u", si.mem_unit);
  yes("processes", si.procs > 0);
  show("ids", "%d %d %d %d", getuid(), geteuid(), getgid(), getegid());
  yes("gettid is getpid", syscall(SYS_gettid) == getpid());
  struct rlimit l;
  static const struct { int which; const char *name; } limits[] = {{RLIMIT_STACK, "STACK"}, {RLIMIT_CORE, "CORE"}, {RLIMIT_AS, "AS"}, {RLIMIT_FSIZE, "FSIZE"}, {RLIMIT_CPU, "CPU"}, {RLIMIT_DATA, "DATA"}};
  for (int i = 0; i < 6; i++) {
    getrlimit(limits[i].which, &l);
    if (l.rlim_cur == RLIM_INFINITY) show(limits[i].name, "unlimited");
    else show(limits[i].name, "%llu", (unsigned long long)l.rlim_cur);
  }
  ret("unknown limit", getrlimit(99, &l));
  ret("prlimit of oneself", prlimit(0, RLIMIT_NOFILE, 0, &l));
  ret("prlimit of nobody", prlimit(999999, RLIMIT_NOFILE, 0, &l));
  child("privileges", drop);
  child("processes", nproc);
  child("parent's death", lost_parent);

  char name[20] = {0};
  ret("PR_SET_NAME", prctl(PR_SET_NAME, "a name that is much too long"));
  ret("PR_GET_NAME", prctl(PR_GET_NAME, name));
  show("name", "%s", name);
  ret("PR_GET_DUMPABLE", prctl(PR_GET_DUMPABLE));
  ret("PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 5));
  ret("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, 99));
  ret("PR_GET_NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  ret("PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  ret("PR_GET_NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  ret("unknown prctl", prctl(12345));
  ret("getpriority", (errno = 0, getpriority(PRIO_PROCESS, 0)));
  ret("setpriority", setpriority(PRIO_PROCESS, 0, 7));
  ret("getpriority", getpriority(PRIO_PROCESS, 0));
  ret("raw getpriority", syscall(SYS_getpriority, PRIO_PROCESS, 0));
  ret("too nice", setpriority(PRIO_PROCESS, 0, 100));
  ret("getpriority", getpriority(PRIO_PROCESS, 0));
  ret("of nobody", getpriority(PRIO_PROCESS, 999999));
  ret("bad which", getpriority(9, 0));
  ret("sched_yield", sched_yield());
  cpu_set_t set;
  yes("sched_getaffinity", syscall(SYS_sched_getaffinity, 0, sizeof set, &set) > 0 && CPU_ISSET(0, &set));
  ret("with no room", syscall(SYS_sched_getaffinity, 0, 1, &set));
  ret("policy", syscall(SYS_sched_getscheduler, 0));
  ret("highest priority", syscall(SYS_sched_get_priority_max, SCHED_FIFO));
  ret("lowest priority", syscall(SYS_sched_get_priority_min, SCHED_FIFO));
  ret("of the normal policy", syscall(SYS_sched_get_priority_max, SCHED_OTHER));

  unsigned char r[300] = {0}, z[300] = {0};
  ret("getrandom", getrandom(r, 256, 0));
  yes("fills", memcmp(r, z, 256) != 0);
  ret("getrandom GRND_RANDOM", getrandom(r, 300, GRND_RANDOM));
  ret("bad flags", getrandom(r, 8, 0x100));
  ret("to nowhere", getrandom((void *)8, 8, 0));

  int n = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR), u2 = open("/dev/urandom", O_RDONLY);
  ret("/dev/null read", read(n, r, 10));
  ret("/dev/null write", write(n, r, 10));
  ret("/dev/null lseek", lseek(n, 100, SEEK_SET));
  memset(r, 1, 300);
  ret("/dev/zero read", read(zero, r, 300));
  yes("zeros", memcmp(r, z, 300) == 0);
  ret("/dev/zero write", write(zero, r, 10));
  ret("/dev/full read", read(full, r, 10));
  ret("/dev/full write", write(full, r, 10));
  ret("/dev/urandom", read(u2, r, 300));
  yes("random", memcmp(r, z, 300) != 0);
  ret("/dev/fd/N", (sprintf(name, "/dev/fd/%d", zero), open(name, O_RDONLY) >= 0 ? 0 : -1));
  ret("/dev/stdin is a link", readlink("/dev/stdin", (char *)r, 100));

  struct passwd *p = getpwuid(0);
  show("root", "%s %s", p ? p->pw_name : "?", p ? p->pw_dir : "?");
  ret("unknown call", syscall(5000));
  ret("negative call", syscall(-1));
  ret("membarrier query", syscall(SYS_membarrier, 0, 0, 0) > 0 ? 0 : -1);
  ret("set_tid_address", syscall(SYS_set_tid_address, name) == getpid() ? 0 : -1);
  ret("personality", syscall(SYS_personality, 0xffffffff));
  ret("sync", (sync(), 0));
  ret("chroot", chroot("/tmp"));
  char cwd[100];
  ret("chdir /", chdir("/"));
  show("cwd in it", "%s", getcwd(cwd, sizeof cwd));
  ret("..", chdir(".."));
  show("no way up", "%s", getcwd(cwd, sizeof cwd));
  ret("/proc is not there", access("/proc/self", F_OK));
  return 0;
}
