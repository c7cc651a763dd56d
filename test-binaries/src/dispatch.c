// Calls that a program answers itself: prctl(PR_SET_SYSCALL_USER_DISPATCH), what a tracer sees and sets of it, and signals
// that are looked at without being taken (PTRACE_PEEKSIGINFO).
// And the filters of a tracee: PTRACE_SECCOMP_GET_FILTER, PTRACE_SECCOMP_GET_METADATA, PTRACE_O_SUSPEND_SECCOMP.
// Not checked: the range of addresses from which calls are made all the same.
#include "t.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/utsname.h>

#define SET_DISPATCH 59
#define GET_CONFIG 0x4211
#define SET_CONFIG 0x4210
#define PEEK_SIGNALS 0x4209

static volatile char selector;
static volatile sig_atomic_t caught;
static siginfo_t caught_info;

static void on_sys(int n, siginfo_t *info, void *context) {
  (void)context;
  caught = n;
  caught_info = *info;
  selector = 0;
}

static long dispatch(unsigned long mode, unsigned long start, unsigned long length, const volatile char *byte) {
  return prctl(SET_DISPATCH, mode, start, length, byte);
}

static void arguments(void) {
  ret("a mode that is none", dispatch(-1, 0, 0, &selector));
  ret("off with a start", dispatch(0, 1, 0, 0));
  ret("off with a length", dispatch(0, 0, 255, 0));
  ret("off with a selector", dispatch(0, 0, 0, &selector));
  ret("off", dispatch(0, 0, 0, 0));
  ret("a start without a length", dispatch(1, 1, 0, &selector));
  ret("the last address", dispatch(1, -1L, 0, &selector));
  ret("a selector that is no address", dispatch(1, 0, 1, (char *)-1));
  ret("a length beyond the end", dispatch(1, 1, -1L, &selector));
  ret("a start whose end is beyond", dispatch(1, -1L, 1, &selector));
}

static void child(const char *what, void (*body)(void)) {
  int st;
  pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(0);
  }
  waitpid(pid, &st, 0);
  status(what, st);
}

static void call(void) {
  struct utsname name;
  ret("a call that is not made", uname(&name));
}

static void bad_selector(void) {
  dispatch(1, 0, 0, &selector);
  selector = 2;
  call();
}

static void unmapped(void) {
  char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  page[0] = 0;
  if (dispatch(1, 0, 0, page)) return;
  mprotect(page, 4096, PROT_NONE);
  call();
}

static void without_handler(void) {
  signal(SIGSYS, SIG_DFL);
  dispatch(1, 0, 0, &selector);
  selector = 1;
  call();
}

static void ignored(void) {
  signal(SIGSYS, SIG_IGN);
  dispatch(1, 0, 0, &selector);
  selector = 1;
  call();
}

static void after_fork(void) {
  selector = 1;
  struct utsname name;
  long r = syscall(SYS_uname, &name);
  selector = 0;
  ret("a child has it not", r);
}

static void dispatched(void) {
  struct sigaction action = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &action, 0);
  ret("on", dispatch(1, 0, 0, &selector));
  selector = 0;
  ret("a call that is let through", syscall(SYS_getpid) == getpid());
  selector = 1;
  long r = syscall(0xff00, 1, 2);
  selector = 0;
  show("the number stays the result", "%lx", r);
  show("signal", "%s, code %d, errno %d, call %x", signame(caught), caught_info.si_code, caught_info.si_errno, caught_info.si_syscall);
  yes("with the architecture", caught_info.si_arch == 0xc000003e);
  child("fork", after_fork);
  ret("off again", dispatch(0, 0, 0, 0));
  selector = 1;
  struct utsname name;
  r = syscall(SYS_uname, &name);
  selector = 0;
  ret("now all are made", r);
  child("a selector that is neither", bad_selector);
  child("one that cannot be read", unmapped);
  child("no handler", without_handler);
  child("ignored", ignored);
}

struct config {
  unsigned long mode, selector, offset, length;
};
struct peek {
  unsigned long offset;
  unsigned flags;
  int count;
};

static void traced(void) {
  int st;
  pid_t pid = fork();
  if (pid == 0) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, 0);
    for (int i = 0; i < 3; i++) sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 40 + i});
    syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(0);
  }
  waitpid(pid, &st, 0);
  struct config config;
  memset(&config, 0xff, sizeof config);
  ret("of another size", ptrace(GET_CONFIG, pid, (void *)8, &config));
  ret("what is set", ptrace(GET_CONFIG, pid, (void *)sizeof config, &config));
  show("at first", "%lu %lu %lu %lu", config.mode, config.selector, config.offset, config.length);
  config = (struct config){1, 0, 0x400000, 0x1000};
  ret("set it", ptrace(SET_CONFIG, pid, (void *)sizeof config, &config));
  memset(&config, 0xff, sizeof config);
  ret("ask again", ptrace(GET_CONFIG, pid, (void *)sizeof config, &config));
  show("as it was set", "%lu %lu %lx %lx", config.mode, config.selector, config.offset, config.length);
  config = (struct config){2, 0, 0, 0};
  ret("a mode that is none", ptrace(SET_CONFIG, pid, (void *)sizeof config, &config));
  ret("off", ptrace(SET_CONFIG, pid, (void *)sizeof config, &(struct config){0}));
  ret("at a bad address", ptrace(GET_CONFIG, pid, (void *)sizeof config, (void *)8));

  char *pages = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(pages + 4096, 4096, PROT_READ);
  siginfo_t *infos = (siginfo_t *)pages;
  struct peek peek = {0, 1, 10};
  ret("of the process", ptrace(PEEK_SIGNALS, pid, &peek, infos));
  show("in order", "%d %d %d", infos[0].si_value.sival_int, infos[1].si_value.sival_int, infos[2].si_value.sival_int);
  peek = (struct peek){1, 1, 1};
  ret("the second", ptrace(PEEK_SIGNALS, pid, &peek, infos));
  show("it is", "%d", infos[0].si_value.sival_int);
  peek = (struct peek){3, 1, 1};
  ret("beyond", ptrace(PEEK_SIGNALS, pid, &peek, infos));
  peek = (struct peek){0, 0, 10};
  ret("of the thread", ptrace(PEEK_SIGNALS, pid, &peek, infos));
  show("it is", "%s", signame(infos[0].si_signo));
  peek = (struct peek){0, 1, 10};
  ret("two fit", ptrace(PEEK_SIGNALS, pid, &peek, pages + 4096 - 2 * sizeof(siginfo_t)));
  ret("none fits", ptrace(PEEK_SIGNALS, pid, &peek, pages + 4096));
  peek.flags = ~0;
  ret("flags that are none", ptrace(PEEK_SIGNALS, pid, &peek, infos));
  peek = (struct peek){0, 1, -1};
  ret("a count below 0", ptrace(PEEK_SIGNALS, pid, &peek, infos));
  kill(pid, SIGKILL);
  waitpid(pid, &st, 0);
}

