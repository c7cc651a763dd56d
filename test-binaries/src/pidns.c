// PID namespaces: clone(CLONE_NEWPID), unshare, setns; numbers inside and outside, init and its signals, the end of a
// namespace, orphans, /proc, credentials of messages, clone3's set_tid, reboot(2), ptrace. Not checked: tracers outside.
#include "t.h"
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
struct clone_args {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
#define NS_GET_PARENT 0xb702
#define NS_GET_NSTYPE 0xb703

static long pidfd_open(pid_t pid) { return syscall(SYS_pidfd_open, pid, 0); }
// A child, the first process of a namespace inside of the caller's.
static pid_t inside(int (*body)(void *), void *arg) {
  struct clone_args a = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
  fflush(stdout);
  pid_t pid = syscall(SYS_clone3, &a, sizeof a);
  if (pid != 0) return pid;
  int code = body(arg);
  fflush(stdout);
  _exit(code);
}
static int reap(const char *what, pid_t pid) {
  int s = -1;
  if (waitpid(pid, &s, __WALL) == pid) status(what, s);
  else show(what, "-1 %s", errname(errno));
  return s;
}
static void line(const char *what, const char *path, const char *key) {
  char text[300];
  FILE *f = fopen(path, "r");
  while (f && fgets(text, sizeof text, f)) {
    if (strncmp(text, key, strlen(key))) continue;
    text[strcspn(text, "\n")] = 0;
    show(what, "%s", text);
  }
  if (f) fclose(f);
  else show(what, "%s", errname(errno));
}
// How many numbers a line of status has: one for each namespace.
static int columns(pid_t pid, const char *key) {
  char path[64], text[300];
  int n = -1;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *f = fopen(path, "r");
  while (f && fgets(text, sizeof text, f))
    if (!strncmp(text, key, strlen(key))) {
      n = 0;
      for (char *c = text; *c; c++) n += *c == '\t';
    }
  if (f) fclose(f);
  return n;
}

static int first(void *arg) {
  (void)arg;
  R(getpid());
  R(getppid());
  R(syscall(SYS_gettid));
  R(getpgid(0));
  R(getsid(0));
  R(setsid());
  R(getsid(0));
  R(getpgrp());
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    R(getpid());
    R(getppid());
    R(getpgid(0));
    R(getpgid(1));
    R(setpgid(0, 0));
    R(getpgid(0));
    R(getpgid(17));
    R(setpgid(0, 17));
    _exit(5);
  }
  reap("its child", child);
  R(child);
  R(kill(child, 0));
  R(kill(17, 0));
  R(kill(1, 0));
  R(kill(-1, 0));
  return 4;
}
static void numbers(void) {
  pid_t pid = inside(first, 0);
  reap("the first of a namespace", pid);
  yes("it had a number outside", pid > 1);
}

// Signals of its own namespace do nothing to an init that has no handler.
static volatile sig_atomic_t handled;
static void handler(int n) { handled = n; }
static int stubborn(void *arg) {
  int *pipes = arg;
  R(kill(1, SIGTERM));
  R(kill(1, SIGKILL));
  R(kill(1, SIGSTOP));
  R(kill(getpid(), SIGHUP));
  R(syscall(SYS_tkill, 1, SIGKILL));
  pid_t child = fork();
  if (child == 0) {
    kill(getppid(), SIGKILL);
    kill(getppid(), SIGUSR1);
    kill(getppid(), SIGSTOP);
    _exit(0);
  }
  reap("a child that kills init", child);
  signal(SIGUSR1, handler);
  kill(getpid(), SIGUSR1);
  show("a handler runs", "%s", signame(handled));
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, 0);
  kill(getpid(), SIGTERM);
  sigpending(&pending);
  R(sigismember(&pending, SIGTERM));
  R(sigprocmask(SIG_UNBLOCK, &set, 0));
  struct timespec zero = {0, 0};
  R(sigtimedwait(&set, 0, &zero));
  write(pipes[1], "r", 1);
  pause();
  return 9;
}
static void signals(void) {
  int pipes[2], s;
  char c;
  pipe(pipes);
  for (int i = 0; i < 4; i++) {
    static const int sent[] = {SIGTERM, SIGSTOP, SIGCONT, SIGKILL};
    static pid_t pid;
    if (i == 0) {
      pid = inside(stubborn, pipes);
      read(pipes[0], &c, 1);
    }
    ret(signame(sent[i]), kill(pid, sent[i]));
    if (sent[i] == SIGTERM) {
      msleep(20);
      ret("SIGTERM from outside did", waitpid(pid, &s, WNOHANG));
    }
    if (sent[i] == SIGSTOP) {
      waitpid(pid, &s, WUNTRACED);
      status("SIGSTOP from outside did", s);
    }
    if (sent[i] == SIGKILL) reap("SIGKILL from outside did", pid);
  }
}
static int faulty(void *arg) {
  if (arg) signal(SIGSEGV, SIG_IGN);
  *(volatile int *)8 = 1;
  return 0;
}
static int aborts(void *arg) {
  (void)arg;
  signal(SIGALRM, SIG_DFL);
  kill(getpid(), SIGALRM);
  kill(getpid(), SIGPIPE);
  kill(getpid(), SIGABRT);
  return 3;
}
static void faults(void) {
  reap("a fault of init", inside(faulty, 0) );
  reap("a fault that it ignores", inside(faulty, "x"));
  reap("SIGABRT by itself", inside(aborts, 0));
}

