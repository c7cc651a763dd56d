// fork(2), vfork(2), clone(2) in its process form, wait4(2), waitid(2), exit, what children inherit.
#include "t.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
static int global = 1;
static char child_stack[16384] __attribute__((aligned(16)));
static int in_clone(void *arg) {
  global = 77;
  return *(int *)arg;
}
static void at_exit(void) { show("atexit", "ran"); }

int main(void) {
  scratch();
  int s;
  pid_t child = fork();
  if (child == 0) {
    global = 2;
    _exit(42);
  }
  yes("fork gives a pid", child > 0);
  yes("waitpid gives it back", waitpid(child, &s, 0) == child);
  status("status", s);
  show("memory is the parent's own", "%d", global);
  ret("no more children", wait(&s));
  ret("wait for nobody's child", waitpid(1, &s, 0));
  pid_t me = getpid();
  child = fork();
  if (child == 0) _exit(getppid() == me && getpid() != me ? 1 : 0);
  waitpid(child, &s, 0);
  status("getppid in the child", s);
  child = fork();
  if (child == 0) exit(256 + 7);
  waitpid(child, &s, 0);
  status("exit status is 8 bits", s);
  child = fork();
  if (child == 0) {
    atexit(at_exit);
    exit(0);
  }
  waitpid(child, &s, 0);
  status("exit runs atexit", s);

  // WNOHANG, WUNTRACED, WCONTINUED
  child = fork();
  if (child == 0) for (;;) pause();
  ret("WNOHANG while it runs", waitpid(child, &s, WNOHANG));
  kill(child, SIGSTOP);
  yes("WUNTRACED", waitpid(child, &s, WUNTRACED) == child);
  status("then", s);
  ret("reported once", waitpid(child, &s, WUNTRACED | WNOHANG));
  kill(child, SIGCONT);
  yes("WCONTINUED", waitpid(child, &s, WCONTINUED) == child);
  status("then", s);
  siginfo_t info;
  kill(child, SIGTERM);
  memset(&info, 0, sizeof info);
  ret("waitid WNOWAIT", waitid(P_PID, child, &info, WEXITED | WNOWAIT));
  show("siginfo", "%s code %d status %s pid %d", signame(info.si_signo), info.si_code, signame(info.si_status), info.si_pid == child);
  memset(&info, 0, sizeof info);
  ret("waitid takes it", waitid(P_PID, child, &info, WEXITED));
  ret("taken", waitid(P_PID, child, &info, WEXITED));
  ret("waitid without what", waitid(P_ALL, 0, &info, 0));
  child = fork();
  if (child == 0) _exit(9);
  waitid(P_ALL, 0, &info, WEXITED);
  show("siginfo of an exit", "code %d status %d", info.si_code, info.si_status);
  ret("waitid WNOHANG with no child", waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
  ret("bad option", waitpid(-1, &s, 0x1000000));

  // order and groups
  pid_t kids[4];
  for (int i = 0; i < 4; i++)
    if ((kids[i] = fork()) == 0) {
      setpgid(0, 0);
      _exit(10 + i);
    }
  msleep(50);
  yes("wait for one in the middle", waitpid(kids[2], &s, 0) == kids[2]);
  status("it", s);
  yes("wait for a group", waitpid(-kids[1], &s, 0) == kids[1]);
  status("it", s);
  int sum = 0, count = 0;
  while (wait(&s) > 0) sum += WEXITSTATUS(s), count++;
  show("the rest", "%d children, sum %d", count, sum);

  // vfork shares memory and suspends the parent
  volatile int shared = 0;
  child = vfork();
  if (child == 0) {
    shared = 5;
    _exit(3);
  }
  show("vfork shares memory", "%d", shared);
  waitpid(child, &s, 0);
  status("vfork child", s);
  int arg = 21;
  child = clone(in_clone, child_stack + sizeof child_stack, SIGCHLD, &arg);
  waitpid(child, &s, 0);
  status("clone", s);
  show("its memory is its own", "%d", global);
  child = clone(in_clone, child_stack + sizeof child_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &arg);
  waitpid(child, &s, 0);
  show("CLONE_VM shares", "%d", global);
  child = clone(in_clone, child_stack + sizeof child_stack, SIGUSR1, &arg);
  signal(SIGUSR1, SIG_IGN);
  ret("another exit signal: not for plain wait", waitpid(child, &s, 0));
  yes("__WALL", waitpid(child, &s, __WALL) == child);
  ret("CLONE_SIGHAND without CLONE_VM", syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
  ret("CLONE_THREAD without CLONE_SIGHAND", syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0));
  int ptid = 0, ctid = 0;
#ifdef __riscv
  child = (pid_t)syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &ptid, 0, &ctid);
#else
  child = (pid_t)syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &ptid, &ctid, 0);
#endif
  if (child == 0) _exit(ctid == getpid() ? 1 : 0);
  waitpid(child, &s, 0);
  show("CLONE_PARENT_SETTID", "%d", ptid == child);
  status("CLONE_CHILD_SETTID", s);
  show("not in the parent", "%d", ctid);

  // shared descriptors, offsets, mappings
  put("file", "0123456789");
  int fd = open("file", O_RDWR);
  int *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  *map = 1;
  child = fork();
  if (child == 0) {
    lseek(fd, 4, SEEK_SET);
    *map = 99;
    close(fd);
    umask(0);
    if (chdir("/")) _exit(1);
    _exit(0);
  }
  waitpid(child, &s, 0);
  ret("the offset is shared", lseek(fd, 0, SEEK_CUR));
  show("a shared mapping too", "%d", *map);
  show("umask is not", "%03o", umask(022));
  char cwd[100];
  yes("cwd is not", getcwd(cwd, sizeof cwd) && strcmp(cwd, scratch_path) == 0);
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, 0);
  raise(SIGUSR2);
  child = fork();
  if (child == 0) {
    sigpending(&pending);
    sigset_t mask;
    sigprocmask(SIG_BLOCK, 0, &mask);
    _exit(sigismember(&pending, SIGUSR2) * 2 + sigismember(&mask, SIGUSR2));
  }
  waitpid(child, &s, 0);
  status("mask inherited, pending signals not", s);

  // zombies, orphans, SIGCHLD ignored
  child = fork();
  if (child == 0) _exit(0);
  msleep(50);
  ret("a zombie can be signalled", kill(child, 0));
  waitpid(child, 0, 0);
  ret("not once reaped", kill(child, 0));
  signal(SIGCHLD, SIG_IGN);
  child = fork();
  if (child == 0) _exit(0);
  ret("SIGCHLD ignored: no zombies", waitpid(child, &s, 0));
  signal(SIGCHLD, SIG_DFL);
  struct rusage usage;
  child = fork();
  if (child == 0) _exit(1);
  memset(&usage, 255, sizeof usage);
  yes("wait4", wait4(child, &s, 0, &usage) == child);
  yes("fills rusage", usage.ru_utime.tv_usec >= 0 && usage.ru_utime.tv_usec < 1000000);
  ret("wait4 to a bad address", (child = fork()) == 0 ? (_exit(0), 0) : syscall(SYS_wait4, child, 8, 0, 0));
  int depth = 0;
  while (depth < 5 && (child = fork()) == 0) depth++;
  if (depth < 5) {
    waitpid(child, &s, 0);
    int below = depth == 4 ? 0 : WEXITSTATUS(s);
    if (depth > 0) _exit(below + 1);
    show("nested forks", "%d", below + 1);
  } else _exit(0);
  scratch_remove();
  return 0;
}
