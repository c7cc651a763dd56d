// ptrace(2): attaching, stops (signals, system calls, events, groups), registers, memory, options, errors, permissions;
// process_vm_readv(2), process_vm_writev(2), kcmp(2), /proc/[pid]/mem. Not checked: debug registers, SYSEMU's stepping.
#include "t.h"
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#define P(x) ret(#x, (x))
#define LOW(x) ((void *)(long)(x))
static long word = 0x1122334455667788;
static int s;
static pid_t c;
static long pt(int request, void *addr, void *data) { return syscall(SYS_ptrace, request, c, addr, data); }
static void stopped(const char *what) {
  pid_t w = waitpid(c, &s, __WALL);
  if (w != c) ret(what, w == -1 ? -1 : -2);
  else if (WIFSTOPPED(s)) show(what, "stopped by %s%s event %d", signame(WSTOPSIG(s) & 0x7f), WSTOPSIG(s) & 0x80 ? " (call)" : "", s >> 16);
  else status(what, s);
}
static struct user_regs_struct regs;
static long call(void) { pt(PTRACE_GETREGS, 0, &regs); return (long)regs.orig_rax; }
static void traced(void (*f)(void)) {
  c = fork();
  if (c == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    kill(getpid(), SIGSTOP);
    f();
    _exit(7);
  }
  waitpid(c, &s, 0);
}
static void finish(void) {
  kill(c, SIGKILL);
  while (waitpid(c, &s, __WALL) == c && !WIFSIGNALED(s) && !WIFEXITED(s)) pt(PTRACE_CONT, 0, 0);
}
static void nothing(void) {}
static volatile int hits;
static void count(int n) { hits += n; }
static void signals(void) {
  signal(SIGUSR1, count), signal(SIGUSR2, count);
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR2);
  kill(getpid(), SIGURG);
  _exit(hits);
}
static void calls(void) {
  syscall(SYS_getppid);
  syscall(SYS_getpgid, -5);
  _exit((int)syscall(SYS_getuid));
}
static void forks(void) {
  if (fork() == 0) _exit(1);
  wait(0);
  if (vfork() == 0) _exit(2);
  wait(0);
}
static void *thread(void *p) { return p; }
static void clones(void) {
  pthread_t t;
  pthread_create(&t, 0, thread, 0);
  pthread_join(t, 0);
  msleep(50);
}
static void execs(void) { execl("/bin/true", "true", (char *)0); }
static void traps(void) { __asm__ volatile("int3"); }
static void faults(void) { *(volatile int *)8 = 1; }
static void sleeps(void) { for (;;) pause(); }
static void naps(void) {
  struct timespec t = {0, 300000000};
  _exit(nanosleep(&t, 0) == 0 ? 5 : 6);
}

