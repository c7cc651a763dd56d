// Handlers, masks, siginfo, restart rules: signal(7), sigaction(2), sigprocmask(2), sigsuspend(2), sigwaitinfo(2).
#include "t.h"
#include <sys/time.h>
static volatile int hits, last;
static siginfo_t info;
static sigset_t during;

static void handler(int n) { hits++; last = n; }
static void full(int n, siginfo_t *i, void *context) {
  hits++;
  last = n;
  info = *i;
  sigprocmask(SIG_BLOCK, 0, &during);
  (void)context;
}
static void act(int n, void (*f)(int), int flags, int also) {
  struct sigaction a = {0};
  a.sa_handler = f;
  a.sa_flags = flags;
  sigemptyset(&a.sa_mask);
  if (also) sigaddset(&a.sa_mask, also);
  ok("sigaction", sigaction(n, &a, 0));
}
static volatile int depth, deepest;
static void nesting(int n) {
  if (++depth > deepest) deepest = depth;
  if (deepest < 3) raise(n);
  depth--;
}
static char order[16];
static void note(int n) { order[strlen(order)] = n == SIGUSR1 ? '1' : n == SIGUSR2 ? '2' : n >= SIGRTMIN ? 'r' : '?'; }

static void after(int ms, int n) {
  pid_t parent = getpid();
  if (fork() == 0) {
    msleep(ms);
    kill(parent, n);
    _exit(0);
  }
}