// With init everybody ends.
static int leaves_behind(void *arg) {
  int *pipes = arg;
  for (int i = 0; i < 3; i++)
    if (fork() == 0) {
      signal(SIGTERM, SIG_IGN);
      if (i == 1) setsid();
      if (i == 2 && fork() == 0) pause();
      close(pipes[0]);
      pause();
    }
  close(pipes[1]);
  return 11;
}
static void ends(void) {
  int pipes[2];
  char c;
  pipe(pipes);
  pid_t pid = inside(leaves_behind, pipes);
  close(pipes[1]);
  ret("nobody holds the pipe any more", read(pipes[0], &c, 1));
  reap("its init", pid);
  close(pipes[0]);
}

// Orphans come to the init of their namespace.
static int adopts(void *arg) {
  (void)arg;
  int pipes[2];
  char c;
  pipe(pipes);
  pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) {
      read(pipes[0], &c, 1);
      R(getpid());
      R(getppid());
      _exit(6);
    }
    _exit(0);
  }
  reap("the parent of the orphan", child);
  write(pipes[1], "g", 1);
  reap("the orphan", 3);
  // A subreaper inside is nearer.
  child = fork();
  if (child == 0) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t middle = fork();
    if (middle == 0) {
      if (fork() == 0) {
        read(pipes[0], &c, 1);
        R(getppid());
        _exit(0);
      }
      _exit(0);
    }
    waitpid(middle, 0, 0);
    write(pipes[1], "g", 1);
    R(wait(0));
    _exit(0);
  }
  reap("the subreaper", child);
  return 0;
}
// A subreaper outside does not get those of a namespace.
static int plain_exit(void *arg) {
  (void)arg;
  return 0;
}
static void orphans(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  reap("the init that adopts", inside(adopts, 0));
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void unshared(void) {
  fflush(stdout);
  pid_t outer = fork();
  if (outer == 0) {
    pid_t before = getpid();
    yes("a parent", access("/proc/self/ns/pid_for_children", F_OK) == 0);
    R(unshare(CLONE_NEWPID));
    R(unshare(CLONE_NEWPID));
    yes("one's own number stays", getpid() == before);
    char link[64];
    ret("pid_for_children without an init", readlink("/proc/self/ns/pid_for_children", link, sizeof link));
    char stack[4096];
    ret("a thread", syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, stack + 4000, 0, 0, 0));
    int pipes[2];
    pipe(pipes);
    fflush(stdout);
    pid_t init = fork();
    if (init == 0) {
      char c;
      close(pipes[1]);
      read(pipes[0], &c, 1);
      _exit(getpid());
    }
    pid_t second = fork();
    if (second == 0) {
      R(getpid());
      R(getppid());
      _exit(2);
    }
    reap("the second", second);
    long length = readlink("/proc/self/ns/pid_for_children", link, sizeof link);
    yes("pid_for_children with one", length > 0);
    close(pipes[1]);
    reap("the init", init);
    for (int i = 0; i < 2; i++) {
      fflush(stdout);
      pid_t none = fork();
      if (none == 0) _exit(0);
      ret("fork once it is gone", none);
    }
    R(unshare(CLONE_NEWPID));
    _exit(0);
  }
  reap("who unshared", outer);
  struct clone_args a = {.flags = CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM};
  ret("CLONE_NEWPID with CLONE_THREAD", syscall(SYS_clone3, &a, sizeof a));
  a = (struct clone_args){.flags = CLONE_NEWPID | CLONE_PARENT};
  pid_t sibling = syscall(SYS_clone3, &a, sizeof a);
  if (sibling == 0) _exit(0);
  yes("CLONE_NEWPID with CLONE_PARENT", sibling > 0);
}

static int sibling(void *arg) {
  (void)arg;
  struct clone_args a = {.flags = CLONE_PARENT};
  ret("CLONE_PARENT by an init", syscall(SYS_clone3, &a, sizeof a));
  return 0;
}