int main(void) {
  // errors
  c = getpid();
  ret("a bad request", pt(12345, 0, 0));
  ret("attach to itself", pt(PTRACE_ATTACH, 0, 0));
  c = 99999999;
  ret("attach to nobody", pt(PTRACE_ATTACH, 0, 0));
  ret("seize nobody", pt(PTRACE_SEIZE, 0, 0));
  c = fork();
  if (c == 0) sleeps();
  ret("peek at one who is not traced", pt(PTRACE_PEEKDATA, (void *)&word, &word));
  ret("continue one who is not traced", pt(PTRACE_CONT, 0, 0));
  ret("seize with an address", pt(PTRACE_SEIZE, (void *)1, 0));
  ret("seize with bad options", pt(PTRACE_SEIZE, 0, LOW(0x80000000)));
  finish();
  // traceme
  traced(nothing);
  show("TRACEME, SIGSTOP", "%s", signame(WSTOPSIG(s)));
  ret("no second stop", waitpid(c, &s, WNOHANG));
  ret("attach to a tracee", pt(PTRACE_ATTACH, 0, 0));
  long data = 0;
  ret("PEEKDATA", pt(PTRACE_PEEKDATA, (void *)&word, &data));
  show("the word", "%lx", data);
  ret("PEEKDATA, not aligned", pt(PTRACE_PEEKDATA, (char *)&word + 3, &data));
  ret("PEEKDATA nowhere", pt(PTRACE_PEEKDATA, (void *)8, &data));
  ret("PEEKTEXT", pt(PTRACE_PEEKTEXT, (void *)nothing, &data));
  ret("POKEDATA", pt(PTRACE_POKEDATA, (void *)&word, (void *)5));
  pt(PTRACE_PEEKDATA, (void *)&word, &data);
  show("the word then, and here", "%ld %lx", data, word);
  ret("POKEDATA nowhere", pt(PTRACE_POKEDATA, (void *)8, (void *)5));
  pt(PTRACE_PEEKTEXT, (void *)nothing, &data);
  ret("POKETEXT of what may not be written", pt(PTRACE_POKETEXT, (void *)nothing, (void *)data));
  ret("PEEKUSER", pt(PTRACE_PEEKUSER, LOW(offsetof(struct user, regs.rip)), &data));
  pt(PTRACE_GETREGS, 0, &regs);
  yes("is rip", (unsigned long)data == regs.rip);
  ret("PEEKUSER, not aligned", pt(PTRACE_PEEKUSER, LOW(3), &data));
  ret("PEEKUSER beyond", pt(PTRACE_PEEKUSER, LOW(100000), &data));
  ret("PEEKUSER of a debug register", pt(PTRACE_PEEKUSER, LOW(offsetof(struct user, u_debugreg[0])), &data));
  ret("POKEUSER", pt(PTRACE_POKEUSER, LOW(offsetof(struct user, regs.rbx)), (void *)0x1234));
  pt(PTRACE_GETREGS, 0, &regs);
  show("rbx", "%lx", regs.rbx);
  show("segments", "cs %lx ss %lx ds %lx", regs.cs, regs.ss, regs.ds);
  ret("SETREGS", pt(PTRACE_SETREGS, 0, &regs));
  regs.cs = 0;
  ret("SETREGS with another segment", pt(PTRACE_SETREGS, 0, &regs));
  struct user_fpregs_struct fp;
  ret("GETFPREGS", pt(PTRACE_GETFPREGS, 0, &fp));
  show("control words", "%x %x", fp.cwd, fp.mxcsr);
  fp.st_space[0] = 77;
  ret("SETFPREGS", pt(PTRACE_SETFPREGS, 0, &fp));
  struct iovec v = {&regs, sizeof regs};
  ret("GETREGSET", pt(PTRACE_GETREGSET, LOW(1), &v));
  show("length", "%zu", v.iov_len);
  v.iov_len = 16;
  ret("GETREGSET, part", pt(PTRACE_GETREGSET, LOW(1), &v));
  v.iov_len = 7;
  ret("GETREGSET, odd", pt(PTRACE_GETREGSET, LOW(1), &v));
  ret("GETREGSET of no set", pt(PTRACE_GETREGSET, LOW(99), &v));
  ret("SETOPTIONS, bad", pt(PTRACE_SETOPTIONS, 0, LOW(0x10000)));
  ret("SETOPTIONS", pt(PTRACE_SETOPTIONS, 0, 0));
  siginfo_t info;
  ret("GETSIGINFO", pt(PTRACE_GETSIGINFO, 0, &info));
  show("siginfo", "%s code %d from itself %d", signame(info.si_signo), info.si_code, info.si_pid == c);
  unsigned long mask;
  ret("GETSIGMASK, size", pt(PTRACE_GETSIGMASK, LOW(4), &mask));
  ret("GETSIGMASK", pt(PTRACE_GETSIGMASK, LOW(8), &mask));
  ret("INTERRUPT of one not seized", pt(PTRACE_INTERRUPT, 0, 0));
  ret("LISTEN to one not seized", pt(PTRACE_LISTEN, 0, 0));
  ret("a bad signal", pt(PTRACE_CONT, 0, LOW(1000)));
  ret("a bad request of a tracee", pt(12345, 0, 0));
  ret("CONT", pt(PTRACE_CONT, 0, 0));
  stopped("then");
  // signals: seen, suppressed, replaced
  traced(signals);
  pt(PTRACE_CONT, 0, 0);
  stopped("SIGUSR1");
  pt(PTRACE_GETSIGINFO, 0, &info);
  show("siginfo", "%s code %d", signame(info.si_signo), info.si_code);
  pt(PTRACE_CONT, 0, 0);
  stopped("suppressed; SIGUSR2");
  pt(PTRACE_CONT, 0, LOW(SIGUSR1));
  stopped("replaced; what is ignored");
  pt(PTRACE_CONT, 0, LOW(SIGURG));
  stopped("hits: once 10");
  traced(signals);
  pt(PTRACE_CONT, 0, LOW(SIGTERM));
  stopped("a deadly one instead of SIGSTOP");
  // system calls
  traced(calls);
  pt(PTRACE_SETOPTIONS, 0, LOW(PTRACE_O_TRACESYSGOOD));
  pt(PTRACE_SYSCALL, 0, 0);
  stopped("at a call");
  show("getppid", "%d rax %ld", call() == SYS_getppid, regs.rax);
  struct { uint8_t op; uint32_t arch; uint64_t ip, sp; union { struct { uint64_t nr, args[6]; } entry; struct { int64_t rval; uint8_t error; } exit; }; } i;
  memset(&i, 0, sizeof i);
  ret("GET_SYSCALL_INFO", pt(0x420e, LOW(sizeof i), &i));
  show("entry", "op %d arch %x ip %d sp %d", i.op, i.arch, i.ip == regs.rip, i.sp == regs.rsp);
  pt(PTRACE_GETEVENTMSG, 0, &data);
  show("message", "%ld", data);
  pt(PTRACE_SYSCALL, 0, 0);
  stopped("at its end");
  show("getppid", "%d %d", call() == SYS_getppid, (pid_t)regs.rax == getpid());
  ret("GET_SYSCALL_INFO", pt(0x420e, LOW(sizeof i), &i));
  show("exit", "op %d result %d error %d", i.op, i.exit.rval == getpid(), i.exit.error);
  ret("GET_SYSCALL_INFO, short", pt(0x420e, LOW(1), &i));
  pt(PTRACE_SYSCALL, 0, 0), waitpid(c, &s, 0);
  pt(0x420e, LOW(sizeof i), &i);
  show("the next", "op %d nr %d argument %d", i.op, i.entry.nr == SYS_getpgid, (int)i.entry.args[0]);
  pt(PTRACE_SYSCALL, 0, 0), waitpid(c, &s, 0);
  pt(0x420e, LOW(sizeof i), &i);
  show("fails", "op %d %lld error %d", i.op, (long long)i.exit.rval, i.exit.error);
  pt(PTRACE_SYSCALL, 0, 0);
  stopped("getuid");
  call();
  regs.orig_rax = SYS_getpid;
  pt(PTRACE_SETREGS, 0, &regs);
  pt(PTRACE_SYSCALL, 0, 0);
  stopped("made to be getpid");
  call();
  yes("is its pid", (pid_t)regs.rax == c);
  regs.rax = 42;
  pt(PTRACE_SETREGS, 0, &regs);
  pt(PTRACE_SYSCALL, 0, 0);
  stopped("exit_group");
  show("with a changed result", "%d %ld", call() == SYS_exit_group, regs.rdi);
  pt(PTRACE_SYSCALL, 0, 0);
  stopped("and is over");
  traced(calls);
  pt(PTRACE_SYSCALL, 0, 0), waitpid(c, &s, 0);
  show("without TRACESYSGOOD", "%d", WSTOPSIG(s));
  call();
  regs.orig_rax = -1;
  pt(PTRACE_SETREGS, 0, &regs);
  pt(PTRACE_SYSCALL, 0, 0), waitpid(c, &s, 0);
  call();
  show("a call that is not made", "%ld", regs.rax);
  ret("a signal at the end of a call", pt(PTRACE_CONT, 0, LOW(SIGTERM)));
  stopped("is sent");
  pt(PTRACE_CONT, 0, LOW(SIGTERM));
  stopped("and kills");
  // stepping, breakpoints, faults
  traced(nothing);
  int steps = 0;
  for (; steps < 20; steps++) {
    unsigned long before = (call(), regs.rip);
    pt(PTRACE_SINGLESTEP, 0, 0), waitpid(c, &s, 0);
    call();
    if (!WIFSTOPPED(s) || WSTOPSIG(s) != SIGTRAP || regs.rip == before) break;
  }
  show("steps of one instruction", "%d", steps);
  pt(PTRACE_GETSIGINFO, 0, &info);
  show("siginfo of a step", "%s code %d", signame(info.si_signo), info.si_code);
  finish();
  traced(traps);
  pt(PTRACE_CONT, 0, 0);
  stopped("int3");
  pt(PTRACE_GETSIGINFO, 0, &info);
  show("siginfo", "code %d", info.si_code);
  finish();
  traced(faults);
  pt(PTRACE_CONT, 0, 0);
  stopped("fault");
  pt(PTRACE_GETSIGINFO, 0, &info);
  show("siginfo", "code %d at %p", info.si_code, info.si_addr);
  pt(PTRACE_CONT, 0, LOW(SIGSEGV));
  stopped("dies of it");
  traced(nothing);
  long text;
  pt(PTRACE_PEEKTEXT, (void *)nothing, &text);
  pt(PTRACE_POKETEXT, (void *)nothing, LOW((text & ~0xffL) | 0xcc));
  pt(PTRACE_CONT, 0, 0);
  stopped("breakpoint");
  call();
  yes("is after it", regs.rip == (unsigned long)nothing + 1);
  yes("the parent's code is its own", *(unsigned char *)nothing != 0xcc);
  pt(PTRACE_POKETEXT, (void *)nothing, LOW(text));
  regs.rip--;
  pt(PTRACE_SETREGS, 0, &regs);
  pt(PTRACE_CONT, 0, 0);
  stopped("taken away");
  // events
  traced(forks);
  pt(PTRACE_SETOPTIONS, 0, LOW(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT));
  pt(PTRACE_CONT, 0, 0);
  stopped("fork");
  ret("GETEVENTMSG", pt(PTRACE_GETEVENTMSG, 0, &data));
  pid_t parent = c, child = (pid_t)data;
  yes("is the child", child > 0 && child != c);
  c = child;
  stopped("it is stopped");
  pt(PTRACE_CONT, 0, 0);
  stopped("its exit");
  pt(PTRACE_GETEVENTMSG, 0, &data);
  show("message", "%lx", data);
  pt(PTRACE_CONT, 0, 0);
  stopped("it is over");
  c = parent;
  pt(PTRACE_CONT, 0, 0);
  stopped("SIGCHLD");
  pt(PTRACE_CONT, 0, 0);
  stopped("vfork");
  pt(PTRACE_GETEVENTMSG, 0, &data);
  c = (pid_t)data;
  stopped("its child");
  pt(PTRACE_DETACH, 0, 0);
  c = parent;
  pt(PTRACE_CONT, 0, 0);
  stopped("vfork is done");
  pt(PTRACE_GETEVENTMSG, 0, &data);
  yes("message", data > child);
  finish();
  traced(clones);
  pt(PTRACE_SETOPTIONS, 0, LOW(PTRACE_O_TRACECLONE));
  pt(PTRACE_CONT, 0, 0);
  stopped("clone");
  pt(PTRACE_GETEVENTMSG, 0, &data);
  parent = c, c = (pid_t)data;
  stopped("the thread");
  pt(PTRACE_CONT, 0, 0);
  child = c, c = parent;
  pt(PTRACE_CONT, 0, 0);
  c = child;
  stopped("the thread ends");
  c = parent;
  stopped("and then its process");
  traced(execs);
  pt(PTRACE_CONT, 0, 0);
  stopped("execve");
  pt(PTRACE_GETSIGINFO, 0, &info);
  show("siginfo", "%s code %d from itself %d", signame(info.si_signo), info.si_code, info.si_pid == c);
  pt(PTRACE_CONT, 0, 0);
  stopped("then");
  traced(execs);
  pt(PTRACE_SETOPTIONS, 0, LOW(PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD));
  pt(PTRACE_CONT, 0, 0);
  stopped("execve as an event");
  pt(PTRACE_GETEVENTMSG, 0, &data);
  yes("message", data == c);
  pt(PTRACE_SYSCALL, 0, 0);
  stopped("its end");
  show("result", "%d %ld", call() == SYS_execve, regs.rax);
  finish();
  // attaching
  c = fork();
  if (c == 0) sleeps();
  msleep(30);
  ret("ATTACH", pt(PTRACE_ATTACH, 0, 0));
  stopped("SIGSTOP");
  show("in a call", "%d rax %ld", call() == SYS_pause, regs.rax);
  ret("DETACH", pt(PTRACE_DETACH, 0, 0));
  ret("again", pt(PTRACE_DETACH, 0, 0));
  ret("SEIZE", pt(PTRACE_SEIZE, 0, LOW(PTRACE_O_TRACESYSGOOD)));
  ret("it does not stop", waitpid(c, &s, WNOHANG));
  ret("nor can be looked at", pt(PTRACE_GETREGS, 0, &regs));
  ret("INTERRUPT", pt(PTRACE_INTERRUPT, 0, 0));
  stopped("stops");
  pt(PTRACE_GETSIGINFO, 0, &info);
  show("siginfo", "%s code %x", signame(info.si_signo), info.si_code);
  ret("CONT", pt(PTRACE_CONT, 0, 0));
  kill(c, SIGSTOP);
  stopped("SIGSTOP to it");
  pt(PTRACE_CONT, 0, LOW(SIGSTOP));
  stopped("the stop of the group");
  ret("LISTEN", pt(PTRACE_LISTEN, 0, 0));
  ret("cannot be looked at", pt(PTRACE_GETREGS, 0, &regs));
  kill(c, SIGCONT);
  stopped("SIGCONT is heard");
  pt(PTRACE_CONT, 0, 0);
  stopped("SIGCONT itself");
  pt(PTRACE_DETACH, 0, LOW(SIGTERM));
  waitpid(c, &s, 0);
  status("detached with SIGTERM", s);
  c = fork();
  if (c == 0) sleeps();
  kill(c, SIGSTOP);
  waitpid(c, &s, WUNTRACED);
  ret("ATTACH to one who is stopped", pt(PTRACE_ATTACH, 0, 0));
  stopped("then");
  pt(PTRACE_CONT, 0, 0);
  kill(c, SIGKILL);
  stopped("SIGKILL");
  c = fork();
  if (c == 0) naps();
  msleep(50);
  pt(PTRACE_SEIZE, 0, 0), pt(PTRACE_INTERRUPT, 0, 0);
  stopped("in the middle of nanosleep");
  msleep(50);
  pt(PTRACE_CONT, 0, 0);
  stopped("it goes on");
  // the tracer ends
  int up[2];
  pipe(up);
  pid_t tracer = fork();
  if (tracer == 0) {
    c = fork();
    if (c == 0) { close(up[0]); sleeps(); }
    pt(PTRACE_SEIZE, 0, LOW(PTRACE_O_EXITKILL));
    _exit(0);
  }
  close(up[1]);
  waitpid(tracer, 0, 0);
  char ch;
  ret("EXITKILL", read(up[0], &ch, 1));
  // other ways in
  static char local[64], remote[64] = "theirs";
  c = fork();
  if (c == 0) {
    strcpy(remote, "child's");
    sleeps();
  }
  msleep(30);
  struct iovec l[2] = {{local, 4}, {local + 10, 20}}, r[2] = {{remote, 3}, {remote + 3, 5}};
  ret("process_vm_readv", process_vm_readv(c, l, 2, r, 2, 0));
  show("read", "%.4s %.4s", local, local + 10);
  l[0] = (struct iovec){"written", 8}, r[0] = (struct iovec){remote, 8};
  ret("process_vm_writev", process_vm_writev(c, l, 1, r, 1, 0));
  l[0] = (struct iovec){local, 8};
  process_vm_readv(c, l, 1, r, 1, 0);
  show("read back", "%s; here %s", local, remote);
  ret("flags", process_vm_readv(c, l, 1, r, 1, 1));
  ret("nobody", process_vm_readv(99999999, l, 1, r, 1, 0));
  ret("nothing local", process_vm_readv(c, l, 0, r, 1, 0));
  ret("nothing remote", process_vm_readv(c, l, 1, r, 0, 0));
  ret("too many", process_vm_readv(c, l, 1025, r, 1, 0));
  r[0].iov_base = (void *)8;
  ret("bad remote address", process_vm_readv(c, l, 1, r, 1, 0));
  r[0].iov_base = (void *)nothing;
  ret("code is not written", process_vm_writev(c, l, 1, r, 1, 0));
  r[0].iov_base = remote, r[1] = (struct iovec){(void *)8, 4};
  l[0].iov_len = 64;
  ret("as far as it goes", process_vm_readv(c, l, 1, r, 2, 0));
  char path[40];
  snprintf(path, sizeof path, "/proc/%d/mem", c);
  int fd = open(path, O_RDWR);
  ok("/proc/pid/mem", fd);
  memset(local, 0, sizeof local);
  ret("pread", pread(fd, local, 8, (long)remote));
  show("read", "%s", local);
  ret("pwrite", pwrite(fd, "by file", 8, (long)remote));
  ret("pread nowhere", pread(fd, local, 8, 8));
  ret("write to code", pwrite(fd, (void *)nothing, 1, (long)nothing));
  ret("kcmp of files", syscall(SYS_kcmp, getpid(), c, 0, 1, 1));
  ret("kcmp of itself", syscall(SYS_kcmp, getpid(), getpid(), 0, 1, 1));
  yes("kcmp of memory", syscall(SYS_kcmp, getpid(), c, 1, 0, 0) > 0);
  ret("kcmp of its own memory", syscall(SYS_kcmp, c, c, 1, 0, 0));
  yes("kcmp of tables", syscall(SYS_kcmp, getpid(), c, 2, 0, 0) > 0);
  yes("kcmp of handlers", syscall(SYS_kcmp, getpid(), c, 4, 0, 0) > 0);
  P(syscall(SYS_kcmp, getpid(), 99999999, 0, 1, 1));
  P(syscall(SYS_kcmp, getpid(), getpid(), 0, 1, 999));
  P(syscall(SYS_kcmp, getpid(), getpid(), 99, 0, 0));
  if (fork() == 0) {
    if (setgid(1000) || setuid(1000)) _exit(1);
    ret("another user: ATTACH", pt(PTRACE_ATTACH, 0, 0));
    ret("another user: process_vm_readv", process_vm_readv(c, l, 1, r, 1, 0));
    ret("another user: kcmp", syscall(SYS_kcmp, getpid(), c, 1, 0, 0));
    ret("another user: /proc/pid/mem", open(path, O_RDONLY));
    _exit(0);
  }
  wait(0);
  kill(c, SIGKILL);
  waitpid(c, 0, 0);
}