int main(void) {
  act(SIGUSR1, handler, 0, 0);
  ret("raise", raise(SIGUSR1));
  show("handler ran", "%d %s", hits, signame(last));
  ret("kill self with 0", kill(getpid(), 0));
  ret("kill with a bad signal", kill(getpid(), 65));
  ret("kill nobody", kill(999999, SIGUSR1));

  struct sigaction a = {0}, old;
  a.sa_sigaction = full;
  a.sa_flags = SA_SIGINFO;
  sigaddset(&a.sa_mask, SIGTERM);
  sigaction(SIGUSR2, &a, &old);
  yes("old action was default", old.sa_handler == SIG_DFL);
  kill(getpid(), SIGUSR2);
  show("si_signo", "%s", signame(info.si_signo));
  show("si_code of kill", "%d", info.si_code);
  yes("si_pid is mine", info.si_pid == getpid());
  show("si_uid", "%d", info.si_uid);
  show("masked in the handler", "USR2 %d, TERM %d, USR1 %d", sigismember(&during, SIGUSR2), sigismember(&during, SIGTERM), sigismember(&during, SIGUSR1));
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2);
  show("si_code of tgkill", "%d", info.si_code);
  union sigval value = {.sival_int = 4711};
  ret("sigqueue", sigqueue(getpid(), SIGUSR2, value));
  show("queued", "code %d, value %d", info.si_code, info.si_value.sival_int);

  sigset_t set, pending, none;
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  ret("block", sigprocmask(SIG_BLOCK, &set, 0));
  hits = 0;
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR1);
  show("hits while blocked", "%d", hits);
  sigpending(&pending);
  show("pending", "USR1 %d, USR2 %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));
  ret("unblock", sigprocmask(SIG_UNBLOCK, &set, 0));
  show("delivered once", "%d", hits);
  ret("bad how", sigprocmask(77, &set, 0));
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, 0);
  sigprocmask(SIG_SETMASK, 0, &during);
  show("KILL and STOP cannot be blocked", "%d %d", sigismember(&during, SIGKILL), sigismember(&during, SIGSTOP));
  sigprocmask(SIG_SETMASK, &none, 0);
  a.sa_handler = handler;
  ret("no handler for KILL", sigaction(SIGKILL, &a, 0));
  ret("no handler for signal 65", syscall(SYS_rt_sigaction, 65, 0, 0, 8));
  ret("wrong set size", syscall(SYS_rt_sigaction, SIGUSR1, 0, 0, 4));

  act(SIGUSR1, handler, SA_RESETHAND, 0);
  raise(SIGUSR1);
  sigaction(SIGUSR1, 0, &old);
  yes("SA_RESETHAND resets", old.sa_handler == SIG_DFL);
  act(SIGUSR1, nesting, SA_NODEFER, 0);
  raise(SIGUSR1);
  show("SA_NODEFER nests", "%d", deepest);
  deepest = 0;
  act(SIGUSR1, nesting, 0, 0);
  hits = 0;
  signal(SIGUSR1, SIG_IGN);
  raise(SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  raise(SIGUSR1);
  sigpending(&pending);
  show("ignored but blocked is pending", "%d", sigismember(&pending, SIGUSR1));
  signal(SIGUSR1, SIG_IGN);
  sigpending(&pending);
  show("setting to ignore discards", "%d", sigismember(&pending, SIGUSR1));
  sigprocmask(SIG_UNBLOCK, &set, 0);

  // several at once: lower numbers first, so that the highest handler runs first on the stack's top; real-time queue
  act(SIGUSR1, note, 0, SIGUSR2);
  act(SIGUSR2, note, 0, SIGUSR1);
  act(SIGRTMIN, note, 0, 0);
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, 0);
  sigqueue(getpid(), SIGRTMIN, value);
  sigqueue(getpid(), SIGRTMIN, value);
  sigqueue(getpid(), SIGRTMIN, value);
  kill(getpid(), SIGUSR2);
  kill(getpid(), SIGUSR1);
  sigprocmask(SIG_SETMASK, &none, 0);
  show("order of delivery", "%s", order);

  int p[2];
  char c;
  if (pipe(p)) return 1;
  act(SIGUSR1, handler, 0, 0);
  after(50, SIGUSR1);
  ret("read interrupted", read(p[0], &c, 1));
  wait(0);
  act(SIGUSR1, handler, SA_RESTART, 0);
  after(30, SIGUSR1);
  if (fork() == 0) {
    msleep(120);
    if (write(p[1], "x", 1) != 1) _exit(1);
    _exit(0);
  }
  hits = 0;
  ret("read restarted", read(p[0], &c, 1));
  show("with the handler run", "%d", hits);
  while (wait(0) > 0) {}
  after(30, SIGUSR1);
  struct timespec t = {5, 0}, left = {0, 0};
  ret("nanosleep never restarts", nanosleep(&t, &left));
  yes("time is left", left.tv_sec == 4);
  wait(0);
  after(30, SIGUSR1);
  struct pollfd pf = {p[0], POLLIN, 0};
  ret("poll never restarts", poll(&pf, 1, 5000));
  wait(0);
  after(30, SIGUSR1);
  ret("pause", pause());
  wait(0);

  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  kill(getpid(), SIGUSR1);
  hits = 0;
  ret("sigsuspend", sigsuspend(&none));
  show("handler in sigsuspend", "%d", hits);
  sigprocmask(SIG_BLOCK, 0, &during);
  show("mask after sigsuspend", "%d", sigismember(&during, SIGUSR1));
  kill(getpid(), SIGUSR1);
  ret("sigwaitinfo", sigwaitinfo(&set, &info));
  show("its si_code", "%d", info.si_code);
  struct timespec zero = {0, 0};
  ret("sigtimedwait times out", sigtimedwait(&set, &info, &zero));
  after(30, SIGUSR1);
  struct timespec five = {5, 0};
  ret("sigtimedwait gets it", sigtimedwait(&set, &info, &five));
  wait(0);
  sigprocmask(SIG_SETMASK, &none, 0);

  // default actions
  static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGKILL, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGVTALRM, SIGSYS};
  for (unsigned i = 0; i < sizeof deadly / sizeof *deadly; i++) {
    pid_t child = fork();
    if (child == 0) {
      signal(deadly[i], SIG_DFL);
      kill(getpid(), deadly[i]);
      _exit(3);
    }
    int s;
    waitpid(child, &s, 0);
    status("default", s);
  }
  pid_t child = fork();
  if (child == 0) {
    signal(SIGCHLD, SIG_DFL);
    kill(getpid(), SIGCHLD);
    kill(getpid(), SIGWINCH);
    kill(getpid(), SIGURG);
    kill(getpid(), SIGCONT);
    _exit(4);
  }
  int s;
  waitpid(child, &s, 0);
  status("CHLD, WINCH, URG, CONT are ignored", s);
  close(p[0]);
  act(SIGPIPE, handler, 0, 0);
  hits = 0;
  ret("write to a broken pipe", write(p[1], "x", 1));
  show("SIGPIPE handler", "%d", hits);
  child = fork();
  if (child == 0) {
    signal(SIGPIPE, SIG_DFL);
    if (write(p[1], "x", 1) == 1) _exit(1);
    _exit(2);
  }
  waitpid(child, &s, 0);
  status("broken pipe by default", s);
  child = fork();
  if (child == 0) abort();
  waitpid(child, &s, 0);
  status("abort", s);
  return 0;
}
