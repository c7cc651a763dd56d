// seccomp(2) and prctl(PR_SET_SECCOMP): strict mode, filters and what they answer, the checks of filters, inheritance,
// threads. Not checked: the log; unotify.c has SECCOMP_RET_USER_NOTIF.
#include "t.h"
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <ucontext.h>
#define P(x) ret(#x, (x))
struct insn { uint16_t code; uint8_t jt, jf; uint32_t k; };
struct prog { unsigned short len; struct insn *filter; };
enum { LD = 0, LDX = 1, ST = 2, STX = 3, ALU = 4, JMP = 5, RET = 6, MISC = 7, ABS = 0x20, IMM = 0, LEN = 0x80, MEM = 0x60,
  ADD = 0, SUB = 0x10, MUL = 0x20, DIV = 0x30, OR = 0x40, AND = 0x50, LSH = 0x60, RSH = 0x70, NEG = 0x80, XOR = 0xa0,
  JA = 0, JEQ = 0x10, JGT = 0x20, JGE = 0x30, JSET = 0x40, X = 8, A = 0x10, TAX = 0, TXA = 0x80 };
#define ALLOW 0x7fff0000
#define KILL_PROCESS 0x80000000
#define TRAP 0x30000
#define ERRNO 0x50000
#define TRACE 0x7ff00000
#define LOG 0x7ffc0000
static long install(struct insn *f, int n, int flags) {
  struct prog p = {(unsigned short)n, f};
  return syscall(SYS_seccomp, 1, flags, &p);
}
#define N(f) (int)(sizeof f / sizeof *f)
static int s;
// Answers `what` for the call `nr`, and lets all else pass.
static long answer(int nr, uint32_t what) {
  struct insn f[] = {{LD | ABS, 0, 0, 0}, {JMP | JEQ, 0, 1, (uint32_t)nr}, {RET, 0, 0, what}, {RET, 0, 0, ALLOW}};
  return install(f, N(f), 0);
}
static void run(const char *what, void (*f)(void)) {
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    f();
    _exit(0);
  }
  waitpid(c, &s, 0);
  s &= ~0x80;
  status(what, s);
}
static void strict(void) {
  ret("strict", prctl(PR_SET_SECCOMP, 1, 0, 0, 0));
  write(1, "may write = yes\n", 16);
  syscall(SYS_exit, 3);
}
static void strict_breach(void) {
  syscall(SYS_seccomp, 0, 0, 0);
  syscall(SYS_getpid);
}
static void strict_group(void) {
  syscall(SYS_seccomp, 0, 0, 0);
  syscall(SYS_exit_group, 0);
}
static void kills(void) { answer(SYS_getppid, KILL_PROCESS), syscall(SYS_getppid); }
static void kills_thread(void) { answer(SYS_getppid, 0), syscall(SYS_getppid); }
static void errs(void) {
  answer(SYS_getppid, ERRNO | ENOTTY);
  P(syscall(SYS_getppid));
  answer(SYS_getppid, ERRNO | 0);
  ret("the older answer counts as much", syscall(SYS_getppid));
  answer(SYS_getpgrp, ERRNO | 0);
  P(syscall(SYS_getpgrp));
  answer(SYS_getsid, ERRNO | 0xffff);
  show("errno is at most", "%ld %d", syscall(SYS_getsid, 0), errno);
  yes("others pass", syscall(SYS_getpid) == getpid());
  answer(SYS_getuid, LOG);
  P(syscall(SYS_getuid));
  answer(SYS_getuid, TRACE);
  ret("RET_TRACE without a tracer", syscall(SYS_getuid));
  ret("PR_GET_SECCOMP", prctl(PR_GET_SECCOMP));
  if (fork() == 0) {
    ret("inherited by fork", syscall(SYS_getsid, 0));
    _exit(0);
  }
  wait(0);
  ret("strict after a filter", prctl(PR_SET_SECCOMP, 1, 0, 0, 0));
}
static void trapped(int n, siginfo_t *i, void *c) {
  show("SIGSYS", "%s code %d errno %d call %d arch %x", signame(n), i->si_code, i->si_errno, i->si_syscall == SYS_getppid, i->si_arch);
  ucontext_t *u = c;
  yes("the address", (greg_t)i->si_call_addr == u->uc_mcontext.gregs[REG_RIP]);
  show("the number", "%d", u->uc_mcontext.gregs[REG_RAX] == SYS_getppid);
  u->uc_mcontext.gregs[REG_RAX] = 77;
}
static void traps(void) {
  struct sigaction a = {0};
  a.sa_sigaction = trapped, a.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &a, 0);
  answer(SYS_getppid, TRAP | 9);
  ret("RET_TRAP", syscall(SYS_getppid));
}
static void traps_default(void) { answer(SYS_getppid, TRAP), syscall(SYS_getppid); }
static void execs(void) {
  answer(SYS_getuid, ERRNO | EDOM);
  execl("/proc/self/exe", "seccomp", "x", (char *)0);
}
static void stricter(void) {
  answer(SYS_getppid, ERRNO | EDOM);
  answer(SYS_getppid, ALLOW);
  ret("a later permission", syscall(SYS_getppid));
  answer(SYS_getppid, KILL_PROCESS);
  syscall(SYS_getppid);
}
// Arguments and arithmetic: each program gives its result as an errno.
static long compute(const char *what, struct insn *f, int n) {
  struct insn all[40] = {{LD | ABS, 0, 0, 0}, {JMP | JEQ, 1, 0, SYS_getpgid}, {RET, 0, 0, ALLOW}};
  memcpy(all + 3, f, (size_t)n * sizeof *f);
  all[3 + n] = (struct insn){ALU | OR, 0, 0, ERRNO}, all[4 + n] = (struct insn){RET | A, 0, 0, 0};
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    if (install(all, n + 5, 0)) {
      ret(what, -1);
      _exit(1);
    }
    long r = syscall(SYS_getpgid, 0x1234567890L, 5);
    show(what, "%ld %d", r, errno);
    _exit(0);
  }
  return waitpid(c, &s, 0);
}
#define C(what, ...) do { struct insn f[] = {__VA_ARGS__}; compute(what, f, N(f)); } while (0)
#define BAD(what, ...) do { struct insn f[] = {__VA_ARGS__}; ret(what, install(f, N(f), 0)); } while (0)
static void *in_thread(void *p) { *(long *)p = syscall(SYS_getppid); *((long *)p + 1) = errno; return p; }
static volatile int go;
static void *waits(void *p) {
  while (!go) msleep(1);
  return in_thread(p);
}
static void threads(void) {
  pthread_t t;
  long r[2];
  answer(SYS_getppid, ERRNO | EDOM);
  pthread_create(&t, 0, in_thread, r), pthread_join(t, 0);
  show("inherited by a thread", "%ld %s", r[0], errname((int)r[1]));
  pthread_create(&t, 0, waits, r);
  struct insn f[] = {{LD | ABS, 0, 0, 0}, {JMP | JEQ, 0, 1, SYS_getppid}, {RET, 0, 0, ERRNO | EXDEV}, {RET, 0, 0, ALLOW}};
  ret("FILTER_FLAG_TSYNC", install(f, N(f), 1));
  go = 1;
  pthread_join(t, 0);
  show("the other thread has it", "%ld %s", r[0], errname((int)r[1]));
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    ret("kept by execve", syscall(SYS_getuid));
    return 0;
  }
  P(prctl(PR_GET_SECCOMP));
  P(syscall(SYS_seccomp, 0, 1, 0));
  P(syscall(SYS_seccomp, 0, 0, 8));
  P(syscall(SYS_seccomp, 99, 0, 0));
  P(syscall(SYS_seccomp, 1, 0x1000, 0));
  P(syscall(SYS_seccomp, 1, 0, 0));
  P(syscall(SYS_seccomp, 1, 0, 8));
  P(prctl(PR_SET_SECCOMP, 3, 0, 0, 0));
  P(prctl(PR_SET_SECCOMP, 2, 0, 0, 0));
  uint32_t actions[] = {KILL_PROCESS, 0, TRAP, ERRNO, TRACE, LOG, ALLOW, 0x12340000};
  for (int i = 0; i < 8; i++) {
    char what[40];
    snprintf(what, sizeof what, "action %x", actions[i]);
    ret(what, syscall(SYS_seccomp, 2, 0, &actions[i]));
  }
  P(syscall(SYS_seccomp, 2, 1, &actions[0]));
  P(syscall(SYS_seccomp, 2, 0, 8));
  run("strict mode", strict);
  run("another call in strict mode", strict_breach);
  run("exit_group in strict mode", strict_group);
  run("RET_KILL_PROCESS", kills);
  run("RET_KILL_THREAD", kills_thread);
  run("RET_ERRNO", errs);
  run("RET_TRAP", traps);
  run("RET_TRAP without a handler", traps_default);
  run("execve", execs);
  run("several filters", stricter);
  run("threads", threads);
  // programs that are none
  struct insn ok_filter = {RET, 0, 0, ALLOW};
  ret("no instructions", install(&ok_filter, 0, 0));
  ret("too many", install(&ok_filter, 4097, 0));
  BAD("no return at the end", {LD | ABS, 0, 0, 0});
  BAD("load beyond the data", {LD | ABS, 0, 0, 64}, {RET, 0, 0, ALLOW});
  BAD("load that is not aligned", {LD | ABS, 0, 0, 3}, {RET, 0, 0, ALLOW});
  BAD("load of a byte", {LD | ABS | 0x10, 0, 0, 0}, {RET, 0, 0, ALLOW});
  BAD("division by 0", {ALU | DIV, 0, 0, 0}, {RET, 0, 0, ALLOW});
  BAD("shift by 32", {ALU | LSH, 0, 0, 32}, {RET, 0, 0, ALLOW});
  BAD("modulus", {ALU | 0x90, 0, 0, 3}, {RET, 0, 0, ALLOW});
  BAD("jump beyond the end", {JMP | JA, 0, 0, 1}, {RET, 0, 0, ALLOW});
  BAD("branch beyond the end", {JMP | JEQ, 0, 9, 1}, {RET, 0, 0, ALLOW});
  BAD("memory beyond its end", {ST, 0, 0, 16}, {RET, 0, 0, ALLOW});
  BAD("memory that was not stored to", {LD | MEM, 0, 0, 3}, {RET, 0, 0, ALLOW});
  BAD("no instruction at all", {0xffff, 0, 0, 0}, {RET, 0, 0, ALLOW});
  // what they compute
  C("immediate", {LD | IMM, 0, 0, 7});
  C("length", {LD | LEN, 0, 0, 0});
  C("lower half of an argument", {LD | ABS, 0, 0, 16}, {ALU | AND, 0, 0, 0xff});
  C("upper half", {LD | ABS, 0, 0, 20});
  C("the second argument", {LD | ABS, 0, 0, 24});
  C("architecture", {LD | ABS, 0, 0, 4}, {ALU | AND, 0, 0, 0xfff});
  C("add", {LD | IMM, 0, 0, 7}, {ALU | ADD, 0, 0, 4});
  C("sub", {LD | IMM, 0, 0, 7}, {ALU | SUB, 0, 0, 4});
  C("mul", {LD | IMM, 0, 0, 7}, {ALU | MUL, 0, 0, 4});
  C("div", {LD | IMM, 0, 0, 30}, {ALU | DIV, 0, 0, 4});
  C("and", {LD | IMM, 0, 0, 7}, {ALU | AND, 0, 0, 12});
  C("or", {LD | IMM, 0, 0, 3}, {ALU | OR, 0, 0, 12});
  C("xor", {LD | IMM, 0, 0, 7}, {ALU | XOR, 0, 0, 12});
  C("lsh", {LD | IMM, 0, 0, 7}, {ALU | LSH, 0, 0, 3});
  C("rsh of the highest bit", {LD | IMM, 0, 0, 0x80000000}, {ALU | RSH, 0, 0, 26});
  C("neg", {LD | IMM, 0, 0, -9u}, {ALU | NEG, 0, 0, 0});
  C("add overflows", {LD | IMM, 0, 0, -1u}, {ALU | ADD, 0, 0, 6});
  C("X", {LDX | IMM, 0, 0, 9}, {LD | IMM, 0, 0, 2}, {ALU | MUL | X, 0, 0, 0});
  C("division by an X of 0", {LDX | IMM, 0, 0, 0}, {LD | IMM, 0, 0, 2}, {ALU | DIV | X, 0, 0, 0}, {LD | IMM, 0, 0, 5});
  C("tax, txa", {LD | IMM, 0, 0, 8}, {MISC | TAX, 0, 0, 0}, {LD | IMM, 0, 0, 1}, {MISC | TXA, 0, 0, 0});
  C("memory", {LD | IMM, 0, 0, 21}, {ST, 0, 0, 15}, {LD | IMM, 0, 0, 1}, {LD | MEM, 0, 0, 15});
  C("memory by X", {LDX | IMM, 0, 0, 22}, {STX, 0, 0, 3}, {LD | MEM, 0, 0, 3});
  C("jgt is unsigned", {LD | IMM, 0, 0, -1u}, {JMP | JGT, 1, 0, 1}, {LD | IMM, 0, 0, 1}, {ALU | AND, 0, 0, 15});
  C("jge", {LD | IMM, 0, 0, 5}, {JMP | JGE, 1, 0, 5}, {LD | IMM, 0, 0, 1});
  C("jset", {LD | IMM, 0, 0, 6}, {JMP | JSET, 1, 0, 2}, {LD | IMM, 0, 0, 1});
  C("jeq X", {LDX | IMM, 0, 0, 6}, {LD | IMM, 0, 0, 6}, {JMP | JEQ | X, 1, 0, 0}, {LD | IMM, 0, 0, 1});
  C("ja", {LD | IMM, 0, 0, 4}, {JMP | JA, 0, 0, 1}, {LD | IMM, 0, 0, 1});
  if (fork() == 0) {
    if (setuid(1000)) _exit(1);
    ret("without privileges", answer(SYS_getppid, ALLOW));
    P(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    ret("but none can be had", answer(SYS_getppid, ALLOW));
    _exit(0);
  }
  wait(0);
}