static int nested2(void *arg) {
  int *pipes = arg;
  char c;
  write(pipes[1], "x", 1);
  read(pipes[2], &c, 1);
  R(getpid());
  return 7;
}
static int nested1(void *arg) {
  int *pipes = arg;
  fork() == 0 ? _exit(0) : (void)wait(0);
  pid_t pid = inside(nested2, pipes);
  reap("the innermost", pid);
  R(pid);
  return 8;
}
static void nesting(void) {
  int pipes[4];
  char c;
  pipe(pipes);
  pipe(pipes + 2);
  pid_t pid = inside(nested1, pipes);
  read(pipes[0], &c, 1);
  show("NSpid outside", "%d", columns(getpid(), "NSpid"));
  show("NSpid one level in", "%d", columns(pid, "NSpid"));
  // Its number here is whatever follows; found by its parent.
  char path[64], text[64] = "";
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
  FILE *f = fopen(path, "r");
  pid_t grandchild = f && fgets(text, sizeof text, f) ? atoi(text) : 0;
  if (f) fclose(f);
  show("NSpid two levels in", "%d", columns(grandchild, "NSpid"));
  show("NStgid, NSpgid, NSsid", "%d %d %d", columns(grandchild, "NStgid"), columns(grandchild, "NSpgid"),
       columns(grandchild, "NSsid"));
  // A namespace file leads outwards, but not beyond one's own.
  snprintf(path, sizeof path, "/proc/%d/ns/pid", grandchild);
  int fd = K(open(path, O_RDONLY));
  R(ioctl(fd, NS_GET_NSTYPE));
  int parent = K(ioctl(fd, NS_GET_PARENT));
  int top = K(ioctl(parent, NS_GET_PARENT));
  ret("beyond", ioctl(top, NS_GET_PARENT));
  struct stat a, b;
  fstat(top, &a);
  stat("/proc/self/ns/pid", &b);
  yes("the outermost is one's own", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
  fflush(stdout);
  pid_t visitor = fork();
  if (visitor == 0) {
    R(setns(fd, CLONE_NEWUTS));
    R(setns(fd, CLONE_NEWPID));
    fflush(stdout);
    pid_t in = fork();
    if (in == 0) {
      R(getpid());
      R(getppid());
      R(kill(1, 0));
      ret("out again", setns(parent, 0));
      _exit(3);
    }
    reap("the visitor", in);
    R(setns(top, 0));
    _exit(0);
  }
  reap("who sent it", visitor);
  write(pipes[3], "x", 1);
  reap("the outer init", pid);
  ret("setns to what has no init any more", setns(fd, 0));
  fflush(stdout);
  pid_t none = fork();
  if (none == 0) _exit(0);
  ret("and fork", none);
  ret("back", setns(top, 0));
}

static int mounted(void *arg) {
  (void)arg;
  unshare(CLONE_NEWNS);
  mount("none", "/", 0, MS_REC | MS_PRIVATE, 0);
  char link[64] = "";
  R(mount("proc", "/proc", "proc", 0, 0));
  ret("self", readlink("/proc/self", link, sizeof link));
  show("self", "%s", link);
  line("status", "/proc/1/status", "NSpid");
  line("status", "/proc/1/status", "PPid");
  pid_t child = fork();
  if (child == 0) {
    line("status", "/proc/self/status", "Pid");
    line("status", "/proc/self/status", "PPid");
    line("status", "/proc/self/status", "NSpid");
    _exit(0);
  }
  reap("child", child);
  R(access("/proc/3", F_OK));
  R(access("/proc/2", F_OK));
  return 0;
}

// SCM_CREDENTIALS and SO_PEERCRED: by the number that the receiver knows.
static int sends(void *arg) {
  int fd = *(int *)arg;
  struct ucred mine = {getpid(), 0, 0};
  char byte = 'x', space[CMSG_SPACE(sizeof mine)];
  struct iovec v = {&byte, 1};
  for (int i = 0; i < 3; i++) {
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_CREDENTIALS;
    c->cmsg_len = CMSG_LEN(sizeof mine);
    mine.pid = i == 0 ? getpid() : i == 1 ? 99 : 1;
    memcpy(CMSG_DATA(c), &mine, sizeof mine);
    ret(i == 0 ? "as oneself" : i == 1 ? "as nobody" : "as init", sendmsg(fd, &m, 0));
  }
  struct ucred peer;
  socklen_t size = sizeof peer;
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  show("the peer outside", "%d", peer.pid);
  return 0;
}
static void messages(void) {
  int pair[2], one = 1;
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
  pid_t pid = inside(sends, pair + 1);
  reap("the sender", pid);
  for (int i = 0; i < 2; i++) {
    char byte, space[100];
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    recvmsg(pair[0], &m, 0);
    struct ucred from;
    memcpy(&from, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof from);
    yes("the number that the child has here", from.pid == pid);
  }
  close(pair[0]);
  close(pair[1]);
}

// si_pid: 0 from outside, one's own number inside.
static volatile sig_atomic_t from = -1, code;
static void informed(int n, siginfo_t *i, void *u) {
  (void)n, (void)u;
  from = i->si_pid;
  code = i->si_code;
}
static int told(void *arg) {
  int *pipes = arg;
  struct sigaction a = {.sa_sigaction = informed, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &a, 0);
  sigaction(SIGCHLD, &a, 0);
  kill(getpid(), SIGUSR1);
  show("by itself", "%d", from);
  write(pipes[1], "r", 1);
  while (from != 0) pause();
  show("from outside", "%d code %d", from, code);
  if (fork() == 0) _exit(0);
  while (from == 0) pause();
  show("from a child", "%d code %d", from, code);
  return 0;
}
static void senders(void) {
  int pipes[2];
  char c;
  pipe(pipes);
  pid_t pid = inside(told, pipes);
  read(pipes[0], &c, 1);
  msleep(20);
  kill(pid, SIGUSR1);
  reap("who was told", pid);
  int fd = -1;
  pid = inside(plain_exit, 0);
  fd = pidfd_open(pid);
  siginfo_t i;
  memset(&i, 0, sizeof i);
  struct pollfd p = {fd, POLLIN, 0};
  poll(&p, 1, -1);
  ret("waitid", waitid(P_PIDFD, fd, &i, WEXITED));
  yes("its number", i.si_pid == pid);
}

static int chosen_inside(void *arg) {
  (void)arg;
  pid_t tids[] = {30, 20000};
  struct clone_args a = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)tids, .set_tid_size = 1};
  pid_t pid = syscall(SYS_clone3, &a, sizeof a);
  if (pid == 0) _exit(getpid());
  reap("the chosen one", pid);
  R(pid);
  a.set_tid_size = 3;
  tids[0] = 31;
  ret("more numbers than namespaces", syscall(SYS_clone3, &a, sizeof a));
  a.set_tid_size = 1;
  tids[0] = 1;
  ret("one that is taken", syscall(SYS_clone3, &a, sizeof a));
  tids[0] = 0;
  ret("0", syscall(SYS_clone3, &a, sizeof a));
  return 0;
}
static void chosen(void) {
  pid_t tids[] = {1, 20000};
  struct clone_args a = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD, .set_tid = (uintptr_t)tids, .set_tid_size = 2};
  fflush(stdout);
  pid_t pid = syscall(SYS_clone3, &a, sizeof a);
  if (pid == 0) _exit(getpid());
  reap("the first of a namespace", pid);
  R(pid);
  tids[0] = 2;
  tids[1] = 20001;
  ret("the first must be 1", syscall(SYS_clone3, &a, sizeof a));
  reap("inside", inside(chosen_inside, 0));
}