// What a tracer learns of filters, and of a stop.
static void filters(void) {
  struct filter {
    unsigned short code;
    unsigned char jt, jf;
    unsigned k;
  } allow = {6, 0, 0, 0x7fff0000}, two[2] = {{0x20, 0, 0, 4}, {6, 0, 0, 0x7fff0000}}, out[8];
  struct {
    unsigned short length;
    struct filter *filter;
  } program = {1, &allow}, longer = {2, two};
  int st, ready[2];
  siginfo_t info;
  pipe(ready);
  pid_t pid = fork();
  if (pid == 0) {
    syscall(SYS_seccomp, 1, 2, &program);
    syscall(SYS_seccomp, 1, 0, &longer);
    write(ready[1], "", 1);
    for (;;) pause();
  }
  char byte;
  read(ready[0], &byte, 1);
  ptrace(PTRACE_ATTACH, pid, 0, 0);
  waitpid(pid, &st, 0);
  status("attached", st);
  ret("how many instructions", ptrace(0x420c, pid, (void *)0, (void *)0));
  ret("of the second", ptrace(0x420c, pid, (void *)1, (void *)0));
  memset(out, 0, sizeof out);
  ret("what they are", ptrace(0x420c, pid, (void *)1, out));
  show("the first", "%x %x", out[0].code, out[0].k);
  ret("no third", ptrace(0x420c, pid, (void *)2, out));
  unsigned long metadata[2] = {0, 99};
  ret("metadata", ptrace(0x420d, pid, (void *)sizeof metadata, metadata));
  show("flags", "%lu", metadata[1]);
  metadata[0] = 1;
  ret("metadata", ptrace(0x420d, pid, (void *)sizeof metadata, metadata));
  show("flags", "%lu", metadata[1]);
  ret("the index alone", ptrace(0x420d, pid, (void *)8, metadata));
  ret("too small", ptrace(0x420d, pid, (void *)4, metadata));
  metadata[0] = 2;
  ret("no third", ptrace(0x420d, pid, (void *)sizeof metadata, metadata));
  ret("trace calls", ptrace(PTRACE_SETOPTIONS, pid, (void *)0, (void *)1));
  ptrace(PTRACE_SYSCALL, pid, (void *)0, (void *)0);
  waitpid(pid, &st, 0);
  ret("what the stop is", ptrace(PTRACE_GETSIGINFO, pid, (void *)0, &info));
  show("siginfo", "%s, code %x, pid %s, uid %d", signame(info.si_signo), info.si_code, info.si_pid == pid ? "its own" : "another", info.si_uid);
  ptrace(PTRACE_DETACH, pid, 0, 0);
  kill(pid, SIGKILL);
  waitpid(pid, &st, 0);
  pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  ptrace(PTRACE_ATTACH, pid, 0, 0);
  waitpid(pid, &st, 0);
  ret("without filters", ptrace(0x420c, pid, (void *)0, (void *)0));
  metadata[0] = 0;
  ret("without filters", ptrace(0x420d, pid, (void *)sizeof metadata, metadata));
  ptrace(PTRACE_DETACH, pid, 0, 0);
  kill(pid, SIGKILL);
  waitpid(pid, &st, 0);
  if (fork() == 0) {
    if (setgid(1000) || setuid(1000) || prctl(PR_SET_DUMPABLE, 1)) _exit(1);
    pid = fork();
    if (pid == 0) {
      for (;;) pause();
    }
    ret("suspend filters by PTRACE_SEIZE", ptrace(0x4206, pid, (void *)0, (void *)0x200000));
    ptrace(PTRACE_ATTACH, pid, 0, 0);
    waitpid(pid, &st, 0);
    ret("by PTRACE_SETOPTIONS", ptrace(PTRACE_SETOPTIONS, pid, (void *)0, (void *)0x200000));
    ret("filters, as a user", ptrace(0x420c, pid, (void *)0, (void *)0));
    kill(pid, SIGKILL);
    waitpid(pid, &st, 0);
    _exit(0);
  }
  wait(0);
}

int main(void) {
  arguments();
  dispatched();
  traced();
  filters();
  return 0;
}
