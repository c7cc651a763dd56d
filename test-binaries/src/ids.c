// User and group ids, capabilities, prctl(2), personality(2), and who may signal whom: credentials(7), capabilities(7).
// Not checked: user namespaces, file capabilities, the audit system.
#include "t.h"
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#define P(x) ret(#x, (x))
static void ids(const char *what) {
  unsigned r, e, s, gr, ge, gs;
  syscall(SYS_getresuid, &r, &e, &s), syscall(SYS_getresgid, &gr, &ge, &gs);
  show(what, "uid %d %d %d fs %d, gid %d %d %d fs %d", r, e, s, (int)syscall(SYS_setfsuid, -1), gr, ge, gs, (int)syscall(SYS_setfsgid, -1));
}
struct header { uint32_t version; int pid; };
struct data { uint32_t effective, permitted, inheritable; };
static struct header h = {0x20080522, 0};
static struct data d[2];
static void caps(const char *what) {
  h.version = 0x20080522, h.pid = 0;
  syscall(SYS_capget, &h, d);
  show(what, "effective %x permitted %x inheritable %x", d[0].effective, d[0].permitted, d[0].inheritable);
}
static int s;
static void in_child(const char *what, void (*f)(void)) {
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    f();
    _exit(0);
  }
  waitpid(c, &s, 0);
  if (s) status(what, s);
}
// The raw calls: the libc's change all threads.
#define setresuid_(a, b, c) syscall(SYS_setresuid, a, b, c)
#define setreuid_(a, b) syscall(SYS_setreuid, a, b)
#define setuid_(a) syscall(SYS_setuid, a)
#define setresgid_(a, b, c) syscall(SYS_setresgid, a, b, c)
#define setregid_(a, b) syscall(SYS_setregid, a, b)
#define setgid_(a) syscall(SYS_setgid, a)
static void root_setuid(void) {
  P(setuid_(1000));
  ids("setuid as root sets all");
  caps("no capabilities are left");
  P(setuid_(0));
  P(setuid_(1000));
  P(setgid_(5));
}
static void saved(void) {
  P(setresuid_(1000, 1001, 1002));
  ids("setresuid");
  P(setresuid_(1003, -1, -1));
  P(setresuid_(-1, 1003, -1));
  P(setresuid_(-1, 1002, -1));
  ids("the saved id");
  P(setresuid_(1002, 1000, 1000));
  ids("permuted");
  P(setreuid_(-1, 1002));
  ids("setreuid, the real one");
  P(setreuid_(1000, -1));
  P(setreuid_(1001, -1));
  ids("unchanged");
  P(setuid_(1001));
  P(setuid_(1000));
  ids("setuid to the saved one");
}
static void reuid(void) {
  P(setreuid_(1000, 0));
  ids("real 1000, effective 0");
  caps("capabilities");
  P(setreuid_(-1, 1000));
  ids("effective 1000");
  caps("gone");
  P(setreuid_(0, 0));
  ids("back");
}
static void keeps(void) {
  P(setresuid_(1000, 1000, 0));
  caps("effective user 1000, saved 0");
  P(setresuid_(-1, 0, -1));
  caps("effective 0 again");
}
static void gids(void) {
  P(setresgid_(100, 101, 102));
  ids("setresgid as root");
  P(setregid_(-1, 7));
  ids("setregid");
  P(setgid_(8));
  ids("setgid");
  P(setuid_(1000));
  P(setgid_(9));
  P(setregid_(9, -1));
  P(setresgid_(-1, -1, 9));
  P(setregid_(8, 8));
  gid_t one = 1;
  P(syscall(SYS_setgroups, 1, &one));
}
static void fsids(void) {
  P(setfsuid(1000));
  P(setfsuid(-1));
  caps("without those of files");
  P(setfsuid(0));
  caps("with them");
  P(setresuid_(1000, 1001, 1002));
  P(setfsuid(1002));
  P(setfsuid(55));
  P(setfsuid(-1));
  P(setfsgid(77));
  P(setfsgid(-1));
}
static void keepcaps(void) {
  P(prctl(PR_GET_KEEPCAPS));
  P(prctl(PR_SET_KEEPCAPS, 2));
  P(prctl(PR_SET_KEEPCAPS, 1));
  P(setuid_(1000));
  caps("permitted is kept");
  d[0].effective = 1 << 7;
  P(syscall(SYS_capset, &h, d));
  P(setuid_(1234));
  ids("by CAP_SETUID");
  P(prctl(PR_GET_KEEPCAPS));
}
static void securebits(void) {
  P(prctl(PR_GET_SECUREBITS));
  P(prctl(PR_SET_SECUREBITS, 0x1000));
  P(prctl(PR_SET_SECUREBITS, 4 | 8));
  P(prctl(PR_SET_SECUREBITS, 8));
  P(prctl(PR_SET_SECUREBITS, 4));
  P(prctl(PR_GET_SECUREBITS));
  P(setuid_(1000));
  caps("no fixup of capabilities");
}
static void capabilities(void) {
  h.version = 1;
  P(syscall(SYS_capget, &h, d));
  show("the version", "%x", h.version);
  h.version = 1;
  P(syscall(SYS_capget, &h, 0));
  P(syscall(SYS_capget, 8, d));
  h.version = 0x20080522, h.pid = -1;
  P(syscall(SYS_capget, &h, d));
  h.pid = 99999999;
  P(syscall(SYS_capget, &h, d));
  h.pid = getppid();
  P(syscall(SYS_capget, &h, d));
  ret("capset of another", syscall(SYS_capset, &h, d));
  h.pid = 0;
  P(syscall(SYS_capset, &h, 0));
  P(syscall(SYS_capget, &h, d));
  d[0].inheritable = 3;
  P(syscall(SYS_capset, &h, d));
  caps("inheritable");
  d[0].effective = 0xff;
  P(syscall(SYS_capset, &h, d));
  d[0].permitted = 0x1ff;
  P(syscall(SYS_capset, &h, d));
  d[0].permitted = 0xffff;
  ret("more than is permitted", syscall(SYS_capset, &h, d));
  d[0].permitted = 0x1ff, d[0].effective = 0x2ff;
  ret("effective beyond permitted", syscall(SYS_capset, &h, d));
  h.version = 0x19980330;
  d[0].effective = 1, d[0].permitted = 1, d[0].inheritable = 0;
  ret("version 1", syscall(SYS_capset, &h, d));
  caps("then");
}
static void bounding(void) {
  P(prctl(PR_CAPBSET_READ, 7));
  P(prctl(PR_CAPBSET_READ, 99));
  P(prctl(PR_CAPBSET_DROP, 7));
  P(prctl(PR_CAPBSET_READ, 7));
  P(prctl(PR_CAPBSET_DROP, 99));
  P(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 5, 0, 0));
  P(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 5, 0, 0));
  caps("at first");
  d[0].inheritable = 1 << 5;
  syscall(SYS_capset, &h, d);
  P(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 5, 0, 0));
  P(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 5, 0, 0));
  P(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, 5, 0, 0));
  P(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 5, 0, 0));
  P(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  P(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
  P(prctl(PR_CAP_AMBIENT, 9, 5, 0, 0));
  P(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 99, 0, 0));
  syscall(SYS_setuid, 1000);
  ret("without CAP_SETPCAP", prctl(PR_CAPBSET_DROP, 5));
}
static void kills(void) {
  // It is there until this process ends.
  int hold[2];
  pipe(hold);
  pid_t root = getppid(), me = getpid(), c = fork();
  if (c == 0) {
    setresuid_(2000, 2001, 2002);
    close(hold[1]);
    char x;
    read(hold[0], &x, 1);
    _exit(0);
  }
  msleep(20);
  P(setresuid_(1000, 1000, 1000));
  ret("kill root's", kill(root, 0));
  ret("kill another's", kill(c, 0));
  ret("kill itself", kill(me, 0));
  ret("kill init", kill(1, 0));
  ret("tgkill another's", syscall(SYS_tgkill, c, c, 0));
  ret("SIGCONT in the session", kill(c, SIGCONT));
  ret("rt_sigqueueinfo to another's", syscall(SYS_rt_sigqueueinfo, c, SIGUSR1, &(siginfo_t){.si_code = SI_QUEUE}));
  ret("getpriority of another's", getpriority(PRIO_PROCESS, c));
  ret("setpriority of another's", setpriority(PRIO_PROCESS, c, 5));
  ret("ioprio_set of another's", syscall(SYS_ioprio_set, 1, c, 4 << 13));
  ret("prlimit of another's", prlimit(c, RLIMIT_NOFILE, 0, &(struct rlimit){0}));
  ret("getpgid of another's", getpgid(c) > 0);
  ret("sethostname", sethostname("x", 1));
  ret("chroot", chroot("/"));
  ret("settimeofday", syscall(SYS_settimeofday, &(struct timeval){1, 0}, 0));
  ret("reboot", syscall(SYS_reboot, 0, 0, 0, 0));
  ret("mount", syscall(SYS_mount, "x", "/", "tmpfs", 0, 0));
  ret("swapon", syscall(SYS_swapon, "/x", 0));
  ret("acct", syscall(SYS_acct, 0));
  ret("syslog", syscall(SYS_syslog, 5, 0, 0));
  ret("nice below 0", setpriority(PRIO_PROCESS, 0, -1));
  ret("unshare of a namespace", syscall(SYS_unshare, 0x04000000));
  ret("vhangup", syscall(SYS_vhangup));
  ret("mlock of much", syscall(SYS_mlockall, 1));
  _exit(0);
}
static void same_user(void) {
  pid_t c = fork();
  if (c == 0) {
    setresuid_(2000, 3000, 4000);
    for (;;) pause();
  }
  msleep(20);
  int uids[] = {2000, 3000, 4000};
  for (int i = 0; i < 3; i++)
    if (fork() == 0) {
      setresuid_(uids[i], uids[i], uids[i]);
      char what[40];
      snprintf(what, sizeof what, "user %d at 2000, 3000, 4000", uids[i]);
      ret(what, kill(c, 0));
      _exit(0);
    } else wait(0);
  kill(c, SIGKILL);
}
static void prctls(void) {
  int v = -1;
  P(prctl(999));
  P(prctl(PR_SET_PDEATHSIG, 999));
  P(prctl(PR_SET_PDEATHSIG, SIGUSR1));
  P(prctl(PR_GET_PDEATHSIG, &v));
  show("it", "%s", signame(v));
  P(prctl(PR_GET_PDEATHSIG, 8));
  if (fork() == 0) {
    prctl(PR_GET_PDEATHSIG, &v);
    show("not inherited", "%d", v);
    _exit(0);
  }
  wait(0);
  P(prctl(PR_GET_DUMPABLE));
  P(prctl(PR_SET_DUMPABLE, 0));
  P(prctl(PR_GET_DUMPABLE));
  P(prctl(PR_SET_DUMPABLE, 2));
  P(prctl(PR_SET_DUMPABLE, 1));
  P(prctl(PR_SET_NAME, "0123456789abcdefgh"));
  char name[17] = "";
  P(prctl(PR_GET_NAME, name));
  show("it", "%s", name);
  P(prctl(PR_SET_NAME, 8));
  P(prctl(PR_GET_NAME, 8));
  P(prctl(PR_GET_TIMERSLACK));
  P(prctl(PR_SET_TIMERSLACK, 1000));
  P(prctl(PR_GET_TIMERSLACK));
  P(prctl(PR_SET_TIMERSLACK, 0));
  P(prctl(PR_GET_TIMERSLACK));
  P(prctl(PR_SET_CHILD_SUBREAPER, 1));
  P(prctl(PR_GET_CHILD_SUBREAPER, &v));
  show("it", "%d", v);
  P(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
  P(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  P(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  P(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
  P(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  P(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  P(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  P(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  P(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  P(prctl(PR_SET_THP_DISABLE, 0, 1, 0, 0));
  P(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
  P(prctl(PR_GET_TSC, &v));
  show("it", "%d", v);
  P(prctl(PR_SET_TSC, 1));
  P(prctl(PR_SET_TSC, 9));
  // an orphan comes to the subreaper
  int p[2];
  pipe(p);
  pid_t c = fork();
  if (c == 0) {
    pid_t g = fork();
    if (g == 0) {
      char x;
      close(p[1]);
      read(p[0], &x, 1);
      _exit(6);
    }
    _exit(0);
  }
  waitpid(c, &s, 0);
  close(p[1]);
  wait(&s);
  status("the orphan", s);
}
static void death(void) {
  int p[2], set[2];
  pipe(p), pipe(set);
  if (fork() == 0) {
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      write(set[1], "r", 1);
      for (;;) pause();
    }
    char x;
    read(set[0], &x, 1);
    _exit(0);
  }
  close(p[1]);
  char x;
  ret("PDEATHSIG: the end is seen", read(p[0], &x, 1));
}

int main(void) {
  ids("at first");
  P(setuid_(-1));
  P(setgid_(-1));
  in_child("setuid", root_setuid);
  in_child("saved ids", saved);
  in_child("setreuid", reuid);
  in_child("effective", keeps);
  in_child("groups", gids);
  in_child("file system ids", fsids);
  in_child("keepcaps", keepcaps);
  in_child("securebits", securebits);
  in_child("capabilities", capabilities);
  in_child("bounding and ambient", bounding);
  P(syscall(SYS_getresuid, 8, 8, 8));
  P(syscall(SYS_getresgid, 8, 8, 8));
  gid_t g[4] = {5, 3, 9, 7};
  P(syscall(SYS_setgroups, 4, g));
  P(syscall(SYS_getgroups, 0, 0));
  P(syscall(SYS_getgroups, 2, g));
  P(syscall(SYS_getgroups, -1, g));
  memset(g, 0, sizeof g);
  P(syscall(SYS_getgroups, 4, g));
  show("groups", "%d %d %d %d", g[0], g[1], g[2], g[3]);
  P(syscall(SYS_getgroups, 4, 8));
  P(syscall(SYS_setgroups, 65537, g));
  P(syscall(SYS_setgroups, -1, g));
  P(syscall(SYS_setgroups, 1, 8));
  P(syscall(SYS_setgroups, 0, 0));
  in_child("permissions", kills);
  in_child("signals by user", same_user);
  in_child("prctl", prctls);
  in_child("death", death);
  P(personality(0xffffffff));
  P(personality(PER_LINUX32));
  P(personality(0xffffffff));
  P(personality(PER_LINUX | ADDR_NO_RANDOMIZE));
  if (fork() == 0) {
    show("inherited", "%x", personality(0xffffffff));
    _exit(0);
  }
  wait(0);
  P(personality(0));
  P(syscall(SYS_getpgid, -1));
  P(syscall(SYS_getsid, -1));
  P(syscall(SYS_getsid, 99999999));
  P(syscall(SYS_setpgid, -1, 0));
  P(syscall(SYS_setpgid, 0, -1));
  P(syscall(SYS_setpgid, 99999999, 0));
  P(syscall(SYS_setpgid, 0, 99999999));
  P(syscall(SYS_kill, 99999999, 0));
  P(syscall(SYS_kill, 0, 999));
  P(syscall(SYS_kill, -99999999, 0));
  P(syscall(SYS_tkill, 0, 0));
  P(syscall(SYS_tkill, 99999999, 0));
  P(syscall(SYS_tgkill, 0, 1, 0));
  P(syscall(SYS_tgkill, getpid(), 99999999, 0));
  P(syscall(SYS_tgkill, 99999999, getpid(), 0));
  P(syscall(SYS_tgkill, getpid(), getpid(), 65));
}