static int restarts(void *arg) {
  long command = (long)arg;
  ret("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, command, 0));
  return 5;
}
static void reboots(void) {
  reap("power off", inside(restarts, (void *)0x4321fedcL));
  reap("halt", inside(restarts, (void *)0xcdef0123L));
  reap("restart", inside(restarts, (void *)0x1234567L));
  reap("Ctrl-Alt-Del on", inside(restarts, (void *)0x89abcdefL));
  reap("nonsense", inside(restarts, (void *)0x77L));
}

// A tracer and its tracee, both inside.
static int traces(void *arg) {
  (void)arg;
  pid_t pid = fork();
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    kill(getpid(), SIGSTOP);
    if (fork() == 0) _exit(0);
    wait(0);
    _exit(6);
  }
  int s;
  unsigned long message = 0;
  R(waitpid(pid, &s, 0));
  status("the tracee", s);
  R(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK));
  R(ptrace(PTRACE_CONT, pid, 0, 0));
  R(waitpid(pid, &s, 0));
  show("event", "%d", s >> 16);
  R(ptrace(PTRACE_GETEVENTMSG, pid, 0, &message));
  show("the child", "%lu", message);
  siginfo_t i;
  R(ptrace(PTRACE_GETSIGINFO, pid, 0, &i));
  show("by", "%d", i.si_pid);
  R(ptrace(PTRACE_CONT, 77, 0, 0));
  R(ptrace(PTRACE_DETACH, pid, 0, 0));
  R(waitpid(message, &s, __WALL));
  R(ptrace(PTRACE_DETACH, message, 0, 0));
  R(waitpid(pid, &s, 0));
  status("the tracee", s);
  return 0;
}

int main(void) {
  numbers();
  signals();
  faults();
  ends();
  orphans();
  unshared();
  reap("sibling", inside(sibling, 0));
  nesting();
  reap("a proc of its own", inside(mounted, 0));
  messages();
  senders();
  reap("who traces", inside(traces, 0));
  chosen();
  reboots();
  return 0;
}
